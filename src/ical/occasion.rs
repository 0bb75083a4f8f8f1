//! A meeting, or one occurrence of it, as words state it: what, where, when by which clock, who asks.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::object::Component;
use super::outlook_event::links;
use super::outlook_people::mailbox_of;
use super::recur::{Instance, RecurrenceId, end_of};
use super::time::When;
use super::zone::{Zone, Zones};
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;

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
        let zone_name = || zone.iana_name().map_or_else(|| "UTC".to_owned(), str::to_owned);
        // What nobody knows by its name is stated in UTC.
        let shown = match zone.iana_name() {
            Some(_) => zone.clone(),
            None => Zone::Known(TimeZone::UTC),
        };
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
            rule: about.component.value("RRULE").filter(|_| about.id.is_none()).map(str::to_owned),
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
