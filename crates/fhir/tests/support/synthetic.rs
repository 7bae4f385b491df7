//! The synthetic patients, what is known when they are validated, and a count of what is found.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aceso_fhir::definitions::{ResourceType, Severity};
use aceso_fhir::json::{Doc, Limits, write};
use aceso_fhir::packages::{Package, PackageKind, PackageLimits};
use aceso_fhir::profiles::Profiles;
use aceso_fhir::terminology::{Table, Terminology};
use aceso_fhir::{Report, ValidateOptions, Validation, ValidationLimits};

/// Profiles and value sets: those of the specification, and of packages.
pub(crate) struct Known {
    profiles: Profiles,
    terminology: Terminology,
}

impl Known {
    /// Reads packages. A profile of one that cannot be compiled is a failure.
    pub(crate) fn load(packages: impl Iterator<Item = PathBuf>) -> Self {
        let (mut profiles, mut tables) = (Profiles::default(), Vec::new());
        for path in packages {
            let package = Package::read(&std::fs::read(path).unwrap(), &PackageLimits::default()).unwrap();
            for resource in package.resources() {
                if resource.kind() == PackageKind::StructureDefinition {
                    profiles.add(&resource.document().unwrap()).unwrap();
                }
            }
            tables.push(Arc::new(Table::of_package(&package).unwrap()));
        }
        Self { profiles, terminology: Terminology::new(tables) }
    }

    /// Everything there is to check.
    pub(crate) fn validation(&self) -> Validation<'_> {
        Validation {
            structure: ValidateOptions { allow_conditional: true, expected: None },
            profiles: &self.profiles,
            terminology: &self.terminology,
            invariants: true,
            claimed: true,
            asked: &[],
            now: aceso_base::Timestamp(1_790_000_000_000),
            limits: ValidationLimits::default(),
        }
    }
}

/// The bundles of a folder, sorted.
pub(crate) fn bundles(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bz2"));
    paths.sort();
    paths
}

/// Every resource of a bundle, as a document of its own.
pub(crate) fn resources(path: &Path) -> Vec<Doc> {
    let mut text = Vec::new();
    bzip2::read::BzDecoder::new(File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let limits = Limits { max_bytes: 64 << 20, ..Limits::default() };
    let bundle = Doc::parse(text, &limits).ok().unwrap();
    let resource = |entry: aceso_fhir::json::Node<'_>| {
        let mut out = Vec::new();
        write(entry.get("resource").unwrap(), &mut out);
        Doc::parse(out, &limits).ok().unwrap()
    };
    bundle.root().get("entry").unwrap().items().map(resource).collect()
}

/// Findings by what they say and where, without indexes.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(Severity, String), u64>,
    /// Resources with an error.
    pub(crate) invalid: u64,
}

impl Tally {
    /// Counts the findings of one resource.
    pub(crate) fn add(&mut self, report: &Report) {
        self.invalid += u64::from(!report.is_valid());
        for issue in &report.issues {
            let mut place = String::new();
            let mut is_index = false;
            for letter in issue.expression.chars() {
                is_index = (is_index || letter == '[') && letter != ']';
                if !is_index && letter != ']' {
                    place.push(letter);
                }
            }
            let rtype = report.rtype.map_or("", ResourceType::name);
            let place = if place.starts_with(rtype) { place } else { format!("{rtype}: {place}") };
            *self.counts.entry((issue.severity, format!("{place}: {}", issue.message))).or_default() += 1;
        }
    }
}

/// One line a kind: severity, count, place and message.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((severity, text), count) in &self.counts {
            writeln!(f, "{} {count} {text}", severity.as_str())?;
        }
        Ok(())
    }
}
