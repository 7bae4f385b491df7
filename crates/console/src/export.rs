//! The whole log as one file, made while it is sent: a tar of what `aceso audit export` writes.

use crate::context::Context;
use crate::guard::add_receipt;
use crate::refusal::Refused;
use aceso_policy::AdminAction;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_core::Stream;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use tokio::sync::mpsc;

/// Blocks of the file that may wait for the browser: more are made when it has taken them.
const WAITING: usize = 8;
const FOLDER: &str = "aceso-log";

pub(crate) async fn get(context: Context) -> Result<Response, Refused> {
    let receipt = context.door().admit_admin(&context.caller, AdminAction::ReadAudit, "export").await?;
    let door = context.door().clone();
    let (send, blocks) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut archive = tar::Builder::new(Sender { send: send.clone(), block: Vec::new() });
        let written = door.export_log_into(&mut |name, bytes| append(&mut archive, name, bytes));
        let closed = written.map_err(io::Error::other).and_then(|_| archive.into_inner()?.flush());
        if let Err(error) = closed {
            tracing::warn!(reason = "export", "the log was not sent to its end");
            // A broken body shows as a broken download; the checkpoint, which comes last, is not in it.
            drop(send.blocking_send(Err(error)));
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"aceso-log.tar\""),
    ];
    let mut response = (headers, Body::from_stream(Blocks(blocks))).into_response();
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

fn append(archive: &mut tar::Builder<Sender>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut head = tar::Header::new_gnu();
    head.set_size(bytes.len() as u64);
    head.set_mode(0o600);
    head.set_mtime(0);
    archive.append_data(&mut head, format!("{FOLDER}/{name}"), bytes)
}

/// Hands on what is written, in blocks; waits when the browser is slow, and fails when it is gone.
struct Sender {
    send: mpsc::Sender<io::Result<Bytes>>,
    block: Vec<u8>,
}

const BLOCK: usize = 64 * 1024;

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        self.send.blocking_send(Ok(block.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Blocks(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Blocks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(task)
    }
}
