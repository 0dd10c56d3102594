//! One output: its settings, its line, and its point of the annunciator.
use core::fmt;

use log::{error, info, warn};

use super::settings::OutputSettings;
use super::{Hardware, Line, LineError};
use crate::alarm::{Alarm, Transition, daemon};
use crate::annunciator::Point;
use crate::clock::{Nanos, S, Time};
use crate::codes::{DaemonAlarmType, LineStep, OnStop};
use crate::repeats::Repeats;

/// The first pause before a failed line is tried again, and the longest.
const PAUSES: (Nanos, Nanos) = (S, 60 * S);

/// One output.
#[derive(Debug)]
pub struct Channel {
    /// What the configuration says of it.
    pub settings: OutputSettings,
    /// What it shows.
    pub point: Point,
    /// Its place in the configuration, from 1: the index of its alarm.
    number: u32,
    line: Option<Line>,
    energised: bool,
    failure: Option<LineError>,
    /// An operator has acknowledged that it failed.
    acknowledged: bool,
    pause: Nanos,
    due: Time,
    writes: u32,
    corrections: Repeats,
}

/// What is kept of a channel over a restart: how its line failed, whether that is acknowledged, and how often it was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct SavedLine {
    /// How its line failed.
    pub failure: Option<LineError>,
    /// An operator has acknowledged that.
    pub acknowledged: bool,
    /// How many times its line was written.
    pub writes: u32,
}

impl Channel {
    /// An output without a line. [`Channel::set_up`] gives it one. `number` is its place in the configuration, from 1.
    pub fn new(number: u32, settings: OutputSettings) -> Channel {
        Channel {
            point: Point::new(settings.rule.clone()),
            settings,
            number,
            line: None,
            energised: false,
            failure: None,
            acknowledged: false,
            pause: PAUSES.0,
            due: Time::default(),
            writes: 0,
            corrections: Repeats::default(),
        }
    }

    /// Continues with what the previous daemon has left of it.
    pub fn restore(&mut self, SavedLine { failure, acknowledged, writes }: SavedLine) {
        (self.failure, self.acknowledged, self.writes) = (failure, acknowledged, writes);
    }

    /// Takes over the line of a channel with the same target and polarity. A failure stays with it only at the same place.
    pub fn take_line(&mut self, other: &mut Channel) {
        self.line = other.line.take();
        (self.energised, self.writes) = (other.energised, other.writes);
        (self.failure, self.acknowledged) = (other.failure.take(), other.acknowledged);
    }

    /// True if this is the same line, at the same polarity.
    pub fn has_line_of(&self, other: &OutputSettings) -> bool {
        self.settings.target == other.target && self.settings.active_low == other.active_low
    }

    /// Its place in the configuration, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// True if its line is at the active level, as far as we wrote it.
    pub fn is_energised(&self) -> bool {
        self.energised && self.line.is_some()
    }

    /// Why it cannot be driven.
    pub fn failure(&self) -> Option<LineError> {
        self.failure
    }

    /// How many times its line was written.
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// The alarm that it cannot be driven, while it is so.
    pub fn alarm(&self) -> Option<Alarm> {
        self.failure.map(|_| Alarm { acknowledged: self.acknowledged, ..failed(self.number) })
    }

    /// An operator has acknowledged that it failed, if it has.
    pub fn acknowledge(&mut self, report: &mut dyn FnMut(Transition)) {
        if let Some(alarm) = self.alarm().filter(|alarm| !alarm.acknowledged) {
            self.acknowledged = true;
            report(Transition::Acknowledged(Alarm { acknowledged: true, ..alarm }));
        }
    }

    /// Makes the line show this, if it does not yet.
    #[inline]
    pub fn drive(&mut self, alarm: bool, now: Time, hardware: &mut dyn Hardware, report: &mut dyn FnMut(Transition)) {
        let energised = alarm != self.settings.fail_safe;
        let Some(line) = self.line.as_ref().filter(|_| energised != self.energised) else { return };
        self.energised = energised;
        self.writes = self.writes.wrapping_add(1);
        if let Err(error) = line.write(energised) {
            self.fail(error, alarm, now, hardware, report);
        }
    }

    /// The health check: whether the line is as we wrote it. One that has failed is set up again when its pause is over.
    pub fn check(&mut self, alarm: bool, now: Time, hardware: &mut dyn Hardware, report: &mut dyn FnMut(Transition)) {
        match self.line.as_ref().map(Line::read) {
            None if now >= self.due => self.set_up(alarm, now, hardware, report),
            Some(Err(error)) => self.fail(error, alarm, now, hardware, report),
            Some(Ok(Some(energised))) if energised != self.energised => {
                if self.corrections.note(now) {
                    warn!("{self}: line changed by another process; level restored");
                }
                // All of it, and not just the value: it may be the kernel's active_low that was changed.
                self.set_up(alarm, now, hardware, report);
            }
            _ => {}
        }
    }

    /// Gives it a line at the level that shows this.
    pub fn set_up(&mut self, alarm: bool, now: Time, hardware: &mut dyn Hardware, report: &mut dyn FnMut(Transition)) {
        let energised = alarm != self.settings.fail_safe;
        self.line = None;
        match hardware.set_up(&self.settings, energised) {
            Ok(line) => {
                self.line = Some(line);
                self.energised = energised;
                self.writes = self.writes.wrapping_add(1);
                self.pause = PAUSES.0;
                if self.failure.take().is_some() {
                    info!("{self}: line works again");
                    report(Transition::Cleared(failed(self.number)));
                }
            }
            Err(failure) => {
                self.due = now + self.pause;
                self.pause = (self.pause * 2).min(PAUSES.1);
                self.note(failure, report);
            }
        }
    }

    /// The line failed. It is set up again at once, for it may be a relay that must drop.
    fn fail(
        &mut self,
        failure: LineError,
        alarm: bool,
        now: Time,
        hardware: &mut dyn Hardware,
        report: &mut dyn FnMut(Transition),
    ) {
        self.note(failure, report);
        self.set_up(alarm, now, hardware, report);
    }

    fn note(&mut self, failure: LineError, report: &mut dyn FnMut(Transition)) {
        let before = self.failure.replace(failure);
        if before != Some(failure) {
            error!("{self}: {}", failure.of(&self.settings.target));
        }
        if before.is_none() {
            self.acknowledged = false;
            report(Transition::Raised(failed(self.number)));
        }
    }

    /// Drives the line to the level that it must have without a daemon that ended in order. `alarm` is what the output shows.
    pub fn apply_on_stop(&mut self, alarm: bool, now: Time, hardware: &mut dyn Hardware) {
        let alarm = match self.settings.on_stop {
            OnStop::Alarm => true,
            OnStop::Clear => false,
            OnStop::Hold => alarm,
        };
        self.drive(alarm, now, hardware, &mut |_| {});
    }

    /// Makes a fail-safe output show an alarm, whatever it shows, because the daemon ends unguarded.
    pub fn force_alarm(&mut self, now: Time, hardware: &mut dyn Hardware) {
        if self.settings.fail_safe {
            self.drive(true, now, hardware, &mut |_| {});
        }
    }

    /// Tries at once, where it has failed.
    pub fn retry(&mut self) {
        (self.due, self.pause) = (Time::default(), PAUSES.0);
    }

    /// Ends the alarm of an output that is not driven any more under this number, and leaves the line as it is.
    pub fn end_failure(&mut self, report: &mut dyn FnMut(Transition)) {
        if self.failure.take().is_some() {
            report(Transition::Cleared(failed(self.number)));
            // The channel that takes it over sets it up at once.
            self.line = None;
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl AsRef<Point> for Channel {
    fn as_ref(&self) -> &Point {
        &self.point
    }
}

impl AsMut<Point> for Channel {
    fn as_mut(&mut self) -> &mut Point {
        &mut self.point
    }
}

/// The daemon's own alarm for an output that cannot be driven.
pub fn failed(number: u32) -> Alarm {
    daemon::alarm(DaemonAlarmType::Failed, 0, number)
}

/// The failure that these two words of the saved state stand for.
pub fn failure_from_words(step: u32, errno: u32) -> Option<LineError> {
    let errno = crate::errno::Errno::from_raw(errno as i32);
    LineStep::from_number(step).map(|step| LineError { step, errno })
}
