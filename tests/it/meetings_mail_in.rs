//! Mail about meetings that is no plain answer: proposals, questions, what nobody can be sure of, and what goes in
//! circles.

use beffroi::mail::incoming::take;
use beffroi::mail::lmtp::Delivery;
use beffroi::mail::receive::{MailEnvelope, MailPolicy};

use crate::kit::World;
use crate::meetings::{copy, meeting};

pub const DOMAIN: &str = "agenda.ville.example";
const TRAM: &str = "/calendars/tram/meetings/one.ics";
pub const PAUL: &str = "paul@dehors.example";

pub async fn world() -> World {
    World::with_mail(DOMAIN).await
}

/// A mail as it is handed over.
pub struct Mail {
    pub from: String,
    pub to: String,
    pub method: &'static str,
    /// Lines of headers besides those that every mail has.
    pub headers: String,
    /// The lines of its one component.
    pub lines: String,
    /// Does the trusted server vouch for its author? `None`: there is no such server.
    pub vouched: Option<bool>,
}

impl Mail {
    pub fn new(method: &'static str, from: &str, to: &str, lines: &str) -> Self {
        let (from, to, lines) = (from.to_owned(), to.to_owned(), lines.to_owned());
        Self { from, to, method, headers: String::new(), lines, vouched: None }
    }

    /// The trusted server has its word on who wrote it.
    pub fn judged(self, vouched: bool) -> Self {
        Self { vouched: Some(vouched), ..self }
    }

    fn text(&self) -> String {
        let Self { from, to, method, headers, lines, .. } = self;
        let domain = from.rsplit('@').next().unwrap();
        let result = if self.vouched == Some(true) { "pass" } else { "fail" };
        format!(
            "Authentication-Results: mx.ville.example; dmarc={result} header.from={domain}\r\nFrom: {from}\r\nTo: {to}\
             \r\nSubject: x\r\nDate: Mon, 01 Jul 2030 08:00:00 +0000\r\nMessage-ID: <1@dehors.example>\r\n{headers}\
             MIME-Version: 1.0\r\nContent-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n\
             BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//dehors//EN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n{lines}\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    /// Hands it over.
    pub async fn send(&self, world: &World) -> Delivery {
        let trusted_authserv = self.vouched.map(|_| "mx.ville.example".parse().unwrap());
        let policy = MailPolicy { domain: DOMAIN.parse().unwrap(), trusted_authserv };
        let envelope = MailEnvelope { sender: self.from.parse().ok(), recipient: self.to.parse().unwrap() };
        let tree = world.tree.clone().in_mail_domain(Some(DOMAIN.parse().unwrap()));
        take(&tree, &policy, Some(envelope), self.text().into()).await
    }
}

/// What an attendee says about the meeting.
fn said(attendee: &str, answer: &str, stamp: u32, time: &str) -> String {
    format!(
        "UID:one\r\nDTSTAMP:203002{stamp:02}T080000Z\r\nSUMMARY:Nouvelle heure : Point\r\n{time}ATTENDEE;\
         PARTSTAT={answer}:mailto:{attendee}\r\n"
    )
}

const NINE: &str = "DTSTART:20300701T090000Z\r\nDTEND:20300701T100000Z\r\n";
const TWO: &str = "DTSTART;TZID=Europe/Paris:20300702T160000\r\nDTEND;TZID=Europe/Paris:20300702T170000\r\n";

/// A meeting of the project with someone outside, a member, a reader and somebody who is neither; and its address.
async fn invited(world: &World) -> String {
    let people = format!(
        "ORGANIZER:mailto:max@ville.example\r\nATTENDEE;CN=Paul;RSVP=TRUE:mailto:{PAUL}\r\n\
         ATTENDEE;RSVP=TRUE:mailto:mia@ville.example\r\nATTENDEE;RSVP=TRUE:mailto:rita@ville.example\r\n"
    );
    world.client("max").put(TRAM, &meeting("one", &people)).expect(201).await;
    let stored = stored(world).await;
    let organizer = stored.lines().find(|line| line.starts_with("ORGANIZER")).unwrap();
    organizer.rsplit_once("mailto:").unwrap().1.to_owned()
}

async fn stored(world: &World) -> String {
    world.client("max").get(TRAM).expect(200).await.text().replace("\r\n ", "")
}

fn line<'a>(text: &'a str, of: &str) -> &'a str {
    text.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("no {of} in {text}"))
}

/// What lies in an inbox.
pub async fn inbox(world: &World, who: &str, home: &str) -> Vec<String> {
    let client = world.client(who);
    let path = format!("/calendars/{home}/inbox/");
    let listed = client.propfind(&path, "1", "<D:getetag xmlns:D=\"DAV:\"/>").expect(207).await.hrefs();
    let mut items = Vec::new();
    for href in listed.into_iter().filter(|href| href.ends_with(".ics")) {
        items.push(client.get(&href).expect(200).await.text().replace("\r\n ", ""));
    }
    items
}

async fn mails(world: &World) -> usize {
    world.tree.jobs().await.unwrap().into_iter().filter(|job| job.kind == "mail").count()
}

#[tokio::test]
async fn what_is_not_sure_is_shown_and_changes_nothing() {
    let world = world().await;
    let address = invited(&world).await;
    let before = stored(&world).await;
    let forged = [
        Mail::new("REPLY", "eve@dehors.example", &address, &said(PAUL, "ACCEPTED", 1, NINE)),
        Mail::new("REPLY", PAUL, "tram@agenda.ville.example", &said(PAUL, "DECLINED", 1, NINE)),
        Mail::new("REPLY", "anna@dehors.example", &address, &said("anna@dehors.example", "ACCEPTED", 1, NINE)),
        Mail::new("COUNTER", "eve2@dehors.example", &address, &said("max@ville.example", "ACCEPTED", 1, TWO)),
        Mail::new("CANCEL", "ivan@dehors.example", &address, &said("max@ville.example", "ACCEPTED", 1, NINE)),
        Mail::new("REFRESH", "lisa@dehors.example", &address, &said("lisa@dehors.example", "ACCEPTED", 1, NINE)),
        Mail::new(
            "REPLY",
            "karl@dehors.example",
            &address,
            &format!(
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20300701T090000Z\r\n{}",
                said("karl@dehors.example", "ACCEPTED", 1, NINE)
            ),
        ),
    ];
    for mail in &forged {
        assert_eq!(mail.send(&world).await, Delivery::Taken, "{}", mail.from);
        assert_eq!(stored(&world).await, before, "{}", mail.from);
    }
    let items = inbox(&world, "mia", "tram").await;
    assert_eq!(items.len(), forged.len(), "{items:?}");
    for mail in &forged {
        let item = items.iter().find(|item| item.contains(&mail.from)).expect("shown");
        assert!(item.contains("METHOD:REPLY") && item.contains("UID:one\r\n"), "{item}");
        assert!(item.contains("Not sure who") && item.contains("Pas sûr de qui"), "{item}");
        // Nobody who takes it for an answer makes anything of it.
        assert!(!line(item, "ATTENDEE").contains("PARTSTAT=A"), "{item}");
        assert!(line(item, "SUMMARY").contains("Point") && !item.contains("Nouvelle heure"), "{item}");
    }
    // A flood has a bounded number of notices: one of an author about a meeting, and so many in all.
    for number in 0..120 {
        forged[0].send(&world).await;
        let from = format!("a{number}@dehors.example");
        Mail { from, ..Mail::new("REPLY", "", &address, &said(PAUL, "ACCEPTED", 1, NINE)) }.send(&world).await;
    }
    let items = inbox(&world, "mia", "tram").await;
    assert_eq!(items.len(), 100);
    assert!(items.iter().any(|item| item.contains("a119@")) && !items.iter().any(|item| item.contains("ivan@")));
    assert_eq!(stored(&world).await, before);
    world.sound().await;
}

#[tokio::test]
async fn an_answer_is_shown_once_and_says_nothing_of_others() {
    let world = world().await;
    let address = invited(&world).await;
    let lines = format!("{}ATTENDEE;PARTSTAT=DECLINED:mailto:mia@ville.example\r\n", said(PAUL, "ACCEPTED", 1, NINE));
    let reply = Mail::new("REPLY", PAUL, &address, &lines);
    for _ in 0..3 {
        assert_eq!(reply.send(&world).await, Delivery::Taken);
    }
    let now = stored(&world).await;
    assert!(line(&now, PAUL).contains("PARTSTAT=ACCEPTED") && !line(&now, "mia@").contains("DECLINED"), "{now}");
    let items = inbox(&world, "mia", "tram").await;
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(line(&items[0], PAUL).contains("PARTSTAT=ACCEPTED") && !items[0].contains("mia@"), "{items:?}");
    assert!(line(&items[0], "ORGANIZER").contains(&address), "{items:?}");
    // What came before the last answer says nothing.
    Mail::new("REPLY", PAUL, &address, &said(PAUL, "DECLINED", 3, NINE)).send(&world).await;
    Mail::new("REPLY", PAUL, &address, &said(PAUL, "TENTATIVE", 2, NINE)).send(&world).await;
    assert!(line(&stored(&world).await, PAUL).contains("PARTSTAT=DECLINED"));
    assert_eq!(inbox(&world, "mia", "tram").await.len(), 2);
    world.sound().await;
}

#[tokio::test]
async fn a_proposal_is_shown_and_its_answer_counts() {
    let world = world().await;
    let address = invited(&world).await;
    let counter = Mail::new("COUNTER", PAUL, &address, &said(PAUL, "TENTATIVE", 1, TWO));
    for _ in 0..2 {
        assert_eq!(counter.send(&world).await, Delivery::Taken);
    }
    let now = stored(&world).await;
    assert!(now.contains("DTSTART:20300701T090000Z") && line(&now, PAUL).contains("PARTSTAT=TENTATIVE"), "{now}");
    let items = inbox(&world, "mia", "tram").await;
    assert_eq!(items.len(), 1, "{items:?}");
    let item = &items[0];
    assert!(item.contains("METHOD:COUNTER") && item.contains("DTSTART;TZID=Europe/Paris:20300702T160000"), "{item}");
    assert!(line(item, PAUL).contains("PARTSTAT=TENTATIVE") && line(item, "SUMMARY") == "SUMMARY:Point", "{item}");
    // At the time that is set, or in the past, it is an answer and no more.
    let same = "DTSTART;TZID=Europe/Paris:20300701T110000\r\nDTEND;TZID=Europe/Paris:20300701T120000\r\n";
    let past = "DTSTART:20200701T090000Z\r\nDTEND:20200701T100000Z\r\n";
    for (stamp, time, answer) in [(2, same, "ACCEPTED"), (3, past, "DECLINED")] {
        Mail::new("COUNTER", PAUL, &address, &said(PAUL, answer, stamp, time)).send(&world).await;
        assert!(line(&stored(&world).await, PAUL).contains(&format!("PARTSTAT={answer}")));
    }
    let items = inbox(&world, "mia", "tram").await;
    assert_eq!(items.iter().filter(|item| item.contains("METHOD:COUNTER")).count(), 1, "{items:?}");
    // Who organizes accepts by changing the meeting, and all are asked about that.
    let sent = mails(&world).await;
    let moved = stored(&world).await.replace(NINE, "DTSTART:20300702T140000Z\r\nDTEND:20300702T150000Z\r\n");
    world.client("max").put(TRAM, &moved).expect(204).await;
    assert!(line(&stored(&world).await, PAUL).contains("PARTSTAT=NEEDS-ACTION"));
    assert_eq!(mails(&world).await, sent + 1);
    world.sound().await;
}

#[tokio::test]
async fn a_proposal_of_who_may_write_is_made_at_once() {
    let world = world().await;
    let address = invited(&world).await;
    Mail::new("REPLY", PAUL, &address, &said(PAUL, "ACCEPTED", 1, NINE)).send(&world).await;
    // Who only reads proposes; so does who may write where their server says that it is not from them.
    Mail::new("COUNTER", "rita@ville.example", &address, &said("rita@ville.example", "TENTATIVE", 1, TWO))
        .send(&world)
        .await;
    let of_mia = said("mia@ville.example", "TENTATIVE", 1, TWO);
    Mail::new("COUNTER", "mia@ville.example", &address, &of_mia).judged(false).send(&world).await;
    let now = stored(&world).await;
    assert!(now.contains("DTSTART:20300701T090000Z"), "{now}");
    assert_eq!(inbox(&world, "max", "tram").await.len(), 3);
    let sent = mails(&world).await;
    let of_mia = said("mia@ville.example", "TENTATIVE", 2, TWO);
    let counter = Mail::new("COUNTER", "mia@ville.example", &address, &of_mia).judged(true);
    assert_eq!(counter.send(&world).await, Delivery::Taken);
    let now = stored(&world).await;
    assert!(now.contains("DTSTART:20300702T140000Z") && now.contains("DTEND:20300702T150000Z"), "{now}");
    assert!(now.contains("SUMMARY:Point") && line(&now, PAUL).contains("PARTSTAT=NEEDS-ACTION"), "{now}");
    assert_eq!(mails(&world).await, sent + 1);
    let (_, of_rita) = copy(&world.client("rita"), "/calendars/rita/personal/", "one").await.expect("a copy");
    assert!(of_rita.contains("DTSTART:20300702T140000Z"), "{of_rita}");
    // It comes again when the meeting is at another time: that changes nothing.
    world.client("max").put(TRAM, &now.replace("20300702T1", "20300703T1")).expect(204).await;
    counter.send(&world).await;
    assert!(stored(&world).await.contains("DTSTART:20300703T140000Z"));
    world.sound().await;
}

#[tokio::test]
async fn who_asks_again_gets_the_invitation_again_ten_times_an_hour() {
    let world = world().await;
    let address = invited(&world).await;
    let refresh = Mail::new("REFRESH", PAUL, &address, &format!("UID:one\r\nATTENDEE:mailto:{PAUL}\r\n"));
    let of_paul = "SELECT COUNT(*) FROM mail WHERE address = 'paul@dehors.example'";
    assert_eq!(super::retention::count(&world, of_paul).await, 1);
    for _ in 0..25 {
        assert_eq!(refresh.send(&world).await, Delivery::Taken);
        // What waits is no other; once it has left, it is sent again.
        super::retention::sql(&world, "UPDATE mail SET finished_at = 1, state = 2").await;
    }
    assert_eq!(super::retention::count(&world, of_paul).await, 11);
    // Who has an account here has the present state there.
    let of_mia =
        Mail::new("REFRESH", "mia@ville.example", &address, "UID:one\r\nATTENDEE:mailto:mia@ville.example\r\n");
    assert_eq!(of_mia.send(&world).await, Delivery::Taken);
    assert_eq!(super::retention::count(&world, "SELECT COUNT(*) FROM mail").await, 11);
    world.sound().await;
}

/// What a person organizes has an address of that person's for the meeting alone.
#[tokio::test]
async fn answers_to_a_persons_meeting_come_to_them() {
    let world = world().await;
    let path = "/calendars/zoe/personal/one.ics";
    let people = format!("ORGANIZER:mailto:zoe@ville.example\r\nATTENDEE;RSVP=TRUE:mailto:{PAUL}\r\n");
    world.client("zoe").put(path, &meeting("one", &people)).expect(201).await;
    let address = invited(&world).await.replace("tram+", "zoe+");
    let reply = said(PAUL, "ACCEPTED", 1, NINE);
    assert_eq!(Mail::new("REPLY", PAUL, &address, &reply).send(&world).await, Delivery::Taken);
    let now = world.client("zoe").get(path).expect(200).await.text().replace("\r\n ", "");
    assert!(line(&now, PAUL).contains("PARTSTAT=ACCEPTED"), "{now}");
    for to in ["zoe@agenda.ville.example", "zoe+00@agenda.ville.example"] {
        let delivery = Mail::new("REPLY", PAUL, to, &reply).send(&world).await;
        assert!(matches!(delivery, Delivery::Refused(_)), "{to}");
    }
    world.sound().await;
}
