//! The built binary as a process of its own: started on free ports, stopped by its id.

use crate::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The built `aceso`: `ACESO_BIN`, else beside the tests that are running.
#[must_use]
pub fn binary() -> PathBuf {
    let path = std::env::var_os("ACESO_BIN").map_or_else(beside_the_tests, PathBuf::from);
    assert!(
        path.is_file(),
        "there is no {}; build it with `cargo build -p aceso-server`, or run `cargo xtask test`",
        path.display()
    );
    path
}

fn beside_the_tests() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    test.ancestors().nth(2).expect("target/debug").join("aceso")
}

/// A port that nobody holds now.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// An empty folder of this test's own, below the target directory's `tmp` (a program that stands elsewhere: the system's folder for
/// such things), kept for a look afterwards.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    // Cargo marks its target directory; a test stands two folders below it, another program one.
    let target = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let base = target.map_or_else(std::env::temp_dir, |target| target.join("tmp"));
    let path = base.join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// A configuration file for trying out, on free ports, with data directory and key file apart.
#[derive(Debug, Clone)]
pub struct TestConfig {
    /// The folder of the test.
    pub folder: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// Port of the public listener.
    pub port: u16,
    /// Port of the ops listener.
    pub ops_port: u16,
}

impl TestConfig {
    /// Writes `aceso.toml` into the folder; `more` is put at its end (sections are `[limits]` and so on).
    #[must_use]
    pub fn write(folder: &Path, more: &str) -> Self {
        use std::os::unix::fs::DirBuilderExt as _;
        let config = Self {
            folder: folder.to_path_buf(),
            file: folder.join("aceso.toml"),
            data: folder.join("data"),
            port: free_port(),
            ops_port: free_port(),
        };
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&config.data).expect("a data directory");
        let text = format!(
            "mode = \"development\"\nregion = \"us\"\ntenants = [\"clinic\"]\nlisten = \"127.0.0.1:{}\"\nops_listen = \"127.0.0.1:{}\"\n\
             store.dir = \"data\"\nkeys = {{ provider = \"local\", file = \"root.key\" }}\n{more}\n",
            config.port, config.ops_port
        );
        std::fs::write(&config.file, text).expect("a configuration file");
        config
    }

    /// A client of the public listener.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.port))
    }

    /// A client of the ops listener.
    #[must_use]
    pub fn ops(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.ops_port))
    }
}

/// Runs the binary to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().expect("the binary runs")
}

/// Runs the binary to its end with `input` on its standard input.
#[must_use]
pub fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the binary reads its input");
    child.wait_with_output().expect("the end of the process")
}

/// A running `aceso`. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where its standard output goes.
    pub stdout: PathBuf,
    /// Where its standard error goes.
    pub stderr: PathBuf,
}

impl Running {
    /// Starts the binary with its output going to files in `folder` (appended, so that a restart keeps what was there).
    #[must_use]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let (stdout, stderr) = (folder.join("stdout.log"), folder.join("stderr.log"));
        let open = |path: &Path| File::options().create(true).append(true).open(path).expect("a log file");
        let child = Command::new(binary())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(open(&stdout))
            .stderr(open(&stderr))
            .spawn()
            .expect("the binary starts");
        Self { child, stdout, stderr }
    }

    /// Starts `aceso serve` and waits until it is ready.
    #[must_use]
    pub fn serve(config: &TestConfig) -> Self {
        let mut running =
            Self::start(&config.folder, &["serve", "--config", config.file.to_str().expect("a path in UTF-8")]);
        running.wait_ready(&config.ops(), Duration::from_secs(60));
        running
    }

    /// Waits until `/readyz` says yes. Panics when the process ends first, or the time is up.
    pub fn wait_ready(&mut self, ops: &Client, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the state of the process") {
                panic!("ended with {status} before it was ready: {}", self.errors());
            }
            if ops.try_send("GET", "/readyz", &[], Vec::new()).is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(Instant::now() < deadline, "not ready in time: {}", self.errors());
            sleep(Duration::from_millis(20));
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// kill -9, and waits for the end.
    pub fn kill_9(mut self) {
        self.child.kill().expect("the process takes SIGKILL");
        self.child.wait().expect("the end of the process");
    }

    /// SIGTERM, and waits for the end, at most `patience`.
    #[must_use]
    pub fn stop(self, patience: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(patience)
    }

    /// SIGINT, as Ctrl-C sends it, and waits for the end, at most `patience`.
    #[must_use]
    pub fn interrupt(self, patience: Duration) -> ExitStatus {
        self.signal(Signal::INT);
        self.wait(patience)
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end, at most `patience`; panics when it does not come.
    #[must_use]
    pub fn wait(mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the state of the process") {
                return status;
            }
            assert!(Instant::now() < deadline, "still running after {patience:?}: {}", self.errors());
            sleep(Duration::from_millis(10));
        }
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("the state of the process").is_none()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process takes the signal");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended: fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
