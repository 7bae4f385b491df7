//! A log in memory, entries of every shape, and a directory that goes away.

#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "every test binary uses a part of this")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aceso_audit::{
    Action, AppendError, Checkpoint, Entry, Frame, FullTile, Hash, LogKeys, LogReader, Origin, Outcome, ReadError,
    Receipt, SealedBatch, Sequencer, export,
};
use aceso_base::{
    Caller, Interaction, LogicalId, Purpose, Randomness, Region, Role, RoleSet, SubjectId, TenantId, Timestamp,
    Token16, UserId, Version,
};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};

pub struct Seeded(pub u8);

impl Randomness for Seeded {
    fn fill(&self, out: &mut [u8]) {
        out.iter_mut().zip(0_u8..).for_each(|(byte, n)| *byte = self.0.wrapping_mul(31).wrapping_add(n));
    }
}

#[derive(Debug)]
pub enum WriteError {
    Append(AppendError),
    Refused,
}

impl From<AppendError> for WriteError {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

/// What a store keeps, in memory.
#[derive(Default, Clone)]
pub struct Stored {
    pub commitments: Vec<Hash>,
    pub batches: Vec<SealedBatch>,
    pub tiles: Vec<FullTile>,
    pub checkpoint: Option<Vec<u8>>,
    pub state: Vec<u8>,
}

impl Stored {
    pub fn write(&mut self, frame: &Frame) -> Result<(), WriteError> {
        assert_eq!(frame.first, self.commitments.len() as u64);
        let (commitments, rest) = frame.commitments.as_chunks::<32>();
        assert!(rest.is_empty() && commitments.len() == frame.count as usize);
        self.commitments.extend(commitments);
        self.batches.push(SealedBatch { first: frame.first, count: frame.count, body: frame.body.clone() });
        self.tiles.extend(frame.tiles.iter().cloned());
        self.checkpoint = Some(frame.checkpoint.clone());
        self.state = frame.state.clone();
        Ok(())
    }
}

impl LogReader for Stored {
    fn size(&self) -> Result<u64, ReadError> {
        Ok(self.commitments.len() as u64)
    }

    fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.checkpoint.clone())
    }

    fn commitments(&self, range: Range<u64>) -> Result<Vec<Hash>, ReadError> {
        let found = self.commitments.get(range.start as usize..range.end as usize);
        found.map(<[Hash]>::to_vec).ok_or_else(|| ReadError::corrupt("a commitment is missing"))
    }

    fn full_tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let found = self.tiles.iter().rev().find(|tile| tile.level == level && tile.index == index);
        Ok(found.map(|tile| tile.hashes.clone()))
    }

    fn bodies(&self, range: Range<u64>) -> Result<Vec<SealedBatch>, ReadError> {
        let from = self.batches.partition_point(|b| b.first + u64::from(b.count) <= range.start);
        Ok(self.batches[from..].iter().take_while(|b| b.first < range.end).cloned().collect())
    }
}

/// A log with its writer.
pub struct Log {
    pub keys: LogKeys,
    pub origin: Origin,
    pub writer: Sequencer,
    pub stored: Stored,
    pub entries: Vec<Entry>,
}

pub const START: Timestamp = Timestamp(1_795_000_000_000);

impl Log {
    pub fn new(seed: u8) -> Self {
        let keys = LogKeys::generate(&Seeded(seed));
        let origin = Origin::parse("audit.example.org/aceso").unwrap();
        let writer = Sequencer::create(&keys, &origin).unwrap();
        Self { keys, origin, writer, stored: Stored::default(), entries: Vec::new() }
    }

    /// A log of this many entries, in batches of many sizes.
    pub fn of_size(size: u64) -> Self {
        let mut log = Self::new(1);
        log.grow_to(size);
        log
    }

    pub fn grow_to(&mut self, size: u64) {
        const BATCHES: [u64; 8] = [1, 40, 300, 7, 512, 1, 2, 700];
        for batch in BATCHES.iter().cycle() {
            let have = self.writer.size();
            if have == size {
                break;
            }
            let entries: Vec<Entry> = (have..size.min(have + batch)).map(entry).collect();
            self.append(&entries);
        }
    }

    pub fn append(&mut self, entries: &[Entry]) -> Vec<Receipt> {
        let Self { writer, stored, .. } = self;
        let now = START.plus_seconds(writer.size() as i64);
        let receipts = writer.append(now, entries, |frame| stored.write(frame)).unwrap();
        self.entries.extend_from_slice(entries);
        receipts
    }

    pub fn export(&self) -> Dir {
        let dir = Dir::new();
        let head = export(&self.stored, &self.keys, &self.origin, dir.path(), &mut |_, _| {}).unwrap();
        assert_eq!(head.size, self.writer.size());
        dir
    }

    pub fn head(&self) -> Checkpoint {
        Checkpoint::open(&self.writer.checkpoint(), self.writer.verifying_key()).unwrap()
    }
}

pub fn caller() -> Caller {
    Caller {
        tenant: TenantId::parse("clinic").unwrap(),
        region: Region::parse("us").unwrap(),
        user: UserId::parse("u-4711").unwrap(),
        client: UserId::parse("console").unwrap(),
        session: Token16([0x5e; 16]),
        roles: RoleSet::NONE.with(Role::Physician).with(Role::Auditor),
        own_patient: None,
        purpose: Purpose::Treatment,
        request: Token16([0x4e; 16]),
    }
}

pub fn record_id(n: u64) -> LogicalId {
    LogicalId::parse(&format!("057aa36e-b892-9964-75b9-{n:012x}")).unwrap()
}

/// The n-th sample entry: the kinds take turns.
pub fn entry(n: u64) -> Entry {
    let patient = ResourceType::parse("Patient").unwrap();
    let id = record_id(n);
    let subject = SubjectId::of_patient(id.as_str()).unwrap();
    match n % 5 {
        0 => Entry::by(&caller(), Interaction::Read)
            .with_grant(Token16([n as u8; 16]))
            .with_classes(ClassSet::ALL)
            .with_elements(["Patient.name", "Patient.birthDate"])
            .with_subject(subject)
            .with_record(patient, &id, Version(n as u32 + 1))
            .with_key(Token16([9; 16]), 2)
            .with_policy("labels-1/policy-1"),
        1 => Entry::by(&caller(), Action::Search)
            .with_parameters(["birthdate", "family"])
            .with_subjects((0..n % 7).map(|k| SubjectId::of_patient(record_id(n + k).as_str()).unwrap()))
            .with_count(n),
        2 => Entry::by(&caller(), Interaction::Update)
            .with_outcome(Outcome::denied("not-own-record"))
            .with_classes(ClassSet::STRUCTURE.with(DataClass::Contact))
            .with_subject(subject),
        3 => Entry::system(&caller().region, Action::LoginFailed)
            .with_tenant(&caller().tenant)
            .with_client(&caller().client)
            .with_outcome(Outcome::failed("wrong-password")),
        _ => Entry::system(&caller().region, Action::KeyRotated)
            .with_key(Token16([n as u8; 16]), n as u32)
            .with_detail("tenant-key"),
    }
}

/// A directory that is removed when dropped.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("aceso-audit-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }

    pub fn change(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.read(name);
        edit(&mut bytes);
        self.write(name, &bytes);
    }

    pub fn change_lines(&self, name: &str, edit: impl FnOnce(&mut Vec<String>)) {
        let text = String::from_utf8(self.read(name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        edit(&mut lines);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.write(name, text.as_bytes());
    }

    /// Every file, relative, in order.
    pub fn files(&self) -> Vec<String> {
        let (mut pending, mut out) = (vec![self.0.clone()], Vec::new());
        while let Some(directory) = pending.pop() {
            for item in std::fs::read_dir(directory).unwrap() {
                let path = item.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    out.push(path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        out.sort();
        out
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
