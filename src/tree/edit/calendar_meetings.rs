//! COPY and MOVE of a calendar, for those in its meetings: what is true of one meeting is true of each (RFC 6638
//! sections 3.2.3.3, 3.2.3.4 and 3.2.4.1).
//!
//! From a MOVE within a home nothing follows. To another home each meeting is moved by itself into the copy of its
//! calendar, in the same change; all else is copied before, be it out of sight.

use super::Edit;
use super::authority::bug;
use super::content::{CarriedDocuments, Content};
use super::precomputed::MissingInput;
use super::schedule::FEW;
use super::verbs::BindTarget;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::view::View;
use crate::store::scheduling::{self, CopiedMeetings, HeldTwice};
use crate::tree::gate::Admitted;
use crate::tree::scheduling::plan::{SchedulePlan, TextChange};
use crate::tree::target::Target;

/// A meeting of a calendar that goes to another home.
pub(super) struct MovingMeeting {
    object: Node,
    carried: Option<CarriedDocuments>,
    /// What follows from its standing there, and from its going here.
    arrival: SchedulePlan,
    departure: SchedulePlan,
}

impl Admitted<Edit> {
    /// A COPY of a calendar is refused where a COPY of one of its meetings alone would be: who has a part in a meeting
    /// has one object of it. That holds for what the copy would take the place of, too.
    pub(super) async fn makes_no_second_objects(&mut self, source: &Node) -> Result<()> {
        let to = self.destination.as_ref().and_then(Target::parent).map(|link| link.node.home_id);
        let Some(home) = to.filter(|_| source.kind == Kind::Calendar && source.view != View::Former) else {
            return Ok(());
        };
        let nothing = CopiedMeetings { calendar: source.id, home, seen: 0, seen_there: 0 };
        let known = self.store.precomputed.copied.filter(|known| known.calendar == source.id && known.home == home);
        let of = known.unwrap_or(nothing);
        let unseen = scheduling::held_twice(&mut self.store.txn, of, &HeldTwice::default(), 1).await?;
        if unseen.is_empty() { Ok(()) } else { self.store.missing(MissingInput::SecondObjects) }
    }

    /// The meetings of a calendar that goes to another home, each with what follows. 403 `meetings-within-limits`: they
    /// are more than one change schedules.
    pub(super) async fn moving_meetings(&mut self, calendar: &Node) -> Result<Vec<MovingMeeting>> {
        if calendar.kind != Kind::Calendar {
            return Ok(Vec::new());
        }
        let objects = scheduling::meetings(&mut self.store.txn, calendar.id, Id::default(), FEW + 1).await?;
        if objects.len() as i64 > FEW {
            return Err(Condition::MeetingsWithinLimits.into());
        }
        let carried = self.carried_documents(&objects, None).await?;
        let mut changes = Vec::new();
        for (object, carried) in objects.iter().zip(&carried) {
            self.store.know_index(object).await?;
            let other = carried.as_ref().and_then(|carried| carried.content.as_ref());
            let arrival = self.arrival_change(object, other, None);
            changes.push(arrival.ok_or_else(|| bug("a meeting that is not known"))?);
            changes.push(TextChange::removal(calendar, object));
        }
        let mut plans = self.store.schedule_plans(changes).await?.into_iter();
        let mut meetings = Vec::new();
        for (object, carried) in objects.into_iter().zip(carried) {
            if let (Some(arrival), Some(departure)) = (plans.next(), plans.next()) {
                meetings.push(MovingMeeting { object, carried, arrival, departure });
            }
        }
        Ok(meetings)
    }

    /// They come to stand in the copy of their calendar. What is to follow from their going.
    pub(super) async fn bind_meetings(
        &mut self,
        meetings: Vec<MovingMeeting>,
        calendar: &Node,
    ) -> Result<Vec<SchedulePlan>> {
        let mut departures = Vec::new();
        for MovingMeeting { object, carried, mut arrival, departure } in meetings {
            let content = arrival.content.take().or_else(|| carried.as_ref()?.content.clone());
            let content = content.map_or_else(|| Content::Copied(object.clone()), Content::File);
            let slot = BindTarget { parent: calendar.clone(), name: object.name.clone(), session: None };
            let path = self.destination.as_ref().map(|destination| destination.path.clone()).unwrap_or_default();
            let (authority, collection) = self.store.begin_delivery(path);
            let bound = self.store.bind(slot, content).await;
            self.store.end_delivery(authority, collection);
            let copy = bound?;
            self.store.adopt_properties(&object, &copy).await?;
            if let Some(carried) = &carried {
                self.bind_carried(carried).await?;
            }
            departures.extend(Some(departure).filter(|departure| departure.is_due_beside(Some(&arrival))));
            self.store.carry_out(arrival, copy.id).await?;
        }
        Ok(departures)
    }
}

impl Edit {
    /// Is a member of a calendar a meeting that this change moves by itself to another home?
    pub(super) fn is_moving_meeting(&self, member: &Node, home: Id) -> bool {
        let known = member.hash.as_ref().and_then(|hash| self.precomputed.indexed.get(hash));
        member.kind == Kind::Object && self.moves_out(member, home) && known.is_some_and(|indexed| indexed.scheduling)
    }
}
