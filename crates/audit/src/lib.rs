//! The log that nobody can rewrite unnoticed.
//!
//! An [`Entry`] says who did what, why, and to which records: ids and names of the field only, never a value. The
//! [`Sequencer`] puts entries into an RFC 9162 Merkle tree, seals their text, signs the new head as a C2SP checkpoint,
//! and gives a [`Receipt`] for each entry after the caller has made the [`Frame`] durable. A receipt is what opens
//! sealed records elsewhere, so nothing is opened without a durable entry.
//!
//! What others may check without any key: tiles and checkpoints in the C2SP tlog-tiles layout ([`serve_tile`],
//! [`export`], [`verify`]). A leaf is a salted commitment, so tiles and bundles tell nothing about anybody.
//!
//! What this cannot show by itself: a log that was cut off or forked since the last checkpoint that somebody outside
//! has kept. Give such a checkpoint to [`verify`].

mod action;
mod audit_event;
#[cfg(feature = "insecure-benchmark-control")]
mod control;
mod disclosure;
mod encoding;
mod entry;
mod export;
mod fault;
mod keys;
mod note;
mod proof;
mod reader;
mod sequencer;
mod shown;
mod tiles;
mod tree;
mod verify;

pub use action::{Action, ActionClass, Code, Outcome};
pub use audit_event::to_audit_event;
pub use disclosure::{Disclosed, Disclosures};
pub use encoding::DecodeError;
pub use entry::{Entry, KeyRef, Name, RecordRef};
pub use export::{ExportError, Sink, export, export_into};
pub use fault::{Fault, FaultKind};
pub use keys::{LogKeys, SecretBytesError};
pub use note::{Checkpoint, NoteError, Origin, VerifyingKey};
pub use proof::{ProofError, consistency_proof, inclusion_proof, tree_root, verify_consistency, verify_inclusion};
pub use reader::{LogReader, LoggedEntry, ReadEntriesError, ReadError, SealedBatch, read_entries};
pub use sequencer::{AppendError, Frame, Receipt, ResumeError, Sequencer};
pub use tiles::{FullTile, TileError, TilePath, serve_tile};
pub use tree::{Hash, empty_root, leaf_hash, node_hash, sha256};
pub use verify::{Verified, each_exported, exported_key, verify};
