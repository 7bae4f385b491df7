//! When something runs: five fields of cron (minute, hour, day of month, month, day of week) in a time zone.

use aceso_base::Timestamp;
use aceso_connect::admin::AdminError;
use jiff::tz::TimeZone;
use jiff_cron::Schedule as Cron;
use std::str::FromStr as _;

/// A schedule.
pub(crate) struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// The text is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScheduleError {
    /// Not five fields of cron.
    #[error("five fields of cron: minute, hour, day of month, month, day of week")]
    Fields,
    /// Not a zone.
    #[error("a name of the IANA time zone database, like Europe/Berlin or UTC")]
    Zone,
}

impl ScheduleError {
    /// As the fault of a setting: of the schedule itself, or of its zone.
    pub(super) fn of(self, setting: &'static str) -> AdminError {
        match self {
            Self::Fields => AdminError::setting(setting, self),
            Self::Zone => AdminError::setting("time_zone", self),
        }
    }
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub(crate) fn parse(fields: &str, zone: &str) -> Result<Self, ScheduleError> {
        if fields.split_ascii_whitespace().count() != 5 {
            return Err(ScheduleError::Fields);
        }
        let cron = Cron::from_str(&format!("0 {fields}")).map_err(|_| ScheduleError::Fields)?;
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone)?;
        Ok(Self { cron, zone })
    }

    /// The next time after this one; `None` when there is none.
    #[must_use]
    pub(super) fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = jiff::Timestamp::from_millisecond(moment.0).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.after(from).next()?;
        Some(Timestamp(next.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn the_next_time_is_that_of_the_zone() {
        let nightly = Schedule::parse("30 2 * * *", "Asia/Riyadh").unwrap();
        assert_eq!(nightly.after(at("2026-11-22T12:00:00Z")), Some(at("2026-11-22T23:30:00Z")));
        let often = Schedule::parse("*/5 * * * *", "UTC").unwrap();
        assert_eq!(often.after(at("2026-11-22T12:00:00Z")), Some(at("2026-11-22T12:05:00Z")));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for fields in ["", "* * * *", "* * * * * *", "61 * * * *", "a b c d e"] {
            assert_eq!(Schedule::parse(fields, "UTC").err(), Some(ScheduleError::Fields), "{fields}");
        }
        assert_eq!(Schedule::parse("* * * * *", "Mars/Olympus").err(), Some(ScheduleError::Zone));
    }
}
