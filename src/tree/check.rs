//! The check of every body, version and reference.

use std::collections::HashMap;

use super::Tree;
use super::administration::retired_name;
use super::authentication::device_secret_hash;
use super::calendar::index;
use super::edit::chain::{leaf, link};
use super::objects::Objects;
use super::target::{CALENDARS, TRASH};
use crate::ical::object::Object;
use crate::ical::validate::validate;
use crate::model::budget::Budget;
use crate::model::calendar::Indexed;
use crate::model::error::{Cause, Failure, Reason};
use crate::model::filename::{key, match_name};
use crate::model::id::Id;
use crate::model::markup::{is_name, is_whole};
use crate::model::path::Path;
use crate::store::body::{self, sha256};
use crate::store::check::{self, Damage, StoredObject};
use crate::store::check_columns;
use crate::store::check_rights::{self, PrincipalName};
use crate::store::personal_part::{self, StoredPart};
use crate::store::{body_references, version};

const PAGE: i64 = 500;
/// Nodes whose dead properties are looked at in one go.
const PROPERTY_PAGE: i64 = 20;

/// Where an object is to be found: in its calendar, or in the trash.
fn address(object: &StoredObject) -> String {
    let ((home, calendar), name) = (&object.stands_in, &object.name);
    let path = match object.gone {
        (false, false) => Path::of(&[CALENDARS, home, calendar, name]),
        (true, _) => Path::of(&[TRASH, home, name]),
        (false, true) => Path::of(&[TRASH, home, calendar, name]),
    };
    path.href(false)
}

/// What a check looked at and what it found.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// Bodies whose hash was verified.
    pub bodies: u64,
    /// All damage.
    pub damage: Vec<Damage>,
    /// Calendar objects that would be refused today. They are no damage: they are served as they are.
    pub judged: Vec<InvalidObject>,
}

/// A calendar object that would be refused today.
#[derive(Debug)]
pub struct InvalidObject {
    /// Its address.
    pub address: String,
    /// Why.
    pub reason: Reason,
}

impl CheckReport {
    /// Adds what a part of the check found. One that cannot be carried out, for what it reads is damaged, is damage
    /// too, and keeps no other from being.
    fn add(&mut self, part: &str, found: Result<Vec<Damage>, Failure>) -> Result<(), Failure> {
        match found {
            Ok(damage) => self.damage.extend(damage),
            Err(failure) if failure.cause == Cause::Fault => {
                let what = "a part of the check cannot be carried out".to_owned();
                self.damage.push(Damage { what, at: format!("{part}: {failure}") });
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

/// What the index says of an object that is not so.
fn misindexed(stored: &Indexed, read: &Indexed) -> Option<&'static str> {
    if stored.first_at > read.first_at || stored.last_at < read.last_at {
        return Some("a calendar object takes place at times that the index does not hold");
    }
    if read.private && !stored.private {
        return Some("a calendar object is private, and is not known as that");
    }
    if read.scheduling != stored.scheduling && !stored.is_unreadable() {
        return Some("a calendar object is not known by whether it is scheduled");
    }
    if !stored.is_unreadable() && stored.component != read.component {
        return Some("a calendar object is known as one of another kind");
    }
    read.is_other(&stored.uid).then_some("a calendar object is known by another UID")
}

impl Tree {
    /// Verifies the database file, every reference, every sum and the hash of every body. `progress` hears how many
    /// bodies are done. Works beside a running server.
    pub async fn check(&self, mut progress: impl FnMut(u64)) -> Result<CheckReport, Failure> {
        let mut report = CheckReport::default();
        let checked = check::database(&mut self.store.read().await?).await;
        let damaged = |text| vec![Damage { what: "the database file is damaged".to_owned(), at: text }];
        report.add("the file", checked.map(|found| found.map_or_else(Vec::new, damaged)))?;
        for table in check_columns::tables() {
            report.add("values", table.misfits(&mut self.store.read().await?).await)?;
        }
        for codes in check_columns::codes() {
            report.add(codes.what, codes.misfits(&mut self.store.read().await?).await)?;
        }
        for rule in check::rules().iter().chain(check_rights::rules()) {
            report.add(rule.what(), rule.broken(&mut self.store.read().await?).await)?;
        }
        report.add("references", check::dangling(&mut self.store.read().await?).await)?;
        let checked = self.check_names(&mut report).await.map(|()| Vec::new());
        report.add("names", checked)?;
        let checked = self.check_principal_names(&mut report).await.map(|()| Vec::new());
        report.add("names of principals", checked)?;
        let checked = self.check_properties(&mut report).await.map(|()| Vec::new());
        report.add("dead properties", checked)?;
        let checked = self.check_passwords(&mut report).await.map(|()| Vec::new());
        report.add("passwords of devices", checked)?;
        let checked = self.check_personal_parts(&mut report).await.map(|()| Vec::new());
        report.add("what is somebody's own on objects", checked)?;
        let checked = self.check_chains(&mut report).await.map(|()| Vec::new());
        report.add("chains of versions", checked)?;
        let checked = self.check_objects(&mut report).await.map(|()| Vec::new());
        report.add("calendar objects", checked)?;
        let checked = self.check_bodies(&mut report, &mut progress).await.map(|()| Vec::new());
        report.add("bodies", checked)?;
        Ok(report)
    }

    /// Every body that is named must be there, and be what its hash says.
    async fn check_bodies(&self, report: &mut CheckReport, progress: &mut impl FnMut(u64)) -> Result<(), Failure> {
        // No view stays open while bodies are read: it would keep the log from being carried over.
        let parts = body_references::parts(&mut self.store.read().await?).await?;
        for part in parts {
            let mut bad = Vec::new();
            let hashes = body_references::named(&mut self.store.read().await?, &part).await?;
            for hash in hashes {
                report.bodies += 1;
                if self.body_damage(&hash).await?.is_some() {
                    bad.push(hash);
                }
                progress(report.bodies);
            }
            report.damage.extend(self.still_damaged(&bad).await?);
        }
        Ok(())
    }

    /// A name and its key must belong together: a changed bit in either shows.
    async fn check_names(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut after = Id(i64::MIN);
        loop {
            let names = check::names(&mut self.store.read().await?, after, PAGE).await?;
            // An identifier that is none stands after all others, and was reported as such.
            let Some(last) = names.last().filter(|last| last.node > after) else { return Ok(()) };
            after = last.node;
            for name in &names {
                // A removed person's home bears a name that nobody can type.
                if key(&name.name, name.kind.row().free_name && !name.in_trash) != name.key {
                    let at = format!("{} ({})", name.name, name.node);
                    report.damage.push(Damage { what: "a name and its key differ".to_owned(), at });
                }
            }
        }
    }

    /// The same of people, projects, groups and rooms: by their keys they log in, and are granted roles. Who was
    /// removed has one that nobody can bear.
    async fn check_principal_names(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut after = Id(i64::MIN);
        loop {
            let names = check_rights::principal_names(&mut self.store.read().await?, after, PAGE).await?;
            let Some(last) = names.last().filter(|last| last.principal > after) else { return Ok(()) };
            after = last.principal;
            for PrincipalName { principal, name, key } in &names {
                if *key != match_name(name) && *key != retired_name(name, *principal) || name.contains('/') {
                    let what = "a name of a person, project or group and its key differ".to_owned();
                    report.damage.push(Damage { what, at: format!("{name} ({principal})") });
                }
            }
        }
    }

    /// Every dead property must be XML that can stand in an answer.
    async fn check_properties(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut after = Id(i64::MIN);
        loop {
            let found = check::properties(&mut self.store.read().await?, after, PROPERTY_PAGE).await?;
            let Some(last) = found.last().filter(|last| last.node > after) else { return Ok(()) };
            after = last.node;
            for one in found.iter().filter(|one| !is_whole(&one.xml, &[]) || !is_name(&one.name)) {
                let at = format!("{} ({})", one.name, one.node);
                report.damage.push(Damage { what: "a dead property is no XML".to_owned(), at });
            }
        }
    }

    /// A device password that is kept as it is shown must be the one whose hash is kept.
    async fn check_passwords(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut after = Id(i64::MIN);
        loop {
            let found = check::passwords(&mut self.store.read().await?, after, PAGE).await?;
            let Some(last) = found.last().filter(|last| last.device > after) else { return Ok(()) };
            after = last.device;
            for one in found.iter().filter(|one| device_secret_hash(&one.characters) != one.hash) {
                let what = "the password of a device and its hash differ".to_owned();
                report.damage.push(Damage { what, at: format!("{} ({})", one.label, one.device) });
            }
        }
    }

    /// What people have of their own on objects must be what its hash says, and can be read.
    async fn check_personal_parts(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut after = (Id(i64::MIN), Id(i64::MIN));
        loop {
            let found = personal_part::all(&mut self.store.read().await?, after.0, after.1, PROPERTY_PAGE).await?;
            let Some(last) = found.last().map(|last| (last.node, last.person)).filter(|last| *last > after) else {
                return Ok(());
            };
            after = last;
            for StoredPart { node, person, name, part } in &found {
                let is_whole =
                    sha256(part.text.as_bytes()) == part.hash && Object::stored(part.text.as_bytes()).is_ok();
                if !is_whole {
                    let what = "what somebody has of their own on an object is damaged".to_owned();
                    report.damage.push(Damage { what, at: format!("{name} ({node}), principal {person}") });
                }
            }
        }
    }

    /// Every calendar object must be one that the server can read, or queries cannot know what is in it.
    async fn check_objects(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let (mut objects, budget) = (Objects::<StoredObject>::of(self), Budget::default());
        while let Some(run) = objects.next().await? {
            for (object, text) in run {
                // What is missing is reported as such.
                let Some(bytes) = text else { continue };
                let at = || format!("{} ({}), body {}", object.name, object.node, object.hash);
                let parsed = match Object::stored(&bytes) {
                    Ok(parsed) => parsed,
                    Err(why) => {
                        let what = format!("a calendar object cannot be read: {why:?}");
                        report.damage.push(Damage { what, at: at() });
                        continue;
                    }
                };
                let read = self.workers.run(Id::default(), &budget, move |_| Some(index(&parsed)));
                let read = read.await.map_err(|error| Failure::new("following a calendar object", error))?;
                if let Some(what) = object.indexed.as_ref().and_then(|stored| misindexed(stored, &read)) {
                    report.damage.push(Damage { what: what.to_owned(), at: at() });
                }
                if let Err(reason) = validate(&bytes) {
                    report.judged.push(InvalidObject { address: address(&object), reason });
                }
            }
        }
        Ok(())
    }

    /// Every version must be what it was when it entered the chain of its home, and every link must follow from the one
    /// before.
    async fn check_chains(&self, report: &mut CheckReport) -> Result<(), Failure> {
        let mut snapshot = self.store.read().await?;
        let heads = version::heads(&mut snapshot).await?;
        let mut at = (Id(i64::MIN), 0);
        let mut last: HashMap<Id, (i64, String)> = HashMap::new();
        loop {
            let links = version::chain(&mut snapshot, at.0, at.1, PAGE).await?;
            let Some(end) = links.last().filter(|end| (end.home, end.place) > at) else { break };
            at = (end.home, end.place);
            for one in links {
                let (place, before) = last.remove(&one.home).unwrap_or((0, String::new()));
                // Those from before there was a chain have neither leaf nor link.
                let follows = one.place == place.saturating_add(1)
                    && (one.leaf.is_empty() && before.is_empty() || one.chain == link(&before, &one.leaf));
                let name = version::node(&mut snapshot, one.node).await?.map_or(String::new(), |(node, _)| node.name);
                let at = format!("{name} ({}), version {}", one.node, one.version);
                if !follows {
                    let what = "the chain of versions is broken".to_owned();
                    report.damage.push(Damage { what, at: at.clone() });
                }
                let stored = version::versions(&mut snapshot, one.node, one.version..=one.version, 1).await?;
                if stored.first().is_some_and(|stored| !one.leaf.is_empty() && leaf(stored) != one.leaf) {
                    report.damage.push(Damage { what: "a version is not what it was when it was made".to_owned(), at });
                }
                last.insert(one.home, (one.place, one.chain));
            }
        }
        for (home, place, chain) in heads {
            let found = last.remove(&home).unwrap_or_default();
            if found != (place, chain) {
                let what = "the chain of versions has lost its end".to_owned();
                report.damage.push(Damage { what, at: format!("home {home}, link {place}") });
            }
        }
        Ok(())
    }

    /// What is wrong with a body.
    async fn body_damage(&self, hash: &str) -> Result<Option<&'static str>, Failure> {
        let stored = body::stored(&mut self.store.read().await?, hash).await?;
        let found = match stored {
            Some(bytes) => Some(sha256(&bytes)),
            None => self.store.blobs.verify(hash).await?,
        };
        Ok(match found {
            Some(found) if found == hash => None,
            Some(_) => Some("the content of a document is damaged"),
            None => Some("the content of a document is missing"),
        })
    }

    /// Of bodies that were found damaged those that matter: what nothing names any more may have gone while it was
    /// looked at, and may be there again.
    async fn still_damaged(&self, bad: &[String]) -> Result<Vec<Damage>, Failure> {
        let mut damage = Vec::new();
        for page in bad.chunks(PAGE as usize) {
            let bearers = body_references::bearers(&mut self.store.read().await?, page).await?;
            for hash in page {
                let Some(bearer) = bearers.get(hash) else { continue };
                let what = self.body_damage(hash).await?;
                damage.extend(what.map(|what| Damage { what: what.to_owned(), at: format!("{bearer}, body {hash}") }));
            }
        }
        Ok(damage)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::error::Cause;
    use crate::tree::Tree;

    /// What cannot be read keeps nothing else from being looked at; what the machine lacks is no damage.
    #[tokio::test]
    async fn a_part_that_fails_is_reported_and_the_others_are_carried_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        tree.add_person("ada", "Ada", "ada@x.example", None).await.expect("a person");
        for words in [
            "typeof(",
            "NOT BETWEEN",
            "foreign_key",
            "TOTAL(n.size",
            "FROM chain",
            "FROM property p",
            "FROM device WHERE digest",
            "FROM personal_part p LEFT",
            "match_name, v.",
            "match_name FROM principal",
        ] {
            tree.script().fail(0, words, Cause::Fault);
            let damage = tree.check(|_| {}).await.expect("a report").damage;
            assert!(!tree.script().is_pending(), "{words}");
            assert!(damage.len() == 1 && damage[0].what.contains("cannot be carried out"), "{words}: {damage:?}");
            tree.script().fail(0, words, Cause::Busy);
            assert!(tree.check(|_| {}).await.is_err(), "{words}");
        }
        assert!(tree.check(|_| {}).await.expect("a report").damage.is_empty());
        tree.close().await;
    }
}
