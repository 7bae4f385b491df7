use aceso_base::Randomness;
use aceso_seal::{KeyContext, ProviderError};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// The root keys of a provider, lowest version first. Each wraps a few rows per tenant, far from the 2^32 random nonces
/// that a GCM key bears (NIST SP 800-38D section 8.3).
pub(crate) struct Keyring(Vec<RootKey>);

struct RootKey {
    version: u32,
    key: RandomizedNonceKey,
}

/// Root keys with their versions, as read or about to be written.
pub(crate) type RootKeys = Vec<(u32, Zeroizing<[u8; 32]>)>;

/// No key, version 0, or a version twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadKeyring;

impl Keyring {
    pub(crate) fn new(keys: &[(u32, Zeroizing<[u8; 32]>)]) -> Result<Self, BadKeyring> {
        let mut ring = Vec::with_capacity(keys.len());
        for (version, bytes) in keys {
            let key = RandomizedNonceKey::new(&AES_256_GCM, bytes.as_slice()).map_err(|_| BadKeyring)?;
            ring.push(RootKey { version: *version, key });
        }
        ring.sort_by_key(|key| key.version);
        let twice = ring.windows(2).any(|pair| matches!(pair, [a, b] if a.version == b.version));
        let usable = !twice && ring.first().is_some_and(|key| key.version > 0);
        if usable { Ok(Self(ring)) } else { Err(BadKeyring) }
    }

    /// The version that wraps.
    pub(crate) fn primary(&self) -> u32 {
        self.0.last().map_or(0, |key| key.version)
    }

    /// The version that a wrapped key names, whether or not it is held.
    pub(crate) fn version_of(wrapped: &[u8]) -> Option<u32> {
        match wrapped.first_chunk::<HEADER>() {
            Some(&[FORMAT, a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        }
    }

    /// `format 1, root key version u32, nonce[12], ciphertext, tag[16]`.
    pub(crate) fn wrap(&self, context: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let root = self.0.last().ok_or(ProviderError::Refused)?;
        let mut text = Zeroizing::new(Vec::with_capacity(key.len() + TAG));
        text.extend_from_slice(key);
        let nonce = root
            .key
            .seal_in_place_append_tag(Aad::from(aad(root.version, context)), &mut *text)
            .map_err(|_| ProviderError::Refused)?;
        let mut out = Vec::with_capacity(HEADER + NONCE_LEN + text.len());
        out.push(FORMAT);
        out.extend_from_slice(&root.version.to_be_bytes());
        out.extend_from_slice(nonce.as_ref());
        out.extend_from_slice(&text);
        Ok(out)
    }

    pub(crate) fn unwrap(&self, context: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let Some((&[FORMAT, a, b, c, d], rest)) = wrapped.split_first_chunk::<HEADER>() else {
            return Err(ProviderError::Refused);
        };
        let version = u32::from_be_bytes([a, b, c, d]);
        let root = self.0.iter().find(|key| key.version == version).ok_or(ProviderError::Refused)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(ProviderError::Refused)?;
        let mut out = Zeroizing::new(text.to_vec());
        let length = root
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad(version, context)), &mut out)
            .map_err(|_| ProviderError::Refused)?
            .len();
        out.truncate(length);
        Ok(out)
    }
}

/// A fresh root key.
pub(crate) fn random_root_key(rng: &dyn Randomness) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill(key.as_mut_slice());
    key
}

/// Thirty-two bytes of standard base64.
pub(crate) fn key_from_base64(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(data_encoding::BASE64.decode(text.as_bytes()).ok()?);
    let key: &[u8; 32] = bytes.as_slice().try_into().ok()?;
    // All bytes the same is a placeholder, never the result of a generator.
    let first = key.first()?;
    if key.iter().all(|byte| byte == first) {
        return None;
    }
    Some(Zeroizing::new(*key))
}

const FORMAT: u8 = 1;
const HEADER: usize = 5;
const TAG: usize = 16;

fn aad(version: u32, context: &KeyContext<'_>) -> Vec<u8> {
    let mut aad = b"aceso/1/root-key".to_vec();
    aad.push(FORMAT);
    aad.extend_from_slice(&version.to_be_bytes());
    aad.extend_from_slice(&context.bytes());
    aad
}
