//! The program alarmd: command line, configuration and log. Then the guardian runs.
use std::fs::File;
use std::process::ExitCode;

use alarmd_core::rate_limiter::RateLimiter;
use log::error;

use crate::config::{self, Loaded};
use crate::console::{FAILED, USAGE, print, report_error, usage_error};
use crate::guardian::{Guardian, Options};
use crate::logging;

/// The whole program.
pub fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            report_error!("alarmd: {}; see alarmd --help", usage_error(&error));
            return ExitCode::from(USAGE);
        }
    };
    let loaded = match config::load(options.file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            report_error!("{error}");
            return ExitCode::from(FAILED);
        }
    };
    if options.check {
        return check(&options, &loaded);
    }
    match run(&options, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // An empty message means that the worker has logged the reason.
            if !message.is_empty() {
                error!("{message}");
            }
            ExitCode::from(FAILED)
        }
    }
}

fn check(options: &Options, loaded: &Loaded) -> ExitCode {
    for warning in &loaded.warnings {
        report_error!("configuration {warning} (warning)");
    }
    let file = options.file.clone().unwrap_or_else(|| config::DEFAULT_FILE.into());
    let (modules, outputs) = (loaded.settings.poll.modules.len(), loaded.settings.poll.outputs.len());
    let state = if File::open(&file).is_ok() { "valid" } else { "no such file, defaults apply" };
    print(&format!("configuration {}: {state}: {modules} modules, {outputs} outputs\n", file.display()));
    ExitCode::SUCCESS
}

fn run(options: &Options, loaded: Loaded) -> Result<(), String> {
    // A thousand alarms at once are logged. A producer that raises and clears without end cannot fill the flash.
    logging::init(options.syslog, RateLimiter::new(1000, 10)).map_err(|error| error.to_string())?;
    Guardian::new(options, loaded.settings)?.run()
}
