//! Recorded conversations of real clients, replayed byte for byte.
//!
//! A file of `conversations/` is a sequence of exchanges on one connection:
//!
//! ```text
//! >>> METHOD /address HTTP/1.1        the request line; header lines and, after an empty line, the body follow
//! <<< 207                             the status; then expectations, one a line
//! Header: value                       this header with this value (`*`: any)
//! has TEXT | lacks TEXT               the body, unfolded, holds, or does not hold, this
//! save NAME Header                    keep a header's value, without angle brackets, for `{NAME}` further on
//! take NAME ELEMENT                   keep the text of the first such element of the body; of `DAV:`, or with a prefix
//! last NAME ELEMENT                   the same of the last one
//! as PERSON                           what follows is sent by another person
//! ```
//!
//! `{host}` and `{auth}` stand for what each run has anew; `{length}` for the length of the body, `{bytes N}` for a
//! body of that length. Who sends `Expect: 100-continue` holds the body back until it is asked for. An answer that says
//! `Connection: close` ends the connection, and the next exchange begins another; where it does not say so, the next
//! exchange must find it open.

use std::collections::HashMap;

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::model::room::{Room, RoomKind};

use super::kit::{Answer, World, event};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

async fn replay(name: &str, text: &str) {
    replay_in(&World::new().await, "max", (name, text)).await;
}

/// In a world that is made ready, begun by someone.
async fn replay_in(world: &World, begins: &str, (name, text): (&str, &str)) {
    let mut saved: HashMap<String, String> = HashMap::from([("host".into(), world.address.to_string())]);
    let mut sockets: HashMap<String, TcpStream> = HashMap::new();
    let mut person = begins.to_owned();
    let blocks = text.split(">>> ").skip(1);
    for block in blocks {
        let (request, expectations) = block.split_once("<<< ").unwrap_or_else(|| panic!("{name}: {block}"));
        let client = world.client(&person);
        saved.insert("auth".into(), client.authorization.clone().unwrap());
        let request = fill(request.trim_end_matches('\n'), &saved);
        let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
        let mut body = long(body);
        if head.contains("chunked") {
            body = format!("{}\r\n\r\n", body.replace('\n', "\r\n"));
        }
        let head = head.replace("{length}", &body.len().to_string()).replace('\n', "\r\n");
        let socket = match sockets.remove(&person) {
            Some(socket) => socket,
            None => TcpStream::connect(world.address).await.unwrap(),
        };
        let mut socket = socket;
        let headless = head.starts_with("HEAD ");
        let answer = if head.contains("Expect: 100-continue") {
            socket.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
            let first = Answer::read(&mut socket, headless).await;
            if first.status == 100 {
                socket.write_all(body.as_bytes()).await.unwrap();
                Answer::read(&mut socket, headless).await
            } else {
                first
            }
        } else {
            // Who refuses early may have closed before the last byte is written; what it answered is read all the same.
            let _ = socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
            Answer::read(&mut socket, headless).await
        };
        if answer.header("connection") != Some("close") {
            sockets.insert(person.clone(), socket);
        }
        let said = answer.text().replace("\r\n ", "").replace("&#13;\n ", "");
        let what = format!("{name}: {}\n{said}", head.lines().next().unwrap());
        let mut lines = expectations.lines();
        assert_eq!(answer.status.to_string(), lines.next().unwrap().trim(), "{what}");
        for line in lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = fill(rest, &saved);
            match word {
                "has" => assert!(said.contains(&rest), "{what}\nlacks {rest}"),
                "lacks" => assert!(!said.contains(&rest), "{what}\nhas {rest}"),
                "as" => person = rest,
                "save" => {
                    let (key, header) = rest.split_once(' ').unwrap();
                    let value =
                        answer.header(&header.to_ascii_lowercase()).unwrap_or_else(|| panic!("{what}: {header}"));
                    saved.insert(key.to_owned(), value.trim_matches(['<', '>']).to_owned());
                }
                "take" | "last" => {
                    let (key, element) = rest.split_once(' ').unwrap();
                    let text = answer.text();
                    let start = if element.contains(':') { format!("<{element}>") } else { format!("<D:{element}>") };
                    let rest = if word == "last" { text.rsplit_once(&start) } else { text.split_once(&start) };
                    let value = rest.and_then(|(_, rest)| rest.split_once('<'));
                    saved.insert(key.to_owned(), value.unwrap_or_else(|| panic!("{what}: {element}")).0.to_owned());
                }
                header => {
                    let header = header.trim_end_matches(':').to_ascii_lowercase();
                    let value = answer.header(&header).unwrap_or_else(|| panic!("{what}: no {header}"));
                    assert!(rest == "*" || value == rest, "{what}: {header} is {value}, not {rest}");
                }
            }
        }
    }
    world.sound().await;
}

/// A body as it is sent: `{bytes N}` is a long one.
fn long(body: &str) -> String {
    let size = body.strip_prefix("{bytes ").and_then(|rest| rest.trim_end().strip_suffix('}'));
    size.map_or_else(|| body.to_owned(), |size| "x".repeat(size.parse().unwrap()))
}

fn fill(text: &str, saved: &HashMap<String, String>) -> String {
    saved.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}

macro_rules! conversations {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            replay(stringify!($name), include_str!(concat!("conversations/", stringify!($name), ".txt"))).await;
        })*
    };
}

conversations!(
    windows_explorer,
    office_link,
    office_mapped_drive,
    office_locked_safe_save,
    finder,
    ios_apps,
    gnome_files,
    kde_dolphin,
    davfs2,
    libreoffice,
    rclone,
    cyberduck,
    dotnet_refused_upload,
    winscp,
    joplin,
    apple_attachments,
    apple_calendar,
    apple_delegate,
    davx5,
    thunderbird,
    outlook_caldav_synchronizer,
    outlook_delegate,
    evolution,
    kde_korganizer,
    vdirsyncer,
    python_caldav,
    python_caldav_life,
    outlook_exports,
    google_exports,
    apple_exceptions,
    apple_sharing,
    infomaniak_exceptions,
    zimbra_exceptions,
    other_calendars,
    other_spellings,
);

/// Conversations about meetings, in a world with a room and something else that is booked.
macro_rules! meetings {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let world = World::new().await;
            for (name, kind) in [("salle", RoomKind::Room), ("projecteur", RoomKind::Resource)] {
                let (shown, address) = (format!("{name} shown"), format!("{name}@ville.example"));
                let room = Room { kind, ..Room::default() };
                world.tree.add_room(name, &shown, &address, &room).await.unwrap();
            }
            let text = include_str!(concat!("conversations/", stringify!($name), ".txt"));
            replay_in(&world, "max", (stringify!($name), text)).await;
        })*
    };
}

meetings!(apple_meeting, davx5_meeting, thunderbird_meeting, outlook_meeting);

/// A world in which an outside partner has a folder and a calendar of the project.
async fn partners() -> World {
    let mut world = World::new().await;
    world.add_person("uma").await;
    world.tree.add_partner("tram", "zoe", "lea", now() + 3600).await.unwrap();
    let lea = world.client("lea");
    for folder in ["way", "way/end", "way/aside", "aside"] {
        lea.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
    }
    for file in ["known.txt", "way/known.txt", "way/end/plan.txt"] {
        lea.put(&format!("/files/tram/{file}"), "plan").expect(201).await;
    }
    for calendar in ["shared", "meetings"] {
        lea.ask("MKCALENDAR", &format!("/calendars/tram/{calendar}")).send().await;
        lea.put(&format!("/calendars/tram/{calendar}/e.ics"), &event("e", "20260614")).expect(201).await;
    }
    for place in ["/files/tram/way/end", "/calendars/tram/shared"] {
        world.tree.grant(place, "zoe", Role::Member, None).await.unwrap();
    }
    world
}

#[tokio::test]
async fn a_partner_on_a_windows_drive() {
    let text = include_str!("conversations/partner_windows.txt");
    replay_in(&partners().await, "zoe", ("partner_windows", text)).await;
}

#[tokio::test]
async fn a_partner_on_a_phone() {
    let text = include_str!("conversations/partner_phone.txt");
    replay_in(&partners().await, "zoe", ("partner_phone", text)).await;
}
