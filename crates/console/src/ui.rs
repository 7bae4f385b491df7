//! The small parts that pages are put together from: badges, masks, boxes, times.

use crate::context::Context;
use crate::form::CSRF;
use aceso_audit::{Action, LoggedEntry, Outcome};
use aceso_base::{Purpose, Role, SubjectId, Timestamp, UserId};
use aceso_identity::Actor;
use aceso_labels::{ClassSet, DataClass};
use aceso_policy::AdminAction;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What a purpose of use means, in words.
pub(crate) const fn purpose_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "treatment",
        Purpose::EmergencyTreatment => "emergency treatment",
        Purpose::Payment => "payment",
        Purpose::Operations => "healthcare operations",
        Purpose::Research => "research",
        Purpose::PatientRequest => "at the patient's request",
        Purpose::Compliance => "compliance and audit",
        Purpose::Administration => "running the system",
    }
}

/// What a data class holds, in words.
pub(crate) const fn class_text(class: DataClass) -> &'static str {
    match class {
        DataClass::Structure => "type, id, version, states and links: what a fully redacted read shows",
        DataClass::Identity => "who: names, identifiers, birth and death, photo",
        DataClass::Contact => "how to reach: addresses, phone, contact persons",
        DataClass::Clinical => "what was found, done or planned, and when",
        DataClass::Sensitive => "what law or custom guards more: race, gender identity, genetics, all that is unknown",
        DataClass::Financial => "claims, coverage, accounts, prices",
        DataClass::Narrative => "free text and documents: may hold anything",
    }
}

/// The classes that can be opened, in order: all but the structure, which every read shows.
pub(crate) fn opened_classes() -> impl Iterator<Item = DataClass> {
    DataClass::ALL.into_iter().filter(|class| *class != DataClass::Structure)
}

pub(crate) fn badge(class: DataClass) -> Markup {
    html! { span class={ "badge c-" (class.as_str()) } title=(class_text(class)) { (class.as_str()) } }
}

pub(crate) fn badges(classes: ClassSet) -> Markup {
    html! {
        span class="badges" {
            @for class in classes.iter() { (badge(class)) " " }
            @if classes.is_empty() { span class="muted" { "none" } }
        }
    }
}

pub(crate) fn legend() -> Markup {
    html! {
        details class="legend" {
            summary { "What the classes mean" }
            dl {
                @for class in DataClass::ALL { dt { (badge(class)) } dd { (class_text(class)) } }
                dt { (mask(DataClass::Identity, 2)) } dd { "sealed: this page did not open it" }
            }
        }
    }
}

/// A hatched bar in the place of what was not opened. `width` from 1 to 4.
pub(crate) fn mask(class: DataClass, width: u8) -> Markup {
    html! {
        span class={ "mask m" (width.clamp(1, 4)) " c-" (class.as_str()) } role="img"
            aria-label={ "sealed, " (class.as_str()) } title={ "sealed: " (class.as_str()) } {}
    }
}

/// A value, or the mask of its class, or a dash where it was opened and there is none.
pub(crate) fn value(text: Option<&str>, class: DataClass, opened: ClassSet, width: u8) -> Markup {
    match text {
        Some(text) => html! { (text) },
        None if opened.contains(class) => html! { span class="muted" { "–" } },
        None => mask(class, width),
    }
}

/// The day and time of a moment, UTC.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    html! { time class="num" datetime=(text) title={ (text) " (UTC)" } { (moment_text(at)) } }
}

/// A moment as text, UTC, to the second.
pub(crate) fn moment_text(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {}", time.get(..8).unwrap_or_default())
}

/// A length of time in its largest unit that is at least one.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A form of the console: its token is in it.
pub(crate) fn form(context: &Context, action: &str, class: &str, body: &Markup) -> Markup {
    html! {
        form method="post" action=(action) class=(class) {
            input type="hidden" name=(CSRF) value=(context.session.csrf);
            (body)
        }
    }
}

/// Hexadecimal text in groups of four bytes.
pub(crate) fn hex(bytes: &[u8]) -> Markup {
    let groups = bytes.chunks(4).map(|group| data_encoding::HEXLOWER.encode(group));
    html! { code class="hex" { @for group in groups { span { (group) } " " } } }
}

pub(crate) const fn role_title(role: Role) -> &'static str {
    match role {
        Role::Physician => "Physician",
        Role::Nurse => "Nurse",
        Role::FrontDesk => "Front desk",
        Role::Billing => "Billing",
        Role::Researcher => "Researcher",
        Role::Auditor => "Auditor",
        Role::Operator => "Operator",
        Role::Patient => "Patient",
        Role::Integration => "Integration",
    }
}

/// How something ended, as a word with a sign: never by colour alone.
pub(crate) fn outcome(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Granted => html! { span class="state ok" { "granted" } },
        Outcome::Denied(code) => {
            html! { span class="state no" { "denied" } " " span class="muted" { (code.as_str()) } }
        }
        Outcome::Failed(code) => {
            html! { span class="state bad" { "failed" } " " span class="muted" { (code.as_str()) } }
        }
    }
}

/// Who is behind the ids of entries. Auditors have to know of everybody; everybody else sees entries of his own.
pub(crate) struct Names {
    names: BTreeMap<UserId, String>,
    auditor: bool,
}

impl Names {
    pub(crate) fn of(context: &Context) -> Self {
        let auditor = context.may(AdminAction::ReadAudit);
        let known =
            if auditor { context.console.inner.identity.people(Actor::Caller(&context.caller)).ok() } else { None };
        let names = known.into_iter().flatten().map(|person| (person.id, person.username)).collect();
        Self { names, auditor }
    }

    /// A user name; else what an id that is no random number says itself (`connection.north`), or the beginning of it.
    pub(crate) fn name<'a>(&'a self, user: &'a UserId) -> &'a str {
        let id = user.as_str();
        let random = id.len() == 36;
        self.names.get(user).map_or(if random { short(id) } else { id }, String::as_str)
    }

    fn shown(&self, user: &UserId) -> Markup {
        let (id, name) = (user.as_str(), self.name(user));
        html! {
            @if self.auditor { a class="id" title=(id) href={ "/console/audit?actor=" (id) } { (name) } }
            @else { span class="id" title=(id) { (name) } }
        }
    }
}

/// Entries of the log as a table. Those of this very request are marked. `about`: the patient who was asked about, who is named where
/// an entry is about several.
pub(crate) fn entries(context: &Context, entries: &[LoggedEntry], caption: &str, about: Option<SubjectId>) -> Markup {
    let names = Names::of(context);
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(caption) {
            table class="log" {
                caption class="visually-hidden" { (caption) }
                thead { tr {
                    th scope="col" class="num" { "Entry" } th scope="col" { "Time (UTC)" } th scope="col" { "Who" }
                    th scope="col" { "For" } th scope="col" { "Did" } th scope="col" { "Classes" }
                    th scope="col" { "About" } th scope="col" { "Outcome" }
                } }
                tbody data-log {
                    @for logged in entries { (entry_row(context, logged, &names, about)) }
                    @if entries.is_empty() { tr { td colspan="8" class="muted" { "No entries." } } }
                }
            }
        }
    }
}

fn entry_row(context: &Context, logged: &LoggedEntry, names: &Names, about: Option<SubjectId>) -> Markup {
    let entry = &logged.entry;
    let mine = entry.request() == Some(context.caller.request);
    let mut patients = entry.subjects().iter().filter(|subject| !subject.is_directory());
    let first = patients.next();
    let others = patients.count();
    let patient = entry.subjects().iter().find(|subject| Some(**subject) == about).or(first);
    let roles = entry.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
    html! {
        tr class=[mine.then_some("mine")] {
            td class="num" {
                @if mine { span class="dot" title="written by this page" { span class="visually-hidden" { "this page: " } } }
                (logged.index)
            }
            td { (moment(logged.time)) }
            td {
                @if roles.is_empty() { span class="muted" { "system" } } @else { (roles) }
                @if let Some(user) = entry.user() {
                    " " (names.shown(user))
                }
            }
            td { @if let Some(purpose) = entry.purpose() { (purpose) } }
            td {
                (entry.action().as_str())
                @if entry.action() == Action::Search && matches!(entry.outcome(), Outcome::Granted) {
                    " " span class="muted" { @if entry.classes().is_empty() { "asked" } @else { "shown" } }
                }
                @if let Some(detail) = entry.detail() { " " span class="muted" { (detail.as_str()) } }
            }
            td { @if !entry.classes().is_empty() { (badges(entry.classes())) } }
            td {
                @if let Some(patient) = patient {
                    span class="id" title={ "Patient/" (patient) } { "Patient/" (short(&patient.to_string())) }
                    @if others > 0 { " " span class="muted" { "and " (others) @if others == 1 { " other" } @else { " others" } } }
                }
                @if others > 0 {} @else if let Some(count) = entry.records().len().checked_sub(1).filter(|more| *more > 0) {
                    " " span class="muted" { (count + 1) " records" }
                } @else if let Some(record) = entry.records().first() {
                    " " span class="muted" { (record.rtype.name()) " v" (record.version) }
                }
            }
            td { (outcome(entry.outcome())) }
        }
    }
}

/// The beginning of an id.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
