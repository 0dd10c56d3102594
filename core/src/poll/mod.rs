//! The loop: read, decide, drive, publish, wait.
//!
//! A round in which nothing changed costs a few loads a segment and one system call, the wait: the wait's deadline is a
//! moment, so being timed out tells the time. What a round changed is driven first and told afterwards: an alarm reaches
//! its relay before the log line is written.
//!
//! What can bite: anybody who may ring can ring without end. Rounds are paced: 100 at once, 900 a second after that, so
//! never more than 1000 in any second.
mod health;
mod memory;
mod operator;
mod own;
mod publisher;
mod reconfigure;
mod told;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::Vec;
use log::{info, warn};

use crate::alarm::Transition;
use crate::annunciator::{Annunciator, Shows};
use crate::clock::{self, MS, Nanos, Time};
use crate::errno::Errno;
use crate::futex::{self, Woken};
use crate::limits::{EVENT_PLACES, EVENTS, OUTPUTS, SEGMENTS};
use crate::monitor::Monitor;
use crate::output::{Hardware, Order, Output};
use crate::pace::Pace;
use crate::process::Mark;
use crate::settings::{OutputSettings, Settings};
use crate::sysv::{self, Error, Key, Segment};
use crate::wire::Doorbell;

use own::Owns;
use publisher::{Publisher, View};
use told::Told;

/// What one look at a segment can tell at most: each slot's alarm ended, another raised and ended; the segment's own likewise.
const TOLD: usize = 3 * 33 + 2 * 4;

/// What driving the outputs can tell at most: each line failed and works again, in both passes.
const DRIVEN: usize = 4 * OUTPUTS;

/// How many transitions are held before they are published: as many as the ring of events has places that do not count yet.
const ROOM: usize = EVENT_PLACES - EVENTS;
const _: () = assert!(TOLD + DRIVEN <= ROOM);

/// How many time-outs in a row may tell the time, where polls are so short that a health check comes later.
const TIME_OUTS: u32 = 100;

/// Why the loop cannot start, or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Another daemon runs: its process id.
    Runs(u32),
    /// The status block could not be made.
    Status(sysv::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Runs(pid) => write!(f, "alarmd runs already, as process {pid}; one serves the whole board"),
            StartError::Status(error) => error.of("status block", Key::STATUS).fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// The loop and all it holds.
pub struct Poll {
    settings: Settings,
    annunciator: Annunciator,
    monitors: Vec<Monitor, SEGMENTS>,
    outputs: Vec<Output, OUTPUTS>,
    /// Told, but not yet driven, logged and published.
    transitions: Vec<Transition, ROOM>,
    owns: Owns,
    guardian: Mark,
    restarts: u32,
    doorbell: Option<Segment>,
    /// Its mode and group are as the settings say.
    doorbell_right: bool,
    doorbell_error: Option<Error>,
    publisher: Option<Publisher>,
    status_error: Option<Error>,
    pace: Pace,
    /// How long to wait for a ring before looking all the same.
    poll: Nanos,
    rounds: u32,
    /// The wall clock at the last health check.
    wall: u32,
    health_due: Time,
    beat_due: Time,
    /// When an output changes by itself.
    show_due: Time,
    time_outs: u32,
}

impl Default for Poll {
    /// A loop without segments and outputs, which [`Poll::start`] gives it. Made in two steps, because it is large: what is
    /// returned in a `Result` is copied, and each copy is memory that stays the process's.
    #[inline]
    fn default() -> Poll {
        Poll {
            settings: Settings::default(),
            annunciator: Annunciator::default(),
            monitors: Vec::new(),
            outputs: Vec::new(),
            transitions: Vec::new(),
            owns: Owns::default(),
            guardian: Mark::from_word(0),
            restarts: 0,
            doorbell: None,
            doorbell_right: false,
            doorbell_error: None,
            publisher: None,
            status_error: None,
            // Together the 1000 rounds a second.
            pace: Pace::new(100, 900),
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
    /// Takes the status block, goes on where a daemon that was killed has left off, attaches every segment, and sets every
    /// output up at the level it must show: the first level a line gets is the right one.
    ///
    /// # Errors
    /// [`StartError`]. A segment or a line that fails is an alarm instead, and tried again.
    pub fn start(&mut self, guardian: Mark, settings: Settings, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        self.guardian = guardian;
        self.settings = settings;
        self.take_over()?;
        self.adopt(hardware)
    }

    /// The settings of the outputs that it drives.
    pub fn outputs(&self) -> &[OutputSettings] {
        &self.settings.outputs
    }

    /// Runs until `attention` is set, which a signal handler may do. After each completed turn `heart` is another number.
    ///
    /// # Errors
    /// [`StartError::Runs`]: another daemon has taken the status block.
    pub fn run(
        &mut self,
        hardware: &mut dyn Hardware,
        attention: &AtomicBool,
        heart: &AtomicU32,
    ) -> Result<(), StartError> {
        let mut now = clock::now();
        while !attention.load(Ordering::Relaxed) {
            now = self.turn(now, hardware)?;
            heart.store(self.rounds, Ordering::Relaxed);
        }
        Ok(())
    }

    /// One turn of the loop: a round, what is due, and the wait. Takes the time and gives the time.
    ///
    /// # Errors
    /// As [`Poll::run`].
    #[inline(never)]
    pub fn turn(&mut self, now: Time, hardware: &mut dyn Hardware) -> Result<Time, StartError> {
        let bell = self.bell();
        let seen = bell.map_or(0, |doorbell| doorbell.bell.load(Ordering::Acquire));
        self.round(now, hardware);
        if now >= self.health_due {
            // The moments of time-outs may lag behind the clock, after a suspend or SIGSTOP: here they catch up.
            let now = clock::now();
            self.time_outs = 0;
            self.check_health(now, hardware)?;
            return Ok(now);
        }
        let deadline = (now + self.poll).min(self.health_due).min(self.beat_due).min(self.show_due);
        Ok(self.wait(seen, deadline))
    }

    /// One round: takes in what was written, drives what changes, and tells.
    #[inline]
    pub fn round(&mut self, now: Time, hardware: &mut dyn Hardware) {
        self.pace.count(now);
        self.rounds = self.rounds.wrapping_add(1);
        // Before the segments: what an operator has not seen yet is not acknowledged.
        if self.bell().is_some_and(|doorbell| doorbell.command.load(Ordering::Relaxed) != 0) {
            self.obey(now, hardware);
        }
        let mut next = 0;
        while let Some(ahead) = self.monitors[next..].iter().position(|monitor| !monitor.is_quiet()) {
            self.make_room(now, hardware);
            let monitor = &mut self.monitors[next + ahead];
            let module = &self.settings.modules[monitor.module];
            monitor.read(module, &mut tell(&mut self.annunciator, &mut self.transitions));
            self.beat_due = self.beat_due.min(monitor.beat_due());
            next += ahead + 1;
        }
        if now >= self.beat_due {
            self.check_beats(hardware);
        }
        if now >= self.show_due {
            self.drive(now, hardware);
        }
        self.settle(now, hardware);
    }

    /// Leaves in order: each line as its output's `on_stop` says, the status block without a daemon.
    pub fn stop(&mut self, hardware: &mut dyn Hardware) {
        let now = clock::now();
        for (number, (output, settings)) in self.outputs.iter_mut().zip(&self.settings.outputs).enumerate() {
            // One that flashes is held with its light.
            let alarm = self.annunciator.shows(number) != Shows::Nothing;
            output.rest(&Order { number, settings, alarm, now }, hardware);
        }
        self.publish(now);
        if let Some(publisher) = &self.publisher {
            publisher.leave();
        }
    }

    /// Leaves because nobody looks after this process any more: every fail-safe output shows an alarm.
    pub fn abandon(&mut self, hardware: &mut dyn Hardware) {
        let now = clock::now();
        for (number, (output, settings)) in self.outputs.iter_mut().zip(&self.settings.outputs).enumerate() {
            output.abandon(number, settings, now, hardware);
        }
        self.publish(now);
    }

    fn bell(&self) -> Option<&Doorbell> {
        self.doorbell.as_ref().and_then(|doorbell| doorbell.view().ok())
    }

    /// Waits for the bell or the deadline, paced. Gives the time.
    fn wait(&mut self, seen: u32, deadline: Time) -> Time {
        let woken = match self.bell() {
            Some(doorbell) => {
                // Before the kernel looks at the bell: who rings after that look sees it and wakes us.
                doorbell.waiting.store(1, Ordering::SeqCst);
                let woken = futex::wait(&doorbell.bell, seen, deadline);
                doorbell.waiting.store(0, Ordering::Relaxed);
                woken
            }
            None => Woken::Unable(Errno::ENOENT),
        };
        match woken {
            // After SIGSTOP or a suspend there are moments to catch up with; not a thousand rounds of them at once.
            Woken::TimedOut if self.time_outs >= TIME_OUTS && self.poll < 10 * MS => {
                self.time_outs = 0;
                clock::now()
            }
            Woken::TimedOut => {
                self.time_outs += 1;
                deadline
            }
            Woken::Rung => {
                let now = clock::now();
                match self.pace.wait(now) {
                    0 => now,
                    wait => {
                        clock::sleep(wait);
                        clock::now()
                    }
                }
            }
            Woken::Unable(_) => {
                clock::sleep(deadline.since(clock::now()));
                clock::now()
            }
        }
    }

    /// Drives, logs and publishes what was told.
    #[inline]
    fn settle(&mut self, now: Time, hardware: &mut dyn Hardware) {
        if !self.transitions.is_empty() {
            self.drive(now, hardware);
            self.tell_all();
            self.publish(now);
        }
    }

    fn make_room(&mut self, now: Time, hardware: &mut dyn Hardware) {
        if self.is_full() {
            self.settle(now, hardware);
        }
    }

    /// True if one more look might tell more than there is room for.
    fn is_full(&self) -> bool {
        self.transitions.len() + TOLD + DRIVEN > ROOM
    }

    /// Makes every line show what it must.
    fn drive(&mut self, now: Time, hardware: &mut dyn Hardware) {
        self.annunciator.look(now);
        // A second time, for a line that fails is an alarm, which another line may have to show.
        for _ in 0..2 {
            for (number, (output, settings)) in self.outputs.iter_mut().zip(&self.settings.outputs).enumerate() {
                let order = Order { number, settings, alarm: self.annunciator.is_on(number, now), now };
                output.drive(&order, hardware, &mut tell(&mut self.annunciator, &mut self.transitions));
            }
        }
        self.show_due = self.annunciator.due(now);
    }

    /// One log line a transition.
    fn tell_all(&self) {
        for transition in &self.transitions {
            let told = Told { transition, settings: &self.settings, annunciator: &self.annunciator };
            match transition {
                Transition::Raised(_) => warn!("{told}"),
                _ => info!("{told}"),
            }
        }
    }

    fn publish(&mut self, now: Time) {
        let Some(publisher) = &self.publisher else { return };
        publisher.publish(&View {
            poll_ms: self.settings.poll_ms,
            rounds: self.rounds,
            restarts: self.restarts,
            owns: self.owns,
            now,
            modules: &self.settings.modules,
            monitors: &self.monitors,
            outputs: &self.settings.outputs,
            lines: &self.outputs,
            annunciator: &self.annunciator,
            transitions: &self.transitions,
        });
        self.transitions.clear();
    }
}

/// Takes in what a monitor or an output tells.
fn tell<'a, const N: usize>(
    annunciator: &'a mut Annunciator,
    transitions: &'a mut Vec<Transition, N>,
) -> impl FnMut(Transition) + 'a {
    |transition| {
        annunciator.apply(&transition);
        // `make_room` left room; the annunciator, which outputs follow, has it in any case.
        let _ = transitions.push(transition);
    }
}
