//! Why an interaction did not happen, in FHIR's terms.

use aceso_custodian::{DoorError, Receipt};
use aceso_fhir::Issue;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{JsonError, JsonProblem};
use aceso_fhir::search::{ParamPlace, QueryError, QueryProblem};
use aceso_fhir::xml::{XmlError, XmlProblem};
use aceso_policy::DenialReason;
use std::borrow::Cow;

/// One issue of an OperationOutcome. Names of elements and parameters, and positions; never a value of the request or a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeIssue {
    /// A code of `http://hl7.org/fhir/issue-type`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub diagnostics: Cow<'static, str>,
    /// Where, as a FHIRPath of element names and indexes.
    pub expression: Option<String>,
}

/// A refusal or failure: an HTTP status and the issues of its OperationOutcome.
#[derive(Debug)]
pub struct Fault {
    /// The HTTP status (R4 http.html).
    pub status: u16,
    /// At least one.
    pub issues: Vec<OutcomeIssue>,
    /// The entry of the log that records it, where there is one.
    pub receipt: Option<Receipt>,
    /// For a deleted record: the version that says so.
    pub gone_version: Option<u32>,
}

impl Fault {
    /// One issue without a place.
    #[must_use]
    pub fn new(status: u16, code: &'static str, diagnostics: impl Into<Cow<'static, str>>) -> Self {
        let issue = OutcomeIssue { code, diagnostics: diagnostics.into(), expression: None };
        Self { status, issues: vec![issue], receipt: None, gone_version: None }
    }

    /// One issue about an element.
    #[must_use]
    pub fn at(
        status: u16,
        code: &'static str,
        expression: impl Into<String>,
        diagnostics: impl Into<Cow<'static, str>>,
    ) -> Self {
        let issue = OutcomeIssue { code, diagnostics: diagnostics.into(), expression: Some(expression.into()) };
        Self { status, issues: vec![issue], receipt: None, gone_version: None }
    }

    /// The same fault inside an entry of a bundle.
    #[must_use]
    pub fn in_entry(mut self, index: usize) -> Self {
        for issue in &mut self.issues {
            let inner = issue.expression.take().map(|inner| in_resource(&inner)).unwrap_or_default();
            issue.expression = Some(format!("Bundle.entry[{index}]{inner}"));
        }
        self
    }

    /// The same fault of a body that came in another notation than JSON: the bytes that the text counts are not the sender's.
    #[must_use]
    pub fn without_offsets(mut self) -> Self {
        for issue in &mut self.issues {
            let text = issue.diagnostics.trim_end_matches(')').trim_end_matches(|c: char| c.is_ascii_digit());
            let shorter = text.strip_suffix(" (byte ").or_else(|| text.strip_suffix(" at byte "));
            if let Some(shorter) = shorter {
                issue.diagnostics = shorter.to_owned().into();
            }
        }
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not-found", "there is no such record")
    }
}

/// A place of a request or resource, as seen from its entry: a resource's own name is no step of a path inside a Bundle, and
/// what would be a part of the HTTP request stands in `request`.
fn in_resource(inner: &str) -> String {
    if inner.starts_with("http.") {
        return ".request".to_owned();
    }
    match inner.split_once('.') {
        Some((first, rest)) if ResourceType::parse(first).is_some() => format!(".resource.{rest}"),
        _ if ResourceType::parse(inner).is_some() => ".resource".to_owned(),
        _ => format!(".resource.{inner}"),
    }
}

impl From<DoorError> for Fault {
    fn from(error: DoorError) -> Self {
        let text = error.to_string();
        let (status, code) = match &error {
            DoorError::Absent { .. } => (404, "not-found"),
            DoorError::Gone { .. } => (410, "deleted"),
            DoorError::Forbidden { .. } | DoorError::ParameterForbidden { .. } | DoorError::ClassesForbidden { .. } => {
                (403, "forbidden")
            }
            DoorError::VersionMismatch { .. } | DoorError::Duplicate { .. } => (412, "conflict"),
            DoorError::UnknownSubject { .. } | DoorError::ForeignSubject { .. } => (422, "not-found"),
            DoorError::Unresolved { .. } => (422, "not-found"),
            DoorError::RedactedBase { .. } => (422, "business-rule"),
            DoorError::SameRecord { .. } => (400, "invariant"),
            DoorError::Unreadable { .. } => (500, "exception"),
            DoorError::TooCostly { .. } => (400, "too-costly"),
            DoorError::Unavailable(_) => (503, "transient"),
        };
        let gone_version = match &error {
            DoorError::Gone { version, .. } => Some(version.0),
            _ => None,
        };
        let fault = match &error {
            DoorError::Unresolved { at, .. } => Self::at(status, code, format!("descendants().reference[{at}]"), text),
            DoorError::Forbidden { reason: DenialReason::Purpose, .. } => {
                let text = "none of the roles of the account may act for this purpose of use";
                Self::at(status, code, "http.X-Purpose-Of-Use", text)
            }
            _ => Self::new(status, code, text),
        };
        Self { receipt: error.into_receipt(), gone_version, ..fault }
    }
}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        let text = format!("{} at byte {}", error.problem, error.offset);
        let status = if matches!(error.problem, JsonProblem::TooLong | JsonProblem::TooManyValues) { 413 } else { 400 };
        let code = if status == 413 { "too-long" } else { "structure" };
        if error.path.is_empty() { Self::new(status, code, text) } else { Self::at(status, code, error.path, text) }
    }
}

impl From<XmlError> for Fault {
    fn from(error: XmlError) -> Self {
        let text = error.to_string();
        let status = if matches!(error.problem, XmlProblem::TooLong | XmlProblem::TooManyValues) { 413 } else { 400 };
        let code = if status == 413 { "too-long" } else { "structure" };
        if error.path.is_empty() { Self::new(status, code, text) } else { Self::at(status, code, error.path, text) }
    }
}

impl From<Vec<Issue>> for Fault {
    fn from(issues: Vec<Issue>) -> Self {
        let issues = issues
            .into_iter()
            .map(|issue| OutcomeIssue {
                code: issue.code.as_str(),
                diagnostics: format!("{} (byte {})", issue.message, issue.offset).into(),
                expression: Some(issue.expression),
            })
            .collect();
        Self { status: 422, issues, receipt: None, gone_version: None }
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        let code = match error.problem {
            QueryProblem::NotSupported
            | QueryProblem::NotServed(_)
            | QueryProblem::ModifierNotSupported(_)
            | QueryProblem::Chain
            | QueryProblem::ReverseChain => "not-supported",
            QueryProblem::Unknown | QueryProblem::UnknownModifier => "not-found",
            _ => "value",
        };
        let place = match error.parameter {
            ParamPlace::Named(name) => format!("http.{name}"),
            ParamPlace::At(position) => format!("http.parameter[{position}]"),
        };
        Self::at(400, code, place, error.to_string())
    }
}
