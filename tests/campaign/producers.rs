//! Producers that the oracle forks, kills and forks again. Each completes one operation after the other, as many as it is
//! allowed to, and counts them in memory that it shares with the oracle; so the oracle knows what must be shown.
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::alarm::{AlarmId, ModuleId, Record};
use alarmd_core::clock;
use alarmd_core::producer::{Options, Producer};
use alarmd_core::sysv::Key;

/// How many alarms a producer of the new style has.
pub const ALARMS: u32 = 4;

/// How a producer writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Style {
    /// Slots 1 to 32, under the lock.
    New,
    /// The original record, plain stores.
    Old,
}

/// What is shared between the oracle and one producer.
#[derive(Default)]
#[repr(C)]
pub struct Progress {
    /// How many operations it may complete.
    allowed: AtomicU32,
    /// How many it has completed.
    done: AtomicU32,
    /// Is incremented when all that it has written may be lost.
    wanted_again: AtomicU32,
    /// The last value of `wanted_again` after which it has written everything again.
    written_again: AtomicU32,
}

/// An alarm that is up: its kind, code and level.
pub type Up = (u32, u32, u32);

/// One producer, over all its processes.
pub struct Forked {
    pub module: ModuleId,
    style: Style,
    number: u32,
    seed: u32,
    progress: &'static Progress,
    process: Option<libc::pid_t>,
}

/// What operation `count` of a producer does: which of its alarms, and the level it is raised with; 0: it is cleared.
fn operation(seed: u32, number: u32, count: u32) -> (u32, u32) {
    let mut mixed = seed ^ number.wrapping_mul(0x9E37_79B9) ^ count.wrapping_mul(0x85EB_CA6B);
    for _ in 0..3 {
        mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
    }
    (mixed % ALARMS, (mixed >> 8) % 6)
}

impl Forked {
    /// A producer without a process yet.
    pub fn new(module: ModuleId, style: Style, number: u32, seed: u32) -> Forked {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let size = size_of::<Progress>();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED);
        // SAFETY: the mapping is zeroed, large enough, never unmapped, and `Progress` is atomic words only.
        let progress = unsafe { &*base.cast::<Progress>() };
        Forked { module, style, number, seed, progress, process: None }
    }

    pub fn process(&self) -> Option<libc::pid_t> {
        self.process
    }

    /// Starts it, or starts it again.
    pub fn start(&mut self) {
        if self.process.is_some() {
            return;
        }
        // SAFETY: the child uses no lock and no allocator, which another thread may have held at the fork.
        match unsafe { libc::fork() } {
            0 => self.live(),
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            process => self.process = Some(process),
        }
    }

    /// Sends SIGKILL, at any instruction.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            // SAFETY: the process is our own child, and nothing else waits for it.
            unsafe {
                libc::kill(process, libc::SIGKILL);
                libc::waitpid(process, ptr::null_mut(), 0);
            }
        }
    }

    /// It may complete some more operations.
    pub fn allow(&self, more: u32) {
        self.progress.allowed.fetch_add(more, Ordering::Release);
    }

    /// All that it wrote may be lost: it writes it again.
    pub fn again(&self) {
        self.progress.wanted_again.fetch_add(1, Ordering::Release);
    }

    /// True if it has completed all that it may, and written again what was lost.
    pub fn is_done(&self) -> bool {
        let load = |word: &AtomicU32| word.load(Ordering::Acquire);
        let Progress { allowed, done, wanted_again, written_again } = self.progress;
        load(done) == load(allowed) && load(written_again) == load(wanted_again)
    }

    /// What is up once it is done.
    pub fn up(&self) -> impl Iterator<Item = Up> + '_ {
        let levels = self.levels(self.progress.allowed.load(Ordering::Acquire));
        (0..self.alarms()).filter_map(move |code| {
            Some((self.number, code, levels[code as usize])).filter(|(_, _, level)| *level != 0)
        })
    }

    fn alarms(&self) -> u32 {
        if self.style == Style::Old { 1 } else { ALARMS }
    }

    /// The level of each alarm after so many operations.
    fn levels(&self, count: u32) -> [u32; ALARMS as usize] {
        let mut levels = [0; ALARMS as usize];
        let mut open: u32 = (1 << self.alarms()) - 1;
        // The last operation on each alarm is what counts.
        for count in (1..=count).rev() {
            let (alarm, level) = self.operation(count);
            if open & (1 << alarm) != 0 {
                open ^= 1 << alarm;
                levels[alarm as usize] = level;
            }
            if open == 0 {
                break;
            }
        }
        levels
    }

    fn operation(&self, count: u32) -> (u32, u32) {
        let (alarm, level) = operation(self.seed, self.number, count);
        (alarm % self.alarms(), level)
    }

    /// The producer's process: it calls only the library, which neither allocates nor locks.
    fn live(&self) -> ! {
        let Progress { allowed, done, wanted_again, written_again } = self.progress;
        let mut producer = loop {
            // While segments are removed there may be none for some time.
            match Producer::open(self.module, Key::of_module(self.module), Options::default()) {
                Ok(producer) => break producer,
                Err(_) => clock::sleep(clock::MS),
            }
        };
        // Its last operation may be incomplete.
        let mut first = true;
        loop {
            let again = wanted_again.load(Ordering::Acquire);
            let completed = done.load(Ordering::Relaxed);
            if first || again != written_again.load(Ordering::Relaxed) {
                let levels = self.levels(completed);
                for code in 0..self.alarms() {
                    self.write(&mut producer, code, levels[code as usize]);
                }
                written_again.store(again, Ordering::Release);
                first = false;
            } else if completed != allowed.load(Ordering::Acquire) {
                let (code, level) = self.operation(completed + 1);
                self.write(&mut producer, code, level);
                done.store(completed + 1, Ordering::Release);
            } else {
                clock::sleep(clock::MS / 10);
            }
        }
    }

    /// Tries until it is written: another process may remove the segment, or hold its lock.
    fn write(&self, producer: &mut Producer, code: u32, level: u32) {
        let id = AlarmId { alarm_type: self.number, code, index: 0 };
        loop {
            let written = match (self.style, level) {
                (Style::New, 0) => producer.clear(id).map(|_| ()),
                (Style::New, level) => producer.raise(id, level),
                (Style::Old, level) => {
                    let record = Record { flag: level.min(1), alarm_type: self.number, code, level, index: 0 };
                    producer.store_record(record)
                }
            };
            if written.is_ok() {
                return;
            }
            clock::sleep(clock::MS);
        }
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        self.kill();
    }
}
