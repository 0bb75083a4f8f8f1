//! Succession: a hundred saves in each way in which programs save leave one document with a hundred versions.

use super::kit::{Client, World};
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
    saved_over_from_any_name "over, any name", saved_with_backup "backup", saved_with_backup_under_lock "backup, locked",
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
async fn synchronizing_tells_the_swap() {
    let world = World::new().await;
    let max = world.client("max");
    max.put(D, "one").expect(201).await;
    let token = max.sync("/files/tram/", "", "1", "").expect(207).await.sync_token();
    save("office", &max, "two").await;
    let answer = max.sync("/files/tram/", &token, "1", "").expect(207).await;
    let told = answer.statuses();
    assert!(told.contains(&(D.to_owned(), 200)), "{told:?}");
    assert!(told.iter().all(|(href, status)| href == D || *status == 404), "{told:?}");
}
