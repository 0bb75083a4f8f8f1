//! Feeds: a calendar for whoever knows its address, by the present rights of the person in whose name it was made.

use super::kit::World;
use beffroi::ical::object::parse;
use beffroi::model::calendar::FeedDetail;
use beffroi::model::privilege::Role;

const CALENDAR: &str = "/calendars/tram/meetings";

fn event(uid: &str, lines: &str) -> String {
    let lines = lines.replace('\n', "\r\n");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\n\
         {lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A day from now on, as DTSTART writes it.
fn day(from_now: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * from_now);
    at.strftime("%Y%m%d").to_string()
}

async fn feed(world: &World, person: &str, detail: FeedDetail) -> String {
    let (secret, name) = world.tree.add_feed(person, CALENDAR, detail, None).await.unwrap();
    format!("/feeds/{secret}/{name}.ics")
}

#[tokio::test]
async fn a_feed_is_a_calendar_that_outlook_subscribes_to() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    let weekly = format!(
        "DTSTART;TZID=Romance Standard \
         Time:{}T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:Comité\nLOCATION:Mairie\n\
         ORGANIZER;CN=Marie Durand:mailto:marie@ville.example\nATTENDEE:mailto:max@ville.example",
        day(1)
    );
    max.put(&format!("{CALENDAR}/a.ics"), &event("a", &weekly)).expect(201).await;
    let old = format!("DTSTART:{}T100000Z\nDURATION:PT1H\nSUMMARY:Ancien", day(-100));
    max.put(&format!("{CALENDAR}/old.ics"), &event("old", &old)).expect(201).await;
    let path = feed(&world, "rita", FeedDetail::Full).await;
    let got = nobody.get(&path).header("Accept-Encoding", "gzip").header("Authorization", "Bearer").expect(200).await;
    for (header, value) in [
        ("content-type", "text/calendar; charset=utf-8"),
        ("content-disposition", "inline; filename=\"meetings.ics\""),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(got.header(header), Some(value));
    }
    assert!(got.header("content-encoding").is_none() && got.header("www-authenticate").is_none());
    let text = got.text();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"), "{text}");
    for line in [
        "METHOD:PUBLISH",
        "X-WR-CALNAME:meetings (tram)",
        "X-WR-TIMEZONE:",
        "X-PUBLISHED-TTL:PT1H",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "TZID:Europe/Paris",
        "SUMMARY:Comité",
        "DESCRIPTION:Organisateur : Marie Durand",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("Ancien") && !text.contains("ATTENDEE") && !text.contains("Romance"));
    parse(text.as_bytes()).unwrap();
    // What nobody changed is not sent again.
    let etag = got.header("etag").unwrap().to_owned();
    assert!(!etag.starts_with("W/"));
    let modified = got.header("last-modified").unwrap().to_owned();
    nobody.get(&path).header("If-None-Match", &etag).expect(304).await;
    nobody.get(&path).header("If-Modified-Since", &modified).expect(304).await;
    assert_eq!(nobody.ask("HEAD", &path).expect(200).await.header("etag"), Some(etag.as_str()));
    nobody.options(&path).expect(200).await;
    nobody.ask("PROPFIND", &path).expect(405).await;
    max.put(&format!("{CALENDAR}/b.ics"), &event("b", &format!("DTSTART:{}T100000Z", day(2)))).expect(201).await;
    let now = nobody.get(&path).header("If-None-Match", &etag).expect(200).await;
    assert_ne!(now.header("etag"), Some(etag.as_str()));
    assert_eq!(now.text().matches("BEGIN:VEVENT").count(), 2);
    let listed = &world.tree.feeds("rita").await.unwrap()[0];
    assert!(listed.kept.fetched_at.is_some() && listed.home == "tram" && listed.calendar == "meetings");
}

#[tokio::test]
async fn a_feed_ends_with_the_rights_of_its_person() {
    let world = World::new().await;
    let nobody = world.nobody();
    assert!(world.tree.add_feed("zoe", CALENDAR, FeedDetail::Title, None).await.is_err());
    assert!(world.tree.add_feed("rita", "/files/tram", FeedDetail::Title, None).await.is_err());
    let path = feed(&world, "rita", FeedDetail::Title).await;
    assert!(world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, None).await.is_err());
    nobody.get(&path).expect(200).await;
    nobody.get(&path.replace(".ics", ".txt")).expect(404).await;
    nobody.get(&path.replace("/feeds/", "/feeds/x")).expect(404).await;
    nobody.get("/feeds/").expect(404).await;
    world.tree.set_disabled("rita", true).await.unwrap();
    nobody.get(&path).expect(404).await;
    world.tree.set_disabled("rita", false).await.unwrap();
    nobody.get(&path).expect(200).await;
    world.tree.remove_member("tram", "rita").await.unwrap();
    nobody.get(&path).expect(404).await;
    world.tree.add_member("tram", "rita", Role::Reader, None).await.unwrap();
    nobody.get(&path).expect(200).await;
    world.tree.revoke_feed("rita", CALENDAR).await.unwrap();
    nobody.get(&path).expect(404).await;
    assert!(world.tree.revoke_feed("rita", CALENDAR).await.is_err());
    let (secret, _) = world.tree.add_feed("rita", CALENDAR, FeedDetail::Full, Some(1)).await.unwrap();
    nobody.get(&format!("/feeds/{secret}/meetings.ics")).expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn a_feed_shows_no_more_than_its_detail() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    let lines = |name: &str, class: &str| {
        format!(
            "DTSTART:{}T090000Z\nDURATION:PT1H\nSUMMARY:{name}\nLOCATION:Mairie\nDESCRIPTION:Note\nCLASS:{class}\n\
             ORGANIZER;CN=Marie:mailto:marie@ville.example",
            day(3)
        )
    };
    max.put(&format!("{CALENDAR}/a.ics"), &event("comite", &lines("Comité", "PUBLIC"))).expect(201).await;
    max.put(&format!("{CALENDAR}/b.ics"), &event("secret", &lines("Discret", "PRIVATE"))).expect(201).await;
    world.tree.grant(CALENDAR, "zoe", Role::FreeBusy, None).await.unwrap();
    let words = ["Comité", "comite", "Mairie", "Note", "Marie", "Discret"];
    for (person, detail, reported) in [
        ("rita", FeedDetail::Full, &["Comité", "comite", "Mairie", "Note", "Marie"][..]),
        ("max", FeedDetail::Title, &["Comité", "comite"][..]),
        ("zoe", FeedDetail::Busy, &[][..]),
    ] {
        let text = nobody.get(&feed(&world, person, detail).await).expect(200).await.text();
        let found: Vec<&str> = words.into_iter().filter(|word| text.contains(word)).collect();
        assert_eq!(found, reported, "{text}");
        assert!(text.contains(&format!("DTSTART:{}T090000Z", day(3))) && text.contains("SUMMARY:Occupé"), "{text}");
    }
    assert!(world.tree.add_feed("lea", CALENDAR, FeedDetail::Busy, None).await.is_ok());
}

/// A private event is known to be taken, and members see of it what Outlook is to know. No tag is of two texts.
#[tokio::test]
async fn the_tag_of_a_feed_follows_what_its_person_sees() {
    let world = World::new().await;
    let (max, nobody) = (world.client("max"), world.nobody());
    let lines = format!("DTSTART:{}T090000Z\nCLASS:PRIVATE\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\nSUMMARY:x", day(3));
    max.put(&format!("{CALENDAR}/a.ics"), &event("a", &lines)).expect(201).await;
    let path = feed(&world, "max", FeedDetail::Full).await;
    let before = nobody.get(&path).expect(200).await;
    assert!(before.text().contains("SUMMARY:Occupé"), "{}", before.text());
    world.tree.add_member("tram", "max", Role::Reader, None).await.unwrap();
    let after = nobody.get(&path).header("If-None-Match", before.header("etag").unwrap()).expect(200).await;
    assert_ne!(before.text(), after.text());
    assert_ne!(before.header("etag"), after.header("etag"));
}

#[tokio::test]
async fn a_link_in_the_clear_is_sent_to_https() {
    let world = World::with(|config| {
        config.server.public_url = Some("https://beffroi.ville.example".to_owned());
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let (secret, _) = world.tree.add_feed("rita", CALENDAR, FeedDetail::Busy, None).await.unwrap();
    let path = format!("/feeds/{secret}/meetings.ics");
    let sent = world.nobody().get(&path).header("X-Forwarded-Proto", "http").expect(301).await;
    assert_eq!(sent.header("location"), Some(format!("https://beffroi.ville.example{path}").as_str()));
    world.nobody().get(&path).header("X-Forwarded-Proto", "https").expect(200).await;
}
