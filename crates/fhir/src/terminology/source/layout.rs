//! The bytes of a table, version 1.
//!
//! ```text
//! 01 'T' 'R' 'M'                   version and mark
//! source                           string: where the content is from, with its build
//! (start, records) per section     in the order of `Section`; start in bytes from the beginning of the table
//! the sections                     records of 32-bit words, little-endian
//! strings                          each its length (LEB128) and UTF-8; a string is referred to by its place in here, 0 is the empty one
//! ```
//!
//! A field that says where a part of a record begins ends where that of the next record begins; therefore such sections end with one record
//! more than they have.

/// The first four bytes: version 1.
pub(crate) const MARK: [u8; 4] = [1, b'T', b'R', b'M'];

/// The parts of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// url, version, name, title, flags, first concept. Sorted by url and version.
    Systems,
    /// code, display, definition, flags, first parent, first property, first designation. In the order of the source.
    Concepts,
    /// url of the value set of all codes of a system, number of the system. Sorted by url.
    AllCodes,
    /// Numbers of a system's concepts (from its first), sorted by code.
    ConceptOrder,
    /// Number of a parent, from the first concept of the system.
    Parents,
    /// code, kind of value, value, system and display of a coding.
    Properties,
    /// language, system, code and display of its use, value.
    Designations,
    /// url, version, name, title, flags, first clause. Sorted by url and version.
    Sets,
    /// flags, system, version, first listed code, first filter, first imported value set. In the order of the source.
    Clauses,
    /// code, display, first designation.
    Listed,
    /// Numbers of a clause's listed codes (from its first), sorted by code.
    ListedOrder,
    /// property, operator, value.
    Filters,
    /// Canonical url.
    Imports,
    /// Bytes.
    Strings,
}

impl Section {
    /// How many there are.
    pub(crate) const COUNT: usize = 14;

    /// Words of a record.
    pub(crate) fn words(self) -> usize {
        match self {
            Self::Concepts => 7,
            Self::Systems | Self::Sets | Self::Clauses => 6,
            Self::Properties | Self::Designations => 5,
            Self::Listed | Self::Filters => 3,
            Self::AllCodes => 2,
            Self::ConceptOrder | Self::Parents | Self::ListedOrder | Self::Imports => 1,
            Self::Strings => 0,
        }
    }
}

/// Bits of the flags.
pub(crate) mod flags {
    /// Of a system: the lowest three bits are its content.
    pub(crate) const CONTENT: u32 = 7;
    /// Of a system: it says that its codes are not case sensitive.
    pub(crate) const ANY_CASE: u32 = 1 << 3;
    /// Of a system: its hierarchy means "is a".
    pub(crate) const IS_A: u32 = 1 << 4;
    /// Of a concept: not for use as a value.
    pub(crate) const ABSTRACT: u32 = 1;
    /// Of a concept: not active.
    pub(crate) const INACTIVE: u32 = 1 << 1;
    /// Of a value set: it has rules; without them nothing about it can be decided.
    pub(crate) const COMPOSED: u32 = 1;
    /// Of a value set: inactive codes are no members.
    pub(crate) const ONLY_ACTIVE: u32 = 1 << 1;
    /// Of a value set: where its status stands in these bits.
    pub(crate) const STATUS_SHIFT: u32 = 2;
    /// Of a clause: it takes codes away.
    pub(crate) const EXCLUDE: u32 = 1;
    /// Of a clause: its codes are listed, though the list may be empty.
    pub(crate) const LISTED: u32 = 1 << 1;
}
