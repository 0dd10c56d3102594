//! Inputs: those kept in the corpus, changed copies of them, inputs from a grammar, and raw bytes.
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub fn corpus_folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// The kept inputs, in the order of their names.
pub fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(corpus_folder(target)).expect("a corpus");
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("read"))).collect()
}

/// Half of them from the corpus with some bytes changed, a quarter each of the target's own kind and raw.
pub fn inputs(target: &str) -> BoxedStrategy<Vec<u8>> {
    let kept: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
    let changes = vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..6);
    let changed = (select(kept), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte, how) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    });
    let raw = vec(any::<u8>(), 0..600);
    let own = match target {
        "configuration" => lines(&SECTIONS_AND_ENTRIES, 30),
        "command_line" => lines(&WORDS, 8),
        "shell_input" => lines(&["0", "1", "2", "3", "-1", "0x1", "x", "", "99999999999", "1 0 1", "\u{fc}"], 12),
        _ => written_words(),
    };
    prop_oneof![2 => changed, 1 => own, 1 => raw].boxed()
}

fn lines(words: &'static [&'static str], most: usize) -> BoxedStrategy<Vec<u8>> {
    vec(select(words), 0..most).prop_map(|lines| lines.join("\n").into_bytes()).boxed()
}

/// The number of a word, and a value: valid for some word, or for none.
fn written_words() -> BoxedStrategy<Vec<u8>> {
    let value = prop_oneof![
        select(&[0, 1, 2, 0x314D_4C41, 0x424D_4C41, 0x534D_4C41, u32::MAX, 0x8000_0000, 4_194_303][..]),
        0..64u32,
        any::<u32>()
    ];
    let word = prop_oneof![select(&[0u8, 1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 32, 39][..]), any::<u8>()];
    let one = (word, value).prop_map(|(word, value)| [&[word][..], &value.to_le_bytes()].concat());
    vec(one, 0..200).prop_map(|all| all.concat()).boxed()
}

const SECTIONS_AND_ENTRIES: [&str; 46] = [
    "[daemon]",
    "[module a]",
    "[module b]",
    "[lamp a]",
    "[relay b]",
    "[horn c]",
    "[lamp]",
    "[",
    "[[]",
    "[daemon] ; x",
    "poll_ms = 5",
    "poll_ms = 0",
    "mode = 0660",
    "mode = 888",
    "group = 0",
    "trust = 0, 1",
    "hang_ms = 100",
    "restart_s = 0",
    "watchdog = /dev/watchdog",
    "watchdog_s = 5",
    "lock_memory = yes",
    "oom_score_adj = -1000",
    "priority = 100",
    "id = 1",
    "id = 255",
    "id = 256",
    "key = 0x414C0101",
    "key = 7",
    "ftok = /",
    "ftok = .",
    "beat = major",
    "on_lost = hold",
    "levels = 1 minor, 2 critical",
    "levels = ,",
    "gpio = 7",
    "gpio = 0x7",
    "path = /a/./b",
    "path = /a/../b",
    "active_low = yes",
    "fail_safe = no",
    "severity = indeterminate",
    "modules = a, alarmd",
    "on_stop = hold",
    "sequence = A",
    "sequence = M",
    "\u{feff}= ;#",
];

const WORDS: [&str; 33] = [
    "ack",
    "silence",
    "lamp-test",
    "raise",
    "clear",
    "status",
    "history",
    "shell",
    "key",
    "remove",
    "doctor",
    "sdhmgt",
    "alarm",
    "31",
    "256",
    "--all",
    "--json",
    "--type",
    "--code",
    "--index",
    "--level",
    "0x10",
    "-1",
    "major",
    "cleared",
    "4294967296",
    "-c",
    "alarmd.conf",
    "--help",
    "--version",
    "--",
    "",
    "/",
];
