//! Calendars that programs such as classic Outlook publish, whole and again and again: of them is kept when their owner
//! is busy, and nothing else.

use beffroi::model::id::now;
use beffroi::model::principal::DeviceScope;

use super::kit::{Answer, Client, World, event};

const FILE: &str = "/calendars/max/published/Max.ics";
/// What Outlook asks before it publishes.
const RESOURCE_TYPE: &str = "<D:resourcetype/>";
/// A word that stands in all that is published, and is shown to nobody.
const SECRET: &str = "Licenciement";

/// A moment at an hour of a day from now on, as DTSTART writes it.
fn at(day: i64, minute: i64) -> String {
    let day_s = 86_400;
    let midnight = now() - now().rem_euclid(day_s);
    let at = jiff::Timestamp::from_second(midnight + day * day_s + minute * 60).unwrap();
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// An event of Outlook's, from one minute of a day to another.
fn busy(uid: &str, day: i64, (from, to): (i64, i64), lines: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nATTENDEE;CN={SECRET}:mailto:lea@ville.example\r\nCLASS:PUBLIC\r\nDESCRIPTION:{SECRET}\r\n\
         DTEND:{}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nLOCATION:{SECRET}\r\n\
         ORGANIZER:mailto:max@ville.example\r\nPRIORITY:5\r\nSUMMARY;LANGUAGE=fr:{SECRET}\r\n{lines}\
         UID:{uid}{SECRET}\r\nBEGIN:VALARM\r\nTRIGGER:-PT15M\r\nACTION:DISPLAY\r\nDESCRIPTION:{SECRET}\r\n\
         END:VALARM\r\nEND:VEVENT\r\n",
        at(day, to),
        at(day, from)
    )
}

fn calendar(parts: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nPRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN\r\nVERSION:2.0\r\n\
         METHOD:PUBLISH\r\nX-CALSTART:20260101T000000Z\r\nX-WR-RELCALID:{{0000}}\r\nX-WR-CALNAME:{SECRET}\r\n\
         {parts}END:VCALENDAR\r\n"
    )
}

fn busy_lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n ", "");
    text.lines().filter(|line| line.starts_with("FREEBUSY")).map(str::to_owned).collect()
}

async fn looked_up(world: &World, whom: &str) -> Answer {
    let label = format!("{}-{whom}", now());
    let secret = world.tree.add_freebusy(&label, None).await.unwrap();
    let path = format!("/freebusy/{secret}/{whom}@ville.example.ifb");
    let answer = world.nobody().get(&path).expect(200).await;
    world.tree.revoke_freebusy(&label).await.unwrap();
    answer
}

async fn publish(client: &Client, parts: &str, status: u16) {
    let answer = client.put(FILE, &calendar(parts)).header("Content-Type", "text/calendar").expect(status).await;
    assert!(answer.header("etag").is_none(), "what is kept is not what was sent");
}

#[tokio::test]
async fn what_outlook_publishes_takes_the_time_of_its_owner_and_shows_nothing_else() {
    let world = World::new().await;
    let password = world.tree.add_device("max", "Outlook", DeviceScope::Calendars, false, None).await.unwrap();
    let (max, lea) = (world.login("max", &password), world.client("lea"));
    // Before anything is published there is a place for it.
    for (path, depth) in [("/calendars/max/published/", "1"), ("/calendars/max/published", "0")] {
        let found = max.propfind(path, depth, RESOURCE_TYPE).expect(207).await;
        assert!(found.text().contains("collection"), "{}", found.text());
    }
    let first = [
        busy("one", 1, (540, 660), ""),
        busy("two", 1, (600, 720), ""),
        busy("free", 2, (540, 600), "TRANSP:TRANSPARENT\r\n"),
        busy("also-free", 2, (540, 600), "X-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n"),
        busy("cancelled", 2, (660, 720), "STATUS:CANCELLED\r\n"),
        busy("away", 3, (0, 60), "X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\n"),
    ];
    publish(&max, &first.concat(), 201).await;
    let expected = [
        format!("FREEBUSY:{}/{}", at(1, 540), at(1, 720)),
        format!("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:{}/{}", at(3, 0), at(3, 60)),
    ];
    assert_eq!(busy_lines(looked_up(&world, "max").await.text().as_str()), expected);
    // Whatever way one asks, and whatever one reads: the owner, too, sees only when.
    let query = format!(
        "<c:free-busy-query xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><c:time-range start=\"{}\" \
         end=\"{}\"/></c:free-busy-query>",
        at(0, 0),
        at(10, 0)
    );
    let asked = max.report_at("/calendars/max/published/").header("Depth", "1").body(&query).expect(200).await;
    assert_eq!(busy_lines(&asked.text()), expected);
    let request = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nORGANIZER:mailto:lea@ville.example\r\n\
         ATTENDEE:mailto:max@ville.example\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        at(0, 0),
        at(10, 0)
    );
    let outbox = lea.ask("POST", "/calendars/lea/outbox/").header("Content-Type", "text/calendar");
    let answered = outbox.body(&request).expect(200).await;
    assert_eq!(busy_lines(&answered.text().replace("&#13;", "\r")), expected);
    let kept = max.get(FILE).expect(200).await;
    let listed = max.propfind("/calendars/max/published/", "1", "").expect(207).await;
    for answer in [&asked, &answered, &kept, &listed] {
        assert!(!answer.text().contains(SECRET), "{}", answer.text());
    }
    // The next one is all that counts; what was before leaves no version and lies in no trash.
    publish(&max, &busy("three", 4, (60, 120), ""), 204).await;
    publish(&max, &busy("three", 4, (60, 120), ""), 204).await;
    let expected = [format!("FREEBUSY:{}/{}", at(4, 60), at(4, 120))];
    assert_eq!(busy_lines(&looked_up(&world, "max").await.text()), expected);
    let trash = max.propfind("/trash/max/", "1", "").expect(207).await;
    assert_eq!(trash.hrefs().len(), 1, "{}", trash.text());
    // Nobody was invited, and nobody was sent anything.
    for home in ["max", "lea"] {
        let inbox = world.client(home).propfind(&format!("/calendars/{home}/inbox/"), "1", "").expect(207).await;
        assert_eq!(inbox.hrefs().len(), 1);
        let personal = world.client(home).propfind(&format!("/calendars/{home}/personal/"), "1", "").expect(207).await;
        assert_eq!(personal.hrefs().len(), 1);
    }
    world.sound().await;
}

#[tokio::test]
async fn five_thousand_events_are_published_and_looked_up() {
    let world = World::unflushed().await;
    let max = world.client("max");
    // A quarter of an hour in each half hour, from today on; each stands there twice.
    let events: Vec<String> = (0..5_000)
        .map(|place| {
            let slot = place / 2;
            busy(&format!("{place}-"), slot / 48, (slot % 48 * 30, slot % 48 * 30 + 15), "")
        })
        .collect();
    publish(&max, &events.concat(), 201).await;
    let lines = busy_lines(&looked_up(&world, "max").await.text());
    let periods: Vec<&str> = lines.iter().flat_map(|line| line["FREEBUSY:".len()..].split(',')).collect();
    assert_eq!(periods.len(), 2_500);
    assert_eq!(periods[0], format!("{}/{}", at(0, 0), at(0, 15)));
    assert_eq!(periods[2_499], format!("{}/{}", at(52, 90), at(52, 105)));
    world.sound().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_is_too_much_is_refused_and_nothing_changes() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    max.put(FILE, "<html>").header("Content-Type", "text/calendar").expect(403).await;
    // Nothing else comes to stand there, and no client makes the place itself.
    max.put("/calendars/max/personal/a.ics", &event("a", "20260614")).expect(201).await;
    for (method, path, to) in [
        ("COPY", "/calendars/max/personal/a.ics", "/calendars/max/published/a.ics"),
        ("MOVE", "/calendars/max/personal/a.ics", "/calendars/max/published/a.ics"),
        ("MOVE", "/calendars/max/tasks/", "/calendars/max/published/"),
    ] {
        let to = format!("http://{}{to}", max.address);
        let refused = max.ask(method, path).header("Destination", &to).send().await;
        assert!((400..500).contains(&refused.status), "{method} {path}: {}", refused.status);
    }
    for method in ["MKCALENDAR", "MKCOL", "DELETE", "PROPPATCH", "LOCK"] {
        let refused = max.ask(method, "/calendars/max/published/").send().await;
        assert!((400..500).contains(&refused.status), "{method}: {}", refused.status);
    }
    // It is its owner's alone.
    assert_eq!(lea.put(FILE, &calendar("")).send().await.status, 404);
    lea.propfind("/calendars/max/published/", "0", "").expect(404).await;
    publish(&max, &busy("one", 1, (540, 660), ""), 201).await;
    assert_eq!(lea.put(FILE, &calendar("")).send().await.status, 404);
    // Deleted, it takes no time, and is there again with the next.
    max.delete("/calendars/max/published/").expect(204).await;
    assert!(busy_lines(&looked_up(&world, "max").await.text()).is_empty());
    publish(&max, &busy("one", 1, (540, 660), ""), 201).await;
    assert_eq!(busy_lines(&looked_up(&world, "max").await.text()).len(), 1);
    // What is too much to follow is not followed to its end, and takes all the time, perhaps.
    let endless = "BEGIN:VEVENT\r\nUID:m\r\nDTSTART:20260101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY;\
                   INTERVAL=2\r\nEND:VEVENT\r\n";
    publish(&max, endless, 204).await;
    assert!(busy_lines(&looked_up(&world, "max").await.text())[0].contains("BUSY-TENTATIVE"));
    world.sound().await;
}

/// A calendar that is called so, from before there was publishing, stays what it is.
#[tokio::test]
async fn a_calendar_of_events_that_is_called_so_takes_events() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/old/").expect(201).await;
    let sql = "UPDATE node SET name = 'published', match_name = 'published' WHERE name = 'old'";
    sqlx::Executor::execute(&mut world.database().await, sql).await.unwrap();
    let mut world = world;
    world.stop().await;
    let world = world.again().await;
    let max = world.client("max");
    max.put(FILE, &event("a", "20260614")).expect(201).await;
    assert!(max.get(FILE).expect(200).await.text().contains("SUMMARY:Meeting"));
    world.sound().await;
}
