//! What can go wrong. No message carries what somebody typed.

use crate::keys::KeyError;
use crate::records::SealError;
use aceso_store::StoreError;

/// An access token that is not accepted. The caller learns only `invalid_token` (RFC 6750 section 3.1); the kind is for counting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum AuthError {
    /// Not a compact JWS of at most 8 KiB, or its header or claims are not exactly what this service writes.
    #[error("not an access token of this service")]
    Malformed,
    /// Another algorithm than RS256.
    #[error("another algorithm than this service signs with")]
    Algorithm,
    /// Another kind of token than an access token.
    #[error("not an access token")]
    Type,
    /// A key that this service does not have, or has no more.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
    /// Another issuer, audience or region.
    #[error("not meant for this service")]
    Audience,
    /// Not valid any more.
    #[error("expired")]
    Expired,
    /// Not valid yet, or from the future.
    #[error("not valid yet")]
    NotYet,
    /// The token, its session or its account was ended before its time.
    #[error("revoked")]
    Revoked,
}

impl AuthError {
    /// A stable name for metrics and the log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token-malformed",
            Self::Algorithm => "token-algorithm",
            Self::Type => "token-type",
            Self::UnknownKey => "token-unknown-key",
            Self::Signature => "token-signature",
            Self::Audience => "token-audience",
            Self::Expired => "token-expired",
            Self::NotYet => "token-not-yet",
            Self::Revoked => "token-revoked",
        }
    }
}

/// The error codes of the token endpoint (RFC 6749 section 5.2 and RFC 7009 section 2.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OAuthCode {
    /// A parameter is missing, unknown or malformed.
    InvalidRequest,
    /// The client is unknown or its secret is wrong.
    InvalidClient,
    /// Wrong user name or password, or a refresh token that does not hold.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// There is no such grant here.
    UnsupportedGrantType,
    /// More scope than the client or the session has.
    InvalidScope,
    /// Too many failures; try again later.
    SlowDown,
    /// Cannot answer now.
    TemporarilyUnavailable,
}

impl OAuthCode {
    /// The value of `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::SlowDown => "slow_down",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::SlowDown => 429,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// The answer of the token endpoint to a request that it refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// `error`.
    pub code: OAuthCode,
    /// `error_description`: a fixed text.
    pub description: &'static str,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
}

impl OAuthError {
    pub(crate) const fn new(code: OAuthCode, description: &'static str) -> Self {
        Self { code, description, retry_after: None }
    }

    /// One answer for unknown user, wrong password, disabled account: nobody learns which.
    pub(crate) const fn bad_credentials() -> Self {
        Self::new(OAuthCode::InvalidGrant, "user name or password is wrong")
    }

    pub(crate) const fn bad_client() -> Self {
        Self::new(OAuthCode::InvalidClient, "the client could not be authenticated")
    }

    pub(crate) const fn bad_refresh() -> Self {
        Self::new(OAuthCode::InvalidGrant, "the refresh token is not valid")
    }

    pub(crate) const fn slow_down(seconds: u64) -> Self {
        Self { code: OAuthCode::SlowDown, description: "too many failed attempts", retry_after: Some(seconds) }
    }

    pub(crate) const fn unavailable() -> Self {
        Self { code: OAuthCode::TemporarilyUnavailable, description: "try again shortly", retry_after: Some(1) }
    }
}

/// Something about people, clients or keys could not be done.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no such person or client (for an actor of a tenant: in his tenant).
    #[error("there is no such person or client")]
    NotFound,
    /// The name is taken.
    #[error("the name is taken")]
    NameTaken,
    /// The user name does not follow the rules.
    #[error("a user name has 3 to 64 characters of a-z, 0-9, '.', '_', '-', '@', and begins with a letter or digit")]
    BadUsername,
    /// The password does not follow the rules.
    #[error("the password must have {min} to 256 characters and not contain the user name")]
    WeakPassword {
        /// The shortest that is allowed.
        min: usize,
    },
    /// What was asked for contradicts itself; the text says how.
    #[error("{0}")]
    Invalid(&'static str),
    /// Somebody else changed the same at the same moment; ask again.
    #[error("changed at the same moment by somebody else")]
    Contended,
    /// Too many passwords are being hashed.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The process is shutting down.
    #[error("the service is stopping")]
    Stopping,
    /// A signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A stored document does not open or is not what this program writes.
    #[error("a stored {space} document is damaged")]
    Damaged {
        /// In which space.
        space: &'static str,
    },
    /// A document could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
