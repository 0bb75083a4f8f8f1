//! What programs leave about, and what only looks like it: no document of a person vanishes without trace.

use beffroi::model::id::now;

use super::kit::World;
use super::past::names;
use super::retention::sql;
use super::versions::versions;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_document_is_one_wherever_it_stands() {
    let world = World::new().await;
    let max = world.client("max");
    let at = |path: &str| format!("/files/tram/{path}");
    // Folders whose names only look temporary, and those that programs make to save in.
    for folder in
        ["Projet.tmp", "notes~", ".sb-1a2b", "(A%20Document%20Being%20Saved%20By%20TextEdit)", "~$x", "Plan.sb"]
    {
        let (folder, below) = (at(folder), at(&format!("{folder}/a.rtfd")));
        max.mkcol(&folder).expect(201).await;
        max.mkcol(&below).expect(201).await;
        for content in ["one", "two"] {
            max.put(&format!("{below}/TXT.rtf"), content).send().await;
            max.put(&format!("{folder}/doc.docx"), content).send().await;
        }
        assert_eq!(versions(&max, &format!("{below}/TXT.rtf")).await, ["1", "2"], "{folder}");
        // The folder under another name, what stood in it moved out, copied, deleted and restored.
        max.relocate(&below, &at("Note.rtfd")).expect(201).await;
        max.copy(&folder, &at("Copie")).expect(201).await;
        max.relocate(&folder, &at("Projet")).expect(201).await;
        max.delete(&at("Projet")).expect(204).await;
        assert_eq!(max.get("/trash/tram/Projet/doc.docx").expect(200).await.text(), "two", "{folder}");
        max.relocate("/trash/tram/Projet", &at("Projet")).expect(201).await;
        for path in ["Note.rtfd/TXT.rtf", "Projet/doc.docx", "Copie/doc.docx"] {
            max.put(&at(path), "three").expect(204).await;
        }
        assert_eq!(versions(&max, &at("Note.rtfd/TXT.rtf")).await, ["1", "2", "3"], "{folder}");
        assert_eq!(versions(&max, &at("Projet/doc.docx")).await, ["1", "2", "3"], "{folder}");
        assert_eq!(versions(&max, &at("Copie/doc.docx")).await, ["1", "2"], "{folder}");
        // Left for days, all of it is there.
        world.tree.maintain(now() + 2 * DAY).await.unwrap();
        for path in ["Note.rtfd/TXT.rtf", "Projet/doc.docx", "Copie/doc.docx"] {
            assert_eq!(max.get(&at(path)).expect(200).await.text(), "three", "{folder}");
        }
        for name in ["Note.rtfd", "Projet", "Copie"] {
            max.delete(&at(name)).expect(204).await;
            world.client("lea").delete(&format!("/trash/tram/{name}")).expect(204).await;
        }
        world.sound().await;
    }
}

#[tokio::test]
async fn what_a_person_calls_temporary_is_a_document() {
    let world = World::new().await;
    let (max, lea) = (world.client("max"), world.client("lea"));
    for name in ["budget.tmp", "notes~", "Plan.docx.tmp", "1234.tmp", "archive.sb"] {
        let path = format!("/files/tram/{name}");
        max.put(&path, "one").expect(201).await;
        max.put(&path, "two").expect(204).await;
        assert_eq!(versions(&max, &path).await, ["1", "2"], "{name}");
        world.tree.maintain(now() + 2 * DAY).await.unwrap();
        max.delete(&path).expect(204).await;
        assert_eq!(max.get(&format!("/trash/tram/{name}")).expect(200).await.text(), "two", "{name}");
        lea.delete(&format!("/trash/tram/{name}")).expect(204).await;
    }
    // A document does not become litter by its name: nobody gets rid of one so.
    max.put("/files/tram/acte.docx", "acte").expect(201).await;
    max.relocate("/files/tram/acte.docx", "/files/tram/~$acte.docx").expect(201).await;
    world.tree.maintain(now() + 2 * DAY).await.unwrap();
    max.delete("/files/tram/~$acte.docx").expect(204).await;
    assert_eq!(max.get("/trash/tram/~$acte.docx").expect(200).await.text(), "acte");
    world.sound().await;
}

#[tokio::test]
async fn the_mirror_of_versions_leads_through_folders_of_any_name() {
    let world = World::new().await;
    let max = world.client("max");
    max.mkcol("/files/tram/.sb-1").expect(201).await;
    max.put("/files/tram/.sb-1/doc.txt", "one").expect(201).await;
    max.put("/files/tram/~$doc.txt", "owner").expect(201).await;
    assert_eq!(names(&max, "/history/tram/").await.iter().filter(|name| !name.starts_with('@')).count(), 1);
    assert_eq!(names(&max, "/history/tram/.sb-1/").await, ["doc.txt"]);
}

#[tokio::test]
async fn what_was_emptied_in_an_earlier_release_is_no_damage() {
    let world = World::new().await;
    let max = world.client("max");
    let path = "/files/tram/A9A97EC7.tmp";
    max.put(path, "new content before it is swapped in").expect(201).await;
    max.delete(path).expect(204).await;
    sql(&world, "UPDATE node SET gone_at = gone_at - 200000 WHERE name LIKE 'A9%'").await;
    world.tree.maintain(now()).await.unwrap();
    // Which names are litter was decided anew for all nodes, those that had been emptied among them.
    sql(&world, "UPDATE node SET litter = 0 WHERE hash IS NULL AND kind = 'file'").await;
    assert!(!world.tree.check(|_| {}).await.unwrap().damage.is_empty());
    sql(&world, include_str!("../../schema/0013_emptied.sql")).await;
    world.sound().await;
}
