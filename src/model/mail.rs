//! Mail that goes out: what is queued, how it stands, what came of it.

use super::id::{Id, Timestamp};
use super::mailbox::{MailAddress, Mailbox};

/// How a mail stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailState {
    /// Nothing of it has left.
    Queued,
    /// It may be leaving at this moment.
    Sending,
    /// The next server has it.
    Accepted,
    /// It was not taken, or came back, or nobody took it for too long.
    Refused,
    /// It may have left.
    InDoubt,
}

/// Each state with its code in the database.
pub const MAIL_STATES: [(MailState, i64); 5] = [
    (MailState::Queued, 0),
    (MailState::Sending, 1),
    (MailState::Accepted, 2),
    (MailState::Refused, 3),
    (MailState::InDoubt, 4),
];

impl MailState {
    /// Its code.
    #[must_use]
    pub fn code(self) -> i64 {
        MAIL_STATES.iter().find(|(state, _)| *state == self).map_or(0, |(_, code)| *code)
    }

    /// The state of a code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        MAIL_STATES.iter().find(|(_, known)| *known == code).map(|(state, _)| *state)
    }
}

/// To whom a mail goes, from whom, and in which language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addressing {
    /// Who gets it.
    pub to: Mailbox,
    /// Whose the meeting is; of an answer who answers.
    pub from: Mailbox,
    /// Who reads what people write back.
    pub reply_to: Option<Mailbox>,
    /// Who planned the meeting, and takes part.
    pub planner: Option<Mailbox>,
    /// The tag of the recipient's language.
    pub language: String,
    /// Did they get a mail about the same before?
    pub is_update: bool,
}

impl Addressing {
    /// As one text, line by line: none of them has a line break in it.
    #[must_use]
    pub fn write(&self) -> String {
        let mailbox = |mailbox: &Option<Mailbox>| mailbox.as_ref().map(Mailbox::to_string).unwrap_or_default();
        let lines = [
            self.to.to_string(),
            self.from.to_string(),
            mailbox(&self.reply_to),
            mailbox(&self.planner),
            self.language.clone(),
            if self.is_update { "update" } else { "" }.to_owned(),
        ];
        lines.map(|line| line.replace(['\r', '\n'], " ")).join("\n")
    }

    /// Reads it back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut next = || lines.next();
        Some(Self {
            to: next()?.parse().ok()?,
            from: next()?.parse().ok()?,
            reply_to: next()?.parse().ok(),
            planner: next()?.parse().ok(),
            language: next()?.to_owned(),
            is_update: next()? == "update",
        })
    }
}

/// A mail in the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedMail {
    /// Identifier: they are sent in this order.
    pub id: Id,
    /// The calendar object that it is about.
    pub event: Id,
    /// Who caused it; until it is stored `None`: whose calendar the object stands in.
    pub sender: Option<Id>,
    /// Who gets it, in small letters.
    pub address: String,
    /// What the message wants.
    pub method: String,
    /// The occurrences that it is about; empty: the whole.
    pub instances: String,
    /// Its SEQUENCE.
    pub sequence: i64,
    /// Hash of the message but for its stamps.
    pub content: String,
    /// Counts those of one content that were wanted once more.
    pub round: i64,
    /// Counts the mails that one message is sent as.
    pub part: i64,
    /// What its Message-ID and its envelope sender are made of.
    pub token: String,
    /// How it stands.
    pub state: MailState,
    /// Counts the jobs that were entered to send it.
    pub attempt: i64,
    /// When it was queued, which is its date.
    pub queued_at: Timestamp,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
    /// What came of it.
    pub status: Option<String>,
    /// What the other server said.
    pub reason: Option<String>,
    /// To whom it goes, from whom, and in which language.
    pub letter: String,
    /// The message.
    pub message_hash: Option<String>,
    /// The mail as it is sent.
    pub mail_hash: Option<String>,
}

/// What stands as the method of a mail that lists others, which are held back: it is about no single meeting.
pub const DIGEST: &str = "DIGEST";

impl QueuedMail {
    /// Does it list others?
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.method == DIGEST
    }
}

/// A mail that waits, and the message in it.
#[derive(Clone, Debug)]
pub struct WaitingMail {
    /// The mail.
    pub mail: QueuedMail,
    /// The message.
    pub message: bytes::Bytes,
}

/// The token of one of the mails that a message is sent as.
#[must_use]
pub fn token_of_part(token: &str, part: i64) -> String {
    if part == 0 { token.to_owned() } else { format!("{token}-{part}") }
}

/// What came of an attempt to send a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendOutcome {
    /// The next server has it.
    Accepted,
    /// It never will take it, and why.
    Refused(String),
    /// Nothing of it was taken, and it may be tried again.
    Later(String),
    /// It may have been taken.
    InDoubt(String),
}

/// What came of a mail, for the meeting that it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailOutcome {
    /// The calendar object.
    pub event: Id,
    /// The recipient.
    pub address: MailAddress,
    /// What it wanted.
    pub method: String,
    /// The occurrences that it was about; empty: the whole.
    pub instances: String,
    /// `1.1`, `5.1` or `5.2` (RFC 6638 section 7.3).
    pub status: String,
    /// What the other server said.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::{Addressing, MAIL_STATES, MailState};

    #[test]
    fn what_is_written_is_read_back() {
        let all = Addressing {
            to: "Jean, le \u{e9}lu <jean@x.fr>".parse().expect("a mailbox"),
            from: "Projet <g+t@agenda.ville.fr>".parse().expect("a mailbox"),
            reply_to: Some("marie@ville.fr".parse().expect("a mailbox")),
            planner: None,
            language: "fr".to_owned(),
            is_update: true,
        };
        assert_eq!(Addressing::read(&all.write()), Some(all.clone()));
        let plain = Addressing { reply_to: None, is_update: false, ..all };
        assert_eq!(Addressing::read(&plain.write()), Some(plain));
        assert_eq!(Addressing::read(""), None);
        assert!(MAIL_STATES.iter().all(|(state, code)| MailState::from_code(*code) == Some(*state)));
    }
}
