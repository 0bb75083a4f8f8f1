//! When events take place: what follows from some bytes, and can be kept for as long as these are.
//!
//! Following a rule costs more than all else in a query. An object is followed once for a whole block of time, about a
//! year, and what is asked of a month of it is then read off.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::freebusy::{Busy, busy_of};
use super::object::Object;
use super::recur::instances;
use super::zone::{Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// A block: a power of two of seconds, some 388 days.
const BLOCK_S: i64 = 1 << 25;
/// The most blocks of one question; longer ranges are followed each time.
const MAX_BLOCKS: i64 = 3;

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

/// What instances of a block follow from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SpanBlock<'a> {
    /// The hash of the object's content.
    pub content: &'a str,
    /// The zone of what floats.
    pub zone: &'a str,
    /// Which block it is, from 1970 on.
    pub number: i64,
}

/// The instances of a block; `None`: its object cannot be followed there.
pub type FoundSpans = Arc<Option<Vec<Span>>>;

/// Where blocks are kept.
pub trait SpanCache: Send + Sync {
    /// A block, if it is there.
    fn get(&self, block: SpanBlock<'_>) -> Option<FoundSpans>;

    /// Keeps a block.
    fn put(&self, block: SpanBlock<'_>, followed: &FoundSpans);
}

/// A query over many objects: when they take place in a range, with floating times in a zone.
pub struct SpanQuery {
    kept: Arc<dyn SpanCache>,
    zone: Zone,
    zone_key: String,
    range: TimeRange,
    blocks: RangeInclusive<i64>,
    budget: Budget,
}

impl SpanQuery {
    /// Begins the query. `None`: the range is too long for what is kept.
    pub fn ask(kept: Arc<dyn SpanCache>, zone: &Zone, range: TimeRange, budget: &Budget) -> Option<Self> {
        let (first, last) = (range.start.div_euclid(BLOCK_S), range.end.saturating_sub(1).div_euclid(BLOCK_S));
        if last.checked_sub(first).is_none_or(|more| !(0..MAX_BLOCKS).contains(&more)) {
            return None;
        }
        let (zone, zone_key) = (zone.clone(), zone.key().into_owned());
        Some(Self { kept, zone, zone_key, range, blocks: first..=last, budget: budget.clone() })
    }

    /// Does the object whose content has this hash take place? `None`: it is none of events, or its rules cannot be
    /// followed to their end; it is then to be followed for the range itself.
    pub fn takes_place(&self, hash: &str, object: impl Fn() -> Option<Object>) -> Option<bool> {
        let mut found = false;
        self.each(hash, object, |_| {
            found = true;
            false
        })?;
        Some(found)
    }

    /// Its instances that overlap the range, in the order in which they begin. `None`: as for [`Self::takes_place`].
    pub fn instances(&self, hash: &str, object: impl Fn() -> Option<Object>) -> Option<Vec<Span>> {
        let mut found = Vec::new();
        self.each(hash, object, |span| {
            found.push(*span);
            true
        })?;
        Some(found)
    }

    /// Calls `each` with the instances, until it returns `false`.
    fn each(&self, hash: &str, object: impl Fn() -> Option<Object>, mut each: impl FnMut(&Span) -> bool) -> Option<()> {
        for number in self.blocks.clone() {
            let block = SpanBlock { content: hash, zone: &self.zone_key, number };
            let followed = match self.kept.get(block) {
                Some(followed) => followed,
                None => {
                    let followed = Arc::new(follow(&object()?, &self.zone, number, &self.budget));
                    // What was not followed to its end for want of a budget may be so for the next who asks.
                    self.budget.steps(0).ok()?;
                    self.kept.put(block, &followed);
                    followed
                }
            };
            let spans = followed.as_deref()?;
            // What goes on from the block before was given there.
            let (first, begins) = (number == *self.blocks.start(), number * BLOCK_S);
            let new = spans
                .iter()
                .filter(|span| (first || span.start >= begins) && self.range.overlaps(span.start, span.end));
            for span in new {
                if !each(span) {
                    return Some(());
                }
            }
        }
        Some(())
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
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::{BLOCK_S, FoundSpans, SpanBlock, SpanCache, SpanQuery};
    use crate::ical::object::Object;
    use crate::ical::recur::instances;
    use crate::ical::zone::{Zone, Zones};
    use crate::model::budget::Budget;
    use crate::model::calendar::TimeRange;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    /// Keeps all.
    #[derive(Default)]
    struct All(Mutex<HashMap<String, FoundSpans>>);

    impl SpanCache for All {
        fn get(&self, block: SpanBlock<'_>) -> Option<FoundSpans> {
            self.0.lock().unwrap().get(&format!("{block:?}")).cloned()
        }

        fn put(&self, block: SpanBlock<'_>, followed: &FoundSpans) {
            self.0.lock().unwrap().insert(format!("{block:?}"), Arc::clone(followed));
        }
    }

    fn object(lines: &str) -> Object {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n");
        Object::parse(text.as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_would_be_found(
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
            let asked = SpanQuery::ask(Arc::<All>::default(), &zone, range, &Budget::default()).unwrap();
            for _ in 0..2 {
                let hash = format!("{which:064x}");
                let found = asked.instances(&hash, || Some(object.clone())).unwrap();
                prop_assert_eq!(asked.takes_place(&hash, || Some(object.clone())), Some(!found.is_empty()));
                prop_assert_eq!(found.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>(), &*expected);
            }
        }
    }

    #[test]
    fn zones_that_show_another_time_are_distinct() {
        let kept = Arc::<All>::default();
        let hash = "0".repeat(64);
        let object = object("DTSTART:20260701T090000\nDURATION:PT1H");
        let range = TimeRange { start: 1_782_000_000, end: 1_784_000_000 };
        let zone = |offset: i32| {
            let text = format!(
                "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
                 TZOFFSETTO:{}{:02}{:02}\n\
                 END:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n",
                if offset < 0 { '-' } else { '+' },
                offset.abs() / 60,
                offset.abs() % 60
            );
            Zone::of_text(&text).unwrap()
        };
        for offset in (-830..830).chain(0..10) {
            let zone = zone(offset);
            let expected = instances(&object, &Zones::new(&object.calendar, &zone), range).instances[0].start;
            for _ in 0..2 {
                let asked = SpanQuery::ask(kept.clone(), &zone, range, &Budget::default()).unwrap();
                let found = asked.instances(&hash, || Some(object.clone())).unwrap();
                assert_eq!(found.iter().map(|span| span.start).collect::<Vec<_>>(), [expected], "{offset}");
            }
        }
    }

    #[test]
    fn what_cannot_be_followed_is_known_as_such() {
        let zone = Zone::from(&TimeZone::get("Europe/Paris").unwrap());
        let minutely = object("DTSTART:20200101T000000Z\nRRULE:FREQ=MINUTELY");
        let range = TimeRange { start: 1_700_000_000, end: 1_700_003_600 };
        let hash = "0".repeat(64);
        let kept = Arc::<All>::default();
        let asked = SpanQuery::ask(kept.clone(), &zone, range, &Budget::default()).unwrap();
        assert_eq!(asked.instances(&hash, || Some(minutely.clone())), None);
        assert!(SpanQuery::ask(kept.clone(), &zone, TimeRange::ALL, &Budget::default()).is_none());
    }
}
