//! A real browser, where there is one: Debian's Chromium, told what to do through its own driver (W3C `WebDriver` over
//! plain HTTP), as far as the scenarios need it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools::{is_here, skip};

/// How often an element is read that does not say yet what is expected.
const PATIENCE: usize = 2000;
/// How long the driver waits for an element, a script or a page.
const WAIT: u64 = 20_000;

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

/// Whether pages may run script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Script {
    On,
    Off,
}

/// What the reader prefers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Day,
    Night,
}

/// One window with nothing remembered. It closes with this.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// It ends when nobody hears it any more.
    _said: BufReader<ChildStdout>,
    _profile: TempDir,
}

impl Browser {
    /// Opens one on a desk, or says why not.
    pub fn open(scenario: &str) -> Option<Self> {
        Self::start(scenario, |profile| json!({ "args": flags(profile, &["--window-size=1280,1000"]) }))
    }

    /// The same in a window of this width, with or without script, by day or by night.
    pub fn open_as(scenario: &str, script: Script, light: Light, width: u32) -> Option<Self> {
        let light = format!("preferredColorScheme={}", u8::from(light == Light::Day));
        let script = if script == Script::Off { ",scriptEnabled=false" } else { "" };
        let settings = format!("--blink-settings={light}{script}");
        // Without touch: the driver waits for ever for a tap where pages may not run script.
        let window = json!({ "width": width, "height": 780, "pixelRatio": 2, "touch": false });
        let emulation = json!({ "deviceMetrics": window });
        Self::start(scenario, |profile| json!({ "args": flags(profile, &[&settings]), "mobileEmulation": emulation }))
    }

    fn start(scenario: &str, options: impl FnOnce(&Path) -> Value) -> Option<Self> {
        if !is_here("chromedriver") || !is_here("chromium") {
            skip(scenario, "there is no chromium with chromedriver");
            return None;
        }
        let mut driver = Command::new("chromedriver");
        let driver = driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = driver.spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let port = said
            .by_ref()
            .lines()
            .find_map(|line| line.unwrap().split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        let profile = TempDir::new().unwrap();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options(profile.path()),
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "implicit": WAIT, "script": WAIT, "pageLoad": WAIT },
        } } });
        let mut browser = Self { driver, port: port.unwrap(), session: String::new(), _said: said, _profile: profile };
        let opened = browser.ask("POST", "/session", &wanted);
        browser.session = format!("/session/{}", opened["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Goes to an address.
    pub fn go(&self, url: &str) {
        self.tell("/url", &json!({ "url": url }));
    }

    /// Waits until the page has something that this CSS selector finds, and gives back its text.
    pub fn wait(&self, selector: &str) -> String {
        let text = self.ask("GET", &format!("{}/text", self.find(selector)), &Value::Null);
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an element reads like this: the next page comes when it comes.
    pub fn sees(&self, selector: &str, expected: &str) {
        let mut last = Value::Null;
        for _ in 0..PATIENCE {
            let by = json!({ "using": "css selector", "value": selector });
            let found = self.try_ask("POST", &format!("{}/element", self.session), &by).unwrap();
            assert!(found["error"] != "no such element", "there is no {selector}, expected {expected:?} in it");
            // While the page goes, there is nothing to read.
            let Some(id) = id(&found) else { continue };
            last = self.try_ask("GET", &format!("{}/element/{id}/text", self.session), &Value::Null).unwrap();
            if last == expected {
                return;
            }
        }
        panic!("expected {expected:?} in {selector}, came {last}");
    }

    /// Waits for an element and presses it as a hand would.
    pub fn press(&self, selector: &str) {
        self.ask("POST", &format!("{}/click", self.find(selector)), &json!({}));
    }

    /// Waits for an element and clicks it by script, wherever it is.
    pub fn click(&self, selector: &str) {
        self.wait(selector);
        self.run(&format!("document.querySelector({}).click()", Value::from(selector)));
    }

    /// Presses keys in an element; `\u{e007}` is Enter, `\u{e004}` is Tab.
    pub fn keys(&self, selector: &str, keys: &str) {
        self.ask("POST", &format!("{}/value", self.find(selector)), &json!({ "text": keys }));
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let value = self.ask("GET", &format!("{}/attribute/{name}", self.find(selector)), &Value::Null);
        value.as_str().map(str::to_owned)
    }

    /// The id of the element that has the keyboard.
    pub fn focused(&self) -> String {
        let element = self.ask("GET", &format!("{}/element/active", self.session), &Value::Null);
        let path = format!("{}/element/{}/attribute/id", self.session, id(&element).unwrap());
        self.ask("GET", &path, &Value::Null).as_str().unwrap_or("").to_owned()
    }

    /// What a script in the page gives back.
    pub fn run(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// As a phone shows it.
    pub fn be_a_phone(&self) {
        let params = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
        self.tell("/goog/cdp/execute", &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": params }));
    }

    /// What the console has said since the last time.
    pub fn console(&self) -> Vec<String> {
        let entries = self.tell("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Keeps a picture of the window where `AUTHD_SCREENSHOTS` says, for people to look at.
    pub fn picture(&self, name: &str) {
        #[allow(clippy::disallowed_methods, reason = "whoever wants to look at the pages says where they go")]
        let Some(folder) = std::env::var_os("AUTHD_SCREENSHOTS") else { return };
        let picture = self.ask("GET", &format!("{}/screenshot", self.session), &Value::Null);
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// The path of an element, as soon as there is one.
    fn find(&self, selector: &str) -> String {
        let found = self.tell("/element", &json!({ "using": "css selector", "value": selector }));
        format!("{}/element/{}", self.session, id(&found).unwrap())
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
        stream.set_read_timeout(Some(Duration::from_millis(2 * WAIT)))?;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n");
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

fn flags(profile: &Path, more: &[&str]) -> Vec<String> {
    let own = format!("--user-data-dir={}", profile.display());
    FLAGS.iter().chain(more).map(|flag| (*flag).to_owned()).chain([own]).collect()
}

/// The id of an element that was found.
fn id(element: &Value) -> Option<String> {
    let id = element.get("element-6066-11e4-a52e-4f735466cecf")?;
    id.as_str().map(str::to_owned)
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Whatever went wrong, no browser is left behind.
        if !self.session.is_empty() {
            let _ = self.try_ask("DELETE", &self.session, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
