//! OperationOutcome as JSON text.

use crate::fault::Fault;
use aceso_fhir::json::write_string;

/// The OperationOutcome of a fault (R4 operationoutcome.html).
#[must_use]
pub fn operation_outcome(fault: &Fault) -> Vec<u8> {
    let mut out = br#"{"resourceType":"OperationOutcome","issue":["#.to_vec();
    for (at, issue) in fault.issues.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let severity = if fault.status >= 500 { "fatal" } else { "error" };
        out.extend_from_slice(
            format!(r#"{{"severity":"{severity}","code":"{}","diagnostics":"#, issue.code).as_bytes(),
        );
        write_string(&issue.diagnostics, &mut out);
        if let Some(expression) = &issue.expression {
            out.extend_from_slice(br#","expression":["#);
            write_string(expression, &mut out);
            out.push(b']');
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
