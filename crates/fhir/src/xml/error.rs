/// Why a text is not the FHIR XML that Aceso takes, or why a JSON document cannot be written as such. Carries no text of
/// the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct XmlError {
    /// The rule that is broken.
    pub problem: XmlProblem,
    /// Where, in bytes from the start of the text that was read (XML for `to_json`, JSON for `from_json`).
    pub offset: usize,
    /// The element around the fault, such as `Patient.name[0]`; made of names in the R4 definitions and of indexes only.
    /// Empty when the resource type was not read before the fault.
    pub path: String,
}

/// The rule that a document breaks (XML 1.0, Namespaces in XML 1.0, R4 xml.html and json.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum XmlProblem {
    /// The text is longer than [`crate::json::Limits::max_bytes`].
    #[error("text is too long")]
    TooLong,
    /// More levels than [`crate::json::Limits::max_depth`].
    #[error("nesting is too deep")]
    TooDeep,
    /// More elements and attributes than [`crate::json::Limits::max_nodes`], or too many on one element.
    #[error("too many elements or attributes")]
    TooManyValues,
    /// The bytes are not UTF-8.
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// The XML declaration names another encoding than UTF-8, or another version than 1.0.
    #[error("only XML 1.0 in UTF-8 is taken")]
    Encoding,
    /// Tags that do not match, a malformed name or attribute, something before or after the root element, an early end.
    #[error("malformed XML")]
    Malformed,
    /// A document type declaration.
    #[error("a document type declaration is not taken")]
    DocumentType,
    /// A reference to an entity other than `amp`, `lt`, `gt`, `quot` and `apos`.
    #[error("a reference to an entity that XML does not define; write the character itself")]
    Entity,
    /// A character that XML does not allow: a control character, U+FFFE or U+FFFF.
    #[error("a character that XML does not allow")]
    Character,
    /// The element is not in the namespace of FHIR, or the narrative not in that of XHTML.
    #[error("an element outside the namespaces of FHIR and XHTML")]
    Namespace,
    /// The outermost element, or the one inside `contained` and its like, is no resource type of R4.
    #[error("not a resource type of R4")]
    NotAResource,
    /// `contained` and its like hold exactly one resource.
    #[error("exactly one resource is expected here")]
    OneResource,
    /// The definitions have no such element (or JSON member) here.
    #[error("unknown element")]
    UnknownElement,
    /// FHIR has no such attribute here.
    #[error("unknown attribute")]
    UnknownAttribute,
    /// `id` of an element, or `url` of an extension, written as an element.
    #[error("must be an attribute")]
    AttributeExpected,
    /// Characters other than white space between elements.
    #[error("text is not allowed here")]
    TextNotAllowed,
    /// The element comes after one that the definitions place behind it, or apart from others of its name.
    #[error("the element is out of the order of the definitions")]
    OutOfOrder,
    /// The element may come once only.
    #[error("the element may come once only")]
    Repeated,
    /// Two variants of a choice element.
    #[error("only one type of a choice is allowed")]
    SecondVariant,
    /// An element without anything, or an attribute without characters.
    #[error("an element or attribute is empty")]
    Empty,
    /// Not a boolean, decimal or integer, where the element is one.
    #[error("not a value of the element's type")]
    InvalidValue,
    /// The narrative is not one well-formed XHTML `div` that declares all prefixes it uses.
    #[error("narrative must be one well-formed XHTML div")]
    Narrative,
    /// JSON of another kind than the element has: array, object, string, number, boolean.
    #[error("JSON of the wrong kind")]
    WrongKind,
    /// Values and their extensions in arrays of different lengths.
    #[error("values and extensions must be arrays of the same length")]
    Misaligned,
    /// Extensions of what is an attribute in XML: `id` of an element, `url` of an extension.
    #[error("an attribute cannot have extensions in XML")]
    NotInXml,
}
