//! The auditors' page: who saw this patient, what did this person do, what was denied; and the whole log to take along.

use crate::context::Context;
use crate::guard::add_receipt;
use crate::layout::{Section, page};
use crate::refusal::Refused;
use crate::ui;
use aceso_base::{SubjectId, UserId};
use aceso_custodian::LogQuestion;
use aceso_repository::{Fault, decode_pairs};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

const SHOWN: usize = 50;

/// What is asked, and the texts of the fields.
#[derive(Default)]
struct Asked {
    patient: String,
    actor: String,
    denied: bool,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for (name, value) in decode_pairs(uri.query().unwrap_or_default())? {
            match name.as_str() {
                "patient" => asked.patient = value.trim().trim_start_matches("Patient/").to_owned(),
                "actor" => asked.actor = value.trim().to_owned(),
                "denied" => asked.denied = true,
                _ => return Err(Fault::new(400, "not-supported", "not a question of this page")),
            }
        }
        Ok(asked)
    }

    fn question(&self) -> Result<LogQuestion, Fault> {
        let malformed = |text: &'static str| Fault::new(400, "value", text);
        match (self.patient.as_str(), self.actor.as_str(), self.denied) {
            ("", "", false) => Ok(LogQuestion::Newest),
            ("", "", true) => Ok(LogQuestion::Denied),
            (id, "", false) => {
                let subject = SubjectId::of_patient(&id.to_ascii_lowercase());
                subject
                    .map(LogQuestion::Patient)
                    .ok_or_else(|| malformed("a patient is named by the UUID of his record"))
            }
            ("", id, false) => {
                let user = UserId::parse(id).map_err(|_| malformed("not an id of a person or service"))?;
                Ok(LogQuestion::Actor(user))
            }
            _ => Err(malformed("one question at a time")),
        }
    }
}

pub(crate) async fn get(context: Context, uri: Uri) -> Result<Response, Refused> {
    let asked = Asked::read(&uri)?;
    let question = asked.question()?;
    let found = context.door().log_about(&context.caller, &question, SHOWN).await?;
    let key = context.door().log_key()?.to_string();
    let title = match question {
        LogQuestion::Newest => "Newest entries",
        LogQuestion::Patient(_) => "Who saw this patient",
        LogQuestion::Actor(_) => "What this person did",
        LogQuestion::Denied => "Denials",
    };
    let about = match &question {
        LogQuestion::Patient(subject) => Some(*subject),
        _ => None,
    };
    let body = html! {
        div class="head" {
            h1 { "Audit log" }
            p class="muted" { "Entries name ids, roles, purposes and classes; no health data stands in them. Your reading is an entry, too." }
        }
        (questions(&asked))
        section class="card flush" {
            div class="table-head" {
                h2 { (title) }
                span class="muted" {
                    (found.entries.len()) " shown · " span class="num" { (found.receipt.tree_size()) } " in the log"
                    @if found.since > 0 { " · searched from entry " span class="num" { (found.since) } " on" }
                }
            }
            (ui::entries(&context, &found.entries, title, about))
        }
        div class="grid two" {
            (verify(&key, found.receipt.index()))
            section class="card" {
                h2 { "Take it along" }
                p { "The whole log as " code { "aceso audit export" } " writes it: entries, tiles, checkpoint and key. Anybody can check it offline:" }
                pre class="command" tabindex="0" { "tar xf aceso-log.tar && aceso audit verify aceso-log" }
                p { a class="button" href="/console/audit/export.tar" download { "Download with proofs" } }
                p class="hint" { "Guard the file: " code { "entries/" } " in it is the readable log. Tiles and checkpoint may be given to anybody." }
            }
        }
    };
    let mut response = page(Some(&context), "Audit log", Section::Audit, &body);
    add_receipt(response.headers_mut(), Some(&found.receipt));
    Ok(response)
}

fn questions(asked: &Asked) -> Markup {
    html! {
        div class="card questions" {
            form method="get" action="/console/audit" {
                label for="patient" { "Who saw this patient?" }
                div class="inline" {
                    input id="patient" name="patient" value=(asked.patient) placeholder="id of the record (UUID)" autocomplete="off" required;
                    button type="submit" { "Ask" }
                }
            }
            form method="get" action="/console/audit" {
                label for="actor" { "What did this person do?" }
                div class="inline" {
                    input id="actor" name="actor" value=(asked.actor) placeholder="id; or choose a name below" autocomplete="off" required;
                    button type="submit" { "Ask" }
                }
            }
            div class="links" {
                a class="button" href="/console/audit?denied" aria-current=[asked.denied.then_some("true")] { "Denials" }
                a class="button" href="/console/audit" { "Newest" }
            }
        }
    }
}

fn verify(key: &str, newest: u64) -> Markup {
    html! {
        section class="card" data-verify data-key=(key) data-full="true" {
            h2 { "Check an entry" }
            div class="inline verify-ask" {
                label for="verify-index" { "Entry" }
                input id="verify-index" type="number" min="0" inputmode="numeric" value=(newest);
                button type="button" data-verify-run { "Verify in this browser" }
            }
            ol class="steps" data-verify-steps aria-live="polite" {}
            p class="hint" { "The log's public key: " code class="wrap" { (key) } }
        }
    }
}
