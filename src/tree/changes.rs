//! Members changed since a token, RFC 6578: read from the tree and its past, for there is no other log.
//!
//! Changes are listed in the order (number, gone names before live nodes, key), so a page may end anywhere and the
//! token that closes it says exactly what was sent. At depth infinity a folder that was moved into place is listed with
//! all that lies below it, for each of these has a new address, though nothing about it changed. "Moved" means: put
//! into place after the *base*, which is what the client knew when it began to ask; pages carry it on. Where the name
//! of a folder led to something else after the base, what stood below the old folder and does not stand there now is
//! gone, name by name.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::edit::lock::covering;
use super::former_descendants::{DescendantStep, FormerDescendants};
use super::gate::Admitted;
use super::resolve::{notification_node, resolve};
use super::resource::{Needs, Resource};
use super::walk::MemberAddress;
use crate::model::budget::{Budget, MAX_STEPS, more};
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::filename::{is_unshown, match_name};
use crate::model::id::{Id, Seq};
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::token::SyncToken;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::past::HomeSince;
use crate::store::{node, past, share};

/// How many changes are read at a time.
const PAGE: usize = 1000;
/// How many one answer lists at most: so many that few clients ever meet a page that does not end, for some of them do
/// not ask on.
const MOST: usize = 20_000;

/// How many changes one page looks at, and questions it asks of what stood below folders: at depth infinity most may
/// lie elsewhere in the home and fill no page.
const MAX_EXAMINED: usize = 2 * MOST;
/// What such a question costs of the budget. A page that has to be read twice has enough for both.
const STEPS_EACH: u64 = MAX_STEPS / 2 / MAX_EXAMINED as u64;
/// A page ends when its addresses and dead properties are so many bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// One change.
pub enum MemberChange {
    /// A member that is there.
    Live(Box<Resource>),
    /// The address of a member that is not there any more.
    Gone(String),
}

/// A page of changes.
pub struct Changes {
    /// In order.
    pub changes: Vec<MemberChange>,
    /// Stands for exactly what was sent.
    pub token: String,
    /// There is more to send.
    pub truncated: bool,
}

/// What was sent last, inside the change `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SyncPosition {
    /// A name that a collection lost; and, where something else bears it, the last path sent of what stood below:
    /// `None`, all.
    Gone(Id, String, Option<String>),
    /// A live node, and the last one sent of what lies below it.
    Live(Id, Id),
    All,
}

impl SyncPosition {
    /// What a token says of it, with the base.
    fn to_text(&self, base: Seq) -> Option<String> {
        match self {
            Self::Gone(parent, name, None) => Some(format!("{base} g{parent} {name}")),
            Self::Gone(parent, name, Some(below)) => Some(format!("{base} g{parent} {name}/{below}")),
            Self::Live(node, below) => Some(format!("{base} l{node} {below}")),
            Self::All => None,
        }
    }

    fn parse(text: &str) -> Option<(Seq, Self)> {
        let (base, rest) = text.split_once(' ')?;
        let (head, tail) = rest.split_once(' ')?;
        let id = |text: &str| text.parse().ok().map(Id);
        let sent = match head.strip_prefix('g') {
            Some(parent) => {
                let (name, below) = tail.split_once('/').map_or((tail, None), |(name, below)| (name, Some(below)));
                Self::Gone(id(parent)?, name.to_owned(), below.map(str::to_owned))
            }
            None => Self::Live(id(head.strip_prefix('l')?)?, id(tail)?),
        };
        Some((base.parse().ok()?, sent))
    }

    fn cursor(&self, seq: Seq) -> past::ChangeCursor {
        const LAST: Id = Id(i64::MAX);
        match self {
            Self::Gone(parent, name, _) => past::ChangeCursor { seq, parent: *parent, name: name.clone(), node: Id(0) },
            Self::Live(node, _) => past::ChangeCursor { seq, parent: LAST, name: String::new(), node: *node },
            Self::All => past::ChangeCursor { seq, parent: LAST, name: String::new(), node: LAST },
        }
    }
}

/// An entry before its address is known.
enum ChangeEntry {
    Gone(past::GoneName),
    Live(Arc<Node>),
}

impl ChangeEntry {
    fn seq(&self) -> Seq {
        match self {
            Self::Gone(gone) => gone.seq,
            Self::Live(node) => node.seq,
        }
    }

    /// The collection that it concerns.
    fn holder(&self) -> Id {
        match self {
            Self::Gone(gone) => gone.parent,
            Self::Live(node) => node.parent_id,
        }
    }
}

impl<T: Executor> Admitted<T> {
    /// Changes since `since` (`None`: everything there is), at most `limit` of them, and as many as the budget allows.
    /// 403 `valid-sync-token` for a token of another collection, another epoch, the future, or a past that is no longer
    /// kept.
    pub async fn changes(
        &mut self,
        since: Option<&str>,
        deep: bool,
        limit: Option<usize>,
        budget: &Budget,
        needs: Needs,
    ) -> Result<Changes> {
        let Some(top) = self.target.node().cloned().filter(|node| node.traits().sync) else {
            return Err(Condition::SupportedReport.into());
        };
        let limit = limit.unwrap_or(MOST).clamp(1, MOST);
        if top.kind.holds_nodes() {
            self.nodes_since((since, deep), &top, limit, budget, needs).await
        } else {
            self.notifications_since(since, &top, limit, needs).await
        }
    }

    /// The same of a collection of nodes.
    async fn nodes_since(
        &mut self,
        (since, deep): (Option<&str>, bool),
        top: &Node,
        limit: usize,
        budget: &Budget,
        needs: Needs,
    ) -> Result<Changes> {
        let (from, base, sent) = self.start(since, top, (deep, needs.width)).await?;
        let place = self.place();
        let scope = Scope { top, place: &place, deep, base, from, needs, budget };
        let mut page = ChangesBuilder {
            changes: Vec::new(),
            gone: HashSet::new(),
            limit,
            bytes: 0,
            examined: 0,
            seq: from,
            sent: sent.clone(),
            full: false,
        };
        match &sent {
            SyncPosition::Live(id, below) if deep => self.rest_below(&scope, *id, *below, &mut page).await?,
            SyncPosition::Gone(parent, name, Some(below)) if deep => {
                let bearer = past::member(&mut self.store, *parent, &match_name(name)).await?;
                let bearer = bearer.filter(|bearer| bearer.name == *name).map(|bearer| bearer.id);
                self.rest_gone(&scope, (*parent, name, bearer), below, &mut page).await?;
            }
            _ => {}
        }
        let mut sent = page.sent.clone();
        let mut seq = from;
        // Who has seen the last change has seen all.
        let behind = from < top.latest_seq() || !matches!(sent, SyncPosition::All);
        while behind && !page.full {
            let (entries, next) = self.entries(&scope, &sent.cursor(seq), since.is_some()).await?;
            page.examined += entries.len();
            for entry in entries {
                // What stands elsewhere fills no page, nor does it say that there is more to send.
                let place = self.place_below(&scope, entry.holder()).await?;
                if place.is_some() && page.full() {
                    break;
                }
                self.list(&scope, entry, place, &mut page).await?;
            }
            let Some((to, up_to)) = next else { break };
            (seq, sent) = (to, up_to);
            page.full = page.full || page.examined >= MAX_EXAMINED;
        }
        let truncated = page.full;
        let all = top.sync_token();
        let token = match truncated {
            true => SyncToken { seq: page.seq, after: page.sent.to_text(base), ..all },
            false => all,
        };
        let token = self.seal.write(&token);
        Ok(Changes { changes: page.changes, token, truncated })
    }

    /// Where to go on: the number, the base, and what was sent of that number.
    async fn start(
        &mut self,
        since: Option<&str>,
        top: &Node,
        (deep, width): (bool, Width),
    ) -> Result<(Seq, Seq, SyncPosition)> {
        // Who begins now gets all that stands now by its own number; only later moves concern what was sent.
        let Some(text) = since else { return Ok((0, top.latest_seq(), SyncPosition::All)) };
        let refused = || Refusal::of(Condition::ValidSyncToken);
        let token = self.token_of(text, top).ok_or_else(refused)?;
        let (base, sent) = match token.after.as_deref() {
            Some(text) => SyncPosition::parse(text).ok_or_else(refused)?,
            None => (token.seq, SyncPosition::All),
        };
        // Whoever makes up such a token learns of no change since they are handed out sealed.
        if token.plain && token.seq.max(base) > past::plain_seq(&mut self.store, top.home_id).await? {
            return Err(refused().into());
        }
        // Of what has not changed since, nothing can have been forgotten.
        let unchanged = base == top.latest_seq();
        if !unchanged && !deep {
            let at = sent.cursor(token.seq);
            past::prefetch_changes(&mut self.store, top.id, top.home_id, &at, PAGE as i64, width).await?;
        }
        let kept = unchanged || base >= past::oldest_seq(&mut self.store, top.home_id).await?;
        // A collection that was put into place since may have been in another home, whose numbers mean nothing here.
        if !kept || token.seq.max(base) > top.latest_seq() || base < top.placed_seq {
            return Err(refused().into());
        }
        Ok((token.seq, base, sent))
    }

    /// What a person was notified of since a token, and what they are done with.
    async fn notifications_since(
        &mut self,
        since: Option<&str>,
        top: &Node,
        limit: usize,
        needs: Needs,
    ) -> Result<Changes> {
        let from = match since {
            Some(text) => {
                let token = self.token_of(text, top).filter(|token| !token.plain).ok_or(Condition::ValidSyncToken)?;
                let kept = token.seq >= share::oldest_seq(&mut self.store, top.owner_id).await?;
                if !kept || token.seq > top.latest_seq() {
                    return Err(Condition::ValidSyncToken.into());
                }
                Some(token.seq)
            }
            None => None,
        };
        let mut found =
            share::notifications_since(&mut self.store, top.owner_id, from, limit.saturating_add(1) as i64).await?;
        let truncated = found.len() > limit;
        found.truncate(limit);
        let whole = top.sync_token();
        let token = match found.last().filter(|_| truncated) {
            Some(last) => SyncToken { seq: last.id.0, ..whole },
            None => whole,
        };
        let (token, place) = (self.seal.write(&token), self.place());
        let mut changes = Vec::with_capacity(found.len());
        for notification in found {
            if notification.hash.is_empty() {
                changes.push(MemberChange::Gone(place.address(&notification.name, false)));
                continue;
            }
            let mut resource = place.member(notification_node(top, notification));
            self.load(&mut resource, needs).await?;
            changes.push(MemberChange::Live(Box::new(resource)));
        }
        Ok(Changes { changes, token, truncated })
    }

    /// Reads a token of a collection; `None`: it is none, or that of another.
    fn token_of(&self, text: &str, top: &Node) -> Option<SyncToken> {
        self.seal.read(text).filter(|token| token.node == top.id && token.home == top.home_id)
    }

    /// The next entries after the cursor, merged in order; and up to where they are sent, unless that was all.
    async fn entries(
        &mut self,
        scope: &Scope<'_>,
        at: &past::ChangeCursor,
        with_gone: bool,
    ) -> Result<(Vec<ChangeEntry>, Option<(Seq, SyncPosition)>)> {
        let limit = PAGE as i64;
        let Scope { top, deep, base, needs, .. } = *scope;
        let live = if deep {
            past::changed_in_home(&mut self.store, top.home_id, at, limit).await?
        } else {
            past::changed(&mut self.store, top, at, limit, needs.width).await?
        };
        let gone = match (with_gone, deep) {
            (false, _) => Vec::new(),
            (true, true) => {
                past::gone_in_home(&mut self.store, HomeSince { home: top.home_id, base }, at, limit).await?
            }
            (true, false) => past::gone(&mut self.store, top.id, top.home_id, at, limit).await?,
        };
        // Where one side was cut, the other must not run ahead of it; of one change gone names come first.
        let live_end = live.end.as_ref().map(|node| (node.seq, SyncPosition::Live(node.id, Id(i64::MAX))));
        let cut = gone.last().filter(|_| gone.len() == PAGE);
        let gone_end = cut.map(|gone| (gone.seq, SyncPosition::Gone(gone.parent, gone.name.clone(), None)));
        let gone_first = match (&gone_end, &live_end) {
            (Some((gone, _)), Some((live, _))) => gone <= live,
            (gone, _) => gone.is_some(),
        };
        let end = if gone_first { gone_end } else { live_end };
        let bound = end.as_ref().map_or(Seq::MAX, |(seq, _)| *seq);
        let mut entries: Vec<ChangeEntry> = gone.into_iter().map(ChangeEntry::Gone).collect();
        let nodes = self.as_seen(top, Arc::clone(&live.nodes)).await?;
        entries.extend(nodes.iter().map(|node| ChangeEntry::Live(Arc::clone(node))));
        entries.retain(|entry| {
            entry.seq() < bound || entry.seq() == bound && (matches!(entry, ChangeEntry::Gone(_)) || !gone_first)
        });
        entries.sort_by_key(|entry| (entry.seq(), matches!(entry, ChangeEntry::Live(_))));
        Ok((entries, end))
    }

    /// Lists what stands, or stood, in a collection, if that is at or below the target.
    async fn list(
        &mut self,
        scope: &Scope<'_>,
        entry: ChangeEntry,
        place: Option<Cow<'_, MemberAddress>>,
        page: &mut ChangesBuilder,
    ) -> Result<()> {
        match entry {
            ChangeEntry::Gone(gone) => {
                page.seq = gone.seq;
                page.sent = SyncPosition::Gone(gone.parent, gone.name.clone(), None);
                let Some(place) = place else { return Ok(()) };
                if gone.bearer.is_some() {
                    return self.rest_gone(scope, (gone.parent, &gone.name, gone.bearer), "", page).await;
                }
                if !is_unshown(&gone.name) {
                    page.gone(place.address(&gone.name, gone.collection));
                }
            }
            ChangeEntry::Live(node) => {
                page.seq = node.seq;
                page.sent = SyncPosition::Live(node.id, Id(i64::MAX));
                let (id, placed) = (node.id, node.placed_seq);
                let moved_in = scope.deep && node.is_collection() && placed > scope.base;
                if node.id != scope.top.id
                    && let Some(place) = place
                {
                    self.push(scope, node, &place, page).await?;
                    if moved_in {
                        page.sent = SyncPosition::Live(id, Id(0));
                        self.rest_below(scope, id, Id(0), page).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What lies below a folder that was moved into place and did not itself change since the client last asked.
    async fn rest_below(&mut self, scope: &Scope<'_>, folder: Id, after: Id, page: &mut ChangesBuilder) -> Result<()> {
        let mut after = after;
        while after != Id(i64::MAX) {
            let nodes = node::below(&mut self.store, folder, scope.from, after, PAGE as i64).await?;
            if nodes.is_empty() {
                page.sent = SyncPosition::Live(folder, Id(i64::MAX));
                break;
            }
            for node in nodes {
                if page.full() {
                    return Ok(());
                }
                after = node.id;
                if let Some(place) = self.place_below(scope, node.parent_id).await? {
                    self.push(scope, node.into(), &place, page).await?;
                }
                page.sent = SyncPosition::Live(folder, after);
            }
        }
        Ok(())
    }

    /// What stood below collections that lost a name, now that something else bears it. If nothing does any more, that
    /// is a change of its own.
    async fn rest_gone(
        &mut self,
        scope: &Scope<'_>,
        (parent, name, bearer): (Id, &str, Option<Id>),
        after: &str,
        page: &mut ChangesBuilder,
    ) -> Result<()> {
        if let Some(bearer) = bearer
            && let Some(place) = self.place_below(scope, parent).await?
        {
            let since = HomeSince { home: scope.top.home_id, base: scope.base };
            let mut below = FormerDescendants::begin(&mut self.store, since, parent, name, bearer, after).await?;
            let mut sent = after.to_owned();
            let mut counted = 0;
            loop {
                let asked = below.asked - counted;
                counted = below.asked;
                page.examined += asked as usize;
                page.full |= page.examined >= MAX_EXAMINED || !more(scope.budget.steps(asked * STEPS_EACH))?;
                let step = if page.full { None } else { below.next(&mut self.store).await? };
                match step {
                    Some(DescendantStep::On(path)) => sent = path,
                    Some(DescendantStep::Gone(path, collection)) if !page.full() => {
                        let names = std::iter::once(name).chain(path.split('/'));
                        page.gone(place.address_below(names, collection));
                        sent = path;
                    }
                    None if !page.full => break,
                    _ => {
                        page.sent = SyncPosition::Gone(parent, name.to_owned(), Some(sent));
                        return Ok(());
                    }
                }
            }
        }
        page.sent = SyncPosition::Gone(parent, name.to_owned(), None);
        Ok(())
    }

    async fn push(
        &mut self,
        scope: &Scope<'_>,
        node: Arc<Node>,
        place: &MemberAddress,
        page: &mut ChangesBuilder,
    ) -> Result<()> {
        if is_unshown(&node.name) {
            return Ok(());
        }
        let mut resource = place.member(node);
        if scope.needs.locks
            && let Ok(path) = Path::parse(&resource.href)
        {
            let target = resolve(&mut self.store, &self.request.actor, self.now, &path).await?;
            resource.locks = covering(&target);
        }
        self.load(&mut resource, scope.needs).await?;
        page.bytes += resource.href.len() + resource.dead_bytes();
        page.changes.push(MemberChange::Live(Box::new(resource)));
        Ok(())
    }

    /// A collection at or below the target; `None` when it stands elsewhere, or nowhere.
    async fn place_below<'s>(&mut self, scope: &Scope<'s>, collection: Id) -> Result<Option<Cow<'s, MemberAddress>>> {
        if collection == scope.top.id {
            return Ok(Some(Cow::Borrowed(scope.place)));
        }
        if !scope.deep {
            return Ok(None);
        }
        let names = node::names_between(&mut self.store, scope.top.id, collection).await?;
        let path = names.map(|names| names.iter().fold(self.target.path.clone(), |path, name| path.join(name)));
        Ok(path.map(|path| Cow::Owned(MemberAddress::of(&path, self.target.privileges))))
    }
}

/// What is requested, and how far the client's knowledge goes.
struct Scope<'a> {
    top: &'a Node,
    place: &'a MemberAddress,
    deep: bool,
    /// What the client knew when it began to ask.
    base: Seq,
    /// What it knows as this page begins.
    from: Seq,
    needs: Needs,
    budget: &'a Budget,
}

/// A page that is being filled, and what it lists so far.
struct ChangesBuilder {
    changes: Vec<MemberChange>,
    /// Addresses listed as gone: one may be so in several ways, and is listed once.
    gone: HashSet<String>,
    limit: usize,
    /// How many bytes their dead properties and addresses are.
    bytes: usize,
    /// How much was looked at for it.
    examined: usize,
    seq: Seq,
    sent: SyncPosition,
    full: bool,
}

impl ChangesBuilder {
    fn gone(&mut self, href: String) {
        if self.gone.insert(href.clone()) {
            self.bytes += href.len();
            self.changes.push(MemberChange::Gone(href));
        }
    }

    /// Is there no room for one more? From then on the page counts as truncated.
    fn full(&mut self) -> bool {
        self.full = self.full || self.changes.len() >= self.limit || self.bytes >= MAX_BYTES;
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, SyncPosition};

    #[test]
    fn what_was_sent_survives_the_token() {
        for sent in [
            SyncPosition::Gone(Id(4), "a b:c".into(), None),
            SyncPosition::Gone(Id(4), "a b".into(), Some("c d/e".into())),
            SyncPosition::Gone(Id(4), "a".into(), Some(String::new())),
            SyncPosition::Live(Id(7), Id(9)),
        ] {
            assert_eq!(SyncPosition::parse(&sent.to_text(12).expect("a place")), Some((12, sent)));
        }
        assert_eq!(SyncPosition::All.to_text(12), None);
        assert_eq!(SyncPosition::parse("x"), None);
    }
}
