//! One table entry as a byte: the low half holds in a patient's record, the high half in a directory record. Each half is
//! the number of a class, or one of the two below. Also compiled into the build script.

/// As the element that holds this one.
pub(crate) const INHERIT: u8 = 7;
/// Item by item: extensions by `url`, security labels by `system`.
pub(crate) const BY_URL: u8 = 8;

/// The half that holds in a patient's record.
pub(crate) const fn in_patient(entry: u8) -> u8 {
    entry & 0x0f
}
