//! Elements of a resource in its JSON: one member or two, a place in one list or in two (R4 json.html, section 2.6.2).

use super::PatchProblem;
use super::tree::{Tree, Value};
use crate::definitions::{Element, TypeRef, ValueType};
use crate::fhirpath::Item;
use crate::json::{Doc, Kind, Node};
use std::borrow::Cow;
use std::ops::Range;

/// A value that an operation brings: `value[x]` with what stands beside it, a resource, or parts of an element without a type.
#[derive(Clone)]
pub(super) enum New<'a> {
    Typed { suffix: Cow<'a, str>, node: Option<Node<'a>>, sibling: Option<Node<'a>> },
    Parts(Vec<(Cow<'a, str>, New<'a>)>),
}

impl<'a> New<'a> {
    /// Reads a `part` that holds a value. Recurses once per level of the text.
    pub(super) fn read(part: Node<'a>) -> Result<Self, PatchProblem> {
        let mut found: Option<Self> = None;
        for member in part.members() {
            let (name, beside) = match member.key.strip_prefix('_') {
                Some(name) => (name, true),
                None => (&*member.key, false),
            };
            let new = match name {
                "name" | "id" | "extension" => continue,
                "part" if !beside => Self::parts(member.value)?,
                "resource" if !beside => Self::typed("Resource", member.value, beside),
                _ => Self::typed(name.strip_prefix("value").ok_or(PatchProblem::BadOperation)?, member.value, beside),
            };
            found = Some(match (found, new) {
                (None, new) => new,
                (Some(old), new) => old.beside(new)?,
            });
        }
        found.ok_or(PatchProblem::BadOperation)
    }

    fn typed(suffix: &str, value: Node<'a>, beside: bool) -> Self {
        let suffix = Cow::Owned(suffix.to_owned());
        let (node, sibling) = if beside { (None, Some(value)) } else { (Some(value), None) };
        Self::Typed { suffix, node, sibling }
    }

    fn parts(list: Node<'a>) -> Result<Self, PatchProblem> {
        let named = |part: Node<'a>| {
            let name = part.get("name").and_then(Node::as_str).ok_or(PatchProblem::BadOperation)?;
            Ok((name, Self::read(part)?))
        };
        Ok(Self::Parts(list.items().map(named).collect::<Result<_, PatchProblem>>()?))
    }

    /// `valueDate` and `_valueDate` are one value.
    fn beside(self, other: Self) -> Result<Self, PatchProblem> {
        match (self, other) {
            (
                Self::Typed { suffix, node, sibling },
                Self::Typed { suffix: same, node: other_node, sibling: other_sibling },
            ) if suffix == same
                && node.is_some() != other_node.is_some()
                && sibling.is_some() != other_sibling.is_some() =>
            {
                Ok(Self::Typed { suffix, node: node.or(other_node), sibling: sibling.or(other_sibling) })
            }
            _ => Err(PatchProblem::BadOperation),
        }
    }

    /// The type of the value, as it stands behind `value`; `None` for parts.
    pub(super) fn suffix(&self) -> Option<&str> {
        match self {
            Self::Typed { suffix, .. } => Some(suffix),
            Self::Parts(_) => None,
        }
    }

    /// The value and what stands beside it, as JSON of this element.
    fn as_element(&self, element: &Element) -> Result<Pair<'a>, PatchProblem> {
        match (self, element.value) {
            (Self::Typed { node, sibling, .. }, ValueType::Primitive(_)) => {
                let plain = node.is_none_or(|node| !matches!(node.kind(), Kind::Array | Kind::Object));
                let around = sibling.is_none_or(|sibling| sibling.kind() == Kind::Object);
                if plain && around {
                    Ok((node.map(Value::Source), sibling.map(Value::Source)))
                } else {
                    Err(PatchProblem::WrongType)
                }
            }
            (Self::Typed { node: Some(node), sibling: None, .. }, ValueType::Complex(_) | ValueType::Resource)
                if node.kind() == Kind::Object =>
            {
                Ok((Some(Value::Source(*node)), None))
            }
            (Self::Parts(parts), ValueType::Complex(scope)) => Ok((Some(object(parts, scope)?), None)),
            _ => Err(PatchProblem::WrongType),
        }
    }
}

/// A value and what stands beside it.
type Pair<'a> = (Option<Value<'a>>, Option<Value<'a>>);

/// An object made of parts, by the definitions of its scope.
fn object<'a>(parts: &[(Cow<'a, str>, New<'a>)], scope: TypeRef) -> Result<Value<'a>, PatchProblem> {
    let mut elements: Vec<(&'static Element, Vec<Pair<'a>>)> = Vec::new();
    for (name, new) in parts {
        let element = find_element(scope, name, new.suffix()).ok_or(PatchProblem::UnknownElement)?;
        let pair = new.as_element(element)?;
        match elements.iter_mut().find(|(known, _)| known.path == element.path) {
            Some((known, pairs)) if known.array && known.key == element.key => pairs.push(pair),
            Some(_) => return Err(PatchProblem::AlreadyThere),
            None => elements.push((element, vec![pair])),
        }
    }
    let mut members = Vec::new();
    for (element, pairs) in elements {
        let (values, siblings): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        for (key, values) in [(element.key.to_owned(), values), (beside(element.key), siblings)] {
            if values.iter().all(Option::is_none) {
                continue;
            }
            let mut values = values.into_iter().map(|value| value.unwrap_or(Value::Null));
            let value = if element.array { Some(Value::Array(values.collect())) } else { values.next() };
            members.extend(value.map(|value| Value::member(&key, value)));
        }
    }
    if members.is_empty() { Err(PatchProblem::BadOperation) } else { Ok(Value::Object(members)) }
}

/// The element of this name whose value has this type: for a choice (`value[x]`) the variant, for others the type does not choose.
pub(super) fn find_element(scope: TypeRef, name: &str, suffix: Option<&str>) -> Option<&'static Element> {
    scope.elements().iter().find(|element| {
        if element.is_choice() {
            element.name() == name && suffix.is_some() && element.key.strip_prefix(name) == suffix
        } else {
            element.key == name
        }
    })
}

fn beside(key: &str) -> String {
    format!("_{key}")
}

/// One step into a document.
#[derive(Clone, PartialEq, Eq)]
enum Step<'d> {
    Key(Cow<'d, str>),
    Index(usize),
}

/// The way from the root to the value with this span.
fn locate<'d>(root: Node<'d>, span: &Range<usize>) -> Option<Vec<Step<'d>>> {
    let (mut node, mut way) = (root, Vec::new());
    while node.span() != *span {
        let holds = |child: &Node<'d>| child.span().start <= span.start && span.end <= child.span().end;
        let (at, child) = node.child_nodes().enumerate().find(|(_, child)| holds(child))?;
        way.push(if node.kind() == Kind::Array { Step::Index(at) } else { Step::Key(child.key()) });
        node = child;
    }
    Some(way)
}

fn tokens<'d>(way: &[Step<'d>]) -> Vec<Cow<'d, str>> {
    let token = |step: &Step<'d>| match step {
        Step::Key(key) => key.clone(),
        Step::Index(at) => Cow::Owned(at.to_string()),
    };
    way.iter().map(token).collect()
}

/// Where an element stands.
pub(super) struct Spot<'d> {
    /// The way to the object that it is in.
    pub(super) holder: Vec<Cow<'d, str>>,
    pub(super) element: &'static Element,
    /// Which of a list.
    pub(super) index: Option<usize>,
}

impl<'d> Spot<'d> {
    /// The place of an element that a path led to.
    pub(super) fn of(base: &'d Doc, item: &Item<'d>) -> Result<Self, PatchProblem> {
        let node = item.node().or_else(|| item.sibling()).ok_or(PatchProblem::NoElement)?;
        let mut way = locate(base.root(), &node.span()).ok_or(PatchProblem::NoElement)?;
        let element = match (item.definition(), way.is_empty()) {
            (_, true) => return Err(PatchProblem::NoDocument),
            (Some(element), false) => element,
            (None, false) => return Err(PatchProblem::NoElement),
        };
        let index = match way.last() {
            Some(Step::Index(at)) => Some(*at),
            _ => None,
        };
        if index.is_some() {
            way.pop();
        }
        match way.pop() {
            Some(Step::Key(key)) if *key == *element.key || key.strip_prefix('_') == Some(element.key) => {}
            _ => return Err(PatchProblem::NoElement),
        }
        Ok(Self { holder: tokens(&way), element, index })
    }

    /// The path of the element in the definitions.
    pub(super) fn place(&self) -> String {
        self.element.path.to_owned()
    }

    /// The ways to the member with the values and to the one with what stands beside them.
    fn members(&self) -> [Vec<Cow<'d, str>>; 2] {
        [self.member(Cow::Borrowed(self.element.key)), self.member(Cow::Owned(beside(self.element.key)))]
    }

    fn member(&self, key: Cow<'d, str>) -> Vec<Cow<'d, str>> {
        let mut path = self.holder.clone();
        path.push(key);
        path
    }

    /// How many elements the list has.
    pub(super) fn length(&self, tree: &mut Tree<'_>) -> Result<usize, PatchProblem> {
        let [values, siblings] = self.members();
        Ok(tree.length(&values)?.max(tree.length(&siblings)?))
    }

    /// Whether there is such an element.
    pub(super) fn is_there(&self, tree: &mut Tree<'_>) -> bool {
        self.members().iter().any(|path| tree.reach(path).is_ok())
    }

    /// Takes the element out, and what becomes empty by it.
    pub(super) fn delete(&self, tree: &mut Tree<'_>) -> Result<(), PatchProblem> {
        self.take(tree)?;
        let mut path = self.holder.clone();
        while !path.is_empty() && tree.length(&path)? == 0 && tree.reach(&path).is_ok() {
            tree.remove(&path)?;
            path.pop();
        }
        Ok(())
    }

    /// Takes the element out.
    fn take<'x>(&self, tree: &mut Tree<'x>) -> Result<Pair<'x>, PatchProblem> {
        let [values, siblings] = self.members();
        Ok((self.take_one(tree, values)?, self.take_one(tree, siblings)?))
    }

    fn take_one<'x>(
        &self,
        tree: &mut Tree<'x>,
        mut path: Vec<Cow<'d, str>>,
    ) -> Result<Option<Value<'x>>, PatchProblem> {
        let Some(index) = self.index else {
            return if tree.reach(&path).is_ok() { tree.remove(&path).map(Some) } else { Ok(None) };
        };
        if index >= tree.length(&path)? {
            return Ok(None);
        }
        path.push(Cow::Owned(index.to_string()));
        let value = tree.remove(&path)?;
        path.pop();
        if tree.length(&path)? == 0 {
            tree.remove(&path)?;
        }
        Ok(Some(value).filter(|value| !value.is_null()))
    }

    /// Puts another value in the place of the element, with what stands beside it.
    pub(super) fn replace<'x>(&self, tree: &mut Tree<'x>, new: &New<'x>) -> Result<(), PatchProblem> {
        let element = self.variant(new)?;
        let pair = new.as_element(element)?;
        match self.index {
            Some(index) => {
                self.take(tree)?;
                self.put_at(tree, index, pair)
            }
            // In the place of the old one, so that the order of members stays.
            None if element.key == self.element.key => self.set(tree, pair),
            None => {
                self.take(tree)?;
                Self { holder: self.holder.clone(), element, index: None }.set(tree, pair)
            }
        }
    }

    /// The element, or the variant of a choice that the value asks for.
    fn variant(&self, new: &New<'_>) -> Result<&'static Element, PatchProblem> {
        if !self.element.is_choice() {
            return Ok(self.element);
        }
        let same = |other: &&Element| {
            other.path == self.element.path
                && new.suffix().is_some_and(|suffix| other.key.strip_prefix(other.name()) == Some(suffix))
        };
        Element::all().iter().find(same).ok_or(PatchProblem::WrongType)
    }

    /// Adds an element that is not there yet, or another one to its list.
    pub(super) fn add<'x>(&self, tree: &mut Tree<'x>, new: &New<'x>) -> Result<(), PatchProblem> {
        let pair = new.as_element(self.element)?;
        if self.element.array {
            let length = self.length(tree)?;
            return self.put_at(tree, length, pair);
        }
        self.set(tree, pair)
    }

    pub(super) fn insert<'x>(&self, tree: &mut Tree<'x>, index: usize, new: &New<'x>) -> Result<(), PatchProblem> {
        let pair = new.as_element(self.element)?;
        self.put_at(tree, index, pair)
    }

    /// Moves one item of the list; the destination counts in the list without it.
    pub(super) fn shift(&self, tree: &mut Tree<'_>, source: usize, destination: usize) -> Result<(), PatchProblem> {
        let pair = Self { holder: self.holder.clone(), element: self.element, index: Some(source) }.take(tree)?;
        self.put_at(tree, destination, pair)
    }

    fn set<'x>(&self, tree: &mut Tree<'x>, (value, sibling): Pair<'x>) -> Result<(), PatchProblem> {
        for (path, value) in self.members().into_iter().zip([value, sibling]) {
            match value {
                Some(value) => tree.add(&path, value)?,
                None if tree.reach(&path).is_ok() => drop(tree.remove(&path)?),
                None => {}
            }
        }
        Ok(())
    }

    fn put_at<'x>(&self, tree: &mut Tree<'x>, index: usize, (value, sibling): Pair<'x>) -> Result<(), PatchProblem> {
        for (mut path, value) in self.members().into_iter().zip([value, sibling]) {
            let there = tree.reach(&path).is_ok();
            if !there && value.is_none() {
                continue;
            }
            if !there {
                tree.add(&path, Value::Array(Vec::new()))?;
            }
            // Both lists have as many places as there are elements before this one.
            while tree.length(&path)? < index {
                path.push(Cow::Borrowed("-"));
                tree.add(&path, Value::Null)?;
                path.pop();
            }
            path.push(Cow::Owned(index.to_string()));
            tree.add(&path, value.unwrap_or(Value::Null))?;
        }
        Ok(())
    }
}

/// The object of an element to which another is added, and its scope. For a primitive it is made, if it is not there: it holds
/// extensions and an id.
pub(super) fn holder_of<'d>(
    tree: &mut Tree<'_>,
    base: &'d Doc,
    item: &Item<'d>,
) -> Result<(Vec<Cow<'d, str>>, TypeRef), PatchProblem> {
    if let (Some(node), Some(scope)) = (item.node(), item.scope()) {
        let way = locate(base.root(), &node.span()).ok_or(PatchProblem::NoElement)?;
        return Ok((tokens(&way), scope));
    }
    let spot = Spot::of(base, item)?;
    let scope = TypeRef::of_datatype("Extension").ok_or(PatchProblem::NoElement)?;
    if !matches!(spot.element.value, ValueType::Primitive(_)) {
        return Err(PatchProblem::NoElement);
    }
    let [_, mut path] = spot.members();
    if let Some(index) = spot.index {
        if tree.reach(&path).is_err() {
            tree.add(&path, Value::Array(Vec::new()))?;
        }
        while tree.length(&path)? <= index {
            path.push(Cow::Borrowed("-"));
            tree.add(&path, Value::Null)?;
            path.pop();
        }
        path.push(Cow::Owned(index.to_string()));
        if tree.length(&path)? == 0 {
            tree.replace(&path, Value::Object(Vec::new()))?;
        }
    } else if tree.reach(&path).is_err() {
        tree.add(&path, Value::Object(Vec::new()))?;
    }
    Ok((path, scope))
}
