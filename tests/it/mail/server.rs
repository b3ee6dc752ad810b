//! A mail server that responds by a script and records what it receives.

use std::sync::{Arc, Mutex};

use authd::config::{Protection, Smtp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The replies to lines that begin with a word; the last matching rule counts. An empty reply is
/// silence, `bye` closes the connection.
pub type Rules = Vec<(&'static str, &'static str)>;

pub struct Server {
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, connections) =
            (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<usize>>::default());
        let (log, count) = (heard.clone(), connections.clone());
        let rules = Arc::new(rules);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(talk(stream, rules.clone(), log.clone()));
            }
        });
        Self { port, heard, connections }
    }

    pub fn config(&self) -> Smtp {
        Smtp {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            protection: Protection::None,
            login: None,
        }
    }

    pub fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn answer(rules: &Rules, line: &str) -> &'static str {
    let usual = [
        ("connect", "220 mx.example ESMTP"),
        ("EHLO", "250-mx.example hello\r\n250-AUTH PLAIN\r\n250 8BITMIME"),
        ("AUTH", "235 welcome"),
        ("MAIL", "250 sender ok"),
        ("RCPT", "250 recipient ok"),
        ("DATA", "354 go ahead"),
        (".", "250 queued as 42"),
        ("QUIT", "221 bye"),
    ];
    let fits = |rule: &&(&str, &'static str)| line.starts_with(rule.0);
    rules
        .iter()
        .rev()
        .find(fits)
        .or_else(|| usual.iter().find(fits))
        .map_or("500 what?", |rule| rule.1)
}

async fn talk(stream: TcpStream, rules: Arc<Rules>, heard: Arc<Mutex<Vec<String>>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut in_data = false;
    let mut next = Some("connect".to_owned());
    while let Some(line) = next {
        if !in_data || line == "." {
            in_data = line.starts_with("DATA");
            match answer(&rules, &line) {
                "" => {}
                "bye" => return,
                words => writer.write_all(format!("{words}\r\n").as_bytes()).await.unwrap_or(()),
            }
        }
        heard.lock().unwrap().push(line);
        next = lines.next_line().await.ok().flatten();
    }
}
