//! The views of what is no more ask for the role that is held where it stood, and for a scope that opens its kind.

use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;

use super::kit::{Client, World, event};
use super::versions::{id, versions};

/// Everything that lies in the trash of the world of [`littered`]: its name there, where it stood, what is restored.
const GONE: [(&str, &str); 5] = [
    ("in-a.txt", "/files/tram/a/in-a.txt"),
    ("in-b.txt", "/files/tram/b/in-b.txt"),
    ("sub", "/files/tram/a/sub"),
    ("e.ics", "/calendars/tram/meetings/e.ics"),
    ("extra", "/calendars/tram/extra"),
];

/// Two folders and a calendar of which things were deleted, and a calendar that was deleted whole.
async fn littered() -> World {
    let world = World::new().await;
    let lea = world.client("lea");
    for folder in ["a", "b", "c", "a/sub"] {
        lea.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    lea.ask("MKCALENDAR", "/calendars/tram/extra").expect(201).await;
    for path in ["/files/tram/a/in-a.txt", "/files/tram/b/in-b.txt", "/files/tram/a/sub/inner.txt"] {
        lea.put(path, path).expect(201).await;
    }
    for (path, uid) in [("/calendars/tram/meetings/e.ics", "e"), ("/calendars/tram/extra/x.ics", "x")] {
        lea.put(path, &event(uid, "20260614")).expect(201).await;
    }
    for (_, path) in GONE {
        lea.delete(path).expect(204).await;
    }
    world
}

/// Last segments of what a listing has, without the collection itself.
async fn listed(client: &Client, path: &str) -> Vec<String> {
    let answer = client.propfind(path, "1", "<D:getetag/>").send().await;
    if answer.status == 404 {
        return Vec::new();
    }
    let name = |href: &String| href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    answer.hrefs().iter().skip(1).map(name).collect()
}

async fn device(world: &World, name: &str, scope: DeviceScope, read_only: bool) -> Client {
    let label = format!("{scope:?} {read_only}");
    world.login(name, &world.tree.add_device(name, &label, scope, read_only, None).await.unwrap())
}

#[tokio::test]
async fn the_trash_shows_what_one_might_read_where_it_stood() {
    let world = littered().await;
    let all = ["e.ics", "extra", "in-a.txt", "in-b.txt", "sub"];
    let documents = ["in-a.txt", "in-b.txt", "sub"];
    let calendars = ["e.ics", "extra"];
    let zoe = world.client("zoe");
    let mut cases: Vec<(String, Client, Vec<&str>)> = vec![
        ("a reader".to_owned(), world.client("rita"), all.to_vec()),
        ("files only".to_owned(), device(&world, "rita", DeviceScope::Files, false).await, documents.to_vec()),
        ("calendars only".to_owned(), device(&world, "rita", DeviceScope::Calendars, false).await, calendars.to_vec()),
        ("nobody".to_owned(), zoe.clone(), Vec::new()),
    ];
    for (address, role, seen) in [
        ("/files/tram", Role::Reader, documents.to_vec()),
        ("/files/tram", Role::Lead, documents.to_vec()),
        ("/calendars/tram", Role::Lead, calendars.to_vec()),
        ("/calendars/tram/meetings", Role::Member, vec!["e.ics"]),
        ("/calendars/tram/meetings", Role::FreeBusy, Vec::new()),
        ("/files/tram/a", Role::Reader, vec!["in-a.txt", "sub"]),
        ("/files/tram/b", Role::Lead, vec!["in-b.txt"]),
        // Nothing was deleted there.
        ("/files/tram/c", Role::Lead, Vec::new()),
    ] {
        let name = format!("p{}", cases.len());
        world.tree.add_person(&name, &name, &format!("{name}@ville.example"), None).await.unwrap();
        world.tree.grant(address, &name, role, None).await.unwrap();
        let client = device(&world, &name, DeviceScope::All, false).await;
        cases.push((format!("{role:?} of {address}"), client, seen));
    }
    for (who, client, seen) in &cases {
        assert_eq!(&listed(client, "/trash/tram/").await, seen, "{who}");
        let root = listed(client, "/trash/").await;
        assert_eq!(root.contains(&"tram".to_owned()), !seen.is_empty(), "{who}: {root:?}");
        let page = client.get("/trash/tram/").send().await;
        assert_eq!(page.status, if seen.is_empty() { 404 } else { 200 }, "{who}");
        for (name, _) in GONE {
            let there = seen.contains(&name);
            assert_eq!(page.text().contains(name), there, "{who}, {name}");
            let path = format!("/trash/tram/{name}");
            assert_eq!(client.propfind(&path, "0", "").send().await.status == 207, there, "{who}, {name}");
            assert_eq!(client.get(&path).send().await.status == 200, there, "{who}, {name}");
            // Whoever may not know of it gets the answer of a name that never was.
            if !there {
                let (source, to) = (path.as_str(), "/files/zoe/x");
                for ask in [client.copy(source, to), client.relocate(source, to), client.delete(source)] {
                    ask.expect(404).await;
                }
            }
        }
        for (path, of) in [("/trash/tram/sub/inner.txt", "sub"), ("/trash/tram/extra/x.ics", "extra")] {
            assert_eq!(client.get(path).send().await.status == 200, seen.contains(&of), "{who}, {path}");
        }
    }
    world.sound().await;
}

#[tokio::test]
async fn restoring_and_purging_ask_for_the_role_where_it_stood() {
    let world = littered().await;
    let zoe = world.client("zoe");
    world.tree.grant("/files/tram/a", "zoe", Role::Lead, None).await.unwrap();
    world.tree.grant("/files/tram/b", "zoe", Role::Reader, None).await.unwrap();
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::Member, None).await.unwrap();
    // Reading is enough to copy, and not to take away, wherever to.
    zoe.copy("/trash/tram/in-b.txt", "/files/zoe/b.txt").expect(201).await;
    zoe.relocate("/trash/tram/in-b.txt", "/files/zoe/mine.txt").expect(403).await;
    zoe.delete("/trash/tram/in-b.txt").expect(403).await;
    zoe.relocate("/trash/tram/sub/inner.txt", "/files/tram/a/inner.txt").expect(201).await;
    zoe.delete("/trash/tram/sub").expect(204).await;
    zoe.delete("/trash/tram/e.ics").expect(403).await;
    zoe.relocate("/trash/tram/e.ics", "/calendars/tram/meetings/e.ics").expect(201).await;
    // The folder itself stood where zoe has no role: it is seen, and left where it is.
    world.client("lea").delete("/files/tram/a").expect(204).await;
    assert!(listed(&zoe, "/trash/tram/").await.contains(&"a".to_owned()));
    zoe.relocate("/trash/tram/a", "/files/zoe/a").expect(403).await;
    zoe.delete("/trash/tram/a").expect(403).await;
    zoe.relocate("/trash/tram/a/inner.txt", "/files/zoe/inner.txt").expect(403).await;
    zoe.copy("/trash/tram/a/inner.txt", "/files/zoe/inner.txt").expect(201).await;
    // The home's members restore what is there, its leads purge.
    let (max, lea) = (world.client("max"), world.client("lea"));
    max.delete("/trash/tram/in-b.txt").expect(403).await;
    max.relocate("/trash/tram/in-b.txt", "/files/tram/b/in-b.txt").expect(201).await;
    lea.delete("/trash/tram/a").expect(204).await;
    lea.delete("/trash/tram/extra").expect(204).await;
    world.sound().await;
}

#[tokio::test]
async fn what_comes_out_of_the_trash_is_what_it_was() {
    let world = littered().await;
    let lea = world.client("lea");
    lea.copy("/trash/tram/e.ics", "/files/tram/e.ics").expect(403).await;
    lea.relocate("/trash/tram/e.ics", "/files/tram/e.ics").expect(403).await;
    lea.copy("/trash/tram/in-a.txt", "/calendars/tram/meetings/a.ics").expect(403).await;
    lea.relocate("/trash/tram/extra", "/files/tram/extra").expect(403).await;
    lea.copy("/trash/tram/extra", "/calendars/tram/again").expect(405).await;
    lea.copy("/trash/tram/e.ics", "/calendars/tram/meetings/copy.ics").expect(201).await;
    let query = "<C:calendar-query xmlns:D=\"DAV:\" \
                 xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
                 <C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter \
                 name=\"VEVENT\"/></C:comp-filter></C:filter>\
                 </C:calendar-query>";
    let found = lea.report_at("/calendars/tram/meetings/").header("Depth", "1").body(query).expect(207).await;
    assert_eq!(found.hrefs(), ["/calendars/tram/meetings/copy.ics"]);
    lea.copy("/trash/tram/e.ics", "/calendars/tram/meetings/twice.ics").expect(403).await;
    lea.relocate("/trash/tram/extra", "/calendars/tram/again").expect(201).await;
    let found = lea.report_at("/calendars/tram/again/").header("Depth", "1").body(query).expect(207).await;
    assert_eq!(found.hrefs(), ["/calendars/tram/again/x.ics"]);
    world.sound().await;
}

#[tokio::test]
async fn versions_show_where_they_stood() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    for folder in ["secret", "shared"] {
        lea.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    world.tree.grant("/files/tram/shared", "zoe", Role::Member, None).await.unwrap();
    lea.put("/files/tram/secret/d.txt", "one").expect(201).await;
    lea.put("/files/tram/secret/d.txt", "two").expect(204).await;
    lea.relocate("/files/tram/secret/d.txt", "/files/tram/shared/d.txt").expect(201).await;
    zoe.put("/files/tram/shared/d.txt", "three").expect(204).await;
    assert_eq!(versions(&lea, "/files/tram/shared/d.txt").await, ["1", "2", "3"]);
    assert_eq!(versions(&zoe, "/files/tram/shared/d.txt").await, ["2", "3"]);
    assert_eq!(listed(&zoe, "/history/tram/shared/d.txt/").await.len(), 2);
    assert_eq!(listed(&lea, "/history/tram/shared/d.txt/").await.len(), 3);
    let document = id(&lea, "/files/tram/shared/d.txt").await;
    let version = |number: i64| format!("/versions/{}/{number}", document.rsplit(':').next().unwrap());
    for (number, status) in [(1, 404), (2, 200), (3, 200)] {
        zoe.get(&version(number)).expect(status).await;
        lea.get(&version(number)).expect(200).await;
    }
    zoe.copy(&version(1), "/files/zoe/one.txt").expect(404).await;
    let update = |n: i64| format!("<update xmlns=\"DAV:\"><version><href>{}</href></version></update>", version(n));
    zoe.ask("UPDATE", "/files/tram/shared/d.txt").body(&update(1)).expect(409).await;
    zoe.ask("UPDATE", "/files/tram/shared/d.txt").body(&update(2)).expect(207).await;
    // The folder in which the first ones stood goes for good: the home that it was of still shows them to its own.
    lea.delete("/files/tram/secret").expect(204).await;
    lea.delete("/trash/tram/secret").expect(204).await;
    lea.get(&version(1)).expect(200).await;
    zoe.get(&version(1)).expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn a_revived_event_shows_no_version_of_another_calendar() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    lea.ask("MKCALENDAR", "/calendars/tram/shared").expect(201).await;
    world.tree.grant("/calendars/tram/shared", "zoe", Role::Member, None).await.unwrap();
    lea.put("/calendars/tram/meetings/e.ics", &event("e", "20260614")).expect(201).await;
    lea.put("/calendars/tram/meetings/e.ics", &event("e", "20260615")).expect(204).await;
    lea.relocate("/calendars/tram/meetings/e.ics", "/calendars/tram/shared/e.ics").expect(201).await;
    lea.delete("/calendars/tram/shared/e.ics").expect(204).await;
    zoe.put("/calendars/tram/shared/new.ics", &event("e", "20260616")).expect(201).await;
    let history = zoe.propfind("/calendars/tram/shared/new.ics", "0", "<D:version-history/>").expect(207).await;
    let history = history.property("version-history").unwrap().dav("href").unwrap().text();
    for (number, status) in [(1, 404), (2, 200), (3, 200)] {
        zoe.get(&format!("{history}{number}")).expect(status).await;
        lea.get(&format!("{history}{number}")).expect(200).await;
    }
    world.sound().await;
}
