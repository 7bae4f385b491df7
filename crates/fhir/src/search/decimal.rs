//! Exact decimals, large enough for R4 (18 digits) with much to spare.

use std::cmp::Ordering;

/// `mantissa × 10^exponent`, exact up to 36 digits; longer texts keep their first 36 digits.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    pub(crate) mantissa: i128,
    pub(crate) exponent: i16,
}

const MOST_DIGITS: u32 = 36;
const LARGEST_EXPONENT: i32 = 10_000;

impl Decimal {
    /// A JSON number or the number of a search (`100`, `-5.40`, `1e2`). `None` when it is no number, or above 10^10000.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match rest.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) {
            return None;
        }
        let (mut mantissa, mut seen, mut cut) = (0i128, 0u32, 0i32);
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            if seen == MOST_DIGITS {
                cut = cut.checked_add(1)?;
                continue;
            }
            mantissa = mantissa * 10 + i128::from(byte - b'0');
            seen += u32::from(mantissa != 0);
        }
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(cut)?;
        if !(-LARGEST_EXPONENT..=LARGEST_EXPONENT).contains(&exponent) {
            return None;
        }
        Some(Self { mantissa: if negative { -mantissa } else { mantissa }, exponent: i16::try_from(exponent).ok()? })
    }

    /// The half-open range that the written digits stand for (R4 search.html section 3.1.1.4.6): 100 means 99.5 to
    /// 100.5, 100.00 means 99.995 to 100.005, 1e2 means 50 to 150.
    #[must_use]
    pub fn precision_range(self) -> (Self, Self) {
        let Self { mantissa, exponent } = self;
        let exponent = exponent.saturating_sub(1);
        (Self { mantissa: mantissa * 10 - 5, exponent }, Self { mantissa: mantissa * 10 + 5, exponent })
    }

    /// A tenth of the value to both sides: what `ap` accepts.
    #[must_use]
    pub fn about(self) -> (Self, Self) {
        let Self { mantissa, exponent } = self;
        let exponent = exponent.saturating_sub(1);
        let ends = (Self { mantissa: mantissa * 9, exponent }, Self { mantissa: mantissa * 11, exponent });
        if mantissa < 0 { (ends.1, ends.0) } else { ends }
    }

    /// `self × factor + offset`, when it can be said exactly.
    pub(crate) fn scaled(self, factor: Self, offset: Self) -> Option<Self> {
        let product = self.mantissa.checked_mul(factor.mantissa)?;
        let exponent = self.exponent.checked_add(factor.exponent)?;
        let low = exponent.min(offset.exponent);
        let lift = |mantissa: i128, from: i16| {
            let power = 10i128.checked_pow(u32::try_from(i32::from(from) - i32::from(low)).ok()?)?;
            mantissa.checked_mul(power)
        };
        let mantissa = lift(product, exponent)?.checked_add(lift(offset.mantissa, offset.exponent)?)?;
        (mantissa.unsigned_abs() < 10u128.pow(MOST_DIGITS)).then_some(Self { mantissa, exponent: low })
    }

    fn magnitude(self) -> i32 {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().map_or(0, |l| l as i32 + 1);
        digits + i32::from(self.exponent)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let sizes = self.magnitude().cmp(&other.magnitude());
        if sizes != Ordering::Equal {
            return if self.mantissa < 0 { sizes.reverse() } else { sizes };
        }
        // Equal magnitude: lifting the one with fewer digits gives both the same number of digits, at most 38.
        let lift = i32::from(self.exponent) - i32::from(other.exponent);
        let power = 10i128.saturating_pow(lift.unsigned_abs());
        if lift >= 0 {
            self.mantissa.saturating_mul(power).cmp(&other.mantissa)
        } else {
            self.mantissa.cmp(&other.mantissa.saturating_mul(power))
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        assert_eq!(d("100"), d("1e2"));
        assert_eq!(d("1.50"), d("15e-1"));
        assert_eq!(d("-0.0"), d("0e7"));
        assert!(d("-1e10000") < d("-1e-10000"));
        assert!(d("0.1") > d("0.0999999999999999999999999999999999999"));
        assert!(d("123456789012345678901234567890123456") < d("1.23456789012345678901234567890123457e35"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "1.", ".5", "1e", "0x1", "1,5", "1e99999", "NaN", "--1", "1.2.3"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn written_digits_say_how_exact_a_number_is() {
        let (low, high) = d("100").precision_range();
        assert_eq!((low, high), (d("99.5"), d("100.5")));
        assert_eq!(d("1e2").precision_range(), (d("50"), d("150")));
        assert_eq!(d("-5.40").precision_range(), (d("-5.405"), d("-5.395")));
        assert_eq!(d("-10").about(), (d("-11"), d("-9")));
    }

    #[test]
    fn scaling_is_exact_or_nothing() {
        assert_eq!(d("12").scaled(d("0.5"), d("-1.25")), Some(d("4.75")));
        assert_eq!(d("1e9000").scaled(d("1e9000"), d("1")), None);
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_integers(a in -100_000_000i64..100_000_000, b in -100_000_000i64..100_000_000, e in 0u32..6, f in 0u32..6) {
            let left = Decimal { mantissa: i128::from(a), exponent: -(e as i16) };
            let right = Decimal { mantissa: i128::from(b), exponent: -(f as i16) };
            let want = (i128::from(a) * 10i128.pow(f)).cmp(&(i128::from(b) * 10i128.pow(e)));
            prop_assert_eq!(left.cmp(&right), want);
        }
    }
}
