//! What is cached of a collection is what a server that has just begun would read: after each of the changes that
//! can leave a member other than it was, a fresh server on the same data gives the same answers.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::model::version::stamp;
use beffroi::tree::gate::Request;
use beffroi::tree::resource::Needs;
use beffroi::tree::walk::Cursor;

use crate::kit::{Client, World, event};
use crate::retention::sql;

const PROPS: &str = "<D:displayname/><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/>\
    <D:lockdiscovery/><x:mark xmlns:x=\"urn:x\"/>";

async fn listed(client: &Client, folders: &[&str]) -> Vec<String> {
    let mut listed = Vec::new();
    for folder in folders {
        let page = client.propfind(folder, "1", PROPS).send().await.text();
        // How long a lock still lasts depends on when one asks.
        listed.push(page.split("Second-").map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect());
        listed.push(client.sync(folder, "", "1", "").send().await.text());
    }
    listed
}

fn mark(text: &str) -> String {
    format!("<D:set><D:prop><x:mark xmlns:x=\"urn:x\">{text}</x:mark></D:prop></D:set>")
}

#[tokio::test]
async fn a_server_that_has_just_begun_says_the_same() {
    let today = stamp(now(), &jiff::tz::TimeZone::system());
    let day = format!("/history/tram/@{}/a/", &today[..10]);
    let folders = [
        "/files/tram/",
        "/files/tram/a/",
        "/files/tram/a/b/",
        "/files/lea/a/",
        "/history/tram/a/",
        "/history/lea/a/",
        &day,
    ];
    let world = World::new().await;
    let lea = world.client("lea");
    let steps: &[(&str, &str, &str)] = &[
        ("MKCOL", "/files/tram/a/", ""),
        ("MKCOL", "/files/tram/a/b/", ""),
        ("PUT", "/files/tram/a/one.txt", "one"),
        ("PUT", "/files/tram/a/two.txt", "two"),
        // What a program leaves about is a document under another name.
        ("PUT", "/files/tram/a/~$two.txt", "litter"),
        ("MOVE", "/files/tram/a/~$two.txt", "/files/tram/a/kept.txt"),
        ("MOVE", "/files/tram/a/kept.txt", "/files/tram/a/~$two.txt"),
        ("PUT", "/files/tram/a/b/deep.txt", "deep"),
        ("PUT", "/files/tram/a/one.txt", "one, longer"),
        ("PROPPATCH", "/files/tram/a/two.txt", "first"),
        ("PROPPATCH", "/files/tram/a/two.txt", "second"),
        ("PROPPATCH", "/files/tram/a/b/", "of a folder"),
        ("LOCK", "/files/tram/a/one.txt", ""),
        ("UNLOCK", "/files/tram/a/one.txt", ""),
        ("LOCK", "/files/tram/a/", "infinity"),
        ("UNLOCK", "/files/tram/a/", ""),
        ("MOVE", "/files/tram/a/one.txt", "/files/tram/a/One.txt"),
        ("COPY", "/files/tram/a/two.txt", "/files/tram/a/three.txt"),
        ("COPY", "/files/tram/a/One.txt", "/files/tram/a/three.txt"),
        ("MOVE", "/files/tram/a/b/deep.txt", "/files/tram/a/two.txt"),
        ("PUT", "/files/tram/a/b/again.txt", "again"),
        ("DELETE", "/files/tram/a/three.txt", ""),
        ("MOVE", "/trash/tram/three.txt", "/files/tram/a/three.txt"),
        // What goes for good out of a folder in the trash is not there when the folder is.
        ("DELETE", "/files/tram/a/", ""),
        ("DELETE", "/trash/tram/a/two.txt", ""),
        ("MOVE", "/trash/tram/a/", "/files/tram/a/"),
        // To another home and back, where numbers are others.
        ("MOVE", "/files/tram/a/", "/files/lea/a/"),
        ("PUT", "/files/lea/a/theirs.txt", "theirs"),
        ("DELETE", "/files/lea/a/One.txt", ""),
        ("MOVE", "/files/lea/a/", "/files/tram/a/"),
        ("PUT", "/files/tram/a/last.txt", "last"),
    ];
    let mut token = String::new();
    for (method, path, more) in steps {
        let ask = lea.ask(method, path);
        let answer = match *method {
            "PUT" => ask.body(more).send().await,
            "PROPPATCH" => lea.proppatch(path, &mark(more)).send().await,
            "MOVE" | "COPY" => ask.header("Destination", more).send().await,
            "LOCK" => lea.lock(path, "exclusive", if more.is_empty() { "0" } else { more }).send().await,
            "UNLOCK" => ask.header("Lock-Token", &token).send().await,
            _ => ask.send().await,
        };
        assert!((200..300).contains(&answer.status), "{method} {path} {more}: {}", answer.status);
        token = answer.header("lock-token").unwrap_or_default().to_owned();
        let (address, _stop) = world.beside().await;
        let fresh = Client { address, ..lea.clone() };
        let expected = listed(&fresh, &folders).await;
        for _ in 0..2 {
            assert_eq!(listed(&lea, &folders).await, expected, "{method} {path} {more}");
        }
    }
    world.sound().await;
}

/// Pages grow and shrink by what is put into them and taken out, until they are split again.
#[tokio::test]
async fn pages_that_change_much_stay_those_of_a_fresh_server() {
    let world = World::new().await;
    let lea = world.client("lea");
    lea.mkcol("/files/tram/much/").expect(201).await;
    lea.ask("MKCALENDAR", "/calendars/tram/much/").expect(201).await;
    // Which of 700 numbers are put (or put again), and which go, in each round; the first page holds a hundred.
    let rounds: [(Vec<usize>, Vec<usize>); 6] = [
        ((0..700).step_by(4).collect(), vec![]),
        (vec![1, 5, 8, 401, 699], vec![400]),
        ((2..400).step_by(4).collect(), vec![]),
        ((3..300).step_by(2).collect(), (200..600).step_by(4).collect()),
        (vec![], (0..290).collect()),
        (vec![350], vec![696, 697, 698, 699]),
    ];
    let query = "<C:calendar-query xmlns:D=\"DAV:\" \
                 xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop><C:filter>\
        <C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range start=\"20260601T000000Z\" \
        end=\"20260615T000000Z\"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>";
    let listed = async |client: &Client| {
        let mut listed = listed(client, &["/files/tram/much/", "/calendars/tram/much/", "/history/tram/much/"]).await;
        let found = client.ask("REPORT", "/calendars/tram/much/").header("Depth", "1").body(query);
        // What must be looked into is listed after what is known to match.
        let text = found.expect(207).await.text();
        let mut parts: Vec<&str> =
            text.split("<D:response>").map(|part| part.trim_end_matches("</D:multistatus>")).collect();
        parts.sort_unstable();
        listed.push(parts.join("<D:response>"));
        listed
    };
    for (round, (put, gone)) in rounds.iter().enumerate() {
        for number in put {
            let (name, text) = (
                format!("{number:03}"),
                event(&number.to_string(), &format!("202606{:02}", 1 + (number * 7 + round) % 28)),
            );
            let put = lea.put(&format!("/files/tram/much/{name}"), &text).send().await;
            assert!((200..300).contains(&put.status), "{name}");
            let put =
                lea.put(&format!("/calendars/tram/much/{name}.ics"), &text).header("Content-Type", "text/calendar");
            assert!((200..300).contains(&put.send().await.status), "{name}");
        }
        for number in put.iter().step_by(5) {
            let path = format!("/files/tram/much/{number:03}");
            lea.proppatch(&path, &mark(&format!("{number} in {round}"))).expect(207).await;
        }
        for number in gone {
            lea.ask("DELETE", &format!("/files/tram/much/{number:03}")).send().await;
            lea.ask("DELETE", &format!("/calendars/tram/much/{number:03}.ics")).send().await;
            // Some for good, so that nothing shows any more that they went.
            if number % 3 == 0 {
                lea.ask("DELETE", &format!("/trash/tram/{number:03}")).send().await;
                lea.ask("DELETE", &format!("/trash/tram/{number:03}.ics")).send().await;
            }
        }
        let (address, _stop) = world.beside().await;
        let expected = listed(&Client { address, ..lea.clone() }).await;
        for _ in 0..2 {
            for (place, (listed, expected)) in listed(&lea).await.iter().zip(&expected).enumerate() {
                let parts = |text: &str| text.split("<D:response>").map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(parts(listed), parts(expected), "{place} in round {round}");
            }
        }
    }
    world.sound().await;
}

#[tokio::test]
async fn a_reader_that_a_change_has_overtaken_shows_no_page() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "one").expect(201).await;
    let path = beffroi::model::path::Path::of(&["files", "tram"]);
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request::of(beffroi::model::method::Method::Propfind, path, owner);
    let first = Cursor::default();
    world.tree.read(&request).await.unwrap().members(&first, Needs::TAG).await.unwrap();
    for overtaken in [false, true] {
        // What is cached is of an earlier state.
        max.put("/files/tram/a.txt", &format!("before {overtaken}")).expect(204).await;
        let mut reader = world.tree.read_one(&request).await.unwrap();
        if overtaken {
            max.put("/files/tram/b.txt", "meanwhile").expect(201).await;
        }
        let page = reader.whole_page(&first, Needs::TAG).await.unwrap();
        assert_eq!(page.map(|page| page.resources.len()), (!overtaken).then_some(1));
    }
    let now = world.tree.read(&request).await.unwrap().members(&first, Needs::TAG).await.unwrap();
    assert_eq!(
        now.resources.iter().map(|resource| resource.node.name.as_str()).collect::<Vec<_>>(),
        ["a.txt", "b.txt"]
    );
}

#[tokio::test]
async fn what_ends_with_time_ends_although_nothing_is_committed() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    max.put("/files/tram/a.txt", "a").expect(201).await;
    let token = max.locked("/files/tram/a.txt", "exclusive", "0").await;
    let end = now() + 3;
    world.tree.grant("/files/tram/", "zoe", Role::Reader, Some(end)).await.unwrap();
    sql(&world, &format!("UPDATE lock SET expires_at = {end}")).await;
    let locked = || async {
        let listed = max.propfind("/files/tram/a.txt", "0", "<D:lockdiscovery/>").expect(207).await.text();
        listed.contains(&token)
    };
    // Read while it lasts, so that it may be cached.
    let mut lasted = false;
    while now() < end {
        let listed = (zoe.get("/files/tram/a.txt").send().await.status, locked().await);
        if now() < end {
            assert_eq!(listed, (200, true));
            lasted = true;
        }
    }
    assert!(lasted);
    for _ in 0..3 {
        zoe.get("/files/tram/a.txt").expect(404).await;
        assert!(!locked().await);
    }
}
