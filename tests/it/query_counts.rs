//! What a request costs, counted in statements and rows of their answers: it grows with the change and the answer, not
//! with the collection.

use crate::kit::{Client, World, event};

const FEW: usize = 40;
const MANY: usize = 1500;

struct Side {
    folder: String,
    calendar: String,
}

/// A folder of so many documents, one of them with so many versions less, and a calendar of so many events, five of
/// them in June 2026.
async fn side(max: &Client, name: &str, size: usize) -> Side {
    let (folder, calendar) = (format!("/files/tram/{name}"), format!("/calendars/tram/{name}"));
    max.mkcol(&format!("{folder}/")).expect(201).await;
    max.ask("MKCALENDAR", &format!("{calendar}/")).expect(201).await;
    for start in (0..size).step_by(100) {
        let batch = (start..(start + 100).min(size)).map(|number| {
            let (max, folder, calendar, name) = (max.clone(), folder.clone(), calendar.clone(), name.to_owned());
            async move {
                max.put(&format!("{folder}/{name}-{number:05}.txt"), &format!("text {name} {number}"))
                    .expect(201)
                    .await;
                let day = if number < 5 { format!("2026061{number}") } else { "20280101".to_owned() };
                max.put(&format!("{calendar}/event-{number:05}.ics"), &event(&format!("{name}-{number}"), &day))
                    .header("Content-Type", "text/calendar")
                    .expect(201)
                    .await;
            }
        });
        let tasks: Vec<_> = batch.map(tokio::spawn).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    for version in 0..size / 20 {
        max.put(&format!("{folder}/{name}-00007.txt"), &format!("version {version}")).expect(204).await;
    }
    Side { folder, calendar }
}

/// Statements and rows of one request; a write before it leaves nothing cached of what it may read.
async fn cost(world: &World, max: &Client, round: usize, ask: impl AsyncFn()) -> (u64, u64) {
    max.put("/files/tram/elsewhere.txt", &format!("{round}")).send().await;
    let before = world.tree.asked();
    ask().await;
    let after = world.tree.asked();
    (after.0 - before.0, after.1 - before.1)
}

#[tokio::test]
async fn requests_cost_by_the_change_and_the_answer() {
    const PROPERTIES: &str = "<D:prop><D:getetag/></D:prop>";
    const DECLARED: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
    const JUNE: &str = "<C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/>";
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/elsewhere.txt", "first").expect(201).await;
    let sides = [side(&max, "few", FEW).await, side(&max, "many", MANY).await];
    let query = format!(
        "<C:calendar-query {DECLARED}>{PROPERTIES}<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter \
         name=\"VEVENT\">{JUNE}\
         </C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    );
    let busy = format!("<C:free-busy-query {DECLARED}>{JUNE}</C:free-busy-query>");
    let mut costs: Vec<Vec<(&str, (u64, u64))>> = Vec::new();
    for (place, Side { folder, calendar }) in sides.iter().enumerate() {
        // What lies in the trash under one name would cost the next a question more.
        let name = ["few", "many"][place];
        let found = max.ask("PROPFIND", &format!("{calendar}/")).header("Depth", "0");
        let found = found.body(&format!("<D:propfind {DECLARED}><D:prop><D:sync-token/></D:prop></D:propfind>"));
        let text = found.expect(207).await.text();
        let token = text.split_once("sync-token>").unwrap().1.split_once('<').unwrap().0.to_owned();
        for number in 0..3 {
            let changed = event(&format!("{name}-{number}"), "20260620");
            max.put(&format!("{calendar}/event-{number:05}.ics"), &changed)
                .header("Content-Type", "text/calendar")
                .expect(204)
                .await;
        }
        let sync = format!(
            "<D:sync-collection {DECLARED}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>\
             {PROPERTIES}</D:sync-collection>"
        );
        let names: String = (0..5).map(|number| format!("<D:href>{calendar}/event-{number:05}.ics</D:href>")).collect();
        let multiget = format!("<C:calendar-multiget {DECLARED}>{PROPERTIES}{names}</C:calendar-multiget>");
        let document = format!("{folder}/{name}-00003.txt");
        let versions = format!("{folder}/{name}-00007.txt");
        let object = format!("{calendar}/event-00009.ics");
        let report = async |body: &str, status: u16| {
            max.ask("REPORT", &format!("{calendar}/")).header("Depth", "1").body(body).expect(status).await;
        };
        let mut reported = Vec::new();
        let mut round = 0;
        macro_rules! costs {
            ($name:literal, $ask:expr) => {
                round += 1;
                reported.push((
                    $name,
                    cost(&world, &max, place * 100 + round, async || {
                        $ask;
                    })
                    .await,
                ));
            };
        }
        costs!("GET", max.get(&document).expect(200).await);
        costs!("PUT new", max.put(&format!("{folder}/new.txt"), "new").expect(201).await);
        costs!("PUT over", max.put(&document, "other").expect(204).await);
        costs!("PUT over many versions", max.put(&versions, "other").expect(204).await);
        costs!("PROPFIND Depth 0", max.ask("PROPFIND", &format!("{folder}/")).header("Depth", "0").expect(207).await);
        costs!("DELETE", max.ask("DELETE", &format!("{folder}/{name}-00004.txt")).expect(204).await);
        costs!("event GET", max.get(&object).expect(200).await);
        costs!(
            "event PUT new",
            max.put(&format!("{calendar}/new.ics"), &event(&format!("new-{place}"), "20290101"))
                .header("Content-Type", "text/calendar")
                .expect(201)
                .await
        );
        costs!("sync after 3 changes", report(&sync, 207).await);
        costs!("calendar-query", report(&query, 207).await);
        costs!("multiget", report(&multiget, 207).await);
        costs!("free-busy", report(&busy, 200).await);
        let moved = format!("{folder}-moved/");
        costs!(
            "MOVE of the folder",
            max.ask("MOVE", &format!("{folder}/")).header("Destination", &moved).expect(201).await
        );
        costs!("DELETE of the folder", max.ask("DELETE", &moved).expect(204).await);
        costs.push(reported);
    }
    assert_eq!(costs[0], costs[1]);
    let most = costs[0].iter().map(|(_, (statements, _))| *statements).max();
    assert!(most < Some(40), "{costs:?}");
}

#[tokio::test]
async fn a_listing_costs_a_row_a_member() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/elsewhere.txt", "first").expect(201).await;
    let mut rows = Vec::new();
    for (name, size) in [("few", FEW), ("many", MANY)] {
        let Side { folder, .. } = side(&max, name, size).await;
        let list = async || {
            max.ask("PROPFIND", &format!("{folder}/")).header("Depth", "1").expect(207).await;
        };
        let (statements, reported) = cost(&world, &max, size, list).await;
        assert!(statements < 8 + 8 * (size as u64).div_ceil(300), "{size}: {statements} statements");
        rows.push(reported);
    }
    // Besides the members a page lists the way to the folder.
    assert!(rows[1] - rows[0] < (MANY - FEW) as u64 + 100, "{rows:?}");
}

/// While a collection is in one state, what was read of its members is not read again, whatever happens elsewhere; and
/// after a change in it no more is read than what changed.
#[tokio::test]
async fn what_was_read_of_a_collection_is_not_read_again_until_it_changes() {
    const DECLARED: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/elsewhere.txt", "first").expect(201).await;
    let Side { folder, calendar } = side(&max, "some", 1200).await;
    let hrefs: String = (0..1100).map(|number| format!("<D:href>{calendar}/event-{number:05}.ics</D:href>")).collect();
    let data = "<D:prop><D:getetag/><C:calendar-data/></D:prop>";
    let multiget = format!("<C:calendar-multiget {DECLARED}>{data}{hrefs}</C:calendar-multiget>");
    let sync = format!(
        "<D:sync-collection {DECLARED}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>\
         </D:sync-collection>"
    );
    let query = format!(
        "<C:calendar-query {DECLARED}>{data}<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
         <C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/></C:comp-filter></C:comp-filter></C:filter>\
         </C:calendar-query>"
    );
    let list = async || {
        max.ask("PROPFIND", &format!("{folder}/")).header("Depth", "1").expect(207).await.text();
    };
    let report = async |body: &str| {
        max.ask("REPORT", &format!("{calendar}/")).header("Depth", "1").body(body).expect(207).await.text();
    };
    let mut round = 0;
    for changed in [false, true] {
        let mut rows = Vec::new();
        for _ in 0..2 {
            round += 4;
            rows.push([
                cost(&world, &max, round, async || list().await).await.1,
                cost(&world, &max, round + 1, async || report(&multiget).await).await.1,
                cost(&world, &max, round + 2, async || report(&sync).await).await.1,
                cost(&world, &max, round + 3, async || report(&query).await).await.1,
            ]);
        }
        let [first, again] = rows.as_slice() else { panic!("two rounds") };
        for (place, (first, again)) in first.iter().zip(again).enumerate() {
            // The way to the collection, and what hangs on the collection itself.
            assert!(*again <= 12, "{place}: {rows:?}");
            assert!(changed || *first > *again, "{place}: {rows:?}");
            // Besides, for each page, and what changed.
            assert!(!changed || *first <= 40, "{place}: {rows:?}");
        }
        max.put(&format!("{folder}/some-00009.txt"), &format!("new {changed}")).expect(204).await;
        let moved = event("some-1000", if changed { "20280102" } else { "20280103" });
        let put = max.put(&format!("{calendar}/event-01000.ics"), &moved);
        put.header("Content-Type", "text/calendar").expect(204).await;
    }
}

/// A client that looks again and again costs no question, however long ago it looked, while nothing is committed.
#[tokio::test]
async fn who_looks_again_later_asks_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a.txt", "a").expect(201).await;
    let look = async || {
        max.get("/files/tram/a.txt").expect(200).await;
        max.propfind("/files/tram/", "1", "<D:getetag/><D:lockdiscovery/>").expect(207).await;
    };
    // The first is read in a view, of which nothing but the members is cached.
    look().await;
    look().await;
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let before = world.tree.asked();
        look().await;
        assert_eq!(world.tree.asked(), before);
    }
}

/// What is listed of each version of a document, its neighbours among it, costs by their number, not by its square,
/// whoever asks for it; and what is listed of all versions for each of them has an end.
#[tokio::test]
async fn versions_cost_by_their_number() {
    const SETS: &str = "<D:version-name/><D:predecessor-set/><D:successor-set/>";
    let sets = ["version-name", "predecessor-set", "successor-set"];
    let each: String = sets.iter().map(|name| format!("<D:property name=\"{name}\"/>")).collect();
    let all = |inner: &str| {
        format!(
            "<D:property name=\"version-history\"><D:property name=\"version-set\">{inner}</D:property></D:property>"
        )
    };
    let expand = |properties: &str| format!("<D:expand-property xmlns:D=\"DAV:\">{properties}</D:expand-property>");
    let tree = format!("<D:version-tree xmlns:D=\"DAV:\"><D:prop>{SETS}</D:prop></D:version-tree>");
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/elsewhere.txt", "first").expect(201).await;
    let mut costs = Vec::new();
    for versions in [60, 240] {
        let document = format!("/files/tram/{versions}.txt");
        for version in 0..versions {
            max.put(&document, &version.to_string()).send().await;
        }
        let found = max.propfind(&document, "0", "<D:version-history/>").expect(207).await;
        let history = found.property("version-history").unwrap().dav("href").unwrap().text();
        let once = |text: &str| assert_eq!(text.matches("<D:predecessor-set>").count(), versions - 1, "{text}");
        let report = async |body: &str| once(&max.report_at(&document).body(body).expect(207).await.text());
        let list = async |folder: &str| once(&max.propfind(folder, "1", SETS).expect(207).await.text());
        costs.push([
            cost(&world, &max, versions, async || report(&expand(&all(&each))).await).await,
            cost(&world, &max, versions + 1, async || report(&tree).await).await,
            cost(&world, &max, versions + 2, async || list(&history).await).await,
            cost(&world, &max, versions + 3, async || list(&format!("/history/tram/{versions}.txt/")).await).await,
        ]);
    }
    for (few, many) in costs[0].iter().zip(&costs[1]) {
        assert!(many.0 <= 4 * few.0 && many.1 <= 4 * few.1, "{costs:?}");
    }
    let refused = max.report_at("/files/tram/240.txt").body(&expand(&all(&all(&each)))).expect(507).await.text();
    assert!(refused.contains("number-of-matches-within-limits"), "{refused}");
}

/// Documents that name each other are looked at once for what is asked of them, however often they are named and
/// however deep; and what is made of them has an end.
#[tokio::test]
async fn what_names_each_other_is_looked_at_once() {
    let property = |inner: &str| format!("<D:property name=\"related\" namespace=\"urn:r\">{inner}</D:property>");
    let expand = |depth: usize| {
        let inner = (0..depth).fold("<D:property name=\"resourcetype\"/>".to_owned(), |inner, _| property(&inner));
        format!("<D:expand-property xmlns:D=\"DAV:\">{inner}{inner}</D:expand-property>")
    };
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/elsewhere.txt", "first").expect(201).await;
    let mut costs = Vec::new();
    for documents in [3, 6] {
        let address = |number: usize| format!("/files/tram/{documents}-{number}.txt");
        // The prefix of the standards means something else here.
        let hrefs: String =
            (0..documents).map(|number| format!("<d:href xmlns:d=\"DAV:\">{}</d:href>", address(number))).collect();
        let set = format!(
            "<d:propertyupdate xmlns:d=\"DAV:\"><d:set><d:prop><D:related \
             xmlns:D=\"urn:r\">{hrefs}</D:related></d:prop></d:set>\
             </d:propertyupdate>"
        );
        for number in 0..documents {
            max.put(&address(number), "x").expect(201).await;
            max.ask("PROPPATCH", &address(number)).body(&set).expect(207).await;
        }
        let report = async |depth: usize| {
            let reported = max.report_at(&address(0)).body(&expand(depth)).expect(207).await;
            let mut level = vec![reported.xml().dav("response").unwrap().clone()];
            for _ in 0..depth {
                let inside = level.iter().flat_map(|response| {
                    let found = response.dav("propstat").and_then(|found| found.dav("prop"));
                    let related = found.and_then(|found| found.elements().find(|one| one.name.local == "related"));
                    related
                        .map(|related| related.elements().filter(|one| one.name.is_dav("response")).cloned().collect())
                });
                level = inside.collect::<Vec<Vec<_>>>().concat();
            }
            assert_eq!(level.len(), documents.pow(u32::try_from(depth).unwrap()), "{}", reported.text());
        };
        costs.push([
            cost(&world, &max, documents, async || report(1).await).await,
            cost(&world, &max, documents + 100, async || report(4).await).await,
        ]);
    }
    for [flat, deep] in &costs {
        assert!(deep.0 <= 4 * flat.0 && deep.1 <= 4 * flat.1, "{costs:?}");
    }
    for (few, many) in costs[0].iter().zip(&costs[1]) {
        assert!(many.0 <= 3 * few.0 && many.1 <= 3 * few.1, "{costs:?}");
    }
    // More than would be listed if each were looked at.
    let reported = max.report_at("/files/tram/6-0.txt").body(&expand(5)).expect(207).await.text();
    assert_eq!(reported.matches("<D:resourcetype/>").count(), 2 * 6_usize.pow(5));
    let begun = std::time::Instant::now();
    let many: String = "<d:href xmlns:d=\"DAV:\">/files/tram/6-0.txt</d:href>".repeat(2000);
    max.proppatch(
        "/files/tram/6-0.txt",
        &format!("<D:set><D:prop><r:related xmlns:r=\"urn:r\">{many}</r:related></D:prop></D:set>"),
    )
    .expect(207)
    .await;
    let refused = max.report_at("/files/tram/6-0.txt").body(&expand(5)).expect(507).await.text();
    assert!(refused.contains("number-of-matches-within-limits"), "{refused}");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}
