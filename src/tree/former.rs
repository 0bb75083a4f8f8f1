//! What is no more: the views of the past, listed. All are read from the same rows as the tree itself.

use std::collections::HashMap;
use std::sync::Arc;

use super::gate::Admitted;
use super::resolve::{name_of, opened_in_trash, readable, trash_of, version_node};
use super::resource::{Needs, Resource};
use super::target::{Requester, zone};
use super::walk::{Cursor, Page};
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::privilege::Privilege;
use crate::model::version::day;
use crate::model::view::View;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::trash::{OwnEntry, TrashEntry};
use crate::store::way::{self, Ways};
use crate::store::{calendar, node, past, trash, version};

/// How many days are listed.
const DAYS: usize = 31;

impl<T: Executor> Admitted<T> {
    /// Members of a stored folder, in whichever view it is looked at, in the order of the keys of their names, with the
    /// columns of a width at least; and the name after which the next page begins. In the mirror a program's litter is
    /// no document, and has no versions.
    pub(super) async fn stored_members(
        &mut self,
        folder: &Node,
        after: &str,
        limit: i64,
        width: Width,
    ) -> Result<(Vec<Node>, Option<String>)> {
        let moment = self.target.moment.unwrap_or(self.now);
        let found = match folder.view {
            View::Former if !past::unchanged_since(&mut self.store, folder.home_id, moment).await? => {
                past::members_at(&mut self.store, folder.id, moment, after, limit, width).await?
            }
            View::Former | View::Mirrored => past::mirrored(&mut self.store, folder, after, limit, width).await?,
            _ => node::members(&mut self.store, folder, after, limit, Width::Whole).await?,
        };
        let next = found.next_name();
        Ok((found.owned().into_iter().map(|node| node.seen(folder.view.of_members())).collect(), next))
    }

    /// The days on which something changed in a home, the newest first, as the folders of their trees: some clients
    /// open only what they were sent. Any other day can be named.
    async fn days(&mut self, top: &Node) -> Result<Vec<Resource>> {
        let (zone, place) = (zone(), self.place());
        let mut resources = Vec::new();
        let mut before = self.now + 1;
        while let Some(at) = past::last_change(&mut self.store, top.home_id, before).await?.filter(|at| *at > 0) {
            let Some((name, begin)) = day(at, &zone).filter(|_| resources.len() < DAYS) else { break };
            resources.push(place.member(Node { name, view: View::Former, modified_at: at, ..top.clone() }));
            before = begin;
        }
        Ok(resources)
    }

    /// For who has only parts of a home: every day since the first of these was made, for what changed on which would
    /// say what others did beside.
    pub(super) async fn days_of_ways(&mut self, top: &Node, ways: &Ways) -> Result<Vec<Resource>> {
        let (zone, place) = (zone(), self.place());
        let mut resources = Vec::new();
        let Some(begun) = way::begun(&mut self.store, ways).await? else { return Ok(resources) };
        let mut at = self.now;
        while at >= begun && resources.len() < DAYS {
            let Some((name, begin)) = day(at, &zone) else { break };
            resources.push(place.member(Node { name, ..top.clone() }));
            at = begin - 1;
        }
        Ok(resources)
    }

    /// A page of members that stand in a view of the past.
    pub(super) async fn former(&mut self, folder: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let (mut found, next) = self.stored_members(folder, &at.after, at.limit, needs.width).await?;
        if folder.kind == Kind::Calendar && !self.target.sees_private {
            let ids: Vec<Id> = found.iter().map(|node| node.id).collect();
            let private = calendar::private_among(&mut self.store, &ids).await?;
            found.retain(|node| !private.contains_key(&node.id));
        }
        let next = at.onward(next);
        let mut resources = Vec::with_capacity(found.len());
        if folder.view == View::Mirrored && at.after.is_empty() && self.target.is_mirror() {
            resources = self.days(folder).await?;
        }
        let place = self.place();
        for node in found {
            let mut resource = place.member(node);
            self.load(&mut resource, needs).await?;
            resources.push(resource);
        }
        Ok(Page { resources, next })
    }

    /// Numbers of the versions of a document that stood where the actor may read, ascending.
    pub(super) async fn version_numbers(&mut self, document: Id) -> Result<Arc<[i64]>> {
        if let Some(known) = self.request.numbers.of(document) {
            return Ok(known);
        }
        let actor = self.request.actor.id;
        let found = version::readable(&mut self.store, actor, self.now, document, 1..=i64::MAX).await?;
        let found: Arc<[i64]> = found.into();
        self.request.numbers.keep(document, &found);
        Ok(found)
    }

    /// A page of the homes whose trash may hold something for the actor.
    pub(super) async fn trashes(&mut self, at: &Cursor) -> Result<Page> {
        let actor = &self.request.actor;
        let found = trash::homes(&mut self.store, actor.id, actor.scope, self.now, &at.after, at.limit).await?;
        let next = at.next(found.len(), || found.last().map(|home| match_name(&home.name)));
        let place = self.place();
        let open = found.into_iter().filter(|home| actor.opens_home_of(home.owner_id));
        Ok(Page { resources: open.map(|home| place.member(trash_of(home))).collect(), next })
    }

    /// What lies in the trash of a home, under the names by which the actor finds it.
    async fn trash_entries(&mut self, home: Id, at: &Cursor) -> Result<(Vec<TrashEntry>, Option<String>)> {
        let actor = self.request.actor.id;
        if self.target.reads_whole_home() {
            return Ok(trash::members(&mut self.store, actor, self.now, home, &at.after, at.limit).await?);
        }
        let (found, next) = trash::own_members(&mut self.store, actor, self.now, home, &at.after, at.limit).await?;
        let entry = |own: OwnEntry| {
            let role = own.role;
            (own.named(), role)
        };
        Ok((found.into_iter().map(entry).collect(), next))
    }

    /// A page of the trash of a home: of each entry only who may read it where it stood learns, within a scope
    /// that opens its kind.
    pub(super) async fn trash(&mut self, trash: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let actor = self.request.actor.clone();
        let (found, next) = self.trash_entries(trash.home_id, at).await?;
        let place = self.place();
        let mut resources = Vec::with_capacity(found.len());
        let objects: Vec<Id> =
            found.iter().map(|(node, _)| node).filter(|node| node.kind == Kind::Object).map(|node| node.id).collect();
        let private = if objects.is_empty() {
            HashMap::new()
        } else {
            calendar::private_among(&mut self.store, &objects).await?
        };
        // A calendar is asked once for all that was deleted from it.
        let mut sees: HashMap<Id, bool> = HashMap::new();
        for (node, role) in found {
            let privileges = opened_in_trash(&actor, role);
            if !actor.scope.opens(node.kind) || !privileges.contains(Privilege::Read) {
                continue;
            }
            if private.contains_key(&node.id) {
                let calendar = node.parent_id;
                let seen = match sees.get(&calendar) {
                    Some(seen) => *seen,
                    None => node::sees_private(&mut self.store, actor.id, self.now, calendar).await?,
                };
                sees.insert(calendar, seen);
                if !seen {
                    continue;
                }
            }
            let mut resource = place.member(node.seen(View::Trashed));
            resource.privileges = privileges;
            self.load(&mut resource, needs).await?;
            resources.push(resource);
        }
        Ok(Page { resources, next: at.onward(next) })
    }

    /// A page of the versions of a document, after the number of the last one sent.
    pub(super) async fn versions(&mut self, folder: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let Some(from) = at.after.parse::<i64>().map_or(Some(1), |last| last.checked_add(1)) else {
            return Ok(Page { resources: Vec::new(), next: None });
        };
        let who = Requester { actor: &self.request.actor, now: self.now };
        let (found, last) = readable(&mut self.store, who, folder.id, from..=i64::MAX, at.limit).await?;
        let next = at.onward(last.map(|number| number.to_string()));
        let (zone, place) = (zone(), self.place());
        let numbers = if needs.versions { Some(self.version_numbers(folder.id).await?) } else { None };
        let resources = found
            .iter()
            .map(|version| {
                let (name, view) = match folder.view {
                    View::Mirrored => (name_of(folder, version, &zone), View::MirroredVersion),
                    _ => (version.number.to_string(), View::Version),
                };
                let node = version_node(folder, version, name, view);
                let author = version.author.clone();
                Resource { author, kept: version.kept, versions: numbers.clone(), ..place.member(node) }
            })
            .collect();
        Ok(Page { resources, next })
    }
}
