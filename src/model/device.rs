//! Names a device by its User-Agent (RFC 9110, section 10.1.5). The names come from a fixed list
//! and never from the header itself, so they are safe to print in mail and on pages.

/// What the User-Agent header claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    pub browser: &'static str,
    pub os: &'static str,
    /// `Desktop`, `Mobile`, `Tablet` or `Unknown`.
    pub kind: &'static str,
}

const UNKNOWN: &str = "Unknown";

/// Searched in this order. Most browsers also name the browsers they imitate, so the more specific
/// name comes first.
const BROWSERS: [(&str, &str); 16] = [
    ("edg", "Edge"),
    ("opr/", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("vivaldi", "Vivaldi"),
    ("duckduckgo", "DuckDuckGo"),
    ("fxios", "Firefox"),
    ("firefox", "Firefox"),
    ("crios", "Chrome"),
    ("chrome", "Chrome"),
    ("chromium", "Chrome"),
    ("safari", "Safari"),
    ("okhttp", "App"),
    ("dart", "App"),
    ("curl", "curl"),
    ("python", "Python"),
    ("node", "Node.js"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("windows", "Windows"),
    ("iphone", "iOS"),
    ("ipad", "iPadOS"),
    ("ipod", "iOS"),
    ("android", "Android"),
    ("cros", "ChromeOS"),
    ("mac os", "macOS"),
    ("macintosh", "macOS"),
    ("linux", "Linux"),
];

impl Device {
    /// The device that this header describes.
    #[must_use]
    pub fn of(user_agent: Option<&str>) -> Self {
        let agent = user_agent.unwrap_or("").to_ascii_lowercase();
        let find = |list: &[(&str, &'static str)]| {
            list.iter().find(|(word, _)| agent.contains(word)).map_or(UNKNOWN, |(_, name)| *name)
        };
        let (browser, os) = (find(&BROWSERS), find(&SYSTEMS));
        let kind = match os {
            "iPadOS" => "Tablet",
            "Android" if !agent.contains("mobile") => "Tablet",
            "iOS" | "Android" => "Mobile",
            UNKNOWN => UNKNOWN,
            _ => "Desktop",
        };
        Self { browser, os, kind }
    }

    /// The browser, if the header names one of the list.
    #[must_use]
    pub fn known_browser(&self) -> Option<&'static str> {
        (self.browser != UNKNOWN).then_some(self.browser)
    }

    /// The operating system, if the header names one of the list.
    #[must_use]
    pub fn known_os(&self) -> Option<&'static str> {
        (self.os != UNKNOWN).then_some(self.os)
    }

    /// For example `Chrome on Windows`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.browser, self.os) {
            (UNKNOWN, UNKNOWN) => "Unknown device".to_owned(),
            (browser, UNKNOWN) => browser.to_owned(),
            (UNKNOWN, os) => os.to_owned(),
            (browser, os) => format!("{browser} on {os}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_distinguished() {
        for (agent, label, kind) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
                "Chrome on Windows",
                "Desktop",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605 Version/17.1 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
                "Mobile",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
                "Firefox on Linux",
                "Desktop",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120.0",
                "Edge on Windows",
                "Desktop",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/120 Safari/537.36",
                "Chrome on Android",
                "Tablet",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36",
                "Chrome on Android",
                "Mobile",
            ),
            ("curl/8.5.0", "curl", "Unknown"),
        ] {
            let device = Device::of(Some(agent));
            assert_eq!((device.label().as_str(), device.kind), (label, kind), "{agent}");
        }
    }

    #[test]
    fn nothing_of_the_header_itself_is_shown() {
        assert_eq!(Device::of(Some("<script>evil.example</script>")).label(), "Unknown device");
        assert_eq!(Device::of(None).label(), "Unknown device");
    }
}
