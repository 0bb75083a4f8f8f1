//! Requests that are read for long: a view while they ask, and none while they work.

use super::Tree;
use super::gate::{Admitted, Request};
use super::work::WorkSlice;
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::store::reading::Snapshot;

/// A request that is read for long: it holds a view while it asks, and none while it works. Each view passes the gate
/// again.
pub struct LongRead {
    tree: Tree,
    request: Request,
    worker: Id,
    view: Option<Admitted<Snapshot>>,
}

impl LongRead {
    /// Begins with a view of the request.
    pub async fn of(tree: &Tree, request: &Request) -> Result<Self> {
        Self::by(tree, request, request.actor.id).await
    }

    /// The same, where the work is done in the turn of someone else than who reads.
    pub(super) async fn by(tree: &Tree, request: &Request, worker: Id) -> Result<Self> {
        let view = Some(tree.read(request).await?);
        Ok(Self { tree: tree.clone(), request: request.clone(), worker, view })
    }

    /// The tree.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The view.
    pub async fn view(&mut self) -> Result<&mut Admitted<Snapshot>> {
        let view = match self.view.take() {
            Some(view) => view,
            None => self.tree.read(&self.request).await?,
        };
        Ok(self.view.insert(view))
    }

    /// The zone that a text is about. Where it takes long to find out, without the view.
    pub async fn zone_of_text(&mut self, budget: &Budget, text: String) -> Result<Option<Zone>> {
        if let Some(zone) = Zone::named_in(&text) {
            return Ok(Some(zone));
        }
        self.view = None;
        self.tree.zone_of_text(self.worker, budget, text).await
    }

    /// Works without the view: there are few, and others want them.
    pub async fn work<T: Send + 'static>(
        &mut self,
        budget: &Budget,
        work: impl FnMut(&WorkSlice) -> Option<T> + Send + 'static,
    ) -> Result<T> {
        self.view = None;
        self.tree.work(self.worker, budget, work).await
    }
}
