//! The envelope: keys, sealed records, search parts, documents and index tokens.
//!
//! ```text
//! root key (KMS, per region) → tenant key vN → subject key vM → one key per record version and part
//!                            → index root   → tokens that the whole tenant can look up
//! ```
//!
//! A record is sealed in parts, one per data class. The structure part is under the tenant key, all others under keys
//! of the subject, so a redacted read derives no key of the patient, and deleting one row (the wrapped subject key)
//! makes everything else of him unreadable. Whatever is sealed is bound to its [`Place`]: moved, swapped or mixed rows
//! do not open. Opening needs a [`aceso_policy::Grant`] and the [`aceso_audit::Receipt`] of its durable log entry.
//!
//! Construction: AES-256-GCM with nonces made inside the module, on keys derived by HKDF-SHA-256 (RFC 5869) from a
//! random salt per record version, with a 32-byte key commitment beside; search parts and documents, which are under ready
//! keys, carry a commitment to that key. All cryptography is `aws-lc-rs`. Raw key
//! bytes exist in the private module `hazard` alone.
//!
//! What the stored bytes still show: the type, id, version and time of a row (its place), which data classes a record
//! has, their padded lengths, key versions, and what each index says of itself in [`index::TABLE`]. Putting back a
//! whole older row together with its version is not seen here; the audit log sees it.

mod document;
#[cfg(not(feature = "insecure-benchmark-control"))]
mod hazard;
#[cfg(feature = "insecure-benchmark-control")]
#[path = "control.rs"]
mod hazard;
pub mod index;
mod keys;
mod place;
mod provider;
mod randomness;
mod record;
mod search;
mod token;

pub use document::{DocumentError, document_key_version, open_document, seal_document};
pub use keys::{KeyError, SubjectKey, TenantKeys, WrappedIndexRoot, WrappedSubjectKey, WrappedTenantKey};
pub use place::Place;
pub use provider::{KeyContext, KeyKind, KeyProvider, ProviderError};
pub use randomness::SystemRandomness;
pub use record::{
    MAX_PART, OpenError, OpenedParts, OpenedRecord, RecordHeader, RecordToSeal, SealError, SealedFacts, SealedPart,
    facts, header, open_record, reseal_record, seal_record,
};
pub use search::{
    IndexDigest, SearchHeader, check_search, may_open, open_search, reseal_search, seal_search, search_header,
};
pub use token::{INDEX_VERSION, cache_name, subject_token};
