//! The worker: a child of the guardian that runs the loop. Without the guardian it exits.
use alarmd_core::codes::WorkerState;
use alarmd_core::output::{Channel, OutputSettings};
use alarmd_core::poll::{Poll, StartError};
use alarmd_core::process::{self, ProcessIdentity};
use log::{error, info, warn};

use super::options::Options;
use super::shared_state::SharedState;
use super::{process_attributes, signals};
use crate::config::{self, Settings};
use crate::console::{FAILED, REPLACED};
use crate::lines::BoardLines;

/// Runs the loop until a signal ends it, and returns the exit code. `settings` are the last valid ones.
pub fn run(options: &Options, settings: &Settings, shared: &'static SharedState, guardian: ProcessIdentity) -> u8 {
    if let Err(error) = signals::install_handlers() {
        error!("worker {}: signal handlers not installed: {error}", process::me());
        return FAILED;
    }
    // The guardian may have terminated before the handler was installed.
    if signals::take_pending(guardian.pid()).orphaned {
        return FAILED;
    }
    let code = match work(options, settings, shared, guardian) {
        Ok(code) => code,
        Err(error) => {
            error!("{error}");
            if matches!(error, StartError::Runs(_)) { REPLACED } else { FAILED }
        }
    };
    shared.set_state(WorkerState::Starting);
    code
}

fn work(
    options: &Options,
    settings: &Settings,
    shared: &'static SharedState,
    guardian: ProcessIdentity,
) -> Result<u8, StartError> {
    let restarts = shared.restarts();
    let reloaded;
    let (settings, refused) = match restarts {
        0 => (settings, false),
        // A restarted worker loads the configuration. If that is invalid, the last valid one stays.
        _ => match config::load(options.file.as_deref()) {
            Ok(loaded) => {
                reloaded = loaded.settings;
                shared.count_reload();
                (&*reloaded, false)
            }
            Err(error) => {
                log_refused(&error);
                (settings, true)
            }
        },
    };
    process_attributes::apply(settings);
    let mut hardware = BoardLines {
        signalled: Some(signals::signalled()),
        progress: Some(shared.rounds()),
        reopened: Some(shared.reopened()),
        ..BoardLines::default()
    };
    hardware.allow_wait();
    // The largest allocation of the program. It is made once.
    let mut poll = Box::<Poll>::default();
    // The guardian must know the lines before the first of them is driven.
    shared.publish_lines(&settings.poll.outputs);
    poll.start(guardian, &settings.poll, &mut hardware)?;
    poll.note_configuration(refused);
    if restarts > 0 {
        poll.note_restart(restarts, shared.cause());
    }
    loop {
        shared.set_state(WorkerState::Working);
        signals::notify_guardian(guardian.pid());
        hardware.forbid_wait();
        poll.run(&mut hardware, signals::signalled(), shared.rounds())?;
        let pending = signals::take_pending(guardian.pid());
        if pending.orphaned {
            poll.force_alarm(&mut hardware);
            let (worker, guardian) = (process::me(), guardian.pid());
            error!("worker {worker}: guardian {guardian} terminated; fail-safe outputs set to alarm; exiting");
            return Ok(FAILED);
        }
        if pending.stop {
            poll.stop(&mut hardware);
            return Ok(0);
        }
        if pending.reload {
            shared.set_state(WorkerState::Starting);
            hardware.allow_wait();
            match config::load(options.file.as_deref()) {
                Ok(loaded) => {
                    process_attributes::apply(&loaded.settings);
                    // Outputs that are removed stay published until `reconfigure` has set them to their last state.
                    let new = &loaded.settings.poll.outputs;
                    let is_removed = |old: &&OutputSettings| new.iter().all(|output| output.target != old.target);
                    shared.publish_lines(new.iter().chain(configured(&poll).filter(is_removed)));
                    let (modules, outputs) = (loaded.settings.poll.modules.len(), new.len());
                    poll.reconfigure(&loaded.settings.poll, &mut hardware)?;
                    shared.publish_lines(configured(&poll));
                    poll.note_configuration(false);
                    shared.count_reload();
                    info!("configuration reloaded: {modules} modules, {outputs} outputs");
                }
                Err(error) => {
                    log_refused(&error);
                    poll.note_configuration(true);
                }
            }
        }
    }
}

fn configured(poll: &Poll) -> impl Iterator<Item = &OutputSettings> {
    poll.channels().iter().map(|channel: &Channel| &channel.settings)
}

fn log_refused(error: &config::ConfigError) {
    error.messages().for_each(|message| error!("configuration {message}"));
    warn!("configuration refused; the previous one stays in use; correct the file and send SIGHUP to alarmd");
}
