//! The four verbs that alter the tree: `bind`, `replace`, `patch`, `unbind`.
//!
//! Everything that must not be forgotten hangs on them: the row of the past, the numbers that sync reads, the bytes
//! that quota counts, the locks that go with a node, the sessions and versions of documents.

use super::Edit;
use super::authority::{Verb, bug};
use super::content::{Content, FileContent, PropertyChange};
use super::event::AffectedObjects;
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::filename::{among_documents, match_name};
use crate::model::id::{Id, Seq, Timestamp, representable};
use crate::model::kind::Kind;
use crate::model::name::QName;
use crate::model::node::{Blob, Node};
use crate::model::version::{Arrival, is_litter, is_version, landing_of_move};
use crate::model::view::View;
use crate::store::node::{Added, Removal};
use crate::store::property::EVERYONE;
use crate::store::{body, calendar, inbox, node, past, property, subtree, version};

/// The most bytes of dead properties that one node may carry.
pub const MAX_PROPERTY_BYTES: i64 = 1024 * 1024;
/// The same of those that one person has set on it for themselves.
pub const MAX_PERSONAL_BYTES: i64 = 64 * 1024;

/// Why a node leaves its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UnbindReason {
    /// Someone deleted it.
    Deleted,
    /// Something else takes its place.
    Replaced,
    /// A copy of it stands in another home from now on.
    MovedOut,
    /// It is called off by whoever organized it.
    CalledOff,
    /// A program left it about, and the job clears it away.
    Cleared,
    /// It was there only for what has come of it.
    Temporary,
}

impl UnbindReason {
    /// Does its home lose it by someone's action, so that it counts for the brake (see `trash`)?
    fn is_loss(self) -> bool {
        matches!(self, Self::Deleted | Self::Replaced | Self::MovedOut)
    }
}

/// A name in a collection, and the session in which the request writes there.
#[derive(Clone, Debug)]
pub(super) struct BindTarget {
    pub parent: Node,
    pub name: String,
    pub session: Option<String>,
}

impl Edit {
    /// Gives a free name a node. A document that lands on a name just vacated may be the next version of what
    /// stood there (see `succession`), and then that is what stands there again.
    pub(super) async fn bind(&mut self, slot: BindTarget, content: Content) -> Result<Node> {
        self.authorize(Verb::Bind, slot.parent.id)?;
        let node = self.land(slot, content).await?;
        self.record(Verb::Bind, || AffectedObjects::of(&node));
        Ok(node)
    }

    async fn land(&mut self, BindTarget { parent, name, session }: BindTarget, content: Content) -> Result<Node> {
        let seq = self.seq(parent.home_id)?;
        match content {
            Content::Folder => {
                let kind = parent.traits().mkcol.unwrap_or(Kind::Folder);
                let mut folder = self.fresh(&parent, &name, seq, kind);
                folder.litter = kind == Kind::Folder && is_litter(&name);
                self.insert(&folder).await?;
                self.stamp(&parent, seq, Added::default()).await?;
                Ok(folder)
            }
            Content::File(content) => {
                let identifier = content.identifier;
                let written = self.take(content).await?;
                self.within_quota(parent.home_id, written.held_bytes())?;
                let kind = parent.traits().put.unwrap_or(Kind::File);
                if kind.holds_calendar_object() && self.indexed.is_none() {
                    return Err(bug("a calendar object that was not prepared"));
                }
                let mut document = self.fresh(&parent, &name, seq, kind);
                let carried_on = match (kind, identifier) {
                    (Kind::Object, _) => self.revive(&parent, &name, &document).await?,
                    (_, Some(identifier)) => {
                        document.id = identifier;
                        None
                    }
                    _ => self.carried_on(&parent, &name, Arrival::Written, None).await?,
                };
                if let Some(document) = carried_on {
                    let document = self.another_file(document, self.now).await?;
                    return self.write(document, &parent, written, session).await;
                }
                document.litter = kind == Kind::File && is_litter(&name);
                document.version = 1;
                written.fill(&mut document, self.now);
                self.open_session(&mut document, session);
                self.insert(&document).await?;
                self.stamp(&parent, seq, Added { bytes: document.size_bytes, documents: 1 }).await?;
                Ok(document)
            }
            Content::Copied(source) => {
                let copy = self.copy_of(&source, &parent, &name, seq);
                self.insert(&copy).await?;
                self.copy_supported_components(&source, &copy).await?;
                self.stamp(&parent, seq, Added::of(&copy)).await?;
                Ok(copy)
            }
        }
    }

    /// Gives a free name a node that stands in another collection, or under another name, with all below it.
    pub(super) async fn move_node(&mut self, slot: BindTarget, source: Node, old_parent: &Node) -> Result<Node> {
        let BindTarget { parent, name, session } = slot;
        self.authorize(Verb::Bind, parent.id)?;
        self.authorize(Verb::Move, old_parent.id)?;
        let landing = landing_of_move(source.as_source(), &name, self.person(), self.now);
        let carried_on = match (source.kind, landing) {
            (Kind::File, Arrival::MovedFresh) => self.carried_on(&parent, &name, landing, Some(source.id)).await?,
            _ => None,
        };
        let node = match carried_on {
            Some(document) => self.absorb(source, old_parent, document, &parent, session, true).await?,
            None => self.relocate_node(source, Some(old_parent), &parent, &name).await?,
        };
        self.record(Verb::Move, || AffectedObjects::of(&node));
        Ok(node)
    }

    /// Gives a document new content, in a session or without one.
    pub(super) async fn replace(
        &mut self,
        document: Node,
        parent: &Node,
        content: FileContent,
        session: Option<String>,
    ) -> Result<Node> {
        self.authorize(Verb::Replace, document.id)?;
        if document.kind.holds_calendar_object() && content.indexed.is_none() {
            return Err(bug("a calendar object that was not prepared"));
        }
        let written = self.take(content).await?;
        let document = self.write(document, parent, written, session).await?;
        self.record(Verb::Replace, || AffectedObjects::of(&document));
        Ok(document)
    }

    /// Changes properties of a node, all or none. `parent`: the collection that it stands in.
    pub(super) async fn patch(&mut self, node: Node, parent: Option<Node>, changes: &[PropertyChange]) -> Result<()> {
        let verb = if node.view == View::Linked { Verb::Personalize } else { Verb::Patch };
        self.authorize(verb, node.id)?;
        self.record(verb, || AffectedObjects::of(&node));
        match node.view {
            View::Linked => return self.personalize(node.id, changes).await,
            View::Version => return self.annotate(&node, changes).await,
            _ => {}
        }
        self.apply(node, parent, changes).await
    }

    /// The same of a node that stands where it is, by whoever was authorised.
    pub(super) async fn apply(
        &mut self,
        mut node: Node,
        parent: Option<Node>,
        changes: &[PropertyChange],
    ) -> Result<()> {
        node.seq = self.seq(node.home_id)?;
        let dead = changes.iter().any(|change| matches!(change, PropertyChange::Set(..) | PropertyChange::Remove(_)));
        if dead {
            self.properties_change(&node).await?;
        }
        for change in changes {
            match change {
                PropertyChange::Set(name, xml) => property::set(&mut self.txn, node.id, EVERYONE, name, xml).await?,
                PropertyChange::Remove(name) => property::remove(&mut self.txn, node.id, EVERYONE, name).await?,
                PropertyChange::ModifiedAt(at) => node.modified_at = representable(*at),
                PropertyChange::Comment(comment) => comment.clone_into(&mut node.comment),
                PropertyChange::Shareable => {}
                // It is said of the home, or of its calendars.
                PropertyChange::DefaultCalendar(_) | PropertyChange::BusyCalendars(_) if node.kind == Kind::Inbox => {}
                PropertyChange::Kept(_)
                | PropertyChange::Delegates(_)
                | PropertyChange::DefaultCalendar(_)
                | PropertyChange::BusyCalendars(_) => {
                    return Err(Condition::CannotModifyProtectedProperty.into());
                }
            }
        }
        if dead {
            self.properties_changed(&node).await?;
            self.properties_fit(node.id, EVERYONE, MAX_PROPERTY_BYTES).await?;
        }
        let parent = parent.filter(|parent| parent.traits().sync);
        if parent.is_none() && !changes.iter().any(|change| matches!(change, PropertyChange::ModifiedAt(_))) {
            node.modified_at = self.now;
        }
        self.stamp(parent.as_ref().unwrap_or(&node), node.seq, Added::default()).await?;
        node::update_properties(&mut self.txn, &node).await?;
        Ok(version::describe(&mut self.txn, &node).await?)
    }

    /// Changes what a calendar of another home is for who sees it in their own: its name, colour, order. Nobody else
    /// sees that.
    async fn personalize(&mut self, node: Id, changes: &[PropertyChange]) -> Result<()> {
        let person = self.person();
        for change in changes {
            match change {
                PropertyChange::Set(name, xml) => property::set(&mut self.txn, node, person, name, xml).await?,
                PropertyChange::Remove(name) => property::remove(&mut self.txn, node, person, name).await?,
                PropertyChange::Shareable => {}
                _ => return Err(Condition::CannotModifyProtectedProperty.into()),
            }
        }
        self.properties_fit(node, person, MAX_PERSONAL_BYTES).await
    }

    /// What one sets is bounded by what one has set: nobody can use up what is another's.
    async fn properties_fit(&mut self, node: Id, whose: Id, most: i64) -> Result<()> {
        if property::size(&mut self.txn, node, whose).await? > most {
            return Err(Condition::TooManyProperties.into());
        }
        Ok(())
    }

    /// Sets dead properties on a node that this change has just bound (extended MKCOL).
    pub(super) async fn set_initial_properties(&mut self, node: &Node, properties: &[(QName, String)]) -> Result<()> {
        for (name, xml) in properties {
            property::set(&mut self.txn, node.id, EVERYONE, name, xml).await?;
        }
        self.properties_changed(node).await?;
        self.properties_fit(node.id, EVERYONE, MAX_PROPERTY_BYTES).await
    }

    /// Takes a node off its name, with all below it and all their locks, into the trash. Its cost is that of the depth.
    /// 403 when it is one deletion too many (see `trash`).
    pub(super) async fn unbind(&mut self, node: Node, parent: &Node, leaving: UnbindReason) -> Result<()> {
        self.authorize(Verb::Unbind, parent.id)?;
        if node.kind == Kind::Calendar && leaving == UnbindReason::Deleted {
            self.keeps_default(&node).await?;
        }
        self.brake(&node).await?;
        self.record(Verb::Unbind, || AffectedObjects::of(&node));
        self.remove(node, parent, leaving).await
    }

    /// A live node leaves its name: into the trash, or without a trace when it is temporary, was never a version, is
    /// the copy of a version that was set aside, of a kind without versions, or what a program left about and takes
    /// away itself. What a document with versions was emptied to is one more of them.
    pub(super) async fn remove(&mut self, mut node: Node, parent: &Node, leaving: UnbindReason) -> Result<()> {
        let seq = self.seq(node.home_id)?;
        let has_versions = node.version > 1;
        self.end_session(&mut node, has_versions).await?;
        self.drop_locks(&node).await?;
        past::end(&mut self.txn, node.id, seq, self.now).await?;
        let (bytes, documents) = (node.size_bytes, node.weight());
        let unmade = !node.is_collection() && !node.sealed && !node.litter;
        match node.kind {
            Kind::Object => calendar::delist(&mut self.txn, node.id).await?,
            Kind::InboxItem => inbox::forget(&mut self.txn, node.id).await?,
            _ => {}
        }
        let traceless = node.hash.is_some() && !node.kind.row().versioned;
        let aside = node.version == 1 && !traceless && version::was_set_aside(&mut self.txn, node.id).await?;
        let litter = node.litter && !(node.is_collection() && subtree::holds_documents(&mut self.txn, node.id).await?);
        let hidden = leaving == UnbindReason::Temporary
            || traceless
            || unmade
            || aside
            || (litter && leaving != UnbindReason::Cleared);
        let own_key = match_name(&among_documents(&node.name));
        if !hidden {
            node.name = self.trash_name(&node).await?;
        }
        let actor = self.person();
        let gone = Removal {
            at: self.now,
            hidden,
            deleted_by: (leaving == UnbindReason::Deleted).then_some(actor),
            lost_by: leaving.is_loss().then_some(actor),
            own_key,
        };
        node::unmap(&mut self.txn, &node, seq, gone).await?;
        self.stamp(parent, seq, -Added { bytes, documents }).await
    }

    /// A node comes to stand at a free name of its home, from where it stood (`old_parent`; `None`: from the trash).
    /// Between homes nothing is moved: the past belongs to the home where it was made (see `move_out`).
    pub(super) async fn relocate_node(
        &mut self,
        mut node: Node,
        old_parent: Option<&Node>,
        parent: &Node,
        name: &str,
    ) -> Result<Node> {
        if node.home_id != parent.home_id {
            return Err(bug("a node that changes its home"));
        }
        let seq = self.seq(node.home_id)?;
        self.end_session(&mut node, false).await?;
        if !is_respelled(&node, parent, name) {
            self.drop_locks(&node).await?;
        }
        if old_parent.is_some() {
            past::end(&mut self.txn, node.id, seq, self.now).await?;
        }
        let mut moved = node.clone();
        moved.parent_id = parent.id;
        moved.name = name.to_owned();
        (moved.placed_seq, moved.placed_at, moved.seq) = (seq, self.now, seq);
        // What was litter by its name is a document under another, and a document is none for its name.
        moved.litter = node.litter && is_litter(name);
        if let Some(old_parent) = old_parent {
            self.stamp(old_parent, seq, -Added::of(&node)).await?;
        }
        self.update_place(&moved).await?;
        self.enlist(&moved).await?;
        self.end_session(&mut moved, false).await?;
        self.stamp(parent, seq, Added::of(&moved)).await?;
        Ok(moved)
    }

    /// Inserts the copies of members below a copy that `bind` has made. Collections are empty so far.
    pub(super) async fn graft(&mut self, sources: &[Node], parent: &Node) -> Result<Vec<Node>> {
        let seq = self.seq(parent.home_id)?;
        let copy = |source: &Node| {
            let mut node = self.copy_of(source, parent, &source.name, seq);
            if node.is_collection() {
                (node.size_bytes, node.documents) = (0, 0);
            }
            node
        };
        let copies: Vec<Node> = sources.iter().map(copy).collect();
        self.insert_all(&copies).await?;
        Ok(copies)
    }

    /// Stores a new node; a sealed version enters the chain.
    pub(super) async fn insert(&mut self, node: &Node) -> Result<()> {
        self.insert_all(std::slice::from_ref(node)).await
    }

    /// Stores new nodes of one collection; all links of the chain after all nodes, so that rows of documents go
    /// together.
    async fn insert_all(&mut self, nodes: &[Node]) -> Result<()> {
        for node in nodes {
            let indexed = self.validate_object(node).await?;
            let by = self.person();
            node::insert(&mut self.txn, node, by).await?;
            if let Some(indexed) = indexed {
                self.list(node, &indexed).await?;
            }
            self.count(node.home_id, node.held_bytes());
        }
        for node in nodes.iter().filter(|node| node.hash.is_some() && node.sealed) {
            self.enter(node).await?;
        }
        Ok(())
    }

    /// Writes where a node stands from now on.
    pub(super) async fn update_place(&mut self, node: &Node) -> Result<()> {
        let by = self.person();
        node::update_place(&mut self.txn, node, by).await?;
        if node.personal_parts && node.kind == Kind::Object {
            self.mark_parts(node).await?;
        }
        Ok(())
    }

    /// A node that comes to stand in a collection.
    pub(super) fn fresh(&self, parent: &Node, name: &str, seq: Seq, kind: Kind) -> Node {
        Node {
            id: Id::generate(),
            parent_id: parent.id,
            home_id: parent.home_id,
            name: name.to_owned(),
            kind,
            owner_id: parent.owner_id,
            placed_seq: seq,
            placed_at: self.now,
            seq,
            members_seq: seq,
            created_at: self.now,
            modified_at: self.now,
            sealed: true,
            ..Node::default()
        }
    }

    /// Who counts as the author of a copy in a home, and by which device: the actor, unless it is a MOVE to another
    /// home.
    pub(super) fn copyist(&self, source: &Node, home: Id) -> (Option<Id>, Option<String>) {
        if self.moves_out(source, home) {
            return (source.author_id, source.device.clone());
        }
        (Some(self.person()), self.device())
    }

    /// When a copy in a home counts as made: MOVE keeps the date, COPY begins a new one (RFC 4918 section 15.1).
    pub(super) fn made_at(&self, source: &Node, home: Id) -> Timestamp {
        if self.moves_out(source, home) { source.created_at } else { self.now }
    }

    pub(super) fn moves_out(&self, source: &Node, home: Id) -> bool {
        self.moves && source.home_id != home
    }

    /// A new node with the content of `source`.
    pub(super) fn copy_of(&self, source: &Node, parent: &Node, name: &str, seq: Seq) -> Node {
        let kind = source.copied_kind();
        let mut copy = self.fresh(parent, name, seq, kind);
        let (author, device) = self.copyist(source, parent.home_id);
        if let Some(written) = Written::of(source, author, device) {
            written.fill(&mut copy, self.now);
            copy.version = 1;
            copy.schedule_hash = copy.schedule_hash.filter(|_| kind == Kind::Object);
        }
        copy.created_at = self.made_at(source, parent.home_id);
        copy.modified_at = source.modified_at;
        (copy.size_bytes, copy.documents) = (source.size_bytes, source.documents);
        copy.litter = matches!(kind, Kind::File | Kind::Folder) && is_litter(name);
        copy.sealed = kind.is_collection() || is_version(copy.size_bytes, self.now, copy.litter, true, self.now);
        copy
    }

    pub(super) async fn store_body(&mut self, blob: &Blob) -> Result<()> {
        if let Some(data) = &blob.inline
            && self.stored.as_ref() != Some(&blob.hash)
        {
            body::insert(&mut self.txn, &blob.hash, data, self.now).await?;
            self.stored = Some(blob.hash.clone());
        }
        Ok(())
    }

    /// Enters a change below in a collection and all above it: bytes and documents added.
    pub(super) async fn stamp(&mut self, collection: &Node, seq: Seq, added: Added) -> Result<()> {
        Ok(node::stamp(&mut self.txn, collection.id, seq, added, self.now).await?)
    }
}

/// Does a node keep its address and get but another spelling of its name?
fn is_respelled(node: &Node, parent: &Node, name: &str) -> bool {
    node.parent_id == parent.id && parent.kind.member_key(&node.name) == parent.kind.member_key(name)
}
