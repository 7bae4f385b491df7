//! In the place of `hazard` in the benchmark's control build: the same calls, and no cryptography behind them. "Sealed" bytes
//! are the bytes, keys and commitments are zeros, tokens are an unkeyed hash. Lengths stay as they are, so that the
//! control moves as many bytes as the product does.

use aceso_base::Randomness;
use zeroize::Zeroizing;

/// As the product's: room for a nonce before and a tag after.
pub(crate) const OVERHEAD: usize = NONCE + TAG;
const NONCE: usize = 12;
const TAG: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

pub(crate) fn random_key(rng: &dyn Randomness) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill(key.as_mut_slice());
    key
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    unkeyed(&[bytes])
}

pub(crate) struct Prk;

impl Prk {
    pub(crate) fn extract(_salt: &[u8], _secret: &[u8; 32]) -> Result<Self, Refused> {
        Ok(Self)
    }

    pub(crate) fn expand(&self, _info: &mut Vec<u8>) -> Result<Zeroizing<[u8; 32]>, Refused> {
        Ok(Zeroizing::new([0; 32]))
    }

    pub(crate) fn aead(&self, _info: &mut Vec<u8>) -> Result<AeadKey, Refused> {
        Ok(AeadKey)
    }

    pub(crate) fn mac(&self, _label: &str) -> Result<MacKey, Refused> {
        Ok(MacKey)
    }

    pub(crate) fn commitment(&self, _label: &str) -> Result<[u8; 32], Refused> {
        Ok([0; 32])
    }

    pub(crate) fn aead_for(&self, _label: &str) -> Result<AeadKey, Refused> {
        Ok(AeadKey)
    }
}

pub(crate) struct MacKey;

impl MacKey {
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        unkeyed(parts)
    }
}

pub(crate) struct AeadKey;

impl AeadKey {
    pub(crate) fn seal_at(&self, _aad: &[u8], out: &mut Vec<u8>, start: usize) -> Result<(), Refused> {
        out.get(start..).filter(|rest| rest.len() >= NONCE).ok_or(Refused)?;
        out.extend_from_slice(&[0; TAG]);
        Ok(())
    }

    pub(crate) fn seal(&self, aad: &[u8], message: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let start = out.len();
        out.reserve_exact(message.len() + OVERHEAD);
        out.extend_from_slice(&[0; NONCE]);
        out.extend_from_slice(message);
        self.seal_at(aad, out, start)
    }

    pub(crate) fn open(&self, _aad: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Result<usize, Refused> {
        let end = sealed.len().checked_sub(TAG).ok_or(Refused)?;
        let text = sealed.get(NONCE..end).ok_or(Refused)?;
        out.extend_from_slice(text);
        Ok(text.len())
    }
}

/// FNV-1a over the parts, spread over 32 bytes.
fn unkeyed(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().copied().flatten() {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut out = [0; 32];
    for word in out.as_chunks_mut::<8>().0 {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *word = (mixed ^ (mixed >> 31)).to_be_bytes();
    }
    out
}
