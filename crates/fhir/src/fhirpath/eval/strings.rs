//! Strings (FHIRPath 2.0.0, section 5.6, and the additions of 3.0.0). Positions count characters.

use data_encoding::{BASE64, BASE64URL, HEXLOWER_PERMISSIVE};

use super::{Call, Collection, Evaluator, Outcome, maybe, none, one};
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{Text, Value};
use crate::fhirpath::pattern;
use crate::fhirpath::program::Extra;
use regex::Regex;

/// The input, when it is one text.
fn input<'a>(run: &mut Evaluator<'_, 'a>, call: &mut Call<'_, '_, 'a>) -> Result<Option<Text<'a>>, Fault> {
    let items = std::mem::take(&mut call.input);
    let text = run.text(items, call.function.name, call.at)?;
    run.charge(text.as_ref().map_or(0, |text| text.len() / 64), call.at)?;
    Ok(text)
}

/// The input and the first argument; nothing when one of them is nothing.
fn with_argument<'r, 'a>(
    run: &mut Evaluator<'r, 'a>,
    mut call: Call<'r, '_, 'a>,
    then: impl FnOnce(&str, &str) -> Outcome<'a>,
) -> Outcome<'a> {
    let text = input(run, &mut call)?;
    let argument = run.text_argument(&call, 0)?;
    match text.zip(argument) {
        Some((text, argument)) => then(&text, &argument),
        None => none(),
    }
}

fn string<'a>(text: impl Into<Text<'a>>) -> Outcome<'a> {
    one(Value::String(text.into()))
}

fn made<'a>(run: &mut Evaluator<'_, 'a>, text: String, at: u32) -> Outcome<'a> {
    run.bound_text(text.len(), at)?;
    string(text)
}

fn chars_before<'a>(text: &str, at: Option<usize>) -> Outcome<'a> {
    let count = at.map_or(Ok(-1), |at| i32::try_from(text.get(..at).map_or(0, |before| before.chars().count())));
    maybe(count.ok())
}

pub(in crate::fhirpath) fn index_of<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    with_argument(run, call, |text, wanted| chars_before(text, text.find(wanted)))
}

pub(in crate::fhirpath) fn last_index_of<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    with_argument(run, call, |text, wanted| chars_before(text, text.rfind(wanted)))
}

pub(in crate::fhirpath) fn starts_with<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    with_argument(run, call, |text, wanted| one(text.starts_with(wanted)))
}

pub(in crate::fhirpath) fn ends_with<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    with_argument(run, call, |text, wanted| one(text.ends_with(wanted)))
}

pub(in crate::fhirpath) fn contains<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    with_argument(run, call, |text, wanted| one(text.contains(wanted)))
}

pub(in crate::fhirpath) fn substring<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    let Some(start) = run.integer_argument(&call, 0)? else { return none() };
    let count = if call.arguments.len() > 1 { run.integer_argument(&call, 1)? } else { Some(i32::MAX) };
    let Ok(start) = usize::try_from(start) else { return none() };
    let Some((from, _)) = text.char_indices().nth(start) else { return none() };
    let rest = text.get(from..).unwrap_or_default();
    let count = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(0));
    let end = rest.char_indices().nth(count).map_or(rest.len(), |(end, _)| end);
    string(rest.get(..end).unwrap_or_default().to_owned())
}

pub(in crate::fhirpath) fn upper<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    made(run, text.to_uppercase(), call.at)
}

pub(in crate::fhirpath) fn lower<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    made(run, text.to_lowercase(), call.at)
}

pub(in crate::fhirpath) fn length<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let text = input(run, &mut call)?;
    maybe(text.and_then(|text| i32::try_from(text.chars().count()).ok()))
}

pub(in crate::fhirpath) fn trim<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    string(text.trim().to_owned())
}

pub(in crate::fhirpath) fn to_chars<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    collect(run, text.chars().map(String::from), call.at)
}

fn collect<'a>(run: &mut Evaluator<'_, 'a>, parts: impl Iterator<Item = String>, at: u32) -> Outcome<'a> {
    let mut out = Collection::new();
    for part in parts {
        run.charge(1, at)?;
        out.push(Text::from(part).into());
        run.bound(&out, at)?;
    }
    Ok(out)
}

pub(in crate::fhirpath) fn split<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    let Some(separator) = run.text_argument(&call, 0)? else { return none() };
    if separator.is_empty() {
        return collect(run, text.chars().map(String::from), call.at);
    }
    collect(run, text.split(separator.as_str()).map(str::to_owned), call.at)
}

pub(in crate::fhirpath) fn join<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let separator = run.text_argument(&call, 0)?;
    if call.input.is_empty() {
        return none();
    }
    let mut out = String::new();
    for (index, item) in call.input.iter().enumerate() {
        let text = item.text().ok_or(Fault::new(Problem::Type("join"), call.at))?;
        if let Some(separator) = separator.as_ref().filter(|_| index > 0) {
            out.push_str(separator);
        }
        out.push_str(&text);
        run.bound_text(out.len(), call.at)?;
    }
    string(out)
}

pub(in crate::fhirpath) fn replace<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let text = input(run, &mut call)?;
    let (wanted, by) = (run.text_argument(&call, 0)?, run.text_argument(&call, 1)?);
    let (Some(text), Some(wanted), Some(by)) = (text, wanted, by) else { return none() };
    // Before it is made: every match may bring a long text.
    let count = text.matches(wanted.as_str()).count();
    run.bound_text(text.len().saturating_add(count.saturating_mul(by.len())), call.at)?;
    string(text.replace(wanted.as_str(), &by))
}

/// The compiled pattern of a call, or the one that its first argument gives now.
fn with_pattern<'r, 'a>(
    run: &mut Evaluator<'r, 'a>,
    call: &Call<'r, '_, 'a>,
    then: &mut dyn FnMut(&mut Evaluator<'r, 'a>, &Regex) -> Outcome<'a>,
) -> Outcome<'a> {
    if let Extra::Pattern(regex) = call.extra {
        return then(run, regex);
    }
    let Some(text) = run.text_argument(call, 0)? else { return none() };
    // Making the automaton is dear beside using it.
    run.charge(1000 + text.len() * 10, call.at)?;
    let whole = call.function.name == "matchesFull";
    let regex = pattern::compile(&text, whole, pattern::MADE).ok_or(Fault::new(Problem::Pattern, call.at))?;
    then(run, &regex)
}

fn found<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    run.charge(text.len(), call.at)?;
    with_pattern(run, &call, &mut |_, regex| one(regex.is_match(&text)))
}

pub(in crate::fhirpath) fn matches<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    found(run, call)
}

pub(in crate::fhirpath) fn matches_full<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    found(run, call)
}

pub(in crate::fhirpath) fn replace_matches<'r, 'a>(
    run: &mut Evaluator<'r, 'a>,
    mut call: Call<'r, '_, 'a>,
) -> Outcome<'a> {
    let Some(text) = input(run, &mut call)? else { return none() };
    let Some(by) = run.text_argument(&call, 1)? else { return none() };
    run.charge(text.len(), call.at)?;
    let (longest, at) = (run.context.limits.text, call.at);
    with_pattern(run, &call, &mut |run, regex| {
        // The empty pattern is in no place in particular.
        if regex.as_str().is_empty() {
            return string(text.clone());
        }
        match pattern::replace(regex, &text, &by, longest) {
            Some(made_text) => made(run, made_text, at),
            None => Err(Fault::new(Problem::TextTooLong, at)),
        }
    })
}

pub(in crate::fhirpath) fn encode<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let at = call.at;
    with_argument(run, call, |text, form| {
        string(match form {
            "hex" => HEXLOWER_PERMISSIVE.encode(text.as_bytes()),
            "base64" => BASE64.encode(text.as_bytes()),
            "urlbase64" => BASE64URL.encode(text.as_bytes()),
            _ => return Err(Fault::new(Problem::Argument("encode"), at)),
        })
    })
}

pub(in crate::fhirpath) fn decode<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let at = call.at;
    with_argument(run, call, |text, form| {
        let bytes = match form {
            "hex" => HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
            "base64" => BASE64.decode(text.as_bytes()),
            "urlbase64" => BASE64URL.decode(text.as_bytes()),
            _ => return Err(Fault::new(Problem::Argument("decode"), at)),
        };
        maybe(bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(Text::from))
    })
}

/// What a character is written as, in HTML and in a JSON string.
const HTML: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
const JSON: [(char, &str); 7] =
    [('"', "\\\""), ('\\', "\\\\"), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t"), ('\u{8}', "\\b"), ('\u{c}', "\\f")];

fn escapes(form: &str) -> Option<&'static [(char, &'static str)]> {
    match form {
        "html" => Some(&HTML),
        "json" => Some(&JSON),
        _ => None,
    }
}

pub(in crate::fhirpath) fn escape<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let at = call.at;
    with_argument(run, call, |text, form| {
        let table = escapes(form).ok_or(Fault::new(Problem::Argument("escape"), at))?;
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match table.iter().find(|(plain, _)| *plain == c) {
                Some((_, written)) => out.push_str(written),
                None => out.push(c),
            }
        }
        string(out)
    })
}

pub(in crate::fhirpath) fn unescape<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let at = call.at;
    with_argument(run, call, |text, form| {
        let table = escapes(form).ok_or(Fault::new(Problem::Argument("unescape"), at))?;
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let known = table.iter().find_map(|(plain, written)| Some((*plain, rest.strip_prefix(written)?)));
            let (plain, after) = known
                .or_else(|| code_point(rest, form))
                .unwrap_or_else(|| (c, rest.get(c.len_utf8()..).unwrap_or_default()));
            out.push(plain);
            rest = after;
        }
        string(out)
    })
}

/// `&#NN;`, `&#xNN;`, and `\uNNNN` of JSON.
fn code_point<'t>(text: &'t str, form: &str) -> Option<(char, &'t str)> {
    let (code, rest) = if form == "json" {
        let digits = text.strip_prefix("\\u")?;
        (u32::from_str_radix(digits.get(..4)?, 16).ok()?, digits.get(4..)?)
    } else {
        let (number, rest) = text.strip_prefix("&#")?.split_once(';')?;
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        (code.ok()?, rest)
    };
    Some((char::from_u32(code)?, rest))
}
