//! What a string looks like when case and accents do not count.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case, compatibility-decomposed (NFKD), without combining marks: `Müller` becomes `muller` (R4 search.html
/// section 3.1.1.4.8 leaves the details to the server). ASCII text only changes its case.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.chars().flat_map(char::to_lowercase).nfkd().filter(|c| !is_combining_mark(*c));
    lower.flat_map(char::to_lowercase).nfkd().filter(|c| !is_combining_mark(*c)).collect()
}

/// A phone number as its digits and leading `+`, anything else (an e-mail address) folded; R4 search.html section
/// 3.1.1.4.10 allows special handling of contact points.
#[must_use]
pub fn normalise_contact(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let phone = text.chars().all(|c| c.is_ascii_digit() || "+-./() \u{a0}".contains(c));
    if phone && digits >= 3 {
        let plus = text.trim_start().starts_with('+');
        plus.then_some('+').into_iter().chain(text.chars().filter(char::is_ascii_digit)).collect()
    } else {
        fold(text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_count() {
        assert_eq!(fold("Müller-ÅSE"), "muller-ase");
        assert_eq!(fold("ŁUKASZ ™ K"), "łukasz tm k");
        assert_eq!(fold("İ"), "i");
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["ǅ", "ﬃ", "Ⅷ", "ϔ", "ẞ", "Å", "ﷺ"] {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }

    #[test]
    fn a_phone_number_is_its_digits() {
        assert_eq!(normalise_contact("+1 (555) 123-4567"), "+15551234567");
        assert_eq!(normalise_contact("Ann@Example.ORG"), "ann@example.org");
        assert_eq!(normalise_contact("555-CALL"), "555-call");
    }
}
