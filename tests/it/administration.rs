//! The commands about people, groups, rooms and roles.

use std::path::Path;
use std::process::Output;

use super::commands::{beffroi, ok, refused};
use super::kit::{World, event};

fn json(data: &Path, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&ok(data, &[arguments, &["--json"]].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_roles_by_command() {
    let world = World::new().await;
    let data = world.data.path();
    let zoe = world.client("zoe");
    ok(data, &["group", "add", "council", "--display-name", "Council"]);
    ok(data, &["group", "add", "inner", "--display-name", "Inner council"]);
    ok(data, &["group", "member", "add", "council", "inner"]);
    ok(data, &["group", "member", "add", "inner", "zoe"]);
    let said = refused(data, "fr", &["group", "member", "add", "inner", "council"]);
    assert!(said.contains("lui-même"), "{said}");
    let shown = json(data, &["group", "show", "council"]);
    assert_eq!((&shown["members"][0]["name"], &shown["members"][0]["kind"]), (&"inner".into(), &"group".into()));
    assert_eq!(json(data, &["group", "show", "inner"])["groups"][0], "council");
    assert!(json(data, &["group", "list"]).as_array().unwrap().iter().any(|group| group["display_name"] == "Council"));

    ok(data, &["project", "member", "add", "tram", "council", "--role", "reader"]);
    zoe.get("/files/tram/").expect(200).await;
    let member = &json(data, &["project", "show", "tram"])["members"][0];
    assert_eq!((&member["name"], &member["kind"]), (&"council".into(), &"group".into()));
    assert_eq!(member["origin"], "granted");
    ok(data, &["group", "member", "remove", "inner", "zoe"]);
    zoe.get("/files/tram/").expect(404).await;
    ok(data, &["group", "member", "add", "inner", "zoe"]);
    ok(data, &["group", "remove", "inner"]);
    zoe.get("/files/tram/").expect(404).await;
    ok(data, &["project", "member", "add", "tram", "lea", "--role", "lead"]);
    assert!(ok(data, &["check"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_and_closed_projects_by_command() {
    let world = World::new().await;
    let data = world.data.path();
    let zoe = world.client("zoe");
    // A partner wants a sponsor and an end, and nobody else has a sponsor.
    let partner = ["project", "member", "add", "tram", "zoe", "--role", "partner"];
    for more in [&[][..], &["--until", "2999-12-31"], &["--sponsor", "lea"]] {
        assert!(refused(data, "C", &[&partner, more].concat()).contains("--sponsor PERSON --until DATE"));
    }
    ok(data, &[&partner[..], &["--until", "2999-12-31", "--sponsor", "lea"]].concat());
    let reader = ["project", "member", "add", "tram", "zoe", "--role", "reader", "--sponsor", "lea"];
    assert!(refused(data, "C", &reader).contains("Only a partner"));
    let shown = json(data, &["project", "show", "tram"]);
    let zoe_there = shown["members"].as_array().unwrap().iter().find(|member| member["name"] == "zoe").unwrap();
    assert_eq!((&zoe_there["role"], &zoe_there["sponsor"]), (&"partner".into(), &"lea".into()));
    zoe.propfind("/calendars/tram/meetings/", "0", "").expect(404).await;
    ok(data, &["grant", "add", "/calendars/tram/meetings", "zoe", "--role", "reader"]);
    zoe.propfind("/calendars/tram/meetings/", "0", "").expect(207).await;
    let granted = &json(data, &["grant", "list", "/calendars/tram/meetings"])[0];
    assert_eq!((&granted["name"], &granted["role"]), (&"zoe".into(), &"reader".into()));
    assert_eq!((&granted["kind"], &granted["origin"]), (&"person".into(), &"granted".into()));
    ok(data, &["project", "member", "remove", "tram", "zoe"]);
    zoe.propfind("/calendars/tram/meetings/", "0", "").expect(404).await;

    // Who answered for a partner and was removed is nobody of that name who comes later.
    let person = |verb: &'static str, more: &[&'static str]| ok(data, &[&["person", verb, "sam"], more].concat());
    person("add", &["--display-name", "Sam", "--email", "sam@ville.example"]);
    ok(data, &[&partner[..], &["--until", "2999-12-31", "--sponsor", "sam"]].concat());
    person("remove", &[]);
    person("add", &["--display-name", "Another", "--email", "sam@ville.example"]);
    let shown = json(data, &["project", "show", "tram"]);
    let sponsor = shown["members"].as_array().unwrap().iter().find_map(|member| member["sponsor"].as_str()).unwrap();
    assert!(sponsor.starts_with("sam/"), "{sponsor}");

    // What is a project's own is held by nobody, and so taken from nobody.
    for own in [&["project", "member", "remove", "tram", "tram"][..], &["grant", "remove", "/files/tram", "tram"]] {
        assert!(refused(data, "C", own).contains("project"), "{own:?}");
    }

    ok(data, &["project", "close", "tram"]);
    world.client("max").put("/files/tram/b.txt", "x").expect(403).await;
    assert!(refused(data, "C", &["project", "member", "add", "tram", "zoe", "--role", "reader"]).contains("reopen"));
    ok(data, &["project", "reopen", "tram"]);
    world.client("max").put("/files/tram/b.txt", "x").expect(201).await;
    assert!(ok(data, &["check"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_by_command() {
    let world = World::new().await;
    let data = world.data.path();
    let add = |name: &'static str, more: &[&'static str]| {
        let address = format!("{name}@ville.example");
        let mut all = vec!["room", "add", name, "--display-name", "Hall", "--email", &address];
        all.extend(more);
        beffroi(data, "C", &all)
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for (more, code, part) in [
        (&["--hours", "weekdays"][..], 1, "mon-fri 08:00-19:00"),
        (&["--hours", "mon 19:00-08:00"], 1, "no opening hours"),
        (&["--capacity", "0"], 1, "from 1"),
        (&["--booking", "manager"], 1, "--manager PRINCIPAL"),
        (&["--manager", "tram"], 1, "project"),
        (&["--bookable-by", "nobody"], 1, "Nobody is called"),
        (&["--kind", "car"], 2, "resource"),
        (&["--booking", "maybe"], 2, "manager"),
    ] {
        let output = add("hall", more);
        assert!(output.status.code() == Some(code) && said(&output).contains(part), "{more:?}: {}", said(&output));
    }
    ok(data, &["group", "add", "team", "--display-name", "Team"]);
    let all = ["--kind", "resource", "--capacity", "12", "--booking", "manager", "--manager", "zoe"];
    let more = ["--hours", "mon-fri 08:00-19:00", "--bookable-by", "team", "--bookable-by", "max"];
    let output = add("hall", &[&all[..], &more].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&add("hall", &[])).contains("belongs to hall"));
    let kept = serde_json::json!({
        "name": "hall", "display_name": "Hall", "email": "hall@ville.example", "kind": "resource", "capacity": 12,
        "booking": "manager", "manager": "zoe", "hours": "mon-fri 08:00-19:00", "bookable_by": ["max", "team"],
    });
    assert_eq!(json(data, &["room", "show", "hall"])[0], kept);
    assert_eq!(json(data, &["room", "list"])[0], kept);
    assert!(ok(data, &["room", "list"]).contains("max, team"));

    // Its manager reads the bookings and answers there; to all others they are not there.
    let bookings = "/calendars/hall/bookings/";
    world.client("zoe").put(&format!("{bookings}a.ics"), &event("a", "20260614")).expect(201).await;
    world.client("max").propfind(bookings, "0", "").expect(404).await;
    assert!(ok(data, &["check"]).contains("no damage"));
    ok(data, &["room", "remove", "hall"]);
    world.client("zoe").propfind(bookings, "0", "").expect(404).await;
    assert!(json(data, &["room", "list"]).as_array().unwrap().is_empty());
    assert!(add("hall", &[]).status.success());
    assert!(ok(data, &["check"]).contains("no damage"));
}

/// Who may book a room is said by name; where all who were named are no more, nobody may, and nobody of their name.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_some_may_book_is_never_open_to_all() {
    let world = World::new().await;
    let data = world.data.path();
    ok(data, &["group", "add", "team", "--display-name", "Team"]);
    let hall = ["room", "add", "hall", "--display-name", "Hall", "--email", "hall@ville.example"];
    ok(data, &[&hall[..], &["--bookable-by", "team", "--bookable-by", "zoe"]].concat());
    ok(data, &["person", "remove", "zoe"]);
    ok(data, &["group", "remove", "team"]);
    ok(data, &["group", "add", "team", "--display-name", "Another team"]);
    let shown = json(data, &["room", "show", "hall"])[0]["bookable_by"].clone();
    let names: Vec<&str> = shown.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("team/") && names[1].starts_with("zoe/"), "{names:?}");
    assert!(ok(data, &["check"]).contains("no damage"));
    ok(data, &["room", "remove", "hall"]);
    assert!(ok(data, &["check"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_changed_and_delegates_named_by_command() {
    let world = World::new().await;
    let data = world.data.path();
    ok(data, &["person", "set", "zoe", "--display-name", "Zoé Blanc", "--email", "zoe.blanc@ville.example"]);
    let shown = &json(data, &["person", "show", "zoe"])[0];
    assert_eq!((&shown["display_name"], &shown["email"]), (&"Zoé Blanc".into(), &"zoe.blanc@ville.example".into()));
    assert!(refused(data, "C", &["person", "set", "zoe", "--email", "max@ville.example"]).contains("belongs to max"));
    assert!(refused(data, "C", &["person", "set", "zoe"]).contains("--email"));
    ok(data, &["person", "set", "zoe", "--email", "zoe.blanc@ville.example"]);

    let zoe = world.client("zoe");
    zoe.propfind("/calendars/lea/personal/", "0", "").expect(404).await;
    ok(data, &["delegate", "add", "lea", "zoe", "--level", "read", "--until", "2999-12-31"]);
    zoe.propfind("/calendars/lea/personal/", "0", "").expect(207).await;
    zoe.put("/calendars/lea/personal/a.ics", &event("a", "20260614")).expect(403).await;
    ok(data, &["delegate", "add", "lea", "zoe", "--level", "write", "--private"]);
    zoe.put("/calendars/lea/personal/a.ics", &event("a", "20260614")).expect(201).await;
    zoe.get("/files/lea/").expect(404).await;
    let listed = &json(data, &["delegate", "list", "lea"])[0];
    assert_eq!((&listed["name"], &listed["level"]), (&"zoe".into(), &"write".into()));
    assert_eq!((&listed["private"], &listed["until"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(json(data, &["grant", "list", "/calendars/lea"])[0]["origin"], "delegated");
    ok(data, &["delegate", "remove", "lea", "zoe"]);
    zoe.propfind("/calendars/lea/personal/", "0", "").expect(404).await;
    assert!(refused(data, "fr", &["delegate", "remove", "lea", "zoe"]).contains("n’est pas délégué"));
    assert!(refused(data, "C", &["delegate", "add", "lea", "lea", "--level", "read"]).contains("somebody else"));
    assert!(refused(data, "C", &["delegate", "add", "tram", "zoe", "--level", "read"]).contains("project"));
    assert!(ok(data, &["check"]).contains("no damage"));
}
