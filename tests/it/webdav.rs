//! The methods of RFC 4918 and RFC 9110: documents, folders, copies, moves, ranges, conditions.

use super::kit::World;

#[tokio::test]
async fn documents_come_and_go() {
    let world = World::new().await;
    let max = world.client("max");
    let made = max.put("/files/tram/a.txt", "one").expect(201).await;
    let etag = made.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && made.header("last-modified").is_some());
    let got = max.get("/files/tram/a.txt").expect(200).await;
    assert_eq!((got.text().as_str(), got.header("etag")), ("one", Some(etag.as_str())));
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    assert!(got.header("content-security-policy").unwrap().contains("sandbox"));
    assert!(got.header("date").is_some());
    let head = max.head("/files/tram/a.txt").expect(200).await;
    assert_eq!(head.header("content-length"), Some("3"));
    let changed = max.put("/files/tram/a.txt", "two").expect(204).await;
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
    // The same bytes again have the same tag.
    let again = max.put("/files/tram/a.txt", "two").expect(204).await;
    assert_eq!(again.header("etag"), changed.header("etag"));
    max.delete("/files/tram/a.txt").expect(204).await;
    let gone = max.get("/files/tram/a.txt").expect(404).await;
    assert_eq!(gone.header("cache-control"), Some("no-store"));
    max.delete("/files/tram/a.txt").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn where_things_cannot_be_made() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/none/a.txt", "x").expect(409).await;
    max.put("/files/tram/a.txt", "x").expect(201).await;
    max.put("/files/tram/a.txt/b.txt", "x").expect(409).await;
    max.mkcol("/files/tram/none/sub").expect(409).await;
    max.mkcol("/files/tram/a.txt").expect(405).await;
    max.mkcol("/files/tram/sub").expect(201).await;
    max.mkcol("/files/tram/sub/").expect(405).await;
    let refused = max.put("/files/tram/sub/", "x").expect(405).await;
    assert!(refused.header("allow").unwrap().contains("PROPFIND"));
    for (method, path) in [("PUT", "/x.txt"), ("PUT", "/principals/x"), ("MKCOL", "/x"), ("DELETE", "/files/tram/")] {
        max.ask(method, path).body("x").expect(405).await;
    }
    max.ask("PUT", "/files/newhome").body("x").expect(404).await;
    max.ask("BREW", "/files/tram/").expect(501).await;
    max.put("/files/tram/part.bin", "x").header("Content-Range", "bytes 0-0/10").expect(400).await;
    max.get("/files/tram/part.bin").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn folders_are_made_with_properties() {
    let world = World::new().await;
    let max = world.client("max");
    let body = |inner: &str| format!("<D:mkcol xmlns:D=\"DAV:\"><D:set><D:prop>{inner}</D:prop></D:set></D:mkcol>");
    let collection = "<D:resourcetype><D:collection/></D:resourcetype>";
    max.mkcol("/files/tram/new%20folder").expect(201).await;
    max.mkcol("/files/tram/e")
        .header("Content-Type", "application/xml")
        .body(&body(&format!("{collection}<D:displayname>e</D:displayname><x:k xmlns:x=\"urn:x\">v</x:k>")))
        .expect(201)
        .await;
    let found = max.propfind("/files/tram/e/", "0", "<x:k xmlns:x=\"urn:x\"/>").expect(207).await;
    assert_eq!(found.value("k"), "v");
    let calendar =
        "<D:resourcetype><D:collection/><C:calendar xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/></D:resourcetype>";
    let refused =
        max.mkcol("/files/tram/c").header("Content-Type", "application/xml").body(&body(calendar)).expect(403).await;
    assert!(refused.text().contains("<D:valid-resourcetype/>"));
    let refused = max
        .mkcol("/files/tram/p")
        .header("Content-Type", "text/xml")
        .body(&body("<D:getetag>x</D:getetag><x:k xmlns:x=\"urn:x\">v</x:k>"))
        .expect(403)
        .await;
    assert!(refused.text().contains("mkcol-response") && refused.text().contains(" 424 "), "{}", refused.text());
    max.get("/files/tram/p").expect(404).await;
    max.mkcol("/files/tram/t").header("Content-Type", "text/plain").body("hello").expect(415).await;
    max.mkcol("/files/tram/t").header("Content-Type", "text/xml").body("<D:mkcol").expect(400).await;
}

#[tokio::test]
async fn conditions() {
    let world = World::new().await;
    let max = world.client("max");
    let etag = max.put("/files/tram/a", "one").expect(201).await.header("etag").unwrap().to_owned();
    max.put("/files/tram/a", "x").header("If-None-Match", "*").expect(412).await;
    max.put("/files/tram/a", "x").header("If-Match", "\"other\"").expect(412).await;
    max.put("/files/tram/b", "x").header("If-Match", "*").expect(412).await;
    max.get("/files/tram/b").expect(404).await;
    let not = max.get("/files/tram/a").header("If-None-Match", &etag).expect(304).await;
    assert_eq!(not.header("etag"), Some(etag.as_str()));
    let date = max.get("/files/tram/a").expect(200).await.header("last-modified").unwrap().to_owned();
    max.get("/files/tram/a").header("If-Modified-Since", &date).expect(304).await;
    max.delete("/files/tram/a").header("If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT").expect(412).await;
    max.delete("/files/tram/a").header("If", "([\"other\"])").expect(412).await;
    max.delete("/files/tram/a").header("If", "nonsense").expect(400).await;
    max.put("/files/tram/a", "two").header("If-Match", &etag.replace('"', "\\\"")).expect(204).await;
    max.delete("/files/tram/a").header("If", &format!("(Not <DAV:no-lock>) ([{etag}])")).expect(204).await;
}

#[tokio::test]
async fn ranges_of_small_and_large_documents() {
    let world = World::new().await;
    let max = world.client("max");
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    for content in [b"0123456789".to_vec(), large] {
        max.put("/files/tram/r.bin", &content).send().await;
        assert_eq!(max.get("/files/tram/r.bin").expect(200).await.body, content);
        let size = content.len();
        for (range, from, to) in
            [("bytes=2-5", 2, 6), ("bytes=4-", 4, size), ("bytes=-3", size - 3, size), ("bytes=1-99999999", 1, size)]
        {
            let part = max.get("/files/tram/r.bin").header("Range", range).expect(206).await;
            assert_eq!(part.body, content[from..to], "{range}");
            assert_eq!(part.header("content-range").unwrap(), format!("bytes {from}-{}/{size}", to - 1));
        }
        let beyond = max.get("/files/tram/r.bin").header("Range", "bytes=99999999-").expect(416).await;
        assert_eq!(beyond.header("content-range").unwrap(), format!("bytes */{size}"));
        let several = max.get("/files/tram/r.bin").header("Range", "bytes=0-1,5-6").expect(206).await;
        assert!(several.header("content-type").unwrap().starts_with("multipart/byteranges"));
        let parts = [&content[0..2], &content[5..7]];
        for part in parts {
            assert!(several.body.windows(2).any(|w| w == part));
        }
        let stale =
            max.get("/files/tram/r.bin").header("Range", "bytes=0-1").header("If-Range", "\"x\"").expect(200).await;
        assert_eq!(stale.body.len(), size);
        let head = max.head("/files/tram/r.bin").header("Range", "bytes=0-1").expect(200).await;
        assert_eq!(head.header("content-length").unwrap(), size.to_string());
    }
}

#[tokio::test]
async fn copies() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/d").expect(201).await;
    max.mkcol("/files/tram/d/sub").expect(201).await;
    max.put("/files/tram/d/sub/a", "deep").expect(201).await;
    max.proppatch("/files/tram/d/sub/a", "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>").expect(207).await;
    max.copy("/files/tram/d", "/files/tram/e/").expect(201).await;
    assert_eq!(max.get("/files/tram/e/sub/a").expect(200).await.text(), "deep");
    let found = max.propfind("/files/tram/e/sub/a", "0", "<k xmlns=\"u\"/>").expect(207).await;
    assert_eq!(found.value("k"), "v");
    max.copy("/files/tram/d", "/files/tram/e").header("Overwrite", "F").expect(412).await;
    max.copy("/files/tram/d", "/files/tram/e").expect(204).await;
    max.copy("/files/tram/d", "/files/tram/shallow").header("Depth", "0").expect(201).await;
    max.get("/files/tram/shallow/sub").expect(404).await;
    max.copy("/files/tram/d", "/files/tram/d").expect(403).await;
    max.copy("/files/tram/d", "/files/tram/d/sub/in").expect(403).await;
    max.copy("/files/tram/d", "/files/tram/none/x").expect(409).await;
    max.copy("/files/tram/d", "http://elsewhere.example/files/tram/x").expect(502).await;
    max.copy("/files/tram/d", "/x").expect(403).await;
    max.copy("/files/tram/none", "/files/tram/x").expect(404).await;
    max.ask("COPY", "/files/tram/d").expect(400).await;
    // From the project to one's own home.
    max.copy("/files/tram/d", "/files/max/d").expect(201).await;
    assert_eq!(max.get("/files/max/d/sub/a").expect(200).await.text(), "deep");
    world.sound().await;
}

#[tokio::test]
async fn moves_keep_identity() {
    let world = World::new().await;
    let max = world.client("max");
    let href = |answer: super::kit::Answer| answer.property("resource-id").unwrap().dav("href").unwrap().text();
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/d/a", "one").expect(201).await;
    let before = href(max.propfind("/files/tram/d/a", "0", "<D:resource-id/>").expect(207).await);
    max.relocate("/files/tram/d/", "/files/tram/e").expect(201).await;
    max.get("/files/tram/d/a").expect(404).await;
    let after = href(max.propfind("/files/tram/e/a", "0", "<D:resource-id/>").expect(207).await);
    assert_eq!(before, after);
    // In another home it is another: the past belongs to the home where it was made. What was there goes.
    max.put("/files/max/e", "old").expect(201).await;
    max.relocate("/files/tram/e", "/files/max/e").header("Overwrite", "F").expect(412).await;
    max.relocate("/files/tram/e", "/files/max/e").expect(204).await;
    let there = href(max.propfind("/files/max/e/a", "0", "<D:resource-id/>").expect(207).await);
    assert_ne!(before, there);
    max.put("/files/max/e/a", "two").expect(204).await;
    max.relocate("/files/max/e", "/files/max/e/in").expect(403).await;
    max.relocate("/files/max/e/a", "/files/max/e").expect(403).await;
    max.relocate("/files/max/e", "/files/max/e").expect(403).await;
    max.relocate("/files/max/e", "/files/tram/back").expect(201).await;
    assert_eq!(max.get("/files/tram/back/a").expect(200).await.text(), "two");
    world.sound().await;
}

#[tokio::test]
async fn listings_for_browsers() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/%3Cscript%3E.txt", "x").expect(403).await;
    max.put("/files/tram/a%20%26%20b'.html", "<script>alert(1)</script>").expect(201).await;
    let page = max.get("/files/tram/").header("Accept-Language", "fr").expect(200).await;
    assert!(page.text().contains("Dossier parent") && page.text().contains("a &amp; b"), "{}", page.text());
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    max.head("/files/tram/").expect(200).await;
    max.get("/").expect(200).await;
    let html = max.get("/files/tram/a%20%26%20b'.html").expect(200).await;
    assert_eq!(html.header("content-security-policy"), Some("sandbox; default-src 'none'"));
}

#[tokio::test]
async fn ten_thousand_documents_cost_by_the_change() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/many").expect(201).await;
    let actor = world.tree.owner("max").await.unwrap();
    for batch in 0..100 {
        // Through the tree, as an import does it: the wire would only cost time here.
        let writes = (0..100).map(|n| {
            let (tree, actor) = (world.tree.clone(), actor.clone());
            async move {
                use beffroi::tree::edit::content::{Content, FileContent};
                let path =
                    beffroi::model::path::Path::of(&["files", "tram", "many", &format!("n{batch:03}-{n:03}.txt")]);
                let request = beffroi::tree::gate::Request::of(beffroi::model::method::Method::Put, path, actor);
                let mut staging = tree.stage();
                staging.write(format!("{batch} {n}").as_bytes()).await.unwrap();
                let blob = beffroi::tree::finish(staging).await.unwrap();
                let mut admitted = tree.write(&request).await.unwrap();
                let content = FileContent::document(blob, "text/plain".into());
                admitted.bind(Content::File(content)).await.unwrap();
                admitted.commit().await.unwrap();
            }
        });
        let tasks: Vec<_> = writes.map(tokio::spawn).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    let listed = max.propfind("/files/tram/many/", "1", "<D:getetag/>").expect(207).await;
    assert_eq!(listed.header("transfer-encoding"), Some("chunked"));
    assert_eq!(listed.text().matches("<D:response>").count(), 10_001);
    let token = max.propfind("/files/tram/many/", "0", "<D:sync-token/>").expect(207).await.value("sync-token");
    max.put("/files/tram/many/n050-050.txt", "changed").expect(204).await;
    let changes = max.sync("/files/tram/many/", &token, "1", "").expect(207).await;
    assert_eq!(changes.statuses(), [("/files/tram/many/n050-050.txt".to_owned(), 200)]);
    max.relocate("/files/tram/many", "/files/tram/moved").expect(201).await;
    assert_eq!(max.get("/files/tram/moved/n099-099.txt").expect(200).await.text(), "99 99");
    max.delete("/files/tram/moved").expect(204).await;
    world.sound().await;
}

#[tokio::test]
async fn deep_paths_lead_where_they_say() {
    let world = World::new().await;
    let max = world.client("max");
    let mut path = "/files/tram".to_owned();
    for depth in 3..16 {
        path.push_str(&format!("/b{depth}"));
        max.mkcol(&path).expect(201).await;
    }
    for depth in 3..16 {
        // A name that is missing on the way is never skipped.
        let missing = path.replace(&format!("/b{depth}"), "/nope");
        max.put(&format!("{missing}/x"), "x").expect(409).await;
        max.get(&missing).expect(404).await;
    }
    max.put(&format!("{path}/x"), "deep").expect(201).await;
    assert_eq!(max.get(&format!("{path}/x")).expect(200).await.text(), "deep");
    for segments in [10, 11, 12, 13] {
        let folder = path.split('/').take(segments + 1).collect::<Vec<_>>().join("/");
        let token = max.locked(&folder, "exclusive", "infinity").await;
        let found = max.propfind(&path, "0", "<D:lockdiscovery/>").expect(207).await;
        assert_eq!(found.text().matches("<D:activelock>").count(), 1, "{folder}");
        max.unlock_at(&folder).header("Lock-Token", &token).expect(204).await;
    }
}

#[tokio::test]
async fn an_address_that_was_not_escaped_leads_nowhere_else() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/report", "precious").expect(201).await;
    max.put("/files/tram/other", "x").expect(201).await;
    for name in ["report#2.docx", "report?2.docx"] {
        max.relocate("/files/tram/other", &format!("/files/tram/{name}")).expect(400).await;
    }
    assert_eq!(max.get("/files/tram/report").expect(200).await.text(), "precious");
    // Nothing is learned of a home that one may not read, not even the spelling of its name.
    let one = max.copy("/files/tram/other", "/files/ZOE/x").expect(409).await;
    let other = max.copy("/files/tram/other", "/files/NONE/x").expect(409).await;
    assert_eq!(one.text().replace("ZOE", "NONE"), other.text());
    world.client("zoe").get("/principals/tram/").expect(404).await;
    max.get("/principals/tram/").expect(200).await;
    max.options("*").expect(200).await;
}
