//! What is remembered of one source object, so that the same state is never written twice and nothing older replaces newer.

use aceso_base::{LogicalId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The note of one object. Sealed by the store's side; the first byte is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectNote {
    /// The kind at the source.
    pub(crate) kind: String,
    /// The id at the source, to read it again.
    pub(crate) id: String,
    /// Keyed hash of the content and the version of the mapping.
    pub(crate) hash: [u8; 16],
    /// When the request was sent that brought it, milliseconds since the epoch.
    pub(crate) asked: i64,
    /// The records that were made of it.
    pub(crate) made: Vec<(String, String)>,
    /// It is deleted at the source.
    pub(crate) deleted: bool,
    /// Records that it would refer to and that were not here when it was mapped.
    #[serde(default)]
    pub(crate) waits_for: Vec<(String, String)>,
    /// From this moment on the same object becomes other records; milliseconds since the epoch.
    #[serde(default)]
    pub(crate) due: Option<i64>,
}

const FORMAT: u8 = 1;

impl ObjectNote {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![FORMAT]);
        // Serialising plain members into memory does not fail.
        let _ = serde_json::to_writer(&mut *bytes, self);
        bytes
    }

    /// `None` for another format: the object is then read and written anew.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&FORMAT, rest) = bytes.split_first()? else { return None };
        serde_json::from_slice(rest).ok()
    }

    pub(crate) const fn asked(&self) -> Timestamp {
        Timestamp(self.asked)
    }

    /// Whether the time has come at which the same object becomes other records.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now.0)
    }

    /// Records that were made of the earlier state and are not among `now`.
    pub(crate) fn left(&self, now: &[(ResourceType, LogicalId)]) -> Vec<(ResourceType, LogicalId)> {
        let still = |rtype: ResourceType, id: &LogicalId| now.iter().any(|(t, i)| *t == rtype && i == id);
        let parsed = |(rtype, id): &(String, String)| Some((ResourceType::parse(rtype)?, LogicalId::parse(id).ok()?));
        self.made.iter().filter_map(parsed).filter(|(rtype, id)| !still(*rtype, id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> ObjectNote {
        ObjectNote {
            kind: "medications".to_owned(),
            id: "1".to_owned(),
            hash: [7; 16],
            asked: 5,
            made: vec![("Medication".to_owned(), "a".to_owned()), ("Provenance".to_owned(), "b".to_owned())],
            deleted: false,
            waits_for: Vec::new(),
            due: Some(9),
        }
    }

    #[test]
    fn a_note_comes_back_and_another_format_does_not() {
        let bytes = note().encode();
        assert_eq!(ObjectNote::decode(&bytes), Some(note()));
        let mut other = bytes.to_vec();
        other[0] = 9;
        assert_eq!(ObjectNote::decode(&other), None);
    }

    #[test]
    fn a_note_of_before_there_were_dates_is_not_due() {
        let early =
            br#"{"kind":"a","id":"1","hash":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"asked":5,"made":[],"deleted":false}"#;
        let note = ObjectNote::decode(&[&[FORMAT][..], early].concat()).unwrap();
        assert!(!note.is_due(Timestamp(i64::MAX)));
        assert!(self::note().is_due(Timestamp(9)) && !self::note().is_due(Timestamp(8)));
    }

    #[test]
    fn records_that_are_no_longer_made_are_named() {
        let now = [(ResourceType::parse("Provenance").unwrap(), LogicalId::parse("b").unwrap())];
        let left = note().left(&now);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].1.as_str(), "a");
    }
}
