//! The members of a JSON object that was sent: each read once by its name and form, all faults told at once, none ignored.

use crate::Api;
use crate::fhir::parts::{media_type, whole_body};
use crate::reply::Refusal;
use aceso_fhir::json::{Doc, Kind, Limits, Node};
use aceso_repository::{Fault, OutcomeIssue};
use axum::body::Body;
use axum::http::HeaderMap;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Largest body here, in bytes: a PEM key and some addresses.
const LARGEST: usize = 64 * 1024;

/// An object that was sent, wiped when it is dropped: it may hold a secret.
pub(super) struct Members {
    doc: Doc,
    asked: BTreeSet<&'static str>,
    faults: Vec<OutcomeIssue>,
}

impl Members {
    pub(super) async fn read(api: &Api, headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        let bytes = whole_body(api, body).await?;
        Self::parse(headers, bytes)
    }

    /// As [`Members::read`]; nothing is an object without members.
    pub(super) async fn read_if_any(api: &Api, headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        match whole_body(api, body).await? {
            none if none.is_empty() => Self::of(b"{}".to_vec()),
            bytes => Self::parse(headers, bytes),
        }
    }

    fn parse(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Self, Refusal> {
        if media_type(headers)? != "application/json" {
            return Err(Fault::new(415, "not-supported", "the body must be application/json").into());
        }
        Self::of(bytes)
    }

    fn of(bytes: Vec<u8>) -> Result<Self, Refusal> {
        let structure = |text: String| Refusal::from(Fault::new(400, "structure", text));
        let limits = Limits { max_bytes: LARGEST, max_depth: 4, max_nodes: 256 };
        let doc = Doc::parse(bytes, &limits);
        let doc = doc.map_err(|error| structure(format!("the body is not strict JSON at byte {}", error.offset)))?;
        if doc.root().kind() != Kind::Object {
            return Err(structure("the body must be a JSON object".to_owned()));
        }
        Ok(Self { doc, asked: BTreeSet::new(), faults: Vec::new() })
    }

    /// A text; `None` also for `null`.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.read_as(name, "must be a text", |node| node.as_str().map(|text| text.into_owned()))
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, name: &'static str) -> String {
        let found = self.text(name);
        if found.is_none() && !self.faults.iter().any(|fault| is_at(fault, name)) {
            self.fault(&format!("/{name}"), "is needed");
        }
        found.unwrap_or_default()
    }

    /// A text that is wiped.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<Zeroizing<String>> {
        self.text(name).map(Zeroizing::new)
    }

    /// Texts.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let found = self.read_as(name, "must be a list of texts", |node| {
            let text = |item: Node<'_>| item.as_str().map(|text| text.into_owned());
            (node.kind() == Kind::Array).then(|| node.items().map(text).collect::<Option<Vec<_>>>()).flatten()
        });
        found.unwrap_or_default()
    }

    /// A whole number from 0 on.
    pub(super) fn number(&mut self, name: &'static str) -> Option<u32> {
        self.read_as(name, "must be a whole number from 0 on", |node| node.number_text()?.parse().ok())
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read_as(name, "must be true or false", |node| node.as_bool())
    }

    /// Notes what is wrong. `pointer` is of names that are known here (RFC 6901).
    pub(super) fn fault(&mut self, pointer: &str, rule: &'static str) {
        let expression = Some(pointer.to_owned());
        self.faults.push(OutcomeIssue { code: "value", diagnostics: rule.into(), expression });
    }

    /// Refuses when something was wrong, or a member is there that nobody has asked for.
    pub(super) fn finish(mut self) -> Result<(), Refusal> {
        let strangers = self.doc.root().members().filter(|member| !self.asked.contains(&*member.key)).count();
        if strangers > 0 {
            self.fault("", "has a member that is not known here; see /admin/v1/openapi.json");
        }
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Refusal(Fault { status: 422, issues: self.faults, receipt: None, gone_version: None }))
    }

    fn read_as<T>(
        &mut self,
        name: &'static str,
        rule: &'static str,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Option<T> {
        self.asked.insert(name);
        let node = self.doc.root().get(name).filter(|node| node.kind() != Kind::Null)?;
        let found = read(node);
        if found.is_none() {
            self.fault(&format!("/{name}"), rule);
        }
        found
    }
}

fn is_at(fault: &OutcomeIssue, name: &str) -> bool {
    fault.expression.as_deref().and_then(|pointer| pointer.strip_prefix('/')) == Some(name)
}
