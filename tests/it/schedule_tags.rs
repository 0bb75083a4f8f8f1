//! Schedule tags: what clients know an object by whom others answer (RFC 6638 sections 3.2.10, 8.2, 8.3, 9.3).

use crate::kit::World;

const HOME: &str = "/calendars/max/personal/";
const PLAIN: &str = "DTSTART:20260706T090000Z\r\nSUMMARY:Point\r\n";
const PEOPLE: &str = "ORGANIZER:mailto:max@example.org\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:max@example.org\r\n\
                      ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:a@outside.example\r\n";

fn event(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:one\r\n\
         DTSTAMP:20260701T000000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[tokio::test]
async fn what_has_an_organizer_and_attendees_has_a_schedule_tag_and_nothing_else_has() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{HOME}one.ics");
    let put = max.put(&path, &event(PLAIN)).expect(201).await;
    assert_eq!(put.header("schedule-tag"), None);
    assert_eq!(max.get(&path).expect(200).await.header("schedule-tag"), None);
    let put = max.put(&path, &event(&format!("{PLAIN}{PEOPLE}"))).expect(204).await;
    let tag = put.header("schedule-tag").expect("a tag").to_owned();
    for method in ["GET", "HEAD"] {
        assert_eq!(max.ask(method, &path).expect(200).await.header("schedule-tag"), Some(tag.as_str()), "{method}");
    }
    let listed = max.propfind(HOME, "1", "<C:schedule-tag xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>").send().await;
    assert!(listed.text().contains(tag.trim_matches('"')), "{}", listed.text());
    // Other content is another tag; a copy elsewhere has one of its own; without people there is none.
    let moved = PLAIN.replace("T09", "T10");
    let put = max.put(&path, &event(&format!("{moved}{PEOPLE}"))).expect(204).await;
    assert_ne!(put.header("schedule-tag"), Some(tag.as_str()));
    let put = max.put(&path, &event(&moved)).expect(204).await;
    assert_eq!(put.header("schedule-tag"), None);
    world.sound().await;
}

#[tokio::test]
async fn a_schedule_tag_alone_decides_whether_a_client_knows_enough() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{HOME}one.ics");
    let text = |hour: u8| event(&format!("{}{PEOPLE}", PLAIN.replace("T09", &format!("T{hour}"))));
    let put = max.put(&path, &text(10)).expect(201).await;
    let first = put.header("schedule-tag").expect("a tag").to_owned();
    let stale = "\"0123\"";
    max.put(&path, &text(11)).header("If-Schedule-Tag-Match", stale).expect(412).await;
    let put = max.put(&path, &text(11)).header("If-Schedule-Tag-Match", &first).header("If-Match", stale);
    put.expect(204).await;
    max.put(&path, &text(12)).header("If-Schedule-Tag-Match", &first).expect(412).await;
    max.ask("DELETE", &path).header("If-Schedule-Tag-Match", &first).expect(412).await;
    // What has no such tag matches none.
    let plain = format!("{HOME}two.ics");
    max.put(&plain, &event(PLAIN).replace("UID:one", "UID:two")).expect(201).await;
    max.ask("DELETE", &plain).header("If-Schedule-Tag-Match", &first).expect(412).await;
    world.sound().await;
}
