//! The shapes in which a text can hide in bytes.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// Bytes to look for, and which encoding of the text they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    /// `utf-8`, `lower`, `utf-16le`, `hex`, `base64 at 1`, …
    pub encoding: String,
    /// What would stand in a file or an answer.
    pub bytes: Vec<u8>,
}

/// Every shape of `text` that is looked for, each once.
#[must_use]
pub fn encodings(text: &str) -> Vec<Needle> {
    let mut found = vec![
        needle("utf-8", text.as_bytes().to_vec()),
        needle("lower", text.to_lowercase().into_bytes()),
        needle("upper", text.to_uppercase().into_bytes()),
        needle("letters and digits", text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().into_bytes()),
        needle("utf-16le", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        needle("utf-16be", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        needle("hex", HEXLOWER.encode(text.as_bytes()).into_bytes()),
        needle("hex upper", HEXUPPER.encode(text.as_bytes()).into_bytes()),
        needle("url", percent(text, "%20")),
        needle("form", percent(text, "+")),
        needle("byte list", text.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(", ").into_bytes()),
        needle("reversed", text.chars().rev().collect::<String>().into_bytes()),
    ];
    for at in 0..3 {
        found.push(needle(&format!("base64 at {at}"), inner(&BASE64_NOPAD, text, at)));
        found.push(needle(&format!("base64url at {at}"), inner(&BASE64URL_NOPAD, text, at)));
    }
    let mut unique: Vec<Needle> = Vec::new();
    for needle in found {
        if !needle.bytes.is_empty() && unique.iter().all(|other| other.bytes != needle.bytes) {
            unique.push(needle);
        }
    }
    unique
}

fn needle(encoding: &str, bytes: Vec<u8>) -> Needle {
    Needle { encoding: encoding.to_owned(), bytes }
}

fn percent(text: &str, space: &str) -> Vec<u8> {
    let encoded: String = text
        .bytes()
        .map(|byte| match byte {
            b' ' => space.to_owned(),
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    encoded.into_bytes()
}

/// The base64 digits that depend on the text alone when it begins `at` bytes after a multiple of three.
fn inner(alphabet: &data_encoding::Encoding, text: &str, at: usize) -> Vec<u8> {
    let mut padded = vec![0; at];
    padded.extend_from_slice(text.as_bytes());
    let digits = alphabet.encode(&padded).into_bytes();
    let from = (at * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    digits.get(from..to).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use memchr::memmem::find;

    #[test]
    fn base64_is_found_at_every_alignment() {
        for before in 0..7 {
            for after in 0..4 {
                let text = format!("{}Quorlanda Zyxelquist{}", "x".repeat(before), "y".repeat(after));
                let stored = BASE64_NOPAD.encode(text.as_bytes());
                let seen =
                    encodings("Quorlanda Zyxelquist").iter().any(|n| find(stored.as_bytes(), &n.bytes).is_some());
                assert!(seen, "{before} before, {after} after");
            }
        }
    }

    #[test]
    fn other_shapes_are_found() {
        let seen = |stored: &[u8]| encodings("Zyxel Street 7").iter().any(|n| find(stored, &n.bytes).is_some());
        assert!(seen(b"q=Zyxel%20Street%207"));
        assert!(seen(b"q=Zyxel+Street+7"));
        assert!(seen(b"ZYXEL STREET 7"));
        assert!(seen(HEXLOWER.encode(b"..Zyxel Street 7..").as_bytes()));
        assert!(seen(b"Z\0y\0x\0e\0l\0 \0S\0t\0r\0e\0e\0t\0 \x007\0"));
        assert!(!seen(b"Zyxel Avenue 7"));
    }
}
