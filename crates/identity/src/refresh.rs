//! Refresh tokens: each works once, and its second use ends the session (RFC 9700 section 4.14).

use crate::answers::TokenResponse;
use crate::claims;
use crate::error::{IdentityError, OAuthCode, OAuthError};
use crate::identity::{Inner, Stored, WriteError};
use crate::issue::Bearer;
use crate::records::{REFRESH, RefreshRecord, SESSIONS, SessionRecord, sha256};
use crate::secret::Secret;
use crate::token::{Authenticated, TokenRequest, scope};
use aceso_audit::{Action, Outcome};
use aceso_base::{Token16, UserId};
use aceso_store::{Precondition, Unit};
use data_encoding::HEXLOWER;
use std::sync::Arc;

impl Inner {
    /// Redeems a refresh token. It works once: whoever brings it a second time ends the session, for himself and for the thief.
    pub(crate) async fn by_refresh(
        self: &Arc<Self>,
        client: &Authenticated,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let missing = OAuthError::new(OAuthCode::InvalidRequest, "refresh_token is missing");
        let token = request.refresh_token.as_ref().ok_or(missing)?;
        let unavailable = |_: IdentityError| OAuthError::unavailable();
        let key = refresh_key(token);
        let Some(stored) = self.read::<RefreshRecord>(REFRESH, &key).map_err(unavailable)? else {
            return Err(OAuthError::bad_refresh());
        };
        let id = claims::token16(&stored.record.session).ok_or(OAuthError::unavailable())?;
        let session = self.read::<SessionRecord>(SESSIONS, &id.to_string()).map_err(unavailable)?;
        let Some(session) = session else { return Err(OAuthError::bad_refresh()) };
        if session.record.client != client.id.as_str() {
            // It has left its client: leaked, whoever holds it.
            return self.refuse_refresh(client, id, &session.record, request, "other-client").await;
        }
        if stored.record.used {
            return self.refuse_refresh(client, id, &session.record, request, "used-twice").await;
        }
        let now = self.now_seconds();
        let over = session.record.ended || now >= session.record.expires || now >= stored.record.expires;
        let user = UserId::parse(&session.record.user).map_err(|_| OAuthError::unavailable())?;
        let person = self.live().person(&user).cloned();
        let person = person.filter(|person| !person.disabled && person.epoch == session.record.epoch);
        let (false, Some(person)) = (over, person) else { return Err(OAuthError::bad_refresh()) };
        let had: Vec<String> = session.record.scope.split(' ').map(str::to_owned).collect();
        let scope = scope(request.scope.as_deref(), &had)?;
        let bearer = Bearer {
            user: &user,
            client: &client.id,
            tenant: &person.tenant,
            roles: &person.roles,
            own_patient: person.own_patient.as_deref(),
            epoch: person.epoch,
            session: id,
            auth_time: session.record.auth_time,
            scope: &scope,
        };
        let access_token = self.sign(&bearer, now)?;
        let (unit, next) = self.rotation(&key, stored, id, &session, request).map_err(unavailable)?;
        match self.commit(unit, None, |_| ()).await {
            Ok(()) => Ok(self.response(access_token, Some(next), scope)),
            // Somebody else has redeemed it in between: that is a second use, too.
            Err(WriteError::Refused) => self.refuse_refresh(client, id, &session.record, request, "used-at-once").await,
            Err(error) => Err(error.into()),
        }
    }

    /// The old token is marked as used, the new one is made, and both only if token and session are as they were read.
    fn rotation(
        &self,
        key: &str,
        old: Stored<RefreshRecord>,
        id: Token16,
        session: &Stored<SessionRecord>,
        request: &TokenRequest,
    ) -> Result<(Unit, Secret), IdentityError> {
        let entry = self.entry(Action::TokenRefreshed, request.request).with_session(id);
        let entry = self.with_account(entry, &session.record.user);
        let entry = match UserId::parse(&session.record.client) {
            Ok(client) => entry.with_client(&client),
            Err(_) => entry,
        };
        let mut unit = Unit { entries: vec![entry], ..Unit::default() };
        unit.preconditions.push(Precondition::DocumentRevision {
            space: SESSIONS.to_owned(),
            key: id.to_string(),
            expected: Some(session.revision),
        });
        let used = RefreshRecord { used: true, ..old.record };
        self.put(&mut unit, REFRESH, key, Some(old.revision), &used)?;
        let next = self.new_refresh(&mut unit, id, session.record.expires, self.now_seconds())?;
        Ok((unit, next))
    }

    /// Ends the session of a refresh token that has been abused.
    async fn refuse_refresh(
        self: &Arc<Self>,
        client: &Authenticated,
        id: Token16,
        session: &SessionRecord,
        request: &TokenRequest,
        reason: &'static str,
    ) -> Result<TokenResponse, OAuthError> {
        let entry = self.entry(Action::RefreshReuse, request.request).with_client(&client.id).with_session(id);
        let entry = self.with_account(entry, &session.user).with_outcome(Outcome::denied(reason));
        self.end_session(id, entry).await.map_err(|_| OAuthError::unavailable())?;
        Err(OAuthError::bad_refresh())
    }

    pub(crate) fn new_refresh(
        &self,
        unit: &mut Unit,
        session: Token16,
        end: i64,
        now: i64,
    ) -> Result<Secret, IdentityError> {
        let token = self.random_secret();
        let expires = now.saturating_add(self.config.ttl.refresh_idle).min(end);
        let record = RefreshRecord { session: session.to_string(), used: false, expires };
        self.put(unit, REFRESH, &refresh_key(&token), None, &record)?;
        Ok(token)
    }

    pub(crate) fn session_of(&self, token: &Secret) -> Result<Option<(Token16, SessionRecord)>, IdentityError> {
        let Some(stored) = self.read::<RefreshRecord>(REFRESH, &refresh_key(token))? else { return Ok(None) };
        let id = claims::token16(&stored.record.session).ok_or(IdentityError::Damaged { space: REFRESH })?;
        Ok(self.read::<SessionRecord>(SESSIONS, &id.to_string())?.map(|session| (id, session.record)))
    }
}

fn refresh_key(token: &Secret) -> String {
    HEXLOWER.encode(&sha256(token.reveal().as_bytes()))
}
