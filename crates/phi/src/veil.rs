//! The veil around opened values.

use std::fmt;
use zeroize::Zeroize;

/// An opened value of a patient. Wiped from memory when dropped.
pub struct Phi<T: Zeroize>(T);

impl<T: Zeroize> Phi<T> {
    /// Puts a value under the veil.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Looks at the value. For kernel crates (`labels`, `seal`, `custodian`, `fhir`); `cargo xtask check` refuses it elsewhere.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Changes the value in place, under the same rule as [`Phi::expose`].
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Phi<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_text_shows_nothing_of_the_value() {
        let veiled = Phi::new(String::from("1970-01-01"));
        assert_eq!(format!("{veiled:?}"), "Phi(…)");
    }
}
