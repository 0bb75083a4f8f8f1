//! Names: any script, NFC and NFD, case, and what Windows cannot open.

use super::kit::{World, event};
use super::retention::sql;

#[tokio::test]
async fn any_script_in_one_spelling() {
    let world = World::new().await;
    let max = world.client("max");
    // "café" decomposed, as macOS sends it, and composed.
    max.put("/files/tram/cafe%CC%81.txt", "x").expect(201).await;
    assert_eq!(max.get("/files/tram/caf%C3%A9.txt").expect(200).await.text(), "x");
    let name = "日本 %26 (été);'~$#+,@=!.txt".replace("%26", "&");
    let encoded: String = name.bytes().map(|b| format!("%{b:02x}")).collect();
    max.put(&format!("/files/tram/{encoded}"), "y").expect(201).await;
    let listed = max.propfind("/files/tram/", "1", "<D:displayname/>").expect(207).await;
    assert!(listed.hrefs().contains(&"/files/tram/caf%C3%A9.txt".to_owned()));
    let canonical = "/files/tram/%E6%97%A5%E6%9C%AC%20%26%20(%C3%A9t%C3%A9)%3B'~$%23+,@=!.txt";
    assert!(listed.hrefs().contains(&canonical.to_owned()), "{:?}", listed.hrefs());
    assert!(listed.text().contains(&format!("<D:displayname>{}</D:displayname>", name.replace('&', "&amp;"))));
    assert_eq!(max.get(canonical).expect(200).await.text(), "y");
}

#[tokio::test]
async fn case_is_kept_and_not_distinguished() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/Plan.docx", "x").expect(201).await;
    assert_eq!(max.get("/files/tram/PLAN.DOCX").expect(200).await.text(), "x");
    let found = max.propfind("/files/tram/plan.docx", "0", "<D:displayname/>").expect(207).await;
    assert_eq!(
        (found.hrefs()[0].as_str(), found.value("displayname").as_str()),
        ("/files/tram/plan.docx", "Plan.docx")
    );
    // A client that respects case believes the name free: it must not overwrite.
    let refused = max.put("/files/tram/plan.docx", "y").header("Accept-Language", "fr").expect(403).await;
    assert!(refused.text().contains("name-not-taken") && refused.text().contains("existe déjà"), "{}", refused.text());
    max.put("/files/tram/other", "z").expect(201).await;
    max.relocate("/files/tram/other", "/files/tram/PLAN.docx").expect(403).await;
    max.mkcol("/files/tram/PLAN.docx").expect(405).await;
    assert_eq!(max.get("/files/tram/Plan.docx").expect(200).await.text(), "x");
    // Who holds its lock knows it (Windows opens by any spelling).
    let token = max.locked("/files/tram/PLAN.docx", "exclusive", "0").await;
    max.put("/files/tram/PLAN.docx", "w").token(&token).expect(204).await;
    max.unlock_at("/files/tram/plan.docx").header("Lock-Token", &token).expect(204).await;
    // A change of case alone is a rename.
    max.relocate("/files/tram/Plan.docx", "/files/tram/PLAN.docx").header("Overwrite", "F").expect(201).await;
    let listed = max.propfind("/files/tram/", "1", "").expect(207).await.hrefs();
    assert_eq!(listed, ["/files/tram/", "/files/tram/other", "/files/tram/PLAN.docx"]);
    world.sound().await;
}

#[tokio::test]
async fn names_that_windows_cannot_open_are_refused_with_a_reason() {
    let world = World::new().await;
    let max = world.client("max");
    max.put("/files/tram/a", "x").expect(201).await;
    for name in ["a%3Ab", "a%3Fb", "a%5Cb", "a%22", "end.", "end%20", "CON", "com1.txt", "a%01", "x%EF%BF%BF"] {
        let path = format!("/files/tram/{name}");
        let refused = max.put(&path, "x").expect(403).await;
        assert!(refused.text().contains("<B:name-allowed/><B:message xml:lang=\"en\">"), "{name}: {}", refused.text());
        max.mkcol(&path).expect(403).await;
        max.relocate("/files/tram/a", &path).expect(403).await;
        max.copy("/files/tram/a", &path).expect(403).await;
    }
    max.put(&format!("/files/tram/{}", "n".repeat(256)), "x").expect(403).await;
    max.put(&format!("/files/tram/{}", "n".repeat(255)), "x").expect(201).await;
    for path in ["/files/tram/%2e%2e/x", "/files/tram/a%2Fb", "/files/tram/%00", "/files/tram/%ff"] {
        max.put(path, "x").expect(400).await;
    }
    assert_eq!(max.propfind("/files/tram/", "1", "").expect(207).await.hrefs().len(), 3);
}

/// A name with a home in it is the address of a link. A calendar that bears it already is served before the link, and
/// is the only one under its address.
#[tokio::test]
async fn an_own_calendar_stands_before_a_link_of_its_name() {
    let world = World::new().await;
    let rita = world.client("rita");
    rita.ask("MKCALENDAR", "/calendars/rita/own/").expect(201).await;
    for name in ["notes@tram", "notes@nowhere", "A@%C3%A9", "notes@", "@notes"] {
        rita.ask("MKCALENDAR", &format!("/calendars/rita/{name}/")).expect(201).await;
    }
    // Where a link stands there is one already.
    let there = rita.ask("MKCALENDAR", "/calendars/rita/meetings@tram/").expect(403).await;
    assert!(there.text().contains("resource-must-be-null"), "{}", there.text());
    let old = "/calendars/rita/meetings@tram/";
    rita.put("/calendars/rita/own/a.ics", &event("a", "20260614")).expect(201).await;
    for column in ["name", "match_name"] {
        sql(&world, &format!("UPDATE node SET {column} = 'meetings@tram' WHERE {column} = 'own'")).await;
    }
    let listed = rita.propfind("/calendars/rita/", "1", "<D:resourcetype/>").expect(207).await.hrefs();
    assert_eq!(listed.iter().filter(|href| *href == old).count(), 1, "{listed:?}");
    rita.get(&format!("{old}a.ics")).expect(200).await;
    rita.put(&format!("{old}b.ics"), &event("b", "20260614")).expect(201).await;
    rita.relocate(old, "/calendars/rita/own/").expect(201).await;
    rita.get(&format!("{old}a.ics")).expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn litter_is_accepted_and_probes_are_cheap() {
    let world = World::new().await;
    let max = world.client("max");
    for name in
        [".DS_Store", "._a.docx", "~$a.docx", ".~lock.a.odt%23", "Thumbs.db", "desktop.ini", "a.tmp", ".a.swp", "a~"]
    {
        max.propfind(&format!("/files/tram/{name}"), "0", "").expect(404).await;
        max.put(&format!("/files/tram/{name}"), "x").expect(201).await;
        max.delete(&format!("/files/tram/{name}")).expect(204).await;
    }
}

/// Escapes everything but letters and digits.
pub fn escaped(name: &str) -> String {
    name.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[tokio::test]
async fn the_name_of_a_calendar_object_is_its_clients_business() {
    let world = World::new().await;
    let max = world.client("max");
    let (here, there) = ("/calendars/max/personal/", "/calendars/max/other/");
    max.ask("MKCALENDAR", there).expect(201).await;
    let names = [
        "https:%2F%2Fwww.ville.example%2Fx%2F1.ics",
        "https://www.ville.example/x/1.ics",
        "urn:uuid:1.ics",
        "a*b.ics",
        "what?.ics",
        "a|\"<b>\\.ics",
        "CON.ics",
        "aux",
        "lpt1.ics",
        "ends in a dot.",
        "ends in a space ",
        "%",
        "100%2525.ics",
        "../up",
        "a#b",
        "cafe\u{301}.ics",
        "\u{212b}ngstr\u{f6}m.ics",
        ".hidden",
        "~$x.tmp",
    ];
    for (number, name) in names.iter().enumerate() {
        let (address, text) = (format!("{here}{}", escaped(name)), event(&number.to_string(), "20260614"));
        let before = max.propfind(here, "0", "<D:sync-token/>").expect(207).await.value("sync-token");
        let made = max.put(&address, &text).header("If-None-Match", "*").expect(201).await;
        let etag = made.header("etag").unwrap().to_owned();
        assert_eq!(max.get(&address).expect(200).await.text(), text, "{name}");
        // Every answer that lists it has one address, and that leads to it.
        let mut listed = max.sync(here, &before, "1", "").expect(207).await.hrefs();
        listed.extend(max.propfind(here, "1", "<D:getetag/>").expect(207).await.hrefs());
        let query = "<C:calendar-query xmlns:D=\"DAV:\" \
                     xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
                     <C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";
        listed.extend(max.report_at(here).header("Depth", "1").body(query).expect(207).await.hrefs());
        listed.retain(|href| href != here);
        listed.sort();
        listed.dedup();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let decoded = beffroi::model::path::decode(&listed[0]).unwrap();
        assert_eq!(decoded.strip_prefix(here), Some(*name));
        assert_eq!(max.get(&listed[0]).expect(200).await.header("etag"), Some(etag.as_str()), "{name}");
        for href in [&address, &listed[0]] {
            let multiget = format!(
                "<C:calendar-multiget xmlns:D=\"DAV:\" \
                 xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
                 <D:href>{href}</D:href></C:calendar-multiget>"
            );
            let got = max.report_at(here).body(&multiget).expect(207).await.statuses();
            assert_eq!(got, [(href.clone(), 200)], "{name}");
            assert_eq!(
                max.propfind(href, "0", "<D:getetag/>").expect(207).await.hrefs(),
                std::slice::from_ref(href),
                "{name}"
            );
        }
        max.put(&address, &text.replace("Meeting", "Other")).header("If-Match", &etag).expect(204).await;
        // Elsewhere and back, by both ways.
        let other = format!("{there}{}", escaped(name));
        max.relocate(&listed[0], &other).expect(201).await;
        max.get(&address).expect(404).await;
        max.copy(&other, &address).expect(201).await;
        let gone = max.delete(&other).expect(204).await;
        assert!(gone.body.is_empty());
        max.get(&other).expect(404).await;
        // Its UID brings it back, out of the trash.
        max.put(&other, &text).expect(201).await;
        max.delete(&other).expect(204).await;
        let before = max.propfind(here, "0", "<D:sync-token/>").expect(207).await.value("sync-token");
        max.delete(&address).expect(204).await;
        assert_eq!(max.sync(here, &before, "1", "").expect(207).await.statuses(), [(listed[0].clone(), 404)], "{name}");
    }
    // The trash is a folder like others: Windows opens what lies in it.
    let trash = max.propfind("/trash/max/", "1", "<D:displayname/>").expect(207).await;
    let entries: Vec<String> = trash.hrefs().into_iter().skip(1).collect();
    assert!(entries.len() >= names.len(), "{entries:?}");
    for (place, entry) in entries.iter().enumerate() {
        let name = beffroi::model::path::decode(entry.strip_prefix("/trash/max/").unwrap()).unwrap();
        assert_eq!(beffroi::model::filename::check(&name), Ok(()), "{name}");
        max.relocate(entry, &format!("{here}{place}.ics")).send().await;
    }
    world.sound().await;
}

#[tokio::test]
async fn what_no_calendar_object_may_be_called() {
    let world = World::new().await;
    let max = world.client("max");
    let put = |name: &str| {
        let (max, path) = (max.clone(), format!("/calendars/max/personal/{name}"));
        async move { max.put(&path, &event("u", "20260614")).send().await.status }
    };
    for (name, status) in [
        ("%00.ics".to_owned(), 400),
        ("%2e%2e".to_owned(), 400),
        ("%ff.ics".to_owned(), 400),
        ("a%0Ab.ics".to_owned(), 403),
        ("x%EF%BF%BF".to_owned(), 403),
        ("n".repeat(256), 403),
        ("n".repeat(255), 201),
    ] {
        assert_eq!(put(&name).await, status, "{name}");
    }
    // Calendars and folders keep their rules, and so does a document that bears the name of an object.
    max.ask("MKCALENDAR", "/calendars/max/a%3Ab").expect(403).await;
    max.ask("MKCALENDAR", "/calendars/max/a%2Fb").expect(400).await;
    max.put("/files/tram/urn%3Auuid%3A1.ics", "x").expect(403).await;
    // In a calendar that was deleted objects keep their names.
    max.ask("MKCALENDAR", "/calendars/max/gone").expect(201).await;
    max.put("/calendars/max/gone/a%2Fb%3A.ics", &event("u", "20260614")).expect(201).await;
    max.delete("/calendars/max/gone").expect(204).await;
    max.get("/trash/max/gone/a%2Fb%3A.ics").expect(200).await;
    max.relocate("/trash/max/gone", "/calendars/max/back").expect(201).await;
    max.get("/calendars/max/back/a%2Fb%3A.ics").expect(200).await;
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uids_are_compared_byte_by_byte() {
    let world = World::new().await;
    let max = world.client("max");
    let here = "/calendars/max/personal/";
    let uids = [
        "abc",
        "ABC",
        "abc ",
        " abc",
        "caf\u{e9}",
        "cafe\u{301}",
        "stra\u{df}e",
        "strasse",
        "a\\,b",
        "a,b",
        "\u{a0}abc",
    ];
    let mut written = 0;
    for (number, uid) in uids.iter().enumerate() {
        let address = format!("{here}{number}");
        let made = max.put(&address, &event(uid, "20260614")).expect(201).await;
        let etag = made.header("etag").unwrap().to_owned();
        // The same again is refused, by the address of the one that has it.
        let refused = max.put(&format!("{here}again"), &event(uid, "20260615")).expect(403).await;
        assert!(refused.text().contains("no-uid-conflict") && refused.text().contains(&address), "{uid:?}");
        max.put(&address, &event(uid, "20260616")).header("If-Match", &etag).expect(204).await;
        written += 1;
        let listed = max.propfind(here, "1", "<D:getetag/>").expect(207).await.hrefs().len() - 1;
        assert_eq!(listed, written, "{uid:?}");
    }
    let other = max.put(&format!("{here}0"), &event("ABC", "20260616")).expect(403).await;
    assert!(other.text().contains("no-uid-conflict"));
    // Out of the trash comes what bore this very UID.
    max.delete(&format!("{here}0")).expect(204).await;
    max.delete(&format!("{here}1")).expect(204).await;
    let trash = async || max.propfind("/trash/max/", "1", "<D:getetag/>").expect(207).await.hrefs();
    assert_eq!(trash().await.len(), 3);
    max.put(&format!("{here}Abc"), &event("Abc", "20260614")).expect(201).await;
    assert_eq!(trash().await.len(), 3);
    max.put(&format!("{here}new"), &event("ABC", "20260614")).expect(201).await;
    assert_eq!(trash().await, ["/trash/max/", "/trash/max/0"]);
    // Whatever their names are made of, all come in from a file and go out again.
    let part = |uid: &&str| {
        let text = event(uid, "20260614");
        text[text.find("BEGIN:VEVENT").unwrap()..text.find("END:VCALENDAR").unwrap()].to_owned()
    };
    let file = world.data.path().join("uids.ics");
    let stream =
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", uids.iter().map(part).collect::<String>());
    std::fs::write(&file, stream).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_beffroi"));
        let output =
            command.args(arguments).env("BEFFROI_DATA", world.data.path()).env("LC_ALL", "C").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["import", "calendar", "/calendars/tram/meetings", file.to_str().unwrap()]);
    let exported = run(&["export", "calendar", "/calendars/tram/meetings"]);
    for uid in uids {
        assert_eq!(exported.matches(&format!("\r\nUID:{uid}\r\n")).count(), 1, "{uid:?}");
    }
    world.sound().await;
}
