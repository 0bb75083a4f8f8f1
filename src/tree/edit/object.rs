//! Calendar objects among the nodes: what the index says of each is written with it, and where one may not stand it is
//! refused.

use super::Edit;
use super::precomputed::MissingInput;
use crate::model::calendar::{ComponentSet, Indexed};
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::store::calendar;

impl Edit {
    /// Makes an object known in the calendar it stands in. Refused where the calendar holds no such component, or holds
    /// its UID already.
    pub(super) async fn enlist(&mut self, object: &Node) -> Result<()> {
        match self.validate_object(object).await? {
            Some(indexed) => self.list(object, &indexed).await,
            None => Ok(()),
        }
    }

    /// Writes what is known of a calendar object.
    pub(super) async fn list(&mut self, object: &Node, indexed: &Indexed) -> Result<()> {
        Ok(calendar::enlist(&mut self.txn, object.id, object.parent_id, indexed).await?)
    }

    /// May a node, if it is a calendar object, stand where it is to stand? What is known of it then.
    pub(super) async fn validate_object(&mut self, object: &Node) -> Result<Option<Indexed>> {
        if object.kind != Kind::Object {
            return Ok(None);
        }
        let Some(hash) = object.hash.clone() else { return Ok(None) };
        let brought = self.indexed.take().filter(|(of, _)| *of == hash).map(|(_, indexed)| indexed);
        let known = match brought.or_else(|| self.precomputed.indexed.get(&hash).cloned()) {
            Some(indexed) => Some(indexed),
            // Whoever writes other content has said what it is (see `write`): it stands as it did.
            None => calendar::indexed(&mut self.txn, object.id).await?,
        };
        let Some(mut indexed) = known else { return self.missing(MissingInput::Index(hash)) };
        let read_before = self.conflicts.remove(&(object.id, indexed.uid.clone()));
        let mut standing = match read_before {
            Some(standing) => standing,
            None => calendar::standing(&mut self.txn, object.parent_id, &indexed.uid, object.id).await?,
        };
        if indexed.is_unreadable()
            && let Some(uid) = standing.uid.take()
        {
            // It keeps the UID that it had when it could be read.
            standing = calendar::standing(&mut self.txn, object.parent_id, &uid, object.id).await?;
            indexed.uid = uid;
        }
        if !indexed.is_unreadable() && !standing.components.contains(&indexed.component) {
            return Err(Condition::SupportedCalendarComponent.into());
        }
        let holder = standing.holder.or_else(|| {
            let other = standing.uid.is_some_and(|uid| indexed.is_other(&uid));
            other.then(|| object.name.clone())
        });
        if let Some(name) = holder {
            return Err(Refusal::of(Condition::NoUidConflict).at(self.collection.join(&name).href(false)).into());
        }
        Ok(Some(indexed))
    }

    /// What the index says of an object goes along with its content, where that is copied.
    pub(super) async fn know_index(&mut self, source: &Node) -> Result<()> {
        if let (Kind::Object, Some(hash)) = (source.copied_kind(), &source.hash) {
            let known = calendar::indexed(&mut self.txn, source.id).await?;
            self.precomputed.indexed.extend(known.map(|indexed| (hash.clone(), indexed)));
        }
        Ok(())
    }

    /// The object of the same UID that was deleted from a calendar: it comes back under the new name, with its
    /// versions.
    /// `instead`: what will be judged where there is none.
    pub(super) async fn revived(&mut self, calendar: &Node, instead: &Node) -> Result<Option<Node>> {
        let Some((_, indexed)) = &self.indexed else { return Ok(None) };
        calendar::prefetch_object(&mut self.txn, calendar.id, &indexed.uid, instead.id).await?;
        Ok(calendar::gone(&mut self.txn, calendar.id, &indexed.uid).await?)
    }

    /// Writes what a new calendar may hold.
    pub(super) async fn set_supported_components(&mut self, calendar: &Node, components: ComponentSet) -> Result<()> {
        Ok(calendar::insert(&mut self.txn, calendar.id, components).await?)
    }

    /// The copy of a calendar may hold what that may hold.
    pub(super) async fn copy_supported_components(&mut self, source: &Node, copy: &Node) -> Result<()> {
        if copy.kind != Kind::Calendar {
            return Ok(());
        }
        let components = calendar::components(&mut self.txn, source.id).await?;
        self.set_supported_components(copy, components).await
    }
}
