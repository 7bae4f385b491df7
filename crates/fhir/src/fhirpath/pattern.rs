//! Regular expressions, by an engine whose time is linear in the text, with bounds on their own size.

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const LONGEST: usize = 2000;
/// The largest compiled form of a pattern that stands in the expression: eld-19 of R4 needs more than 2 MiB.
pub(super) const WRITTEN: usize = 4 << 20;
/// The largest compiled form of a pattern that is made while the expression runs, perhaps often.
pub(super) const MADE: usize = 128 << 10;
const CACHE: usize = 256 << 10;

/// `whole`: the pattern has to match all of the text. A dot matches line breaks too (FHIRPath 2.0.0, section 5.6.9).
/// `None`: not a pattern, or too large.
pub(super) fn compile(pattern: &str, whole: bool, largest: usize) -> Option<Regex> {
    if pattern.len() > LONGEST {
        return None;
    }
    let anchored = if whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
    RegexBuilder::new(&anchored)
        .dot_matches_new_line(true)
        .size_limit(largest)
        .dfa_size_limit(CACHE)
        .nest_limit(50)
        .build()
        .ok()
}

/// The text with every match replaced. In the substitution `$1` and `${name}` are groups, and `\$` is a dollar. `None`: longer than
/// `longest` bytes.
pub(super) fn replace(regex: &Regex, text: &str, substitution: &str, longest: usize) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        out.push_str(text.get(from..found.start()).unwrap_or_default());
        expand(&captures, substitution, &mut out);
        from = found.end();
        if out.len() > longest {
            return None;
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    (out.len() <= longest).then_some(out)
}

fn expand(captures: &regex::Captures<'_>, substitution: &str, out: &mut String) {
    let mut rest = substitution;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let escaped = rest.get(at..).is_some_and(|here| here.starts_with('\\'));
        rest = after;
        if escaped {
            let Some(next) = after.chars().next() else { return out.push('\\') };
            out.push(next);
            rest = after.get(next.len_utf8()..).unwrap_or_default();
            continue;
        }
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let braced = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let group = match (digits, braced) {
            (0, Some((name, after))) => {
                rest = after;
                name.parse().ok().and_then(|index| captures.get(index)).or_else(|| captures.name(name))
            }
            (0, None) => {
                out.push('$');
                continue;
            }
            (digits, _) => {
                rest = after.get(digits..).unwrap_or_default();
                after.get(..digits).and_then(|index| index.parse().ok()).and_then(|index| captures.get(index))
            }
        };
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out.push_str(rest);
}
