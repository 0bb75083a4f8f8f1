//! How questions are asked: reports of one object, preferences, depths, properties that name resources, and objects as
//! jCal.

use super::kit::{Answer, Client, World, event};

const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
const CALENDAR: &str = "/calendars/max/personal/";

async fn reported(client: &Client, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    headers.iter().fold(client.report_at(path), |ask, (name, value)| ask.header(name, value)).body(body).send().await
}

#[tokio::test]
async fn one_object_is_asked_like_a_calendar() {
    let world = World::new().await;
    let max = world.client("max");
    for (name, day) in [("a", "20260105"), ("b", "20260205")] {
        max.put(&format!("{CALENDAR}{name}.ics"), &event(name, day)).expect(201).await;
    }
    let object = format!("{CALENDAR}a.ics");
    let query = |range: &str| {
        format!(
            "<C:calendar-query {CALDAV}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter \
             name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">{range}</C:comp-filter></C:comp-filter></C:filter>\
             </C:calendar-query>"
        )
    };
    let in_month = |month: u8| {
        query(&format!("<C:time-range start=\"2026{month:02}01T000000Z\" end=\"2026{:02}01T000000Z\"/>", month + 1))
    };
    for (body, found) in [(query(""), true), (in_month(1), true), (in_month(2), false)] {
        let answer = reported(&max, &object, &body, &[]).await;
        assert_eq!(answer.status, 207, "{}", answer.text());
        assert_eq!(answer.hrefs(), if found { vec![object.clone()] } else { vec![] }, "{body}");
        assert_eq!(answer.text().contains("UID:a"), found);
    }
    let multiget = |hrefs: &[&str]| {
        let hrefs: String = hrefs.iter().map(|href| format!("<D:href>{href}</D:href>")).collect();
        format!("<C:calendar-multiget {CALDAV}><D:prop><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>")
    };
    for href in [object.clone(), format!("http://{}{object}", world.address), object.replace("a.ics", "%61.ics")] {
        let answer = reported(&max, &object, &multiget(&[&href]), &[("Depth", "1")]).await;
        assert_eq!((answer.status, answer.hrefs()), (207, vec![href]), "{}", answer.text());
        assert!(answer.text().contains("UID:a"));
    }
    let other = format!("{CALENDAR}b.ics");
    let (object_at, other_at) = (object.as_str(), other.as_str());
    for hrefs in [&[][..], &[other_at], &[object_at, other_at], &[object_at, object_at], &["nonsense"]] {
        assert_eq!(reported(&max, &object, &multiget(hrefs), &[]).await.status, 400, "{hrefs:?}");
    }
    let busy = format!(
        "<C:free-busy-query {CALDAV}><C:time-range start=\"20260101T000000Z\" \
         end=\"20270101T000000Z\"/></C:free-busy-query>"
    );
    let refused = reported(&max, &object, &busy, &[]).await;
    assert!(refused.status == 403 && refused.text().contains("supported-report"), "{}", refused.text());
    // Each says so of itself, and what is not there, or not to be seen, is neither.
    let described = |path: String| {
        let max = max.clone();
        async move { max.propfind(&path, "0", "<D:supported-report-set/>").expect(207).await.text() }
    };
    let (of_object, of_calendar) = (described(object.clone()).await, described(CALENDAR.to_owned()).await);
    for (report, on_object) in [("calendar-query", true), ("calendar-multiget", true), ("free-busy-query", false)] {
        assert_eq!((of_object.contains(report), of_calendar.contains(report)), (on_object, true), "{report}");
    }
    assert_eq!(reported(&max, &format!("{CALENDAR}none.ics"), &query(""), &[]).await.status, 404);
    assert_eq!(reported(&world.client("zoe"), &object, &query(""), &[]).await.status, 404);
    assert_eq!(reported(&max, "/files/max/", &query(""), &[]).await.status, 403);
}

#[tokio::test]
async fn changes_answer_with_what_is_there_now() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{CALENDAR}a.ics");
    let whole = ("Prefer", "return=representation");
    let heeded = |answer: &Answer| {
        assert_eq!(answer.header("preference-applied"), Some("return=representation"), "{}", answer.text());
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Prefer")));
    };
    let (first, second) = (event("a", "20260105"), event("a", "20260106"));
    let made = max.put(&path, &first).header(whole.0, whole.1).expect(201).await;
    heeded(&made);
    assert_eq!((made.text(), made.header("content-location")), (first.clone(), Some(path.as_str())));
    assert_eq!(made.header("content-type"), Some("text/calendar; charset=utf-8"));
    let etag = max.get(&path).expect(200).await.header("etag").unwrap().to_owned();
    assert_eq!(made.header("etag"), Some(etag.as_str()));
    // Who comes too late learns what is there instead.
    let late = max.put(&path, &second).header("If-None-Match", "*").header(whole.0, whole.1).expect(412).await;
    heeded(&late);
    assert_eq!((late.text(), late.header("etag")), (first.clone(), Some(etag.as_str())));
    assert_eq!(
        max.put(&path, &second).header("If-None-Match", "*").expect(412).await.header("preference-applied"),
        None
    );
    let none = max.put(&format!("{CALENDAR}none.ics"), &second).header("If-Match", "\"x\"").header(whole.0, whole.1);
    assert_eq!(none.expect(412).await.header("preference-applied"), None);
    let changed = max.put(&path, &second).header("If-Match", &etag).header(whole.0, whole.1).expect(200).await;
    heeded(&changed);
    assert_eq!(changed.text(), second);
    assert!(
        max.put(&path, &second)
            .header("Prefer", "return=minimal, return=representation")
            .expect(204)
            .await
            .body
            .is_empty()
    );
    let json =
        max.put(&path, &first).header(whole.0, whole.1).header("Accept", "application/calendar+json").expect(200).await;
    assert!(json.text().starts_with("[\"vcalendar\""), "{}", json.text());
    let document = max.put("/files/max/a.txt", "content").header(whole.0, whole.1).expect(201).await;
    heeded(&document);
    assert_eq!(document.text(), "content");
    let posted = max.ask("POST", CALENDAR).header("Content-Type", "text/calendar").header(whole.0, whole.1);
    let posted = posted.body(&event("p", "20260105")).expect(201).await;
    heeded(&posted);
    assert_eq!(posted.header("location"), posted.header("content-location"));
    assert!(posted.text().contains("UID:p"));
    let set = "<D:set><D:prop><D:displayname>X</D:displayname></D:prop></D:set>";
    let patched = max.ask("PROPPATCH", CALENDAR).header(whole.0, whole.1);
    heeded(&patched.body(&format!("<D:propertyupdate xmlns:D=\"DAV:\">{set}</D:propertyupdate>")).expect(207).await);
    let make = |path: &str| max.ask("MKCALENDAR", path).header("Content-Type", "text/xml");
    let body = format!("<C:mkcalendar {CALDAV}>{set}</C:mkcalendar>");
    let made = make("/calendars/max/a/").header(whole.0, whole.1).body(&body).expect(201).await;
    heeded(&made);
    assert!(
        made.xml().name.is_caldav("mkcalendar-response") && made.text().contains("<D:displayname/>"),
        "{}",
        made.text()
    );
    assert!(make("/calendars/max/b/").body(&body).expect(201).await.body.is_empty());
    world.sound().await;
}

#[tokio::test]
async fn members_are_listed_without_what_holds_them() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{CALENDAR}a.ics");
    max.put(&path, &event("a", "20260105")).expect(201).await;
    for (prefer, hrefs, applied) in [
        ("", vec![CALENDAR, &path], None),
        ("depth-noroot", vec![&path], Some("depth-noroot")),
        ("return=minimal; depth-noroot", vec![&path], Some("return=minimal, depth-noroot")),
        ("return=minimal, Depth-NoRoot", vec![&path], Some("return=minimal, depth-noroot")),
    ] {
        let answer = max.propfind(CALENDAR, "1", "<D:getetag/>").header("Prefer", prefer).expect(207).await;
        assert_eq!(answer.hrefs(), hrefs, "{prefer}");
        assert_eq!(answer.header("preference-applied"), applied, "{prefer}");
    }
    // At depth 0 there would be nothing left.
    let alone = max.propfind(CALENDAR, "0", "<D:getetag/>").header("Prefer", "depth-noroot").expect(207).await;
    assert_eq!((alone.hrefs(), alone.header("preference-applied")), (vec![CALENDAR.to_owned()], None));
    let object = max.propfind(&path, "1", "<D:getetag/>").header("Prefer", "depth-noroot").expect(207).await;
    assert_eq!(object.hrefs(), std::slice::from_ref(&path));
    max.propfind("/files/none/", "1", "").header("Prefer", "depth-noroot").expect(404).await;
    let query = format!(
        "<C:calendar-query {CALDAV}><D:prop><D:getetag/><D:none/></D:prop><C:filter><C:comp-filter \
         name=\"VCALENDAR\"/></C:filter></C:calendar-query>"
    );
    let prefer = ("Prefer", "depth-noroot, return=minimal");
    let answer = reported(&max, CALENDAR, &query, &[("Depth", "1"), prefer]).await;
    assert_eq!((answer.hrefs(), answer.text().contains(" 404 ")), (vec![path.clone()], false));
    assert_eq!(answer.header("preference-applied"), Some("return=minimal, depth-noroot"));
    let sync = max.sync(CALENDAR, "", "1", "").header("Depth", "1").header(prefer.0, prefer.1).expect(207).await;
    assert_eq!(sync.hrefs(), [path]);
}

#[tokio::test]
async fn reports_on_principals_are_asked_at_depth_0() {
    let world = World::new().await;
    let max = world.client("max");
    let search = "<D:principal-property-search \
                  xmlns:D=\"DAV:\"><D:property-search><D:prop><D:displayname/></D:prop><D:match>max</D:match>\
                  </D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>";
    let set = "<D:principal-search-property-set xmlns:D=\"DAV:\"/>";
    for (body, status) in [(search, 207), (set, 200)] {
        for (depth, expected) in
            [(None, status), (Some("0"), status), (Some("1"), 400), (Some("infinity"), 400), (Some("2"), 400)]
        {
            let headers: Vec<(&str, &str)> = depth.into_iter().map(|depth| ("Depth", depth)).collect();
            assert_eq!(reported(&max, "/principals/", body, &headers).await.status, expected, "{depth:?} {body}");
        }
    }
}

#[tokio::test]
async fn addresses_in_properties_of_clients_are_expanded() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/max/a.txt", "x").expect(201).await;
    max.put("/files/max/b.txt", "y").expect(201).await;
    world.client("zoe").put("/files/zoe/hers.txt", "z").expect(201).await;
    let value = "<d:href xmlns:d=\"DAV:\">/files/max/b.txt</d:href> and <x:in xmlns:x=\"urn:x\"><d:href \
                 xmlns:d=\"DAV:\">\
                 /files/zoe/hers.txt</d:href><x:href>/files/max/b.txt</x:href></x:in>";
    let set = format!(
        "<D:set><D:prop><r:related xmlns:r=\"urn:r\">{value}</r:related><r:plain \
         xmlns:r=\"urn:r\">text</r:plain></D:prop></D:set>"
    );
    max.proppatch("/files/max/a.txt", &set).expect(207).await;
    let body = "<D:expand-property xmlns:D=\"DAV:\"><D:property name=\"related\" namespace=\"urn:r\"><D:property \
                name=\"getetag\"/>\
                <D:property name=\"none\"/></D:property><D:property name=\"plain\" namespace=\"urn:r\"><D:property \
                name=\"getetag\"/>\
                </D:property><D:property name=\"owner\"><D:property \
                name=\"displayname\"/></D:property></D:expand-property>";
    let reported = max.report_at("/files/max/a.txt").body(body).expect(207).await;
    let related = reported.property("related").unwrap();
    let response = related.dav("response").unwrap_or_else(|| panic!("{}", reported.text()));
    assert_eq!(response.dav("href").unwrap().text(), "/files/max/b.txt");
    let etag = max.get("/files/max/b.txt").expect(200).await.header("etag").unwrap().to_owned();
    let found = response.dav("propstat").unwrap().dav("prop").unwrap().dav("getetag").unwrap().text();
    assert_eq!(found, etag);
    // What may not be seen stays an address, and what is no address of DAV's stays as it is.
    let inside = related.elements().find(|element| element.name.local == "in").unwrap();
    let hrefs: Vec<String> = inside.elements().map(|element| element.text()).collect();
    assert_eq!(hrefs, ["/files/zoe/hers.txt", "/files/max/b.txt"]);
    assert_eq!(reported.value("plain"), "text");
    assert_eq!(
        reported.property("owner").unwrap().dav("response").unwrap().dav("href").unwrap().text(),
        "/principals/max/"
    );
    // One that names itself comes to an end.
    let circle =
        "<D:set><D:prop><r:related xmlns:r=\"urn:r\"><D:href>/files/max/a.txt</D:href></r:related></D:prop></D:set>";
    max.proppatch("/files/max/a.txt", circle).expect(207).await;
    let mut body = String::new();
    for _ in 0..20 {
        body = format!("<D:property name=\"related\" namespace=\"urn:r\">{body}</D:property>");
    }
    let body = format!("<D:expand-property xmlns:D=\"DAV:\">{body}</D:expand-property>");
    max.report_at("/files/max/a.txt").body(&body).expect(207).await;
}

#[tokio::test]
async fn objects_come_as_json_too() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{CALENDAR}a.ics");
    let json = ("Content-Type", "application/calendar+json; charset=utf-8");
    let object = "[\"vcalendar\",[[\"version\",{},\"text\",\"2.0\"],[\"prodid\",{},\"text\",\"-//x//y//EN\"]],\
                  [[\"vevent\",[\
                  [\"uid\",{},\"text\",\"a\"],[\"dtstamp\",{},\"date-time\",\"2026-01-01T00:00:00Z\"],\
                  [\"dtstart\",{\"tzid\":\"Europe/Paris\"},\"date-time\",\"2026-01-05T09:00:00\"],\
                  [\"duration\",{},\"duration\",\"PT1H\"],\
                  [\"summary\",{},\"text\",\"R\\u00e9union; une, deux\\nfin\"],\
                  [\"rrule\",{},\"recur\",{\"freq\":\"WEEKLY\",\"count\":3,\"byday\":[\"MO\",\"TU\"]}]],[]]]]";
    let made = max.put(&path, object).header(json.0, json.1).expect(201).await;
    // It is not what was sent, so its tag has to be read.
    assert_eq!(made.header("etag"), None);
    let stored = max.get(&path).expect(200).await;
    assert!(stored.text().contains("DTSTART;TZID=Europe/Paris:20260105T090000\r\n"), "{}", stored.text());
    assert!(stored.text().contains("SUMMARY:R\u{e9}union\\; une\\, deux\\nfin\r\n"), "{}", stored.text());
    let back = max.get(&path).header("Accept", "application/calendar+json").expect(200).await;
    let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(value(&back.body), value(object.as_bytes()));
    let day = format!(
        "<C:calendar-query {CALDAV}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter \
         name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
         <C:time-range start=\"20260112T000000Z\" \
         end=\"20260113T000000Z\"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    );
    assert_eq!(reported(&max, CALENDAR, &day, &[("Depth", "1")]).await.hrefs(), std::slice::from_ref(&path));
    // What is sent is taken again, with the same bytes stored.
    max.put(&path, &back.body).header(json.0, json.1).expect(204).await;
    assert_eq!(max.get(&path).expect(200).await.text(), stored.text());
    let posted = max.ask("POST", CALENDAR).header(json.0, json.1).body(&object.replace("\"a\"", "\"b\""));
    posted.expect(201).await;
    for (body, condition) in [
        ("{}".to_owned(), "<C:valid-calendar-data/><B:reason>jcal</B:reason>"),
        ("[".repeat(10_000), "<C:valid-calendar-data/><B:reason>jcal</B:reason>"),
        (object.replace("WEEKLY", "FOO"), "<C:valid-calendar-data/><B:reason>rule-unknown-frequency</B:reason>"),
        (object.replace("vevent", "vfreebusy"), "supported-calendar-component"),
        (object.replace("PT1H", "PT1H\\nATTENDEE:mailto:a@b"), "valid-calendar-data"),
        (object.replace("\"a\"", "\"c\""), "no-uid-conflict"),
        (event("a", "20260105"), "valid-calendar-data"),
    ] {
        let refused = max.put(&path, &body).header(json.0, json.1).expect(403).await;
        assert!(refused.text().contains(condition), "{condition}: {}", refused.text());
    }
    // What would take too much memory to be read is refused before.
    let heavy = format!("[\"vcalendar\",[[\"x-a\",{{}},\"integer\"{}]],[]]", ",1".repeat(3_000_000));
    max.put(&path, &heavy).header(json.0, json.1).expect(507).await;
    refused_type(&max, &path).await;
    world.sound().await;
}

/// What is announced is taken, and nothing else.
async fn refused_type(client: &Client, path: &str) {
    let asked = format!("<C:supported-calendar-data {CALDAV}/>");
    let found = client.propfind(CALENDAR, "0", &asked).expect(207).await.text();
    for kind in ["text/calendar", "application/calendar+json"] {
        assert!(found.contains(&format!("content-type=\"{kind}\"")), "{found}");
    }
    for kind in ["application/calendar+xml", "application/json", "text/x-vcalendar", "text/html"] {
        let refused = client.put(path, "x").header("Content-Type", kind).expect(403).await;
        assert!(refused.text().contains("supported-calendar-data"), "{kind}: {}", refused.text());
    }
}

#[tokio::test]
async fn zones_that_objects_only_name_are_listed() {
    let world = World::new().await;
    let max = world.client("max");
    let asked = format!("<C:timezone-service-set {CALDAV}/>");
    let home = max.propfind("/calendars/max/", "0", &asked).expect(207).await;
    assert_eq!(home.property("timezone-service-set").unwrap().dav("href").unwrap().text(), "/timezones");
    assert!(max.propfind(CALENDAR, "0", &asked).expect(207).await.property("timezone-service-set").is_none());
    assert_eq!(max.get("/.well-known/timezone").expect(301).await.header("location"), Some("/timezones"));
    world.nobody().get("/timezones/capabilities").expect(401).await;
    let json = |answer: &Answer| serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap();
    let found = json(&max.get("/timezones/capabilities").expect(200).await);
    let actions: Vec<&str> = found["actions"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!((found["version"].as_u64(), actions), (Some(1), vec!["capabilities", "list", "get", "expand", "find"]));
    let all = max.get("/timezones/zones").expect(200).await;
    let token = json(&all)["synctoken"].as_str().unwrap().to_owned();
    assert!(json(&all)["timezones"].as_array().unwrap().len() > 400);
    assert_eq!(
        json(&max.get(&format!("/timezones/zones?changedsince={token}")).expect(200).await)["timezones"],
        serde_json::json!([])
    );
    let found = json(&max.get("/timezones/zones?pattern=*reunion").expect(200).await);
    assert_eq!(found["timezones"][0]["tzid"], "Indian/Reunion");
    let paris = max.get("/timezones/zones/Europe%2FParis").expect(200).await;
    assert_eq!(paris.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert!(paris.text().contains("TZID:Europe/Paris\r\n") && paris.text().contains("TZNAME:CEST"), "{}", paris.text());
    let etag = paris.header("etag").unwrap().to_owned();
    max.get("/timezones/zones/Europe%2FParis").header("If-None-Match", &etag).expect(304).await;
    let year = "start=2026-01-01T00:00:00Z&end=20270101T000000Z";
    let changes = json(&max.get(&format!("/timezones/zones/Europe%2FParis/observances?{year}")).expect(200).await);
    assert_eq!(changes["observances"][0]["onset"], "2026-03-29T01:00:00Z");
    assert_eq!(changes["observances"][1]["utc-offset-to"], 3600);
    for (path, status) in [
        ("/timezones", 400),
        ("/timezones/other", 400),
        ("/timezones/zones/Nowhere", 404),
        ("/timezones/zones/%ff", 404),
        ("/timezones/zones/..%2F..%2Fetc%2Fpasswd", 404),
        ("/timezones/zones/Europe%2FParis/observances", 400),
        ("/timezones/zones/Europe%2FParis/observances?start=2026-01-01T00:00:00Z&end=2025-01-01T00:00:00Z", 400),
        ("/timezones/zones/Nowhere/observances?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z", 404),
    ] {
        let refused = max.get(path).expect(status).await;
        assert!(refused.text().contains("urn:ietf:params:tzdist:error:"), "{path}: {}", refused.text());
    }
    assert_eq!(max.ask("PUT", "/timezones/zones").expect(405).await.header("allow"), Some("OPTIONS, GET, HEAD"));
    assert!(max.head("/timezones/capabilities").expect(200).await.body.is_empty());
}
