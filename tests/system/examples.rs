//! The examples, as a newcomer would run them: both producers in the same tests, for they do the same, and the supervisor.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use alarmd_core::sysv::{Access, Key, Segment};

use crate::support::{Board, Process, Program, c, example, skip, wait_for, wait_until};

const CONFIG: &str =
    "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[module alarm]\nid = 32\n[lamp any]\npath = {dir}/any\n";

/// Module 31's segment.
fn key() -> Key {
    Key::fixed(0x414C_001F).expect("a key")
}

/// The active alarms as `sdhmgt slot 1 type 1 code 1`.
fn alarms(board: &Board) -> Vec<String> {
    let status = board.status();
    let alarms = status["alarms"].as_array().expect("alarms").iter().map(|alarm| {
        let text = |name: &str| alarm[name].as_str().expect("text").to_owned();
        format!("{} {} type {} code {}", text("module"), text("origin"), alarm["type"], alarm["code"])
    });
    alarms.collect()
}

/// Waits until the active alarms are these and no others, each known by some of its words.
#[track_caller]
fn wait_for_alarms(board: &Board, expected: &[&str]) {
    wait_until(&format!("the alarms are {expected:?}"), || {
        let found = alarms(board);
        found.len() == expected.len() && expected.iter().all(|words| found.iter().any(|alarm| alarm.contains(words)))
    });
}

/// How many times this event has happened.
fn count(board: &Board, event: &str) -> usize {
    board.events().iter().filter(|known| *known == event).count()
}

mod producers {
    use super::*;

    /// The word `beat` of the module segment.
    const BEAT: usize = std::mem::offset_of!(alarmd_core::wire::ModuleSegment<u32>, beat) / 4;
    const LIMIT: &str = "type 1 code 1";
    const SENSOR: &str = "type 1 code 2";

    /// Runs a test with each of the two producers, one board after the other.
    fn each(test: fn(Board, &Program)) {
        for producer in [c::example("producer"), example::producer()] {
            println!("{}", producer.path().display());
            let Some(board) = Board::bare(CONFIG) else { return };
            test(board, &producer);
        }
    }

    /// Writes the number that the producer reads.
    fn measure(board: &Board, text: &str) {
        // Renamed into its place: the producer reads the old text or the new one, and never an empty file.
        fs::write(board.path("value.new"), text).expect("written");
        fs::rename(board.path("value.new"), board.path("value")).expect("renamed");
    }

    /// Starts the producer with a limit of 90 and a period of 100 ms.
    fn start(board: &Board, producer: &Program) -> Process {
        let errors = fs::OpenOptions::new().create(true).append(true).open(board.path("errors")).expect("a file");
        let mut command = producer.command();
        command.arg(board.path("value")).args(["90", "31", "100"]).stdin(Stdio::null()).stderr(errors);
        Process(command.spawn().expect("started"))
    }

    fn errors(board: &Board) -> String {
        fs::read_to_string(board.path("errors")).unwrap_or_default()
    }

    #[test]
    fn the_alarm_follows_the_number_and_sigterm_clears_it() {
        each(|mut board, program| {
            board.start();
            measure(&board, "89\n");
            let mut producer = start(&board, program);
            wait_until("the segment is attached", || Segment::find(key()).is_ok());
            measure(&board, "90\n");
            wait_for_alarms(&board, &[LIMIT]);
            assert_eq!(board.status()["alarms"][0]["severity"], "major");
            measure(&board, "-5\n");
            wait_for_alarms(&board, &[]);
            measure(&board, "91\n");
            wait_for_alarms(&board, &[LIMIT]);
            producer.signal(libc::SIGTERM);
            assert_eq!(producer.exit_code(), Some(0));
            wait_for_alarms(&board, &[]);
            // It has taken back its promise and left no alarm: nothing is missed.
            board.wait_for_checks(3);
            wait_for_alarms(&board, &[]);
            assert_eq!(count(&board, "raised sdhmgt slot 1 type 1"), 2);
        });
    }

    #[test]
    fn a_file_without_a_number_is_an_alarm_and_leaves_the_other_as_it_was() {
        each(|mut board, program| {
            board.start();
            let _producer = start(&board, program);
            wait_for_alarms(&board, &[SENSOR]);
            measure(&board, "95");
            wait_for_alarms(&board, &[LIMIT]);
            measure(&board, "95 degrees");
            wait_for_alarms(&board, &[LIMIT, SENSOR]);
            fs::remove_file(board.path("value")).expect("removed");
            measure(&board, "12");
            wait_for_alarms(&board, &[]);
        });
    }

    #[test]
    fn without_a_daemon_the_alarm_is_stored_and_the_daemon_finds_it() {
        each(|mut board, program| {
            measure(&board, "95");
            let _producer = start(&board, program);
            wait_until("it is raised", || errors(&board).contains("limit reached: raised"));
            board.start();
            wait_for_alarms(&board, &[LIMIT]);
            // The daemon may end and start again while the producer runs.
            board.stop();
            measure(&board, "12");
            wait_until("it is cleared", || errors(&board).contains("limit reached: cleared"));
            board.start();
            wait_for_alarms(&board, &[]);
        });
    }

    #[test]
    fn a_removed_segment_is_replaced_and_the_alarm_is_raised_in_the_new_one() {
        each(|mut board, program| {
            board.start();
            measure(&board, "95");
            let _producer = start(&board, program);
            wait_for_alarms(&board, &[LIMIT]);
            let before = Segment::find(key()).expect("a segment");
            board.done(&["remove", "sdhmgt"]);
            wait_until("another segment", || Segment::find(key()).is_ok_and(|id| id != before));
            // The daemon sees one alarm that lasts. So the test looks at slot 1 of the new segment: flag, type, code.
            let segment = Segment::attach(key(), Access::ReadOnly).expect("attached");
            wait_until("it is raised again", || [32, 33, 34].map(|word| segment.load(word)) == [Some(1); 3]);
            wait_for_alarms(&board, &[LIMIT]);
        });
    }

    #[test]
    fn a_segment_that_cannot_be_used_is_reported_once_and_tried_again() {
        each(|board, program| {
            measure(&board, "12");
            let _producer = start(&board, program);
            let segment = wait_for("a segment", || Segment::find(key()).ok());
            // Before its first beats a producer whose segment goes ends with an error.
            wait_until("it beats", || {
                let attached = Segment::attach(key(), Access::ReadOnly).ok();
                attached.and_then(|segment| segment.load(BEAT)).is_some_and(|beat| beat > 1)
            });
            // In its place a segment that is too small.
            segment.remove().expect("removed");
            let small = wait_for("the key is free", || {
                Segment::create(key(), 8, 0o600).ok().or_else(|| {
                    Segment::find(key()).and_then(|id| id.remove()).ok();
                    None
                })
            });
            wait_until("it is reported", || errors(&board).contains("; trying again"));
            measure(&board, "95");
            small.id().remove().expect("removed");
            wait_until("it is raised", || errors(&board).contains("limit reached: raised"));
            wait_until("the end is reported", || errors(&board).contains("alarms can be written again"));
            assert_eq!(errors(&board).matches("trying again").count(), 1, "{}", errors(&board));
        });
    }

    #[test]
    fn a_killed_producer_leaves_its_alarm_and_is_missed_and_the_next_one_ends_both() {
        each(|mut board, program| {
            board.start();
            measure(&board, "95");
            let producer = start(&board, program);
            wait_for_alarms(&board, &[LIMIT]);
            producer.kill();
            wait_until("it is silent", || alarms(&board).iter().any(|alarm| alarm.starts_with("sdhmgt silent")));
            assert!(alarms(&board).iter().any(|alarm| alarm.contains(LIMIT)));
            measure(&board, "12");
            let _producer = start(&board, program);
            wait_for_alarms(&board, &[]);
        });
    }

    #[test]
    fn it_does_not_start_with_a_segment_too_small_or_a_wrong_command_line() {
        each(|board, program| {
            let run = |arguments: &[&str]| {
                let output = program.command().args(arguments).current_dir(board.folder.path()).output().expect("run");
                (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
            };
            let small = Segment::create(key(), 8, 0o600).expect("made");
            let (code, error) = run(&["value", "90"]);
            assert!(code == Some(1) && error.starts_with("producer: "), "{error}");
            small.id().remove().expect("removed");
            let wrong: [&[&str]; 7] = [
                &[],
                &["value"],
                &["value", "high"],
                &["value", "90", "0"],
                &["value", "90", "256"],
                &["value", "90", "31", "0"],
                &["value", "90", "31", "100", "more"],
            ];
            for arguments in wrong {
                let (code, error) = run(arguments);
                assert!(code == Some(2) && error.starts_with("usage: producer "), "{arguments:?}: {code:?} {error}");
            }
            assert!(Segment::find(key()).is_err());
        });
    }
}

mod supervisor {
    use super::*;

    const ENDED: &str = "sdhmgt slot 1 type 2 code 1";
    const RAISED: &str = "raised sdhmgt slot 1 type 2";
    const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/supervise.sh");

    /// Runs a test under each shell: this machine's, and busybox's, which is a board's.
    fn each(test: fn(Board, &[&str])) {
        for shell in [&["sh"][..], &["busybox", "sh"]] {
            if !Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", "true"])
                .status()
                .is_ok_and(|status| status.success())
            {
                skip(&format!("{shell:?} is not here"));
                continue;
            }
            println!("{shell:?}");
            let Some(board) = Board::bare(CONFIG) else { return };
            test(board, shell);
        }
    }

    /// Writes an executable script.
    fn script(board: &Board, name: &str, text: &str) {
        // By a process of its own, as in Board::for_everybody: a test beside this one that forks while the script is open for
        // writing would keep it from being started (ETXTBSY).
        let mut write = Command::new("sh");
        write.args(["-c", "printf '#!/bin/sh\n%s\n' \"$1\" >\"$2\"", "sh", text]).arg(board.path(name));
        assert!(write.status().expect("sh").success());
        fs::set_permissions(board.path(name), fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// Starts the supervisor over a program that appends its process id to `pids` and then does this. After `stable_s` seconds
    /// the program counts as running.
    fn start(board: &Board, shell: &[&str], stable_s: u32, body: &str) -> Process {
        script(board, "tool", &format!("exec {} \"$@\"", words(board)));
        script(board, "program", &format!("echo $$ >>pids\n{body}"));
        let errors = fs::OpenOptions::new().create(true).append(true).open(board.path("errors")).expect("a file");
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(SCRIPT).args(["sdhmgt", "3"]).arg(board.path("program"));
        command.current_dir(board.folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        command.env("ALARMCTL", board.path("tool")).env("STABLE_S", stable_s.to_string()).env("LONGEST_PAUSE_S", "2");
        Process(command.spawn().expect("started"))
    }

    /// The words that start alarmctl on this board.
    fn words(board: &Board) -> String {
        let command = board.alarmctl(&[]);
        let words = [command.get_program()].into_iter().chain(command.get_args());
        words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect::<Vec<_>>().join(" ")
    }

    /// The processes of the program so far.
    fn runs(board: &Board) -> Vec<u32> {
        let text = fs::read_to_string(board.path("pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Waits for so many starts of the program and gives the last process.
    #[track_caller]
    fn run(board: &Board, number: usize) -> u32 {
        wait_for("the program is started", || runs(board).get(number - 1).copied())
    }

    #[test]
    fn a_program_that_is_killed_is_an_alarm_until_another_has_run_for_a_time() {
        each(|mut board, shell| {
            board.start();
            let mut supervisor = start(&board, shell, 1, "exec sleep 600");
            alarmd_core::process::kill(run(&board, 1));
            wait_until("the alarm is raised", || count(&board, RAISED) == 1);
            let second = run(&board, 2);
            wait_for_alarms(&board, &[]);
            supervisor.signal(libc::SIGTERM);
            assert_eq!(supervisor.exit_code(), Some(0));
            assert!(alarmd_core::process::is_gone(second));
            assert_eq!((runs(&board).len(), alarms(&board).len()), (2, 0));
        });
    }

    #[test]
    fn a_program_that_ends_at_once_stays_an_alarm_and_the_pauses_grow() {
        each(|mut board, shell| {
            board.start();
            let mut supervisor = start(&board, shell, 60, "exit 3");
            wait_until("three starts", || runs(&board).len() >= 3);
            wait_for_alarms(&board, &[ENDED]);
            let errors = fs::read_to_string(board.path("errors")).expect("errors");
            for pause in ["status 3; starting it again in 1 s", "status 3; starting it again in 2 s"] {
                assert!(errors.contains(pause), "{errors}");
            }
            assert!(!board.events().iter().any(|event| event.starts_with("cleared")), "{:?}", board.events());
            // In a pause it ends as well, and takes its alarm with it.
            supervisor.signal(libc::SIGTERM);
            assert_eq!(supervisor.exit_code(), Some(0));
            wait_for_alarms(&board, &[]);
        });
    }

    #[test]
    fn without_a_daemon_the_alarm_is_stored_and_with_its_segment_removed_it_is_raised_again() {
        each(|mut board, shell| {
            let mut supervisor = start(&board, shell, 1, "[ ! -e fails ] || exit 1; exec sleep 600");
            fs::write(board.path("fails"), "").expect("written");
            alarmd_core::process::kill(run(&board, 1));
            wait_until("it is stored", || Segment::find(key()).is_ok());
            board.start();
            wait_for_alarms(&board, &[ENDED]);
            board.done(&["remove", "sdhmgt"]);
            let before = runs(&board).len();
            wait_until("it fails again", || runs(&board).len() > before);
            wait_for_alarms(&board, &[ENDED]);
            fs::remove_file(board.path("fails")).expect("removed");
            wait_for_alarms(&board, &[]);
            supervisor.signal(libc::SIGTERM);
            assert_eq!(supervisor.exit_code(), Some(0));
        });
    }

    #[test]
    fn a_program_is_supervised_also_where_the_alarm_cannot_be_written() {
        each(|mut board, shell| {
            let small = Segment::create(key(), 8, 0o600).expect("made");
            let mut supervisor = start(&board, shell, 1, "exec sleep 600");
            alarmd_core::process::kill(run(&board, 1));
            run(&board, 2);
            let failed = |action: &str| {
                let errors = fs::read_to_string(board.path("errors")).unwrap_or_default();
                errors.contains(&format!("the alarm cannot be written: alarmctl {action} failed"))
            };
            wait_until("both are reported", || failed("raise") && failed("clear"));
            small.id().remove().expect("removed");
            board.start();
            alarmd_core::process::kill(run(&board, 2));
            wait_until("the alarm is raised", || count(&board, RAISED) == 1);
            wait_for_alarms(&board, &[]);
            supervisor.signal(libc::SIGTERM);
            assert_eq!(supervisor.exit_code(), Some(0));
        });
    }

    #[test]
    fn a_killed_supervisor_leaves_the_alarm_and_the_next_one_clears_it() {
        each(|mut board, shell| {
            board.start();
            let supervisor = start(&board, shell, 60, "exit 1");
            wait_for_alarms(&board, &[ENDED]);
            supervisor.kill();
            let mut supervisor = start(&board, shell, 1, "exec sleep 600");
            wait_for_alarms(&board, &[]);
            supervisor.signal(libc::SIGTERM);
            assert_eq!(supervisor.exit_code(), Some(0));
        });
    }

    #[test]
    fn a_wrong_command_line_is_answered_with_the_usage() {
        each(|board, shell| {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]).arg(SCRIPT);
            let output = command.args(["sdhmgt", "3"]).current_dir(board.folder.path()).output().expect("run");
            assert_eq!(output.status.code(), Some(2));
            assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: supervise.sh MODULE INDEX PROGRAM"));
        });
    }
}
