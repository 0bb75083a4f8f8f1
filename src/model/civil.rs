//! Dates and times of day as seconds, over the whole calendar: an instant of the library ends on the last but one day
//! of the year 9999, and what clients write does not.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::id::Timestamp;

const EPOCH: DateTime = Date::constant(1970, 1, 1).at(0, 0, 0, 0);

/// The seconds from 1970 to a time that a clock of UTC shows.
#[must_use]
pub fn seconds_of(local: DateTime) -> Timestamp {
    local.duration_since(EPOCH).as_secs()
}

/// What a clock of UTC shows; beyond the calendar its first or last moment.
#[must_use]
pub fn civil_of(at: Timestamp) -> DateTime {
    let end = if at < 0 { DateTime::MIN } else { DateTime::MAX };
    EPOCH.checked_add(SignedDuration::from_secs(at)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{DateTime, date};

    use super::{civil_of, seconds_of};

    #[test]
    fn the_whole_calendar_is_counted_in_seconds_and_back() {
        let table = [
            (date(1970, 1, 1).at(0, 0, 0, 0), 0),
            (date(1, 1, 1).at(0, 0, 0, 0), -62_135_596_800),
            (date(1601, 1, 1).at(2, 0, 0, 0), -11_644_466_400),
            (date(9999, 12, 31).at(23, 59, 59, 0), 253_402_300_799),
        ];
        for (civil, seconds) in table {
            assert_eq!((seconds_of(civil), civil_of(seconds)), (seconds, civil));
        }
        assert_eq!((civil_of(i64::MIN), civil_of(i64::MAX)), (DateTime::MIN, DateTime::MAX));
    }
}
