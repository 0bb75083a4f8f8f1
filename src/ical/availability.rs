//! Availability (RFC 7953): when someone may be asked for at all. What it covers and does not name as available is
//! taken.

use std::collections::BTreeMap;

use super::freebusy::{Busy, Period, without};
use super::object::{Component, Object, parse};
use super::recur::instances;
use super::time::When;
use super::zone::{Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;

/// The longest text.
pub const MAX_BYTES: usize = 64 * 1024;

/// A text of availability.
#[derive(Clone, Debug)]
pub struct Availability(Component);

impl Availability {
    /// Reads one: a calendar of VAVAILABILITY, and of time zones. `None`: it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let calendar = parse(text.trim().as_bytes()).ok()?;
        let mut parts = calendar.components.iter().filter(|part| part.name != "VTIMEZONE").peekable();
        parts.peek()?;
        parts.all(is_sound).then(|| Self(calendar.clone()))
    }

    /// When someone is not available in a range. Following it takes long: it is work to be done in someone's turn.
    #[must_use]
    pub fn taken(&self, zone: &Zone, range: TimeRange, budget: &Budget) -> Vec<Period> {
        let mut parts: Vec<&Component> = self.0.components.iter().filter(|part| part.name == "VAVAILABILITY").collect();
        // The least urgent first: those that follow take the place of what it says. 0 is none (RFC 7953 section 3.1).
        parts.sort_by_key(|part| std::cmp::Reverse(priority(part)));
        let mut taken: Vec<Period> = Vec::new();
        for part in parts {
            let zones = Zones::new(&self.0, zone).within(budget);
            let at = |name| part.property(name).and_then(When::of).map(|when| zones.instant(&when));
            let covered = TimeRange {
                start: at("DTSTART").unwrap_or(range.start).max(range.start),
                end: at("DTEND").unwrap_or(range.end).min(range.end),
            };
            if covered.start >= covered.end {
                continue;
            }
            let whole = Period { start: covered.start, end: covered.end, busy: busy_type(part) };
            taken = without(taken, &[whole]);
            taken.extend(without(vec![whole], &self.available(part, zone, covered, budget)));
        }
        taken
    }

    /// When a part says that someone is available.
    fn available(&self, part: &Component, zone: &Zone, range: TimeRange, budget: &Budget) -> Vec<Period> {
        let mut series: BTreeMap<&str, Vec<Component>> = BTreeMap::new();
        for one in part.components.iter().filter(|one| one.name == "AVAILABLE") {
            let as_event = Component { name: "VEVENT".to_owned(), ..one.clone() };
            series.entry(one.value("UID").unwrap_or_default()).or_default().push(as_event);
        }
        let described = || self.0.components.iter().filter(|part| part.name == "VTIMEZONE").cloned();
        let mut found = Vec::new();
        for (uid, components) in series {
            let calendar = Component { components: described().chain(components).collect(), ..Component::default() };
            let object = Object { calendar, component: "VEVENT".to_owned(), uid: uid.to_owned() };
            let zones = Zones::new(&object.calendar, zone).within(budget);
            let instances = instances(&object, &zones, range).instances;
            found.extend(instances.iter().filter_map(|one| Period::cut(one.start, one.end, Busy::Unavailable, range)));
        }
        found
    }
}

fn priority(part: &Component) -> u8 {
    let written = part.value("PRIORITY").and_then(|text| text.trim().parse::<u8>().ok());
    written.filter(|priority| (1..=9).contains(priority)).unwrap_or(10)
}

fn busy_type(part: &Component) -> Busy {
    match part.value("BUSYTYPE").map(|text| text.trim().to_ascii_uppercase()).as_deref() {
        Some("BUSY") => Busy::Busy,
        Some("BUSY-TENTATIVE") => Busy::Tentative,
        _ => Busy::Unavailable,
    }
}

fn is_sound(part: &Component) -> bool {
    let is_time = |name: &str, of: &Component| of.all(name).all(|line| When::of(line).is_some());
    part.name == "VAVAILABILITY"
        && part.value("UID").is_some_and(|uid| !uid.trim().is_empty())
        && ["DTSTART", "DTEND"].iter().all(|name| is_time(name, part))
        && part
            .components
            .iter()
            .filter(|one| one.name == "AVAILABLE")
            .all(|one| one.property("DTSTART").is_some() && ["DTSTART", "DTEND"].iter().all(|name| is_time(name, one)))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::Availability;
    use crate::ical::freebusy::Busy;
    use crate::ical::zone::Zone;
    use crate::model::budget::Budget;
    use crate::model::calendar::TimeRange;

    const HOUR: i64 = 3_600;
    /// The first of June 2026, a Monday.
    const MONDAY: i64 = 1_780_272_000;

    fn taken(parts: &str) -> Vec<(i64, i64, Busy)> {
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{parts}END:VCALENDAR\r\n");
        let availability = Availability::read(&text).expect("one");
        let range = TimeRange { start: MONDAY, end: MONDAY + 24 * HOUR };
        let mut found = availability.taken(&Zone::Known(TimeZone::UTC), range, &Budget::default());
        found.sort_unstable();
        found.iter().map(|one| ((one.start - MONDAY) / HOUR, (one.end - MONDAY) / HOUR, one.busy)).collect()
    }

    fn part(lines: &str, from: &str, to: &str) -> String {
        format!(
            "BEGIN:VAVAILABILITY\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n{lines}BEGIN:AVAILABLE\r\nUID:a\r\n\
             DTSTART:20260105T{from}0000Z\r\nDTEND:20260105T{to}0000Z\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\n\
             END:AVAILABLE\r\nEND:VAVAILABILITY\r\n"
        )
    }

    #[test]
    fn what_is_covered_and_not_available_is_taken() {
        use Busy::{Tentative, Unavailable};
        assert_eq!(taken(&part("", "09", "17")), [(0, 9, Unavailable), (17, 24, Unavailable)]);
        assert_eq!(taken(&part("BUSYTYPE:BUSY-TENTATIVE\r\n", "09", "17")), [(0, 9, Tentative), (17, 24, Tentative)]);
        let bounded = "DTSTART:20260601T080000Z\r\nDTEND:20260601T200000Z\r\n";
        assert_eq!(taken(&part(bounded, "09", "17")), [(8, 9, Unavailable), (17, 20, Unavailable)]);
        // A more urgent one takes the place of another where it says something.
        let both = format!("{}{}", part(&format!("PRIORITY:1\r\n{bounded}"), "10", "18"), part("", "09", "17"));
        assert_eq!(
            taken(&both),
            [(0, 8, Unavailable), (8, 10, Unavailable), (18, 20, Unavailable), (20, 24, Unavailable)]
        );
    }

    #[test]
    fn what_is_no_availability_is_not_read() {
        for text in [
            "",
            "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "BEGIN:VCALENDAR\r\nBEGIN:VAVAILABILITY\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR\r\n",
            "BEGIN:VCALENDAR\r\nBEGIN:VAVAILABILITY\r\nUID:1\r\nBEGIN:AVAILABLE\r\nUID:2\r\nEND:AVAILABLE\r\n\
             END:VAVAILABILITY\r\nEND:VCALENDAR\r\n",
        ] {
            assert!(Availability::read(text).is_none(), "{text}");
        }
    }
}
