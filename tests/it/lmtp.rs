//! Mail that the mail server of this machine hands over: each recipient gets an answer, and nothing that is said can
//! do more than that.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use beffroi::config::LmtpAddress;
use beffroi::mail::lmtp::{Delivery, Lmtp, MAX_MAIL_BYTES};
use beffroi::mail::receive::RefusedMail;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};

type Taken = Arc<Mutex<Vec<(Option<String>, String, String)>>>;

/// A listener that takes all but what is for `nobody`, and says `later` to whoever that is.
async fn listener(addresses: &[LmtpAddress]) -> (Lmtp, Taken) {
    let taken = Taken::default();
    let into = Arc::clone(&taken);
    let lmtp = Lmtp::open(
        addresses,
        "agenda.ville.fr".parse().unwrap(),
        Arc::new(move |envelope, bytes| {
            let answer = match envelope.recipient.local() {
                "nobody" => Delivery::Refused(RefusedMail::NotHere),
                "later" => Delivery::Later,
                _ => Delivery::Taken,
            };
            let sender = envelope.sender.map(|sender| sender.to_string());
            let text = String::from_utf8_lossy(&bytes).into_owned();
            into.lock().unwrap().push((sender, envelope.recipient.to_string(), text));
            Box::pin(async move { answer })
        }),
    );
    (lmtp.await.unwrap(), taken)
}

struct Talk<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    async fn begin(stream: S) -> Self {
        let mut talk = Self(BufReader::new(stream));
        assert_eq!(talk.heard().await, "220 agenda.ville.fr LMTP ready");
        talk
    }

    async fn heard(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// Says a line and hears its answer.
    async fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.heard().await
    }

    /// Says lines, and hears the code of each answer.
    async fn codes(&mut self, lines: &[&str]) -> Vec<String> {
        let mut codes = Vec::new();
        for line in lines {
            codes.push(self.say(line).await[..3].to_owned());
        }
        codes
    }

    async fn hello(&mut self) {
        self.send(b"LHLO mx.ville.fr\r\n").await;
        while self.heard().await.starts_with("250-") {}
    }
}

async fn at_tcp() -> (std::net::SocketAddr, Taken) {
    let (lmtp, taken) = listener(&["127.0.0.1:0".parse().unwrap()]).await;
    let address = lmtp.addresses().next().unwrap();
    tokio::spawn(lmtp.serve());
    (address, taken)
}

#[tokio::test]
async fn each_recipient_gets_an_answer() {
    let (address, taken) = at_tcp().await;
    let mut talk = Talk::begin(TcpStream::connect(address).await.unwrap()).await;
    talk.hello().await;
    let lines = [
        "MAIL FROM:<jean@ailleurs.fr> SIZE=100 BODY=8BITMIME",
        "RCPT TO:<gymnase+a1@agenda.ville.fr>",
        "RCPT TO:<nobody@Agenda.Ville.fr>",
        "RCPT TO:<jean@ailleurs.fr>",
        "rcpt to: <later@agenda.ville.fr>",
        "DATA",
    ];
    assert_eq!(talk.codes(&lines).await, ["250", "250", "250", "550", "250", "354"]);
    talk.send(b"Subject: x\r\n\r\n..a\r\n.b\r\n\n.\n\r\n.\r\n").await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(talk.heard().await[..3].to_owned());
    }
    assert_eq!(answers, ["250", "550", "451"]);
    let mails = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(mails.len(), 3);
    // Only a dot between whole line ends is the end.
    assert_eq!(mails[0].2, "Subject: x\r\n\r\n.a\r\nb\r\n\n.\n\r\n");
    assert_eq!((mails[0].0.as_deref(), mails[0].1.as_str()), (Some("jean@ailleurs.fr"), "gymnase+a1@agenda.ville.fr"));
    // The next mail on the same connection, which nobody is informed of.
    assert_eq!(talk.codes(&["MAIL FROM:<>", "RCPT TO:<a@agenda.ville.fr>", "DATA"]).await, ["250", "250", "354"]);
    assert!(talk.say("x\r\n.").await.starts_with("250"));
    assert_eq!(taken.lock().unwrap()[0].0, None);
    assert!(talk.say("QUIT").await.starts_with("221"));
}

#[tokio::test]
async fn what_is_out_of_place_is_refused() {
    let (address, taken) = at_tcp().await;
    let mut talk = Talk::begin(TcpStream::connect(address).await.unwrap()).await;
    for (line, code) in [
        ("EHLO x", "500"),
        ("RCPT TO:<a@agenda.ville.fr>", "503"),
        ("DATA", "503"),
        ("MAIL", "501"),
        ("MAIL FROM:jean@ailleurs.fr", "501"),
        ("MAIL FROM:<\"a b\"@ailleurs.fr>", "553"),
        ("MAIL FROM:<jean@ailleurs.fr> SIZE=99999999999", "552"),
        ("MAIL FROM:<jean@ailleurs.fr>", "250"),
        ("MAIL FROM:<jean@ailleurs.fr>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:<jean@ailleurs.fr>", "250"),
        ("RCPT TO:<a@agenda.ville.fr.mechant.example>", "550"),
        ("RCPT TO:<>", "553"),
        ("RSET", "250"),
        ("NOOP", "250"),
        ("NONSENSE", "500"),
        ("", "500"),
    ] {
        assert_eq!(&talk.say(line).await[..3], code, "{line}");
    }
    assert_eq!(&talk.say(&"x".repeat(2_000)).await[..3], "500");
    assert_eq!(talk.heard().await, "", "and the end");
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_too_large_is_read_and_refused() {
    let (address, taken) = at_tcp().await;
    let mut talk = Talk::begin(TcpStream::connect(address).await.unwrap()).await;
    let begin = ["MAIL FROM:<jean@ailleurs.fr>", "RCPT TO:<a@agenda.ville.fr>", "RCPT TO:<b@agenda.ville.fr>", "DATA"];
    talk.codes(&begin).await;
    // Of lines, and as one line.
    let mut mail = vec![b'x'; MAX_MAIL_BYTES / 2];
    mail.extend(b"0123456789\r\n".repeat(MAX_MAIL_BYTES / 20));
    mail.extend(b"\r\n.\r\n");
    talk.send(&mail).await;
    assert!(talk.heard().await.starts_with("552") && talk.heard().await.starts_with("552"));
    assert_eq!(talk.codes(&begin).await.last().unwrap(), "354");
    assert!(talk.say("x\r\n.").await.starts_with("250") && talk.heard().await.starts_with("250"));
    assert_eq!(taken.lock().unwrap().len(), 2);
    // One that goes in the middle leaves nothing.
    talk.codes(&begin).await;
    talk.send(b"half of it").await;
    drop(talk);
    let mut talk = Talk::begin(TcpStream::connect(address).await.unwrap()).await;
    assert!(talk.say("NOOP").await.starts_with("250"));
    assert_eq!(taken.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_socket_in_the_file_system_goes_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp");
    let address: LmtpAddress = format!("unix:{}", path.display()).parse().unwrap();
    // What a killed process left is no obstacle; what is in use, or no socket, is.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let (lmtp, taken) = listener(std::slice::from_ref(&address)).await;
    let serving = tokio::spawn(lmtp.serve());
    let mode = std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o666, "the mail server is another user");
    let mut talk = Talk::begin(UnixStream::connect(&path).await.unwrap()).await;
    talk.codes(&["MAIL FROM:<a@b.fr>", "RCPT TO:<a@agenda.ville.fr>", "DATA"]).await;
    assert!(talk.say("x\r\n.").await.starts_with("250"));
    assert_eq!(taken.lock().unwrap().len(), 1);
    let open = |address: LmtpAddress| async move {
        Lmtp::open(&[address], "x.fr".parse().unwrap(), Arc::new(|_, _| Box::pin(async { Delivery::Later }))).await
    };
    assert!(open(address.clone()).await.is_err());
    serving.abort();
    let _ = serving.await;
    assert!(!path.exists());
    std::fs::write(&path, "a file").unwrap();
    assert!(open(address).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a file");
}

/// The command: it takes what it may ignore, and fails with what it refuses.
#[test]
fn a_mail_on_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let given = |domain: &str, mail: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beffroi"));
        command.args(["imip"]).env("BEFFROI_DATA", &data).env("LC_ALL", "C").env("BEFFROI_MAIL_DOMAIN", domain);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = command.spawn().unwrap();
        let _ = command.stdin.take().unwrap().write_all(mail);
        let output = command.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap().trim_end().to_owned())
    };
    let absence = include_bytes!("received/absence-vacation.eml");
    assert_eq!(given("agenda.ville.fr", absence), (Some(0), String::new()));
    assert_eq!(given("agenda.ville.fr", include_bytes!("received/bounce-failed.eml")).0, Some(0));
    let (code, why) = given("autre.fr", absence);
    assert_eq!(code, Some(1));
    assert!(why.contains("recipient") && why.lines().count() == 1, "{why}");
    let (code, why) = given("", absence);
    assert!(code == Some(1) && why.contains("domain"), "{why}");
    assert_eq!(given("agenda.ville.fr", b"").0, Some(1));
    assert_eq!(given("agenda.ville.fr", include_bytes!("received/unreadable-calendar.eml")).0, Some(1));
    assert_eq!(given("agenda.ville.fr", &vec![b'x'; MAX_MAIL_BYTES + 10]).0, Some(1));
    // What acts, what is only shown, and what is for nobody here.
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_beffroi")).args(arguments).env("BEFFROI_DATA", &data).output();
        assert!(done.unwrap().status.success(), "{arguments:?}");
    };
    assert_eq!(given("agenda.ville.fr", include_bytes!("received/exchange-request.eml")).0, Some(1));
    run(&["room", "add", "salle-3", "--display-name", "Salle 3", "--email", "salle-3@ville.fr"]);
    run(&["project", "add", "gymnase", "--display-name", "Gymnase"]);
    for mail in ["exchange-request", "google-request", "tnef-alone"] {
        let path = format!("{}/tests/it/received/{mail}.eml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(given("agenda.ville.fr", &std::fs::read(path).unwrap()).0, Some(0), "{mail}");
    }
    for mail in ["exchange-reply-accepted", "exchange-cancel", "apple-refresh", "google-counter"] {
        let path = format!("{}/tests/it/received/{mail}.eml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(given("agenda.ville.fr", &std::fs::read(path).unwrap()).0, Some(1), "{mail}");
    }
}

/// Long lines are read in pieces, which may end anywhere.
#[tokio::test]
async fn a_long_line_that_is_parted_within_its_end_ends_all_the_same() {
    let (address, taken) = at_tcp().await;
    let mut talk = Talk::begin(TcpStream::connect(address).await.unwrap()).await;
    talk.hello().await;
    let codes = talk.codes(&["MAIL FROM:<a@x.fr>", "RCPT TO:<g@agenda.ville.fr>", "DATA"]).await;
    assert_eq!(codes, ["250", "250", "354"]);
    let long = "x".repeat(64 * 1024 - 1);
    let content = format!("{long}\r\n.");
    let said = tokio::time::timeout(std::time::Duration::from_secs(20), talk.say(&content)).await.expect("an answer");
    assert!(said.starts_with("250"), "{said}");
    assert_eq!(taken.lock().unwrap()[0].2, format!("{long}\r\n"));
}
