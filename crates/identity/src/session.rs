//! Sessions and their end (RFC 7009, RFC 7662): what is asked about tokens, and what makes them void.

use crate::answers::{Introspection, UserInfo};
use crate::error::{IdentityError, OAuthCode, OAuthError};
use crate::identity::{Identity, Inner, WriteError};
use crate::records::{REFRESH, REVOCATIONS, RefreshRecord, RevocationRecord, SESSIONS, SessionRecord, role_names};
use crate::secret::Secret;
use crate::token::{ClientAuth, with_tenant};
use crate::verify::Verified;
use aceso_audit::{Action, Entry};
use aceso_base::{RequestId, Token16, UserId};
use aceso_store::{DocumentWrite, Unit};
use std::collections::HashSet;
use std::sync::Arc;

impl Identity {
    /// Ends a session: its access tokens at once, its refresh tokens for good.
    ///
    /// # Errors
    /// [`IdentityError`] when it could not be made durable; then the session goes on.
    pub async fn log_out(&self, session: &Verified, request: Option<RequestId>) -> Result<(), IdentityError> {
        let entry = self.inner.entry(Action::LoggedOut, request).with_tenant(&session.tenant).with_user(&session.user);
        let entry = entry.with_client(&session.client).with_session(session.session);
        self.inner.end_session(session.session, entry).await
    }

    /// RFC 7009: a refresh token ends with its whole session, an access token alone. A token that is unknown, or not the client's
    /// own, changes nothing and is no error.
    ///
    /// # Errors
    /// [`OAuthError`] when the client cannot be authenticated or nothing can be written.
    pub async fn revoke(&self, auth: &ClientAuth, token: &Secret) -> Result<(), OAuthError> {
        let client = self.inner.authenticate(auth).await?;
        if let Ok(access) = self.verify(token.reveal()) {
            if access.client == client.id {
                self.inner.end_token(&access, auth.request).await?;
            }
            return Ok(());
        }
        let unavailable = |_| OAuthError::unavailable();
        let Some((id, session)) = self.inner.session_of(token).map_err(unavailable)? else { return Ok(()) };
        if session.client != client.id.as_str() {
            return Ok(());
        }
        let entry = self.inner.entry(Action::Revoked, auth.request).with_client(&client.id).with_session(id);
        let entry = self.inner.with_account(entry, &session.user);
        self.inner.end_session(id, entry.with_detail("refresh-token")).await.map_err(unavailable)
    }

    /// RFC 7662, for services of the token's tenant.
    ///
    /// # Errors
    /// [`OAuthError`] when the client cannot be authenticated or is not a service.
    pub async fn introspect(&self, auth: &ClientAuth, token: &Secret) -> Result<Introspection, OAuthError> {
        let client = self.inner.authenticate(auth).await?;
        if !client.is_service() {
            return Err(OAuthError::new(OAuthCode::UnauthorizedClient, "only services may ask about tokens"));
        }
        let Ok(access) = self.verify(token.reveal()) else { return Ok(Introspection::default()) };
        if client.record.tenant.as_deref() != Some(access.tenant.as_str()) {
            return Ok(Introspection::default());
        }
        Ok(Introspection {
            active: true,
            scope: Some(access.scope.clone()),
            client_id: Some(access.client.as_str().to_owned()),
            token_type: Some("Bearer"),
            sub: Some(access.user.as_str().to_owned()),
            iss: Some(self.inner.config.issuer.clone()),
            aud: Some(self.inner.config.audience.clone()),
            iat: Some(access.issued),
            nbf: Some(access.not_before),
            exp: Some(access.expires),
            jti: Some(access.jti.to_string()),
        })
    }

    /// What a signed-in caller may know about himself.
    #[must_use]
    pub fn userinfo(&self, caller: &Verified) -> UserInfo {
        UserInfo {
            sub: caller.user.as_str().to_owned(),
            preferred_username: self.inner.live().person(&caller.user).map(|person| person.username.clone()),
            tenant: caller.tenant.as_str().to_owned(),
            roles: role_names(caller.roles),
            fhir_user: caller.own_patient.as_ref().map(|id| format!("Patient/{id}")),
        }
    }

    /// Removes sessions, refresh tokens and revocations that have expired; returns how many documents. For a job, now and then.
    ///
    /// # Errors
    /// [`IdentityError`] when the store fails.
    pub async fn sweep(&self) -> Result<usize, IdentityError> {
        let now = self.inner.now_seconds();
        // Tokens before sessions: a session that begins meanwhile is seen with its token or not at all. A used token stays as long
        // as its session, so that its reuse is recognised.
        let mut tokens: Vec<(String, String)> = Vec::new();
        self.inner.each(REFRESH, |key, token: RefreshRecord| {
            tokens.push((key.to_owned(), token.session));
            Ok(())
        })?;
        let (mut alive, mut over) = (HashSet::new(), Vec::new());
        self.inner.each(SESSIONS, |key, session: SessionRecord| {
            if session.expires < now {
                over.push((SESSIONS, key.to_owned()));
            } else {
                alive.insert(key.to_owned());
            }
            Ok(())
        })?;
        let mut stale: Vec<(&'static str, String)> = tokens
            .into_iter()
            .filter(|(_, session)| !alive.contains(session))
            .map(|(key, _)| (REFRESH, key))
            .chain(over)
            .collect();
        self.inner.each(REVOCATIONS, |key, record: RevocationRecord| {
            if record.until < now {
                stale.push((REVOCATIONS, key.to_owned()));
            }
            Ok(())
        })?;
        for part in stale.chunks(256) {
            let documents = part.iter().map(|(space, key)| DocumentWrite {
                space: (*space).to_owned(),
                key: key.clone(),
                bytes: None,
            });
            let entry = self.inner.entry(Action::Administered, None).with_detail("expired-sessions-removed");
            let entries = vec![entry.with_count(part.len() as u64)];
            let unit = Unit { documents: documents.collect(), entries, ..Unit::default() };
            self.inner.commit(unit, None, |_| ()).await?;
        }
        Ok(stale.len())
    }
}

impl Inner {
    async fn end_token(self: &Arc<Self>, token: &Verified, request: Option<RequestId>) -> Result<(), OAuthError> {
        let entry = self.entry(Action::Revoked, request).with_tenant(&token.tenant).with_user(&token.user);
        let entry = entry.with_client(&token.client).with_session(token.session).with_detail("access-token");
        let mut unit = Unit { entries: vec![entry], ..Unit::default() };
        match self.add_revocation(&mut unit, "jti", token.jti) {
            Ok(Some(until)) => {
                let (jti, now) = (token.jti, self.now_seconds());
                Ok(self.commit(unit, None, move |live| live.revoke(jti, until, now)).await?)
            }
            Ok(None) => Ok(()),
            Err(_) => Err(OAuthError::unavailable()),
        }
    }

    /// Ends a session: no refresh token works any more, no access token is accepted. Ending it twice is no error.
    pub(crate) async fn end_session(self: &Arc<Self>, id: Token16, entry: Entry) -> Result<(), IdentityError> {
        for _ in 0..8 {
            let mut unit = Unit { entries: vec![entry.clone()], ..Unit::default() };
            if let Some(stored) = self.read::<SessionRecord>(SESSIONS, &id.to_string())?.filter(|s| !s.record.ended) {
                let ended = SessionRecord { ended: true, ..stored.record };
                self.put(&mut unit, SESSIONS, &id.to_string(), Some(stored.revision), &ended)?;
            }
            let until = self.add_revocation(&mut unit, "sid", id)?;
            let now = self.now_seconds();
            let done = self.commit(unit, None, move |live| {
                if let Some(until) = until {
                    live.revoke(id, until, now);
                }
            });
            match done.await {
                Err(WriteError::Refused) => {}
                other => return other.map_err(Into::into),
            }
        }
        Err(IdentityError::Contended)
    }

    /// `None`: it stands there already.
    fn add_revocation(&self, unit: &mut Unit, kind: &str, id: Token16) -> Result<Option<i64>, IdentityError> {
        let key = format!("{kind}:{id}");
        if self.read::<RevocationRecord>(REVOCATIONS, &key)?.is_some() {
            return Ok(None);
        }
        // Longer than any token of it can be accepted, skew included.
        let until = self.now_seconds().saturating_add(self.config.ttl.access).saturating_add(300);
        self.put(unit, REVOCATIONS, &key, None, &RevocationRecord { until })?;
        Ok(Some(until))
    }

    pub(crate) fn with_account(&self, entry: Entry, user: &str) -> Entry {
        let Ok(user) = UserId::parse(user) else { return entry };
        match self.live().person(&user) {
            Some(person) => with_tenant(entry.with_user(&user), &person.tenant),
            None => entry,
        }
    }
}
