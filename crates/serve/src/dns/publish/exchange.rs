//! One message and its answer: over UDP, and over TCP where nothing comes or it does not fit.

use engine::names::Name;
use engine::names::publish::{Failure, Heard, Key, Signed, ask_for, read, read_zone};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};
use wire::dns::{UDP_BYTES_MAX, UPDATED_BYTES_MAX, Update};

/// How long a server may take over UDP, and again over TCP.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it is waited for a better answer than one whose signature does not fit.
const DOUBT: Duration = Duration::from_millis(500);

/// A server, and the key for it.
pub(super) struct Peer {
    server: SocketAddr,
    key: Key,
    /// Of messages. They need not be by chance: what counts of an answer is its signature.
    ids: AtomicU16,
}

/// How it went over UDP.
enum Udp {
    Ended(Result<u16, Failure>),
    /// It has to be asked over TCP, and why.
    Again(String),
}

/// How an answer is read.
type Reader = fn(&Key, &Signed, &[u8]) -> Heard;

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Peer {
    pub(super) fn new(server: SocketAddr, key: Key) -> Self {
        Self { server, key, ids: AtomicU16::new(1) }
    }

    /// Sends an update; what the server says to it.
    pub(super) async fn ask(&self, update: &Update) -> Result<u16, Failure> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let signed = self.key.sign(id, update.write(id), now_s());
        self.exchange(&signed, read).await
    }

    /// Asks whether the server has a zone, and takes our key; nothing is changed by it.
    pub(super) async fn has(&self, zone: &Name) -> Result<(), Failure> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let signed = ask_for(&self.key, zone, id, now_s());
        self.exchange(&signed, read_zone).await.map(|_| ())
    }

    async fn exchange(&self, signed: &Signed, read: Reader) -> Result<u16, Failure> {
        let why = match signed.bytes.len() > UDP_BYTES_MAX {
            true => "it is too long for UDP".to_owned(),
            false => match self.over_udp(signed, read).await {
                Ok(Udp::Ended(went)) => return went,
                Ok(Udp::Again(why)) => why,
                Err(e) => e.to_string(),
            },
        };
        match timeout(PATIENCE, self.over_tcp(signed)).await {
            Ok(Ok(bytes)) => match read(&self.key, signed, &bytes) {
                Heard::Said(code) => Ok(code),
                Heard::Failed(why) | Heard::Doubtful(why) => Err(why),
                Heard::Cut | Heard::Other => {
                    Err(Failure::Silent(format!("UDP: {why}; TCP: something that is no answer")))
                }
            },
            Ok(Err(e)) => Err(Failure::Silent(format!("UDP: {why}; TCP: {e}"))),
            Err(_) => {
                let s = PATIENCE.as_secs();
                Err(Failure::Silent(format!("UDP: {why}; TCP: nothing within {s} s")))
            }
        }
    }

    async fn over_udp(&self, signed: &Signed, read: Reader) -> io::Result<Udp> {
        let any: IpAddr = match self.server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // A port of its own for each message, and whatever comes from elsewhere is left out.
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(self.server).await?;
        socket.send(&signed.bytes).await?;
        let mut end = Instant::now() + PATIENCE;
        let (mut doubt, mut bytes) = (None, vec![0; UPDATED_BYTES_MAX]);
        loop {
            let Ok(received) = timeout_at(end, socket.recv(&mut bytes)).await else {
                let nothing = || format!("nothing within {} s", PATIENCE.as_secs());
                return Ok(doubt.map_or_else(|| Udp::Again(nothing()), |why| Udp::Ended(Err(why))));
            };
            match read(&self.key, signed, bytes.get(..received?).unwrap_or_default()) {
                Heard::Said(code) => return Ok(Udp::Ended(Ok(code))),
                Heard::Failed(why) => return Ok(Udp::Ended(Err(why))),
                Heard::Cut => return Ok(Udp::Again("it is too long for UDP".to_owned())),
                Heard::Doubtful(why) => {
                    if doubt.is_none() {
                        end = end.min(Instant::now() + DOUBT);
                    }
                    doubt = Some(why);
                }
                Heard::Other => {}
            }
        }
    }

    async fn over_tcp(&self, signed: &Signed) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.server).await?;
        let length = u16::try_from(signed.bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &signed.bytes].concat()).await?;
        let length = usize::from(stream.read_u16().await?);
        if length > UPDATED_BYTES_MAX {
            return Err(io::Error::other("its answer is too long"));
        }
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::names::publish::{Algorithm, Secret};
    use tokio::net::TcpListener;
    use wire::dns::tsig::{Fields, length};
    use wire::dns::{Name, Need};

    fn key(secret: &str) -> Key {
        Key {
            name: Name::parse("ours").unwrap(),
            algorithm: Algorithm::Sha256,
            secret: Secret::of_base64(secret).unwrap(),
        }
    }

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA=";

    fn code_of(signed: &[u8]) -> &[u8] {
        // Behind it: the id, the error, and the length of nothing.
        &signed[signed.len() - 38..signed.len() - 6]
    }

    /// An answer with this code and these flags, signed as the server of a key signs it.
    fn answer(asked: &[u8], key: &Key, flags: u16) -> Vec<u8> {
        let mut bytes = [&asked[..2], &flags.to_be_bytes(), &[0; 8]].concat();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let before = code_of(asked);
        let all = [&length(before)[..], before, &bytes].concat();
        let signed = key.sign(0, all, at).bytes;
        let fields = Fields {
            key: key.name.clone(),
            algorithm: Name::parse("hmac-sha256").unwrap(),
            at_s: at,
            fudge_s: 300,
            error: 0,
            other: Vec::new(),
        };
        fields.append(&mut bytes, code_of(&signed));
        bytes
    }

    const DONE: u16 = 0xa800;
    const CUT: u16 = 0xaa00;
    const YX_DOMAIN: u16 = 0xa806;

    /// A server that says this over UDP, in turn, and that over TCP.
    async fn ask(udp: &[(&str, u16)], tcp: Option<u16>) -> Result<u16, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(at).await.unwrap();
        let udp: Vec<(Key, u16)> =
            udp.iter().map(|(secret, flags)| (key(secret), *flags)).collect();
        let heard = tokio::spawn(async move {
            let mut bytes = [0; 1500];
            let (received, from) = socket.recv_from(&mut bytes).await.unwrap();
            for (key, flags) in udp {
                let said = answer(&bytes[..received], &key, flags);
                socket.send_to(&said, from).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let listening = tokio::spawn(async move {
            let Some(flags) = tcp else { return };
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut bytes).await.unwrap();
            let said = answer(&bytes, &key(SECRET), flags);
            stream.write_all(&[&length(&said)[..], &said].concat()).await.unwrap();
        });
        let name = Name::parse("node.lab.example").unwrap();
        let zone = Name::parse("lab.example").unwrap();
        let update = Update { zone, needs: vec![Need::Unused(name)], acts: Vec::new() };
        let went = Peer::new(at, key(SECRET)).ask(&update).await;
        heard.abort();
        listening.abort();
        went
    }

    #[tokio::test]
    async fn an_answer_over_udp_counts_if_it_is_signed() {
        assert_eq!(ask(&[(SECRET, YX_DOMAIN)], None).await, Ok(6));
        let forged_first = [(OTHER, DONE), (SECRET, YX_DOMAIN)];
        assert_eq!(ask(&forged_first, None).await, Ok(6), "it is waited for a better one");
        assert_eq!(ask(&[(OTHER, DONE)], None).await, Err(Failure::Forged));
    }

    #[tokio::test]
    async fn what_gets_no_answer_over_udp_or_half_of_one_is_asked_over_tcp() {
        assert_eq!(ask(&[(SECRET, CUT)], Some(DONE)).await, Ok(0));
        assert_eq!(ask(&[], Some(YX_DOMAIN)).await, Ok(6));
        let Err(Failure::Silent(why)) = ask(&[], None).await else { panic!("nobody answers") };
        assert!(why.starts_with("UDP: nothing within 2 s; TCP: "), "{why}");
    }
}
