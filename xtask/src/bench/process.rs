//! A server that is measured: started on a free port, watched, stopped by its id.

use crate::command::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// A port that nobody holds now.
pub(crate) fn free_port() -> Result<u16, Failure> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).map(|address| address.port());
    port.map_err(|error| format!("no free port: {error}"))
}

/// A started process. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts it in `folder`, with its output in `server.log` there.
    pub fn start(
        binary: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        folder: &Path,
    ) -> Result<Self, Failure> {
        let log = |error| format!("{}: {error}", folder.display());
        let output = File::create(folder.join("server.log")).map_err(log)?;
        let errors = output.try_clone().map_err(log)?;
        let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
        let child = Command::new(&binary)
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn();
        child.map(|child| Self { child }).map_err(|error| format!("{} does not start: {error}", binary.display()))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says yes; an error when the process ends before, or the time is up.
    pub fn wait_until(&mut self, patience: Duration, mut ready: impl FnMut() -> bool) -> Result<(), Failure> {
        let end = Instant::now() + patience;
        while !ready() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status}; see server.log"));
            }
            if Instant::now() > end {
                return Err(format!("the server was not ready within {} s; see server.log", patience.as_secs()));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Waits until it has ended by itself, looking twenty times a second.
    pub fn wait_for_end(
        &mut self,
        patience: Duration,
        mut look: impl FnMut(),
    ) -> Result<std::process::ExitStatus, Failure> {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            look();
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => sleep(Duration::from_millis(50)),
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("it still ran after {} s", patience.as_secs()))
    }

    /// SIGTERM, then waits for the end, at most `patience`.
    pub fn stop(mut self, patience: Duration) -> Result<(), Failure> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
        kill_process(pid, Signal::TERM).map_err(|error| format!("SIGTERM: {error}"))?;
        let end = Instant::now() + patience;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("the server ended with {status}")),
                _ => sleep(Duration::from_millis(20)),
            }
        }
        Err(format!("the server still ran {} s after SIGTERM", patience.as_secs()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended: fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most resident memory that a process ever had, in bytes (`VmHWM`, proc(5)); `None` when it has ended.
pub(crate) fn high_water(id: u32) -> Option<u64> {
    status(id, "VmHWM:")
}

/// Processor time that a process has used so far, user and system (`utime` and `stime` of proc(5), in hundredths of a second); `None`
/// when it has ended.
pub(crate) fn processor_time(id: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold anything; the numbers come after it, the state first.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// Watches the resident memory of a process, ten times a second.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Begins.
    pub fn start(id: u32) -> Self {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, done) = (Arc::clone(&peak), Arc::clone(&stop));
        let thread = spawn(move || {
            while !done.load(Ordering::Relaxed) {
                seen.fetch_max(resident(id).unwrap_or(0), Ordering::Relaxed);
                sleep(Duration::from_millis(100));
            }
        });
        Self { peak, stop, thread: Some(thread) }
    }

    /// Ends, with the most that was seen, in bytes.
    pub fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that only reads a file does not panic.
            let _ = thread.join();
        }
        self.peak.load(Ordering::Relaxed)
    }
}

/// Resident memory of a process in bytes (`VmRSS`, proc(5)).
fn resident(id: u32) -> Option<u64> {
    status(id, "VmRSS:")
}

fn status(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kib: u64 = status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_seen() {
        let watch = MemoryWatch::start(std::process::id());
        sleep(Duration::from_millis(250));
        assert!(watch.finish() > 500_000 && high_water(std::process::id()).unwrap() > 500_000);
    }

    #[test]
    fn the_processor_time_of_a_process_grows() {
        let begun = Instant::now();
        while processor_time(std::process::id()).unwrap() < Duration::from_millis(50) {
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        assert_eq!(processor_time(u32::MAX), None);
    }

    #[test]
    fn a_process_that_ends_early_is_told() {
        let folder = std::env::temp_dir();
        let mut server = Server::start(Path::new("/bin/false"), &[], &[], &folder).unwrap();
        let told = server.wait_until(Duration::from_secs(5), || false).unwrap_err();
        assert!(told.contains("ended with"), "{told}");
    }

    #[test]
    fn a_process_is_stopped_by_its_id() {
        let server = Server::start(Path::new("/bin/sleep"), &["60"], &[], &std::env::temp_dir()).unwrap();
        let told = server.stop(Duration::from_secs(5)).unwrap_err();
        assert!(told.contains("signal"), "{told}");
    }
}
