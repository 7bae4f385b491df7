//! A link in a document leads to a file that is there.

use super::Finding;
use super::source::Tree;
use std::path::{Component, Path};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let documents = tree.files.iter().filter(|file| file.path.ends_with(".md") && !file.path.starts_with("testdata/"));
    for file in documents {
        for (at, line) in file.text.lines().enumerate() {
            for link in links(line) {
                if !leads_somewhere(tree, &file.path, link) {
                    findings.push(Finding::new(
                        format!("{}:{}", file.path, at + 1),
                        format!("the link to {link} leads nowhere"),
                    ));
                }
            }
        }
    }
    findings
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(move |(at, _)| line.get(at + 2..)?.split([')', ' ']).next())
}

fn leads_somewhere(tree: &Tree, from: &str, link: &str) -> bool {
    let target = link.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    let mut parts: Vec<&str> = Vec::new();
    let joined = folder.join(target);
    for part in joined.components() {
        match part {
            Component::ParentDir if parts.pop().is_none() => return false,
            Component::Normal(name) => parts.push(name.to_str().unwrap_or_default()),
            _ => {}
        }
    }
    let wanted = parts.join("/");
    wanted.is_empty() || tree.paths.iter().any(|path| *path == wanted || path.starts_with(&format!("{wanted}/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::tests::tree;

    #[test]
    fn links_to_files_folders_and_the_web_are_well_and_others_are_found() {
        let text =
            "[a](../README.md) [b](decisions/) [c](https://example.org) [d](#here) [e](gone.md) [f](../../out.md)";
        let found = check(&tree(&[("docs/a.md", text), ("README.md", ""), ("docs/decisions/1.md", "")]));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
