//! `examples/deploy/Dockerfile`, held against the sources and the real program; no test builds it, because
//! its base comes over the network. And `Dockerfile.static`, built and run with buildah.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::Running;
use crate::tools::{is_here, missing, succeed};

fn dockerfile() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/Dockerfile");
    std::fs::read_to_string(path).unwrap()
}

/// The words of an instruction that is written as a JSON array.
fn words(text: &str, instruction: &str) -> Vec<String> {
    let line = text.lines().filter_map(|line| line.strip_prefix(instruction)).next_back().unwrap();
    serde_json::from_str(line).unwrap()
}

/// A command with the program on its path, as in the image.
fn in_the_image(command: &[String]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_authd")).parent().unwrap();
    let mut run = Command::new(&command[0]);
    run.args(&command[1..]).env_remove("AUTHD_LISTEN");
    run.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    run
}

#[test]
fn the_image_has_what_the_build_reads_and_a_user_who_owns_the_data() {
    let (text, sources) = (dockerfile(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let copied: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
        .flat_map(|line| {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            words[..words.len() - 1].to_vec()
        })
        .collect();
    for path in &copied {
        assert!(sources.join(path).exists(), "{path}");
    }
    for needed in [".cargo", "src", "static", "benches", "scripts"] {
        assert!(copied.contains(&needed), "{needed}: {copied:?}");
    }
    // A file in the root of the sources is for the build, unless it is one of these.
    let others =
        ["LICENSE", "clippy.toml", "deny.toml", "justfile", "rust-toolchain.toml", "rustfmt.toml"];
    for entry in std::fs::read_dir(sources).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let is_other = others.contains(&&*name)
            || name.starts_with('.')
            || Path::new(&name).extension().is_some_and(|extension| extension == "md");
        if entry.file_type().unwrap().is_file() && !is_other {
            assert!(copied.contains(&&*name), "{name}: {copied:?}");
        }
    }
    let version = include_str!("../../Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap();
    assert!(text.contains(&format!("FROM rust:{}-", version.trim_matches('"'))), "{version}");
    assert!(text.contains("COPY --from=build /src/target/release/authd /usr/local/bin/authd\n"));
    for line in ["USER authd", "WORKDIR /data", "VOLUME /data"] {
        assert!(text.lines().any(|one| one == line), "{line}");
    }
    assert!(text.contains("useradd --system --uid 10001") && text.contains("-o authd"), "{text}");
}

#[test]
fn the_image_listens_where_it_is_asked() {
    let entry = words(&dockerfile(), "ENTRYPOINT ");
    for (variables, expected) in [
        (&[][..], "0.0.0.0:3000"),
        (&[("PORT", "8080")], "0.0.0.0:8080"),
        (&[("PORT", "8080"), ("AUTHD_LISTEN", "0.0.0.0:9")], "0.0.0.0:9"),
    ] {
        let mut shell = in_the_image(&entry);
        shell.args(["/usr/bin/env", "sh", "-c", "echo $AUTHD_LISTEN"]);
        let said = succeed(shell.envs(variables.iter().copied()));
        assert_eq!(said.trim(), expected);
    }
}

#[test]
fn the_commands_of_the_image_start_the_program_and_say_whether_it_is_well() {
    let (text, data) = (dockerfile(), TempDir::new().unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (_, check) = text.split_once("HEALTHCHECK ").unwrap();
    let check = check.split_once("CMD ").unwrap().1.lines().next().unwrap();
    let check = ["/bin/sh", "-c", check].map(str::to_owned);
    let is_well = || {
        let mut health = in_the_image(&check);
        health.current_dir(data.path()).env("PORT", &port).stdout(Stdio::null());
        health.stderr(Stdio::null()).status().unwrap().success()
    };
    let start = [words(&text, "ENTRYPOINT "), words(&text, "CMD ")].concat();
    let mut server = in_the_image(&start);
    // The image listens on all interfaces; a test does not.
    server.env("AUTHD_LISTEN", format!("127.0.0.1:{port}")).current_dir(data.path());
    let mut server = Running(server.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut out = BufReader::new(server.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.contains("serves profile standard"), "{line}");
    assert!(is_well());
    // The shell of the entry point has become the server, which gets the signals of the container.
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
    assert!(!is_well());
}

/// Images and containers of buildah, in a folder that is gone afterwards.
struct Buildah(TempDir);

impl Buildah {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.0.path().join("root"));
        command.arg("--runroot").arg(self.0.path().join("run"));
        command.args(["--storage-driver", "vfs"]).args(arguments).current_dir(self.0.path());
        command
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        succeed(&mut self.command(arguments)).trim().to_owned()
    }

    /// Builds an image from this file in the folder.
    fn build(&self, file: &str, base: &str, name: &str) {
        let base = format!("BASE={base}");
        let build = ["bud", "-q", "--isolation", "chroot", "--format", "docker"];
        let of = ["--build-arg", &base, "-f", file, "-t", name, "."];
        self.succeed(&[&build[..], &of].concat());
    }
}

/// Copies the shared libraries of the program, which a static one does not have, to where it looks for
/// them.
fn copy_libraries(program: &Path, to: &Path) {
    let listed = Command::new("ldd").arg(program).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    for path in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = to.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(path, copy).unwrap();
    }
}

#[test]
fn the_small_image_is_built_and_runs_without_a_superuser_inside() {
    if !is_here("buildah") {
        return missing("the small image", "buildah");
    }
    if !rustix::process::getuid().is_root() {
        return missing("the small image", "a superuser");
    }
    let buildah = Buildah(TempDir::new().unwrap());
    let (folder, program) = (buildah.0.path(), Path::new(env!("CARGO_BIN_EXE_authd")));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["data", "libraries"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    succeed(Command::new("strip").arg("-o").arg(folder.join("authd")).arg(program));
    std::fs::copy(sources.join("examples/deploy/Dockerfile.static"), folder.join("small")).unwrap();
    // The program under test is not static: what it needs is below the layer of the image.
    copy_libraries(program, &folder.join("libraries"));
    std::fs::write(folder.join("base"), "FROM scratch\nCOPY libraries /\n").unwrap();
    buildah.build("base", "scratch", "libraries");
    buildah.build("small", "localhost/libraries", "authd");
    let image = buildah.succeed(&["inspect", "--type", "image", "localhost/authd"]);
    let image: serde_json::Value = serde_json::from_str(&image).unwrap();
    let config = &image["Docker"]["config"];
    assert_eq!(config["Healthcheck"]["Test"], serde_json::json!(["CMD", "authd", "health"]));
    assert_eq!(config["User"], "10001:10001");

    let container = buildah.succeed(&["from", "localhost/authd"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The image listens on all interfaces; a test does not.
    let listen = format!("AUTHD_LISTEN=127.0.0.1:{port}");
    let run = ["run", "--isolation", "chroot", "--env", &listen, &container, "authd"];
    let mut server = buildah.command(&[&run[..], &["serve"]].concat());
    let mut server = Running(server.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut out = BufReader::new(server.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.contains("serves profile standard"), "{line}");
    assert_eq!(buildah.succeed(&[&run[..], &["health"]].concat()), "ready");
    assert!(buildah.succeed(&[&run[..], &["key", "list"]].concat()).contains("es256-"));
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    server.0.wait().unwrap();
}
