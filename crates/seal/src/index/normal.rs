//! How a value becomes the bytes that a token is made of. **Part of [`crate::INDEX_VERSION`]**: a changed rule makes
//! records unfindable, so `vectors/normal.tsv` pins them.
//!
//! The rule for each: whatever the search means by a match must become equal (for prefixes: a prefix) here. Rules are
//! coarser than any search, never finer, since every hit is checked on opened values.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use zeroize::Zeroizing;

/// Letters and digits only, without case, marks, spaces or punctuation. Works character by character, so the folded
/// beginning of a text is the beginning of the folded text.
///
/// Compatibility decomposition (Unicode TR 15, NFKD), full case folding, marks stripped. Arabic and Persian: tashkeel
/// and tatweel gone, one alef, hamza gone or on its carrier, ya for alef maqsura, ha for ta marbuta, ASCII digits.
#[must_use]
pub fn folded(text: &str) -> Zeroizing<String> {
    // Room for everything at once, so that no half-built copy stays behind; a decomposition can be longer than this.
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3 + 16));
    // Marks go before case does: the upper case of a Greek iota subscript is a letter.
    let bare = text.nfkd().filter(|c| !is_combining_mark(*c));
    let whole = bare.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    out.extend(whole.nfkd().filter(|c| !is_combining_mark(*c)).filter_map(plain));
    out
}

/// The first three letters of a name; `None` when it has fewer: so short a name has no token and no query needs one.
#[must_use]
pub fn letters(text: &str) -> Option<Zeroizing<String>> {
    let all = folded(text);
    let end = all.char_indices().nth(2).map(|(at, c)| at + c.len_utf8())?;
    all.get(..end).map(|first| Zeroizing::new(first.to_owned()))
}

/// A whole family name.
#[must_use]
pub fn family_name(text: &str) -> Zeroizing<String> {
    folded(text)
}

/// An identifier's value: separators and case do not count. One of nothing but separators stays as it is.
#[must_use]
pub fn identifier(text: &str) -> Zeroizing<String> {
    let value = folded(text);
    if value.is_empty() { Zeroizing::new(text.to_owned()) } else { value }
}

/// A phone number as its digits alone, anything else (an e-mail address, a number with letters) folded.
#[must_use]
pub fn contact(text: &str) -> Zeroizing<String> {
    let value = folded(text);
    if value.is_empty() { Zeroizing::new(text.to_owned()) } else { value }
}

/// One character of the result, or none.
fn plain(c: char) -> Option<char> {
    Some(match c {
        '\u{0671}' => '\u{0627}',
        '\u{0649}' | '\u{06cc}' => '\u{064a}',
        '\u{0629}' | '\u{06c1}' | '\u{06be}' => '\u{0647}',
        '\u{06a9}' => '\u{0643}',
        '\u{0621}' | '\u{0640}' => return None,
        '\u{0660}'..='\u{0669}' => digit(c, '\u{0660}')?,
        '\u{06f0}'..='\u{06f9}' => digit(c, '\u{06f0}')?,
        _ if c.is_alphanumeric() => c,
        _ => return None,
    })
}

fn digit(c: char, zero: char) -> Option<char> {
    char::from_digit(u32::from(c) - u32::from(zero), 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rules_of_index_version_1_stay_as_they_are() {
        let vectors = include_str!("../../vectors/normal.tsv");
        let mut lines = 0;
        for line in vectors.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = line.split_once('\t').unwrap();
            assert_eq!(folded(text).as_str(), expected, "{text}");
            lines += 1;
        }
        assert!(lines >= 25);
    }

    #[test]
    fn a_name_under_three_letters_has_no_prefix() {
        assert_eq!(letters("Wu"), None);
        assert_eq!(letters("O'B"), None);
        assert_eq!(letters("O'Brien").unwrap().as_str(), "obr");
        assert_eq!(letters("Łukasz").unwrap().as_str(), "łuk");
    }

    #[test]
    fn a_contact_without_letters_or_digits_is_still_a_value() {
        assert_eq!(contact("--").as_str(), "--");
        assert_eq!(contact("+1 (555) 123-4567").as_str(), "15551234567");
        assert_eq!(contact("Ann@Example.ORG").as_str(), "annexampleorg");
    }

    proptest! {
        #[test]
        fn folding_a_beginning_gives_a_beginning(text in "\\PC{0,20}", more in "\\PC{0,20}") {
            let whole = folded(&format!("{text}{more}"));
            prop_assert!(whole.starts_with(folded(&text).as_str()));
        }

        #[test]
        fn whatever_the_search_takes_for_equal_is_equal_here(text in "\\PC{0,20}") {
            let by_search = aceso_fhir::search::fold(&text);
            prop_assert!(folded(&by_search) == folded(&text));
            let contact_by_search = aceso_fhir::search::normalise_contact(&text);
            if !folded(&text).is_empty() {
                prop_assert!(contact(&contact_by_search) == contact(&text));
            }
        }
    }
}
