//! A real Chromium without a window, driven by its own protocol over pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use base64::Engine;
use serde_json::{Value, json};

use crate::patience::PATIENCE;

const PROGRAMS: [&str; 3] = ["chromium-headless-shell", "chromium", "chromium-browser"];

/// Hands standard input and output over as the numbers 3 and 4, where Chromium looks for the
/// pipes of its protocol.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// A browser, killed when dropped.
pub(super) struct Browser {
    child: Child,
    requests: ChildStdin,
    messages: Receiver<Value>,
    next: u64,
    _profile: tempfile::TempDir,
}

/// How a reader looks at a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) scripts: bool,
    pub(super) dark: bool,
    pub(super) width: u32,
}

/// A page that was loaded.
pub(super) struct Page<'a> {
    browser: &'a mut Browser,
    session: Value,
    /// What the browser reported, in order.
    events: Vec<Value>,
}

impl Browser {
    /// # Panics
    /// There is none: `cargo xtask test` installs it.
    pub(super) fn start() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = std::env::split_paths(&path).collect();
        let found = PROGRAMS.iter().find(|name| folders.iter().any(|at| at.join(name).is_file()));
        let program = found.expect(
            "Chromium is not installed: `apt-get install chromium-headless-shell` brings it, and \
             so does `cargo xtask test`; with --no-services these tests are left out",
        );
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            WITH_PIPES,
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ]);
        command.args(["--disable-dev-shm-usage", "--remote-debugging-pipe", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("sh is there");
        let requests = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let (told, messages) = channel();
        thread::spawn(move || {
            let parsed = answers.split(0).map_while(Result::ok);
            parsed
                .filter_map(|message| serde_json::from_slice(&message).ok())
                .try_for_each(|message: Value| told.send(message))
        });
        Self { child, requests, messages, next: 0, _profile: profile }
    }

    /// Opens a page and waits until it is loaded.
    pub(super) fn open(&mut self, url: &str, look: Look) -> Page<'_> {
        self.open_with(url, look, None)
    }

    /// The same by a reader who types this password where the browser asks for one.
    pub(super) fn open_with(&mut self, url: &str, look: Look, password: Option<&str>) -> Page<'_> {
        let mut page = Page { browser: self, session: Value::Null, events: Vec::new() };
        let target = page.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        page.session = page.call("Target.attachToTarget", attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        let scheme = if look.dark { "dark" } else { "light" };
        let scheme = json!({"name": "prefers-color-scheme", "value": scheme});
        page.call("Emulation.setEmulatedMedia", json!({"features": [scheme]}));
        page.call("Emulation.setScriptExecutionDisabled", json!({"value": !look.scripts}));
        let size = json!({"width": look.width, "height": 900, "deviceScaleFactor": 1,
                          "mobile": look.width < 500});
        page.call("Emulation.setDeviceMetricsOverride", size);
        if password.is_some() {
            page.call("Fetch.enable", json!({"handleAuthRequests": true}));
        }
        // The browser answers when the first bytes have come, for which a password may be asked.
        page.send("Page.navigate", &json!({"url": url}));
        let mut seen = 0;
        loop {
            let Some(event) = page.events.get(seen).cloned() else {
                let message = page.browser.message();
                page.events.push(message);
                continue;
            };
            seen += 1;
            let request = event["params"]["requestId"].clone();
            match event["method"].as_str() {
                Some("Page.loadEventFired") => break,
                Some("Fetch.requestPaused") => {
                    page.call("Fetch.continueRequest", json!({"requestId": request}));
                }
                Some("Fetch.authRequired") => {
                    let typed = json!({"response": "ProvideCredentials", "username": "me",
                                       "password": password});
                    let answer = json!({"requestId": request, "authChallengeResponse": typed});
                    page.call("Fetch.continueWithAuth", answer);
                }
                _ => {}
            }
        }
        if password.is_some() {
            page.call("Fetch.disable", json!({}));
        }
        page
    }

    fn message(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("the browser answers")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Page<'_> {
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.send(method, &parameters);
        loop {
            let message = self.browser.message();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Asks the browser for something, and returns the number that its answer will have.
    fn send(&mut self, method: &str, parameters: &Value) -> u64 {
        self.browser.next += 1;
        let id = self.browser.next;
        let mut request = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.browser.requests.write_all(&bytes).expect("the browser runs");
        id
    }

    /// The value of an expression of JavaScript.
    pub(super) fn value(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What the console shows, with what the page was not allowed to do.
    pub(super) fn complaints(&self) -> Vec<&Value> {
        let kinds = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
        self.events
            .iter()
            .filter(|event| kinds.iter().any(|kind| event["method"] == *kind))
            .collect()
    }

    /// What the browser reported, in order.
    pub(super) fn events(&self) -> &[Value] {
        &self.events
    }

    /// The addresses that were asked for.
    pub(super) fn requests(&self) -> Vec<&str> {
        let sent =
            self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }

    /// Keeps a picture in the folder that the variable PSYCACHE_SCREENSHOTS names, if it is set.
    pub(super) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("PSYCACHE_SCREENSHOTS") else { return };
        let taken = self.call("Page.captureScreenshot", json!({"captureBeyondViewport": true}));
        let data = taken["data"].as_str().expect("a picture is text");
        let picture = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }
}
