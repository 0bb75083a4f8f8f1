//! Random grants, ends, groups, closed projects and disabled people, and requests in between, against a small model of
//! the rules: the server lets in whom the model lets in, and nobody else.

use std::collections::{BTreeMap, BTreeSet};

use beffroi::model::id::{Timestamp, now};
use beffroi::model::privilege::Role;
use beffroi::tree::administration::AdministrationError;

use crate::kit::{Client, World, event};

const STEPS: usize = 10_000;
/// One step of so many changes a right; the others ask.
const CHANGE_EVERY: usize = 4;

const PEOPLE: [&str; 5] = ["lea", "max", "mia", "rita", "zoe"];
const GROUPS: [&str; 4] = ["g0", "g1", "g2", "g3"];
const PROJECTS: [&str; 2] = ["tram", "quai"];
/// The collections of each project on which roles are given, `#` for its name.
const PLACES: [&str; 6] =
    ["/files/#", "/files/#/a", "/files/#/a/b", "/files/#/c", "/calendars/#", "/calendars/#/meetings"];
const FOLDERS: [&str; 4] = ["/files/#", "/files/#/a", "/files/#/a/b", "/files/#/c"];
const OVER: Timestamp = 1;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn holder(&mut self) -> &'static str {
        let holders: Vec<&'static str> = PEOPLE.into_iter().chain(GROUPS).collect();
        self.pick(&holders)
    }
}

/// What was granted: a role and its end.
type Granted = (Role, Option<Timestamp>);

fn lasts(until: Option<Timestamp>) -> Timestamp {
    until.unwrap_or(Timestamp::MAX)
}

#[derive(Default)]
struct Model {
    /// Who was added to which group: (group, member).
    members: BTreeSet<(String, String)>,
    /// By place (a project as a whole is its name) and holder.
    grants: BTreeMap<(String, String), Granted>,
    closed: BTreeSet<String>,
    disabled: BTreeSet<String>,
}

impl Model {
    /// A principal and all groups that it is in.
    fn holders(&self, principal: &str) -> BTreeSet<String> {
        let mut holders = BTreeSet::from([principal.to_owned()]);
        loop {
            let more: Vec<String> =
                self.members.iter().filter(|(_, m)| holders.contains(m)).map(|(g, _)| g.clone()).collect();
            let before = holders.len();
            holders.extend(more);
            if holders.len() == before {
                return holders;
            }
        }
    }

    /// Who is in a principal, itself among them.
    fn inside(&self, principal: &str) -> Vec<String> {
        let all = PEOPLE.into_iter().chain(GROUPS).map(str::to_owned);
        all.filter(|one| self.holders(one).contains(principal)).collect()
    }

    /// What a principal has in all of a project, be it through a group.
    fn parts(&self, principal: &str, project: &str) -> Vec<Granted> {
        let holders = self.holders(principal);
        let part = |holder: &String| self.grants.get(&(project.to_owned(), holder.clone())).copied();
        holders.iter().filter_map(part).collect()
    }

    fn is_partner(&self, principal: &str, project: &str) -> bool {
        self.parts(principal, project).iter().any(|(role, _)| *role == Role::Partner)
    }

    /// Who is in a principal and has no part in a project has nothing else there.
    fn remove_without_part(&mut self, principal: &str, project: &str) {
        for gone in self.inside(principal) {
            if self.parts(&gone, project).is_empty() {
                let of = |place: &str| PLACES.iter().any(|each| name(each, project) == place);
                self.grants.retain(|(place, who), _| *who != gone || !of(place));
            }
        }
    }

    /// The role in force of a person at an address of a project.
    fn role(&self, person: &str, project: &str, address: &str) -> Option<Role> {
        let holders = self.holders(person);
        let above = |place: &str| place == project || address == place || address.starts_with(&format!("{place}/"));
        let partner_ends = |holder: &str| {
            let part = self.grants.get(&(project.to_owned(), holder.to_owned()));
            part.filter(|(role, _)| *role == Role::Partner).map_or(Timestamp::MAX, |(_, until)| lasts(*until))
        };
        // What a partner may on a part of a project ends with the last of their roles on all of it.
        let parts = self.parts(person, project);
        let part_ends = parts.iter().map(|(_, until)| lasts(*until)).max();
        let part_ends = part_ends.filter(|_| self.is_partner(person, project)).unwrap_or(Timestamp::MAX);
        let held = self.grants.iter().filter(|((place, holder), (_, until))| {
            let ends = if place == project { Timestamp::MAX } else { part_ends };
            above(place) && holders.contains(holder) && lasts(*until).min(partner_ends(holder)).min(ends) > now()
        });
        let most = if self.closed.contains(project) { Role::Reader } else { Role::Lead };
        held.map(|(_, (role, _))| (*role).min(most)).max()
    }

    /// What a folder lists: all it holds, or the way to what may be read below it; nothing where there is no way.
    fn listing(&self, person: &str, project: &str, folder: &str) -> BTreeSet<String> {
        let reads = |address: &str| self.role(person, project, address) >= Some(Role::Reader);
        let mut listed: BTreeSet<String> = FOLDERS
            .iter()
            .map(|place| name(place, project))
            .filter(|below| reads(below))
            .filter_map(|below| {
                let next = below.strip_prefix(&format!("{folder}/"))?.split('/').next()?.to_owned();
                Some(format!("{folder}/{next}/"))
            })
            .collect();
        if reads(folder) {
            listed.insert(format!("{folder}/d.txt"));
        }
        if !listed.is_empty() {
            listed.insert(format!("{folder}/"));
        }
        listed
    }

    /// In a closed project roles are lowered and ended, not given.
    fn may_give(&self, project: &str, place: &str, holder: &str, (role, until): Granted) -> bool {
        let held = self.grants.get(&(place.to_owned(), holder.to_owned()));
        !self.closed.contains(project) || held.is_some_and(|(held, end)| *held >= role && lasts(*end) >= lasts(until))
    }
}

fn name(place: &str, project: &str) -> String {
    place.replace('#', project)
}

/// One change of rights, by an administrator: the server takes or refuses it as the model says.
async fn change(world: &World, model: &mut Model, random: &mut Random) -> String {
    let project = random.pick(&PROJECTS);
    let holder = random.holder();
    let group = random.pick(&GROUPS);
    if !model.closed.is_empty() && random.below(3) == 0 {
        let opened = model.closed.pop_first().unwrap();
        world.tree.reopen_project(&opened).await.unwrap();
        return format!("{opened} is open");
    }
    let until = random.pick(&[None, None, Some(now() + 86_400), Some(OVER)]);
    match random.below(9) {
        0 => {
            let refused = model.holders(group).contains(holder);
            let done = world.tree.join_group(group, holder).await;
            assert_eq!(matches!(done, Err(AdministrationError::Circle(..))), refused, "{group} {holder}");
            if !refused {
                done.unwrap();
                model.members.insert((group.to_owned(), holder.to_owned()));
            }
            format!("{holder} joins {group}")
        }
        1 => {
            let partner_in = PROJECTS.into_iter().filter(|project| model.is_partner(group, project));
            let partner_in: Vec<&str> = partner_in.collect();
            let was = model.members.remove(&(group.to_owned(), holder.to_owned()));
            assert_eq!(world.tree.leave_group(group, holder).await.is_ok(), was);
            for project in partner_in.into_iter().filter(|_| was) {
                model.remove_without_part(holder, project);
            }
            format!("{holder} leaves {group}")
        }
        2 => {
            let role = random.pick(&[Role::Lead, Role::Member, Role::Reader]);
            let may = model.may_give(project, project, holder, (role, until));
            assert_eq!(world.tree.add_member(project, holder, role, until).await.is_ok(), may);
            if may {
                model.grants.insert((project.to_owned(), holder.to_owned()), (role, until));
            }
            format!("{holder} is {role:?} of {project} until {until:?}: {may}")
        }
        3 => {
            let until = until.unwrap_or(now() + 7200);
            let may = model.may_give(project, project, holder, (Role::Partner, Some(until)));
            assert_eq!(world.tree.add_partner(project, holder, "lea", until).await.is_ok(), may);
            if may {
                model.grants.insert((project.to_owned(), holder.to_owned()), (Role::Partner, Some(until)));
            }
            format!("{holder} is partner of {project} until {until}: {may}")
        }
        4 => {
            let had = model.grants.remove(&(project.to_owned(), holder.to_owned()));
            assert_eq!(world.tree.remove_member(project, holder).await.is_ok(), had.is_some());
            if had.is_some_and(|(role, _)| role == Role::Partner) {
                let of = |place: &str| PLACES.iter().any(|each| name(each, project) == place);
                model.grants.retain(|(place, who), _| who != holder || !of(place));
                model.remove_without_part(holder, project);
            }
            format!("{holder} leaves {project}")
        }
        5 | 6 => {
            let place = name(random.pick(&PLACES), project);
            let role = random.pick(&[Role::Lead, Role::Member, Role::Reader, Role::FreeBusy]);
            let fits = role != Role::FreeBusy || place.starts_with("/calendars");
            let may = fits && model.may_give(project, &place, holder, (role, until));
            assert_eq!(world.tree.grant(&place, holder, role, until).await.is_ok(), may);
            if may {
                model.grants.insert((place.clone(), holder.to_owned()), (role, until));
            }
            format!("{holder} is {role:?} on {place} until {until:?}: {may}")
        }
        7 => {
            let place = name(random.pick(&PLACES), project);
            let had = model.grants.remove(&(place.clone(), holder.to_owned()));
            assert_eq!(world.tree.revoke(&place, holder).await.is_ok(), had.is_some());
            format!("{holder} is nothing on {place}")
        }
        _ if random.below(2) == 0 => {
            if model.closed.insert(project.to_owned()) {
                world.tree.close_project(project).await.unwrap();
                return format!("{project} is closed");
            }
            model.closed.remove(project);
            world.tree.reopen_project(project).await.unwrap();
            format!("{project} is open")
        }
        _ => {
            let person = random.pick(&PEOPLE);
            let disabled = model.disabled.insert(person.to_owned());
            if !disabled {
                model.disabled.remove(person);
            }
            world.tree.set_disabled(person, disabled).await.unwrap();
            format!("{person} is disabled: {disabled}")
        }
    }
}

/// One request: its answer is what the model says.
async fn ask(client: &Client, model: &Model, random: &mut Random, person: &str) -> String {
    let project = random.pick(&PROJECTS);
    let folder = name(random.pick(&FOLDERS), project);
    let calendar = format!("/calendars/{project}/meetings");
    let disabled = model.disabled.contains(person);
    let answers = |role: Option<Role>, least: Role, status: u16| match role {
        _ if disabled => 401,
        Some(role) if role >= least => status,
        Some(role) if role >= Role::Reader => 403,
        _ => 404,
    };
    let in_folder = model.role(person, project, &folder);
    let in_calendar = model.role(person, project, &calendar);
    let (what, answer, expected) = match random.below(7) {
        0 => {
            let address = format!("{folder}/d.txt");
            (format!("GET {address}"), client.get(&address).send().await, answers(in_folder, Role::Reader, 200))
        }
        1 => {
            let address = format!("{folder}/d.txt");
            (format!("PUT {address}"), client.put(&address, "d").send().await, answers(in_folder, Role::Member, 204))
        }
        2 => {
            let address = format!("{folder}/nothing.txt");
            let least = if in_folder >= Some(Role::Reader) { 404 } else { answers(in_folder, Role::Reader, 404) };
            let expected = if disabled { 401 } else { least };
            (format!("DELETE {address}"), client.delete(&address).send().await, expected)
        }
        3 => {
            let address = format!("{folder}/");
            let answer = client.propfind(&address, "1", "<D:resourcetype/>").send().await;
            let expected = model.listing(person, project, &folder);
            if answer.status == 207 {
                assert_eq!(answer.hrefs().into_iter().collect::<BTreeSet<_>>(), expected, "{person} {in_folder:?}");
            }
            let status = if expected.is_empty() { 404 } else { 207 };
            (format!("PROPFIND {address}"), answer, if disabled { 401 } else { status })
        }
        4 => {
            let address = format!("{calendar}/e.ics");
            let answer = client.put(&address, &event("e", "20260614")).send().await;
            (format!("PUT {address}"), answer, answers(in_calendar, Role::Member, 204))
        }
        5 => {
            let query = "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range \
                         start=\"20260614T000000Z\" end=\"20260615T000000Z\"/></C:free-busy-query>";
            let answer = client.report_at(&format!("{calendar}/")).body(query).send().await;
            (format!("REPORT {calendar}/"), answer, answers(in_calendar, Role::FreeBusy, 200))
        }
        _ => {
            let home = format!("/calendars/{person}/");
            let answer = client.propfind(&home, "1", "<D:resourcetype/>").send().await;
            if answer.status == 207 {
                let reads = |(project, calendar): &(&str, &str)| {
                    model.role(person, project, &format!("/calendars/{project}/{calendar}")) >= Some(Role::Reader)
                };
                let linked = PROJECTS.iter().flat_map(|project| [(*project, "meetings"), (*project, "tasks")]);
                let expected: BTreeSet<String> =
                    linked.filter(reads).map(|(project, calendar)| format!("{home}{calendar}@{project}/")).collect();
                let found: BTreeSet<String> = answer.hrefs().into_iter().filter(|href| href.contains('@')).collect();
                assert_eq!(found, expected, "{person}");
            }
            (format!("PROPFIND {home}"), answer, if disabled { 401 } else { 207 })
        }
    };
    assert_eq!(answer.status, expected, "{what} by {person}: {in_folder:?} {in_calendar:?}\n{}", answer.text());
    what
}

#[tokio::test]
async fn the_server_lets_in_whom_the_rules_let_in() {
    let world = World::unflushed().await;
    world.tree.add_project("quai", "Quai", None).await.unwrap();
    for group in GROUPS {
        world.tree.add_group(group, group).await.unwrap();
    }
    let mut model = Model::default();
    let of_tram = [
        ("lea", Role::Lead),
        ("max", Role::Member),
        ("mia", Role::Member),
        ("rita", Role::Reader),
        ("lea", Role::Lead),
    ];
    for (person, role) in of_tram {
        model.grants.insert(("tram".to_owned(), person.to_owned()), (role, None));
    }
    world.tree.add_member("quai", "lea", Role::Lead, None).await.unwrap();
    model.grants.insert(("quai".to_owned(), "lea".to_owned()), (Role::Lead, None));
    let lea = world.client("lea");
    for project in PROJECTS {
        for folder in FOLDERS {
            let folder = name(folder, project);
            if folder.matches('/').count() > 2 {
                lea.mkcol(&folder).expect(201).await;
            }
            lea.put(&format!("{folder}/d.txt"), "d").expect(201).await;
        }
        lea.put(&format!("/calendars/{project}/meetings/e.ics"), &event("e", "20260614")).expect(201).await;
    }
    let clients: Vec<Client> = PEOPLE.iter().map(|person| world.client(person)).collect();
    let mut random = Random(20_261_127);
    let mut done: Vec<String> = Vec::new();
    for step in 0..STEPS {
        if step % CHANGE_EVERY == 0 {
            let change = change(&world, &mut model, &mut random).await;
            eprintln!("{change}");
            done.push(change);
        } else {
            // A log-in that fails is answered late: it is enough to try that now and then.
            let mut who = random.below(PEOPLE.len());
            while model.disabled.contains(PEOPLE[who]) && random.below(200) > 0 {
                who = random.below(PEOPLE.len());
            }
            ask(&clients[who], &model, &mut random, PEOPLE[who]).await;
        }
    }
    assert_eq!(done.len(), STEPS / CHANGE_EVERY);
    world.sound().await;
}
