//! Inputs for the real executable: its command line, and the input of its shell.
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use alarmd_core::alarm::ModuleId;
use alarmd_core::sysv::{Access, Key, Segment};

use crate::support::{Board, Program, wait_for};

/// Runs it. It must end soon, with a documented exit code, and with a message where that is not 0.
fn ends_well(mut command: Command, stdin: &[u8]) -> i32 {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    let mut err = child.stderr.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = std::io::Read::read_to_end(&mut err, &mut text);
        text
    });
    let status = wait_for("it ends", || child.try_wait().expect("our child"));
    let text = reader.join().expect("read");
    assert_eq!(status.signal(), None, "{}", String::from_utf8_lossy(&text));
    let code = status.code().expect("a code");
    assert!((0..=3).contains(&code), "exit code {code}");
    assert!(code == 0 || !text.is_empty(), "exit code {code} without a word");
    code
}

/// Words between line ends, as arguments of alarmctl or, with --check, of alarmd.
pub fn command_line(board: &Board, data: &[u8]) {
    let words: Vec<_> = data
        .split(|byte| *byte == b'\n')
        .take(12)
        // An argument ends at a zero byte.
        .map(|word| std::ffi::OsStr::from_bytes(word.split(|byte| *byte == 0).next().unwrap_or_default()).to_owned())
        .collect();
    let folder: &Path = board.folder.path();
    let mut tool = board.alarmctl(&[]);
    tool.args(&words).current_dir(folder);
    ends_well(tool, b"1\n0\n");
    let mut daemon = Program::daemon().command();
    daemon.arg("--check").args(&words).current_dir(folder);
    ends_well(daemon, b"");
}

/// Any bytes for `alarmctl shell`: afterwards slot 0 is as one of its orders leaves it.
pub fn shell_input(board: &Board, data: &[u8]) {
    assert_eq!(ends_well(board.alarmctl(&["shell", "sdhmgt"]), data), 0);
    let key = Key::of_module(ModuleId::new(31).expect("an id"));
    if let Ok(segment) = Segment::attach(key, Access::ReadOnly) {
        let record: Vec<u32> = (0..5).filter_map(|word| segment.load(word)).collect();
        let left = [[0; 5], [0, 0x14, 0x11, 0x13, 0x12], [1, 0x14, 0x11, 0x13, 0x12]];
        assert!(left.iter().any(|left| record == left), "{record:x?}");
    }
}
