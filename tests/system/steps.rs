//! SIGKILL at any instruction: the loop is single-stepped, and after each instruction the saved state is read as the next
//! daemon would read it.
#![cfg(not(target_arch = "arm"))] // whose kernel has no single steps
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::annunciator::Rule;
use alarmd_core::clock;
use alarmd_core::codes::{OutputKind, Sequence};
use alarmd_core::limits::EVENT_PLACES;
use alarmd_core::output::OutputSettings;
use alarmd_core::poll::{Poll, Settings};
use alarmd_core::process::ProcessIdentity;
use alarmd_core::sysv::{Access, Key, Segment};
use alarmd_core::wire::StatusSegment;

use crate::support::{Board, SDHMGT, alarm, open_producer, settings};
use alarmd::lines::BoardLines;

/// What an output saves of an alarm that is not acknowledged, and of its end.
const NEW: u32 = 1;
const RETURNED: u32 = 2;

/// One module and a lamp; with `bad` another lamp, which cannot be set up.
fn one_lamp(board: &Board, bad: bool) -> Settings {
    let lamp = |name: &str| {
        let output = settings::output(OutputKind::Lamp, name.trim_start_matches("no/"), &board.path(name));
        OutputSettings { rule: Rule { sequence: Sequence::M, ..output.rule.clone() }, ..output }
    };
    Settings {
        modules: [settings::module("sdhmgt", SDHMGT)].into_iter().collect(),
        outputs: ["any", "no/bad"].into_iter().take(1 + usize::from(bad)).map(lamp).collect(),
        ..Settings::default()
    }
}

/// Forks a process that does this and ends.
fn child(act: impl FnOnce()) -> libc::pid_t {
    // SAFETY: no other thread holds a lock that the child takes: it logs nothing, and what it allocates is glibc's, which is good
    // for use after a fork.
    match unsafe { libc::fork() } {
        0 => {
            act();
            // SAFETY: it ends here.
            unsafe { libc::_exit(0) }
        }
        child => child,
    }
}

/// Waits until its state changes; true if it was stopped, false if it has ended.
fn is_stopped(child: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: the call writes one `int`.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, libc::__WALL) }, child);
    if !libc::WIFSTOPPED(status) {
        assert_eq!(status, 0, "the child failed");
    }
    libc::WIFSTOPPED(status)
}

fn memory() -> Segment {
    Segment::attach(Key::STATUS, Access::ReadWrite).expect("attached")
}

/// What the next daemon would find, were this one killed now: which slots are up, and what the first output keeps; and that the
/// history says the same.
fn look(segment: &Segment) -> Vec<u32> {
    let StatusSegment { status, saved } = segment.view().expect("large enough");
    let load = |word: &AtomicU32| word.load(Ordering::Relaxed);
    let kept = saved.valid_copy().expect("whole after every instruction");
    let up = |segment: &alarmd_core::wire::SavedSegment| {
        segment.seen.slots.iter().map(|slot| u32::from(load(&slot.flag) != 0)).collect::<Vec<_>>()
    };
    let seen = kept.segments().first().map_or(vec![0; 32], up);
    let (mut logged, mut failed) = (vec![0u32; 32], 0u32);
    for count in 0..load(&kept.event_count) {
        let event = &status.events[count as usize % EVENT_PLACES];
        let [what, origin] = [&event.what, &event.alarm.origin].map(load);
        let place = match origin {
            1..=32 => &mut logged[origin as usize - 1],
            36 => &mut failed,
            _ => continue,
        };
        match what {
            0 => *place += 1,
            2 => *place -= 1,
            _ => {}
        }
    }
    assert_eq!(seen, logged, "the slots, and the history");
    let latched = kept.outputs().first().map_or(0, |output| load(&output.latched));
    assert_eq!(failed, kept.outputs().iter().map(|output| u32::from(load(&output.failed) != 0)).sum::<u32>());
    [seen, vec![latched]].concat()
}

/// Slot 1, and what the first output keeps, at each turn.
fn first(seen: &[Vec<u32>]) -> Vec<(u32, u32)> {
    seen.iter().map(|found| (found[0], found[32])).collect()
}

/// Single-steps a process that does this. Gives each different state that was found.
#[track_caller]
fn step(act: impl FnOnce()) -> Vec<Vec<u32>> {
    let none = std::ptr::null_mut::<libc::c_void>();
    let child = child(|| {
        // SAFETY: no memory of ours is touched.
        unsafe {
            libc::ptrace(libc::PTRACE_TRACEME, 0, none, none);
            libc::raise(libc::SIGSTOP);
        }
        act();
    });
    assert!(is_stopped(child));
    // Should an assertion end this thread, the child ends with it.
    let options = libc::PTRACE_O_EXITKILL as *mut libc::c_void;
    // SAFETY: no pointers: the last argument is a number.
    assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, child, none, options) }, 0);
    let segment = memory();
    let (mut seen, mut steps) = (vec![look(&segment)], 0);
    loop {
        // SAFETY: stepping touches no memory of ours.
        assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, child, none, none) }, 0);
        if !is_stopped(child) {
            break;
        }
        steps += 1;
        let now = look(&segment);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    println!("{steps} instructions");
    assert!(steps > 1000, "{steps}");
    seen
}

/// An earlier daemon, which has seen alarm 1 and has ended.
fn daemon_before(board: &Board, guardian: ProcessIdentity) {
    let mut producer = open_producer(SDHMGT);
    producer.raise(alarm(1), 1).expect("raised");
    let settings = one_lamp(board, false);
    let child = child(|| {
        let mut poll = Box::<Poll>::default();
        poll.start(guardian, &settings, &mut BoardLines::default()).expect("started");
        assert!(look(&memory())[0] == 1);
    });
    assert!(!is_stopped(child));
}

/// A loop that has started.
fn started(board: &Board, bad: bool) -> (Box<Poll>, BoardLines) {
    let (mut poll, mut hardware) = (Box::<Poll>::default(), BoardLines::default());
    poll.start(ProcessIdentity::me(), &one_lamp(board, bad), &mut hardware).expect("started");
    (poll, hardware)
}

#[test]
fn the_saved_state_is_consistent_after_every_instruction_of_a_round() {
    let Some(board) = Board::bare("") else { return };
    let (mut poll, mut hardware) = started(&board, false);
    open_producer(SDHMGT).raise(alarm(7), 1).expect("raised");
    let now = clock::now();
    let seen = step(|| poll.round(now, &mut hardware));
    assert_eq!(first(&seen), [(0, 0), (1, NEW)]);
}

#[test]
fn the_saved_state_is_consistent_after_every_instruction_of_a_start() {
    let Some(board) = Board::bare("") else { return };
    let guardian = ProcessIdentity::me();
    daemon_before(&board, guardian);
    let mut producer = open_producer(SDHMGT);
    producer.clear(alarm(1)).expect("cleared");
    let mut poll = Box::<Poll>::default();
    // With an output that fails, and one that does not.
    let settings = one_lamp(&board, true);
    let seen = step(|| poll.start(guardian, &settings, &mut BoardLines::default()).expect("started"));
    assert_eq!(first(&seen), [(1, NEW), (0, NEW | RETURNED)]);
}

#[test]
fn the_saved_state_is_consistent_while_a_check_finds_a_segment_removed() {
    let Some(board) = Board::bare("") else { return };
    let mut producer = open_producer(SDHMGT);
    producer.raise(alarm(7), 1).expect("raised");
    let (mut poll, mut hardware) = started(&board, false);
    producer.remove().expect("removed");
    let now = clock::now();
    let seen = step(|| poll.check_health(now, &mut hardware).expect("alone"));
    assert_eq!(first(&seen), [(1, NEW), (0, NEW | RETURNED)]);
}

#[test]
fn the_saved_state_is_consistent_after_every_instruction_of_a_reload() {
    let Some(board) = Board::bare("") else { return };
    open_producer(SDHMGT).raise(alarm(7), 1).expect("raised");
    let (mut poll, mut hardware) = started(&board, true);
    // The failed output is in both copies of the saved state.
    for _ in 0..2 {
        poll.check_health(clock::now(), &mut hardware).expect("alone");
    }
    let other = Settings { poll_ms: 7, ..one_lamp(&board, true) };
    let seen = step(|| poll.reconfigure(&other, &mut hardware).expect("alone"));
    assert_eq!(first(&seen), [(1, NEW)]);
}
