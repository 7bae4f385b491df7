//! Bytes read as changes to something genuine: so an input means the same under keys that are new in every run.

/// Applies `edits` to `genuine`, four bytes each: what to do, where (two bytes, modulo the length), with what. A rest of fewer than four
/// bytes is not an edit.
pub(crate) fn apply(genuine: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut out = genuine.to_vec();
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([edit[1], edit[2]])) % (out.len() + 1);
        let with = edit[3];
        match edit[0] % 6 {
            0 if at < out.len() => out[at] ^= with,
            1 if at < out.len() => out[at] = with,
            2 => out.insert(at, with),
            3 => drop(out.drain(at..(at + usize::from(with)).min(out.len()))),
            4 => out.truncate(at),
            // From the front to the back: moved parts are the attack on formats that do not bind places.
            5 if at < out.len() => out.rotate_left(at),
            _ => {}
        }
    }
    out
}

/// Edits to start from: none, one bit, one letter more, one byte less, a cut, a move.
pub(crate) fn seeds(mode: u8) -> Vec<Vec<u8>> {
    let edits: [&[u8]; 7] = [
        &[],
        &[0, 0, 9, 1],
        &[0, 0, 200, 0x20],
        &[2, 0, 40, b'A'],
        &[3, 0, 3, 1],
        &[4, 0, 30, 0],
        &[5, 0, 16, 0, 2, 0, 0, 1],
    ];
    edits.map(|edit| [&[mode], edit].concat()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_edit_leaves_the_genuine_bytes_and_each_kind_of_edit_changes_them() {
        assert_eq!(apply(b"genuine", &[]), b"genuine");
        assert_eq!(apply(b"genuine", &[0, 0, 0]), b"genuine");
        assert_eq!(apply(b"genuine", &[0, 0, 0, 1]), b"fenuine");
        assert_eq!(apply(b"genuine", &[1, 0, 0, b'G']), b"Genuine");
        assert_eq!(apply(b"genuine", &[2, 0, 7, b's']), b"genuines");
        assert_eq!(apply(b"genuine", &[3, 0, 0, 2]), b"nuine");
        assert_eq!(apply(b"genuine", &[4, 0, 2, 0]), b"ge");
        assert_eq!(apply(b"genuine", &[5, 0, 2, 0]), b"nuinege");
        assert_eq!(apply(b"", &[3, 9, 9, 9, 5, 9, 9, 9]), b"");
    }
}
