//! Nothing comes to stand deeper than an address can be, whatever brings it there; what is deeper from former times can
//! be taken out and removed.

use beffroi::model::method::Method;
use beffroi::model::node::NODE_BYTES;
use beffroi::model::path::{MAX_SEGMENTS, Path};
use beffroi::tree::gate::Request;

use super::kit::{Answer, Client, World};
use super::past::moment;
use super::retention::sql;

/// A folder below another, each below the one before, until so many stand in the project `tram`; the last one's
/// address.
async fn chain(max: &Client, top: &str, levels: usize) -> String {
    let mut path = format!("/files/tram/{top}");
    max.mkcol(&path).expect(201).await;
    for _ in 1..levels {
        path.push_str("/c");
        max.mkcol(&path).expect(201).await;
    }
    path
}

fn refused(answer: &Answer) {
    assert!(answer.text().contains("depth-within-limits"), "{}", answer.text());
}

#[tokio::test]
async fn no_address_is_deeper_than_the_limit() {
    let world = World::new().await;
    let max = world.client("max");
    let deepest = chain(&max, "a", MAX_SEGMENTS - 2).await;
    assert_eq!(deepest.split('/').count() - 1, MAX_SEGMENTS);
    refused(&max.mkcol(&format!("{deepest}/d")).expect(403).await);
    refused(&max.put(&format!("{deepest}/d"), "x").expect(403).await);
    refused(&max.lock(&format!("{deepest}/d"), "exclusive", "0").expect(403).await);
    max.put("/files/tram/x", "x").expect(201).await;
    refused(&max.copy("/files/tram/x", &format!("{deepest}/x")).expect(403).await);
    refused(&max.relocate("/files/tram/x", &format!("{deepest}/x")).expect(403).await);
    let french = max.mkcol(&format!("{deepest}/d")).header("Accept-Language", "fr").expect(403).await;
    assert!(french.text().contains("profond"), "{}", french.text());
    // What stands at the limit has all its views.
    let (above, _) = deepest.rsplit_once('/').unwrap();
    let document = format!("{above}/x");
    max.put(&document, "one").expect(201).await;
    max.put(&document, "two").expect(204).await;
    let then = moment().await;
    max.delete(&document).expect(204).await;
    let (_, below) = document.split_once("/files/tram/").unwrap();
    assert_eq!(max.get(&format!("/history/tram/{then}/{below}")).expect(200).await.text(), "two");
    max.relocate("/trash/tram/x", &document).expect(201).await;
    assert_eq!(max.propfind(&format!("/history/tram/{below}"), "1", "<D:getetag/>").expect(207).await.hrefs().len(), 3);
    world.sound().await;
}

#[tokio::test]
async fn what_stands_below_counts() {
    let world = World::new().await;
    let max = world.client("max");
    let half = MAX_SEGMENTS / 2;
    let place = chain(&max, "place", half).await;
    let top = chain(&max, "tall", half).await;
    max.put(&format!("{top}/x"), "x").expect(201).await;
    let before = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    // One more than fits.
    for to in [format!("{place}/tall"), format!("{}/tall", place.rsplit_once('/').unwrap().0)] {
        let fits = to.split('/').count() - 1 + half <= MAX_SEGMENTS;
        assert!(!fits, "{to}");
        refused(&max.relocate("/files/tram/tall", &to).expect(403).await);
        refused(&max.copy("/files/tram/tall", &to).expect(403).await);
        max.propfind(&to, "0", "<D:getetag/>").expect(404).await;
    }
    assert_eq!(max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs(), before);
    // As deep as can be.
    let fitting = place.split('/').take(MAX_SEGMENTS - half + 1).collect::<Vec<_>>().join("/");
    max.copy("/files/tram/tall", &format!("{fitting}-")).expect(201).await;
    max.relocate("/files/tram/tall", &format!("{fitting}-2")).expect(201).await;
    // What goes up, or stays as deep, is not asked.
    max.relocate(&format!("{fitting}-2"), "/files/tram/tall").expect(201).await;
    // The same out of the trash, and out of a former day.
    let then = moment().await;
    refused(&max.copy(&format!("/history/tram/{then}/tall"), &format!("{place}/tall")).expect(403).await);
    max.delete("/files/tram/tall").expect(204).await;
    refused(&max.relocate("/trash/tram/tall", &format!("{place}/tall")).expect(403).await);
    max.relocate("/trash/tram/tall", "/files/tram/tall").expect(201).await;
    assert_eq!(max.get(&format!("{top}/x")).expect(200).await.text(), "x");
    world.sound().await;
}

#[tokio::test]
async fn a_rewound_folder_brings_nothing_too_deep() {
    let world = World::new().await;
    let max = world.client("max");
    let half = MAX_SEGMENTS / 2;
    let place = chain(&max, "place", half).await;
    max.mkcol("/files/tram/top").expect(201).await;
    chain(&max, "top/tall", half - 1).await;
    let then = moment().await;
    max.delete("/files/tram/top/tall").expect(204).await;
    max.relocate("/files/tram/top", &format!("{place}/top")).expect(201).await;
    let href = format!("/history/tram/{then}/top/");
    let update = format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{href}</D:href></D:version></D:update>");
    let at = format!("{place}/top/");
    refused(&max.ask("UPDATE", &at).body(&update).expect(403).await);
    max.propfind(&format!("{at}tall/"), "0", "<D:getetag/>").expect(404).await;
    max.relocate(&format!("{place}/top"), "/files/tram/top").expect(201).await;
    max.ask("UPDATE", "/files/tram/top/").body(&update).expect(207).await;
    max.propfind("/files/tram/top/tall/c/", "0", "<D:getetag/>").expect(207).await;
    world.sound().await;
}

/// A chain of folders far deeper than any address, as former versions of the server let it be built, with a document in
/// each.
async fn ancient_chain(world: &World, top: &str, levels: usize) {
    let columns = "owner_id, placed_seq, placed_at, seq, members_seq, since_seq, since_at, created_at, modified_at, \
                   version, \
                   sealed, documents";
    // Each sum is what stands below: one document a level.
    let statement = format!(
        "WITH RECURSIVE level(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM level WHERE n < {levels}) \
         INSERT INTO node (id, parent_id, home_id, name, match_name, kind, size, hash, {columns}) \
         SELECT t.id * 0 + 1000 + l.n, CASE l.n WHEN 1 THEN t.id ELSE 999 + l.n END, t.home_id, 'c', 'c', 'folder', \
         {levels} - l.n, NULL, t.owner_id, t.placed_seq, t.placed_at, t.seq, t.members_seq, t.since_seq, t.since_at, \
         t.created_at, t.modified_at, 0, 1, {levels} - l.n FROM level l JOIN node t ON t.name = '{top}'; \
         INSERT INTO node (id, parent_id, home_id, name, match_name, kind, size, hash, {columns}) \
         SELECT n.id + 1000000, n.id, n.home_id, 'd', 'd', 'file', 1, f.hash, n.owner_id, n.placed_seq, n.placed_at, \
         n.seq, n.members_seq, n.since_seq, n.since_at, n.created_at, n.modified_at, 1, 0, 0 \
         FROM node n JOIN node f ON f.name = 'one-byte' WHERE n.id > 1000 AND n.id < 1000 + {levels}; \
         UPDATE node SET size = {levels} - 1, documents = {levels} - 1 WHERE name = '{top}'; \
         UPDATE node SET size = size + {levels} - 1, documents = documents + {levels} - 1 \
         WHERE id = (SELECT parent_id FROM node WHERE name = '{top}'); \
         UPDATE home SET used_bytes = used_bytes + {levels} * {NODE_BYTES} + ({levels} - 1) * ({NODE_BYTES} + 1) \
         WHERE node_id = (SELECT home_id FROM node WHERE name = '{top}');"
    );
    sql(world, &statement).await;
    world.sound().await;
}

#[tokio::test]
async fn what_is_too_deep_from_former_times_goes_by_its_number_of_nodes() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    max.put("/files/tram/one-byte", "1").expect(201).await;
    max.mkcol("/files/tram/deep").expect(201).await;
    ancient_chain(&world, "deep", 1500).await;
    max.relocate("/files/tram/deep", "/files/tram/deep2").expect(201).await;
    max.mkcol("/files/tram/d").expect(201).await;
    refused(&max.relocate("/files/tram/deep2", "/files/tram/d/deep").expect(403).await);
    // Out of the deep it comes, in parts.
    let part = format!("/files/tram/deep2{}", "/c".repeat(90));
    max.relocate(&part, "/files/tram/part").expect(201).await;
    sql(&world, "UPDATE home SET brake_percent = 100").await;
    for name in ["deep2", "part"] {
        max.delete(&format!("/files/tram/{name}")).expect(204).await;
        let begun = std::time::Instant::now();
        let purge = lea.delete(&format!("/trash/tram/{name}"));
        let others = async {
            let mut slowest = std::time::Duration::ZERO;
            for number in 0..20 {
                let begun = std::time::Instant::now();
                max.put("/files/max/x", &number.to_string()).send().await;
                slowest = slowest.max(begun.elapsed());
            }
            slowest
        };
        let (_, slowest) = tokio::join!(purge.expect(204), others);
        assert!(begun.elapsed().as_secs() < 60 && slowest.as_secs() < 8, "{:?}, others {slowest:?}", begun.elapsed());
        world.sound().await;
    }
    assert_eq!(max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 3);
}

#[tokio::test]
async fn a_purge_that_was_cut_off_is_finished_by_the_job() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    for path in ["d", "d/e", "d/e/f", "d/g", "d/h"] {
        max.mkcol(&format!("/files/tram/{path}")).expect(201).await;
        max.put(&format!("/files/tram/{path}/x"), path).expect(201).await;
    }
    max.delete("/files/tram/d/h").expect(204).await;
    let then = moment().await;
    max.delete("/files/tram/d").expect(204).await;
    // As far as the request comes in one small change; then the power fails.
    let admitted = world.tree.write(&purging(&world, "lea", "/trash/tram/d").await).await.unwrap();
    let mut admitted = admitted;
    assert!(admitted.purge().await.unwrap().is_some());
    admitted.commit().await.unwrap();
    world.sound().await;
    let trash = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(trash, ["/trash/tram/", "/trash/tram/h/"]);
    max.propfind(&format!("/history/tram/{then}/d/"), "0", "<D:getetag/>").expect(404).await;
    // Rewinding does not bring back what is on its way out.
    let update =
        format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/</D:href></D:version></D:update>");
    max.ask("UPDATE", "/files/tram/").body(&update).expect(207).await;
    assert!(world.tree.maintain(beffroi::model::id::now()).await.unwrap().purged >= 8);
    world.sound().await;
    // What was deleted out of it before stays.
    max.relocate("/trash/tram/h", "/files/tram/h").expect(201).await;
    assert_eq!(max.get("/files/tram/h/x").expect(200).await.text(), "d/h");
    max.delete("/files/tram/h").expect(204).await;
    lea.delete("/trash/tram/h").expect(204).await;
    world.sound().await;
}

async fn purging(world: &World, who: &str, path: &str) -> Request {
    let owner = world.tree.owner(who).await.unwrap();
    Request::of(Method::Delete, Path::parse(path).unwrap(), owner)
}
