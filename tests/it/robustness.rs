//! What a wrong, hostile, half-sent or slow request gets, and that nothing is lost by it.

use std::time::Duration;

use super::kit::{Answer, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends a request as it stands, `{auth}` replaced, and reads one answer.
async fn raw(world: &World, head: &str) -> Answer {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let authorization = world.client("max").authorization.unwrap();
    let text = head.replace("{auth}", &format!("Authorization: {authorization}")).replace('\n', "\r\n");
    socket.write_all(text.as_bytes()).await.unwrap();
    Answer::read(&mut socket, false).await
}

#[tokio::test]
async fn malformed_http_is_refused_and_closed() {
    let world = World::new().await;
    for head in [
        "PUT /files/tram/a HTTP/1.1\nHost: h\n{auth}\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n",
        "PUT /files/tram/a HTTP/1.1\nHost: h\n{auth}\nTransfer-Encoding: chunked\nContent-Length: 1\n\n0\n\n",
        "PUT /files/tram/a HTTP/1.1\nHost: h\n{auth}\nUpgrade: x\nContent-Length: 1\nTransfer-Encoding: \
         chunked\n\n0\n\n",
        "GET /files/ HTTP/1.0\nHost: a\nHost: b\n{auth}\n\n",
        "GET /files/ HTTP/1.1\n{auth}\n\n",
        "GET /files/ HTTP/1.1\nHost: a\nHost: b\n{auth}\n\n",
        "GET /files/ HTTP/1.1\nHost: h\n{auth}\nX: a\rb\n\n",
        "DELETE /files/tram/#a HTTP/1.1\nHost: h\n{auth}\n\n",
    ] {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let authorization = world.client("max").authorization.unwrap();
        let text = head.replace("{auth}", &format!("Authorization: {authorization}")).replace('\n', "\r\n");
        socket.write_all(text.as_bytes()).await.unwrap();
        let answer = Answer::read(&mut socket, false).await;
        assert_eq!(answer.status, 400, "{head}");
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await.expect("closed").unwrap();
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
    world.client("max").get("/files/tram/a").expect(404).await;
}

#[tokio::test]
async fn a_bad_head_is_seen_however_it_is_cut() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/d", "precious").expect(201).await;
    let authorization = max.authorization.clone().unwrap();
    let good =
        format!("PUT /files/tram/v HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\nContent-Length: 5\r\n\r\n");
    let bad =
        format!("DELETE /files/tram/d#1 HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\nX: q-rest\r\n\r\n");
    for cut in [1, 10, 30, bad.len() - 9, bad.len() - 3, bad.len() - 1] {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket.write_all(good.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket.write_all(format!("hello{}", &bad[..cut]).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket.write_all(&bad.as_bytes()[cut..]).await.unwrap();
        assert!([201, 204].contains(&Answer::read(&mut socket, false).await.status));
        assert_eq!(Answer::read(&mut socket, false).await.status, 400, "cut at {cut}");
        assert_eq!(max.get("/files/tram/v").expect(200).await.text(), "hello");
        assert_eq!(max.get("/files/tram/d").expect(200).await.text(), "precious");
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_what_was_there() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "old").expect(201).await;
    for framing in ["Content-Length: 500000", "Transfer-Encoding: chunked"] {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let head = format!(
            "PUT /files/tram/a HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\n{framing}\r\n\r\n",
            max.authorization.clone().unwrap()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let piece =
            if framing.starts_with('T') { format!("186A0\r\n{}", "x".repeat(100_000)) } else { "x".repeat(100_000) };
        socket.write_all(piece.as_bytes()).await.unwrap();
        drop(socket);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(max.get("/files/tram/a").expect(200).await.text(), "old");
    assert_eq!(std::fs::read_dir(world.data.path().join("bodies/staging")).unwrap().count(), 0);
    // Finder's length, lost by a proxy.
    max.put("/files/tram/a", "short").header("X-Expected-Entity-Length", "10").expect(400).await;
    max.put("/files/tram/a", "sum").header("OC-Checksum", "MD5:00000000000000000000000000000000").expect(400).await;
    assert_eq!(max.get("/files/tram/a").expect(200).await.text(), "old");
    max.put("/files/tram/a", "sum")
        .header("OC-Checksum", "SHA1:x MD5:1d623b89683f9ce4e074de1676d12416")
        .expect(204)
        .await;
}

#[tokio::test]
async fn chunked_bodies_and_large_ones() {
    let world = World::new().await;
    let answer = raw(
        &world,
        "PUT /files/tram/c HTTP/1.1\nHost: h\n{auth}\nTransfer-Encoding: chunked\nX-Expected-Entity-Length: 11\n\n\
         5\nhello\n6\n world\n0\n\n",
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let max = world.client("max");
    assert_eq!(max.get("/files/tram/c").expect(200).await.text(), "hello world");
    let large: Vec<u8> = (0..20_000_000u32).map(|n| (n % 253) as u8).collect();
    max.put("/files/tram/large", &large).expect(201).await;
    assert_eq!(max.get("/files/tram/large").expect(200).await.body, large);
    world.sound().await;
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer() {
    let world = World::new().await;
    let body = vec![b'x'; 5_000_000];
    // The whole body is sent without waiting; the answer must still arrive, not a reset connection.
    for (client, status) in [(world.nobody(), 401), (world.client("rita"), 403)] {
        client.put("/files/tram/a", &body).expect(status).await;
    }
    let limited = World::with(|config| config.server.max_document_bytes = 1000).await;
    limited.client("max").put("/files/tram/a", &body).expect(413).await;
    limited.client("max").get("/files/tram/a").expect(404).await;
    // Who waits for 100-continue is answered without having sent anything.
    let answer =
        raw(&world, "PUT /files/none/a HTTP/1.1\nHost: h\n{auth}\nContent-Length: 1000000\nExpect: 100-continue\n\n")
            .await;
    assert_eq!(answer.status, 404);
    let answer =
        raw(&world, "PUT /files/tram/a HTTP/1.1\nHost: h\n{auth}\nContent-Length: 1000000\nExpect: 100-continue\n\n")
            .await;
    assert_eq!(answer.status, 100);
}

#[tokio::test]
async fn hostile_xml() {
    let world = World::new().await;
    let max = world.client("max");
    let deep = format!("<propfind xmlns=\"DAV:\"><prop>{}{}</prop></propfind>", "<a>".repeat(50), "</a>".repeat(50));
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><propfind xmlns=\"DAV:\"><prop>&a;</prop></propfind>";
    let wide = format!("<propfind xmlns=\"DAV:\"><prop>{}</prop></propfind>", "<a/>".repeat(60_000));
    for body in [deep.as_str(), bomb, &wide, "<propfind", "<propfind xmlns=\"DAV:\"/>", "<p:propfind/>"] {
        let refused = max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(body).expect(400).await;
        assert!(refused.text().contains("well-formed-xml"));
    }
    let names: String = (0..20_000).map(|n| format!("<a{n}/>")).collect();
    let body = format!("<propfind xmlns=\"DAV:\"><prop>{names}</prop></propfind>");
    max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(&body).expect(413).await;
    max.proppatch("/files/tram/", "<D:set><D:prop><x<y xmlns=\"u\">v</x<y></D:prop></D:set>").expect(400).await;
    let many: String = (0..2000).map(|n| format!("<a{n}/>")).collect();
    let body = format!("<propfind xmlns=\"DAV:\"><prop>{many}</prop></propfind>");
    max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(&body).expect(413).await;
    max.ask("PROPFIND", "/files/tram/").header("Depth", "0").body(&vec![b' '; 5_000_000]).expect(413).await;
    let headers = (0..200).fold(max.get("/files/"), |ask, n| ask.header(&format!("X-{n}"), "x"));
    assert_eq!(headers.send().await.status, 431);
    let tags: String = (0..40).map(|n| format!("</files/tram/{n}> (<urn:x>) ")).collect();
    max.get("/files/tram/").header("If", &tags).expect(400).await;
}

#[tokio::test]
async fn stopping_lets_requests_finish() {
    let mut world = World::new().await;
    let max = world.client("max");
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "PUT /files/tram/slow HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\nContent-Length: 10\r\n\r\n12345",
        max.authorization.clone().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let finish = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        socket.write_all(b"67890").await.unwrap();
        Answer::read(&mut socket, false).await
    });
    world.stop().await;
    assert_eq!(finish.await.unwrap().status, 201);
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn behind_a_proxy() {
    let proxied = World::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.server.public_url = Some("https://beffroi.ville.example".to_owned());
    })
    .await;
    let max = proxied.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    max.copy("/files/tram/a", "https://beffroi.ville.example/files/tram/b").expect(201).await;
    max.copy("/files/tram/a", "https://docs.ville.example/files/tram/c")
        .header("X-Forwarded-Host", "docs.ville.example")
        .expect(201)
        .await;
    max.copy("/files/tram/a", "https://evil.example/files/tram/d").expect(502).await;
    let direct = World::new().await;
    let max = direct.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    max.copy("/files/tram/a", "https://evil.example/files/tram/c")
        .header("X-Forwarded-Host", "evil.example")
        .expect(502)
        .await;
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/large.bin", &vec![b'x'; 200_000]).expect(201).await;
    world.sound().await;
    let bodies = world.data.path().join("bodies");
    let folder =
        std::fs::read_dir(&bodies).unwrap().map(|e| e.unwrap().path()).find(|p| !p.ends_with("staging")).unwrap();
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let report = world.tree.check(|_| {}).await.unwrap();
    assert_eq!(report.damage.len(), 1);
    assert!(report.damage[0].at.starts_with("large.bin"), "{:?}", report.damage);
    // What is cut short on disk is not sent as if it were whole: the connection breaks off.
    std::fs::write(&file, &bytes[..100_000]).unwrap();
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let authorization = max.authorization.clone().unwrap();
    let head = format!("GET /files/tram/large.bin HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut sent = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut sent)).await.expect("closed").unwrap();
    let length = |bytes: usize| format!("content-length: {bytes}\r\n");
    let said = String::from_utf8_lossy(&sent).to_lowercase();
    assert!(sent.len() < 200_000 && (sent.is_empty() || said.contains(&length(200_000))), "{}", sent.len());
    std::fs::remove_file(&file).unwrap();
    assert!(world.tree.check(|_| {}).await.unwrap().damage[0].what.contains("missing"));
    let failed = max.get("/files/tram/large.bin").header("Accept-Language", "fr").expect(500).await;
    assert!(failed.text().contains("numéro"), "{}", failed.text());
}
