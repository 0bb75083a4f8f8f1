//! Time zones: from the TZID of an object to instants.
//!
//! What the world knows by a TZID goes first: a name of IANA's, one of Windows', one of IANA's after a path
//! (`/softwarestudio.org/Olson_20011030_5/Europe/Paris`). Then comes the VTIMEZONE that the object brings along, and
//! last what the name may mean, such as the offset that it states. What is still unknown floats.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::described::{Described, states_offset};
use super::object::{Component, parse};
use super::steps::{OBJECT_STEPS, Steps};
use super::time::{Clock, When};
use super::tzid;
use crate::model::budget::Budget;
use crate::model::civil::{civil_of, seconds_of};
use crate::model::id::Timestamp;

/// The most steps that a zone may take that is given by itself: each request that reads floating times in it takes them
/// again.
pub const ZONE_STEPS: u64 = 5_000;
/// What it costs to look a name up that nobody knows.
const STEPS_OF_NAME: u64 = 20;
/// No place on earth is farther from UTC, and no time that floats is surely sought farther from it.
const FARTHEST_S: i64 = 14 * 3600;

/// What the keys of zones begin with that nobody knows by a name.
const DESCRIBED: char = '=';

/// A clock that can be read.
#[derive(Clone, Debug)]
pub enum Zone {
    /// One of the zones that the world agrees on.
    Known(TimeZone),
    /// One that only its object, or its calendar, describes.
    Described(Arc<Described>),
}

impl From<&TimeZone> for Zone {
    fn from(zone: &TimeZone) -> Self {
        Self::Known(zone.clone())
    }
}

impl From<&Zone> for Zone {
    fn from(zone: &Zone) -> Self {
        zone.clone()
    }
}

/// The offset of a zone where instants of the library end.
fn offset_beyond(zone: &TimeZone, later: bool) -> i64 {
    zone.to_offset(if later { Instant::MAX } else { Instant::MIN }).seconds().into()
}

/// The zones that a calendar describes.
fn descriptions(calendar: &Component) -> impl Iterator<Item = &Component> {
    calendar.components.iter().filter(|part| part.name == "VTIMEZONE")
}

impl Zone {
    /// The zone that a text of one VTIMEZONE is about (RFC 4791 section 9.8). `None`: nobody knows it, and it is not
    /// described so that a place on earth could have it, or too much is asked of who would follow it.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let calendar = parse(text.as_bytes()).ok()?;
        let name = descriptions(&calendar).find_map(tzid::name_of)?;
        let zones = Zones { steps: Steps::new(ZONE_STEPS), ..Zones::new(&calendar, &TimeZone::UTC) };
        let zone = zones.resolve(&name)?;
        let on_earth = match &zone {
            Self::Known(_) => true,
            Self::Described(described) => described.farthest_s() <= FARTHEST_S,
        };
        (on_earth && !zones.steps.is_cut()).then_some(zone)
    }

    /// The same where its name says it and no rule has to be followed. `None`: [`Self::of_text`] may know more.
    #[must_use]
    pub fn named_in(text: &str) -> Option<Self> {
        let calendar = parse(text.as_bytes()).ok()?;
        let name = descriptions(&calendar).find_map(tzid::name_of)?;
        let guessed = || tzid::guessed(&name).filter(|_| !descriptions(&calendar).any(states_offset));
        tzid::known(&name).or_else(guessed).map(Self::Known)
    }

    /// Its name in the IANA register, if it is of it.
    #[must_use]
    pub fn iana_name(&self) -> Option<&str> {
        match self {
            Self::Known(zone) => zone.iana_name(),
            Self::Described(_) => None,
        }
    }

    /// A text that is the same for two zones that show the same time, as long as the server runs.
    #[must_use]
    pub fn key(&self) -> Cow<'_, str> {
        match self {
            Self::Known(zone) => match zone.iana_name() {
                Some(name) => name.into(),
                None => format!("{:?}", zone.to_offset(Instant::UNIX_EPOCH)).into(),
            },
            Self::Described(described) => format!("{DESCRIBED}{:x}", described.fingerprint()).into(),
        }
    }

    /// The instant at which the clock shows a time. What it never shows (in spring) is moved forward; of what it shows
    /// twice (in autumn) the first counts.
    #[must_use]
    pub fn instant(&self, local: DateTime) -> Timestamp {
        match self {
            Self::Known(zone) => {
                let beyond = |_| seconds_of(local) - offset_beyond(zone, local.year() > 0);
                zone.to_ambiguous_timestamp(local).compatible().map_or_else(beyond, Instant::as_second)
            }
            Self::Described(described) => seconds_of(local) - described.offset_at_local(local),
        }
    }

    /// What the clock shows at an instant.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime {
        match self {
            Self::Known(zone) => {
                let beyond = |_| civil_of(at.saturating_add(offset_beyond(zone, at > 0)));
                Instant::from_second(at).map_or_else(beyond, |instant| zone.to_datetime(instant))
            }
            Self::Described(described) => civil_of(at.saturating_add(described.offset_at(at))),
        }
    }
}

/// The descriptions of an object by the keys of their names: each with the name as it stands, and which component it
/// is.
type DescribedZones = HashMap<String, Vec<(String, usize)>>;

/// The zones of one object, and the one in which floating times are read; following rules, those of zones among them,
/// takes its steps.
pub struct Zones<'a> {
    calendar: &'a Component,
    floating: Zone,
    own: OnceCell<DescribedZones>,
    seen: RefCell<HashMap<String, Option<Zone>>>,
    pub(super) steps: Steps,
}

impl<'a> Zones<'a> {
    /// For the times of an object; what floats is read in `floating`.
    #[must_use]
    pub fn new(calendar: &'a Component, floating: impl Into<Zone>) -> Self {
        let (floating, own, seen) = (floating.into(), OnceCell::new(), RefCell::default());
        Self { calendar, floating, own, seen, steps: Steps::new(OBJECT_STEPS) }
    }

    /// For a request with a budget.
    #[must_use]
    pub fn within(self, budget: &Budget) -> Self {
        Self { steps: self.steps.within(budget), ..self }
    }

    /// The zone of a clock.
    #[must_use]
    pub fn of(&self, clock: &Clock) -> Zone {
        match clock {
            Clock::Day | Clock::Floating => self.floating.clone(),
            Clock::Utc => Zone::Known(TimeZone::UTC),
            Clock::Zone(name) => self.resolve(name).unwrap_or_else(|| self.floating.clone()),
        }
    }

    /// The zone of a name. `None`: nobody knows it.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Zone> {
        if let Some(zone) = self.seen.borrow().get(name) {
            return zone.clone();
        }
        self.steps.take(STEPS_OF_NAME);
        let zone = tzid::known(name).map(Zone::Known);
        let zone = zone.or_else(|| self.described(name)).or_else(|| tzid::guessed(name).map(Zone::Known));
        self.seen.borrow_mut().insert(name.to_owned(), zone.clone());
        zone
    }

    fn described(&self, name: &str) -> Option<Zone> {
        let own = self.own.get_or_init(|| {
            let mut own = DescribedZones::new();
            let parts = self.calendar.components.iter().enumerate();
            for (place, zone) in parts.filter(|(_, part)| part.name == "VTIMEZONE").take_while(|_| self.steps.take(1)) {
                if let Some(name) = tzid::name_of(zone) {
                    own.entry(tzid::key(&name)).or_default().push((name, place));
                }
            }
            own
        });
        // Two names may differ in what mostly does not count; and of two with one name, one may say nothing.
        let mut alike: Vec<_> = own.get(&tzid::key(name))?.iter().collect();
        alike.sort_by_key(|(known, _)| known != name.trim());
        let zones = alike.into_iter().filter_map(|(_, place)| self.calendar.components.get(*place));
        let mut read = zones.take_while(|_| self.steps.take(1)).filter_map(|zone| Described::read(zone, &self.steps));
        read.next().map(|described| Zone::Described(Arc::new(described)))
    }

    /// The instant of a time.
    #[must_use]
    pub fn instant(&self, when: &When) -> Timestamp {
        self.of(&when.clock).instant(when.local)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{OBJECT_STEPS, Zone, Zones};
    use crate::ical::object::{Object, parse};
    use crate::ical::recur::{INSTANCES, instances};
    use crate::ical::time::{When, write_utc};
    use crate::model::budget::{Budget, MAX_STEPS};
    use crate::model::calendar::TimeRange;

    /// Three hours ahead of UTC.
    fn described(name: &str) -> String {
        format!(
            "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\n\
             TZOFFSETTO:+0300\n\
             END:STANDARD\nEND:VTIMEZONE\n"
        )
    }

    /// Noon of a day in July where a property with this parameter is read beside these descriptions.
    fn noon(zones: &[&str], parameter: &str) -> String {
        let zones: String = zones.iter().map(|name| described(name)).collect();
        let text = format!("BEGIN:VCALENDAR\n{zones}DTSTART;TZID={parameter}:20260705T120000\nEND:VCALENDAR\n");
        let calendar = parse(text.as_bytes()).unwrap();
        let when = calendar.property("DTSTART").and_then(When::of).unwrap();
        let tahiti = TimeZone::get("Pacific/Tahiti").unwrap();
        write_utc(Zones::new(&calendar, &tahiti).instant(&when)).split_off(9)
    }

    #[test]
    fn what_goes_first() {
        let (own, floating) = ("090000Z", "220000Z");
        for (zones, parameter, expected) in [
            // What the world knows, whatever the object says.
            (&["Europe/Paris"][..], "Europe/Paris", "100000Z"),
            (&["Singapore"], "Singapore", "040000Z"),
            (&["Romance Standard Time"], "Romance Standard Time", "100000Z"),
            (&["/x.org/Olson/Asia/Tokyo"], "/x.org/Olson/Asia/Tokyo", "030000Z"),
            // What the object says, whatever the name may mean.
            (&["GMT+2"], "GMT+2", own),
            (&["Ours/Japan"], "Ours/Japan", own),
            (&["Heure d\u{2019}Europe"], "Heure d\u{2019}Europe", own),
            (&["(UTC+01:00) Bruxelles\\, Copenhague"], "\"(UTC+01:00) Bruxelles, Copenhague\"", own),
            // What the name may mean.
            (&[], "GMT+2", "100000Z"),
            (&["Other"], "\"(UTC+01:00) Bruxelles, Copenhague\"", "110000Z"),
            (&[], "Ours/Japan", "030000Z"),
            (&[], "Ours", floating),
            (&["Ours 1"], "Ours 2", floating),
        ] {
            assert_eq!(noon(zones, parameter), expected, "{zones:?} {parameter}");
        }
    }

    #[test]
    fn property_and_parameter_name_one_zone() {
        for (property, parameter) in [
            ("Ours\\, and theirs", "\"Ours, and theirs\""),
            ("Ours\\; and theirs", "\"Ours; and theirs\""),
            ("Ours, and theirs", "\"Ours, and theirs\""),
            ("Ours\\, and theirs", "\"Ours\\, and theirs\""),
            ("the \"good\" one", "the ^'good^' one"),
            ("a ^ b", "a ^^ b"),
            ("one\\ntwo", "one^ntwo"),
            ("a\\\\b", "\"a\\b\""),
            ("  Ours ", "\" ours\""),
            ("OURS", "ours"),
            ("\"Ours\"", "Ours"),
            ("Ours\\New", "\"Ours\\New\""),
        ] {
            assert_eq!(noon(&[property], parameter), "090000Z", "{property} {parameter}");
        }
        // Where two names differ in case alone each finds its own.
        let text =
            format!("BEGIN:VCALENDAR\n{}{}END:VCALENDAR\n", described("Ours"), described("OURS").replace("03", "05"));
        let calendar = parse(text.as_bytes()).unwrap();
        let zones = Zones::new(&calendar, &TimeZone::UTC);
        let noon = When::read("20260705T120000", None).unwrap().local;
        let shown = ["Ours", "OURS", "ours"].map(|name| write_utc(zones.resolve(name).unwrap().instant(noon)));
        assert_eq!(shown, ["20260705T090000Z", "20260705T070000Z", "20260705T090000Z"]);
    }

    #[test]
    fn of_two_with_one_name_the_one_that_says_something_serves() {
        let nothing = "BEGIN:VTIMEZONE\nTZID:Ours\nEND:VTIMEZONE\n";
        for zones in [format!("{nothing}{}", described("Ours")), format!("{}{nothing}", described("OURS"))] {
            let calendar = parse(format!("BEGIN:VCALENDAR\n{zones}END:VCALENDAR\n").as_bytes()).unwrap();
            assert!(Zones::new(&calendar, &TimeZone::UTC).resolve("Ours").is_some(), "{zones}");
        }
    }

    #[test]
    fn a_text_of_a_zone() {
        let text = |zone: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\n{zone}END:VCALENDAR\n");
        assert_eq!(Zone::of_text(&text(&described("Japan"))).unwrap().iana_name(), Some("Japan"));
        let (ours, same) =
            (Zone::of_text(&text(&described("Ours"))).unwrap(), Zone::of_text(&text(&described("Same"))).unwrap());
        let other = Zone::of_text(&text(&described("Ours").replace("03", "04"))).unwrap();
        assert_eq!((ours.key(), ours.iana_name()), (same.key(), None));
        assert_ne!(ours.key(), other.key());
        let endless = described("Ours").replace("END:STANDARD", "RRULE:FREQ=HOURLY\nEND:STANDARD");
        for none in [
            text(&endless),
            text(""),
            text("BEGIN:VTIMEZONE\nTZID:Ours\nEND:VTIMEZONE\n"),
            text(&described("Ours").replace("03", "20")),
            "x".to_owned(),
        ] {
            assert!(Zone::of_text(&none).is_none(), "{none}");
        }
    }

    /// The bounds are those that are documented: of instances, and of steps.
    #[test]
    fn hostile_rules_end() {
        // 2026.
        const YEAR: TimeRange = TimeRange { start: 1_767_225_600, end: 1_798_761_600 };
        let secondly = "FREQ=SECONDLY";
        let (mut most, mut cut) = (0, 0);
        for lines in [
            secondly,
            "FREQ=MINUTELY",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=99999999999999",
            "FREQ=MINUTELY;BYSETPOS=400;BYSECOND=1",
            "FREQ=DAILY;UNTIL=nonsense",
            "nonsense",
            "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=DAILY\nEXRULE:FREQ=SECONDLY",
            "FREQ=MINUTELY\nEXRULE:FREQ=MINUTELY",
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MINUTELY;COUNT=100000000",
            &[secondly; 16].join("\nRRULE:"),
            &["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"; 16].join("\nRRULE:"),
        ] {
            let event = format!("BEGIN:VEVENT\nUID:1\nDTSTART:19000101T000000Z\nRRULE:{lines}\nEND:VEVENT");
            let object = Object::parse(format!("BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n").as_bytes()).unwrap();
            let budget = Budget::default();
            let zones = Zones::new(&object.calendar, &TimeZone::UTC).within(&budget);
            let found = instances(&object, &zones, YEAR);
            let rule: String = lines.chars().take(60).collect();
            assert!(found.instances.len() <= INSTANCES, "{rule}: {}", found.instances.len());
            assert!(budget.steps(MAX_STEPS - OBJECT_STEPS).is_ok(), "{rule}: more steps than an object may take");
            most = most.max(found.instances.len());
            cut += usize::from(found.cut);
        }
        assert!(most == INSTANCES && cut >= 5, "{most} {cut}");
    }
}
