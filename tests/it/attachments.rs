//! Files attached to meetings (RFC 8607): documents in the folder of the meeting, and the addresses that open them.

use beffroi::model::privilege::Role;

use crate::kit::{Answer, Client, World, event};
use crate::meetings::{MAX, copy, meeting, of, text};

const PATH: &str = "/calendars/tram/meetings/one.ics";
const FOLDER: &str = "/files/tram/Meetings/2030-07-01 Point/";

fn spelled(path: &str) -> String {
    path.replace(' ', "%20")
}

/// Attaches a file.
pub async fn add(client: &Client, path: &str, name: &str, bytes: &str) -> Answer {
    client
        .ask("POST", &format!("{path}?action=attachment-add"))
        .header("Content-Type", "application/pdf")
        .header("Content-Disposition", &format!("attachment; filename=\"{name}\""))
        .body(bytes)
        .send()
        .await
}

/// The lines of what is attached.
pub fn attached(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with("ATTACH")).map(str::to_owned).collect()
}

/// The path of the address on a line.
pub fn address(line: &str) -> String {
    let (_, path) = line.split_once("/attachments/").unwrap_or_else(|| panic!("no address in {line}"));
    format!("/attachments/{path}")
}

fn managed_id(answer: &Answer) -> String {
    answer.header("cal-managed-id").expect("a name").to_owned()
}

/// A meeting of the project with people of it and of elsewhere.
async fn invited(world: &World) {
    let people = "ATTENDEE;RSVP=TRUE:mailto:zoe@ville.example\r\nATTENDEE;RSVP=TRUE:mailto:paul@dehors.example\r\n";
    let text = meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}"));
    world.client("max").put(PATH, &text).expect(201).await;
}

async fn stored(client: &Client, path: &str) -> String {
    text(&client.get(path).expect(200).await)
}

/// The copy of someone in a meeting.
async fn copied(world: &World, name: &str) -> String {
    let (_, text) = copy(&world.client(name), &format!("/calendars/{name}/personal/"), "one").await.expect("a copy");
    text
}

#[tokio::test]
async fn a_file_becomes_a_document_of_the_meeting_and_stands_in_all_copies() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    invited(&world).await;
    let answer = add(&max, PATH, "ordre du jour.pdf", "%PDF-1").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = managed_id(&answer);
    let tag = answer.header("etag").expect("a tag").to_owned();
    let now = max.get(PATH).expect(200).await;
    assert_eq!(now.header("etag"), Some(tag.as_str()));
    let lines = attached(&text(&now));
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    for part in [&format!("MANAGED-ID={id}"), "FMTTYPE=application/pdf", "FILENAME=ordre du jour.pdf", "SIZE=6"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let document = spelled(&format!("{FOLDER}ordre du jour.pdf"));
    assert_eq!(world.client("rita").get(&document).expect(200).await.text(), "%PDF-1");
    // Who belongs to the project opens it by what they are, whoever is invited by an address of their own.
    let own = address(line);
    assert!(own.starts_with("/attachments/own/"));
    assert_eq!(world.client("rita").get(&own).expect(200).await.text(), "%PDF-1");
    world.nobody().get(&own).expect(401).await;
    zoe.get(&own).expect(404).await;
    let copied = copied(&world, "zoe").await;
    let theirs = address(&attached(&copied)[0]);
    assert!(!theirs.contains("/own/") && copied.contains(&format!("MANAGED-ID={id}")), "{copied}");
    let opened = world.nobody().get(&theirs).expect(200).await;
    assert_eq!(opened.text(), "%PDF-1");
    assert!(opened.header("content-disposition").unwrap().starts_with("attachment; filename=\"ordre du jour.pdf\""));
    assert!(opened.header("cache-control").unwrap().contains("private"));
    world.sound().await;
}

#[tokio::test]
async fn a_change_is_the_next_version_and_what_is_taken_off_stays_in_the_folder() {
    let world = World::new().await;
    let max = world.client("max");
    invited(&world).await;
    let first = managed_id(&add(&max, PATH, "a.pdf", "one").await);
    let before = address(&attached(&copied(&world, "zoe").await)[0]);
    let update = |id: &str, name: &str, bytes: &str| {
        max.ask("POST", &format!("{PATH}?action=attachment-update&managed-id={id}"))
            .header("Content-Type", "application/pdf")
            .header("Content-Disposition", &format!("attachment;filename={name}"))
            .body(bytes)
    };
    let second = managed_id(&update(&first, "a.pdf", "two").expect(204).await);
    assert_ne!(first, second);
    let document = spelled(&format!("{FOLDER}a.pdf"));
    assert_eq!(max.get(&document).expect(200).await.text(), "two");
    let history = max.propfind(&document.replace("/files/", "/history/"), "1", "").expect(207).await;
    assert_eq!(history.hrefs().len(), 3, "{}", history.text());
    let lines = attached(&stored(&max, PATH).await);
    assert!(lines.len() == 1 && lines[0].contains(&second) && lines[0].contains("SIZE=3"), "{lines:?}");
    let after = address(&attached(&copied(&world, "zoe").await)[0]);
    assert_ne!(before, after, "programs that keep files ask again");
    // An address from before opens what the document is now.
    for path in [&before, &after] {
        assert_eq!(world.nobody().get(path).expect(200).await.text(), "two");
    }
    let unknown = update(&first, "a.pdf", "three").expect(403).await;
    assert!(unknown.text().contains("valid-managed-id-parameter"), "{}", unknown.text());
    // Another sort of file is another document.
    let third = managed_id(&update(&second, "a.docx", "three").expect(204).await);
    assert_eq!(max.get(&document).expect(200).await.text(), "two");
    assert_eq!(max.get(&spelled(&format!("{FOLDER}a.docx"))).expect(200).await.text(), "three");
    let remove = format!("{PATH}?action=attachment-remove&managed-id={third}");
    let removed = max.ask("POST", &remove).expect(204).await;
    assert!(removed.header("cal-managed-id").is_none());
    assert!(attached(&stored(&max, PATH).await).is_empty() && attached(&copied(&world, "zoe").await).is_empty());
    assert_eq!(max.get(&spelled(&format!("{FOLDER}a.docx"))).expect(200).await.text(), "three");
    for path in [&before, &after] {
        world.nobody().get(path).expect(404).await;
    }
    max.ask("POST", &remove).expect(403).await;
    world.sound().await;
}

/// One 404, whatever the reason, and at once.
#[tokio::test]
async fn an_address_ends_with_the_part_of_its_attendee_the_line_the_document_and_the_meeting() {
    let world = World::new().await;
    let max = world.client("max");
    invited(&world).await;
    add(&max, PATH, "a.pdf", "one").await;
    let theirs = address(&attached(&copied(&world, "zoe").await)[0]);
    let nobody = world.nobody();
    let unknown = nobody.get(&theirs.replace("/attachments/0", "/attachments/1")).expect(404).await;
    let ended = async |what: &str| {
        let answer = nobody.get(&theirs).send().await;
        assert_eq!((answer.status, answer.text()), (404, unknown.text()), "{what}");
        for method in ["HEAD", "OPTIONS", "PUT", "PROPFIND"] {
            assert_eq!(nobody.ask(method, &theirs).send().await.status, 404, "{what}: {method}");
        }
    };
    let opens = async |what: &str| assert_eq!(nobody.get(&theirs).send().await.status, 200, "{what}");
    opens("first").await;
    // The attendee.
    let whole = stored(&max, PATH).await;
    let without: String =
        whole.lines().filter(|line| !line.contains("zoe@")).map(|line| format!("{line}\r\n")).collect();
    max.put(PATH, &without).expect(204).await;
    ended("not invited any more").await;
    max.put(PATH, &whole).expect(204).await;
    opens("invited again").await;
    world.tree.set_disabled("zoe", true).await.unwrap();
    ended("disabled").await;
    world.tree.set_disabled("zoe", false).await.unwrap();
    opens("enabled").await;
    // The line.
    let bare: String = whole.lines().filter(|line| !line.contains("a.pdf")).map(|line| format!("{line}\r\n")).collect();
    max.put(PATH, &bare).expect(204).await;
    ended("taken off").await;
    max.put(PATH, &whole).expect(204).await;
    opens("attached again").await;
    // The document.
    let document = spelled(&format!("{FOLDER}a.pdf"));
    max.relocate(&document, "/files/tram/b.pdf").expect(201).await;
    opens("renamed").await;
    max.delete("/files/tram/b.pdf").expect(204).await;
    ended("deleted").await;
    world.client("lea").relocate("/trash/tram/b.pdf", &document).expect(201).await;
    opens("restored").await;
    // The meeting.
    max.delete(PATH).expect(204).await;
    ended("called off").await;
    world.client("lea").relocate("/trash/tram/one.ics", PATH).expect(201).await;
    opens("it takes place again").await;
    let past = whole.replace("20300701T", "20200701T");
    max.put(PATH, &past).expect(204).await;
    ended("over").await;
    world.sound().await;
}

#[tokio::test]
async fn an_address_opens_until_some_days_after_the_last_occurrence() {
    use beffroi::model::id::now;
    let world = World::with(|config| config.meetings.links_days = 10).await;
    let max = world.client("max");
    invited(&world).await;
    add(&max, PATH, "a.pdf", "one").await;
    let whole = stored(&max, PATH).await;
    for (days, status) in [(9, 200), (11, 404)] {
        let day = jiff::Timestamp::from_second(now() - days * 86_400).unwrap().strftime("%Y%m%d").to_string();
        max.put(PATH, &whole.replace("20300701T", &format!("{day}T"))).expect(204).await;
        let theirs = address(&attached(&copied(&world, "zoe").await)[0]);
        world.nobody().get(&theirs).expect(status).await;
    }
}

#[tokio::test]
async fn an_address_answers_like_a_document_and_changes_nothing() {
    let world = World::new().await;
    let max = world.client("max");
    invited(&world).await;
    max.ask("POST", &format!("{PATH}?action=attachment-add"))
        .header("Content-Type", "text/html")
        .header("Content-Disposition", "attachment; filename*=UTF-8''r%C3%A9union%20%3Cx%3E.html; filename=\"r.html\"")
        .body("<script>alert(1)</script>")
        .expect(201)
        .await;
    let theirs = address(&attached(&copied(&world, "zoe").await)[0]);
    let nobody = world.nobody();
    let whole = nobody.get(&theirs).expect(200).await;
    let tag = whole.header("etag").expect("a tag");
    assert!(whole.header("content-security-policy").unwrap().contains("sandbox"));
    assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
    assert!(whole.header("content-disposition").unwrap().contains("filename*=UTF-8''r%C3%A9union%20_x_.html"));
    let part = nobody.get(&theirs).header("Range", "bytes=1-6").expect(206).await;
    assert_eq!((part.text().as_str(), part.header("content-range")), ("script", Some("bytes 1-6/25")));
    nobody.get(&theirs).header("Range", "bytes=99-").expect(416).await;
    nobody.get(&theirs).header("If-None-Match", tag).expect(304).await;
    nobody.get(&theirs).header("If-Match", "\"other\"").expect(412).await;
    let head = nobody.head(&theirs).expect(200).await;
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("25"), Some(tag)));
    for method in ["POST", "PUT", "DELETE", "PROPFIND", "LOCK"] {
        nobody.ask(method, &theirs).expect(405).await;
    }
    // Guessing leads nowhere: each digit of the seal counts.
    let at = theirs.find("/attachments/").unwrap() + 13 + 24;
    for place in [at, at + 15, at + 31] {
        let mut other = theirs.clone().into_bytes();
        other[place] = if other[place] == b'0' { b'1' } else { b'0' };
        nobody.get(&String::from_utf8(other).unwrap()).expect(404).await;
    }
}

#[tokio::test]
async fn who_may_not_change_the_meeting_attaches_nothing() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    invited(&world).await;
    add(&max, PATH, "a.pdf", "one").await;
    let (href, copied) = copy(&zoe, "/calendars/zoe/personal/", "one").await.expect("a copy");
    let refused = add(&zoe, &href, "b.pdf", "two").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("allowed-attendee-scheduling-object-change"), "{}", refused.text());
    let refused = add(&world.client("rita"), PATH, "b.pdf", "two").await;
    assert!(refused.status == 403 && refused.text().contains("need-privileges"), "{}", refused.text());
    assert_eq!(add(&zoe, PATH, "b.pdf", "two").await.status, 404);
    // What an attendee takes off their copy comes back with the next change, and their answer keeps it.
    let answered = copied.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    zoe.put(&href, &answered).expect(204).await;
    assert_eq!(attached(&stored(&zoe, &href).await), attached(&copied));
    let without: String =
        answered.lines().filter(|line| !line.contains("pdf")).map(|line| format!("{line}\r\n")).collect();
    zoe.put(&href, &without).send().await;
    assert_eq!(attached(&stored(&max, PATH).await).len(), 1);
    // A copy of it that moves to another calendar of theirs stays as it is.
    zoe.ask("MKCALENDAR", "/calendars/zoe/other/").expect(201).await;
    zoe.relocate(&href, "/calendars/zoe/other/one.ics").expect(201).await;
    assert_eq!(zoe.get("/files/zoe/Meetings/").send().await.status, 404);
    world.sound().await;
}

#[tokio::test]
async fn what_a_client_writes_of_attachments_is_held_to_what_was_given() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    max.put(&path, &event("one", "20300701")).expect(201).await;
    let id = managed_id(&add(&max, &path, "a.pdf", "one").await);
    let kept = stored(&max, &path).await;
    let line = attached(&kept)[0].clone();
    // As it is: stored as sent.
    let same = max.put(&path, &kept.replace("Meeting", "Other")).expect(204).await;
    assert!(same.header("etag").is_some());
    // Written otherwise: as it was given.
    let evil = format!("ATTACH;MANAGED-ID={id};FILENAME=x:https://dehors.example/x");
    let altered = max.put(&path, &kept.replace(&line, &evil)).expect(204).await;
    assert!(altered.header("etag").is_none());
    assert_eq!(attached(&stored(&max, &path).await), [line.as_str()]);
    // What stands beside it is the client's.
    let inline = "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA";
    max.put(&path, &kept.replace(&line, &format!("{line}\r\n{inline}"))).expect(204).await;
    assert_eq!(attached(&stored(&max, &path).await), [line.as_str(), inline]);
    // Made up.
    let mut forged = id.clone();
    forged.replace_range(50..51, if &id[50..51] == "0" { "1" } else { "0" });
    for forged in [forged.as_str(), "1", "\"\""] {
        let evil = format!("ATTACH;MANA\r\n GED-ID={forged}:https://dehors.example/x");
        let refused = max.put(&path, &kept.replace(&line, &evil)).expect(403).await;
        assert!(refused.text().contains("valid-managed-id"), "{}", refused.text());
    }
    // Another event of the same home may have it (RFC 8607 section 3.7): it gets an address of its own.
    let other = kept.replace("UID:one", "UID:two");
    let second = format!("{MAX}two.ics");
    assert!(max.put(&second, &other).expect(201).await.header("etag").is_none());
    let lines = attached(&stored(&max, &second).await);
    assert!(lines.len() == 1 && lines[0].contains(&id) && lines[0] != line, "{lines:?}");
    assert_eq!(max.get(&address(&lines[0])).expect(200).await.text(), "one");
    // Who is not of it may not.
    let mia = world.client("mia");
    let refused = mia.put("/calendars/mia/personal/one.ics", &kept).expect(403).await;
    assert!(refused.text().contains("valid-managed-id"), "{}", refused.text());
    max.put("/calendars/tram/meetings/x.ics", &other).expect(403).await;
    // Thunderbird moves an event so.
    max.ask("MKCALENDAR", "/calendars/max/second/").expect(201).await;
    max.put("/calendars/max/second/one.ics", &kept).expect(201).await;
    max.delete(&path).expect(204).await;
    assert_eq!(max.get(&address(&line)).expect(200).await.text(), "one");
    world.sound().await;
}

#[tokio::test]
async fn single_occurrences_have_files_of_their_own() {
    let world = World::new().await;
    let max = world.client("max");
    let series = meeting("one", &format!("RRULE:FREQ=DAILY;COUNT=3\r\n{}", of("max", &["max", "mia"])));
    let path = format!("{MAX}one.ics");
    max.put(&path, &series).expect(201).await;
    let post = |query: &str| {
        max.ask("POST", &format!("{path}?action=attachment-{query}"))
            .header("Content-Disposition", "attachment; filename=a.pdf")
            .body("x")
    };
    let id = managed_id(&post("add&rid=20300702T090000Z").expect(201).await);
    let counts = |text: &str| -> Vec<usize> {
        text.split("BEGIN:VEVENT").skip(1).map(|part| part.matches("MANAGED-ID").count()).collect()
    };
    assert_eq!(counts(&stored(&max, &path).await), [0, 1]);
    assert_eq!(counts(&copied(&world, "mia").await), [0, 1]);
    post("add").expect(201).await;
    assert_eq!(counts(&stored(&max, &path).await), [1, 2]);
    for query in ["add&rid=20300709T090000Z", "add&rid=", "add&rid=M,x", &format!("update&managed-id={id}&rid=M")] {
        let refused = post(query).expect(403).await;
        assert!(refused.text().contains("valid-rid-parameter"), "{query}: {}", refused.text());
    }
    post(&format!("remove&managed-id={id}&rid=20300702T090000Z")).expect(204).await;
    assert_eq!(counts(&stored(&max, &path).await), [1, 1]);
    // Both bear the same name in one folder.
    let listed = max.propfind("/files/max/Meetings/2030-07-01%20Point/", "1", "").expect(207).await.hrefs();
    let (one, other) =
        ("/files/max/Meetings/2030-07-01%20Point/a.pdf", "/files/max/Meetings/2030-07-01%20Point/a%20(2).pdf");
    assert_eq!(listed[1..], [other, one]);
    world.sound().await;
}

#[tokio::test]
async fn locks_quota_and_limits_hold() {
    let world = World::new().await;
    let (max, mia) = (world.client("max"), world.client("mia"));
    invited(&world).await;
    let first = managed_id(&add(&max, PATH, "a.pdf", "one").await);
    let document = spelled(&format!("{FOLDER}a.pdf"));
    let token = mia.locked(&document, "exclusive", "0").await;
    let before = stored(&max, PATH).await;
    let locked = max
        .ask("POST", &format!("{PATH}?action=attachment-update&managed-id={first}"))
        .header("Content-Disposition", "attachment; filename=a.pdf")
        .body("two")
        .expect(423)
        .await;
    assert!(locked.text().contains("a.pdf"), "{}", locked.text());
    assert_eq!(stored(&max, PATH).await, before);
    let mine = mia
        .ask("POST", &format!("{PATH}?action=attachment-update&managed-id={first}"))
        .header("Content-Disposition", "attachment; filename=a.pdf")
        .header("If", &format!("<{document}> (<{token}>)"))
        .body("two")
        .expect(204)
        .await;
    assert!(mine.header("cal-managed-id").is_some());
    mia.unlock_at(&document).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    // The folder.
    let folder = spelled(FOLDER);
    let token = mia.locked(&folder, "exclusive", "infinity").await;
    assert_eq!(add(&max, PATH, "b.pdf", "two").await.status, 423);
    mia.unlock_at(&folder).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    // The event.
    let token = mia.locked(PATH, "exclusive", "0").await;
    assert_eq!(add(&max, PATH, "b.pdf", "two").await.status, 423);
    mia.unlock_at(PATH).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    let stale = max.ask("POST", &format!("{PATH}?action=attachment-add")).header("If-Match", "\"old\"").body("x");
    stale.expect(412).await;
    // No more than there is room for.
    world.tree.add_project("petit", "Petit", Some(40_000)).await.unwrap();
    world.tree.add_member("petit", "max", beffroi::model::privilege::Role::Member, None).await.unwrap();
    max.put("/calendars/petit/meetings/e.ics", &event("e", "20300701")).expect(201).await;
    let full = add(&max, "/calendars/petit/meetings/e.ics", "a.pdf", &"x".repeat(50_000)).await;
    assert!(full.status == 507 && full.text().contains("quota-not-exceeded"), "{}", full.text());
    assert!(attached(&stored(&max, "/calendars/petit/meetings/e.ics").await).is_empty());
    max.get("/files/petit/Meetings/").expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_by_name() {
    let world = World::new().await;
    let max = world.client("max");
    invited(&world).await;
    for (query, element) in [
        ("action=attachment-delete", "valid-action-parameter"),
        ("action=", "valid-action-parameter"),
        ("action=attachment-add&managed-id=1", "valid-managed-id-parameter"),
        ("action=attachment-update", "valid-managed-id-parameter"),
        ("action=attachment-remove&managed-id=1", "valid-managed-id-parameter"),
    ] {
        let refused = max.ask("POST", &format!("{PATH}?{query}")).body("x").expect(403).await;
        assert!(refused.text().contains(&format!(":{element}")), "{query}: {}", refused.text());
    }
    let refused = max.ask("POST", PATH).body("x").expect(403).await;
    assert!(refused.text().contains("valid-action-parameter"), "{}", refused.text());
    max.ask("POST", "/calendars/tram/meetings/none.ics?action=attachment-add").body("x").expect(404).await;
    max.ask("POST", "/calendars/tram/meetings/?action=attachment-add").body("x").expect(400).await;
    max.ask("POST", &format!("{PATH}?web=1")).body("x").expect(400).await;
    max.ask("PUT", &format!("{PATH}?action=attachment-add")).body("x").expect(400).await;
    assert!(attached(&stored(&max, PATH).await).is_empty());
    max.get("/files/tram/Meetings/").expect(404).await;
}

#[tokio::test]
async fn a_client_finds_what_it_may_attach() {
    let world = World::new().await;
    let max = world.client("max");
    let header = max.options("/calendars/max/").expect(200).await;
    let classes: Vec<&str> = header.header("dav").unwrap().split(',').map(str::trim).collect();
    assert!(classes.contains(&"calendar-managed-attachments"), "{classes:?}");
    assert!(!classes.contains(&"calendar-managed-attachments-no-recurrence"));
    let props = "<C:max-attachment-size xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>\
                 <C:max-attachments-per-resource xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>";
    let found = max.propfind(MAX, "0", props).expect(207).await;
    assert!(found.value("max-attachment-size").parse::<u64>().unwrap() >= 100 << 20);
    let most: usize = found.value("max-attachments-per-resource").parse().unwrap();
    let refused = max.proppatch(MAX, &format!("<D:set><D:prop>{props}</D:prop></D:set>")).expect(207).await;
    assert!(refused.text().contains("403"), "{}", refused.text());
    assert!(max.options(&format!("{MAX}x.ics")).send().await.status == 200);
    // No more than that.
    let path = format!("{MAX}one.ics");
    max.put(&path, &event("one", "20300701")).expect(201).await;
    for number in 0..most {
        assert_eq!(add(&max, &path, &format!("{number}.pdf"), "x").await.status, 201);
    }
    let refused = add(&max, &path, "more.pdf", "x").await;
    assert!(refused.status == 403 && refused.text().contains("max-attachments-per-resource"), "{}", refused.text());
    // Nor by what is written in an event, of which none is looked for then.
    let kept = stored(&max, &path).await;
    max.put(&path, &kept.replace("SUMMARY:Meeting", "SUMMARY:Other")).expect(204).await;
    let more = kept.replace("END:VEVENT", "ATTACH;MANAGED-ID=1:https://b.example/1\r\nEND:VEVENT");
    let refused = max.put(&path, &more).expect(403).await;
    assert!(refused.text().contains("max-attachments-per-resource"), "{}", refused.text());
}

#[tokio::test]
async fn names_are_those_that_windows_opens_and_no_file_is_overwritten() {
    let world = World::new().await;
    let max = world.client("max");
    let event = meeting("one", "").replace("SUMMARY:Point", "SUMMARY:Point <1/2>: \\\"q\\\"\\, suite\\nCON. ");
    let path = format!("{MAX}one.ics");
    max.put(&path, &event).expect(201).await;
    for name in ["CON", "../../x.pdf", "C:\\dossier\\y.pdf", "~$z.docx", "a?.pdf", "a?.pdf", "  ", &"é".repeat(300)] {
        assert_eq!(add(&max, &path, name, name).await.status, 201, "{name}");
    }
    let folders = max.propfind("/files/max/Meetings/", "1", "<D:displayname/>").expect(207).await.hrefs();
    assert_eq!(folders.len(), 2, "{folders:?}");
    let listed = max.propfind(&folders[1], "1", "<D:displayname/>").expect(207).await.hrefs();
    assert_eq!(listed.len(), 9, "{listed:?}");
    for href in &folders[1..] {
        assert!(!["%3C", "%22", "%5C", "%0A"].iter().any(|bad| href.contains(bad)), "{href}");
    }
    // The folder stays the same when the meeting is called otherwise, or people call it otherwise.
    max.relocate(&folders[1], "/files/max/Conseil/").expect(201).await;
    let now = stored(&max, &path).await.replace("DTSTART:20300701", "DTSTART:20300630").replace("Point", "Autre");
    max.put(&path, &now).expect(204).await;
    assert_eq!(add(&max, &path, "z.pdf", "z").await.status, 201);
    assert_eq!(max.get("/files/max/Conseil/z.pdf").expect(200).await.text(), "z");
    // One that is gone is made anew.
    max.delete("/files/max/Conseil/").expect(204).await;
    assert_eq!(add(&max, &path, "z.pdf", "zz").await.status, 201);
    let folders = max.propfind("/files/max/Meetings/", "1", "<D:displayname/>").expect(207).await.hrefs();
    assert!(folders.len() == 2 && folders[1].contains("2030-06-30"), "{folders:?}");
    world.sound().await;
}

#[tokio::test]
async fn the_meeting_as_it_is_then_is_the_answer_where_it_is_preferred() {
    let world = World::new().await;
    let max = world.client("max");
    invited(&world).await;
    let answer = max
        .ask("POST", &format!("{PATH}?action=attachment-add"))
        .header("Prefer", "return=representation")
        .header("Content-Type", "application/xml")
        .header("Content-Disposition", "attachment;filename=a.xml")
        .body("<a/>")
        .expect(201)
        .await;
    assert!(answer.header("content-type").unwrap().starts_with("text/calendar"));
    assert_eq!(answer.header("content-location"), Some(PATH));
    let id = managed_id(&answer);
    assert!(text(&answer).contains(&format!("MANAGED-ID={id}")) && answer.header("etag").is_some());
    let removed = max
        .ask("POST", &format!("{PATH}?action=attachment-remove&managed-id={id}"))
        .header("Prefer", "return=representation")
        .expect(200)
        .await;
    assert!(attached(&text(&removed)).is_empty() && removed.header("etag").is_some());
}

/// What an attachment is called gives nobody a right to it: not whoever could read it once.
#[tokio::test]
async fn who_knows_the_name_of_an_attachment_does_not_have_it() {
    let world = World::new().await;
    let (max, zoe) = (world.client("max"), world.client("zoe"));
    max.put(PATH, &event("one", "20300701")).expect(201).await;
    assert_eq!(add(&max, PATH, "a.pdf", "secret").await.status, 201);
    max.ask("MKCALENDAR", "/calendars/tram/open/").expect(201).await;
    world.tree.grant("/calendars/tram/open", "zoe", Role::Member, None).await.unwrap();
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::Reader, None).await.unwrap();
    let seen = stored(&zoe, PATH).await;
    let line = attached(&seen)[0].clone();
    assert_eq!(zoe.get(&address(&line)).expect(200).await.text(), "secret");
    zoe.put("/calendars/tram/open/kept.ics", &seen.replace("UID:one", "UID:kept")).expect(201).await;
    zoe.delete("/calendars/tram/open/kept.ics").expect(204).await;
    world.tree.revoke("/calendars/tram/meetings", "zoe").await.unwrap();
    zoe.get(&address(&line)).expect(404).await;
    // By the same UID, and by another.
    for uid in ["one", "two"] {
        let object = seen.replace("UID:one", &format!("UID:{uid}"));
        let refused = zoe.put(&format!("/calendars/tram/open/{uid}.ics"), &object).expect(403).await;
        assert!(refused.text().contains("valid-managed-id"), "{}", refused.text());
    }
    // Who may open it may have it elsewhere.
    max.put("/calendars/tram/open/three.ics", &seen.replace("UID:one", "UID:three")).expect(201).await;
    world.sound().await;
}

/// Each attendee has addresses of their own, so each gets a text of their own: not more of these than may be held.
#[tokio::test]
async fn a_long_meeting_with_many_people_and_a_file_is_refused_and_not_held() {
    let world = World::new().await;
    let max = world.client("max");
    let path = format!("{MAX}one.ics");
    let people: String = (0..20).map(|number| format!("ATTENDEE:mailto:a{number}@dehors.example\r\n")).collect();
    let long = format!("DESCRIPTION:{}\r\n", "x".repeat(8 << 20));
    let text = meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}{long}"));
    max.put(&path, &text).expect(201).await;
    let refused = add(&max, &path, "a.pdf", "one").await;
    assert_eq!(refused.status, 507, "{}", refused.text());
    let short = meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}"));
    max.put(&path, &short).expect(204).await;
    assert_eq!(add(&max, &path, "a.pdf", "one").await.status, 201);
    world.sound().await;
}
