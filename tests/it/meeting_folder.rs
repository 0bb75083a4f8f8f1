//! The folder of a meeting: made after the meeting where a project says so, and the two name each other.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::tree::Tree;
use beffroi::tree::job::{JOBS, JobPoll};

use crate::kit::{Client, World};
use crate::meetings::{copy, meeting, text};
use crate::{answer_pages, attachments};

pub const PATH: &str = "/calendars/tram/meetings/one.ics";
pub const FOLDER: &str = "/files/tram/Meetings/2030-07-01%20Point/";
pub const URL: &str = "https://b.ville.example";

/// A world whose project has folders made.
pub async fn world() -> World {
    let world = World::with_mail("agenda.ville.example").await;
    world.tree.set_meeting_folders("tram", true).await.unwrap();
    world
}

pub fn tree(world: &World) -> Tree {
    let domain = "agenda.ville.example".parse().unwrap();
    world.tree.clone().in_mail_domain(Some(domain)).reached_at(Some(&format!("{URL}/")))
}

/// Has the folders made that wait.
pub async fn follow(tree: &Tree) {
    for kind in ["folders", "refresh"] {
        let row = JOBS.iter().find(|row| row.kind == kind).expect("a kind");
        while let JobPoll::Again = tree.run_next(row, now() + 60).await.expect("run") {}
    }
}

/// A meeting of the project with someone of it, someone of elsewhere here, and someone outside.
pub fn invited(lines: &str) -> String {
    let people = ["mia@ville.example", "zoe@ville.example", "paul@dehors.example"];
    let people: String = people.iter().map(|who| format!("ATTENDEE;RSVP=TRUE:mailto:{who}\r\n")).collect();
    meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}{lines}"))
}

pub async fn stored(client: &Client) -> String {
    text(&client.get(PATH).expect(200).await)
}

pub fn links(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("ATTACH")).collect()
}

pub async fn mails(world: &World) -> usize {
    world.tree.jobs().await.unwrap().iter().filter(|job| job.kind == "mail").count()
}

#[tokio::test]
async fn a_new_meeting_gets_a_folder_and_each_names_the_other() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    max.put(PATH, &invited("")).expect(201).await;
    max.propfind(FOLDER, "0", "").expect(404).await;
    let before = max.get(PATH).expect(200).await;
    let sent = mails(&world).await;
    follow(&tree).await;
    let property = max.propfind(FOLDER, "0", "<meeting xmlns=\"urn:beffroi:\"/>").expect(207).await;
    assert!(property.text().contains(&format!(">{PATH}</")), "{}", property.text());
    let after = max.get(PATH).expect(200).await;
    let now = text(&after);
    let [line] = links(&now)[..] else { panic!("{now}") };
    assert!(line.contains("FMTTYPE=text/html") && line.ends_with(&format!(":{URL}{FOLDER}")), "{line}");
    assert_eq!(after.header("schedule-tag"), before.header("schedule-tag"), "it is the same meeting");
    // Who belongs to the project finds it, who has no part in it learns nothing of its documents, and nobody hears of
    // it.
    for (name, expected) in [("mia", vec![line]), ("zoe", vec![])] {
        let (_, copy) = copy(&world.client(name), &format!("/calendars/{name}/personal/"), "one").await.unwrap();
        assert_eq!(links(&copy), expected, "{copy}");
    }
    assert_eq!(mails(&world).await, sent);
    // Nothing more is to be done.
    let tag = after.header("etag").map(str::to_owned);
    follow(&tree).await;
    assert_eq!(max.get(PATH).expect(200).await.header("etag").map(str::to_owned), tag);
    world.sound().await;
}

#[tokio::test]
async fn the_link_is_put_back_and_follows_the_folder_and_what_clients_attach_stays() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let own = "ATTACH;FMTTYPE=text/html:https://b.ville.example/files/tram/Autre/\r\n";
    max.put(PATH, &invited(own)).expect(201).await;
    follow(&tree).await;
    let whole = stored(&max).await;
    assert_eq!(links(&whole).len(), 2, "{whole}");
    // Given back, it is the line that it was.
    max.put(PATH, &whole.replace("SUMMARY:Point", "SUMMARY:Grand point")).expect(204).await;
    follow(&tree).await;
    assert_eq!(links(&stored(&max).await), links(&whole));
    // A program that drops what it does not know, or all but the address.
    let bare: String =
        whole.lines().filter(|line| !line.contains("/Meetings/")).map(|line| format!("{line}\r\n")).collect();
    max.put(PATH, &bare).expect(204).await;
    follow(&tree).await;
    assert_eq!(links(&stored(&max).await), links(&whole));
    max.put(PATH, &whole.replace(";X-BEFFROI-FOLDER=TRUE", "")).expect(204).await;
    follow(&tree).await;
    let now = stored(&max).await;
    assert_eq!(links(&now).len(), 2, "{now}");
    // A folder that is called otherwise keeps its meeting.
    max.relocate(FOLDER, "/files/tram/Comit%C3%A9/").expect(201).await;
    max.put(PATH, &whole.replace("SUMMARY:Point", "SUMMARY:Petit point")).expect(204).await;
    follow(&tree).await;
    let now = stored(&max).await;
    assert!(links(&now).iter().any(|line| line.ends_with("/files/tram/Comit%C3%A9/")), "{now}");
    assert_eq!(links(&now).len(), 2, "{now}");
    // One that people deleted is not made again.
    max.delete("/files/tram/Comit%C3%A9/").expect(204).await;
    max.put(PATH, &now).expect(204).await;
    follow(&tree).await;
    assert_eq!(links(&stored(&max).await), [own.trim_end()]);
    max.propfind("/files/tram/Meetings/", "1", "").expect(207).await.hrefs().iter().for_each(|href| {
        assert_eq!(href, "/files/tram/Meetings/");
    });
    world.sound().await;
}

#[tokio::test]
async fn a_series_has_one_folder_that_stays_when_the_meeting_goes_and_only_where_the_project_says_so() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    max.put(PATH, &invited("RRULE:FREQ=WEEKLY;COUNT=3\r\n")).expect(201).await;
    let moved = "BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20300101T000000Z\r\nRECURRENCE-ID:20300708T090000Z\r\n\
                         DTSTART:20300709T090000Z\r\nDTEND:20300709T100000Z\r\nSUMMARY:Point\r\nEND:VEVENT\r\n\
                         END:VCALENDAR\r\n";
    let with = stored(&max).await.replace("END:VCALENDAR\r\n", moved);
    max.put(PATH, &with).expect(204).await;
    follow(&tree).await;
    assert_eq!(links(&stored(&max).await).len(), 2, "each component has the line");
    assert_eq!(max.propfind("/files/tram/Meetings/", "1", "").expect(207).await.hrefs().len(), 2);
    max.delete(PATH).expect(204).await;
    follow(&tree).await;
    max.propfind(FOLDER, "0", "").expect(207).await;
    // An event with nobody in it, one of a person, and a project that does not want folders.
    max.put("/calendars/tram/meetings/two.ics", &meeting("two", "")).expect(201).await;
    let own = invited("").replace("UID:one", "UID:three");
    max.put("/calendars/max/personal/three.ics", &own).expect(201).await;
    world.tree.set_meeting_folders("tram", false).await.unwrap();
    max.put("/calendars/tram/meetings/four.ics", &invited("").replace("UID:one", "UID:four")).expect(201).await;
    assert!(world.tree.jobs().await.unwrap().iter().all(|job| job.kind != "folders"));
    follow(&tree).await;
    assert_eq!(max.propfind("/files/tram/Meetings/", "1", "").expect(207).await.hrefs().len(), 2);
    world.sound().await;
}

/// A lock of somebody's is waited for, and is in nobody's way.
#[tokio::test]
async fn what_the_documents_refuse_is_in_no_way_of_the_meeting() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let lock = world.client("lea").locked("/files/tram/", "exclusive", "infinity").await;
    max.put(PATH, &invited("")).expect(201).await;
    follow(&tree).await;
    max.propfind(FOLDER, "0", "").expect(404).await;
    let waits = world.tree.jobs().await.unwrap().into_iter().find(|job| job.kind == "folders").expect("it waits");
    assert_eq!(waits.state(), "waiting");
    world.client("lea").ask("UNLOCK", "/files/tram/").header("Lock-Token", &format!("<{lock}>")).expect(204).await;
    let row = JOBS.iter().find(|row| row.kind == "folders").expect("a kind");
    while let JobPoll::Again = tree.run_next(row, now() + 3600).await.expect("run") {}
    max.propfind(FOLDER, "0", "").expect(207).await;
    world.sound().await;
}

/// Has the tables made that are due at a moment.
pub async fn attend(tree: &Tree, at: i64) {
    let row = JOBS.iter().find(|row| row.kind == "attendance").expect("a kind");
    while let JobPoll::Again = tree.run_next(row, at).await.expect("run") {}
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[tokio::test]
async fn when_a_meeting_ends_a_table_in_its_folder_says_who_was_invited_and_is_the_peoples_from_then_on() {
    let world = world().await;
    let (tree, max, zoe) = (tree(&world), world.client("max"), world.client("zoe"));
    max.put(PATH, &invited("")).expect(201).await;
    follow(&tree).await;
    let (href, copied) = copy(&zoe, "/calendars/zoe/personal/", "one").await.unwrap();
    let declined = copied.replace("RSVP=TRUE:mailto:zoe@", "PARTSTAT=DECLINED:mailto:zoe@");
    assert_ne!(declined, copied);
    zoe.put(&href, &declined).expect(204).await;
    attend(&tree, at("2030-07-01T09:59:59Z")).await;
    let path = format!("{FOLDER}Pr%C3%A9sences.csv");
    max.get(&path).expect(404).await;
    attend(&tree, at("2030-07-01T10:00:00Z")).await;
    let answer = max.get(&path).expect(200).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let table = answer.text();
    assert!(table.starts_with("\u{feff}Nom / Name;"), "{table}");
    assert!(table.contains(";zoe@ville.example;requis / required;excusé / excused;\r\n"), "{table}");
    assert!(table.contains(";paul@dehors.example;requis / required;sans réponse / no answer;\r\n"), "{table}");
    // Somebody notes who was there: another version, which nothing undoes.
    max.put(&path, "noted").expect(204).await;
    max.put(PATH, &stored(&max).await.replace("SUMMARY:Point", "SUMMARY:Autre")).expect(204).await;
    follow(&tree).await;
    attend(&tree, at("2030-08-01T00:00:00Z")).await;
    assert_eq!(max.get(&path).expect(200).await.text(), "noted");
    world.sound().await;
}

#[tokio::test]
async fn each_occurrence_has_its_table_also_when_nobody_looked_for_long_and_what_was_moved_only_one() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    max.put(PATH, &invited("RRULE:FREQ=WEEKLY;COUNT=3\r\n")).expect(201).await;
    follow(&tree).await;
    // An hour later, before any took place.
    let moved =
        stored(&max).await.replace("T090000Z", "T100000Z").replace("DTEND:20300701T100000Z", "DTEND:20300701T110000Z");
    max.put(PATH, &moved).expect(204).await;
    follow(&tree).await;
    attend(&tree, at("2030-07-30T00:00:00Z")).await;
    let mut names = max.propfind(FOLDER, "1", "").expect(207).await.hrefs();
    names.retain(|name| name.ends_with(".csv"));
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    for (name, day) in names.iter().zip(["2030-07-01", "2030-07-08", "2030-07-15"]) {
        assert!(name.contains(&format!("Pr%C3%A9sences%20{day}%20")), "{name}");
    }
    assert!(world.tree.jobs().await.unwrap().iter().all(|job| job.kind != "attendance"));
    world.sound().await;
}

/// What is shown by a secret is what its holder is sent: not what those read who belong to the project.
#[tokio::test]
async fn who_answers_without_an_account_sees_no_folder_and_opens_documents_at_addresses_of_their_own() {
    let world = answer_pages::world().await;
    world.tree.set_meeting_folders("tram", true).await.unwrap();
    let tree = world.tree.clone().reached_at(Some("https://agenda.ville.example"));
    let max = world.client("max");
    max.put(PATH, &invited("")).expect(201).await;
    follow(&tree).await;
    assert!(stored(&max).await.contains("/files/tram/"));
    assert_eq!(attachments::add(&max, PATH, "ordre du jour.pdf", "%PDF").await.status, 201);
    let link = answer_pages::link(&world, "paul@dehors.example").await;
    let page = answer_pages::page(&world, &link).await.text();
    assert!(!page.contains("/files/") && !page.contains("/own/"), "{page}");
    let (_, file) = page.split_once("<a href=\"https://agenda.ville.example/attachments/").expect("a file");
    let (path, name) = file.split_once("\">").unwrap();
    assert!(name.starts_with("ordre du jour.pdf<"), "{page}");
    assert_eq!(world.nobody().get(&format!("/attachments/{path}")).expect(200).await.text(), "%PDF");
}

/// The link is in the copies of those who may read the folder, by whatever right, and in nobody else's.
#[tokio::test]
async fn a_copy_bears_the_link_exactly_where_its_owner_may_read_the_folder() {
    let world = world().await;
    let (tree, max, zoe) = (tree(&world), world.client("max"), world.client("zoe"));
    max.put(PATH, &invited("")).expect(201).await;
    follow(&tree).await;
    max.put(&format!("{FOLDER}a.odt"), "x").expect(201).await;
    max.mkcol(&format!("{FOLDER}Notes/")).expect(201).await;
    world.tree.add_group("equipe", "Equipe").await.unwrap();
    world.tree.join_group("equipe", "zoe").await.unwrap();
    let mut number = 0;
    let mut agrees = async |what: &str, may_read: bool| {
        number += 1;
        max.put(PATH, &stored(&max).await.replace("SUMMARY:", &format!("SUMMARY:{number}"))).expect(204).await;
        let (_, copy) = copy(&zoe, "/calendars/zoe/personal/", "one").await.unwrap();
        let has_link = links(&copy).iter().any(|line| line.contains("/files/"));
        let reads = zoe.get(&format!("{FOLDER}a.odt")).send().await.status == 200;
        assert_eq!((has_link, reads), (may_read, may_read), "{what}: {copy}");
    };
    agrees("nothing", false).await;
    let folder = FOLDER.trim_end_matches('/').replace("%20", " ");
    let (notes, day) = (format!("{folder}/Notes"), Some(now() + 86_400));
    for (place, holder, role, until, may_read) in [
        ("/calendars/tram", "zoe", Role::Member, None, false),
        (notes.as_str(), "zoe", Role::Lead, None, false),
        (folder.as_str(), "zoe", Role::Reader, day, true),
        ("/files/tram/Meetings", "equipe", Role::Reader, None, true),
        ("/files/tram", "zoe", Role::Member, None, true),
    ] {
        world.tree.grant(place, holder, role, until).await.unwrap();
        agrees(place, may_read).await;
        world.tree.revoke(place, holder).await.unwrap();
        agrees(place, false).await;
    }
    world.tree.add_member("tram", "equipe", Role::Reader, None).await.unwrap();
    agrees("the project", true).await;
    world.tree.leave_group("equipe", "zoe").await.unwrap();
    agrees("no more", false).await;
    // Nothing of it is mailed to whoever is elsewhere.
    let mut database = world.database().await;
    let leaked: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM mail m JOIN body b ON b.hash = m.message_hash WHERE CAST(b.data AS TEXT) LIKE \
         '%/files/%'",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(leaked, 0);
    world.sound().await;
}
