//! In the place of the gates in the benchmark's control build: everybody may do everything, and no rule is asked.

use crate::engine::Engine;
use crate::grant::{Denial, Scope, Target};
use crate::rules::Kind;
use aceso_base::{Caller, Interaction, SubjectId};
use aceso_labels::ClassSet;

pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) action: Interaction,
    pub(crate) target: &'a Target,
}

pub(crate) struct Allowance {
    pub(crate) classes: ClassSet,
    pub(crate) subject: Option<SubjectId>,
}

pub(crate) fn pass(_: &Engine, asked: &Asked<'_>) -> Result<Allowance, Denial> {
    let subject = match asked.target.scope {
        Scope::Population => (Kind::of(asked.target) == [Kind::Directory]).then_some(SubjectId::DIRECTORY),
        Scope::Record(_) | Scope::Compartment => Some(asked.target.subject),
    };
    Ok(Allowance { classes: ClassSet::ALL, subject })
}
