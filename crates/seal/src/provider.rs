use crate::hazard::sha256;
use crate::place::push;
use aceso_base::{Randomness, Region, TenantId};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// A key service that holds a root key and wraps tenant keys under it. Called when a tenant is opened or rotated,
/// never per record.
///
/// Implementations bind the context in their own way where they can (encryption context, associated data). Callers in
/// this crate bind it once more on their own ([`wrap_bound`]), so a provider that cannot, is still safe.
pub trait KeyProvider: Send + Sync {
    /// The provider's name as it stands in configuration and the log.
    fn name(&self) -> &'static str;

    /// Whether the root key lives apart from the data, so that stolen data are not stolen together with their key.
    fn safe_for_production(&self) -> bool;

    /// Wraps a key under the primary version of the root key.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn wrap(&self, context: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError>;

    /// Unwraps a key that [`KeyProvider::wrap`] wrapped in the same context, under any version of the root key that
    /// still exists.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn unwrap(&self, context: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError>;

    /// The version of the root key that wraps now; `None` where the service turns its keys over by itself.
    fn primary_root(&self) -> Option<u32> {
        None
    }

    /// The version of the root key that a wrapped key names.
    fn root_version(&self, _wrapped: &[u8]) -> Option<u32> {
        None
    }

    /// Makes a new version of the root key, durable before this returns; it wraps from now on. Afterwards every row has to be
    /// wrapped anew ([`crate::TenantKeys::rewrap`]).
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`] where root keys are made elsewhere.
    fn add_root(&self, _rng: &dyn Randomness) -> Result<u32, ProviderError> {
        Err(ProviderError::Unavailable("its root keys are made where they come from"))
    }

    /// Takes all versions of the root key away but the one that wraps. What is still wrapped under another is lost.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`] where root keys are kept elsewhere.
    fn remove_old_roots(&self) -> Result<(), ProviderError> {
        Err(ProviderError::Unavailable("its root keys are removed where they come from"))
    }

    /// Whether the service can be reached and lets us use the key.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn check(&self) -> Result<(), ProviderError>;
}

/// What kind of key is wrapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyKind {
    /// A version of a tenant key.
    TenantKey,
    /// The root of a tenant's index keys.
    IndexRoot,
}

impl KeyKind {
    /// The name as it stands in contexts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantKey => "tenant-key",
            Self::IndexRoot => "index-root",
        }
    }
}

/// What a wrapped key is for. A wrapped key opens in its own context alone.
#[derive(Clone, Copy, Debug)]
pub struct KeyContext<'a> {
    /// The region.
    pub region: &'a Region,
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The kind of key.
    pub kind: KeyKind,
    /// Its version, from 1.
    pub version: u32,
}

impl KeyContext<'_> {
    /// The context as bytes: a length-prefixed tuple. Part of the stored format.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        push(&mut out, b"aceso/1/key-context");
        push(&mut out, self.region.as_str().as_bytes());
        push(&mut out, self.tenant.as_str().as_bytes());
        push(&mut out, self.kind.as_str().as_bytes());
        push(&mut out, &self.version.to_be_bytes());
        out
    }

    /// The context as name and value pairs, for services that take it that way (AWS KMS encryption context).
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        [
            ("region", self.region.as_str().to_owned()),
            ("tenant", self.tenant.as_str().to_owned()),
            ("kind", self.kind.as_str().to_owned()),
            ("version", self.version.to_string()),
        ]
    }
}

/// Why a key service did not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// Wrong context, changed bytes, unknown or disabled root key: nothing more is said.
    #[error("the key service refused the wrapped key")]
    Refused,
    /// The service could not be asked. Trying again later can help.
    #[error("the key service cannot be used: {0}")]
    Unavailable(&'static str),
}

/// Wraps `key ‖ SHA-256(context)`: the binding to the context that does not depend on the provider.
pub(crate) fn wrap_bound(
    provider: &dyn KeyProvider,
    context: &KeyContext<'_>,
    key: &[u8; 32],
) -> Result<Vec<u8>, ProviderError> {
    let mut bound = Zeroizing::new(Vec::with_capacity(64));
    bound.extend_from_slice(key);
    bound.extend_from_slice(&sha256(&context.bytes()));
    provider.wrap(context, &bound)
}

/// Unwraps and checks the digest of the context before the key is used for anything.
pub(crate) fn unwrap_bound(
    provider: &dyn KeyProvider,
    context: &KeyContext<'_>,
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; 32]>, ProviderError> {
    let bound = provider.unwrap(context, wrapped)?;
    let (key, digest) = bound.split_first_chunk::<32>().ok_or(ProviderError::Refused)?;
    verify_slices_are_equal(digest, &sha256(&context.bytes())).map_err(|_| ProviderError::Refused)?;
    Ok(Zeroizing::new(*key))
}
