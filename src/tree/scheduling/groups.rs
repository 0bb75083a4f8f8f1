//! The groups among those in a meeting: who is in them now.

use std::collections::BTreeSet;

use super::meeting::ChangedObject;
use super::planner::SchedulePlanner;
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::context::Violation;
use crate::ical::itip::groups::{GroupMember, MeetingGroups};
use crate::ical::itip::people::CalendarUser as Line;
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
        let groups = MeetingGroups {
            // Of who is named no more some may have been groups: also such as are none any more.
            removed: before.difference(&named).cloned().collect(),
            invited: invited.map(|group| (group.clone(), self.members_of(group))).collect(),
            has_more: self.meeting.users.has_more_members(),
        };
        groups.expanded(new, &self.meeting.addresses, &self.budget)
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
