//! What is put right of older versions when the store is opened: what a MOVE took out of the home where it was made
//! goes back there, and calendar objects are read anew.

use beffroi::model::id::now;
use beffroi::model::room::Room;
use beffroi::tree::Tree;

use super::inbox::{deliver, item};
use super::kit::{Client, World, event};
use super::ownership::destroyed;
use super::past::{moment, names};
use super::retention::{count, sql};
use super::versions::versions;

/// A node that stands in a home under a name, and one of its roots or calendars.
async fn standing(world: &World, home: &str, name: &str) -> i64 {
    let sql = format!(
        "SELECT n.id FROM node n JOIN node h ON h.id = n.home_id WHERE h.name = '{home}' AND n.name = '{name}' \
         AND n.gone_at IS NULL"
    );
    count(world, &sql).await
}

/// MOVE to another home as it was: the node goes there with all below it and all that is known of them.
async fn moved_as_before(world: &World, (from, name): (&str, &str), (to, into): (&str, &str)) {
    let (top, parent) = (standing(world, from, name).await, standing(world, to, into).await);
    let home = count(world, &format!("SELECT id FROM node WHERE parent_id = 1 AND name = '{to}'")).await;
    let now = now();
    let held = include_str!("../../schema/0012_held.sql");
    let held = &held[held.find("UPDATE past SET held_bytes").unwrap()..held.find("-- Collections").unwrap()];
    let below = format!(
        "WITH RECURSIVE below(id) AS (SELECT {top} UNION SELECT n.id FROM node n JOIN below b ON n.parent_id = b.id \
         AND n.gone_at IS NULL) SELECT id FROM below"
    );
    let script = format!(
        "BEGIN IMMEDIATE; UPDATE home SET seq = seq + 1;
         CREATE TEMP TABLE going AS {below};
         UPDATE node SET parent_id = (SELECT parent_id FROM node WHERE id = {top}) WHERE gone_at IS NOT NULL AND \
         parent_id IN going;
         INSERT INTO past (node_id, home_id, to_seq, from_seq, parent_id, name, match_name, from_at, to_at, version, \
         sealed,
           author_id, comment, hash, size, content_type, modified_at, written_at, device, kept)
           SELECT n.id, n.home_id, h.seq, n.since_seq, n.parent_id, n.name, n.match_name, n.since_at, {now}, \
           n.version, n.sealed,
           n.author_id, n.comment, n.hash, n.size, n.content_type, n.modified_at, n.written_at, n.device, n.kept
           FROM going g JOIN node n ON n.id = g.id JOIN home h ON h.node_id = n.home_id;
         UPDATE node SET (home_id, owner_id, placed_seq, seq, members_seq, since_seq, placed_at, since_at) =
           (SELECT h.node_id, h.principal_id, h.seq, h.seq, h.seq, h.seq, {now}, {now} FROM home h WHERE h.node_id = \
           {home})
           WHERE id IN going;
         UPDATE node SET parent_id = {parent} WHERE id = {top};
         UPDATE calendar_object SET calendar_id = {parent} WHERE node_id = {top};
         UPDATE node SET members_seq = (SELECT h.seq FROM home h WHERE h.node_id = node.home_id) WHERE hash IS NULL \
         AND parent_id > 0;
         UPDATE node SET (size, documents) = (WITH RECURSIVE below(id) AS (SELECT node.id UNION ALL SELECT k.id FROM \
         node k JOIN below b ON k.parent_id = b.id
           WHERE k.gone_at IS NULL) SELECT COALESCE(SUM(f.size), 0), COUNT(*) FROM below b JOIN node f ON f.id = b.id
           WHERE f.kind IN ('file', 'object')) WHERE kind IN ('folder', 'documents', 'calendar', 'calendars');
         UPDATE past SET held_bytes = 0; {held} COMMIT; DROP TABLE going;"
    );
    sql(world, &script).await;
}

/// The store is brought up to date and opened again.
async fn reopened(world: &World) {
    sql(world, "DROP TABLE returned; DELETE FROM _sqlx_migrations WHERE version = 14").await;
    let tree = Tree::open(world.data.path(), true).await.unwrap();
    assert_eq!(count(world, "SELECT COUNT(*) FROM returned").await, 0);
    tree.close().await;
    world.sound().await;
}

async fn written(client: &Client, path: &str, contents: &[&str]) {
    for content in contents {
        assert!([201, 204].contains(&client.put(path, content).send().await.status), "{path}");
    }
}

/// A home of old gets an inbox, whoever manages a room that of it, and a calendar that bears its name another.
#[tokio::test]
async fn homes_get_inboxes_and_calendars_make_room_for_them() {
    let world = World::new().await;
    let lea = world.client("lea");
    let room = Room { manager: Some("mia".to_owned()), ..Room::default() };
    world.tree.add_room("hall", "Hall", "hall@ville.example", &room).await.unwrap();
    let before = "UPDATE home SET used_bytes = used_bytes - 32; \
                  DELETE FROM ace WHERE node_id IN (SELECT id FROM node WHERE kind = 'inbox'); \
                  DELETE FROM node WHERE kind = 'inbox'; DROP TABLE inbox_item; \
                  DELETE FROM _sqlx_migrations WHERE version = 24";
    sql(&world, before).await;
    for name in ["one", "two"] {
        lea.ask("MKCALENDAR", &format!("/calendars/lea/{name}/")).expect(201).await;
        lea.put(&format!("/calendars/lea/{name}/e.ics"), &event("e", "20260614")).expect(201).await;
    }
    sql(&world, "UPDATE node SET name = 'Inbox', match_name = 'inbox' WHERE name = 'one'").await;
    sql(&world, "UPDATE node SET name = 'outbox', match_name = 'outbox' WHERE name = 'two'").await;
    let tree = Tree::open(world.data.path(), true).await.unwrap();
    tree.close().await;
    world.sound().await;
    let homes = lea.propfind("/calendars/lea/", "1", "<D:getetag/>").expect(207).await.hrefs();
    for (name, expected) in [("Inbox%20(", 1), ("outbox%20(", 1), ("inbox/", 1), ("outbox/", 1)] {
        let found = homes.iter().filter(|href| href.starts_with(&format!("/calendars/lea/{name}"))).count();
        assert_eq!(found, expected, "{name}: {homes:?}");
    }
    let renamed = homes.iter().find(|href| href.contains("Inbox%20(")).unwrap();
    lea.get(&format!("{renamed}e.ics")).expect(200).await;
    world.client("mia").propfind("/calendars/hall/inbox/", "0", "").expect(207).await;
    world.client("max").propfind("/calendars/tram/inbox/", "0", "").expect(207).await;
    assert!(deliver(&world, "lea", "max", "one.ics", item("one", true)).await.unwrap());
    world.sound().await;
}

#[tokio::test]
async fn what_left_a_project_with_its_past_is_the_projects_again() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    for folder in ["D", "D/deep"] {
        lea.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    for document in ["acte.txt", "D/in.txt", "D/deep/deep.txt", "D/left.txt", "D/gone.txt", "D/first.txt"] {
        written(&lea, &format!("/files/tram/{document}"), &["one", "two", "three"]).await;
    }
    lea.put("/calendars/tram/meetings/e.ics", &event("e", "20260614")).expect(201).await;
    let then = moment().await;
    // Out of the folder there went one within the project, one into its trash, one to the other home before the rest.
    lea.relocate("/files/tram/D/left.txt", "/files/tram/left.txt").expect(201).await;
    lea.delete("/files/tram/D/gone.txt").expect(204).await;
    moved_as_before(&world, ("tram", "first.txt"), ("max", "files")).await;
    moved_as_before(&world, ("tram", "acte.txt"), ("max", "files")).await;
    moved_as_before(&world, ("tram", "D"), ("max", "files")).await;
    moved_as_before(&world, ("tram", "e.ics"), ("max", "personal")).await;
    // There they went on; and it was long ago.
    written(&max, "/files/max/acte.txt", &["four", "five"]).await;
    written(&max, "/files/max/D/in.txt", &["four"]).await;
    max.relocate("/files/max/D/deep/", "/files/max/deep/").expect(201).await;
    max.put("/calendars/max/personal/e.ics", &event("e", "20270614")).expect(204).await;
    sql(&world, "UPDATE past SET from_at = from_at - 20000000, to_at = to_at - 20000000 WHERE name = 'e.ics'").await;
    assert_eq!(versions(&max, "/files/max/acte.txt").await, ["1", "2", "3", "4", "5"]);

    reopened(&world).await;
    // Who has them keeps what they have been there, and may do with it as they like.
    assert_eq!(versions(&max, "/files/max/acte.txt").await, ["3", "4", "5"]);
    assert_eq!(max.get("/files/max/deep/deep.txt").expect(200).await.text(), "three");
    destroyed(&max, "max").await;
    world.sound().await;
    world.tree.maintain(now()).await.unwrap();
    world.sound().await;
    // The project has its former days, its trash and its versions.
    for path in ["acte.txt", "D/in.txt", "D/deep/deep.txt", "D/left.txt", "D/gone.txt", "D/first.txt"] {
        assert_eq!(lea.get(&format!("/history/tram/{then}/{path}")).expect(200).await.text(), "three", "{path}");
    }
    assert_eq!(names(&lea, "/trash/tram/").await, ["acte.txt", "D", "e.ics", "first.txt", "gone.txt"]);
    assert_eq!(names(&lea, "/trash/tram/D/").await, ["deep", "in.txt"]);
    lea.relocate("/trash/tram/acte.txt", "/files/tram/acte.txt").expect(201).await;
    lea.relocate("/trash/tram/e.ics", "/calendars/tram/meetings/e.ics").expect(201).await;
    assert!(lea.get("/calendars/tram/meetings/e.ics").expect(200).await.text().contains("20260614"));
    let update =
        format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/</D:href></D:version></D:update>");
    lea.ask("UPDATE", "/files/tram/").body(&update).expect(207).await;
    for path in ["acte.txt", "D/in.txt", "D/deep/deep.txt", "D/left.txt", "D/gone.txt", "D/first.txt"] {
        assert_eq!(versions(&lea, &format!("/files/tram/{path}")).await, ["1", "2", "3"], "{path}");
    }
    written(&lea, "/files/tram/D/in.txt", &["after"]).await;
    world.sound().await;
    lea.delete("/files/tram/D/").expect(204).await;
    lea.delete("/trash/tram/D/").expect(204).await;
    world.sound().await;
}

#[tokio::test]
async fn what_went_from_home_to_home_went_back_to_each() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    lea.mkcol("/files/tram/D").expect(201).await;
    written(&lea, "/files/tram/D/a.txt", &["one", "two"]).await;
    moved_as_before(&world, ("tram", "D"), ("max", "files")).await;
    written(&max, "/files/max/D/a.txt", &["three"]).await;
    moved_as_before(&world, ("max", "D"), ("zoe", "files")).await;
    written(&world.client("zoe"), "/files/zoe/D/a.txt", &["four"]).await;
    moved_as_before(&world, ("zoe", "D"), ("tram", "files")).await;
    // A name that is taken in the trash meanwhile.
    max.mkcol("/files/max/D").expect(201).await;
    max.delete("/files/max/D/").expect(204).await;

    reopened(&world).await;
    assert_eq!(versions(&lea, "/files/tram/D/a.txt").await, ["1", "2", "4"]);
    let found = names(&max, "/trash/max/").await;
    assert!(found.len() == 2 && found.iter().all(|name| name.ends_with('D')), "{found:?}");
    let back = found.iter().find(|name| *name != "D").unwrap().replace(' ', "%20");
    max.relocate(&format!("/trash/max/{back}"), "/files/max/D").expect(201).await;
    assert_eq!(versions(&max, "/files/max/D/a.txt").await, ["2", "3"]);
    let zoe = world.client("zoe");
    zoe.relocate("/trash/zoe/D", "/files/zoe/D").expect(201).await;
    assert_eq!(versions(&zoe, "/files/zoe/D/a.txt").await, ["3", "4"]);
    world.sound().await;
}

#[tokio::test]
async fn what_was_indexed_too_narrowly_is_read_anew() {
    let world = World::new().await;
    let max = world.client("max");
    let long =
        event("long", "20260614").replace("DTSTAMP", "RDATE;VALUE=PERIOD:20260801T080000Z/20260901T080000Z\r\nDTSTAMP");
    max.put("/calendars/max/personal/long.ics", &long).expect(201).await;
    max.put("/calendars/max/personal/short.ics", &event("short", "20260614")).expect(201).await;
    let bounds = "SELECT SUM(first_at % 1000003 + last_at % 1000003) FROM calendar_object";
    let right = count(&world, bounds).await;
    // As the older version had it.
    sql(&world, "UPDATE calendar_object SET last_at = first_at + 100").await;
    sql(&world, "DROP TABLE unread; DELETE FROM _sqlx_migrations WHERE version = 15").await;
    let tree = Tree::open(world.data.path(), true).await.unwrap();
    assert_eq!(count(&world, "SELECT COUNT(*) FROM unread").await, 0);
    tree.close().await;
    assert_eq!(count(&world, bounds).await, right);
    world.sound().await;
}
