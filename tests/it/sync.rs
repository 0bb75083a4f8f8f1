//! sync-collection on folders, RFC 6578: level 1 and infinite, pages, tokens.

use super::kit::{Client, World};

async fn token(client: &Client, path: &str) -> String {
    client.propfind(path, "0", "<D:sync-token/>").expect(207).await.value("sync-token")
}

fn is(expected: &[(&str, u16)]) -> Vec<(String, u16)> {
    expected.iter().map(|(href, status)| ((*href).to_owned(), *status)).collect()
}

#[tokio::test]
async fn level_one() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/a", "1").expect(201).await;
    max.put("/files/tram/b", "1").expect(201).await;
    let first = max.sync("/files/tram/", "", "1", "").expect(207).await;
    assert_eq!(first.statuses(), is(&[("/files/tram/a", 200), ("/files/tram/b", 200), ("/files/tram/d/", 404)]));
    assert_eq!(first.sync_token(), token(&max, "/files/tram/").await);
    let nothing = max.sync("/files/tram/", &first.sync_token(), "1", "").expect(207).await;
    assert!(nothing.statuses().is_empty());
    assert_eq!(nothing.sync_token(), first.sync_token());
    max.put("/files/tram/a", "2").expect(204).await;
    max.delete("/files/tram/b").expect(204).await;
    max.put("/files/tram/c", "1").expect(201).await;
    max.delete("/files/tram/c").expect(204).await;
    max.put("/files/tram/d/deep", "1").expect(201).await;
    let changes = max.sync("/files/tram/", &first.sync_token(), "1", "").header("Depth", "1").expect(207).await;
    assert_eq!(changes.statuses(), is(&[("/files/tram/a", 200), ("/files/tram/b", 404), ("/files/tram/c", 404)]));
    // A name that was lost and taken again is a change, not a loss; a rename is both.
    max.put("/files/tram/b", "2").expect(201).await;
    max.relocate("/files/tram/a", "/files/tram/A2").expect(201).await;
    let changes = max.sync("/files/tram/", &changes.sync_token(), "1", "").expect(207).await;
    assert_eq!(changes.statuses(), is(&[("/files/tram/A2", 200), ("/files/tram/a", 404), ("/files/tram/b", 200)]));
    // A change of case alone takes the old spelling away.
    max.relocate("/files/tram/b", "/files/tram/B").expect(201).await;
    let changes = max.sync("/files/tram/", &changes.sync_token(), "1", "").expect(207).await;
    assert_eq!(changes.statuses(), is(&[("/files/tram/B", 200), ("/files/tram/b", 404)]));
    // Properties and locks: the one is a change, the other is not.
    let before = changes.sync_token();
    max.locked("/files/tram/B", "shared", "0").await;
    assert!(max.sync("/files/tram/", &before, "1", "").expect(207).await.statuses().is_empty());
}

#[tokio::test]
async fn infinite_level() {
    let world = World::new().await;
    let max = world.client("max");
    for path in ["/files/tram/d", "/files/tram/d/e", "/files/tram/other"] {
        max.mkcol(path).expect(201).await;
    }
    max.put("/files/tram/d/e/x", "1").expect(201).await;
    max.put("/files/tram/top", "1").expect(201).await;
    let first = max.sync("/files/tram/", "", "infinite", "").expect(207).await;
    let all = ["/files/tram/d/", "/files/tram/d/e/", "/files/tram/d/e/x", "/files/tram/other/", "/files/tram/top"];
    assert_eq!(first.statuses().iter().map(|(href, _)| href.as_str()).collect::<Vec<_>>(), all);
    max.put("/files/tram/d/e/x", "2").expect(204).await;
    let changes = max.sync("/files/tram/", &first.sync_token(), "infinite", "").expect(207).await;
    assert_eq!(changes.statuses(), is(&[("/files/tram/d/e/x", 200)]));
    // A folder that moves takes all its members to new addresses.
    max.relocate("/files/tram/d", "/files/tram/other/d").expect(201).await;
    let moved = max.sync("/files/tram/", &changes.sync_token(), "infinite", "").expect(207).await;
    assert_eq!(
        moved.statuses(),
        is(&[
            ("/files/tram/d/", 404),
            ("/files/tram/other/d/", 404),
            ("/files/tram/other/d/e/", 404),
            ("/files/tram/other/d/e/x", 200),
        ])
    );
    // Removal of a folder is told for the folder alone.
    max.delete("/files/tram/other/d").expect(204).await;
    let gone = max.sync("/files/tram/", &moved.sync_token(), "infinite", "").expect(207).await;
    assert_eq!(gone.statuses(), is(&[("/files/tram/other/d/", 404)]));
    // Seen from a folder below, only what is below.
    let inner = max.sync("/files/tram/other/", "", "infinite", "").expect(207).await;
    max.put("/files/tram/top", "2").expect(204).await;
    max.put("/files/tram/other/y", "1").expect(201).await;
    let inner = max.sync("/files/tram/other/", &inner.sync_token(), "infinite", "").expect(207).await;
    assert_eq!(inner.statuses(), is(&[("/files/tram/other/y", 200)]));
}

/// Follows pages until none is truncated; everything told, and the last token.
async fn pages(client: &Client, path: &str, token: &str, level: &str, limit: usize) -> (Vec<(String, u16)>, String) {
    let mut token = token.to_owned();
    let mut told = Vec::new();
    let more = format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>");
    loop {
        let page = client.sync(path, &token, level, &more).expect(207).await;
        let own = |entry: &(String, u16)| entry.0 == path && entry.1 == 507;
        let entries = page.statuses();
        let truncated = entries.iter().any(own);
        let entries: Vec<_> = entries.into_iter().filter(|entry| !own(entry)).collect();
        assert!(entries.len() <= limit, "{entries:?}");
        assert!(!truncated || page.text().contains("<D:number-of-matches-within-limits/>"));
        told.extend(entries);
        token = page.sync_token();
        if !truncated {
            told.sort();
            return (told, token);
        }
    }
}

#[tokio::test]
async fn pages_tell_everything_once() {
    let world = World::new().await;
    let max = world.client("max");
    for n in 0..7 {
        max.mkcol(&format!("/files/tram/d{n}")).expect(201).await;
        max.put(&format!("/files/tram/d{n}/x"), "1").expect(201).await;
    }
    for level in ["1", "infinite"] {
        for limit in [1, 2, 3, 100] {
            let whole = max.sync("/files/tram/", "", level, "").expect(207).await;
            let (told, token) = pages(&max, "/files/tram/", "", level, limit).await;
            assert_eq!(told, whole.statuses(), "level {level}, limit {limit}");
            assert_eq!(token, whole.sync_token());
        }
    }
    // One transaction that changes many names, then a move of a folder with members: a page may end in both.
    let before = token(&max, "/files/tram/").await;
    max.copy("/files/tram/d1", "/files/tram/copy").expect(201).await;
    max.mkcol("/files/tram/deep").expect(201).await;
    max.relocate("/files/tram/d2/", "/files/tram/deep/d2").expect(201).await;
    max.delete("/files/tram/d3").expect(204).await;
    let whole = max.sync("/files/tram/", &before, "infinite", "").expect(207).await.statuses();
    let hrefs: Vec<&str> = whole.iter().map(|(href, _)| href.as_str()).collect();
    let expected = [
        "/files/tram/copy/",
        "/files/tram/copy/x",
        "/files/tram/d2/",
        "/files/tram/d3/",
        "/files/tram/deep/",
        "/files/tram/deep/d2/",
        "/files/tram/deep/d2/x",
    ];
    assert_eq!(hrefs, expected);
    for limit in [1, 2, 3, 4] {
        let (told, _) = pages(&max, "/files/tram/", &before, "infinite", limit).await;
        assert_eq!(told, whole, "limit {limit}");
    }
    // A folder that moves between two pages of a first synchronization: what was told of it is told anew.
    let more = "<D:limit><D:nresults>6</D:nresults></D:limit>";
    let page = max.sync("/files/tram/", "", "infinite", more).expect(207).await;
    let mut known: std::collections::BTreeSet<String> = page.hrefs().into_iter().collect();
    assert!(known.contains("/files/tram/d0/x"), "{known:?}");
    max.relocate("/files/tram/d0", "/files/tram/deep/d0").expect(201).await;
    let (told, _) = pages(&max, "/files/tram/", &page.sync_token(), "infinite", 2).await;
    known.extend(told.into_iter().map(|(href, _)| href));
    assert!(known.contains("/files/tram/deep/d0/x"), "{known:?}");
}

#[tokio::test]
async fn tokens_of_elsewhere_are_refused() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/d").expect(201).await;
    max.put("/files/tram/a", "x").expect(201).await;
    let other = token(&max, "/files/tram/d/").await;
    let future = {
        let own = token(&max, "/files/tram/").await;
        let (head, _) = own.rsplit_once(':').unwrap();
        format!("{head}:999999")
    };
    for bad in ["http://example.com/1", "urn:beffroi:sync:1:2:3:4", &other, &future] {
        let refused = max.sync("/files/tram/", bad, "1", "").expect(403).await;
        assert!(refused.text().contains("<D:valid-sync-token/>"), "{bad}");
    }
    let unsupported = max.sync("/files/", "", "1", "").expect(403).await;
    assert!(unsupported.text().contains("<D:supported-report/>"));
    max.report_at("/files/tram/").body("<D:version-tree xmlns:D=\"DAV:\"/>").expect(403).await;
    max.report_at("/files/tram/").body("<D:sync-collection").expect(400).await;
    // A folder that comes from another home starts anew, and misses nothing afterwards.
    let old = token(&max, "/files/tram/d/").await;
    max.relocate("/files/tram/d", "/files/max/d").expect(201).await;
    max.sync("/files/max/d/", &old, "1", "").expect(403).await;
    let start = max.sync("/files/max/d/", "", "1", "").expect(207).await;
    max.put("/files/max/d/n", "x").expect(201).await;
    let next = max.sync("/files/max/d/", &start.sync_token(), "1", "").expect(207).await;
    assert_eq!(next.statuses(), is(&[("/files/max/d/n", 200)]));
}

#[tokio::test]
async fn what_was_replaced_or_travelled_is_not_missed() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/f").expect(201).await;
    max.put("/files/tram/f/x", "1").expect(201).await;
    let before = token(&max, "/files/tram/").await;
    // A folder of the same name, but another: what lay in the old one can only be learned by starting anew.
    max.delete("/files/tram/f").expect(204).await;
    max.mkcol("/files/tram/f").expect(201).await;
    max.sync("/files/tram/", &before, "infinite", "").expect(403).await;
    max.sync("/files/tram/", &before, "1", "").expect(207).await;
    // A folder that was elsewhere meanwhile.
    max.put("/files/tram/f/y", "1").expect(201).await;
    let (all, own) = (token(&max, "/files/tram/").await, token(&max, "/files/tram/f/").await);
    max.relocate("/files/tram/f", "/files/max/f").expect(201).await;
    max.delete("/files/max/f/y").expect(204).await;
    max.relocate("/files/max/f", "/files/tram/f").expect(201).await;
    max.sync("/files/tram/", &all, "infinite", "").expect(403).await;
    max.sync("/files/tram/f/", &own, "1", "").expect(403).await;
    // A folder that moves after some of its members were told on an earlier page.
    let base = token(&max, "/files/tram/").await;
    max.put("/files/tram/f/a", "1").expect(201).await;
    max.put("/files/tram/f/b", "1").expect(201).await;
    let more = "<D:limit><D:nresults>1</D:nresults></D:limit>";
    let page = max.sync("/files/tram/", &base, "infinite", more).expect(207).await;
    assert!(page.hrefs().contains(&"/files/tram/f/a".to_owned()), "{:?}", page.hrefs());
    max.relocate("/files/tram/f", "/files/tram/g").expect(201).await;
    let (told, _) = pages(&max, "/files/tram/", &page.sync_token(), "infinite", 2).await;
    for href in ["/files/tram/g/a", "/files/tram/g/b"] {
        assert!(told.contains(&(href.to_owned(), 200)), "{href} {told:?}");
    }
    // A folder that was renamed is synchronized from the beginning, page by page.
    let (told, last) = pages(&max, "/files/tram/g/", "", "1", 1).await;
    assert_eq!(told.len(), 2);
    assert!(max.sync("/files/tram/g/", &last, "1", "").expect(207).await.statuses().is_empty());
    // The token is a state, too, and locks are told where asked for.
    let now = token(&max, "/files/tram/").await;
    max.put("/files/tram/n", "1").header("If", &format!("</files/tram/> (<{base}>)")).expect(412).await;
    max.put("/files/tram/n", "1").header("If", &format!("</files/tram/> (<{now}>)")).expect(201).await;
    max.locked("/files/tram/n", "exclusive", "0").await;
    let body = "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>1</sync-level><prop><lockdiscovery/></prop>\
                </sync-collection>";
    let told = max.report_at("/files/tram/").body(body).expect(207).await;
    assert_eq!(told.text().matches("<D:activelock>").count(), 1);
    world.sound().await;
}
