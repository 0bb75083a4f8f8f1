//! Names: any script, NFC and NFD, case, and what Windows cannot open.

use super::kit::World;

#[tokio::test]
async fn any_script_in_one_spelling() {
    let world = World::new().await;
    let max = world.client("max");
    // "café" decomposed, as macOS sends it, and composed.
    max.put("/files/tram/cafe%CC%81.txt", "x").expect(201).await;
    assert_eq!(max.get("/files/tram/caf%C3%A9.txt").expect(200).await.text(), "x");
    let name = "日本 %26 (été);'~$#+,@=!.txt".replace("%26", "&");
    let encoded: String = name.bytes().map(|b| format!("%{b:02x}")).collect();
    max.put(&format!("/files/tram/{encoded}"), "y").expect(201).await;
    let listed = max.propfind("/files/tram/", "1", "<D:displayname/>").expect(207).await;
    assert!(listed.hrefs().contains(&"/files/tram/caf%C3%A9.txt".to_owned()));
    let canonical = "/files/tram/%E6%97%A5%E6%9C%AC%20%26%20(%C3%A9t%C3%A9)%3B'~$%23+,@=!.txt";
    assert!(listed.hrefs().contains(&canonical.to_owned()), "{:?}", listed.hrefs());
    assert!(listed.text().contains(&format!("<D:displayname>{}</D:displayname>", name.replace('&', "&amp;"))));
    assert_eq!(max.get(canonical).expect(200).await.text(), "y");
}

#[tokio::test]
async fn case_is_kept_and_not_told_apart() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/Plan.docx", "x").expect(201).await;
    assert_eq!(max.get("/files/tram/PLAN.DOCX").expect(200).await.text(), "x");
    let found = max.propfind("/files/tram/plan.docx", "0", "<D:displayname/>").expect(207).await;
    assert_eq!(
        (found.hrefs()[0].as_str(), found.value("displayname").as_str()),
        ("/files/tram/plan.docx", "Plan.docx")
    );
    // A client that tells case apart believes the name free: it must not overwrite.
    let refused = max.put("/files/tram/plan.docx", "y").header("Accept-Language", "fr").expect(403).await;
    assert!(refused.text().contains("name-not-taken") && refused.text().contains("existe déjà"), "{}", refused.text());
    max.put("/files/tram/other", "z").expect(201).await;
    max.relocate("/files/tram/other", "/files/tram/PLAN.docx").expect(403).await;
    max.mkcol("/files/tram/PLAN.docx").expect(405).await;
    assert_eq!(max.get("/files/tram/Plan.docx").expect(200).await.text(), "x");
    // Who holds its lock knows it (Windows opens by any spelling).
    let token = max.locked("/files/tram/PLAN.docx", "exclusive", "0").await;
    max.put("/files/tram/PLAN.docx", "w").token(&token).expect(204).await;
    max.unlock_at("/files/tram/plan.docx").header("Lock-Token", &token).expect(204).await;
    // A change of case alone is a rename.
    max.relocate("/files/tram/Plan.docx", "/files/tram/PLAN.docx").header("Overwrite", "F").expect(201).await;
    let listed = max.propfind("/files/tram/", "1", "").expect(207).await.hrefs();
    assert_eq!(listed, ["/files/tram/", "/files/tram/other", "/files/tram/PLAN.docx"]);
    world.sound().await;
}

#[tokio::test]
async fn names_that_windows_cannot_open_are_refused_with_a_reason() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    for name in ["a%3Ab", "a%3Fb", "a%5Cb", "a%22", "end.", "end%20", "CON", "com1.txt", "a%01", "x%EF%BF%BF"] {
        let path = format!("/files/tram/{name}");
        let refused = max.put(&path, "x").expect(403).await;
        assert!(refused.text().contains("<B:name-allowed/><B:message xml:lang=\"en\">"), "{name}: {}", refused.text());
        max.mkcol(&path).expect(403).await;
        max.relocate("/files/tram/a", &path).expect(403).await;
        max.copy("/files/tram/a", &path).expect(403).await;
    }
    max.put(&format!("/files/tram/{}", "n".repeat(256)), "x").expect(403).await;
    max.put(&format!("/files/tram/{}", "n".repeat(255)), "x").expect(201).await;
    for path in ["/files/tram/%2e%2e/x", "/files/tram/a%2Fb", "/files/tram/%00", "/files/tram/%ff"] {
        max.put(path, "x").expect(400).await;
    }
    assert_eq!(max.propfind("/files/tram/", "1", "").expect(207).await.hrefs().len(), 3);
}

#[tokio::test]
async fn litter_is_accepted_and_probes_are_cheap() {
    let world = World::new().await;
    let max = world.client("max");
    for name in
        [".DS_Store", "._a.docx", "~$a.docx", ".~lock.a.odt%23", "Thumbs.db", "desktop.ini", "a.tmp", ".a.swp", "a~"]
    {
        max.propfind(&format!("/files/tram/{name}"), "0", "").expect(404).await;
        max.put(&format!("/files/tram/{name}"), "x").expect(201).await;
        max.delete(&format!("/files/tram/{name}")).expect(204).await;
    }
}
