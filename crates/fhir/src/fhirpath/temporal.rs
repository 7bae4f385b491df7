//! Dates, times of day and moments with the precision that they were written with (FHIRPath 2.0.0, sections 4.1.5 to 4.1.7).

use std::cmp::Ordering;
use std::fmt;

/// A year, a month of it or a day of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    pub(super) year: i16,
    /// 0: not given.
    pub(super) month: u8,
    /// 0: not given.
    pub(super) day: u8,
}

/// A time of day, to the hour, the minute or the second with any part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    pub(super) hour: u8,
    pub(super) minute: Option<u8>,
    pub(super) second: Option<u8>,
    pub(super) nano: u32,
    /// Digits of the second's fraction as written, up to 9.
    pub(super) digits: u8,
}

/// A date, perhaps with a time of day, perhaps with an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    pub(super) date: Date,
    pub(super) time: Option<Time>,
    /// Minutes east of UTC.
    pub(super) offset: Option<i16>,
}

/// How exactly a date or time is known. Seconds and their fractions are one precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const NANOS: i128 = 1_000_000_000;
/// The offsets that a moment without one may have had: from +14:00 to -12:00.
const EASTMOST: i128 = 14 * 3600 * NANOS;
const WESTMOST: i128 = 12 * 3600 * NANOS;

impl Date {
    /// `2015`, `2015-02`, `2015-02-04`; `None` when it is none of these or there is no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let year = i16::try_from(digits(bytes.get(..4)?)?).ok().filter(|year| *year > 0)?;
        let (mut month, mut day) = (0, 0);
        if bytes.len() > 4 {
            month = part(bytes, 4, b'-')?;
        }
        if bytes.len() > 7 {
            day = part(bytes, 7, b'-')?;
        }
        let is_whole = matches!(bytes.len(), 4 | 7 | 10);
        let is_day = (bytes.len() == 4 || (1..=12).contains(&month))
            && (bytes.len() < 10 || (1..=last_day(year, month)).contains(&day));
        (is_whole && is_day).then_some(Self { year, month, day })
    }

    pub(super) fn precision(self) -> Precision {
        match (self.month, self.day) {
            (0, _) => Precision::Year,
            (_, 0) => Precision::Month,
            _ => Precision::Day,
        }
    }

    pub(super) fn first(self) -> Self {
        Self { year: self.year, month: self.month.max(1), day: self.day.max(1) }
    }

    pub(super) fn last(self) -> Self {
        let month = if self.month == 0 { 12 } else { self.month };
        let day = if self.day == 0 { last_day(self.year, month) } else { self.day };
        Self { year: self.year, month, day }
    }

    pub(super) fn civil(self) -> Option<jiff::civil::Date> {
        let first = self.first();
        jiff::civil::Date::new(first.year, first.month.cast_signed(), first.day.cast_signed()).ok()
    }

    pub(super) fn of_civil(date: jiff::civil::Date, precision: Precision) -> Option<Self> {
        let month = if precision >= Precision::Month { date.month().unsigned_abs() } else { 0 };
        let day = if precision >= Precision::Day { date.day().unsigned_abs() } else { 0 };
        (date.year() > 0).then_some(Self { year: date.year(), month, day })
    }

    fn midnight(self) -> i128 {
        let days =
            self.civil().map_or(0, |date| jiff::civil::Date::constant(1970, 1, 1).duration_until(date).as_hours() / 24);
        i128::from(days) * 24 * 3600 * NANOS
    }
}

impl Time {
    /// `14`, `14:34`, `14:34:28`, `14:34:28.123`, without a zone; a leap second is 60.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let hour = two(bytes, 0).filter(|hour| *hour < 24)?;
        let mut time = Self { hour, minute: None, second: None, nano: 0, digits: 0 };
        if bytes.len() == 2 {
            return Some(time);
        }
        time.minute = Some(part(bytes, 2, b':').filter(|minute| *minute < 60)?);
        if bytes.len() == 5 {
            return Some(time);
        }
        time.second = Some(part(bytes, 5, b':').filter(|second| *second <= 60)?);
        if bytes.len() == 8 {
            return Some(time);
        }
        let fraction = text.get(8..)?.strip_prefix('.')?;
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Beyond nanoseconds digits are cut: R4 allows any number of them and means none of them.
        let kept = fraction.get(..fraction.len().min(9))?;
        time.digits = kept.len() as u8;
        time.nano = kept.parse::<u32>().ok()? * 10u32.pow(9 - u32::from(time.digits));
        Some(time)
    }

    pub(super) fn precision(self) -> Precision {
        match (self.minute, self.second) {
            (None, _) => Precision::Hour,
            (_, None) => Precision::Minute,
            _ => Precision::Second,
        }
    }

    pub(super) fn first(self) -> Self {
        Self { minute: self.minute.or(Some(0)), second: self.second.or(Some(0)), ..self }
    }

    pub(super) fn last(self) -> Self {
        let second = self.second.or(Some(59));
        let nano = if self.digits > 0 { self.nano } else { 999_000_000 };
        Self { hour: self.hour, minute: self.minute.or(Some(59)), second, nano, digits: self.digits.max(3) }
    }

    /// Since midnight; what is not given is the lowest.
    pub(super) fn nanos(self) -> i128 {
        let minutes = i128::from(self.hour) * 60 + i128::from(self.minute.unwrap_or(0));
        (minutes * 60 + i128::from(self.second.unwrap_or(0))) * NANOS + i128::from(self.nano)
    }

    pub(super) fn of_nanos(nanos: i128, like: Self) -> Self {
        let seconds = nanos / NANOS;
        let nano = (nanos % NANOS) as u32;
        Self {
            hour: (seconds / 3600 % 24) as u8,
            minute: like.minute.map(|_| (seconds / 60 % 60) as u8),
            second: like.second.map(|_| (seconds % 60) as u8),
            nano: if like.second.is_some() { nano } else { 0 },
            digits: if nano == 0 || like.second.is_none() { like.digits } else { like.digits.max(3) },
        }
    }

    /// How many nanoseconds beyond [`Time::nanos`] it may mean. A second is a point.
    fn width(self) -> i128 {
        match self.precision() {
            Precision::Hour => 3600 * NANOS - 1,
            Precision::Minute => 60 * NANOS - 1,
            _ => 0,
        }
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        in_turn(&self.parts(), &other.parts())
    }

    fn parts(self) -> [Option<i64>; 3] {
        let second = self.second.map(|second| i64::from(second) * 1_000_000_000 + i64::from(self.nano));
        [Some(i64::from(self.hour)), self.minute.map(i64::from), second]
    }
}

impl DateTime {
    /// A date, or a date with `T`, a time of day and perhaps a zone: `2015T`, `2015-02-04T14`, `2015-02-04T14:34:28.123+10:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((date, rest)) = text.split_once('T') else { return Date::parse(text).map(Self::from) };
        let date = Date::parse(date)?;
        if rest.is_empty() {
            return Some(Self::from(date));
        }
        let (clock, offset) = match rest.find(['Z', '+', '-']) {
            Some(at) => (rest.get(..at)?, Some(zone(rest.get(at..)?)?)),
            None => (rest, None),
        };
        (date.day != 0).then_some(Self { date, time: Some(Time::parse(clock)?), offset })
    }

    pub(super) fn precision(&self) -> Precision {
        self.time.map_or_else(|| self.date.precision(), Time::precision)
    }

    /// Three-valued: `None` when the precision of one does not tell (section 6.2). Where one has a zone and the other
    /// has none, only what holds in every zone is told.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.offset == other.offset {
            return in_turn(&self.parts(), &other.parts());
        }
        let ((from, to), (other_from, other_to)) = (self.range(), other.range());
        if to < other_from {
            Some(Ordering::Less)
        } else if from > other_to {
            Some(Ordering::Greater)
        } else {
            (from == to && other_from == other_to).then_some(Ordering::Equal)
        }
    }

    fn parts(&self) -> [Option<i64>; 6] {
        let Date { year, month, day } = self.date;
        let [hour, minute, second] = self.time.map_or([None; 3], Time::parts);
        let given = |part: u8| (part != 0).then(|| i64::from(part));
        [Some(i64::from(year)), given(month), given(day), hour, minute, second]
    }

    /// The first and last nanosecond since 1970 that it may mean, in UTC.
    fn range(&self) -> (i128, i128) {
        let (from, to) = match self.time {
            Some(time) => {
                let from = self.date.midnight() + time.nanos();
                (from, from + time.width())
            }
            None => (self.date.first().midnight(), self.date.last().midnight() + 24 * 3600 * NANOS - 1),
        };
        match self.offset {
            Some(minutes) => {
                let shift = i128::from(minutes) * 60 * NANOS;
                (from - shift, to - shift)
            }
            None => (from - EASTMOST, to + WESTMOST),
        }
    }
}

impl From<Date> for DateTime {
    fn from(date: Date) -> Self {
        Self { date, time: None, offset: None }
    }
}

/// Part by part, from the largest: the first difference tells; a part that only one has tells nothing.
fn in_turn(these: &[Option<i64>], others: &[Option<i64>]) -> Option<Ordering> {
    for (this, other) in these.iter().zip(others) {
        match (this, other) {
            (Some(this), Some(other)) if this == other => {}
            (Some(this), Some(other)) => return Some(this.cmp(other)),
            (None, None) => {}
            _ => return None,
        }
    }
    Some(Ordering::Equal)
}

pub(super) fn last_day(year: i16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn zone(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let sign = if bytes.first()? == &b'-' { -1 } else { 1 };
    let (hours, minutes) = (i16::from(two(bytes, 1)?), i16::from(part(bytes, 3, b':')?));
    (bytes.len() == 6 && hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn part(bytes: &[u8], at: usize, separator: u8) -> Option<u8> {
    (bytes.get(at) == Some(&separator)).then(|| two(bytes, at + 1)).flatten()
}

fn two(bytes: &[u8], at: usize) -> Option<u8> {
    digits(bytes.get(at..at + 2)?).and_then(|value| u8::try_from(value).ok())
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month != 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day != 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        if let Some(minute) = self.minute {
            write!(f, ":{minute:02}")?;
        }
        if let Some(second) = self.second {
            write!(f, ":{second:02}")?;
        }
        if self.digits > 0 {
            let width = usize::from(self.digits);
            write!(f, ".{:0width$}", self.nano / 10u32.pow(9u32.saturating_sub(u32::from(self.digits))))?;
        }
        Ok(())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        let Some(time) = self.time else { return Ok(()) };
        write!(f, "T{time}")?;
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
