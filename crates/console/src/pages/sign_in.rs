//! Signing in and out.

use crate::Console;
use crate::context::{Context, Stamp};
use crate::form::{CSRF, Form};
use crate::guard::{cookie, see_other};
use crate::layout::{Section, page};
use crate::refusal::Refused;
use aceso_identity::{OAuthCode, OAuthError, Secret};
use aceso_repository::Fault;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use maud::html;

/// Before anybody is signed in, this cookie and a field of the form hold the same random text: a form from elsewhere has no cookie.
const BEFORE: &str = "aceso-before-sign-in";

pub(crate) async fn get(State(console): State<Console>) -> Response {
    form(&console, None)
}

pub(crate) async fn post(
    State(console): State<Console>,
    Extension(stamp): Extension<Stamp>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let mut typed = Form::read(&headers, body).await?;
    typed.check(cookie(&headers, BEFORE).unwrap_or_default())?;
    let username = typed.take_raw("username").unwrap_or_default();
    let password = Secret::from(typed.take_raw("password").unwrap_or_default());
    // Whoever was signed in with this browser is not any more.
    if let Some(old) = cookie(&headers, console.session_cookie()) {
        console.inner.sessions.forget(old);
    }
    match console.inner.sessions.sign_in(username, password, stamp.request).await {
        Ok(reference) => {
            let mut response = see_other("/console");
            response
                .headers_mut()
                .extend(console.cookie(console.session_cookie(), &reference).map(|value| (header::SET_COOKIE, value)));
            Ok(response)
        }
        Err(error) => Ok(form(&console, Some(error))),
    }
}

pub(crate) async fn out(context: Context, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let ended = context.console.inner.identity.log_out(&context.verified, Some(context.caller.request)).await;
    ended.map_err(|_| Fault::new(503, "transient", "the session could not be ended"))?;
    context.console.inner.sessions.forget(&context.reference);
    let mut response = see_other("/console/sign-in");
    response.headers_mut().append(header::SET_COOKIE, context.console.forget_cookie());
    Ok(response)
}

fn form(console: &Console, error: Option<OAuthError>) -> Response {
    let token = console.inner.sessions.random();
    let told = error.map(|error| match error.code {
        OAuthCode::SlowDown => "Too many attempts for this name. Wait a little, then try again.",
        OAuthCode::TemporarilyUnavailable => "Signing in does not work at the moment. Try again soon.",
        _ => "User name or password is wrong.",
    });
    let body = html! {
        div class="door" {
            div class="door-words" {
                p class="eyebrow" { "Aceso" }
                h1 { "Health records, sealed until somebody has a reason" }
                ul class="points" {
                    li { b { "Redacted by default. " } "A page shows the structure of a record and hatched bars where the rest is." }
                    li { b { "Opened by class, for a purpose. " } "Who may open what is a rule, and the rule is on the page." }
                    li { b { "Recorded first. " } "The entry is on the disk before anything opens, and your browser can check the log itself." }
                }
            }
            form method="post" action="/console/sign-in" class="card sign-in" {
                h2 { "Sign in" }
                @if let Some(told) = told { p class="error" role="alert" { (told) } }
                input type="hidden" name=(CSRF) value=(token);
                label for="username" { "User name" }
                input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus;
                label for="password" { "Password" }
                input id="password" name="password" type="password" autocomplete="current-password" required;
                button type="submit" class="primary" { "Sign in" }
                p class="hint" { "Signing in, failing to, and signing out are entries of the audit log." }
            }
        }
    };
    let mut response = page(None, "Sign in", Section::None, &body);
    let before = console.cookie(BEFORE, &token).map(|value| (header::SET_COOKIE, value));
    response.headers_mut().extend(before);
    if let Some(error) = error {
        *response.status_mut() = match error.code {
            OAuthCode::SlowDown => StatusCode::TOO_MANY_REQUESTS,
            OAuthCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        };
    }
    response
}
