use std::cmp::Ordering;

/// A canonical reference taken apart: `url|version`, the version being optional (FHIR R4, datatypes, canonical).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canonical<'a> {
    /// The URL.
    pub url: &'a str,
    /// The version that is asked for.
    pub version: Option<&'a str>,
}

impl<'a> Canonical<'a> {
    /// Takes it apart at the last bar; nothing behind the bar is no version.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        match text.rsplit_once('|') {
            Some((url, version)) => Self { url, version: (!version.is_empty()).then_some(version) },
            None => Self { url: text, version: None },
        }
    }

    /// Whether what has this version is meant; every version is when none is asked for.
    #[must_use]
    pub fn accepts(&self, version: Option<&str>) -> bool {
        self.version.is_none_or(|asked| version == Some(asked))
    }
}

/// Which version is the newer: numbers between dots and hyphens by value, the rest as text, a longer one after its beginning. No version
/// comes before any. `1.0.0-ballot` counts as newer than `1.0.0`, as FHIR leaves the order of versions open.
#[must_use]
pub(crate) fn compare_versions(a: Option<&str>, b: Option<&str>) -> Ordering {
    fn parts(version: &str) -> impl Iterator<Item = (Option<u64>, &str)> {
        version.split(['.', '-']).map(|part| (part.parse().ok(), part))
    }
    match (a, b) {
        (Some(a), Some(b)) => parts(a).cmp(parts(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
