//! `beffroi versions`, `beffroi restore-version`, `beffroi rewind`: what a document was, and back to it.

use clap::Args;
use serde_json::{Value, json};

use super::address::{address_of, at_address, request};
use super::output::{Terminal, fault, instant, until};
use crate::model::method::Method;
use crate::model::version::stamp;
use crate::tree::Tree;
use crate::tree::resource::Needs;
use crate::tree::rewind_plan::RewindAction;
use crate::tree::target::{CALENDARS, FILES, version_path};
use crate::tree::walk::Cursor;

/// A line of progress each so many names.
const EVERY: u64 = 5_000;

/// Documents and calendars have a past.
const PARTS: [&str; 2] = [FILES, CALENDARS];

#[derive(Args)]
pub(super) struct Versions {
    /// Such as /files/NAME/FOLDER/DOCUMENT
    address: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct RestoreVersion {
    /// Such as /files/NAME/FOLDER/DOCUMENT
    address: String,
    /// The number of the version
    number: i64,
}

#[derive(Args)]
pub(super) struct Rewind {
    /// Such as /files/NAME or /files/NAME/FOLDER
    address: String,
    /// The moment: an RFC 3339 instant, or a date (its end)
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Versions {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (path, owner) = address_of(tree, &self.address, &PARTS).await?;
        let refused = |error| at_address(terminal, &path, error);
        let admitted = tree.read(&request(Method::Propfind, path.clone(), &owner)).await.map_err(refused)?;
        let document = admitted.target.node().filter(|node| node.hash.is_some()).map(|node| node.id);
        drop(admitted);
        let Some(document) = document else { return Err(fault("fault-not-a-document", &[("address", &self.address)])) };
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut at = Cursor::default();
        loop {
            let listing = request(Method::Propfind, version_path(document, None), &owner);
            let mut admitted = tree.read(&listing).await.map_err(refused)?;
            let page = admitted.members(&at, Needs::NOTHING).await?;
            rows.extend(page.resources.iter().map(|resource| {
                let node = &resource.node;
                vec![
                    json!(node.version),
                    instant(node.written_at),
                    json!(resource.author),
                    json!(node.device),
                    json!(node.size_bytes),
                    json!(node.hash),
                    json!(resource.kept),
                    json!(node.comment),
                ]
            }));
            match page.next {
                Some(next) => at = next,
                None => break,
            }
        }
        let columns = ["version", "time", "author", "device", "size", "sha256", "kept", "comment"];
        terminal.table(self.json, &columns, &rows)
    }
}

impl RestoreVersion {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (path, owner) = address_of(tree, &self.address, &PARTS).await?;
        let refused = |error| at_address(terminal, &path, error);
        let request = request(Method::Update, path.clone(), &owner);
        let document = tree.read_one(&request).await.map_err(refused)?.target.node().map(|node| node.id);
        let Some(document) = document else {
            return Err(fault("fault-not-a-document", &[("address", &self.address)]));
        };
        tree.update(&request, &version_path(document, Some(self.number))).await.map_err(refused)?;
        terminal.say("done-restore", &[("address", &self.address), ("number", &self.number.to_string())]);
        Ok(())
    }
}

impl Rewind {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let at = until(&self.to)?;
        let (path, owner) = address_of(tree, &self.address, &PARTS).await?;
        let refused = |error| at_address(terminal, &path, error);
        let request = request(Method::Update, path.clone(), &owner);
        let target = tree.read_one(&request).await.map_err(refused)?.target;
        if !target.node().is_some_and(|node| node.is_collection()) {
            return Err(fault("fault-files-address", &[("address", &self.address)]));
        }
        let mut shown = 0;
        let mut progress = |seen: u64| {
            if seen >= shown + EVERY {
                shown = seen;
                terminal.note("progress-rewind", &[("files", &seen.to_string())]);
            }
        };
        let steps = match self.dry_run {
            true => tree.plan_rewind(&request, at, &mut progress).await.map(|plan| plan.steps()),
            false => tree.rewind(&request, at, &mut progress).await,
        };
        let steps = steps.map_err(refused)?;
        let word = |what| match what {
            RewindAction::Restored => "restored",
            RewindAction::Moved => "moved",
            RewindAction::Rewritten => "rewritten",
            RewindAction::Removed => "removed",
        };
        let shown: Vec<Vec<Value>> = steps
            .iter()
            .map(|step| {
                let name = word(step.what);
                let text = if self.json { name.to_owned() } else { terminal.text(&format!("rewind-{name}"), &[]) };
                vec![json!(text), json!(format!("/{}", step.path.segments().join("/")))]
            })
            .collect();
        let (number, time) = (steps.len().to_string(), stamp(at, &jiff::tz::TimeZone::system()));
        terminal.table(self.json, &["what", "address"], &shown)?;
        let key = if self.dry_run { "dry-rewind" } else { "done-rewind" };
        terminal.note(key, &[("address", &self.address), ("number", &number), ("text", &time)]);
        Ok(())
    }
}
