//! What programs send otherwise than the standards have it, or than others do, and mean all the same: XML in other
//! encodings, no `Depth`, the end of an empty document, locks given back late, Finder's pictures of folders.

use super::kit::World;
use super::retention::sql;

/// A text in UTF-16, or a byte a character.
fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-8" => text.as_bytes().to_vec(),
        _ => text.chars().map(|c| if c == '\u{20ac}' { 0x80 } else { c as u8 }).collect(),
    }
}

#[tokio::test]
async fn instructions_come_in_any_usual_encoding() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    for (number, (encoding, declared, mark, kind)) in [
        ("utf-16le", "UTF-16", "\u{feff}", "text/xml"),
        ("utf-16be", "UTF-16", "\u{feff}", "text/xml"),
        ("utf-16le", "", "\u{feff}", "application/xml"),
        ("utf-16be", "", "\u{feff}", "text/xml; charset=utf-8"),
        ("utf-16le", "", "", "text/xml"),
        ("utf-16be", "utf-16be", "", "text/xml; charset=\"utf-16\""),
        ("single", "ISO-8859-1", "", "text/xml"),
        ("single", "windows-1252", "", "application/xml"),
        ("single", "iso-8859-1", "", "text/xml; charset=\"utf-8\""),
        ("single", "", "", "text/xml; charset=ISO-8859-1"),
        ("utf-8", "utf-8", "\u{feff}", "text/xml"),
        ("utf-8", "UTF-16", "", "text/xml; charset=utf-8"),
    ]
    .into_iter()
    .enumerate()
    {
        let value = format!("\u{e9}t\u{e9} {number} \u{20ac}");
        let declaration = match declared {
            "" => String::new(),
            name => format!("<?xml version=\"1.0\" encoding=\"{name}\"?>"),
        };
        let body = format!(
            "{mark}{declaration}<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><k \
             xmlns=\"urn:x\">{value}</k></D:prop>\
             </D:set></D:propertyupdate>"
        );
        let ask = max.ask("PROPPATCH", "/files/tram/a").header("Content-Type", kind);
        ask.body(&encoded(&body, encoding)).expect(207).await;
        let body = format!("{mark}{declaration}<propfind xmlns=\"DAV:\"><prop><k xmlns=\"urn:x\"/></prop></propfind>");
        let ask = max.ask("PROPFIND", "/files/tram/a").header("Content-Type", kind).header("Depth", "0");
        let reported = ask.body(&encoded(&body, encoding)).expect(207).await;
        assert_eq!(reported.value("k"), value, "{encoding} {declared} {kind}");
    }
    let ascii = "<?xml version='1.0' encoding='US-ASCII'?><propfind xmlns='DAV:'><propname/></propfind>";
    max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(ascii).expect(207).await;
    for bad in [
        &b"<?xml version='1.0' encoding='EBCDIC-CP-FR'?><propfind xmlns='DAV:'><!--\xe9--><propname/></propfind>"[..],
        b"<\0a",
    ] {
        max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(bad).expect(400).await;
    }
}

#[tokio::test]
async fn without_a_depth_a_folder_of_moderate_size_lists_its_members() {
    let world = World::new().await;
    let max = world.client("max");
    let body = "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/></D:prop></D:propfind>";
    max.mkcol("/files/tram/d").expect(201).await;
    max.mkcol("/files/tram/d/e").expect(201).await;
    max.put("/files/tram/d/a", "x").expect(201).await;
    max.put("/files/tram/d/e/b", "x").expect(201).await;
    for (path, hrefs) in [
        ("/files/tram/d/", &["/files/tram/d/", "/files/tram/d/a", "/files/tram/d/e/"][..]),
        ("/files/tram/d/a", &["/files/tram/d/a"]),
    ] {
        assert_eq!(max.ask("PROPFIND", path).body(body).expect(207).await.hrefs(), hrefs);
    }
    for path in ["/", "/files/", "/history/tram/", "/trash/", "/calendars/max/", "/principals/"] {
        max.ask("PROPFIND", path).body(body).expect(207).await;
    }
    let infinity = max.ask("PROPFIND", "/files/tram/d/").header("Depth", "infinity").body(body).expect(403).await;
    assert!(infinity.text().contains("propfind-finite-depth"));
    let actor = world.tree.owner("max").await.unwrap();
    let mut names = 2;
    for (more, expected) in [(998, 207), (1, 403)] {
        for _ in 0..more {
            names += 1;
            let path = beffroi::model::path::Path::of(&["files", "tram", "d", &format!("n{names}")]);
            let request = beffroi::tree::gate::Request::of(beffroi::model::method::Method::Mkcol, path, actor.clone());
            let mut admitted = world.tree.write(&request).await.unwrap();
            admitted.bind(beffroi::tree::edit::content::Content::Folder).await.unwrap();
            admitted.commit().await.unwrap();
        }
        let answer = max.ask("PROPFIND", "/files/tram/d/").body(body).expect(expected).await;
        assert_eq!(answer.text().contains("propfind-finite-depth"), expected == 403);
    }
    assert_eq!(max.propfind("/files/tram/d/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1002);
}

#[tokio::test]
async fn the_end_of_nothing_is_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/empty", "").expect(201).await;
    let got = max.get("/files/tram/empty").header("Range", "bytes=-5").expect(200).await;
    assert!(got.body.is_empty() && got.header("content-range").is_none());
    let beyond = max.get("/files/tram/empty").header("Range", "bytes=0-").expect(416).await;
    assert_eq!(beyond.header("content-range"), Some("bytes */0"));
}

#[tokio::test]
async fn a_lock_that_lapsed_is_given_back_late() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    let unlock = async |client: &super::kit::Client, path: &str, token: &str, status: u16| {
        client.unlock_at(path).header("Lock-Token", &format!("<{token}>")).expect(status).await
    };
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/d/a", "x").expect(201).await;
    let below = max.locked("/files/tram/d", "exclusive", "infinity").await;
    sql(&world, "UPDATE lock SET expires_at = 1").await;
    let token = max.locked("/files/tram/d/a", "exclusive", "0").await;
    sql(&world, "UPDATE lock SET expires_at = CAST(strftime('%s', 'now') AS INTEGER) - 60").await;
    // Another's is another's, and what did not cover this does not now.
    unlock(&mia, "/files/tram/d/a", &token, 403).await;
    unlock(&max, "/files/tram/d", &token, 409).await;
    unlock(&max, "/files/tram/d/a", "urn:uuid:none", 409).await;
    // Nobody is in anybody's way meanwhile.
    let hers = mia.locked("/files/tram/d/a", "exclusive", "0").await;
    unlock(&max, "/files/tram/d/a", &token, 204).await;
    unlock(&mia, "/files/tram/d/a", &hers, 204).await;
    // What lapsed long ago is forgotten.
    unlock(&max, "/files/tram/d", &below, 409).await;
    world.sound().await;
}

#[tokio::test]
async fn finder_s_pictures_are_taken_and_never_shown() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/d").expect(201).await;
    let token = max.propfind("/files/tram/d/", "0", "<D:sync-token/>").expect(207).await.value("sync-token");
    for name in ["Icon%0D", "._Icon%0d"] {
        let path = format!("/files/tram/d/{name}");
        max.put(&path, "picture").expect(201).await;
        assert_eq!(max.get(&path).expect(200).await.text(), "picture");
        max.propfind(&path, "0", "").expect(207).await;
        max.put(&path, "another").expect(204).await;
    }
    max.put("/files/tram/d/a", "x").expect(201).await;
    let hrefs = ["/files/tram/d/", "/files/tram/d/a"];
    for _ in 0..2 {
        assert_eq!(max.propfind("/files/tram/d/", "1", "<D:getetag/>").expect(207).await.hrefs(), hrefs);
    }
    assert_eq!(max.sync("/files/tram/d/", &token, "1", "").expect(207).await.hrefs(), hrefs[1..]);
    assert!(!max.get("/files/tram/d/").expect(200).await.text().contains("Icon"));
    let token = max.propfind("/files/tram/d/", "0", "<D:sync-token/>").expect(207).await.value("sync-token");
    max.copy("/files/tram/d/", "/files/tram/e/").expect(201).await;
    assert_eq!(max.get("/files/tram/e/Icon%0D").expect(200).await.text(), "another");
    max.delete("/files/tram/d/Icon%0D").expect(204).await;
    assert!(max.sync("/files/tram/d/", &token, "1", "").expect(207).await.statuses().is_empty());
    assert_eq!(max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs(), ["/trash/tram/"]);
    for name in ["Icons%0D", "a%0Db", "Icon%0A"] {
        max.put(&format!("/files/tram/d/{name}"), "x").expect(403).await;
    }
    world.sound().await;
}
