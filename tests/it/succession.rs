//! Succession: a hundred saves in each way in which programs save leave one document with a hundred versions.

use std::time::Duration;

use beffroi::model::property::OF_FILE;

use super::kit::{Client, World, event};
use super::versions::{id, versions};

const SAVES: usize = 100;
const D: &str = "/files/tram/Plan.docx";

/// One save by a program: what it sends.
async fn save(pattern: &str, client: &Client, content: &str) {
    let at = |name: &str| format!("/files/tram/{name}");
    match pattern {
        "link" => {
            let token = client.locked(D, "exclusive", "0").await;
            client.put(D, content).token(&token).expect(204).await;
            client.unlock_at(D).header("Lock-Token", &format!("<{token}>")).expect(204).await;
        }
        "plain" => drop(client.put(D, content).expect(204).await),
        "office" => {
            let token = client.locked(D, "exclusive", "0").await;
            let (owner, temporary, aside) = (at("~$Plan.docx"), at("34429E5E.tmp"), at("A9A97EC7.tmp"));
            client.put(&owner, "owner").expect(201).await;
            client.put(&temporary, "").expect(201).await;
            let written = client.locked(&temporary, "exclusive", "0").await;
            client.put(&temporary, content).token(&written).expect(204).await;
            client.unlock_at(&temporary).header("Lock-Token", &format!("<{written}>")).expect(204).await;
            client.unlock_at(D).header("Lock-Token", &format!("<{token}>")).expect(204).await;
            client.relocate(D, &aside).header("Overwrite", "F").expect(201).await;
            client.relocate(&temporary, D).header("Overwrite", "F").expect(201).await;
            client.delete(&aside).expect(204).await;
            client.delete(&owner).expect(204).await;
        }
        "excel" => {
            client.put(&at("1B2C3D4E.tmp"), content).expect(201).await;
            client.delete(D).expect(204).await;
            client.relocate(&at("1B2C3D4E.tmp"), D).expect(201).await;
        }
        "over" => {
            client.put(&at("Plan.docx.tmp"), content).expect(201).await;
            client.relocate(&at("Plan.docx.tmp"), D).header("Overwrite", "T").expect(204).await;
        }
        "over, any name" => {
            client.put(&at("save-7f3a"), content).expect(201).await;
            client.relocate(&at("save-7f3a"), D).header("Overwrite", "T").expect(204).await;
        }
        "backup" => {
            client.relocate(D, &at("Plan.docx~")).expect(201).await;
            client.put(D, content).expect(201).await;
            client.delete(&at("Plan.docx~")).expect(204).await;
        }
        "backup, locked" => {
            client.relocate(D, &at("Plan.bak")).expect(201).await;
            let token = client.locked(D, "exclusive", "0").await;
            client.put(D, content).token(&token).expect(204).await;
            client.unlock_at(D).header("Lock-Token", &format!("<{token}>")).expect(204).await;
            client.delete(&at("Plan.bak")).expect(204).await;
        }
        "finder" => {
            let folder = at("(A%20Document%20Being%20Saved%20By%20TextEdit)");
            client.mkcol(&folder).expect(201).await;
            let fresh = format!("{folder}/Plan.docx");
            client.put(&fresh, "").expect(201).await;
            let token = client.locked(&fresh, "exclusive", "0").await;
            client.put(&fresh, content).token(&token).expect(204).await;
            client.unlock_at(&fresh).header("Lock-Token", &format!("<{token}>")).expect(204).await;
            client.relocate(D, &format!("{folder}/Old.docx")).expect(201).await;
            client.relocate(&fresh, D).expect(201).await;
            client.delete(&folder).expect(204).await;
        }
        "anew" => {
            client.delete(D).expect(204).await;
            client.put(D, content).expect(201).await;
        }
        "anew, empty first" => {
            client.delete(D).expect(204).await;
            client.put(D, "").expect(201).await;
            let token = client.locked(D, "exclusive", "0").await;
            client.put(D, content).token(&token).expect(204).await;
            client.unlock_at(D).header("Lock-Token", &format!("<{token}>")).expect(204).await;
        }
        other => panic!("{other}"),
    }
}

async fn hundred_saves(pattern: &str) {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.put(D, "version 1").expect(201).await;
    max.proppatch(D, "<D:set><D:prop><k xmlns=\"urn:x\">kept</k></D:prop></D:set>").expect(207).await;
    let document = id(&max, D).await;
    for number in 2..=SAVES {
        // The second editor holds the document and lets it go; every fifth save is theirs.
        let token = mia.locked(D, "exclusive", "0").await;
        max.put(D, "refused").expect(423).await;
        mia.unlock_at(D).header("Lock-Token", &format!("<{token}>")).expect(204).await;
        let who = if number % 5 == 0 { &mia } else { &max };
        save(pattern, who, &format!("version {number}")).await;
        assert_eq!(id(&max, D).await, document, "{pattern} {number}");
    }
    let expected: Vec<String> = (1..=SAVES).map(|n| n.to_string()).collect();
    assert_eq!(versions(&max, D).await, expected, "{pattern}");
    assert_eq!(max.get(D).expect(200).await.text(), format!("version {SAVES}"));
    let number = document.rsplit(':').next().unwrap();
    for version in [1, 2, 50, SAVES] {
        let content = max.get(&format!("/versions/{number}/{version}")).expect(200).await.text();
        assert_eq!(content, format!("version {version}"), "{pattern}");
    }
    let author = max.propfind(&format!("/versions/{number}/50"), "0", "<D:creator-displayname/>").expect(207).await;
    assert_eq!(author.value("creator-displayname"), "mia shown");
    assert_eq!(max.propfind(D, "0", "<k xmlns=\"urn:x\"/>").expect(207).await.value("k"), "kept", "{pattern}");
    let left = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(left, ["/files/tram/", D], "{pattern}");
    let trash = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(trash, ["/trash/tram/"], "{pattern}");
    world.sound().await;
}

macro_rules! patterns {
    ($($name:ident $pattern:literal),* $(,)?) => {
        $(#[tokio::test] async fn $name() { hundred_saves($pattern).await; })*
    };
}

patterns! {
    saved_by_link "link", saved_plainly "plain", saved_by_word "office", saved_by_excel "excel", saved_over "over",
    saved_over_from_any_name "over, any name", saved_with_backup "backup", saved_with_backup_under_lock "backup, \
        locked",
    saved_by_finder "finder", saved_anew "anew", saved_anew_from_empty "anew, empty first",
}

#[tokio::test]
async fn what_does_not_belong_together_stays_apart() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let at = |name: &str| format!("/files/tram/{name}");
    // A plain rename, and a new document under the old name.
    max.put(&at("a.txt"), "a").expect(201).await;
    let a = id(&max, &at("a.txt")).await;
    max.relocate(&at("a.txt"), &at("a 2025.txt")).expect(201).await;
    max.put(&at("a.txt"), "other").expect(201).await;
    assert_eq!(id(&max, &at("a%202025.txt")).await, a);
    assert_ne!(id(&max, &at("a.txt")).await, a);
    // A document that is set aside and comes back itself.
    max.put(&at("e.txt"), "e").expect(201).await;
    let e = id(&max, &at("e.txt")).await;
    max.relocate(&at("e.txt"), &at("e.txt~")).expect(201).await;
    max.relocate(&at("e.txt~"), &at("e.txt")).expect(201).await;
    assert_eq!((id(&max, &at("e.txt")).await, max.get(&at("e.txt")).expect(200).await.text()), (e, "e".to_owned()));
    max.get(&at("e.txt~")).expect(404).await;
    // What was set aside and opened by someone else.
    max.put(&at("f.txt"), "f").expect(201).await;
    let f = id(&max, &at("f.txt")).await;
    max.relocate(&at("f.txt"), &at("f.bak")).expect(201).await;
    let token = mia.locked(&at("f.bak"), "exclusive", "0").await;
    max.put(&at("f.txt"), "new").expect(201).await;
    assert_eq!(id(&max, &at("f.bak")).await, f);
    mia.put(&at("f.bak"), "mine").token(&token).expect(204).await;
    // A copy.
    max.put(&at("b.txt"), "b").expect(201).await;
    let b = id(&max, &at("b.txt")).await;
    max.delete(&at("b.txt")).expect(204).await;
    max.copy(&at("a.txt"), &at("b.txt")).expect(201).await;
    assert_ne!(id(&max, &at("b.txt")).await, b);
    // Two people.
    max.put(&at("c.txt"), "c").expect(201).await;
    let c = id(&max, &at("c.txt")).await;
    max.delete(&at("c.txt")).expect(204).await;
    mia.put(&at("c.txt"), "mine").expect(201).await;
    assert_ne!(id(&max, &at("c.txt")).await, c);
    assert_eq!(versions(&max, &at("c.txt")).await, ["1"]);
    // What was set aside and then worked on is a document of its own.
    max.put(&at("d.txt"), "d").expect(201).await;
    let d = id(&max, &at("d.txt")).await;
    max.relocate(&at("d.txt"), &at("d.bak")).expect(201).await;
    max.put(&at("d.bak"), "changed").expect(204).await;
    max.put(&at("d.txt"), "new").expect(201).await;
    assert_eq!(id(&max, &at("d.bak")).await, d);
    assert_ne!(id(&max, &at("d.txt")).await, d);
    world.sound().await;
}

#[tokio::test]
async fn a_document_set_aside_and_deleted_is_in_the_trash() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(D, "one").expect(201).await;
    // The program died between setting aside and writing: the only content must not go with the litter.
    max.relocate(D, "/files/tram/A9A97EC7.tmp").expect(201).await;
    max.delete("/files/tram/A9A97EC7.tmp").expect(204).await;
    assert_eq!(max.get("/trash/tram/A9A97EC7.tmp").expect(200).await.text(), "one");
    max.mkcol("/files/tram/.sb-1").expect(201).await;
    max.put("/files/tram/b.txt", "b").expect(201).await;
    max.relocate("/files/tram/b.txt", "/files/tram/.sb-1/b.txt").expect(201).await;
    max.delete("/files/tram/.sb-1").expect(204).await;
    assert_eq!(max.get("/trash/tram/.sb-1/b.txt").expect(200).await.text(), "b");
    let listed = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert!(listed.contains(&"/trash/tram/.sb-1/".to_owned()), "{listed:?}");
    world.sound().await;
}

#[tokio::test]
async fn synchronizing_lists_the_swap() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(D, "one").expect(201).await;
    let token = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    save("office", &max, "two").await;
    let answer = max.sync("/files/tram/", &token, "1", "").expect(207).await;
    let listed = answer.statuses();
    assert!(listed.contains(&(D.to_owned(), 200)), "{listed:?}");
    assert!(listed.iter().all(|(href, status)| href == D || *status == 404), "{listed:?}");
}

/// Properties that speak of a file: of each row of the table one of the names, or any.
fn of_file() -> Vec<(&'static str, &'static str)> {
    let each = |(namespace, names): &(&'static str, &'static [&'static str])| -> Vec<_> {
        let names: &[&str] = if names.is_empty() { &["Win32FileAttributes", "executable", "any"] } else { names };
        // That one sets the time, and is not kept.
        names.iter().filter(|name| **name != "lastmodified").map(|name| (*namespace, *name)).collect()
    };
    OF_FILE.iter().flat_map(each).collect()
}

/// Properties that speak of a document.
const OF_DOCUMENT: [(&str, &str); 7] = [
    ("urn:x", "k"),
    ("DAV:", "getcontentlanguage"),
    ("http://ucb.openoffice.org/dav/props/", "keywords"),
    ("http://owncloud.org/ns", "favorite"),
    ("urn:schemas-microsoft-com:office:office", "Author"),
    ("http://nextcloud.org/ns", "note"),
    ("http://apache.org/dav/", "executable"),
];

async fn set(client: &Client, path: &str, properties: &[(&str, &str)], value: &str) {
    let each = |(namespace, name): &(&str, &str)| format!("<{name} xmlns=\"{namespace}\">{value}</{name}>");
    let inner: String = properties.iter().map(each).collect();
    let answer = client.proppatch(path, &format!("<D:set><D:prop>{inner}</D:prop></D:set>")).expect(207).await;
    assert_eq!(answer.statuses()[0].1, 200, "{}", answer.text());
}

/// Those of some properties that a resource has, with a value.
async fn found(client: &Client, path: &str, properties: &[(&str, &str)], value: &str) -> usize {
    let each = |(namespace, name): &(&str, &str)| format!("<{name} xmlns=\"{namespace}\"/>");
    let asked: String = properties.iter().map(each).collect();
    let text = client.propfind(path, "0", &asked).expect(207).await.text();
    text.matches(&format!(">{value}</")).count()
}

async fn creation(client: &Client, path: &str) -> String {
    client.propfind(path, "0", "<D:creationdate/>").expect(207).await.value("creationdate")
}

/// Something comes to stand, or stands again, at `path`.
async fn arrive(client: &Client, how: &str, path: &str) {
    let (temporary, aside) = (format!("{path}.tmp"), format!("{path}.bak"));
    match how {
        "DELETE, PUT" | "DELETE, PUT of the same bytes" => {
            client.delete(path).expect(204).await;
            client.put(path, if how == "DELETE, PUT" { "new" } else { "old" }).expect(201).await;
        }
        "DELETE, LOCK" => {
            client.delete(path).expect(204).await;
            client.locked(path, "exclusive", "0").await;
        }
        "DELETE, MOVE" => {
            client.put(&temporary, "new").expect(201).await;
            client.delete(path).expect(204).await;
            client.relocate(&temporary, path).expect(201).await;
        }
        "set aside, PUT" => {
            client.relocate(path, &aside).expect(201).await;
            client.put(path, "new").expect(201).await;
        }
        "set aside, MOVE" => {
            client.put(&temporary, "new").expect(201).await;
            client.relocate(path, &aside).expect(201).await;
            client.relocate(&temporary, path).expect(201).await;
        }
        "COPY over" => {
            client.put(&temporary, "new").expect(201).await;
            client.copy(&temporary, path).expect(204).await;
        }
        "MOVE over" => {
            client.put(&temporary, "new").expect(201).await;
            client.relocate(&temporary, path).expect(204).await;
        }
        "event: DELETE, PUT" => {
            client.delete(path).expect(204).await;
            let text = event("one", "20260615");
            client.put(&format!("{path}.ics"), &text).header("Content-Type", "text/calendar").expect(201).await;
            client.relocate(&format!("{path}.ics"), path).expect(201).await;
        }
        "PUT" => drop(client.put(path, "new").expect(204).await),
        "PUT of the same bytes" => drop(client.put(path, "old").expect(204).await),
        "MOVE away and back" => {
            client.relocate(path, &aside).expect(201).await;
            client.relocate(&aside, path).expect(201).await;
        }
        "out of the trash" => {
            let name = path.rsplit('/').next().unwrap();
            client.delete(path).expect(204).await;
            client.relocate(&format!("/trash/tram/{name}"), path).expect(201).await;
        }
        "a version copied back" => {
            client.put(path, "new").expect(204).await;
            let number = id(client, path).await.rsplit(':').next().unwrap().to_owned();
            client.copy(&format!("/versions/{number}/1"), path).expect(204).await;
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_was_said_of_a_file_goes_with_it_and_what_was_said_of_the_document_stays() {
    // Whether another file stands for the document afterwards.
    let ways = [
        ("DELETE, PUT", true),
        ("DELETE, PUT of the same bytes", true),
        ("DELETE, LOCK", true),
        ("DELETE, MOVE", true),
        ("set aside, PUT", true),
        ("set aside, MOVE", true),
        ("COPY over", true),
        ("MOVE over", true),
        ("event: DELETE, PUT", true),
        ("PUT", false),
        ("PUT of the same bytes", false),
        ("MOVE away and back", false),
        ("out of the trash", false),
        ("a version copied back", false),
    ];
    let world = World::new().await;
    let max = world.client("max");
    let of_file = of_file();
    let mut documents = Vec::new();
    for (number, (how, other)) in ways.into_iter().enumerate() {
        let path = match how.starts_with("event") {
            true => format!("/calendars/tram/meetings/{number}"),
            false => format!("/files/tram/{number}.docx"),
        };
        let text = if how.starts_with("event") { event("one", "20260614") } else { "old".to_owned() };
        max.put(&path, &text).header("Content-Type", "text/calendar").expect(201).await;
        set(&max, &path, &of_file, "of the file").await;
        set(&max, &path, &OF_DOCUMENT, "of the document").await;
        documents.push((how, other, id(&max, &path).await, creation(&max, &path).await, path));
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for (how, other, document, created, path) in documents {
        arrive(&max, how, &path).await;
        assert_eq!(id(&max, &path).await, document, "{how}");
        let left = if other { 0 } else { of_file.len() };
        assert_eq!(found(&max, &path, &of_file, "of the file").await, left, "{how}");
        assert_eq!(found(&max, &path, &OF_DOCUMENT, "of the document").await, OF_DOCUMENT.len(), "{how}");
        assert_eq!(creation(&max, &path).await != created, other, "{how}");
    }
    // What was set aside is the file that it was; the one that came brings what is said of it.
    let path = "/files/tram/last.docx";
    max.put(path, "old").expect(201).await;
    set(&max, path, &of_file, "of the file").await;
    max.put("/files/tram/34429E5E.tmp", "new").expect(201).await;
    set(&max, "/files/tram/34429E5E.tmp", &of_file[..2], "of the new one").await;
    let made = creation(&max, "/files/tram/34429E5E.tmp").await;
    max.relocate(path, "/files/tram/last.bak").expect(201).await;
    max.relocate("/files/tram/34429E5E.tmp", path).expect(201).await;
    assert_eq!(found(&max, "/files/tram/last.bak", &of_file, "of the file").await, of_file.len());
    assert_eq!(found(&max, path, &of_file, "of the file").await, 0);
    assert_eq!(found(&max, path, &of_file, "of the new one").await, 2);
    assert_eq!(creation(&max, path).await, made);
    world.sound().await;
}

#[tokio::test]
async fn what_comes_back_with_the_content_it_had_is_no_temporary_document() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(D, "plan").expect(201).await;
    max.put("/files/tram/other.docx", "other").expect(201).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    max.delete("/files/tram/other.docx").expect(204).await;
    max.put("/files/tram/other.docx", "other").expect(201).await;
    let node = world.tree.owner("max").await.unwrap();
    let path = beffroi::model::path::Path::of(&["files", "tram", "other.docx"]);
    let request = beffroi::tree::gate::Request::of(beffroi::model::method::Method::Get, path, node);
    let admitted = world.tree.read(&request).await.unwrap();
    let document = admitted.target.node().unwrap();
    assert!(document.created_at > document.written_at);
    assert_eq!(document.as_source().made_at, document.written_at);
}

/// What is reported of a modification.
struct Modification {
    date: String,
    etag: String,
    changed: bool,
    versions: usize,
}

#[tokio::test]
async fn the_same_bytes_again_are_a_modification_and_no_version() {
    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const SET_DATE: &str = "Tue, 03 Mar 2015 09:15:00 GMT";
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let aged = async |path: &str, seconds: &str| {
        let set = format!("<D:set><D:prop><D:lastmodified>{seconds}</D:lastmodified></D:prop></D:set>");
        max.proppatch(path, &set).expect(207).await;
    };
    for (folder, name, kind) in
        [("/files/tram/", "a.json", "text/plain"), ("/calendars/tram/meetings/", "a.ics", "text/calendar")]
    {
        let (path, other) = (&format!("{folder}{name}"), &format!("{folder}other-{name}"));
        let text = if kind == "text/calendar" { event("one", "20260614") } else { "{\"type\":1}".to_owned() };
        let put = |client: &Client, path: &str, status: u16| {
            let (client, text, path) = (client.clone(), text.clone(), path.to_owned());
            async move { client.put(&path, &text).header("Content-Type", kind).expect(status).await }
        };
        put(&max, path, 201).await;
        for how in
            ["PUT", "PUT by another", "PUT under a lock", "PUT with a time", "DELETE, PUT", "COPY over", "MOVE over"]
        {
            if kind == "text/calendar" && how.ends_with("over") {
                // Two events of a calendar do not have one UID.
                continue;
            }
            aged(path, "784111777").await;
            let before = max.head(path).expect(200).await;
            assert_eq!(before.header("last-modified"), Some(OLD));
            let token = max.sync(folder, "", "1", "").expect(207).await.sync_token();
            match how {
                "PUT" => drop(put(&max, path, 204).await),
                "PUT by another" => drop(put(&mia, path, 204).await),
                "PUT under a lock" => {
                    let token = max.locked(path, "exclusive", "0").await;
                    max.put(path, &text).header("Content-Type", kind).token(&token).expect(204).await;
                    max.unlock_at(path).header("Lock-Token", &format!("<{token}>")).expect(204).await;
                }
                "PUT with a time" => {
                    let put = max.put(path, &text).header("Content-Type", kind).header("X-OC-Mtime", "1425374100");
                    put.expect(204).await;
                }
                "DELETE, PUT" => {
                    max.delete(path).expect(204).await;
                    put(&max, path, 201).await;
                }
                "COPY over" | "MOVE over" => {
                    put(&max, other, 201).await;
                    aged(other, "1425374100").await;
                    let method = how.split(' ').next().unwrap();
                    max.ask(method, other).header("Destination", path).expect(204).await;
                }
                other => panic!("{other}"),
            }
            let head = max.head(path).expect(200).await;
            let synced = max.sync(folder, &token, "1", "").expect(207).await;
            let modification = Modification {
                date: head.header("last-modified").unwrap().to_owned(),
                etag: head.header("etag").unwrap().to_owned(),
                changed: synced.statuses().contains(&(path.clone(), 200)),
                versions: versions(&max, path).await.len(),
            };
            let property = max.propfind(path, "0", "<D:getlastmodified/>").expect(207).await.value("getlastmodified");
            assert_eq!(property, modification.date, "{how} {path}");
            if how.starts_with("PUT with") || how.ends_with("over") {
                assert_eq!(modification.date, SET_DATE, "{how} {path}");
            } else {
                assert!(modification.date != OLD && modification.date != SET_DATE, "{how} {path}");
            }
            assert_eq!(modification.etag, before.header("etag").unwrap(), "{how} {path}");
            assert_eq!((modification.changed, modification.versions), (true, 1), "{how} {path}");
            if how == "COPY over" {
                max.delete(other).expect(204).await;
            }
        }
    }
    world.sound().await;
}
