//! Who am I: name, role, purpose, what that opens; and the switch of purpose.

use crate::context::Context;
use crate::form::Form;
use crate::guard::{add_receipt, see_other};
use crate::layout::{Section, home as first_page, page};
use crate::refusal::Refused;
use crate::ui;
use aceso_base::Purpose;
use aceso_policy::AdminAction;
use aceso_repository::Fault;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;

/// How many of his own doings somebody is shown.
const LATELY: usize = 20;

pub(crate) async fn home(context: Context) -> Response {
    see_other(first_page(&context))
}

pub(crate) async fn get(context: Context) -> Result<Response, Refused> {
    let lately = context.door().own_entries(&context.caller, None, LATELY).await?;
    let body = html! {
        h1 { "Who am I" }
        div class="grid two" {
            section class="card" {
                h2 { (context.username) }
                dl class="facts" {
                    dt { "Roles" } dd { (context.role_names()) }
                    dt { "Acting for" }
                    dd { b { (context.caller.purpose) } " " span class="muted" { (ui::purpose_text(context.caller.purpose)) } }
                    @if let Some(own) = &context.caller.own_patient {
                        dt { "Own record" } dd { a href={ "/console/patients/" (own) } { "Patient/" (ui::short(own.as_str())) } }
                    }
                    dt { "Tenant" } dd { (context.caller.tenant) }
                    dt { "Session" } dd { code { (ui::short(&context.caller.session.to_string())) } }
                }
            }
            section class="card" {
                h2 { "Purpose of use" }
                p class="muted" { "The purpose decides what your role opens. It stands in every entry of the log." }
                (ui::form(&context, "/console/purpose", "choices", &html! {
                    fieldset {
                        legend class="visually-hidden" { "Purpose of use" }
                        @for purpose in lasting(&context) {
                            @let chosen = purpose == context.caller.purpose;
                            label class="choice" {
                                input type="radio" name="purpose" value=(purpose) checked[chosen];
                                span {
                                    b { (purpose) } " " span class="muted" { (ui::purpose_text(purpose)) }
                                    @let opens = context.classes(&context.acting_for(purpose), None);
                                    span class="choice-opens" {
                                        @if opens.is_empty() { span class="muted" { "opens nothing of any patient" } } @else { (ui::badges(opens)) }
                                    }
                                }
                            }
                        }
                    }
                    button type="submit" { "Use this purpose" }
                    @if context.purposes().any(|purpose| purpose == Purpose::EmergencyTreatment) {
                        p class="hint" { "Emergency treatment is named at each opening of a record, with its reason." }
                    }
                }))
            }
        }
        section class="card" {
            h2 { "What you did lately" }
            p class="muted" {
                "From the audit log. Everybody may see his own doings"
                @if context.may(AdminAction::ReadAudit) { "; as auditor you see " a href="/console/audit" { "everybody's" } }
                "."
            }
            (ui::entries(&context, &lately.entries, "Your own entries of the audit log", None))
        }
        (ui::legend())
    };
    let mut response = page(Some(&context), "Who am I", Section::Me, &body);
    add_receipt(response.headers_mut(), Some(&lately.receipt));
    Ok(response)
}

/// The purposes for which somebody can act until he says otherwise. An emergency is not one: it has a reason each time.
fn lasting(context: &Context) -> impl Iterator<Item = Purpose> + '_ {
    context.purposes().filter(|purpose| *purpose != Purpose::EmergencyTreatment)
}

pub(crate) async fn purpose(context: Context, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let form = Form::of(&context, &headers, body).await?;
    let purpose = form.get("purpose").and_then(Purpose::parse);
    let purpose = purpose.ok_or_else(|| Fault::new(400, "value", "not a purpose of use that this server knows"))?;
    if !context.door().engine().may_use(context.caller.roles, purpose) {
        return Err(Fault::new(403, "purpose", "none of your roles may act for this purpose").into());
    }
    if !lasting(&context).any(|lasting| lasting == purpose) {
        return Err(
            Fault::new(400, "value", "emergency treatment is named where a record is opened, with a reason").into()
        );
    }
    context.session.choose(purpose);
    Ok(see_other("/console/me"))
}
