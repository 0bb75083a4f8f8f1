//! Addresses that commands are given, and the error when one is refused.

use std::path::Path as FilePath;

use super::output::{Terminal, fault};
use crate::message;
use crate::model::error::Error;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::gate::Request;

/// A request of the home's owner.
pub(super) fn request(method: Method, path: Path, actor: &Actor) -> Request {
    Request::of(method, path, actor.clone())
}

/// The path that an address in one of these parts of a home names, and the owner of the home.
pub(super) async fn address_of(tree: &Tree, address: &str, parts: &[&str]) -> anyhow::Result<(Path, Actor)> {
    // The whole address of a server is understood, too.
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let wrong = || fault("fault-files-address", &[("address", address)]);
    let path = Path::parse(path).map_err(|_| wrong())?;
    match path.segments() {
        [first, name, ..] if parts.contains(&first.as_str()) => {
            let owner = tree.owner(name).await?;
            Ok((path, owner))
        }
        _ => Err(wrong()),
    }
}

pub(super) fn at_path(path: &FilePath, error: &std::io::Error) -> anyhow::Error {
    fault("fault-directory", &[("path", &path.display().to_string()), ("why", &error.to_string())])
}

/// The error when the tree refuses.
pub(super) fn at_address(terminal: &Terminal, path: &Path, error: Error) -> anyhow::Error {
    match error {
        Error::Refused(refusal) => {
            let why = message::refusal(terminal.language, &refusal);
            let why = if why.is_empty() { format!("{:?}", refusal.condition) } else { why };
            fault("fault-refused", &[("address", &format!("/{}", path.segments().join("/"))), ("why", &why)])
        }
        failed @ Error::Failed(_) => failed.into(),
    }
}
