//! The main job: from shared memory to lamp.
use alarmd_core::clock;
use alarmd_core::codes::OutputKind;
use alarmd_core::poll::{Poll, Settings};
use alarmd_core::process::ProcessIdentity;

use crate::support::{Board, LAMP, SDHMGT, open_producer, settings, wait_until};
use alarmd::lines::BoardLines;

/// No poll is due during a test: the daemon sees only what the doorbell announces.
const ONLY_THE_BELL: &str = "[daemon]\npoll_ms = 60000\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n\
    [lamp any]\npath = {dir}/any\n[lamp major]\npath = {dir}/major\nseverity = major\n\
    [lamp alarm]\npath = {dir}/alarm\nmodules = alarm\n[relay office]\npath = {dir}/relay\n";

#[test]
fn an_old_c_producer_raises_and_clears() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    board.wait_for_output("any", "0");
    producer.raise();
    board.wait_for_output("any", "1");
    producer.clear();
    board.wait_for_output("any", "0");
}

#[test]
fn an_old_producer_leaves_and_the_next_one_is_seen() {
    let Some(board) = Board::new(LAMP) else { return };
    for _ in 0..2 {
        let mut producer = board.old_producer(&["key", "0x414C001F"]);
        producer.raise();
        board.wait_for_output("any", "1");
        // It removes the segment. The old server read the removed one for ever after that.
        producer.leave();
        board.wait_for_output("any", "0");
    }
}

#[test]
fn alarmctl_raises_and_clears_after_one_wake_without_a_poll() {
    let Some(board) = Board::new(ONLY_THE_BELL) else { return };
    let before = board.output("relay");
    assert_eq!(before, "1", "energised while healthy");
    board.done(&["raise", "sdhmgt", "--type", "1", "--code", "2", "--index", "3", "--level", "critical"]);
    board.wait_for_output("any", "1");
    board.wait_for_output("relay", "0");
    board.done(&["clear", "sdhmgt", "--type", "1", "--code", "2", "--index", "3"]);
    board.wait_for_output("any", "0");
    board.wait_for_output("relay", "1");
}

#[test]
fn severity_and_module_filters_decide_which_output_follows() {
    let Some(board) = Board::new(ONLY_THE_BELL) else { return };
    let outputs = || ["any", "major", "alarm"].map(|name| board.output(name)).concat();
    let cases = [
        ("sdhmgt", "minor", "100"),
        ("sdhmgt", "major", "110"),
        ("sdhmgt", "0x77", "110"), // indeterminate passes every filter
        ("alarm", "warning", "101"),
        ("alarm", "critical", "111"),
    ];
    for (module, level, shown) in cases {
        board.done(&["raise", module, "--level", level]);
        wait_until(&format!("{module} {level} shows {shown}"), || outputs() == shown);
        board.done(&["clear", module, "--all"]);
        wait_until("all off", || outputs() == "000");
    }
}

#[test]
fn raising_again_changes_level_and_count_in_place() {
    let Some(board) = Board::new(ONLY_THE_BELL) else { return };
    for level in ["minor", "major", "critical"] {
        board.done(&["raise", "sdhmgt", "--type", "7", "--level", level]);
    }
    board.wait_for_output("major", "1");
    wait_until("counted", || board.status()["alarms"][0]["count"] == 3);
    let status = board.status();
    assert_eq!(status["alarms"].as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(status["alarms"][0]["severity"], "critical");
}

#[test]
fn alarms_of_an_old_producer_and_alarmctl_in_one_module_are_both_shown() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    producer.raise();
    board.done(&["raise", "sdhmgt", "--type", "9"]);
    let shown = || board.status()["alarms"].as_array().map(Vec::len);
    wait_until("both are shown", || shown() == Some(2));
    producer.clear();
    wait_until("one is shown", || shown() == Some(1));
    assert_eq!(board.output("any"), "1");
    board.done(&["clear", "sdhmgt", "--type", "9"]);
    board.wait_for_output("any", "0");
}

#[test]
fn the_wipe_of_an_old_client_clears_every_alarm_and_nothing_else() {
    let Some(board) = Board::new(LAMP) else { return };
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    producer.raise();
    board.done(&["raise", "sdhmgt", "--type", "9"]);
    board.wait_for_alarms(2);
    producer.ask("7");
    board.wait_for_output("any", "0");
    board.done(&["raise", "sdhmgt", "--type", "9"]);
    board.wait_for_output("any", "1");
}

#[test]
fn each_transition_is_one_log_line_with_module_alarm_and_outputs() {
    let Some(board) = Board::new(ONLY_THE_BELL) else { return };
    board.done(&["raise", "alarm", "--type", "0x24", "--code", "0x21", "--level", "2", "--index", "0x22"]);
    board.wait_for_output("major", "1");
    let line = "module alarm: alarm raised: type 0x24 code 0x21 index 0x22 level 0x2 (major), slot 1; \
                lamp any, lamp major, lamp alarm, relay office\n";
    board.wait_for_log(line);
    board.done(&["clear", "alarm", "--all"]);
    board.wait_for_log(
        "module alarm: alarm cleared: type 0x24 code 0x21 index 0x22 level 0x2 (major), slot 1; lamp any",
    );
    assert_eq!(board.log().matches("raised:").count(), 1, "{}", board.log());
}

#[test]
fn thirty_two_modules_with_thirty_three_alarms_each_are_all_shown() {
    let modules = (1..=32).map(|id| format!("[module m{id}]\nid = {id}\n")).collect::<Vec<_>>().concat();
    let Some(board) = Board::new(&format!("{modules}[lamp any]\npath = {{dir}}/any\n")) else { return };
    for id in 1..=32u32 {
        let mut producer = open_producer(alarmd_core::alarm::ModuleId::new(id).expect("an id"));
        for index in 1..=32 {
            producer.raise(alarmd_core::alarm::AlarmId { alarm_type: id, code: 1, index }, 3).expect("raised");
        }
        let record = alarmd_core::alarm::Record { flag: 1, alarm_type: id, code: 2, level: 1, index: 0 };
        producer.store_record(record).expect("stored");
        let one_more = producer.raise(alarmd_core::alarm::AlarmId { alarm_type: id, code: 1, index: 33 }, 3);
        assert_eq!(one_more, Err(alarmd_core::producer::Error::Full));
    }
    wait_until("all are shown", || {
        let status = board.status();
        status["modules"].as_array().expect("modules").iter().all(|module| module["active"] == 33)
            && status["alarms"].as_array().map(Vec::len) == Some(32 * 33)
    });
    let table = board.done(&["status"]);
    assert!(table.contains("1056 alarms active") && table.lines().count() > 1056, "{table}");
    assert_eq!(board.ctl(&["raise", "m7", "--type", "99"]).code, 1);
}

#[test]
fn a_raise_reaches_its_line_after_one_wake_and_one_round() {
    let Some(board) = Board::bare("[module sdhmgt]\nid = 31\n") else { return };
    let settings = Settings {
        poll_ms: 60_000,
        longest_wait: 30 * clock::S,
        modules: [settings::module("sdhmgt", SDHMGT)].into_iter().collect(),
        outputs: [settings::output(OutputKind::Lamp, "any", &board.path("any"))].into_iter().collect(),
        ..Settings::default()
    };
    let mut hardware = BoardLines::default();
    hardware.allow_wait();
    let mut poll = Box::<Poll>::default();
    poll.start(ProcessIdentity::me(), &settings, &mut hardware).expect("started");
    // The loop runs in this thread, turn by turn. If a health check comes before alarmctl, on a busy machine, try again.
    let seen_by_the_bell = (0..20).any(|_| {
        let start = clock::now();
        poll.check_health(start, &mut hardware).expect("alone");
        assert_eq!(board.output("any"), "0");
        let mut raise =
            board.alarmctl(&["raise", "sdhmgt"]).stdout(std::process::Stdio::null()).spawn().expect("started");
        // No poll and no health check is due: it sleeps until alarmctl rings.
        let woken = poll.turn(start, &mut hardware).expect("alone");
        poll.round(woken, &mut hardware);
        let lit = board.output("any") == "1";
        assert!(raise.wait().expect("ended").success());
        board.done(&["clear", "sdhmgt"]);
        poll.round(clock::now(), &mut hardware);
        lit && woken.since(start) < clock::S
    });
    assert!(seen_by_the_bell);
}
