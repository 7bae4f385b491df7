//! The token endpoint: which client asks, and with which grant (RFC 6749 section 4 and 6).

use crate::answers::TokenResponse;
use crate::error::{OAuthCode, OAuthError};
use crate::identity::{Identity, Inner};
use crate::issue::Login;
use crate::password::{self, Guess};
use crate::records::{ClientRecord, PEOPLE, PersonRecord, sha256};
use crate::secret::Secret;
use aceso_audit::{Action, Entry, Outcome};
use aceso_base::{RequestId, TenantId, UserId};
use aceso_store::Unit;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// The parameters of a token request. The caller of this crate refuses parameters that come twice (RFC 6749 section 3.2) and clients
/// that authenticate in two ways at once (section 2.3).
#[derive(Clone, Default)]
pub struct TokenRequest {
    /// `password`, `client_credentials` or `refresh_token`.
    pub grant_type: String,
    /// For `password`.
    pub username: Option<String>,
    /// For `password`.
    pub password: Option<Secret>,
    /// For `refresh_token`.
    pub refresh_token: Option<Secret>,
    /// Which client, from the body or the `Authorization` header.
    pub client_id: Option<String>,
    /// Of a confidential client, from the body or the `Authorization` header.
    pub client_secret: Option<Secret>,
    /// Space-separated; nothing: all that the client or the session has.
    pub scope: Option<String>,
    /// Names the HTTP request in the log.
    pub request: Option<RequestId>,
}

/// Shows nothing of what was typed.
impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenRequest").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A client that authenticates for revocation or introspection.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: Option<Secret>,
    /// Names the HTTP request in the log.
    pub request: Option<RequestId>,
}

/// An authenticated client.
pub(crate) struct Authenticated {
    pub(crate) id: UserId,
    pub(crate) record: Arc<ClientRecord>,
}

impl Authenticated {
    pub(crate) fn is_service(&self) -> bool {
        self.record.secret.is_some()
    }
}

impl Identity {
    /// Answers a token request. When it answers with tokens, the log says so durably.
    ///
    /// # Errors
    /// [`OAuthError`] with the code, the HTTP status and a fixed description.
    pub async fn token(&self, request: TokenRequest) -> Result<TokenResponse, OAuthError> {
        let id = request.client_id.clone().ok_or(OAuthError::new(OAuthCode::InvalidRequest, "client_id is missing"))?;
        let auth = ClientAuth { id, secret: request.client_secret.clone(), request: request.request };
        let client = self.inner.authenticate(&auth).await?;
        match (request.grant_type.as_str(), client.is_service()) {
            ("password", false) => self.inner.by_password(&client, &request).await,
            ("refresh_token", false) => self.inner.by_refresh(&client, &request).await,
            ("client_credentials", true) => self.inner.by_client(&client, &request).await,
            ("password" | "refresh_token" | "client_credentials", _) => {
                Err(OAuthError::new(OAuthCode::UnauthorizedClient, "the client may not use this grant"))
            }
            _ => Err(OAuthError::new(OAuthCode::UnsupportedGrantType, "there is no such grant")),
        }
    }
}

impl Inner {
    /// A right secret is never made to wait: it has 256 bits, and nobody may shut a connected system out by guessing.
    pub(crate) async fn authenticate(self: &Arc<Self>, auth: &ClientAuth) -> Result<Authenticated, OAuthError> {
        let id = UserId::parse(&auth.id).map_err(|_| OAuthError::bad_client())?;
        let known = self.live().client(&id).filter(|client| !client.disabled).cloned();
        match (known, &auth.secret) {
            (Some(record), None) if record.secret.is_none() => Ok(Authenticated { id, record }),
            (Some(record), Some(secret)) if record.secret.as_deref().is_some_and(|hash| matches(hash, secret)) => {
                self.limiter.succeeded("client", id.as_str());
                Ok(Authenticated { id, record })
            }
            (known, _) => {
                let wait = self.limiter.begin("client", id.as_str(), self.clock.now()).err();
                if wait.is_none_or(|wait| wait.first) {
                    let mut entry =
                        self.entry(Action::TokenRefused, auth.request).with_outcome(Outcome::denied("client"));
                    if let Some(tenant) = known.as_ref().and_then(|record| record.tenant.as_deref()) {
                        entry = with_tenant(entry, tenant);
                    }
                    if known.is_some() {
                        entry = entry.with_client(&id);
                    }
                    self.log(vec![entry]).await?;
                }
                Err(wait.map_or_else(OAuthError::bad_client, |wait| OAuthError::slow_down(wait.seconds)))
            }
        }
    }

    async fn by_password(
        self: &Arc<Self>,
        client: &Authenticated,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let missing = OAuthError::new(OAuthCode::InvalidRequest, "username or password is missing");
        let (Some(typed), Some(guess)) = (&request.username, &request.password) else { return Err(missing) };
        let scope = scope(request.scope.as_deref(), &client.record.scopes)?;
        let username = password::username(typed);
        // What is no user name is counted too, under its own bytes.
        let counted = username.as_deref().unwrap_or(typed);
        let found = username.as_deref().and_then(|name| {
            let live = self.live();
            live.named(name).map(|(id, record)| (id.clone(), Arc::clone(record)))
        });
        // A client of one tenant knows no people of others.
        let found =
            found.filter(|(_, person)| client.record.tenant.as_ref().is_none_or(|tenant| *tenant == person.tenant));
        if let Err(wait) = self.limiter.begin("user", counted, self.clock.now()) {
            if wait.first {
                self.log(vec![self.failed_login(client, found.as_ref(), request, "throttled")]).await?;
            }
            return Err(OAuthError::slow_down(wait.seconds));
        }
        let stored = found.as_ref().and_then(|(_, person)| person.password.as_deref());
        let result = self.hasher.verify(guess, stored).await.map_err(|_| OAuthError::unavailable())?;
        match (found, result) {
            (Some((id, person)), Guess::Right { outdated }) if !person.disabled => {
                self.limiter.succeeded("user", counted);
                if outdated {
                    self.rehash(&id, &person, guess).await?;
                }
                self.log_in(Login { client, user: &id, person: &person, scope, request: request.request }).await
            }
            (found, result) => {
                let reason = match (&found, result) {
                    (None, _) => "unknown-user",
                    (Some(_), Guess::Right { .. }) => "disabled",
                    (Some(_), Guess::Wrong) => "password",
                };
                self.log(vec![self.failed_login(client, found.as_ref(), request, reason)]).await?;
                Err(OAuthError::bad_credentials())
            }
        }
    }

    /// Never what was typed: a password is easily typed into the field of the name.
    fn failed_login(
        &self,
        client: &Authenticated,
        found: Option<&(UserId, Arc<PersonRecord>)>,
        request: &TokenRequest,
        reason: &'static str,
    ) -> Entry {
        let entry = self.entry(Action::LoginFailed, request.request).with_client(&client.id);
        let entry = entry.with_outcome(Outcome::denied(reason));
        match found {
            Some((id, person)) => with_tenant(entry.with_user(id), &person.tenant),
            None => entry,
        }
    }

    /// Brings the stored hash up to the parameters in force. When somebody changes the account at this very moment, his change stays.
    async fn rehash(
        self: &Arc<Self>,
        id: &UserId,
        seen: &Arc<PersonRecord>,
        password: &Secret,
    ) -> Result<(), OAuthError> {
        let phc = self.hasher.hash(password, self.random_id().0).await.map_err(|_| OAuthError::unavailable())?;
        let turn = self.turn().await;
        let stored = self.read::<PersonRecord>(PEOPLE, id.as_str()).map_err(|_| OAuthError::unavailable())?;
        let Some(stored) = stored.filter(|stored| stored.record == **seen) else { return Ok(()) };
        let record = PersonRecord { password: Some(phc), ..stored.record };
        let entry = with_tenant(self.entry(Action::Administered, None), &record.tenant);
        let entry = entry.with_user(id).with_detail("password-rehashed");
        let mut unit = Unit { entries: vec![entry], ..Unit::default() };
        self.put(&mut unit, PEOPLE, id.as_str(), Some(stored.revision), &record)
            .map_err(|_| OAuthError::unavailable())?;
        let id = id.clone();
        Ok(self.commit(unit, Some(turn), move |live| live.put_person(id, record)).await?)
    }

    pub(crate) fn entry(&self, action: Action, request: Option<RequestId>) -> Entry {
        let entry = Entry::system(&self.config.region, action);
        match request {
            Some(request) => entry.with_request(request),
            None => entry,
        }
    }
}

pub(crate) fn with_tenant(entry: Entry, tenant: &str) -> Entry {
    match TenantId::parse(tenant) {
        Ok(tenant) => entry.with_tenant(&tenant),
        Err(_) => entry,
    }
}

fn matches(hash: &str, secret: &Secret) -> bool {
    let presented = HEXLOWER.encode(&sha256(secret.reveal().as_bytes()));
    verify_slices_are_equal(hash.as_bytes(), presented.as_bytes()).is_ok()
}

/// What was asked for, if it is all allowed; everything allowed, if nothing was asked for. In the order of what is allowed.
pub(crate) fn scope(asked: Option<&str>, allowed: &[String]) -> Result<String, OAuthError> {
    let Some(asked) = asked else { return Ok(allowed.join(" ")) };
    let asked: Vec<&str> = asked.split(' ').collect();
    if asked.iter().all(|token| allowed.iter().any(|known| known == token)) {
        let granted: Vec<&str> = allowed.iter().map(String::as_str).filter(|known| asked.contains(known)).collect();
        Ok(granted.join(" "))
    } else {
        Err(OAuthError::new(OAuthCode::InvalidScope, "more scope than there is to give"))
    }
}

/// RFC 6749 section 3.3: printable ASCII without space, quote and backslash.
pub(crate) fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.len() <= 64 && token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_can_be_narrowed_but_not_widened() {
        let allowed = ["openid".to_owned(), "fhir".to_owned()];
        assert_eq!(scope(None, &allowed).unwrap(), "openid fhir");
        assert_eq!(scope(Some("fhir"), &allowed).unwrap(), "fhir");
        assert_eq!(scope(Some("fhir openid"), &allowed).unwrap(), "openid fhir");
        for wrong in ["", "fhir admin", "FHIR", "fhir  openid", "openid\tfhir"] {
            assert_eq!(scope(Some(wrong), &allowed).unwrap_err().code, OAuthCode::InvalidScope, "{wrong}");
        }
    }

    #[test]
    fn scope_tokens_have_the_characters_of_the_rfc() {
        assert!(is_scope_token("user/*.cruds"));
        for wrong in ["", "a b", "a\"b", "a\\b", "é", "a\n"] {
            assert!(!is_scope_token(wrong));
        }
    }
}
