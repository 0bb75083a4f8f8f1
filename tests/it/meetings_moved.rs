//! COPY and MOVE of meetings (RFC 6638 sections 3.2.3.3 and 3.2.3.4).

use crate::attachments::{add, address, attached};
use crate::kit::{Client, World, event};
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text};

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
