//! What an attendee is invited to, occurrence by occurrence, and the answer that they choose: for those who answer
//! without a calendar of their own, on what the organizer has.

use std::collections::BTreeSet;

use super::super::line::escaped;
use super::super::object::{Component, Object, Property};
use super::super::occasion::{Occasion, once};
use super::super::recur::{Instance, bounds, instances, recurs};
use super::address::{Addresses, CalendarUserAddress};
use super::context::{SchedulingContext, Violation};
use super::fields::{REMARK_BY, is_cancelled};
use super::message::SchedulingMessage;
use super::occurrence::{Occurrence, OccurrenceSet};
use super::people::CalendarUser;
use super::reply::{answered, compose_reply};
use super::view::{attending, organizer_of, with_people};
use crate::model::calendar::TimeRange;

/// The longest remark that is written with an answer, characters: so much fits into what a reply may say.
pub const MAX_REMARK_CHARS: usize = 1000;
/// The most occurrences that are listed one by one, and how far ahead of the first that is to come, seconds.
pub const MAX_LISTED: usize = 60;
const AHEAD_S: i64 = 2 * 366 * 86_400;

/// What somebody is invited to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attendance {
    /// The series, or what occurs once. `None`: they are invited to single occurrences.
    pub series: Option<AskedOccurrence>,
    /// The single occurrences that are to come.
    pub occurrences: Vec<AskedOccurrence>,
    /// Are there more than are listed?
    pub has_more: bool,
}

impl Attendance {
    /// All of it, the series first.
    pub fn all(&self) -> impl Iterator<Item = &AskedOccurrence> {
        self.series.iter().chain(&self.occurrences)
    }

    /// What it says of an occurrence.
    #[must_use]
    pub fn get(&self, occurrence: Occurrence) -> Option<&AskedOccurrence> {
        self.all().find(|invitation| invitation.occurrence == occurrence)
    }
}

/// One thing that somebody is invited to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskedOccurrence {
    /// Which.
    pub occurrence: Occurrence,
    /// What it is.
    pub occasion: Occasion,
    /// The present answer.
    pub answer: String,
    /// What they wrote with it.
    pub remark: String,
    /// Is it called off?
    pub is_cancelled: bool,
}

/// An answer that somebody chooses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChosenAnswer {
    /// About what.
    pub occurrence: Occurrence,
    /// PARTSTAT.
    pub participation: String,
    /// What they write with it.
    pub remark: String,
    /// The tag of the language in which they did.
    pub language: String,
}

/// All attendees of an object.
#[must_use]
pub fn attendees(object: &Object) -> BTreeSet<CalendarUserAddress> {
    object.parts().flat_map(CalendarUser::attendees).map(CalendarUser::address).collect()
}

/// The attendee of an object whom a question picks. `None`: it picks none of them.
pub fn attendee(object: &Object, picks: impl Fn(&CalendarUserAddress) -> bool) -> Option<CalendarUserAddress> {
    attendees(object).into_iter().find(picks)
}

/// What `me` is invited to.
pub fn attendance(
    object: &Object,
    me: &CalendarUserAddress,
    context: SchedulingContext<'_>,
) -> Result<Attendance, Violation> {
    let set = OccurrenceSet::of(object, context)?;
    let who = Addresses::from_iter([me.clone()]);
    let guest = Guest { set: &set, me, who: &who };
    let series = set.master.and_then(|master| guest.invited(Occurrence::Series, &once(master, &set.zones)?));
    let single = set.master.is_some_and(|master| !recurs(master)) && set.overrides.is_empty();
    if single {
        return Ok(Attendance { series, ..Attendance::default() });
    }
    let start = bounds(object, &set.zones).start.max(context.now);
    let apart =
        set.overrides.values().filter(|part| guest.line(part).is_some()).filter_map(|part| once(part, &set.zones));
    let last = apart.map(|instance| instance.end).max().unwrap_or(start);
    let range = TimeRange { start, end: start.saturating_add(AHEAD_S).max(last) };
    // A rule that takes too long to follow lists fewer, and hides nothing: there may be more.
    let found = instances(object, &set.zones, range);
    let mut coming = found.instances.iter().filter_map(|instance| {
        let occurrence = Occurrence::At(instance.id.as_ref()?.at);
        guest.invited(occurrence, instance)
    });
    let occurrences: Vec<AskedOccurrence> = coming.by_ref().take(MAX_LISTED).collect();
    let has_more = found.cut || coming.next().is_some();
    Ok(Attendance { series, occurrences, has_more })
}

/// The answer of `me`, as the message that they would send; `None`: they are not invited to that, or nobody asks.
pub fn chosen_answer(
    object: &Object,
    chosen: &ChosenAnswer,
    me: &CalendarUserAddress,
    context: SchedulingContext<'_>,
) -> Result<Option<SchedulingMessage>, Violation> {
    let set = OccurrenceSet::of(object, context)?;
    let who = Addresses::from_iter([me.clone()]);
    let part = match chosen.occurrence {
        Occurrence::Series => set.master.cloned(),
        Occurrence::At(at) => set.effective(at),
    };
    let Some(part) = part.filter(|_| organizer_of(&set).is_some()).map(|part| with_people(&set, &part)) else {
        return Ok(None);
    };
    if CalendarUser::attendee(&part, &who).is_none() {
        return Ok(None);
    }
    let mut part = answered(part, &who, &chosen.participation);
    for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
        if CalendarUser::of(line).address() == *me {
            *line = line.with_parameter("LANGUAGE", Some(&chosen.language));
        }
    }
    part.properties.retain(|line| line.name != "COMMENT");
    if !chosen.remark.is_empty() {
        part.properties.push(Property::new("COMMENT", &escaped(&chosen.remark)));
    }
    Ok(Some(compose_reply(object, std::iter::once(part), &who, context.now)))
}

/// Somebody in a meeting.
struct Guest<'a> {
    set: &'a OccurrenceSet<'a>,
    me: &'a CalendarUserAddress,
    who: &'a Addresses,
}

impl<'a> Guest<'a> {
    /// Their line in a component, where they are among its people.
    fn line(&self, part: &'a Component) -> Option<CalendarUser<'a>> {
        attending(self.set, part).find(|user| user.is_one_of(self.who))
    }

    /// What they are asked about an instance; `None`: nothing.
    fn invited(&self, occurrence: Occurrence, instance: &Instance<'a>) -> Option<AskedOccurrence> {
        let part = instance.component;
        let user = self.line(part)?;
        let mut occasion = Occasion::of(instance, &self.set.zones);
        if occasion.organizer.is_none() {
            let master = self.set.master.and_then(|master| once(master, &self.set.zones));
            occasion.organizer = master.and_then(|master| Occasion::of(&master, &self.set.zones).organizer);
        }
        Some(AskedOccurrence {
            occurrence,
            occasion,
            answer: user.participation(),
            remark: self.remark(part),
            is_cancelled: is_cancelled(part),
        })
    }

    fn remark(&self, part: &Component) -> String {
        let is_mine = |line: &&Property| line.parameter(REMARK_BY).as_deref() == Some(self.me.as_str());
        part.all("COMMENT").filter(is_mine).map(|line| line.text()).collect::<Vec<_>>().join("\n")
    }
}
