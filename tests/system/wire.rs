//! The wire format from both sides: the Rust structures and include/alarm.h agree, word by word and in what they do.
use std::mem::{offset_of, size_of};

use alarmd_core::alarm::{ModuleId, Record};
use alarmd_core::sysv::Key;
use alarmd_core::wire::{DOORBELL_MAGIC, Doorbell, MODULE_MAGIC, ModuleSegment, Slot};

use crate::support::{Board, c, wait_until};

/// `NAME OFFSET` lines as layout.c prints them.
macro_rules! fields {
    ($name:literal, $type:ty, $($c:literal = $field:ident)*) => {
        [$(format!("{}.{} {}\n", $name, $c, offset_of!($type, $field))),*].concat()
    };
}

#[test]
fn c_and_rust_have_every_field_at_the_same_offset() {
    let output = c::program("layout").command().output().expect("run");
    type Segment = ModuleSegment<u32>;
    let expected = [
        fields!("segment", Segment, "record" = record "zero" = zero "magic" = magic "sequence" = sequence "writer" = writer
            "beat" = beat "beat_ms" = beat_ms "owner" = owner "more_zero" = more_zero "slots" = slots),
        fields!("record", Record, "flag" = flag "type" = alarm_type "code" = code "level" = level "index" = index),
        fields!("slot", Slot<u32>, "flag" = flag "type" = alarm_type "code" = code "level" = level "index" = index
            "raised_at" = raised_at "count" = count),
        fields!("doorbell", Doorbell, "magic" = magic "version" = version "bell" = bell "waiting" = waiting
            "command" = command "lamp_test_s" = lamp_test_s "completed" = completed "spare" = spare),
        format!("segment {}\nslot {}\n", size_of::<Segment>(), size_of::<Slot<u32>>()),
        format!("doorbell {}\n", size_of::<Doorbell>()),
        format!("magic {MODULE_MAGIC} {DOORBELL_MAGIC}\n"),
        format!(
            "keys {} {} {}\n",
            Key::of_module(ModuleId::new(31).expect("an id")).number(),
            Key::DOORBELL.number(),
            Key::STATUS.number()
        ),
    ];
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), expected.concat());
}

#[test]
fn a_producer_through_the_c_header_raises_clears_and_rings() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 60000\n[lamp any]\npath = {dir}/any\n") else { return };
    let mut producer = board.new_producer(31);
    assert_eq!(producer.ask("raise 1 2 3 2"), "0 \n");
    board.wait_for_output("any", "1");
    assert_eq!(producer.ask("raise 1 2 3 1"), "0 \n");
    wait_until("raised again", || {
        let alarm = &board.status()["alarms"][0];
        (&alarm["severity"], &alarm["count"]) == (&"critical".into(), &2.into())
    });
    // Rust clears what C raised, and C clears what Rust raised.
    assert!(board.done(&["clear", "sdhmgt", "--type", "1", "--code", "2", "--index", "3"]).starts_with("cleared"));
    board.wait_for_output("any", "0");
    assert_eq!(producer.ask("clear 1 2 3"), "0 \n");
    board.done(&["raise", "sdhmgt", "--type", "9"]);
    board.wait_for_output("any", "1");
    assert_eq!(producer.ask("clear 9 0 0"), "1 \n");
    board.wait_for_output("any", "0");
}

#[test]
fn a_c_producer_finds_the_new_segment_when_its_own_was_removed() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 20\n[lamp any]\npath = {dir}/any\n") else { return };
    let mut producer = board.new_producer(31);
    for _ in 0..2 {
        board.done(&["remove", "sdhmgt"]);
        assert_eq!(producer.ask("raise 1 0 0 1"), "0 \n");
        wait_until("seen", || board.status()["alarms"][0]["type"] == 1 && board.output("any") == "1");
        // What is seen stands in the new segment.
        assert_eq!(producer.ask("clear 1 0 0"), "1 \n");
        board.wait_for_alarms(0);
    }
}

#[test]
fn a_c_producer_that_promised_to_beat_and_stops_is_silent() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 20\n[lamp any]\npath = {dir}/any\n") else { return };
    let mut producer = board.new_producer(31);
    assert_eq!(producer.ask("promise 50"), "0 \n");
    board.wait_for_output("any", "1");
    wait_until("its beat is heard", || producer.ask("beat") == "0 \n" && board.output("any") == "0");
    assert_eq!(producer.ask("promise 0"), "0 \n");
}

#[test]
fn a_full_segment_is_an_error_to_a_c_producer() {
    let Some(board) = Board::bare("") else { return };
    let mut producer = board.new_producer(31);
    for index in 0..32 {
        assert_eq!(producer.ask(&format!("raise 1 1 {index} 1")), "0 \n");
    }
    assert_eq!(producer.ask("raise 1 1 32 1"), "-1 No buffer space available\n");
    assert_eq!(producer.ask("raise 1 1 31 2"), "0 \n");
}

#[test]
fn a_c_producer_moves_from_a_removed_full_segment_to_the_new_one() {
    let Some(board) = Board::bare("") else { return };
    let mut producer = board.new_producer(31);
    for index in 0..32 {
        assert_eq!(producer.ask(&format!("raise 1 1 {index} 1")), "0 \n");
    }
    board.done(&["remove", "sdhmgt"]);
    assert_eq!(producer.ask("raise 1 1 32 1"), "0 \n");
    // One that cannot attach again reports why, and continues.
    board.done(&["remove", "sdhmgt"]);
    let small = alarmd_core::sysv::Segment::create(Key::fixed(0x414C_001F).expect("a key"), 8, 0o600).expect("made");
    assert_eq!(producer.ask("raise 1 1 33 1"), "-1 Invalid argument\n");
    assert!(producer.ask("beat").starts_with("-1"));
    small.id().remove().expect("removed");
    assert_eq!(producer.ask("raise 1 1 33 1"), "0 \n");
}
