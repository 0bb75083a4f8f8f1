//! Locks of RFC 4918 sections 6, 7, 9.10, 9.11 and 10.4.

use super::kit::World;

#[tokio::test]
async fn an_exclusive_lock_is_real() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.put("/files/tram/a", "one").expect(201).await;
    let answer = max.lock("/files/tram/a", "exclusive", "0").header("Timeout", "Second-600").expect(200).await;
    let token = answer.header("lock-token").unwrap().trim_matches(['<', '>']).to_owned();
    for element in ["<D:locktype><D:write/>", "<D:exclusive/>", "<D:depth>0<", "<D:owner>me<", "<D:timeout>Second-600<"]
    {
        assert!(answer.text().contains(element), "{}", answer.text());
    }
    assert!(answer.text().contains(&format!("<D:locktoken><D:href>{token}</D:href></D:locktoken>")));
    assert!(answer.text().contains("<D:lockroot><D:href>/files/tram/a</D:href></D:lockroot>"));
    for client in [&max, &mia] {
        let refused = client.put("/files/tram/a", "x").expect(423).await;
        assert!(
            refused.text().contains("<D:lock-token-submitted><D:href>/files/tram/a</D:href>"),
            "{}",
            refused.text()
        );
        client.delete("/files/tram/a").expect(423).await;
        client.relocate("/files/tram/a", "/files/tram/b").expect(423).await;
        client.proppatch("/files/tram/a", "<D:remove><D:prop><k xmlns=\"u\"/></D:prop></D:remove>").expect(423).await;
        let conflict = client.lock("/files/tram/a", "shared", "0").expect(423).await;
        assert!(conflict.text().contains("<D:no-conflicting-lock><D:href>/files/tram/a</D:href>"));
        client.get("/files/tram/a").expect(200).await;
    }
    // Someone else's token opens nothing.
    mia.put("/files/tram/a", "x").token(&token).expect(423).await;
    max.put("/files/tram/a", "two").token(&token).expect(204).await;
    // Office shows the token in the header of UNLOCK's name.
    max.put("/files/tram/a", "three").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    mia.put("/files/tram/a", "x").header("Lock-Token", &format!("<{token}>")).expect(423).await;
    mia.unlock_at("/files/tram/a").header("Lock-Token", &format!("<{token}>")).expect(403).await;
    let unknown = max.unlock_at("/files/tram/a").header("Lock-Token", "<urn:uuid:none>").expect(409).await;
    assert!(unknown.text().contains("<D:lock-token-matches-request-uri/>"));
    max.unlock_at("/files/tram/a").expect(400).await;
    max.unlock_at("/files/tram/a").header("Lock-Token", &token).expect(204).await;
    mia.put("/files/tram/a", "four").expect(204).await;
}

#[tokio::test]
async fn a_lead_may_unlock_for_others() {
    let world = World::new().await;
    let token = world.client("max").locked("/files/tram/new", "exclusive", "0").await;
    world.client("rita").unlock_at("/files/tram/new").header("Lock-Token", &format!("<{token}>")).expect(403).await;
    world.client("lea").unlock_at("/files/tram/new").header("Lock-Token", &format!("<{token}>")).expect(204).await;
}

#[tokio::test]
async fn shared_locks_agree() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.put("/files/tram/a", "one").expect(201).await;
    let one = max.locked("/files/tram/a", "shared", "0").await;
    let other = mia.locked("/files/tram/a", "shared", "0").await;
    max.lock("/files/tram/a", "exclusive", "0").expect(423).await;
    max.put("/files/tram/a", "x").expect(423).await;
    max.put("/files/tram/a", "x").token(&one).expect(204).await;
    mia.put("/files/tram/a", "y").token(&other).expect(204).await;
    let found = max.propfind("/files/tram/a", "0", "<D:lockdiscovery/>").expect(207).await;
    assert_eq!(found.property("lockdiscovery").unwrap().elements().count(), 2);
}

#[tokio::test]
async fn deep_locks_cover_what_is_below() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/d/a", "one").expect(201).await;
    let inner = mia.locked("/files/tram/d/a", "exclusive", "0").await;
    let refused = max.lock("/files/tram/d", "exclusive", "infinity").expect(423).await;
    assert!(refused.text().contains("/files/tram/d/a"));
    // A folder that holds a locked document can neither go nor move.
    max.delete("/files/tram/d").expect(423).await;
    max.relocate("/files/tram/d", "/files/tram/e").expect(423).await;
    max.put("/files/tram/f", "x").expect(201).await;
    max.relocate("/files/tram/f", "/files/tram/d").expect(423).await;
    mia.unlock_at("/files/tram/d/a").header("Lock-Token", &format!("<{inner}>")).expect(204).await;
    let token = max.locked("/files/tram/d", "exclusive", "infinity").await;
    for (method, path) in [("PUT", "/files/tram/d/a"), ("PUT", "/files/tram/d/new"), ("DELETE", "/files/tram/d/a")] {
        mia.ask(method, path).expect(423).await;
        max.ask(method, path).expect(423).await;
    }
    mia.lock("/files/tram/d/a", "exclusive", "0").expect(423).await;
    max.put("/files/tram/d/new", "x").token(&token).expect(201).await;
    let found = mia.propfind("/files/tram/d/a", "0", "<D:lockdiscovery/>").expect(207).await;
    assert!(found.text().contains("<D:lockroot><D:href>/files/tram/d/</D:href>"));
    let members = mia.propfind("/files/tram/d/", "1", "<D:lockdiscovery/>").expect(207).await;
    assert_eq!(members.text().matches("<D:activelock>").count(), 3);
    // Refreshed through what it covers, and unlocked there, too.
    max.ask("LOCK", "/files/tram/d/a").token(&token).header("Timeout", "Second-90").expect(200).await;
    mia.ask("LOCK", "/files/tram/d/a").token(&token).expect(412).await;
    max.unlock_at("/files/tram/d/a").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    mia.put("/files/tram/d/a", "free").expect(204).await;
}

#[tokio::test]
async fn a_shallow_lock_on_a_folder_guards_its_members_names() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/d/a", "one").expect(201).await;
    let token = max.locked("/files/tram/d", "exclusive", "0").await;
    mia.put("/files/tram/d/a", "content is free").expect(204).await;
    mia.put("/files/tram/d/b", "x").expect(423).await;
    mia.delete("/files/tram/d/a").expect(423).await;
    max.delete("/files/tram/d/a").header("If", &format!("</files/tram/d/> (<{token}>)")).expect(204).await;
}

#[tokio::test]
async fn a_lock_makes_an_unmapped_name() {
    let world = World::new().await;
    let max = world.client("max");
    let answer = max.lock("/files/tram/new.odt", "exclusive", "0").header("If-None-Match", "*").expect(201).await;
    let token = answer.header("lock-token").unwrap().to_owned();
    max.lock("/files/tram/new.odt", "exclusive", "0").header("If-None-Match", "*").expect(412).await;
    let empty = max.get("/files/tram/new.odt").expect(200).await;
    assert_eq!(empty.header("content-length"), Some("0"));
    max.put("/files/tram/new.odt", "text").header("If", &format!("({token})")).expect(204).await;
    max.lock("/files/tram/none/new", "exclusive", "0").expect(409).await;
    max.lock("/files/tram/bad%3Aname", "exclusive", "0").expect(403).await;
    world.client("rita").lock("/files/tram/x", "exclusive", "0").expect(403).await;
    world.client("rita").lock("/files/tram/new.odt", "exclusive", "0").expect(403).await;
}

#[tokio::test]
async fn locks_go_with_what_they_lock() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "one").expect(201).await;
    let token = max.locked("/files/tram/a", "exclusive", "0").await;
    max.delete("/files/tram/a").token(&token).expect(204).await;
    max.put("/files/tram/a", "no token needed").expect(201).await;
    let token = max.locked("/files/tram/a", "exclusive", "0").await;
    max.relocate("/files/tram/a", "/files/tram/b").token(&token).expect(201).await;
    max.put("/files/tram/b", "free").expect(204).await;
    let token = max.locked("/files/tram/b", "exclusive", "0").await;
    max.copy("/files/tram/b", "/files/tram/c").expect(201).await;
    max.put("/files/tram/c", "a copy is not locked").expect(204).await;
    max.put("/files/tram/over", "x").expect(201).await;
    max.relocate("/files/tram/over", "/files/tram/b").expect(423).await;
    max.relocate("/files/tram/over", "/files/tram/b")
        .header("If", &format!("</files/tram/b> (<{token}>)"))
        .expect(204)
        .await;
    world.sound().await;
}

#[tokio::test]
async fn refresh_keeps_the_token() {
    let world = World::new().await;
    let max = world.client("max");
    let token = max.locked("/files/tram/a", "exclusive", "0").await;
    let refreshed = max.ask("LOCK", "/files/tram/a").token(&token).header("Timeout", "Infinite").expect(200).await;
    assert_eq!(refreshed.header("lock-token"), Some(format!("<{token}>").as_str()));
    assert!(refreshed.text().contains("<D:timeout>Second-86400<"), "{}", refreshed.text());
    max.ask("LOCK", "/files/tram/a")
        .header("If", &format!("<http://{}/files/tram/a> (<{token}>)", world.address))
        .expect(200)
        .await;
    max.ask("LOCK", "/files/tram/a").expect(400).await;
    max.ask("LOCK", "/files/tram/a").token("urn:uuid:none").expect(412).await;
    let body = "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope></D:lockinfo>";
    max.ask("LOCK", "/files/tram/b").body(body).expect(400).await;
    max.lock("/files/tram/b", "exclusive", "1").expect(400).await;
}

#[tokio::test]
async fn locks_outlive_the_server() {
    let mut world = World::new().await;
    let token = world.client("max").locked("/files/tram/a", "exclusive", "0").await;
    world.stop().await;
    let tree = beffroi::tree::Tree::open(world.data.path(), true).await.unwrap();
    let request = beffroi::tree::gate::Request::of(
        beffroi::model::method::Method::Delete,
        beffroi::model::path::Path::of(&["files", "tram", "a"]),
        tree.owner("max").await.unwrap(),
    );
    let refused = tree.write(&request).await.map(|_| ()).unwrap_err();
    assert!(format!("{refused}").contains("LockTokenSubmitted"), "{refused}");
    let admitted = tree.read(&request).await.map(|_| ()).unwrap_err();
    assert!(format!("{admitted}").contains("LockTokenSubmitted"), "{token} {admitted}");
}
