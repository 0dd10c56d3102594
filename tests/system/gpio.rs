//! GPIO lines on a machine without GPIO: one test compares the stand-in's answers with those of a real kernel, the others
//! run the daemon with the stand-in.
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, wait_until};

/// A lamp on 17 (active low), a fail-safe relay on 18.
const LINES: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n\
    [lamp critical]\ngpio = 17\nactive_low = yes\n[relay office]\ngpio = 18\n";

fn board(config: &str, lines: &[u32]) -> Option<(Board, Gpio)> {
    let board = Board::bare(config)?;
    let gpio = Gpio::mount(&board, lines)?;
    Some((board, gpio))
}

#[test]
fn a_line_starts_follows_and_stops_at_the_right_level_without_a_glitch() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    // The lamp is dark at the high level, so it has one edge at the start. The relay is energised.
    board.start();
    assert_eq!((gpio.edges(17), gpio.edges(18)), (vec![true], vec![true]));
    board.done(&["raise", "sdhmgt"]);
    wait_until("the lamp is lit", || gpio.edges(17) == [true, false]);
    wait_until("the relay has dropped", || gpio.edges(18) == [true, false]);
    board.done(&["clear", "sdhmgt"]);
    wait_until("all is well", || gpio.edges(17) == [true, false, true] && gpio.edges(18) == [true, false, true]);
    board.stop();
    assert_eq!((gpio.edges(17).len(), gpio.edges(18).as_slice()), (3, &[true, false, true, false][..]));
}

#[test]
fn a_start_with_an_active_alarm_causes_no_edge_but_that_of_the_alarm() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    board.done(&["raise", "sdhmgt"]);
    board.start();
    // Both lines are low after the boot, and that is the level they must have.
    assert_eq!((gpio.edges(17), gpio.edges(18)), (vec![], vec![]));
    assert!(gpio.line(17).output && gpio.line(18).output);
}

#[test]
fn a_restart_causes_no_edge_on_a_lamp() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    board.start();
    board.kill();
    board.start();
    board.daemon().signal(libc::SIGHUP);
    board.wait_for_log("configuration reloaded: ");
    assert_eq!((gpio.edges(17), gpio.edges(18)), (vec![true], vec![true]));
}

#[test]
fn a_line_held_by_the_kernel_and_a_missing_line_are_reported() {
    let Some((mut board, gpio)) = board(LINES, &[17]) else { return };
    gpio.hardware().lines.get_mut(&17).expect("there").held = true;
    board.start();
    board.wait_for_log("lamp critical: gpio 17: export: ");
    // The text before the name differs between C libraries.
    board.wait_for_log(" (EBUSY): the kernel uses this line");
    board.wait_for_log("/sys/class/leds");
    board.wait_for_log("relay office: gpio 18: export: Invalid argument (EINVAL): there is no such line");
    let status = board.done(&["status"]);
    assert!(status.contains("FAILED: ") && status.contains("(EBUSY)"), "{status}");
    assert_eq!(board.status()["alarms"].as_array().map(Vec::len), Some(2));
    // The kernel releases it.
    gpio.hardware().lines.get_mut(&17).expect("there").held = false;
    board.wait_for_log("lamp critical: line works again");
    wait_until("it shows the other line's failure", || !gpio.line(17).high);
}

#[test]
fn a_line_unexported_by_another_process_is_set_up_again() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    board.start();
    fs::write("/sys/class/gpio/unexport", "18").expect("unexported");
    board.wait_for_log(
        "relay office: gpio 18: read: No such device (ENODEV): the line was unexported by another process",
    );
    board.wait_for_log("module alarmd: alarm raised: output 2 failed (major)");
    board.wait_for_log("relay office: line works again");
    // An alarm before the next health check finds a stale descriptor, and drives the relay nevertheless.
    fs::write("/sys/class/gpio/unexport", "18").expect("unexported");
    board.done(&["raise", "sdhmgt"]);
    wait_until("the relay has dropped", || !gpio.line(18).high);
    assert!(gpio.line(18).exported);
}

#[test]
fn a_line_made_an_input_or_inverted_by_another_process_is_restored() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    board.start();
    fs::write("/sys/class/gpio/gpio18/active_low", "1").expect("turned round");
    board.wait_for_log("relay office: line changed by another process; level restored");
    // It was set up a second time.
    wait_until("turned back", || board.status()["outputs"][1]["writes"] == 2);
    assert_eq!(fs::read_to_string("/sys/class/gpio/gpio18/active_low").expect("read"), "0\n");
    // It moved no line, neither there nor back.
    assert_eq!(gpio.edges(18), [true]);
    fs::write("/sys/class/gpio/gpio18/direction", "in").expect("made an input");
    board.done(&["raise", "sdhmgt"]);
    wait_until("an output again, and dropped", || gpio.line(18).output && !gpio.line(18).high);
    board.wait_for_log("relay office: gpio 18: write: Operation not permitted (EPERM)");
}

#[test]
fn the_daemon_waits_for_files_that_become_writable_late() {
    let Some((mut board, gpio)) = board(LINES, &[17, 18]) else { return };
    for line in gpio.hardware().lines.values_mut() {
        line.locked = true;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // As udev does: some time after the export, when the daemon has found the files read-only.
            wait_until("refused", || gpio.line(17).refused > 0);
            for line in gpio.hardware().lines.values_mut() {
                line.locked = false;
            }
        });
        board.start();
    });
    assert!(!board.log().contains("error"), "{}", board.log());
    assert!(gpio.line(18).high);
}

/// The result of an operation: a count, or the C library's text for the error.
fn result(done: io::Result<usize>) -> String {
    match done {
        Ok(count) => format!("{count} "),
        Err(error) => {
            let errno = error.raw_os_error().expect("the kernel's");
            // SAFETY: strerror gives a C string; no other thread of this test calls it in the meantime.
            let words = unsafe { std::ffi::CStr::from_ptr(libc::strerror(errno)) };
            format!("-1 {}", words.to_str().expect("UTF-8"))
        }
    }
}

fn write(file: &str, text: &str) -> String {
    let name = file.rsplit('/').next().expect("a name");
    let done = fs::File::options().write(true).open(file).map(|file| {
        // One write(2): `write_all` would skip an empty one.
        // SAFETY: the text is ours and its length goes with it.
        let count = unsafe { libc::write(std::os::fd::AsRawFd::as_raw_fd(&file), text.as_ptr().cast(), text.len()) };
        if count == -1 { Err(io::Error::last_os_error()) } else { Ok(count as usize) }
    });
    format!("write {name:<28} '{text}' -> {}\n", result(done.and_then(|count| count)))
}

fn read(file: &str) -> String {
    let name = file.rsplit('/').next().expect("a name");
    let mut buffer = [0; 63];
    let done = fs::File::open(file).and_then(|file| file.read_at(&mut buffer, 0));
    let text = String::from_utf8_lossy(&buffer[..*done.as_ref().unwrap_or(&0)]).into_owned();
    let (count, words) = match result(done) {
        failed if failed.starts_with("-1") => ("-1".to_owned(), failed[3..].to_owned()),
        count => (count.trim().to_owned(), String::new()),
    };
    format!("read  {name:<28} -> {count} '{}' {words}\n", text.trim_end_matches('\n'))
}

/// Repeats what was done to line 2041 of a real kernel, with 2043 held, and gives the answers in the recording's form.
fn probe() -> String {
    let control = |file: &str, text: &str| write(&format!("/sys/class/gpio/{file}"), text);
    let of = |file: &str| format!("/sys/class/gpio/gpio2041/{file}");
    let set = |file: &str, text: &str| write(&of(file), text);
    let get = |file: &str| read(&of(file));
    let mut all = String::new();
    let mut say = |text: String| all.push_str(&text);
    say(control("unexport", "2041"));
    for number in ["2041", "2041", "2043", "99999", "abc", "-1", ""] {
        say(control("export", number));
    }
    say(read("/sys/class/gpio/export"));
    for file in ["direction", "value", "edge", "active_low"] {
        say(get(file));
    }
    say(set("value", "1"));
    say(set("direction", "bogus"));
    say(set("direction", "out"));
    say(get("value"));
    say(set("direction", "high\n"));
    say(get("value"));
    say(get("direction"));
    say(set("direction", "low"));
    say(get("value"));
    say(set("value", "1"));
    say(get("value"));
    say(set("value", "0"));
    say(set("value", "2"));
    say(get("value"));
    say(set("value", "x"));
    say(set("value", ""));
    say(get("value"));
    say(set("value", "1\n"));
    say(set("active_low", "1"));
    say(get("value"));
    say(set("value", "1"));
    say(get("value"));
    say(set("active_low", "0"));
    say(get("value"));
    say(set("edge", "rising"));
    say(get("edge"));
    say(set("edge", "none"));
    say(set("edge", "zz"));
    say(set("direction", "in"));
    say(set("edge", "both"));
    say(get("edge"));
    say(set("direction", "out"));
    say(set("edge", "none"));
    say(set("direction", "out"));
    let kept = fs::File::options().read(true).write(true).open(of("value")).expect("opened");
    for level in ["1", "0", "1", "0"] {
        say(format!("pwrite kept fd {level} -> {};", result(kept.write_at(level.as_bytes(), 0))));
        let mut buffer = [0; 3];
        let count = kept.read_at(&mut buffer, 0);
        say(format!(" pread -> {}'{}' \n", result(count), char::from(buffer[0])));
    }
    for (number, place, level) in [(1, "pos0", "1"), (2, "no seek, pos1", "0")] {
        say(format!("write#{number} ({place}) -> {}\n", result(io::Write::write(&mut &kept, level.as_bytes()))));
        say(get("value"));
    }
    say(format!("pwrite off 7 -> {}\n", result(kept.write_at(b"0", 7))));
    let mut poll =
        libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(&kept), events: libc::POLLPRI | libc::POLLERR, revents: 0 };
    // SAFETY: one `pollfd`, as the count says.
    let ready = unsafe { libc::poll(&mut poll, 1, 0) };
    say(format!("poll -> {ready} revents {:x}\n", poll.revents));
    for (what, path) in [("open O_TRUNC|O_CREAT", of("value")), ("create new file", "/sys/class/gpio/zz".to_owned())] {
        let path = CString::new(path).expect("no zero byte");
        let flags = libc::O_WRONLY | libc::O_CREAT | if what.contains("TRUNC") { libc::O_TRUNC } else { 0 };
        // SAFETY: a C string that lives through the call.
        let opened = unsafe { libc::open(path.as_ptr(), flags, 0o644) };
        let words =
            if opened == -1 { result(Err(io::Error::last_os_error()))[3..].to_owned() } else { "ok".to_owned() };
        say(format!("{what} -> {words}\n"));
    }
    say(control("unexport", "2041"));
    say(format!("stale fd after unexport -> {}\n", result(kept.write_at(b"1", 0))));
    say(get("value"));
    all
}

#[test]
fn the_stand_in_answers_as_a_real_kernel_did() {
    let Some((_board, gpio)) = board("", &[2041, 2043]) else { return };
    gpio.hardware().lines.get_mut(&2043).expect("there").held = true;
    let recorded = include_str!("../gpio-recording.txt");
    let answered = probe();
    for (position, (answer, record)) in answered.lines().zip(recorded.lines()).enumerate() {
        // musl has other texts for two errors.
        let glibc =
            answer.replace("Resource busy", "Device or resource busy").replace("I/O error", "Input/output error");
        assert_eq!(glibc, record, "line {}", position + 1);
    }
    assert_eq!(answered.lines().count(), recorded.lines().count());
}
