//! Less than one may see, and what somebody else would see: answers that open nothing.

use aceso_base::{Interaction, LogicalId, Purpose, Role, SubjectId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};
use aceso_policy::{Decision, DenialReason, Engine, Kind, Question, Scope, Target};
use aceso_testkit::{PlannedRandomness, caller};

#[test]
fn a_narrowed_decision_has_no_class_that_was_not_granted_and_none_is_a_denial() {
    let engine = Engine::load().unwrap();
    let target = Target {
        rtype: Some(ResourceType::PATIENT),
        subject: SubjectId([9; 16]),
        scope: Scope::Record(LogicalId::parse("a-record").unwrap()),
    };
    let (nurse, rng) = (caller(&[Role::Nurse], Purpose::Treatment), PlannedRandomness::default());
    let ask = || engine.decide(&nurse, Interaction::Read, &target, Timestamp(0), &rng);
    let classes = |decision: Decision| match decision {
        Decision::Granted(grant) => Some(grant.classes()),
        Decision::Denied(denial) => {
            assert_eq!((denial.reason, denial.hide), (DenialReason::Interaction, false));
            None
        }
    };
    let all = classes(ask()).unwrap();
    assert_eq!(classes(ask().narrowed(ClassSet::ALL)), Some(all));
    assert_eq!(classes(ask().narrowed(ClassSet::STRUCTURE)), Some(ClassSet::STRUCTURE));
    let wanted = ClassSet::STRUCTURE.with(DataClass::Identity).with(DataClass::Sensitive);
    assert_eq!(classes(ask().narrowed(wanted)), Some(wanted.without(DataClass::Sensitive)));
    assert_eq!(classes(ask().narrowed(ClassSet::NONE.with(DataClass::Sensitive))), None);
    assert_eq!(classes(ask().narrowed(ClassSet::NONE)), None);
}

#[test]
fn what_a_role_would_see_is_told_without_a_grant() {
    let engine = Engine::load().unwrap();
    let question = |role: Role, purpose: Purpose| Question {
        roles: [role].into_iter().collect(),
        purpose,
        interaction: Interaction::Read,
        kind: Kind::PatientData,
        rtype: None,
    };
    let research = engine.classes(question(Role::Researcher, Purpose::Research));
    assert_eq!(research.any, ClassSet::STRUCTURE.with(DataClass::Clinical));
    let patient = engine.classes(question(Role::Patient, Purpose::PatientRequest));
    assert_eq!((patient.any, patient.own), (ClassSet::NONE, ClassSet::ALL));
    // For a purpose that is not the role's own: nothing.
    assert!(engine.classes(question(Role::Billing, Purpose::Treatment)).any.is_empty());
}
