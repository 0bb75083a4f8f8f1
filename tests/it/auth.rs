//! Logging in: every method challenged, device and account passwords, ends and revocations, and who guesses.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use beffroi::model::method::METHODS;
use beffroi::model::principal::DeviceScope;
use beffroi::tree::administration::AdministrationError;
use beffroi::tree::authentication::{Credentials, PasswordCache};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::kit::{World, basic};

const RIGHT: &str = "right-Password-1";
const FORWARDED: &str = "X-Forwarded-For";
/// How long the right one may wait here, where tests run side by side unoptimised; the suite `hostile` measures it.
const SOON: Duration = Duration::from_secs(8);

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

/// Who asks is said once: of two, a proxy and we might believe different ones.
#[tokio::test]
async fn two_log_ins_are_none() {
    let world = World::new().await;
    let line = |name: &str| world.client(name).authorization.unwrap();
    for second in ["max", "lea", "none"] {
        let second = if second == "none" { "Bearer".to_owned() } else { line(second) };
        world.nobody().get("/files/").header("Authorization", &line("max")).expect(200).await;
        let two = world.nobody();
        let ask = two.get("/files/").header("Authorization", &line("max")).header("Authorization", &second);
        ask.expect(401).await;
    }
}

#[tokio::test]
async fn device_passwords() {
    let world = World::new().await;
    let password = world.tree.add_device("max", "phone", DeviceScope::All, false, None).await.unwrap();
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
    let old = world.tree.add_device("max", "old", DeviceScope::All, false, Some(ended)).await.unwrap();
    world.login("max", &old).get("/files/").expect(401).await;
    let reads = world.tree.add_device("max", "screen", DeviceScope::Files, true, None).await.unwrap();
    let screen = world.login("max", &reads);
    screen.get("/files/tram/").expect(200).await;
    screen.put("/files/tram/a", "x").expect(403).await;
    let calendars = world.tree.add_device("max", "watch", DeviceScope::Calendars, false, None).await.unwrap();
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
    world.tree.add_person("Élodie", "Élodie", "elodie@ville.example", Some("Été 42 à Reims".to_owned())).await.unwrap();
    let right = world.login("Élodie", "Été 42 à Reims");
    for _ in 0..3 {
        right.get("/files/").expect(200).await;
    }
    let latin: Vec<u8> = "elodie@ville.example:Été 42 à Reims".chars().map(|c| c as u8).collect();
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
    without.tree.add_person("bob", "Bob", "bob@ville.example", Some("Bob-Secret-42".to_owned())).await.unwrap();
    without.login("bob", "Bob-Secret-42").get("/files/").expect(401).await;
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

/// A world behind a proxy, so that a test can come from any address, with a person who has an account password.
async fn guessed_at() -> World {
    let world = World::with(|config| config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    world.tree.add_person("ada", "Ada", "ada@ville.example", Some(RIGHT.to_owned())).await.unwrap();
    world
}

#[tokio::test]
async fn the_right_one_is_let_in_while_others_guess() {
    /// Name, password and address of a try.
    type Guess = fn(usize) -> (String, String, String);
    let floods: [(&str, Guess); 5] = [
        ("the same name from other addresses", |n| ("ada".into(), format!("g{n}"), format!("10.1.0.{}", n % 250))),
        ("other names from the same address", |n| (format!("name{}", n % 40), format!("g{n}"), "192.0.2.1".into())),
        ("many names from many addresses", |n| (format!("name{n}"), "g".into(), format!("10.{}.0.{}", n % 9, n % 250))),
        ("the same name from the same address", |n| ("ada".into(), format!("g{n}"), "192.0.2.1".into())),
        ("wrong device passwords", |n| {
            let password = format!("abcd-efgh-ijkm-npqr-stuv-wxyz-2345-{:04}", n % 5000).replace(['0', '1'], "a");
            ("ada".into(), password, "192.0.2.1".into())
        }),
    ];
    for (what, guess) in floods {
        let world = guessed_at().await;
        // So many programs that come back as soon as they are answered.
        let at_once = Arc::new(Semaphore::new(150));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let mut tries = JoinSet::new();
        for n in 0..500 {
            let (name, password, address) = guess(n);
            let (client, at_once, answers) = (world.login(&name, &password), at_once.clone(), answers.clone());
            tries.spawn(async move {
                let _one = at_once.acquire().await.unwrap();
                let answer = client.get("/files/").header(FORWARDED, &address).send().await;
                answers.lock().unwrap().push((answer.status, answer.header("retry-after").is_some()));
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let right = world.login("ada", RIGHT);
        let max = world.client("max");
        loop {
            let since = Instant::now();
            let answer = right.get("/files/").header(FORWARDED, "192.0.2.1").send().await;
            assert!(since.elapsed() < SOON, "{what}: {:?}", since.elapsed());
            if answer.status == 200 {
                break;
            }
            // Where nothing distinguishes the right one, it may have to come again, as the answer says.
            assert_eq!(answer.status, 429, "{what}");
            let after = answer.header("retry-after").unwrap().parse().unwrap();
            tokio::time::sleep(Duration::from_secs(after)).await;
        }
        let since = Instant::now();
        max.get("/files/tram/").header(FORWARDED, "192.0.2.1").expect(200).await;
        assert!(since.elapsed() < SOON, "{what}, a device: {:?}", since.elapsed());
        tries.abort_all();
        let answers = answers.lock().unwrap();
        assert!(answers.iter().all(|answer| [(401, false), (429, true)].contains(answer)), "{what}: {answers:?}");
        if what.starts_with("the same name") {
            assert!(answers.contains(&(429, true)), "{what}: no bound");
        }
    }
}

#[tokio::test]
async fn who_has_gone_keeps_nobody_waiting() {
    let world = guessed_at().await;
    world.tree.add_person("dave", "Dave", "dave@ville.example", Some(RIGHT.to_owned())).await.unwrap();
    for n in 0..200 {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let credentials = basic("ada", &format!("guess {n}"));
        let head =
            format!("GET / HTTP/1.1\r\nHost: x\r\n{FORWARDED}: 10.0.0.{n}\r\nAuthorization: {credentials}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
    }
    let since = Instant::now();
    world.login("dave", RIGHT).get("/files/").header(FORWARDED, "192.0.2.7").expect(200).await;
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
}

#[tokio::test]
async fn all_names_of_a_person_wait_in_one_queue() {
    let world = guessed_at().await;
    let names = ["ada", "ADA", "ada@ville.example", "MAIRIE\\ada", "Ada@Ville.Example"];
    let mut tries = JoinSet::new();
    for n in 0..150 {
        let guess = world.login(names[n % names.len()], &format!("guess {n}"));
        tries.spawn(async move { guess.get("/files/").header(FORWARDED, &format!("10.0.0.{n}")).send().await.status });
    }
    // None of the names alone has so many that one would be sent away.
    while let Some(status) = tries.join_next().await {
        if status.unwrap() == 429 {
            return;
        }
    }
    panic!("nobody was sent away");
}

#[tokio::test]
async fn a_name_that_nobody_bears_goes_the_same_way() {
    let world = guessed_at().await;
    world.tree.add_person("bea", "Bea", "bea@ville.example", Some(RIGHT.to_owned())).await.unwrap();
    world.tree.set_disabled("bea", true).await.unwrap();
    let cache = PasswordCache::new().unwrap();
    let look = async |name: &str, password: &str, accounts| {
        world.tree.authenticate(&cache, name, password, accounts).await.unwrap()
    };
    let device = "abcd-efgh-ijkm-npqr-stuv-wxyz-2345-6789";
    // Known, disabled, without an account password, not known: a guess costs the same, and so does a device in a loop.
    for name in ["ada", "bea", "max", "nobody", ""] {
        assert!(matches!(look(name, "guess", true).await, Credentials::AccountPassword(_)), "{name}");
        assert!(matches!(look(name, device, true).await, Credentials::Wrong), "{name}");
        assert!(matches!(look(name, "guess", false).await, Credentials::Wrong), "{name}");
    }
    let named = async |name: &str| match look(name, "guess", true).await {
        Credentials::AccountPassword(costly) => costly.named(),
        _ => panic!("{name}"),
    };
    assert!(named("ada").await.is_some() && named("nobody").await.is_none());
    assert_eq!(named("ADA@ville.example").await, named("ada").await);
    for name in ["bea", "max"] {
        let Credentials::AccountPassword(costly) = look(name, RIGHT, true).await else { panic!("{name}") };
        assert!(world.tree.verify(&cache, costly, ()).await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn account_passwords_cannot_be_guessed() {
    let world = World::new().await;
    for weak in ["", "secret", "Abcdefgh12!", "abcd-efgh-ijkm-npqr-stuv-wxyz-2345-6789"] {
        let refused = world.tree.add_person("ida", "Ida", "ida@ville.example", Some(weak.to_owned())).await;
        assert!(matches!(refused, Err(AdministrationError::Password(lacks)) if !lacks.is_empty()), "{weak}");
    }
    let phrase = "une phrase de sept mots sans autre signe";
    world.tree.add_person("ida", "Ida", "ida@ville.example", Some(phrase.to_owned())).await.unwrap();
    world.login("ida", phrase).get("/files/").expect(200).await;
}
