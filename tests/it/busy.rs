//! When people, projects and rooms are busy, asked by POST to an outbox (RFC 6638 section 5).

use beffroi::model::calendar::BusyAudience;
use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::tree::administration::people::PersonChange;

use super::kit::{Answer, Client, World, event};

const HEAD: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\n\
                    DTSTAMP:20260601T000000Z\r\nDTSTART:20260601T000000Z\r\nDTEND:20260701T000000Z\r\n";

/// A question about June 2026.
fn question(organizer: &str, attendees: &[&str], more: &str) -> String {
    let attendees: String = attendees.iter().map(|one| format!("ATTENDEE:{one}\r\n")).collect();
    format!("{HEAD}ORGANIZER:{organizer}\r\n{attendees}{more}END:VFREEBUSY\r\nEND:VCALENDAR\r\n")
}

fn post(client: &Client, outbox: &str, question: &str) -> impl Future<Output = Answer> {
    client.ask("POST", outbox).header("Content-Type", "text/calendar; charset=utf-8").body(question).send()
}

/// What is answered about each: the status, and the lines of busy times.
async fn answers(client: &Client, name: &str, attendees: &[&str], more: &str) -> Vec<(String, Vec<String>)> {
    let asked = question(&format!("mailto:{name}@ville.example"), attendees, more);
    let answer = post(client, &format!("/calendars/{name}/outbox/"), &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let root = answer.xml();
    assert!(root.name.is_caldav("schedule-response"));
    let found = root.elements().enumerate().map(|(place, response)| {
        let of = |name: &str| response.elements().find(|one| one.name.is_caldav(name));
        assert_eq!(of("recipient").unwrap().dav("href").unwrap().text(), attendees[place]);
        let data = of("calendar-data").map(|data| data.text()).unwrap_or_default();
        let lines = data.replace("\r\n ", "");
        let busy = lines.lines().filter(|line| line.starts_with("FREEBUSY")).map(str::to_owned).collect();
        assert!(!lines.contains("SUMMARY") && !lines.contains("Secret"), "{lines}");
        (of("request-status").unwrap().text(), busy)
    });
    found.collect()
}

fn status(answers: &[(String, Vec<String>)]) -> Vec<&str> {
    answers.iter().map(|(status, _)| status.split(';').next().unwrap_or_default()).collect()
}

async fn put(client: &Client, path: &str, uid: &str, day: u32, lines: &str) {
    let text =
        event(uid, &format!("202606{day:02}")).replace("SUMMARY:Meeting\r\n", &format!("SUMMARY:Secret\r\n{lines}"));
    client.put(&format!("{path}{uid}.ics"), &text).expect(201).await;
}

/// An event on a day from ten to eleven.
fn period(day: u32) -> String {
    format!("202606{day:02}T100000Z/202606{day:02}T110000Z")
}

#[tokio::test]
async fn what_takes_the_time_of_someone_is_answered_and_nothing_else() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    let personal = "/calendars/max/personal/";
    let invited = |answer: &str| {
        format!(
            "ORGANIZER:mailto:o@x.example\r\nATTENDEE;PARTSTAT={answer}:MAILTO:Max@ville.example\r\n\
                 ATTENDEE;PARTSTAT=DECLINED:mailto:other@x.example\r\n"
        )
    };
    put(&max, personal, "plain", 1, "").await;
    put(&max, personal, "tentative", 2, "STATUS:TENTATIVE\r\n").await;
    put(&max, personal, "cancelled", 3, "STATUS:CANCELLED\r\n").await;
    put(&max, personal, "transparent", 4, "TRANSP:TRANSPARENT\r\n").await;
    put(&max, personal, "private", 5, "CLASS:PRIVATE\r\n").await;
    for (day, answer) in [(6, "ACCEPTED"), (7, "DECLINED"), (8, "TENTATIVE"), (9, "NEEDS-ACTION"), (10, "DELEGATED")] {
        put(&max, personal, &format!("invited-{day}"), day, &invited(answer)).await;
    }
    let busy = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VFREEBUSY\r\nUID:fb\r\nDTSTAMP:20260601T000000Z\r\n\
                FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260611T100000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    let make = "<C:mkcalendar xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\"><D:set><D:prop>\
                <C:supported-calendar-component-set><C:comp name=\"VFREEBUSY\"/></C:supported-calendar-component-set>\
                </D:prop></D:set></C:mkcalendar>";
    max.ask("MKCALENDAR", "/calendars/max/busy/").header("Content-Type", "text/xml").body(make).expect(201).await;
    max.put("/calendars/max/busy/fb.ics", busy).expect(201).await;
    // What a series is answered once by, and other calendars: one that takes no time, and the project's.
    let series = format!("RRULE:FREQ=DAILY;COUNT=3\r\n{}", invited("ACCEPTED"));
    let declined = event("series", "20260613").replace(
        "SUMMARY:Meeting",
        &format!("RECURRENCE-ID:20260613T100000Z\r\nSUMMARY:Secret\r\n{}", invited("DECLINED").trim_end()),
    );
    let declined = &declined[declined.find("BEGIN:VEVENT").unwrap()..declined.find("END:VCALENDAR").unwrap()];
    let whole = event("series", "20260612").replace("SUMMARY:Meeting\r\n", &series);
    max.put(&format!("{personal}series.ics"), &whole.replace("END:VCALENDAR", &format!("{declined}END:VCALENDAR")))
        .expect(201)
        .await;
    max.ask("MKCALENDAR", "/calendars/max/free/").expect(201).await;
    put(&max, "/calendars/max/free/", "free", 20, "").await;
    let transparent = "<D:set><D:prop><schedule-calendar-transp xmlns=\"urn:ietf:params:xml:ns:caldav\"><transparent/>\
                       </schedule-calendar-transp></D:prop></D:set>";
    assert!(max.proppatch("/calendars/max/free/", transparent).expect(207).await.text().contains("200 OK"));
    put(&max, "/calendars/tram/meetings/", "project", 21, "").await;
    // Beyond both ends it is cut; what touches is joined.
    for (uid, start, end) in
        [("before", "20260531T230000", "20260601T003000"), ("next", "20260601T003000", "20260601T010000")]
    {
        let text = event(uid, "20260601").replace("20260601T100000", start).replace("20260601T110000", end);
        max.put(&format!("{personal}{uid}.ics"), &text).expect(201).await;
    }
    let found = answers(&lea, "lea", &["mailto:max@ville.example"], "").await;
    assert_eq!(found[0].0, "2.0;Success");
    let days = |days: &[u32]| days.iter().map(|day| period(*day)).collect::<Vec<_>>().join(",");
    let expected = [
        format!("FREEBUSY:20260601T000000Z/20260601T010000Z,{}", days(&[1, 5, 6, 12, 14])),
        format!("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:{}", period(11)),
        format!("FREEBUSY;FBTYPE=BUSY-TENTATIVE:{}", days(&[2, 8, 9])),
    ];
    assert_eq!(found[0].1, expected);
}

#[tokio::test]
async fn who_is_asked_about_is_found_or_not_and_never_fails_the_others() {
    let mut world = World::with(|config| config.mail.domain = Some("agenda.example".parse().unwrap())).await;
    world.add_person("pia").await;
    world.tree.add_project("bus", "Bus", None).await.unwrap();
    world.tree.add_partner("tram", "pia", "lea", now() + 86_400).await.unwrap();
    world.tree.add_group("team", "Team").await.unwrap();
    let (lea, max, pia) = (world.client("lea"), world.client("max"), world.client("pia"));
    put(&max, "/calendars/max/personal/", "a", 1, "").await;
    put(&max, "/calendars/tram/meetings/", "b", 2, "").await;
    let asked = [
        "mailto:max@ville.example",
        "/principals/max/",
        "mailto:nobody@ville.example",
        "mailto:tram@agenda.example",
        "mailto:bus@agenda.example",
        "/principals/team/",
        "mailto:max@agenda.example",
        "mailto:max@beffroi.invalid",
        // What stands after a plus is the tag of a meeting.
        "mailto:tram+tag@agenda.example",
        "/files/max/",
        "urn:uuid:1",
        "mailto:lea@ville.example",
    ];
    let found = answers(&lea, "lea", &asked, "").await;
    assert_eq!(status(&found), ["2.0", "2.0", "3.7", "2.0", "3.7", "3.7", "3.7", "3.7", "2.0", "3.7", "3.7", "2.0"]);
    let busy = |day| vec![format!("FREEBUSY:{}", period(day))];
    assert_eq!((&found[0].1, &found[1].1, &found[3].1), (&busy(1), &busy(1), &busy(2)));
    // A partner knows those of the project and nobody else, unless a calendar was opened to them.
    let asked = ["mailto:max@ville.example", "mailto:zoe@ville.example", "mailto:tram@agenda.example"];
    put(&world.client("zoe"), "/calendars/zoe/personal/", "c", 3, "").await;
    put(&world.client("zoe"), "/calendars/zoe/personal/", "d", 4, "").await;
    assert_eq!(status(&answers(&pia, "pia", &asked, "").await), ["2.0", "3.7", "3.8"]);
    world.tree.grant("/calendars/zoe/personal", "pia", Role::FreeBusy, None).await.unwrap();
    world.tree.grant("/calendars/tram/meetings", "pia", Role::FreeBusy, None).await.unwrap();
    let found = answers(&pia, "pia", &asked, "").await;
    assert_eq!(status(&found), ["2.0", "2.0", "2.0"]);
    assert_eq!(found[2].1, busy(2));
    // Of too many the first are answered.
    let many: Vec<String> = (0..40).map(|number| format!("mailto:nobody-{number}@ville.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let found = answers(&lea, "lea", &many, "").await;
    assert_eq!(status(&found), [vec!["3.7"; 30], vec!["5.1"; 10]].concat());
    // Whoever may not log in is nobody.
    world.tree.set_disabled("max", true).await.unwrap();
    assert_eq!(status(&answers(&lea, "lea", &["mailto:max@ville.example"], "").await), ["3.7"]);
}

#[tokio::test]
async fn only_questions_of_whose_outbox_it_is_are_taken() {
    let world = World::with(|config| config.mail.domain = Some("agenda.example".parse().unwrap())).await;
    let max = world.client("max");
    let to = &["mailto:lea@ville.example"];
    let good = question("mailto:max@ville.example", to, "");
    for (outbox, body, status, condition) in [
        ("max", good.clone(), 200, ""),
        ("max", good.replace("mailto:max@ville.example", "/principals/max/"), 200, ""),
        ("tram", question("mailto:tram@agenda.example", to, ""), 200, ""),
        ("tram", good.clone(), 403, "valid-organizer"),
        ("max", question("mailto:lea@ville.example", to, ""), 403, "valid-organizer"),
        ("max", good.replace("METHOD:REQUEST\r\n", ""), 400, "valid-scheduling-message"),
        ("max", event("a", "20260601"), 400, "valid-scheduling-message"),
        ("max", good.replace("DTEND:20260701", "DTEND:20270701"), 400, "valid-scheduling-message"),
        ("max", "BEGIN:NONSENSE".to_owned(), 403, "valid-calendar-data"),
        ("lea", good.clone(), 404, ""),
    ] {
        let answer = post(&max, &format!("/calendars/{outbox}/outbox/"), &body).await;
        assert_eq!(answer.status, status, "{outbox} {body}: {}", answer.text());
        assert!(answer.text().contains(condition), "{}", answer.text());
    }
    let refused = max.ask("POST", "/calendars/max/outbox/").header("Content-Type", "text/plain").body(&good);
    assert!(refused.expect(403).await.text().contains("supported-calendar-data"));
    // A reader of the project asks nobody in its name.
    let (rita, asked) = (world.client("rita"), question("mailto:tram@agenda.example", to, ""));
    assert_eq!(post(&rita, "/calendars/tram/outbox/", &asked).await.status, 404);
}

#[tokio::test]
async fn a_meeting_that_is_moved_does_not_stand_in_its_own_way() {
    let world = World::with(|config| config.mail.domain = Some("agenda.example".parse().unwrap())).await;
    let (lea, max, zoe) = (world.client("lea"), world.client("max"), world.client("zoe"));
    let personal = "/calendars/max/personal/";
    let by = |organizer: &str| {
        format!("ORGANIZER:mailto:{organizer}\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:max@ville.example\r\n")
    };
    put(&max, personal, "leas", 1, &by("lea@ville.example")).await;
    put(&max, personal, "projects", 2, &by("tram@agenda.example")).await;
    put(&max, personal, "own", 3, "").await;
    let to = ["mailto:max@ville.example"];
    for (client, name, uid, left_out) in [
        (&lea, "lea", "leas", Some(1)),
        (&lea, "lea", "projects", Some(2)),
        (&lea, "lea", "own", None),
        (&zoe, "zoe", "leas", None),
        (&zoe, "zoe", "projects", None),
        (&zoe, "zoe", "own", None),
        (&max, "max", "own", Some(3)),
        (&max, "max", "leas", None),
    ] {
        let mask = format!("X-CALENDARSERVER-MASK-UID:{uid}\r\n");
        let found = answers(client, name, &to, &mask).await;
        let left: Vec<String> = (1..=3).filter(|day| Some(*day) != left_out).map(period).collect();
        assert_eq!(found[0].1, [format!("FREEBUSY:{}", left.join(","))], "{name} {uid}");
    }
}

#[tokio::test]
async fn rooms_are_closed_and_people_unavailable() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    let room = Room { hours: "mon-sun 00:00-24:00".to_owned(), manager: Some("lea".to_owned()), ..Room::default() };
    world.tree.add_room("hall", "Hall", "hall@ville.example", &room).await.unwrap();
    let shut = Room { hours: "mon 00:00-00:01".to_owned(), ..Room::default() };
    world.tree.add_room("den", "Den", "den@ville.example", &shut).await.unwrap();
    put(&lea, "/calendars/hall/bookings/", "booking", 1, "").await;
    let found = answers(&max, "max", &["mailto:hall@ville.example", "mailto:den@ville.example"], "").await;
    assert_eq!(found[0].1, [format!("FREEBUSY:{}", period(1))]);
    assert!(found[1].1[0].starts_with("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260601T"), "{:?}", found[1].1);
    // Only the first of July is available.
    let availability = |of: &str| {
        format!(
            "<D:set><D:prop><C:calendar-availability xmlns:C=\"urn:ietf:params:xml:ns:caldav\">BEGIN:VCALENDAR&#13;\n\
             VERSION:2.0&#13;\nPRODID:x&#13;\n{of}END:VCALENDAR&#13;\n</C:calendar-availability></D:prop></D:set>"
        )
    };
    let said = availability(
        "BEGIN:VAVAILABILITY&#13;\nUID:v&#13;\nDTSTAMP:20260601T000000Z&#13;\nBEGIN:AVAILABLE&#13;\nUID:a&#13;\n\
         DTSTART:20260601T000000Z&#13;\nDTEND:20260630T000000Z&#13;\nEND:AVAILABLE&#13;\nEND:VAVAILABILITY&#13;\n",
    );
    for (path, instructions, answer) in [
        ("/calendars/max/inbox/", availability(""), "valid-calendar-data"),
        (
            "/calendars/max/inbox/",
            availability("BEGIN:VEVENT&#13;\nUID:1&#13;\nEND:VEVENT&#13;\n"),
            "valid-calendar-data",
        ),
        ("/calendars/max/inbox/", availability(&format!("X-A:{}&#13;\n", "a".repeat(70_000))), "max-resource-size"),
        ("/calendars/max/personal/", said.clone(), "cannot-modify-protected-property"),
        ("/calendars/max/", said.clone(), "200 OK"),
        ("/calendars/lea/inbox/", said.clone(), "404"),
    ] {
        let answered = max.proppatch(path, &instructions).send().await.text();
        assert!(answered.contains(answer) || answer == "404", "{path}: {answered}");
    }
    let expected = "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260630T000000Z/20260701T000000Z";
    assert_eq!(answers(&lea, "lea", &["mailto:max@ville.example"], "").await[0].1, [expected]);
    assert!(answers(&max, "max", &["mailto:lea@ville.example"], "").await[0].1.is_empty());
    // What the inbox says counts for more.
    let all = said.replace("20260630", "20260801");
    assert!(max.proppatch("/calendars/max/inbox/", &all).expect(207).await.text().contains("200 OK"));
    assert!(answers(&lea, "lea", &["mailto:max@ville.example"], "").await[0].1.is_empty());
}

/// Who learns when one is busy: all who may know of one, or those to whom a role was granted, be that a person, a group
/// or everyone; by every way to ask.
#[tokio::test]
async fn who_learns_when_one_is_busy_is_said_by_a_policy_and_roles() {
    let mut world = World::new().await;
    world.add_person("pia").await;
    world.tree.add_partner("tram", "pia", "lea", now() + 86_400).await.unwrap();
    world.tree.add_group("team", "Team").await.unwrap();
    let secret = world.tree.add_freebusy("mairie", None).await.unwrap();
    let (max, nobody) = (world.client("max"), world.nobody());
    put(&world.client("zoe"), "/calendars/zoe/personal/", "a", 1, "").await;
    let whom = ["mailto:zoe@ville.example"];
    // What max, mia, the partner, zoe herself and whoever looks zoe up learn.
    let learned = async || {
        let mut learned = Vec::new();
        for name in ["max", "mia", "pia", "zoe"] {
            let found = answers(&world.client(name), name, &whom, "").await;
            let busy = found[0].1.len();
            assert_eq!(busy == 1, found[0].0.starts_with("2.0"), "{name}");
            learned.push(status(&found)[0].to_owned());
        }
        let looked_up = nobody.get(&format!("/freebusy/{secret}/zoe@ville.example.ifb")).send().await;
        learned.push(looked_up.status.to_string());
        learned
    };
    let policy = async |busy_times| {
        let change = PersonChange { busy_times: Some(busy_times), ..PersonChange::default() };
        world.tree.set_person("zoe", change).await.unwrap();
    };
    assert_eq!(learned().await, ["2.0", "2.0", "3.7", "2.0", "200"]);
    policy(BusyAudience::Granted).await;
    assert_eq!(world.tree.busy_audience("zoe").await.unwrap(), BusyAudience::Granted);
    assert_eq!(learned().await, ["3.8", "3.8", "3.7", "2.0", "404"]);
    // Of who does not consent whoever looks up learns what is learned of nobody.
    let of = async |name: &str| {
        let answer = nobody.get(&format!("/freebusy/{secret}/{name}@ville.example.ifb")).expect(404).await;
        (answer.text(), answer.header("content-type").map(str::to_owned), answer.header("etag").map(str::to_owned))
    };
    assert_eq!(of("zoe").await, of("nobody").await);
    let grant = async |to| world.tree.grant("/calendars/zoe", to, Role::FreeBusy, None).await.unwrap();
    grant("max").await;
    assert_eq!(learned().await, ["2.0", "3.8", "3.7", "2.0", "404"]);
    world.tree.join_group("team", "mia").await.unwrap();
    grant("team").await;
    assert_eq!(learned().await, ["2.0", "2.0", "3.7", "2.0", "404"]);
    world.tree.leave_group("team", "mia").await.unwrap();
    world.tree.revoke("/calendars/zoe", "max").await.unwrap();
    assert_eq!(learned().await, ["3.8", "3.8", "3.7", "2.0", "404"]);
    // Everyone are all, partners too, and whoever looks up.
    grant("@everyone").await;
    assert_eq!(learned().await, ["2.0", "2.0", "2.0", "2.0", "200"]);
    world.tree.revoke("/calendars/zoe", "@everyone").await.unwrap();
    assert_eq!(learned().await, ["3.8", "3.8", "3.7", "2.0", "404"]);
    policy(BusyAudience::All).await;
    assert_eq!(learned().await, ["2.0", "2.0", "3.7", "2.0", "200"]);
    // Who keeps calendars for someone sees when they are busy.
    policy(BusyAudience::Granted).await;
    let delegation =
        beffroi::tree::administration::delegates::Delegation { role: Role::Reader, sees_private: false, until: None };
    world.tree.add_delegate("zoe", "mia", delegation).await.unwrap();
    assert_eq!(learned().await, ["3.8", "2.0", "3.7", "2.0", "404"]);
    drop(max);
    world.sound().await;
}

/// Whatever stands in a calendar, who may know when one is busy reads times and nothing else.
#[tokio::test]
async fn no_word_of_a_calendar_is_in_busy_times() {
    const WORD: &str = "Licenciement";
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    world.tree.grant("/calendars/max", "lea", Role::FreeBusy, None).await.unwrap();
    let lines = format!(
        "DESCRIPTION;ALTREP=\"http://{WORD}/\";X-P={WORD}:{WORD}\r\nLOCATION:{WORD}\r\nCATEGORIES:{WORD}\r\n\
         COMMENT:{WORD}\r\nX-{WORD}:{WORD}\r\nORGANIZER;CN={WORD}:mailto:{WORD}@x.example\r\n\
         ATTENDEE;CN={WORD};PARTSTAT=ACCEPTED:mailto:max@ville.example\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\n\
         DESCRIPTION:{WORD}\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
    );
    let day = jiff::Timestamp::now().strftime("%Y%m%d").to_string();
    for (uid, more) in [("a", ""), ("b", "CLASS:PRIVATE\r\n"), ("c", "RRULE:FREQ=DAILY;COUNT=3\r\n")] {
        let text = event(&format!("{uid}{WORD}"), &day)
            .replace("SUMMARY:Meeting\r\n", &format!("SUMMARY:{WORD}\r\n{more}{lines}"));
        max.put(&format!("/calendars/max/personal/{WORD}{uid}.ics"), &text).expect(201).await;
    }
    let make = "<C:mkcalendar xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\"><D:set><D:prop>\
                <C:supported-calendar-component-set><C:comp name=\"VFREEBUSY\"/></C:supported-calendar-component-set>\
                </D:prop></D:set></C:mkcalendar>";
    let calendar = format!("/calendars/max/{WORD}/");
    max.ask("MKCALENDAR", &calendar).header("Content-Type", "text/xml").body(make).expect(201).await;
    let busy = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{WORD}\r\nBEGIN:VFREEBUSY\r\nUID:{WORD}\r\n\
         DTSTAMP:20260601T000000Z\r\nCOMMENT:{WORD}\r\nURL:http://{WORD}/\r\n\
         FREEBUSY;FBTYPE=X-{WORD};X-P={WORD}:{day}T200000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    );
    max.put(&format!("{calendar}fb.ics"), &busy).expect(201).await;
    let lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        &format!("PRODID:{WORD}"),
        "BEGIN:VAVAILABILITY",
        &format!("UID:{WORD}"),
        "DTSTAMP:20260101T000000Z",
        &format!("SUMMARY:{WORD}"),
        "BEGIN:AVAILABLE",
        &format!("UID:{WORD}2"),
        "DTSTAMP:20260101T000000Z",
        &format!("SUMMARY:{WORD}"),
        &format!("DTSTART:{day}T080000Z"),
        &format!("DTEND:{day}T220000Z"),
        "END:AVAILABLE",
        "END:VAVAILABILITY",
        "END:VCALENDAR",
    ];
    let availability = format!(
        "<D:set><D:prop><C:calendar-availability xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{}\
         </C:calendar-availability></D:prop></D:set>",
        lines.join("&#13;\n")
    );
    assert!(max.proppatch("/calendars/max/inbox/", &availability).expect(207).await.text().contains("200 OK"));
    let range = format!("start=\"{day}T000000Z\" end=\"{day}T235959Z\"");
    let query = format!(
        "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range {range}/></C:free-busy-query>"
    );
    let secret = world.tree.add_freebusy("mairie", None).await.unwrap();
    let asked = question("mailto:lea@ville.example", &["mailto:max@ville.example"], "")
        .replace("20260601T000000Z\r\nDTEND:20260701T000000Z", &format!("{day}T000000Z\r\nDTEND:{day}T235959Z"));
    let answers = [
        post(&lea, "/calendars/lea/outbox/", &asked).await,
        world.nobody().get(&format!("/freebusy/{secret}/max@ville.example.ifb")).send().await,
        lea.report_at("/calendars/max/personal/").header("Depth", "1").body(&query).send().await,
        lea.report_at(&calendar).header("Depth", "1").body(&query).send().await,
    ];
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
        assert!(answer.text().contains("FREEBUSY"), "{place}: {}", answer.text());
        let all = format!("{}{:?}", answer.text().replace("\r\n ", ""), answer.headers);
        assert!(!all.to_lowercase().contains(&WORD.to_lowercase()), "{place}: {all}");
    }
}
