//! What is one's own on events that lie in calendars of others: each has their own alarms there, and says for
//! themselves whether an event takes their time (caldav-sharing section 5.5.4). Nobody else sees it, and nothing
//! follows from it.

use beffroi::model::calendar::FeedDetail;
use beffroi::model::privilege::Role;
use beffroi::tree::administration::delegates::Delegation;

use super::kit::{Answer, Client, World, event};
use super::sharing::{answer, newest, share, sharee};

const CALENDAR: &str = "/calendars/tram/meetings/";
pub(super) const PATH: &str = "/calendars/tram/meetings/a.ics";
const CALDAV: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// Changes the database past the server and its rules.
pub(super) async fn sql(world: &World, text: &str) {
    sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut world.database().await).await.unwrap();
}

pub(super) fn alarm(words: &str) -> String {
    format!("BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:{words}\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n")
}

/// An event with more at its end.
pub(super) fn with(text: &str, more: &str) -> String {
    text.replace("END:VEVENT", &format!("{more}END:VEVENT"))
}

/// As a program writes it that stores it again.
fn again(text: &str) -> String {
    text.replace("DTSTAMP:20260101T000000Z", "DTSTAMP:20260102T000000Z\r\nLAST-MODIFIED:20260102T000000Z\r\nSEQUENCE:1")
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

fn query(filter: &str) -> String {
    format!(
        "<C:calendar-query {CALDAV}><D:prop><D:getetag/><D:getcontentlength/><C:calendar-data/></D:prop><C:filter>\
         <C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">{filter}</C:comp-filter></C:comp-filter>\
         </C:filter></C:calendar-query>"
    )
}

async fn queried(client: &Client, filter: &str) -> Answer {
    client.report_at(CALENDAR).header("Depth", "1").body(&query(filter)).expect(207).await
}

/// Every way in which a client reads an object of the project.
async fn read_in_every_way(client: &Client) -> Vec<(&'static str, Answer)> {
    let day = "start=\"20260614T000000Z\" end=\"20260615T000000Z\"";
    let expand =
        query("").replace("<C:calendar-data/>", &format!("<C:calendar-data><C:expand {day}/></C:calendar-data>"));
    let multiget = format!(
        "<C:calendar-multiget {CALDAV}><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{PATH}</D:href>\
         </C:calendar-multiget>"
    );
    let report = |body: String| client.report_at(CALENDAR).header("Depth", "1").body(&body);
    vec![
        ("GET", client.get(PATH).expect(200).await),
        ("jCal", client.get(PATH).header("Accept", "application/calendar+json").expect(200).await),
        ("range", client.get(PATH).header("Range", "bytes=0-5000").send().await),
        ("query", report(query("")).expect(207).await),
        ("times", report(query(&format!("<C:time-range {day}/>"))).expect(207).await),
        ("expand", report(expand).expect(207).await),
        ("query of it", client.report_at(PATH).header("Depth", "0").body(&query("")).expect(207).await),
        ("multiget", report(multiget).expect(207).await),
        ("allprop", client.propfind(PATH, "0", "").expect(207).await),
        ("members", client.propfind(CALENDAR, "1", "<D:getetag/>").expect(207).await),
        ("sync", client.sync(CALENDAR, "", "1", "").expect(207).await),
        ("page", client.get(CALENDAR).expect(200).await),
    ]
}

/// The ways that show the text.
const TEXTS: [&str; 8] = ["GET", "jCal", "range", "query", "times", "expand", "query of it", "multiget"];

#[tokio::test]
async fn an_alarm_rings_for_whoever_set_it_and_for_nobody_else() {
    let world = World::new().await;
    let [lea, max, mia, rita] = ["lea", "max", "mia", "rita"].map(|name| world.client(name));
    let sent = with(&event("a", "20260614"), &alarm("of max"));
    let stored = max.put(PATH, &sent).expect(201).await;
    // Whoever stores it reads what they stored, so the tag is sent.
    let own = max.get(PATH).expect(200).await;
    assert_eq!((own.text(), tag(&own)), (sent.clone(), tag(&stored)));
    let plain = mia.get(PATH).expect(200).await;
    assert_eq!(plain.text(), event("a", "20260614"));
    assert_ne!(tag(&plain), tag(&own));
    let since = max.sync(CALENDAR, "", "1", "").expect(207).await.sync_token();

    // Another's alarm is theirs; it is set by whoever reads, too.
    let hers = again(&with(&plain.text(), &alarm("of mia")));
    mia.put(PATH, &hers).header("If-Match", &tag(&plain)).expect(204).await;
    mia.put(PATH, &hers).header("If-Match", &tag(&plain)).expect(412).await;
    rita.put(PATH, &with(&event("a", "20260614"), &alarm("of rita")))
        .header("If-Match", &tag(&plain))
        .expect(204)
        .await;
    rita.put(PATH, &with(&event("a", "20260614"), &alarm("of rita"))).expect(204).await;
    for (client, word) in [(&lea, ""), (&max, "of max"), (&mia, "of mia"), (&rita, "of rita")] {
        let tag = tag(&client.get(PATH).expect(200).await);
        for (way, answer) in read_in_every_way(client).await {
            let text = answer.text();
            let of_others = ["of max", "of mia", "of rita"].into_iter().filter(|other| *other != word);
            assert!(of_others.into_iter().all(|other| !text.contains(other)), "{word} {way}: {text}");
            assert_eq!(
                !word.is_empty() && text.contains(word),
                !word.is_empty() && TEXTS.contains(&way),
                "{way}: {text}"
            );
            let tagged =
                answer.header("etag").is_some_and(|found| found == tag) || text.contains(tag.trim_matches('"'));
            assert!(tagged || ["page", "range"].contains(&way), "{word} {way}: {text}");
        }
        let (head, got) = (client.head(PATH).expect(200).await, client.get(PATH).expect(200).await);
        assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
        client.get(PATH).header("If-None-Match", &tag).expect(304).await;
        let rings = usize::from(!word.is_empty());
        assert_eq!(queried(client, "<C:comp-filter name=\"VALARM\"/>").await.hrefs().len(), rings, "{word}");
    }
    // What others set moves nobody else's tag; one's own other devices hear of one's own.
    assert_eq!(tag(&max.get(PATH).expect(200).await), tag(&own));
    let changes = mia.sync(CALENDAR, &since, "1", "").expect(207).await;
    assert!(changes.text().contains(tag(&mia.get(PATH).expect(200).await).trim_matches('"')), "{}", changes.text());
    let changes = max.sync(CALENDAR, &since, "1", "").expect(207).await;
    assert!(changes.hrefs().is_empty() || changes.text().contains(tag(&own).trim_matches('"')), "{}", changes.text());
    // Taken off, one has what all have.
    mia.put(PATH, &plain.text()).expect(204).await;
    assert_eq!(tag(&mia.get(PATH).expect(200).await), tag(&plain));
    world.sound().await;
}

#[tokio::test]
async fn who_only_reads_changes_nothing_but_what_is_their_own() {
    let mut world = World::new().await;
    world.add_person("eva").await;
    let [lea, rita, zoe] = ["lea", "rita", "zoe"].map(|name| world.client(name));
    lea.put(PATH, &event("a", "20260614")).expect(201).await;
    let stored = lea.get(PATH).expect(200).await;
    let own = with(&event("a", "20260614"), &alarm("of rita"));
    for changed in [
        event("a", "20260614"),
        own.replace("Meeting", "Other"),
        own.replace("T100000Z", "T103000Z"),
        with(&own, "LOCATION:There\r\n"),
        with(&own, "CLASS:PRIVATE\r\n"),
        own.replace("SUMMARY:Meeting\r\n", ""),
    ] {
        let refused = rita.put(PATH, &changed).expect(403).await;
        assert!(refused.text().contains("need-privileges"), "{}", refused.text());
    }
    rita.put("/calendars/tram/meetings/b.ics", &with(&event("b", "20260614"), &alarm("of rita"))).expect(403).await;
    zoe.put(PATH, &own).expect(404).await;
    let reads = world.tree.add_device("rita", "reads", beffroi::model::principal::DeviceScope::All, true, None).await;
    world.login("rita", &reads.unwrap()).put(PATH, &own).expect(403).await;
    // A lock of another is on what is everybody's.
    let token = lea.locked(PATH, "exclusive", "0").await;
    rita.put(PATH, &own).expect(204).await;
    lea.unlock_at(PATH).header("Lock-Token", &format!("<{token}>")).expect(204).await;
    // Large, and announced.
    let long = with(&event("long", "20260614"), &format!("DESCRIPTION:{}\r\n", "word ".repeat(20_000)));
    lea.put("/calendars/tram/meetings/long.ics", &long).expect(201).await;
    let long = lea.get("/calendars/tram/meetings/long.ics").expect(200).await.text();
    rita.put("/calendars/tram/meetings/long.ics", &with(&long, &alarm("of rita"))).expect(204).await;
    assert_eq!(tag(&lea.get(PATH).expect(200).await), tag(&stored));
    // Who loses the right sees it no more; whoever has it again has what was theirs.
    world.tree.remove_member("tram", "rita").await.unwrap();
    rita.get(PATH).expect(404).await;
    rita.put(PATH, &event("a", "20260614")).expect(404).await;
    world.tree.add_member("tram", "rita", Role::Reader, None).await.unwrap();
    assert!(rita.get(PATH).expect(200).await.text().contains("of rita"));
    world.sound().await;
}

#[tokio::test]
async fn what_all_see_changes_under_what_is_ones_own() {
    let world = World::new().await;
    let [lea, max, mia] = ["lea", "max", "mia"].map(|name| world.client(name));
    let series = event("a", "20260614").replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    max.put(PATH, &with(&series, &alarm("of max"))).expect(201).await;
    let before = max.get(PATH).expect(200).await;
    // Somebody who has an alarm of theirs changes the title, and moves an occurrence.
    let moved = "BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260615T100000Z\r\n\
                 DTSTART:20260615T150000Z\r\nDTEND:20260615T160000Z\r\nSUMMARY:Later\r\nEND:VEVENT\r\nEND:VCALENDAR";
    let changed = with(&series.replace("Meeting", "Other"), &alarm("of lea")).replace("END:VCALENDAR", moved);
    lea.put(PATH, &changed).header("If-Match", &tag(&lea.get(PATH).expect(200).await)).expect(204).await;
    let after = max.get(PATH).expect(200).await;
    assert_ne!(tag(&before), tag(&after));
    assert!(after.text().contains("SUMMARY:Other") && after.text().contains("SUMMARY:Later"), "{}", after.text());
    // The series rings, and the occurrence too, for it was moved by somebody else.
    assert_eq!(after.text().matches("DESCRIPTION:of max").count(), 2, "{}", after.text());
    assert!(!after.text().contains("of lea") && !mia.get(PATH).expect(200).await.text().contains("VALARM"));
    max.put(PATH, &after.text().replace("Other", "Third")).header("If-Match", &tag(&before)).expect(412).await;
    max.put(PATH, &after.text().replace("Other", "Third")).header("If-Match", &tag(&after)).expect(204).await;
    let hers = lea.get(PATH).expect(200).await.text();
    assert!(hers.contains("SUMMARY:Third") && hers.matches("of lea").count() == 1, "{hers}");
    // One occurrence rings for one person; all others see no occurrence apart.
    let plain = mia.get(PATH).expect(200).await.text();
    let third = "BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260616T100000Z\r\n\
                 DTSTART:20260616T100000Z\r\nDTEND:20260616T110000Z\r\nSUMMARY:Third\r\n";
    let own = format!("{third}{}END:VEVENT\r\nEND:VCALENDAR", alarm("of mia"));
    mia.put(PATH, &plain.replace("END:VCALENDAR", &own)).expect(204).await;
    let seen = mia.get(PATH).expect(200).await.text();
    assert!(seen.matches("BEGIN:VEVENT").count() == 3 && seen.matches("of mia").count() == 1, "{seen}");
    assert_eq!(max.get(PATH).expect(200).await.text().matches("BEGIN:VEVENT").count(), 2);
    let day = "<C:comp-filter name=\"VALARM\"><C:time-range start=\"20260616T095400Z\" end=\"20260616T095600Z\"/>\
               </C:comp-filter>";
    assert_eq!(queried(&mia, day).await.hrefs().len(), 1);
    // The occurrence goes, and so does what was said of it.
    lea.put(PATH, &hers.replace("RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=DAILY;COUNT=2")).expect(204).await;
    assert!(!mia.get(PATH).expect(200).await.text().contains("of mia"));
    world.sound().await;
}

#[tokio::test]
async fn each_says_whether_an_event_takes_their_time() {
    let world = World::new().await;
    let [lea, max, mia] = ["lea", "max", "mia"].map(|name| world.client(name));
    lea.put(PATH, &with(&event("a", "20260614"), "TRANSP:OPAQUE\r\n")).expect(201).await;
    let busy = format!(
        "<C:free-busy-query {CALDAV}><C:time-range start=\"20260614T000000Z\" end=\"20260615T000000Z\"/>\
         </C:free-busy-query>"
    );
    let taken = async |client: &Client| {
        let said = client.report_at(CALENDAR).header("Depth", "1").body(&busy).expect(200).await.text();
        said.contains("20260614T100000Z/")
    };
    let text = mia.get(PATH).expect(200).await.text();
    // Asked before, so what follows from the text is kept.
    assert!(taken(&mia).await && taken(&max).await);
    mia.put(PATH, &again(&text.replace("TRANSP:OPAQUE", "TRANSP:TRANSPARENT"))).expect(204).await;
    assert!(!taken(&mia).await && taken(&max).await && taken(&lea).await);
    assert!(mia.get(PATH).expect(200).await.text().contains("TRANSP:TRANSPARENT"));
    assert_eq!(lea.get(PATH).expect(200).await.text(), text);
    // What a new event says is so for all who say nothing else.
    let free = with(&event("b", "20260614"), "TRANSP:TRANSPARENT\r\n");
    let stored = lea.put("/calendars/tram/meetings/b.ics", &free).expect(201).await;
    let seen = max.get("/calendars/tram/meetings/b.ics").expect(200).await;
    assert_eq!((seen.text(), tag(&seen)), (free, tag(&stored)));
    world.sound().await;
}

#[tokio::test]
async fn what_is_shared_or_kept_for_another() {
    let world = World::new().await;
    let [max, mia, zoe] = ["max", "mia", "zoe"].map(|name| world.client(name));
    let (own, path) = (with(&event("p", "20260614"), &alarm("of max")), "/calendars/max/personal/p.ics");
    // In one's own home the object is one's own, as it was stored.
    let stored = max.put(path, &own).expect(201).await;
    share(&max, "/calendars/max/personal/", &[sharee("mailto:zoe@ville.example", "read")]).await;
    let (_, uid, _) = newest(&zoe, "zoe").await;
    answer(&zoe, "/calendars/zoe/", &uid, "accepted").await;
    let link = "/calendars/zoe/personal@max/p.ics";
    let seen = zoe.get(link).expect(200).await;
    assert_eq!(tag(&seen), tag(&stored));
    let hers = own.replace("of max", "of zoe");
    zoe.put(link, &hers).header("If-Match", &tag(&seen)).expect(204).await;
    for address in [link, path] {
        assert_eq!(zoe.get(address).expect(200).await.text(), hers);
    }
    zoe.put(link, &hers.replace("Meeting", "Other")).expect(403).await;
    assert_eq!(max.get(path).expect(200).await.text(), own);
    let silent = event("p", "20260614");
    max.put(path, &silent).header("If-Match", &tag(&stored)).expect(204).await;
    assert_eq!(max.get(path).expect(200).await.text(), silent);
    assert!(zoe.get(link).expect(200).await.text().contains("of zoe"));

    // Who keeps the calendars of another writes what is theirs.
    let keeps = Delegation { role: Role::Member, until: None, sees_private: true };
    let hers = with(&silent, &alarm("of mia"));
    world.tree.grant("/calendars/max/personal", "mia", Role::Member, None).await.unwrap();
    mia.put(path, &hers).expect(204).await;
    assert_eq!(max.get(path).expect(200).await.text(), silent);
    world.tree.add_delegate("max", "mia", keeps).await.unwrap();
    // She reads what she writes over, whatever was hers before, and has that again afterwards.
    let listed = mia.report_at("/calendars/max/personal/").header("Depth", "1").body(&query("")).expect(207).await;
    assert!(!listed.text().contains("VALARM"), "{}", listed.text());
    assert_eq!(mia.get(path).expect(200).await.text(), silent);
    max.put(path, &own).expect(204).await;
    let shown = mia.get(path).expect(200).await;
    assert_eq!((shown.text(), tag(&shown)), (own.clone(), tag(&max.get(path).expect(200).await)));
    mia.put(path, &shown.text().replace("Meeting", "Other")).header("If-Match", &tag(&shown)).expect(204).await;
    assert_eq!(max.get(path).expect(200).await.text(), own.replace("Meeting", "Other"));
    let kept = with(&silent, &alarm("of max by mia"));
    mia.put(path, &kept).expect(204).await;
    for client in [&max, &mia] {
        assert_eq!(client.get(path).expect(200).await.text(), kept);
    }
    assert!(zoe.get(link).expect(200).await.text().contains("of zoe"));
    world.tree.remove_delegate("max", "mia").await.unwrap();
    assert!(mia.get(path).expect(200).await.text().contains("of mia"));
    world.sound().await;
}

async fn parts(world: &World) -> i64 {
    let (number,) =
        sqlx::query_as("SELECT COUNT(*) FROM personal_part").fetch_one(&mut world.database().await).await.unwrap();
    number
}

#[tokio::test]
async fn what_is_ones_own_goes_and_comes_with_the_object() {
    let world = World::new().await;
    let [lea, max, mia, rita] = ["lea", "max", "mia", "rita"].map(|name| world.client(name));
    for (client, word) in [(&max, "of max"), (&mia, "of mia"), (&rita, "of rita")] {
        client.put(PATH, &with(&event("a", "20260614"), &alarm(word))).send().await;
    }
    assert_eq!(parts(&world).await, 3);
    let rings = async |client: &Client, path: &str, word: &str| {
        let text = client.get(path).expect(200).await.text();
        assert!(text.contains(word), "{text}");
        assert_eq!(text.matches("VALARM").count(), if word.is_empty() { 0 } else { 2 }, "{text}");
    };
    // To the trash and back.
    lea.delete(PATH).expect(204).await;
    rings(&max, "/trash/tram/a.ics", "").await;
    lea.relocate("/trash/tram/a.ics", PATH).expect(201).await;
    rings(&max, PATH, "of max").await;
    // The same UID again is the same event.
    lea.delete(PATH).expect(204).await;
    lea.put("/calendars/tram/meetings/other.ics", &event("a", "20260614")).expect(201).await;
    rings(&mia, "/calendars/tram/meetings/other.ics", "of mia").await;
    lea.relocate("/calendars/tram/meetings/other.ics", PATH).expect(201).await;
    // To another calendar of the home, in which nobody had anything yet.
    lea.ask("MKCALENDAR", "/calendars/tram/more/").expect(201).await;
    let moved = "/calendars/tram/more/a.ics";
    lea.relocate(PATH, moved).expect(201).await;
    rings(&max, moved, "of max").await;
    let listed = max.propfind("/calendars/tram/more/", "1", "<D:getetag/>").expect(207).await;
    assert!(listed.text().contains(tag(&max.get(moved).expect(200).await).trim_matches('"')), "{}", listed.text());
    rings(&lea, moved, "").await;
    // A copy is another event, which is as whoever makes it sees it.
    max.copy(moved, "/calendars/tram/more/copy.ics").expect(403).await;
    max.copy(moved, PATH).expect(201).await;
    rings(&max, PATH, "of max").await;
    rings(&mia, PATH, "").await;
    max.delete(PATH).expect(204).await;
    world.sound().await;
    // With the person, and with the object.
    world.tree.remove_person("mia").await.unwrap();
    assert_eq!(parts(&world).await, 3);
    lea.delete("/trash/tram/a.ics").expect(204).await;
    lea.delete(moved).expect(204).await;
    lea.delete("/trash/tram/a.ics").expect(204).await;
    assert_eq!(parts(&world).await, 0);
    world.sound().await;
}

/// What is the object's own in one's own home is one's own elsewhere, and the other way round.
#[tokio::test]
async fn what_goes_to_another_home_takes_along_what_is_of_whoever_brings_it() {
    let world = World::new().await;
    let [max, mia] = ["max", "mia"].map(|name| world.client(name));
    let own = "/calendars/max/personal/a.ics";
    let text = with(&event("a", "20260614"), &alarm("of max"));
    max.put(own, &text).expect(201).await;
    for (way, status) in [("COPY", 201), ("COPY", 204), ("MOVE", 204)] {
        let to = format!("http://{}{PATH}", max.address);
        max.ask(way, own).header("Destination", &to).expect(status).await;
        assert_eq!(max.get(PATH).expect(200).await.text(), text, "{way}");
        assert_eq!(mia.get(PATH).expect(200).await.text(), event("a", "20260614"), "{way}");
        if status == 201 {
            let hers = with(&event("a", "20260614"), &alarm("of mia"));
            mia.put(PATH, &hers).expect(204).await;
            mia.put(PATH, &event("a", "20260614")).expect(204).await;
        }
    }
    max.get(own).expect(404).await;
    let hers = with(&event("a", "20260614"), &alarm("of mia"));
    mia.put(PATH, &hers).expect(204).await;
    // Each copies what they see.
    for (client, name, seen) in [(&max, "max", &text), (&mia, "mia", &hers)] {
        let to = format!("/calendars/{name}/personal/a.ics");
        client.copy(PATH, &to).expect(201).await;
        assert_eq!(client.get(&to).expect(200).await.text(), *seen);
    }
    max.relocate(PATH, "/calendars/max/personal/a.ics").header("Overwrite", "T").expect(204).await;
    assert_eq!(max.get(own).expect(200).await.text(), text);
    world.sound().await;
}

#[tokio::test]
async fn a_feed_rings_for_whose_it_is() {
    let world = World::new().await;
    let [max, rita] = ["max", "rita"].map(|name| world.client(name));
    let daily = event("a", "20260614").replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY");
    max.put(PATH, &with(&daily, &alarm("of max"))).expect(201).await;
    let (secret, _) = world.tree.add_feed("rita", "/calendars/tram/meetings", FeedDetail::Full, None).await.unwrap();
    let path = format!("/feeds/{secret}/meetings.ics");
    let before = world.nobody().get(&path).expect(200).await;
    assert!(before.text().contains("BEGIN:VEVENT") && !before.text().contains("VALARM"), "{}", before.text());
    rita.put(PATH, &with(&daily, &alarm("of rita"))).expect(204).await;
    let after = world.nobody().get(&path).header("If-None-Match", &tag(&before)).expect(200).await;
    assert!(after.text().contains("BEGIN:VALARM") && !after.text().contains("of max"), "{}", after.text());
}

#[tokio::test]
async fn nothing_follows_from_what_is_ones_own() {
    let world = World::with_mail("ville.example").await;
    let [max, mia, zoe] = ["max", "mia", "zoe"].map(|name| world.client(name));
    let people = "ORGANIZER:mailto:tram@ville.example\r\nATTENDEE:mailto:zoe@ville.example\r\n\
                  ATTENDEE:mailto:out@elsewhere.example\r\n";
    max.put(PATH, &with(&event("a", "20300614"), &format!("{people}{}", alarm("of max")))).expect(201).await;
    let listed =
        async |client: &Client, path: &str| client.propfind(path, "1", "<D:getetag/>").expect(207).await.hrefs();
    let (inbox, copies) = (listed(&zoe, "/calendars/zoe/inbox/").await, listed(&zoe, "/calendars/zoe/personal/").await);
    assert_eq!((inbox.len(), copies.len()), (2, 2));
    let copy = zoe.get(&copies[1]).expect(200).await;
    assert!(!copy.text().contains("VALARM"), "{}", copy.text());
    let mails = async || {
        let mut c = world.database().await;
        let (number,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM mail").fetch_one(&mut c).await.unwrap();
        number
    };
    let (sent, known) = (mails().await, max.get(PATH).expect(200).await);
    assert!(known.text().contains("of max"), "{}", known.text());
    // By who has nothing there yet, and by who has.
    let text = again(&with(&mia.get(PATH).expect(200).await.text(), &alarm("of mia")));
    mia.put(PATH, &text).expect(204).await;
    max.put(PATH, &known.text().replace("of max", "once more")).header("If-Match", &tag(&known)).expect(204).await;
    let after = max.get(PATH).expect(200).await;
    assert!(after.text().contains("once more"), "{}", after.text());
    assert_eq!(after.header("schedule-tag"), known.header("schedule-tag"));
    assert_eq!(mails().await, sent);
    assert_eq!(listed(&zoe, "/calendars/zoe/inbox/").await, inbox);
    assert_eq!(tag(&zoe.get(&copies[1]).expect(200).await), tag(&copy));
    // Who knows the tag that says what is theirs, too, knows what stands there.
    let moved = after.text().replace("T100000Z", "T103000Z");
    max.put(PATH, &moved).header("If-Match", &tag(&after)).expect(204).await;
    assert!(max.get(PATH).expect(200).await.text().contains("once more"));
    assert!(mia.get(PATH).expect(200).await.text().contains("of mia"));
    let copy = zoe.get(&copies[1]).expect(200).await.text();
    assert!(copy.contains("T103000Z") && !copy.contains("VALARM"), "{copy}");
    world.sound().await;
}

#[tokio::test]
async fn a_damaged_part_harms_only_itself() {
    let world = World::new().await;
    let [max, mia] = ["max", "mia"].map(|name| world.client(name));
    for (client, word) in [(&max, "of max"), (&mia, "of mia")] {
        client.put(PATH, &with(&event("a", "20260614"), &alarm(word))).send().await;
    }
    let whose = "WHERE principal_id = (SELECT id FROM principal WHERE name = 'max')";
    for damage in ["text = 'no object'", "text = x'00ff'", "hash = 'other'", "hash = x'ff00'", "text = ''", "size = -1"]
    {
        sql(&world, &format!("CREATE TABLE kept AS SELECT * FROM personal_part {whose}")).await;
        super::damaged::spoil(
            &mut world.database().await,
            "personal_part",
            damage.split(' ').next().unwrap(),
            &whose[6..],
            damage.split_once("= ").unwrap().1,
        )
        .await;
        for (way, answer) in read_in_every_way(&max).await {
            assert!([200, 207].contains(&answer.status), "{damage} {way}: {}", answer.status);
            assert!(
                answer.text().contains("a.ics") || answer.text().contains("Meeting"),
                "{damage} {way}: {}",
                answer.text()
            );
        }
        assert!(mia.get(PATH).expect(200).await.text().contains("of mia"));
        assert!(!world.tree.check(|_| {}).await.unwrap().damage.is_empty(), "{damage}");
        sql(&world, &format!("DELETE FROM personal_part {whose}")).await;
        sql(&world, "INSERT INTO personal_part SELECT * FROM kept").await;
        sql(&world, "DROP TABLE kept").await;
    }
    // It is mended by whose it is.
    sql(&world, &format!("UPDATE personal_part SET text = 'no object' {whose}")).await;
    max.put(PATH, &with(&event("a", "20260614"), &alarm("once more"))).expect(204).await;
    assert!(max.get(PATH).expect(200).await.text().contains("once more"));
    world.sound().await;
}

/// Who sees an event only as busy does not see, either, that somebody set an alarm on it.
#[tokio::test]
async fn what_is_ones_own_moves_no_tag_of_what_is_private() {
    let world = World::new().await;
    let [max, mia, zoe] = ["max", "mia", "zoe"].map(|name| world.client(name));
    let path = "/calendars/max/personal/a.ics";
    let private = with(&event("a", "20260614"), "CLASS:PRIVATE\r\n");
    max.put(path, &private).expect(201).await;
    world.tree.grant("/calendars/max/personal", "zoe", Role::Reader, None).await.unwrap();
    let keeps = Delegation { role: Role::Reader, until: None, sees_private: true };
    world.tree.add_delegate("max", "mia", keeps).await.unwrap();
    let masked = zoe.get(path).expect(200).await;
    assert!(!masked.text().contains("Meeting"), "{}", masked.text());
    mia.put(path, &with(&private, &alarm("of mia"))).expect(204).await;
    assert!(mia.get(path).expect(200).await.text().contains("of mia"));
    assert_eq!(tag(&zoe.get(path).expect(200).await), tag(&masked));
    max.put(path, &private.replace("T110000Z", "T113000Z")).expect(204).await;
    assert_ne!(tag(&zoe.get(path).expect(200).await), tag(&masked));
    world.sound().await;
}

/// Objects in which nobody has anything of their own are read with as many statements as before anybody had, whatever
/// people do to theirs on others.
#[tokio::test]
async fn objects_without_parts_cost_nothing_more() {
    const OTHER: &str = "/calendars/tram/meetings/b.ics";
    let world = World::new().await;
    let [lea, max, mia] = ["lea", "max", "mia"].map(|name| world.client(name));
    lea.put(PATH, &event("a", "20260614")).expect(201).await;
    lea.put(OTHER, &event("b", "20260615")).expect(201).await;
    let cost = async |writer: &Client, text: &str| {
        max.get(PATH).expect(200).await;
        writer.put(OTHER, text).expect(204).await;
        let before = world.tree.asked().0;
        max.get(PATH).expect(200).await;
        world.tree.asked().0 - before
    };
    // That she was here is noted.
    mia.get(PATH).expect(200).await;
    let before = cost(&lea, &event("b", "20260616")).await;
    let own = |word: &str| with(&event("b", "20260616"), &alarm(word));
    let spared = cost(&mia, &own("one")).await;
    assert!(spared <= before, "{spared} {before}");
    assert_eq!(cost(&mia, &own("two")).await, spared);
    mia.put(PATH, &with(&event("a", "20260614"), &alarm("of mia"))).expect(204).await;
    assert_eq!(cost(&mia, &own("three")).await, spared + 1);
}
