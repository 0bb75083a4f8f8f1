//! Mail about meetings that is no plain answer: proposals, questions, what nobody can be sure of, and what goes in
//! circles.

use beffroi::mail::incoming::take;
use beffroi::mail::lmtp::Delivery;
use beffroi::mail::receive::{MailEnvelope, MailPolicy};

use crate::kit::World;
use crate::meetings::{copy, meeting, refresh};

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

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// When a meeting is, what it is called and who is in it; and what each of them says, as a set.
fn state_of(text: &str) -> (Vec<String>, std::collections::BTreeMap<String, std::collections::BTreeSet<String>>) {
    let master = text.split("BEGIN:VEVENT").nth(1).unwrap();
    let names = ["DTSTART", "DTEND", "RRULE", "EXDATE", "SUMMARY", "LOCATION", "STATUS", "ORGANIZER", "DESCRIPTION"];
    let is_said = |line: &&str| names.iter().any(|name| line.starts_with(name));
    let mut said: Vec<String> = master.lines().filter(is_said).map(str::to_owned).collect();
    let mut answers = std::collections::BTreeMap::<String, std::collections::BTreeSet<String>>::new();
    for line in text.lines().filter(|line| line.starts_with("ATTENDEE")) {
        let (head, address) = line.rsplit_once("mailto:").unwrap();
        let answer = head.split([';', ':']).find_map(|parameter| parameter.strip_prefix("PARTSTAT="));
        answers.entry(address.to_owned()).or_default().insert(answer.unwrap_or("NEEDS-ACTION").to_owned());
    }
    // Occurrences that differ keep their time, too.
    for part in text.split("BEGIN:VEVENT").skip(2) {
        let id = part.lines().find(|line| line.starts_with("RECURRENCE-ID")).unwrap();
        let start = part.lines().find(|line| line.starts_with("DTSTART")).unwrap();
        if id.rsplit_once(':').unwrap().1 != start.rsplit_once(':').unwrap().1 {
            said.push(format!("{id} {start}"));
        }
    }
    said.extend(answers.keys().cloned());
    (said, answers)
}

/// Whatever comes by mail, in whatever order: who does not organize changes no time, text or people, unless they may
/// write there and propose it; and nobody's answer is another's.
#[tokio::test]
async fn no_mail_changes_what_is_not_its_authors_to_say() {
    let world = world().await;
    let address = invited(&world).await;
    let weekly = stored(&world).await.replace("SUMMARY", "RRULE:FREQ=WEEKLY;COUNT=6\r\nSUMMARY");
    world.client("max").put(TRAM, &weekly).expect(204).await;
    let people = [PAUL, "mia@ville.example", "rita@ville.example", "eve@dehors.example", "max@ville.example"];
    let wrong = "tram+0123456789abcdef@agenda.ville.example".to_owned();
    let addresses = [address.clone(), address.clone(), address, "tram@agenda.ville.example".to_owned(), wrong];
    let mut numbers = Numbers(7);
    let (mut answered, mut moved) = (0, 0);
    for step in 0..400_u32 {
        let before = state_of(&stored(&world).await);
        let method = numbers.of(&["REPLY", "REPLY", "COUNTER", "COUNTER", "REQUEST", "CANCEL", "REFRESH", "ADD"]);
        let (from, named) = (numbers.of(&people), numbers.of(&people));
        let named = if numbers.below(3) > 0 { from } else { named };
        let week = numbers.below(6);
        let id = [1, 8, 15, 22, 29, 36][week];
        let (month, day) = if id > 31 { ("08", id - 31) } else { ("07", id) };
        let (start, end) = (numbers.below(8) + 8, numbers.below(2) + 17);
        let mut lines = format!(
            "UID:one\r\nDTSTAMP:2030{:02}{:02}T080000Z\r\nSEQUENCE:{}\r\nSUMMARY:Autre\r\nLOCATION:Ailleurs\r\n\
             DESCRIPTION:Autre\r\nDTSTART:2030{month}{day:02}T{start:02}0000Z\r\n\
             DTEND:2030{month}{day:02}T{end}0000Z\r\nATTENDEE;PARTSTAT={}:mailto:{named}\r\n",
            1 + step / 200 + u32::try_from(numbers.below(2)).unwrap(),
            1 + step % 28,
            numbers.below(4),
            numbers.of(&["ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION"]),
        );
        if numbers.below(3) == 0 {
            lines += &format!("ATTENDEE;PARTSTAT=DECLINED:mailto:{}\r\n", numbers.of(&people));
        }
        if numbers.below(2) == 0 {
            lines += &format!("ORGANIZER:mailto:{}\r\n", numbers.of(&people));
        }
        if numbers.below(3) > 0 {
            lines += &format!("RECURRENCE-ID:2030{month}{day:02}T090000Z\r\n");
        }
        let to = numbers.below(addresses.len());
        let vouched = numbers.of(&[None, Some(true), Some(false)]);
        let mail = Mail { vouched, ..Mail::new(method, from, &addresses[to], &lines) };
        mail.send(&world).await;
        let after = state_of(&stored(&world).await);
        let is_named = lines.lines().any(|line| line.starts_with("ATTENDEE") && line.ends_with(&format!(":{from}")));
        let by_tag = to < 3 && is_named;
        let may_move = method == "COUNTER"
            && ["mia@ville.example"].contains(&from)
            && (vouched == Some(true) || (vouched.is_none() && by_tag));
        if before.0 != after.0 {
            moved += 1;
            assert!(may_move, "step {step}: {from} {method} {vouched:?}\n{lines}\n{before:?}\n{after:?}");
            continue;
        }
        let changed: Vec<&String> =
            after.1.iter().filter(|(who, answers)| before.1.get(*who) != Some(answers)).map(|(who, _)| who).collect();
        answered += changed.len();
        let may_answer = ["REPLY", "COUNTER"].contains(&method) && (by_tag || vouched == Some(true));
        assert!(
            changed.iter().all(|who| may_answer && *who == from),
            "step {step}: {from} {method}: {changed:?}\n{lines}"
        );
    }
    assert!(answered > 10 && moved > 0, "{answered} answers, {moved} moves: the mails say nothing");
    assert!(inbox(&world, "mia", "tram").await.len() < 400);
    world.sound().await;
}

/// A calendar that only Outlook reads is shown as what it is, and is too large where it is too large.
#[tokio::test]
async fn what_cannot_be_read_is_shown_or_refused() {
    let world = World::with(|config| config.mail.domain = Some("agenda.ville.fr".parse().unwrap())).await;
    world.tree.add_project("gymnase", "Gymnase", None).await.unwrap();
    world.tree.add_member("gymnase", "max", beffroi::model::privilege::Role::Member, None).await.unwrap();
    let tree = world.tree.clone().in_mail_domain(Some("agenda.ville.fr".parse().unwrap()));
    let policy = MailPolicy { domain: "agenda.ville.fr".parse().unwrap(), trusted_authserv: None };
    let mail = include_str!("received/tnef-alone.eml").replace('\n', "\r\n");
    for _ in 0..3 {
        assert_eq!(take(&tree, &policy, None, mail.clone().into()).await, Delivery::Taken);
    }
    let items = inbox(&world, "max", "gymnase").await;
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(items[0].contains("METHOD:PUBLISH") && items[0].contains("winmail.dat"), "{items:?}");
    let elsewhere = mail.replace("gymnase", "nobody");
    assert!(matches!(take(&tree, &policy, None, elsewhere.into()).await, Delivery::Refused(_)));
    let large = format!("{}DESCRIPTION:{}\r\n", said(PAUL, "ACCEPTED", 1, NINE), "x".repeat(11 * 1024 * 1024));
    let mail = Mail::new("REPLY", PAUL, "gymnase@agenda.ville.example", &large);
    assert!(matches!(mail.send(&world).await, Delivery::Refused(_)));
    assert_eq!(inbox(&world, "max", "gymnase").await.len(), 1);
    world.sound().await;
}

/// The clock of another program does not decide for how long an answer holds.
#[tokio::test]
async fn who_answers_here_answers_last() {
    let world = world().await;
    let mia = world.client("mia");
    let address = invited(&world).await;
    // By a clock that is years ahead.
    let reply = Mail::new("REPLY", "mia@ville.example", &address, &said("mia@ville.example", "ACCEPTED", 9, NINE));
    assert!(matches!(reply.judged(true).send(&world).await, Delivery::Taken));
    assert!(line(&stored(&world).await, "mailto:mia@").contains("PARTSTAT=ACCEPTED"));
    for answer in ["DECLINED", "TENTATIVE"] {
        let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
        let own = line(&copied, "mailto:mia@").to_owned();
        let known = own.split("PARTSTAT=").nth(1).and_then(|rest| rest.split([';', ':']).next()).unwrap().to_owned();
        mia.put(&href, &copied.replace(&own, &own.replace(&known, answer))).expect(204).await;
        assert!(line(&stored(&world).await, "mailto:mia@").contains(&format!("PARTSTAT={answer}")));
        refresh(&world).await;
        let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
        assert!(line(&copied, "mailto:mia@").contains(&format!("PARTSTAT={answer}")), "{copied}");
    }
    world.sound().await;
}
