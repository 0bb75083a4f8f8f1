//! The one way to write. An [`Edit`] is one change: by whom, for whom, by what right (`authority`), in which homes.
//! What it does it does by verbs, each of which asks the table of authorities; `Edit::commit` is where a change ends,
//! and where all that goes with every change is made.
//!
//! The edit of a request comes from the gate alone ([`Tree::write`]). Nothing else in the crate holds the transaction.

mod access;
pub mod attachment;
pub mod authority;
mod calendar_meetings;
pub(super) mod chain;
pub mod content;
mod copy;
pub mod delivery;
mod depth;
pub mod event;
mod inbox;
pub mod lock;
pub mod mail;
mod maintenance;
mod object;
mod personal;
mod precomputed;
pub mod put;
mod quota;
mod request;
mod retry;
mod rewind;
mod schedule;
mod share;
mod succession;
pub mod transfer;
mod trash;
mod verbs;
mod version;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use self::authority::{Authority, Verb};
use self::event::{AffectedObjects, ChangeEvent, Hooks};
use self::precomputed::{MissingInput, Precomputed};
use super::Tree;
use super::gate::{Admitted, GateContext, Request, admit};
use super::target::{Target, document_of, keys_of};
use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, EffectPlace};
use crate::model::error::{Error, Failure, Result};
use crate::model::id::{Id, Seq, Timestamp, now};
use crate::model::method::Method;
use crate::model::node::ROOT;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::model::view::View;
use crate::store::Counters;
use crate::store::calendar::ObjectConflict;
use crate::store::db::{Batch, Connection};
use crate::store::device;
use crate::store::executor::{Executor, Prefetched};
use crate::store::node::{self, Claim, Walk};
use crate::store::statement::Statement;
use crate::store::task::RunToCompletion;
use crate::store::transaction::Txn;

/// A change in the making. Dropped without `Edit::commit`, it leaves nothing behind.
pub struct Edit {
    txn: Txn,
    authority: Authority,
    actor: Option<Actor>,
    /// Whose the place of the request is; and by home, whose the others are that it leads through.
    owner: Option<Id>,
    owners: Vec<(Id, Id)>,
    /// What the request declared, each effect at the node or collection where it takes place.
    granted: Vec<(Effect, Id)>,
    /// Folded names of the homes that were claimed, sorted.
    names: Vec<String>,
    claims: Vec<Claim>,
    now: Timestamp,
    /// The address of the request, and the collection that something comes to stand in, as refusals name it.
    address: Option<Path>,
    collection: Path,
    /// Is it a MOVE? What is copied to another home by one keeps its author and its dates.
    moves: bool,
    /// What the index says of the calendar object that is written, by the hash of its content.
    indexed: Option<(String, Indexed)>,
    /// May answers to meetings be sent for it?
    replies: bool,
    /// What was found out for it before.
    precomputed: Precomputed,
    /// The hash of the last body that it stored: a notice to many is stored once.
    stored: Option<String>,
    /// What stands in the way of objects that it replaces, where that was read for many at once.
    conflicts: HashMap<(Id, String), ObjectConflict>,
    /// The home that would have lost too much by it (see `trash`).
    braked: Option<Id>,
    hooks: Arc<Hooks>,
    observed: bool,
    /// Has it entered jobs?
    wakes: bool,
    events: Vec<ChangeEvent>,
}

impl Tree {
    /// Admits a request to a change that claims the homes of its path and its destination.
    pub async fn write(&self, request: &Request) -> Result<Admitted<Edit>> {
        self.write_with(request, Precomputed::default()).await
    }

    /// The same with what was found out for it before.
    async fn write_with(&self, request: &Request, precomputed: Precomputed) -> Result<Admitted<Edit>> {
        let has_room = self.check_disk_space(request.method).await;
        let mut edit = Edit::begin(self, Authority::Gate).await?;
        edit.check_login(request).await?;
        let mut names: Vec<String> = [Some(&request.path), request.destination.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(Target::home_names)
            .collect();
        names.extend_from_slice(&precomputed.homes);
        if let Some(document) = document_of(&request.path) {
            names.extend(node::home_name(&mut edit.txn, document).await?);
        }
        names.sort();
        names.dedup();
        let keys = keys_of(&request.path);
        let walk =
            Walk { actor: request.actor.id, now: edit.now, start: ROOT, names: keys.as_deref().unwrap_or_default() };
        edit.claims = node::claim(&mut edit.txn, &names, keys.is_some().then_some(walk)).await?;
        edit.names = names;
        edit.precomputed = precomputed;
        let clock = GateContext { now: edit.now, ..self.clock() };
        let mut admitted = admit(edit, request.clone(), clock).await?;
        admitted.hand_over();
        has_room.map(|()| admitted)
    }

    /// A change that the server makes of itself.
    pub(super) async fn job_edit(&self) -> std::result::Result<Edit, Failure> {
        Edit::begin(self, Authority::Job).await
    }

    /// A change that the administrator makes.
    pub(super) async fn administer(&self) -> std::result::Result<Edit, Failure> {
        Edit::begin(self, Authority::Administration).await
    }

    /// Has a function of ours called with each change of this process, once it is on disk. What must not be lost by a
    /// crash is written in the transaction of the change instead.
    pub fn observe(&self, observer: impl Fn(&ChangeEvent) + Send + Sync + 'static) {
        self.hooks.observe(observer);
    }
}

impl Admitted<Edit> {
    /// Gives the edit what the gate found out: who acts for whom, and what may be done where.
    fn hand_over(&mut self) {
        let at = |place: EffectPlace| match place {
            EffectPlace::Target => self.target.node().map(|node| node.id),
            EffectPlace::Parent => self.target.parent().map(|link| link.node.id),
            EffectPlace::DestinationParent | EffectPlace::Overwritten => {
                self.destination.as_ref()?.parent().map(|link| link.node.id)
            }
        };
        let granted = self.granted.iter().filter_map(|(effect, place)| Some((*effect, at(*place)?))).collect();
        let target = self.destination.as_ref().unwrap_or(&self.target);
        let owner = target.parent().map(|link| link.node.owner_id);
        // What one does to a calendar in one's own home is one's own affair.
        let followed = [Some(&self.target), self.destination.as_ref()].into_iter().flatten();
        let nodes = followed.flat_map(|target| target.links.iter().map(|link| &link.node));
        let owned = nodes.filter(|node| node.view != View::Linked && node.home_id != Id::default());
        let owners = owned.map(|node| (node.home_id, node.owner_id)).collect();
        let edit = &mut self.store;
        edit.granted = granted;
        if !self.request.of_own_part {
            (edit.owner, edit.owners) = (owner, owners);
        }
        edit.collection = target.path.parent();
        edit.replies = !self.request.without_reply;
        edit.moves = self.request.method == Method::Move;
        edit.address = Some(self.request.path.clone());
        edit.actor = Some(self.request.actor.clone());
    }

    /// Makes the change durable; it is acknowledged only after this.
    pub async fn commit(self) -> Result<()> {
        self.store.commit().await
    }
}

impl Edit {
    /// By [`Authority::Gate`] only for what the gate then admits.
    async fn begin(tree: &Tree, authority: Authority) -> std::result::Result<Self, Failure> {
        let txn = tree.store.write().await?;
        let hooks = Arc::clone(&tree.hooks);
        Ok(Self {
            txn,
            authority,
            actor: None,
            owner: None,
            owners: Vec::new(),
            granted: Vec::new(),
            names: Vec::new(),
            claims: Vec::new(),
            now: now(),
            address: None,
            collection: Path::default(),
            moves: false,
            indexed: None,
            replies: true,
            precomputed: Precomputed::default(),
            stored: None,
            conflicts: HashMap::new(),
            braked: None,
            observed: hooks.has_observers(),
            hooks,
            wakes: false,
            events: Vec::new(),
        })
    }

    /// A body may take long to come: whoever's log-in has ended meanwhile changes nothing any more.
    async fn check_login(&mut self, request: &Request) -> Result<()> {
        /// Of younger requests it is not looked at again.
        const FRESH: Duration = Duration::from_secs(1);
        let actor = &request.actor;
        match actor.login {
            Some(login)
                if request.arrived.elapsed() >= FRESH
                    && !device::login_holds(&mut self.txn, actor.id, login.device, self.now).await? =>
            {
                Err(Condition::Unauthenticated.into())
            }
            _ => Ok(()),
        }
    }

    /// The moment that counts for this change.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The person; nobody for what the server does of itself.
    fn person(&self) -> Id {
        self.sender().unwrap_or_default()
    }

    /// Who causes what this change sends; `None`: nobody, it is the server's own.
    fn sender(&self) -> Option<Id> {
        self.actor.as_ref().map(|actor| actor.id)
    }

    fn device(&self) -> Option<String> {
        self.actor.as_ref().and_then(|actor| actor.device.clone())
    }

    /// Claims homes, by their folded names, besides those that are claimed. Homes are claimed in the order of their
    /// names: where one comes too late the change ends, and is begun again with it ([`Tree::retry`]). So whoever needs
    /// many asks for all at once.
    pub(super) async fn claim_homes(&mut self, names: impl IntoIterator<Item = String>) -> Result<()> {
        let mut names: Vec<String> = names.into_iter().filter(|name| !self.names.contains(name)).collect();
        names.sort();
        names.dedup();
        if names.first().zip(self.names.last()).is_some_and(|(first, last)| first < last) {
            return self.missing(MissingInput::Homes(names));
        }
        self.claims.extend(node::claim(&mut self.txn, &names, None).await?);
        self.names.extend(names);
        Ok(())
    }

    /// What is known of a home that this change claimed; one that was not is a bug.
    fn claim(&self, home: Id) -> Result<&Claim> {
        let missing = || Error::Failed(Failure::new("writing in a home", format!("home {home} was not claimed")));
        self.claims.iter().find(|claim| claim.home == home).ok_or_else(missing)
    }

    /// The number of this change in a home.
    fn seq(&self, home: Id) -> Result<Seq> {
        Ok(self.claim(home)?.seq)
    }

    /// A verb is of this authority; and a request has declared its effect at a node, or at the collection that holds
    /// it.
    fn authorize(&self, verb: Verb, at: Id) -> std::result::Result<(), Failure> {
        let declared = |effect| self.granted.contains(&(effect, at));
        let may =
            verb.is_of(self.authority) && (self.authority != Authority::Gate || verb.effect().is_none_or(declared));
        if may {
            return Ok(());
        }
        let what = format!("{:?} of {:?} at {at}", verb, self.authority);
        Err(Failure::new("a verb beyond its authority", what))
    }

    /// Records what this change does, for the observers of its commit.
    fn record(&mut self, verb: Verb, affected: impl FnOnce() -> AffectedObjects) {
        if self.observed {
            let affected = affected();
            self.events.push(ChangeEvent {
                at: self.now,
                actor: self.actor.as_ref().map(|actor| actor.id),
                device: self.device(),
                on_behalf_of: self.on_behalf_of(&affected),
                address: self.address.as_ref().map(|path| path.href(false)),
                authority: self.authority,
                verb,
                affected,
            });
        }
    }

    /// For whom a person changes something that is another's.
    fn on_behalf_of(&self, affected: &AffectedObjects) -> Option<Id> {
        let of_home = |home| self.owners.iter().find(|(known, _)| Some(*known) == home).map(|(_, owner)| *owner);
        let owner = of_home(affected.home).or(self.owner)?;
        (owner != Id::default() && owner != self.person()).then_some(owner)
    }

    /// The transaction, for a verb that names no node of a request.
    pub(super) fn doing(&mut self, verb: Verb, affected: AffectedObjects) -> std::result::Result<&mut Txn, Failure> {
        self.authorize(verb, affected.objects.first().copied().unwrap_or_default())?;
        self.record(verb, || affected);
        Ok(&mut self.txn)
    }

    /// The same for what is no change event.
    pub(super) fn statements(&mut self, verb: Verb) -> std::result::Result<&mut Txn, Failure> {
        self.authorize(verb, Id::default())?;
        Ok(&mut self.txn)
    }

    /// Workers look for jobs when this change is made.
    pub(super) fn wake_workers(&mut self) {
        self.wakes = true;
    }

    /// Has it held the others up for as long as one slice of long work may? Asked between its pieces; the rest is
    /// another change.
    pub(super) fn is_long(&mut self) -> bool {
        self.txn.is_long()
    }

    /// Leaves nothing behind, and lets others write, before it returns.
    pub(super) async fn give_up(self) {
        self.txn.give_up().await;
    }

    /// Makes the change durable: it is acknowledged, and observers are notified, only after this.
    pub(super) async fn commit(mut self) -> Result<()> {
        for claim in std::mem::take(&mut self.claims) {
            self.quota_kept(&claim).await?;
            if claim.unsettled {
                node::settle(&mut self.txn, &claim).await?;
            }
        }
        if self.events.is_empty() && !self.wakes {
            return Ok(self.txn.commit().await?);
        }
        // Once begun it runs to its end, and so do the notifications.
        let Self { txn, hooks, events, wakes, .. } = self;
        let done = RunToCompletion::of(async move {
            txn.commit().await?;
            hooks.notify(&events);
            if wakes {
                hooks.wake();
            }
            Ok(())
        });
        done.await.map_err(|died| Failure::new("committing", died))?
    }
}

impl Executor for Edit {
    fn counters(&self) -> &Counters {
        self.txn.counters()
    }

    async fn connection(
        &mut self,
        sql: Statement,
    ) -> std::result::Result<(&mut Connection, Option<&mut Batch>), Failure> {
        self.txn.connection(sql).await
    }

    fn failed(&mut self, failure: &Failure) {
        self.txn.failed(failure);
    }

    fn prefetched(&mut self) -> Option<&mut Prefetched> {
        self.txn.prefetched()
    }
}
