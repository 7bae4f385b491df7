//! Parts that tests run against and that are not Rust: installed into `target/parts`, nothing skipped in silence.

use crate::command::{Failure, command, exists, run, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An independent verifier of transparency logs, and models of FHIR 4.0.1 (later versions have R4B and R5) with the last library that they
/// run on, pinned.
const PACKAGES: [&str; 3] = ["aics-tlog==0.2.1", "fhir.resources==6.4.0", "pydantic==1.10.27"];
/// What drives the browser, what judges accessibility, another converter between FHIR JSON and XML, and another FHIRPath engine, pinned.
const MODULES: [&str; 4] = ["playwright-core@1.65.1", "axe-core@4.14.1", "fhir@4.12.0", "fhirpath@5.2.2"];

/// Where the parts are.
#[derive(Debug)]
pub(crate) struct Parts {
    /// A Python that has the verifier and the other models.
    pub python: PathBuf,
    /// Prometheus' own linter.
    pub promtool: PathBuf,
    /// A `node_modules` with what drives the browser, what judges our XML and the other FHIRPath engine.
    pub modules: PathBuf,
    /// A Chromium that runs without a window.
    pub chromium: PathBuf,
    /// A Redis server.
    pub redis: PathBuf,
}

impl Parts {
    /// The variables by which tests find the parts.
    pub fn variables(&self) -> [(&'static str, &Path); 5] {
        [
            ("ACESO_PARTS_PYTHON", &self.python),
            ("ACESO_PARTS_PROMTOOL", &self.promtool),
            ("ACESO_PARTS_MODULES", &self.modules),
            ("ACESO_PARTS_CHROMIUM", &self.chromium),
            ("ACESO_PARTS_REDIS", &self.redis),
        ]
    }
}

/// Installs what is missing.
pub(crate) fn install() -> Result<Parts, Failure> {
    let folder = target().join("parts");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Parts {
        python: python(&folder)?,
        promtool: promtool(&folder)?,
        modules: modules(&folder)?,
        chromium: chromium()?,
        redis: redis(&folder)?,
    })
}

/// Installs Debian packages unless the program is there. Needs root, as apt does.
pub(crate) fn debian(program: &str, probe: &str, packages: &[&str]) -> Result<(), Failure> {
    if exists(program, probe) {
        return Ok(());
    }
    let mut arguments = vec!["install", "-y", "--no-install-recommends", "-qq"];
    arguments.extend(packages);
    apt(&arguments)
        .map_err(|failure| format!("{program} is missing; as root: apt-get install {} ({failure})", packages.join(" ")))
}

fn python(folder: &Path) -> Result<PathBuf, Failure> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let marker = venv.join(format!("{}.installed", PACKAGES.join("+")));
    if marker.exists() && exists(&python.to_string_lossy(), "--version") {
        return Ok(python);
    }
    debian("python3", "--version", &["python3"])?;
    let make = |venv: &Path| run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv));
    if make(&venv).is_err() {
        apt(&["install", "-y", "--no-install-recommends", "-qq", "python3-venv"])
            .map_err(|failure| format!("python3 has no venv; as root: apt-get install python3-venv ({failure})"))?;
        make(&venv)?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--ignore-requires-python"];
    run(Command::new(&python).args(pip).args(PACKAGES))?;
    std::fs::write(&marker, b"").map_err(|error| format!("{}: {error}", marker.display()))?;
    Ok(python)
}

/// Packages of the npm registry, in a folder of their own. None of their scripts is run.
fn modules(folder: &Path) -> Result<PathBuf, Failure> {
    let own = folder.join("npm");
    let marker = own.join(format!("{}.installed", MODULES.join("+")));
    if !marker.exists() {
        debian("node", "--version", &["nodejs"])?;
        debian("npm", "--version", &["npm"])?;
        std::fs::create_dir_all(&own).map_err(|error| format!("{}: {error}", own.display()))?;
        let quiet = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"];
        run(Command::new("npm").args(quiet).arg(&own).args(MODULES))?;
        std::fs::write(&marker, b"").map_err(|error| format!("{}: {error}", marker.display()))?;
    }
    Ok(own.join("node_modules"))
}

/// Debian's browser; a download of the driver's own would come from elsewhere.
fn chromium() -> Result<PathBuf, Failure> {
    debian("chromium", "--version", &["chromium"])?;
    Ok(PathBuf::from("chromium"))
}

/// Debian's `redis-server` would bring a service with it. Its `redis-tools` has the same program under another name, and the name by
/// which it is started decides what it is.
fn redis(folder: &Path) -> Result<PathBuf, Failure> {
    const PROGRAM: &str = "/usr/bin/redis-check-rdb";
    let server = folder.join("redis/redis-server");
    if exists("redis-server", "--version") {
        return Ok(PathBuf::from("redis-server"));
    }
    debian(PROGRAM, "--version", &["redis-tools"])?;
    // Makes the certificates for the one that speaks TLS.
    debian("openssl", "version", &["openssl"])?;
    if !exists(&server.to_string_lossy(), "--version") {
        let failed = |error: std::io::Error| format!("{}: {error}", server.display());
        std::fs::create_dir_all(folder.join("redis")).map_err(failed)?;
        let _ = std::fs::remove_file(&server);
        std::os::unix::fs::symlink(PROGRAM, &server).map_err(failed)?;
    }
    if exists(&server.to_string_lossy(), "--version") {
        Ok(server)
    } else {
        Err("redis-server does not start".to_owned())
    }
}

/// Unpacked from Debian's package, not installed: it would bring a service with it.
fn promtool(folder: &Path) -> Result<PathBuf, Failure> {
    let tool = folder.join("prometheus/usr/bin/promtool");
    if exists(&tool.to_string_lossy(), "--version") {
        return Ok(tool);
    }
    if exists("promtool", "--version") {
        return Ok(PathBuf::from("promtool"));
    }
    let downloads = folder.join("deb");
    std::fs::create_dir_all(&downloads).map_err(|error| format!("{}: {error}", downloads.display()))?;
    let download = || run(Command::new("apt-get").args(["download", "-qq", "prometheus"]).current_dir(&downloads));
    if download().is_err() {
        apt(&["update", "-qq"])?;
        download()?;
    }
    let package = std::fs::read_dir(&downloads)
        .map_err(|error| format!("{}: {error}", downloads.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("prometheus_")))
        .ok_or("apt-get download left no package")?;
    run(Command::new("dpkg-deb").arg("-x").arg(package).arg(folder.join("prometheus")))?;
    if exists(&tool.to_string_lossy(), "--version") { Ok(tool) } else { Err("promtool does not start".to_owned()) }
}

fn apt(arguments: &[&str]) -> Result<(), Failure> {
    let once = || run(command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    once().or_else(|_| {
        run(&mut command("apt-get", &["update", "-qq"]))?;
        once()
    })
}
