//! Who may do what: the claims of docs/threat-model.md that no other file here shows.
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::errno::Errno;
use alarmd_core::sysv::{Access, Key, Segment, words};
use alarmd_core::wire::{Doorbell, ModuleSegment};

use crate::support::gpio_fs::Gpio;
use crate::support::{
    Board, KEY, Process, Program, Random, SDHMGT, c, give_away, open_producer, skip, status_words, wait_until,
};

/// The unprivileged daemon's user, and an untrusted user.
const USER: u32 = 4711;
const UNTRUSTED: u32 = 65534;
/// A group that both of them may be in.
const GROUP: u32 = 4712;

const CONFIG: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n\
    [relay any]\nfail_safe = no\npath = {dir}/any\nmodules = sdhmgt\n\
    [relay other]\nfail_safe = no\npath = {dir}/other\nmodules = alarm\n";

/// The command as this user, in this group.
fn as_user(command: &mut Command, user: u32, group: u32) -> &mut Command {
    command.uid(user).gid(group).current_dir("/")
}

/// The daemon as an unprivileged user, who owns the folder; `None` if there is no second user here.
pub fn unprivileged(config: &str) -> Option<(Board, Command)> {
    let board = Board::bare(config)?;
    if let Err(error) = chown(board.folder.path(), Some(USER), Some(GROUP)) {
        skip(&format!("no second user here: {error}"));
        return None;
    }
    let mut command = board.for_all_users(&Program::daemon(), "alarmd").command();
    command.arg("-c").arg(board.path("alarmd.conf"));
    as_user(&mut command, USER, GROUP);
    Some((board, command))
}

/// Runs alarmctl as another user.
fn ctl_as(board: &Board, user: u32, group: u32, arguments: &[&str]) -> io::Result<std::process::Output> {
    let mut command = board.for_all_users(&Program::tool(), "alarmctl").command();
    command.arg("-c").arg(board.path("alarmd.conf")).args(arguments).stdin(Stdio::null());
    as_user(&mut command, user, group).output()
}

#[test]
fn an_unprivileged_daemon_with_write_permission_drives_the_lines() {
    let Some((mut board, daemon)) = unprivileged(
        "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp any]\ngpio = 17\n[relay office]\ngpio = 18\n",
    ) else {
        return;
    };
    let Some(gpio) = Gpio::mount(&board, &[17, 18]) else { return };
    gpio.hardware().owner = USER;
    board.start_as(daemon);
    assert_eq!((gpio.edges(17), gpio.edges(18)), (vec![], vec![true]));
    let ran = ctl_as(&board, USER, GROUP, &["raise", "sdhmgt"]).expect("run");
    assert!(ran.status.success(), "{ran:?}");
    wait_until("shown", || gpio.edges(17) == [true] && gpio.edges(18) == [true, false]);
    // The guardian can drive the relay too.
    ctl_as(&board, USER, GROUP, &["clear", "sdhmgt"]).expect("run");
    wait_until("well", || gpio.edges(18) == [true, false, true]);
    board.signal_worker(libc::SIGKILL);
    wait_until("dropped, and energised again", || gpio.edges(18) == [true, false, true, false, true]);
}

#[test]
fn an_unprivileged_daemon_without_write_permission_reports_the_line() {
    let Some((mut board, daemon)) = unprivileged("[lamp any]\ngpio = 17\n") else { return };
    let Some(_gpio) = Gpio::mount(&board, &[17]) else { return };
    board.start_as(daemon);
    board.wait_for_log("lamp any: gpio 17: export: Permission denied (EACCES): alarmd's user may not write this file");
}

#[test]
fn a_segment_that_a_producer_created_gets_the_configured_mode_and_group() {
    let config = CONFIG.replace("[daemon]", &format!("[daemon]\nmode = 0640\ngroup = {GROUP}"));
    let Some(mut board) = Board::bare(&config) else { return };
    let first = Segment::create(KEY, 1024, 0o666).expect("made");
    let doorbell = Segment::create(Key::DOORBELL, 256, 0o666).expect("made");
    board.start();
    for segment in [&first, &doorbell] {
        let stat = segment.stat().expect("there");
        assert_eq!((stat.mode, stat.gid), (0o640, GROUP));
    }
    board.wait_for_log("mode changed from 0666 to 0640");
    // Also when the configuration changes later.
    board.configure(&CONFIG.replace("[daemon]", "[daemon]\nmode = 0600"));
    board.daemon().signal(libc::SIGHUP);
    wait_until("narrowed", || {
        [&first, &doorbell].iter().all(|segment| segment.stat().is_ok_and(|stat| stat.mode == 0o600))
    });
}

#[test]
fn an_unprivileged_daemon_refuses_a_segment_whose_mode_is_too_wide() {
    let Some((mut board, daemon)) = unprivileged(CONFIG) else { return };
    let wide = Segment::create(KEY, 1024, 0o666).expect("made by root");
    board.start_as(daemon);
    board.wait_for_log("its mode 0666 lets untrusted users write, and alarmd may not change it");
    assert_eq!(board.segment("sdhmgt", "fixed").expect("in the status")["state"], "refused");
    // With the mode that the message names the segment is read.
    board.configure(&CONFIG.replace("[daemon]", "[daemon]\nmode = 0666"));
    board.daemon().signal(libc::SIGHUP);
    wait_until("accepted", || board.segment("sdhmgt", "fixed").expect("in the status")["state"] != "refused");
    drop(wide);
}

#[test]
fn a_doorbell_of_an_untrusted_user_is_replaced() {
    let Some(mut board) = Board::bare(&CONFIG.replace("[daemon]", "[daemon]\ntrust = root")) else { return };
    let theirs = Segment::create(Key::DOORBELL, 256, 0o666).expect("made");
    if !give_away(&theirs, UNTRUSTED) {
        return;
    }
    board.start();
    board.wait_for_log("(owner 65534, 256 bytes) is unusable; replaced");
    assert_ne!(Segment::find(Key::DOORBELL).expect("made"), theirs.id());
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
}

#[test]
fn a_daemon_of_another_user_ends_when_a_daemon_of_root_replaces_it() {
    let Some((mut board, daemon)) = unprivileged(CONFIG) else { return };
    board.start_as(daemon);
    let mut other = board.take_daemon();
    // The two daemons do not share a pidfile.
    fs::remove_file(board.path("alarmd.pid")).expect("removed");
    board.start();
    assert_eq!(other.exit_code(), Some(1));
    board.wait_for_log(&format!("alarmd is already running (process {})", board.daemon().id()));
    assert_eq!(board.log().matches("belongs to another user (owner ").count(), 1);
    assert_eq!(board.status()["daemon"]["pid"], board.daemon().id());
}

#[test]
fn an_unprivileged_daemon_reports_a_foreign_status_block_and_does_not_start() {
    let Some((board, mut daemon)) = unprivileged(CONFIG) else { return };
    let _theirs = Segment::create(Key::STATUS, 16, 0o600).expect("made by root");
    let ran = daemon.output().expect("run");
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(err.contains("status block: key 0x414c0101") && err.contains("Permission denied"), "{err}");
    assert!(board.output("any").is_empty(), "no line was touched");
}

#[test]
fn a_foreign_doorbell_is_an_alarm_and_alarms_are_detected_by_polling() {
    let Some((mut board, daemon)) = unprivileged(CONFIG) else { return };
    let theirs = Segment::create(Key::DOORBELL, 16, 0o600).expect("made by root");
    board.start_as(daemon);
    board.wait_for_log("module alarmd: alarm raised: segment of the doorbell refused (major)");
    assert!(!board.log().contains("is unusable; replaced"), "{}", board.log());
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
    theirs.id().remove().expect("removed");
    board.wait_for_log("module alarmd: alarm cleared: segment of the doorbell refused (major)");
}

#[test]
fn a_segment_above_the_largest_size_is_refused_and_not_mapped() {
    let Some(mut board) = Board::bare(&CONFIG.replace("[daemon]", "[daemon]\nlock_memory = yes")) else { return };
    let huge = 64 << 20;
    let module = Segment::create(KEY, huge, 0o666).expect("made");
    Segment::create(Key::DOORBELL, huge, 0o666).expect("made");
    board.start();
    board.wait_for_log("module alarmd: alarm raised: segment of module 31 refused (major)");
    board.wait_for_log("it has 67108864 bytes, and at most 65536 are read");
    board.wait_for_log("67108864 bytes) is unusable; replaced");
    let segment = board.segment("sdhmgt", "fixed").expect("in the status");
    assert_eq!(segment["state"], "refused");
    assert!(segment["failure"].as_str().is_some_and(|why| why.contains("at most 65536 are read")), "{segment}");
    let maps = fs::read_to_string(format!("/proc/{}/maps", board.worker())).expect("read");
    let mapped = maps.lines().filter(|line| line.contains("/SYSV")).map(|line| {
        let (first, rest) = line.split_once('-').expect("a range");
        let last = rest.split(' ').next().expect("a range");
        let [first, last] = [first, last].map(|text| usize::from_str_radix(text, 16).expect("hexadecimal"));
        last - first
    });
    assert!(mapped.sum::<usize>() < 1 << 20, "{maps}");
    module.id().remove().expect("removed");
    board.wait_for_log("module alarmd: alarm cleared: segment of module 31 refused (major)");
}

#[test]
fn a_producer_that_raises_and_clears_without_end_does_not_fill_the_log() {
    let Some(board) = Board::new(CONFIG) else { return };
    let mut producer = open_producer(SDHMGT);
    let events = || status_words().event_count;
    while events() < 20_000 {
        for kind in 0..30 {
            producer.raise(AlarmId { alarm_type: kind, ..AlarmId::default() }, 1).expect("raised");
        }
        producer.clear_all().expect("cleared");
    }
    let lines = board.log().lines().count();
    // 20,000 events take a minute at most, at 1000 rounds a second.
    assert!((500..2000).contains(&lines), "{lines} lines");
    // The number of dropped lines is logged as soon as a line may be logged again.
    wait_until("the dropped lines are counted", || {
        producer.raise(AlarmId::default(), 1).expect("raised");
        producer.clear_all().expect("cleared");
        board.log().contains(" lines dropped before this one")
    });
}

#[test]
fn an_untrusted_user_can_read_the_status_and_write_nothing() {
    let Some(board) = Board::new(CONFIG) else { return };
    let ran = match ctl_as(&board, UNTRUSTED, UNTRUSTED, &["status"]) {
        Ok(ran) => ran,
        Err(error) => return skip(&format!("no second user here: {error}")),
    };
    assert!(ran.status.success(), "{ran:?}");
    for arguments in [&["raise", "sdhmgt"][..], &["clear", "sdhmgt", "--all"], &["remove", "sdhmgt"]] {
        let ran = ctl_as(&board, UNTRUSTED, UNTRUSTED, arguments).expect("run");
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_member_of_the_group_can_raise_and_clear_but_not_remove() {
    let Some(board) = Board::new(&CONFIG.replace("[daemon]", &format!("[daemon]\ngroup = {GROUP}"))) else { return };
    let code = |arguments: &[&str]| ctl_as(&board, UNTRUSTED, GROUP, arguments).map(|ran| ran.status.code());
    match code(&["raise", "sdhmgt"]) {
        Err(error) => return skip(&format!("no second user here: {error}")),
        Ok(code) => assert_eq!(code, Some(0)),
    }
    board.wait_for_output("any", "1");
    assert_eq!(code(&["clear", "sdhmgt"]).expect("run"), Some(0));
    board.wait_for_output("any", "0");
    assert_eq!(code(&["remove", "sdhmgt"]).expect("run"), Some(1), "only owner and root remove");
    assert_eq!(code(&["remove", "--all"]).expect("run"), Some(1), "only owner and root remove");
}

#[test]
fn a_member_of_the_group_can_acknowledge_and_an_untrusted_user_cannot() {
    let config = CONFIG.replace("[daemon]", &format!("[daemon]\ngroup = {GROUP}"));
    let Some(board) = Board::new(&config) else { return };
    board.done(&["raise", "sdhmgt"]);
    board.wait_for_output("any", "1");
    let ran = match ctl_as(&board, UNTRUSTED, UNTRUSTED, &["ack"]) {
        Ok(ran) => ran,
        Err(error) => return skip(&format!("no second user here: {error}")),
    };
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("join its group"), "{ran:?}");
    let acknowledged = || board.status()["alarms"][0]["acknowledged"] == true;
    assert!(!acknowledged());
    for command in [&["ack"][..], &["silence"], &["lamp-test", "1"]] {
        let ran = ctl_as(&board, UNTRUSTED, GROUP, command).expect("run");
        assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    }
    assert!(acknowledged());
}

#[test]
fn random_bytes_in_a_module_and_the_doorbell_harm_no_other_module() {
    let Some(board) = Board::new(CONFIG) else { return };
    let mut random = Random::new();
    let module = Segment::attach(KEY, Access::ReadWrite).expect("attached");
    let doorbell = Segment::attach(Key::DOORBELL, Access::ReadWrite).expect("attached");
    let mut other = open_producer(ModuleId::new(32).expect("an id"));
    for turn in 0..200 {
        let scribble = |random: &mut Random, words: &[AtomicU32]| {
            for word in words {
                let value = if random.below(2) == 0 { random.next() } else { random.below(3) };
                word.store(value, Ordering::Relaxed);
            }
        };
        scribble(&mut random, words(module.view::<ModuleSegment>().expect("whole")));
        scribble(&mut random, words(doorbell.view::<Doorbell>().expect("whole")));
        let up = turn % 2 == 0;
        let alarm = AlarmId::default();
        if up {
            other.raise(alarm, 1).expect("raised")
        } else {
            assert!(other.clear(alarm).expect("cleared"))
        }
        board.wait_for_output("other", if up { "1" } else { "0" });
    }
    // The original client's wipe clears all of it.
    words::<AtomicU32, _>(module.view::<ModuleSegment>().expect("whole"))
        .iter()
        .for_each(|word| word.store(0, Ordering::Relaxed));
    board.wait_for_output("any", "0");
    assert_eq!(board.status()["daemon"]["restarts"], 0);
}

#[test]
fn a_member_of_the_group_cannot_signal_the_worker_or_write_the_status() {
    let Some(board) = Board::new(&CONFIG.replace("[daemon]", &format!("[daemon]\ngroup = {GROUP}"))) else { return };
    let Some(errnos) = as_member(|| {
        let status = Segment::attach(Key::STATUS, Access::ReadWrite).map(|_| ());
        let worker = board.worker() as libc::pid_t;
        // SAFETY: signal 0 is not delivered.
        let killed = unsafe { libc::kill(worker, 0) };
        let killed = if killed == -1 { Errno::last() } else { Errno::from_raw(0) };
        [status.map_or_else(|error| error.errno, |()| Errno::from_raw(0)), killed]
    }) else {
        return skip("no second user here");
    };
    assert_eq!(errnos, [Errno::EACCES, Errno::EPERM]);
}

/// Runs this as the untrusted user in the group, in a thread of its own: only the rights of that thread change.
fn as_member<T: Send>(act: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // The system calls themselves: the C library's functions would change all threads.
            // SAFETY: no pointers.
            let changed = unsafe {
                libc::syscall(libc::SYS_setresgid, GROUP, GROUP, GROUP) == 0
                    && libc::syscall(libc::SYS_setresuid, UNTRUSTED, UNTRUSTED, UNTRUSTED) == 0
            };
            changed.then(act)
        });
        thread.join().expect("no panic")
    })
}

#[test]
fn an_old_producer_that_created_its_segment_first_continues_to_work() {
    let Some(mut board) = Board::bare(CONFIG) else { return };
    fs::set_permissions(board.folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
    let mut producer = board.for_all_users(&c::program("old_producer"), "old_producer").command();
    as_user(producer.args(["key", "0x414C001F"]), UNTRUSTED, UNTRUSTED).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut producer = match producer.spawn() {
        Ok(child) => Process(child),
        Err(error) => return skip(&format!("no second user here: {error}")),
    };
    wait_until("its segment is there", || Segment::find(KEY).is_ok());
    board.start();
    // Whatever mode the segment has now, a process that is attached can still write.
    io::Write::write_all(producer.0.stdin.as_mut().expect("piped"), b"1\n").expect("in the status");
    board.wait_for_output("any", "1");
}
