//! `cargo xtask check`: what reviewers would otherwise have to remember.

pub(crate) mod control;
mod house;
mod licences;
mod links;
mod lists;
mod log_messages;
mod ranks;
mod source;
mod workspace;

use crate::command::{Failure, command, exists, run as run_command};
use source::Tree;
use workspace::Workspace;

/// Something that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File with line, crate, or list.
    pub place: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl Finding {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// How much to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything.
    Full,
    /// Only what takes a second.
    Quick,
}

/// Runs the checks, tells all findings, fails when there was one.
pub(crate) fn run(depth: Depth) -> Result<(), Failure> {
    let mut failed = Vec::new();
    let workspace = Workspace::load()?;
    let tree = Tree::load()?;
    let mut judge = |name: &'static str, findings: Vec<Finding>| {
        println!("{} {name}", if findings.is_empty() { "ok  " } else { "FAIL" });
        for finding in &findings {
            println!("     {}: {}", finding.place, finding.text);
        }
        if !findings.is_empty() {
            failed.push(name);
        }
    };
    judge("ranks and reserved edges", ranks::check(&workspace));
    judge("the benchmark's control build", control::check(&workspace, &tree));
    judge("licences", licences::check(&workspace)?);
    judge("shrinking lists", lists::check(&tree)?);
    judge("reserved calls", source::reserved_calls(&tree));
    judge("log messages", log_messages::check(&tree));
    judge("house rules", house::check(&tree));
    judge("links in documents", links::check(&tree));
    if depth == Depth::Full {
        judge("format", step(&["fmt", "--all", "--check"]));
        judge("lints", step(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]));
        judge("lints of the control build", step(&control::LINTS));
        advisories(&mut judge);
    }
    if failed.is_empty() {
        println!("check: all well");
        Ok(())
    } else {
        Err(format!("check failed: {}", failed.join(", ")))
    }
}

fn step(arguments: &[&str]) -> Vec<Finding> {
    match run_command(&mut command("cargo", arguments)) {
        Ok(()) => Vec::new(),
        Err(failure) => vec![Finding::new(format!("cargo {}", arguments.join(" ")), failure)],
    }
}

/// cargo-deny reads the same `deny.toml`; the advisory database needs the network.
fn advisories(judge: &mut impl FnMut(&'static str, Vec<Finding>)) {
    if !exists("cargo-deny", "--version") {
        println!("note advisories: not looked at, cargo-deny is not installed (cargo install cargo-deny)");
        return;
    }
    judge("cargo deny: bans, sources, licences", step(&["deny", "--offline", "check", "bans", "sources", "licenses"]));
    if exists("git", "--version")
        && run_command(&mut command("git", &["ls-remote", "--exit-code", "--quiet", ADVISORIES, "HEAD"])).is_ok()
    {
        judge("cargo deny: advisories", step(&["deny", "check", "advisories"]));
    } else {
        println!("note advisories: the database cannot be reached from here");
    }
}

const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";
