//! People, clients, passwords and tokens: who asks.
//!
//! Transport-free: `api` turns HTTP into [`TokenRequest`] and the answers into HTTP. Everything that is stored is a sealed document,
//! and every change stands in the audit log in the same unit of work. [`Identity::verify`] is on the path of every request; the
//! rest is not.
//!
//! Standards: OAuth 2.0 (RFC 6749), revocation (RFC 7009), introspection (RFC 7662), JWT access tokens (RFC 9068) under the
//! rules of RFC 8725, OAuth security practice (RFC 9700), ASVS 5.0 chapters 6, 7, 9 and 10.

mod account;
mod admin;
mod answers;
mod claims;
mod config;
mod error;
mod identity;
mod issue;
mod jws;
mod keys;
mod limiter;
mod live;
mod password;
mod records;
mod refresh;
mod secret;
mod session;
mod token;
mod verify;

pub use account::{Actor, Client, ClientKind, NewClient, NewPerson, Person};
pub use answers::{Introspection, TokenResponse, UserInfo};
pub use config::{IdentityConfig, PasswordHashing, Ttl};
pub use error::{AuthError, IdentityError, OAuthCode, OAuthError};
pub use identity::Identity;
pub use keys::{KeyError, SigningKeys};
pub use records::{DocumentSeal, SealError};
pub use secret::Secret;
pub use token::{ClientAuth, TokenRequest};
pub use verify::Verified;
