//! Fault campaigns: faults at random instants, and an oracle that knows what each producer last completed and what the outputs
//! must show. Any difference fails. Short here; `scripts/soak` runs the long form.
//!
//! | variable | |
//! | --- | --- |
//! | `ALARMD_CAMPAIGN` | how many faults each campaign makes (40) |
//! | `ALARMD_SEED` | the seed that repeats a run, as each prints it |
mod oracle;
mod producers;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::clock;
use alarmd_core::producer::{Options, Producer};
use alarmd_core::sysv::{Access, Key, Segment, words};
use alarmd_core::wire::{Doorbell, ModuleSegment};

use oracle::{MODULES, Oracle, files, is_slot, module};
use support::gpio_fs::Gpio;
use support::{Board, status_words, wait_until};

/// How many faults a campaign makes.
fn faults() -> u32 {
    std::env::var("ALARMD_CAMPAIGN").ok().and_then(|count| count.parse().ok()).unwrap_or(40)
}

/// The levels of the output files, in the configuration's order.
fn levels(board: &Board) -> Vec<bool> {
    (0..MODULES + 2).map(|number| board.output(&number.to_string()) == "1").collect()
}

fn kill(process: u32, signal: libc::c_int) {
    // SAFETY: no pointers; the process is the daemon's or a producer of ours.
    unsafe { libc::kill(process as libc::pid_t, signal) };
}

impl Oracle {
    /// Starts the daemon again, as init does, if its guardian has gone.
    fn as_init(&mut self) {
        let guardian = self.board.daemon().id();
        if alarmd_core::process::is_gone(guardian) {
            self.board.start();
        }
    }

    fn kill_one(&mut self) {
        match self.random.below(8) {
            0 => {
                self.board.kill();
                self.count("daemons killed");
                if self.random.below(2) == 0 {
                    self.work();
                }
                self.board.start();
            }
            1 | 2 => {
                self.board.daemon().signal(libc::SIGKILL);
                wait_until("the guardian is gone", || alarmd_core::process::is_gone(self.board.daemon().id()));
                self.count("guardians killed");
                self.as_init();
            }
            3 | 4 => {
                // It may be ending already.
                kill(self.board.worker(), libc::SIGKILL);
                self.count("workers killed");
            }
            _ => {
                let victim = self.random.below(self.producers.len() as u32) as usize;
                self.producers[victim].kill();
                self.count("producers killed");
            }
        }
    }

    fn remove_anything(&mut self) {
        let (key, what) = match self.random.below(4) {
            0 => (Key::DOORBELL, "doorbells removed"),
            1 => (Key::STATUS, "status blocks removed"),
            _ => (Key::of_module(module(self.random.below(MODULES))), "segments removed"),
        };
        if Segment::find(key).and_then(|id| id.remove()).is_ok() {
            self.count(what);
        }
    }

    /// Random bytes over a module's segment and the doorbell; then the original client's wipe, and new producers.
    fn scribble(&mut self) {
        let number = self.random.below(MODULES);
        let victims =
            || [Key::of_module(module(number)), Key::DOORBELL].map(|key| Segment::attach(key, Access::ReadWrite));
        let [Ok(segment), Ok(doorbell)] = victims() else { return };
        let (Some(inside), Some(bell)) = (segment.view::<ModuleSegment>(), doorbell.view::<Doorbell>()) else { return };
        for word in words::<AtomicU32, _>(inside).iter().chain(words::<AtomicU32, _>(bell)) {
            let value = if self.random.below(2) == 0 { self.random.next() } else { self.random.below(3) };
            word.store(value, Ordering::Relaxed);
        }
        self.count("segments scribbled over");
        self.work();
        for producer in self.producers.iter_mut().filter(|producer| producer.module == module(number)) {
            // One that is still writing would complete an alarm of which the wipe has removed a part.
            producer.kill();
        }
        words::<AtomicU32, _>(inside).iter().for_each(|word| word.store(0, Ordering::Relaxed));
        self.again();
    }

    fn stop_one(&mut self) {
        let producer = self.random.below(self.producers.len() as u32) as usize;
        let (process, what) = match self.random.below(4) {
            // If the guardian checks four times in the meantime it replaces the worker.
            0 => (Some(self.board.worker()), "workers stopped"),
            1 => (Some(self.board.daemon().id()), "guardians stopped"),
            _ => (self.producers[producer].process().map(|process| process as u32), "producers stopped"),
        };
        let Some(process) = process else { return };
        kill(process, libc::SIGSTOP);
        self.count(what);
        for _ in 0..self.random.below(4) {
            self.work();
            clock::sleep(u64::from(self.random.below(40)) * clock::MS);
        }
        kill(process, libc::SIGCONT);
    }

    fn signal_one(&mut self) {
        // Signals that alarmd handles, and others that only interrupt system calls.
        let signals = [libc::SIGHUP, libc::SIGCONT, libc::SIGWINCH, libc::SIGURG, libc::SIGCHLD, libc::SIGPIPE];
        let to_worker = self.random.below(2) == 0;
        let signal = signals[self.random.below(signals.len() as u32) as usize];
        kill(if to_worker { self.board.worker() } else { self.board.daemon().id() }, signal);
        self.count("signals");
    }

    /// Faults, some work around each, and a check now and then.
    fn run(&mut self, name: &str, levels: impl Fn(&Board) -> Vec<bool>, mut fault: impl FnMut(&mut Oracle)) {
        for turn in 1..=faults() {
            self.work();
            fault(self);
            self.count("faults");
            if turn % 8 == 0 || turn == faults() {
                self.again();
                self.check(&levels);
            }
        }
        self.report(name);
    }
}

#[test]
fn daemons_and_producers_are_killed_at_any_instant() {
    let Some(board) = Board::new(&files("")) else { return };
    Oracle::new(board).run("kills", levels, Oracle::kill_one);
}

#[test]
fn daemons_and_producers_are_killed_while_the_log_device_is_full() {
    let Some(mut board) = Board::bare(&files("")) else { return };
    board.log_to("/dev/full");
    board.start();
    Oracle::new(board).run("kills with a full log device", levels, Oracle::kill_one);
}

#[test]
fn segments_are_removed_in_series_while_processes_are_killed() {
    let Some(board) = Board::new(&files("")) else { return };
    let mut oracle = Oracle::new(board);
    oracle.may_forget = true;
    oracle.run("ipcrm storms", levels, |oracle| {
        for _ in 0..oracle.random.below(5) {
            oracle.remove_anything();
        }
        if oracle.random.below(4) == 0 {
            oracle.kill_one();
        }
    });
}

#[test]
fn every_segment_that_producers_may_write_is_filled_with_random_bytes() {
    let Some(board) = Board::new(&files("")) else { return };
    let mut oracle = Oracle::new(board);
    // Random bytes in the doorbell are commands too.
    oracle.is_operated = true;
    oracle.run("random bytes", levels, Oracle::scribble);
}

#[test]
fn daemons_and_producers_are_stopped_for_a_while() {
    let Some(board) = Board::new(&files("hang_ms = 100")) else { return };
    Oracle::new(board).run("stops", levels, Oracle::stop_one);
}

#[test]
fn signals_come_at_random() {
    let Some(board) = Board::new(&files("")) else { return };
    Oracle::new(board).run("signals", levels, |oracle| {
        for _ in 0..oracle.random.below(20) {
            oracle.signal_one();
        }
    });
}

#[test]
#[cfg(not(target_arch = "arm"))] // nothing can be preloaded into a static executable
fn the_clock_is_set_back_and_forward() {
    use std::os::unix::fs::FileExt;
    let Some(mut board) = Board::bare(&files("")) else { return };
    let path = board.path("clock");
    fs::write(&path, [0; 4]).expect("made");
    board.set("LD_PRELOAD", support::c::library("wall_clock"));
    board.set("WALL_CLOCK", path.clone());
    board.start();
    // In place: the daemon has it mapped.
    let set = |by: i32| {
        let file = fs::File::options().write(true).open(&path).expect("there");
        file.write_all_at(&by.to_ne_bytes(), 0).expect("set");
    };
    let mut oracle = Oracle::new(board);
    oracle.run("clock", levels, |oracle| {
        // By years, or by seconds; 1970 and after 2038 among them.
        let by = match oracle.random.below(4) {
            0 => -(clock::wall() as i32),
            1 => oracle.random.next() as i32 / 2,
            _ => oracle.random.below(20) as i32 - 10,
        };
        set(by);
        oracle.count("clocks set");
        if oracle.random.below(4) == 0 {
            oracle.kill_one();
        }
    });
    // At the end it has been set back, and the next health check reports it.
    for by in [1000, -1000] {
        set(by);
        oracle.board.wait_for_checks(2);
    }
    wait_until("it is in the history", || {
        oracle.board.events().contains(&"raised alarmd clock went back type 5".to_owned())
    });
}

#[test]
fn lines_are_lost_and_come_back() {
    let lines: Vec<u32> = (0..MODULES + 2).map(|number| 60 + number).collect();
    let Some(mut board) = Board::bare(&oracle::configuration("", |number| format!("gpio = {}", 60 + number))) else {
        return;
    };
    let Some(gpio) = Gpio::mount(&board, &lines) else { return };
    board.start();
    let levels = |_: &Board| lines.iter().map(|line| gpio.line(*line).high).collect::<Vec<bool>>();
    let mut oracle = Oracle::new(board);
    let mut turn = 0;
    oracle.run("lines", levels, |oracle| {
        turn += 1;
        let line = lines[oracle.random.below(lines.len() as u32) as usize];
        match oracle.random.below(4) {
            0 => {
                let _ = gpio.hardware().unexport(&line.to_string());
                oracle.count("lines unexported");
            }
            1 => {
                gpio.hardware().lines.get_mut(&line).expect("a line").locked = true;
                let _ = gpio.hardware().unexport(&line.to_string());
                oracle.count("lines made read-only");
            }
            2 => {
                gpio.hardware().lines.get_mut(&line).expect("a line").held = true;
                let _ = gpio.hardware().unexport(&line.to_string());
                oracle.count("lines taken by the kernel");
            }
            _ => {
                let _ = fs::write(format!("/sys/class/gpio/gpio{line}/direction"), "in");
                oracle.count("lines made inputs");
            }
        }
        if oracle.random.below(3) == 0 {
            oracle.kill_one();
        }
        if turn % 8 == 0 || turn == faults() {
            for line in gpio.hardware().lines.values_mut() {
                (line.locked, line.held) = (false, false);
            }
            // Without a reload they are tried again after a pause that grows.
            oracle.as_init();
            oracle.board.daemon().signal(libc::SIGHUP);
        }
    });
}

#[test]
fn a_hundred_producers_raise_and_clear_at_once() {
    let Some(board) = Board::new(&files("")) else { return };
    let rounds = faults().div_ceil(20);
    let raised = || status_words().alarms().iter().filter(|alarm| is_slot(alarm)).count();
    let gate = AtomicU32::new(0);
    for round in 0..rounds {
        std::thread::scope(|scope| {
            for number in 0..100 {
                let gate = &gate;
                scope.spawn(move || {
                    let module = module(number % MODULES);
                    let id = AlarmId { alarm_type: 1, code: number, index: 0 };
                    let mut producer = open(module);
                    gate.fetch_add(1, Ordering::SeqCst);
                    wait_until("all are ready", || gate.load(Ordering::SeqCst) >= 200 * round + 100);
                    wait_until("raised", || producer.raise(id, 1).is_ok());
                    gate.fetch_add(1, Ordering::SeqCst);
                    wait_until("all have raised", || gate.load(Ordering::SeqCst) == 200 * round + 200);
                    wait_until("all are shown", || raised() == 100);
                });
            }
        });
        assert_eq!(levels(&board), [true, true, true, true, true, false]);
        std::thread::scope(|scope| {
            for number in 0..100 {
                scope.spawn(move || {
                    let id = AlarmId { alarm_type: 1, code: number, index: 0 };
                    let mut producer = open(module(number % MODULES));
                    wait_until("cleared", || producer.clear(id).is_ok());
                });
            }
        });
        wait_until("all have ended", || raised() == 0);
        wait_until("all is well", || levels(&board) == [false, false, false, false, false, true]);
    }
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr(),
        "campaign a hundred at once: {rounds} times 100 raised and cleared; lost 0, wrong 0, hung 0"
    );
}

fn open(module: ModuleId) -> Producer {
    let mut opened = None;
    wait_until("attached", || {
        opened = Producer::open(module, Key::of_module(module), Options::default()).ok();
        opened.is_some()
    });
    opened.expect("attached")
}

#[test]
fn a_log_without_a_reader_blocks_no_process() {
    let Some(mut board) = Board::bare(&files("")) else { return };
    // A pipe, which is full soon.
    let path = board.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let pipe = fs::File::options().read(true).write(true).open(&path).expect("opened");
    board.log_to(path.to_str().expect("UTF-8"));
    board.start();
    Oracle::new(board).run("a log without a reader", levels, |oracle| {
        if oracle.random.below(8) == 0 {
            oracle.kill_one();
        }
    });
    drop(pipe);
}
