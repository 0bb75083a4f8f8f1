//! The commands of the binary: beside a running server, in both languages, as JSON, with clear errors.

use std::path::Path;
use std::process::{Command, Output};

use super::kit::World;

pub fn beffroi(data: &Path, language: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beffroi"))
        .args(arguments)
        .env("BEFFROI_DATA", data)
        .env("LC_ALL", language)
        .output()
        .unwrap()
}

pub fn ok(data: &Path, arguments: &[&str]) -> String {
    let output = beffroi(data, "C", arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn refused(data: &Path, language: &str, arguments: &[&str]) -> String {
    let output = beffroi(data, language, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_take_effect_in_the_running_server() {
    let world = World::new().await;
    let data = world.data.path();
    ok(data, &["person", "add", "nora", "--display-name", "Nora Petit", "--email", "nora@ville.example"]);
    let password = ok(data, &["device", "add", "nora", "--label", "phone"]);
    assert_eq!(password.trim().lines().count(), 1);
    let nora = world.login("nora", password.trim());
    nora.get("/files/nora/").expect(200).await;
    nora.get("/files/tram/").expect(404).await;
    ok(data, &["project", "member", "add", "tram", "nora", "--role", "member", "--until", "2999-12-31"]);
    nora.put("/files/tram/a.txt", "x").expect(201).await;
    ok(data, &["project", "member", "add", "tram", "nora", "--role", "reader"]);
    nora.put("/files/tram/a.txt", "y").expect(403).await;
    ok(data, &["project", "member", "remove", "tram", "nora"]);
    nora.get("/files/tram/").expect(404).await;
    ok(data, &["person", "disable", "nora"]);
    nora.get("/files/nora/").expect(401).await;
    ok(data, &["person", "enable", "nora"]);
    nora.get("/files/nora/").expect(200).await;
    ok(data, &["device", "revoke", "nora", "phone"]);
    nora.get("/files/nora/").expect(401).await;
    ok(data, &["person", "remove", "nora"]);
    refused(data, "C", &["person", "show", "nora"]);
    ok(data, &["person", "add", "nora", "--display-name", "Another", "--email", "nora@ville.example"]);
    ok(data, &["project", "close", "tram"]);
    world.client("max").put("/files/tram/b.txt", "x").expect(403).await;
    world.client("lea").put("/files/lea/large", &vec![1u8; 100_000]).expect(201).await;
    closed(data, std::os::unix::fs::MetadataExt::uid(&data.metadata().unwrap()));
    assert!(ok(data, &["check"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_and_errors() {
    let world = World::new().await;
    let data = world.data.path();
    let people: serde_json::Value = serde_json::from_str(&ok(data, &["person", "list", "--json"])).unwrap();
    assert_eq!(people[1]["name"], "max");
    assert_eq!(people[1]["email"], "max@ville.example");
    assert_eq!(people[1]["invitations"], "auto");
    ok(data, &["person", "set", "max", "--invitations", "both"]);
    let max: serde_json::Value = serde_json::from_str(&ok(data, &["person", "show", "max", "--json"])).unwrap();
    assert_eq!((&max[0]["invitations"], &max[0]["calendar_used_at"]), (&"both".into(), &serde_json::Value::Null));
    let alma = ["person", "add", "alma", "--display-name", "Alma", "--email", "alma@ville.example", "--invitations"];
    ok(data, &[&alma[..], &["mail"]].concat());
    let people: serde_json::Value = serde_json::from_str(&ok(data, &["person", "list", "--json"])).unwrap();
    let listed = people.as_array().unwrap().iter().find(|person| person["name"] == "alma").unwrap();
    assert_eq!(listed["invitations"], "mail");
    let project: serde_json::Value = serde_json::from_str(&ok(data, &["project", "show", "tram", "--json"])).unwrap();
    assert_eq!(project["members"][0]["role"], "lead");
    let devices: serde_json::Value = serde_json::from_str(&ok(data, &["device", "list", "max", "--json"])).unwrap();
    assert_eq!(devices[0]["scope"], "all");
    let board = ["device", "add", "max", "--label", "board", "--scope", "files", "--project", "tram", "--digest"];
    world.login("max", ok(data, &board).trim()).get("/files/").header("User-Agent", "x/1").expect(200).await;
    let devices: serde_json::Value = serde_json::from_str(&ok(data, &["device", "list", "max", "--json"])).unwrap();
    let used = |key: &str| devices[0][key].clone();
    assert_eq!([used("label"), used("scope"), used("project")], ["board", "files", "tram"]);
    assert_eq!(used("digest"), true);
    assert_eq!([used("used_from"), used("used_by")], ["127.0.0.1", "x/1"]);
    assert!(ok(data, &["device", "list", "max"]).contains("127.0.0.1"));
    assert!(ok(data, &["project", "list"]).contains("Tramway"));
    let add = |name| ["person", "add", name, "--display-name", "X", "--email", "x@ville.example"];
    assert!(refused(data, "fr_FR.UTF-8", &add("MAX")).contains("est pris"));
    assert!(refused(data, "C", &add("a:b")).contains("Windows cannot open"));
    assert!(refused(data, "C", &add("tram")).contains("taken"));
    for (arguments, part) in [
        (vec!["device", "add", "nobody", "--label", "x"], "Nobody"),
        (vec!["device", "add", "tram", "--label", "x"], "project"),
        (vec!["device", "add", "max", "--label", "test"], "already"),
        (vec!["device", "add", "max", "--label", "x", "--project", "none"], "Nobody"),
        (vec!["device", "add", "max", "--label", "x", "--project", "lea"], "person"),
        (vec!["device", "add", "max", "--label", "x", "--until", "soon"], "neither a date"),
        (vec!["device", "revoke", "max", "none"], "no device"),
        (vec!["project", "add", "p", "--display-name", "P", "--quota", "big"], "not a size"),
        (vec!["person", "add", "y", "--display-name", "Y", "--email", "nowhere"], "not an e-mail"),
        (vec!["import", "files", "/calendars/max", "."], "not the address"),
        (vec!["import", "files", "/files/max", "/does/not/exist"], "cannot be read"),
    ] {
        let text = refused(data, "C", &arguments);
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
    assert_eq!(beffroi(data, "C", &["person", "fly"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_in_and_out() {
    let world = World::new().await;
    let data = world.data.path();
    let tree = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(tree.path().join("Réunions/2026")).unwrap();
    std::fs::write(tree.path().join("Réunions/2026/été.txt"), "small").unwrap();
    std::fs::write(tree.path().join("large.bin"), vec![7u8; 300_000]).unwrap();
    let from = tree.path().to_str().unwrap();
    assert!(ok(data, &["import", "files", "/files/tram/in", from]).contains("2 files and 2 folders"));
    let max = world.client("max");
    assert_eq!(max.get("/files/tram/in/R%C3%A9unions/2026/%C3%A9t%C3%A9.txt").expect(200).await.text(), "small");
    std::fs::write(tree.path().join("large.bin"), vec![8u8; 300_000]).unwrap();
    ok(data, &["import", "files", "/files/tram/in", from]);
    let back = tempfile::tempdir().unwrap();
    ok(data, &["export", "files", "/files/tram/in", back.path().to_str().unwrap()]);
    assert_eq!(std::fs::read(back.path().join("large.bin")).unwrap(), vec![8u8; 300_000]);
    assert_eq!(std::fs::read_to_string(back.path().join("Réunions/2026/été.txt")).unwrap(), "small");
    std::fs::write(tree.path().join("con.txt"), "x").unwrap();
    let printed = refused(data, "fr", &["import", "files", "/files/tram/in", from]);
    assert!(printed.contains("con.txt") && printed.contains("périphérique"), "{printed}");
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_symbolic_link_is_followed() {
    use std::os::unix::fs::symlink;
    let world = World::new().await;
    let data = world.data.path();
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    for name in ["outside", "from/real", "to"] {
        std::fs::create_dir_all(at(name)).unwrap();
    }
    std::fs::write(at("outside/secret"), "secret").unwrap();
    std::fs::write(at("from/real/file"), "file").unwrap();
    symlink(at("outside"), at("from/folder")).unwrap();
    symlink(at("outside/secret"), at("from/document")).unwrap();
    let output = beffroi(data, "C", &["import", "files", "/files/tram/in", at("from").to_str().unwrap()]);
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && printed.matches("skipped").count() == 2, "{printed}");
    let max = world.client("max");
    assert_eq!(max.propfind("/files/tram/in/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 2);
    max.put("/files/tram/in/document", "from the project").expect(201).await;
    // A file that is a link is replaced, what it leads to stays as it is.
    symlink(at("outside/secret"), at("to/document")).unwrap();
    ok(data, &["export", "files", "/files/tram/in", at("to").to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(at("to/document")).unwrap(), "from the project");
    // Through a folder that is a link nothing goes.
    std::fs::remove_dir_all(at("to/real")).unwrap();
    symlink(at("outside"), at("to/real")).unwrap();
    let printed = refused(data, "C", &["export", "files", "/files/tram/in", at("to").to_str().unwrap()]);
    assert!(printed.contains("to/real") && printed.contains("symbolic link"), "{printed}");
    let outside: Vec<_> = std::fs::read_dir(at("outside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["secret"]);
    assert_eq!(std::fs::read_to_string(at("outside/secret")).unwrap(), "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_secrets_are_not_logged() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    ok(data.path(), &ALICE);
    let printed = ok(data.path(), &["feed", "add", "alice", "/calendars/alice/personal"]);
    let path = printed.split_whitespace().find_map(|word| word.find("/feeds/").map(|at| &word[at..])).unwrap();
    let secret = path.split('/').nth(2).unwrap();
    let template = ok(data.path(), &["freebusy", "add", "--label", "mairie"]);
    let looked_up = template.trim().replace("%NAME%@%SERVER%", "alice@ville.example");
    let other_secret = looked_up.split('/').nth(2).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_beffroi"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("BEFFROI_DATA", data.path())
        .env("BEFFROI_LOG_FILTER", "debug")
        .stdout(std::process::Stdio::piped())
        .stderr(log.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut line).unwrap();
    let address = line.trim().trim_start_matches("ready: http://").trim_end_matches('/').parse().unwrap();
    let nobody = super::kit::Client { address, authorization: None };
    nobody.get(path).expect(200).await;
    nobody.get(&looked_up).expect(200).await;
    nobody.get(&looked_up.replace("alice", "nobody")).expect(404).await;
    nobody.get(&looked_up.replace("freebusy", "Free%62usy")).expect(404).await;
    for spelled in [
        format!("/feeds//{secret}/personal.ics"),
        format!("//feeds/{secret}/personal.ics"),
        format!("/%66eeds/{secret}/personal.ics"),
        format!("/%2566eeds/{secret}/personal.ics"),
        format!("/FEEDS/{secret}/personal.ics"),
        format!("/./feeds/{secret}/personal.ics"),
        format!("/files/../feeds/{secret}"),
        format!("/feeds/{secret}/%ff"),
        format!("/feeds/{secret}"),
        format!("http://x/feeds/{secret}/personal.ics"),
        format!("/;x/feeds/{secret}/personal.ics"),
        format!("/feeds;x/{secret}/personal.ics"),
        format!("/%E1feeds/{secret}/personal.ics"),
        format!("//x/feeds/{secret}/personal.ics"),
        format!("/feed/{secret}/personal.ics"),
        format!("/{secret}"),
        format!("/freebusy/{secret}/alice@x.example.ifb"),
        format!("/share;x/{secret}/"),
        format!("/x/office/{secret}/a.docx"),
        format!("/ANSWER/{secret}"),
    ] {
        for method in ["GET", "PROPFIND", "PUT"] {
            let answer =
                nobody.ask(method, &spelled).header("Referer", &format!("http://x/feeds/{secret}")).send().await;
            assert!(!answer.text().contains(secret), "{method} {spelled}: {}", answer.text());
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let logged = std::fs::read_to_string(log.path()).unwrap();
    assert!(logged.contains("answered") && ![secret, other_secret].iter().any(|one| logged.contains(one)), "{logged}");
}

#[test]
fn an_address_for_busy_times_is_what_outlook_is_given() {
    let data = tempfile::tempdir().unwrap();
    let place = tempfile::tempdir().unwrap();
    let settings = place.path().join("settings.toml");
    std::fs::write(&settings, "[server]\npublic_url = \"https://beffroi.ville.example/\"\n").unwrap();
    let settings = settings.to_str().unwrap();
    let add = ["--config", settings, "freebusy", "add", "--label", "mairie", "--until", "2999-12-31"];
    let output = beffroi(data.path(), "fr_FR.UTF-8", &add);
    let (printed, hint) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let secret = printed.strip_prefix("https://beffroi.ville.example/freebusy/").unwrap();
    let secret = secret.strip_suffix("/%NAME%@%SERVER%.ifb\n").unwrap();
    // Each character is one of 32.
    assert!(secret.len() * 5 >= 128 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
    assert!(hint.contains("salles"), "{hint}");
    let printed = ok(data.path(), &["freebusy", "add", "--label", "école"]);
    assert!(printed.starts_with("/freebusy/") && printed.lines().count() == 1, "{printed}");
    let listed = ok(data.path(), &["freebusy", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!([&listed[0]["label"], &listed[1]["label"]], ["mairie", "école"]);
    assert!(listed[0]["expires_at"].is_string() && listed[1]["expires_at"].is_null(), "{listed}");
    assert!(listed[0]["fetched_at"].is_null() && !listed.to_string().contains(secret), "{listed}");
    assert!(ok(data.path(), &["freebusy", "list"]).starts_with("mairie  "));
    assert!(refused(data.path(), "C", &["freebusy", "add", "--label", "mairie"]).contains("mairie"));
    assert!(ok(data.path(), &["freebusy", "revoke", "mairie"]).contains("mairie"));
    assert!(refused(data.path(), "fr_FR.UTF-8", &["freebusy", "revoke", "mairie"]).contains("Aucune adresse"));
}

/// Everything in a data directory: its path, user and permissions.
fn kept(data: &Path) -> Vec<(std::path::PathBuf, u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut waiting = vec![data.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, metadata.uid(), metadata.mode() & 0o777));
    }
    found
}

/// All of it is its owner's, and open to nobody else.
fn closed(data: &Path, user: u32) {
    for (path, owner, mode) in kept(data) {
        let right = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!((owner, mode), (user, right), "{}: {mode:o}", path.display());
    }
}

/// A directory with documents of more than a body that is a row.
fn documents(number: u8) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for byte in 0..number {
        std::fs::write(directory.path().join(byte.to_string()), vec![byte; 70_000]).unwrap();
    }
    directory
}

const ALICE: [&str; 7] = ["person", "add", "alice", "--display-name", "Alice", "--email", "alice@ville.example"];

#[test]
fn the_data_directory_is_its_owners_alone() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let place = tempfile::tempdir().unwrap();
    let user = place.path().metadata().unwrap().uid();
    let files = documents(3);
    for mask in ["000", "022", "777"] {
        let data = place.path().join(mask);
        let script = format!(
            "umask {mask}; set -e; b={}; $b {}; $b import files /files/alice/in {}; $b check",
            env!("CARGO_BIN_EXE_beffroi"),
            ALICE.join(" "),
            files.path().display()
        );
        let output = Command::new("sh").arg("-c").arg(script).env("BEFFROI_DATA", &data).output().unwrap();
        assert!(output.status.success(), "{mask}: {}", String::from_utf8_lossy(&output.stderr));
        closed(&data, user);
    }
    // One that others could read is closed to them, with all that it holds, and that is said once.
    let data = place.path().join("022");
    for (path, ..) in kept(&data) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    for (language, printed) in [("C", "its owner alone"), ("C", "")] {
        let output = beffroi(&data, language, &["person", "list"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && text.contains(printed) && text.is_empty() == printed.is_empty(), "{text}");
        closed(&data, user);
    }
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_data_directory() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const OTHER: u32 = 65_534;
    let place = tempfile::tempdir().unwrap();
    if place.path().metadata().unwrap().uid() != 0 {
        return;
    }
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    chown(&data, Some(OTHER), Some(OTHER)).unwrap();
    let files = documents(40);
    ok(&data, &ALICE);
    ok(&data, &["import", "files", "/files/alice/in", files.path().to_str().unwrap()]);
    closed(&data, OTHER);
    // What was made before that was so is given back.
    let stray = kept(&data).into_iter().map(|(path, ..)| path).find(|path| path.parent() == Some(&data.join("bodies")));
    chown(stray.unwrap(), Some(0), Some(0)).unwrap();
    ok(&data, &["person", "list"]);
    closed(&data, OTHER);
    // Neither root nor the owner: the error says whom to be.
    let mut command = Command::new(env!("CARGO_BIN_EXE_beffroi"));
    command.args(["person", "list"]).env("BEFFROI_DATA", &data).env("LC_ALL", "fr_FR.UTF-8").uid(4321).gid(4321);
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    if let Ok(output) = command.output() {
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && text.contains("appartient à l’utilisateur"), "{text}");
    }
    closed(&data, OTHER);
}

#[test]
fn many_commands_at_once_on_nothing() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("below/data");
    let started: Vec<_> = (0..8)
        .map(|number| {
            let (name, address) = (format!("p{number}"), format!("p{number}@ville.example"));
            Command::new(env!("CARGO_BIN_EXE_beffroi"))
                .args(["person", "add", &name, "--display-name", &name, "--email", &address])
                .env("BEFFROI_DATA", &data)
                .stderr(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(ok(&data, &["person", "list"]).lines().count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn calendars_in_and_out() {
    let world = World::new().await;
    let data = world.data.path();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("all.ics");
    let event =
        |uid: &str, lines: &str| format!("BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT\n");
    let mut text = String::from(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Old//EN\nBEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\n\
         DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n",
    );
    text += &event("series", "DTSTART;TZID=Ours:20260105T090000\nRRULE:FREQ=WEEKLY\nSUMMARY:Comit\u{e9}");
    for day in 0..1200 {
        text += &event(&format!("e{day}/x"), &format!("DTSTART:20260105T{:02}0000Z", day % 24));
    }
    text += &event("series", "RECURRENCE-ID;TZID=Ours:20260112T090000\nDTSTART;TZID=Ours:20260112T100000");
    text += &event("bad", "DTSTART:tomorrow");
    text += "BEGIN:VTODO\nUID:task\nDTSTAMP:20260101T000000Z\nEND:VTODO\nEND:VCALENDAR\n";
    std::fs::write(&file, &text).unwrap();
    let arguments = ["import", "calendar", "/calendars/tram/meetings", file.to_str().unwrap()];
    let first = beffroi(data, "C", &arguments);
    let printed = String::from_utf8(first.stderr).unwrap();
    assert_eq!(first.status.code(), Some(1));
    assert!(printed.contains("bad was not imported") && printed.contains("task was not imported"), "{printed}");
    assert!(printed.contains("1000 objects so far") && printed.contains("2 objects could not"), "{printed}");
    assert!(String::from_utf8(first.stdout).unwrap().starts_with("1201 objects were imported"));
    let max = world.client("max");
    let series = max.get("/calendars/tram/meetings/series.ics").expect(200).await.text();
    assert!(series.contains("TZID:Ours\r\n") && series.contains("RECURRENCE-ID") && series.contains("-//Old//EN"));
    // Once more: all of it is there, and said to be.
    let again = beffroi(data, "C", &arguments);
    assert!(String::from_utf8(again.stdout).unwrap().starts_with("0 objects were imported"));
    assert!(String::from_utf8(again.stderr).unwrap().contains("series is in the calendar already"));
    let out = ok(data, &["export", "calendar", "/calendars/tram/meetings"]);
    assert_eq!((out.matches("BEGIN:VCALENDAR").count(), out.matches("BEGIN:VEVENT").count()), (1, 1202));
    assert_eq!(out.matches("BEGIN:VTIMEZONE").count(), 1);
    std::fs::write(&file, &out).unwrap();
    ok(data, &["import", "calendar", "/calendars/max/personal", file.to_str().unwrap()]);
    assert_eq!(ok(data, &["export", "calendar", "/calendars/max/personal"]).matches("BEGIN:VEVENT").count(), 1202);
    for (arguments, part) in [
        (["import", "calendar", "/files/tram", file.to_str().unwrap()], "not the address of a calendar"),
        (["import", "calendar", "/calendars/tram/none", file.to_str().unwrap()], "nothing at this address"),
        (["import", "calendar", "/calendars/tram/tasks", "Cargo.toml"], "not a whole iCalendar file"),
        (["import", "calendar", "/calendars/tram/tasks", "/does/not/exist"], "cannot be read"),
    ] {
        let text = refused(data, "C", &arguments);
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_file_is_lost_unsaid() {
    let world = World::new().await;
    let data = world.data.path();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("some.ics");
    let event =
        |uid: &str, lines: &str| format!("BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT\n");
    let import = |language: &str, text: &str| {
        std::fs::write(&file, text).unwrap();
        beffroi(data, language, &["import", "calendar", "/calendars/tram/meetings", file.to_str().unwrap()])
    };
    let printed = |output: &Output| String::from_utf8(output.stderr.clone()).unwrap();
    let calendar =
        |inner: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID;X-A=b\n :-//Old\n //EN\n{inner}END:VCALENDAR\n");
    // Two events of one UID, in one calendar or in two: the second is named, by its line, as one of this file.
    let (first, second) = (event("a", "DTSTART:20260310T090000Z"), event("a", "DTSTART:20260317T090000Z"));
    let two = import("C", &calendar(&format!("{first}{second}")));
    assert_eq!(two.status.code(), Some(1));
    let line = format!("{}:11: not imported, for another component of the file has the same UID (a)", file.display());
    assert!(printed(&two).contains(&line) && !printed(&two).contains("already:"), "{}", printed(&two));
    assert!(String::from_utf8(two.stdout.clone()).unwrap().starts_with("1 objects were imported"));
    let again = import("fr", &format!("{}{}", calendar(&first), calendar(&second)));
    assert!(
        printed(&again).contains("le m\u{ea}me UID (a)") && printed(&again).contains("est d\u{e9}j\u{e0} dans"),
        "{}",
        printed(&again)
    );
    let kept = world.client("max").get("/calendars/tram/meetings/a.ics").expect(200).await.text();
    assert!(kept.contains("20260310") && kept.contains("PRODID;X-A=b:-//Old//EN\r\n"), "{kept}");
    // UIDs are compared as bytes.
    let spelled = import("C", &calendar(&event("A", "DTSTART:20260310T090000Z")));
    assert!(spelled.status.success(), "{}", printed(&spelled));
    // A calendar without events is one; what is no calendar is none.
    for text in
        [calendar(""), calendar("").repeat(2), calendar("X-WR-CALNAME:Vide\n"), "begin:vcalendar\nend:vcalendar".into()]
    {
        let empty = import("C", &text);
        assert!(empty.status.success(), "{text}: {}", printed(&empty));
        assert!(String::from_utf8(empty.stdout).unwrap().starts_with("0 objects were imported"), "{text}");
    }
    // However it is written, it is read; what is of another version is refused by its reason, in the language of the
    // terminal.
    let other = calendar(&event("\u{e9}t\u{e9}", "DTSTART:20260310T090000Z\nSUMMARY:\u{c9}t\u{e9}\u{10a} \u{1f600}"));
    let utf_16: Vec<u8> = format!("\u{feff}{other}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, stored) in [
        (utf_16, "1 objects"),
        (other.replace('\n', "\r").into_bytes(), "0 objects"),
        (format!("\u{feff}{other}").into_bytes(), "0 objects"),
    ] {
        std::fs::write(&file, &bytes).unwrap();
        let arguments = ["import", "calendar", "/calendars/tram/meetings", file.to_str().unwrap()];
        let output = beffroi(data, "C", &arguments);
        assert!(output.status.success(), "{}", printed(&output));
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(stored));
    }
    let kept = world.client("max").get("/calendars/tram/meetings/%C3%A9t%C3%A9.ics").expect(200).await.text();
    assert!(kept.contains("SUMMARY:\u{c9}t\u{e9}\u{10a} \u{1f600}\r\n"), "{kept}");
    let old = other.replace("VERSION:2.0", "VERSION:1.0");
    assert!(printed(&import("C", &old)).contains("not of version 2.0"));
    assert!(printed(&import("fr", &old)).contains("pas la version 2.0"));
    for text in ["", "\n", "BEGIN:VCALENDAR\n", "BEGIN:VCARD\nEND:VCARD\n"] {
        assert!(printed(&import("C", text)).contains("not a whole iCalendar file"), "{text}");
    }
    // What has no reading is named, with the reason in the language of the terminal; the rest goes in.
    let mixed = calendar(&format!(
        "{}{}",
        event("bad", "DTSTART:20260310T090000Z\nRRULE:FREQ=FOO"),
        event("good", "DTSTART:20260310T090000Z")
    ));
    let mixed = import("fr", &mixed);
    assert_eq!(mixed.status.code(), Some(1));
    assert!(
        printed(&mixed).contains("bad n\u{2019}a pas \u{e9}t\u{e9} import\u{e9} : La fr\u{e9}quence"),
        "{}",
        printed(&mixed)
    );
    world.client("max").get("/calendars/tram/meetings/good.ics").expect(200).await;
    assert_eq!(ok(data, &["check", "--calendars", "--json"]).trim(), "[]");
    assert!(ok(data, &["check", "--calendars"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn holidays_are_offered_to_everyone() {
    let world = World::new().await;
    let data = world.data.path();
    ok(data, &["project", "add", "calendriers", "--display-name", "Calendriers"]);
    let address = "/calendars/calendriers/feries";
    let printed = ok(data, &["holidays", "public", address]);
    assert!(printed.contains("holidays are new"), "{printed}");
    assert!(ok(data, &["holidays", "public", address]).contains(": 0 holidays are new"));
    let zoe = world.client("zoe");
    let home = async |client: &super::kit::Client, name: &str| {
        client.propfind(&format!("/calendars/{name}/"), "1", "<D:displayname/>").expect(207).await.hrefs()
    };
    assert!(!home(&zoe, "zoe").await.iter().any(|href| href.contains("feries")));
    ok(data, &["grant", "add", address, "@everyone", "--role", "reader"]);
    assert!(home(&zoe, "zoe").await.contains(&"/calendars/zoe/feries@calendriers/".to_owned()));
    let fete = zoe.get("/calendars/zoe/feries@calendriers/ferie-07-14.ics").expect(200).await.text();
    assert!(fete.contains("F\u{ea}te nationale"));
    zoe.delete("/calendars/zoe/feries@calendriers/ferie-07-14.ics").expect(403).await;
    // Who comes later is one of everyone, too; what is not offered stays closed.
    ok(data, &["person", "add", "nora", "--display-name", "Nora", "--email", "nora@ville.example"]);
    let nora = world.login("nora", ok(data, &["device", "add", "nora", "--label", "phone"]).trim());
    assert!(home(&nora, "nora").await.iter().any(|href| href.contains("feries@calendriers")));
    nora.get("/files/calendriers/").expect(404).await;
    nora.get("/principals/@everyone/").expect(404).await;
    assert!(ok(data, &["grant", "list", address]).contains("@everyone"));
    ok(data, &["grant", "remove", address, "@everyone"]);
    assert!(!home(&nora, "nora").await.iter().any(|href| href.contains("feries")));
    let table = data.join("table.csv");
    std::fs::write(&table, "Description;Date de d\u{e9}but;Date de fin;Zones\nHiver;2026-02-07;2026-02-23;Zone A\n")
        .unwrap();
    let table = table.to_str().unwrap();
    let school = "/calendars/calendriers/vacances-a";
    assert!(ok(data, &["holidays", "school", school, table, "--zone", "A"]).contains("1 holidays are new, of 1"));
    assert!(refused(data, "C", &["holidays", "school", school, table, "--zone", "B"]).contains("nothing of zone B"));
    assert!(refused(data, "C", &["holidays", "school", school, "Cargo.toml", "--zone", "B"]).contains("first line"));
    world.sound().await;
}
