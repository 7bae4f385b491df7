//! Implementation-guide packages: profiles, value sets, code systems and search parameters out of a `.tgz`, and sets of them.
//!
//! The promise: a package is read whole or refused. Bytes that inflate too far, paths that leave the package, links, damaged members and
//! two resources with one canonical URL are errors, and memory is bounded by [`PackageLimits`] whatever the bytes say. What is kept is
//! compressed per resource, without narrative; [`Packaged::document`] gives it back as a [`Doc`](crate::json::Doc).
//!
//! Works on bytes; where they come from is not known here. Source: FHIR package specification (hl7.org/fhir, "NPM package specification"):
//! a gzipped tar with `package/package.json` and the resources beside it.

mod archive;
mod canonical;
mod error;
mod package;
mod set;

pub use canonical::Canonical;
pub(crate) use canonical::compare_versions;
pub use error::{PackageError, PackageProblem};
pub use package::{Dependency, Package, PackageKind, Packaged};
pub use set::{PackageSet, SetError};

/// How much of a hostile package is looked at before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageLimits {
    /// Bytes of the package as it comes, compressed.
    pub max_bytes: usize,
    /// Bytes that it may inflate to, headers and members that are passed over included.
    pub max_inflated: u64,
    /// How many times larger than its compressed bytes it may inflate, beyond the first 8 MiB (deflate itself allows about 1,030).
    pub max_ratio: u64,
    /// Members of the archive.
    pub max_entries: usize,
    /// Bytes of one resource.
    pub max_resource: usize,
    /// JSON values in one resource.
    pub max_values: usize,
}

impl Default for PackageLimits {
    /// 64 MiB compressed, 1 GiB and 100 times inflated, 50,000 members, 128 MiB and 8,000,000 values a resource: the largest public packages
    /// (value sets of a national authority, a terminology of 100,000 codes) fit in.
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_inflated: 1 << 30,
            max_ratio: 100,
            max_entries: 50_000,
            max_resource: 128 << 20,
            max_values: 8_000_000,
        }
    }
}

#[cfg(test)]
mod tests;
