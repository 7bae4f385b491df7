//! Every library's licence is one that `deny.toml` allows. Needs no tool and no network.

use super::Finding;
use super::workspace::Workspace;
use crate::command::{Failure, root};
use std::collections::BTreeSet;

pub(crate) fn check(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let text = std::fs::read_to_string(root().join("deny.toml")).map_err(|error| format!("deny.toml: {error}"))?;
    let deny: toml::Table = toml::from_str(&text).map_err(|error| format!("deny.toml: {error}"))?;
    let allowed: BTreeSet<String> = deny
        .get("licenses")
        .and_then(|licences| licences.get("allow"))
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let findings = workspace.foreign.iter().filter_map(|package| {
        let place = format!("{} {}", package.name, package.version);
        match &package.licence {
            None => Some(Finding::new(place, "names no licence")),
            Some(expression) if !is_allowed(expression, &allowed) => {
                Some(Finding::new(place, format!("licence {expression} is not allowed by deny.toml")))
            }
            Some(_) => None,
        }
    });
    Ok(findings.collect())
}

/// Whether an SPDX expression (with the old `/` for OR) can be met with allowed licences only.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, allowed };
    let met = parser.any();
    met && parser.tokens.is_empty()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take_if(&mut self, word: &str) -> bool {
        let found = self.tokens.first() == Some(&word);
        if found {
            self.take();
        }
        found
    }

    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.take_if("OR") {
            met |= self.all();
        }
        met
    }

    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.take_if("AND") {
            met &= self.one();
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.take_if("(") {
            let met = self.any();
            return self.take_if(")") && met;
        }
        let Some(name) = self.take() else { return false };
        if self.take_if("WITH") {
            let exception = self.take().unwrap_or_default();
            return self.allowed.contains(&format!("{name} WITH {exception}"));
        }
        self.allowed.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_as_spdx_says() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for good in
            ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "ISC AND (MIT OR GPL-3.0)", "Apache-2.0 WITH LLVM-exception OR X"]
        {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT", "Apache-2.0", "", "ISC AND (X OR Y)", "MIT MIT"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }
}
