//! alarmctl: words and exit codes.
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use alarmd_core::errno::Errno;
use alarmd_core::sysv::{Key, Segment};
use serde_json::Value;

use crate::support::{Board, Program, Ran, skip};

const TWO: &str = "[module sdhmgt]\nid = 31\n[module alarm]\nid = 0x20\nkey = 0x1234\n";

/// Runs `alarmctl shell` with this input.
fn shell(board: &Board, module: &str, input: &str) -> Ran {
    let mut command = board.alarmctl(&["shell", module]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("sent");
    Ran::from(child.wait_with_output().expect("ended"))
}

/// The first five words of the segment with this key, as any other process sees them.
fn record(key: u32) -> [u32; 5] {
    let key = Key::fixed(key).expect("a key");
    let segment = Segment::attach(key, alarmd_core::sysv::Access::ReadOnly).expect("attached");
    std::array::from_fn(|word| segment.load(word).expect("there"))
}

#[test]
fn raise_without_a_daemon_creates_the_segment_and_a_later_daemon_reads_it() {
    let Some(mut board) = Board::bare(&format!("{TWO}[lamp any]\npath = {{dir}}/any\n")) else { return };
    let ran = board.ctl(&["raise", "alarm", "--type", "0x10", "--level", "major"]);
    assert_eq!((ran.code, ran.err.contains("alarmd is not running")), (0, true), "{ran:?}");
    assert!(Segment::find(Key::fixed(0x1234).expect("a key")).is_ok());
    board.start();
    board.wait_for_output("any", "1");
    let status = board.status();
    assert_eq!((&status["alarms"][0]["type"], &status["alarms"][0]["module"]), (&16.into(), &"alarm".into()));
}

#[test]
fn modules_are_named_by_name_or_id_and_unknown_ones_are_an_error() {
    let Some(mut board) = Board::bare(TWO) else { return };
    for daemon in [false, true] {
        if daemon {
            board.start();
        }
        board.done(&["raise", "32"]);
        board.done(&["clear", "0x20"]);
        for command in ["raise", "clear", "shell", "key", "remove"] {
            for unknown in ["fan", "33", "0", "256"] {
                if (command, unknown) == ("remove", "33") {
                    continue; // remove also takes modules that are not configured
                }
                let ran = board.ctl(&[command, unknown]);
                assert_eq!(ran.code, 1, "{command} {unknown}: {ran:?}");
                let words = format!("unknown module '{unknown}' (known: sdhmgt (31), alarm (32))");
                assert!(ran.err.contains(&words), "{ran:?}");
            }
        }
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let Some(board) = Board::bare(TWO) else { return };
    let wrong: [&[&str]; 18] = [
        &[],
        &["fly"],
        &["--wings"],
        &["raise"],
        &["raise", "sdhmgt", "alarm"],
        &["raise", "sdhmgt", "--type", "x"],
        &["raise", "sdhmgt", "--type", "0x100000000"],
        &["raise", "sdhmgt", "--type"],
        &["raise", "sdhmgt", "--level", "awful"],
        &["raise", "sdhmgt", "--level", "cleared"],
        &["clear"],
        &["clear", "sdhmgt", "--all", "--type", "1"],
        &["status", "--yaml"],
        &["status", "sdhmgt"],
        &["shell"],
        &["key", "/", "256"],
        &["remove"],
        &["remove", "sdhmgt", "--all"],
    ];
    for arguments in wrong {
        let ran = board.ctl(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("see alarmctl --help") && ran.out.is_empty(), "{arguments:?}: {ran:?}");
    }
    assert_eq!(Segment::find(Key::fixed(0x414C_001F).expect("a key")).unwrap_err().errno, Errno::ENOENT);
}

#[test]
fn status_exits_with_3_if_no_daemon_runs() {
    let Some(mut board) = Board::bare(TWO) else { return };
    let no_daemon = |board: &Board| {
        for arguments in [&["status"][..], &["status", "--json"]] {
            let ran = board.ctl(arguments);
            assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{ran:?}");
            assert!(ran.err.contains("alarmd is not running"), "{ran:?}");
        }
    };
    no_daemon(&board);
    board.start();
    assert_eq!(board.status()["daemon"]["healthy"], true);
    board.stop();
    no_daemon(&board);
    board.start();
    board.kill();
    no_daemon(&board);
}

#[test]
fn help_and_version_are_printed() {
    let Some(board) = Board::bare(TWO) else { return };
    let help = board.done(&["--help"]);
    for subcommand in ["raise", "clear", "status", "shell", "key", "remove"] {
        assert!(help.contains(subcommand), "{help}");
    }
    assert_eq!(board.done(&["--version"]), format!("alarmctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn shell_writes_what_the_original_clients_wrote() {
    let Some(board) = Board::bare(TWO) else { return };
    let ran = shell(&board, "sdhmgt", "1");
    assert_eq!((ran.code, ran.out.as_str()), (0, "module sdhmgt: raised\n"));
    assert_eq!(record(0x414C_001F), [1, 0x14, 0x11, 0x13, 0x12]);
    assert_eq!(shell(&board, "alarm", "1").code, 0);
    assert_eq!(record(0x1234), [1, 0x24, 0x21, 0x23, 0x22]);
    shell(&board, "sdhmgt", "0");
    assert_eq!(record(0x414C_001F), [0, 0x14, 0x11, 0x13, 0x12]);
    shell(&board, "sdhmgt", "1 9");
    assert_eq!(record(0x414C_001F), [0; 5]);
}

#[test]
fn shell_ends_at_2_or_at_end_of_input_and_ignores_text_that_is_no_number() {
    let Some(board) = Board::bare(TWO) else { return };
    let mut command = board.alarmctl(&["shell", "sdhmgt"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(b"\xff\n1\n").expect("sent");
    let ran = Ran::from(child.wait_with_output().expect("ended"));
    assert!(ran.code == 0 && ran.out.contains("raised") && ran.err.contains("is not a number"), "{ran:?}");
    let ran = shell(&board, "sdhmgt", "1\nfoo 0\n");
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("'foo' is not a number; ignored"), "{ran:?}");
    assert_eq!(ran.out, "module sdhmgt: raised\nmodule sdhmgt: cleared\n");
    // The end of the input does not remove the segment.
    let key = Key::fixed(0x414C_001F).expect("a key");
    assert!(Segment::find(key).is_ok());
    let ran = shell(&board, "sdhmgt", "2 1 1 1\n");
    assert_eq!(ran.out, "module sdhmgt: segment removed\n");
    assert!(Segment::find(key).is_err());
}

#[test]
fn clear_clears_one_alarm_or_all_and_reports_if_there_was_none() {
    let Some(board) = Board::bare(TWO) else { return };
    board.done(&["raise", "sdhmgt", "--type", "1"]);
    board.done(&["raise", "sdhmgt", "--type", "2"]);
    shell(&board, "sdhmgt", "1");
    assert!(board.done(&["clear", "sdhmgt", "--type", "3"]).starts_with("nothing to clear"));
    assert!(board.done(&["clear", "sdhmgt", "--type", "2"]).starts_with("cleared"));
    assert!(board.done(&["clear", "sdhmgt", "--type", "2"]).starts_with("nothing to clear"));
    // Slot 0 too, if it holds this alarm.
    assert!(
        board.done(&["clear", "sdhmgt", "--type", "0x14", "--code", "0x11", "--index", "0x12"]).starts_with("cleared")
    );
    assert_eq!(record(0x414C_001F)[0], 0);
    assert!(board.done(&["clear", "sdhmgt", "--all"]).starts_with("cleared"));
    assert!(board.done(&["clear", "sdhmgt", "--all"]).starts_with("nothing to clear"));
}

#[test]
fn remove_removes_one_module_or_everything() {
    let Some(mut board) = Board::bare(TWO) else { return };
    let ran = board.ctl(&["remove", "sdhmgt"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("module sdhmgt: key 0x414c001f: shmget: No such file or directory (ENOENT)"), "{ran:?}");
    assert_eq!(board.done(&["remove", "--all"]), "nothing to remove\n");
    let ran = board.ctl(&["remove", "77"]);
    assert!(ran.code == 1 && ran.err.contains("module 77: key 0x414c004d"), "{ran:?}");
    let left = Segment::create(Key::fixed(0x414C_004D).expect("a key"), 1024, 0o600).expect("made");
    board.done(&["remove", "77"]);
    assert!(left.stat().expect("attached").destroyed);
    board.start();
    board.stop();
    board.done(&["remove", "alarm"]);
    assert!(Segment::find(Key::fixed(0x1234).expect("a key")).is_err());
    let out = board.done(&["remove", "--all"]);
    assert_eq!(out.lines().count(), 3, "{out}");
    for key in [Key::DOORBELL, Key::STATUS, Key::fixed(0x414C_001F).expect("a key")] {
        assert_eq!(Segment::find(key).unwrap_err().errno, Errno::ENOENT);
    }
}

#[test]
fn key_prints_each_key_its_origin_and_what_would_change_it() {
    let Some(board) = Board::bare(TWO) else { return };
    let out = board.done(&["key", "sdhmgt"]);
    assert!(out.contains("module sdhmgt: 0x414c001f") && out.contains("0x414C0000 | id 31"), "{out}");
    let out = board.done(&["key", "/", "31"]);
    assert!(out.contains("ftok(/, 31)") && out.contains("inode") && out.contains("recreated"), "{out}");
    let all: Value = serde_json::from_str(&board.done(&["key", "--json"])).expect("JSON");
    let keys: Vec<u64> = all.as_array().expect("keys").iter().filter_map(|report| report["key"].as_u64()).collect();
    assert_eq!(keys, [0x414C_001F, 0x1234, 0x414C_0100, 0x414C_0101]);
    for (path, words) in [(".", "relative"), ("/no/such", "does not exist")] {
        let ran = board.ctl(&["key", path, "31"]);
        assert!(ran.code == 1 && ran.err.contains(words), "{ran:?}");
    }
}

#[test]
fn a_segment_without_permission_is_reported_with_a_remedy() {
    let Some(mut board) = Board::bare("[daemon]\nmode = 0600\n[module sdhmgt]\nid = 31\n") else { return };
    board.start();
    let mut command = board.alarmctl(&["raise", "sdhmgt"]);
    let mut other = board.for_all_users(&Program::tool(), "alarmctl").command();
    other.arg("-c").arg(board.path("alarmd.conf")).args(["raise", "sdhmgt"]).current_dir("/").uid(65534);
    let output = match other.output() {
        Ok(output) => output,
        Err(error) => return skip(&format!("no second user here: {error}")),
    };
    let ran = Ran::from(output);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("module sdhmgt: key 0x414c001f: ") && ran.err.contains("EACCES"), "{ran:?}");
    assert!(ran.err.contains("set mode and group in alarmd.conf"), "{ran:?}");
    // A user who may write it is not affected.
    assert!(command.output().expect("run").status.success());
}

#[test]
fn a_full_table_of_segments_is_reported_with_the_limit() {
    let Some(mut board) = Board::bare(TWO) else { return };
    // The limit of this IPC namespace only.
    let limit = |segments: &str| std::fs::write("/proc/sys/kernel/shmmni", segments);
    if let Err(error) = limit("2") {
        return skip(&format!("SHMMNI cannot be set: {error}"));
    }
    board.done(&["raise", "sdhmgt"]);
    board.done(&["raise", "alarm"]);
    board.done(&["remove", "alarm"]);
    let taken = Segment::create(Key::fixed(0x99).expect("a key"), 8, 0o600).expect("made");
    let ran = board.ctl(&["raise", "alarm"]);
    assert_eq!(ran.code, 1);
    let words = "module alarm: key 0x00001234: shmget(IPC_CREAT): No space left on device (ENOSPC)";
    assert!(ran.err.contains(words) && ran.err.contains("/proc/sys/kernel/shmmni"), "{ran:?}");
    // The daemon cannot start without its status block, and says so.
    let ran = Ran::from(board.alarmd().output().expect("run"));
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("status block") && ran.err.contains("/proc/sys/kernel/shmmni"), "{ran:?}");
    // With room for the status block only it works, refuses the other segments, and accepts them when there is room.
    limit("3").expect("set");
    board.start();
    assert_eq!(board.segment("alarm", "fixed").expect("in the status")["state"], "refused");
    taken.id().remove().expect("removed");
    drop(taken);
    limit("8").expect("set");
    board.wait_for_log("module alarm: segment accepted");
}

#[test]
fn a_size_above_shmmax_names_shmmax() {
    let Some(board) = Board::bare(TWO) else { return };
    if let Err(error) = std::fs::write("/proc/sys/kernel/shmmax", "512") {
        return skip(&format!("SHMMAX cannot be set: {error}"));
    }
    let ran = board.ctl(&["raise", "alarm"]);
    assert!(ran.code == 1 && ran.err.contains("EINVAL") && ran.err.contains("/proc/sys/kernel/shmmax"), "{ran:?}");
}

#[test]
fn a_wrong_command_line_is_named_with_its_word() {
    let Some(board) = Board::bare("") else { return };
    for (words, named) in [
        (&["status", "surplus"][..], "unexpected argument 'surplus'"),
        (&["status", "--json=x"], "option '--json' takes no value, and has 'x'"),
        (&["status", "--bogus"], "invalid option '--bogus'"),
        (&["raise", "sdhmgt", "--type"], "missing argument for option '--type'"),
    ] {
        let ran = board.ctl(words);
        assert!(ran.code == 2 && ran.err.contains(named), "{ran:?}");
    }
}
