//! Guardian and worker: what each does when the other dies or hangs, what an orderly stop leaves, and the hardware watchdog.
use std::ffi::CString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use alarmd_core::process::is_gone;

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, Process, skip, wait_until};

/// A lamp on 17, a fail-safe relay on 18; 19 is not configured.
const LINES: &str =
    "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp any]\ngpio = 17\n[relay office]\ngpio = 18\n";

fn board(config: &str) -> Option<(Board, Gpio)> {
    let mut board = Board::bare(config)?;
    let gpio = Gpio::mount(&board, &[17, 18, 19])?;
    board.start();
    Some((board, gpio))
}

#[test]
fn a_killed_worker_drops_the_relay_at_once_and_another_one_continues() {
    let Some((board, gpio)) = board(LINES) else { return };
    let first = board.worker();
    board.signal_worker(libc::SIGKILL);
    wait_until("dropped, and energised again", || gpio.edges(18) == [true, false, true]);
    board.wait_for_log(": killed by signal 9; fail-safe outputs set to alarm");
    board.wait_for_restarts(1);
    let status = board.status();
    assert_eq!(status["daemon"]["pid"], board.daemon().id());
    assert!(status["daemon"]["worker"] == board.worker() && board.worker() != first, "{status}");
    wait_until("it is in the history", || {
        board.events() == ["raised alarmd worker restarted type 4", "cleared alarmd worker restarted type 4"]
    });
    let history = board.done(&["history"]);
    let line = history.lines().nth(1).expect("a line");
    assert!(line.contains("raised   warning") && line.ends_with("worker restarted"), "{history}");
    // It works as the first one did.
    board.done(&["raise", "sdhmgt"]);
    wait_until("shown", || gpio.edges(17) == [true] && gpio.edges(18) == [true, false, true, false]);
}

#[test]
fn a_hung_worker_is_replaced_and_the_relay_is_dropped_in_the_meantime() {
    let Some((board, gpio)) = board(LINES) else { return };
    board.signal_worker(libc::SIGSTOP);
    wait_until("dropped, and energised again", || gpio.edges(18) == [true, false, true]);
    board.wait_for_log(": no round for hang_ms (1000 ms); killed");
    board.wait_for_log("module alarmd: alarm raised: worker restarted: it hung or exited, restart 1 (warning)");
    assert!(gpio.edges(17).is_empty());
}

#[test]
fn a_dead_worker_is_replaced_even_if_the_parent_of_alarmd_ignores_sigchld() {
    let Some(mut board) =
        Board::bare(&LINES.replace("gpio = 17", "path = {dir}/any").replace("gpio = 18", "path = {dir}/office"))
    else {
        return;
    };
    let mut command = board.alarmd();
    // SAFETY: signal is one of the calls that may be made between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    board.start_as(command);
    board.signal_worker(libc::SIGKILL);
    board.wait_for_log(": killed by signal 9; fail-safe outputs set to alarm");
    board.wait_for_restarts(1);
    board.stop();
}

/// A daemon whose worker has energised the relay, and waits a second for the lamp's files.
fn setting_up() -> Option<(Board, Gpio, Process)> {
    let config = "[module sdhmgt]\nid = 31\n[relay office]\ngpio = 18\n[lamp late]\ngpio = 17\n";
    let board = Board::bare(config)?;
    let gpio = Gpio::mount(&board, &[17, 18])?;
    gpio.hardware().lines.get_mut(&17).expect("there").locked = true;
    let daemon = Process(board.alarmd().stderr(Stdio::null()).spawn().expect("started"));
    wait_until("energised", || gpio.edges(18) == [true]);
    Some((board, gpio, daemon))
}

#[test]
fn the_relay_is_dropped_when_the_worker_dies_during_set_up() {
    let Some((_board, gpio, mut daemon)) = setting_up() else { return };
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.id())).expect("read");
    alarmd_core::process::kill(children.trim().parse().expect("a worker"));
    // Before a worker has ever worked it is not started again: the process that started alarmd must see the failure.
    assert_eq!(daemon.exit_code(), Some(1));
    assert_eq!(gpio.edges(18), [true, false]);
}

#[test]
fn the_relay_is_dropped_when_the_guardian_dies_during_set_up() {
    let Some((_board, gpio, mut daemon)) = setting_up() else { return };
    daemon.signal(libc::SIGKILL);
    daemon.exit_code();
    wait_until("dropped", || gpio.edges(18) == [true, false]);
}

#[test]
fn a_worker_that_hangs_during_a_reload_is_replaced() {
    let Some((board, gpio)) = board(LINES) else { return };
    // The worker will wait for the new lamp's files.
    gpio.hardware().lines.get_mut(&19).expect("there").locked = true;
    board.configure(&format!("{LINES}[lamp late]\ngpio = 19\n"));
    board.daemon().signal(libc::SIGHUP);
    wait_until("it sets up", || gpio.hardware().lines[&19].exported);
    board.signal_worker(libc::SIGSTOP);
    wait_until("dropped, and energised again", || gpio.edges(18) == [true, false, true]);
    board.wait_for_log("module alarmd: alarm raised: worker restarted: it hung or exited, restart 1 (warning)");
}

#[test]
fn a_configuration_that_became_a_pipe_blocks_neither_guardian_nor_worker() {
    let Some((board, gpio)) = board(LINES) else { return };
    let path = board.path("alarmd.conf");
    fs::remove_file(&path).expect("removed");
    let path = CString::new(path.to_str().expect("UTF-8")).expect("no zero byte");
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("the file is a pipe; name a readable file");
    wait_until("it is an alarm", || board.events().len() == 1);
    board.signal_worker(libc::SIGKILL);
    wait_until("dropped, and alarmed: the configuration is refused", || {
        gpio.edges(18) == [true, false] && gpio.line(17).high && board.ctl(&["status"]).code == 0
    });
    board.replace_configuration(LINES);
    board.daemon().signal(libc::SIGHUP);
    wait_until("well again", || gpio.line(18).high && !gpio.line(17).high);
}

#[test]
fn the_worker_drops_the_relay_and_ends_when_the_guardian_dies() {
    let Some((mut board, gpio)) = board(LINES) else { return };
    let worker = board.worker();
    board.daemon().signal(libc::SIGKILL);
    wait_until("the worker ends", || is_gone(worker));
    assert_eq!(gpio.edges(18), [true, false]);
    board.wait_for_log(" terminated; fail-safe outputs set to alarm");
    // init does the same.
    board.start();
    assert_eq!(gpio.edges(18), [true, false, true]);
}

#[test]
fn a_stopped_worker_without_a_guardian_does_not_block_the_next_daemon() {
    let Some((mut board, gpio)) = board(LINES) else { return };
    let worker = board.worker();
    board.signal_worker(libc::SIGSTOP);
    board.daemon().signal(libc::SIGKILL);
    wait_until("the guardian is gone", || is_gone(board.daemon().id()));
    board.start();
    assert!(is_gone(worker));
    board.wait_for_log(&format!("worker {worker} of the previous daemon did not terminate; killed"));
    assert_eq!(gpio.edges(18), [true]);
}

#[test]
fn a_relay_with_an_unexported_line_drops_when_the_worker_dies() {
    // The guardian does not replace the worker before the test kills it.
    let Some((board, gpio)) = board(&LINES.replace("[daemon]", "[daemon]\nhang_ms = 60000")) else { return };
    // The worker cannot set it up again before it is killed.
    board.signal_worker(libc::SIGSTOP);
    fs::write("/sys/class/gpio/unexport", "18").expect("unexported");
    board.signal_worker(libc::SIGKILL);
    wait_until("dropped, and energised again", || gpio.edges(18) == [true, false, true]);
}

#[test]
fn the_pauses_before_the_next_worker_grow_up_to_restart_s() {
    let Some((board, gpio)) = board(&LINES.replace("[daemon]", "[daemon]\nrestart_s = 1")) else { return };
    for turn in 1..=3 {
        board.signal_worker(libc::SIGKILL);
        board.wait_for_restarts(turn);
    }
    let pauses = |ms: u32| board.log().matches(&format!("worker: restart in {ms} ms")).count();
    assert_eq!((pauses(500), pauses(1000)), (1, 2), "{}", board.log());
    assert_eq!(gpio.edges(18), [true, false, true, false, true, false, true]);
    // A stop does not wait for the pause.
    board.signal_worker(libc::SIGKILL);
    let mut board = board;
    board.stop();
    assert!(!gpio.line(18).high);
}

#[test]
fn an_orderly_stop_sets_each_output_as_on_stop_says() {
    for (relay, lamp, levels) in
        [("alarm", "hold", ["1", "0"]), ("clear", "clear", ["0", "1"]), ("hold", "alarm", ["1", "0"])]
    {
        let config = format!(
            "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {{dir}}/any\non_stop = {lamp}\n\
             [relay office]\npath = {{dir}}/office\non_stop = {relay}\n"
        );
        let Some(mut board) = Board::new(&config) else { return };
        board.done(&["raise", "sdhmgt"]);
        board.wait_for_output("any", "1");
        board.wait_for_output("office", "0");
        board.stop();
        assert_eq!([board.output("any"), board.output("office")], levels, "{relay} {lamp}");
    }
}

#[test]
fn sigterm_to_the_worker_stops_the_daemon_in_order() {
    let Some((board, gpio)) = board(LINES) else { return };
    board.signal_worker(libc::SIGTERM);
    wait_until("the daemon ends", || !board.path("alarmd.pid").exists());
    assert_eq!(gpio.edges(18), [true, false]);
    assert_eq!(board.ctl(&["status"]).code, 3);
}

#[test]
fn the_next_worker_works_although_the_configuration_has_become_invalid() {
    let Some((board, gpio)) = board(LINES) else { return };
    board.configure("[daemon\n");
    board.signal_worker(libc::SIGKILL);
    board.wait_for_log("module alarmd: alarm raised: configuration refused (minor)");
    wait_until("it is shown, for it lasts", || gpio.line(17).high);
    wait_until("it is in the status", || {
        board.ctl(&["status"]).code == 0 && board.status()["alarms"][0]["origin"] == "configuration refused"
    });
    board.configure(LINES);
    board.daemon().signal(libc::SIGHUP);
    wait_until("it is good again", || !gpio.line(17).high && gpio.line(18).high);
}

#[test]
fn guardian_and_worker_use_the_same_configuration_after_a_restart() {
    let Some((board, _gpio)) = board(&LINES.replace("[daemon]", "[daemon]\nhang_ms = 500")) else { return };
    // The file has changed, without a reload: the next worker reads it.
    board.configure("[daemon]\npoll_ms = 60000\nhang_ms = 60000\n[module sdhmgt]\nid = 31\n");
    board.signal_worker(libc::SIGKILL);
    board.wait_for_restarts(1);
    board.wait_for_checks(2);
    assert_eq!(board.status()["daemon"]["restarts"], 1);
}

#[test]
fn the_watchdog_is_fed_only_while_rounds_are_made_and_closed_at_a_stop() {
    let Some(mut board) =
        Board::bare("[daemon]\nwatchdog = {dir}/watchdog\nwatchdog_s = 1\nhang_ms = 60000\npoll_ms = 60000\n")
    else {
        return;
    };
    let path = CString::new(board.path("watchdog").to_str().expect("UTF-8")).expect("no zero byte");
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    let mut fifo =
        fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(board.path("watchdog")).expect("open");
    let mut food = || {
        let mut bytes = [0; 64];
        fifo.read(&mut bytes).map_or(Vec::new(), |count| bytes[..count].to_vec())
    };
    board.start();
    board.wait_for_log(": timeout not set: ");
    for _ in 0..3 {
        wait_until("it is fed", || food().contains(&0));
    }
    // The guardian still checks, but there are no rounds: nothing is written for twice the time between two writes.
    board.signal_worker(libc::SIGSTOP);
    let mut quiet_since = Instant::now();
    wait_until("nothing is written for 600 ms", || {
        if !food().is_empty() {
            quiet_since = Instant::now();
        }
        quiet_since.elapsed() >= Duration::from_millis(600)
    });
    board.signal_worker(libc::SIGCONT);
    wait_until("it is fed", || food().contains(&0));
    // The worker hung for longer than watchdog_s, but not for hang_ms.
    assert_eq!(board.status()["daemon"]["restarts"], 0);
    board.stop();
    assert_eq!(food().last(), Some(&b'V'));
}

#[test]
fn locked_memory_priority_and_oom_score_are_as_configured() {
    let Some(board) = Board::new("[daemon]\nlock_memory = yes\noom_score_adj = 500\npriority = 7\n") else { return };
    if board.log().contains("needs root") {
        return skip("not allowed to set oom_score_adj, priority or locked memory");
    }
    for process in [board.daemon().id(), board.worker()] {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).expect("read");
        assert_eq!(read("oom_score_adj").trim(), "500");
        let status = read("status");
        let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).expect("VmLck");
        assert!(!locked.trim().starts_with("0 "), "{locked}");
        // Fields 40 and 41: real-time priority, and policy 1, SCHED_FIFO.
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
        assert_eq!((fields[37], fields[38]), ("7", "1"));
    }
}
