//! alarmctl doctor: each finding has a level, what was found, why it matters and how to fix it; an error is exit code 1.
use std::fs;
use std::process::Command;

use alarmd_core::ftok;
use alarmd_core::sysv::{Id, Key, Segment};
use serde_json::Value;

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, skip, wait_until};

/// The fixed key of module 31.
const KEY: Key = Key::of_module(alarmd_core::alarm::ModuleId::new(31).unwrap());
const MODULE: &str = "[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";

/// The findings for a subject: level, what and fix.
fn findings(board: &Board, subject: &str) -> Vec<[String; 3]> {
    let ran = board.ctl(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    let all = report["findings"].as_array().expect("findings").clone();
    let errors = all.iter().filter(|finding| finding["level"] == "error").count();
    assert_eq!((report["errors"].as_u64(), ran.code), (Some(errors as u64), i32::from(errors > 0)), "{ran:?}");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of = all.iter().filter(|finding| finding["subject"] == subject);
    of.map(|finding| {
        let complete = !text(&finding["why"]).is_empty() && !text(&finding["fix"]).is_empty();
        assert!(complete || finding["level"] == "ok", "{finding}");
        ["level", "what", "fix"].map(|field| text(&finding[field]))
    })
    .collect()
}

#[track_caller]
fn says(board: &Board, subject: &str, level: &str, words: &str) {
    let found = findings(board, subject);
    assert!(found.iter().any(|[l, what, _]| l == level && what.contains(words)), "{subject}: {found:?}");
}

/// The fix of the only finding for a subject that is not `ok`.
#[track_caller]
fn fix(board: &Board, subject: &str) -> String {
    let found: Vec<_> = findings(board, subject).into_iter().filter(|[level, ..]| level != "ok").collect();
    assert_eq!(found.len(), 1, "{subject}: {found:?}");
    found[0][2].clone()
}

#[test]
fn a_healthy_board_has_no_errors_and_nothing_is_left_behind() {
    let Some(board) = Board::new(MODULE) else { return };
    let before = fs::read_to_string("/proc/sysvipc/shm").expect("segments").lines().count();
    let ran = board.ctl(&["doctor"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("ok       daemon: running (process ") && !ran.out.contains("ERROR"), "{ran:?}");
    assert_eq!(fs::read_to_string("/proc/sysvipc/shm").expect("segments").lines().count(), before);
    assert_eq!(board.ctl(&["doctor", "--fast"]).code, 2);
    // This test runs in an IPC namespace of its own.
    match fs::read_link("/proc/1/ns/ipc") {
        Ok(_) => says(&board, "IPC namespace", "warning", "not the namespace of init"),
        Err(_) => says(&board, "IPC namespace", "ok", "not readable by this user"),
    }
}

#[test]
fn no_daemon_is_a_warning_and_a_hung_one_is_an_error() {
    let Some(mut board) = Board::bare(MODULE) else { return };
    says(&board, "daemon", "warning", "not running");
    assert_eq!(board.ctl(&["doctor"]).code, 0);
    board.start();
    board.freeze();
    wait_until("it is reported", || {
        findings(&board, "daemon")
            .iter()
            .any(|[level, what, _]| level == "error" && what.contains("no health check for"))
    });
    board.thaw();
    wait_until("healthy again", || findings(&board, "daemon").iter().any(|[level, ..]| level == "ok"));
    board.signal_worker(libc::SIGKILL);
    wait_until("reported", || {
        findings(&board, "daemon").iter().any(|[_, what, _]| what == "worker restarts since alarmd was started: 1")
    });
}

#[test]
fn each_error_of_the_configuration_is_a_finding() {
    let Some(board) = Board::bare("[lamp a]\ngpio = x\n[lamp b]\n") else { return };
    says(&board, "configuration", "error", "alarmd.conf line 2: gpio = x");
    says(&board, "configuration", "error", "alarmd.conf line 3: [lamp b] has no line");
    assert!(findings(&board, "outputs").is_empty(), "an unreadable configuration is not an empty one");
}

#[test]
fn unusable_segments_are_errors_and_the_fix_names_the_attached_program() {
    let Some(board) = Board::bare(&format!("[daemon]\ntrust = root\n{MODULE}")) else { return };
    let small = Segment::create(KEY, 16, 0o600).expect("made");
    let other = Segment::create(Key::DOORBELL, 256, 0o600).expect("made");
    other.view::<alarmd_core::wire::Doorbell>().expect("whole").magic.store(7, std::sync::atomic::Ordering::Relaxed);
    says(&board, "module sdhmgt", "error", "is too small (16 bytes, 1024 needed)");
    says(&board, "doorbell", "error", "its first word is 0x00000007");
    let ran = board.ctl(&["doctor"]);
    assert!(ran.code == 1 && ran.err.contains("2 errors found"), "{ran:?}");
    // The test itself is attached: the segment must not be removed before it ends.
    let id = small.id().raw();
    let of_module = fix(&board, "module sdhmgt");
    let attached = of_module.starts_with("stop the programs that have it attached (1,");
    assert!(attached && of_module.contains(&format!("; then ipcrm -m {id}")), "{of_module}");
    drop(small);
    assert!(fix(&board, "module sdhmgt").starts_with(&format!("ipcrm -m {id} (no process")));
    Segment::find(KEY).and_then(|id| id.remove()).expect("removed");
    let producer = board.old_producer(&["key", "0x414C001F"]);
    wait_until("it is attached", || Segment::find(KEY).and_then(|id| id.stat()).is_ok_and(|stat| stat.attached == 1));
    if !give_away(other.id()) || !give_away(Segment::find(KEY).expect("created")) {
        return skip("a segment cannot be given to another user here");
    }
    says(&board, "doorbell", "error", "belongs to untrusted user 65534");
    says(&board, "module sdhmgt", "error", "belongs to untrusted user 65534");
    let (pid, fix) = (producer.process.id(), fix(&board, "module sdhmgt"));
    // Under an emulator the process has the emulator's name.
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).expect("its name");
    let named = fix.contains(&format!("stop {} (process {pid}); then ipcrm -m", name.trim()));
    assert!(named, "{fix}");
}

/// Makes user 65534 the owner of the segment. There is no tool for it; perl has the system call.
fn give_away(id: Id) -> bool {
    let script = "$d = ''; shmctl($ARGV[0], 2, $d); substr($d, 4, 4) = pack('L', 65534); exit !shmctl($ARGV[0], 1, $d)";
    let given = Command::new("perl").args(["-e", script]).arg(id.raw().to_string()).status();
    given.is_ok_and(|status| status.success()) && id.stat().is_ok_and(|stat| stat.uid == 65534)
}

#[test]
fn limits_that_are_too_low_are_errors_before_alarmd_starts() {
    let Some(board) = Board::bare(MODULE) else { return };
    if fs::write("/proc/sys/kernel/shmmni", "2").is_err() {
        return skip("SHMMNI cannot be set here");
    }
    says(&board, "SHMMNI", "error", "limit 2, in use 0, needed by alarmd 3");
    fs::write("/proc/sys/kernel/shmmax", "4096").expect("set");
    says(&board, "SHMMAX", "error", "limit 4096, in use 0");
}

#[test]
fn ftok_paths_that_are_unusable_unstable_or_collide_are_reported() {
    let config = "[module a]\nid = 1\nftok = .\n[module b]\nid = 2\nftok = {dir}/tmpfs\n[module c]\nid = 3\nftok = /\n\
        [module d]\nid = 4\nkey = KEY\n";
    let Some(board) = Board::bare("") else { return };
    fs::create_dir(board.path("tmpfs")).expect("made");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(board.path("tmpfs")).status();
    assert!(mounted.expect("mount").success());
    let key = ftok::key(c"/", alarmd_core::alarm::ModuleId::new(3).expect("an id")).expect("a key");
    board.configure(&config.replace("KEY", &format!("{:#x}", key.number())));
    says(&board, "ftok of module a", "error", "the path is relative");
    says(&board, "ftok of module b", "warning", "is on a tmpfs");
    says(&board, "ftok of module c", "error", "is also the key of module d");
}

#[test]
fn lines_that_are_absent_in_use_unwritable_or_inputs_are_errors() {
    let config = "[module sdhmgt]\nid = 31\n[lamp a]\ngpio = 17\n[lamp b]\ngpio = 18\n[lamp c]\ngpio = 19\n[lamp d]\npath = {dir}/no/d\n";
    let Some(mut board) = Board::bare(config) else { return };
    let Some(gpio) = Gpio::mount(&board, &[17, 19]) else { return };
    gpio.hardware().lines.get_mut(&17).expect("there").held = true;
    gpio.hardware().lines.get_mut(&19).expect("there").locked = true;
    says(&board, "lamp a", "error", "gpio 17: the line is used by the kernel");
    says(&board, "lamp b", "error", "gpio 18: the line does not exist");
    says(&board, "lamp c", "error", "value and direction not writable");
    says(&board, "lamp d", "error", "/no/d: No such file");
    for line in gpio.hardware().lines.values_mut() {
        (line.held, line.locked) = (false, false);
    }
    says(&board, "lamp a", "ok", "can be driven");
    assert!(!gpio.line(17).exported && gpio.edges(17).is_empty(), "the check changed the line");
    // While a daemon is running nothing is exported, and what the daemon cannot drive is one finding.
    board.start();
    board.daemon().signal(libc::SIGSTOP);
    board.signal_worker(libc::SIGSTOP);
    fs::write("/sys/class/gpio/gpio17/direction", "in").expect("an input");
    says(&board, "lamp a", "error", "gpio 17 is an input, although alarmd drives it");
    says(&board, "lamp b", "error", "gpio 18: alarmd cannot drive this output: ");
    assert!(fix(&board, "lamp b").contains("gpiochip*/base"));
    board.thaw();
}

#[test]
fn a_missing_watchdog_is_an_error_and_an_existing_one_is_not_opened() {
    let Some(board) = Board::bare(&format!("[daemon]\nwatchdog = {{dir}}/watchdog\n{MODULE}")) else { return };
    says(&board, "watchdog", "error", "does not exist");
    let path = board.path("watchdog");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    // Opening a pipe without a reader would block for ever.
    says(&board, "watchdog", "ok", "exists and is writable");
}
