//! A database that fails is answered as that, whoever asks for whatever: what could not be read is not "not there", and
//! no listing ends early as if it were whole. What is requested next is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Server;
use crate::config::Config;
use crate::model::calendar::FeedDetail;
use crate::model::error::Cause;
use crate::model::principal::DeviceScope;
use crate::tree::Tree;

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e\r\n\
                     DTSTAMP:20260101T000000Z\r\n\
                     DTSTART:20260614T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const ALL: &str = "<propfind xmlns=\"DAV:\"><prop><getetag/><displayname/><resourcetype/><supported-report-set/>\
                   <current-user-privilege-set/><version-history/><quota-used-bytes/><lockdiscovery/><owner/>\
                   <own xmlns=\"x\"/></prop></propfind>";
const SYNC: &str =
    "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>";
const QUERY: &str = "<C:calendar-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
                     xmlns=\"DAV:\"><prop><getetag/><C:calendar-data/></prop>\
                     <C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
                     <C:time-range start=\"20260601T000000Z\" \
                     end=\"20260701T000000Z\"/></C:comp-filter></C:comp-filter></C:filter>\
                     </C:calendar-query>";
const MULTIGET: &str = "<C:calendar-multiget xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
                        xmlns=\"DAV:\"><prop><getetag/><C:calendar-data/>\
                        </prop><href>/calendars/ada/personal/e.ics</href></C:calendar-multiget>";
const BUSY: &str = "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\
                    <C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/></C:free-busy-query>";
const VERSIONS: &str = "<version-tree xmlns=\"DAV:\"><prop><version-name/></prop></version-tree>";

/// A request: a method, an address, how deep, and a body.
const READS: [(&str, &str, &str, &str); 23] = [
    ("OPTIONS", "/files/ada/folder/", "", ""),
    ("GET", "/files/ada/file", "", ""),
    ("GET", "/files/ada/large", "", ""),
    ("HEAD", "/files/ada/file", "", ""),
    ("GET", "/files/ada/folder/", "", ""),
    ("GET", "/calendars/ada/personal/e.ics", "", ""),
    ("GET", "FEED", "", ""),
    ("PROPFIND", "/files/ada/file", "0", ALL),
    ("PROPFIND", "/files/", "1", ALL),
    ("PROPFIND", "/files/ada/folder/", "1", ALL),
    ("PROPFIND", "/files/ada/folder/", "1", ""),
    ("PROPFIND", "/principals/ada/", "0", ALL),
    ("PROPFIND", "/calendars/ada/", "1", ALL),
    ("PROPFIND", "/calendars/ada/personal/", "1", ALL),
    ("PROPFIND", "/trash/ada/", "1", ALL),
    ("PROPFIND", "/history/ada/file/", "1", ALL),
    ("PROPFIND", "/history/ada/@2100-01-01/", "1", ALL),
    ("REPORT", "/files/ada/folder/", "0", SYNC),
    ("REPORT", "/calendars/ada/personal/", "1", QUERY),
    ("REPORT", "/calendars/ada/personal/", "1", MULTIGET),
    ("REPORT", "/calendars/ada/personal/", "1", BUSY),
    ("REPORT", "/files/ada/file", "0", VERSIONS),
    ("PROPFIND", "/files/ada/nothing", "0", ALL),
];

/// A server that takes requests.
struct Asked {
    address: SocketAddr,
    login: String,
    feed: String,
}

impl Asked {
    /// The status of an answer, and its content; `None`: it was broken off.
    async fn ask(&self, (method, path, depth, body): (&str, &str, &str, &str)) -> (u16, Option<Vec<u8>>) {
        let path = if path == "FEED" { &self.feed } else { path };
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in [("Authorization", &*self.login), ("Depth", depth)] {
            if !value.is_empty() {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let mut socket = TcpStream::connect(self.address).await.expect("a connection");
        socket.write_all(format!("{head}\r\n{body}").as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // It may be reset.
        let _ = socket.read_to_end(&mut answer).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { return (0, None) };
        let content = answer.split_off(end + 4);
        let head = String::from_utf8(answer).expect("text").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let whole = method == "HEAD"
            || length.map_or(content.ends_with(b"0\r\n\r\n") || content.is_empty(), |length| length == content.len());
        (status, whole.then(|| undated(content)))
    }
}

/// A free-busy answer without the moment at which it was made, which names it, too; anything else as it is.
fn undated(content: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) if text.contains("BEGIN:VFREEBUSY") => {
            let dated = |line: &&str| line.starts_with("DTSTAMP:") || line.starts_with("UID:");
            text.split_inclusive('\n').filter(|line| !dated(line)).collect::<String>().into_bytes()
        }
        Ok(text) => text.into_bytes(),
        Err(binary) => binary.into_bytes(),
    }
}

/// A person with something of each kind.
async fn filled(tree: &Tree) -> Asked {
    tree.add_person("ada", "Ada", "ada@x.example", None).await.expect("a person");
    let password = tree.add_device("ada", "x", DeviceScope::All, false, None).await.expect("a device");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let server = Arc::new(Server::new(tree.clone(), Config::default(), None).expect("a server"));
    tokio::spawn(server.serve(vec![listener], std::future::pending()));
    let login = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("ada:{password}")));
    let (secret, name) = tree.add_feed("ada", "/calendars/ada/personal", FeedDetail::Full, None).await.expect("a feed");
    let asked = Asked { address, login, feed: format!("/feeds/{secret}/{name}.ics") };
    let large = "x".repeat(200_000);
    for (method, path, body) in [
        ("MKCOL", "/files/ada/folder/", ""),
        ("PUT", "/files/ada/folder/a", "a"),
        ("PUT", "/files/ada/folder/b", "b"),
        ("PUT", "/files/ada/file", "one"),
        ("PUT", "/files/ada/file", "two"),
        ("PUT", "/files/ada/large", &large),
        ("PUT", "/files/ada/gone", "x"),
        ("DELETE", "/files/ada/gone", ""),
        ("PUT", "/calendars/ada/personal/e.ics", EVENT),
    ] {
        let (status, _) = asked.ask((method, path, "", body)).await;
        assert!(status < 300, "{method} {path}: {status}");
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_statement_of_a_reader_fails_the_answer_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::open(folder.path(), false).await.expect("a tree");
    let (asked, script) = (filled(&tree).await, tree.script());
    for (number, read) in READS.into_iter().enumerate() {
        let what = format!("{} {}", read.0, read.1);
        let good = asked.ask(read).await;
        assert!(
            good.1.is_some() && good.0 == if read.1.ends_with("nothing") { 404 } else { good.0.min(299) },
            "{what}: {}",
            good.0
        );
        let mut failed = 0;
        for (place, cause) in (0..).flat_map(|place| [(place, Cause::Fault), (place, Cause::Busy)]) {
            // Something is made elsewhere: what is cached may not be so any more.
            let name = format!("p{number}-{place}-{}", u8::from(cause == Cause::Busy));
            tree.add_project(&name, &name, None).await.expect("a project");
            script.fail(place, "", cause);
            let answer = asked.ask(read).await;
            let was_pending = script.is_pending();
            script.fail(usize::MAX, "", cause);
            let refused = match cause {
                Cause::Busy => 503,
                _ => 500,
            };
            // What is noted of use, and what is read ahead, is nobody's matter.
            let right = answer == good || answer.0 == refused && answer.1.is_some();
            assert!(
                right,
                "{what}: {} when statement {place} fails: {}",
                answer.0,
                String::from_utf8_lossy(&answer.1.unwrap_or_default())
            );
            failed += usize::from(!was_pending && answer != good);
            let next = asked.ask(read).await;
            assert!(next == good, "{what}: {} after statement {place} failed", next.0);
            if was_pending {
                break;
            }
        }
        assert!(failed > 0, "{what}: no statement of it failed");
    }
}
