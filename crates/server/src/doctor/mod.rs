//! What the server depends on, looked at one by one, with a remedy for what is not well.

mod cache;
mod host;
mod packages;
mod storage;

use crate::config::{Config, Problem};
use aceso_base::Clock;
use std::fmt;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Well.
    Well,
    /// Works, but should be put right.
    Warning,
    /// The server would not start, or not be safe.
    Failed,
}

/// One check and what it found. Holds no value of a secret or a patient.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it came out.
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What to do; empty when well.
    pub remedy: String,
}

impl Finding {
    fn well(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: State::Well, detail: detail.into(), remedy: String::new() }
    }

    fn warning(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Warning, detail: detail.into(), remedy: remedy.into() }
    }

    fn failed(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Failed, detail: detail.into(), remedy: remedy.into() }
    }

    /// As JSON, for `--json`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let state = match self.state {
            State::Well => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        };
        serde_json::json!({ "check": self.check, "state": state, "detail": self.detail, "remedy": self.remedy })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Well => "ok  ",
            State::Warning => "warn",
            State::Failed => "FAIL",
        };
        write!(f, "{mark}  {:<20} {}", self.check, self.detail)?;
        if !self.remedy.is_empty() {
            write!(f, "\n      {:<20} -> {}", "", self.remedy)?;
        }
        Ok(())
    }
}

/// Looks at everything.
#[must_use]
pub fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![Finding::well("configuration", "valid")];
    let secrets = config.unusable_secrets();
    if secrets.is_empty() {
        findings.push(Finding::well("secrets", "every reference can be read"));
    }
    findings
        .extend(secrets.iter().map(|problem| Finding::failed("secrets", problem.to_string(), "correct the reference")));
    findings.extend(storage::examine(config));
    findings.extend(cache::examine(config));
    findings.extend(packages::examine(config));
    findings.extend(host::examine(config, clock));
    findings
}

/// The findings when already the configuration is wrong.
#[must_use]
pub fn of_configuration(problems: &[Problem]) -> Vec<Finding> {
    problems.iter().map(|p| Finding::failed("configuration", p.at.clone(), p.text.clone())).collect()
}

#[cfg(test)]
mod tests;
