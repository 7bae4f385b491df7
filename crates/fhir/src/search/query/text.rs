//! Separators and escapes of search values (R4 search.html section 3.1.1.4.2).

/// The parts between unescaped separators, escapes left in; `None` when a backslash stands before something else than
/// `\`, `,`, `|` or `$`.
pub(super) fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next().filter(|(_, escaped)| r"\,|$".contains(*escaped))?;
        } else if c == separator {
            parts.push(text.get(start..at)?);
            start = at + separator.len_utf8();
        }
    }
    parts.push(text.get(start..)?);
    Some(parts)
}

/// The text that an escaped text stands for.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_separator_separates_nothing() {
        assert_eq!(split(r"a\,b,c\\,\$", ',').unwrap(), [r"a\,b", r"c\\", r"\$"]);
        assert_eq!(unescape(r"a\,b\\\|\$"), r"a,b\|$");
        assert_eq!(split(r"a\b", ','), None);
        assert_eq!(split("a\\", ','), None);
    }
}
