//! How long something takes that begins at a time.

use jiff::civil::{DateTime, Time};

use super::exceptions::{Base, Named};
use super::object::Component;
use super::time::{End, Length, When};
use super::zone::{Zone, Zones};
use crate::model::civil::seconds_of;
use crate::model::id::Timestamp;

const DAY_S: i64 = 86_400;

/// How long a component takes, from its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// So many seconds exactly (DTEND, DUE; RFC 5545 section 3.8.5.3).
    Exact(i64),
    /// So long by the calendar (DURATION, and whole days).
    Nominal(Length),
}

impl Extent {
    /// That of a component. What ends before it begins, or as it begins, lasts its day if it is one.
    pub fn of(component: &Component, start: &When, zones: &Zones<'_>) -> Self {
        let end = component.property("DTEND").or_else(|| component.property("DUE")).and_then(When::of).map(End::At);
        let length = || component.value("DURATION").and_then(Length::read).map(End::After);
        let base = Base { start, zone: &zones.of(&start.clock) };
        let whole = start.is_day() && component.name != "VTODO";
        let stated = end.or_else(length).map(|end| Self::between(start, &end, whole, base, zones));
        stated.filter(|extent| extent.as_seconds() > 0).unwrap_or_else(|| Self::by_default(component, start))
    }

    /// That of a component which says none.
    pub fn by_default(component: &Component, start: &When) -> Self {
        if component.name == "VTODO" { Self::Exact(0) } else { Self::least(start) }
    }

    /// That of a period beside DTSTART.
    pub fn of_period(start: &When, end: &End, base: Base<'_>, zones: &Zones<'_>) -> Self {
        let stated = Self::between(start, end, base.start.is_day(), base, zones);
        if stated.as_seconds() > 0 { stated } else { Self::least(base.start) }
    }

    /// From a time to its end; `whole`: it takes whole days, whatever the hours.
    fn between(start: &When, end: &End, whole: bool, base: Base<'_>, zones: &Zones<'_>) -> Self {
        let day = |when: &When| seconds_of(Named::of(when, base, zones).local(base).date().at(0, 0, 0, 0)) / DAY_S;
        match end {
            End::At(end) if whole || (start.is_day() && end.is_day()) => {
                // A day that is begun counts, unless its midnight is meant.
                let begun = end.local.time() != Time::midnight() && day(end) == day(&end.day());
                Self::days(day(end) + i64::from(begun) - day(start))
            }
            End::At(end) => Self::Exact(base.instant(end, zones).saturating_sub(base.instant(start, zones))),
            End::After(length) if whole => Self::days(length.as_seconds().saturating_add(DAY_S - 1) / DAY_S),
            End::After(length) => Self::Nominal(*length),
        }
    }

    /// That of what says no other: a day its day (RFC 5545 section 3.6.1).
    fn least(start: &When) -> Self {
        if start.is_day() { Self::days(1) } else { Self::Exact(0) }
    }

    fn days(days: i64) -> Self {
        Self::Nominal(Length { days, seconds: 0 })
    }

    /// When something ends that begins at an instant, at which a zone's clock shows `local`.
    pub fn end(self, start: Timestamp, local: DateTime, zone: &Zone) -> Timestamp {
        match self {
            Self::Exact(seconds) => start.saturating_add(seconds),
            Self::Nominal(length) => length.from(start, local, zone),
        }
    }

    /// Does it take days, which are not all of the same length?
    pub fn takes_days(self) -> bool {
        matches!(self, Self::Nominal(length) if length.days != 0)
    }

    const fn as_seconds(self) -> i64 {
        match self {
            Self::Exact(seconds) => seconds,
            Self::Nominal(length) => length.as_seconds(),
        }
    }

    /// No instance takes longer: a day may have more hours than others.
    pub fn most_seconds(self) -> i64 {
        match self {
            Self::Nominal(length) if self.takes_days() => length.as_seconds().saturating_add(DAY_S),
            _ => self.as_seconds(),
        }
    }
}

impl Length {
    /// When it is over that begins at an instant, at which a zone's clock shows `local`: days go by the clock, the rest
    /// exactly.
    pub(super) fn from(self, start: Timestamp, local: DateTime, zone: &Zone) -> Timestamp {
        let days = Self { days: self.days, seconds: 0 };
        let begun = if self.days == 0 { start } else { zone.instant(days.after(local)) };
        begun.saturating_add(self.seconds)
    }
}
