//! Finding patients. What is typed travels in the body of a form, never in an address: addresses end up in histories and logs.

use crate::context::Context;
use crate::form::Form;
use crate::guard::add_receipt;
use crate::layout::{Section, page};
use crate::reading::Record;
use crate::refusal::Refused;
use crate::ui;
use aceso_base::Role;
use aceso_custodian::{Page, Position, Receipt, Shape, View};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};
use aceso_repository::{Fault, ViewsCall};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

/// Matches on a page.
const SHOWN: usize = 50;

/// What was asked for, as it was typed.
#[derive(Default)]
struct Asked {
    name: Option<String>,
    born: Option<String>,
    identifier: Option<String>,
    open: bool,
    /// The place after the page before.
    after: Option<String>,
}

impl Asked {
    fn pairs(&self) -> Vec<(String, String)> {
        let given = [
            ("name", self.name.as_deref().map(escaped)),
            ("birthdate", self.born.clone()),
            ("identifier", self.identifier.as_deref().map(escaped)),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The structure, and if it was asked for, who they are.
    fn classes(&self) -> ClassSet {
        if self.open { ClassSet::STRUCTURE.with(DataClass::Identity) } else { ClassSet::STRUCTURE }
    }
}

pub(crate) async fn get(context: Context) -> Result<Response, Refused> {
    answer(&context, &Asked::default()).await
}

pub(crate) async fn post(context: Context, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let form = Form::of(&context, &headers, body).await?;
    let field = |name: &str| form.get(name).map(str::to_owned);
    let asked = Asked {
        name: field("name"),
        born: field("born"),
        identifier: field("identifier"),
        open: form.get("open") == Some("identity"),
        after: field("after"),
    };
    answer(&context, &asked).await
}

/// Text in which nothing has a meaning of FHIR search (R4 search.html, section 3.1.1.4.0.1).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | ',' | '$' | '|') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

async fn answer(context: &Context, asked: &Asked) -> Result<Response, Refused> {
    let pairs = asked.pairs();
    // A patient finds himself only, and needs no search for it.
    let own = context.caller.roles.iter().all(|role| role == Role::Patient);
    let may_ask = !context.classes(&context.caller, None).is_empty();
    let call = ViewsCall {
        rtype: ResourceType::PATIENT,
        compartment: None,
        pairs: &pairs,
        count: SHOWN,
        after: asked.after.as_deref(),
        shape: Shape::of_classes(asked.classes()),
    };
    let found = context.console.inner.repository.views(&context.caller, &call).await;
    let (page_of, refused) = match found {
        Ok(page_of) => (page_of, None),
        // The search itself is refused, not the page: who may know of patients can ask in another way.
        Err(fault) if may_ask && !pairs.is_empty() && matches!(fault.status, 400 | 403) => (None, Some(fault)),
        Err(fault) => return Err(fault.into()),
    };
    let (listed, receipt) = match page_of {
        Some(found) => {
            let next = context.console.inner.repository.next_views(&context.caller, &call, &found)?;
            let shown = found.matches.len();
            // The last page ends where the matches end.
            let before = found.next.as_ref().map_or(found.total, Position::number).saturating_sub(shown);
            let Page { matches, total, receipt, .. } = found;
            let part = Part { before, total, next };
            (Some(list(context, asked, matches, &part, &receipt)?), Some(receipt))
        }
        None => (None, None),
    };
    let body = html! {
        div class="head" {
            @if own {
                h1 { "Your record" }
                p class="muted" { "Redacted until you open it, and nobody else's is here. What you open is recorded, as it is for everybody." }
            } @else {
                h1 { "Patients" }
                p class="muted" { "The list is redacted: it shows that records are there. Open a patient to open classes of his record." }
            }
        }
        @if !own { (search(context, asked)) }
        @if let Some(fault) = refused { (refusal(context, &fault)) }
        @if let Some(listed) = listed { (listed) }
        (ui::legend())
    };
    let mut response = page(Some(context), "Patients", Section::Patients, &body);
    add_receipt(response.headers_mut(), receipt.as_ref());
    Ok(response)
}

fn search(context: &Context, asked: &Asked) -> Markup {
    let may = context.classes(&context.caller, None).contains(DataClass::Identity);
    let typed = |value: &Option<String>| value.clone().unwrap_or_default();
    ui::form(
        context,
        "/console/patients",
        "card search",
        &html! {
            div class="field" { label for="name" { "Name" } input id="name" name="name" value=(typed(&asked.name)) autocomplete="off"; }
            div class="field" {
                label for="born" { "Birth date" }
                input id="born" name="born" type="date" value=(asked.born.as_deref().unwrap_or_default()) autocomplete="off";
            }
            div class="field" {
                label for="identifier" { "Identifier" }
                input id="identifier" name="identifier" value=(typed(&asked.identifier)) autocomplete="off";
            }
            label class="check" {
                input type="checkbox" name="open" value="identity" checked[asked.open] disabled[!may];
                span { "Open " (ui::badge(DataClass::Identity)) " of the matches" }
            }
            button type="submit" class="primary" { "Search" }
            @if !may {
                p class="hint wide" {
                    "Your role does not open identity for " (context.caller.purpose) ", so it may not search by it either."
                }
            }
        },
    )
}

fn refusal(context: &Context, fault: &Fault) -> Markup {
    html! {
        div class="card error" role="alert" {
            @if fault.status == 403 {
                b { "Not searchable for " (context.role_names()) ". " }
                "What a role may not see, it may not search by. "
            } @else {
                b { "This search cannot be answered. " }
                @if let Some(issue) = fault.issues.first() { (issue.diagnostics) ". " }
            }
            @if let Some(receipt) = &fault.receipt { span class="muted" { "Entry #" (receipt.index()) " of the audit log." } }
        }
    }
}

/// Which part of the matches a page shows.
struct Part {
    before: usize,
    total: usize,
    next: Option<String>,
}

fn list(context: &Context, asked: &Asked, matches: Vec<View>, part: &Part, receipt: &Receipt) -> Result<Markup, Fault> {
    let (before, total) = (part.before, part.total);
    let opened = asked.classes().intersection(context.classes(&context.caller, None));
    let mut rows = Vec::with_capacity(matches.len());
    for view in matches {
        let (id, updated) = (view.id().clone(), view.updated());
        rows.push((id, updated, Record::of(view)?));
    }
    let shown = rows.len();
    Ok(html! {
        section class="card flush" {
            div class="table-head" {
                h2 { @if total == 1 { "1 patient" } @else { (total) " patients" } }
                span class="muted" {
                    @if shown < total && shown > 0 { (before + 1) " to " (before + shown) " · " }
                    "opened: " (ui::badges(opened)) " · entry " span class="num" { "#" (receipt.index()) }
                }
            }
            div class="scroll" tabindex="0" role="region" aria-label="Patients" {
                table class="rows" {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "Born" } th scope="col" { "Sex" } th scope="col" { "Record number" }
                        th scope="col" { "Record" } th scope="col" { "Last change (UTC)" }
                    } }
                    tbody {
                        @for (id, updated, record) in &rows {
                            @let link = format!("/console/patients/{id}");
                            tr {
                                td { a href=(link) {
                                    (ui::value(record.name().as_deref(), DataClass::Identity, opened, 3))
                                    span class="visually-hidden" { " open record " (ui::short(id.as_str())) }
                                } }
                                td class="num" { (ui::value(record.day("birthDate").as_deref(), DataClass::Identity, opened, 2)) }
                                td { (ui::value(record.text("gender").as_deref(), DataClass::Identity, opened, 1)) }
                                td class="num" { (ui::value(record.record_number().as_deref(), DataClass::Identity, opened, 3)) }
                                td { a class="id" href=(link) title=(id) { (ui::short(id.as_str())) } }
                                td { (ui::moment(*updated)) }
                            }
                        }
                        @if rows.is_empty() { tr { td colspan="6" class="muted" { "Nobody matches." } } }
                    }
                }
            }
            (turning(context, asked, part))
        }
    })
}

/// To the first page and to the next. Forms, like the search itself: what was typed stays out of addresses.
fn turning(context: &Context, asked: &Asked, part: &Part) -> Markup {
    let to = |words: &str, after: Option<&str>| {
        ui::form(
            context,
            "/console/patients",
            "inline",
            &html! {
                @for (name, value) in [("name", &asked.name), ("born", &asked.born), ("identifier", &asked.identifier)] {
                    @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
                }
                @if asked.open { input type="hidden" name="open" value="identity"; }
                @if let Some(after) = after { input type="hidden" name="after" value=(after); }
                button type="submit" { (words) }
            },
        )
    };
    html! {
        @if part.before > 0 || part.next.is_some() {
            nav class="inline turning" aria-label="Pages" {
                @if part.before > 0 { (to("First page", None)) }
                @if let Some(next) = &part.next { (to("Next page", Some(next))) }
            }
        }
    }
}
