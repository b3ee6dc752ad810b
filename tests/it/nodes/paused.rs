//! A server that stands still for longer than the others wait for it, and then goes on.

use rustix::process::Signal;

use super::*;

/// Waits until the others act without the server at this place.
fn until_gone(nodes: &Nodes, name: &str) {
    until("the others go on without it", || {
        let count = format!("select count(*) from authd_nodes where name = '{name}'");
        nodes.database.texts(&count)[0][0].as_deref() == Some("0")
    });
}

fn name_of(nodes: &Nodes, at: usize) -> String {
    let process = nodes.servers[at].child.id();
    let names = nodes.database.texts("select name from authd_nodes");
    let mut names = names.into_iter().filter_map(|mut row| row.remove(0));
    names.find(|name| name.ends_with(&format!("/{process}"))).unwrap()
}

#[test]
fn one_that_stood_still_comes_back_and_no_longer_acts_for_all() {
    let Some(nodes) = Nodes::start("a pause", 2, &["metrics.enabled=true"]) else { return };
    let tokens = nodes.enter(0, "ada");
    until("one acts for all", || nodes.leader().is_some());
    let (first, at) = nodes.leader().unwrap();
    let name = name_of(&nodes, at);
    nodes.servers[at].signal(Signal::STOP);
    until("another one does", || nodes.leader().is_some_and(|(id, _)| id != first));
    until_gone(&nodes, &name);
    nodes.servers[at].signal(Signal::CONT);
    // From its first answer on it does not think that it acts for all.
    let leads = || {
        let figures = nodes.client(at).ask("GET", "/metrics", "", None).unwrap().text;
        figures.lines().any(|line| line == "authd_server_leads 1")
    };
    assert!(!leads());
    until("it is back", || nodes.database.texts("select id from authd_nodes").len() == 2);
    assert!(!leads());
    assert_ne!(nodes.leader().unwrap().1, at);
    // What it remembers of sessions counts for nothing after the pause.
    assert_eq!(nodes.check(at, &tokens), 200);
    let body = json!({ "refreshToken": tokens.refresh });
    assert!(nodes.post(1 - at, "/v1/auth/logout", &body).status < 300);
    assert_eq!(nodes.check(at, &tokens), 401);
}

/// A mail server that keeps a client waiting for the greeting until its gate opens.
struct SlowGreeting {
    port: u16,
    accepted: Arc<Mutex<Vec<String>>>,
    gates: Receiver<Sender<()>>,
}

impl SlowGreeting {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::<Mutex<Vec<String>>>::default();
        let (openers, gates) = channel();
        let log = accepted.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (open, gate) = channel::<()>();
                let log = log.clone();
                let _ = openers.send(open);
                thread::spawn(move || {
                    let _ = gate.recv();
                    // Each letter is accepted at once.
                    let (offers, _offered) = channel();
                    let (openers, gates) = channel::<Sender<()>>();
                    thread::spawn(move || {
                        for open in gates {
                            open.send(()).unwrap_or_default();
                        }
                    });
                    talk(&stream, &log, &offers, &openers)
                });
            }
        });
        Self { port, accepted, gates }
    }

    fn next(&self) -> Sender<()> {
        self.gates.recv_timeout(PATIENCE).expect("a connection")
    }

    /// Greets everybody until this holds.
    fn greet_until(&self, what: &str, holds: impl Fn() -> bool) {
        until(what, || {
            self.gates.try_iter().for_each(|gate| gate.send(()).unwrap_or_default());
            holds()
        });
    }
}

#[test]
fn one_that_stood_still_while_it_sent_a_letter_does_not_send_it_after_another_did() {
    let mail = SlowGreeting::start();
    let smtp = format!("mail.smtp_url=smtp://127.0.0.1:{}", mail.port);
    let set = [smtp.as_str(), "mail.from=authd@example.com", "limits.mail_client=off"];
    let Some(nodes) = Nodes::start("a pause with a letter", 2, &set) else { return };
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(nodes.post(0, "/v1/auth/register", &body).status, 201);
    let waits = || {
        nodes.database.texts("select count(*) from outbox where state in ('requested', 'waiting')")
            [0][0]
            .clone()
    };
    mail.greet_until("letters before are out of the way", || waits().as_deref() == Some("0"));
    mail.accepted.lock().unwrap().clear();
    let body = json!({ "email": "ada@example.com" });
    assert!(nodes.post(0, "/v1/auth/forgot-password", &body).status < 300);
    let gate = mail.next();
    let claimed = nodes.database.texts(
        "select n.name from outbox o join authd_nodes n on n.id = o.claimed_by where o.state = 'waiting'",
    );
    let name = claimed[0][0].clone().unwrap();
    let at = (0..2).find(|at| name_of(&nodes, *at) == name).unwrap();
    nodes.servers[at].signal(Signal::STOP);
    // The other one takes the letter over, and delivers it.
    mail.greet_until("it is delivered", || waits().as_deref() == Some("0"));
    assert_eq!(mail.accepted.lock().unwrap().len(), 1);
    // The mail server greets the first one now, which has just come back.
    gate.send(()).unwrap();
    nodes.servers[at].signal(Signal::CONT);
    until("it is back", || nodes.database.texts("select id from authd_nodes").len() == 2);
    // A letter that it sends itself shows that it is through with the other one.
    let delivered = "select count(*) from outbox where state = 'delivered'";
    let before = nodes.database.texts(delivered);
    nodes.servers[1 - at].signal(Signal::STOP);
    let body = json!({ "email": "ada@example.com" });
    assert!(nodes.post(at, "/v1/auth/forgot-password", &body).status < 300);
    mail.greet_until("its own letter is delivered", || nodes.database.texts(delivered) != before);
    assert_eq!(mail.accepted.lock().unwrap().len(), 2);
    nodes.servers[1 - at].signal(Signal::CONT);
}
