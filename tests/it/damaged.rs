//! One bad thing harms only itself: objects that nobody would store today, beside a sound one, and what each way of
//! asking shows.

use std::process::Command;

use super::kit::{Client, World, event};
use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::now;
use beffroi::store::body::sha256;

const CALENDAR: &str = "/calendars/tram/meetings";
const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// Puts other bytes where an object's are, as an older server or a failing disk might have: the row and its hash agree.
async fn damage(world: &World, name: &str, bytes: Option<&[u8]>) {
    use sqlx::Connection as _;
    let mut c = world.database().await;
    let hash = sha256(bytes.unwrap_or(b"what is gone"));
    if let Some(bytes) = bytes {
        // Young, or the sweep might take it before a row names it.
        let insert = "INSERT OR IGNORE INTO body (hash, stored_at, data) VALUES ($1, $2, $3)";
        sqlx::query(insert).bind(&hash).bind(now()).bind(bytes).execute(&mut c).await.unwrap();
    }
    let update = "UPDATE node SET hash = $1 WHERE name = $2";
    let done = sqlx::query(update).bind(&hash).bind(name).execute(&mut c).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    c.close().await.unwrap();
}

fn cut(summary: &[u8]) -> Vec<u8> {
    let text = event("bad", "20260315").into_bytes();
    let at = text.windows(7).position(|window| window == b"Meeting").unwrap();
    [&text[..at], summary, &text[at + 7..]].concat()
}

/// A text that is legal although its bytes are none: the fold cuts a character (RFC 5545 section 3.1).
const FOLDED: &[u8] = b"R\xc3\r\n \xa9union <&>";

async fn report(client: &Client, name: &str, inner: &str) -> super::kit::Answer {
    client
        .report_at(CALENDAR)
        .header("Depth", "1")
        .body(&format!("<C:{name} {CALDAV}>{inner}</C:{name}>"))
        .expect(207)
        .await
}

fn query(data: &str, filter: &str) -> String {
    format!(
        "<D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop><C:filter><C:comp-filter \
         name=\"VCALENDAR\">\
         <C:comp-filter name=\"VEVENT\">{filter}</C:comp-filter></C:comp-filter></C:filter>"
    )
}

const MARCH: &str = "start=\"20260301T000000Z\" end=\"20260401T000000Z\"";

/// Every question of calendar objects, each as a report and its content.
fn questions() -> Vec<(&'static str, String)> {
    let range = format!("<C:time-range {MARCH}/>");
    let text = "<C:prop-filter name=\"DTSTAMP\"><C:text-match>2026</C:text-match></C:prop-filter>";
    let mut questions = Vec::new();
    for data in ["", &format!("<C:expand {MARCH}/>"), "<C:comp name=\"VCALENDAR\"/>"] {
        questions.extend(["", &range, text].map(|filter| ("calendar-query", query(data, filter))));
        let hrefs: String = ["good", "bad"].map(|name| format!("<D:href>{CALENDAR}/{name}.ics</D:href>")).concat();
        let props = format!("<D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>");
        questions.push(("calendar-multiget", format!("{props}{hrefs}")));
    }
    questions
}

#[tokio::test]
async fn a_fold_inside_a_character_is_a_fold() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    max.put(&format!("{CALENDAR}/good.ics"), &event("good", "20260314")).expect(201).await;
    max.put(&format!("{CALENDAR}/bad.ics"), &cut(FOLDED)).expect(201).await;
    let both = [format!("{CALENDAR}/bad.ics"), format!("{CALENDAR}/good.ics")];
    for (name, inner) in questions() {
        let answer = report(&max, name, &inner).await;
        assert_eq!(answer.statuses(), both.clone().map(|href| (href, 200)), "{inner}");
        if !inner.contains("<C:comp name") {
            let text = answer.text().replace("&#13;\n ", "");
            assert!(text.contains("SUMMARY:Réunion &lt;&amp;&gt;") && text.contains("SUMMARY:Meeting"), "{text}");
        }
    }
    let text = "<C:prop-filter name=\"SUMMARY\"><C:text-match>réunion &lt;&amp;</C:text-match></C:prop-filter>";
    assert_eq!(report(&max, "calendar-query", &query("", text)).await.hrefs(), both[..1]);
    let busy = format!("<C:free-busy-query {CALDAV}><C:time-range {MARCH}/></C:free-busy-query>");
    let busy = max.report_at(CALENDAR).header("Depth", "1").body(&busy).expect(200).await.text().replace("\r\n ", "");
    assert!(busy.contains("20260314T100000Z/20260314T110000Z,20260315T100000Z/20260315T110000Z"), "{busy}");
    let synced = max.sync(CALENDAR, "", "1", "").expect(207).await;
    assert_eq!(synced.statuses(), both.clone().map(|href| (href, 200)));
    let json = max.get(&both[0]).header("Accept", "application/calendar+json").expect(200).await;
    assert!(json.text().contains("\"Réunion <&>\""), "{}", json.text());
    assert_eq!(max.get(&both[0]).expect(200).await.body, cut(FOLDED), "the bytes stay the client's");
    let (secret, _) = world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, None).await.unwrap();
    let day = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).strftime("%Y%m%d").to_string();
    let soon = String::from_utf8_lossy(&cut(b"x")).replace("20260315", &day);
    let at = soon.find("SUMMARY:").unwrap() + 8;
    let soon = [&soon.as_bytes()[..at], FOLDED, &soon.as_bytes()[at + 1..]].concat();
    max.put(&both[0], &soon).expect(204).await;
    let feed = nobody.get(&format!("/feeds/{secret}/meetings.ics")).expect(200).await;
    assert!(feed.text().contains("SUMMARY:Réunion <&>\r\n"), "{}", feed.text());
    world.sound().await;
}

/// Bytes of old, and whether anybody can make something of them.
fn damaged() -> Vec<(&'static str, Option<Vec<u8>>, bool)> {
    vec![
        ("a byte that is no UTF-8", Some(cut(b"R\xe9union")), true),
        ("a control character", Some(cut(b"R\x01\x00e\x7f")), true),
        ("a line that is none", Some(cut(b"x\r\nno colon")), false),
        ("no end", Some(cut(b"x")[..120].to_vec()), false),
        ("nothing", Some(Vec::new()), false),
        ("no text at all", Some((0..=255).collect()), false),
        ("missing", None, false),
    ]
}

#[tokio::test]
async fn what_cannot_be_read_is_reported_and_harms_nothing_else() {
    for (what, bytes, readable) in damaged() {
        let world = World::new().await;
        let max = world.client("max");
        for (name, day) in [("good", "20260314"), ("bad", "20260315")] {
            max.put(&format!("{CALENDAR}/{name}.ics"), &event(name, day)).expect(201).await;
        }
        damage(&world, "bad.ics", bytes.as_deref()).await;
        for (name, inner) in questions() {
            let answer = report(&max, name, &inner).await;
            // Both are listed with their tags; that the answer is XML the client of these tests sees to.
            let both = ["bad", "good"].map(|name| (format!("{CALENDAR}/{name}.ics"), 200));
            assert_eq!(answer.statuses(), both, "{what}: {inner}");
            let whole = !inner.contains("<C:expand") && !inner.contains("<C:comp name=\"VCALENDAR\"/>");
            let reported = answer.text().matches("BEGIN:VCALENDAR").count();
            let withheld = answer.text().matches(" 500 ").count();
            let lost = bytes.is_none() || !whole && !readable;
            assert_eq!(withheld, usize::from(lost), "{what}: {inner}\n{}", answer.text());
            assert!(reported >= 1, "{what}: {inner}");
        }
        let busy = format!("<C:free-busy-query {CALDAV}><C:time-range {MARCH}/></C:free-busy-query>");
        let busy = max.report_at(CALENDAR).header("Depth", "1").body(&busy).expect(200).await.text();
        assert!(busy.contains("20260314T100000Z/20260314T110000Z"), "{what}: {busy}");
        assert_eq!(busy.contains("20260315T100000Z"), readable, "{what}: {busy}");
        // It can be copied, deleted and brought back like any other.
        max.copy(&format!("{CALENDAR}/bad.ics"), "/calendars/max/personal/copy.ics").expect(201).await;
        // And mended.
        max.put("/calendars/max/personal/copy.ics", &event("bad", "20260316")).expect(204).await;
        let exported = Command::new(env!("CARGO_BIN_EXE_beffroi"))
            .args(["export", "calendar", CALENDAR])
            .env("BEFFROI_DATA", world.data.path())
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let (stdout, stderr) = (exported.stdout, String::from_utf8(exported.stderr).unwrap());
        assert!(String::from_utf8(stdout).unwrap().contains("UID:good"), "{what}");
        assert_eq!(exported.status.success(), readable, "{what}: {stderr}");
        assert_eq!(stderr.contains("bad.ics"), !readable, "{what}: {stderr}");
        let damage = world.tree.check(|_| {}).await.unwrap().damage;
        // (That the version is another one than was made, is true besides.)
        let reported = damage.iter().any(|one| one.what.contains("cannot be read") || one.what.contains("missing"));
        assert_eq!(reported, !readable, "{what}: {damage:?}");
        max.delete(&format!("{CALENDAR}/bad.ics")).expect(204).await;
        world.client("lea").relocate("/trash/tram/bad.ics", &format!("{CALENDAR}/back.ics")).expect(201).await;
    }
}

/// A text of the database that is damaged harms its own row.
#[tokio::test]
async fn a_damaged_name_hides_no_other() {
    let world = World::new().await;
    let max = world.client("max");
    for name in ["a", "b", "c"] {
        max.put(&format!("/files/tram/{name}.txt"), "x").expect(201).await;
    }
    {
        use sqlx::Connection as _;
        let file = format!("sqlite:{}", world.data.path().join("beffroi.sqlite").display());
        let mut c = sqlx::SqliteConnection::connect(&file).await.unwrap();
        let update = "UPDATE node SET name = CAST(x'62ff2e747874' AS TEXT) WHERE name = 'b.txt'";
        sqlx::query(update).execute(&mut c).await.unwrap();
    }
    let listed = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed.contains(&"/files/tram/a.txt".to_owned()) && listed.contains(&"/files/tram/c.txt".to_owned()));
    assert!(!world.tree.check(|_| {}).await.unwrap().damage.is_empty());
}

/// Damages a value of a row of a table.
pub async fn spoil(c: &mut sqlx::SqliteConnection, table: &str, column: &str, which: &str, value: &str) {
    let update = format!(
        "UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT rowid FROM {table} WHERE {which} LIMIT 1)"
    );
    sqlx::query(sqlx::AssertSqlSafe(update)).execute(c).await.unwrap();
}

/// One bit in the head of a row makes a text bytes, or an integer a real number: the row is sent as well as it can be,
/// and all others are.
#[tokio::test]
async fn a_value_of_another_type_hides_no_other_row() {
    const COLUMNS: [&str; 12] = [
        "name",
        "hash",
        "content_type",
        "modified_at",
        "created_at",
        "size",
        "version",
        "seq",
        "home_id",
        "author_id",
        "owner_id",
        "kind",
    ];
    for column in COLUMNS {
        for value in [format!("CAST({column} AS BLOB)"), "x'00ff'".to_owned(), "1.5e300".to_owned(), "'<x>'".to_owned()]
        {
            let world = World::new().await;
            let max = world.client("max");
            for name in ["a", "b", "c"] {
                max.put(&format!("/files/tram/{name}.txt"), name).expect(201).await;
                max.proppatch(
                    &format!("/files/tram/{name}.txt"),
                    "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>",
                )
                .expect(207)
                .await;
            }
            spoil(&mut world.database().await, "node", column, "name = 'b.txt'", &value).await;
            let what = format!("{column} = {value}");
            let paths = ["/files/tram/a.txt".to_owned(), "/files/tram/c.txt".to_owned()];
            for (path, properties) in [
                ("/files/tram/", "<D:getetag/>"),
                ("/files/tram/", "<D:getetag/><D:creationdate/><D:creator-displayname/><k xmlns=\"u\"/>"),
            ] {
                let listed = max.propfind(path, "1", properties).expect(207).await.hrefs();
                assert!(paths.iter().all(|path| listed.contains(path)), "{what}: {listed:?}");
            }
            let history = max.propfind("/history/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
            assert!(history.contains(&"/history/tram/a.txt/".to_owned()), "{what}: {history:?}");
            let synced = max.sync("/files/tram", "", "1", "").expect(207).await.hrefs();
            assert!(paths.iter().all(|path| synced.contains(path)), "{what}: {synced:?}");
            for path in &paths {
                max.get(path).expect(200).await;
                max.put(path, "changed").expect(204).await;
            }
            let listed = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
            assert!(paths.iter().all(|path| listed.contains(path)), "{what}, after a change: {listed:?}");
        }
    }
}

#[tokio::test]
async fn a_body_of_another_type_moves_no_other() {
    let world = World::new().await;
    let max = world.client("max");
    for (name, day) in [("a", "20260314"), ("b", "20260315"), ("c", "20260316")] {
        max.put(&format!("{CALENDAR}/{name}.ics"), &event(name, day).replace("Meeting", "Été à Orléans"))
            .expect(201)
            .await;
    }
    let which = "hash = (SELECT hash FROM node WHERE name = 'b.ics')";
    spoil(&mut world.database().await, "body", "data", which, "CAST(data AS TEXT)").await;
    let answer = report(&max, "calendar-query", &query("", "")).await;
    let reported = answer.text().replace("&#13;\n ", "");
    assert!(["UID:a", "UID:b", "UID:c"].iter().all(|uid| reported.contains(uid)), "{reported}");
    assert_eq!(reported.matches("\">BEGIN:VCALENDAR").count(), 3, "{reported}");
    assert_eq!(
        max.get(&format!("{CALENDAR}/b.ics")).expect(200).await.body,
        max.get(&format!("{CALENDAR}/b.ics")).expect(200).await.body
    );
    for size in ["9223372036854775807", "-9223372036854775807"] {
        spoil(&mut world.database().await, "node", "size", "name = 'b.ics'", size).await;
        let reported = report(&max, "calendar-query", &query("", "")).await.text().replace("&#13;\n ", "");
        assert!(["UID:a", "UID:c"].iter().all(|uid| reported.contains(uid)), "{size}: {reported}");
    }
}

/// A dead property, its name, or the owner of a lock of which a byte is damaged is reported as that, and nothing else
/// is.
#[tokio::test]
async fn damaged_xml_breaks_no_answer() {
    let property = "<D:set><D:prop><k xmlns=\"u\">v</k><l xmlns=\"u\">w</l></D:prop></D:set>";
    for (table, column, value) in [
        ("property", "xml", "'<ns0:k xmlns:ns0=\"u\">v</ns0:|>'"),
        ("property", "xml", "'<ns1:k xmlns:ns0=\"u\">v</ns1:k>'"),
        ("property", "xml", "'<a><b>&&]]>'"),
        ("property", "xml", "CAST(x'3c6b3e003c2f6b3e' AS TEXT)"),
        ("property", "xml", "x'00ff'"),
        ("property", "name", "'k<>'"),
        ("property", "namespace", "CAST(x'7501' AS TEXT)"),
        ("lock", "owner_xml", "'<a>'"),
        ("lock", "owner_xml", "'a & b'"),
        ("lock", "token", "CAST(x'7501' AS TEXT)"),
    ] {
        let world = World::new().await;
        let max = world.client("max");
        for name in ["a", "b", "c"] {
            max.put(&format!("/files/tram/{name}.txt"), name).expect(201).await;
            max.proppatch(&format!("/files/tram/{name}.txt"), property).expect(207).await;
            max.locked(&format!("/files/tram/{name}.txt"), "exclusive", "0").await;
        }
        let which = "node_id = (SELECT id FROM node WHERE name = 'b.txt')";
        spoil(&mut world.database().await, table, column, which, value).await;
        let what = format!("{table}.{column} = {value}");
        for properties in ["<k xmlns=\"u\"/><l xmlns=\"u\"/><D:getetag/><D:lockdiscovery/>", "all", "names"] {
            let answer = match properties {
                "all" => max
                    .ask("PROPFIND", "/files/tram/")
                    .header("Depth", "1")
                    .body("<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>"),
                "names" => max
                    .ask("PROPFIND", "/files/tram/")
                    .header("Depth", "1")
                    .body("<D:propfind xmlns:D=\"DAV:\"><D:propname/></D:propfind>"),
                _ => max.propfind("/files/tram/", "1", properties),
            };
            let answer = answer.expect(207).await;
            assert_eq!(answer.hrefs().len(), 4, "{what}, {properties}");
            if column == "xml" && properties != "names" {
                assert_eq!(answer.text().matches(" 500 ").count(), 1, "{what}: {}", answer.text());
            }
        }
        let damage = world.tree.check(|_| {}).await.unwrap().damage;
        assert_eq!(damage.is_empty(), table == "lock", "{what}: {damage:?}");
        let named = damage.iter().any(|one| one.what.contains("no XML"));
        assert_eq!(named, ["xml", "name"].contains(&column), "{what}: {damage:?}");
    }
}

/// An object that the index does not know is copied with its calendar all the same.
#[tokio::test]
async fn a_calendar_is_copied_where_its_index_has_gaps() {
    let world = World::new().await;
    let max = world.client("max");
    for number in 0..3 {
        let path = format!("/calendars/tram/meetings/{number}.ics");
        max.put(&path, &super::kit::event(&number.to_string(), "20260614")).expect(201).await;
    }
    let mut database = world.database().await;
    sqlx::query("DELETE FROM calendar_object WHERE uid = '1'").execute(&mut database).await.unwrap();
    max.copy("/calendars/tram/meetings", "/calendars/tram/copied").expect(201).await;
    for number in 0..3 {
        max.get(&format!("/calendars/tram/copied/{number}.ics")).expect(200).await;
    }
}

/// What one home says of how long it keeps things stops no other home's, and takes nothing away.
#[tokio::test]
async fn a_home_that_keeps_no_number_of_days_keeps_all() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/gone.txt", "x").expect(201).await;
    max.delete("/files/tram/gone.txt").expect(204).await;
    let mut database = world.database().await;
    for days in ["9223372036854775807", "-9223372036854775808", "-1", "'many'"] {
        let sql = format!("UPDATE home SET trash_days = {days}, versions_days = {days}, sync_days = {days}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
        let row = beffroi::tree::job::JOBS.iter().find(|row| row.kind == "retention").unwrap();
        world.tree.retry_jobs(Some("retention")).await.ok();
        let at = beffroi::model::id::now() + 1_000_000;
        while world.tree.run_next(row, at).await.unwrap() == beffroi::tree::job::JobPoll::Again {}
        let jobs = world.tree.jobs().await.unwrap();
        let failed = jobs.iter().find(|job| job.key == "retention").and_then(|job| job.error.clone());
        assert_eq!(failed, None, "{days}");
        max.get("/trash/tram/gone.txt").expect(200).await;
    }
}

/// What is of a kind that nobody knows, or that its collection does not hold, stands in no listing, is not copied, and
/// harms nothing beside it.
#[tokio::test]
async fn a_node_of_a_kind_that_cannot_be_there_harms_only_itself() {
    for kind in ["unheard-of", "root", "object", "calendar", "home", "trash", ""] {
        let world = World::new().await;
        let max = world.client("max");
        max.mkcol("/files/tram/f").expect(201).await;
        for name in ["a", "b", "c"] {
            max.put(&format!("/files/tram/f/{name}.txt"), name).expect(201).await;
        }
        let good = ["/files/tram/f/", "/files/tram/f/a.txt", "/files/tram/f/c.txt"];
        spoil(&mut world.database().await, "node", "kind", "name = 'b.txt'", &format!("'{kind}'")).await;
        for (path, depth, properties) in [
            ("/files/tram/f/", "1", "<D:getetag/>"),
            ("/files/tram/f/", "1", "<D:getetag/><D:creator-displayname/>"),
            ("/files/tram/f/", "infinity", "<D:getcontentlength/>"),
        ] {
            let listed = max.propfind(path, depth, properties).send().await;
            if listed.status == 207 {
                assert_eq!(listed.hrefs(), good, "{kind}");
            }
        }
        max.put("/files/tram/f/a.txt", "changed").expect(204).await;
        assert_eq!(max.propfind("/files/tram/f/", "1", "<D:getetag/>").expect(207).await.hrefs(), good, "{kind}");
        let synced = max.sync("/files/tram/f", "", "1", "").expect(207).await.hrefs();
        assert_eq!(
            synced.iter().collect::<std::collections::BTreeSet<_>>(),
            ["/files/tram/f/a.txt".to_owned(), "/files/tram/f/c.txt".to_owned()].iter().collect(),
            "{kind}"
        );
        let history = max.propfind("/history/tram/f/", "1", "<D:getetag/>").expect(207).await.hrefs();
        assert!(!history.iter().any(|href| href.contains("b.txt")), "{kind}: {history:?}");
        max.copy("/files/tram/f/", "/files/tram/g/").expect(201).await;
        let copied = max.propfind("/files/tram/g/", "1", "<D:getetag/>").expect(207).await.hrefs();
        assert_eq!(copied, good.map(|href| href.replace("/f/", "/g/")), "{kind}");
        assert_eq!(max.get("/files/tram/g/a.txt").expect(200).await.text(), "changed");
        assert!(max.get("/files/tram/f/b.txt").send().await.status < 500, "{kind}");
        assert!(max.put("/files/tram/f/b.txt", "x").send().await.status < 500, "{kind}");
        max.delete("/files/tram/f/").expect(204).await;
        max.get("/files/tram/g/c.txt").expect(200).await;
        assert!(!world.tree.check(|_| {}).await.unwrap().damage.is_empty(), "{kind}");
    }
}

/// No number of a row, however large, ends a request that has to do with it, nor one beside it.
#[tokio::test]
async fn no_number_is_too_large_to_count_with() {
    const OF_DOCUMENT: [&str; 10] = [
        "size",
        "version",
        "documents",
        "modified_at",
        "written_at",
        "created_at",
        "placed_at",
        "since_at",
        "author_id",
        "lost_by",
    ];
    const OF_HOME: [&str; 4] = ["used_bytes", "quota_bytes", "brake_percent", "oldest_seq"];
    let columns = OF_DOCUMENT.map(|column| ("node", column)).into_iter().chain(OF_HOME.map(|column| ("home", column)));
    for (table, column) in columns {
        for value in ["9223372036854775807", "-9223372036854775807 - 1"] {
            let what = format!("{table}.{column} = {value}");
            let world = World::new().await;
            let max = world.client("max");
            max.mkcol("/files/tram/f").expect(201).await;
            for name in ["a", "b"] {
                max.put(&format!("/files/tram/f/{name}.txt"), "one").expect(201).await;
                max.put(&format!("/files/tram/f/{name}.txt"), "two").expect(204).await;
            }
            let which = match table {
                "home" => "node_id = (SELECT home_id FROM node WHERE name = 'b.txt')",
                _ => "name = 'b.txt'",
            };
            spoil(&mut world.database().await, table, column, which, value).await;
            let bad = "/files/tram/f/b.txt";
            for (number, request) in [
                max.propfind("/files/tram/f/", "1", "<D:getetag/><D:quota-used-bytes/><D:quota-available-bytes/>"),
                max.propfind("/history/tram/f/b.txt/", "1", "<D:getetag/>"),
                max.put(bad, "three"),
                max.proppatch(bad, "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>"),
                max.copy(bad, "/files/tram/f/c.txt"),
                max.copy(bad, "/files/tram/f/a.txt"),
                max.copy("/files/tram/f/", "/files/tram/g/"),
                max.copy("/files/tram/f/", "/files/max/g/"),
                max.relocate(bad, "/files/tram/f/d.txt"),
                max.relocate("/files/tram/f/d.txt", "/files/max/d.txt"),
                max.delete("/files/tram/f/c.txt"),
                max.get("/files/tram/f/a.txt"),
                max.put("/files/tram/f/e.txt", "x"),
                max.delete("/files/tram/f/"),
            ]
            .into_iter()
            .enumerate()
            {
                let answer = request.send().await;
                let refused = answer.status < 500 || answer.status == 507;
                assert!(refused, "{what}, request {number}: {} {}", answer.status, answer.text());
            }
        }
    }
}

/// What damaged rows say is added up to integers, and whatever goes, goes: at DELETE, out of the trash, in time.
#[tokio::test]
async fn sums_of_damaged_rows_are_integers() {
    for (table, column, which) in [
        ("node", "size", "kind = 'file'"),
        ("node", "documents", "kind = 'folder'"),
        ("past", "held_bytes", "1 = 1"),
        ("home", "used_bytes", "1 = 1"),
        ("home", "chain_place", "1 = 1"),
        ("home", "seq", "1 = 1"),
    ] {
        for value in ["9223372036854775807", "-9223372036854775807 - 1"] {
            let what = format!("{table}.{column} = {value}");
            let world = World::new().await;
            let max = world.client("max");
            max.mkcol("/files/tram/f").expect(201).await;
            max.mkcol("/files/tram/g").expect(201).await;
            for name in ["f/a", "f/b", "f/c", "g/d", "gone"] {
                max.put(&format!("/files/tram/{name}.txt"), "one").expect(201).await;
                max.put(&format!("/files/tram/{name}.txt"), "two").expect(204).await;
                max.put(&format!("/files/tram/{name}.txt"), "three").expect(204).await;
            }
            max.delete("/files/tram/gone.txt").expect(204).await;
            super::retention::sql(&world, &format!("UPDATE {table} SET {column} = {value} WHERE {which}")).await;
            for (number, request) in [
                max.put("/files/tram/f/a.txt", "four"),
                max.put("/files/tram/new.txt", "x"),
                max.put("/files/tram/new.txt", "y"),
                max.delete("/files/tram/new.txt"),
                max.delete("/files/tram/f/"),
                max.delete("/trash/tram/gone.txt"),
                max.delete("/trash/tram/f/"),
                max.delete("/files/tram/g/"),
            ]
            .into_iter()
            .enumerate()
            {
                let answer = request.send().await;
                assert!(answer.status < 500, "{what}, request {number}: {} {}", answer.status, answer.text());
            }
            world.tree.maintain(now() + 1000 * 86_400).await.unwrap();
            let real = "SELECT COUNT(*) FROM home WHERE typeof(used_bytes) <> 'integer' OR typeof(seq) <> 'integer'";
            assert_eq!(super::retention::count(&world, real).await, 0, "{what}");
        }
    }
}

/// Whatever a damaged row says of its size, its content is sent, and each other's.
#[tokio::test]
async fn a_damaged_size_hides_no_content() {
    let world = World::new().await;
    let max = world.client("max");
    for name in ["a", "b", "c"] {
        max.put(&format!("/files/tram/{name}.txt"), name).expect(201).await;
    }
    for size in ["70000", "9223372036854775807", "-1", "-9223372036854775807 - 1"] {
        spoil(&mut world.database().await, "node", "size", "name = 'b.txt'", size).await;
        for name in ["a", "b", "c"] {
            let path = format!("/files/tram/{name}.txt");
            assert_eq!(max.get(&path).expect(200).await.text(), name, "{size}");
            let part = max.get(&path).header("Range", "bytes=0-0").expect(206).await;
            assert_eq!(part.text(), name, "{size}");
        }
        let directory = tempfile::tempdir().unwrap();
        let exported = Command::new(env!("CARGO_BIN_EXE_beffroi"))
            .args(["export", "files", "/files/tram"])
            .arg(directory.path())
            .env("BEFFROI_DATA", world.data.path())
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert!(exported.status.success(), "{size}: {}", String::from_utf8_lossy(&exported.stderr));
        for name in ["a", "b", "c"] {
            let saved = std::fs::read_to_string(directory.path().join(format!("{name}.txt"))).unwrap();
            assert_eq!(saved, name, "{size}");
        }
    }
}
