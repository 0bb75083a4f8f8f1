//! HTTP Digest (RFC 7616) for device passwords that were made for it, as curl and Windows show them.

use beffroi::app::Running;
use beffroi::config::Config;
use beffroi::model::method::METHODS;
use beffroi::model::principal::DeviceScope;
use beffroi::tree::Tree;
use beffroi::tree::administration::AdministrationError;
use beffroi::tree::administration::devices::NewDevice;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::kit::{Answer, Client, World};

const MADE_FOR_IT: NewDevice<'static> = NewDevice { scope: DeviceScope::All, project: None, digest: true };

fn hash(algorithm: &str, text: &str) -> String {
    match algorithm {
        "MD5" => hex::encode(Md5::digest(text)),
        _ => hex::encode(Sha256::digest(text)),
    }
}

/// A world where one may log in so, and the password of a device of max that was made for it.
async fn world() -> (World, String) {
    let world = World::with(|config| config.login.dav_digest = true).await;
    let password = world.tree.add_device("max", "office", MADE_FOR_IT, false, None).await.unwrap();
    (world, password)
}

fn challenges(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.iter().filter(|(name, _)| name == "www-authenticate");
    lines.map(|(_, value)| value.as_str()).collect()
}

fn nonce_in(answer: &Answer) -> String {
    let line = challenges(answer).into_iter().find(|line| line.starts_with("Digest ")).expect("a challenge").to_owned();
    line.split_once("nonce=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

async fn nonce(client: &Client) -> String {
    nonce_in(&client.get("/files/").expect(401).await)
}

/// What a client shows.
#[derive(Clone)]
struct Shown {
    /// The user name as it is hashed, and as it is written.
    hashed: String,
    written: String,
    password: String,
    algorithm: &'static str,
    nonce: String,
    count: u32,
    uri: String,
}

impl Shown {
    fn of(name: &str, password: &str, algorithm: &'static str, nonce: &str) -> Self {
        Self {
            hashed: name.to_owned(),
            written: format!("username=\"{name}\""),
            password: password.to_owned(),
            algorithm,
            nonce: nonce.to_owned(),
            count: 1,
            uri: "/files/".to_owned(),
        }
    }

    fn count(&self, count: u32) -> Self {
        Self { count, ..self.clone() }
    }

    fn response(&self, method: &str) -> String {
        let Self { hashed, password, algorithm, nonce, count, uri, .. } = self;
        let secret = hash(algorithm, &format!("{hashed}:Beffroi:{password}"));
        let subject = hash(algorithm, &format!("{method}:{uri}"));
        hash(algorithm, &format!("{secret}:{nonce}:{count:08x}:c0ffee:auth:{subject}"))
    }

    /// As curl writes it.
    fn header(&self, method: &str) -> String {
        let Self { written, algorithm, nonce, count, uri, .. } = self;
        format!(
            "Digest {written}, realm=\"Beffroi\", nonce=\"{nonce}\", uri=\"{uri}\", cnonce=\"c0ffee\", nc={count:08x}, \
             qop=auth, response=\"{}\", algorithm={algorithm}",
            self.response(method)
        )
    }

    async fn get(&self, client: &Client) -> Answer {
        client.get("/files/").header("Authorization", &self.header("GET")).send().await
    }

    async fn status(&self, client: &Client) -> u16 {
        self.get(client).await.status
    }
}

#[tokio::test]
async fn it_is_off_unless_the_settings_say_so() {
    let world = World::new().await;
    let password = world.tree.add_device("max", "office", MADE_FOR_IT, false, None).await.unwrap();
    let basic = ["Basic realm=\"Beffroi\", charset=\"UTF-8\""];
    let nobody = world.nobody();
    assert_eq!(challenges(&nobody.get("/files/").expect(401).await), basic);
    let refused = Shown::of("max", &password, "MD5", &"0".repeat(64)).get(&nobody).await;
    assert_eq!((refused.status, challenges(&refused)), (401, basic.to_vec()));
    world.login("max", &password).get("/files/").expect(200).await;
}

#[tokio::test]
async fn each_method_is_asked_for_and_offered_in_the_order_of_who_takes_the_first() {
    let (world, _) = world().await;
    let nobody = world.nobody();
    for (_, method) in METHODS {
        let answer = nobody.ask(method, "/files/tram/").expect(401).await;
        let lines = challenges(&answer);
        assert_eq!(lines[0], "Basic realm=\"Beffroi\", charset=\"UTF-8\"");
        let nonce = nonce_in(&answer);
        for (line, algorithm) in lines[1..].iter().zip(["MD5", "SHA-256"]) {
            let asked = format!(
                "Digest realm=\"Beffroi\", qop=\"auth\", algorithm={algorithm}, nonce=\"{nonce}\", charset=UTF-8, \
                 userhash=false"
            );
            assert_eq!(*line, asked);
        }
        assert_eq!(lines.len(), 3);
        assert_ne!(nonce, nonce_in(&nobody.ask(method, "/files/tram/").expect(401).await));
    }
}

#[tokio::test]
async fn devices_made_for_it_log_in_by_each_name_and_algorithm() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    world.tree.add_person("Élodie", "Élodie", "elodie@ville.example", None).await.unwrap();
    let hers = world.tree.add_device("Élodie", "office", MADE_FOR_IT, false, None).await.unwrap();
    for algorithm in ["MD5", "SHA-256"] {
        for (hashed, written, password) in [
            ("max", "username=\"max\"", &password),
            ("MAX", "username=\"MAX\"", &password),
            ("max@ville.example", "username=\"max@ville.example\"", &password),
            ("MAIRIE\\max", "username=\"MAIRIE\\\\max\"", &password),
            ("MAIRIE\\max", "username=\"MAIRIE\\max\"", &password),
            ("MAIRIE\\\\max", "username=\"MAIRIE\\\\max\"", &password),
            ("max", "username=\"max\"", &password.replace('-', "")),
            ("max", "username=\"max\"", &password.replace('-', " ")),
            ("Élodie", "username=\"Élodie\"", &hers),
            ("Élodie", "username*=UTF-8''%C3%89lodie", &hers),
        ] {
            let mut shown = Shown::of(hashed, password, algorithm, &nonce(&nobody).await);
            shown.written = written.to_owned();
            let answer = shown.get(&nobody).await;
            assert_eq!(answer.status, 200, "{algorithm} {written}");
            // We know the password, too.
            let (secret, subject) = (format!("{hashed}:Beffroi:{password}"), hash(algorithm, ":/files/"));
            let expected = format!(
                "rspauth=\"{}\", qop=auth, cnonce=\"c0ffee\", nc=00000001",
                hash(
                    algorithm,
                    &format!("{}:{}:00000001:c0ffee:auth:{subject}", hash(algorithm, &secret), shown.nonce)
                )
            );
            assert_eq!(answer.header("authentication-info"), Some(expected.as_str()));
        }
    }
    // The password is one of a device for Basic, too.
    let basic = world.login("max", &password).get("/files/").expect(200).await;
    assert_eq!(basic.header("authentication-info"), None);
    world.sound().await;
}

/// What is asked after a wrong password is Basic alone: of most passwords Digest can show nothing, and programs that
/// prefer it would never try them otherwise.
#[tokio::test]
async fn what_is_wrong_is_asked_by_basic_and_is_never_stale() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    let account = "right-Password-1";
    world.tree.add_person("ada", "Ada", "ada@ville.example", Some(account.to_owned())).await.unwrap();
    let plain = world.tree.add_device("max", "phone", DeviceScope::All, false, None).await.unwrap();
    let over = Some(beffroi::model::id::now() - 1);
    let over = world.tree.add_device("max", "over", MADE_FOR_IT, false, over).await.unwrap();
    let nonce = nonce(&nobody).await;
    for (name, password) in [
        ("max", plain.as_str()),
        ("max", over.as_str()),
        ("max", "wrong"),
        ("mia", password.as_str()),
        ("none", password.as_str()),
        ("", password.as_str()),
        ("ada", account),
    ] {
        // Also with a nonce that is not ours.
        for nonce in [nonce.as_str(), "x"] {
            let answer = Shown::of(name, password, "MD5", nonce).get(&nobody).await;
            assert_eq!(answer.status, 401, "{name}");
            assert_eq!(challenges(&answer), ["Basic realm=\"Beffroi\", charset=\"UTF-8\""], "{name}");
        }
    }
    let right = Shown::of("max", &password, "MD5", &nonce);
    assert_eq!(right.status(&nobody).await, 200);
    // Each part of what is signed counts.
    let signed = right.count(2).header("GET");
    for (from, to) in [
        ("nc=00000002", "nc=00000003"),
        ("cnonce=\"c0ffee\"", "cnonce=\"c0ffe\""),
        ("algorithm=MD5", "algorithm=SHA-256"),
        ("uri=\"/files/\"", "uri=\"/files\""),
        ("username=\"max\"", "username=\"MAX\""),
    ] {
        let altered = signed.replace(from, to);
        assert_ne!(altered, signed);
        nobody.get("/files/").header("Authorization", &altered).expect(401).await;
    }
    nobody.head("/files/").header("Authorization", &signed).expect(401).await;
    nobody.get("/files/").header("Authorization", &signed).expect(200).await;
}

#[tokio::test]
async fn a_count_is_taken_once_and_who_knows_the_password_is_shown_what_is_stale() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    for algorithm in ["MD5", "SHA-256"] {
        let shown = Shown::of("max", &password, algorithm, &nonce(&nobody).await);
        for (count, status) in
            [(1, 200), (1, 401), (4, 200), (2, 200), (3, 200), (3, 401), (4, 401), (5, 200), (0, 401)]
        {
            let answer = shown.count(count).get(&nobody).await;
            assert_eq!(answer.status, status, "{count}");
            if status == 401 {
                let lines = challenges(&answer);
                assert!(lines[1..].iter().all(|line| line.ends_with(", stale=true")), "{lines:?}");
                // It goes on with the new one.
                let again = Shown { nonce: nonce_in(&answer), ..shown.clone() };
                assert_eq!(again.status(&nobody).await, 200);
            }
        }
        for forged in [shown.nonce.replace(['0', '1'], "2"), "x".to_owned(), String::new()] {
            let answer = Shown { nonce: forged, ..shown.clone() }.get(&nobody).await;
            assert_eq!(answer.status, 401);
            assert!(challenges(&answer)[1].ends_with(", stale=true"));
        }
    }
}

#[tokio::test]
async fn what_is_signed_is_what_was_asked() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    let max = world.client("max");
    max.put("/files/tram/a,%20b%20%C3%A9.txt", "x").expect(201).await;
    let mut shown = Shown::of("max", &password, "MD5", &nonce(&nobody).await);
    let asked = "/files/tram/a,%20b%20%C3%A9.txt";
    for (uri, status) in [
        (asked.to_owned(), 200),
        ("/files/tram/a, b é.txt".to_owned(), 200),
        ("/files/tram/a%2C%20b%20%c3%a9.txt".to_owned(), 200),
        (format!("http://{}{asked}", world.address), 200),
        (format!("https://beffroi.ville.example{asked}"), 200),
        ("/files/tram/other.txt".to_owned(), 400),
        ("/files/tram/".to_owned(), 400),
        (format!("{asked}?x"), 400),
        (String::new(), 400),
    ] {
        (shown.uri, shown.count) = (uri, shown.count + 1);
        let answer = nobody.get(asked).header("Authorization", &shown.header("GET")).send().await;
        assert_eq!(answer.status, status, "{}", shown.uri);
    }
    (shown.uri, shown.count) = (asked.to_owned(), 50);
    nobody.get(&format!("{asked}?web=1")).header("Authorization", &shown.header("GET")).expect(200).await;
    (shown.uri, shown.count) = ("*".to_owned(), 51);
    nobody.options("*").header("Authorization", &shown.header("OPTIONS")).expect(200).await;
}

#[tokio::test]
async fn what_ends_a_device_ends_it_here_at_once() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    let mut shown = Shown::of("max", &password, "SHA-256", &nonce(&nobody).await);
    let mut status = async |expected: u16| {
        shown.count += 1;
        assert_eq!(shown.status(&nobody).await, expected);
    };
    status(200).await;
    world.tree.set_disabled("max", true).await.unwrap();
    status(401).await;
    world.tree.set_disabled("max", false).await.unwrap();
    status(200).await;
    world.tree.revoke_device("max", "office").await.unwrap();
    status(401).await;
    let used = world.tree.devices("max").await.unwrap();
    assert!(used.iter().all(|device| device.label != "office"));
}

#[tokio::test]
async fn a_device_opens_no_more_by_digest_than_by_basic() {
    let (world, _) = world().await;
    let nobody = world.nobody();
    let only = NewDevice { scope: DeviceScope::Calendars, project: Some("tram"), digest: true };
    let password = world.tree.add_device("max", "board", only, true, None).await.unwrap();
    let mut shown = Shown::of("max", &password, "MD5", &nonce(&nobody).await);
    for (method, uri, status) in [
        ("GET", "/calendars/max/meetings@tram/", 200),
        ("GET", "/calendars/max/personal/", 404),
        ("GET", "/files/tram/", 404),
        ("DELETE", "/calendars/tram/meetings/", 403),
    ] {
        (shown.uri, shown.count) = (uri.to_owned(), shown.count + 1);
        nobody.ask(method, uri).header("Authorization", &shown.header(method)).expect(status).await;
    }
    let device = world.tree.devices("max").await.unwrap().into_iter().find(|device| device.label == "board").unwrap();
    assert!(device.digest && device.used_at.is_some() && device.used_from.as_deref() == Some("127.0.0.1"));
}

#[tokio::test]
async fn servers_on_one_data_directory_take_each_other_s_nonces() {
    let (world, password) = world().await;
    let mut config = Config::default();
    config.server.listen = vec!["127.0.0.1:0".to_owned()];
    config.login.dav_digest = true;
    let tree = Tree::open(world.data.path(), true).await.unwrap();
    let running = Running::open(tree, config).await.unwrap();
    let other = Client { address: running.addresses[0], authorization: None };
    tokio::spawn(running.serve(std::future::pending()));
    let nobody = world.nobody();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    for (from, to) in [(&nobody, &other), (&other, &nobody)] {
        let shown = Shown::of("max", &password, "MD5", &nonce(from).await);
        assert_eq!(shown.status(to).await, 200);
        assert_eq!(shown.count(2).status(from).await, 200);
        assert_eq!(shown.status(to).await, 401);
    }
}

/// Where what is kept of a password is damaged, nothing opens that could be guessed from it.
#[tokio::test]
async fn what_is_kept_in_no_form_of_a_password_is_none() {
    let (world, password) = world().await;
    let nobody = world.nobody();
    let shown = |password: &str, nonce: &str| Shown::of("max", password, "MD5", nonce);
    assert_eq!(shown(&password, &nonce(&nobody).await).status(&nobody).await, 200);
    for kept in ["", "x", "max"] {
        super::retention::sql(&world, &format!("UPDATE device SET digest_secret = '{kept}'")).await;
        assert_eq!(shown(kept, &nonce(&nobody).await).status(&nobody).await, 401, "{kept:?}");
    }
}

#[tokio::test]
async fn a_person_has_a_bounded_number_of_such_devices() {
    let (world, _) = world().await;
    let add = async |number: usize, opens: NewDevice<'static>| {
        world.tree.add_device("max", &format!("n{number}"), opens, false, None).await
    };
    for number in 1..50 {
        add(number, MADE_FOR_IT).await.unwrap();
    }
    assert!(matches!(add(50, MADE_FOR_IT).await, Err(AdministrationError::DigestDevices(name)) if name == "max"));
    assert!(add(50, DeviceScope::All.into()).await.is_ok());
}

/// The start of a mapped drive as Windows' WebClient does it: anonymous first, then with the challenge's nonce and
/// counts on one after the other, `qop` in quotes, no spaces, the domain with its backslash escaped, commas as they
/// are.
#[tokio::test]
async fn windows_maps_a_drive() {
    let (world, password) = world().await;
    let client = world.nobody();
    let max = world.client("max");
    max.mkcol("/files/tram/Plans,%20Phase%201").expect(201).await;
    let windows = |ask: super::kit::Ask<'static>| ask.header("translate", "f");
    let client: &'static Client = Box::leak(Box::new(client));
    let first = windows(client.options("/")).header("User-Agent", "DavClnt").expect(401).await;
    let nonce = nonce_in(&first);
    let mut count = 0;
    for (method, path, uri, status) in [
        ("OPTIONS", "/", "/", 200),
        ("PROPFIND", "/", "/", 207),
        ("PROPFIND", "/files", "/files", 207),
        ("PROPFIND", "/files/tram", "/files/tram", 207),
        ("PROPFIND", "/files/tram/Plans,%20Phase%201", "/files/tram/Plans, Phase 1", 207),
        ("PUT", "/files/tram/Plans,%20Phase%201/a.txt", "/files/tram/Plans, Phase 1/a.txt", 201),
        ("LOCK", "/files/tram/Plans,%20Phase%201/a.txt", "/files/tram/Plans, Phase 1/a.txt", 200),
    ] {
        count += 1;
        let shown = Shown { uri: uri.to_owned(), count, ..Shown::of("MAIRIE\\max", &password, "MD5", &nonce) };
        let header = format!(
            "Digest username=\"MAIRIE\\\\max\",realm=\"Beffroi\",nonce=\"{nonce}\",uri=\"{uri}\",cnonce=\"c0ffee\",\
             nc={count:08x},algorithm=MD5,response=\"{}\",qop=\"auth\",charset=utf-8",
            shown.response(method)
        );
        let mut ask = windows(client.ask(method, path))
            .header("User-Agent", "Microsoft-WebDAV-MiniRedir/10.0.22631")
            .header("Authorization", &header);
        if method == "PROPFIND" {
            ask = ask.header("Depth", "0");
        }
        if method == "LOCK" {
            ask = ask.body(
                "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>\
                 </D:locktype><D:owner><D:href>MAIRIE\\max</D:href></D:owner></D:lockinfo>",
            );
        }
        ask.expect(status).await;
    }
    world.sound().await;
}
