//! Who is in a meeting: groups, and who acts for others.

use crate::kit::World;
use crate::meetings::{MAX, copy, inbox, line, meeting, of, text};

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
