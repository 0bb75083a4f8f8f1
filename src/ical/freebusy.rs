//! Busy periods (RFC 4791 section 7.10): when someone is taken, and nothing of by what.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use sha2::{Digest as _, Sha256};

use super::exceptions::Base;
use super::extent::Extent;
use super::itip::address::Addresses;
use super::itip::people::CalendarUser;
use super::object::{Object, Property, fold_into};
use super::recur::{Instance, each};
use super::time::{When, write_utc};
use super::zone::Zones;
use crate::model::budget::{Budget, Exhausted};
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// So few periods are not joined before the end.
const JOINED_AT: usize = 10_000;
/// What a period takes: itself, and the line that states it, or the event of a feed.
const BYTES_OF_PERIOD: usize = 100;

/// How taken (RFC 5545 section 3.2.9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Busy {
    /// `BUSY-TENTATIVE`.
    Tentative,
    /// `BUSY-UNAVAILABLE`.
    Unavailable,
    /// `BUSY`.
    Busy,
}

/// A period in which someone is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Period {
    /// From.
    pub start: Timestamp,
    /// To.
    pub end: Timestamp,
    /// How.
    pub busy: Busy,
}

/// Each with its spelling, the firmest first.
const FIRMEST_FIRST: [(Busy, &str); 3] =
    [(Busy::Busy, "BUSY"), (Busy::Unavailable, "BUSY-UNAVAILABLE"), (Busy::Tentative, "BUSY-TENTATIVE")];

/// The periods that an object takes in a range, cut to it.
#[must_use]
pub fn periods(object: &Object, zones: &Zones<'_>, range: TimeRange) -> Vec<Period> {
    taken_by(object, zones, range, busy_of)
}

/// The same of the time of someone, by the answer that they have given, wherever they are invited.
#[must_use]
pub fn periods_of_invited(object: &Object, zones: &Zones<'_>, range: TimeRange, me: &Addresses) -> Vec<Period> {
    let invited = object.master().is_some_and(|master| CalendarUser::attendee(master, me).is_some());
    taken_by(object, zones, range, |instance| {
        let busy = busy_of(instance)?;
        let own = CalendarUser::attendee(instance.component, me);
        // An exception that names nobody is as the series (an exception that lost them is no invitation any more).
        let own = match own {
            None if invited && instance.component.property("ATTENDEE").is_none() => {
                object.master().and_then(|master| CalendarUser::attendee(master, me))
            }
            own => own,
        };
        match own.map(CalendarUser::participation).as_deref() {
            Some("DECLINED" | "DELEGATED") => None,
            Some("TENTATIVE" | "NEEDS-ACTION") => Some(Busy::Tentative),
            _ => Some(busy),
        }
    })
}

/// The periods that an object takes in a range, by how each of its instances takes who is there.
pub(super) fn taken_by(
    object: &Object,
    zones: &Zones<'_>,
    range: TimeRange,
    busy: impl Fn(&Instance<'_>) -> Option<Busy>,
) -> Vec<Period> {
    match object.component.as_str() {
        "VEVENT" => {}
        "VFREEBUSY" => return stated_periods(object, zones, range),
        _ => return Vec::new(),
    }
    let (mut taken, mut found) = (Vec::new(), false);
    each(object, zones, range, |instance| {
        found = true;
        taken.extend(busy(&instance).and_then(|busy| Period::cut(instance.start, instance.end, busy, range)));
        ControlFlow::Continue(())
    });
    // What was not followed to its end may take all the rest, unless what was found of it takes nothing: perhaps, never
    // no.
    if zones.steps.is_cut() && !(found && taken.is_empty()) {
        taken.extend(Period::cut(range.start, range.end, Busy::Tentative, range));
    }
    taken
}

/// How an instance takes who is there (RFC 4791 section 7.10); `None`: not at all.
pub(super) fn busy_of(instance: &Instance<'_>) -> Option<Busy> {
    let is = |name, value: &str| {
        instance.component.value(name).is_some_and(|known| known.trim().eq_ignore_ascii_case(value))
    };
    if is("TRANSP", "TRANSPARENT") || is("STATUS", "CANCELLED") {
        return None;
    }
    Some(if is("STATUS", "TENTATIVE") { Busy::Tentative } else { Busy::Busy })
}

impl Period {
    /// What of a time taken lies in a range.
    #[must_use]
    pub fn cut(start: Timestamp, end: Timestamp, busy: Busy, range: TimeRange) -> Option<Self> {
        let (start, end) = (start.max(range.start), end.min(range.end));
        (start < end).then_some(Self { start, end, busy })
    }
}

/// The periods that a stored VFREEBUSY lists.
fn stated_periods(object: &Object, zones: &Zones<'_>, range: TimeRange) -> Vec<Period> {
    let lines = object.parts().flat_map(|part| part.all("FREEBUSY"));
    let listed = lines.flat_map(|line| {
        let kind = line.parameter("FBTYPE").unwrap_or_default().to_ascii_uppercase();
        let busy = match kind.as_str() {
            "FREE" => None,
            "BUSY-TENTATIVE" => Some(Busy::Tentative),
            "BUSY-UNAVAILABLE" => Some(Busy::Unavailable),
            _ => Some(Busy::Busy),
        };
        let each = periods_of(line, zones).take_while(|_| zones.steps.take(1));
        each.filter_map(move |(start, end)| Period::cut(start, end, busy?, range))
    });
    listed.collect()
}

/// The periods of a line, `start/end` or `start/duration` (RFC 5545 section 3.3.9).
pub(super) fn periods_of<'a>(
    line: &'a Property,
    zones: &'a Zones<'_>,
) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
    When::all_of(line).filter_map(|(start, end)| {
        let (at, zone) = (zones.instant(&start), zones.of(&start.clock));
        let extent = Extent::of_period(&start, &end?, Base { start: &start, zone: &zone }, zones);
        Some((at, extent.end(at, start.local, &zone)))
    })
}

/// Periods of many objects as they come, joined whenever they have become twice as many; what they take of a budget is
/// asked for before.
pub struct BusyPeriods {
    periods: Vec<Period>,
    /// How many there may be before they are joined.
    most: usize,
    counted: usize,
    budget: Budget,
}

impl BusyPeriods {
    /// None yet.
    #[must_use]
    pub fn within(budget: &Budget) -> Self {
        Self { periods: Vec::new(), most: JOINED_AT, counted: 0, budget: budget.clone() }
    }

    /// Takes more.
    pub fn add(&mut self, more: Vec<Period>) -> Result<(), Exhausted> {
        self.budget.steps(more.len() as u64 / 4)?;
        self.periods.extend(more);
        if self.periods.len() > self.most {
            self.periods = merged(std::mem::take(&mut self.periods));
            self.most = (2 * self.periods.len()).max(JOINED_AT);
        }
        let bytes = self.periods.len() * BYTES_OF_PERIOD;
        self.budget.bytes(bytes.saturating_sub(self.counted))?;
        self.counted = self.counted.max(bytes);
        Ok(())
    }

    /// All of them, joined.
    #[must_use]
    pub fn joined(self) -> Vec<Period> {
        merged(self.periods)
    }
}

/// Joins what touches or overlaps; where periods of several sorts overlap, the firmest counts.
#[must_use]
pub fn merged(periods: Vec<Period>) -> Vec<Period> {
    let mut out: Vec<Period> = Vec::new();
    for (busy, _) in FIRMEST_FIRST {
        let same = union(periods.iter().filter(|period| period.busy == busy).copied().collect());
        out.extend(without(same, &out));
        out.sort_unstable();
    }
    out
}

/// What is left of periods where others are cut out of them.
#[must_use]
pub fn without(periods: Vec<Period>, others: &[Period]) -> Vec<Period> {
    let others = union(others.to_vec());
    let mut out = Vec::new();
    for period in periods {
        let mut from = period.start;
        // They are in their order and apart: those that matter stand together.
        let first = others.partition_point(|taken| taken.end <= period.start);
        for taken in others.iter().skip(first).take_while(|taken| taken.start < period.end) {
            if taken.start > from {
                out.push(Period { start: from, end: taken.start, ..period });
            }
            from = from.max(taken.end);
        }
        if from < period.end {
            out.push(Period { start: from, ..period });
        }
    }
    out
}

fn union(mut periods: Vec<Period>) -> Vec<Period> {
    periods.sort_unstable();
    let mut out: Vec<Period> = Vec::new();
    for period in periods {
        match out.last_mut() {
            Some(last) if last.end >= period.start => last.end = last.end.max(period.end),
            _ => out.push(period),
        }
    }
    out
}

/// What is said of busy times beside the periods.
pub struct BusyReport<'a> {
    /// METHOD.
    pub method: Option<&'a str>,
    /// UID.
    pub uid: &'a str,
    /// DTSTAMP.
    pub stamp: Timestamp,
    /// The time that it is about.
    pub range: TimeRange,
    /// The lines of people.
    pub people: &'a [&'a str],
}

impl BusyReport<'_> {
    /// A VCALENDAR with one VFREEBUSY.
    #[must_use]
    pub fn write(&self, periods: &[Period]) -> String {
        let mut out = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//EN\r\n");
        if let Some(method) = self.method {
            let _ = write!(out, "METHOD:{method}\r\n");
        }
        out.push_str("BEGIN:VFREEBUSY\r\n");
        fold_into(&mut out, &format!("UID:{}", self.uid));
        let _ = write!(out, "DTSTAMP:{}\r\n", write_utc(self.stamp));
        let _ = write!(out, "DTSTART:{}\r\nDTEND:{}\r\n", write_utc(self.range.start), write_utc(self.range.end));
        self.people.iter().for_each(|line| fold_into(&mut out, line));
        write_periods(periods, &mut out);
        out.push_str("END:VFREEBUSY\r\nEND:VCALENDAR\r\n");
        out
    }
}

/// A VCALENDAR with one VFREEBUSY.
#[must_use]
pub fn write(periods: &[Period], range: TimeRange, now: Timestamp) -> String {
    let uid = format!("{now}-{}", range.start);
    BusyReport { method: None, uid: &uid, stamp: now, range, people: &[] }.write(periods)
}

/// Busy times as they are published, and a tag that no other text bears.
pub struct PublishedBusy {
    /// The text.
    pub text: String,
    /// Its tag.
    pub tag: String,
}

/// The busy times of whoever has an address (RFC 5546 section 3.3.1). As long as nothing changes the text is the same;
/// one that says something else bears another UID, so it need not be later to count.
#[must_use]
pub fn write_published(address: &str, periods: &[Period], range: TimeRange, stamp: Timestamp) -> PublishedBusy {
    let organizer = format!("ORGANIZER:{address}");
    let report = BusyReport { method: Some("PUBLISH"), uid: "", stamp, range, people: &[&organizer] };
    let tag = hex::encode(Sha256::digest(report.write(periods)));
    PublishedBusy { text: BusyReport { uid: &tag, ..report }.write(periods), tag }
}

/// The lines that list periods.
fn write_periods(periods: &[Period], out: &mut String) {
    for (busy, name) in FIRMEST_FIRST {
        let listed: Vec<String> = periods
            .iter()
            .filter(|period| period.busy == busy)
            .map(|period| format!("{}/{}", write_utc(period.start), write_utc(period.end)))
            .collect();
        for some in listed.chunks(100) {
            let head = if busy == Busy::Busy { "FREEBUSY:".to_owned() } else { format!("FREEBUSY;FBTYPE={name}:") };
            fold_into(out, &format!("{head}{}", some.join(",")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Busy, Period, merged};

    #[test]
    fn firm_periods_count_before_tentative_ones() {
        let period = |start, end, busy| Period { start, end, busy };
        let given = vec![
            period(10, 20, Busy::Busy),
            period(15, 30, Busy::Busy),
            period(0, 50, Busy::Tentative),
            period(30, 40, Busy::Busy),
        ];
        let expected =
            vec![period(0, 10, Busy::Tentative), period(10, 40, Busy::Busy), period(40, 50, Busy::Tentative)];
        assert_eq!(merged(given), expected);
    }

    /// Hundreds of thousands are joined in no time: each looks only at those that it meets.
    #[test]
    fn many_periods_are_joined_in_passing() {
        let each = (0..400_000).map(|at| {
            let busy = if at % 2 == 0 { Busy::Busy } else { Busy::Tentative };
            Period { start: at * 10, end: at * 10 + 5, busy }
        });
        let begun = std::time::Instant::now();
        assert_eq!(merged(each.collect()).len(), 400_000);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
