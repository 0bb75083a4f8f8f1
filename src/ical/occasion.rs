//! A meeting, or one occurrence of it, as words state it: what, where, when by which clock, who asks.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::object::Component;
use super::outlook_event::links;
use super::outlook_people::mailbox_of;
use super::recur::{Instance, RecurrenceId, end_of};
use super::time::{Clock, When};
use super::zone::{Zone, Zones};
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;

/// The names of clocks that nobody goes by.
const NO_PLACE: [&str; 5] = ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/Unknown"];

/// A meeting, as words have to state it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occasion {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub place: String,
    /// What is said of it.
    pub description: String,
    /// What is said of this message.
    pub comment: String,
    /// Whose it is.
    pub organizer: Option<Mailbox>,
    /// When it begins and ends, by the clock of `zone`; of whole days the end is the day after the last.
    pub start: DateTime,
    /// The end.
    pub end: DateTime,
    /// The name of the zone; `None`: it is whole days.
    pub zone: Option<String>,
    /// The rule of a series.
    pub rule: Option<String>,
    /// Which occurrence of a series it is; `None`: it is none, or all of them.
    pub occurrence: Option<Timestamp>,
    /// The files that it links to.
    pub files: Vec<LinkedFile>,
}

/// A file that a meeting links to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedFile {
    /// What it is called; `None`: nobody says.
    pub name: Option<String>,
    /// Its address.
    pub address: String,
}

impl Occasion {
    /// An instance, as words state it.
    #[must_use]
    pub fn of(about: &Instance<'_>, zones: &Zones<'_>) -> Self {
        let text = |name| about.component.property(name).map(|line| line.text()).unwrap_or_default();
        let zone = zones.of(&about.local.clock);
        let rule = about.component.value("RRULE").filter(|_| about.id.is_none()).map(str::to_owned);
        // What takes place once by no clock that people here go by is stated by theirs; a series is not at one time by
        // that. What nobody knows by its name is stated in UTC.
        let ours = zones.of(&Clock::Floating);
        let known = [Some(&zone).filter(|_| about.local.clock != Clock::Utc), Some(&ours).filter(|_| rule.is_none())];
        let is_of_a_place = |zone: &&Zone| zone.iana_name().is_some_and(|name| !NO_PLACE.contains(&name));
        let shown = known.into_iter().flatten().find(is_of_a_place).cloned();
        let shown = shown.unwrap_or(Zone::Known(TimeZone::UTC));
        let zone_name = || shown.iana_name().unwrap_or("UTC").to_owned();
        let is_day = about.local.is_day();
        let (start, end) = if is_day {
            (about.local.local, zone.local(about.end))
        } else {
            (shown.local(about.start), shown.local(about.end))
        };
        Self {
            title: text("SUMMARY"),
            place: text("LOCATION"),
            description: text("DESCRIPTION"),
            comment: text("COMMENT"),
            organizer: about.component.property("ORGANIZER").and_then(mailbox_of),
            start,
            end,
            zone: (!is_day).then(zone_name),
            rule,
            occurrence: about.id.as_ref().map(|id| id.at),
            files: links(about.component)
                .map(|line| LinkedFile { name: line.parameter("FILENAME"), address: line.value().trim().to_owned() })
                .collect(),
        }
    }
}

/// A component as if it took place once. `None`: it has no time.
pub(super) fn once<'a>(component: &'a Component, zones: &Zones<'_>) -> Option<Instance<'a>> {
    let local = component.property("DTSTART").and_then(When::of)?;
    let id = component.instance().ok().flatten().map(|when| RecurrenceId { at: zones.instant(&when), when });
    Some(Instance { start: zones.instant(&local), end: end_of(component, &local, zones), component, id, local })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{Occasion, once};
    use crate::ical::object::Object;
    use crate::ical::zone::Zones;

    #[test]
    fn a_time_is_stated_by_a_clock_that_people_know() {
        let zone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0200\r\n\
                    TZOFFSETTO:+0200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
        for (start, single, series) in [
            (":20261126T090000Z", (10, "Europe/Paris"), (9, "UTC")),
            (";TZID=America/Cayenne:20261126T090000", (9, "America/Cayenne"), (9, "America/Cayenne")),
            (";TZID=Own:20261126T090000", (8, "Europe/Paris"), (7, "UTC")),
            (":20261126T090000", (9, "Europe/Paris"), (9, "Europe/Paris")),
        ] {
            for (rule, (hour, name)) in [("", single), ("RRULE:FREQ=WEEKLY\r\n", series)] {
                let text = format!(
                    "BEGIN:VCALENDAR\r\n{zone}BEGIN:VEVENT\r\nUID:1\r\nDTSTART{start}\r\n{rule}END:VEVENT\r\n\
                     END:VCALENDAR\r\n"
                );
                let object = Object::stored(text.as_bytes()).unwrap();
                let zones = Zones::new(&object.calendar, &TimeZone::get("Europe/Paris").unwrap());
                let stated = Occasion::of(&once(object.master().unwrap(), &zones).unwrap(), &zones);
                assert_eq!((stated.start.hour(), stated.zone.as_deref()), (hour, Some(name)), "{text}");
            }
        }
    }
}
