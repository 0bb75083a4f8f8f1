//! Scheduling inboxes: what is put into them for a change, and what goes. An item is a notice and no document: it has
//! no versions, never lies in the trash, and is in nobody's way.

use std::collections::HashSet;

use super::Edit;
use super::authority::Verb;
use super::content::{InboxItem, PropertyChange};
use super::event::AffectedObjects;
use super::verbs::UnbindReason;
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::node::{NODE_BYTES, Node, ROOT};
use crate::model::path::Path;
use crate::model::property::{TRANSPARENCY, TRANSPARENT};
use crate::store::calendar::MAX_BUSY_CALENDARS;
use crate::store::node::{Added, Walk};
use crate::store::{calendar, inbox, node, version};
use crate::tree::calendar::CALENDAR_TYPE;
use crate::tree::gate::Admitted;
use crate::tree::resolve::resolve;
use crate::tree::scheduling::plan::PlannedItem;
use crate::tree::target::{CALENDARS, INBOX, keys};

const DAY_S: i64 = 86_400;
/// How long an item stays after the last occurrence of what it is about.
const KEPT_S: i64 = 30 * DAY_S;
/// An occurrence that is further off counts as one at this distance: some series have no last.
const FARTHEST_S: i64 = 366 * DAY_S;

/// When an item goes that comes now.
fn due_at(last_at: Timestamp, now: Timestamp) -> Timestamp {
    last_at.clamp(now, now.saturating_add(FARTHEST_S)).saturating_add(KEPT_S)
}

/// Where an item comes to stand.
#[derive(Clone, Copy)]
struct PlaceInInbox<'a> {
    inbox: &'a Node,
    /// The name of its home.
    home: &'a str,
    name: &'a str,
}

impl Edit {
    /// Puts an item into the inbox of a home, whatever the person may do there whose change it is. Of those that an
    /// organizer sends about a UID the last one stays. Who delivers to many claims all their homes first
    /// (`Edit::claim_homes`). `None`: the home has no room for it, and nobody fails for a notice.
    pub async fn deliver_item(&mut self, home: &str, name: &str, item: InboxItem) -> Result<Option<Node>> {
        self.claim_homes([match_name(home)]).await?;
        let names = keys(home, CALENDARS, &[INBOX.to_owned(), name.to_owned()]);
        let walk = Walk { actor: self.person(), now: self.now, start: ROOT, names: &names };
        let mut links = node::walk(&mut self.txn, walk).await?.into_iter().skip(3).map(|link| link.node);
        let Some(inbox) = links.next().filter(|node| node.kind == Kind::Inbox) else {
            return Err(Condition::NotFound.into());
        };
        let mut overtaken = self.overtaken(&inbox, &item).await?;
        overtaken.extend(links.next().filter(|present| !overtaken.contains(present)));
        self.put_notice(PlaceInInbox { inbox: &inbox, home, name }, overtaken, item).await
    }

    /// Puts items into inboxes of homes that are claimed: what there is in all of them is read at once.
    pub(super) async fn deliver_items(&mut self, uid: &str, items: Vec<PlannedItem>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let homes: Vec<String> = items.iter().map(|planned| match_name(&planned.home)).collect();
        let inboxes = inbox::of_homes(&mut self.txn, &homes).await?;
        let ids: Vec<Id> = inboxes.values().map(|inbox| inbox.id).collect();
        let mut known = inbox::overtaken_in(&mut self.txn, &ids, uid).await?;
        for (PlannedItem { home, item }, key) in items.into_iter().zip(homes) {
            let inbox = inboxes.get(&key).ok_or(Condition::NotFound)?;
            // What is put into an inbox for the second time is held to what stands there by then.
            let read_before = known.remove(&inbox.id).filter(|_| item.from_organizer && item.uid == uid);
            let overtaken = match read_before {
                Some(overtaken) => overtaken,
                None => self.overtaken(inbox, &item).await?,
            };
            let name = format!("{:x}.ics", Id::generate().0);
            // A full inbox gets no notice, but the copy comes.
            self.put_notice(PlaceInInbox { inbox, home: &home, name: &name }, overtaken, item).await?;
        }
        Ok(())
    }

    /// The items of an inbox that one takes the place of.
    async fn overtaken(&mut self, inbox: &Node, item: &InboxItem) -> Result<Vec<Node>> {
        if item.from_organizer {
            Ok(inbox::overtaken(&mut self.txn, inbox.id, &item.uid).await?)
        } else {
            Ok(Vec::new())
        }
    }

    /// `None`: the home has no room for it.
    async fn put_notice(
        &mut self,
        place: PlaceInInbox<'_>,
        overtaken: Vec<Node>,
        item: InboxItem,
    ) -> Result<Option<Node>> {
        match self.within_quota(place.inbox.home_id, NODE_BYTES) {
            Err(Error::Refused(_)) => return Ok(None),
            fits => fits?,
        }
        let (authority, collection) = self.begin_delivery(Path::of(&[CALENDARS, place.home, INBOX]));
        let delivered = self.put_item(place, overtaken, item).await;
        self.end_delivery(authority, collection);
        delivered.map(Some)
    }

    /// 403 `default-calendar-needed` where invitations to a home come into a calendar that is to go (RFC 6638 section
    /// 4.3).
    pub(super) async fn keeps_default(&mut self, calendar: &Node) -> Result<()> {
        match calendar::default_of(&mut self.txn, calendar.home_id).await? {
            Some(default) if default.id == calendar.id => Err(Condition::DefaultCalendarNeeded.into()),
            _ => Ok(()),
        }
    }

    async fn put_item(
        &mut self,
        PlaceInInbox { inbox, name, .. }: PlaceInInbox<'_>,
        mut overtaken: Vec<Node>,
        item: InboxItem,
    ) -> Result<Node> {
        self.authorize(Verb::Bind, inbox.id)?;
        for crowd in item.crowds() {
            let surplus = inbox::surplus(&mut self.txn, inbox.id, crowd.prefix, crowd.most - 1).await?;
            overtaken.extend(surplus.into_iter().filter(|node| !overtaken.contains(node)).collect::<Vec<_>>());
        }
        for earlier in overtaken {
            self.remove(earlier, inbox, UnbindReason::Temporary).await?;
        }
        let seq = self.seq(inbox.home_id)?;
        self.store_body(&item.blob).await?;
        let mut node = Node { version: 1, ..self.fresh(inbox, name, seq, Kind::InboxItem) };
        let content = Written {
            hash: item.blob.hash,
            size_bytes: item.blob.size_bytes,
            content_type: Some(CALENDAR_TYPE.to_owned()),
            modified_at: None,
            // It says itself from whom it is.
            author_id: None,
            device: None,
            schedule_hash: None,
            received: true,
        };
        content.fill(&mut node, self.now);
        let by = self.person();
        node::insert(&mut self.txn, &node, by).await?;
        inbox::enlist(&mut self.txn, &node, &item.uid, item.from_organizer, due_at(item.last_at, self.now)).await?;
        self.count(inbox.home_id, node.held_bytes());
        self.stamp(inbox, seq, Added::of(&node)).await?;
        self.record(Verb::Bind, || AffectedObjects::of(&node));
        Ok(node)
    }

    /// Takes an item whose time has come, if it is still there.
    pub(in crate::tree) async fn prune_item(&mut self, found: &Node) -> Result<bool> {
        self.authorize(Verb::Clear, found.id)?;
        let present = version::node(&mut self.txn, found.id).await?.filter(|(_, gone)| gone.is_none());
        let (Some((item, _)), Some((inbox, _))) = (present, version::node(&mut self.txn, found.parent_id).await?)
        else {
            return Ok(false);
        };
        self.record(Verb::Clear, || AffectedObjects::of(&item));
        self.remove(item, &inbox, UnbindReason::Cleared).await?;
        Ok(true)
    }
}

impl Admitted<Edit> {
    /// Puts an item into the inbox of a home for this change: see [`Edit::deliver_item`].
    pub async fn deliver_item(&mut self, home: &str, name: &str, item: InboxItem) -> Result<Option<Node>> {
        self.store.deliver_item(home, name, item).await
    }

    /// The calendar of the target's home at a path, if invitations may come into it.
    pub async fn default_calendar(&mut self, path: &Path) -> Result<Option<Node>> {
        let Some(calendar) = self.own_calendar(path).await? else { return Ok(None) };
        let components = calendar::components(&mut self.store, calendar.id).await?;
        Ok(components.contains("VEVENT").then_some(calendar))
    }

    /// The calendar at a path, if it is one of the home whose inbox is the target.
    pub async fn own_calendar(&mut self, path: &Path) -> Result<Option<Node>> {
        let inbox = self.node()?;
        let found = resolve(&mut self.store, &self.request.actor, self.now, path).await?;
        let calendar = found.node().filter(|node| node.traits().is_calendar() && node.parent_id == inbox.parent_id);
        Ok(calendar.cloned())
    }

    /// These calendars of the home show when its owner is busy, and no others: what says so is said of each of them.
    pub(super) async fn set_busy_calendars(&mut self, inbox: &Node, paths: &[Path]) -> Result<()> {
        self.store.authorize(Verb::Patch, inbox.id)?;
        let mut chosen = HashSet::new();
        for path in paths {
            let calendar = self.own_calendar(path).await?.ok_or(Condition::PropertyValue)?;
            chosen.insert(calendar.id);
        }
        let counted = calendar::counted(&mut self.store, inbox.owner_id, MAX_BUSY_CALENDARS).await?;
        let counted: HashSet<Id> = counted.iter().map(|calendar| calendar.id).collect();
        for calendar in calendar::countable(&mut self.store, inbox.owner_id, MAX_BUSY_CALENDARS).await? {
            let change = match (counted.contains(&calendar.id), chosen.contains(&calendar.id)) {
                (false, true) => PropertyChange::Remove(TRANSPARENCY),
                (true, false) => PropertyChange::Set(TRANSPARENCY, TRANSPARENT.to_owned()),
                _ => continue,
            };
            self.store.record(Verb::Patch, || AffectedObjects::of(&calendar));
            self.store.apply(calendar, None, &[change]).await?;
        }
        Ok(())
    }

    /// The item at the target is done with. No deletion that counts: it is nobody's document.
    pub(super) async fn remove_item(&mut self, item: Node, inbox: &Node) -> Result<()> {
        self.store.authorize(Verb::Unbind, inbox.id)?;
        self.store.record(Verb::Unbind, || AffectedObjects::of(&item));
        self.store.remove(item, inbox, UnbindReason::Deleted).await
    }
}
