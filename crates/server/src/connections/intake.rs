//! The way in for records of connections: through the repository, as an actor that may write and sees nothing back.

use crate::app::{App, unreachable};
use crate::exit::Failure;
use aceso_base::{Caller, Purpose, Role, RoleSet, TenantId, UserId};
use aceso_connect::IdKey;
use aceso_connect::keeper::{BoxFuture, Vault, VaultError};
use aceso_connect::pattern::IdMinter;
use aceso_connect::sync::{Intake, IntakeError, Keyed, Note, Space};
use aceso_repository::{Fault, ResolvedReferences};
use aceso_store::{DocumentWrite, Reader as _, Store as _, Unit};
use zeroize::Zeroizing;

/// Secret of the installation from which ids of connections' records are derived.
const ID_SECRET: &str = "connection-ids";
/// Sealed tokens of connections.
const TOKENS: &str = "upstream-tokens";

/// Writes for one connection.
pub(super) struct AppIntake {
    app: App,
    tenant: TenantId,
    actor: UserId,
    keys: IdKey,
}

impl AppIntake {
    pub(super) async fn open(app: &App, tenant: &TenantId, connection: &str) -> Result<Self, Failure> {
        let failed = |error: aceso_custodian::BootError| unreachable("the keys of connections", error.to_string());
        let secret = match app.door().secret(ID_SECRET).map_err(failed)? {
            Some(secret) => secret,
            None => {
                let mut fresh = Zeroizing::new(vec![0; 32]);
                app.rng.fill(&mut fresh);
                app.door().add_secret(ID_SECRET, &fresh).await.map_err(failed)?;
                fresh
            }
        };
        let secret: &[u8; 32] = secret
            .as_slice()
            .try_into()
            .map_err(|_| unreachable("the keys of connections", "have another length than this version makes"))?;
        let keys = IdKey::of_tenant(secret, tenant.as_str());
        let actor =
            UserId::parse(&format!("connection.{connection}")).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Self { app: app.clone(), tenant: tenant.clone(), actor, keys })
    }

    fn caller(&self) -> Caller {
        Caller {
            tenant: self.tenant.clone(),
            region: self.app.config.region.clone(),
            user: self.actor.clone(),
            client: self.actor.clone(),
            session: self.app.rng.token16(),
            roles: RoleSet::NONE.with(Role::Integration),
            own_patient: None,
            purpose: Purpose::Operations,
            request: self.app.rng.token16(),
        }
    }

    fn documents(&self, notes: Vec<Note>) -> Result<Vec<DocumentWrite>, IntakeError> {
        let sealed = |note: Note| {
            let key = self.key(&note.key);
            let bytes = note.value.map(|plain| self.app.door().seal_document(note.space.name(), &key, &plain));
            let bytes = bytes.transpose().map_err(|_| IntakeError::Unavailable)?;
            Ok(DocumentWrite { space: note.space.name().to_owned(), key, bytes })
        };
        notes.into_iter().map(sealed).collect()
    }

    /// Tenants have connections of the same names.
    fn key(&self, key: &str) -> String {
        format!("{}/{key}", self.tenant)
    }
}

impl IdMinter for AppIntake {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        self.keys.keyed(input)
    }
}

impl Intake for AppIntake {
    fn fingerprint(&self, bytes: &[u8]) -> Result<[u8; 16], IntakeError> {
        Ok(self.keys.fingerprint(bytes))
    }

    fn load(&self, space: Space, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IntakeError> {
        let key = self.key(key);
        let found = self.app.store.document(space.name(), &key).map_err(|_| IntakeError::Unavailable)?;
        let opened = found.map(|found| self.app.door().open_document(space.name(), &key, found.bytes));
        opened.transpose().map_err(|_| IntakeError::Unavailable)
    }

    fn list(&self, space: Space, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<Keyed>, IntakeError> {
        let own = format!("{}/", self.tenant);
        let prefix = self.key(prefix);
        // The space before the first key with the prefix, when nothing is said.
        let after = after.map_or_else(|| before(&prefix), |after| self.key(after));
        let found =
            self.app.store.documents(space.name(), Some(&after), limit).map_err(|_| IntakeError::Unavailable)?;
        let mut notes = Vec::with_capacity(found.len());
        for (key, document) in found.into_iter().filter(|(key, _)| key.starts_with(&prefix)) {
            let opened = self.app.door().open_document(space.name(), &key, document.bytes);
            let name = key.strip_prefix(&own).unwrap_or(&key).to_owned();
            notes.push((name, opened.map_err(|_| IntakeError::Unavailable)?));
        }
        Ok(notes)
    }

    fn count(&self, space: Space, prefix: &str) -> Result<u64, IntakeError> {
        let prefix = self.key(prefix);
        let (mut after, mut count) = (before(&prefix), 0);
        loop {
            let block = self.app.store.documents(space.name(), Some(&after), 500);
            let block = block.map_err(|_| IntakeError::Unavailable)?;
            let own = block.iter().filter(|(key, _)| key.starts_with(&prefix)).count();
            count += own as u64;
            match block.last() {
                Some((last, _)) if own == block.len() => after = last.clone(),
                _ => return Ok(count),
            }
        }
    }

    fn write<'a>(
        &'a self,
        bundle: Option<Zeroizing<Vec<u8>>>,
        notes: Vec<Note>,
    ) -> BoxFuture<'a, Result<(), IntakeError>> {
        Box::pin(async move {
            let documents = self.documents(notes)?;
            let Some(bundle) = bundle else {
                let unit = Unit { documents, ..Unit::default() };
                return self.app.store.commit(unit).await.map(|_| ()).map_err(|_| IntakeError::Unavailable);
            };
            let mut resolved = ResolvedReferences::new();
            let taken = self
                .app
                .repository
                .import(&self.caller(), bundle.to_vec(), &mut resolved, &|_| documents.clone())
                .await;
            taken.map(|_| ()).map_err(|fault| refusal(&fault))
        })
    }
}

/// The greatest text below every text that begins so.
fn before(prefix: &str) -> String {
    // Prefixes end with '/', and '.' is the character before it.
    prefix.strip_suffix('/').map_or_else(|| prefix.to_owned(), |stem| format!("{stem}.\u{10ffff}"))
}

/// A fault of the repository as the reason of a letter.
fn refusal(fault: &Fault) -> IntakeError {
    match (fault.status, fault.issues.first().map(|issue| issue.code)) {
        (500.., _) => IntakeError::Unavailable,
        (403, _) => IntakeError::Refused("not-allowed"),
        (409 | 412, _) => IntakeError::Refused("conflict"),
        (_, Some(code)) => IntakeError::Refused(code),
        (_, None) => IntakeError::Refused("refused"),
    }
}

/// Tokens, sealed by the door.
pub(super) struct SealedTokens(pub(super) App);

impl Vault for SealedTokens {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let found = self.0.store.document(TOKENS, name).map_err(|_| VaultError)?;
        let opened = found.map(|found| self.0.door().open_document(TOKENS, name, found.bytes));
        opened.transpose().map_err(|_| VaultError)
    }

    fn keep(&self, name: &str, plain: Option<Zeroizing<Vec<u8>>>) -> BoxFuture<'_, Result<(), VaultError>> {
        let sealed = plain.map(|plain| self.0.door().seal_document(TOKENS, name, &plain)).transpose();
        let key = name.to_owned();
        Box::pin(async move {
            let bytes = sealed.map_err(|_| VaultError)?;
            let write = DocumentWrite { space: TOKENS.to_owned(), key, bytes };
            let unit = Unit { documents: vec![write], ..Unit::default() };
            self.0.store.commit(unit).await.map(|_| ()).map_err(|_| VaultError)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_before_a_prefix_is_below_all_its_keys_and_above_the_rest() {
        let place = before("clinic/");
        assert!(place.as_str() < "clinic/");
        assert!(place.as_str() > "clinic.zzz" && place.as_str() > "clinib/x");
    }
}
