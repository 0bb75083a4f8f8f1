//! Documents that come into the folder of a meeting after it began: attached to it, and all who took part hear of them.

use std::sync::Arc;

use beffroi::mail::outgoing::MailOffice;
use beffroi::model::id::now;
use beffroi::model::invitations::InvitationChannel;
use beffroi::model::privilege::Role;
use beffroi::tree::Tree;
use beffroi::tree::administration::people::PersonChange;
use beffroi::tree::job::JobPoll;
use beffroi::tree::job::mail::MAIL_JOBS;

use crate::kit::{Client, World};
use crate::meeting_folder::{FOLDER, PATH, URL, attend, follow, invited, links, mails, stored, tree, world};
use crate::meetings::copy;

const DAY_S: i64 = 86_400;

/// A moment before now, as meetings are written.
fn ago(seconds: i64) -> String {
    jiff::Timestamp::from_second(now() - seconds).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The meeting of [`invited`], which was two days ago.
fn held(lines: &str) -> String {
    invited(lines).replace("20300701T090000Z", &ago(2 * DAY_S)).replace("20300701T100000Z", &ago(2 * DAY_S - 3600))
}

/// The folder of its meeting.
async fn folder(max: &Client) -> String {
    let listed = max.propfind("/files/tram/Meetings/", "1", "").expect(207).await.hrefs();
    listed.into_iter().find(|href| href.ends_with("Point/")).expect("a folder")
}

/// Mail of a world is made, and lies in a folder.
fn mail_folder(tree: &Tree) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let domain = "agenda.ville.example".parse().unwrap();
    tree.set_mailer(Arc::new(MailOffice::in_folder(folder.path().to_owned(), domain, URL.to_owned())));
    folder
}

/// All mail that is due is sent: what lies there, each with its recipient, without the lines that end in `=`.
async fn sent(tree: &Tree, folder: &tempfile::TempDir) -> Vec<(String, String)> {
    for row in &MAIL_JOBS {
        while let JobPoll::Again = tree.run_next(row, now() + 60).await.expect("run") {}
    }
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let mut all: Vec<(String, String)> = files
        .map(|path| {
            let to = path.file_name().unwrap().to_str().unwrap().split(' ').next().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            (to, text.replace("=\r\n", "").replace("=3D", "=").replace("=C2=A0:", ":"))
        })
        .collect();
    all.sort();
    all
}

/// The address of a document that is named in a mail, without the server.
fn address<'a>(mail: &'a str, name: &str) -> &'a str {
    let (_, after) = mail.split_once(&format!("{name}: {URL}")).unwrap_or_else(|| panic!("no {name} in {mail}"));
    after.split("\r\n").next().unwrap()
}

async fn attach(tree: &Tree) -> u64 {
    tree.attach_all_minutes(now() + 60).await.unwrap()
}

/// What is attached in the copy of someone.
async fn documents(world: &World, name: &str, uid: &str) -> Vec<String> {
    let calendar = format!("/calendars/{name}/personal/");
    let (_, copy) = copy(&world.client(name), &calendar, uid).await.unwrap();
    links(&copy).into_iter().filter(|line| line.contains("MANAGED-ID")).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_people_put_there_after_the_beginning_is_attached_once_for_all_who_were_invited() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let past = invited("").replace("20300701T", "20200701T");
    let to_come = invited("").replace("UID:one", "UID:two").replace("Point", "Autre");
    max.put(PATH, &past).expect(201).await;
    max.put("/calendars/tram/meetings/two.ics", &to_come).expect(201).await;
    follow(&tree).await;
    let folder = FOLDER.replace("2030", "2020");
    attend(&tree, now()).await;
    let sent = mails(&world).await;
    max.put(&format!("{folder}Compte%20rendu.odt"), "minutes").expect(201).await;
    max.put(&format!("{folder}~$Compte%20rendu.odt"), "litter").expect(201).await;
    max.put("/files/tram/Meetings/2030-07-01%20Autre/ordre.odt", "agenda").expect(201).await;
    tree.attach_all_minutes(now() - 60).await.unwrap();
    assert!(documents(&world, "zoe", "one").await.is_empty(), "it may still be written");
    attach(&tree).await;
    let [line] = &documents(&world, "zoe", "one").await[..] else {
        panic!("{:?}", documents(&world, "zoe", "one").await)
    };
    assert!(line.contains("FILENAME=Compte rendu.odt") && line.contains("MANAGED-ID="), "{line}");
    let (_, path) = line.split_once(URL).expect("an address");
    assert_eq!(world.client("max").get(PATH).expect(200).await.text().matches("MANAGED-ID").count(), 1);
    assert!(path.starts_with("/attachments/") && !path.contains("/own/"), "{path}");
    assert!(documents(&world, "zoe", "two").await.is_empty(), "it has not begun");
    assert_eq!(mails(&world).await, sent + 1, "who is elsewhere hears of it");
    // What is taken off stays off.
    let bare: String = stored(&max)
        .await
        .lines()
        .filter(|line| !line.contains("MANAGED-ID"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    max.put(PATH, &bare).expect(204).await;
    attach(&tree).await;
    assert!(documents(&world, "zoe", "one").await.is_empty());
    world.sound().await;
}

/// A plain mail, which asks for nothing: nobody is invited anew to what is over.
#[tokio::test]
async fn who_has_no_calendar_here_hears_of_documents_once_by_mail() {
    let world = world().await;
    let (tree, max, nobody) = (tree(&world), world.client("max"), world.nobody());
    let mail = mail_folder(&tree);
    let anne = "ATTENDEE;CN=Anne;LANGUAGE=en:mailto:anne@dehors.example\r\n";
    let room = "ATTENDEE;CUTYPE=ROOM:mailto:salle@dehors.example\r\n";
    max.put(PATH, &held(&format!("{anne}{room}DESCRIPTION:interne\r\n"))).expect(201).await;
    follow(&tree).await;
    sent(&tree, &mail).await;
    let folder = folder(&max).await;
    for name in ["Compte%20rendu.odt", "Plan.pdf"] {
        max.put(&format!("{folder}{name}"), name).expect(201).await;
    }
    attach(&tree).await;
    let all = sent(&tree, &mail).await;
    assert_eq!(
        all.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(),
        ["anne@dehors.example", "paul@dehors.example"]
    );
    // Each in the language that they read, where it is known.
    for ((_, mail), subject) in all.iter().zip(["Documents: Point", "Documents : Point"]) {
        for part in [&format!("Subject: {subject}\r\n"), "Auto-Submitted: auto-generated\r\n", "multipart/alternative"]
        {
            assert!(mail.contains(part), "{part}: {mail}");
        }
        for part in ["text/calendar", "VCALENDAR", "/answer/", "/files/", "/own/", "interne"] {
            assert!(!mail.contains(part), "{part}: {mail}");
        }
        assert_eq!(nobody.get(address(mail, "Compte rendu.odt")).expect(200).await.text(), "Compte%20rendu.odt");
        nobody.get(address(mail, "Plan.pdf")).expect(200).await;
    }
    assert_ne!(address(&all[0].1, "Plan.pdf"), address(&all[1].1, "Plan.pdf"));
    // Whatever is done with the document later.
    for number in 0..10 {
        max.put(&format!("{folder}Plan.pdf"), &format!("{number}")).expect(204).await;
        assert_eq!(attach(&tree).await, 0);
    }
    max.relocate(&format!("{folder}Plan.pdf"), &format!("{folder}Plan%20final.pdf")).expect(201).await;
    attach(&tree).await;
    assert!(sent(&tree, &mail).await.is_empty());
    assert_eq!(nobody.get(address(&all[0].1, "Plan.pdf")).expect(200).await.text(), "9");
    // Who was taken out hears no more, nor anybody of what is called off.
    let whole = stored(&max).await;
    let without: String =
        whole.lines().filter(|line| !line.contains("paul@")).map(|line| format!("{line}\r\n")).collect();
    max.put(PATH, &without).expect(204).await;
    max.put(&format!("{folder}Annexe.pdf"), "x").expect(201).await;
    attach(&tree).await;
    let all = sent(&tree, &mail).await;
    assert!(all.len() == 1 && all[0].0.starts_with("anne@") && !all[0].1.contains("Plan"), "{all:?}");
    let off = stored(&max).await.replace("SUMMARY:Point", "STATUS:CANCELLED\r\nSUMMARY:Point");
    max.put(PATH, &off).expect(204).await;
    max.put(&format!("{folder}Autre.pdf"), "x").expect(201).await;
    sent(&tree, &mail).await;
    attach(&tree).await;
    assert!(sent(&tree, &mail).await.is_empty());
    world.sound().await;
}

/// Who has a calendar here hears of documents as they hear of invitations; also who is excused.
#[tokio::test]
async fn who_wants_mail_gets_it_here_too_whatever_they_answered() {
    for called in ["mailto:zoe@ville.example", "/principals/zoe/"] {
        let world = world().await;
        let (tree, max, zoe) = (tree(&world), world.client("max"), world.client("zoe"));
        let mail = mail_folder(&tree);
        for (name, channel) in [("zoe", InvitationChannel::Both), ("mia", InvitationChannel::Mail)] {
            let change = PersonChange { invitations: Some(channel), ..PersonChange::default() };
            world.tree.set_person(name, change).await.unwrap();
        }
        world.tree.set_disabled("mia", true).await.unwrap();
        max.put(PATH, &held("").replace("mailto:zoe@ville.example", called)).expect(201).await;
        follow(&tree).await;
        let (href, copied) = copy(&zoe, "/calendars/zoe/personal/", "one").await.unwrap();
        let declined = copied.replace(&format!("RSVP=TRUE:{called}"), &format!("PARTSTAT=DECLINED:{called}"));
        zoe.put(&href, &declined).expect(204).await;
        assert!(stored(&max).await.contains("DECLINED"));
        sent(&tree, &mail).await;
        max.put(&format!("{}a.pdf", folder(&max).await), "x").expect(201).await;
        attach(&tree).await;
        let all = sent(&tree, &mail).await;
        let to: Vec<&str> = all.iter().map(|(to, _)| to.as_str()).collect();
        assert_eq!(to, ["paul@dehors.example", "zoe@ville.example"], "{called}");
        assert_eq!(documents(&world, "zoe", "one").await.len(), 1);
        world.sound().await;
    }
}

/// Of the documents of one occurrence those hear who were invited to that one.
#[tokio::test]
async fn each_occurrence_has_its_documents_and_its_people() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let mail = mail_folder(&tree);
    let series = held("RRULE:FREQ=WEEKLY;COUNT=20\r\n");
    let id = series.split("DTSTART:").nth(1).unwrap().split("\r\n").next().unwrap();
    let apart = format!(
        "BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID:{id}\r\nDTSTART:{id}\r\n\
         DURATION:PT30M\r\nSUMMARY:Autre point\r\nORGANIZER:mailto:max@ville.example\r\n\
         ATTENDEE:mailto:anne@dehors.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    max.put(PATH, &series.replace("END:VCALENDAR\r\n", &apart)).expect(201).await;
    follow(&tree).await;
    sent(&tree, &mail).await;
    max.put(&format!("{}a.pdf", folder(&max).await), "x").expect(201).await;
    attach(&tree).await;
    let text = stored(&max).await;
    let apart = text.split("BEGIN:VEVENT").find(|part| part.contains("RECURRENCE-ID")).expect("an occurrence");
    assert!(text.matches("MANAGED-ID").count() == 1 && apart.contains("MANAGED-ID"), "{text}");
    let all = sent(&tree, &mail).await;
    assert!(all.len() == 1 && all[0].0 == "anne@dehors.example", "{all:?}");
    assert!(all[0].1.contains("Subject: Documents : Autre point"), "{all:?}");
    world.sound().await;
}

/// Also what is put there in folders, and with them.
#[tokio::test]
async fn documents_in_folders_below_are_documents_of_the_meeting() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    max.put(PATH, &held("")).expect(201).await;
    follow(&tree).await;
    let folder = folder(&max).await;
    max.mkcol("/files/tram/Annexes/").expect(201).await;
    max.mkcol("/files/tram/Annexes/Plans/").expect(201).await;
    max.put("/files/tram/Annexes/Plans/nord.pdf", "x").expect(201).await;
    max.put("/files/tram/Annexes/b.pdf", "x").expect(201).await;
    max.mkcol(&format!("{folder}Notes/")).expect(201).await;
    attach(&tree).await;
    assert!(documents(&world, "zoe", "one").await.is_empty());
    let named = async || {
        let mut names: Vec<String> = documents(&world, "zoe", "one").await;
        names.iter_mut().for_each(|line| {
            *line = line.split("FILENAME=").nth(1).unwrap().split([';', ':']).next().unwrap().to_owned();
        });
        names.sort();
        names
    };
    max.put(&format!("{folder}Notes/a.odt"), "x").expect(201).await;
    attach(&tree).await;
    assert_eq!(named().await, ["a.odt"]);
    max.relocate("/files/tram/Annexes/", &format!("{folder}Notes/Annexes/")).expect(201).await;
    attach(&tree).await;
    assert_eq!(named().await, ["a.odt", "b.pdf", "nord.pdf"]);
    // A folder that is gone is none of the meeting, and what is in it comes back with it.
    max.put(&format!("{folder}Notes/c.odt"), "x").expect(201).await;
    max.delete("/files/tram/Meetings/").expect(204).await;
    assert_eq!(attach(&tree).await, 0);
    world.client("lea").relocate("/trash/tram/Meetings/", "/files/tram/Meetings/").expect(201).await;
    attach(&tree).await;
    assert_eq!(named().await, ["a.odt", "b.pdf", "c.odt", "nord.pdf"]);
    assert_eq!(attach(&tree).await, 0);
    world.sound().await;
}

/// Without an address of this server there are no links; once there is one, what lies there is attached, and nobody is
/// written to because of what has been there for long.
#[tokio::test]
async fn what_came_while_nobody_could_open_it_is_attached_later_and_not_announced() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let unreached = world.tree.clone().in_mail_domain(Some("agenda.ville.example".parse().unwrap()));
    max.put(PATH, &invited("").replace("20300701T", "20200701T")).expect(201).await;
    follow(&unreached).await;
    assert!(links(&stored(&max).await).is_empty());
    let folder = folder(&max).await;
    max.put(&format!("{folder}ancien.odt"), "x").expect(201).await;
    assert_eq!(attach(&unreached).await, 0);
    let mut database = world.database().await;
    let sql = "UPDATE node SET placed_at = $1 WHERE name = 'ancien.odt'";
    sqlx::query(sql).bind(now() - 8 * DAY_S).execute(&mut database).await.unwrap();
    max.put(&format!("{folder}nouveau.odt"), "x").expect(201).await;
    let mail = mail_folder(&tree);
    sent(&tree, &mail).await;
    attach(&tree).await;
    assert_eq!(documents(&world, "zoe", "one").await.len(), 2);
    let all = sent(&tree, &mail).await;
    assert!(all.len() == 1 && all[0].1.contains("nouveau.odt") && !all[0].1.contains("ancien"), "{all:?}");
    world.sound().await;
}

/// What was attached because it lay in the folder is given out while it lies there: who takes a draft away again has
/// taken it from everybody, whatever becomes of it. What a person attached stays so wherever it goes.
#[tokio::test]
async fn what_is_taken_out_of_the_folder_is_not_given_out_any_more() {
    let world = world().await;
    let (tree, max, nobody) = (tree(&world), world.client("max"), world.nobody());
    max.put(PATH, &held("")).expect(201).await;
    follow(&tree).await;
    let folder = folder(&max).await;
    max.put(&format!("{folder}Brouillon.odt"), "draft").expect(201).await;
    attach(&tree).await;
    let address = |lines: &[String], name: &str| {
        let line = lines.iter().find(|line| line.contains(name)).expect("a line");
        line.split_once(URL).expect("an address").1.to_owned()
    };
    let theirs = address(&documents(&world, "zoe", "one").await, "Brouillon");
    let own = address(&links(&stored(&max).await).into_iter().map(str::to_owned).collect::<Vec<_>>(), "MANAGED-ID");
    nobody.get(&theirs).expect(200).await;
    max.mkcol(&format!("{folder}Notes/")).expect(201).await;
    max.relocate(&format!("{folder}Brouillon.odt"), &format!("{folder}Notes/Brouillon.odt")).expect(201).await;
    nobody.get(&theirs).expect(200).await;
    max.relocate(&format!("{folder}Notes/Brouillon.odt"), "/files/tram/Brouillon.odt").expect(201).await;
    max.put("/files/tram/Brouillon.odt", "secret").expect(204).await;
    nobody.get(&theirs).expect(404).await;
    // Neither where a client writes the line anew, nor to who reads the meeting and not the document.
    let text = stored(&max).await;
    assert!(text.contains(";X-BEFFROI-ARRIVED=TRUE"), "{text}");
    max.put(PATH, &text.replace(";X-BEFFROI-ARRIVED=TRUE", "").replace("SUMMARY:Point", "SUMMARY:Grand point"))
        .expect(204)
        .await;
    nobody.get(&theirs).expect(404).await;
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::Reader, None).await.unwrap();
    world.client("zoe").get(PATH).expect(200).await;
    world.client("zoe").get(&own).expect(404).await;
    max.get(&own).expect(200).await;
    max.relocate("/files/tram/Brouillon.odt", &format!("{folder}Brouillon.odt")).expect(201).await;
    nobody.get(&theirs).expect(200).await;
    world.sound().await;
}

/// What says that documents are there counts for itself: it keeps no invitation back.
#[tokio::test]
async fn word_of_documents_keeps_no_invitation_back() {
    let world = world().await;
    let (tree, max) = (tree(&world), world.client("max"));
    let mail = mail_folder(&tree);
    max.put(PATH, &held("").replace("ATTENDEE;RSVP=TRUE:mailto:zoe@ville.example\r\n", "")).expect(201).await;
    follow(&tree).await;
    sent(&tree, &mail).await;
    let folder = folder(&max).await;
    let published = async |name: &str| {
        max.put(&format!("{folder}{name}"), "x").expect(201).await;
        attach(&tree).await;
        sent(&tree, &mail).await.len()
    };
    assert_eq!(published("a.pdf").await, 1);
    // As if there had been fifty.
    let mut database = world.database().await;
    for number in 1..50 {
        let sql = "INSERT INTO mail (id, node_id, address, method, instances, sequence, content, round, part, token, \
                   state, attempt, queued_at, finished_at, letter, reported) SELECT id - $1, node_id, address, method, \
                   instances, sequence, content || $1, round, part, token || $1, state, attempt, queued_at, \
                   finished_at, letter, reported FROM mail WHERE method = 'PUBLISH' ORDER BY id DESC LIMIT 1";
        sqlx::query(sql).bind(number).execute(&mut database).await.unwrap();
    }
    assert_eq!(published("b.pdf").await, 0, "fifty a day");
    let other = invited("").replace("UID:one", "UID:two");
    max.put("/calendars/tram/meetings/two.ics", &other).expect(201).await;
    let to: Vec<String> = sent(&tree, &mail).await.into_iter().map(|(to, _)| to).collect();
    assert!(to.contains(&"paul@dehors.example".to_owned()), "{to:?}");
    world.sound().await;
}
