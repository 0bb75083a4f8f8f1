//! Pages of the members of a collection: read, kept, and made of now by what has changed since.
//!
//! A page is what stands between two marks in an order: the one after which it was asked, and the member that ended it
//! when it was read. It is kept with the state that the collection was in. In a later state the members that
//! changed meanwhile, which is what a client gets that synchronizes, are taken out of it and put where they stand
//! now; so a change costs what it changed, however large the collection is.

use std::sync::Arc;

use super::cache::{CollectionState, Key, Lookup};
use super::columns::{Width, next_brief, next_node, next_tag};
use super::db::{Argument, Columns, arguments};
use super::executor::{Executor, keep, lookup};
use super::list::list;
use super::page::{Paged, page, page_in, paged};
use super::statement::statements;
use super::statement::tables::{HOME, NODE, PAST};
use crate::model::error::Failure;
use crate::model::id::{Id, Seq};
use crate::model::kind::Kind;
use crate::model::node::Node;

/// The most changes with which a page is brought up to date: with more it is read again.
const MOST_CHANGES: i64 = 1000;

/// A page of members, which those who read the same share. What is of a kind that its collection does not hold is
/// damaged, and left out.
#[derive(Clone, Debug)]
pub struct Members {
    /// In their order.
    pub nodes: Arc<Vec<Arc<Node>>>,
    /// The member that ended the page when it was read, whether or not it is there still; `None`: it ends with the
    /// collection.
    pub end: Option<Arc<Node>>,
}

impl Members {
    /// A page that holds all it may ends with its last member.
    fn read(nodes: Vec<Arc<Node>>, limit: i64) -> Self {
        let full = nodes.len() as i64 >= limit;
        Self { end: nodes.last().filter(|_| full).cloned(), nodes: Arc::new(nodes) }
    }

    /// The key of the name after which the next page begins, if there is one.
    #[must_use]
    pub fn next_name(&self) -> Option<String> {
        self.end.as_ref().map(|end| end.key())
    }

    /// Members that are nobody else's.
    #[must_use]
    pub fn owned(self) -> Vec<Node> {
        Arc::unwrap_or_clone(self.nodes).into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// How much memory they take, about.
    fn bytes(&self) -> usize {
        let texts = |node: &Node| node.name.len() + node.hash.as_ref().map_or(0, String::len);
        self.nodes.iter().map(|node| size_of::<Node>() + 2 * size_of::<usize>() + texts(node)).sum()
    }
}

/// Where in the order of its pages a member stands, or a page begins.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum PagePosition {
    /// By the key of its name.
    Name(String),
    /// By the last change, and of those in one change by identifier.
    Change(Seq, Id),
}

/// By the key of its name.
pub(super) fn by_name(node: &Node) -> PagePosition {
    PagePosition::Name(node.key())
}

/// By last change.
pub(super) fn by_change(node: &Node) -> PagePosition {
    PagePosition::Change(node.seq, node.id)
}

/// A statement in each width.
pub(super) struct Widths {
    pub tag: Paged,
    pub brief: Paged,
    pub whole: Paged,
}

impl Widths {
    /// The statement of a width.
    pub const fn sql(&self, width: Width) -> Paged {
        match width {
            Width::Tag => self.tag,
            Width::Brief => self.brief,
            Width::Whole => self.whole,
        }
    }

    /// A page as it is in the database, of members of a collection of a kind, or of several.
    pub async fn read(
        &self,
        c: &mut impl Executor,
        of: Option<Kind>,
        width: Width,
        limit: i64,
        arguments: &[Argument<'_>],
    ) -> Result<Members, Failure> {
        let mut members = Members::read(page(c, self.sql(width), arguments, next(width)).await?, limit);
        let may_stand = |node: &Arc<Node>| of.map_or(node.kind.stands_in_some(), |of| of.holds(node.kind));
        if !members.nodes.iter().all(may_stand) {
            Arc::make_mut(&mut members.nodes).retain(may_stand);
        }
        Ok(members)
    }
}

#[cfg(test)]
impl super::statement::Listed for Widths {
    fn list(&self, to: &mut Vec<super::statement::Statement>) {
        [self.tag, self.brief, self.whole].list(to);
    }
}

/// [`Widths`] of the nodes `n` that a `FROM` and what follows it name.
macro_rules! widths {
    ($tables:expr, $from:expr) => {
        Widths {
            tag: paged!($tables, tag!(), concat!("SELECT ", tag!(), " FROM ", $from)),
            brief: paged!($tables, brief!(), concat!("SELECT ", brief!(), " FROM ", $from)),
            whole: paged!($tables, columns!(), concat!("SELECT ", columns!(), " FROM ", $from)),
        }
    };
}
pub(super) use widths;

/// Statements that answer pages of members.
pub(super) struct PageStatements {
    /// A page.
    pub page: Widths,
    /// How many of its arguments say which members; the others say which page of them.
    pub which: usize,
    /// Of nodes with listed identifiers those that are such members.
    pub among: Widths,
    /// The order of the pages.
    pub order: fn(&Node) -> PagePosition,
}

#[cfg(test)]
impl super::statement::Listed for PageStatements {
    fn list(&self, to: &mut Vec<super::statement::Statement>) {
        self.page.list(to);
        self.among.list(to);
    }
}

/// [`PageStatements`], in an order, of the nodes `n` for which a condition holds; what follows it says which page.
/// `$ids` is the number after those of the arguments of the condition.
macro_rules! pages {
    ($tables:expr, $order:expr, $condition:expr, $page:expr, $ids:literal) => {
        PageStatements {
            page: widths!($tables, concat!("node n WHERE ", $condition, $page)),
            which: $ids - 1,
            among: widths!(
                $tables,
                concat!(
                    listed!(concat!("$", $ids)),
                    " l CROSS JOIN node n WHERE n.id = CAST(l.value AS BIGINT) AND ",
                    $condition
                )
            ),
            order: $order,
        }
    };
}
pub(super) use pages;

/// Which page is requested.
pub(super) struct PageQuery<'a> {
    /// Of the members of which collection.
    pub of: &'a Node,
    /// How much of each.
    pub width: Width,
    /// After which mark.
    pub after: PagePosition,
    /// How many at most.
    pub limit: i64,
}

impl PageStatements {
    /// A page of members. It is kept, and a later state of the collection costs what has changed since. Whole nodes are
    /// not kept: some of their columns change without any number.
    pub async fn members(
        &self,
        c: &mut impl Executor,
        asked: PageQuery<'_>,
        arguments: &[Argument<'_>],
    ) -> Result<Members, Failure> {
        if asked.width == Width::Whole {
            return self.page.read(c, Some(asked.of.kind), asked.width, asked.limit, arguments).await;
        }
        let key = Key::of_page(self.page.sql(asked.width).page, arguments);
        let now = match lookup(c, &key, asked.of) {
            Lookup::Hit(members) => return Ok(members),
            Lookup::Stale(members, since) => self.apply_delta(c, &members, (&asked, since), arguments).await?,
            Lookup::Miss => None,
        };
        let members = match now {
            Some(members) => members,
            None => self.page.read(c, Some(asked.of.kind), asked.width, asked.limit, arguments).await?,
        };
        keep(c, key, asked.of, &members, members.bytes());
        Ok(members)
    }

    /// [`PageStatements::members`] after the key of a name, of pages that ask of their collection and nothing else.
    pub async fn after_name(
        &self,
        c: &mut impl Executor,
        of: &Node,
        after: &str,
        limit: i64,
        width: Width,
    ) -> Result<Members, Failure> {
        let asked = PageQuery { of, width, after: PagePosition::Name(after.to_owned()), limit };
        self.members(c, asked, arguments![of.id, after, limit]).await
    }

    /// A page of an earlier state as it is now; `None`: it must be read.
    async fn apply_delta(
        &self,
        c: &mut impl Executor,
        known: &Members,
        (asked, since): (&PageQuery<'_>, Seq),
        arguments: &[Argument<'_>],
    ) -> Result<Option<Members>, Failure> {
        let Some(changed) = changed(c, asked.of, since).await? else { return Ok(None) };
        let (ids, which) = (listed_ids(&changed), arguments.get(..self.which).unwrap_or_default());
        let among: Vec<Argument<'_>> = which.iter().copied().chain([(&ids).into()]).collect();
        let (state, bytes) = (CollectionState::of(asked.of), size_of::<Node>());
        let there = page_in(c, state, bytes, self.among.sql(asked.width), &among, next(asked.width)).await?;
        let sound = there.iter().all(|node| asked.of.kind.holds(node.kind));
        Ok(if sound { self.with(known, asked, &changed, &there) } else { None })
    }

    /// A page without the members that changed, but with those of them that are there and stand in it.
    fn with(&self, known: &Members, asked: &PageQuery<'_>, changed: &[Id], there: &[Arc<Node>]) -> Option<Members> {
        let end = known.end.as_deref().map(self.order);
        let stands_here = |mark: &PagePosition| *mark > asked.after && end.as_ref().is_none_or(|end| mark <= end);
        let mut new =
            there.iter().map(|node| ((self.order)(node), node)).filter(|(mark, _)| stands_here(mark)).peekable();
        let has_changed = |node: &Node| changed.binary_search(&node.id).is_ok();
        if new.peek().is_none() && !known.nodes.iter().any(|node| has_changed(node)) {
            return Some(known.clone());
        }
        let mut nodes: Vec<Arc<Node>> = known.nodes.iter().filter(|node| !has_changed(node)).cloned().collect();
        for (mark, node) in new {
            let place = nodes.partition_point(|before| (self.order)(before) < mark);
            nodes.insert(place, Arc::clone(node));
        }
        // Pages that have become large or small are split again.
        let found = nodes.len() as i64;
        let fits = found <= asked.limit.saturating_mul(2) && (end.is_none() || found >= asked.limit / 4);
        fits.then(|| Members { nodes: Arc::new(nodes), end: known.end.clone() })
    }
}

/// Identifiers as one argument.
pub(super) fn listed_ids(ids: &[Id]) -> String {
    list(&ids.iter().map(Id::to_string).collect::<Vec<_>>())
}

/// How a row of a width is read.
fn next(width: Width) -> fn(&mut dyn Columns) -> Arc<Node> {
    match width {
        Width::Tag => |from| Arc::new(next_tag(from)),
        Width::Brief => |from| Arc::new(next_brief(from)),
        Width::Whole => |from| Arc::new(next_node(from)),
    }
}

/// What has changed in a collection since a number, ascending: members that changed themselves or went, collections
/// with a change below them. `None`: too much, or what went is no longer known. A member that was purged is forgotten
/// together with all that names it, and the horizon of its home moves past its end.
pub(super) async fn changed(c: &mut impl Executor, of: &Node, since: Seq) -> Result<Option<Arc<Vec<Id>>>, Failure> {
    const FORGOTTEN: Id = Id(0);
    let arguments = arguments![of.id, of.home_id, since, MOST_CHANGES + 1];
    let id: fn(&mut dyn Columns) -> Id = |from| Id(from.next_integer().unwrap_or_default());
    let found = page_in(c, CollectionState::of(of), size_of::<Id>(), CHANGED, arguments, id).await?;
    let known = found.len() as i64 <= MOST_CHANGES && found.first() != Some(&FORGOTTEN);
    Ok(Some(found).filter(|_| known))
}

statements! {
    const CHANGED: Paged = paged!(
        &[HOME, NODE, PAST],
        "n.id",
        "SELECT n.id FROM node n WHERE n.parent_id = $1 AND n.seq > $3 UNION SELECT p.node_id FROM past p WHERE \
         p.parent_id = $1 AND p.home_id = $2 AND p.to_seq > $3 UNION SELECT n.id FROM node n WHERE n.parent_id = $1 \
         AND n.hash IS NULL AND n.gone_at IS NULL AND n.members_seq > $3 UNION SELECT 0 FROM home h WHERE h.node_id \
         = $2 AND h.oldest_seq > $3 ORDER BY 1 LIMIT $4"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::store::statement::reads;

    const LIMIT: i64 = 4;
    const ORDERS: [fn(&Node) -> PagePosition; 2] = [by_name, by_change];

    /// A change of a collection: which member, and whether it is there afterwards and under which name.
    type Step = (i64, Option<u8>);

    fn sorted(members: &BTreeMap<i64, Arc<Node>>, order: fn(&Node) -> PagePosition) -> Vec<Arc<Node>> {
        let mut sorted: Vec<Arc<Node>> = members.values().cloned().collect();
        sorted.sort_by_key(|node| order(node));
        sorted
    }

    fn apply(members: &mut BTreeMap<i64, Arc<Node>>, seq: Seq, (id, name): Step) {
        members.remove(&id);
        if let Some(name) = name {
            let name = format!("{name:03} {id}");
            members.insert(id, Arc::new(Node { id: Id(id), name, seq, ..Node::default() }));
        }
    }

    proptest! {
        /// Pages to which a delta is applied together hold each member once, in order, as reading again would; a page
        /// that is read again begins where the one before it ended.
        #[test]
        fn pages_with_a_delta_are_those_of_now(
            before in prop::collection::vec((1_i64..40, any::<Option<u8>>()), 0..60),
            rounds in prop::collection::vec(prop::collection::vec((1_i64..40, any::<Option<u8>>()), 0..12), 1..4),
        ) {
            const NONE: Paged = Paged { page: reads(&[], ""), rows: reads(&[], "") };
            const PAGES: Widths = Widths { tag: NONE, brief: NONE, whole: NONE };
            let mut members = BTreeMap::new();
            before.into_iter().enumerate().for_each(|(seq, step)| apply(&mut members, seq as Seq, step));
            for order in ORDERS {
                let mut members = members.clone();
                let pages = PageStatements { page: PAGES, which: 0, among: PAGES, order };
                let mut known: BTreeMap<Option<PagePosition>, Members> = BTreeMap::new();
                for (round, steps) in std::iter::once(&Vec::new()).chain(&rounds).enumerate() {
                    for (place, step) in steps.iter().enumerate() {
                        apply(&mut members, (1000 * round + place) as Seq, *step);
                    }
                    let mut changed: Vec<Id> = steps.iter().map(|(id, _)| Id(*id)).collect();
                    changed.sort();
                    let all = sorted(&members, order);
                    let there: Vec<Arc<Node>> =
                        members.values().filter(|node| changed.binary_search(&node.id).is_ok()).cloned().collect();
                    let (mut read, mut now, mut after) = (Vec::new(), BTreeMap::new(), None);
                    loop {
                        let mark = after.clone().unwrap_or(PagePosition::Name(String::new()));
                        let mark = if order(&Node::default()) > mark { PagePosition::Change(-1, Id(0)) } else { mark };
                        let (of, width) = (&Node::default(), Width::Tag);
                        let asked = PageQuery { of, width, after: mark.clone(), limit: LIMIT };
                        let merged = known.get(&after).and_then(|page| pages.with(page, &asked, &changed, &there));
                        let page = merged.unwrap_or_else(|| {
                            let rest = all.iter().filter(|node| order(node) > mark);
                            Members::read(rest.take(LIMIT as usize).cloned().collect(), LIMIT)
                        });
                        read.extend(page.nodes.iter().cloned());
                        let next = page.end.as_deref().map(order);
                        now.insert(after, page);
                        match next {
                            Some(next) => after = Some(next),
                            None => break,
                        }
                    }
                    prop_assert_eq!(&read, &all);
                    known = now;
                }
            }
        }
    }
}
