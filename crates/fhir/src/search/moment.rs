//! FHIR dates and times as ranges of milliseconds.

const DAY: i64 = 86_400_000;

/// The first and last millisecond (since 1970-01-01, UTC, both included) that a FHIR date, dateTime or instant may
/// mean: `2020-05` is all of that May. A text without zone is taken as UTC. Minutes may stand without seconds, as
/// searches allow (R4 search.html section 3.1.1.4.7); digits beyond milliseconds are cut. `None`: not a date.
#[must_use]
pub fn date_range(text: &str) -> Option<(i64, i64)> {
    let bytes = text.as_bytes();
    let year = i64::from(digits(bytes.get(0..4)?)?);
    if year == 0 {
        return None;
    }
    if bytes.len() == 4 {
        return Some((days(year, 1, 1) * DAY, days(year + 1, 1, 1) * DAY - 1));
    }
    let month = i64::from(after(bytes, 4, b'-')?);
    if !(1..=12).contains(&month) {
        return None;
    }
    let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    if bytes.len() == 7 {
        return Some((days(year, month, 1) * DAY, next * DAY - 1));
    }
    let day = i64::from(after(bytes, 7, b'-')?);
    if day < 1 || day > next - days(year, month, 1) {
        return None;
    }
    let midnight = days(year, month, day) * DAY;
    if bytes.len() == 10 {
        return Some((midnight, midnight + DAY - 1));
    }
    let (from, width) = time(bytes.get(10..)?)?;
    Some((midnight + from, midnight + from + width))
}

/// The offset from midnight UTC and the width minus one, of `Thh:mm[:ss[.f…]][zone]`.
fn time(bytes: &[u8]) -> Option<(i64, i64)> {
    let (hour, minute) = (i64::from(after(bytes, 0, b'T')?), i64::from(after(bytes, 3, b':')?));
    if hour > 23 || minute > 59 {
        return None;
    }
    let mut from = (hour * 60 + minute) * 60_000;
    let mut width = 59_999;
    let mut at = 6;
    if bytes.get(at) == Some(&b':') {
        let second = i64::from(after(bytes, at, b':')?);
        if second > 60 {
            return None;
        }
        from += second * 1000;
        width = 999;
        at += 3;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let mut unit = 1000;
            let start = at;
            while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
                unit /= 10;
                from += i64::from(digit - b'0') * unit;
                at += 1;
            }
            if at == start {
                return None;
            }
            width = (unit - 1).max(0);
        }
    }
    Some((from - zone(bytes.get(at..)?)?, width))
}

fn zone(bytes: &[u8]) -> Option<i64> {
    let sign = match bytes {
        [] | [b'Z'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hour, minute) = (digits(bytes.get(1..3)?)?, after(bytes, 3, b':')?);
    if bytes.len() != 6 || hour > 14 || minute > 59 {
        return None;
    }
    Some(sign * i64::from(hour * 60 + minute) * 60_000)
}

/// Two digits after a separator at `at`.
fn after(bytes: &[u8], at: usize, separator: u8) -> Option<u32> {
    if bytes.get(at) != Some(&separator) {
        return None;
    }
    digits(bytes.get(at + 1..at + 3)?)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

/// Days since 1970-01-01 in the Gregorian calendar. By hand, because the calendar library ends a day before FHIR does.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_covers_all_that_it_may_mean() {
        assert_eq!(date_range("1970"), Some((0, 365 * DAY - 1)));
        assert_eq!(date_range("1970-01-01"), Some((0, DAY - 1)));
        assert_eq!(date_range("2020-02-29T12:00"), Some((1_582_977_600_000, 1_582_977_659_999)));
        assert_eq!(date_range("2020-02-29T12:00:00+02:00"), Some((1_582_970_400_000, 1_582_970_400_999)));
        assert_eq!(date_range("2020-02-29T12:00:00.5Z"), Some((1_582_977_600_500, 1_582_977_600_599)));
        assert_eq!(date_range("2020-02-29T12:00:00.123456Z"), Some((1_582_977_600_123, 1_582_977_600_123)));
        assert_eq!(date_range("9999-12-31"), Some((253_402_214_400_000, 253_402_300_799_999)));
        assert_eq!(date_range("0001-01-01").unwrap().0, -62_135_596_800_000);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "20",
            "0000",
            "2020-13",
            "2020-00",
            "2021-02-29",
            "2020-1-1",
            "2020-01-01T",
            "2020-01-01T24:00:00Z",
            "2020-01-01T10",
            "2020-01-01T10:00:00.Z",
            "2020-01-01T10:00:00 01:00",
            "2020-01-01Z",
            "2020-01-01T10:00:00+1:00",
            "２０２０",
        ] {
            assert_eq!(date_range(text), None, "{text}");
        }
    }

    #[test]
    fn days_agree_with_the_calendar_library() {
        let epoch = jiff::civil::date(1970, 1, 1);
        let mut day = jiff::civil::date(1, 1, 1);
        while day.year() < 9999 {
            let want = i64::from(epoch.until(day).unwrap().get_days());
            assert_eq!(days(i64::from(day.year()), i64::from(day.month()), i64::from(day.day())), want);
            day = day.checked_add(jiff::Span::new().days(97)).unwrap();
        }
    }
}
