//! Somebody who asks, as one is made of a token.

use aceso_base::{Caller, Purpose, Region, Role, TenantId, Token16, UserId};

/// The person of tenant `clinic` in region `us` with these roles, for this purpose, by the client `console`. No patient.
#[must_use]
pub fn caller(roles: &[Role], purpose: Purpose) -> Caller {
    Caller {
        tenant: TenantId::parse("clinic").unwrap(),
        region: Region::parse("us").unwrap(),
        user: UserId::parse("u1").unwrap(),
        client: UserId::parse("console").unwrap(),
        session: Token16([1; 16]),
        roles: roles.iter().copied().collect(),
        own_patient: None,
        purpose,
        request: Token16([2; 16]),
    }
}
