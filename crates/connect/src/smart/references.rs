//! What references of a source mean here.

use super::Fhir;
use super::kinds::KINDS;
use aceso_base::LogicalId;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Kind, Node};

/// A resource of the source that a reference names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'t> {
    pub(super) rtype: ResourceType,
    pub(super) id: &'t str,
    /// The reference names one version.
    pub(super) versioned: bool,
}

impl Fhir {
    /// What a reference names at this source: `Type/id`, alone or below the base address, with or without a version. `None` for
    /// everything else: contained, another server's, a URN.
    pub(super) fn target<'t>(&self, text: &'t str) -> Option<Target<'t>> {
        let below = text.strip_prefix(self.base.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let mut parts = below.unwrap_or(text).split('/');
        let rtype = ResourceType::parse(parts.next()?)?;
        let id = parts.next().filter(|id| LogicalId::parse(id).is_ok())?;
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Some(Target { rtype, id, versioned: false }),
            (Some("_history"), Some(_), None) => Some(Target { rtype, id, versioned: true }),
            _ => None,
        }
    }

    /// Kind and id of all resources of this source that are named anywhere in a value, and are of a kind that is taken.
    pub(super) fn targets(&self, node: Node<'_>) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        self.collect(node, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn collect(&self, node: Node<'_>, found: &mut Vec<(&'static str, String)>) {
        match node.kind() {
            Kind::Object => {
                for member in node.members() {
                    match member.value.as_str() {
                        Some(text) if member.key == "reference" => {
                            let target = self.target(&text).filter(|target| is_taken(target.rtype));
                            found.extend(target.map(|target| (target.rtype.name(), target.id.to_owned())));
                        }
                        Some(_) => {}
                        None => self.collect(member.value, found),
                    }
                }
            }
            Kind::Array => node.items().for_each(|item| self.collect(item, found)),
            _ => {}
        }
    }
}

/// Whether resources of this type are taken.
pub(super) fn is_taken(rtype: ResourceType) -> bool {
    KINDS.iter().any(|kind| kind.kind == rtype.name())
}
