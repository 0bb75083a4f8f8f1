//! Mails of the programs that people use, of those that answer for them, of servers that give mail back, and of those
//! who pretend: each is read as what it is. They lie in `received/`, with line feeds alone.

use std::fmt::Write as _;

use beffroi::ical::itip::message::SchedulingMethod;
use beffroi::ical::itip::people::CalendarUser;
use beffroi::mail::receive::{MailPolicy, Received, ReceivedKind, RefusedMail, receive};

fn policy() -> MailPolicy {
    MailPolicy { domain: "agenda.ville.fr".parse().unwrap(), trusted_authserv: Some("mx.ville.fr".parse().unwrap()) }
}

fn read(text: &str) -> Result<Received, RefusedMail> {
    receive(text.replace('\n', "\r\n").as_bytes(), None, &policy())
}

/// What a mail is, in one line.
fn summary(read: Result<Received, RefusedMail>) -> String {
    let received = match read {
        Ok(received) => received,
        Err(refused) => return format!("{refused:?}"),
    };
    let mut out = match &received.kind {
        ReceivedKind::Message(message) => {
            let parts: Vec<_> = message.message.object.parts().collect();
            let answers: Vec<String> = match message.message.method {
                SchedulingMethod::Reply | SchedulingMethod::Counter => parts
                    .iter()
                    .flat_map(|part| CalendarUser::attendees(part))
                    .map(CalendarUser::participation)
                    .collect(),
                _ => Vec::new(),
            };
            let trust = match (message.is_from_party, message.is_vouched) {
                (true, true) => "party, vouched",
                (true, false) => "party",
                (false, true) => "vouched",
                (false, false) => "nobody",
            };
            format!(
                "{} {}[{trust}]",
                message.message.method.name(),
                answers.iter().map(|a| format!("{a} ")).collect::<String>()
            )
        }
        ReceivedKind::Bounce(bounce) => {
            format!("bounce {} {} {}", bounce.token, if bounce.is_final { "5.2" } else { "5.1" }, bounce.reason)
        }
        ReceivedKind::Tnef => "tnef".to_owned(),
        ReceivedKind::Ignored(why) => return format!("ignored {why:?}"),
    };
    if let ReceivedKind::Message(_) = received.kind {
        let tag = received.tag.map(|tag| format!("+{tag}")).unwrap_or_default();
        let _ = write!(out, " to {}{tag}", received.recipient.local());
    }
    out + if received.is_automatic && !matches!(received.kind, ReceivedKind::Bounce(_)) { ", automatic" } else { "" }
}

macro_rules! mails {
    ($($name:literal => $expected:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("received/", $name, ".eml")), $expected)),*]
    };
}

#[test]
fn each_mail_is_read_as_what_it_is() {
    const TOKEN: &str = "00ff00ff00ff00ff00ff00ff00ff00ff";
    let table = mails![
        "exchange-reply-accepted" => "REPLY ACCEPTED [party, vouched] to gymnase+a1b2",
        "exchange-reply-declined" => "REPLY DECLINED [party, vouched] to gymnase+a1b2",
        "exchange-counter" => "COUNTER TENTATIVE [party, vouched] to gymnase+a1b2",
        "exchange-request" => "REQUEST [party, vouched] to salle-3",
        "exchange-cancel" => "CANCEL [party, vouched] to salle-3",
        "outlook-com-reply-tentative" => "REPLY TENTATIVE [party] to gymnase+a1b2",
        "google-reply-accepted" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "google-counter" => "COUNTER TENTATIVE ACCEPTED [party] to gymnase+a1b2",
        "google-request" => "REQUEST [party] to salle-3",
        "google-cancel" => "CANCEL [party] to salle-3",
        "apple-reply-declined" => "REPLY DECLINED [party] to gymnase+a1b2",
        "apple-refresh" => "REFRESH [party] to gymnase+a1b2",
        "thunderbird-reply-accepted" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "thunderbird-declinecounter" => "ignored Method",
        "method-in-small-letters" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "method-in-the-event" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "method-in-the-type-alone" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "method-of-the-type-is-another" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "two-calendars" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "latin-1" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "a-file-alone" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "no-program-named" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "publish" => "ignored Method",
        "no-method" => "ignored Method",
        "unreadable-calendar" => "Calendar",
        "no-calendar" => "ignored NoCalendar",
        "tnef-alone" => "tnef",
        "for-nobody-here" => "NotHere",
        // Who pretends is no party, and nobody vouches for them.
        "forged-author" => "REPLY ACCEPTED [nobody] to gymnase+a1b2",
        "forged-vouching" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "failed-vouching" => "REPLY ACCEPTED [party] to gymnase+a1b2",
        "two-authors" => "REPLY ACCEPTED [nobody] to gymnase+a1b2",
        "two-from-lines" => "REPLY ACCEPTED [nobody] to gymnase+a1b2",
        "cancel-by-an-attendee" => "CANCEL [nobody] to salle-3",
        // What would go on for ever.
        "loop-own-author" => "ignored Loop",
        "loop-own-message-id" => "ignored Loop",
        "loop-many-servers" => "ignored Loop",
        "list" => "ignored Automatic",
        "bulk" => "ignored Automatic",
        "null-sender" => "ignored Automatic",
        "absence-outlook" => "ignored Automatic",
        "absence-vacation" => "ignored Automatic",
        "absence-old-program" => "ignored Automatic",
        "room-of-exchange-answers" => "REPLY ACCEPTED [party, vouched] to gymnase+a1b2, automatic",
        // What came back, and what only came to the same address.
        "bounce-failed" => "bounce TOKEN 5.2 smtp; 550 5.1.1 no such user",
        "bounce-given-up" => "bounce TOKEN 5.1 smtp; 450 4.4.7 message expired",
        "bounce-in-words" => "bounce TOKEN 5.2 failure notice",
        "bounce-returns-an-invitation" => "bounce TOKEN 5.2 smtp; 550 no",
        "bounce-delayed" => "ignored DeliveryNotice",
        "bounce-delivered" => "ignored DeliveryNotice",
        "bounce-absence" => "ignored DeliveryNotice",
        "bounce-person" => "ignored DeliveryNotice",
    ];
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/received")).unwrap().count();
    assert_eq!(files, table.len(), "a mail that nobody reads");
    let mut wrong = Vec::new();
    for (name, text, expected) in table {
        let summary = summary(read(text));
        if summary != expected.replace("TOKEN", TOKEN) {
            wrong.push(format!("{name}: {summary}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Names in other character sets and encodings are what they were.
#[test]
fn what_is_said_arrives_as_it_was_written() {
    for text in [include_str!("received/latin-1.eml"), include_str!("received/thunderbird-reply-accepted.eml")] {
        let Ok(Received { kind: ReceivedKind::Message(message), .. }) = read(text) else { panic!("{text}") };
        let event = message.message.object.master().unwrap();
        assert_eq!(event.value("SUMMARY"), Some("Comité de pilotage"));
        assert_eq!(message.message.object.calendar.all("METHOD").count(), 1);
    }
    let text = include_str!("received/exchange-reply-accepted.eml");
    let Ok(Received { kind: ReceivedKind::Message(message), from, .. }) = read(text) else { panic!("{text}") };
    let event = message.message.object.master().unwrap();
    assert_eq!(event.value("SUMMARY"), Some("Accepté : Comité de pilotage"));
    assert!(event.property("ORGANIZER").is_none());
    assert_eq!(from.unwrap().as_str(), "jean@ailleurs.fr");
}

#[test]
fn what_is_too_large_is_refused() {
    let text = include_str!("received/no-program-named.eml");
    let filled = |number: usize| text.replacen("SUMMARY:", &format!("DESCRIPTION:{}\nSUMMARY:", "x".repeat(number)), 1);
    assert!(summary(read(&filled(1 << 20))).starts_with("REPLY ACCEPTED"));
    assert_eq!(read(&filled(11 << 20)).unwrap_err(), RefusedMail::TooLarge);
}

/// Nothing that comes from outside does more than be refused.
#[test]
fn damaged_mails_harm_nobody() {
    for text in [
        include_str!("received/google-reply-accepted.eml"),
        include_str!("received/bounce-failed.eml"),
        include_str!("received/exchange-request.eml"),
    ] {
        for cut in (0..text.len()).step_by(37) {
            let _ = read(&text[..text.floor_char_boundary(cut)]);
            let mut bytes = text.as_bytes().to_vec();
            bytes[cut] = bytes[cut].wrapping_add(128);
            let _ = receive(&bytes, None, &policy());
        }
    }
    for hostile in ["", "\n", "From: a", &"(".repeat(100_000), &"Content-Type: message/rfc822\n\n".repeat(200_000)] {
        let _ = read(hostile);
    }
}
