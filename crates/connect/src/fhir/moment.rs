//! Dates and times as texts, checked when they are mapped.

use super::text::Text;
use aceso_base::Timestamp;

/// What a date or time of the source can be in FHIR.
pub(crate) enum Moment<'a> {
    /// A day.
    Day(Text<'a>),
    /// Day, time and zone: an `instant`.
    Instant(Text<'a>),
    /// Day and time without a zone. FHIR has no such thing, and no zone is guessed: only the day can be said.
    Local(Text<'a>),
    /// Nothing that the calendar knows.
    Unreadable,
}

impl<'a> Moment<'a> {
    /// Reads `YYYY-MM-DD` or an ISO 8601 time of the extended form (`2024-02-29T10:00[:00[.000]][Z|+01:00]`).
    pub(crate) fn read(text: Text<'a>) -> Self {
        let Some((day, time)) = text.split_once(['T', ' ']) else {
            return if is_day(&text) { Self::Day(text) } else { Self::Unreadable };
        };
        if !is_day(day) {
            return Self::Unreadable;
        }
        let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, zone) = time.split_at(zone_at);
        let Some(clock) = full_clock(clock) else { return Self::Unreadable };
        match zone {
            "" => Self::Local(day.to_owned().into()),
            "Z" => Self::Instant(format!("{day}T{clock}Z").into()),
            zone => match full_zone(zone) {
                Some(zone) => Self::Instant(format!("{day}T{clock}{zone}").into()),
                None => Self::Unreadable,
            },
        }
    }
}

/// The moment that a time with a zone names (RFC 3339).
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// `hh:mm:ss[.fff]`, with the seconds that FHIR demands; R4 datatypes say that they may be filled with zeros.
fn full_clock(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let parts: Vec<&str> = whole.split(':').collect();
    let in_range = |part: &str, limit: u8| {
        part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|n| n < limit)
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (parts.as_slice(), fraction) {
        ([hour, minute], None) if in_range(hour, 24) && in_range(minute, 60) => Some(format!("{hour}:{minute}:00")),
        ([hour, minute, second], fraction)
            if in_range(hour, 24) && in_range(minute, 60) && in_range(second, 60) && fraction.is_none_or(digits) =>
        {
            Some(text.to_owned())
        }
        _ => None,
    }
}

/// `+hh:mm`; `+hhmm` gets its colon.
fn full_zone(text: &str) -> Option<String> {
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (hour, minute) = (digits.get(..2)?, digits.get(2..)?);
    let valid = digits.len() == 4 && hour.parse::<u8>().ok()? <= 14 && minute.parse::<u8>().ok()? < 60;
    valid.then(|| format!("{}{hour}:{minute}", text.get(..1).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_fractions_and_offsets_name_a_moment() {
        assert_eq!(timestamp("2026-01-02T03:04:05Z"), timestamp("2026-01-02T04:04:05.000+01:00"));
        assert_eq!(timestamp("2026-01-02"), None);
    }

    fn instant(text: &str) -> Option<String> {
        match Moment::read(text.to_owned().into()) {
            Moment::Instant(text) => Some(text.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_time_with_its_zone_is_an_instant() {
        assert_eq!(instant("2022-05-24T19:51:46Z").as_deref(), Some("2022-05-24T19:51:46Z"));
        assert_eq!(instant("2022-05-24T19:51:46.123-07:00").as_deref(), Some("2022-05-24T19:51:46.123-07:00"));
        assert_eq!(instant("2022-05-24 19:51+0530").as_deref(), Some("2022-05-24T19:51:00+05:30"));
    }

    #[test]
    fn no_zone_is_guessed() {
        assert!(matches!(Moment::read("2022-05-24T19:51:46".into()), Moment::Local(day) if &*day == "2022-05-24"));
    }

    #[test]
    fn what_is_not_in_the_calendar_is_not_a_moment() {
        for wrong in [
            "",
            "2023-02-29",
            "2023-2-9",
            "20230209",
            "2022-05-24T25:00:00Z",
            "2022-05-24T10Z",
            "2022-05-24T10:00:00+1",
        ] {
            assert!(matches!(Moment::read(wrong.into()), Moment::Unreadable), "{wrong}");
        }
    }
}
