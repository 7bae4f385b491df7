//! The one source of grants.

use crate::gates::{self, Asked};
use crate::grant::{Decision, Grant, Scope, Target};
use crate::matrix;
use crate::rules::{Question, Rules, Verdict};
use aceso_base::{Caller, Interaction, Purpose, Randomness, Region, RoleSet, Timestamp};
use aceso_labels::ClassSet;
use aws_lc_rs::digest;
use quick_cache::sync::Cache;
use std::fmt::Write as _;

const SCHEMA: &str = include_str!("../../../policies/aceso.cedarschema");
const POLICIES: [(&str, &str); 10] = [
    ("bounds.cedar", include_str!("../../../policies/bounds.cedar")),
    ("physician.cedar", include_str!("../../../policies/physician.cedar")),
    ("nurse.cedar", include_str!("../../../policies/nurse.cedar")),
    ("front-desk.cedar", include_str!("../../../policies/front-desk.cedar")),
    ("billing.cedar", include_str!("../../../policies/billing.cedar")),
    ("researcher.cedar", include_str!("../../../policies/researcher.cedar")),
    ("auditor.cedar", include_str!("../../../policies/auditor.cedar")),
    ("operator.cedar", include_str!("../../../policies/operator.cedar")),
    ("patient.cedar", include_str!("../../../policies/patient.cedar")),
    ("integration.cedar", include_str!("../../../policies/integration.cedar")),
];

/// How many different questions are remembered. Real installations ask a few hundred.
const REMEMBERED: usize = 16_384;

/// What can be done to the installation rather than to records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AdminAction {
    /// Read the audit log and its proofs.
    ReadAudit,
    /// Read policies, matrix and explanations.
    ReadPolicy,
    /// Rotate, rewrap, shred keys.
    ManageKeys,
    /// Start and stop jobs.
    ManageJobs,
    /// Add and change people and clients.
    ManagePeople,
    /// Add and change connections to other systems.
    ManageConnections,
}

impl AdminAction {
    /// Every action, in order.
    pub const ALL: [Self; 6] = [
        Self::ReadAudit,
        Self::ReadPolicy,
        Self::ManageKeys,
        Self::ManageJobs,
        Self::ManagePeople,
        Self::ManageConnections,
    ];

    /// The name as it stands in the policies and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadAudit => "read-audit",
            Self::ReadPolicy => "read-policy",
            Self::ManageKeys => "manage-keys",
            Self::ManageJobs => "manage-jobs",
            Self::ManagePeople => "manage-people",
            Self::ManageConnections => "manage-connections",
        }
    }
}

/// What the rules give to somebody in some roles, for a purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Classes {
    /// Of a record that is not his own.
    pub any: ClassSet,
    /// Of his own record.
    pub own: ClassSet,
}

/// Policies that cannot be used. The process does not start with them.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The schema is not a Cedar schema.
    #[error("policy schema: {0}")]
    Schema(String),
    /// A file is not Cedar text, or a policy in it has no unique `@id`.
    #[error("{file}: {message}")]
    Text {
        /// Which file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A policy does not fit the schema (strict validation, warnings included).
    #[error("policies do not fit the schema: {0}")]
    Invalid(String),
    /// A `@default` does not name a purpose that the role of the policy may use, or the role has two.
    #[error("policy {0}: @default must stand once per role and name a purpose that the role may use")]
    Default(String),
    /// The schema lacks what this program needs to ask.
    #[error("the policy schema does not fit this program: {0}")]
    Unfit(String),
}

impl PolicyError {
    pub(crate) fn unfit(error: impl std::fmt::Display) -> Self {
        Self::Unfit(error.to_string())
    }
}

/// Decides. Share it by reference; the policies in it never change, and neither does what it remembers of them.
pub struct Engine {
    rules: Rules,
    version: String,
    region: Option<Region>,
    verdicts: Cache<Question, Verdict>,
    purposes: Cache<(RoleSet, Purpose), bool>,
}

impl Engine {
    /// The policies of this product (`policies/`), embedded when it was built.
    ///
    /// # Errors
    /// [`PolicyError`] names the file and the place: the policies do not parse or do not fit the schema.
    pub fn load() -> Result<Self, PolicyError> {
        Self::from_text(SCHEMA, &POLICIES)
    }

    /// Other policies: `files` are names and Cedar text.
    ///
    /// # Errors
    /// As for [`Engine::load`].
    pub fn from_text(schema: &str, files: &[(&str, &str)]) -> Result<Self, PolicyError> {
        Ok(Self {
            rules: Rules::load(schema, files)?,
            version: version_of(schema, files),
            region: None,
            verdicts: Cache::new(REMEMBERED),
            purposes: Cache::new(REMEMBERED),
        })
    }

    /// The same engine behind the fence of a region: callers of any other are refused.
    #[must_use]
    pub fn serving(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Decides whether the caller may do this, and to which data classes.
    ///
    /// A warm decision asks no policy engine: the answer to the same question was the same before.
    pub fn decide(
        &self,
        caller: &Caller,
        action: Interaction,
        target: &Target,
        now: Timestamp,
        rng: &dyn Randomness,
    ) -> Decision {
        match gates::pass(self, &Asked { caller, action, target }) {
            Err(denial) => Decision::Denied(denial),
            Ok(left) => Decision::Granted(Grant {
                id: rng.token16(),
                tenant: caller.tenant.clone(),
                region: caller.region.clone(),
                subject: left.subject,
                rtype: target.rtype,
                record: match &target.scope {
                    Scope::Record(id) => Some(id.clone()),
                    Scope::Compartment | Scope::Population => None,
                },
                classes: left.classes,
                interaction: action,
                purpose: caller.purpose,
                expires: now.plus_seconds(Grant::LIFETIME_SECONDS),
            }),
        }
    }

    /// Whether the caller may do this to the installation, with the purpose that he has named.
    #[must_use]
    pub fn admin(&self, caller: &Caller, action: AdminAction) -> bool {
        self.region.as_ref().is_none_or(|served| *served == caller.region)
            && self.may_use(caller.roles, caller.purpose)
            && self.rules.admin(caller.roles, caller.purpose, action.as_str())
    }

    /// The purpose of a caller who names none; `None` for one without a role.
    #[must_use]
    pub fn default_purpose(&self, roles: RoleSet) -> Option<Purpose> {
        self.rules.default_purpose(roles)
    }

    /// Whether one of the roles may act for this purpose.
    #[must_use]
    pub fn may_use(&self, roles: RoleSet, purpose: Purpose) -> bool {
        if let Some(known) = self.purposes.get(&(roles, purpose)) {
            return known;
        }
        let answer = self.rules.may_use(roles, purpose);
        self.purposes.insert((roles, purpose), answer);
        answer
    }

    /// Twelve hexadecimal digits that change with the text of schema or policies; part of every audit entry.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The whole permission matrix as text, asked from the rules and not written by hand.
    #[must_use]
    pub fn matrix(&self) -> String {
        matrix::render(&self.rules)
    }

    /// Which policies permit or forbid each data class; `own`: for the caller's own record.
    #[must_use]
    pub fn explain(&self, question: Question, own: bool) -> String {
        if !self.may_use(question.roles, question.purpose) {
            return format!("denied: no role of the caller may act for {}\n", question.purpose);
        }
        self.rules.explain(question, own)
    }

    /// The classes that the rules give for this question, for any record and for the caller's own: what somebody in these roles
    /// would see. Makes no grant and opens nothing.
    #[must_use]
    pub fn classes(&self, question: Question) -> Classes {
        if !self.may_use(question.roles, question.purpose) {
            return Classes { any: ClassSet::NONE, own: ClassSet::NONE };
        }
        let Verdict { any, own } = self.verdict(question);
        Classes { any, own }
    }

    pub(crate) const fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The engine's policies are fixed, so an answer once found stays right as long as the engine lives.
    pub(crate) fn verdict(&self, question: Question) -> Verdict {
        let question = self.rules.canonical(question);
        if let Some(known) = self.verdicts.get(&question) {
            return known;
        }
        let verdict = self.rules.evaluate(question);
        self.verdicts.insert(question, verdict);
        verdict
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.version)
    }
}

/// Each text is preceded by its length, so that moving a line between files changes the version too.
fn version_of(schema: &str, files: &[(&str, &str)]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for text in std::iter::once(&schema).chain(files.iter().flat_map(|(name, text)| [name, text])) {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finish().as_ref().iter().take(6).fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
