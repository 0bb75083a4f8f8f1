//! Accepts connections while the limit and the system allow it; others are answered 503 with `Retry-After`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// The answer to a connection beyond the limit (RFC 9110 section 15.6.4).
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// How many are answered so at once, and how long each has to read it.
const REFUSALS_AT_ONCE: usize = 32;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the system gets when it has no more files to give.
const RECOVER: Duration = Duration::from_millis(50);
/// How many files are kept for documents and databases: a part of what the system allows, and at least so many.
const KEPT_PART: usize = 4;
const KEPT_LEAST: usize = 64;
/// Fewer connections than this are no service.
const CONNECTIONS_LEAST: usize = 8;

/// How many connections are accepted: as many as set, or fewer, where the system allows fewer open files.
pub fn max_connections(set: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = open_files(&limits) else { return set };
    let most = files.saturating_sub((files / KEPT_PART).max(KEPT_LEAST)).max(CONNECTIONS_LEAST);
    if most < set {
        tracing::warn!(files, connections = most, "the system allows few open files, so fewer connections are taken");
    }
    most.min(set)
}

fn open_files(limits: &str) -> Option<usize> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

/// Accepts connections, and answers those beyond the limit.
pub struct Acceptor {
    turn: Arc<Semaphore>,
    /// Where TLS is spoken, nobody would understand the answer.
    speaks: bool,
    /// A file that is given up when the system has none left, so that one connection more can be answered.
    reserve: Option<std::fs::File>,
}

impl Acceptor {
    /// One that answers those beyond the limit, or closes them without an answer.
    pub fn new(speaks: bool) -> Self {
        Self { turn: Arc::new(Semaphore::new(REFUSALS_AT_ONCE)), speaks, reserve: reserve() }
    }

    /// The next connection. `make_way` is asked when the system has no more files: does anyone give one back?
    pub async fn next(
        &mut self,
        listener: &TcpListener,
        make_way: impl Fn() -> bool,
    ) -> (TcpStream, std::net::SocketAddr) {
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_of_one(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    if !make_way()
                        && self.reserve.take().is_some()
                        && let Ok(Ok((stream, _))) = tokio::time::timeout(RECOVER, listener.accept()).await
                    {
                        self.turn_away(stream);
                    }
                    tokio::time::sleep(RECOVER).await;
                    self.reserve = self.reserve.take().or_else(reserve);
                }
            }
        }
    }

    /// Answers a connection beyond the limit, as long as not too many have to be answered.
    pub fn turn_away(&self, stream: TcpStream) {
        if let Some(turn) = Arc::clone(&self.turn).try_acquire_owned().ok().filter(|_| self.speaks) {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REFUSAL_TIMEOUT, refuse(stream)).await;
                drop(turn);
            });
        }
    }
}

fn reserve() -> Option<std::fs::File> {
    std::fs::File::open("/dev/null").ok()
}

/// An error of one connection, which went before it was accepted; others are of the system.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(BUSY).await?;
    stream.shutdown().await?;
    // With unread input a close would be a reset, and the answer be lost.
    let mut space = [0; 1024];
    while stream.read(&mut space).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::open_files;

    #[test]
    fn the_limit_of_open_files_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             127439               127439               processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files            unlimited            unlimited            files\n"), None);
        assert_eq!(open_files(""), None);
    }
}
