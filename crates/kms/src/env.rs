use crate::keyring::{Keyring, RootKeys, key_from_base64};
use aceso_seal::{KeyContext, KeyProvider, ProviderError};
use zeroize::Zeroizing;

/// Root keys from an environment variable, put there by whatever starts the process (a secret manager, an
/// orchestrator, systemd credentials). The simplest path that keeps the key away from the data's disk.
pub struct EnvProvider(Keyring);

/// The variable does not hold root keys. Carries nothing of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvKeyError {
    /// Not `BASE64`, nor a list of `VERSION:BASE64`.
    #[error("root key from the environment: expected 32 random bytes as base64, or a list 'VERSION:BASE64 …'")]
    Syntax,
    /// No key, version 0, or a version twice.
    #[error("root keys from the environment: versions must be from 1 and each once")]
    Versions,
}

impl EnvProvider {
    /// Takes the *value* of the variable: 32 random bytes as base64 (`openssl rand -base64 32`), which is version 1; or,
    /// to rotate, `2:BASE64 1:BASE64` separated by spaces, of which the highest version wraps.
    ///
    /// # Errors
    /// [`EnvKeyError`].
    pub fn new(value: &str) -> Result<Self, EnvKeyError> {
        let mut keys = RootKeys::new();
        for word in value.split_ascii_whitespace() {
            let (version, text) = word.split_once(':').unwrap_or(("1", word));
            let version = version.parse().map_err(|_| EnvKeyError::Syntax)?;
            keys.push((version, key_from_base64(text).ok_or(EnvKeyError::Syntax)?));
        }
        Keyring::new(&keys).map(Self).map_err(|_| EnvKeyError::Versions)
    }

    /// The version that wraps.
    #[must_use]
    pub fn primary(&self) -> u32 {
        self.0.primary()
    }
}

impl KeyProvider for EnvProvider {
    fn name(&self) -> &'static str {
        "env"
    }

    fn safe_for_production(&self) -> bool {
        true
    }

    fn wrap(&self, context: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        self.0.wrap(context, key)
    }

    fn unwrap(&self, context: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        self.0.unwrap(context, wrapped)
    }

    fn primary_root(&self) -> Option<u32> {
        Some(self.0.primary())
    }

    fn root_version(&self, wrapped: &[u8]) -> Option<u32> {
        Keyring::version_of(wrapped)
    }

    fn check(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_base::{Region, TenantId};
    use aceso_seal::{KeyKind, SystemRandomness, TenantKeys};

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_rotated_value_still_unwraps_what_the_old_one_wrapped() {
        let (region, tenant) = (Region::parse("us").unwrap(), TenantId::parse("acme").unwrap());
        let context = KeyContext { region: &region, tenant: &tenant, kind: KeyKind::TenantKey, version: 1 };
        let old = EnvProvider::new(ONE).unwrap();
        let wrapped = old.wrap(&context, b"secret").unwrap();
        let both = EnvProvider::new(&format!("2:{TWO} 1:{ONE}")).unwrap();
        assert_eq!((both.primary(), both.primary_root(), both.root_version(&wrapped)), (2, Some(2), Some(1)));
        assert_eq!(both.unwrap(&context, &wrapped).unwrap().as_slice(), b"secret");
        let again = both.wrap(&context, b"secret").unwrap();
        assert_eq!(old.unwrap(&context, &again), Err(ProviderError::Refused));
        let other = EnvProvider::new(TWO).unwrap();
        assert_eq!(other.unwrap(&context, &wrapped), Err(ProviderError::Refused));
    }

    #[test]
    fn an_old_root_key_can_go_when_everything_is_wrapped_anew() {
        let (region, tenant) = (Region::parse("us").unwrap(), TenantId::parse("acme").unwrap());
        let old = EnvProvider::new(ONE).unwrap();
        let (row, root, _) = TenantKeys::create(&old, &region, &tenant, &SystemRandomness).unwrap();
        let both = EnvProvider::new(&format!("2:{TWO} 1:{ONE}")).unwrap();
        assert_eq!((both.primary_root(), both.root_version(&row.bytes)), (Some(2), Some(1)));
        TenantKeys::open(&both, &region, &tenant, std::slice::from_ref(&row), &root).unwrap();
        let new_row = TenantKeys::rewrap(&both, &both, &region, &tenant, &row).unwrap();
        let new_root = TenantKeys::rewrap_index_root(&both, &both, &region, &tenant, &root).unwrap();
        let last = EnvProvider::new(&format!("2:{TWO}")).unwrap();
        assert!(TenantKeys::open(&last, &region, &tenant, &[row], &root).is_err());
        assert_eq!(last.root_version(&new_row.bytes), Some(2));
        TenantKeys::open(&last, &region, &tenant, &[new_row], &new_root).unwrap();
        assert!(both.add_root(&SystemRandomness).is_err() && both.remove_old_roots().is_err());
    }

    #[test]
    fn values_that_are_no_root_keys_are_refused() {
        for (value, expected) in [
            ("", EnvKeyError::Versions),
            ("changeme", EnvKeyError::Syntax),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", EnvKeyError::Syntax),
            ("AAECAwQFBgcICQoLDA0ODw==", EnvKeyError::Syntax),
            (&format!("0:{ONE}"), EnvKeyError::Versions),
            (&format!("1:{ONE} {TWO}"), EnvKeyError::Versions),
            (&format!("x:{ONE}"), EnvKeyError::Syntax),
        ] {
            let refused = EnvProvider::new(value).err().unwrap();
            assert_eq!(refused, expected, "{value}");
            assert!(value.is_empty() || !refused.to_string().contains(value));
        }
    }
}
