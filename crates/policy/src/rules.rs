//! The Cedar text and what it says to one question.

use crate::engine::PolicyError;
use crate::grant::{Scope, Target};
use aceso_base::{Interaction, Purpose, Role, RoleSet};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass, Holds, holds};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    PrincipalConstraint, Request, Response, RestrictedExpression, Schema, ValidationMode, Validator,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;

/// Whether records are about a patient or about nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A patient's record.
    PatientData,
    /// Practitioners, organisations, locations and other records about no patient.
    Directory,
}

impl Kind {
    /// What the target can be: across the population both, for a type whose records are a patient's or nobody's. A type of the patient
    /// compartment counts as patient data even where no patient is named in the record.
    #[must_use]
    pub fn of(target: &Target) -> &'static [Self] {
        match (target.rtype.map_or(Holds::Patients, holds), &target.scope) {
            (Holds::Patients, _) => &[Self::PatientData],
            (Holds::Either, Scope::Population) => &[Self::PatientData, Self::Directory],
            (Holds::Directory, Scope::Population) => &[Self::Directory],
            _ if target.subject.is_directory() => &[Self::Directory],
            _ => &[Self::PatientData],
        }
    }

    /// The name as it stands in the matrix.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PatientData => "patient-data",
            Self::Directory => "directory",
        }
    }
}

/// What the answer of the rules depends on, apart from whether the record is the caller's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Question {
    /// The roles of the caller.
    pub roles: RoleSet,
    /// His purpose.
    pub purpose: Purpose,
    /// What he wants to do.
    pub interaction: Interaction,
    /// To which kind of data.
    pub kind: Kind,
    /// To which type; only writes depend on it, and a write without one is refused.
    pub rtype: Option<ResourceType>,
}

/// The classes that the rules give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// For a record that is not the caller's own.
    pub(crate) any: ClassSet,
    /// For his own; for the directory the same.
    pub(crate) own: ClassSet,
}

pub(crate) const fn is_write(interaction: Interaction) -> bool {
    matches!(interaction, Interaction::Create | Interaction::Update | Interaction::Patch | Interaction::Delete)
}

/// Loaded, validated policies.
pub(crate) struct Rules {
    schema: Schema,
    policies: PolicySet,
    authorizer: Authorizer,
    names: Names,
    /// Types that some policy names, and one that none names to stand for all the others.
    named_types: BTreeSet<ResourceType>,
    other_type: Option<ResourceType>,
    defaults: HashMap<Role, Purpose>,
}

impl Rules {
    /// Reads and validates schema and policies, strictly: warnings count as errors.
    pub(crate) fn load(schema: &str, files: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let (schema, warnings) =
            Schema::from_cedarschema_str(schema).map_err(|error| PolicyError::Schema(error.to_string()))?;
        if let Some(warning) = warnings.into_iter().next() {
            return Err(PolicyError::Schema(warning.to_string()));
        }
        let mut policies = PolicySet::new();
        for (file, text) in files {
            read_file(file, text, &mut policies)?;
        }
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if !checked.validation_passed_without_warnings() {
            return Err(PolicyError::Invalid(checked.to_string()));
        }
        let names = Names::new()?;
        let named_types = named_types(&policies, &names.rtype);
        let other_type = ResourceType::all().find(|rtype| !named_types.contains(rtype));
        let mut rules = Self {
            schema,
            policies,
            authorizer: Authorizer::new(),
            names,
            named_types,
            other_type,
            defaults: HashMap::new(),
        };
        rules.defaults = rules.read_defaults()?;
        Ok(rules)
    }

    /// The purpose of a caller who names none: that of his first role, in the order of [`Role::ALL`].
    pub(crate) fn default_purpose(&self, roles: RoleSet) -> Option<Purpose> {
        roles.iter().find_map(|role| self.defaults.get(&role).copied())
    }

    pub(crate) fn may_use(&self, roles: RoleSet, purpose: Purpose) -> bool {
        let Ok(entities) = self.entities(roles) else { return false };
        let resource = self.names.uid(&self.names.purpose, purpose.as_str());
        self.ask(roles_caller(&self.names), "use-purpose", resource, Vec::new(), &entities).is_some_and(allows)
    }

    pub(crate) fn admin(&self, roles: RoleSet, purpose: Purpose, action: &str) -> bool {
        let Ok(entities) = self.entities(roles) else { return false };
        let resource = self.names.uid(&self.names.system, "aceso");
        let context = vec![self.purpose_pair(purpose)];
        self.ask(roles_caller(&self.names), action, resource, context, &entities).is_some_and(allows)
    }

    /// The types between which the rules tell a difference, and one that stands for all the others.
    pub(crate) fn telling_types(&self) -> impl Iterator<Item = ResourceType> + '_ {
        self.named_types.iter().copied().chain(self.other_type)
    }

    /// Whether policies name this type.
    pub(crate) fn names_type(&self, rtype: ResourceType) -> bool {
        self.named_types.contains(&rtype)
    }

    /// The same question with everything left out that the answer does not depend on. Policies compare types only for
    /// equality with literals, so all types that none of them names get the same answer.
    pub(crate) fn canonical(&self, mut question: Question) -> Question {
        question.rtype = match question.rtype {
            Some(rtype) if is_write(question.interaction) => {
                if self.named_types.contains(&rtype) {
                    Some(rtype)
                } else {
                    self.other_type
                }
            }
            Some(_) | None => None,
        };
        question
    }

    /// Asks Cedar, once per class and ownership.
    pub(crate) fn evaluate(&self, question: Question) -> Verdict {
        if let Some([seen, changed]) = parts_of_a_patch(question) {
            let (seen, changed) = (self.evaluate(seen), self.evaluate(changed));
            return Verdict { any: seen.any.intersection(changed.any), own: seen.own.intersection(changed.own) };
        }
        let Ok(entities) = self.entities(question.roles) else {
            return Verdict { any: ClassSet::NONE, own: ClassSet::NONE };
        };
        let classes = |own: bool| {
            DataClass::ALL
                .into_iter()
                .filter(|class| self.answer(question, *class, own, &entities).is_some_and(allows))
                .fold(ClassSet::NONE, ClassSet::with)
        };
        let any = classes(false);
        let own = if question.kind == Kind::PatientData { classes(true) } else { any };
        Verdict { any, own }
    }

    /// For each class, the policies that decided.
    pub(crate) fn explain(&self, question: Question, own: bool) -> String {
        let mut text = String::new();
        let Ok(entities) = self.entities(question.roles) else { return text };
        for class in DataClass::ALL {
            let why = |question| why(self.answer(question, class, own, &entities));
            let line = match parts_of_a_patch(question) {
                None => why(question),
                Some([seen, changed]) => {
                    why(seen).and_then(|seen| why(changed).map(|changed| format!("{seen}, {changed}")))
                }
            };
            // Writing to a String cannot fail.
            let _ = match line {
                Ok(policies) => writeln!(text, "{:<10} permitted by {policies}", class.as_str()),
                Err(reason) => writeln!(text, "{:<10} {reason}", class.as_str()),
            };
        }
        text
    }

    fn answer(&self, question: Question, class: DataClass, own: bool, entities: &Entities) -> Option<Response> {
        let mut context = vec![self.purpose_pair(question.purpose)];
        if is_write(question.interaction) {
            let rtype = self.names.uid(&self.names.rtype, question.rtype?.name());
            context.push((String::from("resourceType"), RestrictedExpression::new_entity_uid(rtype)));
        }
        let resource = self.names.part(question.kind, class, own);
        self.ask(roles_caller(&self.names), question.interaction.as_str(), resource, context, entities)
    }

    /// `None` when the question does not fit the schema, which counts as no.
    fn ask(
        &self,
        principal: EntityUid,
        action: &str,
        resource: EntityUid,
        context: Vec<(String, RestrictedExpression)>,
        entities: &Entities,
    ) -> Option<Response> {
        let action = self.names.uid(&self.names.action, action);
        let context = Context::from_pairs(context).ok()?;
        let request = Request::new(principal, action, resource, context, Some(&self.schema)).ok()?;
        Some(self.authorizer.is_authorized(&request, &self.policies, entities))
    }

    fn purpose_pair(&self, purpose: Purpose) -> (String, RestrictedExpression) {
        let uid = self.names.uid(&self.names.purpose, purpose.as_str());
        (String::from("purpose"), RestrictedExpression::new_entity_uid(uid))
    }

    /// The caller with his roles, and one entity per class of part.
    fn entities(&self, roles: RoleSet) -> Result<Entities, PolicyError> {
        let names = &self.names;
        let parents = roles.iter().map(|role| names.uid(&names.role, role.as_str())).collect();
        let mut entities = vec![Entity::new_no_attrs(roles_caller(names), parents)];
        for class in DataClass::ALL {
            let class_uid = || RestrictedExpression::new_entity_uid(names.uid(&names.class, class.as_str()));
            for own in [false, true] {
                let attributes = HashMap::from([
                    (String::from("class"), class_uid()),
                    (String::from("own"), RestrictedExpression::new_bool(own)),
                ]);
                let uid = names.part(Kind::PatientData, class, own);
                entities.push(Entity::new(uid, attributes, HashSet::new()).map_err(PolicyError::unfit)?);
            }
            let attributes = HashMap::from([(String::from("class"), class_uid())]);
            let uid = names.part(Kind::Directory, class, false);
            entities.push(Entity::new(uid, attributes, HashSet::new()).map_err(PolicyError::unfit)?);
        }
        Entities::from_entities(entities, Some(&self.schema)).map_err(PolicyError::unfit)
    }

    /// A policy on `use-purpose` for one role may say `@default("CODE")`; the role must be permitted that purpose.
    fn read_defaults(&self) -> Result<HashMap<Role, Purpose>, PolicyError> {
        let mut defaults = HashMap::new();
        for policy in self.policies.policies() {
            let Some(code) = policy.annotation("default") else { continue };
            let role = match policy.principal_constraint() {
                PrincipalConstraint::In(uid) => Role::parse(uid.id().unescaped()),
                _ => None,
            };
            let (Some(role), Some(purpose)) = (role, Purpose::parse(code)) else {
                return Err(PolicyError::Default(policy.id().to_string()));
            };
            if !self.may_use(RoleSet::NONE.with(role), purpose) || defaults.insert(role, purpose).is_some() {
                return Err(PolicyError::Default(policy.id().to_string()));
            }
        }
        Ok(defaults)
    }
}

/// A patch shows what it changes (it works on what the caller sees, and tells whether it fits), so no policy speaks of it: whoever
/// may do both, to the same class, may patch.
fn parts_of_a_patch(question: Question) -> Option<[Question; 2]> {
    let part = |interaction| Question { interaction, ..question };
    (question.interaction == Interaction::Patch).then(|| [part(Interaction::Read), part(Interaction::Update)])
}

/// The policies that permit it, or why it is not permitted.
fn why(response: Option<Response>) -> Result<String, String> {
    let Some(response) = response else { return Err(String::from("denied: a change needs a type")) };
    let mut deciders: Vec<_> = response.diagnostics().reason().map(PolicyId::to_string).collect();
    deciders.sort();
    let permitted = response.decision() == Decision::Allow;
    let broken = response.diagnostics().errors().count();
    match (permitted, broken, deciders.is_empty()) {
        (_, 1.., _) => Err(String::from("denied: a policy could not be evaluated")),
        (true, ..) => Ok(deciders.join(", ")),
        (false, _, false) => Err(format!("forbidden by {}", deciders.join(", "))),
        (false, _, true) => Err(String::from("denied: no policy permits it")),
    }
}

/// A policy that fails to evaluate might be a forbid, so an answer with errors is no.
fn allows(response: Response) -> bool {
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

fn roles_caller(names: &Names) -> EntityUid {
    names.uid(&names.caller, "caller")
}

/// Policies are named by their `@id`, so that explanations and the log speak of them by name.
fn read_file(file: &str, text: &str, into: &mut PolicySet) -> Result<(), PolicyError> {
    let fault = |message: String| PolicyError::Text { file: file.to_owned(), message };
    let set = PolicySet::from_str(text).map_err(|error| fault(error.to_string()))?;
    if set.num_of_templates() > 0 {
        return Err(fault(String::from("templates are not used here")));
    }
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| policy.id().to_string());
    for policy in policies {
        let id = policy.annotation("id").ok_or_else(|| fault(format!("{} has no @id", policy.id())))?;
        into.add(policy.new_id(PolicyId::new(id))).map_err(|error| fault(error.to_string()))?;
    }
    Ok(())
}

fn named_types(policies: &PolicySet, rtype: &EntityTypeName) -> BTreeSet<ResourceType> {
    policies
        .policies()
        .flat_map(Policy::entity_literals)
        .filter(|uid| uid.type_name() == rtype)
        .filter_map(|uid| ResourceType::parse(uid.id().unescaped()))
        .collect()
}

/// The entity types of the schema, parsed once.
struct Names {
    role: EntityTypeName,
    purpose: EntityTypeName,
    class: EntityTypeName,
    rtype: EntityTypeName,
    system: EntityTypeName,
    caller: EntityTypeName,
    patient_data: EntityTypeName,
    directory: EntityTypeName,
    action: EntityTypeName,
}

impl Names {
    fn new() -> Result<Self, PolicyError> {
        let name = |text: &str| EntityTypeName::from_str(text).map_err(PolicyError::unfit);
        Ok(Self {
            role: name("Role")?,
            purpose: name("Purpose")?,
            class: name("Class")?,
            rtype: name("Type")?,
            system: name("System")?,
            caller: name("Caller")?,
            patient_data: name("PatientData")?,
            directory: name("Directory")?,
            action: name("Action")?,
        })
    }

    #[expect(clippy::unused_self, reason = "reads as a method of the names")]
    fn uid(&self, kind: &EntityTypeName, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
    }

    fn part(&self, kind: Kind, class: DataClass, own: bool) -> EntityUid {
        match (kind, own) {
            (Kind::PatientData, true) => self.uid(&self.patient_data, &format!("own-{class}")),
            (Kind::PatientData, false) => self.uid(&self.patient_data, class.as_str()),
            (Kind::Directory, _) => self.uid(&self.directory, class.as_str()),
        }
    }
}
