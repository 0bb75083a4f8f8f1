//! Scheduling inboxes and outboxes as collections (RFC 6638 section 2): who finds them, what is in them, what may be
//! done with it, and when it goes.

use beffroi::model::budget::Budget;
use beffroi::model::error::Result;
use beffroi::model::id::now;
use beffroi::model::method::Method;
use beffroi::model::path::Path;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::tree::Tree;
use beffroi::tree::administration::delegates::Delegation;
use beffroi::tree::administration::devices::NewDevice;
use beffroi::tree::calendar::{CALENDAR_TYPE, blob};
use beffroi::tree::edit::authority::{Authority, Verb};
use beffroi::tree::edit::content::{Content, FileContent, InboxItem};
use beffroi::tree::gate::Request;

use super::edits::{listening, since};
use super::kit::{World, event};
use super::retention::{count, sql};

const DAY: i64 = 86_400;
const DECLARED: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// A message about a meeting on a day of June 2026, from its organizer or from someone invited.
pub fn message(uid: &str, from_organizer: bool) -> String {
    let method = if from_organizer { "REQUEST" } else { "REPLY" };
    event(uid, "20260614").replace("BEGIN:VEVENT", &format!("METHOD:{method}\r\nBEGIN:VEVENT"))
}

/// The same as what is put into an inbox.
pub fn item(uid: &str, from_organizer: bool) -> InboxItem {
    as_item(uid, from_organizer, &message(uid, from_organizer))
}

fn as_item(uid: &str, from_organizer: bool, text: &str) -> InboxItem {
    InboxItem { blob: blob(text.to_owned().into()), uid: uid.to_owned(), from_organizer, last_at: 1_781_434_800 }
}

/// Someone stores a meeting, and with it an item comes into the inbox of another home; was there room for it?
pub async fn deliver(world: &World, from: &str, home: &str, name: &str, item: InboxItem) -> Result<bool> {
    let tree: &Tree = &world.tree;
    let actor = tree.owner(from).await.unwrap();
    let path = Path::of(&["calendars", from, "personal", "sent.ics"]);
    let (blob, indexed) =
        tree.prepare(actor.id, &Budget::default(), event("sent", "20260614").into()).await.expect("an object");
    let content = FileContent::object(blob, indexed);
    let mut admitted = tree.write(&Request::of(Method::Put, path, actor)).await?;
    match admitted.target.node() {
        Some(_) => admitted.replace(content).await?,
        None => admitted.bind(Content::File(content)).await?,
    };
    let delivered = admitted.deliver_item(home, name, item).await?;
    admitted.commit().await?;
    Ok(delivered.is_some())
}

async fn listed(world: &World, name: &str, path: &str) -> Vec<String> {
    let mut hrefs = world.client(name).propfind(path, "1", "<D:getetag/>").expect(207).await.hrefs();
    hrefs.retain(|href| href.trim_end_matches('/') != path.trim_end_matches('/'));
    hrefs
}

#[tokio::test]
async fn each_home_has_an_inbox_and_an_outbox_for_those_who_act_there() {
    let mut world = World::new().await;
    world.add_person("uma").await;
    for (name, role) in [("uma", Role::Member), ("zoe", Role::Reader)] {
        let delegation = Delegation { role, sees_private: false, until: None };
        world.tree.add_delegate("lea", name, delegation).await.unwrap();
    }
    let manager = Room { manager: Some("mia".to_owned()), ..Room::default() };
    world.tree.add_room("hall", "Hall", "hall@ville.example", &manager).await.unwrap();
    for (collection, home, sees, does_not) in [
        ("inbox", "lea", vec!["lea", "uma"], vec!["zoe", "max"]),
        ("outbox", "lea", vec!["lea", "uma"], vec!["zoe", "max"]),
        ("inbox", "tram", vec!["lea", "max"], vec!["rita", "zoe"]),
        ("outbox", "tram", vec!["lea", "max"], vec!["rita", "zoe"]),
        ("inbox", "hall", vec!["mia"], vec!["lea"]),
        ("outbox", "hall", vec![], vec!["mia", "lea"]),
    ] {
        let path = format!("/calendars/{home}/{collection}/");
        for name in sees {
            let found = world.client(name).propfind(&path, "0", "<D:resourcetype/>").expect(207).await;
            let types = found.property("resourcetype").unwrap();
            let types: Vec<_> = types.elements().map(|kind| kind.name.local.to_string()).collect();
            assert_eq!(types, ["collection", &format!("schedule-{collection}")], "{name} {path}");
            if home != "hall" {
                assert!(listed(&world, name, &format!("/calendars/{home}/")).await.contains(&path), "{name} {path}");
            }
        }
        for name in does_not {
            world.client(name).propfind(&path, "0", "<D:resourcetype/>").expect(404).await;
            world.client(name).get(&format!("{path}x.ics")).expect(404).await;
            let home = world.client(name).propfind(&format!("/calendars/{home}/"), "1", "").send().await;
            assert!(!home.text().contains(&path), "{name} {path}");
        }
    }
    // A role there is nothing that is given.
    for place in ["/calendars/lea/inbox", "/calendars/tram/inbox/"] {
        world.tree.grant(place, "zoe", Role::Member, None).await.unwrap_err();
    }
    // A device of one project opens that one's.
    let opens = NewDevice { project: Some("tram"), ..DeviceScope::All.into() };
    let device = world.tree.add_device("max", "tram only", opens, false, None).await.unwrap();
    let client = world.login("max", &device);
    client.propfind("/calendars/tram/outbox/", "0", "").expect(207).await;
    for path in ["/calendars/max/inbox/", "/calendars/max/outbox/"] {
        client.propfind(path, "0", "").expect(404).await;
    }
    world.sound().await;
}

#[tokio::test]
async fn items_are_read_synchronized_and_deleted_for_good() {
    let world = World::new().await;
    let max = world.client("max");
    let events = listening(&world);
    assert!(deliver(&world, "lea", "max", "one.ics", item("one", true)).await.unwrap());
    let done: Vec<_> = since(&events).into_iter().map(|event| (event.verb, event.authority)).collect();
    assert_eq!(done, [(Verb::Bind, Authority::Gate), (Verb::Bind, Authority::Delivery)]);
    assert!(deliver(&world, "lea", "max", "Two.ics", item("two", false)).await.unwrap());
    // Several may be about one UID.
    assert!(deliver(&world, "lea", "max", "three.ics", item("two", false)).await.unwrap());
    let read = max.get("/calendars/max/inbox/one.ics").expect(200).await;
    assert_eq!((read.text(), read.header("content-type")), (message("one", true), Some(CALENDAR_TYPE)));
    let all = ["/calendars/max/inbox/Two.ics", "/calendars/max/inbox/one.ics", "/calendars/max/inbox/three.ics"];
    assert_eq!(listed(&world, "max", "/calendars/max/inbox/").await, all);
    let data = "<D:prop><D:getetag/><C:calendar-data/></D:prop>";
    let multiget = format!(
        "<C:calendar-multiget {DECLARED}>{data}<D:href>{}</D:href><D:href>{}</D:href></C:calendar-multiget>",
        all[0], "/calendars/max/inbox/none.ics"
    );
    let got = max.report_at("/calendars/max/inbox/").body(&multiget).expect(207).await;
    assert_eq!(got.statuses(), [(all[0].to_owned(), 200), ("/calendars/max/inbox/none.ics".to_owned(), 404)]);
    assert!(got.text().contains("METHOD:REPLY"), "{}", got.text());
    // What says no time is at any.
    let timeless = message("four", true).replace("DTSTART:20260614T100000Z\r\nDTEND:20260614T110000Z\r\n", "");
    assert!(timeless.len() < message("four", true).len());
    deliver(&world, "lea", "max", "four.ics", as_item("four", true, &timeless)).await.unwrap();
    let query = |start: &str, end: &str| {
        format!(
            "<C:calendar-query {DECLARED}>{data}<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter \
             name=\"VEVENT\"><C:time-range start=\"{start}\" end=\"{end}\"/></C:comp-filter></C:comp-filter></C:filter>\
             </C:calendar-query>"
        )
    };
    let june = max.report_at("/calendars/max/inbox/").body(&query("20260601T000000Z", "20260701T000000Z"));
    assert_eq!(june.expect(207).await.hrefs().len(), 4);
    let july = max.report_at("/calendars/max/inbox/").body(&query("20260701T000000Z", "20260801T000000Z"));
    assert_eq!(july.expect(207).await.hrefs(), ["/calendars/max/inbox/four.ics"]);
    let one = max.report_at("/calendars/max/inbox/one.ics").body(&query("20260601T000000Z", "20260701T000000Z"));
    assert_eq!(one.expect(207).await.hrefs(), ["/calendars/max/inbox/one.ics"]);
    // It is no calendar: nobody is busy by it, and nobody finds it elsewhere.
    let busy = format!(
        "<C:free-busy-query {DECLARED}><C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/>\
         </C:free-busy-query>"
    );
    let refused = max.report_at("/calendars/max/inbox/").header("Depth", "1").body(&busy).expect(403).await;
    assert!(refused.text().contains("supported-report"), "{}", refused.text());
    let id = count(&world, "SELECT id FROM node WHERE name = 'one.ics'").await;
    for path in [format!("/versions/{id}/"), format!("/versions/{id}/1"), "/history/max/inbox/".to_owned()] {
        max.propfind(&path, "0", "").expect(404).await;
    }
    let said = max.propfind(all[1], "0", "<D:version-history/><D:checked-in/><D:creator-displayname/>");
    assert!(!said.expect(207).await.text().contains("200 OK"));
    // What goes is gone, in every view; who synchronizes hears of it.
    let token = max.sync("/calendars/max/inbox/", "", "1", "").expect(207).await.sync_token();
    max.delete(all[1]).expect(204).await;
    max.get(all[1]).expect(404).await;
    let changes = max.sync("/calendars/max/inbox/", &token, "1", "").expect(207).await;
    assert_eq!(changes.statuses(), [(all[1].to_owned(), 404)]);
    assert_eq!(listed(&world, "max", "/trash/max/").await, Vec::<String>::new());
    max.propfind(&format!("/versions/{id}/"), "0", "").expect(404).await;
    world.sound().await;
    // Its content goes after a day, and the rest when nobody synchronizes from before.
    world.tree.maintain(now() + 2 * DAY).await.unwrap();
    assert_eq!(count(&world, &format!("SELECT COUNT(*) FROM node WHERE id = {id} AND hash IS NULL")).await, 1);
    world.sound().await;
    world.tree.maintain(now() + 1000 * DAY).await.unwrap();
    assert_eq!(count(&world, &format!("SELECT COUNT(*) FROM node WHERE id = {id}")).await, 0);
    world.sound().await;
}

#[tokio::test]
async fn nothing_comes_into_an_inbox_but_by_delivery() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    max.put("/calendars/max/personal/e.ics", &event("e", "20260614")).expect(201).await;
    deliver(&world, "lea", "max", "one.ics", item("one", true)).await.unwrap();
    for (home, client) in [("max", &max), ("tram", &lea)] {
        let inbox = format!("/calendars/{home}/inbox");
        client.put(&format!("{inbox}/new.ics"), &event("n", "20260614")).expect(405).await;
        client.mkcol(&format!("{inbox}/new/")).expect(405).await;
        let refused = client.ask("MKCALENDAR", &format!("{inbox}/new/")).expect(403).await;
        assert!(refused.text().contains("calendar-collection-location-ok"), "{}", refused.text());
        client.delete(&format!("{inbox}/")).expect(405).await;
        client.ask("POST", &format!("{inbox}/")).header("Content-Type", "text/calendar").expect(405).await;
        for name in ["inbox", "Outbox", "notification", "INBOX"] {
            client.ask("MKCALENDAR", &format!("/calendars/{home}/{name}/")).expect(403).await;
        }
    }
    let to = "/calendars/max/inbox/e.ics";
    for ask in [max.copy("/calendars/max/personal/e.ics", to), max.relocate("/calendars/max/personal/e.ics", to)] {
        let refused = ask.expect(403).await;
        assert!(refused.text().contains("collection-holds-such-members"), "{}", refused.text());
    }
    for name in ["inbox", "outbox", "notification"] {
        for home in ["max", "tram"] {
            let refused =
                max.relocate("/calendars/max/tasks/", &format!("/calendars/{home}/{name}/")).expect(403).await;
            assert!(refused.text().contains("name-allowed"), "{}", refused.text());
        }
    }
    for method in ["PUT", "COPY", "MOVE"] {
        let ask =
            max.ask(method, "/calendars/max/inbox/one.ics").header("Destination", "/calendars/max/personal/x.ics");
        ask.expect(405).await;
    }
    world.sound().await;
}

#[tokio::test]
async fn the_last_word_of_an_organizer_takes_the_place_of_the_one_before() {
    let world = World::new().await;
    let max = world.client("max");
    for name in ["first.ics", "second.ics", "second.ics"] {
        deliver(&world, "lea", "max", name, item("one", true)).await.unwrap();
    }
    deliver(&world, "lea", "max", "other.ics", item("other", true)).await.unwrap();
    for name in ["answer.ics", "another.ics", "another.ics"] {
        deliver(&world, "lea", "max", name, item("one", false)).await.unwrap();
    }
    let inbox = "/calendars/max/inbox";
    let expected = ["another", "answer", "other", "second"].map(|name| format!("{inbox}/{name}.ics"));
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await, expected);
    let token = max.sync(&format!("{inbox}/"), "", "1", "").expect(207).await.sync_token();
    deliver(&world, "lea", "max", "third.ics", item("one", true)).await.unwrap();
    let changes = max.sync(&format!("{inbox}/"), &token, "1", "").expect(207).await.statuses();
    assert_eq!(changes, [(format!("{inbox}/second.ics"), 404), (format!("{inbox}/third.ics"), 200)]);
    world.sound().await;
    // An item goes thirty days after the last occurrence; what is past counts from when it came.
    world.tree.maintain(now() + 28 * DAY).await.unwrap();
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await.len(), 4);
    sql(&world, "UPDATE inbox_item SET due_at = due_at - 2 * 86400 WHERE uid = 'other'").await;
    world.tree.maintain(now() + 29 * DAY).await.unwrap();
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await.len(), 3);
    world.tree.maintain(now() + 31 * DAY).await.unwrap();
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await.len(), 0);
    // A series without end is no reason to keep one for ever.
    deliver(&world, "lea", "max", "endless.ics", InboxItem { last_at: i64::MAX, ..item("endless", true) })
        .await
        .unwrap();
    world.tree.maintain(now() + 390 * DAY).await.unwrap();
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await.len(), 1);
    world.tree.maintain(now() + 397 * DAY).await.unwrap();
    assert_eq!(listed(&world, "max", &format!("{inbox}/")).await.len(), 0);
    world.sound().await;
}

/// Nobody's meeting fails because the home of another is full, and nobody's deletions count who reads his mail.
#[tokio::test]
async fn an_item_stands_in_nobodys_way() {
    let world = World::new().await;
    let max = world.client("max");
    for number in 0..120 {
        deliver(&world, "lea", "max", &format!("{number}.ics"), item(&number.to_string(), true)).await.unwrap();
    }
    sql(&world, "UPDATE node SET placed_at = placed_at - 100000, created_at = created_at - 100000").await;
    for number in 0..120 {
        max.delete(&format!("/calendars/max/inbox/{number}.ics")).expect(204).await;
    }
    let full =
        "UPDATE home SET quota_bytes = used_bytes WHERE principal_id = (SELECT id FROM principal WHERE name = 'max')";
    sql(&world, full).await;
    assert!(!deliver(&world, "lea", "max", "none.ics", item("none", true)).await.unwrap());
    assert_eq!(listed(&world, "max", "/calendars/max/inbox/").await, Vec::<String>::new());
    world.sound().await;
}
