//! Who asks, in which role, for what purpose: one argument, from the token to the door.

use crate::ids::{LogicalId, Region, RequestId, TenantId, Token16, UserId};

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as it stands in tokens, headers, policies and the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// The value with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)+ _ => None } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

named_enum!(
    /// A clinical job.
    Role {
        /// Treats patients.
        Physician = "physician",
        /// Cares for patients.
        Nurse = "nurse",
        /// Receives patients and makes appointments.
        FrontDesk = "front-desk",
        /// Claims and payments.
        Billing = "billing",
        /// Research on data without identity.
        Researcher = "researcher",
        /// Reads the audit log, no clinical content.
        Auditor = "auditor",
        /// Runs the system: keys and jobs, no clinical content.
        Operator = "operator",
        /// Sees his own record.
        Patient = "patient",
        /// A connected system: may write, sees nothing back.
        Integration = "integration",
    }
);

named_enum!(
    /// HL7 v3 PurposeOfUse (code system `http://terminology.hl7.org/CodeSystem/v3-ActReason`), the codes that roles here may use.
    Purpose {
        /// Treatment.
        Treatment = "TREAT",
        /// Emergency treatment.
        EmergencyTreatment = "ETREAT",
        /// Healthcare payment.
        Payment = "HPAYMT",
        /// Healthcare operations.
        Operations = "HOPERAT",
        /// Healthcare research.
        Research = "HRESCH",
        /// Patient requested.
        PatientRequest = "PATRQT",
        /// Health system administration.
        Administration = "HSYSADMIN",
        /// Health compliance.
        Compliance = "HCOMPL",
    }
);

named_enum!(
    /// What is asked for: the FHIR RESTful interactions (R4 http.html) that the product serves.
    Interaction {
        /// Current version of one record.
        Read = "read",
        /// One version of one record.
        Vread = "vread",
        /// The versions of one record.
        History = "history",
        /// Records that match.
        Search = "search",
        /// All of one patient (`$everything`).
        Everything = "everything",
        /// A new record.
        Create = "create",
        /// A new version.
        Update = "update",
        /// A new version, made of the one that is there.
        Patch = "patch",
        /// The end of a record.
        Delete = "delete",
    }
);

/// The roles that one person holds, as a bit set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RoleSet(u16);

impl RoleSet {
    /// No role: may do nothing.
    pub const NONE: Self = Self(0);

    /// This set with one role more.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u16)
    }

    /// Whether the role is in the set.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u16) != 0
    }

    /// The roles in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The context of one request: made once from a verified token, checked at the door.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose data; from the token, never from the request.
    pub tenant: TenantId,
    /// The region that this process serves.
    pub region: Region,
    /// Who acts.
    pub user: UserId,
    /// The OAuth client that he uses.
    pub client: UserId,
    /// His session.
    pub session: Token16,
    /// His roles.
    pub roles: RoleSet,
    /// For patients: the record that is his own.
    pub own_patient: Option<LogicalId>,
    /// Why, as asked by header or by default of the role.
    pub purpose: Purpose,
    /// This request.
    pub request: RequestId,
}
