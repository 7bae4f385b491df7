//! One event: who, why, what, on which records. No names, no values.

use std::borrow::Cow;

use aceso_base::{
    Caller, LogicalId, Purpose, Region, RequestId, RoleSet, SubjectId, TenantId, Token16, UserId, Version,
};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;

use crate::action::{Action, Code, Outcome};

/// A name out of the FHIR definitions (`Patient.birthDate`, `birthdate`), never a text of somebody's.
pub type Name = Cow<'static, str>;

/// One version of one record.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RecordRef {
    /// Its type.
    pub rtype: ResourceType,
    /// Its logical id.
    pub id: LogicalId,
    /// Its version.
    pub version: Version,
}

impl RecordRef {
    /// As a FHIR reference: of the version, or where that is not known (0), of the record.
    #[must_use]
    pub fn reference(&self) -> String {
        let (name, id, version) = (self.rtype.name(), &self.id, self.version);
        if version.0 == 0 { format!("{name}/{id}") } else { format!("{name}/{id}/_history/{version}") }
    }
}

/// One version of one key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyRef {
    /// The key's id; says nothing about the key.
    pub id: Token16,
    /// Its version.
    pub version: u32,
}

/// One event, built step by step. Its time and its index come when it is appended.
///
/// Holds ids, codes and names of FHIR elements and search parameters; those names are `&'static str` on purpose, so that
/// text from a request or a record cannot get in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) region: Region,
    pub(crate) request: Option<RequestId>,
    pub(crate) user: Option<UserId>,
    pub(crate) client: Option<UserId>,
    pub(crate) session: Option<Token16>,
    pub(crate) roles: RoleSet,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) action: Action,
    pub(crate) detail: Option<Code>,
    pub(crate) outcome: Outcome,
    pub(crate) grant: Option<Token16>,
    pub(crate) classes: ClassSet,
    pub(crate) elements: Vec<Name>,
    pub(crate) parameters: Vec<Name>,
    pub(crate) subjects: Vec<SubjectId>,
    pub(crate) records: Vec<RecordRef>,
    pub(crate) keys: Vec<KeyRef>,
    pub(crate) count: Option<u64>,
    pub(crate) policy: Option<Name>,
}

impl Entry {
    /// What a caller did or wanted to do.
    #[must_use]
    pub fn by(caller: &Caller, action: impl Into<Action>) -> Self {
        Self {
            tenant: Some(caller.tenant.clone()),
            request: Some(caller.request),
            user: Some(caller.user.clone()),
            client: Some(caller.client.clone()),
            session: Some(caller.session),
            roles: caller.roles,
            purpose: Some(caller.purpose),
            ..Self::system(&caller.region, action)
        }
    }

    /// What happened without a caller: the system itself, or somebody who has not yet proved who he is. For the latter add
    /// what is known with [`Entry::with_tenant`], [`Entry::with_user`], [`Entry::with_client`], [`Entry::with_request`].
    #[must_use]
    pub fn system(region: &Region, action: impl Into<Action>) -> Self {
        Self {
            tenant: None,
            region: region.clone(),
            request: None,
            user: None,
            client: None,
            session: None,
            roles: RoleSet::NONE,
            purpose: None,
            action: action.into(),
            detail: None,
            outcome: Outcome::Granted,
            grant: None,
            classes: ClassSet::NONE,
            elements: Vec::new(),
            parameters: Vec::new(),
            subjects: Vec::new(),
            records: Vec::new(),
            keys: Vec::new(),
            count: None,
            policy: None,
        }
    }
}

/// What happened, step by step.
impl Entry {
    /// How it ended; granted unless said otherwise.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The grant that allowed it: the receipt of this entry opens under this grant and no other.
    #[must_use]
    pub fn with_grant(mut self, grant: Token16) -> Self {
        self.grant = Some(grant);
        self
    }

    /// The data classes that are shown or changed.
    #[must_use]
    pub fn with_classes(mut self, classes: ClassSet) -> Self {
        self.classes = classes;
        self
    }

    /// The FHIR elements that are shown or changed.
    #[must_use]
    pub fn with_elements(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.elements.extend(names.into_iter().map(Cow::Borrowed));
        self
    }

    /// The search parameters that were used, without their values.
    #[must_use]
    pub fn with_parameters(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.parameters.extend(names.into_iter().map(Cow::Borrowed));
        self
    }

    /// A patient whose records it is about.
    #[must_use]
    pub fn with_subject(mut self, subject: SubjectId) -> Self {
        self.subjects.push(subject);
        self
    }

    /// The patients whose records it is about.
    #[must_use]
    pub fn with_subjects(mut self, subjects: impl IntoIterator<Item = SubjectId>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    /// A record that it is about.
    #[must_use]
    pub fn with_record(mut self, rtype: ResourceType, id: &LogicalId, version: Version) -> Self {
        self.records.push(RecordRef { rtype, id: id.clone(), version });
        self
    }

    /// The records that it is about.
    #[must_use]
    pub fn with_records(mut self, records: impl IntoIterator<Item = RecordRef>) -> Self {
        self.records.extend(records);
        self
    }

    /// A key that was used, made or destroyed.
    #[must_use]
    pub fn with_key(mut self, id: Token16, version: u32) -> Self {
        self.keys.push(KeyRef { id, version });
        self
    }

    /// How many: records returned, tokens revoked, requests folded into this entry.
    #[must_use]
    pub const fn with_count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The version of the rules (class table and policy) that decided.
    #[must_use]
    pub fn with_policy(mut self, version: &str) -> Self {
        self.policy = Some(Cow::Owned(version.to_owned()));
        self
    }

    /// What exactly was done, as a fixed code of the program.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Code>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Whose data, when there is no caller.
    #[must_use]
    pub fn with_tenant(mut self, tenant: &TenantId) -> Self {
        self.tenant = Some(tenant.clone());
        self
    }

    /// Who, when there is no caller.
    #[must_use]
    pub fn with_user(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    /// The OAuth client, when there is no caller.
    #[must_use]
    pub fn with_client(mut self, client: &UserId) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// The session, when there is no caller.
    #[must_use]
    pub const fn with_session(mut self, session: Token16) -> Self {
        self.session = Some(session);
        self
    }

    /// The request, when there is no caller.
    #[must_use]
    pub const fn with_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }
}

/// What it says, for reports and projections.
impl Entry {
    /// Whose data.
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// Where.
    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// In which request.
    #[must_use]
    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// Who.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// With which OAuth client.
    #[must_use]
    pub const fn client(&self) -> Option<&UserId> {
        self.client.as_ref()
    }

    /// In which session.
    #[must_use]
    pub const fn session(&self) -> Option<Token16> {
        self.session
    }

    /// In which roles.
    #[must_use]
    pub const fn roles(&self) -> RoleSet {
        self.roles
    }

    /// Why.
    #[must_use]
    pub const fn purpose(&self) -> Option<Purpose> {
        self.purpose
    }

    /// What.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// What exactly.
    #[must_use]
    pub const fn detail(&self) -> Option<&Code> {
        self.detail.as_ref()
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Under which grant.
    #[must_use]
    pub const fn grant(&self) -> Option<Token16> {
        self.grant
    }

    /// Which data classes.
    #[must_use]
    pub const fn classes(&self) -> ClassSet {
        self.classes
    }

    /// Which FHIR elements.
    #[must_use]
    pub fn elements(&self) -> &[Name] {
        &self.elements
    }

    /// Which search parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Name] {
        &self.parameters
    }

    /// About which patients.
    #[must_use]
    pub fn subjects(&self) -> &[SubjectId] {
        &self.subjects
    }

    /// About which records.
    #[must_use]
    pub fn records(&self) -> &[RecordRef] {
        &self.records
    }

    /// With which keys.
    #[must_use]
    pub fn keys(&self) -> &[KeyRef] {
        &self.keys
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> Option<u64> {
        self.count
    }

    /// Under which version of the rules.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }
}
