//! The fields that may be logged. Everything else that code hands to `tracing` is dropped.
//!
//! Adding a line is a decision: can a patient's value ever stand there? Names of things the code defines, counts, durations and
//! random ids can; text that came from outside cannot.

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A number or a truth value.
    Number,
    /// A word of the program: `[A-Za-z0-9_.:/{}$-]`, at most 80 bytes. Anything else is dropped.
    Word,
    /// A random id in hex or as a UUID, made by the server.
    Id,
}

/// Name and kind of every field that may be logged, sorted by name.
pub const LOGGABLE: &[(&str, FieldKind)] = &[
    ("action", FieldKind::Word),
    ("addr", FieldKind::Word),
    ("attempt", FieldKind::Number),
    ("batch", FieldKind::Number),
    ("bytes", FieldKind::Number),
    ("check", FieldKind::Word),
    ("code", FieldKind::Word),
    ("count", FieldKind::Number),
    ("denied", FieldKind::Number),
    ("duration_ms", FieldKind::Number),
    ("duration_us", FieldKind::Number),
    ("entries", FieldKind::Number),
    ("index", FieldKind::Number),
    ("interaction", FieldKind::Word),
    ("kind", FieldKind::Word),
    ("left", FieldKind::Number),
    ("limit", FieldKind::Number),
    ("method", FieldKind::Word),
    ("mode", FieldKind::Word),
    ("outcome", FieldKind::Word),
    ("port", FieldKind::Number),
    ("queue", FieldKind::Number),
    ("reason", FieldKind::Word),
    ("region", FieldKind::Word),
    ("request_id", FieldKind::Id),
    ("resource_type", FieldKind::Word),
    ("route", FieldKind::Word),
    ("rows", FieldKind::Number),
    ("signal", FieldKind::Word),
    ("size", FieldKind::Number),
    ("state", FieldKind::Word),
    ("status", FieldKind::Number),
    ("tenant", FieldKind::Word),
    ("tree_size", FieldKind::Number),
    ("version", FieldKind::Number),
];

/// The kind of a field; `None`: it may not be logged.
pub(super) fn kind_of(name: &str) -> Option<FieldKind> {
    let found = LOGGABLE.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
    LOGGABLE.get(found).map(|(_, kind)| *kind)
}

/// Whether a text has the shape that its kind demands.
pub(super) fn may_show(kind: FieldKind, text: &str) -> bool {
    match kind {
        FieldKind::Number => false,
        FieldKind::Word => {
            (1..=80).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/{}$-".contains(&b))
        }
        FieldKind::Id => {
            (16..=36).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b) || b == b'-')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_has_no_name_twice() {
        assert!(LOGGABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn words_have_no_spaces_and_ids_are_hex() {
        assert!(may_show(FieldKind::Word, "/fhir/R4/{type}/{id}"));
        assert!(!may_show(FieldKind::Word, "Jane Doe"));
        assert!(may_show(FieldKind::Id, "057aa36e-b892-9964-75b9-ffb46b097e34"));
        assert!(!may_show(FieldKind::Id, "Smith-Jones-of-somewhere"));
    }
}
