//! Bringing a mail to the next server (RFC 5321). One session a mail and recipient, step by step, for each step says
//! whether anything may have been taken: before the content is sent nothing was, after its last dot nobody knows until
//! the server answers. What a server says and how long it takes are bounded, whatever it does.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::{Instant, timeout_at};

use super::smtp_stream::{connect, hidden};
use crate::config::{SmtpSecurity, SmtpServer};
use crate::model::mail::SendOutcome;
use crate::model::mailbox::MailAddress;

/// How long the server may take: to connect at one of its addresses, for each of its answers, for the one to the
/// content, which it may look at for long (RFC 5321 section 4.5.3.2.6), and for all of it.
#[derive(Clone, Copy)]
struct Patience {
    connect: Duration,
    answer: Duration,
    content: Duration,
    session: Duration,
}

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(20),
    answer: Duration::from_secs(60),
    content: Duration::from_secs(600),
    session: Duration::from_secs(780),
};
/// The longest reason of a server that is passed on.
const MAX_REASON_CHARS: usize = 500;
const LATE: &str = "the mail server did not answer in time";
/// A server that did not answer is not tried again for so long: a hundred mails would wait for it one by one.
const AWAY: Duration = Duration::from_secs(15);

/// What reads the password, each time it is needed.
pub type ReadPassword = Arc<dyn Fn() -> Result<Option<String>, String> + Send + Sync>;

/// The next server.
pub struct SmtpClient {
    server: SmtpServer,
    password: ReadPassword,
    /// What we call ourselves.
    own_name: ClientId,
    away: Mutex<Option<(Instant, String)>>,
    patience: Patience,
}

/// A connection, and until when it may last.
struct SmtpSession {
    connection: AsyncSmtpConnection,
    clock: SessionClock,
}

/// How long the steps of a session may take.
#[derive(Clone, Copy)]
struct SessionClock {
    ends_at: Instant,
    patience: Patience,
}

/// What went wrong in a step.
enum Step {
    /// The server said it, about this mail.
    Said(Error),
    /// It said nothing, or nothing that is about this mail.
    Silent(String),
}

impl SmtpClient {
    /// The client of a server.
    #[must_use]
    pub fn new(server: SmtpServer, password: ReadPassword, own_name: &str) -> Self {
        let own_name = ClientId::Domain(own_name.to_owned());
        Self { server, password, own_name, away: Mutex::new(None), patience: PATIENCE }
    }

    /// Sends a mail.
    pub async fn send(&self, sender: &MailAddress, recipient: &MailAddress, bytes: &[u8]) -> SendOutcome {
        if let Some(reason) = self.is_away() {
            return SendOutcome::Later(reason);
        }
        let mut session = match self.open().await {
            Ok(session) => session,
            Err(reason) => {
                *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), reason.clone()));
                return SendOutcome::Later(reason);
            }
        };
        let outcome = match session.announce(sender, recipient).await {
            Err(Step::Said(error)) => said(&error),
            Err(Step::Silent(reason)) => SendOutcome::Later(reason),
            Ok(()) => match session.content(bytes).await {
                Ok(()) => SendOutcome::Accepted,
                Err(Step::Said(error)) => said(&error),
                Err(Step::Silent(reason)) => SendOutcome::InDoubt(reason),
            },
        };
        session.close().await;
        outcome
    }

    fn is_away(&self) -> Option<String> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.as_ref().filter(|(since, _)| since.elapsed() < AWAY).map(|(_, reason)| reason.clone())
    }

    async fn open(&self) -> Result<SmtpSession, String> {
        let SmtpServer { host, port, user, security } = &self.server;
        let clock = SessionClock { ends_at: Instant::now() + self.patience.session, patience: self.patience };
        let answer = self.patience.answer;
        let parameters = |any: bool| {
            let parameters = TlsParameters::builder(host.clone()).dangerous_accept_invalid_certs(any);
            let parameters = parameters.dangerous_accept_invalid_hostnames(any);
            parameters.build_rustls().map_err(|error| reason_of(&error))
        };
        let mut stream = clock.step(answer, connect(host, *port, self.patience.connect)).await?;
        if *security == SmtpSecurity::Wrapped {
            stream = clock.step(answer, hidden(stream, parameters(false)?)).await?;
        }
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, &self.own_name);
        let mut connection = clock.step(answer, greeting).await?;
        match security {
            SmtpSecurity::Required if !connection.can_starttls() => {
                return Err("the mail server does not offer STARTTLS, which is required".to_owned());
            }
            SmtpSecurity::Required => {
                clock.step(answer, connection.starttls(parameters(false)?, &self.own_name)).await?;
            }
            // What would go in the clear otherwise may go to whoever answers.
            SmtpSecurity::Offered if connection.can_starttls() => {
                clock.step(answer, connection.starttls(parameters(true)?, &self.own_name)).await?;
            }
            SmtpSecurity::Offered | SmtpSecurity::Wrapped => {}
        }
        if let Some(user) = user {
            let password = (self.password)()?.unwrap_or_default();
            let credentials = Credentials::new(user.clone(), password);
            clock.step(answer, connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)).await?;
        }
        Ok(SmtpSession { connection, clock })
    }
}

impl SmtpSession {
    /// From whom and to whom; the server is ready for the content then.
    async fn announce(&mut self, sender: &MailAddress, recipient: &MailAddress) -> Result<(), Step> {
        let address =
            |of: &MailAddress| of.as_str().parse::<Address>().map_err(|error| Step::Silent(error.to_string()));
        let (sender, recipient) = (address(sender)?, address(recipient)?);
        let (clock, answer) = (self.clock, self.clock.patience.answer);
        clock.within(answer, self.connection.command(Mail::new(Some(sender), Vec::new()))).await?;
        clock.within(answer, self.connection.command(Rcpt::new(recipient, Vec::new()))).await?;
        clock.within(answer, self.connection.command(Data)).await
    }

    async fn content(&mut self, bytes: &[u8]) -> Result<(), Step> {
        self.clock.within(self.clock.patience.content, self.connection.message(bytes)).await
    }

    /// What the server thinks of our going changes nothing.
    async fn close(mut self) {
        let _ = timeout_at(self.clock.limit(self.clock.patience.answer), self.connection.abort()).await;
    }
}

impl SessionClock {
    fn limit(&self, patience: Duration) -> Instant {
        self.ends_at.min(Instant::now() + patience)
    }

    /// A step that the server has to answer in time.
    async fn within<T>(&self, patience: Duration, asked: impl Future<Output = Result<T, Error>>) -> Result<(), Step> {
        match timeout_at(self.limit(patience), asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() || error.is_transient() => Err(Step::Said(error)),
            Ok(Err(error)) => Err(Step::Silent(reason_of(&error))),
            Err(_) => Err(Step::Silent(LATE.to_owned())),
        }
    }

    /// A step before anything is said of a mail.
    async fn step<T, E: Display>(
        &self,
        patience: Duration,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match timeout_at(self.limit(patience), asked).await {
            Ok(done) => done.map_err(|error| reason_of(&error)),
            Err(_) => Err(LATE.to_owned()),
        }
    }
}

/// What the server said of a mail.
fn said(error: &Error) -> SendOutcome {
    let reason = reason_of(error);
    if error.is_permanent() { SendOutcome::Refused(reason) } else { SendOutcome::Later(reason) }
}

/// An error as one line: it may hold all that a server said.
fn reason_of(error: &impl Display) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::super::smtp_double::{ENDLESS_BYTES, Fate, SmtpDouble};
    use super::{MAX_REASON_CHARS, Patience, SmtpClient};
    use crate::config::{SmtpSecurity, SmtpServer};
    use crate::model::mail::SendOutcome;

    macro_rules! line {
        ($code:literal) => {
            concat!(
                $code,
                "5.1.1 nobody of this name is here, nor was there ever one, nor will there be, ",
                "as we see it today, on the evidence that was laid before us by all who looked\r\n"
            )
        };
    }
    /// A refusal of several lines.
    const LONG: &str = concat!(line!("550-"), line!("550-"), line!("550-"), line!("550-"), line!("550-"), "550 no");

    fn client(port: u16, user: Option<&str>, security: SmtpSecurity) -> SmtpClient {
        let server = SmtpServer { host: "127.0.0.1".to_owned(), port, user: user.map(str::to_owned), security };
        SmtpClient::new(server, Arc::new(|| Ok(Some("secret".to_owned()))), "agenda.ville.fr")
    }

    async fn sent(client: &SmtpClient, bytes: &str) -> SendOutcome {
        let sender = "bounce=0a@agenda.ville.fr".parse().unwrap();
        client.send(&sender, &"jean@ailleurs.fr".parse().unwrap(), bytes.as_bytes()).await
    }

    #[tokio::test]
    async fn a_mail_arrives_as_it_is() {
        let double = SmtpDouble::new().await;
        let client = client(double.address.port(), None, SmtpSecurity::Offered);
        let text = "Subject: x\r\n\r\n.one\r\n..two\r\n.\r\nend";
        assert_eq!(sent(&client, text).await, SendOutcome::Accepted);
        let taken = double.taken().remove(0);
        assert_eq!(taken.content, format!("{text}\r\n"));
        assert_eq!(
            (taken.sender.as_str(), taken.recipient.as_str()),
            ("bounce=0a@agenda.ville.fr", "jean@ailleurs.fr")
        );
        assert_eq!(taken.hello, "agenda.ville.fr", "our own name");
    }

    /// What the server says decides; when it says nothing, whether the content may have arrived.
    #[tokio::test]
    async fn what_the_server_does_is_understood() {
        let double = SmtpDouble::new().await;
        let client = client(double.address.port(), None, SmtpSecurity::Offered);
        let table = [
            (Fate::Accept, "Accepted", 1),
            (Fate::Recipient("550 5.1.1 no such user"), "Refused(\"permanent error (550): 5.1.1 no such user\")", 0),
            (Fate::Recipient("450 4.2.1 try later"), "Later(\"transient error (450): 4.2.1 try later\")", 0),
            (Fate::Content("554 5.6.0 no thanks"), "Refused(\"permanent error (554): 5.6.0 no thanks\")", 0),
            (Fate::Content("451 4.3.0 not now"), "Later(\"transient error (451): 4.3.0 not now\")", 0),
        ];
        for (fate, expected, number) in table {
            double.next(&[fate]);
            let outcome = sent(&client, "Subject: x\r\n\r\nx\r\n").await;
            assert_eq!(format!("{outcome:?}"), expected, "{fate:?}");
            assert_eq!(double.taken().len(), number, "{fate:?}");
        }
        double.next(&[Fate::DropBeforeContent]);
        let outcome = sent(&client, "Subject: x\r\n\r\nx\r\n").await;
        assert!(matches!(outcome, SendOutcome::Later(_)), "{outcome:?}");
        double.next(&[Fate::DropAfterDot]);
        let outcome = sent(&client, "Subject: x\r\n\r\nx\r\n").await;
        assert!(matches!(outcome, SendOutcome::InDoubt(_)), "{outcome:?}");
        assert_eq!(double.taken().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_not_asked_for_each_mail() {
        let double = SmtpDouble::new().await;
        let client = client(double.address.port(), None, SmtpSecurity::Offered);
        double.go_away();
        tokio::task::yield_now().await;
        let first = sent(&client, "x").await;
        assert!(matches!(first, SendOutcome::Later(_)), "{first:?}");
        // It is back, but was away a moment ago.
        let _back = SmtpDouble::at(double.address, None).await;
        assert_eq!(sent(&client, "x").await, first);
    }

    /// One that answers nothing any more holds nobody up for ever.
    #[tokio::test]
    async fn a_slow_server_is_not_waited_for_for_ever() {
        let double = SmtpDouble::new().await;
        let brief = Duration::from_millis(300);
        let patience = Patience { connect: brief, answer: brief, content: brief, session: brief * 4 };
        let client = SmtpClient { patience, ..client(double.address.port(), None, SmtpSecurity::Offered) };
        double.next(&[Fate::Silent]);
        let outcome = sent(&client, "x").await;
        assert!(matches!(&outcome, SendOutcome::Later(why) if why.contains("in time")), "{outcome:?}");
        assert_eq!(sent(&client, "x").await, SendOutcome::Accepted);
    }

    /// A password, or what must be hidden, is not sent to who does not hide it, or cannot show who they are; what would
    /// go in the clear otherwise is hidden from all but them.
    #[tokio::test]
    async fn nothing_goes_out_in_the_clear_that_must_not() {
        let double = SmtpDouble::new().await;
        for user in [None, Some("beffroi")] {
            let client = client(double.address.port(), user, SmtpSecurity::Required);
            let outcome = sent(&client, "x").await;
            assert!(matches!(&outcome, SendOutcome::Later(why) if why.contains("STARTTLS")), "{outcome:?}");
        }
        let hidden = SmtpDouble::hidden().await;
        for security in [SmtpSecurity::Required, SmtpSecurity::Wrapped] {
            let outcome = sent(&client(hidden.address.port(), None, security), "x").await;
            assert!(matches!(&outcome, SendOutcome::Later(_)), "{security:?}: {outcome:?}");
        }
        assert!(double.taken().is_empty() && hidden.taken().is_empty());
        let client = client(hidden.address.port(), Some("beffroi"), SmtpSecurity::Offered);
        assert_eq!(sent(&client, "x").await, SendOutcome::Accepted);
        let taken = hidden.taken().remove(0);
        assert!(taken.hidden && taken.hello == "agenda.ville.fr", "{taken:?}");
        // Whoever that is: what they show may be of another name, too.
        let server = SmtpServer { host: "localhost".to_owned(), ..client.server };
        let client = SmtpClient { server, ..client };
        assert_eq!(sent(&client, "x").await, SendOutcome::Accepted);
        assert!(hidden.taken().remove(0).hidden);
        // A wrong password is for those who run this to mend, and no refusal of the mail.
        let wrong = SmtpClient { password: Arc::new(|| Ok(Some("wrong".to_owned()))), ..client };
        let outcome = sent(&wrong, "x").await;
        assert!(matches!(&outcome, SendOutcome::Later(why) if why.contains("535")), "{outcome:?}");
    }
    /// Whatever a server says, a session keeps a bounded part of it, and passes on no more than a line.
    #[tokio::test]
    async fn an_answer_that_never_ends_is_not_read_to_its_end() {
        for double in [SmtpDouble::new().await, SmtpDouble::hidden().await] {
            let client = client(double.address.port(), None, SmtpSecurity::Offered);
            for (fate, in_doubt) in [(Fate::EndlessLine, false), (Fate::EndlessLines, false), (Fate::EndlessEnd, true)]
            {
                double.next(&[fate]);
                let outcome = timeout(Duration::from_secs(20), sent(&client, "x")).await.expect("an end");
                match &outcome {
                    SendOutcome::Later(reason) if !in_doubt => assert!(reason.chars().count() <= MAX_REASON_CHARS),
                    SendOutcome::InDoubt(reason) if in_doubt => assert!(reason.chars().count() <= MAX_REASON_CHARS),
                    _ => panic!("{fate:?}: {outcome:?}"),
                }
                // What lies in the buffers of the two sockets is not read.
                assert!(double.endless() < ENDLESS_BYTES, "{fate:?}");
            }
            double.next(&[Fate::Recipient(LONG)]);
            let outcome = sent(&client, "x").await;
            assert!(
                matches!(&outcome, SendOutcome::Refused(reason) if reason.chars().count() == MAX_REASON_CHARS),
                "{outcome:?}"
            );
            assert_eq!(sent(&client, "x").await, SendOutcome::Accepted, "the next is tried as ever");
        }
    }

    /// A server that answers each step at the last moment does not hold up the mail behind it for all of them.
    #[tokio::test]
    async fn a_session_has_an_end() {
        let double = SmtpDouble::new().await;
        let client = client(double.address.port(), None, SmtpSecurity::Offered);
        let (brief, long) = (Duration::from_millis(300), Duration::from_secs(600));
        let patience = Patience { connect: long, answer: long, content: long, session: brief };
        let client = SmtpClient { patience, ..client };
        double.next(&[Fate::Silent]);
        let outcome = timeout(Duration::from_secs(20), sent(&client, "x")).await.expect("an end");
        assert!(matches!(&outcome, SendOutcome::Later(why) if why.contains("in time")), "{outcome:?}");
    }
}
