//! Every reason for which a segment is refused, or a line fails: the log, the status, JSON and doctor show the same text, and a
//! state that lasts is logged once.
use std::fs;

use alarmd_core::alarm::ModuleId;
use alarmd_core::ftok;
use alarmd_core::sysv::{Key, Segment};

use crate::support::gpio_fs::Gpio;
use crate::support::{Board, KEY, give_away, wait_until};

const CONFIG: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";

/// The text that JSON shows for the segment with this role.
fn failure(board: &Board, role: &str) -> String {
    wait_until("it has a reason", || board.segment("sdhmgt", role).is_some_and(|it| it["failure"].is_string()));
    board.segment("sdhmgt", role).expect("a segment")["failure"].as_str().expect("a text").to_owned()
}

/// The log, the status and doctor show the text; the log shows it once, also after more health checks.
#[track_caller]
fn shown_everywhere_and_logged_once(board: &Board, what: &str, text: &str, words: &str) {
    assert!(text.contains(words), "{what}: {text}");
    board.wait_for_checks(3);
    // The text before the name of an errno differs between C libraries, and the daemon may have another one than the tool.
    let logged = text.split_once(" (E").map_or(text, |(_, rest)| rest);
    let lines: Vec<String> = board.log().lines().filter(|line| line.contains(logged)).map(str::to_owned).collect();
    assert_eq!(lines.len(), 1, "{what}: {text}\n{}", board.log());
    assert!(!board.log().contains(" attached (key"), "{what}: it was attached\n{}", board.log());
    let status = board.ctl(&["status"]).out;
    assert!(status.contains(text), "{what}: {text}\n{status}");
    let doctor = board.ctl(&["doctor"]);
    assert!(doctor.out.contains(text), "{what}: {text}\n{doctor:?}");
}

#[test]
fn a_segment_of_the_wrong_size_has_its_size_as_the_reason() {
    for (size, words) in [(100, "it has 100 bytes, and 1024 are needed"), (1 << 20, "at most 65536 are read")] {
        let Some(mut board) = Board::bare(CONFIG) else { return };
        let segment = Segment::create(KEY, size, 0o660).expect("created");
        board.start();
        let text = failure(&board, "fixed");
        shown_everywhere_and_logged_once(&board, "size", &text, words);
        board.stop();
        segment.id().remove().expect("removed");
    }
}

#[test]
fn a_segment_of_an_untrusted_user_has_that_user_as_the_reason() {
    let Some(mut board) = Board::bare(&CONFIG.replace("[daemon]", "[daemon]\ntrust = root")) else { return };
    let segment = Segment::create(KEY, 1024, 0o666).expect("created");
    if !give_away(&segment, 65534) {
        return;
    }
    board.start();
    let text = failure(&board, "fixed");
    shown_everywhere_and_logged_once(&board, "user", &text, "user 65534 owns or created it and is not trusted");
}

#[test]
fn a_segment_whose_mode_is_too_wide_has_its_mode_as_the_reason_and_is_not_attached() {
    let Some((mut board, daemon)) = super::rights::unprivileged(CONFIG) else { return };
    let wide = Segment::create(KEY, 1024, 0o666).expect("created");
    board.start_as(daemon);
    let text = failure(&board, "fixed");
    // Not "owner 0 is not trusted": no user is untrusted here.
    shown_everywhere_and_logged_once(&board, "mode", &text, "its mode 0666 lets untrusted users write");
    drop(wide);
}

#[test]
fn a_path_without_a_key_has_its_error_as_the_reason() {
    let taken = ftok::key(c"/", ModuleId::new(31).expect("an id")).expect("a key");
    for (path, other, words) in [
        (".", String::new(), "the path is relative"),
        ("/no/such/path", String::new(), "the path does not exist"),
        ("/", format!("[module other]\nid = 32\nkey = {taken}\n"), "its key is used by another segment"),
    ] {
        let config = CONFIG.replace("id = 31\n", &format!("id = 31\nftok = {path}\n{other}"));
        let Some(board) = Board::new(&config) else { return };
        let text = failure(&board, "ftok");
        shown_everywhere_and_logged_once(&board, path, &text, words);
    }
}

#[test]
fn a_line_that_fails_has_one_text_everywhere() {
    let config = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp file]\npath = {dir}/no/such/folder\n\
                  [lamp held]\ngpio = 17\n[lamp absent]\ngpio = 18\n";
    let Some(mut board) = Board::bare(config) else { return };
    let Some(gpio) = Gpio::mount(&board, &[17]) else { return };
    gpio.hardware().lines.get_mut(&17).expect("there").held = true;
    board.start();
    let outputs = board.status()["outputs"].clone();
    for (name, words) in [
        ("file", "there is no such folder"),
        ("held", "the kernel uses this line"),
        ("absent", "there is no such line"),
    ] {
        let output = outputs.as_array().expect("outputs").iter().find(|output| output["name"] == name).expect("it");
        let text = output["failure"].as_str().expect("a text").to_owned();
        shown_everywhere_and_logged_once(&board, name, &text, words);
    }
}

#[test]
fn a_mode_that_a_program_sets_again_and_again_is_logged_once() {
    let Some(board) = Board::new(CONFIG) else { return };
    let id = Segment::find(KEY).expect("created");
    let changed = || board.log().matches(": mode changed from 0666 to 0660").count();
    for _ in 0..3 {
        id.set_permissions(0o666, None).expect("set");
        wait_until("it is corrected", || id.stat().is_ok_and(|stat| stat.mode == 0o660));
    }
    assert_eq!(changed(), 1, "{}", board.log());
    // The file of the lamp, likewise.
    for _ in 0..3 {
        fs::write(board.path("any"), "1").expect("written");
        board.wait_for_output("any", "0");
    }
    assert_eq!(board.log().matches("lamp any: line changed by another process; level restored").count(), 1);
    let _ = Key::STATUS;
}
