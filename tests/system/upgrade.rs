//! An upgrade: a daemon takes over the status block of every earlier version.
//!
//! tests/fixtures has one recorded block a version, kept for ever. `ALARMD_RECORD=FILE` records the block of the daemon under
//! test, with `cargo test --test system upgrade::record`.
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use alarmd_core::alarm::ModuleId;
use alarmd_core::limits::EVENT_PLACES;
use alarmd_core::sysv::{Access, Key, Segment, words};
use alarmd_core::wire::{DIRECTORY, ModuleSegment, StatusBlock, StatusSegment};

use crate::support::{Board, wait_until};

const CONFIG: &str = "[daemon]
poll_ms = 20
[module sdhmgt]
id = 31
[module alarm]
id = 32
[lamp flashing]
path = {dir}/flashing
sequence = A
[lamp returned]
path = {dir}/returned
sequence = M
modules = alarm
[horn buzzer]
path = {dir}/buzzer
[relay office]
path = {dir}/office
";

/// The keys in the order in which the daemon creates the segments: in a new namespace their ids are then 0, 1, 2, 3.
fn keys() -> [Key; 4] {
    let module = |id| Key::of_module(ModuleId::new(id).expect("an id"));
    [Key::STATUS, Key::DOORBELL, module(31), module(32)]
}

/// Records a block: alarms active, acknowledged, latched, returned, a silenced horn, and a history.
#[test]
fn record() {
    let Ok(file) = std::env::var("ALARMD_RECORD") else { return };
    let mut board = Board::new(CONFIG).expect("a private namespace");
    let alarms = |count: usize| {
        wait_until("seen", || board.status()["alarms"].as_array().map(Vec::len) == Some(count));
    };
    board.done(&["raise", "sdhmgt", "--type", "1", "--code", "7", "--index", "2", "--level", "major"]);
    board.done(&["raise", "alarm", "--type", "2", "--level", "minor"]);
    alarms(2);
    board.done(&["ack"]);
    board.done(&["clear", "alarm", "--type", "2"]);
    alarms(1);
    board.done(&["raise", "sdhmgt", "--type", "3", "--level", "critical"]);
    board.done(&["raise", "alarm", "--type", "4", "--level", "warning"]);
    alarms(3);
    board.done(&["silence"]);
    board.done(&["clear", "alarm", "--type", "4"]);
    alarms(2);
    board.kill();
    let mut text = String::new();
    for (id, key) in keys().into_iter().enumerate() {
        let segment = Segment::attach(key, Access::ReadOnly).expect("attached");
        assert_eq!(segment.id().raw(), id as i32, "the ids of the recorded namespace");
        writeln!(text, "segment {:#x} {}", key.number(), segment.size()).expect("written");
        for word in 0..segment.size() / 4 {
            let value = segment.load(word).expect("inside");
            // The recorded daemon and worker: a process that no kernel has.
            let value = if key == Key::STATUS && [4, 14].contains(&word) { 0x003F_FFFF } else { value };
            if value != 0 {
                writeln!(text, "{word} {value:#x}").expect("written");
            }
        }
    }
    fs::write(file, text).expect("written");
}

/// Creates the recorded segments.
fn replay(text: &str) {
    let mut segment: Option<Segment> = None;
    for line in text.lines() {
        let mut fields = line.split(' ');
        let mut number = || {
            let field = fields.next().expect("a number");
            let hex = field.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16));
            hex.unwrap_or_else(|| field.parse()).expect("a number")
        };
        if let Some(head) = line.strip_prefix("segment ") {
            let (key, size) = head.split_once(' ').expect("key and size");
            let key = u32::from_str_radix(key.trim_start_matches("0x"), 16).ok().and_then(Key::fixed).expect("a key");
            segment = Some(Segment::create(key, size.parse().expect("a size"), 0o660).expect("created"));
            continue;
        }
        let (word, value) = (number(), number());
        let segment = segment.as_ref().expect("a segment line first");
        segment.word(word as usize).expect("inside").store(value, Ordering::Relaxed);
    }
    for (id, key) in keys().into_iter().enumerate() {
        assert_eq!(Segment::find(key).expect("created").raw(), id as i32, "the ids of the recording");
    }
}

#[test]
fn the_status_block_of_every_earlier_version_is_taken_over_and_nothing_is_lost() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut versions = 0;
    for entry in fs::read_dir(&folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(version) = name.strip_prefix("status-block-v") else { continue };
        versions += 1;
        // Each in a namespace of its own: a thread has one.
        let text = fs::read_to_string(&path).expect("read");
        let version = version.trim_end_matches(".txt").to_owned();
        std::thread::spawn(move || take_over(&version, &text)).join().expect("taken over");
    }
    assert!(versions >= 1, "no fixture");
}

fn take_over(version: &str, text: &str) {
    let Some(mut board) = Board::bare(CONFIG) else { return };
    replay(text);
    board.start();
    let what = format!("version {version}");
    let status = board.status();
    let mut alarms: Vec<String> = status["alarms"]
        .as_array()
        .expect("alarms")
        .iter()
        .map(|alarm| {
            format!(
                "{} type {} {} acknowledged {}",
                alarm["module"], alarm["type"], alarm["severity"], alarm["acknowledged"]
            )
        })
        .collect();
    alarms.sort();
    assert_eq!(
        alarms,
        ["\"sdhmgt\" type 1 \"major\" acknowledged true", "\"sdhmgt\" type 3 \"critical\" acknowledged false"],
        "{what}"
    );
    let shows = |name: &str| {
        let outputs = status["outputs"].as_array().expect("outputs");
        outputs.iter().find(|output| output["name"] == name).expect("the output")["shows"]
            .as_str()
            .expect("a word")
            .to_owned()
    };
    // Latched, returned and not acknowledged, silenced, and the relay released.
    assert_eq!(shows("flashing"), "flash", "{what}");
    assert_eq!(shows("returned"), "slow flash", "{what}");
    assert_eq!(shows("buzzer"), "nothing", "{what}");
    assert_eq!(shows("office"), "alarm", "{what}");
    assert_eq!((board.output("buzzer").as_str(), board.output("office").as_str()), ("0", "0"), "{what}");
    assert_eq!(
        board.events(),
        [
            "raised sdhmgt slot 1 type 1",
            "raised alarm slot 1 type 2",
            "acknowledged sdhmgt slot 1 type 1",
            "acknowledged alarm slot 1 type 2",
            "cleared alarm slot 1 type 2",
            "raised sdhmgt slot 2 type 3",
            "raised alarm slot 2 type 4",
            "cleared alarm slot 2 type 4",
        ],
        "{what}"
    );
    // The segments stay attached, and continue.
    board.done(&["ack"]);
    board.done(&["clear", "sdhmgt", "--all"]);
    wait_until("all is clear", || board.status()["alarms"].as_array().is_some_and(Vec::is_empty));
    assert_eq!((board.output("flashing").as_str(), board.output("office").as_str()), ("0", "1"), "{what}");
}

#[test]
fn the_directory_of_the_status_block_names_every_section_at_its_place() {
    let Some(board) = Board::new(CONFIG) else { return };
    let segment = Segment::attach(Key::STATUS, Access::ReadOnly).expect("attached");
    let word = |index: usize| segment.load(index).expect("inside");
    // 128 bytes of header, then four words a section.
    let found: Vec<[u32; 4]> =
        (0..word(16) as usize).map(|section| [0, 1, 2, 3].map(|field| word(32 + 4 * section + field))).collect();
    assert_eq!(
        found,
        [
            [1, 1, 384, 2048],
            [2, 2, 2432, 4608],
            [3, 2, 7040, 6400],
            [4, 1, 13_440, 143_680],
            [5, 1, 157_120, 24_576],
            [6, 1, 181_696, 206_432],
        ]
    );
    assert_eq!(DIRECTORY.len(), found.len());
    assert_eq!(segment.size(), 181_696 + 206_432);
    drop(board);
    let _ = (EVENT_PLACES, words::<u32, ModuleSegment<u32>>, StatusBlock::SIZE, size_of::<StatusSegment<u32>>());
}
