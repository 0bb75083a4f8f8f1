//! The quota of a home: all that it holds counts, what is gone gives its bytes back, and what frees is never refused.

use beffroi::model::id::now;
use beffroi::model::node::NODE_BYTES;
use beffroi::model::principal::PrincipalKind;
use beffroi::model::privilege::Role;
use beffroi::model::version::Retention;

use super::kit::{Client, World};
use super::retention::sql;

const DAY: i64 = 86_400;
/// What a project holds that was just made: two calendars and an inbox.
const BEGINNING_BYTES: i64 = 3 * NODE_BYTES;

/// A world with a project `small` that may hold so many bytes beside what it was made with; its member.
async fn small(quota_bytes: i64) -> (World, Client) {
    let world = World::new().await;
    world.tree.add_project("small", "Small", Some(quota_bytes + BEGINNING_BYTES)).await.unwrap();
    world.tree.add_member("small", "max", Role::Lead, None).await.unwrap();
    let max = world.client("max");
    (world, max)
}

/// What the project holds beside what it was made with, as a client reads it; that agrees with the rows and with what
/// is available.
async fn used(world: &World, max: &Client) -> i64 {
    world.sound().await;
    let summary = world.tree.summary(PrincipalKind::Project, "small").await.unwrap();
    let found = max.propfind("/files/small/", "0", "<D:quota-available-bytes/><D:quota-used-bytes/>").expect(207).await;
    let number = |name: &str| found.value(name).parse::<i64>().unwrap();
    assert_eq!(number("quota-used-bytes"), summary.used_bytes);
    assert_eq!(number("quota-available-bytes"), (summary.quota_bytes.unwrap() - summary.used_bytes).max(0));
    summary.used_bytes - BEGINNING_BYTES
}

fn set(name: &str, bytes: usize) -> String {
    format!("<D:set><D:prop><x:{name} xmlns:x=\"urn:x\">{}</x:{name}></D:prop></D:set>", "a".repeat(bytes))
}

#[tokio::test]
async fn all_that_is_held_counts_and_is_given_back() {
    let (world, max) = small(1_000_000).await;
    let at = |path: &str| format!("/files/small/{path}");
    assert_eq!(used(&world, &max).await, 0);
    max.mkcol(&at("d")).expect(201).await;
    max.put(&at("d/a"), &"x".repeat(1000)).expect(201).await;
    let mut held = 2 * NODE_BYTES + 1000;
    assert_eq!(used(&world, &max).await, held);
    // A former version stays; the same bytes again are nothing.
    max.put(&at("d/a"), &"y".repeat(300)).expect(204).await;
    max.put(&at("d/a"), &"y".repeat(300)).expect(204).await;
    held += NODE_BYTES + 300;
    assert_eq!(used(&world, &max).await, held);
    // A draft is refined.
    let token = max.locked(&at("d/a"), "exclusive", "0").await;
    max.put(&at("d/a"), &"1".repeat(400)).token(&token).expect(204).await;
    max.put(&at("d/a"), &"2".repeat(100)).token(&token).expect(204).await;
    max.unlock_at(&at("d/a")).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    held += NODE_BYTES + 100;
    assert_eq!(used(&world, &max).await, held);
    // Properties, also when they are set anew, copied and removed.
    max.proppatch(&at("d/a"), &set("p", 5000)).expect(207).await;
    let with = used(&world, &max).await;
    assert!((held + 5000..held + 5100).contains(&with), "{with}");
    max.proppatch(&at("d/a"), &set("p", 4000)).expect(207).await;
    assert_eq!(used(&world, &max).await, with - 1000);
    max.copy(&at("d"), &at("e")).expect(201).await;
    assert_eq!(used(&world, &max).await, with - 1000 + 2 * NODE_BYTES + 100 + (with - 1000 - held));
    max.proppatch(&at("e/a"), "<D:remove><D:prop><x:p xmlns:x=\"urn:x\"/></D:prop></D:remove>").expect(207).await;
    let before = with - 1000 + 2 * NODE_BYTES + 100;
    assert_eq!(used(&world, &max).await, before);
    // A rename, the trash and what comes back from it change nothing.
    max.relocate(&at("d/a"), &at("d/b")).expect(201).await;
    max.delete(&at("d")).expect(204).await;
    assert_eq!(used(&world, &max).await, before);
    max.relocate("/trash/small/d", &at("d")).expect(201).await;
    assert_eq!(used(&world, &max).await, before);
    // Written over just after it was deleted it is the next version.
    max.delete(&at("d/b")).expect(204).await;
    max.put(&at("d/b"), &"z".repeat(10)).expect(201).await;
    assert_eq!(used(&world, &max).await, before + NODE_BYTES + 10);
    max.put(&at("d/~$b"), &"l".repeat(77)).expect(201).await;
    max.put(&at("d/~$b"), &"l".repeat(7)).expect(204).await;
    assert_eq!(used(&world, &max).await, before + 2 * NODE_BYTES + 17);
    // Thinned versions, cleared litter, the emptied trash.
    max.delete(&at("d/~$b")).expect(204).await;
    world.tree.maintain(now() + 2 * DAY).await.unwrap();
    assert_eq!(used(&world, &max).await, before + 2 * NODE_BYTES + 10);
    let kept = world.tree.retention("small").await.unwrap();
    world.tree.set_retention("small", &Retention { versions_days: Some(60), ..kept }).await.unwrap();
    assert!(world.tree.maintain(now() + 90 * DAY).await.unwrap().thinned > 0);
    assert!(used(&world, &max).await < before);
    max.delete(&at("d")).expect(204).await;
    max.delete("/trash/small/d").expect(204).await;
    assert_eq!(used(&world, &max).await, 2 * NODE_BYTES + 100);
    max.delete(&at("e")).expect(204).await;
    world.tree.maintain(now() + 200 * DAY).await.unwrap();
    assert_eq!(used(&world, &max).await, 0);
}

#[tokio::test]
async fn what_is_too_much_is_refused_and_leaves_nothing() {
    let (world, max) = small(200_000).await;
    let at = |path: &str| format!("/files/small/{path}");
    let room = 200_000 - NODE_BYTES;
    max.put(&at("a"), &vec![b'a'; 100_000]).expect(201).await;
    let held = used(&world, &max).await;
    let refused = async |ask: super::kit::Ask<'_>| {
        let answer = ask.expect(507).await;
        assert!(answer.text().contains("quota-not-exceeded"), "{}", answer.text());
    };
    let files = || walk(&world.data.path().join("bodies"));
    let before = files();
    refused(max.put(&at("b"), &vec![b'b'; 100_000])).await;
    refused(max.put(&at("a"), &vec![b'b'; 100_000])).await;
    refused(max.put(&at("b"), &"b".repeat(99_999))).await;
    refused(max.copy(&at("a"), &at("b"))).await;
    assert_eq!(files(), before);
    // Up to the last byte.
    max.put(&at("a"), &vec![b'b'; (room - held) as usize]).expect(204).await;
    assert_eq!(used(&world, &max).await, 200_000);
    for ask in
        [max.mkcol(&at("d")), max.put(&at("e"), ""), max.put(&at("a"), "x"), max.proppatch(&at("a"), &set("p", 1))]
    {
        refused(ask).await;
    }
    assert_eq!(used(&world, &max).await, 200_000);
    // The same bytes again, a rename and all that frees are not.
    max.put(&at("a"), &vec![b'b'; (room - held) as usize]).expect(204).await;
    max.relocate(&at("a"), &at("b")).expect(201).await;
    max.delete(&at("b")).expect(204).await;
    max.relocate("/trash/small/b", &at("b")).expect(201).await;
    sql(&world, "UPDATE home SET quota_bytes = 1000 WHERE quota_bytes IS NOT NULL").await;
    refused(max.put(&at("c"), "x")).await;
    max.delete(&at("b")).expect(204).await;
    max.delete("/trash/small/b").expect(204).await;
    assert_eq!(used(&world, &max).await, 0);
}

/// How many files lie below a directory.
fn walk(directory: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn properties_count_when_they_are_copied() {
    let (world, max) = small(1_000_000).await;
    max.mkcol("/files/small/d").expect(201).await;
    max.put("/files/small/d/a", "x").expect(201).await;
    max.proppatch("/files/small/d/a", &set("p", 300_000)).expect(207).await;
    max.copy("/files/small/d/a", "/files/small/d/b").expect(201).await;
    max.copy("/files/small/d/a", "/files/small/d/c").expect(201).await;
    let held = used(&world, &max).await;
    for (from, to) in [("d/a", "d/e"), ("d", "f")] {
        max.copy(&format!("/files/small/{from}"), &format!("/files/small/{to}")).expect(507).await;
    }
    assert_eq!(used(&world, &max).await, held);
}

#[tokio::test]
async fn what_an_older_version_left_is_reckoned_anew() {
    let (world, max) = small(1_000_000).await;
    max.mkcol("/files/small/d").expect(201).await;
    for content in ["one", "two!", "three"] {
        max.put("/files/small/d/a", content).send().await;
    }
    max.proppatch("/files/small/d/a", &set("p", 30)).expect(207).await;
    max.relocate("/files/small/d/a", "/files/small/d/b").expect(201).await;
    max.put("/files/small/d/b", "four").expect(204).await;
    max.delete("/files/small/d/b").expect(204).await;
    max.put("/files/small/d/c", "five").expect(201).await;
    let held = used(&world, &max).await;
    let schema = include_str!("../../schema/0012_held.sql");
    let updates = schema.split(";\n").filter_map(|part| part.find("UPDATE ").map(|at| format!("{};", &part[at..])));
    sql(&world, "UPDATE past SET held_bytes = 0").await;
    for update in updates {
        sql(&world, &update).await;
    }
    assert_eq!(used(&world, &max).await, held);
}
