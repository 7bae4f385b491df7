//! Arrows point down, and some edges are reserved.

use super::Finding;
use super::workspace::{Member, Workspace};

/// Packages that are tools: they have no rank that counts, and nothing that is shipped may depend on them.
const TOOLS: &[&str] = &["aceso-testkit", "aceso-testhouse", "aceso-emr-sim", "aceso-fhir-gen", "aceso-fuzz", "xtask"];

/// `(who, which tool)`: the demo shows the product beside a simulated EHR, and the demo is a command of the one binary.
const LINKED: (&str, &str) = ("aceso-server", "aceso-emr-sim");

/// `(what, who alone may depend on it, what would break)`.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    // kms implements the port for root keys, which seal declares; it wraps tenant keys and never sees a record.
    (&["aceso-seal"], &["aceso-custodian", "aceso-kms"], "bytes would become readable behind the door"),
    (
        &["aceso-store-sqlite", "aceso-store-postgres", "aceso-cache-redis", "aceso-kms"],
        &["aceso-server"],
        "services would know where rows and root keys lie",
    ),
    (
        &[
            "axum",
            "axum-core",
            "hyper",
            "hyper-util",
            "http",
            "http-body",
            "http-body-util",
            "ureq",
            "reqwest",
            "tower",
            "tower-http",
            "h2",
        ],
        &["aceso-api", "aceso-console", "aceso-identity", "aceso-connect", "aceso-notify", "aceso-server", "aceso-kms"],
        "a room that holds rules would speak to the network",
    ),
    (
        &["rusqlite", "libsqlite3-sys"],
        &["aceso-store-sqlite", "aceso-server"],
        "SQL would be spoken outside the adapter",
    ),
    (&["redis"], &["aceso-cache-redis"], "a cache would be spoken to outside the adapter, and see what is not sealed"),
    (
        &["aws-lc-rs", "aws-lc-sys"],
        &[
            "aceso-seal",
            "aceso-audit",
            "aceso-identity",
            "aceso-kms",
            "aceso-custodian",
            "aceso-policy",
            "aceso-connect",
        ],
        "cryptography would spread",
    ),
];

/// Never in the tree: one TLS and one crypto library is enough to watch.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, member) in &workspace.members {
        if TOOLS.contains(&name.as_str()) {
            continue;
        }
        findings.extend(ranked(name, member));
        for dependency in &member.dependencies {
            findings.extend(downwards(workspace, name, member, dependency));
            findings.extend(reserved(name, dependency));
        }
    }
    for package in &workspace.foreign {
        if BANNED.contains(&package.name.as_str()) {
            findings.push(Finding::new(&package.name, "may not be in the tree; `cargo tree -i` shows who brings it"));
        }
    }
    findings
}

fn ranked(name: &str, member: &Member) -> Option<Finding> {
    let missing = member.in_crates && member.rank.is_none();
    missing.then(|| Finding::new(name, "has no rank; add [package.metadata.aceso] rank (docs/ARCHITECTURE.md)"))
}

fn downwards(workspace: &Workspace, name: &str, member: &Member, dependency: &str) -> Option<Finding> {
    if TOOLS.contains(&dependency) && (name, dependency) != LINKED {
        return Some(Finding::new(name, format!("ships {dependency}, which is a tool; make it a dev-dependency")));
    }
    let below = workspace.members.get(dependency)?.rank?;
    let own = member.rank?;
    (below >= own).then(|| {
        Finding::new(name, format!("rank {own} depends on {dependency}, rank {below}; only lower ranks may be used"))
    })
}

fn reserved(name: &str, dependency: &str) -> Option<Finding> {
    let (_, allowed, harm) = RESERVED.iter().find(|(what, _, _)| what.contains(&dependency))?;
    (!allowed.contains(&name)).then(|| Finding::new(name, format!("may not depend on {dependency}: {harm}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::workspace::Foreign;

    fn workspace(members: &[(&str, u64, &[&str])]) -> Workspace {
        let member = |(name, rank, dependencies): &(&str, u64, &[&str])| {
            let dependencies = dependencies.iter().map(|d| (*d).to_owned()).collect();
            ((*name).to_owned(), Member { rank: Some(*rank), in_crates: true, dependencies, ..Member::default() })
        };
        Workspace { members: members.iter().map(member).collect(), foreign: Vec::new() }
    }

    #[test]
    fn arrows_down_are_well() {
        let good = workspace(&[
            ("aceso-seal", 22, &["aceso-base"]),
            ("aceso-base", 10, &[]),
            ("aceso-custodian", 24, &["aceso-seal"]),
        ]);
        assert_eq!(check(&good), []);
    }

    #[test]
    fn an_arrow_up_or_sideways_is_found() {
        for rank in [21, 22] {
            let bad = workspace(&[("aceso-policy", 21, &["aceso-audit"]), ("aceso-audit", rank, &[])]);
            assert_eq!(check(&bad).len(), 1, "rank {rank}");
        }
    }

    #[test]
    fn a_reserved_edge_is_found() {
        let bad = workspace(&[("aceso-seal", 22, &[]), ("aceso-repository", 31, &["aceso-seal", "axum"])]);
        assert_eq!(check(&bad).len(), 2);
    }

    #[test]
    fn the_simulated_ehr_is_linked_by_the_binary_and_by_nothing_else() {
        let linked =
            workspace(&[("aceso-server", 50, &["aceso-emr-sim"]), ("aceso-emr-sim", 0, &["aceso-base", "hyper"])]);
        assert_eq!(check(&linked), []);
        let shipped = workspace(&[("aceso-connect", 40, &["aceso-emr-sim"]), ("aceso-emr-sim", 0, &[])]);
        assert_eq!(check(&shipped).len(), 1);
    }

    #[test]
    fn a_shipped_tool_a_missing_rank_and_a_banned_library_are_found() {
        let mut bad = workspace(&[("aceso-api", 40, &["aceso-testkit"]), ("aceso-testkit", 0, &["ureq"])]);
        bad.members.insert("aceso-new".into(), Member { in_crates: true, ..Member::default() });
        bad.foreign.push(Foreign { name: "ring".into(), version: "1".into(), licence: None });
        let places: Vec<_> = check(&bad).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["aceso-api", "aceso-new", "ring"]);
    }
}
