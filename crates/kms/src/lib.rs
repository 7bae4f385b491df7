//! Where root keys come from: a file of this machine ([`LocalProvider`]) or the environment ([`EnvProvider`]).
//!
//! A root key wraps tenant keys and nothing else. Both providers hold several versions: the highest wraps, all unwrap,
//! so a rotation adds a version, wraps every tenant row anew (`aceso_seal::TenantKeys::rewrap`) and then takes the old
//! one out.

mod env;
mod keyring;
mod local;

pub use env::{EnvKeyError, EnvProvider};
pub use local::{KeyFileError, LocalProvider};
