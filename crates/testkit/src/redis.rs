//! A private Redis: loopback, a free port, nothing on the disk, stopped by its id.

use crate::process::{folder, free_port};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A Redis server. Killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
    folder: PathBuf,
    password: Option<String>,
}

/// A Redis server that speaks TLS only, with a certificate for 127.0.0.1 of an authority of its own. Killed when dropped.
#[derive(Debug)]
pub struct TlsRedis {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl TlsRedis {
    /// Makes the certificates with `openssl`, starts the server, and waits until it takes connections.
    #[must_use]
    pub fn start() -> Self {
        let folder = folder("redis-tls");
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command.args(arguments.split(' ')).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(command.status().expect("openssl starts").success(), "openssl {arguments}");
        };
        std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
        openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority");
        openssl("req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=redis");
        openssl("x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.crt");
        let port = free_port();
        let mut command = server(&folder);
        command.args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
        command.args(["--tls-cert-file", "own.crt", "--tls-key-file", "own.key", "--tls-ca-cert-file", "ca.crt"]);
        let child = command.spawn().expect("redis-server starts; `cargo xtask parts` installs it");
        let redis = Self { child, port, folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", redis.port)).is_err() {
            assert!(Instant::now() < deadline, "no Redis starts; its output is in {}", redis.folder.display());
            sleep(Duration::from_millis(10));
        }
        redis
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }
}

impl Drop for TlsRedis {
    fn drop(&mut self) {
        // Already ended: fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a Redis server answers (RESP 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisReply {
    /// A line.
    Line(String),
    /// A number.
    Number(i64),
    /// Bytes; `None`: nothing there.
    Bytes(Option<Vec<u8>>),
    /// Several.
    List(Vec<RedisReply>),
}

/// `ACESO_PARTS_REDIS`, else where `cargo xtask parts` puts it, else the one that is installed.
fn program() -> PathBuf {
    let part = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/parts/redis/redis-server");
    match std::env::var_os("ACESO_PARTS_REDIS") {
        Some(given) => PathBuf::from(given),
        None if part.exists() => part,
        None => PathBuf::from("redis-server"),
    }
}

impl RedisServer {
    /// Starts one that asks for no password, and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::with(None)
    }

    /// Starts one that asks for a password.
    #[must_use]
    pub fn with_password(password: &str) -> Self {
        Self::with(Some(password.to_owned()))
    }

    fn with(password: Option<String>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = folder(&format!("redis-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        // A port that was free a moment ago can be taken by now.
        for _ in 0..5 {
            let port = free_port();
            let child = spawn(port, &folder, password.as_deref());
            let mut server = Self { child, port, folder: folder.clone(), password: password.clone() };
            if server.answers() {
                return server;
            }
        }
        panic!("no Redis starts; its output is in {}", folder.display());
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// kill -9, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process takes SIGKILL");
        self.child.wait().expect("the end of the process");
    }

    /// Starts it on the same port, empty.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder, self.password.as_deref());
        assert!(self.answers(), "Redis does not start again; its output is in {}", self.folder.display());
    }

    /// Runs one command and gives its answer; an error of the server panics.
    #[must_use = "or say that it is not needed"]
    pub fn ask(&self, command: &[&[u8]]) -> RedisReply {
        self.try_ask(command).expect("Redis answers")
    }

    /// Runs one command of plain words.
    pub fn command(&self, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let _ = self.ask(&words);
    }

    /// All names and values that it has, by name; every value is a string.
    #[must_use]
    pub fn everything(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let RedisReply::List(names) = self.ask(&[b"KEYS", b"*"]) else { panic!("KEYS answers with a list") };
        let mut all: Vec<_> = names
            .into_iter()
            .filter_map(|name| match name {
                RedisReply::Bytes(Some(name)) => match self.ask(&[b"GET", &name]) {
                    RedisReply::Bytes(value) => value.map(|value| (name, value)),
                    other => panic!("GET answers {other:?}"),
                },
                other => panic!("a name is {other:?}"),
            })
            .collect();
        all.sort();
        all
    }

    /// How long this name has left; negative: for ever, or not there.
    #[must_use]
    pub fn milliseconds_left(&self, name: &str) -> i64 {
        match self.ask(&[b"PTTL", name.as_bytes()]) {
            RedisReply::Number(left) => left,
            other => panic!("PTTL answers {other:?}"),
        }
    }

    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if self.child.try_wait().expect("the state of the process").is_some() {
                return false;
            }
            if self.try_ask(&[b"PING"]).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    fn try_ask(&self, command: &[&[u8]]) -> std::io::Result<RedisReply> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port))?);
        if let Some(password) = &self.password {
            send(stream.get_mut(), &[b"AUTH", password.as_bytes()])?;
            let _ = read(&mut stream)?;
        }
        send(stream.get_mut(), command)?;
        read(&mut stream)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Already ended: fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with what all have in common.
fn server(folder: &Path) -> Command {
    let output =
        || std::fs::File::options().create(true).append(true).open(folder.join("redis.log")).expect("a log file");
    let mut command = Command::new(program());
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(output()).stderr(output());
    command
}

fn spawn(port: u16, folder: &Path, password: Option<&str>) -> Child {
    let mut command = server(folder);
    command.args(["--port", &port.to_string()]);
    if let Some(password) = password {
        command.args(["--requirepass", password]);
    }
    command.spawn().expect("redis-server starts; `cargo xtask parts` installs it")
}

fn send(stream: &mut TcpStream, command: &[&[u8]]) -> std::io::Result<()> {
    let mut message = format!("*{}\r\n", command.len()).into_bytes();
    for word in command {
        message.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        message.extend_from_slice(word);
        message.extend_from_slice(b"\r\n");
    }
    stream.write_all(&message)
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<RedisReply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let bad = || std::io::Error::other(format!("not an answer: {line:?}"));
    let (kind, rest) = line.trim_end().split_at_checked(1).ok_or_else(bad)?;
    let number = rest.parse::<i64>();
    match (kind, number) {
        ("+", _) => Ok(RedisReply::Line(rest.to_owned())),
        (":", Ok(number)) => Ok(RedisReply::Number(number)),
        ("$", Ok(length)) => {
            let Ok(length) = usize::try_from(length) else { return Ok(RedisReply::Bytes(None)) };
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes)?;
            bytes.truncate(length);
            Ok(RedisReply::Bytes(Some(bytes)))
        }
        ("*", Ok(count)) => (0..count).map(|_| read(stream)).collect::<std::io::Result<_>>().map(RedisReply::List),
        _ => Err(bad()),
    }
}
