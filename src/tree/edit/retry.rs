//! A change that misses something ends with `Edit::missing`, and is made again once that is computed.

use super::Edit;
use super::precomputed::{Found, MissingInput, Precomputed};
use crate::ical::object::Object;
use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::node::Node;
use crate::store::{body, subtree, trash, version};
use crate::tree::gate::{Admitted, Request};
use crate::tree::scheduling::ScheduleAuthor;
use crate::tree::{Tree, calendar};

/// How often a change is tried.
pub(super) const ATTEMPTS: usize = 4;
/// The same of one that is planned anew, for others in the meeting have changed something.
const MEETING_ATTEMPTS: usize = 16;
/// How many collections below one are looked at while others wait.
const FEW: i64 = 1_000;

impl Edit {
    /// Ends a change that misses something: see [`Tree::retry`].
    pub(super) fn missing<T>(&mut self, what: MissingInput) -> Result<T> {
        self.precomputed.missing = Some(what);
        Err(Condition::Busy.into())
    }

    /// Does something stand more than so many levels below a collection?
    pub(super) async fn is_deeper(&mut self, top: &Node, levels: i64) -> Result<bool> {
        if let Some(known) = Found::among(&self.precomputed.deeper, top, &levels) {
            return Ok(known);
        }
        match subtree::is_deeper(&mut self.txn, top.id, levels, FEW).await? {
            Some(found) => Ok(found),
            None => self.missing(MissingInput::Deeper(top.id, levels)),
        }
    }

    /// Has a node of the trash, with all below it, always stood where the actor leads?
    pub(super) async fn was_always_led(&mut self, node: &Node) -> Result<bool> {
        match Found::among(&self.precomputed.led, node, &()) {
            Some(known) => Ok(known),
            None => self.missing(MissingInput::Led(node.id)),
        }
    }
}

impl Tree {
    /// Computes what a change missed, and admits its request to another. 503 where each time something is written that
    /// makes the result stale.
    pub(super) async fn retry(&self, admitted: Admitted<Edit>, missing: MissingInput) -> Result<Admitted<Edit>> {
        let Admitted { request, store: mut edit, .. } = admitted;
        let mut precomputed = std::mem::take(&mut edit.precomputed);
        edit.give_up().await;
        precomputed.times += 1;
        let most = if matches!(missing, MissingInput::Schedule(_)) { MEETING_ATTEMPTS } else { ATTEMPTS };
        if precomputed.times >= most {
            self.abandon(precomputed.built.take()).await?;
            return Err(Condition::Busy.into());
        }
        let computed = self.precompute(&request, &mut precomputed, missing).await;
        let built = precomputed.built;
        let admitted = match computed {
            Ok(()) => self.write_with(&request, precomputed).await,
            Err(error) => Err(error),
        };
        if admitted.is_err() {
            self.abandon(built).await?;
        }
        admitted
    }

    /// Computes what a change of a request missed.
    pub(super) async fn precompute(
        &self,
        request: &Request,
        precomputed: &mut Precomputed,
        missing: MissingInput,
    ) -> Result<()> {
        match missing {
            MissingInput::Copy => {
                self.abandon(precomputed.built.take()).await?;
                precomputed.built = Some(self.build(request).await?);
            }
            MissingInput::Deeper(top, levels) => {
                let mut view = self.store.read().await?;
                if let Some((top, _)) = version::node(&mut view, top).await? {
                    let found = subtree::is_deeper(&mut view, top.id, levels, i64::MAX - 1).await?;
                    precomputed.deeper.push(Found::of(&top, levels, found.unwrap_or(true)));
                }
            }
            MissingInput::Led(node) => {
                let mut view = self.read(request).await?;
                if let Some((node, _)) = version::node(&mut view.store, node).await? {
                    let led = trash::always_led(&mut view.store, request.actor.id, view.now, &node).await?;
                    precomputed.led.push(Found::of(&node, (), led));
                }
            }
            MissingInput::Documents(objects) => {
                let arriving = precomputed.arriving.as_ref().and_then(|arriving| arriving.content.clone());
                for object in objects {
                    precomputed.carried.retain(|known| known.object != object);
                    precomputed.carried.extend(self.carried_documents(request, object, arriving.clone()).await?);
                }
            }
            MissingInput::SecondObjects => precomputed.copied = self.without_second_objects(request).await?,
            MissingInput::OwnParts => precomputed.arriving = self.arriving_object(request).await?,
            MissingInput::Homes(names) => precomputed.homes.extend(names),
            MissingInput::Schedule(changes) => {
                for change in changes {
                    let plan = self.plan_schedule(&change, &ScheduleAuthor::of(request)).await?;
                    precomputed.homes.extend(plan.homes.iter().cloned());
                    precomputed.schedules.retain(|known| known.of != plan.of);
                    precomputed.schedules.push(plan);
                }
            }
            MissingInput::Index(hash) => {
                let bytes = body::inline(&mut self.store.read().await?, &hash).await?;
                let read = move || bytes.as_deref().and_then(|bytes| Object::stored(bytes).ok());
                let index = move || read().map(|object| calendar::index(&object));
                let indexed = self.work(request.actor.id, &request.budget, move |_| Some(index())).await?;
                // What nobody can read goes where it is put, like the rest: it must not hold up what goes with it.
                precomputed.indexed.insert(hash.clone(), indexed.unwrap_or_else(|| Indexed::unreadable(&hash)));
            }
        }
        Ok(())
    }
}
