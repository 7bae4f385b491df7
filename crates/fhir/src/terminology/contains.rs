//! Membership, in three values: yes, no, and not to be decided.

use super::filter;
use super::grammar;
use super::refs::{ClauseRef, Content, SetRef, SystemRef};
use super::store::{Meaning, Terminology};
use super::{Contains, Membership, Subsumption};
use crate::packages::Canonical;

/// Value sets inside each other. R4's own go three deep.
const MAX_DEPTH: usize = 16;
/// Value sets that one question may look into, however they import each other.
const MAX_SETS: usize = 1000;

impl Contains {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// Both: a "no" decides.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// Either: a "yes" decides.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unknown,
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A code that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) system: Option<&'a str>,
    pub(super) code: &'a str,
}

/// The value sets that a question is inside of, and how many more it may look into.
pub(super) struct Walk<'t> {
    inside: Vec<SetRef<'t>>,
    left: usize,
}

impl Default for Walk<'_> {
    fn default() -> Self {
        Self { inside: Vec::new(), left: MAX_SETS }
    }
}

impl<'t> Walk<'t> {
    /// Goes into a value set, unless that is a circle or too far.
    pub(super) fn enter(&mut self, set: SetRef<'t>) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        if self.inside.len() >= MAX_DEPTH || self.inside.iter().any(|outer| outer.is(set)) {
            return false;
        }
        self.inside.push(set);
        true
    }

    pub(super) fn leave(&mut self) {
        self.inside.pop();
    }
}

impl Terminology {
    /// Whether the value set with this canonical URL has the code.
    pub(super) fn canonical_contains<'t>(&'t self, canonical: &str, asked: Asked<'_>, walk: &mut Walk<'t>) -> Contains {
        match self.meaning(canonical) {
            None => Contains::Unknown,
            Some(Meaning::Set(set)) => self.set_contains(set, asked, walk),
            Some(Meaning::AllOf(system)) => match asked.system {
                Some(other) if other != system => Contains::No,
                _ => self.in_system(system, None, asked.code),
            },
            Some(Meaning::IsA(system, ancestor)) => match asked.system {
                Some(other) if other != system => Contains::No,
                _ => self.passes(system, None, ("concept", "is-a", ancestor), asked.code),
            },
        }
    }

    fn set_contains<'t>(&'t self, set: SetRef<'t>, asked: Asked<'_>, walk: &mut Walk<'t>) -> Contains {
        if !set.is_composed() || !walk.enter(set) {
            return Contains::Unknown;
        }
        let (mut included, mut excluded) = (Contains::No, Contains::No);
        for clause in set.clauses() {
            let side = if clause.is_exclude() { &mut excluded } else { &mut included };
            if *side != Contains::Yes {
                let mut found = self.clause_contains(clause, asked, walk);
                if found == Contains::Yes && set.only_active() {
                    found = self.is_active(clause, asked);
                }
                *side = side.or(found);
            }
        }
        walk.leave();
        included.and(excluded.not())
    }

    /// Whether what the clause selects has the code; whether it takes away or adds is not looked at.
    pub(super) fn clause_contains<'t>(
        &'t self,
        clause: ClauseRef<'t>,
        asked: Asked<'_>,
        walk: &mut Walk<'t>,
    ) -> Contains {
        let mut found = Contains::Yes;
        if let Some(system) = clause.system() {
            if asked.system.is_some_and(|other| other != system) {
                return Contains::No;
            }
            let version = clause.version();
            let mut unfiltered = true;
            if clause.is_listed() {
                unfiltered = false;
                found = Contains::of(self.is_listed(clause, system, asked.code));
            }
            for rule in clause.filters() {
                unfiltered = false;
                if found != Contains::No {
                    found = found.and(self.passes(system, version, rule, asked.code));
                }
            }
            if unfiltered {
                found = self.in_system(system, version, asked.code);
            }
        }
        for import in clause.imports() {
            if found != Contains::No {
                found = found.and(self.canonical_contains(import, asked, walk));
            }
        }
        found
    }

    fn is_listed(&self, clause: ClauseRef<'_>, system: &str, code: &str) -> bool {
        clause.find(code, false).is_some()
            || clause.find(code, true).is_some() && self.system(system, None).is_some_and(SystemRef::any_case)
    }

    fn is_active(&self, clause: ClauseRef<'_>, asked: Asked<'_>) -> Contains {
        let system = asked.system.or(clause.system()).and_then(|url| self.system(url, clause.version()));
        let concept = system.and_then(|system| system.concept(asked.code));
        concept.map_or(Contains::Unknown, |concept| Contains::of(!concept.is_inactive()))
    }

    /// Whether a code system has the code.
    pub(super) fn in_system(&self, url: &str, version: Option<&str>, code: &str) -> Contains {
        match self.system(url, version) {
            Some(system) if system.concept(code).is_some() => Contains::Yes,
            Some(system) if system.content() == Content::Complete => Contains::No,
            _ if version.is_none() => grammar::contains(self, url, code),
            _ => Contains::Unknown,
        }
    }

    /// Whether a code of a system passes a filter.
    fn passes(&self, url: &str, version: Option<&str>, rule: (&str, &str, &str), code: &str) -> Contains {
        let Some(system) = self.system(url, version) else { return Contains::Unknown };
        match system.concept(code) {
            Some(concept) => filter::passes(concept, rule),
            None if system.content() == Content::Complete => Contains::No,
            None => Contains::Unknown,
        }
    }
}

impl Membership for Terminology {
    fn contains(&self, value_set: &str, system: Option<&str>, code: &str) -> Contains {
        self.canonical_contains(value_set, Asked { system, code }, &mut Walk::default())
    }

    fn subsumes(&self, system: &str, a: &str, b: &str) -> Subsumption {
        let asked = Canonical::parse(system);
        let found =
            self.system(asked.url, asked.version).and_then(|system| Some((system.concept(a)?, system.concept(b)?)));
        match found {
            Some((a, b)) if a.number == b.number => Subsumption::Equivalent,
            Some((a, _)) if !a.system.is_a() => Subsumption::Unknown,
            Some((a, b)) if filter::descends(b, a) => Subsumption::Subsumes,
            Some((a, b)) if filter::descends(a, b) => Subsumption::SubsumedBy,
            Some((a, _)) if a.system.content() == Content::Complete => Subsumption::NotSubsumed,
            _ => Subsumption::Unknown,
        }
    }
}
