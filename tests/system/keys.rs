//! Keys: fixed, from ftok, and what becomes of them.
use std::fs;

use alarmd_core::alarm::ModuleId;
use alarmd_core::ftok;
use alarmd_core::sysv::Segment;

use crate::support::{Board, wait_until};

const BOTH: &str =
    "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\nftok = {dir}/path\n[lamp any]\npath = {dir}/any\n";

fn with_path() -> Option<Board> {
    let mut board = Board::bare(BOTH)?;
    fs::write(board.path("path"), "").expect("made");
    board.start();
    Some(board)
}

fn ftok_key(board: &Board) -> Option<u64> {
    board.segment("sdhmgt", "ftok").and_then(|segment| segment["key"].as_u64())
}

#[test]
fn producers_by_the_fixed_key_and_by_ftok_are_both_read() {
    let Some(board) = with_path() else { return };
    let path = board.path("path");
    let mut by_path = board.old_producer(&["ftok", path.to_str().expect("UTF-8"), "31"]);
    let mut by_number = board.old_producer(&["key", "0x414C001F"]);
    by_path.raise();
    by_number.raise();
    board.wait_for_alarms(2);
    by_number.clear();
    board.wait_for_alarms(1);
    assert_eq!(board.output("any"), "1");
    by_path.clear();
    board.wait_for_output("any", "0");
}

#[test]
fn a_relative_ftok_path_is_a_warning_and_the_fixed_key_is_used() {
    let config = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\nftok = .\n[lamp any]\npath = {dir}/any\n";
    let Some(board) = Board::new(config) else { return };
    board.wait_for_log("module sdhmgt: ftok .: the path is relative");
    board.wait_for_log("only the fixed key 0x414c001f is watched");
    assert_eq!(board.segment("sdhmgt", "ftok").expect("in the status")["state"], "no key");
    let mut producer = board.old_producer(&["key", "0x414C001F"]);
    producer.raise();
    board.wait_for_output("any", "1");
    // It is logged once, not at each health check.
    board.wait_for_checks(2);
    assert_eq!(board.log().matches("the path is relative").count(), 1);
}

#[test]
fn a_missing_ftok_path_is_used_as_soon_as_it_exists() {
    let Some(board) = Board::new(BOTH) else { return };
    board.wait_for_log("the path does not exist");
    fs::write(board.path("path"), "").expect("made");
    board.wait_for_log(": usable (key ");
    let mut producer = board.old_producer(&["ftok", board.path("path").to_str().expect("UTF-8"), "31"]);
    producer.raise();
    board.wait_for_output("any", "1");
}

#[test]
fn a_path_that_is_deleted_and_recreated_is_followed_while_producers_run() {
    let Some(board) = with_path() else { return };
    let path = board.path("path");
    let path = path.to_str().expect("UTF-8");
    let mut old = board.old_producer(&["ftok", path, "31"]);
    wait_until("the old one is seen", || board.segment("sdhmgt", "ftok").expect("in the status")["producers"] == 1);
    recreate_path(&board, 0);
    board.wait_for_log("key changed from");
    // A producer that attached before is still read, and so is one that uses the new key.
    old.raise();
    board.wait_for_output("any", "1");
    let mut new = board.old_producer(&["ftok", path, "31"]);
    new.raise();
    board.wait_for_alarms(2);
    old.clear();
    new.clear();
    board.wait_for_output("any", "0");
    // The former segment is watched until the last producer has left it.
    old.process.kill();
    wait_until("the former one is given up", || board.segment("sdhmgt", "former").is_none());
    new.raise();
    board.wait_for_output("any", "1");
}

#[test]
fn a_segment_to_which_the_path_leads_again_is_read_once() {
    let Some(board) = with_path() else { return };
    let path = board.path("path");
    let kept = board.path("kept");
    let mut old = board.old_producer(&["ftok", path.to_str().expect("UTF-8"), "31"]);
    old.raise();
    board.wait_for_alarms(1);
    wait_until("counted", || board.segment("sdhmgt", "ftok").expect("in the status")["producers"] == 1);
    fs::rename(&path, &kept).expect("moved away");
    fs::write(&path, "").expect("another one");
    wait_until("followed", || board.segment("sdhmgt", "former").is_some());
    fs::rename(&kept, &path).expect("moved back");
    wait_until("back", || board.segment("sdhmgt", "former").is_none());
    board.wait_for_alarms(1);
    old.clear();
    board.wait_for_output("any", "0");
}

#[test]
fn a_path_whose_key_belongs_to_another_segment_is_refused() {
    let Some(mut board) = Board::bare("") else { return };
    let id = ModuleId::new(31).expect("an id");
    let key = ftok::key(c"/", id).expect("a key");
    board.configure(&format!("[module a]\nid = 30\nkey = {key}\n[module b]\nid = 31\nftok = /\n"));
    board.start();
    board.wait_for_log("module b: ftok /: its key is used by another segment");
    assert_eq!(board.segment("b", "ftok").expect("in the status")["state"], "no key");
    assert!(Segment::find(key).is_ok());
}

/// Recreates the path. The old inode stays in use, so that the path gets another one.
fn recreate_path(board: &Board, turn: u32) {
    let before = ftok_key(board);
    let path = board.path("path");
    fs::rename(&path, board.path(&format!("old{turn}"))).expect("moved away");
    fs::write(&path, "").expect("recreated");
    wait_until("the key has moved", || ftok_key(board) != before);
}

#[test]
fn an_alarm_of_a_dead_producer_in_a_former_segment_stays_until_cleared() {
    let Some(board) = with_path() else { return };
    let path = board.path("path");
    let mut old = board.old_producer(&["ftok", path.to_str().expect("UTF-8"), "31"]);
    old.raise();
    board.wait_for_output("any", "1");
    recreate_path(&board, 1);
    old.process.kill();
    wait_until("its death is seen", || {
        board.segment("sdhmgt", "former").is_some_and(|segment| segment["producers"] == 0)
    });
    assert_eq!((board.output("any").as_str(), board.alarm_count()), ("1", 1));
    board.done(&["clear", "sdhmgt", "--all"]);
    board.wait_for_output("any", "0");
    wait_until("given up", || board.segment("sdhmgt", "former").is_none());
}

#[test]
fn a_path_whose_key_changes_repeatedly_loses_no_alarm() {
    let Some(board) = with_path() else { return };
    let path = board.path("path");
    let mut all = Vec::new();
    for turn in 0..4 {
        let mut producer = board.old_producer(&["ftok", path.to_str().expect("UTF-8"), "31"]);
        producer.raise();
        board.wait_for_alarms(turn as usize + 1);
        recreate_path(&board, turn);
        all.push(producer);
    }
    assert_eq!(board.alarm_count(), 4);
    for producer in &mut all {
        producer.clear();
    }
    board.wait_for_output("any", "0");
}
