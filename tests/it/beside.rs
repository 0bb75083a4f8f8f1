//! What lies beside what is one's own shows nothing of itself: neither by a name that it takes, nor by a number that it
//! moves on, nor by who may do what there.

use super::kit::Client;
use super::leaks::{END, names, partner, said};

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
