//! What lies beside what is one's own shows nothing of itself: neither by a name that it takes, nor by a number that it
//! moves on, nor by who may do what there.

use beffroi::model::privilege::Role;

use super::kit::{Client, event};
use super::leaks::{END, SHARED, names, partner, said};
use super::retention::sql;

/// What someone sees of the trash of the project.
async fn trash(client: &Client) -> Vec<String> {
    let props = "<D:displayname/><D:getetag/><D:resourcetype/><D:getcontentlength/>";
    let mut seen = vec![said(client.propfind("/trash/pont/", "1", props)).await];
    for name in names(client, "/trash/pont/").await {
        let path = format!("/trash/pont/{name}");
        seen.push(said(client.propfind(&path, "0", props)).await);
        seen.push(said(client.get(&path)).await);
    }
    seen
}

/// Whoever deletes it and whatever bears its name in the trash of its home, before or after: what was deleted from a
/// part is called the same for who sees nothing else.
#[tokio::test]
async fn what_was_deleted_beside_gives_nothing_else_a_name() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    for by in [&zoe, &lea] {
        let mut seen = Vec::new();
        // The first of these names stands in the trash already, the second will, the third never does.
        for name in ["faded", "later", "never"] {
            for (path, text) in [(format!("{END}{name}.txt"), "a"), (format!("{END}{name}/in.txt"), "b")] {
                if text == "b" {
                    zoe.mkcol(&format!("{END}{name}")).expect(201).await;
                }
                zoe.put(&path, text).expect(201).await;
            }
            by.delete(&format!("{END}{name}.txt")).expect(204).await;
            by.delete(&format!("{END}{name}/")).expect(204).await;
            if name == "later" {
                lea.put("/files/pont/later.txt", "x").expect(201).await;
                lea.delete("/files/pont/later.txt").expect(204).await;
            }
            assert_eq!(names(&zoe, "/trash/pont/").await, [name.to_owned(), format!("{name}.txt")]);
            seen.push(trash(&zoe).await.concat().replace(name, "NAME"));
            // They come back from there, and are taken out of sight.
            for entry in [name.to_owned(), format!("{name}.txt")] {
                zoe.relocate(&format!("/trash/pont/{entry}"), &format!("{END}{entry}")).expect(201).await;
            }
            assert_eq!(zoe.get(&format!("{END}{name}/in.txt")).expect(200).await.text(), "b");
            for entry in [name.to_owned(), format!("{name}.txt")] {
                lea.relocate(&format!("{END}{entry}"), &format!("/files/pont/aside/{entry}")).expect(201).await;
                lea.delete(&format!("/files/pont/aside/{entry}")).expect(204).await;
            }
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    }
    world.sound().await;
}

/// Two things of one name that both may be seen are found under two.
#[tokio::test]
async fn what_one_may_see_of_one_name_has_two_names() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    for text in ["one", "two", "three"] {
        zoe.put(&format!("{END}Plan.docx"), text).expect(201).await;
        lea.delete(&format!("{END}Plan.docx")).expect(204).await;
    }
    zoe.put(&format!("{END}alone.docx"), "alone").expect(201).await;
    zoe.delete(&format!("{END}alone.docx")).expect(204).await;
    let found = names(&zoe, "/trash/pont/").await;
    assert_eq!((found.len(), found[0].as_str()), (4, "alone.docx"), "{found:?}");
    zoe.get("/trash/pont/Plan.docx").expect(404).await;
    let mut texts = Vec::new();
    for name in &found[1..] {
        texts.push(zoe.get(&format!("/trash/pont/{name}")).expect(200).await.text());
    }
    texts.sort();
    assert_eq!(texts, ["one", "three", "two"]);
    // What is left alone bears its own name.
    for name in &found[1..3] {
        zoe.relocate(&format!("/trash/pont/{name}"), &format!("{END}back.docx")).expect(201).await;
    }
    assert_eq!(names(&zoe, "/trash/pont/").await, ["alone.docx", "Plan.docx"]);
    zoe.get("/trash/pont/plan.DOCX").expect(200).await;
    world.sound().await;
}

/// All that is handed out of the number of a change, of what someone may see.
async fn numbers(client: &Client) -> Vec<String> {
    let mut found = Vec::new();
    let props = "<D:sync-token/><D:getetag/><C:getctag xmlns:C=\"http://calendarserver.org/ns/\"/>";
    for path in [END, SHARED, "/calendars/zoe/shared@pont/"] {
        let answer = client.propfind(path, "0", props).expect(207).await;
        found.extend(["sync-token", "getctag"].iter().filter_map(|name| answer.property(name)).map(|one| one.text()));
        found.push(client.sync(path, "", "1", "").expect(207).await.sync_token());
        let more = "<D:limit><D:nresults>1</D:nresults></D:limit>";
        found.push(client.sync(path, "", "infinite", more).expect(207).await.sync_token());
    }
    found
}

/// What is handed out of the numbers of changes is the same as long as nothing changes, at any process, and shows
/// neither how much others did meanwhile nor which came first.
#[tokio::test]
async fn numbers_of_changes_are_handed_out_sealed() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let begin = numbers(&zoe).await;
    assert_eq!(begin.len(), 11);
    for round in 0..30 {
        lea.put("/files/pont/known.txt", &format!("{round}")).expect(204).await;
    }
    assert_eq!(numbers(&zoe).await, begin);
    let (address, stop) = world.beside().await;
    assert_eq!(numbers(&Client { address, ..zoe.clone() }).await, begin);
    stop.send(()).unwrap();
    let mut rounds = Vec::new();
    for round in 0..16 {
        zoe.put(&format!("{END}own.txt"), &format!("{round}")).expect(204).await;
        zoe.put(&format!("{SHARED}known.ics"), &event("known", &format!("202606{:02}", 10 + round))).expect(204).await;
        rounds.push(numbers(&zoe).await);
    }
    for place in 0..begin.len() {
        let ascending = rounds.windows(2).filter(|pair| pair[0][place] < pair[1][place]).count();
        assert!((2..14).contains(&ascending), "{place}: {ascending}");
        assert!(rounds.windows(2).all(|pair| pair[0][place].len() == pair[1][place].len()), "{rounds:#?}");
    }
    // Each of them still means what it meant.
    for (place, round) in rounds.iter().enumerate() {
        let since: &[String] = if place == 15 { &[] } else { &[format!("{END}own.txt")] };
        assert_eq!(zoe.sync(END, &round[1], "1", "").expect(207).await.hrefs(), since);
    }
}

/// The tag of a private event, for who sees only that someone is busy, counts nothing.
#[tokio::test]
async fn the_tag_of_what_is_masked_counts_nothing() {
    let (world, _) = partner().await;
    let (lea, rita) = (world.client("lea"), world.client("rita"));
    world.tree.grant(SHARED, "rita", Role::Reader, None).await.unwrap();
    let path = format!("{SHARED}secret.ics");
    let mut tags = Vec::new();
    for round in 0..16 {
        let text = event("secret", &format!("202606{:02}", 10 + round)).replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY");
        lea.put(&path, &text).send().await;
        let tag = rita.get(&path).expect(200).await.header("etag").unwrap().to_owned();
        lea.put("/files/pont/known.txt", &format!("{round}")).expect(204).await;
        assert_eq!(rita.propfind(&path, "0", "<D:getetag/>").expect(207).await.value("getetag"), tag);
        rita.get(&path).header("If-None-Match", &tag).expect(304).await;
        tags.push(tag);
    }
    let ascending = tags.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((2..14).contains(&ascending), "{tags:?}");
}

/// A token that spells its numbers, as older versions handed them out, is taken for what was done until then; whoever
/// makes one up learns nothing of what was done since.
#[tokio::test]
async fn tokens_that_spell_their_numbers_are_honoured_up_to_the_last_that_was_handed_out() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let (home, seq): (i64, i64) = {
        let mut c = world.database().await;
        sqlx::query_as("SELECT n.home_id, h.seq FROM node n JOIN home h ON h.node_id = n.home_id WHERE n.name = 'end'")
            .fetch_one(&mut c)
            .await
            .unwrap()
    };
    let resource = zoe.propfind(END, "0", "<D:resource-id/>").expect(207).await.property("resource-id");
    let resource = resource.unwrap().dav("href").unwrap().text();
    let (epoch, node) = resource.strip_prefix("urn:beffroi:").unwrap().split_once(':').unwrap();
    let spelled = |seq: i64| format!("urn:beffroi:sync:{epoch}:{node}:{home}:{seq}");
    for number in 0..seq + 10 {
        zoe.sync(END, &spelled(number), "1", "").expect(403).await;
    }
    // What the last version before this one left.
    sql(&world, &format!("UPDATE home SET plain_seq = {seq}")).await;
    zoe.put(&format!("{END}new.txt"), "x").expect(201).await;
    let listed = zoe.sync(END, &spelled(seq), "1", "").expect(207).await;
    assert_eq!(listed.hrefs(), [format!("{END}new.txt")]);
    lea.put("/files/pont/known.txt", "more").expect(204).await;
    for number in seq + 1..seq + 10 {
        zoe.sync(END, &spelled(number), "1", "").expect(403).await;
    }
}

/// A page of changes is full when there is more that may be seen, and not when there is more elsewhere in the home.
#[tokio::test]
async fn changes_elsewhere_fill_no_page() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let before = zoe.sync(END, "", "infinite", "").expect(207).await.sync_token();
    zoe.put(&format!("{END}new.txt"), "x").expect(201).await;
    let more = "<D:limit><D:nresults>1</D:nresults></D:limit>";
    let alone = said(zoe.sync(END, &before, "infinite", more)).await;
    lea.put("/files/pont/new.txt", "x").expect(201).await;
    lea.delete("/files/pont/aside/").expect(204).await;
    assert_eq!(said(zoe.sync(END, &before, "infinite", more)).await, alone);
    assert!(!alone.contains("507"), "{alone}");
    zoe.put(&format!("{END}newer.txt"), "x").expect(201).await;
    let page = zoe.sync(END, &before, "infinite", more).expect(207).await;
    assert!(page.text().contains("507") && page.hrefs().contains(&format!("{END}new.txt")), "{}", page.text());
    let rest = zoe.sync(END, &page.sync_token(), "infinite", more).expect(207).await;
    assert_eq!(rest.hrefs(), [format!("{END}newer.txt")]);
}
