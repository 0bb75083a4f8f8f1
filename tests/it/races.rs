//! Writers beside writers, readers beside writers: one wins, nothing is missed, nothing is half there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::kit::{Client, World};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_with_one_tag_exactly_one_wins() {
    let world = World::new().await;
    let max = world.client("max");
    let (other, _stop) = world.beside().await;
    let there = Client { address: other, ..max.clone() };
    let mut etag = max.put("/files/tram/a", "start").expect(201).await.header("etag").unwrap().to_owned();
    for round in 0..10 {
        let tasks: Vec<_> = (0..6)
            .map(|n| {
                let (client, etag) = (world.client(if n % 2 == 0 { "max" } else { "mia" }), etag.clone());
                tokio::spawn(async move {
                    let text = format!("{round} {n}");
                    (client.put("/files/tram/a", &text).header("If-Match", &etag).send().await, text)
                })
            })
            .collect();
        let mut won = Vec::new();
        for task in tasks {
            let (answer, text) = task.await.unwrap();
            assert!([204, 412].contains(&answer.status), "{}", answer.status);
            if answer.status == 204 {
                won.push((answer.header("etag").unwrap().to_owned(), text));
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        let (tag, text) = won.pop().unwrap();
        for reader in [&max, &there] {
            let found = reader.get("/files/tram/a").expect(200).await;
            assert_eq!((found.header("etag"), found.text()), (Some(tag.as_str()), text.clone()));
        }
        etag = tag;
    }
    // What was refused is no version either: there are the first, and the ten that won.
    let versions = there.propfind("/history/tram/a/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(versions.len() - 1, 11, "{versions:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_lockers_exactly_one_wins() {
    let world = World::new().await;
    let (other, _stop) = world.beside().await;
    let rita = world.client("rita");
    let there = Client { address: other, ..rita.clone() };
    for round in 0..10 {
        let path = format!("/files/tram/l{round}");
        let tasks: Vec<_> = ["max", "mia", "lea", "max"]
            .into_iter()
            .map(|name| {
                let (client, path) = (world.client(name), path.clone());
                tokio::spawn(async move { client.lock(&path, "exclusive", "0").send().await })
            })
            .collect();
        let (mut statuses, mut token) = (Vec::new(), None);
        for task in tasks {
            let answer = task.await.unwrap();
            statuses.push(answer.status);
            token = token.or(answer.header("lock-token").map(|token| token.trim_matches(['<', '>']).to_owned()));
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 423, 423, 423]);
        // There is the lock of the one who won, and no other, for whoever asks.
        for reader in [&rita, &there] {
            let reported = reader.propfind(&path, "0", "<D:lockdiscovery/>").expect(207).await.text();
            assert_eq!(
                reported.matches("opaquelocktoken:").count() + reported.matches("urn:uuid:").count(),
                1,
                "{reported}"
            );
            assert!(reported.contains(token.as_deref().unwrap()), "{reported}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syncing_reader_misses_nothing() {
    let world = World::new().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = ["max", "mia", "lea"]
        .into_iter()
        .map(|name| {
            let (client, stop) = (world.client(name), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) && n < 200 {
                    client.put(&format!("/files/tram/{name}-{}", n % 40), &format!("{n}")).send().await;
                    if n % 7 == 3 {
                        client.delete(&format!("/files/tram/{name}-{}", (n / 2) % 40)).send().await;
                    }
                    n += 1;
                }
            })
        })
        .collect();
    let rita = world.client("rita");
    let mut mirror = std::collections::BTreeMap::new();
    let mut token = String::new();
    let mut rounds = 0;
    loop {
        let last = rounds >= 60;
        if last {
            stop.store(true, Ordering::Relaxed);
        }
        let finished = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let page = rita.sync("/files/tram/", &token, "1", "").expect(207).await;
        for response in page.xml().elements().filter(|e| e.name.is_dav("response")) {
            let href = response.dav("href").unwrap().text();
            match response.dav("propstat").and_then(|p| p.dav("prop")).and_then(|p| p.dav("getetag")) {
                Some(etag) => mirror.insert(href, etag.text()),
                None => mirror.remove(&href),
            };
        }
        token = page.sync_token();
        rounds += 1;
        if finished {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let listed = rita.propfind("/files/tram/", "1", "<D:getetag/>").expect(207).await;
    let there: std::collections::BTreeMap<String, String> = listed
        .xml()
        .elements()
        .skip(1)
        .map(|r| {
            let etag = r.dav("propstat").and_then(|p| p.dav("prop")).and_then(|p| p.dav("getetag")).unwrap().text();
            (r.dav("href").unwrap().text(), etag)
        })
        .collect();
    assert_eq!(mirror, there);
    world.sound().await;
}

/// A write sees what its neighbours wrote before that is on disk; nobody else does. Who is refused because of it must
/// find it there: when they read, for another write would see it anyway, and when another process does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_rests_on_what_everyone_can_see() {
    let world = World::new().await;
    let (other, _stop) = world.beside().await;
    let busy = Arc::new(AtomicBool::new(true));
    let neighbours: Vec<_> = (0..6)
        .map(|neighbour| {
            let (client, busy) = (world.client("lea"), Arc::clone(&busy));
            tokio::spawn(async move {
                for number in 0.. {
                    if !busy.load(Ordering::Relaxed) {
                        break;
                    }
                    client.put(&format!("/files/tram/n-{neighbour}-{number}"), "x").expect(201).await;
                }
            })
        })
        .collect();
    for round in 0..60 {
        let makers: Vec<_> = (0..4)
            .map(|maker| {
                let client = world.client("max");
                let there = Client { address: other, ..client.clone() };
                tokio::spawn(async move {
                    let folder = format!("/files/tram/folder-{round}/");
                    let made = client.mkcol(&folder).send().await.status;
                    assert!(matches!(made, 201 | 405), "{made}");
                    let reader = if maker % 2 == 0 { &client } else { &there };
                    reader.propfind(&folder, "0", "<D:displayname/>").expect(207).await;
                    client.put(&format!("{folder}{maker}"), "x").expect(201).await;
                })
            })
            .collect();
        for maker in makers {
            maker.await.unwrap();
        }
    }
    busy.store(false, Ordering::Relaxed);
    for neighbour in neighbours {
        neighbour.await.unwrap();
    }
    world.sound().await;
}

/// Two servers on one database, as two processes are: what either caches is never older than what the other has
/// acknowledged, of documents and of rights.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_remembers_is_never_old() {
    let world = World::new().await;
    let (other, _stop) = world.beside().await;
    let clients = ["max", "mia", "lea"].map(|name| {
        let here = world.client(name);
        (name, here.clone(), Client { address: other, ..here })
    });
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|(name, here, there)| {
            tokio::spawn(async move {
                let path = format!("/files/tram/{name}.txt");
                for round in 0..40 {
                    let text = format!("{name} {round}");
                    let (writes, reads) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
                    let written = writes.put(&path, &text).send().await.status;
                    assert!(matches!(written, 201 | 204), "{name} {round}: {written}");
                    for reader in [reads, writes, reads] {
                        assert_eq!(reader.get(&path).expect(200).await.text(), text);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let zoe = Client { address: other, ..world.client("zoe") };
    for _ in 0..5 {
        zoe.get("/files/tram/max.txt").expect(404).await;
        world.tree.add_member("tram", "zoe", beffroi::model::privilege::Role::Reader, None).await.unwrap();
        zoe.get("/files/tram/max.txt").expect(200).await;
        world.tree.remove_member("tram", "zoe").await.unwrap();
    }
}
