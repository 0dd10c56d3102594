//! alarmctl doctor: each thing that may be wrong is told with what, why and how to mend it, and exits 1.
use std::fs;
use std::process::Command;

use alarmd::ftok;
use alarmd::sysv::{Key, Segment};
use serde_json::Value;

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, skip, wait_until};

const MODULE: &str = "[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";

/// The findings about a subject: level and what.
fn findings(board: &Board, subject: &str) -> Vec<(String, String)> {
    let ran = board.ctl(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let all = told["findings"].as_array().expect("findings").clone();
    let wrong = all.iter().filter(|finding| finding["level"] == "wrong").count();
    assert_eq!((told["wrong"].as_u64(), ran.code), (Some(wrong as u64), i32::from(wrong > 0)), "{ran:?}");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of = all.iter().filter(|finding| finding["subject"] == subject);
    of.map(|finding| {
        let complete = !text(&finding["why"]).is_empty() && !text(&finding["mend"]).is_empty();
        assert!(complete || finding["level"] == "good", "{finding}");
        (text(&finding["level"]), text(&finding["what"]))
    })
    .collect()
}

#[track_caller]
fn says(board: &Board, subject: &str, level: &str, words: &str) {
    let found = findings(board, subject);
    assert!(found.iter().any(|(l, what)| l == level && what.contains(words)), "{subject}: {found:?}");
}

#[test]
fn a_healthy_board_is_good_in_every_line_and_nothing_is_left_behind() {
    let Some(board) = Board::new(MODULE) else { return };
    let before = fs::read_to_string("/proc/sysvipc/shm").expect("segments").lines().count();
    let ran = board.ctl(&["doctor"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("good   daemon: runs as process") && !ran.out.contains("WRONG"), "{ran:?}");
    assert_eq!(fs::read_to_string("/proc/sysvipc/shm").expect("segments").lines().count(), before);
    assert_eq!(board.ctl(&["doctor", "--fast"]).code, 2);
    // A namespace of its own is what this test has, where that can be told.
    match fs::read_link("/proc/1/ns/ipc") {
        Ok(_) => says(&board, "IPC namespace", "doubt", "not that of init"),
        Err(_) => says(&board, "IPC namespace", "good", "does not tell"),
    }
}

#[test]
fn without_a_daemon_it_is_a_doubt_and_a_hanging_one_is_wrong() {
    let Some(mut board) = Board::bare(MODULE) else { return };
    says(&board, "daemon", "doubt", "does not run");
    assert_eq!(board.ctl(&["doctor"]).code, 0);
    board.start();
    board.freeze();
    wait_until("it is told", || {
        findings(&board, "daemon")
            .iter()
            .any(|(level, what)| level == "wrong" && what.contains("has made no round for"))
    });
    board.thaw();
    wait_until("healthy again", || findings(&board, "daemon").iter().any(|(level, _)| level == "good"));
    board.signal_worker(libc::SIGKILL);
    wait_until("told", || {
        findings(&board, "daemon").iter().any(|(_, what)| what == "its worker had to be started again 1 times")
    });
}

#[test]
fn a_configuration_that_is_refused_is_told_message_by_message() {
    let Some(board) = Board::bare("[lamp a]\ngpio = x\n[lamp b]\n") else { return };
    says(&board, "configuration", "wrong", "alarmd.conf:2: gpio = x");
    says(&board, "configuration", "wrong", "alarmd.conf:3: [lamp b] has no line");
}

#[test]
fn foreign_segments_under_our_keys_are_told_with_the_command_that_removes_them() {
    let Some(board) = Board::bare(&format!("[daemon]\ntrust = root\n{MODULE}")) else { return };
    let _small = Segment::create(Key::fixed(0x414C_001F).expect("a key"), 16, 0o600).expect("made");
    let other = Segment::create(Key::DOORBELL, 256, 0o600).expect("made");
    other.view::<alarmd::wire::Doorbell>().expect("whole").magic.store(7, std::sync::atomic::Ordering::Relaxed);
    says(&board, "module sdhmgt", "wrong", "has 16 bytes of 1024");
    says(&board, "doorbell", "wrong", "it begins with 0x00000007");
    let ran = board.ctl(&["doctor"]);
    assert!(
        ran.code == 1 && ran.out.contains("ipcrm -M 0x414c001f") && ran.err.contains("2 things are wrong"),
        "{ran:?}"
    );
    let given = Command::new("perl")
        .args([
            "-e",
            "$d = ''; shmctl($ARGV[0], 2, $d); substr($d, 4, 4) = pack('L', 65534); exit !shmctl($ARGV[0], 1, $d)",
        ])
        .arg(other.id().raw().to_string())
        .status();
    if !given.is_ok_and(|status| status.success()) || other.stat().expect("there").uid != 65534 {
        return skip("a segment cannot be given to another user here");
    }
    says(&board, "doorbell", "wrong", "belongs to user 65534, who is not trusted");
}

#[test]
fn a_full_table_of_segments_is_told_before_it_keeps_alarmd_from_working() {
    let Some(board) = Board::bare(MODULE) else { return };
    if fs::write("/proc/sys/kernel/shmmni", "2").is_err() {
        return skip("SHMMNI cannot be set here");
    }
    says(&board, "SHMMNI", "wrong", "2, of which 0 are used and alarmd needs 3");
    fs::write("/proc/sys/kernel/shmmax", "4096").expect("set");
    says(&board, "SHMMAX", "wrong", "4096, of which 0 are used");
}

#[test]
fn ftok_paths_that_are_refused_unstable_or_collide_are_told() {
    let config = "[module a]\nid = 1\nftok = .\n[module b]\nid = 2\nftok = {dir}/tmpfs\n[module c]\nid = 3\nftok = /\n\
        [module d]\nid = 4\nkey = KEY\n";
    let Some(board) = Board::bare("") else { return };
    fs::create_dir(board.path("tmpfs")).expect("made");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(board.path("tmpfs")).status();
    assert!(mounted.expect("mount").success());
    let key = ftok::key(c"/", alarmd::alarm::ModuleId::new(3).expect("an id")).expect("a key");
    board.configure(&config.replace("KEY", &format!("{:#x}", key.number())));
    says(&board, "ftok of module a", "wrong", "the path is relative");
    says(&board, "ftok of module b", "doubt", "lies on a tmpfs");
    says(&board, "ftok of module c", "wrong", "is that of module d too");
}

#[test]
fn lines_that_are_absent_held_unwritable_or_inputs_are_told() {
    let config = "[module sdhmgt]\nid = 31\n[lamp a]\ngpio = 17\n[lamp b]\ngpio = 18\n[lamp c]\ngpio = 19\n[lamp d]\npath = {dir}/no/d\n";
    let Some(mut board) = Board::bare(config) else { return };
    let Some(gpio) = Gpio::mount(&board, &[17, 19]) else { return };
    gpio.hardware().lines.get_mut(&17).expect("there").held = true;
    gpio.hardware().lines.get_mut(&19).expect("there").locked = true;
    says(&board, "lamp a", "wrong", "gpio 17: the kernel holds it");
    says(&board, "lamp b", "wrong", "gpio 18: there is no such line");
    says(&board, "lamp c", "wrong", "value and direction cannot be written");
    says(&board, "lamp d", "wrong", "/no/d: No such file");
    for line in gpio.hardware().lines.values_mut() {
        (line.held, line.locked) = (false, false);
    }
    says(&board, "lamp a", "good", "can be driven");
    assert!(!gpio.line(17).exported && gpio.edges(17).is_empty(), "it was looked at, and left as it was");
    // Beside a daemon nothing is exported, and what the daemon cannot drive is told.
    board.start();
    board.daemon().signal(libc::SIGSTOP);
    board.signal_worker(libc::SIGSTOP);
    fs::write("/sys/class/gpio/gpio17/direction", "in").expect("an input");
    says(&board, "lamp a", "wrong", "gpio 17 is an input, though a daemon runs");
    says(&board, "lamp b", "wrong", "gpio 18 is not exported, though a daemon runs");
    says(&board, "lamp b", "wrong", "cannot be driven: ");
    board.thaw();
}

#[test]
fn a_watchdog_that_is_not_there_is_wrong_and_one_that_is_is_not_opened() {
    let Some(board) = Board::bare(&format!("[daemon]\nwatchdog = {{dir}}/watchdog\n{MODULE}")) else { return };
    says(&board, "watchdog", "wrong", "is not there");
    let path = board.path("watchdog");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    // Opening a pipe that nobody reads would wait for ever.
    says(&board, "watchdog", "good", "is there");
}
