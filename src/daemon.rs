//! alarmd: configuration, GPIO set-up, logging, signals; a worker that runs the loop, and a guardian over it.
use std::fs::File;
use std::process::ExitCode;

use alarmd::pace::Pace;
use log::error;

use crate::config::{self, Loaded};
use crate::guardian::{Guardian, Options};
use crate::{FAILED, USAGE, logging};

const HELP: &str = "\
alarmd, an alarm annunciator: System V shared memory in, lamps, relays and horns out

usage: alarmd [-c FILE] [--check] [--syslog] [--pidfile FILE]

  -c FILE         configuration (default /etc/alarmd.conf, which need not exist)
  --check         read the configuration, tell every error, and exit
  --syslog        log to the system log instead of stderr
  --pidfile FILE  lock FILE while running; the process id stands there once the daemon works
  -h, --help      this text
  -V, --version   the version

It runs in the foreground. SIGTERM and SIGINT end it in order, SIGHUP reads the configuration again.
Exit: 0 done, 1 failed, 2 usage. See also alarmctl --help.
";

/// The whole program.
pub fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            crate::complain!("alarmd: {error}; see alarmd --help");
            return ExitCode::from(USAGE);
        }
    };
    let loaded = match config::load(options.file.as_deref()) {
        Ok(loaded) => loaded,
        Err(refused) => {
            crate::complain!("{refused}");
            return ExitCode::from(FAILED);
        }
    };
    if options.check {
        return check(&options, &loaded);
    }
    match run(&options, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The worker may have told it.
            if !message.is_empty() {
                error!("{message}");
            }
            ExitCode::from(FAILED)
        }
    }
}

/// `None` if the question was answered.
fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::Arg::{Long, Short};
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('c') | Long("config") => options.file = Some(parser.value()?.into()),
            Long("check") => options.check = true,
            Long("syslog") => options.syslog = true,
            Long("pidfile") => options.pidfile = Some(parser.value()?.into()),
            Short('h') | Long("help") => {
                crate::print(HELP);
                return Ok(None);
            }
            Short('V') | Long("version") => {
                crate::print(concat!("alarmd ", env!("CARGO_PKG_VERSION"), "\n"));
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn check(options: &Options, loaded: &Loaded) -> ExitCode {
    for doubt in &loaded.doubts {
        crate::complain!("{doubt} (warning)");
    }
    let file = options.file.clone().unwrap_or_else(|| config::DEFAULT_FILE.into());
    let (modules, outputs) = (loaded.settings.modules.len(), loaded.settings.outputs.len());
    let found = if File::open(&file).is_ok() { "good" } else { "not there, so the defaults hold" };
    crate::print(&format!("{}: {found}: {modules} modules, {outputs} outputs\n", file.display()));
    ExitCode::SUCCESS
}

fn run(options: &Options, loaded: Loaded) -> Result<(), String> {
    // A thousand alarms at once are told; who raises and clears without end fills no flash.
    logging::init(options.syslog, Pace::new(1000, 10)).map_err(|error| error.to_string())?;
    Guardian::new(options, loaded.settings)?.run()
}
