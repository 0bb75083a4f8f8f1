//! What a change needs and what takes long to compute: it is computed before the change, in a view, while others write;
//! in the change it holds as long as what it is about has not changed since.
//!
//! What it misses is found out by `retry`.

use std::collections::HashMap;

use super::content::{ArrivingObject, CarriedDocuments};
use crate::model::calendar::Indexed;
use crate::model::id::{Id, Seq};
use crate::model::node::Node;
use crate::store::scheduling::CopiedMeetings;
use crate::tree::scheduling::plan::{SchedulePlan, TextChange};

/// What a change needs and has not got.
#[derive(Clone, Debug)]
pub(super) enum MissingInput {
    /// A copy of what it copies, which is too large for one change or has changed since it was built.
    Copy,
    /// Does something stand more than so many levels below a collection?
    Deeper(Id, i64),
    /// Has a node of the trash always stood where the actor leads?
    Led(Id),
    /// What the index says of a calendar object with the content of this hash.
    Index(String),
    /// What goes along with objects to another home.
    Documents(Vec<Id>),
    /// What an object says at the destination, where somebody has something of their own in it.
    OwnParts,
    /// Would a copy of a calendar be a second object of its meetings to whoever is in them?
    SecondObjects,
    /// Homes whose turn to be claimed had passed.
    Homes(Vec<String>),
    /// What changes of meetings mean to others.
    Schedule(Vec<TextChange>),
}

/// An answer about a node and all below it, and the last change that it holds for.
pub(super) struct Found<Q> {
    of: Id,
    members_seq: Seq,
    question: Q,
    answer: bool,
}

/// A copy that was built out of sight.
#[derive(Clone, Copy)]
pub(super) struct StagedCopy {
    /// The top of the copy.
    pub top: Id,
    /// Of what.
    pub source: Id,
    /// The last change below that it holds.
    pub members_seq: Seq,
}

impl StagedCopy {
    /// Is it a copy of a node? One that is `moved` goes, so the copy must hold all that was written there to this
    /// moment.
    pub fn is_of(&self, node: &Node, moved: bool) -> bool {
        self.source == node.id && (!moved || self.members_seq == node.members_seq)
    }
}

/// What is computed before a change.
#[derive(Default)]
pub(super) struct Precomputed {
    /// The copy of a large tree that was built out of sight.
    pub built: Option<StagedCopy>,
    /// What the index says of calendar objects, by the hash of their content.
    pub indexed: HashMap<String, Indexed>,
    /// Folded names of homes that it claims besides those of its request.
    pub homes: Vec<String>,
    /// Whether something stands more than so many levels below a collection.
    pub deeper: Vec<Found<i64>>,
    /// Whether a node of the trash has always stood where the actor leads.
    pub led: Vec<Found<()>>,
    /// What it means to others in meetings.
    pub schedules: Vec<SchedulePlan>,
    /// What goes along with objects to another home.
    pub carried: Vec<CarriedDocuments>,
    /// What an object says at the destination.
    pub arriving: Option<ArrivingObject>,
    /// The meetings of a copied calendar that are no second objects of anybody in them.
    pub copied: Option<CopiedMeetings>,
    /// What the change has missed.
    pub missing: Option<MissingInput>,
    /// How often it was made again.
    pub times: usize,
}

impl<Q: PartialEq> Found<Q> {
    pub fn of(node: &Node, question: Q, answer: bool) -> Self {
        Self { of: node.id, members_seq: node.members_seq, question, answer }
    }

    pub fn among(found: &[Self], node: &Node, question: &Q) -> Option<bool> {
        let holds =
            |found: &&Self| found.of == node.id && found.members_seq == node.members_seq && found.question == *question;
        found.iter().rfind(holds).map(|found| found.answer)
    }
}
