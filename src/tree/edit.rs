//! The four verbs that alter the tree: `bind`, `replace`, `patch`, `unbind`.
//!
//! Everything that must not be forgotten hangs on them: the row of the past, the numbers that sync reads, the bytes that
//! quota counts, the locks that go with a node.

use super::gate::Admitted;
use super::resolve::Target;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, Place};
use crate::model::error::{Error, Failure, Result};
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::kind::Kind;
use crate::model::name::QName;
use crate::model::node::{Blob, Node};
use crate::store::transaction::Txn;
use crate::store::{body, lock, node, past, property};

/// The most bytes of dead properties that one node may carry.
pub const MAX_PROPERTY_BYTES: i64 = 1024 * 1024;

/// What is bound.
pub enum Content {
    /// An empty folder.
    Folder,
    /// A document.
    File(FileContent),
    /// A node that stands elsewhere and is to stand here, with all below it.
    Moved(Node),
    /// A new node like this one, without what is below.
    Copied(Node),
}

/// A document's content.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// The bytes.
    pub blob: Blob,
    /// Media type.
    pub content_type: String,
    /// Modification time by the client's word.
    pub modified_at: Option<Timestamp>,
}

/// One instruction of a PROPPATCH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PropertyChange {
    /// Set a dead property: its name and whole element.
    Set(QName, String),
    /// Remove a dead property.
    Remove(QName),
    /// Set the modification time.
    ModifiedAt(Timestamp),
}

/// Where a binding is made or undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// At the request's path.
    Target,
    /// At the destination.
    Destination,
}

impl Admitted<Txn> {
    fn at(&self, at: At) -> Result<&Target> {
        match at {
            At::Target => Ok(&self.target),
            At::Destination => self.destination.as_ref().ok_or_else(|| bug("a request without destination")),
        }
    }

    /// Gives the free name at `at` a node.
    pub async fn bind(&mut self, at: At, content: Content) -> Result<Node> {
        let place = if at == At::Target { Place::Parent } else { Place::DestinationParent };
        self.granted(Effect::Bind, place)?;
        let (parent, name) = {
            let target = self.at(at)?;
            let parent = target.parent().ok_or_else(|| bug("a binding without a collection"))?;
            (parent.node.clone(), target.name().to_owned())
        };
        let seq = self.seq(parent.home_id)?;
        let node = match content {
            Content::Folder => self.fresh(&parent, &name, seq, Kind::Folder),
            Content::File(content) => {
                self.store_body(&content.blob).await?;
                let mut node = self.fresh(&parent, &name, seq, Kind::File);
                node.fill(content, self.now, self.request.actor.id);
                node.version = 1;
                node
            }
            Content::Copied(source) => self.copy_of(&source, &parent, &name, seq),
            Content::Moved(source) => return self.rebind(source, &parent, &name, seq).await,
        };
        if node.kind == Kind::File {
            self.within_quota(parent.home_id, node.size_bytes)?;
        }
        node::insert(&mut self.store, &node).await?;
        self.stamp(&parent, seq, node.size_bytes).await?;
        Ok(node)
    }

    /// Gives the document at the target new content. The same bytes again change nothing but what the client says of
    /// their time and type.
    pub async fn replace(&mut self, content: FileContent) -> Result<Node> {
        self.granted(Effect::WriteContent, Place::Target)?;
        let mut node = self.target.node().cloned().ok_or_else(|| bug("replacing what is not there"))?;
        let seq = self.seq(node.home_id)?;
        let same = node.hash.as_deref() == Some(&content.blob.hash)
            && content.modified_at.is_none_or(|at| at == node.modified_at)
            && node.content_type.as_deref() == Some(&content.content_type);
        if same {
            return Ok(node);
        }
        let parent =
            self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("a document without folder"))?;
        let added = content.blob.size_bytes - node.size_bytes;
        self.within_quota(node.home_id, added)?;
        self.store_body(&content.blob).await?;
        past::end(&mut self.store, node.id, seq, self.now).await?;
        node.fill(content, self.now, self.request.actor.id);
        node.version += 1;
        node.seq = seq;
        node::update_content(&mut self.store, &node, self.now).await?;
        self.stamp(&parent, seq, added).await?;
        Ok(node)
    }

    /// Changes properties of the target, all or none.
    pub async fn patch(&mut self, changes: &[PropertyChange]) -> Result<()> {
        self.granted(Effect::WriteProperties, Place::Target)?;
        let mut node = self.target.node().cloned().ok_or_else(|| bug("properties of what is not there"))?;
        node.seq = self.seq(node.home_id)?;
        for change in changes {
            match change {
                PropertyChange::Set(name, xml) => property::set(&mut self.store, node.id, name, xml).await?,
                PropertyChange::Remove(name) => property::remove(&mut self.store, node.id, name).await?,
                PropertyChange::ModifiedAt(at) => node.modified_at = *at,
            }
        }
        if property::size(&mut self.store, node.id).await? > MAX_PROPERTY_BYTES {
            return Err(Condition::TooManyProperties.into());
        }
        node::update_properties(&mut self.store, &node).await?;
        if let Some(parent) = self.target.parent().map(|link| link.node.clone()).filter(|p| p.kind.row().sync) {
            self.stamp(&parent, node.seq, 0).await?;
        } else {
            self.stamp(&node, node.seq, 0).await?;
        }
        Ok(())
    }

    /// Sets dead properties on a node that this request has just bound (extended MKCOL).
    pub async fn adorn(&mut self, node: &Node, properties: &[(QName, String)]) -> Result<()> {
        for (name, xml) in properties {
            property::set(&mut self.store, node.id, name, xml).await?;
        }
        if property::size(&mut self.store, node.id).await? > MAX_PROPERTY_BYTES {
            return Err(Condition::TooManyProperties.into());
        }
        Ok(())
    }

    /// Takes the node at `at` off its name, with all below it and all their locks. Its cost is that of the depth.
    pub async fn unbind(&mut self, at: At) -> Result<()> {
        let place = if at == At::Target { Place::Parent } else { Place::Overwritten };
        self.granted(Effect::Unbind, place)?;
        let (node, parent) = {
            let target = self.at(at)?;
            let node = target.node().cloned().ok_or_else(|| bug("unbinding what is not there"))?;
            (node, target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("unbinding the root"))?)
        };
        let seq = self.seq(node.home_id)?;
        self.drop_locks(&node).await?;
        past::end(&mut self.store, node.id, seq, self.now).await?;
        node::unmap(&mut self.store, node.id, seq, self.now).await?;
        self.stamp(&parent, seq, -node.size_bytes).await
    }

    /// The second half of a move: the node leaves its name and stands at another.
    async fn rebind(&mut self, source: Node, parent: &Node, name: &str, seq: Seq) -> Result<Node> {
        self.granted(Effect::Unbind, Place::Parent)?;
        let old_parent = self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("moving the root"))?;
        let old_seq = self.seq(source.home_id)?;
        self.drop_locks(&source).await?;
        past::end(&mut self.store, source.id, old_seq, self.now).await?;
        let mut moved = source.clone();
        moved.parent_id = parent.id;
        moved.name = name.to_owned();
        moved.placed_seq = seq;
        moved.placed_at = self.now;
        moved.seq = seq;
        if source.home_id != parent.home_id {
            self.within_quota(parent.home_id, source.size_bytes)?;
            (moved.home_id, moved.owner_id, moved.members_seq) = (parent.home_id, parent.owner_id, seq);
            let home = (moved.home_id, moved.owner_id);
            node::rehome(&mut self.store, moved.id, old_seq, home, seq, self.now).await?;
        }
        self.stamp(&old_parent, old_seq, -source.size_bytes).await?;
        node::update_place(&mut self.store, &moved).await?;
        self.stamp(parent, seq, source.size_bytes).await?;
        Ok(moved)
    }

    /// Inserts the copy of a member below a copy that `bind` has made; its bytes were counted there.
    pub(super) async fn graft(&mut self, source: &Node, parent: &Node) -> Result<Node> {
        let seq = self.seq(parent.home_id)?;
        let node = self.copy_of(source, parent, &source.name, seq);
        node::insert(&mut self.store, &node).await?;
        Ok(node)
    }

    fn fresh(&self, parent: &Node, name: &str, seq: Seq, kind: Kind) -> Node {
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
            ..Node::default()
        }
    }

    fn copy_of(&self, source: &Node, parent: &Node, name: &str, seq: Seq) -> Node {
        let kind = if source.kind == Kind::Documents { Kind::Folder } else { source.kind };
        Node {
            modified_at: source.modified_at,
            version: i64::from(kind == Kind::File),
            author_id: source.hash.as_ref().map(|_| self.request.actor.id),
            hash: source.hash.clone(),
            size_bytes: source.size_bytes,
            content_type: source.content_type.clone(),
            ..self.fresh(parent, name, seq, kind)
        }
    }

    async fn store_body(&mut self, blob: &Blob) -> Result<()> {
        if let Some(data) = &blob.inline {
            body::insert(&mut self.store, &blob.hash, data, self.now).await?;
        }
        Ok(())
    }

    /// 507 `quota-not-exceeded` when a home would hold more than it may.
    pub(super) fn within_quota(&self, home: Id, added: i64) -> Result<()> {
        if added <= 0 {
            return Ok(());
        }
        let claim = self.claim(home)?;
        match claim.quota_bytes {
            Some(quota) if claim.used_bytes.saturating_add(added) > quota => Err(Condition::QuotaNotExceeded.into()),
            _ => Ok(()),
        }
    }

    async fn stamp(&mut self, collection: &Node, seq: Seq, added_bytes: i64) -> Result<()> {
        node::stamp(&mut self.store, collection.id, seq, added_bytes, self.now).await?;
        if added_bytes != 0 {
            node::use_bytes(&mut self.store, collection.home_id, added_bytes).await?;
            for claim in self.claims.iter_mut().filter(|claim| claim.home == collection.home_id) {
                claim.used_bytes += added_bytes;
            }
        }
        Ok(())
    }

    /// Locks do not move and do not outlive a binding (RFC 4918 sections 7.5, 9.6.1, 9.9).
    async fn drop_locks(&mut self, node: &Node) -> Result<()> {
        for held in lock::below(&mut self.store, node.home_id, node.id, Timestamp::MIN).await? {
            lock::delete(&mut self.store, &held.token).await?;
        }
        Ok(())
    }
}

impl Node {
    fn fill(&mut self, content: FileContent, now: Timestamp, author: Id) {
        self.modified_at = content.modified_at.unwrap_or(now);
        self.author_id = Some(author);
        self.hash = Some(content.blob.hash);
        self.size_bytes = content.blob.size_bytes;
        self.content_type = Some(content.content_type);
    }
}

fn bug(what: &'static str) -> Error {
    Failure::new("a verb without its target", what).into()
}
