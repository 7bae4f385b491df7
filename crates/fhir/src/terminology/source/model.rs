//! What a table is made of.

use std::borrow::Cow;

/// Everything that goes into one table.
#[derive(Default)]
pub(crate) struct Sources<'a> {
    pub(crate) source: String,
    pub(crate) systems: Vec<System<'a>>,
    pub(crate) sets: Vec<Set<'a>>,
}

/// A code system.
pub(crate) struct System<'a> {
    pub(crate) url: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) title: Cow<'a, str>,
    /// What of it is there: the place of `content` in [`CONTENT`].
    pub(crate) content: u32,
    pub(crate) any_case: bool,
    pub(crate) is_a: bool,
    pub(crate) value_set: Cow<'a, str>,
    /// Parents before children where one is inside the other.
    pub(crate) concepts: Vec<Concept<'a>>,
}

/// Values of `CodeSystem.content` (FHIR R4, value set `codesystem-content-mode`), in the order of their numbers.
pub(crate) const CONTENT: [&str; 5] = ["complete", "not-present", "example", "fragment", "supplement"];

/// Values of `ValueSet.status` (FHIR R4, value set `publication-status`), in the order of their numbers.
pub(crate) const STATUS: [&str; 4] = ["unknown", "draft", "active", "retired"];

/// A concept of a code system.
pub(crate) struct Concept<'a> {
    pub(crate) code: Cow<'a, str>,
    pub(crate) display: Cow<'a, str>,
    pub(crate) definition: Cow<'a, str>,
    pub(crate) is_abstract: bool,
    pub(crate) inactive: bool,
    /// Codes of its parents, the one that it is inside of first.
    pub(crate) parents: Vec<Cow<'a, str>>,
    pub(crate) properties: Vec<Property<'a>>,
    pub(crate) designations: Vec<Designation<'a>>,
}

/// A property of a concept.
pub(crate) struct Property<'a> {
    pub(crate) code: Cow<'a, str>,
    pub(crate) kind: ValueKind,
    pub(crate) value: Cow<'a, str>,
    /// System and display, where the value is a coding.
    pub(crate) system: Cow<'a, str>,
    pub(crate) display: Cow<'a, str>,
}

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Code = 0,
    Coding = 1,
    String = 2,
    Integer = 3,
    Boolean = 4,
    DateTime = 5,
    Decimal = 6,
}

impl ValueKind {
    /// All of them with the member of the resource that holds the value, in the order of their numbers.
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::Code, "valueCode"),
        (Self::Coding, "valueCoding"),
        (Self::String, "valueString"),
        (Self::Integer, "valueInteger"),
        (Self::Boolean, "valueBoolean"),
        (Self::DateTime, "valueDateTime"),
        (Self::Decimal, "valueDecimal"),
    ];
}

/// Another text for a concept.
pub(crate) struct Designation<'a> {
    pub(crate) language: Cow<'a, str>,
    pub(crate) use_system: Cow<'a, str>,
    pub(crate) use_code: Cow<'a, str>,
    pub(crate) use_display: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// A value set.
pub(crate) struct Set<'a> {
    pub(crate) url: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) title: Cow<'a, str>,
    /// The place of `status` in [`STATUS`].
    pub(crate) status: u32,
    pub(crate) composed: bool,
    pub(crate) only_active: bool,
    pub(crate) clauses: Vec<Clause<'a>>,
}

/// One `include` or `exclude`.
#[derive(Default)]
pub(crate) struct Clause<'a> {
    pub(crate) exclude: bool,
    pub(crate) system: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    pub(crate) listed: Option<Vec<Listed<'a>>>,
    pub(crate) filters: Vec<Filter<'a>>,
    pub(crate) imports: Vec<Cow<'a, str>>,
}

/// A code that a clause lists.
pub(crate) struct Listed<'a> {
    pub(crate) code: Cow<'a, str>,
    pub(crate) display: Cow<'a, str>,
    pub(crate) designations: Vec<Designation<'a>>,
}

/// A filter of a clause.
pub(crate) struct Filter<'a> {
    pub(crate) property: Cow<'a, str>,
    pub(crate) op: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}
