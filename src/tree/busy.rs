//! When someone is busy: what their calendars say, what they or a room are available for, and who may know of it.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Time;

use super::Tree;
use super::acquaintance::Acquaintances;
use super::calendar::{bytes_of, runs, size_of, steps_of, text_of};
use super::gate::Request;
use super::resource::{Needs, Resource};
use super::scheduling::users::CalendarUsers;
use super::target::{CALENDARS, INBOX, zone};
use super::visit::LongRead;
use super::work::WorkSlice;
use crate::ical::availability::Availability;
use crate::ical::busy_request::BusyRequest;
use crate::ical::freebusy::{Busy, BusyPeriods, Period, periods, periods_of_invited, without};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::people::CalendarUser;
use crate::ical::object::Object;
use crate::ical::span::SpanQuery;
use crate::ical::zone::{Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::{BusyAudience, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Result};
use crate::model::id::{Id, now};
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::{Actor, DeviceScope, EVERYONE, Principal, PrincipalKind};
use crate::model::privilege::{Privilege, Role};
use crate::model::property::AVAILABILITY;
use crate::model::room::{OpeningHours, opening_hours};
use crate::store::acquaintance::parts;
use crate::store::calendar::MAX_BUSY_CALENDARS;
use crate::store::executor::Executor;
use crate::store::property::Selection;
use crate::store::{calendar, node, principal, room};

/// So many are answered about in one question.
const MAX_RECIPIENTS: usize = 30;
/// So many days are looked at for when a room is open.
const MAX_DAYS: usize = 400;

/// What is asked of calendar objects.
#[derive(Clone)]
pub struct BusyQuestion {
    /// When.
    pub range: TimeRange,
    /// Of whom, so that their own answers count; `None`: of the calendar as it is.
    pub me: Option<Arc<Addresses>>,
    /// A meeting that is left out.
    pub masked: Option<Arc<MaskedMeeting>>,
}

/// A meeting that does not count, for it is being moved: only for who organizes it, or strangers could probe for it.
pub struct MaskedMeeting {
    uid: String,
    organizers: Addresses,
    own: bool,
}

impl MaskedMeeting {
    fn is(&self, object: &Object) -> bool {
        let organizer = object.parts().find_map(CalendarUser::organizer);
        object.uid == self.uid && organizer.map_or(self.own, |one| one.is_one_of(&self.organizers))
    }
}

impl BusyQuestion {
    fn periods(&self, object: &Object, zones: &Zones<'_>) -> Vec<Period> {
        match &self.me {
            _ if self.masked.as_ref().is_some_and(|masked| masked.is(object)) => Vec::new(),
            Some(me) => periods_of_invited(object, zones, self.range, me),
            None => periods(object, zones, self.range),
        }
    }

    /// The periods that an object takes. `None`: it must be read.
    fn known(&self, resource: &Resource, when: Option<&SpanQuery>) -> Option<Vec<Period>> {
        let answered = self.me.is_some() && resource.node.schedule_hash.is_some();
        if answered || self.masked.is_some() {
            return None;
        }
        let found = when?.instances(&resource.node.content_key()?, || resource.object())?;
        Some(found.iter().filter_map(|span| Period::cut(span.start, span.end, span.busy?, self.range)).collect())
    }
}

impl LongRead {
    /// Adds the periods that the objects of a calendar take.
    pub async fn busy(
        &mut self,
        question: &BusyQuestion,
        zone: &Zone,
        budget: &Budget,
        mut taken: BusyPeriods,
    ) -> Result<BusyPeriods> {
        let when = self.tree().instances(zone, question.range, budget).map(Arc::new);
        let needs = if question.me.is_some() { Needs::NOTHING } else { Needs::TAG };
        let mut after = String::new();
        loop {
            let (page, next) = self.view().await?.objects(question.range, None, &after, needs).await?;
            let mut open = Vec::new();
            for resource in page {
                match question.known(&resource, when.as_deref()) {
                    Some(known) => taken.add(known)?,
                    None => open.push(resource),
                }
            }
            for run in runs(open, size_of) {
                taken = self.busy_run(question, (zone, when.clone()), budget, (run, taken)).await?;
            }
            match next {
                Some(next) => after = next,
                None => return Ok(taken),
            }
        }
    }

    /// The same for a run of objects that must be read.
    async fn busy_run(
        &mut self,
        question: &BusyQuestion,
        (zone, when): (&Zone, Option<Arc<SpanQuery>>),
        budget: &Budget,
        (run, taken): (Vec<Resource>, BusyPeriods),
    ) -> Result<BusyPeriods> {
        let bytes = bytes_of(&run);
        budget.bytes(bytes)?;
        let mut run = self.view().await?.texts(run).await?.into_iter();
        let (zone, question, of) = (zone.clone(), question.clone(), budget.clone());
        let mut so_far = Some(taken);
        let work = move |slice: &WorkSlice| {
            for resource in run.by_ref() {
                let followed = || {
                    let object = resource.object()?;
                    Some(question.periods(&object, &Zones::new(&object.calendar, &zone).within(&of)))
                };
                let known = question.known(&resource, when.as_deref()).or_else(followed);
                let counted = of.steps(steps_of(&resource));
                let added = so_far.as_mut()?.add(known.unwrap_or_default());
                if let Err(exhausted) = counted.and(added) {
                    return Some(Err(exhausted));
                }
                if slice.is_over() {
                    return None;
                }
            }
            so_far.take().map(Ok)
        };
        let taken = self.work(budget, work).await??;
        budget.give_back(bytes);
        Ok(taken)
    }
}

/// What is answered about someone.
pub enum BusyAnswer {
    /// When they are busy.
    Busy(Vec<Period>),
    /// Nobody whom the actor may know of is called so.
    Unknown,
    /// The actor may know of them, and not when they are busy.
    Refused,
    /// Too many were asked about.
    Surplus,
}

/// Someone who is asked about, and the names of the calendars that count.
pub(super) struct AskedPrincipal {
    whose: Principal,
    calendars: Vec<String>,
    masked: Option<Arc<MaskedMeeting>>,
}

impl AskedPrincipal {
    /// Someone with all calendars that count, as everyone sees them. `None`: nobody sees when they are busy but those
    /// to whom it was granted.
    pub(super) async fn of(c: &mut impl Executor, whose: Principal) -> Result<Option<Self>> {
        let all = principal::busy_audience(c, whose.id).await? == BusyAudience::All;
        let mut calendars = Vec::new();
        for calendar in calendar::counted(c, whose.id, MAX_BUSY_CALENDARS).await? {
            if all || node::role_above(c, EVERYONE, now(), calendar.id).await? >= Some(Role::FreeBusy) {
                calendars.push(calendar.name);
            }
        }
        Ok((all || !calendars.is_empty()).then_some(Self { whose, calendars, masked: None }))
    }
}

impl Tree {
    /// Answers a question that is sent to the outbox of a principal, in the order of the attendees. 403
    /// `valid-organizer` unless that principal asks.
    pub async fn busy_answers(
        &self,
        actor: &Actor,
        outbox: Id,
        question: &BusyRequest,
        budget: &Budget,
    ) -> Result<Vec<BusyAnswer>> {
        let asked = self.asked_about(actor, outbox, question).await?;
        let mut answers = Vec::with_capacity(asked.len());
        for asked in asked {
            answers.push(match asked {
                Ok(asked) => BusyAnswer::Busy(self.busy_of(&asked, question.range, actor.id, budget).await?),
                Err(answer) => answer,
            });
        }
        Ok(answers)
    }

    /// Who is asked about, or why there is no answer.
    async fn asked_about(
        &self,
        actor: &Actor,
        outbox: Id,
        question: &BusyRequest,
    ) -> Result<Vec<std::result::Result<AskedPrincipal, BusyAnswer>>> {
        let book = self.address_book();
        let mut view = self.store.read().await?;
        let missing = || Failure::new("asking from an outbox", format!("{outbox} is nobody"));
        let owner = principal::by_id(&mut view, outbox).await?.ok_or_else(missing)?;
        let organizers = book.addresses_of(&owner);
        if !organizers.contains(&question.organizer().address()) {
            return Err(Condition::ValidOrganizer.into());
        }
        let known = Acquaintances::of(&mut view, actor, now()).await?;
        let organizers = match question.masked {
            Some(_) => self.organizes(&mut view, actor, organizers).await?,
            None => organizers,
        };
        let mut asked = Vec::new();
        let attendees: Vec<CalendarUserAddress> = question.attendees().map(|one| one.address()).collect();
        let users = CalendarUsers::find(&mut view, &book, attendees.iter().take(MAX_RECIPIENTS).cloned()).await?;
        for (place, attendee) in attendees.iter().enumerate() {
            if place >= MAX_RECIPIENTS {
                asked.push(Err(BusyAnswer::Surplus));
                continue;
            }
            let found = users.get(attendee).map(|user| user.principal.clone());
            let found = found.filter(|found| found.disabled_at.is_none());
            asked.push(match found {
                Some(whose) => {
                    let own = whose.id == owner.id;
                    let mask = |uid: &String| MaskedMeeting { uid: uid.clone(), organizers: organizers.clone(), own };
                    let masked = question.masked.as_ref().map(|uid| Arc::new(mask(uid)));
                    match seen_calendars(&mut view, actor, &known, &whose).await? {
                        Ok(calendars) => Ok(AskedPrincipal { whose, calendars, masked }),
                        Err(answer) => Err(answer),
                    }
                }
                None => Err(BusyAnswer::Unknown),
            });
        }
        Ok(asked)
    }

    /// All addresses in whose name an actor organizes: also of the projects in which they may.
    async fn organizes(&self, c: &mut impl Executor, actor: &Actor, own: Addresses) -> Result<Addresses> {
        let mut all: Vec<_> = own.iter().cloned().collect();
        for part in parts(c, actor.id, now()).await?.iter().filter(|part| part.role >= Some(Role::Member)) {
            if let Some(project) = principal::by_id(c, part.project).await? {
                all.extend(self.address_book().addresses_of(&project).iter().cloned());
            }
        }
        Ok(all.into_iter().collect())
    }

    /// When someone is busy in a range, by the calendars that count. It is worked out in the turn of `worker`.
    pub(super) async fn busy_of(
        &self,
        asked: &AskedPrincipal,
        range: TimeRange,
        worker: Id,
        budget: &Budget,
    ) -> Result<Vec<Period>> {
        let whose = &asked.whose;
        let me = Arc::new(self.address_book().addresses_of(whose));
        let question = BusyQuestion { range, me: Some(me), masked: asked.masked.clone() };
        let actor = themselves(whose);
        let mut taken = BusyPeriods::within(budget);
        for name in &asked.calendars {
            let path = Path::of(&[CALENDARS, &whose.name, name]);
            let request =
                Request { reads: Privilege::ReadFreeBusy, ..Request::of(Method::Report, path, actor.clone()) };
            let mut visit = match LongRead::by(self, &request, worker).await {
                Ok(visit) => visit,
                // It went just now.
                Err(Error::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            let resource = visit.view().await?.resource(Needs { dead: true, ..Needs::NOTHING }).await?;
            if let Some(resource) = resource.filter(|resource| resource.node.traits().is_calendar()) {
                let zone = visit.floating_zone(budget, &resource.dead).await?;
                taken = visit.busy(&question, &zone, budget, taken).await?;
            }
        }
        taken.add(self.unavailable(whose, &actor, range, worker, budget).await?)?;
        Ok(taken.joined())
    }

    /// When a person said not to be available, or a room is closed.
    async fn unavailable(
        &self,
        whose: &Principal,
        actor: &Actor,
        range: TimeRange,
        worker: Id,
        budget: &Budget,
    ) -> Result<Vec<Period>> {
        if whose.kind == PrincipalKind::Room {
            let kept = room::of(&mut self.store.cached(), whose.id).await?;
            let hours = kept.and_then(|room| opening_hours(&room.hours)).unwrap_or_default();
            return Ok(closed(&hours, &Zone::Known(zone()), range));
        }
        let home = Path::of(&[CALENDARS, &whose.name]);
        for path in [home.join(INBOX), home] {
            let dead = Selection::of(&AVAILABILITY);
            let request = Request { dead, ..Request::of(Method::Propfind, path, actor.clone()) };
            let mut admitted = match self.read_one(&request).await {
                Ok(admitted) => admitted,
                Err(Error::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            let resource = admitted.resource(Needs { dead: true, ..Needs::NOTHING }).await?;
            drop(admitted);
            let texts = resource.iter().flat_map(|resource| &resource.dead).filter_map(|(_, xml)| text_of(xml));
            if let Some(said) = texts.filter_map(|text| Availability::read(&text)).next() {
                let of = budget.clone();
                let work = move |_: &WorkSlice| Some(said.taken(&Zone::Known(zone()), range, &of));
                return self.work(worker, budget, work).await;
            }
        }
        Ok(Vec::new())
    }
}

/// The calendars of someone that show an actor when they are busy, by name; or why there are none.
async fn seen_calendars(
    c: &mut impl Executor,
    actor: &Actor,
    known: &Acquaintances<'_>,
    whose: &Principal,
) -> Result<std::result::Result<Vec<String>, BusyAnswer>> {
    let sees = async |c: &mut _, node| node::role_above(c, actor.id, now(), node).await;
    let calendars = calendar::counted(c, whose.id, MAX_BUSY_CALENDARS).await?;
    let all = match (whose.kind, principal::home(c, whose.id).await?) {
        (_, None) => return Ok(Err(BusyAnswer::Unknown)),
        // What a project does is nobody's business but its people's.
        (PrincipalKind::Project, Some(home)) => sees(c, home).await? >= Some(Role::FreeBusy),
        (_, Some(_)) => {
            known.include(whose)
                && (whose.id == actor.id || principal::busy_audience(c, whose.id).await? == BusyAudience::All)
        }
    };
    let mut seen = Vec::new();
    for calendar in calendars {
        if all || sees(c, calendar.id).await? >= Some(Role::FreeBusy) {
            seen.push(calendar.name);
        }
    }
    Ok(match seen.is_empty() && !all {
        false => Ok(seen),
        true if known.include(whose) => Err(BusyAnswer::Refused),
        true => Err(BusyAnswer::Unknown),
    })
}

/// Someone as who reads their own calendars.
fn themselves(whose: &Principal) -> Actor {
    Actor {
        id: whose.id,
        name: whose.name.clone(),
        display_name: whose.display_name.clone(),
        scope: DeviceScope::Calendars,
        project: None,
        read_only: true,
        device: None,
        login: None,
    }
}

/// When a place is not open.
fn closed(hours: &[OpeningHours], zone: &Zone, range: TimeRange) -> Vec<Period> {
    if hours.is_empty() {
        return Vec::new();
    }
    let mut open = Vec::new();
    let mut day = zone.local(range.start).date();
    for _ in 0..MAX_DAYS {
        let midnight = day.to_datetime(Time::midnight());
        if zone.instant(midnight) >= range.end {
            break;
        }
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
        for hours in hours.iter().filter(|hours| hours.days.get(weekday) == Some(&true)) {
            let at = |minute: u16| midnight.saturating_add(SignedDuration::from_mins(minute.into()));
            let (from, until) = (zone.instant(at(hours.from)), zone.instant(at(hours.until)));
            open.extend(Period::cut(from, until, Busy::Unavailable, range));
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    without(vec![Period { start: range.start, end: range.end, busy: Busy::Unavailable }], &open)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::closed;
    use crate::ical::zone::Zone;
    use crate::model::calendar::TimeRange;
    use crate::model::room::opening_hours;

    #[test]
    fn a_room_is_closed_when_it_is_not_open_by_the_clock_on_its_wall() {
        const HOUR: i64 = 3_600;
        // The Saturday on which summer time begins in Paris, from midnight there.
        let start = 1_774_652_400;
        let paris = Zone::Known(TimeZone::get("Europe/Paris").expect("a zone"));
        let range = TimeRange { start, end: start + 47 * HOUR };
        let hours = opening_hours("sat 09:00-12:00; sat 14:00-24:00; sun 08:00-20:00").expect("hours");
        let found: Vec<_> = closed(&hours, &paris, range)
            .iter()
            .map(|one| ((one.start - start) / HOUR, (one.end - start) / HOUR))
            .collect();
        assert_eq!(found, [(0, 9), (12, 14), (24, 31), (43, 47)]);
        assert!(closed(&[], &paris, range).is_empty());
    }
}
