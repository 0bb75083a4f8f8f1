//! Long work holds nobody up: it goes in slices, and others write in between; what is half done is seen by nobody.

use std::time::{Duration, Instant};

use beffroi::model::id::now;
use beffroi::model::method::Method;
use beffroi::model::path::Path;
use beffroi::tree::gate::Request;

use super::kit::{Ask, Client, World};
use super::past::moment;

/// A folder of so many folders of so many documents each, made of copies.
async fn tree(max: &Client, top: &str, folders: usize, documents: usize) {
    max.mkcol(top).expect(201).await;
    max.mkcol(&format!("{top}/000")).expect(201).await;
    max.put(&format!("{top}/000/000"), "text").expect(201).await;
    for document in 1..documents {
        max.copy(&format!("{top}/000/000"), &format!("{top}/000/{document:03}")).expect(201).await;
    }
    for folder in 1..folders {
        max.copy(&format!("{top}/000"), &format!("{top}/{folder:03}")).expect(201).await;
    }
}

/// How long the slowest of another's small writes took while a request was carried out, and how many there were.
async fn beside(other: &Client, ask: Ask<'_>, status: u16) -> (Duration, u32) {
    let (done, mut slowest, mut number) = (std::cell::Cell::new(false), Duration::ZERO, 0);
    let long = async {
        ask.expect(status).await;
        done.set(true);
    };
    let small = async {
        while !done.get() {
            let begun = Instant::now();
            let answer = other.put("/files/mia/small", &number.to_string()).send().await;
            assert!(answer.status < 300);
            (slowest, number) = (slowest.max(begun.elapsed()), number + 1);
        }
    };
    tokio::join!(long, small);
    (slowest, number)
}

async fn count(client: &Client, path: &str) -> usize {
    client.sync(path, "", "infinite", "").expect(207).await.hrefs().len()
}

#[tokio::test]
async fn large_trees_are_copied_moved_out_and_purged_while_others_write() {
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    tree(&max, "/files/tram/large", 60, 50).await;
    max.proppatch("/files/tram/large/030", "<D:set><D:prop><x:p xmlns:x=\"urn:x\">kept</x:p></D:prop></D:set>")
        .expect(207)
        .await;
    world.sound().await;
    let all = count(&max, "/files/tram/large/").await;
    assert_eq!(all, 60 * 51);
    let then = moment().await;
    let token = max.sync("/files/tram/", "", "infinite", "").expect(207).await.sync_token();
    for (from, to, overwrite) in [
        ("/files/tram/large".to_owned(), "/files/tram/copy".to_owned(), 201),
        ("/files/tram/large".to_owned(), "/files/tram/copy".to_owned(), 204),
        (format!("/history/tram/{then}/large"), "/files/tram/former".to_owned(), 201),
    ] {
        let (slowest, number) = beside(&mia, max.copy(&from, &to), overwrite).await;
        assert!(number > 1 && slowest < Duration::from_secs(8), "{number} others, {slowest:?}");
        world.sound().await;
        assert_eq!(count(&max, &format!("{to}/")).await, all);
    }
    let kept = max.propfind("/files/tram/copy/030/", "0", "<x:p xmlns:x=\"urn:x\"/>").expect(207).await;
    assert_eq!(kept.value("p"), "kept");
    // Who synchronizes gets all that has come, and of nothing that was being made.
    let listed = max.sync("/files/tram/", &token, "infinite", "").expect(207).await.statuses();
    let below = |top: &str| listed.iter().filter(|(href, status)| href.starts_with(top) && *status == 200).count();
    assert_eq!(["copy", "former", "large"].map(|top| below(&format!("/files/tram/{top}/"))), [60 * 50, 60 * 50, 0]);
    // MOVE to another home copies, too; the limit of deletions is not ours here.
    super::retention::sql(&world, "UPDATE home SET brake_percent = 100").await;
    let (slowest, _) = beside(&mia, max.relocate("/files/tram/copy", "/files/max/copy"), 201).await;
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    assert_eq!(count(&max, "/files/max/copy/").await, all);
    max.propfind("/files/tram/copy/", "0", "").expect(404).await;
    let trash = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    for entry in &trash[1..] {
        let (slowest, _) = beside(&mia, lea.delete(entry), 204).await;
        assert!(slowest < Duration::from_secs(8), "{slowest:?}");
        world.sound().await;
    }
    assert_eq!(max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
}

#[tokio::test]
async fn what_is_written_while_a_large_tree_is_moved_out_goes_along() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    tree(&max, "/files/tram/large", 45, 50).await;
    super::retention::sql(&world, "UPDATE home SET brake_percent = 100").await;
    let done = std::cell::Cell::new(false);
    let long = async {
        let answer = max.relocate("/files/tram/large", "/files/max/large").send().await;
        done.set(true);
        answer.status
    };
    // Someone writes into it now and then, and once it is gone no more.
    let written = async {
        let (mut written, mut folder) = (Vec::new(), 0);
        while !done.get() && folder < 45 {
            let below = format!("large/{folder:03}/new");
            if mia.put(&format!("/files/tram/{below}"), &below).send().await.status != 201 {
                break;
            }
            written.push(below);
            folder += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        written
    };
    let (status, written) = tokio::join!(long, written);
    assert!(!written.is_empty());
    // It may be that nothing was moved: then it is there still, and is moved once nobody writes there.
    if status != 201 {
        assert_eq!(status, 503);
        world.sound().await;
        max.propfind("/files/max/large/", "0", "").expect(404).await;
        max.relocate("/files/tram/large", "/files/max/large").expect(201).await;
    }
    for below in &written {
        assert_eq!(max.get(&format!("/files/max/{below}")).expect(200).await.text(), *below);
    }
    world.sound().await;
    assert_eq!(count(&max, "/files/max/large/").await, 45 * 51 + written.len());
}

#[tokio::test]
async fn what_is_purged_while_it_is_copied_keeps_its_content_in_the_copy() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    tree(&max, "/files/tram/large", 120, 50).await;
    max.put("/files/tram/large/000/only", "nowhere else").expect(201).await;
    super::retention::sql(&world, "UPDATE home SET brake_percent = 100").await;
    super::retention::sql(&world, "UPDATE body SET stored_at = 1").await;
    max.delete("/files/tram/large").expect(204).await;
    let done = std::cell::Cell::new(false);
    let copied = async {
        max.copy("/trash/tram/large", "/files/max/copy").expect(201).await;
        done.set(true);
    };
    let swept = async {
        while !done.get() {
            world.tree.sweep().await.unwrap();
        }
    };
    let purged = async {
        // As soon as it is being built.
        while super::retention::count(&world, "SELECT COUNT(*) FROM purge").await == 0 {}
        lea.delete("/trash/tram/large/000/").expect(204).await;
    };
    tokio::join!(copied, purged, swept);
    world.tree.sweep().await.unwrap();
    assert_eq!(max.get("/files/max/copy/000/only").expect(200).await.text(), "nowhere else");
    world.sound().await;
}

#[tokio::test]
async fn a_large_copy_that_fails_leaves_nothing() {
    let world = World::new().await;
    world.tree.add_project("small", "Small", Some(230_000)).await.unwrap();
    world.tree.add_member("small", "max", beffroi::model::privilege::Role::Member, None).await.unwrap();
    let max = world.client("max");
    tree(&max, "/files/tram/large", 45, 50).await;
    let then = moment().await;
    let used = async || {
        let kind = beffroi::model::principal::PrincipalKind::Project;
        world.tree.summary(kind, "small").await.unwrap().used_bytes
    };
    let before = used().await;
    let moved = format!("/history/tram/{then}/large");
    max.copy("/files/tram/large", "/files/small/a").expect(201).await;
    let with = used().await;
    assert!(with > before + 45 * 51 * 32);
    // What a former folder holds is known only as it is copied.
    max.copy("/files/tram/large", "/files/small/b").expect(201).await;
    let with = 2 * with - before;
    assert_eq!(used().await, with);
    max.copy(&moved, "/files/small/c").expect(507).await;
    assert_eq!(used().await, with);
    world.sound().await;
    let names = max.propfind("/files/small/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(names, ["/files/small/", "/files/small/a/", "/files/small/b/"]);
    assert_eq!(max.propfind("/trash/small/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
}

#[tokio::test]
async fn a_small_copy_is_one_change() {
    let world = World::new().await;
    let max = world.client("max");
    tree(&max, "/files/tram/d", 3, 30).await;
    let seq = async || {
        let token = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
        token.rsplit(['-', '/', ':']).next().unwrap().to_owned()
    };
    let owner = world.tree.owner("max").await.unwrap();
    let request = Request {
        destination: Some(Path::parse("/files/tram/e").unwrap()),
        ..Request::of(Method::Copy, Path::parse("/files/tram/d").unwrap(), owner)
    };
    let before = seq().await;
    world.tree.transfer(&request, true).await.unwrap();
    assert_ne!(before, seq().await);
    assert_eq!(count(&max, "/files/tram/e/").await, 3 * 31);
    // Nothing is left to be purged.
    assert_eq!(world.tree.maintain(now() + 7200).await.unwrap().purged, 0);
    world.sound().await;
}

/// PUTs many, side by side.
async fn put_all(max: &Client, what: Vec<(String, String)>) {
    for some in what.chunks(50) {
        let puts = some.iter().cloned().map(|(path, text)| {
            let max = max.clone();
            tokio::spawn(async move { assert!(max.put(&path, &text).send().await.status < 300) })
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.unwrap();
        }
    }
}

/// Before each rewind each of 20 folders of 20 documents had one overwritten, one deleted, one renamed and a new one.
#[tokio::test]
async fn a_large_rewind_goes_in_slices_and_can_be_done_again_where_it_ended() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    tree(&max, "/files/tram/large", 20, 20).await;
    super::retention::sql(&world, "UPDATE home SET brake_percent = 100").await;
    let then = moment().await;
    let at = now() - 1;
    let spoil = async |round: usize| {
        let path = |folder: usize, name: &str| format!("/files/tram/large/{folder:03}/{name}");
        let spoilt = |folder| (path(folder, "000"), format!("spoilt {round}"));
        let new = |folder| (path(folder, &format!("new-{round}")), "new".to_owned());
        put_all(&max, (0..20).map(spoilt).chain((0..20).map(new)).collect()).await;
        for folder in 0..20 {
            max.delete(&path(folder, "001")).expect(204).await;
            max.relocate(&path(folder, "002"), &path(folder, "renamed")).expect(201).await;
        }
    };
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request::of(Method::Update, Path::parse("/files/tram/large").unwrap(), owner);
    let listed = |steps: &[beffroi::tree::rewind_plan::RewindStep]| steps.len();
    let before = count(&max, "/files/tram/large/").await;
    for round in 0..2 {
        spoil(round).await;
        // To see what would be done takes no turn at writing.
        let writing = world.tree.write(&request).await.unwrap();
        let plan = world.tree.plan_rewind(&request, at, &mut |_| {}).await.unwrap();
        drop(writing);
        assert_eq!(listed(&plan.steps()), 20 * 4);
        if round == 0 {
            let body = format!(
                "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/large/</D:href></D:version>\
                 </D:update>"
            );
            let number = async || super::retention::count(&world, "SELECT MAX(seq) FROM home").await;
            let before = number().await;
            beside(&mia, max.ask("UPDATE", "/files/tram/large/").body(&body), 207).await;
            assert!(number().await >= before + 2);
        } else {
            // It is cut off in the middle.
            let left = async || world.tree.plan_rewind(&request, at, &mut |_| {}).await.unwrap().steps().len();
            let cut_off = async { while left().await == 20 * 4 {} };
            let mut silent = |_| {};
            tokio::select! {
                biased;
                () = cut_off => {}
                done = world.tree.rewind(&request, at, &mut silent) => { done.unwrap(); }
            }
            world.sound().await;
            world.tree.rewind(&request, at, &mut |_| {}).await.unwrap();
        }
        world.sound().await;
        assert!(world.tree.plan_rewind(&request, at, &mut |_| {}).await.unwrap().steps().is_empty());
        assert_eq!(count(&max, "/files/tram/large/").await, before);
        for folder in [0, 19] {
            assert_eq!(max.get(&format!("/files/tram/large/{folder:03}/000")).expect(200).await.text(), "text");
        }
    }
}

#[tokio::test]
async fn a_few_changes_of_a_rewind_are_one() {
    let world = World::new().await;
    let max = world.client("max");
    tree(&max, "/files/tram/d", 3, 5).await;
    let then = now();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    max.put("/files/tram/d/000/000", "other").expect(204).await;
    max.delete("/files/tram/d/001").expect(204).await;
    max.put("/files/tram/d/new", "new").expect(201).await;
    let token = max.sync("/files/tram/", "", "infinite", "").expect(207).await.sync_token();
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request::of(Method::Update, Path::parse("/files/tram/d").unwrap(), owner);
    let before = super::retention::count(&world, "SELECT MAX(seq) FROM home").await;
    let steps = world.tree.rewind(&request, then, &mut |_| {}).await.unwrap();
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert_eq!(super::retention::count(&world, "SELECT MAX(seq) FROM home").await, before + 1);
    let listed = max.sync("/files/tram/", &token, "infinite", "").expect(207).await.statuses();
    assert!(listed.contains(&("/files/tram/d/new".to_owned(), 404)) && listed.len() >= 3, "{listed:?}");
    world.sound().await;
}

#[tokio::test]
async fn what_the_index_says_of_events_goes_along_with_them() {
    use super::kit::event;
    let world = World::new().await;
    let max = world.client("max");
    let path = |number: usize| format!("/calendars/tram/meetings/{number:03}.ics");
    let on = |day: &str| (0..600).map(|n| (path(n), event(&n.to_string(), day))).collect::<Vec<_>>();
    put_all(&max, on("20260614")).await;
    let then = now();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let query = |month: &str| {
        format!(
            "<C:calendar-query xmlns:D=\"DAV:\" \
             xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop><C:filter>\
             <C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range \
             start=\"{month}01T000000Z\" \
             end=\"{month}28T000000Z\"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        )
    };
    let found = async |calendar: &str, month: &str| {
        let ask = max.ask("REPORT", calendar).header("Depth", "1").body(&query(month));
        ask.expect(207).await.hrefs().len()
    };
    max.copy("/calendars/tram/meetings", "/calendars/tram/copied").expect(201).await;
    assert_eq!(found("/calendars/tram/copied/", "202606").await, 600);
    put_all(&max, on("20260714")[..300].to_vec()).await;
    for number in 300..400 {
        max.delete(&path(number)).expect(204).await;
    }
    assert_eq!(found("/calendars/tram/meetings/", "202607").await, 300);
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request::of(Method::Update, Path::parse("/calendars/tram/meetings").unwrap(), owner);
    world.tree.rewind(&request, then, &mut |_| {}).await.unwrap();
    assert_eq!(found("/calendars/tram/meetings/", "202606").await, 600);
    assert_eq!(found("/calendars/tram/meetings/", "202607").await, 0);
    world.sound().await;
}
