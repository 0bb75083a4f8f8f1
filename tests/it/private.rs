//! Private and confidential events: who may only know when someone is busy learns that, and nothing else, whatever is
//! asked.

use beffroi::model::privilege::Role;
use beffroi::tree::administration::delegates::Delegation;

use super::calendar_users::choose_default;
use super::kit::{Answer, Client, World};

fn event(class: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:p\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260614T100000Z\r\nDTEND:20260614T110000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY:Hidden plan\r\n\
         LOCATION:Hidden room\r\nCLASS:{class}\r\nATTENDEE;CN=Hidden:mailto:hidden@ville.example\r\nBEGIN:VALARM\r\n\
         ACTION:DISPLAY\r\nDESCRIPTION:Hidden\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const DATA: &str = "<D:getetag/><D:getcontentlength/><C:calendar-data/>";

fn query(filter: &str) -> String {
    format!(
        "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop>{DATA}</D:prop><C:filter>\
         <C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">{filter}</C:comp-filter></C:comp-filter>\
         </C:filter></C:calendar-query>"
    )
}

fn multiget(href: &str) -> String {
    format!(
        "<C:calendar-multiget xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop>{DATA}</D:prop>\
         <D:href>{href}</D:href></C:calendar-multiget>"
    )
}

/// All ways to read an object of a calendar.
async fn read_in_every_way(client: &Client, calendar: &str, name: &str) -> Vec<(&'static str, Answer)> {
    let path = format!("{calendar}{name}");
    let range = "<C:time-range start=\"20260614T000000Z\" end=\"20260615T000000Z\"/>";
    let expand = query(range).replace(
        "<C:calendar-data/>",
        "<C:calendar-data><C:expand start=\"20260614T000000Z\" end=\"20260620T000000Z\"/></C:calendar-data>",
    );
    let own = "<x:sha256 xmlns:x=\"urn:beffroi:\"/><D:creator-displayname/><D:comment/><D:checked-in/>";
    vec![
        ("GET", client.get(&path).send().await),
        ("jCal", client.get(&path).header("Accept", "application/calendar+json").send().await),
        ("range", client.get(&path).header("Range", "bytes=0-2000").send().await),
        ("query", client.report_at(calendar).header("Depth", "1").body(&query("")).send().await),
        ("times", client.report_at(calendar).header("Depth", "1").body(&query(range)).send().await),
        ("expand", client.report_at(calendar).header("Depth", "1").body(&expand).send().await),
        ("query of it", client.report_at(&path).header("Depth", "0").body(&query("")).send().await),
        ("multiget", client.report_at(calendar).body(&multiget(&path)).send().await),
        ("allprop", client.propfind(&path, "0", "").send().await),
        ("properties", client.propfind(&path, "0", own).send().await),
        ("members", client.propfind(calendar, "1", "<D:getetag/><D:lockdiscovery/>").send().await),
        ("sync", client.sync(calendar, "", "1", "").send().await),
        ("page", client.get(calendar).send().await),
    ]
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

#[tokio::test]
async fn readers_of_a_project_see_when_and_nothing_else() {
    let world = World::new().await;
    let (lea, max, rita) = (world.client("lea"), world.client("max"), world.client("rita"));
    let calendar = "/calendars/tram/meetings/";
    let path = "/calendars/tram/meetings/p.ics";
    for class in ["PRIVATE", "CONFIDENTIAL", "X-UNHEARD-OF"] {
        lea.put(path, &event(class)).send().await;
        for (way, answer) in read_in_every_way(&rita, calendar, "p.ics").await {
            assert!([200, 207].contains(&answer.status), "{class} {way}: {}", answer.status);
            assert!(!answer.text().to_lowercase().contains("hidden"), "{class} {way}: {}", answer.text());
        }
        let shown = rita.get(path).expect(200).await;
        assert!(shown.text().contains("DTSTART:20260614T100000Z\r\n") && shown.text().contains("RRULE:"), "{class}");
        let head = rita.head(path).expect(200).await;
        assert_eq!(head.header("content-length"), Some(shown.body.len().to_string().as_str()));
        assert!(tag(&head) == tag(&shown) && tag(&shown) != tag(&lea.get(path).expect(200).await));
        rita.get(path).header("If-None-Match", &tag(&shown)).expect(304).await;
        for answer in [
            rita.report_at(calendar).body(&multiget(path)).expect(207).await,
            rita.sync(calendar, "", "1", "").expect(207).await,
            rita.propfind(calendar, "1", "<D:getetag/>").expect(207).await,
        ] {
            assert!(answer.text().contains(tag(&shown).trim_matches('"')), "{}", answer.text());
        }
        // Whoever writes in the project sees all, but for the alarms of others.
        assert_eq!(lea.get(path).expect(200).await.text(), event(class));
        let seen = max.get(path).expect(200).await.text();
        assert!(
            !seen.contains("VALARM") && event(class).starts_with(seen.split("END:VEVENT").next().unwrap()),
            "{seen}"
        );
    }
    // A question about what is hidden finds nothing.
    for filter in [
        "<C:prop-filter name=\"SUMMARY\"><C:text-match>Hidden</C:text-match></C:prop-filter>",
        "<C:prop-filter name=\"LOCATION\"/>",
        "<C:comp-filter name=\"VALARM\"/>",
    ] {
        for (client, found) in [(&rita, 0), (&lea, 1)] {
            let answer = client.report_at(calendar).header("Depth", "1").body(&query(filter)).expect(207).await;
            assert_eq!(answer.hrefs().len(), found, "{filter}");
        }
    }
    let busy = "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range start=\"20260614T000000Z\" \
         end=\"20260615T000000Z\"/></C:free-busy-query>";
    let taken = rita.report_at(calendar).header("Depth", "1").body(busy).expect(200).await.text();
    assert!(taken.contains("20260614T100000Z/"), "{taken}");
    rita.lock(path, "exclusive", "0").expect(403).await;
    lea.lock(path, "exclusive", "0").expect(200).await;
    assert!(!rita.propfind(path, "0", "<D:lockdiscovery/>").expect(207).await.text().contains("activelock"));
    world.sound().await;
}

#[tokio::test]
async fn what_is_hidden_is_neither_copied_nor_found_when_it_is_gone() {
    let world = World::new().await;
    let (lea, max, rita) = (world.client("lea"), world.client("max"), world.client("rita"));
    let path = "/calendars/tram/meetings/p.ics";
    lea.put("/calendars/tram/meetings/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    rita.copy("/calendars/tram/meetings/", "/calendars/rita/before/").expect(201).await;
    lea.put(path, &event("PRIVATE")).expect(201).await;
    rita.copy(path, "/calendars/rita/personal/p.ics").expect(403).await;
    rita.copy(path, "/files/rita/p.ics").expect(403).await;
    rita.copy("/calendars/tram/meetings/", "/calendars/rita/after/").expect(403).await;
    max.copy("/calendars/tram/meetings/", "/calendars/max/after/").expect(201).await;

    // The versions of what was private stay with those who saw it.
    let number = "<D:checked-in/>";
    let shown = max.propfind(path, "0", number).expect(207).await.property("checked-in").unwrap();
    let history = shown.dav("href").unwrap().text();
    lea.put(path, &event("PUBLIC")).expect(204).await;
    assert!(rita.get(path).expect(200).await.text().contains("Hidden plan"));
    rita.get(&history).expect(404).await;
    assert!(max.get(&history).expect(200).await.text().contains("CLASS:PRIVATE"));
    lea.put(path, &event("PRIVATE")).expect(204).await;
    rita.propfind(&format!("{}/", history.rsplit_once('/').unwrap().0), "1", "").expect(404).await;

    lea.delete(path).expect(204).await;
    lea.delete("/calendars/tram/meetings/open.ics").expect(204).await;
    let trash = rita.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.text();
    assert!(trash.contains("open.ics") && !trash.contains("p.ics"), "{trash}");
    rita.get("/trash/tram/p.ics").expect(404).await;
    max.get("/trash/tram/p.ics").expect(200).await;
    lea.relocate("/trash/tram/p.ics", path).expect(201).await;
    lea.ask("MKCALENDAR", "/calendars/tram/more/").expect(201).await;
    lea.relocate(path, "/calendars/tram/more/p.ics").expect(201).await;
    lea.delete("/calendars/tram/more/").expect(204).await;
    let trash = rita.propfind("/trash/tram/more/", "1", "<D:getetag/>").expect(207).await.text();
    assert!(!trash.contains("p.ics"), "{trash}");
    rita.get("/trash/tram/more/p.ics").expect(404).await;
    max.get("/trash/tram/more/p.ics").expect(200).await;
    world.sound().await;
}

#[tokio::test]
async fn in_ones_own_calendar_only_who_is_trusted_with_it_sees_all() {
    let world = World::new().await;
    let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
    let calendar = "/calendars/lea/personal/";
    let path = "/calendars/lea/personal/p.ics";
    lea.put(path, &event("PRIVATE")).expect(201).await;
    world.tree.grant("/calendars/lea/personal", "max", Role::Member, None).await.unwrap();
    let delegation = Delegation { role: Role::Member, until: None, sees_private: false };
    world.tree.add_delegate("lea", "zoe", delegation).await.unwrap();
    for client in [&max, &zoe] {
        for (way, answer) in read_in_every_way(client, calendar, "p.ics").await {
            assert!(!answer.text().to_lowercase().contains("hidden"), "{way}: {}", answer.text());
        }
        assert!(!client.get("/calendars/lea/personal/p.ics").expect(200).await.text().contains("Hidden"));
        // Nobody changes what they do not see.
        client.put(path, &event("PUBLIC")).expect(403).await;
        client.delete(path).expect(403).await;
        client.relocate(path, "/calendars/lea/personal/q.ics").expect(403).await;
        client.put("/calendars/lea/personal/open.ics", &super::kit::event("open", "20260614")).send().await;
    }
    // Under the address in one's own home it is the same.
    let linked = "/calendars/max/personal@lea/";
    for (way, answer) in read_in_every_way(&max, linked, "p.ics").await {
        assert!(!answer.text().to_lowercase().contains("hidden"), "{way}: {}", answer.text());
    }
    world.tree.add_delegate("lea", "zoe", Delegation { sees_private: true, ..delegation }).await.unwrap();
    assert_eq!(zoe.get(path).expect(200).await.text(), event("PRIVATE"));
    zoe.put(path, &event("CONFIDENTIAL")).expect(204).await;
    world.tree.remove_delegate("lea", "zoe").await.unwrap();
    zoe.get(path).expect(404).await;
    assert_eq!(lea.get(path).expect(200).await.text(), event("CONFIDENTIAL"));
    world.sound().await;
}

/// Whoever may take a calendar elsewhere takes nothing along that they do not see, in whatever way they may do so.
#[tokio::test]
async fn what_is_hidden_does_not_leave_its_home_in_a_calendar() {
    let world = World::new().await;
    let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
    let delegation = Delegation { role: Role::Member, until: None, sees_private: false };
    world.tree.add_delegate("lea", "zoe", delegation).await.unwrap();
    world.tree.grant("/calendars/lea", "max", Role::Lead, None).await.unwrap();
    lea.put("/calendars/lea/personal/p.ics", &event("PRIVATE")).expect(201).await;
    lea.put("/calendars/lea/personal/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    for (name, client) in [("zoe", &zoe), ("max", &max)] {
        for method in ["COPY", "MOVE"] {
            for (from, to) in [("lea/personal", format!("{name}/mine")), ("lea/personal", format!("{name}/personal"))] {
                let ask = client.ask(method, &format!("/calendars/{from}/"));
                let answer = ask.header("Destination", &format!("/calendars/{to}/")).expect(403).await;
                assert!(answer.text().contains("need-privileges"), "{}", answer.text());
            }
        }
        client.get(&format!("/calendars/{name}/mine/p.ics")).expect(404).await;
    }
    // At home it may get another name, and hides what it hid.
    zoe.relocate("/calendars/lea/personal/", "/calendars/lea/named/").expect(201).await;
    assert!(!zoe.get("/calendars/lea/named/p.ics").expect(200).await.text().contains("Hidden"));
    assert!(lea.get("/calendars/lea/named/p.ics").expect(200).await.text().contains("Hidden"));
    // Where nothing is hidden in it, it goes where its keepers say, unless invitations come into it.
    lea.ask("MKCALENDAR", "/calendars/lea/other/").expect(201).await;
    choose_default(&lea, "lea", "other").await;
    lea.delete("/calendars/lea/named/p.ics").expect(204).await;
    zoe.relocate("/calendars/lea/named/", "/calendars/zoe/named/").expect(201).await;
    world.sound().await;
}

/// Nobody destroys what they do not see along with the calendar that it is in, in whatever way that goes; nor later,
/// when it lies in the trash.
#[tokio::test]
async fn what_is_hidden_is_not_destroyed_with_its_calendar() {
    let world = World::new().await;
    let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
    let delegation = Delegation { role: Role::Member, until: None, sees_private: false };
    world.tree.add_delegate("lea", "zoe", delegation).await.unwrap();
    world.tree.grant("/calendars/lea", "max", Role::Lead, None).await.unwrap();
    lea.ask("MKCALENDAR", "/calendars/lea/more/").expect(201).await;
    lea.ask("MKCALENDAR", "/calendars/lea/other/").expect(201).await;
    lea.put("/calendars/lea/more/p.ics", &event("PRIVATE")).expect(201).await;
    lea.put("/calendars/lea/more/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    for client in [&zoe, &max] {
        let mut refused = vec![client.delete("/calendars/lea/more/").expect(403).await];
        for method in ["COPY", "MOVE"] {
            let ask = client.ask(method, "/calendars/lea/other/").header("Destination", "/calendars/lea/more/");
            refused.push(ask.expect(403).await);
        }
        for answer in refused {
            assert!(answer.text().contains("need-privileges"), "{}", answer.text());
        }
        client.delete("/calendars/lea/more/open.ics").expect(204).await;
        lea.put("/calendars/lea/more/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    }
    lea.delete("/calendars/lea/more/").expect(204).await;
    zoe.delete("/trash/lea/more/").expect(403).await;
    let refused = max.delete("/trash/lea/more/").expect(403).await;
    assert!(refused.text().contains("need-privileges"), "{}", refused.text());
    // Whoever sees it all may, and so may everyone where nothing is hidden.
    zoe.relocate("/trash/lea/more/", "/calendars/lea/back/").expect(201).await;
    assert!(lea.get("/calendars/lea/back/p.ics").expect(200).await.text().contains("Hidden"));
    world.tree.add_delegate("lea", "zoe", Delegation { sees_private: true, ..delegation }).await.unwrap();
    zoe.delete("/calendars/lea/back/").expect(204).await;
    lea.delete("/trash/lea/back/").expect(204).await;
    lea.put("/calendars/lea/other/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    max.delete("/calendars/lea/other/").expect(204).await;
    max.delete("/trash/lea/other/").expect(204).await;
    world.sound().await;
}

/// What an event was in another calendar is there for who was trusted there, wherever it stands now.
#[tokio::test]
async fn versions_of_what_was_hidden_stay_with_those_who_saw_them_there() {
    let world = World::new().await;
    let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
    for (calendar, role) in [("there", Role::Reader), ("here", Role::Member)] {
        lea.ask("MKCALENDAR", &format!("/calendars/tram/{calendar}/")).expect(201).await;
        world.tree.grant(&format!("/calendars/tram/{calendar}"), "zoe", role, None).await.unwrap();
    }
    let [there, here] = ["there", "here"].map(|calendar| format!("/calendars/tram/{calendar}/p.ics"));
    for class in ["PRIVATE", "CONFIDENTIAL", "PRIVATE"] {
        lea.put(&there, &event(class).replace("SUMMARY:", &format!("SUMMARY:{class} "))).send().await;
    }
    lea.relocate(&there, &here).expect(201).await;
    lea.put(&here, &event("PUBLIC")).expect(204).await;
    let last = version_of(&lea, &here).await;
    let (folder, number) = last.rsplit_once('/').unwrap();
    assert_eq!(number, "4");
    // The third moved with it: whoever is trusted here has seen it here.
    for (number, seen) in [(1, 404), (2, 404), (3, 200), (4, 200)] {
        max.get(&format!("{folder}/{number}")).expect(200).await;
        zoe.get(&format!("{folder}/{number}")).expect(seen).await;
    }
    let listed = zoe.propfind(&format!("{folder}/"), "1", "<D:version-name/>").expect(207).await.hrefs();
    assert_eq!(listed, [format!("{folder}/"), format!("{folder}/3"), format!("{folder}/4")]);
    // What never was hidden is there for who may read it where it was.
    let [there, here] = ["there", "here"].map(|calendar| format!("/calendars/tram/{calendar}/open.ics"));
    for day in ["20260614", "20260615"] {
        lea.put(&there, &super::kit::event("open", day)).send().await;
    }
    lea.relocate(&there, &here).expect(201).await;
    let last = version_of(&zoe, &here).await;
    zoe.get(&format!("{}/1", last.rsplit_once('/').unwrap().0)).expect(200).await;
    world.sound().await;
}

/// What was stored before it was known whether it is private counts as private until it is read.
#[tokio::test]
async fn what_is_stored_already_is_read_anew() {
    let mut world = World::new().await;
    let lea = world.client("lea");
    lea.put("/calendars/tram/meetings/p.ics", &event("PRIVATE")).expect(201).await;
    lea.put("/calendars/tram/meetings/open.ics", &super::kit::event("open", "20260614")).expect(201).await;
    super::retention::sql(&world, "UPDATE calendar_object SET private = 1").await;
    super::retention::sql(&world, "INSERT INTO unread (node_id) SELECT node_id FROM calendar_object").await;
    let rita = world.client("rita");
    assert!(!rita.get("/calendars/tram/meetings/open.ics").expect(200).await.text().contains("Meeting"));
    world.stop().await;
    let world = world.again().await;
    let rita = world.client("rita");
    assert!(rita.get("/calendars/tram/meetings/open.ics").expect(200).await.text().contains("Meeting"));
    assert!(!rita.get("/calendars/tram/meetings/p.ics").expect(200).await.text().contains("Hidden"));
    world.sound().await;
    super::retention::sql(&world, "UPDATE calendar_object SET private = 0").await;
    let found = world.tree.check(|_| {}).await.unwrap().damage;
    assert!(found.len() == 1 && format!("{found:?}").contains("is private"), "{found:?}");
}

/// Where an object stands among versions, and the version that it is now.
async fn version_of(client: &Client, path: &str) -> String {
    let shown = client.propfind(path, "0", "<D:checked-in/>").expect(207).await.property("checked-in").unwrap();
    shown.dav("href").unwrap().text()
}

/// Whatever was known of an object before: what it was counts as well as what it is.
#[tokio::test]
async fn what_was_private_stays_hidden_when_it_is_read_anew() {
    let mut world = World::new().await;
    let lea = world.client("lea");
    let [hidden, open] = ["p", "open"].map(|name| format!("/calendars/tram/meetings/{name}.ics"));
    lea.put(&hidden, &event("PRIVATE")).expect(201).await;
    lea.put(&open, &super::kit::event("open", "20260614")).expect(201).await;
    let versions = [version_of(&lea, &hidden).await, version_of(&lea, &open).await];
    lea.put(&hidden, &event("PUBLIC")).expect(204).await;
    lea.put(&open, &super::kit::event("open", "20260615")).expect(204).await;
    for known in ["private", "0", "1"] {
        super::retention::sql(&world, &format!("UPDATE calendar_object SET private = {known}")).await;
        super::retention::sql(&world, "INSERT INTO unread (node_id) SELECT node_id FROM calendar_object").await;
        world.stop().await;
        world = world.again().await;
        let (lea, rita) = (world.client("lea"), world.client("rita"));
        rita.get(&hidden).expect(200).await;
        for (version, seen) in versions.iter().zip([404, 200]) {
            assert_eq!(rita.get(version).send().await.status, seen, "{version}, which was known as {known}");
            lea.get(version).expect(200).await;
        }
        world.sound().await;
    }
}

/// Who may only read sees no more than readers, whatever they were before the project was closed.
#[tokio::test]
async fn in_a_closed_project_all_see_what_readers_see() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    let path = "/calendars/tram/meetings/p.ics";
    lea.put(path, &event("PRIVATE")).expect(201).await;
    lea.put("/calendars/tram/meetings/gone.ics", &event("PRIVATE").replace("UID:p", "UID:q")).expect(201).await;
    lea.delete("/calendars/tram/meetings/gone.ics").expect(204).await;
    let version = version_of(&lea, path).await;
    world.tree.close_project("tram").await.unwrap();
    for client in [&lea, &max] {
        for (way, answer) in read_in_every_way(client, "/calendars/tram/meetings/", "p.ics").await {
            assert!(!answer.text().to_lowercase().contains("hidden"), "{way}: {}", answer.text());
        }
        client.get(&version).expect(404).await;
        client.get("/trash/tram/gone.ics").expect(404).await;
        client.copy("/calendars/tram/meetings/", "/calendars/lea/copy/").send().await;
    }
    lea.propfind("/calendars/lea/copy/", "0", "").expect(404).await;
    world.tree.reopen_project("tram").await.unwrap();
    assert_eq!(lea.get(path).expect(200).await.text(), event("PRIVATE"));
    assert!(max.get(path).expect(200).await.text().contains("Hidden plan"));
    lea.get("/trash/tram/gone.ics").expect(200).await;
    world.sound().await;
}
