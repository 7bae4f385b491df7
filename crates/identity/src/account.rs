//! People and clients as others see them.

use aceso_audit::{Action, Entry};
use aceso_base::{Caller, LogicalId, Region, RoleSet, TenantId, Timestamp, UserId};

use crate::error::IdentityError;
use crate::records::{CLIENTS, ClientRecord, PEOPLE, PersonRecord, role_set};
use crate::secret::Secret;

/// Who changes people, clients or keys. Whether he may is decided before, by the policy.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// The command line on the machine itself.
    Installation,
    /// A signed-in caller: reaches his own tenant only.
    Caller(&'a Caller),
}

impl Actor<'_> {
    pub(crate) fn entry(&self, region: &Region, action: Action) -> Entry {
        match self {
            Self::Installation => Entry::system(region, action),
            Self::Caller(caller) => Entry::by(caller, action),
        }
    }

    pub(crate) fn reaches(&self, tenant: Option<&str>) -> bool {
        match self {
            Self::Installation => true,
            Self::Caller(caller) => tenant == Some(caller.tenant.as_str()),
        }
    }
}

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Random; stands in tokens and in the log.
    pub id: UserId,
    /// Whose data he may work with.
    pub tenant: TenantId,
    /// What he signs in with.
    pub username: String,
    /// His roles.
    pub roles: RoleSet,
    /// For patients: the record that is his own.
    pub own_patient: Option<LogicalId>,
    /// May not sign in.
    pub disabled: bool,
    /// Whether a password is set.
    pub has_password: bool,
    /// Since when.
    pub created: Timestamp,
}

impl Person {
    pub(crate) fn of(id: &UserId, record: &PersonRecord) -> Result<Self, IdentityError> {
        let damaged = IdentityError::Damaged { space: PEOPLE };
        let own_patient = record.own_patient.as_deref().map(LogicalId::parse).transpose();
        match (TenantId::parse(&record.tenant), role_set(&record.roles), own_patient) {
            (Ok(tenant), Some(roles), Ok(own_patient)) => Ok(Self {
                id: id.clone(),
                tenant,
                username: record.username.clone(),
                roles,
                own_patient,
                disabled: record.disabled,
                has_password: record.password.is_some(),
                created: Timestamp(record.created),
            }),
            _ => Err(damaged),
        }
    }
}

/// A person to add.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Unique in the installation; compared in lower case.
    pub username: String,
    /// Whose data he may work with.
    pub tenant: TenantId,
    /// His roles.
    pub roles: RoleSet,
    /// For patients: the record that is his own.
    pub own_patient: Option<LogicalId>,
    /// Without one he cannot sign in until it is set.
    pub password: Option<Secret>,
}

/// What kind of OAuth client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// Our own console: public, signs people in by password and refreshes.
    Console,
    /// A connected system: confidential, acts for itself with its own roles (`client_credentials`).
    Service,
}

/// An OAuth client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// Stands in tokens and in the log.
    pub id: UserId,
    /// What kind.
    pub kind: ClientKind,
    /// Whose data; `None`: the people of every tenant.
    pub tenant: Option<TenantId>,
    /// The roles of a service.
    pub roles: RoleSet,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Gets no tokens, and those that it has are void.
    pub disabled: bool,
    /// Since when.
    pub created: Timestamp,
}

impl Client {
    pub(crate) fn of(id: &UserId, record: &ClientRecord) -> Result<Self, IdentityError> {
        let tenant = record.tenant.as_deref().map(TenantId::parse).transpose();
        match (tenant, role_set(&record.roles)) {
            (Ok(tenant), Some(roles)) => Ok(Self {
                id: id.clone(),
                kind: if record.secret.is_some() { ClientKind::Service } else { ClientKind::Console },
                tenant,
                roles,
                scopes: record.scopes.clone(),
                disabled: record.disabled,
                created: Timestamp(record.created),
            }),
            _ => Err(IdentityError::Damaged { space: CLIENTS }),
        }
    }
}

/// A client to add.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Unique in the installation.
    pub id: UserId,
    /// What kind.
    pub kind: ClientKind,
    /// Whose data; a service must have one.
    pub tenant: Option<TenantId>,
    /// The roles of a service; none for the console.
    pub roles: RoleSet,
    /// What it may ask for (RFC 6749 section 3.3 scope tokens).
    pub scopes: Vec<String>,
}
