//! What came out, as tables that can be pasted into `docs/benchmarks.md`.

use super::import::Imported;
use super::scenarios::{CREATES, Measured, READS, SEARCHES};
use super::sync::Synced;
use super::table::markdown;

/// Names of the servers.
pub(crate) const PRODUCT: &str = "Aceso";
pub(crate) const CONTROL: &str = "control";

/// All results.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// By scenario, in the order in which they ran.
    pub scenarios: Vec<(&'static str, Vec<Measured>)>,
    /// The import, where there was one, and what was imported.
    pub import: Option<(String, Imported)>,
    /// Syncs of a connected system, in order.
    pub syncs: Vec<Synced>,
    /// How fast the peer loaded the same patients, where there is one.
    pub peer_load: Option<f64>,
}

impl Report {
    /// The tables: every server in every scenario, what protection costs, the targets.
    pub fn text(&self) -> String {
        let heads = ["scenario", "server", "requests/s", "p50 ms", "p99 ms", "refused", "failed", "peak RSS MB"];
        let mut text = markdown(&heads, &self.rows());
        text.push('\n');
        text.push_str(&markdown(
            &["scenario", "Aceso/s", "control/s", "protection costs", "Helios HFS/s"],
            &self.costs(),
        ));
        if let Some((what, import)) = &self.import {
            text.push_str(&format!(
                "\nImport of {what}: {} records, {} refused, {} records/s, peak {} MB\n",
                import.records,
                import.refused,
                rounded(import.per_second),
                megabytes(import.peak)
            ));
        }
        for sync in &self.syncs {
            text.push_str(&format!("\nSync of a simulated EHR, {}\n", sync.line()));
        }
        if let Some(rate) = self.peer_load {
            text.push_str(&format!("\nHelios HFS loaded the same patients at {} resources/s\n", rounded(rate)));
        }
        text.push('\n');
        text.push_str(&markdown(&["target", "reached", ""], &self.targets()));
        text
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let all = self.scenarios.iter().flat_map(|(name, of)| of.iter().map(move |measured| (name, measured)));
        all.map(|(name, Measured { server, outcome, peak })| {
            vec![
                (*name).to_owned(),
                (*server).to_owned(),
                rounded(outcome.per_second),
                format!("{:.2}", outcome.p50),
                format!("{:.2}", outcome.p99),
                outcome.refused.to_string(),
                outcome.failed.to_string(),
                megabytes(*peak).to_string(),
            ]
        })
        .collect()
    }

    fn costs(&self) -> Vec<Vec<String>> {
        let row = |(name, measured): &(&'static str, Vec<Measured>)| {
            let rate = |server: &str| rate(measured, server);
            let shown = |value: Option<f64>| value.map_or("–".to_owned(), rounded);
            let cost = cost(measured).map_or("–".to_owned(), |cost| format!("{cost:.0} %"));
            vec![(*name).to_owned(), shown(rate(PRODUCT)), shown(rate(CONTROL)), cost, shown(rate("Helios HFS"))]
        };
        self.scenarios.iter().map(row).collect()
    }

    fn targets(&self) -> Vec<Vec<String>> {
        let own = |name: &str| {
            let (_, measured) = self.scenarios.iter().find(|(scenario, _)| *scenario == name)?;
            measured.iter().find(|measured| measured.server == PRODUCT)
        };
        let at_least = |target: &str, bound: f64, value: Option<f64>| {
            let verdict = value.map_or("not measured", |value| if value >= bound { "met" } else { "**missed**" });
            vec![
                target.to_owned(),
                value.map_or("–".to_owned(), |value| format!("{}/s", rounded(value))),
                verdict.to_owned(),
            ]
        };
        let below = |target: &str, bound: f64, unit: &str, value: Option<f64>| {
            let verdict = value.map_or("not measured", |value| if value < bound { "met" } else { "**missed**" });
            vec![
                target.to_owned(),
                value.map_or("–".to_owned(), |value| format!("{value:.1} {unit}")),
                verdict.to_owned(),
            ]
        };
        let speed = |name: &str| own(name).map(|measured| measured.outcome.per_second);
        let all = || self.scenarios.iter().flat_map(|(_, of)| of).filter(|measured| measured.server == PRODUCT);
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let mega = |bytes: u64| bytes as f64 / 1e6;
        vec![
            at_least("reads ≥ 10,000/s", 10_000.0, speed(READS)),
            at_least("reads ≥ 20,000/s", 20_000.0, speed(READS)),
            below("reads p99 < 10 ms", 10.0, "ms", own(READS).map(|measured| measured.outcome.p99)),
            at_least("patient-scoped searches ≥ 5,000/s", 5_000.0, speed(SEARCHES)),
            at_least("creates ≥ 4,000/s", 4_000.0, speed(CREATES)),
            at_least("import ≥ 5,000 resources/s", 5_000.0, self.import.as_ref().map(|(_, import)| import.per_second)),
            below("RSS < 100 MB under load", 100.0, "MB", all().map(|measured| mega(measured.peak)).reduce(f64::max)),
            below(
                "RSS < 100 MB while importing",
                100.0,
                "MB",
                self.import.as_ref().map(|(_, import)| mega(import.peak)),
            ),
            below(
                "protection costs ≤ 20 % (dearest scenario)",
                20.05,
                "%",
                self.scenarios.iter().filter_map(|(_, measured)| cost(measured)).reduce(f64::max),
            ),
        ]
    }
}

fn rate(measured: &[Measured], server: &str) -> Option<f64> {
    measured.iter().find(|measured| measured.server == server).map(|measured| measured.outcome.per_second)
}

/// How much of the control's throughput is gone, in percent.
fn cost(measured: &[Measured]) -> Option<f64> {
    let control = rate(measured, CONTROL).filter(|rate| *rate > 0.0)?;
    Some((1.0 - rate(measured, PRODUCT)? / control) * 100.0)
}

/// A whole number with its thousands apart.
fn rounded(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

const fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::wrk::Outcome;

    fn measured(server: &'static str, per_second: f64) -> Measured {
        let outcome = Outcome { per_second, p50: 1.0, p99: 12.0, refused: 0, failed: 0 };
        Measured { server, outcome, peak: 90_000_000 }
    }

    #[test]
    fn the_cost_of_protection_is_what_is_missing_of_the_control() {
        assert_eq!(cost(&[measured(PRODUCT, 80.0), measured(CONTROL, 100.0)]).map(f64::round), Some(20.0));
        assert_eq!(cost(&[measured(PRODUCT, 80.0)]), None);
    }

    #[test]
    fn misses_are_called_misses_and_what_was_not_measured_is_not_met() {
        let reads = vec![measured(PRODUCT, 15_000.0), measured(CONTROL, 30_000.0)];
        let text = Report { scenarios: vec![(READS, reads)], ..Report::default() }.text();
        for line in [
            "| reads ≥ 10,000/s | 15,000/s | met |",
            "| reads ≥ 20,000/s | 15,000/s | **missed** |",
            "| reads p99 < 10 ms | 12.0 ms | **missed** |",
            "| creates ≥ 4,000/s | – | not measured |",
            "| protection costs ≤ 20 % (dearest scenario) | 50.0 % | **missed** |",
            "| reads by id, physician | 15,000 | 30,000 | 50 % | – |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([rounded(999.4), rounded(1000.0), rounded(1_234_567.0)], ["999", "1,000", "1,234,567"]);
    }
}
