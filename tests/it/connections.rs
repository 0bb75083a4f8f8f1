//! Connections that say nothing, half of something, or too slowly; that are too many; and clients that have gone.

use std::time::{Duration, Instant};

use super::kit::{Answer, World};
use super::transport::http2_request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const HEAD: Duration = Duration::from_secs(1);

/// A world that gives a head a second, and has this many places.
async fn small(places: usize) -> World {
    World::with(|config| {
        config.server.head_timeout_s = HEAD.as_secs();
        config.server.max_connections = places;
    })
    .await
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.address).await.unwrap()
}

/// A request's head by max; `more` are headers.
fn head(world: &World, line: &str, more: &str) -> String {
    let authorization = world.client("max").authorization.unwrap();
    format!("{line} HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\n{more}\r\n")
}

/// How long until the server ends the connection.
async fn ends(socket: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut rest)).await.expect("an end");
    begun.elapsed()
}

/// What HTTP/2 begins with, and empty settings.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_head_has_its_time_from_the_first_byte_that_is_awaited() {
    let world = small(100).await;
    let get = head(&world, "GET /files/", "");
    let mut waiting = Vec::new();
    for said in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"PRI * HTT",
        HTTP2,
        &[HTTP2, b"\0\0\x09\x01\0\0\0\0\x01\x82"].concat(),
    ] {
        let mut socket = connect(&world).await;
        socket.write_all(said).await.unwrap();
        waiting.push((String::from_utf8_lossy(said).into_owned(), socket));
    }
    // Between two requests, too, and in the middle of the second.
    for more in ["", "GET /"] {
        let mut socket = connect(&world).await;
        socket.write_all(get.as_bytes()).await.unwrap();
        assert_eq!(Answer::read(&mut socket, false).await.status, 200);
        socket.write_all(more.as_bytes()).await.unwrap();
        waiting.push((format!("a request, {more}"), socket));
    }
    // A letter at a time wins nothing.
    let mut slow = connect(&world).await;
    let (mut hears, mut says) = slow.split();
    let speaking = async {
        for letter in get.bytes().cycle() {
            if letter == b'\r' || says.write_all(&[letter]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut rest = Vec::new();
    let begun = Instant::now();
    tokio::select! {
        () = speaking => {}
        _ = hears.read_to_end(&mut rest) => {}
        () = tokio::time::sleep(10 * HEAD) => {}
    }
    assert!(begun.elapsed() < 8 * HEAD, "{:?}", begun.elapsed());
    for (said, mut socket) in waiting {
        let waited = ends(&mut socket).await;
        assert!(waited < 4 * HEAD, "after {said:?}: {waited:?} more");
    }
}

#[tokio::test]
async fn who_is_silent_gives_way_and_who_works_does_not() {
    let world = World::with(|config| config.server.max_connections = 8).await;
    let mut upload = connect(&world).await;
    upload.write_all(head(&world, "PUT /files/tram/slow", "Content-Length: 10\r\n").as_bytes()).await.unwrap();
    upload.write_all(b"12345").await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..40 {
        let mut socket = connect(&world).await;
        let _ = socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await;
        silent.push(socket);
    }
    for _ in 0..10 {
        let begun = Instant::now();
        world.client("mia").get("/files/").expect(200).await;
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
    upload.write_all(b"67890").await.unwrap();
    assert_eq!(Answer::read(&mut upload, false).await.status, 201);
}

#[tokio::test]
async fn who_finds_everybody_busy_learns_when_to_come_again() {
    let world = World::with(|config| config.server.max_connections = 8).await;
    let mut uploads = Vec::new();
    for n in 0..4 {
        let mut socket = connect(&world).await;
        let line = format!("PUT /files/tram/{n}");
        socket.write_all(head(&world, &line, "Content-Length: 2\r\n").as_bytes()).await.unwrap();
        uploads.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Half of the places are the most that one address holds.
    let refused = world.client("mia").get("/files/").expect(503).await;
    assert!(refused.header("retry-after").is_some() && refused.header("connection") == Some("close"));
    for upload in &mut uploads {
        upload.write_all(b"ok").await.unwrap();
        assert_eq!(Answer::read(upload, false).await.status, 201);
    }
    world.client("mia").get("/files/").expect(200).await;
}

#[tokio::test]
async fn who_has_ended_its_sending_side_gets_its_answers() {
    let world = World::new().await;
    let get = head(&world, "GET /files/tram/a", "");
    let put = |n: usize, more: &str| head(&world, &format!("PUT /files/tram/half{n}"), more) + "abc";
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    world.client("max").put("/files/tram/a", &large).expect(201).await;
    let list = head(&world, "PROPFIND /files/tram/", "Depth: 1\r\n");
    for (asked, statuses) in [
        (put(1, "Connection: close\r\nContent-Length: 3\r\n"), &[201][..]),
        (put(2, "Content-Length: 3\r\n"), &[201]),
        (put(3, "Transfer-Encoding: chunked\r\n").replace("abc", "3\r\nabc\r\n0\r\n\r\n"), &[201]),
        (get.clone(), &[200]),
        (list.clone(), &[207]),
        // One after the other, without waiting.
        (
            format!("{}{get}{list}{}", put(4, "Content-Length: 3\r\n"), put(5, "Content-Length: 3\r\n")),
            &[201, 200, 207, 201],
        ),
    ] {
        let mut socket = connect(&world).await;
        socket.write_all(asked.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        // A large answer is sent to the end, however slowly it is taken.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        for status in statuses {
            let answer = Answer::read(&mut socket, false).await;
            assert_eq!(answer.status, *status, "{asked}");
            if *status == 200 {
                assert!(answer.body == large);
            }
        }
        assert!(ends(&mut socket).await < Duration::from_secs(15), "{asked}");
    }
    // Half a request is none.
    let mut socket = connect(&world).await;
    socket.write_all(&get.as_bytes()[..get.len() - 3]).await.unwrap();
    socket.shutdown().await.unwrap();
    assert!(ends(&mut socket).await < Duration::from_secs(15));
}

#[tokio::test]
async fn requests_that_follow_each_other_without_waiting_are_answered_in_order() {
    let world = World::new().await;
    let max = world.client("max");
    let mut socket = connect(&world).await;
    let mut asked = String::new();
    for n in 0..200 {
        let body = "x".repeat(n * 7);
        let length = format!("Content-Length: {}\r\n", body.len());
        asked += &(head(&world, &format!("PUT /files/tram/{n}"), &length) + &body);
        asked += &head(&world, &format!("GET /files/tram/{n}"), "");
    }
    let (mut hears, mut says) = socket.split();
    let (said, answers) = tokio::join!(says.write_all(asked.as_bytes()), async {
        let mut all = Vec::new();
        while all.windows(9).filter(|part| part == b"HTTP/1.1 ").count() < 400 {
            let mut piece = vec![0; 65536];
            let read = tokio::time::timeout(Duration::from_secs(10), hears.read(&mut piece)).await.expect("answers");
            match read.unwrap() {
                0 => break,
                read => all.extend_from_slice(&piece[..read]),
            }
        }
        String::from_utf8(all).unwrap()
    });
    said.unwrap();
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["201", "200"].repeat(200));
    max.get("/files/tram/199").expect(200).await;
}

#[tokio::test]
async fn a_body_has_a_least_rate() {
    let world = World::with(|config| config.server.idle_timeout_s = 1).await;
    let letters = async {
        let mut socket = connect(&world).await;
        socket.write_all(head(&world, "PUT /files/tram/letters", "Content-Length: 5000\r\n").as_bytes()).await.unwrap();
        let begun = Instant::now();
        let (mut hears, mut says) = socket.into_split();
        let saying = tokio::spawn(async move {
            while says.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let mut answer = [0; 12];
        let heard = tokio::time::timeout(Duration::from_secs(20), hears.read_exact(&mut answer)).await;
        saying.abort();
        heard.expect("an answer").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
        begun.elapsed()
    };
    let slow = async {
        let mut socket = connect(&world).await;
        socket.write_all(head(&world, "PUT /files/tram/slow", "Content-Length: 12000\r\n").as_bytes()).await.unwrap();
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            socket.write_all(&[b'x'; 2000]).await.unwrap();
        }
        Answer::read(&mut socket, false).await.status
    };
    let (letters, slow) = tokio::join!(letters, slow);
    assert!(letters < Duration::from_secs(15), "{letters:?}");
    assert_eq!(slow, 201);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends() {
    let world = World::with(|config| config.server.idle_timeout_s = 1).await;
    world.client("max").put("/files/tram/large", &vec![b'x'; 30_000_000]).expect(201).await;
    let mut socket = connect(&world).await;
    socket.write_all(head(&world, "GET /files/tram/large", "").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut taken = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut taken)).await.expect("an end");
    assert!(taken.len() < 30_000_000);
}

#[tokio::test]
async fn who_comes_with_a_request_does_not_give_way_before_it_was_read() {
    let world = World::with(|config| config.server.max_connections = 8).await;
    let get = head(&world, "GET /files/", "");
    let asked = futures_util::future::join_all((0..12).map(|_| async {
        let mut socket = connect(&world).await;
        socket.write_all(get.as_bytes()).await.unwrap();
        Answer::read(&mut socket, false).await.status
    }));
    for status in asked.await {
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn however_many_requests_one_address_leaves_unfinished_others_are_let_in() {
    for http2 in [false, true] {
        let world = World::with(|config| config.server.max_connections = 8).await;
        let half = match http2 {
            false => (head(&world, "PUT /files/tram/half", "Content-Length: 10000\r\n") + "x").into_bytes(),
            true => http2_request(&world.client("max").authorization.unwrap(), "PUT", "/files/tram/half", Some(b"x")),
        };
        let uploads = futures_util::future::join_all((0..40).map(|_| async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            let mut stream = socket.connect(world.address).await.unwrap();
            // Some are answered 503.
            let _ = stream.write_all(&half).await;
            stream
        }));
        let uploads = uploads.await;
        for _ in 0..10 {
            let asked = async { world.client("mia").get("/files/").expect(200).await };
            tokio::time::timeout(Duration::from_secs(20), asked).await.expect("an answer");
        }
        drop(uploads);
    }
}
