//! The tree: what front ends hold. Every entrance passes the gate.
//!
//! A request is authorized ([`Tree::precheck`]) before its body is taken, its body is staged ([`Tree::stage`]), and
//! then it is read ([`Tree::read`]) or carried out ([`Tree::write`], the verbs of `edit`, [`Admitted::commit`]).

mod access;
mod acquaintance;
pub mod administration;
pub mod attachment;
pub mod authentication;
pub mod busy;
pub mod calendar;
mod calendar_use;
pub mod changes;
pub mod check;
mod disk_full;
pub mod edit;
pub mod feed;
pub mod former;
mod former_descendants;
pub mod freebusy;
pub mod gate;
mod instances;
pub mod job;
pub mod listing;
pub mod numbers;
mod objects;
mod principals;
pub mod publish;
pub mod quota;
mod reach;
mod reindex;
mod resolve;
pub mod resource;
mod returned;
pub mod rewind_plan;
pub mod scheduling;
pub mod target;
pub mod trash;
pub mod visit;
pub mod walk;
pub mod work;

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;

use self::calendar_use::CalendarUse;
use self::edit::event::Hooks;
use self::gate::{Admitted, GateContext, Request, admit, allowed};
use self::job::mail::MailHooks;
use self::quota::RemainingQuota;
use self::resolve::resolve;
use self::scheduling::links::LINK_ANSWERS_PER_HOUR;
use self::scheduling::turns::MeetingTurns;
use self::scheduling::users::AddressBook;
use self::target::Target;
use self::work::{WorkSlice, Workers};
use crate::model::budget::{Budget, CACHE_MIB};
use crate::model::condition::Condition;
use crate::model::effect::{EffectPlace, effects};
use crate::model::error::{Failure, Result};
use crate::model::hourly_rate::HourlyRate;
use crate::model::id::{Id, now};
use crate::model::mailbox::MailDomain;
use crate::model::method::{Method, MethodSet};
use crate::model::node::{Blob, Node};
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::model::privilege::Privilege;
use crate::store::body::Staging;
use crate::store::executor::Executor;
use crate::store::{Store, body, usage};

pub use crate::store::WriterHold;
pub use crate::store::body::{BodyContent, INLINE_BYTES};
pub use crate::store::reading::{CachedReader, Snapshot};
pub use crate::store::task::{Panicked, RunToCompletion, caught};

/// The whole tree. Cheap to clone.
#[derive(Clone)]
pub struct Tree {
    store: Arc<Store>,
    workers: Arc<Workers>,
    hooks: Arc<Hooks>,
    mail: Arc<MailHooks>,
    mail_domain: Option<Arc<MailDomain>>,
    public_url: Option<Arc<str>>,
    turns: Arc<MeetingTurns>,
    link_answers: Arc<HourlyRate>,
    calendar_use: Arc<CalendarUse>,
}

/// What the first run of the gate found.
pub struct Precheck {
    /// What the path leads to.
    pub target: Target,
    /// What quota still lets in.
    pub room: RemainingQuota,
}

impl Tree {
    /// Opens a data directory; makes one where there is none. Unless `flush`, what is acknowledged may be lost when the
    /// power fails.
    pub async fn open(data: &FilePath, flush: bool) -> Result<Self> {
        Self::open_within(data, flush, CACHE_MIB << 20).await
    }

    /// The same, with so many bytes for what is kept in memory.
    pub async fn open_within(data: &FilePath, flush: bool, cache_bytes: usize) -> Result<Self> {
        let store = Arc::new(Store::open_within(data, flush, cache_bytes).await?);
        let tree = Self {
            store,
            workers: Arc::default(),
            hooks: Arc::default(),
            mail: Arc::default(),
            mail_domain: None,
            public_url: None,
            turns: Arc::default(),
            link_answers: Arc::new(HourlyRate::of(LINK_ANSWERS_PER_HOUR)),
            calendar_use: Arc::default(),
        };
        tree.finish_returned().await?;
        tree.finish_unread().await?;
        Ok(tree)
    }

    /// What happens to the statements of a test.
    #[cfg(test)]
    pub fn script(&self) -> crate::store::db::double::Script {
        self.store.script()
    }

    /// The same, where projects and rooms have addresses in a domain of mail.
    #[must_use]
    pub fn in_mail_domain(self, domain: Option<MailDomain>) -> Self {
        Self { mail_domain: domain.map(Arc::new), ..self }
    }

    /// The same, where people reach it by this address, if it is known.
    #[must_use]
    pub fn reached_at(self, public_url: Option<&str>) -> Self {
        Self { public_url: public_url.map(|url| url.trim_end_matches('/').into()), ..self }
    }

    /// How addresses are made of names, and names found in addresses.
    pub fn address_book(&self) -> AddressBook {
        AddressBook::new(self.mail_domain.clone())
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Were others let into the data directory until it was opened?
    #[must_use]
    pub fn tightened(&self) -> bool {
        self.store.tightened
    }

    fn clock(&self) -> GateContext {
        GateContext { now: now(), seal: Arc::clone(&self.store.seal), book: self.address_book() }
    }

    /// Statements that went to the database, and rows that it answered, since it was opened.
    #[must_use]
    pub fn asked(&self) -> (u64, u64) {
        self.store.counters.so_far()
    }

    /// The most that one write has held the others up for since this was called last.
    #[must_use]
    pub fn most_held(&self) -> WriterHold {
        self.store.counters.most_held()
    }

    /// Has long work done for a person, slice by slice, beside the threads that serve.
    pub async fn work<T: Send + 'static>(
        &self,
        person: Id,
        budget: &Budget,
        work: impl FnMut(&WorkSlice) -> Option<T> + Send + 'static,
    ) -> Result<T> {
        self.workers.run(person, budget, work).await
    }

    /// First run of the gate, before a body is taken.
    pub async fn precheck(&self, request: &Request) -> Result<Precheck> {
        let has_room = self.check_disk_space(request.method).await;
        let mut admitted = self.read_one(request).await?;
        has_room?;
        let home = admitted.target.parent().map(|parent| parent.node.home_id);
        let room = match home {
            Some(home) => RemainingQuota::of(usage::quota(&mut admitted.store, home).await?, admitted.target.node()),
            None => RemainingQuota::default(),
        };
        Ok(Precheck { target: admitted.target, room })
    }

    /// A place for a body that is arriving.
    #[must_use]
    pub fn stage(&self) -> Staging {
        self.store.blobs.stage()
    }

    /// Admits a request to one resource as it is now: what is read of it in several statements need not agree, for a
    /// body is named by its content.
    pub async fn read_one(&self, request: &Request) -> Result<Admitted<CachedReader>> {
        admit(self.store.cached_since(request.arrived), request.clone(), self.clock()).await
    }

    /// Admits a request to a consistent view, as listing and synchronizing members need it.
    pub async fn read(&self, request: &Request) -> Result<Admitted<Snapshot>> {
        admit(self.store.read().await?, request.clone(), self.clock()).await
    }

    /// Waits until what a refusal may rest on is there for everyone: a write sees what its neighbours have written
    /// before it is on disk.
    pub async fn settled(&self) -> Result<()> {
        Ok(self.store.settled().await?)
    }

    /// What `Allow` says of a path for an actor: Office decides by it between editing and reading.
    pub async fn allow(&self, actor: &Actor, path: &Path) -> Result<MethodSet> {
        let mut snapshot = self.store.read().await?;
        let target = resolve(&mut snapshot, actor, now(), path).await?;
        if target.privileges.contains(Privilege::Read) {
            let at = target.node().map(Node::traits);
            let may = |method: Method| {
                let here = effects(method, at)
                    .iter()
                    .filter(|(_, place)| matches!(place, EffectPlace::Target | EffectPlace::Parent));
                let opens = !(actor.read_only && method.writes());
                opens
                    && here.into_iter().all(|(effect, place)| target.privileges_at(*place).contains(effect.privilege()))
            };
            let methods = allowed(&target).retain(may);
            // Quirk: Office asks the folder, and opens read-only unless PUT is among the answers. There it speaks of
            // the folder's members.
            let takes = target.node().is_some_and(|node| node.traits().put.is_some());
            let puts = takes && target.privileges.contains(Privilege::Bind);
            Ok(if puts { methods.and(&[Method::Put]) } else { methods })
        } else {
            Ok(MethodSet::of(&[Method::Options]))
        }
    }
}

impl<T: Executor> Admitted<T> {
    /// Content of a document of this request, from `start`, `length` bytes long.
    pub async fn content(&mut self, tree: &Tree, node: &Node, start: u64, length: u64) -> Result<BodyContent> {
        tree.content(&mut self.store, node, start, length).await
    }
}

impl Tree {
    /// Content of a document, from `start`, `length` bytes long.
    async fn content(&self, c: &mut impl Executor, node: &Node, start: u64, length: u64) -> Result<BodyContent> {
        let Some(hash) = node.hash.as_deref() else { return Err(Condition::NotFound.into()) };
        let object = node.kind.holds_calendar_object();
        let part = |bytes: Bytes| {
            let from = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
            let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
            BodyContent::Whole(bytes.slice(from..to))
        };
        let small = node.size_bytes <= INLINE_BYTES as i64 || object;
        if small && let Some(bytes) = body::inline(c, hash).await? {
            return Ok(part(bytes));
        }
        if let Some(content) = self.store.blobs.read(hash, start, length).await? {
            return Ok(content);
        }
        // A damaged size does not say where the content is.
        if !small && let Some(bytes) = body::inline(c, hash).await? {
            return Ok(part(bytes));
        }
        Err(Failure::new("reading a document", format!("body {hash} is missing")).into())
    }
}

/// Finishes a staged body.
pub async fn finish(staging: Staging) -> Result<Blob> {
    Ok(staging.finish().await?)
}
