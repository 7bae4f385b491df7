//! The members of a gzipped tar, one at a time, with every limit kept while reading and not after.

use std::collections::BTreeSet;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType, PaxExtensions};

use super::{PackageError, PackageLimits, PackageProblem};

/// What may inflate without regard to its ratio: small text compresses well.
const ALWAYS_ALLOWED: u64 = 8 << 20;
/// Bytes of a header that extends another (a long path).
const MAX_EXTENSION: u64 = 64 << 10;

/// Calls `file` with number, path and text of every file that `wanted` asks for by its path.
pub(super) fn files(
    bytes: &[u8],
    limits: &PackageLimits,
    wanted: impl Fn(&str) -> bool,
    mut file: impl FnMut(usize, &str, Vec<u8>) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    if bytes.len() > limits.max_bytes {
        return Err(PackageProblem::TooLarge.into());
    }
    let by_ratio = (bytes.len() as u64).saturating_mul(limits.max_ratio).max(ALWAYS_ALLOWED);
    let mut inflated =
        Bounded { inner: MultiGzDecoder::new(bytes), left: limits.max_inflated.min(by_ratio), over: false };
    let walked = walk(&mut inflated, limits, &wanted, &mut file);
    // The rest is read too: a checksum stands at the end, and a package that is damaged there is refused.
    let rest = walked
        .and_then(|()| io::copy(&mut inflated, &mut io::sink()).map(|_| ()).map_err(|_| PackageProblem::Gzip.into()));
    if inflated.over { Err(PackageProblem::InflatesTooFar.into()) } else { rest }
}

fn walk(
    inflated: &mut impl Read,
    limits: &PackageLimits,
    wanted: &impl Fn(&str) -> bool,
    file: &mut impl FnMut(usize, &str, Vec<u8>) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    let mut archive = Archive::new(inflated);
    let mut seen = BTreeSet::new();
    let mut long_path: Option<Vec<u8>> = None;
    // Raw: the library would read headers that extend others into memory, whatever size they claim.
    for (index, entry) in archive.entries().map_err(|_| PackageProblem::Tar)?.raw(true).enumerate() {
        let at = |problem: PackageProblem| PackageError { problem, entry: Some(index + 1) };
        if index >= limits.max_entries {
            return Err(PackageProblem::TooManyEntries.into());
        }
        let mut entry = entry.map_err(|_| at(PackageProblem::Tar))?;
        let kind = entry.header().entry_type();
        let size = entry.header().entry_size().map_err(|_| at(PackageProblem::Tar))?;
        match kind {
            EntryType::XHeader => {
                long_path = extension_path(&read(&mut entry, size, MAX_EXTENSION).map_err(at)?).map_err(at)?
            }
            EntryType::GNULongName => {
                let mut name = read(&mut entry, size, MAX_EXTENSION).map_err(at)?;
                name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
                long_path = Some(name);
            }
            EntryType::XGlobalHeader => {}
            EntryType::Directory => {
                path(long_path.take().as_deref().unwrap_or(&entry.header().path_bytes())).map_err(at)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let path = path(long_path.take().as_deref().unwrap_or(&entry.header().path_bytes())).map_err(at)?;
                if wanted(&path) {
                    let text = read(&mut entry, size, limits.max_resource as u64).map_err(at)?;
                    file(index + 1, &path, text)?;
                }
                if !seen.insert(path) {
                    return Err(at(PackageProblem::DuplicatePath));
                }
            }
            _ => return Err(at(PackageProblem::NotAFile)),
        }
    }
    Ok(())
}

/// The path that a header of POSIX pax gives the next member (IEEE 1003.1, pax extended header), if it gives one.
fn extension_path(header: &[u8]) -> Result<Option<Vec<u8>>, PackageProblem> {
    let mut path = None;
    for record in PaxExtensions::new(header) {
        let record = record.map_err(|_| PackageProblem::Tar)?;
        match record.key_bytes() {
            b"path" => path = Some(record.value_bytes().to_vec()),
            // Would make the size in the next header untrue.
            b"size" => return Err(PackageProblem::Tar),
            key if key.starts_with(b"GNU.sparse.") => return Err(PackageProblem::NotAFile),
            _ => {}
        }
    }
    Ok(path)
}

/// All bytes of a member that may have so many; a member that is shorter than its header says is damaged.
fn read(member: &mut impl Read, size: u64, limit: u64) -> Result<Vec<u8>, PackageProblem> {
    if size > limit {
        return Err(PackageProblem::ResourceTooLarge);
    }
    // Grown while reading: the size in a header is a claim.
    let mut text = Vec::new();
    member.take(size).read_to_end(&mut text).map_err(|_| PackageProblem::Tar)?;
    if text.len() as u64 == size { Ok(text) } else { Err(PackageProblem::Tar) }
}

/// The path inside the package, `./` at its beginning left out.
fn path(bytes: &[u8]) -> Result<String, PackageProblem> {
    let text = std::str::from_utf8(bytes).map_err(|_| PackageProblem::Path)?;
    let text = text.strip_prefix("./").unwrap_or(text);
    let malformed = text.is_empty() && bytes != b"./" || text.starts_with('/') || text.contains(['\\', '\0', ':']);
    if malformed || text.split('/').any(|part| part == "..") {
        return Err(PackageProblem::Path);
    }
    Ok(text.to_owned())
}

/// A reader that ends in an error where its limit is.
struct Bounded<R> {
    inner: R,
    left: u64,
    over: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.over = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        Ok(count)
    }
}
