//! A real browser, headless, by its own protocol (Chrome DevTools Protocol): over a pair of pipes, so that it needs no port.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with one page, of 1,400 by 900.
pub struct Browser {
    process: Child,
    commands: File,
    answers: BufReader<File>,
    number: u64,
    session: Value,
    has_loaded: bool,
    /// What went wrong in the page, as its console has it.
    pub faults: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Opens the page at this address; it needs no network.
    pub fn open(address: &str) -> Self {
        let name = std::env::var("PIPEX_TESTS_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
        let profile = tempfile::tempdir().unwrap();
        let [commands, answers] = ["commands", "answers"].map(|name| profile.path().join(name));
        assert!(Command::new("mkfifo").args([&commands, &answers]).status().unwrap().success());
        let process = Command::new("bash")
            .args(["-c", r#"exec "$0" "$@" 3<"$COMMANDS" 4>"$ANSWERS""#, &name, "--headless", "--no-sandbox"])
            .args(["--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "--window-size=1400,900"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .envs([("COMMANDS", &commands), ("ANSWERS", &answers)])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = OpenOptions::new().read(true).write(true).open(commands).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        let (number, session, faults) = (0, Value::Null, Vec::new());
        let has_loaded = false;
        let mut browser =
            Browser { process, commands, answers, number, session, has_loaded, faults, _profile: profile };
        let target = browser.send("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.send("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].clone();
        for domain in ["Log", "Page", "Runtime"] {
            browser.send(&format!("{domain}.enable"), json!({}));
        }
        let metrics = json!({ "width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        browser.send("Emulation.setDeviceMetricsOverride", metrics);
        browser.navigate(address);
        browser
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Opens the page at this address, and waits until all of it is there.
    pub fn navigate(&mut self, address: &str) {
        self.has_loaded = false;
        self.send("Page.navigate", json!({ "url": address }));
        while !self.has_loaded {
            self.read();
        }
    }

    /// Has the browser do this, and waits for its answer.
    pub fn send(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut command = json!({ "id": self.number, "method": method, "params": parameters });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let mut answer = self.read();
            if answer["id"] == self.number {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
        }
    }

    /// What the browser says next.
    fn read(&mut self) -> Value {
        let mut said = Vec::new();
        self.answers.read_until(0, &mut said).unwrap();
        assert!(said.pop() == Some(0), "the browser is gone: README says how to install one");
        let said: Value = serde_json::from_slice(&said).unwrap();
        let parameters = &said["params"];
        match said["method"].as_str() {
            Some("Page.loadEventFired") => self.has_loaded = true,
            Some("Runtime.exceptionThrown") => self.faults.push(parameters["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => {
                self.faults.push(parameters["entry"].to_string());
            }
            _ => {}
        }
        said
    }

    /// What the expression gives in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.send("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Waits until this holds in the page, looking whenever it is drawn; and gives it. What does not come about in a minute does
    /// not at all.
    pub fn until(&mut self, expression: &str) -> Value {
        let found = self.evaluate(&format!(
            "new Promise((done) => {{ const began = performance.now(); const look = () => {{ let it; \
             try {{ it = {expression}; }} catch {{ it = false; }} \
             if (it) done(it); else if (performance.now() - began > 60000) done('never'); else requestAnimationFrame(look); }}; look(); }})"
        ));
        assert_ne!(found, "never", "{expression}: {} {:?}", self.text(), self.faults);
        found
    }

    /// All text that the page shows.
    pub fn text(&mut self) -> String {
        self.evaluate("document.body.innerText").as_str().unwrap().to_owned()
    }

    pub fn click(&mut self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?})"));
        self.evaluate(&format!(
            "void document.querySelector({selector:?}).dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
        ));
    }

    /// Presses a key, wherever the focus is.
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.send("Input.dispatchKeyEvent", json!({ "type": kind, "key": key, "text": text }));
        }
    }

    pub fn set_dark(&mut self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.send("Emulation.setEmulatedMedia", features);
    }

    /// Saves a picture of the page, as PNG.
    pub fn save_picture(&mut self, path: &Path) {
        let answer = self.send("Page.captureScreenshot", json!({ "format": "png" }));
        let picture = base64::prelude::BASE64_STANDARD.decode(answer["data"].as_str().unwrap());
        std::fs::write(path, picture.unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
