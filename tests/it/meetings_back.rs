//! Meetings that go with their calendar, and that come back: from the trash, from a version, with a former day.

use beffroi::model::id::now;

use crate::kit::{Client, World};
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text, work};

const OTHER: &str = "/calendars/max/other/";

async fn with_other() -> World {
    let world = World::new().await;
    world.client("max").ask("MKCALENDAR", OTHER).expect(201).await;
    world
}

async fn copied(client: &Client, name: &str, uid: &str) -> String {
    copy(client, &format!("/calendars/{name}/personal/"), uid).await.expect("a copy").1
}

fn sequence(text: &str) -> u64 {
    let all = text.lines().filter_map(|line| line.strip_prefix("SEQUENCE:")?.trim().parse().ok());
    all.max().unwrap_or(0)
}

/// The entry of the trash whose name begins so.
async fn entry(client: &Client, name: &str) -> String {
    let all = client.propfind("/trash/max/", "1", "<D:getetag xmlns:D=\"DAV:\"/>").expect(207).await.hrefs();
    all.into_iter().find(|href| href.starts_with(&format!("/trash/max/{name}"))).expect("an entry")
}

#[tokio::test]
async fn with_a_calendar_all_its_meetings_are_called_off_or_declined() {
    let world = with_other().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for uid in ["one", "two"] {
        max.put(&format!("{OTHER}{uid}.ics"), &meeting(uid, &of("max", &["max", "mia"]))).expect(201).await;
    }
    mia.put("/calendars/mia/personal/three.ics", &meeting("three", &of("mia", &["mia", "max"]))).expect(201).await;
    let (href, _) = copy(&max, MAX, "three").await.expect("a copy");
    max.relocate(&href, &format!("{OTHER}three.ics")).expect(201).await;
    max.delete(OTHER).expect(204).await;
    for uid in ["one", "two"] {
        assert!(copied(&mia, "mia", uid).await.contains("STATUS:CANCELLED"), "{uid}");
    }
    let stored = text(&mia.get("/calendars/mia/personal/three.ics").expect(200).await);
    assert!(line(&stored, "max").contains("PARTSTAT=DECLINED"), "{stored}");
    world.sound().await;
}

#[tokio::test]
async fn who_wants_no_reply_declines_nothing_with_a_calendar() {
    let world = with_other().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    mia.put("/calendars/mia/personal/three.ics", &meeting("three", &of("mia", &["mia", "max"]))).expect(201).await;
    let (href, _) = copy(&max, MAX, "three").await.expect("a copy");
    max.relocate(&href, &format!("{OTHER}three.ics")).expect(201).await;
    max.delete(OTHER).header("Schedule-Reply", "F").expect(204).await;
    let stored = text(&mia.get("/calendars/mia/personal/three.ics").expect(200).await);
    assert!(line(&stored, "max").contains("PARTSTAT=NEEDS-ACTION"), "{stored}");
    world.sound().await;
}

#[tokio::test]
async fn of_many_meetings_a_job_calls_off_the_rest() {
    let world = with_other().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for number in 0..45 {
        let uid = format!("m{number}");
        max.put(&format!("{OTHER}{uid}.ics"), &meeting(&uid, &of("max", &["max", "mia"]))).expect(201).await;
    }
    let cancelled = || async {
        let path = "/calendars/mia/personal/";
        let listed = mia.propfind(path, "1", "<D:getetag xmlns:D=\"DAV:\"/>").expect(207).await.hrefs();
        let mut cancelled = 0;
        for href in listed.iter().filter(|href| href.ends_with(".ics")) {
            cancelled += usize::from(mia.get(href).expect(200).await.text().contains("STATUS:CANCELLED"));
        }
        cancelled
    };
    max.delete(OTHER).expect(204).await;
    assert_eq!(cancelled().await, 40);
    work(&world, "meetings").await;
    assert_eq!(cancelled().await, 45);
    // All come back with it.
    max.relocate(&entry(&max, "other").await, OTHER).expect(201).await;
    assert_eq!(cancelled().await, 5);
    work(&world, "meetings").await;
    assert_eq!(cancelled().await, 0);
    world.sound().await;
}

#[tokio::test]
async fn what_comes_back_from_the_trash_is_held_again() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    let (href, invited) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&invited, "mia");
    mia.put(&href, &invited.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    max.delete(&path).expect(204).await;
    let off = copied(&mia, "mia", "one").await;
    assert!(off.contains("STATUS:CANCELLED"), "{off}");
    max.relocate(&entry(&max, "one").await, &path).expect(201).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("PARTSTAT=NEEDS-ACTION"), "{stored}");
    assert!(sequence(&stored) > sequence(&off), "{stored} {off}");
    for name in ["mia", "rita"] {
        let back = copied(&world.client(name), name, "one").await;
        assert!(!back.contains("CANCELLED") && line(&back, name).contains("PARTSTAT=NEEDS-ACTION"), "{back}");
        let items = inbox(&world.client(name), name).await;
        assert!(items.len() == 1 && items[0].contains("METHOD:REQUEST"), "{items:?}");
    }
    world.sound().await;
}

#[tokio::test]
async fn what_comes_back_with_its_calendar_is_held_again() {
    let world = with_other().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{OTHER}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    max.delete(OTHER).expect(204).await;
    let off = copied(&mia, "mia", "one").await;
    max.relocate(&entry(&max, "other").await, OTHER).expect(201).await;
    let back = copied(&mia, "mia", "one").await;
    assert!(!back.contains("CANCELLED") && sequence(&back) > sequence(&off), "{back}");
    assert_eq!(sequence(&text(&max.get(&path).expect(200).await)), sequence(&back));
    world.sound().await;
}

#[tokio::test]
async fn others_follow_what_a_former_version_says() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let former = text(&max.get(&path).expect(200).await);
    max.put(&path, &former.replace("T090000Z", "T080000Z")).expect(204).await;
    let moved = copied(&mia, "mia", "one").await;
    assert!(moved.contains("DTSTART:20300701T080000Z"), "{moved}");
    let found = max.propfind(&path, "0", "<D:version-history xmlns:D=\"DAV:\"/>").expect(207).await;
    let history = found.property("version-history").expect("a history").dav("href").expect("an address").text();
    let update = format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{history}1</D:href></D:version></D:update>");
    max.ask("UPDATE", &path).body(&update).expect(207).await;
    let back = copied(&mia, "mia", "one").await;
    assert!(back.contains("DTSTART:20300701T090000Z") && sequence(&back) > sequence(&moved), "{back}");
    assert_eq!(sequence(&text(&max.get(&path).expect(200).await)), sequence(&back));
    world.sound().await;
}

#[tokio::test]
async fn a_calendar_that_is_what_it_was_holds_its_meetings_again_and_calls_off_what_came_later() {
    use beffroi::model::{method::Method, path::Path};
    use beffroi::tree::gate::Request;
    use std::time::Duration;
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for uid in ["gone", "moved"] {
        max.put(&format!("{MAX}{uid}.ics"), &meeting(uid, &of("max", &["max", "mia"]))).expect(201).await;
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let then = now();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    max.delete(&format!("{MAX}gone.ics")).expect(204).await;
    let later = text(&max.get(&format!("{MAX}moved.ics")).expect(200).await).replace("T090000Z", "T080000Z");
    max.put(&format!("{MAX}moved.ics"), &later).expect(204).await;
    max.put(&format!("{MAX}later.ics"), &meeting("later", &of("max", &["max", "mia"]))).expect(201).await;
    let before = copied(&mia, "mia", "moved").await;
    let owner = world.tree.owner("max").await.expect("a person");
    let request = Request::of(Method::Update, Path::of(&["calendars", "max", "personal"]), owner);
    world.tree.rewind(&request, then, &mut |_| {}).await.expect("done");
    assert!(!copied(&mia, "mia", "gone").await.contains("CANCELLED"));
    let back = copied(&mia, "mia", "moved").await;
    assert!(back.contains("DTSTART:20300701T090000Z") && sequence(&back) > sequence(&before), "{back}");
    assert!(copied(&mia, "mia", "later").await.contains("STATUS:CANCELLED"));
    world.sound().await;
}
