//! What a test does with a page.

use crate::driver::Driver;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A browser with one page. Only one runs at a time, since each needs a processor of its own.
///
/// Every method panics when the browser cannot do what it is told; those that look for an element wait
/// for it up to five seconds.
#[derive(Debug)]
pub struct Browser {
    // Ends before another browser may start.
    driver: Driver,
    _turn: MutexGuard<'static, ()>,
}

/// An element of the page.
#[derive(Debug)]
pub struct Element<'b> {
    browser: &'b Browser,
    id: String,
}

/// The colour scheme that the user prefers.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts a browser of 1280 by 800 pixels.
    ///
    /// # Panics
    /// When Chromium or chromedriver is missing, with what to install.
    #[must_use]
    pub fn start() -> Self {
        // A test that failed has left nothing behind.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let browser = Self { driver: Driver::start(), _turn: turn };
        browser.set_size(1280, 800);
        browser
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.send("POST", "/url", &json!({"url": url}));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.send("POST", "/refresh", &json!({}));
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        text(&self.driver.send("GET", "/url", None).unwrap_or_else(|error| panic!("{error}")))
    }

    /// The first element that a CSS selector finds.
    #[must_use]
    pub fn find(&self, selector: &str) -> Element<'_> {
        self.element("css selector", selector)
    }

    /// The first element that a path (`XPath`) finds; unlike a selector, it can ask for a text.
    #[must_use]
    pub fn find_path(&self, path: &str) -> Element<'_> {
        self.element("xpath", path)
    }

    fn element(&self, using: &str, value: &str) -> Element<'_> {
        let answer = self.send("POST", "/element", &json!({"using": using, "value": value}));
        let id = text(&answer[ELEMENT]);
        Element { browser: self, id }
    }

    /// Runs the body of a function in the page and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.send("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Shows the page as a device with this many pixels does.
    pub fn set_size(&self, width: u32, height: u32) {
        let device = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.send_protocol("Emulation.setDeviceMetricsOverride", &device);
    }

    /// Sets the preferred colour scheme.
    pub fn set_scheme(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let feature = json!({"name": "prefers-color-scheme", "value": value});
        self.send_protocol("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Lets no page run a script from now on.
    pub fn disable_scripts(&self) {
        self.send_protocol("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    }

    /// A picture of what is to be seen, as PNG.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        let picture = self.driver.send("GET", "/screenshot", None);
        decode_base64(&text(&picture.unwrap_or_else(|error| panic!("{error}"))))
    }

    /// What the page has reported as wrong since it was opened: blocked resources, uncaught errors.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.send("POST", "/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| text(&entry["message"])).collect()
    }

    /// Sends a command of Chromium's own protocol.
    fn send_protocol(&self, command: &str, parameters: &Value) {
        self.send("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.driver.send(method, path, Some(body)) {
            Ok(value) => value,
            Err(error) => panic!("{error}, asked for {body}"),
        }
    }
}

impl Element<'_> {
    /// Clicks it.
    pub fn click(&self) {
        self.send("click", &json!({}));
    }

    /// Types a text into it.
    pub fn write(&self, text: &str) {
        self.send("value", &json!({"text": text}));
    }

    /// Empties a field.
    pub fn clear(&self) {
        self.send("clear", &json!({}));
    }

    /// Its text, as it is to be seen.
    #[must_use]
    pub fn text(&self) -> String {
        let answer = self.browser.driver.send("GET", &format!("/element/{}/text", self.id), None);
        text(&answer.unwrap_or_else(|error| panic!("{error}")))
    }

    fn send(&self, what: &str, body: &Value) {
        self.browser.send("POST", &format!("/element/{}/{what}", self.id), body);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// RFC 4648 §4; what is no digit, such as the padding, counts for nothing.
fn decode_base64(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.bytes().filter_map(base64_digit).collect();
    let groups = digits.chunks(4).flat_map(|group| {
        let bits = group.iter().enumerate();
        let bits = bits.fold(0, |bits, (index, digit)| bits | digit << (26 - 6 * index));
        u32::to_be_bytes(bits).into_iter().take(group.len() * 6 / 8)
    });
    groups.collect()
}

fn base64_digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(digit.into())
}

static TURN: Mutex<()> = Mutex::new(());

/// The name under which WebDriver hands elements out.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
