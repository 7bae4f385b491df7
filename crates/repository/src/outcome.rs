//! OperationOutcome as JSON text.

use crate::Stored;
use crate::fault::{Fault, OutcomeIssue};
use aceso_fhir::Issue;
use aceso_fhir::json::write_string;
use std::borrow::Cow;

/// The OperationOutcome of a fault (R4 operationoutcome.html).
#[must_use]
pub fn operation_outcome(fault: &Fault) -> Vec<u8> {
    let severity = if fault.status >= 500 { "fatal" } else { "error" };
    let row = |issue: &'_ OutcomeIssue| (severity, issue.code, issue.diagnostics.clone(), issue.expression.clone());
    outcome(fault.issues.iter().map(row))
}

/// The OperationOutcome of a validation: every finding, or that there is none.
pub(crate) fn validation_outcome(issues: &[Issue]) -> Vec<u8> {
    if issues.is_empty() {
        return outcome(std::iter::once(("information", "informational", "nothing was found".into(), None)));
    }
    outcome(issues.iter().map(|issue| {
        (issue.severity.as_str(), issue.code.as_str(), issue.message.clone(), Some(issue.expression.clone()))
    }))
}

/// The OperationOutcome of a write that was done: that it was, and what its profiles would have it be. What a finding calls an error did not
/// keep it from being stored, so it is a warning here.
#[must_use]
pub fn stored_outcome(stored: &Stored) -> Vec<u8> {
    let done = std::iter::once(("information", "informational", "stored".into(), None));
    outcome(
        done.chain(
            stored
                .findings
                .iter()
                .map(|issue| ("warning", issue.code.as_str(), issue.message.clone(), Some(issue.expression.clone()))),
        ),
    )
}

/// Severity, code, diagnostics and expression of each issue.
fn outcome<'i>(issues: impl Iterator<Item = (&'static str, &'i str, Cow<'static, str>, Option<String>)>) -> Vec<u8> {
    let mut out = br#"{"resourceType":"OperationOutcome","issue":["#.to_vec();
    for (at, (severity, code, diagnostics, expression)) in issues.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!(r#"{{"severity":"{severity}","code":"{code}","diagnostics":"#).as_bytes());
        write_string(&diagnostics, &mut out);
        if let Some(expression) = expression {
            out.extend_from_slice(br#","expression":["#);
            write_string(&expression, &mut out);
            out.push(b']');
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
