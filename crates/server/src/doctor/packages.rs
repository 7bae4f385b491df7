//! The FHIR packages that the configuration names.

use super::Finding;
use crate::config::Config;
use crate::packages;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "packages";
    if !config.packages.any() {
        return Vec::new();
    }
    match packages::examine(config) {
        Ok((count, missing)) if missing.is_empty() => {
            vec![Finding::well(CHECK, format!("{count} in force, with everything that they build on"))]
        }
        Ok((count, missing)) => vec![Finding::warning(
            CHECK,
            format!("{count} in force; they build on what is not: {}", missing.join(", ")),
            "add and name these too, or accept that codes and profiles of theirs are not known",
        )],
        Err(problems) => problems
            .iter()
            .map(|problem| Finding::failed(CHECK, problem.to_string(), "add the package, or take it out of that key"))
            .collect(),
    }
}
