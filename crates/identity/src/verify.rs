//! Who asks, from the bearer token: on the path of every request.

use crate::claims::{self, Claims, TYP};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::jws;
use crate::records::sha256;
use aceso_base::{Caller, LogicalId, Purpose, Region, RequestId, RoleSet, TenantId, Token16, UserId};
use std::sync::Arc;

/// A verified access token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Whose data.
    pub tenant: TenantId,
    /// Where.
    pub region: Region,
    /// Who; for a service the client itself.
    pub user: UserId,
    /// With which client.
    pub client: UserId,
    /// In which session.
    pub session: Token16,
    /// Which token.
    pub jti: Token16,
    /// In which roles.
    pub roles: RoleSet,
    /// For patients: the record that is his own.
    pub own_patient: Option<LogicalId>,
    /// What was delegated (RFC 6749 section 3.3).
    pub scope: String,
    /// `iat`, seconds since the epoch.
    pub issued: i64,
    /// `nbf`, seconds since the epoch.
    pub not_before: i64,
    /// `exp`, seconds since the epoch.
    pub expires: i64,
    /// When he proved who he is, seconds since the epoch.
    pub auth_time: i64,
    pub(crate) epoch: u64,
    pub(crate) kid: Arc<str>,
}

impl Verified {
    /// The context of one request. Whether the roles may act for the purpose is the policy's question.
    #[must_use]
    pub fn caller(&self, purpose: Purpose, request: RequestId) -> Caller {
        Caller {
            tenant: self.tenant.clone(),
            region: self.region.clone(),
            user: self.user.clone(),
            client: self.client.clone(),
            session: self.session,
            roles: self.roles,
            own_patient: self.own_patient.clone(),
            purpose,
            request,
        }
    }
}

impl Identity {
    /// Checks a bearer token (without the word `Bearer`): signature, claims, time, and that nothing of it has been revoked.
    ///
    /// The signature of a token that was seen before is not computed again; everything else is checked every time.
    ///
    /// # Errors
    /// [`AuthError`]; the answer to the caller is 401 `invalid_token` for each of them.
    pub fn verify(&self, bearer: &str) -> Result<Arc<Verified>, AuthError> {
        if bearer.len() > jws::MAX_BYTES {
            return Err(AuthError::Malformed);
        }
        let hash = sha256(bearer.as_bytes());
        let (verified, fresh) = match self.inner.verified.get(&hash) {
            Some(known) => (known, false),
            None => (Arc::new(self.check(bearer)?), true),
        };
        claims::check_time(&verified, self.inner.clock.now())?;
        if self.inner.keys().find(&verified.kid).is_none() {
            return Err(AuthError::UnknownKey);
        }
        if !self.inner.live().upholds(&verified) {
            return Err(AuthError::Revoked);
        }
        if fresh {
            self.inner.verified.insert(hash, Arc::clone(&verified));
        }
        Ok(verified)
    }

    fn check(&self, bearer: &str) -> Result<Verified, AuthError> {
        let token = jws::parse(bearer)?;
        if token.header.typ.as_deref() != Some(TYP) {
            return Err(AuthError::Type);
        }
        let kid = token.header.kid.as_deref().ok_or(AuthError::UnknownKey)?;
        let key = self.inner.keys().find(kid).cloned().ok_or(AuthError::UnknownKey)?;
        token.check(&key.verifying)?;
        Claims::read(&token.payload, &key.kid, &self.inner.config)
    }
}
