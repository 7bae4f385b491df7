//! `aceso policy`.

use super::{AsJson, write_json};
use crate::app::unreachable;
use crate::exit::{Exit, Failure};
use aceso_base::{Interaction, Purpose, Role, RoleSet, SubjectId};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Engine, Kind, Question, Scope, Target};
use serde_json::{Value, json};
use std::io::Write;

/// What to ask of the rules.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check that the policies of this build load and fit their schema
    Check(AsJson),
    /// Print the permission matrix: role, purpose, interaction, data class
    Matrix(AsJson),
    /// Say for each data class which policies permit or forbid one kind of request
    Explain(Explain),
}

/// One kind of request.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A role of who asks; may be given several times
    #[arg(long = "role", required = true, value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Purpose of use, such as TREAT; when not given, the usual one of the roles
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Option<String>,
    /// What is asked: read, vread, history, search, everything, create, update, delete, patch
    #[arg(long, value_name = "INTERACTION", default_value = "read")]
    pub interaction: String,
    /// Resource type of the record
    #[arg(long = "type", value_name = "TYPE", default_value = "Patient")]
    pub rtype: String,
    /// The record is the caller's own
    #[arg(long, conflicts_with = "nobodys")]
    pub own: bool,
    /// The record is about no patient, of a type that may be a patient's or nobody's, such as Device
    #[arg(long)]
    pub nobodys: bool,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Runs it.
///
/// # Errors
/// [`Failure`] when the policies do not load, or the question is none.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    let engine = Engine::load().map_err(|error| unreachable("the policies", error.to_string()))?;
    match command {
        Command::Check(form) if form.json => write_json(out, &json!({ "valid": true, "version": engine.version() }))?,
        Command::Check(_) => writeln!(out, "the policies load and fit their schema; version {}", engine.version())?,
        Command::Matrix(form) if form.json => write_json(out, &matrix(&engine))?,
        Command::Matrix(_) => write!(out, "{}", engine.matrix())?,
        Command::Explain(asked) => {
            let question = question(&engine, asked)?;
            let told = engine.explain(question, asked.own);
            if asked.form.json {
                let denied = told.strip_prefix("denied: ").map(str::trim_end);
                let lines = told.lines().filter(|_| denied.is_none());
                let classes: serde_json::Map<String, Value> = lines
                    .filter_map(|line| line.split_once(char::is_whitespace))
                    .map(|(class, why)| (class.to_owned(), why.trim().into()))
                    .collect();
                let told = json!({
                    "version": engine.version(),
                    "purpose": question.purpose.as_str(),
                    "data": question.kind.as_str(),
                    "denied": denied,
                    "classes": classes,
                });
                write_json(out, &told)?;
            } else {
                write!(out, "{told}")?;
            }
        }
    }
    Ok(Exit::Done)
}

fn question(engine: &Engine, asked: &Explain) -> Result<Question, Failure> {
    let usage = |text: &str| Failure::Usage(text.to_owned());
    let mut roles = RoleSet::NONE;
    for name in &asked.roles {
        let names = || Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        let role = Role::parse(name).ok_or_else(|| Failure::Usage(format!("--role is one of: {}", names())))?;
        roles = roles.with(role);
    }
    let purpose = match &asked.purpose {
        Some(code) => {
            Purpose::parse(code).ok_or_else(|| usage("--purpose is a code that this server knows, such as TREAT"))?
        }
        None => {
            engine.default_purpose(roles).ok_or_else(|| usage("these roles have no usual purpose: say --purpose"))?
        }
    };
    let interaction = Interaction::parse(&asked.interaction)
        .ok_or_else(|| usage("--interaction is one of those that --help lists"))?;
    let rtype = ResourceType::parse(&asked.rtype).ok_or_else(|| usage("--type is a resource type of FHIR R4"))?;
    let kinds = Kind::of(&Target { rtype: Some(rtype), subject: SubjectId::DIRECTORY, scope: Scope::Population });
    let kind = if !asked.nobodys && kinds.contains(&Kind::PatientData) {
        Kind::PatientData
    } else if kinds.contains(&Kind::Directory) {
        Kind::Directory
    } else {
        return Err(usage("--nobodys: records of this type are always a patient's"));
    };
    Ok(Question { roles, purpose, interaction, kind, rtype: Some(rtype) })
}

/// The matrix as data: its text is read, so that the two cannot differ.
fn matrix(engine: &Engine) -> Value {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut all: Vec<Value> = Vec::new();
    for line in engine.matrix().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let rule = line.strip_prefix("  ").map(|rule| rule.split(" | ").collect::<Vec<_>>());
        match rule.as_deref() {
            None => {
                let mut heading = line.split_whitespace();
                let (role, purpose) = (heading.next(), heading.next());
                let usual = heading.next().is_some();
                all.push(json!({ "role": role, "purpose": purpose, "default": usual, "rules": [] }));
            }
            Some([interactions, data, rest @ ..]) => {
                let classes = rest.first().map(|classes| words(classes)).unwrap_or_default();
                let rule = json!({ "interactions": words(interactions), "data": data, "classes": classes });
                if let Some(rules) = all.last_mut().and_then(|last| last.get_mut("rules")?.as_array_mut()) {
                    rules.push(rule);
                }
            }
            Some(_) => {}
        }
    }
    json!({ "version": engine.version(), "matrix": all })
}
