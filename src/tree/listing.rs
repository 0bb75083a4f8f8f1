//! The members of a resource, page by page: each from the cache, if it is kept, else read while the one before is being
//! sent.

use tokio::task::JoinHandle;

use super::Tree;
use super::gate::Request;
use super::resource::{Needs, Resource};
use super::walk::{Cursor, Page};
use crate::model::error::{Failure, Result};

/// Pages that are still to be sent.
pub struct Listing {
    tree: Tree,
    request: Request,
    needs: Needs,
    /// `None`: there is none.
    coming: Option<NextPage>,
}

/// The next page.
enum NextPage {
    /// Where it begins.
    At(Cursor),
    /// It is being read.
    Read(JoinHandle<Result<(Page, bool)>>),
}

impl Listing {
    /// All pages of what a request wants.
    #[must_use]
    pub fn of(tree: Tree, request: Request, needs: Needs) -> Self {
        Self { tree, request, needs, coming: Some(NextPage::At(Cursor::default())) }
    }

    /// The next page; `None`: there is none. Where the database had to be queried for it, the one after it is begun.
    pub async fn next(&mut self) -> Result<Option<Vec<Resource>>> {
        let (page, asked) = match self.coming.take() {
            None => return Ok(None),
            Some(NextPage::At(at)) => page(self.tree.clone(), self.request.clone(), at, self.needs).await?,
            Some(NextPage::Read(page)) => page.await.map_err(|died| Failure::new("listing members", died))??,
        };
        self.coming = page.next.map(|at| match asked {
            true => NextPage::Read(tokio::spawn(self::page(self.tree.clone(), self.request.clone(), at, self.needs))),
            false => NextPage::At(at),
        });
        Ok(Some(page.resources))
    }
}

/// A page; and had the database to be queried for it? What a change overtakes is read again, in one view.
async fn page(tree: Tree, request: Request, at: Cursor, needs: Needs) -> Result<(Page, bool)> {
    let mut admitted = tree.read_one(&request).await?;
    if let Some(page) = admitted.whole_page(&at, needs).await? {
        return Ok((page, admitted.store.has_asked()));
    }
    drop(admitted);
    Ok((tree.read(&request).await?.members(&at, needs).await?, true))
}

#[cfg(test)]
mod tests {
    use super::{Listing, Needs, Request, Tree};
    use crate::model::error::{Cause, Error};
    use crate::model::method::Method;
    use crate::model::path::Path;

    #[tokio::test]
    async fn a_failure_of_the_database_is_an_error_and_no_miss() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        tree.add_person("ada", "Ada", "ada@ville.example", None).await.expect("a person");
        let owner = tree.owner("ada").await.expect("an actor");
        let request = Request::of(Method::Propfind, Path::of(&["files", "ada"]), owner);
        let script = tree.store.script();
        let first = || async { Listing::of(tree.clone(), request.clone(), Needs::TAG).next().await };
        // Of the way there, and of the members.
        for words in ["WITH RECURSIVE walk", "n.parent_id = $1 AND n.gone_at IS NULL AND n.match_name >"] {
            for cause in [Cause::Busy, Cause::Fault] {
                // Something is written, so that nothing is answered from what was.
                let name = format!("someone{}", tree.asked().0);
                let mail = format!("{name}@ville.example");
                tree.add_person(&name, &name, &mail, None).await.expect("a person");
                script.fail(0, words, cause);
                match first().await {
                    Err(Error::Failed(failure)) => assert_eq!(failure.cause, cause, "{words}"),
                    other => panic!("{words}: {:?}", other.map(|page| page.map(|page| page.len()))),
                }
                assert!(!script.is_pending());
            }
        }
        assert!(first().await.is_ok());
        assert_eq!(script.reused(), 0);
        // What is kept needs no database.
        script.fail(0, "", Cause::Fault);
        assert!(first().await.is_ok() && script.is_pending());
        tree.close().await;
    }
}
