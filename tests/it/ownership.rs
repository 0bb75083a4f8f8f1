//! What a home held stays its own, wherever people take it; and the brake on what a home loses.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;

use super::kit::{Client, World, event};
use super::past::{moment, names};
use super::retention::{age_nodes, sql};
use super::versions::versions;

/// Everything below an address of a person's own goes, for good.
pub async fn destroyed(client: &Client, home: &str) {
    for part in ["files", "calendars"] {
        let listed = client.propfind(&format!("/{part}/{home}/"), "1", "<D:getetag/>").expect(207).await.hrefs();
        for href in listed.iter().skip(1) {
            client.delete(href).send().await;
        }
    }
    let listed = client.propfind(&format!("/trash/{home}/"), "1", "<D:getetag/>").expect(207).await.hrefs();
    for href in listed.iter().skip(1) {
        client.delete(href).expect(204).await;
    }
}

#[tokio::test]
async fn a_project_keeps_what_its_members_take_away() {
    let world = World::new().await;
    let (lea, max, zoe) = (world.client("lea"), world.client("max"), world.client("zoe"));
    for content in ["one", "two", "three"] {
        lea.put("/files/tram/acte.txt", content).send().await;
        lea.put("/files/tram/under.txt", content).send().await;
    }
    for folder in ["D", "D/deep", "E", "Plans"] {
        lea.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    for document in ["D/in.txt", "D/deep/in.txt", "E/over.txt", "Plans/plan.txt"] {
        lea.put(&format!("/files/tram/{document}"), document).expect(201).await;
        lea.put(&format!("/files/tram/{document}"), &format!("{document} 2")).expect(204).await;
    }
    lea.put("/calendars/tram/meetings/e.ics", &event("e", "20260614")).expect(201).await;
    world.tree.grant("/files/tram/Plans", "zoe", Role::Member, None).await.unwrap();
    let then = moment().await;
    // Away by MOVE: a document, a folder, over a document and over a folder of the mover's own, an event by either
    // address.
    max.relocate("/files/tram/acte.txt", "/files/max/acte.txt").expect(201).await;
    max.relocate("/files/tram/D/", "/files/max/D/").expect(201).await;
    max.put("/files/max/here.txt", "mine").expect(201).await;
    max.relocate("/files/tram/under.txt", "/files/max/here.txt").expect(204).await;
    max.mkcol("/files/max/there").expect(201).await;
    max.relocate("/files/tram/E/", "/files/max/there/").expect(204).await;
    max.relocate("/calendars/max/meetings@tram/e.ics", "/calendars/max/personal/e.ics").expect(201).await;
    // By a role on one folder only.
    zoe.relocate("/files/tram/Plans/plan.txt", "/files/zoe/plan.txt").expect(201).await;
    assert_eq!(max.get("/files/max/D/deep/in.txt").expect(200).await.text(), "D/deep/in.txt 2");
    assert_eq!(max.get("/files/max/here.txt").expect(200).await.text(), "three");
    // What they have is a document of theirs, whose past begins now.
    assert_eq!(versions(&max, "/files/max/acte.txt").await, ["1"]);
    world.sound().await;
    for (client, home) in [(&max, "max"), (&zoe, "zoe")] {
        destroyed(client, home).await;
    }
    // From the trash of the project nothing is taken away either.
    for name in ["acte.txt", "D", "D/in.txt"] {
        max.relocate(&format!("/trash/tram/{name}"), "/files/max/x").expect(403).await;
    }
    world.sound().await;
    // The former day shows it, with the trash it comes back, and all its versions with it.
    let day = |path: &str| format!("/history/tram/{then}/{path}");
    for path in ["acte.txt", "D/deep/in.txt", "E/over.txt", "Plans/plan.txt", "under.txt"] {
        lea.get(&day(path)).expect(200).await;
    }
    assert_eq!(names(&lea, "/trash/tram/").await, ["acte.txt", "D", "E", "e.ics", "plan.txt", "under.txt"]);
    for (entry, place) in [("acte.txt", "acte.txt"), ("D", "D"), ("plan.txt", "Plans/plan.txt")] {
        lea.relocate(&format!("/trash/tram/{entry}"), &format!("/files/tram/{place}")).expect(201).await;
    }
    lea.relocate("/trash/tram/e.ics", "/calendars/tram/meetings/e.ics").expect(201).await;
    assert_eq!(versions(&lea, "/files/tram/acte.txt").await, ["1", "2", "3"]);
    for path in ["D/in.txt", "D/deep/in.txt", "Plans/plan.txt"] {
        assert_eq!(versions(&lea, &format!("/files/tram/{path}")).await, ["1", "2"], "{path}");
    }
    // A rewind brings back the rest as what it was.
    let update =
        format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/</D:href></D:version></D:update>");
    lea.ask("UPDATE", "/files/tram/").body(&update).expect(207).await;
    assert_eq!(versions(&lea, "/files/tram/under.txt").await, ["1", "2", "3"]);
    assert_eq!(versions(&lea, "/files/tram/E/over.txt").await, ["1", "2"]);
    world.sound().await;
}

#[tokio::test]
async fn a_document_moved_to_another_home_keeps_its_author_and_properties() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    mia.put("/files/tram/a.txt", "a").expect(201).await;
    mia.proppatch("/files/tram/a.txt", "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>").expect(207).await;
    let asked = "<D:creator-displayname/><D:creationdate/><D:getlastmodified/><k xmlns=\"u\"/>";
    let before = mia.propfind("/files/tram/a.txt", "0", asked).expect(207).await;
    max.relocate("/files/tram/a.txt", "/files/max/a.txt").expect(201).await;
    let after = max.propfind("/files/max/a.txt", "0", asked).expect(207).await;
    for name in ["creator-displayname", "creationdate", "getlastmodified", "k"] {
        assert_eq!(before.value(name), after.value(name), "{name}");
    }
}

/// A document with three versions, then emptied, under a lock or without one; the token.
async fn emptied(client: &Client, path: &str, locked: bool) -> Option<String> {
    for content in ["one", "two", "three"] {
        client.put(path, content).send().await;
    }
    if locked {
        let token = client.locked(path, "exclusive", "0").await;
        client.put(path, "").token(&token).expect(204).await;
        return Some(token);
    }
    client.put(path, "").expect(204).await;
    None
}

#[tokio::test]
async fn what_was_emptied_first_is_lost_with_its_versions_by_no_way() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    for locked in [false, true] {
        for method in ["DELETE", "MOVE"] {
            let name = format!("{method}-{locked}.txt");
            let path = format!("/files/tram/{name}");
            let token = emptied(&max, &path, locked).await;
            let ask = max.ask(method, &path);
            let ask = if method == "MOVE" { ask.header("Destination", &format!("/files/max/{name}")) } else { ask };
            let ask = if let Some(token) = token { ask.token(&token) } else { ask };
            assert!([201, 204].contains(&ask.send().await.status), "{name}");
            world.sound().await;
            lea.relocate(&format!("/trash/tram/{name}"), &path).expect(201).await;
            assert_eq!(versions(&lea, &path).await, ["1", "2", "3", "4"], "{name}");
        }
    }
    // Whoever deletes it and writes it anew, as some programs save, goes on with it.
    let path = "/files/tram/again.txt";
    emptied(&max, path, false).await;
    max.delete(path).expect(204).await;
    max.put(path, "four").expect(201).await;
    assert_eq!(versions(&max, path).await, ["1", "2", "3", "4", "5"]);
    // A client that vanished after emptying it leaves a document, not litter.
    let path = "/files/tram/vanished.txt";
    emptied(&max, path, true).await;
    sql(&world, "UPDATE lock SET expires_at = 1").await;
    for table in ["written_at", "modified_at", "placed_at"] {
        sql(&world, &format!("UPDATE node SET {table} = {table} - 200000 WHERE name = 'vanished.txt'")).await;
    }
    assert_eq!(world.tree.maintain(now()).await.unwrap().cleared, 0);
    assert_eq!(versions(&max, path).await, ["1", "2", "3", "4"]);
    world.sound().await;
}

#[tokio::test]
async fn who_leads_a_folder_destroys_nothing_that_was_moved_into_it() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    for folder in ["led", "plans", "old"] {
        max.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    for path in ["acte.txt", "plans/in.txt", "old/in.txt", "led/own.txt"] {
        for content in ["one", "two"] {
            max.put(&format!("/files/tram/{path}"), content).send().await;
        }
    }
    world.tree.grant("/files/tram/led", "max", Role::Lead, None).await.unwrap();
    // A document, a folder, a document out of a folder that was moved there, and one that is deleted before.
    max.relocate("/files/tram/acte.txt", "/files/tram/led/acte.txt").expect(201).await;
    max.relocate("/files/tram/plans/", "/files/tram/led/plans/").expect(201).await;
    max.relocate("/files/tram/old/", "/files/tram/led/old/").expect(201).await;
    for path in ["acte.txt", "plans/", "old/in.txt", "own.txt"] {
        max.delete(&format!("/files/tram/led/{path}")).expect(204).await;
    }
    for entry in ["acte.txt", "plans/", "in.txt", "plans/in.txt"] {
        let refused = max.delete(&format!("/trash/tram/{entry}")).expect(403).await;
        assert!(refused.text().contains("need-privileges"), "{entry}: {}", refused.text());
    }
    // What was made there is theirs.
    max.delete("/trash/tram/own.txt").expect(204).await;
    assert_eq!(names(&lea, "/trash/tram/").await, ["acte.txt", "in.txt", "plans"]);
    // An event, too, that was moved into a calendar that one leads.
    lea.ask("MKCALENDAR", "/calendars/tram/led/").expect(201).await;
    world.tree.grant("/calendars/tram/led", "max", Role::Lead, None).await.unwrap();
    max.put("/calendars/tram/meetings/e.ics", &event("e", "20260614")).expect(201).await;
    max.relocate("/calendars/tram/meetings/e.ics", "/calendars/tram/led/e.ics").expect(201).await;
    max.delete("/calendars/tram/led/e.ics").expect(204).await;
    max.delete("/trash/tram/e.ics").expect(403).await;
    lea.delete("/trash/tram/e.ics").expect(204).await;
    world.sound().await;
}

#[tokio::test]
async fn documents_moved_one_onto_another_are_lost_names() {
    let world = World::new().await;
    let max = stocked(&world).await;
    let mut held = 0;
    for number in 0..90 {
        let moved = max.relocate(&format!("/files/tram/D/{number}.txt"), "/files/tram/0.txt").send().await;
        assert!([204, 403].contains(&moved.status), "{}", moved.text());
        held += u32::from(moved.status == 403);
    }
    assert!(held > 10, "{held}");
    world.sound().await;
}

/// A project of a hundred documents that have stood for a while, some in a folder, and a hundred more elsewhere.
async fn stocked(world: &World) -> Client {
    let max = world.client("max");
    max.mkcol("/files/tram/D").expect(201).await;
    for number in 0..90 {
        max.put(&format!("/files/tram/D/{number}.txt"), "x").expect(201).await;
    }
    for number in 0..10 {
        max.put(&format!("/files/tram/{number}.txt"), "x").expect(201).await;
    }
    age_nodes(world).await;
    max
}

#[tokio::test]
async fn the_brake_counts_whatever_a_home_loses() {
    for way in ["MOVE out", "MOVE over a folder", "COPY over a folder", "UPDATE"] {
        let world = World::new().await;
        let max = stocked(&world).await;
        match way {
            "MOVE out" => drop(max.relocate("/files/tram/D/", "/files/max/D/").expect(201).await),
            "UPDATE" => {
                let empty = "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/@2001-01-01/</D:href>\
                             </D:version></D:update>";
                max.ask("UPDATE", "/files/tram/").body(empty).expect(207).await;
                max.put("/files/tram/0.txt", "x").expect(201).await;
            }
            other => {
                max.mkcol("/files/tram/empty").expect(201).await;
                let method = other.split(' ').next().unwrap();
                max.ask(method, "/files/tram/empty/").header("Destination", "/files/tram/D/").expect(204).await;
            }
        }
        // The one that goes beyond passes; whatever would be the next is held, by whichever way.
        let refused = max.delete("/files/tram/0.txt").expect(403).await;
        assert!(refused.text().contains("deletions-within-limits"), "{way}: {}", refused.text());
        max.relocate("/files/tram/0.txt", "/files/max/0.txt").expect(403).await;
        assert_eq!(world.tree.holds("tram").await.unwrap().len(), 1, "{way}");
        // Nobody else is, and not everything: moving about, writing, replacing a document's content.
        max.relocate("/files/tram/0.txt", "/files/tram/renamed.txt").expect(201).await;
        max.put("/files/tram/renamed.txt", "y").expect(204).await;
        world.client("mia").delete("/files/tram/renamed.txt").expect(204).await;
        world.sound().await;
    }
}

#[tokio::test]
async fn what_is_young_does_not_count() {
    let world = World::new().await;
    let max = world.client("max");
    for number in 0..100 {
        max.put(&format!("/files/tram/{number}.txt"), "x").expect(201).await;
    }
    for number in 0..100 {
        max.delete(&format!("/files/tram/{number}.txt")).expect(204).await;
    }
    // Old documents that were moved into a new folder have stood as long as ever.
    let max = stocked(&world).await;
    max.mkcol("/files/tram/new").expect(201).await;
    max.relocate("/files/tram/D/", "/files/tram/new/D/").expect(201).await;
    max.delete("/files/tram/new/").expect(204).await;
    max.delete("/files/tram/0.txt").expect(403).await;
}

#[tokio::test]
async fn an_old_document_counts_though_its_file_is_new() {
    for how in ["DELETE, PUT", "DELETE, PUT of the same bytes", "MOVE over", "COPY over"] {
        let world = World::new().await;
        let max = stocked(&world).await;
        sql(&world, "UPDATE node SET since_at = since_at - 7200").await;
        for number in 0..90 {
            let (path, fresh) = (format!("/files/tram/D/{number}.txt"), format!("/files/tram/D/{number}.txt.tmp"));
            match how.split_once(" over") {
                None => {
                    max.delete(&path).expect(204).await;
                    max.put(&path, if how == "DELETE, PUT" { "y" } else { "x" }).expect(201).await;
                }
                Some((method, _)) => {
                    max.put(&fresh, "y").expect(201).await;
                    max.ask(method, &fresh).header("Destination", &path).expect(204).await;
                }
            }
        }
        max.delete("/files/tram/D/").expect(204).await;
        max.delete("/files/tram/0.txt").expect(403).await;
    }
}

#[tokio::test]
async fn in_ones_own_home_the_brake_ends_by_itself() {
    let world = World::new().await;
    let max = world.client("max");
    max.ask("MKCALENDAR", "/calendars/max/clubs").expect(201).await;
    for number in 0..90 {
        max.put(&format!("/calendars/max/clubs/{number}.ics"), &event(&number.to_string(), "20260614"))
            .expect(201)
            .await;
    }
    // Made and deleted within the hour, it is nobody's loss.
    max.delete("/calendars/max/clubs/").expect(204).await;
    max.put("/calendars/max/personal/a.ics", &event("a", "20260614")).expect(201).await;
    max.delete("/calendars/max/personal/a.ics").expect(204).await;
    for number in 0..2 {
        max.put(&format!("/files/max/{number}.txt"), "x").expect(201).await;
    }
    max.relocate("/trash/max/clubs", "/calendars/max/clubs").expect(201).await;
    age_nodes(&world).await;
    max.delete("/calendars/max/clubs/").expect(204).await;
    let refused = max.delete("/files/max/0.txt").header("Accept-Language", "fr").expect(403).await;
    assert!(refused.text().contains("deletions-within-limits") && refused.text().contains("dix minutes"));
    sql(&world, "UPDATE hold SET since_at = since_at - 599").await;
    max.delete("/files/max/0.txt").expect(403).await;
    sql(&world, "UPDATE hold SET since_at = since_at - 2").await;
    sql(&world, "UPDATE node SET gone_at = gone_at - 601 WHERE gone_at IS NOT NULL").await;
    max.delete("/files/max/0.txt").expect(204).await;
    assert!(world.tree.holds("max").await.unwrap().is_empty());
    world.sound().await;
}
