//! Publishing: programs such as classic Outlook store all of someone's calendar, again and again, in the collection
//! `published` of their home. What is kept is when they are busy: each file becomes one object with busy times, which
//! takes the place of the one before it. It counts like what a calendar says, and is never a meeting.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::edit::content::FileContent;
use super::edit::put::StoredContent;
use super::gate::Request;
use super::target::{PUBLISHED, zone};
use super::work::WorkSlice;
use super::{Precheck, Tree};
use crate::ical::freebusy::{BusyPeriods, BusyReport, Period};
use crate::ical::object::MAX_BYTES;
use crate::ical::published::PublishedCalendar;
use crate::ical::validate::reason;
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::calendar::{BUSY_TIMES, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::now;
use crate::model::kind::Kind;
use crate::model::path::Path;
use crate::store::calendar;

const DAY_S: i64 = 86_400;
/// What is kept of what is published, days into the past and into the future: a little more than is ever asked for.
const PAST_DAYS: i64 = 31;
const FUTURE_DAYS: i64 = 400;
/// So many times are kept of one file.
const MAX_PERIODS: usize = 20_000;

/// Does a path name what may be published, by how it is spelled?
#[must_use]
pub fn may_be_published(path: &Path) -> bool {
    path.segments().get(2).is_some_and(|name| match_name(name) == PUBLISHED)
}

impl Tree {
    /// Is what is stored at the target of a request published there? A calendar of that name which holds something
    /// else is its owner's, from before there was publishing.
    pub async fn is_published(&self, precheck: &Precheck) -> Result<bool> {
        let Some(parent) = precheck.target.parent().map(|link| &link.node) else { return Ok(false) };
        Ok(match parent.kind {
            Kind::Published => true,
            Kind::Calendar => calendar::components(&mut self.store.cached(), parent.id).await? == BUSY_TIMES,
            _ => false,
        })
    }

    /// Keeps when someone is busy by a calendar that is published at the path of a request.
    pub async fn publish(&self, request: &Request, budget: &Budget, text: Bytes) -> Result<StoredContent> {
        if text.len() > MAX_BYTES {
            return Err(Condition::MaxResourceSize.into());
        }
        // By whole days, so that the same is kept as long as nothing changes.
        let now = now();
        let today = now - now.rem_euclid(DAY_S);
        let range = TimeRange { start: today - PAST_DAYS * DAY_S, end: today + FUTURE_DAYS * DAY_S };
        let periods = self.published_periods(request, budget, text, range).await?;
        if periods.len() > MAX_PERIODS {
            return Err(Condition::MaxResourceSize.into());
        }
        let uid = format!("published-{}", hex::encode(Sha256::digest(request.path.name().unwrap_or_default())));
        let kept = BusyReport { method: None, uid: &uid, stamp: today, range, people: &[] }.write(&periods);
        let (blob, indexed) = self.prepare(request.actor.id, budget, kept.into()).await?;
        let mut admitted = self.write(request).await?;
        let stored = admitted.publish(FileContent::object(blob, indexed)).await?;
        admitted.commit().await?;
        Ok(stored)
    }

    async fn published_periods(
        &self,
        request: &Request,
        budget: &Budget,
        text: Bytes,
        range: TimeRange,
    ) -> Result<Vec<Period>> {
        let (of, floating) = (budget.clone(), Zone::Known(zone()));
        let (mut calendar, mut taken) = (None, Some(BusyPeriods::within(budget)));
        let work = move |slice: &WorkSlice| {
            let calendar = match &mut calendar {
                Some(calendar) => calendar,
                none => match PublishedCalendar::read(&text) {
                    Ok(read) => none.insert(read),
                    Err(invalid) => return Some(Err(reason(invalid).into())),
                },
            };
            while let Some(more) = calendar.next(&floating, range, &of) {
                if let Err(exhausted) = taken.as_mut()?.add(more) {
                    return Some(Err(exhausted.into()));
                }
                if slice.is_over() {
                    return None;
                }
            }
            taken.take().map(|taken| Ok(taken.joined()))
        };
        self.work(request.actor.id, budget, work).await?
    }
}
