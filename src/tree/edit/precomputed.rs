//! What a change needs and what takes long to compute: it is computed before the change, in a view, while others write;
//! in the change it holds as long as what it is about has not changed since.
//!
//! A change that misses something ends with `Edit::missing`, and is made again once that is computed.

use std::collections::HashMap;

use super::Edit;
use super::transfer::Built;
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::{Id, Seq};
use crate::model::node::Node;
use crate::store::{body, subtree, trash, version};
use crate::tree::gate::{Admitted, Request};
use crate::tree::{Tree, calendar};

/// How often a change is tried.
pub(super) const ATTEMPTS: usize = 4;
/// How many collections below one are looked at while others wait.
const FEW: i64 = 1_000;

/// What a change needs and has not got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum MissingInput {
    /// A copy of what it copies, which is too large for one change or has changed since it was built.
    Copy,
    /// Does something stand more than so many levels below a collection?
    Deeper(Id, i64),
    /// Has a node of the trash always stood where the actor leads?
    Led(Id),
    /// What the index says of a calendar object with the content of this hash.
    Index(String),
    /// Homes whose turn to be claimed had passed.
    Homes(Vec<String>),
}

/// An answer about a node and all below it, and the last change that it holds for.
struct Found<Q> {
    of: Id,
    members_seq: Seq,
    question: Q,
    answer: bool,
}

/// What is computed before a change.
#[derive(Default)]
pub(super) struct Precomputed {
    /// The copy of a large tree that was built out of sight.
    pub built: Option<Built>,
    /// What the index says of calendar objects, by the hash of their content.
    pub indexed: HashMap<String, Indexed>,
    /// Folded names of homes that it claims besides those of its request.
    pub homes: Vec<String>,
    deeper: Vec<Found<i64>>,
    led: Vec<Found<()>>,
    /// What the change has missed.
    pub missing: Option<MissingInput>,
    /// How often it was made again.
    times: usize,
}

impl<Q: PartialEq> Found<Q> {
    fn of(node: &Node, question: Q, answer: bool) -> Self {
        Self { of: node.id, members_seq: node.members_seq, question, answer }
    }

    fn among(found: &[Self], node: &Node, question: &Q) -> Option<bool> {
        let holds =
            |found: &&Self| found.of == node.id && found.members_seq == node.members_seq && found.question == *question;
        found.iter().rfind(holds).map(|found| found.answer)
    }
}

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
        if precomputed.times >= ATTEMPTS {
            self.abandon(precomputed.built.take()).await?;
            return Err(Condition::Busy.into());
        }
        self.precompute(&request, &mut precomputed, missing).await?;
        let built = precomputed.built;
        match self.write_with(&request, precomputed).await {
            Ok(admitted) => Ok(admitted),
            Err(error) => {
                self.abandon(built).await?;
                Err(error)
            }
        }
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
                    let led = trash::always_led(&mut view.store, (request.actor.id, view.now), &node).await?;
                    precomputed.led.push(Found::of(&node, (), led));
                }
            }
            MissingInput::Homes(names) => precomputed.homes.extend(names),
            MissingInput::Index(hash) => {
                let bytes = body::inline(&mut self.store.read().await?, &hash).await?;
                let read = move || bytes.as_deref().and_then(|bytes| Object::stored(bytes).ok());
                let index = move || read().map(|object| calendar::index(&object));
                let indexed = self.work(request.actor.id, &Budget::default(), move |_| Some(index())).await?;
                // What nobody can read goes where it is put, like the rest: it must not hold up what goes with it.
                precomputed.indexed.insert(hash.clone(), indexed.unwrap_or_else(|| Indexed::unreadable(&hash)));
            }
        }
        Ok(())
    }
}
