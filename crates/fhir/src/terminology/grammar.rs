//! Code systems that are a grammar, not a list.

use super::Contains;
use super::store::Terminology;

/// Media types (RFC 6838).
const MEDIA_TYPES: &str = "urn:ietf:bcp:13";
/// Language tags (RFC 5646).
const LANGUAGES: &str = "urn:ietf:bcp:47";
/// Units of measure (The Unified Code for Units of Measure, case sensitive).
const UNITS: &str = "http://unitsofmeasure.org";
/// Longer expressions are not looked at: no unit in use is nearly as long.
const LONGEST_UNIT: usize = 256;
/// Country codes, of which R4 lists those with two letters.
const COUNTRIES: &str = "http://hl7.org/fhir/ValueSet/iso3166-1-2";

/// The languages that ISO 639-1 gives two letters and the registry of language subtags holds as current (RFC 5646, section 3.1).
const ISO_639_1: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en \
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km \
    kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi \
    pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz \
    ve vi vo wa wo xh yi yo za zh zu";

/// Whether a system that is a grammar has the code; unknown for every other system.
pub(super) fn contains(terminology: &Terminology, system: &str, code: &str) -> Contains {
    match system {
        MEDIA_TYPES if media_type(code) => Contains::Yes,
        MEDIA_TYPES => Contains::No,
        LANGUAGES => language(terminology, code),
        // UCUM has no spaces, but FHIR itself lists units with spaces in their annotations.
        UNITS if code.len() > LONGEST_UNIT || code.contains(' ') => Contains::Unknown,
        UNITS if ucum::validate(code).is_ok() => Contains::Yes,
        UNITS => Contains::No,
        _ => Contains::Unknown,
    }
}

/// Whether a system is a grammar.
pub(super) fn is(system: &str) -> bool {
    matches!(system, MEDIA_TYPES | LANGUAGES | UNITS)
}

/// `type/subtype` and parameters (RFC 6838 section 4.2, RFC 2045 section 5.1). Types that nobody registered are types too.
fn media_type(code: &str) -> bool {
    let name = |text: &str| {
        let rest = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        (1..=127).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(rest)
    };
    let mut parts = code.split(';');
    let media = parts.next().and_then(|media| media.trim_end().split_once('/'));
    media.is_some_and(|(kind, subtype)| name(kind) && name(subtype)) && parts.all(parameter)
}

fn parameter(text: &str) -> bool {
    let token =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c));
    let quoted = |text: &str| {
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        inner.is_some_and(|inner| inner.chars().all(|c| (c == ' ' || c.is_ascii_graphic()) && !"\"\\".contains(c)))
    };
    text.trim().split_once('=').is_some_and(|(name, value)| token(name) && (token(value) || quoted(value)))
}

/// A tag that is not well-formed is none. Of the well-formed, those are known whose language ISO 639-1 lists and whose region, if they
/// have one, is a country that R4 lists; the others would need the registry.
fn language(terminology: &Terminology, code: &str) -> Contains {
    let mut parts = code.split('-');
    let first = parts.next().unwrap_or_default();
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let alphabetic = first.chars().all(|c| c.is_ascii_alphabetic());
    let private = matches!(first, "x" | "X" | "i" | "I") && code.len() > 2;
    if !alphabetic || !((2..=8).contains(&first.len()) || private) || !parts.clone().all(fits) {
        return Contains::No;
    }
    let known = ISO_639_1.split_ascii_whitespace().any(|listed| listed.eq_ignore_ascii_case(first));
    match (parts.next(), parts.next()) {
        (None, _) if known => Contains::Yes,
        (Some(region), None) if known && region.len() == 2 => {
            let asked = super::contains::Asked { system: None, code: &region.to_ascii_uppercase() };
            match terminology.canonical_contains(COUNTRIES, asked, &mut super::contains::Walk::default()) {
                Contains::Yes => Contains::Yes,
                _ => Contains::Unknown,
            }
        }
        _ => Contains::Unknown,
    }
}
