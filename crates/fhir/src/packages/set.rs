use std::sync::Arc;

use super::canonical::compare_versions;
use super::{Canonical, Dependency, Package, PackageKind, Packaged};

/// Packages that are in force together, with one index over their canonical URLs.
#[derive(Default)]
pub struct PackageSet {
    packages: Vec<Arc<Package>>,
    /// Package and resource, sorted by kind, canonical URL and version.
    index: Vec<(u32, u32)>,
}

/// Packages that cannot be in force together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The same package twice.
    #[error("the package {0} is named twice")]
    Twice(String),
    /// Two packages say different things under one canonical URL and version.
    #[error("{first} and {second} have different resources with the canonical URL {canonical}")]
    Conflict {
        /// The canonical URL, with its version.
        canonical: String,
        /// `name#version` of a package that has it.
        first: String,
        /// `name#version` of the other.
        second: String,
    },
}

impl PackageSet {
    /// Puts packages together. Their order is of no importance.
    ///
    /// # Errors
    /// See [`SetError`]. The same resource in two packages, equal to the byte, is no conflict.
    pub fn new(packages: Vec<Arc<Package>>) -> Result<Self, SetError> {
        let mut names: Vec<String> = packages.iter().map(|package| package.id()).collect();
        names.sort();
        if let Some([twice, _]) = names.array_windows().find(|[a, b]| a == b) {
            return Err(SetError::Twice(twice.clone()));
        }
        let places = |(number, package): (usize, &Arc<Package>)| {
            let count = u32::try_from(package.resources().len()).unwrap_or_default();
            (0..count).map(move |resource| (u32::try_from(number).unwrap_or_default(), resource))
        };
        let mut set = Self { index: packages.iter().enumerate().flat_map(places).collect(), packages };
        let mut index = std::mem::take(&mut set.index);
        let key = |place: (u32, u32)| {
            set.at(place).map(|(_, resource)| {
                let (kind, url, version) = resource.key();
                (kind, url.to_owned(), version.map(str::to_owned))
            })
        };
        index.sort_by_cached_key(|&place| key(place));
        let mut kept: Vec<(u32, u32)> = Vec::with_capacity(index.len());
        for place in index {
            if let (Some((first, before)), Some((second, resource))) =
                (kept.last().and_then(|&last| set.at(last)), set.at(place))
                && before.key() == resource.key()
            {
                if before.same_text(resource) {
                    continue;
                }
                let canonical = resource.canonical();
                return Err(SetError::Conflict { canonical, first: first.id(), second: second.id() });
            }
            kept.push(place);
        }
        set.index = kept;
        Ok(set)
    }

    /// The packages.
    #[must_use]
    pub fn packages(&self) -> &[Arc<Package>] {
        &self.packages
    }

    /// The profile, extension or type with this canonical URL, which may end with `|version`.
    #[must_use]
    pub fn structure(&self, canonical: &str) -> Option<&Packaged> {
        self.find(PackageKind::StructureDefinition, canonical)
    }

    /// The resource of this kind and canonical URL, which may end with `|version`. Without a version the newest is meant.
    #[must_use]
    pub fn find(&self, kind: PackageKind, canonical: &str) -> Option<&Packaged> {
        let asked = Canonical::parse(canonical);
        let found = self.range(kind, asked.url).iter().filter_map(|&place| self.at(place));
        let found = found.map(|(_, resource)| resource).filter(|resource| asked.accepts(resource.version()));
        found.max_by(|a, b| compare_versions(a.version(), b.version()))
    }

    /// All resources of a kind, sorted by canonical URL and version.
    pub fn all(&self, kind: PackageKind) -> impl Iterator<Item = &Packaged> {
        let found = self.index.iter().filter_map(|&place| self.at(place));
        found.map(|(_, resource)| resource).filter(move |resource| resource.kind() == kind)
    }

    /// What packages of the set need and no package of the set is, with the package that needs it.
    #[must_use]
    pub fn missing(&self) -> Vec<(&Package, &Dependency)> {
        let needed =
            self.packages.iter().flat_map(|package| package.dependencies().iter().map(move |need| (&**package, need)));
        needed.filter(|(_, need)| !self.packages.iter().any(|package| need.met_by(package))).collect()
    }

    fn range(&self, kind: PackageKind, url: &str) -> &[(u32, u32)] {
        let key = |place: &(u32, u32)| self.at(*place).map(|(_, resource)| (resource.kind(), resource.url()));
        let start = self.index.partition_point(|place| key(place) < Some((kind, url)));
        let end = self.index.partition_point(|place| key(place) <= Some((kind, url)));
        self.index.get(start..end).unwrap_or_default()
    }

    fn at(&self, (package, resource): (u32, u32)) -> Option<(&Package, &Packaged)> {
        let package = self.packages.get(package as usize)?;
        Some((package, package.resources().get(resource as usize)?))
    }
}
