use super::{Doc, Kind, Node};

/// The document without insignificant white space; strings and numbers as they were written.
#[must_use]
pub fn minify(doc: &Doc) -> Vec<u8> {
    let mut out = Vec::with_capacity(doc.text().len());
    write(doc.root(), &mut out);
    out
}

/// Appends one value without insignificant white space; strings and numbers as they were written.
pub fn write(node: Node<'_>, out: &mut Vec<u8>) {
    // Depth is bounded by `Limits::max_depth`.
    let (open, close) = match node.kind() {
        Kind::Object => (b'{', b'}'),
        Kind::Array => (b'[', b']'),
        _ => return out.extend_from_slice(node.raw()),
    };
    out.push(open);
    for (position, child) in node.child_nodes().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        if open == b'{' {
            out.extend_from_slice(child.raw_key());
            out.push(b':');
        }
        write(child, out);
    }
    out.push(close);
}

/// Appends a JSON string, quotes included, with the escapes that RFC 8259 section 7 requires and no others.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\') {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let (byte, after) = special.split_first().unwrap_or((&b' ', &[]));
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
