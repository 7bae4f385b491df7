//! The keys of a log: one signs checkpoints, one seals entries and salts commitments.

use aceso_base::Randomness;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use zeroize::Zeroizing;

use crate::note::{Origin, VerifyingKey};
use crate::tree::{Hash, sha256};

const SECRET_VERSION: u8 = 1;
const SECRET_LEN: usize = 1 + 32 + 32;
const BODY_VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// Bodies of this many entries share a key, so that no key comes near the limit of 2^32 random nonces (NIST SP 800-38D section 8.3).
const SEGMENT: u64 = 1 << 16;

/// The secret keys of one log. Wiped from memory when dropped.
#[derive(Clone)]
pub struct LogKeys {
    signing: Zeroizing<[u8; 32]>,
    segment: Zeroizing<[u8; 32]>,
}

/// The bytes are not the secret keys of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the secret keys of an audit log")]
pub struct SecretBytesError;

impl LogKeys {
    /// New keys.
    #[must_use]
    pub fn generate(rng: &dyn Randomness) -> Self {
        let mut keys = Self { signing: Zeroizing::new([0; 32]), segment: Zeroizing::new([0; 32]) };
        rng.fill(keys.signing.as_mut_slice());
        rng.fill(keys.segment.as_mut_slice());
        keys
    }

    /// The keys as bytes, to be sealed at rest by whoever keeps them: version byte, Ed25519 seed, segment key; 65 bytes.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(SECRET_LEN));
        out.push(SECRET_VERSION);
        out.extend_from_slice(self.signing.as_slice());
        out.extend_from_slice(self.segment.as_slice());
        out
    }

    /// The keys of [`LogKeys::to_secret_bytes`].
    ///
    /// # Errors
    /// [`SecretBytesError`] on another length or version.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, SecretBytesError> {
        let (version, rest) = bytes.split_first().ok_or(SecretBytesError)?;
        let (signing, segment) = rest.split_at_checked(32).ok_or(SecretBytesError)?;
        if *version != SECRET_VERSION {
            return Err(SecretBytesError);
        }
        Ok(Self {
            signing: Zeroizing::new(signing.try_into().map_err(|_| SecretBytesError)?),
            segment: Zeroizing::new(segment.try_into().map_err(|_| SecretBytesError)?),
        })
    }

    /// The public key under which the checkpoints of this origin verify; its `Display` is the C2SP vkey text.
    ///
    /// # Errors
    /// [`SecretBytesError`] when the seed makes no key, which no 32 bytes are known to do.
    pub fn verifying_key(&self, origin: &Origin) -> Result<VerifyingKey, SecretBytesError> {
        Ok(VerifyingKey::of(origin, &self.signing_key()?))
    }

    pub(crate) fn signing_key(&self) -> Result<Ed25519KeyPair, SecretBytesError> {
        Ed25519KeyPair::from_seed_unchecked(self.signing.as_slice()).map_err(|_| SecretBytesError)
    }

    pub(crate) fn entry_keys(&self) -> EntryKeys {
        let segment = hmac::Key::new(hmac::HMAC_SHA256, self.segment.as_slice());
        let salt = Zeroizing::new(mac(&segment, &[b"aceso audit v1 salt"]));
        let body = Zeroizing::new(mac(&segment, &[b"aceso audit v1 body"]));
        EntryKeys {
            salt: hmac::Key::new(hmac::HMAC_SHA256, salt.as_slice()),
            body: hmac::Key::new(hmac::HMAC_SHA256, body.as_slice()),
            current: None,
        }
    }
}

/// The body of a batch does not open: other keys, another place, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed entries do not open")]
pub(crate) struct BodyError;

/// Where a sealed batch belongs; part of what it is sealed with.
pub(crate) struct BodyPlace<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) previous_root: &'a Hash,
}

impl BodyPlace<'_> {
    fn associated_data(&self) -> Vec<u8> {
        let origin = self.origin.as_str().as_bytes();
        let parts: [&[u8]; 6] = [
            b"aceso audit v1 body\0",
            &(origin.len() as u64).to_be_bytes(),
            origin,
            &self.first.to_be_bytes(),
            &self.count.to_be_bytes(),
            self.previous_root,
        ];
        parts.concat()
    }
}

/// What is derived from the segment key.
pub(crate) struct EntryKeys {
    salt: hmac::Key,
    body: hmac::Key,
    current: Option<(u64, RandomizedNonceKey)>,
}

impl EntryKeys {
    /// The salt of the entry with this index.
    pub(crate) fn salt(&self, index: u64) -> Hash {
        mac(&self.salt, &[&index.to_be_bytes()])
    }

    /// Room for the header, to be put before the entries that [`EntryKeys::seal`] seals in place.
    pub(crate) fn begin_body(capacity: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(capacity + 1 + NONCE_LEN + AES_256_GCM.tag_len());
        body.push(BODY_VERSION);
        body.extend_from_slice(&[0; NONCE_LEN]);
        body
    }

    /// Seals what follows the header: version byte, nonce, ciphertext, tag.
    pub(crate) fn seal(&mut self, place: &BodyPlace<'_>, body: &mut Vec<u8>) -> Result<(), BodyError> {
        let aad = Aad::from(place.associated_data());
        let key = self.key_of(place.first)?;
        let (header, clear) = body.split_at_mut_checked(1 + NONCE_LEN).ok_or(BodyError)?;
        let (nonce, tag) = key.seal_in_place_separate_tag(aad, clear).map_err(|_| BodyError)?;
        header.iter_mut().skip(1).zip(nonce.as_ref()).for_each(|(to, from)| *to = *from);
        body.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens a sealed body.
    pub(crate) fn open(&mut self, place: &BodyPlace<'_>, body: &[u8]) -> Result<Vec<u8>, BodyError> {
        let (header, sealed) = body.split_at_checked(1 + NONCE_LEN).ok_or(BodyError)?;
        let (version, nonce) = header.split_first().ok_or(BodyError)?;
        if *version != BODY_VERSION {
            return Err(BodyError);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| BodyError)?;
        let mut out = sealed.to_vec();
        let key = self.key_of(place.first)?;
        let clear = key.open_in_place(nonce, Aad::from(place.associated_data()), &mut out).map_err(|_| BodyError)?;
        let len = clear.len();
        out.truncate(len);
        Ok(out)
    }

    fn key_of(&mut self, first: u64) -> Result<&RandomizedNonceKey, BodyError> {
        let segment = first / SEGMENT;
        if self.current.as_ref().is_none_or(|(current, _)| *current != segment) {
            let bytes = Zeroizing::new(mac(&self.body, &[&segment.to_be_bytes()]));
            let key = RandomizedNonceKey::new(&AES_256_GCM, bytes.as_slice()).map_err(|_| BodyError)?;
            self.current = Some((segment, key));
        }
        self.current.as_ref().map(|(_, key)| key).ok_or(BodyError)
    }
}

/// The commitment to an entry: what the tree's leaf holds. Tells nothing of the entry to who has not its salt.
pub(crate) fn commitment(salt: &Hash, entry: &[u8], scratch: &mut Vec<u8>) -> Hash {
    scratch.clear();
    scratch.extend_from_slice(salt);
    scratch.extend_from_slice(entry);
    sha256(scratch)
}

fn mac(key: &hmac::Key, parts: &[&[u8]]) -> Hash {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::empty_root;

    struct Counting;

    impl Randomness for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n);
        }
    }

    #[test]
    fn secret_bytes_lead_back_to_the_keys_and_other_bytes_do_not() {
        let keys = LogKeys::generate(&Counting);
        let bytes = keys.to_secret_bytes();
        assert_eq!(LogKeys::from_secret_bytes(&bytes).unwrap().to_secret_bytes(), bytes);
        assert!(LogKeys::from_secret_bytes(&bytes[1..]).is_err());
        assert!(LogKeys::from_secret_bytes(&[&[2][..], &bytes[1..]].concat()).is_err());
        assert!(LogKeys::from_secret_bytes(&[]).is_err());
    }

    #[test]
    fn a_body_opens_at_its_own_place_only() {
        let mut keys = LogKeys::generate(&Counting).entry_keys();
        let (here, there) = (Origin::parse("log.example/here").unwrap(), Origin::parse("log.example/there").unwrap());
        let place = BodyPlace { origin: &here, first: 7, count: 2, previous_root: &empty_root() };
        let mut body = EntryKeys::begin_body(16);
        body.extend_from_slice(b"the entries");
        keys.seal(&place, &mut body).unwrap();
        assert_eq!(keys.open(&place, &body).unwrap(), b"the entries");
        let other_root = [1; 32];
        for wrong in [
            BodyPlace { origin: &there, ..place },
            BodyPlace { first: 8, ..place },
            BodyPlace { first: 7 + SEGMENT, ..place },
            BodyPlace { count: 3, ..place },
            BodyPlace { previous_root: &other_root, ..place },
        ] {
            assert_eq!(keys.open(&wrong, &body), Err(BodyError));
        }
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert_eq!(keys.open(&place, &changed), Err(BodyError), "byte {at}");
        }
    }
}
