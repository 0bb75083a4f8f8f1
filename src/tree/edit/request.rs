//! The verbs of a request: what its path and its destination lead to is what they are about.

use super::Edit;
use super::authority::{Verb, bug};
use super::content::{Content, FileContent, PropertyChange};
use super::event::AffectedObjects;
use super::verbs::{BindTarget, UnbindReason};
use crate::model::calendar::ComponentSet;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::job::NewJob;
use crate::model::kind::Kind;
use crate::model::name::QName;
use crate::model::node::Node;
use crate::model::privilege::Privilege;
use crate::store::calendar;
use crate::tree::gate::Admitted;
use crate::tree::target::Target;

impl Admitted<Edit> {
    /// The collection that holds the target, or would.
    pub(super) fn parent(&self) -> Result<Node> {
        self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("a request about the root"))
    }

    pub(super) fn node(&self) -> Result<Node> {
        self.target.node().cloned().ok_or_else(|| bug("a request about what is not there"))
    }

    fn slot(&self, target: &Target) -> Result<BindTarget> {
        let parent = target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("a name without a collection"))?;
        Ok(BindTarget { parent, name: target.name().to_owned(), session: self.session(target) })
    }

    pub(super) fn slot_at_destination(&self) -> Result<BindTarget> {
        self.slot(self.destination.as_ref().ok_or_else(|| bug("a request without destination"))?)
    }

    /// The lock of the actor that covers a target and whose token the request shows: the session.
    pub(super) fn session(&self, target: &Target) -> Option<String> {
        let shown = |token: &str| self.request.preconditions.submitted().any(|shown| shown == token);
        let actor = self.request.actor.id;
        let held = target.covering().find(|(lock, _)| lock.principal_id == actor && shown(&lock.token));
        held.map(|(lock, _)| lock.token.clone())
    }

    /// Something comes to stand at the target, whose name is free.
    pub async fn bind(&mut self, content: Content) -> Result<Node> {
        let slot = self.slot(&self.target)?;
        self.store.bind(slot, content).await
    }

    /// The document at the target has other content.
    pub async fn replace(&mut self, content: FileContent) -> Result<Node> {
        let (document, parent, session) = (self.node()?, self.parent()?, self.session(&self.target));
        self.store.replace(document, &parent, content, session).await
    }

    /// Changes properties of the target, all or none.
    pub async fn patch(&mut self, changes: &[PropertyChange]) -> Result<()> {
        let node = self.node()?;
        if let Some(role) = node.kind.proxy_role() {
            return self.set_delegates(role, changes).await;
        }
        for change in changes {
            if let PropertyChange::BusyCalendars(paths) = change {
                self.set_busy_calendars(&node, paths).await?;
            }
            if let PropertyChange::DefaultCalendar(path) = change {
                let calendar = self.default_calendar(path).await?;
                let calendar = calendar.ok_or(Condition::ValidScheduleDefaultCalendarUrl)?;
                let txn = self.store.doing(Verb::Patch, AffectedObjects::of(&node))?;
                calendar::set_default(txn, node.home_id, calendar.id).await?;
            }
        }
        if changes.contains(&PropertyChange::Shareable) && !self.target.privileges.contains(Privilege::Share) {
            let refusal = Refusal::of(Condition::NeedPrivileges).at(self.target.href());
            return Err(refusal.because(Detail::Privilege(Privilege::Share)).into());
        }
        let parent = self.target.parent().map(|link| link.node.clone());
        self.store.patch(node, parent, changes).await
    }

    /// Sets dead properties on what this request has just bound (extended MKCOL).
    pub async fn set_initial_properties(&mut self, node: &Node, properties: &[(QName, String)]) -> Result<()> {
        self.store.set_initial_properties(node, properties).await
    }

    /// What the calendar that this request has just bound may hold.
    pub async fn set_supported_components(&mut self, calendar: &Node, components: ComponentSet) -> Result<()> {
        self.store.set_supported_components(calendar, components).await
    }

    /// Has something done after this change: see [`crate::tree::job`].
    pub async fn enqueue(&mut self, job: NewJob<'_>) -> Result<()> {
        self.store.enqueue(job).await
    }

    /// What stands at the target goes into the trash. 403 when it is one deletion too many.
    pub async fn unbind(&mut self) -> Result<()> {
        let (node, parent) = (self.node()?, self.parent()?);
        if node.kind == Kind::Notification {
            return self.dismiss(&node, &parent).await;
        }
        if node.kind == Kind::InboxItem {
            return self.remove_item(node, &parent).await;
        }
        self.store.unbind_scheduled(node, &parent, UnbindReason::Deleted).await
    }
}
