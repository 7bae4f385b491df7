//! The records of a table as what they mean.

use super::source::layout::{Section, flags};
use super::source::model::{STATUS, ValueKind};
use super::table::{Table, find_code};

/// A code system of a table.
#[derive(Clone, Copy)]
pub(super) struct SystemRef<'t> {
    table: &'t Table,
    index: usize,
}

impl<'t> SystemRef<'t> {
    pub(super) fn at(table: &'t Table, index: usize) -> Self {
        Self { table, index }
    }

    fn word(self, field: usize) -> u32 {
        self.table.field(Section::Systems, self.index, field)
    }

    pub(super) fn url(self) -> &'t str {
        self.table.text(self.word(0))
    }

    pub(super) fn version(self) -> Option<&'t str> {
        some(self.table.text(self.word(1)))
    }

    pub(super) fn name(self) -> &'t str {
        self.table.text(self.word(2))
    }

    pub(super) fn title(self) -> &'t str {
        self.table.text(self.word(3))
    }

    pub(super) fn content(self) -> Content {
        match self.word(4) & flags::CONTENT {
            0 => Content::Complete,
            1 => Content::NotPresent,
            4 => Content::Supplement,
            _ => Content::Part,
        }
    }

    /// Whether codes are compared without regard to case.
    pub(super) fn any_case(self) -> bool {
        self.word(4) & flags::ANY_CASE != 0
    }

    /// Whether a parent is a more general concept of the same thing.
    pub(super) fn is_a(self) -> bool {
        self.word(4) & flags::IS_A != 0
    }

    fn range(self) -> std::ops::Range<usize> {
        self.table.part(Section::Systems, self.index, 5)
    }

    /// How many concepts are there.
    pub(super) fn len(self) -> usize {
        self.range().len()
    }

    /// The concepts, in the order of the source.
    pub(super) fn concepts(self) -> impl Iterator<Item = ConceptRef<'t>> {
        (0..self.len()).map(move |number| ConceptRef { system: self, number })
    }

    /// The concept with this code.
    pub(super) fn concept(self, code: &str) -> Option<ConceptRef<'t>> {
        let range = self.range();
        let at = |place: usize| {
            let number = self.table.field(Section::ConceptOrder, range.start + place, 0) as usize;
            (number, self.table.text(self.table.field(Section::Concepts, range.start + number, 0)))
        };
        let number = find_code(range.len(), at, code, self.any_case())?;
        Some(ConceptRef { system: self, number })
    }

    /// Whether any concept has this property.
    pub(super) fn has_property(self, code: &str) -> bool {
        self.concepts().any(|concept| concept.properties().any(|property| property.code == code))
    }
}

/// What of a code system is there (FHIR R4, `CodeSystem.content`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Everything.
    Complete,
    /// Nothing but its name.
    NotPresent,
    /// Some codes: an example or a fragment. What is not there may exist.
    Part,
    /// Texts for another code system.
    Supplement,
}

/// A concept of a code system.
#[derive(Clone, Copy)]
pub(super) struct ConceptRef<'t> {
    pub(super) system: SystemRef<'t>,
    /// Its place in the system.
    pub(super) number: usize,
}

impl<'t> ConceptRef<'t> {
    fn record(self) -> usize {
        self.system.range().start + self.number
    }

    fn word(self, field: usize) -> u32 {
        self.system.table.field(Section::Concepts, self.record(), field)
    }

    pub(super) fn code(self) -> &'t str {
        self.system.table.text(self.word(0))
    }

    pub(super) fn display(self) -> Option<&'t str> {
        some(self.system.table.text(self.word(1)))
    }

    pub(super) fn definition(self) -> Option<&'t str> {
        some(self.system.table.text(self.word(2)))
    }

    pub(super) fn is_abstract(self) -> bool {
        self.word(3) & flags::ABSTRACT != 0
    }

    pub(super) fn is_inactive(self) -> bool {
        self.word(3) & flags::INACTIVE != 0
    }

    pub(super) fn parents(self) -> impl Iterator<Item = Self> {
        let table = self.system.table;
        let parent = move |place| Self { number: table.field(Section::Parents, place, 0) as usize, ..self };
        table.part(Section::Concepts, self.record(), 4).map(parent)
    }

    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        self.system.concepts().filter(move |concept| concept.parents().any(|parent| parent.number == self.number))
    }

    pub(super) fn properties(self) -> impl Iterator<Item = PropertyRef<'t>> {
        let table = self.system.table;
        table.part(Section::Concepts, self.record(), 5).map(move |place| {
            let text = |field| table.text(table.field(Section::Properties, place, field));
            let kind = table.field(Section::Properties, place, 1) as usize;
            let kind = ValueKind::ALL.get(kind).map_or("valueString", |(_, name)| *name);
            PropertyRef { code: text(0), kind, value: text(2), system: text(3), display: text(4) }
        })
    }

    pub(super) fn designations(self) -> impl Iterator<Item = DesignationRef<'t>> {
        let table = self.system.table;
        table.part(Section::Concepts, self.record(), 6).map(move |place| DesignationRef::at(table, place))
    }
}

/// A property of a concept.
#[derive(Clone, Copy)]
pub(super) struct PropertyRef<'t> {
    pub(super) code: &'t str,
    /// The name of the element that holds the value, such as `valueCode`.
    pub(super) kind: &'static str,
    pub(super) value: &'t str,
    pub(super) system: &'t str,
    pub(super) display: &'t str,
}

/// Another text for a concept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesignationRef<'t> {
    /// Its language (BCP 47); may be empty.
    pub language: &'t str,
    /// System of the code that says what it is for; may be empty.
    pub use_system: &'t str,
    /// What it is for; may be empty.
    pub use_code: &'t str,
    /// Text of that code; may be empty.
    pub use_display: &'t str,
    /// The text.
    pub value: &'t str,
}

impl<'t> DesignationRef<'t> {
    fn at(table: &'t Table, place: usize) -> Self {
        let text = |field| table.text(table.field(Section::Designations, place, field));
        Self { language: text(0), use_system: text(1), use_code: text(2), use_display: text(3), value: text(4) }
    }
}

/// A value set of a table.
#[derive(Clone, Copy)]
pub(super) struct SetRef<'t> {
    table: &'t Table,
    index: usize,
}

impl<'t> SetRef<'t> {
    pub(super) fn at(table: &'t Table, index: usize) -> Self {
        Self { table, index }
    }

    fn word(self, field: usize) -> u32 {
        self.table.field(Section::Sets, self.index, field)
    }

    /// Whether both are the same place.
    pub(super) fn is(self, other: Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.index == other.index
    }

    pub(super) fn url(self) -> &'t str {
        self.table.text(self.word(0))
    }

    pub(super) fn version(self) -> Option<&'t str> {
        some(self.table.text(self.word(1)))
    }

    pub(super) fn name(self) -> &'t str {
        self.table.text(self.word(2))
    }

    pub(super) fn title(self) -> &'t str {
        self.table.text(self.word(3))
    }

    /// A code of `http://hl7.org/fhir/publication-status`.
    pub(super) fn status(self) -> &'static str {
        let place = (self.word(4) >> flags::STATUS_SHIFT) as usize;
        STATUS.get(place).copied().unwrap_or("unknown")
    }

    /// Whether it has rules.
    pub(super) fn is_composed(self) -> bool {
        self.word(4) & flags::COMPOSED != 0
    }

    /// Whether inactive codes are no members.
    pub(super) fn only_active(self) -> bool {
        self.word(4) & flags::ONLY_ACTIVE != 0
    }

    pub(super) fn clauses(self) -> impl Iterator<Item = ClauseRef<'t>> {
        self.table.part(Section::Sets, self.index, 5).map(move |index| ClauseRef { table: self.table, index })
    }
}

/// One `include` or `exclude` of a value set.
#[derive(Clone, Copy)]
pub(super) struct ClauseRef<'t> {
    table: &'t Table,
    index: usize,
}

impl<'t> ClauseRef<'t> {
    fn word(self, field: usize) -> u32 {
        self.table.field(Section::Clauses, self.index, field)
    }

    pub(super) fn is_exclude(self) -> bool {
        self.word(0) & flags::EXCLUDE != 0
    }

    /// Whether its codes are listed.
    pub(super) fn is_listed(self) -> bool {
        self.word(0) & flags::LISTED != 0
    }

    pub(super) fn system(self) -> Option<&'t str> {
        some(self.table.text(self.word(1)))
    }

    pub(super) fn version(self) -> Option<&'t str> {
        some(self.table.text(self.word(2)))
    }

    fn listed_range(self) -> std::ops::Range<usize> {
        self.table.part(Section::Clauses, self.index, 3)
    }

    pub(super) fn listed(self) -> impl Iterator<Item = ListedRef<'t>> {
        self.listed_range().map(move |place| ListedRef { table: self.table, place })
    }

    /// The listed code that equals this one.
    pub(super) fn find(self, code: &str, any_case: bool) -> Option<ListedRef<'t>> {
        let range = self.listed_range();
        let at = |place: usize| {
            let number = self.table.field(Section::ListedOrder, range.start + place, 0) as usize;
            (number, self.table.text(self.table.field(Section::Listed, range.start + number, 0)))
        };
        let number = find_code(range.len(), at, code, any_case)?;
        Some(ListedRef { table: self.table, place: range.start + number })
    }

    /// Property, operator and value of each filter.
    pub(super) fn filters(self) -> impl Iterator<Item = (&'t str, &'t str, &'t str)> {
        let text = move |place, field| self.table.text(self.table.field(Section::Filters, place, field));
        let range = self.table.part(Section::Clauses, self.index, 4);
        range.map(move |place| (text(place, 0), text(place, 1), text(place, 2)))
    }

    pub(super) fn imports(self) -> impl Iterator<Item = &'t str> {
        let range = self.table.part(Section::Clauses, self.index, 5);
        range.map(move |place| self.table.text(self.table.field(Section::Imports, place, 0)))
    }
}

/// A code that a clause lists.
#[derive(Clone, Copy)]
pub(super) struct ListedRef<'t> {
    table: &'t Table,
    place: usize,
}

impl<'t> ListedRef<'t> {
    pub(super) fn code(self) -> &'t str {
        self.table.text(self.table.field(Section::Listed, self.place, 0))
    }

    pub(super) fn display(self) -> Option<&'t str> {
        some(self.table.text(self.table.field(Section::Listed, self.place, 1)))
    }

    pub(super) fn designations(self) -> impl Iterator<Item = DesignationRef<'t>> {
        let range = self.table.part(Section::Listed, self.place, 2);
        range.map(move |place| DesignationRef::at(self.table, place))
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
