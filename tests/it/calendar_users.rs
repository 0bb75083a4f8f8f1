//! What clients find out before they schedule (RFC 6638 sections 2, 6 and 9): addresses, inbox and outbox, default
//! calendar, privileges.

use beffroi::model::room::Room;

use super::kit::{Answer, Client, World};

const DECLARED: &str = "xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

async fn found(client: &Client, path: &str, local: &str) -> Answer {
    client.propfind(path, "0", &format!("<C:{local} {DECLARED}/>")).expect(207).await
}

async fn hrefs(client: &Client, path: &str, local: &str) -> Option<Vec<String>> {
    let property = found(client, path, local).await.property(local)?;
    Some(property.elements().map(|href| href.text()).collect())
}

/// Invitations to a home come into one of its calendars from now on: the others may be deleted.
pub async fn choose_default(client: &Client, home: &str, calendar: &str) {
    let url = format!(
        "<D:set><D:prop><C:schedule-default-calendar-URL {DECLARED}><D:href>/calendars/{home}/{calendar}/</D:href>\
         </C:schedule-default-calendar-URL></D:prop></D:set>"
    );
    let said = client.proppatch(&format!("/calendars/{home}/inbox/"), &url).expect(207).await.text();
    assert!(said.contains("200 OK"), "{said}");
}

#[tokio::test]
async fn principals_say_where_and_by_which_addresses_they_are_scheduled() {
    let world = World::with(|config| config.mail.domain = Some("agenda.ville.example".parse().unwrap())).await;
    for (name, email) in [("hall", "hall@ville.example"), ("desk", "desk@agenda.ville.example")] {
        world.tree.add_room(name, name, email, &Room::default()).await.unwrap();
    }
    world.tree.add_group("team", "Team").await.unwrap();
    let lea = world.client("lea");
    for (name, addresses, inbox, outbox) in [
        ("max", &["mailto:max@ville.example"][..], true, true),
        ("tram", &["mailto:tram@agenda.ville.example"], true, true),
        ("hall", &["mailto:hall@ville.example", "mailto:hall@agenda.ville.example"], true, false),
        ("desk", &["mailto:desk@agenda.ville.example"], true, false),
        ("team", &[], false, false),
    ] {
        let path = format!("/principals/{name}/");
        let expected: Vec<String> = addresses.iter().map(|one| (*one).to_owned()).chain([path.clone()]).collect();
        assert_eq!(hrefs(&lea, &path, "calendar-user-address-set").await, Some(expected), "{name}");
        for (local, collection, is_there) in
            [("schedule-inbox-URL", "inbox", inbox), ("schedule-outbox-URL", "outbox", outbox)]
        {
            let expected = is_there.then(|| vec![format!("/calendars/{name}/{collection}/")]);
            assert_eq!(hrefs(&lea, &path, local).await, expected, "{name}");
        }
    }
    // Without a domain projects have no address of mail, and rooms the one that they were given.
    let world = World::new().await;
    let own = hrefs(&world.client("lea"), "/principals/tram/", "calendar-user-address-set").await;
    assert_eq!(own, Some(vec!["/principals/tram/".to_owned()]));
}

#[tokio::test]
async fn the_default_calendar_is_chosen_and_stays() {
    const INBOX: &str = "/calendars/max/inbox/";
    const URL: &str = "schedule-default-calendar-URL";
    let world = World::new().await;
    let max = world.client("max");
    let default = async || hrefs(&max, INBOX, URL).await.unwrap();
    assert_eq!(default().await, ["/calendars/max/personal/"]);
    assert!(hrefs(&max, "/calendars/max/personal/", URL).await.is_none());
    let set =
        |href: &str| format!("<D:set><D:prop><C:{URL} {DECLARED}><D:href>{href}</D:href></C:{URL}></D:prop></D:set>");
    max.ask("MKCALENDAR", "/calendars/max/team/").expect(201).await;
    max.ask("MKCALENDAR", "/calendars/tram/theirs/").expect(201).await;
    for (path, instructions, condition) in [
        (INBOX, set("/calendars/max/none/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("/calendars/max/tasks/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("/calendars/max/inbox/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("/calendars/tram/theirs/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("/calendars/max/theirs@tram/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("/files/max/"), "valid-schedule-default-calendar-URL"),
        (INBOX, set("").replace("<D:href></D:href>", ""), "valid-schedule-default-calendar-URL"),
        (INBOX, format!("<D:remove><D:prop><C:{URL} {DECLARED}/></D:prop></D:remove>"), "default-calendar-needed"),
        ("/calendars/max/team/", set("/calendars/max/team/"), "cannot-modify-protected-property"),
    ] {
        let refused = max.proppatch(path, &instructions).expect(207).await.text();
        assert!(refused.contains(condition) && refused.contains(" 403 "), "{instructions}: {refused}");
        assert_eq!(default().await, ["/calendars/max/personal/"]);
    }
    // What invitations come into is not deleted, and not moved to another home.
    let kept = async |path: &str| {
        let refused = max.delete(path).expect(403).await.text();
        assert!(refused.contains("default-calendar-needed"), "{refused}");
        let refused = max.relocate(path, "/calendars/tram/moved/").expect(403).await.text();
        assert!(refused.contains("default-calendar-needed"), "{refused}");
    };
    kept("/calendars/max/personal/").await;
    assert!(max.proppatch(INBOX, &set("/calendars/max/team/")).expect(207).await.text().contains("200 OK"));
    assert_eq!(default().await, ["/calendars/max/team/"]);
    kept("/calendars/max/team/").await;
    // It may bear another name.
    max.relocate("/calendars/max/team/", "/calendars/max/office/").expect(201).await;
    assert_eq!(default().await, ["/calendars/max/office/"]);
    max.delete("/calendars/max/personal/").expect(204).await;
    kept("/calendars/max/office/").await;
    world.sound().await;
}

/// What older clients say of the inbox is said of the calendars, in both directions.
#[tokio::test]
async fn which_calendars_show_when_one_is_busy_is_said_of_them_or_of_the_inbox() {
    const INBOX: &str = "/calendars/max/inbox/";
    const SET: &str = "calendar-free-busy-set";
    const TRANSP: &str = "schedule-calendar-transp";
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    for calendar in ["/calendars/max/team/", "/calendars/max/away/", "/calendars/tram/theirs/"] {
        max.ask("MKCALENDAR", calendar).expect(201).await;
    }
    let counted = async || {
        let mut hrefs = hrefs(&max, INBOX, SET).await.unwrap();
        hrefs.sort();
        hrefs.iter().map(|href| href.split('/').nth(3).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let set = |calendars: &[&str]| {
        let hrefs: String = calendars.iter().map(|path| format!("<D:href>/calendars/{path}/</D:href>")).collect();
        format!("<D:set><D:prop><C:{SET} {DECLARED}>{hrefs}</C:{SET}></D:prop></D:set>")
    };
    let takes = async |calendar: &str| {
        let said = found(&max, &format!("/calendars/max/{calendar}/"), TRANSP).await.property(TRANSP).unwrap();
        said.elements().next().unwrap().name.local == "opaque"
    };
    assert_eq!(counted().await, ["away", "personal", "team"]);
    assert!(
        max.proppatch(INBOX, &set(&["max/personal", "max/tasks", "max/team"]))
            .expect(207)
            .await
            .text()
            .contains("200 OK")
    );
    assert_eq!(counted().await, ["personal", "team"]);
    assert!(!takes("away").await && takes("team").await);
    // The other way round.
    let transparent = format!("<D:set><D:prop><C:{TRANSP} {DECLARED}><C:transparent/></C:{TRANSP}></D:prop></D:set>");
    max.proppatch("/calendars/max/team/", &transparent).expect(207).await;
    assert_eq!(counted().await, ["personal"]);
    for (calendars, expected) in [(&["max/away"][..], &["away"][..]), (&[], &[])] {
        assert!(max.proppatch(INBOX, &set(calendars)).expect(207).await.text().contains("200 OK"));
        assert_eq!(counted().await, expected);
    }
    assert!(!takes("personal").await);
    // All of it, or nothing: none of another home, none that is not there, nothing elsewhere.
    for (path, instructions) in [
        (INBOX, set(&["max/personal", "max/none"])),
        (INBOX, set(&["max/personal", "tram/theirs"])),
        (INBOX, set(&["max/personal", "max/theirs@tram"])),
        (INBOX, set(&["max/personal", "max/inbox"])),
        (INBOX, format!("<D:remove><D:prop><C:{SET} {DECLARED}/></D:prop></D:remove>")),
        ("/calendars/max/", set(&["max/personal"])),
    ] {
        let refused = max.proppatch(path, &instructions).expect(207).await.text();
        assert!(!refused.contains("200 OK"), "{instructions}: {refused}");
        assert!(counted().await.is_empty(), "{instructions}");
    }
    assert!(hrefs(&max, "/calendars/max/personal/", SET).await.is_none());
    lea.proppatch(INBOX, &set(&["max/personal"])).expect(404).await;
    // It is shown to who asks for it.
    assert!(!max.propfind(INBOX, "0", "").expect(207).await.text().contains(SET));
    world.sound().await;
}

#[tokio::test]
async fn whether_a_calendar_takes_time_is_one_of_two_words() {
    let world = World::new().await;
    let max = world.client("max");
    let set = |inner: &str| {
        format!(
            "<D:set><D:prop><C:schedule-calendar-transp {DECLARED}>{inner}</C:schedule-calendar-transp></D:prop>\
             </D:set>"
        )
    };
    for (path, inner, answer) in [
        ("/calendars/max/personal/", "<C:transparent/>", "200 OK"),
        ("/calendars/max/meetings@tram/", "<C:transparent/>", "200 OK"),
        ("/calendars/max/personal/", "transparent", "409 Conflict"),
        ("/calendars/max/personal/", "<C:opaque/><C:transparent/>", "409 Conflict"),
        ("/calendars/max/inbox/", "<C:opaque/>", "cannot-modify-protected-property"),
        ("/files/max/", "<C:opaque/>", "cannot-modify-protected-property"),
    ] {
        let said = max.proppatch(path, &set(inner)).expect(207).await.text();
        assert!(said.contains(answer), "{path} {inner}: {said}");
    }
    for (path, name, word) in [
        ("/calendars/max/personal/", "max", "transparent"),
        ("/calendars/max/meetings@tram/", "max", "transparent"),
        ("/calendars/mia/meetings@tram/", "mia", "opaque"),
        ("/calendars/tram/meetings/", "max", "opaque"),
    ] {
        let said = found(&world.client(name), path, "schedule-calendar-transp").await;
        let word_of = said.property("schedule-calendar-transp").unwrap();
        assert_eq!(word_of.elements().next().unwrap().name.local, word, "{path}");
    }
}

#[tokio::test]
async fn privileges_of_scheduling_stand_where_they_are_defined() {
    let world = World::new().await;
    let max = world.client("max");
    const INBOX: [&str; 4] =
        ["schedule-deliver", "schedule-deliver-invite", "schedule-deliver-reply", "schedule-query-freebusy"];
    const OUTBOX: [&str; 4] =
        ["schedule-send", "schedule-send-invite", "schedule-send-reply", "schedule-send-freebusy"];
    for (path, expected) in [
        ("/calendars/max/inbox/", &INBOX[..]),
        ("/calendars/tram/inbox/", &INBOX),
        ("/calendars/max/outbox/", &OUTBOX),
        ("/calendars/tram/outbox/", &OUTBOX),
        ("/calendars/tram/meetings/", &[]),
        ("/calendars/max/", &[]),
        ("/files/max/", &[]),
    ] {
        let props = "<D:current-user-privilege-set/><D:supported-privilege-set/>";
        let answer = max.propfind(path, "0", props).expect(207).await;
        let held = answer.property("current-user-privilege-set").unwrap();
        let names = held.elements().flat_map(|privilege| privilege.elements()).map(|one| one.name.local.to_string());
        let held: Vec<String> = names.filter(|name| name.starts_with("schedule-")).collect();
        assert_eq!(held, expected, "{path}");
        let supported = answer.property("supported-privilege-set").unwrap().to_xml();
        for name in INBOX.iter().chain(&OUTBOX) {
            assert_eq!(supported.contains(&format!(":{name} ")), expected.contains(name), "{path} {name}: {supported}");
        }
    }
    // A list of rights on a calendar has no word for them.
    let acl = "<D:acl xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:ace><D:principal><D:href>\
               /principals/zoe/</D:href></D:principal><D:grant><D:privilege><C:schedule-send/></D:privilege></D:grant>\
               </D:ace></D:acl>";
    let refused = max.ask("ACL", "/calendars/max/personal/").body(acl).expect(403).await.text();
    assert!(refused.contains("not-supported-privilege"), "{refused}");
    max.ask("ACL", "/calendars/max/inbox/").body(acl).expect(405).await;
}
