//! The files of the repository, and calls that only some crates may make.

use super::Finding;
use crate::command::{Failure, command, output, root};

/// A text file that is in the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

/// All text files that are in the repository or are about to be.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub files: Vec<File>,
    /// Every path, those of binary files too.
    pub paths: Vec<String>,
}

impl Tree {
    /// Reads what git knows, and what is new and not ignored.
    pub fn load() -> Result<Self, Failure> {
        let listing = output(&mut command("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let mut tree = Self::default();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            tree.paths.push(path.to_owned());
            // Gone from the work tree, or not text: nothing to read.
            if let Ok(Ok(text)) = std::fs::read(root().join(path)).map(String::from_utf8) {
                tree.files.push(File { path: path.to_owned(), text });
            }
        }
        Ok(tree)
    }

    /// Rust source of shipped crates.
    pub fn crate_sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            file.path.starts_with("crates/")
                && file.path.contains("/src/")
                && file.path.ends_with(".rs")
                && !file.is_generated()
        })
    }

    /// The file with this path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    /// Whether a tool wrote it.
    pub fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
    }

    /// The lines with their numbers, without comment lines.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The folder name of its crate.
    pub fn crate_folder(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
    }
}

/// `(call, crates or path beginnings that may make it, why not the others)`.
const RESERVED_CALLS: &[(&[&str], &[&str], &str)] = &[
    (
        &[".expose()", ".expose_mut()", "Phi::expose"],
        &["crates/phi/", "crates/fhir/", "crates/labels/", "crates/seal/", "crates/custodian/"],
        "looks under the veil; only kernel crates may",
    ),
    (
        &["Sealed::from_store(", "IndexToken::from_store("],
        &[
            "crates/phi/",
            "crates/seal/",
            "crates/store-sqlite/",
            "crates/cache-redis/",
            "crates/store/src/suite",
            // Documents and cursors come back as bytes; these files hand them to `open_document` and store none.
            "crates/custodian/src/boot.rs",
            "crates/custodian/src/secrets.rs",
            "crates/custodian/src/cursor.rs",
        ],
        "makes sealed bytes of any bytes; only adapters and seal may",
    ),
];

/// Calls that only some crates may make.
pub(crate) fn reserved_calls(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.crate_sources() {
        for (calls, allowed, harm) in RESERVED_CALLS {
            if allowed.iter().any(|beginning| file.path.starts_with(beginning)) {
                continue;
            }
            // A deletion has no body: an empty one hides nothing.
            let lines = file.code().filter(|(_, line)| {
                calls.iter().any(|call| line.contains(call)) && !line.contains("from_store(Vec::new())")
            });
            findings.extend(lines.map(|(at, _)| Finding::new(format!("{}:{at}", file.path), *harm)));
        }
    }
    findings
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree of these files.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        let files: Vec<File> =
            files.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() }).collect();
        Tree { paths: files.iter().map(|file| file.path.clone()).collect(), files }
    }

    #[test]
    fn looking_under_the_veil_outside_the_kernel_is_found() {
        let calls = "fn f(v: &Phi<String>) { v.expose(); }\n// v.expose()\n";
        let found = reserved_calls(&tree(&[("crates/api/src/a.rs", calls), ("crates/seal/src/a.rs", calls)]));
        assert_eq!(found.iter().map(|f| f.place.as_str()).collect::<Vec<_>>(), ["crates/api/src/a.rs:1"]);
    }

    #[test]
    fn making_sealed_bytes_outside_the_adapters_is_found() {
        let call = "let s = Sealed::from_store(vec![]);";
        let found =
            reserved_calls(&tree(&[("crates/repository/src/a.rs", call), ("crates/store-sqlite/src/a.rs", call)]));
        assert_eq!(found.len(), 1);
    }
}
