//! What a sealed record shows of itself to whoever holds its bytes. No key takes part.

use super::layout::{self, FORMAT, NONCE, SUITE};
use aceso_labels::DataClass;
use aceso_phi::Sealed;

/// How many bytes of each ciphertext are given as a sample.
const SAMPLE: usize = 16;

/// The stored form of a record, as anybody with the database sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedFacts {
    /// Format number.
    pub format: u8,
    /// Suite number: 1 is HKDF-SHA-256, AES-256-GCM and a commitment of 32 bytes.
    pub suite: u8,
    /// Which tenant key seals the structure.
    pub tenant_key_version: u32,
    /// Which version of the subject's key seals the other parts.
    pub subject_key_version: u32,
    /// The salt of this version's keys.
    pub salt: Vec<u8>,
    /// The commitment to the tenant's side of the keys.
    pub tenant_commitment: Vec<u8>,
    /// The commitment to the subject's side of the keys.
    pub subject_commitment: Vec<u8>,
    /// The parts in their order.
    pub parts: Vec<SealedPart>,
    /// Length of the whole in bytes.
    pub bytes: usize,
}

/// One part of a sealed record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedPart {
    /// What it is about.
    pub class: DataClass,
    /// Length of nonce, ciphertext and tag in bytes. The content is padded before it is sealed.
    pub bytes: usize,
    /// The first 16 bytes of the ciphertext.
    pub sample: Vec<u8>,
}

/// Takes a sealed record apart without opening it; `None` when the bytes are not of a known format.
#[must_use]
pub fn facts(sealed: &Sealed) -> Option<SealedFacts> {
    let stored = layout::parse(sealed.as_bytes())?;
    let parts = DataClass::ALL.into_iter().zip(stored.parts).filter_map(|(class, part)| {
        let part = part?;
        let sample = part.iter().skip(NONCE).take(SAMPLE).copied().collect();
        Some(SealedPart { class, bytes: part.len(), sample })
    });
    Some(SealedFacts {
        format: FORMAT,
        suite: SUITE,
        tenant_key_version: stored.tenant_key_version,
        subject_key_version: stored.subject_key_version,
        salt: stored.salt.to_vec(),
        tenant_commitment: stored.tenant_commitment.to_vec(),
        subject_commitment: stored.subject_commitment.to_vec(),
        parts: parts.collect(),
        bytes: sealed.as_bytes().len(),
    })
}
