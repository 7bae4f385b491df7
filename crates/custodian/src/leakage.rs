//! What the indexes give away to somebody who holds the database: by design, and as measured now.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use aceso_base::TenantId;
use aceso_seal::index::{Leakage, leakage};
use aceso_store::TokenStats;
use std::collections::BTreeMap;

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

/// One line per index. The first bytes of truncated tokens name their index; those of full-length ones are the value's own, so a
/// whole class of them is one line.
fn by_index(stats: Vec<TokenStats>) -> Vec<IndexLeakage> {
    let mut lines: BTreeMap<[u8; 4], TokenStats> = BTreeMap::new();
    for mut part in stats {
        let [class, version, ..] = part.namespace;
        if !matches!(class, b'N' | b'D') {
            part.namespace = [class, version, 0, 0];
        }
        let line = lines.entry(part.namespace).or_insert(TokenStats { rows: 0, distinct: 0, largest: 0, ..part });
        line.rows += part.rows;
        line.distinct += part.distinct;
        line.largest = line.largest.max(part.largest);
    }
    lines.into_values().map(|stats| IndexLeakage { class: char::from(stats.namespace[0]), stats }).collect()
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
        let measured = by_index(store.token_stats(tenant).map_err(unavailable)?);
        Ok(LeakageReport { patients, planned: leakage(self.inner.plan, patients).collect(), measured })
    }
}
