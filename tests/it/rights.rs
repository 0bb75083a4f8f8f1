//! Roles: of people, groups and groups in groups, on projects and on single collections, until they end.

use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::now;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::tree::administration::AdministrationError;
use beffroi::tree::administration::people::PersonChange;
use beffroi::tree::feed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::kit::{Answer, Client, World};

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

/// It ends for who is a partner as one of a group, and for what a group may that a partner is in: for them, and on
/// every way to it; others in the same group keep theirs.
#[tokio::test]
async fn what_a_partner_may_ends_with_the_part_through_groups_too() {
    let world = World::new().await;
    let (lea, zoe, mia) = (world.client("lea"), world.client("zoe"), world.client("mia"));
    lea.ask("MKCOL", "/files/tram/plans").expect(201).await;
    lea.put("/files/tram/plans/a.txt", "a").expect(201).await;
    lea.put("/files/tram/plans/old.txt", "a").expect(201).await;
    lea.delete("/files/tram/plans/old.txt").expect(204).await;
    for (group, member) in [("firm", "zoe"), ("all", "zoe"), ("all", "mia")] {
        if world.tree.group(group).await.is_err() {
            world.tree.add_group(group, group).await.unwrap();
        }
        world.tree.join_group(group, member).await.unwrap();
    }
    world.tree.remove_member("tram", "mia").await.unwrap();
    let (folder, calendar) = ("/files/tram/plans", "/calendars/tram/meetings");
    let sees = async |client: &Client, home: &str| {
        let plans = client.get("/files/tram/plans/a.txt").send().await.status == 200;
        let files = client.propfind("/files/", "1", "<D:resourcetype/>").expect(207).await;
        let way = client.propfind("/files/tram/", "1", "<D:resourcetype/>").send().await.status == 207;
        let trash = client.propfind("/trash/", "1", "<D:resourcetype/>").expect(207).await;
        let links = client.propfind(home, "1", "<D:resourcetype/>").expect(207).await;
        let history =
            client.propfind("/history/tram/plans/a.txt/", "0", "<D:resourcetype/>").send().await.status == 207;
        let seen = [
            plans,
            files.hrefs().contains(&"/files/tram/".to_owned()),
            way,
            trash.hrefs().contains(&"/trash/tram/".to_owned()),
            links.hrefs().contains(&format!("{home}meetings@tram/")),
            history,
        ];
        assert!(seen.iter().all(|each| *each == plans), "{seen:?}");
        plans
    };
    let zoes = async || sees(&zoe, "/calendars/zoe/").await;
    let mias = async || sees(&mia, "/calendars/mia/").await;
    // As partners of the project: one of a group with what is granted to oneself, and oneself with what a group may.
    for (partner, granted) in [("firm", "zoe"), ("zoe", "all"), ("firm", "all"), ("zoe", "firm"), ("zoe", "zoe")] {
        world.tree.add_partner("tram", partner, "lea", now() + 3600).await.unwrap();
        for place in [folder, calendar] {
            world.tree.grant(place, granted, Role::Member, None).await.unwrap();
        }
        assert!(zoes().await);
        assert_eq!(mias().await, granted == "all");
        let token = zoe.locked("/files/tram/plans/a.txt", "exclusive", "0").await;
        let locks = lea.propfind("/files/tram/plans/a.txt", "0", "<D:lockdiscovery/>").expect(207).await.text();
        let seconds = locks.split("<D:timeout>Second-").nth(1).unwrap().split('<').next().unwrap().parse::<i64>();
        assert!(seconds.unwrap() <= 3600, "{locks}");
        zoe.unlock_at("/files/tram/plans/a.txt").header("Lock-Token", &format!("<{token}>")).expect(204).await;
        world.tree.add_partner("tram", partner, "lea", now() - 1).await.unwrap();
        assert!(!zoes().await, "{partner} {granted}");
        assert_eq!(mias().await, granted == "all");
        // Who has another part in the project keeps what is granted for as long as that.
        world.tree.add_group("staff", "staff").await.unwrap();
        world.tree.join_group("staff", "zoe").await.unwrap();
        world.tree.add_partner("tram", "staff", "lea", now() + 1800).await.unwrap();
        assert_eq!(zoes().await, granted != partner, "{partner} {granted}");
        world.tree.remove_group("staff").await.unwrap();
        // What is everyone's is theirs, too.
        assert!(!zoes().await, "{partner} {granted}");
        for place in [folder, calendar] {
            world.tree.grant(place, "@everyone", Role::Reader, None).await.unwrap();
        }
        assert!(zoes().await);
        for place in [folder, calendar] {
            world.tree.revoke(place, "@everyone").await.unwrap();
            // Some of it has ended with the part already.
            _ = world.tree.revoke(place, granted).await;
        }
        _ = world.tree.remove_member("tram", partner).await;
        world.sound().await;
    }
    // Whoever leaves the group, or whose group has no part any more, has nothing left.
    for leaves in [true, false] {
        world.tree.add_partner("tram", "firm", "lea", now() + 3600).await.unwrap();
        world.tree.join_group("firm", "zoe").await.unwrap();
        for place in [folder, calendar] {
            world.tree.grant(place, "zoe", Role::Member, None).await.unwrap();
        }
        assert!(zoes().await);
        if leaves {
            world.tree.leave_group("firm", "zoe").await.unwrap();
        } else {
            world.tree.remove_member("tram", "firm").await.unwrap();
        }
        assert!(!zoes().await && world.tree.grants(folder).await.unwrap().is_empty(), "{leaves}");
        world.sound().await;
    }
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

#[tokio::test]
async fn whoever_is_disabled_has_no_door_left() {
    let world = World::new().await;
    let max = world.client("max");
    let calendar = "/calendars/tram/meetings";
    let (secret, name) = world.tree.add_feed("max", calendar, FeedDetail::Title, None).await.unwrap();
    let feed = feed::address(&secret, &name).href(false);
    let device = world.tree.add_device("max", "calendars", DeviceScope::Calendars, true, None).await.unwrap();
    let account = "A long account password, with 7 words";
    let change = PersonChange { password: Some(account.to_owned()), ..PersonChange::default() };
    world.tree.set_person("max", change).await.unwrap();
    let (device, account) = (world.login("max", &device), world.login("max@ville.example", account));
    max.put("/files/tram/a.txt", "a").expect(201).await;
    let token = max.locked("/files/tram/a.txt", "exclusive", "0").await;
    // A connection that is open already.
    let mut open = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let request = format!(
        "GET /files/tram/a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n",
        max.authorization.as_deref().unwrap()
    );
    open.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut open, false).await.status, 200);
    for (client, path) in [(&device, "/calendars/tram/meetings/"), (&account, "/files/tram/a.txt")] {
        client.get(path).expect(200).await;
    }
    world.nobody().get(&feed).expect(200).await;

    world.tree.set_disabled("max", true).await.unwrap();
    open.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut open, false).await.status, 401);
    for (client, path) in [(&max, "/files/"), (&device, "/calendars/tram/meetings/"), (&account, "/files/tram/a.txt")] {
        client.get(path).expect(401).await;
    }
    world.nobody().get(&feed).expect(404).await;
    world.client("mia").put("/files/tram/a.txt", "b").expect(204).await;

    world.tree.set_disabled("max", false).await.unwrap();
    max.put("/files/tram/a.txt", "c").token(&token).expect(412).await;
    device.get("/calendars/tram/meetings/").expect(200).await;
    account.get("/files/tram/a.txt").expect(200).await;
    world.nobody().get(&feed).expect(200).await;
}

#[tokio::test]
async fn a_role_that_ends_lets_an_answer_under_way_go_on_and_nothing_more() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    let content: Vec<u8> = (0..12_000_000_u32).map(|place| (place % 251) as u8).collect();
    lea.put("/files/tram/large", &content).expect(201).await;
    for number in 0..30 {
        lea.put(&format!("/files/tram/{number}.txt"), "x").expect(201).await;
    }
    let page = "<D:limit><D:nresults>10</D:nresults></D:limit>";
    let first = max.sync("/files/tram/", "", "1", page).expect(207).await;
    let token = max.locked("/files/tram/1.txt", "exclusive", "0").await;

    // The head of the answer has come, and more than the sockets hold is still to come.
    let mut socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "GET /files/tram/large HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
        max.authorization.clone().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut begun = vec![0; 1000];
    socket.read_exact(&mut begun).await.unwrap();
    world.tree.remove_member("tram", "max").await.unwrap();

    socket.read_to_end(&mut begun).await.unwrap();
    let body = begun.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert!(begun[body..] == content, "{} bytes of {}", begun.len() - body, content.len());
    max.get("/files/tram/large").expect(404).await;
    // No further page, and the lock is gone.
    max.sync("/files/tram/", &first.sync_token(), "1", page).expect(404).await;
    max.put("/files/tram/1.txt", "y").token(&token).expect(404).await;
    lea.put("/files/tram/1.txt", "z").expect(204).await;
    let beside = lea.propfind("/files/tram/1.txt", "0", "<D:lockdiscovery/>").expect(207).await;
    assert_eq!(beside.value("lockdiscovery"), "");
}

#[tokio::test]
async fn a_role_ends_at_its_instant_and_with_it_its_locks() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    lea.put("/files/tram/a.txt", "a").expect(201).await;
    let end = now() + 2;
    world.tree.add_member("tram", "zoe", Role::Member, Some(end)).await.unwrap();
    zoe.locked("/files/tram/a.txt", "exclusive", "0").await;
    lea.put("/files/tram/a.txt", "b").expect(423).await;
    while now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    zoe.get("/files/tram/a.txt").expect(404).await;
    lea.put("/files/tram/a.txt", "b").expect(204).await;
}
