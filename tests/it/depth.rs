//! Nothing comes to stand deeper than an address can be, whatever brings it there; what is deeper from former times can
//! be taken out and removed.

use beffroi::model::path::MAX_SEGMENTS;

use super::kit::{Answer, Client, World};
use super::past::moment;

/// A folder below another, each below the one before, until so many stand in the project `tram`; the last one's address.
async fn chain(max: &Client, top: &str, levels: usize) -> String {
    let mut path = format!("/files/tram/{top}");
    max.mkcol(&path).expect(201).await;
    for _ in 1..levels {
        path.push_str("/c");
        max.mkcol(&path).expect(201).await;
    }
    path
}

fn refused(answer: &Answer) {
    assert!(answer.text().contains("depth-within-limits"), "{}", answer.text());
}

#[tokio::test]
async fn no_address_is_deeper_than_the_limit() {
    let world = World::new().await;
    let max = world.client("max");
    let deepest = chain(&max, "a", MAX_SEGMENTS - 2).await;
    assert_eq!(deepest.split('/').count() - 1, MAX_SEGMENTS);
    refused(&max.mkcol(&format!("{deepest}/d")).expect(403).await);
    refused(&max.put(&format!("{deepest}/d"), "x").expect(403).await);
    refused(&max.lock(&format!("{deepest}/d"), "exclusive", "0").expect(403).await);
    max.put("/files/tram/x", "x").expect(201).await;
    refused(&max.copy("/files/tram/x", &format!("{deepest}/x")).expect(403).await);
    refused(&max.relocate("/files/tram/x", &format!("{deepest}/x")).expect(403).await);
    let french = max.mkcol(&format!("{deepest}/d")).header("Accept-Language", "fr").expect(403).await;
    assert!(french.text().contains("profond"), "{}", french.text());
    // What stands at the limit has all its views.
    let (above, _) = deepest.rsplit_once('/').unwrap();
    let document = format!("{above}/x");
    max.put(&document, "one").expect(201).await;
    max.put(&document, "two").expect(204).await;
    let then = moment().await;
    max.delete(&document).expect(204).await;
    let (_, below) = document.split_once("/files/tram/").unwrap();
    assert_eq!(max.get(&format!("/history/tram/{then}/{below}")).expect(200).await.text(), "two");
    max.relocate("/trash/tram/x", &document).expect(201).await;
    assert_eq!(max.propfind(&format!("/history/tram/{below}"), "1", "<D:getetag/>").expect(207).await.hrefs().len(), 3);
    world.sound().await;
}

#[tokio::test]
async fn what_stands_below_counts() {
    let world = World::new().await;
    let max = world.client("max");
    let half = MAX_SEGMENTS / 2;
    let place = chain(&max, "place", half).await;
    let top = chain(&max, "tall", half).await;
    max.put(&format!("{top}/x"), "x").expect(201).await;
    let before = max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    // One more than fits.
    for to in [format!("{place}/tall"), format!("{}/tall", place.rsplit_once('/').unwrap().0)] {
        let fits = to.split('/').count() - 1 + half <= MAX_SEGMENTS;
        assert!(!fits, "{to}");
        refused(&max.relocate("/files/tram/tall", &to).expect(403).await);
        refused(&max.copy("/files/tram/tall", &to).expect(403).await);
        max.propfind(&to, "0", "<D:getetag/>").expect(404).await;
    }
    assert_eq!(max.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await.hrefs(), before);
    // As deep as can be.
    let fitting = place.split('/').take(MAX_SEGMENTS - half + 1).collect::<Vec<_>>().join("/");
    max.copy("/files/tram/tall", &format!("{fitting}-")).expect(201).await;
    max.relocate("/files/tram/tall", &format!("{fitting}-2")).expect(201).await;
    // What goes up, or stays as deep, is not asked.
    max.relocate(&format!("{fitting}-2"), "/files/tram/tall").expect(201).await;
    // The same out of the trash, and out of a former day.
    let then = moment().await;
    refused(&max.copy(&format!("/history/tram/{then}/tall"), &format!("{place}/tall")).expect(403).await);
    max.delete("/files/tram/tall").expect(204).await;
    refused(&max.relocate("/trash/tram/tall", &format!("{place}/tall")).expect(403).await);
    max.relocate("/trash/tram/tall", "/files/tram/tall").expect(201).await;
    assert_eq!(max.get(&format!("{top}/x")).expect(200).await.text(), "x");
    world.sound().await;
}

#[tokio::test]
async fn a_rewound_folder_brings_nothing_too_deep() {
    let world = World::new().await;
    let max = world.client("max");
    let half = MAX_SEGMENTS / 2;
    let place = chain(&max, "place", half).await;
    max.mkcol("/files/tram/top").expect(201).await;
    chain(&max, "top/tall", half - 1).await;
    let then = moment().await;
    max.delete("/files/tram/top/tall").expect(204).await;
    max.relocate("/files/tram/top", &format!("{place}/top")).expect(201).await;
    let href = format!("/history/tram/{then}/top/");
    let update = format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{href}</D:href></D:version></D:update>");
    let at = format!("{place}/top/");
    refused(&max.ask("UPDATE", &at).body(&update).expect(403).await);
    max.propfind(&format!("{at}tall/"), "0", "<D:getetag/>").expect(404).await;
    max.relocate(&format!("{place}/top"), "/files/tram/top").expect(201).await;
    max.ask("UPDATE", "/files/tram/top/").body(&update).expect(207).await;
    max.propfind("/files/tram/top/tall/c/", "0", "<D:getetag/>").expect(207).await;
    world.sound().await;
}
