//! XML Patch (RFC 5261) with the selectors that FHIR uses (R4 http.html, section 3.1.0.6).
//!
//! Works on XML of any kind; for a resource on its XML form, which is converted back. White space of the narrative and texts of
//! numbers keep their form on that way, escapes of JSON strings do not.

mod selector;
pub(in crate::patch) mod tree;

use super::{PatchError, PatchLimits, PatchProblem};
use crate::json::Doc;
use crate::xml::{self, XmlProblem};
use selector::{End, Selector};
use tree::{Content, Element, Name, Scope, Text};
use zeroize::Zeroizing;

/// An XML Patch that was read: a list of operations, their selectors understood.
pub struct XmlPatch {
    operations: Vec<Operation>,
    limits: PatchLimits,
}

struct Operation {
    selector: Selector,
    what: What,
}

enum What {
    Add { content: Vec<Content>, position: Position },
    AddAttribute { name: Name, value: Text },
    Replace(Vec<Content>),
    Remove(Around),
}

/// Where what is added goes (RFC 5261, section 4.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Append,
    Prepend,
    Before,
    After,
}

/// White space that goes with what is removed (RFC 5261, section 4.5).
#[derive(Clone, Copy, Default)]
struct Around {
    before: bool,
    after: bool,
}

impl XmlPatch {
    /// Reads a patch: a root element (of any name) with `add`, `replace` and `remove` in it.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that is malformed ([`PatchProblem::is_malformed`]).
    pub fn read(patch: &[u8], limits: &PatchLimits) -> Result<Self, PatchError> {
        let whole = |problem| PatchError { problem, operation: None, place: String::new() };
        let text = std::str::from_utf8(patch).map_err(|_| whole(PatchProblem::NotXml))?;
        let top = tree::read(text, &limits.json).map_err(|_| whole(PatchProblem::NotXml))?;
        let root = root_of(&top).ok_or_else(|| whole(PatchProblem::NotXml))?;
        let mut scope = Scope::new();
        root.declare(&mut scope);
        let elements = root.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            _ => None,
        });
        let mut operations = Vec::new();
        for (at, element) in elements.enumerate() {
            if at >= limits.operations {
                return Err(whole(PatchProblem::TooManyOperations));
            }
            let read = Operation::read(element, &scope);
            operations.push(read.map_err(|problem| PatchError {
                problem,
                operation: Some(at),
                place: String::new(),
            })?);
        }
        if operations.is_empty() {
            return Err(whole(PatchProblem::NoOperations));
        }
        Ok(Self { operations, limits: *limits })
    }

    /// The document after the operations, as XML text; the first that fails fails all of them.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that does not fit the document, or goes beyond a limit.
    pub fn apply_to_xml(&self, target: &[u8]) -> Result<Vec<u8>, PatchError> {
        let whole = |problem| PatchError { problem, operation: None, place: String::new() };
        let text = std::str::from_utf8(target).map_err(|_| whole(PatchProblem::NoXmlForm))?;
        // What is there may be as long as it is; what is added has its limit.
        let limits = crate::json::Limits { max_bytes: usize::MAX, ..self.limits.json };
        let mut top = tree::read(text, &limits).map_err(|_| whole(PatchProblem::NoXmlForm))?;
        let mut room = self.limits.json.max_bytes;
        let mut work = self.limits.work;
        for (at, operation) in self.operations.iter().enumerate() {
            let fail = |problem| PatchError { problem, operation: Some(at), place: String::new() };
            // Every operation may look at the whole text.
            work = work.checked_sub(text.len() / 8 + 1).ok_or_else(|| fail(PatchProblem::TooCostly))?;
            room = room.checked_sub(operation.size()).ok_or_else(|| fail(PatchProblem::TooLong))?;
            operation.run(&mut top, self.limits.json.max_depth).map_err(fail)?;
        }
        let mut out = Vec::with_capacity(tree::size(&top).saturating_mul(6));
        tree::write(&top, &mut Scope::new(), &mut out);
        Ok(out)
    }

    /// The resource after the operations, as JSON text.
    ///
    /// # Errors
    /// As for [`XmlPatch::apply_to_xml`], and [`PatchProblem::NoXmlForm`] when the result is no FHIR XML.
    pub fn apply(&self, target: &Doc) -> Result<Vec<u8>, PatchError> {
        let whole = |problem| PatchError { problem, operation: None, place: String::new() };
        let text = xml::from_json(target)
            .map_err(|error| PatchError { place: error.path, ..whole(PatchProblem::NoXmlForm) })?;
        let text = Zeroizing::new(text);
        let patched = Zeroizing::new(self.apply_to_xml(&text)?);
        xml::to_json_in_any_order(&patched, &self.limits.json).map_err(|error| {
            let problem = match error.problem {
                XmlProblem::TooLong => PatchProblem::TooLong,
                XmlProblem::TooDeep => PatchProblem::TooDeep,
                _ => PatchProblem::NoXmlForm,
            };
            PatchError { place: error.path, ..whole(problem) }
        })
    }
}

fn root_of(top: &[Content]) -> Option<&Element> {
    top.iter().find_map(|content| match content {
        Content::Element(element) => Some(element),
        _ => None,
    })
}

impl Operation {
    fn read(element: &Element, outer: &Scope) -> Result<Self, PatchProblem> {
        let mut scope = outer.clone();
        element.declare(&mut scope);
        let mut given: [Option<&str>; 4] = [None; 4];
        for (name, value) in element.attributes.iter().filter(|(name, _)| name.declares().is_none()) {
            let known =
                ["sel", "pos", "type", "ws"].iter().position(|known| name.prefix.is_empty() && name.local == *known);
            *known.and_then(|at| given.get_mut(at)).ok_or(PatchProblem::BadOperation)? = Some(value);
        }
        let [sel, pos, kind, ws] = given;
        let selector = Selector::read(sel.ok_or(PatchProblem::BadOperation)?, &scope)?;
        let what = match (&*element.local, pos, kind, ws) {
            ("add", None, Some(kind), None) if selector.end == End::Element => add_attribute(kind, element)?,
            ("add", pos, None, None) => What::Add { content: brought(&element.content)?, position: position(pos)? },
            ("replace", None, None, None) => What::Replace(brought(&element.content)?),
            ("remove", None, None, ws) if element.content.is_empty() => What::Remove(around(ws)?),
            ("add" | "replace" | "remove", ..) => return Err(PatchProblem::BadOperation),
            _ => return Err(PatchProblem::UnknownOperation),
        };
        Ok(Self { selector, what })
    }

    fn size(&self) -> usize {
        match &self.what {
            What::Add { content, .. } | What::Replace(content) => tree::size(content),
            What::AddAttribute { name, value } => name.local.len() + value.len() + 16,
            What::Remove(_) => 0,
        }
    }

    fn run(&self, top: &mut Vec<Content>, max_depth: usize) -> Result<(), PatchProblem> {
        let found = self.selector.elements(top);
        let way = match found.as_slice() {
            [] => return Err(PatchProblem::NothingThere),
            [only] => only.as_slice(),
            _ => return Err(PatchProblem::NotOne),
        };
        match (&self.what, &self.selector.end) {
            (What::Add { content, position }, end) => {
                if way.len() + tree::depth(content) > max_depth {
                    return Err(PatchProblem::TooDeep);
                }
                add(top, way, end, (content, *position))
            }
            (What::AddAttribute { name, value }, _) => add_attribute_to(element_at(top, way)?, name, value),
            (What::Replace(content), End::Element) => {
                if way.len() - 1 + tree::depth(content) > max_depth {
                    return Err(PatchProblem::TooDeep);
                }
                let (last, holder) = way.split_last().ok_or(PatchProblem::NothingThere)?;
                let new = content.iter().filter(|content| matches!(content, Content::Element(_)));
                let [new] = new.collect::<Vec<_>>()[..] else { return Err(PatchProblem::NotOne) };
                *list_at(top, holder)?.get_mut(*last).ok_or(PatchProblem::NothingThere)? = new.clone();
                Ok(())
            }
            (What::Replace(content), end) => replace_inside(element_at(top, way)?, end, content),
            (What::Remove(around), End::Element) => {
                let (last, holder) = way.split_last().ok_or(PatchProblem::NothingThere)?;
                if holder.is_empty() {
                    return Err(PatchProblem::NoDocument);
                }
                take(list_at(top, holder)?, *last, *around);
                Ok(())
            }
            (What::Remove(around), end) => remove_inside(element_at(top, way)?, end, *around),
        }
    }
}

fn position(pos: Option<&str>) -> Result<Position, PatchProblem> {
    match pos {
        None => Ok(Position::Append),
        Some("prepend") => Ok(Position::Prepend),
        Some("before") => Ok(Position::Before),
        Some("after") => Ok(Position::After),
        Some(_) => Err(PatchProblem::BadOperation),
    }
}

fn around(ws: Option<&str>) -> Result<Around, PatchProblem> {
    match ws {
        None => Ok(Around::default()),
        Some("before") => Ok(Around { before: true, after: false }),
        Some("after") => Ok(Around { before: false, after: true }),
        Some("both") => Ok(Around { before: true, after: true }),
        Some(_) => Err(PatchProblem::BadOperation),
    }
}

/// `type="@name"` or `type="namespace::prefix"`, the value as text.
fn add_attribute(kind: &str, element: &Element) -> Result<What, PatchProblem> {
    let value = only_text(&element.content)?;
    let is_name = |name: &str| Selector::read(&format!("f:a/@{name}"), &Scope::new()).is_ok();
    let (prefix, local) = match (kind.strip_prefix('@'), kind.strip_prefix("namespace::")) {
        (Some(local), _) => ("", local),
        (None, Some(prefix)) => ("xmlns", prefix),
        (None, None) => return Err(PatchProblem::BadOperation),
    };
    if !is_name(local) || local == "xmlns" {
        return Err(PatchProblem::BadOperation);
    }
    Ok(What::AddAttribute { name: Name { prefix: prefix.to_owned(), local: local.to_owned() }, value })
}

/// What a patch brings: without prefixes of attributes, which might mean something else where they come to stand.
fn brought(content: &[Content]) -> Result<Vec<Content>, PatchProblem> {
    fn plain(content: &Content) -> bool {
        match content {
            Content::Element(element) => {
                let fine = |name: &Name| name.prefix.is_empty() || name.prefix == "xml" || name.declares().is_some();
                element.attributes.iter().all(|(name, _)| fine(name)) && element.content.iter().all(plain)
            }
            _ => true,
        }
    }
    if content.iter().all(plain) { Ok(content.to_vec()) } else { Err(PatchProblem::BadOperation) }
}

fn only_text(content: &[Content]) -> Result<Text, PatchProblem> {
    match content {
        [] => Ok(Zeroizing::new(String::new())),
        [Content::Text(text)] => Ok(text.clone()),
        _ => Err(PatchProblem::BadOperation),
    }
}

fn list_at<'t>(top: &'t mut Vec<Content>, way: &[usize]) -> Result<&'t mut Vec<Content>, PatchProblem> {
    let mut list = top;
    for at in way {
        list = match list.get_mut(*at) {
            Some(Content::Element(element)) => &mut element.content,
            _ => return Err(PatchProblem::NothingThere),
        };
    }
    Ok(list)
}

fn element_at<'t>(top: &'t mut Vec<Content>, way: &[usize]) -> Result<&'t mut Element, PatchProblem> {
    let (last, holder) = way.split_last().ok_or(PatchProblem::NothingThere)?;
    match list_at(top, holder)?.get_mut(*last) {
        Some(Content::Element(element)) => Ok(element),
        _ => Err(PatchProblem::NothingThere),
    }
}

fn add(
    top: &mut Vec<Content>,
    way: &[usize],
    end: &End,
    (content, position): (&[Content], Position),
) -> Result<(), PatchProblem> {
    let (list, at) = match (end, position) {
        (End::Element, Position::Append) => {
            let list = list_at(top, way)?;
            let at = list.len();
            (list, at)
        }
        (End::Element, Position::Prepend) => (list_at(top, way)?, 0),
        (End::Element, _) => {
            let (last, holder) = way.split_last().ok_or(PatchProblem::NothingThere)?;
            if holder.is_empty()
                && content.iter().any(|content| !matches!(content, Content::Comment(_) | Content::Instruction(_)))
            {
                return Err(PatchProblem::NoRoom);
            }
            (list_at(top, holder)?, *last + usize::from(position == Position::After))
        }
        (end, Position::Before | Position::After) => {
            let element = element_at(top, way)?;
            let at = node_at(element, end)?;
            (&mut element.content, at + usize::from(position == Position::After))
        }
        (_, Position::Append | Position::Prepend) => return Err(PatchProblem::NoRoom),
    };
    list.splice(at..at, content.iter().cloned());
    Ok(())
}

fn add_attribute_to(element: &mut Element, name: &Name, value: &Text) -> Result<(), PatchProblem> {
    if element.attributes.iter().any(|(known, _)| known == name) {
        return Err(PatchProblem::AlreadyThere);
    }
    element.attributes.push((name.clone(), value.clone()));
    Ok(())
}

/// Which place in an element a text, a comment or an instruction has.
fn node_at(element: &Element, end: &End) -> Result<usize, PatchProblem> {
    let wanted = |content: &Content| {
        matches!(
            (end, content),
            (End::Text(_), Content::Text(_))
                | (End::Comment(_), Content::Comment(_))
                | (End::Instruction(_), Content::Instruction(_))
        )
    };
    let mut found = element.content.iter().enumerate().filter(|(_, content)| wanted(content)).map(|(at, _)| at);
    match end {
        End::Text(Some(number)) | End::Comment(Some(number)) | End::Instruction(Some(number)) => {
            found.nth(number - 1).ok_or(PatchProblem::NothingThere)
        }
        End::Text(None) | End::Comment(None) | End::Instruction(None) => match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(PatchProblem::NothingThere),
            (Some(_), Some(_)) => Err(PatchProblem::NotOne),
        },
        End::Element | End::Attribute(_) | End::Namespace(_) => Err(PatchProblem::NothingThere),
    }
}

fn attribute_at(element: &Element, end: &End) -> Result<usize, PatchProblem> {
    let name = match end {
        End::Attribute(local) => Name { prefix: String::new(), local: local.clone() },
        End::Namespace(prefix) => Name { prefix: "xmlns".to_owned(), local: prefix.clone() },
        _ => return Err(PatchProblem::NothingThere),
    };
    element.attributes.iter().position(|(known, _)| *known == name).ok_or(PatchProblem::NothingThere)
}

fn replace_inside(element: &mut Element, end: &End, content: &[Content]) -> Result<(), PatchProblem> {
    if matches!(end, End::Attribute(_) | End::Namespace(_)) {
        let at = attribute_at(element, end)?;
        let (_, value) = element.attributes.get_mut(at).ok_or(PatchProblem::NothingThere)?;
        *value = only_text(content)?;
        return Ok(());
    }
    let at = node_at(element, end)?;
    let [new] = content else { return Err(PatchProblem::NotOne) };
    let old = element.content.get_mut(at).ok_or(PatchProblem::NothingThere)?;
    if std::mem::discriminant(old) != std::mem::discriminant(new) {
        return Err(PatchProblem::WrongType);
    }
    *old = new.clone();
    Ok(())
}

fn remove_inside(element: &mut Element, end: &End, around: Around) -> Result<(), PatchProblem> {
    if matches!(end, End::Attribute(_) | End::Namespace(_)) {
        let at = attribute_at(element, end)?;
        element.attributes.remove(at);
        return Ok(());
    }
    let at = node_at(element, end)?;
    take(&mut element.content, at, around);
    Ok(())
}

/// Takes a node out, and white space around it as far as asked for.
fn take(list: &mut Vec<Content>, at: usize, around: Around) {
    let is_space =
        |content: Option<&Content>| matches!(content, Some(Content::Text(text)) if xml::text::is_space(text));
    if around.after && is_space(list.get(at + 1)) {
        list.remove(at + 1);
    }
    list.remove(at);
    if around.before && at > 0 && is_space(list.get(at - 1)) {
        list.remove(at - 1);
    }
}
