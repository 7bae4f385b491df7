//! Quantities: a decimal with a UCUM unit or a calendar duration (FHIRPath 2.0.0, section 4.1.8).
//!
//! Values are exact decimals. Factors between units come from the UCUM library as binary fractions and are taken to 15
//! digits, which is what UCUM's own table has.

use std::cmp::Ordering;
use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use super::item::Text;

/// A number with a unit.
#[derive(Clone)]
pub struct Quantity<'a> {
    /// The number.
    pub value: Decimal,
    /// The unit.
    pub unit: Unit<'a>,
    /// Of a document: there UCUM's month and year stand for those of the calendar where one is needed (R4 fhirpath.html,
    /// "Quantity"); FHIR has no code for the others.
    pub(super) is_element: bool,
}

/// What a quantity counts.
#[derive(Debug, Clone)]
pub enum Unit<'a> {
    /// A calendar duration: `4 days`.
    Calendar(Calendar),
    /// A UCUM code; `1` where there is no unit.
    Ucum(Text<'a>),
    /// A unit of another system, or a text: comparable with the same unit only.
    Other(Text<'a>),
}

/// Calendar durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Calendar {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// In order of [`Calendar`]: the word, and the UCUM unit of the same meaning or (month, year) nearly so.
const WORDS: [(Calendar, &str, &str); 8] = [
    (Calendar::Millisecond, "millisecond", "ms"),
    (Calendar::Second, "second", "s"),
    (Calendar::Minute, "minute", "min"),
    (Calendar::Hour, "hour", "h"),
    (Calendar::Day, "day", "d"),
    (Calendar::Week, "week", "wk"),
    (Calendar::Month, "month", "mo"),
    (Calendar::Year, "year", "a"),
];

impl Calendar {
    /// `day`, `days`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let singular = word.strip_suffix('s').unwrap_or(word);
        WORDS.iter().find(|(_, name, _)| *name == singular).map(|(calendar, ..)| *calendar)
    }

    /// The duration that a UCUM code means exactly; months and years of UCUM are averages and have none.
    pub(super) fn of_ucum(code: &str) -> Option<Self> {
        WORDS
            .iter()
            .find(|(calendar, _, ucum)| *ucum == code && *calendar < Self::Month)
            .map(|(calendar, ..)| *calendar)
    }

    fn ucum(self) -> &'static str {
        WORDS.iter().find(|(calendar, ..)| *calendar == self).map_or("1", |(.., ucum)| ucum)
    }

    fn word(self) -> &'static str {
        WORDS.iter().find(|(calendar, ..)| *calendar == self).map_or("", |(_, word, _)| word)
    }

    /// How many of the other; a month or year is no number of days.
    fn ratio(self, other: Self) -> Option<Decimal> {
        match [self, other].map(|calendar| calendar >= Self::Month) {
            _ if self == other => Some(Decimal::ONE),
            [true, true] if self > other => Some(Decimal::from(12)),
            [true, true] => Decimal::ONE.checked_div(Decimal::from(12)),
            [false, false] => Decimal::from(self.millis()).checked_div(Decimal::from(other.millis())),
            _ => None,
        }
    }

    /// Milliseconds; a month is 30 days and a year 365 where calendar durations are converted (section 6.6.7).
    fn millis(self) -> i64 {
        const DAY: i64 = 86_400_000;
        match self {
            Self::Millisecond => 1,
            Self::Second => 1000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Year => 365 * DAY,
        }
    }
}

/// How many of the second unit one of the first is: exact, or to 15 digits.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    factor: Decimal,
    exact: bool,
}

impl<'a> Quantity<'a> {
    pub(super) fn new(value: Decimal, unit: Unit<'a>) -> Self {
        Self { value, unit, is_element: false }
    }

    /// A number without unit.
    pub(super) fn plain(value: Decimal) -> Self {
        Self::new(value, Unit::Ucum(Text::Borrowed("1")))
    }

    /// The calendar duration that it can stand for.
    pub(super) fn calendar(&self) -> Option<Calendar> {
        match &self.unit {
            Unit::Calendar(calendar) => Some(*calendar),
            Unit::Ucum(code) => Calendar::of_ucum(code).or_else(|| match code.as_str() {
                "mo" if self.is_element => Some(Calendar::Month),
                "a" if self.is_element => Some(Calendar::Year),
                word => Calendar::parse(word),
            }),
            Unit::Other(_) => None,
        }
    }

    /// Three-valued; `None` when the units cannot be compared, or are a calendar month or year and a duration of another kind.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        let (this, that, exact) = self.aligned(other)?;
        if !exact && is_near(this, that) {
            return Some(Ordering::Equal);
        }
        Some(this.cmp(&that))
    }

    /// Equal when rounded to the precision of the less precise one (section 6.1.2).
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        let averages = |unit: &Unit<'_>| match unit {
            Unit::Calendar(calendar @ (Calendar::Month | Calendar::Year)) => Some(calendar.ucum()),
            _ => None,
        };
        // A calendar month is equivalent to a month of UCUM, though not equal to it.
        let softened = |quantity: &Self| match averages(&quantity.unit) {
            Some(code) => Quantity::new(quantity.value, Unit::Ucum(Text::Borrowed(code))),
            None => quantity.clone(),
        };
        let (this, that) = (softened(self), softened(other));
        let Some((left, right, exact)) = this.aligned(&that) else { return false };
        // The converted side keeps the precision that its own value was written with.
        let scale = left.scale().min(right.scale()).min(self.value.scale().min(other.value.scale()));
        let round = |value: Decimal| value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
        round(left) == round(right) || coarse_equal(self, other, left, right) || (!exact && is_near(left, right))
    }

    /// The same amount in another unit: a UCUM code or a calendar word.
    pub(super) fn in_unit(&self, unit: &str) -> Option<Quantity<'static>> {
        let unit = match Calendar::parse(unit) {
            Some(calendar) => Unit::Calendar(calendar),
            None => Unit::Ucum(unit.to_owned().into()),
        };
        let ratio = self.ratio(&Quantity::new(Decimal::ONE, unit.clone()))?;
        Some(Quantity::new(self.value.checked_mul(ratio.factor)?, unit))
    }

    /// Whether both can be brought to one unit.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        self.ratio(other).is_some()
    }

    /// Both values in the smaller of both units, and whether the conversion was exact.
    fn aligned(&self, other: &Self) -> Option<(Decimal, Decimal, bool)> {
        if let (Unit::Ucum(this), Unit::Ucum(that)) = (&self.unit, &other.unit)
            && this != that
            && let Some(pair) = special(self.value, this, other.value, that)
        {
            return pair.map(|(this, that)| (this, that, false));
        }
        let ratio = self.ratio(other)?;
        if ratio.factor >= Decimal::ONE {
            Some((self.value.checked_mul(ratio.factor)?, other.value, ratio.exact))
        } else {
            let back = other.ratio(self)?;
            Some((self.value, other.value.checked_mul(back.factor)?, back.exact))
        }
    }

    fn ratio(&self, other: &Self) -> Option<Ratio> {
        let exact = |factor| Some(Ratio { factor, exact: true });
        match (&self.unit, &other.unit) {
            (Unit::Calendar(this), Unit::Calendar(that)) if this == that => exact(Decimal::ONE),
            (Unit::Calendar(this), Unit::Calendar(that)) => this.ratio(*that).and_then(exact),
            (Unit::Calendar(this), Unit::Ucum(that)) if *this < Calendar::Month => factor(this.ucum(), that),
            (Unit::Ucum(this), Unit::Calendar(that)) if *that < Calendar::Month => factor(this, that.ucum()),
            (Unit::Ucum(this), Unit::Ucum(that)) if this == that => exact(Decimal::ONE),
            (Unit::Ucum(this), Unit::Ucum(that)) => factor(this, that),
            (Unit::Other(this), Unit::Other(that)) if this == that => exact(Decimal::ONE),
            (Unit::Calendar(this), _) if other.is_element => this.ratio(other.calendar()?).and_then(exact),
            (_, Unit::Calendar(that)) if self.is_element => self.calendar()?.ratio(*that).and_then(exact),
            _ => None,
        }
    }

    /// The sum, in the smaller unit; `None` when the units cannot be added or the number grows too large.
    pub(super) fn plus(&self, other: &Self, sign: Decimal) -> Option<Self> {
        let (this, that, _) = self.aligned(other)?;
        let keeps_other = self.ratio(other).is_some_and(|ratio| ratio.factor > Decimal::ONE);
        let unit = if keeps_other { other.unit.clone() } else { self.unit.clone() };
        Some(Quantity::new(this.checked_add(that.checked_mul(sign)?)?, unit))
    }

    /// The product or quotient with the unit that follows; `None` when a unit is no UCUM unit.
    pub(super) fn times(&self, other: &Self, divide: bool) -> Option<Self> {
        let (this, that) = (self.ucum()?, other.ucum()?);
        let value = if divide { self.value.checked_div(other.value)? } else { self.value.checked_mul(other.value)? };
        let unit = match (this, that) {
            (_, "1") => this.to_owned(),
            ("1", _) if !divide => that.to_owned(),
            _ => format!("{}{}{}", grouped(this), if divide { '/' } else { '.' }, grouped(that)),
        };
        ucum::validate(&unit).ok()?;
        Some(Quantity::new(value, Unit::Ucum(unit.into())))
    }

    fn ucum(&self) -> Option<&str> {
        match &self.unit {
            Unit::Calendar(calendar) => (*calendar < Calendar::Month).then(|| calendar.ucum()),
            Unit::Ucum(code) => Some(code.as_str()),
            Unit::Other(_) => None,
        }
    }
}

/// `4 'g' ~ 4040 'mg'`: both in the larger unit, to the digits of the value that was written in it.
fn coarse_equal(this: &Quantity<'_>, that: &Quantity<'_>, left: Decimal, right: Decimal) -> bool {
    let Some(ratio) = this.ratio(that) else { return false };
    let round = |value: Decimal, scale| value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    if ratio.factor > Decimal::ONE {
        right.checked_div(ratio.factor).is_some_and(|right| round(right, this.value.scale()) == this.value)
    } else {
        let Some(back) = that.ratio(this) else { return false };
        left.checked_div(back.factor).is_some_and(|left| round(left, that.value.scale()) == that.value)
    }
}

fn grouped(unit: &str) -> String {
    if unit.contains(['.', '/']) { format!("({unit})") } else { unit.to_owned() }
}

/// Units that do not start at zero or are logarithmic; the inner `None`: not comparable.
#[expect(clippy::option_option, reason = "outer: not a case for this way")]
fn special(this: Decimal, unit: &str, that: Decimal, other: &str) -> Option<Option<(Decimal, Decimal)>> {
    let is_special = |unit| ucum::analyze(unit).is_ok_and(|analysis| analysis.is_special);
    if !is_special(unit) && !is_special(other) {
        return None;
    }
    let converted = ucum::convert(f64::try_from(this).ok()?, unit, other).ok().and_then(of_float);
    Some(converted.map(|this| (this, that)))
}

fn factor(this: &str, that: &str) -> Option<Ratio> {
    if !ucum::is_comparable(this, that).ok()? {
        return None;
    }
    let (this, that) = (ucum::analyze(this).ok()?, ucum::analyze(that).ok()?);
    let factor = of_float(this.factor / that.factor)?;
    // Fewer digits than there is room for: a ratio that ends, such as 1000 or 0.45359237.
    Some(Ratio { factor, exact: factor.mantissa().unsigned_abs() < 1_000_000_000_000 })
}

/// To 15 digits.
fn of_float(value: f64) -> Option<Decimal> {
    if !value.is_finite() {
        return None;
    }
    Decimal::from_scientific(&format!("{value:.14e}")).ok().map(|value| value.normalize())
}

/// Apart by less than a part in a million millions.
fn is_near(this: Decimal, that: Decimal) -> bool {
    let Some(apart) = this.checked_sub(that) else { return false };
    let scale = this.abs().max(that.abs());
    scale.checked_div(Decimal::from(1_000_000_000_000_i64)).is_some_and(|bound| apart.abs() <= bound)
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(calendar) => {
                let plural = if self.value == Decimal::ONE { "" } else { "s" };
                write!(f, "{} {}{plural}", self.value, calendar.word())
            }
            Unit::Ucum(unit) | Unit::Other(unit) => write!(f, "{} '{}'", self.value, unit.as_str()),
        }
    }
}
