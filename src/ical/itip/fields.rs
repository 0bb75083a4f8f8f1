//! Whose a property is in a meeting, and what a change of it means. One table for all who compare, send and merge.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Property};
use crate::model::filename::normalize;

/// What a property is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MeetingField {
    /// When it takes place: compared by what it means, and a change asks everybody again.
    Time,
    /// People are notified of a change: SEQUENCE rises.
    Notable,
    /// Copies follow it, and nobody is written to.
    Content,
    /// Who organizes and attends.
    People,
    /// Which component it is.
    Identity,
    /// Which state of it.
    Order,
    /// When somebody's program touched it.
    Stamp,
    /// Its owner's alone: it stays in each copy, and no message has it.
    Private,
    /// What one says to another about an answer.
    Remark,
    /// Whatever programs add: it goes along, and a change of it is none.
    Other,
}

const FIELDS: [(&str, MeetingField); 42] = [
    ("DTSTART", MeetingField::Time),
    ("DTEND", MeetingField::Time),
    ("DUE", MeetingField::Time),
    ("DURATION", MeetingField::Time),
    ("RRULE", MeetingField::Time),
    ("RDATE", MeetingField::Time),
    ("EXDATE", MeetingField::Time),
    ("EXRULE", MeetingField::Time),
    ("SUMMARY", MeetingField::Notable),
    ("LOCATION", MeetingField::Notable),
    ("STATUS", MeetingField::Notable),
    ("DESCRIPTION", MeetingField::Content),
    ("ATTACH", MeetingField::Content),
    ("URL", MeetingField::Content),
    ("GEO", MeetingField::Content),
    ("PRIORITY", MeetingField::Content),
    ("RESOURCES", MeetingField::Content),
    ("CONTACT", MeetingField::Content),
    ("RELATED-TO", MeetingField::Content),
    ("CONFERENCE", MeetingField::Content),
    ("IMAGE", MeetingField::Content),
    ("STRUCTURED-DATA", MeetingField::Content),
    ("STYLED-DESCRIPTION", MeetingField::Content),
    ("ORGANIZER", MeetingField::People),
    ("ATTENDEE", MeetingField::People),
    ("UID", MeetingField::Identity),
    ("RECURRENCE-ID", MeetingField::Identity),
    ("SEQUENCE", MeetingField::Order),
    ("DTSTAMP", MeetingField::Order),
    ("CREATED", MeetingField::Stamp),
    ("LAST-MODIFIED", MeetingField::Stamp),
    ("TRANSP", MeetingField::Private),
    ("CATEGORIES", MeetingField::Private),
    ("COLOR", MeetingField::Private),
    ("CLASS", MeetingField::Private),
    ("COMPLETED", MeetingField::Private),
    ("PERCENT-COMPLETE", MeetingField::Private),
    ("ACKNOWLEDGED", MeetingField::Private),
    ("METHOD", MeetingField::Private),
    ("REQUEST-STATUS", MeetingField::Remark),
    ("COMMENT", MeetingField::Remark),
    ("X-CALENDARSERVER-PRIVATE-COMMENT", MeetingField::Private),
];

/// What the names of lines begin with that programs keep for their own user.
const PRIVATE_PREFIXES: [&str; 8] = [
    "X-APPLE-TRAVEL-",
    "X-APPLE-NEEDS-REPLY",
    "X-APPLE-DEFAULT-ALARM",
    "X-MOZ-",
    "X-EVOLUTION-",
    "X-WR-ALARMUID",
    "X-CALENDARSERVER-",
    HIDDEN,
];

/// In a copy: the occurrences that its owner has declined and does not want to see, as instants in UTC.
pub(super) const HIDDEN: &str = "X-BEFFROI-HIDDEN";
/// On a COMMENT of the organizer's object: the attendee who made it.
pub(super) const REMARK_BY: &str = "X-BEFFROI-BY";

/// What properties of a name are about.
pub(super) fn field(name: &str) -> MeetingField {
    let known = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
    let private = || PRIVATE_PREFIXES.iter().any(|prefix| name.starts_with(prefix)).then_some(MeetingField::Private);
    known.or_else(private).unwrap_or(MeetingField::Other)
}

/// Is it the organizer's to say?
pub(super) fn is_organizers(name: &str) -> bool {
    use MeetingField::{Content, Identity, Notable, Order, People, Time};
    matches!(field(name), Time | Notable | Content | People | Identity | Order)
}

/// May a message of the organizer have the line?
pub(super) fn is_sent(line: &Property) -> bool {
    match field(&line.name) {
        MeetingField::Private => false,
        // What an attendee answered is between the two.
        MeetingField::Remark => line.name == "COMMENT" && line.parameter(REMARK_BY).is_none(),
        _ => true,
    }
}

/// The lines of `base` where they stand, but for names of which `taken` says that those of `other` count.
pub(super) fn merged(base: &Component, other: &Component, taken: impl Fn(&str) -> bool) -> Vec<Property> {
    // Does each line of a name stay where it is? Of some names there are hundreds.
    let mut stays: BTreeMap<&str, bool> = BTreeMap::new();
    let mut lines = Vec::with_capacity(base.properties.len() + other.properties.len());
    for line in &base.properties {
        let known = stays.get(line.name.as_str()).copied();
        let stay = known.unwrap_or_else(|| !taken(&line.name) || base.all(&line.name).eq(other.all(&line.name)));
        if stay {
            lines.push(line.clone());
        } else if known.is_none() {
            lines.extend(other.all(&line.name).cloned());
        }
        stays.insert(&line.name, stay);
    }
    let rest = other.properties.iter().filter(|line| taken(&line.name) && !stays.contains_key(line.name.as_str()));
    lines.extend(rest.cloned());
    lines
}

/// Do two components say the same in all properties of a kind?
pub(super) fn say_the_same(one: &Component, other: &Component, which: MeetingField) -> bool {
    said(one, which) == said(other, which)
}

/// What a component says in the properties of a kind. What is empty, or what would hold anyway, says nothing.
fn said(component: &Component, which: MeetingField) -> BTreeSet<(&str, String)> {
    let lines = component.properties.iter().filter(|line| field(&line.name) == which && is_sent(line));
    lines.filter_map(|line| Some((line.name.as_str(), meaning(component, line)?))).collect()
}

/// The value of a line without what is only its form.
fn meaning(component: &Component, line: &Property) -> Option<String> {
    let text = line.text().replace("\r\n", "\n");
    let text = normalize(text.trim());
    let default = match line.name.as_str() {
        "STATUS" if component.name == "VTODO" => "NEEDS-ACTION",
        "STATUS" => "CONFIRMED",
        "PRIORITY" => "0",
        _ => "",
    };
    let text = if line.name == "STATUS" { text.to_uppercase() } else { text };
    (!text.is_empty() && text != default).then_some(text)
}

/// Is a component called off?
pub(super) fn is_cancelled(component: &Component) -> bool {
    component.value("STATUS").is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// Replaces the lines of a name by one, or by none.
pub(super) fn set_line(component: &mut Component, name: &str, line: Option<Property>) {
    let at = component.properties.iter().position(|known| known.name == name);
    component.properties.retain(|known| known.name != name);
    if let Some(line) = line {
        let at = at.unwrap_or(component.properties.len()).min(component.properties.len());
        component.properties.insert(at, line);
    }
}
