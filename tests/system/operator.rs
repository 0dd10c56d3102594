//! An operator's commands: acknowledge, silence, lamp test; and that their effect survives a restart.
use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::sysv::{Key, Segment};

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, SDHMGT, open_producer, wait_until};

/// A lamp of each sequence, a relay and a horn that keep their alarms.
const PANEL: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n\
    [lamp follows]\ngpio = 17\n[lamp a]\ngpio = 18\nsequence = A\n[lamp m]\ngpio = 19\nsequence = M\n\
    [relay office]\ngpio = 20\nsequence = A\n[horn buzzer]\ngpio = 21\nsequence = A\n";
const LINES: [u32; 5] = [17, 18, 19, 20, 21];

fn panel() -> Option<(Board, Gpio)> {
    let mut board = Board::bare(PANEL)?;
    let gpio = Gpio::mount(&board, &LINES)?;
    board.start();
    Some((board, gpio))
}

/// What each output shows, as its status says.
fn shows(board: &Board) -> Vec<String> {
    let status = board.status();
    let outputs = status["outputs"].as_array().expect("outputs").clone();
    outputs.iter().map(|output| output["shows"].as_str().expect("text").to_owned()).collect()
}

#[track_caller]
fn expect(board: &Board, expected: [&str; 5]) {
    wait_until(&format!("{expected:?}"), || shows(board) == expected);
}

/// The next edges of a line.
#[track_caller]
fn next_edges(gpio: &Gpio, line: u32, count: usize) -> Vec<bool> {
    let before = gpio.edges(line).len();
    wait_until("it flashes", || gpio.edges(line).len() >= before + count);
    gpio.edges(line)[before..before + count].to_vec()
}

#[test]
fn an_alarm_flashes_until_acknowledged_and_goes_off_by_its_sequence() {
    let Some((board, gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt", "--type", "7"]);
    expect(&board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    // A flash begins with the lamp on.
    wait_until("it flashes", || gpio.edges(18).len() >= 4);
    assert_eq!(gpio.edges(18)[..4], [true, false, true, false]);
    let edges = next_edges(&gpio, 19, 2);
    assert_ne!(edges[0], edges[1]);
    // Relay and horn do not flash, and the lamp that follows is steady.
    assert_eq!([17, 20, 21].map(|line| gpio.edges(line)), [vec![true], vec![true, false], vec![true]]);

    assert_eq!(board.done(&["ack"]), "acknowledged\n");
    expect(&board, ["alarm", "alarm", "alarm", "alarm", "nothing"]);
    assert_eq!(LINES.map(|line| gpio.line(line).high), [true, true, true, false, false]);
    let status = board.status();
    assert_eq!(status["alarms"][0]["acknowledged"], true);
    assert!(board.done(&["status"]).contains(" yes "), "a column says so");
    assert_eq!(board.events(), ["raised sdhmgt slot 1 type 7", "acknowledged sdhmgt slot 1 type 7"]);
    board.wait_for_log("module sdhmgt: alarm acknowledged: type 0x7");

    board.done(&["clear", "sdhmgt", "--type", "7"]);
    expect(&board, ["nothing", "nothing", "slow flash", "nothing", "nothing"]);
    assert_eq!(LINES.map(|line| gpio.line(line).high)[..2], [false, false]);
    let edges = next_edges(&gpio, 19, 2);
    assert_ne!(edges[0], edges[1]);
    board.done(&["ack"]);
    expect(&board, ["nothing"; 5]);
    wait_until("all is well", || LINES.map(|line| gpio.line(line).high) == [false, false, false, true, false]);
}

#[test]
fn a_horn_is_silenced_and_sounds_again_for_a_new_alarm() {
    let Some((board, gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt"]);
    wait_until("it sounds", || gpio.line(21).high);
    assert_eq!(board.done(&["silence"]), "silenced\n");
    expect(&board, ["alarm", "flash", "flash", "alarm", "nothing"]);
    board.done(&["raise", "alarm"]);
    wait_until("it sounds again", || gpio.edges(21) == [true, false, true]);
    board.done(&["ack"]);
    wait_until("it is silent", || gpio.edges(21) == [true, false, true, false]);
    // An alarm whose level gets worse counts as new; one whose level improves does not.
    board.done(&["raise", "alarm", "--level", "critical"]);
    expect(&board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.done(&["ack"]);
    board.done(&["raise", "alarm", "--level", "minor"]);
    wait_until("it is seen", || board.status()["alarms"][1]["severity"] == "minor");
    expect(&board, ["alarm", "alarm", "alarm", "alarm", "nothing"]);
}

#[test]
fn a_lamp_test_lights_every_lamp_and_restores_them_with_newer_alarms() {
    let Some((board, gpio)) = panel() else { return };
    assert_eq!(board.done(&["lamp-test", "1"]), "all lamps are on for 1 s\n");
    wait_until("it is over", || LINES[..3].iter().all(|line| gpio.edges(*line) == [true, false]));
    assert_eq!([20, 21].map(|line| gpio.edges(line)), [vec![true], vec![]], "the relay was energised at the start");
    // The second one begins while the first is on.
    board.done(&["lamp-test", "5"]);
    board.done(&["lamp-test", "5"]);
    board.done(&["raise", "sdhmgt"]);
    wait_until("it is shown", || gpio.line(21).high && !gpio.line(20).high);
    board.done(&["ack"]);
    board.done(&["clear", "sdhmgt"]);
    board.wait_for_alarms(0);
    board.done(&["ack"]);
    assert!(LINES[..3].iter().all(|line| gpio.edges(*line) == [true, false, true]));
    wait_until("restored", || LINES[..3].iter().all(|line| gpio.edges(*line) == [true, false, true, false]));
    board.wait_for_log("lamp test for 5 s");
    for wrong in [&["lamp-test", "0"][..], &["lamp-test", "61"], &["lamp-test", "x"], &["ack", "x"], &["silence", "1"]]
    {
        assert_eq!(board.ctl(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn latches_acknowledgement_and_silence_survive_a_killed_daemon() {
    let Some((mut board, gpio)) = panel() else { return };
    let again = |board: &mut Board, expected: [&str; 5]| {
        expect(board, expected);
        let events = board.events();
        board.kill();
        let edges = [18, 20, 21].map(|line| gpio.edges(line).len());
        board.start();
        assert_eq!(shows(board), expected);
        assert_eq!(board.events(), events);
        // Relay, horn and a lamp that does not flash have no edge.
        for (line, before) in [18, 20, 21].into_iter().zip(edges) {
            let flashes = line == 18 && expected[1] == "flash";
            assert!(flashes || gpio.edges(line).len() == before, "{line} {expected:?}");
        }
    };
    board.done(&["raise", "sdhmgt"]);
    again(&mut board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.done(&["silence"]);
    again(&mut board, ["alarm", "flash", "flash", "alarm", "nothing"]);
    board.done(&["ack"]);
    again(&mut board, ["alarm", "alarm", "alarm", "alarm", "nothing"]);
    assert_eq!(board.status()["alarms"][0]["acknowledged"], true);
    // Another alarm, which is cleared before it is acknowledged.
    board.done(&["raise", "alarm"]);
    expect(&board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.done(&["clear", "alarm"]);
    // The outputs do not show that it has been seen.
    board.wait_for_alarms(1);
    again(&mut board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.done(&["clear", "sdhmgt"]);
    again(&mut board, ["nothing", "flash", "slow flash", "alarm", "alarm"]);
    // The same when only the worker is killed.
    let events = board.events();
    board.signal_worker(libc::SIGKILL);
    board.wait_for_restarts(1);
    expect(&board, ["nothing", "flash", "slow flash", "alarm", "alarm"]);
    assert_eq!(board.events()[..events.len()], events);
    board.done(&["ack"]);
    again(&mut board, ["nothing"; 5]);
}

#[test]
fn an_alarm_that_ends_while_no_daemon_runs_is_latched_until_acknowledged() {
    let Some((mut board, _gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt"]);
    // More than one round reports.
    for kind in 0..30 {
        let id = ModuleId::new(32).expect("an id");
        let mut producer = open_producer(id);
        producer.raise(AlarmId { alarm_type: kind, ..AlarmId::default() }, 1).expect("raised");
    }
    board.wait_for_alarms(31);
    board.done(&["ack"]);
    board.kill();
    // The segment of one module is removed; the other module is no longer configured.
    Segment::find(Key::of_module(SDHMGT)).and_then(|id| id.remove()).expect("removed");
    board.configure(&PANEL.replace("[module alarm]\nid = 32\n", ""));
    board.start();
    expect(&board, ["nothing", "nothing", "slow flash", "nothing", "nothing"]);
    // An alarm that is raised after that is new.
    let mut producer = open_producer(SDHMGT);
    board.kill();
    producer.raise(AlarmId::default(), 1).expect("raised");
    board.start();
    assert_eq!(shows(&board), ["alarm", "flash", "flash", "alarm", "alarm"]);
}

#[test]
fn a_reload_keeps_latches_and_a_new_output_shows_unacknowledged_alarms() {
    let Some((board, _gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_alarms(1);
    board.done(&["ack"]);
    board.done(&["raise", "alarm"]);
    board.wait_for_alarms(2);
    board.done(&["silence"]);
    expect(&board, ["alarm", "flash", "flash", "alarm", "nothing"]);
    let path = board.path("new");
    let more = format!("[lamp new]\npath = {}\nsequence = A\nmodules = sdhmgt\n", path.display());
    let other = more.replace("new", "other").replace("sdhmgt", "alarm");
    board.configure(&format!("{more}{other}{PANEL}"));
    board.daemon().signal(libc::SIGHUP);
    let expected = ["alarm", "flash", "alarm", "flash", "flash", "alarm", "nothing"];
    wait_until("gone over to", || shows(&board) == expected);
}

#[test]
fn an_output_failure_stays_acknowledged_over_reload_and_restart() {
    let config = format!("{PANEL}[lamp bad]\npath = {{dir}}/later/bad\n");
    let Some(mut board) = Board::bare(&config) else { return };
    let Some(_gpio) = Gpio::mount(&board, &LINES) else { return };
    board.start();
    wait_until("it flashes", || shows(&board)[1] == "flash");
    board.configure("[daemon\n");
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("module alarmd: alarm raised: configuration refused");
    board.wait_for_alarms(2);
    board.done(&["ack"]);
    let acknowledged = |board: &Board| {
        let status = board.status();
        let alarms = status["alarms"].as_array().expect("alarms").clone();
        alarms.len() == 2 && alarms.iter().all(|alarm| alarm["acknowledged"] == true)
    };
    wait_until("both are acknowledged", || acknowledged(&board));
    // After the reload it is the same output with the same failure.
    board.configure(&config);
    board.daemon().signal(libc::SIGHUP);
    let one = |board: &Board| board.status()["alarms"].as_array().map(Vec::len) == Some(1);
    wait_until("the configuration is good", || one(&board));
    assert_eq!((board.status()["alarms"][0]["acknowledged"].clone(), &*shows(&board)[1]), (true.into(), "alarm"));
    board.kill();
    board.start();
    wait_until("it is watched", || one(&board));
    assert_eq!(board.status()["alarms"][0]["acknowledged"], true);
    assert_eq!(shows(&board)[1], "alarm");
}

#[test]
fn an_acknowledged_alarm_that_is_cleared_and_raised_again_is_new() {
    let Some((mut board, _gpio)) = panel() else { return };
    let mut producer = open_producer(SDHMGT);
    producer.raise(AlarmId::default(), 1).expect("raised");
    expect(&board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.done(&["ack"]);
    board.kill();
    let raised_at = alarmd_core::clock::wall();
    producer.clear(AlarmId::default()).expect("cleared");
    wait_until("another second", || alarmd_core::clock::wall() > raised_at);
    producer.raise(AlarmId::default(), 1).expect("raised");
    board.start();
    assert_eq!(shows(&board), ["alarm", "flash", "flash", "alarm", "alarm"]);
    assert_eq!(board.status()["alarms"][0]["acknowledged"], false);
}

#[test]
fn a_command_lost_with_a_worker_is_not_reported_as_done() {
    let Some((board, _gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_alarms(1);
    for turn in 1..=2 {
        board.signal_worker(libc::SIGKILL);
        // The second worker is started after a second, and discards the commands given before its start.
        if turn == 1 {
            board.wait_for_restarts(1);
        }
    }
    board.wait_for_log("worker: restart in 1000 ms");
    let status = board.ctl(&["status"]);
    assert!(status.code == 1 && status.out.starts_with("alarmd NOT MONITORING"), "{status:?}");
    let ran = board.ctl(&["ack"]);
    board.wait_for_restarts(2);
    let acknowledged = board.status()["alarms"][0]["acknowledged"] == true;
    assert_eq!(ran.code == 0, acknowledged, "{ran:?}");
    assert!(acknowledged || ran.err.contains("no response from alarmd"), "{ran:?}");
    board.done(&["ack"]);
    assert_eq!(board.status()["alarms"][0]["acknowledged"], true);
}

#[test]
fn a_command_without_a_daemon_fails_and_is_not_kept_for_the_next_one() {
    let Some((mut board, _gpio)) = panel() else { return };
    board.done(&["raise", "sdhmgt"]);
    expect(&board, ["alarm", "flash", "flash", "alarm", "alarm"]);
    board.kill();
    for command in ["ack", "silence", "lamp-test"] {
        let ran = board.ctl(&[command]);
        assert!(ran.code == 3 && ran.err.contains("alarmd is not running"), "{command}: {ran:?}");
    }
    // A command that the previous daemon received at the moment of its death.
    let doorbell = Segment::attach(Key::DOORBELL, alarmd_core::sysv::Access::ReadWrite).expect("attached");
    doorbell.view::<alarmd_core::wire::Doorbell>().expect("whole").order(alarmd_core::codes::Command::Acknowledge);
    board.start();
    board.wait_for_checks(1);
    assert_eq!(shows(&board), ["alarm", "flash", "flash", "alarm", "alarm"]);
}
