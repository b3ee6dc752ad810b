//! A small HTTP/1.1 client with minimal overhead: its requests are prepared bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The result of a measurement.
pub struct Load {
    pub calls: u64,
    pub per_second: f64,
    /// The number of calls per tenth of a millisecond.
    tenths: Tenths,
}

type Tenths = BTreeMap<u128, u64>;

impl Load {
    /// The time that this percentage of the calls did not exceed.
    pub fn percentile(&self, percent: u64) -> Duration {
        let mut left = self.calls * percent / 100;
        for (tenths, calls) in &self.tenths {
            if *calls >= left {
                return Duration::from_micros(u64::try_from((tenths + 1) * 100).unwrap());
            }
            left -= calls;
        }
        Duration::MAX
    }
}

pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A request of the owner of an access token.
pub fn post_as(path: &str, body: &str, token: &str) -> Vec<u8> {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n");
    let length = body.len();
    format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A request as a browser sends it, with its cookies.
pub fn page(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n").into_bytes()
}

/// A form of a page.
pub fn form(path: &str, cookie: &str, form: &str) -> Vec<u8> {
    let length = form.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n");
    format!("{head}content-length: {length}\r\n\r\n{form}").into_bytes()
}

/// One connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The length of the last response's head.
    head: usize,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(8192), head: 0 }
    }

    /// Sends a request and returns status and body.
    pub async fn call(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let (head, length) = loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break (end + 4, content_length(&self.buffer[..end]));
            }
        };
        while self.buffer.len() < head + length {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0);
        }
        self.head = head;
        let status = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
        (status, &self.buffer[head..head + length])
    }
}

impl Wire {
    /// The cookie of this name that the last response set, as `name=value`.
    pub fn cookie(&self, name: &str) -> String {
        let head = std::str::from_utf8(&self.buffer[..self.head]).unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut cookies = lines.map(|(_, value)| value.split(';').next().unwrap());
        cookies.find(|value| value.starts_with(&format!("{name}="))).unwrap().to_owned()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let line =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:")).unwrap();
    line.split_once(':').unwrap().1.trim().parse().unwrap()
}

/// The body of one response.
pub async fn once(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut wire = Wire::open(address).await;
    let (status, body) = wire.call(request).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    body.to_vec()
}

/// Many connections at once, each sending the next request after its response.
pub async fn run(
    address: SocketAddr,
    connections: usize,
    span: Duration,
    request: impl Fn(usize) -> Vec<u8>,
) -> Load {
    run_each(address, span, (0..connections).map(|n| vec![request(n)]).collect()).await
}

/// As [`run`]: each connection sends its requests in turn.
pub async fn run_each(address: SocketAddr, span: Duration, requests: Vec<Vec<Vec<u8>>>) -> Load {
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for own in requests {
        tasks.spawn(async move {
            let mut wire = Wire::open(address).await;
            let mut tenths = Tenths::new();
            for request in own.iter().cycle() {
                if began.elapsed() >= span {
                    break;
                }
                let sent = Instant::now();
                let (status, body) = wire.call(request).await;
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
                *tenths.entry(sent.elapsed().as_micros() / 100).or_default() += 1;
            }
            tenths
        });
    }
    finish(tasks, began).await
}

/// A request with this refresh token.
pub fn refresh_request(token: &str) -> Vec<u8> {
    post("/v1/auth/refresh", &serde_json::json!({ "refreshToken": token }).to_string())
}

/// One refresh chain for each token. Returns the tokens that they end with.
pub async fn refresh(
    address: SocketAddr,
    tokens: Vec<String>,
    span: Duration,
) -> (Load, Vec<String>) {
    let began = Instant::now();
    let last = Arc::new(Mutex::new(vec![String::new(); tokens.len()]));
    let mut tasks = tokio::task::JoinSet::new();
    for (n, mut token) in tokens.into_iter().enumerate() {
        let last = last.clone();
        tasks.spawn(async move {
            let mut wire = Wire::open(address).await;
            let mut tenths = Tenths::new();
            while began.elapsed() < span {
                let sent = Instant::now();
                let (status, body) = wire.call(&refresh_request(&token)).await;
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
                let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
                answer["data"]["refreshToken"].as_str().unwrap().clone_into(&mut token);
                *tenths.entry(sent.elapsed().as_micros() / 100).or_default() += 1;
            }
            last.lock().unwrap()[n] = token;
            tenths
        });
    }
    let load = finish(tasks, began).await;
    let tokens = std::mem::take(&mut *last.lock().unwrap());
    (load, tokens)
}

async fn finish(mut tasks: tokio::task::JoinSet<Tenths>, began: Instant) -> Load {
    let mut tenths = Tenths::new();
    while let Some(more) = tasks.join_next().await {
        for (span, calls) in more.unwrap() {
            *tenths.entry(span).or_default() += calls;
        }
    }
    let calls = tenths.values().sum();
    Load { calls, per_second: calls as f64 / began.elapsed().as_secs_f64(), tenths }
}
