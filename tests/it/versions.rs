//! Versions: which writing makes one, what reports and properties say of them, how they are read.

use super::kit::{Client, World};
use super::past::moment;

/// Numbers of the versions that DAV:version-tree lists of a document.
pub async fn versions(client: &Client, path: &str) -> Vec<String> {
    let answer = client
        .report_at(path)
        .body("<D:version-tree xmlns:D=\"DAV:\"><D:prop><D:version-name/></D:prop></D:version-tree>")
        .expect(207)
        .await;
    let root = answer.xml();
    root.elements()
        .filter_map(|response| response.dav("propstat")?.dav("prop")?.dav("version-name").map(|name| name.text()))
        .collect()
}

/// `DAV:resource-id` of a resource.
pub async fn id(client: &Client, path: &str) -> String {
    let answer = client.propfind(path, "0", "<D:resource-id/>").expect(207).await;
    answer.property("resource-id").unwrap().dav("href").unwrap().text()
}

/// Address of the version collection of a document.
async fn history(client: &Client, path: &str) -> String {
    let answer = client.propfind(path, "0", "<D:version-history/>").expect(207).await;
    answer.property("version-history").unwrap().dav("href").unwrap().text()
}

#[tokio::test]
async fn each_put_of_other_bytes_is_a_version() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "one").expect(201).await;
    max.put("/files/tram/a.txt", "two").expect(204).await;
    max.put("/files/tram/a.txt", "two").expect(204).await;
    max.put("/files/tram/a.txt", "two").header("Content-Type", "text/markdown").expect(204).await;
    assert_eq!(versions(&max, "/files/tram/a.txt").await, ["1", "2"]);
    max.relocate("/files/tram/a.txt", "/files/tram/b.txt").expect(201).await;
    max.put("/files/tram/b.txt", "three").expect(204).await;
    assert_eq!(versions(&max, "/files/tram/b.txt").await, ["1", "2", "3"]);
    let history = history(&max, "/files/tram/b.txt").await;
    for (number, content) in [("1", "one"), ("2", "two"), ("3", "three")] {
        assert_eq!(max.get(&format!("{history}{number}")).expect(200).await.text(), content);
    }
    max.get(&format!("{history}4")).expect(404).await;
    world.client("zoe").get(&format!("{history}1")).expect(404).await;
    world.client("rita").get(&format!("{history}1")).expect(200).await;
    max.put(&format!("{history}1"), "x").expect(405).await;
    world.sound().await;
}

#[tokio::test]
async fn a_session_under_a_lock_is_one_version() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/files/tram/a.txt";
    max.put(path, "one").expect(201).await;
    let token = max.locked(path, "exclusive", "0").await;
    for number in 0..20 {
        max.put(path, &format!("draft {number}")).token(&token).expect(204).await;
    }
    assert_eq!(versions(&max, path).await, ["1"]);
    let out = max.propfind(path, "0", "<D:checked-out/><D:predecessor-set/>").expect(207).await;
    assert!(out.property("checked-out").unwrap().dav("href").unwrap().text().ends_with("/1"));
    assert!(out.property("predecessor-set").is_some());
    max.unlock_at(path).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    assert_eq!(versions(&max, path).await, ["1", "2"]);
    let answer = max.propfind(path, "0", "<D:checked-in/>").expect(207).await;
    assert!(answer.property("checked-in").unwrap().dav("href").unwrap().text().ends_with("/2"));
    // A rename ends the session as well, and so does a write by someone else after the lock.
    let token = max.locked(path, "exclusive", "0").await;
    max.put(path, "three").token(&token).expect(204).await;
    max.relocate(path, "/files/tram/b.txt").token(&token).expect(201).await;
    assert_eq!(versions(&max, "/files/tram/b.txt").await, ["1", "2", "3"]);
    world.sound().await;
}

#[tokio::test]
async fn empty_first_contents_leave_no_version() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "").expect(201).await;
    assert!(versions(&max, "/files/tram/a.txt").await.is_empty());
    max.put("/files/tram/a.txt", "content").expect(204).await;
    assert_eq!(versions(&max, "/files/tram/a.txt").await, ["1"]);
    // The lock makes the name; the content comes under it.
    let token = max.locked("/files/tram/b.txt", "exclusive", "0").await;
    max.put("/files/tram/b.txt", "content").token(&token).expect(204).await;
    max.unlock_at("/files/tram/b.txt").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    assert_eq!(versions(&max, "/files/tram/b.txt").await, ["1"]);
    // An empty document that is meant.
    let token = max.locked("/files/tram/c.txt", "exclusive", "0").await;
    max.unlock_at("/files/tram/c.txt").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    assert_eq!(versions(&max, "/files/tram/c.txt").await, ["1"]);
    world.sound().await;
}

#[tokio::test]
async fn litter_has_no_versions_and_no_trash() {
    let world = World::new().await;
    let max = world.client("max");
    for name in [".DS_Store", "~$a.docx", "._a.docx", ".~lock.a.odt%23", "A9A97EC7.tmp", "~WRD0001.tmp"] {
        let path = format!("/files/tram/{name}");
        max.put(&path, "1").expect(201).await;
        max.put(&path, "2").expect(204).await;
        assert!(versions(&max, &path).await.is_empty(), "{name}");
        max.delete(&path).expect(204).await;
    }
    assert_eq!(max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs(), ["/trash/tram/"]);
    world.sound().await;
}

#[tokio::test]
async fn what_a_version_says_of_itself() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    let path = "/files/tram/Plan.docx";
    max.put(path, "one").expect(201).await;
    lea.put(path, "two!").expect(204).await;
    max.put(path, "three").expect(204).await;
    let history = history(&max, path).await;
    let second = format!("{history}2");
    let props = "<D:version-name/><D:creator-displayname/><D:getcontentlength/><D:predecessor-set/><D:successor-set/>\
                 <D:checkout-set/><D:comment/><D:version-history/><D:supported-method-set/><B:sha256 \
                 xmlns:B=\"urn:beffroi:\"/>\
                 <B:creator-device xmlns:B=\"urn:beffroi:\"/>";
    let answer = max.propfind(&second, "0", props).expect(207).await;
    assert_eq!(answer.value("version-name"), "2");
    assert_eq!(answer.value("creator-displayname"), "lea shown");
    assert_eq!(answer.value("creator-device"), "test");
    assert_eq!(answer.value("getcontentlength"), "4");
    assert_eq!(answer.value("sha256").len(), 64);
    let set = |name: &str| answer.property(name).unwrap().dav("href").unwrap().text();
    assert_eq!((set("predecessor-set"), set("successor-set")), (format!("{history}1"), format!("{history}3")));
    assert!(answer.property("comment").is_none());
    max.proppatch(&second, "<D:set><D:prop><D:comment>before the council</D:comment></D:prop></D:set>")
        .expect(207)
        .await;
    assert_eq!(max.propfind(&second, "0", "<D:comment/>").expect(207).await.value("comment"), "before the council");
    world
        .client("rita")
        .proppatch(&second, "<D:set><D:prop><D:comment>no</D:comment></D:prop></D:set>")
        .expect(403)
        .await;
    let answer = max
        .propfind(path, "0", "<D:auto-version/><D:supported-report-set/><D:supported-live-property-set/>")
        .expect(207)
        .await;
    assert!(answer.property("auto-version").unwrap().dav("checkout-unlocked-checkin").is_some());
    let reports = answer.text();
    assert!(reports.contains("<D:version-tree/>") && reports.contains("<D:expand-property/>"));
    assert!(reports.contains("<D:supported-live-property><D:prop><D:version-name/>"));
    let set = max.propfind(&history, "0", "<D:version-set/><D:root-version/><D:resourcetype/>").expect(207).await;
    assert_eq!(set.property("version-set").unwrap().elements().count(), 3);
    assert!(set.property("resourcetype").unwrap().dav("version-history").is_some());
    assert_eq!(max.propfind(&history, "1", "<D:version-name/>").expect(207).await.hrefs().len(), 4);
    world.sound().await;
}

#[tokio::test]
async fn update_and_copy_bring_a_version_back_as_a_new_one() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/files/tram/a.txt";
    max.put(path, "one").expect(201).await;
    max.put(path, "two").expect(204).await;
    let document = id(&max, path).await;
    let history = history(&max, path).await;
    let update =
        |href: String| format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{href}</D:href></D:version></D:update>");
    max.ask("UPDATE", path).body(&update(format!("{history}1"))).expect(207).await;
    assert_eq!(max.get(path).expect(200).await.text(), "one");
    max.copy(&format!("{history}2"), path).expect(204).await;
    assert_eq!(max.get(path).expect(200).await.text(), "two");
    assert_eq!(versions(&max, path).await, ["1", "2", "3", "4"]);
    assert_eq!(id(&max, path).await, document);
    max.copy(&format!("{history}1"), "/files/tram/old.txt").expect(201).await;
    assert_ne!(id(&max, "/files/tram/old.txt").await, document);
    // A version of another document, none at all, and one who may not.
    max.ask("UPDATE", "/files/tram/old.txt").body(&update(format!("{history}1"))).expect(409).await;
    max.ask("UPDATE", path).body(&update(format!("{history}9"))).expect(409).await;
    world.client("rita").ask("UPDATE", path).body(&update(format!("{history}1"))).expect(403).await;
    let token = world.client("lea").locked(path, "exclusive", "0").await;
    max.ask("UPDATE", path).body(&update(format!("{history}1"))).expect(423).await;
    world.client("lea").unlock_at(path).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    max.ask("VERSION-CONTROL", path).expect(200).await;
    world.sound().await;
}

#[tokio::test]
async fn expand_property_follows_addresses() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/files/tram/a.txt";
    max.put(path, "one").expect(201).await;
    max.put(path, "two").expect(204).await;
    let answer = max
        .report_at(path)
        .body(
            "<D:expand-property xmlns:D=\"DAV:\"><D:property name=\"version-history\"><D:property name=\"version-set\">\
             <D:property name=\"creator-displayname\"/><D:property name=\"version-name\"/></D:property></D:property>\
             <D:property name=\"nothing\" namespace=\"urn:x\"/></D:expand-property>",
        )
        .expect(207)
        .await;
    let text = answer.text();
    assert_eq!(text.matches("<D:creator-displayname>max shown</D:creator-displayname>").count(), 2, "{text}");
    assert_eq!(text.matches("<D:response>").count(), 4, "{text}");
    assert!(text.contains("<D:version-name>2</D:version-name>"));
}

#[tokio::test]
async fn a_former_state_of_an_event_is_copied_as_a_document() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/calendars/tram/meetings/a.ics";
    let (first, second) = (super::kit::event("a", "20260614"), super::kit::event("a", "20270101"));
    max.put(path, &first).expect(201).await;
    max.put(path, &second).expect(204).await;
    let version = format!("{}1", history(&max, path).await);
    max.copy(&version, "/files/tram/was.ics").expect(201).await;
    assert_eq!(max.get("/files/tram/was.ics").expect(200).await.text(), first);
    max.copy(&version, "/calendars/tram/tasks/was.ics").expect(403).await;
    max.copy(&version, "/calendars/max/personal/was.ics").expect(403).await;
    world.sound().await;
}

/// The tree of any moment has one node a name: what is refined has stood since it was begun.
#[tokio::test]
async fn a_state_that_is_refined_keeps_its_beginning() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "old").expect(201).await;
    let token = max.locked("/files/tram/a.txt", "exclusive", "0").await;
    max.put("/files/tram/a.txt", "draft").token(&token).expect(204).await;
    let then = moment().await;
    max.put("/files/tram/a.txt", "refined").token(&token).expect(204).await;
    assert_eq!(max.get(&format!("/history/tram/{then}/a.txt")).expect(200).await.text(), "refined");
    world.sound().await;
}
