//! What was asked for and what was granted.

use aceso_base::{Interaction, LogicalId, Purpose, Region, SubjectId, TenantId, Timestamp, Token16};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;

/// How much a caller asks for at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// One record.
    Record(LogicalId),
    /// The records of one patient.
    Compartment,
    /// The records of everyone in the tenant.
    Population,
}

/// What a caller asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The type; `None`: any type of the compartment.
    pub rtype: Option<ResourceType>,
    /// Whose record; [`SubjectId::DIRECTORY`] for data about no patient. Ignored for [`Scope::Population`].
    pub subject: SubjectId,
    /// How much.
    pub scope: Scope,
}

/// The permission to open some data classes of a record, of a patient's records or of a type, for one minute.
///
/// Its fields are private and it can be neither cloned nor read from bytes: [`crate::Engine::decide`] is the only source.
#[derive(Debug)]
pub struct Grant {
    pub(crate) id: Token16,
    pub(crate) tenant: TenantId,
    pub(crate) region: Region,
    pub(crate) subject: Option<SubjectId>,
    pub(crate) rtype: Option<ResourceType>,
    pub(crate) record: Option<LogicalId>,
    pub(crate) classes: ClassSet,
    pub(crate) interaction: Interaction,
    pub(crate) purpose: Purpose,
    pub(crate) expires: Timestamp,
}

impl Grant {
    /// How long a grant lasts, in seconds: one request, with room for a slow one.
    pub const LIFETIME_SECONDS: i64 = 60;

    /// Names this grant in the audit log and in the receipt.
    #[must_use]
    pub const fn id(&self) -> Token16 {
        self.id
    }

    /// Whose installation.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Where.
    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// Whose records: a patient, the directory, or `None` for anyone's.
    ///
    /// A search of the population may come back narrowed to one subject: a patient who searches finds himself.
    #[must_use]
    pub const fn subject(&self) -> Option<SubjectId> {
        self.subject
    }

    /// Which type, or `None` for any.
    #[must_use]
    pub const fn rtype(&self) -> Option<ResourceType> {
        self.rtype
    }

    /// Which record, or `None` for any of the subject and type.
    #[must_use]
    pub const fn record(&self) -> Option<&LogicalId> {
        self.record.as_ref()
    }

    /// Which data classes may be opened, or for a write, written. Never empty.
    #[must_use]
    pub const fn classes(&self) -> ClassSet {
        self.classes
    }

    /// What may be done.
    #[must_use]
    pub const fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// For what purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The first moment at which it no longer holds.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Whether the grant reaches this record at this moment.
    #[must_use]
    pub fn covers(
        &self,
        tenant: &TenantId,
        region: &Region,
        subject: SubjectId,
        rtype: ResourceType,
        id: &LogicalId,
        now: Timestamp,
    ) -> bool {
        now < self.expires
            && self.tenant == *tenant
            && self.region == *region
            && self.subject.is_none_or(|granted| granted == subject)
            && self.rtype.is_none_or(|granted| granted == rtype)
            && self.record.as_ref().is_none_or(|granted| granted == id)
    }
}

/// The answer of the policy.
#[derive(Debug)]
pub enum Decision {
    /// With the grant the door opens.
    Granted(Grant),
    /// The door stays shut.
    Denied(Denial),
}

impl Decision {
    /// The same decision for fewer classes: those that were granted and are wanted. Nothing is added; where nothing is left, the
    /// door stays shut.
    #[must_use]
    pub fn narrowed(self, wanted: ClassSet) -> Self {
        match self {
            Self::Granted(mut grant) => {
                grant.classes = grant.classes.intersection(wanted);
                if grant.classes.is_empty() {
                    Self::Denied(Denial { reason: DenialReason::Interaction, hide: false })
                } else {
                    Self::Granted(grant)
                }
            }
            denied @ Self::Denied(_) => denied,
        }
    }
}

/// Why the door stays shut and how to say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denial {
    /// For the audit log; a caller does not learn it when `hide` is set.
    pub reason: DenialReason,
    /// True: answer as if the record did not exist (404). False: the kind of request is not allowed (403).
    pub hide: bool,
}

/// Which gate refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DenialReason {
    /// The caller has no role.
    NoRole,
    /// The caller belongs to another region than the one that this engine serves.
    Region,
    /// None of his roles may act for this purpose.
    Purpose,
    /// None of his roles may do this for this purpose to this kind of data.
    Interaction,
    /// He may do this to his own record, and this is not his.
    NotOwnRecord,
}

impl DenialReason {
    /// The code that stands in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRole => "no-role",
            Self::Region => "region",
            Self::Purpose => "purpose",
            Self::Interaction => "interaction",
            Self::NotOwnRecord => "not-own-record",
        }
    }
}

impl std::fmt::Display for DenialReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
