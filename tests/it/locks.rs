//! Locks of RFC 4918 sections 6, 7, 9.10, 9.11 and 10.4.

use super::kit::{Client, World, event};
use super::past::moment;
use super::retention::sql;
use super::versions::{id, versions};

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

/// Tokens of the locks that cover a resource.
async fn tokens(client: &Client, path: &str) -> Vec<String> {
    let found = client.propfind(path, "0", "<D:lockdiscovery/>").expect(207).await;
    let discovery = found.property("lockdiscovery").unwrap();
    discovery.elements().map(|lock| lock.dav("locktoken").unwrap().dav("href").unwrap().text()).collect()
}

/// What an `If` header says of a lock on another resource than the request's.
fn tagged(path: &str, token: &str) -> String {
    format!("<{path}> (<{token}>)")
}

const NAME: &str = "/files/tram/Plan.docx";
const TEMPORARY: &str = "/files/tram/34429E5E.tmp";

/// Something lands on a name just vacated.
async fn land(client: &Client, how: &str) {
    match how {
        "PUT" => drop(client.put(NAME, "new").expect(201).await),
        "PUT of the same bytes" => drop(client.put(NAME, "old").expect(201).await),
        "LOCK" => {
            let token = client.locked(NAME, "exclusive", "0").await;
            client.put(NAME, "new").token(&token).expect(204).await;
            client.unlock_at(NAME).header("Lock-Token", &format!("<{token}>")).expect(204).await;
        }
        "MOVE" => {
            client.put(TEMPORARY, "new").expect(201).await;
            let token = client.locked(TEMPORARY, "exclusive", "0").await;
            client.relocate(TEMPORARY, NAME).header("Overwrite", "F").token(&token).expect(201).await;
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_lock_stays_on_the_name_to_which_a_document_was_set_aside() {
    let folder = "/files/tram/(A%20Document%20Being%20Saved%20By%20TextEdit)";
    for how in ["PUT", "PUT of the same bytes", "LOCK", "MOVE"] {
        let world = World::new().await;
        let (max, mia) = (world.client("max"), world.client("mia"));
        max.put(NAME, "old").expect(201).await;
        let document = id(&max, NAME).await;
        max.mkcol(folder).expect(201).await;
        for aside in [format!("{folder}/Plan.docx"), "/files/tram/A9A97EC7.tmp".into(), format!("{NAME}~")] {
            let content = max.get(NAME).expect(200).await.text();
            max.relocate(NAME, &aside).expect(201).await;
            let token = max.locked(&aside, "exclusive", "0").await;
            land(&max, how).await;
            assert_eq!(id(&max, NAME).await, document, "{how} {aside}");
            assert_eq!(tokens(&max, NAME).await, [""; 0], "{how} {aside}");
            assert_eq!(tokens(&max, &aside).await, [token.as_str()], "{how} {aside}");
            assert_eq!(max.get(&aside).expect(200).await.text(), content, "{how} {aside}");
            mia.put(&aside, "mine").expect(423).await;
            max.delete(&aside).expect(423).await;
            max.ask("LOCK", &aside).token(&token).expect(200).await;
            max.delete(&aside).token(&token).expect(204).await;
        }
        let trash = max.propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
        assert_eq!(trash, ["/trash/tram/"], "{how}");
        world.sound().await;
    }
}

#[tokio::test]
async fn the_session_of_a_lock_stays_with_it() {
    let world = World::new().await;
    let max = world.client("max");
    let aside = "/files/tram/Plan.bak";
    // An empty document waits for its content under a lock on the name that it leaves.
    max.put(NAME, "").expect(201).await;
    let document = id(&max, NAME).await;
    max.relocate(NAME, aside).expect(201).await;
    let token = max.locked(aside, "exclusive", "0").await;
    let other = max.locked(NAME, "exclusive", "0").await;
    assert_eq!(id(&max, NAME).await, document);
    max.put(NAME, "new").token(&other).expect(204).await;
    max.put(aside, "aside").token(&token).expect(204).await;
    max.unlock_at(aside).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    assert_eq!(versions(&max, aside).await, ["1"]);
    assert_eq!(versions(&max, NAME).await, [""; 0], "the lock on the name is still held");
    max.put(NAME, "newer").token(&other).expect(204).await;
    max.unlock_at(NAME).header("Lock-Token", &format!("<{other}>")).expect(204).await;
    assert_eq!(versions(&max, NAME).await, ["1"]);
    world.sound().await;
}

#[tokio::test]
async fn what_others_hold_locked_is_not_taken_from_where_it_was_set_aside() {
    let folder = "/files/tram/.sb-7f3a";
    let aside = &format!("{folder}/Plan.docx");
    for (path, scope, depth, carried) in [
        (aside.as_str(), "exclusive", "0", false),
        (aside.as_str(), "shared", "0", false),
        (folder, "exclusive", "0", false),
        (folder, "exclusive", "infinity", false),
        ("/files/tram/other", "exclusive", "infinity", true),
    ] {
        let world = World::new().await;
        let (max, mia) = (world.client("max"), world.client("mia"));
        max.put(NAME, "old").expect(201).await;
        max.mkcol(folder).expect(201).await;
        max.mkcol("/files/tram/other").expect(201).await;
        let document = id(&max, NAME).await;
        max.relocate(NAME, aside).expect(201).await;
        let token = mia.locked(path, scope, depth).await;
        max.put(NAME, "new").expect(201).await;
        assert_eq!(id(&max, NAME).await == document, carried, "{path} {scope} {depth}");
        assert_eq!(id(&max, aside).await == document, !carried, "{path} {scope} {depth}");
        mia.unlock_at(path).header("Lock-Token", &format!("<{token}>")).expect(204).await;
        world.sound().await;
    }
}

#[tokio::test]
async fn a_lock_stays_on_a_name_whatever_is_put_there() {
    for method in ["COPY", "MOVE"] {
        for (from, to) in [("file", "file"), ("file", "folder"), ("folder", "file"), ("folder", "folder")] {
            for depth in ["0", "infinity"] {
                let world = World::new().await;
                let (max, mia) = (world.client("max"), world.client("mia"));
                for (path, kind) in [("/files/tram/from", from), ("/files/tram/to", to)] {
                    match kind {
                        "file" => drop(max.put(path, path).expect(201).await),
                        _ => {
                            max.mkcol(path).expect(201).await;
                            max.put(&format!("{path}/member"), path).expect(201).await;
                        }
                    }
                }
                let token = max.locked("/files/tram/to", "exclusive", depth).await;
                let what = format!("{method} {from} onto {to}, Depth {depth}");
                let (source, destination) = ("/files/tram/from", "/files/tram/to");
                let refused = mia.ask(method, source).header("Destination", destination).send().await;
                assert_eq!(refused.status, 423, "{what}");
                max.ask(method, source)
                    .header("Destination", destination)
                    .header("If", &tagged(destination, &token))
                    .expect(204)
                    .await;
                assert_eq!(tokens(&max, "/files/tram/to").await, [token.as_str()], "{what}");
                mia.relocate("/files/tram/to", "/files/tram/away").expect(423).await;
                let (inside, deep) = ("/files/tram/to/new", to == "folder" && depth == "infinity");
                match from {
                    "file" => drop(max.put("/files/tram/to", "more").token(&token).expect(204).await),
                    _ => {
                        drop(max.put(inside, "more").header("If", &tagged("/files/tram/to", &token)).expect(201).await)
                    }
                }
                let covered = from == "folder" && deep;
                let below = if from == "folder" { tokens(&max, inside).await } else { Vec::new() };
                assert_eq!(below, if covered { vec![token.clone()] } else { vec![] }, "{what}");
                if method == "COPY" {
                    assert_eq!(tokens(&max, "/files/tram/from").await, [""; 0], "{what}");
                }
                max.unlock_at("/files/tram/to").header("Lock-Token", &format!("<{token}>")).expect(204).await;
                world.sound().await;
            }
        }
    }
}

#[tokio::test]
async fn a_lock_on_an_event_stays_when_another_is_moved_onto_it() {
    let world = World::new().await;
    let max = world.client("max");
    let (from, to) = ("/calendars/tram/other/from.ics", "/calendars/tram/meetings/to.ics");
    max.ask("MKCALENDAR", "/calendars/tram/other").expect(201).await;
    for path in [from, to] {
        max.put(path, &event("one", "20260614")).header("Content-Type", "text/calendar").expect(201).await;
    }
    let token = max.locked(to, "exclusive", "0").await;
    max.relocate(from, to).expect(423).await;
    max.relocate(from, to).header("If", &tagged(to, &token)).expect(204).await;
    assert_eq!(tokens(&max, to).await, [token.as_str()]);
    max.delete(to).token(&token).expect(204).await;
    // What comes back with its UID is free.
    max.put(to, &event("one", "20260615")).header("Content-Type", "text/calendar").expect(201).await;
    assert_eq!(tokens(&max, to).await, [""; 0]);
    world.sound().await;
}

#[tokio::test]
async fn a_name_that_is_respelled_keeps_its_locks() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/d/a.txt", "a").expect(201).await;
    let token = max.locked("/files/tram/d/a.txt", "exclusive", "0").await;
    max.relocate("/files/tram/d/a.txt", "/files/tram/d/A.txt").token(&token).expect(201).await;
    assert_eq!(tokens(&max, "/files/tram/d/A.txt").await, [token.as_str()]);
    max.relocate("/files/tram/d", "/files/tram/D")
        .header("If", &tagged("/files/tram/d/A.txt", &token))
        .expect(201)
        .await;
    assert_eq!(tokens(&max, "/files/tram/D/A.txt").await, [token.as_str()]);
    max.relocate("/files/tram/D/A.txt", "/files/tram/D/b.txt").token(&token).expect(201).await;
    assert_eq!(tokens(&max, "/files/tram/D/b.txt").await, [""; 0]);
}

#[tokio::test]
async fn what_is_locked_is_not_cleared_away() {
    let world = World::new().await;
    let (max, now) = (world.client("max"), beffroi::model::id::now());
    let mut held = Vec::new();
    for (folder, locked) in [(".sb-1", ".sb-1/A9A97EC7.tmp"), (".sb-2", ".sb-2"), (".sb-3", "")] {
        max.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
        if !locked.is_empty() {
            let path = format!("/files/tram/{locked}");
            held.push((max.locked(&path, "exclusive", "0").await, path));
        }
    }
    sql(&world, "UPDATE lock SET expires_at = expires_at + 864000").await;
    assert_eq!(world.tree.maintain(now + 100_000).await.unwrap().cleared, 1);
    for (token, path) in &held {
        assert_eq!(tokens(&max, path).await, [token.as_str()], "{path}");
    }
    // The one with what stands in it, and the other.
    assert_eq!(world.tree.maintain(now + 2_000_000).await.unwrap().cleared, 2);
}

#[tokio::test]
async fn a_rewind_leaves_locks_on_their_names() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    for path in ["/files/tram/d", "/files/tram/elsewhere"] {
        max.mkcol(path).expect(201).await;
    }
    max.put("/files/tram/d/a.txt", "a").expect(201).await;
    let document = id(&max, "/files/tram/d/a.txt").await;
    let then = moment().await;
    max.relocate("/files/tram/d/a.txt", "/files/tram/elsewhere/a.txt").expect(201).await;
    max.put("/files/tram/d/a.txt", "impostor").expect(201).await;
    let update = format!(
        "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{then}/d/</D:href></D:version></D:update>"
    );
    let held = max.locked("/files/tram/d/a.txt", "exclusive", "0").await;
    // Nothing is taken out of a folder whose members someone else guards.
    let other = mia.locked("/files/tram/elsewhere", "exclusive", "0").await;
    let rewound = |token: &str| max.ask("UPDATE", "/files/tram/d/").header("If", &tagged("/files/tram/d/a.txt", token));
    rewound(&held).body(&update).expect(423).await;
    mia.unlock_at("/files/tram/elsewhere").header("Lock-Token", &format!("<{other}>")).expect(204).await;
    rewound(&held).body(&update).expect(207).await;
    assert_eq!(id(&max, "/files/tram/d/a.txt").await, document);
    assert_eq!(tokens(&max, "/files/tram/d/a.txt").await, [held]);
    world.sound().await;
}

#[tokio::test]
async fn a_lock_ends_with_the_right_to_write() {
    use beffroi::model::id::now;
    use beffroi::model::privilege::Role;
    let changes = ["disabled", "removed", "no member", "reader", "until", "no grant", "lesser grant", "closed"];
    for change in changes {
        let world = World::new().await;
        let (lea, zoe, max) = (world.client("lea"), world.client("zoe"), world.client("max"));
        let tree = &world.tree;
        lea.mkcol("/files/tram/a").expect(201).await;
        let granted = change.ends_with("grant");
        if granted {
            tree.grant("/files/tram/a", "zoe", Role::Member, None).await.unwrap();
        } else {
            tree.add_member("tram", "zoe", Role::Member, None).await.unwrap();
        }
        lea.put("/files/tram/a/x", "one").expect(201).await;
        lea.put("/files/tram/a/other", "one").expect(201).await;
        let token = zoe.locked("/files/tram/a/x", "exclusive", "0").await;
        zoe.put("/files/tram/a/x", "draft").token(&token).expect(204).await;
        max.locked("/files/tram/a/other", "exclusive", "0").await;
        lea.put("/files/tram/a/x", "two").expect(423).await;
        match change {
            "disabled" => tree.set_disabled("zoe", true).await.unwrap(),
            "removed" => tree.remove_person("zoe").await.unwrap(),
            "no member" => tree.remove_member("tram", "zoe").await.unwrap(),
            "reader" => tree.add_member("tram", "zoe", Role::Reader, None).await.unwrap(),
            "until" => tree.add_member("tram", "zoe", Role::Member, Some(now())).await.unwrap(),
            "no grant" => tree.revoke("/files/tram/a", "zoe").await.unwrap(),
            "lesser grant" => tree.grant("/files/tram/a", "zoe", Role::Reader, None).await.unwrap(),
            _ => tree.close_project("tram").await.unwrap(),
        }
        let answer = lea.propfind("/files/tram/a/x", "0", "<D:lockdiscovery/>").expect(207).await;
        assert!(!answer.text().contains("activelock"), "{change}: {}", answer.text());
        let other = lea.propfind("/files/tram/a/other", "0", "<D:lockdiscovery/>").expect(207).await;
        assert_eq!(other.text().contains("activelock"), change != "closed", "{change}");
        if change != "closed" {
            lea.put("/files/tram/a/x", "two").expect(204).await;
            // What was written under it is a version.
            assert_eq!(super::versions::versions(&lea, "/files/tram/a/x").await.len(), 3, "{change}");
        }
        world.sound().await;
    }
}

#[tokio::test]
async fn no_lock_outlasts_the_role_that_it_takes() {
    use beffroi::model::id::now;
    use beffroi::model::privilege::Role;
    let world = World::new().await;
    let zoe = world.client("zoe");
    world.tree.add_member("tram", "zoe", Role::Member, Some(now() + 100)).await.unwrap();
    let seconds = |answer: &super::kit::Answer| {
        let text = answer.text();
        let from = text.find("Second-").unwrap() + "Second-".len();
        text[from..].split('<').next().unwrap().parse::<i64>().unwrap()
    };
    let locked = zoe.lock("/files/tram/x", "exclusive", "0").header("Timeout", "Second-3600").expect(201).await;
    assert!(seconds(&locked) <= 100, "{}", locked.text());
    let token = locked.header("lock-token").unwrap().trim_matches(['<', '>']).to_owned();
    let again = zoe.ask("LOCK", "/files/tram/x").token(&token).header("Timeout", "Second-3600").expect(200).await;
    assert!(seconds(&again) <= 100, "{}", again.text());
    // Another role that lasts longer counts, wherever above it was given.
    world.tree.grant("/files/tram", "zoe", Role::Member, None).await.unwrap();
    let again = zoe.ask("LOCK", "/files/tram/x").token(&token).header("Timeout", "Second-3600").expect(200).await;
    assert!(seconds(&again) > 3500, "{}", again.text());
}
