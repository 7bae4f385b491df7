//! The synthetic patients that the demo loads: Synthea, Apache-2.0, see `testdata/synthea/README.md`. Nobody real.

use crate::import::Source;

/// The bundles: hospitals and practitioners, then twelve patients.
#[must_use]
pub(crate) fn bundles() -> Vec<Source> {
    aceso_emr_sim::synthetic_bundles().map(|(name, bytes)| Source::Embedded(name, bytes)).collect()
}
