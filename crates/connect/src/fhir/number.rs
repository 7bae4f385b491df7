//! Numbers that stand in texts.

use super::text::Text;

/// A number with what stands before it.
pub(crate) struct Measured<'a> {
    /// `Quantity.comparator`: `<`, `<=`, `>`, `>=`.
    pub(crate) comparator: Option<&'static str>,
    /// The number, digits as written.
    pub(crate) value: Text<'a>,
}

/// Reads `5`, `-1.10`, `<5`, `>= 10`. Anything else is not a number, and no part of it is thrown away.
pub(crate) fn measured<'a>(text: &Text<'a>) -> Option<Measured<'a>> {
    let trimmed = text.trim();
    let (comparator, rest) = [("<=", "<="), ("≤", "<="), (">=", ">="), ("≥", ">="), ("<", "<"), (">", ">")]
        .into_iter()
        .find_map(|(sign, code)| trimmed.strip_prefix(sign).map(|rest| (Some(code), rest)))
        .unwrap_or((None, trimmed));
    let value = decimal(&rest.to_owned().into())?;
    Some(Measured { comparator, value })
}

/// A JSON number of the same digits, if the text is a plain decimal. Only what JSON forbids changes: a leading `+` goes,
/// a missing zero before the point comes.
pub(crate) fn decimal<'a>(text: &Text<'a>) -> Option<Text<'a>> {
    let trimmed = text.trim();
    let (sign, digits) = trimmed.strip_prefix('-').map_or(("", trimmed), |digits| ("-", digits));
    let digits = if sign.is_empty() { digits.strip_prefix('+').unwrap_or(digits) } else { digits };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let well_formed = numeric(whole)
        && fraction.is_none_or(|f| numeric(f) && !f.is_empty())
        && !(whole.is_empty() && fraction.is_none())
        && (whole.len() < 2 || !whole.starts_with('0'));
    if !well_formed || digits.len() > 30 {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}").into(),
        None => format!("{sign}{whole}").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<&'static str>, String)> {
        measured(&text.into()).map(|m| (m.comparator, m.value.to_string()))
    }

    #[test]
    fn digits_stay_as_they_are_written() {
        assert_eq!(read("1.10"), Some((None, "1.10".into())));
        assert_eq!(read("-0.50"), Some((None, "-0.50".into())));
        assert_eq!(read(".5"), Some((None, "0.5".into())));
        assert_eq!(read("+7"), Some((None, "7".into())));
    }

    #[test]
    fn signs_before_a_number_become_comparators() {
        assert_eq!(read("<5"), Some((Some("<"), "5".into())));
        assert_eq!(read(">= 10"), Some((Some(">="), "10".into())));
        assert_eq!(read("≤0.3"), Some((Some("<="), "0.3".into())));
        assert_eq!(read(">60"), Some((Some(">"), "60".into())));
    }

    #[test]
    fn what_is_more_than_a_number_is_not_a_number() {
        for text in ["", "5-10", "1,000", "5 mg", "1e5", "007", "NEG", "<", "1.", "--1", "1:40"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
