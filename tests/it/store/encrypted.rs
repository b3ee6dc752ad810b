//! Connections to PostgreSQL that are encrypted: only the right server gets the password.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;
use crate::cluster::{self, Cluster, place};
use crate::tools;

/// Makes an authority and a certificate of `localhost` by it.
fn certificates(folder: &Path) {
    let run = |arguments: &str| {
        let mut command = Command::new("openssl");
        tools::succeed(command.args(arguments.split(' ')).current_dir(folder));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for authority in ["ca", "other"] {
        run(&format!(
            "req -x509 {key} -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem \
             -addext keyUsage=critical,keyCertSign"
        ));
    }
    run(&format!(
        "req {key} -subj /CN=localhost -keyout server.key -out server.csr -addext subjectAltName=DNS:localhost"
    ));
    run(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -copy_extensions copy",
    );
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder, 0o755);
    mode(&folder.join("server.key"), 0o600);
    if rustix::process::getuid().is_root() {
        tools::succeed(Command::new("chown").arg("postgres").arg(folder.join("server.key")));
    }
}

#[tokio::test]
async fn a_server_must_have_a_certificate_of_its_name_by_the_named_authority() {
    if cluster::shared("encrypted connections").is_none() {
        return;
    }
    if Command::new("openssl").arg("version").output().is_err() {
        return tools::missing("encrypted connections", "openssl");
    }
    let programs = cluster::programs().unwrap();
    if !cluster::speaks_tls(&programs) {
        return tools::skip("encrypted connections", "this build of PostgreSQL has no TLS");
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
    );
    let options = ["-c", "ssl=on", "-c", &certificate, "-c", &key];
    let server = Cluster::start(&programs, &options);
    let url = |host: &str, more: &str| {
        format!("postgres://authd@{host}:{}/postgres?sslmode=verify-full{more}", server.port)
    };
    let opened = |url: &str| Store::open(&place(url), ProcessRole::Server, &Env::real());
    let ours = format!("&sslrootcert={}", file("ca.pem"));
    for (url, message) in [
        (url("localhost", ""), "UnknownIssuer"),
        (
            url("localhost", &format!("&sslrootcert={}", file("other.pem"))),
            "invalid peer certificate",
        ),
        (url("127.0.0.1", &ours), "not valid for name"),
        (url("localhost", "&sslrootcert=/nowhere.pem"), "sslrootcert /nowhere.pem"),
        (
            url("localhost", &format!("&sslrootcert={}", file("server.key"))),
            "it has no certificate",
        ),
    ] {
        let refused = opened(&url).err().expect("it should be refused").chain();
        assert!(refused.contains(message), "{url}: {refused}");
    }
    let store = opened(&url("localhost", &ours)).unwrap();
    store.write(keep("a", 1)).await.unwrap();
    assert_eq!(names(&store).await, ["a"]);
    assert!(store.notes().is_empty());
}
