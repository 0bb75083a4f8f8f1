//! A mail with a message about a meeting, as every mail program takes it (RFC 6047): the words, and the message twice,
//! once as what programs show with buttons, once as a file. Pure: the same letter is always the same bytes.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{self, MessageBuilder, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};

use super::words::{Words, digest_words, words};
use crate::ical::invitation::MailableMessage;
use crate::ical::itip::message::SchedulingMethod;
use crate::message::Language;
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;
use crate::wording::one_line;

/// What a mail is made of.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The message, and what it is about.
    pub invitation: &'a MailableMessage,
    /// What stands above it.
    pub head: LetterHead<'a>,
    /// Did the recipient get one about the same meeting before?
    pub is_update: bool,
    /// The page where one answers without an account.
    pub answer_url: Option<&'a str>,
}

/// What stands above a mail, but for its subject.
#[derive(Clone, Copy, Debug)]
pub struct LetterHead<'a> {
    /// Who gets it.
    pub to: &'a Mailbox,
    /// Whose the meeting is; of an answer who answers.
    pub from: &'a Mailbox,
    /// Who reads what people write back.
    pub reply_to: Option<&'a Mailbox>,
    /// The language of its words.
    pub language: Language,
    /// Its Message-ID, without brackets; what parts the mail is made of it, too.
    pub message_id: &'a str,
    /// Its date.
    pub date: Timestamp,
}

/// Why there is no such mail.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// An address that the library refuses.
    #[error("an address cannot be written: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// A header or a type that it refuses.
    #[error("a header cannot be written")]
    Header,
    /// Anything else.
    #[error("{0}")]
    Message(#[from] lettre::error::Error),
}

fn mailbox(of: &Mailbox) -> Result<message::Mailbox, ComposeError> {
    let name = Some(one_line(&of.name)).filter(|name| !name.is_empty());
    Ok(message::Mailbox::new(name, of.address.as_str().parse::<Address>()?))
}

fn part(kind: &str, encoding: ContentTransferEncoding) -> Result<message::SinglePartBuilder, ComposeError> {
    let kind = ContentType::parse(kind).map_err(|_| ComposeError::Header)?;
    Ok(SinglePart::builder().header(kind).header(encoding))
}

/// The last second that a date can be written of.
const LAST_SECOND: u64 = 253_402_300_799;

impl LetterHead<'_> {
    /// The head of a mail; `automatic` is how it came to be written.
    fn builder(&self, subject: String, automatic: &str) -> Result<MessageBuilder, ComposeError> {
        let mut builder = Message::builder()
            .from(mailbox(self.from)?)
            .to(mailbox(self.to)?)
            .subject(subject)
            .message_id(Some(format!("<{}>", self.message_id)))
            .date(UNIX_EPOCH + Duration::from_secs(u64::try_from(self.date).unwrap_or(0).min(LAST_SECOND)));
        if let Some(reply_to) = self.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let headers = [
            ("Auto-Submitted", automatic),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", self.language.tag()),
        ];
        for (name, value) in headers {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
        }
        Ok(builder)
    }

    /// A boundary, which is the same each time.
    fn boundary(&self, place: &str) -> String {
        format!("{place}-{}", self.message_id.split('@').next().unwrap_or_default())
    }

    /// The words, in both forms.
    fn words(&self, words: Words) -> Result<MultiPart, ComposeError> {
        let printable = ContentTransferEncoding::QuotedPrintable;
        Ok(MultiPart::builder()
            .kind(MultiPartKind::Alternative)
            .boundary(self.boundary("alternative"))
            .singlepart(part("text/plain; charset=utf-8", printable)?.body(words.plain))
            .singlepart(part("text/html; charset=utf-8", printable)?.body(words.html)))
    }
}

/// Writes a mail that lists what others are about.
pub fn compose_digest(head: &LetterHead<'_>, listed: &[String]) -> Result<Vec<u8>, ComposeError> {
    let words = digest_words(listed, head.language);
    let builder = head.builder(words.subject.clone(), "auto-generated")?;
    Ok(builder.multipart(head.words(words)?)?.formatted())
}

/// Writes a mail.
pub fn compose(letter: &Letter<'_>) -> Result<Vec<u8>, ComposeError> {
    let Letter { invitation, head, .. } = letter;
    let who = head.reply_to.unwrap_or(head.from);
    let who = Some(one_line(&who.name)).filter(|name| !name.is_empty()).unwrap_or_else(|| who.address.to_string());
    let words = words(invitation, &who, head.language, letter.is_update, letter.answer_url);
    // Who is answered automatically must not answer again.
    let automatic = if invitation.method == SchedulingMethod::Reply { "auto-replied" } else { "auto-generated" };
    let builder = head.builder(words.subject.clone(), automatic)?;
    if invitation.method == SchedulingMethod::Publish {
        // Programs show it as raw text, or ask for an answer to what is over.
        return Ok(builder.multipart(head.words(words)?)?.formatted());
    }
    let method = invitation.method.name();
    let calendar = format!("text/calendar; charset=utf-8; method={method}; component=VEVENT");
    let base64 = ContentTransferEncoding::Base64;
    let alternative = head.words(words)?.singlepart(part(&calendar, base64)?.body(invitation.text.clone()));
    let file = part("application/ics; name=\"invite.ics\"", base64)?
        .header(ContentDisposition::attachment("invite.ics"))
        .body(invitation.text.clone().into_bytes());
    let mixed = MultiPart::builder()
        .kind(MultiPartKind::Mixed)
        .boundary(head.boundary("mixed"))
        .multipart(alternative)
        .singlepart(file);
    Ok(builder.multipart(mixed)?.formatted())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use mail_parser::{MessageParser, MimeHeaders as _};
    use proptest::prelude::*;

    use super::super::words::line;
    use super::{Letter, LetterHead, compose, compose_digest};
    use crate::ical::invitation::{MailableMessage, Mailing, invitations, letters};
    use crate::ical::itip::message::SchedulingMessage;
    use crate::ical::line::escaped;
    use crate::ical::object::{fold_into, parse};
    use crate::ical::zone::Zone;
    use crate::message::Language;
    use crate::model::budget::Budget;
    use crate::model::mailbox::Mailbox;

    fn invitation(method: &str, title: &str, partstat: &str) -> MailableMessage {
        let mut text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:u\n");
        for line in [
            "DTSTART;TZID=Europe/Paris:20261126T090000",
            "DURATION:PT90M",
            "DTSTAMP:20261120T080000Z",
            "LOCATION:Salle 3",
            "DESCRIPTION:Ordre du jour :\\nbudget <provisoire>",
            "ATTACH;FMTTYPE=application/pdf:https://b.ville.fr/share/t/ordre%20du%20jour.pdf",
            "ATTACH;VALUE=BINARY;ENCODING=BASE64:AAAA",
            "ORGANIZER;CN=Marie Durand (Projet Gymnase):mailto:gymnase+t@agenda.ville.fr",
            &format!("ATTENDEE;PARTSTAT={partstat}:mailto:jean@ailleurs.fr"),
            &format!("SUMMARY:{}", escaped(title)),
        ] {
            fold_into(&mut text, line);
        }
        text.push_str("END:VEVENT\nEND:VCALENDAR\n");
        let paris = Zone::Known(TimeZone::get("Europe/Paris").unwrap());
        let mailing = Mailing { planner: None, now: 0, floating: &paris, budget: &Budget::default() };
        invitations(&SchedulingMessage::parse(text.as_bytes()).unwrap(), &mailing).unwrap().remove(0)
    }

    fn mailbox(name: &str, address: &str) -> Mailbox {
        Mailbox { name: name.to_owned(), address: address.parse().unwrap() }
    }

    fn written(invitation: &MailableMessage, to: &str, language: Language, is_update: bool) -> Vec<u8> {
        let (to, from) =
            (mailbox(to, "jean@ailleurs.fr"), mailbox("Marie Durand (Projet Gymnase)", "gymnase+t@agenda.ville.fr"));
        let head = LetterHead {
            to: &to,
            from: &from,
            reply_to: Some(&mailbox("Marie Durand", "marie@ville.fr")),
            language,
            message_id: "abc@agenda.ville.fr",
            date: 1_795_000_000,
        };
        compose(&Letter { invitation, head, is_update, answer_url: Some("https://b.ville.fr/answer/tok") }).unwrap()
    }

    #[test]
    fn a_mail_has_the_form_that_every_outlook_takes() {
        let invitation = invitation("REQUEST", "Comité de pilotage", "NEEDS-ACTION");
        let bytes = written(&invitation, "Jean", Language::French, false);
        assert_eq!(bytes, written(&invitation, "Jean", Language::French, false), "the same bytes again");
        let text = String::from_utf8(bytes.clone()).unwrap();
        for line in [
            "To: Jean <jean@ailleurs.fr>\r\n",
            "Reply-To: \"Marie Durand\" <marie@ville.fr>\r\n",
            "Message-ID: <abc@agenda.ville.fr>\r\n",
            "Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/mixed;",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            "Content-Type: text/calendar; charset=utf-8; method=REQUEST; component=VEVENT\r\n\
             Content-Transfer-Encoding: base64\r\n",
            "Content-Type: application/ics; name=\"invite.ics\"\r\nContent-Transfer-Encoding: base64\r\n",
            "Content-Disposition: attachment; filename=\"invite.ics\"\r\n",
        ] {
            assert_eq!(text.matches(line).count(), 1, "{line:?} in {text}");
        }
        assert!(text.contains("\r\nSubject: Invitation : =?utf-8?b?Q29taXTDqQ==?= de pilotage\r\n"), "{text}");
        let read = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.subject(), Some("Invitation : Comité de pilotage"));
        let from = read.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("Marie Durand (Projet Gymnase)"));
        assert_eq!(from.address(), Some("gymnase+t@agenda.ville.fr"));
        let types: Vec<String> = read
            .parts
            .iter()
            .map(|part| part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or(""))))
            .map(Option::unwrap_or_default)
            .collect();
        assert_eq!(
            types,
            ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",]
        );
        assert_eq!(read.parts[4].contents(), invitation.text.as_bytes());
        assert_eq!(read.parts[5].contents(), invitation.text.as_bytes());
        assert!(invitation.text.contains("ATTACH:https://b.ville.fr/share/t/ordre%20du%20jour.pdf\r\n"));
        let plain = read.parts[2].text_contents().unwrap().replace("\r\n", "\n");
        for said in [
            "Marie Durand vous invite.",
            "Quand\u{a0}: jeudi 26 novembre 2026, de 09:00 à 10:30 (Europe/Paris)",
            "Où\u{a0}: Salle 3",
            "budget <provisoire>",
            "Documents\u{a0}:\nhttps://b.ville.fr/share/t/ordre%20du%20jour.pdf\n",
            "https://b.ville.fr/answer/tok?answer=accepted",
            "https://b.ville.fr/answer/tok?answer=declined",
        ] {
            assert!(plain.contains(said), "{said}: {plain}");
        }
        assert!(read.parts[3].text_contents().unwrap().contains("budget &lt;provisoire&gt;"));
    }

    /// A mail that lists others: words alone, in both languages.
    #[test]
    fn a_digest_lists_what_others_are_about() {
        let (to, from) = (mailbox("Jean", "jean@ailleurs.fr"), mailbox("Beffroi", "beffroi@agenda.ville.fr"));
        for (language, subject, listed) in [
            (Language::French, "Réunions : 2 autres changements", "Mise à jour : Point (jeudi 26 novembre 2026"),
            (Language::English, "Meetings: 2 more changes", "Updated: Point (Thursday 26 November 2026"),
        ] {
            let lines = ["REQUEST", "CANCEL"].map(|method| line(&invitation(method, "Point", ""), language, true));
            let head = LetterHead { to: &to, from: &from, reply_to: None, language, message_id: "a@b.fr", date: 0 };
            let bytes = compose_digest(&head, &lines).unwrap();
            let read = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!((read.subject(), read.parts.len()), (Some(subject), 3));
            let plain = read.parts[1].text_contents().unwrap();
            assert!(plain.contains(listed) && lines.iter().all(|line| plain.contains(line.as_str())), "{plain}");
            assert_eq!(read.header("Auto-Submitted").and_then(|value| value.as_text()), Some("auto-generated"));
        }
    }

    #[test]
    fn what_it_is_stands_in_the_subject() {
        let table = [
            ("REQUEST", false, "NEEDS-ACTION", "Invitation : Point", "Invitation: Point"),
            ("REQUEST", true, "ACCEPTED", "Mise à jour : Point", "Updated: Point"),
            ("CANCEL", true, "ACCEPTED", "Annulé : Point", "Cancelled: Point"),
            ("REPLY", false, "ACCEPTED", "Accepté : Point", "Accepted: Point"),
            ("REPLY", false, "DECLINED", "Refusé : Point", "Declined: Point"),
            ("REPLY", false, "TENTATIVE", "Provisoire : Point", "Tentative: Point"),
        ];
        for (method, is_update, partstat, french, english) in table {
            let invitation = invitation(method, "Point", partstat);
            for (language, subject) in [(Language::French, french), (Language::English, english)] {
                let bytes = written(&invitation, "Jean", language, is_update);
                let read = MessageParser::default().parse(&bytes).unwrap();
                assert_eq!(read.subject(), Some(subject));
                let automatic = if method == "REPLY" { "auto-replied" } else { "auto-generated" };
                assert_eq!(read.header("Auto-Submitted").and_then(|value| value.as_text()), Some(automatic));
                let plain = read.parts[2].text_contents().unwrap().to_owned();
                assert_eq!(plain.contains("/answer/"), method == "REQUEST", "{plain}");
                assert!(!plain.contains("mail-"), "a sentence is missing: {plain}");
            }
        }
    }

    /// No calendar takes it, and nothing is asked.
    #[test]
    fn word_of_documents_is_words_alone() {
        let file = "ATTACH;FILENAME=Compte rendu <1>.odt:https://b.ville.fr/attachments/a/x.odt";
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:PUBLISH\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20261120T080000Z\n\
             DTSTART:20261126T090000Z\nSUMMARY:Point\n{file}\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let mailing =
            Mailing { planner: None, now: 0, floating: &Zone::Known(TimeZone::UTC), budget: &Budget::default() };
        let message = SchedulingMessage::parse(text.as_bytes()).unwrap();
        let word = letters(&message, &mailing).unwrap().remove(0);
        for (language, subject, named) in [
            (
                Language::French,
                "Documents : Point",
                "Compte rendu <1>.odt\u{a0}: https://b.ville.fr/attachments/a/x.odt",
            ),
            (Language::English, "Documents: Point", "Compte rendu <1>.odt: https://b.ville.fr/attachments/a/x.odt"),
        ] {
            let bytes = written(&word, "Jean", language, true);
            let read = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!((read.subject(), read.parts.len()), (Some(subject), 3));
            let plain = read.parts[1].text_contents().unwrap();
            assert!(plain.contains(named) && !plain.contains("/answer/") && !plain.contains("mail-"), "{plain}");
            let html = read.parts[2].text_contents().unwrap();
            let link = "<a href=\"https://b.ville.fr/attachments/a/x.odt\">Compte rendu &lt;1&gt;.odt</a>";
            assert!(html.contains(link), "{html}");
            assert_eq!(line(&word, language, false).split(" (").next(), Some(subject));
        }
    }

    /// A row that is damaged may say any moment.
    #[test]
    fn no_date_is_too_far() {
        let (to, from) = (mailbox("", "jean@ailleurs.fr"), mailbox("", "gymnase+t@agenda.ville.fr"));
        let invitation = invitation("REQUEST", "Point", "NEEDS-ACTION");
        for date in [i64::MIN, -1, 253_402_300_800, i64::MAX] {
            let (language, message_id) = (Language::French, "abc@agenda.ville.fr");
            let head = LetterHead { to: &to, from: &from, reply_to: None, language, message_id, date };
            let letter = Letter { invitation: &invitation, head, is_update: false, answer_url: None };
            assert!(compose(&letter).is_ok(), "{date}");
        }
    }

    /// Bytes that would make a header of their own.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = proptest::sample::select(vec![
            "a",
            "é",
            "\r\n",
            "\n",
            "\r",
            "\0",
            "Bcc: x@y.fr",
            "\u{202e}",
            "\u{2028}",
            "\"",
            "<x@y.fr>",
            ",",
            "=?utf-8?q?=0D=0A?=",
            ";",
            "\u{1f600}",
            "Content-Type: text/html",
            " ",
            "\\",
            "(",
            "--mixed-abc",
        ]);
        prop_oneof![
            proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
            "[a-zé \"]{0,400}",
            Just("x".repeat(5_000)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn no_header_is_injected(title in hostile(), name in hostile()) {
            // The object is read as it is stored: without control characters.
            let plain: String = title.chars().filter(|c| !c.is_control()).collect();
            let mut invitation = invitation("REQUEST", &plain, "NEEDS-ACTION");
            invitation.occasion.title = title;
            let bytes = written(&invitation, &name, Language::English, false);
            let text = String::from_utf8(bytes.clone()).unwrap();
            prop_assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0'])));
            let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
            let names: Vec<&str> = head.split("\r\n").map(|line| line.split(':').next().unwrap()).collect();
            prop_assert_eq!(
                names,
                [
                    "From", "To", "Subject", "Message-ID", "Date", "Reply-To", "Auto-Submitted",
                    "X-Auto-Response-Suppress",
                    "Content-Language", "MIME-Version", "Content-Type",
                ]
            );
            let read = MessageParser::default().parse(&bytes).unwrap();
            prop_assert_eq!(read.parts.len(), 6);
            prop_assert_eq!(read.to().unwrap().iter().count(), 1);
            prop_assert_eq!(read.to().unwrap().first().unwrap().address(), Some("jean@ailleurs.fr"));
            let (one, other) = (read.parts[4].contents(), read.parts[5].contents());
            prop_assert_eq!(one, other);
            prop_assert!(parse(one).is_ok());
            let shown = read.subject().unwrap();
            prop_assert!(!shown.contains(['\u{202e}', '\r', '\n', '\0']), "{:?}", shown);
        }
    }
}
