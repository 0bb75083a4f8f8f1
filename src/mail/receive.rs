//! What a mail that came in is: a message about a meeting, news that one of ours did not arrive, or nothing that
//! anybody has to do something about. Pure: what follows from it is decided elsewhere.
//!
//! Whether something could be an echo is asked first of all: of two programs that answer each other neither ends.

use mail_parser::{HeaderName, Message};

use super::authenticity::vouched;
use super::bounce;
use super::header_values::values;
use super::mime_parts::{self, MailPart};
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::language_of;
use crate::ical::object::{Component, MAX_BYTES, Object};
use crate::ical::outlook_people::address_of;
use crate::model::mailbox::{MailAddress, MailDomain};

/// More than so many servers pass a mail on only when it goes in a circle.
const MAX_RECEIVED: usize = 30;
/// So many calendars in one part are looked at.
const MAX_CALENDARS: usize = 10;

/// Whose mail is read.
#[derive(Clone, Debug)]
pub struct MailPolicy {
    /// The domain of our addresses.
    pub domain: MailDomain,
    /// The name of the server whose word counts.
    pub trusted_authserv: Option<MailDomain>,
}

/// Where a mail came from and went to, as the servers between say it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailEnvelope {
    /// Who is informed if it cannot be delivered; `None`: nobody, for it is itself such news.
    pub sender: Option<MailAddress>,
    /// Who gets it.
    pub recipient: MailAddress,
}

/// A mail that came in.
#[derive(Clone, PartialEq, Debug)]
pub struct Received {
    /// What it is.
    pub kind: ReceivedKind,
    /// Who says that they wrote it; `None`: nobody, or several.
    pub from: Option<MailAddress>,
    /// Which of our addresses it came to, without its tag.
    pub recipient: MailAddress,
    /// What that address bears behind a `+`: which meeting it is about, for who made it.
    pub tag: Option<String>,
    /// Was it made by a program? Then no program answers it.
    pub is_automatic: bool,
}

/// What a mail is.
#[derive(Clone, PartialEq, Debug)]
pub enum ReceivedKind {
    /// A message about a meeting.
    Message(Box<ReceivedMessage>),
    /// One of our mails did not arrive.
    Bounce(bounce::Bounce),
    /// A calendar in a form of Microsoft's own that nobody else reads: whoever organizes the meeting has to be shown
    /// that.
    Tnef,
    /// Nothing to act on, and why.
    Ignored(IgnoredMail),
}

/// A message about a meeting.
#[derive(Clone, PartialEq, Debug)]
pub struct ReceivedMessage {
    /// The message.
    pub message: SchedulingMessage,
    /// Is who says that they wrote it the one attendee that answers, or the organizer who invites?
    pub is_from_party: bool,
    /// Does the server that is trusted say that it is from who it says?
    pub is_vouched: bool,
    /// Is there a server that could?
    pub is_judged: bool,
}

/// Why nothing is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IgnoredMail {
    /// It says of itself that it is from us, or it goes in a circle.
    Loop,
    /// It was made for many, or by a program that answers whatever comes.
    Automatic,
    /// News that something is late, or arrived.
    DeliveryNotice,
    /// It has no calendar.
    NoCalendar,
    /// Its calendar is for reading, or wants what nobody does here.
    Method,
}

/// Why a mail is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RefusedMail {
    /// It is no mail.
    #[error("this is not a message")]
    Unreadable,
    /// The calendar is too large.
    #[error("the calendar is larger than 10 MiB")]
    TooLarge,
    /// The calendar cannot be read.
    #[error("the calendar in it cannot be read")]
    Calendar,
    /// It is for nobody here.
    #[error("none of its recipients is here")]
    NotHere,
}

/// Each reason with the key of its sentence.
const REFUSALS: [(RefusedMail, &str); 4] = [
    (RefusedMail::Unreadable, "refused-mail-unreadable"),
    (RefusedMail::TooLarge, "refused-mail-size"),
    (RefusedMail::Calendar, "refused-mail-calendar"),
    (RefusedMail::NotHere, "refused-mail-recipient"),
];

impl RefusedMail {
    /// The key of its sentence.
    #[must_use]
    pub fn key(self) -> &'static str {
        REFUSALS.iter().find(|(refusal, _)| *refusal == self).map_or("refused-mail-unreadable", |(_, key)| key)
    }
}

/// Reads a mail. Without an envelope its headers have to say who it was for.
pub fn receive(bytes: &[u8], envelope: Option<MailEnvelope>, policy: &MailPolicy) -> Result<Received, RefusedMail> {
    let parts = mime_parts::read(bytes).ok_or(RefusedMail::Unreadable)?;
    let mail = &parts.head;
    let envelope = envelope.or_else(|| envelope_of(mail, policy)).ok_or(RefusedMail::NotHere)?;
    if !envelope.recipient.domain().eq_ignore_ascii_case(policy.domain.as_str()) {
        return Err(RefusedMail::NotHere);
    }
    let from = only_author(mail);
    let automation = Automation::of(mail, &envelope);
    let kind = match (echo(mail, from.as_ref(), policy), bounce::token_of(&envelope.recipient)) {
        (true, None) => ReceivedKind::Ignored(IgnoredMail::Loop),
        (_, Some(token)) => {
            match bounce::read(mail, &parts.leaves, token, envelope.sender.is_none() && !automation.answers) {
                Some(bounce) => ReceivedKind::Bounce(bounce),
                None => ReceivedKind::Ignored(IgnoredMail::DeliveryNotice),
            }
        }
        (false, None) => meeting(mail, &parts.leaves, from.as_ref(), &automation, policy)?,
    };
    let (local, tag) = match envelope.recipient.local().split_once('+') {
        Some((local, tag)) => (local, Some(tag.to_owned()).filter(|tag| !tag.is_empty())),
        None => (envelope.recipient.local(), None),
    };
    let plain = format!("{local}@{}", envelope.recipient.domain()).parse();
    let recipient = plain.unwrap_or_else(|_| envelope.recipient.clone());
    Ok(Received { kind, from, recipient, tag, is_automatic: automation.is_any() })
}

fn envelope_of(mail: &Message<'_>, policy: &MailPolicy) -> Option<MailEnvelope> {
    let address = |text: &str| text.trim().trim_start_matches('<').trim_end_matches('>').parse::<MailAddress>().ok();
    let ours = |address: &MailAddress| address.domain().eq_ignore_ascii_case(policy.domain.as_str());
    let delivered = ["Delivered-To", "X-Original-To", "Envelope-To"].into_iter().flat_map(|name| values(mail, name));
    let delivered = delivered.filter_map(|value| address(&value));
    let named = [mail.to(), mail.cc()].into_iter().flatten().flat_map(|list| list.iter());
    let named = named.filter_map(|one| address(one.address()?));
    let recipient = delivered.chain(named).find(ours)?;
    let returned = values(mail, "Return-Path").next();
    // Who hands a mail over without saying where it came from has it from its author.
    let sender = match returned {
        Some(path) => address(&path),
        None => only_author(mail),
    };
    Some(MailEnvelope { sender, recipient })
}

/// The one address in From.
fn only_author(mail: &Message<'_>) -> Option<MailAddress> {
    if mail.header_values(HeaderName::From).count() != 1 {
        return None;
    }
    let mut authors = mail.from()?.iter();
    let (author, None) = (authors.next()?, authors.next()) else { return None };
    author.address()?.parse().ok()
}

/// Does it come back to us, or go in a circle?
fn echo(mail: &Message<'_>, from: Option<&MailAddress>, policy: &MailPolicy) -> bool {
    let ours = policy.domain.as_str();
    let of_us = from.is_some_and(|from| from.domain().eq_ignore_ascii_case(ours));
    let id = mail.message_id().and_then(|id| id.rsplit_once('@'));
    let made_by_us = id.is_some_and(|(_, domain)| domain.trim_end_matches('>').eq_ignore_ascii_case(ours));
    of_us || made_by_us || mail.header_values(HeaderName::Received).count() > MAX_RECEIVED
}

/// What a mail says of having been made by a program.
struct Automation {
    /// For many, or without anybody to write back to: nothing in it is for us.
    for_many: bool,
    /// As an answer to whatever comes.
    answers: bool,
    /// By a program, which may still say what someone decided.
    generated: bool,
}

impl Automation {
    fn of(mail: &Message<'_>, envelope: &MailEnvelope) -> Self {
        let value = |name: &str| values(mail, name).next().map(|value| value.to_ascii_lowercase());
        let submitted = value("Auto-Submitted").unwrap_or_else(|| "no".to_owned());
        let submitted = submitted.split(';').next().unwrap_or_default().trim();
        let precedence = value("Precedence").unwrap_or_default();
        let is = |name: &str| value(name).is_some_and(|value| value != "no");
        Self {
            for_many: value("List-Id").is_some()
                || ["bulk", "junk", "list"].contains(&precedence.as_str())
                || envelope.sender.is_none(),
            answers: submitted == "auto-replied"
                || precedence == "auto_reply"
                || is("X-Autoreply")
                || is("X-Autorespond"),
            generated: submitted != "no",
        }
    }

    const fn is_any(&self) -> bool {
        self.for_many || self.answers || self.generated
    }
}

fn meeting(
    mail: &Message<'_>,
    parts: &[MailPart<'_>],
    from: Option<&MailAddress>,
    automation: &Automation,
    policy: &MailPolicy,
) -> Result<ReceivedKind, RefusedMail> {
    let Some(part) = calendar_part(parts) else {
        let is_tnef =
            parts.iter().any(|part| ["application/ms-tnef", "application/vnd.ms-tnef"].contains(&part.kind.as_str()));
        return Ok(match (automation.is_any(), is_tnef) {
            (true, _) => ReceivedKind::Ignored(IgnoredMail::Automatic),
            (false, true) => ReceivedKind::Tnef,
            (false, false) => ReceivedKind::Ignored(IgnoredMail::NoCalendar),
        });
    };
    let content = part.content();
    if content.len() > MAX_BYTES {
        return Err(RefusedMail::TooLarge);
    }
    if automation.for_many {
        return Ok(ReceivedKind::Ignored(IgnoredMail::Automatic));
    }
    let hint = part.method.as_deref().and_then(SchedulingMethod::read);
    let Some(mut message) = message_of(&content, hint)? else {
        return Ok(ReceivedKind::Ignored(IgnoredMail::Method));
    };
    if message.method == SchedulingMethod::Reply {
        say_language(&mut message, values(mail, "Content-Language").next());
    }
    if automation.answers && message.method != SchedulingMethod::Reply {
        // What answers whatever comes invites nobody.
        return Ok(ReceivedKind::Ignored(IgnoredMail::Automatic));
    }
    let ignored = [SchedulingMethod::Publish, SchedulingMethod::Add, SchedulingMethod::DeclineCounter];
    if ignored.contains(&message.method) {
        return Ok(ReceivedKind::Ignored(IgnoredMail::Method));
    }
    let is_vouched = from.is_some_and(|from| vouched(mail, from, policy.trusted_authserv.as_ref()));
    let is_from_party = from.is_some_and(|from| is_party(&message, from));
    Ok(ReceivedKind::Message(Box::new(ReceivedMessage {
        message,
        is_from_party,
        is_vouched,
        is_judged: policy.trusted_authserv.is_some(),
    })))
}

/// An answer is in the language in which its author's program writes titles (Exchange), else in that of the mail.
fn say_language(message: &mut SchedulingMessage, of_mail: Option<String>) {
    let of_title = message.object.parts().filter_map(|part| part.property("SUMMARY")).find_map(language_of);
    let Some(language) = of_title.or(of_mail) else { return };
    for part in &mut message.object.calendar.components {
        for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            if line.parameter("LANGUAGE").is_none() {
                *line = line.with_parameter("LANGUAGE", Some(&language));
            }
        }
    }
}

/// The first part that is a calendar, at any depth; else the first file that is one. What is in a mail that was
/// attached as a whole is that mail's.
fn calendar_part<'a, 'm>(parts: &'a [MailPart<'m>]) -> Option<&'a MailPart<'m>> {
    let of = |kind: &'static str| parts.iter().find(move |part| part.kind == kind);
    let named = |part: &&MailPart<'_>| {
        let name = part.file_name.as_deref().unwrap_or_default().to_ascii_lowercase();
        part.kind == "application/octet-stream" && name.ends_with(".ics")
    };
    of("text/calendar").or_else(|| of("application/ics")).or_else(|| parts.iter().find(named))
}

/// The first calendar of a text that says what it wants; `None`: none does.
fn message_of(bytes: &[u8], hint: Option<SchedulingMethod>) -> Result<Option<SchedulingMessage>, RefusedMail> {
    let mut read = None;
    for calendar in calendars(&String::from_utf8_lossy(bytes)).take(MAX_CALENDARS) {
        match SchedulingMessage::parse(calendar.as_bytes()) {
            Ok(message) => return Ok(Some(normal(message))),
            Err(_) => read = read.or_else(|| Object::stored(calendar.as_bytes()).ok().filter(is_about_something)),
        }
    }
    let object = read.ok_or(RefusedMail::Calendar)?;
    let stated = object.calendar.value("METHOD").is_some() || object.parts().any(|part| part.value("METHOD").is_some());
    let Some(method) = hint.filter(|_| !stated) else { return Ok(None) };
    // Only the type of the part says what it wants.
    let mut text = String::new();
    object.calendar.write(&mut text);
    let with_method =
        text.replacen("BEGIN:VCALENDAR\r\n", &format!("BEGIN:VCALENDAR\r\nMETHOD:{}\r\n", method.name()), 1);
    Ok(SchedulingMessage::parse(with_method.as_bytes()).ok())
}

fn is_about_something(object: &Object) -> bool {
    object.parts().all(|part| part.name == object.component) && !object.uid.trim().is_empty()
}

/// The calendars of a text one by one, with what stands before each.
fn calendars(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut calendar = String::new();
        for line in lines.by_ref() {
            let begun = !calendar.is_empty() || line.trim().eq_ignore_ascii_case("BEGIN:VCALENDAR");
            if !begun {
                // A byte order mark, or empty lines.
                let bare = line.trim_start_matches('\u{feff}').trim();
                if !bare.eq_ignore_ascii_case("BEGIN:VCALENDAR") {
                    continue;
                }
            }
            calendar.push_str(line.trim_start_matches('\u{feff}'));
            calendar.push_str("\r\n");
            if line.trim().eq_ignore_ascii_case("END:VCALENDAR") {
                break;
            }
        }
        Some(calendar).filter(|calendar| !calendar.is_empty())
    })
}

/// The same with its METHOD where it belongs, and nowhere else.
fn normal(mut message: SchedulingMessage) -> SchedulingMessage {
    fn without_method(component: &mut Component) {
        component.properties.retain(|line| line.name != "METHOD");
        component.components.iter_mut().for_each(without_method);
    }
    let calendar = &mut message.object.calendar;
    without_method(calendar);
    calendar.properties.extend(crate::ical::line::Property::parse(&format!("METHOD:{}", message.method.name())));
    message
}

/// Does an attendee answer, or the organizer invite?
fn is_party(message: &SchedulingMessage, from: &MailAddress) -> bool {
    let name = match message.method {
        SchedulingMethod::Reply | SchedulingMethod::Counter | SchedulingMethod::Refresh => "ATTENDEE",
        _ => "ORGANIZER",
    };
    let is_in = |part: &Component| part.all(name).filter_map(address_of).any(|address| address == *from);
    let mut parts = message.object.parts().peekable();
    if name == "ATTENDEE" {
        return parts.peek().is_some() && parts.all(is_in);
    }
    // Programs leave out who organizes single occurrences.
    let mut named = parts.filter(|part| part.property(name).is_some()).peekable();
    named.peek().is_some() && named.all(is_in)
}
