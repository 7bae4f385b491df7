//! What is known of one code.

use super::expand::in_language;
use super::refs::{ConceptRef, Content, DesignationRef};
use super::store::Terminology;

impl Terminology {
    /// A code of a code system, with what is known of it.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn lookup(&self, system: &str, version: Option<&str>, code: &str) -> Result<Concept<'_>, LookupError> {
        let system = self.system(system, version).filter(|system| system.content() != Content::NotPresent);
        let system = system.ok_or(LookupError::UnknownSystem)?;
        match system.concept(code) {
            Some(found) => Ok(Concept(found)),
            None if system.content() == Content::Complete => Err(LookupError::UnknownCode),
            None => Err(LookupError::NotInPart),
        }
    }
}

/// Why a code cannot be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The code system, or this version of it, is not loaded.
    #[error("the code system is not loaded")]
    UnknownSystem,
    /// The code system has no such code.
    #[error("the code system has no such code")]
    UnknownCode,
    /// Only a part of the code system is loaded, and the code is not in it.
    #[error("only a part of the code system is loaded, and the code is not in that part")]
    NotInPart,
}

/// A concept of a code system, for `$lookup`.
#[derive(Clone, Copy)]
pub struct Concept<'t>(ConceptRef<'t>);

/// A property of a concept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConceptProperty<'t> {
    /// Which property.
    pub code: &'t str,
    /// The element that holds its value: `valueCode`, `valueCoding`, `valueString`, `valueInteger`, `valueBoolean`, `valueDateTime` or
    /// `valueDecimal`.
    pub element: &'static str,
    /// The value as text; of a coding, its code.
    pub value: &'t str,
    /// Of a coding, its code system.
    pub system: &'t str,
    /// Of a coding, its text.
    pub display: &'t str,
}

impl<'t> Concept<'t> {
    /// Canonical URL of its code system.
    #[must_use]
    pub fn system(&self) -> &'t str {
        self.0.system.url()
    }

    /// The name of its code system: its title for people, else its name for machines, else its URL.
    #[must_use]
    pub fn system_name(&self) -> &'t str {
        let system = self.0.system;
        [system.title(), system.name()].into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| system.url())
    }

    /// The version of its code system.
    #[must_use]
    pub fn version(&self) -> Option<&'t str> {
        self.0.system.version()
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'t str {
        self.0.code()
    }

    /// Its text, in a language if there is one.
    #[must_use]
    pub fn display(&self, language: Option<&str>) -> Option<&'t str> {
        let designations: Vec<DesignationRef<'t>> = self.designations().collect();
        language.and_then(|language| in_language(designations.into_iter(), language)).or_else(|| self.0.display())
    }

    /// What it means.
    #[must_use]
    pub fn definition(&self) -> Option<&'t str> {
        self.0.definition()
    }

    /// Whether it only groups others.
    #[must_use]
    pub fn is_abstract(&self) -> bool {
        self.0.is_abstract()
    }

    /// Whether it is not active any more.
    #[must_use]
    pub fn is_inactive(&self) -> bool {
        self.0.is_inactive()
    }

    /// Codes of its parents.
    pub fn parents(&self) -> impl Iterator<Item = &'t str> {
        self.0.parents().map(ConceptRef::code)
    }

    /// Codes of its children.
    pub fn children(&self) -> impl Iterator<Item = &'t str> {
        self.0.children().map(ConceptRef::code)
    }

    /// Its other texts.
    pub fn designations(&self) -> impl Iterator<Item = DesignationRef<'t>> {
        self.0.designations()
    }

    /// Its properties, as the code system gives them.
    pub fn properties(&self) -> impl Iterator<Item = ConceptProperty<'t>> {
        self.0.properties().map(|found| ConceptProperty {
            code: found.code,
            element: found.kind,
            value: found.value,
            system: found.system,
            display: found.display,
        })
    }
}
