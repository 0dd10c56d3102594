//! One executable with two names: `alarmd`, the daemon, and `alarmctl`, its tool. Flash is small.
mod ctl;
mod daemon;
mod number;
mod utc;

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use number::number;

/// Exit code: failed, with the reason on stderr.
const FAILED: u8 = 1;
/// Exit code: the command line is wrong.
const USAGE: u8 = 2;

/// A line on stderr. One that cannot be written there is lost, where `eprintln!` would panic: a full disk under a log keeps
/// no annunciator off.
macro_rules! complain {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}
pub(crate) use complain;

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "alarmctl") { ctl::main() } else { daemon::main() }
}

/// Prints to stdout. A reader who has seen enough and left is no error.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
