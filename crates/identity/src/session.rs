//! Sessions: access tokens, refresh tokens that work once, and their end (RFC 7009, RFC 7662, RFC 9700 section 4.14).

use crate::claims::{self, Claims, TYP};
use crate::error::{IdentityError, OAuthCode, OAuthError};
use crate::identity::{Identity, Inner, Stored, WriteError};
use crate::jws;
use crate::records::{
    PersonRecord, REFRESH, REVOCATIONS, RefreshRecord, RevocationRecord, SESSIONS, SessionRecord, role_names, sha256,
};
use crate::secret::Secret;
use crate::token::{Authenticated, ClientAuth, TokenRequest, scope, with_tenant};
use crate::verify::Verified;
use aceso_audit::{Action, Entry, Outcome};
use aceso_base::{RequestId, Token16, UserId};
use aceso_store::{DocumentWrite, Precondition, Unit};
use data_encoding::HEXLOWER;
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;

/// The answer of the token endpoint (RFC 6749 section 5.1). Send it with `Cache-Control: no-store`.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The bearer token.
    pub access_token: Secret,
    /// Its life in seconds.
    pub expires_in: i64,
    /// Works once. Services have none.
    pub refresh_token: Option<Secret>,
    /// What was granted.
    pub scope: String,
}

impl TokenResponse {
    /// The JSON that goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({
            "access_token": self.access_token.reveal(),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
        });
        if let (Some(refresh), Some(members)) = (&self.refresh_token, json.as_object_mut()) {
            members.insert("refresh_token".to_owned(), refresh.reveal().into());
        }
        json
    }
}

/// The answer of the introspection endpoint (RFC 7662 section 2.2). What is not active tells nothing else.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "the members are those of RFC 7662 section 2.2 and of the access token")]
pub struct Introspection {
    pub active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// The answer of the userinfo endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UserInfo {
    /// The user id, or the client id of a service.
    pub sub: String,
    /// The user name; services have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Whose data.
    pub tenant: String,
    /// The roles.
    pub roles: Vec<String>,
    /// For patients: the reference to the record that is his own.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
}

/// A person who has just proved who he is.
pub(crate) struct Login<'a> {
    pub(crate) client: &'a Authenticated,
    pub(crate) user: &'a UserId,
    pub(crate) person: &'a PersonRecord,
    pub(crate) scope: String,
    pub(crate) request: Option<RequestId>,
}

/// Whom an access token is for.
struct Bearer<'a> {
    user: &'a UserId,
    client: &'a UserId,
    tenant: &'a str,
    roles: &'a [String],
    own_patient: Option<&'a str>,
    epoch: u64,
    session: Token16,
    auth_time: i64,
    scope: &'a str,
}

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
    /// Begins a session.
    pub(crate) async fn log_in(self: &Arc<Self>, login: Login<'_>) -> Result<TokenResponse, OAuthError> {
        let now = self.now_seconds();
        let session = SessionRecord {
            user: login.user.as_str().to_owned(),
            client: login.client.id.as_str().to_owned(),
            scope: login.scope,
            auth_time: now,
            epoch: login.person.epoch,
            expires: now.saturating_add(self.config.ttl.refresh_absolute),
            ended: false,
        };
        let id = self.random_id();
        let entry = self.entry(Action::LoggedIn, login.request).with_user(login.user).with_client(&login.client.id);
        let mut unit =
            Unit { entries: vec![with_tenant(entry, &login.person.tenant).with_session(id)], ..Unit::default() };
        let unavailable = |_| OAuthError::unavailable();
        self.put(&mut unit, SESSIONS, &id.to_string(), None, &session).map_err(unavailable)?;
        let refresh = self.new_refresh(&mut unit, id, session.expires, now).map_err(unavailable)?;
        let access_token = self.sign(
            &Bearer {
                user: login.user,
                client: &login.client.id,
                tenant: &login.person.tenant,
                roles: &login.person.roles,
                own_patient: login.person.own_patient.as_deref(),
                epoch: login.person.epoch,
                session: id,
                auth_time: now,
                scope: &session.scope,
            },
            now,
        )?;
        self.commit(unit, None, |_| ()).await?;
        Ok(self.response(access_token, Some(refresh), session.scope))
    }

    /// A service acts for itself; there is nothing to refresh.
    pub(crate) async fn by_client(
        self: &Arc<Self>,
        client: &Authenticated,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let scope = scope(request.scope.as_deref(), &client.record.scopes)?;
        let tenant = client.record.tenant.as_deref().ok_or(OAuthError::bad_client())?;
        let (now, session) = (self.now_seconds(), self.random_id());
        let bearer = Bearer {
            user: &client.id,
            client: &client.id,
            tenant,
            roles: &client.record.roles,
            own_patient: None,
            epoch: client.record.epoch,
            session,
            auth_time: now,
            scope: &scope,
        };
        let access_token = self.sign(&bearer, now)?;
        let entry = self.entry(Action::TokenIssued, request.request).with_user(&client.id).with_client(&client.id);
        self.log(vec![with_tenant(entry, tenant).with_session(session)]).await?;
        Ok(self.response(access_token, None, scope))
    }

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

    fn new_refresh(&self, unit: &mut Unit, session: Token16, end: i64, now: i64) -> Result<Secret, IdentityError> {
        let token = self.random_secret();
        let expires = now.saturating_add(self.config.ttl.refresh_idle).min(end);
        let record = RefreshRecord { session: session.to_string(), used: false, expires };
        self.put(unit, REFRESH, &refresh_key(&token), None, &record)?;
        Ok(token)
    }

    fn sign(&self, bearer: &Bearer<'_>, now: i64) -> Result<Secret, OAuthError> {
        let claims = Claims {
            iss: self.config.issuer.clone(),
            aud: self.config.audience.clone(),
            sub: bearer.user.as_str().to_owned(),
            client_id: bearer.client.as_str().to_owned(),
            scope: bearer.scope.to_owned(),
            jti: self.random_id().to_string(),
            sid: bearer.session.to_string(),
            tenant: bearer.tenant.to_owned(),
            region: self.config.region.as_str().to_owned(),
            roles: bearer.roles.to_vec(),
            own_patient: bearer.own_patient.map(str::to_owned),
            iat: now,
            nbf: now,
            exp: now.saturating_add(self.config.ttl.access),
            auth_time: bearer.auth_time,
            epoch: bearer.epoch,
        };
        let key = self.keys().active().cloned().ok_or(OAuthError::unavailable())?;
        let payload = serde_json::to_vec(&claims).map_err(|_| OAuthError::unavailable())?;
        jws::sign(&key, TYP, &payload).map(Secret::from).map_err(|_| OAuthError::unavailable())
    }

    fn response(&self, access_token: Secret, refresh_token: Option<Secret>, scope: String) -> TokenResponse {
        TokenResponse { access_token, expires_in: self.config.ttl.access, refresh_token, scope }
    }

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
    async fn end_session(self: &Arc<Self>, id: Token16, entry: Entry) -> Result<(), IdentityError> {
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

    fn session_of(&self, token: &Secret) -> Result<Option<(Token16, SessionRecord)>, IdentityError> {
        let Some(stored) = self.read::<RefreshRecord>(REFRESH, &refresh_key(token))? else { return Ok(None) };
        let id = claims::token16(&stored.record.session).ok_or(IdentityError::Damaged { space: REFRESH })?;
        Ok(self.read::<SessionRecord>(SESSIONS, &id.to_string())?.map(|session| (id, session.record)))
    }

    fn with_account(&self, entry: Entry, user: &str) -> Entry {
        let Ok(user) = UserId::parse(user) else { return entry };
        match self.live().person(&user) {
            Some(person) => with_tenant(entry.with_user(&user), &person.tenant),
            None => entry,
        }
    }
}

fn refresh_key(token: &Secret) -> String {
    HEXLOWER.encode(&sha256(token.reveal().as_bytes()))
}
