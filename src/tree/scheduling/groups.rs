//! The groups among those in a meeting: who is in them now.

use std::collections::{BTreeMap, BTreeSet};

use super::meeting::ChangedObject;
use super::planner::{SchedulePlanner, status};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::context::Violation;
use crate::ical::itip::groups::{GroupMember, MeetingGroups};
use crate::ical::itip::people::{CalendarUser as Line, set_schedule_statuses};
use crate::ical::object::Object;
use crate::model::id::Id;
use crate::model::principal::{Principal, PrincipalKind};

impl SchedulePlanner {
    /// What is sent with all people of its groups. `None`: they are in it.
    pub(super) fn expanded(&self, change: &ChangedObject) -> Result<Option<Object>, Violation> {
        let Some(new) = &change.new else { return Ok(None) };
        let named = named_in(new);
        let before = change.old.as_ref().map(named_in).unwrap_or_default();
        let invited = named.iter().filter(|address| self.group(address).is_some());
        let is_cut = |address: &&CalendarUserAddress| {
            self.group(address).is_some_and(|group| self.meeting.users.is_cut(group.id))
        };
        let groups = MeetingGroups {
            // Of who is named no more some may have been groups: also such as are none any more.
            removed: before.difference(&named).cloned().collect(),
            invited: invited.map(|group| (group.clone(), self.members_of(group))).collect(),
            cut: named.iter().filter(is_cut).cloned().collect(),
        };
        groups.expanded(new, &self.meeting.addresses, &self.budget)
    }

    /// Writes on each group whether all who are in it are invited: who organizes is to know of whom only the first are.
    /// Is any line another one now?
    pub(super) fn mark_groups(&self, object: &mut Object) -> bool {
        let parts: Vec<BTreeSet<_>> =
            object.parts().map(|part| Line::attendees(part).map(Line::address).collect()).collect();
        let groups = named_in(object).into_iter().filter_map(|address| {
            let group = self.group(&address)?.id;
            let members = self.members_of(&address);
            let is_invited = |member: &GroupMember, to: &BTreeSet<CalendarUserAddress>| {
                member.addresses.iter().any(|own| to.contains(own) || self.meeting.addresses.contains(own))
            };
            let mut naming = parts.iter().filter(|part| part.contains(&address));
            let is_short = self.meeting.users.is_cut(group)
                || naming.any(|part| members.iter().any(|member| !is_invited(member, part)));
            Some((address, is_short.then_some(status::NOT_ALL)))
        });
        let statuses: BTreeMap<_, _> = groups.collect();
        !statuses.is_empty() && set_schedule_statuses(&mut object.calendar, &statuses)
    }

    /// The groups that a meeting is to name. `None`: it names none, and did not before.
    pub(super) fn named_groups(&self, change: &ChangedObject) -> Option<Vec<Id>> {
        let groups = |object: &Option<Object>| -> BTreeSet<Id> {
            let named = object.as_ref().map(named_in).unwrap_or_default();
            named.iter().filter_map(|address| Some(self.group(address)?.id)).collect()
        };
        let (before, after) = (groups(&change.old), groups(&change.new));
        (!before.is_empty() || !after.is_empty()).then(|| after.into_iter().collect())
    }

    fn group(&self, address: &CalendarUserAddress) -> Option<&Principal> {
        let found = self.meeting.users.get(address).map(|user| &user.principal);
        found.filter(|principal| principal.kind == PrincipalKind::Group)
    }

    fn members_of(&self, group: &CalendarUserAddress) -> Vec<GroupMember> {
        let Some(group) = self.group(group) else { return Vec::new() };
        let members = self.meeting.users.members(group.id).iter();
        let member = |principal| GroupMember {
            addresses: self.meeting.book.addresses_of(principal),
            written: self.meeting.book.address_of(principal),
            name: principal.display_name.clone(),
        };
        members.map(|user| member(&user.principal)).collect()
    }
}

/// All who are attendees of a meeting.
fn named_in(object: &Object) -> BTreeSet<CalendarUserAddress> {
    object.parts().flat_map(Line::attendees).map(Line::address).collect()
}

/// A meeting without these attendees. `None`: they are not in it.
pub(super) fn without_attendees(object: &Object, whom: &Addresses) -> Option<Object> {
    let mut without = object.clone();
    for part in &mut without.calendar.components {
        part.properties.retain(|line| line.name != "ATTENDEE" || !whom.contains(&Line::of(line).address()));
    }
    (without != *object).then_some(without)
}
