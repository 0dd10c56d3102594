//! The loop does not allocate: 100,000 rounds with changes, logging on, under a counting allocator.
//!
//! The loop, the logger and the line set-up are the daemon's own; time is simulated, for the real pace would take minutes.
#[path = "../src/daemon/hardware.rs"]
#[allow(dead_code)]
mod hardware;
#[path = "../src/daemon/logging.rs"]
mod logging;
#[path = "../src/utc.rs"]
mod utc;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::os::fd::AsRawFd;

use alarmd::alarm::{AlarmId, ModuleId, Name};
use alarmd::clock::{self, MS};
use alarmd::pace::Pace;
use alarmd::poll::Poll;
use alarmd::process::Mark;
use alarmd::producer::{Options, Producer};
use alarmd::settings::{Kind, ModuleSettings, OnStop, OutputSettings, Path, Sequence, Settings, Target};
use alarmd::sysv::Key;

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

fn settings(folder: &std::path::Path) -> Settings {
    let mut settings = Settings { poll_ms: 1, ..Settings::default() };
    for (name, id) in [("sdhmgt", 31), ("alarm", 32)] {
        let module = ModuleSettings::new(Name::new(name).expect("a name"), ModuleId::new(id).expect("an id"));
        settings.modules.push(module).expect("room");
    }
    for (kind, name) in [(Kind::Lamp, "lamp"), (Kind::Relay, "relay")] {
        let path = folder.join(name);
        let output = OutputSettings {
            kind,
            name: Name::new(name).expect("a name"),
            target: Target::Path(Path::new(path.to_str().expect("UTF-8")).expect("short")),
            active_low: false,
            fail_safe: kind == Kind::Relay,
            sequence: Sequence::Follow,
            on_stop: OnStop::of(kind),
            severity: None,
            modules: heapless::Vec::new(),
        };
        settings.outputs.push(output).expect("room");
    }
    settings
}

#[test]
fn a_hundred_thousand_rounds_with_changes_and_logging_allocate_nothing() {
    // SAFETY: no pointers.
    if unsafe { libc::unshare(libc::CLONE_NEWIPC) } == -1 {
        assert!(std::env::var_os("ALARMD_SKIP_FAILS").is_none(), "no private IPC namespace");
        eprintln!("SKIPPED: no private IPC namespace; run as root, or under unshare -r");
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
    logging::init(false, Pace::new(100_000, 1)).expect("the first logger");
    let mut hardware = hardware::Sysfs::default();
    hardware.be_patient();
    let mut poll = Box::<Poll>::default();
    poll.start(Mark::me(), settings(folder.path()), &mut hardware).expect("started");
    let module = ModuleId::new(31).expect("an id");
    let mut producer = Producer::open(module, Key::of_module(module), Options::default()).expect("opened");

    let before = allocations();
    let mut now = clock::now();
    for round in 0..100_000u32 {
        // Each alarm is raised, raised again with another level, and cleared; then a round in which nothing happens.
        let alarm = AlarmId { kind: round / 4 % 40, code: u32::MAX, index: u32::MAX };
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
    let transitions =
        lines.lines().filter(|line| ["raised: ", "changed: ", "cleared: "].iter().any(|w| line.contains(w)));
    assert_eq!((made, transitions.count()), (0, 75_000));
}
