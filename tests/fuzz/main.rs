//! Fuzzing without a fuzzer: every kept input, and generated ones, for each target. `scripts/fuzz` runs it for hours, or the same
//! targets under cargo fuzz where there is a nightly toolchain.
//!
//! | variable | |
//! | --- | --- |
//! | `ALARMD_FUZZ_CASES` | how many inputs are generated for each target (200; a tenth where a program is run for each) |
//! | `ALARMD_SEED` | the seed that repeats a run |
#![cfg(not(target_arch = "arm"))] // the tests of this machine's executable, and proptest, are enough once

mod inputs;
mod programs;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use support::{Board, Random};

/// Runs the kept inputs, and then so many generated ones.
fn fuzz(target: &str, cases: u32, run: impl Fn(&[u8])) {
    let kept = inputs::corpus(target);
    assert!(!kept.is_empty());
    for (path, bytes) in &kept {
        println!("{}", path.display());
        run(bytes);
    }
    let random = Random::new();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&random.seed().to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    // Without backtraces: there is one for each step of shrinking.
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
    let once = |bytes: Vec<u8>| {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&bytes)));
        done.map_err(|_| TestCaseError::fail("it panics"))
    };
    match runner.run(&inputs::inputs(target), once) {
        Ok(()) => {}
        Err(TestError::Fail(_, bytes)) => {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
            fs::create_dir_all(&folder).expect("made");
            let file = folder.join(format!("{target}-{:016x}", hasher.finish()));
            fs::write(&file, &bytes).expect("written");
            let corpus = inputs::corpus_folder(target);
            panic!("{target}: {} breaks a promise; fix it, and keep it in {}", file.display(), corpus.display());
        }
        Err(error) => panic!("{error}"),
    }
    let text = format!("fuzz {target}: seed {}: {} kept, {cases} generated; 0 failed\n", random.seed(), kept.len());
    // Not through the test harness, which hides the output of tests that pass.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn cases() -> u32 {
    std::env::var("ALARMD_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

#[test]
fn any_text_as_a_configuration_is_accepted_or_reported() {
    fuzz("configuration", 10 * cases(), targets::configuration);
}

/// Segments of this test's own, unless it must be skipped.
fn fuzz_segment(target: &str, run: fn(&[u8])) {
    if support::private_namespace() {
        fuzz(target, cases(), run);
    }
}

#[test]
fn any_bytes_in_a_module_segment_harm_that_module_only() {
    fuzz_segment("module_segment", targets::module_segment);
}

#[test]
fn any_bytes_in_the_doorbell_are_repaired() {
    fuzz_segment("doorbell", targets::doorbell);
}

#[test]
fn any_bytes_in_the_status_block_are_read_safely_and_replaced() {
    fuzz_segment("status_block", targets::status_block);
}

#[test]
fn any_command_line_ends_with_a_documented_exit_code() {
    let Some(board) = Board::bare("") else { return };
    fuzz("command_line", cases() / 10, |data| programs::command_line(&board, data));
}

#[test]
fn any_input_of_the_shell_leaves_a_valid_record() {
    let Some(board) = Board::bare("") else { return };
    fuzz("shell_input", cases() / 10, |data| programs::shell_input(&board, data));
}
