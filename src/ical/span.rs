//! When events take place, remembered by their content: what is known of some bytes cannot go out of date.
//!
//! Following a rule costs more than all else in a query. An object is followed once for a whole block of time, about a
//! year, and what is asked of a month of it is then read off.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::freebusy::{Busy, busy_of};
use super::object::Object;
use super::recur::instances;
use super::zone::{DESCRIBED, Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// A block: a power of two of seconds, some 388 days.
const BLOCK_S: i64 = 1 << 25;
/// The most blocks of one question; longer ranges are followed each time.
const MAX_BLOCKS: i64 = 3;
/// The most spans remembered, each entry counted as some more.
const MAX_SPANS: usize = 250_000;
const ENTRY_SPANS: usize = 4;
/// The most zones that floating times are told in.
const MAX_ZONES: usize = 1000;

/// An instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// How it takes who is there; `None`: not at all.
    pub busy: Option<Busy>,
}

/// Content by the beginning of its hash, the zone of what floats, the block.
type Key = (u128, usize, i64);

#[derive(Default)]
struct Table {
    zones: HashMap<String, usize>,
    /// A number that is given once: who asks may come back with an old one.
    next_zone: usize,
    blocks: HashMap<Key, Option<Arc<[Span]>>>,
    spans: usize,
}

/// What is known of objects.
#[derive(Default)]
pub struct Spans(Mutex<Table>);

impl Spans {
    /// The instances of an event that overlap a range: the content of this hash, what floats told in `zone`. `None`: the
    /// object is none of events, its rules cannot be followed to their end, or the range is too long; it is then to be
    /// followed for the range itself.
    pub fn of(
        &self,
        hash: &str,
        zone: &Zone,
        range: TimeRange,
        budget: &Budget,
        object: impl Fn() -> Option<Object>,
    ) -> Option<Vec<Span>> {
        let content = u128::from_str_radix(hash.get(..32)?, 16).ok()?;
        let (first, last) = (range.start.div_euclid(BLOCK_S), range.end.saturating_sub(1).div_euclid(BLOCK_S));
        if last.checked_sub(first).is_none_or(|more| !(0..MAX_BLOCKS).contains(&more)) {
            return None;
        }
        let zone_place = self.place_of(&zone.key());
        let mut found = Vec::new();
        for block in first..=last {
            let key = (content, zone_place, block);
            let known = self.table().blocks.get(&key).cloned();
            let spans = match known {
                Some(known) => known?,
                None => {
                    let followed = follow(&object()?, zone, block, budget);
                    // What was not followed to its end for want of a budget may be so for the next who asks.
                    budget.steps(0).ok()?;
                    self.learn(key, followed)?
                }
            };
            let begins = block * BLOCK_S;
            let new = spans.iter().filter(|span| block == first || span.start >= begins);
            found.extend(new.filter(|span| range.overlaps(span.start, span.end)));
        }
        Some(found)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place_of(&self, zone: &str) -> usize {
        let mut table = self.table();
        if let Some(place) = table.zones.get(zone) {
            return *place;
        }
        if table.zones.len() >= MAX_ZONES {
            // Anybody can describe more; there are not so many in the register.
            table.zones.retain(|known, _| !known.starts_with(DESCRIBED));
        }
        let place = table.next_zone;
        table.next_zone += 1;
        table.zones.insert(zone.to_owned(), place);
        place
    }

    fn learn(&self, key: Key, spans: Option<Vec<Span>>) -> Option<Arc<[Span]>> {
        let spans: Option<Arc<[Span]>> = spans.map(Into::into);
        let size = spans.as_ref().map_or(0, |spans| spans.len()) + ENTRY_SPANS;
        let mut table = self.table();
        if table.spans + size > MAX_SPANS {
            table.blocks.clear();
            table.spans = 0;
        }
        if size <= MAX_SPANS && table.blocks.insert(key, spans.clone()).is_none() {
            table.spans += size;
        }
        spans
    }
}

fn follow(object: &Object, zone: &Zone, block: i64, budget: &Budget) -> Option<Vec<Span>> {
    if object.component != "VEVENT" {
        return None;
    }
    let start = block.checked_mul(BLOCK_S)?;
    let range = TimeRange { start, end: start.checked_add(BLOCK_S)? };
    let found = instances(object, &Zones::new(&object.calendar, zone).within(budget), range);
    let span = |instance: &super::recur::Instance<'_>| Span {
        start: instance.start,
        end: instance.end,
        busy: busy_of(instance),
    };
    (!found.cut).then(|| found.instances.iter().map(span).collect())
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_S, Spans};
    use crate::ical::object::Object;
    use crate::ical::recur::instances;
    use crate::ical::zone::{Zone, Zones};
    use crate::model::budget::Budget;
    use crate::model::calendar::TimeRange;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn object(lines: &str) -> Object {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n");
        Object::parse(text.as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_found(
            from in 1_700_000_000_i64..1_900_000_000,
            length in 1_i64..(2 * BLOCK_S),
            which in 0_usize..6,
        ) {
            let lines = [
                "DTSTART;TZID=Europe/Paris:20240102T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY",
                "DTSTART;VALUE=DATE:20240102\nDTEND;VALUE=DATE:20260402\nRRULE:FREQ=YEARLY",
                "DTSTART:20240102T090000\nDTEND:20240102T100000\nRRULE:FREQ=DAILY;UNTIL=20300101T000000Z",
                "DTSTART:20250102T090000Z\nRRULE:FREQ=MONTHLY",
                "DTSTART:20270102T090000Z\nDTEND:20290102T090000Z",
                "DTSTART:20270102T090000",
            ];
            let object = object(lines[which]);
            let zone = Zone::from(&TimeZone::get("Europe/Paris").unwrap());
            let range = TimeRange { start: from, end: from + length };
            let expected = instances(&object, &Zones::new(&object.calendar, &zone), range).instances;
            let expected: Vec<_> = expected.iter().map(|instance| (instance.start, instance.end)).collect();
            let spans = Spans::default();
            for _ in 0..2 {
                let hash = format!("{which:064x}");
                let found = spans.of(&hash, &zone, range, &Budget::default(), || Some(object.clone())).unwrap();
                prop_assert_eq!(found.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>(), &*expected);
            }
        }
    }

    #[test]
    fn zones_that_tell_another_time_are_told_apart() {
        let spans = Spans::default();
        let hash = "0".repeat(64);
        let object = object("DTSTART:20260701T090000\nDURATION:PT1H");
        let range = TimeRange { start: 1_782_000_000, end: 1_784_000_000 };
        let zone = |offset: i32| {
            let text = format!(
                "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:{}{:02}{:02}\n\
                 END:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n",
                if offset < 0 { '-' } else { '+' },
                offset.abs() / 60,
                offset.abs() % 60
            );
            Zone::of_text(&text).unwrap()
        };
        // More zones than are remembered, each asked twice and again when it may be forgotten.
        for offset in (-830..830).chain(0..10) {
            let zone = zone(offset);
            let expected = instances(&object, &Zones::new(&object.calendar, &zone), range).instances[0].start;
            for _ in 0..2 {
                let found = spans.of(&hash, &zone, range, &Budget::default(), || Some(object.clone())).unwrap();
                assert_eq!(found.iter().map(|span| span.start).collect::<Vec<_>>(), [expected], "{offset}");
            }
        }
        assert!(spans.table().zones.len() <= super::MAX_ZONES);
    }

    #[test]
    fn what_cannot_be_followed_is_not_remembered() {
        let zone = Zone::from(&TimeZone::get("Europe/Paris").unwrap());
        let minutely = object("DTSTART:20200101T000000Z\nRRULE:FREQ=MINUTELY");
        let range = TimeRange { start: 1_700_000_000, end: 1_700_003_600 };
        let hash = "0".repeat(64);
        assert_eq!(Spans::default().of(&hash, &zone, range, &Budget::default(), || Some(minutely.clone())), None);
        assert_eq!(
            Spans::default().of(&hash, &zone, TimeRange::ALL, &Budget::default(), || Some(minutely.clone())),
            None
        );
    }
}
