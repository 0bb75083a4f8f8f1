//! Mail that a change sends: rows that are written with it, so each is sent exactly when the change is made. A job a
//! row sends it (`tree/job/mail.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Edit;
use super::authority::Verb;
use super::event::AffectedObjects;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::model::error::{Failure, Result};
use crate::model::id::{Id, Timestamp};
use crate::model::job::NewJob;
use crate::model::mail::{Addressing, MailState, QueuedMail};
use crate::store::body::sha256;
use crate::store::transaction::Txn;
use crate::store::{body, job, mail};
#[cfg(test)]
use crate::tree::Tree;

/// The kind of the jobs that send mail.
pub(in crate::tree) const SEND_MAIL: &str = "mail";
/// Changes one after the other are one mail, where they come within this time, seconds.
const MERGED_S: i64 = 5;

/// The most that the server answers by itself to one address about one object within an hour.
const ANSWERS_PER_HOUR: usize = 10;
const HOUR_S: i64 = 3_600;

/// The largest message that is mailed, bytes: people are invited by it, and not sent books.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// A mail that a change sends.
#[derive(Clone, Copy, Debug)]
pub struct NewMail<'a> {
    /// What it says to its recipient.
    pub message: &'a SchedulingMessage,
    /// All that they may know of the meeting, where the message is about a part of it.
    pub whole: Option<&'a SchedulingMessage>,
    /// To whom, from whom. Whether it is an update is found here.
    pub addressing: &'a Addressing,
    /// What it is sent for.
    pub occasion: MailOccasion,
}

/// What a mail is sent for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MailOccasion {
    /// A change.
    #[default]
    Change,
    /// It is wanted even if the same was sent before (SCHEDULE-FORCE-SEND).
    Again,
    /// A mail that came in, which the server answers by itself.
    Answer,
    /// A mail that came in and asked for what was sent before.
    AnswerAgain,
}

impl MailOccasion {
    /// A change, which a client may want to be sent in any case.
    #[must_use]
    pub const fn of_change(is_forced: bool) -> Self {
        if is_forced { Self::Again } else { Self::Change }
    }

    /// Is it wanted even if the same was sent before?
    #[must_use]
    pub const fn is_again(self) -> bool {
        matches!(self, Self::Again | Self::AnswerAgain)
    }

    const fn is_answer(self) -> bool {
        matches!(self, Self::Answer | Self::AnswerAgain)
    }
}

/// Does a method say that documents are there, and ask for nothing?
fn is_publication(method: &str) -> bool {
    method == SchedulingMethod::Publish.name()
}

/// What two messages to one recipient differ in.
struct MessageKey {
    method: &'static str,
    instances: String,
    sequence: i64,
    content: String,
}

impl MessageKey {
    fn of(message: &SchedulingMessage, text: &str) -> Self {
        let parts = || message.object.parts();
        let mut instances: Vec<&str> = parts().filter_map(|part| part.value("RECURRENCE-ID")).map(str::trim).collect();
        instances.sort_unstable();
        let sequence =
            |value: &str| value.trim().parse::<i64>().ok().filter(|number| (0..=i64::from(i32::MAX)).contains(number));
        // Stamps say when it was written, and nothing of what it is about.
        let is_stamp = |line: &&str| line.starts_with("DTSTAMP") || line.starts_with("LAST-MODIFIED");
        let said: Vec<&str> = text.split("\r\n").filter(|line| !is_stamp(line)).collect();
        Self {
            method: message.method.name(),
            instances: if message.is_whole { String::new() } else { instances.join(",") },
            sequence: parts().filter_map(|part| sequence(part.value("SEQUENCE")?)).max().unwrap_or(0),
            content: sha256(said.join("\r\n").as_bytes()),
        }
    }

    fn is_of(&self, row: &QueuedMail) -> bool {
        (row.method.as_str(), row.instances.as_str(), row.sequence, row.content.as_str())
            == (self.method, self.instances.as_str(), self.sequence, self.content.as_str())
    }

    /// Does a row say anything of what this is about? Of documents one says nothing of the meeting itself.
    fn touches(&self, row: &QueuedMail) -> bool {
        let is_same_sort = is_publication(&row.method) == is_publication(self.method);
        is_same_sort && (self.instances.is_empty() || row.instances.is_empty() || row.instances == self.instances)
    }

    /// Is what a row says no longer worth sending when this is?
    fn supersedes(&self, row: &QueuedMail) -> bool {
        let is_cancel = self.method == SchedulingMethod::Cancel.name();
        let is_whole = self.instances.is_empty();
        // Each message about documents is about others.
        let same_sort =
            row.method == self.method && !is_publication(self.method) && (is_whole || row.instances == self.instances);
        same_sort || (is_cancel && (is_whole || row.instances == self.instances))
    }
}

impl Edit {
    /// Sends mail about a calendar object when this change is made. What says the same as the one before is not sent
    /// again; what waits and says less than this is not sent at all, nor is the end of something that nobody heard of.
    pub async fn queue_mail(&mut self, event: Id, mails: &[NewMail<'_>]) -> Result<()> {
        let (now, sender) = (self.now(), self.sender());
        let txn = self.doing(Verb::QueueMail, AffectedObjects::to([event]))?;
        let known = mail::of_event(txn, event).await?;
        let mut queue = MailQueue { event, sender, now, known, texts: BTreeMap::new(), latest: None };
        let mut queued = Vec::new();
        for new in mails {
            queued.extend(queue.take(txn, new).await?);
        }
        // Rows of one table go together.
        for (hash, text) in &queue.texts {
            body::insert(txn, hash, text.as_bytes(), now).await?;
        }
        for mail in &queued {
            mail::queue(txn, mail).await?;
        }
        for mail in &queued {
            self.enqueue_mail(mail, now.saturating_add(MERGED_S)).await?;
        }
        Ok(())
    }

    /// Has a mail sent at a time.
    pub(in crate::tree) async fn enqueue_mail(&mut self, mail: &QueuedMail, due_at: Timestamp) -> Result<()> {
        let payload = format!("{} {}", mail.id, mail.attempt);
        let key = format!("{SEND_MAIL}/{payload}");
        let now = self.now();
        let about = AffectedObjects { name: key.clone(), ..AffectedObjects::default() };
        let new = NewJob { key: &key, kind: SEND_MAIL, payload: &payload, due_at };
        job::add(self.doing(Verb::EnterJob, about)?, new, now).await?;
        self.wake_workers();
        Ok(())
    }
}

/// What a mail says of a message.
struct OutgoingText {
    text: String,
    /// The hash of that. `None`: it is too large to be mailed.
    hash: Option<String>,
    key: MessageKey,
}

/// The mail about one calendar object.
struct MailQueue<'a> {
    event: Id,
    sender: Option<Id>,
    now: Timestamp,
    known: Vec<QueuedMail>,
    /// What they say, by its hash: mostly all say the same.
    texts: BTreeMap<String, String>,
    /// The message that was looked at last, which others get as well.
    latest: Option<(&'a SchedulingMessage, Arc<OutgoingText>)>,
}

impl<'a> MailQueue<'a> {
    /// What is mailed of a message.
    fn mailed(&mut self, message: &'a SchedulingMessage) -> Arc<OutgoingText> {
        let known = self.latest.as_ref().filter(|(of, _)| std::ptr::eq(*of, message));
        if let Some((_, mailed)) = known {
            return Arc::clone(mailed);
        }
        let text = mailed_text(message);
        let hash = (text.len() <= MAX_MESSAGE_BYTES).then(|| sha256(text.as_bytes()));
        let mailed = Arc::new(OutgoingText { key: MessageKey::of(message, &text), hash, text });
        self.latest = Some((message, Arc::clone(&mailed)));
        mailed
    }

    async fn take(&mut self, txn: &mut Txn, new: &NewMail<'a>) -> Result<Option<QueuedMail>> {
        let to = new.addressing.to.address.as_str().to_ascii_lowercase();
        // An invitation that waits says all that there is to say by then.
        let message = new.whole.filter(|_| self.invitation_waits(&to)).unwrap_or(new.message);
        let mailed = self.mailed(message);
        let OutgoingText { text, hash, key } = &*mailed;
        // Who was let go meanwhile has to be invited again, though it be to the same.
        let last = self.known.iter().rev().find(|row| row.address == to && key.touches(row));
        if last.is_some_and(|last| key.is_of(last) && (!new.occasion.is_again() || last.finished_at.is_none())) {
            return Ok(None);
        }
        if new.occasion.is_answer() && self.answers_within_hour(&to) >= ANSWERS_PER_HOUR {
            tracing::warn!(address = to, "no more answers go to this address within this hour");
            return Ok(None);
        }
        let rounds = self.known.iter().filter(|row| row.address == to && key.is_of(row)).map(|row| row.round + 1);
        let round = rounds.max().unwrap_or(0);
        let withdrew = self.supersede(txn, &to, key).await?;
        let mut heard = self.known.iter().filter(|row| row.address == to).peekable();
        if message.method == SchedulingMethod::Cancel && withdrew && heard.peek().is_none() {
            return Ok(None);
        }
        let is_update = heard.any(|row| row.method == SchedulingMethod::Request.name());
        if let Some(hash) = hash {
            self.texts.entry(hash.clone()).or_insert_with(|| text.clone());
        }
        let queued = QueuedMail {
            id: Id::generate(),
            event: self.event,
            sender: self.sender,
            address: to,
            method: key.method.to_owned(),
            instances: key.instances.clone(),
            sequence: key.sequence,
            content: key.content.clone(),
            round,
            part: 0,
            token: token()?,
            state: MailState::Queued,
            attempt: 0,
            queued_at: self.now,
            finished_at: None,
            status: None,
            reason: None,
            letter: Addressing { is_update, ..new.addressing.clone() }.write(),
            message_hash: hash.clone(),
            mail_hash: None,
        };
        self.known.push(queued.clone());
        Ok(Some(queued))
    }

    /// How many answers an address got about the object within an hour, and how often the same was sent again: of two
    /// programs that answer each other neither ends.
    fn answers_within_hour(&self, to: &str) -> usize {
        let is_answer = |row: &&QueuedMail| row.round > 0 || row.method == SchedulingMethod::Reply.name();
        let is_recent = |row: &&QueuedMail| row.queued_at > self.now.saturating_sub(HOUR_S);
        self.known.iter().filter(|row| row.address == to).filter(is_answer).filter(is_recent).count()
    }

    /// Does an invitation to the whole wait, of which nothing has left?
    fn invitation_waits(&self, to: &str) -> bool {
        let is_request = |row: &QueuedMail| row.method == SchedulingMethod::Request.name() && row.instances.is_empty();
        let waits = |row: &QueuedMail| row.state == MailState::Queued && row.finished_at.is_none();
        self.known.iter().any(|row| row.address == to && is_request(row) && waits(row))
    }

    /// Withdraws what is no longer worth sending; what may have left is not tried again. Was something withdrawn?
    async fn supersede(&mut self, txn: &mut Txn, to: &str, key: &MessageKey) -> Result<bool> {
        let mut withdrawn = Vec::new();
        for row in &mut self.known {
            if row.address != to || row.finished_at.is_some() || !key.supersedes(row) {
                continue;
            }
            if row.state == MailState::Queued {
                mail::withdraw(txn, row.id).await?;
                withdrawn.push(row.id);
            } else {
                mail::abandon(txn, row.id, self.now).await?;
                row.finished_at = Some(self.now);
            }
        }
        self.known.retain(|row| !withdrawn.contains(&row.id));
        Ok(!withdrawn.is_empty())
    }
}

/// A message without what is never mailed, which may be most of it: files that lie in it, and alarms.
fn mailed_text(message: &SchedulingMessage) -> String {
    let mut calendar = message.object.calendar.clone();
    for part in calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        part.properties.retain(|line| line.name != "ATTACH" || line.parameter("ENCODING").is_none());
        part.components.clear();
    }
    let mut text = String::new();
    calendar.write(&mut text);
    text
}

/// What nobody can guess.
pub(in crate::tree) fn token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new("making a token", error))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
impl Tree {
    /// Sends mail as a change that a test does not make would.
    pub async fn queue_mail(&self, event: Id, mails: &[NewMail<'_>]) -> Result<()> {
        let mut edit = self.job_edit().await?;
        edit.queue_mail(event, mails).await?;
        edit.commit().await
    }
}
