//! The message of a log event is a literal without placeholders: text put together at run time could hold a value.

use super::Finding;
use super::source::Tree;

const MACROS: &[&str] = &["error!(", "warn!(", "info!(", "debug!(", "trace!(", "event!("];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.crate_sources() {
        // The log's own tests show that such messages are dropped.
        if file.path == "crates/server/src/telemetry/log.rs" || file.crate_folder() == "fhir-gen" {
            continue;
        }
        let text = without_comments(&file.text);
        for (at, arguments) in invocations(&text) {
            if let Some(problem) = problem(&arguments) {
                let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                findings.push(Finding::new(format!("{}:{line}", file.path), problem));
            }
        }
    }
    findings
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect::<Vec<_>>().join("\n")
}

/// Offsets of log macros, with their arguments as written.
fn invocations(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for name in MACROS {
        for (at, _) in text.match_indices(name) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                continue;
            }
            found.push((at, arguments(text.get(at + name.len()..).unwrap_or_default())));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found
}

/// Splits at commas of the outermost level, up to the closing bracket.
fn arguments(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for c in text.chars() {
        if quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => quoted = true,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(String::new());
                    continue;
                }
                _ => {}
            }
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn problem(arguments: &[String]) -> Option<&'static str> {
    let message = arguments.iter().position(|argument| argument.starts_with('"'));
    match message {
        None if arguments.iter().all(|argument| argument.contains('=') || argument.contains(':')) => None,
        None => Some("the message must be a literal"),
        Some(at) if at + 1 != arguments.len() => {
            Some("the message takes arguments; record numbers and words as listed fields")
        }
        Some(at) if arguments.get(at).is_some_and(|text| text.contains('{')) => {
            Some("the message has a placeholder; record a listed field")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::tests::tree;

    fn count(code: &str) -> usize {
        check(&tree(&[("crates/api/src/a.rs", code)])).len()
    }

    #[test]
    fn literals_and_fields_are_well() {
        assert_eq!(count("info!(status = 200, route = \"/fhir/{type}\", \"answered\");"), 0);
        assert_eq!(
            count("tracing::warn!(\n    target: \"aceso\",\n    count = f(a, b),\n    \"slow, but done\"\n);"),
            0
        );
        assert_eq!(count("// info!(\"{name}\")"), 0);
        assert_eq!(count("my_info!(\"{name}\")"), 0);
    }

    #[test]
    fn messages_put_together_are_found() {
        assert_eq!(count("info!(\"patient {name} read\");"), 1);
        assert_eq!(count("tracing::error!(\"failed: {}\", error);"), 1);
        assert_eq!(count("warn!(text);"), 1);
    }
}
