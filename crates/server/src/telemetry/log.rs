//! The log: one line an event on standard error, with listed fields only.
//!
//! A layer cannot take fields away from another layer, so this one does the writing itself.

use super::fields::{FieldKind, kind_of, may_show};
use crate::config::LogFormat;
use aceso_base::Clock;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Makes this process log to standard error, once and for all.
///
/// # Errors
/// When the process already logs.
pub fn install(
    format: LogFormat,
    level: Level,
    clock: Arc<dyn Clock>,
) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    let layer = LogLayer::new(format, level, clock, Box::new(std::io::stderr()));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
}

/// From now on a panic tells its place in the source and nothing else: its message can hold a value.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let line = panic_line(info.location().map(|at| (at.file(), at.line())));
        // Standard error gone: there is no one left to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }));
}

fn panic_line(location: Option<(&str, u32)>) -> String {
    let (file, line) = location.unwrap_or(("unknown", 0));
    let mut parts: Vec<&str> = file.rsplit('/').take(3).collect();
    parts.reverse();
    format!(
        "{{\"level\":\"error\",\"event\":\"panic\",\"file\":\"{}\",\"line\":{line}}}\n",
        parts.join("/").replace(['"', '\\'], "?")
    )
}

/// Writes events of our own crates. From other crates only level and target are written, and only warnings and errors: their
/// texts are not ours to vouch for.
pub struct LogLayer {
    format: LogFormat,
    level: Level,
    clock: Arc<dyn Clock>,
    out: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for LogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLayer").field("format", &self.format).field("level", &self.level).finish_non_exhaustive()
    }
}

impl LogLayer {
    /// A layer that writes to `out`.
    #[must_use]
    pub fn new(format: LogFormat, level: Level, clock: Arc<dyn Clock>, out: Box<dyn Write + Send>) -> Self {
        Self { format, level, clock, out: Mutex::new(out) }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let least = if is_ours(metadata) { self.level } else { self.level.min(Level::WARN) };
        *metadata.level() <= least
    }

    fn line(&self, metadata: &Metadata<'_>, fields: &Fields) -> String {
        let now = self.clock.now();
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => "debug",
        };
        let message = fields.message.as_deref().unwrap_or("");
        let mut line = String::with_capacity(160);
        // Writing to a String cannot fail.
        let _ = match self.format {
            LogFormat::Json => {
                write!(line, "{{\"ts\":\"{now}\",\"level\":\"{level}\",\"target\":\"{}\"", metadata.target())
            }
            LogFormat::Text => write!(line, "{level:>5} {message}"),
        };
        if self.format == LogFormat::Json && !message.is_empty() {
            let _ = write!(line, ",\"message\":{}", serde_json::Value::from(message));
        }
        for (name, value) in &fields.shown {
            let _ = match (self.format, value) {
                (LogFormat::Json, Shown::Plain(value)) => write!(line, ",\"{name}\":{value}"),
                (LogFormat::Json, Shown::Text(value)) => write!(line, ",\"{name}\":\"{value}\""),
                (LogFormat::Text, Shown::Plain(value) | Shown::Text(value)) => write!(line, " {name}={value}"),
            };
        }
        if fields.dropped > 0 && self.format == LogFormat::Json {
            let _ = write!(line, ",\"dropped\":{}", fields.dropped);
        }
        line.push_str(if self.format == LogFormat::Json { "}\n" } else { "\n" });
        line
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("aceso")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::from_level(self.level))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        if is_ours(event.metadata()) {
            for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
                if let Some(outer) = span.extensions().get::<Fields>() {
                    fields.shown.extend(outer.shown.iter().cloned());
                }
            }
            event.record(&mut fields);
        }
        let line = self.line(event.metadata(), &fields);
        // A log that cannot be written must not stop the work; the audit log is another thing.
        let _ = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

#[derive(Clone)]
enum Shown {
    Plain(String),
    Text(String),
}

/// Collects what may be shown and counts what may not.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    shown: Vec<(&'static str, Shown)>,
    dropped: u32,
}

impl Fields {
    fn number(&mut self, field: &Field, value: String) {
        match kind_of(field.name()) {
            Some(FieldKind::Number) => self.shown.push((field.name(), Shown::Plain(value))),
            _ => self.dropped += 1,
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let mut literal = Literal::default();
            if write!(literal, "{value:?}").is_ok() && literal.pieces == 1 && is_sentence(&literal.text) {
                self.message = Some(literal.text);
                return;
            }
            self.dropped += 1;
            return;
        }
        match kind_of(field.name()) {
            Some(FieldKind::Word | FieldKind::Id) => {
                let text = format!("{value:?}");
                self.record_str(field, &text);
            }
            _ => self.dropped += 1,
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match kind_of(field.name()) {
            Some(kind) if may_show(kind, value) => self.shown.push((field.name(), Shown::Text(value.to_owned()))),
            _ => self.dropped += 1,
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinity.
        if value.is_finite() { self.number(field, value.to_string()) } else { self.dropped += 1 }
    }

    fn record_error(&mut self, _field: &Field, _value: &(dyn std::error::Error + 'static)) {
        // The text of an error can quote what it failed on.
        self.dropped += 1;
    }
}

/// Tells a literal from a text put together: a literal arrives in one piece. (`cargo xtask check` refuses placeholders in messages
/// at the source; this is the second lock.)
#[derive(Default)]
struct Literal {
    text: String,
    pieces: u32,
}

impl fmt::Write for Literal {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.pieces += 1;
        self.text.push_str(piece);
        if self.text.len() > 160 { Err(fmt::Error) } else { Ok(()) }
    }
}

fn is_sentence(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphabetic() || b" ,.;:'-_/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_base::Timestamp;

    struct At;
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp(1_700_000_000_000)
        }
    }

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);
    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, body: impl FnOnce()) -> String {
        let captured = Captured::default();
        let layer = LogLayer::new(format, Level::INFO, Arc::new(At), Box::new(captured.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn listed_fields_are_written_as_json() {
        let line = logged(
            LogFormat::Json,
            || tracing::info!(target: "aceso_server", status = 200, route = "/readyz", "answered"),
        );
        assert_eq!(
            line,
            "{\"ts\":\"2023-11-14T22:13:20.000Z\",\"level\":\"info\",\"target\":\"aceso_server\",\"message\":\"answered\",\
             \"status\":200,\"route\":\"/readyz\"}\n"
        );
    }

    #[test]
    fn fields_that_are_not_listed_are_dropped_and_counted() {
        let line = logged(LogFormat::Json, || {
            tracing::info!(target: "aceso_server", name = "Canary", birth_date = ?"1970-01-01", status = 1, "seen");
        });
        assert!(!line.contains("Canary") && !line.contains("1970"), "{line}");
        assert!(line.contains("\"dropped\":2"), "{line}");
    }

    #[test]
    fn a_listed_field_with_text_of_another_shape_is_dropped() {
        let line = logged(LogFormat::Json, || {
            tracing::info!(target: "aceso_server", route = "/Patient?name=Canary Bird", status = "Canary", reason = %"Canary Bird", "x");
        });
        assert!(!line.contains("Canary"), "{line}");
    }

    #[test]
    fn a_message_put_together_is_dropped() {
        let name = "Canary";
        let line = logged(LogFormat::Json, || {
            tracing::info!(target: "aceso_server", "patient {name} was read");
            tracing::info!(target: "aceso_server", "patient {} read", 19700101);
        });
        assert!(!line.contains("Canary") && !line.contains("1970"), "{line}");
        assert_eq!(line.lines().count(), 2);
    }

    #[test]
    fn an_error_value_is_never_written() {
        let error = std::io::Error::other("row Canary is malformed");
        let line = logged(LogFormat::Json, || {
            tracing::error!(target: "aceso_server", reason = &error as &dyn std::error::Error, "failed");
        });
        assert!(!line.contains("Canary"), "{line}");
    }

    #[test]
    fn other_crates_get_no_text_and_no_fields() {
        let line = logged(LogFormat::Json, || {
            tracing::warn!(target: "hyper::proto", status = 7, "Canary");
            tracing::info!(target: "hyper::proto", "Canary");
        });
        assert_eq!(line, "{\"ts\":\"2023-11-14T22:13:20.000Z\",\"level\":\"warn\",\"target\":\"hyper::proto\"}\n");
    }

    #[test]
    fn fields_of_the_span_stand_in_the_line() {
        let line = logged(LogFormat::Text, || {
            let span = tracing::info_span!(target: "aceso_api", "request", request_id = "00112233445566778899aabbccddeeff", name = "Canary");
            span.in_scope(|| tracing::info!(target: "aceso_api", status = 404, "answered"));
        });
        assert_eq!(line, " info answered request_id=00112233445566778899aabbccddeeff status=404\n");
    }

    #[test]
    fn a_panic_tells_its_place_only() {
        let line = panic_line(Some(("/home/someone/aceso/crates/server/src/main.rs", 7)));
        assert_eq!(line, "{\"level\":\"error\",\"event\":\"panic\",\"file\":\"server/src/main.rs\",\"line\":7}\n");
    }
}
