use std::sync::Arc;

use super::refs::{Content, SetRef, SystemRef};
use super::table::Table;
use crate::packages::{Canonical, compare_versions};

/// The code systems and value sets that are in force together: those that are shipped, and tables of loaded packages.
///
/// Where one URL has several versions and none is asked for, what is loaded comes before what is shipped, and then the newest is meant.
#[derive(Clone, Default)]
pub struct Terminology {
    loaded: Vec<Arc<Table>>,
}

/// What a canonical URL of a value set stands for.
#[derive(Clone, Copy)]
pub(super) enum Meaning<'t, 'a> {
    /// A value set with rules of its own.
    Set(SetRef<'t>),
    /// All codes of a code system.
    AllOf(&'t str),
    /// A code of a code system and everything below it.
    IsA(&'t str, &'a str),
}

/// URLs that stand for all codes of a system that may have no value set resource (FHIR R4, "Using LOINC", "Using SNOMED CT", "Using UCUM").
const IMPLICIT: [(&str, &str); 3] = [
    ("http://loinc.org/vs", "http://loinc.org"),
    ("http://snomed.info/sct?fhir_vs", SNOMED),
    ("http://unitsofmeasure.org/vs", "http://unitsofmeasure.org"),
];
const SNOMED: &str = "http://snomed.info/sct";

impl Terminology {
    /// What is shipped, and these tables of packages.
    #[must_use]
    pub fn new(loaded: Vec<Arc<Table>>) -> Self {
        Self { loaded }
    }

    /// The tables, what is loaded first.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.loaded.iter().map(|table| &**table).chain([Table::core()])
    }

    /// The code system with this url and version; whichever version is meant when none is asked for.
    pub(super) fn system(&self, url: &str, version: Option<&str>) -> Option<SystemRef<'_>> {
        let asked = Canonical { url, version };
        let all =
            self.tables().enumerate().flat_map(|(place, table)| table.systems_of(url).map(move |found| (place, found)));
        let fits = all.filter(|(_, found)| found.content() != Content::Supplement && asked.accepts(found.version()));
        let core = self.loaded.len();
        let best = fits.max_by(|(a_place, a), (b_place, b)| {
            let has_codes = |system: &SystemRef<'_>| system.content() != Content::NotPresent;
            let first = has_codes(a).cmp(&has_codes(b)).then_with(|| (*a_place < core).cmp(&(*b_place < core)));
            first.then_with(|| compare_versions(a.version(), b.version()))
        });
        best.map(|(_, found)| found)
    }

    /// The value set resource with this canonical URL.
    pub(super) fn set(&self, asked: Canonical<'_>) -> Option<SetRef<'_>> {
        let core = self.loaded.len();
        let all = self
            .tables()
            .enumerate()
            .flat_map(|(place, table)| table.sets_of(asked.url).map(move |found| (place, found)));
        let best = all.filter(|(_, found)| asked.accepts(found.version())).max_by(|(a_place, a), (b_place, b)| {
            let first = (*a_place < core).cmp(&(*b_place < core));
            first.then_with(|| compare_versions(a.version(), b.version()))
        });
        best.map(|(_, found)| found)
    }

    /// What a canonical URL of a value set stands for.
    pub(super) fn meaning<'t, 'a>(&'t self, canonical: &'a str) -> Option<Meaning<'t, 'a>> {
        let asked = Canonical::parse(canonical);
        if let Some(found) = self.set(asked) {
            return Some(Meaning::Set(found));
        }
        if let Some((_, system)) = IMPLICIT.iter().find(|(url, _)| *url == asked.url) {
            return asked.version.is_none().then_some(Meaning::AllOf(system));
        }
        if let Some(code) = asked.url.strip_prefix("http://snomed.info/sct?fhir_vs=isa/") {
            return (asked.version.is_none() && !code.is_empty()).then_some(Meaning::IsA(SNOMED, code));
        }
        // A code system names the value set of all its codes, and need not be published with it (FHIR R4, `CodeSystem.valueSet`).
        let mut systems = self.tables().flat_map(|table| table.systems_of_value_set(asked.url));
        let named = systems.find(|system| asked.accepts(system.version()))?;
        Some(Meaning::AllOf(named.url()))
    }
}
