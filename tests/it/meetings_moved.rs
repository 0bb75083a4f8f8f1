//! COPY and MOVE of meetings (RFC 6638 sections 3.2.3.3 and 3.2.3.4).

use crate::attachments::{add, address, attached};
use crate::kit::{Client, World, event};
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text};
use beffroi::model::privilege::Role;

const PROJECT: &str = "/calendars/tram/meetings/one.ics";

async fn personal(world: &World, name: &str) -> (String, String) {
    copy(&world.client(name), &format!("/calendars/{name}/personal/"), "one").await.expect("a copy")
}

async fn cancels(client: &Client, name: &str) -> usize {
    inbox(client, name).await.iter().filter(|item| item.contains("METHOD:CANCEL")).count()
}

/// Who has a part in a meeting has one object of it; of what others plan one may keep several.
#[tokio::test]
async fn a_copy_is_no_second_object_of_a_meeting() {
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let (href, _) = personal(&world, "mia").await;
    for (client, source) in [(&max, &path), (&mia, &href)] {
        let name = source.split('/').nth(2).unwrap();
        let other = format!("/calendars/{name}/other/");
        client.ask("MKCALENDAR", &other).expect(201).await;
        let refused = client.copy(source, &format!("{other}second.ics")).expect(403).await.text();
        assert!(refused.contains("unique-scheduling-object-resource"), "{refused}");
        assert!(refused.contains(source.as_str()), "{refused}");
        // Between the calendars of one home it moves, and nobody hears of it.
        let to = format!("{other}moved.ics");
        let moved = client.relocate(source, &to).expect(201).await;
        let tag = client.get(&to).expect(200).await.header("schedule-tag").map(str::to_owned);
        assert!(tag.is_some() && moved.header("schedule-tag").map(str::to_owned) == tag, "{tag:?}");
    }
    assert_eq!((inbox(&max, "max").await.len(), inbox(&mia, "mia").await.len()), (0, 1));
    world.tree.grant("/calendars/max/other", "lea", beffroi::model::privilege::Role::Reader, None).await.unwrap();
    let moved = "/calendars/max/other/moved.ics";
    for name in ["first.ics", "second.ics"] {
        let calendar = format!("/calendars/lea/{}/", name.trim_end_matches(".ics"));
        lea.ask("MKCALENDAR", &calendar).expect(201).await;
        lea.copy(moved, &format!("{calendar}{name}")).expect(201).await;
    }
    assert_eq!(cancels(&mia, "mia").await, 0);
    world.sound().await;
}

/// A meeting that goes into the calendar of a project is the project's from then on, and everybody stays in it; also
/// where a client stores it there and deletes it here.
#[tokio::test]
async fn a_meeting_that_moves_into_a_project_is_the_projects() {
    for by_move in [true, false] {
        let world = World::new().await;
        let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
        let path = format!("{MAX}one.ics");
        max.put(&path, &meeting("one", &of("max", &["max", "mia", "zoe"]))).expect(201).await;
        if by_move {
            let moved = max.relocate(&path, PROJECT).expect(201).await;
            let tag = max.get(PROJECT).expect(200).await.header("schedule-tag").map(str::to_owned);
            assert!(tag.is_some() && moved.header("schedule-tag").map(str::to_owned) == tag, "{tag:?}");
        } else {
            max.put(PROJECT, &text(&max.get(&path).expect(200).await)).expect(201).await;
            max.delete(&path).expect(204).await;
        }
        let stored = text(&max.get(PROJECT).expect(200).await);
        assert!(stored.contains("ORGANIZER:mailto:tram@"), "{stored}");
        for name in ["mia", "zoe"] {
            let (_, copied) = personal(&world, name).await;
            assert!(copied.contains("ORGANIZER:mailto:tram@") && !copied.contains("CANCELLED"), "{by_move} {copied}");
            assert!(line(&stored, name).contains("NEEDS-ACTION"), "{stored}");
            assert_eq!(cancels(&world.client(name), name).await, 0, "{by_move} {name}");
        }
        assert!(!line(&stored, "max").contains("DECLINED"), "{by_move} {stored}");
        // Any member goes on with it, and answers come there.
        lea.put(PROJECT, &stored.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
        let (href, copied) = personal(&world, "mia").await;
        assert!(copied.contains("SUMMARY:Autre"), "{copied}");
        let own = line(&copied, "mia");
        mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
        assert!(line(&text(&lea.get(PROJECT).expect(200).await), "mia").contains("ACCEPTED"));
        world.sound().await;
    }
}

/// What leaves the home of who has a part in it is as if it had been deleted there.
#[tokio::test]
async fn what_moves_out_of_a_home_is_called_off_or_declined() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "zoe"]))).expect(201).await;
    let (href, _) = personal(&world, "mia").await;
    mia.relocate(&href, PROJECT).expect(201).await;
    assert!(line(&text(&max.get(&path).expect(200).await), "mia").contains("DECLINED"));
    assert_eq!(cancels(&world.client("zoe"), "zoe").await, 0);
    world.sound().await;
    // A project's meeting that becomes somebody's own is called off.
    let world = World::new().await;
    let lea = world.client("lea");
    let lines = format!("ORGANIZER:mailto:tram@beffroi.invalid\r\n{}", "ATTENDEE:mailto:zoe@ville.example\r\n");
    lea.put(PROJECT, &meeting("one", &lines)).expect(201).await;
    lea.relocate(PROJECT, "/calendars/lea/personal/one.ics").expect(201).await;
    let (_, copied) = personal(&world, "zoe").await;
    assert!(copied.contains("STATUS:CANCELLED"), "{copied}");
    assert_eq!(cancels(&world.client("zoe"), "zoe").await, 1);
    world.sound().await;
}

/// What is attached goes along into another home: it is that home's from then on, and all who are in the meeting open
/// it there.
#[tokio::test]
async fn what_is_attached_goes_along_to_another_home() {
    let world = World::with_mail("agenda.ville.example").await;
    let (max, lea, zoe) = (world.client("max"), world.client("lea"), world.client("zoe"));
    let path = format!("{MAX}one.ics");
    let paul = "ATTENDEE:mailto:paul@dehors.example\r\n";
    max.put(&path, &meeting("one", &format!("{}{paul}", of("max", &["max", "zoe"])))).expect(201).await;
    for name in ["a.pdf", "b.pdf"] {
        assert_eq!(add(&max, &path, name, name).await.status, 201);
    }
    let before = address(&attached(&personal(&world, "zoe").await.1)[0]);
    max.relocate("/files/max/Meetings/2030-07-01%20Point/b.pdf", "/files/max/c.pdf").expect(201).await;
    max.relocate(&path, PROJECT).expect(201).await;
    let stored = text(&lea.get(PROJECT).expect(200).await);
    let lines = attached(&stored);
    assert_eq!(lines.len(), 2, "{stored}");
    for (line, name) in lines.iter().zip(["a.pdf", "b.pdf"]) {
        assert_eq!(lea.get(&address(line)).expect(200).await.text(), name);
    }
    for name in ["a.pdf", "c.pdf"] {
        lea.get(&format!("/files/tram/Meetings/2030-07-01%20Point/{name}")).expect(200).await;
    }
    assert_eq!(max.get("/files/max/c.pdf").expect(200).await.text(), "b.pdf", "what was there stays");
    // Whoever is invited has an address that opens it while they are, here and elsewhere.
    let (_, copied) = personal(&world, "zoe").await;
    let theirs = address(&attached(&copied)[0]);
    assert_ne!(theirs, before);
    assert_eq!(world.nobody().get(&theirs).expect(200).await.text(), "a.pdf");
    let mailed: String = sqlx::query_scalar(
        "SELECT CAST(b.data AS TEXT) FROM mail m JOIN body b ON b.hash = m.message_hash ORDER BY m.id DESC LIMIT 1",
    )
    .fetch_one(&mut world.database().await)
    .await
    .unwrap();
    let mailed = mailed.replace("\r\n ", "");
    assert_eq!(world.nobody().get(&address(&attached(&mailed)[0])).expect(200).await.text(), "a.pdf");
    // The project's people go on with it.
    let line = &lines[0];
    let without: String = stored.lines().filter(|known| known != line).map(|line| format!("{line}\r\n")).collect();
    lea.put(PROJECT, &without).expect(204).await;
    world.nobody().get(&theirs).expect(404).await;
    assert_eq!(attached(&personal(&world, "zoe").await.1).len(), 1);
    // An event with nobody in it, and what is not an event's to take: the copy of who was invited, a room's calendar.
    let alone = format!("{MAX}alone.ics");
    max.put(&alone, &event("alone", "20300701")).expect(201).await;
    assert_eq!(add(&max, &alone, "d.pdf", "d").await.status, 201);
    max.relocate(&alone, "/calendars/tram/meetings/alone.ics").expect(201).await;
    let alone = text(&lea.get("/calendars/tram/meetings/alone.ics").expect(200).await);
    assert_eq!(lea.get(&address(&attached(&alone)[0])).expect(200).await.text(), "d");
    let (href, _) = personal(&world, "zoe").await;
    world.tree.add_member("tram", "zoe", beffroi::model::privilege::Role::Member, None).await.unwrap();
    zoe.ask("MKCALENDAR", "/calendars/zoe/other/").expect(201).await;
    zoe.relocate(&href, "/calendars/zoe/other/one.ics").expect(201).await;
    assert_eq!(zoe.get("/files/zoe/Meetings/").send().await.status, 404);
    world.sound().await;
}

const OTHER: &str = "/calendars/max/other/";
const UIDS: [&str; 3] = ["one", "two", "three"];

/// A calendar of Max's beside the first, with some meetings of his.
async fn with_meetings(world: &World, uids: &[&str], attendees: &[&str]) {
    let max = world.client("max");
    max.ask("MKCALENDAR", OTHER).expect(201).await;
    for uid in uids {
        max.put(&format!("{OTHER}{uid}.ics"), &meeting(uid, &of("max", attendees))).expect(201).await;
    }
    max.put(&format!("{OTHER}alone.ics"), &event("alone", "20300701")).expect(201).await;
}

/// What is true of one meeting is true of each in a calendar: they are the project's from then on, with all that is
/// attached to them, and nobody is called off.
#[tokio::test]
async fn a_calendar_that_moves_into_a_project_hands_its_meetings_over() {
    let world = World::with_mail("agenda.ville.example").await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    with_meetings(&world, &UIDS, &["max", "mia", "zoe"]).await;
    assert_eq!(add(&max, &format!("{OTHER}two.ics"), "a.pdf", "a").await.status, 201);
    max.relocate(OTHER, "/calendars/tram/handed/").expect(201).await;
    for uid in UIDS {
        let path = format!("/calendars/tram/handed/{uid}.ics");
        let stored = text(&lea.get(&path).expect(200).await);
        assert!(stored.contains("ORGANIZER:mailto:tram+"), "{stored}");
        assert!(!line(&stored, "max").contains("DECLINED"), "{stored}");
        for name in ["mia", "zoe"] {
            let (_, copied) = copy(&world.client(name), &format!("/calendars/{name}/personal/"), uid).await.unwrap();
            assert!(copied.contains("ORGANIZER:mailto:tram+") && !copied.contains("CANCELLED"), "{uid} {copied}");
        }
        // Any member goes on with it, and answers come there.
        lea.put(&path, &stored.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
        let (href, copied) = copy(&mia, "/calendars/mia/personal/", uid).await.unwrap();
        let own = line(&copied, "mia");
        mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
        assert!(line(&text(&lea.get(&path).expect(200).await), "mia").contains("ACCEPTED"));
    }
    assert_eq!((cancels(&mia, "mia").await, cancels(&world.client("zoe"), "zoe").await), (0, 0));
    let lines = attached(&text(&lea.get("/calendars/tram/handed/two.ics").expect(200).await));
    assert_eq!(lea.get(&address(&lines[0])).expect(200).await.text(), "a");
    lea.get("/files/tram/Meetings/2030-07-01%20Point/a.pdf").expect(200).await;
    let (_, copied) = copy(&world.client("zoe"), "/calendars/zoe/personal/", "two").await.unwrap();
    assert_eq!(world.nobody().get(&address(&attached(&copied)[0])).expect(200).await.text(), "a");
    lea.get("/calendars/tram/handed/alone.ics").expect(200).await;
    max.get(OTHER).expect(404).await;
    world.sound().await;
}

/// Each that nobody goes on with is called off, or declined.
#[tokio::test]
async fn the_meetings_of_a_calendar_that_leaves_a_home_are_called_off_or_declined() {
    let world = World::new().await;
    let (max, lea, mia) = (world.client("max"), world.client("lea"), world.client("mia"));
    lea.ask("MKCALENDAR", "/calendars/tram/taken/").expect(201).await;
    let lines = "ORGANIZER:mailto:tram@beffroi.invalid\r\nATTENDEE:mailto:zoe@ville.example\r\n";
    for uid in UIDS {
        lea.put(&format!("/calendars/tram/taken/{uid}.ics"), &meeting(uid, lines)).expect(201).await;
    }
    lea.relocate("/calendars/tram/taken/", "/calendars/lea/taken/").expect(201).await;
    for uid in UIDS {
        let (_, copied) = copy(&world.client("zoe"), "/calendars/zoe/personal/", uid).await.unwrap();
        assert!(copied.contains("STATUS:CANCELLED"), "{copied}");
        lea.get(&format!("/calendars/lea/taken/{uid}.ics")).expect(200).await;
    }
    assert_eq!(cancels(&world.client("zoe"), "zoe").await, 3);
    // Who is invited declines what goes with a calendar.
    max.put(&format!("{MAX}four.ics"), &meeting("four", &of("max", &["max", "mia", "zoe"]))).expect(201).await;
    mia.ask("MKCALENDAR", "/calendars/mia/other/").expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "four").await.unwrap();
    mia.relocate(&href, "/calendars/mia/other/four.ics").expect(201).await;
    mia.relocate("/calendars/mia/other/", "/calendars/tram/from-mia/").expect(201).await;
    assert!(line(&text(&max.get(&format!("{MAX}four.ics")).expect(200).await), "mia").contains("DECLINED"));
    assert_eq!(cancels(&world.client("zoe"), "zoe").await, 3);
    // So it is of one meeting alone, wherever in the home it stood.
    max.put(&format!("{MAX}five.ics"), &meeting("five", &of("max", &["max", "mia"]))).expect(201).await;
    mia.ask("MKCALENDAR", "/calendars/mia/other/").expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "five").await.unwrap();
    mia.relocate(&href, "/calendars/mia/other/five.ics").expect(201).await;
    mia.relocate("/calendars/mia/other/five.ics", "/calendars/tram/meetings/five.ics").expect(201).await;
    assert!(line(&text(&max.get(&format!("{MAX}five.ics")).expect(200).await), "mia").contains("DECLINED"));
    world.sound().await;
}

/// A calendar is copied where each of its meetings could be: whoever has a part in one has no second object of it.
#[tokio::test]
async fn a_copied_calendar_makes_no_second_objects() {
    let world = World::new().await;
    let (max, lea, mia) = (world.client("max"), world.client("lea"), world.client("mia"));
    with_meetings(&world, &UIDS, &["max", "mia"]).await;
    let refused = |path: &'static str| {
        let (max, mia) = (world.client("max"), world.client("mia"));
        async move {
            let client = if path.starts_with("/calendars/mia/") { mia } else { max };
            let refused = client.copy(OTHER, path).expect(403).await.text();
            assert!(refused.contains("unique-scheduling-object-resource"), "{refused}");
            client.get(path).expect(404).await;
            refused
        }
    };
    let named = refused("/calendars/max/second/").await;
    assert!(UIDS.iter().any(|uid| named.contains(&format!("{OTHER}{uid}.ics"))), "{named}");
    // Without what it holds it is but a calendar.
    max.copy(OTHER, "/calendars/max/empty/").header("Depth", "0").expect(201).await;
    for reader in ["lea", "mia"] {
        world.tree.grant("/calendars/max/other", reader, Role::Reader, None).await.unwrap();
    }
    let named = refused("/calendars/mia/second/").await;
    assert!(named.contains("/calendars/mia/personal/"), "{named}");
    // What others plan one may keep several of, also one's own copies of it.
    lea.copy(OTHER, "/calendars/lea/first/").expect(201).await;
    lea.copy(OTHER, "/calendars/lea/second/").expect(201).await;
    lea.copy("/calendars/lea/first/", "/calendars/lea/third/").expect(201).await;
    lea.get("/calendars/lea/third/two.ics").expect(200).await;
    // Into a project it is copied once.
    max.copy(OTHER, "/calendars/tram/first/").expect(201).await;
    refused("/calendars/tram/second/").await;
    // Between the calendars of a home it moves, and nobody hears of it.
    let before = inbox(&mia, "mia").await.len();
    max.relocate(OTHER, "/calendars/max/renamed/").expect(201).await;
    assert_eq!(inbox(&mia, "mia").await.len(), before);
    // What has no meetings goes everywhere.
    max.delete("/calendars/max/renamed/").expect(204).await;
    max.copy("/calendars/max/empty/", "/calendars/max/again/").expect(201).await;
    world.sound().await;
}

/// What one meeting is refused for, or what is more than one change schedules, leaves everything as it was.
#[tokio::test]
async fn a_calendar_that_may_not_move_stays_as_it_was() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    with_meetings(&world, &UIDS, &["max", "mia"]).await;
    max.copy(&format!("{OTHER}three.ics"), PROJECT).expect(201).await;
    let rows = || async {
        const ROWS: &str = "SELECT (SELECT COUNT(*) FROM node) + (SELECT COUNT(*) FROM purge)";
        sqlx::query_scalar::<_, i64>(ROWS).fetch_one(&mut world.database().await).await.unwrap()
    };
    let before = rows().await;
    let refused = max.relocate(OTHER, "/calendars/tram/handed/").expect(403).await.text();
    assert!(refused.contains("unique-scheduling-object-resource") && refused.contains(PROJECT), "{refused}");
    world.sound().await;
    assert_eq!(rows().await, before);
    max.get("/calendars/tram/handed/").expect(404).await;
    max.delete(PROJECT).expect(204).await;
    for number in 0..38 {
        let uid = format!("m{number}");
        max.put(&format!("{OTHER}{uid}.ics"), &meeting(&uid, &of("max", &["max", "mia"]))).expect(201).await;
    }
    let (before, cancelled) = (rows().await, cancels(&mia, "mia").await);
    for language in ["fr", "en"] {
        let refused = max.relocate(OTHER, "/calendars/tram/handed/").header("Accept-Language", language);
        let refused = refused.expect(403).await.text();
        assert!(refused.contains("meetings-within-limits") && refused.contains("40"), "{refused}");
    }
    assert_eq!(rows().await, before);
    assert_eq!(cancels(&mia, "mia").await, cancelled);
    // One less, and it goes as a whole.
    max.delete(&format!("{OTHER}m0.ics")).expect(204).await;
    max.relocate(OTHER, "/calendars/tram/handed/").expect(201).await;
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "m37").await.unwrap();
    assert!(copied.contains("ORGANIZER:mailto:tram@"), "{copied}");
    world.sound().await;
}

/// A large calendar is built out of sight; its meetings are moved, or kept from being copied, all the same.
#[tokio::test]
async fn a_large_calendar_is_held_to_the_same() {
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    with_meetings(&world, &UIDS, &["max", "mia"]).await;
    for number in 0..1_250 {
        let uid = format!("e{number}");
        max.put(&format!("{OTHER}{uid}.ics"), &event(&uid, "20300701")).expect(201).await;
    }
    let refused = max.copy(OTHER, "/calendars/max/second/").expect(403).await.text();
    assert!(refused.contains("unique-scheduling-object-resource"), "{refused}");
    max.copy(OTHER, "/calendars/tram/copied/").expect(201).await;
    lea.get("/calendars/tram/copied/two.ics").expect(200).await;
    lea.delete("/calendars/tram/copied/").expect(204).await;
    max.relocate(OTHER, "/calendars/tram/handed/").expect(201).await;
    for uid in UIDS {
        let stored = text(&lea.get(&format!("/calendars/tram/handed/{uid}.ics")).expect(200).await);
        assert!(stored.contains("ORGANIZER:mailto:tram@"), "{stored}");
        let (_, copied) = copy(&mia, "/calendars/mia/personal/", uid).await.unwrap();
        assert!(copied.contains("ORGANIZER:mailto:tram@") && !copied.contains("CANCELLED"), "{copied}");
    }
    lea.get("/calendars/tram/handed/e1249.ics").expect(200).await;
    world.sound().await;
}

/// A calendar that takes the place of another: the meetings of that are called off, and its own are handed over.
#[tokio::test]
async fn a_calendar_that_moves_over_another_takes_its_place() {
    let world = World::new().await;
    let (max, lea, mia) = (world.client("max"), world.client("lea"), world.client("mia"));
    with_meetings(&world, &UIDS, &["max", "mia"]).await;
    let there = "/calendars/tram/there/";
    lea.ask("MKCALENDAR", there).expect(201).await;
    let lines = "ORGANIZER:mailto:tram@beffroi.invalid\r\nATTENDEE:mailto:zoe@ville.example\r\n";
    lea.put(&format!("{there}old.ics"), &meeting("old", lines)).expect(201).await;
    max.relocate(OTHER, there).header("Overwrite", "T").expect(204).await;
    let (_, old) = copy(&world.client("zoe"), "/calendars/zoe/personal/", "old").await.unwrap();
    assert!(old.contains("STATUS:CANCELLED"), "{old}");
    for uid in UIDS {
        let (_, copied) = copy(&mia, "/calendars/mia/personal/", uid).await.unwrap();
        assert!(copied.contains("ORGANIZER:mailto:tram@") && !copied.contains("CANCELLED"), "{copied}");
    }
    lea.get(&format!("{there}old.ics")).expect(404).await;
    world.sound().await;
}
