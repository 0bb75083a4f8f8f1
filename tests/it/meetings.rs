//! Meetings (RFC 6638): what a change of one means in the calendars of all who are in it, in the same transaction.

use beffroi::model::id::now;
use beffroi::tree::edit::authority::Verb;
use beffroi::tree::job::{JOBS, JobPoll};

use crate::edits::{listening, since};
use crate::kit::{Answer, Client, World};

pub const MAX: &str = "/calendars/max/personal/";

/// A meeting as clients write it: lines that stand in its one component.
pub fn meeting(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20300101T000000Z\r\nDTSTART:20300701T090000Z\r\nDTEND:20300701T100000Z\r\nSUMMARY:Point\r\n\
         {lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub fn of(organizer: &str, attendees: &[&str]) -> String {
    let attendee = |name: &&str| match *name == organizer {
        true => format!("ATTENDEE;PARTSTAT=ACCEPTED:mailto:{name}@ville.example\r\n"),
        false => format!("ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{name}@ville.example\r\n"),
    };
    let attendees: String = attendees.iter().map(attendee).collect();
    format!("ORGANIZER:mailto:{organizer}@ville.example\r\n{attendees}")
}

/// Unfolded.
pub fn text(answer: &Answer) -> String {
    answer.text().replace("\r\n ", "")
}

/// The line of an attendee.
pub fn line(text: &str, name: &str) -> String {
    let of = format!(":mailto:{name}@");
    let found = text.lines().find(|line| line.starts_with("ATTENDEE") && line.contains(&of));
    found.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

/// The only object of a calendar that holds a UID.
pub async fn copy(client: &Client, calendar: &str, uid: &str) -> Option<(String, String)> {
    let listed = client.propfind(calendar, "1", "<D:getetag xmlns:D=\"DAV:\"/>").expect(207).await.hrefs();
    let mut found = Vec::new();
    for href in listed.into_iter().filter(|href| href.ends_with(".ics")) {
        let text = text(&client.get(&href).expect(200).await);
        if text.contains(&format!("UID:{uid}\r\n")) {
            found.push((href, text));
        }
    }
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

#[tokio::test]
async fn an_invitation_is_in_the_calendar_of_who_is_invited_when_the_organizer_is_answered() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    let put = max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    assert!(put.header("schedule-tag").is_some());
    assert_eq!(put.header("etag"), None, "it is not stored as it was sent");
    for name in ["mia", "rita"] {
        let calendar = format!("/calendars/{name}/personal/");
        let (_, text) = copy(&world.client(name), &calendar, "one").await.expect("a copy");
        assert!(line(&text, name).contains("PARTSTAT=NEEDS-ACTION"), "{text}");
        assert!(line(&text, "max").contains("PARTSTAT=ACCEPTED") && !text.contains("SCHEDULE-STATUS"), "{text}");
    }
    let stored = text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("SCHEDULE-STATUS"), "{stored}");
    // Nobody else has any of it, and it is the same for who is asked in another way.
    assert!(copy(&world.client("lea"), "/calendars/lea/personal/", "one").await.is_none());
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    assert!(mia.get(&href).expect(200).await.header("schedule-tag").is_some());
    world.sound().await;
}

#[tokio::test]
async fn an_answer_is_in_the_organizers_object_and_leaves_its_schedule_tag_alone() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let before = max.get(&path).expect(200).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let accepted = copied.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    mia.put(&href, &accepted).expect(204).await;
    let after = max.get(&path).expect(200).await;
    assert!(line(&text(&after), "mia").contains("PARTSTAT=ACCEPTED"), "{}", text(&after));
    assert_eq!(after.header("schedule-tag"), before.header("schedule-tag"));
    assert_ne!(after.header("etag"), before.header("etag"));
    // A client of the organizer's that has not seen it yet does not undo it.
    let stale = meeting("one", &of("max", &["max", "mia"])).replace("Point", "Grand point");
    let tag = before.header("schedule-tag").expect("a tag").to_owned();
    max.put(&path, &stale).header("If-Schedule-Tag-Match", &tag).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("PARTSTAT=ACCEPTED") && stored.contains("Grand point"), "{stored}");
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    assert!(copied.contains("Grand point") && line(&copied, "mia").contains("PARTSTAT=ACCEPTED"), "{copied}");
    world.sound().await;
}

#[tokio::test]
async fn who_is_moved_is_asked_again_and_who_is_called_off_sees_that() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    mia.put(&href, &copied.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED")).expect(204).await;
    let tag = mia.get(&href).expect(200).await.header("schedule-tag").map(str::to_owned);
    let moved = text(&max.get(&path).expect(200).await).replace("T090000Z", "T110000Z").replace("T100000Z", "T120000Z");
    max.put(&path, &moved).expect(204).await;
    let now = mia.get(&href).expect(200).await;
    assert!(line(&text(&now), "mia").contains("PARTSTAT=NEEDS-ACTION"), "{}", text(&now));
    assert!(text(&now).contains("DTSTART:20300701T110000Z"));
    assert_ne!(now.header("schedule-tag").map(str::to_owned), tag);
    max.delete(&path).expect(204).await;
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    assert!(copied.contains("STATUS:CANCELLED"), "{copied}");
    // To delete what was called off is no news.
    mia.delete(&href).expect(204).await;
    world.sound().await;
}

#[tokio::test]
async fn who_deletes_a_copy_declines_unless_they_say_that_no_reply_is_wanted() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    for (name, reply, expected) in [("mia", "T", "DECLINED"), ("rita", "F", "NEEDS-ACTION")] {
        let client = world.client(name);
        let (href, _) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        client.delete(&href).header("Schedule-Reply", reply).expect(204).await;
        let stored = text(&max.get(&path).expect(200).await);
        assert!(line(&stored, name).contains(&format!("PARTSTAT={expected}")), "{stored}");
    }
    world.sound().await;
}

#[tokio::test]
async fn a_meeting_in_a_projects_calendar_is_the_projects_whoever_plans_it() {
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    let path = "/calendars/tram/meetings/one.ics";
    max.put(path, &meeting("one", &of("max", &["max", "zoe"]))).expect(201).await;
    let stored = text(&max.get(path).expect(200).await);
    assert!(stored.contains("mailto:tram@") && !stored.contains("ORGANIZER:mailto:max@"), "{stored}");
    let zoe = world.client("zoe");
    let (href, copied) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
    assert!(copied.contains("mailto:tram@"), "{copied}");
    zoe.put(&href, &copied.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=TENTATIVE")).expect(204).await;
    // A program that writes its person as ORGANIZER again says nothing new; it cannot make another theirs.
    let stored = text(&max.get(path).expect(200).await);
    let organizer = stored.lines().find(|line| line.starts_with("ORGANIZER")).expect("one").to_owned();
    let own = stored.replace(&organizer, "ORGANIZER:mailto:max@ville.example");
    max.put(path, &own.replace("SUMMARY:Point", "SUMMARY:Point 2")).expect(204).await;
    max.put(path, &own.replace("mailto:max@", "mailto:mia@")).expect(403).await;
    let again = text(&max.get(path).expect(200).await);
    assert!(again.contains(&organizer) && again.contains("SUMMARY:Point 2"), "{again}");
    max.put(path, &again.replace("SUMMARY:Point 2", "SUMMARY:Point")).expect(204).await;
    // Another member goes on with it, and so does the lead when its planner has left.
    let changed = text(&mia.get(path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Comité");
    mia.put(path, &changed).expect(204).await;
    world.tree.remove_member("tram", "max").await.unwrap();
    let changed = text(&lea.get(path).expect(200).await).replace("SUMMARY:Comité", "SUMMARY:Comité de pilotage");
    lea.put(path, &changed).expect(204).await;
    let (_, copied) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
    assert!(copied.contains("Comité de pilotage") && line(&copied, "zoe").contains("PARTSTAT=TENTATIVE"), "{copied}");
    world.sound().await;
}

#[tokio::test]
async fn an_attendee_changes_what_is_theirs_and_nothing_else() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let refused = mia.put(&href, &copied.replace("T090000Z", "T080000Z")).expect(403).await;
    assert!(refused.text().contains("allowed-attendee-scheduling-object-change"), "{}", refused.text());
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n";
    let before = max.get(&path).expect(200).await.header("etag").map(str::to_owned);
    mia.put(&href, &copied.replace("END:VEVENT\r\n", alarm)).expect(204).await;
    assert_eq!(max.get(&path).expect(200).await.header("etag").map(str::to_owned), before, "it is nobody's business");
    // It stays when the organizer changes something.
    let changed = text(&max.get(&path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Autre");
    max.put(&path, &changed).expect(204).await;
    let now = text(&mia.get(&href).expect(200).await);
    assert!(now.contains("BEGIN:VALARM") && now.contains("SUMMARY:Autre"), "{now}");
    world.sound().await;
}

/// Has the jobs of a kind done that wait.
pub async fn work(world: &World, kind: &str) {
    let row = JOBS.iter().find(|row| row.kind == kind).expect("a kind");
    while let JobPoll::Again = world.tree.run_next(row, now() + 60).await.expect("run") {}
}

/// Has the work done that waits for some seconds after answers.
pub async fn refresh(world: &World) {
    work(world, "refresh").await;
}

#[tokio::test]
async fn others_see_an_answer_and_hear_nothing_of_it() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita", "zoe"]))).expect(201).await;
    let rita = world.client("rita");
    let (theirs, _) = copy(&rita, "/calendars/rita/personal/", "one").await.expect("a copy");
    let before = rita.get(&theirs).expect(200).await;
    for (name, answer) in [("mia", "ACCEPTED"), ("zoe", "DECLINED")] {
        let client = world.client(name);
        let (href, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        let own = line(&text, name);
        client.put(&href, &text.replace(&own, &own.replace("NEEDS-ACTION", answer))).expect(204).await;
    }
    assert_eq!(rita.get(&theirs).expect(200).await.header("etag"), before.header("etag"), "it takes some seconds");
    refresh(&world).await;
    let after = rita.get(&theirs).expect(200).await;
    for (name, answer) in [("mia", "ACCEPTED"), ("zoe", "DECLINED"), ("rita", "NEEDS-ACTION"), ("max", "ACCEPTED")] {
        assert!(line(&text(&after), name).contains(&format!("PARTSTAT={answer}")), "{}", text(&after));
    }
    assert_eq!(after.header("schedule-tag"), before.header("schedule-tag"));
    refresh(&world).await;
    assert_eq!(rita.get(&theirs).expect(200).await.header("etag"), after.header("etag"), "there is no more to do");
    world.sound().await;
}

#[tokio::test]
async fn who_has_deleted_what_they_declined_gets_it_back_when_they_are_asked_again() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    mia.delete(&href).expect(204).await;
    let rita = world.client("rita");
    let (theirs, copied) = copy(&rita, "/calendars/rita/personal/", "one").await.expect("a copy");
    let own = line(&copied, "rita");
    rita.put(&theirs, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    refresh(&world).await;
    assert_eq!(copy(&mia, "/calendars/mia/personal/", "one").await, None, "an answer of somebody else is no news");
    let stored = async || text(&max.get(&path).expect(200).await);
    max.put(&path, &stored().await.replace("SUMMARY:", "SUMMARY:Grand ")).expect(204).await;
    assert_eq!(copy(&mia, "/calendars/mia/personal/", "one").await, None, "another title asks nobody");
    let moved = stored().await.replace("T090000Z", "T110000Z").replace("T100000Z", "T120000Z");
    max.put(&path, &moved).expect(204).await;
    let (_, asked) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("another time asks everybody");
    assert!(line(&asked, "mia").contains("PARTSTAT=NEEDS-ACTION"), "{asked}");
    world.sound().await;
}

#[tokio::test]
async fn a_home_holds_one_object_of_a_meeting() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/other/").expect(201).await;
    let text = meeting("one", &of("max", &["max", "mia"]));
    max.put(&format!("{MAX}one.ics"), &text).expect(201).await;
    let refused = max.put("/calendars/max/other/two.ics", &text).expect(403).await;
    assert!(refused.text().contains("unique-scheduling-object-resource"), "{}", refused.text());
    assert!(refused.text().contains("/calendars/max/personal/one.ics"), "{}", refused.text());
    // To move it says nothing to anybody.
    let mia = world.client("mia");
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let tag = mia.get(&href).expect(200).await.header("etag").map(str::to_owned);
    max.relocate(&format!("{MAX}one.ics"), "/calendars/max/other/one.ics").expect(201).await;
    assert_eq!(mia.get(&href).expect(200).await.header("etag").map(str::to_owned), tag);
    let moved = self::text(&max.get("/calendars/max/other/one.ics").expect(200).await);
    max.put("/calendars/max/other/one.ics", &moved.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
    assert!(self::text(&mia.get(&href).expect(200).await).contains("SUMMARY:Autre"));
    world.sound().await;
}

#[tokio::test]
async fn what_others_plan_may_be_kept_in_several_calendars() {
    let world = World::new().await;
    let mia = world.client("mia");
    mia.ask("MKCALENDAR", "/calendars/mia/other/").expect(201).await;
    let text = meeting("one", &of("max", &["max", "zoe"])).replace("@ville.example", "@elsewhere.example");
    for calendar in ["personal", "other"] {
        mia.put(&format!("/calendars/mia/{calendar}/one.ics"), &text).expect(201).await;
        mia.put(&format!("/calendars/mia/{calendar}/one.ics"), &text.replace("Point", "Autre")).expect(204).await;
    }
    // Who is in it has one.
    let own = text.replace("zoe@elsewhere", "mia@ville");
    let refused = mia.put("/calendars/mia/other/one.ics", &own).expect(403).await;
    assert!(refused.text().contains("unique-scheduling-object-resource"), "{}", refused.text());
    mia.delete("/calendars/mia/personal/one.ics").expect(204).await;
    mia.put("/calendars/mia/other/one.ics", &own).expect(204).await;
    mia.put("/calendars/mia/personal/one.ics", &text).expect(403).await;
    world.sound().await;
}

#[tokio::test]
async fn nobody_leaves_a_meeting_by_leaving_themselves_out() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = format!("{}\r\n", line(&copied, "mia"));
    let organizer = copied.lines().find(|line| line.starts_with("ORGANIZER")).expect("one").to_owned();
    let bare = copied.lines().filter(|line| !line.starts_with("ATTENDEE") && !line.starts_with("ORGANIZER"));
    let bare: String = bare.map(|line| format!("{line}\r\n")).collect();
    let foreign = copied.replace(&organizer, "ORGANIZER:mailto:other@elsewhere.example");
    for other in [copied.replace(&own, ""), bare.clone(), foreign] {
        let refused = mia.put(&href, &other).expect(403).await;
        assert!(refused.text().contains("allowed-attendee-scheduling-object-change"), "{}", refused.text());
    }
    // Who organizes neither hands it to somebody else nor leaves people without an organizer.
    let stored = text(&max.get(&path).expect(200).await);
    let organizer = stored.lines().find(|line| line.starts_with("ORGANIZER")).expect("one").to_owned();
    for other in ["ORGANIZER:mailto:other@elsewhere.example\r\n", "ORGANIZER:mailto:rita@ville.example\r\n", ""] {
        let refused = max.put(&path, &stored.replace(&format!("{organizer}\r\n"), other)).expect(403).await;
        assert!(refused.text().contains("scheduling-object-change"), "{}", refused.text());
    }
    // An event of their own is a meeting no more.
    max.put(&path, &bare).expect(204).await;
    assert!(copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy").1.contains("STATUS:CANCELLED"));
    world.sound().await;
}

#[tokio::test]
async fn answers_that_come_at_once_are_all_there() {
    const NAMES: [&str; 12] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "pa", "pb"];
    let mut world = World::new().await;
    for name in NAMES {
        world.add_person(name).await;
    }
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let everybody: Vec<&str> = ["max"].into_iter().chain(NAMES).collect();
    max.put(&path, &meeting("one", &of("max", &everybody))).expect(201).await;
    let answers = NAMES.map(|name| {
        let client = world.client(name);
        async move {
            let (href, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
            let own = line(&text, name);
            client.put(&href, &text.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
        }
    });
    futures_util::future::join_all(answers).await;
    let stored = text(&max.get(&path).expect(200).await);
    for name in NAMES {
        assert!(line(&stored, name).contains("PARTSTAT=ACCEPTED"), "{name}: {stored}");
    }
    let waiting = world.tree.jobs().await.unwrap();
    let refreshes = waiting.iter().filter(|job| job.kind == "refresh").count();
    assert!((1..=3).contains(&refreshes), "{refreshes} for {} answers", NAMES.len());
    // Each copy of another is written once for all of them, and nobody is notified.
    let events = listening(&world);
    refresh(&world).await;
    let written = since(&events).into_iter().filter(|event| event.verb == Verb::Replace);
    let mut objects: Vec<_> = written.flat_map(|event| event.affected.objects).collect();
    let number = objects.len();
    objects.sort_unstable();
    objects.dedup();
    assert!(number == objects.len() && number <= NAMES.len(), "{number} writes of {} copies", objects.len());
    for name in NAMES {
        let (_, text) =
            copy(&world.client(name), &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        assert!(NAMES.iter().all(|other| line(&text, other).contains("PARTSTAT=ACCEPTED")), "{name}: {text}");
        assert_eq!(inbox(&world.client(name), name).await.len(), 1, "{name}");
    }
    world.sound().await;
}

/// What lies in the inbox of a home: each with its METHOD and PARTSTAT lines.
pub async fn inbox(client: &Client, home: &str) -> Vec<String> {
    let path = format!("/calendars/{home}/inbox/");
    let hrefs = client.propfind(&path, "1", "<D:getetag xmlns:D=\"DAV:\"/>").expect(207).await.hrefs();
    let mut items = Vec::new();
    for href in hrefs.into_iter().filter(|href| href.ends_with(".ics")) {
        items.push(text(&client.get(&href).expect(200).await));
    }
    items
}

#[tokio::test]
async fn who_is_invited_or_answered_finds_a_notice_in_the_inbox() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita"]))).expect(201).await;
    let items = inbox(&mia, "mia").await;
    assert!(items.len() == 1 && items[0].contains("METHOD:REQUEST"), "{items:?}");
    assert!(inbox(&max, "max").await.is_empty());
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&copied, "mia");
    mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    let items = inbox(&max, "max").await;
    assert!(
        items.len() == 1 && items[0].contains("METHOD:REPLY") && items[0].contains("PARTSTAT=ACCEPTED"),
        "{items:?}"
    );
    // Others see the answer, and find no notice of it.
    refresh(&world).await;
    assert_eq!(inbox(&world.client("rita"), "rita").await.len(), 1);
    // The last notice of the organizer takes the place of the one before.
    let moved = text(&max.get(&path).expect(200).await).replace("T090000Z", "T080000Z");
    max.put(&path, &moved).expect(204).await;
    let items = inbox(&mia, "mia").await;
    assert!(items.len() == 1 && items[0].contains("DTSTART:20300701T080000Z"), "{items:?}");
    max.delete(&path).expect(204).await;
    let items = inbox(&mia, "mia").await;
    assert!(items.len() == 1 && items[0].contains("METHOD:CANCEL"), "{items:?}");
    world.sound().await;
}

#[tokio::test]
async fn who_asks_learns_that_meetings_are_scheduled() {
    let world = World::new().await;
    for path in ["/calendars/max/", MAX, "/calendars/max/outbox/", "/principals/max/"] {
        let answer = world.client("max").options(path).expect(200).await;
        let dav = answer.header("dav").expect("classes");
        assert!(dav.split(", ").any(|class| class == "calendar-auto-schedule"), "{path}: {dav}");
    }
}

/// An answer to one occurrence gives that a component of its own: how everybody was asked about it is known from then
/// on, so that what they said of what was before does not count.
#[tokio::test]
async fn what_people_were_asked_goes_with_an_occurrence_that_stands_alone() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    let weekly = meeting("one", &format!("RRULE:FREQ=WEEKLY;COUNT=4\r\n{}", of("max", &["max", "mia", "rita"])));
    max.put(&path, &weekly).expect(201).await;
    let moved = text(&max.get(&path).expect(200).await).replace("T090000Z", "T080000Z");
    max.put(&path, &moved).expect(204).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let declined = copied.replace("RRULE", "EXDATE:20300708T080000Z\r\nRRULE");
    mia.put(&href, &declined).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(stored.contains("RECURRENCE-ID:20300708T080000Z"), "{stored}");
    let asked = "SELECT s.reset_sequence = o.reset_sequence FROM answer s JOIN answer o ON o.home_id = s.home_id AND \
                 o.uid = s.uid AND o.attendee = s.attendee AND o.occurrence <> s.occurrence WHERE s.uid = 'one' AND \
                 s.occurrence < 0 AND s.attendee = 'mailto:rita@ville.example'";
    let asked: Vec<Option<bool>> =
        sqlx::query_scalar(asked).fetch_all(&mut world.database().await).await.expect("rows");
    assert_eq!(asked, [Some(true)]);
    world.sound().await;
}

/// An answer in the project's own object is the member's: it stands there and in their copy, and others see it later.
#[tokio::test]
async fn who_changes_only_their_answer_in_a_projects_meeting_answers() {
    let world = World::new().await;
    let (max, mia, zoe) = (world.client("max"), world.client("mia"), world.client("zoe"));
    let path = "/calendars/tram/meetings/one.ics";
    max.put(path, &meeting("one", &of("max", &["max", "mia", "zoe"]))).expect(201).await;
    let first = text(&mia.get(path).expect(200).await);
    for (answer, sent) in [("ACCEPTED", first.clone()), ("DECLINED", first.clone())] {
        let own = line(&sent, "mia");
        mia.put(path, &sent.replace(&own, &own.replace("NEEDS-ACTION", answer))).expect(204).await;
        let stored = text(&max.get(path).expect(200).await);
        assert!(line(&stored, "mia").contains(&format!("PARTSTAT={answer}")), "{stored}");
        assert!(line(&stored, "zoe").contains("PARTSTAT=NEEDS-ACTION") || answer == "DECLINED", "{stored}");
        let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
        assert!(line(&copied, "mia").contains(&format!("PARTSTAT={answer}")), "{copied}");
        let (href, theirs) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
        refresh(&world).await;
        let seen = text(&zoe.get(&href).expect(200).await);
        assert!(line(&seen, "mia").contains(&format!("PARTSTAT={answer}")), "{seen}");
        // Another answer meanwhile, which the member's program does not know of, stays.
        let own = line(&theirs, "zoe");
        zoe.put(&href, &seen.replace(&own, &own.replace("NEEDS-ACTION", "TENTATIVE"))).expect(204).await;
        let stored = text(&max.get(path).expect(200).await);
        assert!(line(&stored, "zoe").contains("PARTSTAT=TENTATIVE"), "{stored}");
    }
    assert_eq!(inbox(&zoe, "zoe").await.len(), 1, "nobody hears of answers");
    let replies = inbox(&max, "tram").await;
    assert!(replies.iter().any(|item| item.contains("METHOD:REPLY") && item.contains("mia@")), "{replies:?}");
    // With anything else it is a change by the project.
    let other = text(&mia.get(path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Autre");
    mia.put(path, &other).expect(204).await;
    let (_, theirs) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
    assert!(theirs.contains("SUMMARY:Autre"), "{theirs}");
    world.sound().await;
}

/// A client that knows entity tags only need not start anew because somebody else has answered meanwhile.
#[tokio::test]
async fn an_attendee_answers_with_any_entity_tag_since_the_schedule_tag_is_what_it_is() {
    let world = World::new().await;
    let (max, mia, zoe) = (world.client("max"), world.client("mia"), world.client("zoe"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita", "zoe"]))).expect(201).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let known = mia.get(&href).expect(200).await.header("etag").expect("a tag").to_owned();
    let organizers = max.get(&path).expect(200).await;
    for name in ["zoe", "rita"] {
        let client = world.client(name);
        let (theirs, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        let own = line(&text, name);
        client.put(&theirs, &text.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
        refresh(&world).await;
    }
    assert_ne!(mia.get(&href).expect(200).await.header("etag"), Some(known.as_str()));
    let own = line(&copied, "mia");
    let accepted = copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"));
    mia.put(&href, &accepted.replace("T090000Z", "T080000Z")).header("If-Match", &known).expect(403).await;
    mia.put(&href, &accepted).header("If-Match", "\"other\"").expect(412).await;
    mia.put(&href, &accepted).header("If-Match", &known).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    for name in ["mia", "rita", "zoe"] {
        assert!(line(&stored, name).contains("PARTSTAT=ACCEPTED"), "{stored}");
    }
    // Her own change counts; and the organizer is to see the answers first.
    mia.put(&href, &accepted).header("If-Match", &known).expect(412).await;
    let tag = organizers.header("etag").expect("a tag");
    let other = text(&organizers).replace("SUMMARY:Point", "SUMMARY:Autre");
    max.put(&path, &other).header("If-Match", tag).expect(412).await;
    max.delete(&path).header("If-Match", tag).expect(412).await;
    // So does what the organizer changes.
    let (href, _) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
    let known = zoe.get(&href).expect(200).await.header("etag").expect("a tag").to_owned();
    let moved = text(&max.get(&path).expect(200).await).replace("T090000Z", "T080000Z");
    max.put(&path, &moved).expect(204).await;
    zoe.delete(&href).header("If-Match", &known).expect(412).await;
    world.sound().await;
}

/// Nothing about one copy is in the way of the meeting: a lock on it, a full home, a text that is lost.
#[tokio::test]
async fn the_state_of_one_copy_is_in_nobodys_way() {
    use sqlx::Executor as _;
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    max.put(&path, &meeting("one", &of("max", &["max", "mia", "rita", "zoe"]))).expect(201).await;
    let (href, _) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    mia.locked(&href, "exclusive", "0").await;
    let full = "UPDATE home SET quota_bytes = used_bytes WHERE principal_id IN (SELECT id FROM principal WHERE name IN \
                ('rita', 'lea'))";
    let lost = "UPDATE node SET hash = '00' WHERE kind = 'object' AND home_id = (SELECT h.node_id FROM home h JOIN \
                principal p ON p.id = h.principal_id WHERE p.name = 'zoe')";
    for sql in [full, lost] {
        world.database().await.execute(sql).await.unwrap();
    }
    let guest = "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:lea@ville.example\r\nEND:VEVENT";
    let changed = text(&max.get(&path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Autre");
    max.put(&path, &changed.replace("END:VEVENT", guest)).expect(204).await;
    for name in ["mia", "rita", "lea", "zoe"] {
        let client = world.client(name);
        let (href, copied) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        assert!(copied.contains("SUMMARY:Autre"), "{name}: {copied}");
        // Who has room answers, and so does who had none.
        let own = line(&copied, name);
        if name == "rita" || name == "zoe" {
            let roomy = "UPDATE home SET quota_bytes = NULL";
            world.database().await.execute(roomy).await.unwrap();
            client.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
            let stored = text(&max.get(&path).expect(200).await);
            assert!(line(&stored, name).contains("PARTSTAT=ACCEPTED"), "{stored}");
        }
    }
    // An answer comes also to an organizer without room.
    let full = "UPDATE home SET quota_bytes = used_bytes WHERE principal_id = (SELECT id FROM principal WHERE name = \
                'max')";
    world.database().await.execute(full).await.unwrap();
    let lea = world.client("lea");
    let (href, copied) = copy(&lea, "/calendars/lea/personal/", "one").await.expect("a copy");
    let own = line(&copied, "lea");
    lea.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "DECLINED"))).expect(204).await;
    assert!(line(&text(&max.get(&path).expect(200).await), "lea").contains("PARTSTAT=DECLINED"));
}
