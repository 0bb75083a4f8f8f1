//! Calendars shared from clients (caldav-sharing): invitations, answers, and what people are notified of.

use beffroi::model::privilege::Role;
use beffroi::tree::administration::people::PersonChange;
use beffroi::wire::xml::Element;

use super::kit::{Answer, Client, World, event};

const CS: &str = "http://calendarserver.org/ns/";

/// One who is to be invited: `read`, `read-write`, or nothing, who is no longer.
pub fn sharee(address: &str, access: &str) -> String {
    match access {
        "" => format!("<CS:remove><D:href>{address}</D:href></CS:remove>"),
        access => format!("<CS:set><D:href>{address}</D:href><CS:summary>Ours</CS:summary><CS:{access}/></CS:set>"),
    }
}

pub async fn share(client: &Client, calendar: &str, changes: &[String]) -> Answer {
    let body = format!("<CS:share xmlns:D=\"DAV:\" xmlns:CS=\"{CS}\">{}</CS:share>", changes.concat());
    client.ask("POST", calendar).header("Content-Type", "text/xml").body(&body).send().await
}

pub async fn answer(client: &Client, home: &str, uid: &str, word: &str) -> Answer {
    let body = format!(
        "<CS:invite-reply xmlns:D=\"DAV:\" xmlns:CS=\"{CS}\"><D:href>mailto:x@y.example</D:href><CS:invite-{word}/>\
         <CS:hosturl><D:href>/calendars/max/personal/</D:href></CS:hosturl><CS:in-reply-to>{uid}</CS:in-reply-to>\
         </CS:invite-reply>"
    );
    client.ask("POST", home).header("Content-Type", "application/xml").body(&body).send().await
}

fn inside<'a>(element: &'a Element, local: &str) -> Option<&'a Element> {
    element.elements().find(|child| child.name.local == local)
}

/// What a person was notified of, newest first: addresses.
pub async fn notifications(client: &Client, person: &str) -> Vec<String> {
    let collection = format!("/calendars/{person}/notification/");
    let asked = format!("<CS:notificationtype xmlns:CS=\"{CS}\"/><D:getetag/>");
    let found = client.propfind(&collection, "1", &asked).expect(207).await;
    found.hrefs().into_iter().filter(|href| *href != collection).collect()
}

/// The newest: its type, the UID of the invitation, and the word for its state.
pub async fn newest(client: &Client, person: &str) -> (String, String, String) {
    let href = notifications(client, person).await.remove(0);
    let text = client.get(&href).expect(200).await;
    assert_eq!(text.header("content-type"), Some("application/xml; charset=utf-8"));
    let root = text.xml();
    let notice = root.elements().nth(1).unwrap();
    let uid = inside(notice, "uid").or_else(|| inside(notice, "in-reply-to")).unwrap().text();
    let state = notice.elements().find(|child| child.name.local.starts_with("invite-")).unwrap();
    (notice.name.local.to_string(), uid, state.name.local.to_string())
}

/// Who is invited to a calendar: address, state and access.
async fn invited(client: &Client, calendar: &str) -> Vec<String> {
    let found = client.propfind(calendar, "0", &format!("<CS:invite xmlns:CS=\"{CS}\"/>")).expect(207).await;
    let Some(invite) = found.property("invite") else { return Vec::new() };
    let line = |user: &Element| {
        let state = user.elements().find(|child| child.name.local.starts_with("invite-")).unwrap();
        let access = inside(user, "access").unwrap().elements().next().unwrap();
        format!("{} {} {}", user.dav("href").unwrap().text(), state.name.local, access.name.local)
    };
    invite.elements().map(line).collect()
}

async fn types(client: &Client, calendar: &str) -> String {
    let found = client.propfind(calendar, "0", "<D:resourcetype/>").expect(207).await;
    let types = found.property("resourcetype").unwrap();
    types.elements().map(|kind| kind.name.local.to_string()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_shared_gives_access_when_it_is_accepted() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    max.put("/calendars/max/personal/a.ics", &event("a", "20260614")).expect(201).await;
    assert_eq!(types(&max, "/calendars/max/personal/").await, "collection calendar");
    assert_eq!(
        share(&max, "/calendars/max/personal/", &[sharee("mailto:ZOE@ville.example", "read-write")]).await.status,
        200
    );
    assert_eq!(types(&max, "/calendars/max/personal/").await, "collection calendar shared-owner");
    assert_eq!(
        invited(&max, "/calendars/max/personal/").await,
        ["mailto:zoe@ville.example invite-noresponse read-write"]
    );
    // Nothing is open yet.
    zoe.get("/calendars/max/personal/a.ics").expect(404).await;
    assert!(world.tree.grants("/calendars/max/personal").await.unwrap().is_empty());

    let (kind, uid, state) = newest(&zoe, "zoe").await;
    assert_eq!((kind.as_str(), state.as_str()), ("invite-notification", "invite-noresponse"));
    let accepted = answer(&zoe, "/calendars/zoe/", &uid, "accepted").await;
    assert_eq!(accepted.status, 200);
    let link = accepted.xml().dav("href").unwrap().text();
    assert_eq!(link, "/calendars/zoe/personal@max/");
    zoe.get(&format!("{link}a.ics")).expect(200).await;
    zoe.put(&format!("{link}b.ics"), &event("b", "20260615")).expect(201).await;
    assert_eq!(types(&zoe, &link).await, "collection calendar shared");
    let listed = zoe.propfind("/calendars/zoe/", "1", "<D:resourcetype/>").expect(207).await;
    assert!(
        listed.hrefs().contains(&link) && listed.text().contains("<CS:shared") || listed.text().contains(":shared "),
        "{}",
        listed.text()
    );
    let url = zoe.propfind(&link, "0", &format!("<CS:shared-url xmlns:CS=\"{CS}\"/><CS:invite xmlns:CS=\"{CS}\"/>"));
    let url = url.expect(207).await;
    assert_eq!(url.property("shared-url").unwrap().dav("href").unwrap().text(), "/calendars/max/personal/");
    assert!(url.property("invite").is_none(), "a sharee does not see who else is invited");
    // It stands in the project's own list of rights, and the sharer knows.
    let granted = world.tree.grants("/calendars/max/personal").await.unwrap();
    assert_eq!((granted.len(), granted[0].principal.as_str(), granted[0].role), (1, "zoe", Role::Member));
    assert_eq!(newest(&max, "max").await, ("invite-reply".into(), uid.clone(), "invite-accepted".into()));
    world.sound().await;

    // Once more changes nothing, and notifies nobody.
    for notification in notifications(&max, "max").await {
        max.delete(&notification).expect(204).await;
        max.delete(&notification).expect(404).await;
    }
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 200);
    share(&max, "/calendars/max/personal/", &[sharee("/principals/zoe/", "read-write")]).await;
    assert!(notifications(&max, "max").await.is_empty());
    // Less is in force at once.
    share(&max, "/calendars/max/personal/", &[sharee("/principals/zoe/", "read")]).await;
    assert_eq!(newest(&zoe, "zoe").await.2, "invite-accepted");
    zoe.put(&format!("{link}b.ics"), &event("b", "20260616")).expect(403).await;
    // And so is nothing.
    share(&max, "/calendars/max/personal/", &[sharee("mailto:zoe@ville.example", "")]).await;
    zoe.get(&format!("{link}a.ics")).expect(404).await;
    assert_eq!(newest(&zoe, "zoe").await.2, "invite-deleted");
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 403);
    assert!(invited(&max, "/calendars/max/personal/").await.is_empty());
    world.sound().await;
}

#[tokio::test]
async fn whoever_no_longer_wants_it_declines() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    share(&max, "/calendars/max/personal/", &[sharee("mailto:zoe@ville.example", "read")]).await;
    let (_, uid, _) = newest(&zoe, "zoe").await;
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "declined").await.status, 200);
    assert_eq!(newest(&max, "max").await.2, "invite-declined");
    zoe.get("/calendars/max/personal/").expect(404).await;
    // Asked again, there is an answer to be given again; deleting the calendar takes it back.
    share(&max, "/calendars/max/personal/", &[sharee("mailto:zoe@ville.example", "read")]).await;
    assert_eq!(newest(&zoe, "zoe").await.2, "invite-noresponse");
    answer(&zoe, "/calendars/zoe/", &uid, "accepted").await;
    max.put("/calendars/max/personal/a.ics", &event("a", "20260614")).expect(201).await;
    zoe.delete("/calendars/zoe/personal@max/").expect(204).await;
    zoe.get("/calendars/zoe/personal@max/").expect(404).await;
    max.get("/calendars/max/personal/a.ics").expect(200).await;
    assert_eq!(invited(&max, "/calendars/max/personal/").await, ["mailto:zoe@ville.example invite-declined read"]);
    assert_eq!(newest(&max, "max").await.2, "invite-declined");
    assert!(world.tree.grants("/calendars/max/personal").await.unwrap().is_empty());
    // What others gave by a role is not declined.
    max.delete("/calendars/max/meetings@tram/").expect(403).await;
    max.get("/calendars/max/meetings@tram/").expect(200).await;
    world.sound().await;
}

#[tokio::test]
async fn only_who_may_share_invites_and_only_the_invited_answer() {
    let mut world = World::new().await;
    world.add_person("uma").await;
    let (lea, max, zoe, uma) = (world.client("lea"), world.client("max"), world.client("zoe"), world.client("uma"));
    // A member of a project does not invite to its calendars; a lead does, where clients see them.
    let meetings = "/calendars/tram/meetings/";
    let refused = share(&max, meetings, &[sharee("mailto:zoe@ville.example", "read")]).await;
    assert!(refused.status == 403 && refused.text().contains("<D:share/>"), "{}", refused.text());
    assert_eq!(share(&zoe, meetings, &[sharee("mailto:zoe@ville.example", "read")]).await.status, 404);
    let modes = format!("<CS:allowed-sharing-modes xmlns:CS=\"{CS}\"/>");
    for (client, path, may) in
        [(&max, "/calendars/max/meetings@tram/", false), (&lea, "/calendars/lea/meetings@tram/", true)]
    {
        let found = client.propfind(path, "0", &modes).expect(207).await;
        assert_eq!(found.property("allowed-sharing-modes").is_some(), may);
    }
    let linked = "/calendars/lea/meetings@tram/";
    assert_eq!(share(&lea, linked, &[sharee("/principals/zoe/", "read")]).await.status, 200);
    let (_, uid, _) = newest(&zoe, "zoe").await;
    // Nobody answers for another, nor an invitation that is none.
    for (client, home, uid, status) in [
        (&uma, "/calendars/uma/", uid.as_str(), 403),
        (&uma, "/calendars/zoe/", uid.as_str(), 404),
        (&zoe, "/calendars/zoe/", "1", 403),
        (&zoe, "/calendars/zoe/", "x", 403),
    ] {
        assert_eq!(answer(client, home, uid, "accepted").await.status, status, "{home} {uid}");
    }
    // Nobody reads what another is notified of.
    let note = notifications(&zoe, "zoe").await.remove(0);
    uma.get(&note).expect(404).await;
    uma.propfind("/calendars/zoe/notification/", "1", "<D:getetag/>").expect(404).await;
    zoe.put("/calendars/zoe/notification/x.xml", "x").expect(405).await;
    // What is accepted must still be the sharer's to give.
    world.tree.add_member("tram", "lea", Role::Member, None).await.unwrap();
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 403);
    world.tree.add_member("tram", "lea", Role::Lead, None).await.unwrap();
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 200);
    zoe.get("/calendars/zoe/meetings@tram/").expect(200).await;
    world.tree.revoke("/calendars/tram/meetings", "zoe").await.unwrap();
    zoe.get("/calendars/zoe/meetings@tram/").expect(404).await;
    assert!(invited(&lea, meetings).await.is_empty());
    world.sound().await;
}

#[tokio::test]
async fn an_address_that_nobody_has_is_listed_as_such() {
    let world = World::new().await;
    let max = world.client("max");
    let calendar = "/calendars/max/personal/";
    let strangers = ["mailto:nobody@elsewhere.example", "/principals/tram/", "/principals/max/", "urn:uuid:1"];
    share(&max, calendar, &strangers.map(|address| sharee(address, "read"))).await;
    let mut expected: Vec<_> = strangers.map(|address| format!("{address} invite-invalid read")).into();
    expected.sort();
    let mut listed = invited(&max, calendar).await;
    listed.sort();
    assert_eq!(listed, expected);
    share(&max, calendar, &strangers.map(|address| sharee(address, ""))).await;
    assert!(invited(&max, calendar).await.is_empty());
    for body in ["", "<x/>", "<CS:share xmlns:CS=\"http://calendarserver.org/ns/\"><CS:set/></CS:share>"] {
        max.ask("POST", calendar).header("Content-Type", "text/xml").body(body).expect(400).await;
    }
    let many: Vec<String> = (0..101).map(|number| sharee(&format!("mailto:{number}@x.example"), "read")).collect();
    assert_eq!(share(&max, calendar, &many).await.status, 403);
    assert!(invited(&max, calendar).await.is_empty(), "all or nothing");
    max.ask("POST", "/calendars/max/").header("Content-Type", "text/calendar").body("x").expect(403).await;
    world.sound().await;
}

#[tokio::test]
async fn invitations_go_with_who_and_what_they_are_about() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    for calendar in ["one", "two"] {
        max.ask("MKCALENDAR", &format!("/calendars/max/{calendar}/")).expect(201).await;
        let both = [sharee("/principals/zoe/", "read"), sharee("/principals/rita/", "read")];
        share(&max, &format!("/calendars/max/{calendar}/"), &both).await;
        let (_, uid, _) = newest(&zoe, "zoe").await;
        assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 200);
    }
    assert_eq!(notifications(&zoe, "zoe").await.len(), 2);
    max.delete("/calendars/max/one/").expect(204).await;
    zoe.get("/calendars/zoe/one@max/").expect(404).await;
    zoe.get("/calendars/zoe/two@max/").expect(200).await;
    max.delete("/trash/max/one/").expect(204).await;
    world.sound().await;
    world.tree.remove_person("zoe").await.unwrap();
    assert_eq!(invited(&max, "/calendars/max/two/").await, ["mailto:rita@ville.example invite-noresponse read"]);
    world.sound().await;
    // The content of a notification stays as long as it is there.
    super::retention::sql(&world, "UPDATE body SET stored_at = 0").await;
    world.tree.sweep().await.unwrap();
    assert_eq!(newest(&world.client("rita"), "rita").await.2, "invite-noresponse");
    world.sound().await;
}

/// What a report says of each notification: its name, and whether it is there. And the token.
async fn synchronized(client: &Client, person: &str, token: &str, more: &str) -> (Vec<(String, u16)>, String) {
    let collection = format!("/calendars/{person}/notification/");
    let answer = client.sync(&collection, token, "1", more).expect(207).await;
    let listed = answer.statuses().into_iter().map(|(href, status)| (href.replace(&collection, ""), status)).collect();
    (listed, answer.sync_token())
}

#[tokio::test]
async fn notifications_are_synchronized() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    let collection = "/calendars/zoe/notification/";
    for calendar in ["one", "two", "three"] {
        max.ask("MKCALENDAR", &format!("/calendars/max/{calendar}/")).expect(201).await;
    }
    let offer = async |calendar: &str, access: &str| {
        share(&max, &format!("/calendars/max/{calendar}/"), &[sharee("/principals/zoe/", access)]).await;
        notifications(&zoe, "zoe").await.remove(0).replace(collection, "")
    };
    let (nothing, begun) = synchronized(&zoe, "zoe", "", "").await;
    assert!(nothing.is_empty());
    let (one, two) = (offer("one", "read").await, offer("two", "read").await);
    let mut both = vec![(one.clone(), 200), (two.clone(), 200)];
    both.sort();
    let (all, token) = synchronized(&zoe, "zoe", &begun, "").await;
    assert_eq!(all, both);
    assert_eq!(zoe.propfind(collection, "0", "<D:sync-token/>").expect(207).await.value("sync-token"), token);
    assert!(synchronized(&zoe, "zoe", &token, "").await.0.is_empty());

    // One that is dismissed on one device goes from the others; one that takes the place of another is listed once.
    zoe.delete(&format!("{collection}{two}")).expect(204).await;
    zoe.get(&format!("{collection}{two}")).expect(404).await;
    assert_eq!(offer("one", "read-write").await, one);
    let (listed, later) = synchronized(&zoe, "zoe", &token, "").await;
    assert_eq!(listed, {
        let mut listed = vec![(one.clone(), 200), (two.clone(), 404)];
        listed.sort();
        listed
    });
    // Who begins now hears nothing of what is gone; who was there before all hears of both.
    assert_eq!(synchronized(&zoe, "zoe", "", "").await.0, [(one.clone(), 200)]);
    assert_eq!(synchronized(&zoe, "zoe", &begun, "").await.0.len(), 2);
    // Page by page it is the same.
    let (first, rest) = synchronized(&zoe, "zoe", &token, "<D:limit><D:nresults>1</D:nresults></D:limit>").await;
    assert!(first.contains(&(String::new(), 507)) && first.len() == 2, "{first:?}");
    let (second, end) = synchronized(&zoe, "zoe", &rest, "").await;
    assert!(second.len() == 1 && !first.contains(&second[0]) && end == later, "{second:?}");
    // What went comes again.
    share(&max, "/calendars/max/two/", &[sharee("/principals/zoe/", "")]).await;
    assert_eq!(synchronized(&zoe, "zoe", &later, "").await.0, [(two.clone(), 200)]);

    // A token is good where it was given, for what is still known.
    for wrong in ["x", &later.replace("urn:beffroi:sync:", "urn:beffroi:sync:0"), &format!("{later}9")] {
        let refused = zoe.sync(collection, wrong, "1", "").expect(403).await;
        assert!(refused.text().contains("valid-sync-token"), "{wrong}");
    }
    let (_, other) = synchronized(&max, "max", "", "").await;
    zoe.sync(collection, &other, "1", "").expect(403).await;
    world.sound().await;
}

/// However many there are, a client that synchronizes ends with those that are there.
#[tokio::test]
async fn old_notifications_make_room_for_new_ones() {
    let world = World::unflushed().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    let (_, begun) = synchronized(&zoe, "zoe", "", "").await;
    let mut known = std::collections::BTreeSet::new();
    let mut token = begun.clone();
    for number in 0..410 {
        max.ask("MKCALENDAR", &format!("/calendars/max/c{number}/")).expect(201).await;
        share(&max, &format!("/calendars/max/c{number}/"), &[sharee("/principals/zoe/", "read")]).await;
        if number % 50 == 49 {
            let (listed, next) = synchronized(&zoe, "zoe", &token, "").await;
            for (name, status) in listed {
                if status == 404 {
                    known.remove(&name)
                } else {
                    known.insert(name)
                };
            }
            token = next;
            let there = notifications(&zoe, "zoe").await;
            let there: std::collections::BTreeSet<_> =
                there.iter().map(|href| href.rsplit('/').next().unwrap().to_owned()).collect();
            assert_eq!(known, there, "{number}");
        }
    }
    assert_eq!(known.len(), 200);
    // What went before is forgotten, and who asks for it begins anew.
    zoe.sync("/calendars/zoe/notification/", &begun, "1", "").expect(403).await;
    world.sound().await;
}

#[tokio::test]
async fn a_calendar_is_said_to_be_shared_by_who_may_share_it() {
    let mut world = World::new().await;
    world.add_person("uma").await;
    let (lea, max, uma) = (world.client("lea"), world.client("max"), world.client("uma"));
    let types = |types: &str| {
        format!("<D:set><D:prop><D:resourcetype xmlns:CS=\"{CS}\">{types}</D:resourcetype></D:prop></D:set>")
    };
    let calendar = "<D:collection/><C:calendar xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>";
    let shared = types(&format!("{calendar}<CS:shared-owner/>"));
    for path in ["/calendars/max/personal/", "/calendars/lea/meetings@tram/"] {
        let client = if path.contains("tram") { &lea } else { &max };
        let answer = client.proppatch(path, &shared).expect(207).await;
        assert!(answer.text().contains(" 200 ") && !answer.text().contains(" 403 "), "{}", answer.text());
        assert_eq!(share(client, path, &[sharee("/principals/uma/", "read")]).await.status, 200);
    }
    // Who may not share it learns that, and nothing else is said so.
    for path in ["/calendars/tram/meetings/", "/calendars/max/meetings@tram/"] {
        let refused = max.proppatch(path, &shared).expect(403).await;
        assert!(refused.text().contains("<D:share/>"), "{}", refused.text());
    }
    uma.proppatch("/calendars/max/personal/", &shared).expect(404).await;
    for (path, wrong) in [
        ("/calendars/max/personal/", types(calendar)),
        ("/calendars/max/personal/", types("<CS:shared-owner/>")),
        ("/calendars/max/personal/", types(&format!("{calendar}<CS:shared-owner/><CS:shared/>"))),
        ("/calendars/max/personal/", "<D:remove><D:prop><D:resourcetype/></D:prop></D:remove>".to_owned()),
        ("/files/max/", shared.clone()),
    ] {
        let answer = max.proppatch(path, &wrong).expect(207).await;
        assert!(answer.text().contains("cannot-modify-protected-property"), "{wrong}: {}", answer.text());
    }
    world.sound().await;
}

/// An invitation is of a person, whatever address that person has: one that goes to somebody else takes nothing along.
#[tokio::test]
async fn an_invitation_follows_the_person_and_not_the_address() {
    let mut world = World::new().await;
    world.add_person("uma").await;
    let (max, zoe, uma) = (world.client("max"), world.client("zoe"), world.client("uma"));
    let (calendar, object) = ("/calendars/max/personal/", "/calendars/max/personal/a.ics");
    max.put(object, &event("a", "20260614")).expect(201).await;
    let moves_to = async |person: &str, address: &str| {
        let change = PersonChange { email: Some(address.to_owned()), ..PersonChange::default() };
        world.tree.set_person(person, change).await.unwrap();
    };
    let (first, second) = ("mailto:zoe@ville.example", "mailto:zoe.blanc@ville.example");
    // The address that is to be hers is invited already, as nobody's.
    share(&max, calendar, &[sharee(first, "read-write"), sharee(second, "read")]).await;
    let (_, uid, _) = newest(&zoe, "zoe").await;
    assert_eq!(answer(&zoe, "/calendars/zoe/", &uid, "accepted").await.status, 200);
    moves_to("zoe", "zoe.blanc@ville.example").await;
    assert_eq!(invited(&max, calendar).await, [format!("{second} invite-accepted read-write")]);
    moves_to("uma", "zoe@ville.example").await;
    world.sound().await;

    // Who has the address now is somebody else, whoever had it before.
    share(&max, calendar, &[sharee(first, "")]).await;
    zoe.get(object).expect(200).await;
    share(&max, calendar, &[sharee(first, "read")]).await;
    uma.get(object).expect(404).await;
    zoe.put(object, &event("a", "20260615")).expect(204).await;
    assert_eq!(
        invited(&max, calendar).await,
        [format!("{second} invite-accepted read-write"), format!("{first} invite-noresponse read")]
    );
    // By whichever name the person is called it is the one invitation.
    share(&max, calendar, &[sharee("/principals/zoe/", "read")]).await;
    zoe.put(object, &event("a", "20260616")).expect(403).await;
    share(&max, calendar, &[sharee("MAILTO:Zoe.Blanc@Ville.example", "")]).await;
    zoe.get(object).expect(404).await;
    world.sound().await;
}

/// A calendar is shared, accepted and left, and what came of it dismissed: each way to change something once.
pub async fn shared_and_left(world: &World) {
    let (lea, max) = (world.client("lea"), world.client("max"));
    share(&lea, "/calendars/lea/personal/", &[sharee("/principals/max/", "read")]).await;
    let (_, uid, _) = newest(&max, "max").await;
    assert_eq!(answer(&max, "/calendars/max/", &uid, "accepted").await.status, 200);
    max.delete("/calendars/max/personal@lea/").expect(204).await;
    max.delete(&notifications(&max, "max").await.remove(0)).expect(204).await;
}
