//! What is mailed of meetings: to whom, when, and what comes of it.

use beffroi::mail::incoming::take;
use beffroi::mail::lmtp::Delivery;
use beffroi::mail::receive::{MailEnvelope, MailPolicy};
use beffroi::model::invitations::InvitationChannel;
use beffroi::model::mail::SendOutcome;
use beffroi::tree::administration::people::PersonChange;

use crate::kit::World;
use crate::meetings::{copy, line, meeting, text};
use crate::outbox::{DOMAIN, Outbox, SentMail};

const PATH: &str = "/calendars/tram/meetings/one.ics";
const PAUL: &str = "paul@dehors.example";
const WEEKLY: &str = "RRULE:FREQ=WEEKLY;COUNT=10\r\n";
const ORGANIZER: &str = "ORGANIZER:mailto:max@ville.example\r\n";

fn attendee(address: &str) -> String {
    format!("ATTENDEE;RSVP=TRUE:mailto:{address}\r\n")
}

fn invited(addresses: &[&str], more: &str) -> String {
    let people: String = addresses.iter().map(|address| attendee(address)).collect();
    meeting("one", &format!("{ORGANIZER}{people}{more}"))
}

/// An occurrence of a weekly meeting at another time.
fn moved(day: &str, addresses: &[&str]) -> String {
    let event = invited(addresses, &format!("RECURRENCE-ID:{day}T090000Z\r\n"));
    let event = event.replace("20300701T", &format!("{day}T")).replace("T090000Z\r\nDTEND", "T140000Z\r\nDTEND");
    let event = event.replace("T100000Z", "T150000Z");
    let start = event.find("BEGIN:VEVENT").unwrap();
    event[start..event.find("END:VCALENDAR").unwrap()].to_owned()
}

fn with(series: &str, occurrence: &str) -> String {
    series.replace("END:VCALENDAR", &format!("{occurrence}END:VCALENDAR"))
}

/// Stores a meeting, by the organizer that it has by then.
async fn put(world: &World, object: &str) {
    let max = world.client("max");
    let known = max.get(PATH).send().await;
    let organizer = text(&known).lines().find(|line| line.starts_with("ORGANIZER")).map(|line| format!("{line}\r\n"));
    let object = object.replace(ORGANIZER, organizer.as_deref().unwrap_or(ORGANIZER));
    let answer = max.put(PATH, &object).send().await;
    assert!([201, 204].contains(&answer.status), "{} {}", answer.status, answer.text());
}

async fn stored(world: &World) -> String {
    text(&world.client("max").get(PATH).expect(200).await)
}

fn to(sent: &[SentMail], name: &str) -> usize {
    sent.iter().filter(|mail| mail.to.starts_with(name)).count()
}

/// RFC 6638 section 7.2: a message that is wanted in any case is a new one; what says the same otherwise is none.
#[tokio::test]
async fn what_a_client_wants_sent_again_is_sent_again() {
    let (world, outbox) = Outbox::world().await;
    put(&world, &invited(&[PAUL, "anna@dehors.example"], "")).await;
    let first = outbox.work(&world).await;
    assert_eq!((to(&first, "paul"), to(&first, "anna")), (1, 1), "{first:?}");
    let now = stored(&world).await;
    assert!(line(&now, "paul").contains("SCHEDULE-STATUS=1.1"), "{now}");
    put(&world, &now).await;
    assert!(outbox.work(&world).await.is_empty(), "the same");
    for _ in 0..2 {
        put(&world, &now.replace(":mailto:paul", ";SCHEDULE-FORCE-SEND=REQUEST:mailto:paul")).await;
        let again = outbox.work(&world).await;
        assert_eq!((to(&again, "paul"), again.len()), (1, 1), "{again:?}");
        assert_ne!(again[0].message_id, first[0].message_id);
        let now = stored(&world).await;
        assert!(!now.contains("FORCE-SEND") && line(&now, "paul").contains("SCHEDULE-STATUS=1.1"), "{now}");
    }
    world.sound().await;
}

/// The same of answers: to an organizer elsewhere.
#[tokio::test]
async fn an_answer_that_is_wanted_again_is_sent_again() {
    let (world, outbox) = Outbox::world().await;
    let (mia, path) = (world.client("mia"), "/calendars/mia/personal/theirs.ics");
    let organizer = "ORGANIZER:mailto:paul@dehors.example\r\n";
    let object = meeting("theirs", &format!("{organizer}ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@ville.example\r\n"));
    mia.put(path, &object).expect(201).await;
    let first = outbox.work(&world).await;
    assert!(to(&first, "paul") == 1 && first[0].calendar.contains("METHOD:REPLY"), "{first:?}");
    let now = text(&mia.get(path).expect(200).await);
    mia.put(path, &now).expect(204).await;
    assert!(outbox.work(&world).await.is_empty());
    mia.put(path, &now.replace("ORGANIZER", "ORGANIZER;SCHEDULE-FORCE-SEND=REPLY")).expect(204).await;
    let again = outbox.work(&world).await;
    assert!(again.len() == 1 && again[0].message_id != first[0].message_id, "{again:?}");
}

/// Changes one after the other are one mail, and what nobody has heard of needs no end.
#[tokio::test]
async fn what_changes_before_it_is_sent_is_sent_once() {
    let (world, outbox) = Outbox::world().await;
    let series = invited(&[PAUL], WEEKLY);
    put(&world, &series).await;
    put(&world, &series.replace("SUMMARY:Point", "SUMMARY:Bilan")).await;
    put(&world, &with(&series.replace("SUMMARY:Point", "SUMMARY:Bilan"), &moved("20300708", &[PAUL]))).await;
    let sent = outbox.work(&world).await;
    assert_eq!(sent.len(), 2, "the series as it is, and what is otherwise in it: {sent:?}");
    assert!(sent[0].calendar.contains("SUMMARY:Bilan") && sent[0].subject.starts_with("Invitation"), "{sent:?}");
    // An occurrence is called off before anybody heard of the series.
    world.client("max").delete(PATH).expect(204).await;
    assert_eq!(outbox.work(&world).await.len(), 1, "its end");
    let path = "/calendars/tram/meetings/two.ics";
    let two = series.replace("UID:one", "UID:two");
    let max = world.client("max");
    max.put(path, &two).expect(201).await;
    let two = text(&max.get(path).expect(200).await);
    max.put(path, &two.replace("SUMMARY:Point", "EXDATE:20300708T090000Z\r\nSUMMARY:Point")).expect(204).await;
    let sent = outbox.work(&world).await;
    assert!(sent.len() == 1 && sent[0].calendar.contains("EXDATE"), "{sent:?}");
    // Made and gone again.
    let path = "/calendars/tram/meetings/three.ics";
    max.put(path, &series.replace("UID:one", "UID:three")).expect(201).await;
    max.delete(path).expect(204).await;
    assert!(outbox.work(&world).await.is_empty());
    world.sound().await;
}

#[tokio::test]
async fn who_was_let_go_is_invited_again() {
    let (world, outbox) = Outbox::world().await;
    let (both, one) = (invited(&[PAUL, "anna@dehors.example"], ""), invited(&["anna@dehors.example"], ""));
    for (object, method) in [(&both, "REQUEST"), (&one, "CANCEL"), (&both, "REQUEST"), (&one, "CANCEL")] {
        put(&world, object).await;
        let sent: Vec<SentMail> = outbox.work(&world).await.into_iter().filter(|mail| mail.to == PAUL).collect();
        assert!(sent.len() == 1 && sent[0].calendar.contains(&format!("METHOD:{method}")), "{method}: {sent:?}");
    }
}

/// outlook.md C2: one occurrence that changes is mailed alone, above its series; who comes later gets the series, and
/// what is otherwise in it.
#[tokio::test]
async fn one_occurrence_that_changes_is_mailed_alone() {
    let (world, outbox) = Outbox::world().await;
    let series = invited(&[PAUL], WEEKLY);
    put(&world, &series).await;
    assert_eq!(outbox.work(&world).await.len(), 1);
    put(&world, &with(&series, &moved("20300708", &[PAUL]))).await;
    let sent = outbox.work(&world).await;
    let [mail] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(mail.calendar.matches("BEGIN:VEVENT").count(), 1);
    assert!(
        mail.calendar.contains("RECURRENCE-ID:20300708T090000Z") && mail.calendar.contains("SEQUENCE:1"),
        "{mail:?}"
    );
    let both = [PAUL, "anna@dehors.example"];
    put(&world, &with(&invited(&both, WEEKLY), &moved("20300708", &both))).await;
    let sent = outbox.work(&world).await;
    assert_eq!((to(&sent, "anna"), to(&sent, "paul")), (2, 0), "{sent:?}");
    assert!(sent[0].calendar.contains("RRULE") && sent[0].subject.starts_with("Invitation"), "{sent:?}");
    assert!(sent[1].plain.contains("8 juillet 2030, de 14:00"), "{sent:?}");
    assert!(!sent[1].calendar.contains("RRULE:FREQ=WEEKLY") && sent[1].subject.starts_with("Mise"), "{sent:?}");
    assert!(sent[1].calendar.contains("RECURRENCE-ID:20300708T090000Z"), "{sent:?}");
}

/// outlook.md A: of a rule that Outlook has no dialogue for each occurrence is mailed, up to thirty; more is refused to
/// the organizer, unless nobody is invited by mail alone.
#[tokio::test]
async fn a_series_that_cannot_be_mailed_is_refused() {
    let (world, outbox) = Outbox::world().await;
    let strange = |count: u32| format!("RRULE:FREQ=DAILY;BYHOUR=9,11;COUNT={count}\r\n");
    let max = world.client("max");
    let answer = max.put(PATH, &invited(&[PAUL], &strange(31))).header("Accept-Language", "en").expect(403).await;
    assert!(
        answer.text().contains("mailable-recurrence") && answer.text().contains("30 occurrences"),
        "{}",
        answer.text()
    );
    max.get(PATH).expect(404).await;
    put(&world, &invited(&[PAUL], &strange(30))).await;
    assert_eq!(to(&outbox.work(&world).await, "paul"), 30);
    max.delete(PATH).expect(204).await;
    put(&world, &invited(&["zoe@ville.example"], &strange(31))).await;
    assert!(copy(&world.client("zoe"), "/calendars/zoe/personal/", "one").await.is_some());
    let more = stored(&world).await.replace("RRULE", &format!("{}RRULE", attendee(PAUL)));
    assert!(max.put(PATH, &more).expect(403).await.text().contains("mailable-recurrence"));
}

/// What is over is nobody's news.
#[tokio::test]
async fn what_is_over_is_not_mailed() {
    let (world, outbox) = Outbox::world().await;
    let past = invited(&[PAUL], "").replace("20300701", "20200701");
    put(&world, &past).await;
    assert!(!stored(&world).await.contains("SCHEDULE-STATUS"));
    put(&world, &past.replace("20200701T10", "20200701T11")).await;
    world.client("max").delete(PATH).expect(204).await;
    assert!(outbox.work(&world).await.is_empty());
    // Of a series that began long ago it is, as long as it goes on.
    put(&world, &invited(&[PAUL], "RRULE:FREQ=WEEKLY\r\n").replace("20300701", "20200701")).await;
    assert_eq!(outbox.work(&world).await.len(), 1);
}

async fn choose(world: &World, name: &str, channel: InvitationChannel) {
    let change = PersonChange { invitations: Some(channel), ..PersonChange::default() };
    world.tree.set_person(name, change).await.unwrap();
}

/// CONTRACT section 6: by mail is invited whose setting says so, and whose calendar no program has read for long.
#[tokio::test]
async fn people_with_an_account_are_mailed_as_they_have_chosen() {
    let (world, outbox) = Outbox::world().await;
    let channels =
        [("lea", InvitationChannel::Calendar), ("mia", InvitationChannel::Mail), ("zoe", InvitationChannel::Both)];
    for (name, channel) in channels {
        choose(&world, name, channel).await;
    }
    let addresses = ["lea@ville.example", "mia@ville.example", "rita@ville.example", "zoe@ville.example"];
    // Rita has chosen nothing, and no program of hers has looked yet.
    for (title, mailed) in [("Point", [0, 1, 1, 1]), ("Bilan", [0, 1, 0, 1])] {
        put(&world, &invited(&addresses, "").replace("SUMMARY:Point", &format!("SUMMARY:{title}"))).await;
        let sent = outbox.work(&world).await;
        assert_eq!(["lea", "mia", "rita", "zoe"].map(|name| to(&sent, name)), mailed, "{sent:?}");
        let now = stored(&world).await;
        for name in ["lea", "mia", "rita", "zoe"] {
            let client = world.client(name);
            let notices = client.propfind(&format!("/calendars/{name}/inbox/"), "1", "").expect(207).await;
            assert_eq!(notices.hrefs().len() - 1, usize::from(name != "mia"), "{name}");
            let (_, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
            assert!(text.contains(&format!("SUMMARY:{title}")));
            assert!(line(&now, name).contains("SCHEDULE-STATUS=1.2"), "{now}");
        }
    }
    // It is known to other processes, too, and after the server was stopped.
    world.tree.write_calendar_use().await.unwrap();
    let rita = world.tree.principal(beffroi::model::principal::PrincipalKind::Person, "rita").await.unwrap();
    assert!(world.tree.reach(rita.id).await.unwrap().calendar_used_at.is_some());
    let mut database = world.database().await;
    sqlx::query("UPDATE invitee SET used_at = used_at - 40 * 86400").execute(&mut database).await.unwrap();
    let beside = beffroi::tree::Tree::open(world.data.path(), false).await.unwrap();
    assert!(beside.reach(rita.id).await.unwrap().by_mail(beffroi::model::id::now()));
    world.sound().await;
}

/// Who is disabled gets no mail; a mail that does not arrive is seen by the organizer.
#[tokio::test]
async fn mail_that_does_not_reach_someone_with_an_account_is_shown() {
    let (world, outbox) = Outbox::world().await;
    world.tree.set_disabled("zoe", true).await.unwrap();
    outbox.answer(SendOutcome::Refused("550 no such user".to_owned()));
    let by_path = "ATTENDEE;RSVP=TRUE:/principals/mia/\r\n";
    put(&world, &invited(&["zoe@ville.example"], by_path)).await;
    outbox.work(&world).await;
    let now = stored(&world).await;
    assert!(line(&now, "zoe").contains("SCHEDULE-STATUS=1.2"), "{now}");
    assert!(now.contains("SCHEDULE-STATUS=5.2:/principals/mia/"), "{now}");
}

/// A reply by mail, in the name of whom it was sent to, as the mail names them.
async fn reply(world: &World, mail: &SentMail, answer: &str) -> Delivery {
    let unfolded = &mail.calendar;
    let organizer = unfolded.split("mailto:").find(|part| part.starts_with("tram+")).unwrap().lines().next().unwrap();
    let own = unfolded.lines().find(|line| line.starts_with("ATTENDEE") && line.ends_with(&mail.to)).unwrap();
    let (before, address) = own.split_once("PARTSTAT=NEEDS-ACTION;RSVP=TRUE").unwrap();
    let text = format!(
        "From: {to}\r\nTo: {organizer}\r\nSubject: Re\r\nDate: Mon, 01 Jul 2029 08:00:00 +0000\r\nMessage-ID: \
         <{answer}@dehors.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY; \
         charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//dehors//EN\r\nMETHOD:REPLY\r\n\
         BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20290701T080000Z\r\nDTSTART:20300701T090000Z\r\n{before}PARTSTAT={answer}\
         {address}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        to = mail.to
    );
    let policy = MailPolicy { domain: DOMAIN.parse().unwrap(), trusted_authserv: None };
    let envelope = MailEnvelope { sender: mail.to.parse().ok(), recipient: organizer.parse().unwrap() };
    let tree = world.tree.clone().in_mail_domain(Some(DOMAIN.parse().unwrap()));
    take(&tree, &policy, Some(envelope), text.into()).await
}

/// However the meeting calls them.
#[tokio::test]
async fn an_answer_by_mail_from_someone_with_an_account_is_in_their_copy_too() {
    for called in ["mailto:mia@ville.example", "/principals/mia/"] {
        let (world, outbox) = Outbox::world().await;
        put(&world, &invited(&[], &format!("ATTENDEE;RSVP=TRUE:{called}\r\n"))).await;
        let sent = outbox.work(&world).await;
        let [mail] = sent.as_slice() else { panic!("{sent:?}") };
        assert!(matches!(reply(&world, mail, "ACCEPTED").await, Delivery::Taken));
        let (_, text) = copy(&world.client("mia"), "/calendars/mia/personal/", "one").await.expect("a copy");
        for text in [stored(&world).await, text] {
            let own = text.lines().find(|line| line.ends_with(called)).unwrap();
            assert!(own.contains("PARTSTAT=ACCEPTED"), "{text}");
        }
        // What came of the mail is known by the answer, whatever is reported later.
        let before = stored(&world).await;
        assert!(outbox.work(&world).await.is_empty());
        assert_eq!(stored(&world).await, before);
        world.sound().await;
    }
}
