/// Why a text is not the JSON that Aceso takes. Carries no text of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct JsonError {
    /// The rule that is broken.
    pub problem: JsonProblem,
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// The nearest element that is known, such as `Patient.name[0]`; made of names in the R4 definitions and of
    /// indexes only. Empty when the resource type was not read before the fault.
    pub path: String,
}

/// The rule that a text breaks (RFC 8259 unless said otherwise).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JsonProblem {
    /// The text is longer than [`super::Limits::max_bytes`].
    #[error("text is too long")]
    TooLong,
    /// More levels than [`super::Limits::max_depth`].
    #[error("nesting is too deep")]
    TooDeep,
    /// More values than [`super::Limits::max_nodes`].
    #[error("too many values")]
    TooManyValues,
    /// The bytes are not UTF-8.
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// The text stops inside a value.
    #[error("text ends before the value does")]
    UnexpectedEnd,
    /// A value was expected here.
    #[error("a value is expected")]
    ValueExpected,
    /// A member name in double quotes was expected here.
    #[error("a member name in double quotes is expected")]
    NameExpected,
    /// A colon was expected after a member name.
    #[error("a colon is expected")]
    ColonExpected,
    /// A comma or the end of the array or object was expected here.
    #[error("a comma or a closing bracket is expected")]
    CommaOrEndExpected,
    /// Not `true`, `false` or `null`.
    #[error("unknown literal")]
    InvalidLiteral,
    /// Leading zero, missing digits, a sign or a dot in the wrong place.
    #[error("malformed number")]
    InvalidNumber,
    /// An unknown or cut escape in a string.
    #[error("malformed escape in a string")]
    InvalidEscape,
    /// Half of a surrogate pair (RFC 8259 section 8.2, RFC 7493 section 2.1).
    #[error("unpaired surrogate in a string")]
    LoneSurrogate,
    /// A character below U+0020 that is not escaped.
    #[error("control character in a string")]
    ControlCharacter,
    /// U+0000, also when escaped: FHIR allows it in no string.
    #[error("NUL character in a string")]
    NulCharacter,
    /// The same name twice in one object (RFC 7493 section 2.3).
    #[error("duplicate member name")]
    DuplicateName,
    /// Something other than white space after the value.
    #[error("text continues after the value")]
    TrailingText,
}
