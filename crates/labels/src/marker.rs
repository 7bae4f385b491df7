//! The stored form of a split resource, version 1.
//!
//! A skeleton is the version byte, a byte with the classes that have a part ([`crate::ClassSet::bits`]), and minified
//! JSON text with markers. A part is the version byte, the slices one after the other, the end of each slice (u32,
//! little-endian, counted from the first byte after the version), and the number of slices (u32). A slice is JSON text
//! with markers: one or more members, or one or more items.
//!
//! A marker begins with the byte 0x01, which JSON text never holds (RFC 8259 section 7), then the code of an operation:
//!
//! | operation | operands | stands for |
//! |---|---|---|
//! | [`GAP`] | class, index | a slice; nothing when masked |
//! | [`GAP_ONE`] | class, index, key length, key | a slice; `_key` with the reason `masked` when masked |
//! | [`GAP_MANY`] | class, index, key length, key | as before, with an array of one |
//! | [`VANISH`] | | the member or item before it goes when it came out as `{}` or `[]` |
//! | [`LABEL_ITEM`] | | the coding `REDACTED`, when something was masked |
//! | [`LABEL_MEMBER`] | | the same as a member `security` |
//!
//! Class and key length are one byte, the index is LEB128. Around markers the text has no commas: the splicer puts one
//! where two members or items meet.

use crate::SpliceError;

/// The version of both formats.
pub(crate) const VERSION: u8 = 1;
/// The first byte of every marker.
pub(crate) const MARK: u8 = 0x01;

pub(crate) const GAP: u8 = 1;
pub(crate) const GAP_ONE: u8 = 2;
pub(crate) const GAP_MANY: u8 = 3;
pub(crate) const VANISH: u8 = 4;
pub(crate) const LABEL_ITEM: u8 = 5;
pub(crate) const LABEL_MEMBER: u8 = 6;

/// Appends an unsigned LEB128 number.
pub(crate) fn write_index(mut index: u32, out: &mut Vec<u8>) {
    while index >= 0x80 {
        out.push((index & 0x7f) as u8 | 0x80);
        index >>= 7;
    }
    out.push(index as u8);
}

/// Reads an unsigned LEB128 number and moves on behind it.
pub(crate) fn read_index(text: &mut &[u8]) -> Result<u32, SpliceError> {
    let mut index = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = read_byte(text)?;
        index |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Ok(index);
        }
    }
    Err(SpliceError::Damaged)
}

/// Reads one byte and moves on behind it.
pub(crate) fn read_byte(text: &mut &[u8]) -> Result<u8, SpliceError> {
    let (&byte, rest) = text.split_first().ok_or(SpliceError::Damaged)?;
    *text = rest;
    Ok(byte)
}
