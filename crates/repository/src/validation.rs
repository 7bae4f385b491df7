//! `$validate` (R4 resource-operation-validate.html): what would be wrong with a resource, without storing it; and profiles on write.
//!
//! A resource that the caller brings says nothing of any record, and none is looked at: only that he asked is in the log. A stored record is read
//! through the door as by any read, and is judged only when he sees all of it: what is missing in a redacted copy would look like a fault, and a
//! judgement of the whole would tell him of what he may not see.

use crate::outcome::validation_outcome;
use crate::page::Answer;
use crate::{Fault, ProfilesOnWrite, ReadCall, Repository};
use aceso_base::{Caller, LogicalId};
use aceso_custodian::{Receipt, Shape};
use aceso_fhir::definitions::{ResourceType, Severity};
use aceso_fhir::json::{Doc, Node, write};
use aceso_fhir::{Issue, IssueCode, Report, ValidateOptions, Validation, ValidationLimits};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is validated.
#[derive(Debug)]
pub struct ValidateCall {
    /// The type in the URL.
    pub rtype: ResourceType,
    /// The logical id in the URL.
    pub id: Option<LogicalId>,
    /// Parameters of the query, decoded: `mode` and `profile`.
    pub pairs: Vec<(String, String)>,
    /// The resource, or a Parameters resource that holds it; nothing: the stored record.
    pub body: Option<Vec<u8>>,
}

/// Work of one validation: a tenth of a second or so.
const LIMITS: ValidationLimits = ValidationLimits { issues: 200, steps: 2_000_000 };

/// What is asked for beside the resource.
#[derive(Default)]
struct Asked {
    mode: Option<String>,
    profile: Option<String>,
}

/// Writes with findings since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCounts {
    /// Stored with findings.
    pub warned: u64,
    /// Refused for findings.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    warned: AtomicU64,
    refused: AtomicU64,
}

impl Repository {
    /// How many writes did not meet their profiles.
    #[must_use]
    pub fn write_counts(&self) -> WriteCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriteCounts { warned: of(&self.on_write.warned), refused: of(&self.on_write.refused) }
    }

    /// A resource whose structure is right, on its way in: held against profiles where the tenant's configuration says so. Gives what the
    /// writer may be told.
    pub(crate) fn conforms(&self, caller: &Caller, doc: &Doc, rtype: ResourceType) -> Result<Vec<Issue>, Fault> {
        let mode = self.definitions.of(&caller.tenant).on_write;
        if mode == ProfilesOnWrite::Off {
            return Ok(Vec::new());
        }
        let report = self.validation(caller, rtype, &[]).run(doc);
        if mode == ProfilesOnWrite::Enforce && !report.is_valid() {
            self.on_write.refused.fetch_add(1, Ordering::Relaxed);
            let errors = report.issues.into_iter().filter(|issue| issue.severity == Severity::Error);
            return Err(errors.collect::<Vec<Issue>>().into());
        }
        let findings: Vec<Issue> =
            report.issues.into_iter().filter(|issue| issue.severity != Severity::Information).collect();
        if !findings.is_empty() {
            self.on_write.warned.fetch_add(1, Ordering::Relaxed);
        }
        Ok(findings)
    }

    /// Validates a resource against R4, the profiles that it claims and one that is asked for; the answer is an OperationOutcome with what
    /// was found, whatever that is.
    ///
    /// # Errors
    /// 400 for a body that is no JSON or parameters that are not served, 413, and what a read gives where a stored record is meant.
    pub async fn validate(&self, caller: &Caller, call: ValidateCall) -> Result<Answer, Fault> {
        let mut asked = Asked::default();
        for (at, (name, value)) in call.pairs.into_iter().enumerate() {
            asked.take(&name, value, || format!("http.parameter[{}]", at + 1))?;
        }
        let Some(body) = call.body else {
            let Some(id) = call.id else {
                return Err(Fault::new(400, "required", "there is no resource in the request"));
            };
            return self.validate_stored(caller, call.rtype, id, asked).await;
        };
        let given = Doc::parse(body, &self.limits())?;
        let inside = if is_parameters(&given) { parameters(&given, &mut asked, self)? } else { None };
        let doc = inside.unwrap_or(given);
        asked.check()?;
        let receipt = self.door.admit_reference(caller, "resource-validate").await?;
        let mut report = self.judge(caller, &doc, call.rtype, &asked);
        if let Some(id) = call.id {
            let own = doc.root().get("id").and_then(Node::as_str);
            if own.is_none_or(|own| own != id.as_str()) {
                let expression = format!("{}.id", call.rtype.name());
                report.issues.push(fault(IssueCode::Value, expression, "not the id in the URL"));
            }
        }
        Ok(Answer { json: validation_outcome(&report.issues), receipt })
    }

    async fn validate_stored(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: LogicalId,
        asked: Asked,
    ) -> Result<Answer, Fault> {
        asked.check()?;
        let read = self.read(caller, &ReadCall { rtype, id, version: None, shape: Shape::WHOLE }).await?;
        let receipt: Receipt = read.receipt;
        if read.redacted {
            let message = "not validated: parts of the record are not open to you, and a part of it cannot be judged as the whole";
            let issue = fault(IssueCode::Suppressed, rtype.name().to_owned(), message);
            return Ok(Answer { json: validation_outcome(&[issue]), receipt });
        }
        let doc = Doc::parse(read.json, &self.limits())?;
        let report = self.judge(caller, &doc, rtype, &asked);
        Ok(Answer { json: validation_outcome(&report.issues), receipt })
    }

    fn judge(&self, caller: &Caller, doc: &Doc, expected: ResourceType, asked: &Asked) -> Report {
        let asked: Vec<&str> = asked.profile.iter().map(String::as_str).collect();
        self.validation(caller, expected, &asked).run(doc)
    }

    fn validation<'s>(&'s self, caller: &Caller, expected: ResourceType, asked: &'s [&'s str]) -> Validation<'s> {
        let in_force = self.definitions.of(&caller.tenant);
        Validation {
            structure: ValidateOptions { allow_conditional: false, expected: Some(expected) },
            profiles: &in_force.profiles,
            terminology: &in_force.terminology,
            invariants: true,
            claimed: true,
            asked,
            now: self.door.now(),
            limits: LIMITS,
        }
    }
}

impl Asked {
    fn take(&mut self, name: &str, value: String, place: impl Fn() -> String) -> Result<(), Fault> {
        let slot = match name {
            "mode" => &mut self.mode,
            "profile" => &mut self.profile,
            _ => {
                return Err(Fault::at(
                    400,
                    "not-supported",
                    place(),
                    "not a parameter of $validate: mode, profile, resource",
                ));
            }
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Fault::at(400, "value", place(), "the parameter may come once only")),
        }
    }

    /// What would be asked of a deletion depends on other records, so it is not served.
    fn check(&self) -> Result<(), Fault> {
        match self.mode.as_deref() {
            None | Some("create" | "update" | "profile") => Ok(()),
            Some(_) => Err(Fault::at(400, "not-supported", "http.mode", "one of create, update, profile")),
        }
    }
}

fn is_parameters(doc: &Doc) -> bool {
    let is_named = |name: &str| doc.root().get("resourceType").and_then(Node::as_str).as_deref() == Some(name);
    let names = |part: Node<'_>| part.get("name").and_then(Node::as_str).is_some_and(|name| name == "resource");
    is_named("Parameters") && doc.root().get("parameter").is_some_and(|all| all.items().any(names))
}

/// Reads the parameters; the resource among them as a document of its own, so that findings have their places in it.
fn parameters(given: &Doc, asked: &mut Asked, repository: &Repository) -> Result<Option<Doc>, Fault> {
    let mut resource = None;
    for (at, part) in given.root().get("parameter").into_iter().flat_map(Node::items).enumerate() {
        let place = || format!("Parameters.parameter[{at}]");
        let name = part.get("name").and_then(Node::as_str).unwrap_or_default();
        if name == "resource" {
            let node = part.get("resource").filter(|_| resource.is_none());
            let node = node.ok_or_else(|| Fault::at(400, "value", place(), "one resource is needed, in `resource`"))?;
            let mut text = Vec::new();
            write(node, &mut text);
            resource = Some(Doc::parse(text, &repository.limits())?);
            continue;
        }
        let value =
            ["valueCode", "valueUri", "valueCanonical", "valueString"].iter().find_map(|member| part.get(member));
        let value = value.and_then(Node::as_str).ok_or_else(|| Fault::at(400, "value", place(), "a text is needed"))?;
        asked.take(&name, value.into_owned(), place)?;
    }
    Ok(resource)
}

fn fault(code: IssueCode, expression: String, message: &'static str) -> Issue {
    Issue { severity: Severity::Error, code, expression, offset: 0, message: message.into() }
}
