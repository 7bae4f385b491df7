//! The operators' page: health, keys, jobs. No patient on it.

use super::proof::key_table;
use crate::context::Context;
use crate::form::Form;
use crate::guard::{add_receipt, see_other};
use crate::layout::{Section, page};
use crate::refusal::Refused;
use crate::ui;
use aceso_policy::AdminAction;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;

pub(crate) async fn get(context: Context) -> Result<Response, Refused> {
    let receipt = context.door().admit_admin(&context.caller, AdminAction::ManageKeys, "keys-status").await?;
    let status = context.door().key_status(&context.caller.tenant)?;
    let health = &context.console.inner.health;
    let checks = health.checks();
    let well = checks.iter().all(|check| check.state.is_ok());
    let left = status.left();
    let body = html! {
        div class="head" {
            h1 { "System" }
            p class="muted" { "Health, keys and jobs. Running the system needs no patient: your role opens no class of any record." }
        }
        div class="grid two" {
            section class="card" {
                h2 { "Health " span class={ "state " @if well { "ok" } @else { "bad" } } { @if well { "ready" } @else { "not ready" } } }
                table class="plain" {
                    thead { tr { th scope="col" { "Check" } th scope="col" { "State" } th scope="col" { "What to do" } } }
                    tbody {
                        @for check in &checks {
                            tr {
                                th scope="row" { (check.name) }
                                @match check.state {
                                    Ok(()) => { td { span class="state ok" { "well" } } td class="muted" { "nothing" } }
                                    Err(remedy) => { td { span class="state bad" { "unwell" } } td { (remedy) } }
                                }
                            }
                        }
                    }
                }
                dl class="facts" {
                    dt { "Waiting for a commit" } dd class="num" { (health.queue_depth()) " units" }
                    dt { "Free disk" } dd class="num" { (gibibytes(health.disk_free())) }
                    dt { "Audit log" } dd class="num" { (receipt.tree_size()) " entries" }
                }
            }
            section class="card" {
                h2 { "Jobs" }
                table class="plain" {
                    thead { tr { th scope="col" { "Job" } th scope="col" { "State" } th scope="col" { "Does" } } }
                    tbody {
                        tr {
                            th scope="row" { "Key sweep" }
                            td { @if left > 0 { span class="state no" { "moving" } } @else { span class="state ok" { "nothing to do" } } }
                            td class="muted" { "Moves rows to the newest key, a block at a time, beside all requests. Opens nothing for anybody." }
                        }
                    }
                }
            }
        }
        section class="card" data-live="keys" {
            h2 { "Keys" }
            (key_table(&status))
            div class="under" {
                p class="muted" { "A rotation makes a new version at once; the sweep then moves every row. Old rows open as before meanwhile." }
                (ui::form(&context, "/console/system/rotate", "inline", &html! { button type="submit" { "Rotate the tenant key" } }))
            }
        }
    };
    let mut response = page(Some(&context), "System", Section::System, &body);
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

pub(crate) async fn rotate(context: Context, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let receipt = context.door().admit_admin(&context.caller, AdminAction::ManageKeys, "keys-rotate").await?;
    context.door().rotate_tenant_key(&context.caller.tenant, &context.caller.user).await?;
    let mut response = see_other("/console/system");
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1_u32 << 30))
}
