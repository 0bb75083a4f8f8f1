//! Addresses in answers: they begin with the address as it was asked, letter by letter (RFC 4918 section 8.3), for
//! clients compare them as text; what is not read from the request is spelled in the canonical way.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::model::version::stamp;

use super::kit::{Answer, Client, World, event};
use super::versions::id;

/// One folder in the spellings of one path: as it is requested, and as it is answered where that differs.
const SPELLINGS: [(&str, &str); 9] = [
    ("/files/tram/L'%C3%A9quipe+1%20(2026)%20&%20Co", ""),
    ("/files/TRAM/l'%C3%89QUIPE+1%20(2026)%20&%20cO", ""),
    ("/files/tram/L'e%CC%81quipe+1%20(2026)%20&%20Co", ""),
    ("/files/tram/L%27%c3%a9quipe%2b1%20%282026%29%20%26%20Co", ""),
    ("/%66iles/tr%61m/%4C'%C3%A9quipe+1%20(2026)%20%26%20Co", ""),
    ("/files//tram//L'%C3%A9quipe+1%20(2026)%20&%20Co", ""),
    ("//files/tram/L'%C3%A9quipe+1%20(2026)%20&%20Co", "/files/tram/L'%C3%A9quipe+1%20(2026)%20&%20Co"),
    ("/files/tram/L'équipe+1%20(2026)%20&%20Co", "/files/tram/L'%C3%A9quipe+1%20(2026)%20&%20Co"),
    ("/files/TRAM/L'E\u{301}QUIPE+1%20(2026)%20&%20Co", "/files/TRAM/L'E%CC%81QUIPE+1%20(2026)%20&%20Co"),
];

/// Every address in an answer.
fn every(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    let found = text.split("<D:href>").skip(1).filter_map(|rest| rest.split_once("</D:href>"));
    found.map(|(href, _)| href.replace("&amp;", "&")).collect()
}

/// Each address of an answer begins as it was asked; the answer names so many.
#[track_caller]
fn begin(what: &str, answered: &str, hrefs: &[String], count: usize) {
    assert_eq!(hrefs.len(), count, "{what} {answered}: {hrefs:?}");
    let begin = hrefs.iter().all(|href| href.strip_prefix(answered).is_some_and(|rest| !rest.starts_with("//")));
    assert!(begin, "{what} {answered}: {hrefs:?}");
}

async fn token(client: &Client, path: &str) -> String {
    client.propfind(path, "0", "<D:sync-token/>").expect(207).await.value("sync-token")
}

#[tokio::test]
async fn every_answer_begins_with_the_address_that_was_asked() {
    let world = World::new().await;
    let (max, rita) = (world.client("max"), world.client("rita"));
    max.mkcol(SPELLINGS[0].0).expect(201).await;
    max.mkcol(&format!("{}/d", SPELLINGS[0].0)).expect(201).await;
    for (round, (asked, answered)) in SPELLINGS.iter().enumerate() {
        let answered = if answered.is_empty() { asked } else { answered };
        let member = |name: &str| format!("{asked}/{name}");
        max.put(&member("f.txt"), &format!("{round}")).send().await;
        let before = token(&max, asked).await;
        max.put(&member("g"), "g").expect(201).await;
        max.delete(&member("g")).expect(204).await;
        for slash in ["", "/"] {
            let folder = format!("{asked}{slash}");
            let collection = format!("{answered}/");
            let begins = |what: &str, answer: &Answer, count| begin(what, &collection, &every(answer), count);
            let listed = |depth: &'static str| max.propfind(&folder, depth, "<D:getetag/>").expect(207);
            let own = listed("0").await;
            assert_eq!(own.hrefs(), [collection.as_str()]);
            let members = listed("1").await;
            begins("PROPFIND", &members, 3);
            assert_eq!(members.hrefs()[0], collection);
            begins("sync", &max.sync(&folder, "", "1", "").expect(207).await, 2);
            begins("deep sync", &max.sync(&folder, "", "infinite", "").expect(207).await, 2);
            let gone = max.sync(&folder, &before, "1", "").expect(207).await;
            assert!(gone.statuses().contains(&(format!("{answered}/g"), 404)), "{}", gone.text());
            let cut = "<D:limit><D:nresults>1</D:nresults></D:limit>";
            begins("a cut sync", &max.sync(&folder, "", "1", cut).expect(207).await, 2);
            let expand = "<D:expand-property xmlns:D=\"DAV:\"><D:property name=\"resourcetype\"/></D:expand-property>";
            begins("expand-property", &max.report_at(&folder).body(expand).expect(207).await, 1);
            let set = "<D:set><D:prop><x xmlns=\"urn:x\">1</x></D:prop></D:set>";
            begins("PROPPATCH", &max.proppatch(&folder, set).expect(207).await, 1);
            let bad = "<D:set><D:prop><D:getetag>1</D:getetag></D:prop></D:set>";
            begins("a refused PROPPATCH", &max.proppatch(&folder, bad).expect(207).await, 1);
            begins("need-privileges", &rita.put(&member("n"), "n").expect(403).await, 1);
            begins("parent missing", &max.put(&member("n/n/n"), "n").expect(409).await, 1);
            // The listing for browsers: a link to each member, and to the folder above.
            let page = max.get(&folder).expect(200).await.text();
            let links: Vec<&str> =
                page.split("<a href=\"").skip(1).map(|link| link.split_once('"').unwrap().0).collect();
            let above = collection.trim_end_matches('/').rsplit_once('/').unwrap().0;
            assert_eq!(links[0].trim_end_matches('/'), above.trim_end_matches('/'));
            assert!(links[1..].iter().all(|link| link.replace("&amp;", "&").starts_with(&collection)), "{links:?}");
            // A lock's root is given by the address of the request, also to those who are kept out by it.
            let lock = max.lock(&folder, "exclusive", "infinity").expect(200).await;
            let token = lock.header("lock-token").unwrap().trim_matches(['<', '>']).to_owned();
            let roots = |answer: &Answer| -> Vec<String> {
                let roots = every(answer).into_iter().filter(|href| !href.starts_with("urn:"));
                roots.collect()
            };
            begin("LOCK", &collection, &roots(&lock), 1);
            let refreshed = max.ask("LOCK", &member("f.txt")).token(&token).expect(200).await;
            begin("a refresh", &collection, &roots(&refreshed), 1);
            let locked = max.propfind(&folder, "1", "<D:lockdiscovery/>").expect(207).await;
            begin("lockdiscovery", &collection, &roots(&locked), 6);
            begins("a lock in the way", &max.lock(&member("f.txt"), "exclusive", "0").expect(423).await, 1);
            begins("no token", &max.put(&member("f.txt"), "n").expect(423).await, 1);
            begins("no token", &max.delete(&folder).expect(423).await, 1);
            // Tags of `If`, in any spelling, are compared by resource.
            for (tagged, _) in &SPELLINGS[..5] {
                let shown = format!("<http://{}{tagged}/> (<{token}>)", max.address);
                max.put(&member("f.txt"), *tagged).header("If", &shown).expect(204).await;
            }
            max.unlock_at(&folder).header("Lock-Token", &token).expect(204).await;
        }
        // Documents: without a slash, whatever was asked.
        let document = format!("{answered}/F%2eTXT");
        for slash in ["", "/"] {
            let asked = format!("{asked}/F%2eTXT{slash}");
            assert_eq!(max.propfind(&asked, "1", "").expect(207).await.hrefs(), [document.as_str()]);
        }
        let version = max.propfind(&document, "0", "<D:checked-in/>").expect(207).await;
        let update = format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{}</D:href></D:version></D:update>", {
            version.property("checked-in").unwrap().dav("href").unwrap().text()
        });
        let updated = max.ask("UPDATE", &format!("{asked}/F%2eTXT")).body(&update).expect(207).await;
        assert_eq!(updated.hrefs(), [document.as_str()]);
        // What is made at a destination is named by the address that the client gave it.
        let copied = max.copy(&document, &format!("{asked}/%43opy")).expect(201).await;
        assert_eq!(copied.header("location"), Some(format!("{answered}/%43opy").as_str()));
        let moved = max.relocate(&format!("{asked}/copy"), &format!("{asked}/%4Doved")).expect(201).await;
        assert_eq!(moved.header("location"), Some(format!("{answered}/%4Doved").as_str()));
        max.delete(&format!("{asked}/moved")).expect(204).await;
    }
    world.sound().await;
}

#[tokio::test]
async fn views_of_the_past_and_principals_too() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/Plans").expect(201).await;
    max.put("/files/tram/Plans/a&b.txt", "1").expect(201).await;
    max.put("/files/tram/Plans/a&b.txt", "2").expect(204).await;
    for _ in 0..2 {
        max.copy("/files/tram/Plans", "/files/tram/Gone").expect(201).await;
        max.delete("/files/tram/Gone").expect(204).await;
    }
    let id = id(&max, "/files/tram/Plans/a&b.txt").await;
    let id = id.rsplit(':').next().unwrap().to_owned();
    let escaped = format!("%{:02x}{}", id.as_bytes()[0], &id[1..]);
    let day = stamp(now(), &jiff::tz::TimeZone::system()).split_once(' ').unwrap().0.to_owned();
    // `/versions/` is not listed.
    for (asked, members) in [
        ("/", 6),
        ("/%66iles/", 3),
        ("/files/TRAM/", 2),
        ("/history/TRAM/PLANS/", 2),
        ("/history/TRAM/PLANS/a%26b.TXT/", 3),
        (&format!("/history/TRAM/%40{day}/PLANS/"), 2),
        ("/trash/TRAM/", 3),
        ("/trash/TRAM/GONE/", 2),
        (&format!("/versions/{escaped}/"), 3),
        ("/%70rincipals/", 2),
        ("/principals/MAX/", 3),
        ("/calendars/", 2),
        ("/calendars/MAX/", 7),
    ] {
        let listed = max.propfind(asked, "1", "<D:displayname/>").expect(207).await.hrefs();
        begin("PROPFIND", asked, &listed, members);
        assert_eq!(listed[0], asked);
    }
    let tree = "<D:version-tree xmlns:D=\"DAV:\"><D:prop><D:version-name/></D:prop></D:version-tree>";
    let of_version = max.report_at(&format!("/versions/{escaped}/2")).body(tree).expect(207).await;
    begin("version-tree", &format!("/versions/{escaped}/"), &of_version.hrefs(), 2);
    let search = "<D:principal-property-search xmlns:D=\"DAV:\"><D:property-search><D:prop><D:displayname/></D:prop>\
                  <D:match>shown</D:match></D:property-search><D:prop><D:displayname/></D:prop>\
                  </D:principal-property-search>";
    let found = max.report_at("/%70rincipals/").body(search).expect(207).await;
    begin("principal-property-search", "/%70rincipals/", &found.hrefs(), 5);
    // What is not requested is spelled in the canonical way.
    let own = max.propfind("/principals/MAX/", "0", "<D:current-user-principal/><D:principal-URL/><D:owner/>");
    let own = every(&own.expect(207).await);
    assert!(own[1..].iter().all(|href| href == "/principals/max/"), "{own:?}");
    let restored = max.relocate("/trash/TRAM/GONE", "/files/TRAM/Back").expect(201).await;
    assert_eq!(restored.header("location"), Some("/files/TRAM/Back/"));
    let other = max.propfind("/trash/tram/", "1", "").expect(207).await.hrefs().pop().unwrap();
    let restored = max.relocate(&other, "/files/TRAM/BACK").expect(201).await;
    let beside = restored.header("location").unwrap();
    assert!(beside.starts_with("/files/TRAM/BACK%20"), "{beside}");
    max.propfind(beside, "0", "").expect(207).await;
}

#[tokio::test]
async fn calendars_and_those_of_others() {
    let world = World::new().await;
    let max = world.client("max");
    world.tree.add_member("tram", "zoe", Role::Member, None).await.unwrap();
    for name in ["a", "b&c"] {
        max.put(&format!("/calendars/tram/meetings/{name}.ics"), &event(name, "20260614")).expect(201).await;
    }
    let caldav = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
    for asked in [
        "/calendars/tram/meetings/",
        "/calendars/TRAM/Meetings/",
        "/calendars/MAX/meetings@tram/",
        "/calendars/max/MEETINGS%40Tram/",
        "/calendars//max/meetings@TRAM/",
    ] {
        let query = format!(
            "<C:calendar-query {caldav}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/>\
             </C:filter></C:calendar-query>"
        );
        let found = max.report_at(asked).header("Depth", "1").body(&query).expect(207).await;
        begin("calendar-query", asked, &found.hrefs(), 2);
        begin("PROPFIND", asked, &max.propfind(asked, "1", "").expect(207).await.hrefs(), 3);
        begin("sync-collection", asked, &max.sync(asked, "", "1", "").expect(207).await.hrefs(), 2);
        // A multiget is answered by the very addresses that it names, once each, whatever address it is asked of.
        let hrefs = [
            format!("{asked}a.ics"),
            format!("{asked}%61.ics"),
            format!("{asked}b%26c.ics"),
            format!("http://{}{asked}b&c.ics", max.address),
            format!("{asked}none&.ics"),
        ];
        let listed: String =
            hrefs.iter().map(|href| format!("<D:href>{}</D:href>", href.replace('&', "&amp;"))).collect();
        let multiget = format!(
            "<C:calendar-multiget {caldav}><D:prop><D:getetag/></D:prop>{listed}<D:href>\n {asked}a.ics \n</D:href>\
             </C:calendar-multiget>"
        );
        let found = max.report_at(asked).body(&multiget).expect(207).await;
        let mut expected: Vec<(String, u16)> = hrefs.iter().cloned().map(|href| (href, 200)).collect();
        expected[4].1 = 404;
        expected.sort();
        assert_eq!(found.statuses(), expected);
        let added = max.propfind(asked, "0", "<D:add-member/>").expect(207).await;
        assert!(every(&added).iter().all(|href| href == asked), "{}", added.text());
        let posted = max.ask("POST", asked).header("Content-Type", "text/calendar").body(&event("p", "20260615"));
        let posted = posted.expect(201).await;
        let location = posted.header("location").unwrap();
        assert!(location.starts_with(asked), "{location}");
        // The object that holds a UID is named beside the address that was asked.
        let taken = max.put(&format!("{asked}other.ics"), &event("a", "20260614")).expect(403).await;
        assert_eq!(every(&taken), [format!("{asked}a.ics")]);
        max.delete(location).expect(204).await;
    }
}

/// What stands in an address comes out as an address and as text: no markup, no control character, no other host.
#[tokio::test]
async fn an_address_brings_nothing_into_an_answer() {
    let world = World::new().await;
    let max = world.client("max");
    for (asked, answered) in [
        ("/files/tram/%26amp;lt;", "/files/tram/%26amp;lt;"),
        ("/files/tram/a&lt;b", "/files/tram/a&lt;b"),
        ("/files/tram/]]%3E", "/files/tram/%5D%5D%3E"),
        ("/files/tram/{\"}", "/files/tram/%7B%22%7D"),
        ("///files/tram/a%00", ""),
        ("/files/tram/%3Cb%3E%0A", ""),
    ] {
        let answer = max.mkcol(asked).send().await;
        let text = answer.text();
        assert!(!text.contains("<b>") && !text.contains('\0'), "{text}");
        if answer.status != 201 {
            continue;
        }
        assert_eq!(max.propfind(asked, "0", "").expect(207).await.hrefs(), [format!("{answered}/")]);
    }
    // The first segment never becomes a host.
    let listed = max.propfind("//tram.example/files/", "0", "").send().await;
    assert!(listed.status == 404, "{}", listed.text());
    for asked in ["//files/tram/", "///files/tram/"] {
        assert_eq!(max.propfind(asked, "0", "").expect(207).await.hrefs(), ["/files/tram/"]);
    }
}
