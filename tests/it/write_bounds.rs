//! No write holds the others up in proportion to what is stored: long work goes in small changes. Held to by what a
//! change costs the database, which is the same on any machine; with `NODES=50000`, on the tests' output, how long it
//! took.

use beffroi::model::lock::MAX_LOCKS_PER_HOME;
use beffroi::model::path::MAX_SEGMENTS;
use beffroi::model::privilege::Role;

use super::kit::{Client, World};
use super::past::moment;
use super::retention::sql;

/// The most that one change may cost.
const MOST_STATEMENTS: u64 = 2_500;
const MOST_STEPS: u64 = 1_000_000;

fn nodes() -> i64 {
    std::env::var("NODES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// What the changes of a test cost.
struct Costs<'a> {
    world: &'a World,
    beyond: Vec<String>,
}

impl<'a> Costs<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, beyond: Vec::new() }
    }

    async fn measure<T>(&mut self, what: &str, change: impl Future<Output = T>) -> T {
        let _ = self.world.tree.most_held();
        let begun = std::time::Instant::now();
        let done = change.await;
        let held = self.world.tree.most_held();
        let line = format!(
            "{what:42} {:7.1} ms {:7} statements {:9} steps, of {:5.1} s",
            held.time.as_secs_f64() * 1e3,
            held.statements,
            held.steps,
            begun.elapsed().as_secs_f64()
        );
        eprintln!("{line}");
        if held.statements > MOST_STATEMENTS || held.steps > MOST_STEPS {
            self.beyond.push(line);
        }
        done
    }
}

impl Drop for Costs<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.beyond.is_empty(), "{:#?}", self.beyond);
        }
    }
}

/// Plants below a folder of `tram` so many nodes, four documents a folder, none deeper than a few levels. What they are
/// all like is the document `seed` at the top.
async fn plant(world: &World, top: &str, first: i64, nodes: i64) {
    let folders = nodes / 5;
    let columns = "home_id, owner_id, placed_seq, placed_at, seq, members_seq, since_seq, since_at, created_at, \
                   modified_at, sealed";
    let of = |node: &str| columns.split(", ").map(|column| format!("{node}.{column}")).collect::<Vec<_>>().join(", ");
    sql(
        world,
        &format!(
            "INSERT INTO node (id, parent_id, name, match_name, kind, version, size, {columns}) \
             WITH RECURSIVE f(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM f WHERE n + 1 < {folders}) \
             SELECT {first} + f.n, CASE WHEN f.n < 50 THEN t.id ELSE {first} + f.n / 50 - 1 END, 'f' || f.n, 'f' || \
             f.n, 'folder', \
             0, 0, {} FROM f JOIN node t ON t.name = '{top}'; \
             INSERT INTO node (id, parent_id, name, match_name, kind, version, size, hash, content_type, author_id, \
             written_at, {columns}) \
             SELECT n.id + (d.n + 1) * {nodes}, n.id, 'd' || d.n, 'd' || d.n, 'file', 1, s.size, s.hash, \
             s.content_type, s.author_id, \
             s.written_at, {} FROM node n JOIN node s ON s.name = 'seed' \
             JOIN (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3) d WHERE n.id >= {first} AND n.id < \
             {first} + {folders}; \
             UPDATE home SET used_bytes = used_bytes + {folders} * (5 * 32 + 4 * (SELECT size FROM node WHERE name = \
             'seed')) \
             WHERE node_id = (SELECT home_id FROM node WHERE name = '{top}')",
            of("t"),
            of("n")
        ),
    )
    .await;
    let below = "COALESCE((SELECT SUM(CASE k.kind WHEN 'file' THEN 1 ELSE k.documents END) FROM node k WHERE \
                 k.parent_id = node.id \
                 AND k.gone_at IS NULL), 0)";
    let bytes = below.replace("CASE k.kind WHEN 'file' THEN 1 ELSE k.documents END", "k.size");
    for which in [format!("id >= {first} AND id < {first} + {folders}"), "name = 'files'".to_owned()] {
        let which = format!("({which} OR name = '{top}') AND kind IN ('folder', 'documents')");
        for _ in 0..5 {
            sql(world, &format!("UPDATE node SET documents = {below}, size = {bytes} WHERE {which}")).await;
        }
    }
}

/// The documents that were planted.
fn planted(first: i64, nodes: i64) -> String {
    format!("id >= {first} AND id < {first} + 5 * {nodes} AND kind = 'file'")
}

/// A world without a brake, in which there is a seed.
async fn world() -> (World, Client) {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/seed", "the seed").expect(201).await;
    sql(&world, "UPDATE home SET brake_percent = 100").await;
    (world, max)
}

/// Nothing is damaged, but that the planted are in no chain.
async fn sound(world: &World) {
    let mut damage = world.tree.check(|_| {}).await.unwrap().damage;
    damage.retain(|damage| damage.what != "a version is not in the chain of its home");
    assert!(damage.is_empty(), "{} as {:?}", damage.len(), damage.first());
}

fn update(then: &str, path: &str) -> String {
    format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/{path}</D:href></D:version></D:update>")
}

#[tokio::test]
async fn what_is_done_to_a_tree() {
    let (world, max) = world().await;
    max.mkcol("/files/tram/large").expect(201).await;
    plant(&world, "large", 1 << 32, nodes() / 4).await;
    sound(&world).await;
    for path in ["/files/tram/a", "/files/max/a"] {
        max.mkcol(path).expect(201).await;
    }
    let mut costs = Costs::of(&world);
    costs.measure("COPY", max.copy("/files/tram/large", "/files/tram/copy").expect(201)).await;
    costs.measure("MOVE deeper", max.relocate("/files/tram/copy", "/files/tram/a/copy").expect(201)).await;
    costs
        .measure("the end of a project's roles", async {
            world.tree.add_project("other", "Other", None).await.unwrap();
            world.tree.grant("/files/tram/a", "rita", Role::Member, None).await.unwrap();
            world.tree.close_project("other").await.unwrap();
        })
        .await;
    costs.measure("MOVE to another home", max.relocate("/files/tram/a/copy", "/files/max/copy").expect(201)).await;
    costs.measure("DELETE", max.delete("/files/max/copy").expect(204)).await;
    costs.measure("restoring deeper", max.relocate("/trash/max/copy", "/files/max/a/copy").expect(201)).await;
    max.delete("/files/max/a/copy").expect(204).await;
    costs.measure("purge", max.delete("/trash/max/copy").expect(204)).await;
    world.tree.grant("/files/tram/a", "zoe", Role::Lead, None).await.unwrap();
    let zoe = world.client("zoe");
    max.relocate("/files/tram/large", "/files/tram/a/large").expect(201).await;
    zoe.delete("/files/tram/a/large").expect(204).await;
    costs.measure("purge by who leads a part", zoe.delete("/trash/tram/large").expect(403)).await;
    max.relocate("/trash/tram/large", "/files/tram/large").expect(201).await;
    sound(&world).await;
    // Of these it is found out how much of it had stood for an hour.
    sql(&world, "UPDATE home SET brake_percent = 50").await;
    max.relocate("/files/tram/large", "/files/tram/a/large").expect(201).await;
    max.delete("/files/tram/a").expect(204).await;
    costs.measure("DELETE after a large one", max.delete("/files/tram/seed").send()).await;
    // What programs left about, in a folder that they left about.
    max.mkcol("/files/max/.sb-1").expect(201).await;
    plant(&world, ".sb-1", 1 << 40, nodes()).await;
    sql(&world, &format!("UPDATE node SET litter = 1 WHERE {}", planted(1 << 40, nodes()))).await;
    costs.measure("DELETE of litter", max.delete("/files/max/.sb-1").expect(204)).await;
}

/// Of the four documents of each folder one was overwritten, one deleted, and there is one more.
async fn spoil(world: &World, first: i64, nodes: i64) {
    let seq = "(SELECT h.seq FROM home h WHERE h.node_id = node.home_id)";
    let ended = |which: i64| {
        format!(
            "INSERT INTO past (node_id, home_id, to_seq, from_seq, parent_id, name, match_name, from_at, to_at, \
             version, sealed, \
             author_id, hash, size, content_type, modified_at, written_at, held_bytes) SELECT id, home_id, {seq}, \
             since_seq, parent_id, name, \
             match_name, since_at, strftime('%s', 'now'), 1, 1, author_id, hash, size, content_type, modified_at, \
             written_at, \
             CASE {which} WHEN 0 THEN size + 32 ELSE 0 END FROM node WHERE {};",
            those(first, nodes, which)
        )
    };
    sql(
        world,
        &format!(
            "UPDATE home SET seq = seq + 1; {} {} UPDATE node SET since_seq = {seq}, since_at = strftime('%s', 'now'), \
             version = 2, \
             hash = 'other', seq = {seq} WHERE {}; UPDATE node SET gone_at = strftime('%s', 'now'), name = id, \
             match_name = id, \
             seq = {seq} WHERE {}; UPDATE node SET name = 'new', match_name = 'new', placed_seq = {seq}, since_seq = \
             {seq}, \
             since_at = strftime('%s', 'now') WHERE {};",
            ended(0),
            ended(1),
            those(first, nodes, 0),
            those(first, nodes, 1),
            those(first, nodes, 2)
        ),
    )
    .await;
}

/// The one document of each folder that was planted as the one of a number.
fn those(first: i64, nodes: i64, number: i64) -> String {
    let from = first + (number + 1) * nodes;
    format!("id >= {from} AND id < {from} + {nodes} / 5")
}

#[tokio::test]
async fn a_rewind() {
    let (world, max) = world().await;
    max.mkcol("/files/tram/large").expect(201).await;
    let first = 1 << 32;
    plant(&world, "large", first, nodes() / 4).await;
    let then = moment().await;
    spoil(&world, first, nodes() / 4).await;
    let body = update(&then, "large/");
    let mut costs = Costs::of(&world);
    costs.measure("rewind", max.ask("UPDATE", "/files/tram/large/").body(&body).expect(207)).await;
    costs.measure("rewind of what is as it was", max.ask("UPDATE", "/files/tram/large/").body(&body).expect(207)).await;
    costs
        .measure("rewind that brings back all", async {
            max.delete("/files/tram/large").expect(204).await;
            max.mkcol("/files/tram/large").expect(201).await;
            max.ask("UPDATE", "/files/tram/").body(&update(&then, "")).expect(207).await;
        })
        .await;
}

#[tokio::test]
async fn what_is_asked_of_many_folders() {
    let (world, max) = world().await;
    for path in ["/files/tram/large", "/files/tram/a", "/files/tram/a/b"] {
        max.mkcol(path).expect(201).await;
    }
    plant(&world, "large", 1 << 32, 5 * nodes()).await;
    sql(&world, &format!("DELETE FROM node WHERE {}", planted(1 << 32, 5 * nodes()))).await;
    let mut costs = Costs::of(&world);
    costs.measure("MOVE deeper", max.relocate("/files/tram/large", "/files/tram/a/large").expect(201)).await;
    max.delete("/files/tram/a/large").expect(204).await;
    costs.measure("restoring deeper", max.relocate("/trash/tram/large", "/files/tram/a/b/large").expect(201)).await;
    // One level more than an address can have.
    let mut deep = "/files/tram/a".to_owned();
    while deep.matches('/').count() < MAX_SEGMENTS - 2 {
        deep.push_str("/c");
        max.mkcol(&deep).expect(201).await;
    }
    costs.measure("MOVE too deep", max.relocate("/files/tram/a/b/large", &format!("{deep}/large")).expect(403)).await;
}

/// A row of dead properties of half a megabyte is as much as hundreds of nodes.
#[tokio::test]
async fn what_is_said_of_documents() {
    let (world, max) = world().await;
    max.mkcol("/files/tram/large").expect(201).await;
    plant(&world, "large", 1 << 32, 1_000).await;
    let said = "INSERT INTO property (node_id, principal_id, namespace, name, xml) SELECT id, 0, 'urn:x', 'p', \
                '<p xmlns=\"urn:x\">' || hex(zeroblob(250000)) || '</p>' FROM node WHERE";
    let some = format!("{said} {} LIMIT 100", planted(1 << 32, 1_000));
    sql(&world, &some).await;
    sql(
        &world,
        "UPDATE home SET used_bytes = used_bytes + (SELECT SUM(OCTET_LENGTH(namespace) + OCTET_LENGTH(name) + \
                 OCTET_LENGTH(xml)) \
                 FROM property) WHERE node_id = (SELECT home_id FROM node WHERE name = 'large')",
    )
    .await;
    sound(&world).await;
    let mut costs = Costs::of(&world);
    costs.measure("COPY of much that is said", max.copy("/files/tram/large", "/files/tram/copy").expect(201)).await;
    assert_eq!(super::retention::count(&world, "SELECT COUNT(*) FROM property").await, 200);
    max.delete("/files/tram/copy").expect(204).await;
    costs.measure("purge of much that is said", world.client("lea").delete("/trash/tram/copy").expect(204)).await;
    sound(&world).await;
}

#[tokio::test]
async fn what_is_let_go_in_time() {
    use beffroi::model::id::now;
    let (world, max) = world().await;
    let maintain = async || world.tree.maintain(now()).await.unwrap();
    let mut costs = Costs::of(&world);
    let first = 1 << 32;
    max.mkcol("/files/tram/large").expect(201).await;
    plant(&world, "large", first, nodes()).await;
    let all = planted(first, nodes());
    sql(
        &world,
        &format!("UPDATE node SET litter = 1, hidden = 1, gone_at = strftime('%s', 'now') - 90000 WHERE {all}"),
    )
    .await;
    costs.measure("content of litter", maintain()).await;
    sql(&world, &format!("UPDATE node SET gone_at = 1 WHERE {all}")).await;
    costs.measure("litter", maintain()).await;
    max.mkcol("/files/tram/trashed").expect(201).await;
    plant(&world, "trashed", 1 << 40, nodes()).await;
    let all = planted(1 << 40, nodes());
    sql(&world, &format!("UPDATE node SET gone_at = 1, name = id, match_name = id WHERE {all}")).await;
    costs.measure("trash of many entries", maintain()).await;
    sql(
        &world,
        &format!(
            "INSERT INTO past (node_id, home_id, to_seq, from_seq, parent_id, name, match_name, from_at, to_at, \
             version, sealed, hash, size, \
             modified_at) WITH RECURSIVE v(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < {0}) SELECT id, \
             home_id, v.n - {0}, \
             v.n - {0} - 1, parent_id, name, match_name, 60 * v.n, 60 * v.n + 60, v.n, 1, hash, size, modified_at FROM \
             v JOIN node ON name = 'seed'; \
             UPDATE node SET version = {0} + 1 WHERE name = 'seed'; UPDATE home SET versions_days = 1",
            nodes()
        ),
    )
    .await;
    max.copy("/files/tram/seed", "/files/tram/other").expect(201).await;
    costs.measure("DELETE of many versions", max.delete("/files/tram/seed").expect(204)).await;
    sql(&world, "UPDATE past SET to_at = to_at - 1000; UPDATE node SET gone_at = gone_at - 1000 WHERE name = 'seed'")
        .await;
    costs.measure("PUT where they were", max.put("/files/tram/seed", "new").expect(201)).await;
    max.delete("/files/tram/seed").expect(204).await;
    costs.measure("restoring them", max.relocate("/trash/tram/seed", "/files/tram/seed").expect(201)).await;
    costs.measure("thinning", maintain()).await;
    sql(&world, "UPDATE home SET versions_days = NULL").await;
    sql(
        &world,
        &format!(
            "INSERT INTO past (node_id, home_id, to_seq, from_seq, parent_id, name, match_name, from_at, to_at, \
             version, sealed, hash, size, \
             modified_at) WITH RECURSIVE v(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < {0}) SELECT id, \
             home_id, v.n - {0}, \
             v.n - {0} - 1, parent_id, name, match_name, 60 * v.n, 60 * v.n + 60, v.n, 1, hash, size, modified_at FROM \
             v JOIN node ON name = 'other'",
            nodes()
        ),
    )
    .await;
    max.delete("/files/tram/other").expect(204).await;
    costs.measure("purge of many versions", world.client("lea").delete("/trash/tram/other").expect(204)).await;
    sql(
        &world,
        &format!(
            "INSERT INTO body (hash, stored_at, data) WITH RECURSIVE v(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v \
             WHERE n < {}) \
             SELECT printf('%064x', v.n * 7919), 1, zeroblob(60000) FROM v",
            nodes().min(1_500)
        ),
    )
    .await;
    costs.measure("sweep", async { world.tree.sweep().await.unwrap() }).await;
}

#[tokio::test]
async fn what_is_locked() {
    let (world, max) = world().await;
    let mut costs = Costs::of(&world);
    let first = 1 << 32;
    max.mkcol("/files/tram/large").expect(201).await;
    let number = nodes().min(25_000);
    plant(&world, "large", first, number).await;
    let all = planted(first, number);
    let locks = |expires_at: &str| {
        format!(
            "INSERT INTO lock (token, node_id, home_id, principal_id, deep, shared, owner_xml, timeout_s, expires_at) \
             SELECT 'urn:x:' || id, id, \
             home_id, author_id, 0, 0, '', 600, {expires_at} FROM node WHERE {all} LIMIT {MAX_LOCKS_PER_HOME}"
        )
    };
    sql(&world, &locks("strftime('%s', 'now') + 600")).await;
    costs
        .measure("a grant where much is locked", async {
            world.tree.add_member("tram", "zoe", Role::Member, None).await.unwrap()
        })
        .await;
    costs.measure("a refused MOVE", max.relocate("/files/tram/large", "/files/tram/moved").expect(423)).await;
    costs.measure("the end of a person's locks", async { world.tree.set_disabled("max", true).await.unwrap() }).await;
    world.tree.set_disabled("max", false).await.unwrap();
    sql(&world, &locks("1")).await;
    costs.measure("LOCK where much has lapsed", max.lock("/files/tram/seed", "exclusive", "0").expect(200)).await;
    sql(&world, "DELETE FROM lock").await;
    sql(&world, &locks("strftime('%s', 'now') - 60")).await;
    costs.measure("DELETE of what was locked", max.delete("/files/tram/large").expect(204)).await;
    max.relocate("/trash/tram/large", "/files/tram/large").expect(201).await;
    let token = max.locked("/files/tram/large", "exclusive", "infinity").await;
    let drafts = format!("sealed = 0, draft = '{token}' WHERE {all}");
    sql(&world, &format!("UPDATE node SET {drafts}")).await;
    let unlock = max.unlock_at("/files/tram/large").header("Lock-Token", &format!("<{token}>"));
    costs.measure("UNLOCK of many drafts", unlock.expect(204)).await;
    costs
        .measure("their sealing", async { world.tree.maintain(beffroi::model::id::now() + 3_600).await.unwrap() })
        .await;
}
