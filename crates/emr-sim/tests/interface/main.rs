//! The simulator over real HTTP on the loopback: the list of what a fake of this interface must do, line by line.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod faults;
mod objects;
mod paging;
mod population;
mod support;
mod tokens;
mod webhooks;
mod writing;
