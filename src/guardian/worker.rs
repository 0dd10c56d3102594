//! The worker: the loop and all that it needs. Forked by the guardian, without which it does not stay.
use alarmd::poll::{Poll, StartError};
use alarmd::process::Mark;
use alarmd::settings::{OutputSettings, Settings};
use log::{error, info, warn};

use super::options::Options;
use super::shared_state::{Heart, State};
use super::{process_attributes, signals};
use crate::lines::BoardLines;
use crate::{FAILED, config};

/// Exit code: another daemon runs.
pub const REPLACED: u8 = 4;

/// Works until it is told to stop, and gives its exit code. `settings` are the last good ones.
pub fn run(options: &Options, settings: &Settings, heart: &'static Heart, guardian: Mark) -> u8 {
    if let Err(error) = signals::attend() {
        error!("signals: {error}");
        return FAILED;
    }
    // It may have died before the kernel was asked to tell.
    if signals::take(guardian.pid()).orphaned {
        return FAILED;
    }
    let code = match work(options, settings, heart, guardian) {
        Ok(code) => code,
        Err(error) => {
            error!("{error}");
            if matches!(error, StartError::Runs(_)) { REPLACED } else { FAILED }
        }
    };
    heart.set_state(State::Starting);
    code
}

fn work(options: &Options, settings: &Settings, heart: &'static Heart, guardian: Mark) -> Result<u8, StartError> {
    let restarts = heart.restarts();
    let reloaded;
    let (settings, refused) = match restarts {
        0 => (settings, false),
        // As it stands now; where that is no good, as it was.
        _ => match config::load(options.file.as_deref()) {
            Ok(loaded) => {
                reloaded = loaded.settings;
                heart.note_reload();
                (&*reloaded, false)
            }
            Err(reason) => {
                refuse(&reason);
                (settings, true)
            }
        },
    };
    process_attributes::take(settings);
    let mut hardware = BoardLines {
        signalled: Some(signals::attention()),
        progress: Some(heart.rounds()),
        reopened: Some(heart.renewed()),
        ..BoardLines::default()
    };
    hardware.allow_wait();
    // The largest thing there is, once and for all.
    let mut poll = Box::<Poll>::default();
    // Before the first of them is driven: from then on the guardian must know them.
    heart.lay(&settings.outputs);
    poll.start(guardian, settings.clone(), &mut hardware)?;
    poll.note_configuration(refused);
    if restarts > 0 {
        poll.note_restart(restarts, heart.cause());
    }
    loop {
        heart.set_state(State::Working);
        signals::tell(guardian.pid());
        hardware.forbid_wait();
        poll.run(&mut hardware, signals::attention(), heart.rounds())?;
        let wanted = signals::take(guardian.pid());
        if wanted.orphaned {
            poll.abandon(&mut hardware);
            error!("the guardian has died: fail-safe outputs show an alarm; ended, so that init starts both");
            return Ok(FAILED);
        }
        if wanted.stop {
            info!("told to stop");
            poll.stop(&mut hardware);
            return Ok(0);
        }
        if wanted.reload {
            heart.set_state(State::Starting);
            hardware.allow_wait();
            match config::load(options.file.as_deref()) {
                Ok(loaded) => {
                    process_attributes::take(&loaded.settings);
                    // The old ones too, until they are where they belong.
                    let new = &loaded.settings.outputs;
                    let leave = |old: &&OutputSettings| new.iter().all(|output| output.target != old.target);
                    heart.lay(new.iter().chain(poll.outputs().iter().filter(leave)));
                    poll.reconfigure(*loaded.settings, &mut hardware)?;
                    heart.lay(poll.outputs());
                    poll.note_configuration(false);
                    heart.note_reload();
                    info!("configuration read again");
                }
                Err(reason) => {
                    refuse(&reason);
                    poll.note_configuration(true);
                }
            }
        }
    }
}

fn refuse(reason: &config::ConfigError) {
    reason.messages().for_each(|message| error!("{message}"));
    warn!("the new configuration is refused; the old one stays");
}
