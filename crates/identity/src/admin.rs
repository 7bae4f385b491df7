//! Adding and changing people, clients and signing keys.
//!
//! Whether the actor may is decided before (policy, `manage-people`); here he only cannot reach beyond his tenant. Every change
//! stands in the log twice: who did it, and to whose account.

use crate::account::{Actor, Client, ClientKind, NewClient, NewPerson, Person};
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::password;
use crate::records::{CLIENTS, ClientRecord, PEOPLE, PersonRecord, role_names, sha256};
use crate::secret::Secret;
use crate::token::{is_scope_token, with_tenant};
use aceso_audit::{Action, Entry};
use aceso_base::{LogicalId, RequestId, Role, RoleSet, SubjectId, UserId};
use aceso_store::Unit;
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// People.
impl Identity {
    /// Adds a person.
    ///
    /// # Errors
    /// [`IdentityError::NameTaken`], [`IdentityError::BadUsername`], [`IdentityError::WeakPassword`], [`IdentityError::Invalid`], or the
    /// store fails.
    pub async fn add_person(&self, by: Actor<'_>, new: NewPerson) -> Result<Person, IdentityError> {
        let inner = &self.inner;
        if !by.reaches(Some(new.tenant.as_str())) {
            return Err(IdentityError::NotFound);
        }
        let username = password::username(&new.username).ok_or(IdentityError::BadUsername)?;
        check_own_patient(new.own_patient.as_ref())?;
        let hash = match &new.password {
            Some(password) => Some(inner.hash_new(password, &username).await?),
            None => None,
        };
        let id = UserId::parse(&inner.rng.uuid()).map_err(|_| IdentityError::Invalid("no user id could be made"))?;
        let record = PersonRecord {
            username,
            tenant: new.tenant.as_str().to_owned(),
            roles: role_names(new.roles),
            own_patient: new.own_patient.map(|patient| patient.as_str().to_owned()),
            password: hash,
            disabled: false,
            epoch: 0,
            created: inner.clock.now().0,
        };
        let turn = inner.turn().await;
        let taken = |live: &crate::live::Live| live.named(&record.username).is_some() || live.client(&id).is_some();
        if taken(&inner.live()) {
            return Err(IdentityError::NameTaken);
        }
        let person = Person::of(&id, &record)?;
        let mut unit = inner.administered(by, "person-added", Some((&id, &record.tenant)));
        inner.put(&mut unit, PEOPLE, id.as_str(), None, &record)?;
        inner.commit(unit, Some(turn), move |live| live.put_person(id, record)).await?;
        Ok(person)
    }

    /// The people whom the actor reaches, by user name.
    ///
    /// # Errors
    /// [`IdentityError::Damaged`].
    pub fn people(&self, by: Actor<'_>) -> Result<Vec<Person>, IdentityError> {
        let live = self.inner.live();
        let mut people = live
            .people()
            .filter(|(_, record)| by.reaches(Some(&record.tenant)))
            .map(|(id, record)| Person::of(id, record))
            .collect::<Result<Vec<_>, _>>()?;
        people.sort_by(|a, b| a.username.cmp(&b.username));
        Ok(people)
    }

    /// The person with this user name.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], also for a person of another tenant.
    pub fn person_named(&self, by: Actor<'_>, username: &str) -> Result<Person, IdentityError> {
        let name = password::username(username).ok_or(IdentityError::NotFound)?;
        let live = self.inner.live();
        let found = live.named(&name).filter(|(_, record)| by.reaches(Some(&record.tenant)));
        found.map_or(Err(IdentityError::NotFound), |(id, record)| Person::of(id, record))
    }

    /// Gives a person other roles. His sessions end, so that the change holds at once.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or the store fails.
    pub async fn set_roles(&self, by: Actor<'_>, id: &UserId, roles: RoleSet) -> Result<Person, IdentityError> {
        self.inner.change_person(by, id, "person-roles", |record| record.roles = role_names(roles)).await
    }

    /// Says which record is the person's own. His sessions end.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`], or the store fails.
    pub async fn set_own_patient(
        &self,
        by: Actor<'_>,
        id: &UserId,
        patient: Option<LogicalId>,
    ) -> Result<Person, IdentityError> {
        check_own_patient(patient.as_ref())?;
        let patient = patient.map(|patient| patient.as_str().to_owned());
        self.inner.change_person(by, id, "person-own-patient", |record| record.own_patient = patient).await
    }

    /// Shuts a person out, or lets him in again. His sessions end.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or the store fails.
    pub async fn set_disabled(&self, by: Actor<'_>, id: &UserId, disabled: bool) -> Result<Person, IdentityError> {
        let detail = if disabled { "person-disabled" } else { "person-enabled" };
        self.inner.change_person(by, id, detail, |record| record.disabled = disabled).await
    }

    /// Sets a password. The person's sessions end.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::WeakPassword`], [`IdentityError::Busy`], or the store fails.
    pub async fn set_password(&self, by: Actor<'_>, id: &UserId, password: &Secret) -> Result<Person, IdentityError> {
        let known = self.inner.live().person(id).filter(|person| by.reaches(Some(&person.tenant))).cloned();
        let username = known.ok_or(IdentityError::NotFound)?.username.clone();
        let hash = self.inner.hash_new(password, &username).await?;
        let person = self.inner.change_person(by, id, "person-password", |record| record.password = Some(hash)).await?;
        self.inner.limiter.succeeded("user", &username);
        Ok(person)
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or the store fails.
    pub async fn end_sessions(&self, by: Actor<'_>, id: &UserId) -> Result<Person, IdentityError> {
        self.inner.change_person(by, id, "person-sessions-ended", |_| ()).await
    }
}

/// Clients.
impl Identity {
    /// Adds a client. A service gets a secret, shown this once.
    ///
    /// # Errors
    /// [`IdentityError::NameTaken`], [`IdentityError::Invalid`], or the store fails.
    pub async fn add_client(&self, by: Actor<'_>, new: NewClient) -> Result<(Client, Option<Secret>), IdentityError> {
        let inner = &self.inner;
        if !by.reaches(new.tenant.as_ref().map(aceso_base::TenantId::as_str)) {
            return Err(IdentityError::NotFound);
        }
        check_client(&new)?;
        let secret = (new.kind == ClientKind::Service).then(|| inner.random_secret());
        let record = ClientRecord {
            tenant: new.tenant.as_ref().map(|tenant| tenant.as_str().to_owned()),
            secret: secret.as_ref().map(hashed),
            roles: role_names(new.roles),
            scopes: new.scopes,
            disabled: false,
            epoch: 0,
            created: inner.clock.now().0,
        };
        let id = new.id;
        let turn = inner.turn().await;
        let taken = |live: &crate::live::Live| live.client(&id).is_some() || live.person(&id).is_some();
        if taken(&inner.live()) {
            return Err(IdentityError::NameTaken);
        }
        let client = Client::of(&id, &record)?;
        let mut unit = inner.administered(by, "client-added", None);
        unit.entries.push(inner.about_client("client-added", &id, &record, by));
        inner.put(&mut unit, CLIENTS, id.as_str(), None, &record)?;
        inner.commit(unit, Some(turn), move |live| live.put_client(id, record)).await?;
        Ok((client, secret))
    }

    /// The clients whom the actor reaches, by id.
    ///
    /// # Errors
    /// [`IdentityError::Damaged`].
    pub fn clients(&self, by: Actor<'_>) -> Result<Vec<Client>, IdentityError> {
        let live = self.inner.live();
        let mut clients = live
            .clients()
            .filter(|(_, record)| by.reaches(record.tenant.as_deref()))
            .map(|(id, record)| Client::of(id, record))
            .collect::<Result<Vec<_>, _>>()?;
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(clients)
    }

    /// Shuts a client out, or lets it in again. All its tokens are void at once.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or the store fails.
    pub async fn set_client_disabled(
        &self,
        by: Actor<'_>,
        id: &UserId,
        disabled: bool,
    ) -> Result<Client, IdentityError> {
        let detail = if disabled { "client-disabled" } else { "client-enabled" };
        self.inner.change_client(by, id, detail, |record| record.disabled = disabled).await
    }

    /// Gives a service a new secret, shown this once. The old one and all tokens are void at once.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`] for the console, or the store fails.
    pub async fn renew_client_secret(&self, by: Actor<'_>, id: &UserId) -> Result<Secret, IdentityError> {
        if self.inner.live().client(id).is_some_and(|client| client.secret.is_none()) {
            return Err(IdentityError::Invalid("the console is a public client and has no secret"));
        }
        let secret = self.inner.random_secret();
        let hash = hashed(&secret);
        self.inner.change_client(by, id, "client-secret", |record| record.secret = Some(hash)).await?;
        Ok(secret)
    }
}

/// Signing keys.
impl Identity {
    /// Signs with a new key from now on; the others still verify. The caller has sealed and stored the key before.
    ///
    /// # Errors
    /// [`IdentityError::Key`], or the store fails; then nothing has changed.
    pub async fn rotate_signing_key(&self, by: Actor<'_>, pkcs8: &[u8]) -> Result<(), IdentityError> {
        let turn = self.inner.turn().await;
        let keys = self.inner.keys().rotated(pkcs8)?;
        let entries = vec![by.entry(&self.inner.config.region, Action::KeyRotated).with_detail("token-signing-key")];
        let inner = Arc::clone(&self.inner);
        self.inner.commit(Unit { entries, ..Unit::default() }, Some(turn), move |_| inner.set_keys(keys)).await?;
        Ok(())
    }

    /// Removes a key that is not in use: what it signed is void at once.
    ///
    /// # Errors
    /// [`IdentityError::Key`], or the store fails; then nothing has changed.
    pub async fn remove_signing_key(&self, by: Actor<'_>, kid: &str) -> Result<(), IdentityError> {
        let turn = self.inner.turn().await;
        let keys = self.inner.keys().without(kid)?;
        let entries = vec![by.entry(&self.inner.config.region, Action::Revoked).with_detail("token-signing-key")];
        let inner = Arc::clone(&self.inner);
        self.inner.commit(Unit { entries, ..Unit::default() }, Some(turn), move |_| inner.set_keys(keys)).await?;
        Ok(())
    }

    /// The ids of all signing keys, the one in use first.
    #[must_use]
    pub fn signing_key_ids(&self) -> Vec<String> {
        self.inner.keys().ids().map(str::to_owned).collect()
    }
}

impl Inner {
    async fn hash_new(&self, password: &Secret, username: &str) -> Result<String, IdentityError> {
        password::check(password, username, self.config.min_password)?;
        self.hasher.hash(password, self.random_id().0).await.map_err(|_| IdentityError::Busy)
    }

    /// Every change of an account ends its sessions.
    async fn change_person(
        self: &Arc<Self>,
        by: Actor<'_>,
        id: &UserId,
        detail: &'static str,
        change: impl FnOnce(&mut PersonRecord),
    ) -> Result<Person, IdentityError> {
        let turn = self.turn().await;
        let stored = self.read::<PersonRecord>(PEOPLE, id.as_str())?;
        let stored = stored.filter(|stored| by.reaches(Some(&stored.record.tenant))).ok_or(IdentityError::NotFound)?;
        let mut record = stored.record;
        change(&mut record);
        record.epoch = record.epoch.saturating_add(1);
        let person = Person::of(id, &record)?;
        let mut unit = self.administered(by, detail, Some((id, &record.tenant)));
        self.put(&mut unit, PEOPLE, id.as_str(), Some(stored.revision), &record)?;
        let id = id.clone();
        self.commit(unit, Some(turn), move |live| live.put_person(id, record)).await?;
        Ok(person)
    }

    async fn change_client(
        self: &Arc<Self>,
        by: Actor<'_>,
        id: &UserId,
        detail: &'static str,
        change: impl FnOnce(&mut ClientRecord),
    ) -> Result<Client, IdentityError> {
        let turn = self.turn().await;
        let stored = self.read::<ClientRecord>(CLIENTS, id.as_str())?;
        let stored = stored.filter(|stored| by.reaches(stored.record.tenant.as_deref()));
        let stored = stored.ok_or(IdentityError::NotFound)?;
        let mut record = stored.record;
        change(&mut record);
        record.epoch = record.epoch.saturating_add(1);
        let client = Client::of(id, &record)?;
        let mut unit = self.administered(by, detail, None);
        unit.entries.push(self.about_client(detail, id, &record, by));
        self.put(&mut unit, CLIENTS, id.as_str(), Some(stored.revision), &record)?;
        let id = id.clone();
        self.commit(unit, Some(turn), move |live| live.put_client(id, record)).await?;
        Ok(client)
    }

    /// Who did it; and to whose account, under the same request.
    fn administered(&self, by: Actor<'_>, detail: &'static str, account: Option<(&UserId, &str)>) -> Unit {
        let mut entries = vec![by.entry(&self.config.region, Action::Administered).with_detail(detail)];
        if let Some((id, tenant)) = account {
            entries.push(with_tenant(self.concerning(detail, by), tenant).with_user(id));
        }
        Unit { entries, ..Unit::default() }
    }

    fn about_client(&self, detail: &'static str, id: &UserId, record: &ClientRecord, by: Actor<'_>) -> Entry {
        let entry = self.concerning(detail, by).with_client(id);
        match &record.tenant {
            Some(tenant) => with_tenant(entry, tenant),
            None => entry,
        }
    }

    fn concerning(&self, detail: &'static str, by: Actor<'_>) -> Entry {
        let request: Option<RequestId> = match by {
            Actor::Caller(caller) => Some(caller.request),
            Actor::Installation => None,
        };
        self.entry(Action::Administered, request).with_detail(detail)
    }
}

fn hashed(secret: &Secret) -> String {
    HEXLOWER.encode(&sha256(secret.reveal().as_bytes()))
}

fn check_own_patient(patient: Option<&LogicalId>) -> Result<(), IdentityError> {
    if patient.is_none_or(|id| SubjectId::of_patient(id.as_str()).is_some()) {
        Ok(())
    } else {
        Err(IdentityError::Invalid("a patient's own record has a lower-case UUID as its id"))
    }
}

fn check_client(new: &NewClient) -> Result<(), IdentityError> {
    if new.scopes.is_empty() || !new.scopes.iter().all(|scope| is_scope_token(scope)) {
        return Err(IdentityError::Invalid("a client needs at least one scope, each of printable ASCII without space"));
    }
    match new.kind {
        ClientKind::Service if new.tenant.is_none() => Err(IdentityError::Invalid("a service needs a tenant")),
        ClientKind::Service if new.roles == RoleSet::NONE => Err(IdentityError::Invalid("a service needs a role")),
        ClientKind::Service if new.roles.contains(Role::Patient) => {
            Err(IdentityError::Invalid("a service is no patient"))
        }
        ClientKind::Console if new.roles != RoleSet::NONE => {
            Err(IdentityError::Invalid("the console has no roles of its own"))
        }
        ClientKind::Service | ClientKind::Console => Ok(()),
    }
}
