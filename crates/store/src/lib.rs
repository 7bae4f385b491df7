//! What a store of sealed records promises: rows of sealed bytes, keyed tokens, wrapped keys, documents, an outbox and
//! one unit of work that holds all of it together with its audit entries.
//!
//! The store knows no plaintext: bodies, search parts, wrapped keys and documents are bytes to it. Every adapter passes
//! the suite in `suite` (feature `suite`), so that one can stand in for another. Beside it the port of a shared cache ([`SharedCache`]).

mod cache;
mod document;
mod error;
mod event;
mod keys;
mod reader;
mod record;
mod search;
#[cfg(feature = "suite")]
pub mod suite;
mod unit;

pub use cache::{CacheError, CacheHealth, CacheName, Caching, LARGEST_VALUE, SharedCache};
pub use document::{Document, DocumentWrite};
pub use error::{CommitError, StoreError};
pub use event::{Event, EventKind};
pub use keys::{KeyUsage, KeyUse, KeyWrite, SubjectKeyRow, TenantKeyRow};
pub use reader::Reader;
pub use record::{Head, RecordKey, RecordRow, SealedCursor, SealedUnder, Updated};
pub use search::{Candidate, Candidates, IndexRow, SearchRow, SearchRowRef, TokenMark, TokenStats};
pub use unit::{Committing, Health, Precondition, Put, Step, Store, Unit};
