//! What answers are: a Bundle of a search, a Group, or an OperationOutcome.

use super::Fhir;
use crate::pattern::VendorError;
use crate::vendor::Page;
use aceso_fhir::json::{Doc, Limits, Node, write};
use zeroize::Zeroizing;

/// As large as an answer may be ([`crate::http::Bounds`]).
const LIMITS: Limits = Limits { max_bytes: 32 << 20, max_depth: 64, max_nodes: 4_000_000 };

impl Fhir {
    /// A page of a search (R4 search.html, section 3.1.1.3), or the members of a Group.
    pub(super) fn read_page(&self, body: &[u8]) -> Result<Page, VendorError> {
        let doc = Doc::parse(body.to_vec(), &LIMITS).map_err(|_| VendorError::Garbled)?;
        let root = doc.root();
        match string(root, "resourceType").as_deref() {
            Some("Bundle") => Ok(self.bundle(root)),
            Some("Group") => Ok(self.group(root)),
            // Some answer a search without results with the warning alone.
            Some("OperationOutcome") if !is_failure(root) => {
                Ok(Page { incomplete: self.says_incomplete(root), ..Page::default() })
            }
            _ => Err(VendorError::Garbled),
        }
    }

    fn bundle(&self, root: Node<'_>) -> Page {
        let mut page = Page::default();
        for entry in items(root, "entry") {
            let Some(resource) = entry.get("resource") else { continue };
            let mode = entry.get("search").and_then(|search| string(search, "mode"));
            if string(resource, "resourceType").as_deref() == Some("OperationOutcome") {
                page.incomplete |= self.says_incomplete(resource);
            } else if mode.as_deref() != Some("include") {
                let mut json = Zeroizing::new(Vec::with_capacity(resource.raw().len()));
                write(resource, &mut json);
                page.objects.push(json);
            }
        }
        let next = items(root, "link").find(|link| string(*link, "relation").as_deref() == Some("next"));
        page.next = next.and_then(|link| string(link, "url"));
        page
    }

    fn group(&self, root: Node<'_>) -> Page {
        let active = items(root, "member")
            .filter(|member| member.get("inactive").and_then(Node::as_bool) != Some(true))
            .filter_map(|member| string(member.get("entity")?, "reference"));
        let patients = active.filter_map(|text| {
            let target = self.target(&text)?;
            (target.rtype.name() == "Patient").then(|| ("Patient", target.id.to_owned()))
        });
        Page { named: patients.collect(), ..Page::default() }
    }

    fn says_incomplete(&self, outcome: Node<'_>) -> bool {
        codes(outcome).iter().any(|code| self.profile.incomplete.contains(&code.as_str()))
    }

    /// The first code of an OperationOutcome that the profile's table knows.
    pub(super) fn known_code(&self, body: &[u8]) -> Option<String> {
        let doc = Doc::parse(body.to_vec(), &LIMITS).ok()?;
        let known = |code: &String| self.profile.errors.iter().any(|row| row.code == Some(code.as_str()));
        codes(doc.root()).into_iter().find(known)
    }
}

/// Codes of an OperationOutcome: `issue.details.coding.code`.
fn codes(outcome: Node<'_>) -> Vec<String> {
    let details = items(outcome, "issue").filter_map(|issue| issue.get("details"));
    details
        .flat_map(|details| items(details, "coding").filter_map(|coding| string(coding, "code")).collect::<Vec<_>>())
        .collect()
}

fn is_failure(outcome: Node<'_>) -> bool {
    items(outcome, "issue").any(|issue| matches!(string(issue, "severity").as_deref(), Some("fatal" | "error") | None))
}

pub(super) fn string(node: Node<'_>, name: &str) -> Option<String> {
    node.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

fn items<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> {
    node.get(name).into_iter().flat_map(Node::items)
}
