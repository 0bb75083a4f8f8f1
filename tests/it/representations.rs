//! Calendar objects in other forms than they are stored in, and other ways to make them: jCal, time zones by reference,
//! POST.

use super::kit::{Client, World};

const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
const CALENDAR: &str = "/calendars/max/personal/";

fn event(uid: &str, zones: &str, start: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{zones}BEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\n\
         {start}\r\nDURATION:PT1H\r\nSUMMARY:A\\, b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn zone(name: &str) -> String {
    format!(
        "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n\
         TZOFFSETTO:+0100\r\n\
         END:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
}

#[tokio::test]
async fn jcal_for_who_asks_for_it() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{CALENDAR}a.ics");
    let stored = event("a", "", "DTSTART:20260105T090000Z");
    let etag = max.put(&path, &stored).expect(201).await.header("etag").unwrap().to_owned();
    for accept in ["application/calendar+json", "text/calendar;q=0.5, application/calendar+json"] {
        let sent = max.get(&path).header("Accept", accept).expect(200).await;
        assert_eq!(sent.header("content-type"), Some("application/calendar+json; charset=utf-8"));
        assert_eq!((sent.header("etag"), sent.header("accept-ranges")), (Some(etag.as_str()), None));
        assert!(sent.header("vary").unwrap().contains("Accept"));
        let object: serde_json::Value = serde_json::from_str(&sent.text()).unwrap();
        assert_eq!(object[0], "vcalendar");
        assert_eq!(object[2][0][1][2], serde_json::json!(["dtstart", {}, "date-time", "2026-01-05T09:00:00Z"]));
        assert_eq!(object[2][0][1][4], serde_json::json!(["summary", {}, "text", "A, b"]));
    }
    for accept in ["*/*", "text/calendar", "text/*, application/calendar+json;q=0.9"] {
        assert_eq!(max.get(&path).header("Accept", accept).expect(200).await.text(), stored);
    }
    max.get(&path).header("Accept", "application/calendar+json").header("If-None-Match", &etag).expect(304).await;
    let body = |kind: &str| {
        format!(
            "<C:calendar-multiget {CALDAV}><D:prop><C:calendar-data content-type=\"{kind}\" version=\"2.0\"/></D:prop>\
             <D:href>{path}</D:href></C:calendar-multiget>"
        )
    };
    let sent = max.report_at(CALENDAR).body(&body("application/calendar+json")).expect(207).await;
    let object: serde_json::Value = serde_json::from_str(&sent.value("calendar-data")).unwrap();
    assert_eq!(object[2][0][0], "vevent");
    let refused = max.report_at(CALENDAR).body(&body("application/calendar+xml")).expect(403).await;
    assert!(refused.text().contains("supported-calendar-data"));
    let props = max.propfind(CALENDAR, "0", &format!("<C:supported-calendar-data {CALDAV}/>")).expect(207).await;
    assert!(props.text().contains("application/calendar+json"));
}

#[tokio::test]
async fn time_zones_by_reference() {
    let world = World::new().await;
    let max = world.client("max");
    assert!(max.options(CALENDAR).expect(200).await.header("dav").unwrap().contains("calendar-no-timezone"));
    let (known, own) = (format!("{CALENDAR}known.ics"), format!("{CALENDAR}own.ics"));
    let whole = event("known", &zone("Europe/Paris"), "DTSTART;TZID=Europe/Paris:20260105T090000");
    max.put(&known, &whole).expect(201).await;
    max.put(&own, &event("own", &zone("Ours"), "DTSTART;TZID=Ours:20260105T090000")).expect(201).await;
    let bare = format!("{CALENDAR}bare.ics");
    max.put(&bare, &event("bare", "", "DTSTART;TZID=Europe/Paris:20260105T090000")).expect(201).await;
    let zones = async |path: &str, header: Option<&str>| {
        let ask = max.get(path);
        let ask = match header {
            Some(value) => ask.header("CalDAV-Timezones", value),
            None => ask,
        };
        ask.expect(200).await.text().matches("BEGIN:VTIMEZONE").count()
    };
    for (path, header, expected) in [
        (&known, None, 1),
        (&known, Some("T"), 1),
        (&known, Some("F"), 0),
        (&own, Some("F"), 1),
        (&bare, None, 0),
        (&bare, Some("F"), 0),
        (&bare, Some("T"), 1),
    ] {
        assert_eq!(zones(path, header).await, expected, "{path} {header:?}");
    }
    let body = format!(
        "<C:calendar-multiget \
         {CALDAV}><D:prop><C:calendar-data/></D:prop><D:href>{known}</D:href></C:calendar-multiget>"
    );
    let sent = max.report_at(CALENDAR).header("CalDAV-Timezones", "F").body(&body).expect(207).await;
    assert!(!sent.text().contains("VTIMEZONE") && sent.text().contains("TZID=Europe/Paris"));
    assert!(max.report_at(CALENDAR).body(&body).expect(207).await.text().contains("VTIMEZONE"));
}

/// The name of a zone and the zone whole are one value (RFC 7809 section 5.2): whoever sets both, in whatever request,
/// or one after the other, for everyone or for themselves, is shown one zone, and what floats is read in it.
#[tokio::test]
async fn the_two_forms_of_a_zone_never_disagree() {
    let world = World::new().await;
    let max = world.client("max");
    let whole = |name: &str| {
        format!(
            "<C:calendar-timezone {CALDAV}>BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n</C:calendar-timezone>",
            zone(name)
        )
    };
    let named = |name: &str| format!("<C:calendar-timezone-id {CALDAV}>{name}</C:calendar-timezone-id>");
    let sent = async |client: &Client, path: &str| {
        let props = format!("<C:calendar-timezone {CALDAV}/><C:calendar-timezone-id {CALDAV}/>");
        let both = client.propfind(path, "0", &props).expect(207).await;
        let only = |name: &str| format!("<C:{name} {CALDAV}/>");
        for name in ["calendar-timezone", "calendar-timezone-id"] {
            let alone = client.propfind(path, "0", &only(name)).expect(207).await;
            assert_eq!(alone.property(name), both.property(name), "{}", alone.text());
        }
        let name = both.property("calendar-timezone-id").map(|id| id.text()).unwrap_or_default();
        let described = both.property("calendar-timezone").map(|whole| whole.text()).unwrap_or_default();
        let same = described.lines().any(|line| line.trim_end() == format!("TZID:{name}"));
        assert!(described.is_empty() || same, "{name} {described}");
        name
    };
    let (tokyo, cayenne, casablanca) = ("Asia/Tokyo", "America/Cayenne", "Africa/Casablanca");
    let set = |inner: &str| format!("<D:set><D:prop>{inner}</D:prop></D:set>");
    let remove = |name: &str| format!("<D:remove><D:prop><C:{name} {CALDAV}/></D:prop></D:remove>");
    for (number, (instructions, expected)) in [
        (set(&format!("{}{}", named(tokyo), whole(cayenne))), cayenne),
        (set(&format!("{}{}", whole(cayenne), named(tokyo))), tokyo),
        // No two yearly rules describe it: then it is given by its name alone.
        (set(&format!("{}{}", whole(cayenne), named(casablanca))), casablanca),
        (set(&format!("{}{}", named(tokyo), whole(tokyo))), tokyo),
        (format!("{}{}", set(&named(tokyo)), remove("calendar-timezone")), tokyo),
        (format!("{}{}", remove("calendar-timezone-id"), set(&whole(cayenne))), cayenne),
        (remove("calendar-timezone"), ""),
    ]
    .into_iter()
    .enumerate()
    {
        max.proppatch(CALENDAR, &instructions).expect(207).await;
        assert_eq!(sent(&max, CALENDAR).await, expected, "{instructions}");
        if instructions.contains("remove") {
            continue;
        }
        for (method, root, types) in [
            ("MKCALENDAR", "C:mkcalendar", ""),
            ("MKCOL", "D:mkcol", "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"),
        ] {
            let path = format!("/calendars/max/{number}-{}/", method.to_lowercase());
            let inner = instructions.replace("<D:prop>", &format!("<D:prop>{types}"));
            let body = format!("<{root} {CALDAV}>{inner}</{root}>");
            let answer = max.ask(method, &path).header("Content-Type", "text/xml").body(&body).expect(201).await;
            assert_eq!(sent(&max, &path).await, expected, "{}", answer.text());
        }
    }
    // In their own home a person sees what they set for themselves, whatever everyone else sees.
    let (shared, link) = ("/calendars/tram/meetings/", "/calendars/max/meetings@tram/");
    for (everyone, own, expected) in [
        (named(tokyo), whole(cayenne), cayenne),
        (whole(cayenne), named(tokyo), tokyo),
        (named(tokyo), named(cayenne), cayenne),
    ] {
        max.proppatch(shared, &set(&everyone)).expect(207).await;
        max.proppatch(link, &set(&own)).expect(207).await;
        assert_eq!(sent(&max, link).await, expected, "{everyone} {own}");
    }
    max.proppatch(link, &remove("calendar-timezone-id")).expect(207).await;
    assert_eq!(sent(&max, link).await, tokyo);
    world.sound().await;
}

#[tokio::test]
async fn a_calendar_s_zone_by_name_or_whole() {
    let world = World::new().await;
    let max = world.client("max");
    let set = |name: &str, value: &str| {
        format!(
            "<D:propertyupdate {CALDAV}><D:set><D:prop><C:{name}>{value}</C:{name}></D:prop></D:set></D:propertyupdate>"
        )
    };
    let get = async || {
        let props = format!("<C:calendar-timezone {CALDAV}/><C:calendar-timezone-id {CALDAV}/>");
        max.propfind(CALENDAR, "0", &props).expect(207).await
    };
    let refused = max.ask("PROPPATCH", CALENDAR).body(&set("calendar-timezone-id", "Nowhere/Land")).expect(207).await;
    assert!(refused.text().contains("valid-timezone"), "{}", refused.text());
    max.ask("PROPPATCH", CALENDAR).body(&set("calendar-timezone-id", "America/Cayenne")).expect(207).await;
    let sent = get().await;
    assert_eq!(sent.value("calendar-timezone-id"), "America/Cayenne");
    assert!(sent.value("calendar-timezone").contains("TZOFFSETTO:-0300"), "{}", sent.text());
    let whole = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", zone("Indian/Reunion"));
    max.ask("PROPPATCH", CALENDAR).body(&set("calendar-timezone", &whole)).expect(207).await;
    let sent = get().await;
    assert_eq!(sent.value("calendar-timezone-id"), "Indian/Reunion");
    assert!(sent.value("calendar-timezone").contains("TZID:Indian/Reunion"));
    // What floats is read there.
    max.put(&format!("{CALENDAR}a.ics"), &event("a", "", "DTSTART:20260105T090000")).expect(201).await;
    let query = |zone: &str, start: &str| {
        format!(
            "<C:calendar-query {CALDAV}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
             <C:comp-filter name=\"VEVENT\"><C:time-range start=\"{start}\" end=\"20260106T000000Z\"/></C:comp-filter>\
             </C:comp-filter></C:filter>{zone}</C:calendar-query>"
        )
    };
    let found = async |zone: &str, start: &str| {
        let answer = max.report_at(CALENDAR).header("Depth", "1").body(&query(zone, start)).expect(207).await;
        answer.hrefs().len()
    };
    assert_eq!((found("", "20260105T055900Z").await, found("", "20260105T060000Z").await), (1, 0));
    let cayenne = "<C:timezone-id>America/Cayenne</C:timezone-id>";
    assert_eq!((found(cayenne, "20260105T125900Z").await, found(cayenne, "20260105T130000Z").await), (1, 0));
    let nowhere = query("<C:timezone-id>Nowhere/Land</C:timezone-id>", "20260105T000000Z");
    let refused = max.report_at(CALENDAR).header("Depth", "1").body(&nowhere).expect(403).await;
    assert!(refused.text().contains("valid-timezone"));
}

#[tokio::test]
async fn members_are_added_by_post() {
    let world = World::new().await;
    let (max, rita) = (world.client("max"), world.client("rita"));
    let sent = max.propfind(CALENDAR, "0", "<D:add-member/>").expect(207).await;
    let address = sent.property("add-member").unwrap().dav("href").unwrap().text();
    let object = event("a", "", "DTSTART:20260105T090000Z");
    let made = max.ask("POST", &address).header("Content-Type", "text/calendar").body(&object).expect(201).await;
    let location = made.header("location").unwrap();
    assert_eq!(max.get(location).expect(200).await.text(), object);
    assert_eq!(max.get(location).expect(200).await.header("etag"), made.header("etag"));
    let post = |client: &Client, address: &str, object: &str| {
        let (client, address, object) = (client.clone(), address.to_owned(), object.to_owned());
        async move { client.ask("POST", &address).header("Content-Type", "text/calendar").body(&object).send().await }
    };
    let again = post(&max, &address, &object).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("no-uid-conflict") && again.text().contains(location), "{}", again.text());
    assert!(post(&max, &address, "nonsense").await.text().contains("valid-calendar-data"));
    // Through a link, by role.
    assert_eq!(post(&max, "/calendars/max/meetings@tram/", &object).await.status, 201);
    assert_eq!(post(&rita, "/calendars/rita/meetings@tram/", &object).await.status, 403);
    let sent = rita.propfind("/calendars/tram/meetings/", "0", "<D:add-member/>").expect(207).await;
    assert!(sent.property("add-member").is_none_or(|property| property.dav("href").is_none()));
    let sets = format!("<C:supported-calendar-component-sets {CALDAV}/>");
    let sent = max.propfind("/calendars/max/", "0", &sets).expect(207).await;
    assert_eq!(sent.property("supported-calendar-component-sets").unwrap().elements().count(), 4);
}
