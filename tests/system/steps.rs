//! SIGKILL at any instruction, shown without luck: each instruction of a round is taken by itself.
#![cfg(not(target_arch = "arm"))] // whose kernel has no single steps
use std::sync::atomic::Ordering;

use alarmd::alarm::{AlarmId, ModuleId, Name};
use alarmd::clock;
use alarmd::poll::Poll;
use alarmd::process::Mark;
use alarmd::producer::{Options, Producer};
use alarmd::settings::{Kind, ModuleSettings, OnStop, OutputSettings, Path, Settings, Target};
use alarmd::sysv::{Access, Key, Segment};
use alarmd::wire::{EVENT_PLACES, StatusSegment};

use crate::hardware::Sysfs;
use crate::support::Board;

const SDHMGT: ModuleId = ModuleId::new(31).unwrap();

/// A kill from outside hardly ever meets the few instructions that write the status block. So the loop is made to take each of them by
/// itself, and after each the memory is looked at as the next daemon would.
#[test]
fn after_every_single_instruction_of_a_round_the_memory_is_whole() {
    let Some(board) = Board::bare("") else { return };
    let module = ModuleSettings::new(Name::new("sdhmgt").expect("a name"), SDHMGT);
    let path = board.path("any");
    let lamp = OutputSettings {
        kind: Kind::Lamp,
        name: Name::new("any").expect("a name"),
        target: Target::Path(Path::new(path.to_str().expect("UTF-8")).expect("short")),
        active_low: false,
        fail_safe: false,
        on_stop: OnStop::Clear,
        severity: None,
        modules: heapless::Vec::new(),
    };
    let settings = Settings {
        modules: [module].into_iter().collect(),
        outputs: [lamp].into_iter().collect(),
        ..Settings::default()
    };
    let mut hardware = Sysfs::default();
    let mut poll = Box::<Poll>::default();
    poll.start(Mark::me(), settings, &mut hardware).expect("started");
    let mut producer = Producer::open(SDHMGT, Key::of_module(SDHMGT), Options::default()).expect("opened");
    producer.raise(AlarmId { kind: 7, ..AlarmId::default() }, 1).expect("raised");
    let now = clock::now();
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the child allocates nothing and takes no lock that another thread may have held at the fork: the loop does neither.
    let child = match unsafe { libc::fork() } {
        0 => {
            // SAFETY: no memory of ours is touched.
            unsafe {
                libc::ptrace(libc::PTRACE_TRACEME, 0, none, none);
                libc::raise(libc::SIGSTOP);
            }
            poll.round(now, &mut hardware);
            // SAFETY: it ends here.
            unsafe { libc::_exit(0) }
        }
        child => child,
    };
    let mut status = 0;
    let mut stopped = || {
        // SAFETY: the call writes one `int`.
        let found = unsafe { libc::waitpid(child, &mut status, libc::__WALL) };
        assert_eq!(found, child);
        libc::WIFSTOPPED(status)
    };
    assert!(stopped());
    // Should an assertion end this thread, the child ends with it.
    let options = libc::PTRACE_O_EXITKILL as *mut libc::c_void;
    // SAFETY: no pointers: the last argument is a number.
    assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, child, none, options) }, 0);
    let (mut before, mut after) = (0, 0);
    let published = Segment::attach(Key::STATUS, 0, Access::ReadWrite).expect("attached");
    let StatusSegment { status, memory } = published.view().expect("whole");
    let count = status.event_count.load(Ordering::Relaxed);
    loop {
        // SAFETY: stepping touches no memory of ours.
        if unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, child, none, none) } == -1 || !stopped() {
            break;
        }
        let kept = memory.kept().expect("whole after every instruction");
        let up = kept.segments[0].seen.slots[0].flag.load(Ordering::Relaxed);
        match kept.event_count.load(Ordering::Relaxed).wrapping_sub(count) {
            0 => {
                assert_eq!(up, 0, "seen, and not told");
                before += 1;
            }
            1 => {
                let event = &status.events[count as usize % EVENT_PLACES];
                let [what, kind] = [&event.what, &event.alarm.kind].map(|word| word.load(Ordering::Relaxed));
                assert_eq!((up, what, kind), (1, 0, 7), "told, and not seen");
                after += 1;
            }
            other => panic!("{other} events of one"),
        }
    }
    println!("{before} instructions before it counts, {after} after it");
    assert!(before > 1000 && after > 100, "{before} {after}");
}
