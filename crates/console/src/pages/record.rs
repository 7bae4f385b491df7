//! One patient's record. A visit shows its structure; a form opens classes of it, and the answer to that form is the opened record:
//! it has no address, so nothing opens by following a link or going back.

use super::record_parts::{self as parts, Sections};
use crate::context::Context;
use crate::form::Form;
use crate::guard::add_receipt;
use crate::layout::{Section, page};
use crate::reading::Record;
use crate::refusal::Refused;
use crate::ui;
use aceso_base::{Caller, LogicalId, Purpose, SubjectId};
use aceso_custodian::{LogQuestion, Shape};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};
use aceso_policy::AdminAction;
use aceso_repository::{Fault, ReadCall};
use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

/// Entries of the log on the page.
const LOGGED: usize = 12;

/// Why a record is opened in an emergency: a closed list, because the log takes no text of a request.
const REASONS: [(&str, &str); 4] = [
    ("emergency-care", "Emergency care"),
    ("patient-cannot-consent", "The patient cannot answer"),
    ("covering-colleague", "Covering for a colleague"),
    ("public-safety", "Danger for others"),
];

/// What is to be opened, and why.
struct Opening {
    caller: Caller,
    shape: Shape,
}

pub(crate) async fn get(context: Context, Path(id): Path<String>) -> Result<Response, Refused> {
    let opening = Opening { caller: context.caller.clone(), shape: Shape::of_classes(ClassSet::STRUCTURE) };
    answer(&context, &id, &opening).await
}

pub(crate) async fn post(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let form = Form::of(&context, &headers, body).await?;
    let opening = opening(&context, &form)?;
    answer(&context, &id, &opening).await
}

fn opening(context: &Context, form: &Form) -> Result<Opening, Fault> {
    let malformed = |text: &'static str| Fault::new(400, "value", text);
    let purpose = match form.get("purpose") {
        Some(code) => Purpose::parse(code).ok_or_else(|| malformed("not a purpose of use that this server knows"))?,
        None => context.caller.purpose,
    };
    let mut classes = ClassSet::STRUCTURE;
    for name in form.all("class") {
        classes = classes.with(DataClass::parse(name).ok_or_else(|| malformed("not a data class"))?);
    }
    let reason = form.get("reason").map(|code| {
        let known = REASONS.iter().find(|(known, _)| *known == code);
        known.map(|(known, _)| *known).ok_or_else(|| malformed("not a reason of the list"))
    });
    let reason = reason.transpose()?;
    if purpose == Purpose::EmergencyTreatment && reason.is_none() {
        return Err(malformed("emergency treatment needs a reason"));
    }
    let reason = reason.filter(|_| purpose == Purpose::EmergencyTreatment);
    Ok(Opening { caller: context.acting_for(purpose), shape: Shape { reason, ..Shape::of_classes(classes) } })
}

async fn answer(context: &Context, id: &str, opening: &Opening) -> Result<Response, Refused> {
    let nobody = || Fault::new(404, "not-found", "there is no such record");
    let id = LogicalId::parse(id).map_err(|_| nobody())?;
    let subject = SubjectId::of_patient(id.as_str()).ok_or_else(nobody)?;
    let Opening { caller, shape } = opening;
    let read = ReadCall { rtype: ResourceType::PATIENT, id: id.clone(), version: None, shape: shape.clone() };
    // The patient first: who may not know of him is told nothing of what there is.
    let (view, receipt) = context.console.inner.repository.view(caller, &read).await?;
    context.session.looked_at(&id);
    let may = context.classes(caller, Some(subject));
    let opened = may.intersection(shape.classes.unwrap_or(ClassSet::STRUCTURE));
    let (version, updated) = (view.version(), view.updated());
    let patient = Record::of(view)?;
    let sections = Sections::read(context, caller, subject, shape, opened).await?;
    let (logged, everybody) = accesses(context, subject).await?;
    let body = html! {
        nav class="crumbs" aria-label="Breadcrumb" {
            a href="/console/patients" { "Patients" } " / " span { "Patient/" (ui::short(id.as_str())) }
        }
        (parts::header(&patient, opened, (&id, version, updated)))
        div class="record" {
            div class="record-main" { (sections.shown(opened)) }
            aside class="record-side" aria-label="Opening this record" {
                (open_form(context, &id, opening, (may, opened)))
                (parts::written(&receipt, &sections, opened, opening.caller.purpose))
                p class="side-link" { a href={ "/console/proof?patient=" (id) } { "How is this record protected?" } }
            }
        }
        section class="card" {
            h2 { @if everybody { "Who looked at this patient" } @else { "Your own looks at this patient" } }
            p class="muted" {
                "From the audit log, newest first. Marked entries were written by this very page: before anything was opened. "
                @if !everybody { "Who else looked is for auditors to know." }
            }
            (ui::entries(context, &logged, "Accesses to this patient's records", Some(subject)))
        }
        (ui::legend())
    };
    let title = if opened == ClassSet::STRUCTURE { "Record, redacted" } else { "Record, opened" };
    let mut response = page(Some(context), title, Section::Patients, &body);
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

/// Who looked: everybody for those who may read the log, for others what they did themselves.
async fn accesses(context: &Context, subject: SubjectId) -> Result<(Vec<aceso_audit::LoggedEntry>, bool), Refused> {
    if context.may(AdminAction::ReadAudit) {
        let found = context.door().log_about(&context.caller, &LogQuestion::Patient(subject), LOGGED).await?;
        return Ok((found.entries, true));
    }
    let found = context.door().own_entries(&context.caller, Some(subject), LOGGED).await?;
    Ok((found.entries, false))
}

fn open_form(context: &Context, id: &LogicalId, opening: &Opening, (may, opened): (ClassSet, ClassSet)) -> Markup {
    let purpose = opening.caller.purpose;
    let anything = may != ClassSet::STRUCTURE && !may.is_empty();
    let emergency = context.purposes().any(|purpose| purpose == Purpose::EmergencyTreatment);
    let fields = html! {
        h2 { "Open by class" }
        p class="muted" { "What you open is recorded first, then decrypted. The rest stays ciphertext: its keys are not even derived." }
        fieldset {
            legend { "Classes" }
            @for class in ui::opened_classes() {
                label class="check" {
                    input type="checkbox" name="class" value=(class.as_str()) checked[opened.contains(class)] disabled[!may.contains(class)];
                    span {
                        (ui::badge(class))
                        @if !may.contains(class) { " " span class="muted" { "not for " (purpose) } }
                    }
                }
            }
        }
        label for="purpose" { "Purpose" }
        select id="purpose" name="purpose" {
            @for choice in context.purposes() {
                option value=(choice) selected[choice == purpose] { (choice) ", " (ui::purpose_text(choice)) }
            }
        }
        @if emergency {
            label for="reason" { "Reason " span class="muted" { "(for emergency treatment)" } }
            select id="reason" name="reason" {
                option value="" { "–" }
                @for (code, words) in REASONS { option value=(code) selected[opening.shape.reason == Some(code)] { (words) } }
            }
        }
        button type="submit" class="primary" disabled[!anything] { "Open selected" }
        @if opened != ClassSet::STRUCTURE {
            a class="button" href={ "/console/patients/" (id) } { "Close again" }
        }
        @if !anything {
            p class="hint" { "Your role sees the structure only. Nothing of this record can be opened for " (purpose) "." }
        }
    };
    ui::form(context, &format!("/console/patients/{id}"), "card open", &fields)
}
