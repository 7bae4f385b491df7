//! The room where raw key bytes are. Nothing here is public, nothing here is `Clone`, `Debug` or serialisable, and
//! every buffer of key bytes wipes itself. Callers name what they want derived; they never see the bytes.
//!
//! HKDF-SHA-256 (RFC 5869) is spelled as the HMAC calls that it is: `extract` is `HMAC(salt, secret)`, and an `expand`
//! to at most 32 bytes is `HMAC(prk, info ‖ 0x01)`. Keeping the HMAC key ready halves the cost of a read;
//! `aws_lc_rs::hkdf` runs extract again on every expand. Tests hold this against `aws_lc_rs::hkdf` and Wycheproof.

use aceso_base::Randomness;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

/// Bytes that sealing adds: nonce before, tag after.
pub(crate) const OVERHEAD: usize = NONCE_LEN + TAG;
const TAG: usize = 16;

/// Sealing or opening failed. Says no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// Thirty-two fresh bytes of key.
pub(crate) fn random_key(rng: &dyn Randomness) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill(key.as_mut_slice());
    key
}

/// SHA-256 of bytes that are no secret.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// An HKDF pseudorandom key, ready to expand. Wiped when dropped (`HMAC_CTX_cleanup`).
pub(crate) struct Prk(hmac::Key);

impl Prk {
    /// HKDF-Extract (RFC 5869 section 2.2).
    pub(crate) fn extract(salt: &[u8], secret: &[u8; 32]) -> Result<Self, Refused> {
        let mut prk = Zeroizing::new([0; 32]);
        hmac::sign_to_buffer(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret, prk.as_mut_slice())
            .map_err(|_| Refused)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, prk.as_slice())))
    }

    /// HKDF-Expand to 32 bytes (RFC 5869 section 2.3): one block, `HMAC(prk, info ‖ 0x01)`. `info` is as before
    /// afterwards; it is a buffer so that nothing is joined or copied here.
    pub(crate) fn expand(&self, info: &mut Vec<u8>) -> Result<Zeroizing<[u8; 32]>, Refused> {
        let mut out = Zeroizing::new([0; 32]);
        info.push(1);
        let signed = hmac::sign_to_buffer(&self.0, info, out.as_mut_slice()).map(|_| ());
        info.pop();
        signed.map_err(|_| Refused)?;
        Ok(out)
    }

    /// A ready AEAD key for one use.
    pub(crate) fn aead(&self, info: &mut Vec<u8>) -> Result<AeadKey, Refused> {
        let key = self.expand(info)?;
        AeadKey::new(&key)
    }

    /// A ready pseudorandom function for one use: index tokens, or a further level of derivation.
    pub(crate) fn mac(&self, label: &str) -> Result<MacKey, Refused> {
        let key = self.expand(&mut label.as_bytes().to_vec())?;
        Ok(MacKey(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())))
    }

    /// A commitment to this key: whoever finds two keys with one has found a collision of HMAC-SHA-256. Stored in clear; tells
    /// nothing of any other output.
    pub(crate) fn commitment(&self, label: &str) -> Result<[u8; 32], Refused> {
        self.expand(&mut label.as_bytes().to_vec()).map(|commitment| *commitment)
    }

    /// A ready AEAD key for the use that a fixed label names.
    pub(crate) fn aead_for(&self, label: &str) -> Result<AeadKey, Refused> {
        self.aead(&mut label.as_bytes().to_vec())
    }
}

/// A key for index tokens: HMAC-SHA-256.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    /// HMAC-SHA-256 of the parts, joined. The result is a token, which is stored: no secret.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }
}

/// An AES-256-GCM key that makes its own nonces. Wiped when dropped (`EVP_AEAD_CTX_cleanup`).
pub(crate) struct AeadKey(RandomizedNonceKey);

impl AeadKey {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, Refused> {
        RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).map(Self).map_err(|_| Refused)
    }

    /// Seals what `out` holds from `start` on, in place: afterwards nonce ‖ ciphertext ‖ tag stand there. The caller
    /// leaves the first [`NONCE_LEN`] bytes from `start` free.
    pub(crate) fn seal_at(&self, aad: &[u8], out: &mut Vec<u8>, start: usize) -> Result<(), Refused> {
        let (free, text) = out.get_mut(start..).and_then(|o| o.split_at_mut_checked(NONCE_LEN)).ok_or(Refused)?;
        let (nonce, tag) = self.0.seal_in_place_separate_tag(Aad::from(aad), text).map_err(|_| Refused)?;
        free.copy_from_slice(nonce.as_ref());
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Seals a short message: nonce ‖ ciphertext ‖ tag.
    pub(crate) fn seal(&self, aad: &[u8], message: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let start = out.len();
        out.reserve_exact(message.len() + OVERHEAD);
        out.extend_from_slice(&[0; NONCE_LEN]);
        out.extend_from_slice(message);
        self.seal_at(aad, out, start)
    }

    /// Opens nonce ‖ ciphertext ‖ tag onto the end of `out` and says how long the plaintext is. `out` must have the room already: growing
    /// would leave a copy of what is in it. On failure `out` is as before.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Result<usize, Refused> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Refused)?;
        let start = out.len();
        if out.capacity() - start < text.len() {
            return Err(Refused);
        }
        out.extend_from_slice(text);
        let opened = out.get_mut(start..).ok_or(Refused).and_then(|room| {
            self.0
                .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), room)
                .map(|plain| plain.len())
                .map_err(|_| Refused)
        });
        out.truncate(start + opened.unwrap_or(0));
        opened
    }
}

#[cfg(test)]
mod tests;
