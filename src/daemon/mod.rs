//! alarmd: configuration, GPIO set-up, logging, signals, and the loop.
pub mod config;
mod hardware;
mod logging;
mod pidfile;
mod signals;

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use alarmd::poll::Poll;
use log::{error, info, warn};

use crate::{FAILED, USAGE};
use config::Loaded;
use hardware::{START_PATIENCE, Sysfs};
use pidfile::Pidfile;

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

#[derive(Default)]
struct Options {
    file: Option<PathBuf>,
    check: bool,
    syslog: bool,
    pidfile: Option<PathBuf>,
}

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
            error!("{message}");
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
    logging::init(options.syslog).map_err(|error| error.to_string())?;
    signals::install().map_err(|error| format!("signals: {error}"))?;
    let mut pidfile = options.pidfile.as_deref().map(Pidfile::lock).transpose()?;
    let mut hardware = Sysfs { patience: START_PATIENCE };
    // The largest thing there is, once and for all.
    let mut poll = Box::<Poll>::default();
    poll.start(loaded.settings, &mut hardware).map_err(|error| error.to_string())?;
    if let Some(pidfile) = &mut pidfile {
        if let Err(error) = pidfile.ready() {
            poll.stop(&mut hardware);
            return Err(format!("pidfile: {error}"));
        }
    }
    info!("alarmd {} works, as process {}", env!("CARGO_PKG_VERSION"), std::process::id());
    loop {
        hardware.patience = 0;
        poll.run(&mut hardware, signals::attention()).map_err(|error| error.to_string())?;
        let wanted = signals::take();
        if wanted.stop {
            info!("told to stop");
            poll.stop(&mut hardware);
            return Ok(());
        }
        if wanted.reload {
            hardware.patience = START_PATIENCE;
            match config::load(options.file.as_deref()) {
                Ok(loaded) => {
                    poll.reconfigure(loaded.settings, &mut hardware).map_err(|error| error.to_string())?;
                    info!("configuration read again");
                }
                Err(refused) => {
                    refused.messages().for_each(|message| error!("{message}"));
                    warn!("the new configuration is refused; the old one stays");
                }
            }
        }
    }
}
