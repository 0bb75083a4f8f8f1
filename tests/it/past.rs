//! What is no more, with nothing but a file explorer: history folders, former days, the trash, the brake, rewinding.

use std::time::Duration;

use beffroi::model::version::stamp;

use super::kit::{Client, World};
use super::retention::age_nodes;
use super::versions::{id, versions};

/// Names (decoded, without slash) that a listing has, without the collection itself.
pub async fn names(client: &Client, path: &str) -> Vec<String> {
    let answer = client.propfind(path, "1", "<D:displayname/>").expect(207).await;
    let root = answer.xml();
    root.elements()
        .skip(1)
        .map(|response| response.dav("propstat").unwrap().dav("prop").unwrap().dav("displayname").unwrap().text())
        .collect()
}

/// The name of this moment, and a second later: what comes then is distinct.
pub async fn moment() -> String {
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let name = format!("@{}", stamp(beffroi::model::id::now(), &jiff::tz::TimeZone::system()));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    name.replace(' ', "%20")
}

#[tokio::test]
async fn each_document_is_the_folder_of_its_versions() {
    let world = World::new().await;
    let (max, rita) = (world.client("max"), world.client("rita"));
    max.mkcol("/files/tram/a").expect(201).await;
    max.put("/files/tram/a/Plan.docx", "one").expect(201).await;
    world.client("lea").put("/files/tram/a/Plan.docx", "two!").expect(204).await;
    max.put("/files/tram/a/~$Plan.docx", "litter").expect(201).await;
    assert_eq!(names(&rita, "/history/").await, ["rita", "tram"]);
    assert_eq!(names(&rita, "/history/tram/a/").await, ["Plan.docx"]);
    let listed = names(&rita, "/history/tram/a/Plan.docx/").await;
    assert_eq!(listed.len(), 2);
    assert!(listed[0].ends_with(" v1 max shown.docx") && listed[1].ends_with(" v2 lea shown.docx"), "{listed:?}");
    let version = |at: usize| format!("/history/tram/a/Plan.docx/{}", listed[at].replace(' ', "%20"));
    let answer = rita.get(&version(0)).expect(200).await;
    assert_eq!(answer.text(), "one");
    assert_eq!(
        answer.header("content-type"),
        max.get("/files/tram/a/Plan.docx").expect(200).await.header("content-type")
    );
    assert_eq!(rita.get(&version(1)).header("Range", "bytes=1-2").expect(206).await.text(), "wo");
    rita.head(&version(0)).expect(200).await;
    for method in ["PUT", "DELETE", "MKCOL", "MOVE"] {
        let ask = max.ask(method, &version(0)).header("Destination", "/files/tram/x");
        assert_eq!(ask.send().await.status, 405, "{method}");
    }
    max.put("/history/tram/a/new.txt", "x").expect(405).await;
    rita.get(&version(0).replace("v1", "v9")).expect(404).await;
    world.client("zoe").get(&version(0)).expect(404).await;
    world.client("zoe").propfind("/history/tram/", "1", "").expect(404).await;
    // Dragged back, it is the next version of the document.
    max.copy(&version(0), "/files/tram/a/Plan.docx").expect(204).await;
    assert_eq!(max.get("/files/tram/a/Plan.docx").expect(200).await.text(), "one");
    assert_eq!(versions(&max, "/files/tram/a/Plan.docx").await.len(), 3);
    rita.copy(&version(0), "/files/tram/x.docx").expect(403).await;
    world.sound().await;
}

#[tokio::test]
async fn the_tree_as_it_stood() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/a").expect(201).await;
    max.put("/files/tram/a/one.txt", "1").expect(201).await;
    max.put("/files/tram/two.txt", "2").expect(201).await;
    let then = moment().await;
    max.put("/files/tram/a/one.txt", "1 changed").expect(204).await;
    max.relocate("/files/tram/a", "/files/tram/b").expect(201).await;
    max.delete("/files/tram/two.txt").expect(204).await;
    max.put("/files/tram/three.txt", "3").expect(201).await;
    let at = |path: &str| format!("/history/tram/{then}/{path}");
    assert_eq!(names(&max, &at("")).await, ["a", "two.txt"]);
    assert_eq!(names(&max, &at("a/")).await, ["one.txt"]);
    assert_eq!(max.get(&at("a/one.txt")).expect(200).await.text(), "1");
    assert_eq!(max.get(&at("two.txt")).expect(200).await.text(), "2");
    max.get(&at("three.txt")).expect(404).await;
    max.get(&at("b/one.txt")).expect(404).await;
    let today = stamp(beffroi::model::id::now(), &jiff::tz::TimeZone::system());
    assert_eq!(names(&max, &format!("/history/tram/@{}/", &today[..10])).await, ["b", "three.txt"]);
    assert!(names(&max, "/history/tram/@2001-01-01/").await.is_empty());
    max.put(&at("a/one.txt"), "x").expect(405).await;
    max.copy(&at("a/"), "/files/tram/restored").expect(201).await;
    assert_eq!(max.get("/files/tram/restored/one.txt").expect(200).await.text(), "1");
    world.sound().await;
}

#[tokio::test]
async fn the_trash_gives_back() {
    let world = World::new().await;
    let (max, lea, rita) = (world.client("max"), world.client("lea"), world.client("rita"));
    max.mkcol("/files/tram/a").expect(201).await;
    max.put("/files/tram/a/one.txt", "1").expect(201).await;
    max.put("/files/tram/a/one.txt", "1b").expect(204).await;
    let document = id(&max, "/files/tram/a/one.txt").await;
    max.put("/files/tram/two.txt", "2").expect(201).await;
    max.delete("/files/tram/a").expect(204).await;
    max.delete("/files/tram/two.txt").expect(204).await;
    assert_eq!(names(&rita, "/trash/").await, ["rita", "tram"]);
    assert_eq!(names(&rita, "/trash/tram/").await, ["a", "two.txt"]);
    let props = "<B:deleted-from xmlns:B=\"urn:beffroi:\"/><B:deleted-at xmlns:B=\"urn:beffroi:\"/>";
    let answer = rita.propfind("/trash/tram/two.txt", "0", props).expect(207).await;
    assert_eq!(answer.property("deleted-from").unwrap().dav("href").unwrap().text(), "/files/tram/two.txt");
    assert_eq!(rita.get("/trash/tram/a/one.txt").expect(200).await.text(), "1b");
    world.client("zoe").propfind("/trash/tram/", "1", "").expect(404).await;
    rita.relocate("/trash/tram/a/", "/files/tram/a/").expect(403).await;
    rita.relocate("/trash/tram/a/", "/files/rita/a/").expect(403).await;
    max.delete("/trash/tram/a").expect(403).await;
    // Another document took the name: what comes back gets a suffix.
    world.client("mia").put("/files/tram/two.txt", "another").expect(201).await;
    max.relocate("/trash/tram/two.txt", "/files/tram/two.txt").header("Overwrite", "F").expect(412).await;
    let answer = max.relocate("/trash/tram/two.txt", "/files/tram/two.txt").expect(201).await;
    let back = answer.header("location").unwrap().to_owned();
    assert!(back.starts_with("/files/tram/two%20("), "{back}");
    assert_eq!(max.get(&back).expect(200).await.text(), "2");
    assert_eq!(max.get("/files/tram/two.txt").expect(200).await.text(), "another");
    // A child out of a deleted folder, then the folder.
    max.relocate("/trash/tram/a/one.txt", "/files/tram/one.txt").expect(201).await;
    assert_eq!(id(&max, "/files/tram/one.txt").await, document);
    assert_eq!(versions(&max, "/files/tram/one.txt").await, ["1", "2"]);
    world.sound().await;
    max.relocate("/trash/tram/a", "/files/tram/a").expect(201).await;
    max.propfind("/files/tram/a/", "1", "").expect(207).await;
    assert!(names(&max, "/trash/tram/").await.is_empty());
    // For good.
    max.delete("/files/tram/one.txt").expect(204).await;
    lea.delete("/trash/tram/one.txt").expect(204).await;
    lea.get("/trash/tram/one.txt").expect(404).await;
    lea.get(&format!("/versions/{}/1", document.rsplit(':').next().unwrap())).expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn one_name_deleted_many_times() {
    let world = World::new().await;
    let max = world.client("max");
    for (who, content) in [("max", "1"), ("mia", "2"), ("lea", "3")] {
        world.client(who).put("/files/tram/a.txt", content).expect(201).await;
        world.client(who).delete("/files/tram/a.txt").expect(204).await;
    }
    let listed = names(&max, "/trash/tram/").await;
    assert_eq!(listed.len(), 3);
    assert!(listed.contains(&"a.txt".to_owned()) && listed.iter().all(|name| name.ends_with(".txt")), "{listed:?}");
    assert_eq!(max.get("/trash/tram/a.txt").expect(200).await.text(), "1");
    // Re-creating the name just works, and so does synchronizing over it.
    max.put("/files/tram/a.txt", "4").expect(201).await;
    world.sound().await;
}

#[tokio::test]
async fn what_was_deleted_is_restored_in_its_home_and_copied_to_others() {
    let world = World::new().await;
    let lea = world.client("lea");
    lea.mkcol("/files/tram/a").expect(201).await;
    lea.put("/files/tram/a/one.txt", "1").expect(201).await;
    lea.delete("/files/tram/a").expect(204).await;
    for path in ["a", "a/one.txt"] {
        let refused = lea.relocate(&format!("/trash/tram/{path}"), "/files/lea/b").expect(403).await;
        assert!(refused.text().contains("restored-in-its-home"), "{}", refused.text());
    }
    lea.copy("/trash/tram/a", "/files/lea/a").expect(201).await;
    assert_eq!(lea.get("/files/lea/a/one.txt").expect(200).await.text(), "1");
    assert_eq!(lea.get("/trash/tram/a/one.txt").expect(200).await.text(), "1");
    world.sound().await;
}

#[tokio::test]
async fn mass_deletion_is_held() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for number in 0..100 {
        max.put(&format!("/files/tram/{number}.txt"), "x").expect(201).await;
    }
    age_nodes(&world).await;
    let mut deleted = 0;
    let mut held = String::new();
    for number in 0..100 {
        let answer = max.delete(&format!("/files/tram/{number}.txt")).send().await;
        match answer.status {
            204 => deleted += 1,
            403 => held = answer.text(),
            other => panic!("{other}"),
        }
    }
    assert_eq!(deleted, 76);
    assert!(held.contains("deletions-within-limits") && held.contains("trash"), "{held}");
    // Others go on working, and so does this one but for deleting.
    mia.delete("/files/tram/99.txt").expect(204).await;
    max.put("/files/tram/new.txt", "x").expect(201).await;
    let holds = world.tree.holds("tram").await.unwrap();
    assert_eq!(holds.iter().map(|hold| hold.principal.as_str()).collect::<Vec<_>>(), ["max"]);
    // The lead sees it, others do not.
    for (who, listed) in [("lea", true), ("mia", false)] {
        let page = world.client(who).get("/files/tram/").expect(200).await.text();
        assert_eq!(page.contains("beffroi project release tram max"), listed, "{who}");
    }
    assert_eq!(world.tree.release("tram", Some("max")).await.unwrap(), 1);
    max.delete("/files/tram/98.txt").expect(204).await;
    assert!(world.tree.holds("tram").await.unwrap().is_empty());
    assert_eq!(names(&max, "/trash/tram/").await.len(), 78);
    world.sound().await;
}

#[tokio::test]
async fn a_folder_is_what_it_was() {
    let world = World::new().await;
    let max = world.client("max");
    let at = |path: &str| format!("/files/tram/{path}");
    max.mkcol(&at("a")).expect(201).await;
    max.mkcol(&at("a/deep")).expect(201).await;
    max.put(&at("a/one.txt"), "1").expect(201).await;
    max.put(&at("a/two.txt"), "2").expect(201).await;
    max.put(&at("a/deep/three.txt"), "3").expect(201).await;
    let three = id(&max, &at("a/deep/three.txt")).await;
    let then = moment().await;
    max.put(&at("a/one.txt"), "1 changed").expect(204).await;
    max.relocate(&at("a/two.txt"), &at("two moved.txt").replace(' ', "%20")).expect(201).await;
    max.put(&at("a/two.txt"), "impostor").expect(201).await;
    max.relocate(&at("a/deep"), &at("a/deeper")).expect(201).await;
    max.delete(&at("a/deeper")).expect(204).await;
    max.put(&at("a/later.txt"), "later").expect(201).await;
    let update = format!(
        "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/a/</D:href></D:version></D:update>"
    );
    world.client("rita").ask("UPDATE", &at("a/")).body(&update).expect(403).await;
    max.ask("UPDATE", &at("a/")).body(&update).expect(207).await;
    assert_eq!(names(&max, &at("a/")).await, ["deep", "one.txt", "two.txt"]);
    for (path, content) in [("a/one.txt", "1"), ("a/two.txt", "2"), ("a/deep/three.txt", "3")] {
        assert_eq!(max.get(&at(path)).expect(200).await.text(), content);
    }
    assert_eq!(id(&max, &at("a/deep/three.txt")).await, three);
    assert_eq!(versions(&max, &at("a/one.txt")).await, ["1", "2", "3"]);
    // Nothing is lost by it.
    assert_eq!(names(&max, "/trash/tram/").await, ["later.txt", "two.txt"]);
    world.sound().await;
}

#[tokio::test]
async fn a_folder_that_stands_below_its_former_member_is_what_it_was() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/q").expect(201).await;
    max.mkcol("/files/tram/q/p").expect(201).await;
    max.put("/files/tram/q/p/x.txt", "x").expect(201).await;
    let then = moment().await;
    max.relocate("/files/tram/q/p", "/files/tram/p").expect(201).await;
    max.relocate("/files/tram/q", "/files/tram/p/q").expect(201).await;
    let update = format!(
        "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/q/</D:href></D:version></D:update>"
    );
    max.ask("UPDATE", "/files/tram/p/q/").body(&update).expect(207).await;
    assert_eq!(names(&max, "/files/tram/p/q/").await, ["p"]);
    assert_eq!(names(&max, "/files/tram/").await, ["p"]);
    max.put("/files/tram/still.txt", "alive").expect(201).await;
    world.sound().await;
}

#[tokio::test]
async fn rewinding_takes_nothing_from_under_a_lock() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.mkcol("/files/tram/a").expect(201).await;
    max.put("/files/tram/a/x.txt", "x").expect(201).await;
    let then = moment().await;
    max.relocate("/files/tram/a/x.txt", "/files/tram/x.txt").expect(201).await;
    let token = mia.locked("/files/tram/x.txt", "exclusive", "0").await;
    let update = format!(
        "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/a/</D:href></D:version></D:update>"
    );
    max.ask("UPDATE", "/files/tram/a/").body(&update).expect(423).await;
    mia.put("/files/tram/x.txt", "mine").token(&token).expect(204).await;
}

#[tokio::test]
async fn today_is_copied_without_its_own_copy() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/a").expect(201).await;
    max.put("/files/tram/a/x.txt", "x").expect(201).await;
    let now = stamp(beffroi::model::id::now(), &jiff::tz::TimeZone::system());
    let today = now.split(' ').next().unwrap();
    max.copy(&format!("/history/tram/@{today}/"), "/files/tram/backup").expect(201).await;
    assert_eq!(names(&max, "/files/tram/").await, ["a", "backup"]);
    assert_eq!(names(&max, "/files/tram/backup/").await, ["a"]);
    assert_eq!(names(&max, "/files/tram/backup/a/").await, ["x.txt"]);
    world.sound().await;
}

#[tokio::test]
async fn what_changed_homes_is_no_longer_known_in_the_old_one() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.mkcol("/files/tram/f").expect(201).await;
    max.put("/files/tram/f/doc.txt", "d").expect(201).await;
    max.put("/files/tram/f/old.txt", "o").expect(201).await;
    let then = moment().await;
    max.delete("/files/tram/f/old.txt").expect(204).await;
    let history = max.propfind("/trash/tram/old.txt", "0", "<D:version-history/>").expect(207).await;
    let history = history.property("version-history").unwrap().dav("href").unwrap().text();
    max.mkcol("/files/max/secret").expect(201).await;
    max.relocate("/files/tram/f", "/files/max/secret/f").expect(201).await;
    max.proppatch("/files/max/secret/f/doc.txt", "<D:set><D:prop><k xmlns=\"u\">hidden</k></D:prop></D:set>")
        .expect(207)
        .await;
    mia.copy(&format!("/history/tram/{then}/f/doc.txt"), "/files/tram/back.txt").expect(201).await;
    assert!(!mia.propfind("/files/tram/back.txt", "0", "").expect(207).await.text().contains("hidden"));
    let place = mia.propfind("/trash/tram/", "1", "").expect(207).await.text();
    assert!(place.contains("/files/tram/f/old.txt") && !place.contains("secret"), "{place}");
    mia.propfind(&history, "0", "<D:displayname/>").expect(207).await;
    world.sound().await;
}

#[tokio::test]
async fn purging_spoils_no_token_but_those_it_must() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    max.put("/files/tram/gone.txt", "g").expect(201).await;
    let old = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    max.delete("/files/tram/gone.txt").expect(204).await;
    lea.delete("/trash/tram/gone.txt").expect(204).await;
    let fresh = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    assert_eq!(max.sync("/files/tram/", &fresh, "1", "").expect(207).await.hrefs(), [""; 0]);
    max.sync("/files/tram/", &old, "1", "").expect(403).await;
    // What becomes of a copy in another home is no matter of this one.
    max.put("/files/tram/moved.txt", "m").expect(201).await;
    let before = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    max.relocate("/files/tram/moved.txt", "/files/max/moved.txt").expect(201).await;
    max.delete("/files/max/moved.txt").expect(204).await;
    max.delete("/trash/max/moved.txt").expect(204).await;
    let listed = max.sync("/files/tram/", &before, "1", "").expect(207).await.statuses();
    assert_eq!(listed, [("/files/tram/moved.txt".to_owned(), 404)]);
    world.sound().await;
}

#[tokio::test]
async fn a_version_says_the_same_wherever_it_is_asked() {
    let world = World::new().await;
    let max = world.client("max");
    let comment = |text: &str| format!("<D:set><D:prop><D:comment>{text}</D:comment></D:prop></D:set>");
    max.put("/files/tram/a.txt", "a").expect(201).await;
    max.put("/files/tram/a.txt", "b").expect(204).await;
    max.proppatch("/files/tram/a.txt", &comment("zzz")).expect(207).await;
    max.relocate("/files/tram/a.txt", "/files/tram/b.txt").expect(201).await;
    max.proppatch("/files/tram/b.txt", &comment("aaa")).expect(207).await;
    let history = max.propfind("/files/tram/b.txt", "0", "<D:version-history/>").expect(207).await;
    let history = history.property("version-history").unwrap().dav("href").unwrap().text();
    let asked = "<D:comment/>";
    assert_eq!(max.propfind(&format!("{history}2"), "0", asked).expect(207).await.value("comment"), "aaa");
    let keep = "<D:set><D:prop><B:kept xmlns:B=\"urn:beffroi:\">1</B:kept></D:prop></D:set>";
    max.proppatch(&format!("{history}2"), keep).expect(207).await;
    let folder = "/history/tram/b.txt/";
    let newest = max.propfind(folder, "1", asked).expect(207).await.hrefs().pop().unwrap();
    let alone = max.propfind(&newest, "0", "<B:kept xmlns:B=\"urn:beffroi:\"/><D:predecessor-set/>").expect(207).await;
    assert_eq!(alone.value("kept"), "1");
    assert_eq!(alone.property("predecessor-set").unwrap().dav("href").unwrap().text(), format!("{history}1"));
    // Conditions speak of what is asked, not of what is looked at for it.
    let etag = max.get("/files/tram/b.txt").expect(200).await.header("etag").unwrap().to_owned();
    let expand = "<D:expand-property xmlns:D=\"DAV:\"><D:property name=\"version-history\"><D:property \
                  name=\"version-set\">\
                  <D:property name=\"version-name\"/></D:property></D:property></D:expand-property>";
    let expanded = max.report_at("/files/tram/b.txt").header("If-Match", &etag).body(expand).expect(207).await.text();
    assert_eq!(expanded.matches("<D:version-name>").count(), 2, "{expanded}");
    let huge = format!("<D:propfind xmlns:D=\"DAV:\"><D:prop><{}/></D:prop></D:propfind>", "x".repeat(100_000));
    max.ask("PROPFIND", "/files/tram/").header("Depth", "1").body(&huge).expect(413).await;
}
