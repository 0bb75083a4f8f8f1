//! Rooms in meetings: what they answer, with the change that asks them.

use beffroi::model::privilege::Role;
use beffroi::model::room::{Booking, Room};

use crate::kit::{Client, World};
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text};

/// A meeting to which a room is invited.
fn in_room(uid: &str, organizer: &str, rooms: &[&str], times: &str) -> String {
    let room =
        |room: &&str| format!("ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{room}@ville.example\r\n");
    let rooms: String = rooms.iter().map(room).collect();
    let text = meeting(uid, &format!("{}{rooms}", of(organizer, &[organizer])));
    text.replace("DTSTART:20300701T090000Z\r\nDTEND:20300701T100000Z\r\n", times)
}

const NINE: &str = "DTSTART:20300701T090000Z\r\nDTEND:20300701T100000Z\r\n";

async fn world_with_rooms(rooms: &[(&str, Room)]) -> World {
    let world = World::new().await;
    world.tree.add_group("equipe", "equipe shown").await.unwrap();
    for (name, room) in rooms {
        let address = format!("{name}@ville.example");
        world.tree.add_room(name, &format!("{name} shown"), &address, room).await.unwrap();
    }
    world
}

#[tokio::test]
async fn a_room_answers_with_the_change_yes_when_it_is_free_and_no_when_it_is_taken() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.put(&format!("{MAX}one.ics"), &in_room("one", "max", &["salle"], NINE)).expect(201).await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
    // What touches is free; what overlaps is taken.
    let ten = "DTSTART:20300701T100000Z\r\nDTEND:20300701T110000Z\r\n";
    let half = "DTSTART:20300701T093000Z\r\nDTEND:20300701T094500Z\r\n";
    for (uid, times, expected) in [("two", ten, "ACCEPTED"), ("three", half, "DECLINED")] {
        let path = format!("/calendars/mia/personal/{uid}.ics");
        mia.put(&path, &in_room(uid, "mia", &["salle"], times)).expect(201).await;
        let stored = text(&mia.get(&path).expect(200).await);
        assert!(line(&stored, "salle").contains(&format!("PARTSTAT={expected}")), "{stored}");
        assert_eq!(stored.contains("COMMENT"), expected == "DECLINED", "{stored}");
        assert!(!stored.contains("max@"), "nobody learns whose meeting it is: {stored}");
    }
    // A shift of one's own is no clash; and what is called off is free again.
    let quarter = "DTSTART:20300701T091500Z\r\nDTEND:20300701T100000Z\r\n";
    let moved = text(&max.get(&format!("{MAX}one.ics")).expect(200).await).replace(NINE, quarter);
    max.put(&format!("{MAX}one.ics"), &moved).expect(204).await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
    max.delete(&format!("{MAX}one.ics")).expect(204).await;
    let path = "/calendars/mia/personal/four.ics";
    mia.put(path, &in_room("four", "mia", &["salle"], NINE)).expect(201).await;
    let stored = text(&mia.get(path).expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
    world.sound().await;
}

/// A room that is booked by meetings of a calendar stays so when that is handed over as a whole.
#[tokio::test]
async fn a_room_goes_along_with_a_calendar_that_is_handed_over() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/other/").expect(201).await;
    let ten = "DTSTART:20300701T100000Z\r\nDTEND:20300701T110000Z\r\n";
    let half = "DTSTART:20300701T093000Z\r\nDTEND:20300701T094500Z\r\n";
    let meetings = [("one", NINE, "ACCEPTED"), ("two", ten, "ACCEPTED"), ("three", half, "DECLINED")];
    for (uid, times, _) in meetings {
        let path = format!("/calendars/max/other/{uid}.ics");
        max.put(&path, &in_room(uid, "max", &["salle"], times)).expect(201).await;
    }
    max.relocate("/calendars/max/other/", "/calendars/tram/handed/").expect(201).await;
    for (uid, _, expected) in meetings {
        let stored = text(&max.get(&format!("/calendars/tram/handed/{uid}.ics")).expect(200).await);
        assert!(line(&stored, "salle").contains(&format!("PARTSTAT={expected}")), "{stored}");
        assert!(stored.contains("ORGANIZER:mailto:tram@"), "{stored}");
    }
    world.sound().await;
}

#[tokio::test]
async fn a_room_takes_no_booking_that_all_others_would_have_to_follow_for_long() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let minutes = format!("RRULE:FREQ=MINUTELY;INTERVAL=3;BYSECOND=0\r\n{}", NINE.replace("T100000Z", "T090100Z"));
    max.put(&format!("{MAX}one.ics"), &in_room("one", "max", &["salle"], &minutes)).expect(201).await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=DECLINED") && stored.contains("trop complexe"), "{stored}");
    let daily = format!("RRULE:FREQ=DAILY\r\n{NINE}");
    mia.put("/calendars/mia/personal/two.ics", &in_room("two", "mia", &["salle"], &daily)).expect(201).await;
    let stored = text(&mia.get("/calendars/mia/personal/two.ics").expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
    world.sound().await;
}

#[tokio::test]
async fn a_series_is_accepted_but_for_what_clashes() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let once = "DTSTART:20300715T090000Z\r\nDTEND:20300715T100000Z\r\n";
    mia.put("/calendars/mia/personal/once.ics", &in_room("once", "mia", &["salle"], once)).expect(201).await;
    let weekly = format!("{NINE}RRULE:FREQ=WEEKLY\r\n");
    max.put(&format!("{MAX}one.ics"), &in_room("one", "max", &["salle"], &weekly)).expect(201).await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    let parts: Vec<&str> = stored.split("BEGIN:VEVENT").skip(1).collect();
    assert_eq!(parts.len(), 2, "{stored}");
    let (lone, series): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(|part| part.contains("RECURRENCE-ID"));
    assert!(line(series[0], "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
    assert!(lone[0].contains("RECURRENCE-ID:20300715T090000Z"), "{stored}");
    assert!(line(lone[0], "salle").contains("PARTSTAT=DECLINED"), "{stored}");
    // Ten years from now the series still holds the room.
    let far = "DTSTART:20400702T090000Z\r\nDTEND:20400702T100000Z\r\n";
    mia.put("/calendars/mia/personal/far.ics", &in_room("far", "mia", &["salle"], far)).expect(201).await;
    let stored = text(&mia.get("/calendars/mia/personal/far.ics").expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=DECLINED"), "{stored}");
    world.sound().await;
}

#[tokio::test]
async fn a_room_keeps_its_rules() {
    let small = Room { capacity: Some(1), ..Room::default() };
    let weekdays = Room { hours: "tue-fri 00:00-24:00".to_owned(), ..Room::default() };
    let theirs = Room { bookable_by: vec!["equipe".to_owned()], ..Room::default() };
    let managed = Room { booking: Booking::Manager, manager: Some("lea".to_owned()), ..Room::default() };
    let closed = Room { booking: Booking::None, ..Room::default() };
    let rooms =
        [("small", small), ("weekdays", weekdays), ("theirs", theirs), ("managed", managed), ("closed", closed)];
    let world = world_with_rooms(&rooms).await;
    let zoe = world.client("zoe");
    for (room, expected) in [
        ("small", "ACCEPTED"),
        ("weekdays", "DECLINED"),
        ("theirs", "DECLINED"),
        ("managed", "TENTATIVE"),
        ("closed", "DECLINED"),
    ] {
        let path = format!("/calendars/zoe/personal/{room}.ics");
        zoe.put(&path, &in_room(room, "zoe", &[room], NINE)).expect(201).await;
        let stored = text(&zoe.get(&path).expect(200).await);
        assert!(line(&stored, room).contains(&format!("PARTSTAT={expected}")), "{room}: {stored}");
    }
    // One more is too many.
    let path = "/calendars/zoe/personal/small.ics";
    let more = text(&zoe.get(path).expect(200).await)
        .replace("END:VEVENT", "ATTENDEE;RSVP=TRUE:mailto:mia@ville.example\r\nEND:VEVENT");
    zoe.put(path, &more).expect(204).await;
    let stored = text(&zoe.get(path).expect(200).await);
    assert!(line(&stored, "small").contains("PARTSTAT=DECLINED"), "{stored}");
    // Its manager answers in its calendar.
    let lea = world.client("lea");
    let (href, asked) = copy(&lea, "/calendars/managed/bookings/", "managed").await.expect("a request");
    assert!(!asked.contains("mailto:mia"), "{asked}");
    lea.put(&href, &asked.replace("PARTSTAT=TENTATIVE", "PARTSTAT=ACCEPTED")).expect(204).await;
    let stored = text(&zoe.get("/calendars/zoe/personal/managed.ics").expect(200).await);
    assert!(line(&stored, "managed").contains("PARTSTAT=ACCEPTED"), "{stored}");
    world.sound().await;
}

/// Sixteen people book two rooms for the same hour at once; some of them by another server on the same data, if it is
/// given. What stands in their own meetings, and in the copies of somebody whom all of them invite.
async fn book_at_once(world: &mut World, other: Option<std::net::SocketAddr>) {
    const NAMES: [&str; 16] =
        ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "pa", "pb", "pc", "pd", "pe", "pf"];
    for name in NAMES {
        world.add_person(name).await;
    }
    let clients = NAMES.iter().enumerate().map(|(place, name)| {
        let client = world.client(name);
        let address = other.filter(|_| place % 2 == 1).unwrap_or(client.address);
        (*name, Client { address, ..client })
    });
    let booked = clients.map(|(name, client)| async move {
        let path = format!("/calendars/{name}/personal/one.ics");
        let guest = "ATTENDEE;RSVP=TRUE:mailto:mia@ville.example\r\nEND:VEVENT";
        let invitation = in_room(name, name, &["salle", "autre"], NINE).replace("END:VEVENT", guest);
        client.put(&path, &invitation).expect(201).await;
        text(&client.get(&path).expect(200).await)
    });
    let stored = futures_util::future::join_all(booked).await;
    let mia = world.client("mia");
    let mut copies = Vec::new();
    for name in NAMES {
        copies.push(copy(&mia, "/calendars/mia/personal/", name).await.expect("a copy").1);
    }
    for room in ["salle", "autre"] {
        for texts in [&stored, &copies] {
            let of = |answer: &str| texts.iter().filter(|text| line(text, room).contains(answer)).count();
            assert_eq!((of("PARTSTAT=ACCEPTED"), of("PARTSTAT=DECLINED")), (1, NAMES.len() - 1), "{room}");
        }
    }
    world.sound().await;
}

#[tokio::test]
async fn of_those_who_book_at_once_one_gets_the_room() {
    let mut world = world_with_rooms(&[("salle", Room::default()), ("autre", Room::default())]).await;
    book_at_once(&mut world, None).await;
}

#[tokio::test]
async fn of_those_who_book_by_two_servers_on_one_directory_one_gets_the_room() {
    let mut world = world_with_rooms(&[("salle", Room::default()), ("autre", Room::default())]).await;
    let (address, _stop) = world.beside().await;
    book_at_once(&mut world, Some(address)).await;
}

/// What a manager has not decided holds nothing, and neither its length nor its number makes a change of others fail.
#[tokio::test]
async fn what_others_ask_of_a_room_makes_no_change_fail() {
    let room = Room { booking: Booking::Manager, manager: Some("lea".to_owned()), ..Room::default() };
    let world = world_with_rooms(&[("salle", room)]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let long = format!("SUMMARY:{}\r\nDTEND", "x".repeat(9 << 20));
    for number in 0..8 {
        let uid = format!("h{number}");
        let object = in_room(&uid, "max", &["salle"], NINE).replace("SUMMARY:Point\r\n", "").replace("DTEND", &long);
        max.put(&format!("{MAX}{uid}.ics"), &object).expect(201).await;
    }
    let path = "/calendars/mia/personal/one.ics";
    mia.put(path, &in_room("one", "mia", &["salle"], NINE)).expect(201).await;
    let stored = text(&mia.get(path).expect(200).await);
    assert!(line(&stored, "salle").contains("PARTSTAT=TENTATIVE"), "{stored}");
    world.sound().await;
}

/// However many undecided requests one person has at a room, others ask as ever: more than a few at one time, or in
/// all, are declined, and the answer says why.
#[tokio::test]
async fn nobody_fills_a_room_with_requests_that_nobody_has_decided() {
    let managed = Room { booking: Booking::Manager, manager: Some("lea".to_owned()), ..Room::default() };
    let world = world_with_rooms(&[("salle", managed)]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let ask = async |client: &Client, name: &str, uid: &str, times: &str| {
        let path = format!("/calendars/{name}/personal/{uid}.ics");
        client.put(&path, &in_room(uid, name, &["salle"], times)).send().await;
        line(&text(&client.get(&path).expect(200).await), "salle")
    };
    for number in 0..10 {
        let answer = ask(&max, "max", &format!("salle{number}"), NINE).await;
        assert!(answer.contains("PARTSTAT=TENTATIVE"), "{number}: {answer}");
    }
    let answer = ask(&max, "max", "more", NINE).await;
    assert!(answer.contains("PARTSTAT=DECLINED"), "{answer}");
    let heard = inbox(&max, "max").await;
    assert!(heard.iter().any(|item| item.contains("Too many requests undecided")), "{heard:?}");
    let answer = ask(&mia, "mia", "mia", NINE).await;
    assert!(answer.contains("PARTSTAT=TENTATIVE"), "{answer}");
    // What stands may be changed, and there are other days.
    let answer = ask(&max, "max", "salle3", &NINE.replace("T10", "T11")).await;
    assert!(answer.contains("PARTSTAT=TENTATIVE"), "{answer}");
    for number in 10..200 {
        let day = NINE.replace("20300701", &format!("2031{:02}{:02}", 1 + number / 28, 1 + number % 28));
        let answer = ask(&max, "max", &format!("day{number}"), &day).await;
        assert!(answer.contains("PARTSTAT=TENTATIVE"), "{number}: {answer}");
    }
    let weekly = format!("{}RRULE:FREQ=WEEKLY;COUNT=9\r\n", NINE.replace("2030", "2032"));
    for (uid, times) in [("last", NINE.replace("2030", "2032")), ("weekly", weekly)] {
        let answer = ask(&max, "max", uid, &times).await;
        assert!(answer.contains("PARTSTAT=DECLINED"), "{uid}: {answer}");
        let answer = ask(&mia, "mia", uid, &times).await;
        assert!(answer.contains("PARTSTAT=TENTATIVE"), "{uid}: {answer}");
    }
    // Once some are called off there is room for others.
    max.delete(&format!("{MAX}day100.ics")).expect(204).await;
    let answer = ask(&max, "max", "after", &NINE.replace("2030", "2032")).await;
    assert!(answer.contains("PARTSTAT=TENTATIVE"), "{answer}");
    world.sound().await;
}

/// What a manager has decided, be it with no, counts for nobody, and what they answer is not what they ask.
#[tokio::test]
async fn who_decides_for_a_room_asks_it_as_others_do() {
    let managed = Room { booking: Booking::Manager, manager: Some("lea".to_owned()), ..Room::default() };
    let world = world_with_rooms(&[("salle", managed)]).await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    for number in 0..11 {
        let uid = format!("max{number}");
        max.put(&format!("{MAX}{uid}.ics"), &in_room(&uid, "max", &["salle"], NINE)).expect(201).await;
        let (href, asked) = copy(&lea, "/calendars/salle/bookings/", &uid).await.unwrap();
        lea.put(&href, &asked.replace("PARTSTAT=TENTATIVE", "PARTSTAT=DECLINED")).expect(204).await;
        let answer = line(&text(&max.get(&format!("{MAX}{uid}.ics")).expect(200).await), "salle");
        assert!(answer.contains("PARTSTAT=DECLINED"), "{answer}");
    }
    for (client, name) in [(&lea, "lea"), (&max, "max")] {
        let path = format!("/calendars/{name}/personal/own.ics");
        client.put(&path, &in_room(&format!("own-{name}"), name, &["salle"], NINE)).expect(201).await;
        let answer = line(&text(&client.get(&path).expect(200).await), "salle");
        assert!(answer.contains("PARTSTAT=TENTATIVE"), "{name}: {answer}");
    }
    world.sound().await;
}

/// Others read what a room keeps when they book: as much of a title as people read.
#[tokio::test]
async fn a_room_keeps_the_beginning_of_a_long_title() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let long = format!("SUMMARY:{}\r\n", "\\, é".repeat(20_000));
    let object = in_room("one", "max", &["salle"], NINE).replace("SUMMARY:Point\r\n", &long);
    max.put(&format!("{MAX}one.ics"), &object).expect(201).await;
    let whole = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(whole.contains(&"\\, é".repeat(20_000)) && line(&whole, "salle").contains("PARTSTAT=ACCEPTED"));
    world.tree.grant("/calendars/salle/bookings", "mia", Role::Reader, None).await.unwrap();
    let (_, kept) = copy(&mia, "/calendars/salle/bookings/", "one").await.unwrap();
    let title = kept.lines().find_map(|line| line.strip_prefix("SUMMARY:")).expect("a title");
    assert_eq!(title.replace("\\,", ",").chars().count(), 1000, "{title}");
    world.sound().await;
}

/// Who may read the calendar of a room has alarms of their own on what it holds, and is in no booking's way.
#[tokio::test]
async fn alarms_of_readers_keep_nobody_from_booking() {
    let world = world_with_rooms(&[("salle", Room::default())]).await;
    let (max, mia, zoe) = (world.client("max"), world.client("mia"), world.client("zoe"));
    world.tree.grant("/calendars/salle/bookings", "zoe", Role::Reader, None).await.unwrap();
    max.put(&format!("{MAX}one.ics"), &in_room("one", "max", &["salle"], NINE)).expect(201).await;
    let (href, booked) = copy(&zoe, "/calendars/salle/bookings/", "one").await.unwrap();
    let alarms = async |first: usize| {
        for number in 0..40 {
            let alarm = format!(
                "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT{}M\r\nEND:VALARM\r\nEND:VEVENT",
                first + number
            );
            zoe.put(&href, &booked.replace("END:VEVENT", &alarm)).expect(204).await;
        }
    };
    let bookings = async {
        for number in 0..10 {
            let day = NINE.replace("20300701", &format!("203008{:02}", 1 + number));
            let uid = format!("two{number}");
            let path = format!("/calendars/mia/personal/{uid}.ics");
            mia.put(&path, &in_room(&uid, "mia", &["salle"], &day)).expect(201).await;
            let stored = text(&mia.get(&path).expect(200).await);
            assert!(line(&stored, "salle").contains("PARTSTAT=ACCEPTED"), "{stored}");
        }
    };
    tokio::join!(alarms(100), alarms(200), alarms(300), alarms(400), bookings);
    world.sound().await;
}
