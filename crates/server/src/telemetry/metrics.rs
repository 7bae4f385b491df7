//! Counters, gauges and histograms as Prometheus text (exposition format 0.0.4).
//!
//! Labels of the public methods are `&'static str` on both sides, or the checked name of a connection: what a request brought cannot
//! become a label. Recording is a few atomic additions; only rendering and the first use of a label set take a lock.

use aceso_connect::pattern::ConnectionId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// A counter's name (ends in `_total`) and what it counts.
#[derive(Debug)]
pub struct CounterDef {
    /// Prometheus name.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
}

/// A gauge's name and what it shows.
#[derive(Debug)]
pub struct GaugeDef {
    /// Prometheus name, base unit at its end.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
}

/// A histogram's name, meaning and upper bounds.
#[derive(Debug)]
pub struct HistogramDef {
    /// Prometheus name, base unit at its end.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    /// Upper bounds in that unit, rising; `+Inf` is added.
    pub bounds: &'static [f64],
}

/// Only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// `count` more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes over a total that is counted elsewhere and only goes up.
    pub fn raise_to(&self, total: u64) {
        self.0.fetch_max(total, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds (negative: takes away).
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts observations by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for what is beyond the last; not cumulated.
    buckets: Box<[AtomicU64]>,
    /// Sum in billionths of the unit, so that it can be added atomically.
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Counts a duration, for a histogram in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.count(duration.as_secs_f64(), u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a value of zero or more.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is what is meant")]
    pub fn observe(&self, value: f64) {
        self.count(value, (value * 1e9) as u64);
    }

    fn count(&self, value: f64, billionths: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(billionths, Ordering::Relaxed);
    }
}

/// Name and value of each label.
pub(super) type Labels = Vec<(&'static str, Cow<'static, str>)>;

struct Family<T> {
    help: &'static str,
    members: BTreeMap<Labels, Arc<T>>,
}

type Families<T> = RwLock<BTreeMap<&'static str, Family<T>>>;

type AtScrape = Box<dyn Fn(&Metrics) + Send>;
type Sampler = Box<dyn Fn() -> Vec<Sampled> + Send>;

/// Figures of one name that are kept elsewhere and looked up at each scrape; what is no longer there is no longer shown.
#[derive(Debug)]
pub struct Sampled {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    samples: BTreeMap<Labels, i64>,
}

impl Sampled {
    /// A counter, without values so far.
    #[must_use]
    pub const fn counter(def: &CounterDef) -> Self {
        Self { name: def.name, help: def.help, kind: "counter", samples: BTreeMap::new() }
    }

    /// A gauge, without values so far.
    #[must_use]
    pub const fn gauge(def: &GaugeDef) -> Self {
        Self { name: def.name, help: def.help, kind: "gauge", samples: BTreeMap::new() }
    }

    /// The value of a connection, by a further label where there is one.
    pub fn of_connection(&mut self, name: &ConnectionId, further: Option<(&'static str, &'static str)>, value: i64) {
        let further = further.map(|(label, word)| (label, Cow::Borrowed(word)));
        let labels = std::iter::once(("connection", Cow::Owned(name.to_string()))).chain(further).collect();
        self.samples.insert(labels, value);
    }
}

/// All metrics of a process. Given to whoever measures; there is no global one.
#[derive(Default)]
pub struct Metrics {
    counters: Families<Counter>,
    gauges: Families<Gauge>,
    histograms: Families<Histogram>,
    at_scrape: Mutex<Vec<AtScrape>>,
    samplers: Mutex<Vec<Sampler>>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// An empty set, with the figures of this process (memory, CPU, open files) read at each scrape.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self::default();
        metrics.at_scrape(super::process::update);
        metrics
    }

    /// The counter with these labels; made at the first call. Keep the `Arc` where speed counts.
    pub fn counter(&self, def: &CounterDef, labels: &[(&'static str, &'static str)]) -> Arc<Counter> {
        member(&self.counters, def.name, def.help, fixed(labels), Counter::default)
    }

    /// The gauge with these labels.
    pub fn gauge(&self, def: &GaugeDef, labels: &[(&'static str, &'static str)]) -> Arc<Gauge> {
        member(&self.gauges, def.name, def.help, fixed(labels), Gauge::default)
    }

    /// The histogram with these labels.
    pub fn histogram(&self, def: &HistogramDef, labels: &[(&'static str, &'static str)]) -> Arc<Histogram> {
        self.histogram_labelled(def, fixed(labels))
    }

    /// For labels that are templates of the router: known only at run time, but still spelled out by the code.
    pub(super) fn histogram_labelled(&self, def: &HistogramDef, labels: Labels) -> Arc<Histogram> {
        member(&self.histograms, def.name, def.help, labels, || Histogram::new(def.bounds))
    }

    /// Runs `update` before each rendering, for figures that are looked up and not counted.
    pub fn at_scrape(&self, update: impl Fn(&Metrics) + Send + 'static) {
        self.at_scrape.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(update));
    }

    /// Shows what `sampler` gives at each rendering. Its names are nobody else's.
    pub fn sampled(&self, sampler: impl Fn() -> Vec<Sampled> + Send + 'static) {
        self.samplers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(sampler));
    }

    /// Everything as Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        for update in self.at_scrape.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            update(self);
        }
        let mut out = String::with_capacity(8192);
        render_families(&mut out, &self.counters, "counter", |out, name, labels, counter| {
            let _ = writeln!(out, "{name}{} {}", braces(labels, None), counter.get());
        });
        render_families(&mut out, &self.gauges, "gauge", |out, name, labels, gauge| {
            let _ = writeln!(out, "{name}{} {}", braces(labels, None), gauge.get());
        });
        render_families(&mut out, &self.histograms, "histogram", render_histogram);
        let samplers = self.samplers.lock().unwrap_or_else(PoisonError::into_inner);
        for Sampled { name, help, kind, samples } in samplers.iter().flat_map(|sampler| sampler()) {
            if !samples.is_empty() {
                let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            }
            for (labels, value) in samples {
                let _ = writeln!(out, "{name}{} {value}", braces(&labels, None));
            }
        }
        out
    }
}

fn fixed(labels: &[(&'static str, &'static str)]) -> Labels {
    labels.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect()
}

fn member<T>(
    families: &Families<T>,
    name: &'static str,
    help: &'static str,
    labels: Labels,
    make: impl FnOnce() -> T,
) -> Arc<T> {
    if let Some(found) =
        families.read().unwrap_or_else(PoisonError::into_inner).get(name).and_then(|family| family.members.get(&labels))
    {
        return Arc::clone(found);
    }
    let mut families = families.write().unwrap_or_else(PoisonError::into_inner);
    let family = families.entry(name).or_insert_with(|| Family { help, members: BTreeMap::new() });
    Arc::clone(family.members.entry(labels).or_insert_with(|| Arc::new(make())))
}

fn render_families<T>(
    out: &mut String,
    families: &Families<T>,
    kind: &str,
    each: impl Fn(&mut String, &str, &Labels, &T),
) {
    for (name, family) in families.read().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
        for (labels, item) in &family.members {
            each(out, name, labels, item);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sum of seconds as a float is what the format has")]
fn render_histogram(out: &mut String, name: &str, labels: &Labels, histogram: &Histogram) {
    let mut total = 0;
    let bounds = histogram.bounds.iter().map(ToString::to_string).chain(std::iter::once("+Inf".to_owned()));
    for (bound, bucket) in bounds.zip(histogram.buckets.iter()) {
        total += bucket.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{} {total}", braces(labels, Some(&bound)));
    }
    let sum = histogram.sum.load(Ordering::Relaxed) as f64 / 1e9;
    let _ = writeln!(out, "{name}_sum{} {sum}\n{name}_count{} {total}", braces(labels, None), braces(labels, None));
}

fn braces(labels: &Labels, bound: Option<&str>) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let mut all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    all.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: CounterDef = CounterDef { name: "seen_total", help: "Things seen." };
    const TOOK: HistogramDef = HistogramDef { name: "took_seconds", help: "Time taken.", bounds: &[0.001, 0.5] };

    #[test]
    fn the_same_labels_lead_to_the_same_counter() {
        let metrics = Metrics::default();
        metrics.counter(&SEEN, &[("kind", "a")]).add(2);
        metrics.counter(&SEEN, &[("kind", "a")]).increment();
        metrics.counter(&SEEN, &[("kind", "b")]).increment();
        assert_eq!(
            metrics.render(),
            "# HELP seen_total Things seen.\n# TYPE seen_total counter\nseen_total{kind=\"a\"} 3\nseen_total{kind=\"b\"} 1\n"
        );
    }

    #[test]
    fn a_histogram_cumulates_and_puts_a_value_on_its_bound_into_that_bucket() {
        let metrics = Metrics::default();
        let took = metrics.histogram(&TOOK, &[]);
        took.observe_duration(Duration::from_millis(1));
        took.observe(0.25);
        took.observe(2.0);
        assert_eq!(
            metrics.render(),
            "# HELP took_seconds Time taken.\n# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"0.001\"} 1\n\
             took_seconds_bucket{le=\"0.5\"} 2\ntook_seconds_bucket{le=\"+Inf\"} 3\ntook_seconds_sum 2.251\ntook_seconds_count 3\n"
        );
    }

    #[test]
    fn figures_that_are_looked_up_come_and_go_with_what_they_are_of() {
        const OPEN: GaugeDef = GaugeDef { name: "open", help: "Things open." };
        let metrics = Metrics::default();
        let names = Arc::new(Mutex::new(vec!["b", "a"]));
        let there = Arc::clone(&names);
        metrics.sampled(move || {
            let mut open = Sampled::gauge(&OPEN);
            for name in there.lock().unwrap().iter() {
                open.of_connection(&ConnectionId::parse(name).unwrap(), Some(("what", "door")), 3);
            }
            vec![open]
        });
        let line = |name: &str| format!("open{{connection=\"{name}\",what=\"door\"}} 3\n");
        let head = "# HELP open Things open.\n# TYPE open gauge\n";
        assert_eq!(metrics.render(), format!("{head}{}{}", line("a"), line("b")));
        names.lock().unwrap().pop();
        assert_eq!(metrics.render(), format!("{head}{}", line("b")));
        names.lock().unwrap().pop();
        assert_eq!(metrics.render(), "");
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(braces(&vec![("route", Cow::Borrowed("a\"b\\c"))], None), "{route=\"a\\\"b\\\\c\"}");
    }
}
