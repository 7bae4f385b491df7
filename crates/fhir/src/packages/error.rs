use crate::json::JsonError;

/// Why a package is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", place(*entry))]
pub struct PackageError {
    /// The rule that is broken.
    pub problem: PackageProblem,
    /// Which member of the archive, counted from 1; none when it is the package as a whole.
    pub entry: Option<usize>,
}

fn place(entry: Option<usize>) -> String {
    entry.map(|number| format!(" (member {number} of the archive)")).unwrap_or_default()
}

impl From<PackageProblem> for PackageError {
    fn from(problem: PackageProblem) -> Self {
        Self { problem, entry: None }
    }
}

/// The rule that a package breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageProblem {
    /// More compressed bytes than [`super::PackageLimits::max_bytes`].
    #[error("the package is too large")]
    TooLarge,
    /// More inflated bytes than [`super::PackageLimits::max_inflated`] or `max_ratio` allow.
    #[error("the package inflates to too many bytes")]
    InflatesTooFar,
    /// More members than [`super::PackageLimits::max_entries`].
    #[error("the package has too many members")]
    TooManyEntries,
    /// A resource has more bytes than [`super::PackageLimits::max_resource`].
    #[error("a resource is too large")]
    ResourceTooLarge,
    /// Not gzip, cut short, or its checksum is wrong.
    #[error("the gzip stream is damaged")]
    Gzip,
    /// A header of the archive is damaged.
    #[error("the tar archive is damaged")]
    Tar,
    /// A path is absolute, has `..`, a backslash or a NUL, or is no UTF-8.
    #[error("a path leaves the package or is malformed")]
    Path,
    /// A symbolic link, a hard link, a device, a pipe or a sparse file.
    #[error("a member is neither a file nor a folder")]
    NotAFile,
    /// Two members have the same path.
    #[error("two members have the same path")]
    DuplicatePath,
    /// There is no `package/package.json`.
    #[error("package/package.json is missing")]
    NoManifest,
    /// `package/package.json` lacks a member, or one has the wrong form.
    #[error("`{0}` in package/package.json is missing or malformed")]
    Manifest(&'static str),
    /// The package is for another version of FHIR than 4.0.
    #[error("the package is not for FHIR 4.0")]
    FhirVersion,
    /// The package is FHIR itself, which is built in.
    #[error("FHIR R4 itself is built in; packages hold what comes beside it")]
    Core,
    /// A file is no JSON.
    #[error("a file is not JSON: {0}")]
    Json(JsonError),
    /// A file is no resource, or an element that identifies it is missing or malformed.
    #[error("a resource lacks `{0}`, or it is malformed")]
    Resource(&'static str),
    /// Two resources of one kind have the same canonical URL and version.
    #[error("two resources have the canonical URL {0}")]
    DuplicateCanonical(String),
    /// A JSON file that is no CodeSystem and no ValueSet.
    #[error("only a CodeSystem or a ValueSet can be added as a file of its own")]
    NotTerminology,
    /// What was kept does not come back: a fault of this program.
    #[error("a kept resource cannot be read back")]
    Kept,
}
