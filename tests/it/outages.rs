//! What the machine lacks is reported as such, by every method, and nothing needs a restart once it is there again. The
//! limits are set on a process of the binary: a file that may not grow is a disk that is full.

use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::kit::{Answer, Client, World, basic, event};

/// A server in a process of its own.
struct Server {
    process: Child,
    client: Client,
    data: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(data: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_beffroi"))
        .args(arguments)
        .env("BEFFROI_DATA", data)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    /// A person `ada` with a device, served under a limit of the shell.
    fn under(limit: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        run(data.path(), &["person", "add", "ada", "--display-name", "Ada", "--email", "ada@ville.example"]);
        let password = run(data.path(), &["device", "add", "ada", "--label", "x"]);
        // A file that grows too large is to be an error, and not the end of the process.
        let script = format!("trap '' XFSZ; ulimit {limit} && exec \"$0\" serve --listen 127.0.0.1:0");
        let mut process = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_beffroi")])
            .env("BEFFROI_DATA", data.path())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(data.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("ready: http://").trim_end_matches('/').parse().unwrap();
        let client = Client { address, authorization: Some(basic("ada", password.trim())) };
        Self { process, client, data }
    }

    fn logged(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap()
    }
}

fn reported(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 507, "{what}: {}", answer.text());
    assert!(answer.text().contains("sufficient-disk-space"), "{what}: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_reported_by_every_method_and_reading_goes_on() {
    let server = Server::under("-S -f 4096");
    let ada = &server.client;
    let large = vec![7u8; 6_000_000];
    for path in ["/files/ada/a", "/files/ada/b"] {
        ada.mkcol(path).expect(201).await;
    }
    for name in ["moved", "deleted", "written", "locked", "patched"] {
        ada.put(&format!("/files/ada/a/{name}"), name).expect(201).await;
    }
    let token = ada.locked("/files/ada/a/locked", "exclusive", "0").await;
    ada.put("/calendars/ada/personal/e.ics", &event("e", "20260614")).expect(201).await;
    // A large document finds no room while it arrives.
    reported(&ada.put("/files/ada/large", &large).send().await, "a large document");
    ada.get("/files/ada/large").expect(404).await;
    // Small ones come to where the log of the database cannot grow any more; of many at once none is answered
    // otherwise.
    let mut refused = 0;
    for round in 0..40 {
        let at_once = (0..8).map(|number| {
            let ada = ada.clone();
            let content: Vec<u8> = (0..60_000u32).map(|byte| ((byte * (8 * round + number + 3)) >> 7) as u8).collect();
            tokio::spawn(async move { ada.put(&format!("/files/ada/b/{round}-{number}"), &content).send().await })
        });
        for put in at_once.collect::<Vec<_>>() {
            let answer = put.await.unwrap();
            if answer.status != 201 {
                reported(&answer, "a small document");
                refused += 1;
            }
        }
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0, "the disk was never full");
    let properties = "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>".to_owned() + &" ".repeat(50_000);
    for what in
        ["MKCOL", "PUT", "MOVE", "COPY", "PROPPATCH", "LOCK", "UNLOCK", "DELETE", "MKCALENDAR", "POST", "UPDATE"]
    {
        let mut full = 0;
        for attempt in 0..30 {
            let free = format!("/files/ada/b/{what}-{attempt}");
            let ask = match what {
                "MKCOL" => ada.mkcol(&free),
                "PUT" => ada.put(&free, &large[..60_000]).header("OC-Checksum", ""),
                "MOVE" => ada.relocate("/files/ada/a/moved", "/files/ada/a/moved2"),
                "COPY" => ada.copy("/files/ada/a", &free),
                "PROPPATCH" => ada.proppatch("/files/ada/a/patched", &properties),
                "LOCK" => ada.lock(&format!("/files/ada/a/{attempt}"), "exclusive", "0"),
                "UNLOCK" => ada.unlock_at("/files/ada/a/locked").header("Lock-Token", &format!("<{token}>")),
                "DELETE" => ada.delete("/files/ada/a/deleted"),
                "MKCALENDAR" => ada.ask("MKCALENDAR", &format!("/calendars/ada/{attempt}")),
                "POST" => ada.ask("POST", "/calendars/ada/personal/").body(&event(&free, "20260614")),
                _ => ada
                    .ask("UPDATE", "/files/ada/a/written")
                    .body("<update xmlns=\"DAV:\"><version><href>/x</href></version></update>"),
            };
            let answer = ask.send().await;
            assert_ne!(answer.status, 500, "{what}: {}", answer.text());
            if answer.status == 507 {
                reported(&answer, what);
                full += 1;
            }
        }
        // What is small may still find a little room in what the log holds already.
        assert!(full > 0 || !["MKCOL", "PUT", "COPY"].contains(&what), "{what} was never refused");
        // What frees room, and what people need to go on, goes on.
        assert!(full == 0 || !["LOCK", "UNLOCK", "DELETE"].contains(&what), "{what} was refused {full} times");
        ada.get("/files/ada/a/written").expect(200).await;
        ada.propfind("/files/ada/b/", "1", "<D:lockdiscovery/><D:getetag/>").expect(207).await;
        ada.report_at("/files/ada/")
            .body(
                "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop>\
             </sync-collection>",
            )
            .expect(207)
            .await;
    }
    let logged = server.logged();
    assert_eq!(logged.matches("what the machine lacks").count(), 1, "{logged}");
    assert!(!logged.contains("ERROR") && !logged.contains('\u{1b}'), "{logged}");
    // There is room again.
    let process = server.process.id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited:unlimited"]).status();
    assert!(raised.unwrap().success());
    ada.put("/files/ada/large", &large).expect(201).await;
    for number in 0..20 {
        ada.put(&format!("/files/ada/b/again-{number}"), &large[..50_000 + number]).expect(201).await;
    }
    ada.delete("/files/ada/b").expect(204).await;
    assert!(run(server.data.path(), &["check"]).contains("no damage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_open_files_are_answered_as_a_lack_that_passes() {
    let server = Server::under("-S -n 256");
    let ada = &server.client;
    let large = vec![7u8; 200_000];
    ada.put("/files/ada/large", &large).expect(201).await;
    let ask = async |socket: &mut TcpStream, method: &str, path: &str, body: &[u8]| {
        let authorization = ada.authorization.clone().unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        Answer::read(socket, false).await
    };
    let mut first = TcpStream::connect(ada.address).await.unwrap();
    assert_eq!(ask(&mut first, "GET", "/files/ada/large", b"").await.status, 200);
    let process = server.process.id();
    let allow = |files: usize| {
        let limit = format!("--nofile={files}:");
        let set = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status();
        assert!(set.unwrap().success());
    };
    // The first number that is free is the first that is not allowed, once what the requests so far had open is closed:
    // that may come a moment after their answers.
    let open = || (0..256).filter(|n| Path::new(&format!("/proc/{process}/fd/{n}")).symlink_metadata().is_ok());
    let mut opened: Vec<usize> = Vec::new();
    for quiet in 0.. {
        let now: Vec<usize> = open().collect();
        if now == opened && quiet > 4 {
            break;
        }
        opened = now;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    allow((0..).find(|number| !opened.contains(number)).unwrap());
    for (method, path, body) in [("GET", "/files/ada/large", &b""[..]), ("PUT", "/files/ada/other", &large[..])] {
        let answer = ask(&mut first, method, path, body).await;
        assert_eq!(answer.status, 503, "{method}: {}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{method}");
        if answer.header("connection") == Some("close") {
            panic!("{method} closes");
        }
    }
    assert_eq!(ask(&mut first, "PUT", "/files/ada/small", b"small").await.status, 201);
    assert_eq!(ask(&mut first, "GET", "/files/ada/small", b"").await.status, 200);
    allow(256);
    assert_eq!(ask(&mut first, "GET", "/files/ada/large", b"").await.status, 200);
    ada.put("/files/ada/other", &large).expect(201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_holds_is_reported_to_all_who_wait_at_once() {
    use sqlx::Connection as _;
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/max/a.txt", "one").expect(201).await;
    let file = format!("sqlite:{}", world.data.path().join("beffroi.sqlite").display());
    let mut other = sqlx::SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let since = std::time::Instant::now();
    let waiting = (0..4).map(|number| {
        let max = max.clone();
        tokio::spawn(async move { max.put(&format!("/files/max/{number}.txt"), "two").send().await })
    });
    let waiting: Vec<_> = waiting.collect();
    max.get("/files/max/a.txt").expect(200).await;
    for put in waiting {
        let answer = put.await.unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    assert!(since.elapsed().as_secs() < 15, "{:?}", since.elapsed());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    max.put("/files/max/b.txt", "three").expect(201).await;
}
