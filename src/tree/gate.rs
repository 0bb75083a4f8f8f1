//! The gate: the one way from a request to a node.
//!
//! [`admit`] asks, in this order: may the actor know of it (404); does the kind allow the method (405); is there a
//! place for what is to be made (409, 403); may the actor (403 `need-privileges`); do the preconditions hold (412,
//! 304); are the locks shown (423). It runs twice with the same code: before a body is taken, so that a refused upload
//! costs nothing, and inside the write transaction, whose answer counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::numbers::VersionNumbers;
use super::resolve::resolve;
use super::scheduling::users::AddressBook;
use super::target::{AddressSpace, SERVERS_OWN, Target};
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, EffectPlace, effects, own_effects, sharing_effects};
use crate::model::error::{Detail, Error, Failure, Refusal, Result};
use crate::model::filename::{self, NameError};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::method::{Method, MethodSet};
use crate::model::node::{Link, Node};
use crate::model::path::Path;
use crate::model::precondition::{Outcome, Preconditions, ResourceState};
use crate::model::principal::Actor;
use crate::model::privilege::{Privilege, PrivilegeSet};
use crate::model::token::TokenSeal;
use crate::model::view::View;
use crate::store::executor::Executor;
use crate::store::property::Selection;
use crate::store::{calendar, lock, node, version};

/// How many former states of a meeting are looked at to find one that a client knows.
const MAX_ISSUED: i64 = 500;
/// How many resources the `If` header of one request may speak of.
const MAX_TAGGED: usize = 32;

/// The head of a request, before anything is looked up.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Of which resource.
    pub path: Path,
    /// Where to, for COPY and MOVE.
    pub destination: Option<Path>,
    /// May what is at the destination go?
    pub overwrite: bool,
    /// Conditional headers.
    pub preconditions: Preconditions,
    /// By whom.
    pub actor: Actor,
    /// When it came: what it reads is of that moment or later.
    pub arrived: Instant,
    /// What it may cost.
    pub budget: Budget,
    /// What it takes to know of the target and to read it: `DAV:read`, or less.
    pub reads: Privilege,
    /// POST: does it speak of sharing, instead of adding a member?
    pub about_sharing: bool,
    /// PUT: does it change what is the actor's own there, and nothing else?
    pub of_own_part: bool,
    /// PUT: does the client know what stands there, by a tag that says what is its own, too?
    pub knows_present: bool,
    /// DELETE of a meeting: does the organizer hear nothing of it (RFC 6638 section 8.1)?
    pub without_reply: bool,
    /// Which dead properties are read of what it asks for; by default all.
    pub dead: Selection,
    /// Which numbers of versions were read for it; by default they are read each time.
    pub numbers: VersionNumbers,
}

impl Request {
    /// A request without conditions.
    #[must_use]
    pub fn of(method: Method, path: Path, actor: Actor) -> Self {
        Self {
            method,
            path,
            destination: None,
            overwrite: true,
            preconditions: Preconditions::default(),
            actor,
            arrived: Instant::now(),
            budget: Budget::default(),
            reads: Privilege::Read,
            about_sharing: false,
            of_own_part: false,
            knows_present: false,
            without_reply: false,
            dead: Selection::default(),
            numbers: VersionNumbers::default(),
        }
    }
}

/// A request that passed the gate, on the view it is read in or the edit that it makes. There is no other way to make
/// one.
pub struct Admitted<T> {
    pub(super) store: T,
    pub(super) request: Request,
    /// What the path leads to.
    pub target: Target,
    /// What the destination leads to.
    pub destination: Option<Target>,
    /// GET and HEAD: the client has it already (304).
    pub not_modified: bool,
    pub(super) granted: Vec<(Effect, EffectPlace)>,
    pub(super) now: Timestamp,
    /// Which addresses principals have.
    pub(super) book: AddressBook,
    /// Makes sync tokens.
    pub(super) seal: Arc<TokenSeal>,
}

/// What a request is held to besides the tree.
#[derive(Clone, Debug)]
pub struct GateContext {
    /// The moment that counts.
    pub now: Timestamp,
    /// Which addresses principals have.
    pub book: AddressBook,
    /// Makes and reads sync tokens.
    pub seal: Arc<TokenSeal>,
}

impl<T> Admitted<T> {
    /// Makes sync tokens.
    pub fn seal(&self) -> &Arc<TokenSeal> {
        &self.seal
    }

    /// The moment that counts for this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The actor.
    pub fn actor(&self) -> &Actor {
        &self.request.actor
    }

    /// Only what the request declared is done.
    pub(super) fn granted(&self, effect: Effect, place: EffectPlace) -> Result<()> {
        if self.granted.contains(&(effect, place)) {
            return Ok(());
        }
        let what = format!("{:?} does not declare {effect:?} at {place:?}", self.request.method);
        Err(Failure::new("an effect that was not granted", what).into())
    }
}

/// What `Allow` says of a target.
pub fn allowed(target: &Target) -> MethodSet {
    match (target.node(), target.parent()) {
        (Some(node), _) => node.traits().methods,
        (None, Some(parent)) => parent.node.traits().unmapped_methods(),
        (None, None) => MethodSet::of(&[Method::Options]),
    }
}

/// Lets a request in, or refuses it.
pub async fn admit<T: Executor>(mut store: T, request: Request, clock: GateContext) -> Result<Admitted<T>> {
    let now = clock.now;
    let actor = &request.actor;
    let target = resolve(&mut store, actor, now, &request.path).await?;
    method_allowed(&request, &target)?;
    let destination = match &request.destination {
        Some(path) => Some(resolve(&mut store, actor, now, path).await?),
        None => None,
    };
    if let Some(destination) = &destination {
        destination_usable(&request, &target, destination)?;
    }
    let at = target.node().map(Node::traits);
    let overwriting = destination.as_ref().is_some_and(|d| d.node().is_some() && !same_node(&target, d));
    let declared = match () {
        () if request.about_sharing => sharing_effects(at),
        () if request.of_own_part => own_effects(),
        () => effects(request.method, at),
    };
    let granted: Vec<(Effect, EffectPlace)> =
        declared.iter().filter(|(_, place)| *place != EffectPlace::Overwritten || overwriting).copied().collect();
    may_write(&request, &granted, &target)?;
    for (effect, place) in &granted {
        may(&request, *effect, *place, &target, destination.as_ref())?;
    }
    let there = destination.as_ref();
    for target in [Some(&target).filter(|_| takes(&request, &target, there)), there.filter(|_| overwriting)] {
        nothing_unseen(&mut store, target).await?;
    }
    let not_modified = preconditions(&mut store, &request, &target, destination.as_ref(), &clock).await?;
    for (effect, place) in granted.iter().filter(|(effect, _)| effect.needs_token()) {
        tokens_shown(&mut store, &request, *effect, *place, &target, destination.as_ref(), now).await?;
    }
    name_free(&request, &target)?;
    Ok(Admitted { store, request, target, destination, not_modified, granted, now, book: clock.book, seal: clock.seal })
}

/// Do both lead to one node of the same view? A version is another resource than its document.
fn same_node(one: &Target, other: &Target) -> bool {
    one.realm == other.realm && one.node().map(|node| node.id) == other.node().map(|node| node.id)
}

/// 404 for what the actor may not know of and for what is not there, 405 for what the kind does not do, 409 where the
/// collection to put it in is missing.
fn method_allowed(request: &Request, target: &Target) -> Result<()> {
    if !target.privileges.contains(request.reads) {
        return Err(Condition::NotFound.into());
    }
    let creates = matches!(request.method, Method::Put | Method::Mkcol | Method::Mkcalendar | Method::Lock);
    let methods = allowed(target);
    match (target.node(), target.parent()) {
        (Some(_), _) if methods.contains(request.method) => Ok(()),
        (Some(_), _) if request.method == Method::Mkcalendar => Err(Condition::ResourceMustBeNull.into()),
        (Some(_), _) if request.method == Method::Mkcol => {
            Err(Refusal::of(Condition::AlreadyMapped).because(Detail::Allow(methods.allow())).into())
        }
        (None, _) if !creates => Err(Condition::NotFound.into()),
        (None, Some(parent)) if methods.contains(request.method) => {
            debug_assert!(parent.node.is_collection());
            checked_place(target)
        }
        (None, Some(parent)) if parent.node.is_collection() && makes_collection_in_calendar(request, parent) => {
            Err(Condition::CalendarCollectionLocationOk.into())
        }
        (None, Some(parent)) if parent.node.is_collection() => {
            Err(Refusal::of(Condition::MethodNotAllowed).because(Detail::Allow(methods.allow())).into())
        }
        (None, _) => Err(Refusal::of(Condition::ParentMissing).at(target.parent_href()).into()),
        (Some(_), _) => Err(Refusal::of(Condition::MethodNotAllowed).because(Detail::Allow(methods.allow())).into()),
    }
}

/// Calendars stand in the calendars of a home, and hold no collections (RFC 4791 sections 4.2 and 5.3.1).
fn makes_collection_in_calendar(request: &Request, parent: &Link) -> bool {
    match request.method {
        Method::Mkcalendar => true,
        Method::Mkcol => parent.node.traits().is_calendar(),
        _ => false,
    }
}

/// May something come to stand there: is the name allowed, and not too deep?
fn checked_place(target: &Target) -> Result<()> {
    if target.path.is_too_deep() {
        return Err(Condition::TooDeep.into());
    }
    let free = target.parent().is_some_and(|parent| parent.node.kind.holds_free_names());
    let named = if free { filename::check_free(target.name()) } else { filename::check(target.name()) };
    let calendar = target.parent().is_some_and(|parent| parent.node.kind == Kind::CalendarHome);
    let named = named.and_then(|()| if calendar { free_for_calendar(target.name()) } else { Ok(()) });
    named.map_err(|error| Refusal::of(Condition::NameNotAllowed).because(Detail::Name(error)).into())
}

/// In a home of calendars some names stand for what is not stored there.
fn free_for_calendar(name: &str) -> std::result::Result<(), NameError> {
    match filename::match_name(name) {
        key if SERVERS_OWN.contains(&key.as_str()) => Err(NameError::ServersOwn),
        _ => Ok(()),
    }
}

/// Is there a place for the source at the destination?
fn destination_usable(request: &Request, target: &Target, destination: &Target) -> Result<()> {
    let missing = || Refusal::of(Condition::ParentMissing).at(destination.parent_href());
    if !destination.privileges.contains(Privilege::Read) {
        return Err(missing().into());
    }
    let Some(parent) = destination.parent() else { return Err(missing().into()) };
    if !parent.node.is_collection() {
        return Err(missing().into());
    }
    let holder = parent.node.traits();
    // What is not there yet holds only what is published there.
    let kind = target.node().map(Node::copied_kind).filter(|_| parent.node.kind != Kind::Published);
    if kind.is_none() || (holder.put != kind && holder.mkcol != kind) {
        let calendar = kind == Some(Kind::Calendar);
        let condition = if calendar { Condition::CalendarCollectionLocationOk } else { Condition::CannotHold };
        let refusal = Refusal::of(condition);
        return Err(if calendar { refusal } else { refusal.at(destination.parent_href()) }.into());
    }
    checked_place(destination)?;
    let live = target.realm == destination.realm;
    // A restoration takes another name where its own is taken meanwhile.
    let restores = request.method == Method::Move && target.realm == AddressSpace::Trash;
    if let (Some(source), Some(there)) = (target.node(), destination.node().filter(|_| !restores || !request.overwrite))
    {
        if live && source.id == there.id {
            let renames = request.method == Method::Move && source.name != destination.name();
            return if renames { Ok(()) } else { Err(Condition::SameResource.into()) };
        }
        if live && target.is_below(destination) {
            return Err(Condition::IntoItself.into());
        }
        if !request.overwrite {
            return Err(Condition::PreconditionFailed.into());
        }
        if destination.respelled {
            return Err(taken(there.name.clone()));
        }
    }
    if live && destination.is_below(target) {
        return Err(Condition::IntoItself.into());
    }
    Ok(())
}

fn taken(name: String) -> Error {
    Refusal::of(Condition::NameTaken).because(Detail::Taken(name)).into()
}

/// A PUT to a name that is there in another spelling comes from a client that respects case and believes the name
/// free: refuse, or one document would silently replace another. Who shows the document's lock knows what he writes.
fn name_free(request: &Request, target: &Target) -> Result<()> {
    match target.node() {
        Some(node) if request.method == Method::Put && target.respelled => {
            let held =
                request.preconditions.submitted().any(|token| target.covering().any(|(lock, _)| lock.token == token));
            if held { Ok(()) } else { Err(taken(node.name.clone())) }
        }
        _ => Ok(()),
    }
}

/// A log-in that only reads admits no method that may change something, also where its effects take no more than
/// reading: taking a lock off, or what one sets about a calendar for oneself.
fn may_write(request: &Request, granted: &[(Effect, EffectPlace)], target: &Target) -> Result<()> {
    if !request.actor.read_only || !request.method.writes() {
        return Ok(());
    }
    let reading = PrivilegeSet::of(&[Privilege::Read]);
    let mut missing = granted.iter().map(|(effect, _)| effect.privilege()).filter(|needed| !reading.contains(*needed));
    let privilege = missing.next().unwrap_or(Privilege::WriteProperties);
    Err(Refusal::of(Condition::NeedPrivileges).at(target.href()).because(Detail::Privilege(privilege)).into())
}

/// 403 `need-privileges`, naming resource and privilege (RFC 3744 section 7.1.1).
fn may(
    request: &Request,
    effect: Effect,
    place: EffectPlace,
    target: &Target,
    destination: Option<&Target>,
) -> Result<()> {
    let at = match place {
        EffectPlace::Target | EffectPlace::Parent => target,
        EffectPlace::DestinationParent | EffectPlace::Overwritten => {
            destination.ok_or_else(|| Refusal::of(Condition::BadRequest).text("the Destination header is missing"))?
        }
    };
    let privilege = if effect == Effect::Read { request.reads } else { effect.privilege() };
    if at.privileges_at(place).contains(privilege) {
        return Ok(());
    }
    let href = if place == EffectPlace::Target { at.href() } else { at.parent_href() };
    Err(Refusal::of(Condition::NeedPrivileges).at(href).because(Detail::Privilege(privilege)).into())
}

/// Does a request take what is private in the target to where others see it, or away from those who do? A link that is
/// deleted leaves its calendar as it is.
fn takes(request: &Request, target: &Target, destination: Option<&Target>) -> bool {
    let Some(node) = target.node() else { return false };
    let there = destination.and_then(Target::parent).map(|parent| parent.node.home_id);
    match request.method {
        Method::Copy => true,
        Method::Move => there != Some(node.home_id),
        Method::Delete => node.view != View::Linked,
        _ => false,
    }
}

/// What one does not see is neither copied nor moved to another home, where it would show, nor deleted or overwritten
/// with the calendar that it is in.
async fn nothing_unseen(store: &mut impl Executor, target: Option<&Target>) -> Result<()> {
    let Some(target) = target else { return Ok(()) };
    let unseen = match target.node() {
        _ if target.sees_private => false,
        Some(node) if node.kind == Kind::Calendar => calendar::holds_private(store, node.id).await?,
        node => node.is_some_and(|node| node.view == View::Masked),
    };
    if unseen {
        let refusal = Refusal::of(Condition::NeedPrivileges).at(target.href());
        return Err(refusal.because(Detail::Privilege(Privilege::Read)).into());
    }
    Ok(())
}

/// 412, or `true` for 304.
async fn preconditions(
    store: &mut impl Executor,
    request: &Request,
    target: &Target,
    destination: Option<&Target>,
    clock: &GateContext,
) -> Result<bool> {
    // Tokens cost something, and are compared by `If` alone.
    let state = if request.preconditions.if_lists.is_empty() {
        target.untokened_state(&clock.seal)
    } else {
        let state = target.state(&clock.seal);
        if !dav_holds(store, request, target, destination, &state, clock).await? {
            return Err(Condition::PreconditionFailed.into());
        }
        state
    };
    let reading = matches!(request.method, Method::Get | Method::Head);
    match request.preconditions.http(&state, reading) {
        Outcome::Proceed => Ok(false),
        Outcome::NotModified => Ok(true),
        Outcome::Failed if knows_schedule(store, request, target, state, &clock.seal).await? => Ok(false),
        Outcome::Failed => Err(Condition::PreconditionFailed.into()),
    }
}

/// A client that knows no schedule tags sends an entity tag. While nothing but answers of others has come since that
/// was issued it would have the same schedule tag, so it knows enough to answer: what else it may not do is said where
/// the change is planned.
async fn knows_schedule(
    store: &mut impl Executor,
    request: &Request,
    target: &Target,
    state: ResourceState,
    seal: &TokenSeal,
) -> Result<bool> {
    let preconditions = &request.preconditions;
    let changes = matches!(request.method, Method::Put | Method::Delete);
    let Some((node, schedule_hash)) = target.node().and_then(|node| Some((node, node.schedule_hash.as_deref()?)))
    else {
        return Ok(false);
    };
    let is_old_client = preconditions.if_match.is_some() && preconditions.if_schedule_tag_match.is_none();
    if !changes || !is_old_client || node.hash.as_deref() == Some(schedule_hash) {
        return Ok(false);
    }
    let issued = version::issued_since(store, node.id, schedule_hash, MAX_ISSUED).await?;
    let holds = |hash: String| {
        let then = Node { hash: Some(hash), ..node.clone() };
        let then = ResourceState { etag: then.etag(seal), ..state.clone() };
        preconditions.http(&then, false) == Outcome::Proceed
    };
    Ok(issued.into_iter().any(holds))
}

/// Does the `If` header hold? Lists may speak of other resources than the request's own.
async fn dav_holds(
    store: &mut impl Executor,
    request: &Request,
    target: &Target,
    destination: Option<&Target>,
    own: &ResourceState,
    clock: &GateContext,
) -> Result<bool> {
    let mut states: HashMap<Path, ResourceState> = HashMap::new();
    for path in request.preconditions.if_lists.iter().filter_map(|list| list.resource.as_ref()) {
        if states.contains_key(path) {
            continue;
        }
        if states.len() == MAX_TAGGED {
            return Err(Refusal::of(Condition::BadRequest).text("the If header speaks of too many resources").into());
        }
        let state = match destination {
            _ if *path == target.path || *path == request.path => own.clone(),
            Some(destination) if *path == destination.path => destination.state(&clock.seal),
            _ => {
                let other = resolve(store, &request.actor, clock.now, path).await?;
                let known = other.privileges.contains(Privilege::Read);
                if known { other.state(&clock.seal) } else { ResourceState::default() }
            }
        };
        states.insert(path.clone(), state);
    }
    Ok(request.preconditions.dav(|resource| match resource {
        None => Some(own),
        Some(path) => states.get(path),
    }))
}

/// 423 `lock-token-submitted` unless each locked resource that is touched has one of its tokens shown by its maker
/// (RFC 4918 section 7.5).
async fn tokens_shown(
    store: &mut impl Executor,
    request: &Request,
    effect: Effect,
    place: EffectPlace,
    target: &Target,
    destination: Option<&Target>,
    now: Timestamp,
) -> Result<()> {
    let at = match place {
        EffectPlace::Target | EffectPlace::Parent => target,
        EffectPlace::DestinationParent | EffectPlace::Overwritten => destination.unwrap_or(target),
    };
    match effect {
        Effect::Bind if place == EffectPlace::Target => shown(request, at.covering()),
        Effect::Bind => shown(request, at.covering_parent()),
        Effect::Unbind => {
            if place != EffectPlace::Target {
                shown(request, at.covering_parent())?;
            }
            let Some(node) = at.node() else { return Ok(()) };
            shown(request, at.covering())?;
            if node.is_collection() {
                subtree_shown(store, request, at, node.home_id, node.id, now).await?;
            }
            Ok(())
        }
        _ => shown(request, at.covering()),
    }
}

/// Of the locks that cover one resource, one must be shown: exclusive ones stand alone, of shared ones any will do.
pub(super) fn shown<'a>(request: &Request, covering: impl Iterator<Item = (&'a Lock, String)>) -> Result<()> {
    let mut locked = None;
    for (lock, root) in covering {
        if is_shown(request, lock) {
            return Ok(());
        }
        locked.get_or_insert(root);
    }
    locked.map_or(Ok(()), |root| Err(Refusal::of(Condition::LockTokenSubmitted).at(root).into()))
}

pub(super) fn is_shown(request: &Request, lock: &Lock) -> bool {
    lock.principal_id == request.actor.id && request.preconditions.submitted().any(|token| token == lock.token)
}

/// The same for each locked resource below a collection that goes.
async fn subtree_shown(
    store: &mut impl Executor,
    request: &Request,
    at: &Target,
    home: Id,
    top: Id,
    now: Timestamp,
) -> Result<()> {
    let locks = lock::below(store, home, top, now).await?;
    for group in locks.chunk_by(|one, other| one.node_id == other.node_id) {
        if group.iter().any(|lock| is_shown(request, lock)) {
            continue;
        }
        let Some(first) = group.first() else { continue };
        let root = root_below(store, at, top, first).await?;
        return Err(Refusal::of(Condition::LockTokenSubmitted).at(root).into());
    }
    Ok(())
}

/// Address of the root of a lock that stands below the collection `top` at `at`.
pub(super) async fn root_below(store: &mut impl Executor, at: &Target, top: Id, lock: &Lock) -> Result<String> {
    let names = node::names_between(store, top, lock.node_id).await?.unwrap_or_default();
    Ok(names.iter().fold(at.path.clone(), |path, name| path.join(name)).href(false))
}
