//! Prometheus' own linter has nothing to say against the metrics.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_connect::pattern::ConnectionId;
use aceso_server::connections::metrics::{Figures, sampled};
use aceso_server::telemetry::{Metrics, names};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

fn promtool() -> PathBuf {
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/parts/prometheus/usr/bin/promtool");
    let tool = std::env::var_os("ACESO_PARTS_PROMTOOL").map_or_else(|| PathBuf::from(unpacked), PathBuf::from);
    assert!(tool.components().count() == 1 || tool.exists(), "promtool is missing; `cargo xtask parts` installs it");
    tool
}

fn lint(text: &str) -> (bool, String) {
    let mut child = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout),
    )
}

#[test]
fn every_metric_passes_promtool() {
    let metrics = Metrics::new();
    metrics.histogram(&names::HTTP_DURATION, &[("http_route", "/a \"b\"")]).observe_duration(Duration::from_millis(3));
    metrics.histogram(&names::AUDIT_COMMIT, &[]).observe(0.2);
    metrics.histogram(&names::AUDIT_BATCH, &[]).observe(7.0);
    for def in [
        &names::AUDIT_ENTRIES,
        &names::AUDIT_REJECTED,
        &names::AUDIT_FAILURES,
        &names::CACHE_LOSSES,
        &names::CACHE_FAILURES,
        &names::CACHE_UNREADABLE,
        &names::CACHE_LOOKUPS,
    ] {
        metrics.counter(def, &[("outcome", "ok")]).increment();
    }
    for def in [
        &names::HTTP_ACTIVE,
        &names::AUDIT_QUEUE,
        &names::AUDIT_TREE_SIZE,
        &names::AUDIT_LAST_CHECKPOINT,
        &names::AUDIT_DISK_FREE,
        &names::CACHE_REACHED,
    ] {
        metrics.gauge(def, &[]).set(1);
    }
    let figures = Figures {
        runs: [1, 2],
        objects: [3, 4, 5, 6],
        letters: Some(7),
        source_lag: Some(8),
        success_age: Some(9),
        token_expiry: Some(-10),
        ..Figures::default()
    };
    let name = ConnectionId::parse("clinic-1").unwrap();
    metrics.sampled(move || sampled([(&name, figures.clone())]));
    let text = metrics.render();
    for line in [
        "aceso_connection_runs_total{connection=\"clinic-1\",result=\"failure\"} 2",
        "aceso_connection_objects_total{connection=\"clinic-1\",result=\"unchanged\"} 4",
        "aceso_connection_requests_total{connection=\"clinic-1\"} 0",
        "aceso_connection_letters{connection=\"clinic-1\"} 7",
        "aceso_connection_token_expiry_seconds{connection=\"clinic-1\"} -10",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let names = text.lines().filter(|line| line.starts_with("# TYPE aceso_connection_")).count();
    assert_eq!(names, 12, "{text}");
    let (well, said) = lint(&text);
    assert!(well && said.trim().is_empty(), "{said}");
}

#[test]
fn the_linter_does_find_a_bad_name() {
    let (well, said) = lint("# HELP requests Requests.\n# TYPE requests counter\nrequests 1\n");
    assert!(!well && said.contains("_total"), "{said}");
}
