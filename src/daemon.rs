//! alarmd: configuration, GPIO set-up, logging, signals; a worker that runs the loop, and a guardian over it.
use std::fs::File;
use std::process::ExitCode;

use alarmd::pace::Pace;
use log::error;

use crate::config::{self, Loaded};
use crate::guardian::{self, Guardian, Options};
use crate::{FAILED, USAGE, logging};

/// The whole program.
pub fn main() -> ExitCode {
    let options = match guardian::options() {
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

fn check(options: &Options, loaded: &Loaded) -> ExitCode {
    for warning in &loaded.warnings {
        crate::complain!("{warning} (warning)");
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
