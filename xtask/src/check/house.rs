//! Small rules about what may stand in a file.

use super::Finding;
use super::source::{File, Tree};
use std::collections::BTreeSet;

/// Folders whose content others wrote.
const FOREIGN: &[&str] = &["testdata/", "/testdata/", "/definitions/r4/", "LICENSE"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| !is_foreign(file)).flat_map(in_file).collect()
}

/// Most lines of a file that is written by hand, its tests included: more is not kept in the head.
const MOST_LINES: usize = 500;

/// The files that are longer, tests and tools too.
pub(crate) fn long_files(tree: &Tree) -> BTreeSet<String> {
    let written = tree.files.iter().filter(|file| file.path.ends_with(".rs") && !file.is_generated());
    written.filter(|file| file.text.lines().count() > MOST_LINES).map(|file| file.path.clone()).collect()
}

fn is_foreign(file: &File) -> bool {
    FOREIGN.iter().any(|part| {
        file.path.starts_with(part.trim_start_matches('/')) || (part.starts_with('/') && file.path.contains(part))
    })
}

fn in_file(file: &File) -> Vec<Finding> {
    let own = file.path == "xtask/src/check/house.rs";
    let rust = file.path.ends_with(".rs");
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let mut found = |text: &str| findings.push(Finding::new(format!("{}:{}", file.path, at + 1), text));
        if !own && ["TODO", "FIXME", "XXX"].iter().any(|mark| has_word(line, mark)) {
            found("unfinished work is done or left out, not marked");
        }
        if rust && !own && line.contains("#[ignore") {
            found("a test is switched off; make it run, or take it out");
        }
        if !own && ["/work/", "/root/"].iter().any(|path| names_machine(line, path)) {
            found("a path of one machine");
        }
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
        !part(before) && !part(after)
    })
}

/// Whether the path stands there as the beginning of an absolute path.
fn names_machine(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !(c.is_alphanumeric() || "./_-}>)".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::tests::tree;

    fn count(path: &str, text: &str) -> usize {
        check(&tree(&[(path, text)])).len()
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        assert_eq!(count("crates/a/src/a.rs", "// TODO later"), 1);
        assert_eq!(count("crates/a/src/a.rs", "let METHODOLOGY = \"TODOS\";"), 0);
    }

    #[test]
    fn switched_off_tests_are_found() {
        assert_eq!(count("crates/a/src/a.rs", "#[ignore = \"slow\"]"), 1);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        assert_eq!(count("docs/a.md", "see /work/main/x"), 1);
        assert_eq!(count("docs/a.md", "see https://example.org/work/x and frame/work/x"), 0);
        assert_eq!(count("testdata/a.json", "/root/x"), 0);
    }

    #[test]
    fn long_files_are_those_over_500_lines_that_nobody_generated() {
        let long = "x\n".repeat(501);
        let all = [("crates/a/src/a.rs", long.as_str()), ("crates/a/src/generated/b.rs", &long), ("docs/c.md", &long)];
        assert_eq!(long_files(&tree(&all)), BTreeSet::from(["crates/a/src/a.rs".to_owned()]));
        assert_eq!(long_files(&tree(&[("crates/a/tests/a.rs", &"x\n".repeat(500))])), BTreeSet::new());
    }
}
