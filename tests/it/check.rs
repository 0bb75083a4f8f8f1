//! The check finds any damage, whichever value of whichever column it is, and comes to its end.

use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::now;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::tree::administration::devices::NewDevice;

use super::damaged::spoil;
use super::inbox::{deliver, item};
use super::kit::{World, event};

const CALENDAR: &str = "/calendars/tram/meetings";
/// A device of which all is kept that can be.
const DIGEST: NewDevice<'static> = NewDevice { scope: DeviceScope::All, project: Some("tram"), digest: true };

/// An event with an alarm, which is the own of who stores it in a calendar of others.
fn ringing(uid: &str) -> String {
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    event(uid, "20260314").replace("END:VEVENT", &format!("{alarm}END:VEVENT"))
}

/// Whatever value of whatever table is of another type than it may be, the check ends, and says so.
#[tokio::test]
async fn the_check_names_every_value_of_another_type() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "one").expect(201).await;
    max.put("/files/tram/a.txt", "two").expect(204).await;
    max.proppatch("/files/tram/a.txt", "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>").expect(207).await;
    max.locked("/files/tram/a.txt", "exclusive", "0").await;
    max.put(&format!("{CALENDAR}/a.ics"), &ringing("a")).expect(201).await;
    world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, None).await.unwrap();
    world.tree.add_freebusy("mairie", Some(now() + 3600)).await.unwrap();
    world.tree.add_device("max", "office", DIGEST, false, None).await.unwrap();
    let mut c = world.database().await;
    let columns = "SELECT m.name, i.name, i.type FROM sqlite_master m JOIN pragma_table_info(m.name) i \
                   WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\'";
    let columns: Vec<(String, String, String)> = sqlx::query_as(columns).fetch_all(&mut c).await.unwrap();
    let mut seen = 0;
    for (table, column, kind) in columns {
        for value in if kind == "BYTEA" { ["'x'", "7"] } else { ["x'00ff'", "x'41'"] } {
            let row: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT rowid FROM {table} LIMIT 1")))
                .fetch_optional(&mut c)
                .await
                .unwrap();
            let Some((row,)) = row else { continue };
            seen += 1;
            sqlx::query("DROP TABLE IF EXISTS temp.kept").execute(&mut c).await.unwrap();
            let keep = format!("CREATE TEMP TABLE kept AS SELECT {column} AS value FROM {table} WHERE rowid = {row}");
            sqlx::query(sqlx::AssertSqlSafe(keep)).execute(&mut c).await.unwrap();
            spoil(&mut c, &table, &column, &format!("rowid = {row}"), value).await;
            let damage = world.tree.check(|_| {}).await.unwrap().damage;
            let named = damage
                .iter()
                .any(|one| one.what.contains("another type") && one.at.contains(&format!("table {table}, row {row}")));
            assert!(named, "{table}.{column} = {value}: {damage:?}");
            spoil(&mut c, &table, &column, &format!("rowid = {row}"), "(SELECT value FROM temp.kept)").await;
        }
    }
    assert!(seen > 150, "{seen}");
    world.sound().await;
}

/// Two groups that are in each other, of which it is known, as it would be from the next change on.
const CIRCLE: &str = "INSERT INTO membership SELECT m.member_id, m.group_id FROM membership m JOIN principal p ON p.id \
                      = m.member_id AND p.kind = 'group'; INSERT INTO effective_membership SELECT m.member_id, \
                      m.group_id FROM membership m JOIN principal p ON p.id = m.member_id AND p.kind = 'group' WHERE \
                      TRUE ON CONFLICT DO NOTHING";

/// Columns that may hold any text.
const FREE: [&str; 20] = [
    "setting.value",
    "principal.display_name",
    "address.uri",
    "device.label",
    "device.used_from",
    "device.used_by",
    "freebusy_address.label",
    "node.comment",
    "node.content_type",
    "node.draft",
    "past.comment",
    "past.content_type",
    "lock.token",
    "lock.owner_xml",
    "property.namespace",
    "inbox_item.uid",
    "job.job_key",
    "job.kind",
    "job.payload",
    "job.error",
];

/// Whatever column of whatever table holds what it cannot, the check ends and finds it. Of what may be anything nobody
/// knows.
#[tokio::test]
async fn the_check_finds_a_value_that_cannot_be_in_any_column() {
    let world = World::new().await;
    let max = world.client("max");
    deliver(&world, "lea", "max", "item.ics", item("item", true)).await.unwrap();
    for text in ["one", "two"] {
        max.put("/files/tram/a.txt", text).send().await;
    }
    max.proppatch("/files/tram/a.txt", "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>").expect(207).await;
    max.locked("/files/tram/a.txt", "exclusive", "0").await;
    max.put(&format!("{CALENDAR}/a.ics"), &ringing("a")).expect(201).await;
    world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, None).await.unwrap();
    world.tree.add_freebusy("mairie", Some(now() + 3600)).await.unwrap();
    world.tree.add_device("max", "office", DIGEST, false, None).await.unwrap();
    for row in &beffroi::tree::job::JOBS {
        while world.tree.run_next(row, now()).await.unwrap() == beffroi::tree::job::JobPoll::Again {}
    }
    world.sound().await;
    let mut c = world.database().await;
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut c).await.unwrap();
    let columns = "SELECT m.name, i.name, i.type FROM sqlite_master m JOIN pragma_table_info(m.name) i \
                   WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\'";
    let columns: Vec<(String, String, String)> = sqlx::query_as(columns).fetch_all(&mut c).await.unwrap();
    let (mut seen, mut silent) = (0, Vec::new());
    for (table, column, kind) in columns {
        let name = format!("{table}.{column}");
        let values: &[&str] = match (kind.as_str(), column.as_str()) {
            ("BYTEA", _) => &["x'00'"],
            ("BIGINT", "first_at") => &["last_at - 1", "9223372036854775807"],
            ("BIGINT", "last_at") => &["first_at + 1", "-9223372036854775807 - 1"],
            // Documents are older than computers.
            ("BIGINT", "modified_at") => &["-9223372036854775807 - 1"],
            ("BIGINT", column) if column.ends_with("_at") || column == "released_until" => {
                &["-9223372036854775807 - 1", "9223372036854775807"]
            }
            ("BIGINT", _) => &["-7", "-9223372036854775807 - 1"],
            _ => &["'unknown'"],
        };
        let row = format!("SELECT rowid FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid DESC LIMIT 1");
        let row: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(row)).fetch_optional(&mut c).await.unwrap();
        let Some((row,)) = row.filter(|_| !FREE.contains(&name.as_str())) else { continue };
        for value in values {
            seen += 1;
            sqlx::query("DROP TABLE IF EXISTS temp.kept").execute(&mut c).await.unwrap();
            let keep = format!("CREATE TEMP TABLE kept AS SELECT {column} AS value FROM {table} WHERE rowid = {row}");
            sqlx::query(sqlx::AssertSqlSafe(keep)).execute(&mut c).await.unwrap();
            spoil(&mut c, &table, &column, &format!("rowid = {row}"), value).await;
            let damage = world.tree.check(|_| {}).await.unwrap().damage;
            if damage.is_empty() || damage.iter().any(|one| one.what.contains("carried out")) {
                silent.push((name.clone(), *value, damage));
            }
            spoil(&mut c, &table, &column, &format!("rowid = {row}"), "(SELECT value FROM temp.kept)").await;
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
    assert!(seen > 100, "{seen}");
    world.sound().await;
}

/// What one row says cannot be together with what another says, and no sum is too large to be looked at.
#[tokio::test]
async fn the_check_finds_rows_that_cannot_be_together() {
    for (what, damage) in [
        ("out of bounds", "UPDATE node SET size = 9223372036854775807 WHERE kind = 'file'"),
        ("size of a collection", "UPDATE node SET size = 4611686018427387904 WHERE kind = 'file'"),
        ("sum of what it holds", "UPDATE node SET size = -9223372036854775807 - 1 WHERE kind = 'file'"),
        ("documents of a collection", "UPDATE node SET documents = 9223372036854775807 WHERE kind = 'folder'"),
        ("sum of what it holds", "UPDATE past SET held_bytes = 9223372036854775807"),
        ("home that is not there", "DELETE FROM home WHERE node_id = (SELECT home_id FROM node WHERE name = 'a.txt')"),
        ("has no home", "DELETE FROM home WHERE node_id = (SELECT home_id FROM node WHERE name = 'a.txt')"),
        ("not there", "DELETE FROM principal WHERE name = 'rita'"),
        ("collection does not hold", "UPDATE node SET kind = 'unheard-of' WHERE name = 'a.txt'"),
        ("of no kind", "UPDATE node SET kind = 'trash' WHERE name = 'gone.txt'"),
        ("collection does not hold", "UPDATE node SET kind = 'folder' WHERE name = 'a.ics'"),
        ("collection does not hold", "UPDATE node SET kind = 'object' WHERE name = 'a.txt'"),
        ("collection does not hold", "UPDATE node SET kind = 'root' WHERE name = 'f'"),
        ("of another kind", "UPDATE calendar_object SET component = 'VTODO'"),
        ("another UID", "UPDATE calendar_object SET uid = 'b'"),
        ("index does not hold", "UPDATE calendar_object SET last_at = last_at - 1"),
        ("index does not hold", "UPDATE calendar_object SET first_at = first_at + 1"),
        ("role is none", "UPDATE ace SET role = 31"),
        ("opens is nothing", "UPDATE device SET scope = 3"),
        ("groups a principal is", "DELETE FROM effective_membership WHERE group_id = member_id"),
        ("group is in itself", "INSERT INTO membership SELECT id, id FROM principal WHERE name = 'g'"),
        ("group is in itself", CIRCLE),
        (
            "can be in none",
            "INSERT INTO membership SELECT g.id, r.id FROM principal g, principal r WHERE g.name = 'g' \
          AND r.name = 'hall'",
        ),
        ("can be in none", "UPDATE membership SET group_id = (SELECT id FROM principal WHERE name = 'tram')"),
        (
            "not among all",
            "DELETE FROM membership WHERE group_id = 0 AND member_id IN (SELECT id FROM principal WHERE \
          name = 'max')",
        ),
        (
            "holds none",
            "UPDATE ace SET principal_id = (SELECT id FROM principal WHERE name = 'hall') WHERE granted_role = 30 AND \
             principal_id = (SELECT id FROM principal WHERE name = 'mia')",
        ),
        ("not its owner's", "DELETE FROM ace WHERE principal_id = (SELECT id FROM principal WHERE name = 'tram')"),
        ("room is none", "DELETE FROM room"),
        ("room is none", "UPDATE room SET principal_id = (SELECT id FROM principal WHERE name = 'max')"),
        ("where it cannot", "UPDATE ace SET origin = 1 WHERE granted_role = 30"),
        ("where it cannot", "UPDATE ace SET origin = 2 WHERE granted_role = 30"),
        (
            "where it cannot",
            "UPDATE ace SET node_id = (SELECT id FROM node WHERE name = 'b.txt') WHERE granted_role = 20",
        ),
        (
            "where it cannot",
            "UPDATE ace SET role = 5, granted_role = 5 WHERE node_id IN (SELECT id FROM node WHERE name \
          = 'f')",
        ),
        (
            "where it cannot",
            "UPDATE ace SET role = 10, granted_role = 10 WHERE node_id IN (SELECT id FROM node WHERE \
          name = 'f')",
        ),
        ("does not follow", "UPDATE ace SET role = 40 WHERE granted_role = 30"),
        (
            "does not follow",
            "UPDATE ace SET until_at = NULL WHERE principal_id = (SELECT id FROM principal WHERE name = \
          'zoe') AND granted_role = 20",
        ),
        ("does not follow", "UPDATE principal SET closed_at = 1 WHERE name = 'tram'"),
        ("and its key differ", "UPDATE principal SET name = 'Other' WHERE name = 'max'"),
        ("and its key differ", "UPDATE principal SET match_name = 'Max' WHERE name = 'max'"),
        ("and its key differ", "UPDATE principal SET name = 'x/y', match_name = 'x/y' WHERE name = 'max'"),
        ("is no project", "UPDATE device SET project_id = principal_id"),
        ("components is out of bounds", "UPDATE calendar SET components = 16"),
        ("last change of their home", "UPDATE home SET oldest_seq = seq + 1"),
        ("seq is out of bounds", "UPDATE home SET seq = 9223372036854775807"),
        ("own on an object is damaged", "UPDATE personal_part SET text = text || 'X'"),
        ("own on an object is not looked for", "UPDATE node SET personal_parts = 0 WHERE kind = 'object'"),
        ("own on an object is not looked for", "UPDATE node SET personal_parts = 0 WHERE kind = 'calendar'"),
        (
            "no object of another's",
            "UPDATE personal_part SET principal_id = (SELECT id FROM principal WHERE name = 'tram')",
        ),
    ] {
        let world = World::new().await;
        let max = world.client("max");
        max.mkcol("/files/tram/f").expect(201).await;
        for name in ["a.txt", "f/b.txt", "gone.txt"] {
            max.put(&format!("/files/tram/{name}"), "one").expect(201).await;
            max.put(&format!("/files/tram/{name}"), "two").expect(204).await;
        }
        max.delete("/files/tram/gone.txt").expect(204).await;
        max.put(&format!("{CALENDAR}/a.ics"), &ringing("a")).expect(201).await;
        for group in ["g", "h"] {
            world.tree.add_group(group, group).await.unwrap();
        }
        world.tree.join_group("g", "h").await.unwrap();
        world.tree.add_room("hall", "Hall", "hall@ville.example", &Room::default()).await.unwrap();
        world.tree.add_partner("tram", "zoe", "lea", now() + 3600).await.unwrap();
        world.tree.grant("/files/tram/f", "zoe", Role::Reader, None).await.unwrap();
        world.tree.add_device("max", "office", DIGEST, false, None).await.unwrap();
        world.sound().await;
        let mut c = world.database().await;
        sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut c).await.unwrap();
        let done = sqlx::query(sqlx::AssertSqlSafe(damage)).execute(&mut c).await.unwrap();
        assert!(done.rows_affected() > 0, "{damage}");
        let found = world.tree.check(|_| {}).await.unwrap().damage;
        assert!(found.iter().any(|one| one.what.contains(what)), "{damage}: {found:#?}");
        assert!(!found.iter().any(|one| one.what.contains("carried out")), "{damage}: {found:#?}");
    }
}

/// A calendar object is known by its name as it was sent: one that older versions folded is named, wherever it stands.
#[tokio::test]
async fn the_check_names_calendar_objects_under_a_folded_key() {
    for table in ["node", "past"] {
        let world = World::new().await;
        let max = world.client("max");
        for text in ["one", "two"] {
            let object = event("a", "20260314").replace("Meeting", text);
            max.put(&format!("{CALENDAR}/Upper.ics"), &object).send().await;
        }
        world.sound().await;
        let fold = format!("UPDATE {table} SET match_name = 'upper.ics' WHERE name = 'Upper.ics'");
        super::retention::sql(&world, &fold).await;
        let damage = world.tree.check(|_| {}).await.unwrap().damage;
        let named = |one: &beffroi::store::check::Damage| {
            one.what == "a name and its key differ" && one.at.starts_with("Upper.ics (")
        };
        assert!(damage.len() == 1 && named(&damage[0]), "{table}: {damage:?}");
    }
}
