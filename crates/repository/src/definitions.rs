//! What of FHIR is in force beside the tables of the build: loaded packages and the terminology in them, for each tenant.

use aceso_base::TenantId;
use aceso_fhir::packages::PackageSet;
use aceso_fhir::terminology::Terminology;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Packages and terminology of every tenant. Cheap to clone.
#[derive(Clone, Default)]
pub struct Definitions {
    usual: Arc<InForce>,
    of_tenants: Arc<BTreeMap<TenantId, Arc<InForce>>>,
}

/// Packages and terminology that are in force together.
#[derive(Default)]
pub struct InForce {
    /// The packages: profiles, value sets, code systems, search parameters.
    pub packages: PackageSet,
    /// What FHIR publishes, and the code systems and value sets of the packages.
    pub terminology: Terminology,
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
