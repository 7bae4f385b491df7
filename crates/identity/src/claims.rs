//! The claims of an access token (RFC 9068), and their checks.

use crate::config::IdentityConfig;
use crate::error::AuthError;
use crate::verify::Verified;
use aceso_base::{LogicalId, Role, TenantId, Timestamp, Token16, UserId};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// RFC 9068 section 2.1.
pub(crate) const TYP: &str = "at+jwt";
/// How far two clocks may differ, in seconds.
const SKEW: i64 = 60;

/// Exactly the claims that this service writes. One more, one less, one twice or one of another JSON type is refused by the
/// parser: a number that is not an integer is not read as absent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) jti: String,
    pub(crate) sid: String,
    pub(crate) tenant: String,
    pub(crate) region: String,
    pub(crate) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) own_patient: Option<String>,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) auth_time: i64,
    /// How often the account has been changed: a token of an earlier state is void at once.
    pub(crate) epoch: u64,
}

impl Claims {
    /// Reads verified bytes and checks everything that does not change while the token lives.
    pub(crate) fn read(payload: &[u8], kid: &Arc<str>, config: &IdentityConfig) -> Result<Verified, AuthError> {
        let claims: Self = serde_json::from_slice(payload).map_err(|_| AuthError::Malformed)?;
        if claims.iss != config.issuer || claims.aud != config.audience || claims.region != config.region.as_str() {
            return Err(AuthError::Audience);
        }
        if claims.iat < 0 || claims.nbf < 0 || claims.exp <= claims.iat || claims.auth_time < 0 {
            return Err(AuthError::Malformed);
        }
        let malformed = |_| AuthError::Malformed;
        let roles = claims.roles.iter().map(|role| Role::parse(role)).collect::<Option<_>>();
        Ok(Verified {
            tenant: TenantId::parse(&claims.tenant).map_err(malformed)?,
            region: config.region.clone(),
            user: UserId::parse(&claims.sub).map_err(malformed)?,
            client: UserId::parse(&claims.client_id).map_err(malformed)?,
            session: token16(&claims.sid).ok_or(AuthError::Malformed)?,
            jti: token16(&claims.jti).ok_or(AuthError::Malformed)?,
            roles: roles.ok_or(AuthError::Malformed)?,
            own_patient: claims.own_patient.as_deref().map(LogicalId::parse).transpose().map_err(malformed)?,
            scope: claims.scope,
            issued: claims.iat,
            not_before: claims.nbf,
            expires: claims.exp,
            auth_time: claims.auth_time,
            epoch: claims.epoch,
            kid: Arc::clone(kid),
        })
    }
}

/// Whether the token is valid at this moment, give or take the skew.
pub(crate) fn check_time(verified: &Verified, now: Timestamp) -> Result<(), AuthError> {
    let now = now.as_seconds();
    if now >= verified.expires.saturating_add(SKEW) {
        return Err(AuthError::Expired);
    }
    if verified.not_before.max(verified.issued) > now.saturating_add(SKEW) {
        return Err(AuthError::NotYet);
    }
    Ok(())
}

/// Thirty-two lower-case hexadecimal digits.
pub(crate) fn token16(text: &str) -> Option<Token16> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
    Some(Token16(bytes.try_into().ok()?))
}
