//! Secrets of other rooms, sealed at rest under the system's own keys: signing keys, connectors' tokens.

use crate::boot::{BootError, SECRETS, boot_error, system_tenant};
use crate::door::Custodian;
use aceso_audit::{Action, Entry};
use aceso_base::{SubjectId, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::Sealed;
use aceso_seal::{TenantKeys, open_document, seal_document, subject_token};
use aceso_store::{CommitError, DocumentWrite, Precondition, Unit};
use zeroize::Zeroizing;

impl Custodian {
    /// Opens a secret by its name; `None` when there is none.
    ///
    /// # Errors
    /// [`BootError::Secret`] when the stored bytes do not open under this name.
    pub fn secret(&self, name: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, BootError> {
        let Some(document) = self.inner.store.document(SECRETS, name)? else { return Ok(None) };
        let keys = self.inner.keyring.tenant(&system_tenant()?).map_err(boot_error)?;
        open_document(&keys, SECRETS, name, &Sealed::from_store(document.bytes))
            .map(Some)
            .map_err(|_| BootError::Secret(name))
    }

    /// Seals and stores a secret under a name that is not taken yet. The log names it, never its content.
    ///
    /// # Errors
    /// [`BootError::Contended`] when the name is taken.
    pub async fn add_secret(&self, name: &'static str, secret: &[u8]) -> Result<(), BootError> {
        let keys = self.inner.keyring.tenant(&system_tenant()?).map_err(boot_error)?;
        let sealed = seal_document(&keys, SECRETS, name, secret).map_err(|_| BootError::Secret(name))?;
        let unit = Unit {
            preconditions: vec![Precondition::DocumentRevision {
                space: SECRETS.to_owned(),
                key: name.to_owned(),
                expected: None,
            }],
            documents: vec![DocumentWrite {
                space: SECRETS.to_owned(),
                key: name.to_owned(),
                bytes: Some(sealed.as_bytes().to_vec()),
            }],
            entries: vec![Entry::system(&self.inner.region, Action::KeyCreated).with_detail(name)],
            ..Unit::default()
        };
        match self.commit(unit).await {
            Ok(_) => Ok(()),
            Err(CommitError::Refused { .. }) => Err(BootError::Contended),
            Err(CommitError::Unavailable(error)) => Err(BootError::Store(error)),
        }
    }

    /// Seals a document of another room (people, sessions, connections), bound to its space and key. Nothing of a patient's
    /// record may be in it: no grant is asked.
    ///
    /// # Errors
    /// [`BootError::Secret`] when there is no key.
    pub fn seal_document(&self, space: &str, key: &str, plain: &[u8]) -> Result<Vec<u8>, BootError> {
        let keys = self.inner.keyring.tenant(&system_tenant()?).map_err(boot_error)?;
        let sealed = seal_document(&keys, &foreign(space), key, plain).map_err(|_| BootError::Secret("document"))?;
        Ok(sealed.as_bytes().to_vec())
    }

    /// Opens what [`Custodian::seal_document`] has sealed for this space and key.
    ///
    /// # Errors
    /// [`BootError::Secret`] for other bytes or another place.
    pub fn open_document(&self, space: &str, key: &str, sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, BootError> {
        let keys = self.inner.keyring.tenant(&system_tenant()?).map_err(boot_error)?;
        open_document(&keys, &foreign(space), key, &Sealed::from_store(sealed))
            .map_err(|_| BootError::Secret("document"))
    }
}

/// Opens one of the custodian's own documents as the store gave it; `None` for other bytes or another name.
pub(crate) fn open_stored(keys: &TenantKeys, space: &str, key: &str, bytes: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    open_document(keys, space, key, &Sealed::from_store(bytes)).ok()
}

/// The namespace of other rooms' documents: none of them is that of the custodian's own secrets.
fn foreign(space: &str) -> String {
    format!("documents/{space}")
}

impl Custodian {
    /// A keyed fingerprint of some bytes: equal for equal bytes in this tenant, and says nothing about them without the key. For
    /// remembering what was imported.
    ///
    /// # Errors
    /// [`BootError::Keys`] when the tenant's keys cannot be used.
    pub fn fingerprint(&self, tenant: &TenantId, bytes: &[u8]) -> Result<Vec<u8>, BootError> {
        let directory = self.inner.keyring.latest_subject(tenant, SubjectId::DIRECTORY).map_err(boot_error)?;
        let (_, key) = directory.ok_or(BootError::Keys("the directory has no key"))?;
        Ok(subject_token(&key, ResourceType::BUNDLE, "import", bytes).as_bytes().to_vec())
    }
}
