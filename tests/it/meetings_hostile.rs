//! Meetings and hostile people: whoever knows the UID of one, or is in it, is in nobody else's way.

use beffroi::model::id::now;
use beffroi::model::principal::PrincipalKind;

use crate::kit::World;
use crate::meetings::{MAX, copy, line, meeting, of, text};

#[tokio::test]
async fn nobody_is_in_the_way_of_a_meeting_that_they_are_not_in() {
    const CALENDARS: usize = 12;
    let world = World::new().await;
    let (max, mia, zoe) = (world.client("max"), world.client("mia"), world.client("zoe"));
    let path = format!("{MAX}one.ics");
    // Somebody knows its UID, and keeps objects of it that take as long to read as anything may.
    let others = meeting("one", &of("max", &["max", "rita"])).replace("@ville.example", "@elsewhere.example");
    let long = format!("DESCRIPTION:{}\r\nEND:VEVENT", "x".repeat(8 << 20));
    let others = others.replace("END:VEVENT", &long);
    for number in 0..CALENDARS {
        zoe.ask("MKCALENDAR", &format!("/calendars/zoe/c{number}/")).expect(201).await;
        zoe.put(&format!("/calendars/zoe/c{number}/one.ics"), &others).expect(201).await;
    }
    max.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let (href, text) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&text, "mia");
    mia.put(&href, &text.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    let stored = self::text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("ACCEPTED"), "{stored}");
    // Nor is she when she is invited herself.
    let more = stored.replace("END:VEVENT", "ATTENDEE:mailto:zoe@ville.example\r\nEND:VEVENT");
    max.put(&path, &more).expect(204).await;
    let text = self::text(&mia.get(&href).expect(200).await);
    let own = line(&text, "mia");
    mia.put(&href, &text.replace(&own, &own.replace("ACCEPTED", "DECLINED"))).expect(204).await;
    assert!(line(&self::text(&max.get(&path).expect(200).await), "mia").contains("DECLINED"));
    world.sound().await;
}

/// A meeting of max with mia and eight others, each of whom has put a long line into their copy.
async fn world_of_long_copies(rule: &str, line: &str) -> World {
    const NAMES: [&str; 8] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"];
    let mut world = World::new().await;
    for name in NAMES {
        world.add_person(name).await;
    }
    let people: Vec<&str> = NAMES.iter().copied().chain(["max", "mia"]).collect();
    let text = meeting("one", &format!("{rule}{}", of("max", &people)));
    world.client("max").put(&format!("{MAX}one.ics"), &text).expect(201).await;
    for name in NAMES {
        let client = world.client(name);
        let (href, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        client.put(&href, &text.replace("END:VEVENT", &format!("{line}\r\nEND:VEVENT"))).expect(204).await;
    }
    world
}

#[tokio::test]
async fn copies_that_take_long_to_follow_are_in_nobodys_way() {
    // To follow the rule to so many far days takes about as many steps as one may have in what is one's own.
    let days: Vec<String> = (0..400).map(|year| format!("{}0701T090000Z", 2031 + year)).collect();
    let world = world_of_long_copies("RRULE:FREQ=DAILY\r\n", &format!("EXDATE:{}", days.join(","))).await;
    let (max, path) = (world.client("max"), format!("{MAX}one.ics"));
    let stored = text(&max.get(&path).expect(200).await);
    max.put(&path, &stored.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
    for name in ["mia", "h0", "h7"] {
        let client = world.client(name);
        let (_, text) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        assert!(text.contains("SUMMARY:Autre"), "{name}: {text}");
    }
    world.sound().await;
}

#[tokio::test]
async fn copies_that_their_owners_made_long_are_in_nobodys_way() {
    let world = world_of_long_copies("", &format!("X-OWN:{}", "x".repeat(9 << 20))).await;
    let (max, path) = (world.client("max"), format!("{MAX}one.ics"));
    let mia = world.client("mia");
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&copied, "mia");
    mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(line(&stored, "mia").contains("ACCEPTED"), "{stored}");
    max.put(&path, &stored.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
    assert!(text(&mia.get(&href).expect(200).await).contains("SUMMARY:Autre"));
    world.sound().await;
}

#[tokio::test]
async fn a_partners_invitation_says_of_nobody_whether_they_are_here() {
    let (world, _) = crate::leaks::partner().await;
    let zoe = world.client("zoe");
    let path = "/calendars/zoe/personal/own.ics";
    let people = ["ATTENDEE:/principals/mia/\r\n", "ATTENDEE:/principals/nobody/\r\n"].concat();
    let text = meeting("own", &format!("{}{people}", of("zoe", &["zoe", "max", "nobody", "lea"])));
    zoe.put(path, &text).expect(201).await;
    for title in ["Point", "Autre"] {
        let stored = self::text(&zoe.get(path).expect(200).await);
        zoe.put(path, &stored.replace("SUMMARY:Point", &format!("SUMMARY:{title}"))).expect(204).await;
        let stored = self::text(&zoe.get(path).expect(200).await);
        let path_of = |name: &str| stored.lines().find(|line| line.ends_with(&format!("/principals/{name}/")));
        assert_eq!(line(&stored, "max").replace("max", "nobody"), line(&stored, "nobody"), "{stored}");
        assert_eq!(path_of("mia").map(|line| line.replace("mia", "nobody")).as_deref(), path_of("nobody"), "{stored}");
        assert!(line(&stored, "lea").contains("SCHEDULE-STATUS=1.2"), "{stored}");
        for name in ["max", "mia"] {
            let client = world.client(name);
            assert!(copy(&client, &format!("/calendars/{name}/personal/"), "own").await.is_none(), "{name}");
            assert!(copy(&client, &format!("/calendars/{name}/inbox/"), "own").await.is_none(), "{name}");
        }
    }
    let lea = world.client("lea");
    assert!(copy(&lea, "/calendars/lea/personal/", "own").await.is_some());
    world.sound().await;
}

/// What others plan takes nothing of what one's own home may hold, be it long, changed often, called off or answered
/// often; and one hears of it without any room.
#[tokio::test]
async fn nobody_fills_the_home_of_another() {
    use sqlx::Executor as _;
    const LONG: usize = 512 * 1024;
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let used = async |name: &str| {
        world.sound().await;
        world.tree.summary(PrincipalKind::Person, name).await.unwrap().used_bytes
    };
    let long = format!("DESCRIPTION:{}\r\nEND:VEVENT", "x".repeat(LONG));
    let text_of = |uid: &str, people: &[&str]| meeting(uid, &of("max", people)).replace("END:VEVENT", &long);
    let room = "UPDATE home SET quota_bytes = used_bytes + 100000 WHERE principal_id = (SELECT id FROM principal WHERE \
                name = 'mia')";
    world.database().await.execute(room).await.unwrap();
    let before = used("mia").await;
    for uid in ["a", "b", "c", "d"] {
        let path = format!("{MAX}{uid}.ics");
        max.put(&path, &text_of(uid, &["max", "mia"])).expect(201).await;
        let stored = text(&max.get(&path).expect(200).await);
        max.put(&path, &stored.replace("SUMMARY:Point", "SUMMARY:Autre").replace("T09", "T08")).expect(204).await;
    }
    max.delete(&format!("{MAX}b.ics")).expect(204).await;
    assert!(used("max").await > 4 * LONG as i64, "who plans them pays for them");
    let brought = used("mia").await - before;
    assert!(brought < 2_000, "{brought}");
    mia.put("/files/mia/own.txt", &"o".repeat(90_000)).expect(201).await;
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "a").await.expect("a copy");
    assert!(copied.contains("SUMMARY:Autre") && copied.contains(&"x".repeat(60)), "{}", copied.len());
    // What one writes oneself counts, as ever.
    let own = line(&copied, "mia");
    let answer = copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"));
    mia.put(&href, &answer).expect(507).await;
    let roomy = "UPDATE home SET quota_bytes = NULL";
    world.database().await.execute(roomy).await.unwrap();
    let before = used("mia").await;
    mia.put(&href, &answer).expect(204).await;
    assert!(used("mia").await - before > LONG as i64);
    // And counts no more when the organizer says something else; nor do answers fill the home of who plans.
    let before = used("max").await;
    for round in 0..6 {
        let (href, copied) = copy(&mia, "/calendars/mia/personal/", "a").await.expect("a copy");
        let (from, to) = [("ACCEPTED", "DECLINED"), ("DECLINED", "ACCEPTED")][round % 2];
        mia.put(&href, &copied.replace(&line(&copied, "mia"), &line(&copied, "mia").replace(from, to)))
            .expect(204)
            .await;
    }
    let answered = used("max").await - before;
    assert!(answered < 2_000, "{answered}");
    let before = used("mia").await;
    let path = format!("{MAX}a.ics");
    let stored = text(&max.get(&path).expect(200).await);
    max.put(&path, &stored.replace("SUMMARY:Autre", "SUMMARY:Dernier")).expect(204).await;
    assert!(used("mia").await < before);
    // All of it goes as it came.
    for uid in ["a", "c", "d"] {
        max.delete(&format!("{MAX}{uid}.ics")).expect(204).await;
    }
    mia.delete("/files/mia/own.txt").expect(204).await;
    world.tree.maintain(now() + 700 * 86_400).await.unwrap();
    used("mia").await;
}
