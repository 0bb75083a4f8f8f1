//! Roles: of people, groups and groups in groups, on projects and on single collections, until they end.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::tree::administration::AdministrationError;

use crate::kit::World;

#[tokio::test]
async fn a_role_of_a_group_is_that_of_all_who_are_in_it_however_deep() {
    let world = World::new().await;
    let zoe = world.client("zoe");
    for group in ["a", "b", "c"] {
        world.tree.add_group(group, &format!("Group {group}")).await.unwrap();
    }
    world.tree.join_group("c", "zoe").await.unwrap();
    world.tree.join_group("b", "c").await.unwrap();
    world.tree.add_member("tram", "a", Role::Member, None).await.unwrap();
    zoe.get("/files/tram/").expect(404).await;
    world.tree.join_group("a", "b").await.unwrap();
    zoe.put("/files/tram/a.txt", "a").expect(201).await;
    world.sound().await;

    // Whoever leaves is out at once, wherever the link is cut; the highest of several roles counts.
    let token = zoe.locked("/files/tram/a.txt", "exclusive", "0").await;
    world.tree.leave_group("b", "c").await.unwrap();
    zoe.get("/files/tram/a.txt").expect(404).await;
    world.client("max").put("/files/tram/a.txt", "b").expect(204).await;
    world.tree.join_group("b", "c").await.unwrap();
    zoe.put("/files/tram/a.txt", "c").token(&token).expect(412).await;
    world.tree.add_member("tram", "c", Role::Reader, None).await.unwrap();
    zoe.put("/files/tram/a.txt", "c").expect(204).await;
    world.tree.remove_group("a").await.unwrap();
    zoe.put("/files/tram/a.txt", "d").expect(403).await;
    world.tree.remove_group("c").await.unwrap();
    zoe.get("/files/tram/a.txt").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn no_group_is_in_itself() {
    let world = World::new().await;
    for group in ["a", "b", "c"] {
        world.tree.add_group(group, group).await.unwrap();
    }
    world.tree.join_group("a", "b").await.unwrap();
    world.tree.join_group("b", "c").await.unwrap();
    for (group, member) in [("c", "a"), ("b", "a"), ("a", "a")] {
        let refused = world.tree.join_group(group, member).await;
        assert!(matches!(refused, Err(AdministrationError::Circle(..))), "{group} {member}");
    }
    let refused = world.tree.join_group("a", "tram").await;
    assert!(matches!(refused, Err(AdministrationError::OtherKind(..))));
    let refused = world.tree.join_group("@everyone", "lea").await;
    assert!(matches!(refused, Err(AdministrationError::Everyone)));
    world.sound().await;
}

#[tokio::test]
async fn what_is_granted_to_a_partner_ends_with_the_part_in_the_project() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    lea.ask("MKCOL", "/files/tram/plans").expect(201).await;
    lea.put("/files/tram/plans/a.txt", "a").expect(201).await;
    lea.put("/files/tram/secret.txt", "a").expect(201).await;

    let refused = world.tree.add_member("tram", "zoe", Role::Partner, None).await;
    assert!(matches!(refused, Err(AdministrationError::Partner)));
    world.tree.add_partner("tram", "zoe", "lea", now() + 3600).await.unwrap();
    zoe.get("/files/tram/plans/a.txt").expect(404).await;
    world.tree.grant("/files/tram/plans", "zoe", Role::Member, Some(now() + 7200)).await.unwrap();
    zoe.put("/files/tram/plans/b.txt", "b").expect(201).await;
    zoe.get("/files/tram/secret.txt").expect(404).await;
    let granted = world.tree.grants("/files/tram/plans").await.unwrap();
    assert!(granted[0].until_at.unwrap() <= now() + 3600, "{granted:?}");

    // Longer again, as far as it was granted; over, and all is over.
    world.tree.add_partner("tram", "zoe", "lea", now() + 9000).await.unwrap();
    assert!(world.tree.grants("/files/tram/plans").await.unwrap()[0].until_at.unwrap() > now() + 7000);
    world.tree.add_partner("tram", "zoe", "lea", now() - 1).await.unwrap();
    zoe.get("/files/tram/plans/b.txt").expect(404).await;
    world.tree.add_partner("tram", "zoe", "lea", now() + 9000).await.unwrap();
    zoe.get("/files/tram/plans/b.txt").expect(200).await;
    world.tree.remove_member("tram", "zoe").await.unwrap();
    zoe.get("/files/tram/plans/b.txt").expect(404).await;
    assert!(world.tree.grants("/files/tram/plans").await.unwrap().is_empty());
    world.sound().await;
}

#[tokio::test]
async fn a_closed_project_is_read_and_open_again_is_as_before() {
    let world = World::new().await;
    let (lea, rita) = (world.client("lea"), world.client("rita"));
    lea.put("/files/tram/a.txt", "a").expect(201).await;
    let token = lea.locked("/files/tram/a.txt", "exclusive", "0").await;
    world.tree.close_project("tram").await.unwrap();
    lea.put("/files/tram/a.txt", "b").expect(403).await;
    rita.get("/files/tram/a.txt").expect(200).await;
    for given in [
        world.tree.add_member("tram", "zoe", Role::Reader, None).await,
        world.tree.add_member("tram", "rita", Role::Lead, None).await,
        world.tree.grant("/files/tram", "zoe", Role::Reader, None).await,
    ] {
        assert!(matches!(given, Err(AdministrationError::Closed(_))));
    }
    world.tree.add_member("tram", "max", Role::Reader, None).await.unwrap();
    world.tree.remove_member("tram", "mia").await.unwrap();

    world.tree.reopen_project("tram").await.unwrap();
    lea.put("/files/tram/a.txt", "b").token(&token).expect(412).await;
    lea.put("/files/tram/a.txt", "b").expect(204).await;
    world.client("max").put("/files/tram/a.txt", "c").expect(403).await;
    world.client("mia").get("/files/tram/a.txt").expect(404).await;
    world.sound().await;
}
