//! The accounts and revocations in memory: what every verification asks. Written after the store has taken the change.

use crate::records::{ClientRecord, PersonRecord};
use crate::verify::Verified;
use aceso_base::{Token16, UserId};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Live {
    people: HashMap<UserId, Arc<PersonRecord>>,
    names: HashMap<String, UserId>,
    clients: HashMap<UserId, Arc<ClientRecord>>,
    /// Ended tokens and sessions, until (seconds since the epoch) no token of theirs lives.
    revoked: HashMap<Token16, i64>,
}

impl Live {
    pub(crate) fn put_person(&mut self, id: UserId, record: PersonRecord) {
        self.names.insert(record.username.clone(), id.clone());
        self.people.insert(id, Arc::new(record));
    }

    pub(crate) fn put_client(&mut self, id: UserId, record: ClientRecord) {
        self.clients.insert(id, Arc::new(record));
    }

    pub(crate) fn revoke(&mut self, id: Token16, until: i64, now: i64) {
        self.revoked.retain(|_, until| *until >= now);
        self.revoked.insert(id, until);
    }

    pub(crate) fn person(&self, id: &UserId) -> Option<&Arc<PersonRecord>> {
        self.people.get(id)
    }

    pub(crate) fn named(&self, username: &str) -> Option<(&UserId, &Arc<PersonRecord>)> {
        let id = self.names.get(username)?;
        Some((id, self.people.get(id)?))
    }

    pub(crate) fn client(&self, id: &UserId) -> Option<&Arc<ClientRecord>> {
        self.clients.get(id)
    }

    pub(crate) fn people(&self) -> impl Iterator<Item = (&UserId, &Arc<PersonRecord>)> {
        self.people.iter()
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = (&UserId, &Arc<ClientRecord>)> {
        self.clients.iter()
    }

    /// Whether the account, its client, the session and the token are all as they were when the token was signed.
    pub(crate) fn upholds(&self, token: &Verified) -> bool {
        let client = self.clients.get(&token.client).filter(|client| !client.disabled);
        let account = if token.user == token.client {
            client.is_some_and(|client| client.epoch == token.epoch)
        } else {
            client.is_some()
                && self.people.get(&token.user).is_some_and(|person| !person.disabled && person.epoch == token.epoch)
        };
        account
            && (self.revoked.is_empty()
                || !(self.revoked.contains_key(&token.jti) || self.revoked.contains_key(&token.session)))
    }
}
