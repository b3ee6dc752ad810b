//! Questions to the system's name server that `getaddrinfo` cannot ask: MX, TXT and PTR records
//! (RFC 1035). UDP, and TCP where an answer does not fit.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::{fmt, io};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::env::Env;

/// The size of UDP answers that we accept (RFC 9715).
const UDP_SIZE: u16 = 1232;
/// How often a question is sent.
const ATTEMPTS: u32 = 2;
/// The file that names the system's name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The kind of records to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    Ptr,
    Mx,
    Txt,
}

impl RecordKind {
    fn number(self) -> u16 {
        match self {
            RecordKind::Ptr => 12,
            RecordKind::Mx => 15,
            RecordKind::Txt => 16,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum DnsError {
    /// The question cannot be asked: the name is malformed.
    InvalidName,
    /// The name server cannot be reached, or does not answer in time.
    Unreachable(io::Error),
    /// The name server answered with this error code.
    Refused(u8),
    /// The answer is malformed.
    InvalidAnswer,
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnsError::InvalidName => f.write_str("the name is malformed"),
            DnsError::Unreachable(error) => write!(f, "the name server does not answer: {error}"),
            DnsError::Refused(code) => write!(f, "the name server answered with error {code}"),
            DnsError::InvalidAnswer => f.write_str("the name server's answer is malformed"),
        }
    }
}

/// Asks one name server.
#[derive(Clone)]
pub struct NameServer {
    address: SocketAddr,
    patience: Duration,
    env: Env,
}

impl NameServer {
    /// The first name server of the system; `None` if it names none.
    #[must_use]
    pub fn of_system(env: &Env) -> Option<Self> {
        let address = first_of(&std::fs::read_to_string(RESOLV_CONF).ok()?)?;
        Some(Self::at(SocketAddr::new(address, 53), env))
    }

    /// The name server at this address.
    #[must_use]
    pub fn at(address: SocketAddr, env: &Env) -> Self {
        Self { address, patience: Duration::from_secs(3), env: env.clone() }
    }

    /// The records of this kind at a name, as text: the host of an MX or PTR record, or a whole TXT
    /// record. Empty if the name has none.
    ///
    /// # Errors
    /// As in [`DnsError`].
    pub async fn ask(&self, name: &str, kind: RecordKind) -> Result<Vec<String>, DnsError> {
        let id = self.env.random::<2>().map_err(|_| DnsError::InvalidName)?;
        let question = question(id, name, kind).ok_or(DnsError::InvalidName)?;
        let mut last = DnsError::InvalidAnswer;
        for _ in 0..ATTEMPTS {
            let asked = timeout(self.patience, self.over_udp(&question)).await;
            let answer = match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(answer) => answer,
                Err(error) => {
                    last = DnsError::Unreachable(error);
                    continue;
                }
            };
            return match records(&answer, id, kind) {
                Some(DnsAnswer::Truncated) => self.whole(&question, id, kind).await,
                other => other.ok_or(DnsError::InvalidAnswer)?.into_records(),
            };
        }
        Err(last)
    }

    /// The host names of an address.
    ///
    /// # Errors
    /// As in [`DnsError`].
    pub async fn names_of(&self, address: IpAddr) -> Result<Vec<String>, DnsError> {
        self.ask(&reverse_name(address), RecordKind::Ptr).await
    }

    async fn over_udp(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let any: SocketAddr =
            if self.address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
        let socket = UdpSocket::bind(any).await?;
        // The kernel drops what does not come from this server.
        socket.connect(self.address).await?;
        socket.send(question).await?;
        let mut answer = vec![0; usize::from(UDP_SIZE)];
        let size = socket.recv(&mut answer).await?;
        answer.truncate(size);
        Ok(answer)
    }

    async fn whole(
        &self,
        question: &[u8],
        id: [u8; 2],
        kind: RecordKind,
    ) -> Result<Vec<String>, DnsError> {
        let asked = async {
            let mut stream = TcpStream::connect(self.address).await?;
            let size = u16::try_from(question.len()).unwrap_or(u16::MAX);
            stream.write_all(&[&size.to_be_bytes(), question].concat()).await?;
            let mut answer = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut answer).await?;
            Ok(answer)
        };
        let answer = match timeout(self.patience, asked).await {
            Ok(answer) => answer.map_err(DnsError::Unreachable)?,
            Err(_) => return Err(DnsError::Unreachable(io::ErrorKind::TimedOut.into())),
        };
        records(&answer, id, kind).ok_or(DnsError::InvalidAnswer)?.into_records()
    }
}

/// The first address in the text of `/etc/resolv.conf`.
fn first_of(text: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let address = line.trim().strip_prefix("nameserver")?;
        address.starts_with(char::is_whitespace).then(|| address.trim().parse().ok())?
    })
}

/// The name under which the host names of an address are.
fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles =
                address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let digits: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

/// A question that wants recursion, with room for an answer of [`UDP_SIZE`].
fn question(id: [u8; 2], name: &str, kind: RecordKind) -> Option<Vec<u8>> {
    let mut bytes = id.to_vec();
    bytes.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        bytes.push(length);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(kind.number().to_be_bytes());
    bytes.extend([0, 1]);
    // EDNS (RFC 6891): a pseudo-record that says how much we accept.
    bytes.extend([0, 0, 41]);
    bytes.extend(UDP_SIZE.to_be_bytes());
    bytes.extend([0; 6]);
    (bytes.len() < 300).then_some(bytes)
}

/// What a name server answered.
#[derive(Debug, PartialEq, Eq)]
enum DnsAnswer {
    Records(Vec<String>),
    Truncated,
    Refused(u8),
}

impl DnsAnswer {
    fn into_records(self) -> Result<Vec<String>, DnsError> {
        match self {
            DnsAnswer::Records(records) => Ok(records),
            DnsAnswer::Refused(code) => Err(DnsError::Refused(code)),
            DnsAnswer::Truncated => Err(DnsError::InvalidAnswer),
        }
    }
}

/// Reads an answer. `None` if it is malformed or not the answer to this question.
fn records(message: &[u8], id: [u8; 2], kind: RecordKind) -> Option<DnsAnswer> {
    let header = message.first_chunk::<12>()?;
    if header[..2] != id || header[2] & 0x80 == 0 {
        return None;
    }
    match header[3] & 0x0f {
        0 => {}
        // The name does not exist.
        3 => return Some(DnsAnswer::Records(Vec::new())),
        code => return Some(DnsAnswer::Refused(code)),
    }
    if header[2] & 0x02 != 0 {
        return Some(DnsAnswer::Truncated);
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let mut at = 12;
    for _ in 0..count(4) {
        at = read_name(message, at)?.1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..count(6) {
        at = read_name(message, at)?.1;
        let fixed = message.get(at..at + 10)?.first_chunk::<10>()?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let start = at + 10;
        let data = message.get(start..start + length)?;
        if u16::from_be_bytes([fixed[0], fixed[1]]) == kind.number() {
            found.push(match kind {
                RecordKind::Txt => text_of(data)?,
                RecordKind::Mx => read_name(message, start + 2)?.0,
                RecordKind::Ptr => read_name(message, start)?.0,
            });
        }
        at = start + length;
    }
    Some(DnsAnswer::Records(found))
}

/// The strings of a TXT record, joined.
fn text_of(mut data: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(*length))?;
        text.extend(string);
        data = rest;
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A name that may be compressed, and where the message goes on after it.
fn read_name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let (mut labels, mut end) = (Vec::new(), None);
    // More steps than labels and pointers of the longest name: a loop of pointers ends.
    for _ in 0..128 {
        let length = *message.get(at)?;
        if length == 0 {
            return Some((labels.join("."), end.unwrap_or(at + 1)));
        }
        if length & 0xc0 == 0xc0 {
            let low = *message.get(at + 1)?;
            end = end.or(Some(at + 2));
            at = usize::from(u16::from_be_bytes([length & 0x3f, low]));
            continue;
        }
        let label = message.get(at + 1..at + 1 + usize::from(length))?;
        labels.push(String::from_utf8_lossy(label).into_owned());
        at += 1 + usize::from(length);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 2] = [7, 9];

    /// An answer to a question about `a.example` with these records: type and data.
    fn answer(flags: [u8; 2], found: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = [&ID[..], &flags, &[0, 1]].concat();
        bytes.extend(u16::try_from(found.len()).unwrap().to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(b"\x01a\x07example\x00\x00\x10\x00\x01");
        for (kind, data) in found {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    fn read(kind: RecordKind, found: &[(u16, &[u8])]) -> Option<DnsAnswer> {
        records(&answer([0x81, 0x80], found), ID, kind)
    }

    #[test]
    fn records_are_read_with_compressed_names_and_others_are_skipped() {
        let texts =
            read(RecordKind::Txt, &[(5, b"\xc0\x0c"), (16, b"\x03v=s\x03pf1"), (16, b"\x01x")]);
        assert_eq!(texts, Some(DnsAnswer::Records(vec!["v=spf1".into(), "x".into()])));
        let hosts = read(RecordKind::Mx, &[(15, b"\x00\x0a\x02mx\xc0\x0e")]);
        assert_eq!(hosts, Some(DnsAnswer::Records(vec!["mx.example".into()])));
        let names = read(RecordKind::Ptr, &[(12, b"\x04host\x07example\x00")]);
        assert_eq!(names, Some(DnsAnswer::Records(vec!["host.example".into()])));
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let refused = records(&answer([0x81, 0x82], &[]), ID, RecordKind::Txt);
        assert_eq!(refused, Some(DnsAnswer::Refused(2)));
        let none = records(&answer([0x81, 0x83], &[]), ID, RecordKind::Txt);
        assert_eq!(none, Some(DnsAnswer::Records(Vec::new())), "the name does not exist");
        let cut = records(&answer([0x83, 0x80], &[]), ID, RecordKind::Txt);
        assert_eq!(cut, Some(DnsAnswer::Truncated));
        let others = records(&answer([0x81, 0x80], &[]), [0, 0], RecordKind::Txt);
        assert_eq!(others, None, "an answer to another question");
        let loops = read(RecordKind::Mx, &[(15, b"\x00\x0a\xc0\x29")]);
        assert_eq!(loops, None);
    }

    #[test]
    fn no_answer_makes_the_reader_fail() {
        let whole = answer([0x81, 0x80], &[(16, b"\x03abc"), (15, b"\x00\x0a\x02mx\xc0\x0e")]);
        for end in 0..whole.len() {
            for kind in [RecordKind::Txt, RecordKind::Mx, RecordKind::Ptr] {
                let _ = records(&whole[..end], ID, kind);
            }
        }
    }

    #[test]
    fn names_and_servers_are_written_as_the_protocol_wants() {
        let reverse = |address: &str| reverse_name(address.parse().unwrap());
        assert_eq!(reverse("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert!(
            reverse("2001:db8::1").starts_with("1.0.0.0.0.")
                && reverse("::1").ends_with(".ip6.arpa")
        );
        let text = "# search x\nsearch example\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n";
        assert_eq!(first_of(text), Some("192.0.2.53".parse().unwrap()));
        assert_eq!(question(ID, "a..example", RecordKind::Txt), None);
        assert_eq!(question(ID, &"a.".repeat(200), RecordKind::Txt), None);
        assert!(question(ID, "a.example.", RecordKind::Txt).is_some());
    }

    #[tokio::test]
    async fn a_truncated_answer_is_asked_for_again_over_tcp() {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = tokio::net::TcpListener::bind(address).await.unwrap();
        let serve = async {
            let mut bytes = [0; 512];
            let (_, from) = udp.recv_from(&mut bytes).await.unwrap();
            let mut cut = answer([0x83, 0x80], &[]);
            cut[..2].copy_from_slice(&bytes[..2]);
            udp.send_to(&cut, from).await.unwrap();
            let (mut stream, _) = tcp.accept().await.unwrap();
            let size = stream.read_u16().await.unwrap();
            let mut asked = vec![0; usize::from(size)];
            stream.read_exact(&mut asked).await.unwrap();
            let mut whole = answer([0x81, 0x80], &[(16, b"\x05whole")]);
            whole[..2].copy_from_slice(&asked[..2]);
            stream.write_u16(u16::try_from(whole.len()).unwrap()).await.unwrap();
            stream.write_all(&whole).await.unwrap();
        };
        let server = NameServer::at(address, &Env::real());
        let (found, ()) = tokio::join!(server.ask("a.example", RecordKind::Txt), serve);
        assert_eq!(found.unwrap(), ["whole"]);
    }
}
