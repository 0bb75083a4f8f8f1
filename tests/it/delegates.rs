//! Delegates: who reads or keeps someone's calendars, named by command or by the person's calendar program
//! (calendar-proxy).

use beffroi::model::principal::PrincipalKind;
use beffroi::model::privilege::Role;
use beffroi::tree::administration::delegates::Delegation;

use super::edits::{listening, since};
use super::kit::{Client, World, event};

const PROXY: &str = "xmlns:CS=\"http://calendarserver.org/ns/\"";

fn hrefs(names: &[&str]) -> String {
    names.iter().map(|name| format!("<D:href>/principals/{name}/</D:href>")).collect()
}

fn members(names: &[&str]) -> String {
    format!("<D:set><D:prop><D:group-member-set>{}</D:group-member-set></D:prop></D:set>", hrefs(names))
}

/// The addresses in a property.
async fn listed(client: &Client, path: &str, property: &str) -> Vec<String> {
    let asked = match property.strip_prefix("CS:") {
        Some(local) => format!("<CS:{local} {PROXY}/>"),
        None => format!("<D:{property}/>"),
    };
    let answer = client.propfind(path, "0", &asked).expect(207).await;
    let found = answer.property(property.trim_start_matches("CS:")).unwrap_or_else(|| panic!("{}", answer.text()));
    found.elements().map(|element| element.text()).collect()
}

#[tokio::test]
async fn a_person_names_delegates_and_they_find_out() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let (read, write) = ("/principals/lea/calendar-proxy-read/", "/principals/lea/calendar-proxy-write/");
    let dav = lea.options("/principals/lea/").expect(200).await;
    assert!(dav.header("dav").unwrap().split(", ").any(|class| class == "calendar-proxy"));
    let groups = lea.propfind("/principals/lea/", "1", "<D:resourcetype/>").expect(207).await;
    assert_eq!(groups.hrefs(), ["/principals/lea/", read, write]);
    assert!(groups.text().contains("calendar-proxy-write") && groups.text().contains("calendar-proxy-read"));

    lea.proppatch(write, &members(&["zoe"])).expect(207).await;
    assert_eq!(listed(&lea, write, "group-member-set").await, ["/principals/zoe/"]);
    assert_eq!(listed(&zoe, "/principals/zoe/", "CS:calendar-proxy-write-for").await, ["/principals/lea/"]);
    assert!(listed(&zoe, "/principals/zoe/", "CS:calendar-proxy-read-for").await.is_empty());
    assert_eq!(listed(&zoe, "/principals/zoe/", "group-membership").await, [write]);
    // It is the same row that the command shows.
    let known = world.tree.delegates("lea").await.unwrap();
    assert_eq!((known[0].principal.as_str(), known[0].role), ("zoe", Role::Member));
    zoe.put("/calendars/lea/personal/a.ics", &event("a", "20260614")).expect(201).await;

    // From keeping to reading, and out.
    lea.proppatch(read, &members(&["zoe", "max"])).expect(207).await;
    assert!(listed(&lea, write, "group-member-set").await.is_empty());
    assert_eq!(listed(&lea, read, "group-member-set").await, ["/principals/max/", "/principals/zoe/"]);
    zoe.put("/calendars/lea/personal/a.ics", &event("a", "20260615")).expect(403).await;
    zoe.get("/calendars/lea/personal/a.ics").expect(200).await;
    lea.proppatch(read, &members(&["max"])).expect(207).await;
    zoe.get("/calendars/lea/personal/a.ics").expect(404).await;
    assert!(listed(&zoe, "/principals/zoe/", "CS:calendar-proxy-read-for").await.is_empty());

    // Through a group, and with what was said by command kept.
    world.tree.add_group("team", "Team").await.unwrap();
    world.tree.join_group("team", "zoe").await.unwrap();
    let delegation = Delegation { role: Role::Reader, until: None, sees_private: true };
    world.tree.add_delegate("lea", "team", delegation).await.unwrap();
    assert_eq!(listed(&zoe, "/principals/zoe/", "CS:calendar-proxy-read-for").await, ["/principals/lea/"]);
    world.sound().await;
}

#[tokio::test]
async fn delegates_are_named_by_the_person_and_known_to_those_concerned() {
    let world = World::new().await;
    let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
    let write = "/principals/lea/calendar-proxy-write/";
    for client in [&zoe, &max] {
        client.proppatch(write, &members(&["zoe"])).expect(403).await;
    }
    lea.proppatch(write, &members(&["zoe"])).expect(207).await;
    let asked = format!("<D:group-member-set/><CS:calendar-proxy-write-for {PROXY}/>");
    assert!(!max.propfind(write, "0", &asked).expect(207).await.text().contains("/principals/zoe/"));
    let of_zoe = max.propfind("/principals/zoe/", "0", &format!("{asked}<D:group-membership/>")).expect(207).await;
    assert!(!of_zoe.text().contains("lea"), "{}", of_zoe.text());
    for wrong in ["nobody", "lea", "tram", "lea/calendar-proxy-read"] {
        let refused = lea.proppatch(write, &members(&[wrong])).send().await;
        assert_eq!(refused.status, 403, "{wrong}: {}", refused.text());
    }
    assert_eq!(listed(&lea, write, "group-member-set").await, ["/principals/zoe/"]);
    for refused in [
        "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>",
        "<D:set><D:prop><x xmlns=\"y\">1</x></D:prop></D:set>",
        "<D:remove><D:prop><D:group-member-set/></D:prop></D:remove>",
    ] {
        assert!(lea.proppatch(write, refused).expect(207).await.text().contains(" 403 "), "{refused}");
    }
    lea.get("/principals/tram/calendar-proxy-read/").expect(404).await;
    lea.get("/principals/lea/calendar-proxy-read/more").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn what_a_delegate_does_names_both() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    lea.proppatch("/principals/lea/calendar-proxy-write/", &members(&["zoe"])).expect(207).await;
    let heard = listening(&world);
    zoe.put("/calendars/lea/personal/a.ics", &event("a", "20260614")).expect(201).await;
    zoe.put("/calendars/zoe/personal@lea/a.ics", &event("a", "20260615")).expect(204).await;
    zoe.delete("/calendars/lea/personal/a.ics").expect(204).await;
    zoe.ask("MKCALENDAR", "/calendars/lea/more/").expect(201).await;
    let name = "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>";
    zoe.proppatch("/calendars/lea/more/", name).expect(207).await;
    zoe.proppatch("/calendars/lea/", "<D:set><D:prop><x xmlns=\"y\">1</x></D:prop></D:set>").expect(207).await;
    let token = zoe.locked("/calendars/lea/more/", "exclusive", "infinity").await;
    zoe.unlock_at("/calendars/lea/more/").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    zoe.put("/calendars/lea/more/b.ics", &event("b", "20260614")).expect(201).await;
    // What goes from one home to the other is taken for the one, and put into one's own.
    zoe.relocate("/calendars/lea/more/b.ics", "/calendars/zoe/personal/b.ics").expect(201).await;
    let id = async |name: &str| world.tree.principal(PrincipalKind::Person, name).await.unwrap().id;
    let (lea, zoe) = (id("lea").await, id("zoe").await);
    let events = since(&heard);
    let changes: Vec<_> = events.iter().filter(|event| event.address.is_some()).collect();
    assert!(changes.len() >= 10, "{events:?}");
    let home = changes[0].affected.home;
    for event in changes {
        let other = Some(lea).filter(|_| event.affected.home == home);
        assert_eq!((event.actor, event.on_behalf_of), (Some(zoe), other), "{event:?}");
    }
    assert!(events.iter().any(|event| event.on_behalf_of.is_none() && event.address.is_some()), "{events:?}");
}
