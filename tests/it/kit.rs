//! A server in-process with its own data directory, and a small client that speaks HTTP/1.1 over a socket.

use std::net::SocketAddr;

use base64::Engine as _;
use beffroi::app::Running;
use beffroi::config::Config;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::tree::Tree;
use beffroi::tree::job::JobRow;
use beffroi::wire::xml::{self, Element};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// People of every world, with their role in the project `tram`.
pub const PEOPLE: [(&str, Option<Role>); 5] = [
    ("lea", Some(Role::Lead)),
    ("max", Some(Role::Member)),
    ("mia", Some(Role::Member)),
    ("rita", Some(Role::Reader)),
    ("zoe", None),
];

/// A running server.
pub struct World {
    pub tree: Tree,
    pub address: SocketAddr,
    pub data: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    done: Option<tokio::task::JoinHandle<()>>,
    passwords: Vec<(&'static str, String)>,
}

impl World {
    /// The database itself, past the server and its rules.
    pub async fn database(&self) -> sqlx::SqliteConnection {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.data.path().join("beffroi.sqlite"));
        options.foreign_keys(false).connect().await.unwrap()
    }

    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings are altered.
    pub async fn with(alter: impl FnOnce(&mut Config)) -> Self {
        Self::made(true, alter).await
    }

    /// A world that does not wait for the disk: for many changes.
    pub async fn unflushed() -> Self {
        Self::made(false, |_| {}).await
    }

    async fn made(flush: bool, alter: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let tree = Tree::open(data.path(), flush).await.unwrap();
        tree.add_project("tram", "Tramway", None).await.unwrap();
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".to_owned()];
        alter(&mut config);
        let mut world = Self::serve(tree, data, config).await;
        for (name, role) in PEOPLE {
            world.add_person(name).await;
            if let Some(role) = role {
                world.tree.add_member("tram", name, role, None).await.unwrap();
            }
        }
        world
    }

    async fn serve(tree: Tree, data: tempfile::TempDir, config: Config) -> Self {
        let mut running = Running::open(tree.clone(), config).await.unwrap();
        // Tests have the work of the jobs done when they want it: what it costs is no request's.
        running.jobs = &[];
        let address = running.addresses[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let done = tokio::spawn(running.serve(async {
            let _ = stopped.await;
        }));
        Self { tree, address, data, stop: Some(stop), done: Some(done), passwords: Vec::new() }
    }

    /// A world with a domain for mail, in which a program of everybody has looked at their calendar: who is here gets
    /// nothing by mail.
    pub async fn with_mail(domain: &str) -> Self {
        let world = Self::with(|config| config.mail.domain = Some(domain.parse().unwrap())).await;
        for (name, _) in PEOPLE {
            world.client(name).propfind(&format!("/calendars/{name}/"), "0", "").expect(207).await;
        }
        world
    }

    /// One more person, whose client there is from now on.
    pub async fn add_person(&mut self, name: &'static str) {
        self.tree.add_person(name, &format!("{name} shown"), &format!("{name}@ville.example"), None).await.unwrap();
        let password = self.tree.add_device(name, "test", DeviceScope::All, false, None).await.unwrap();
        self.passwords.push((name, password));
    }

    /// Another world, which is as this one was when it was stopped.
    pub async fn again(&self) -> Self {
        assert!(self.stop.is_none(), "its data is at rest");
        let data = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.data.path()).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), data.path().join(entry.file_name())).unwrap();
            }
        }
        let tree = Tree::open(data.path(), false).await.unwrap();
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".to_owned()];
        Self { passwords: self.passwords.clone(), ..Self::serve(tree, data, config).await }
    }

    /// A second server on the same data, as another process is: its address, and what ends it.
    pub async fn beside(&self) -> (SocketAddr, oneshot::Sender<()>) {
        self.beside_with(&[]).await
    }

    /// The same with jobs.
    pub async fn beside_with(&self, jobs: &'static [JobRow]) -> (SocketAddr, oneshot::Sender<()>) {
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".to_owned()];
        let tree = Tree::open(self.data.path(), true).await.unwrap();
        let mut running = Running::open(tree, config).await.unwrap();
        running.jobs = jobs;
        let address = running.addresses[0];
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(running.serve(async {
            let _ = stopped.await;
        }));
        (address, stop)
    }

    /// A client of one of [`PEOPLE`].
    pub fn client(&self, name: &str) -> Client {
        let (_, password) = self.passwords.iter().find(|(n, _)| *n == name).expect("one of the people");
        self.login(name, password)
    }

    /// A client with any credentials.
    pub fn login(&self, name: &str, password: &str) -> Client {
        Client { address: self.address, authorization: Some(basic(name, password)) }
    }

    /// A client without credentials.
    pub fn nobody(&self) -> Client {
        Client { address: self.address, authorization: None }
    }

    /// Asks the server to stop and waits until it has.
    pub async fn stop(&mut self) {
        if let (Some(stop), Some(done)) = (self.stop.take(), self.done.take()) {
            let _ = stop.send(());
            done.await.unwrap();
        }
    }

    /// Nothing is damaged.
    pub async fn sound(&self) {
        let report = self.tree.check(|_| {}).await.unwrap();
        assert!(report.damage.is_empty(), "{:#?}", report.damage);
    }
}

/// A meeting of an hour on a day (`20260614`).
pub fn event(uid: &str, day: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\n\
         DTSTART:{day}T100000Z\r\nDTEND:{day}T110000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

/// A client.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub authorization: Option<String>,
}

/// A request in the making.
pub struct Ask<'a> {
    client: &'a Client,
    head: String,
    body: Vec<u8>,
}

macro_rules! methods {
    ($($name:ident $method:literal),* $(,)?) => {
        $(pub fn $name(&self, path: &str) -> Ask<'_> { self.ask($method, path) })*
    };
}

impl Client {
    methods! {
        get "GET", head "HEAD", delete "DELETE", mkcol "MKCOL", options "OPTIONS", unlock_at "UNLOCK",
        report_at "REPORT",
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(authorization) = &self.authorization {
            head.push_str(&format!("Authorization: {authorization}\r\n"));
        }
        Ask { client: self, head, body: Vec::new() }
    }

    pub fn put(&self, path: &str, body: &(impl AsRef<[u8]> + ?Sized)) -> Ask<'_> {
        self.ask("PUT", path).body(body)
    }

    pub fn propfind(&self, path: &str, depth: &str, props: &str) -> Ask<'_> {
        let ask = self.ask("PROPFIND", path).header("Depth", depth);
        if props.is_empty() {
            return ask;
        }
        ask.body(&format!("<D:propfind xmlns:D=\"DAV:\"><D:prop>{props}</D:prop></D:propfind>"))
    }

    pub fn proppatch(&self, path: &str, instructions: &str) -> Ask<'_> {
        let body = format!("<D:propertyupdate xmlns:D=\"DAV:\">{instructions}</D:propertyupdate>");
        self.ask("PROPPATCH", path).body(&body)
    }

    pub fn relocate(&self, from: &str, to: &str) -> Ask<'_> {
        self.ask("MOVE", from).header("Destination", &format!("http://{}{to}", self.address))
    }

    pub fn copy(&self, from: &str, to: &str) -> Ask<'_> {
        self.ask("COPY", from).header("Destination", to)
    }

    pub fn lock(&self, path: &str, scope: &str, depth: &str) -> Ask<'_> {
        let body = format!(
            "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>\
             <D:owner>me</D:owner></D:lockinfo>"
        );
        self.ask("LOCK", path).header("Depth", depth).body(&body)
    }

    /// Locks and returns the token.
    pub async fn locked(&self, path: &str, scope: &str, depth: &str) -> String {
        let answer = self.lock(path, scope, depth).send().await;
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
        answer.header("lock-token").unwrap().trim_matches(['<', '>']).to_owned()
    }

    pub fn sync(&self, path: &str, token: &str, level: &str, more: &str) -> Ask<'_> {
        self.report_at(path).body(&format!(
            "<D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{token}</D:sync-token>\
             <D:sync-level>{level}</D:sync-level>{more}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        ))
    }
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("If", &format!("(<{token}>)"))
    }

    pub fn body(mut self, body: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub async fn send(self) -> Answer {
        let method = self.head.split(' ').next().unwrap().to_owned();
        let mut bytes = self.head.into_bytes();
        bytes.extend(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len()).bytes());
        bytes.extend(self.body);
        let mut socket = TcpStream::connect(self.client.address).await.unwrap();
        // The server may answer before it has taken everything.
        let _ = socket.write_all(&bytes).await;
        Answer::read(&mut socket, method == "HEAD").await
    }

    pub async fn expect(self, status: u16) -> Answer {
        let what = self.head.lines().next().unwrap().to_owned();
        let answer = self.send().await;
        assert_eq!(answer.status, status, "{what}\n{}", answer.text());
        answer
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer, by its own framing.
    pub async fn read(socket: &mut TcpStream, headless: bool) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(socket.read(&mut byte).await.unwrap(), 1, "no answer: {}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        if headless || status == 304 || status == 204 || status == 100 {
            return answer;
        }
        if answer.header("transfer-encoding").is_some() {
            loop {
                let mut line = Vec::new();
                while !line.ends_with(b"\r\n") {
                    line.push(socket.read_u8().await.unwrap());
                }
                let size = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
                let mut chunk = vec![0; size + 2];
                socket.read_exact(&mut chunk).await.unwrap();
                answer.body.extend(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body = vec![0; length.parse().unwrap()];
            socket.read_exact(&mut answer.body).await.unwrap();
        }
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn xml(&self) -> Element {
        xml::parse(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// `href`s of a multistatus, in order.
    pub fn hrefs(&self) -> Vec<String> {
        let responses = self.xml();
        responses.elements().filter(|e| e.name.is_dav("response")).map(|e| e.dav("href").unwrap().text()).collect()
    }

    /// `href`s with the status of their response or of their first propstat.
    pub fn statuses(&self) -> Vec<(String, u16)> {
        let root = self.xml();
        let status = |element: &Element| element.dav("status").map(|s| s.text()[9..12].parse::<u16>().unwrap());
        let mut found: Vec<(String, u16)> = root
            .elements()
            .filter(|e| e.name.is_dav("response"))
            .map(|e| (e.dav("href").unwrap().text(), status(e).or_else(|| e.dav("propstat").and_then(status)).unwrap()))
            .collect();
        found.sort();
        found
    }

    /// The found (200) property of the first response.
    pub fn property(&self, local: &str) -> Option<Element> {
        let root = self.xml();
        let response = root.dav("response")?;
        response
            .elements()
            .filter(|e| e.name.is_dav("propstat") && e.dav("status").unwrap().text().contains(" 200 "))
            .filter_map(|e| e.dav("prop"))
            .flat_map(Element::elements)
            .find(|e| e.name.local == local)
            .cloned()
    }

    /// Its text.
    pub fn value(&self, local: &str) -> String {
        self.property(local).unwrap_or_else(|| panic!("no {local} in {}", self.text())).text()
    }

    /// `DAV:sync-token` of a report.
    pub fn sync_token(&self) -> String {
        self.xml().dav("sync-token").unwrap().text()
    }
}
