//! The Debian package: built from the program under test, and installed, upgraded, removed and purged
//! in a copy of this system that is gone afterwards. And what the server says to systemd.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::debian::SystemCopy;
use crate::process::{CHEAP, Folder, Running};
use crate::tools::{missing, succeed};

/// Runs in a copy of this system.
const LIFE_OF_A_PACKAGE: &str = r#"
set -eu
dpkg -i /exchange/old/*.deb
authd --version
test "$(stat -c '%a %U' /var/lib/authd)" = "700 authd"
test "$(stat -c '%a %G' /etc/authd/authd.env)" = "640 authd"
test -s /usr/share/man/man1/authd-user-create.1.gz
test -s /usr/share/bash-completion/completions/authd
grep -q '^ExecStart=/usr/bin/authd serve' /usr/lib/systemd/system/authd.service
grep -q '^Type=notify' /usr/lib/systemd/system/authd.service
# The unit is valid, apart from what this machine lacks.
systemd-analyze verify /usr/lib/systemd/system/authd.service 2>&1 | tee /tmp/verified
! grep -i 'authd.service.*unknown' /tmp/verified

sed -i 's/^name = "Example"/name = "Mine"/' /etc/authd/authd.toml
cat >/tmp/serve.sh <<'SERVE'
cd /var/lib/authd
authd serve --json --config /etc/authd/authd.toml --env-file /etc/authd/authd.env --set server.listen=127.0.0.1:0 \
  --ready-file /var/lib/authd/ready.json &
until [ -e ready.json ]; do sleep 0.1; done
authd user create --config /etc/authd/authd.toml --email "$1@example.com" --verified --password-stdin <<PASSWORD
Correct-Horse-7-Battery
PASSWORD
kill %1
wait
SERVE
as_service() { setpriv --reuid authd --regid authd --clear-groups bash /tmp/serve.sh "$1"; }
as_service first

dpkg -i --force-confdef --force-confold /exchange/new/*.deb
test "$(dpkg-query -f '${Version}' -W authd)" = 0.1.0-2
grep -q '^name = "Mine"' /etc/authd/authd.toml
as_service second
test "$(cd /var/lib/authd && setpriv --reuid authd --regid authd --clear-groups authd user list \
  --config /etc/authd/authd.toml --json | grep -o '@example.com' | wc -l)" -ge 2

dpkg -r authd
test ! -e /usr/bin/authd
test ! -e /usr/lib/systemd/system/authd.service
test -e /etc/authd/authd.toml
test -e /var/lib/authd/authd.db

dpkg -P authd | tee /tmp/purged
test ! -e /etc/authd
grep -q 'left in /var/lib/authd' /tmp/purged
test -e /var/lib/authd/authd.db
test -e /var/lib/authd/authd.key
echo lived
"#;

#[test]
fn the_debian_package_is_installed_upgraded_removed_and_purged() {
    let copy = match SystemCopy::new() {
        Ok(copy) => copy,
        Err(tool) => return missing("the Debian package", tool),
    };
    for package in copy.add_packages() {
        let fields = succeed(Command::new("dpkg-deb").arg("-f").arg(&package));
        let folder = package.parent().unwrap().file_name().unwrap();
        let version = if folder == "old" { "0.1.0-1" } else { "0.1.0-2" };
        assert!(fields.contains(&format!("Version: {version}\n")), "{fields}");
        assert!(fields.contains("Depends: libc6 "), "{fields}");
    }
    let said = copy.run(LIFE_OF_A_PACKAGE);
    assert!(said.ends_with("lived\n"), "{said}");
}

/// The server says to a service manager that it is ready, alive and stopping.
#[test]
fn the_service_manager_learns_how_the_server_is() {
    let folder = Folder::new();
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let next = || {
        let mut state = [0; 64];
        let length = socket.recv(&mut state).unwrap();
        String::from_utf8_lossy(&state[..length]).into_owned()
    };
    let mut serve = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    serve.args(CHEAP).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    serve.stdout(Stdio::null()).stderr(Stdio::null());
    let server = Running(serve.spawn().unwrap());
    assert_eq!(next(), "READY=1");
    for _ in 0..3 {
        assert_eq!(next(), "WATCHDOG=1");
    }
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    let states: Vec<String> =
        std::iter::repeat_with(next).take_while(|state| state != "STOPPING=1").collect();
    assert!(states.iter().all(|state| state == "WATCHDOG=1"), "{states:?}");
}

#[test]
fn nothing_is_said_where_no_service_manager_listens() {
    let folder = Folder::new();
    for (name, value) in
        [("NOTIFY_SOCKET", "/no/such/socket"), ("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "1")]
    {
        let mut serve = folder.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        serve.args(CHEAP).env(name, value).stderr(Stdio::null());
        let mut server = Running(serve.spawn().unwrap());
        let mut line = String::new();
        let mut out = std::io::BufReader::new(server.0.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert!(line.contains("\"address\""), "{line}");
    }
}
