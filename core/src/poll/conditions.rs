//! The daemon's own alarms that are neither a segment's nor an output's.
use log::warn;

use super::rounds::Poll;
use crate::alarm::{Alarm, Transition, daemon};
use crate::clock;
use crate::codes::{DaemonAlarm, DaemonAlarmType};

impl Poll {
    /// The configuration was refused, or is good again.
    pub fn note_configuration(&mut self, refused: bool) {
        self.set_daemon_alarm(DaemonAlarm::Configuration, refused);
    }

    /// The guardian had to start another worker, this one: how often, and by which signal the last one died (0: it hung).
    pub fn note_restart(&mut self, restarts: u32, signal: u32) {
        self.restarts = restarts;
        self.report_momentary(daemon::alarm(DaemonAlarmType::Restarted, signal, restarts));
    }

    /// Whether the wall clock was set back since the last check.
    pub(super) fn check_clock(&mut self) {
        let wall = clock::wall();
        let back = self.wall.saturating_sub(wall);
        if back > 1 {
            warn!("clock: set back by {back} s; event times before and after are not comparable");
            self.report_momentary(daemon::alarm(DaemonAlarmType::Clock, back, 0));
        }
        self.wall = wall;
    }

    /// A call that creates one of the daemon's own segments failed, or did not: for lack of memory or segments, or because the
    /// segment belongs to another program. `is_limit` says which, if it failed.
    pub(super) fn set_from_error(&mut self, [limit, refused]: [DaemonAlarm; 2], is_limit: Option<bool>) {
        self.set_daemon_alarm(limit, is_limit == Some(true));
        self.set_daemon_alarm(refused, is_limit == Some(false));
    }

    /// An operator has acknowledged those that last.
    pub(super) fn acknowledge_daemon_alarms(&mut self) {
        for alarm in self.daemon_alarms.iter().filter(|alarm| !alarm.acknowledged) {
            self.report(Transition::Acknowledged(Alarm { acknowledged: true, ..alarm }));
        }
        self.daemon_alarms.acknowledged = self.daemon_alarms.active;
    }

    fn set_daemon_alarm(&mut self, which: DaemonAlarm, active: bool) {
        let bit = which.number();
        if (self.daemon_alarms.active & bit != 0) != active {
            self.daemon_alarms.active ^= bit;
            self.daemon_alarms.acknowledged &= !bit;
            let alarm = daemon::lasting(which);
            self.report(if active { Transition::Raised(alarm) } else { Transition::Cleared(alarm) });
        }
    }

    /// Something that has happened and does not last: it is in the log and in the history, and moves no output.
    fn report_momentary(&mut self, alarm: Alarm) {
        // Not to the annunciator, whose sequences would keep it: what was shown before a restart is shown after it.
        for transition in [Transition::Raised(alarm), Transition::Cleared(alarm)] {
            let _ = self.transitions.push(transition);
        }
    }
}
