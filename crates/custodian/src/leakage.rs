//! What the indexes give away to somebody who holds the database: by design, and as measured now.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use aceso_base::TenantId;
use aceso_seal::index::{Leakage, leakage};
use aceso_store::TokenStats;

/// The report for one tenant.
pub struct LeakageReport {
    /// Live patients.
    pub patients: u64,
    /// What each planned index shows by design at this population.
    pub planned: Vec<Leakage>,
    /// What is there: one line per kind of token.
    pub measured: Vec<IndexLeakage>,
}

/// One kind of token as it lies in the database.
pub struct IndexLeakage {
    /// The class letter of the tokens (`I`, `N`, `D`, `C`, `P`), and which of its indexes by number.
    pub class: char,
    /// Rows, different tokens, and the rows of the most frequent one.
    pub stats: TokenStats,
}

impl IndexLeakage {
    /// The share of rows that the most frequent token has: what an attacker who guesses it always would hit.
    #[must_use]
    pub fn largest_share(&self) -> f64 {
        if self.stats.rows == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
        let share = self.stats.largest as f64 / self.stats.rows as f64;
        share
    }
}

impl Custodian {
    /// Measures what the tenant's indexes give away.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub fn leakage(&self, tenant: &TenantId) -> Result<LeakageReport, DoorError> {
        let store = &self.inner.store;
        let counts = store.counts(tenant).map_err(unavailable)?;
        let patients = counts.iter().find(|(rtype, _)| rtype.name() == "Patient").map_or(0, |(_, count)| *count);
        let measured = store
            .token_stats(tenant)
            .map_err(unavailable)?
            .into_iter()
            .map(|stats| IndexLeakage { class: stats.namespace.first().map_or('?', |byte| char::from(*byte)), stats })
            .collect();
        Ok(LeakageReport { patients, planned: leakage(self.inner.plan, patients).collect(), measured })
    }
}
