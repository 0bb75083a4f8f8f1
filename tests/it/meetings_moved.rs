//! COPY and MOVE of meetings (RFC 6638 sections 3.2.3.3 and 3.2.3.4).

use crate::kit::{Client, World};
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
