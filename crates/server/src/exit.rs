//! How a command ends, for scripts.

use crate::config::Problem;
use std::process::ExitCode;

/// Exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The thing asked about is not so.
    NotSo = 1,
    /// The command was called wrongly.
    Usage = 2,
    /// The configuration does not allow it.
    Configuration = 3,
    /// A dependency cannot be reached.
    Unreachable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what was asked. Its text says what, where and what to do, and carries no value.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration has problems.
    #[error("the configuration has {} problem{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Configuration(Vec<Problem>),
    /// Something outside the process did not work.
    #[error("{what}: {remedy}")]
    Unreachable {
        /// What did not work.
        what: &'static str,
        /// What to do.
        remedy: String,
    },
    /// The answer is no.
    #[error("{0}")]
    NotSo(String),
    /// The call itself does not make sense.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed or full.
    #[error("the output cannot be written ({:?})", .0.kind())]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// The exit code that goes with it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_) => Exit::Configuration,
            Self::Unreachable { .. } | Self::Output(_) => Exit::Unreachable,
            Self::NotSo(_) => Exit::NotSo,
            Self::Usage(_) => Exit::Usage,
        }
    }

    /// Whether it is only that nobody reads the answer to its end.
    #[must_use]
    pub fn reader_is_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// What a person reads on standard error.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("aceso: {self}\n");
        if let Self::Configuration(problems) = self {
            for problem in problems {
                text.push_str(&format!("  {problem}\n"));
            }
        }
        text
    }
}
