//! RFC 6638 section 3.2 as clients see it: the rows of its tables that no other test is about.

use super::kit::{Client, World};
use super::meetings::{MAX, copy, line, meeting, of, refresh, text};
use super::past::moment;

const MIA: &str = "/calendars/mia/personal/";
const AGENTS: [&str; 4] = ["", ";SCHEDULE-AGENT=SERVER", ";SCHEDULE-AGENT=CLIENT", ";SCHEDULE-AGENT=NONE"];

/// Does the server schedule with who has this parameter?
fn is_served(agent: &str) -> bool {
    agent.is_empty() || agent.ends_with("SERVER")
}

/// The copy that mia has of a meeting.
async fn of_mia(world: &World, uid: &str) -> Option<(String, String)> {
    copy(&world.client("mia"), MIA, uid).await
}

fn accepted(copied: &str, name: &str) -> String {
    let own = line(copied, name);
    copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))
}

async fn tag(client: &Client, path: &str) -> String {
    client.get(path).expect(200).await.header("schedule-tag").expect("a schedule tag").to_owned()
}

/// Sections 3.2.1.1 and 3.2.1.3.
#[tokio::test]
async fn who_is_invited_and_called_off_follows_from_the_agent() {
    let world = World::new().await;
    let max = world.client("max");
    for (number, agent) in AGENTS.iter().enumerate() {
        let (uid, path) = (format!("u{number}"), format!("{MAX}u{number}.ics"));
        let asked = meeting(&uid, &of("max", &["max", "mia"])).replace("RSVP=TRUE:", &format!("RSVP=TRUE{agent}:"));
        max.put(&path, &asked).expect(201).await;
        let copied = of_mia(&world, &uid).await;
        assert_eq!(copied.is_some(), is_served(agent), "{agent}");
        let stored = text(&max.get(&path).expect(200).await);
        assert_eq!(line(&stored, "mia").contains("SCHEDULE-STATUS"), is_served(agent), "{stored}");
        max.delete(&path).expect(204).await;
        let copied = of_mia(&world, &uid).await.map(|(_, text)| text);
        let called_off = copied.as_ref().is_some_and(|text| text.contains("STATUS:CANCELLED"));
        assert_eq!(called_off, is_served(agent), "{agent}: {copied:?}");
    }
    world.sound().await;
}

/// Sections 3.2.2.2 to 3.2.2.4: an attendee's copy that came by mail, answered, changed and deleted.
#[tokio::test]
async fn whose_copy_is_answered_for_follows_from_the_agent_of_its_organizer() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for (number, agent) in AGENTS.iter().enumerate() {
        let (uid, path) = (format!("u{number}"), format!("{MAX}u{number}.ics"));
        // The organizer leaves it to the client, so the server has made no copy.
        let lines = of("max", &["max", "mia"]);
        let asked = meeting(&uid, &lines.replace("RSVP=TRUE:", "RSVP=TRUE;SCHEDULE-AGENT=CLIENT:"));
        max.put(&path, &asked).expect(201).await;
        let before = max.get(&path).expect(200).await.header("etag").map(str::to_owned);
        let own = meeting(&uid, &lines.replace("ORGANIZER:", &format!("ORGANIZER{agent}:")));
        let place = format!("{MIA}{uid}.ics");
        mia.put(&place, &own).expect(201).await;
        mia.put(&place, &accepted(&own, "mia")).expect(204).await;
        let stored = text(&mia.get(&place).expect(200).await);
        let organizer = stored.lines().find(|line| line.starts_with("ORGANIZER")).expect("one");
        assert_eq!(organizer.contains("SCHEDULE-STATUS"), is_served(agent), "{organizer}");
        let answered = text(&max.get(&path).expect(200).await);
        assert_eq!(line(&answered, "mia").contains("PARTSTAT=ACCEPTED"), is_served(agent), "{agent}: {answered}");
        mia.delete(&place).expect(204).await;
        let answered = text(&max.get(&path).expect(200).await);
        assert_eq!(line(&answered, "mia").contains("PARTSTAT=DECLINED"), is_served(agent), "{agent}: {answered}");
        let after = max.get(&path).expect(200).await.header("etag").map(str::to_owned);
        assert_eq!(before != after, is_served(agent), "{agent}");
    }
    world.sound().await;
}

/// Section 3.2.3.1: what is there, what is put there, what is done.
#[tokio::test]
async fn what_a_put_does_follows_from_what_was_there_and_what_is() {
    let world = World::new().await;
    let max = world.client("max");
    let (plain, people) = (meeting("one", ""), meeting("one", &of("max", &["max", "mia"])));
    let path = format!("{MAX}one.ics");
    // Nothing, then a calendar object, then another: none.
    max.put(&path, &plain).expect(201).await;
    max.put(&path, &plain.replace("Point", "Autre")).expect(204).await;
    assert!(of_mia(&world, "one").await.is_none());
    // It becomes a scheduling object: create.
    max.put(&path, &people).expect(204).await;
    let (href, copied) = of_mia(&world, "one").await.expect("an invitation");
    assert!(!copied.contains("STATUS:CANCELLED"));
    // It is changed: modify. It is none any more: remove.
    max.put(&path, &people.replace("Point", "Autre")).expect(204).await;
    assert!(of_mia(&world, "one").await.expect("a copy").1.contains("SUMMARY:Autre"));
    max.put(&path, &plain).expect(204).await;
    assert!(of_mia(&world, "one").await.expect("a copy").1.contains("STATUS:CANCELLED"));
    world.client("mia").delete(&href).expect(204).await;
    // Nothing, then a scheduling object: create.
    max.put(&format!("{MAX}two.ics"), &people.replace("UID:one", "UID:two")).expect(201).await;
    assert!(of_mia(&world, "two").await.is_some());
    world.sound().await;
}

/// Sections 3.2.3.2 to 3.2.3.4. A document is no calendar object, so nothing comes from there or goes there.
#[tokio::test]
async fn what_is_copied_or_moved_schedules_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/other/").expect(201).await;
    let path = format!("{MAX}one.ics");
    let document = "/files/max/two.ics";
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    max.put(document, &meeting("two", &of("max", &["max", "mia"]))).expect(201).await;
    for method in ["COPY", "MOVE"] {
        for (from, to) in [(document, "/calendars/max/other/two.ics"), (path.as_str(), "/files/max/one.ics")] {
            let answer = max.ask(method, from).header("Destination", to).send().await;
            assert!((400..500).contains(&answer.status), "{method} {from}: {}", answer.status);
            max.get(to).expect(404).await;
        }
    }
    assert!(of_mia(&world, "two").await.is_none());
    // From calendar to calendar: a second one is refused, and another place is none of anybody's business.
    let (_, before) = of_mia(&world, "one").await.expect("a copy");
    let refused = max.copy(&path, "/calendars/max/other/one.ics").expect(403).await;
    assert!(refused.text().contains("unique-scheduling-object-resource"), "{}", refused.text());
    // So is one with all of its calendar, of which the RFC says nothing.
    let refused = max.copy("/calendars/max/personal/", "/calendars/max/all/").expect(403).await;
    assert!(refused.text().contains("unique-scheduling-object-resource"), "{}", refused.text());
    max.get("/calendars/max/all/").expect(404).await;
    assert_eq!(of_mia(&world, "one").await.expect("a copy").1, before, "the meeting stands");
    let moved = max.relocate(&path, "/calendars/max/other/one.ics").expect(201).await;
    let there = tag(&max, "/calendars/max/other/one.ics").await;
    assert_eq!(moved.header("schedule-tag"), Some(there.as_str()));
    assert_eq!(of_mia(&world, "one").await.expect("a copy").1, before);
    max.delete("/calendars/max/other/one.ics").expect(204).await;
    assert!(of_mia(&world, "one").await.expect("a copy").1.contains("STATUS:CANCELLED"));
    world.sound().await;
}

/// Sections 3.2.4.2 and 3.2.4.3: by name, and nothing of it is stored.
#[tokio::test]
async fn what_nobody_may_organize_is_refused_by_name() {
    let world = World::new().await;
    let max = world.client("max");
    let second = |organizer: &str| {
        let more = format!(
            "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20300101T000000Z\r\n\
             RECURRENCE-ID:20300708T090000Z\r\nDTSTART:20300708T110000Z\r\nDTEND:20300708T120000Z\r\n\
             SUMMARY:Point\r\n{organizer}ATTENDEE:mailto:mia@ville.example\r\nEND:VEVENT\r\n"
        );
        let series = format!("RRULE:FREQ=WEEKLY;COUNT=4\r\n{}", of("max", &["max", "mia"]));
        meeting("one", &series).replacen("END:VEVENT\r\n", &more, 1)
    };
    let path = format!("{MAX}one.ics");
    let refused = max.put(&path, &second("ORGANIZER:mailto:zoe@ville.example\r\n")).expect(403).await;
    assert!(refused.text().contains("same-organizer-in-all-components"), "{}", refused.text());
    max.get(&path).expect(404).await;
    max.put(&path, &second("ORGANIZER:mailto:max@ville.example\r\n")).expect(201).await;
    let stored = text(&max.get(&path).expect(200).await);
    let organizer = stored.lines().find(|line| line.starts_with("ORGANIZER")).expect("one").to_owned();
    let refused = max.put(&path, &stored.replace(&format!("{organizer}\r\n"), "")).expect(403).await;
    assert!(refused.text().contains("allowed-organizer-scheduling-object-change"), "{}", refused.text());
    assert_eq!(text(&max.get(&path).expect(200).await), stored);
    // Nor does who is invited begin to organize.
    let mia = world.client("mia");
    let (href, copied) = of_mia(&world, "one").await.expect("a copy");
    let hers = copied.replace("mailto:max@ville.example", "mailto:mia@ville.example");
    let refused = mia.put(&href, &hers).expect(403).await;
    assert!(refused.text().contains("allowed-attendee-scheduling-object-change"), "{}", refused.text());
    assert_eq!(text(&max.get(&path).expect(200).await), stored);
    world.sound().await;
}

/// Section 3.2.9: what became of the message to each, on their line; and section 3.2.7, that it is sent again.
#[tokio::test]
async fn the_organizer_sees_what_became_of_each_message() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let people = of("max", &["max", "mia"]) + "ATTENDEE:mailto:nobody@ville.example\r\nATTENDEE:mailto:tram@x\r\n";
    max.put(&path, &meeting("one", &people)).expect(201).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("SCHEDULE-STATUS=1.2"), "{stored}");
    // Without mail there is no way to who is unknown here.
    for name in ["nobody", "tram"] {
        let line = line(&stored, name);
        assert!(line.contains("SCHEDULE-STATUS=5.2"), "{line}");
    }
    // Who declined is asked once more.
    let mia = world.client("mia");
    let (href, copied) = of_mia(&world, "one").await.expect("a copy");
    mia.put(&href, &copied.replace(&line(&copied, "mia"), "ATTENDEE;PARTSTAT=DECLINED:mailto:mia@ville.example"))
        .expect(204)
        .await;
    // What is asked in the second of an answer may have been asked before it.
    moment().await;
    let stored = text(&max.get(&path).expect(200).await);
    let again = "ATTENDEE;PARTSTAT=NEEDS-ACTION;SCHEDULE-FORCE-SEND=REQUEST:mailto:mia@ville.example";
    max.put(&path, &stored.replace(&line(&stored, "mia"), again)).expect(204).await;
    let (_, copied) = of_mia(&world, "one").await.expect("a copy");
    assert!(line(&copied, "mia").contains("PARTSTAT=NEEDS-ACTION") && !copied.contains("FORCE-SEND"), "{copied}");
    assert!(!text(&max.get(&path).expect(200).await).contains("FORCE-SEND"));
    world.sound().await;
}

/// Section 3.2.10: by which change whose tag changes.
#[tokio::test]
async fn a_schedule_tag_changes_with_what_its_owner_and_the_organizer_change() {
    let world = World::new().await;
    let (max, mia, rita) = (world.client("max"), world.client("mia"), world.client("rita"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    let (of_mia, copied) = of_mia(&world, "one").await.expect("a copy");
    let (of_rita, _) = copy(&rita, "/calendars/rita/personal/", "one").await.expect("a copy");
    let before = (tag(&max, &path).await, tag(&mia, &of_mia).await, tag(&rita, &of_rita).await);
    // An attendee's own change: hers (rule 3), not the organizer's, not another attendee's.
    let put = mia.put(&of_mia, &accepted(&copied, "mia")).expect(204).await;
    refresh(&world).await;
    let own = tag(&mia, &of_mia).await;
    assert_eq!(put.header("schedule-tag"), Some(own.as_str()));
    assert_ne!(own, before.1);
    assert!(line(&text(&rita.get(&of_rita).expect(200).await), "mia").contains("PARTSTAT=ACCEPTED"));
    assert_eq!((tag(&max, &path).await, tag(&rita, &of_rita).await), (before.0.clone(), before.2.clone()));
    // The organizer's: everybody's.
    let stored = text(&max.get(&path).expect(200).await);
    max.put(&path, &stored.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
    assert_ne!(tag(&max, &path).await, before.0);
    assert_ne!(tag(&mia, &of_mia).await, own);
    assert_ne!(tag(&rita, &of_rita).await, before.2);
    // Who knows an earlier one neither moves nor deletes it.
    let to = format!("{MAX}moved.ics");
    max.relocate(&path, &to).header("If-Schedule-Tag-Match", &before.0).expect(412).await;
    max.copy(&path, &to).header("If-Schedule-Tag-Match", &before.0).expect(412).await;
    max.delete(&path).header("If-Schedule-Tag-Match", &before.0).expect(412).await;
    let current = tag(&max, &path).await;
    max.relocate(&path, &to).header("If-Schedule-Tag-Match", &current).expect(201).await;
    let current = tag(&max, &to).await;
    max.delete(&to).header("If-Schedule-Tag-Match", &current).expect(204).await;
    world.sound().await;
}

/// What a project had without people may become a meeting of somebody elsewhere, who invites one of it.
#[tokio::test]
async fn a_plain_event_of_a_project_may_become_an_invitation() {
    let world = World::new().await;
    let lea = world.client("lea");
    let path = "/calendars/tram/meetings/one.ics";
    lea.put(path, &meeting("one", "")).expect(201).await;
    let people = "ORGANIZER:mailto:chef@elsewhere.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:lea@ville.example\r\n\
                  ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:mia@ville.example\r\n";
    lea.put(path, &meeting("one", people)).expect(204).await;
    let stored = text(&lea.get(path).expect(200).await);
    assert!(stored.contains(":mailto:chef@elsewhere.example\r\n"), "{stored}");
    assert!(of_mia(&world, "one").await.is_none(), "it is not ours to invite");
    world.sound().await;
}
