//! Pages on which people without an account answer (`/answer/{token}`): what they show, and what an answer changes.

use beffroi::model::id::now;
use beffroi::model::invitations::InvitationChannel;
use beffroi::tree::administration::people::PersonChange;
use beffroi::tree::job::{JOBS, JobPoll};

use crate::kit::{Answer, World};
use crate::meetings::{copy, meeting, text};
use crate::meetings_mail::mailed_in;

const PATH: &str = "/calendars/tram/meetings/one.ics";
const PAUL: &str = "paul@dehors.example";
const EVE: &str = "eve@dehors.example";

pub async fn world() -> World {
    World::with(|config| {
        config.mail.domain = Some("agenda.ville.example".parse().unwrap());
        config.server.public_url = Some("https://agenda.ville.example".to_owned());
    })
    .await
}

/// A meeting of the project with two people from outside, and one from here.
fn invited(lines: &str) -> String {
    let people = [PAUL, EVE, "zoe@ville.example"].map(|who| format!("ATTENDEE;RSVP=TRUE:mailto:{who}\r\n")).concat();
    meeting("one", &format!("ORGANIZER:mailto:max@ville.example\r\n{people}LOCATION:Salle Jaurès\r\n{lines}"))
}

const WEEKLY: &str = "RRULE:FREQ=WEEKLY;COUNT=4\r\n";
/// The second occurrence of such a series.
const SECOND: &str = "20300708T090000Z";
const SECOND_AT: i64 = 1_909_731_600;

async fn put(world: &World, object: &str) {
    let answer = world.client("max").put(PATH, object).send().await;
    assert!([201, 204].contains(&answer.status), "{}", answer.text());
}

/// Alters the object as it is stored.
async fn alter(world: &World, from: &str, to: &str) {
    let known = stored(world).await;
    assert!(known.contains(from), "{known}");
    put(world, &known.replace(from, to)).await;
}

async fn stored(world: &World) -> String {
    text(&world.client("max").get(PATH).expect(200).await)
}

/// What somebody was mailed to answer by.
pub async fn link(world: &World, who: &str) -> String {
    let sql = "SELECT node_id FROM mail ORDER BY id LIMIT 1";
    let event = beffroi::model::id::Id(super::retention::count(world, sql).await);
    let mails = world.tree.mail_about(event).await.unwrap();
    let mail = mails.iter().find(|mail| mail.address == who).expect("a mail");
    format!("/answer/{}", world.tree.answer_token(mail))
}

pub async fn page(world: &World, link: &str) -> Answer {
    world.nobody().get(link).header("Accept-Language", "en").expect(200).await
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The options of the form, by their values.
fn options(page: &str) -> Vec<String> {
    let values = page.split("<option value=\"").skip(1);
    values.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Sends the form of a page, where `scope` is chosen among its options.
async fn send(world: &World, link: &str, page: &str, scope: Option<&str>, fields: &str) -> Answer {
    let scope = match scope {
        Some(scope) => scope.to_owned(),
        None => options(page).first().cloned().unwrap_or_else(|| hidden(page, "occurrence")),
    };
    let body = format!("csrf={}&occurrence={scope}&{fields}", hidden(page, "csrf"));
    world
        .nobody()
        .ask("POST", link)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(&body)
        .send()
        .await
}

/// Opens the page and answers on it.
async fn answer(world: &World, link: &str, fields: &str) -> Answer {
    let page = page(world, link).await.text();
    send(world, link, &page, None, fields).await
}

fn line(text: &str, of: &str) -> String {
    let found = text.lines().find(|line| line.starts_with("ATTENDEE") && line.contains(of));
    found.unwrap_or_else(|| panic!("no {of} in {text}")).to_owned()
}

/// The component that has a line.
fn part<'a>(text: &'a str, having: &str) -> &'a str {
    let parts = text.split("BEGIN:VEVENT").skip(1);
    parts.into_iter().find(|part| part.contains(having)).unwrap_or_else(|| panic!("no {having} in {text}"))
}

async fn inbox(world: &World) -> usize {
    let listed = world.client("max").propfind("/calendars/tram/inbox/", "1", "<D:getetag/>").expect(207).await;
    listed.hrefs().len() - 1
}

async fn follow(world: &World) {
    let row = JOBS.iter().find(|row| row.kind == "refresh").expect("a job");
    while world.tree.run_next(row, now() + 60).await.unwrap() == JobPoll::Again {}
}

#[tokio::test]
async fn a_page_says_what_is_asked_in_the_language_of_who_reads_it() {
    let world = world().await;
    put(&world, &invited("DESCRIPTION:Premier\\nsecond\r\n")).await;
    let link = link(&world, PAUL).await;
    assert!(link.len() >= "/answer/".len() + 32, "128 bits at least");
    for (query, header, tag, words) in [
        ("", None, "fr", "Répondre à l’invitation"),
        ("", Some("de, *"), "fr", "lundi 1er juillet 2030, de 09:00 à 10:00 (UTC)"),
        ("", Some("en-GB, fr;q=0.5"), "en", "Monday 1 July 2030, 09:00 to 10:00 (UTC)"),
        ("?lang=fr", Some("en"), "fr", "Venez-vous"),
        ("?lang=en", None, "en", "Will you come?"),
        ("?lang=xx", None, "fr", "Salle Jaurès"),
    ] {
        let world_ = world.nobody();
        let address = format!("{link}{query}");
        let mut asked = world_.get(&address);
        if let Some(header) = header {
            asked = asked.header("Accept-Language", header);
        }
        let page = asked.expect(200).await;
        let html = page.text();
        assert!(html.contains(&format!("<html lang=\"{tag}\">")) && html.contains(words), "{query} {header:?}: {html}");
        assert_eq!(page.header("content-language"), Some(tag));
        for language in ["fr", "en"] {
            assert!(html.contains(&format!("href=\"?lang={language}\" hreflang=\"{language}\"")), "{html}");
        }
        // The language that was chosen stays when the form is sent.
        let action = html.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let chosen = query.starts_with("?lang=") && query != "?lang=xx";
        assert_eq!(action, if chosen { &address } else { &link });
        assert!(html.contains("Premier\nsecond") && html.contains("Tramway"), "{html}");
    }
    let page = page(&world, &link).await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").expect("a policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
    let html = page.text();
    assert!(!html.contains("<script") && !html.contains("style=") && !html.contains("<style"), "{html}");
    // What a link of the mail says is chosen already, and keeps when another language is.
    let chosen = world.nobody().get(&format!("{link}?answer=tentative")).expect(200).await.text();
    assert!(
        chosen.contains("value=\"tentative\" required checked") && chosen.contains("?lang=en&#38;answer=tentative"),
        "{chosen}"
    );
}

#[tokio::test]
async fn style_and_icon_are_kept_by_browsers_under_names_of_their_content() {
    let world = world().await;
    put(&world, &invited("")).await;
    let html = page(&world, &link(&world, PAUL).await).await.text();
    for (name, kind) in [("style", "text/css; charset=utf-8"), ("icon", "image/svg+xml")] {
        let address = html.split('"').find(|part| part.starts_with(&format!("/assets/{name}."))).expect("an address");
        let asset = world.nobody().get(address).expect(200).await;
        assert_eq!(asset.header("content-type"), Some(kind));
        assert!(asset.header("cache-control").unwrap().contains("immutable"));
        assert!(!asset.body.is_empty() && world.nobody().head(address).expect(200).await.body.is_empty());
        world.nobody().ask("POST", address).expect(405).await;
    }
    for address in ["/assets", "/assets/", "/assets/style.css", "/assets/style.0000000000000000.css", "/assets/../x"] {
        world.nobody().get(address).expect(404).await;
    }
}

/// Programs that look at mail follow its links.
#[tokio::test]
async fn reading_a_page_changes_nothing() {
    let world = world().await;
    put(&world, &invited(WEEKLY)).await;
    let link = link(&world, PAUL).await;
    let mut watching = world.database().await;
    let version = || sqlx::query_scalar::<_, i64>("PRAGMA data_version");
    let before = version().fetch_one(&mut watching).await.unwrap();
    for query in
        ["", "?answer=accepted", "?answer=declined&occurrence=1909731600", "?saved=1", "?csrf=x&answer=accepted"]
    {
        for method in ["GET", "HEAD", "OPTIONS"] {
            for client in [world.nobody(), world.client("max")] {
                client.ask(method, &format!("{link}{query}")).expect(200).await;
            }
        }
    }
    assert_eq!(version().fetch_one(&mut watching).await.unwrap(), before, "not a row");
    let (head, get) = (world.nobody().head(&link).expect(200).await, world.nobody().get(&link).expect(200).await);
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn an_answer_does_all_that_one_by_mail_does() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    let before = world.client("max").get(PATH).expect(200).await;
    let answered = answer(&world, &link, "answer=accepted&comment=J%27arrive+%C3%A0+10+h%0D%0AMerci").await;
    assert_eq!((answered.status, answered.header("location").unwrap()), (303, format!("{link}?saved=1").as_str()));
    let after = world.client("max").get(PATH).expect(200).await;
    let now = text(&after);
    let paul = line(&now, PAUL);
    assert!(paul.contains("PARTSTAT=ACCEPTED") && paul.contains("SCHEDULE-STATUS=2.0"), "{now}");
    assert!(!paul.contains("RSVP") && now.contains("J'arrive à 10 h\\nMerci"), "{now}");
    assert!(!line(&now, EVE).contains("ACCEPTED"), "{now}");
    assert_eq!(after.header("schedule-tag"), before.header("schedule-tag"));
    assert_eq!(inbox(&world).await, 1);
    // The others see the answer, and not what was written to the organizer.
    follow(&world).await;
    let (_, zoes) = copy(&world.client("zoe"), "/calendars/zoe/personal/", "one").await.expect("a copy");
    assert!(line(&zoes, PAUL).contains("PARTSTAT=ACCEPTED") && !zoes.contains("arrive"), "{zoes}");
    let saved = page(&world, answered.header("location").unwrap()).await.text();
    assert!(
        saved.contains("Your answer is saved: accepted") && saved.contains("value=\"accepted\" required checked"),
        "{saved}"
    );
    assert!(saved.contains("J&#39;arrive à 10 h\nMerci</textarea>"), "{saved}");
    // Once more the same is nothing new; another answer is.
    let tag = world.client("max").get(PATH).expect(200).await.header("etag").map(str::to_owned);
    answer(&world, &link, "answer=accepted&comment=J%27arrive+%C3%A0+10+h%0AMerci").await;
    let again = world.client("max").get(PATH).expect(200).await;
    assert_eq!((again.header("etag").map(str::to_owned), inbox(&world).await), (tag, 1));
    assert_eq!(answer(&world, &link, "answer=declined&comment=").await.status, 303);
    let now = stored(&world).await;
    assert!(line(&now, PAUL).contains("PARTSTAT=DECLINED") && !now.contains("arrive"), "{now}");
    assert_eq!(inbox(&world).await, 2);
    world.sound().await;
}

/// Who has an account and is mailed has the same answer in their own calendar; also where the meeting calls them by
/// another of their addresses.
#[tokio::test]
async fn who_has_an_account_answers_by_a_link_for_their_copy_too() {
    let world = world().await;
    let both = PersonChange { invitations: Some(InvitationChannel::Both), ..PersonChange::default() };
    world.tree.set_person("zoe", both).await.unwrap();
    for called in ["mailto:zoe@ville.example", "/principals/zoe/"] {
        put(&world, &invited("").replace("mailto:zoe@ville.example", called)).await;
        let link = link(&world, "zoe@ville.example").await;
        assert_eq!(answer(&world, &link, "answer=tentative&comment=").await.status, 303, "{called}");
        assert!(line(&stored(&world).await, "zoe").contains("PARTSTAT=TENTATIVE"), "{called}");
        let (_, own) = copy(&world.client("zoe"), "/calendars/zoe/personal/", "one").await.expect("a copy");
        assert!(line(&own, "zoe").contains("PARTSTAT=TENTATIVE"), "{own}");
        world.client("max").delete(PATH).expect(204).await;
    }
    world.sound().await;
}

/// A mail program whose clock runs ahead does not keep later answers out.
#[tokio::test]
async fn the_last_answer_counts() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    for round in ["accepted", "declined", "tentative", "accepted"] {
        assert_eq!(answer(&world, &link, &format!("answer={round}&comment={round}")).await.status, 303);
        let now = stored(&world).await;
        assert!(line(&now, PAUL).contains(&format!("PARTSTAT={}", round.to_uppercase())), "{now}");
        sqlx::query("UPDATE answer SET reply_stamp = 4000000000").execute(&mut world.database().await).await.unwrap();
    }
}

#[tokio::test]
async fn a_series_is_answered_as_a_whole_or_for_one_date() {
    let world = world().await;
    put(&world, &invited(WEEKLY)).await;
    let link = link(&world, PAUL).await;
    let first = page(&world, &link).await.text();
    assert!(first.contains("every week, 4 times") && first.contains("Monday 8 July 2030"), "{first}");
    let scopes = options(&first);
    assert_eq!(scopes.len(), 5, "{scopes:?}");
    assert!(scopes[0].starts_with("series.") && scopes[2].starts_with(&format!("{SECOND_AT}.")), "{scopes:?}");
    assert_eq!(send(&world, &link, &first, Some(&scopes[0]), "answer=accepted").await.status, 303);
    let one = send(&world, &link, &first, Some(&scopes[2]), "answer=declined&comment=Vacances").await;
    assert_eq!(one.header("location").unwrap(), format!("{link}?saved=1&occurrence={SECOND_AT}"));
    let now = stored(&world).await;
    assert!(line(part(&now, "RRULE"), PAUL).contains("PARTSTAT=ACCEPTED"), "{now}");
    let second = part(&now, &format!("RECURRENCE-ID:{SECOND}"));
    assert!(line(second, PAUL).contains("PARTSTAT=DECLINED") && second.contains("Vacances"), "{now}");
    let saved = page(&world, one.header("location").unwrap()).await.text();
    assert!(
        saved.contains("Your answer is saved: declined") && saved.contains("2030, 09:00 to 10:00 (UTC) – declined")
    );
    // What is answered for the series leaves what was said apart.
    assert_eq!(send(&world, &link, &first, Some(&scopes[0]), "answer=tentative").await.status, 303);
    let now = stored(&world).await;
    assert!(line(part(&now, "RRULE"), PAUL).contains("PARTSTAT=TENTATIVE"), "{now}");
    assert!(line(part(&now, "RECURRENCE-ID"), PAUL).contains("PARTSTAT=DECLINED"), "{now}");
    // There is no such date, nor such a state of it.
    for scope in ["1909731601.x", "series.0000000000000000", "series", "", "x.y", "1909731600.0000000000000000"] {
        let answer = send(&world, &link, &first, Some(scope), "answer=declined").await;
        assert_eq!(answer.status, 409, "{scope}");
    }
    world.sound().await;
}

#[tokio::test]
async fn who_is_invited_to_one_date_sees_and_answers_that_alone() {
    let world = world().await;
    let series = invited(WEEKLY).replace(&format!("ATTENDEE;RSVP=TRUE:mailto:{PAUL}\r\n"), "");
    let event = series.split("BEGIN:VEVENT").nth(1).unwrap().split("END:VEVENT").next().unwrap().to_owned();
    let one = event.replace(WEEKLY, &format!("RECURRENCE-ID:{SECOND}\r\nATTENDEE;RSVP=TRUE:mailto:{PAUL}\r\n"));
    let one = one.replace("20300701T", "20300708T").replace("SUMMARY:Point", "SUMMARY:Invité");
    put(&world, &series.replace("END:VCALENDAR", &format!("BEGIN:VEVENT{one}END:VEVENT\r\nEND:VCALENDAR"))).await;
    let link = link(&world, PAUL).await;
    let shown = page(&world, &link).await.text();
    assert!(shown.contains("Invité") && shown.contains("8 July 2030") && !shown.contains("Point"), "{shown}");
    assert!(!shown.contains("every week") && !shown.contains("15 July") && options(&shown).is_empty(), "{shown}");
    assert_eq!(answer(&world, &link, "answer=accepted").await.status, 303);
    let now = stored(&world).await;
    assert!(line(part(&now, "RECURRENCE-ID"), PAUL).contains("PARTSTAT=ACCEPTED"), "{now}");
    assert!(!part(&now, "RRULE").contains(PAUL), "{now}");
    world.sound().await;
}

#[tokio::test]
async fn a_link_lives_as_long_as_its_meeting() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    let old = page(&world, &link).await.text();
    assert_eq!(answer(&world, &link, "answer=accepted").await.status, 303);
    // Moved: the new time is shown and asked about, and what was answered to is no more.
    alter(&world, "T090000Z", "T093000Z").await;
    let moved = page(&world, &link).await.text();
    assert!(moved.contains("09:30 to 10:00") && moved.contains("no answer yet"), "{moved}");
    let stale = send(&world, &link, &old, None, "answer=declined&comment=non").await;
    assert_eq!(stale.status, 409);
    let said = stale.text();
    assert!(
        said.contains("<title>Erreur") && said.contains("09:30 à 10:00") && said.contains(">\nnon</textarea>"),
        "{said}"
    );
    assert!(!line(&stored(&world).await, PAUL).contains("DECLINED"));
    assert_eq!(answer(&world, &link, "answer=accepted").await.status, 303);
    // Called off, by its status or as a whole, and back again.
    alter(&world, "SUMMARY:Point", "STATUS:CANCELLED\r\nSUMMARY:Point").await;
    let off = page(&world, &link).await.text();
    assert!(off.contains("This meeting is cancelled") && off.contains("Point") && !off.contains("<form"), "{off}");
    alter(&world, "STATUS:CANCELLED\r\n", "").await;
    assert!(page(&world, &link).await.text().contains("<form"));
    world.client("max").delete(PATH).expect(204).await;
    let off = page(&world, &link).await.text();
    assert!(off.contains("This meeting is cancelled") && !off.contains("<form"), "{off}");
    let refused = send(&world, &link, &moved, None, "answer=declined").await;
    assert!(refused.status == 409 && refused.text().contains("annulée"), "{}", refused.text());
    put(&world, &invited("")).await;
    let back = page(&world, &link).await.text();
    assert!(back.contains("<form") && back.contains("no answer yet"), "{back}");
    assert_eq!(answer(&world, &link, "answer=tentative").await.status, 303);
    // Not invited any more: nothing of the meeting is shown.
    alter(&world, "SUMMARY:Point", "SUMMARY:Secret").await;
    let now = stored(&world).await;
    put(&world, &now.replace(&format!("{}\r\n", line(&now, PAUL)), "")).await;
    let out = page(&world, &link).await.text();
    assert!(out.contains("no longer invited") && !out.contains("Secret") && !out.contains("Salle"), "{out}");
    world.sound().await;
}

#[tokio::test]
async fn what_is_over_is_not_answered() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    let form = page(&world, &link).await.text();
    alter(&world, "20300701T", "20200701T").await;
    let over = page(&world, &link).await.text();
    assert!(over.contains("This meeting is over") && !over.contains("<form"), "{over}");
    assert_eq!(send(&world, &link, &form, None, "answer=accepted").await.status, 409);
    assert!(!line(&stored(&world).await, PAUL).contains("ACCEPTED"));
}

#[tokio::test]
async fn only_the_form_of_the_page_itself_answers() {
    let world = world().await;
    put(&world, &invited("")).await;
    let (pauls, eves) = (link(&world, PAUL).await, link(&world, EVE).await);
    assert_ne!(pauls, eves);
    let form = page(&world, &pauls).await.text();
    let (token, scope) = (hidden(&form, "csrf"), hidden(&form, "occurrence"));
    assert!(token.len() >= 16);
    let right = format!("csrf={token}&occurrence={scope}&answer=accepted");
    let post = |link: &str, body: &str, headers: &[(&str, &str)]| {
        let nobody = world.nobody();
        let (link, body) = (link.to_owned(), body.to_owned());
        let headers: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        async move {
            let mut ask =
                nobody.ask("POST", &link).header("Content-Type", "application/x-www-form-urlencoded").body(&body);
            for (name, value) in &headers {
                ask = ask.header(name, value);
            }
            ask.send().await
        }
    };
    // Without the token of the form, with another one's, or sent by another site.
    for (link, body, headers) in [
        (&pauls, right.replace(&token, ""), &[][..]),
        (&pauls, right.replace("csrf=", "x="), &[]),
        (&pauls, right.replace(&token, &token[1..]), &[]),
        (&eves, right.clone(), &[]),
        (&pauls, right.clone(), &[("Origin", "https://evil.example")]),
        (&pauls, right.clone(), &[("Origin", "null")]),
        (&pauls, right.clone(), &[("Sec-Fetch-Site", "cross-site")]),
        (&pauls, right.clone(), &[("Sec-Fetch-Site", "same-site")]),
        (&pauls, right.clone(), &[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example")]),
    ] {
        let answer = post(link, &body, headers).await;
        assert_eq!(answer.status, 403, "{body} {headers:?}");
        assert!(answer.text().contains("<h1>Rien n’a été modifié</h1>"), "{}", answer.text());
    }
    let now = stored(&world).await;
    assert!(!now.contains("ACCEPTED") && inbox(&world).await == 0, "{now}");
    let ours = [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://agenda.ville.example")];
    assert_eq!(post(&pauls, &right, &ours).await.status, 303);
    // Each answers for themselves.
    answer(&world, &eves, "answer=declined").await;
    let now = stored(&world).await;
    assert!(line(&now, PAUL).contains("PARTSTAT=ACCEPTED") && line(&now, EVE).contains("PARTSTAT=DECLINED"), "{now}");
}

#[tokio::test]
async fn what_opens_nothing_is_one_and_the_same_404() {
    let world = world().await;
    put(&world, &invited("")).await;
    let right = link(&world, PAUL).await;
    let other = self::world().await;
    put(&other, &invited("")).await;
    let others = link(&other, PAUL).await;
    let flipped = format!("{}{}", &right[..right.len() - 1], if right.ends_with('0') { '1' } else { '0' });
    let unknown = world.nobody().get(&others).expect(404).await;
    assert!(unknown.text().contains("Ce lien n’ouvre rien"), "{}", unknown.text());
    let names = |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    for address in [
        flipped.as_str(),
        "/answer",
        "/answer/",
        "/answer/x",
        "/ANSWER/x",
        "/answer/%00",
        "/answer/%zz",
        &format!("{right}/x"),
        &format!("{right}x"),
        &right.to_uppercase(),
        &right.replace("/answer/", "/Answer/"),
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let answer = world.nobody().ask(method, address).expect(404).await;
            assert_eq!((answer.text(), names(&answer)), (unknown.text(), names(&unknown)), "{method} {address}");
        }
    }
    // What is gone for good is as if it had never been.
    world.client("max").delete(PATH).expect(204).await;
    page(&world, &right).await;
    let entry = world.client("lea").propfind("/trash/tram/", "1", "<D:getetag/>").expect(207).await.hrefs();
    let entry = entry.into_iter().find(|href| href.contains("one")).expect("an entry");
    world.client("lea").delete(&entry).expect(204).await;
    let row = JOBS.iter().find(|row| row.kind == "purge").expect("a job");
    while world.tree.run_next(row, now() + 7200).await.unwrap() == JobPoll::Again {}
    assert_eq!(world.nobody().get(&right).expect(404).await.text(), unknown.text());
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_who_knows_does_not() {
    let world = world().await;
    put(&world, &invited("")).await;
    let right = link(&world, PAUL).await;
    let mut statuses = Vec::new();
    for number in 0..80 {
        statuses.push(world.nobody().get(&format!("/answer/{number:064}")).send().await.status);
    }
    assert!(statuses[..50].iter().all(|status| *status == 404) && statuses.last() == Some(&429), "{statuses:?}");
    let refused = world.nobody().get("/answer/x").expect(429).await;
    assert!(refused.header("retry-after").is_some() && refused.text().contains("Attendez"), "{}", refused.text());
    page(&world, &right).await;
    assert_eq!(answer(&world, &right, "answer=accepted").await.status, 303);
}

#[tokio::test]
async fn other_methods_and_bodies_are_refused_by_pages_that_say_what_to_do() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    for method in ["PUT", "DELETE", "PATCH", "PROPFIND", "MKCOL", "MOVE", "LOCK", "TRACE", "REPORT", "X"] {
        let refused = world.nobody().ask(method, &link).expect(405).await;
        assert_eq!(refused.header("allow"), Some("OPTIONS, GET, HEAD, POST"), "{method}");
    }
    assert_eq!(world.nobody().options(&link).expect(200).await.header("allow"), Some("OPTIONS, GET, HEAD, POST"));
    let form = page(&world, &link).await.text();
    let right = format!("csrf={}&occurrence={}&answer=accepted", hidden(&form, "csrf"), hidden(&form, "occurrence"));
    let kind = "application/x-www-form-urlencoded";
    for (kind, body, status) in [
        ("multipart/form-data; boundary=x", right.clone(), 415),
        ("text/plain", right.clone(), 415),
        ("application/json", "{}".to_owned(), 415),
        (kind, format!("{right}&comment={}", "x".repeat(40_000)), 413),
        (kind, format!("{right}&comment={}", "x".repeat(3_000_000)), 413),
        (kind, format!("{right}&comment={}", "x".repeat(1001)), 422),
        (kind, right.replace("accepted", "NEEDS-ACTION"), 422),
        (kind, right.replace("accepted", "ACCEPTED"), 422),
        (kind, right.replace("&answer=accepted", ""), 422),
        (kind, String::new(), 403),
    ] {
        let refused = world.nobody().ask("POST", &link).header("Content-Type", kind).body(&body).expect(status).await;
        let html = refused.text();
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<h1>"), "{html}");
        if status == 422 {
            assert!(
                html.contains("<title>Erreur") && html.contains("role=\"alert\"") && html.contains("fault"),
                "{html}"
            );
        }
    }
    assert!(!stored(&world).await.contains("ACCEPTED"));
    // What was filled in stays in the form.
    let kept = format!("{}&comment=Bonjour%20%3Cb%3E", right.replace("&answer=accepted", ""));
    let kept = world.nobody().ask("POST", &link).header("Content-Type", kind).body(&kept).expect(422).await.text();
    assert!(kept.contains("Bonjour &#60;b&#62;</textarea>"), "{kept}");
}

#[tokio::test]
async fn what_others_wrote_is_shown_as_text() {
    let world = world().await;
    let hostile = "</title><script>alert(1)</script>\" onx=\"'\u{202e}gnp\u{2066}";
    let lines = format!("DESCRIPTION:{hostile}\r\n");
    let object = invited(&lines).replace("SUMMARY:Point", &format!("SUMMARY:{hostile}"));
    put(&world, &object.replace("LOCATION:Salle Jaurès", &format!("LOCATION:{hostile}"))).await;
    let link = link(&world, PAUL).await;
    let comment = "%3C%2Ftextarea%3E%3Cscript%3E%22%E2%80%AE%00";
    assert_eq!(answer(&world, &link, &format!("answer=accepted&comment={comment}")).await.status, 303);
    let html = page(&world, &format!("{link}?answer=%22%3E%3Cscript%3E&occurrence=%22%3E&lang=%22")).await.text();
    assert!(!html.contains("<script") && !html.contains("onx=\"") && html.matches("</title>").count() == 1, "{html}");
    assert!(!html.contains('\u{202e}') && !html.contains('\u{2066}') && !html.contains('\0'), "{html}");
    assert_eq!(html.matches("</textarea>").count(), 1);
    world.client("max").get(PATH).expect(200).await;
    world.sound().await;
}

#[tokio::test]
async fn documents_of_this_server_are_linked_and_no_others() {
    let world = world().await;
    let files = "ATTACH:https://agenda.ville.example/share/t/ordre%20du%20jour.pdf\r\n\
                 ATTACH:https://agenda.ville.example.evil.example/x.pdf\r\nATTACH:http://agenda.ville.example/y.pdf\r\n\
                 ATTACH:javascript:alert(1)\r\nATTACH:https://evil.example/z.pdf\r\n";
    put(&world, &invited(files)).await;
    let html = page(&world, &link(&world, PAUL).await).await.text();
    let ours = "<a href=\"https://agenda.ville.example/share/t/ordre%20du%20jour.pdf\">ordre du jour.pdf</a>";
    assert!(html.contains(ours) && !html.contains("evil") && !html.contains("y.pdf"), "{html}");
}

/// Whoever has a link is not known here: neither the inbox nor the past of the meeting fills by it.
#[tokio::test]
async fn who_answers_again_and_again_fills_nothing() {
    let world = world().await;
    put(&world, &invited("")).await;
    let link = link(&world, PAUL).await;
    let mut refused = 0;
    for number in 0..70 {
        let fields = format!("answer={}&comment=x{number}", if number % 2 == 0 { "accepted" } else { "declined" });
        let answer = answer(&world, &link, &fields).await;
        assert!([303, 429].contains(&answer.status), "{}", answer.text());
        refused += usize::from(answer.status == 429);
    }
    assert_eq!(refused, 10);
    assert!(inbox(&world).await <= 8, "{}", inbox(&world).await);
    // The others go on.
    let eves = self::link(&world, EVE).await;
    assert_eq!(answer(&world, &eves, "answer=accepted").await.status, 303);
    world.sound().await;
}

/// Who answers on a page in a language is written to in it from then on; who only looks at one is not.
#[tokio::test]
async fn mail_follows_the_language_of_the_page_on_which_somebody_answered() {
    let world = world().await;
    put(&world, &invited("")).await;
    for (who, answers) in [(PAUL, true), (EVE, false)] {
        let link = link(&world, who).await;
        let page = page(&world, &link).await.text();
        let body = format!("csrf={}&occurrence={}&answer=accepted", hidden(&page, "csrf"), hidden(&page, "occurrence"));
        if answers {
            let nobody = world.nobody();
            let asked = nobody.ask("POST", &link).header("Content-Type", "application/x-www-form-urlencoded");
            asked.header("Accept-Language", "en-GB, fr;q=0.2").body(&body).expect(303).await;
        }
    }
    alter(&world, "T090000Z", "T080000Z").await;
    let languages = [mailed_in(&world, PAUL).await, mailed_in(&world, EVE).await];
    assert_eq!(languages, ["en", "fr"]);
    world.sound().await;
}
