//! How long something takes that begins at a time.

use jiff::civil::DateTime;

use super::exceptions::Base;
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
        let end = component.property("DTEND").or_else(|| component.property("DUE")).and_then(When::of);
        let length = || component.value("DURATION").and_then(Length::read).map(Self::Nominal);
        let told = end.map(|end| Self::until(start, &end, zones)).or_else(length);
        told.filter(|extent| extent.as_seconds() > 0).unwrap_or_else(|| Self::untold(component, start))
    }

    /// That of a component which says none.
    pub fn untold(component: &Component, start: &When) -> Self {
        if component.name == "VTODO" { Self::Exact(0) } else { Self::least(start) }
    }

    /// That of a period.
    pub fn of_period(start: &When, end: &End, zones: &Zones<'_>) -> Self {
        let told = match end {
            End::At(end) => Self::until(start, end, zones),
            End::After(length) => Self::Nominal(*length),
        };
        if told.as_seconds() > 0 { told } else { Self::least(start) }
    }

    /// That of what says no other: a day its day (RFC 5545 section 3.6.1).
    fn least(start: &When) -> Self {
        if start.is_day() { Self::Nominal(Length { days: 1, seconds: 0 }) } else { Self::Exact(0) }
    }

    fn until(start: &When, end: &When, zones: &Zones<'_>) -> Self {
        if start.is_day() && end.is_day() {
            return Self::Nominal(Length {
                days: (seconds_of(end.local) - seconds_of(start.local)) / DAY_S,
                seconds: 0,
            });
        }
        let zone = zones.of(&start.clock);
        let end = Base { start, zone: &zone }.instant(end, zones);
        Self::Exact(end.saturating_sub(zone.instant(start.local)))
    }

    /// When something ends that begins at an instant, at which a zone's clock shows `local`.
    pub fn end(self, start: Timestamp, local: DateTime, zone: &Zone) -> Timestamp {
        match self {
            Self::Exact(seconds) => start.saturating_add(seconds),
            Self::Nominal(length) => length.from(start, local, zone),
        }
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
            Self::Nominal(length) if length.days != 0 => length.as_seconds().saturating_add(DAY_S),
            _ => self.as_seconds(),
        }
    }
}

impl Length {
    /// When it is over that begins at an instant, at which a zone's clock shows `local`: days go by the clock, the rest exactly.
    pub(super) fn from(self, start: Timestamp, local: DateTime, zone: &Zone) -> Timestamp {
        let days = Self { days: self.days, seconds: 0 };
        let begun = if self.days == 0 { start } else { zone.instant(days.after(local)) };
        begun.saturating_add(self.seconds)
    }
}
