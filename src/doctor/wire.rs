//! Reaching an address step by step, so that a failure says which step it was: the name, the connection, TLS.
//!
//! Also tells a port that speaks TLS from one that does not, which is what an address with the wrong scheme comes down to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::proxies::host;

/// The longest that a name, a connection or an answer is waited for, each.
const PATIENCE: Duration = Duration::from_secs(3);

/// An address that answers as its scheme says.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) addr: SocketAddr,
    name: Duration,
    connection: Duration,
    /// What TLS was agreed on and how long that took; `None` in clear text.
    tls: Option<(String, Duration)>,
}

impl Reached {
    /// `127.0.0.1:7077: name 1.2 ms, connection 0.3 ms, TLS 1.3 9.8 ms.`
    pub(super) fn words(&self) -> String {
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let tls = self.tls.as_ref().map_or_else(String::new, |(version, time)| format!(", {version} {}", ms(*time)));
        format!("{}: name {}, connection {}{tls}.", self.addr, ms(self.name), ms(self.connection))
    }
}

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is no address.
    NotAnAddress(String),
    /// Name servers know no such name.
    NoSuchName { detail: String },
    /// Nobody listens, or something refuses the connection.
    Refused { addr: SocketAddr },
    /// The connection is not made: no way there, or packets are dropped.
    NoWay { addr: SocketAddr, detail: String },
    /// The connection is made, and then nothing comes.
    Silent { addr: SocketAddr },
    /// The address says https, the port speaks clear text.
    ClearText { addr: SocketAddr },
    /// The address says http, the port speaks TLS.
    SpeaksTls { addr: SocketAddr },
    /// The certificate is not taken.
    Certificate(BadCertificate),
    /// Any other failure of the TLS handshake.
    Tls { detail: String },
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadCertificate {
    /// Signed by nobody this machine trusts.
    UnknownIssuer,
    /// For other names.
    OtherName(Vec<String>),
    /// Its time is over, or has not come.
    Time,
    /// Anything else.
    Other(String),
}

/// Reaches an address: finds its name, connects, and agrees on TLS when its scheme says so.
pub(super) async fn reach(text: &str) -> Result<Reached, Trouble> {
    let (url, port) = read(text)?;
    let began = Instant::now();
    let addrs = lookup(host(&url), port).await?;
    let name = began.elapsed();
    let began = Instant::now();
    let (stream, addr) = connect(&addrs).await?;
    let connection = began.elapsed();
    if url.scheme() == "http" {
        expect_clear_text(stream, addr, host(&url)).await?;
        return Ok(Reached { addr, name, connection, tls: None });
    }
    let began = Instant::now();
    let version = agree_on_tls(stream, addr, host(&url)).await?;
    Ok(Reached { addr, name, connection, tls: Some((version, began.elapsed())) })
}

fn read(text: &str) -> Result<(Url, u16), Trouble> {
    let bad = |why: &dyn std::fmt::Display| Trouble::NotAnAddress(why.to_string());
    let url = Url::parse(text).map_err(|error| bad(&error))?;
    match (url.scheme(), url.port_or_known_default()) {
        ("http" | "https", Some(port)) if url.host_str().is_some() => Ok((url, port)),
        (scheme, _) => Err(bad(&format_args!("'{scheme}' is not a scheme for it; write http or https"))),
    }
}

async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let found = timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    match found {
        Ok(Ok(addrs)) => {
            let addrs: Vec<SocketAddr> = addrs.collect();
            let empty = || Trouble::NoSuchName { detail: "the name has no address".to_owned() };
            if addrs.is_empty() { Err(empty()) } else { Ok(addrs) }
        }
        Ok(Err(error)) => Err(Trouble::NoSuchName { detail: error.to_string() }),
        Err(_late) => {
            let detail = format!("no name server answered within {} s", PATIENCE.as_secs());
            Err(Trouble::NoSuchName { detail })
        }
    }
}

/// To the first of the addresses that takes a connection; says what was wrong with the last.
async fn connect(addrs: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Trouble> {
    let mut trouble = Trouble::NoSuchName { detail: String::new() };
    for addr in addrs.iter().copied().take(2) {
        trouble = match timeout(PATIENCE, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => return Ok((stream, addr)),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Trouble::Refused { addr },
            Ok(Err(error)) => Trouble::NoWay { addr, detail: error.to_string() },
            Err(_late) => Trouble::NoWay { addr, detail: format!("no connection within {} s", PATIENCE.as_secs()) },
        };
    }
    Err(trouble)
}

/// How a port answers the first bytes it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// A TLS record: a handshake or an alert.
    Tls,
    /// Something else.
    ClearText,
    /// It hung up.
    HungUp,
    /// Nothing.
    Nothing,
}

async fn answer_to(mut stream: TcpStream, bytes: &[u8]) -> (Answer, Vec<u8>) {
    let mut came = vec![0; 2048];
    let exchange = async {
        stream.write_all(bytes).await?;
        stream.read(&mut came).await
    };
    let length = match timeout(PATIENCE, exchange).await {
        Err(_late) => return (Answer::Nothing, Vec::new()),
        Ok(Ok(0) | Err(_)) => return (Answer::HungUp, Vec::new()),
        Ok(Ok(length)) => length,
    };
    came.truncate(length);
    // RFC 8446, 5.1: the kind of the record (21 is an alert, 22 a handshake), then the version, 3.x.
    let is_tls = matches!(came[..], [21 | 22, 3, ..]);
    (if is_tls { Answer::Tls } else { Answer::ClearText }, came)
}

/// Goes on when the port answers in clear text.
async fn expect_clear_text(stream: TcpStream, addr: SocketAddr, host: &str) -> Result<(), Trouble> {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let (answer, came) = answer_to(stream, request.as_bytes()).await;
    let text = String::from_utf8_lossy(&came).to_ascii_lowercase();
    // Web servers say it in their own words, or lead to the address that would be right.
    let says_so = text.contains("sent to https port")
        || text.contains("http request to an https server")
        || (text.starts_with("http/1.1 30") && text.contains("location: https://"));
    match answer {
        Answer::Tls => Err(Trouble::SpeaksTls { addr }),
        Answer::ClearText if says_so => Err(Trouble::SpeaksTls { addr }),
        Answer::ClearText => Ok(()),
        Answer::HungUp | Answer::Nothing => {
            let hello = client_hello(host).map_err(|detail| Trouble::Tls { detail })?;
            let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(addr)).await else {
                return Err(Trouble::Silent { addr });
            };
            match (answer_to(stream, &hello).await.0, answer) {
                (Answer::Tls, _) => Err(Trouble::SpeaksTls { addr }),
                // Some servers hang up on what is not their protocol; streams will show whether this is one.
                (_, Answer::HungUp) => Ok(()),
                _ => Err(Trouble::Silent { addr }),
            }
        }
    }
}

/// The first bytes of a TLS handshake.
fn client_hello(host: &str) -> Result<Vec<u8>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let mut connection =
        ClientConnection::new(config(RootCertStore::empty())?, name).map_err(|error| error.to_string())?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).map_err(|error| error.to_string())?;
    Ok(hello)
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The authorities that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` stand in for the system's.
fn roots() -> Result<RootCertStore, String> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    match loaded.errors.first() {
        Some(error) if roots.is_empty() => Err(format!("the certificates this machine trusts were not read: {error}")),
        _ => Ok(roots),
    }
}

async fn agree_on_tls(stream: TcpStream, addr: SocketAddr, host: &str) -> Result<String, Trouble> {
    let other = |detail: String| Trouble::Tls { detail };
    let roots = tokio::task::spawn_blocking(roots).await.map_err(|error| other(error.to_string()))?.map_err(other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| other(error.to_string()))?;
    let handshake = TlsConnector::from(config(roots).map_err(other)?).connect(name, stream);
    match timeout(PATIENCE, handshake).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version();
            let tls_1_2 = version == Some(rustls::ProtocolVersion::TLSv1_2);
            Ok(if tls_1_2 { "TLS 1.2" } else { "TLS 1.3" }.to_owned())
        }
        Ok(Err(error)) => Err(handshake_trouble(&error, addr)),
        Err(_late) => Err(Trouble::Silent { addr }),
    }
}

fn handshake_trouble(error: &std::io::Error, addr: SocketAddr) -> Trouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        // What came is no TLS record: a server that answers in clear text.
        Some(rustls::Error::InvalidMessage(_)) => Trouble::ClearText { addr },
        Some(rustls::Error::InvalidCertificate(bad)) => Trouble::Certificate(bad_certificate(bad)),
        _ => Trouble::Tls { detail: error.to_string() },
    }
}

fn bad_certificate(error: &CertificateError) -> BadCertificate {
    match error {
        // An authority with the name of a trusted one and another key is not that authority.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => BadCertificate::UnknownIssuer,
        CertificateError::NotValidForName => BadCertificate::OtherName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // Written as webpki has them: DnsName("a.example").
            let name = |text: &String| text.split('"').nth(1).unwrap_or(text).to_owned();
            BadCertificate::OtherName(presented.iter().map(name).collect())
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => BadCertificate::Time,
        other => BadCertificate::Other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port that answers the first bytes with these, or says nothing.
    async fn port(answer: Option<&'static [u8]>) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut came = [0; 512];
                let _ = stream.read(&mut came).await;
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer).await;
                } else {
                    held.push(stream);
                }
            }
        });
        addr
    }

    const CLEAR: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 70];

    #[tokio::test]
    async fn each_step_that_fails_is_told_apart() {
        let refused = reach("http://127.0.0.1:1").await.unwrap_err();
        assert!(matches!(refused, Trouble::Refused { .. }), "{refused:?}");
        let name = reach("https://name.invalid").await.unwrap_err();
        assert!(matches!(name, Trouble::NoSuchName { .. }), "{name:?}");
        assert!(matches!(reach("ftp://a").await, Err(Trouble::NotAnAddress(_))));
        assert!(matches!(reach("http://").await, Err(Trouble::NotAnAddress(_))));
    }

    #[tokio::test]
    async fn a_wrong_scheme_is_recognised_from_both_sides() {
        let clear = port(Some(CLEAR)).await;
        assert!(reach(&format!("http://{clear}")).await.is_ok());
        let trouble = reach(&format!("https://{clear}")).await.unwrap_err();
        assert_eq!(trouble, Trouble::ClearText { addr: clear });
        let tls = port(Some(ALERT)).await;
        assert_eq!(reach(&format!("http://{tls}")).await.unwrap_err(), Trouble::SpeaksTls { addr: tls });
        let polite = port(Some(b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port")).await;
        assert_eq!(reach(&format!("http://{polite}")).await.unwrap_err(), Trouble::SpeaksTls { addr: polite });
        let leads = port(Some(b"HTTP/1.1 301 Moved\r\nLocation: https://a/\r\n\r\n")).await;
        assert_eq!(reach(&format!("http://{leads}")).await.unwrap_err(), Trouble::SpeaksTls { addr: leads });
    }

    #[tokio::test]
    async fn silence_is_told_from_refusal() {
        let silent = port(None).await;
        assert_eq!(reach(&format!("http://{silent}")).await.unwrap_err(), Trouble::Silent { addr: silent });
        assert_eq!(reach(&format!("https://{silent}")).await.unwrap_err(), Trouble::Silent { addr: silent });
    }
}
