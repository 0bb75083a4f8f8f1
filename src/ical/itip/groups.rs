//! Groups among the attendees (RFC 5545 section 3.2.11): each of the people in them has a line of their own, which
//! names all groups by which they are invited. To a group itself nothing is sent.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, MAX_ATTENDEES, Object, Property};
use super::address::{Addresses, CalendarUserAddress};
use super::context::Violation;
use super::people::{CalendarUser, NEEDS_ACTION};
use crate::model::budget::Budget;

/// What a line of somebody who is invited takes.
const LINE_BYTES: usize = 256;

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
    /// Those of which only some people are known: nobody is known to have left them.
    pub cut: BTreeSet<CalendarUserAddress>,
}

/// Somebody who is invited by groups.
struct InvitedMember<'a> {
    member: &'a GroupMember,
    /// Which one of the first of them they are.
    place: usize,
    /// The addresses of the groups as they are written.
    groups: Vec<String>,
    /// How the first of them takes part.
    role: String,
}

impl MeetingGroups {
    /// The meeting with a line for each of the people in its groups, but for who organizes it, and without those who
    /// are in none of the groups any more by which they were invited. `None`: it is that already. No component has more
    /// attendees than a client may store, so that everyone can change or answer it: where there is no room for all,
    /// the first of each group are invited. Each occurrence that is otherwise than the series may name the groups
    /// again: the request pays for all lines.
    pub fn expanded(
        &self,
        object: &Object,
        organizer: &Addresses,
        budget: &Budget,
    ) -> Result<Option<Object>, Violation> {
        if self.invited.is_empty() && self.removed.is_empty() {
            return Ok(None);
        }
        let mut expanded = object.clone();
        for part in &mut expanded.calendar.components {
            let groups = CalendarUser::attendees(part).filter_map(|user| self.invited.get(&user.address()));
            let most: usize = groups.map(Vec::len).sum();
            budget.bytes(most.saturating_mul(LINE_BYTES))?;
            budget.steps((most + part.properties.len()) as u64)?;
            self.expand(part, organizer);
        }
        Ok((expanded != *object).then_some(expanded))
    }

    fn expand(&self, part: &mut Component, organizer: &Addresses) {
        let invited = self.people_of(part, organizer);
        let here: BTreeSet<CalendarUserAddress> = CalendarUser::attendees(part).map(CalendarUser::address).collect();
        let places = invited
            .iter()
            .enumerate()
            .flat_map(|(place, one)| one.member.addresses.iter().map(move |address| (address.clone(), place)));
        let places: BTreeMap<CalendarUserAddress, usize> = places.collect();
        let mut named = vec![false; invited.len()];
        let mut lines = Vec::with_capacity(part.properties.len() + invited.len());
        for line in part.properties.drain(..) {
            if line.name != "ATTENDEE" {
                lines.push(line);
                continue;
            }
            let user = CalendarUser::of(&line);
            let address = user.address();
            let place = places.get(&address).copied();
            match place.and_then(|place| invited.get(place).zip(named.get_mut(place))) {
                Some((one, named)) => {
                    *named = true;
                    lines.push(with_groups(&line, &one.groups));
                }
                None => lines.extend(self.left(user, &here)),
            }
        }
        let mut new: Vec<_> = invited.iter().zip(&named).filter(|(_, named)| !**named).map(|(one, _)| one).collect();
        let room = MAX_ATTENDEES.saturating_sub(lines.iter().filter(|line| line.name == "ATTENDEE").count());
        if new.len() > room {
            new.sort_by_key(|one| one.place);
        }
        lines.extend(new.into_iter().take(room).filter_map(InvitedMember::line));
        part.properties = lines;
    }

    /// The people in the groups of a component, each once.
    fn people_of(&self, part: &Component, organizer: &Addresses) -> Vec<InvitedMember<'_>> {
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        let mut invited: Vec<InvitedMember<'_>> = Vec::new();
        for group in CalendarUser::attendees(part) {
            let members = self.invited.get(&group.address()).into_iter().flatten();
            let written = group.line().value().trim();
            let members = members.enumerate();
            for (number, member) in
                members.filter(|(_, member)| !member.addresses.iter().any(|own| organizer.contains(own)))
            {
                let place = *at.entry(&member.written).or_insert(invited.len());
                match invited.get_mut(place) {
                    Some(known) => known.groups.push(written.to_owned()),
                    None => {
                        let groups = vec![written.to_owned()];
                        invited.push(InvitedMember { member, place: number, groups, role: group.role() });
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
            let is_known = !self.cut.contains(group) && here.contains(group) && self.invited.contains_key(group);
            self.removed.contains(group) || is_known
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

#[cfg(test)]
mod tests {
    use super::{Addresses, CalendarUserAddress, GroupMember, MeetingGroups, Violation};
    use crate::ical::object::Object;
    use crate::model::budget::Budget;

    fn groups(number: usize, is_cut: bool) -> MeetingGroups {
        let member = |number: usize| {
            let written = format!("mailto:a{number}@x.fr");
            GroupMember { addresses: Addresses::of([written.as_str()]), written, name: String::new() }
        };
        let group = CalendarUserAddress::new("mailto:g@x.fr");
        let cut = is_cut.then(|| group.clone()).into_iter().collect();
        let invited = [(group, (0..number).map(member).collect())];
        MeetingGroups { invited: invited.into(), cut, ..MeetingGroups::default() }
    }

    fn object(occurrences: usize, people: &str) -> Object {
        let part = |number: usize| {
            let id = format!("2026{:02}{:02}T{:02}0000Z", 1 + number / 600, 1 + number / 24 % 25, number % 24);
            format!(
                "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:{id}\nDTSTART:{id}\n{people}ATTENDEE:mailto:g@x.fr\nEND:VEVENT\n"
            )
        };
        let parts: String = (0..occurrences).map(part).collect();
        Object::stored(format!("BEGIN:VCALENDAR\n{parts}END:VCALENDAR\n").as_bytes()).expect("an object")
    }

    #[test]
    fn the_request_pays_for_all_lines() {
        let expanded = |occurrences| {
            groups(1000, false).expanded(&object(occurrences, ""), &Addresses::default(), &Budget::default())
        };
        let one = expanded(1).expect("room").expect("other people");
        assert_eq!(
            one.parts().map(|part| part.all("ATTENDEE").count()).sum::<usize>(),
            1000,
            "as many as may be stored"
        );
        assert_eq!(expanded(2_000), Err(Violation::TooMuch));
    }

    #[test]
    fn nobody_has_left_a_group_of_which_only_a_part_is_known() {
        let object = object(1, "ATTENDEE;MEMBER=\"mailto:g@x.fr\":mailto:z@x.fr\n");
        for (is_cut, stays) in [(true, true), (false, false)] {
            let expanded = groups(3, is_cut).expanded(&object, &Addresses::default(), &Budget::default());
            let text = format!("{:?}", expanded.expect("room").expect("other people"));
            assert_eq!(text.contains("z@x.fr"), stays);
        }
    }
}
