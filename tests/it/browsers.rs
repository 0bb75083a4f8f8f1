//! What answers say to browsers, and what a page of another site cannot do in the name of who is logged in.

use beffroi::model::calendar::FeedDetail;
use beffroi::model::media_type::is_passive;
use beffroi::model::method::METHODS;

use super::kit::{Answer, World, event};
use super::retention::sql;
use super::versions::id;

/// Not run by a browser, whatever it is.
fn harmless(answer: &Answer) -> bool {
    let kind = answer.header("content-type").unwrap_or_default();
    let sandboxed = answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox"));
    answer.header("x-content-type-options") == Some("nosniff") && (sandboxed || is_passive(kind))
}

#[tokio::test]
async fn documents_have_one_type_and_run_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    let script = "<script>fetch('/files/')</script>";
    for (given, sent) in [
        ("image/png, text/html", "image/png"),
        ("video/x, text/html;charset=utf-8", "image/png"),
        ("nonsense", "image/png"),
        ("*/*", "image/png"),
        ("multipart/form-data; boundary=x", "image/png"),
        ("audio/x+xml", "audio/x+xml"),
        ("application/pdf+xml", "application/pdf+xml"),
        ("Text/HTML; Charset=UTF-7; x=y", "text/html"),
        ("TEXT/plain;charset=\"UTF-8\"", "text/plain; charset=utf-8"),
        ("image/svg+xml", "image/svg+xml"),
    ] {
        max.put("/files/tram/x.png", script).header("Content-Type", given).send().await;
        let got = max.get("/files/tram/x.png").expect(200).await;
        assert_eq!(got.header("content-type"), Some(sent), "{given}");
        assert!(harmless(&got), "{given}: {:?}", got.headers);
        let listed = max.propfind("/files/tram/x.png", "0", "<D:getcontenttype/>").expect(207).await;
        assert_eq!(listed.value("getcontenttype"), sent);
    }
}

#[tokio::test]
async fn what_was_stored_before_types_were_judged_is_harmless_everywhere() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    max.put("/files/tram/x.png", "one").expect(201).await;
    lea.put("/files/tram/x.png", "<script>two</script>").expect(204).await;
    max.put("/files/tram/gone.png", "<script>three</script>").expect(201).await;
    max.delete("/files/tram/gone.png").expect(204).await;
    let number = id(&max, "/files/tram/x.png").await.rsplit(':').next().unwrap().to_owned();
    let kind = "image/png, text/html";
    sql(&world, &format!("UPDATE node SET content_type = '{kind}' WHERE content_type IS NOT NULL")).await;
    sql(&world, &format!("UPDATE past SET content_type = '{kind}' WHERE content_type IS NOT NULL")).await;
    let versions = max.propfind("/history/tram/x.png/", "1", "<D:getetag/>").expect(207).await.hrefs();
    let mut paths =
        vec!["/files/tram/x.png".to_owned(), "/trash/tram/gone.png".into(), format!("/versions/{number}/1")];
    paths.extend(versions.into_iter().skip(1));
    assert_eq!(paths.len(), 5);
    for path in paths {
        for range in ["bytes=0-", "bytes=0-1", "bytes=0-0,2-2"] {
            let got = max.get(&path).header("Range", range).expect(206).await;
            assert!(harmless(&got), "{path} {range}: {:?}", got.headers);
            assert!(!got.text().contains(kind) && got.header("content-type") != Some(kind), "{path} {range}");
        }
        let got = max.get(&path).expect(200).await;
        // The name of a version by its number says nothing.
        let sent = if path.starts_with("/versions/") { "application/octet-stream" } else { "image/png" };
        assert_eq!(got.header("content-type"), Some(sent), "{path}");
        assert!(harmless(&got) && harmless(&max.head(&path).expect(200).await), "{path}");
    }
}

#[tokio::test]
async fn every_answer_says_what_may_be_done_with_it() {
    let world = World::with(|config| config.server.public_url = Some("https://beffroi.example".to_owned())).await;
    let max = world.client("max");
    let (secret, name) = world.tree.add_feed("max", "/calendars/tram/meetings", FeedDetail::Full, None).await.unwrap();
    let etag = max.put("/files/tram/a.html", "x").expect(201).await.header("etag").unwrap().to_owned();
    let answers = [
        max.get("/files/tram/a.html").expect(200).await,
        max.get("/files/tram/a.html").header("If-None-Match", &etag).expect(304).await,
        max.get("/files/tram/none").expect(404).await,
        max.get("/files/tram/").expect(200).await,
        max.propfind("/files/tram/", "1", "").expect(207).await,
        max.ask("BREW", "/").expect(501).await,
        world.nobody().get("/files/").expect(401).await,
        world.nobody().get(&format!("/feeds/{secret}/{name}.ics")).expect(200).await,
        world.nobody().get("/health").expect(200).await,
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{:?}", answer.headers);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
        let policy = answer.header("content-security-policy").is_some();
        assert_eq!(policy, answer.header("content-type").is_some(), "{:?}", answer.headers);
    }
    // Who is reached in the clear may be reached so tomorrow.
    let plain = World::new().await;
    assert!(plain.nobody().get("/health").expect(200).await.header("strict-transport-security").is_none());
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything() {
    let world = World::with(|config| config.server.public_url = Some("https://beffroi.example".to_owned())).await;
    let max = world.client("max");
    max.put("/files/tram/a", "one").expect(201).await;
    let own = format!("http://{}", world.address);
    for (method, name) in METHODS {
        for (header, value) in [
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Origin", "http://beffroi.example.evil.example"),
            ("Sec-Fetch-Site", "cross-site"),
        ] {
            let ask = max.ask(name, "/files/tram/a").header(header, value).header("Destination", "/files/tram/b");
            let answer = ask.body("two").send().await;
            let refused = answer.status == 403 && (name == "HEAD" || answer.text().contains("own-origin"));
            assert_eq!(refused, method.writes(), "{name} {header}: {value}: {}", answer.status);
        }
    }
    assert_eq!(max.get("/files/tram/a").expect(200).await.text(), "one");
    max.get("/files/tram/b").expect(404).await;
    for origin in [own.as_str(), "https://beffroi.example", "https://BEFFROI.example:443"] {
        let ask = max.put("/files/tram/a", "two").header("Origin", origin).header("Sec-Fetch-Site", "same-origin");
        ask.expect(204).await;
    }
}

#[tokio::test]
async fn a_member_is_posted_by_programs_only() {
    let world = World::new().await;
    let max = world.client("max");
    let calendar = "/calendars/max/personal/";
    for kind in [
        None,
        Some("text/plain"),
        Some("text/plain; text/calendar"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some(""),
    ] {
        let ask = max.ask("POST", calendar).body(&event("a", "20260614"));
        let ask = match kind {
            Some(kind) => ask.header("Content-Type", kind),
            None => ask,
        };
        let refused = ask.expect(403).await;
        assert!(refused.text().contains("supported-calendar-data"), "{kind:?}");
    }
    let foreign = max.ask("POST", calendar).header("Origin", "https://evil.example");
    foreign.header("Content-Type", "text/calendar").body(&event("a", "20260614")).expect(403).await;
    assert_eq!(max.propfind(calendar, "1", "<D:getetag/>").expect(207).await.hrefs().len(), 1);
    for (kind, uid) in [("text/calendar", "a"), ("Text/Calendar; charset=utf-8", "b")] {
        max.ask("POST", calendar).header("Content-Type", kind).body(&event(uid, "20260614")).expect(201).await;
    }
}
