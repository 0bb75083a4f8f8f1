//! The bytes of a session with a mail server, of which no more are read than a server that means it ever sends: the
//! library keeps a line until it ends.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::io::{AsyncRead as _, AsyncWrite as _};
#[expect(deprecated, reason = "nothing else hides a stream before the first word")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// The most that is read in a session: some ten short answers, and what a server says to show who it is.
const MAX_SESSION_BYTES: usize = 64 * 1024;

/// What a session with a server runs on.
pub(super) type SmtpStream = Box<dyn AsyncTokioStream>;

/// A stream that gives so many bytes and no more.
#[derive(Debug)]
struct BoundedStream {
    stream: TcpStream,
    left: usize,
}

/// Connects to a server, to the first of its addresses that answers in time.
pub(super) async fn connect(host: &str, port: u16, patience: Duration) -> Result<SmtpStream> {
    let mut failure = Error::new(ErrorKind::NotFound, "the mail server has no address");
    for address in lookup_host((host, port)).await? {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(Box::new(BoundedStream { stream, left: MAX_SESSION_BYTES })),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

/// Hides a stream from all but the server, before anything is said.
#[expect(deprecated, reason = "nothing else hides a stream before the first word")]
pub(super) async fn hidden(
    stream: SmtpStream,
    parameters: TlsParameters,
) -> std::result::Result<SmtpStream, lettre::transport::smtp::Error> {
    let mut stream = AsyncNetworkStream::use_existing_tokio1(stream);
    stream.upgrade_tls(parameters).await?;
    Ok(Box::new(HiddenStream(stream)))
}

impl AsyncTokioStream for BoundedStream {
    fn peer_addr(&self) -> Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, "the mail server says too much")));
        }
        let mut piece = buffer.take(self.left);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        // The piece is the beginning of the buffer, whose rest it does not know of.
        buffer.initialize_unfilled_to(read);
        buffer.advance(read);
        self.left -= read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream that the library has hidden, in the form in which it takes one.
#[derive(Debug)]
#[expect(deprecated, reason = "nothing else hides a stream before the first word")]
struct HiddenStream(AsyncNetworkStream);

impl AsyncTokioStream for HiddenStream {
    fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for HiddenStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HiddenStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
    use lettre::transport::smtp::commands::Noop;
    use lettre::transport::smtp::extension::ClientId;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::smtp_double::acceptor;
    use super::{MAX_SESSION_BYTES, connect, hidden};

    const BRIEF: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_stream_gives_what_a_session_may_take_and_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let saying = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(&vec![b'x'; MAX_SESSION_BYTES + 1]).await;
            stream
        });
        let mut stream = connect("127.0.0.1", port, BRIEF).await.unwrap();
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).await.unwrap_err();
        assert_eq!((read.len(), error.to_string().as_str()), (MAX_SESSION_BYTES, "the mail server says too much"));
        drop(saying.await);
    }

    /// A server that hides all from the first byte on (RFC 8314 section 3.3).
    #[tokio::test]
    async fn a_session_may_be_hidden_before_the_first_word() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut stream = acceptor().accept(listener.accept().await.unwrap().0).await.unwrap();
            for answer in ["220 mx ready\r\n", "250 mx\r\n", "250 nothing done\r\n"] {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                let _ = stream.read(&mut [0; 200]).await.unwrap();
            }
        });
        let any = TlsParameters::builder("127.0.0.1".to_owned()).dangerous_accept_invalid_certs(true);
        let stream = connect("127.0.0.1", port, BRIEF).await.unwrap();
        let stream = hidden(stream, any.build_rustls().unwrap()).await.unwrap();
        let own_name = ClientId::Domain("agenda.ville.fr".to_owned());
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &own_name).await.unwrap();
        assert!(connection.command(Noop).await.is_ok_and(|answer| answer.is_positive()));
    }
}
