//! What one may not read does not exist: no answer, on any method, differs by what is there, and none
//! changes when others work beside what is one's own.

use beffroi::front::dav::property;
use beffroi::model::id::now;
use beffroi::model::method::METHODS;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::model::version::day;

use super::kit::{Answer, Ask, Client, World, event};
use super::past::moment;
use super::versions::id;

/// What is granted of the project to zoe, an outside partner: a folder at the end of a way, and a calendar.
pub const END: &str = "/files/pont/way/end/";
pub const SHARED: &str = "/calendars/pont/shared/";

/// The project of lea, who leads it, and a moment at which all of it stood: a part of each kind beside what is granted.
pub async fn partner() -> (World, String) {
    let world = World::new().await;
    world.tree.add_project("pont", "Bridge", Some(1 << 20)).await.unwrap();
    world.tree.add_member("pont", "lea", Role::Lead, None).await.unwrap();
    world.tree.add_partner("pont", "zoe", "lea", now() + 3600).await.unwrap();
    let lea = world.client("lea");
    for folder in ["way", "way/end", "way/aside", "aside", "faded"] {
        lea.mkcol(&format!("/files/pont/{folder}")).expect(201).await;
    }
    for file in ["known.txt", "faded.txt", "way/known.txt", "aside/known.txt", "faded/known.txt", "way/end/own.txt"] {
        lea.put(&format!("/files/pont/{file}"), file).expect(201).await;
    }
    for calendar in ["shared", "aside"] {
        lea.ask("MKCALENDAR", &format!("/calendars/pont/{calendar}")).expect(201).await;
        lea.put(&format!("/calendars/pont/{calendar}/known.ics"), &event("known", "20260614")).expect(201).await;
    }
    lea.put("/calendars/pont/aside/faded.ics", &event("faded", "20260614")).expect(201).await;
    world.tree.grant(END, "zoe", Role::Member, None).await.unwrap();
    world.tree.grant(SHARED, "zoe", Role::Member, None).await.unwrap();
    let then = moment().await;
    for gone in ["/files/pont/faded", "/files/pont/faded.txt", "/calendars/pont/aside/faded.ics"] {
        lea.delete(gone).expect(204).await;
    }
    world.client("zoe").put("/files/zoe/mine.txt", "mine").expect(201).await;
    (world, then)
}

/// All that an answer says, but for the time of day.
pub async fn said(ask: Ask<'_>) -> String {
    let answer = ask.send().await;
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").collect();
    headers.sort();
    format!("{} {headers:?} {}", answer.status, answer.text())
}

/// Everything that there is to be read about an address.
pub async fn all_of(client: &Client, path: &str) -> Vec<String> {
    let every: String =
        property::all().map(|row| format!("<p:{} xmlns:p=\"{}\"/>", row.name.local, row.name.namespace)).collect();
    let body = |inner: &str| format!("<D:propfind xmlns:D=\"DAV:\">{inner}</D:propfind>");
    let mut found = Vec::new();
    for depth in ["0", "1", "infinity"] {
        for inner in ["<D:propname/>", "<D:allprop/>", &format!("<D:prop>{every}</D:prop>")] {
            found.push(said(client.ask("PROPFIND", path).header("Depth", depth).body(&body(inner))).await);
        }
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        found.push(said(client.ask(method, path)).await);
    }
    found.push(said(client.sync(path, "", "1", "")).await);
    let expand = "<D:expand-property xmlns:D=\"DAV:\"><D:property name=\"owner\"><D:property name=\"displayname\"/>\
                  </D:property><D:property name=\"version-history\"/></D:expand-property>";
    found.push(said(client.report_at(path).body(expand)).await);
    found
}

/// Names of what a collection holds.
pub async fn names(client: &Client, path: &str) -> Vec<String> {
    let hrefs = client.propfind(path, "1", "<D:getetag/>").expect(207).await.hrefs();
    hrefs.iter().skip(1).map(|href| href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_has_a_part_sees_the_way_to_it() {
    let (world, then) = partner().await;
    let zoe = world.client("zoe");
    let (today, _) = day(now(), &jiff::tz::TimeZone::system()).unwrap();
    for (path, seen) in [
        ("/files/", vec!["pont", "zoe"]),
        ("/files/pont/", vec!["way"]),
        ("/files/pont/way/", vec!["end"]),
        (END, vec!["own.txt"]),
        ("/history/", vec!["pont", "zoe"]),
        ("/history/pont/", vec![today.as_str(), "way"]),
        ("/history/pont/way/", vec!["end"]),
        ("/history/pont/way/end/", vec!["own.txt"]),
        ("/calendars/", vec!["zoe"]),
        ("/calendars/zoe/", vec!["inbox", "personal", "tasks", "outbox", "shared@pont"]),
        (&format!("/history/pont/{then}/"), vec!["way"]),
        (&format!("/history/pont/{then}/way/"), vec!["end"]),
        (&format!("/history/pont/{then}/way/end/"), vec!["own.txt"]),
    ] {
        assert_eq!(names(&zoe, path).await, seen, "{path}");
        assert!(zoe.propfind(path, "0", "<D:resourcetype/>").expect(207).await.text().contains("<D:collection/>"));
        zoe.get(path).expect(200).await;
        zoe.head(path).expect(200).await;
    }
    // It is only passed through.
    for path in ["/files/pont/", "/files/pont/way/"] {
        let allow = zoe.options(path).expect(200).await.header("allow").unwrap().to_owned();
        assert_eq!(allow, "OPTIONS, GET, HEAD, PROPFIND, REPORT", "{path}");
        let privileges = zoe.propfind(path, "0", "<D:current-user-privilege-set/>").expect(207).await.text();
        assert!(privileges.contains("<D:read/>") && !privileges.contains("<D:write/>"), "{privileges}");
        zoe.put(&format!("{path}new.txt"), "x").expect(404).await;
        zoe.mkcol(&format!("{path}new")).expect(404).await;
        zoe.lock(path, "shared", "0").expect(405).await;
        zoe.delete(path).expect(405).await;
        zoe.proppatch(path, "<D:set><D:prop><k xmlns=\"u\"/></D:prop></D:set>").expect(405).await;
    }
    zoe.copy(&format!("/history/pont/{then}/way/end/"), "/files/zoe/then").expect(201).await;
    zoe.copy(&format!("/history/pont/{then}/"), "/files/zoe/all").expect(405).await;
    // It leads there as long as there is something, wherever that stands.
    let lea = world.client("lea");
    lea.relocate("/files/pont/way/end", "/files/pont/aside/End").expect(201).await;
    assert_eq!(names(&zoe, "/files/pont/").await, ["aside"]);
    assert_eq!(names(&zoe, "/files/pont/aside/").await, ["End"]);
    assert_eq!(names(&zoe, &format!("/history/pont/{then}/way/end/")).await, ["own.txt"]);
    zoe.propfind("/files/pont/way/", "0", "").expect(404).await;
    lea.delete("/files/pont/aside").expect(204).await;
    zoe.propfind("/files/pont/", "0", "").expect(404).await;
    assert_eq!(names(&zoe, "/files/").await, ["zoe"]);
    world.sound().await;
}

#[tokio::test]
async fn the_way_ends_with_what_it_leads_to() {
    let (world, _) = partner().await;
    let zoe = world.client("zoe");
    world.tree.grant(END, "zoe", Role::Member, Some(now() - 1)).await.unwrap();
    assert_eq!(names(&zoe, "/files/").await, ["zoe"]);
    zoe.propfind("/files/pont/way/", "0", "").expect(404).await;
    world.tree.grant(END, "zoe", Role::Reader, None).await.unwrap();
    assert_eq!(names(&zoe, "/files/pont/").await, ["way"]);
    world.tree.remove_member("pont", "zoe").await.unwrap();
    assert_eq!(
        (names(&zoe, "/files/").await, names(&zoe, "/history/").await),
        (vec!["zoe".into()], vec!["zoe".into()])
    );
    // Everyone's way, and that of a role on all of it.
    world.tree.grant(END, "@everyone", Role::Reader, None).await.unwrap();
    assert_eq!(names(&zoe, "/files/pont/").await, ["way"]);
    world.tree.grant("/files/pont", "zoe", Role::Reader, None).await.unwrap();
    assert_eq!(names(&zoe, "/files/pont/").await, ["aside", "known.txt", "way"]);
    world.tree.grant("/calendars/pont", "rita", Role::Reader, None).await.unwrap();
    let links = names(&world.client("rita"), "/calendars/rita/").await;
    assert!(["aside@pont", "shared@pont", "meetings@pont"].iter().all(|link| links.contains(&(*link).to_owned())));
    world.sound().await;
}

#[tokio::test]
async fn nothing_changes_for_who_has_a_part_when_others_work_beside_it() {
    let (world, then) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let places = [
        "/".to_owned(),
        "/files/".to_owned(),
        "/files/pont/".to_owned(),
        "/files/pont/way/".to_owned(),
        END.to_owned(),
        format!("{END}own.txt"),
        "/history/".to_owned(),
        "/history/pont/".to_owned(),
        "/history/pont/way/".to_owned(),
        "/history/pont/way/end/".to_owned(),
        format!("/history/pont/{then}/"),
        format!("/history/pont/{then}/way/"),
        "/trash/".to_owned(),
        "/trash/pont/".to_owned(),
        "/calendars/zoe/".to_owned(),
        SHARED.to_owned(),
        "/calendars/zoe/shared@pont/".to_owned(),
        "/principals/pont/".to_owned(),
    ];
    // A trash that is theirs to see.
    zoe.put(&format!("{END}gone.txt"), "x").expect(201).await;
    zoe.delete(&format!("{END}gone.txt")).expect(204).await;
    let mut before = Vec::new();
    for place in &places {
        before.push(all_of(&zoe, place).await);
    }
    for (method, path, body) in [
        ("PUT", "/files/pont/new.txt", "x"),
        ("PUT", "/files/pont/way/new.txt", "x"),
        ("PUT", "/files/pont/way/aside/new.txt", "x"),
        ("PUT", "/files/pont/way/new.txt", "other"),
        ("MKCOL", "/files/pont/way/newer", ""),
        ("DELETE", "/files/pont/way/new.txt", ""),
        ("DELETE", "/files/pont/aside", ""),
        ("DELETE", "/trash/pont/aside", ""),
        ("LOCK", "/files/pont/way/known.txt", ""),
        ("PROPPATCH", "/files/pont/way/", ""),
        ("PROPPATCH", "/files/pont/", ""),
        ("MKCALENDAR", "/calendars/pont/new", ""),
        ("PUT", "/calendars/pont/aside/known.ics", ""),
        ("DELETE", "/calendars/pont/aside", ""),
    ] {
        let ask = match method {
            "LOCK" => lea.lock(path, "exclusive", "0"),
            "PROPPATCH" => lea.proppatch(path, "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>"),
            "PUT" if path.ends_with(".ics") => lea.put(path, &event("known", "20260615")),
            _ => lea.ask(method, path).body(body),
        };
        let answer = ask.send().await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        for (place, before) in places.iter().zip(&before) {
            let after = all_of(&zoe, place).await;
            for (one, other) in before.iter().zip(&after) {
                assert_eq!(one, other, "{place} after {method} {path}");
            }
        }
    }
    // Nor does it name anything of them.
    let shown = before.concat().concat();
    for word in ["known.txt", "aside", "faded"] {
        assert!(!shown.contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_lock_above_what_is_granted_is_known_and_nothing_else_of_it() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let token = lea.locked("/files/pont/", "exclusive", "infinity").await;
    let own = format!("{END}own.txt");
    for (path, depth) in [(END, "0"), (END, "1"), (own.as_str(), "0"), ("/files/pont/way/", "1"), ("/files/", "1")] {
        let shown = zoe.propfind(path, depth, "<D:lockdiscovery/>").expect(207).await.text();
        assert_eq!(shown.contains("<D:activelock>"), path != "/files/", "{path}: {shown}");
        assert!(!shown.contains(&token) && !shown.contains("owner") && !shown.contains("timeout"), "{path}: {shown}");
        assert!(!shown.contains("<D:lockroot><D:href>/files/pont/</D:href>"), "{path}: {shown}");
    }
    for ask in [
        zoe.put(&own, "x"),
        zoe.put(&own, "x").token(&token),
        zoe.put(&format!("{END}new.txt"), "x"),
        zoe.delete(&own),
        zoe.lock(&own, "shared", "0"),
    ] {
        let answer = ask.send().await;
        assert!([412, 423].contains(&answer.status), "{}", answer.text());
        assert!(!answer.text().contains("<D:href>/files/pont/</D:href>"), "{}", answer.text());
    }
    // Who leads the part takes off what was put on it, and nothing above.
    world.tree.grant(END, "zoe", Role::Lead, None).await.unwrap();
    for shown in [token.as_str(), ""] {
        zoe.unlock_at(&own).header("Lock-Token", &format!("<{shown}>")).expect(409).await;
    }
    zoe.put(&own, "x").header("If", "(<>)").send().await;
    lea.unlock_at("/files/pont/").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    assert_eq!(zoe.get(&own).expect(200).await.text(), "way/end/own.txt");
}

/// Beside what is granted: addresses of what is there, and of what is not.
async fn pairs(world: &World, then: &str) -> Vec<(String, String)> {
    let lea = world.client("lea");
    let mut pairs: Vec<(String, String)> = [
        "/files/pont/known.txt",
        "/files/pont/KNOWN.TXT",
        "/files/pont/way/known.txt",
        "/files/pont/aside/known.txt",
        "/files/pont/way/known.txt/below",
        "/history/pont/known.txt/",
        "/history/pont/aside/known.txt/",
        "/history/pont/THEN/known.txt",
        "/history/pont/THEN/way/known.txt",
        "/history/pont/THEN/aside/known.txt",
        "/trash/pont/faded.txt",
        "/trash/pont/faded/",
        "/trash/pont/faded/known.txt",
        "/trash/pont/faded.ics",
        "/calendars/pont/aside/",
        "/calendars/pont/aside/known.ics",
        "/files/lea/",
        "/files/lea/x",
        "/calendars/lea/personal/",
        "/history/lea/",
        "/trash/lea/",
    ]
    .iter()
    .map(|path| {
        let other =
            [("known", "never"), ("KNOWN", "NEVER"), ("faded", "never"), ("/aside/", "/beset/"), ("/lea/", "/lee/")];
        let none = other.iter().fold((*path).to_owned(), |path, (from, to)| path.replace(from, to));
        (path.replace("THEN", then), none.replace("THEN", then))
    })
    .collect();
    let known = id(&lea, "/files/pont/known.txt").await;
    let known = known.rsplit(':').next().unwrap().to_owned();
    let none = (known.parse::<i64>().unwrap() - 1).to_string();
    pairs.push((format!("/versions/{known}/"), format!("/versions/{none}/")));
    pairs.push((format!("/versions/{known}/1"), format!("/versions/{none}/1")));
    pairs
}

/// What someone learns of an address by asking for it in every way, and by naming it where one may.
async fn learned(client: &Client, path: &str, etag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut note = |what: String, said: String| found.push((what, said));
    for (_, method) in METHODS {
        let ask = client.ask(method, path);
        let ask = match method {
            "COPY" | "MOVE" => ask.header("Destination", "/files/zoe/got"),
            "PUT" if path.ends_with(".ics") => ask.body(&event("known", "20260614")),
            "POST" => ask.header("Content-Type", "text/calendar").body(&event("known", "20260614")),
            "PROPFIND" => ask.header("Depth", "0"),
            "PROPPATCH" => {
                ask.body("<propertyupdate xmlns=\"DAV:\"><set><prop><k xmlns=\"u\"/></prop></set></propertyupdate>")
            }
            "LOCK" => ask.body(
                "<lockinfo xmlns=\"DAV:\"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>",
            ),
            "UPDATE" => ask.body(&format!("<update xmlns=\"DAV:\"><version><href>{path}</href></version></update>")),
            "UNLOCK" => ask.header("Lock-Token", "<urn:uuid:none>"),
            "REPORT" => ask.body("<sync-collection xmlns=\"DAV:\"><sync-token/><prop/></sync-collection>"),
            _ => ask.body(""),
        };
        note(method.to_owned(), said(ask).await);
    }
    for report in ["version-tree", "expand-property", "principal-property-search", "unknown"] {
        note(report.to_owned(), said(client.report_at(path).body(&format!("<{report} xmlns=\"DAV:\"/>"))).await);
    }
    for condition in [("If-Match", etag), ("If-Match", "*"), ("If-None-Match", "*"), ("If-None-Match", etag)] {
        let asks = [client.put(path, "x"), client.get(path), client.delete(path)];
        for ask in asks {
            note(format!("{condition:?}"), said(ask.header(condition.0, condition.1)).await);
        }
    }
    for (source, overwrite) in [("/files/zoe/mine.txt", "T"), ("/files/pont/way/end/own.txt", "F")] {
        for ask in [client.copy(source, path), client.relocate(source, path)] {
            note(format!("to it from {source}"), said(ask.header("Overwrite", overwrite)).await);
        }
    }
    for list in
        [format!("([{etag}])"), format!("(Not [{etag}])"), "(Not <DAV:no-lock>)".into(), "(<DAV:no-lock>)".into()]
    {
        let ask = client.ask("PROPPATCH", "/files/zoe/mine.txt").header("If", &format!("<{path}> {list}"));
        note(format!("If {list}"), said(ask.body("<propertyupdate xmlns=\"DAV:\"/>")).await);
    }
    let update = format!("<update xmlns=\"DAV:\"><version><href>{path}</href></version></update>");
    note("as a version".into(), said(client.ask("UPDATE", "/files/pont/way/end/own.txt").body(&update)).await);
    let multiget = format!(
        "<C:calendar-multiget xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns=\"DAV:\"><prop><getetag/></prop>\
         <href>{path}</href></C:calendar-multiget>"
    );
    for calendar in [SHARED, "/calendars/zoe/shared@pont/", "/calendars/zoe/personal/"] {
        note("multiget".into(), said(client.report_at(calendar).body(&multiget)).await);
    }
    let set = format!("<D:set><D:prop><see xmlns=\"u\"><D:href>{path}</D:href></see></D:prop></D:set>");
    client.proppatch("/files/zoe/mine.txt", &set).expect(207).await;
    let expand = "<expand-property xmlns=\"DAV:\"><property name=\"see\" namespace=\"u\"><property name=\"getetag\"/>\
                  </property></expand-property>";
    note("expanded".into(), said(client.report_at("/files/zoe/mine.txt").body(expand)).await);
    found
}

#[tokio::test]
async fn what_one_may_not_read_is_answered_as_what_is_not_there() {
    let (world, then) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let etag = |answer: Answer| answer.header("etag").map(str::to_owned);
    for (known, never) in pairs(&world, &then).await {
        let tag = etag(lea.get(&known).send().await).unwrap_or_else(|| "\"x\"".to_owned());
        let there = learned(&zoe, &known, &tag).await;
        let nowhere = learned(&zoe, &never, &tag).await;
        for ((what, there), (_, nowhere)) in there.iter().zip(&nowhere) {
            let words = known.split('/').zip(never.split('/')).filter(|(one, other)| one != other);
            let there = words.fold(there.clone(), |said, (one, other)| said.replace(one, other));
            assert_eq!(&there, nowhere, "{what} {known}");
        }
    }
    world.sound().await;
}

#[tokio::test]
async fn a_rewind_takes_nothing_from_where_one_may_not_write() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    for name in ["moved.txt", "deleted.txt"] {
        zoe.put(&format!("{END}{name}"), name).expect(201).await;
    }
    zoe.mkcol(&format!("{END}folder")).expect(201).await;
    zoe.put(&format!("{END}folder/in.txt"), "in").expect(201).await;
    let then = moment().await;
    for name in ["moved.txt", "deleted.txt", "folder"] {
        lea.relocate(&format!("{END}{name}"), &format!("/files/pont/{name}")).expect(201).await;
    }
    lea.put("/files/pont/moved.txt", "secret").expect(204).await;
    lea.delete("/files/pont/deleted.txt").expect(204).await;
    let back = format!("<update xmlns=\"DAV:\"><version><href>/history/pont/{then}/way/end/</href></version></update>");
    // The same for who reads all of it.
    for whole in [false, true] {
        if whole {
            world.tree.grant("/files/pont", "zoe", Role::Reader, None).await.unwrap();
            for name in ["moved.txt", "deleted.txt", "folder"] {
                zoe.delete(&format!("{END}{name}")).expect(204).await;
            }
        }
        zoe.ask("UPDATE", END).body(&back).expect(207).await;
        for (name, text) in [("moved.txt", "moved.txt"), ("deleted.txt", "deleted.txt"), ("folder/in.txt", "in")] {
            assert_eq!(zoe.get(&format!("{END}{name}")).expect(200).await.text(), text);
        }
        assert_eq!(lea.get("/files/pont/moved.txt").expect(200).await.text(), "secret");
        lea.get("/files/pont/folder/in.txt").expect(200).await;
        assert!(names(&lea, "/trash/pont/").await.contains(&"deleted.txt".to_owned()));
        world.sound().await;
    }
    // Who may write everywhere gets the very thing.
    lea.ask("UPDATE", END).body(&back).expect(207).await;
    lea.get("/files/pont/folder/in.txt").expect(404).await;
    world.sound().await;
}

/// Names of principals that someone finds by a text.
async fn found(client: &Client, text: &str) -> Vec<String> {
    let search = format!(
        "<principal-property-search xmlns=\"DAV:\"><property-search><prop><displayname/></prop><match>{text}</match>\
         </property-search><prop><displayname/></prop></principal-property-search>"
    );
    let hrefs = client.report_at("/principals/").header("Depth", "0").body(&search).expect(207).await.hrefs();
    hrefs.iter().map(|href| href.trim_matches('/').rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn partners_know_those_of_their_projects_and_all_others_know_people_groups_and_rooms() {
    let (mut world, _) = partner().await;
    world.add_person("sam").await;
    let room = Room { hours: String::new(), ..Room::default() };
    world.tree.add_room("hall", "Hall shown", "hall@ville.example", &room).await.unwrap();
    for (group, member) in [("crew", "max"), ("staff", "mia")] {
        world.tree.add_group(group, &format!("{group} shown")).await.unwrap();
        world.tree.join_group(group, member).await.unwrap();
    }
    world.tree.join_group("staff", "lea").await.unwrap();
    world.tree.add_member("pont", "crew", Role::Reader, None).await.unwrap();
    let all = ["crew", "hall", "lea", "max", "mia", "rita", "sam", "staff", "zoe"];
    let (zoe, sam) = (world.client("zoe"), world.client("sam"));
    let knows = async |client: &Client, names: &[&str]| {
        let mut expected: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        expected.sort();
        let others: Vec<String> =
            expected.iter().filter(|name| !["pont", "tram"].contains(&name.as_str())).cloned().collect();
        assert_eq!(found(client, "shown").await, others);
        let projects = [found(client, "Bridge").await, found(client, "Tramway").await].concat();
        assert_eq!(projects.len() + others.len(), expected.len(), "{projects:?}");
        for name in all.iter().chain(&["pont", "tram", "none"]) {
            let known = expected.contains(&(*name).to_owned());
            let path = format!("/principals/{name}/");
            let answer = client.propfind(&path, "0", "<D:group-membership/><D:group-member-set/>").send().await;
            assert_eq!(answer.status == 207, known, "{name}");
            for stranger in all.iter().filter(|name| !expected.contains(&(**name).to_owned())) {
                assert!(!answer.text().contains(&format!("/principals/{stranger}/")), "{}", answer.text());
            }
        }
    };
    // Who has a part as a partner alone, and whom they work with: through groups, too, and not with everyone.
    let colleagues = ["crew", "lea", "max", "pont", "zoe"];
    knows(&zoe, &colleagues).await;
    world.tree.grant("/files/pont/aside", "@everyone", Role::Reader, None).await.unwrap();
    world.tree.add_member("tram", "@everyone", Role::Reader, None).await.unwrap();
    knows(&zoe, &["crew", "lea", "max", "pont", "tram", "zoe"]).await;
    let memberships = zoe.propfind("/principals/lea/", "0", "<D:group-membership/>").expect(207).await.text();
    assert!(!memberships.contains("staff"), "{memberships}");
    world.tree.remove_member("tram", "@everyone").await.unwrap();
    world.tree.revoke("/files/pont/aside", "@everyone").await.unwrap();
    // Who has no part is no partner, and knows of a project with the first part in it.
    knows(&sam, &all).await;
    world.tree.grant(END, "sam", Role::Reader, None).await.unwrap();
    knows(&sam, &[&all[..], &["pont"]].concat()).await;
    // Who is more than a partner somewhere knows all.
    world.tree.add_member("tram", "zoe", Role::Reader, None).await.unwrap();
    knows(&zoe, &[&all[..], &["pont", "tram"]].concat()).await;
    world.tree.remove_member("tram", "zoe").await.unwrap();
    knows(&zoe, &colleagues).await;
    world.tree.remove_member("pont", "crew").await.unwrap();
    knows(&zoe, &["lea", "pont", "zoe"]).await;
    // What ends shows no more than before: who was only a partner knows nobody.
    world.tree.add_partner("pont", "zoe", "lea", now() - 1).await.unwrap();
    knows(&zoe, &["zoe"]).await;
    world.tree.add_partner("tram", "zoe", "lea", now() + 3600).await.unwrap();
    knows(&zoe, &["lea", "max", "mia", "rita", "tram", "zoe"]).await;
    world.tree.add_member("tram", "zoe", Role::Reader, Some(now() - 1)).await.unwrap();
    knows(&zoe, &["zoe"]).await;
    world.tree.remove_member("tram", "zoe").await.unwrap();
    world.tree.remove_member("pont", "zoe").await.unwrap();
    knows(&zoe, &all).await;
}
