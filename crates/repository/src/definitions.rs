//! What of FHIR is in force beside the tables of the build: loaded packages and the terminology in them, for each tenant.

use aceso_base::TenantId;
use aceso_fhir::packages::PackageSet;
use aceso_fhir::profiles::Profiles;
use aceso_fhir::terminology::Terminology;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Packages and terminology of every tenant. Cheap to clone.
#[derive(Clone, Default)]
pub struct Definitions {
    usual: Arc<InForce>,
    of_tenants: Arc<BTreeMap<TenantId, Arc<InForce>>>,
}

/// What becomes of a write that does not meet the profiles it claims, or the invariants and bindings of R4. Its structure has to be right
/// in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfilesOnWrite {
    /// Nothing beyond structure is looked at.
    #[default]
    Off,
    /// It is stored; the writer is told where he asks for an OperationOutcome, and a metric counts.
    Warn,
    /// It is refused when a finding is an error.
    Enforce,
}

/// Packages and terminology that are in force together.
#[derive(Default)]
pub struct InForce {
    /// The packages: profiles, value sets, code systems, search parameters.
    pub packages: PackageSet,
    /// Profiles and extensions: those of FHIR itself, and those of the packages.
    pub profiles: Profiles,
    /// What FHIR publishes, and the code systems and value sets of the packages.
    pub terminology: Terminology,
    /// Whether writes are held against profiles.
    pub on_write: ProfilesOnWrite,
}

impl InForce {
    /// These packages and the terminology in them; their profiles are compiled here.
    #[must_use]
    pub fn new(packages: PackageSet, terminology: Terminology, on_write: ProfilesOnWrite) -> Self {
        let profiles = Profiles::of_packages(&packages);
        Self { packages, profiles, terminology, on_write }
    }
}

impl Definitions {
    /// What is in force, and what is in its place for single tenants.
    #[must_use]
    pub fn new(usual: Arc<InForce>, of_tenants: BTreeMap<TenantId, Arc<InForce>>) -> Self {
        Self { usual, of_tenants: Arc::new(of_tenants) }
    }

    /// What is in force for a tenant.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> &InForce {
        self.of_tenants.get(tenant).unwrap_or(&self.usual)
    }
}
