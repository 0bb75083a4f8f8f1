//! What calendars take and what they refuse: places, UIDs, filters and properties, each refusal with the condition that
//! names it (RFC 4791 sections 5.3.1, 5.3.2.1 and 7.8).

use beffroi::model::calendar::Indexed;
use beffroi::model::method::Method;
use beffroi::model::node::Blob;
use beffroi::model::path::Path;
use beffroi::store::body::sha256;
use beffroi::tree::edit::content::{Content, FileContent};
use beffroi::tree::gate::Request;

use super::kit::{Answer, Client, World, event};

const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// A refusal with a status and a condition.
#[track_caller]
fn refused(answer: &Answer, status: u16, condition: &str) {
    assert_eq!(answer.status, status, "{condition}: {}", answer.text());
    assert!(answer.text().contains(condition), "{condition}: {}", answer.text());
}

async fn query(client: &Client, path: &str, inner: &str) -> Answer {
    let body = format!("<C:calendar-query {CALDAV}><D:prop><D:getetag/></D:prop>{inner}</C:calendar-query>");
    client.report_at(path).header("Depth", "1").body(&body).send().await
}

async fn filtered(client: &Client, path: &str, filter: &str) -> Answer {
    query(client, path, &format!("<C:filter>{filter}</C:filter>")).await
}

#[tokio::test]
async fn a_uid_is_once_in_a_calendar_however_it_gets_there() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/other/").expect(201).await;
    let (one, other) = ("/calendars/max/personal/", "/calendars/max/other/");
    let at = |calendar: &str, name: &str| format!("{calendar}{name}.ics");
    for (calendar, name, uid) in [(one, "a", "a"), (one, "b", "b"), (other, "x", "a"), (other, "y", "y")] {
        max.put(&at(calendar, name), &event(uid, "20260105")).expect(201).await;
    }
    // UIDs are compared as bytes.
    max.put(&at(one, "capital"), &event("A", "20260105")).expect(201).await;
    // From, to, and who holds the UID there.
    let conflicts = [
        // To a free name.
        (at(one, "a"), at(one, "free"), at(one, "a")),
        (at(one, "a"), at(other, "free"), at(other, "x")),
        // Over an object of another UID, whether or not the UID is held beside.
        (at(one, "a"), at(one, "b"), at(one, "a")),
        (at(one, "a"), at(other, "y"), at(other, "x")),
        (at(one, "b"), at(other, "y"), at(other, "y")),
        (at(one, "capital"), at(other, "x"), at(other, "x")),
    ];
    for (from, to, holder) in &conflicts {
        let href = format!("<C:no-uid-conflict><D:href>{holder}</D:href></C:no-uid-conflict>");
        refused(&max.copy(from, to).send().await, 403, &href);
        // A MOVE within the calendar takes the UID along.
        if *holder != *from {
            refused(&max.relocate(from, to).send().await, 403, &href);
        }
    }
    let within = max.relocate(&at(one, "a"), &at(one, "b")).send().await;
    refused(&within, 403, "no-uid-conflict");
    max.copy(&at(one, "a"), &at(other, "x")).header("Overwrite", "F").expect(412).await;
    // Over the object of the same UID it is the next version of that.
    max.put(&at(one, "a"), &event("a", "20260108")).expect(204).await;
    let before = max.propfind(&at(other, "x"), "0", "<D:resource-id/>").expect(207).await.property("resource-id");
    max.copy(&at(one, "a"), &at(other, "x")).expect(204).await;
    assert!(max.get(&at(other, "x")).expect(200).await.text().contains("20260108"));
    let after = max.propfind(&at(other, "x"), "0", "<D:resource-id/>").expect(207).await.property("resource-id");
    assert_eq!(before, after);
    max.put(&at(one, "a"), &event("a", "20260109")).expect(204).await;
    max.relocate(&at(one, "a"), &at(other, "x")).expect(204).await;
    max.get(&at(one, "a")).expect(404).await;
    assert!(max.get(&at(other, "x")).expect(200).await.text().contains("20260109"));
    let day = "<C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range \
               start=\"20260109T000000Z\" \
               end=\"20260110T000000Z\"/></C:comp-filter></C:comp-filter>";
    assert_eq!(filtered(&max, other, day).await.hrefs(), [at(other, "x")]);
    world.sound().await;
}

#[tokio::test]
async fn calendars_are_copied_and_moved() {
    let world = World::new().await;
    let max = world.client("max");
    let body = format!(
        "<C:mkcalendar {CALDAV}><D:set><D:prop><D:displayname>Vélo</D:displayname><C:supported-calendar-component-set>\
         <C:comp name=\"VEVENT\"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
    );
    max.ask("MKCALENDAR", "/calendars/max/a/").header("Content-Type", "text/xml").body(&body).expect(201).await;
    for uid in ["1", "2"] {
        max.put(&format!("/calendars/max/a/{uid}.ics"), &event(uid, "20260105")).expect(201).await;
    }
    let allow = max.options("/calendars/max/a/").expect(200).await.header("allow").unwrap().to_owned();
    assert!(allow.contains("COPY") && allow.contains("MOVE"), "{allow}");
    let same = |path: &'static str| {
        let max = max.clone();
        async move {
            let props = format!("<D:displayname/><C:supported-calendar-component-set {CALDAV}/>");
            let made = max.propfind(path, "0", &props).expect(207).await;
            assert_eq!(made.value("displayname"), "Vélo");
            assert_eq!(made.text().matches("<C:comp ").count(), 1, "{}", made.text());
            let all = filtered(&max, path, "<C:comp-filter name=\"VCALENDAR\"/>").await.hrefs();
            assert_eq!(all, [format!("{path}1.ics"), format!("{path}2.ics")]);
            let task = event("t", "20260105").replace("VEVENT", "VTODO").replace("DTEND", "DUE");
            refused(&max.put(&format!("{path}t.ics"), &task).send().await, 403, "supported-calendar-component");
        }
    };
    let made = max.copy("/calendars/max/a/", "/calendars/max/b/").expect(201).await;
    assert_eq!(made.header("location"), Some("/calendars/max/b/"));
    same("/calendars/max/b/").await;
    same("/calendars/max/a/").await;
    // Without its members.
    max.copy("/calendars/max/a/", "/calendars/max/empty/").header("Depth", "0").expect(201).await;
    assert_eq!(max.propfind("/calendars/max/empty/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
    max.copy("/calendars/max/a/", "/calendars/max/c/").header("Depth", "1").expect(400).await;
    max.relocate("/calendars/max/a/", "/calendars/max/c/").header("Depth", "0").expect(400).await;
    // Over another one: that goes into the trash.
    max.copy("/calendars/max/a/", "/calendars/max/empty/").header("Overwrite", "F").expect(412).await;
    max.copy("/calendars/max/a/", "/calendars/max/empty/").expect(204).await;
    same("/calendars/max/empty/").await;
    max.relocate("/calendars/max/empty/", "/calendars/max/b/").expect(204).await;
    same("/calendars/max/b/").await;
    max.propfind("/calendars/max/empty/", "0", "").expect(404).await;
    // A new name, and a calendar is what it was.
    max.relocate("/calendars/max/b/", "/calendars/max/d/").expect(201).await;
    same("/calendars/max/d/").await;
    max.get("/calendars/max/b/1.ics").expect(404).await;
    // Where no calendar may stand; nothing changes.
    max.put("/calendars/max/personal/o.ics", &event("o", "20260105")).expect(201).await;
    for to in [
        "/calendars/max/personal/d/",
        "/calendars/max/personal/o.ics",
        "/files/max/d/",
        "/files/max/",
        "/principals/d/",
        "/trash/max/d/",
    ] {
        refused(&max.copy("/calendars/max/d/", to).send().await, 403, "calendar-collection-location-ok");
        refused(&max.relocate("/calendars/max/d/", to).send().await, 403, "calendar-collection-location-ok");
    }
    max.copy("/calendars/max/d/", "/calendars/max/none/d/").expect(409).await;
    max.copy("/calendars/max/d/", "/calendars/max/d/").expect(403).await;
    max.relocate("/calendars/max/d/1.ics", "/calendars/max/1.ics").expect(403).await;
    same("/calendars/max/d/").await;
    // Someone else's that one may read: a copy is one's own. It is not one's to move.
    max.put("/calendars/tram/meetings/m.ics", &event("m", "20260105")).expect(201).await;
    let rita = world.client("rita");
    rita.copy("/calendars/rita/meetings@tram/", "/calendars/rita/mine/").expect(201).await;
    rita.get("/calendars/rita/mine/m.ics").expect(200).await;
    rita.relocate("/calendars/rita/meetings@tram/", "/calendars/rita/theirs/").expect(405).await;
    refused(&rita.copy("/calendars/rita/mine/", "/calendars/tram/mine/").send().await, 403, "need-privileges");
    // To another home; its own keeps it in the trash, out of which it is moved.
    max.relocate("/calendars/max/d/", "/calendars/tram/d/").expect(201).await;
    same("/calendars/tram/d/").await;
    let trash = max.propfind("/trash/max/", "1", "<D:displayname/>").expect(207).await.hrefs();
    assert!(trash.contains(&"/trash/max/d/".to_owned()), "{trash:?}");
    max.relocate("/trash/max/d/", "/calendars/max/back/").expect(201).await;
    same("/calendars/max/back/").await;
    world.sound().await;
}

#[tokio::test]
async fn calendars_are_made_in_a_home_whole_or_not_at_all() {
    let world = World::new().await;
    let max = world.client("max");
    let made = max.ask("MKCALENDAR", "/calendars/max/a/").expect(201).await;
    assert_eq!(made.header("cache-control"), Some("no-cache"));
    refused(&max.ask("MKCALENDAR", "/calendars/max/a/").send().await, 403, "resource-must-be-null");
    refused(&max.mkcol("/calendars/max/a/").send().await, 405, "resource-must-be-null");
    max.put("/calendars/max/a/o.ics", &event("o", "20260105")).expect(201).await;
    refused(&max.ask("MKCALENDAR", "/calendars/max/a/o.ics").send().await, 403, "resource-must-be-null");
    for path in ["/calendars/max/a/b/", "/files/max/b/", "/principals/b/", "/b/"] {
        refused(&max.ask("MKCALENDAR", path).send().await, 403, "calendar-collection-location-ok");
        max.propfind(path, "0", "").expect(404).await;
    }
    max.ask("MKCALENDAR", "/calendars/max/none/b/").expect(409).await;
    let extended = |types: &str| {
        format!("<D:mkcol {CALDAV}><D:set><D:prop><D:resourcetype>{types}</D:resourcetype></D:prop></D:set></D:mkcol>")
    };
    let calendar = "<D:collection/><C:calendar/>";
    for (path, types, condition) in [
        ("/calendars/max/a/b/", calendar, "calendar-collection-location-ok"),
        ("/calendars/max/a/b/", "<D:collection/>", "calendar-collection-location-ok"),
        ("/files/max/b/", calendar, "valid-resourcetype"),
        ("/calendars/max/b/", "<D:collection/>", "valid-resourcetype"),
        ("/calendars/max/b/", "<D:collection/><C:calendar/><C:schedule-inbox/>", "valid-resourcetype"),
        ("/files/max/b/", "<D:collection/><C:addressbook/>", "valid-resourcetype"),
    ] {
        let answer = max.mkcol(path).header("Content-Type", "text/xml").body(&extended(types)).send().await;
        refused(&answer, 403, condition);
    }
    // One property stands in the way of all.
    let zone = |inner: &str| {
        format!("<C:calendar-timezone>BEGIN:VCALENDAR\nVERSION:2.0\n{inner}END:VCALENDAR\n</C:calendar-timezone>")
    };
    let paris = "BEGIN:VTIMEZONE\nTZID:Europe/Paris\nEND:VTIMEZONE\n";
    let with =
        |property: &str| format!("<D:set><D:prop><D:displayname>Vélo</D:displayname>{property}</D:prop></D:set>");
    for (property, status, condition) in [
        ("<D:getetag>x</D:getetag>".to_owned(), 207, "cannot-modify-protected-property"),
        ("<D:resource-id/>".to_owned(), 207, "cannot-modify-protected-property"),
        ("<C:max-instances>1</C:max-instances>".to_owned(), 207, "cannot-modify-protected-property"),
        (zone(""), 403, "valid-calendar-data"),
        (zone(&format!("{paris}{paris}")), 403, "valid-calendar-data"),
        (zone(&format!("{paris}BEGIN:VEVENT\nUID:1\nEND:VEVENT\n")), 403, "valid-calendar-data"),
        (zone("BEGIN:VTIMEZONE\nTZID:Ours\nEND:VTIMEZONE\n"), 403, "valid-calendar-data"),
        ("<C:calendar-timezone>Europe/Paris</C:calendar-timezone>".to_owned(), 403, "valid-calendar-data"),
        ("<C:calendar-timezone-id>Nowhere</C:calendar-timezone-id>".to_owned(), 403, "valid-timezone"),
    ] {
        let body = format!("<C:mkcalendar {CALDAV}>{}</C:mkcalendar>", with(&property));
        let answer =
            max.ask("MKCALENDAR", "/calendars/max/b/").header("Content-Type", "text/xml").body(&body).send().await;
        refused(&answer, status, condition);
        if status == 207 {
            assert_eq!(answer.hrefs(), ["/calendars/max/b/"]);
            assert!(answer.text().contains(" 424 "), "{}", answer.text());
        }
        let properties = format!("<D:resourcetype>{calendar}</D:resourcetype>{property}");
        let body = format!("<D:mkcol {CALDAV}>{}</D:mkcol>", with(&properties));
        let answer = max.mkcol("/calendars/max/b/").header("Content-Type", "text/xml").body(&body).send().await;
        refused(&answer, 403, condition);
        assert!(answer.text().contains("mkcol-response") && answer.text().contains(" 424 "), "{}", answer.text());
        max.propfind("/calendars/max/b/", "0", "").expect(404).await;
        // The same of a calendar that is there; and what a query brings.
        let answer =
            max.proppatch("/calendars/max/a/", &format!("<D:set><D:prop {CALDAV}>{property}</D:prop></D:set>"));
        refused(&answer.send().await, 207, condition);
        if let Some(zone) = property.strip_prefix("<C:calendar-timezone>") {
            let zone = zone.replace("calendar-timezone", "timezone");
            let brought = format!("<C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter><C:timezone>{zone}");
            refused(&query(&max, "/calendars/max/a/", &brought).await, 403, condition);
        }
    }
    let good = format!("<C:mkcalendar {CALDAV}>{}</C:mkcalendar>", with(&zone(paris)));
    max.ask("MKCALENDAR", "/calendars/max/b/").header("Content-Type", "text/xml").body(&good).expect(201).await;
    world.sound().await;
}

/// What is kept as it was sent has to be what everybody reads: what is not is refused by its reason, in the language
/// that is asked for.
#[tokio::test]
async fn how_an_object_is_written_is_known_by_its_name() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/calendars/max/personal/";
    let good = event("a", "20260105");
    let utf_16 =
        |mark: &str| -> Vec<u8> { format!("{mark}{good}").encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let hebrew = good.replace("DTSTART", "RRULE:RSCALE=HEBREW;FREQ=YEARLY\r\nDTSTART").into_bytes();
    for (bytes, condition, english, french) in [
        (utf_16("\u{feff}"), "valid-calendar-data", "UTF-16", "UTF-16"),
        (utf_16(""), "valid-calendar-data", "UTF-16", "UTF-16"),
        (good.replace("\r\n", "\r").into_bytes(), "valid-calendar-data", "carriage return", "retour chariot"),
        (good.replace("VERSION:2.0", "VERSION:1.0").into_bytes(), "supported-calendar-data", "vCalendar", "vCalendar"),
        (hebrew, "supported-rscale", "Gregorian", "gr\u{e9}gorien"),
    ] {
        for (language, sentence) in [("en", english), ("fr", french)] {
            let answer = max.put(&format!("{path}a.ics"), &bytes).header("Accept-Language", language).send().await;
            refused(&answer, 403, condition);
            assert!(answer.text().contains(sentence), "{}", answer.text());
        }
    }
    let marked = format!("\u{feff}{}", good.replace("VERSION:2.0\r\n", ""));
    max.put(&format!("{path}a.ics"), &marked).expect(201).await;
    assert_eq!(max.get(&format!("{path}a.ics")).expect(200).await.body, marked.as_bytes());
    // By which calendars rules count can be asked before.
    let asked = "<C:supported-rscale-set xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>";
    let scales = max.propfind(path, "0", asked).expect(207).await.property("supported-rscale-set").unwrap();
    let scales: Vec<String> =
        scales.elements().filter(|e| e.name.is_caldav("supported-rscale")).map(|e| e.text()).collect();
    assert_eq!(scales, ["GREGORIAN"]);
    world.sound().await;
}

#[tokio::test]
async fn filters_follow_their_grammar() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/calendars/max/personal/";
    max.put(&format!("{path}a.ics"), &event("a", "20260105")).expect(201).await;
    let comp = |name: &str, inner: &str| format!("<C:comp-filter name=\"{name}\">{inner}</C:comp-filter>");
    let within = |inner: &str| comp("VCALENDAR", &comp("VEVENT", inner));
    let prop = |name: &str, inner: &str| within(&format!("<C:prop-filter name=\"{name}\">{inner}</C:prop-filter>"));
    let (range, none, text) = (
        "<C:time-range start=\"20260101T000000Z\" end=\"20270101T000000Z\"/>",
        "<C:is-not-defined/>",
        "<C:text-match>e</C:text-match>",
    );
    let param = |inner: &str| prop("ATTENDEE", &format!("<C:param-filter name=\"CN\">{inner}</C:param-filter>"));
    let ranged = |range: &str| within(&format!("<C:time-range {range}/>"));
    let matched = |attributes: &str| prop("SUMMARY", &format!("<C:text-match {attributes}>e</C:text-match>"));
    let top = comp("VCALENDAR", "");
    let table = [
        (String::new(), "valid-filter"),
        (format!("{top}{top}"), "valid-filter"),
        (comp("VEVENT", ""), "valid-filter"),
        ("<C:comp-filter/>".to_owned(), "valid-filter"),
        (comp("", ""), "valid-filter"),
        ("<C:prop-filter name=\"UID\"/>".to_owned(), "valid-filter"),
        ("<C:bogus/>".to_owned(), "valid-filter"),
        (comp("VCALENDAR", "<C:bogus/>"), "valid-filter"),
        (within("<C:param-filter name=\"CN\"/>"), "valid-filter"),
        (within("<C:text-match>e</C:text-match>"), "valid-filter"),
        (within(&format!("{none}{range}")), "valid-filter"),
        (within(&format!("{none}{none}")), "valid-filter"),
        (within(&format!("{none}<C:prop-filter name=\"UID\"/>")), "valid-filter"),
        (within(&format!("{range}{range}")), "valid-filter"),
        (within(&comp("VCALENDAR", "")), "valid-filter"),
        (within(&comp("VTODO", "")), "valid-filter"),
        (comp("VCALENDAR", &comp("VTODO", &comp("VEVENT", ""))), "valid-filter"),
        (comp("VCALENDAR", &comp("VALARM", "")), "valid-filter"),
        (comp("VCALENDAR", &comp("STANDARD", "")), "valid-filter"),
        (comp("VCALENDAR", &comp("VTIMEZONE", range)), "valid-filter"),
        ("<D:comp-filter name=\"VCALENDAR\"/>".to_owned(), "supported-filter"),
        (within("<x:near xmlns:x=\"urn:x\"/>"), "supported-filter"),
        (prop("SUMMARY", range), "valid-filter"),
        (prop("DTSTART", &format!("{range}{text}")), "valid-filter"),
        (prop("SUMMARY", &format!("{text}{text}")), "valid-filter"),
        (prop("SUMMARY", &format!("{none}{text}")), "valid-filter"),
        (prop("SUMMARY", &comp("VALARM", "")), "valid-filter"),
        (within("<C:prop-filter/>"), "valid-filter"),
        (param(&format!("{none}{text}")), "valid-filter"),
        (param(range), "valid-filter"),
        (prop("ATTENDEE", "<C:param-filter/>"), "valid-filter"),
        (matched("negate-condition=\"maybe\""), "valid-filter"),
        (matched("collation=\"i;klingon\""), "supported-collation"),
        (ranged(""), "valid-filter"),
        (ranged("start=\"\""), "valid-filter"),
        (ranged("start=\"20260101\""), "valid-filter"),
        (ranged("start=\"20260101T000000\""), "valid-filter"),
        (ranged("start=\"20260101T000000+0100\""), "valid-filter"),
        (ranged("start=\"20261301T000000Z\""), "valid-filter"),
        (ranged("start=\"2026-01-01T00:00:00Z\""), "valid-filter"),
        (ranged("start=\"20260101T000000Z\" end=\"20260101T000000Z\""), "valid-filter"),
        (ranged("start=\"20260102T000000Z\" end=\"20260101T000000Z\""), "valid-filter"),
        (ranged("start=\"20260101T000000Z\" end=\"tomorrow\""), "valid-filter"),
    ];
    for (filter, condition) in &table {
        refused(&filtered(&max, path, filter).await, 403, condition);
    }
    refused(&query(&max, path, "").await, 403, "valid-filter");
    let twice = format!("<C:filter>{top}</C:filter>");
    refused(&query(&max, path, &format!("{twice}{twice}")).await, 403, "valid-filter");
    for range in ["", "<C:time-range/>", "<C:time-range start=\"20260101T000000\" end=\"20270101T000000\"/>"] {
        let body = format!("<C:free-busy-query {CALDAV}>{range}</C:free-busy-query>");
        refused(&max.report_at(path).body(&body).send().await, 403, "valid-filter");
    }
    // What follows it is answered, though there is nothing of the kind.
    for (filter, found) in [
        (top.clone(), 1),
        (within(&comp("VALARM", none)), 1),
        (comp("VCALENDAR", &comp("X-OWN", &comp("X-INNER", ""))), 0),
        (prop("X-DAY", range), 0),
        (prop("DTSTART", range), 1),
        (prop("dtstamp", ""), 1),
        (ranged("start=\"20260101T000000Z\""), 1),
        (ranged("end=\"20260101T000000Z\""), 0),
        (param(none), 0),
    ] {
        let answer = filtered(&max, path, &filter).await;
        assert_eq!((answer.status, answer.hrefs().len()), (207, found), "{filter}: {}", answer.text());
    }
}

#[tokio::test]
async fn one_question_is_asked_at_a_time() {
    let world = World::new().await;
    let max = world.client("max");
    let kinds = ["<D:allprop/>", "<D:propname/>", "<D:prop><D:getetag/></D:prop>"];
    for one in kinds {
        for other in kinds.iter().filter(|other| **other != one) {
            let body = format!("<D:propfind xmlns:D=\"DAV:\">{one}{other}</D:propfind>");
            max.ask("PROPFIND", "/calendars/max/personal/").header("Depth", "0").body(&body).expect(400).await;
            let top = "<C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>";
            let body = format!("<C:calendar-query {CALDAV}>{one}{other}{top}</C:calendar-query>");
            max.report_at("/calendars/max/personal/").header("Depth", "1").body(&body).expect(400).await;
        }
        let body = format!("<D:propfind xmlns:D=\"DAV:\">{one}</D:propfind>");
        max.ask("PROPFIND", "/calendars/max/personal/").header("Depth", "0").body(&body).expect(207).await;
    }
}

#[tokio::test]
async fn what_has_no_reading_is_refused_with_a_reason() {
    let world = World::new().await;
    let max = world.client("max");
    let calendar = "/calendars/max/personal/";
    let sound = event("a", "20260105");
    let with = |lines: &str| sound.replace("SUMMARY", &format!("{lines}\r\nSUMMARY"));
    let alarm = "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nACKNOWLEDGED:20260105T084500\r\nEND:VALARM\r\nX-A:b";
    for (lines, reason, french) in [
        ("RRULE:FREQ=FOO", "rule-unknown-frequency", "FREQ=FOO"),
        ("RRULE:FREQ=WEEKLY;BYDAY=+1", "rule-no-value", "ne dit rien"),
        ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260110T000000Z", "rule-count-with-until", "deux fins"),
        ("EXDATE:never", "dates", "EXDATE:never"),
        (alarm, "acknowledged", "en UTC"),
    ] {
        let text = with(lines).replace("SUMMARY:Meeting\r\n", "");
        let put = max.put(&format!("{calendar}a.ics"), &text).header("Accept-Language", "fr").send().await;
        let post = max.ask("POST", calendar).header("Content-Type", "text/calendar").header("Accept-Language", "fr");
        for answer in [put, post.body(&text).send().await] {
            refused(
                &answer,
                403,
                &format!("<C:valid-calendar-data/><B:reason>{reason}</B:reason><B:message xml:lang=\"fr\">"),
            );
            assert!(answer.text().contains(french), "{}", answer.text());
        }
    }
    let none = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nEND:VCALENDAR\r\n";
    refused(&max.put(&format!("{calendar}a.ics"), none).send().await, 403, "valid-calendar-object-resource");
    // What was there stays.
    max.put(&format!("{calendar}a.ics"), &sound).expect(201).await;
    refused(&max.put(&format!("{calendar}a.ics"), &with("DTEND:never")).send().await, 403, "valid-calendar-data");
    assert_eq!(max.get(&format!("{calendar}a.ics")).expect(200).await.text(), sound);
    world.sound().await;
}

/// Stores what nobody judged, as it was done in former days.
async fn stored_long_ago(world: &World, path: &str, uid: &str, text: &str) {
    let bytes = bytes::Bytes::from(text.to_owned());
    let blob = Blob { hash: sha256(&bytes), size_bytes: bytes.len() as i64, inline: Some(bytes) };
    let indexed = Indexed { component: "VEVENT".to_owned(), ..Indexed::unreadable("") };
    let indexed = Indexed { uid: uid.to_owned(), ..indexed };
    let content = FileContent::object(blob, indexed);
    let request = Request::of(Method::Put, Path::parse(path).unwrap(), world.tree.owner("max").await.unwrap());
    let mut admitted = world.tree.write(&request).await.unwrap();
    admitted.bind(Content::File(content)).await.unwrap();
    admitted.commit().await.unwrap();
}

#[tokio::test]
async fn what_lies_there_from_former_days_is_served_as_it_is_and_listed_by_the_check() {
    let world = World::new().await;
    let max = world.client("max");
    let (here, there) = ("/calendars/max/personal/", "/calendars/max/other/");
    max.ask("MKCALENDAR", there).expect(201).await;
    let old = event("old", "20260105").replace("SUMMARY", "RRULE:FREQ=FOO\r\nSUMMARY");
    stored_long_ago(&world, &format!("{here}old.ics"), "old", &old).await;
    max.put(&format!("{here}new.ics"), &event("new", "20260105")).expect(201).await;
    refused(&max.put(&format!("{here}old.ics"), &old).send().await, 403, "valid-calendar-data");
    // It is read, found, copied, moved, deleted and restored like the rest.
    assert_eq!(max.get(&format!("{here}old.ics")).expect(200).await.text(), old);
    let day = "<C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range \
               start=\"20260105T000000Z\" \
               end=\"20260106T000000Z\"/></C:comp-filter></C:comp-filter>";
    assert_eq!(filtered(&max, here, day).await.hrefs().len(), 2);
    max.copy(&format!("{here}old.ics"), &format!("{there}copy.ics")).expect(201).await;
    max.relocate(&format!("{there}copy.ics"), &format!("{there}moved.ics")).expect(201).await;
    max.delete(&format!("{there}moved.ics")).expect(204).await;
    max.relocate("/trash/max/moved.ics", &format!("{there}back.ics")).expect(201).await;
    max.copy(here, "/calendars/max/whole/").expect(201).await;
    max.delete("/calendars/max/whole/").expect(204).await;
    let report = world.tree.check(|_| {}).await.unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let reported =
        |found: &beffroi::tree::check::InvalidObject| (found.address.clone(), found.reason.code().to_owned());
    let mut judged: Vec<(String, String)> = report.judged.iter().map(reported).collect();
    judged.sort();
    let expected = [format!("{there}back.ics"), format!("{here}old.ics"), "/trash/max/whole/old.ics".to_owned()];
    assert_eq!(judged, expected.map(|address| (address, "rule-unknown-frequency".to_owned())));
}

/// Where a condition is one of the request as a whole, a sentence says it to people.
#[tokio::test]
async fn each_refusal_is_said_in_the_language_of_who_asks() {
    let world = World::new().await;
    let max = world.client("max");
    let calendar = "/calendars/max/personal/";
    let query = |inner: &str| {
        let body = format!("<C:calendar-query {CALDAV}><D:prop/>{inner}</C:calendar-query>");
        max.report_at(calendar).body(&body)
    };
    let top = "<C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>";
    let filter =
        |inner: &str| format!("<C:filter><C:comp-filter name=\"VCALENDAR\">{inner}</C:comp-filter></C:filter>");
    let text = "<C:comp-filter name=\"VEVENT\"><C:prop-filter name=\"UID\"><C:text-match \
                collation=\"x\">a</C:text-match></C:prop-filter></C:comp-filter>";
    let refusals = [
        (max.ask("MKCALENDAR", calendar), "Il y a d\u{e9}j\u{e0}"),
        (max.ask("MKCALENDAR", "/files/max/a/"), "Aucun calendrier"),
        (max.mkcol("/calendars/max/a/"), "de cette sorte"),
        (max.put("/calendars/max/personal/a.ics", "x").header("Content-Type", "text/html"), "text/calendar"),
        (query(""), "ne suit pas la grammaire"),
        (query(&filter("<x:y xmlns:x=\"urn:x\"/>")), "ce que l\u{2019}on ne peut pas chercher"),
        (query(&filter(text)), "compar\u{e9}s"),
        (query(&format!("{top}<C:timezone>Paris</C:timezone>")), "VTIMEZONE"),
        (query(&format!("{top}<C:timezone-id>Paris</C:timezone-id>")), "ne porte ce nom"),
        (
            max.report_at("/files/max/").body(&format!("<C:calendar-query {CALDAV}>{top}</C:calendar-query>")),
            "Ce rapport",
        ),
    ];
    for (ask, sentence) in refusals {
        let answer = ask.header("Accept-Language", "fr").send().await;
        assert!(answer.text().contains("<B:message xml:lang=\"fr\">"), "{sentence}: {}", answer.text());
        assert!(answer.text().contains(sentence), "{sentence}: {}", answer.text());
    }
}
