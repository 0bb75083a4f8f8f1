//! The groups among those in a meeting: who is in them now.

use std::collections::BTreeSet;

use super::meeting::ChangedObject;
use super::planner::SchedulePlanner;
use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::groups::{GroupMember, MeetingGroups};
use crate::ical::itip::people::CalendarUser as Line;
use crate::ical::object::Object;
use crate::model::principal::PrincipalKind;

impl SchedulePlanner {
    /// What is sent with all people of its groups. `None`: they are in it.
    pub(super) fn expanded(&self, change: &ChangedObject) -> Option<Object> {
        let new = change.new.as_ref()?;
        let invited = self.groups_in(new);
        let before = change.old.as_ref().map(|old| self.groups_in(old)).unwrap_or_default();
        let groups = MeetingGroups {
            removed: before.difference(&invited).cloned().collect(),
            invited: invited.into_iter().map(|group| (group.clone(), self.members_of(&group))).collect(),
        };
        groups.expanded(new, &self.meeting.addresses)
    }

    fn groups_in(&self, object: &Object) -> BTreeSet<CalendarUserAddress> {
        let named = object.parts().flat_map(Line::attendees).map(Line::address);
        let is_group = |address: &CalendarUserAddress| {
            let user = self.meeting.users.get(address);
            user.is_some_and(|user| user.principal.kind == PrincipalKind::Group)
        };
        named.filter(is_group).collect()
    }

    fn members_of(&self, group: &CalendarUserAddress) -> Vec<GroupMember> {
        let Some(group) = self.meeting.users.get(group) else { return Vec::new() };
        let members = self.meeting.users.members(group.principal.id).iter();
        let member = |principal| GroupMember {
            addresses: self.meeting.book.addresses_of(principal),
            written: self.meeting.book.address_of(principal),
            name: principal.display_name.clone(),
        };
        members.map(|user| member(&user.principal)).collect()
    }
}
