//! The benchmark's control build, in which nothing is protected, cannot get into anything else.

use super::Finding;
use super::source::Tree;
use super::workspace::{Member, Workspace};

/// The feature that makes a control build.
pub(crate) const FEATURE: &str = "insecure-benchmark-control";

/// Keeps the seams from rotting.
pub(super) const LINTS: [&str; 11] = [
    "clippy",
    "--quiet",
    "--package",
    "aceso-server",
    "--all-targets",
    "--no-default-features",
    "--features",
    FEATURE,
    "--",
    "-D",
    "warnings",
];

/// Who has the feature, and in whom it switches the same feature on.
const CHAIN: [(&str, &[&str]); 6] = [
    ("aceso-audit", &[]),
    ("aceso-policy", &[]),
    ("aceso-seal", &[]),
    ("aceso-store-sqlite", &[]),
    ("aceso-custodian", &["aceso-audit", "aceso-policy", "aceso-seal"]),
    ("aceso-server", &["aceso-custodian", "aceso-store-sqlite"]),
];

/// The source that may name it: a new seam is a decision, and comes with a line here.
const SEAMS: [&str; 12] = [
    "crates/audit/src/lib.rs",
    "crates/custodian/src/access.rs",
    "crates/custodian/src/freshness/mod.rs",
    "crates/custodian/src/lib.rs",
    "crates/policy/src/lib.rs",
    "crates/seal/src/lib.rs",
    "crates/seal/src/place.rs",
    "crates/server/src/commands/mod.rs",
    "crates/server/src/lib.rs",
    "crates/store-sqlite/src/lib.rs",
    "crates/store-sqlite/src/migrate.rs",
    "xtask/src/check/control.rs",
];

pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = workspace.members.iter().flat_map(|(name, member)| of(name, member)).collect();
    let missing = CHAIN.iter().filter(|(name, _)| workspace.members.get(*name).is_none_or(|m| !has(m)));
    findings.extend(missing.map(|(name, _)| Finding::new(*name, format!("has no feature {FEATURE} any more"))));
    findings.extend(tree.files.iter().filter(|file| file.text.contains(FEATURE) && !may_name(&file.path)).map(
        |file| {
            Finding::new(
                &file.path,
                format!("names {FEATURE}; only the seams in xtask/src/check/control.rs and documents may"),
            )
        },
    ));
    findings
}

fn has(member: &Member) -> bool {
    member.features.contains_key(FEATURE)
}

fn of(name: &str, member: &Member) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |text: String| findings.push(Finding::new(name, text));
    if let Some(on) = member.features.get(FEATURE) {
        let expected = CHAIN.iter().find(|(of, _)| *of == name).map(|(_, below)| below);
        let expected = expected.map(|below| below.iter().map(|below| format!("{below}/{FEATURE}")).collect());
        if expected.as_ref() != Some(on) {
            found(format!("its feature {FEATURE} is not as the chain in xtask/src/check/control.rs says"));
        }
    }
    for (other, on) in member.features.iter().filter(|(other, _)| *other != FEATURE) {
        if on.iter().any(|on| on == FEATURE || on.ends_with(&format!("/{FEATURE}"))) {
            found(format!("its feature {other} switches {FEATURE} on: nothing may but the command line"));
        }
    }
    if member.asks.contains(FEATURE) {
        found(format!("asks a dependency for {FEATURE}: nothing may but the command line"));
    }
    if member.on.contains(FEATURE) {
        found(format!("is built with {FEATURE} when nobody asked for it"));
    }
    findings
}

fn may_name(path: &str) -> bool {
    let manifest = CHAIN.iter().any(|(name, _)| {
        path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml")) == name.strip_prefix("aceso-")
    });
    manifest || SEAMS.contains(&path) || path.ends_with(".md")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::tests::tree;

    fn set(words: &[&str]) -> std::collections::BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The workspace as it must be.
    fn workspace() -> Workspace {
        let mut workspace = Workspace::default();
        for (name, below) in CHAIN {
            let on = below.iter().map(|below| format!("{below}/{FEATURE}")).collect();
            let features = [(FEATURE.to_owned(), on)].into();
            workspace.members.insert(name.to_owned(), Member { features, ..Member::default() });
        }
        workspace.members.insert("aceso-api".to_owned(), Member::default());
        workspace
    }

    fn findings(change: impl FnOnce(&mut Workspace)) -> usize {
        let mut workspace = workspace();
        change(&mut workspace);
        check(&workspace, &tree(&[])).len()
    }

    #[test]
    fn the_chain_as_it_is_is_well() {
        assert_eq!(findings(|_| {}), 0);
    }

    #[test]
    fn every_way_to_switch_it_on_unasked_is_found() {
        let server = |workspace: &mut Workspace, change: fn(&mut Member)| {
            change(workspace.members.get_mut("aceso-server").unwrap());
        };
        assert_eq!(findings(|w| server(w, |m| drop(m.features.insert("default".into(), set(&[FEATURE]))))), 1);
        let through = format!("aceso-seal/{FEATURE}");
        assert_eq!(
            findings(|w| {
                w.members.get_mut("aceso-api").unwrap().features.insert("fast".into(), set(&[&through]));
            }),
            1
        );
        let ask = |w: &mut Workspace| w.members.get_mut("aceso-api").unwrap().asks.extend([FEATURE.to_owned()]);
        assert_eq!(findings(ask), 1);
        assert_eq!(findings(|w| server(w, |m| m.on.extend([FEATURE.to_owned()]))), 1);
    }

    #[test]
    fn a_chain_that_grows_or_breaks_is_found() {
        assert_eq!(
            findings(|w| {
                w.members.get_mut("aceso-api").unwrap().features.insert(FEATURE.into(), set(&[]));
            }),
            1
        );
        assert_eq!(findings(|w| w.members.get_mut("aceso-seal").unwrap().features.clear()), 1);
        assert_eq!(
            findings(|w| w.members.get_mut("aceso-server").unwrap().features.get_mut(FEATURE).unwrap().clear()),
            1
        );
    }

    #[test]
    fn only_seams_and_documents_name_it() {
        let text = format!("cfg!(feature = \"{FEATURE}\")");
        let at = |path: &str| check(&workspace(), &tree(&[(path, &text)])).len();
        assert_eq!(at("crates/seal/src/place.rs") + at("docs/benchmarks.md") + at("crates/seal/Cargo.toml"), 0);
        assert_eq!(at("crates/seal/src/record/open.rs"), 1);
        assert_eq!(at("crates/api/Cargo.toml") + at(".ci/run") + at("Cargo.toml"), 3);
    }
}
