//! Restarts: what happened while no daemon ran is reported once, and nothing is reported twice.
use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use alarmd_core::alarm::ModuleId;
use alarmd_core::limits::EVENT_PLACES;
use alarmd_core::producer::Producer;
use alarmd_core::sysv::{Access, Key, Segment};
use alarmd_core::wire::StatusSegment;

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, KEY, LAMP, SDHMGT, alarm, open_producer, status_words, wait_until};

fn producer() -> Producer {
    open_producer(SDHMGT)
}

fn with_status<T>(act: impl FnOnce(&StatusSegment) -> T) -> T {
    let segment = Segment::attach(Key::STATUS, Access::ReadWrite).expect("attached");
    act(segment.view().expect("whole"))
}

#[test]
fn changes_while_no_daemon_ran_are_reported_exactly_once() {
    let Some(mut board) = Board::new(LAMP) else { return };
    let mut producer = producer();
    for kind in [1, 2] {
        producer.raise(alarm(kind), 1).expect("raised");
    }
    producer.raise(alarm(4), 1).expect("raised");
    producer.clear(alarm(4)).expect("cleared");
    wait_until("all of it is in the history", || board.events().len() == 4);
    let before = board.events();
    board.kill();
    board.start();
    assert_eq!((board.output("any").as_str(), board.events()), ("1", before.clone()));
    board.wait_for_log("state restored from the previous daemon: 1 segments");
    board.kill();
    producer.clear(alarm(1)).expect("cleared");
    producer.raise(alarm(3), 1).expect("raised");
    producer.raise(alarm(4), 1).expect("raised again, in its old slot");
    producer.clear(alarm(4)).expect("cleared");
    board.start();
    let mut news = board.events().split_off(before.len());
    news.sort();
    assert_eq!(
        news,
        [
            "cleared sdhmgt slot 1 type 1",
            "cleared sdhmgt slot 3 type 4",
            "raised sdhmgt slot 3 type 4",
            // Its slot is that of alarm 1, or a new one.
            &format!("raised sdhmgt {} type 3", board.status()["alarms"][1]["origin"].as_str().expect("text")),
        ]
    );
    assert_eq!(board.output("any"), "1");
    let history: serde_json::Value = serde_json::from_str(&board.done(&["history", "--json"])).expect("JSON");
    assert_eq!(history.as_array().map(Vec::len), Some(board.events().len()));
    // Nothing is lost at an orderly stop either.
    let all = board.events();
    board.stop();
    board.start();
    assert_eq!(board.events(), all);
}

#[test]
fn a_daemon_killed_while_it_publishes_loses_and_repeats_no_event() {
    let Some(mut board) = Board::new(LAMP) else { return };
    let mut producer = producer();
    producer.raise(alarm(1), 1).expect("raised");
    wait_until("it is in the history", || board.events().len() == 1);
    board.kill();
    producer.clear(alarm(1)).expect("cleared");
    // The furthest state in which it can be killed: the event is in the ring, the draft is half written, the sequence is odd.
    with_status(|StatusSegment { status, saved }| {
        status.sequence.fetch_or(1, Ordering::Relaxed);
        let count = status.event_count.load(Ordering::Relaxed);
        status.events[count as usize % EVENT_PLACES].what.store(2, Ordering::Relaxed);
        status.event_count.store(count + 1, Ordering::Relaxed);
        let draft = saved.inactive_copy();
        draft.event_count.store(count + 1, Ordering::Relaxed);
        draft.segments[0].seen.slots[0].flag.store(0, Ordering::Relaxed);
    });
    assert_eq!(board.ctl(&["status"]).code, 3);
    board.start();
    assert_eq!(board.events(), ["raised sdhmgt slot 1 type 1", "cleared sdhmgt slot 1 type 1"]);
    assert_eq!(board.output("any"), "0");
}

#[test]
fn a_status_block_that_is_damaged_or_of_another_version_is_rebuilt() {
    let Some(mut board) = Board::new(LAMP) else { return };
    producer().raise(alarm(1), 1).expect("raised");
    board.wait_for_output("any", "1");
    let damages: [fn(&StatusSegment); 3] = [
        |whole| whole.status.version.store(1, Ordering::Relaxed),
        |whole| whole.saved.copies.iter().for_each(|copy| copy.own.store(77, Ordering::Relaxed)),
        |whole| whole.saved.copies.iter().for_each(|copy| copy.segment_count.store(u32::MAX, Ordering::Relaxed)),
    ];
    for (turn, damage) in damages.into_iter().enumerate() {
        board.kill();
        with_status(damage);
        board.start();
        let rebuilt = ["status block: version not supported; rebuilt", "is corrupt; removed and rebuilt"];
        let count: usize = rebuilt.iter().map(|words| board.log().matches(words).count()).sum();
        assert_eq!(count, turn + 1, "{}", board.log());
        assert_eq!((board.output("any").as_str(), board.events().len()), ("1", 1));
    }
    // A smaller one, created by an older version.
    board.kill();
    Segment::find(Key::STATUS).and_then(|id| id.remove()).expect("removed");
    Segment::create(Key::STATUS, 148_992, 0o644).expect("made");
    board.start();
    board.wait_for_log("has version 0, not 4; replaced");
    assert_eq!(board.events().len(), 1);
}

#[test]
fn a_short_alarm_in_a_reused_slot_while_no_daemon_ran_is_reported() {
    let Some(mut board) = Board::new(LAMP) else { return };
    let mut producer = producer();
    // Every slot has been used, so that the next alarm takes the first that is free.
    for kind in 1..=32 {
        producer.raise(alarm(kind), 1).expect("raised");
    }
    for kind in 2..=32 {
        producer.clear(alarm(kind)).expect("cleared");
    }
    wait_until("it is in the history", || board.events().len() == 63);
    board.kill();
    producer.clear(alarm(1)).expect("cleared");
    producer.raise(alarm(99), 1).expect("raised");
    producer.clear(alarm(99)).expect("cleared");
    board.start();
    let news = board.events().split_off(63);
    assert_eq!(news, ["cleared sdhmgt slot 1 type 1", "raised sdhmgt slot 1 type 99", "cleared sdhmgt slot 1 type 99"]);
}

#[test]
fn more_alarms_than_one_round_reports_end_while_no_daemon_runs() {
    let modules: Vec<u32> = (101..=112).collect();
    let section = |id: &u32| format!("[module m{id}]\nid = {id}\n");
    let config = format!("{}[lamp any]\npath = {{dir}}/any\n", modules.iter().map(section).collect::<String>());
    let Some(mut board) = Board::new(&config) else { return };
    // First the modules stay configured, then they do not.
    for (turn, next) in [config.clone(), LAMP.to_owned()].into_iter().enumerate() {
        for id in &modules {
            let id = ModuleId::new(*id).expect("an id");
            let mut producer = open_producer(id);
            for kind in 0..32 {
                producer.raise(alarm(kind), 1).expect("raised");
            }
        }
        board.wait_for_alarms(384);
        let before = status_words().event_count;
        board.kill();
        for id in &modules {
            let key = Key::of_module(ModuleId::new(*id).expect("an id"));
            Segment::find(key).and_then(|id| id.remove()).expect("removed");
        }
        board.configure(&next);
        board.start();
        board.wait_for_output("any", "0");
        wait_until("all have ended", || status_words().event_count.wrapping_sub(before) == 384);
        assert_eq!(board.log().matches(": alarm cleared: ").count(), 384 * (turn + 1));
    }
}

#[test]
fn a_worker_killed_during_a_reload_reports_every_failure_once() {
    let config = format!("{LAMP}[lamp bad]\npath = {{dir}}/later/bad\n");
    let Some(mut board) = Board::bare(&config) else { return };
    let Some(gpio) = Gpio::mount(&board, &[17]) else { return };
    gpio.hardware().lines.get_mut(&17).expect("there").locked = true;
    board.start();
    board.wait_for_log("module alarmd: alarm raised: output 2 failed");
    // It waits for the new lamp's files, when it has withdrawn the failure of the other lamp.
    board.configure(&format!("{config}[lamp late]\ngpio = 17\n"));
    board.daemon().signal(libc::SIGHUP);
    wait_until("it sets up", || gpio.line(17).exported);
    board.signal_worker(libc::SIGKILL);
    board.wait_for_restarts(1);
    wait_until("both have failed", || {
        board.status()["outputs"]
            .as_array()
            .is_some_and(|all| all.iter().filter(|o| !o["failure"].is_null()).count() == 2)
    });
    let mut up = std::collections::BTreeSet::new();
    for event in board.status()["events"].as_array().expect("events").iter().filter(|e| e["origin"] == "output failed")
    {
        let output = event["index"].as_u64();
        let fits = if event["what"] == "raised" { up.insert(output) } else { up.remove(&output) };
        assert!(fits, "lost or doubled: {event}");
    }
    assert_eq!(up.into_iter().collect::<Vec<_>>(), [Some(2), Some(3)]);
}

#[test]
fn the_last_256_events_are_kept() {
    let Some(mut board) = Board::new(LAMP) else { return };
    let mut producer = producer();
    for kind in 1..=300 {
        producer.raise(alarm(kind), 1).expect("raised");
        producer.clear(alarm(kind)).expect("cleared");
        wait_until("it is in the history", || status_words().event_count == 2 * kind);
    }
    let kept = |board: &Board| {
        board.events().iter().map(|event| event.rsplit(' ').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    let expected: Vec<String> = (173..=300).flat_map(|kind: u32| [kind.to_string(), kind.to_string()]).collect();
    assert_eq!(kept(&board), expected);
    board.kill();
    board.start();
    assert_eq!(kept(&board), expected);
}

#[test]
fn a_segment_removed_while_no_daemon_ran_ends_its_alarms_as_on_lost_says() {
    for (on_lost, lit, last) in [
        ("clear", "0", "cleared sdhmgt slot 1 type 1"),
        ("hold", "1", "raised sdhmgt slot 1 type 1"),
        ("raise", "1", "raised sdhmgt lost type 0"),
    ] {
        let Some(mut board) = Board::new(&LAMP.replace("id = 31", &format!("id = 31\non_lost = {on_lost}"))) else {
            return;
        };
        producer().raise(alarm(1), 1).expect("raised");
        board.wait_for_output("any", "1");
        wait_until("it is in the history", || board.events().len() == 1);
        board.kill();
        Segment::find(KEY).and_then(|id| id.remove()).expect("removed");
        board.start();
        assert_eq!(
            (board.output("any").as_str(), board.events().last().map(String::as_str)),
            (lit, Some(last)),
            "{on_lost}"
        );
        // The same after one more restart.
        board.kill();
        board.start();
        assert_eq!(
            (board.output("any").as_str(), board.events().last().map(String::as_str)),
            (lit, Some(last)),
            "{on_lost}"
        );
    }
}

#[test]
fn lasting_alarms_are_not_reported_again_after_a_restart_and_end_once() {
    let config = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n[module fan]\nid = 33\n\
        [lamp any]\npath = {dir}/any\n[lamp bad]\npath = {dir}/later/bad\n";
    let Some(mut board) = Board::bare(config) else { return };
    let small = Segment::create(Key::of_module(ModuleId::new(32).expect("an id")), 16, 0o600).expect("made");
    board.start();
    let mut quiet = open_producer(ModuleId::new(33).expect("an id"));
    quiet.promise(100).expect("promised");
    let old = board.old_producer(&["key", "0x414C001F"]);
    // One of the checks may be what notices the silence.
    board.wait_for_checks(4);
    old.process.kill();
    board.wait_for_log("module fan: alarm raised: silent");
    board.wait_for_log("module sdhmgt: alarm raised: no producer");
    wait_until("all of them are in the history", || board.events().len() == 4);
    let before = board.events();
    board.kill();
    board.start();
    // Half a beat later the silent producer would have been reported again.
    board.wait_for_checks(2);
    assert_eq!(board.events(), before);
    board.kill();
    small.id().remove().expect("removed");
    fs::create_dir(board.path("later")).expect("made");
    quiet.promise(0).expect("taken back");
    board.start();
    let _old = board.old_producer(&["key", "0x414C001F"]);
    wait_until("all have ended", || board.events().len() == 8);
    let mut ends: Vec<_> = board.events().split_off(4).iter().map(|event| event.replace("cleared", "raised")).collect();
    let mut begins = before;
    ends.sort();
    begins.sort();
    assert_eq!(ends, begins);
}

#[test]
fn a_module_that_is_no_longer_configured_has_no_alarms_after_a_restart() {
    let Some(mut board) = Board::new(LAMP) else { return };
    producer().raise(alarm(1), 1).expect("raised");
    wait_until("it is in the history", || board.events().len() == 1);
    board.kill();
    board.configure(&LAMP.replace("sdhmgt]\nid = 31", "other]\nid = 40"));
    board.start();
    assert_eq!(board.output("any"), "0");
    board.wait_for_log("module 31: alarm cleared: type 0x1");
}

#[test]
fn the_next_daemon_watches_a_former_segment_too() {
    let config = LAMP.replace("id = 31", "id = 31\nftok = {dir}/path");
    let Some(mut board) = Board::bare(&config) else { return };
    fs::write(board.path("path"), "").expect("made");
    board.start();
    let path = board.path("path");
    let mut producer = board.old_producer(&["ftok", path.to_str().expect("UTF-8"), "31"]);
    producer.raise();
    board.wait_for_output("any", "1");
    // The first inode stays in use, so that the path gets another one.
    fs::rename(&path, board.path("kept")).expect("renamed");
    fs::write(&path, "").expect("recreated");
    wait_until("the former segment is watched", || board.segment("sdhmgt", "former").is_some());
    board.kill();
    board.start();
    assert_eq!(board.output("any"), "1");
    assert!(board.segment("sdhmgt", "former").is_some());
    producer.clear();
    board.wait_for_output("any", "0");
}

#[test]
fn a_configuration_refused_at_a_reload_is_an_alarm_until_a_valid_one_is_read() {
    let Some(mut board) = Board::new(LAMP) else { return };
    board.configure("[daemon\n");
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("module alarmd: alarm raised: configuration refused (minor); lamp any");
    board.wait_for_output("any", "1");
    // It is published: a daemon that is killed before that has raised nothing.
    board.wait_for_alarms(1);
    // A new start with a valid one clears it.
    board.configure(LAMP);
    board.kill();
    board.start();
    wait_until("ended", || board.output("any") == "0");
    assert_eq!(
        board.events(),
        ["raised alarmd configuration refused type 3", "cleared alarmd configuration refused type 3"]
    );
}

#[test]
fn limit_reached_is_an_alarm_until_the_limit_of_the_kernel_is_increased() {
    let Some(mut board) = Board::bare(LAMP) else { return };
    let limit = |count: &str| fs::write("/proc/sys/kernel/shmmni", count);
    // There is room for the status block, but neither for the doorbell nor for the module.
    if limit("1").is_err() {
        return crate::support::skip("SHMMNI cannot be set here");
    }
    board.start();
    board.wait_for_log("module alarmd: alarm raised: limit reached: no segment for the doorbell (major); lamp any");
    board.wait_for_log("module alarmd: alarm raised: limit reached: no segment for a module (major); lamp any");
    assert_eq!(board.output("any"), "1");
    limit("4096").expect("set");
    board.wait_for_output("any", "0");
    wait_until("both have ended", || board.events().len() == 4);
}

#[test]
fn a_status_block_removed_with_ipcrm_is_recreated_with_its_events() {
    let Some(board) = Board::new(LAMP) else { return };
    producer().raise(alarm(1), 1).expect("raised");
    wait_until("it is in the history", || board.events().len() == 1);
    let before = Segment::find(Key::STATUS).expect("there");
    assert!(Command::new("ipcrm").args(["-M", &Key::STATUS.to_string()]).status().expect("ipcrm").success());
    wait_until("made again", || Segment::find(Key::STATUS).is_ok_and(|id| id != before));
    wait_until("with all that was in it", || board.ctl(&["status", "--json"]).code == 0 && board.events().len() == 1);
    let mut board = board;
    board.kill();
    board.start();
    assert_eq!(board.events().len(), 1);
}
