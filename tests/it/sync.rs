//! sync-collection on folders, RFC 6578: level 1 and infinite, pages, tokens.

use std::collections::BTreeSet;

use beffroi::model::budget::{Budget, MAX_STEPS};
use beffroi::model::method::Method;
use beffroi::model::path::Path;
use beffroi::tree::changes::MemberChange;
use beffroi::tree::gate::Request;
use beffroi::tree::resource::Needs;

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
    // Removal of a folder is listed for the folder alone.
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

/// Follows pages until none is truncated; everything listed, and the last token.
async fn pages(client: &Client, path: &str, token: &str, level: &str, limit: usize) -> (Vec<(String, u16)>, String) {
    let mut token = token.to_owned();
    let mut listed = Vec::new();
    let more = format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>");
    loop {
        let page = client.sync(path, &token, level, &more).expect(207).await;
        let own = |entry: &(String, u16)| entry.0 == path && entry.1 == 507;
        let entries = page.statuses();
        let truncated = entries.iter().any(own);
        let entries: Vec<_> = entries.into_iter().filter(|entry| !own(entry)).collect();
        assert!(entries.len() <= limit, "{entries:?}");
        assert!(!truncated || page.text().contains("<D:number-of-matches-within-limits/>"));
        listed.extend(entries);
        token = page.sync_token();
        if !truncated {
            listed.sort();
            return (listed, token);
        }
    }
}

#[tokio::test]
async fn pages_list_everything_once() {
    let world = World::new().await;
    let max = world.client("max");
    for n in 0..7 {
        max.mkcol(&format!("/files/tram/d{n}")).expect(201).await;
        max.put(&format!("/files/tram/d{n}/x"), "1").expect(201).await;
    }
    for level in ["1", "infinite"] {
        for limit in [1, 2, 3, 100] {
            let whole = max.sync("/files/tram/", "", level, "").expect(207).await;
            let (listed, token) = pages(&max, "/files/tram/", "", level, limit).await;
            assert_eq!(listed, whole.statuses(), "level {level}, limit {limit}");
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
        let (listed, _) = pages(&max, "/files/tram/", &before, "infinite", limit).await;
        assert_eq!(listed, whole, "limit {limit}");
    }
    // A folder that moves between two pages of a first synchronization: what was listed of it is listed anew.
    let more = "<D:limit><D:nresults>6</D:nresults></D:limit>";
    let page = max.sync("/files/tram/", "", "infinite", more).expect(207).await;
    let mut known: std::collections::BTreeSet<String> = page.hrefs().into_iter().collect();
    assert!(known.contains("/files/tram/d0/x"), "{known:?}");
    max.relocate("/files/tram/d0", "/files/tram/deep/d0").expect(201).await;
    let (listed, _) = pages(&max, "/files/tram/", &page.sync_token(), "infinite", 2).await;
    known.extend(listed.into_iter().map(|(href, _)| href));
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
    // A folder of the same name, but another: what lay in the old one is gone.
    max.delete("/files/tram/f").expect(204).await;
    max.mkcol("/files/tram/f").expect(201).await;
    let listed = max.sync("/files/tram/", &before, "infinite", "").expect(207).await;
    assert_eq!(listed.statuses(), is(&[("/files/tram/f/", 404), ("/files/tram/f/x", 404)]));
    assert!(
        listed.property("getetag").is_none() && listed.text().contains("<D:href>/files/tram/f/</D:href><D:propstat>")
    );
    let listed = max.sync("/files/tram/", &before, "1", "").expect(207).await;
    assert_eq!(listed.hrefs(), ["/files/tram/f/"]);
    // A folder that was elsewhere meanwhile.
    max.put("/files/tram/f/y", "1").expect(201).await;
    let (all, own) = (token(&max, "/files/tram/").await, token(&max, "/files/tram/f/").await);
    max.relocate("/files/tram/f", "/files/max/f").expect(201).await;
    max.delete("/files/max/f/y").expect(204).await;
    max.relocate("/files/max/f", "/files/tram/f").expect(201).await;
    let listed = max.sync("/files/tram/", &all, "infinite", "").expect(207).await;
    assert_eq!(listed.statuses(), is(&[("/files/tram/f/", 404), ("/files/tram/f/y", 404)]));
    max.sync("/files/tram/f/", &own, "1", "").expect(403).await;
    // A folder that moves after some of its members were listed on an earlier page.
    let base = token(&max, "/files/tram/").await;
    max.put("/files/tram/f/a", "1").expect(201).await;
    max.put("/files/tram/f/b", "1").expect(201).await;
    let more = "<D:limit><D:nresults>1</D:nresults></D:limit>";
    let page = max.sync("/files/tram/", &base, "infinite", more).expect(207).await;
    assert!(page.hrefs().contains(&"/files/tram/f/a".to_owned()), "{:?}", page.hrefs());
    max.relocate("/files/tram/f", "/files/tram/g").expect(201).await;
    let (listed, _) = pages(&max, "/files/tram/", &page.sync_token(), "infinite", 2).await;
    for href in ["/files/tram/g/a", "/files/tram/g/b"] {
        assert!(listed.contains(&(href.to_owned(), 200)), "{href} {listed:?}");
    }
    // A folder that was renamed is synchronized from the beginning, page by page.
    let (listed, last) = pages(&max, "/files/tram/g/", "", "1", 1).await;
    assert_eq!(listed.len(), 2);
    assert!(max.sync("/files/tram/g/", &last, "1", "").expect(207).await.statuses().is_empty());
    // The token is a state, too, and locks are listed where requested.
    let now = token(&max, "/files/tram/").await;
    max.put("/files/tram/n", "1").header("If", &format!("</files/tram/> (<{base}>)")).expect(412).await;
    max.put("/files/tram/n", "1").header("If", &format!("</files/tram/> (<{now}>)")).expect(201).await;
    max.locked("/files/tram/n", "exclusive", "0").await;
    let body = "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>1</sync-level><prop><lockdiscovery/></prop>\
                </sync-collection>";
    let listed = max.report_at("/files/tram/").body(body).expect(207).await;
    assert_eq!(listed.text().matches("<D:activelock>").count(), 1);
    world.sound().await;
}

/// What a client holds that synchronizes deeply: addresses, without final slashes, so that a folder and a document of
/// one name are one thing.
struct LeasedJob {
    token: String,
    hrefs: BTreeSet<String>,
}

impl LeasedJob {
    async fn begin(client: &Client) -> Self {
        let mut held = Self { token: String::new(), hrefs: BTreeSet::new() };
        held.follow(client, "").await;
        held
    }

    /// Takes what is listed; what is gone of it, and whether there is more.
    async fn follow(&mut self, client: &Client, more: &str) -> Vec<String> {
        let answer = client.sync("/files/tram/", &self.token, "infinite", more).expect(207).await;
        self.token = answer.sync_token();
        let mut gone = Vec::new();
        for response in answer.xml().elements().filter(|element| element.name.is_dav("response")) {
            let href = response.dav("href").unwrap().text().trim_end_matches('/').to_owned();
            match response.dav("status").map(|status| status.text().contains(" 404 ")) {
                None => {
                    self.hrefs.insert(href);
                }
                Some(true) => {
                    let below = format!("{href}/");
                    self.hrefs.retain(|held| *held != href && !held.starts_with(&below));
                    gone.push(href);
                }
                Some(false) => gone.push("more".to_owned()),
            }
        }
        gone
    }
}

/// All addresses below the home, by listing.
async fn listed(client: &Client) -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec!["/files/tram/".to_owned()]);
    while let Some(folder) = waiting.pop() {
        let members = client.propfind(&folder, "1", "<D:resourcetype/>").expect(207).await.hrefs();
        for href in members.into_iter().skip(1) {
            found.insert(href.trim_end_matches('/').to_owned());
            if href.ends_with('/') {
                waiting.push(href);
            }
        }
    }
    found
}

/// One after the other changes give names of folders anew. After each a client that knew the tree before gets what
/// it needs, whole or page by page, and no more addresses are said to be gone than were there.
#[tokio::test]
async fn names_of_folders_given_anew_are_listed_name_by_name() {
    // Each line is one state later: the requests that lead to it, and of what the client knew that which is gone.
    const CHANGES: [(&[&str], &[&str]); 15] = [
        // Deleted and made again; nested.
        (&["DELETE f", "MKCOL f", "PUT f/x"], &["f/y", "f/d"]),
        (&["MKCOL f/d", "MKCOL f/d/e", "PUT f/d/e/deep", "PUT f/d/a", "PUT f/d/b"], &[]),
        (&["DELETE f/d", "MKCOL f/d", "PUT f/d/b"], &["f/d/a", "f/d/e"]),
        // A folder with what it holds in place of another, in one change.
        (&["MKCOL g", "MKCOL g/d", "PUT g/d/c", "PUT g/z"], &[]),
        (&["MOVE g f"], &["f/x", "f/d/b", "g"]),
        (&["COPY f g", "PUT g/own", "MKCOL h", "PUT h/only"], &[]),
        (&["COPY h g"], &["g/d", "g/own", "g/z"]),
        // Two change places, and then three in a circle, with changes inside.
        (&["MOVE f t", "MOVE g f", "MOVE t g"], &["f/d", "f/z", "g/only"]),
        (&["DELETE g/z", "MOVE f t", "MOVE g f", "MOVE h g", "MOVE t h"], &["f/only", "g/d", "g/z"]),
        // A former member comes back into the folder that has taken the place of its own; another stands elsewhere.
        (&["PUT f/stays", "MKCOL f/s", "PUT f/s/in", "PUT f/leaves"], &[]),
        (&["MOVE f t", "MKCOL f", "MOVE t/stays f/stays", "MOVE t/s f/s", "MOVE t/leaves left"], &["f/d", "f/leaves"]),
        // A document in the place of a folder, and a folder in that of a document.
        (&["DELETE f", "PUT f"], &["f/s", "f/stays"]),
        (&["DELETE f", "MKCOL f", "PUT f/1"], &[]),
        // A change of case, and another folder that takes the old spelling.
        (&["MOVE f F", "MOVE F t2", "MKCOL f", "PUT f/2"], &["f/1"]),
        // By way of another home, changed there.
        (&["MOVE t ~/t", "DELETE ~/t/d", "MKCOL ~/t/d", "PUT ~/t/d/new", "MOVE ~/t t"], &["t/d/c"]),
    ];
    let world = World::new().await;
    let max = world.client("max");
    let address = |name: &str| match name.strip_prefix("~/") {
        Some(name) => format!("/files/max/{name}"),
        None => format!("/files/tram/{name}"),
    };
    for name in ["f", "f/d"] {
        max.mkcol(&address(name)).expect(201).await;
    }
    for name in ["f/x", "f/y", "f/d/a"] {
        max.put(&address(name), name).expect(201).await;
    }
    let mut whole = LeasedJob::begin(&max).await;
    let mut paged = LeasedJob::begin(&max).await;
    let mut lazy = LeasedJob::begin(&max).await;
    let mut late = LeasedJob::begin(&max).await;
    let one = "<D:limit><D:nresults>1</D:nresults></D:limit>";
    for (place, (requests, expected)) in CHANGES.iter().enumerate() {
        for request in *requests {
            let words: Vec<&str> = request.split(' ').collect();
            let path = address(words[1]);
            let answer = match words[0] {
                "PUT" => max.put(&path, request).send().await,
                "MOVE" => max.relocate(&path, &address(words[2])).send().await,
                "COPY" => max.copy(&path, &address(words[2])).send().await,
                method => max.ask(method, &path).send().await,
            };
            assert!(answer.status < 300, "{request}: {} {}", answer.status, answer.text());
            // Who asks for one entry at a time is always somewhere in the middle of what has just changed.
            lazy.follow(&max, one).await;
        }
        let now = listed(&max).await;
        let known = whole.hrefs.clone();
        let mut gone = whole.follow(&max, "").await;
        assert_eq!(whole.hrefs, now, "{requests:?}");
        // Of what was known, and not by the way.
        gone.retain(|href| known.contains(href));
        gone.sort();
        let mut expected: Vec<String> = expected.iter().map(|name| address(name)).collect();
        expected.sort();
        assert_eq!(gone, expected, "{requests:?}");
        while paged.follow(&max, one).await.contains(&"more".to_owned()) {}
        assert_eq!(paged.hrefs, now, "{requests:?}");
        if place % 4 == 3 {
            late.follow(&max, "").await;
            assert_eq!(late.hrefs, now, "{requests:?}");
        }
    }
    while lazy.follow(&max, one).await.contains(&"more".to_owned()) {}
    assert_eq!(lazy.hrefs, listed(&max).await);
    world.sound().await;
}

/// What happens between two pages is not lost, even where it changes how much there is to list of what has been passed.
#[tokio::test]
async fn what_changes_between_pages_is_listed() {
    let world = World::new().await;
    let max = world.client("max");
    let one = "<D:limit><D:nresults>1</D:nresults></D:limit>";
    for folder in ["f", "g"] {
        max.mkcol(&format!("/files/tram/{folder}")).expect(201).await;
        max.put(&format!("/files/tram/{folder}/x"), "1").expect(201).await;
    }
    // A document has taken the place of a folder, and is gone itself when a page is asked for; then it is back.
    let mut held = LeasedJob::begin(&max).await;
    max.delete("/files/tram/f").expect(204).await;
    max.put("/files/tram/f", "1").expect(201).await;
    max.put("/files/tram/other", "1").expect(201).await;
    max.delete("/files/tram/f").expect(204).await;
    assert_eq!(held.follow(&max, one).await, ["more"]);
    assert!(held.hrefs.contains("/files/tram/other"));
    max.put("/files/tram/f", "2").expect(201).await;
    while held.follow(&max, one).await.contains(&"more".to_owned()) {}
    assert_eq!(held.hrefs, listed(&max).await);
    // A folder is in the trash when a page passes over what had left it before; then it is back.
    max.delete("/files/tram/g/x").expect(204).await;
    max.put("/files/tram/other", "2").expect(204).await;
    max.delete("/files/tram/g").expect(204).await;
    assert_eq!(held.follow(&max, one).await, ["more"]);
    assert!(held.hrefs.contains("/files/tram/g/x"));
    max.relocate("/trash/tram/g", "/files/tram/g").expect(201).await;
    while held.follow(&max, one).await.contains(&"more".to_owned()) {}
    assert_eq!(held.hrefs, listed(&max).await);
}

#[tokio::test]
async fn what_stood_below_a_name_given_anew_is_listed_as_far_as_a_request_may_work() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/f").expect(201).await;
    let mut expected = BTreeSet::new();
    for folder in 0..12 {
        max.mkcol(&format!("/files/tram/f/{folder}")).expect(201).await;
        max.mkcol(&format!("/files/tram/f/{folder}/deep")).expect(201).await;
        for path in ["a", "deep/b"] {
            max.put(&format!("/files/tram/f/{folder}/{path}"), path).expect(201).await;
            expected.insert(format!("/files/tram/f/{folder}/{path}"));
        }
    }
    let begun = max.sync("/files/tram/", "", "infinite", "").expect(207).await.sync_token();
    max.delete("/files/tram/f").expect(204).await;
    max.mkcol("/files/tram/f").expect(201).await;
    for folder in 0..12 {
        max.mkcol(&format!("/files/tram/f/{folder}")).expect(201).await;
        max.mkcol(&format!("/files/tram/f/{folder}/deep")).expect(201).await;
    }
    let actor = world.tree.owner("max").await.unwrap();
    let request = Request::of(Method::Report, Path::parse("/files/tram/").unwrap(), actor);
    let read = async |token: &str, budget: &Budget| {
        let mut admitted = world.tree.read(&request).await.unwrap();
        admitted.changes(Some(token), true, None, budget, Needs::NOTHING).await
    };
    // Of a request that may do all, and of many that may do little.
    for left in [MAX_STEPS, 400] {
        let (mut token, mut pages, mut gone) = (begun.clone(), 0, BTreeSet::new());
        loop {
            let budget = Budget::default();
            budget.steps(MAX_STEPS - left).unwrap();
            let page = read(&token, &budget).await.unwrap();
            pages += 1;
            gone.extend(page.changes.iter().filter_map(|change| match change {
                MemberChange::Gone(href) => Some(href.clone()),
                MemberChange::Live(_) => None,
            }));
            assert!(!page.truncated || page.token != token, "page {pages} says nothing");
            token = page.token.to_string();
            if !page.truncated {
                break;
            }
        }
        assert_eq!(gone, expected, "{left}");
        assert_eq!(pages > 3, left < MAX_STEPS, "{pages}");
    }
    let given_up = Budget::default();
    given_up.give_up();
    assert!(read(&begun, &given_up).await.is_err(), "nobody waits for it");
}
