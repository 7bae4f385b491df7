//! A table of code systems and value sets, read in place: finding something is a binary search over the bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

use super::refs::{SetRef, SystemRef};
use super::source::layout::{MARK, Section};
use super::source::model::Sources;
use super::source::read::ReadError;
use super::source::write::{compare_codes, folded, write};
use super::source::{self};
use crate::json::Node;
use crate::packages::{Package, PackageError, PackageKind};

/// Code systems and value sets of FHIR 4.0.1, written by `aceso-fhir-gen` from `definitions/r4`.
static CORE: &[u8] = include_bytes!("../generated/terminology.bin");

/// Code systems and value sets in a compact form.
pub struct Table {
    bytes: Cow<'static, [u8]>,
    /// Start in bytes and length in words (of strings: in bytes).
    sections: [(usize, usize); Section::COUNT],
}

/// A code system or value set of a package cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The resource cannot be read back.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// An element is missing or malformed.
    #[error("{canonical}: {element} is missing or malformed")]
    Element {
        /// The resource's canonical URL.
        canonical: String,
        /// Path of the element.
        element: &'static str,
    },
    /// More than four gigabytes.
    #[error("the content is too large for a table")]
    TooLarge,
}

impl Table {
    /// What is shipped: the code systems and value sets that FHIR 4.0.1 publishes.
    #[must_use]
    pub fn core() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Self::open(Cow::Borrowed(CORE)))
    }

    /// The code systems and value sets of a package.
    ///
    /// # Errors
    /// See [`TableError`]: a package with a resource that cannot be understood gives no table.
    pub fn of_package(package: &Package) -> Result<Self, TableError> {
        let wanted = [PackageKind::CodeSystem, PackageKind::ValueSet];
        let resources = package.resources().iter().filter(|resource| wanted.contains(&resource.kind()));
        let resources: Vec<_> = resources.collect();
        let documents: Vec<_> = resources.iter().map(|resource| resource.document()).collect::<Result<_, _>>()?;
        let mut sources = Sources { source: package.id(), ..Sources::default() };
        for (resource, document) in resources.iter().zip(&documents) {
            let named = |ReadError(element)| TableError::Element { canonical: resource.canonical(), element };
            if resource.kind() == PackageKind::CodeSystem {
                sources.systems.push(source::read::system(document.root()).map_err(named)?);
            } else {
                sources.sets.push(source::read::set(document.root()).map_err(named)?);
            }
        }
        let bytes = write(&sources).map_err(|_| TableError::TooLarge)?;
        Ok(Self::open(Cow::Owned(bytes)))
    }

    /// Where the content is from: `FHIR 4.0.1 build …`, or the package as `name#version`.
    #[must_use]
    pub fn source(&self) -> &str {
        let at = MARK.len();
        self.text(word(&self.bytes, at))
    }

    /// Bytes of the table.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A table of another form than this program's reads as empty; both are made by one build.
    fn open(bytes: Cow<'static, [u8]>) -> Self {
        let mut sections = [(0, 0); Section::COUNT];
        if bytes.starts_with(&MARK) {
            for (number, section) in sections.iter_mut().enumerate() {
                let at = MARK.len() + 4 + 8 * number;
                *section = (word(&bytes, at) as usize, word(&bytes, at + 4) as usize);
            }
        }
        Self { bytes, sections }
    }

    fn section(&self, section: Section) -> (usize, usize) {
        self.sections.get(section as usize).copied().unwrap_or_default()
    }

    /// How many records a section has, the one at its end included.
    pub(super) fn records(&self, section: Section) -> usize {
        self.section(section).1 / section.words()
    }

    pub(super) fn field(&self, section: Section, record: usize, field: usize) -> u32 {
        let (start, words) = self.section(section);
        let place = record * section.words() + field;
        if place < words { word(&self.bytes, start + 4 * place) } else { 0 }
    }

    /// Where a part of a record begins and ends.
    pub(super) fn part(&self, section: Section, record: usize, field: usize) -> std::ops::Range<usize> {
        self.field(section, record, field) as usize..self.field(section, record + 1, field) as usize
    }

    pub(super) fn text(&self, place: u32) -> &str {
        std::str::from_utf8(self.raw_text(place)).unwrap_or_default()
    }

    fn raw_text(&self, place: u32) -> &[u8] {
        let (start, length) = self.section(Section::Strings);
        let strings = self.bytes.get(start..start + length).unwrap_or_default();
        let mut rest = strings.get(place as usize..).unwrap_or_default();
        let (mut count, mut shift) = (0_usize, 0);
        while let Some((&byte, after)) = rest.split_first() {
            count |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            rest = after;
            if byte < 0x80 || shift > 28 {
                break;
            }
        }
        rest.get(..count).unwrap_or_default()
    }

    /// The records of a url among the first `count` of a section that is sorted by url.
    fn of_url(&self, section: Section, count: usize, url: &str) -> std::ops::Range<usize> {
        let at = |record: usize| self.raw_text(self.field(section, record, 0));
        let start = partition(count, |record| at(record) < url.as_bytes());
        let end = (start..count).take_while(|&record| at(record) == url.as_bytes()).count();
        start..start + end
    }

    /// All code systems, sorted by url and version.
    #[cfg(test)]
    pub(super) fn systems(&self) -> impl Iterator<Item = SystemRef<'_>> {
        (0..self.records(Section::Systems).saturating_sub(1)).map(|index| SystemRef::at(self, index))
    }

    /// All value sets, sorted by url and version.
    #[cfg(test)]
    pub(super) fn sets(&self) -> impl Iterator<Item = SetRef<'_>> {
        (0..self.records(Section::Sets).saturating_sub(1)).map(|index| SetRef::at(self, index))
    }

    /// The code systems with this url, whatever their version.
    pub(super) fn systems_of(&self, url: &str) -> impl Iterator<Item = SystemRef<'_>> {
        let count = self.records(Section::Systems).saturating_sub(1);
        self.of_url(Section::Systems, count, url).map(|index| SystemRef::at(self, index))
    }

    /// The code systems whose codes, all of them, are the value set with this url.
    pub(super) fn systems_of_value_set(&self, url: &str) -> impl Iterator<Item = SystemRef<'_>> {
        let found = self.of_url(Section::AllCodes, self.records(Section::AllCodes), url);
        found.map(|place| SystemRef::at(self, self.field(Section::AllCodes, place, 1) as usize))
    }

    /// The value sets with this url, whatever their version.
    pub(super) fn sets_of(&self, url: &str) -> impl Iterator<Item = SetRef<'_>> {
        let count = self.records(Section::Sets).saturating_sub(1);
        self.of_url(Section::Sets, count, url).map(|index| SetRef::at(self, index))
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word))
}

/// How many of the first `count` numbers come before: they are sorted so that all of those come first.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Finds a code in a part that has an order over its codes: the exact one, or with `any_case` the first without regard to case.
pub(super) fn find_code<'t>(
    count: usize,
    at: impl Fn(usize) -> (usize, &'t str),
    code: &str,
    any_case: bool,
) -> Option<usize> {
    let compare = |place: usize| {
        let (_, text) = at(place);
        if any_case { folded(text).cmp(folded(code)) } else { compare_codes(text, code) }
    };
    let place = partition(count, |place| compare(place) == Ordering::Less);
    (place < count && compare(place) == Ordering::Equal).then(|| at(place).0)
}

impl<'a> source::read::Json<'a> for Node<'a> {
    fn member(self, name: &str) -> Option<Self> {
        self.get(name)
    }

    fn list(self) -> impl Iterator<Item = Self> {
        self.items()
    }

    fn string(self) -> Option<Cow<'a, str>> {
        self.as_str()
    }

    fn scalar(self) -> Option<Cow<'a, str>> {
        let plain = || self.number_text().or_else(|| self.as_bool().map(|value| if value { "true" } else { "false" }));
        self.as_str().or_else(|| plain().map(Cow::Borrowed))
    }
}
