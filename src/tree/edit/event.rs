//! Change events: what each change did, by whom and by what right, told once it is on disk.

use std::sync::{PoisonError, RwLock};

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
    /// The address that was asked, of a request.
    pub address: Option<String>,
    /// By what right.
    pub authority: Authority,
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub deed: Deed,
}

/// What something was done to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deed {
    /// In which home.
    pub home: Option<Id>,
    /// The nodes, a collection with all below it; or the people or projects.
    pub objects: Vec<Id>,
    /// What the first of them is called.
    pub name: String,
}

impl Deed {
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

/// Who hears of changes of this process.
#[derive(Default)]
pub(in crate::tree) struct Observers(RwLock<Vec<Observer>>);

impl Observers {
    pub fn add(&self, observer: impl Fn(&ChangeEvent) + Send + Sync + 'static) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(observer));
    }

    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub fn tell(&self, events: &[ChangeEvent]) {
        let observers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            observers.iter().for_each(|observer| observer(event));
        }
    }
}
