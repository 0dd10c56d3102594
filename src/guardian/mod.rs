//! The guardian: starts the worker, and sets fail-safe outputs to alarm when the worker dies or hangs. It reads no segment and no
//! alarm. It only checks that the worker makes rounds, so that little in it can fail.
//!
//! Hazards: a machine that was busy or suspended for seconds. The guardian was delayed too, so it counts its own checks and not the
//! time: a late check counts as one.
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
use std::sync::atomic::Ordering;

use alarmd_core::clock::{self, MS, Nanos, S, Time};
use alarmd_core::codes::WorkerState;
use alarmd_core::process::{self, ProcessIdentity};
use libc::c_int;
use log::{error, info, warn};

use crate::config::{self, Settings};
use crate::console::REPLACED;
use child::{Exit, exit_of};
use fail_safe_lines::FailSafeLines;
pub use options::Options;
use pidfile::Pidfile;
use shared_state::SharedState;
use signals::Received;
use watchdog::Watchdog;

/// A worker hangs after so many checks without a round.
const CHECKS_PER_HANG: Nanos = 4;
/// The time for the first worker's first round: no output is energised yet, and flash may be slow.
const START_TIMEOUT: Nanos = 60 * S;
/// The time without progress during a set-up, beyond that for a round, once alarms are shown.
const SET_UP_TIMEOUT: Nanos = 2 * S;
/// The time for an orderly stop of the worker.
const STOP_TIMEOUT: Nanos = 5 * S;
/// The first delay before a restart: long enough for a relay to release, and for the station to detect it.
const RESTART_DELAY: Nanos = 500 * MS;
/// After a worker has run for this long, the next restart has the first delay again.
const STABLE_AFTER: Nanos = 60 * S;

/// The guardian.
pub struct Guardian<'a> {
    options: &'a Options,
    /// The last valid settings.
    settings: Box<Settings>,
    shared: &'static SharedState,
    pidfile: Option<Pidfile>,
    watchdog: Watchdog,
    lines: FailSafeLines,
    /// The number of reloads that `settings` include.
    reloads: u32,
    /// A worker has made a round.
    started: bool,
    /// After a request to stop: when the worker is killed.
    stop_deadline: Option<Time>,
    /// Why the guardian stops, if no signal requested it.
    failure: Option<String>,
}

impl<'a> Guardian<'a> {
    /// Prepares to run workers with these settings.
    ///
    /// # Errors
    /// A message.
    pub fn new(options: &'a Options, settings: Box<Settings>) -> Result<Guardian<'a>, String> {
        signals::block().map_err(|error| format!("signals not blocked: {error}"))?;
        let pidfile = options.pidfile.as_deref().map(Pidfile::lock).transpose()?;
        let shared =
            SharedState::map().map_err(|error| format!("memory for the worker's state not mapped: {error}"))?;
        let mut watchdog = Watchdog::default();
        watchdog.configure(&settings);
        process_attributes::apply(&settings);
        Ok(Guardian {
            options,
            settings,
            shared,
            pidfile,
            watchdog,
            lines: FailSafeLines::default(),
            reloads: 0,
            started: false,
            stop_deadline: None,
            failure: None,
        })
    }

    /// Runs a worker, and another one whenever it dies, until a signal requests a stop.
    ///
    /// # Errors
    /// A message; an empty one if the worker has logged the reason.
    pub fn run(mut self) -> Result<(), String> {
        let mut delay = RESTART_DELAY;
        loop {
            let start = clock::now();
            let exit = match self.start_worker() {
                Ok(worker) => self.watch(worker),
                Err(error) => {
                    error!("worker not started: {error}");
                    Exit::Killed(0)
                }
            };
            let cause = match exit {
                Exit::Stopped => break,
                Exit::Failed(REPLACED) => {
                    // Another daemon runs, and drives the lines.
                    self.watchdog.close();
                    return Err(String::new());
                }
                Exit::Failed(_) if !self.started => return Err(String::new()),
                Exit::Failed(_) => 0,
                Exit::Killed(_) if !self.started => {
                    return Err("alarmd not started: the worker died before its first round".to_owned());
                }
                Exit::Killed(signal) => signal,
            };
            if clock::now().since(start) >= STABLE_AFTER {
                delay = RESTART_DELAY;
            }
            let longest = Nanos::from(self.settings.restart_s) * S;
            if self.wait_before_restart(delay.min(longest)) {
                break;
            }
            delay *= 2;
            delay = delay.min(longest.max(RESTART_DELAY));
            self.shared.count_restart(cause);
        }
        self.watchdog.close();
        self.failure.map_or(Ok(()), Err)
    }

    fn start_worker(&mut self) -> io::Result<c_int> {
        self.shared.set_state(WorkerState::Starting);
        let guardian = ProcessIdentity::me();
        // SAFETY: this process has one thread, so no other thread holds a lock that the child would need.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // Closes the guardian's descriptors in the worker.
                self.pidfile = None;
                self.watchdog = Watchdog::default();
                self.lines = FailSafeLines::default();
                let code = worker::run(self.options, &self.settings, self.shared, guardian);
                std::process::exit(code.into());
            }
            worker => Ok(worker),
        }
    }

    /// Watches a worker until it ends. Unless it stopped in order, fail-safe outputs then show an alarm.
    fn watch(&mut self, worker: c_int) -> Exit {
        let mut ready = false;
        let (mut rounds, mut checks) = (self.shared.rounds().load(Ordering::Relaxed), 0);
        let mut next = clock::now() + self.check_interval();
        loop {
            let received = signals::wait(next.since(clock::now()));
            // First of all, because a signal that was received and not handled would be lost.
            self.handle_signal(received, Some(worker));
            if let Some(exit) = exit_of(worker) {
                return self.handle_exit(worker, exit);
            }
            if self.shared.state() == WorkerState::Working {
                self.follow_reload();
                if !ready {
                    ready = true;
                    self.lines.open_lines(self.shared);
                    self.report_start(worker);
                }
            }
            let now = clock::now();
            if self.stop_deadline.is_some_and(|deadline| now >= deadline) {
                self.kill_worker(worker, &format!("not stopped within {} s; killed", STOP_TIMEOUT / S));
                return Exit::Stopped;
            }
            if now < next {
                continue;
            }
            next = now + self.check_interval();
            self.lines.open_lines(self.shared);
            let rounds_now = self.shared.rounds().load(Ordering::Relaxed);
            if ready {
                self.watchdog.feed(rounds_now);
            }
            checks = if rounds_now == rounds { checks + 1 } else { 0 };
            rounds = rounds_now;
            let timeout = self.hang_timeout();
            if checks * self.check_interval() >= timeout {
                let reason = match self.shared.state() {
                    WorkerState::Working => format!("no round for hang_ms ({} ms); killed", timeout / MS),
                    WorkerState::Starting => format!("set-up made no progress for {} ms; killed", timeout / MS),
                };
                self.kill_worker(worker, &reason);
                return Exit::Killed(0);
            }
        }
    }

    /// The time without a round after which a worker hangs.
    fn hang_timeout(&self) -> Nanos {
        let hang = Nanos::from(self.settings.hang_ms) * MS;
        match self.shared.state() {
            WorkerState::Working => hang,
            WorkerState::Starting if self.started => hang + SET_UP_TIMEOUT,
            WorkerState::Starting => START_TIMEOUT,
        }
    }

    /// The time between two checks.
    fn check_interval(&self) -> Nanos {
        let hang = Nanos::from(self.settings.hang_ms) * MS / CHECKS_PER_HANG;
        let feed = Nanos::from(self.settings.watchdog_s) * S / CHECKS_PER_HANG;
        if self.settings.watchdog.is_some() { hang.min(feed) } else { hang }
    }

    /// Handles a user's signal, and passes it on to the worker.
    fn handle_signal(&mut self, received: Option<Received>, worker: Option<c_int>) {
        match received {
            Some(received @ Received { signal: libc::SIGTERM | libc::SIGINT, .. }) => {
                if self.stop_deadline.is_none() {
                    info!("stopping: {received}");
                }
                self.request_stop(worker);
            }
            Some(Received { signal: libc::SIGHUP, .. }) => pass_on(libc::SIGHUP, worker),
            _ => {}
        }
    }

    fn request_stop(&mut self, worker: Option<c_int>) {
        self.stop_deadline.get_or_insert(clock::now() + STOP_TIMEOUT);
        pass_on(libc::SIGTERM, worker);
    }

    /// Loads the configuration after the worker has loaded it, and found it valid.
    fn follow_reload(&mut self) {
        let reloads = self.shared.reloads();
        if std::mem::replace(&mut self.reloads, reloads) == reloads {
            return;
        }
        if let Ok(loaded) = config::load(self.options.file.as_deref()) {
            self.settings = loaded.settings;
            self.watchdog.configure(&self.settings);
            process_attributes::apply(&self.settings);
        }
    }

    /// Reports the first worker's first round, in the log and in the pidfile.
    fn report_start(&mut self, worker: c_int) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        match self.pidfile.as_mut().map_or(Ok(()), Pidfile::write_pid) {
            Ok(()) => {
                let (version, process) = (env!("CARGO_PKG_VERSION"), process::me());
                let (modules, outputs) = (self.settings.poll.modules.len(), self.settings.poll.outputs.len());
                info!("alarmd {version} started (process {process}): {modules} modules, {outputs} outputs");
            }
            Err(error) => {
                self.failure = Some(error);
                self.request_stop(Some(worker));
            }
        }
    }

    /// Sets the lines before the kill, because a worker that waits in the kernel may not end at once.
    fn kill_worker(&mut self, worker: c_int, reason: &str) {
        self.lines.set_alarm(self.shared);
        error!("worker {worker}: {reason}");
        process::kill(worker as u32);
        while exit_of(worker).is_none() {
            let received = signals::wait(self.check_interval());
            self.handle_signal(received, None);
        }
        // The worker may have written to them in between.
        self.lines.set_alarm(self.shared);
    }

    fn handle_exit(&mut self, worker: c_int, exit: Exit) -> Exit {
        match exit {
            Exit::Stopped if self.stop_deadline.is_none() => {
                info!("stopping: worker {worker} received SIGTERM or SIGINT")
            }
            Exit::Stopped | Exit::Failed(REPLACED) => {}
            Exit::Failed(_) if !self.started => {}
            Exit::Failed(_) | Exit::Killed(_) => {
                self.lines.set_alarm(self.shared);
                error!("worker {worker}: {exit}; fail-safe outputs set to alarm");
                if self.stop_deadline.is_some() {
                    return Exit::Stopped;
                }
            }
        }
        exit
    }

    /// Waits before the next worker starts. True after a request to stop.
    fn wait_before_restart(&mut self, delay: Nanos) -> bool {
        if delay > 0 {
            warn!("worker: restart in {} ms", delay / MS);
        }
        let end = clock::now() + delay;
        while self.stop_deadline.is_none() && clock::now() < end {
            let received = signals::wait(S.min(end.since(clock::now())));
            self.handle_signal(received, None);
            self.lines.set_alarm(self.shared);
        }
        self.stop_deadline.is_some()
    }
}

fn pass_on(signal: c_int, worker: Option<c_int>) {
    if let Some(worker) = worker {
        // SAFETY: no pointers. The worker is a child that was not waited for, so its process id is not reused.
        unsafe { libc::kill(worker, signal) };
    }
}
