//! One patient as three roles would see him, without acting as any of them: the rules are asked what each role's classes are, and
//! a value is shown where that role would see it *and* the viewer himself has opened it.

use crate::context::Context;
use crate::pages::record_parts::{amount, words};
use crate::reading::Record;
use crate::refusal::Refused;
use aceso_base::{Interaction, LogicalId, Purpose, Role, RoleSet, SubjectId};
use aceso_custodian::Shape;
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass, classes_of_element};
use aceso_policy::{Kind, Question};
use aceso_repository::{Fault, ReadCall, ViewsCall};

/// One line: an element, its class, and its value if the viewer opened it.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) class: DataClass,
    pub(crate) value: Option<String>,
}

/// A reader to compare with.
pub(crate) struct Reader {
    pub(crate) role: Role,
    pub(crate) purpose: Purpose,
    pub(crate) classes: ClassSet,
    pub(crate) viewer: bool,
}

pub(crate) struct Compared {
    pub(crate) lines: Vec<Line>,
    /// What the viewer opened.
    pub(crate) opened: ClassSet,
    /// What he could.
    pub(crate) may: ClassSet,
}

/// Name, type and path of each line's element. The class is looked up: it is the table's word, not this page's.
const LINES: [(&str, &str, &str); 9] = [
    ("Name", "Patient", "Patient.name"),
    ("Birth date", "Patient", "Patient.birthDate"),
    ("Phone", "Patient", "Patient.telecom"),
    ("Address", "Patient", "Patient.address"),
    ("Latest lab value", "Observation", "Observation.value[x]"),
    ("Condition", "Condition", "Condition.code"),
    ("Paid by insurance", "ExplanationOfBenefit", "ExplanationOfBenefit.payment.amount"),
    ("Race", "Patient", "Patient.extension"),
    ("Free text", "Patient", "Patient.text"),
];

/// Among so many of the newest a number is looked for.
const NEWEST: usize = 10;

impl Compared {
    /// The lines without a patient: what the rules say, and no value.
    pub(crate) fn empty() -> Self {
        let lines = LINES.iter().map(|(name, rtype, path)| Line { name, class: class_of(rtype, path), value: None });
        Self { lines: lines.collect(), opened: ClassSet::NONE, may: ClassSet::NONE }
    }

    pub(crate) async fn read(context: &Context, id: &LogicalId, open: bool) -> Result<Self, Refused> {
        let subject = SubjectId::of_patient(id.as_str());
        let may = context.classes(&context.caller, subject);
        let opened = if open { may } else { ClassSet::STRUCTURE.intersection(may) };
        let shape = Shape::of_classes(opened);
        let read = ReadCall { rtype: ResourceType::PATIENT, id: id.clone(), version: None, shape: shape.clone() };
        let repository = &context.console.inner.repository;
        let newest = async |rtype: &str, class: DataClass, pairs: &[(&str, &str)]| -> Result<Option<Record>, Refused> {
            let Some(rtype) = ResourceType::parse(rtype).filter(|_| opened.contains(class)) else { return Ok(None) };
            let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let call = ViewsCall {
                rtype,
                compartment: subject,
                pairs: &pairs,
                count: NEWEST,
                after: None,
                shape: shape.clone(),
            };
            let Some(found) = repository.views(&context.caller, &call).await? else { return Ok(None) };
            let records = found.matches.into_iter().map(Record::of).collect::<Result<Vec<_>, _>>()?;
            // A number is what people compare; a laboratory's words are the second choice.
            let at = records.iter().position(|record| record.quantity("valueQuantity").is_some()).unwrap_or(0);
            Ok(records.into_iter().nth(at))
        };
        let (patient, lab, condition, claim) = tokio::join!(
            repository.view(&context.caller, &read),
            newest("Observation", DataClass::Clinical, &[("category", "laboratory"), ("_sort", "-date")]),
            newest("Condition", DataClass::Clinical, &[("_sort", "-recorded-date")]),
            newest("ExplanationOfBenefit", DataClass::Financial, &[("_sort", "-created")]),
        );
        let (view, _) = patient?;
        let patient = Record::of(view)?;
        let (lab, condition, claim) = (lab?, condition?, claim?);
        let mut compared = Self { opened, may, ..Self::empty() };
        for line in &mut compared.lines {
            line.value = if opened.contains(line.class) {
                value(line.name, &patient, lab.as_ref(), condition.as_ref(), claim.as_ref())
            } else {
                None
            };
        }
        Ok(compared)
    }
}

fn value(
    name: &str,
    patient: &Record,
    lab: Option<&Record>,
    condition: Option<&Record>,
    claim: Option<&Record>,
) -> Option<String> {
    match name {
        "Name" => patient.name(),
        "Birth date" => patient.day("birthDate"),
        "Phone" => patient.text("telecom.0.value"),
        "Address" => patient.address(),
        "Latest lab value" => {
            let lab = lab?;
            let (number, unit) = lab.quantity("valueQuantity")?;
            let name = words(lab, "code").unwrap_or_default();
            Some(format!("{} {number:.1} {unit}", name.split(" [").next().unwrap_or_default()))
        }
        "Condition" => words(condition?, "code"),
        "Paid by insurance" => claim.map(amount),
        "Race" => patient.extension("us-core-race"),
        "Free text" => patient.node("text.div").map(|_| "generated summary".to_owned()),
        _ => None,
    }
}

fn class_of(rtype: &str, path: &str) -> DataClass {
    // Extensions have their class by URL; that of race is a line of the table, and an unknown one counts the same.
    if path == "Patient.extension" {
        return DataClass::Sensitive;
    }
    let classes = ResourceType::parse(rtype).map(|rtype| classes_of_element(rtype, path));
    let classes = classes.unwrap_or(ClassSet::ALL).without(DataClass::Structure);
    classes.iter().next().unwrap_or(DataClass::Sensitive)
}

/// Billing, research and treatment beside each other; the viewer first where he is none of them.
pub(crate) fn readers(context: &Context, subject: Option<&LogicalId>) -> Result<Vec<Reader>, Fault> {
    let engine = context.door().engine();
    let fixed = [
        (Role::Physician, Purpose::Treatment),
        (Role::Billing, Purpose::Payment),
        (Role::Researcher, Purpose::Research),
    ];
    let own_role = context.caller.roles.iter().next();
    let mut readers = Vec::new();
    if let Some(role) = own_role.filter(|role| !fixed.contains(&(*role, context.caller.purpose))) {
        let subject = subject.and_then(|id| SubjectId::of_patient(id.as_str()));
        let classes = context.classes(&context.caller, subject);
        readers.push(Reader { role, purpose: context.caller.purpose, classes, viewer: true });
    }
    for (role, purpose) in fixed {
        let question = Question {
            roles: RoleSet::NONE.with(role),
            purpose,
            interaction: Interaction::Read,
            kind: Kind::PatientData,
            rtype: None,
        };
        let viewer = own_role == Some(role) && context.caller.purpose == purpose;
        readers.push(Reader { role, purpose, classes: engine.classes(question).any, viewer });
    }
    Ok(readers)
}
