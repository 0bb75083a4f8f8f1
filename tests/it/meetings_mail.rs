//! Meetings with people who are not of this server: what is queued for them, and what their answers change.

use beffroi::mail::incoming::take;
use beffroi::mail::lmtp::Delivery;
use beffroi::mail::receive::{MailEnvelope, MailPolicy};

use crate::kit::World;
use crate::meetings::copy;
use crate::meetings::meeting;

const PATH: &str = "/calendars/tram/meetings/one.ics";
const PAUL: &str = "paul@dehors.example";

async fn world() -> World {
    World::with_mail("agenda.ville.example").await
}

fn invited() -> String {
    meeting(
        "one",
        &format!(
            "ORGANIZER:mailto:max@ville.example\r\nATTENDEE;CN=Paul;RSVP=TRUE:mailto:{PAUL}\r\n\
         ATTENDEE;RSVP=TRUE:mailto:zoe@ville.example\r\n"
        ),
    )
}

async fn stored(world: &World) -> String {
    world.client("max").get(PATH).expect(200).await.text().replace("\r\n ", "")
}

fn line(text: &str, of: &str) -> String {
    text.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("no {of} in {text}")).to_owned()
}

/// The address that is written as ORGANIZER.
fn organizer(text: &str) -> String {
    line(text, "ORGANIZER").rsplit_once("mailto:").unwrap().1.to_owned()
}

/// A mail with an answer.
fn reply(from: &str, to: &str, attendee: &str, answer: &str, stamp: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: Accepted\r\nDate: Mon, 01 Jul 2030 08:00:00 +0000\r\nMessage-ID: \
         <{stamp}@dehors.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY; \
         charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//dehors//EN\r\nMETHOD:REPLY\r\n\
         BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:{stamp}\r\nDTSTART:20300701T090000Z\r\nATTENDEE;PARTSTAT={answer}:\
         mailto:{attendee}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

async fn receive(world: &World, from: &str, to: &str, mail: String) -> Delivery {
    let policy = MailPolicy { domain: "agenda.ville.example".parse().unwrap(), trusted_authserv: None };
    let envelope = MailEnvelope { sender: from.parse().ok(), recipient: to.parse().unwrap() };
    let tree = world.tree.clone().in_mail_domain(Some("agenda.ville.example".parse().unwrap()));
    take(&tree, &policy, Some(envelope), mail.into()).await
}

#[tokio::test]
async fn who_is_outside_is_invited_by_mail_and_who_is_inside_is_not() {
    let world = world().await;
    world.client("max").put(PATH, &invited()).expect(201).await;
    let stored = stored(&world).await;
    assert!(organizer(&stored).starts_with("tram+") && organizer(&stored).ends_with("@agenda.ville.example"));
    assert!(line(&stored, PAUL).contains("SCHEDULE-STATUS=1.0"), "{stored}");
    assert!(line(&stored, "zoe@").contains("SCHEDULE-STATUS=1.2"), "{stored}");
    let mails = |jobs: Vec<beffroi::model::job::Job>| jobs.into_iter().filter(|job| job.kind == "mail").count();
    assert_eq!(mails(world.tree.jobs().await.unwrap()), 1);
    // Who writes in the calendar of a project causes what the project sends.
    let causes = "SELECT p.name FROM mail m JOIN principal p ON p.id = m.sender_id";
    let sender: String = sqlx::query_scalar(causes).fetch_one(&mut world.database().await).await.unwrap();
    assert_eq!(sender, "max");
    // A change that matters to nobody sends nothing.
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
    world.client("max").put(PATH, &stored.replace("END:VEVENT", alarm)).expect(204).await;
    assert_eq!(mails(world.tree.jobs().await.unwrap()), 1);
    world.sound().await;
}

#[tokio::test]
async fn an_answer_by_mail_counts_when_it_is_from_who_was_invited_and_to_the_address_of_the_meeting() {
    let world = world().await;
    world.client("max").put(PATH, &invited()).expect(201).await;
    let address = organizer(&stored(&world).await);
    let part = |text: &str| line(text, PAUL);
    // Forged: by someone else; to the address without tag; with another's tag.
    let forged = [
        ("eve@dehors.example", address.clone(), PAUL),
        (PAUL, "tram@agenda.ville.example".to_owned(), PAUL),
        (PAUL, "tram+0123456789abcdef@agenda.ville.example".to_owned(), PAUL),
        ("eve@dehors.example", address.clone(), "eve@dehors.example"),
    ];
    for (from, to, attendee) in forged {
        receive(&world, from, &to, reply(from, &to, attendee, "ACCEPTED", "20300201T080000Z")).await;
        let now = stored(&world).await;
        assert!(part(&now).contains("PARTSTAT=NEEDS-ACTION") || !part(&now).contains("PARTSTAT"), "{from} {to}: {now}");
        assert!(!now.contains("eve@"), "{now}");
    }
    let accepted = reply(PAUL, &address, PAUL, "ACCEPTED", "20300201T080000Z");
    assert!(matches!(receive(&world, PAUL, &address, accepted.clone()).await, Delivery::Taken));
    let now = stored(&world).await;
    assert!(part(&now).contains("PARTSTAT=ACCEPTED") && part(&now).contains("SCHEDULE-STATUS=2.0"), "{now}");
    // A later answer counts; the earlier one that comes again does not.
    let declined = reply(PAUL, &address, PAUL, "DECLINED", "20300202T080000Z");
    receive(&world, PAUL, &address, declined).await;
    receive(&world, PAUL, &address, accepted).await;
    assert!(part(&stored(&world).await).contains("PARTSTAT=DECLINED"));
    world.sound().await;
}

#[tokio::test]
async fn what_came_of_mail_stands_on_who_was_to_get_it() {
    use beffroi::model::mail::MailOutcome;
    let world = world().await;
    let max = world.client("max");
    max.put(PATH, &invited()).expect(201).await;
    let before = max.get(PATH).expect(200).await;
    let sql = "SELECT id FROM node WHERE name = 'one.ics'";
    let event = super::retention::count(&world, sql).await;
    let outcome = |status: &str| MailOutcome {
        event: beffroi::model::id::Id(event),
        address: PAUL.parse().unwrap(),
        method: "REQUEST".to_owned(),
        instances: String::new(),
        status: status.to_owned(),
        reason: String::new(),
    };
    for status in ["1.1", "5.2", "5.2"] {
        world.tree.show_mail_outcomes(vec![outcome(status)]).await.unwrap();
        assert!(line(&stored(&world).await, PAUL).contains(&format!("SCHEDULE-STATUS={status}")));
    }
    assert_eq!(max.get(PATH).expect(200).await.header("schedule-tag"), before.header("schedule-tag"));
    // Of what is gone nothing is written.
    max.delete(PATH).expect(204).await;
    world.tree.show_mail_outcomes(vec![outcome("1.1")]).await.unwrap();
    world.sound().await;
}

/// People are called by their own addresses: the domain is that of projects, rooms and groups.
#[tokio::test]
async fn a_name_in_the_domain_is_no_address_of_a_person() {
    let world = world().await;
    let object = meeting(
        "one",
        "ORGANIZER:mailto:lea@ville.example\r\nATTENDEE;RSVP=TRUE:mailto:max@agenda.ville.example\r\n\
         ATTENDEE;RSVP=TRUE:mailto:zoe@ville.example\r\n",
    );
    world.client("lea").put("/calendars/lea/personal/one.ics", &object).expect(201).await;
    for (name, is_invited) in [("zoe", true), ("max", false)] {
        let found = copy(&world.client(name), &format!("/calendars/{name}/personal/"), "one").await;
        assert_eq!(found.is_some(), is_invited, "{name}");
    }
}

/// The language of the last mail to an address.
pub async fn mailed_in(world: &World, address: &str) -> String {
    let last = "SELECT letter FROM mail WHERE address = $1 ORDER BY id DESC LIMIT 1";
    let letter = sqlx::query_scalar(last).bind(address).fetch_one(&mut world.database().await).await;
    let letter: String = letter.unwrap();
    letter.split('\n').nth(4).expect("a language").to_owned()
}

/// People elsewhere are written to in the language that who invites them has written on their line, or in which they
/// have answered; in French where nothing is known.
#[tokio::test]
async fn mail_is_in_the_language_of_who_gets_it() {
    let world = world().await;
    let guests = ["ada", "ben", "cem", "eve"].map(|name| format!("{name}@dehors.example"));
    let people: String = guests.iter().map(|guest| format!("ATTENDEE;RSVP=TRUE:mailto:{guest}\r\n")).collect();
    let people = people.replace("RSVP=TRUE:mailto:ada", "LANGUAGE=en-GB;RSVP=TRUE:mailto:ada");
    let object = meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}"));
    world.client("max").put(PATH, &object).expect(201).await;
    let languages = async || {
        let mut languages = Vec::new();
        for guest in &guests {
            languages.push(mailed_in(&world, guest).await);
        }
        languages
    };
    assert_eq!(languages().await, ["en-GB", "fr", "fr", "fr"]);
    let address = organizer(&stored(&world).await);
    // A program that says so of its titles; a mail that says so; one that says nothing that is a language.
    let titled = ("SUMMARY;LANGUAGE=en-US:Accepted: Point\r\nATTENDEE", "");
    let headed = ("ATTENDEE", "Content-Language: de-DE, en\r\n");
    let mailed = ("ATTENDEE", "Content-Language: en\r\n");
    for (guest, (line, header)) in guests.iter().skip(1).zip([titled, mailed, headed]) {
        let mail = reply(guest, &address, guest, "ACCEPTED", "20300201T080000Z");
        let mail = mail.replace("ATTENDEE", line).replace("MIME-Version", &format!("{header}MIME-Version"));
        assert_eq!(receive(&world, guest, &address, mail).await, Delivery::Taken);
    }
    let moved = stored(&world).await.replace("T090000Z", "T080000Z");
    world.client("max").put(PATH, &moved).expect(204).await;
    assert_eq!(languages().await, ["en-GB", "en-US", "en", "fr"]);
    world.sound().await;
}
