//! The load generator: a script for it, its start, and what it prints.

use crate::command::{Failure, command, output};
use std::path::{Path, PathBuf};

/// Requests of one scenario: each line of the list is sent in turn, from another place by each thread.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    /// Name of the scenario, for file names.
    pub name: &'a str,
    /// Method.
    pub method: &'a str,
    /// Headers of every request.
    pub headers: &'a [(&'a str, String)],
    /// Path of each request, and its body (empty: none). A body is one line.
    pub requests: &'a [(String, String)],
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// Answers a second.
    pub per_second: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99: f64,
    /// Answers with a status other than 2xx and 3xx.
    pub refused: u64,
    /// Connections and requests that failed, timeouts included.
    pub failed: u64,
}

/// Runs a load against `base` with two threads.
pub(crate) fn run(
    load: &Load<'_>,
    base: &str,
    folder: &Path,
    seconds: u32,
    connections: u32,
) -> Result<Outcome, Failure> {
    let script = write_script(load, folder)?;
    let script = script.to_string_lossy();
    let (connections, seconds) = (connections.to_string(), format!("{seconds}s"));
    let arguments = [
        "--threads",
        "2",
        "--connections",
        &connections,
        "--duration",
        &seconds,
        "--latency",
        "--timeout",
        "10s",
        "--script",
        &script,
        base,
    ];
    parse(&output(&mut command("wrk", &arguments))?)
}

fn write_script(load: &Load<'_>, folder: &Path) -> Result<PathBuf, Failure> {
    let list = folder.join(format!("{}.txt", load.name));
    let lines: String = load.requests.iter().map(|(path, body)| format!("{path}\t{body}\n")).collect();
    let file = folder.join(format!("{}.lua", load.name));
    let written = std::fs::write(&list, lines).and_then(|()| std::fs::write(&file, script(load, &list)));
    written.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(file)
}

fn script(load: &Load<'_>, list: &Path) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let headers: String =
        load.headers.iter().map(|(name, value)| format!("wrk.headers[{}] = {}\n", quote(name), quote(value))).collect();
    format!(
        "{headers}\
         local threads = 0\n\
         function setup(thread) thread:set(\"number\", threads); threads = threads + 1 end\n\
         local requests = {{}}\n\
         function init(args)\n\
         \x20 for line in io.lines({list}) do\n\
         \x20   local path, body = line:match(\"^([^\\t]*)\\t(.*)$\")\n\
         \x20   if body == \"\" then body = nil end\n\
         \x20   requests[#requests + 1] = wrk.format({method}, path, nil, body)\n\
         \x20 end\n\
         \x20 next_request = math.floor(#requests * number / 2)\n\
         end\n\
         function request()\n\
         \x20 next_request = next_request % #requests + 1\n\
         \x20 return requests[next_request]\n\
         end\n",
        list = quote(&list.to_string_lossy()),
        method = quote(load.method),
    )
}

fn parse(text: &str) -> Result<Outcome, Failure> {
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim);
    let missing = |what: &str| format!("wrk did not print {what}: {text}");
    let latency = |label: &str| after(label).and_then(milliseconds).ok_or_else(|| missing(label));
    let errors = after("Socket errors:").unwrap_or_default();
    Ok(Outcome {
        per_second: after("Requests/sec:")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| missing("Requests/sec"))?,
        p50: latency("50%")?,
        p99: latency("99%")?,
        refused: after("Non-2xx or 3xx responses:").and_then(|number| number.parse().ok()).unwrap_or(0),
        failed: errors.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()).sum(),
    })
}

/// `635.00us`, `1.20ms`, `1.03s`, `1.1m` in milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)]
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 10s test @ http://127.0.0.1:8080\n  2 threads and 64 connections\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     6.15ms    2.10ms  40.01ms   80.11%\n  Latency Distribution\n     50%    5.90ms\n     75%    7.01ms\n     90%    8.20ms\n     99%    1.02s \n  101211 requests in 10.00s, 100.00MB read\n  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 12\nRequests/sec:  10121.11\nTransfer/sec:     10.00MB\n";

    #[test]
    fn what_wrk_prints_is_read() {
        let outcome = parse(PRINTED).unwrap();
        assert_eq!(outcome, Outcome { per_second: 10121.11, p50: 5.9, p99: 1020.0, refused: 12, failed: 7 });
        assert!(parse("nothing").is_err());
        assert!((milliseconds("635.00us").unwrap() - 0.635).abs() < 1e-9);
    }

    #[test]
    fn a_script_holds_headers_and_method_quoted() {
        let headers = [("authorization", "Bearer a\"b".to_owned())];
        let load = Load { name: "x", method: "POST", headers: &headers, requests: &[] };
        let script = script(&load, Path::new("/tmp/x.txt"));
        assert!(script.contains("wrk.headers[\"authorization\"] = \"Bearer a\\\"b\""));
        assert!(script.contains("wrk.format(\"POST\", path, nil, body)"));
    }
}
