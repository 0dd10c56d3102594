//! The loop does not allocate: 100,000 rounds with changes, logging on, under a counting allocator.
//!
//! The loop, the logger and the line set-up are the daemon's own; time is simulated, for the real pace would take minutes.
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;

use alarmd::lines::BoardLines;
use alarmd::logging;
use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::clock::{self, MS};
use alarmd_core::codes::OutputKind;
use alarmd_core::output::OutputSettings;
use alarmd_core::poll::{Poll, Settings};
use alarmd_core::process::ProcessIdentity;
use alarmd_core::rate_limiter::RateLimiter;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system allocator's; the count is of this thread and never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

fn settings(folder: &Path) -> Settings {
    let modules = [("sdhmgt", 31), ("alarm", 32)];
    let module = |(name, id)| support::settings::module(name, ModuleId::new(id).expect("an id"));
    let lamp = support::settings::output(OutputKind::Lamp, "lamp", &folder.join("lamp"));
    let relay = support::settings::output(OutputKind::Relay, "relay", &folder.join("relay"));
    Settings {
        poll_ms: 1,
        modules: modules.into_iter().map(module).collect(),
        outputs: [lamp, OutputSettings { fail_safe: true, ..relay }].into_iter().collect(),
        ..Settings::default()
    }
}

#[test]
fn a_hundred_thousand_rounds_with_changes_and_logging_do_not_allocate() {
    if !support::private_namespace() {
        return;
    }
    let folder = tempfile::TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    let file = fs::File::create(&log).expect("a log");
    // SAFETY: both descriptors are open; nothing else in this process writes to stderr meanwhile.
    let stderr = unsafe {
        let stderr = libc::dup(libc::STDERR_FILENO);
        libc::dup2(file.as_raw_fd(), libc::STDERR_FILENO);
        stderr
    };
    logging::init(false, RateLimiter::new(100_000, 1)).expect("the first logger");
    let mut hardware = BoardLines::default();
    hardware.allow_wait();
    let mut poll = Box::<Poll>::default();
    poll.start(ProcessIdentity::me(), &settings(folder.path()), &mut hardware).expect("started");
    let mut producer = support::open_producer(support::SDHMGT);

    let before = allocations();
    let mut now = clock::now();
    for round in 0..100_000u32 {
        // Each alarm is raised, raised again with another level, and cleared; then a round in which nothing happens.
        let alarm = AlarmId { alarm_type: round / 4 % 40, code: u32::MAX, index: u32::MAX };
        match round % 4 {
            0 => producer.raise(alarm, 1).expect("raised"),
            1 => producer.raise(alarm, u32::MAX).expect("raised"),
            2 => assert!(producer.clear(alarm).expect("cleared")),
            _ => {}
        }
        poll.round(now, &mut hardware);
        now = now + MS;
        if round % 1000 == 0 {
            poll.check_health(now, &mut hardware).expect("alone");
        }
    }
    now = clock::now();
    for _ in 0..200 {
        now = poll.turn(now, &mut hardware).expect("alone");
    }
    let made = allocations() - before;

    // SAFETY: as above.
    unsafe { libc::dup2(stderr, libc::STDERR_FILENO) };
    let lines = fs::read_to_string(&log).expect("a log");
    let transitions = lines
        .lines()
        .filter(|line| ["alarm raised: ", "alarm changed: ", "alarm cleared: "].iter().any(|w| line.contains(w)));
    assert_eq!((made, transitions.count()), (0, 75_000));
}
