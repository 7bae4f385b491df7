//! Making tokens: for a person who has just proved who he is, and for a service.

use crate::answers::TokenResponse;
use crate::claims::{Claims, TYP};
use crate::error::OAuthError;
use crate::identity::Inner;
use crate::jws;
use crate::records::{PersonRecord, SESSIONS, SessionRecord};
use crate::secret::Secret;
use crate::token::{Authenticated, TokenRequest, scope, with_tenant};
use aceso_audit::Action;
use aceso_base::{RequestId, Token16, UserId};
use aceso_store::Unit;
use std::sync::Arc;

/// A person who has just proved who he is.
pub(crate) struct Login<'a> {
    pub(crate) client: &'a Authenticated,
    pub(crate) user: &'a UserId,
    pub(crate) person: &'a PersonRecord,
    pub(crate) scope: String,
    pub(crate) request: Option<RequestId>,
}

/// Whom an access token is for.
pub(crate) struct Bearer<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) client: &'a UserId,
    pub(crate) tenant: &'a str,
    pub(crate) roles: &'a [String],
    pub(crate) own_patient: Option<&'a str>,
    pub(crate) epoch: u64,
    pub(crate) session: Token16,
    pub(crate) auth_time: i64,
    pub(crate) scope: &'a str,
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

    pub(crate) fn sign(&self, bearer: &Bearer<'_>, now: i64) -> Result<Secret, OAuthError> {
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

    pub(crate) fn response(&self, access_token: Secret, refresh_token: Option<Secret>, scope: String) -> TokenResponse {
        TokenResponse { access_token, expires_in: self.config.ttl.access, refresh_token, scope }
    }
}
