//! The parts of the pages of connections.

use super::Fields;
use crate::context::Context;
use crate::ui;
use aceso_base::Timestamp;
use aceso_connect::admin::{Doing, NamedLetter, Origin, Status};
use maud::{Markup, html};

/// A connection in one card, with what can be done to it; `link`: in a list, with the way to its page.
pub(super) fn card(context: &Context, status: &Status, link: bool) -> Markup {
    let fields = Fields::of(context, status);
    html! {
        section class="card connection" data-connection=(status.name) aria-labelledby={ "connection-" (status.name) } {
            div class="connection-head" {
                h2 id={ "connection-" (status.name) } {
                    @if link { a href={ "/console/connections/" (status.name) } { (status.name) } } @else { (status.name) }
                }
                span aria-live="polite" { (fields.show("state")) }
                span class="muted" { (fields.show("now")) }
                span class="connection-of muted" { (status.vendor) " · " span class="id" { (status.url) } }
            }
            dl class="patient-facts" {
                div { dt { "Behind by" } dd { (fields.show("lag")) } }
                div { dt { "Last good run (UTC)" } dd { (fields.show("last_success")) } }
                div { dt { "Runs" } dd { (fields.show("runs")) } }
                div { dt { "Ended early" } dd { (fields.show("failed_runs")) } }
                div { dt { "Written" } dd { (fields.show("written")) } }
                div { dt { "Set aside" } dd { (fields.show("set_aside")) } }
                div { dt { "Token" } dd { (fields.show("token")) } }
            }
            @if !link { (described(status, &fields)) }
            (actions(context, status, link))
        }
    }
}

fn described(status: &Status, fields: &Fields) -> Markup {
    html! {
        dl class="facts" {
            dt { "Written down in" } dd { @match status.origin {
                Origin::Configuration => { "the configuration, " code { "[connect." (status.name) "]" } }
                Origin::Store => { "the store, sealed" }
            } }
            dt { "Looks for changes" } dd { code { (status.schedule) } " in " (status.time_zone) }
            dt { "Compares everything" } dd { code { (status.sweep) } " in " (status.time_zone) }
            dt { "Webhooks" } dd { @if status.hooks { "asked for" } @else { "not asked for" } }
            dt { "Requests at once" } dd { (fields.show("window")) span class="muted" { " as learnt from the source's answers" } }
            dt { "Last fault" } dd { (fields.show("last_error")) }
        }
    }
}

fn actions(context: &Context, status: &Status, link: bool) -> Markup {
    let to = |what: &str| format!("/console/connections/{}/{what}", status.name);
    let run = |reads: &str, class: &str, words: &str| {
        ui::form(
            context,
            &to("sync"),
            "inline",
            &html! {
                input type="hidden" name="reads" value=(reads);
                button type="submit" class=(class) { (words) span class="visually-hidden" { ": " (status.name) } }
            },
        )
    };
    let (what, words) = if status.doing == Doing::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    html! {
        div class="inline actions" {
            (run("changes", "primary", "Sync now"))
            (run("everything", "", "Compare everything"))
            (ui::form(context, &to(what), "inline", &html! {
                button type="submit" { (words) span class="visually-hidden" { ": " (status.name) } }
            }))
            @if link { a class="button quiet-link" href={ "/console/connections/" (status.name) } { "Letters and details" span class="visually-hidden" { " of " (status.name) } } }
        }
    }
}

pub(super) fn token(context: &Context, status: &Status) -> Markup {
    let fields = Fields::of(context, status);
    html! {
        section class="card" data-connection=(status.name) {
            h2 { "Its token" }
            p class="muted" { "One keeper obtains and renews it and puts it into requests on their way out. It is sealed at rest, and shown to nobody." }
            dl class="facts" {
                dt { "State" } dd { (fields.show("token")) }
                dt { "Expires (UTC)" } dd { (fields.show("token_expires")) }
                dt { "Last renewed (UTC)" } dd { (fields.show("token_refreshed")) }
                dt { "Failures since" } dd { (fields.show("token_failures")) }
                dt { "Last fault" } dd { (fields.show("token_error")) }
            }
        }
    }
}

pub(super) fn counts(context: &Context, status: &Status) -> Markup {
    let fields = Fields::of(context, status);
    let rows: [(&str, &'static str); 9] = [
        ("Requests sent", "requests"),
        ("of these, sent again", "retries"),
        ("Objects read", "read"),
        ("known as they were", "unchanged"),
        ("new or changed, written", "written"),
        ("gone from the source", "deleted"),
        ("set aside", "set_aside"),
        ("Codes that no table knows", "unknown_codes"),
        ("Webhooks taken", "webhooks"),
    ];
    html! {
        section class="card" data-connection=(status.name) {
            h2 { "Since this process began" }
            dl class="facts" { @for (words, name) in rows { dt { (words) } dd { (fields.show(name)) } } }
        }
    }
}

pub(super) fn letters(context: &Context, name: &str, letters: &[NamedLetter], more: bool) -> Markup {
    html! {
        section class="card flush" aria-labelledby="letters" {
            div class="table-head" {
                h2 id="letters" { "Letters" }
                span class="muted" { "Objects that could not be taken: where they are at the source, and why. Nothing of them is kept here." }
            }
            div class="scroll" tabindex="0" role="region" aria-labelledby="letters" {
                table class="rows" {
                    thead { tr {
                        th scope="col" { "Object" } th scope="col" { "Why" } th scope="col" { "Where" } th scope="col" { "Tries" }
                        th scope="col" { "First (UTC)" } th scope="col" { "Last (UTC)" } th scope="col" { "What to do" }
                    } }
                    tbody {
                        @for one in letters { (letter_row(context, name, one)) }
                        @if letters.is_empty() { tr { td colspan="7" class="muted" { "No letters: everything that was read was taken." } } }
                    }
                }
            }
            @if let Some(last) = letters.last().filter(|_| more) {
                p class="empty" { a class="button" href={ "/console/connections/" (name) "?after=" (last.name) } { "More letters" } }
            }
        }
    }
}

fn letter_row(context: &Context, name: &str, one: &NamedLetter) -> Markup {
    let letter = &one.letter;
    let form = |what: &str, words: &str| {
        let action = format!("/console/connections/{name}/letters/{}/{what}", one.name);
        ui::form(
            context,
            &action,
            "",
            &html! { button type="submit" { (words) span class="visually-hidden" { " " (letter.kind) " " (letter.id) } } },
        )
    };
    html! {
        tr {
            td { (letter.kind) " " span class="id" { (letter.id) } }
            td { span class="state no" { (letter.reason) } }
            td { @if let Some(place) = &letter.place { code { (place) } } @else { span class="muted" { "–" } } }
            td class="num" { (letter.tries) }
            td { (ui::moment(Timestamp(letter.first))) }
            td { (ui::moment(Timestamp(letter.last))) }
            td { div class="inline row-actions" { (form("retry", "Retry")) (form("discard", "Discard")) } }
        }
    }
}

/// The states of all tokens, for the proof panel.
pub(crate) fn token_table(context: &Context, all: &[Status]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Upstream tokens" {
            table class="plain" {
                thead { tr {
                    th scope="col" { "Connection" } th scope="col" { "Token" } th scope="col" { "Expires (UTC)" }
                    th scope="col" { "Last renewed (UTC)" } th scope="col" class="num" { "Failures" } th scope="col" { "Last fault" }
                } }
                tbody {
                    @for status in all {
                        @let fields = Fields::of(context, status);
                        tr data-connection=(status.name) {
                            th scope="row" { a href={ "/console/connections/" (status.name) } { (status.name) } }
                            td { (fields.show("token")) }
                            td { (fields.show("token_expires")) }
                            td { (fields.show("token_refreshed")) }
                            td class="num" { (fields.show("token_failures")) }
                            td { (fields.show("token_error")) }
                        }
                    }
                    @if all.is_empty() { tr { td colspan="6" class="muted" { "No other system is connected." } } }
                }
            }
        }
    }
}
