//! Invitations by mail to projects and rooms: who is taken at their word, what is booked and answered, and how it ends.

use base64::Engine as _;
use beffroi::mail::incoming::take;
use beffroi::mail::lmtp::Delivery;
use beffroi::mail::receive::MailPolicy;
use beffroi::model::invitations::InvitationChannel;
use beffroi::model::room::{Booking, Room};
use beffroi::tree::administration::people::PersonChange;

use crate::kit::World;
use crate::meetings::{copy, meeting};
use crate::meetings_mail_in::{Mail, inbox, world};
use crate::retention::{count, sql};

const JEAN: &str = "jean@ailleurs.example";
const SALLE: &str = "salle@agenda.ville.example";
const TRAM: &str = "tram@agenda.ville.example";

async fn add_room(world: &World, name: &str, room: &Room) {
    world.tree.add_room(name, &format!("{name} shown"), &format!("{name}@ville.example"), room).await.unwrap();
}

/// What an organizer says of a meeting to which someone is invited.
fn said(uid: &str, organizer: &str, to: &str, sequence: u32, hour: u32) -> String {
    format!(
        "UID:{uid}\r\nSEQUENCE:{sequence}\r\nDTSTAMP:203001{:02}T080000Z\r\nSUMMARY:Point\r\nDTSTART:20300701T{hour:02}\
         0000Z\r\nDTEND:20300701T{hour:02}5900Z\r\nORGANIZER;CN=Jean:mailto:{organizer}\r\nATTENDEE;\
         PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{to}\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@dehors.example\r\n",
        sequence + 1
    )
}

/// An invitation for which the trusted server vouches.
fn request(uid: &str, from: &str, to: &str, sequence: u32, hour: u32) -> Mail {
    Mail::new("REQUEST", from, to, &said(uid, from, to, sequence, hour)).judged(true)
}

/// The answers that are queued for someone, in their order.
async fn answers(world: &World, to: &str) -> Vec<String> {
    let query = "SELECT b.data FROM mail m JOIN body b ON b.hash = m.message_hash WHERE m.method = 'REPLY' AND \
                 m.address = $1 ORDER BY m.id";
    let texts: Vec<Vec<u8>> = sqlx::query_scalar(query).bind(to).fetch_all(&mut world.database().await).await.unwrap();
    texts.into_iter().map(|text| String::from_utf8(text).unwrap().replace("\r\n ", "")).collect()
}

/// What the last answer to someone about a UID says.
async fn answer(world: &World, to: &str, uid: &str) -> String {
    let all = answers(world, to).await;
    let about = all.iter().rev().find(|text| text.contains(&format!("UID:{uid}\r\n")));
    let Some(text) = about else { return "nothing".to_owned() };
    let line = text.lines().find(|line| line.starts_with("ATTENDEE")).unwrap();
    let answer = line.split([';', ':']).find_map(|parameter| parameter.strip_prefix("PARTSTAT="));
    answer.unwrap_or("NEEDS-ACTION").to_owned()
}

async fn booked(world: &World, uid: &str) -> i64 {
    let query = "SELECT COUNT(*) FROM calendar_object o JOIN node n ON n.id = o.node_id JOIN node k ON k.id = \
                 n.parent_id WHERE n.gone_at IS NULL AND k.name = 'bookings' AND o.uid = ";
    count(world, &format!("{query}'{uid}'")).await
}

#[tokio::test]
async fn a_room_that_is_invited_by_mail_says_yes_or_no_as_it_does_here() {
    let world = world().await;
    world.tree.add_group("equipe", "equipe shown").await.unwrap();
    let rooms = [
        ("salle", Room::default()),
        ("small", Room { capacity: Some(1), ..Room::default() }),
        ("weekdays", Room { hours: "tue-fri 00:00-24:00".to_owned(), ..Room::default() }),
        ("theirs", Room { bookable_by: vec!["equipe".to_owned()], ..Room::default() }),
        ("managed", Room { booking: Booking::Manager, manager: Some("lea".to_owned()), ..Room::default() }),
        ("closed", Room { booking: Booking::None, ..Room::default() }),
    ];
    for (name, room) in &rooms {
        add_room(&world, name, room).await;
    }
    for (name, expected) in [
        ("salle", "ACCEPTED"),
        ("small", "ACCEPTED"),
        ("weekdays", "DECLINED"),
        ("theirs", "DECLINED"),
        ("managed", "TENTATIVE"),
        ("closed", "DECLINED"),
    ] {
        let to = format!("{name}@agenda.ville.example");
        assert_eq!(request(name, JEAN, &to, 0, 9).send(&world).await, Delivery::Taken);
        assert_eq!(answer(&world, JEAN, name).await, expected, "{name}");
        assert_eq!(booked(&world, name).await, i64::from(expected != "DECLINED"), "{name}");
    }
    // The same hour for another one, who does not learn whose it is; and the next hour.
    let anna = "anna@dehors.example";
    request("two", anna, SALLE, 0, 9).send(&world).await;
    request("three", anna, SALLE, 0, 10).send(&world).await;
    assert_eq!((answer(&world, anna, "two").await, booked(&world, "two").await), ("DECLINED".to_owned(), 0));
    assert_eq!((answer(&world, anna, "three").await, booked(&world, "three").await), ("ACCEPTED".to_owned(), 1));
    let said = answers(&world, anna).await.concat();
    assert!(said.contains("COMMENT:") && said.contains("SUMMARY:Point") && !said.contains("jean@"), "{said}");
    assert!(!said.contains("eve@"), "{said}");
    // A booking from here is held to it, and it to a booking from here.
    let max = world.client("max");
    let of_max = |uid: &str| {
        meeting(uid, "ORGANIZER:mailto:max@ville.example\r\nATTENDEE;CUTYPE=ROOM:mailto:salle@ville.example\r\n")
    };
    max.put("/calendars/max/personal/four.ics", &of_max("four")).expect(201).await;
    let stored = max.get("/calendars/max/personal/four.ics").expect(200).await.text();
    assert!(stored.contains("PARTSTAT=DECLINED"), "{stored}");
    // Its manager answers in its calendar, and that goes back.
    let (href, asked) = copy(&world.client("lea"), "/calendars/managed/bookings/", "managed").await.expect("a request");
    assert!(!asked.contains("eve@"), "a room keeps nothing of others: {asked}");
    let accepted = asked.replace("PARTSTAT=TENTATIVE", "PARTSTAT=ACCEPTED");
    world.client("lea").put(&href, &accepted).expect(204).await;
    assert_eq!(answer(&world, JEAN, "managed").await, "ACCEPTED");
    world.sound().await;
}

#[tokio::test]
async fn a_booking_by_mail_moves_and_ends_by_its_organizer_alone() {
    let world = world().await;
    add_room(&world, "salle", &Room { manager: Some("lea".to_owned()), ..Room::default() }).await;
    let lea = world.client("lea");
    let times = async || {
        let found = copy(&world.client("lea"), "/calendars/salle/bookings/", "one").await;
        found.map(|(_, text)| text.lines().find(|line| line.starts_with("DTSTART")).unwrap().to_owned())
    };
    let at = |hour: u32| Some(format!("DTSTART:20300701T{hour:02}0000Z"));
    request("one", JEAN, SALLE, 1, 9).send(&world).await;
    assert_eq!(times().await, at(9));
    request("one", JEAN, SALLE, 2, 11).send(&world).await;
    assert_eq!((times().await, answer(&world, JEAN, "one").await), (at(11), "ACCEPTED".to_owned()));
    // What is older, or comes again, says nothing; nor what others say, or say to be from its organizer.
    let mail = |method, from: &str, lines: &str| Mail::new(method, from, SALLE, lines);
    let eve = "eve@dehors.example";
    let queued = count(&world, "SELECT COUNT(*) FROM mail").await;
    for forged in [
        request("one", JEAN, SALLE, 1, 9),
        request("one", JEAN, SALLE, 2, 11),
        request("one", eve, SALLE, 7, 15),
        mail("REQUEST", JEAN, &said("one", JEAN, SALLE, 8, 15)),
        mail("REQUEST", JEAN, &said("one", JEAN, SALLE, 8, 15)).judged(false),
        mail("REQUEST", eve, &said("one", JEAN, SALLE, 8, 15)).judged(true),
        mail("CANCEL", eve, &said("one", JEAN, SALLE, 8, 11)).judged(true),
        mail("CANCEL", eve, &said("one", eve, SALLE, 8, 11)).judged(true),
        mail("CANCEL", JEAN, &said("one", JEAN, SALLE, 8, 11)),
        mail("REPLY", eve, &said("one", JEAN, SALLE, 8, 11)).judged(true),
        mail("COUNTER", eve, &said("one", JEAN, SALLE, 8, 15)).judged(true),
    ] {
        forged.send(&world).await;
        assert_eq!(times().await, at(11), "{} {}", forged.method, forged.from);
    }
    assert_eq!(count(&world, "SELECT COUNT(*) FROM mail").await, queued, "nobody is answered");
    assert!(!inbox(&world, "lea", "salle").await.is_empty(), "and its manager sees some of it");
    // Who is not sure books nothing.
    assert_eq!(mail("REQUEST", eve, &said("two", eve, SALLE, 0, 15)).send(&world).await, Delivery::Taken);
    assert_eq!(booked(&world, "two").await, 0);
    let off = mail("CANCEL", JEAN, &said("one", JEAN, SALLE, 3, 11)).judged(true);
    assert_eq!(off.send(&world).await, Delivery::Taken);
    assert_eq!((times().await, booked(&world, "one").await), (None, 0));
    // An invitation that was sent before comes late; and one that was sent after.
    request("one", JEAN, SALLE, 2, 11).send(&world).await;
    assert_eq!(booked(&world, "one").await, 0);
    request("one", JEAN, SALLE, 4, 12).send(&world).await;
    assert_eq!(times().await, at(12));
    lea.propfind("/calendars/salle/bookings/", "1", "").expect(207).await;
    world.sound().await;
}

#[tokio::test]
async fn an_end_of_one_occurrence_leaves_the_others() {
    let world = world().await;
    add_room(&world, "salle", &Room { manager: Some("lea".to_owned()), ..Room::default() }).await;
    let weekly = |lines: String| format!("{lines}RRULE:FREQ=WEEKLY;COUNT=10\r\n");
    let series = weekly(said("one", JEAN, SALLE, 0, 9));
    Mail::new("REQUEST", JEAN, SALLE, &series).judged(true).send(&world).await;
    // As some programs do, the time of the occurrence is in another zone.
    let once = said("one", JEAN, SALLE, 1, 9).replace("20300701T", "20300708T");
    let once = format!("{once}RECURRENCE-ID;TZID=Europe/Paris:20300708T110000\r\n");
    Mail::new("CANCEL", JEAN, SALLE, &once).judged(true).send(&world).await;
    let (_, text) = copy(&world.client("lea"), "/calendars/salle/bookings/", "one").await.expect("the others");
    assert!(text.contains("EXDATE:20300708T090000Z") && !text.contains("CANCELLED"), "{text}");
    let anna = "anna@dehors.example";
    for (uid, day, expected) in [("two", "20300708T", "ACCEPTED"), ("three", "20300715T", "DECLINED")] {
        let lines = said(uid, anna, SALLE, 0, 9).replace("20300701T", day);
        Mail::new("REQUEST", anna, SALLE, &lines).judged(true).send(&world).await;
        assert_eq!(answer(&world, anna, uid).await, expected, "{uid}");
    }
    world.sound().await;
}

#[tokio::test]
async fn two_programs_that_answer_each_other_come_to_an_end() {
    let world = world().await;
    add_room(&world, "salle", &Room::default()).await;
    for sequence in 0..25 {
        request("one", JEAN, SALLE, sequence, 9 + sequence % 2).send(&world).await;
        // Each answer has left before the next mail comes.
        sql(&world, "UPDATE mail SET finished_at = queued_at, state = 2").await;
    }
    assert_eq!(answers(&world, JEAN).await.len(), 10);
    // What answers whatever comes is not answered, whatever it says.
    for line in ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n", "Precedence: bulk\r\n", "List-Id: x\r\n"] {
        let mail = Mail { headers: line.to_owned(), ..request("two", "anna@dehors.example", SALLE, 0, 15) };
        assert_eq!(mail.send(&world).await, Delivery::Taken);
    }
    assert_eq!((answers(&world, "anna@dehors.example").await.len(), booked(&world, "two").await), (0, 0));
    world.sound().await;
}

#[tokio::test]
async fn a_project_is_invited_by_who_may_write_there_and_others_wait() {
    let world = world().await;
    let max = "max@ville.example";
    let path = "/calendars/tram/meetings/";
    assert_eq!(request("one", max, TRAM, 0, 9).send(&world).await, Delivery::Taken);
    let (href, text) = copy(&world.client("mia"), path, "one").await.expect("a meeting");
    assert!(text.contains("ORGANIZER;CN=Jean:mailto:max@ville.example") && !text.contains("METHOD"), "{text}");
    assert!(text.contains("PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:tram@"), "{text}");
    assert_eq!(answer(&world, max, "one").await, "ACCEPTED");
    // It is not the project's to move; what the project answers goes back.
    let mia = world.client("mia");
    mia.put(&href, &text.replace("T090000Z", "T080000Z")).expect(403).await;
    mia.put(&href, &text.replace("PARTSTAT=ACCEPTED;RSVP", "PARTSTAT=DECLINED;RSVP")).expect(204).await;
    assert_eq!(answer(&world, max, "one").await, "DECLINED");
    // A new time, and the end.
    request("one", max, TRAM, 1, 11).send(&world).await;
    let (_, text) = copy(&mia, path, "one").await.expect("a meeting");
    assert!(text.contains("DTSTART:20300701T110000Z") && text.contains("PARTSTAT=ACCEPTED;RSVP"), "{text}");
    Mail::new("CANCEL", max, TRAM, &said("one", max, TRAM, 2, 11)).judged(true).send(&world).await;
    let (_, text) = copy(&mia, path, "one").await.expect("a meeting");
    assert!(text.contains("STATUS:CANCELLED"), "{text}");
    // Who only reads, who is of elsewhere, of whom it is not sure: that lies in the inbox as an invitation.
    let waiting = [
        request("two", "rita@ville.example", TRAM, 0, 9),
        request("three", JEAN, TRAM, 0, 9),
        Mail::new("REQUEST", max, TRAM, &said("four", max, TRAM, 0, 9)),
    ];
    for mail in &waiting {
        assert_eq!(mail.send(&world).await, Delivery::Taken);
    }
    let items = inbox(&world, "max", "tram").await;
    for uid in ["two", "three", "four"] {
        assert!(copy(&mia, path, uid).await.is_none(), "{uid}");
        let item = items.iter().find(|item| item.contains(&format!("UID:{uid}\r\n"))).expect("shown");
        assert!(item.contains("METHOD:REQUEST") && item.contains("Nothing has changed"), "{item}");
        assert_eq!(item.contains("Not sure who"), uid == "four", "{item}");
    }
    // Who stores it in the calendar accepts it; what its organizer says from then on counts.
    let item = items.iter().find(|item| item.contains("UID:three\r\n")).unwrap();
    let stored = item.replace("METHOD:REQUEST\r\n", "").replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    mia.put("/calendars/tram/meetings/three.ics", &stored).expect(201).await;
    assert_eq!(answer(&world, JEAN, "three").await, "ACCEPTED");
    request("three", JEAN, TRAM, 1, 14).send(&world).await;
    let text = mia.get("/calendars/tram/meetings/three.ics").expect(200).await.text();
    assert!(text.contains("DTSTART:20300701T140000Z") && text.contains("PARTSTAT=NEEDS-ACTION"), "{text}");
    // Nobody who is invited by the project organizes its meeting.
    mia.put(
        "/calendars/tram/meetings/own.ics",
        &meeting("own", &format!("ATTENDEE:mailto:{JEAN}\r\n{}", "ORGANIZER:mailto:mia@ville.example\r\n")),
    )
    .expect(201)
    .await;
    let before = mia.get("/calendars/tram/meetings/own.ics").expect(200).await.text();
    request("own", JEAN, TRAM, 9, 14).send(&world).await;
    Mail::new("CANCEL", JEAN, TRAM, &said("own", JEAN, TRAM, 9, 14)).judged(true).send(&world).await;
    assert_eq!(mia.get("/calendars/tram/meetings/own.ics").expect(200).await.text(), before);
    world.sound().await;
}

/// Who organizes a meeting here and invites a project has its answer like that of anybody else.
#[tokio::test]
async fn a_project_that_is_invited_here_answers() {
    let world = world().await;
    let lines = "ORGANIZER:mailto:zoe@ville.example\r\nATTENDEE;RSVP=TRUE:mailto:tram@agenda.ville.example\r\n";
    world.client("zoe").put("/calendars/zoe/personal/one.ics", &meeting("one", lines)).expect(201).await;
    let (href, text) = copy(&world.client("mia"), "/calendars/tram/meetings/", "one").await.expect("a copy");
    let own = text.lines().find(|line| line.starts_with("ATTENDEE")).unwrap();
    let accepted = text.replace(own, &own.replace(";RSVP=TRUE", ";RSVP=TRUE;PARTSTAT=ACCEPTED"));
    world.client("mia").put(&href, &accepted).expect(204).await;
    let stored = world.client("zoe").get("/calendars/zoe/personal/one.ics").expect(200).await.text();
    assert!(stored.replace("\r\n ", "").contains("PARTSTAT=ACCEPTED"), "{stored}");
    world.client("mia").put(&href, &accepted.replace("T090000Z", "T080000Z")).expect(403).await;
    world.sound().await;
}

/// Mails of Exchange and Google as they are, but for the year.
#[tokio::test]
async fn mails_of_other_programs_book_a_room_and_free_it() {
    let world = World::with(|config| config.mail.domain = Some("agenda.ville.fr".parse().unwrap())).await;
    add_room(&world, "salle-3", &Room { manager: Some("lea".to_owned()), ..Room::default() }).await;
    let engine = base64::engine::general_purpose::STANDARD;
    let later = |mail: &str| {
        let mail = mail.replace('\n', "\r\n");
        let parts = mail.split("\r\n\r\n").map(|part| {
            let (encoded, rest) = part.split_once("\r\n--").unwrap_or((part, ""));
            let bytes = engine.decode(encoded.replace("\r\n", "")).unwrap_or_default();
            match String::from_utf8(bytes) {
                Ok(text) if text.contains("VCALENDAR") => {
                    format!("{}\r\n--{rest}", engine.encode(text.replace("20261203T", "20301205T")))
                }
                _ => part.replace("20261203T", "20301205T"),
            }
        });
        parts.collect::<Vec<_>>().join("\r\n\r\n")
    };
    let vouched = |mail: &str| {
        mail.replacen("From:", "Authentication-Results: mx.ville.fr; dmarc=pass header.from=gmail.example\nFrom:", 1)
    };
    let policy = MailPolicy {
        domain: "agenda.ville.fr".parse().unwrap(),
        trusted_authserv: Some("mx.ville.fr".parse().unwrap()),
    };
    let tree = world.tree.clone().in_mail_domain(Some("agenda.ville.fr".parse().unwrap()));
    let (exchange, google) = ("040000008200E00074C5B7101A82E00800000000", "comite-1@agenda.ville.fr");
    for (mail, to, uid, expected, is_booked) in [
        (later(include_str!("received/exchange-request.eml")), "jean@ailleurs.fr", exchange, "ACCEPTED", 1),
        (later(include_str!("received/cancel-by-an-attendee.eml")), "jean@ailleurs.fr", exchange, "ACCEPTED", 1),
        (later(&vouched(include_str!("received/google-request.eml"))), "jean@gmail.example", google, "DECLINED", 0),
        (later(include_str!("received/exchange-cancel.eml")), "jean@ailleurs.fr", exchange, "ACCEPTED", 0),
    ] {
        assert_eq!(take(&tree, &policy, None, mail.into()).await, Delivery::Taken);
        assert_eq!(answer(&world, to, uid).await, expected, "{uid}");
        assert_eq!(booked(&world, uid).await, is_booked, "{uid}");
    }
    world.sound().await;
}

/// Who decides about a room is asked by mail, and answers by mail: nobody else does, and only once.
#[tokio::test]
async fn the_manager_of_a_room_decides_by_mail() {
    let world = world().await;
    world.tree.add_group("accueil", "Accueil").await.unwrap();
    world.tree.join_group("accueil", "lea").await.unwrap();
    let both = PersonChange { invitations: Some(InvitationChannel::Both), ..PersonChange::default() };
    world.tree.set_person("lea", both).await.unwrap();
    let managed = Room { booking: Booking::Manager, manager: Some("accueil".to_owned()), ..Room::default() };
    add_room(&world, "salle", &managed).await;
    let zoe = world.client("zoe");
    let path = "/calendars/zoe/personal/one.ics";
    let lines = "ORGANIZER:mailto:zoe@ville.example\r\nATTENDEE;CUTYPE=ROOM;RSVP=TRUE:mailto:salle@ville.example\r\n";
    zoe.put(path, &meeting("one", lines)).expect(201).await;
    let said = async || {
        let text = world.client("zoe").get(path).expect(200).await.text().replace("\r\n ", "");
        let line = text.lines().find(|line| line.contains("mailto:salle@")).unwrap().to_owned();
        line.split([';', ':']).find_map(|parameter| parameter.strip_prefix("PARTSTAT=")).unwrap().to_owned()
    };
    assert_eq!(said().await, "TENTATIVE");
    let query =
        "SELECT b.data FROM mail m JOIN body b ON b.hash = m.message_hash WHERE m.address = 'lea@ville.example'";
    let asked: Vec<Vec<u8>> = sqlx::query_scalar(query).fetch_all(&mut world.database().await).await.unwrap();
    let asked = String::from_utf8(asked.concat()).unwrap().replace("\r\n ", "");
    assert!(asked.contains("METHOD:REQUEST") && asked.contains("SUMMARY:salle shown : Point"), "{asked}");
    assert!(asked.contains("DTSTART:20300701T090000Z") && asked.contains("zoe@ville.example"), "{asked}");
    let address = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("ORGANIZER")).unwrap();
        line.rsplit_once("mailto:").unwrap().1.to_owned()
    };
    let (to, uid) = (address(&asked), "booking-request/one");
    let answer = |from: &str, to: &str, answer: &str, day: u32, hour: u32| {
        let lines = format!(
            "UID:{uid}\r\nDTSTAMP:203001{day:02}T080000Z\r\nDTSTART:20300701T{hour:02}0000Z\r\n\
             DTEND:20300701T{:02}0000Z\r\nATTENDEE;PARTSTAT={answer}:mailto:{from}\r\n",
            hour + 1
        );
        Mail::new("REPLY", from, to, &lines)
    };
    // Who is no manager, who does not know the address, who means another time.
    let untagged = "salle@agenda.ville.example";
    for forged in [
        answer("zoe@ville.example", &to, "ACCEPTED", 2, 9),
        answer("eve@dehors.example", &to, "ACCEPTED", 2, 9),
        answer("lea@ville.example", untagged, "ACCEPTED", 2, 9),
        answer("lea@ville.example", &to, "ACCEPTED", 2, 14),
        answer("lea@ville.example", &to, "NEEDS-ACTION", 2, 9),
    ] {
        forged.send(&world).await;
        assert_eq!(said().await, "TENTATIVE", "{}", forged.from);
    }
    let accepted = answer("lea@ville.example", &to, "ACCEPTED", 3, 9);
    assert_eq!(accepted.send(&world).await, Delivery::Taken);
    assert_eq!(said().await, "ACCEPTED");
    answer("lea@ville.example", &to, "DECLINED", 4, 9).send(&world).await;
    assert_eq!(said().await, "DECLINED");
    accepted.send(&world).await;
    assert_eq!(said().await, "DECLINED", "what comes again says nothing");
    world.sound().await;
}
