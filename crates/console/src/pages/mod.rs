//! One file per page.

pub(crate) mod audit;
pub(crate) mod claims;
pub(crate) mod connections;
pub(crate) mod me;
pub(crate) mod patients;
pub(crate) mod proof;
pub(crate) mod record;
mod record_parts;
pub(crate) mod sign_in;
pub(crate) mod system;
