//! Objects that become other records by time alone (a course that ends on a day to come): they are mapped anew when it has come, though
//! nothing changes at the source.

use super::engine::Sync;
use super::object::ObjectNote;
use super::ports::{Note, Space};
use super::run::RunError;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
/// Rows that are looked through at once.
const BLOCK: usize = 500;

/// The row of an object in the list, where it has to change: when it is due now, in milliseconds since the epoch.
pub(super) fn note(key: String, before: Option<i64>, now: Option<i64>) -> Option<Note> {
    let value = now.map(|at| {
        let mut bytes = Zeroizing::new(vec![FORMAT]);
        bytes.extend_from_slice(&at.to_be_bytes());
        bytes
    });
    (before != now).then_some(Note { space: Space::Due, key, value })
}

/// `None` for another format: the object is looked at now.
fn moment(bytes: &[u8]) -> Option<i64> {
    let (&FORMAT, rest) = bytes.split_first()? else { return None };
    rest.try_into().ok().map(i64::from_be_bytes)
}

impl Sync {
    /// Takes every object anew whose time has come.
    pub(crate) async fn take_what_is_due(&self) -> Result<(), RunError> {
        let prefix = self.prefix();
        let mut after: Option<String> = None;
        loop {
            let block = self.intake().list(Space::Due, &prefix, after.as_deref(), BLOCK)?;
            let Some((last, _)) = block.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, _) in block.into_iter().filter(|(_, at)| moment(at).is_none_or(|at| at <= self.now().0)) {
                let known = self.intake().load(Space::Objects, &key)?.and_then(|bytes| ObjectNote::decode(&bytes));
                let resource =
                    known.as_ref().and_then(|known| self.source().vendor.capabilities().resource(&known.kind));
                if let Some((resource, known)) = resource.zip(known) {
                    self.take_by_id(resource, &known.id).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_when_and_is_written_only_when_that_changes() {
        let row = note("a/b".to_owned(), None, Some(5)).unwrap();
        assert_eq!(moment(&row.value.unwrap()), Some(5));
        assert!(note("a/b".to_owned(), Some(5), Some(5)).is_none() && note("a/b".to_owned(), None, None).is_none());
        assert!(note("a/b".to_owned(), Some(5), None).unwrap().value.is_none());
        assert_eq!(moment(&[9, 0, 0, 0, 0, 0, 0, 0, 5]), None);
    }
}
