//! What one of those in a meeting has of it: a text that is read when it is needed, beside the serving threads.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::ical::object::Object;
use crate::model::node::Node;

/// The object in somebody's calendar.
#[derive(Clone, Debug)]
pub struct MeetingCopy {
    /// The node.
    pub node: Node,
    text: Option<Bytes>,
    object: OnceLock<Option<Object>>,
}

impl MeetingCopy {
    /// One whose text is read later; `None`: there is none that may be read.
    pub fn of(node: Node, text: Option<Bytes>) -> Self {
        Self { node, text, object: OnceLock::new() }
    }

    /// One of which is known what it says.
    pub fn read(node: Node, object: Option<Object>) -> Self {
        Self { node, text: None, object: OnceLock::from(object) }
    }

    /// What it says; `None`: nobody can read it.
    pub fn object(&self) -> Option<&Object> {
        let read = || self.text.as_ref().and_then(|text| Object::stored(text).ok());
        self.object.get_or_init(read).as_ref()
    }
}
