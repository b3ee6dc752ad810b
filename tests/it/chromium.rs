//! A real browser, if installed: Debian's Chromium, controlled through its own driver (W3C
//! `WebDriver` over plain HTTP). Implements only what the scenarios need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools::{is_here, missing};

/// How often is looked for what a page does not have yet, and the pause before each look: at least as
/// long as the driver waits.
const LOOKS: u32 = 6000;
const PAUSE: Duration = Duration::from_millis(10);
/// How long the driver waits for an element, a script or a page, in milliseconds.
const WAIT: u64 = 60_000;

/// How often the driver is started again if it cannot have its port, or cannot start the browser.
const STARTS: u32 = 10;

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// Whether pages may run JavaScript.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Script {
    On,
    Off,
}

/// The color scheme that the user prefers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Day,
    Night,
}

/// One browser window with an empty profile; closes when dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Kept open, because the driver exits when its output pipe closes.
    _said: BufReader<ChildStdout>,
    _profile: TempDir,
}

impl Browser {
    /// Opens a desktop-sized window, or prints why it cannot.
    pub fn open(scenario: &str) -> Option<Self> {
        Self::start(
            scenario,
            |profile| json!({ "args": flags(profile, &["--window-size=1280,1000"]) }),
        )
    }

    /// Opens a window of this width, with or without JavaScript, in the light or dark scheme.
    pub fn open_as(scenario: &str, script: Script, light: Light, width: u32) -> Option<Self> {
        let light = format!("preferredColorScheme={}", u8::from(light == Light::Day));
        let script = if script == Script::Off { ",scriptEnabled=false" } else { "" };
        let settings = format!("--blink-settings={light}{script}");
        // Without touch: the driver waits forever for a tap if pages may not run JavaScript.
        let window = json!({ "width": width, "height": 780, "pixelRatio": 2, "touch": false });
        let emulation = json!({ "deviceMetrics": window });
        Self::start(
            scenario,
            |profile| json!({ "args": flags(profile, &[&settings]), "mobileEmulation": emulation }),
        )
    }

    fn start(scenario: &str, options: impl Fn(&Path) -> Value) -> Option<Self> {
        if !is_here("chromedriver") || !is_here("chromium") {
            missing(scenario, "chromium with chromedriver");
            return None;
        }
        let mut said = Value::Null;
        for _ in 0..STARTS {
            let (driver, output, port) = start_driver();
            let profile = TempDir::new().unwrap();
            let wanted = json!({ "capabilities": { "alwaysMatch": {
                "goog:chromeOptions": options(profile.path()),
                "goog:loggingPrefs": { "browser": "ALL" },
                "webauthn:virtualAuthenticators": true,
                "timeouts": { "implicit": WAIT, "script": WAIT, "pageLoad": WAIT },
            } } });
            let session = String::new();
            let mut browser = Self { driver, port, session, _said: output, _profile: profile };
            said = browser.try_ask("POST", "/session", &wanted).unwrap();
            if let Some(id) = said["sessionId"].as_str() {
                browser.session = format!("/session/{id}");
                return Some(browser);
            }
        }
        panic!("the browser does not start: {said}");
    }

    /// Opens an address.
    pub fn go(&self, url: &str) {
        self.tell("/url", &json!({ "url": url }));
    }

    /// Waits until an element matches this CSS selector, and returns its text.
    pub fn wait(&self, selector: &str) -> String {
        self.on("GET", selector, "text", &Value::Null).as_str().unwrap().to_owned()
    }

    /// Waits until an element has this text, because the next page may take a moment to load.
    pub fn sees(&self, selector: &str, expected: &str) {
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            let text = format!("{}/text", self.find(selector));
            // While the page is being replaced, there is nothing to read.
            last = self.try_ask("GET", &text, &Value::Null).unwrap();
            if last == expected {
                return;
            }
            sleep(PAUSE);
        }
        panic!("expected {expected:?} in {selector}, came {last}");
    }

    /// Waits for an element and clicks it as a user would. Where the click leads to another page, and
    /// that page is not waited for next, use [`Browser::follow`].
    pub fn press(&self, selector: &str) {
        self.on("POST", selector, "click", &json!({}));
    }

    /// Clicks what leads to another page, and waits until this one is left. A click may return before,
    /// so that what comes next would still find the elements of this page.
    pub fn follow(&self, selector: &str) {
        self.leave(|| self.press(selector));
    }

    /// Does what leads to another page, and waits until this one is left.
    pub fn leave(&self, act: impl FnOnce()) {
        let before = format!("{}/name", self.find("html"));
        act();
        for _ in 0..LOOKS {
            if is_replaced(&self.try_ask("GET", &before, &Value::Null).unwrap()) {
                return;
            }
            sleep(PAUSE);
        }
        panic!("the page was not left");
    }

    /// Waits for an element and clicks it by script, wherever it is.
    pub fn click(&self, selector: &str) {
        self.wait(selector);
        self.run(&format!("document.querySelector({}).click()", Value::from(selector)));
    }

    /// Presses keys in an element; `\u{e007}` is Enter, `\u{e004}` is Tab.
    pub fn keys(&self, selector: &str, keys: &str) {
        self.on("POST", selector, "value", &json!({ "text": keys }));
    }

    /// Presses keys where the focus is, as a person without a mouse does.
    pub fn type_keys(&self, keys: &str) {
        let active = format!("{}/element/active", self.session);
        for _ in 0..LOOKS {
            let found = self.try_ask("GET", &active, &Value::Null).unwrap();
            if let Some(id) = id(&found) {
                let path = format!("{}/element/{id}/value", self.session);
                let done = self.try_ask("POST", &path, &json!({ "text": keys })).unwrap();
                // The page was replaced, or a dialog was closed that had the focus.
                if !is_replaced(&done) && done["error"] != "element not interactable" {
                    assert!(done["error"].is_null(), "{keys:?}: {}", done["message"]);
                    return;
                }
            }
            sleep(PAUSE);
        }
        panic!("nothing takes {keys:?}");
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let value = self.on("GET", selector, &format!("attribute/{name}"), &Value::Null);
        value.as_str().map(str::to_owned)
    }

    /// The id of the focused element.
    pub fn focused(&self) -> String {
        let element = self.ask("GET", &format!("{}/element/active", self.session), &Value::Null);
        let path = format!("{}/element/{}/attribute/id", self.session, id(&element).unwrap());
        self.ask("GET", &path, &Value::Null).as_str().unwrap_or("").to_owned()
    }

    /// The return value of a script in the page.
    pub fn run(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The value that an asynchronous script passes to `done`.
    pub fn run_async(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async () => {{ {script} }})().then(done, (error) => done({{ failed: error.name, why: error.message }}));"
        );
        self.tell("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script in each page before its own.
    pub fn before_each_page(&self, script: &str) {
        let command = "Page.addScriptToEvaluateOnNewDocument";
        self.tell("/goog/cdp/execute", &json!({ "cmd": command, "params": { "source": script } }));
    }

    /// Adds a virtual authenticator; returns its path (W3C Web Authentication, section 11).
    pub fn add_authenticator(&self, options: &Value) -> String {
        let id = self.tell("/webauthn/authenticator", options);
        format!("/webauthn/authenticator/{}", id.as_str().unwrap())
    }

    /// The credentials of a virtual authenticator.
    pub fn credentials(&self, authenticator: &str) -> Vec<Value> {
        let path = format!("{}{authenticator}/credentials", self.session);
        self.ask("GET", &path, &Value::Null).as_array().unwrap().clone()
    }

    /// Replaces a credential of a virtual authenticator.
    pub fn replace_credential(&self, authenticator: &str, credential: &Value) {
        let id = credential["credentialId"].as_str().unwrap();
        let path = format!("{}{authenticator}/credentials/{id}", self.session);
        self.ask("DELETE", &path, &Value::Null);
        self.tell(&format!("{authenticator}/credential"), credential);
    }

    /// Sets whether the person passes the check of a virtual authenticator.
    pub fn set_user_verified(&self, authenticator: &str, verified: bool) {
        self.tell(&format!("{authenticator}/uv"), &json!({ "isUserVerified": verified }));
    }

    /// Emulates a phone screen.
    pub fn be_a_phone(&self) {
        self.be_a_screen(390, 844, true);
    }

    /// Emulates a screen of a desk.
    pub fn be_a_desktop(&self) {
        self.be_a_screen(1280, 900, false);
    }

    fn be_a_screen(&self, width: u32, height: u32, mobile: bool) {
        let params = json!({
            "width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile,
        });
        self.tell(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": params }),
        );
    }

    /// From now on, the user prefers dark pages.
    pub fn prefer_dark(&self) {
        let feature = json!({ "name": "prefers-color-scheme", "value": "dark" });
        let params = json!({ "features": [feature] });
        self.tell(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setEmulatedMedia", "params": params }),
        );
    }

    /// The console messages since the last call.
    pub fn console(&self) -> Vec<String> {
        let entries = self.tell("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Saves a screenshot in the folder `SCREENSHOTS`, for people to look at.
    pub fn picture(&self, name: &str) {
        #[allow(
            clippy::disallowed_methods,
            reason = "this variable is for the tests, not for authd"
        )]
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        let picture = self.ask("GET", &format!("{}/screenshot", self.session), &Value::Null);
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// The tab that the next calls are for.
    pub fn tab(&self) -> String {
        let handle = self.ask("GET", &format!("{}/window", self.session), &Value::Null);
        handle.as_str().unwrap().to_owned()
    }

    /// Opens another tab; the next calls are for it.
    pub fn open_tab(&self) {
        let tab = self.tell("/window/new", &json!({ "type": "tab" }));
        self.to_tab(tab["handle"].as_str().unwrap());
    }

    /// The next calls are for this tab.
    pub fn to_tab(&self, handle: &str) {
        self.tell("/window", &json!({ "handle": handle }));
    }

    /// Waits for an element and does something with it. If the page changes between the two, the
    /// element of the next page is meant.
    fn on(&self, method: &str, selector: &str, action: &str, body: &Value) -> Value {
        for _ in 0..LOOKS {
            let path = format!("{}/{action}", self.find(selector));
            let done = self.try_ask(method, &path, body).unwrap();
            if !is_replaced(&done) {
                assert!(done["error"].is_null(), "{action} {selector}: {}", done["message"]);
                return done;
            }
            sleep(PAUSE);
        }
        panic!("no page stays on which {selector} is");
    }

    /// Waits for an element and returns its path.
    fn find(&self, selector: &str) -> String {
        let (path, by) = (
            format!("{}/element", self.session),
            json!({ "using": "css selector", "value": selector }),
        );
        for _ in 0..LOOKS {
            let found = self.try_ask("POST", &path, &by).unwrap();
            if let Some(id) = id(&found) {
                return format!("{path}/{id}");
            }
            assert!(is_replaced(&found), "there is no {selector}: {}", found["message"]);
            sleep(PAUSE);
        }
        panic!("no page stays on which {selector} could be");
    }

    fn tell(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.try_ask(method, path, body).unwrap();
        assert!(value["error"].is_null(), "{method} {path} {body}: {}", value["message"]);
        value
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        // A browser that starts beside many others takes longer than a page.
        stream.set_read_timeout(Some(Duration::from_millis(2 * WAIT)))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        );
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())?;
        let mut reader = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        let mut answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["value"].take())
    }
}

/// Starts the driver on a port of its choice. It takes one that is free for IPv4, needs the same for
/// IPv6, and exits if another process has that one.
fn start_driver() -> (Child, BufReader<ChildStdout>, u16) {
    let mut lines = Vec::new();
    for _ in 0..STARTS {
        let mut driver = Command::new("chromedriver");
        let driver = driver
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut driver = driver.spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        for line in said.by_ref().lines().map_while(Result::ok) {
            let port = line.split_once("successfully on port ").map(|(_, port)| port);
            if let Some(Ok(port)) = port.map(|port| port.trim_end_matches('.').parse()) {
                return (driver, said, port);
            }
            lines.push(line);
        }
        let _ = driver.kill();
        driver.wait().unwrap();
    }
    panic!("chromedriver does not start: {}", lines.join("\n"));
}

fn flags(profile: &Path, more: &[&str]) -> Vec<String> {
    let own = format!("--user-data-dir={}", profile.display());
    FLAGS.iter().chain(more).map(|flag| (*flag).to_owned()).chain([own]).collect()
}

/// Whether the driver could not do something because the page was being replaced, or has been.
fn is_replaced(answer: &Value) -> bool {
    let says = |field: &str, text: &str| {
        answer.get(field).and_then(Value::as_str).is_some_and(|said| said.contains(text))
    };
    says("error", "stale element reference")
        || says("message", "aborted by navigation")
        || says("message", "no such execution context")
        || says("message", "Cannot find context with specified id")
        || says("message", "does not belong to the document")
}

/// The id of a found element.
fn id(element: &Value) -> Option<String> {
    let id = element.get("element-6066-11e4-a52e-4f735466cecf")?;
    id.as_str().map(str::to_owned)
}

impl Drop for Browser {
    fn drop(&mut self) {
        // No browser process is left behind if a test fails.
        if !self.session.is_empty() {
            let _ = self.try_ask("DELETE", &self.session, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
