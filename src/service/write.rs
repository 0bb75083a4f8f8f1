//! Small writes that services share, each a request of its own.

use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::Timestamp;
use crate::model::media_type;
use crate::model::method::Method;
use crate::model::node::Blob;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::edit::content::{Content, FileContent};
use crate::tree::gate::Request;

/// Makes a folder unless it is there.
pub async fn make_folder(tree: &Tree, path: &Path, actor: &Actor) -> Result<()> {
    let mut admitted = match tree.write(&Request::of(Method::Mkcol, path.clone(), actor.clone())).await {
        Err(Error::Refused(refusal)) if refusal.condition == Condition::AlreadyMapped => return Ok(()),
        admitted => admitted?,
    };
    admitted.bind(Content::Folder).await?;
    admitted.commit().await
}

/// Writes a document: a new one, or new content of the one that is there.
pub async fn put_document(
    tree: &Tree,
    path: &Path,
    blob: Blob,
    modified_at: Option<Timestamp>,
    actor: &Actor,
) -> Result<()> {
    let mut admitted = tree.write(&Request::of(Method::Put, path.clone(), actor.clone())).await?;
    let content_type = media_type::of_name(admitted.target.name()).to_owned();
    let content = FileContent { modified_at, ..FileContent::document(blob, content_type) };
    if admitted.target.node().is_some() {
        admitted.replace(content).await?;
    } else {
        admitted.bind(Content::File(content)).await?;
    }
    admitted.commit().await
}

/// Writes a calendar object; `false` where its name is taken, be it in another spelling.
pub async fn put_object(tree: &Tree, path: &Path, blob: Blob, indexed: Indexed, actor: &Actor) -> Result<bool> {
    let mut admitted = match tree.write(&Request::of(Method::Put, path.clone(), actor.clone())).await {
        Err(Error::Refused(refusal)) if refusal.condition == Condition::NameTaken => return Ok(false),
        admitted => admitted?,
    };
    if admitted.target.node().is_some() {
        return Ok(false);
    }
    admitted.bind(Content::File(FileContent::object(blob, indexed))).await?;
    admitted.commit().await?;
    Ok(true)
}
