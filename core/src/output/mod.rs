//! A line that can be driven: a GPIO's `value`, an LED's `brightness`, a file.
//!
//! What can bite: somebody may unexport the line under us (ENODEV on the descriptor for ever), turn it into an input, or
//! change it behind our back. So a line is read back at each health check, set up again when it fails, and its failure is
//! an alarm. Setting up needs std and is behind [`Hardware`]; driving is one `pwrite` on a descriptor that stays open.
mod error;
mod line;

pub use error::LineError;

pub use crate::codes::Step;
pub use line::Line;

use core::fmt;

use log::{error, info, warn};

use crate::alarm::{Alarm, Transition, daemon};
use crate::clock::{Nanos, S, Time};
use crate::codes::DaemonType;
use crate::settings::{OnStop, OutputSettings};

/// What sets a line up.
pub trait Hardware {
    /// Makes the line an output at this level, without a glitch, and opens it.
    ///
    /// # Errors
    /// What failed, and how.
    fn set_up(&mut self, output: &OutputSettings, energised: bool) -> Result<Line, LineError>;
}

/// The first pause before a failed line is tried again, and the longest.
const PAUSES: (Nanos, Nanos) = (S, 60 * S);

/// One output: its line and how the line is.
#[derive(Debug)]
pub struct Output {
    line: Option<Line>,
    energised: bool,
    failure: Option<LineError>,
    /// An operator knows that it has failed.
    acknowledged: bool,
    pause: Nanos,
    due: Time,
    writes: u32,
}

impl Default for Output {
    /// An output without a line. [`Output::set_up`] gives it one.
    fn default() -> Output {
        Output {
            line: None,
            energised: false,
            failure: None,
            acknowledged: false,
            pause: PAUSES.0,
            due: Time::default(),
            writes: 0,
        }
    }
}

impl Output {
    /// What a daemon that was killed left of an output: how its line failed, if it did, whether that was acknowledged, and how
    /// often it was written.
    pub fn restored(failure: Option<LineError>, acknowledged: bool, writes: u32) -> Output {
        Output { failure, acknowledged, writes, ..Output::default() }
    }

    /// True if its line is at the active level, as far as we wrote it.
    pub fn is_energised(&self) -> bool {
        self.energised && self.line.is_some()
    }

    /// The alarm that it cannot be driven, while it is so.
    pub fn alarm(&self, order: &Order<'_>) -> Option<Alarm> {
        self.failure.map(|_| Alarm { acknowledged: self.acknowledged, ..order.failed() })
    }

    /// An operator knows that it has failed, if it has.
    pub fn acknowledge(&mut self, order: &Order<'_>, tell: &mut impl FnMut(Transition)) {
        if let Some(alarm) = self.alarm(order).filter(|alarm| !alarm.acknowledged) {
            self.acknowledged = true;
            tell(Transition::Acknowledged(Alarm { acknowledged: true, ..alarm }));
        }
    }

    /// Why it cannot be driven.
    pub fn failure(&self) -> Option<LineError> {
        self.failure
    }

    /// How many times its line was written.
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// Makes the line show this, if it does not yet.
    #[inline]
    pub fn drive(&mut self, order: &Order<'_>, hardware: &mut dyn Hardware, tell: &mut impl FnMut(Transition)) {
        let energised = order.energised();
        let Some(line) = self.line.as_ref().filter(|_| energised != self.energised) else { return };
        self.energised = energised;
        self.writes = self.writes.wrapping_add(1);
        if let Err(errno) = line.write(energised) {
            self.fail(order, LineError { step: Step::Write, errno }, hardware, tell);
        }
    }

    /// The health check: is the line as we wrote it? One that has failed is set up again when its pause is over.
    pub fn check(&mut self, order: &Order<'_>, hardware: &mut dyn Hardware, tell: &mut impl FnMut(Transition)) {
        match self.line.as_ref().map(Line::read) {
            None if order.now >= self.due => self.set_up(order, hardware, tell),
            Some(Err(errno)) => self.fail(order, LineError { step: Step::Read, errno }, hardware, tell),
            Some(Ok(Some(energised))) if energised != self.energised => {
                warn!("{order}: somebody else changed the line; set right");
                // All of it, and not just the value: it may be the kernel's active_low that was changed.
                self.set_up(order, hardware, tell);
            }
            _ => {}
        }
    }

    /// Gives it a line at the level that the order wants.
    pub fn set_up(&mut self, order: &Order<'_>, hardware: &mut dyn Hardware, tell: &mut impl FnMut(Transition)) {
        let energised = order.energised();
        self.line = None;
        match hardware.set_up(order.settings, energised) {
            Ok(line) => {
                self.line = Some(line);
                self.energised = energised;
                self.writes = self.writes.wrapping_add(1);
                self.pause = PAUSES.0;
                if self.failure.take().is_some() {
                    info!("{order}: works again");
                    tell(Transition::Cleared(order.failed()));
                }
            }
            Err(failure) => {
                self.due = order.now + self.pause;
                self.pause = (self.pause * 2).min(PAUSES.1);
                self.note(order, failure, tell);
            }
        }
    }

    /// The line does not do what it is told: once more from the start, at once, for it may be a relay that must drop.
    fn fail(
        &mut self,
        order: &Order<'_>,
        failure: LineError,
        hardware: &mut dyn Hardware,
        tell: &mut impl FnMut(Transition),
    ) {
        self.note(order, failure, tell);
        self.set_up(order, hardware, tell);
    }

    fn note(&mut self, order: &Order<'_>, failure: LineError, tell: &mut impl FnMut(Transition)) {
        let before = self.failure.replace(failure);
        if before != Some(failure) {
            error!("{order}: {}", failure.of(&order.settings.target));
        }
        if before.is_none() {
            self.acknowledged = false;
            tell(Transition::Raised(order.failed()));
        }
    }

    /// Drives the line to where it belongs without a daemon that ended in order. `order` is what the output shows.
    pub fn rest(&mut self, order: &Order<'_>, hardware: &mut dyn Hardware) {
        let alarm = match order.settings.on_stop {
            OnStop::Alarm => true,
            OnStop::Clear => false,
            OnStop::Hold => order.alarm,
        };
        self.drive(&Order { alarm, ..*order }, hardware, &mut |_| {});
    }

    /// Lets a fail-safe output show an alarm, whatever it shows, for nobody watches any more.
    pub fn abandon(&mut self, number: usize, settings: &OutputSettings, now: Time, hardware: &mut dyn Hardware) {
        if settings.fail_safe {
            self.drive(&Order { number, settings, alarm: true, now }, hardware, &mut |_| {});
        }
    }

    /// Tries at once, where it has failed.
    pub fn retry(&mut self) {
        (self.due, self.pause) = (Time::default(), PAUSES.0);
    }

    /// Ends the alarm of an output that is driven no more under this number, and leaves the line as it is.
    pub fn forget(&mut self, order: &Order<'_>, tell: &mut impl FnMut(Transition)) {
        if self.failure.take().is_some() {
            tell(Transition::Cleared(order.failed()));
            // Whoever goes on with it tries at once.
            *self = Output { writes: self.writes, ..Output::default() };
        }
    }
}

/// Which output, what it shall show, and when that is said.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// Position of the output in the settings.
    pub number: usize,
    /// Its settings.
    pub settings: &'a OutputSettings,
    /// What it shall show.
    pub alarm: bool,
    /// When.
    pub now: Time,
}

impl Order<'_> {
    fn energised(&self) -> bool {
        self.alarm != self.settings.fail_safe
    }

    /// The daemon's own alarm for an output that cannot be driven; index is its position, from 1 on.
    pub fn failed(&self) -> Alarm {
        daemon::alarm(DaemonType::Failed, 0, self.number as u32 + 1)
    }
}

impl fmt::Display for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.settings.kind.word(), self.settings.name)
    }
}
