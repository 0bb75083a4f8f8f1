//! What programs publish of someone's calendar, whole and again and again: of it is kept when they are busy, and
//! nothing else.

use std::collections::HashMap;
use std::vec::IntoIter;

use super::freebusy::{Busy, Period, busy_of, taken_by};
use super::object::{Component, Invalid, MAX_RULES, Object, parse};
use super::recur::Instance;
use super::zone::{Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;

/// A calendar as it was published, object by object.
pub struct PublishedCalendar {
    /// The time zones that it describes.
    zones: Component,
    objects: IntoIter<Object>,
}

impl PublishedCalendar {
    /// Reads one. Busy times come without UID from some programs.
    pub fn read(text: &[u8]) -> Result<Self, Invalid> {
        let mut zones = parse(text)?;
        let (own, parts): (Vec<_>, Vec<_>) =
            std::mem::take(&mut zones.components).into_iter().partition(|part| part.name == "VTIMEZONE");
        zones.components = own;
        let mut objects: Vec<Object> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for part in parts.into_iter().filter(|part| matches!(part.name.as_str(), "VEVENT" | "VFREEBUSY")) {
            if part.all("RRULE").count() > MAX_RULES {
                return Err(Invalid::TooMuch);
            }
            let uid = part.value("UID").map(str::trim).filter(|uid| !uid.is_empty()).map(str::to_owned);
            let known_at = uid.as_ref().and_then(|uid| known.get(uid)).and_then(|place| objects.get_mut(*place));
            match known_at.filter(|object| object.component == part.name) {
                Some(object) => object.calendar.components.push(part),
                None => {
                    known.extend(uid.clone().map(|uid| (uid, objects.len())));
                    let (name, component) = (zones.name.clone(), part.name.clone());
                    let calendar = Component { name, properties: Vec::new(), components: vec![part] };
                    objects.push(Object { component, uid: uid.unwrap_or_default(), calendar });
                }
            }
        }
        Ok(Self { zones, objects: objects.into_iter() })
    }

    /// The periods that the next object takes in a range; `None` at the end.
    pub fn next(&mut self, floating: &Zone, range: TimeRange, budget: &Budget) -> Option<Vec<Period>> {
        let object = self.objects.next()?;
        let zones = Zones::new(&self.zones, floating).within(budget);
        Some(taken_by(&object, &zones, range, busy_as_published))
    }
}

/// How an instance takes who published it. What Outlook says of it in its own words is finer, and counts.
fn busy_as_published(instance: &Instance<'_>) -> Option<Busy> {
    let value = |name| instance.component.value(name).map(|value| value.trim().to_ascii_uppercase());
    if value("STATUS").is_some_and(|status| status == "CANCELLED") {
        return None;
    }
    match value("X-MICROSOFT-CDO-BUSYSTATUS").as_deref() {
        Some("FREE") => None,
        Some("TENTATIVE") => Some(Busy::Tentative),
        Some("BUSY") => Some(Busy::Busy),
        Some("OOF") => Some(Busy::Unavailable),
        _ => busy_of(instance),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::PublishedCalendar;
    use crate::ical::freebusy::{Busy, Period, merged};
    use crate::ical::zone::Zone;
    use crate::model::budget::Budget;
    use crate::model::calendar::TimeRange;

    const HOUR: i64 = 3_600;

    /// The periods of a calendar on the first three days of 1970, in hours.
    fn taken(parts: &str) -> Vec<(i64, i64, Busy)> {
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\n{parts}END:VCALENDAR\r\n");
        let mut calendar = PublishedCalendar::read(text.as_bytes()).expect("a calendar");
        let range = TimeRange { start: 0, end: 72 * HOUR };
        let mut all: Vec<Period> = Vec::new();
        while let Some(some) = calendar.next(&Zone::Known(TimeZone::UTC), range, &Budget::default()) {
            all.extend(some);
        }
        merged(all).iter().map(|one| (one.start / HOUR, one.end / HOUR, one.busy)).collect()
    }

    fn event(uid: &str, lines: &str) -> String {
        format!("BEGIN:VEVENT\r\nUID:{uid}\r\n{lines}\r\nEND:VEVENT\r\n")
    }

    #[test]
    fn of_events_the_time_is_kept_that_they_take() {
        let at = "DTSTART:19700101T080000Z\r\nDTEND:19700101T100000Z";
        for (lines, expected) in [
            ("SUMMARY:Secret", Some(Busy::Busy)),
            ("TRANSP:TRANSPARENT", None),
            ("STATUS:CANCELLED", None),
            ("STATUS:CANCELLED\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY", None),
            ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", None),
            ("X-MICROSOFT-CDO-BUSYSTATUS:oof", Some(Busy::Unavailable)),
            ("TRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", Some(Busy::Tentative)),
            ("TRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY", Some(Busy::Busy)),
            ("TRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", None),
        ] {
            let found = taken(&event("a", &format!("{at}\r\n{lines}")));
            assert_eq!(found, expected.map(|busy| (8, 10, busy)).into_iter().collect::<Vec<_>>(), "{lines}");
        }
    }

    #[test]
    fn series_are_followed_with_their_exceptions_and_what_has_no_uid_is_by_itself() {
        let zone = "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:19600101T000000\r\nTZOFFSETFROM:+0200\r\n\
                    TZOFFSETTO:+0200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
        let parts = [
            zone.to_owned(),
            event("a", "DTSTART;TZID=Ours:19700101T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY"),
            event("b", "DTSTART:19700101T085900Z\r\nDTEND:19700101T100000Z"),
            event("a", "RECURRENCE-ID;TZID=Ours:19700102T100000\r\nDTSTART;TZID=Ours:19700102T150000\r\nDURATION:PT1H"),
            "BEGIN:VFREEBUSY\r\nFREEBUSY:19700102T200000Z/PT1H\r\nEND:VFREEBUSY\r\n".to_owned(),
            "BEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=FREE:19700101T000000Z/PT9H\r\nEND:VFREEBUSY\r\n".to_owned(),
            "BEGIN:VTODO\r\nUID:t\r\nDTSTART:19700101T000000Z\r\nEND:VTODO\r\n".to_owned(),
        ];
        let busy = |start, end| (start, end, Busy::Busy);
        assert_eq!(taken(&parts.concat()), [busy(8, 10), busy(37, 38), busy(44, 45), busy(56, 57)]);
        assert!(PublishedCalendar::read(b"<html>").is_err());
    }
}
