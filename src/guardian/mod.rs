//! The guardian: starts the worker, holds the lines of fail-safe outputs, and lets these show an alarm as soon as the worker dies or
//! makes no more rounds. It watches no segment and takes part in no alarm, so that little can go wrong with it.
//!
//! What can bite: a machine that was busy, or stopped, for seconds. The guardian was so too, and counts its own looks instead
//! of the time that passed: a late look is one look.
mod child;
mod fail_safe_lines;
mod options;
mod pidfile;
mod process_attributes;
mod shared_state;
mod signals;
mod watchdog;
mod worker;

use std::io;

use alarmd::clock::{self, MS, Nanos, S, Time};
use alarmd::process::{self, Mark};
use alarmd::settings::Settings;
use libc::c_int;
use log::{error, info, warn};

use crate::config;
use child::{End, ended};
use fail_safe_lines::FailSafeLines;
pub use options::{Options, options};
use pidfile::Pidfile;
use shared_state::{Heart, State};
use watchdog::Watchdog;

/// How many looks without a round make a worker that hangs.
const LOOKS: Nanos = 4;
/// How long the first worker may take to its first round: nothing is energised yet, and the flash may be slow.
const STARTING: Nanos = 60 * S;
/// How much longer than for a round a worker may show no progress while it sets up, once alarms are watched.
const SETTING_UP: Nanos = 2 * S;
/// How long a worker may take to end in order.
const STOPPING: Nanos = 5 * S;
/// The first pause before another worker is started: a relay needs some of it to release, and somebody to see that.
const PAUSE: Nanos = 500 * MS;
/// A worker that has worked for this long starts anew with the shortest pause.
const WELL: Nanos = 60 * S;

/// The guardian.
pub struct Guardian<'a> {
    options: &'a Options,
    /// The last good ones.
    settings: Box<Settings>,
    heart: &'static Heart,
    pidfile: Option<Pidfile>,
    watchdog: Watchdog,
    lines: FailSafeLines,
    /// How many of the worker's reloads are in `settings`.
    reloads: u32,
    /// A worker has worked.
    worked: bool,
    /// It was told to stop, and until when the worker may take.
    stopping: Option<Time>,
    /// Why it must stop, if it was not told to.
    failure: Option<String>,
}

impl<'a> Guardian<'a> {
    /// Guards workers with these settings from now on.
    ///
    /// # Errors
    /// A message.
    pub fn new(options: &'a Options, settings: Box<Settings>) -> Result<Guardian<'a>, String> {
        signals::block().map_err(|error| format!("signals: {error}"))?;
        let pidfile = options.pidfile.as_deref().map(Pidfile::lock).transpose()?;
        let heart = Heart::share().map_err(|error| format!("shared memory for guardian and worker: {error}"))?;
        let mut watchdog = Watchdog::default();
        watchdog.configure(&settings);
        process_attributes::take(&settings);
        Ok(Guardian {
            options,
            settings,
            heart,
            pidfile,
            watchdog,
            lines: FailSafeLines::default(),
            reloads: 0,
            worked: false,
            stopping: None,
            failure: None,
        })
    }

    /// Starts a worker, and another one whenever it dies, until it is told to stop.
    ///
    /// # Errors
    /// A message; an empty one where the worker has told why.
    pub fn run(mut self) -> Result<(), String> {
        let mut pause = PAUSE;
        loop {
            let started = clock::now();
            let end = match self.start() {
                Ok(worker) => self.watch(worker),
                Err(error) => {
                    error!("no worker can be started: {error}");
                    End::Died(0)
                }
            };
            let cause = match end {
                End::Stopped => break,
                End::Failed(worker::REPLACED) => {
                    // The board is watched, by another daemon.
                    self.watchdog.close();
                    return Err(String::new());
                }
                End::Failed(_) if !self.worked => return Err(String::new()),
                End::Failed(code) => {
                    error!("the worker ended with code {code}");
                    0
                }
                End::Died(signal) if !self.worked => {
                    return Err(format!("the worker died at its start, of signal {signal}"));
                }
                End::Died(signal) => signal,
            };
            if clock::now().since(started) >= WELL {
                pause = PAUSE;
            }
            let longest = Nanos::from(self.settings.restart_s) * S;
            if self.pause(pause.min(longest)) {
                break;
            }
            pause *= 2;
            pause = pause.min(longest.max(PAUSE));
            self.heart.note_restart(cause);
        }
        self.watchdog.close();
        self.failure.map_or(Ok(()), Err)
    }

    /// Forks a worker.
    fn start(&mut self) -> io::Result<c_int> {
        self.heart.set_state(State::Starting);
        let guardian = Mark::me();
        // SAFETY: this process has one thread, so the child finds no lock held by another.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // What the guardian holds is not the worker's: the descriptors end here.
                self.pidfile = None;
                self.watchdog = Watchdog::default();
                self.lines = FailSafeLines::default();
                let code = worker::run(self.options, &self.settings, self.heart, guardian);
                std::process::exit(code.into());
            }
            worker => Ok(worker),
        }
    }

    /// Looks after a worker until it has ended. Unless that was in order, fail-safe outputs show an alarm then.
    fn watch(&mut self, worker: c_int) -> End {
        let mut ready = false;
        let (mut rounds, mut looks) = (self.heart.round(), 0);
        let mut next = clock::now() + self.tick();
        loop {
            let signal = signals::wait(next.since(clock::now()));
            // First: a signal that is taken and not obeyed is lost.
            self.obey(signal, Some(worker));
            if let Some(end) = ended(worker) {
                return self.take_leave(end);
            }
            if self.heart.state() == State::Working {
                self.follow_reload();
                if !ready {
                    ready = true;
                    self.lines.hold(self.heart);
                    self.become_ready(worker);
                }
            }
            let now = clock::now();
            if self.stopping.is_some_and(|until| now >= until) {
                self.put_down(worker, "the worker does not end; killed");
                return End::Stopped;
            }
            if now < next {
                continue;
            }
            next = now + self.tick();
            self.lines.hold(self.heart);
            let made = self.heart.round();
            if ready {
                self.watchdog.feed(made);
            }
            looks = if made == rounds { looks + 1 } else { 0 };
            rounds = made;
            if looks * self.tick() >= self.patience() {
                self.put_down(worker, "the worker makes no rounds; killed, and another is started");
                return End::Died(0);
            }
        }
    }

    /// How long a worker may make no round.
    fn patience(&self) -> Nanos {
        let hang = Nanos::from(self.settings.hang_ms) * MS;
        match self.heart.state() {
            State::Working => hang,
            State::Starting if self.worked => hang + SETTING_UP,
            State::Starting => STARTING,
        }
    }

    /// How long between two looks.
    fn tick(&self) -> Nanos {
        let hang = Nanos::from(self.settings.hang_ms) * MS / LOOKS;
        let feed = Nanos::from(self.settings.watchdog_s) * S / LOOKS;
        if self.settings.watchdog.is_some() { hang.min(feed) } else { hang }
    }

    /// Does what a signal asks for.
    fn obey(&mut self, signal: Option<c_int>, worker: Option<c_int>) {
        let pass = |signal: c_int| {
            // SAFETY: no pointers; the worker is our child and not waited for yet.
            worker.map(|worker| unsafe { libc::kill(worker, signal) });
        };
        match signal {
            Some(libc::SIGTERM | libc::SIGINT) => {
                self.stopping.get_or_insert(clock::now() + STOPPING);
                pass(libc::SIGTERM);
            }
            Some(libc::SIGHUP) => {
                pass(libc::SIGHUP);
            }
            _ => {}
        }
    }

    /// Goes over to a configuration after the worker has: it has been read then, and found good.
    fn follow_reload(&mut self) {
        let reloads = self.heart.reloads();
        if std::mem::replace(&mut self.reloads, reloads) == reloads {
            return;
        }
        if let Ok(loaded) = config::load(self.options.file.as_deref()) {
            self.settings = loaded.settings;
            self.watchdog.configure(&self.settings);
            process_attributes::take(&self.settings);
        }
    }

    /// The worker works: whoever started us may know it.
    fn become_ready(&mut self, worker: c_int) {
        if std::mem::replace(&mut self.worked, true) {
            return;
        }
        match self.pidfile.as_mut().map_or(Ok(()), Pidfile::ready) {
            Ok(()) => info!("alarmd {} works, as process {}", env!("CARGO_PKG_VERSION"), process::me()),
            Err(error) => {
                self.failure = Some(format!("pidfile: {error}"));
                self.obey(Some(libc::SIGTERM), Some(worker));
            }
        }
    }

    /// Lines first: the worker may be where a signal does not reach it for a while.
    fn put_down(&mut self, worker: c_int, why: &str) {
        self.lines.alarm(self.heart);
        error!("{why}");
        process::kill(worker as u32);
        while ended(worker).is_none() {
            let signal = signals::wait(self.tick());
            self.obey(signal, None);
        }
        // It may have driven them meanwhile.
        self.lines.alarm(self.heart);
    }

    fn take_leave(&mut self, end: End) -> End {
        match &end {
            End::Stopped | End::Failed(worker::REPLACED) => {}
            End::Failed(_) if !self.worked => {}
            End::Failed(_) | End::Died(_) => {
                self.lines.alarm(self.heart);
                if let End::Died(signal) = end {
                    error!("the worker died of signal {signal}; another is started");
                }
                if self.stopping.is_some() {
                    return End::Stopped;
                }
            }
        }
        end
    }

    /// Waits before the next worker. True if it was told to stop meanwhile.
    fn pause(&mut self, pause: Nanos) -> bool {
        if pause > 0 {
            warn!("the next worker is started in {} ms", pause / MS);
        }
        let until = clock::now() + pause;
        while self.stopping.is_none() && clock::now() < until {
            let signal = signals::wait(S.min(until.since(clock::now())));
            self.obey(signal, None);
            self.lines.alarm(self.heart);
        }
        self.stopping.is_some()
    }
}
