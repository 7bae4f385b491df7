//! The key from which ids and fingerprints of a tenant's connections are derived.

use crate::pattern::IdMinter;
use aws_lc_rs::hmac;

/// A key of one tenant. Two uses, kept apart: ids of records, which must never change, and fingerprints of content.
pub struct IdKey {
    ids: hmac::Key,
    prints: hmac::Key,
}

impl IdKey {
    /// Derives the keys of a tenant from a secret of the installation.
    #[must_use]
    pub fn of_tenant(secret: &[u8; 32], tenant: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: &str| {
            let mut context = hmac::Context::with_key(&root);
            context.update(purpose.as_bytes());
            context.update(&[0]);
            context.update(tenant.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref())
        };
        Self { ids: derived("ids"), prints: derived("prints") }
    }

    /// A keyed hash of content: equal for equal bytes, and says nothing about them without the key.
    #[must_use]
    pub fn fingerprint(&self, bytes: &[u8]) -> [u8; 16] {
        first16(&hmac::sign(&self.prints, bytes))
    }
}

impl IdMinter for IdKey {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        first16(&hmac::sign(&self.ids, input))
    }
}

fn first16(tag: &hmac::Tag) -> [u8; 16] {
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_and_uses_have_keys_of_their_own_and_ids_never_change() {
        let key = IdKey::of_tenant(&[7; 32], "a");
        assert_eq!(key.keyed(b"x"), IdKey::of_tenant(&[7; 32], "a").keyed(b"x"));
        assert_ne!(key.keyed(b"x"), IdKey::of_tenant(&[7; 32], "b").keyed(b"x"));
        assert_ne!(key.keyed(b"x"), key.fingerprint(b"x"));
        // Ids of records that exist depend on this.
        assert_eq!(data_encoding::HEXLOWER.encode(&key.keyed(b"x")), "bc0f9d7d70192ca0cb473ae487fc53f7");
    }
}
