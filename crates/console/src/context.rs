//! Who looks at a page, and why.

use crate::Console;
use crate::refusal::Refused;
use crate::session::Session;
use aceso_base::{Caller, Interaction, Purpose, RequestId, SubjectId};
use aceso_custodian::Custodian;
use aceso_identity::Verified;
use aceso_labels::ClassSet;
use aceso_policy::{AdminAction, Kind, Question};
use aceso_repository::Fault;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::{Arc, OnceLock};

/// Somebody who is signed in, and the request that he makes.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) session: Arc<Session>,
    pub(crate) verified: Arc<Verified>,
    pub(crate) caller: Caller,
    pub(crate) username: String,
    /// The reference of the session, to end it.
    pub(crate) reference: String,
}

/// A note from the extractor to what is around all handlers, and the id of the request.
#[derive(Clone)]
pub(crate) struct Stamp {
    pub(crate) request: RequestId,
    pub(crate) context: Arc<OnceLock<Context>>,
}

impl FromRequestParts<Console> for Context {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Refused> {
        let signed_out = || Refused::from(Fault::new(401, "login", "sign in first"));
        let stamp = parts.extensions.get::<Stamp>().cloned().ok_or_else(signed_out)?;
        let reference = crate::guard::cookie(&parts.headers, console.session_cookie()).ok_or_else(signed_out)?;
        let found = console.inner.sessions.find(reference, stamp.request).await;
        let (session, verified) = found.ok_or_else(signed_out)?;
        let engine = console.door().engine();
        let default = engine.default_purpose(verified.roles);
        let chosen = session.purpose().filter(|purpose| engine.may_use(verified.roles, *purpose));
        let purpose = chosen
            .or(default)
            .ok_or_else(|| Fault::new(403, "forbidden", "the account has no role, so no purpose of use"))?;
        let context = Self {
            caller: verified.caller(purpose, stamp.request),
            username: console.inner.identity.userinfo(&verified).preferred_username.unwrap_or_default(),
            console: console.clone(),
            session,
            verified,
            reference: reference.to_owned(),
        };
        // Once per request; a second extractor says the same.
        drop(stamp.context.set(context.clone()));
        Ok(context)
    }
}

impl Console {
    pub(crate) fn door(&self) -> &Custodian {
        self.inner.repository.door()
    }

    /// With `https`, a name that browsers take from a secure connection to this host only.
    pub(crate) fn session_cookie(&self) -> &'static str {
        if self.inner.secure { "__Host-aceso-console" } else { "aceso-console" }
    }
}

impl Context {
    pub(crate) fn door(&self) -> &Custodian {
        self.console.door()
    }

    /// The caller with another purpose of use, which the policy judges.
    pub(crate) fn acting_for(&self, purpose: Purpose) -> Caller {
        Caller { purpose, ..self.caller.clone() }
    }

    pub(crate) fn role_names(&self) -> String {
        self.caller.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What the rules would open to him of this patient's records; of anybody's, when none is named. Opens nothing.
    pub(crate) fn classes(&self, caller: &Caller, subject: Option<SubjectId>) -> ClassSet {
        let question = Question {
            roles: caller.roles,
            purpose: caller.purpose,
            interaction: Interaction::Read,
            kind: Kind::PatientData,
            rtype: None,
        };
        let classes = self.door().engine().classes(question);
        let own = caller.own_patient.as_ref().and_then(|id| SubjectId::of_patient(id.as_str()));
        match subject {
            Some(subject) if own == Some(subject) => classes.own,
            Some(_) => classes.any,
            None => classes.any.union(if own.is_some() { classes.own } else { ClassSet::NONE }),
        }
    }

    pub(crate) fn may(&self, action: AdminAction) -> bool {
        self.door().engine().admin(&self.caller, action)
    }

    /// The purposes that his roles may act for.
    pub(crate) fn purposes(&self) -> impl Iterator<Item = Purpose> + '_ {
        let engine = self.door().engine();
        Purpose::ALL.iter().copied().filter(|purpose| engine.may_use(self.caller.roles, *purpose))
    }
}
