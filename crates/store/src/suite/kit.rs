//! What the tests of the suite share.

use crate::{CommitError, Precondition, Put, Reader, RecordKey, RecordRow, Store, Unit};
use aceso_audit::{Action, Checkpoint, Entry, LogKeys, LogReader, Origin, Receipt, empty_root, leaf_hash, node_hash};
use aceso_base::{LogicalId, Region, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::{IndexToken, Sealed};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// The log's keys in every test.
#[must_use]
pub fn log_keys() -> LogKeys {
    let mut bytes = vec![7; 65];
    bytes[0] = 1;
    LogKeys::from_secret_bytes(&bytes).unwrap()
}

/// The log's name in every test.
#[must_use]
pub fn origin() -> Origin {
    Origin::parse("aceso.test/suite").unwrap()
}

/// Any entry.
#[must_use]
pub fn entry() -> Entry {
    Entry::system(&Region::parse("us").unwrap(), Action::ALL[0])
}

/// A tenant.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// A patient.
#[must_use]
pub const fn subject(number: u8) -> SubjectId {
    SubjectId([number; 16])
}

/// A record's name, tenant `clinic`.
#[must_use]
pub fn key(rtype: &str, id: &str) -> RecordKey {
    RecordKey { tenant: tenant("clinic"), rtype: rtype_of(rtype), id: LogicalId::parse(id).unwrap() }
}

/// The resource type of a name.
#[must_use]
pub(super) fn rtype_of(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

/// A live version of a record of subject 1, with a search part and an event, without tokens; its bytes tell key and version.
#[must_use]
pub fn put(key: &RecordKey, version: u32) -> Put {
    let head = crate::Head {
        version: Version(version),
        subject: subject(1),
        subject_key_version: 1,
        tenant_key_version: 1,
        updated: Timestamp(1000 * i64::from(version)),
        deleted: false,
    };
    let name = format!("{} {} {version}", key.rtype.name(), key.id);
    Put {
        key: key.clone(),
        row: RecordRow { head, sealed: Sealed::from_store(format!("body of {name}").into_bytes()) },
        search: Some(Sealed::from_store(format!("search of {name}").into_bytes())),
        tokens: Vec::new(),
        links: Vec::new(),
        reseal: false,
        event: true,
    }
}

/// Short ways to vary a put and to make units of it.
pub trait Sample: Sized {
    /// For another subject.
    #[must_use]
    fn of(self, number: u8) -> Self;
    /// With these tokens, in the namespace `test`.
    #[must_use]
    fn with_tokens(self, values: &[&str]) -> Self;
    /// Linked to these subjects.
    #[must_use]
    fn with_links(self, numbers: &[u8]) -> Self;
    /// As a deletion.
    #[must_use]
    fn deleted(self) -> Self;
    /// Sealed under another tenant key.
    #[must_use]
    fn under(self, tenant_key_version: u32) -> Self;
    /// The same version again.
    #[must_use]
    fn resealed(self) -> Self;
    /// Alone in a unit with one entry.
    fn unit(self) -> Unit;
}

impl Sample for Put {
    fn of(mut self, number: u8) -> Self {
        self.row.head.subject = subject(number);
        self
    }

    fn with_tokens(mut self, values: &[&str]) -> Self {
        self.tokens = values.iter().map(|value| token(value)).collect();
        self
    }

    fn with_links(mut self, numbers: &[u8]) -> Self {
        self.links = numbers.iter().map(|number| subject(*number)).collect();
        self
    }

    fn deleted(mut self) -> Self {
        self.row.head.deleted = true;
        self.row.sealed = Sealed::from_store(Vec::new());
        self.search = None;
        self.tokens.clear();
        self.links.clear();
        self
    }

    fn under(mut self, tenant_key_version: u32) -> Self {
        self.row.head.tenant_key_version = tenant_key_version;
        self
    }

    fn resealed(mut self) -> Self {
        self.reseal = true;
        self.search = None;
        self.row.sealed = Sealed::from_store([b"again: ", self.row.sealed.as_bytes()].concat());
        self
    }

    fn unit(self) -> Unit {
        Unit { puts: vec![self], entries: vec![entry()], ..Unit::default() }
    }
}

/// A token in the namespace `test`.
pub(super) fn token(value: &str) -> IndexToken {
    IndexToken::from_store([b"test", value.as_bytes()].concat())
}

/// The record's version must be this one.
pub(super) fn at_version(key: &RecordKey, expected: Option<u32>) -> Precondition {
    Precondition::Version { key: key.clone(), expected: expected.map(Version) }
}

/// Commits and waits.
pub(super) fn commit(store: &impl Store, unit: Unit) -> Result<Vec<Receipt>, CommitError> {
    block_on(store.commit(unit))
}

/// Commits, waits, and expects success.
pub(super) fn done(store: &impl Store, unit: Unit) {
    commit(store, unit).unwrap();
}

/// Commits, waits, and expects a refusal; gives its step.
pub(super) fn refused(store: &impl Store, unit: Unit) -> usize {
    match commit(store, unit) {
        Err(CommitError::Refused { failed, .. }) => failed,
        other => unreachable!("expected a refusal, got {other:?}"),
    }
}

/// The ids that a scan of a compartment visits, with their home subjects.
pub(super) fn scanned(store: &impl Reader, number: u8, types: &[&str]) -> Vec<(String, SubjectId)> {
    let types: Vec<ResourceType> = types.iter().map(|name| rtype_of(name)).collect();
    let mut out = Vec::new();
    store
        .scan_search(&tenant("clinic"), subject(number), &types, &mut |row| {
            out.push((format!("{}/{}", row.rtype.name(), row.id), row.subject));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    out
}

/// Runs a future on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Recomputes the root from all commitments, compares it with the signed checkpoint, checks every full leaf tile, opens every
/// entry, and gives the size.
pub fn verify_log(log: &dyn LogReader) -> u64 {
    let size = log.size().unwrap();
    let commitments = log.commitments(0..size).unwrap();
    assert_eq!(commitments.len() as u64, size);
    let leaves: Vec<[u8; 32]> = commitments.iter().map(|commitment| leaf_hash(commitment)).collect();
    for (index, leaves) in leaves.chunks_exact(256).enumerate() {
        assert_eq!(log.full_tile(0, index as u64).unwrap().unwrap(), leaves.concat());
    }
    if let Some(note) = log.latest_checkpoint().unwrap() {
        let head = Checkpoint::open(&note, &log_keys().verifying_key(&origin()).unwrap()).unwrap();
        assert_eq!((head.size, head.root), (size, root(&leaves)));
    } else {
        assert_eq!(size, 0);
    }
    let entries = aceso_audit::read_entries(log, &log_keys(), &origin(), 0..size).unwrap();
    assert_eq!(entries.len() as u64, size);
    size
}

/// RFC 9162 section 2.1.1, from the leaves' hashes.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}
