//! Ids as types, so that a tenant can never stand where a record was meant.

use std::fmt;
use std::sync::Arc;

/// The text does not have the shape that the id demands. Carries no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct InvalidId {
    /// What kind of id was expected.
    pub kind: &'static str,
    /// The rule that the text breaks.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the shape.
            ///
            /// # Errors
            /// [`InvalidId`] names the rule, never the text.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(Arc::from(text))) } else { Err(InvalidId { kind: $kind, rule: $rule }) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}({})", stringify!($name), self.0) }
        }
    };
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

text_id!(
    /// One customer's data: part of every key, token, cursor and cache entry.
    TenantId, "tenant id", "1 to 32 of a-z, 0-9 and '-'", is_label
);
text_id!(
    /// Where the data lives (`us`, `ksa`): part of every key derivation and associated data.
    Region, "region", "1 to 32 of a-z, 0-9 and '-'", is_label
);
text_id!(
    /// A FHIR logical id (R4 datatypes, `id`): `[A-Za-z0-9\-\.]{1,64}`.
    LogicalId, "FHIR id", "1 to 64 of A-Z, a-z, 0-9, '-' and '.'",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
);
text_id!(
    /// A person or a service that acts.
    UserId, "user id", "1 to 64 of A-Z, a-z, 0-9, '-', '.', '_' and '@'",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._@".contains(&b))
);

/// A version of a record: 1 for the first, then counting up without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Version(pub u32);

impl Version {
    /// The version of a record that has just come into being.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Sixteen random bytes, shown as hex: request ids, session ids, key ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token16(pub [u8; 16]);

impl fmt::Display for Token16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Token16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names one request in logs, errors and the audit log.
pub type RequestId = Token16;

/// Whose keys seal a record: a patient, or the tenant's own directory for records about no patient.
///
/// A patient's subject id is the UUID that is his `Patient` resource's logical id, so a reference leads to the keys
/// without a look-up, and the id says nothing about the person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId(pub [u8; 16]);

impl SubjectId {
    /// Records that belong to no patient: practitioners, organisations, locations, medications.
    pub const DIRECTORY: Self = Self([0; 16]);

    /// The subject of the patient with this logical id; `None` unless it is a lower-case hyphenated UUID other than nil.
    #[must_use]
    pub fn of_patient(id: &str) -> Option<Self> {
        let bytes = id.as_bytes();
        if bytes.len() != 36 {
            return None;
        }
        let mut out = [0_u8; 16];
        let mut nibbles = 0_usize;
        for (at, &byte) in bytes.iter().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let value = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            let slot = out.get_mut(nibbles / 2)?;
            *slot = (*slot << 4) | value;
            nibbles += 1;
        }
        (out != [0; 16]).then_some(Self(out))
    }

    /// Whether this is the directory rather than a patient.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        *self == Self::DIRECTORY
    }
}

impl From<SubjectId> for LogicalId {
    /// The hyphenated UUID, which always has the shape of a logical id.
    fn from(subject: SubjectId) -> Self {
        Self(Arc::from(subject.to_string()))
    }
}

impl fmt::Display for SubjectId {
    /// The hyphenated UUID: for a patient, his logical id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_id_becomes_its_subject_and_back() {
        let id = "057aa36e-b892-9964-75b9-ffb46b097e34";
        let subject = SubjectId::of_patient(id).unwrap();
        assert_eq!(subject.to_string(), id);
        assert_eq!(LogicalId::from(subject), LogicalId::parse(id).unwrap());
    }

    #[test]
    fn only_lower_case_hyphenated_uuids_are_subjects() {
        for wrong in [
            "",
            "057AA36E-b892-9964-75b9-ffb46b097e34",
            "057aa36eb8929964-75b9-ffb46b097e34-0",
            "MRN-12345",
            "00000000-0000-0000-0000-000000000000",
            "057aa36e-b892-9964-75b9_ffb46b097e34",
        ] {
            assert!(SubjectId::of_patient(wrong).is_none());
        }
    }

    #[test]
    fn a_refused_id_does_not_show_its_text() {
        let error = TenantId::parse("Jane Doe").unwrap_err();
        assert!(!error.to_string().contains("Jane"));
    }
}
