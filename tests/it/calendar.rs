//! CalDAV access: discovery, calendars and their objects, queries, links to the calendars of others.

use super::kit::{Answer, Client, World};
use beffroi::model::privilege::Role;

const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// An object of one event; `lines` besides UID and DTSTAMP.
fn event(uid: &str, lines: &str) -> String {
    object("VEVENT", uid, lines)
}

fn object(component: &str, uid: &str, lines: &str) -> String {
    let lines = lines.replace('\n', "\r\n");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:{component}\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:{component}\r\nEND:VCALENDAR\r\n"
    )
}

fn at(start: &str) -> String {
    format!("DTSTART:{start}\nDURATION:PT1H\nSUMMARY:Comité")
}

fn query(client: &Client, path: &str, props: &str, filter: &str) -> impl Future<Output = Answer> {
    let body = format!(
        "<C:calendar-query {CALDAV}><D:prop>{props}</D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">{filter}\
         </C:comp-filter></C:filter></C:calendar-query>"
    );
    let client = client.clone();
    let path = path.to_owned();
    async move { client.report_at(&path).header("Depth", "1").body(&body).send().await }
}

async fn names(client: &Client, path: &str, filter: &str) -> Vec<String> {
    let answer = query(client, path, "<D:getetag/>", filter).await;
    assert_eq!(answer.status, 207, "{}", answer.text());
    let mut names: Vec<String> = answer
        .hrefs()
        .iter()
        .map(|href| href.rsplit('/').next().unwrap().trim_end_matches(".ics").to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn discovery_leads_from_anywhere_to_the_calendars() {
    let world = World::new().await;
    let max = world.client("max");
    assert_eq!(max.get("/.well-known/caldav").expect(301).await.header("location"), Some("/"));
    for path in ["/", "/calendars/", "/calendars/max", "/calendars/max/personal/"] {
        let found = max.propfind(path, "0", "<D:current-user-principal/>").expect(207).await;
        assert_eq!(found.property("current-user-principal").unwrap().dav("href").unwrap().text(), "/principals/max/");
        let dav = max.options(path).expect(200).await;
        assert!(dav.header("dav").unwrap().contains("calendar-access"), "{path}");
    }
    let props = format!("<C:calendar-home-set {CALDAV}/><C:calendar-user-address-set {CALDAV}/>");
    let found = max.propfind("/principals/max/", "0", &props).expect(207).await;
    assert_eq!(found.property("calendar-home-set").unwrap().dav("href").unwrap().text(), "/calendars/max/");
    let addresses: Vec<String> =
        found.property("calendar-user-address-set").unwrap().elements().map(|href| href.text()).collect();
    assert_eq!(addresses, ["mailto:max@ville.example", "/principals/max/"]);
    let homes = max.propfind("/calendars/", "1", "<D:resourcetype/>").expect(207).await.hrefs();
    assert_eq!(homes, ["/calendars/", "/calendars/max/"]);
}

#[tokio::test]
async fn a_home_shows_all_that_one_may_read() {
    let world = World::new().await;
    let max = world.client("max");
    let own = ["", "inbox/", "personal/", "tasks/", "outbox/"].map(|name| format!("/calendars/max/{name}"));
    let linked = ["meetings@tram/", "tasks@tram/"].map(|name| format!("/calendars/max/{name}"));
    let listed = |client: Client| async move {
        let props = format!("<D:resourcetype/><D:displayname/><C:supported-calendar-component-set {CALDAV}/>");
        client.propfind("/calendars/max/", "1", &props).expect(207).await
    };
    let answer = listed(max.clone()).await;
    assert_eq!(answer.hrefs(), [&own[..], &linked[..]].concat());
    assert_eq!(answer.text().matches("name=\"VTODO\"").count(), 2);
    assert!(answer.text().contains("meetings (tram)"));
    // What stands in a linked calendar is the project's own.
    max.put("/calendars/max/meetings@tram/a.ics", &event("a", &at("20260105T090000Z"))).expect(201).await;
    world.client("lea").get("/calendars/tram/meetings/a.ics").expect(200).await;
    world.client("zoe").get("/calendars/tram/meetings/a.ics").expect(404).await;
    world.client("zoe").get("/calendars/zoe/meetings@tram/a.ics").expect(404).await;
    world.client("zoe").propfind("/calendars/max/", "1", "<D:displayname/>").expect(404).await;
    let rita = world.client("rita");
    rita.get("/calendars/rita/meetings@tram/a.ics").expect(200).await;
    rita.put("/calendars/rita/meetings@tram/b.ics", &event("b", &at("20260105T090000Z"))).expect(403).await;
    let privileges =
        rita.propfind("/calendars/rita/meetings@tram/", "0", "<D:current-user-privilege-set/>").send().await;
    assert!(!privileges.text().contains("<D:write-content/>"));
    assert_eq!(
        rita.propfind("/calendars/rita/meetings@tram/", "0", "<D:owner/>")
            .send()
            .await
            .property("owner")
            .unwrap()
            .dav("href")
            .unwrap()
            .text(),
        "/principals/tram/"
    );
    // Gone with the role, at once.
    world.tree.remove_member("tram", "max").await.unwrap();
    assert_eq!(listed(max.clone()).await.hrefs(), own);
    max.get("/calendars/max/meetings@tram/a.ics").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn names_and_colours_are_personal() {
    let world = World::new().await;
    let (rita, max) = (world.client("rita"), world.client("max"));
    let color =
        "<A:calendar-color xmlns:A=\"http://apple.com/ns/ical/\" symbolic-color=\"red\">#FF0000FF</A:calendar-color>";
    let set = |inner: &str| format!("<D:set><D:prop>{inner}</D:prop></D:set>");
    rita.proppatch("/calendars/rita/meetings@tram/", &set(&format!("{color}<D:displayname>Tram</D:displayname>")))
        .expect(207)
        .await;
    let props = "<D:displayname/><A:calendar-color xmlns:A=\"http://apple.com/ns/ical/\"/>";
    let seen = rita.propfind("/calendars/rita/meetings@tram/", "0", props).expect(207).await;
    assert_eq!(seen.value("displayname"), "Tram");
    assert!(seen.text().contains("symbolic-color=\"red\""));
    let theirs = max.propfind("/calendars/max/meetings@tram/", "0", props).expect(207).await;
    assert!(!theirs.text().contains("FF0000"));
    let refused = rita.proppatch("/calendars/tram/meetings/", &set(color)).expect(403).await;
    assert!(refused.text().contains("need-privileges"));
    // Of a calendar itself for everyone.
    max.proppatch("/calendars/tram/meetings/", &set("<D:displayname>Réunions</D:displayname>")).expect(207).await;
    assert_eq!(
        max.propfind("/calendars/max/meetings@tram/", "0", props).expect(207).await.value("displayname"),
        "Réunions"
    );
    assert_eq!(
        rita.propfind("/calendars/rita/meetings@tram/", "0", props).expect(207).await.value("displayname"),
        "Tram"
    );
    let all = max.propfind("/calendars/tram/meetings/", "0", "").expect(207).await.text();
    assert_eq!(all.matches("<D:displayname").count(), 1, "{all}");
    let bad = format!("<C:calendar-timezone {CALDAV}>nonsense</C:calendar-timezone>");
    let answer = max.proppatch("/calendars/tram/meetings/", &set(&bad)).expect(207).await;
    assert!(answer.text().contains("valid-calendar-data"), "{}", answer.text());
}

#[tokio::test]
async fn calendars_are_made_and_go() {
    let world = World::new().await;
    let max = world.client("max");
    let body = format!(
        "<C:mkcalendar {CALDAV}><D:set><D:prop><D:displayname>Vélo</D:displayname><C:supported-calendar-component-set>\
         <C:comp name=\"VTODO\"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
    );
    let make = |path: &str| max.ask("MKCALENDAR", path).header("Content-Type", "application/xml").body(&body);
    make("/calendars/max/velo/").expect(201).await;
    make("/calendars/max/velo/").expect(403).await;
    make("/calendars/max/none/velo/").expect(409).await;
    make("/calendars/max/personal/velo/").expect(403).await;
    max.ask("MKCALENDAR", "/calendars/max/plain").expect(201).await;
    max.mkcol("/calendars/max/folder/").expect(403).await;
    let extended = "<D:mkcol xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:set><D:prop><D:resourcetype>\
                    <D:collection/><C:calendar/></D:resourcetype><D:displayname>RewindPlan</D:displayname>\
                    </D:prop></D:set></D:mkcol>";
    // Each method has an element of its own (RFC 4791 section 5.3.1, RFC 5689 section 3).
    max.ask("MKCALENDAR", "/calendars/max/plan/").header("Content-Type", "text/xml").body(extended).expect(400).await;
    max.mkcol("/calendars/max/plan/").header("Content-Type", "text/xml").body(&body).expect(400).await;
    max.mkcol("/calendars/max/plan/").header("Content-Type", "text/xml").body(extended).expect(201).await;
    let props = format!("<D:displayname/><D:resourcetype/><C:supported-calendar-component-set {CALDAV}/>");
    let made = max.propfind("/calendars/max/velo/", "0", &props).expect(207).await;
    assert_eq!(made.value("displayname"), "Vélo");
    assert!(made.property("resourcetype").unwrap().elements().any(|e| e.name.is_caldav("calendar")));
    let task = object("VTODO", "t", "SUMMARY:Laver");
    let refused = max.put("/calendars/max/velo/e.ics", &event("e", &at("20260105T090000Z"))).expect(403).await;
    assert!(refused.text().contains("supported-calendar-component"), "{}", refused.text());
    max.put("/calendars/max/velo/t.ics", &task).expect(201).await;
    max.put("/calendars/max/plain/t.ics", &task).expect(201).await;
    // A calendar goes to the trash with all it holds, and comes back.
    max.delete("/calendars/max/velo/").expect(204).await;
    max.get("/calendars/max/velo/t.ics").expect(404).await;
    world.sound().await;
    max.relocate("/trash/max/velo", "/files/max/velo").expect(403).await;
    max.relocate("/trash/max/velo", "/calendars/max/velo").expect(201).await;
    max.get("/calendars/max/velo/t.ics").expect(200).await;
    assert_eq!(names(&max, "/calendars/max/velo/", "<C:comp-filter name=\"VTODO\"/>").await, ["t"]);
    world.sound().await;
}

#[tokio::test]
async fn objects_obey_the_rules() {
    let world = World::new().await;
    let max = world.client("max");
    let here = |name: &str| format!("/calendars/max/personal/{name}.ics");
    let text = event("a", &at("20260105T090000Z")).replace("SUMMARY", "X-ODD;X-P=\"a;b\":é\r\nSUMMARY");
    let made = max.put(&here("a"), &text).header("If-None-Match", "*").expect(201).await;
    let etag = made.header("etag").unwrap().to_owned();
    let got = max.get(&here("a")).expect(200).await;
    assert_eq!((got.text(), got.header("etag")), (text.clone(), Some(etag.as_str())));
    assert_eq!(got.header("content-type"), Some("text/calendar; charset=utf-8"));
    let conflict = max.put(&here("b"), &event("a", &at("20260105T090000Z"))).expect(403).await;
    assert!(conflict.text().contains("no-uid-conflict") && conflict.text().contains(&here("a")), "{}", conflict.text());
    let other = max.put(&here("a"), &event("z", &at("20260105T090000Z"))).expect(403).await;
    assert!(other.text().contains("no-uid-conflict"));
    for (body, element) in [
        ("nonsense".to_owned(), "valid-calendar-data"),
        (text.replace("UID:a\r\n", ""), "valid-calendar-object-resource"),
        (text.replace("VERSION", "METHOD:REQUEST\r\nVERSION"), "valid-calendar-object-resource"),
        (text.replace("VEVENT", "VFREEBUSY"), "supported-calendar-component"),
        ("BEGIN:VCALENDAR\r\n".repeat(5000), "valid-calendar-data"),
    ] {
        let refused = max.put(&here("c"), &body).expect(403).await;
        assert!(refused.text().contains(element), "{element}: {}", refused.text());
    }
    max.put(&here("c"), "{}").header("Content-Type", "application/json").expect(403).await;
    max.lock(&here("c"), "exclusive", "0").expect(405).await;
    // The same UID in another calendar of the same person is nobody's conflict.
    max.ask("MKCALENDAR", "/calendars/max/other").expect(201).await;
    max.put("/calendars/max/other/a.ics", &text).expect(201).await;
    let refused = max.copy(&here("a"), "/calendars/max/other/b.ics").expect(403).await;
    assert!(refused.text().contains("no-uid-conflict"));
    max.relocate(&here("a"), "/calendars/max/tasks/a.ics").expect(403).await;
    max.relocate(&here("a"), "/files/max/a.ics").expect(403).await;
    max.delete("/calendars/max/other/a.ics").expect(204).await;
    max.relocate(&here("a"), "/calendars/max/other/b.ics").expect(201).await;
    assert_eq!(names(&max, "/calendars/max/other/", "<C:comp-filter name=\"VEVENT\"/>").await, ["b"]);
    assert_eq!(names(&max, "/calendars/max/personal/", "<C:comp-filter name=\"VEVENT\"/>").await, [""; 0]);
    world.sound().await;
}

#[tokio::test]
async fn an_event_has_versions_and_a_uid_comes_back() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/calendars/max/personal/a.ics";
    max.put(path, &event("a", &at("20260105T090000Z"))).expect(201).await;
    max.put(path, &event("a", &at("20260106T090000Z"))).expect(204).await;
    let props = "<D:resource-id/><D:version-history/><D:checked-in/>";
    let before = max.propfind(path, "0", props).expect(207).await;
    let history = before.property("version-history").unwrap().dav("href").unwrap().text();
    let first = max.get(&format!("{history}1")).expect(200).await;
    assert!(first.text().contains("20260105"));
    max.delete(path).expect(204).await;
    assert_eq!(names(&max, "/calendars/max/personal/", "<C:comp-filter name=\"VEVENT\"/>").await, [""; 0]);
    assert!(
        max.propfind("/trash/max/", "1", "<B:deleted-from xmlns:B=\"urn:beffroi:\"/>")
            .expect(207)
            .await
            .text()
            .contains(path)
    );
    // The same UID under another name: the same event, with its versions.
    max.put("/calendars/max/personal/again.ics", &event("a", &at("20260107T090000Z"))).expect(201).await;
    let after = max.propfind("/calendars/max/personal/again.ics", "0", props).expect(207).await;
    assert_eq!(after.property("resource-id"), before.property("resource-id"));
    assert!(after.property("checked-in").unwrap().dav("href").unwrap().text().ends_with("/3"));
    assert_eq!(max.propfind("/trash/max/", "1", "<D:displayname/>").expect(207).await.hrefs(), ["/trash/max/"]);
    let update = format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{history}1</D:href></D:version></D:update>");
    max.ask("UPDATE", "/calendars/max/personal/again.ics").body(&update).expect(207).await;
    assert!(max.get("/calendars/max/personal/again.ics").expect(200).await.text().contains("20260105"));
    let january = "<C:comp-filter name=\"VEVENT\"><C:time-range start=\"20260105T000000Z\" \
                   end=\"20260106T000000Z\"/></C:comp-filter>";
    assert_eq!(names(&max, "/calendars/max/personal/", january).await, ["again"]);
    max.delete("/calendars/max/personal/again.ics").expect(204).await;
    max.relocate("/trash/max/again.ics", "/files/max/again.ics").expect(403).await;
    max.relocate("/trash/max/again.ics", "/calendars/max/personal/again.ics").expect(201).await;
    assert_eq!(names(&max, "/calendars/max/personal/", january).await, ["again"]);
    world.sound().await;
}

#[tokio::test]
async fn queries_find_what_they_ask_for() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/all").expect(201).await;
    let all = "/calendars/max/all/";
    let put = |name: &str, body: String| {
        let path = format!("{all}{name}.ics");
        let max = max.clone();
        async move { max.put(&path, &body).expect(201).await }
    };
    put("single", event("single", &at("20260105T090000Z"))).await;
    put(
        "weekly",
        event(
            "weekly",
            "DTSTART;TZID=Europe/Paris:20200106T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nCATEGORIES:Équipe",
        ),
    )
    .await;
    put("day", event("day", "DTSTART;VALUE=DATE:20260110\nSUMMARY:Fête")).await;
    put("alarm", event("alarm", "DTSTART:20260301T090000Z\nBEGIN:VALARM\nTRIGGER:-PT1H\nACTION:DISPLAY\nEND:VALARM"))
        .await;
    put("guest", event("guest", "DTSTART:20260401T090000Z\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@ville.example"))
        .await;
    put("todo", object("VTODO", "todo", "DUE:20260107T120000Z\nSTATUS:NEEDS-ACTION")).await;
    put("done", object("VTODO", "done", "COMPLETED:20250107T120000Z\nSTATUS:COMPLETED")).await;
    put("journal", object("VJOURNAL", "journal", "DTSTART;VALUE=DATE:20260106")).await;
    let event_in = |range: &str| format!("<C:comp-filter name=\"VEVENT\"><C:time-range {range}/></C:comp-filter>");
    let has = |inner: &str| format!("<C:comp-filter name=\"VEVENT\">{inner}</C:comp-filter>");
    let table: Vec<(String, &[&str])> = vec![
        (String::new(), &["alarm", "day", "done", "guest", "journal", "single", "todo", "weekly"]),
        (event_in("start=\"20260105T000000Z\" end=\"20260106T000000Z\""), &["single", "weekly"]),
        (event_in("start=\"20260105T100000Z\" end=\"20260106T000000Z\""), &[]),
        (event_in("start=\"20260401T000000Z\""), &["guest", "weekly"]),
        (event_in("end=\"20250101T000000Z\""), &["weekly"]),
        (event_in("start=\"20260110T120000Z\" end=\"20260110T130000Z\""), &["day"]),
        (
            has("<C:prop-filter name=\"CATEGORIES\"><C:text-match \
              collation=\"i;unicode-casemap\">équipe</C:text-match></C:prop-filter>"),
            &["weekly"],
        ),
        (has("<C:prop-filter name=\"CATEGORIES\"><C:text-match>équipe</C:text-match></C:prop-filter>"), &[]),
        (has("<C:prop-filter name=\"SUMMARY\"><C:is-not-defined/></C:prop-filter>"), &["alarm", "guest", "weekly"]),
        (
            has("<C:prop-filter name=\"SUMMARY\"><C:text-match \
              negate-condition=\"yes\">FÊT</C:text-match></C:prop-filter>"),
            &["day", "single"],
        ),
        (
            has("<C:prop-filter name=\"UID\"><C:text-match \
              collation=\"i;octet\">single</C:text-match></C:prop-filter>"),
            &["single"],
        ),
        (
            has("<C:comp-filter name=\"VALARM\"><C:time-range start=\"20260301T075959Z\" \
              end=\"20260301T080001Z\"/></C:comp-filter>"),
            &["alarm"],
        ),
        (
            has("<C:comp-filter name=\"VALARM\"><C:is-not-defined/></C:comp-filter>"),
            &["day", "guest", "single", "weekly"],
        ),
        (
            has("<C:prop-filter name=\"ATTENDEE\"><C:text-match>mailto:LISA</C:text-match><C:param-filter \
              name=\"PARTSTAT\"><C:text-match>NEEDS-ACTION</C:text-match></C:param-filter></C:prop-filter>"),
            &["guest"],
        ),
        (
            "<C:comp-filter name=\"VTODO\"><C:time-range start=\"20260101T000000Z\" \
          end=\"20260201T000000Z\"/></C:comp-filter>"
                .into(),
            &["todo"],
        ),
        (
            "<C:comp-filter name=\"VTODO\"><C:prop-filter \
          name=\"COMPLETED\"><C:is-not-defined/></C:prop-filter></C:comp-filter>"
                .into(),
            &["todo"],
        ),
        (
            "<C:comp-filter name=\"VJOURNAL\"><C:time-range start=\"20260106T000000Z\" \
          end=\"20260107T000000Z\"/></C:comp-filter>"
                .into(),
            &["journal"],
        ),
        ("<C:comp-filter name=\"VEVENT\"><C:is-not-defined/></C:comp-filter>".into(), &["done", "journal", "todo"]),
    ];
    for (filter, expected) in table {
        assert_eq!(names(&max, all, &filter).await, expected, "{filter}");
    }
    for (filter, element) in [
        (event_in("start=\"yesterday\""), "valid-filter"),
        (event_in("start=\"20260201T000000Z\" end=\"20260101T000000Z\""), "valid-filter"),
        (
            has("<C:prop-filter name=\"UID\"><C:text-match collation=\"i;klingon\">x</C:text-match></C:prop-filter>"),
            "supported-collation",
        ),
        (has("<C:geo-filter/>"), "valid-filter"),
    ] {
        let refused = query(&max, all, "<D:getetag/>", &filter).await;
        assert_eq!(refused.status, 403);
        assert!(refused.text().contains(element), "{element}: {}", refused.text());
    }
    let other = query(&max, "/files/max/", "<D:getetag/>", "").await;
    assert!(other.status == 403 && other.text().contains("supported-report"));
}

#[tokio::test]
async fn objects_are_given_whole_and_in_parts() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/calendars/max/personal/";
    let series = event(
        "s",
        "DTSTART;TZID=Europe/Paris:20260326T090000\nDTEND;TZID=Europe/Paris:20260326T100000\n\
                             RRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:Point",
    )
    .replace(
        "END:VEVENT\r\n",
        "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:s\r\n\
                                    RECURRENCE-ID;TZID=Europe/Paris:20260402T090000\r\n\
                                    DTSTART;TZID=Europe/Paris:20260402T150000\r\nSUMMARY:Plus tard\r\nEND:VEVENT\r\n",
    );
    max.put("/calendars/max/personal/s.ics", &series).expect(201).await;
    max.put("/calendars/max/personal/t%20@.ics", &event("t", &at("20260101T100000Z"))).expect(201).await;
    let filter = "<C:comp-filter name=\"VEVENT\"><C:prop-filter \
                  name=\"UID\"><C:text-match>s</C:text-match></C:prop-filter></C:comp-filter>";
    let data = |inner: &str| format!("<C:calendar-data>{inner}</C:calendar-data>");
    let asked = |inner: String| {
        let max = max.clone();
        async move { query(&max, path, &data(&inner), filter).await.value("calendar-data").replace('\r', "") }
    };
    assert_eq!(asked(String::new()).await, series.replace('\r', "").trim_end());
    let expanded = asked("<C:expand start=\"20260326T000000Z\" end=\"20260501T000000Z\"/>".into()).await;
    let starts: Vec<&str> =
        expanded.lines().filter(|line| line.starts_with("DTSTART") || line.starts_with("RECURRENCE-ID")).collect();
    assert_eq!(
        starts,
        [
            "DTSTART:20260326T080000Z",
            "RECURRENCE-ID:20260326T080000Z",
            "DTSTART:20260402T130000Z",
            "RECURRENCE-ID:20260402T070000Z",
            "DTSTART:20260409T070000Z",
            "RECURRENCE-ID:20260409T070000Z"
        ]
    );
    assert!(expanded.contains("DTEND:20260409T080000Z") && !expanded.contains("RRULE"));
    let limited = asked("<C:limit-recurrence-set start=\"20260326T000000Z\" end=\"20260327T000000Z\"/>".into()).await;
    assert!(limited.contains("RRULE") && !limited.contains("Plus tard"), "{limited}");
    let parts = asked(
        "<C:comp name=\"VCALENDAR\"><C:prop name=\"VERSION\"/><C:comp name=\"VEVENT\"><C:prop \
                       name=\"UID\"/><C:prop name=\"SUMMARY\" novalue=\"yes\"/></C:comp></C:comp>"
            .into(),
    )
    .await;
    assert_eq!(
        parts,
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:s\nSUMMARY:\nEND:VEVENT\nBEGIN:VEVENT\nUID:s\nSUMMARY:\n\
         END:VEVENT\nEND:VCALENDAR"
    );
    // By address: encoded or not, whole URLs, each answered as it is spelled; the same twice, and what is not there.
    let hrefs = [
        "/calendars/max/personal/s.ics",
        "/calendars/max/personal/s.ics",
        "http://x/calendars/max/personal/t%20%40.ics",
        "/calendars/max/personal/t @.ics",
        "/calendars/max/personal/none.ics",
        "/calendars/max/tasks/s.ics",
        "nonsense",
    ];
    let list: String = hrefs.iter().map(|href| format!("<D:href>{href}</D:href>")).collect();
    let body = format!(
        "<C:calendar-multiget {CALDAV}><D:prop><D:getetag/><C:calendar-data/></D:prop>{list}</C:calendar-multiget>"
    );
    let answer = max.report_at(path).body(&body).expect(207).await;
    let reported: Vec<(String, u16)> = answer.statuses();
    assert_eq!(reported.iter().filter(|(_, status)| *status == 200).count(), 3, "{reported:?}");
    assert_eq!(reported.iter().filter(|(_, status)| *status == 404).count(), 3, "{reported:?}");
    let json = max
        .report_at(path)
        .body(&body.replace("<C:calendar-data/>", "<C:calendar-data content-type=\"image/png\"/>"))
        .expect(403)
        .await;
    assert!(json.text().contains("supported-calendar-data"));
    let busy = format!(
        "<C:free-busy-query {CALDAV}><C:time-range start=\"20260401T000000Z\" \
         end=\"20260501T000000Z\"/></C:free-busy-query>"
    );
    let busy = max.report_at(path).body(&busy).expect(200).await;
    assert!(busy.text().contains("FREEBUSY:20260409T070000Z/20260409T080000Z\r\n"), "{}", busy.text());
    assert_eq!(busy.header("content-type"), Some("text/calendar; charset=utf-8"));
}

#[tokio::test]
async fn a_calendar_synchronizes() {
    let world = World::new().await;
    let (max, rita) = (world.client("max"), world.client("rita"));
    let own = "/calendars/tram/meetings/";
    let link = "/calendars/rita/meetings@tram/";
    max.put(&format!("{own}a.ics"), &event("a", &at("20260105T090000Z"))).expect(201).await;
    let ctag = |answer: &Answer| answer.value("getctag");
    let props = "<D:sync-token/><S:getctag xmlns:S=\"http://calendarserver.org/ns/\"/>";
    let before = rita.propfind(link, "0", props).expect(207).await;
    let first = rita.sync(link, "", "1", "").expect(207).await;
    assert_eq!(first.hrefs(), [format!("{link}a.ics")]);
    assert_eq!(first.sync_token(), before.value("sync-token"));
    max.put(&format!("{own}b.ics"), &event("b", &at("20260105T090000Z"))).expect(201).await;
    max.delete(&format!("{own}a.ics")).expect(204).await;
    assert_ne!(ctag(&rita.propfind(link, "0", props).expect(207).await), ctag(&before));
    let next = rita.sync(link, &first.sync_token(), "1", "").expect(207).await;
    assert_eq!(next.statuses(), [(format!("{link}a.ics"), 404), (format!("{link}b.ics"), 200)]);
}

#[tokio::test]
async fn a_single_calendar_or_folder_can_be_shared() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    let calendar = "/calendars/tram/meetings/";
    max.put(&format!("{calendar}a.ics"), &event("a", &at("20260105T090000Z"))).expect(201).await;
    max.mkcol("/files/tram/plans").expect(201).await;
    max.put("/files/tram/plans/a.txt", "a").expect(201).await;
    world.tree.grant(calendar, "zoe", Role::Reader, None).await.unwrap();
    let link = "/calendars/zoe/meetings@tram/";
    assert!(
        zoe.propfind("/calendars/zoe/", "1", "<D:displayname/>").expect(207).await.hrefs().contains(&link.to_owned())
    );
    zoe.get(&format!("{link}a.ics")).expect(200).await;
    zoe.get(&format!("{calendar}a.ics")).expect(200).await;
    for path in ["/calendars/tram/", "/calendars/tram/tasks/", "/files/tram/", "/trash/tram/", "/history/tram/"] {
        zoe.propfind(path, "0", "<D:displayname/>").expect(404).await;
    }
    zoe.put(&format!("{link}b.ics"), &event("b", &at("20260105T090000Z"))).expect(403).await;
    world.tree.grant(calendar, "zoe", Role::Member, None).await.unwrap();
    zoe.put(&format!("{link}b.ics"), &event("b", &at("20260105T090000Z"))).expect(201).await;
    zoe.delete(&format!("{calendar}b.ics")).expect(204).await;
    // What holds for what is in it does not hold for the calendar among others.
    zoe.delete(calendar).expect(403).await;
    zoe.ask("MKCALENDAR", "/calendars/tram/mine").expect(404).await;
    let allow = zoe.options(calendar).expect(200).await;
    assert!(!allow.header("allow").unwrap().contains("DELETE"));
    world.tree.grant("/files/tram/plans", "zoe", Role::Member, None).await.unwrap();
    zoe.put("/files/tram/plans/b.txt", "b").expect(201).await;
    zoe.delete("/files/tram/plans/").expect(403).await;
    zoe.relocate("/files/tram/plans/", "/files/zoe/plans/").expect(403).await;
    zoe.relocate("/files/tram/plans/b.txt", "/files/tram/b.txt").expect(409).await;
    zoe.relocate("/files/tram/plans/b.txt", "/files/zoe/b.txt").expect(201).await;
    zoe.get("/files/tram/plans/").expect(200).await;
    zoe.get("/history/tram/plans/a.txt/").expect(200).await;
    // It ends when it is said to, and a closed project is read only.
    world.tree.grant(calendar, "zoe", Role::Member, Some(1)).await.unwrap();
    zoe.get(&format!("{link}a.ics")).expect(404).await;
    world.tree.close_project("tram").await.unwrap();
    zoe.put("/files/tram/plans/c.txt", "c").expect(403).await;
    world.tree.revoke("/files/tram/plans/", "zoe").await.unwrap();
    zoe.get("/files/tram/plans/a.txt").expect(404).await;
    assert!(world.tree.grants("/files/tram/plans/").await.unwrap().is_empty());
    assert!(world.tree.grants("/files/tram/plans/a.txt").await.is_err());
    world.sound().await;
}

#[tokio::test]
async fn a_calendar_is_what_it_was() {
    use beffroi::model::id::now;
    use std::time::Duration;
    let world = World::new().await;
    let max = world.client("max");
    let path = |name: &str| format!("/calendars/tram/meetings/{name}.ics");
    for name in ["a", "b", "c"] {
        max.put(&path(name), &event(name, &at("20260105T090000Z"))).expect(201).await;
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let then = now();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    // A faulty client empties it, writes one anew under another name, and changes another.
    max.put(&path("a"), &event("a", &at("20270105T090000Z"))).expect(204).await;
    max.delete(&path("b")).expect(204).await;
    max.delete(&path("c")).expect(204).await;
    let lea = world.client("lea");
    lea.delete("/trash/tram/c.ics").expect(204).await;
    max.put(&path("other"), &event("c", &at("20270105T090000Z"))).expect(201).await;
    let owner = world.tree.owner("tram").await.unwrap();
    let request = beffroi::tree::gate::Request::of(
        beffroi::model::method::Method::Update,
        beffroi::model::path::Path::of(&["calendars", "tram", "meetings"]),
        owner,
    );
    world.tree.rewind(&request, then, &mut |_| {}).await.unwrap();
    let january = "<C:comp-filter name=\"VEVENT\"><C:time-range start=\"20260105T000000Z\" \
                   end=\"20260106T000000Z\"/></C:comp-filter>";
    // What was purged is gone for good; all else is as it was.
    assert_eq!(names(&max, "/calendars/tram/meetings/", january).await, ["a", "b"]);
    assert_eq!(names(&max, "/calendars/tram/meetings/", "<C:comp-filter name=\"VEVENT\"/>").await, ["a", "b"]);
    world.sound().await;
}

#[tokio::test]
async fn the_role_free_busy_shows_when_and_nothing_else() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    let calendar = "/calendars/tram/meetings/";
    max.put("/calendars/tram/meetings/a.ics", &event("a", &at("20260105T090000Z"))).expect(201).await;
    let day = format!(
        "<C:free-busy-query {CALDAV}><C:time-range start=\"20260105T000000Z\" \
         end=\"20260106T000000Z\"/></C:free-busy-query>"
    );
    zoe.report_at(calendar).body(&day).expect(404).await;
    world.tree.grant(calendar, "zoe", Role::FreeBusy, None).await.unwrap();
    for (path, nowhere) in [(calendar, 404), ("/calendars/zoe/meetings@tram/", 409)] {
        let reported = zoe.report_at(path).body(&day).expect(200).await;
        assert!(reported.text().contains("FREEBUSY:20260105T090000Z/20260105T100000Z"), "{}", reported.text());
        assert!(!reported.text().contains("Comit"), "{}", reported.text());
        zoe.propfind(path, "1", "<D:displayname/>").expect(404).await;
        assert_eq!(query(&zoe, path, "<D:getetag/>", "").await.status, 404);
        zoe.report_at(&format!("{path}a.ics")).body(&day).expect(404).await;
        zoe.get(&format!("{path}a.ics")).expect(404).await;
        zoe.put(&format!("{path}b.ics"), &event("b", &at("20260105T090000Z"))).expect(nowhere).await;
    }
    let home = zoe.propfind("/calendars/zoe/", "1", "<D:displayname/>").expect(207).await;
    assert!(!home.hrefs().iter().any(|href| href.contains("tram")));
    assert!(world.tree.grant("/files/tram/", "zoe", Role::FreeBusy, None).await.is_err());
    // Reading includes it.
    let privileges = max.propfind(calendar, "0", "<D:current-user-privilege-set/>").expect(207).await;
    assert!(privileges.text().contains("read-free-busy"));
    world.tree.grant(calendar, "zoe", Role::FreeBusy, Some(1)).await.unwrap();
    zoe.report_at(calendar).body(&day).expect(404).await;
}
