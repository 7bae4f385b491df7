//! One request at a time, to prepare what is measured.

use crate::command::Failure;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// GET of JSON from `127.0.0.1:port` (HTTP/1.1, connection closed after the answer).
pub(crate) fn get_json(port: u16, path: &str, token: Option<&str>) -> Result<Value, Failure> {
    let authorisation = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let (status, body) = exchange(port, &format!("GET {path}"), &authorisation, "")?;
    if status != 200 {
        return Err(format!("GET {path}: status {status}"));
    }
    serde_json::from_slice(&body).map_err(|error| format!("GET {path}: {error}"))
}

/// POST of FHIR JSON; anything but a 2xx is a failure.
pub(crate) fn post(port: u16, path: &str, json: &str) -> Result<(), Failure> {
    let kind = "content-type: application/fhir+json\r\nprefer: return=minimal\r\n";
    let (status, body) = exchange(port, &format!("POST {path}"), kind, json)?;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&body).chars().take(500).collect();
    Err(format!("POST {path}: status {status}: {said}"))
}

fn exchange(port: u16, request: &str, headers: &str, body: &str) -> Result<(u16, Vec<u8>), Failure> {
    let talk = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(600)))?;
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/fhir+json\r\n{headers}\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = talk().map_err(|error| format!("{request}: {error}"))?;
    split(&answer).ok_or_else(|| format!("{request}: not an HTTP answer"))
}

fn split(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?.to_ascii_lowercase();
    let body = answer.get(end + 4..)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if head.contains("transfer-encoding: chunked") { unchunk(body)? } else { body.to_vec() };
    Some((status, body))
}

/// RFC 9112 section 7.1, without trailers.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_chunked_answers_are_read() {
        assert_eq!(split(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}").unwrap(), (404, b"{}".to_vec()));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(split(chunked).unwrap(), (200, b"abcde".to_vec()));
        assert!(split(b"garbage").is_none());
    }
}
