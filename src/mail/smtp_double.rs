//! A small mail server for tests: it does what the test says, and keeps what it took.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

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
}

/// A mail that it took, or may have taken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    pub hello: String,
    pub sender: String,
    pub recipient: String,
    pub content: String,
}

#[derive(Clone)]
pub struct SmtpDouble {
    pub address: SocketAddr,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
    accepting: Arc<JoinHandle<()>>,
}

impl SmtpDouble {
    pub async fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fates, taken) = (Arc::<Mutex<VecDeque<Fate>>>::default(), Arc::<Mutex<Vec<Taken>>>::default());
        let (of_each, into) = (Arc::clone(&fates), Arc::clone(&taken));
        let accepting = Arc::new(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let talk = SmtpTalk {
                    stream: BufReader::new(stream),
                    mail: Taken::default(),
                    fate: Fate::Accept,
                    fates: Arc::clone(&of_each),
                    taken: Arc::clone(&into),
                };
                tokio::spawn(talk.run());
            }
        }));
        Self { address, fates, taken, accepting }
    }

    pub fn next(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// What it took since this was called last.
    pub fn taken(&self) -> Vec<Taken> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// It listens no more.
    pub fn go_away(&self) {
        self.accepting.abort();
    }
}

/// What was said of the next mail, and what becomes of it.
struct SmtpTalk {
    stream: BufReader<TcpStream>,
    mail: Taken,
    fate: Fate,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl SmtpTalk {
    async fn run(mut self) -> std::io::Result<()> {
        self.stream.write_all(b"220 mx.ailleurs.fr ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let Some(answer) = self.answer(line.trim_end()).await? else { return Ok(()) };
            self.stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }

    /// `None`: it goes without a word.
    async fn answer(&mut self, line: &str) -> std::io::Result<Option<&'static str>> {
        let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        Ok(Some(match line.split(' ').next().unwrap() {
            "EHLO" => {
                self.mail.hello = line[5..].to_owned();
                "250-mx.ailleurs.fr\r\n250-8BITMIME\r\n250 SIZE 10000000"
            }
            "MAIL" => {
                self.mail.sender = path.to_owned();
                self.fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Accept);
                "250 OK"
            }
            "RCPT" => match self.fate {
                Fate::Recipient(answer) => answer,
                Fate::Silent => std::future::pending().await,
                _ => {
                    self.mail.recipient = path.to_owned();
                    "250 OK"
                }
            },
            "DATA" if self.fate == Fate::DropBeforeContent => return Ok(None),
            "DATA" => {
                self.stream.write_all(b"354 go on\r\n").await?;
                self.mail.content = content(&mut self.stream).await?;
                if let Fate::Content(answer) = self.fate {
                    return Ok(Some(answer));
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

async fn content(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut content = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
