//! A small mail server for tests: it does what the test says, and keeps what it took.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Of nobody: it signed itself.
const CERTIFICATE: &str = include_str!("smtp_double.pem");

/// The log-in of `beffroi` with the password `secret`.
const AUTHENTICATED: &str = "AUTH PLAIN AGJlZmZyb2kAc2VjcmV0";

/// Bytes both ways, hidden or not.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What it does with the next mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Accept,
    /// This answer to RCPT.
    Recipient(&'static str),
    /// This answer after the content.
    Content(&'static str),
    /// It takes the content, and goes without a word.
    DropAfterDot,
    /// It goes before the content.
    DropBeforeContent,
    /// It answers nothing any more.
    Silent,
    /// It answers RCPT by a line without end, or by lines without end.
    EndlessLine,
    EndlessLines,
    /// It answers the content by a line without end.
    EndlessEnd,
}

/// So much is sent of what has no end: who takes all of it would take more.
pub const ENDLESS_BYTES: usize = 64 * 1024 * 1024;

/// A mail that it took, or may have taken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    pub hello: String,
    /// Did it come hidden?
    pub hidden: bool,
    pub sender: String,
    pub recipient: String,
    pub content: String,
}

#[derive(Clone)]
pub struct SmtpDouble {
    pub address: SocketAddr,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
    endless: Arc<AtomicUsize>,
    accepting: Arc<JoinHandle<()>>,
}

impl SmtpDouble {
    pub async fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), None).await
    }

    /// One that offers STARTTLS.
    pub async fn hidden() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Some(acceptor())).await
    }

    pub async fn at(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fates, taken) = (Arc::<Mutex<VecDeque<Fate>>>::default(), Arc::<Mutex<Vec<Taken>>>::default());
        let endless = Arc::<AtomicUsize>::default();
        let (of_each, into, given) = (Arc::clone(&fates), Arc::clone(&taken), Arc::clone(&endless));
        let accepting = Arc::new(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let talk = SmtpTalk {
                    stream: BufReader::new(Box::new(stream)),
                    tls: tls.clone(),
                    mail: Taken::default(),
                    fate: Fate::Accept,
                    fates: Arc::clone(&of_each),
                    taken: Arc::clone(&into),
                    endless: Arc::clone(&given),
                };
                tokio::spawn(talk.run());
            }
        }));
        Self { address, fates, taken, endless, accepting }
    }

    pub fn next(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// What it took since this was called last.
    pub fn taken(&self) -> Vec<Taken> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// How many bytes of what has no end it could send since this was called last.
    pub fn endless(&self) -> usize {
        self.endless.swap(0, Ordering::Relaxed)
    }

    /// It listens no more.
    pub fn go_away(&self) {
        self.accepting.abort();
    }
}

/// What was said of the next mail, and what becomes of it.
struct SmtpTalk {
    stream: BufReader<Box<dyn Wire>>,
    tls: Option<TlsAcceptor>,
    mail: Taken,
    fate: Fate,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
    endless: Arc<AtomicUsize>,
}

impl SmtpTalk {
    async fn run(mut self) -> std::io::Result<()> {
        self.stream.write_all(b"220 mx.ailleurs.fr ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "STARTTLS\r\n"
                && let Some(tls) = self.tls.take()
            {
                self.stream.write_all(b"220 go on\r\n").await?;
                self.stream = BufReader::new(Box::new(tls.accept(self.stream.into_inner()).await?));
                self.mail.hidden = true;
                continue;
            }
            let Some(answer) = self.answer(line.trim_end()).await? else { return Ok(()) };
            self.stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }

    /// Says the same again and again, and then nothing.
    async fn go_on(&mut self, begin: &[u8], again: &[u8]) -> std::io::Result<Option<&'static str>> {
        self.stream.write_all(begin).await?;
        let piece = again.repeat(64 * 1024 / again.len());
        while self.endless.load(Ordering::Relaxed) < ENDLESS_BYTES {
            self.stream.write_all(&piece).await?;
            self.endless.fetch_add(piece.len(), Ordering::Relaxed);
        }
        std::future::pending().await
    }

    /// `None`: it goes without a word.
    async fn answer(&mut self, line: &str) -> std::io::Result<Option<&'static str>> {
        let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        Ok(Some(match line.split(' ').next().unwrap() {
            "EHLO" => {
                self.mail.hello = line[5..].to_owned();
                match self.tls {
                    Some(_) => "250-mx.ailleurs.fr\r\n250 STARTTLS",
                    None => "250-mx.ailleurs.fr\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                }
            }
            "AUTH" if line != AUTHENTICATED => "535 5.7.8 no",
            "AUTH" => "235 2.7.0 welcome",
            "MAIL" => {
                self.mail.sender = path.to_owned();
                self.fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Accept);
                "250 OK"
            }
            "RCPT" => match self.fate {
                Fate::Recipient(answer) => answer,
                Fate::Silent => std::future::pending().await,
                Fate::EndlessLine => return self.go_on(b"250 ", b"and so on ").await,
                Fate::EndlessLines => return self.go_on(b"", b"250-and so on\r\n").await,
                _ => {
                    self.mail.recipient = path.to_owned();
                    "250 OK"
                }
            },
            "DATA" if self.fate == Fate::DropBeforeContent => return Ok(None),
            "DATA" => {
                self.stream.write_all(b"354 go on\r\n").await?;
                self.mail.content = content(&mut self.stream).await?;
                match self.fate {
                    Fate::Content(answer) => return Ok(Some(answer)),
                    Fate::EndlessEnd => return self.go_on(b"250 ", b"and so on ").await,
                    _ => {}
                }
                self.taken.lock().unwrap().push(self.mail.clone());
                return Ok((self.fate != Fate::DropAfterDot).then_some("250 2.0.0 taken"));
            }
            "QUIT" => {
                self.stream.write_all(b"221 bye\r\n").await?;
                return Ok(None);
            }
            _ => "250 OK",
        }))
    }
}

/// What hides a stream.
pub fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    TlsAcceptor::from(Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

async fn content(stream: &mut BufReader<Box<dyn Wire>>) -> std::io::Result<String> {
    let mut content = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
