//! What is to happen beside a change of a meeting, planned before it in a view: plain values, carried out by
//! `edit::schedule`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ical::itip::message::SchedulingMessage;
use crate::ical::object::Object;
use crate::model::budget::{Budget, Exhausted};
use crate::model::calendar::Indexed;
use crate::model::filename::match_name;
use crate::model::id::{Id, Seq};
use crate::model::mail::Addressing;
use crate::model::node::{Blob, Node};
use crate::store::scheduling::{AnswerRow, DefaultCalendar};
use crate::tree::edit::content::{FileContent, InboxItem};
use crate::tree::edit::mail::MailOccasion;

/// The most bytes that are written for the copies of one meeting: as many, and as long ones, as there are in earnest.
const MAX_WRITTEN_BYTES: usize = 256 * 1024 * 1024;

/// A change of what stands for a meeting in a calendar: what stood there, and what is to.
#[derive(Clone, Debug)]
pub struct TextChange {
    /// The calendar.
    pub calendar: Node,
    /// The object; of what comes back, the one that was gone. `None`: it is new.
    pub object: Option<Id>,
    /// The hash of the text that stands there; `None`: none does.
    pub before: Option<String>,
    /// What is to stand there; `None`: it goes.
    pub after: Option<FileContent>,
    /// The object of another home that goes with the change, for this one stands instead of it.
    pub leaves: Option<Id>,
}

impl TextChange {
    /// An object goes from its calendar.
    #[must_use]
    pub fn removal(calendar: &Node, object: &Node) -> Self {
        let (object, before) = (Some(object.id), object.hash.clone());
        Self { calendar: calendar.clone(), object, before, after: None, leaves: None }
    }

    /// An object comes into a calendar again. `None`: nobody is in it.
    #[must_use]
    pub fn addition(calendar: &Node, object: &Node, known: Option<Indexed>) -> Option<Self> {
        let indexed = known.filter(|indexed| indexed.scheduling)?;
        let after = Some(FileContent::stored(object, object.hash.clone()?, indexed));
        Some(Self { calendar: calendar.clone(), object: Some(object.id), before: None, after, leaves: None })
    }

    /// Which one it is.
    #[must_use]
    pub fn key(&self) -> ObjectChange {
        ObjectChange {
            object: self.object,
            before: self.before.clone(),
            after: self.after.as_ref().map(|content| content.blob.hash.clone()),
        }
    }
}

/// An object of a meeting as it was when the plan was made: its node, and the hash of its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenObject {
    /// The node.
    pub node: Id,
    /// The hash.
    pub hash: Option<String>,
}

impl SeenObject {
    /// One of a meeting.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Self { node: node.id, hash: node.hash.clone() }
    }
}

/// Where something of a meeting comes to stand.
#[derive(Clone, Debug)]
pub enum DeliveryPlace {
    /// In the place of the object that is there.
    Object(Id),
    /// In a calendar, under a new name.
    Calendar(Box<DefaultCalendar>),
}

impl DeliveryPlace {
    /// The calendar into which something new comes.
    #[must_use]
    pub fn calendar(&self) -> Option<Id> {
        match self {
            Self::Object(_) => None,
            Self::Calendar(into) => Some(into.calendar.id),
        }
    }

    /// The object, or the calendar: a home has one of them in a meeting.
    fn id(&self) -> Id {
        match self {
            Self::Object(id) => *id,
            Self::Calendar(into) => into.calendar.id,
        }
    }
}

/// What someone in the meeting finds in their calendar from now on.
#[derive(Clone, Debug)]
pub struct CopyDelivery {
    /// Where.
    pub place: DeliveryPlace,
    /// What; its schedule tag is that of before where nothing changed that matters to them. `None`: what is there goes.
    pub content: Option<FileContent>,
}

/// What someone finds in their scheduling inbox.
#[derive(Clone, Debug)]
pub struct PlannedItem {
    /// Whose home it is, by its name.
    pub home: String,
    /// The message.
    pub item: InboxItem,
}

/// A mail about the object that is changed.
#[derive(Clone, Debug)]
pub struct PlannedMail {
    /// The message.
    pub message: Arc<SchedulingMessage>,
    /// All that its recipient may know, where the message is about a part of it.
    pub whole: Option<Arc<SchedulingMessage>>,
    /// To whom, from whom.
    pub addressing: Addressing,
    /// What it is sent for.
    pub occasion: MailOccasion,
}

/// What is to happen beside a change of an object.
#[derive(Clone, Debug, Default)]
pub struct SchedulePlan {
    /// The meeting.
    pub uid: String,
    /// The home in which it is changed.
    pub home: Id,
    /// Does who organizes it change it?
    pub by_organizer: bool,
    /// The text that the change began with, and the one that it was to store, by their hashes: the plan is for these.
    pub of: ObjectChange,
    /// The homes that were looked into.
    pub seen_in: Vec<Id>,
    /// The objects of the meeting there, as they were.
    pub seen: Vec<SeenObject>,
    /// The same in the change that carries it out, which found that it holds.
    pub standing: Vec<Node>,
    /// What is stored instead of what was sent.
    pub content: Option<FileContent>,
    /// What others find.
    pub deliveries: Vec<CopyDelivery>,
    /// The texts of these, each once, by their hashes.
    pub texts: HashMap<String, Blob>,
    /// How many bytes were written for them.
    pub written_bytes: usize,
    /// What they are notified of.
    pub items: Vec<PlannedItem>,
    /// What goes to those who are not of this server.
    pub mails: Vec<PlannedMail>,
    /// The homes that are written in besides that of the change, by the keys of their names.
    pub homes: Vec<String>,
    /// What is known from now on of who was asked and has answered.
    pub answers: Vec<AnswerRow>,
    /// The home of the organizer, and the highest SEQUENCE that was sent to others from there.
    pub sent: Option<(Id, i64)>,
    /// The homes of the rooms that were asked, and the last change that was seen in each: what they hold is known by
    /// it.
    pub rooms: Vec<(Id, Seq)>,
    /// The groups that the meeting names from now on, where it names any, or did.
    pub groups: Option<Vec<Id>>,
    /// Has the meeting a folder that follows it?
    pub has_folder: bool,
    /// The home of the organizer, where an answer has changed the meeting: others are to see it.
    pub answered_in: Option<Id>,
}

impl SchedulePlan {
    /// Does anybody else get something?
    #[must_use]
    pub fn reaches_others(&self) -> bool {
        !self.deliveries.is_empty() || !self.mails.is_empty()
    }

    /// Is it still to be done when the meeting goes from here and stands elsewhere from then on? Whoever organizes it
    /// there has invited all of them by now, so it is not called off here; but who was invited here declines.
    #[must_use]
    pub fn is_due_beside(&self, arrival: Option<&Self>) -> bool {
        !self.by_organizer || !arrival.is_some_and(Self::reaches_others)
    }

    /// What a copy is to say. Many get the same text, which is held once; another is paid for, but for the bytes that
    /// were read of the copy before.
    pub fn hold(&mut self, content: FileContent, known_bytes: i64, budget: &Budget) -> Result<FileContent, Exhausted> {
        let bytes = usize::try_from(content.blob.size_bytes).unwrap_or(usize::MAX);
        self.written_bytes = self.written_bytes.saturating_add(bytes);
        if self.written_bytes > MAX_WRITTEN_BYTES {
            return Err(Exhausted::Request);
        }
        if let Some(known) = self.texts.get(&content.blob.hash) {
            return Ok(FileContent { blob: known.clone(), ..content });
        }
        budget.bytes(bytes.saturating_sub(usize::try_from(known_bytes).unwrap_or_default()))?;
        self.texts.insert(content.blob.hash.clone(), content.blob.clone());
        Ok(content)
    }

    /// What a room says depends on all that is in its home.
    pub fn ask_room(&mut self, home: Id, seen: Seq, name: &str) {
        self.homes.push(match_name(name));
        self.rooms.push((home, seen));
    }

    /// Someone is notified of a message.
    pub fn notify(&mut self, home: &str, item: InboxItem) {
        self.homes.push(match_name(home));
        self.items.push(PlannedItem { home: home.to_owned(), item });
    }

    /// Something comes into the calendar of a home, which is called so. What comes to a place last stands there: it was
    /// made of what came before ([`Self::made`]).
    pub fn deliver(&mut self, delivery: CopyDelivery, home: &str) {
        self.homes.push(match_name(home));
        let CopyDelivery { place, mut content } = delivery;
        let Some(known) = self.deliveries.iter_mut().find(|known| known.place.id() == place.id()) else {
            return self.deliveries.push(CopyDelivery { place, content });
        };
        // Who was notified once has another schedule tag.
        let is_notified = known.content.as_ref().is_none_or(|content| content.schedule_hash.is_none());
        content.iter_mut().filter(|_| is_notified).for_each(|content| content.schedule_hash = None);
        known.content = content;
    }

    /// What a place holds by what was delivered to it so far. `None`: nothing was.
    pub fn made(&self, place: &DeliveryPlace) -> Option<Option<Object>> {
        let known = self.deliveries.iter().find(|known| known.place.id() == place.id())?;
        let text = known.content.as_ref().and_then(|content| content.blob.inline.as_ref());
        Some(text.and_then(|text| Object::stored(text).ok()))
    }
}

/// A change of the text of an object, by the hashes of both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectChange {
    /// The object; `None`: it is new.
    pub object: Option<Id>,
    /// Before; `None`: there was none.
    pub before: Option<String>,
    /// After; `None`: there is none any more.
    pub after: Option<String>,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_WRITTEN_BYTES, SchedulePlan};
    use crate::model::budget::{Budget, MAX_BYTES};
    use crate::tree::calendar::blob;
    use crate::tree::edit::content::FileContent;

    #[test]
    fn texts_are_held_once_and_paid_for() {
        const LONG: usize = 8 << 20;
        let content = |fill: u8| FileContent::document(blob(Bytes::from(vec![fill; LONG])), "text/calendar".to_owned());
        let (mut plan, budget) = (SchedulePlan::default(), Budget::default());
        let first = plan.hold(content(b'a'), 0, &budget).expect("room");
        let second = plan.hold(content(b'a'), 0, &budget).expect("room");
        let place = |content: &FileContent| content.blob.inline.as_ref().map(|bytes| bytes.as_ptr());
        assert_eq!(place(&first), place(&second));
        let known = content(b'b').blob.size_bytes;
        assert!(plan.hold(content(b'b'), known, &budget).is_ok());
        let others = (0..20_u8).take_while(|fill| plan.hold(content(*fill), 0, &budget).is_ok()).count();
        assert_eq!(others, MAX_BYTES / LONG - 1);
        let same = (0..100).take_while(|_| plan.hold(content(b'a'), 0, &budget).is_ok()).count();
        assert!(same < MAX_WRITTEN_BYTES / LONG, "{same}");
    }
}
