//! One executable with two names: `alarmd`, the daemon, and `alarmctl`, its tool. Flash is small.
mod config;
mod ctl;
mod daemon;
mod guardian;
mod lines;
mod logging;
mod number;
mod utc;

use std::env;
use std::path::Path;
use std::process::ExitCode;

// For src/daemon, which still imports these names from here.
pub(crate) use console::{FAILED, USAGE, print, report_error as complain};
use number::number;

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "alarmctl") { ctl::main() } else { daemon::main() }
}
