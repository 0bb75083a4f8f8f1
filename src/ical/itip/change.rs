//! What a change of a meeting is, occurrence by occurrence: by what each says before and after it, whether a component
//! of its own says so or the series.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Property};
use super::address::CalendarUserAddress;
use super::fields::{MeetingField, is_cancelled, say_the_same};
use super::occurrence::{Occurrence, OccurrenceSet};
use super::people::CalendarUser;
use super::timing::{SeriesChange, same_time};
use super::view::with_people;
use crate::model::id::Timestamp;

/// What became of one component, or of the occurrence that it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct PartChange {
    /// It takes place at another time, or did not before.
    pub is_rescheduled: bool,
    /// Title, place or status are others.
    pub is_notable: bool,
    /// Its text is another.
    pub has_content: bool,
    /// Who attends, how, or with which answer.
    pub has_people: bool,
    /// It is called off.
    pub is_called_off: bool,
    /// There is no such occurrence any more.
    pub is_gone: bool,
}

impl PartChange {
    /// Does SEQUENCE have to rise?
    pub const fn raises(self) -> bool {
        self.is_rescheduled || self.is_notable
    }

    /// Do copies have to follow?
    pub fn is_any(self) -> bool {
        self != Self::default()
    }
}

/// What became of a meeting.
#[derive(Debug, Default)]
pub(super) struct MeetingChange {
    /// Of when its series takes place.
    pub series: SeriesChange,
    /// Of each component that there is before or after.
    pub parts: BTreeMap<Occurrence, PartChange>,
}

impl MeetingChange {
    pub fn between(old: &OccurrenceSet<'_>, new: &OccurrenceSet<'_>) -> Self {
        let series = SeriesChange::between(old, new);
        let mut parts = BTreeMap::new();
        if let (Some(was), Some(is)) = (old.master, new.master) {
            let mut change = compare((was, old), (is, new));
            change.is_rescheduled = series.moved;
            parts.insert(Occurrence::Series, change);
        }
        let times: BTreeSet<Timestamp> = old.overrides.keys().chain(new.overrides.keys()).copied().collect();
        for at in times {
            let change = match (old.effective(at), new.effective(at)) {
                (Some(was), Some(is)) => compare((&was, old), (&is, new)),
                (None, Some(_)) => PartChange { is_rescheduled: true, has_content: true, ..PartChange::default() },
                (Some(_), None) => PartChange { is_gone: true, ..PartChange::default() },
                (None, None) => continue,
            };
            parts.insert(Occurrence::At(at), change);
        }
        Self { series, parts }
    }

    /// Is it another one in anything?
    pub fn is_any(&self) -> bool {
        !self.series.is_none() || self.parts.values().any(|part| part.is_any())
    }

    /// What became of a component; of one that nobody looked at, nothing.
    pub fn of(&self, occurrence: Occurrence) -> PartChange {
        self.parts.get(&occurrence).copied().unwrap_or_default()
    }
}

/// Compares what is said of one occurrence.
fn compare((was, old): (&Component, &OccurrenceSet<'_>), (is, new): (&Component, &OccurrenceSet<'_>)) -> PartChange {
    PartChange {
        is_rescheduled: !same_time(was, &old.zones, is, &new.zones),
        is_notable: !say_the_same(was, is, MeetingField::Notable),
        has_content: !say_the_same(was, is, MeetingField::Content) || !say_the_same(was, is, MeetingField::Remark),
        has_people: people(&complete(old, was)) != people(&complete(new, is)),
        is_called_off: is_cancelled(is) && !is_cancelled(was),
        is_gone: false,
    }
}

fn complete<'a>(set: &OccurrenceSet<'_>, part: &'a Component) -> Cow<'a, Component> {
    if part.property("ORGANIZER").is_some() { Cow::Borrowed(part) } else { Cow::Owned(with_people(set, part)) }
}

/// What the lines of a component say of people, but for what the server and a client say to each other.
fn people(part: &Component) -> BTreeSet<(CalendarUserAddress, String)> {
    let is_person = |line: &&Property| ["ORGANIZER", "ATTENDEE"].contains(&line.name.as_str());
    let said = |line: &Property| {
        let user = CalendarUser::of(line);
        let name = |name: &str| line.parameter(name).unwrap_or_default();
        let said = [user.participation(), user.role(), user.kind(), name("CN"), name("DELEGATED-TO")];
        (user.address(), format!("{}{said:?}", line.name))
    };
    part.properties.iter().filter(is_person).map(said).collect()
}

/// The lines of people in a component by their addresses; of two lines for one person the first counts.
pub(super) fn attendee_lines<'a>(
    people: impl Iterator<Item = CalendarUser<'a>>,
) -> BTreeMap<CalendarUserAddress, CalendarUser<'a>> {
    let mut lines = BTreeMap::new();
    for user in people {
        lines.entry(user.address()).or_insert(user);
    }
    lines
}
