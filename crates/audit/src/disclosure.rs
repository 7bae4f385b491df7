//! Which elements a read disclosed.
//!
//! The entry of a read is durable before anything is opened, so it cannot know which elements the record has: it names the
//! version and the classes. The entry of the write of that version lists the elements. Both together say it. Where one element
//! may be of several classes (a choice of types, extensions, contained resources), it counts as disclosed when any of them was
//! open: the answer may name an element too many there, never one too few.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aceso_base::Version;
use aceso_labels::{DataClass, classes_of_element};

use crate::action::{Action, ActionClass, Outcome};
use crate::entry::{Entry, Name, RecordRef};

/// What a read showed of one version of one record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disclosed {
    /// The version that was read.
    pub record: RecordRef,
    /// Top-level elements, as paths of the definitions, in the order in which they were written; `None` when the log has no entry
    /// of the write of that version.
    pub elements: Option<Vec<Name>>,
}

/// Walks a log from its beginning and says of each read what it disclosed.
#[derive(Default)]
pub struct Disclosures {
    written: BTreeMap<Written, Arc<[Name]>>,
    /// Most versions of one type have one of a few lists.
    lists: BTreeSet<Arc<[Name]>>,
}

/// Tenant, type code, id, version.
type Written = (String, u8, String, u32);

impl Disclosures {
    /// Takes the next entry. A write is remembered; for a read that was granted, each record with what was shown of it.
    pub fn take(&mut self, entry: &Entry) -> Vec<Disclosed> {
        if entry.outcome != Outcome::Granted {
            return Vec::new();
        }
        if matches!(entry.action, Action::Create | Action::Update | Action::Patch) {
            self.remember(entry);
        }
        // Without a class nothing was opened: the candidates of a search, a copy that the client had.
        if entry.action.class() != ActionClass::Read || entry.classes.is_empty() {
            return Vec::new();
        }
        entry.records.iter().map(|record| self.disclosed(entry, record)).collect()
    }

    fn remember(&mut self, entry: &Entry) {
        let list: Arc<[Name]> = entry.elements.as_slice().into();
        let list = self.lists.get(&list).cloned().unwrap_or_else(|| {
            self.lists.insert(Arc::clone(&list));
            list
        });
        for record in entry.records.iter().filter(|record| record.version != Version(0)) {
            self.written.insert(key(entry, record), Arc::clone(&list));
        }
    }

    fn disclosed(&self, entry: &Entry, record: &RecordRef) -> Disclosed {
        let elements = self.written.get(&key(entry, record)).map(|written| {
            let asked = |path: &Name| entry.elements.is_empty() || entry.elements.contains(path);
            written.iter().filter(|path| is_open(entry, record, path) && asked(path)).cloned().collect()
        });
        Disclosed { record: record.clone(), elements }
    }
}

fn key(entry: &Entry, record: &RecordRef) -> Written {
    let tenant = entry.tenant.as_ref().map_or_else(String::new, |tenant| tenant.as_str().to_owned());
    (tenant, record.rtype.code(), record.id.as_str().to_owned(), record.version.0)
}

/// Whether the classes of the read open this element, or some of it.
fn is_open(entry: &Entry, record: &RecordRef, path: &str) -> bool {
    if matches!(path.rsplit('.').next(), Some("extension" | "modifierExtension" | "contained")) {
        return true;
    }
    let own = classes_of_element(record.rtype, path).without(DataClass::Structure);
    own.is_empty() || !own.intersection(entry.classes).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_base::{LogicalId, Region, TenantId};
    use aceso_fhir::definitions::ResourceType;
    use aceso_labels::ClassSet;

    fn entry(action: Action, version: u32, classes: ClassSet) -> Entry {
        let (rtype, id) = (ResourceType::parse("Patient").unwrap(), LogicalId::parse("a").unwrap());
        Entry::system(&Region::parse("us").unwrap(), action)
            .with_tenant(&TenantId::parse("clinic").unwrap())
            .with_record(rtype, &id, Version(version))
            .with_classes(classes)
    }

    fn elements(found: &[Disclosed]) -> Option<Vec<&str>> {
        found.first().and_then(|one| one.elements.as_ref()).map(|list| list.iter().map(AsRef::as_ref).collect())
    }

    #[test]
    fn a_read_disclosed_the_elements_of_its_version_in_its_classes() {
        let mut log = Disclosures::default();
        let first = ["Patient.active", "Patient.name", "Patient.birthDate", "Patient.telecom"];
        assert!(log.take(&entry(Action::Create, 1, ClassSet::ALL).with_elements(first)).is_empty());
        assert!(log.take(&entry(Action::Update, 2, ClassSet::ALL).with_elements(["Patient.active"])).is_empty());
        let identity = ClassSet::STRUCTURE.with(DataClass::Identity);
        let read = |version, classes| entry(Action::Read, version, classes);
        assert_eq!(
            elements(&log.take(&read(1, identity))),
            Some(vec!["Patient.active", "Patient.name", "Patient.birthDate"])
        );
        assert_eq!(elements(&log.take(&read(1, ClassSet::STRUCTURE))), Some(vec!["Patient.active"]));
        assert_eq!(elements(&log.take(&read(2, ClassSet::ALL))), Some(vec!["Patient.active"]));
        let narrowed = read(1, ClassSet::ALL).with_elements(["Patient.name"]);
        assert_eq!(elements(&log.take(&narrowed)), Some(vec!["Patient.name"]));
        assert_eq!(
            log.take(&read(3, ClassSet::ALL)).first().map(|one| one.elements.clone()),
            Some(None),
            "never written"
        );
    }

    #[test]
    fn what_was_refused_or_not_opened_disclosed_nothing() {
        let mut log = Disclosures::default();
        let written = entry(Action::Create, 1, ClassSet::ALL).with_elements(["Patient.name"]);
        let _ = log.take(&written.clone().with_outcome(Outcome::failed("version-mismatch")));
        assert_eq!(
            elements(&log.take(&entry(Action::Read, 1, ClassSet::ALL))),
            None,
            "a write that failed wrote nothing"
        );
        let _ = log.take(&written);
        assert!(log.take(&entry(Action::Read, 1, ClassSet::NONE)).is_empty());
        assert!(log.take(&entry(Action::Read, 1, ClassSet::ALL).with_outcome(Outcome::denied("x"))).is_empty());
        assert_eq!(log.take(&entry(Action::Search, 1, ClassSet::ALL)).len(), 1);
    }

    #[test]
    fn an_element_of_several_classes_counts_when_any_of_them_was_open() {
        let mut log = Disclosures::default();
        let open = ["Patient.extension", "Patient.contained", "Patient.deceased[x]", "Patient.telecom"];
        let _ = log.take(&entry(Action::Create, 1, ClassSet::ALL).with_elements(open));
        let identity = ClassSet::STRUCTURE.with(DataClass::Identity);
        let found = log.take(&entry(Action::Read, 1, identity));
        assert_eq!(elements(&found), Some(vec!["Patient.extension", "Patient.contained", "Patient.deceased[x]"]));
    }
}
