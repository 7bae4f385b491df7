//! Text that is borrowed from a parsed document where it can be, and wiped where it cannot.

use std::borrow::Cow;
use std::ops::Deref;

use zeroize::Zeroizing;

/// Text of a record on its way from one document to another.
#[derive(Clone)]
pub(crate) enum Text<'a> {
    /// Part of the source document, which wipes itself.
    Borrowed(&'a str),
    /// Put together here; wiped when dropped.
    Owned(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Owned(Zeroizing::new(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl Text<'_> {
    /// Whether it may be the value of a FHIR `string`: something to see in it, and no control characters other than tab,
    /// line feed and carriage return (R4 datatypes, `string`).
    pub(crate) fn is_fhir_string(&self) -> bool {
        !self.trim().is_empty() && self.chars().all(|c| c >= ' ' || matches!(c, '\t' | '\n' | '\r'))
    }
}
