//! Picking texts out of a view. What a view does not have (absent, or masked) is `None`.

use aceso_custodian::View;
use aceso_fhir::json::{Doc, Limits, Node};
use aceso_repository::Fault;
use std::borrow::Cow;

/// A view's record, taken apart. Overwritten when it is dropped.
pub(crate) struct Record {
    doc: Doc,
}

impl Record {
    pub(crate) fn of(view: View) -> Result<Self, Fault> {
        let doc = Doc::parse(view.into_json(), &Limits::default());
        doc.map(|doc| Self { doc }).map_err(|_| Fault::new(500, "exception", "a record cannot be shown"))
    }

    /// The text at a path of names and numbers, `name.0.family`.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        text(self.node(path)?)
    }

    pub(crate) fn node(&self, path: &str) -> Option<Node<'_>> {
        at(self.doc.root(), path)
    }

    pub(crate) fn items(&self, path: &str) -> impl Iterator<Item = Node<'_>> {
        self.node(path).into_iter().flat_map(Node::items)
    }

    /// The words of a CodeableConcept: its text, else a display, else a code.
    pub(crate) fn concept(&self, path: &str) -> Option<String> {
        concept(self.node(path)?)
    }

    /// A number with its unit.
    pub(crate) fn quantity(&self, path: &str) -> Option<(f64, String)> {
        let node = self.node(path)?;
        let number = at(node, "value")?.number_text()?.parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some((number, at(node, "unit").and_then(text).or_else(|| at(node, "code").and_then(text)).unwrap_or_default()))
    }

    /// The day of a date or dateTime.
    pub(crate) fn day(&self, path: &str) -> Option<String> {
        self.text(path).map(|text| text.get(..10).unwrap_or(&text).to_owned())
    }

    /// A person's name in one line.
    pub(crate) fn name(&self) -> Option<String> {
        let official = |node: &Node<'_>| at(*node, "use").and_then(text).as_deref() == Some("official");
        let mut names = self.items("name");
        let first = names.next()?;
        let chosen = if official(&first) { first } else { names.find(official).unwrap_or(first) };
        let given = at(chosen, "given").into_iter().flat_map(Node::items).filter_map(text);
        let parts: Vec<String> = given.chain(at(chosen, "family").and_then(text)).collect();
        if parts.is_empty() { at(chosen, "text").and_then(text) } else { Some(parts.join(" ")) }
    }

    /// An address in one line.
    pub(crate) fn address(&self) -> Option<String> {
        let address = self.node("address.0")?;
        let lines = at(address, "line").into_iter().flat_map(Node::items).filter_map(text);
        let rest = ["postalCode", "city", "state"].into_iter().filter_map(|name| at(address, name).and_then(text));
        let parts: Vec<String> = lines.chain(rest).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The identifier that a record number is, else the first.
    pub(crate) fn record_number(&self) -> Option<String> {
        let is_mr = |node: &Node<'_>| at(*node, "type.coding.0.code").and_then(text).as_deref() == Some("MR");
        let mut all = self.items("identifier");
        let first = all.next()?;
        let chosen = if is_mr(&first) { first } else { all.find(is_mr).unwrap_or(first) };
        at(chosen, "value").and_then(text)
    }

    /// The value of an extension whose URL ends so, as text.
    pub(crate) fn extension(&self, ending: &str) -> Option<String> {
        let named =
            |node: &Node<'_>, ending: &str| at(*node, "url").and_then(text).is_some_and(|url| url.ends_with(ending));
        let found = self.items("extension").find(|node| named(node, ending))?;
        let inner = at(found, "extension").into_iter().flat_map(Node::items);
        let told = inner.filter(|node| named(node, "text")).find_map(|node| at(node, "valueString").and_then(text));
        told.or_else(|| at(found, "valueString").and_then(text)).or_else(|| at(found, "valueCode").and_then(text))
    }
}

/// The node at a path of names and numbers.
pub(crate) fn at<'a>(node: Node<'a>, path: &str) -> Option<Node<'a>> {
    path.split('.').try_fold(node, |node, step| match step.parse::<usize>() {
        Ok(position) => node.items().nth(position),
        Err(_) => node.get(step),
    })
}

/// A text, number or truth value as text.
pub(crate) fn text(node: Node<'_>) -> Option<String> {
    node.as_str()
        .map(Cow::into_owned)
        .or_else(|| node.number_text().map(str::to_owned))
        .or_else(|| node.as_bool().map(|value| value.to_string()))
}

pub(crate) fn concept(node: Node<'_>) -> Option<String> {
    let coding = || at(node, "coding").into_iter().flat_map(Node::items);
    let said =
        at(node, "text").and_then(text).or_else(|| coding().find_map(|coding| at(coding, "display").and_then(text)));
    said.or_else(|| coding().find_map(|coding| at(coding, "code").and_then(text)))
}
