//! One text for one JSON value, however it was written: members by name, no white space, numbers and strings as they were sent.
//!
//! Only for telling whether an object has changed. Two texts of one value give the same bytes unless they write the same
//! string with other escapes or the same number otherwise; that costs one write that changes nothing.

use aceso_fhir::json::{Doc, JsonError, Kind, Limits, Node};
use zeroize::Zeroizing;

/// The text, wiped when dropped.
///
/// # Errors
/// [`JsonError`] when it is no JSON.
pub(crate) fn canonical(json: &[u8]) -> Result<Zeroizing<Vec<u8>>, JsonError> {
    let doc = Doc::parse(json.to_vec(), &Limits::default())?;
    let mut out = Zeroizing::new(Vec::with_capacity(json.len()));
    write(doc.root(), &mut out);
    Ok(out)
}

fn write(node: Node<'_>, out: &mut Vec<u8>) {
    match node.kind() {
        Kind::Object => {
            let mut members: Vec<_> = node.members().collect();
            members.sort_by(|a, b| a.key.cmp(&b.key));
            out.push(b'{');
            for (at, member) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.push(b'"');
                out.extend_from_slice(member.key.as_bytes());
                out.extend_from_slice(b"\":");
                write(member.value, out);
            }
            out.push(b'}');
        }
        Kind::Array => {
            out.push(b'[');
            for (at, item) in node.items().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(node.raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_white_space_do_not_count_and_everything_else_does() {
        let text = |json: &str| canonical(json.as_bytes()).unwrap().to_vec();
        assert_eq!(
            text(r#"{"b": [1, {"d":null,"c":"x"}], "a":1.10}"#),
            text(r#"{"a":1.10,"b":[1,{"c":"x","d":null}]}"#)
        );
        assert_ne!(text(r#"{"a":1.10}"#), text(r#"{"a":1.1}"#));
        assert_ne!(text("[1,2]"), text("[2,1]"));
        assert_ne!(text(r#"{"a":null}"#), text("{}"));
    }
}
