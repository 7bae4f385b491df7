//! Expansion: the members of a value set, in the order in which it names them.

use std::collections::HashSet;

use super::Contains;
use super::contains::{Asked, Walk};
use super::filter;
use super::refs::{ClauseRef, ConceptRef, Content, DesignationRef, ListedRef, SetRef, SystemRef};
use super::store::{Meaning, Terminology};
use crate::search::fold;

/// Codes that one expansion may look at.
const MAX_EXAMINED: usize = 1_000_000;
/// Codes that one answer may hold.
pub const MAX_PAGE: usize = 10_000;

/// What is asked of an expansion.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExpandOptions<'a> {
    /// Words that all have to be in the code, its display or a designation, without regard to case and accents.
    pub filter: Option<&'a str>,
    /// Leave out inactive codes.
    pub active_only: bool,
    /// The language of the displays (BCP 47), where there are designations in it.
    pub language: Option<&'a str>,
    /// How many members to pass over.
    pub offset: usize,
    /// How many members to give; all if none is said.
    pub count: Option<usize>,
}

/// A page of an expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion<'t> {
    /// Canonical URL of the value set, without version.
    pub url: String,
    /// Its version, if it has one.
    pub version: Option<&'t str>,
    /// Its status: a code of `http://hl7.org/fhir/publication-status`.
    pub status: &'static str,
    /// Its name for machines; empty for a value set that no resource describes.
    pub name: &'t str,
    /// Its title; may be empty.
    pub title: &'t str,
    /// Members in all, of which the page shows some.
    pub total: usize,
    /// The page.
    pub members: Vec<ExpansionMember<'t>>,
    /// Code systems whose codes were taken, as `url` or `url|version`, sorted.
    pub systems: Vec<String>,
}

/// A member of a value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpansionMember<'t> {
    /// Its code system.
    pub system: &'t str,
    /// Its code.
    pub code: &'t str,
    /// Its text, if one is known.
    pub display: Option<&'t str>,
    /// Not for use as a value.
    pub is_abstract: bool,
    /// Not active.
    pub inactive: bool,
    /// Its other texts.
    pub designations: Vec<DesignationRef<'t>>,
}

/// Why there is no expansion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// No value set has this canonical URL.
    #[error("the value set is not known")]
    UnknownValueSet,
    /// The codes that it takes from this code system or value set are not there, or a rule about them cannot be evaluated.
    #[error("the value set draws on {0}, which is not loaded or has rules that cannot be evaluated")]
    NotLoaded(String),
    /// More codes than one answer may hold, or than one question may look at.
    #[error("the expansion has too many codes; ask for a part of it with `count`")]
    TooCostly,
}

impl Terminology {
    /// The members of the value set with this canonical URL.
    ///
    /// # Errors
    /// See [`ExpandError`]: an expansion is whole or an error, never a part that looks like the whole.
    pub fn expand(&self, canonical: &str, options: &ExpandOptions<'_>) -> Result<Expansion<'_>, ExpandError> {
        let meaning = self.meaning(canonical).ok_or(ExpandError::UnknownValueSet)?;
        let url = crate::packages::Canonical::parse(canonical).url.to_owned();
        let mut page = Page {
            words: options.filter.map(|filter| fold(filter).split_whitespace().map(str::to_owned).collect()),
            options: *options,
            seen: HashSet::new(),
            systems: Vec::new(),
            total: 0,
            members: Vec::new(),
        };
        let (version, status, name, title) = match meaning {
            Meaning::Set(set) => (set.version(), set.status(), set.name(), set.title()),
            Meaning::AllOf(_) | Meaning::IsA(..) => (None, "unknown", "", ""),
        };
        let mut left = MAX_EXAMINED;
        self.each(meaning, canonical, &mut Walk::default(), &mut left, &mut |candidate| page.take(candidate))?;
        page.systems.sort();
        page.systems.dedup();
        let Page { total, members, systems, .. } = page;
        Ok(Expansion { url, version, status, name, title, total, members, systems })
    }

    /// Calls `take` with every member, some of them several times.
    fn each<'t>(
        &'t self,
        meaning: Meaning<'t, '_>,
        canonical: &str,
        walk: &mut Walk<'t>,
        left: &mut usize,
        take: &mut dyn FnMut(Candidate<'t>) -> Result<(), ExpandError>,
    ) -> Result<(), ExpandError> {
        match meaning {
            Meaning::Set(set) => self.each_of_set(set, walk, left, take),
            Meaning::AllOf(url) => self.whole(url, None)?.concepts().try_for_each(|concept| {
                spend(left)?;
                take(Candidate::of(concept))
            }),
            Meaning::IsA(url, ancestor) => {
                let system = self.whole(url, None)?;
                for concept in system.concepts() {
                    spend(left)?;
                    match filter::passes(concept, ("concept", "is-a", ancestor)) {
                        Contains::Yes => take(Candidate::of(concept))?,
                        Contains::No => {}
                        Contains::Unknown => return Err(ExpandError::NotLoaded(canonical.to_owned())),
                    }
                }
                Ok(())
            }
        }
    }

    fn each_of_set<'t>(
        &'t self,
        set: SetRef<'t>,
        walk: &mut Walk<'t>,
        left: &mut usize,
        take: &mut dyn FnMut(Candidate<'t>) -> Result<(), ExpandError>,
    ) -> Result<(), ExpandError> {
        if !set.is_composed() || !walk.enter(set) {
            return Err(ExpandError::NotLoaded(set.url().to_owned()));
        }
        let excludes: Vec<ClauseRef<'t>> = set.clauses().filter(|clause| clause.is_exclude()).collect();
        for clause in set.clauses().filter(|clause| !clause.is_exclude()) {
            let mut candidates = Vec::new();
            self.candidates(clause, walk, left, &mut candidates)?;
            for candidate in candidates {
                let inactive = set.only_active() && candidate.is_inactive();
                if !inactive && !self.excluded(&excludes, candidate, walk)? {
                    take(candidate)?;
                }
            }
        }
        walk.leave();
        Ok(())
    }

    fn excluded<'t>(
        &'t self,
        excludes: &[ClauseRef<'t>],
        candidate: Candidate<'t>,
        walk: &mut Walk<'t>,
    ) -> Result<bool, ExpandError> {
        for clause in excludes {
            match self.clause_contains(*clause, candidate.asked(), walk) {
                Contains::Yes => return Ok(true),
                Contains::No => {}
                Contains::Unknown => return Err(not_loaded(*clause)),
            }
        }
        Ok(false)
    }

    /// What an `include` selects.
    fn candidates<'t>(
        &'t self,
        clause: ClauseRef<'t>,
        walk: &mut Walk<'t>,
        left: &mut usize,
        found: &mut Vec<Candidate<'t>>,
    ) -> Result<(), ExpandError> {
        let mut imports = clause.imports();
        if let Some(url) = clause.system() {
            let system = self.system(url, clause.version());
            if clause.is_listed() {
                for listed in clause.listed() {
                    spend(left)?;
                    let concept = system.and_then(|system| system.concept(listed.code()));
                    found.push(Candidate { system: url, listed: Some(listed), concept });
                }
            } else {
                let whole = self.whole(url, clause.version())?;
                for concept in whole.concepts() {
                    spend(left)?;
                    found.push(Candidate::of(concept));
                }
            }
        } else if let Some(first) = imports.next() {
            let meaning = self.meaning(first).ok_or_else(|| ExpandError::NotLoaded(first.to_owned()))?;
            self.each(meaning, first, walk, left, &mut |candidate| {
                found.push(candidate);
                Ok(())
            })?;
        }
        let rest: Vec<&str> = imports.collect();
        let mut failure = None;
        found.retain(|candidate| {
            let mut verdict = Contains::Yes;
            for rule in clause.filters() {
                let passed = candidate.concept.map_or(Contains::Unknown, |concept| filter::passes(concept, rule));
                verdict = verdict.and(passed);
            }
            for import in &rest {
                verdict = verdict.and(self.canonical_contains(import, candidate.asked(), walk));
            }
            if verdict == Contains::Unknown {
                failure = Some(not_loaded(clause));
            }
            verdict == Contains::Yes
        });
        failure.map_or(Ok(()), Err)
    }

    /// A code system of which everything is there.
    fn whole(&self, url: &str, version: Option<&str>) -> Result<SystemRef<'_>, ExpandError> {
        let system = self.system(url, version).filter(|system| system.content() == Content::Complete);
        system.ok_or_else(|| ExpandError::NotLoaded(url.to_owned()))
    }
}

fn spend(left: &mut usize) -> Result<(), ExpandError> {
    *left = left.checked_sub(1).ok_or(ExpandError::TooCostly)?;
    Ok(())
}

fn not_loaded(clause: ClauseRef<'_>) -> ExpandError {
    let name = clause.system().or_else(|| clause.imports().next());
    ExpandError::NotLoaded(name.unwrap_or_default().to_owned())
}

/// A code that may become a member.
#[derive(Clone, Copy)]
struct Candidate<'t> {
    system: &'t str,
    listed: Option<ListedRef<'t>>,
    concept: Option<ConceptRef<'t>>,
}

impl<'t> Candidate<'t> {
    fn of(concept: ConceptRef<'t>) -> Self {
        Self { system: concept.system.url(), listed: None, concept: Some(concept) }
    }

    fn code(&self) -> &'t str {
        self.listed.map(ListedRef::code).or_else(|| self.concept.map(ConceptRef::code)).unwrap_or_default()
    }

    fn asked(&self) -> Asked<'t> {
        Asked { system: Some(self.system), code: self.code() }
    }

    fn is_inactive(&self) -> bool {
        self.concept.is_some_and(ConceptRef::is_inactive)
    }

    fn designations(&self) -> Vec<DesignationRef<'t>> {
        let listed = self.listed.into_iter().flat_map(ListedRef::designations);
        listed.chain(self.concept.into_iter().flat_map(ConceptRef::designations)).collect()
    }

    /// The value set's own text for the code comes before that of the code system.
    fn display(&self, language: Option<&str>) -> Option<&'t str> {
        let translated = language.and_then(|language| in_language(self.designations().into_iter(), language));
        let own = || self.listed.and_then(ListedRef::display).or_else(|| self.concept.and_then(ConceptRef::display));
        translated.or_else(own)
    }
}

/// The designation in a language, or in the language without its region.
pub(super) fn in_language<'t>(
    designations: impl Iterator<Item = DesignationRef<'t>> + Clone,
    language: &str,
) -> Option<&'t str> {
    let exact = |wanted: &str| designations.clone().find(|found| found.language.eq_ignore_ascii_case(wanted));
    exact(language).or_else(|| exact(language.split('-').next()?)).map(|found| found.value)
}

/// The members so far.
struct Page<'t, 'a> {
    words: Option<Vec<String>>,
    options: ExpandOptions<'a>,
    seen: HashSet<(&'t str, &'t str)>,
    systems: Vec<String>,
    total: usize,
    members: Vec<ExpansionMember<'t>>,
}

impl<'t> Page<'t, '_> {
    fn take(&mut self, candidate: Candidate<'t>) -> Result<(), ExpandError> {
        if self.options.active_only && candidate.is_inactive()
            || !self.seen.insert((candidate.system, candidate.code()))
        {
            return Ok(());
        }
        let display = candidate.display(self.options.language);
        if !self.words.as_ref().is_none_or(|words| says(words, &candidate, display)) {
            return Ok(());
        }
        self.note(&candidate);
        let place = self.total;
        self.total += 1;
        let wanted = place.checked_sub(self.options.offset);
        if wanted.is_none_or(|wanted| self.options.count.is_some_and(|count| wanted >= count)) {
            return Ok(());
        }
        if self.members.len() == MAX_PAGE {
            return Err(ExpandError::TooCostly);
        }
        self.members.push(ExpansionMember {
            system: candidate.system,
            code: candidate.code(),
            display,
            is_abstract: candidate.concept.is_some_and(ConceptRef::is_abstract),
            inactive: candidate.is_inactive(),
            designations: candidate.designations(),
        });
        Ok(())
    }

    /// Remembers which code system was used, in which version.
    fn note(&mut self, candidate: &Candidate<'t>) {
        let version = candidate.concept.and_then(|concept| concept.system.version());
        let last = self.systems.last();
        let same = |name: &String| match version {
            Some(version) => {
                name.strip_prefix(candidate.system).and_then(|rest| rest.strip_prefix('|')) == Some(version)
            }
            None => name == candidate.system,
        };
        if !last.is_some_and(same) && !self.systems.iter().any(same) {
            self.systems
                .push(version.map_or_else(|| candidate.system.to_owned(), |v| format!("{}|{v}", candidate.system)));
        }
    }
}

fn says(words: &[String], candidate: &Candidate<'_>, display: Option<&str>) -> bool {
    let mut texts = vec![fold(candidate.code())];
    texts.extend(display.map(fold));
    texts.extend(candidate.designations().iter().map(|designation| fold(designation.value)));
    words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
}
