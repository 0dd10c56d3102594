//! alarmd as a daemon: configuration, readiness, signals, logs, one at a time.
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use alarmd_core::alarm::AlarmId;
use alarmd_core::sysv::{Key, Segment};

use crate::support::{
    Board, LAMP, Process, Program, Ran, SDHMGT, give_away, open_producer, private_dev, skip, status_words, wait_until,
};

const LAMPS: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n\
    [lamp any]\npath = {dir}/any\n[relay office]\npath = {dir}/relay\n";

#[test]
fn check_names_every_error_by_file_and_line_and_exits_1() {
    let Some(board) = Board::bare("[daemon]\npoll_ms = fast\n[lamp a]\ngpio = 1\n[lamp b]\ngpio = 1\nfoo = 2\n") else {
        return;
    };
    for arguments in [&["--check"][..], &[]] {
        let ran = Ran::from(board.alarmd().args(arguments).output().expect("run"));
        let file = board.path("alarmd.conf");
        let lines: Vec<&str> = ran.err.lines().collect();
        let starts = [2, 5, 7].map(|line| format!("configuration {} line {line}: ", file.display()));
        assert_eq!(ran.code, 1);
        assert!(lines.len() == 3 && lines.iter().zip(&starts).all(|(line, start)| line.starts_with(start)), "{ran:?}");
        assert!(lines[0].contains("poll_ms = fast") && lines[1].contains("[lamp a]") && lines[2].contains("'foo'"));
    }
}

#[test]
fn check_of_a_valid_file_prints_its_contents_and_warnings() {
    let Some(board) = Board::bare("[module a]\nid = 1\nftok = .\n[lamp a]\ngpio = 1\n") else { return };
    let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.ends_with("alarmd.conf: valid: 1 modules, 1 outputs\n"), "{ran:?}");
    assert!(ran.err.contains("alarmd.conf line 3: ftok = .: the path is relative"), "{ran:?}");
    // It has touched nothing.
    assert!(Segment::find(Key::STATUS).is_err());
}

#[test]
fn a_configuration_file_that_is_missing_or_not_utf_8_is_an_error() {
    let Some(board) = Board::bare("") else { return };
    fs::write(board.path("alarmd.conf"), b"[daemon]\n\xff\n").expect("written");
    let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
    assert!(ran.code == 1 && ran.err.contains("alarmd.conf line 2: invalid UTF-8"), "{ran:?}");
    fs::remove_file(board.path("alarmd.conf")).expect("removed");
    let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
    assert!(ran.code == 1 && ran.err.contains("No such file"), "{ran:?}");
}

#[test]
fn wrong_options_are_a_usage_error_and_help_is_printed() {
    let Some(board) = Board::bare("") else { return };
    let alarmd = |argument: &str| Ran::from(board.alarmd().arg(argument).output().expect("run"));
    for wrong in ["--fast", "file", "--pidfile"] {
        let ran = alarmd(wrong);
        assert!(ran.code == 2 && ran.err.contains("see alarmd --help"), "{ran:?}");
    }
    assert!(alarmd("--help").out.contains("--pidfile FILE"));
    assert_eq!(alarmd("--version").out, format!("alarmd {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_file_the_original_modules_are_watched_and_logged() {
    let Some(board) = Board::bare("") else { return };
    if fs::exists("/etc/alarmd.conf").expect("known") {
        return skip("/etc/alarmd.conf exists here");
    }
    let log = fs::File::create(board.path("log")).expect("a log");
    let pidfile = board.path("pid");
    let mut command = Program::daemon().command();
    let child = command.arg("--pidfile").arg(&pidfile).stderr(log).spawn().expect("started");
    let _daemon = Process(child);
    wait_until("it works", || fs::read_to_string(&pidfile).is_ok_and(|pid| !pid.is_empty()));
    board.done(&["raise", "sdhmgt"]);
    board.done(&["raise", "alarm"]);
    board.wait_for_log(
        "module sdhmgt: alarm raised: type 0x0 code 0x0 index 0x0 level 0x0 (indeterminate), slot 1; no output shows it",
    );
    board.wait_for_log("module alarm: alarm raised");
}

#[test]
fn the_pidfile_is_empty_until_the_daemon_works_and_removed_at_its_end() {
    let Some(mut board) = Board::bare(LAMPS) else { return };
    let pidfile = board.path("alarmd.pid");
    fs::write(&pidfile, "4711\n").expect("a stale one");
    board.start();
    let pid = fs::read_to_string(&pidfile).expect("there");
    assert_eq!(pid, format!("{}\n", board.daemon().id()));
    board.stop();
    assert!(!pidfile.exists());
    // A daemon that is killed leaves its file, and the next start takes it over.
    board.start();
    board.kill();
    assert!(pidfile.exists());
    board.start();
}

#[test]
fn a_second_daemon_names_the_running_process_and_exits() {
    let Some(mut board) = Board::bare(LAMPS) else { return };
    board.start();
    let running = format!("alarmd is already running (process {})", board.daemon().id());
    let pidfile = board.path("alarmd.pid");
    let with_pidfile = ["--pidfile", pidfile.to_str().expect("UTF-8")];
    let locked = format!("locked by process {}; alarmd is already running", board.daemon().id());
    for (arguments, running) in [(&with_pidfile[..], locked), (&[], running)] {
        let ran = Ran::from(board.alarmd().args(arguments).output().expect("run"));
        assert!(ran.code == 1 && ran.err.contains(&running), "{ran:?}");
    }
    // The second daemon has disturbed neither the pidfile nor the work of the first.
    assert!(pidfile.exists());
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
}

#[test]
fn sigterm_and_sigint_stop_the_daemon_in_order() {
    let Some(mut board) = Board::bare(LAMPS) else { return };
    for signal in [libc::SIGTERM, libc::SIGINT] {
        board.start();
        board.done(&["raise", "sdhmgt"]);
        board.wait_for_output("any", "1");
        board.done(&["clear", "sdhmgt"]);
        board.wait_for_output("relay", "1");
        board.done(&["raise", "alarm"]);
        board.wait_for_output("any", "1");
        board.daemon().signal(signal);
        board.stop();
        // The lamp is off, and the relay shows that alarmd does not run.
        assert_eq!((board.output("any"), board.output("relay")), ("0".to_owned(), "0".to_owned()));
        board.done(&["clear", "alarm"]);
    }
}

#[test]
fn a_killed_daemon_shows_the_same_after_a_restart() {
    let Some(mut board) = Board::bare(LAMPS) else { return };
    board.start();
    board.done(&["raise", "sdhmgt", "--type", "3"]);
    board.wait_for_output("any", "1");
    board.kill();
    fs::write(board.path("any"), "0").expect("the lamp fails meanwhile");
    board.start();
    assert_eq!((board.output("any"), board.output("relay")), ("1".to_owned(), "0".to_owned()));
    assert_eq!(board.status()["alarms"][0]["type"], 3);
}

#[test]
fn sighup_reads_the_configuration_again() {
    let Some(board) = Board::new(LAMPS) else { return };
    board.done(&["raise", "sdhmgt", "--type", "1"]);
    board.done(&["raise", "alarm", "--type", "2"]);
    wait_until("both are shown", || board.status()["alarms"].as_array().map(Vec::len) == Some(2));
    let writes = |name: &str| {
        let status = board.status();
        let outputs = status["outputs"].as_array().expect("outputs").clone();
        outputs.iter().find(|output| output["name"] == name).map(|output| output["writes"].clone())
    };
    let before = writes("any");
    // Another order, one module fewer, a new output, and no relay.
    board.configure(
        "[daemon]\npoll_ms = 20\n[lamp new]\npath = {dir}/new\nmodules = alarm\n[module alarm]\nid = 32\n\
         [lamp any]\npath = {dir}/any\n",
    );
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("configuration reloaded: ");
    assert_eq!((board.output("new"), board.output("any")), ("1".to_owned(), "1".to_owned()));
    assert_eq!(board.output("relay"), "0", "it shows that alarmd does not watch it");
    board.wait_for_log("module sdhmgt: alarm cleared: type 0x1");
    // A line and an alarm that stayed the same were not touched.
    assert_eq!(writes("any"), before);
    assert_eq!(board.log().matches("module alarm: alarm raised").count(), 1, "{}", board.log());
    board.done(&["clear", "alarm", "--type", "2"]);
    board.wait_for_output("any", "0");
    board.wait_for_output("new", "0");
    assert_eq!(board.ctl(&["raise", "sdhmgt"]).code, 1);
}

#[test]
fn an_invalid_configuration_is_refused_at_sighup_and_the_old_one_stays() {
    let Some(board) = Board::new(LAMPS) else { return };
    board.configure("[daemon]\npoll_ms = 20\n[lamp any]\n");
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("alarmd.conf line 3: [lamp any] has no line");
    board.wait_for_log("configuration refused; the previous one stays in use");
    board.done(&["raise", "alarm"]);
    board.wait_for_output("any", "1");
    board.wait_for_output("relay", "0");
}

#[test]
fn an_output_that_cannot_be_driven_is_an_alarm_and_is_retried() {
    let config = "[daemon]\npoll_ms = 20\n[lamp good]\npath = {dir}/good\n[lamp bad]\npath = {dir}/later/bad\n";
    let Some(board) = Board::new(config) else { return };
    board.wait_for_output("good", "1");
    board.wait_for_log("lamp bad: ");
    board.wait_for_log("module alarmd: alarm raised: output 2 failed (major); lamp good, lamp bad");
    assert!(board.done(&["status"]).contains("FAILED: open: No such file or directory (ENOENT)"));
    fs::create_dir(board.path("later")).expect("made");
    board.wait_for_log("lamp bad: line works again");
    board.wait_for_output("later/bad", "0");
    board.wait_for_output("good", "0");
}

#[test]
fn a_line_changed_by_another_process_is_restored() {
    let Some(board) = Board::new(LAMPS) else { return };
    fs::write(board.path("relay"), "0").expect("changed");
    board.wait_for_output("relay", "1");
    board.wait_for_log("relay office: line changed by another process; level restored");
}

#[test]
fn an_led_gets_its_full_brightness_and_its_trigger_is_removed() {
    let Some(mut board) = Board::bare("[module a]\nid = 1\n[lamp led]\npath = {dir}/brightness\n") else { return };
    fs::write(board.path("brightness"), "7\n").expect("made");
    fs::write(board.path("max_brightness"), "255\n").expect("made");
    fs::write(board.path("trigger"), "heartbeat\n").expect("made");
    board.start();
    let level = |board: &Board| board.output("brightness").lines().next().map(|text| text.parse::<u32>());
    assert_eq!(level(&board), Some(Ok(0)));
    assert_eq!(board.output("trigger"), "none");
    board.done(&["raise", "a"]);
    wait_until("full", || level(&board) == Some(Ok(255)));
    board.done(&["clear", "a"]);
    wait_until("dark", || level(&board) == Some(Ok(0)));
}

#[test]
fn syslog_gets_the_lines_that_stderr_gets_otherwise() {
    let Some(board) = Board::bare(LAMPS) else { return };
    private_dev(&board);
    let socket = UnixDatagram::bind("/dev/log").expect("a system log");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let mut command = board.alarmd();
    let child = command.args(["--syslog"]).stderr(Stdio::piped()).spawn().expect("started");
    let mut daemon = Process(child);
    let mut buffer = [0; 1024];
    let mut next = || {
        let count = socket.recv(&mut buffer).expect("a line");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    };
    let mut until = |words: &str| loop {
        let line = next();
        if line.contains(words) {
            break line;
        }
    };
    let line = until(" started (process ");
    // Facility daemon (3), severity info (6); the name and the process.
    assert!(line.starts_with("<30>") && line.contains(&format!("alarmd[{}]: ", daemon.id())), "{line}");
    board.done(&["raise", "sdhmgt", "--level", "major"]);
    assert!(until("module sdhmgt: alarm raised").starts_with("<28>"));
    daemon.signal(libc::SIGTERM);
    until("stopping: SIGTERM from process ");
    assert_eq!(daemon.exit_code(), Some(0));
    let mut stderr = String::new();
    let piped = daemon.0.stderr.take().expect("piped");
    std::io::Read::read_to_string(&mut { piped }, &mut stderr).expect("read");
    assert_eq!(stderr, "");
}

#[test]
fn a_stderr_without_a_reader_does_not_delay_the_relay() {
    let Some(board) = Board::bare(LAMPS) else { return };
    let pidfile = board.path("pid");
    let child = board.alarmd().arg("--pidfile").arg(&pidfile).stderr(Stdio::piped()).spawn().expect("started");
    let daemon = Process(child);
    wait_until("it works", || fs::read_to_string(&pidfile).is_ok_and(|pid| !pid.is_empty()));
    let mut producer = open_producer(SDHMGT);
    // Far more lines than fit into a pipe.
    for turn in 0..600 {
        let alarm = AlarmId::default();
        if turn % 2 == 0 {
            producer.raise(alarm, 1).expect("raised");
            board.wait_for_output("any", "1");
        } else {
            producer.clear(alarm).expect("cleared");
            board.wait_for_output("any", "0");
        }
    }
    drop(daemon);
}

#[test]
fn a_deleted_or_emptied_output_file_is_reported_and_recreated() {
    let Some(board) = Board::new(LAMPS) else { return };
    fs::remove_file(board.path("relay")).expect("deleted");
    board.wait_for_log("relay: file deleted: another process deleted it; alarmd creates it again");
    board.wait_for_output("relay", "1");
    board.wait_for_log("relay office: line works again");
    fs::write(board.path("relay"), "").expect("emptied");
    board.wait_for_output("relay", "1");
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("relay", "0");
}

#[test]
fn a_reload_tries_a_failed_output_at_once_and_does_not_hide_it() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 20\n[lamp bad]\npath = {dir}/no/bad\n") else { return };
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("configuration reloaded: ");
    wait_until("the failure is still shown", || board.done(&["status"]).contains("running, 1 of 1 outputs FAILED"));
    assert_eq!(board.status()["alarms"][0]["origin"], "output failed");
}

#[test]
fn a_system_log_without_a_reader_does_not_delay_the_relay() {
    let Some(board) = Board::bare(LAMPS) else { return };
    private_dev(&board);
    let _deaf = UnixDatagram::bind("/dev/log").expect("a system log");
    let pidfile = board.path("pid");
    let child = board.alarmd().args(["--syslog", "--pidfile"]).arg(&pidfile).spawn().expect("started");
    let mut daemon = Process(child);
    wait_until("it works", || fs::read_to_string(&pidfile).is_ok_and(|pid| !pid.is_empty()));
    for _ in 0..40 {
        board.done(&["raise", "sdhmgt"]);
        board.wait_for_output("any", "1");
        board.done(&["clear", "sdhmgt"]);
        board.wait_for_output("any", "0");
    }
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.exit_code(), Some(0));
}

#[test]
fn a_status_block_of_another_user_is_replaced() {
    let Some(mut board) = Board::bare(LAMPS) else { return };
    let block = Segment::create(Key::STATUS, 200_000, 0o666).expect("made");
    // Its new owner claims in it that process 1 is the daemon.
    if !give_away(&block, 65534) {
        return;
    }
    board.start();
    board.wait_for_log("belongs to another user (owner 65534); replaced");
    assert_eq!(board.status()["daemon"]["pid"], board.daemon().id());
}

#[test]
fn a_terminal_without_a_reader_does_not_block_the_daemon() {
    let Some(mut board) = Board::bare(LAMP) else {
        return;
    };
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: the call writes two `int`s; null pointers are allowed for the rest.
    let made = unsafe { libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast()) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both are ours since the call.
    let (_master, slave) = unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    board.log_to(&format!("/proc/self/fd/{}", slave.as_raw_fd()));
    board.start();
    let mut producer = open_producer(SDHMGT);
    for count in 1..=300 {
        producer.raise(AlarmId::default(), 1).expect("raised");
        producer.clear(AlarmId::default()).expect("cleared");
        wait_until("it is published", || status_words().event_count >= 2 * count);
    }
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
    let status = board.status();
    assert!(status["daemon"]["restarts"] == 0 && status["events"].as_array().map(Vec::len) == Some(256), "{status}");
}
