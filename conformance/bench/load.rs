//! The bench's load, and the limits that the machine sets.
//!
//! `load run PLAN` sends the requests of a plan (JSON, see [`Plan`]) over kept connections and tells what came of it;
//! `load hyper` answers 4 KiB from memory; `load commits`, `load rows` and `load files` measure what a server cannot
//! exceed. All answers are one line of JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool of the bench"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MIB: usize = 1024 * 1024;

/// What is sent: each connection goes through `requests` again and again, until `seconds` are over or it has done so
/// `rounds` times.
#[derive(Deserialize)]
struct Plan {
    address: String,
    connections: usize,
    seconds: f64,
    rounds: Option<u64>,
    /// Are the responses of a multistatus counted? That takes its time.
    #[serde(default)]
    count: bool,
    requests: Vec<Request>,
}

/// `{c}` is the number of the connection, `{n}` that of the round, `{lock}` the last `Lock-Token`.
#[derive(Deserialize, Clone)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: String,
    /// A body of so many bytes that begins with the number of connection and round.
    size: Option<usize>,
    /// What a good answer's status begins with.
    expect: String,
}

#[derive(Default)]
struct Done {
    operations: u64,
    errors: u64,
    latencies_us: Vec<u32>,
    first_byte_us: Vec<u32>,
    bytes: u64,
    responses: u64,
    wrong: Option<String>,
}

struct Answer {
    status: String,
    lock: Option<String>,
    closes: bool,
    first_byte: Duration,
    bytes: u64,
    responses: u64,
}

struct Connection {
    stream: tokio::net::TcpStream,
    buffer: Vec<u8>,
    counts: bool,
}

impl Connection {
    async fn open(plan: &Plan) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(&plan.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024), counts: plan.count })
    }

    /// Reads more; how many bytes.
    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(256 * 1024);
        self.stream.read_buf(&mut self.buffer).await
    }

    async fn ask(&mut self, head: &[u8], body: &[u8], size: usize) -> io::Result<Answer> {
        let started = Instant::now();
        if size <= 64 * 1024 {
            let mut whole = head.to_vec();
            whole.extend_from_slice(body);
            whole.resize(head.len() + body.len().max(size), b'x');
            self.stream.write_all(&whole).await?;
        } else {
            self.stream.write_all(head).await?;
            let mut left = size - body.len();
            self.stream.write_all(body).await?;
            let filler = vec![b'x'; MIB];
            while left > 0 {
                let part = left.min(MIB);
                self.stream.write_all(&filler[..part]).await?;
                left -= part;
            }
        }
        self.buffer.clear();
        let mut first_byte = None;
        let end = loop {
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            first_byte.get_or_insert_with(|| started.elapsed());
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut answer = Answer {
            lock: header("lock-token"),
            closes: header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
            first_byte: first_byte.unwrap_or_default(),
            bytes: 0,
            responses: 0,
            status,
        };
        let multistatus = self.counts && answer.status == "207";
        self.buffer.drain(..end);
        if header("transfer-encoding").is_some() {
            loop {
                let line = loop {
                    if let Some(at) = find(&self.buffer, b"\r\n") {
                        break at;
                    }
                    self.more().await?;
                };
                let text = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
                let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(|_| io::ErrorKind::InvalidData)?;
                self.buffer.drain(..line + 2);
                while self.buffer.len() < size + 2 {
                    self.more().await?;
                }
                answer.count(&self.buffer[..size], multistatus);
                self.buffer.drain(..size + 2);
                if size == 0 {
                    break;
                }
            }
        } else if answer.status != "204" && answer.status != "304" {
            let mut left: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            loop {
                let part = left.min(self.buffer.len());
                answer.count(&self.buffer[..part], multistatus);
                self.buffer.drain(..part);
                left -= part;
                if left == 0 {
                    break;
                }
                self.more().await?;
            }
        }
        Ok(answer)
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Answer {
    /// Counts what came; what two pieces share is missed, so whoever counts leaves room for that.
    fn count(&mut self, piece: &[u8], multistatus: bool) {
        self.bytes += piece.len() as u64;
        if multistatus {
            let ends = piece.windows(9).enumerate().filter(|(_, window)| *window == b"response>");
            let closing = |at: usize| {
                let before = &piece[at.saturating_sub(8)..at];
                before.iter().rposition(|byte| *byte == b'<').is_some_and(|open| before.get(open + 1) == Some(&b'/'))
            };
            self.responses += ends.filter(|(at, _)| closing(*at)).count() as u64;
        }
    }
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

fn fill(text: &str, connection: usize, round: u64, lock: &str) -> String {
    text.replace("{c}", &connection.to_string()).replace("{n}", &round.to_string()).replace("{lock}", lock)
}

async fn work(plan: Arc<Plan>, number: usize) -> Done {
    let mut done = Done::default();
    let mut connection = Connection::open(&plan).await.expect("a server");
    let until = Instant::now() + Duration::from_secs_f64(plan.seconds);
    let mut round = 0;
    let mut lock = String::new();
    while Instant::now() < until && plan.rounds.is_none_or(|rounds| round < rounds) {
        for request in &plan.requests {
            let body = match request.size {
                Some(size) => format!("{number:08}{round:012}{size:012}").chars().take(size).collect(),
                None => fill(&request.body, number, round, &lock),
            };
            let size = request.size.unwrap_or(body.len());
            let mut head = format!("{} {} HTTP/1.1\r\n", request.method, fill(&request.path, number, round, &lock));
            let _ = write!(head, "Host: {}\r\n", plan.address);
            if size > 0 || request.method == "PUT" {
                let _ = write!(head, "Content-Length: {size}\r\n");
            }
            for (name, value) in &request.headers {
                let _ = write!(head, "{name}: {}\r\n", fill(value, number, round, &lock));
            }
            head.push_str("\r\n");
            let started = Instant::now();
            let answered = match connection.ask(head.as_bytes(), body.as_bytes(), size).await {
                Ok(answer) => Ok(answer),
                // A kept connection may have been closed while nobody looked.
                Err(_) => {
                    connection = Connection::open(&plan).await.expect("a server");
                    connection.ask(head.as_bytes(), body.as_bytes(), size).await
                }
            };
            done.latencies_us.push(started.elapsed().as_micros() as u32);
            done.operations += 1;
            match answered {
                Ok(answer) => {
                    if !answer.status.starts_with(&request.expect) {
                        done.errors += 1;
                        done.wrong.get_or_insert(format!("{} {}: {}", request.method, request.path, answer.status));
                    }
                    done.bytes += answer.bytes;
                    done.responses = answer.responses;
                    done.first_byte_us.push(answer.first_byte.as_micros() as u32);
                    lock = answer.lock.unwrap_or(lock);
                    if answer.closes {
                        connection = Connection::open(&plan).await.expect("a server");
                    }
                }
                Err(error) => {
                    done.errors += 1;
                    done.wrong.get_or_insert(error.to_string());
                    connection = Connection::open(&plan).await.expect("a server");
                }
            }
        }
        round += 1;
    }
    done
}

async fn run(plan: Plan) -> serde_json::Value {
    let plan = Arc::new(plan);
    let started = Instant::now();
    let workers: Vec<_> = (0..plan.connections).map(|number| tokio::spawn(work(Arc::clone(&plan), number))).collect();
    let mut all = Done::default();
    for worker in workers {
        let done = worker.await.expect("a connection");
        all.operations += done.operations;
        all.errors += done.errors;
        all.bytes += done.bytes;
        all.responses = all.responses.max(done.responses);
        all.latencies_us.extend(done.latencies_us);
        all.first_byte_us.extend(done.first_byte_us);
        all.wrong = all.wrong.or(done.wrong);
    }
    let seconds = started.elapsed().as_secs_f64();
    all.latencies_us.sort_unstable();
    all.first_byte_us.sort_unstable();
    let at = |of: &[u32], part: f64| of.get((of.len() as f64 * part) as usize).copied().unwrap_or_default();
    json!({
        "operations": all.operations, "seconds": seconds, "per_second": all.operations as f64 / seconds,
        "errors": all.errors, "wrong": all.wrong, "bytes": all.bytes, "responses": all.responses,
        "p50_us": at(&all.latencies_us, 0.5), "p99_us": at(&all.latencies_us, 0.99),
        "first_byte_us": at(&all.first_byte_us, 0.5),
    })
}

/// Answers 4 KiB from memory to everything: what the HTTP library itself can do.
async fn hyper() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", json!({ "address": listener.local_addr().expect("an address").to_string() }));
    let body = Bytes::from(vec![b'x'; 4096]);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let body = body.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |_| {
                let answer = hyper::Response::new(Full::new(body.clone()));
                async move { Ok::<_, std::convert::Infallible>(answer) }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

async fn database(file: &str) -> SqliteConnection {
    let _ = std::fs::remove_file(file);
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .expect("a database")
}

/// Commits a second of one small row each, flushed.
async fn commits(folder: &str) -> serde_json::Value {
    let mut connection = database(&format!("{folder}/commits.sqlite")).await;
    sqlx::query("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT)").execute(&mut connection).await.expect("a table");
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < Duration::from_secs(3) {
        sqlx::query("INSERT INTO t (value) VALUES ('x')").execute(&mut connection).await.expect("an insert");
        count += 1;
    }
    json!({ "per_second": f64::from(count) / started.elapsed().as_secs_f64() })
}

/// 10,000 names and tags out of a covering index, written as a multistatus: milliseconds.
async fn rows(folder: &str) -> serde_json::Value {
    let mut connection = database(&format!("{folder}/rows.sqlite")).await;
    let fill = "CREATE TABLE t (parent INTEGER, name TEXT, tag TEXT); CREATE INDEX i ON t (parent, name, tag); \
                INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                SELECT 1, printf('event-%05d.ics', i), lower(hex(randomblob(16))) FROM n";
    sqlx::raw_sql(fill).execute(&mut connection).await.expect("rows");
    let mut best = f64::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        let sql = "SELECT json_group_array(json_array(name, tag)) \
                   FROM (SELECT name, tag FROM t WHERE parent = 1 ORDER BY name)";
        let row = sqlx::query(sql).fetch_one(&mut connection).await.expect("an answer");
        let rows: Vec<(String, String)> = serde_json::from_str(row.get::<&str, _>(0)).expect("rows");
        let mut out = String::new();
        for (name, tag) in &rows {
            let _ = write!(
                out,
                "<D:response><D:href>/calendars/bench/personal/{name}</D:href><D:propstat><D:prop><D:getetag>\"{tag}\"\
                 </D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
            );
        }
        assert!(out.len() > 1_000_000 && rows.len() == 10_000);
        best = best.min(started.elapsed().as_secs_f64() * 1000.0);
    }
    json!({ "milliseconds": best })
}

/// 100 MiB from a file to a socket by `sendfile`, and from a socket to a flushed file: a second.
fn files(folder: &str) -> serde_json::Value {
    let size = 100 * MIB;
    let source = format!("{folder}/limit-source");
    let mut file = File::create(&source).expect("a file");
    for _ in 0..100 {
        file.write_all(&vec![b'x'; MIB]).expect("a file");
    }
    let pair = || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let one = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        (one, listener.accept().expect("a connection").0)
    };
    let transfer = |out: &dyn Fn(TcpStream) -> u64, feed: &(dyn Fn(TcpStream) + Sync)| {
        let (one, other) = pair();
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(move || feed(one));
            assert_eq!(out(other), size as u64);
        });
        1.0 / started.elapsed().as_secs_f64()
    };
    let median = |measure: &dyn Fn() -> f64| {
        let mut all: Vec<f64> = (0..5).map(|_| measure()).collect();
        all.sort_by(f64::total_cmp);
        all[2]
    };
    let sent = median(&|| {
        transfer(
            &|mut from| {
                let (mut buffer, mut count) = (vec![0; MIB], 0);
                loop {
                    match from.read(&mut buffer).expect("a connection") {
                        0 => break count,
                        read => count += read as u64,
                    }
                }
            },
            &|mut to| {
                io::copy(&mut File::open(&source).expect("a file"), &mut to).expect("a connection");
            },
        )
    });
    let received = median(&|| {
        transfer(
            &|mut from| {
                let mut to = File::create(format!("{folder}/limit-target")).expect("a file");
                let count = io::copy(&mut from, &mut to).expect("a connection");
                to.sync_all().expect("a file");
                count
            },
            &|mut to| {
                let filler = vec![b'x'; MIB];
                (0..100).for_each(|_| to.write_all(&filler).expect("a connection"));
            },
        )
    });
    json!({ "sendfile_per_second": sent, "receive_per_second": received })
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run"] => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).expect("a plan");
            run(serde_json::from_str(&text).expect("a plan")).await
        }
        ["hyper"] => return hyper().await,
        ["commits", folder] => commits(folder).await,
        ["rows", folder] => rows(folder).await,
        ["files", folder] => files(folder),
        _ => panic!("run (a plan on standard input) | hyper | commits FOLDER | rows FOLDER | files FOLDER"),
    };
    println!("{told}");
}
