//! The columns of nodes, in three widths, and how they are read.

use super::db::{Columns, Row};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::view::View;

/// How much of a node is read: each column of each row costs its share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Width {
    /// Identifiers, name, kind, changes and hash.
    Tag,
    /// And its times, size and media type.
    Brief,
    /// All.
    #[default]
    Whole,
}

/// Columns of a node, in the order in which [`node_of`] reads them.
macro_rules! columns {
    () => {
        "n.id, n.parent_id, n.home_id, n.name, n.kind, n.owner_id, n.placed_seq, n.placed_at, n.seq, n.members_seq, \
         n.created_at, n.modified_at, n.version, n.author_id, n.hash, n.size, n.content_type, \
         n.sealed, n.draft, n.written_at, n.device, n.comment, n.litter, n.documents, n.schedule_hash, \
         n.received, n.personal_parts"
    };
}
pub(super) use columns;
pub(super) const COLUMNS: usize = 27;

/// Those that most listings are made of, in the order in which [`next_brief`] reads them: first those of [`tag!`].
macro_rules! brief {
    () => {
        "n.id, n.parent_id, n.name, n.kind, n.placed_seq, n.seq, n.hash, n.home_id, n.created_at, n.modified_at, \
         n.size, n.content_type"
    };
}
pub(super) use brief;

/// Those that say what is there and whether it changed, in the order in which [`next_tag`] reads them.
macro_rules! tag {
    () => {
        "n.id, n.parent_id, n.name, n.kind, n.placed_seq, n.seq, n.hash"
    };
}
pub(super) use tag;

/// Reads the columns of [`columns!`], in their order.
pub(super) fn next_node(from: &mut dyn Columns) -> Node {
    let flag = |value: Option<i64>| value.is_some_and(|value| value != 0);
    Node {
        id: Id(from.next_integer().unwrap_or_default()),
        parent_id: Id(from.next_integer().unwrap_or_default()),
        home_id: Id(from.next_integer().unwrap_or_default()),
        name: from.next_text().unwrap_or_default(),
        kind: from.next_text().and_then(|code| Kind::from_code(&code)).unwrap_or_default(),
        view: View::Present,
        owner_id: Id(from.next_integer().unwrap_or_default()),
        placed_seq: from.next_integer().unwrap_or_default(),
        placed_at: from.next_integer().unwrap_or_default(),
        seq: from.next_integer().unwrap_or_default(),
        members_seq: from.next_integer().unwrap_or_default(),
        created_at: from.next_integer().unwrap_or_default(),
        modified_at: from.next_integer().unwrap_or_default(),
        version: from.next_integer().unwrap_or_default(),
        author_id: from.next_integer().map(Id),
        hash: from.next_text(),
        size_bytes: from.next_integer().unwrap_or_default(),
        content_type: from.next_text(),
        sealed: flag(from.next_integer()),
        draft: from.next_text(),
        written_at: from.next_integer().unwrap_or_default(),
        device: from.next_text(),
        comment: from.next_text(),
        litter: flag(from.next_integer()),
        documents: from.next_integer().unwrap_or_default(),
        schedule_hash: from.next_text(),
        received: flag(from.next_integer()),
        personal_parts: flag(from.next_integer()),
        own_part: None,
    }
}

/// Reads the columns of [`brief!`], in their order.
pub(super) fn next_brief(from: &mut dyn Columns) -> Node {
    let tag = next_tag(from);
    Node {
        home_id: Id(from.next_integer().unwrap_or_default()),
        created_at: from.next_integer().unwrap_or_default(),
        modified_at: from.next_integer().unwrap_or_default(),
        size_bytes: from.next_integer().unwrap_or_default(),
        content_type: from.next_text(),
        ..tag
    }
}

/// Reads the columns of [`tag!`], in their order.
pub(super) fn next_tag(from: &mut dyn Columns) -> Node {
    Node {
        id: Id(from.next_integer().unwrap_or_default()),
        parent_id: Id(from.next_integer().unwrap_or_default()),
        name: from.next_text().unwrap_or_default(),
        kind: from.next_text().and_then(|code| Kind::from_code(&code)).unwrap_or_default(),
        placed_seq: from.next_integer().unwrap_or_default(),
        seq: from.next_integer().unwrap_or_default(),
        hash: from.next_text(),
        ..Node::default()
    }
}

/// Reads a row that begins with [`columns!`].
pub(super) fn node_of(row: &Row) -> Node {
    next_node(&mut row.columns())
}
