//! A tenant with keys, a policy engine and a log: what it takes to open anything.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![expect(unreachable_pub, reason = "each test is a crate of its own")]

use aceso_audit::{AppendError, Entry, LogKeys, Origin, Receipt, Sequencer};
use aceso_base::{
    Caller, Interaction, LogicalId, Purpose, Randomness, Region, Role, RoleSet, SubjectId, TenantId, Timestamp, UserId,
    Version,
};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Decision, Engine, Grant, Scope, Target};
use aceso_seal::{
    KeyContext, KeyProvider, Place, ProviderError, SubjectKey, SystemRandomness, TenantKeys, WrappedIndexRoot,
    WrappedSubjectKey, WrappedTenantKey,
};
use zeroize::Zeroizing;

/// A key service that binds nothing to any context and hides nothing: what it lacks, the envelope has to make up for.
pub struct CarelessProvider;

impl KeyProvider for CarelessProvider {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn safe_for_production(&self) -> bool {
        false
    }

    fn wrap(&self, _: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Ok(key.to_vec())
    }

    fn unwrap(&self, _: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        Ok(Zeroizing::new(wrapped.to_vec()))
    }

    fn check(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

pub const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub const PATIENT: &str = "057aa36e-b892-9964-75b9-ffb46b097e34";
pub const OTHER_PATIENT: &str = "157aa36e-b892-9964-75b9-ffb46b097e34";
pub const PARTS: [&[u8]; 7] =
    [b"", b"identity of Ann", b"contact", b"clinical findings", b"sensitive thing", b"", b"narrative text"];
pub const STRUCTURE: &[u8] = b"the skeleton with its gaps";

/// One tenant in one region.
pub struct Tenant {
    pub region: Region,
    pub tenant: TenantId,
    pub keys: TenantKeys,
    pub row: WrappedTenantKey,
    pub root: WrappedIndexRoot,
}

impl Tenant {
    pub fn new(region: &str, tenant: &str) -> Self {
        Self::with(region, tenant, &SystemRandomness)
    }

    pub fn with(region: &str, tenant: &str, rng: &dyn Randomness) -> Self {
        let (region, tenant) = (Region::parse(region).unwrap(), TenantId::parse(tenant).unwrap());
        let (row, root, keys) = TenantKeys::create(&CarelessProvider, &region, &tenant, rng).unwrap();
        Self { region, tenant, keys, row, root }
    }

    pub fn subject(&self, patient: &str, version: u32) -> (WrappedSubjectKey, SubjectKey) {
        let subject = subject_id(patient);
        let wrapped = self.keys.new_subject_key(subject, version, &SystemRandomness).unwrap();
        let key = self.keys.open_subject(subject, version, &wrapped).unwrap();
        (wrapped, key)
    }

    pub fn place<'a>(&'a self, id: &'a LogicalId) -> Place<'a> {
        Place {
            region: &self.region,
            tenant: &self.tenant,
            subject: subject_id(PATIENT),
            rtype: rtype("Observation"),
            id,
            version: Version(3),
        }
    }
}

pub fn subject_id(patient: &str) -> SubjectId {
    SubjectId::of_patient(patient).unwrap()
}

pub fn rtype(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

pub fn id(text: &str) -> LogicalId {
    LogicalId::parse(text).unwrap()
}

/// Policy and log.
pub struct Door {
    engine: Engine,
    log: Sequencer,
}

impl Door {
    pub fn new() -> Self {
        let keys = LogKeys::generate(&SystemRandomness);
        let log = Sequencer::create(&keys, &Origin::parse("log.example").unwrap()).unwrap();
        Self { engine: Engine::load().unwrap(), log }
    }

    /// Grant and receipt for a role that asks for all records of the place's type in the place's tenant.
    pub fn anyone(&mut self, role: Role, place: &Place<'_>) -> (Grant, Receipt) {
        self.ask(role, place, Scope::Population)
    }

    pub fn ask(&mut self, role: Role, place: &Place<'_>, scope: Scope) -> (Grant, Receipt) {
        let purpose = self.engine.default_purpose(RoleSet::NONE.with(role)).unwrap();
        let caller = caller(role, purpose, place);
        let target = Target { rtype: Some(place.rtype), subject: place.subject, scope };
        let Decision::Granted(grant) = self.engine.decide(&caller, Interaction::Read, &target, NOW, &SystemRandomness)
        else {
            panic!("the policy denies {role}")
        };
        let entry = Entry::by(&caller, Interaction::Read).with_grant(grant.id());
        let receipt = self.log.append::<AppendError>(NOW, &[entry], |_| Ok(())).unwrap().pop().unwrap();
        (grant, receipt)
    }
}

fn caller(role: Role, purpose: Purpose, place: &Place<'_>) -> Caller {
    Caller {
        tenant: place.tenant.clone(),
        region: place.region.clone(),
        user: UserId::parse("ann").unwrap(),
        client: UserId::parse("app").unwrap(),
        session: SystemRandomness.token16(),
        roles: RoleSet::NONE.with(role),
        own_patient: None,
        purpose,
        request: SystemRandomness.token16(),
    }
}
