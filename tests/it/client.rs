//! The client for browsers and its React binding: what is committed is what the sources make, the
//! file is served and small, and the client works in Node, in pages and over tabs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chromium::Browser;
use crate::examples::{example, send, serve_files};
use crate::process::{CHEAP, Folder, Server};
use crate::support::{app, app_with};
use crate::tools::{installed, is_here, missing, succeed};

/// The most bytes of the client over the wire.
const LARGEST: usize = 8000;
const PASSWORD: &str = "correct-horse-staple-7";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The tools that build the client, or a reason why not.
fn tools(scenario: &str) -> Option<PathBuf> {
    let tools = installed("sdk").filter(|_| is_here("node"));
    if tools.is_none() {
        missing(scenario, "node with esbuild and typescript");
    }
    tools
}

/// Compares a committed file with what its sources make; replaces it if `INSTA_UPDATE=always` is
/// set, as for snapshots.
#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
fn compare(path: &Path, made: &str) {
    let committed = fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        return fs::write(path, made).unwrap();
    }
    assert!(committed == made, "{} is stale: repeat with INSTA_UPDATE=always", path.display());
}

/// All files under a folder, by their path in it.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(folder).unwrap().to_owned(), text));
            }
        }
    }
    found
}

#[test]
fn what_is_committed_is_what_the_sources_make() {
    if tools("the build of the client").is_none() {
        return;
    }
    let out = TempDir::new().unwrap();
    succeed(Command::new(root().join("sdk/build")).arg(out.path()));
    let made = files(out.path());
    assert!(made.len() >= 8, "{made:?}");
    for (path, text) in made {
        compare(&root().join("sdk").join(path), &text);
    }
}

#[test]
fn the_types_are_those_of_the_openapi_document() {
    let Some(tools) = tools("the types of the client") else { return };
    let folder = Folder::new();
    fs::write(folder.path("v1.json"), folder.run(&["openapi", "v1"]).out).unwrap();
    let mut types = Command::new("node");
    types.arg(root().join("sdk/types.mjs")).arg(folder.path("v1.json")).env("TOOLS", tools);
    let made = succeed(&mut types);
    compare(&root().join("sdk/js/types/v1.d.ts"), &made);
}

#[test]
fn the_react_binding_is_small() {
    let source = fs::read_to_string(root().join("sdk/react/src/index.ts")).unwrap();
    assert!(source.lines().count() <= 60);
}

#[tokio::test]
async fn the_client_is_served_small_and_kept_by_browsers() {
    let origin = "https://app.example.com";
    let set = [("server.cors_origins", origin), ("limits.general.count", "1")];
    let app = app_with("standard", &set).await;
    let get = || app.get("/authd.js").header("origin", origin);
    let plain = get().ok(200).await;
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.text, fs::read_to_string(root().join("sdk/js/authd.js")).unwrap());
    assert_eq!(plain.header("access-control-allow-origin"), origin);
    let kept = get().header("if-none-match", plain.header("etag")).send().await;
    assert_eq!((kept.status.as_u16(), kept.text.as_str()), (304, ""));
    let foreign = app.get("/authd.js").header("origin", "https://evil.example").ok(200).await;
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    app.post("/authd.js", &json!({})).refused(405, "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn the_client_weighs_at_most_8_kb() {
    let app = app().await;
    let server = app.listen().await;
    let url = server.url("/authd.js");
    let figures = "%{size_download} %header{content-encoding}";
    let curl = ["-sS", "--compressed", "-o", "/dev/null", "-w", figures, url.as_str()];
    if !is_here("curl") {
        return missing("the weight of the client", "curl");
    }
    let sent = tokio::process::Command::new("curl").args(curl).output().await.unwrap().stdout;
    let sent = String::from_utf8(sent).unwrap();
    let size: usize = sent.strip_suffix(" gzip").unwrap().parse().unwrap();
    assert!((1000..=LARGEST).contains(&size), "{size} bytes");
}

/// A server in test mode for pages of this origin.
fn serve(folder: &Folder, origin: &str) -> Server {
    serve_with(folder, origin, &[])
}

fn serve_with(folder: &Folder, origin: &str, more: &[&str]) -> Server {
    let origins = format!("server.cors_origins=[\"{origin}\"]");
    let test = ["--test", "--set", &origins, "--set", "limits.refresh=off"];
    folder.serve(&[&test[..], &CHEAP, more].concat())
}

fn user(server: &Server, new: &Value) -> Value {
    let made = server.post("/test/users", new).unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

#[test]
fn the_client_works_in_node() {
    if !is_here("node") {
        return missing("the client in Node", "node");
    }
    let folder = Folder::new();
    let server = serve(&folder, "http://localhost:8000");
    let mut test = Command::new("node");
    test.arg("--test").arg(root().join("sdk/js/test/client.test.mjs"));
    succeed(test.env("AUTHD", server.greeting["url"].as_str().unwrap()));
}

/// The parts of an example's page.
struct Page {
    login: &'static str,
    factor: &'static str,
    logout: &'static str,
}

/// Logs in with a second factor, reloads, and logs out in one of two tabs.
fn drive(browser: &Browser, folder: PathBuf, page: &Page) {
    let api = Arc::default();
    let origin = serve_files(folder, &api);
    let authd = Folder::new();
    let server = serve(&authd, &origin);
    api.set(server.greeting["url"].as_str().unwrap().to_owned()).unwrap();
    let jo = user(
        &server,
        &json!({ "email": "jo@example.com", "password": PASSWORD, "factor": "totp" }),
    );
    browser.go(&origin);
    browser.sees("h1", "Welcome");
    let wrong = [("email", "jo@example.com"), ("password", "not the password")];
    send(browser, page.login, &wrong, "button");
    assert!(browser.wait("[role=status]:not(:empty)").starts_with("Wrong email/username"));
    send(browser, page.login, &[wrong[0], ("password", PASSWORD)], "button");
    browser.wait(&format!("{} [name=code]", page.factor));
    let code = jo["totp"]["code"].as_str().unwrap();
    send(browser, page.factor, &[("code", code)], "button");
    browser.sees("h1", "Your account");
    assert!(browser.wait("main").contains("jo@example.com"));
    assert_eq!(browser.run("return document.cookie + localStorage.length"), "0");

    browser.go(&origin);
    browser.sees("h1", "Your account");
    let first = browser.tab();
    browser.open_tab();
    browser.go(&origin);
    browser.sees("h1", "Your account");
    let second = browser.tab();
    browser.to_tab(&first);
    browser.click(page.logout);
    browser.sees("h1", "Welcome");
    browser.to_tab(&second);
    browser.sees("h1", "Welcome");
    browser.go(&origin);
    browser.sees("h1", "Welcome");

    // A login in one tab is one in the other, also of another account.
    user(&server, &json!({ "email": "ann@example.com", "password": PASSWORD }));
    send(browser, page.login, &[("email", "ann@example.com"), ("password", PASSWORD)], "button");
    browser.sees("h1", "Your account");
    browser.to_tab(&first);
    browser.sees("h1", "Your account");
    assert!(browser.wait("main").contains("ann@example.com"));
}

#[test]
fn the_example_for_browsers_keeps_its_session_over_reloads_and_tabs() {
    let Some(browser) = Browser::open("examples/browser") else { return };
    let page = Page { login: "#outside", factor: "#factor", logout: "#logout" };
    drive(&browser, example("browser"), &page);
}

#[test]
fn the_example_for_react_keeps_its_session_over_reloads_and_tabs() {
    let Some(tools) = tools("examples/react") else { return };
    let Some(browser) = Browser::open("examples/react") else { return };
    let built = TempDir::new().unwrap();
    fs::copy(example("react/index.html"), built.path().join("index.html")).unwrap();
    let modules = tools.join("node_modules");
    let mut esbuild = Command::new(modules.join(".bin/esbuild"));
    esbuild.arg(example("react/src/main.jsx")).args([
        "--bundle",
        "--format=esm",
        "--jsx=automatic",
    ]);
    esbuild.arg(format!("--outfile={}", built.path().join("account.js").display()));
    for (name, file) in [("client", "sdk/js/authd.js"), ("react", "sdk/react/index.js")] {
        esbuild.arg(format!("--alias:@authd/{name}={}", root().join(file).display()));
    }
    succeed(esbuild.env("NODE_PATH", modules));
    let page = Page { login: "form", factor: "form", logout: "section button" };
    drive(&browser, built.path().to_owned(), &page);
}

/// A page with two ways to refresh fifty times: at the same moment as another tab, and at its own pace.
const REFRESHING: &str = r#"<!doctype html><title>tabs</title><h1>loading</h1><script type="module">
import { createClient } from "http://localhost:3000/authd.js";
const client = (window.client = createClient({ url: "http://localhost:3000" }));
const bus = new BroadcastChannel("rounds");
let ahead = 0;
const now = Date.now.bind(Date);
Date.now = () => now() + ahead;
// An hour later the access token has expired.
const refresh = async () => {
  ahead += 3_600_000;
  return !!(await client.accessToken());
};
window.outs = 0;
client.onChange(({ status }) => (window.outs += status === "out"));
let answered;
bus.onmessage = async ({ data }) => (data === "go" ? bus.postMessage(await refresh()) : answered(data));
window.together = async (times) => {
  let both = 0;
  for (let round = 0; round < times; round++) {
    const other = new Promise((resolve) => (answered = resolve));
    bus.postMessage("go");
    const mine = await refresh();
    both += mine && (await other);
  }
  return both;
};
window.alone = async (times) => {
  let done = 0;
  for (let round = 0; round < times; round++) done += await refresh();
  return done;
};
await client.restore();
document.querySelector("h1").textContent = "ready";
</script>"#;

#[test]
fn two_tabs_that_refresh_at_once_fifty_times_are_never_logged_out() {
    let Some(browser) = Browser::open("two tabs") else { return };
    let page = TempDir::new().unwrap();
    fs::write(page.path().join("index.html"), REFRESHING).unwrap();
    let api = Arc::default();
    let origin = serve_files(page.path().to_owned(), &api);
    let folder = Folder::new();
    let server = serve(&folder, &origin);
    api.set(server.greeting["url"].as_str().unwrap().to_owned()).unwrap();
    user(&server, &json!({ "email": "jo@example.com", "password": PASSWORD }));
    let first = browser.tab();
    browser.go(&origin);
    browser.sees("h1", "ready");
    browser.open_tab();
    let second = browser.tab();
    browser.go(&origin);
    browser.sees("h1", "ready");
    let login = format!(
        "return (await client.logIn({{ email: 'jo@example.com', password: '{PASSWORD}' }})).status"
    );
    // Before, both tabs were out.
    for (tab, status) in
        [(&second, login.as_str()), (&first, "return (await client.restore()).status")]
    {
        browser.to_tab(tab);
        assert_eq!(browser.run_async(status), "in");
        browser.run("outs = 0");
    }
    browser.to_tab(&second);

    assert_eq!(browser.run_async("return await together(50)"), 50);
    browser.run("window.running = alone(50)");
    browser.to_tab(&first);
    assert_eq!(browser.run_async("return await alone(50)"), 50);
    browser.to_tab(&second);
    assert_eq!(browser.run_async("return await running"), 50);
    for tab in [&first, &second] {
        browser.to_tab(tab);
        let state = browser.run_async(
            "return [(await client.restore()).status, outs, (await client.call('get', '/users/me/sessions')).length]",
        );
        assert_eq!(state, json!(["in", 0, 1]));
    }
}

/// The client works with passkeys: adding one, logging in by button and by autofill, as second
/// factor and as fresh proof.
#[test]
fn the_client_uses_passkeys() {
    let Some(browser) = Browser::open("passkeys of the client") else { return };
    let (api, authd) = (Arc::default(), Folder::new());
    // Passkeys are bound to a name, not to an address.
    let origin = serve_files(example("browser"), &api);
    let related = format!("webauthn.origins=[\"{origin}\"]");
    let server = serve_with(&authd, &origin, &["--set", &related]);
    let url = server.greeting["url"].as_str().unwrap().to_owned();
    api.set(url.clone()).unwrap();
    let jo = json!({ "email": "jo@example.com", "password": PASSWORD, "factor": "totp" });
    let code = user(&server, &jo)["totp"]["code"].as_str().unwrap().to_owned();
    browser.go(&origin);
    browser.sees("h1", "Welcome");
    browser.add_authenticator(&json!({
        "protocol": "ctap2_1", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
    }));
    send(&browser, "#outside", &[("email", "jo@example.com"), ("password", PASSWORD)], "button");
    send(&browser, "#factor", &[("code", &code)], "button");
    browser.sees("h1", "Your account");
    browser.press("#add-passkey");
    browser.sees("#said", "Your passkey is added.");
    browser.press("#logout");
    browser.sees("h1", "Welcome");
    browser.press("#passkey");
    browser.sees("h1", "Your account");
    browser.press("#logout");
    browser.sees("h1", "Welcome");
    // The virtual authenticator takes up the offer of the autofill by itself.
    browser.go(&origin);
    browser.sees("h1", "Your account");

    let script = |body: &str| {
        format!(
            "const {{ createClient, AuthdError }} = await import('{url}/authd.js');
             const client = createClient({{ url: '{url}', storage: 'memory' }});
             const login = await client.logIn({{ email: 'jo@example.com', password: '{PASSWORD}' }});
             const {{ challenge }} = login;
             {body}"
        )
    };
    let second = "const user = await challenge.passkey();
        const [key] = await client.passkeys();
        const proved = await client.reauthenticate('passkey');
        await client.removePasskey(key.id);
        return [challenge.methods.includes('passkey'), user.email, proved, (await client.passkeys()).length];";
    assert_eq!(browser.run_async(&script(second)), json!([true, "jo@example.com", true, 0]));
    let after = "const refused = await client.logInWithPasskey().catch((error) => error.code);
        return [challenge.methods.includes('passkey'), refused];";
    let after = browser.run_async(&script(after));
    assert_eq!(after[0], false);
    // The device has dropped the key, or the server does not know it.
    assert!(after[1].is_null() || after[1] == "INVALID_PASSKEY", "{after}");
}
