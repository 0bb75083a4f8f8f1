//! Nobody can stop the server: what is made of what is stored has an end while it is made, and others have their turn.

use std::time::{Duration, Instant};

use super::kit::{Answer, Client, World, event};
use beffroi::model::calendar::FeedDetail;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const CALENDAR: &str = "/calendars/tram/meetings";
const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
/// The most that a small answer of somebody else may take, on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// The most that a question may take of a debug build.
const LONGEST: Duration = Duration::from_secs(60);

fn object(uid: &str, zones: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{zones}BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         {lines}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

async fn report(client: &Client, name: &str, inner: &str) -> Answer {
    let body = format!("<C:{name} {CALDAV}>{inner}</C:{name}>");
    client.report_at(CALENDAR).header("Depth", "1").body(&body).send().await
}

fn query(data: &str, filter: &str) -> String {
    format!(
        "<D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter \
         name=\"VEVENT\">{filter}\
         </C:comp-filter></C:comp-filter></C:filter>"
    )
}

const YEAR: &str = "start=\"20260101T000000Z\" end=\"20270101T000000Z\"";

/// Instances of a series times what is sent of each may be ten thousand times what is stored.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_an_object_has_an_end() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    let today = jiff::Timestamp::now().strftime("%Y%m%d");
    let lines = |start: String| {
        format!("{start}\r\nDURATION:PT1M\r\nRRULE:FREQ=MINUTELY\r\nDESCRIPTION:{}", "d\\n".repeat(20_000))
    };
    max.put(&format!("{CALENDAR}/a.ics"), &object("fat", "", &lines("DTSTART:20260101T000000Z".into())))
        .expect(201)
        .await;
    max.put(&format!("{CALENDAR}/b.ics"), &event("good", "20260314")).expect(201).await;
    for form in ["", " content-type=\"application/calendar+json\" version=\"2.0\""] {
        let data = format!("<C:calendar-data{form}><C:expand {YEAR}/></C:calendar-data>");
        for hrefs in [false, true] {
            let begun = Instant::now();
            let sent = match hrefs {
                false => report(&max, "calendar-query", &query(&data, "")).await,
                true => {
                    let hrefs = format!("<D:href>{CALENDAR}/a.ics</D:href><D:href>{CALENDAR}/b.ics</D:href>");
                    report(&max, "calendar-multiget", &format!("<D:prop><D:getetag/>{data}</D:prop>{hrefs}")).await
                }
            };
            assert_eq!(sent.status, 207, "{}", sent.text());
            // The one that is too large says so; the other is sent as ever.
            assert_eq!(sent.statuses().len(), 2);
            assert!(sent.body.len() < 10_000 && sent.text().contains(" 507 "), "{}", sent.text());
            assert!(sent.text().contains("20260314T100000Z") || sent.text().contains("2026-03-14T10:00:00Z"));
            assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
        }
    }
    // A feed, which asks for no log-in, shows a large event as far as that goes, and of the others.
    max.put(&format!("{CALENDAR}/a.ics"), &object("fat", "", &lines(format!("DTSTART:{today}T000000Z"))))
        .expect(204)
        .await;
    max.put(&format!("{CALENDAR}/b.ics"), &event("good", &today.to_string())).expect(204).await;
    let (secret, _) = world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, None).await.unwrap();
    let feed = nobody.get(&format!("/feeds/{secret}/meetings.ics")).expect(200).await;
    assert!(feed.body.len() < 8 * 1024 * 1024 && feed.text().contains("UID:good"), "{}", feed.body.len());
    // Lists, whose values take much more than the line they stand in.
    let list = format!("CATEGORIES:{}", "a,".repeat(300_000));
    max.put(&format!("{CALENDAR}/c.ics"), &object("list", "", &format!("DTSTART:20260101T000000Z\r\n{list}")))
        .expect(201)
        .await;
    let json = max.get(&format!("{CALENDAR}/c.ics")).header("Accept", "application/calendar+json").expect(507).await;
    assert!(json.text().contains("number-of-matches-within-limits"), "{}", json.text());
    max.get(&format!("{CALENDAR}/c.ics")).expect(200).await;
}

/// Objects that cost as much as they can: rules without end or sense, of events and of zones, long lists.
fn costly() -> Vec<(&'static str, String)> {
    let observance = |rule: &str| {
        format!(
            "BEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n{rule}\r\n\
             END:STANDARD\r\n"
        )
    };
    let zone = |inner: &str| format!("BEGIN:VTIMEZONE\r\nTZID:my\r\n{inner}END:VTIMEZONE\r\n");
    let numbers = |to: u32| (0..to).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let times = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", numbers(24), numbers(60), numbers(60));
    let zoned = "DTSTART;TZID=my:20260101T000000\r\nRRULE:FREQ=DAILY";
    let rule = |rule: &str| object("costly", "", &format!("DTSTART:20260101T000000Z\r\nRRULE:{rule}"));
    let never = "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30";
    let dates =
        |count: u32| (0..count).map(|n| format!("20{:02}0101T{:06}Z", n % 90, n % 60)).collect::<Vec<_>>().join(",");
    let alarms = "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nREPEAT:1000\r\nDURATION:PT1M\r\nEND:VALARM\r\n".repeat(5000);
    vec![
        ("rules of a zone that never match", object("costly", &zone(&observance(never).repeat(1000)), zoned)),
        (
            "rules of a zone each minute",
            object("costly", &zone(&observance("RRULE:FREQ=MINUTELY").repeat(1000)), zoned),
        ),
        ("dates of a zone", object("costly", &zone(&observance(&format!("RDATE:{}", dates(100_000)))), zoned)),
        ("each second of a day by lists", rule(&format!("FREQ=DAILY;{times}"))),
        ("each second of a year by lists", rule(&format!("FREQ=YEARLY;BYYEARDAY={};{times}", numbers(366)))),
        ("a list that repeats itself", rule(&format!("FREQ=YEARLY;BYHOUR={}", "1,".repeat(100_000)))),
        ("a rule that never matches", object("costly", "", &format!("DTSTART:20260101T000000Z\r\n{never}"))),
        (
            "many rules that never match",
            object("costly", "", &format!("DTSTART:20260101T000000Z\r\n{}", [never; 16].join("\r\n"))),
        ),
        ("each minute, counted", rule("FREQ=MINUTELY;COUNT=4000000")),
        ("dates added", object("costly", "", &format!("DTSTART:20260101T000000Z\r\nRDATE:{}", dates(100_000)))),
        (
            "dates left out",
            object("costly", "", &format!("DTSTART:20260101T000000Z\r\nRRULE:FREQ=DAILY\r\nEXDATE:{}", dates(100_000))),
        ),
        ("names of zones", object("costly", "", &format!("DTSTART;TZID={}:20260101T000000", "a/".repeat(100_000)))),
        (
            "alarms",
            object("costly", "", &format!("DTSTART:20260101T000000Z\r\nRRULE:FREQ=DAILY\r\n{}", alarms.trim_end())),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_costs_more_than_it_may() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(&format!("{CALENDAR}/good.ics"), &event("good", "20260314")).expect(201).await;
    let month = "<C:time-range start=\"20260301T000000Z\" end=\"20260401T000000Z\"/>";
    let alarm = format!("<C:comp-filter name=\"VALARM\">{month}</C:comp-filter>");
    for (what, text) in costly() {
        let path = format!("{CALENDAR}/costly.ics");
        let begun = Instant::now();
        let put = max.put(&path, &text).send().await;
        assert!([201, 403].contains(&put.status), "{what}: {}", put.text());
        for filter in [month, &alarm] {
            let answer = report(&max, "calendar-query", &query("", filter)).await;
            assert_eq!(answer.status, 207, "{what}: {}", answer.text());
            let good = answer.hrefs().contains(&format!("{CALENDAR}/good.ics"));
            assert_eq!(good, filter == month, "{what}: {}", answer.text());
        }
        let busy =
            report(&max, "free-busy-query", "<C:time-range start=\"20260301T000000Z\" end=\"20260401T000000Z\"/>")
                .await;
        assert_eq!(busy.status, 200, "{what}: {}", busy.text());
        let taken = begun.elapsed();
        assert!(taken < LONGEST, "{what}: {taken:?}");
        if put.status == 201 {
            max.delete(&path).expect(204).await;
        }
    }
}

#[tokio::test]
async fn nobody_seeks_a_text_that_nobody_types() {
    let world = World::new().await;
    let max = world.client("max");
    let sought = |length: usize| {
        let text = "é".repeat(length);
        [
            format!("<C:prop-filter name=\"SUMMARY\"><C:text-match>{text}</C:text-match></C:prop-filter>"),
            format!(
                "<C:prop-filter name=\"SUMMARY\"><C:param-filter name=\"LANGUAGE\"><C:text-match \
                 collation=\"i;unicode-casemap\">\
                 {text}</C:text-match></C:param-filter></C:prop-filter>"
            ),
        ]
    };
    for (length, status) in [(1000, 207), (12_000, 403)] {
        for filter in sought(length) {
            let answer = report(&max, "calendar-query", &query("", &filter)).await;
            assert_eq!(answer.status, status, "{}", answer.text());
            assert_eq!(status == 403, answer.text().contains("supported-filter"));
        }
        let search = format!(
            "<D:principal-property-search \
             xmlns:D=\"DAV:\"><D:property-search><D:prop><D:displayname/></D:prop><D:match>{}</D:match>\
             </D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>",
            "é".repeat(length)
        );
        let status = if status == 403 { 413 } else { status };
        max.report_at("/principals/").header("Depth", "0").body(&search).expect(status).await;
    }
}

/// Many conditions, or names, times many lines.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_each_line_has_an_end() {
    let world = World::new().await;
    let max = world.client("max");
    let comments = (0..100_000).map(|n| format!("COMMENT;TZID=Z{n}:x{n}\r\n")).collect::<String>();
    let text = object("long", "", &format!("DTSTART:20260101T000000Z\r\n{}", comments.trim_end()));
    max.put(&format!("{CALENDAR}/long.ics"), &text).expect(201).await;
    max.put(&format!("{CALENDAR}/good.ics"), &event("good", "20260314")).expect(201).await;
    let several = |count: usize, one: &str| one.repeat(count);
    let not = "<C:prop-filter name=\"X-NONE\"><C:is-not-defined/></C:prop-filter>";
    let sought =
        "<C:prop-filter name=\"COMMENT\"><C:text-match negate-condition=\"yes\">none</C:text-match></C:prop-filter>";
    let names = |count: usize| {
        let names = (0..count).map(|n| format!("<C:prop name=\"X-{n}\"/>")).collect::<String>();
        let comp = format!("<C:comp name=\"VCALENDAR\"><C:comp name=\"VEVENT\">{names}</C:comp></C:comp>");
        query(&format!("<C:calendar-data>{comp}</C:calendar-data>"), "")
    };
    for (what, inner, statuses) in [
        ("filters of nothing", query("", &several(240, not)), [207, 207]),
        ("filters of all", query("", &several(160, sought)), [207, 207]),
        ("more filters than anybody writes", query("", &several(600, not)), [403, 403]),
        ("names", names(490), [207, 207]),
        ("more names than anybody wants", names(2000), [403, 403]),
    ] {
        let begun = Instant::now();
        let answer = report(&max, "calendar-query", &inner).await;
        assert!(statuses.contains(&answer.status), "{what}: {}", answer.status);
        assert!(begun.elapsed() < LONGEST, "{what}: {:?}", begun.elapsed());
    }
    let zones = max.get(&format!("{CALENDAR}/long.ics")).header("CalDAV-Timezones", "T").send().await;
    assert!([200, 507].contains(&zones.status), "{}", zones.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_much_keeps_nobody_waiting() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    // No arithmetic says at once that nothing is left.
    let nothing = "RRULE:FREQ=MINUTELY\r\nEXRULE:FREQ=MINUTELY";
    for number in 0..40 {
        let text = object(&number.to_string(), "", &format!("DTSTART:20260101T000000Z\r\n{nothing}"));
        max.put(&format!("/calendars/max/personal/{number}.ics"), &text).expect(201).await;
    }
    mia.put("/calendars/mia/personal/a.ics", &object("a", "", "DTSTART:20260310T100000Z\r\nRRULE:FREQ=WEEKLY"))
        .expect(201)
        .await;
    let month = "<C:time-range start=\"20260301T000000Z\" end=\"20260401T000000Z\"/>";
    let body = format!("<C:calendar-query {CALDAV}>{}</C:calendar-query>", query("<C:calendar-data/>", month));
    let flood: Vec<_> = (0..30)
        .map(|_| {
            let (max, body) = (max.clone(), body.clone());
            tokio::spawn(async move {
                max.report_at("/calendars/max/personal/").header("Depth", "1").body(&body).send().await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    // Another expansion each time, so that nothing of it is cached.
    for day in 10..14 {
        let data = format!(
            "<C:calendar-data><C:expand start=\"20260301T000000Z\" end=\"202604{day}T000000Z\"/></C:calendar-data>"
        );
        let body = format!("<C:calendar-query {CALDAV}>{}</C:calendar-query>", query(&data, month));
        let asked = Instant::now();
        mia.report_at("/calendars/mia/personal/").header("Depth", "1").body(&body).expect(207).await;
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }
    assert!(flood.iter().any(|asking| !asking.is_finished()), "the flood was none: {:?}", begun.elapsed());
    flood.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Begins to send what it never ends.
async fn begin(world: &World, who: &Client, path: &str, bytes: usize) -> TcpStream {
    let authorization = who.authorization.as_deref().unwrap();
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
        bytes + 1
    );
    socket.write_all(&[head.into_bytes(), vec![b' '; bytes]].concat()).await.unwrap();
    socket
}

/// Asks again until it is answered so: what others hold comes back a moment after they have gone.
async fn soon(status: u16, ask: impl AsyncFn() -> Answer) {
    let begun = Instant::now();
    while ask().await.status != status {
        assert!(begun.elapsed() < LONGEST, "never {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is held in memory until it is whole counts while it comes, and nobody takes what others need.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_counts_before_it_is_whole() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    zoe.ask("MKCALENDAR", "/calendars/zoe/own/").expect(201).await;
    let large = |uid: &str| {
        event(uid, "20260314").replace("END:VEVENT", &format!("X-A:{}\r\nEND:VEVENT", "x".repeat(2_000_000)))
    };
    let mut coming = Vec::new();
    for n in 0..8 {
        coming.push(begin(&world, &max, &format!("{CALENDAR}/{n}.ics"), 9_000_000).await);
    }
    soon(503, async || max.put(&format!("{CALENDAR}/large.ics"), &large("large")).send().await).await;
    max.put(&format!("{CALENDAR}/small.ics"), &event("small", "20260314")).expect(201).await;
    zoe.put("/calendars/zoe/own/large.ics", &large("other")).expect(201).await;
    drop(coming);
    soon(201, async || max.put(&format!("{CALENDAR}/large.ics"), &large("large")).send().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_only_so_many_requests_under_way() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    let mut coming = Vec::new();
    // Some more than may be: what is asked in between takes the place of one for a moment.
    for n in 0..300 {
        coming.push(begin(&world, &max, &format!("/files/tram/{n}"), 70_000).await);
    }
    soon(503, async || max.get("/files/").send().await).await;
    assert_eq!(max.get("/files/").expect(503).await.header("retry-after"), Some("5"));
    zoe.get("/files/").expect(200).await;
    coming.truncate(200);
    soon(200, async || max.get("/files/").send().await).await;
}

/// Each member repeats the address of its collection.
#[tokio::test(flavor = "multi_thread")]
async fn long_addresses_have_an_end() {
    const MEMBERS: usize = 600;
    let world = World::new().await;
    let max = world.client("max");
    let mut folder = "/files/tram".to_owned();
    for _ in 0..60 {
        folder = format!("{folder}/{}", "%C3%A9".repeat(115));
        max.mkcol(&folder).expect(201).await;
    }
    for n in 0..MEMBERS {
        max.put(&format!("{folder}/{n}"), "").expect(201).await;
    }
    let listed = max.get(&folder).expect(200).await.body.len();
    assert!((8_000_000..17_500_000).contains(&listed), "{listed}");
    let found = max.propfind(&folder, "1", "<D:getetag/>").expect(207).await;
    assert_eq!(found.text().matches("<D:response>").count(), MEMBERS + 1);
}

/// Each answer of a report repeats the names that it was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn long_names_have_an_end() {
    const MEMBERS: usize = 1_100;
    let world = World::new().await;
    let max = world.client("max");
    for n in 0..MEMBERS {
        max.put(&format!("/files/tram/{n}"), "").expect(201).await;
    }
    let names: String = (0..900).map(|n| format!("<x{n}{}/>", "x".repeat(65))).collect();
    let (mut token, mut sent, mut pages) = (String::new(), 0, 0);
    while sent < MEMBERS {
        let sync = format!(
            "<D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>\
             <D:prop>{names}</D:prop></D:sync-collection>"
        );
        let page = max.report_at("/files/tram").body(&sync).expect(207).await;
        assert!(page.body.len() < 65 << 20, "{}", page.body.len());
        let text = page.text();
        let (found, cut) = (text.matches("HTTP/1.1 404").count(), text.contains("HTTP/1.1 507"));
        let (_, after) = text.rsplit_once("<D:sync-token>").unwrap();
        token = after.split_once('<').unwrap().0.to_owned();
        (sent, pages) = (sent + found, pages + 1);
        assert_eq!(cut, sent < MEMBERS, "{sent}");
    }
    assert_eq!(pages, 2);
}
