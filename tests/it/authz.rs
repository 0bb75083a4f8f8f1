//! Who may do what: the table in `authz.txt` is the whole of it, every kind in every view by every standing by every
//! method. A change of it is a change of the product's promise and is read as a diff.
//!
//! Each cell stands on its own world: a copy of one that was made ready, in which no other cell has changed anything.
//! More of it is a row more: of [`PLACES`], of [`STANDINGS`], or of the tables of the model, which are held to be
//! whole.

use std::collections::BTreeSet;

use beffroi::model::id::now;
use beffroi::model::kind::{KINDS, Kind};
use beffroi::model::method::{METHODS, Method};
use beffroi::model::path::Path;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::{ROLES, Role};
use beffroi::model::view::View;
use beffroi::store::grant::ORIGINS;
use beffroi::tree::administration::delegates::Delegation;
use beffroi::tree::gate::Request;
use futures_util::{StreamExt as _, stream};

use super::inbox::{deliver, item};
use super::kit::{Answer, Client, World, event};
use super::past::moment;
use super::retention::count;
use super::sharing;

/// Where COPY and MOVE of a place lead.
const DOCUMENT: &str = "/files/HOME/destination";
const CALENDAR: &str = "/calendars/HOME/destination/";
const OBJECT: &str = "/calendars/HOME/second/destination.ics";

/// What there is to be asked, where it stands, and where it is copied to. `HOME` is the home that is asked, `ME` who
/// asks, `THEN` a former moment, `FILE` and `EVENT` what `/versions/` calls a document and an object, `NOTE` a
/// notification of who asks, or else of another. Where the address ends in `?`, a REPORT asks when the calendar is
/// taken; else it synchronizes.
const PLACES: [(&str, &str, &str); 55] = [
    ("root", "/", DOCUMENT),
    ("nowhere", "/nowhere", DOCUMENT),
    ("principals", "/principals/", DOCUMENT),
    ("principal", "/principals/lea/", DOCUMENT),
    ("read proxies", "/principals/lea/calendar-proxy-read/", DOCUMENT),
    ("write proxies", "/principals/lea/calendar-proxy-write/", DOCUMENT),
    ("homes", "/files/", DOCUMENT),
    ("no home", "/files/none/x", DOCUMENT),
    ("documents", "/files/HOME/", DOCUMENT),
    ("folder", "/files/HOME/folder/", DOCUMENT),
    ("file", "/files/HOME/file", DOCUMENT),
    ("inner file", "/files/HOME/folder/inner", DOCUMENT),
    ("unmapped", "/files/HOME/unmapped", DOCUMENT),
    ("way", "/files/HOME/way/", DOCUMENT),
    ("beside the way", "/files/HOME/way/inner", DOCUMENT),
    ("end of the way", "/files/HOME/way/end/", DOCUMENT),
    ("orphan", "/files/HOME/none/unmapped", DOCUMENT),
    ("histories", "/history/", DOCUMENT),
    ("whole mirror", "/history/HOME/", DOCUMENT),
    ("mirror", "/history/HOME/folder/", DOCUMENT),
    ("history", "/history/HOME/file/", DOCUMENT),
    ("its version", "/history/HOME/file/VERSION", DOCUMENT),
    ("former", "/history/HOME/@2000-01-01/", DOCUMENT),
    ("former folder", "/history/HOME/THEN/folder/", DOCUMENT),
    ("former file", "/history/HOME/THEN/file", DOCUMENT),
    ("trashes", "/trash/", DOCUMENT),
    ("trash", "/trash/HOME/", DOCUMENT),
    ("trashed", "/trash/HOME/gone", DOCUMENT),
    ("trashed folder", "/trash/HOME/gone-folder/", DOCUMENT),
    ("trashed inner", "/trash/HOME/gone-folder/inner", DOCUMENT),
    ("trashed calendar", "/trash/HOME/gone-calendar/", CALENDAR),
    ("trashed object", "/trash/HOME/gone.ics", OBJECT),
    ("versions", "/versions/", DOCUMENT),
    ("versions of file", "/versions/FILE/", DOCUMENT),
    ("version", "/versions/FILE/1", DOCUMENT),
    ("versions of obj.", "/versions/EVENT/", DOCUMENT),
    ("version of obj.", "/versions/EVENT/1", OBJECT),
    ("calendar homes", "/calendars/", DOCUMENT),
    ("calendars", "/calendars/HOME/", DOCUMENT),
    ("no calendar", "/calendars/HOME/none/", CALENDAR),
    ("calendar", "/calendars/HOME/meetings/", CALENDAR),
    ("busy times", "/calendars/HOME/meetings/?", CALENDAR),
    ("object", "/calendars/HOME/meetings/e.ics", OBJECT),
    ("no object", "/calendars/HOME/meetings/none.ics", OBJECT),
    ("private object", "/calendars/HOME/second/private.ics", OBJECT),
    ("link", "/calendars/ME/meetings@HOME/", CALENDAR),
    ("busy link", "/calendars/ME/meetings@HOME/?", CALENDAR),
    ("notifications", "/calendars/ME/notification/", DOCUMENT),
    ("notification", "/calendars/ME/notification/NOTE", DOCUMENT),
    ("linked object", "/calendars/ME/meetings@HOME/e.ics", OBJECT),
    ("inbox", "/calendars/HOME/inbox/", CALENDAR),
    ("inbox item", "/calendars/HOME/inbox/item.ics", OBJECT),
    ("outbox", "/calendars/HOME/outbox/", CALENDAR),
    ("published", "/calendars/HOME/published/", CALENDAR),
    ("publication", "/calendars/HOME/published/p.ics", OBJECT),
];

/// Kinds that have no address.
const WITHOUT_ADDRESS: [Kind; 1] = [Kind::Home];

/// How one stands to a home: what that is called, who it is (nobody: without credentials), the home, and the role.
const STANDINGS: [(&str, &str, &str, Option<Role>); 21] = [
    ("lead", "lea", "tram", Some(Role::Lead)),
    ("member", "max", "tram", Some(Role::Member)),
    ("reader", "rita", "tram", Some(Role::Reader)),
    ("free-busy", "fred", "tram", Some(Role::FreeBusy)),
    ("granted", "gil", "tram", Some(Role::Member)),
    ("in groups", "gus", "tram", Some(Role::Member)),
    ("partner", "pia", "tram", Some(Role::Partner)),
    ("expired", "eve", "tram", None),
    ("disabled", "dan", "tram", None),
    ("closed", "lea", "quai", Some(Role::Reader)),
    ("none", "zoe", "tram", None),
    ("nobody", "", "tram", None),
    ("own", "uma", "uma", Some(Role::Lead)),
    ("shared with", "gil", "uma", Some(Role::Reader)),
    ("reads for", "dora", "uma", Some(Role::Reader)),
    ("keeps for", "dirk", "uma", Some(Role::Member)),
    ("trusted by", "tess", "uma", Some(Role::Member)),
    ("sharee", "sam", "uma", Some(Role::Member)),
    ("invited", "ines", "uma", None),
    ("declined", "ruth", "uma", None),
    ("other's", "zoe", "uma", None),
];

const EXPECTED: &str = include_str!("authz.txt");

/// A world made ready, and what there is called.
struct Ground {
    world: World,
    then: String,
    /// By home: what `/versions/` calls the document and the object, and the document's version in its history.
    known: Vec<(&'static str, [String; 3])>,
    /// By person: the name of what they were notified of, which is an invitation.
    notes: Vec<(&'static str, String)>,
}

impl Ground {
    async fn new() -> Self {
        let mut world = World::new().await;
        for name in ["fred", "gil", "uma", "gus", "pia", "eve", "dan", "dora", "dirk", "tess", "sam", "ines", "ruth"] {
            world.add_person(name).await;
        }
        world.tree.add_project("quai", "Quai", None).await.unwrap();
        for (project, name, role, until) in [
            ("quai", "lea", Role::Lead, None),
            ("tram", "eve", Role::Lead, Some(now() - 1)),
            ("tram", "dan", Role::Lead, None),
        ] {
            world.tree.add_member(project, name, role, until).await.unwrap();
        }
        world.tree.add_partner("tram", "pia", "lea", now() + 86_400).await.unwrap();
        for (group, member) in [("inner", "gus"), ("middle", "inner"), ("outer", "middle")] {
            world.tree.add_group(group, group).await.unwrap();
            world.tree.join_group(group, member).await.unwrap();
        }
        world.tree.add_member("tram", "outer", Role::Member, None).await.unwrap();
        let mut known = Vec::new();
        for (home, name) in [("tram", "lea"), ("uma", "uma"), ("quai", "lea")] {
            let client = world.client(name);
            fill(&client, home).await;
            deliver(&world, name, home, "item.ics", item("item", true)).await.unwrap();
            let mut ids = Vec::new();
            for path in [format!("/files/{home}/file"), format!("/calendars/{home}/meetings/e.ics")] {
                let answer = client.propfind(&path, "0", "<D:version-history/>").expect(207).await;
                let href = answer.property("version-history").unwrap().dav("href").unwrap().text();
                ids.push(href.split('/').nth(2).unwrap().to_owned());
            }
            let history = client.propfind(&format!("/history/{home}/file/"), "1", "<D:getetag/>").expect(207).await;
            ids.push(history.hrefs().pop().unwrap().rsplit('/').next().unwrap().to_owned());
            known.push((home, ids.try_into().unwrap()));
        }
        for (address, name, role) in [
            ("/calendars/tram/meetings", "fred", Role::FreeBusy),
            ("/calendars/tram/meetings", "gil", Role::Member),
            ("/files/tram/folder", "gil", Role::Member),
            ("/files/tram/way/end", "gil", Role::Member),
            ("/calendars/uma/meetings", "gil", Role::Reader),
        ] {
            world.tree.grant(address, name, role, None).await.unwrap();
        }
        for (delegate, role, sees_private) in
            [("dora", Role::Reader, false), ("dirk", Role::Member, false), ("tess", Role::Member, true)]
        {
            let delegation = Delegation { role, until: None, sees_private };
            world.tree.add_delegate("uma", delegate, delegation).await.unwrap();
        }
        let mut notes = vec![("lea", shared(&world, "/calendars/uma/second/", "lea", "read", None).await)];
        for (sharee, accepted) in [("sam", Some(true)), ("ines", None), ("ruth", Some(false))] {
            let note = shared(&world, "/calendars/uma/meetings/", sharee, "read-write", accepted).await;
            notes.push((sharee, note));
        }
        let then = moment().await;
        // That a device is used is noted now, and then not for a while.
        for (_, name, ..) in STANDINGS.iter().filter(|(_, name, ..)| !name.is_empty()) {
            world.client(name).get("/").expect(200).await;
        }
        world.tree.set_disabled("dan", true).await.unwrap();
        world.tree.close_project("quai").await.unwrap();
        world.stop().await;
        Self { world, then, known, notes }
    }

    /// The address of a place for someone.
    fn path(&self, template: &str, home: &str, name: &str) -> String {
        let [file, event, version] = &self.known.iter().find(|(known, _)| *known == home).unwrap().1;
        let own = |(person, _): &&(&str, String)| *person == name;
        let note = self.notes.iter().find(own).or(self.notes.first()).unwrap();
        let names = [
            ("HOME", home),
            ("ME", name),
            ("THEN", &self.then),
            ("FILE", file),
            ("EVENT", event),
            ("VERSION", version),
            ("NOTE", &note.1),
        ];
        names.iter().fold(template.to_owned(), |path, (word, text)| path.replace(word, text))
    }

    /// Asks for a place.
    async fn ask(&self, client: &Client, method: Method, of: &Asked<'_>) -> Answer {
        let (template, destination) = of.place;
        let path = |template: &str| self.path(template, of.home, of.name);
        let at = path(template.trim_end_matches('?'));
        let name = METHODS.iter().find(|(known, _)| *known == method).unwrap().1;
        let ask = client.ask(name, &at);
        let ask = match method {
            Method::Copy | Method::Move => ask.header("Destination", &path(destination)),
            Method::Put if at.starts_with("/calendars/") => {
                let uid = [("none", "n"), ("private", "private")].iter().find(|(part, _)| at.contains(part));
                ask.body(&event(uid.map_or("e", |(_, uid)| uid), "20260614"))
            }
            Method::Post => ask.header("Content-Type", "text/calendar").body(&event("posted", "20260614")),
            Method::Propfind => ask.header("Depth", "0"),
            Method::Proppatch => {
                ask.body("<propertyupdate xmlns=\"DAV:\"><set><prop><k xmlns=\"u\">v</k></prop></set></propertyupdate>")
            }
            Method::Lock => ask.header("Depth", "0").body(
                "<lockinfo xmlns=\"DAV:\"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>",
            ),
            Method::Update => {
                let to = match () {
                    () if at.ends_with(".ics") => path("/versions/EVENT/1"),
                    () if at.ends_with("/file") => path("/versions/FILE/1"),
                    () => path(&at.replace("/files/", "/history/").replacen(of.home, &format!("{}/THEN", of.home), 1)),
                };
                ask.body(&format!("<update xmlns=\"DAV:\"><version><href>{to}</href></version></update>"))
            }
            Method::Acl => ask.body("<acl xmlns=\"DAV:\"/>"),
            Method::Unlock => ask.header("Lock-Token", "<urn:uuid:none>"),
            Method::Report if template.ends_with('?') => ask.header("Depth", "1").body(
                "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\
                 <C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/></C:free-busy-query>",
            ),
            Method::Report => ask.body("<sync-collection xmlns=\"DAV:\"><sync-token/><prop/></sync-collection>"),
            _ => ask,
        };
        ask.send().await
    }
}

/// Shares a calendar of `uma` from a client with someone, who accepts it, declines it, or has not answered. The name of
/// what they were notified of.
async fn shared(world: &World, calendar: &str, sharee: &str, access: &str, accepted: Option<bool>) -> String {
    let terms = sharing::sharee(&format!("mailto:{sharee}@ville.example"), access);
    assert_eq!(sharing::share(&world.client("uma"), calendar, &[terms]).await.status, 200);
    let client = world.client(sharee);
    let note = sharing::notifications(&client, sharee).await.remove(0);
    if let Some(accepted) = accepted {
        let (_, uid, _) = sharing::newest(&client, sharee).await;
        let word = if accepted { "accepted" } else { "declined" };
        assert_eq!(sharing::answer(&client, &format!("/calendars/{sharee}/"), &uid, word).await.status, 200);
    }
    note.rsplit('/').next().unwrap().to_owned()
}

/// What is asked, of which home, by whom.
struct Asked<'a> {
    place: (&'a str, &'a str),
    home: &'a str,
    name: &'a str,
}

/// What stands in a home.
async fn fill(client: &Client, home: &str) {
    let (files, calendars) = (format!("/files/{home}/"), format!("/calendars/{home}/"));
    for folder in ["folder", "gone-folder", "way", "way/end"] {
        client.mkcol(&format!("{files}{folder}/")).expect(201).await;
        client.put(&format!("{files}{folder}/inner"), "x").expect(201).await;
    }
    for file in ["file", "gone"] {
        client.put(&format!("{files}{file}"), "x").expect(201).await;
    }
    for calendar in ["meetings", "second", "gone-calendar"] {
        client.ask("MKCALENDAR", &format!("{calendars}{calendar}/")).send().await;
        for object in ["e", "gone"].iter().filter(|_| calendar != "second") {
            let path = format!("{calendars}{calendar}/{object}.ics");
            client.put(&path, &event(object, "20260614")).expect(201).await;
        }
    }
    let private = event("private", "20260614").replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY");
    client.put(&format!("{calendars}second/private.ics"), &private).expect(201).await;
    for gone in ["gone", "gone-folder/"] {
        client.delete(&format!("{files}{gone}")).expect(204).await;
    }
    for gone in ["meetings/gone.ics", "gone-calendar/"] {
        client.delete(&format!("{calendars}{gone}")).expect(204).await;
    }
}

/// How many changes there have been in all homes.
const CHANGES: &str = "SELECT SUM(seq) FROM home";

/// What the database is: its header of what is committed. Whatever changed it gets another world.
fn state(world: &World) -> Vec<u8> {
    let mut header = std::fs::read(world.data.path().join("beffroi.sqlite-shm")).unwrap();
    header.truncate(48);
    header
}

fn client(world: &World, name: &str) -> Client {
    if name.is_empty() { world.nobody() } else { world.client(name) }
}

/// How many rows are asked in one world after the other, and how many such runs are under way at a time: what takes
/// long is the wait of whose log-in is refused.
const RUN: usize = 10;
const RUNS: usize = 24;

/// The rows of some places of one standing.
async fn rows(
    ground: &Ground,
    (standing, name, home, _): (&str, &str, &str, Option<Role>),
    places: &[(&str, &str, &str)],
) -> (String, usize) {
    let mut table = String::new();
    let mut world = ground.world.again().await;
    let mut worlds = 1;
    for &(place, path, destination) in places {
        table.push_str(&format!("{standing:<11} {place:<16}"));
        for (method, _) in METHODS {
            let before = state(&world);
            let asked = Asked { place: (path, destination), home, name };
            let answer = ground.ask(&client(&world, name), method, &asked).await;
            table.push_str(&format!(" {:>4}", answer.status));
            if state(&world) != before {
                world = ground.world.again().await;
                worlds += 1;
            }
        }
        table.push('\n');
    }
    (table, worlds)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what() {
    let ground = Ground::new().await;
    let short = |name: &str| name.replace("PROP", "P").chars().take(4).collect::<String>();
    let mut table = format!("{:<11} {:<16}", "", "");
    METHODS.iter().for_each(|(_, name)| table.push_str(&format!(" {:>4}", short(name))));
    table.push('\n');
    let mut worlds = 0;
    let runs = STANDINGS.into_iter().flat_map(|standing| PLACES.chunks(RUN).map(move |places| (standing, places)));
    let asked = runs.map(|(standing, places)| rows(&ground, standing, places));
    let mut answered = stream::iter(asked).buffered(RUNS);
    while let Some((rows, made)) = answered.next().await {
        table.push_str(&rows);
        worlds += made;
    }
    eprintln!("{worlds} worlds");
    if table != EXPECTED {
        let place = std::env::temp_dir().join("authz.txt");
        std::fs::write(&place, &table).unwrap();
        panic!("the table differs from tests/it/authz.txt; as it is now: {}", place.display());
    }
}

/// The table has all kinds that have an address, in each view, and all roles; of methods each row has all.
#[tokio::test]
async fn the_table_is_whole() {
    let ground = Ground::new().await;
    let world = ground.world.again().await;
    let mut found = BTreeSet::new();
    for (_, name, home, role) in STANDINGS {
        if role.is_none_or(|role| role < Role::Reader) {
            continue;
        }
        let actor = world.tree.owner(name).await.unwrap();
        for (_, path, _) in PLACES {
            let path = Path::parse(ground.path(path, home, name).trim_end_matches('?')).unwrap();
            let request = Request::of(Method::Propfind, path, actor.clone());
            let admitted = world.tree.read_one(&request).await.ok();
            let traits = admitted.as_ref().and_then(|admitted| Some(admitted.target.node()?.traits()));
            found.extend(traits.map(|traits| (traits.kind.row().code, format!("{:?}", traits.view))));
        }
    }
    let mut missing = Vec::new();
    for row in KINDS.iter().filter(|row| !WITHOUT_ADDRESS.contains(&row.kind)) {
        for view in View::ALL.into_iter().filter(|view| view.shows(row.kind)) {
            let pair = (row.code, format!("{view:?}"));
            if !found.contains(&pair) {
                missing.push(pair);
            }
        }
    }
    assert!(missing.is_empty(), "no place of the table is any of {missing:?}");
    for row in &ROLES {
        let stands = STANDINGS.iter().any(|(.., role)| *role == Some(row.role));
        assert!(stands, "nobody stands in the table as {}", row.code);
    }
    let mut origins: Vec<_> = Vec::new();
    for known in [world.tree.grants("/calendars/uma/meetings").await, world.tree.delegates("uma").await] {
        let stands = |name: &str| STANDINGS.iter().any(|(_, who, home, _)| (*who, *home) == (name, "uma"));
        origins.extend(known.unwrap().iter().filter(|grant| stands(&grant.principal)).map(|grant| grant.origin));
    }
    for (origin, name) in ORIGINS {
        assert!(origins.contains(&origin), "nobody stands in the table by what is {name}");
    }
    let rows = EXPECTED.lines().count();
    assert_eq!(rows, 1 + STANDINGS.len() * PLACES.len());
    for line in EXPECTED.lines() {
        assert_eq!(line.split_at(29).1.split_whitespace().count(), METHODS.len(), "{line}");
    }
}

#[tokio::test]
async fn a_door_that_only_reads_changes_nothing() {
    let ground = Ground::new().await;
    let mut world = ground.world.again().await;
    let mut reads = reading(&world).await;
    let changes = count(&world, CHANGES).await;
    for (kind, path, destination) in PLACES {
        for (method, name) in METHODS {
            let asked = Asked { place: (path, destination), home: "tram", name: "lea" };
            let before = state(&world);
            let read = ground.ask(&reads, method, &asked).await.status;
            if state(&world) != before {
                // The server notes things for itself, too.
                assert_eq!(count(&world, CHANGES).await, changes, "{name} {kind}: {read}");
            }
            let full = ground.ask(&world.client("lea"), method, &asked).await.status;
            if method.writes() {
                assert!(read >= 400, "{name} {kind}: {read}");
                assert!(full >= 400 || read == 403, "{name} {kind}: {read}, and {full} with a device that writes");
            } else {
                assert_eq!(read, full, "{name} {kind}");
            }
            if state(&world) != before {
                world = ground.world.again().await;
                reads = reading(&world).await;
            }
        }
        let path = ground.path(path.trim_end_matches('?'), "tram", "lea");
        for allowed in reads.options(&path).expect(200).await.header("allow").unwrap().split(", ") {
            let reported = METHODS.iter().any(|(method, name)| *name == allowed && !method.writes());
            assert!(reported, "{kind}: Allow lists {allowed}");
        }
    }
    // A lock of the same person is neither prolonged nor taken off, and opens nothing.
    let lea = world.client("lea");
    lea.put("/files/tram/file", "x").expect(204).await;
    let token = lea.locked("/files/tram/file", "exclusive", "0").await;
    reads.unlock_at("/files/tram/file").header("Lock-Token", &format!("<{token}>")).expect(403).await;
    reads.ask("LOCK", "/files/tram/file").token(&token).expect(403).await;
    reads.put("/files/tram/file", "y").token(&token).expect(403).await;
    lea.unlock_at("/files/tram/file").header("Lock-Token", &format!("<{token}>")).expect(204).await;
}

/// A device of the lead that only reads, and has been used.
async fn reading(world: &World) -> Client {
    let password = world.tree.add_device("lea", "reads", DeviceScope::All, true, None).await.unwrap();
    let client = world.login("lea", &password);
    client.get("/").expect(200).await;
    client
}
