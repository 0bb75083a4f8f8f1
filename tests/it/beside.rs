//! What lies beside what is one's own shows nothing of itself: neither by a name that it takes, nor by a number that it
//! moves on, nor by who may do what there.

use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::now;
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::model::version::day;
use beffroi::tree::administration::delegates::Delegation;
use beffroi::tree::administration::devices::NewDevice;

use super::kit::{Client, World, event};
use super::leaks::{END, SHARED, names, partner, said};
use super::retention::sql;
use super::sharing::{share, sharee};

/// What someone sees of the trash of the project.
async fn trash(client: &Client) -> Vec<String> {
    let props = "<D:displayname/><D:getetag/><D:resourcetype/><D:getcontentlength/>";
    let mut seen = vec![said(client.propfind("/trash/pont/", "1", props)).await];
    for name in names(client, "/trash/pont/").await {
        let path = format!("/trash/pont/{name}");
        seen.push(said(client.propfind(&path, "0", props)).await);
        // A page for people shows times, which are another second now and then.
        if !name.ends_with(".txt") {
            continue;
        }
        let answer = client.get(&path).send().await;
        seen.push(format!("{} {:?} {}", answer.status, answer.header("etag"), answer.text()));
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
    assert!(!alone.contains(" 507 "), "{alone}");
    zoe.put(&format!("{END}newer.txt"), "x").expect(201).await;
    let page = zoe.sync(END, &before, "infinite", more).expect(207).await;
    assert!(page.text().contains(" 507 ") && page.hrefs().contains(&format!("{END}new.txt")), "{}", page.text());
    let rest = zoe.sync(END, &page.sync_token(), "infinite", more).expect(207).await;
    assert_eq!(rest.hrefs(), [format!("{END}newer.txt")]);
}

/// A list of rights names whom one may know: what others are given on a part changes it for nobody who may not know
/// them, and who replaces the list leaves theirs as it is.
#[tokio::test]
async fn lists_of_rights_name_whom_one_may_know() {
    let (world, _) = partner().await;
    let (lea, zoe, mia) = (world.client("lea"), world.client("zoe"), world.client("mia"));
    for part in [END, SHARED] {
        world.tree.grant(part, "zoe", Role::Lead, None).await.unwrap();
    }
    let of_acl = "<D:acl-principal-prop-set xmlns:D=\"DAV:\"><D:prop><D:displayname/></D:prop>\
                  </D:acl-principal-prop-set>";
    let lists = async |client: &Client| {
        let mut found = Vec::new();
        let props = "<D:acl/><D:inherited-acl-set/><D:owner/><CS:invite xmlns:CS=\"http://calendarserver.org/ns/\"/>";
        for part in [END, SHARED, "/calendars/zoe/shared@pont/"] {
            found.push(said(client.propfind(part, "0", props)).await);
            found.push(said(client.report_at(part).body(of_acl)).await);
        }
        found.concat()
    };
    let before = lists(&zoe).await;
    for (place, whom) in [(END, "mia"), ("/files/pont/way", "rita"), (SHARED, "mia"), ("/calendars/pont", "rita")] {
        world.tree.grant(place, whom, Role::Reader, None).await.unwrap();
    }
    let shared = share(&lea, SHARED, &[sharee("/principals/max/", "read")]).await;
    assert_eq!(shared.status, 200, "{}", shared.text());
    assert_eq!(lists(&zoe).await, before);
    let all = lists(&lea).await;
    assert!(["/principals/mia/", "/principals/rita/", "mailto:max@"].iter().all(|one| all.contains(one)), "{all}");
    // Whom one may not know is nobody, there or not.
    let entry = |whom: &str, what: &str| {
        format!(
            "<D:ace><D:principal><D:href>/principals/{whom}/</D:href></D:principal><D:grant><D:privilege>{what}\
             </D:privilege></D:grant></D:ace>"
        )
    };
    let acl = |entries: &str| {
        zoe.ask("ACL", END).body(&format!("<D:acl xmlns:D=\"DAV:\">{}{entries}</D:acl>", entry("zoe", "<D:all/>")))
    };
    let mut answers = Vec::new();
    for whom in ["mia", "mio"] {
        let mut heard = said(acl(&entry(whom, "<D:read/>"))).await;
        heard += &said(zoe.ask("POST", SHARED).header("Content-Type", "text/xml").body(&format!(
            "<CS:share xmlns:D=\"DAV:\" xmlns:CS=\"http://calendarserver.org/ns/\">{}</CS:share>",
            sharee(&format!("mailto:{whom}@ville.example"), "read")
        )))
        .await;
        heard += &said(zoe.propfind(SHARED, "0", "<CS:invite xmlns:CS=\"http://calendarserver.org/ns/\"/>")).await;
        let uninvited = share(&zoe, SHARED, &[sharee(&format!("mailto:{whom}@ville.example"), "")]).await;
        assert_eq!(uninvited.status, 200);
        let uid = |heard: &str| heard.split("<CS:uid>").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        let known = uid(&heard).unwrap_or_default();
        answers.push(heard.replace(whom, "WHOM").replace(&known, "UID"));
    }
    assert_eq!(answers[0], answers[1]);
    acl(&entry("lea", "<D:read/>")).expect(200).await;
    mia.get(&format!("{END}own.txt")).expect(200).await;
    acl("").expect(200).await;
    mia.get(&format!("{END}own.txt")).expect(200).await;
    world.sound().await;
}

/// Who one is to others is found where it says: groups that one may know, and those of whom one is a delegate.
#[tokio::test]
async fn who_one_is_can_be_found() {
    let (world, _) = partner().await;
    world.tree.add_group("crew", "Crew").await.unwrap();
    for member in ["rita", "zoe"] {
        world.tree.join_group("crew", member).await.unwrap();
    }
    for (person, role) in [("lea", Role::Reader), ("max", Role::Member)] {
        let delegation = Delegation { role, until: None, sees_private: false };
        world.tree.add_delegate(person, "rita", delegation).await.unwrap();
    }
    for (who, expected) in [
        (
            "rita",
            vec![
                "/principals/crew/",
                "/principals/rita/",
                "/principals/lea/calendar-proxy-read/",
                "/principals/max/calendar-proxy-write/",
            ],
        ),
        // No partner knows of a group that has no part in the project.
        ("zoe", vec!["/principals/zoe/"]),
    ] {
        let client = world.client(who);
        let own = "<D:principal-match xmlns:D=\"DAV:\"><D:self/><D:prop><D:displayname/></D:prop></D:principal-match>";
        let found = client.report_at("/principals/").header("Depth", "0").body(own).expect(207).await.hrefs();
        assert_eq!(found, expected);
        for href in found {
            client.propfind(&href, "0", "<D:displayname/>").expect(207).await;
        }
    }
}

/// Former days lead into the parts that one has, whatever was done beside them, and when.
#[tokio::test]
async fn former_days_lead_into_the_parts_that_one_has() {
    let (world, _) = partner().await;
    let zoe = world.client("zoe");
    let days = |count: usize| -> Vec<String> {
        let mut before = now() + 1;
        let each = std::iter::repeat_with(|| {
            let (name, begin) = day(before - 1, &jiff::tz::TimeZone::system()).unwrap();
            before = begin;
            name
        });
        each.take(count).chain(["way".to_owned()]).collect()
    };
    assert_eq!(names(&zoe, "/history/pont/").await, days(1));
    // It is four days old, the home a year.
    let past = "UPDATE node SET created_at = created_at - 86400 * 4, since_at = since_at - 86400 * 4 WHERE name IN ";
    sql(&world, &format!("{past} ('way', 'end', 'own.txt')")).await;
    sql(&world, "UPDATE node SET created_at = created_at - 86400 * 365 WHERE name IN ('pont', 'files')").await;
    assert_eq!(names(&zoe, "/history/pont/").await, days(5));
    let third = format!("/history/pont/{}/", days(4)[3]);
    assert_eq!(names(&zoe, &third).await, ["way"]);
    assert_eq!(names(&zoe, &format!("{third}way/end/")).await, ["own.txt"]);
    for day in days(5).iter().take(5) {
        let path = format!("/history/pont/{day}/");
        let times = zoe.propfind(&path, "0", "<D:getlastmodified/><D:creationdate/>").expect(207).await.text();
        assert!(times.contains("01 Jan 2024 00:00:00 GMT") && times.contains(">2024-01-01T00:00:00Z<"), "{times}");
    }
}

/// What the trash costs does not grow with the number of grants, nor with what was deleted beside them.
#[tokio::test]
async fn the_trash_costs_the_same_however_many_parts_one_has() {
    let (world, _) = partner().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    zoe.delete(&format!("{END}own.txt")).expect(204).await;
    let mut costs = Vec::new();
    for round in 0..3 {
        let before = world.tree.asked();
        for path in ["/trash/", "/trash/pont/"] {
            zoe.propfind(path, "1", "<D:getetag/>").expect(207).await;
        }
        zoe.get("/trash/pont/own.txt").expect(200).await;
        let after = world.tree.asked();
        costs.push((after.0 - before.0, after.1 - before.1));
        for part in 0..10 {
            let folder = format!("/files/pont/{round}-{part}/");
            lea.mkcol(&folder).expect(201).await;
            lea.put(&format!("/files/pont/gone-{round}-{part}.txt"), "x").expect(201).await;
            lea.delete(&format!("/files/pont/gone-{round}-{part}.txt")).expect(204).await;
            world.tree.grant(&folder, "zoe", Role::Reader, None).await.unwrap();
        }
    }
    // The first round is the one that finds nothing kept from before.
    assert!(costs[1].0 <= costs[0].0 && costs[2].0 <= costs[0].0, "{costs:?}");
}

/// What a device of one project shows does not hang on how many calendars others share.
#[tokio::test]
async fn a_device_of_one_project_shows_its_calendars_beside_any_number_of_others() {
    let world = World::unflushed().await;
    world.tree.add_project("zz", "Last", None).await.unwrap();
    world.tree.add_member("zz", "max", Role::Lead, None).await.unwrap();
    world.tree.add_member("tram", "max", Role::Lead, None).await.unwrap();
    let max = world.client("max");
    for number in 0..1000 {
        max.ask("MKCALENDAR", &format!("/calendars/tram/{number}/")).expect(201).await;
    }
    let opens = NewDevice { project: Some("zz"), ..DeviceScope::All.into() };
    let password = world.tree.add_device("max", "tablet", opens, false, None).await.unwrap();
    let tablet = world.login("max", &password);
    assert_eq!(names(&tablet, "/calendars/max/").await, ["meetings@zz", "tasks@zz"]);
}

/// What is asked of calendars finds nothing of those beside, by UID, by time or as busy; and who may only know when
/// someone is busy learns no more by asking for words.
#[tokio::test]
async fn queries_find_nothing_of_what_stands_beside() {
    let (world, _) = partner().await;
    let (lea, zoe, rita) = (world.client("lea"), world.client("zoe"), world.client("rita"));
    const SPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
    let query = |filter: &str| {
        format!(
            "<C:calendar-query {SPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter \
             name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">{filter}</C:comp-filter></C:comp-filter></C:filter>\
             </C:calendar-query>"
        )
    };
    let text = |name: &str, of: &str| {
        query(&format!("<C:prop-filter name=\"{name}\"><C:text-match>{of}</C:text-match></C:prop-filter>"))
    };
    let range = "<C:time-range start=\"20260601T000000Z\" end=\"20260701T000000Z\"/>";
    let asks = [
        text("UID", "known"),
        query(range),
        format!("<C:free-busy-query {SPACES}>{range}</C:free-busy-query>"),
        format!("<D:principal-search-property-set {SPACES}/>"),
    ];
    let places = [SHARED, "/calendars/zoe/", "/calendars/zoe/personal/", "/calendars/pont/", "/calendars/pont/aside/"];
    let heard = async || {
        let mut found = Vec::new();
        for place in places {
            for ask in &asks {
                let answer = said(zoe.report_at(place).header("Depth", "1").body(ask)).await;
                // When the answer to free-busy was made, which its UID says, too.
                let is_moment = |line: &&str| line.starts_with("DTSTAMP") || line.starts_with("UID:");
                let lines = answer.split("\r\n").filter(|line| !is_moment(line));
                found.push(lines.collect::<Vec<_>>().concat());
            }
        }
        found
    };
    let before = heard().await;
    lea.put("/calendars/pont/aside/new.ics", &event("known", "20260620")).send().await;
    lea.put("/calendars/pont/aside/faded.ics", &event("faded", "20260621")).expect(201).await;
    lea.delete("/calendars/pont/aside/known.ics").expect(204).await;
    assert_eq!(heard().await, before);
    // The same UID may be used beside it, and nobody learns that it is.
    let put = |uid: &str| zoe.put(&format!("{SHARED}{uid}.ics"), &event(uid, "20260622")).header("If-None-Match", "*");
    let there = said(put("faded")).await;
    assert_eq!(there.split(' ').next(), said(put("never")).await.split(' ').next());
    // A private event is found by when it is, and not by what it says.
    world.tree.grant(SHARED, "rita", Role::Reader, None).await.unwrap();
    let secret = event("secret", "20260623").replace("SUMMARY:Meeting", "CLASS:PRIVATE\r\nSUMMARY:Hidden");
    lea.put(&format!("{SHARED}secret.ics"), &secret).expect(201).await;
    for (ask, found) in [(text("SUMMARY", "Hidden"), false), (text("UID", "secret"), true), (query(range), true)] {
        let answer = rita.report_at(SHARED).header("Depth", "1").body(&ask).expect(207).await;
        assert!(!answer.text().contains("Hidden"), "{}", answer.text());
        assert_eq!(answer.hrefs().contains(&format!("{SHARED}secret.ics")), found, "{ask}");
    }
}

/// Whom one may not know no report on principals finds, by whatever is asked; nor does any of them change when such a
/// person comes, gets a role elsewhere, or goes.
#[tokio::test]
async fn reports_on_principals_show_nobody_else() {
    let (mut world, _) = partner().await;
    let zoe = world.client("zoe");
    let search = |property: &str, text: &str, test: &str| {
        format!(
            "<D:principal-property-search xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
             test=\"{test}\"><D:property-search><D:prop>{property}</D:prop><D:match>{text}</D:match>\
             </D:property-search><D:prop><D:displayname/><C:calendar-user-address-set/><D:group-membership/>\
             <D:group-member-set/></D:prop></D:principal-property-search>"
        )
    };
    let all = "<D:prop><D:displayname/><D:group-membership/></D:prop>";
    let asks = [
        search("<D:displayname/>", "shown", "allof"),
        search("<C:calendar-user-address-set/>", "ville.example", "anyof"),
        search("<C:calendar-home-set/>", "/calendars/sam/", "allof"),
        search("<C:calendar-user-type/>", "ROOM", "allof"),
        search("<D:displayname/>", "s", "allof"),
        format!("<D:principal-match xmlns:D=\"DAV:\"><D:self/>{all}</D:principal-match>"),
        format!(
            "<D:principal-match xmlns:D=\"DAV:\"><D:principal-property><D:owner/></D:principal-property>{all}\
             </D:principal-match>"
        ),
        format!("<D:acl-principal-prop-set xmlns:D=\"DAV:\">{all}</D:acl-principal-prop-set>"),
        "<D:principal-search-property-set xmlns:D=\"DAV:\"/>".to_owned(),
    ];
    let heard = async || {
        let mut found = Vec::new();
        for place in ["/principals/", "/principals/zoe/", "/principals/lea/", "/principals/sam/", "/files/zoe/", END] {
            for ask in &asks {
                found.push(said(zoe.report_at(place).header("Depth", "0").body(ask)).await);
            }
        }
        found
    };
    let before = heard().await;
    world.add_person("sam").await;
    world.tree.add_group("staff", "staff shown").await.unwrap();
    for member in ["sam", "mia"] {
        world.tree.join_group("staff", member).await.unwrap();
    }
    let room = Room { hours: String::new(), ..Room::default() };
    world.tree.add_room("hall", "Hall shown", "hall@ville.example", &room).await.unwrap();
    world.tree.add_member("tram", "sam", Role::Lead, None).await.unwrap();
    world.tree.grant("/files/pont/aside", "staff", Role::Member, None).await.unwrap();
    assert_eq!(heard().await, before);
}

/// A feed says the same whatever is done beside it, and only the times of what is private; when the right ends it is as
/// one that never was, on every method.
#[tokio::test]
async fn a_feed_shows_what_its_person_may_read() {
    let (world, _) = partner().await;
    let (lea, nobody) = (world.client("lea"), world.nobody());
    world.tree.grant(SHARED, "rita", Role::Reader, None).await.unwrap();
    let at = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).strftime("%Y%m%d").to_string();
    let secret = event("secret", &at).replace("SUMMARY:Meeting", "CLASS:PRIVATE\r\nSUMMARY:Hidden");
    lea.put(&format!("{SHARED}secret.ics"), &secret).expect(201).await;
    let (token, name) = world.tree.add_feed("rita", SHARED, FeedDetail::Full, None).await.unwrap();
    let (address, none) =
        (format!("/feeds/{token}/{name}.ics"), format!("/feeds/{}/{name}.ics", "x".repeat(token.len())));
    let before = said(nobody.get(&address)).await;
    let shown = ["UID:secret", "SUMMARY:Occupé", &format!("{at}T1")].iter().all(|line| before.contains(line));
    assert!(before.starts_with("200") && shown && !before.contains("Hidden"), "{before}");
    lea.put("/calendars/pont/aside/known.ics", &event("known", &at)).expect(204).await;
    lea.put("/files/pont/known.txt", "other").expect(204).await;
    assert_eq!(said(nobody.get(&address)).await, before);
    world.tree.revoke(SHARED, "rita").await.unwrap();
    for method in ["GET", "HEAD", "OPTIONS", "PROPFIND", "PUT", "DELETE"] {
        assert_eq!(said(nobody.ask(method, &address)).await, said(nobody.ask(method, &none)).await, "{method}");
    }
}
