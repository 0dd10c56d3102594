//! One executable with two names: `alarmd`, the daemon, and `alarmctl`, its tool. One file takes less flash than two.
use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    let is_tool = Path::new(&name).file_name().is_some_and(|name| name == "alarmctl");
    if is_tool { alarmd::ctl::main() } else { alarmd::daemon::main() }
}
