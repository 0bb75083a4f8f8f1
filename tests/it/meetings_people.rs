//! Who is in a meeting: groups, and who acts for others.

use beffroi::model::principal::PrincipalKind;
use beffroi::model::room::Room;

use crate::kit::World;
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text, work};

const GROUP: &str = "ATTENDEE;CUTYPE=GROUP;RSVP=TRUE:mailto:{}@beffroi.invalid\r\n";

fn groups(names: &[&str]) -> String {
    names.iter().map(|name| GROUP.replace("{}", name)).collect()
}

async fn with_groups() -> World {
    let world = World::new().await;
    for (group, members) in [("nord", ["max", "mia", "rita"]), ("sud", ["mia", "zoe", "zoe"])] {
        world.tree.add_group(group, &format!("{group} shown")).await.unwrap();
        for member in members {
            let _ = world.tree.join_group(group, member).await;
        }
    }
    world
}

#[tokio::test]
async fn who_is_in_a_group_is_invited_once_and_a_line_says_by_which_groups() {
    let world = with_groups().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let lines = format!("{}{}", of("max", &["max"]), groups(&["nord", "sud"]));
    max.put(&path, &meeting("one", &lines)).expect(201).await;
    let stored = text(&max.get(&path).expect(200).await);
    for (name, by) in [("mia", &["nord", "sud"][..]), ("rita", &["nord"]), ("zoe", &["sud"])] {
        let own = line(&stored, name);
        for group in ["nord", "sud"] {
            assert_eq!(own.contains(&format!("mailto:{group}@")), by.contains(&group), "{own}");
        }
        assert_eq!(stored.matches(&format!(":mailto:{name}@")).count(), 1, "{stored}");
        let client = world.client(name);
        let (_, copied) = copy(&client, &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
        assert!(line(&copied, name).contains("PARTSTAT=NEEDS-ACTION"), "{copied}");
        assert_eq!(inbox(&client, name).await.len(), 1, "{name}");
    }
    assert!(!line(&stored, "max").contains("MEMBER"), "who organizes is no guest: {stored}");
    assert!(copy(&world.client("lea"), "/calendars/lea/personal/", "one").await.is_none());
    // One who answers is a guest like any other.
    let mia = world.client("mia");
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&copied, "mia");
    mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    assert!(line(&text(&max.get(&path).expect(200).await), "mia").contains("PARTSTAT=ACCEPTED"));
    world.sound().await;
}

/// Whoever joins or leaves a group is invited or let go, and nobody else hears of it; through any number of groups.
#[tokio::test]
async fn meetings_follow_their_groups() {
    let world = with_groups().await;
    for group in ["centre", "alone"] {
        world.tree.add_group(group, group).await.unwrap();
    }
    world.tree.join_group("nord", "centre").await.unwrap();
    let (max, mia) = (world.client("max"), world.client("mia"));
    let lines = format!("{}{}", of("max", &["max"]), groups(&["nord", "sud"]));
    for (uid, year) in [("one", "2030"), ("two", "2030"), ("over", "2020")] {
        let text = meeting(uid, &lines).replace("20300701", &format!("{year}0701"));
        max.put(&format!("{MAX}{uid}.ics"), &text).expect(201).await;
    }
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&copied, "mia");
    mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    work(&world, "refresh").await;
    let before = (inbox(&mia, "mia").await.len(), inbox(&world.client("zoe"), "zoe").await.len());
    // By a group in a group.
    world.tree.join_group("centre", "lea").await.unwrap();
    world.tree.leave_group("nord", "rita").await.unwrap();
    // To a group that no meeting names nothing is done.
    world.tree.join_group("alone", "zoe").await.unwrap();
    assert_eq!(world.tree.jobs().await.unwrap().iter().filter(|job| job.kind == "groups").count(), 2);
    work(&world, "groups").await;
    let lea = world.client("lea");
    let rita = world.client("rita");
    for uid in ["one", "two"] {
        let (_, copied) = copy(&lea, "/calendars/lea/personal/", uid).await.expect("a copy");
        assert!(line(&copied, "lea").contains("PARTSTAT=NEEDS-ACTION"), "{copied}");
        let (_, off) = copy(&rita, "/calendars/rita/personal/", uid).await.expect("a copy");
        assert!(off.contains("STATUS:CANCELLED"), "{off}");
        let stored = text(&max.get(&format!("{MAX}{uid}.ics")).expect(200).await);
        assert!(stored.contains("mailto:lea@") && !stored.contains("mailto:rita@"), "{stored}");
    }
    assert!(line(&text(&max.get(&format!("{MAX}one.ics")).expect(200).await), "mia").contains("PARTSTAT=ACCEPTED"));
    assert!(copy(&lea, "/calendars/lea/personal/", "over").await.is_none(), "what is over stays as it was");
    assert_eq!((inbox(&lea, "lea").await.len(), inbox(&rita, "rita").await.len()), (2, 2));
    assert_eq!((inbox(&mia, "mia").await.len(), inbox(&world.client("zoe"), "zoe").await.len()), before);
    // Who comes and goes before the job looks is not invited; done twice it does nothing.
    world.tree.join_group("nord", "rita").await.unwrap();
    world.tree.leave_group("nord", "rita").await.unwrap();
    let tag = max.get(&format!("{MAX}one.ics")).expect(200).await.header("etag").map(str::to_owned);
    work(&world, "groups").await;
    assert_eq!(max.get(&format!("{MAX}one.ics")).expect(200).await.header("etag").map(str::to_owned), tag);
    // With a group that is no more those go who came by it alone, also through the one that it was in.
    world.tree.remove_group("nord").await.unwrap();
    work(&world, "groups").await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(!stored.contains("mailto:lea@") && !stored.contains("nord@"), "{stored}");
    assert!(line(&stored, "mia").contains("mailto:sud@") && line(&stored, "mia").contains("ACCEPTED"), "{stored}");
    let (_, off) = copy(&lea, "/calendars/lea/personal/", "one").await.expect("a copy");
    assert!(off.contains("STATUS:CANCELLED"), "{off}");
    world.sound().await;
}

/// The project's meetings follow their groups, and the person who made them is of no matter.
#[tokio::test]
async fn a_projects_meetings_follow_their_groups() {
    let world = with_groups().await;
    let lea = world.client("lea");
    let path = "/calendars/tram/meetings/p.ics";
    let lines = format!("ORGANIZER:mailto:tram@beffroi.invalid\r\n{}", groups(&["sud"]));
    lea.put(path, &meeting("p", &lines)).expect(201).await;
    world.tree.remove_member("tram", "lea").await.unwrap();
    world.tree.join_group("sud", "max").await.unwrap();
    work(&world, "groups").await;
    let (_, copied) = copy(&world.client("max"), "/calendars/max/personal/", "p").await.expect("a copy");
    assert!(copied.contains("ORGANIZER:mailto:tram@") && line(&copied, "max").contains("NEEDS-ACTION"), "{copied}");
    world.sound().await;
}

#[tokio::test]
async fn with_the_next_change_a_meeting_has_those_who_are_in_its_groups() {
    let world = with_groups().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let lines = format!("{}{}", of("max", &["max"]), groups(&["nord", "sud"]));
    max.put(&path, &meeting("one", &lines)).expect(201).await;
    world.tree.leave_group("nord", "rita").await.unwrap();
    world.tree.leave_group("nord", "mia").await.unwrap();
    world.tree.join_group("nord", "lea").await.unwrap();
    let changed = text(&max.get(&path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Autre");
    max.put(&path, &changed).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(!stored.contains("mailto:rita@"), "{stored}");
    assert!(line(&stored, "lea").contains("mailto:nord@"), "{stored}");
    let mia = line(&stored, "mia");
    assert!(mia.contains("mailto:sud@") && !mia.contains("mailto:nord@"), "{mia}");
    let (_, off) = copy(&world.client("rita"), "/calendars/rita/personal/", "one").await.expect("a copy");
    assert!(off.contains("STATUS:CANCELLED"), "{off}");
    assert!(copy(&world.client("lea"), "/calendars/lea/personal/", "one").await.is_some());
    // With a group those go who came by it alone.
    let without = stored.lines().filter(|line| !line.ends_with(":mailto:sud@beffroi.invalid"));
    let without: String = without.map(|line| format!("{line}\r\n")).collect();
    max.put(&path, &without).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(!stored.contains("mailto:zoe@") && !stored.contains("mailto:mia@"), "{stored}");
    assert!(stored.contains("mailto:lea@"), "{stored}");
    world.sound().await;
}

#[tokio::test]
async fn what_a_delegate_changes_goes_out_in_the_name_of_the_owner_and_says_by_whom() {
    use beffroi::model::privilege::Role;
    use beffroi::tree::administration::delegates::Delegation;
    let world = World::new().await;
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    let delegation = Delegation { role: Role::Member, until: None, sees_private: false };
    world.tree.add_delegate("max", "lea", delegation).await.unwrap();
    let by = "SENT-BY=\"mailto:lea@ville.example\"";
    // As organizer: what is sent and what is called off.
    let path = format!("{MAX}one.ics");
    lea.put(&path, &meeting("one", &of("max", &["max", "mia"]))).expect(201).await;
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let organizer = |text: &str| text.lines().find(|line| line.starts_with("ORGANIZER")).expect("one").to_owned();
    assert!(organizer(&copied).contains(by) && organizer(&copied).ends_with(":mailto:max@ville.example"), "{copied}");
    assert!(organizer(&inbox(&mia, "mia").await[0]).contains(by));
    // Who writes for themselves again says so.
    let own = text(&max.get(&path).expect(200).await).replace("SUMMARY:Point", "SUMMARY:Autre");
    max.put(&path, &own).expect(204).await;
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    assert!(!copied.contains("SENT-BY") && copied.contains("SUMMARY:Autre"), "{copied}");
    lea.delete(&path).expect(204).await;
    let items = inbox(&mia, "mia").await;
    assert!(items[0].contains("METHOD:CANCEL") && organizer(&items[0]).contains(by), "{items:?}");
    // As attendee.
    mia.put("/calendars/mia/personal/two.ics", &meeting("two", &of("mia", &["mia", "max"]))).expect(201).await;
    let (href, copied) = copy(&lea, MAX, "two").await.expect("a copy");
    let own = line(&copied, "max");
    lea.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    let items = inbox(&mia, "mia").await;
    let reply = items.iter().find(|item| item.contains("METHOD:REPLY")).expect("an answer");
    assert!(line(reply, "max").contains(by) && line(reply, "max").contains("PARTSTAT=ACCEPTED"), "{reply}");
    let stored = text(&mia.get("/calendars/mia/personal/two.ics").expect(200).await);
    assert!(line(&stored, "max").contains("PARTSTAT=ACCEPTED"), "{stored}");
    world.sound().await;
}

/// Who or what is removed is as if all meetings to come had been deleted there: those planned are called off, those
/// invited to are declined. What is over, and what is a project's, stays.
#[tokio::test]
async fn who_is_removed_leaves_no_meeting_as_if_nothing_were() {
    let world = World::new().await;
    world.tree.add_room("hall", "Hall", "hall@ville.example", &Room::default()).await.unwrap();
    let (max, mia, lea) = (world.client("max"), world.client("mia"), world.client("lea"));
    let room = "ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION:mailto:hall@ville.example\r\n";
    let past = |uid: &str, lines: &str| meeting(uid, lines).replace("20300701", "20200701");
    let lines = format!("{}{room}", of("max", &["max", "mia", "lea"]));
    max.put(&format!("{MAX}one.ics"), &meeting("one", &lines)).expect(201).await;
    max.put(&format!("{MAX}over.ics"), &past("over", &of("max", &["max", "mia"]))).expect(201).await;
    mia.put("/calendars/mia/personal/hers.ics", &meeting("hers", &of("mia", &["mia", "lea"]))).expect(201).await;
    let project =
        format!("ORGANIZER:mailto:tram@beffroi.invalid\r\n{}", of("mia", &["lea"]).split_once("\r\n").unwrap().1);
    mia.put("/calendars/tram/meetings/p.ics", &meeting("p", &project)).expect(201).await;
    let (_, copied) = copy(&lea, "/calendars/lea/personal/", "one").await.expect("a copy");
    assert!(line(&copied, "hall").contains("PARTSTAT=ACCEPTED"), "{copied}");
    assert_eq!(world.tree.meetings_to_come(PrincipalKind::Room, "hall").await.unwrap(), 1);
    world.tree.remove_room("hall").await.unwrap();
    work(&world, "departures").await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(line(&stored, "hall").contains("PARTSTAT=DECLINED"), "{stored}");
    assert!(inbox(&max, "max").await.iter().any(|item| item.contains("METHOD:REPLY") && item.contains("hall@")));
    // A person who is removed, and whose name is another's at once.
    assert_eq!(world.tree.meetings_to_come(PrincipalKind::Person, "mia").await.unwrap(), 2);
    world.tree.remove_person("mia").await.unwrap();
    world.tree.add_person("mia", "Another", "other@ville.example", None).await.unwrap();
    work(&world, "departures").await;
    let stored = text(&max.get(&format!("{MAX}one.ics")).expect(200).await);
    assert!(line(&stored, "mia").contains("PARTSTAT=DECLINED"), "{stored}");
    assert!(!text(&max.get(&format!("{MAX}over.ics")).expect(200).await).contains("DECLINED"));
    let (_, off) = copy(&lea, "/calendars/lea/personal/", "hers").await.expect("a copy");
    assert!(off.contains("STATUS:CANCELLED"), "{off}");
    assert!(inbox(&lea, "lea").await.iter().any(|item| item.contains("METHOD:CANCEL") && item.contains("UID:hers")));
    let (_, kept) = copy(&lea, "/calendars/lea/personal/", "p").await.expect("a copy");
    assert!(!kept.contains("CANCELLED"), "{kept}");
    // Others see the answers, and done again nothing happens.
    work(&world, "refresh").await;
    let (_, copied) = copy(&lea, "/calendars/lea/personal/", "one").await.expect("a copy");
    assert!(line(&copied, "mia").contains("DECLINED") && line(&copied, "hall").contains("DECLINED"), "{copied}");
    // Who is disabled may be enabled again: nothing changes.
    world.tree.set_disabled("max", true).await.unwrap();
    assert!(!world.tree.jobs().await.unwrap().iter().any(|job| job.kind == "departures"));
    world.sound().await;
}

/// Who is asked again about an occurrence that they were taken out of is asked: what they said of the series does not
/// answer for it, though that has been changed more often.
#[tokio::test]
async fn who_comes_back_to_an_occurrence_is_asked_about_it() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let path = format!("{MAX}one.ics");
    let series = meeting("one", &format!("RRULE:FREQ=WEEKLY;COUNT=5\r\n{}", of("max", &["max", "mia", "zoe"])));
    max.put(&path, &series).expect(201).await;
    let with = |text: &str, lines: &str| {
        let own = format!(
            "BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20300101T000000Z\r\nRECURRENCE-ID:20300708T090000Z\r\n\
             DTSTART:20300708T090000Z\r\nDTEND:20300708T100000Z\r\nSUMMARY:Point\r\n{lines}END:VEVENT\r\n"
        );
        text.replace("END:VCALENDAR", &format!("{own}END:VCALENDAR"))
    };
    let stored = async || text(&max.get(&path).expect(200).await);
    max.put(&path, &with(&stored().await, &of("max", &["max", "zoe"]))).expect(204).await;
    for title in ["A", "B", "C"] {
        let changed = stored().await.replacen("SUMMARY:", &format!("SUMMARY:{title}"), 1);
        max.put(&path, &changed).expect(204).await;
    }
    let (href, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let own = line(&copied, "mia");
    mia.put(&href, &copied.replace(&own, &own.replace("NEEDS-ACTION", "ACCEPTED"))).expect(204).await;
    let before = stored().await;
    let (series, own) = before.rsplit_once("BEGIN:VEVENT").expect("an override");
    let back = own.replace("END:VEVENT", "ATTENDEE;RSVP=TRUE:mailto:mia@ville.example\r\nEND:VEVENT");
    max.put(&path, &format!("{series}BEGIN:VEVENT{back}")).expect(204).await;
    let (_, copied) = copy(&mia, "/calendars/mia/personal/", "one").await.expect("a copy");
    let of_occurrence = |text: &str| {
        let part = text.split("BEGIN:VEVENT").find(|part| part.contains("RECURRENCE-ID")).expect("an override");
        line(part, "mia").contains("ACCEPTED")
    };
    assert!(!of_occurrence(&stored().await), "{}", stored().await);
    assert!(!of_occurrence(&copied), "{copied}");
    world.sound().await;
}

/// Who is added after a meeting was planned with all is invited to it, as by any other group; and to none that is over.
#[tokio::test]
async fn who_is_added_is_in_the_meetings_of_all() {
    let mut world = with_groups().await;
    let max = world.client("max");
    world.tree.join_group("sud", "@everyone").await.unwrap();
    let all = "ATTENDEE;CUTYPE=GROUP:/principals/@everyone/\r\n";
    for (uid, named, year) in [("all", all, "2030"), ("sud", &groups(&["sud"]), "2030"), ("over", all, "2020")] {
        let text = meeting(uid, &format!("{}{named}", of("max", &["max"]))).replace("20300701", &format!("{year}0701"));
        max.put(&format!("{MAX}{uid}.ics"), &text).expect(201).await;
    }
    let heard = inbox(&world.client("mia"), "mia").await.len();
    world.add_person("nora").await;
    work(&world, "groups").await;
    let nora = world.client("nora");
    for uid in ["all", "sud"] {
        let (_, copied) = copy(&nora, "/calendars/nora/personal/", uid).await.expect("a copy");
        assert!(line(&copied, "nora").contains("PARTSTAT=NEEDS-ACTION"), "{copied}");
    }
    assert!(copy(&nora, "/calendars/nora/personal/", "over").await.is_none());
    assert_eq!(inbox(&nora, "nora").await.len(), 2);
    assert_eq!(inbox(&world.client("mia"), "mia").await.len(), heard, "others hear nothing of it");
    world.sound().await;
}

/// Of a group with more people than a meeting takes the first are invited, and who organizes reads so on its line, as
/// long as it is so.
#[tokio::test]
async fn who_organizes_reads_that_a_group_is_too_large() {
    use sqlx::Executor as _;
    let world = with_groups().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let many = "INSERT INTO principal (id, kind, name, match_name, display_name, created_at) WITH RECURSIVE n(i) AS \
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i + 5000, 'person', 'x' || (i + 10000), \
                'x' || (i + 10000), 'x', 1 FROM n";
    let members = "INSERT INTO membership (group_id, member_id) SELECT g.id, p.id FROM principal p JOIN principal g \
                   WHERE p.id BETWEEN 5001 AND 6000 AND g.name IN ('nord', '@everyone')";
    let settled = "INSERT INTO effective_membership (member_id, group_id) SELECT m.member_id, m.group_id FROM \
                   membership m WHERE m.member_id BETWEEN 5001 AND 6000 UNION SELECT id, id FROM principal WHERE id \
                   BETWEEN 5001 AND 6000";
    for sql in [many, members, settled] {
        world.database().await.execute(sql).await.unwrap();
    }
    max.put(&path, &meeting("one", &format!("{}{}", of("max", &["max"]), groups(&["nord", "sud"])))).expect(201).await;
    let group = |text: &str, name: &str| line(text, name);
    let stored = text(&max.get(&path).expect(200).await);
    assert!(group(&stored, "nord").contains("SCHEDULE-STATUS=5.1"), "{}", group(&stored, "nord"));
    assert!(!group(&stored, "sud").contains("SCHEDULE-STATUS"), "all of them: {}", group(&stored, "sud"));
    let invited = stored.matches("MEMBER=").count();
    assert_eq!((invited, stored.matches("\r\nATTENDEE").count()), (997, 1000));
    assert!(stored.contains(":mailto:zoe@"), "a small group is whole");
    // Nobody else reads that, and who organizes reads it after each change.
    let (_, copied) = copy(&world.client("mia"), "/calendars/mia/personal/", "one").await.expect("a copy");
    assert!(!copied.contains("SCHEDULE-STATUS"));
    let changed = stored.replace("SUMMARY:Point", "SUMMARY:Autre").replace(";SCHEDULE-STATUS=5.1", "");
    max.put(&path, &changed).expect(204).await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(group(&stored, "nord").contains("SCHEDULE-STATUS=5.1"), "{}", group(&stored, "nord"));
    // Those who come in for others are invited, and then the line says so.
    for name in ["x10001", "x10002", "x10003", "x10004", "x10005", "x10006"] {
        world.tree.leave_group("nord", name).await.unwrap();
    }
    work(&world, "groups").await;
    let stored = text(&max.get(&path).expect(200).await);
    assert!(!group(&stored, "nord").contains("SCHEDULE-STATUS"), "{}", group(&stored, "nord"));
    assert!(stored.contains("x11000") && !stored.contains("x10001"));
}
