//! Byte lists inside a row: a version byte, then the items. Vectors: `vectors/lists.txt`.

use aceso_base::SubjectId;
use aceso_phi::IndexToken;
use aceso_store::StoreError;

const VERSION: u8 = 1;

/// Tokens of a record: version, then for each its length in one byte and its bytes, ascending, each once.
///
/// # Errors
/// [`StoreError::Corrupt`] for a token longer than 24 bytes or empty.
pub(crate) fn encode_tokens(sorted: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(1 + sorted.iter().map(|token| token.len() + 1).sum::<usize>());
    out.push(VERSION);
    for token in sorted {
        match u8::try_from(token.len()) {
            Ok(length @ 1..=24) => out.push(length),
            _ => return Err(StoreError::Corrupt("a token is empty or longer than 24 bytes")),
        }
        out.extend_from_slice(token);
    }
    Ok(out)
}

/// The tokens, borrowed from the row.
///
/// # Errors
/// [`StoreError::Corrupt`] for another version or a length that does not fit.
pub(crate) fn decode_tokens(bytes: &[u8]) -> Result<Vec<&[u8]>, StoreError> {
    let mut rest = items(bytes)?;
    let mut out = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (token, after) =
            after.split_at_checked(usize::from(length)).ok_or(StoreError::Corrupt("a token list is cut off"))?;
        out.push(token);
        rest = after;
    }
    Ok(out)
}

/// Linked compartments of a record: version, then 16 bytes each, ascending, each once.
pub(crate) fn encode_links(sorted: &[SubjectId]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + 16 * sorted.len());
    out.push(VERSION);
    sorted.iter().for_each(|subject| out.extend_from_slice(&subject.0));
    out
}

/// The linked compartments.
///
/// # Errors
/// [`StoreError::Corrupt`] for another version or a length that is no multiple of 16.
pub(crate) fn decode_links(bytes: &[u8]) -> Result<Vec<SubjectId>, StoreError> {
    let (chunks, rest) = items(bytes)?.as_chunks::<16>();
    if rest.is_empty() {
        Ok(chunks.iter().map(|chunk| SubjectId(*chunk)).collect())
    } else {
        Err(StoreError::Corrupt("a link list is cut off"))
    }
}

/// Token bytes, ascending, each once.
pub(crate) fn sorted_tokens(tokens: &[IndexToken]) -> Vec<&[u8]> {
    let mut out: Vec<&[u8]> = tokens.iter().map(IndexToken::as_bytes).collect();
    out.sort_unstable();
    out.dedup();
    out
}

fn items(bytes: &[u8]) -> Result<&[u8], StoreError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        _ => Err(StoreError::Corrupt("a list has an unknown version")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn lists_are_written_as_the_vectors_say() {
        let mut seen = 0;
        for line in include_str!("../vectors/lists.txt").lines().filter(|line| !line.starts_with('#')) {
            let (kind, rest) = line.split_once(' ').unwrap();
            let (items, stored) = rest.split_once("= ").unwrap();
            let (items, stored) = (items.split_whitespace().map(hex).collect::<Vec<_>>(), hex(stored));
            if kind == "tokens" {
                let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
                assert_eq!(encode_tokens(&items).unwrap(), stored);
                assert_eq!(decode_tokens(&stored).unwrap(), items);
            } else {
                let items: Vec<SubjectId> = items.iter().map(|i| SubjectId(i.as_slice().try_into().unwrap())).collect();
                assert_eq!(encode_links(&items), stored);
                assert_eq!(decode_links(&stored).unwrap(), items);
            }
            seen += 1;
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn unknown_versions_and_cut_lists_are_refused() {
        for wrong in ["", "00", "02", "0105aabb"] {
            assert!(decode_tokens(&hex(wrong)).is_err());
        }
        for wrong in ["", "00", "02", "01aabb"] {
            assert!(decode_links(&hex(wrong)).is_err());
        }
        assert!(encode_tokens(&[&[0; 25]]).is_err());
        assert!(encode_tokens(&[&[]]).is_err());
    }
}
