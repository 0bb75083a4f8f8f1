//! Logging in: every method challenged, device and account passwords, ends and revocations, throttling.

use beffroi::model::method::METHODS;

use super::kit::{World, basic};
use beffroi::model::principal::Scope;

#[tokio::test]
async fn every_method_is_challenged_everywhere() {
    let world = World::new().await;
    let nobody = world.nobody();
    for (_, method) in METHODS {
        for path in ["/", "/files/", "/files/tram/", "/files/none", "/principals/max/"] {
            let answer = nobody.ask(method, path).expect(401).await;
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Beffroi\", charset=\"UTF-8\""));
        }
    }
    nobody.get("/health").expect(200).await;
    let found = nobody.ask("PROPFIND", "/.well-known/caldav").expect(301).await;
    assert_eq!(found.header("location"), Some("/"));
    for header in ["Bearer", "Bearer ", "Basic", "Basic ?", "Digest x", "Basic YQ=="] {
        nobody.get("/files/").header("Authorization", header).expect(401).await;
    }
}

#[tokio::test]
async fn device_passwords() {
    let world = World::new().await;
    let password = world.tree.add_device("max", "phone", Scope::All, false, None).await.unwrap();
    for name in ["max", "MAX", "max@ville.example", "MAX@Ville.example", "MAIRIE\\max", "MAIRIE\\\\max"] {
        world.login(name, &password).get("/files/").expect(200).await;
    }
    world.login("max", &password.replace('-', "")).get("/files/").expect(200).await;
    for name in ["mia", "", "max2"] {
        world.login(name, &password).get("/files/").expect(401).await;
    }
    world.tree.revoke_device("max", "phone").await.unwrap();
    world.login("max", &password).get("/files/").expect(401).await;
    let ended = beffroi::model::id::now() - 1;
    let old = world.tree.add_device("max", "old", Scope::All, false, Some(ended)).await.unwrap();
    world.login("max", &old).get("/files/").expect(401).await;
    let reads = world.tree.add_device("max", "screen", Scope::Files, true, None).await.unwrap();
    let screen = world.login("max", &reads);
    screen.get("/files/tram/").expect(200).await;
    screen.put("/files/tram/a", "x").expect(403).await;
    let calendars = world.tree.add_device("max", "watch", Scope::Calendars, false, None).await.unwrap();
    let watch = world.login("max", &calendars);
    watch.get("/files/tram/").expect(404).await;
    assert_eq!(watch.propfind("/files/", "1", "").expect(207).await.hrefs(), ["/files/"]);
    let used = world.tree.devices("max").await.unwrap();
    assert!(used.iter().find(|d| d.label == "screen").unwrap().used_at.is_some());
    world.tree.set_disabled("max", true).await.unwrap();
    screen.get("/files/tram/").expect(401).await;
    world.tree.set_disabled("max", false).await.unwrap();
    screen.get("/files/tram/").expect(200).await;
    world.tree.remove_person("max").await.unwrap();
    screen.get("/files/tram/").expect(401).await;
    world.client("lea").get("/files/max/").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn account_passwords() {
    let world = World::new().await;
    world.tree.add_person("Élodie", "Élodie", "elodie@ville.example", Some("été 42".to_owned())).await.unwrap();
    let right = world.login("Élodie", "été 42");
    for _ in 0..3 {
        right.get("/files/").expect(200).await;
    }
    let latin: Vec<u8> = "elodie@ville.example:été 42".chars().map(|c| c as u8).collect();
    use base64::Engine as _;
    let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(latin));
    world.nobody().get("/files/").header("Authorization", &header).expect(200).await;
    world.login("Élodie", "wrong").get("/files/").expect(401).await;
    // Someone guesses; who is right is let in all the same.
    let guesses: Vec<_> = (0..15)
        .map(|n| {
            let guess = world.login("Élodie", &format!("guess {n}"));
            tokio::spawn(async move { guess.get("/files/").expect(401).await })
        })
        .collect();
    right.get("/files/").expect(200).await;
    for guess in guesses {
        guess.await.unwrap();
    }
    let without = World::with(|config| config.login.dav_account_password = false).await;
    without.tree.add_person("bob", "Bob", "bob@ville.example", Some("secret".to_owned())).await.unwrap();
    without.login("bob", "secret").get("/files/").expect(401).await;
}

#[tokio::test]
async fn roles_end_on_their_instant() {
    let world = World::new().await;
    let zoe = world.client("zoe");
    zoe.get("/files/tram/").expect(404).await;
    let role = beffroi::model::privilege::Role::Reader;
    world.tree.add_member("tram", "zoe", role, Some(beffroi::model::id::now() + 3600)).await.unwrap();
    zoe.get("/files/tram/").expect(200).await;
    world.tree.add_member("tram", "zoe", role, Some(beffroi::model::id::now())).await.unwrap();
    zoe.get("/files/tram/").expect(404).await;
    assert_eq!(zoe.propfind("/files/", "1", "").expect(207).await.hrefs(), ["/files/", "/files/zoe/"]);
    world.tree.close_project("tram").await.unwrap();
    let max = world.client("max");
    max.get("/files/tram/").expect(200).await;
    max.put("/files/tram/a", "x").expect(403).await;
    assert!(basic("a", "b").starts_with("Basic "));
}
