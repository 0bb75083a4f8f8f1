//! Access control (RFC 3744): what a client learns of who may do what, and what it may change of that.

use beffroi::model::id::now;
use beffroi::model::privilege::Role;
use beffroi::wire::xml::Element;

use super::kit::{Answer, Client, World};

/// An entry as one line: to whom, what, and where it comes from.
fn entry(ace: &Element) -> String {
    let principal = ace.dav("principal").unwrap().elements().next().unwrap();
    let whom = match &*principal.name.local {
        "href" => principal.text(),
        "property" => principal.elements().next().unwrap().name.local.to_string(),
        word => word.to_owned(),
    };
    let privileges = ace.dav("grant").unwrap().elements().map(|each| each.elements().next().unwrap());
    let granted: Vec<String> = privileges.map(|each| each.name.local.to_string()).collect();
    let protected = if ace.dav("protected").is_some() { " protected" } else { "" };
    let inherited = ace.dav("inherited").map(|inherited| format!(" from {}", inherited.dav("href").unwrap().text()));
    format!("{whom}: {}{protected}{}", granted.join(" "), inherited.unwrap_or_default())
}

async fn acl(client: &Client, path: &str) -> Vec<String> {
    let found = client.propfind(path, "0", "<D:acl/>").expect(207).await;
    found.property("acl").unwrap_or_else(|| panic!("{}", found.text())).elements().map(entry).collect()
}

/// Hrefs in a property.
fn hrefs(answer: &Answer, local: &str) -> Vec<String> {
    answer.property(local).unwrap_or_else(|| panic!("{}", answer.text())).elements().map(Element::text).collect()
}

#[tokio::test]
async fn who_may_do_what_is_shown_to_who_may_change_it() {
    let world = World::new().await;
    let lea = world.client("lea");
    lea.mkcol("/files/tram/plans/").expect(201).await;
    lea.put("/files/tram/plans/a.txt", "a").expect(201).await;
    world.tree.grant("/files/tram/plans", "zoe", Role::Member, None).await.unwrap();
    world.tree.grant("/files/tram/plans", "@everyone", Role::Reader, None).await.unwrap();
    world.tree.grant("/files/tram/plans", "rita", Role::Lead, Some(now() - 1)).await.unwrap();
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::FreeBusy, None).await.unwrap();
    world.tree.add_member("tram", "mia", Role::Reader, Some(now() - 1)).await.unwrap();

    let of_project = [
        "/principals/lea/: all from /principals/tram/",
        "/principals/max/: read write from /principals/tram/",
        "/principals/rita/: read from /principals/tram/",
        "owner: all protected",
    ];
    let own = ["authenticated: read", "/principals/zoe/: read write"];
    let inherited =
        ["authenticated: read from /files/tram/plans/", "/principals/zoe/: read write from /files/tram/plans/"];
    assert_eq!(acl(&lea, "/files/tram/").await, of_project);
    assert_eq!(acl(&lea, "/files/tram/plans/").await, [&own[..], &of_project].concat());
    assert_eq!(acl(&lea, "/files/tram/plans/a.txt").await, [&inherited[..], &of_project].concat());
    assert_eq!(acl(&lea, "/calendars/tram/meetings/").await[0], "/principals/zoe/: read-free-busy");
    assert_eq!(acl(&lea, "/calendars/tram/").await, of_project);

    // Whoever may not know learns just that, and of everything else as before.
    for (who, path) in
        [("max", "/files/tram/"), ("zoe", "/files/tram/plans/"), ("lea", "/"), ("lea", "/principals/lea/")]
    {
        let found = world.client(who).propfind(path, "0", "<D:acl/><D:displayname/>").expect(207).await;
        assert!(found.property("acl").is_none() && found.text().contains(" 403 "), "{}", found.text());
        assert!(found.property("displayname").is_some(), "{}", found.text());
    }
    world.sound().await;
}

#[tokio::test]
async fn every_resource_says_how_access_to_it_is_controlled() {
    let world = World::new().await;
    let lea = world.client("lea");
    lea.put("/files/tram/a.txt", "a").expect(201).await;
    let asked = "<D:owner/><D:group/><D:supported-privilege-set/><D:current-user-privilege-set/><D:acl-restrictions/>\
                 <D:inherited-acl-set/><D:principal-collection-set/>";
    for path in [
        "/",
        "/principals/",
        "/principals/lea/",
        "/files/",
        "/files/tram/",
        "/files/tram/a.txt",
        "/history/tram/",
        "/trash/tram/",
        "/versions/",
        "/calendars/",
        "/calendars/tram/",
        "/calendars/tram/meetings/",
    ] {
        let found = lea.propfind(path, "0", asked).expect(207).await;
        assert!(!found.text().contains(" 404 "), "{path}: {}", found.text());
        assert_eq!(hrefs(&found, "principal-collection-set"), ["/principals/"]);
        // What is inherited stands in the list; no other list has to agree.
        assert!(hrefs(&found, "inherited-acl-set").is_empty());
        let restrictions: Vec<_> =
            found.property("acl-restrictions").unwrap().elements().map(|e| e.name.local.to_string()).collect();
        assert_eq!(restrictions, ["grant-only", "no-invert"]);
    }
    let owner = lea.propfind("/files/tram/a.txt", "0", "<D:owner/>").expect(207).await;
    assert_eq!(hrefs(&owner, "owner"), ["/principals/tram/"]);

    // A tree of privileges: what may be granted stands out from what is only part of that.
    fn tree(privilege: &Element, depth: usize, out: &mut Vec<String>) {
        let name = &privilege.dav("privilege").unwrap().elements().next().unwrap().name.local;
        let kind = if privilege.dav("abstract").is_some() { " abstract" } else { "" };
        out.push(format!("{}{name}{kind}", " ".repeat(depth)));
        let below = privilege.elements().filter(|e| e.name.is_dav("supported-privilege"));
        below.for_each(|below| tree(below, depth + 1, out));
    }
    for (path, free_busy, share) in
        [("/calendars/tram/meetings/", "  read-free-busy", true), ("/files/tram/", "  read-free-busy abstract", false)]
    {
        let found = lea.propfind(path, "0", "<D:supported-privilege-set/>").expect(207).await;
        let mut listed = Vec::new();
        for privilege in found.property("supported-privilege-set").unwrap().elements() {
            tree(privilege, 0, &mut listed);
        }
        let mut expected = vec![
            "all",
            " read",
            free_busy,
            "  read-current-user-privilege-set abstract",
            " write",
            "  write-content abstract",
            "  write-properties abstract",
            "  bind abstract",
            "  unbind abstract",
            " unlock abstract",
            " read-acl abstract",
            " write-acl abstract",
        ];
        expected.extend(share.then_some(" share abstract"));
        assert_eq!(listed, expected);
        let held = lea.propfind(path, "0", "<D:current-user-privilege-set/>").expect(207).await;
        assert_eq!(held.text().contains("<D:share/>"), share);
    }
}

#[tokio::test]
async fn a_principal_says_what_it_is_and_of_which_groups() {
    let world = World::new().await;
    for group in ["crew", "staff"] {
        world.tree.add_group(group, group).await.unwrap();
    }
    world.tree.join_group("crew", "lea").await.unwrap();
    world.tree.join_group("staff", "crew").await.unwrap();
    let lea = world.client("lea");
    let asked = "<D:displayname/><D:alternate-URI-set/><D:principal-URL/><D:group-member-set/><D:group-membership/>\
                 <C:calendar-user-type xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>\
                 <C:calendar-user-address-set xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>\
                 <CS:email-address-set xmlns:CS=\"http://calendarserver.org/ns/\"/>";
    let own = lea.propfind("/principals/lea/", "0", asked).expect(207).await;
    assert!(!own.text().contains(" 404 "), "{}", own.text());
    assert_eq!(hrefs(&own, "alternate-URI-set"), ["mailto:lea@ville.example"]);
    assert_eq!(hrefs(&own, "calendar-user-address-set"), ["mailto:lea@ville.example", "/principals/lea/"]);
    assert_eq!(hrefs(&own, "email-address-set"), ["lea@ville.example"]);
    assert_eq!(hrefs(&own, "principal-URL"), ["/principals/lea/"]);
    assert_eq!(own.value("calendar-user-type"), "INDIVIDUAL");
    // Only those it was added to: what follows is asked of them in turn. All persons have no address.
    assert_eq!(hrefs(&own, "group-membership"), ["/principals/crew/"]);
    assert!(hrefs(&own, "group-member-set").is_empty());
    let project = lea.propfind("/principals/tram/", "0", asked).expect(207).await;
    assert_eq!(project.value("calendar-user-type"), "GROUP");
}

fn list(aces: &[String]) -> String {
    format!("<D:acl xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{}</D:acl>", aces.concat())
}

/// An entry for an address or a word, with these privileges and whatever comes after.
fn ace(whom: &str, privileges: &[&str], more: &str) -> String {
    let whom = match whom {
        address if address.starts_with('/') || address.contains(':') => format!("<D:href>{address}</D:href>"),
        word => format!("<D:{word}/>"),
    };
    let spelled = |name: &&str| if name.contains(':') { format!("<{name}/>") } else { format!("<D:{name}/>") };
    let granted: String =
        privileges.iter().map(|name| format!("<D:privilege>{}</D:privilege>", spelled(name))).collect();
    format!("<D:ace><D:principal>{whom}</D:principal><D:grant>{granted}</D:grant>{more}</D:ace>")
}

#[tokio::test]
async fn a_list_is_replaced_as_a_whole() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    let plans = "/files/tram/plans/";
    lea.mkcol(plans).expect(201).await;
    lea.put("/files/tram/plans/a.txt", "a").expect(201).await;
    world.tree.grant(plans, "@everyone", Role::Reader, None).await.unwrap();
    let mail = format!("http://{}/principals/zoe/", world.address);
    lea.ask("ACL", plans)
        .body(&list(&[ace(&mail, &["read", "write"], ""), ace("/principals/rita", &["all"], "")]))
        .expect(200)
        .await;
    assert_eq!(acl(&lea, plans).await[..2], ["/principals/rita/: all", "/principals/zoe/: read write"]);
    let granted = world.tree.grants(plans).await.unwrap();
    assert_eq!(granted.iter().map(|grant| grant.role).collect::<Vec<_>>(), [Role::Lead, Role::Member]);

    // Several entries add up; a lock ends with the role that it takes.
    let token = zoe.locked("/files/tram/plans/a.txt", "exclusive", "0").await;
    lea.ask("ACL", plans)
        .body(&list(&[
            ace("/principals/zoe/", &["read"], ""),
            ace("/principals/max/", &["read"], ""),
            ace("/principals/max/", &["write"], ""),
        ]))
        .expect(200)
        .await;
    assert_eq!(acl(&lea, plans).await[..2], ["/principals/max/: read write", "/principals/zoe/: read"]);
    zoe.put("/files/tram/plans/a.txt", "b").token(&token).expect(403).await;
    lea.put("/files/tram/plans/a.txt", "b").expect(204).await;

    // All persons, and when a calendar is taken.
    lea.ask("ACL", "/calendars/tram/meetings/")
        .body(&list(&[
            ace("authenticated", &["C:read-free-busy"], ""),
            ace("/principals/zoe/", &["read", "C:read-free-busy"], ""),
        ]))
        .expect(200)
        .await;
    assert_eq!(
        acl(&lea, "/calendars/tram/meetings/").await[..2],
        ["authenticated: read-free-busy", "/principals/zoe/: read"]
    );
    zoe.get("/calendars/zoe/meetings@tram/").expect(200).await;

    // Nothing is left of it, and nobody is let in by what is above.
    lea.ask("ACL", plans).body(&list(&[])).expect(200).await;
    assert!(world.tree.grants(plans).await.unwrap().is_empty());
    zoe.get(plans).expect(404).await;
    world.sound().await;
}

#[tokio::test]
async fn what_is_sent_back_unchanged_stays_with_its_end() {
    let world = World::new().await;
    let lea = world.client("lea");
    let plans = "/files/tram/plans/";
    lea.mkcol(plans).expect(201).await;
    let until = now() + 3600;
    world.tree.grant(plans, "zoe", Role::Member, Some(until)).await.unwrap();
    let found = lea.propfind(plans, "0", "<D:acl/>").expect(207).await;
    let whole = found.property("acl").unwrap().to_xml();
    lea.ask("ACL", plans).body(&whole).expect(200).await;
    let granted = world.tree.grants(plans).await.unwrap();
    assert_eq!((granted.len(), granted[0].role, granted[0].until_at), (1, Role::Member, Some(until)));

    // What is inherited or protected may be left out, and not be changed.
    let inherited = "<D:inherited><D:href>/principals/tram/</D:href></D:inherited>";
    let owner = "<D:ace><D:principal><D:property><D:owner/></D:property></D:principal><D:grant><D:privilege><D:read/>\
                 </D:privilege></D:grant><D:protected/></D:ace>";
    for (entry, condition) in [
        (ace("/principals/max/", &["read"], inherited), "no-inherited-ace-conflict"),
        (ace("/principals/zoe/", &["read", "write"], inherited), "no-inherited-ace-conflict"),
        (owner.to_owned(), "no-protected-ace-conflict"),
        (ace("/principals/zoe/", &["read", "write"], "<D:protected/>"), "no-protected-ace-conflict"),
        (ace("/principals/tram/", &["read"], ""), "no-protected-ace-conflict"),
    ] {
        let answer = lea.ask("ACL", plans).body(&list(&[entry])).expect(403).await;
        assert!(answer.text().contains(&format!("<D:{condition}/>")), "{condition}: {}", answer.text());
    }
    assert_eq!(world.tree.grants(plans).await.unwrap(), granted);
    world.sound().await;
}

#[tokio::test]
async fn what_no_role_says_is_refused_by_its_name() {
    let world = World::new().await;
    world.tree.grant("/files/tram", "zoe", Role::Reader, None).await.unwrap();
    let lea = world.client("lea");
    let zoe = "/principals/zoe/";
    let deny = ace(zoe, &["read"], "").replace("grant>", "deny>");
    let invert = ace(zoe, &["read"], "")
        .replace("<D:principal>", "<D:invert><D:principal>")
        .replace("</D:principal>", "</D:principal></D:invert>");
    let owner = ace("self", &["all"], "").replace("<D:self/>", "<D:property><D:owner/></D:property>");
    for (entries, condition) in [
        (vec![deny], "grant-only"),
        (vec![invert], "no-invert"),
        (vec![ace(zoe, &["write-content"], "")], "no-abstract"),
        (vec![ace(zoe, &["read", "read-acl"], "")], "no-abstract"),
        (vec![ace(zoe, &["C:read-free-busy"], "")], "no-abstract"),
        (vec![ace(zoe, &["execute"], "")], "not-supported-privilege"),
        (vec![ace(zoe, &["share"], "")], "not-supported-privilege"),
        (vec![ace(zoe, &["write"], "")], "no-ace-conflict"),
        (vec![ace("/principals/nobody/", &["read"], "")], "recognized-principal"),
        (vec![ace("/files/tram/", &["read"], "")], "recognized-principal"),
        (vec![ace("mailto:zoe@ville.example", &["read"], "")], "recognized-principal"),
        (vec![ace("all", &["read"], "")], "allowed-principal"),
        (vec![ace("unauthenticated", &["read"], "")], "allowed-principal"),
        (vec![ace("self", &["read"], "")], "allowed-principal"),
        (vec![owner], "allowed-principal"),
        ((0..101).map(|_| ace(zoe, &["read"], "")).collect(), "limited-number-of-aces"),
    ] {
        let answer = lea.ask("ACL", "/files/tram/").body(&list(&entries)).expect(403).await;
        assert!(answer.text().contains(&format!("<D:{condition}/>")), "{condition}: {}", answer.text());
    }
    let twice =
        ace(zoe, &["read"], "").replace("<D:grant>", "<D:deny><D:privilege><D:read/></D:privilege></D:deny><D:grant>");
    for body in ["<D:acl xmlns:D=\"DAV:\"".to_owned(), "<x/>".to_owned(), list(&[twice]), list(&[ace(zoe, &[], "")])] {
        lea.ask("ACL", "/files/tram/").body(&body).expect(400).await;
    }
    assert_eq!(world.tree.grants("/files/tram").await.unwrap().len(), 1);
}

#[tokio::test]
async fn only_who_holds_write_acl_sets_a_list_and_no_lock_is_in_the_way() {
    let world = World::new().await;
    let (lea, zoe) = (world.client("lea"), world.client("zoe"));
    lea.put("/files/tram/a.txt", "a").expect(201).await;
    let body = list(&[ace("/principals/zoe/", &["read"], "")]);
    for (who, path, status) in [
        ("max", "/files/tram/", 403),
        ("rita", "/calendars/tram/", 403),
        ("zoe", "/files/tram/", 404),
        ("lea", "/files/tram/a.txt", 405),
        ("lea", "/files/", 405),
        ("lea", "/files/tram/none/", 404),
    ] {
        world.client(who).ask("ACL", path).body(&body).expect(status).await;
    }
    let needed = world.client("max").ask("ACL", "/files/tram/").body(&body).expect(403).await;
    assert!(needed.text().contains("<D:write-acl/>"), "{}", needed.text());
    let token = lea.locked("/files/tram/", "exclusive", "0").await;
    lea.ask("ACL", "/files/tram/").body(&body).expect(423).await;
    lea.ask("ACL", "/files/tram/").token(&token).body(&body).expect(200).await;
    zoe.get("/files/tram/a.txt").expect(200).await;

    // Who leads a single collection sets the list of that one. A closed project has nobody who does.
    world.tree.grant("/calendars/tram/meetings", "zoe", Role::Lead, None).await.unwrap();
    let allow = |answer: Answer| answer.header("allow").unwrap().split(", ").any(|method| method == "ACL");
    assert!(allow(zoe.options("/calendars/zoe/meetings@tram/").expect(200).await));
    assert!(!allow(zoe.options("/files/tram/").expect(200).await));
    let both = list(&[ace("/principals/zoe/", &["all"], ""), ace("/principals/mia/", &["all"], "")]);
    zoe.ask("ACL", "/calendars/zoe/meetings@tram/").body(&both).expect(200).await;
    assert_eq!(world.tree.grants("/calendars/tram/meetings").await.unwrap().len(), 2);
    world.tree.close_project("tram").await.unwrap();
    zoe.ask("ACL", "/calendars/tram/meetings/").body(&both).expect(403).await;
    world.sound().await;
}

const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";

async fn report(client: &Client, path: &str, name: &str, content: &str) -> Answer {
    let body = format!("<D:{name} xmlns:D=\"DAV:\" xmlns:C=\"{CALDAV}\">{content}</D:{name}>");
    client.report_at(path).body(&body).send().await
}

#[tokio::test]
async fn a_report_shows_the_principals_of_a_list_each_once() {
    let world = World::new().await;
    let lea = world.client("lea");
    lea.mkcol("/files/tram/plans/").expect(201).await;
    lea.mkcol("/files/tram/aside/").expect(201).await;
    world.tree.grant("/files/tram/plans", "max", Role::Lead, None).await.unwrap();
    world.tree.grant("/files/tram/plans", "@everyone", Role::Reader, None).await.unwrap();
    let found = report(&lea, "/files/tram/plans/", "acl-principal-prop-set", "<D:prop><D:displayname/></D:prop>").await;
    assert_eq!(
        found.hrefs(),
        ["max", "lea", "mia", "rita", "tram"].map(|name| format!("/principals/{name}/")),
        "{}",
        found.text()
    );
    assert!(found.text().contains("max shown") && found.text().contains("Tramway"), "{}", found.text());
    let refused = report(&world.client("rita"), "/files/tram/plans/", "acl-principal-prop-set", "<D:prop/>").await;
    assert!(refused.status == 403 && refused.text().contains("<D:read-acl/>"), "{}", refused.text());
    // On the way to what everyone reads; what is not on it is not there.
    for (path, status) in [("/files/tram/", 403), ("/files/tram/aside/", 404), ("/files/lea/", 404)] {
        let answer = report(&world.client("zoe"), path, "acl-principal-prop-set", "<D:prop/>").await;
        assert_eq!(answer.status, status, "{path}");
    }
    let deep = "<D:acl-principal-prop-set xmlns:D=\"DAV:\"/>";
    lea.report_at("/files/tram/").header("Depth", "1").body(deep).expect(400).await;
}

#[tokio::test]
async fn a_report_shows_what_is_the_actor_or_names_the_actor() {
    let world = World::new().await;
    let (lea, max) = (world.client("lea"), world.client("max"));
    for group in ["crew", "staff", "others"] {
        world.tree.add_group(group, group).await.unwrap();
    }
    world.tree.join_group("crew", "lea").await.unwrap();
    world.tree.join_group("staff", "crew").await.unwrap();
    let own = report(&lea, "/principals/", "principal-match", "<D:self/><D:prop><D:displayname/></D:prop>").await;
    assert_eq!(own.hrefs(), ["/principals/crew/", "/principals/lea/", "/principals/staff/"], "{}", own.text());
    let own = report(&max, "/principals/lea/", "principal-match", "<D:self/>").await;
    assert!(own.hrefs().is_empty() && own.status == 207, "{}", own.text());
    assert!(report(&max, "/files/", "principal-match", "<D:self/>").await.hrefs().is_empty());

    // Of what is below, at any depth.
    max.mkcol("/files/max/a/").expect(201).await;
    max.put("/files/max/a/b.txt", "b").expect(201).await;
    max.put("/files/tram/c.txt", "c").expect(201).await;
    let owned = "<D:principal-property><D:owner/></D:principal-property><D:prop><D:getetag/></D:prop>";
    let found = report(&max, "/files/", "principal-match", owned).await;
    assert_eq!(found.hrefs(), ["/files/max/", "/files/max/a/", "/files/max/a/b.txt"], "{}", found.text());
    let by_href = max.proppatch(
        "/files/tram/c.txt",
        "<D:set><D:prop><x xmlns=\"y\"><D:href>/principals/max/</D:href></x></D:prop></D:set>",
    );
    by_href.expect(207).await;
    let set = "<D:principal-property><x xmlns=\"y\"/></D:principal-property>";
    assert_eq!(report(&max, "/files/tram/", "principal-match", set).await.hrefs(), ["/files/tram/c.txt"]);
    assert!(report(&lea, "/files/tram/", "principal-match", set).await.hrefs().is_empty());
    assert_eq!(report(&max, "/files/", "principal-match", "<D:prop/>").await.status, 400);
}

#[tokio::test]
async fn a_search_wants_all_it_names_and_two_letters() {
    let world = World::new().await;
    let lea = world.client("lea");
    let one = |names: &[&str], text: &str| {
        let names: String = names.iter().map(|name| format!("<{name}/>")).collect();
        format!("<D:property-search><D:prop>{names}</D:prop><D:match>{text}</D:match></D:property-search>")
    };
    let search = async |content: &str, test: &str| {
        let body = format!(
            "<D:principal-property-search xmlns:D=\"DAV:\" xmlns:C=\"{CALDAV}\" {test}>{content}\
             <D:prop><D:displayname/><D:group-membership/></D:prop></D:principal-property-search>"
        );
        let found = lea.report_at("/principals/").body(&body).expect(207).await;
        found.hrefs().iter().map(|href| href.split('/').nth(2).unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let (name, address, kind) = ("D:displayname", "C:calendar-user-address-set", "C:calendar-user-type");
    assert_eq!(search(&one(&[name], "max"), "").await, "max");
    // Several properties in one search: each has to match.
    assert_eq!(search(&one(&[name, address], "max"), "").await, "max");
    assert_eq!(search(&one(&[name, address], "shown"), "").await, "");
    assert_eq!(search(&one(&[name, "D:getetag"], "max"), "").await, "");
    // Several searches: all, or any of them.
    let two = one(&[name], "max") + &one(&[name], "zoe");
    assert_eq!(search(&two, "").await, "");
    assert_eq!(search(&two, "test=\"anyof\"").await, "max zoe");
    assert_eq!(search(&(one(&[name], "sho") + &one(&[address], "mailto:zo")), "").await, "zoe");
    assert_eq!(search(&(one(&[kind], "INDIVIDUAL") + &one(&[name], "ri")), "").await, "rita");
    assert_eq!(search(&(one(&[kind], "GROUP") + &one(&[name], "tramw")), "").await, "tram");
    // What says nothing of whom is sought finds nobody but who asks.
    for vague in ["m", "", "mailto:", "mailto:m"] {
        assert_eq!(search(&one(&[address], vague), "").await, "lea", "{vague}");
    }
    assert_eq!(search(&one(&["C:calendar-home-set"], "/calendars/"), "").await, "lea");
    assert_eq!(search(&one(&[kind], "INDIVIDUAL"), "").await, "lea");
    assert_eq!(search(&(one(&[name], "m") + &one(&[name], "zoe")), "test=\"anyof\"").await, "zoe");
    let set = report(&lea, "/principals/", "principal-search-property-set", "").await;
    assert!(set.text().contains("calendar-user-type"), "{}", set.text());
}

#[tokio::test]
async fn access_control_is_announced_with_its_reports() {
    let world = World::new().await;
    let lea = world.client("lea");
    for path in ["/", "/principals/lea/", "/files/tram/", "/calendars/tram/meetings/"] {
        let answer = lea.options(path).expect(200).await;
        assert!(answer.header("dav").unwrap().split(", ").any(|class| class == "access-control"));
        let reports = lea.propfind(path, "0", "<D:supported-report-set/>").expect(207).await;
        for report in ["acl-principal-prop-set", "principal-match"] {
            assert!(reports.text().contains(report), "{path}: {}", reports.text());
        }
    }
}
