//! A clinic on the built binary: a served data directory with one person per role, each signed in.

use crate::{Answer, Client, Running, TestConfig, folder, run_with_input};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// How long a stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The clinic. Its server is killed when it is dropped.
#[derive(Debug)]
pub struct Clinic {
    /// Where everything is.
    pub config: TestConfig,
    running: Option<Running>,
    tokens: BTreeMap<String, String>,
}

impl Clinic {
    /// Serves a fresh data directory in a folder of this name, with one person for each of `roles`, who is called like his role.
    /// `more` is put at the end of the configuration.
    #[must_use]
    pub fn open(name: &str, roles: &[&str], more: &str) -> Self {
        Self::open_in(&folder(name), roles, more)
    }

    /// The same in a folder that is there.
    #[must_use]
    pub fn open_in(folder: &Path, roles: &[&str], more: &str) -> Self {
        let config = TestConfig::write(folder, &format!("identity.access_token_seconds = 3600\n{more}"));
        let running = Some(Running::serve(&config));
        let mut clinic = Self { config, running, tokens: BTreeMap::new() };
        for role in roles {
            clinic.add_person(role, &["--role", role]);
        }
        clinic
    }

    /// Makes an account with [`PASSWORD`] by `aceso people add USERNAME …`, and signs in.
    pub fn add_person(&mut self, username: &str, more: &[&str]) {
        let arguments = [&["people", "add", username, "--config", self.file()], more].concat();
        let added = run_with_input(&arguments, &format!("{PASSWORD}\n"));
        assert!(added.status.success(), "{username}: {}", String::from_utf8_lossy(&added.stderr));
        self.sign_in(username);
    }

    /// Gets a fresh token by password; [`Clinic::client`] uses it from now on.
    pub fn sign_in(&mut self, username: &str) {
        let answer = self.password_grant(username, PASSWORD).expect(200).json();
        let token = answer["access_token"].as_str().expect("an access token").to_owned();
        self.tokens.insert(username.to_owned(), token);
    }

    /// `POST /oauth2/token` with a password.
    #[must_use]
    pub fn password_grant(&self, username: &str, password: &str) -> Answer {
        let form = format!(
            "grant_type=password&client_id=console&username={username}&password={}",
            password.replace(' ', "+")
        );
        self.config.client().form("/oauth2/token", &form)
    }

    /// The access token of a person.
    #[must_use]
    pub fn token(&self, username: &str) -> &str {
        self.tokens.get(username).unwrap_or_else(|| panic!("{username} has no account"))
    }

    /// A client who is signed in.
    #[must_use]
    pub fn client(&self, username: &str) -> Client {
        self.config.client().bearer(self.token(username))
    }

    /// The path of the configuration.
    #[must_use]
    pub fn file(&self) -> &str {
        self.config.file.to_str().expect("a path in UTF-8")
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.config.data.join("records.db")
    }

    /// Runs a command of the binary on this clinic's configuration.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Output {
        crate::run(&[arguments, &["--config", self.file()]].concat())
    }

    /// The same, answered as JSON; panics when it does not end with success.
    #[must_use]
    pub fn command_json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: not JSON: {text}"))
    }

    /// All entries of the log from `from` on, read by the `auditor` over HTTP.
    #[must_use]
    pub fn entries(&self, from: u64) -> Vec<Value> {
        let auditor = self.client("auditor");
        let mut found = Vec::new();
        loop {
            let next = from + found.len() as u64;
            let page = auditor.get(&format!("/audit/entries?from={next}&count=1000")).expect(200).json();
            let entries = page["entries"].as_array().expect("entries").clone();
            let full = entries.len() == 1000;
            found.extend(entries);
            if !full {
                return found;
            }
        }
    }

    /// How many entries the log has.
    #[must_use]
    pub fn log_size(&self) -> u64 {
        let answer = self.client("auditor").get("/audit/entries?count=1").expect(200).json();
        answer["size"].as_u64().expect("a size")
    }

    /// Writes the log to a new folder of this name beside the data directory.
    #[must_use]
    pub fn export_log(&self, name: &str) -> PathBuf {
        let out = self.config.folder.join(name);
        let output = self.command(&["audit", "export", "--out", out.to_str().expect("a path in UTF-8")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        out
    }

    /// The process that serves.
    pub fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("a running server")
    }

    /// Stops the server with SIGTERM; it must end with success.
    pub fn stop(&mut self) {
        if let Some(running) = &self.running {
            running.terminate();
        }
        self.wait_for_the_end();
    }

    /// Waits until the server has ended, which it must do with success.
    pub fn wait_for_the_end(&mut self) {
        if let Some(running) = self.running.take() {
            let status = running.wait(PATIENCE);
            assert!(status.success(), "{status}");
        }
    }

    /// kill -9.
    pub fn kill_9(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill_9();
        }
    }

    /// Serves again, after [`Clinic::stop`] or [`Clinic::kill_9`].
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        self.running = Some(Running::serve(&self.config));
    }
}
