//! Devices: what each opens, by what it was last used, and that it ends at once.

use std::time::Duration;

use beffroi::model::id::now;
use beffroi::model::method::METHODS;
use beffroi::model::principal::{Device, DeviceScope};
use beffroi::model::privilege::Role;
use beffroi::tree::administration::devices::NewDevice;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kit::{Answer, Client, World, event};
use super::transport::http2_request;
use super::versions::id;

const CALDAV: &str = "xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

async fn listed(world: &World, person: &str, label: &str) -> Device {
    world.tree.devices(person).await.unwrap().into_iter().find(|device| device.label == label).unwrap()
}

/// Members of a collection, by the last segments of their addresses.
async fn members(client: &Client, path: &str) -> Vec<String> {
    let hrefs = client.propfind(path, "1", "<D:getetag/>").expect(207).await.hrefs();
    let name = |href: &String| href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    hrefs.iter().skip(1).map(name).collect()
}

#[tokio::test]
async fn it_is_noted_once_an_hour_when_from_where_and_by_what_a_device_is_used() {
    let world = World::with(|config| config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let max = world.client("max");
    let unused = listed(&world, "max", "test").await;
    assert_eq!((unused.used_at, unused.used_from, unused.used_by), (None, None, None));
    let ask = |address: &str, program: &str| {
        max.get("/files/").header("X-Forwarded-For", address).header("User-Agent", program)
    };
    let before = now();
    ask("192.0.2.7", "DavClnt \u{202e}(x)").expect(200).await;
    let used = listed(&world, "max", "test").await;
    assert!(used.used_at.is_some_and(|at| at % 3600 == 0 && at > before - 3600 && at <= now()));
    assert_eq!((used.used_from.as_deref(), used.used_by.as_deref()), (Some("192.0.2.7"), Some("DavClnt (x)")));
    // Within the hour nothing more is noted.
    ask("192.0.2.8", "rclone").expect(200).await;
    assert_eq!(listed(&world, "max", "test").await, used);
    super::retention::sql(&world, "UPDATE device SET used_at = used_at - 3600").await;
    ask("2001:db8::1", &"x".repeat(5000)).expect(200).await;
    let used = listed(&world, "max", "test").await;
    assert_eq!((used.used_from.as_deref(), used.used_by.map(|by| by.len())), (Some("2001:db8::1"), Some(200)));
    world.sound().await;
}

/// A project beside another, with something of each kind in both and in the home of who is in both; and a client of a
/// device that opens the one alone.
async fn two_projects(scope: DeviceScope) -> (World, Client) {
    let world = World::new().await;
    world.tree.add_project("bus", "Bus", None).await.unwrap();
    world.tree.add_member("bus", "max", Role::Lead, None).await.unwrap();
    world.tree.add_member("tram", "max", Role::Lead, None).await.unwrap();
    let max = world.client("max");
    for home in ["tram", "bus", "max"] {
        for text in ["one", "two"] {
            max.put(&format!("/files/{home}/plan.txt"), text).send().await;
        }
        max.put(&format!("/files/{home}/gone.txt"), "gone").expect(201).await;
        max.delete(&format!("/files/{home}/gone.txt")).expect(204).await;
        let calendar = if home == "max" { "personal" } else { "meetings" };
        max.put(&format!("/calendars/{home}/{calendar}/e.ics"), &event(home, "20260614")).expect(201).await;
    }
    let opens = NewDevice { project: Some("tram"), ..scope.into() };
    let password = world.tree.add_device("max", "tablet", opens, false, None).await.unwrap();
    let tablet = world.login("max", &password);
    (world, tablet)
}

async fn version(client: &Client, document: &str) -> String {
    format!("/versions/{}/1", id(client, document).await.rsplit(':').next().unwrap())
}

#[tokio::test]
async fn a_device_of_one_project_opens_that_and_nothing_else() {
    let (world, tablet) = two_projects(DeviceScope::All).await;
    let max = world.client("max");
    // Programs begin at the roots, and are led to the project.
    let found = tablet.propfind("/", "0", "<D:current-user-principal/>").expect(207).await;
    assert!(found.text().contains("/principals/max/"));
    assert_eq!(members(&tablet, "/files/").await, ["tram"]);
    assert_eq!(members(&tablet, "/history/").await, ["tram"]);
    assert_eq!(members(&tablet, "/trash/").await, ["tram"]);
    assert_eq!(members(&tablet, "/calendars/").await, ["max"]);
    assert_eq!(members(&tablet, "/calendars/max/").await, ["meetings@tram", "tasks@tram"]);
    assert_eq!(members(&tablet, "/principals/").await, ["max"]);
    let of_tram = version(&max, "/files/tram/plan.txt").await;
    for path in [
        "/files/tram/plan.txt",
        "/calendars/tram/meetings/e.ics",
        "/calendars/max/meetings@tram/e.ics",
        "/trash/tram/gone.txt",
        of_tram.as_str(),
        "/history/tram/plan.txt/",
    ] {
        tablet.get(path).expect(200).await;
    }
    tablet.propfind("/principals/tram/", "0", "").expect(207).await;
    tablet.put("/files/tram/new.txt", "x").expect(201).await;
    tablet.put("/calendars/max/meetings@tram/new.ics", &event("new", "20260615")).expect(201).await;
    tablet.relocate("/trash/tram/gone.txt", "/files/tram/back.txt").expect(201).await;
    tablet.sync("/files/tram/", "", "1", "").expect(207).await;

    // All else is as if it were not there, on each method; the same is said of what is not.
    let of_bus = version(&max, "/files/bus/plan.txt").await;
    super::sharing::shared_and_left(&world).await;
    let note = super::sharing::notifications(&world.client("lea"), "lea").await.remove(0);
    let note = note.replace("/lea/", "/max/");
    for (there, never) in [
        ("/files/bus/", "/files/none/"),
        ("/files/bus/plan.txt", "/files/none/plan.txt"),
        ("/files/max/", "/files/none/"),
        ("/files/max/plan.txt", "/files/none/plan.txt"),
        ("/history/bus/plan.txt/", "/history/none/plan.txt/"),
        ("/history/max/", "/history/none/"),
        ("/trash/bus/gone.txt", "/trash/none/gone.txt"),
        ("/trash/max/", "/trash/none/"),
        (of_bus.as_str(), "/versions/7/1"),
        ("/calendars/bus/meetings/", "/calendars/none/meetings/"),
        ("/calendars/bus/meetings/e.ics", "/calendars/none/meetings/e.ics"),
        ("/calendars/max/personal/", "/calendars/max/none/"),
        ("/calendars/max/personal/e.ics", "/calendars/max/none/e.ics"),
        ("/calendars/max/notification/", "/calendars/max/none/"),
        (note.as_str(), "/calendars/max/none/none.xml"),
        ("/calendars/max/meetings@bus/", "/calendars/max/meetings@none/"),
        ("/calendars/max/meetings@bus/e.ics", "/calendars/max/meetings@none/e.ics"),
        ("/principals/bus/", "/principals/none/"),
        ("/principals/lea/", "/principals/none/"),
    ] {
        for (_, method) in METHODS {
            let ask = async |path: &str| {
                let to = format!("{}x", path.trim_end_matches('/'));
                let answer = tablet.ask(method, path).header("Destination", &to).send().await;
                (answer.status, answer.header("allow").map(str::to_owned), answer.text().replace(path, "..."))
            };
            let (hidden, missing) = (ask(there).await, ask(never).await);
            assert_eq!(hidden.0, missing.0, "{method} {there}");
            assert_eq!(hidden.1, missing.1, "{method} {there}");
            let plain = |text: &str, path: &str| text.replace(path.trim_end_matches('/'), "").len();
            if !there.contains("versions") && there.len() == never.len() {
                assert_eq!(plain(&hidden.2, there), plain(&missing.2, never), "{method} {there}");
            }
        }
        assert_eq!(tablet.propfind(there, "0", "").send().await.status, 404, "{there}");
    }
    // Nor is anything led out, or in, by the other address of a request.
    for to in ["/files/bus/x.txt", "/files/max/x.txt"] {
        let hidden = tablet.copy("/files/tram/plan.txt", to).send().await.status;
        assert_eq!(hidden, tablet.copy("/files/tram/plan.txt", "/files/none/x.txt").send().await.status);
        assert_eq!(max.get(to).send().await.status, 404);
    }
    tablet.copy("/files/bus/plan.txt", "/files/tram/stolen.txt").expect(404).await;
    let tag = max.get("/files/bus/plan.txt").expect(200).await.header("etag").unwrap().to_owned();
    let oracle = format!("</files/bus/plan.txt> ([{tag}])");
    tablet.get("/files/tram/plan.txt").header("If", &oracle).expect(412).await;
    max.get("/files/tram/plan.txt").header("If", &oracle).expect(200).await;
    let multiget = format!(
        "<C:calendar-multiget {CALDAV} xmlns:D=\"DAV:\"><D:prop><D:getetag/></D:prop>\
         <D:href>/calendars/bus/meetings/e.ics</D:href><D:href>/calendars/max/personal/e.ics</D:href>\
         <D:href>/calendars/max/meetings@tram/e.ics</D:href></C:calendar-multiget>"
    );
    let answer = tablet.report_at("/calendars/max/meetings@tram/").body(&multiget).expect(207).await;
    let statuses: Vec<u16> = answer.statuses().into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [404, 200, 404], "{}", answer.text());
    let update = format!("<update xmlns=\"DAV:\"><version><href>{of_bus}</href></version></update>");
    tablet.ask("UPDATE", "/files/tram/plan.txt").body(&update).expect(409).await;
    let search = "<D:principal-property-search xmlns:D=\"DAV:\"><D:property-search><D:prop><D:displayname/></D:prop>\
                  <D:match>s</D:match></D:property-search><D:property-search><D:prop><D:displayname/></D:prop>\
                  <D:match>shown</D:match></D:property-search><D:prop><D:displayname/></D:prop>\
                  </D:principal-property-search>";
    let found = tablet.report_at("/principals/").header("Depth", "0").body(search).expect(207).await;
    assert_eq!(found.hrefs(), ["/principals/max/"]);
    // Nothing is made in one's own home, of which only the way to the links is there.
    tablet.ask("MKCALENDAR", "/calendars/max/mine").expect(403).await;
    let answer = tablet.propfind("/calendars/max/", "0", "<D:quota-used-bytes/>").expect(207).await;
    assert_eq!(answer.value("quota-used-bytes"), "0");
    world.sound().await;
}

#[tokio::test]
async fn a_project_and_a_scope_hold_together_and_end_with_the_role() {
    for (scope, files) in [(DeviceScope::Files, true), (DeviceScope::Calendars, false)] {
        let (world, tablet) = two_projects(scope).await;
        let status = |there: bool| if there { 200 } else { 404 };
        tablet.get("/files/tram/plan.txt").expect(status(files)).await;
        tablet.get("/trash/tram/gone.txt").expect(status(files)).await;
        tablet.get("/calendars/max/meetings@tram/e.ics").expect(status(!files)).await;
        for outside in ["/files/max/plan.txt", "/calendars/max/personal/e.ics", "/files/bus/plan.txt"] {
            tablet.get(outside).expect(404).await;
        }
        world.tree.remove_member("tram", "max").await.unwrap();
        for path in ["/files/tram/plan.txt", "/calendars/max/meetings@tram/e.ics", "/trash/tram/gone.txt"] {
            tablet.get(path).expect(404).await;
        }
        assert_eq!(members(&tablet, "/files/").await, Vec::<String>::new());
    }
}

/// A connection that stays open, and what is asked on it.
struct Open {
    socket: TcpStream,
    head: String,
}

impl Open {
    async fn to(client: &Client) -> Self {
        let authorization = client.authorization.clone().unwrap();
        let head = format!("GET /files/ HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\n\r\n");
        Self { socket: TcpStream::connect(client.address).await.unwrap(), head }
    }

    async fn status(&mut self) -> u16 {
        self.socket.write_all(self.head.as_bytes()).await.unwrap();
        Answer::read(&mut self.socket, false).await.status
    }
}

/// The same over HTTP/2: each request is a stream of its own.
struct OpenStreams {
    socket: TcpStream,
    request: Vec<u8>,
    stream: u8,
}

impl OpenStreams {
    /// What a connection begins with: the preface and empty settings.
    const BEGIN: usize = 24 + 9;

    async fn to(client: &Client) -> Self {
        let request = http2_request(client.authorization.as_ref().unwrap(), "GET", "/files/", None);
        let mut socket = TcpStream::connect(client.address).await.unwrap();
        socket.write_all(&request[..Self::BEGIN]).await.unwrap();
        Self { socket, request: request[Self::BEGIN..].to_vec(), stream: 1 }
    }

    /// Is the next request answered with 200?
    async fn is_answered(&mut self) -> bool {
        self.request[8] = self.stream;
        self.socket.write_all(&self.request).await.unwrap();
        loop {
            let mut head = [0; 9];
            self.socket.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            self.socket.read_exact(&mut payload).await.unwrap();
            if head[3] == 1 && head[8] == self.stream {
                self.stream += 2;
                // 200 stands in the table of the standard.
                return payload[0] == 0x88;
            }
        }
    }
}

#[tokio::test]
async fn what_ends_a_log_in_ends_it_on_open_connections() {
    let world = World::new().await;
    let password = "right-Password-1".to_owned();
    world.tree.add_person("ada", "Ada", "ada@ville.example", Some(password.clone())).await.unwrap();
    let device = async |label: &str, until| {
        world.login("ada", &world.tree.add_device("ada", label, DeviceScope::All, false, until).await.unwrap())
    };
    let clients = [
        ("revoked", device("revoked", None).await),
        ("over", device("over", Some(now() + 3)).await),
        ("disabled", device("disabled", None).await),
        ("disabled", world.login("ada", &password)),
    ];
    let mut open = Vec::new();
    for (what, client) in &clients {
        open.push((*what, Open::to(client).await, OpenStreams::to(client).await));
    }
    for (what, one, two) in &mut open {
        assert_eq!(one.status().await, 200, "{what}");
        assert!(two.is_answered().await, "{what}");
    }
    let check = async |open: &mut Vec<(&str, Open, OpenStreams)>, ended: &[&str]| {
        for (what, one, two) in open {
            let holds = !ended.contains(what);
            assert_eq!(one.status().await, if holds { 200 } else { 401 }, "{what}");
            assert_eq!(two.is_answered().await, holds, "{what}");
        }
    };
    world.tree.revoke_device("ada", "revoked").await.unwrap();
    check(&mut open, &["revoked"]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    check(&mut open, &["revoked", "over"]).await;
    world.tree.set_disabled("ada", true).await.unwrap();
    check(&mut open, &["revoked", "over", "disabled"]).await;
}

/// The head came while the log-in held; what it changes is decided when the body is there.
#[tokio::test]
async fn what_ends_a_log_in_ends_an_upload_under_way() {
    for end in ["revoked", "over", "disabled", "removed"] {
        let world = World::new().await;
        let until = (end == "over").then(|| now() + 2);
        let password = world.tree.add_device("max", "slow", DeviceScope::All, false, until).await.unwrap();
        let (slow, max) = (world.login("max", &password), world.client("lea"));
        max.put("/files/tram/plan.txt", "before").expect(201).await;
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let head = format!(
            "PUT /files/tram/plan.txt HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\nContent-Length: 10\r\n\r\n12345",
            slow.authorization.unwrap()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        // At once is within a second.
        tokio::time::sleep(Duration::from_millis(if end == "over" { 2500 } else { 1100 })).await;
        match end {
            "revoked" => world.tree.revoke_device("max", "slow").await.unwrap(),
            "disabled" => world.tree.set_disabled("max", true).await.unwrap(),
            "removed" => world.tree.remove_person("max").await.unwrap(),
            _ => {}
        }
        socket.write_all(b"67890").await.unwrap();
        let answer = Answer::read(&mut socket, false).await;
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true), "{end}");
        assert_eq!(max.get("/files/tram/plan.txt").expect(200).await.text(), "before");
    }
}
