//! The life of a segment: each event that it must survive, with real processes.
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use alarmd_core::alarm::AlarmId;
use alarmd_core::producer::{Options, Producer};
use alarmd_core::sysv::{Access, Key, Segment};
use alarmd_core::wire::Doorbell;
use serde_json::Value;

use crate::support::{Board, KEY, LAMP, Process, SDHMGT, open_producer, skip, wait_until};

fn with_on_lost(on_lost: &str) -> String {
    format!("[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\non_lost = {on_lost}\n[lamp any]\npath = {{dir}}/any\n")
}

fn ipcrm(key: Key) {
    let status = Command::new("ipcrm").args(["-M", &key.to_string()]).status().expect("ipcrm");
    assert!(status.success());
}

fn fixed_state(board: &Board) -> Value {
    board.segment("sdhmgt", "fixed").expect("a fixed segment")["state"].clone()
}

/// The daemon's own alarms that are active: their origin.
fn own_alarms(board: &Board) -> Vec<String> {
    let status = board.status();
    let alarms = status["alarms"].as_array().expect("alarms");
    let own = alarms.iter().filter(|alarm| alarm["module"] == "alarmd");
    own.map(|alarm| alarm["origin"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_removed_segment_is_recreated_and_attached_and_its_alarms_end() {
    let Some(board) = Board::new(&with_on_lost("clear")) else { return };
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
    let before = Segment::find(KEY).expect("there");
    ipcrm(KEY);
    board.wait_for_output("any", "0");
    board.wait_for_log("module sdhmgt: segment removed by another process; segment");
    board.wait_for_alarms(0);
    assert_ne!(Segment::find(KEY).expect("made again"), before);
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
}

#[test]
fn on_lost_hold_keeps_the_alarms_until_a_producer_writes_again() {
    let Some(board) = Board::new(&with_on_lost("hold")) else { return };
    board.done(&["raise", "sdhmgt", "--type", "1"]);
    board.wait_for_output("any", "1");
    ipcrm(KEY);
    board.wait_for_log("segment removed by another process; segment");
    let status = board.status();
    assert_eq!((board.output("any").as_str(), &status["alarms"][0]["type"]), ("1", &Value::from(1)));
    // The new segment holds no alarm: from now on what its producer writes counts.
    board.done(&["raise", "sdhmgt", "--type", "2"]);
    board.done(&["clear", "sdhmgt", "--type", "2"]);
    board.wait_for_output("any", "0");
}

#[test]
fn on_lost_raise_raises_lost_until_a_producer_attaches() {
    let Some(board) = Board::new(&with_on_lost("raise")) else { return };
    ipcrm(KEY);
    board.wait_for_log("module sdhmgt: alarm raised: lost (major); lamp any");
    board.wait_for_output("any", "1");
    let _producer = board.old_producer(&["key", "0x414C001F"]);
    board.wait_for_output("any", "0");
    board.wait_for_log("module sdhmgt: alarm cleared: lost (major)");
}

#[test]
fn a_key_that_leads_to_another_segment_is_followed() {
    let Some(board) = Board::new(LAMP) else { return };
    // Another process removes and recreates it between two health checks, and does not ring.
    board.freeze();
    ipcrm(KEY);
    let segment = Segment::create(KEY, 2048, 0o600).expect("made");
    board.thaw();
    board.wait_for_log(&format!("segment replaced by another process; segment {} attached", segment.id().raw()));
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    producer.raise();
    board.wait_for_output("any", "1");
}

#[test]
fn a_producer_in_a_removed_segment_finds_the_new_one_by_itself() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = open_producer(SDHMGT);
    producer.raise(AlarmId::default(), 1).expect("raised");
    board.wait_for_output("any", "1");
    for _ in 0..3 {
        ipcrm(KEY);
        // At any moment of the daemon's check: the alarm must arrive, whichever process creates the new segment.
        producer.raise(AlarmId::default(), 1).expect("raised");
        wait_until("the daemon has followed to the new segment, which holds it", || {
            let segment = board.segment("sdhmgt", "fixed").expect("a fixed segment");
            let is_new = Segment::find(KEY).is_ok_and(|id| segment["id"] == id.raw());
            is_new && segment["state"] == "ok" && board.status()["alarms"][0]["origin"] == "slot 1"
        });
        board.wait_for_output("any", "1");
    }
}

#[test]
fn a_removed_doorbell_and_status_block_are_recreated() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 60000\n[lamp any]\npath = {dir}/any\n") else { return };
    let mut producer = open_producer(SDHMGT);
    producer.raise(AlarmId::default(), 1).expect("raised");
    board.wait_for_output("any", "1");
    let before = [Key::DOORBELL, Key::STATUS].map(|key| Segment::find(key).expect("there"));
    ipcrm(Key::DOORBELL);
    ipcrm(Key::STATUS);
    wait_until("both are made again", || {
        let now = [Key::DOORBELL, Key::STATUS].map(|key| Segment::find(key).ok());
        now.iter().zip(before).all(|(now, before)| now.is_some_and(|now| now != before))
    });
    board.wait_for_log("status block: removed by another process; segment");
    // The same producer rings the new doorbell, and the earlier events are still there.
    producer.clear(AlarmId::default()).expect("cleared");
    board.wait_for_output("any", "0");
    wait_until("the new status block is published", || board.ctl(&["status"]).code == 0);
    wait_until("both events are in the history", || {
        let events = board.status()["events"].as_array().expect("events").clone();
        events.iter().filter_map(|event| event["what"].as_str()).eq(["raised", "cleared"])
    });
}

#[test]
fn a_segment_that_is_too_small_is_refused_until_it_is_replaced() {
    let Some(mut board) = Board::bare(LAMP) else { return };
    let small = Segment::create(KEY, 100, 0o666).expect("made");
    board.start();
    board.wait_for_log("module sdhmgt: segment refused (key 0x414c001f): it has 100 bytes, and 1024 are needed");
    assert_eq!(fixed_state(&board), "refused");
    assert_eq!(own_alarms(&board), ["segment refused"]);
    board.wait_for_output("any", "1");
    let ran = board.ctl(&["raise", "sdhmgt"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("module sdhmgt: key 0x414c001f") && ran.err.contains("has 100 bytes, and 1024 are needed"),
        "{}",
        ran.err
    );
    small.id().remove().expect("removed");
    board.wait_for_output("any", "0");
    board.wait_for_log("module sdhmgt: segment accepted");
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
}

#[test]
fn a_segment_of_an_untrusted_user_is_refused() {
    let config = "[daemon]\npoll_ms = 20\ntrust = root\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";
    let Some(mut board) = Board::bare(config) else { return };
    let mut producer = board.for_all_users(&crate::support::c::program("old_producer"), "old_producer").command();
    producer.args(["key", "0x414C001F"]).uid(65534).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut producer = match producer.spawn() {
        Ok(child) => Process(child),
        Err(error) => return skip(&format!("no second user here: {error}")),
    };
    wait_until("the untrusted user's segment is there", || Segment::find(KEY).is_ok());
    board.start();
    board.wait_for_log("user 65534 owns or created it and is not trusted");
    assert_eq!(fixed_state(&board), "refused");
    assert_eq!(own_alarms(&board), ["segment refused"]);
    producer.0.kill().expect("killed");
    ipcrm(KEY);
    wait_until("made by the daemon", || fixed_state(&board) == "no producer");
    assert_eq!(own_alarms(&board), [""; 0]);
}

#[test]
fn a_dead_producer_leaves_its_alarm_and_raises_no_producer() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    producer.raise();
    wait_until("its producer is seen", || fixed_state(&board) == "ok");
    board.wait_for_checks(2);
    producer.process.kill();
    wait_until("its death is seen", || fixed_state(&board) == "no producer");
    board.wait_for_log("module sdhmgt: alarm raised: no producer (major); lamp any");
    assert_eq!(board.output("any"), "1");
    assert_eq!(board.status()["alarms"].as_array().map(Vec::len), Some(2));
    // No producer can clear it any more; an operator can.
    board.done(&["clear", "sdhmgt", "--all"]);
    board.wait_for_output("any", "0");
    wait_until("it is in the history", || {
        board.events().last().map(String::as_str) == Some("cleared sdhmgt slot 0 type 20")
    });
}

#[test]
fn no_producer_is_raised_without_an_alarm_until_an_old_producer_attaches() {
    let Some(board) = Board::new(LAMP) else { return };
    let producer = board.old_producer(&["key", "0x414C001F"]);
    board.wait_for_checks(2);
    producer.process.kill();
    board.wait_for_output("any", "1");
    let _next = board.old_producer(&["key", "0x414C001F"]);
    board.wait_for_output("any", "0");
    // A producer that leaves as the original did is not missed, and neither is one that is attached for a moment.
    _next.leave();
    board.done(&["raise", "sdhmgt"]);
    board.done(&["clear", "sdhmgt"]);
    board.wait_for_checks(3);
    assert_eq!(board.log().matches("module sdhmgt: alarm raised: no producer").count(), 1, "{}", board.log());
}

#[test]
fn a_producer_that_stops_beating_is_silent_until_it_beats_again() {
    let config = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\nbeat = minor\n[lamp any]\npath = {dir}/any\n";
    let Some(board) = Board::new(config) else { return };
    let mut producer = open_producer(SDHMGT);
    producer.promise(600).expect("promised");
    board.wait_for_output("any", "1");
    board.wait_for_log("module sdhmgt: alarm raised: silent (minor); lamp any");
    wait_until("the state shows it", || fixed_state(&board) == "silent");
    wait_until("a beat is heard", || {
        producer.beat().expect("beaten");
        board.output("any") == "0"
    });
    // A producer that takes its promise back before it leaves is not missed. It may have been silent once more before that.
    producer.promise(0).expect("taken back");
    board.wait_for_checks(1);
    wait_until("it is not silent", || fixed_state(&board) != "silent");
    let silences = board.events().iter().filter(|event| event.contains("silent")).count();
    board.wait_for_checks(2);
    assert_eq!(board.events().iter().filter(|event| event.contains("silent")).count(), silences);
}

#[test]
fn random_bytes_cause_only_wrong_alarms_of_their_module() {
    let config = "[daemon]\npoll_ms = 5\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n\
                  [relay good]\nfail_safe = no\npath = {dir}/good\nmodules = alarm\n";
    let Some(board) = Board::new(config) else { return };
    let module = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let doorbell = Segment::attach(Key::DOORBELL, Access::ReadWrite).expect("attached");
    let rounds = || board.status()["daemon"]["rounds"].as_u64().expect("a number");
    let first = rounds();
    let started = alarmd_core::clock::now();
    let mut random = crate::support::Random::new();
    for turn in 0..60_000u32 {
        let words: &[std::sync::atomic::AtomicU32] = match turn % 4 {
            0 => alarmd_core::sysv::words(doorbell.view::<Doorbell>().expect("attached")),
            _ => alarmd_core::sysv::words(module.view::<alarmd_core::wire::ModuleSegment>().expect("attached")),
        };
        let word = random.below(words.len() as u32) as usize;
        // Small numbers too: a flag, a process that lives, a beat of 1 ms.
        let value = if random.below(2) == 0 { random.next() } else { random.below(4) };
        words[word].store(value, std::sync::atomic::Ordering::Relaxed);
        alarmd_core::futex::wake(&doorbell.view::<Doorbell>().expect("attached").bell).expect("woken");
        if turn % 20_000 == 0 {
            board.done(&["raise", "alarm"]);
            board.wait_for_output("good", "1");
            board.done(&["clear", "alarm", "--all"]);
            board.wait_for_output("good", "0");
        }
    }
    let made = rounds() - first;
    let seconds = alarmd_core::clock::now().since(started) / alarmd_core::clock::S + 2;
    assert!(made <= 1000 * seconds, "{made} rounds in {seconds} s");
    wait_until("the daemon is healthy and the doorbell repaired", || {
        doorbell.view::<Doorbell>().expect("attached").is_ours() && board.status()["daemon"]["healthy"] == true
    });
    // Producers that keep to the format can use the module again.
    wait_until("wiped", || Producer::open(SDHMGT, KEY, Options::default()).is_ok_and(|mut p| p.wipe().is_ok()));
    board.done(&["raise", "sdhmgt", "--type", "5"]);
    wait_until("shown", || {
        let alarms = board.status()["alarms"].as_array().expect("alarms").clone();
        alarms.len() == 1 && alarms[0]["type"] == 5
    });
}

#[test]
fn a_flood_on_the_doorbell_causes_at_most_1000_rounds_a_second() {
    let Some(board) = Board::new(LAMP) else { return };
    let doorbell = Segment::attach(Key::DOORBELL, Access::ReadWrite).expect("attached");
    let doorbell = doorbell.view::<Doorbell>().expect("attached");
    let rounds = || board.status()["daemon"]["rounds"].as_u64().expect("a number");
    let (first, started) = (rounds(), alarmd_core::clock::now());
    while alarmd_core::clock::now().since(started) < 3 * alarmd_core::clock::S {
        doorbell.ring();
    }
    // `rounds` is published at each health check, the last of which was little more than a second ago.
    let (made, nanos) = (rounds() - first, alarmd_core::clock::now().since(started));
    assert!(made > 500, "the flood was not heard: {made} rounds");
    assert!(made <= 1000 * (nanos / alarmd_core::clock::S + 2), "{made} rounds in {nanos} ns");
}

#[test]
fn a_stall_of_the_daemon_makes_no_producer_silent() {
    let Some(board) = Board::new(LAMP) else { return };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut producer = open_producer(SDHMGT);
    // Far more than the pause between two beats, and less than the daemon stands still.
    producer.promise(400).expect("promised");
    std::thread::scope(|scope| {
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                producer.beat().expect("beaten");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
        for _ in 0..3 {
            board.freeze();
            std::thread::sleep(std::time::Duration::from_millis(800));
            board.thaw();
            let rounds = board.status()["daemon"]["rounds"].as_u64();
            wait_until("it makes rounds", || board.status()["daemon"]["rounds"].as_u64() > rounds);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(!board.log().contains("silent"), "{}", board.log());
}

#[test]
fn a_wipe_keeps_a_promised_beat_and_an_operator_ends_that_of_a_dead_producer() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = board.new_producer(31);
    assert_eq!(producer.ask("promise 50"), "0 \n");
    let mut old = board.old_producer(&["key", "0x414C001F"]);
    old.ask("9");
    assert_eq!(producer.ask("beat"), "0 \n");
    producer.process.kill();
    wait_until("it is silent", || fixed_state(&board) == "silent");
    board.wait_for_log("module sdhmgt: alarm raised: silent (major)");
    board.done(&["clear", "sdhmgt", "--all"]);
    board.wait_for_output("any", "0");
    board.wait_for_log("module sdhmgt: alarm cleared: silent (major)");
}

#[test]
fn a_writer_that_died_before_its_first_store_blocks_no_producer() {
    let Some(board) = Board::new(LAMP) else { return };
    board.done(&["raise", "sdhmgt"]);
    let segment = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let view = segment.view::<alarmd_core::wire::ModuleSegment>().expect("whole");
    // Another process, which lives but has never attached the segment, has its id by now.
    view.writer.store(1, std::sync::atomic::Ordering::Relaxed);
    drop(segment);
    board.wait_for_log("module sdhmgt: a producer died while it held the lock; lock released");
    board.done(&["raise", "sdhmgt", "--type", "1"]);
}

#[test]
fn the_daemon_trusts_its_own_segments_whatever_trust_says() {
    let config = "[daemon]\npoll_ms = 20\ntrust = 65534\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";
    let Some(board) = Board::new(config) else { return };
    assert_eq!(own_alarms(&board), [""; 0]);
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
}

#[test]
fn a_segment_of_unknown_format_under_our_key_is_read_and_never_written() {
    let Some(mut board) = Board::bare(LAMP) else { return };
    let segment = Segment::create(KEY, 4096, 0o666).expect("made");
    let words = alarmd_core::sysv::words::<std::sync::atomic::AtomicU32, _>(
        segment.view::<alarmd_core::wire::ModuleSegment>().expect("whole"),
    );
    for (number, word) in words.iter().enumerate().skip(5) {
        word.store(number as u32 * 2 + 1, std::sync::atomic::Ordering::Relaxed);
    }
    board.start();
    let rounds = board.status()["daemon"]["rounds"].as_u64();
    wait_until("a health check later", || board.status()["daemon"]["rounds"].as_u64() > rounds);
    for (number, word) in words.iter().enumerate().skip(5) {
        assert_eq!(word.load(std::sync::atomic::Ordering::Relaxed), number as u32 * 2 + 1, "word {number}");
    }
    assert_eq!(board.output("any"), "0");
}
