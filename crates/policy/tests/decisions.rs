//! What the shipped policies decide, and what the engine does with policies that are wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use aceso_base::{Caller, Interaction, LogicalId, Purpose, Region, Role, RoleSet, SubjectId, TenantId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};
use aceso_policy::{AdminAction, Decision, DenialReason, Engine, Grant, Kind, PolicyError, Question, Scope, Target};
use aceso_testkit::PlannedRandomness;
use proptest::prelude::*;
use std::sync::LazyLock;

const PATIENT: &str = "057aa36e-b892-4964-b5b9-ffb46b097e34";
const OTHER: &str = "157aa36e-b892-4964-b5b9-ffb46b097e34";
const NOW: Timestamp = Timestamp(1_700_000_000_000);
const SCHEMA: &str = include_str!("../../../policies/aceso.cedarschema");

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load().unwrap());

fn caller(roles: &[Role], purpose: Purpose) -> Caller {
    let own_patient = roles.contains(&Role::Patient).then(|| LogicalId::parse(PATIENT).unwrap());
    Caller { own_patient, ..aceso_testkit::caller(roles, purpose) }
}

fn rtype(name: &str) -> Option<ResourceType> {
    Some(ResourceType::parse(name).unwrap())
}

fn record(type_name: &str, of: &str) -> Target {
    Target {
        rtype: rtype(type_name),
        subject: SubjectId::of_patient(of).unwrap(),
        scope: Scope::Record(LogicalId::parse("a-record").unwrap()),
    }
}

fn directory(type_name: &str) -> Target {
    Target {
        rtype: rtype(type_name),
        subject: SubjectId::DIRECTORY,
        scope: Scope::Record(LogicalId::parse("p1").unwrap()),
    }
}

fn population(type_name: &str) -> Target {
    Target { rtype: rtype(type_name), subject: SubjectId::DIRECTORY, scope: Scope::Population }
}

fn decide(who: &Caller, action: Interaction, target: &Target) -> Result<Grant, (DenialReason, bool)> {
    match ENGINE.decide(who, action, target, NOW, &PlannedRandomness::default()) {
        Decision::Granted(grant) => Ok(grant),
        Decision::Denied(denial) => Err((denial.reason, denial.hide)),
    }
}

fn classes(role: Role, purpose: Purpose, action: Interaction, target: &Target) -> String {
    match decide(&caller(&[role], purpose), action, target) {
        Ok(grant) => grant.classes().iter().map(DataClass::as_str).collect::<Vec<_>>().join(" "),
        Err((reason, hide)) => format!("{reason} {}", if hide { 404 } else { 403 }),
    }
}

#[test]
fn the_matrix_in_the_repository_is_what_the_policies_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/matrix.txt");
    let matrix = ENGINE.matrix();
    if std::env::var_os("ACESO_BLESS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert_eq!(matrix, known, "read the difference, then run the test with ACESO_BLESS=1");
}

#[test]
fn each_role_reads_the_classes_of_its_purpose() {
    use Interaction::Read;
    let someone = record("Observation", PATIENT);
    for (role, purpose, expected) in [
        (Role::Physician, Purpose::Treatment, "structure identity contact clinical sensitive narrative"),
        (Role::Physician, Purpose::EmergencyTreatment, "structure identity contact clinical sensitive narrative"),
        (Role::Physician, Purpose::Operations, "structure identity contact"),
        (Role::Physician, Purpose::Research, "purpose 403"),
        (Role::Nurse, Purpose::Treatment, "structure identity contact clinical narrative"),
        (Role::Nurse, Purpose::Operations, "purpose 403"),
        (Role::FrontDesk, Purpose::Operations, "structure identity contact"),
        (Role::FrontDesk, Purpose::Treatment, "purpose 403"),
        (Role::Billing, Purpose::Payment, "structure identity contact financial"),
        (Role::Researcher, Purpose::Research, "structure clinical"),
        (Role::Auditor, Purpose::Compliance, "structure"),
        (Role::Operator, Purpose::Administration, "interaction 403"),
        (Role::Patient, Purpose::PatientRequest, "structure identity contact clinical sensitive financial narrative"),
        (Role::Integration, Purpose::Operations, "interaction 403"),
    ] {
        assert_eq!(classes(role, purpose, Read, &someone), expected, "{role} {purpose}");
    }
}

#[test]
fn each_role_writes_what_its_work_makes() {
    use Interaction::{Create, Delete, Update};
    let all = "structure identity contact clinical sensitive financial narrative";
    for (role, purpose, action, type_name, expected) in [
        (Role::Physician, Purpose::Treatment, Delete, "Observation", all),
        (Role::Physician, Purpose::Operations, Create, "Observation", "interaction 403"),
        (Role::Nurse, Purpose::Treatment, Update, "Observation", "structure identity contact clinical narrative"),
        (Role::Nurse, Purpose::EmergencyTreatment, Update, "Observation", "interaction 403"),
        (Role::Nurse, Purpose::Treatment, Delete, "Observation", "interaction 403"),
        (Role::FrontDesk, Purpose::Operations, Create, "Patient", "structure identity contact"),
        (Role::FrontDesk, Purpose::Operations, Create, "Coverage", "structure identity contact financial"),
        (Role::FrontDesk, Purpose::Operations, Create, "Observation", "interaction 403"),
        (Role::Billing, Purpose::Payment, Create, "Claim", "structure identity contact financial"),
        (Role::Billing, Purpose::Payment, Create, "Condition", "interaction 403"),
        (Role::Researcher, Purpose::Research, Create, "Observation", "interaction 403"),
        (Role::Auditor, Purpose::Compliance, Update, "Observation", "interaction 403"),
        (Role::Operator, Purpose::Administration, Update, "Patient", "interaction 403"),
        (Role::Patient, Purpose::PatientRequest, Update, "Patient", "interaction 403"),
        (Role::Integration, Purpose::Operations, Create, "Observation", all),
        (Role::Integration, Purpose::Operations, Delete, "Observation", all),
        (Role::Integration, Purpose::Treatment, Delete, "Observation", "purpose 403"),
    ] {
        assert_eq!(
            classes(role, purpose, action, &record(type_name, PATIENT)),
            expected,
            "{role} {purpose} {action} {type_name}"
        );
    }
}

#[test]
fn the_directory_is_open_to_its_readers_and_writers() {
    use Interaction::{Create, Read};
    let one = directory("Practitioner");
    for (role, purpose, action, expected) in [
        (Role::Physician, Purpose::Treatment, Read, "structure identity contact clinical sensitive narrative"),
        (Role::Nurse, Purpose::Treatment, Read, "structure identity contact clinical narrative"),
        (Role::FrontDesk, Purpose::Operations, Read, "structure identity contact"),
        (Role::Billing, Purpose::Payment, Read, "structure identity contact financial"),
        (Role::Researcher, Purpose::Research, Read, "structure clinical"),
        (Role::Auditor, Purpose::Compliance, Read, "structure"),
        (Role::Operator, Purpose::Administration, Read, "structure"),
        (Role::Patient, Purpose::PatientRequest, Read, "structure"),
        (Role::Integration, Purpose::Operations, Read, "interaction 403"),
        (Role::Nurse, Purpose::Treatment, Create, "interaction 403"),
        (Role::FrontDesk, Purpose::Operations, Create, "interaction 403"),
    ] {
        assert_eq!(classes(role, purpose, action, &one), expected, "{role} {action}");
    }
    for (role, purpose) in [
        (Role::Physician, Purpose::Treatment),
        (Role::Operator, Purpose::Administration),
        (Role::Integration, Purpose::Operations),
    ] {
        let grant = decide(&caller(&[role], purpose), Create, &one).unwrap();
        assert_eq!(grant.classes(), ClassSet::ALL, "{role}");
    }
}

#[test]
fn a_patient_finds_only_himself() {
    let me = caller(&[Role::Patient], Purpose::PatientRequest);
    let mine = SubjectId::of_patient(PATIENT).unwrap();
    assert_eq!(decide(&me, Interaction::Read, &record("Observation", PATIENT)).unwrap().classes(), ClassSet::ALL);
    let not_own = (DenialReason::NotOwnRecord, true);
    assert_eq!(decide(&me, Interaction::Read, &record("Observation", OTHER)).unwrap_err(), not_own);
    assert_eq!(decide(&me, Interaction::Everything, &record("Patient", OTHER)).unwrap_err(), not_own);

    let search = decide(&me, Interaction::Search, &population("Observation")).unwrap();
    assert_eq!(search.subject(), Some(mine));
    assert_eq!(search.classes(), ClassSet::ALL);

    let nobody = Caller { own_patient: None, ..me };
    assert_eq!(decide(&nobody, Interaction::Read, &record("Observation", PATIENT)).unwrap_err(), not_own);
    assert_eq!(decide(&nobody, Interaction::Search, &population("Observation")).unwrap_err(), not_own);
}

#[test]
fn a_patient_without_record_does_not_own_the_directory() {
    let odd = Caller {
        own_patient: LogicalId::parse("not-a-uuid").ok(),
        ..caller(&[Role::Patient], Purpose::PatientRequest)
    };
    let orphan = Target { subject: SubjectId::DIRECTORY, ..record("Observation", PATIENT) };
    assert_eq!(decide(&odd, Interaction::Read, &orphan).unwrap_err(), (DenialReason::NotOwnRecord, true));
}

#[test]
fn records_of_compartment_types_count_as_patient_data_even_without_a_patient() {
    let orphan = Target { subject: SubjectId::DIRECTORY, ..record("Observation", PATIENT) };
    assert_eq!(Kind::of(&orphan), [Kind::PatientData]);
    assert_eq!(Kind::of(&directory("Practitioner")), [Kind::Directory]);
    assert_eq!(Kind::of(&population("Practitioner")), [Kind::Directory]);
    assert_eq!(Kind::of(&Target { rtype: None, ..population("Patient") }), [Kind::PatientData]);
    assert_eq!(Kind::of(&record("Device", PATIENT)), [Kind::PatientData]);
    assert_eq!(Kind::of(&directory("Device")), [Kind::Directory]);
    assert_eq!(Kind::of(&population("Device")), [Kind::PatientData, Kind::Directory]);
}

#[test]
fn devices_are_searched_across_patients_by_who_may_see_patients_and_in_the_directory_by_others() {
    let device = population("Device");
    let search = |role, purpose| decide(&caller(&[role], purpose), Interaction::Search, &device).unwrap();
    let wide = search(Role::Billing, Purpose::Payment);
    let narrower = classes(Role::Billing, Purpose::Payment, Interaction::Search, &population("Observation"));
    assert_eq!(wide.subject(), None);
    assert_eq!(classes(Role::Billing, Purpose::Payment, Interaction::Search, &device), narrower);
    for (role, purpose) in [(Role::Patient, Purpose::PatientRequest), (Role::Operator, Purpose::Administration)] {
        assert_eq!(search(role, purpose).subject(), Some(SubjectId::DIRECTORY), "{role:?}");
    }
}

#[test]
fn several_roles_add_up_but_the_bounds_of_the_purpose_hold() {
    let both = caller(&[Role::Physician, Role::Operator], Purpose::Administration);
    let denied = decide(&both, Interaction::Read, &record("Observation", PATIENT)).unwrap_err();
    assert_eq!(denied, (DenialReason::Interaction, false));
    let desk = caller(&[Role::FrontDesk, Role::Physician], Purpose::Operations);
    let grant = decide(&desk, Interaction::Create, &record("Patient", PATIENT)).unwrap();
    assert!(grant.classes().contains(DataClass::Identity));
}

#[test]
fn nobody_without_a_role_gets_anything() {
    let none = caller(&[], Purpose::Treatment);
    for action in Interaction::ALL {
        assert_eq!(decide(&none, *action, &record("Patient", PATIENT)).unwrap_err(), (DenialReason::NoRole, false));
    }
    assert_eq!(ENGINE.default_purpose(RoleSet::NONE), None);
}

#[test]
fn the_default_purpose_is_the_first_of_the_role() {
    for (role, purpose) in [
        (Role::Physician, Purpose::Treatment),
        (Role::Nurse, Purpose::Treatment),
        (Role::FrontDesk, Purpose::Operations),
        (Role::Billing, Purpose::Payment),
        (Role::Researcher, Purpose::Research),
        (Role::Auditor, Purpose::Compliance),
        (Role::Operator, Purpose::Administration),
        (Role::Patient, Purpose::PatientRequest),
        (Role::Integration, Purpose::Operations),
    ] {
        assert_eq!(ENGINE.default_purpose(RoleSet::NONE.with(role)), Some(purpose));
    }
    assert_eq!(ENGINE.default_purpose(RoleSet::NONE.with(Role::Auditor).with(Role::Nurse)), Some(Purpose::Treatment));
}

#[test]
fn administration_is_for_operators_and_the_log_for_auditors() {
    for role in Role::ALL {
        let purpose = ENGINE.default_purpose(RoleSet::NONE.with(*role)).unwrap();
        let may: Vec<_> =
            AdminAction::ALL.into_iter().filter(|action| ENGINE.admin(&caller(&[*role], purpose), *action)).collect();
        let expected: &[AdminAction] = match role {
            Role::Auditor => &[AdminAction::ReadAudit, AdminAction::ReadPolicy],
            Role::Operator => &[
                AdminAction::ReadPolicy,
                AdminAction::ManageKeys,
                AdminAction::ManageJobs,
                AdminAction::ManagePeople,
                AdminAction::ManageConnections,
            ],
            _ => &[],
        };
        assert_eq!(may, expected, "{role}");
    }
    let stray = caller(&[Role::Operator], Purpose::Treatment);
    assert!(!ENGINE.admin(&stray, AdminAction::ManageKeys));
}

#[test]
fn callers_of_another_region_stay_outside() {
    let engine = Engine::load().unwrap().serving(Region::parse("ksa").unwrap());
    let nurse = caller(&[Role::Nurse], Purpose::Treatment);
    match engine.decide(&nurse, Interaction::Read, &record("Patient", PATIENT), NOW, &PlannedRandomness::default()) {
        Decision::Denied(denial) => assert_eq!((denial.reason, denial.hide), (DenialReason::Region, true)),
        Decision::Granted(_) => panic!("granted across regions"),
    }
    let operator = caller(&[Role::Operator], Purpose::Administration);
    assert!(!engine.admin(&operator, AdminAction::ManageKeys));
}

#[test]
fn a_grant_covers_its_own_place_for_one_minute_and_nothing_else() {
    let target = record("Observation", PATIENT);
    let grant = decide(&caller(&[Role::Nurse], Purpose::Treatment), Interaction::Read, &target).unwrap();
    let (tenant, region) = (TenantId::parse("clinic").unwrap(), Region::parse("us").unwrap());
    let (subject, observation) = (target.subject, target.rtype.unwrap());
    let id = LogicalId::parse("a-record").unwrap();
    assert!(grant.covers(&tenant, &region, subject, observation, &id, NOW));
    assert!(grant.covers(&tenant, &region, subject, observation, &id, Timestamp(NOW.0 + 59_999)));
    assert!(!grant.covers(&tenant, &region, subject, observation, &id, Timestamp(NOW.0 + 60_000)));
    assert!(!grant.covers(&TenantId::parse("other").unwrap(), &region, subject, observation, &id, NOW));
    assert!(!grant.covers(&tenant, &Region::parse("ksa").unwrap(), subject, observation, &id, NOW));
    assert!(!grant.covers(&tenant, &region, SubjectId::of_patient(OTHER).unwrap(), observation, &id, NOW));
    assert!(!grant.covers(&tenant, &region, subject, rtype("Condition").unwrap(), &id, NOW));
    assert!(!grant.covers(&tenant, &region, subject, observation, &LogicalId::parse("b-record").unwrap(), NOW));
}

#[test]
fn a_search_of_the_directory_reaches_no_patient() {
    let nurse = caller(&[Role::Nurse], Purpose::Treatment);
    let grant = decide(&nurse, Interaction::Search, &population("Practitioner")).unwrap();
    assert_eq!(grant.subject(), Some(SubjectId::DIRECTORY));
    assert_eq!(decide(&nurse, Interaction::Search, &population("Observation")).unwrap().subject(), None);
}

#[test]
fn an_explanation_names_the_policies() {
    let ask = |role, purpose, interaction| Question {
        roles: RoleSet::NONE.with(role),
        purpose,
        interaction,
        kind: Kind::PatientData,
        rtype: None,
    };
    let nurse = ENGINE.explain(ask(Role::Nurse, Purpose::Treatment, Interaction::Read), false);
    assert!(nurse.contains("clinical   permitted by nurse-cares\n"), "{nurse}");
    assert!(nurse.contains("sensitive  denied: no policy permits it\n"), "{nurse}");
    let researcher = ENGINE.explain(ask(Role::Researcher, Purpose::Research, Interaction::Read), false);
    assert!(researcher.contains("identity   forbidden by bound-research-meets-no-person\n"), "{researcher}");
    let stray = ENGINE.explain(ask(Role::Researcher, Purpose::Treatment, Interaction::Read), false);
    assert_eq!(stray, "denied: no role of the caller may act for TREAT\n");
    let untyped = ENGINE.explain(ask(Role::Nurse, Purpose::Treatment, Interaction::Create), false);
    assert!(untyped.contains("a change needs a type"), "{untyped}");
}

const USE: &str = r#"@id("use") permit(principal, action == Action::"use-purpose", resource);"#;
const SEE: &str = r#"@id("see") permit(principal, action in Action::"see", resource);"#;

fn with(policies: &str) -> Result<Engine, PolicyError> {
    Engine::from_text(SCHEMA, &[("test.cedar", policies)])
}

fn read_with(policies: &str) -> Result<ClassSet, DenialReason> {
    let nurse = caller(&[Role::Nurse], Purpose::Treatment);
    match with(policies).unwrap().decide(
        &nurse,
        Interaction::Read,
        &record("Patient", PATIENT),
        NOW,
        &PlannedRandomness::default(),
    ) {
        Decision::Granted(grant) => Ok(grant.classes()),
        Decision::Denied(denial) => Err(denial.reason),
    }
}

#[test]
fn an_empty_policy_set_denies() {
    assert_eq!(read_with(""), Err(DenialReason::Purpose));
    assert_eq!(read_with(USE), Err(DenialReason::Interaction));
    assert_eq!(read_with(&format!("{USE}{SEE}")), Ok(ClassSet::ALL));
}

#[test]
fn a_forbid_beats_every_permit() {
    let forbid = r#"@id("no") forbid(principal, action in Action::"see", resource is PatientData)
        when { resource.class == Class::"identity" };"#;
    let left = read_with(&format!("{USE}{SEE}{forbid}")).unwrap();
    assert_eq!(left, ClassSet::ALL.without(DataClass::Identity));
}

#[test]
fn a_policy_that_does_not_evaluate_denies() {
    // Overflow: passes the validator, fails when it is asked. As a forbid it would be skipped, and so open the door.
    let broken = r#"@id("overflow") forbid(principal, action in Action::"see", resource is PatientData)
        when { resource.own || 9223372036854775807 + 1 > 0 };"#;
    assert_eq!(read_with(&format!("{USE}{SEE}{broken}")), Err(DenialReason::Interaction));
}

#[test]
fn text_that_is_not_right_is_refused_at_load() {
    let refused = |text: &str| with(text).unwrap_err().to_string();
    assert!(refused("permit(principal").starts_with("test.cedar: "));
    assert!(refused("permit(principal, action, resource);").contains("has no @id"));
    assert!(refused(&format!("{USE}{USE}")).starts_with("test.cedar: "));
    for wrong in [
        r#"@id("x") permit(principal in Role::"nurze", action in Action::"see", resource);"#,
        r#"@id("x") permit(principal, action == Action::"reed", resource);"#,
        r#"@id("x") permit(principal, action in Action::"see", resource) when { context.purpose == Purpose::"TREET" };"#,
        r#"@id("x") permit(principal, action in Action::"see", resource) when { resource.klass == Class::"identity" };"#,
        r#"@id("x") permit(principal, action in Action::"see", resource) when { context.purpose == "TREAT" };"#,
        r#"@id("x") permit(principal, action in Action::"see", resource) when { context.resourceType == Type::"Patient" };"#,
        r#"@id("x") permit(principal, action == Action::"create", resource) when { context.resourceType == Type::"Pateint" };"#,
    ] {
        assert!(matches!(with(wrong), Err(PolicyError::Invalid(_))), "{wrong}");
    }
    let default = |code: &str| {
        with(&format!(
            r#"@id("x") @default("{code}") permit(principal in Role::"nurse", action == Action::"use-purpose", resource == Purpose::"TREAT");"#
        ))
    };
    assert!(default("TREAT").is_ok());
    assert!(matches!(default("HPAYMT"), Err(PolicyError::Default(_))));
    assert!(matches!(default("nonsense"), Err(PolicyError::Default(_))));
    assert!(matches!(Engine::from_text("entity X in [Nowhere];", &[]), Err(PolicyError::Schema(_))));
}

#[test]
fn the_schema_lists_exactly_the_types_of_r4_and_the_names_of_this_program() {
    let list = |name: &str| -> Vec<String> {
        let start = SCHEMA.find(&format!("entity {name} enum [")).unwrap();
        let text = SCHEMA[start..].split_once('[').unwrap().1.split_once(']').unwrap().0;
        text.split(',').map(|item| item.trim().trim_matches('"').to_owned()).collect()
    };
    assert_eq!(list("Type"), ResourceType::all().map(|rtype| rtype.name().to_owned()).collect::<Vec<_>>());
    assert_eq!(list("Role"), Role::ALL.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>());
    assert_eq!(list("Purpose"), Purpose::ALL.iter().map(|purpose| purpose.as_str().to_owned()).collect::<Vec<_>>());
    assert_eq!(list("Class"), DataClass::ALL.iter().map(|class| class.as_str().to_owned()).collect::<Vec<_>>());
}

#[test]
fn the_version_changes_with_the_text() {
    assert_eq!(ENGINE.version().len(), 12);
    assert_ne!(with(USE).unwrap().version(), with(&format!("{USE} ")).unwrap().version());
    assert_eq!(with(USE).unwrap().version(), with(USE).unwrap().version());
}

fn roles() -> impl Strategy<Value = RoleSet> {
    proptest::collection::vec(proptest::sample::select(Role::ALL), 0..4).prop_map(|roles| roles.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_remembered_answer_is_the_fresh_one_and_stays_inside_the_bounds(
        roles in roles(),
        purpose in proptest::sample::select(Purpose::ALL),
        action in proptest::sample::select(Interaction::ALL),
        type_code in 0_u8..146,
        subject in proptest::sample::select(vec![
            SubjectId::DIRECTORY, SubjectId::of_patient(PATIENT).unwrap(), SubjectId::of_patient(OTHER).unwrap(),
        ]),
        scope in 0_u8..3,
    ) {
        let target = Target {
            rtype: ResourceType::from_code(type_code),
            subject,
            scope: match scope {
                0 => Scope::Record(LogicalId::parse("r").unwrap()),
                1 => Scope::Compartment,
                _ => Scope::Population,
            },
        };
        let who = Caller { roles, own_patient: LogicalId::parse(PATIENT).ok(), ..caller(&[], purpose) };
        let first = decide(&who, action, &target).map(|grant| (grant.classes(), grant.subject()));
        let again = decide(&who, action, &target).map(|grant| (grant.classes(), grant.subject()));
        prop_assert_eq!(&first, &again);

        // The explanation asks Cedar anew, for exactly this type.
        let own = subject == SubjectId::of_patient(PATIENT).unwrap();
        let fresh_of = |kind: Kind, own: bool| -> ClassSet {
            let text = ENGINE.explain(Question { roles, purpose, interaction: action, kind, rtype: target.rtype }, own);
            text.lines()
                .filter(|line| line.contains(" permitted by "))
                .filter_map(|line| DataClass::parse(line.split(' ').next().unwrap()))
                .fold(ClassSet::NONE, ClassSet::with)
        };
        let kinds = match Kind::of(&target) {
            [_, _] if fresh_of(Kind::PatientData, false).is_empty() => &[Kind::Directory],
            kinds => kinds,
        };
        let kind = kinds[0];
        let fresh = |own| kinds.iter().fold(ClassSet::ALL, |left, kind| left.intersection(fresh_of(*kind, own)));
        let expected = match (&target.scope, kind) {
            (Scope::Population, Kind::PatientData) if fresh(false).is_empty() => fresh(true),
            (Scope::Population, _) => fresh(false).intersection(fresh(true)),
            _ => fresh(own && kind == Kind::PatientData),
        };
        prop_assert_eq!(first.as_ref().map_or(ClassSet::NONE, |(classes, _)| *classes), expected);

        if let Ok((classes, subject)) = first {
            prop_assert!(!classes.is_empty());
            if kind == Kind::PatientData {
                prop_assert_ne!(purpose, Purpose::Administration);
                if purpose == Purpose::PatientRequest {
                    prop_assert_eq!(subject, SubjectId::of_patient(PATIENT));
                }
            }
            if purpose == Purpose::Research {
                prop_assert!(classes.is_subset_of(ClassSet::STRUCTURE.with(DataClass::Clinical)));
            }
        }
    }
}
