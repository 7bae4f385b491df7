//! The proof panel: on one page, why a record is safe here. Each box says in one sentence what it shows.

mod boxes;
pub(crate) use boxes::key_table;
mod compare;

use super::connections;
use crate::context::Context;
use crate::form::Form;
use crate::guard::add_receipt;
use crate::layout::{Section, page};
use crate::refusal::Refused;
use crate::ui;
use aceso_audit::{LoggedEntry, Outcome};
use aceso_base::{LogicalId, SubjectId};
use aceso_custodian::{KeyStatus, LogQuestion, Receipt, Shape, StoredForm};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use aceso_policy::AdminAction;
use aceso_repository::{Fault, ViewsCall, decode_pairs};
use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use compare::Compared;
use maud::html;

const DENIALS: usize = 6;
const STREAM: usize = 8;

pub(crate) async fn get(context: Context, uri: Uri) -> Result<Response, Refused> {
    let named = decode_pairs(uri.query().unwrap_or_default())?;
    let named = named.iter().find(|(name, _)| name == "patient").map(|(_, id)| id.as_str());
    answer(&context, named, false).await
}

pub(crate) async fn post(context: Context, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let form = Form::of(&context, &headers, body).await?;
    answer(&context, form.get("patient"), true).await
}

/// What the page shows of one patient; nothing for who may know of none.
struct Subject {
    id: LogicalId,
    compared: Compared,
}

async fn answer(context: &Context, named: Option<&str>, open: bool) -> Result<Response, Refused> {
    let patient = chosen(context, named).await?;
    let (subject, stored, log, keys, connections) = tokio::join!(
        of_patient(context, patient.as_ref(), open),
        stored(context, patient.as_ref()),
        log(context),
        keys(context),
        connections::for_panel(context),
    );
    let (subject, stored, log, keys, connections) = (subject?, stored?, log?, keys?, connections?);
    let newest =
        stored.as_ref().map(|(_, _, form)| form.receipt.index()).or_else(|| log.own.first().map(|own| own.index));
    let body = html! {
        div class="head" {
            h1 { "Proof" }
            p class="lead" {
                "Seven boxes, from the same system that you are using. Nothing on this page is a mock-up: what is hatched was not "
                "opened, what is hexadecimal is what lies on the disk, and the log is checked in your browser."
            }
        }
        (boxes::readers(context, subject.as_ref(), open))
        div class="grid two" {
            (boxes::stored(stored.as_ref()))
            (boxes::verify(context, newest))
        }
        (boxes::rules(context))
        div class="grid two" {
            (boxes::keys(context, &keys, stored.as_ref()))
            (boxes::denied(&log))
        }
        (boxes::tokens(context, connections.as_deref()))
        (boxes::stream(context, &log))
        (ui::legend())
    };
    let mut response = page(Some(context), "Proof", Section::Proof, &body);
    add_receipt(response.headers_mut(), Some(&log.receipt));
    Ok(response)
}

/// The patient that was named, or looked at last, or his own, or the first that there is; `None` for roles that know of no patient.
async fn chosen(context: &Context, named: Option<&str>) -> Result<Option<LogicalId>, Refused> {
    if context.classes(&context.caller, None).is_empty() {
        return Ok(None);
    }
    if let Some(named) = named {
        let id = LogicalId::parse(named).ok().filter(|id| SubjectId::of_patient(id.as_str()).is_some());
        return Ok(Some(id.ok_or_else(|| Fault::new(404, "not-found", "there is no such record"))?));
    }
    if let Some(known) = context.caller.own_patient.clone().or_else(|| context.session.patient()) {
        return Ok(Some(known));
    }
    let shape = Shape::of_classes(ClassSet::STRUCTURE);
    let call = ViewsCall { rtype: ResourceType::PATIENT, compartment: None, pairs: &[], count: 1, after: None, shape };
    let found = context.console.inner.repository.views(&context.caller, &call).await?;
    let id = found.and_then(|page| page.matches.first().map(|view| view.id().clone()));
    if let Some(id) = &id {
        context.session.looked_at(id);
    }
    Ok(id)
}

async fn of_patient(context: &Context, id: Option<&LogicalId>, open: bool) -> Result<Option<Subject>, Refused> {
    let Some(id) = id else { return Ok(None) };
    let compared = Compared::read(context, id, open).await?;
    Ok(Some(Subject { id: id.clone(), compared }))
}

type Stored = (ResourceType, LogicalId, StoredForm);

/// The stored form of the patient's record; for who may know of no patient, of an organisation.
async fn stored(context: &Context, id: Option<&LogicalId>) -> Result<Option<Stored>, Refused> {
    let (rtype, id) = match id {
        Some(id) => (ResourceType::PATIENT, id.clone()),
        None => {
            let Some(rtype) = ResourceType::parse("Organization") else { return Ok(None) };
            let shape = Shape::of_classes(ClassSet::STRUCTURE);
            let call = ViewsCall { rtype, compartment: None, pairs: &[], count: 1, after: None, shape };
            let found = match context.console.inner.repository.views(&context.caller, &call).await {
                Ok(found) => found,
                // A role that reads nothing at all: an empty box, and the denial is in the log.
                Err(fault) if fault.status == 403 => None,
                Err(fault) => return Err(fault.into()),
            };
            match found.and_then(|page| page.matches.first().map(|view| view.id().clone())) {
                Some(id) => (rtype, id),
                None => return Ok(None),
            }
        }
    };
    let form = context.door().stored_form(&context.caller, rtype, &id).await?;
    Ok(Some((rtype, id, form)))
}

/// What the caller may know of the log.
struct Log {
    everybody: bool,
    stream: Vec<LoggedEntry>,
    denied: Vec<LoggedEntry>,
    own: Vec<LoggedEntry>,
    receipt: Receipt,
}

async fn log(context: &Context) -> Result<Log, Refused> {
    let own = context.door().own_entries(&context.caller, None, 64).await?;
    if !context.may(AdminAction::ReadAudit) {
        let is_denied = |logged: &LoggedEntry| matches!(logged.entry.outcome(), Outcome::Denied(_));
        let denied = own.entries.iter().filter(|logged| is_denied(logged)).take(DENIALS).cloned().collect();
        let stream = own.entries.iter().take(STREAM).cloned().collect();
        return Ok(Log { everybody: false, stream, denied, own: own.entries, receipt: own.receipt });
    }
    let (stream, denied) = tokio::join!(
        context.door().log_about(&context.caller, &LogQuestion::Newest, STREAM),
        context.door().log_about(&context.caller, &LogQuestion::Denied, DENIALS),
    );
    let (stream, denied) = (stream?.entries, denied?.entries);
    Ok(Log { everybody: true, stream, denied, own: own.entries, receipt: own.receipt })
}

/// Key versions, for operators with the progress of a sweep.
struct Keys {
    status: Option<KeyStatus>,
}

async fn keys(context: &Context) -> Result<Keys, Refused> {
    if !context.may(AdminAction::ManageKeys) {
        return Ok(Keys { status: None });
    }
    let _ = context.door().admit_admin(&context.caller, AdminAction::ManageKeys, "keys-status").await?;
    Ok(Keys { status: Some(context.door().key_status(&context.caller.tenant)?) })
}
