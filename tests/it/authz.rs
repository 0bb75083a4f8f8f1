//! Every kind by every method by every role: the table below is the whole of who may do what. A change of it is a change
//! of the product's promise and is read as a diff.

use beffroi::model::method::METHODS;
use beffroi::model::principal::Scope;
use beffroi::model::privilege::Role;

use super::kit::{Client, World};

const PATHS: [(&str, &str); 19] = [
    ("root", "/"),
    ("homes", "/files/"),
    ("documents", "/files/tram/"),
    ("folder", "/files/tram/folder/"),
    ("file", "/files/tram/file"),
    ("unmapped", "/files/tram/unmapped"),
    ("orphan", "/files/tram/none/unmapped"),
    ("no home", "/files/none/x"),
    ("principal", "/principals/lea/"),
    ("nowhere", "/nowhere"),
    ("history", "/history/tram/file/"),
    ("former", "/history/tram/@2000-01-01/"),
    ("trash", "/trash/tram/"),
    ("trashed", "/trash/tram/gone"),
    ("version", "VERSION"),
    ("calendars", "/calendars/tram/"),
    ("calendar", "/calendars/tram/meetings/"),
    ("object", "/calendars/tram/meetings/e.ics"),
    ("link", "/calendars/ME/meetings@tram/"),
];

const EXPECTED: &str = include_str!("authz.txt");

async fn status(client: &Client, method: &str, path: &str) -> u16 {
    let ask = client.ask(method, path);
    let ask = match method {
        "COPY" | "MOVE" => ask.header("Destination", "/files/tram/destination"),
        "PUT" if path.ends_with(".ics") => ask.body(EVENT),
        "PROPFIND" => ask.header("Depth", "0"),
        "PROPPATCH" => {
            ask.body("<propertyupdate xmlns=\"DAV:\"><set><prop><k xmlns=\"u\">v</k></prop></set></propertyupdate>")
        }
        "LOCK" => ask
            .header("Depth", "0")
            .body("<lockinfo xmlns=\"DAV:\"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>"),
        "UPDATE" => ask.body("<update xmlns=\"DAV:\"><version><href>/nowhere</href></version></update>"),
        "UNLOCK" => ask.header("Lock-Token", "<urn:uuid:none>"),
        "REPORT" => ask.body("<sync-collection xmlns=\"DAV:\"><sync-token/><prop/></sync-collection>"),
        _ => ask,
    };
    ask.send().await.status
}

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:e\r\nDTSTAMP:20260101T000000Z\r\n\
                     DTSTART:20260101T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

async fn first_version(client: &Client) -> String {
    let answer = client.propfind("/files/tram/file", "0", "<D:version-history/>").expect(207).await;
    format!("{}1", answer.property("version-history").unwrap().dav("href").unwrap().text())
}

/// Makes what a request finds; the path of a row of [`PATHS`] for a person.
async fn ground(lea: &Client, path: &str, name: &str) -> String {
    lea.delete("/files/tram/destination").send().await;
    lea.delete("/files/tram/unmapped").send().await;
    lea.mkcol("/files/tram/folder").send().await;
    lea.put("/files/tram/file", "x").send().await;
    lea.put("/files/tram/gone", "x").send().await;
    lea.delete("/files/tram/gone").send().await;
    lea.ask("MKCALENDAR", "/calendars/tram/meetings").send().await;
    lea.put("/calendars/tram/meetings/e.ics", EVENT).send().await;
    if path == "VERSION" { first_version(lea).await } else { path.replace("ME", name) }
}

#[tokio::test]
async fn a_door_that_only_reads_changes_nothing() {
    let paths = PATHS.into_iter().chain([("one's own link", "/calendars/lea/seen@max/")]);
    for (kind, path) in paths {
        let world = World::new().await;
        let lea = world.client("lea");
        world.client("max").ask("MKCALENDAR", "/calendars/max/seen").expect(201).await;
        world.tree.grant("/calendars/max/seen", "lea", Role::Reader, None).await.unwrap();
        let password = world.tree.add_device("lea", "reads", Scope::All, true, None).await.unwrap();
        let reads = world.login("lea", &password);
        for (method, name) in METHODS {
            let path = ground(&lea, path, "lea").await;
            let (read, full) = (status(&reads, name, &path).await, status(&lea, name, &path).await);
            if method.writes() {
                assert!(read >= 400, "{name} {kind}: {read}");
                assert!(full >= 400 || read == 403, "{name} {kind}: {read}, and {full} with a device that writes");
            } else {
                assert_eq!(read, full, "{name} {kind}");
            }
        }
        for allowed in
            reads.options(&ground(&lea, path, "lea").await).expect(200).await.header("allow").unwrap().split(", ")
        {
            let told = METHODS.iter().any(|(method, name)| *name == allowed && !method.writes());
            assert!(told, "{kind}: Allow tells {allowed}");
        }
    }
    // A lock of the same person is neither prolonged nor taken off, and opens nothing.
    let world = World::new().await;
    let lea = world.client("lea");
    let password = world.tree.add_device("lea", "reads", Scope::All, true, None).await.unwrap();
    let reads = world.login("lea", &password);
    lea.put("/files/tram/file", "x").expect(201).await;
    let token = lea.locked("/files/tram/file", "exclusive", "0").await;
    reads.unlock_at("/files/tram/file").header("Lock-Token", &format!("<{token}>")).expect(403).await;
    reads.ask("LOCK", "/files/tram/file").token(&token).expect(403).await;
    reads.put("/files/tram/file", "y").token(&token).expect(403).await;
    lea.unlock_at("/files/tram/file").header("Lock-Token", &format!("<{token}>")).expect(204).await;
}

#[tokio::test]
async fn who_may_do_what() {
    let mut table = format!("{:<10} {:<10}", "", "");
    for (_, method) in METHODS {
        table.push_str(&format!(" {method:>15}"));
    }
    for (role, name) in [("lead", "lea"), ("member", "max"), ("reader", "rita"), ("none", "zoe")] {
        for (kind, path) in PATHS {
            // Each cell on its own ground: what one request changes must not decide another.
            table.push_str(&format!("\n{role:<10} {kind:<10}"));
            let world = World::new().await;
            let client = world.client(name);
            for (_, method) in METHODS {
                let path = ground(&world.client("lea"), path, name).await;
                table.push_str(&format!(" {:>15}", status(&client, method, &path).await));
            }
        }
    }
    table.push('\n');
    if table != EXPECTED {
        let place = std::env::temp_dir().join("authz.txt");
        std::fs::write(&place, &table).unwrap();
        panic!("the table differs from tests/it/authz.txt; as it is now: {}\n{table}", place.display());
    }
}
