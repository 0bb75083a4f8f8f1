//! Names of calendar objects that differ, however little, are names of different objects: they are compared as they
//! were sent, by whatever way an object is asked for, changed, lost and brought back. Names of documents are not listed
//! apart by case.

use std::collections::BTreeMap;

use beffroi::model::filename::match_name;
use beffroi::model::id::now;
use beffroi::model::method::Method;
use beffroi::model::path::{Path, decode};
use beffroi::tree::gate::Request;

use super::calendar_users::choose_default;
use super::kit::{Client, World, event};
use super::names::escaped;
use super::retention::{count, sql};

const HERE: &str = "/calendars/tram/meetings/";
const LINKED: &str = "/calendars/max/meetings@tram/";

/// Differing by case, by Unicode form, by what compatibility or folding would make of them, by how they are escaped, by
/// what Windows would leave off.
const NAMES: [&str; 26] = [
    "a.ics",
    "A.ics",
    "a.ICS",
    "\u{ff21}.ics",
    "\u{ff41}.ics",
    "caf\u{e9}.ics",
    "cafe\u{301}.ics",
    "CAF\u{c9}.ics",
    "CAFE\u{301}.ics",
    "fil.ics",
    "\u{fb01}l.ics",
    "stra\u{df}e.ics",
    "strasse.ics",
    "STRASSE.ics",
    "\u{c5}.ics",
    "\u{212b}.ics",
    "i\u{307}.ics",
    "\u{130}.ics",
    "x/y.ics",
    "X/y.ics",
    "x%2Fy.ics",
    "x%2fy.ics",
    "dot.",
    "dot",
    "CON.ics",
    "con.ics ",
];

/// Texts of objects by their names.
type Stored = BTreeMap<&'static str, String>;

fn address(calendar: &str, name: &str) -> String {
    format!("{calendar}{}", escaped(name))
}

/// The names that an answer lists of a calendar, each with its status.
fn statuses_in(answer: &super::kit::Answer, calendar: &str) -> Vec<(String, u16)> {
    let statuses = answer.statuses().into_iter();
    let mut names: Vec<(String, u16)> =
        statuses.map(|(href, status)| (decode(href.strip_prefix(calendar).unwrap()).unwrap(), status)).collect();
    names.retain(|(name, _)| !name.is_empty());
    names.sort();
    names
}

/// A calendar holds these objects and no other, by every way of asking.
async fn holds(client: &Client, calendar: &str, stored: &Stored, when: &str) {
    let mut tags = BTreeMap::new();
    for name in NAMES {
        let got = client.get(&address(calendar, name)).send().await;
        match stored.get(name) {
            Some(text) => {
                assert_eq!((got.status, &got.text()), (200, text), "{when}: {name} of {calendar}");
                tags.insert(name, got.header("etag").unwrap().to_owned());
            }
            None => assert_eq!(got.status, 404, "{when}: {name} of {calendar}"),
        }
    }
    let all: Vec<(String, u16)> = stored.keys().map(|name| ((*name).to_owned(), 200)).collect();
    let listed = client.propfind(calendar, "1", "<D:getetag/>").expect(207).await;
    assert_eq!(statuses_in(&listed, calendar), all, "{when}");
    let query = "<C:calendar-query xmlns:D=\"DAV:\" \
                 xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
                 <C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";
    let found = client.report_at(calendar).header("Depth", "1").body(query).expect(207).await;
    assert_eq!(statuses_in(&found, calendar), all, "{when}");
    let hrefs: String = NAMES.iter().map(|name| format!("<D:href>{}</D:href>", address(calendar, name))).collect();
    let multiget = format!(
        "<C:calendar-multiget xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
         {hrefs}</C:calendar-multiget>"
    );
    let got = client.report_at(calendar).body(&multiget).expect(207).await;
    let mut expected: Vec<(String, u16)> =
        NAMES.iter().map(|name| ((*name).to_owned(), if stored.contains_key(name) { 200 } else { 404 })).collect();
    expected.sort();
    assert_eq!(statuses_in(&got, calendar), expected, "{when}");
    for response in got.xml().elements().filter(|element| element.name.is_dav("response")) {
        let href = response.dav("href").unwrap().text();
        let name = decode(href.strip_prefix(calendar).unwrap()).unwrap();
        let tag = response.dav("propstat").map(|found| found.dav("prop").unwrap().dav("getetag").unwrap().text());
        assert_eq!(tag.as_ref(), tags.get(&*name), "{when}: {name}");
    }
}

async fn token(client: &Client, calendar: &str) -> String {
    client.propfind(calendar, "0", "<D:sync-token/>").expect(207).await.value("sync-token")
}

/// What has changed since a token.
async fn changed(client: &Client, calendar: &str, since: &str) -> Vec<(String, u16)> {
    statuses_in(&client.sync(calendar, since, "1", "").expect(207).await, calendar)
}

async fn stored(client: &Client) -> Stored {
    let mut stored = Stored::new();
    for (number, name) in NAMES.into_iter().enumerate() {
        let text = event(&format!("u{number}"), "20260614");
        client.put(&address(HERE, name), &text).header("If-None-Match", "*").expect(201).await;
        stored.insert(name, text);
    }
    stored
}

/// The calendar as it was.
async fn rewind(world: &World, at: i64) {
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request::of(Method::Update, Path::of(&["calendars", "tram", "meetings"]), owner);
    world.tree.rewind(&request, at, &mut |_| {}).await.unwrap();
}

/// All of the trash that was an object goes back to its name.
async fn restored(client: &Client, stored: &Stored) {
    let entries = client.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(entries.len() - 1, stored.len(), "{entries:?}");
    for entry in entries.iter().skip(1) {
        let text = client.get(entry).expect(200).await.text();
        let (name, _) = stored.iter().find(|(_, known)| **known == text).unwrap();
        client.relocate(entry, &address(HERE, name)).header("Overwrite", "F").expect(201).await;
    }
}

#[tokio::test]
async fn each_is_asked_for_changed_and_lost_alone() {
    let world = World::new().await;
    let max = world.client("max");
    let begin = token(&max, HERE).await;
    let mut stored = stored(&max).await;
    let all: Vec<(String, u16)> = stored.keys().map(|name| ((*name).to_owned(), 200)).collect();
    assert_eq!(changed(&max, HERE, &begin).await, all);
    for calendar in [HERE, LINKED] {
        holds(&max, calendar, &stored, "made").await;
    }
    for name in NAMES {
        let (place, text) = (address(HERE, name), stored[name].clone());
        let before = token(&max, HERE).await;
        max.delete(&place).expect(204).await;
        assert_eq!(changed(&max, HERE, &before).await, [(name.to_owned(), 404)]);
        stored.remove(name);
        holds(&max, HERE, &stored, "deleted").await;
        let before = token(&max, HERE).await;
        max.put(&place, &text).header("If-None-Match", "*").expect(201).await;
        assert_eq!(changed(&max, HERE, &before).await, [(name.to_owned(), 200)]);
        // A lock is on the one.
        let lock = max.locked(&place, "exclusive", "0").await;
        for other in NAMES {
            let status = if other == name { 423 } else { 204 };
            let text = stored.get(other).unwrap_or(&text);
            max.put(&address(HERE, other), text).expect(status).await;
        }
        max.unlock_at(&place).header("Lock-Token", &format!("<{lock}>")).expect(204).await;
        stored.insert(name, text);
    }
    holds(&max, HERE, &stored, "deleted and made").await;
    world.sound().await;
    let (address, _stop) = world.beside().await;
    holds(&Client { address, ..max }, HERE, &stored, "after a restart").await;
}

#[tokio::test]
async fn each_is_copied_and_moved_alone() {
    let world = World::new().await;
    let max = world.client("max");
    let mut stored = stored(&max).await;
    let there = "/calendars/tram/other/";
    max.ask("MKCALENDAR", there).expect(201).await;
    let mut copied = Stored::new();
    for name in NAMES {
        max.copy(&address(HERE, name), &address(there, name)).header("Overwrite", "F").expect(201).await;
        copied.insert(name, stored[name].clone());
        // One on another: they are two, each with its UID.
        for other in NAMES.into_iter().filter(|other| *other != name) {
            max.relocate(&address(HERE, name), &address(HERE, other)).header("Overwrite", "F").expect(412).await;
            let refused = max.relocate(&address(HERE, name), &address(HERE, other)).expect(403).await;
            assert!(refused.text().contains("no-uid-conflict"), "{}", refused.text());
        }
    }
    holds(&max, there, &copied, "copied").await;
    holds(&max, HERE, &stored, "copied").await;
    max.copy(there, "/calendars/tram/whole/").expect(201).await;
    holds(&max, "/calendars/tram/whole/", &copied, "copied together").await;
    // From name to name, by way of the one that is free.
    let mut free = NAMES[0];
    let text = stored.remove(free).unwrap();
    max.delete(&address(HERE, free)).expect(204).await;
    for name in NAMES.into_iter().skip(1) {
        let before = token(&max, HERE).await;
        max.relocate(&address(HERE, name), &address(HERE, free)).header("Overwrite", "F").expect(201).await;
        let mut expected = [(name.to_owned(), 404), (free.to_owned(), 200)];
        expected.sort();
        assert_eq!(changed(&max, HERE, &before).await, expected);
        let moved = stored.remove(name).unwrap();
        stored.insert(free, moved);
        free = name;
    }
    holds(&max, HERE, &stored, "moved").await;
    max.put(&address(HERE, free), &text).expect(201).await;
    stored.insert(free, text);
    holds(&max, HERE, &stored, "moved and made").await;
    world.sound().await;
}

#[tokio::test]
async fn each_comes_back_alone() {
    let world = World::new().await;
    let max = world.client("max");
    let all = stored(&max).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let then = now();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    for name in NAMES {
        max.delete(&address(HERE, name)).expect(204).await;
    }
    holds(&max, HERE, &Stored::new(), "deleted").await;
    restored(&max, &all).await;
    holds(&max, HERE, &all, "restored").await;
    // With their calendar, and out of it.
    max.ask("MKCALENDAR", "/calendars/tram/out/").expect(201).await;
    choose_default(&max, "tram", "out").await;
    max.delete(HERE).expect(204).await;
    let trashed = max.propfind("/trash/tram/", "1", "<D:displayname/>").expect(207).await.hrefs();
    assert_eq!(trashed, ["/trash/tram/", "/trash/tram/meetings/"]);
    holds_in_trash(&max, &trashed[1], &all).await;
    let alone = address(&trashed[1], NAMES[1]);
    max.relocate(&alone, &address("/calendars/tram/out/", NAMES[1])).expect(201).await;
    let one = Stored::from([(NAMES[1], all[NAMES[1]].clone())]);
    holds(&max, "/calendars/tram/out/", &one, "out of the trash").await;
    let mut rest = all.clone();
    rest.remove(NAMES[1]);
    max.relocate(&trashed[1], HERE).expect(201).await;
    holds(&max, HERE, &rest, "restored with its calendar").await;
    // A third goes, a third is changed, a third comes to stand under a name like it.
    for (number, name) in NAMES.into_iter().enumerate().filter(|(_, name)| *name != NAMES[1]) {
        let place = address(HERE, name);
        match number % 3 {
            0 => drop(max.delete(&place).expect(204).await),
            1 => drop(max.put(&place, &all[name].replace("Meeting", "Other")).expect(204).await),
            _ => drop(max.relocate(&place, &address(HERE, &format!("{name}~"))).expect(201).await),
        }
    }
    max.delete(&address("/calendars/tram/out/", NAMES[1])).expect(204).await;
    rewind(&world, then).await;
    holds(&max, HERE, &all, "rewound").await;
    world.sound().await;
    let (address, _stop) = world.beside().await;
    holds(&Client { address, ..max }, HERE, &all, "rewound, after a restart").await;
}

/// What lies in the trash below a calendar.
async fn holds_in_trash(client: &Client, calendar: &str, stored: &Stored) {
    for (name, text) in stored {
        assert_eq!(client.get(&address(calendar, name)).expect(200).await.text(), *text, "{name}");
    }
    let listed = client.propfind(calendar, "1", "<D:getetag/>").expect(207).await;
    let all: Vec<(String, u16)> = stored.keys().map(|name| ((*name).to_owned(), 200)).collect();
    assert_eq!(statuses_in(&listed, calendar), all);
}

#[tokio::test]
async fn documents_are_not_distinguished_by_case() {
    let world = World::new().await;
    let max = world.client("max");
    for name in NAMES.into_iter().filter(|name| beffroi::model::filename::check(name).is_ok()) {
        let place = address("/files/tram/", name);
        max.put(&place, name).expect(201).await;
        for other in NAMES.into_iter().filter(|other| *other != name && beffroi::model::filename::check(other).is_ok())
        {
            let alike = match_name(other) == match_name(name);
            let got = max.get(&address("/files/tram/", other)).send().await;
            assert_eq!(got.status, if alike { 200 } else { 404 }, "{name} {other}");
        }
        max.delete(&place).expect(204).await;
    }
    // So are calendars.
    max.ask("MKCALENDAR", "/calendars/tram/MEETINGS/").expect(403).await;
    max.put("/calendars/TRAM/Meetings/a.ics", &event("u", "20260614")).expect(201).await;
    max.get("/calendars/tram/meetings/a.ics").expect(200).await;
    max.get("/calendars/tram/meetings/A.ics").expect(404).await;
    world.sound().await;
}

/// Names of objects as older versions compared them.
async fn folded_as_before(world: &World) {
    for name in NAMES {
        let folded = match_name(name);
        for (table, which) in [
            ("node", "kind = 'object' AND gone_at IS NULL"),
            ("past", "node_id IN (SELECT id FROM node WHERE kind = 'object')"),
        ] {
            let rows = format!("FROM {table} WHERE name = '{name}' AND {which}");
            if count(world, &format!("SELECT COUNT(*) {rows}")).await > 0 {
                sql(world, &format!("UPDATE {table} SET match_name = '{folded}' WHERE name = '{name}' AND {which}"))
                    .await;
            }
        }
    }
    sql(world, "DELETE FROM _sqlx_migrations WHERE version = 16").await;
}

#[tokio::test]
async fn objects_of_older_versions_bear_their_names() {
    let world = World::new().await;
    let max = world.client("max");
    // An older version took only one of those that fold alike.
    let mut all = Stored::new();
    for (number, name) in
        ["A.ics", "cafe\u{301}.ics", "\u{fb01}l.ics", "STRASSE.ics", "X/y.ics", "CON.ics"].iter().enumerate()
    {
        let text = event(&format!("u{number}"), "20260614");
        max.put(&address(HERE, name), &text).expect(201).await;
        all.insert(name, text);
    }
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let (then, since) = (now(), token(&max, HERE).await);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let changed_text = all["A.ics"].replace("Meeting", "Other");
    max.put(&address(HERE, "A.ics"), &changed_text).expect(204).await;
    max.delete(&address(HERE, "cafe\u{301}.ics")).expect(204).await;
    max.relocate(&address(HERE, "STRASSE.ics"), &address(HERE, "\u{212b}.ics")).expect(201).await;
    max.ask("MKCALENDAR", "/calendars/tram/gone/").expect(201).await;
    max.put("/calendars/tram/gone/A.ics", &event("gone", "20260614")).expect(201).await;
    max.delete("/calendars/tram/gone/").expect(204).await;
    folded_as_before(&world).await;
    let (place, _stop) = world.beside().await;
    let fresh = Client { address: place, ..max };
    world.sound().await;
    let mut stands = all.clone();
    stands.insert("A.ics", changed_text);
    stands.remove("cafe\u{301}.ics");
    let moved = stands.remove("STRASSE.ics").unwrap();
    stands.insert("\u{212b}.ics", moved);
    holds(&fresh, HERE, &stands, "opened").await;
    let expected = [("A.ics", 200), ("STRASSE.ics", 404), ("cafe\u{301}.ics", 404), ("\u{212b}.ics", 200)];
    assert_eq!(changed(&fresh, HERE, &since).await, expected.map(|(name, status)| (name.to_owned(), status)));
    fresh.get("/trash/tram/gone/A.ics").expect(200).await;
    fresh.get("/trash/tram/gone/a.ics").expect(404).await;
    // What they could not stand beside.
    let beside = event("beside", "20260614");
    fresh.put(&address(HERE, "a.ics"), &beside).expect(201).await;
    stands.insert("a.ics", beside);
    holds(&fresh, HERE, &stands, "beside").await;
    rewind(&world, then).await;
    holds(&fresh, HERE, &all, "rewound").await;
    world.sound().await;
}
