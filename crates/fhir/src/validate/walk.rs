//! The walk over a document beside the definitions. Recursion is bounded by the depth that the parser allows.

use std::borrow::Cow;

use super::format::{self, Fault};
use super::reference::{Shape, shape};
use super::visit::{Place, Step, Visitor};
use super::{Issue, IssueCode, MAX_ISSUES, ValidateOptions};
use crate::definitions::{Element, Primitive, ResourceType, Severity, TypeRef, ValueType};
use crate::json::{Items, Kind, Node};

pub(super) fn validate<'a, V: Visitor<'a>>(
    root: Node<'a>,
    opts: &ValidateOptions,
    visitor: &mut V,
) -> Result<ResourceType, Vec<Issue>> {
    let mut walk = Walk { opts, visitor, issues: Vec::new(), holder: root, contained_ids: None, is_contained: false };
    let found = walk.resource(root, None);
    if let (Some(found), Some(expected)) = (found, opts.expected)
        && found != expected
    {
        let place = Place { parent: None, step: Step::Name(found.name()) };
        walk.report(root, &place, IssueCode::Structure, "not the resource type that is expected here");
    }
    match found {
        Some(found) if walk.issues.is_empty() => Ok(found),
        _ => Err(walk.issues),
    }
}

struct Walk<'a, 'o, V> {
    opts: &'o ValidateOptions,
    visitor: &'o mut V,
    issues: Vec<Issue>,
    /// The resource whose `contained` local references point into.
    holder: Node<'a>,
    /// Sorted ids of the holder's contained resources, once a local reference was met.
    contained_ids: Option<Vec<Cow<'a, str>>>,
    is_contained: bool,
}

impl<'a, V: Visitor<'a>> Walk<'a, '_, V> {
    /// A whole resource; `place` is that of the element that holds it.
    fn resource(&mut self, node: Node<'a>, place: Option<&Place<'_>>) -> Option<ResourceType> {
        let nowhere = Place { parent: None, step: Step::Name("Resource") };
        if node.kind() != Kind::Object {
            self.report(node, place.unwrap_or(&nowhere), IssueCode::Structure, "a resource must be an object");
            return None;
        }
        let Some(named) = node.get("resourceType") else {
            self.report(node, place.unwrap_or(&nowhere), IssueCode::Structure, "resourceType is missing");
            return None;
        };
        let Some(found) = named.as_str().and_then(|name| ResourceType::parse(&name)) else {
            self.report(named, place.unwrap_or(&nowhere), IssueCode::NotSupported, "not a resource type of R4");
            return None;
        };
        let root = Place { parent: None, step: Step::Name(found.name()) };
        let place = place.unwrap_or(&root);
        self.visitor.open_resource(found, node, place);
        self.object(node, TypeRef::of_resource(found), place, true);
        self.visitor.close_resource();
        Some(found)
    }

    /// A resource inside another: contained, or a root of its own in a `Bundle` or `Parameters`.
    fn inner_resource(&mut self, node: Node<'a>, element: &'static Element, place: &Place<'_>) {
        if element.key == "contained" {
            if self.is_contained {
                let message = "a contained resource must not contain another (dom-2)";
                return self.report(node, place, IssueCode::Invariant, message);
            }
            if node.kind() == Kind::Object && node.get("id").is_none() {
                let place = place.then(Step::Name("id"));
                self.report(node, &place, IssueCode::Required, "a contained resource must have an id");
            }
            self.is_contained = true;
            self.resource(node, Some(place));
            self.is_contained = false;
        } else {
            let outer = (std::mem::replace(&mut self.holder, node), self.contained_ids.take(), self.is_contained);
            self.is_contained = false;
            self.resource(node, Some(place));
            (self.holder, self.contained_ids, self.is_contained) = outer;
        }
    }

    fn object(&mut self, node: Node<'a>, scope: TypeRef, place: &Place<'_>, is_resource: bool) {
        let mut seen = 0u64;
        for child in node.child_nodes() {
            if self.is_full() {
                return;
            }
            let key = child.key();
            if is_resource && key == "resourceType" {
                continue;
            }
            let Some((element, is_sibling)) = scope.child(&key) else {
                self.report_at(child.key_span().start, place, IssueCode::Structure, "unknown property");
                continue;
            };
            let bit = 1 << (element.place & 63);
            if element.is_choice() && seen & bit != 0 {
                self.other_variant(node, child, element, scope, place);
            }
            seen |= bit;
            let inner = place.then(Step::Element(element));
            if is_sibling {
                self.sibling(node, child, element, &inner);
            } else {
                self.value(node, child, element, &inner);
            }
        }
        let missing = scope.scope().map_or(0, |scope| scope.required) & !seen;
        if missing != 0 {
            self.missing(node, scope, missing, place);
        }
    }

    fn missing(&mut self, node: Node<'a>, scope: TypeRef, missing: u64, place: &Place<'_>) {
        let mut last = None;
        for element in scope.elements() {
            if missing & (1 << (element.place & 63)) != 0 && last != Some(element.place) {
                last = Some(element.place);
                let place = place.then(Step::Element(element));
                self.report(node, &place, IssueCode::Required, "a required element is missing");
            }
        }
    }

    /// Refuses `child` when another variant of its choice comes before it.
    fn other_variant(
        &mut self,
        node: Node<'a>,
        child: Node<'a>,
        element: &'static Element,
        scope: TypeRef,
        place: &Place<'_>,
    ) {
        let mut before = node.child_nodes().take_while(|other| other.key_span() != child.key_span());
        let is_other = |other: Node<'_>| {
            scope.child(&other.key()).is_some_and(|(other, _)| other.place == element.place && other.key != element.key)
        };
        if before.any(is_other) {
            let place = place.then(Step::Element(element));
            self.report(child, &place, IssueCode::Structure, "only one type of a choice is allowed");
        }
    }

    fn value(&mut self, owner: Node<'a>, node: Node<'a>, element: &'static Element, place: &Place<'_>) {
        if !element.array {
            if node.kind() == Kind::Array {
                return self.report(node, place, IssueCode::Structure, "must be a single value, not an array");
            }
            return self.item(node, element, place);
        }
        if node.kind() != Kind::Array {
            return self.report(node, place, IssueCode::Structure, "must be an array");
        }
        if node.is_empty() {
            return self.report(node, place, IssueCode::Structure, "an array must not be empty");
        }
        let mut beside = Beside::default();
        for (index, item) in node.items().enumerate() {
            if self.is_full() {
                return;
            }
            let place = place.then(Step::Index(index));
            if item.kind() == Kind::Null && matches!(element.value, ValueType::Primitive(_)) {
                if beside.kind(index, owner, element).is_none_or(|kind| kind == Kind::Null) {
                    let message = "null is allowed only where the element has an extension";
                    self.report(item, &place, IssueCode::Structure, message);
                }
                continue;
            }
            self.item(item, element, &place);
        }
    }

    fn item(&mut self, node: Node<'a>, element: &'static Element, place: &Place<'_>) {
        self.visitor.element(element, node, place);
        match element.value {
            ValueType::Primitive(primitive) => self.primitive(node, primitive, element, place),
            ValueType::Resource => self.inner_resource(node, element, place),
            ValueType::Complex(scope) => {
                if node.kind() != Kind::Object {
                    return self.report(node, place, IssueCode::Structure, "must be an object");
                }
                self.has_content(node, place);
                self.object(node, scope, place, false);
                match scope {
                    TypeRef::REFERENCE => self.reference(node, element, place),
                    TypeRef::EXTENSION => self.extension(node, place),
                    _ => {}
                }
            }
        }
    }

    /// ele-1: every element has a value or children, and an id is neither.
    fn has_content(&mut self, node: Node<'a>, place: &Place<'_>) {
        if node.is_empty() || (node.len() == 1 && node.get("id").is_some()) {
            self.report(node, place, IssueCode::Invariant, "an element must have a value or children (ele-1)");
        }
    }

    fn primitive(&mut self, node: Node<'a>, primitive: Primitive, element: &'static Element, place: &Place<'_>) {
        match format::check(node, primitive) {
            Ok(()) => {}
            Err(Fault::Type(message)) => return self.report(node, place, IssueCode::Structure, message),
            Err(Fault::Format(message)) => return self.report(node, place, IssueCode::Value, message),
        }
        if let Some(codes) = element.codes() {
            let is_listed = format::with_str(node, |code| codes.binary_search(&code).is_ok());
            if !is_listed {
                self.report(node, place, IssueCode::CodeInvalid, "not a code of the required value set");
            }
        } else if element.key == "id" && format::with_str(node, format::has_white_space) {
            self.report(node, place, IssueCode::Value, "an element id has no white space");
        }
    }

    /// The `_name` member that carries id and extensions of a primitive (R4 section 2.6.2).
    fn sibling(&mut self, owner: Node<'a>, node: Node<'a>, element: &'static Element, place: &Place<'_>) {
        let values = owner.get(element.key);
        if !element.array {
            self.visitor.sibling(element, node, place);
            return self.primitive_element(node, values.is_some(), place);
        }
        if node.kind() != Kind::Array || node.is_empty() {
            return self.report(node, place, IssueCode::Structure, "must be an array that is not empty");
        }
        if values.is_some_and(|values| values.kind() == Kind::Array && values.len() != node.len()) {
            self.report(node, place, IssueCode::Structure, "values and extensions must be arrays of the same length");
        }
        let mut kinds = values.into_iter().flat_map(Node::items).map(Node::kind);
        for (index, item) in node.items().enumerate() {
            if self.is_full() {
                return;
            }
            let place = place.then(Step::Index(index));
            let beside = kinds.next();
            // Beside a value a null fills the gap; that not both are null is checked with the values.
            if item.kind() == Kind::Null && beside.is_some() {
                continue;
            }
            self.visitor.sibling(element, item, &place);
            self.primitive_element(item, beside.is_some_and(|kind| kind != Kind::Null), &place);
        }
    }

    fn primitive_element(&mut self, node: Node<'a>, has_value: bool, place: &Place<'_>) {
        if node.kind() != Kind::Object {
            return self.report(node, place, IssueCode::Structure, "must be an object with id or extension");
        }
        if has_value && !node.is_empty() {
            return self.object(node, TypeRef::ELEMENT, place, false);
        }
        self.has_content(node, place);
        self.object(node, TypeRef::ELEMENT, place, false);
    }

    /// ext-1: an extension has a value or extensions, not both.
    fn extension(&mut self, node: Node<'a>, place: &Place<'_>) {
        let (mut value, mut nested) = (false, false);
        for child in node.child_nodes() {
            let key = child.key();
            value |= key.strip_prefix('_').unwrap_or(&key).starts_with("value");
            nested |= key == "extension";
        }
        if value == nested {
            let message = "an extension must have either a value or extensions (ext-1)";
            self.report(node, place, IssueCode::Invariant, message);
        }
    }

    fn reference(&mut self, node: Node<'a>, element: &'static Element, place: &Place<'_>) {
        let Some(literal) = node.get("reference").filter(|literal| literal.kind() == Kind::String) else { return };
        let fault = format::with_str(literal, |text| self.reference_fault(text, element));
        if let Some((code, message)) = fault {
            let place = place.then(Step::Name("reference"));
            self.report(literal, &place, code, message);
        }
    }

    fn reference_fault(&mut self, text: &str, element: &'static Element) -> Option<(IssueCode, &'static str)> {
        let is_target = |found: &ResourceType| element.targets().is_empty() || element.targets().contains(found);
        match shape(text) {
            Err(message) => Some((IssueCode::Value, message)),
            Ok(Shape::Absolute) => None,
            Ok(Shape::Conditional(_)) if !self.opts.allow_conditional => {
                Some((IssueCode::Value, "conditional references are allowed only in a transaction"))
            }
            Ok(Shape::Relative(found) | Shape::Conditional(found)) => (!is_target(&found))
                .then_some((IssueCode::Structure, "the element does not allow references to this resource type")),
            Ok(Shape::Local(id)) => {
                (!self.is_local(id)).then_some((IssueCode::Invariant, "no contained resource has this id (ref-1)"))
            }
        }
    }

    fn is_local(&mut self, id: &str) -> bool {
        if id.is_empty() {
            return self.is_contained;
        }
        let holder = self.holder;
        let ids = self.contained_ids.get_or_insert_with(|| {
            let contained = holder.get("contained");
            let mut ids = Vec::with_capacity(contained.map_or(0, Node::len));
            ids.extend(contained.into_iter().flat_map(Node::items).filter_map(|it| it.get("id")?.as_str()));
            ids.sort_unstable();
            ids
        });
        ids.binary_search_by(|other| other.as_ref().cmp(id)).is_ok()
    }

    fn is_full(&self) -> bool {
        self.issues.len() > MAX_ISSUES
    }

    fn report(&mut self, node: Node<'_>, place: &Place<'_>, code: IssueCode, message: &'static str) {
        self.report_at(node.span().start, place, code, message);
    }

    #[cold]
    fn report_at(&mut self, offset: usize, place: &Place<'_>, code: IssueCode, message: &'static str) {
        if self.is_full() {
            return;
        }
        let mut expression = String::new();
        place.spell(&mut expression);
        self.issues.push(if self.issues.len() < MAX_ISSUES {
            Issue { severity: Severity::Error, code, expression, offset, message: message.into() }
        } else {
            let message = "more faults were found and are not listed".into();
            Issue { severity: Severity::Error, code: IssueCode::TooCostly, expression, offset, message }
        });
    }
}

/// The `_name` array beside an array, read along with it from the first null on.
#[derive(Default)]
struct Beside<'a> {
    items: Option<Items<'a>>,
    next: usize,
}

impl<'a> Beside<'a> {
    /// What kind stands beside the item with this index, which is above that of the call before; `None` when nothing does.
    fn kind(&mut self, index: usize, owner: Node<'a>, element: &Element) -> Option<Kind> {
        if self.items.is_none() {
            let is_meant = |child: &Node<'_>| child.key().strip_prefix('_') == Some(element.key);
            self.items = owner.child_nodes().find(is_meant).map(Node::items);
        }
        let found = self.items.as_mut()?.nth(index.checked_sub(self.next)?);
        self.next = index + 1;
        found.map(Node::kind)
    }
}
