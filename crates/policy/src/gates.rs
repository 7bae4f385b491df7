//! The order of the questions.
//!
//! A gate is a pure function of what is asked. It may refuse, or narrow what the gates before it left; none widens. To
//! add one (relationships: why this patient?; consent: what did the patient exclude?; labels: what does the law guard?), put its
//! facts into [`Asked`], read in the same snapshot as the record, write the function and give it its place in [`GATES`]:
//! after `own_record`, because those facts are about a patient whom the earlier gates have let the caller ask about.

use crate::engine::Engine;
use crate::grant::{Denial, DenialReason, Scope, Target};
use crate::rules::{Kind, Question, Verdict};
use aceso_base::{Caller, Interaction, RoleSet, SubjectId};
use aceso_labels::ClassSet;

/// Everything that a gate may look at.
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) action: Interaction,
    pub(crate) target: &'a Target,
}

/// What the gates have left so far. Starts as everything that was asked for.
pub(crate) struct Allowance {
    /// The classes for whatever record is asked for.
    pub(crate) classes: ClassSet,
    /// The classes if it is the caller's own record.
    pub(crate) own_classes: ClassSet,
    /// Whose records; `None` is anyone's.
    pub(crate) subject: Option<SubjectId>,
    /// What those records can be; what is allowed holds for each kind.
    kinds: &'static [Kind],
}

type Gate = fn(&Engine, &Asked<'_>, &mut Allowance) -> Result<(), Denial>;

/// The gates, in order.
const GATES: [Gate; 4] = [fence, purpose, role_permission, own_record];

/// Asks gate after gate.
pub(crate) fn pass(engine: &Engine, asked: &Asked<'_>) -> Result<Allowance, Denial> {
    let (subject, kinds) = reach(engine, asked);
    let mut left = Allowance { classes: ClassSet::ALL, own_classes: ClassSet::ALL, subject, kinds };
    for gate in GATES {
        gate(engine, asked, &mut left)?;
    }
    Ok(left)
}

/// Whose records are asked for, and of what kind they can be. A search across a type whose records are a patient's or nobody's is one of
/// patients' data; who may see no other patient's searches the directory only.
fn reach(engine: &Engine, asked: &Asked<'_>) -> (Option<SubjectId>, &'static [Kind]) {
    let kinds = Kind::of(asked.target);
    match (&asked.target.scope, kinds) {
        (Scope::Record(_) | Scope::Compartment, _) => (Some(asked.target.subject), kinds),
        (Scope::Population, [Kind::Directory]) => (Some(SubjectId::DIRECTORY), kinds),
        (Scope::Population, [_, _]) if verdict(engine, asked, Kind::PatientData).any.is_empty() => {
            (Some(SubjectId::DIRECTORY), &[Kind::Directory])
        }
        (Scope::Population, _) => (None, kinds),
    }
}

fn verdict(engine: &Engine, asked: &Asked<'_>, kind: Kind) -> Verdict {
    engine.verdict(Question {
        roles: asked.caller.roles,
        purpose: asked.caller.purpose,
        interaction: asked.action,
        kind,
        rtype: asked.target.rtype,
    })
}

/// Region, compiled in and not policy. The tenant needs no question: a grant names the caller's own, and `Grant::covers`
/// refuses every record of another.
fn fence(engine: &Engine, asked: &Asked<'_>, _: &mut Allowance) -> Result<(), Denial> {
    match engine.region() {
        Some(served) if *served != asked.caller.region => Err(Denial { reason: DenialReason::Region, hide: true }),
        _ => Ok(()),
    }
}

fn purpose(engine: &Engine, asked: &Asked<'_>, _: &mut Allowance) -> Result<(), Denial> {
    if asked.caller.roles == RoleSet::NONE {
        return Err(Denial { reason: DenialReason::NoRole, hide: false });
    }
    if engine.may_use(asked.caller.roles, asked.caller.purpose) {
        Ok(())
    } else {
        Err(Denial { reason: DenialReason::Purpose, hide: false })
    }
}

fn role_permission(engine: &Engine, asked: &Asked<'_>, left: &mut Allowance) -> Result<(), Denial> {
    for kind in left.kinds {
        let Verdict { any, own } = verdict(engine, asked, *kind);
        left.classes = left.classes.intersection(any);
        left.own_classes = left.own_classes.intersection(own);
    }
    if left.classes.is_empty() && left.own_classes.is_empty() {
        return Err(Denial { reason: DenialReason::Interaction, hide: false });
    }
    Ok(())
}

/// Whether the record is the caller's own, where that matters. Who may see only his own finds himself when he searches everyone.
fn own_record(_: &Engine, asked: &Asked<'_>, left: &mut Allowance) -> Result<(), Denial> {
    let own = asked.caller.own_patient.as_ref().and_then(|id| SubjectId::of_patient(id.as_str()));
    let not_own = Denial { reason: DenialReason::NotOwnRecord, hide: true };
    match left.subject {
        Some(subject) if own == Some(subject) => left.classes = left.own_classes,
        None if left.classes.is_empty() => {
            left.subject = Some(own.ok_or(not_own)?);
            left.classes = left.own_classes;
        }
        None => left.classes = left.classes.intersection(left.own_classes),
        Some(_) => {}
    }
    if left.classes.is_empty() { Err(not_own) } else { Ok(()) }
}
