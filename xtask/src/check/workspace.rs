//! What `cargo metadata` tells.

use crate::command::{Failure, command, output};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A package of this workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// `[package.metadata.aceso] rank`.
    pub rank: Option<u64>,
    /// Whether its folder is below `crates/`.
    pub in_crates: bool,
    /// Names of its normal and build dependencies (dev-dependencies are exempt from every rule).
    pub dependencies: BTreeSet<String>,
    /// Its features, and what each switches on.
    pub features: BTreeMap<String, BTreeSet<String>>,
    /// Features that it asks of its dependencies, dev-dependencies too.
    pub asks: BTreeSet<String>,
    /// Features that are on in a build without options.
    pub on: BTreeSet<String>,
}

/// A package from outside.
#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
}

/// Members, and all packages that a build can draw in.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub members: BTreeMap<String, Member>,
    pub foreign: Vec<Foreign>,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Self, Failure> {
        let text = output(&mut command("cargo", &["metadata", "--format-version", "1", "--locked"]))?;
        let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
        let mut workspace = Self::read(&metadata);
        // The lock file also names packages that no feature of ours switches on (weak dependencies): those are never built.
        let tree = [
            "tree",
            "--workspace",
            "--target",
            "all",
            "--edges",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--locked",
        ];
        let tree = output(&mut command("cargo", &tree))?;
        workspace.keep_built(&tree);
        Ok(workspace)
    }

    /// Keeps the foreign packages that a listing of `name vVERSION …` lines names.
    fn keep_built(&mut self, tree: &str) {
        let built: BTreeSet<(&str, &str)> = tree
            .lines()
            .filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                Some((words.next()?, words.next()?.strip_prefix('v')?))
            })
            .collect();
        self.foreign.retain(|package| built.contains(&(package.name.as_str(), package.version.as_str())));
    }

    fn read(metadata: &Value) -> Self {
        let inside: BTreeSet<&str> = list(metadata, "workspace_members").filter_map(Value::as_str).collect();
        let mut workspace = Self::default();
        for package in list(metadata, "packages") {
            let name = text(package, "name");
            if inside.contains(text(package, "id").as_str()) {
                let manifest = text(package, "manifest_path");
                let rank = package.pointer("/metadata/aceso/rank").and_then(Value::as_u64);
                let normal =
                    list(package, "dependencies").filter(|d| d.get("kind").and_then(Value::as_str) != Some("dev"));
                let dependencies = normal.map(|d| text(d, "name")).collect();
                let asks = list(package, "dependencies").flat_map(|d| words(d.get("features"))).collect();
                let features = package.get("features").and_then(Value::as_object).into_iter().flatten();
                let features = features.map(|(name, on)| (name.clone(), words(Some(on)).collect())).collect();
                let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).into_iter().flatten();
                let own = nodes.filter(|node| text(node, "id") == text(package, "id"));
                let on = own.flat_map(|node| words(node.get("features"))).collect();
                let in_crates = manifest.contains("/crates/");
                workspace.members.insert(name, Member { rank, in_crates, dependencies, features, asks, on });
            } else {
                let licence = package.get("license").and_then(Value::as_str).map(str::to_owned);
                workspace.foreign.push(Foreign { name, version: text(package, "version"), licence });
            }
        }
        workspace
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn words(list: Option<&Value>) -> impl Iterator<Item = String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_are_never_built_do_not_count() {
        let foreign = |name: &str| Foreign { name: name.to_owned(), version: "1.0.0".to_owned(), licence: None };
        let mut workspace = Workspace { foreign: vec![foreign("a"), foreign("b")], ..Workspace::default() };
        workspace.keep_built("aceso-x v0.1.0 (/somewhere)\na v1.0.0 (*)\nb v1.0.1\n");
        assert_eq!(workspace.foreign.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn dev_dependencies_do_not_count() {
        let metadata = serde_json::json!({
            "workspace_members": ["a 1"],
            "packages": [
                { "name": "aceso-a", "id": "a 1", "manifest_path": "/x/crates/a/Cargo.toml", "metadata": { "aceso": { "rank": 7 } },
                  "dependencies": [{ "name": "b", "kind": null }, { "name": "c", "kind": "dev", "features": ["f"] }, { "name": "d", "kind": "build" }],
                  "features": { "default": ["g"], "g": [] } },
                { "name": "b", "id": "b 1", "version": "1.0.0", "license": "MIT" }
            ],
            "resolve": { "nodes": [{ "id": "a 1", "features": ["default", "g"] }, { "id": "b 1", "features": ["x"] }] }
        });
        let workspace = Workspace::read(&metadata);
        let member = &workspace.members["aceso-a"];
        assert_eq!((member.rank, member.in_crates), (Some(7), true));
        assert_eq!(member.dependencies.iter().map(String::as_str).collect::<Vec<_>>(), ["b", "d"]);
        assert!(member.asks.contains("f") && member.features["default"].contains("g") && member.on.contains("g"));
        assert!(!member.on.contains("x"));
        assert_eq!(workspace.foreign[0].licence.as_deref(), Some("MIT"));
    }
}
