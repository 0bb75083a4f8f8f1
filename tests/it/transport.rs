//! The wire below the methods: addresses cut short, codings, answers that come before the body, what proxies say.

use beffroi::model::method::METHODS;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kit::{Answer, World};

/// A connection on which requests follow each other.
struct Line {
    socket: TcpStream,
    authorization: String,
}

impl Line {
    async fn of(world: &World, name: &str) -> Self {
        let socket = TcpStream::connect(world.address).await.unwrap();
        Self { socket, authorization: world.client(name).authorization.unwrap() }
    }

    /// Sends a head (`{auth}` replaced) and some of its body, and reads an answer.
    async fn ask(&mut self, head: &str, body: &[u8]) -> Answer {
        let head = head.replace("{auth}", &format!("Authorization: {}", self.authorization)).replace('\n', "\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        let _ = self.socket.write_all(&bytes).await;
        Answer::read(&mut self.socket, false).await
    }

    /// Does the connection take another request?
    async fn lives(&mut self) -> bool {
        let head = format!("OPTIONS / HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\n\r\n", self.authorization);
        let mut byte = [0];
        let sent = self.socket.write_all(head.as_bytes()).await;
        sent.is_ok() && matches!(self.socket.peek(&mut byte).await, Ok(1))
    }
}

#[tokio::test]
async fn what_changes_something_has_an_address_without_query() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/Bilan", "precious").expect(201).await;
    for (method, name) in METHODS {
        for target in ["/files/tram/Bilan?-v2.txt", "/files/tram/Bilan?", "http://h/files/tram/Bilan?x", "/?", "*?x"] {
            let ask = max.ask(name, target).header("Destination", "/files/tram/other");
            let answer = ask.header("Depth", "0").header("If-None-Match", "\"x\"").send().await;
            if method.writes() {
                assert_eq!(answer.status, 400, "{name} {target}");
            } else {
                assert!(answer.status < 500, "{name} {target}");
            }
        }
    }
    for (ask, status) in [
        (max.get("/files/tram/Bilan?web=1"), 200),
        (max.head("/files/tram/Bilan?"), 200),
        (max.propfind("/files/tram/Bilan?x", "0", "<D:getetag/>"), 207),
        (max.copy("/files/tram/Bilan", "/files/tram/other?x"), 400),
        (max.relocate("/files/tram/Bilan", "/files/tram/other#x"), 400),
        (max.delete("/files/tram/Bilan").header("If", "</files/tram/Bilan?x> ([\"a\"])"), 400),
        // Written as an escape it is part of the name, which Windows could not open.
        (max.put("/files/tram/Bilan%3F-v2.txt", "x"), 403),
        (max.delete("/files/tram/Bilan%3F"), 404),
        (max.put("/files/tram/Bilan;v=2", "other"), 201),
        (max.ask("DELETE", "*"), 400),
        (max.get("/files/tram/Bilan"), 200),
    ] {
        ask.expect(status).await;
    }
    let refused = max.put("/files/tram/Bilan?", "x").header("Accept-Language", "fr").expect(400).await;
    assert!(refused.text().contains("address-without-query") && refused.text().contains("%23"));
    assert_eq!(max.get("/files/tram/Bilan").expect(200).await.text(), "precious");
    assert_eq!(max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs().len(), 3);
}

#[tokio::test]
async fn an_answer_before_the_body_keeps_the_connection_or_says_that_it_ends() {
    let world = World::new().await;
    let sized =
        |name: &str, n: usize| format!("PUT /files/{name}/a HTTP/1.1\nHost: h\n{{auth}}\nContent-Length: {n}\n\n");
    let nobody = |n: usize| format!("PUT /files/tram/a HTTP/1.1\nHost: h\nContent-Length: {n}\n\n");
    let chunked = "PUT /files/none/a HTTP/1.1\nHost: h\n{auth}\nTransfer-Encoding: chunked\n\n";
    let coded = "PUT /files/tram/a HTTP/1.1\nHost: h\n{auth}\nContent-Encoding: gzip\nContent-Length: 9\n\n";
    let query = "PUT /files/tram/a?x HTTP/1.1\nHost: h\n{auth}\nContent-Length: 70000\n\n";
    let unknown = "BREW /files/tram/a HTTP/1.1\nHost: h\n{auth}\nContent-Length: 70000\n\n";
    let expects = "PUT /files/none/a HTTP/1.1\nHost: h\n{auth}\nExpect: 100-continue\nContent-Length: 9\n\n";
    let body = vec![b'x'; 5_000_000];
    for (person, head, sent, status, lives) in [
        ("max", sized("none", 100_000), &body[..100_000], 404, true),
        ("max", sized("none", 1_000_000), &body[..1_000_000], 404, true),
        ("rita", sized("tram", 70_000), &body[..70_000], 403, true),
        ("max", nobody(60_000), &body[..60_000], 401, true),
        ("max", nobody(9), b"123456789", 401, true),
        ("max", coded.to_owned(), b"123456789", 415, true),
        ("max", query.to_owned(), &body[..70_000], 400, true),
        ("max", unknown.to_owned(), &body[..70_000], 501, true),
        ("max", sized("none", 5_000_000), &body, 404, false),
        ("max", nobody(5_000_000), &body, 401, false),
        ("max", sized("none", 5_000_000), b"only this much", 404, false),
        ("max", chunked.to_owned(), b"5\r\nhello\r\n", 404, false),
        ("max", expects.to_owned(), b"", 404, false),
    ] {
        let mut line = Line::of(&world, person).await;
        let answer = line.ask(&head, sent).await;
        assert_eq!(answer.status, status, "{head}");
        assert_eq!(answer.header("connection"), (!lives).then_some("close"), "{head}");
        assert_eq!(line.lives().await, lives, "{head}");
    }
    // What came whole beside its head is not in the way, however it is framed.
    let mut line = Line::of(&world, "max").await;
    let answer = line.ask(chunked, b"5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!(answer.header("connection") != Some("close"), line.lives().await);
    // A rest that was promised and does not come keeps nobody waiting for the answer.
    let mut line = Line::of(&world, "max").await;
    assert_eq!(line.ask(&sized("none", 100_000), b"x").await.status, 404);
    world.client("max").get("/files/tram/a").expect(404).await;
}

#[tokio::test]
async fn a_coding_is_undone_or_refused_never_lost() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "old").expect(201).await;
    for (method, name) in METHODS {
        let refused = max.ask(name, "/files/tram/a").header("Content-Encoding", "gzip").body("x").expect(415).await;
        assert_eq!(refused.header("accept-encoding"), Some("identity"), "{method:?}");
    }
    max.put("/files/tram/a", "new").header("Content-Encoding", "identity").expect(204).await;
    max.get("/files/tram/a").header("Content-Encoding", "gzip").expect(200).await;
    for (coding, status) in
        [("gzip, chunked", 501), ("chunked, chunked", 501), ("identity, chunked", 501), ("gzip", 400), ("chunked", 204)]
    {
        let mut line = Line::of(&world, "max").await;
        let head = format!("PUT /files/tram/a HTTP/1.1\nHost: h\n{{auth}}\nTransfer-Encoding: {coding}\n\n");
        assert_eq!(line.ask(&head, b"3\r\nnew\r\n0\r\n\r\n").await.status, status, "{coding}");
    }
    assert_eq!(max.get("/files/tram/a").expect(200).await.text(), "new");
}

#[tokio::test]
async fn what_proxies_add_counts_as_far_as_they_are_trusted() {
    let world = World::with(|config| {
        config.server.trusted_proxies = vec!["::ffff:127.0.0.1".parse().unwrap()];
        config.server.public_url = Some("https://beffroi.ville.example".to_owned());
    })
    .await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    for (to, said, status) in [
        ("https://docs.ville.example/files/tram/b", "evil.example, docs.ville.example", 201),
        ("https://evil.example/files/tram/c", "evil.example, docs.ville.example", 502),
        ("https://docs.ville.example/files/tram/d", "evil.example\r\nX-Forwarded-Host: docs.ville.example:443", 201),
    ] {
        max.copy("/files/tram/a", to).header("X-Forwarded-Host", said).expect(status).await;
    }
    for (said, status) in [("https, http", 301), ("http, https", 404), ("https\r\nX-Forwarded-Proto: http", 301)] {
        world.nobody().get("/feeds/none/a.ics").header("X-Forwarded-Proto", said).expect(status).await;
    }
}

/// A frame of HTTP/2 on stream 1.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, (payload.len() >> 8) as u8, payload.len() as u8, kind, flags, 0, 0, 0, u8::from(kind != 4)], payload].concat()
}

/// What asks over HTTP/2, from the first byte of a connection; a body is sent as far as it is given and does not end.
pub(super) fn http2_request(authorization: &str, method: &str, path: &str, body: Option<&[u8]>) -> Vec<u8> {
    let literal = |first: u8, text: &str| [&[first, text.len() as u8], text.as_bytes()].concat();
    let name = vec![0x0f, 0x08];
    let block = [literal(0x02, method), vec![0x86], literal(0x04, path), literal(0x01, "h"), name].concat();
    let block = [&block[..], &[authorization.len() as u8], authorization.as_bytes()].concat();
    let ends = if body.is_none() { 1 } else { 0 };
    let mut asked = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    asked.extend(frame(4, 0, &[]));
    asked.extend(frame(1, 4 | ends, &block));
    body.into_iter().flat_map(|body| body.chunks(16_384)).for_each(|piece| asked.extend(frame(0, 0, piece)));
    asked
}

/// Asks over HTTP/2 without encryption.
async fn http2(world: &World, authorization: &str, method: &str, path: &str, body: Option<&[u8]>) -> TcpStream {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(&http2_request(authorization, method, path, body)).await.unwrap();
    socket
}

/// The next frame, kind and payload.
async fn next_frame(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.unwrap();
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    socket.read_exact(&mut payload).await.unwrap();
    (head[3], payload)
}

/// The first byte of the answer's header block, which is its status by the table of the standard.
async fn http2_status(socket: &mut TcpStream) -> u8 {
    loop {
        if let (1, block) = next_frame(socket).await {
            return block[0];
        }
    }
}

#[tokio::test]
async fn over_http2_an_address_is_as_whole_as_over_http1() {
    const OK: u8 = 0x88;
    const NO_CONTENT: u8 = 0x89;
    const BAD_REQUEST: u8 = 0x8c;
    const NOT_FOUND: u8 = 0x8d;
    let world = World::new().await;
    let max = world.client("max");
    let authorization = max.authorization.clone().unwrap();
    let status = async |method: &str, path: &str| {
        http2_status(&mut http2(&world, &authorization, method, path, None).await).await
    };
    max.put("/files/tram/C", "precious").expect(201).await;
    max.put("/files/tram/C%23.txt", "sharp").expect(201).await;
    for (_, method) in METHODS {
        assert_eq!(status(method, "/files/tram/C#.txt").await, BAD_REQUEST, "{method}");
    }
    for (method, path, right) in [
        ("DELETE", "/files/tram/C?.txt", BAD_REQUEST),
        ("GET", "/files/tram/C", OK),
        ("GET", "/files/tram/C?x", OK),
        ("GET", "/files/tram/none", NOT_FOUND),
        ("DELETE", "/files/tram/C%23.txt", NO_CONTENT),
    ] {
        assert_eq!(status(method, path).await, right, "{method} {path}");
    }
    assert_eq!(max.get("/files/tram/C").expect(200).await.text(), "precious");
}

#[tokio::test]
async fn over_http2_an_answer_before_the_body_is_not_lost_with_the_rest() {
    let world = World::new().await;
    let rita = world.client("rita").authorization.unwrap();
    for authorization in [rita.as_str(), "Basic eDp5"] {
        let mut socket = http2(&world, authorization, "PUT", "/files/tram/a", Some(&[b'x'; 60_000])).await;
        // An entry of its own in the table, 401 and 403 have none in that of the standard.
        assert!([0x48, 0x08].contains(&http2_status(&mut socket).await));
        let reset = async { while next_frame(&mut socket).await.0 != 3 {} };
        assert!(tokio::time::timeout(std::time::Duration::from_millis(500), reset).await.is_err());
    }
}
