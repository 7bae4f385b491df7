//! Whether a code is valid: in its code system, or in a value set, with the text that was sent with it.

use super::Contains;
use super::contains::{Asked, Walk};
use super::expand::in_language;
use super::grammar;
use super::refs::ConceptRef;
use super::store::{Meaning, Terminology};
use crate::search::fold;

/// A code as somebody sent it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coded<'a> {
    /// Its code system.
    pub system: Option<&'a str>,
    /// The version of the code system.
    pub version: Option<&'a str>,
    /// The code.
    pub code: &'a str,
    /// The text that goes with it.
    pub display: Option<&'a str>,
}

/// What is asked about a code, beside whether it exists.
#[derive(Debug, Clone, Copy, Default)]
pub struct ValidateOptions<'a> {
    /// Abstract codes are not valid.
    pub refuse_abstract: bool,
    /// The language in which the text is expected (BCP 47).
    pub language: Option<&'a str>,
}

/// What is to be said of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'t> {
    /// How it is.
    pub finding: Finding,
    /// A text that is valid for the code, if one is known.
    pub display: Option<&'t str>,
}

/// Whether a code is valid, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It is.
    Valid,
    /// It is, as far as can be said: no text of the code is known that the one sent could be compared with.
    ValidDisplayUnchecked,
    /// It is, but it is not active any more.
    ValidInactive,
    /// The code system has no such code.
    NotInSystem,
    /// The value set has no such code.
    NotInValueSet,
    /// The text is none of the code.
    WrongDisplay,
    /// The code only groups others.
    Abstract,
    /// It cannot be decided: a code system or value set is not loaded, or a rule cannot be evaluated.
    Unknown,
}

impl Terminology {
    /// Whether this code system is known at all, with codes or without.
    #[must_use]
    pub fn knows_system(&self, url: &str, version: Option<&str>) -> bool {
        self.system(url, version).is_some()
    }

    /// Whether a code system is a grammar that is judged without a list: media types, languages and units.
    #[must_use]
    pub fn is_grammar(&self, url: &str) -> bool {
        grammar::is(url)
    }

    /// Whether a canonical URL stands for a value set that is known.
    #[must_use]
    pub fn knows_value_set(&self, canonical: &str) -> bool {
        self.meaning(canonical).is_some()
    }

    /// Whether a code is valid in its code system.
    #[must_use]
    pub fn validate_in_system(&self, system: &str, coded: &Coded<'_>, options: &ValidateOptions<'_>) -> Verdict<'_> {
        if coded.system.is_some_and(|own| own != system) {
            return Verdict { finding: Finding::NotInSystem, display: None };
        }
        match self.in_system(system, coded.version, coded.code) {
            Contains::Yes => self.judge(Some(system), coded, options, None),
            Contains::No => Verdict { finding: Finding::NotInSystem, display: None },
            Contains::Unknown => Verdict { finding: Finding::Unknown, display: None },
        }
    }

    /// Whether a code is valid in the value set with this canonical URL.
    #[must_use]
    pub fn validate_in_value_set(
        &self,
        value_set: &str,
        coded: &Coded<'_>,
        options: &ValidateOptions<'_>,
    ) -> Verdict<'_> {
        let asked = Asked { system: coded.system, code: coded.code };
        match self.canonical_contains(value_set, asked, &mut Walk::default()) {
            Contains::Yes => self.judge(coded.system, coded, options, self.listed_display(value_set, asked)),
            Contains::No => Verdict { finding: Finding::NotInValueSet, display: None },
            Contains::Unknown => Verdict { finding: Finding::Unknown, display: None },
        }
    }

    /// The text that a value set itself gives a code.
    fn listed_display(&self, value_set: &str, asked: Asked<'_>) -> Option<&str> {
        let Some(Meaning::Set(set)) = self.meaning(value_set) else { return None };
        let includes = set.clauses().filter(|clause| !clause.is_exclude() && asked.system == clause.system());
        includes.filter_map(|clause| clause.find(asked.code, false)?.display()).next()
    }

    fn judge<'t>(
        &'t self,
        system: Option<&str>,
        coded: &Coded<'_>,
        options: &ValidateOptions<'_>,
        listed: Option<&'t str>,
    ) -> Verdict<'t> {
        let concept =
            system.and_then(|url| self.system(url, coded.version)).and_then(|found| found.concept(coded.code));
        let translated = options.language.zip(concept).and_then(|(language, concept)| {
            in_language(concept.designations().collect::<Vec<_>>().into_iter(), language)
        });
        let display = translated.or(listed).or_else(|| concept.and_then(ConceptRef::display));
        let finding = if options.refuse_abstract && concept.is_some_and(ConceptRef::is_abstract) {
            Finding::Abstract
        } else {
            match (coded.display, display) {
                (Some(_), None) => Finding::ValidDisplayUnchecked,
                (Some(sent), Some(_)) if !is_text_of(sent, display, listed, concept) => Finding::WrongDisplay,
                _ if concept.is_some_and(ConceptRef::is_inactive) => Finding::ValidInactive,
                _ => Finding::Valid,
            }
        };
        Verdict { finding, display }
    }
}

/// Text is compared without regard to case, accents and the amount of space (FHIR leaves it to the code system).
fn is_text_of(sent: &str, display: Option<&str>, listed: Option<&str>, concept: Option<ConceptRef<'_>>) -> bool {
    let plain = |text: &str| fold(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let sent = plain(sent);
    let own = concept.and_then(ConceptRef::display);
    let designations = concept.into_iter().flat_map(ConceptRef::designations).map(|designation| designation.value);
    [display, listed, own].into_iter().flatten().chain(designations).any(|text| plain(text) == sent)
}
