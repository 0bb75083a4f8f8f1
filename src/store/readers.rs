//! The reading connections. Whichever was given back last goes out first: its pages are at hand, and those that are not
//! needed hold none.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::db::{Adapter as _, Connection, Database, Session as _};
use crate::model::error::Failure;

/// How many read side by side.
const READERS: usize = 4;

/// The reading connections of a database.
pub struct Readers {
    database: Arc<Database>,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Readers {
    /// Opens the first; the others are opened when they are needed.
    pub async fn open(database: Arc<Database>) -> Result<Arc<Self>, Failure> {
        let idle = Mutex::new(vec![database.reader().await?]);
        Ok(Arc::new(Self { database, idle, room: Arc::new(Semaphore::new(READERS)) }))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database that they read.
    #[cfg(test)]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Waits for one.
    pub async fn take(self: &Arc<Self>) -> Result<Reader, Failure> {
        let place = Arc::clone(&self.room).acquire_owned().await;
        let place = place.map_err(|closed| Failure::new("taking a connection", closed))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            // Rarely needed, so its room is not set aside in each question.
            None => Box::pin(self.database.reader()).await?,
        };
        Ok(Reader { connection: Some(connection), readers: Arc::clone(self), place: Some(place) })
    }

    /// Closes those that are idle, and lets nobody take one any more.
    pub async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            connection.close().await;
        }
    }
}

/// A reading connection; it goes back when it is dropped.
pub struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    place: Option<OwnedSemaphorePermit>,
}

impl Reader {
    /// It must not be anyone's again.
    pub fn discard(mut self) {
        self.connection = None;
    }
}

impl Deref for Reader {
    type Target = Connection;

    #[expect(
        clippy::expect_used,
        reason = "the connection is there until drop or discard, both of which consume the value"
    )]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a reader in use has its connection")
    }
}

impl DerefMut for Reader {
    #[expect(
        clippy::expect_used,
        reason = "the connection is there until drop or discard, both of which consume the value"
    )]
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a reader in use has its connection")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| !self.readers.room.is_closed()) {
            self.readers.idle().push(connection);
        }
        // Only now may the next one come: it would open a connection of its own.
        self.place = None;
    }
}
