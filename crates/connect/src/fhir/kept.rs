//! What has no place in FHIR, kept beside the record.

use aceso_fhir::json::{Kind, Node, write};

use super::text::Text;
use super::tree::{Object, Tree, object};

/// Holds the members of the source object that have no place in FHIR, or whose code no table knows.
///
/// One extension inside it for each member: its URL is the member's path (`phones.0.created_date`), its value the member:
/// texts, flags and numbers as they are, whole numbers beyond 32 bits as text, objects and lists as JSON text.
pub(crate) const SOURCE_EXTENSION: &str = "https://aceso.health/fhir/StructureDefinition/source-elation";

/// The same for a source that speaks FHIR itself, where an element of the source gives way to one of ours.
pub(crate) const SOURCE_FHIR: &str = "https://aceso.health/fhir/StructureDefinition/source-fhir";

/// Members to be kept.
pub(crate) struct Kept<'a> {
    url: &'static str,
    members: Vec<(String, Node<'a>)>,
}

/// In [`SOURCE_EXTENSION`].
impl Default for Kept<'_> {
    fn default() -> Self {
        Self::of(SOURCE_EXTENSION)
    }
}

impl<'a> Kept<'a> {
    /// Members to be kept in the extension of this URL.
    pub(crate) const fn of(url: &'static str) -> Self {
        Self { url, members: Vec::new() }
    }

    /// Keeps a member under its path, unless there is nothing in it.
    pub(crate) fn put(&mut self, path: impl Into<String>, node: Node<'a>) {
        let empty = match node.kind() {
            Kind::Null => true,
            Kind::Bool | Kind::Number => false,
            Kind::String => node.as_str().is_none_or(|text| text.is_empty()),
            Kind::Array | Kind::Object => node.is_empty(),
        };
        let path = path.into();
        if !empty && !self.members.iter().any(|(other, _)| *other == path) {
            self.members.push((path, node));
        }
    }

    /// Takes over what was kept of an object inside this one.
    pub(crate) fn absorb(&mut self, prefix: &str, inner: Kept<'a>) {
        for (path, node) in inner.members {
            self.put(format!("{prefix}.{path}"), node);
        }
    }

    /// The extension, if anything is kept.
    pub(crate) fn extension(&self) -> Option<Object<'a>> {
        let inner: Vec<Object<'a>> = self.members.iter().map(|(path, node)| member(path, *node)).collect();
        (!inner.is_empty()).then(|| object! { "url" => self.url, "extension" => inner })
    }
}

fn member<'a>(path: &str, node: Node<'a>) -> Object<'a> {
    // A URL must not have white space; names that could not stand in one move into the value.
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if !plain {
        let named = format!("{}: {}", path.escape_debug(), &*json(node));
        return object! { "url" => "other", "valueString" => named };
    }
    let mut out = object! { "url" => path.to_owned() };
    match node.kind() {
        Kind::Bool => out.set("valueBoolean", node.as_bool().unwrap_or_default()),
        Kind::Number => {
            let digits = node.number_text().unwrap_or_default();
            if digits.parse::<i32>().is_ok() && !digits.starts_with("-0") {
                out.set("valueInteger", Tree::Raw(digits.into()));
            } else if digits.bytes().all(|b| b.is_ascii_digit()) {
                out.set("valueString", digits);
            } else {
                out.set("valueDecimal", Tree::Raw(digits.into()));
            }
        }
        Kind::String => match node.as_str().map(Text::from).filter(Text::is_fhir_string) {
            Some(text) => out.set("valueString", text),
            None => out.set("valueString", json(node)),
        },
        _ => out.set("valueString", json(node)),
    }
    out
}

/// The JSON text of a value.
fn json(node: Node<'_>) -> Text<'static> {
    let mut out = Vec::with_capacity(node.raw().len());
    write(node, &mut out);
    String::from_utf8(out).unwrap_or_default().into()
}
