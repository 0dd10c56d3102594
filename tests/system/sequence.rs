//! The sequence lock under full load, and under SIGKILL at any moment.
use std::sync::atomic::Ordering;

use alarmd_core::alarm::AlarmId;
use alarmd_core::clock::{self, S};
use alarmd_core::producer::Producer;
use alarmd_core::sysv::{Access, Segment};
use alarmd_core::wire::{ModuleSegment, copy_module};
use serde_json::Value;

use crate::support::{Board, KEY, LAMP, Process, Random, SDHMGT, open_producer, private_namespace, wait_until};

/// Alarms whose words are all equal, so that a mixture of two is noticed.
fn alike(n: u32) -> AlarmId {
    AlarmId { alarm_type: n, code: n, index: n }
}

/// Raises and clears such alarms until it is killed.
fn hammer(producer: &mut Producer) -> ! {
    loop {
        for n in 1..=50 {
            // Twice: the first writes a new slot, the second changes it in place.
            let _ = producer.raise(alike(n), n);
            let _ = producer.raise(alike(n), n);
            let _ = producer.clear(alike(n));
        }
    }
}

/// A child process that hammers. It runs nothing but the library, which neither allocates nor locks.
struct Hammer(libc::pid_t);

impl Hammer {
    fn start() -> Hammer {
        let mut producer = open_producer(SDHMGT);
        // SAFETY: the child uses no lock and no allocator, which another thread may have held at the fork.
        match unsafe { libc::fork() } {
            0 => hammer(&mut producer),
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            pid => Hammer(pid),
        }
    }
}

impl Drop for Hammer {
    fn drop(&mut self) {
        // SAFETY: the process is our own child, and nothing else waits for it.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

/// The slots that show a mixture of two alarms.
fn torn(copy: &ModuleSegment<u32>) -> Vec<String> {
    let up = copy.slots.iter().filter(|slot| slot.flag != 0);
    let whole = |n: u32| (1..=50).contains(&n);
    let torn = up
        .filter(|slot| slot.id() != alike(slot.alarm_type) || slot.level != slot.alarm_type || !whole(slot.alarm_type));
    torn.map(|slot| format!("{slot:?}")).collect()
}

#[test]
fn millions_of_reads_beside_a_writer_at_full_speed_are_never_torn() {
    if !private_namespace() {
        return;
    }
    let hammer = Hammer::start();
    let segment = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let view = segment.view::<ModuleSegment>().expect("whole");
    let (mut tries, mut read, mut changed) = (0u64, 0u64, 0u64);
    let mut copy = ModuleSegment::EMPTY;
    let started = clock::now();
    let enough = |tries: u64, read: u64, changed: u64| tries > 1_000_000 && read > tries / 4 && changed > 10_000;
    // On a busy machine the writer runs less often.
    while clock::now().since(started) < 3 * S || !enough(tries, read, changed) && clock::now().since(started) < 20 * S {
        for _ in 0..10_000 {
            tries += 1;
            let before = copy.sequence;
            if copy_module(view, &mut copy) {
                read += 1;
                changed += u64::from(copy.sequence != before);
                assert_eq!(torn(&copy), [""; 0]);
            }
        }
    }
    drop(hammer);
    println!("{tries} tries, {read} read_consistent reads, {changed} of them of another state");
    assert!(enough(tries, read, changed), "{tries} tries, {read} reads, {changed} states");
}

/// SIGKILL at 1000 random moments; after each, the next producer can write and the segment holds no half-written alarm.
fn kill_at_random_moments(start: impl Fn(&Board) -> Box<dyn Killable>) {
    let config = "[daemon]\npoll_ms = 2\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";
    let Some(board) = Board::new(config) else { return };
    let segment = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let view = segment.view::<ModuleSegment>().expect("whole");
    let mut next = open_producer(SDHMGT);
    let mut random = Random::new();
    let (mut kills, mut inside, mut halfway) = (0, 0, 0);
    // On a busy machine fewer of them hit a write: then there are more.
    while kills < 1000 || inside < 20 && kills < 4000 {
        kills += 1;
        let victim = start(&board);
        let sequence = view.sequence.load(Ordering::Relaxed);
        // It is at work, and then some microseconds more.
        wait_until("it writes", || view.sequence.load(Ordering::Relaxed) != sequence);
        for _ in 0..random.below(2000) {
            std::hint::spin_loop();
        }
        victim.kill();
        inside += u32::from(view.writer.load(Ordering::Relaxed) != 0);
        halfway += view.sequence.load(Ordering::Relaxed) & 1;
        next.raise(alike(7), 7).expect("the next producer can write");
        next.clear(alike(7)).expect("the next producer can write");
        let mut copy = ModuleSegment::EMPTY;
        wait_until("it can be read", || copy_module(view, &mut copy));
        assert_eq!(torn(&copy), [""; 0]);
    }
    println!("{kills} kills, {inside} while inside, {halfway} between two stores");
    assert!(inside >= 20, "only {inside} of {kills} kills were inside a write: the test shows nothing");
    // The daemon's events are whole too, and it continues.
    let status = board.status();
    let events = status["events"].as_array().expect("events");
    let whole = |event: &&Value| {
        let n = &event["type"];
        event["origin"].as_str().is_some_and(|origin| origin.starts_with("slot"))
            && [&event["code"], &event["index"], &event["level"]].iter().all(|word| *word == n)
    };
    assert_eq!((events.len(), events.iter().filter(whole).count()), (256, 256));
    next.clear_all().expect("cleared");
    board.wait_for_output("any", "0");
    next.raise(alike(9), 9).expect("raised");
    board.wait_for_output("any", "1");
}

/// Something that can be killed and waited for.
trait Killable {
    fn kill(self: Box<Self>);
}

impl Killable for Hammer {
    fn kill(self: Box<Self>) {
        drop(self);
    }
}

impl Killable for Process {
    fn kill(self: Box<Self>) {
        Process::kill(*self);
    }
}

#[test]
fn a_rust_producer_killed_during_a_write_leaves_no_half_written_alarm() {
    kill_at_random_moments(|_| Box::new(Hammer::start()));
}

#[test]
fn a_c_producer_killed_during_a_write_leaves_no_half_written_alarm() {
    kill_at_random_moments(|board| {
        let mut producer = board.new_producer(31);
        producer.send("hammer");
        Box::new(producer.process)
    });
}

#[test]
fn the_daemon_reads_a_segment_whose_last_producer_died_holding_the_lock() {
    let Some(board) = Board::new(LAMP) else { return };
    board.done(&["raise", "sdhmgt", "--type", "1"]);
    board.wait_for_output("any", "1");
    let segment = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let view = segment.view::<ModuleSegment>().expect("whole");
    // What a producer leaves that was killed while it cleared its alarm: the flag down, the sequence odd.
    let mut dead = std::process::Command::new("true").spawn().expect("started");
    let pid = dead.id();
    dead.wait().expect("ended");
    view.writer.store(pid, Ordering::Relaxed);
    view.sequence.fetch_add(1, Ordering::Relaxed);
    view.slots[0].flag.store(0, Ordering::Relaxed);
    board.wait_for_output("any", "0");
    board.wait_for_log("module sdhmgt: a producer died while it held the lock; lock released");
    assert_eq!((view.writer.load(Ordering::Relaxed), view.sequence.load(Ordering::Relaxed) & 1), (0, 0));
}

#[test]
fn a_stopped_producer_that_holds_the_lock_blocks_neither_daemon_nor_slot_0() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut old = board.old_producer(&["key", "0x414C001F"]);
    let segment = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let view = segment.view::<ModuleSegment>().expect("whole");
    // A living process holds the lock and does not release it.
    view.magic.store(alarmd_core::wire::MODULE_MAGIC, Ordering::Relaxed);
    view.writer.store(old.process.id(), Ordering::Relaxed);
    view.sequence.store(1, Ordering::Relaxed);
    wait_until("the state shows it", || board.segment("sdhmgt", "fixed").expect("in the status")["state"] == "busy");
    old.raise();
    board.wait_for_output("any", "1");
    let ran = board.ctl(&["raise", "sdhmgt"]);
    let words = format!("process {} holds the segment's lock and does not release it", old.process.id());
    assert!(ran.code == 1 && ran.err.contains(&words), "{ran:?}");
    // When it has died, producers can write again.
    old.process.kill();
    wait_until("repaired", || board.segment("sdhmgt", "fixed").expect("in the status")["state"] != "busy");
    board.done(&["raise", "sdhmgt"]);
}
