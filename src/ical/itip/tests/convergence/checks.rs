//! What has to hold: after each step, and when everything has arrived.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::address::{Addresses, CalendarUserAddress};
use super::super::super::copy::is_out_of;
use super::super::super::deliveries::{DeliveryKind, SchedulingDelivery};
use super::super::super::fields::{MeetingField, is_cancelled, say_the_same};
use super::super::super::ledger::sequence_of;
use super::super::super::message::{SchedulingMessage, SchedulingMethod};
use super::super::super::occurrence::{Occurrence, OccurrenceSet};
use super::super::super::organizer::OrganizerChange;
use super::super::super::people::{CalendarUser, DECLINED, NEEDS_ACTION};
use super::super::super::timing::same_time;
use super::super::super::view::{invited, view};
use super::super::{named, read, text};
use super::world::{DAY_S, MeetingWorld, PEOPLE, WEEK_S, alarm, me};
use crate::ical::object::{Component, Object};
use crate::model::id::Timestamp;

/// What people say of themselves, each by their address.
type Said = BTreeMap<CalendarUserAddress, String>;

fn said(part: &Component) -> Said {
    CalendarUser::attendees(part).map(|user| (user.address(), user.participation())).collect()
}

fn forced(object: &Object) -> BTreeSet<CalendarUserAddress> {
    let users = object.parts().flat_map(CalendarUser::attendees);
    users.filter(|user| user.force_send().is_some()).map(CalendarUser::address).collect()
}

impl MeetingWorld {
    /// SEQUENCE never falls, the organizer's answer is the organizer's, and others' change by being asked anew only.
    /// What is deleted, or there again, is said to each once, and asked about.
    pub fn check_change(&self, old: Option<&Object>, sent: Option<&Object>, change: &OrganizerChange) {
        let fault = || self.story();
        let invited = |object: Option<&Object>| -> BTreeSet<CalendarUserAddress> {
            let set = object.map(|object| self.set(object));
            set.iter().flat_map(|set| invited(set, &Addresses::default()).into_keys()).collect()
        };
        let notified = |method: SchedulingMethod| -> Vec<&CalendarUserAddress> {
            let notices = change.deliveries.iter().filter(|one| one.message.method == method);
            let mut all: Vec<_> = notices.flat_map(|one| one.recipients.iter().map(|to| &to.address)).collect();
            all.sort();
            all
        };
        let is_off = |object: &Object| object.parts().any(is_cancelled);
        if old.is_none() && !sent.is_some_and(is_off) {
            assert_eq!(notified(SchedulingMethod::Request), invited(sent).iter().collect::<Vec<_>>(), "{}", fault());
        }
        if sent.is_none() && !old.is_some_and(is_off) {
            assert_eq!(notified(SchedulingMethod::Cancel), invited(old).iter().collect::<Vec<_>>(), "{}", fault());
        }
        let Some(new) = &change.object else { return };
        let is = self.set(new);
        let was = old.map(|old| self.set(old));
        let forced = sent.map(forced).unwrap_or_default();
        for (occurrence, part) in is.components() {
            let before = was.as_ref().and_then(|was| was.component(occurrence).or(was.master));
            assert!(before.is_none_or(|before| sequence_of(before) <= sequence_of(part)), "{}", fault());
            for user in CalendarUser::attendees(part) {
                let address = user.address();
                let is_asked =
                    change.resets.iter().any(|reset| reset.attendee == address && reset.occurrence == occurrence)
                        && user.participation() == NEEDS_ACTION;
                let known = before.and_then(|before| said(before).get(&address).cloned());
                let is_kept = known.is_some_and(|known| known == user.participation());
                let is_served = user.agent() == super::super::super::people::ScheduleAgent::Server;
                let is_own = address.as_str() == "mailto:o@v.fr" || !is_served || forced.contains(&address);
                let is_meeting = part.property("ORGANIZER").is_some();
                assert!(is_kept || is_asked || is_own || !is_meeting, "{} {address:?}\n{}", named(occurrence), fault());
            }
        }
    }

    /// What is stored is no change, however it comes back.
    pub fn check_same(&self) {
        let Some(stored) = &self.organizer else { return };
        let zoned = text(stored).replace("TZID=Europe/Paris", "TZID=\"Romance Standard Time\"");
        let mut turned = stored.clone();
        turned.calendar.components.reverse();
        turned.calendar.components.iter_mut().for_each(|part| part.properties.reverse());
        for same in [stored.clone(), read(&zoned), turned] {
            let again = self.bench.organizer(Some(stored), Some(&same)).unwrap();
            assert!(again.deliveries.is_empty() && again.resets.is_empty(), "{}\n{}", self.story(), text(&same));
        }
    }

    /// No message has what is its sender's alone, no refresh is a notice, and nobody is notified twice.
    pub fn check_delivery(&mut self, delivery: &SchedulingDelivery) {
        let written = text(&delivery.message.object);
        for private in ["BEGIN:VALARM", "SCHEDULE-", "CATEGORIES", "X-BEFFROI"] {
            assert!(!written.contains(private), "{private}\n{}", self.story());
        }
        if delivery.kind == DeliveryKind::Refresh || delivery.is_forced {
            return;
        }
        let body: String = written.lines().filter(|line| !line.starts_with("DTSTAMP")).collect();
        for to in &delivery.recipients {
            let about = (&delivery.occurrences, delivery.sequence);
            let key = format!("{} {about:?} {body}", to.address.as_str());
            assert!(self.notices.insert(key), "{} notified twice of {written}\n{}", to.address.as_str(), self.story());
        }
    }

    /// What is private stays in each component that stays.
    pub fn check_private(&self, before: &Object, after: &Object) {
        let (was, is) = (self.set(before), self.set(after));
        for (occurrence, part) in is.components() {
            let own = was.component(occurrence).and_then(|part| part.value("CATEGORIES"));
            assert!(own.is_none() || own == part.value("CATEGORIES"), "{}", self.story());
        }
    }

    /// An answer changes what its author says, to what it says, and nothing else.
    pub fn check_answered(&self, who: usize, old: &Object, new: &Object, reply: &SchedulingMessage) {
        let (was, is) = (self.set(old), self.set(new));
        let answers: Vec<String> =
            reply.object.parts().flat_map(CalendarUser::attendees).map(CalendarUser::participation).collect();
        let author = CalendarUserAddress::new(PEOPLE[who]);
        let weeks = (0..10).filter_map(|week| self.pick(old, week));
        let times: BTreeSet<Timestamp> = weeks.chain(was.overrides.keys().copied()).collect();
        for at in times {
            let lines = |set: &OccurrenceSet<'_>| set.effective(at).as_ref().map(said).unwrap_or_default();
            let (before, after) = (lines(&was), lines(&is));
            assert!(before.keys().eq(after.keys()), "{}", self.story());
            for (user, answer) in &after {
                let is_theirs = *user == author && answers.contains(answer);
                assert!(before.get(user) == Some(answer) || is_theirs, "{user:?} {answer}\n{}", self.story());
            }
        }
    }

    /// All copies say what their owners may know.
    pub fn check(&self) {
        if let Some(organizer) = self.organizer.as_ref().filter(|organizer| is_meeting(organizer)) {
            let stored = organizer.parts().map(sequence_of).max().unwrap_or(0);
            assert!(self.highest_sent <= stored, "{} {stored}\n{}", self.highest_sent, self.story());
        }
        (0..PEOPLE.len()).for_each(|who| self.check_one(who));
    }

    /// What somebody may know, if they are invited to anything.
    fn view_of(&self, who: usize) -> Option<Object> {
        let set = self.set(self.organizer.as_ref()?);
        let known = invited(&set, &Addresses::default()).remove(&CalendarUserAddress::new(PEOPLE[who]))?;
        Some(view(&set, &known.occurrences, self.bench.now).object)
    }

    /// What somebody has answered is what the organizer knows, whether their copy has followed that already or not.
    pub fn check_own_answers(&self, who: usize) {
        let (Some(view), Some(copy)) = (self.view_of(who), &self.copies[who]) else { return };
        if self.is_guess {
            return;
        }
        let (have, may) = (self.set(copy), self.set(&view));
        let answer = |part: Option<Component>| {
            part.and_then(|part| CalendarUser::attendee(&part, &me(who)).map(CalendarUser::participation))
        };
        let fault = || format!("{}\n{who} has {}\nmay know {}", self.story(), self.state(copy), self.state(&view));
        let hidden = have.hidden();
        for at in have.overrides.keys().chain(may.overrides.keys()).chain(&hidden) {
            let known = may.effective(*at).filter(|known| !is_cancelled(known));
            let own = if hidden.contains(at) { Some(DECLINED.to_owned()) } else { answer(have.effective(*at)) };
            assert!(known.is_none() || own == answer(known), "{}: {}", named(Occurrence::At(*at)), fault());
        }
        assert_eq!(answer(have.master.cloned()), answer(may.master.cloned()), "{}", fault());
    }

    /// A copy says what its owner may know.
    fn check_one(&self, who: usize) {
        match (self.view_of(who), &self.copies[who]) {
            (None, copy) => {
                assert!(
                    copy.as_ref().is_none_or(|copy| copy.parts().all(is_cancelled)),
                    "{who} has {}\n{}",
                    self.copy_state(who),
                    self.story()
                );
            }
            // What is called off says no more than that.
            (Some(view), Some(copy)) if view.parts().chain(copy.parts()).all(is_cancelled) => {}
            (Some(view), Some(copy)) => self.check_copy(who, copy, &view),
            // Who has deleted what they have declined does not get it back, and nobody makes a copy of what is off.
            (Some(view), None) => {
                assert!(is_out_of(&view, &me(who)), "{who} has no copy of {}\n{}", self.state(&view), self.story());
            }
        }
    }

    fn check_copy(&self, who: usize, copy: &Object, view: &Object) {
        let (have, may) = (self.set(copy), self.set(view));
        let fault = || format!("{}\n{who} has {}\nmay know {}", self.story(), self.state(copy), self.state(view));
        assert_eq!(have.master.is_some(), may.master.is_some(), "{}", fault());
        let hidden = have.hidden();
        let occurrences =
            have.overrides.keys().chain(may.overrides.keys()).chain(have.exclusions()).chain(may.exclusions());
        for at in occurrences {
            let (own, known) = (have.effective(*at), may.effective(*at));
            let name = named(Occurrence::At(*at));
            if hidden.contains(at) {
                let is_out = |known: Component| {
                    let line = CalendarUser::attendee(&known, &me(who));
                    is_cancelled(&known) || line.is_some_and(|line| line.participation() == DECLINED)
                };
                assert!(own.is_none() && known.is_some_and(is_out), "{name}: {}", fault());
                continue;
            }
            match (own, known) {
                (Some(own), Some(known)) => check_part((&own, &have), (&known, &may), &fault),
                (own, known) => assert_eq!(own, known, "{name}: {}", fault()),
            }
        }
        if let (Some(own), Some(known)) = (have.master, may.master) {
            check_part((own, &have), (known, &may), &fault);
            let start = self.pick(view, 0).unwrap();
            let days = (0..12).flat_map(|week| [0, 1, 2].map(|day| start + week * WEEK_S + day * DAY_S));
            let shown = |set: &OccurrenceSet<'_>| days.clone().filter(|at| set.has(*at)).collect::<BTreeSet<_>>();
            let seen: BTreeSet<Timestamp> = shown(&may).difference(&hidden).copied().collect();
            assert_eq!(shown(&have), seen, "{}", fault());
        }
        for (occurrence, part) in have.components() {
            assert_eq!(part.components, [alarm()], "{}", fault());
            let is_one = |at| have.master.is_none() || have.generates(at) || may.overrides.contains_key(&at);
            assert!(!matches!(occurrence, Occurrence::At(at) if !is_one(at)), "{}", fault());
        }
    }
}

fn is_meeting(object: &Object) -> bool {
    object.parts().any(|part| part.property("ORGANIZER").is_some())
}

fn check_part(
    (own, have): (&Component, &OccurrenceSet<'_>),
    (known, may): (&Component, &OccurrenceSet<'_>),
    fault: &dyn Fn() -> String,
) {
    assert!(same_time(own, &have.zones, known, &may.zones), "{}", fault());
    for field in [MeetingField::Notable, MeetingField::Content] {
        assert!(say_the_same(own, known, field), "{}", fault());
    }
    assert_eq!(said(own), said(known), "{}", fault());
}
