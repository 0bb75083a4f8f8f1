//! Time zones: however they are named and described, objects take place when their clock shows it.

use std::process::Command;

use super::kit::{Client, World};
use beffroi::model::calendar::FeedDetail;

const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
const CALENDAR: &str = "/calendars/tram/meetings/";

/// A VTIMEZONE as Outlook writes it: standard and daylight time, each with its rule.
fn described(name: &str, standard: &str, daylight: &str) -> String {
    let part = |part: &str, (from, to): (&str, &str), rule: &str| {
        format!(
            "BEGIN:{part}\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\n\
             RRULE:FREQ=YEARLY;{rule}\r\n\
             END:{part}\r\n"
        )
    };
    format!(
        "BEGIN:VTIMEZONE\r\nTZID:{name}\r\n{}{}END:VTIMEZONE\r\n",
        part("STANDARD", (daylight, standard), "BYMONTH=11;BYDAY=1SU"),
        part("DAYLIGHT", (standard, daylight), "BYMONTH=3;BYDAY=2SU")
    )
}

fn calendar(parts: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{parts}END:VCALENDAR\r\n")
}

fn event(uid: &str, parameter: &str, start: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART{parameter}:{start}\r\nDURATION:PT1H\r\n\
         SUMMARY:{uid}\r\nEND:VEVENT\r\n"
    )
}

/// The objects of a calendar that a query finds in a range.
async fn found(client: &Client, range: (&str, &str), more: &str) -> Vec<String> {
    let body = format!(
        "<C:calendar-query {CALDAV}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
         <C:comp-filter name=\"VEVENT\"><C:time-range start=\"{}\" \
         end=\"{}\"/></C:comp-filter></C:comp-filter></C:filter>{more}\
         </C:calendar-query>",
        range.0, range.1
    );
    let answer = client.report_at(CALENDAR).header("Depth", "1").body(&body).expect(207).await;
    let names = answer.hrefs().into_iter().map(|href| href.rsplit('/').next().unwrap().to_owned());
    names.collect()
}

/// The periods in which a calendar is taken in a range.
async fn taken(client: &Client, (start, end): (&str, &str)) -> String {
    let body =
        format!("<C:free-busy-query {CALDAV}><C:time-range start=\"{start}\" end=\"{end}\"/></C:free-busy-query>");
    let answer = client.report_at(CALENDAR).body(&body).expect(200).await.text();
    answer.lines().filter_map(|line| line.strip_prefix("FREEBUSY")).collect()
}

/// An hour from a time on, in UTC.
fn hour(at: &str) -> (String, String) {
    let begins: i64 = at[9..11].parse().unwrap();
    (at.to_owned(), format!("{}{:02}{}", &at[..9], begins + 1, &at[11..]))
}

#[tokio::test]
async fn objects_take_place_when_their_zone_says() {
    let world = World::new().await;
    let max = world.client("max");
    let pacific = described("(UTC-08:00) Pacifique\\, Tijuana", "-0800", "-0700");
    let short = described("(UTC-08:00) Pacifique\\, Tijuana", "-8", "-7");
    let bare = "BEGIN:VTIMEZONE\r\nTZID:(UTC+11:00) \
                Noumea\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+1100\r\nDTSTART:16010101T000000\r\n\
                END:STANDARD\r\nEND:VTIMEZONE\r\n";
    for (number, (zone, parameter, start, instant)) in [
        (&*pacific, "\"(UTC-08:00) Pacifique, Tijuana\"", "20260706T090000", "20260706T160000Z"),
        (&*pacific, "\"(UTC-08:00) pacifique\\, tijuana\"", "20260106T090000", "20260106T170000Z"),
        (&*pacific, "\"(UTC-08:00) Pacifique, Tijuana\"", "23000706T090000", "23000706T160000Z"),
        (&*short, "\"(UTC-08:00) Pacifique, Tijuana\"", "20260706T090000", "20260706T160000Z"),
        (bare, "\"(UTC+11:00) Noumea\"", "20260701T120000", "20260701T010000Z"),
        ("", "Singapore", "20260407T140000", "20260407T060000Z"),
        ("", "nz-chat", "20260707T140000", "20260707T011500Z"),
        ("", "US/Pacific", "20260707T140000", "20260707T210000Z"),
        ("", "GMT+2", "20260707T140000", "20260707T120000Z"),
        ("", "Etc/GMT-2", "20260707T140000", "20260707T120000Z"),
        ("", "\"(UTC+05:45) Katmandou\"", "20260707T140000", "20260707T081500Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let uid = number.to_string();
        let text = calendar(&format!("{zone}{}", event(&uid, &format!(";TZID={parameter}"), start)));
        max.put(&format!("{CALENDAR}{uid}"), &text).expect(201).await;
        let (begins, ends) = hour(instant);
        // Asked at the very instant, by a server that has just stored it and by one that has just begun.
        let (address, stop) = world.beside().await;
        let fresh = Client { address, ..max.clone() };
        for client in [&max, &fresh] {
            let at_once = (begins.as_str(), ends.as_str());
            assert_eq!(found(client, at_once, "").await, std::slice::from_ref(&uid), "{parameter} {start}");
            assert_eq!(taken(client, at_once).await, format!(":{begins}/{ends}"), "{parameter} {start}");
        }
        drop(stop);
        max.delete(&format!("{CALENDAR}{uid}")).expect(204).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_survive_import_and_export() {
    let world = World::new().await;
    let max = world.client("max");
    let zone = described("(UTC-08:00) Pacifique\\, Tijuana", "-0800", "-0700");
    let parameter = ";TZID=\"(UTC-08:00) Pacifique, Tijuana\"";
    let stream = calendar(&format!(
        "{zone}{}{}{}",
        event("one", parameter, "20260706T090000"),
        event("two", parameter, "20260106T090000"),
        event("three", "", "20260106T090000")
    ));
    let file = world.data.path().join("stream.ics");
    std::fs::write(&file, &stream).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beffroi"));
        let output =
            command.args(arguments).env("BEFFROI_DATA", world.data.path()).env("LC_ALL", "C").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["import", "calendar", CALENDAR, file.to_str().unwrap()]);
    for (name, zones) in [("one", 1), ("two", 1), ("three", 0)] {
        let text = max.get(&format!("{CALENDAR}{name}.ics")).expect(200).await.text();
        assert_eq!(text.matches(&zone).count(), zones, "{text}");
    }
    let exported = run(&["export", "calendar", CALENDAR]).replace("\r\n ", "");
    assert_eq!(exported.matches(&zone).count(), 1, "{exported}");
    assert_eq!(exported.matches("TZID=\"(UTC-08:00) Pacifique, Tijuana\"").count(), 2, "{exported}");
    let json =
        max.get(&format!("{CALENDAR}one.ics")).header("Accept", "application/calendar+json").expect(200).await.text();
    assert_eq!(json.matches("\"(UTC-08:00) Pacifique, Tijuana\"").count(), 2, "{json}");
}

#[tokio::test]
async fn a_calendar_reads_floating_times_in_a_zone_that_it_describes() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(&format!("{CALENDAR}float"), &calendar(&event("float", "", "20260706T090000"))).expect(201).await;
    let day = event("day", ";VALUE=DATE", "20260706").replace("DURATION:PT1H", "DURATION:P1D");
    max.put(&format!("{CALENDAR}day"), &calendar(&day)).expect(201).await;
    let set = async |inner: &str| {
        let body = format!("<D:set><D:prop>{inner}</D:prop></D:set>");
        let answer = max.proppatch(CALENDAR, &body).expect(207).await;
        assert!(answer.text().contains("200 OK"), "{}", answer.text());
    };
    let property = |name: &str, value: &str| {
        format!("<C:{name} {CALDAV}>{}</C:{name}>", value.replace('&', "&amp;").replace('<', "&lt;"))
    };
    let zone = |standard: &str, daylight: &str| {
        property("calendar-timezone", &calendar(&described("Chez nous\\, l\u{e0}-bas", standard, daylight)))
    };
    for (property, float, day) in [
        (zone("-0800", "-0700"), "20260706T160000Z", ("20260706T070000Z", "20260707T070000Z")),
        // The same name, another zone.
        (zone("+0300", "+04:00"), "20260706T050000Z", ("20260705T200000Z", "20260706T200000Z")),
        (zone("+5", "+5"), "20260706T040000Z", ("20260705T190000Z", "20260706T190000Z")),
        (property("calendar-timezone-id", "Japan"), "20260706T000000Z", ("20260705T150000Z", "20260706T150000Z")),
        (property("calendar-timezone-id", "gb"), "20260706T080000Z", ("20260705T230000Z", "20260706T230000Z")),
    ] {
        set(&property).await;
        let (begins, ends) = hour(float);
        let (address, stop) = world.beside().await;
        let fresh = Client { address, ..max.clone() };
        for client in [&max, &fresh] {
            for _ in 0..2 {
                // The event of the day is there, too.
                assert_eq!(found(client, (&begins, &ends), "").await, ["day", "float"], "{property}");
                let around = ("20260704T000000Z", "20260709T000000Z");
                assert_eq!(taken(client, around).await, format!(":{}/{}", day.0, day.1), "{property}");
                assert_eq!(found(client, ("20260704T000000Z", day.0), "").await, [""; 0], "{property}");
                assert_eq!(found(client, (day.1, "20260709T000000Z"), "").await, [""; 0], "{property}");
            }
        }
        drop(stop);
    }
    // A query may bring its own.
    let own = calendar(&described("Ours", "-0800", "-0700"));
    let own = format!("<C:timezone>{own}</C:timezone>");
    let hour = ("20260706T160000Z", "20260706T170000Z");
    assert_eq!(found(&max, hour, &own).await, ["day", "float"]);
    assert_eq!(found(&max, hour, "<C:timezone-id>Japan</C:timezone-id>").await, [""; 0]);
}

#[tokio::test]
async fn a_feed_reads_floating_times_in_a_zone_that_the_calendar_describes() {
    let world = World::new().await;
    let max = world.client("max");
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).strftime("%Y%m%d").to_string();
    max.put(&format!("{CALENDAR}float"), &calendar(&event("float", "", &format!("{soon}T090000")))).expect(201).await;
    let described = calendar(&described("Ours", "+0300", "+0300"));
    let set =
        format!("<D:set><D:prop><C:calendar-timezone {CALDAV}>{described}</C:calendar-timezone></D:prop></D:set>");
    max.proppatch(CALENDAR, &set).expect(207).await;
    let (secret, name) =
        world.tree.add_feed("max", CALENDAR.trim_end_matches('/'), FeedDetail::Full, None).await.unwrap();
    let feed = world.nobody().get(&format!("/feeds/{secret}/{name}.ics")).expect(200).await.text();
    assert!(feed.contains(&format!("DTSTART:{soon}T060000Z\r\n")) && !feed.contains("X-WR-TIMEZONE"), "{feed}");
}

#[tokio::test]
async fn zones_are_described_to_who_asks_and_only_names_of_the_register_are_left_alone() {
    let world = World::new().await;
    let max = world.client("max");
    let ours = described("Ours\\, there", "-0800", "-0700");
    for (number, (zone, parameter, added, left)) in [
        ("", "Singapore", Some("TZID:Singapore"), 0),
        ("", "europe/paris", Some("TZID:europe/paris"), 0),
        ("", "Romance Standard Time", Some("TZID:Romance Standard Time"), 0),
        ("", "\"(UTC+01:00) Bruxelles; Paris\"", Some("TZID:(UTC+01:00) Bruxelles\\; Paris"), 0),
        ("", "Nowhere", None, 0),
        (&*described("Singapore", "+0800", "+0800"), "singapore", None, 0),
        (&*described("Romance Standard Time", "+0100", "+0200"), "Romance Standard Time", None, 1),
        (&*ours, "\"Ours, there\"", None, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{CALENDAR}{number}");
        let text = calendar(&format!(
            "{zone}{}",
            event(&number.to_string(), &format!(";TZID={parameter}"), "20260706T090000")
        ));
        max.put(&path, &text).expect(201).await;
        let reported = async |wanted: &str| max.get(&path).header("CalDAV-Timezones", wanted).expect(200).await.text();
        let (with, without) = (reported("T").await, reported("F").await);
        assert_eq!(without.matches("BEGIN:VTIMEZONE").count(), left, "{without}");
        let described = usize::from(added.is_some() || !zone.is_empty());
        assert_eq!(with.matches("BEGIN:VTIMEZONE").count(), described, "{with}");
        assert!(with.contains(added.unwrap_or("BEGIN:VEVENT")), "{with}");
    }
}

#[tokio::test]
async fn descriptions_that_are_bad_or_hostile_cost_little_and_hide_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    let part = |lines: &str| format!("BEGIN:STANDARD\r\n{lines}\r\nEND:STANDARD\r\n");
    let zone = |parts: &str| format!("BEGIN:VTIMEZONE\r\nTZID:Ours\r\n{parts}END:VTIMEZONE\r\n");
    let rule = |rule: &str| {
        part(&format!("DTSTART:19000101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:{rule}"))
    };
    let endless = ["FREQ=MINUTELY", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY", "FREQ=FOO"]
        .map(rule)
        .concat()
        .repeat(50);
    for (number, parts) in [
        String::new(),
        part("TZOFFSETTO:+1"),
        part("TZOFFSETTO:soon"),
        rule("FREQ=FOO"),
        part("DTSTART:x"),
        endless.clone(),
    ]
    .iter()
    .enumerate()
    {
        let text = calendar(&format!("{}{}", zone(parts), event(&number.to_string(), ";TZID=Ours", "20260706T120000")));
        let begun = std::time::Instant::now();
        max.put(&format!("{CALENDAR}{number}"), &text).expect(201).await;
        let found = found(&max, ("20260705T120000Z", "20260707T120000Z"), "").await;
        assert_eq!(found.len(), number + 1, "{parts}");
        assert!(begun.elapsed().as_secs() < 20, "{number} {:?}", begun.elapsed());
    }
    // As the zone of a calendar, or of a query, it is refused.
    for parts in [String::new(), part("TZOFFSETTO:soon"), part("TZOFFSETTO:+1500"), endless] {
        let text = calendar(&zone(&parts));
        let set = format!("<D:set><D:prop><C:calendar-timezone {CALDAV}>{text}</C:calendar-timezone></D:prop></D:set>");
        let refused = max.proppatch(CALENDAR, &set).expect(207).await;
        assert!(refused.text().contains("valid-calendar-data"), "{}", refused.text());
    }
}
