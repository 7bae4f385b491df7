//! `/oauth2`: tokens for people and services (RFC 6749, 7009, 7662, 8414).

pub(crate) mod form;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
