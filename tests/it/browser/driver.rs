//! A browser at the end of a wire: chromedriver's W3C `WebDriver` over plain HTTP, as far as the scenarios need it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

/// How often a page is looked at before it is given up.
const PATIENCE: usize = 2000;

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

/// A browser with a window of its own; closed when it is dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Opens one, or says aloud that there is none.
    pub fn open(script: Script, light: Light, width: u32) -> Option<Self> {
        let found = |name: &str| std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| dir.join(name).exists());
        if found("chromium").is_none() || found("chromedriver").is_none() {
            eprintln!("SKIPPED: chromium and chromedriver are not installed (Debian: apt-get install chromium-driver)");
            return None;
        }
        let mut driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| line.unwrap().rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        // What it prints later must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let mut settings = vec![format!("preferredColorScheme={}", u8::from(light == Light::Day))];
        settings.extend((script == Script::Off).then(|| "scriptEnabled=false".to_owned()));
        let settings = format!("--blink-settings={}", settings.join(","));
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", settings],
            // Without touch: chromedriver waits for ever for a tap where pages may not run script.
            "mobileEmulation": { "deviceMetrics": { "width": width, "height": 780, "pixelRatio": 2, "touch": false } },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let mut browser = Self { driver, port: port.unwrap(), session: String::new() };
        let answer = browser.ask("POST", "/session", &wanted);
        browser.session = format!("/session/{}", answer["sessionId"].as_str().unwrap());
        Some(browser)
    }

    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub fn press(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.find(selector)), &json!({}));
    }

    /// Presses keys in an element; `\u{e007}` is Enter, `\u{e004}` is Tab.
    pub fn keys(&self, selector: &str, keys: &str) {
        self.post(&format!("/element/{}/value", self.find(selector)), &json!({ "text": keys }));
    }

    /// Waits until an element reads like this: the next page comes when it comes.
    pub fn sees(&self, selector: &str, expected: &str) {
        let mut last = Value::Null;
        for _ in 0..PATIENCE {
            last = self.read(selector);
            if last == expected {
                return;
            }
        }
        panic!("expected {expected:?} in {selector}, came {last}");
    }

    /// What an element reads like now; null while there is none, or while the page goes.
    fn read(&self, selector: &str) -> Value {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.try_ask("POST", &format!("{}/element", self.session), &by).unwrap();
        let Some(id) = id(&found["value"]) else { return Value::Null };
        let text = self.try_ask("GET", &format!("{}/element/{id}/text", self.session), &Value::Null).unwrap();
        text["value"].as_str().map_or(Value::Null, Value::from)
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let path = format!("{}/element/{}/attribute/{name}", self.session, self.find(selector));
        self.ask("GET", &path, &Value::Null).as_str().map(str::to_owned)
    }

    /// The id of the element that has the keyboard.
    pub fn focused(&self) -> String {
        let element = self.ask("GET", &format!("{}/element/active", self.session), &Value::Null);
        let path = format!("{}/element/{}/attribute/id", self.session, id(&element).unwrap());
        self.ask("GET", &path, &Value::Null).as_str().unwrap_or("").to_owned()
    }

    /// What a script in the page says.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Keeps a picture of the window where `AUTHD_SCREENSHOTS` says, for people to look at.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("AUTHD_SCREENSHOTS") else { return };
        let picture = self.ask("GET", &format!("{}/screenshot", self.session), &Value::Null);
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    fn find(&self, selector: &str) -> String {
        id(&self.post("/element", &json!({ "using": "css selector", "value": selector }))).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body).unwrap();
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{method} {path}: {value}");
        value
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")?;
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
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// The id of an element that was found.
fn id(element: &Value) -> Option<String> {
    let id = element.get("element-6066-11e4-a52e-4f735466cecf")?;
    id.as_str().map(str::to_owned)
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Whatever went wrong, no browser is left behind.
        let _ = self.try_ask("DELETE", &self.session, &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
