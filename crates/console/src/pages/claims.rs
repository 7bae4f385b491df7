//! What the product claims, and what it does not. The same as README and THREATS say, for whoever stands before the screen.

use crate::context::Context;
use crate::layout::{Section, page};
use axum::response::Response;
use maud::{Markup, html};

pub(crate) async fn get(context: Context) -> Response {
    let body = html! {
        h1 { "What is claimed, and what is not" }
        p class="lead" { "For whoever has to answer a security questionnaire: in short words. docs/requirements.md names the tests that prove each." }
        div class="grid two" {
            section class="card" {
                h2 { "Claimed, and tested" }
                ul class="checks" {
                    (claim("Every element of a record is sealed before it is stored.", "AES-256-GCM, one part per data class, each part under a key of its own. The table of classes covers every R4 element, or nothing builds."))
                    (claim("A read is redacted unless role and purpose open more.", "What is not granted is not filtered out: its key is not derived."))
                    (claim("The log comes first.", "No durable entry, no bytes. Where the log takes no entry, the answer is 503."))
                    (claim("The log cannot be rewritten unnoticed.", "A Merkle tree with signed checkpoints. Whoever kept an older checkpoint can show a change, a cut or a fork without trusting this server."))
                    (claim("Operators run the system without seeing patients.", "Their role opens no class of any patient's record. Keys rotate and are moved without a person reading."))
                    (claim("A stored row belongs to its place.", "Moved, swapped or set back, it does not open, and that is an entry of the log."))
                    (claim("Deleting one key makes the rest of a patient unreadable.", "In the database and in every copy of it that comes back without an older copy of the key row."))
                }
            }
            section class="card" {
                h2 { "Not claimed" }
                ul class="crosses" {
                    (claim("That this server protects from itself while it runs.", "Whoever controls the running process and its root key can read what it can read."))
                    (claim("That sealed means that nothing shows.", "Type, id, version, time, which classes a record has and their padded lengths are visible in the database. So is what each search index says of itself: aceso leakage prints it."))
                    (claim("That the log shows its own end.", "A log that was cut after the last checkpoint that anybody outside kept cannot be told from a shorter one. Keep checkpoints elsewhere."))
                    (claim("That your browser checks independently of this server.", "The check on these pages runs in your browser, in a script that this server sent. For a check without it: aceso audit export, aceso audit verify, or any C2SP tool."))
                    (claim("That a reason or purpose is true.", "Who says TREAT is believed and recorded. Relationship and consent rules are not built yet."))
                    (claim("A certification.", "No HIPAA, GDPR or ISO statement comes with it. The demo's patients are synthetic."))
                }
            }
        }
    };
    page(Some(&context), "What is claimed", Section::Claims, &body)
}

fn claim(what: &str, how: &str) -> Markup {
    html! { li { b { (what) } " " span class="muted" { (how) } } }
}
