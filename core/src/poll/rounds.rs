//! The rounds: what is read, driven, logged and published, in this order.
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::Vec;
use log::{info, warn};

use super::daemon_alarms::DaemonAlarms;
use super::doorbell::Bell;
use super::error::StartError;
use super::log_line::LogLine;
use super::publisher::Publisher;
use super::settings::Settings;
use super::view::View;
use crate::alarm::{ModuleId, Transition};
use crate::annunciator::Annunciator;
use crate::clock::{self, Nanos, Time};
use crate::codes::Indication;
use crate::limits::{EVENT_PLACES, EVENTS, MODULES, OUTPUTS, SEGMENTS};
use crate::monitor::{ModuleSettings, Monitor};
use crate::output::{Channel, Hardware};
use crate::policy::Policy;
use crate::process::ProcessIdentity;
use crate::rate_limiter::RateLimiter;

/// What one look at a segment can report at most: the alarm of each slot ended, another raised and ended; the segment's own
/// likewise.
const MAX_PER_READ: usize = 3 * 33 + 2 * 4;

/// What driving the outputs can report at most: each line failed and works again, in both passes.
const MAX_PER_DRIVE: usize = 4 * OUTPUTS;

/// How many transitions are held before they are published: as many as the ring of events has places that do not count yet.
const CAPACITY: usize = EVENT_PLACES - EVENTS;
const _: () = assert!(MAX_PER_READ + MAX_PER_DRIVE <= CAPACITY);

/// The loop and all that it holds.
pub struct Poll {
    pub(super) poll_ms: u32,
    pub(super) policy: Policy,
    pub(super) modules: Vec<ModuleSettings, MODULES>,
    pub(super) monitors: Vec<Monitor, SEGMENTS>,
    pub(super) channels: Vec<Channel, OUTPUTS>,
    pub(super) annunciator: Annunciator,
    /// Reported, but not yet driven, logged and published.
    pub(super) transitions: Vec<Transition, CAPACITY>,
    pub(super) daemon_alarms: DaemonAlarms,
    pub(super) guardian: ProcessIdentity,
    pub(super) restarts: u32,
    pub(super) bell: Bell,
    pub(super) publisher: Option<Publisher>,
    pub(super) status_error: Option<StartError>,
    pub(super) rate: RateLimiter,
    /// How long to wait for the doorbell before the next round.
    pub(super) poll: Nanos,
    pub(super) rounds: u32,
    /// The wall clock at the last health check.
    pub(super) wall: u32,
    pub(super) health_due: Time,
    pub(super) beat_due: Time,
    /// When an output changes by itself.
    pub(super) show_due: Time,
    pub(super) time_outs: u32,
}

impl Default for Poll {
    /// A loop without segments and outputs. [`Poll::start`] gives it these. `Poll` is constructed in place: returning 160 KB
    /// in a `Result` would leave copies on the stack.
    #[inline]
    fn default() -> Poll {
        Poll {
            poll_ms: 0,
            policy: Policy::default(),
            modules: Vec::new(),
            monitors: Vec::new(),
            channels: Vec::new(),
            annunciator: Annunciator::default(),
            transitions: Vec::new(),
            daemon_alarms: DaemonAlarms::default(),
            guardian: ProcessIdentity::from_word(0),
            restarts: 0,
            bell: Bell::default(),
            publisher: None,
            status_error: None,
            // Together the 1000 rounds a second.
            rate: RateLimiter::new(100, 900),
            poll: 0,
            rounds: 0,
            wall: 0,
            health_due: Time::default(),
            beat_due: Time::NEVER,
            show_due: Time::NEVER,
            time_outs: 0,
        }
    }
}

impl Poll {
    /// Claims the status block, continues where a daemon that was killed stopped, attaches every segment, and sets every output
    /// up at the level that it must show: the first level that a line gets is the right one.
    ///
    /// # Errors
    /// [`StartError`]. A segment or a line that fails is an alarm instead, and is tried again.
    pub fn start(
        &mut self,
        guardian: ProcessIdentity,
        settings: &Settings,
        hardware: &mut dyn Hardware,
    ) -> Result<(), StartError> {
        self.guardian = guardian;
        self.take_settings(settings);
        for output in &settings.outputs {
            let _ = self.channels.push(Channel::new(self.channels.len() as u32 + 1, output.clone()));
        }
        self.restore()?;
        self.apply_settings(hardware)
    }

    /// The outputs that it drives.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Runs until `stop` is set, which a signal handler may do. After each completed turn `rounds` is another number.
    ///
    /// # Errors
    /// [`StartError::Runs`]: another daemon has taken the status block.
    pub fn run(
        &mut self,
        hardware: &mut dyn Hardware,
        stop: &AtomicBool,
        rounds: &AtomicU32,
    ) -> Result<(), StartError> {
        let mut now = clock::now();
        while !stop.load(Ordering::Relaxed) {
            now = self.turn(now, hardware)?;
            rounds.store(self.rounds, Ordering::Relaxed);
        }
        Ok(())
    }

    /// One turn of the loop: a round, what is due, and the wait. Takes the time and gives the time.
    ///
    /// # Errors
    /// As [`Poll::run`].
    #[inline(never)]
    pub fn turn(&mut self, now: Time, hardware: &mut dyn Hardware) -> Result<Time, StartError> {
        let seen = self.bell.view().map_or(0, |doorbell| doorbell.bell.load(Ordering::Acquire));
        self.round(now, hardware);
        if now >= self.health_due {
            // After a suspend or SIGSTOP the times of time-outs lag behind the clock. Here they catch up.
            let now = clock::now();
            self.time_outs = 0;
            self.check_health(now, hardware)?;
            return Ok(now);
        }
        let deadline = (now + self.poll).min(self.health_due).min(self.beat_due).min(self.show_due);
        Ok(self.wait(seen, deadline))
    }

    /// One round: takes in what was written, drives what changes, logs it, and publishes it.
    #[inline]
    pub fn round(&mut self, now: Time, hardware: &mut dyn Hardware) {
        self.rate.record(now);
        self.rounds = self.rounds.wrapping_add(1);
        // Before the segments are read: an alarm that the operator cannot have seen yet is not acknowledged.
        if self.bell.view().is_some_and(|doorbell| doorbell.command.load(Ordering::Relaxed) != 0) {
            self.handle_commands(now, hardware);
        }
        let mut next = 0;
        while let Some(ahead) = self.monitors[next..].iter().position(|monitor| !monitor.is_quiet()) {
            self.make_room(now, hardware);
            next += ahead;
            self.with_monitor(next, Monitor::read);
            self.beat_due = self.beat_due.min(self.monitors[next].beat_due());
            next += 1;
        }
        if now >= self.beat_due {
            self.check_beats(now, hardware);
        }
        if now >= self.show_due {
            self.drive(now, hardware);
        }
        self.settle(now, hardware);
    }

    /// Ends in order: each line as the `on_stop` of its output says, the status block without a daemon.
    pub fn stop(&mut self, hardware: &mut dyn Hardware) {
        let now = clock::now();
        for channel in &mut self.channels {
            // One that flashes is held with its light on.
            let alarm = channel.point.shows() != Indication::Nothing;
            channel.apply_on_stop(alarm, now, hardware);
        }
        self.publish(now);
        if let Some(publisher) = &self.publisher {
            publisher.leave();
        }
    }

    /// Ends because this process has no guardian any more: every fail-safe output shows an alarm.
    pub fn force_alarm(&mut self, hardware: &mut dyn Hardware) {
        let now = clock::now();
        for channel in &mut self.channels {
            channel.force_alarm(now, hardware);
        }
        self.publish(now);
    }

    /// Drives, logs and publishes what was reported.
    #[inline]
    pub(super) fn settle(&mut self, now: Time, hardware: &mut dyn Hardware) {
        if !self.transitions.is_empty() {
            self.drive(now, hardware);
            self.log_transitions();
            self.publish(now);
        }
    }

    pub(super) fn make_room(&mut self, now: Time, hardware: &mut dyn Hardware) {
        if self.is_full() {
            self.settle(now, hardware);
        }
    }

    /// True if one more look might report more than there is room for.
    pub(super) fn is_full(&self) -> bool {
        self.transitions.len() + MAX_PER_READ + MAX_PER_DRIVE > CAPACITY
    }

    /// Makes every line show what it must.
    pub(super) fn drive(&mut self, now: Time, hardware: &mut dyn Hardware) {
        self.annunciator.update_flash(now);
        // A second time, for a line that fails is an alarm, which another line may have to show.
        for _ in 0..2 {
            self.each_channel(|channel, annunciator, report| {
                channel.drive(annunciator.is_on(&channel.point, now), now, hardware, report);
            });
        }
        self.show_due = self.annunciator.due(&self.channels, now);
    }

    /// One log line a transition.
    pub(super) fn log_transitions(&self) {
        for transition in &self.transitions {
            let line = LogLine { transition, modules: &self.modules, channels: &self.channels };
            match transition {
                Transition::Raised(_) => warn!("{line}"),
                _ => info!("{line}"),
            }
        }
    }

    pub(super) fn publish(&mut self, now: Time) {
        let Some(publisher) = &self.publisher else { return };
        publisher.publish(&View {
            poll_ms: self.poll_ms,
            rounds: self.rounds,
            restarts: self.restarts,
            daemon_alarms: self.daemon_alarms,
            now,
            modules: &self.modules,
            monitors: &self.monitors,
            channels: &self.channels,
            transitions: &self.transitions,
        });
        self.transitions.clear();
    }

    /// Lets one monitor act, with the settings of its module, and takes in what it reports.
    pub(super) fn with_monitor<T>(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Monitor, &ModuleSettings, &mut dyn FnMut(Transition)) -> T,
    ) -> Option<T> {
        let monitor = self.monitors.get_mut(number)?;
        let module = find_module(&self.modules, monitor.module())?;
        let (annunciator, channels, transitions) = (&mut self.annunciator, &mut self.channels, &mut self.transitions);
        Some(act(monitor, module, &mut |transition| {
            annunciator.apply(channels, &transition);
            // `make_room` left room; the annunciator, which outputs follow, has it in any case.
            let _ = transitions.push(transition);
        }))
    }

    /// Takes in a transition of the daemon's own.
    pub(super) fn report(&mut self, transition: Transition) {
        self.annunciator.apply(&mut self.channels, &transition);
        let _ = self.transitions.push(transition);
    }

    /// Lets each channel act, and takes in what it reports.
    pub(super) fn each_channel(&mut self, mut act: impl FnMut(&mut Channel, &Annunciator, &mut dyn FnMut(Transition))) {
        for number in 0..self.channels.len() {
            let before = self.transitions.len();
            let transitions = &mut self.transitions;
            act(&mut self.channels[number], &self.annunciator, &mut |transition| {
                let _ = transitions.push(transition);
            });
            for transition in &self.transitions[before..] {
                self.annunciator.apply(&mut self.channels, transition);
            }
        }
    }
}

/// The module with this id.
pub(super) fn find_module(modules: &[ModuleSettings], id: ModuleId) -> Option<&ModuleSettings> {
    modules.iter().find(|module| module.id == id)
}
