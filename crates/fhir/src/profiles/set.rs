use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::wire::{Wire, chunk};
use super::{Profile, ProfileProblem};
use crate::json::Doc;
use crate::packages::{PackageKind, PackageSet, compare_versions};

/// Written by `cargo xtask definitions` with [`embedded_table`].
static EMBEDDED: &[u8] = include_bytes!("embedded.bin");

/// The first byte of the table.
const TABLE: u8 = 1;

/// A profile of the specification: its URL, its bytes, and itself once it was asked for.
struct Embedded {
    url: &'static str,
    bytes: &'static [u8],
    decoded: OnceLock<Option<Profile>>,
}

/// The profiles that are known: those of the specification, and those that were loaded.
#[derive(Default)]
pub struct Profiles {
    loaded: BTreeMap<Box<str>, Vec<Profile>>,
    unusable: BTreeMap<Box<str>, ProfileProblem>,
}

impl Profiles {
    /// The profiles and extensions of packages, beside those of the specification. What cannot be compiled, and types that are no profiles
    /// (logical models), are left to [`Profiles::unusable`].
    #[must_use]
    pub fn of_packages(packages: &PackageSet) -> Self {
        let mut profiles = Self::default();
        for packaged in packages.all(PackageKind::StructureDefinition) {
            // What was read once is readable; a definition that is not is unknown to whoever claims it.
            if let Ok(definition) = packaged.document() {
                drop(profiles.add(&definition));
            }
        }
        profiles
    }

    /// Compiles a StructureDefinition and adds it. One that cannot be compiled is remembered: who claims it is told why it is not checked.
    ///
    /// # Errors
    /// What of it is not understood.
    pub fn add(&mut self, definition: &Doc) -> Result<(), ProfileProblem> {
        let root = definition.root();
        match Profile::compile(root) {
            Ok(profile) => {
                let versions = self.loaded.entry(profile.url.clone()).or_default();
                versions.retain(|other| other.version != profile.version);
                versions.push(profile);
                versions.sort_by(|a, b| compare_versions(Some(&a.version), Some(&b.version)));
                Ok(())
            }
            Err(problem) => {
                if let Some(url) = root.get("url").and_then(|url| url.as_str()) {
                    self.unusable.insert(url.as_ref().into(), problem.clone());
                }
                Err(problem)
            }
        }
    }

    /// The profile with this canonical URL, which may end with `|version`. A loaded one goes before one of the specification; without a
    /// version the newest that was loaded is meant.
    #[must_use]
    pub fn find(&self, canonical: &str) -> Option<&Profile> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)));
        let meant = |profile: &&Profile| version.is_none_or(|version| *profile.version == *version);
        let loaded = self.loaded.get(url).and_then(|versions| versions.iter().rev().find(meant));
        loaded.or_else(|| embedded(url).filter(meant))
    }

    /// Why a definition that was loaded is not used.
    #[must_use]
    pub fn unusable(&self, canonical: &str) -> Option<&ProfileProblem> {
        self.unusable.get(canonical.split('|').next().unwrap_or(canonical))
    }

    /// How many were loaded beside those of the specification.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.loaded.values().map(Vec::len).sum()
    }

    /// Canonical URLs of the profiles of the specification, sorted.
    pub fn of_the_specification() -> impl Iterator<Item = &'static str> {
        table().iter().map(|entry| entry.url)
    }
}

fn embedded(url: &str) -> Option<&'static Profile> {
    let at = table().binary_search_by(|entry| entry.url.cmp(url)).ok()?;
    let entry = table().get(at)?;
    entry.decoded.get_or_init(|| Profile::take(&mut { entry.bytes })).as_ref()
}

fn table() -> &'static [Embedded] {
    static INDEX: OnceLock<Vec<Embedded>> = OnceLock::new();
    INDEX.get_or_init(|| index(EMBEDDED).unwrap_or_default())
}

fn index(mut bytes: &'static [u8]) -> Option<Vec<Embedded>> {
    if u8::take(&mut bytes)? != TABLE {
        return None;
    }
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let len = u32::take(&mut bytes)?;
        let url = std::str::from_utf8(chunk(&mut bytes, len)?).ok()?;
        let len = u32::take(&mut bytes)?;
        entries.push(Embedded { url, bytes: chunk(&mut bytes, len)?, decoded: OnceLock::new() });
    }
    Some(entries)
}

/// The table of the profiles of the specification, as it is embedded: what the example `embedded_profiles` writes.
///
/// # Errors
/// The first definition that cannot be compiled, by its URL.
pub fn embedded_table(definitions: &[Doc]) -> Result<Vec<u8>, (String, ProfileProblem)> {
    let mut profiles = BTreeMap::new();
    for definition in definitions {
        let root = definition.root();
        let profile = Profile::compile(root).map_err(|problem| {
            (root.get("url").and_then(|url| url.as_str()).unwrap_or_default().into_owned(), problem)
        })?;
        profiles.insert(profile.url.clone(), profile);
    }
    let mut out = vec![TABLE];
    for (url, profile) in profiles {
        let mut bytes = Vec::new();
        profile.put(&mut bytes);
        url.put(&mut out);
        (bytes.len() as u32).put(&mut out);
        out.extend_from_slice(&bytes);
    }
    Ok(out)
}
