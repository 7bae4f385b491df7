//! What the structural pass tells of its way.

use crate::definitions::{Element, ResourceType};
use crate::json::Node;

/// Is told what the structural pass comes by, in document order. Every function does nothing unless it is given; with `()` for a visitor
/// the calls vanish from the compiled pass.
pub trait Visitor<'a> {
    /// A resource begins: the document itself, a contained one, one in a bundle or parameters.
    fn open_resource(&mut self, rtype: ResourceType, node: Node<'a>, place: &Place<'_>) {
        let _ = (rtype, node, place);
    }

    /// The resource that began last is over.
    fn close_resource(&mut self) {}

    /// One value of an element: each item of an array by itself, before what is inside it. The bytes are [`Node::span`].
    fn element(&mut self, element: &'static Element, node: Node<'a>, place: &Place<'_>) {
        let _ = (element, node, place);
    }

    /// Id and extensions of a primitive (`_birthDate`), before what is inside them.
    fn sibling(&mut self, element: &'static Element, node: Node<'a>, place: &Place<'_>) {
        let _ = (element, node, place);
    }
}

impl Visitor<'_> for () {}

/// Where the pass is: a list through the stack, spelled out only when somebody asks.
pub struct Place<'p> {
    pub(super) parent: Option<&'p Place<'p>>,
    pub(super) step: Step,
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    Name(&'static str),
    Element(&'static Element),
    Index(usize),
}

impl Place<'_> {
    /// The place in FHIRPath: `Patient.contact[1].name.given[0]`.
    #[must_use]
    pub fn expression(&self) -> String {
        let mut out = String::new();
        self.spell(&mut out);
        out
    }

    /// The element that this is a value of; `None` for a document.
    #[must_use]
    pub fn element(&self) -> Option<&'static Element> {
        match (self.step, self.parent) {
            (Step::Element(element), _) => Some(element),
            (Step::Index(_), Some(Place { step: Step::Element(element), .. })) => Some(element),
            _ => None,
        }
    }

    /// The element whose value holds this one; `None` where a resource does.
    #[must_use]
    pub fn holder(&self) -> Option<&'static Element> {
        let mut own = Some(self);
        while let Some(Place { parent, step: Step::Index(_) }) = own {
            own = *parent;
        }
        let mut at = own?.parent;
        loop {
            match at?.step {
                Step::Index(_) => at = at?.parent,
                Step::Element(element) => return Some(element),
                Step::Name(_) => return None,
            }
        }
    }

    pub(super) fn then(&self, step: Step) -> Place<'_> {
        Place { parent: Some(self), step }
    }

    pub(super) fn spell(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.spell(out);
        }
        let name = match self.step {
            Step::Index(index) => return out.push_str(&format!("[{index}]")),
            Step::Name(name) => name,
            Step::Element(element) => element.name(),
        };
        if self.parent.is_some() {
            out.push('.');
        }
        out.push_str(name);
    }
}
