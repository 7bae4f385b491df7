//! `$expand`, `$validate-code`, `$lookup` and `$subsumes` (R4 valueset-operations.html, codesystem-operations.html) over what is shipped and what
//! the tenant's packages hold.
//!
//! No record is read, but who asked is in the log. Every parameter that is not served is refused by name or position, none is passed over.

mod answers;
mod expand;
mod parameters;
mod validate;

use crate::page::Answer;
use crate::{Fault, Repository};
use aceso_base::Caller;
use aceso_fhir::terminology::Terminology;
use parameters::Asked;

/// An operation on terminology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminologyOperation {
    /// `ValueSet/$expand`
    Expand,
    /// `ValueSet/$validate-code`
    ValidateInValueSet,
    /// `CodeSystem/$lookup`
    Lookup,
    /// `CodeSystem/$validate-code`
    ValidateInCodeSystem,
    /// `CodeSystem/$subsumes`
    Subsumes,
}

/// How the parameters of an operation came.
#[derive(Debug)]
pub enum TerminologyInput {
    /// In the query, decoded.
    Query(Vec<(String, String)>),
    /// As a Parameters resource.
    Body(Vec<u8>),
}

impl TerminologyOperation {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Expand, Self::ValidateInValueSet, Self::Lookup, Self::ValidateInCodeSystem, Self::Subsumes];

    /// The resource type that it is an operation of, its name without the dollar sign, and its canonical URL.
    #[must_use]
    pub const fn definition(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Expand => ("ValueSet", "expand", "http://hl7.org/fhir/OperationDefinition/ValueSet-expand"),
            Self::ValidateInValueSet => {
                ("ValueSet", "validate-code", "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code")
            }
            Self::Lookup => ("CodeSystem", "lookup", "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup"),
            Self::ValidateInCodeSystem => {
                ("CodeSystem", "validate-code", "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code")
            }
            Self::Subsumes => ("CodeSystem", "subsumes", "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes"),
        }
    }

    /// What the log calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::Expand => "valueset-expand",
            Self::ValidateInValueSet => "valueset-validate-code",
            Self::Lookup => "codesystem-lookup",
            Self::ValidateInCodeSystem => "codesystem-validate-code",
            Self::Subsumes => "codesystem-subsumes",
        }
    }
}

impl Repository {
    /// Answers a question about terminology: a ValueSet or Parameters, as JSON text.
    ///
    /// # Errors
    /// 400 for parameters, 404 for a code system, value set or code that is not known, 422 for what cannot be decided or is too much, 403 or 503
    /// from the door, as a [`Fault`].
    pub async fn terminology(
        &self,
        caller: &Caller,
        operation: TerminologyOperation,
        input: TerminologyInput,
    ) -> Result<Answer, Fault> {
        let asked = match input {
            TerminologyInput::Query(pairs) => Asked::of_query(operation, pairs)?,
            TerminologyInput::Body(body) => {
                Asked::of_body(operation, &self.parse_resource(body, parameters::rtype()?)?)?
            }
        };
        // Nothing of a record is in the answer, so it can be made before the entry is; it leaves after it.
        let terminology = &self.definitions.of(&caller.tenant).terminology;
        let json = match operation {
            TerminologyOperation::Expand => self.expand(terminology, &asked)?,
            TerminologyOperation::Lookup => answers::lookup(terminology, &asked)?,
            TerminologyOperation::Subsumes => answers::subsumes(terminology, &asked)?,
            TerminologyOperation::ValidateInValueSet => validate::in_value_set(terminology, &asked)?,
            TerminologyOperation::ValidateInCodeSystem => validate::in_code_system(terminology, &asked)?,
        };
        let receipt = self.door.admit_reference(caller, operation.word()).await?;
        Ok(Answer { json: json.to_string().into_bytes(), receipt })
    }

    fn expand(&self, terminology: &Terminology, asked: &Asked) -> Result<serde_json::Value, Fault> {
        let identifier = format!("urn:uuid:{}", self.rng.uuid());
        expand::answer(terminology, asked, &identifier, &self.door.now().to_string())
    }
}
