//! JSON Pointers (RFC 6901).

use super::PatchProblem;
use crate::definitions::{ResourceType, TypeRef, ValueType};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The unescaped tokens of a pointer; none for the whole document.
pub(super) type Tokens<'a> = Vec<Cow<'a, str>>;

/// Splits a pointer into its tokens.
pub(super) fn tokens(pointer: &str) -> Result<Tokens<'_>, PatchProblem> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or(PatchProblem::BadPointer)?;
    rest.split('/').map(unescaped).collect()
}

fn unescaped(token: &str) -> Result<Cow<'_, str>, PatchProblem> {
    if !token.contains('~') {
        return Ok(Cow::Borrowed(token));
    }
    let mut text = String::with_capacity(token.len());
    let mut rest = token.chars();
    while let Some(char) = rest.next() {
        match (char, char == '~') {
            (_, false) => text.push(char),
            (_, true) => match rest.next() {
                Some('0') => text.push('~'),
                Some('1') => text.push('/'),
                _ => return Err(PatchProblem::BadPointer),
            },
        }
    }
    Ok(Cow::Owned(text))
}

/// An index into an array: digits without a leading zero (RFC 6901, section 4).
pub(super) fn index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    token.parse().ok().filter(|_| plain)
}

/// What a pointer names, as far as it consists of names of the definitions and indexes: `Patient.name[0].family`.
///
/// Made of the pointer and the type alone, so it tells nothing about the document.
pub(super) fn place(rtype: Option<ResourceType>, tokens: &[Cow<'_, str>]) -> String {
    let Some(rtype) = rtype else { return String::new() };
    let mut place = rtype.name().to_owned();
    let mut scope = Some(TypeRef::of_resource(rtype));
    let mut array = false;
    for token in tokens {
        if array && let Some(index) = index(token) {
            // Writing to a String cannot fail.
            let _ = write!(place, "[{index}]");
            array = false;
            continue;
        }
        let Some((element, _)) = scope.and_then(|scope| scope.child(token)) else { break };
        place.push('.');
        place.push_str(element.name());
        array = element.array;
        scope = match element.value {
            ValueType::Complex(inner) => Some(inner),
            ValueType::Primitive(_) | ValueType::Resource => None,
        };
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_split_and_unescaped_as_the_rfc_says() {
        let split = |text: &str| tokens(text).map(|tokens| tokens.into_iter().map(Cow::into_owned).collect::<Vec<_>>());
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert_eq!(split("/").unwrap(), [""]);
        assert_eq!(split("/a~1b/m~0n//~01").unwrap(), ["a/b", "m~n", "", "~1"]);
        for wrong in ["a", "a/b", "/~", "/a~2", "/a~"] {
            assert_eq!(split(wrong), Err(PatchProblem::BadPointer), "{wrong}");
        }
    }

    #[test]
    fn an_index_has_digits_and_no_leading_zero() {
        assert_eq!((index("0"), index("10")), (Some(0), Some(10)));
        for wrong in ["", "00", "01", "-1", "+1", "1e0", "-", "99999999999999999999", "a"] {
            assert_eq!(index(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_place_ends_where_the_pointer_leaves_the_definitions() {
        let patient = ResourceType::parse("Patient");
        let at = |text: &str| place(patient, &tokens(text).unwrap());
        assert_eq!(at("/name/0/given/1"), "Patient.name[0].given[1]");
        assert_eq!(at("/name/-"), "Patient.name");
        assert_eq!(at("/_birthDate/extension/0/valueString"), "Patient.birthDate");
        assert_eq!(at("/deceasedBoolean"), "Patient.deceased");
        assert_eq!(at("/Keller/0"), "Patient");
        assert_eq!(at("/name/0/Keller"), "Patient.name[0]");
        assert_eq!(place(None, &tokens("/name").unwrap()), "");
    }
}
