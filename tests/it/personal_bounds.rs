//! What is refused of what one has of one's own on events of others: what is too much, what cannot be taken apart from
//! what is everybody's, and what is not one's own.

use beffroi::model::privilege::Role;

use super::kit::{Answer, World, event};
use super::personal::{PATH, alarm, sql, with};

#[tokio::test]
async fn what_is_ones_own_has_bounds() {
    let world = World::new().await;
    let [lea, max, mia] = ["lea", "max", "mia"].map(|name| world.client(name));
    lea.put(PATH, &event("a", "20260614")).expect(201).await;
    let refused = max.put(PATH, &with(&event("a", "20260614"), &alarm("of max").repeat(1000))).expect(403).await;
    assert!(refused.text().contains("max-resource-size"), "{}", refused.text());
    sql(
        &world,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO personal_part \
         SELECT -i, p.id, 'x', 1, 'x' FROM n, principal p WHERE p.name = 'max'",
    )
    .await;
    let refused = max.put(PATH, &with(&event("a", "20260614"), &alarm("of max"))).expect(507).await;
    assert!(refused.text().contains("personal-parts-within-limits"), "{}", refused.text());
    sql(&world, "DELETE FROM personal_part WHERE node_id < -1").await;
    sql(&world, "UPDATE personal_part SET size = 16777216").await;
    max.put(PATH, &with(&event("a", "20260614"), &alarm("of max"))).expect(507).await;
    // It is one's own bound.
    mia.put(PATH, &with(&event("a", "20260614"), &alarm("of mia"))).expect(204).await;
    sql(&world, "DELETE FROM personal_part WHERE node_id < 0").await;
    max.put(PATH, &with(&event("a", "20260614"), &alarm("of max"))).expect(204).await;
    world.sound().await;
}

/// What somebody has of their own is kept whole, or refused: on what is new, on what others stored, and on what is
/// brought from elsewhere; by whoever writes, and by whoever only reads.
#[tokio::test]
async fn what_would_not_come_back_is_refused() {
    let world = World::new().await;
    let [max, rita] = ["max", "rita"].map(|name| world.client(name));
    let large = with(&event("a", "20260614"), &alarm(&"A".repeat(70_000)));
    let is_refused = |answer: &Answer| assert!(answer.text().contains("max-resource-size"), "{}", answer.text());
    is_refused(&max.put(PATH, &large).expect(403).await);
    max.get(PATH).expect(404).await;
    let own = "/calendars/max/personal/a.ics";
    max.put(own, &large).expect(201).await;
    is_refused(&max.copy(own, PATH).expect(403).await);
    is_refused(&max.relocate(own, PATH).expect(403).await);
    assert_eq!(max.get(own).expect(200).await.text(), large);
    max.put(PATH, &event("a", "20260614")).expect(201).await;
    is_refused(&max.put(PATH, &large).expect(403).await);
    is_refused(&rita.put(PATH, &large).expect(403).await);
    // Of many occurrences.
    let long = format!("RRULE:FREQ=DAILY;COUNT=90\r\nDESCRIPTION:{}\r\nSUMMARY", "d".repeat(9000));
    let series = event("a", "20260614").replace("SUMMARY", &long);
    max.put(PATH, &series).expect(204).await;
    let begin = series.find("BEGIN:VEVENT").unwrap();
    let master = series[begin..].replace("END:VCALENDAR\r\n", "").replace("RRULE:FREQ=DAILY;COUNT=90\r\n", "");
    let apart = |days: std::ops::Range<u32>| -> String {
        let parts: String = days
            .map(|day| with(&master, &alarm("of one")).replace("20260614", &format!("202606{day}")))
            .map(|part| {
                let start = part.lines().find(|line| line.starts_with("DTSTART")).unwrap().replace("DTSTART", "");
                part.replacen("DTSTART", &format!("RECURRENCE-ID{start}\r\nDTSTART"), 1)
            })
            .collect();
        series.replace("END:VCALENDAR", &format!("{parts}END:VCALENDAR"))
    };
    for client in [&max, &rita] {
        is_refused(&client.put(PATH, &apart(15..31)).expect(403).await);
        client.put(PATH, &apart(15..18)).expect(204).await;
        assert_eq!(client.get(PATH).expect(200).await.text().matches("of one").count(), 3);
    }
    world.sound().await;
}

fn zone(rule: &str, offset: &str) -> String {
    format!(
        "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r\n{rule}\
         TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
}

/// An event in a zone that only it describes.
fn in_zone(zone: &str, more: &str) -> String {
    with(&event("a", "20260614"), more)
        .replace("BEGIN:VEVENT", &format!("{zone}BEGIN:VEVENT"))
        .replace("DTSTART:20260614T100000Z", "DTSTART;TZID=Mine:20260614T100000")
        .replace("DTEND:20260614T110000Z", "DURATION:PT1H")
}

#[tokio::test]
async fn what_stands_beside_the_events_is_everybodys() {
    let world = World::new().await;
    let [lea, max, rita] = ["lea", "max", "rita"].map(|name| world.client(name));
    lea.put(PATH, &in_zone(&zone("", "+0100"), "")).expect(201).await;
    for (changed, shown) in [
        (in_zone(&zone("", "+0500"), &alarm("of one")), "TZOFFSETTO:+0500"),
        (in_zone(&format!("X-NOTE:more\r\n{}", zone("", "+0500")), &alarm("of one")), "X-NOTE:more"),
    ] {
        let refused = rita.put(PATH, &changed).expect(403).await;
        assert!(refused.text().contains("need-privileges"), "{}", refused.text());
        max.put(PATH, &changed).expect(204).await;
        let (seen, own) = (lea.get(PATH).expect(200).await.text(), max.get(PATH).expect(200).await.text());
        assert!(seen.contains(shown) && !seen.contains("VALARM"), "{seen}");
        assert!(own.contains(shown) && own.contains("of one"), "{own}");
        rita.put(PATH, &with(&seen, &alarm("of rita"))).expect(204).await;
    }
    world.sound().await;
}

/// An object whose times take too much work to read is not stored with anybody's alarms for all.
#[tokio::test]
async fn what_cannot_be_taken_apart_is_refused() {
    let world = World::new().await;
    let [max, mia, rita] = ["max", "mia", "rita"].map(|name| world.client(name));
    let costly = zone("RRULE:FREQ=HOURLY\r\n", "+0100");
    let (plain, own) = (in_zone(&costly, ""), in_zone(&costly, &alarm("of one")));
    let is_refused =
        |answer: &Answer| assert!(answer.text().contains("number-of-matches-within-limits"), "{}", answer.text());
    is_refused(&mia.put(PATH, &own).expect(507).await);
    // In one's own calendar it is as it was sent; what others may write there leaves the alarms.
    let path = "/calendars/max/personal/a.ics";
    max.put(path, &own).expect(201).await;
    is_refused(&max.copy(path, PATH).expect(507).await);
    world.tree.grant("/calendars/max/personal", "mia", Role::Member, None).await.unwrap();
    is_refused(&mia.put(path, &plain.replace("Meeting", "Other")).expect(507).await);
    assert_eq!(max.get(path).expect(200).await.text(), own);
    // Where nobody has anything there is nothing to take apart.
    mia.put(PATH, &plain).expect(201).await;
    is_refused(&rita.put(PATH, &own).expect(507).await);
    assert_eq!(mia.get(PATH).expect(200).await.text(), plain);
    world.sound().await;
}

/// A closed project is read, and nothing in it is changed.
#[tokio::test]
async fn a_closed_project_takes_nothing_of_anybodys_own() {
    let world = World::new().await;
    let [max, rita] = ["max", "rita"].map(|name| world.client(name));
    let own = |word: &str| with(&event("a", "20260614"), &alarm(word));
    max.put(PATH, &own("of max")).expect(201).await;
    rita.put(PATH, &own("of rita")).expect(204).await;
    world.tree.close_project("tram").await.unwrap();
    for (client, word) in [(&max, "of max"), (&rita, "of rita")] {
        for changed in [own("once more"), event("a", "20260614")] {
            let refused = client.put(PATH, &changed).expect(403).await;
            assert!(refused.text().contains("need-privileges"), "{}", refused.text());
        }
        assert_eq!(client.get(PATH).expect(200).await.text(), own(word));
    }
    world.tree.reopen_project("tram").await.unwrap();
    rita.put(PATH, &own("once more")).expect(204).await;
    world.sound().await;
}
