//! The examples of RFC 4791 sections 7.8 to 7.10, on the calendar that they are asked of: the same requests, the same
//! objects, parts and periods in the answers.

use super::kit::{Answer, Client, World};

const WORK: &str = "/calendars/max/team/";
const NS: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
const ZONE: &str = "BEGIN:VTIMEZONE\nLAST-MODIFIED:20040110T032845Z\nTZID:US/Eastern\nBEGIN:DAYLIGHT\n\
                    DTSTART:20000404T020000\n\
    RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4\nTZNAME:EDT\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\n\
    DTSTART:20001026T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZNAME:EST\nTZOFFSETFROM:-0400\n\
    TZOFFSETTO:-0500\n\
    END:STANDARD\nEND:VTIMEZONE\n";
const SECOND: &str = "UID:00959BC664CA650E933C892C@example.com\n";

/// A component with its lines.
fn part(name: &str, lines: &str) -> String {
    format!("BEGIN:{name}\n{lines}END:{name}\n")
}

/// An object as it is stored.
fn object(inner: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Corp.//CalDAV Client//EN\n{inner}END:VCALENDAR\n")
}

fn first() -> String {
    let lines = "DTSTAMP:20060206T001102Z\nDTSTART;TZID=US/Eastern:20060102T100000\nDURATION:PT1H\nSUMMARY:Event #1\n\
                 Description:Go Steelers!\nUID:74855313FA803DA593CD579A@example.com\n";
    object(&format!("{ZONE}{}", part("VEVENT", lines)))
}

fn master(stamp: &str) -> String {
    part(
        "VEVENT",
        &format!(
            "{stamp}DTSTART;TZID=US/Eastern:20060102T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Event \
             #2\n{SECOND}"
        ),
    )
}

fn bis(stamp: &str) -> String {
    part(
        "VEVENT",
        &format!(
            "{stamp}DTSTART;TZID=US/Eastern:20060104T140000\nDURATION:PT1H\n\
             RECURRENCE-ID;TZID=US/Eastern:20060104T120000\nSUMMARY:Event #2 bis\n{SECOND}"
        ),
    )
}

fn bis_bis(stamp: &str) -> String {
    part(
        "VEVENT",
        &format!(
            "{stamp}DTSTART;TZID=US/Eastern:20060106T140000\nDURATION:PT1H\n\
             RECURRENCE-ID;TZID=US/Eastern:20060106T120000\nSUMMARY:Event #2 bis bis\n{SECOND}"
        ),
    )
}

const STAMP: &str = "DTSTAMP:20060206T001121Z\n";

fn second() -> String {
    object(&format!("{ZONE}{}{}{}", master(STAMP), bis(STAMP), bis_bis(STAMP)))
}

const THIRD: &str = "ATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:cyrus@example.com\n\
                     ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@example.com\n\
    DTSTAMP:20060206T001220Z\nDTSTART;TZID=US/Eastern:20060104T100000\nDURATION:PT1H\nLAST-MODIFIED:20060206T001330Z\n\
    ORGANIZER:mailto:cyrus@example.com\nSEQUENCE:1\nSTATUS:TENTATIVE\nSUMMARY:Event \
    #3\nUID:DC6C50A017428C5216A2F1CD@example.com\n\
    X-ABC-GUID:E1CX5Dr-0007ym-Hz@example.com\n";

fn third() -> String {
    object(&format!("{ZONE}{}", part("VEVENT", THIRD)))
}

fn task(lines: &str) -> String {
    object(&part("VTODO", lines))
}

const ALARM: &str = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=START:-PT10M\nEND:VALARM\n";

fn fifth(due: &str) -> String {
    task(&format!(
        "DTSTAMP:20060205T235300Z\n{due}\nLAST-MODIFIED:20060205T235308Z\nSEQUENCE:1\nSTATUS:NEEDS-ACTION\n\
         SUMMARY:Task #2\n\
         UID:E10BA47467C5C69BB74E8720@example.com\n{ALARM}"
    ))
}

fn fourth() -> String {
    task(&format!(
        "DTSTAMP:20060205T235335Z\nDUE;VALUE=DATE:20060104\nSTATUS:NEEDS-ACTION\nSUMMARY:Task \
         #1\nUID:DDDEEB7915FA61233B861457@example.com\n{ALARM}"
    ))
}

const BUSY: &str = "ORGANIZER;CN=\"Bernard Desruisseaux\":mailto:bernard@example.com\nUID:76ef34-54a3d2@example.com\n\
    DTSTAMP:20050530T123421Z\nDTSTART:20060101T000000Z\nDTEND:20060108T000000Z\n";

/// The calendar of appendix B, with the additions that the examples themselves show.
async fn work() -> (World, Client) {
    let world = World::new().await;
    let max = world.client("max");
    let comps: String =
        ["VEVENT", "VTODO", "VFREEBUSY"].iter().map(|name| format!("<C:comp name=\"{name}\"/>")).collect();
    let body = format!(
        "<C:mkcalendar {NS}><D:set><D:prop><C:supported-calendar-component-set>{comps}\
         </C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
    );
    max.ask("MKCALENDAR", WORK).header("Content-Type", "application/xml").body(&body).expect(201).await;
    let sixth = "COMPLETED:20051223T122322Z\nDTSTAMP:20060205T235400Z\nDUE;VALUE=DATE:20051225\n\
                 LAST-MODIFIED:20060205T235308Z\n\
                 SEQUENCE:1\nSTATUS:COMPLETED\nSUMMARY:Task #3\nUID:E10BA47467C5C69BB74E8722@example.com\n";
    let seventh = "DTSTAMP:20060205T235600Z\nDUE;VALUE=DATE:20060101\nLAST-MODIFIED:20060205T235308Z\nSEQUENCE:1\n\
                   STATUS:CANCELLED\n\
                   SUMMARY:Task #4\nUID:E10BA47467C5C69BB74E8725@example.com\n";
    let eighth = format!(
        "{BUSY}FREEBUSY:20050531T230000Z/20050601T010000Z\n\
         FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z\n\
         FREEBUSY:20060103T100000Z/20060103T120000Z\nFREEBUSY:20060104T100000Z/20060104T120000Z\n\
         FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060105T100000Z/20060105T120000Z\n\
         FREEBUSY:20060106T100000Z/20060106T120000Z\n"
    );
    let objects = [
        first(),
        second(),
        third(),
        fourth(),
        fifth("DUE;TZID=US/Eastern:20060106T120000"),
        task(sixth),
        task(seventh),
        object(&part("VFREEBUSY", &eighth)),
    ];
    for (place, text) in objects.iter().enumerate() {
        max.put(&format!("{WORK}abcd{}.ics", place + 1), text).expect(201).await;
    }
    (world, max)
}

async fn query(max: &Client, data: &str, filter: &str) -> Answer {
    let body = format!(
        "<C:calendar-query {NS}><D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>\
         <C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
    );
    max.report_at(WORK).header("Depth", "1").body(&body).expect(207).await
}

/// Each object of an answer with its text, lines ending as in the examples.
fn reported(answer: &Answer) -> Vec<(String, String)> {
    let of = |response: &beffroi::wire::xml::Element| {
        let href = response.dav("href").unwrap().text();
        let prop = response.dav("propstat")?.dav("prop")?;
        let data = prop.elements().find(|e| e.name.is_caldav("calendar-data"))?.text();
        Some((
            href.rsplit('/').next().unwrap().trim_end_matches(".ics").to_owned(),
            format!("{}\n", data.replace('\r', "").trim_end()),
        ))
    };
    answer.xml().elements().filter(|e| e.name.is_dav("response")).filter_map(of).collect()
}

fn expected(of: &[(&str, String)]) -> Vec<(String, String)> {
    of.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect()
}

fn within(component: &str, start: &str, end: &str) -> String {
    format!("<C:comp-filter name=\"{component}\"><C:time-range start=\"{start}\" end=\"{end}\"/></C:comp-filter>")
}

#[tokio::test]
async fn retrieval_by_time_range() {
    let (_world, max) = work().await;
    // 7.8.1: by the letter of section 9.6.1 the second answer, too, leaves out PRODID, which the example prints.
    let wanted: String =
        ["SUMMARY", "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID"]
            .iter()
            .map(|name| format!("<C:prop name=\"{name}\"/>"))
            .collect();
    let data = format!(
        "<C:comp name=\"VCALENDAR\"><C:prop name=\"VERSION\"/><C:comp name=\"VEVENT\">{wanted}</C:comp><C:comp \
         name=\"VTIMEZONE\"/></C:comp>"
    );
    let answer = query(&max, &data, &within("VEVENT", "20060104T000000Z", "20060105T000000Z")).await;
    let bare = |inner: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\n{ZONE}{inner}END:VCALENDAR\n");
    let lines = "DTSTART;TZID=US/Eastern:20060104T100000\nDURATION:PT1H\nSUMMARY:Event \
                 #3\nUID:DC6C50A017428C5216A2F1CD@example.com\n";
    let all = format!("{}{}{}", master(""), bis(""), bis_bis(""));
    assert_eq!(reported(&answer), expected(&[("abcd2", bare(&all)), ("abcd3", bare(&part("VEVENT", lines)))]));
    // 7.8.2
    let range = "start=\"20060103T000000Z\" end=\"20060105T000000Z\"";
    let filter = within("VEVENT", "20060103T000000Z", "20060105T000000Z");
    let answer = query(&max, &format!("<C:limit-recurrence-set {range}/>"), &filter).await;
    let limited = object(&format!("{ZONE}{}{}", master(STAMP), bis(STAMP)));
    assert_eq!(reported(&answer), expected(&[("abcd2", limited), ("abcd3", third())]));
    // 7.8.3: times that are in UTC end in Z (section 9.6.5), which the example forgets.
    let answer = query(&max, &format!("<C:expand {range}/>"), &filter).await;
    let one = part(
        "VEVENT",
        &format!(
            "{STAMP}DTSTART:20060103T170000Z\nDURATION:PT1H\nSUMMARY:Event #2\n{SECOND}RECURRENCE-ID:20060103T170000Z\n"
        ),
    );
    let other = part(
        "VEVENT",
        &format!(
            "{STAMP}DTSTART:20060104T190000Z\nDURATION:PT1H\nSUMMARY:Event #2 \
             bis\n{SECOND}RECURRENCE-ID:20060104T170000Z\n"
        ),
    );
    let alone = part("VEVENT", &THIRD.replace(";TZID=US/Eastern:20060104T100000", ":20060104T150000Z"));
    assert_eq!(reported(&answer), expected(&[("abcd2", object(&format!("{one}{other}"))), ("abcd3", object(&alone))]));
    // 7.8.4
    let range = "start=\"20060102T000000Z\" end=\"20060103T000000Z\"";
    let filter = within("VFREEBUSY", "20060102T000000Z", "20060103T000000Z");
    let answer = query(&max, &format!("<C:limit-freebusy-set {range}/>"), &filter).await;
    let busy = format!("{BUSY}FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z\n");
    assert_eq!(reported(&answer), expected(&[("abcd8", object(&part("VFREEBUSY", &busy)))]));
    // 7.8.5
    let alarm = within("VALARM", "20060106T100000Z", "20060107T100000Z");
    let answer = query(&max, "", &format!("<C:comp-filter name=\"VTODO\">{alarm}</C:comp-filter>")).await;
    assert_eq!(reported(&answer), expected(&[("abcd5", fifth("DUE;TZID=US/Eastern:20060106T120000"))]));
}

#[tokio::test]
async fn retrieval_by_what_is_in_it() {
    let (_world, max) = work().await;
    let event = |inner: &str| format!("<C:comp-filter name=\"VEVENT\">{inner}</C:comp-filter>");
    // 7.8.6
    let uid = "<C:prop-filter name=\"UID\"><C:text-match \
               collation=\"i;octet\">DC6C50A017428C5216A2F1CD@example.com</C:text-match></C:prop-filter>";
    assert_eq!(reported(&query(&max, "", &event(uid)).await), expected(&[("abcd3", third())]));
    // 7.8.7
    let invited = "<C:prop-filter name=\"ATTENDEE\"><C:text-match \
                   collation=\"i;ascii-casemap\">mailto:lisa@example.com</C:text-match>\
                   <C:param-filter name=\"PARTSTAT\"><C:text-match \
                   collation=\"i;ascii-casemap\">NEEDS-ACTION</C:text-match></C:param-filter></C:prop-filter>";
    assert_eq!(reported(&query(&max, "", &event(invited)).await), expected(&[("abcd3", third())]));
    // 7.8.8
    let all = [("abcd1", first()), ("abcd2", second()), ("abcd3", third())];
    assert_eq!(reported(&query(&max, "", "<C:comp-filter name=\"VEVENT\"/>").await), expected(&all));
    // 7.8.9
    let pending = "<C:comp-filter name=\"VTODO\"><C:prop-filter name=\"COMPLETED\"><C:is-not-defined/></C:prop-filter>\
                   <C:prop-filter name=\"STATUS\"><C:text-match \
                   negate-condition=\"yes\">CANCELLED</C:text-match></C:prop-filter></C:comp-filter>";
    let tasks = [("abcd4", fourth()), ("abcd5", fifth("DUE;TZID=US/Eastern:20060106T120000"))];
    assert_eq!(reported(&query(&max, "", pending).await), expected(&tasks));
    // 7.8.10: the server of the example cannot query such a property; this one can, and nothing holds that text.
    let own = |text: &str| {
        event(&format!("<C:prop-filter name=\"X-ABC-GUID\"><C:text-match>{text}</C:text-match></C:prop-filter>"))
    };
    assert_eq!(reported(&query(&max, "", &own("ABC")).await), []);
    assert_eq!(reported(&query(&max, "", &own("0007YM")).await), expected(&[("abcd3", third())]));
}

#[tokio::test]
async fn retrieval_by_address_and_of_busy_times() {
    let (_world, max) = work().await;
    // 7.9.1
    let body = format!(
        "<C:calendar-multiget {NS}><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{WORK}abcd1.ics</D:href>\
         <D:href>{WORK}mtg1.ics</D:href></C:calendar-multiget>"
    );
    let answer = max.report_at(WORK).body(&body).expect(207).await;
    assert_eq!(reported(&answer), expected(&[("abcd1", first())]));
    assert!(answer.statuses().contains(&(format!("{WORK}mtg1.ics"), 404)));
    // 7.10.1, without the busy times that are stored as such: the example leaves them out.
    max.delete(&format!("{WORK}abcd8.ics")).expect(204).await;
    let busy = async |start: &str, end: &str| {
        let body =
            format!("<C:free-busy-query {NS}><C:time-range start=\"{start}\" end=\"{end}\"/></C:free-busy-query>");
        let text = max.report_at(WORK).header("Depth", "1").body(&body).expect(200).await.text();
        let lines: Vec<String> = text.lines().filter(|line| line.starts_with("FREEBUSY")).map(str::to_owned).collect();
        lines
    };
    assert_eq!(
        busy("20060104T140000Z", "20060104T220000Z").await,
        [
            "FREEBUSY:20060104T190000Z/20060104T200000Z",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z"
        ]
    );
    let stored = object(&part(
        "VFREEBUSY",
        &format!("{BUSY}FREEBUSY:20060104T193000Z/PT2H\nFREEBUSY;FBTYPE=FREE:20060104T140000Z/PT1H\n"),
    ));
    max.put(&format!("{WORK}abcd9.ics"), &stored).expect(201).await;
    assert_eq!(
        busy("20060104T140000Z", "20060104T210000Z").await,
        [
            "FREEBUSY:20060104T190000Z/20060104T210000Z",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z"
        ]
    );
}
