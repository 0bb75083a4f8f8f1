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
