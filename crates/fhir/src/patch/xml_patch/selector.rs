//! The selectors of XML Patch (RFC 5261, section 4.1): a path of elements, each narrowed by predicates, to one node.

use super::tree::{Content, Element, Scope, namespace_of};
use crate::patch::PatchProblem;
use crate::xml::{FHIR_NAMESPACE, XHTML_NAMESPACE};

/// A selector that was read.
pub(super) struct Selector {
    steps: Vec<Step>,
    pub(super) end: End,
}

/// What of the element that the steps lead to.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum End {
    Element,
    Attribute(String),
    /// Which text, comment or instruction, from 1.
    Text(Option<usize>),
    Comment(Option<usize>),
    Instruction(Option<usize>),
    /// The declaration of a prefix.
    Namespace(String),
}

/// An element by its name; `*` by none.
struct Step {
    name: Option<Qualified>,
    predicates: Vec<Predicate>,
}

#[derive(PartialEq, Eq)]
struct Qualified {
    namespace: String,
    local: String,
}

enum Predicate {
    /// The n-th of those that are left, from 1.
    Position(usize),
    /// A value inside equals this one.
    Equal { path: Vec<Qualified>, end: Inside, value: String },
}

enum Inside {
    Attribute(String),
    Text,
}

/// Steps and predicates of one selector.
const MAX_STEPS: usize = 64;

impl Selector {
    /// Reads a selector. `scope` has the declarations in force where it was written; `f` and `h` need none, they are FHIR and XHTML.
    pub(super) fn read(text: &str, scope: &Scope) -> Result<Self, PatchProblem> {
        let mut reader = Reader { rest: text.trim(), scope };
        let selector = reader.selector().ok_or(PatchProblem::BadSelector)?;
        if reader.rest.is_empty() { Ok(selector) } else { Err(PatchProblem::BadSelector) }
    }

    /// The ways to the elements that the steps lead to: places in the content of each level, from the top.
    pub(super) fn elements(&self, top: &[Content]) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        collect(&self.steps, top, &mut Vec::new(), &mut found);
        found
    }
}

fn collect(steps: &[Step], content: &[Content], way: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(way.clone());
        return;
    };
    let mut here: Vec<(usize, &Element)> = content
        .iter()
        .enumerate()
        .filter_map(|(at, content)| match content {
            Content::Element(element) if step.name.as_ref().is_none_or(|name| name.is_of(element)) => {
                Some((at, element))
            }
            _ => None,
        })
        .collect();
    for predicate in &step.predicates {
        here = match predicate {
            Predicate::Position(number) => here.into_iter().skip(number - 1).take(1).collect(),
            Predicate::Equal { path, end, value } => {
                here.into_iter().filter(|(_, element)| inside(element, path, end, value)).collect()
            }
        };
    }
    for (at, element) in here {
        way.push(at);
        collect(rest, &element.content, way, found);
        way.pop();
    }
}

fn inside(element: &Element, path: &[Qualified], end: &Inside, value: &str) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return match end {
            Inside::Attribute(name) => element
                .attributes
                .iter()
                .any(|(known, text)| known.prefix.is_empty() && known.local == *name && **text == value),
            Inside::Text => text_of(element) == value,
        };
    };
    element.content.iter().any(|content| match content {
        Content::Element(child) => name.is_of(child) && inside(child, rest, end, value),
        _ => false,
    })
}

fn text_of(element: &Element) -> String {
    let mut all = String::new();
    for content in &element.content {
        match content {
            Content::Text(text) => all.push_str(text),
            Content::Element(inner) => all.push_str(&text_of(inner)),
            Content::Comment(_) | Content::Instruction(_) => {}
        }
    }
    all
}

impl Qualified {
    fn is_of(&self, element: &Element) -> bool {
        self.local == element.local && self.namespace == element.namespace
    }
}

struct Reader<'a> {
    rest: &'a str,
    scope: &'a Scope,
}

impl<'a> Reader<'a> {
    fn selector(&mut self) -> Option<Selector> {
        let _ = self.take("/");
        let mut steps = Vec::new();
        loop {
            if let Some(end) = self.end(!steps.is_empty())? {
                return Some(Selector { steps, end });
            }
            steps.push(self.step()?);
            if steps.len() > MAX_STEPS {
                return None;
            }
            if !self.take("/") {
                return Some(Selector { steps, end: End::Element });
            }
        }
    }

    /// The last step, where it is none of an element. `Some(None)`: it is one.
    fn end(&mut self, inside: bool) -> Option<Option<End>> {
        if !inside {
            return Some(None);
        }
        if self.take("@") {
            return Some(Some(End::Attribute(self.name()?.to_owned())));
        }
        if self.take("namespace::") {
            return Some(Some(End::Namespace(self.name()?.to_owned())));
        }
        for (test, end) in [
            ("text()", End::Text as fn(Option<usize>) -> End),
            ("comment()", End::Comment),
            ("processing-instruction()", End::Instruction),
        ] {
            if self.take(test) {
                let number = if self.take("[") { Some(self.position()?) } else { None };
                return Some(Some(end(number)));
            }
        }
        Some(None)
    }

    fn step(&mut self) -> Option<Step> {
        let name = if self.take("*") { None } else { Some(self.qualified()?) };
        let mut predicates = Vec::new();
        while self.take("[") {
            self.space();
            predicates.push(match self.rest.chars().next()?.is_ascii_digit() {
                true => Predicate::Position(self.position()?),
                false => self.equality()?,
            });
            if predicates.len() > MAX_STEPS {
                return None;
            }
        }
        Some(Step { name, predicates })
    }

    fn position(&mut self) -> Option<usize> {
        let end = self.rest.find(']')?;
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(']')?;
        digits.trim().parse().ok().filter(|number| *number > 0)
    }

    /// `@a='1'`, `f:system/@value='x'`, `f:note='text'`, `.='text'`, up to the bracket.
    fn equality(&mut self) -> Option<Predicate> {
        let mut path = Vec::new();
        let end = loop {
            if self.take("@") {
                break Inside::Attribute(self.name()?.to_owned());
            }
            if self.take("text()") || (path.is_empty() && self.take(".")) {
                break Inside::Text;
            }
            path.push(self.qualified()?);
            if path.len() > MAX_STEPS {
                return None;
            }
            if !self.take("/") {
                break Inside::Text;
            }
        };
        self.space();
        if !self.take("=") {
            return None;
        }
        self.space();
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (value, rest) = self.rest.get(1..)?.split_once(quote)?;
        self.rest = rest;
        self.space();
        self.take("]").then(|| Predicate::Equal { path, end, value: value.to_owned() })
    }

    /// A name of an element: without a prefix it is in the namespace that the patch has there (RFC 5261, section 4.2.2).
    fn qualified(&mut self) -> Option<Qualified> {
        let first = self.name()?;
        let (prefix, local) =
            if self.rest.starts_with("::") || !self.take(":") { ("", first) } else { (first, self.name()?) };
        let namespace = match (namespace_of(self.scope, prefix), prefix) {
            (Some(uri), _) => uri,
            (None, "") => "",
            (None, "f") => FHIR_NAMESPACE,
            (None, "h") => XHTML_NAMESPACE,
            (None, _) => return None,
        };
        Some(Qualified { namespace: namespace.to_owned(), local: local.to_owned() })
    }

    fn name(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.chars().next().filter(|first| first.is_alphabetic() || *first == '_').map(|_| name)
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_whole_or_not_at_all() {
        let scope = vec![(String::new(), "urn:a".to_owned())];
        for good in [
            "f:doc",
            "/f:doc/f:foo",
            "doc/foo[2]",
            "f:doc/f:foo[@a='1']/@b",
            "f:doc/text()",
            "f:doc/text()[2]",
            "*/comment()[1]",
            "f:doc/namespace::pref",
            "f:a[f:b/@value=\"x\"][1]/f:c",
            "f:a[. = 'x']",
            "f:a[f:b='x']",
            "f:a/processing-instruction()",
        ] {
            assert!(Selector::read(good, &scope).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "/",
            "@a",
            "f:doc/",
            "f:doc//f:a",
            "g:doc",
            "f:doc[0]",
            "f:doc[",
            "f:doc[1",
            "f:doc[@a]",
            "f:doc[@a='1]",
            "f:doc[last()]",
            "f:doc/@a/f:b",
            "f:doc | f:b",
            "id('a')",
            "f:doc/text()[0]",
            "count(f:doc)",
            "f:doc[@a='1' or @b='2']",
        ] {
            assert!(matches!(Selector::read(wrong, &scope), Err(PatchProblem::BadSelector)), "{wrong}");
        }
    }
}
