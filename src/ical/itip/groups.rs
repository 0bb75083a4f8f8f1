//! Groups among the attendees (RFC 5545 section 3.2.11): each of the people in them has a line of their own, which
//! names all groups by which they are invited. To a group itself nothing is sent.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Object, Property};
use super::address::{Addresses, CalendarUserAddress};
use super::people::{CalendarUser, NEEDS_ACTION};

/// Somebody who is in a group.
#[derive(Clone, Debug)]
pub struct GroupMember {
    /// All addresses by which they may be named.
    pub addresses: Addresses,
    /// The address that is written.
    pub written: String,
    /// What they are called.
    pub name: String,
}

/// The groups in a meeting.
#[derive(Clone, Debug, Default)]
pub struct MeetingGroups {
    /// The people in each that is invited.
    pub invited: BTreeMap<CalendarUserAddress, Vec<GroupMember>>,
    /// Those that were invited before, and are no more.
    pub removed: BTreeSet<CalendarUserAddress>,
}

/// Somebody who is invited by groups.
struct InvitedMember<'a> {
    member: &'a GroupMember,
    /// The addresses of the groups as they are written.
    groups: Vec<String>,
    /// How the first of them takes part.
    role: String,
}

impl MeetingGroups {
    /// The meeting with a line for each of the people in its groups, but for who organizes it, and without those who
    /// are in none of the groups any more by which they were invited. `None`: it is that already.
    #[must_use]
    pub fn expanded(&self, object: &Object, organizer: &Addresses) -> Option<Object> {
        if self.invited.is_empty() && self.removed.is_empty() {
            return None;
        }
        let mut expanded = object.clone();
        for part in &mut expanded.calendar.components {
            self.expand(part, organizer);
        }
        (expanded != *object).then_some(expanded)
    }

    fn expand(&self, part: &mut Component, organizer: &Addresses) {
        let invited = self.people_of(part, organizer);
        let here: BTreeSet<CalendarUserAddress> = CalendarUser::attendees(part).map(CalendarUser::address).collect();
        let mut named = vec![false; invited.len()];
        let mut lines = Vec::with_capacity(part.properties.len() + invited.len());
        for line in part.properties.drain(..) {
            if line.name != "ATTENDEE" {
                lines.push(line);
                continue;
            }
            let user = CalendarUser::of(&line);
            let address = user.address();
            match invited.iter().zip(&mut named).find(|(one, _)| one.member.addresses.contains(&address)) {
                Some((one, named)) => {
                    *named = true;
                    lines.push(with_groups(&line, &one.groups));
                }
                None => lines.extend(self.left(user, &here)),
            }
        }
        let new = invited.iter().zip(&named).filter(|(_, named)| !**named).filter_map(|(one, _)| one.line());
        lines.extend(new);
        part.properties = lines;
    }

    /// The people in the groups of a component, each once.
    fn people_of(&self, part: &Component, organizer: &Addresses) -> Vec<InvitedMember<'_>> {
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        let mut invited: Vec<InvitedMember<'_>> = Vec::new();
        for group in CalendarUser::attendees(part) {
            let members = self.invited.get(&group.address()).into_iter().flatten();
            let written = group.line().value().trim();
            for member in members.filter(|member| !member.addresses.iter().any(|own| organizer.contains(own))) {
                let place = *at.entry(&member.written).or_insert(invited.len());
                match invited.get_mut(place) {
                    Some(known) => known.groups.push(written.to_owned()),
                    None => {
                        invited.push(InvitedMember { member, groups: vec![written.to_owned()], role: group.role() })
                    }
                }
            }
        }
        invited
    }

    /// The line of somebody who is in none of the groups that are invited. `None`: that was why they were.
    fn left(&self, user: CalendarUser<'_>, here: &BTreeSet<CalendarUserAddress>) -> Option<Property> {
        let line = user.line();
        let is_over = |group: &CalendarUserAddress| {
            self.removed.contains(group) || (here.contains(group) && self.invited.contains_key(group))
        };
        let named = line.parameter_values("MEMBER");
        let rest: Vec<String> =
            named.iter().filter(|group| !is_over(&CalendarUserAddress::new(group))).cloned().collect();
        match (named.is_empty(), rest.is_empty()) {
            (false, true) => None,
            _ if rest.len() < named.len() => Some(line.with_parameter_values("MEMBER", &rest)),
            _ => Some(line.clone()),
        }
    }
}

impl InvitedMember<'_> {
    fn line(&self) -> Option<Property> {
        let line = Property::parse(&format!("ATTENDEE:{}", self.member.written))?;
        let line = line.with_parameter("CN", Some(&self.member.name)).with_parameter("ROLE", Some(&self.role));
        let line = line.with_parameter("PARTSTAT", Some(NEEDS_ACTION)).with_parameter("RSVP", Some("TRUE"));
        Some(with_groups(&line, &self.groups))
    }
}

/// A line that names these groups; as it is where it does.
fn with_groups(line: &Property, groups: &[String]) -> Property {
    let folded = |groups: &[String]| -> BTreeSet<CalendarUserAddress> {
        groups.iter().map(|group| CalendarUserAddress::new(group)).collect()
    };
    let known = line.parameter_values("MEMBER");
    if folded(&known) == folded(groups) { line.clone() } else { line.with_parameter_values("MEMBER", groups) }
}
