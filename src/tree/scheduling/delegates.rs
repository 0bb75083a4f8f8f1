//! Who acts for another: what goes out is in the name of the person whose home it is, and says by whom it was sent
//! (SENT-BY, RFC 5545 section 3.2.18).

use super::meeting::ChangedObject;
use super::planner::SchedulePlanner;
use crate::ical::itip::context::Violation;
use crate::ical::itip::people::CalendarUser as Line;
use crate::ical::object::{Component, Object, Property};

const SENT_BY: &str = "SENT-BY";

impl SchedulePlanner {
    /// What an organizer's change stores of what was sent: with the people of its groups, and with who acts for the
    /// organizer. `None`: that is what was sent.
    pub(super) fn completed(&self, change: &ChangedObject) -> Result<Option<Object>, Violation> {
        let expanded = self.expanded(change)?;
        let sent = expanded.as_ref().or(change.new.as_ref());
        let signed = sent.and_then(|sent| self.signed(sent, change.old.as_ref()));
        Ok(signed.or(expanded))
    }

    /// What a delegate calls off. `None`: as it is.
    pub(super) fn signed_off(&self, change: &ChangedObject) -> Option<Object> {
        match (&change.old, &change.new) {
            (Some(old), None) => self.signed(old, None),
            _ => None,
        }
    }

    /// A meeting whose organizer's lines say who acts. Who writes for themselves says no more what was said of them
    /// before.
    fn signed(&self, object: &Object, old: Option<&Object>) -> Option<Object> {
        let known = || old?.parts().find_map(Line::organizer)?.line().parameter(SENT_BY);
        if self.is_project() || (self.sent_by.is_none() && known().is_none()) {
            return None;
        }
        let mut signed = object.clone();
        let is_own = |line: &Property| line.name == "ORGANIZER" && self.is_owners(line);
        self.sign(&mut signed.calendar, is_own);
        (signed != *object).then_some(signed)
    }

    /// The answer says who gave it for the attendee.
    pub(super) fn sign_answer(&self, answer: &mut Object) {
        if self.sent_by.is_some() {
            self.sign(&mut answer.calendar, |line| line.name == "ATTENDEE" && self.is_owners(line));
        }
    }

    fn is_owners(&self, line: &Property) -> bool {
        self.meeting.addresses.contains(&Line::of(line).address())
    }

    fn sign(&self, calendar: &mut Component, which: impl Fn(&Property) -> bool) {
        let lines = calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
        for line in lines.filter(|line| which(line)) {
            if line.parameter(SENT_BY) != self.sent_by {
                *line = line.with_parameter(SENT_BY, self.sent_by.as_deref());
            }
        }
    }
}
