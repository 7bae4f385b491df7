//! The table at run time: one array index per element.

use aceso_fhir::definitions::{Element, ResourceType};

use crate::DataClass;
use crate::rule::{self, INHERIT};

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

static CLASSES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/classes.bin"));

/// Whose record a resource is in: names and numbers of practitioners and organisations are structure in the directory,
/// but in a patient's record the same elements may hold his.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Patient,
    Directory,
}

impl Context {
    /// The context of a record whose outermost resource has this type.
    pub(crate) fn of(rtype: ResourceType) -> Self {
        if class_of_type(rtype) == DataClass::Structure { Self::Directory } else { Self::Patient }
    }

    const fn half(self, entry: u8) -> u8 {
        match self {
            Self::Patient => rule::in_patient(entry),
            Self::Directory => entry >> 4,
        }
    }
}

/// What the table says of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labelled {
    Of(DataClass),
    Inherit,
    ByUrl,
}

/// What the table says of an element; nothing known counts as sensitive.
pub(crate) fn of_element(element: &Element, context: Context) -> Labelled {
    match CLASSES.get(usize::from(element.id)).map(|entry| context.half(*entry)) {
        Some(INHERIT) => Labelled::Inherit,
        Some(rule::BY_URL) => Labelled::ByUrl,
        Some(code) => Labelled::Of(DataClass::from_code(code).unwrap_or(DataClass::Sensitive)),
        None => Labelled::Of(DataClass::Sensitive),
    }
}

/// The class of what a resource of this type tells when a patient's record contains it; structure for directory types.
pub(crate) fn class_of_type(rtype: ResourceType) -> DataClass {
    let code = TYPE_CLASSES.get(usize::from(rtype.code())).copied();
    code.and_then(DataClass::from_code).unwrap_or(DataClass::Sensitive)
}

/// The class of an extension with this URL on an element of the class `holder`.
pub(crate) fn of_extension(url: Option<&str>, holder: DataClass, context: Context) -> DataClass {
    let entry = url.and_then(|url| look_up(url, &EXTENSIONS, &EXTENSIONS_PREFIXES));
    match entry.map(|entry| context.half(entry)) {
        // Free text beside structure would be seen by everybody.
        Some(INHERIT) if holder == DataClass::Structure && context == Context::Patient => DataClass::Sensitive,
        Some(INHERIT) => holder,
        Some(code) => DataClass::from_code(code).unwrap_or(DataClass::Sensitive),
        None => DataClass::Sensitive,
    }
}

/// The class of a security label of this code system.
pub(crate) fn of_security_label(system: Option<&str>, context: Context) -> DataClass {
    let entry = system.and_then(|system| look_up(system, &SECURITY, &SECURITY_PREFIXES));
    entry.and_then(|entry| DataClass::from_code(context.half(entry))).unwrap_or(DataClass::Sensitive)
}

fn look_up(url: &str, exact: &[(&str, u8)], prefixes: &[(&str, u8)]) -> Option<u8> {
    let found = exact.binary_search_by(|(known, _)| (*known).cmp(url)).ok().and_then(|at| exact.get(at));
    found.or_else(|| prefixes.iter().find(|(prefix, _)| url.starts_with(prefix))).map(|(_, entry)| *entry)
}
