//! `/freebusy/{token}/{address}.ifb`: when people and rooms are busy, for whoever knows the token, and nothing else.

use beffroi::ical::object::parse;
use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;

use super::kit::{Answer, Client, World, event};

const PERSONAL: &str = "/calendars/max/personal/";

/// A day from now on, as DTSTART writes it.
fn day(from_now: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * from_now);
    at.strftime("%Y%m%d").to_string()
}

/// Stores an event from `start` to `end` o'clock.
async fn put(client: &Client, calendar: &str, uid: &str, (on, start, end): (i64, u32, u32), lines: &str) {
    let on = day(on);
    let text = event(uid, &on)
        .replace("SUMMARY:Meeting\r\n", &format!("SUMMARY:Secret\r\nLOCATION:Secret\r\n{lines}"))
        .replace(&format!("{on}T100000Z"), &format!("{on}T{start:02}0000Z"))
        .replace(&format!("{on}T110000Z"), &format!("{on}T{end:02}0000Z"));
    client.put(&format!("{calendar}{uid}.ics"), &text).expect(201).await;
}

async fn address(world: &World) -> String {
    format!("/freebusy/{}/", world.tree.add_freebusy("mairie", None).await.unwrap())
}

fn busy_lines(answer: &Answer) -> Vec<String> {
    let text = answer.text().replace("\r\n ", "");
    text.lines().filter(|line| line.starts_with("FREEBUSY")).map(str::to_owned).collect()
}

#[tokio::test]
async fn who_is_looked_up_is_busy_at_merged_times_and_nothing_else_is_shown() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    put(&max, PERSONAL, "one", (1, 9, 11), "").await;
    put(&max, PERSONAL, "two", (1, 10, 12), "CLASS:PRIVATE\r\n").await;
    put(&max, PERSONAL, "touching", (1, 12, 13), "").await;
    put(&max, PERSONAL, "perhaps", (1, 12, 14), "STATUS:TENTATIVE\r\n").await;
    put(&max, PERSONAL, "cancelled", (2, 9, 10), "STATUS:CANCELLED\r\n").await;
    put(&max, PERSONAL, "transparent", (3, 9, 10), "TRANSP:TRANSPARENT\r\n").await;
    let invited = "ORGANIZER:mailto:o@x.example\r\nATTENDEE;PARTSTAT=DECLINED:mailto:max@ville.example\r\n";
    put(&max, PERSONAL, "declined", (4, 9, 10), invited).await;
    put(&max, PERSONAL, "past", (-8, 9, 10), "").await;
    put(&max, PERSONAL, "far", (91, 9, 10), "").await;
    let from = address(&world).await;
    let path = format!("{from}max@ville.example.ifb");
    let got = nobody.get(&path).header("Authorization", "Bearer").expect(200).await;
    assert_eq!(got.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert!(got.header("www-authenticate").is_none());
    let (on, text) = (day(1), got.text());
    let expected = [
        format!("FREEBUSY:{on}T090000Z/{on}T130000Z"),
        format!("FREEBUSY;FBTYPE=BUSY-TENTATIVE:{on}T130000Z/{on}T140000Z"),
    ];
    assert_eq!(busy_lines(&got), expected, "{text}");
    assert!(!text.contains("Secret"), "{text}");
    // One part, with these lines alone.
    let calendar = parse(text.as_bytes()).unwrap();
    assert_eq!(calendar.value("METHOD"), Some("PUBLISH"));
    let [part] = &calendar.components[..] else { panic!("{text}") };
    assert_eq!(part.name, "VFREEBUSY");
    let mut names: Vec<&str> = part.properties.iter().map(|line| line.name.as_str()).collect();
    names.dedup();
    assert_eq!(names, ["UID", "DTSTAMP", "DTSTART", "DTEND", "ORGANIZER", "FREEBUSY"]);
    for line in [
        "ORGANIZER:mailto:max@ville.example".to_owned(),
        format!("DTSTART:{}T000000Z", day(-7)),
        format!("DTEND:{}T000000Z", day(90)),
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} is not in {text}");
    }
    // However the address is spelled, and by its other ending.
    for name in ["max@ville.example.vfb", "MAX@Ville.Example.ifb", "max%40ville.example.ifb"] {
        assert_eq!(nobody.get(&format!("{from}{name}")).expect(200).await.text(), text);
    }
}

#[tokio::test]
async fn what_nobody_changed_is_not_sent_again() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    let path = format!("{}max@ville.example.ifb", address(&world).await);
    let got = nobody.get(&path).expect(200).await;
    let etag = got.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"'));
    nobody.get(&path).header("If-None-Match", &etag).expect(304).await;
    let head = nobody.ask("HEAD", &path).expect(200).await;
    assert_eq!(head.header("etag"), Some(etag.as_str()));
    assert!(nobody.options(&path).expect(200).await.header("allow").unwrap().contains("GET"));
    for method in ["PROPFIND", "PUT", "DELETE", "LOCK"] {
        let refused = nobody.ask(method, &path).expect(405).await;
        assert!(refused.header("www-authenticate").is_none(), "{method}");
    }
    // What takes no time changes nothing.
    put(&max, PERSONAL, "free", (2, 9, 10), "TRANSP:TRANSPARENT\r\n").await;
    nobody.get(&path).header("If-None-Match", &etag).expect(304).await;
    put(&max, PERSONAL, "busy", (2, 9, 10), "").await;
    let now = nobody.get(&path).header("If-None-Match", &etag).expect(200).await;
    assert_ne!(now.header("etag"), Some(etag.as_str()));
    let uid = |answer: &Answer| answer.text().lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
    assert_ne!(uid(&now), uid(&got));
    let used = &world.tree.freebusy_addresses().await.unwrap()[0];
    assert!(used.label == "mairie" && used.kept.fetched_at.is_some(), "{used:?}");
    world.sound().await;
}

#[tokio::test]
async fn whoever_is_not_answered_about_is_as_if_nobody_were_called_so() {
    let world = World::with(|config| config.mail.domain = Some("agenda.ville.example".parse().unwrap())).await;
    let nobody = world.nobody();
    world.tree.add_room("hall", "Hall", "hall@ville.example", &Room::default()).await.unwrap();
    world.tree.add_group("team", "Team").await.unwrap();
    // In no project, zoe is of here; as a partner, and no more, of elsewhere.
    let from = address(&world).await;
    let asked = |name: &str| format!("{from}{name}.ifb");
    for name in ["zoe@ville.example", "hall@ville.example", "hall@agenda.ville.example"] {
        nobody.get(&asked(name)).expect(200).await;
    }
    world.tree.add_partner("tram", "zoe", "lea", now() + 3600).await.unwrap();
    world.tree.set_disabled("rita", true).await.unwrap();
    let over = format!("/freebusy/{}/", world.tree.add_freebusy("over", Some(now())).await.unwrap());
    let revoked = format!("/freebusy/{}/", world.tree.add_freebusy("revoked", None).await.unwrap());
    nobody.get(&format!("{revoked}max@ville.example.ifb")).expect(200).await;
    world.tree.revoke_freebusy("revoked").await.unwrap();
    assert!(world.tree.revoke_freebusy("revoked").await.is_err());
    assert!(world.tree.add_freebusy("mairie", None).await.is_err());
    let feed = world.tree.add_feed("max", PERSONAL, beffroi::model::calendar::FeedDetail::Busy, None).await.unwrap();
    let mut refused = vec![
        format!("{over}max@ville.example.ifb"),
        format!("{revoked}max@ville.example.ifb"),
        format!("/freebusy/{}/max@ville.example.ifb", feed.0),
        "/freebusy/unknown/max@ville.example.ifb".to_owned(),
        "/freebusy/".to_owned(),
        from.clone(),
        format!("{from}max@ville.example.ics"),
        format!("{from}max@ville.example.ifb/x"),
    ];
    refused.extend(
        [
            "nobody@ville.example",
            "zoe@ville.example",
            "rita@ville.example",
            "max",
            "%NAME%25@%25SERVER%25",
            "/principals/max",
            "%2Fprincipals%2Fmax",
            // A person's name in the domain of projects and rooms is no address; nor is that of a meeting.
            "max@agenda.ville.example",
            "hall+tag@agenda.ville.example",
            "max+tag@ville.example",
            "tram@agenda.ville.example",
            "team@agenda.ville.example",
            "max@ville.example%0D%0AX:Y",
        ]
        .map(asked),
    );
    let shape = |answer: Answer| {
        let headers: Vec<_> = answer.headers.into_iter().filter(|(name, _)| name != "date").collect();
        (answer.status, headers, answer.body)
    };
    for method in ["GET", "HEAD", "OPTIONS", "PROPFIND"] {
        let first = shape(nobody.ask(method, &refused[0]).send().await);
        assert_eq!(first.0, 404);
        for path in &refused[1..] {
            assert_eq!(shape(nobody.ask(method, path).send().await), first, "{method} {path}");
        }
    }
    // Who has a part of their own again is of here.
    world.tree.add_member("tram", "zoe", Role::Reader, None).await.unwrap();
    nobody.get(&asked("zoe@ville.example")).expect(200).await;
    world.sound().await;
}
