//! PROPFIND and PROPPATCH, RFC 4918 sections 9.1 and 9.2; quota, privileges, preferences.

use beffroi::model::method::Method;
use beffroi::model::name::QName;
use beffroi::model::node::NODE_BYTES;
use beffroi::model::path::Path;
use beffroi::tree::Snapshot;
use beffroi::tree::gate::{Admitted, Request};
use beffroi::tree::resource::Needs;
use beffroi::tree::walk::{Cursor, Selection};

use super::kit::{Client, World};
use super::versions::id;

#[tokio::test]
async fn what_clients_ask_of_a_document_and_a_folder() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.pdf", "12345").expect(201).await;
    let all = max.ask("PROPFIND", "/files/tram/a.pdf").header("Depth", "0").expect(207).await;
    assert_eq!(all.header("content-type"), Some("application/xml; charset=utf-8"));
    assert!(all.header("dav").unwrap().starts_with("1,"));
    assert!(all.text().starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
    for (property, value) in [
        ("getcontentlength", "5"),
        ("getcontenttype", "application/pdf"),
        ("displayname", "a.pdf"),
        ("resourcetype", ""),
    ] {
        assert_eq!(all.value(property), value);
    }
    assert_eq!(all.value("getetag"), max.head("/files/tram/a.pdf").expect(200).await.header("etag").unwrap());
    assert!(all.value("creationdate").ends_with('Z') && all.value("getlastmodified").ends_with("GMT"));
    for absent in ["quota-used-bytes", "current-user-privilege-set", "owner"] {
        assert!(all.property(absent).is_none(), "{absent}");
    }
    let folder =
        max.propfind("/files/tram", "0", "<D:resourcetype/><D:getetag/><D:getcontentlength/>").expect(207).await;
    assert_eq!(folder.hrefs(), ["/files/tram/"]);
    assert!(folder.property("resourcetype").unwrap().dav("collection").is_some());
    assert!(folder.text().contains("<D:getetag/><D:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found"));
    let names = max
        .ask("PROPFIND", "/files/tram/a.pdf")
        .header("Depth", "0")
        .body("<propfind xmlns=\"DAV:\"><propname/></propfind>")
        .expect(207)
        .await;
    assert!(names.property("getetag").is_some() && names.value("getetag").is_empty());
}

#[tokio::test]
async fn every_ancestor_answers() {
    let world = World::new().await;
    let max = world.client("max");
    for path in ["/", "/files", "/files/", "/files/tram", "/principals/", "/principals/max/"] {
        let found = max
            .propfind(path, "0", "<D:resourcetype/><D:current-user-principal/><D:getlastmodified/>")
            .expect(207)
            .await;
        assert!(found.property("resourcetype").unwrap().dav("collection").is_some(), "{path}");
        let principal = found.property("current-user-principal").unwrap().dav("href").unwrap().text();
        assert_eq!(principal, "/principals/max/");
        assert!(found.hrefs()[0].ends_with('/'));
        assert!(max.options(path).expect(200).await.header("dav").unwrap().starts_with("1, 2, 3"));
    }
    assert_eq!(
        max.propfind("/", "1", "<D:resourcetype/>").expect(207).await.hrefs(),
        ["/", "/files/", "/history/", "/trash/", "/principals/", "/calendars/"]
    );
    let homes = max.propfind("/files/", "1", "<D:displayname/>").expect(207).await.hrefs();
    assert_eq!(homes, ["/files/", "/files/max/", "/files/tram/"]);
    let refused = max.ask("PROPFIND", "/files/tram/").header("Depth", "infinity").expect(403).await;
    assert!(refused.text().contains("<D:propfind-finite-depth/>"));
}

#[tokio::test]
async fn options_everywhere() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    for (path, allowed) in [
        ("/files/tram/a", "PUT"),
        ("/files/tram/a", "LOCK"),
        ("/files/tram/unmapped", "PUT"),
        ("/files/tram/unmapped", "LOCK"),
        ("/files/tram/", "LOCK"),
        ("/files/", "PROPFIND"),
        ("/files/nobody/x/y", "OPTIONS"),
    ] {
        let answer = max.options(path).expect(200).await;
        assert!(answer.header("allow").unwrap().contains(allowed), "{path}: {:?}", answer.header("allow"));
        assert_eq!(answer.header("ms-author-via"), Some("DAV"));
        assert_eq!(answer.header("content-length"), Some("0"));
    }
}

#[tokio::test]
async fn dead_properties_of_any_xml() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    let value = "<x:k xmlns:x=\"urn:x\" xml:lang=\"fr\" a=\"1\">t&amp;<y:z xmlns:y=\"urn:y\"><w/></y:z></x:k>";
    let set = format!("<D:set><D:prop>{value}</D:prop></D:set>");
    let answer = max.proppatch("/files/tram/a", &set).expect(207).await;
    assert!(answer.text().contains("<x:k xmlns:x=\"urn:x\"/></D:prop><D:status>HTTP/1.1 200 OK"), "{}", answer.text());
    let all = max.ask("PROPFIND", "/files/tram/a").header("Depth", "0").expect(207).await;
    assert!(all.text().contains(value), "{}", all.text());
    let members = max.propfind("/files/tram/", "1", "<k xmlns=\"urn:x\"/>").expect(207).await;
    assert!(members.text().contains(value));
    // All or none.
    let refused = max
        .proppatch(
            "/files/tram/a",
            "<D:remove><D:prop><k xmlns=\"urn:x\"/></D:prop></D:remove><D:set><D:prop><D:getetag>x\
                    </D:getetag></D:prop></D:set>",
        )
        .expect(207)
        .await;
    assert!(
        refused.text().contains("424 Failed Dependency") && refused.text().contains("cannot-modify-protected-property")
    );
    assert!(max.propfind("/files/tram/a", "0", "<k xmlns=\"urn:x\"/>").expect(207).await.property("k").is_some());
    // What others would take for the server's word is not set, though this server has no such property; it may be
    // removed.
    for name in ["max-date-time", "max-instances", "managed-attachments-server-URL"] {
        let name = format!("<k:{name} xmlns:k=\"urn:ietf:params:xml:ns:caldav\"/>");
        let reported =
            max.proppatch("/files/tram/a", &format!("<D:set><D:prop>{name}</D:prop></D:set>")).expect(207).await;
        assert!(reported.text().contains("cannot-modify-protected-property"), "{}", reported.text());
        let reported =
            max.proppatch("/files/tram/a", &format!("<D:remove><D:prop>{name}</D:prop></D:remove>")).expect(207).await;
        assert!(reported.text().contains("HTTP/1.1 200 OK"), "{}", reported.text());
    }
    // Removing what is not there succeeds; instructions count in order.
    let order = "<D:set><D:prop><k xmlns=\"urn:x\">1</k></D:prop></D:set><D:remove><D:prop><k xmlns=\"urn:x\"/><n/>\
                 </D:prop></D:remove>";
    max.proppatch("/files/tram/a", order).expect(207).await;
    assert!(max.propfind("/files/tram/a", "0", "<k xmlns=\"urn:x\"/>").expect(207).await.property("k").is_none());
    max.proppatch("/files/tram/a", "<D:set><D:prop>").expect(400).await;
    let huge = format!("<D:set><D:prop><k xmlns=\"u\">{}</k></D:prop></D:set>", "x".repeat(1_100_000));
    let refused = max.proppatch("/files/tram/a", &huge).expect(207).await;
    assert!(refused.text().contains(" 507 "));
    assert!(max.propfind("/files/tram/a", "0", "<k xmlns=\"u\"/>").expect(207).await.property("k").is_none());
}

#[tokio::test]
async fn windows_times_are_kept_and_heeded() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    let set = |time: &str| {
        format!(
            "<D:set><D:prop><Z:Win32LastModifiedTime xmlns:Z=\"urn:schemas-microsoft-com:\">{time}\
             </Z:Win32LastModifiedTime></D:prop></D:set>"
        )
    };
    max.proppatch("/files/tram/a", &set("Sun, 06 Nov 1994 08:49:37 GMT")).expect(207).await;
    let all = max.ask("PROPFIND", "/files/tram/a").header("Depth", "0").expect(207).await;
    assert_eq!(all.value("getlastmodified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(all.value("Win32LastModifiedTime"), "Sun, 06 Nov 1994 08:49:37 GMT");
    let bad = max.proppatch("/files/tram/a", &set("yesterday")).expect(207).await;
    assert!(bad.text().contains("409 Conflict"), "{}", bad.text());
    let put = max.put("/files/tram/a", "y").header("X-OC-Mtime", "784111777").expect(204).await;
    assert_eq!(put.header("x-oc-mtime"), Some("accepted"));
    assert_eq!(put.header("last-modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
}

/// What PROPFIND returns of the modification time: the standard's property, and that of Windows where there is one.
async fn times(client: &Client, path: &str) -> (String, Option<String>) {
    let named = client
        .propfind(path, "0", "<D:getlastmodified/><Win32LastModifiedTime xmlns=\"urn:schemas-microsoft-com:\"/>")
        .expect(207)
        .await;
    let found = (named.value("getlastmodified"), named.property("Win32LastModifiedTime").map(|found| found.text()));
    // However it is asked, the answer is the same.
    let all = client.ask("PROPFIND", path).header("Depth", "0").expect(207).await;
    assert_eq!(all.property("Win32LastModifiedTime").map(|found| found.text()), found.1, "{path}");
    let body = "<propfind xmlns=\"DAV:\"><propname/></propfind>";
    let names = client.ask("PROPFIND", path).header("Depth", "0").body(body).expect(207).await;
    assert_eq!(names.property("Win32LastModifiedTime").is_some(), found.1.is_some(), "{path}");
    let alone = client.propfind(path, "0", "<Win32LastModifiedTime xmlns=\"urn:schemas-microsoft-com:\"/>").expect(207);
    assert_eq!(alone.await.property("Win32LastModifiedTime").map(|found| found.text()), found.1, "{path}");
    found
}

fn windows(property: &str, value: &str) -> String {
    format!(
        "<D:set><D:prop><Z:{property} xmlns:Z=\"urn:schemas-microsoft-com:\">{value}</Z:{property}></D:prop></D:set>"
    )
}

const OLD: &str = "Tue, 03 Mar 2015 09:15:00 GMT";

#[tokio::test]
async fn what_windows_says_of_the_modification_time_is_that_time() {
    let at = |name: &str| format!("/files/tram/{name}");
    for how in [
        "PUT",
        "PUT of the same bytes",
        "PUT with a time",
        "PROPPATCH",
        "COPY over",
        "MOVE over",
        "DELETE and PUT",
        "set aside and PUT",
        "a version copied back",
        "UPDATE",
        "a member more",
    ] {
        let world = World::new().await;
        let (max, mia) = (world.client("max"), world.client("mia"));
        let path = &at(if how == "a member more" { "folder" } else { "a.docx" });
        max.put(&at("other.docx"), "other").expect(201).await;
        if how == "a member more" {
            let inner = format!("{path}/inner");
            max.mkcol(path).expect(201).await;
            max.mkcol(&inner).expect(201).await;
            max.put(&format!("{inner}/c"), "c").expect(201).await;
            max.proppatch(&inner, &windows("Win32LastModifiedTime", OLD)).expect(207).await;
        } else {
            max.put(path, "zero").expect(201).await;
            max.put(path, "one").expect(204).await;
        }
        max.proppatch(path, &windows("Win32LastModifiedTime", OLD)).expect(207).await;
        assert_eq!(times(&max, path).await, (OLD.to_owned(), Some(OLD.to_owned())));
        let number = id(&max, path).await.rsplit(':').next().unwrap().to_owned();
        match how {
            "PUT" => drop(mia.put(path, "two").expect(204).await),
            "PUT of the same bytes" => drop(mia.put(path, "one").expect(204).await),
            "PUT with a time" => drop(mia.put(path, "two").header("X-OC-Mtime", "784111777").expect(204).await),
            "PROPPATCH" => {
                let set = "<D:set><D:prop><D:lastmodified>784111777</D:lastmodified></D:prop></D:set>";
                mia.proppatch(path, set).expect(207).await;
            }
            "COPY over" => drop(mia.copy(&at("other.docx"), path).expect(204).await),
            "MOVE over" => drop(mia.relocate(&at("other.docx"), path).expect(204).await),
            "DELETE and PUT" => {
                max.delete(path).expect(204).await;
                max.put(path, "two").expect(201).await;
            }
            "set aside and PUT" => {
                max.relocate(path, &format!("{path}~")).expect(201).await;
                max.put(path, "two").expect(201).await;
                let aside = times(&max, &format!("{path}~")).await;
                assert_eq!(aside, (OLD.to_owned(), Some(OLD.to_owned())));
            }
            "a version copied back" => drop(mia.copy(&format!("/versions/{number}/1"), path).expect(204).await),
            "UPDATE" => {
                let update = format!(
                    "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/versions/{number}/1</D:href></D:version></D:update>"
                );
                mia.ask("UPDATE", path).body(&update).expect(207).await;
            }
            "a member more" => drop(mia.put(&format!("{path}/b"), "b").expect(201).await),
            other => panic!("{other}"),
        }
        let (standard, microsoft) = times(&max, path).await;
        assert_ne!(standard, OLD, "{how}");
        assert_eq!(microsoft, None, "{how}");
        // And on a copy, which has the time of what it is a copy of.
        max.proppatch(path, &windows("Win32LastModifiedTime", OLD)).expect(207).await;
        let (copy, moved, out) = (&at("copy"), &at("moved"), &"/files/max/moved".to_owned());
        max.copy(path, copy).expect(201).await;
        max.relocate(path, moved).expect(201).await;
        let everywhere = (OLD.to_owned(), Some(OLD.to_owned()));
        assert_eq!(
            (times(&max, copy).await, times(&max, moved).await),
            (everywhere.clone(), everywhere.clone()),
            "{how}"
        );
        max.relocate(moved, out).expect(201).await;
        assert_eq!(times(&max, out).await, everywhere, "{how}");
        if how == "a member more" {
            for folder in [copy, out] {
                assert_eq!(times(&max, &format!("{folder}/inner")).await, everywhere, "{folder}");
            }
        }
        world.sound().await;
    }
}

#[tokio::test]
async fn dates_that_http_cannot_express_are_kept_and_clamped() {
    let world = World::new().await;
    let max = world.client("max");
    let (first, last) = ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT");
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/a", "x").expect(201).await;
    for path in ["/files/tram/a", "/files/tram/d/", "/files/tram/"] {
        for (date, reported) in [
            ("Mon, 01 Jan 1601 00:00:00 GMT", first),
            ("Wed, 31 Dec 1969 23:00:00 GMT", first),
            (OLD, OLD),
            ("Sat, 01 Jan 10000 00:00:00 GMT", last),
            ("Thu, 14 Sep 30828 02:48:05 GMT", last),
        ] {
            for property in ["Win32CreationTime", "Win32LastAccessTime", "Win32LastModifiedTime"] {
                let answer = max.proppatch(path, &windows(property, date)).expect(207).await;
                assert_eq!(answer.statuses()[0].1, 200, "{path} {property} {date}");
                let all = max.ask("PROPFIND", path).header("Depth", "0").expect(207).await;
                assert_eq!(all.value(property), date, "{path}");
            }
            assert_eq!(times(&max, path).await, (reported.to_owned(), Some(date.to_owned())), "{path}");
        }
    }
    max.put("/files/tram/b", "x").expect(201).await;
    for (seconds, reported) in [
        ("-1", first),
        ("-99999999999999999999999", first),
        ("253402300800", last),
        ("9223372036854775807", last),
        ("99999999999999999999999.5", last),
    ] {
        let put = max.put("/files/tram/b", "x").header("X-OC-Mtime", seconds).expect(204).await;
        assert_eq!(
            (put.header("last-modified"), put.header("x-oc-mtime")),
            (Some(reported), Some("accepted")),
            "{seconds}"
        );
        assert_eq!(max.head("/files/tram/b").expect(200).await.header("last-modified"), Some(reported), "{seconds}");
        max.put("/files/tram/b", "x").header("X-OC-Mtime", "784111777").expect(204).await;
        let set = format!("<D:set><D:prop><D:lastmodified>{seconds}</D:lastmodified></D:prop></D:set>");
        assert_eq!(max.proppatch("/files/tram/b", &set).expect(207).await.statuses()[0].1, 200, "{seconds}");
        assert_eq!(times(&max, "/files/tram/b").await, (reported.to_owned(), None), "{seconds}");
    }
    let set = format!("<D:set><D:prop><D:lastmodified>{OLD}</D:lastmodified></D:prop></D:set>");
    max.proppatch("/files/tram/b", &set).expect(207).await;
    assert_eq!(times(&max, "/files/tram/b").await.0, OLD);
}

#[tokio::test]
async fn quota_is_counted_shown_and_kept() {
    let world = World::new().await;
    // Two calendars and an inbox are there from the beginning.
    let quota_bytes = 1000 + 5 * NODE_BYTES;
    world.tree.add_project("small", "Small", Some(quota_bytes)).await.unwrap();
    world.tree.add_member("small", "max", beffroi::model::privilege::Role::Member, None).await.unwrap();
    let max = world.client("max");
    let quota = async |path: &str| {
        let found = max.propfind(path, "0", "<D:quota-available-bytes/><D:quota-used-bytes/>").expect(207).await;
        (found.value("quota-used-bytes"), found.value("quota-available-bytes"))
    };
    max.mkcol("/files/small/d").expect(201).await;
    max.put("/files/small/d/a", &"x".repeat(600)).expect(201).await;
    let reported = ((600 + 5 * NODE_BYTES).to_string(), "400".to_owned());
    assert_eq!(quota("/files/small/").await, reported);
    assert_eq!(quota("/files/small/d/").await, reported);
    let refused = max.put("/files/small/b", &"x".repeat(401)).expect(507).await;
    assert!(refused.text().contains("<D:quota-not-exceeded/>"));
    max.copy("/files/small/d", "/files/small/e").expect(507).await;
    // What is overwritten stays as a version.
    max.put("/files/small/d/a", &"x".repeat(400)).expect(507).await;
    assert_eq!(max.get("/files/small/d/a").expect(200).await.body.len(), 600);
    max.put("/files/max/big", &"x".repeat(2000)).expect(201).await;
    max.relocate("/files/max/big", "/files/small/big").expect(507).await;
    assert_eq!(quota("/files/max/").await.0, "2000");
    world.sound().await;
}

#[tokio::test]
async fn privileges_are_spelled_out() {
    let world = World::new().await;
    world.client("max").put("/files/tram/a", "x").expect(201).await;
    let allow = async |who: &str, path: &str| {
        world.client(who).options(path).expect(200).await.header("allow").unwrap().to_owned()
    };
    assert_eq!(allow("rita", "/files/tram/a").await, "OPTIONS, GET, HEAD, COPY, PROPFIND, UNLOCK, REPORT");
    assert_eq!(allow("rita", "/files/tram/unmapped").await, "OPTIONS, UNLOCK");
    assert!(allow("max", "/files/tram/a").await.contains("PUT, DELETE"));
    for path in ["/", "/files/"] {
        let found = world.client("max").propfind(path, "0", "<D:quota-available-bytes/>").expect(207).await;
        assert!(found.value("quota-available-bytes").parse::<i64>().unwrap() > 0);
    }
    let held = async |who: &str| {
        let found =
            world.client(who).propfind("/files/tram/", "0", "<D:current-user-privilege-set/>").expect(207).await;
        let set = found.property("current-user-privilege-set").unwrap();
        set.elements().map(|p| p.elements().next().unwrap().name.local.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(held("rita").await, "read read-free-busy read-current-user-privilege-set");
    assert_eq!(
        held("max").await,
        "read read-free-busy read-current-user-privilege-set write write-content write-properties bind unbind"
    );
    assert!(held("lea").await.starts_with("all read ") && held("lea").await.ends_with("unlock read-acl write-acl"));
    let supported =
        world.client("max").propfind("/files/tram/", "0", "<D:supported-privilege-set/><D:owner/>").expect(207).await;
    assert_eq!(supported.property("owner").unwrap().dav("href").unwrap().text(), "/principals/tram/");
    let all = supported.property("supported-privilege-set").unwrap();
    assert_eq!(all.elements().next().unwrap().elements().filter(|e| e.name.is_dav("supported-privilege")).count(), 5);
}

#[tokio::test]
async fn preferences_leave_out_what_is_missing() {
    let world = World::new().await;
    let max = world.client("max");
    for (name, value) in [("Prefer", "return=minimal"), ("Brief", "t"), ("Prefer", "return-minimal")] {
        let found = max.propfind("/files/tram/", "0", "<D:getetag/><D:none/>").header(name, value).expect(207).await;
        assert!(!found.text().contains(" 404 ") && found.text().contains("<D:propstat>"), "{}", found.text());
        assert_eq!(found.header("preference-applied"), Some("return=minimal"));
        assert_eq!(found.header("vary"), Some("Brief, Prefer"));
    }
    let set = "<D:set><D:prop><k xmlns=\"u\">v</k></D:prop></D:set>";
    max.proppatch("/files/tram/", set).header("Prefer", "return=minimal").expect(200).await;
}

#[tokio::test]
async fn of_dead_properties_only_those_asked_for_are_read_and_a_page_is_bounded() {
    const EACH: usize = 1000 * 1024;
    const MEMBERS: usize = 12;
    let world = World::new().await;
    let max = world.client("max");
    let set = |name: &str, value: &str| {
        format!("<D:set><D:prop><x:{name} xmlns:x=\"urn:x\">{value}</x:{name}></D:prop></D:set>")
    };
    for place in ["/files/tram/d", "/calendars/tram/meetings"] {
        if place.starts_with("/files") {
            max.mkcol(place).expect(201).await;
        }
        for number in 0..MEMBERS {
            let path = format!("{place}/{number:02}");
            let event = super::kit::event(&format!("u{number}"), "20260614");
            max.put(&path, &event).header("Content-Type", "text/calendar").expect(201).await;
            max.proppatch(&path, &set("small", &format!("s{number}"))).expect(207).await;
            max.proppatch(&path, &set("large", &"a".repeat(EACH))).expect(207).await;
        }
        // Each member is listed once, in order, whatever its properties weigh.
        for (props, least) in [("<x:small xmlns:x=\"urn:x\"/>", 0), ("<x:large xmlns:x=\"urn:x\"/>", EACH), ("", EACH)]
        {
            for _ in 0..2 {
                let answer = max.propfind(&format!("{place}/"), "1", props).expect(207).await;
                let hrefs: Vec<String> = hrefs(&answer).into_iter().skip(1).collect();
                let expected: Vec<String> = (0..MEMBERS).map(|number| format!("{place}/{number:02}")).collect();
                assert_eq!(hrefs, expected);
                assert!(answer.body.len() >= MEMBERS * least && answer.body.len() < MEMBERS * (least + 4096));
            }
        }
    }
    let mut admitted = members(&world, "/files/tram/d/", Selection::default()).await;
    let page = admitted.members(&Cursor::default(), ALL).await.unwrap();
    assert!((1..=5).contains(&page.resources.len()) && page.next.is_some());
    let small = Selection::of(&[QName::of("urn:x", "small")]);
    let mut admitted = members(&world, "/files/tram/d/", small).await;
    let page = admitted.members(&Cursor::default(), ALL).await.unwrap();
    assert!(
        page.next.is_none()
            && page.resources.iter().all(|resource| resource.dead.len() == 1 && resource.dead_bytes() < 100)
    );
    // A synchronization ends early, and goes on where it ended.
    let report = |token: &str| {
        let body = format!(
            "<D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>\
             <D:prop><x:large xmlns:x=\"urn:x\"/></D:prop></D:sync-collection>"
        );
        max.report_at("/files/tram/d/").body(&body)
    };
    let first = report("").expect(207).await;
    assert!(first.text().contains("number-of-matches-within-limits") && first.body.len() < 10 * EACH);
    let token = first.text().split_once("<D:sync-token>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let second = report(&token).expect(207).await;
    assert_eq!(hrefs(&first).len() - 1 + hrefs(&second).len(), MEMBERS);
    // A query goes on; what is asked for by name is refused where it is too much.
    let query = "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><x:small \
                 xmlns:x=\"urn:x\"/>\
                 </D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";
    let found = max.report_at("/calendars/tram/meetings/").header("Depth", "1").body(query).expect(207).await;
    assert_eq!(found.hrefs().len(), MEMBERS);
    let large = max.report_at("/calendars/tram/meetings/").header("Depth", "1").body(&query.replace("small", "large"));
    assert_eq!(hrefs(&large.expect(207).await).len(), MEMBERS);
    world.sound().await;
}

/// Addresses of an answer that is larger than any that is read.
fn hrefs(answer: &super::kit::Answer) -> Vec<String> {
    let text = answer.text();
    text.split("<D:href>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
}

const ALL: Needs = Needs { dead: true, ..Needs::TAG };

async fn members(world: &World, path: &str, dead: Selection) -> Admitted<Snapshot> {
    let owner = world.tree.owner("tram").await.unwrap();
    let request = Request { dead, ..Request::of(Method::Propfind, Path::parse(path).unwrap(), owner) };
    world.tree.read(&request).await.unwrap()
}

#[tokio::test]
async fn expanding_many_versions_costs_what_one_request_may() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "0").expect(201).await;
    for version in 1..40 {
        max.put("/files/tram/a", &version.to_string()).expect(204).await;
    }
    let expand = |levels: usize| {
        let property = |inner: String, name: &str| format!("<D:property name=\"{name}\">{inner}</D:property>");
        let inner = (0..levels).fold(property(String::new(), "getetag"), |inner, level| {
            property(inner, if level % 2 == 0 { "version-set" } else { "version-history" })
        });
        format!("<D:expand-property xmlns:D=\"DAV:\">{}</D:expand-property>", property(inner, "version-history"))
    };
    let answer = max.report_at("/files/tram/a").body(&expand(1)).expect(207).await;
    assert_eq!(answer.text().matches("<D:getetag>").count(), 40);
    // Forty times forty versions, and forty times these.
    let begun = std::time::Instant::now();
    let answer = max.report_at("/files/tram/a").body(&expand(5)).send().await;
    assert!([207, 507].contains(&answer.status) && begun.elapsed().as_secs() < 60, "{}", answer.status);
    world.sound().await;
}

#[tokio::test]
async fn what_one_sets_for_oneself_is_bounded_by_itself() {
    use beffroi::model::privilege::Role;
    let world = World::new().await;
    let (lea, zoe, rita) = (world.client("lea"), world.client("zoe"), world.client("rita"));
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::Reader, None).await.unwrap();
    let set = |name: &str, bytes: usize| {
        format!("<D:set><D:prop><{name} xmlns=\"u\">{}</{name}></D:prop></D:set>", "x".repeat(bytes))
    };
    let link = |who: &str| format!("/calendars/{who}/meetings@tram/");
    let fits = async |client: &Client, path: &str, instructions: &str| {
        let answer = client.proppatch(path, instructions).expect(207).await;
        !answer.text().contains("size-of-properties-within-limits")
    };
    assert!(fits(&zoe, &link("zoe"), &set("a", 40_000)).await);
    assert!(!fits(&zoe, &link("zoe"), &set("b", 40_000)).await);
    // Neither another reader nor the calendar's own has less for it.
    assert!(fits(&rita, &link("rita"), &set("a", 40_000)).await);
    let own = "/calendars/tram/meetings/";
    assert!(fits(&lea, own, &set("a", 1_000_000)).await);
    assert!(!fits(&lea, own, &set("b", 100_000)).await);
    assert!(fits(&zoe, &link("zoe"), &set("b", 20_000)).await);
    world.sound().await;
}
