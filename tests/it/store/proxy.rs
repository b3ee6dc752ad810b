//! A proxy between the store and a PostgreSQL server that cuts connections where a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
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

pub struct Proxy {
    pub port: u16,
    plan: Plan,
    server: Arc<AtomicU16>,
}

impl Proxy {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Plan::default();
        let shared = plan.clone();
        let server = Arc::new(AtomicU16::new(server));
        let target = server.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), plan) = (client, shared.clone()) else { return };
                let server = target.load(Ordering::SeqCst);
                thread::spawn(move || forward(client, server, &plan));
            }
        });
        Self { port, plan, server }
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

fn forward(mut client: TcpStream, server: u16, plan: &Plan) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let lost = Arc::new(Mutex::new(false));
    let (mut from, mut back, is_lost) =
        (server.try_clone().unwrap(), client.try_clone().unwrap(), lost.clone());
    let answers = thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
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
        let cut = plan
            .lock()
            .unwrap()
            .take_if(|(_, at)| sent.windows(at.len()).any(|window| window == *at))
            .map(|(cut, _)| cut);
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
