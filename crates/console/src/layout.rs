//! The frame around every page: navigation, who is signed in and for what purpose, sign-out.

use crate::assets;
use crate::context::Context;
use crate::form::CSRF;
use aceso_policy::AdminAction;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    None,
    Patients,
    Proof,
    Audit,
    Connections,
    System,
    Claims,
    Me,
}

/// An entry of the navigation: where it leads, and for whom it is there.
struct Entry {
    section: Section,
    path: &'static str,
    name: &'static str,
    shown: fn(&Context) -> bool,
}

/// The navigation, in order. What is not shown is refused at its page all the same.
const NAVIGATION: &[Entry] = &[
    Entry {
        section: Section::Patients,
        path: "/console/patients",
        name: "Patients",
        shown: |context| !context.classes(&context.caller, None).is_empty(),
    },
    Entry { section: Section::Proof, path: "/console/proof", name: "Proof", shown: |_| true },
    Entry {
        section: Section::Audit,
        path: "/console/audit",
        name: "Audit log",
        shown: |context| context.may(AdminAction::ReadAudit),
    },
    Entry {
        section: Section::System,
        path: "/console/system",
        name: "System",
        shown: |context| context.may(AdminAction::ManageKeys),
    },
    Entry {
        section: Section::Connections,
        path: "/console/connections",
        name: "Connections",
        shown: |context| context.may(AdminAction::ManageConnections),
    },
    Entry { section: Section::Claims, path: "/console/claims", name: "What is claimed", shown: |_| true },
];

/// Where somebody begins: the first page of the navigation that is for him.
pub(crate) fn home(context: &Context) -> &'static str {
    let first = NAVIGATION.iter().find(|entry| entry.section != Section::Proof && (entry.shown)(context));
    first.filter(|entry| entry.section != Section::Claims).map_or("/console/proof", |entry| entry.path)
}

/// A whole page.
pub(crate) fn page(context: Option<&Context>, title: &str, section: Section, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Aceso" }
                link rel="stylesheet" href=(assets::path("console.css"));
                link rel="icon" type="image/svg+xml" href=(assets::path("mark.svg"));
                script type="module" src=(assets::path("console.js")) {}
                @if matches!(section, Section::Proof | Section::Audit) {
                    script type="module" src=(assets::path("verify.js")) {}
                }
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                @if let Some(context) = context {
                    (bar(context, section))
                }
                main id="main" class=[context.is_none().then_some("alone")] tabindex="-1" { (body) }
                footer class="foot" {
                    span { "Aceso " (env!("CARGO_PKG_VERSION")) }
                    @if let Some(context) = context {
                        span { "region " (context.caller.region) " · tenant " (context.caller.tenant) }
                        span { "rules " code { (context.door().engine().version()) } }
                        span { "request " code { (context.caller.request) } }
                    }
                }
            }
        }
    };
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, html)], page.into_string()).into_response()
}

fn bar(context: &Context, section: Section) -> Markup {
    html! {
        header class="bar" {
            a class="brand" href="/console" aria-label="Aceso console, start" {
                img src=(assets::path("mark.svg")) alt="" width="22" height="22";
                span { "Aceso" }
            }
            nav aria-label="Main" {
                ul {
                    @for entry in NAVIGATION.iter().filter(|entry| (entry.shown)(context)) {
                        li {
                            a href=(entry.path) aria-current=[(entry.section == section).then_some("page")] { (entry.name) }
                        }
                    }
                }
            }
            div class="who" {
                a class="me" href="/console/me" aria-current=[(section == Section::Me).then_some("page")] {
                    span class="me-name" { (context.username) }
                    span class="me-role" { (context.role_names()) }
                }
                span class="purpose" title=(crate::ui::purpose_text(context.caller.purpose)) {
                    span class="visually-hidden" { "acting for " }
                    (context.caller.purpose)
                }
                form method="post" action="/console/sign-out" {
                    input type="hidden" name=(CSRF) value=(context.session.csrf);
                    button type="submit" class="quiet" { "Sign out" }
                }
            }
        }
    }
}
