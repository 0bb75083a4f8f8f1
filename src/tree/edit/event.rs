//! Change events: what each change did, by whom and by what right, sent to observers once it is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use super::authority::{Authority, Verb};
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;
use crate::model::principal::Principal;

/// Something that a change did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeEvent {
    /// When.
    pub at: Timestamp,
    /// Who; `None`: the server itself, or its administrator.
    pub actor: Option<Id>,
    /// By which device.
    pub device: Option<String>,
    /// For whom, where it is in the home of another.
    pub on_behalf_of: Option<Id>,
    /// The address of the request, where it is one.
    pub address: Option<String>,
    /// By what right.
    pub authority: Authority,
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub affected: AffectedObjects,
}

/// What something was done to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AffectedObjects {
    /// In which home.
    pub home: Option<Id>,
    /// The nodes, a collection with all below it; or the people or projects.
    pub objects: Vec<Id>,
    /// What the first of them is called.
    pub name: String,
}

impl AffectedObjects {
    /// Something done to a node.
    pub(in crate::tree) fn of(node: &Node) -> Self {
        Self { home: Some(node.home_id), objects: vec![node.id], name: node.name.clone() }
    }

    /// Something done to nodes of a home.
    pub(in crate::tree) fn within(home: Id, nodes: impl IntoIterator<Item = Id>) -> Self {
        Self { home: Some(home), objects: nodes.into_iter().collect(), name: String::new() }
    }

    /// Something done to nodes wherever they are.
    pub(in crate::tree) fn to(objects: impl IntoIterator<Item = Id>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    /// Something done to a person or project.
    pub(in crate::tree) fn about(principal: &Principal) -> Self {
        Self { home: None, objects: vec![principal.id], name: principal.name.clone() }
    }

    /// The same in a home.
    pub(in crate::tree) fn in_home(self, home: Id) -> Self {
        Self { home: Some(home), ..self }
    }
}

type Observer = Box<dyn Fn(&ChangeEvent) + Send + Sync>;

/// The observers of the changes of this process.
#[derive(Default)]
pub(in crate::tree) struct Hooks {
    observers: RwLock<Vec<Observer>>,
    jobs: watch::Sender<()>,
}

impl Hooks {
    pub fn observe(&self, observer: impl Fn(&ChangeEvent) + Send + Sync + 'static) {
        self.observers.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(observer));
    }

    pub fn has_observers(&self) -> bool {
        !self.observers.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub fn notify(&self, events: &[ChangeEvent]) {
        let observers = self.observers.read().unwrap_or_else(PoisonError::into_inner);
        for (event, observer) in events.iter().flat_map(|event| observers.iter().map(move |one| (event, one))) {
            // The change is made, whatever becomes of the notifications.
            if catch_unwind(AssertUnwindSafe(|| observer(event))).is_err() {
                tracing::error!(verb = ?event.verb, "an observer of changes panicked");
            }
        }
    }

    /// Wakes those who wait for jobs.
    pub fn wake(&self) {
        self.jobs.send_replace(());
    }

    /// Changes whenever this process has entered jobs.
    pub fn entered(&self) -> watch::Receiver<()> {
        self.jobs.subscribe()
    }
}
