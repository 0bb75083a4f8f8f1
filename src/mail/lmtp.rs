//! Where the mail server of this machine hands over what came for us (LMTP, RFC 2033): each recipient gets an answer of
//! its own after the content. Whatever is sent here is bounded in length, number and time.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::receive::{MailEnvelope, RefusedMail};
use crate::config::LmtpAddress;
use crate::model::mailbox::{MailAddress, MailDomain};

/// The largest mail: a calendar of the largest size, encoded.
pub const MAX_MAIL_BYTES: usize = 16 * 1024 * 1024;
/// What mails that come in may take together.
const MAX_TOTAL_KIB: usize = 64 * 1024;
const MAX_CONNECTIONS: usize = 32;
const MAX_RECIPIENTS: usize = 100;
/// The longest line of a command.
const MAX_COMMAND_BYTES: usize = 1_000;
/// A client that sends a thousand commands and no mail is none.
const MAX_COMMANDS: usize = 1_000;
/// How long is waited for a line or a piece of the content, and how long one connection lasts.
const IDLE: Duration = Duration::from_secs(120);
const WHOLE: Duration = Duration::from_secs(1_800);

/// What became of a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// It was taken: acted upon, or rightly ignored.
    Taken,
    /// It never will be, and why.
    Refused(RefusedMail),
    /// Not now.
    Later,
}

/// An answer to a mail that is handed over.
pub type Delivering = Pin<Box<dyn Future<Output = Delivery> + Send>>;
/// Who takes mail, one recipient after the other.
pub type TakeMail = Arc<dyn Fn(MailEnvelope, Bytes) -> Delivering + Send + Sync>;

/// A place where mail is handed over.
enum LmtpPlace {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// All places where mail is handed over.
pub struct Lmtp {
    places: Vec<LmtpPlace>,
    domain: MailDomain,
    take: TakeMail,
}

trait LmtpStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> LmtpStream for T {}

impl Lmtp {
    /// Opens the places.
    pub async fn open(addresses: &[LmtpAddress], domain: MailDomain, take: TakeMail) -> anyhow::Result<Self> {
        let mut places = Vec::new();
        for address in addresses {
            places.push(match address {
                LmtpAddress::Tcp(address) => LmtpPlace::Tcp(
                    TcpListener::bind(address).await.with_context(|| format!("taking mail at {address}"))?,
                ),
                LmtpAddress::Unix(path) => {
                    let named = || format!("taking mail at {}", path.display());
                    // What a process left that was killed; one that is in use answers.
                    if tokio::net::UnixStream::connect(path).await.is_err() && is_socket(path) {
                        std::fs::remove_file(path).with_context(named)?;
                    }
                    let listener = UnixListener::bind(path).with_context(named)?;
                    // The mail server is another user: who may come here the folder says.
                    std::fs::set_permissions(path, Permissions::from_mode(0o666)).with_context(named)?;
                    LmtpPlace::Unix(listener, path.clone())
                }
            });
        }
        Ok(Self { places, domain, take })
    }

    /// The addresses of the places that have one.
    pub fn addresses(&self) -> impl Iterator<Item = std::net::SocketAddr> {
        self.places.iter().filter_map(|place| match place {
            LmtpPlace::Tcp(listener) => listener.local_addr().ok(),
            LmtpPlace::Unix(..) => None,
        })
    }

    /// Takes mail until it is dropped.
    pub async fn serve(self) {
        let limits = LmtpLimits {
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            memory: Arc::new(Semaphore::new(MAX_TOTAL_KIB)),
        };
        let mut places = JoinSet::new();
        for place in self.places {
            places.spawn(serve_place(place, self.domain.clone(), Arc::clone(&self.take), limits.clone()));
        }
        while places.join_next().await.is_some() {}
    }
}

fn is_socket(path: &PathBuf) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket())
}

#[derive(Clone)]
struct LmtpLimits {
    connections: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

/// A socket in the file system goes with its server.
impl Drop for LmtpPlace {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn serve_place(place: LmtpPlace, domain: MailDomain, take: TakeMail, limits: LmtpLimits) {
    let mut sessions = JoinSet::new();
    loop {
        // Who comes when all are taken waits.
        let Ok(slot) = Arc::clone(&limits.connections).acquire_owned().await else { return };
        let accepted: std::io::Result<Box<dyn LmtpStream>> = match &place {
            LmtpPlace::Tcp(listener) => {
                listener.accept().await.map(|(stream, _)| Box::new(stream) as Box<dyn LmtpStream>)
            }
            LmtpPlace::Unix(listener, _) => {
                listener.accept().await.map(|(stream, _)| Box::new(stream) as Box<dyn LmtpStream>)
            }
        };
        while sessions.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                let session = LmtpSession {
                    stream: BufReader::new(stream),
                    domain: domain.clone(),
                    take: Arc::clone(&take),
                    memory: Arc::clone(&limits.memory),
                    envelope: PendingMail::default(),
                };
                sessions.spawn(async move {
                    let _slot = slot;
                    let _ = timeout(WHOLE, session.run()).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "mail cannot be taken");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What was said of the next mail.
#[derive(Default)]
struct PendingMail {
    /// `Some(None)`: nobody is informed of what becomes of it.
    sender: Option<Option<MailAddress>>,
    recipients: Vec<MailAddress>,
}

struct LmtpSession {
    stream: BufReader<Box<dyn LmtpStream>>,
    domain: MailDomain,
    take: TakeMail,
    memory: Arc<Semaphore>,
    envelope: PendingMail,
}

/// MailContent that came in whole.
enum MailContent {
    Mail(Bytes, Vec<OwnedSemaphorePermit>),
    TooLarge,
    NoRoom,
}

impl LmtpSession {
    async fn run(mut self) -> std::io::Result<()> {
        let greeting = format!("220 {} LMTP ready", self.domain);
        self.say(&greeting).await?;
        for _ in 0..MAX_COMMANDS {
            let Some(line) = self.line().await? else { return Ok(()) };
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
            match verb.to_ascii_uppercase().as_str() {
                "LHLO" => self.hello().await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.envelope = PendingMail::default();
                    self.say("250 2.0.0 OK").await?;
                }
                "NOOP" => self.say("250 2.0.0 OK").await?,
                "VRFY" => self.say("252 2.5.0 send it and see").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "HELO" | "EHLO" => self.say("500 5.5.1 this is LMTP: say LHLO").await?,
                _ => self.say("500 5.5.2 unknown command").await?,
            }
        }
        self.say("421 4.7.0 too many commands").await
    }

    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        let stream = self.stream.get_mut();
        timeout(IDLE, async {
            stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            stream.flush().await
        })
        .await?
    }

    /// The next command; `None`: there is none, or it is too long to be one.
    async fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        match timeout(IDLE, read_line(&mut self.stream, &mut line, MAX_COMMAND_BYTES)).await {
            Ok(Ok(true)) => Ok(Some(line)),
            Ok(Ok(false)) if line.is_empty() => Ok(None),
            Ok(Ok(false)) => {
                self.say("500 5.5.2 line too long").await?;
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.say("421 4.4.2 waited for too long").await?;
                Ok(None)
            }
        }
    }

    async fn hello(&mut self) -> std::io::Result<()> {
        self.envelope = PendingMail::default();
        let greeting = format!(
            "250-{}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {MAX_MAIL_BYTES}",
            self.domain
        );
        self.say(&greeting).await
    }

    async fn mail(&mut self, rest: &str) -> std::io::Result<()> {
        let Some((path, parameters)) = path_of(rest, "FROM:") else {
            return self.say("501 5.5.4 MAIL FROM:<...>").await;
        };
        if self.envelope.sender.is_some() {
            return self.say("503 5.5.1 one mail after the other").await;
        }
        let size = parameters.split_whitespace().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("SIZE").then(|| value.parse::<usize>().ok())?
        });
        if size.is_some_and(|size| size > MAX_MAIL_BYTES) {
            return self.say("552 5.3.4 too large").await;
        }
        self.envelope.sender = match path {
            "" => Some(None),
            path => match path.parse() {
                Ok(sender) => Some(Some(sender)),
                Err(_) => return self.say("553 5.1.7 this sender cannot be answered").await,
            },
        };
        self.say("250 2.1.0 OK").await
    }

    async fn recipient(&mut self, rest: &str) -> std::io::Result<()> {
        let Some((path, _)) = path_of(rest, "TO:") else { return self.say("501 5.5.4 RCPT TO:<...>").await };
        if self.envelope.sender.is_none() {
            return self.say("503 5.5.1 MAIL comes first").await;
        }
        if self.envelope.recipients.len() >= MAX_RECIPIENTS {
            return self.say("452 4.5.3 too many recipients").await;
        }
        match path.parse::<MailAddress>() {
            Ok(recipient) if recipient.domain().eq_ignore_ascii_case(self.domain.as_str()) => {
                self.envelope.recipients.push(recipient);
                self.say("250 2.1.5 OK").await
            }
            Ok(_) => self.say("550 5.7.1 nobody of that domain is here").await,
            Err(_) => self.say("553 5.1.3 no address").await,
        }
    }

    async fn data(&mut self) -> std::io::Result<()> {
        let PendingMail { sender: Some(sender), recipients } = std::mem::take(&mut self.envelope) else {
            return self.say("503 5.5.1 MAIL comes first").await;
        };
        if recipients.is_empty() {
            return self.say("503 5.5.1 no valid recipients").await;
        }
        self.say("354 go on").await?;
        match self.content().await? {
            MailContent::Mail(bytes, _held) => {
                for recipient in recipients {
                    let envelope = MailEnvelope { sender: sender.clone(), recipient };
                    let answer = match (self.take)(envelope, bytes.clone()).await {
                        Delivery::Taken => "250 2.0.0 OK".to_owned(),
                        Delivery::Refused(why) => format!("550 5.7.1 {why}"),
                        Delivery::Later => "451 4.3.0 not now".to_owned(),
                    };
                    self.say(&answer).await?;
                }
                Ok(())
            }
            MailContent::TooLarge => self.say_each(&recipients, "552 5.3.4 too large").await,
            MailContent::NoRoom => self.say_each(&recipients, "452 4.3.1 no room for it now").await,
        }
    }

    async fn say_each(&mut self, recipients: &[MailAddress], line: &str) -> std::io::Result<()> {
        for _ in recipients {
            self.say(line).await?;
        }
        Ok(())
    }

    /// The content up to its last dot. Only a dot between line ends as they have to be ends it; what is too large is
    /// read to its end and not kept.
    async fn content(&mut self) -> std::io::Result<MailContent> {
        let (mut content, mut held, mut too_large, mut no_room) = (Vec::new(), Vec::new(), false, false);
        let (mut at_line, mut is_after_return) = (true, false);
        loop {
            let mut piece = Vec::new();
            // A piece is a line, or a part of a very long one.
            let read = timeout(IDLE, read_line(&mut self.stream, &mut piece, 64 * 1024)).await?;
            read?;
            if piece.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if at_line && piece == b".\r\n" {
                break;
            }
            let kept = if at_line { piece.strip_prefix(b".").unwrap_or(&piece) } else { &piece };
            // A long line may be parted within its end.
            at_line = piece.ends_with(b"\r\n") || (is_after_return && piece == b"\n");
            is_after_return = piece.ends_with(b"\r");
            too_large |= content.len() + kept.len() > MAX_MAIL_BYTES;
            while !too_large && !no_room && content.len() + kept.len() > held.len() * 64 * 1024 {
                match Arc::clone(&self.memory).try_acquire_many_owned(64) {
                    Ok(permit) => held.push(permit),
                    Err(_) => no_room = true,
                }
            }
            if too_large || no_room {
                (content, held) = (Vec::new(), Vec::new());
            } else {
                content.extend_from_slice(kept);
            }
        }
        Ok(match (too_large, no_room) {
            (true, _) => MailContent::TooLarge,
            (false, true) => MailContent::NoRoom,
            (false, false) => MailContent::Mail(content.into(), held),
        })
    }
}

/// The address between angle brackets, and what follows it.
fn path_of<'a>(rest: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (known, path) = rest.split_at_checked(word.len())?;
    let path = path.trim_start().strip_prefix('<').filter(|_| known.eq_ignore_ascii_case(word))?;
    path.split_once('>')
}

/// Reads up to a line feed, or so many bytes; was the line feed there?
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>, most: usize) -> std::io::Result<bool> {
    loop {
        let buffered = stream.fill_buf().await?;
        if buffered.is_empty() {
            return Ok(false);
        }
        let room = most.saturating_sub(line.len());
        let wanted = buffered.iter().position(|byte| *byte == b'\n').map_or(buffered.len(), |at| at + 1);
        let taken = wanted.min(room);
        let piece = buffered.get(..taken).unwrap_or_default();
        line.extend_from_slice(piece);
        let ended = piece.last() == Some(&b'\n');
        stream.consume(taken);
        if ended || line.len() >= most {
            return Ok(ended);
        }
    }
}
