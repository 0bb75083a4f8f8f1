//! Changes that mean several messages to one person or room, and people who are named twice: each home gets what comes
//! of all of it, once.

use beffroi::model::room::Room;

use crate::kit::{Client, World};
use crate::meetings::{MAX, copy, inbox, line, meeting, of, refresh, text};

const SERIES: &str = "RRULE:FREQ=WEEKLY;COUNT=5\r\n";
const SALLE: &str = "ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:salle@ville.example\r\n";

async fn world_with_room() -> World {
    let world = World::new().await;
    world.tree.add_room("salle", "Salle", "salle@ville.example", &Room::default()).await.unwrap();
    world
}

/// An occurrence of [`SERIES`] that differs.
fn occurrence(uid: &str, day: &str, hour: &str, lines: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20300101T000000Z\r\nRECURRENCE-ID:{day}T090000Z\r\n\
         DTSTART:{day}T{hour}0000Z\r\nDURATION:PT1H\r\nSUMMARY:Point\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

async fn mias(client: &Client, uid: &str) -> String {
    copy(client, "/calendars/mia/personal/", uid).await.expect("a copy").1
}

#[tokio::test]
async fn what_is_called_off_and_what_is_changed_come_as_one() {
    let world = world_with_room().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let people = format!("{}{SALLE}", of("max", &["max", "mia", "lea"]));
    let without_mia = format!("{}{SALLE}", of("max", &["max", "lea"]));
    let exdate = "EXDATE:20300708T090000Z\r\n";
    let series = |uid: &str, lines: &str| meeting(uid, &format!("{SERIES}{lines}"));
    let and = |whole: String, part: String| whole.replace("END:VCALENDAR\r\n", "") + &part;
    type Change<'a> = (&'a str, String, &'a [&'a str], &'a [&'a str]);
    let changes: [Change<'_>; 6] = [
        ("title", series("title", &format!("{exdate}{people}")).replace("Point", "Autre"), &["Autre", exdate], &[]),
        (
            "moved",
            and(series("moved", &format!("{exdate}{people}")), occurrence("moved", "20300715", "11", &people)),
            &[exdate, "DTSTART:20300715T110000Z"],
            &[],
        ),
        (
            "off",
            and(
                series("off", &people),
                occurrence("off", "20300708", "09", &format!("STATUS:CANCELLED\r\n{people}"))
                    .replace("END:VCALENDAR\r\n", "")
                    + &occurrence("off", "20300715", "11", &people),
            ),
            &["DTSTART:20300715T110000Z"],
            &[],
        ),
        (
            "longer",
            series("longer", &format!("{exdate}{people}")).replace("COUNT=5", "COUNT=9"),
            &[exdate, "COUNT=9"],
            &[],
        ),
        (
            "one",
            and(series("one", &without_mia), occurrence("one", "20300715", "09", &people)),
            &["RECURRENCE-ID:20300715T090000Z"],
            &[],
        ),
        ("none", series("none", &without_mia), &["STATUS:CANCELLED"], &["Autre"]),
    ];
    for (uid, changed, said, unsaid) in changes {
        let path = format!("{MAX}{uid}.ics");
        max.put(&path, &series(uid, &people)).expect(201).await;
        max.put(&path, &changed).expect(204).await;
        let copied = mias(&mia, uid).await;
        assert!(said.iter().all(|said| copied.contains(said)), "{uid}: {copied}");
        assert!(!unsaid.iter().any(|unsaid| copied.contains(unsaid)), "{uid}: {copied}");
        world.sound().await;
        max.delete(&path).expect(204).await;
        world.sound().await;
    }
    // Who has deleted their copy is in nobody's way.
    let path = format!("{MAX}gone.ics");
    max.put(&path, &series("gone", &people)).expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "gone").await.expect("a copy");
    mia.delete(&href).header("Schedule-Reply", "F").expect(204).await;
    max.put(&path, &series("gone", &format!("{exdate}{people}")).replace("Point", "Autre")).expect(204).await;
    assert!(mias(&mia, "gone").await.contains("Autre"));
    world.sound().await;
}

#[tokio::test]
async fn who_is_named_by_two_addresses_has_one_copy() {
    let world = world_with_room().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    let people = of("max", &["max", "mia"]);
    let other = "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:/principals/mia/\r\n";
    let rooms = format!("{SALLE}{}", SALLE.replace("mailto:salle@ville.example", "/principals/salle/"));
    max.put(&path, &meeting("one", &format!("{people}{other}{rooms}"))).expect(201).await;
    mias(&mia, "one").await;
    world.sound().await;
    // Another line later, and another spelling.
    let path = format!("{MAX}two.ics");
    max.put(&path, &meeting("two", &people)).expect(201).await;
    max.put(&path, &meeting("two", &format!("{people}{other}")).replace("Point", "Autre")).expect(204).await;
    world.sound().await;
    for (now, title) in [("/principals/mia/", "Troisième"), ("mailto:mia@ville.example", "Quatrième")] {
        let changed = meeting("two", &people).replace("mailto:mia@ville.example", now).replace("Point", title);
        max.put(&path, &changed).expect(204).await;
        let copied = mias(&mia, "two").await;
        assert!(copied.contains(title) && !copied.contains("CANCELLED"), "{copied}");
        let notices = inbox(&mia, "mia").await;
        assert!(!notices.iter().any(|notice| notice.contains("UID:two") && notice.contains("METHOD:CANCEL")));
        world.sound().await;
    }
    max.put(&path, &meeting("two", &of("max", &["max"]))).expect(204).await;
    assert!(mias(&mia, "two").await.contains("CANCELLED"));
    world.sound().await;
}

#[tokio::test]
async fn nobody_gets_a_copy_that_they_deleted_by_what_others_say() {
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "lea"]))).expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    mia.delete(&href).header("Schedule-Reply", "F").expect(204).await;
    let (href, copied) = copy(&lea, "/calendars/lea/personal/", "one").await.expect("a copy");
    let own = line(&copied, "lea");
    lea.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    refresh(&world).await;
    assert!(copy(&mia, "/calendars/mia/personal/", "one").await.is_none());
    // What they are notified of they get.
    let stored = text(&max.get(&path).expect(200).await);
    max.put(&path, &stored.replace("Point", "Autre")).expect(204).await;
    assert!(mias(&mia, "one").await.contains("Autre"));
    world.sound().await;
}

/// SCHEDULE-FORCE-SEND is wanted once (RFC 6638 section 7.2), and SEQUENCE is an INTEGER (RFC 5545 section 3.3.8).
#[tokio::test]
async fn nothing_is_stored_that_would_come_to_pass_again_and_again() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let lines = of("max", &["max", "mia"]).replace("ORGANIZER", "ORGANIZER;SCHEDULE-AGENT=CLIENT");
    let forced = lines.replace("RSVP=TRUE", "RSVP=TRUE;SCHEDULE-FORCE-SEND=REQUEST");
    max.put(&format!("{MAX}one.ics"), &meeting("one", &forced)).expect(201).await;
    assert!(!text(&max.get(&format!("{MAX}one.ics")).expect(200).await).contains("FORCE-SEND"));
    for agent in ["", ";SCHEDULE-AGENT=CLIENT"] {
        let lines =
            of("zoe", &["zoe", "mia"]).replace("ORGANIZER", &format!("ORGANIZER;SCHEDULE-FORCE-SEND=REPLY{agent}"));
        let path = format!("/calendars/mia/personal/two{}.ics", agent.len());
        mia.put(&path, &meeting(&format!("two{}", agent.len()), &lines)).expect(201).await;
        assert!(!text(&mia.get(&path).expect(200).await).contains("FORCE-SEND"));
    }
    for (at, number) in ["2147483647", "9223372036854775807", "18446744073709551615", "-5"].into_iter().enumerate() {
        let path = format!("{MAX}high{at}.ics");
        let lines = format!("SEQUENCE:{number}\r\n{}", of("max", &["max", "mia"]));
        max.put(&path, &meeting(&format!("high{at}"), &lines)).expect(201).await;
        let stored = text(&max.get(&path).expect(200).await);
        max.put(&path, &stored.replace("T090000Z", "T080000Z")).expect(204).await;
        assert!(mias(&mia, &format!("high{at}")).await.contains("T080000Z"), "{number}");
    }
    world.sound().await;
}

/// Whoever is served by their organizer's program from now on is called off here, though they are named as before (RFC
/// 6638 section 3.2.1.2).
#[tokio::test]
async fn who_is_not_served_any_more_is_called_off() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for agent in ["CLIENT", "NONE"] {
        let path = format!("{MAX}{agent}.ics");
        let people = of("max", &["max", "mia"]);
        max.put(&path, &meeting(agent, &people)).expect(201).await;
        let left = people.replace("RSVP=TRUE:", &format!("RSVP=TRUE;SCHEDULE-AGENT={agent}:"));
        max.put(&path, &meeting(agent, &left)).expect(204).await;
        assert!(mias(&mia, agent).await.contains("STATUS:CANCELLED"), "{agent}");
        // By another of their addresses they would be served still.
        let other = "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:/principals/mia/\r\n";
        let path = format!("{MAX}{agent}2.ics");
        let uid = format!("{agent}2");
        max.put(&path, &meeting(&uid, &people)).expect(201).await;
        max.put(&path, &meeting(&uid, &format!("{left}{other}"))).expect(204).await;
        assert!(!mias(&mia, &uid).await.contains("CANCELLED"), "{agent}");
    }
    world.sound().await;
}
