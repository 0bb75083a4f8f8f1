//! Random work on a tree against a model in memory: the tree, its former moments, every version's bytes, and what a
//! synchronizing client holds must all agree with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use beffroi::model::id::now;
use beffroi::model::version::stamp;

use super::kit::{Client, World};
use super::versions::id;

const HOME: &str = "/files/tram";
const NAMES: [&str; 5] = ["a", "b", "c.txt", "d.txt", "Plan.docx"];
const STEPS: usize = 260;
const MOMENT_EVERY: usize = 65;

/// Paths below the home: `None` a folder, else the content of a document.
type Tree = BTreeMap<String, Option<String>>;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Everything below an address, read with PROPFIND and GET alone.
async fn walk(client: &Client, top: &str) -> Tree {
    let mut found = Tree::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(folder) = waiting.pop() {
        let answer = client.propfind(&format!("{folder}/"), "1", "<D:resourcetype/>").expect(207).await;
        for href in answer.hrefs().into_iter().skip(1) {
            let path = href.trim_end_matches('/').to_owned();
            let below = path.strip_prefix(top).unwrap().to_owned();
            if href.ends_with('/') {
                found.insert(below, None);
                waiting.push(path);
            } else {
                found.insert(below, Some(client.get(&path).expect(200).await.text()));
            }
        }
    }
    found
}

fn is_folder(tree: &Tree, path: &str) -> bool {
    path.is_empty() || tree.get(path).is_some_and(Option::is_none)
}

fn take(tree: &mut Tree, path: &str) -> Tree {
    let below = format!("{path}/");
    let taken: Tree = tree
        .iter()
        .filter(|(p, _)| *p == path || p.starts_with(&below))
        .map(|(p, c)| (p[path.len()..].to_owned(), c.clone()))
        .collect();
    tree.retain(|p, _| p != path && !p.starts_with(&below));
    taken
}

fn put_at(tree: &mut Tree, path: &str, what: Tree) {
    take(tree, path);
    tree.extend(what.into_iter().map(|(below, content)| (format!("{path}{below}"), content)));
}

/// What a synchronizing client holds.
#[derive(Default)]
struct Mirror {
    token: String,
    etags: BTreeMap<String, String>,
}

impl Mirror {
    /// Takes all that is listed.
    async fn sync(&mut self, client: &Client) {
        while self.page(client, "").await {}
    }

    /// Takes one page; is there more? A token is never refused: nothing of the home is forgotten here.
    async fn page(&mut self, client: &Client, more: &str) -> bool {
        let answer = client.sync(&format!("{HOME}/"), &self.token, "infinite", more).expect(207).await;
        let root = answer.xml();
        let mut truncated = false;
        for response in root.elements().filter(|e| e.name.is_dav("response")) {
            let path = response.dav("href").unwrap().text().trim_end_matches('/').to_owned();
            match response.dav("status") {
                Some(status) if status.text().contains(" 507 ") => truncated = true,
                Some(_) => {
                    let below = format!("{path}/");
                    self.etags.retain(|p, _| *p != path && !p.starts_with(&below));
                }
                None => {
                    let found = response.dav("propstat").and_then(|p| p.dav("prop")).and_then(|p| p.dav("getetag"));
                    self.etags.insert(path, found.map(|etag| etag.text()).unwrap_or_default());
                }
            }
        }
        self.token = answer.sync_token();
        truncated
    }

    fn paths(&self) -> Vec<&str> {
        self.etags.keys().map(|path| path.strip_prefix(HOME).unwrap()).collect()
    }
}

struct Run {
    world: World,
    random: Random,
    tree: Tree,
    written: BTreeSet<String>,
    moments: Vec<(String, Tree)>,
    mirror: Mirror,
    /// One that takes a small page after each step, so that the tree changes between its pages.
    slow: Mirror,
    agree_every: usize,
    seed: u64,
}

impl Run {
    fn any_path(&mut self) -> String {
        let folders: Vec<String> = std::iter::once(String::new())
            .chain(self.tree.iter().filter(|(_, c)| c.is_none()).map(|(p, _)| p.clone()))
            .collect();
        let folder = self.random.pick(&folders).clone();
        format!("{folder}/{}", self.random.pick(&NAMES))
    }

    fn there(&mut self) -> Option<String> {
        let paths: Vec<String> = self.tree.keys().cloned().collect();
        if paths.is_empty() { None } else { Some(self.random.pick(&paths).clone()) }
    }

    async fn step(&mut self, number: usize) {
        let who = *self.random.pick(&["max", "mia"]);
        let client = self.world.client(who);
        match self.random.below(26) {
            0..=6 => {
                let path = self.any_path();
                if is_folder(&self.tree, &path) {
                    return;
                }
                let content = format!("content {number}");
                let status = client.put(&format!("{HOME}{path}"), &content).send().await.status;
                assert_eq!(status, if self.tree.contains_key(&path) { 204 } else { 201 });
                self.written.insert(content.clone());
                self.tree.insert(path.clone(), Some(content));
                self.note(number, &["PUT", &path]);
            }
            7 | 8 => {
                let path = self.any_path();
                if self.tree.contains_key(&path) || path.matches('/').count() > 4 {
                    return;
                }
                client.mkcol(&format!("{HOME}{path}")).expect(201).await;
                self.note(number, &["MKCOL", &path]);
                self.tree.insert(path, None);
            }
            9..=14 => {
                let (Some(from), to) = (self.there(), self.any_path()) else { return };
                let inside = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}/"));
                if inside(&to, &from) || inside(&from, &to) || to.matches('/').count() > 5 {
                    return;
                }
                let moves = self.random.below(3) > 0;
                let ask = if moves {
                    client.relocate(&format!("{HOME}{from}"), &format!("{HOME}{to}"))
                } else {
                    client.copy(&format!("{HOME}{from}"), &format!("{HOME}{to}"))
                };
                self.note(number, &[if moves { "MOVE" } else { "COPY" }, &from, &to]);
                ask.expect(if self.tree.contains_key(&to) { 204 } else { 201 }).await;
                let mut rest = self.tree.clone();
                let what = take(&mut rest, &from);
                if moves {
                    self.tree = rest;
                }
                put_at(&mut self.tree, &to, what);
            }
            15 | 16 => {
                let Some(path) = self.there() else { return };
                client.delete(&format!("{HOME}{path}")).expect(204).await;
                take(&mut self.tree, &path);
                self.note(number, &["DELETE", &path]);
            }
            17 | 18 => {
                let listed = client.propfind("/trash/tram/", "1", "<D:resourcetype/>").expect(207).await.hrefs();
                let to = self.any_path();
                if listed.len() < 2 || is_folder(&self.tree, &to) {
                    return;
                }
                let from = listed[1 + self.random.below(listed.len() - 1)].clone();
                let bare = from.trim_end_matches('/');
                let what = if from.ends_with('/') {
                    let mut what = walk(&client, bare).await;
                    what.insert(String::new(), None);
                    what
                } else {
                    Tree::from([(String::new(), Some(client.get(&from).expect(200).await.text()))])
                };
                let answer = client.relocate(&from, &format!("{HOME}{to}")).expect(201).await;
                let place = answer.header("location").unwrap().trim_end_matches('/').to_owned();
                self.note(number, &["restore", &from, &place]);
                put_at(&mut self.tree, place.strip_prefix(HOME).unwrap(), what);
            }
            19 => {
                if self.moments.is_empty() {
                    return;
                }
                let (moment, then) = self.random.pick(&self.moments).clone();
                let body = format!(
                    "<D:update xmlns:D=\"DAV:\"><D:version><D:href>/history/tram/{moment}/</D:href></D:version>\
                     </D:update>"
                );
                client.ask("UPDATE", &format!("{HOME}/")).body(&body).expect(207).await;
                self.tree = then;
                self.note(number, &["rewind", &moment]);
            }
            _ => self.name_anew(number).await,
        }
    }

    /// The name of a folder comes to lead to something else.
    async fn name_anew(&mut self, number: usize) {
        let client = self.world.client("max");
        let folders: Vec<String> = self.tree.iter().filter(|(_, c)| c.is_none()).map(|(p, _)| p.clone()).collect();
        if folders.is_empty() {
            return;
        }
        let (one, other) = (self.random.pick(&folders).clone(), self.random.pick(&folders).clone());
        let relocate = async |from: &str, to: &str| client.relocate(from, to).expect(201).await;
        let (at, aside) = (format!("{HOME}{one}"), format!("{HOME}/aside"));
        match self.random.below(5) {
            0 => {
                client.delete(&at).expect(204).await;
                client.mkcol(&at).expect(201).await;
                put_at(&mut self.tree, &one, Tree::from([(String::new(), None)]));
                self.note(number, &["make anew", &one]);
            }
            1 if !other.starts_with(&one) && !one.starts_with(&other) => {
                let there = format!("{HOME}{other}");
                relocate(&at, &aside).await;
                relocate(&there, &at).await;
                relocate(&aside, &there).await;
                let (mine, theirs) = (take(&mut self.tree, &one), take(&mut self.tree, &other));
                put_at(&mut self.tree, &one, theirs);
                put_at(&mut self.tree, &other, mine);
                self.note(number, &["swap", &one, &other]);
            }
            2 => {
                // Its parts go into the folder that takes its name, but for one that stays outside.
                relocate(&at, &aside).await;
                client.mkcol(&at).expect(201).await;
                let listed = client.propfind(&format!("{aside}/"), "1", "<D:resourcetype/>").expect(207).await.hrefs();
                for member in listed.iter().skip(2) {
                    relocate(member, &format!("{HOME}{one}{}", member.strip_prefix(&aside).unwrap())).await;
                }
                client.delete(&aside).expect(204).await;
                if let Some(left) = listed.get(1) {
                    take(&mut self.tree, &format!("{one}{}", left.strip_prefix(&aside).unwrap().trim_end_matches('/')));
                }
                self.note(number, &["sort out", &one]);
            }
            3 => {
                let (folder, name) = one.rsplit_once('/').unwrap();
                let loud = format!("{HOME}{folder}/{}", name.to_uppercase());
                if loud == at {
                    return;
                }
                relocate(&at, &loud).await;
                self.follow().await;
                relocate(&loud, &at).await;
                self.note(number, &["change the case and back", &one]);
            }
            _ => {
                let elsewhere = format!("/files/max/{number}");
                relocate(&at, &elsewhere).await;
                client.mkcol(&format!("{elsewhere}/new{number}")).expect(201).await;
                if self.random.below(2) == 0 {
                    client.mkcol(&at).expect(201).await;
                    self.follow().await;
                    client.delete(&at).expect(204).await;
                }
                relocate(&elsewhere, &at).await;
                self.tree.insert(format!("{one}/new{number}"), None);
                self.note(number, &["by way of another home", &one]);
            }
        }
    }

    /// Both mirrors go on: the one takes all there is, the other a page.
    async fn follow(&mut self) {
        let client = self.world.client("rita");
        self.mirror.sync(&client).await;
        let few = format!("<D:limit><D:nresults>{}</D:nresults></D:limit>", 1 + self.seed % 4);
        if !self.slow.page(&client, &few).await {
            assert_eq!(self.slow.paths(), self.mirror.paths(), "seed {}", self.seed);
        }
    }

    /// Printed when the test fails.
    fn note(&self, number: usize, what: &[&str]) {
        eprintln!("seed {} step {number}: {}", self.seed, what.join(" "));
    }

    async fn agree(&mut self) {
        let client = self.world.client("rita");
        let now = walk(&client, HOME).await;
        assert_eq!(now, self.tree);
        for (path, etag) in self.mirror.etags.iter().filter(|(_, etag)| !etag.is_empty()) {
            assert_eq!(client.head(path).expect(200).await.header("etag"), Some(etag.as_str()), "{path}");
        }
    }

    /// Every content that was ever written is a version of some document, live or in the trash, and says its own hash.
    async fn nothing_lost(&self) {
        let client = self.world.client("rita");
        let mut found = BTreeSet::new();
        for top in [HOME, "/trash/tram"] {
            for path in
                walk(&client, top).await.into_iter().filter(|(_, content)| content.is_some()).map(|(path, _)| path)
            {
                let document = id(&client, &format!("{top}{path}")).await;
                let history = format!("/versions/{}/", document.rsplit(':').next().unwrap());
                let answer = client.propfind(&history, "1", "<B:sha256 xmlns:B=\"urn:beffroi:\"/>").expect(207).await;
                for version in answer.hrefs().into_iter().skip(1) {
                    found.insert(client.get(&version).expect(200).await.text());
                }
            }
        }
        let lost: Vec<&String> = self.written.difference(&found).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

async fn run(seed: u64) {
    let world = World::new().await;
    let mut kept = world.tree.retention("tram").await.unwrap();
    kept.brake_percent = 100;
    world.tree.set_retention("tram", &kept).await.unwrap();
    let mut run = Run {
        world,
        random: Random(seed),
        tree: Tree::new(),
        written: BTreeSet::new(),
        moments: Vec::new(),
        mirror: Mirror::default(),
        slow: Mirror::default(),
        agree_every: if std::env::var_os("MODEL_EACH_STEP").is_some() { 1 } else { 13 },
        seed,
    };
    for number in 0..STEPS {
        run.step(number).await;
        run.follow().await;
        let there: Vec<&str> = run.tree.keys().map(String::as_str).collect();
        assert_eq!(run.mirror.paths(), there, "seed {seed} step {number}");
        if number % run.agree_every == 0 {
            run.agree().await;
        }
        if number % MOMENT_EVERY == MOMENT_EVERY - 1 {
            tokio::time::sleep(Duration::from_millis(1100)).await;
            let name = format!("@{}", stamp(now(), &jiff::tz::TimeZone::system())).replace(' ', "%20");
            run.moments.push((name, run.tree.clone()));
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
    }
    run.agree().await;
    while run.slow.page(&run.world.client("rita"), "").await {}
    assert_eq!(run.slow.paths(), run.mirror.paths());
    let client = run.world.client("rita");
    for (moment, then) in &run.moments {
        assert_eq!(walk(&client, &format!("/history/tram/{moment}")).await, *then, "{moment}");
    }
    run.nothing_lost().await;
    run.world.sound().await;
}

#[tokio::test]
async fn random_work_agrees_with_the_model() {
    tokio::join!(run(1), run(2), run(3), run(4), run(5), run(6));
}
