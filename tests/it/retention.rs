//! What is kept: lapsed sessions, litter, retention, and the check that finds a flipped bit anywhere.

use beffroi::model::id::now;
use beffroi::model::version::{Retention, Thinning};

use super::kit::World;
use super::versions::versions;

const DAY: i64 = 86_400;

/// Runs a statement on the database, past the server.
pub async fn sql(world: &World, statement: &str) {
    use sqlx::Connection as _;
    let file = format!("sqlite:{}", world.data.path().join("beffroi.sqlite").display());
    let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
}

/// What a statement that counts finds in the database, past the server.
pub async fn count(world: &World, statement: &str) -> i64 {
    use sqlx::Connection as _;
    let file = format!("sqlite:{}", world.data.path().join("beffroi.sqlite").display());
    let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).fetch_one(&mut connection).await.unwrap()
}

/// Makes all that stands two hours old: only what has stood for an hour counts for the brake.
pub async fn age_nodes(world: &World) {
    sql(world, "UPDATE node SET created_at = created_at - 7200").await;
}

#[tokio::test]
async fn a_lapsed_session_is_a_version() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = "/files/tram/a.txt";
    max.put(path, "one").expect(201).await;
    let token = max.locked(path, "exclusive", "0").await;
    max.put(path, "two").token(&token).expect(204).await;
    max.put("/files/tram/empty.txt", "").expect(201).await;
    // A day later the lock is gone; nobody took it off.
    sql(&world, "UPDATE lock SET expires_at = 1").await;
    assert_eq!(world.tree.maintain(now() + 1000).await.unwrap().sealed, 2);
    assert_eq!(versions(&max, path).await, ["1", "2"]);
    assert_eq!(versions(&max, "/files/tram/empty.txt").await, ["1"]);
    // The next writer finds it sealed in any case.
    let token = max.locked(path, "exclusive", "0").await;
    max.put(path, "three").token(&token).expect(204).await;
    sql(&world, "UPDATE lock SET expires_at = 1").await;
    mia.put(path, "four").expect(204).await;
    assert_eq!(versions(&max, path).await, ["1", "2", "3", "4"]);
    world.sound().await;
}

#[tokio::test]
async fn what_vanished_clients_leave_is_cleared_away() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "a").expect(201).await;
    max.put("/files/tram/~$a.txt", "owner").expect(201).await;
    max.put("/files/tram/.DS_Store", "finder").expect(201).await;
    max.mkcol("/files/tram/.sb-1").expect(201).await;
    max.put("/files/tram/.sb-1/part", "half").expect(201).await;
    max.mkcol("/files/tram/.sb-3").expect(201).await;
    max.mkcol("/files/tram/.sb-2").expect(201).await;
    max.put("/files/tram/b.txt", "only copy").expect(201).await;
    max.relocate("/files/tram/b.txt", "/files/tram/.sb-2/b.txt").expect(201).await;
    max.locked("/files/tram/never written.txt".replace(' ', "%20").as_str(), "exclusive", "0").await;
    max.locked("/files/tram/X.tmp", "exclusive", "0").await;
    let token = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    assert_eq!(world.tree.maintain(now() + 3600).await.unwrap().cleared, 0);
    sql(&world, "UPDATE lock SET expires_at = 1").await;
    let done = world.tree.maintain(now() + DAY + 60).await.unwrap();
    assert_eq!(done.cleared, 5, "{done:?}");
    let left = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(left, ["/files/tram/", "/files/tram/.sb-1/", "/files/tram/.sb-2/", "/files/tram/a.txt"]);
    // A document is one wherever it stands.
    assert_eq!(max.get("/files/tram/.sb-1/part").expect(200).await.text(), "half");
    assert_eq!(max.get("/files/tram/.sb-2/b.txt").expect(200).await.text(), "only copy");
    let listed = max.sync("/files/tram/", &token, "1", "").expect(207).await.statuses();
    assert!(listed.contains(&("/files/tram/~$a.txt".to_owned(), 404)), "{listed:?}");
    // What was cleared away lies in the trash like the rest.
    assert_eq!(max.get("/trash/tram/~$a.txt").expect(200).await.text(), "owner");
    let listed = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(listed, ["/trash/tram/", "/trash/tram/.DS_Store", "/trash/tram/.sb-3/", "/trash/tram/~$a.txt"]);
    world.tree.maintain(now() + 3 * DAY).await.unwrap();
    assert_eq!(max.get("/trash/tram/~$a.txt").expect(200).await.text(), "owner");
    world.sound().await;
    // And goes with it.
    assert!(world.tree.maintain(now() + 100 * DAY).await.unwrap().purged >= 5);
    assert_eq!(max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
    world.sound().await;
}

#[tokio::test]
async fn versions_and_trash_are_kept_as_the_project_says() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/files/tram/a.txt";
    for number in 1..=9 {
        max.put(path, &format!("{number}")).send().await;
    }
    max.put("/files/tram/gone.txt", "g").expect(201).await;
    max.delete("/files/tram/gone.txt").expect(204).await;
    let history = max.propfind(path, "0", "<D:version-history/>").expect(207).await;
    let history = history.property("version-history").unwrap().dav("href").unwrap().text();
    max.proppatch(
        &format!("{history}3"),
        "<D:set><D:prop><B:kept xmlns:B=\"urn:beffroi:\">1</B:kept></D:prop></D:set>",
    )
    .expect(207)
    .await;
    let token = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    // Everything stays by default.
    world.tree.maintain(now() + 80 * DAY).await.unwrap();
    assert_eq!(versions(&max, path).await.len(), 9);
    let kept =
        Retention { versions_days: Some(10), every: Thinning::Month, trash_days: 30, sync_days: 20, brake_percent: 50 };
    world.tree.set_retention("tram", &kept).await.unwrap();
    let done = world.tree.maintain(now() + 25 * DAY).await.unwrap();
    assert_eq!((done.thinned, done.purged), (7, 0));
    assert_eq!(versions(&max, path).await, ["3", "9"]);
    assert_eq!(max.get(&format!("{history}3")).expect(200).await.text(), "3");
    let done = world.tree.maintain(now() + 31 * DAY).await.unwrap();
    assert_eq!((done.thinned, done.purged), (0, 1));
    assert_eq!(max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
    // Whoever synchronized before what is forgotten begins anew.
    max.put(path, "10").expect(204).await;
    world.tree.maintain(now() + 62 * DAY).await.unwrap();
    max.sync("/files/tram/", &token, "1", "").expect(403).await;
    world.sound().await;
}

#[tokio::test]
async fn the_check_names_what_was_changed() {
    let large = vec![7u8; 200_000];
    for (what, statement) in [
        ("size of a version", "UPDATE past SET size = size + 1 WHERE version = 1"),
        ("author of a version", "UPDATE past SET author_id = author_id + 1 WHERE version = 1"),
        ("time of a version", "UPDATE past SET written_at = written_at - 1 WHERE version = 1"),
        ("number of a version", "UPDATE past SET version = version + 256 WHERE version = 1"),
        (
            "hash of a version",
            "UPDATE past SET hash = CASE SUBSTR(hash, 1, 1) WHEN 'f' THEN 'e' ELSE 'f' END || SUBSTR(hash, 2) WHERE \
             version = 1",
        ),
        ("present author", "UPDATE node SET author_id = author_id + 1 WHERE name = 'a.txt'"),
        ("present size", "UPDATE node SET size = size + 4 WHERE name = 'a.txt'"),
        (
            "present hash",
            "UPDATE node SET hash = CASE SUBSTR(hash, 1, 1) WHEN 'f' THEN 'e' ELSE 'f' END || SUBSTR(hash, 2) WHERE \
             name = 'a.txt'",
        ),
        ("name", "UPDATE node SET name = 'b.txt' WHERE name = 'a.txt'"),
        ("former name", "UPDATE past SET match_name = 'b.txt' WHERE version = 1"),
        ("small body", "UPDATE body SET data = CAST('onE' AS BLOB) WHERE data = CAST('one' AS BLOB)"),
        (
            "link",
            "UPDATE chain SET chain = CASE SUBSTR(chain, 1, 1) WHEN 'f' THEN 'e' ELSE 'f' END || SUBSTR(chain, 2) \
             WHERE version = 1",
        ),
        (
            "leaf",
            "UPDATE chain SET leaf = CASE SUBSTR(leaf, 1, 1) WHEN 'f' THEN 'e' ELSE 'f' END || SUBSTR(leaf, 2) WHERE \
             version = 1",
        ),
        ("lost link", "DELETE FROM chain WHERE version = 2"),
        ("order of states", "UPDATE past SET to_seq = to_seq + 64 WHERE version = 1"),
        ("number of documents", "UPDATE node SET documents = documents + 1 WHERE kind = 'documents'"),
    ] {
        let world = World::new().await;
        let max = world.client("max");
        max.put("/files/tram/a.txt", "one").expect(201).await;
        max.put("/files/tram/a.txt", "two").expect(204).await;
        max.put("/files/tram/large", &large).expect(201).await;
        world.sound().await;
        sql(&world, statement).await;
        let report = world.tree.check(|_| {}).await.unwrap();
        assert!(!report.damage.is_empty(), "{what}");
        let named = report.damage.iter().any(|damage| damage.at.contains("a.txt") || damage.at.contains("b.txt"));
        assert!(named || what == "number of documents", "{what}: {:?}", report.damage);
    }
    let world = World::new().await;
    world.client("max").put("/files/tram/a.txt", "one").expect(201).await;
    sql(&world, "INSERT INTO chain SELECT home_id, place + 1, node_id, version, leaf, chain FROM chain").await;
    let report = world.tree.check(|_| {}).await.unwrap();
    let twice =
        report.damage.iter().find(|damage| damage.what == "a version is in the chain of its home more than once");
    assert!(twice.is_some_and(|damage| damage.at.starts_with("a.txt, version 1")), "{:?}", report.damage);
    let world = World::new().await;
    world.client("max").put("/files/tram/large", &large).expect(201).await;
    let bodies = world.data.path().join("bodies");
    for folder in std::fs::read_dir(bodies).unwrap().filter(|f| f.as_ref().unwrap().file_name() != "staging") {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[100_000] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let report = world.tree.check(|_| {}).await.unwrap();
    assert!(report.damage.iter().any(|damage| damage.at.contains("large, version 1")), "{:?}", report.damage);
}

#[tokio::test]
async fn a_home_thins_what_stands_in_it_now() {
    let world = World::new().await;
    let max = world.client("max");
    for number in 1..=4 {
        max.put("/files/tram/a.txt", &format!("{number}")).send().await;
    }
    for number in 1..=3 {
        max.put("/files/tram/named.txt", &format!("{number}")).send().await;
        max.relocate("/files/tram/named.txt", &format!("/files/tram/named{number}.txt")).expect(201).await;
        max.relocate(&format!("/files/tram/named{number}.txt"), "/files/tram/named.txt").expect(201).await;
    }
    max.relocate("/files/tram/a.txt", "/files/max/a.txt").expect(201).await;
    max.put("/files/max/a.txt", "5").expect(204).await;
    let kept =
        Retention { versions_days: Some(10), every: Thinning::Month, trash_days: 30, sync_days: 10, brake_percent: 50 };
    world.tree.set_retention("tram", &kept).await.unwrap();
    world.tree.maintain(now() + 25 * DAY).await.unwrap();
    assert_eq!(versions(&max, "/files/max/a.txt").await.len(), 2);
    // Where a name of its own would lose its only version, that stays.
    assert_eq!(versions(&max, "/files/tram/named.txt").await.len(), 3);
    world.sound().await;
}

#[tokio::test]
async fn the_check_sees_a_version_that_lost_its_seal() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "one").expect(201).await;
    max.put("/files/tram/a.txt", "two").expect(204).await;
    world.sound().await;
    sql(&world, "UPDATE past SET sealed = 0 WHERE version = 1").await;
    let report = world.tree.check(|_| {}).await.unwrap();
    assert!(report.damage.iter().any(|damage| damage.at.contains("a.txt")), "{:?}", report.damage);
}

/// Large bodies on disk, each with its name.
fn large_bodies(world: &World) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(world.data.path().join("bodies")).unwrap().map(|folder| folder.unwrap().path());
    let folders = folders.filter(|folder| !folder.ends_with("staging"));
    folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path())).collect()
}

/// Makes all bodies as old as those that are swept when nothing names them.
async fn age(world: &World) {
    sql(world, "UPDATE body SET stored_at = 1").await;
    for file in large_bodies(world) {
        std::fs::File::open(file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
}

#[tokio::test]
async fn only_bodies_that_nothing_names_are_swept() {
    let world = World::new().await;
    let max = world.client("max");
    let large = |letter: u8| vec![letter; 200_000];
    let token = max.locked("/files/tram/draft.txt", "exclusive", "0").await;
    let big = max.locked("/files/tram/draft.bin", "exclusive", "0").await;
    for letter in [b'a', b'b', b'c'] {
        // Each refines the draft before: its body has no name any more.
        max.put("/files/tram/draft.txt", &[letter; 10]).token(&token).expect(204).await;
        max.put("/files/tram/draft.bin", &large(letter)).token(&big).expect(204).await;
    }
    // A former version and a document in the trash name their bodies.
    for content in ["one", "two"] {
        max.put("/files/tram/kept.txt", content).send().await;
    }
    max.put("/files/tram/gone.bin", &large(b'g')).expect(201).await;
    max.delete("/files/tram/gone.bin").expect(204).await;
    assert_eq!(world.tree.sweep().await.unwrap(), 0, "what is young stays");
    age(&world).await;
    // What is stored anew is as young as any other, although nothing named it for so long, or does again.
    for letter in [b'a', b'c'] {
        max.put("/files/tram/draft.txt", &[letter; 10]).token(&token).expect(204).await;
        max.put("/files/tram/draft.bin", &large(letter)).token(&big).expect(204).await;
    }
    // Both bodies of the letter b, and the empty one that a lock began with.
    assert_eq!(world.tree.sweep().await.unwrap(), 3);
    assert_eq!(large_bodies(&world).len(), 3);
    age(&world).await;
    assert_eq!(world.tree.sweep().await.unwrap(), 2);
    world.sound().await;
    assert_eq!(max.get("/files/tram/draft.bin").expect(200).await.body, large(b'c'));
    assert_eq!(max.get("/files/tram/draft.txt").expect(200).await.text(), "cccccccccc");
    assert_eq!(world.tree.sweep().await.unwrap(), 0);
}
