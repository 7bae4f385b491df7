//! The boxes of the panel.

use super::compare::{Compared, readers as to_compare};
use super::{Keys, Log, Stored, Subject};
use crate::context::Context;
use crate::pages::connections::token_table;
use crate::ui;
use aceso_base::{Interaction, Purpose, Role, RoleSet};
use aceso_connect::admin::Status;
use aceso_labels::{ClassSet, DataClass};
use aceso_policy::{Kind, Question};
use maud::{Markup, html};

/// A box: its number and title, the one sentence, and what it holds.
fn boxed(number: u8, title: &str, proves: &str, wide: bool, body: &Markup) -> Markup {
    html! {
        section class={ "card proof" @if wide { " wide" } } aria-labelledby={ "box-" (number) } {
            h2 id={ "box-" (number) } { span class="step" aria-hidden="true" { (number) } (title) }
            p class="proves" { (proves) }
            (body)
        }
    }
}

pub(super) fn readers(context: &Context, subject: Option<&Subject>, open: bool) -> Markup {
    let nothing = Compared::empty();
    let compared = subject.map_or(&nothing, |subject| &subject.compared);
    let readers = to_compare(context, subject.map(|subject| &subject.id)).unwrap_or_default();
    let more = compared.may != compared.opened;
    let body = html! {
        div class="scroll" tabindex="0" role="region" aria-label="One record, side by side" {
            table class="compare" {
                thead { tr {
                    th scope="col" { "Element" } th scope="col" { "Class" }
                    @for reader in &readers {
                        th scope="col" class=[reader.viewer.then_some("viewer")] {
                            (ui::role_title(reader.role)) @if reader.viewer { " (you)" }
                            span class="sub" { "for " (ui::purpose_text(reader.purpose)) }
                        }
                    }
                } }
                tbody {
                    @for line in &compared.lines {
                        tr {
                            th scope="row" { (line.name) }
                            td { (ui::badge(line.class)) }
                            @for reader in &readers {
                                td class=[reader.viewer.then_some("viewer")] { (cell(compared, line.class, line.value.as_deref(), reader.classes)) }
                            }
                        }
                    }
                }
            }
        }
        div class="under" {
            @if let Some(subject) = subject {
                p class="muted" {
                    "Record " a class="id" href={ "/console/patients/" (subject.id) } { "Patient/" (ui::short(subject.id.as_str())) }
                    ". The rules were asked what each role sees; nobody acted as another. "
                    @if compared.may == ClassSet::STRUCTURE { "Your own role sees no value, so none is on this page." }
                    @else if open { "Values are here because you opened them, and only where that role would see them too." }
                    @else { "A tick means: that role would see it. You have opened nothing yet." }
                }
                @if !open && more {
                    (ui::form(context, "/console/proof", "inline", &html! {
                        input type="hidden" name="patient" value=(subject.id);
                        button type="submit" class="primary" { "Open with my own rights" }
                    }))
                }
            } @else {
                p class="muted" { "Your role knows of no patient: this is what the rules say, without any record." }
            }
        }
    };
    boxed(
        1,
        "One record, different readers",
        "The same stored bytes give each role its own classes; the rest stays ciphertext for it.",
        true,
        &body,
    )
}

fn cell(compared: &Compared, class: DataClass, value: Option<&str>, reader: ClassSet) -> Markup {
    if !reader.contains(class) {
        return ui::mask(class, 3);
    }
    match value {
        Some(text) => html! { (text) },
        None if compared.opened.contains(class) => html! { span class="muted" { "–" } },
        None => html! { span class="sees" { span aria-hidden="true" { "✓" } " sees it" } },
    }
}

pub(super) fn stored(stored: Option<&Stored>) -> Markup {
    let body = html! {
        @match stored {
            None => { p class="muted" { "Your role may read no record, so not even its stored form is shown." } }
            Some((rtype, id, form)) => {
                dl class="facts" {
                    dt { "Row" } dd { (rtype.name()) "/" span title=(id) { (ui::short(id.as_str())) } ", version " (form.version) ", " span class="num" { (form.facts.bytes) " bytes" } }
                    dt { "Format" } dd { (form.facts.format) " · HKDF-SHA-256, AES-256-GCM, key commitment" }
                    dt { "Keys" } dd { "tenant key v" (form.facts.tenant_key_version) ", " (holder(form)) " key v" (form.facts.subject_key_version) }
                    dt { "Salt" } dd { (ui::hex(&form.facts.salt)) }
                    dt { "Commitment" } dd { (ui::hex(form.facts.subject_commitment.get(..16).unwrap_or_default())) "…" }
                }
                table class="plain sealed-parts" {
                    thead { tr { th scope="col" { "Part" } th scope="col" class="num" { "Bytes" } th scope="col" { "Ciphertext begins" } } }
                    tbody {
                        @for part in &form.facts.parts {
                            tr { td { (ui::badge(part.class)) } td class="num" { (part.bytes) } td { (ui::hex(&part.sample)) "…" } }
                        }
                    }
                }
                p class="muted" {
                    "Each part is padded, has a key of its own, and is bound to this row: type, id, version, tenant, region. Moved, swapped "
                    "or set back, it does not open, and that is an entry of the log."
                }
                p class="muted" { "Looking at this row opened nothing. It is entry " b class="num" { "#" (form.receipt.index()) } "." }
            }
        }
    };
    boxed(2, "What lies on the disk", "Whoever steals the database has this, and no key.", false, &body)
}

/// Whose key seals what is not structure.
fn holder(form: &aceso_custodian::StoredForm) -> &'static str {
    if form.subject.is_directory() { "directory" } else { "patient" }
}

pub(super) fn verify(context: &Context, newest: Option<u64>) -> Markup {
    let key = context.door().log_key().map(|key| key.to_string()).unwrap_or_default();
    let full = context.may(aceso_policy::AdminAction::ReadAudit);
    let body = html! {
        div data-verify data-key=(key) data-full=(full) {
            div class="inline verify-ask" {
                label for="verify-index" { "Entry" }
                input id="verify-index" type="number" min="0" inputmode="numeric" value=[newest];
                button type="button" class="primary" data-verify-run { "Verify in this browser" }
            }
            p class="hint" {
                @if full { "Any entry. Hashes come from the tiles of the log, and your browser puts them together itself." }
                @else { "Yours: the entry that this page has just written. Your browser computes every hash itself." }
            }
            ol class="steps" data-verify-steps aria-live="polite" {
                li class="todo" { "Signature of the checkpoint (Ed25519)" }
                li class="todo" { "Entry → commitment → leaf (SHA-256)" }
                li class="todo" { "Inclusion: leaf → root (RFC 9162)" }
                li class="todo" { "Consistency with the checkpoint that this browser saw before" }
            }
            noscript { p class="error" { "This check runs in the browser and needs JavaScript. Without it: aceso audit export, then aceso audit verify." } }
        }
    };
    boxed(
        3,
        "The log proves itself",
        "Your browser recomputes the tree and compares it with what the server signed.",
        false,
        &body,
    )
}

pub(super) fn rules(context: &Context) -> Markup {
    let engine = context.door().engine();
    let question = |role: Role, purpose: Purpose| Question {
        roles: RoleSet::NONE.with(role),
        purpose,
        interaction: Interaction::Read,
        kind: Kind::PatientData,
        rtype: None,
    };
    let pairs = Role::ALL.iter().flat_map(|role| Purpose::ALL.iter().map(move |purpose| (*role, *purpose)));
    let pairs: Vec<_> = pairs.filter(|(role, purpose)| engine.may_use(RoleSet::NONE.with(*role), *purpose)).collect();
    let body = html! {
        div class="scroll" tabindex="0" role="region" aria-label="Access rules" {
            table class="matrix" {
                thead { tr {
                    th scope="col" { "Role" } th scope="col" { "Purpose" }
                    @for class in DataClass::ALL { th scope="col" class="mid" { (ui::badge(class)) } }
                } }
                tbody {
                    @for (role, purpose) in pairs {
                        @let viewer = context.caller.roles.contains(role) && context.caller.purpose == purpose;
                        @let classes = engine.classes(question(role, purpose));
                        tr class=[viewer.then_some("viewer")] {
                            th scope="row" { (ui::role_title(role)) @if viewer { " (you)" } }
                            td { (purpose) " " span class="muted" { (ui::purpose_text(purpose)) } }
                            @for class in DataClass::ALL {
                                td class="mid" {
                                    @if classes.any.contains(class) { span class="yes" role="img" aria-label="may read" { "✓" } }
                                    @else if classes.own.contains(class) { span class="own" title="of his own record" { "own" } }
                                    @else { span class="never" role="img" aria-label="may not read" { "·" } }
                                }
                            }
                        }
                    }
                }
            }
        }
        p class="muted" {
            "Who may read which classes of a patient's record. Asked from the policies that decide, version " code { (engine.version()) }
            "; what stands nowhere is denied."
        }
    };
    boxed(
        4,
        "The rules in force",
        "This table is asked from the engine that decides, not written beside it.",
        true,
        &body,
    )
}

pub(super) fn keys(context: &Context, keys: &Keys, stored: Option<&Stored>) -> Markup {
    let body = html! {
        @if let Some(status) = &keys.status {
            (key_table(status))
        } @else if let Some((_, _, form)) = stored {
            dl class="facts" {
                dt { "Root key" } dd { "outside the data directory; wraps the tenant's keys" }
                dt { "Tenant key" } dd { "v" (form.facts.tenant_key_version) " seals this record's structure" }
                dt { "Key of the " (holder(form)) } dd { "v" (form.facts.subject_key_version) " seals the rest" @if !form.subject.is_directory() { "; deleting it shreds him" } }
                dt { "Part keys" } dd { "one per version and class, derived when a class is opened" }
            }
            p class="muted" { "How many rows each version seals is for operators to see." }
        } @else {
            p class="muted" { "Key versions are for operators to see." }
        }
        @if context.may(aceso_policy::AdminAction::ManageKeys) { p { a href="/console/system" { "Rotate on the system page" } } }
    };
    boxed(
        5,
        "Keys",
        "Keys have versions; a rotation moves every row to the newest one while people work.",
        false,
        &body,
    )
}

/// Versions with what each still seals, and the progress of the sweep.
pub(crate) fn key_table(status: &aceso_custodian::KeyStatus) -> Markup {
    let used = |version: u32| status.usage.iter().find(|row| row.tenant_key_version == version);
    let root = |version: u32| status.roots.iter().find(|(of, _)| *of == version).and_then(|(_, root)| *root);
    let total: u64 = status.usage.iter().map(|row| row.subject_keys + row.records).sum();
    let done = total.saturating_sub(status.left());
    html! {
        table class="plain" {
            thead { tr {
                th scope="col" { "Tenant key" } th scope="col" { "Since (UTC)" } th scope="col" class="num" { "Patient keys" }
                th scope="col" class="num" { "Records" } th scope="col" { "Wrapped by" } th scope="col" { "State" }
            } }
            tbody {
                @for (version, since, retired) in &status.versions {
                    tr {
                        td { "v" (version) } td { (ui::moment(*since)) }
                        td class="num" { (used(*version).map_or(0, |row| row.subject_keys)) }
                        td class="num" { (used(*version).map_or(0, |row| row.records)) }
                        td class="muted" { @if let Some(root) = root(*version) { "root v" (root) } @else { "root key" } }
                        td { @if retired.is_some() { span class="state past" { "retired" } } @else { span class="state ok" { "seals" } } }
                    }
                }
            }
        }
        label class="progress" {
            span data-keys-text { @if status.left() == 0 { "All rows are at v" (status.primary) } @else { (status.left()) " rows still to move to v" (status.primary) } }
            progress max=(total.max(1)) value=(done.max(u64::from(total == 0))) data-keys {}
        }
        @if status.unreadable > 0 {
            p class="error" { (status.unreadable) " rows did not open when they were to be moved; each is an entry of the log." }
        }
    }
}

pub(super) fn denied(log: &Log) -> Markup {
    let body = html! {
        @if log.denied.is_empty() {
            p class="muted" { @if log.everybody { "No denials yet." } @else { "You were not denied anything of late." } }
        } @else {
            ul class="lines" {
                @for logged in &log.denied {
                    li {
                        span class="line-main" {
                            (ui::outcome(logged.entry.outcome())) " "
                            b { (logged.entry.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")) }
                            " " (logged.entry.action().as_str())
                            @if let Some(purpose) = logged.entry.purpose() { " for " (purpose) }
                        }
                        span class="line-side" { (ui::moment(logged.time)) " " span class="num muted" { "#" (logged.index) } }
                    }
                }
            }
        }
        p class="muted" {
            @if log.everybody { a href="/console/audit?denied" { "All denials" } } @else { "Your own. Everybody's are for auditors." }
        }
    };
    boxed(6, "Denied reads", "Who was refused, and by which gate: a denial is written like any access.", false, &body)
}

/// The state of each upstream token, for who looks after connections.
pub(super) fn tokens(context: &Context, connections: Option<&[Status]>) -> Markup {
    let body = html! {
        @match connections {
            Some(all) => { (token_table(context, all)) }
            None => { p class="muted" { "When they expire and were renewed is for operators to see." } }
        }
        p class="muted" {
            "A connected system gives this server a token, which opens as much there as a person's. One keeper obtains it, seals it before it is "
            "stored, and puts it into requests on their way out. Nobody who asks for records can ask for it, this page included."
        }
    };
    boxed(
        7,
        "Tokens of connected systems",
        "What opens the other system is kept like a record: its state is told, the token never.",
        true,
        &body,
    )
}

pub(super) fn stream(context: &Context, log: &Log) -> Markup {
    html! {
        section class="card flush" aria-labelledby="stream" {
            div class="table-head" {
                h2 id="stream" { "The audit log, " @if log.everybody { "live" } @else { "your part of it" } }
                span class="muted" {
                    span class="live" data-live-state { "not live" } " · "
                    span class="num" data-size { (log.receipt.tree_size()) } " entries · root "
                    code class="root" data-root { "…" }
                }
            }
            div data-live=(if log.everybody { "all" } else { "head" }) {
                (ui::entries(context, &log.stream, "Newest entries of the audit log", None))
            }
        }
    }
}
