//! A proxy between the store and a PostgreSQL server that cuts connections where a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the proxy does when a client sends a text that contains the bytes of `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never gets it.
    Before,
    /// The server gets it, and its answer is lost.
    After,
}

type Plan = Arc<Mutex<Option<(Cut, &'static [u8])>>>;

/// What a client sends that is held back until the gate opens or is dropped, and who is told of it.
type Hold = Arc<Mutex<Option<(&'static [u8], Sender<()>, Receiver<()>)>>>;

/// What the server says, and what the client gets in its place.
type Change = Arc<Mutex<Option<(String, String)>>>;

pub struct Proxy {
    pub port: u16,
    plan: Plan,
    change: Change,
    hold: Hold,
    server: Arc<AtomicU16>,
}

impl Proxy {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Plan::default();
        let shared = plan.clone();
        let (change, hold) = (Change::default(), Hold::default());
        let (changing, holding) = (change.clone(), hold.clone());
        let server = Arc::new(AtomicU16::new(server));
        let target = server.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (plan, change, hold) = (shared.clone(), changing.clone(), holding.clone());
                let server = target.load(Ordering::SeqCst);
                thread::spawn(move || forward(client, server, (&plan, &hold), change));
            }
        });
        Self { port, plan, change, hold, server }
    }

    /// Holds the next text back that contains this. Returns what says that it came, and the gate.
    pub fn hold(&self, at: &'static [u8]) -> (Receiver<()>, Sender<()>) {
        let ((comes, came), (open, gate)) = (channel(), channel());
        *self.hold.lock().unwrap() = Some((at, comes, gate));
        (came, open)
    }

    /// Changes what the server says from now on into a text of the same length.
    pub fn change_answers(&self, said: String, heard: String) {
        assert_eq!(said.len(), heard.len());
        *self.change.lock().unwrap() = Some((said, heard));
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// Cuts the next connection that sends this, once.
    pub fn cut(&self, cut: Cut, at: &'static [u8]) {
        *self.plan.lock().unwrap() = Some((cut, at));
    }

    /// Whether the planned cut was made.
    pub fn has_cut(&self) -> bool {
        self.plan.lock().unwrap().is_none()
    }
}

fn forward(mut client: TcpStream, server: u16, (plan, hold): (&Plan, &Hold), change: Change) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let lost = Arc::new(Mutex::new(false));
    let (mut from, mut back, is_lost) =
        (server.try_clone().unwrap(), client.try_clone().unwrap(), lost.clone());
    let answers = thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if let Some((said, heard)) = &*change.lock().unwrap() {
                replace(&mut buffer[..count], said.as_bytes(), heard.as_bytes());
            }
            if *is_lost.lock().unwrap() || back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..count];
        let contains = |at: &[u8]| sent.windows(at.len()).any(|window| window == at);
        let held = hold.lock().unwrap().take_if(|(at, ..)| contains(at));
        if let Some((_, comes, gate)) = held {
            let _ = comes.send(());
            let _ = gate.recv();
        }
        let cut = plan.lock().unwrap().take_if(|(_, at)| contains(at)).map(|(cut, _)| cut);
        match cut {
            Some(Cut::Before) => break,
            Some(Cut::After) => *lost.lock().unwrap() = true,
            None => {}
        }
        if server.write_all(sent).is_err() {
            break;
        }
    }
    if !*lost.lock().unwrap() {
        let _ = server.shutdown(Shutdown::Both);
    }
    let _ = answers.join();
}

fn replace(bytes: &mut [u8], said: &[u8], heard: &[u8]) {
    while let Some(at) = bytes.windows(said.len()).position(|window| window == said) {
        bytes[at..at + said.len()].copy_from_slice(heard);
    }
}
