//! The sequence lock explored by a model checker: every order in which two writers and a reader can meet, and every
//! value that the memory model lets them see.
//!
//! The lock's own source is compiled here against loom's atomics in place of the machine's.
#![cfg(not(target_arch = "arm"))]

#[path = "../src/wire/seqlock.rs"]
#[allow(dead_code, missing_docs)]
mod seqlock;

mod sync {
    /// Does nothing: yielding is no step of the lock, and would multiply the orders to explore.
    pub fn spin_loop() {}
    pub use loom::sync::atomic::{AtomicU32, Ordering, fence};
}

use std::cell::Cell;

use loom::sync::Arc;
use loom::thread;
use seqlock::{SeqLock, read_consistent};
use sync::{AtomicU32, Ordering};

#[derive(Default)]
struct Memory {
    sequence: AtomicU32,
    writer: AtomicU32,
    words: [AtomicU32; 2],
}

impl Memory {
    fn lock(&self) -> SeqLock<'_> {
        SeqLock::new(&self.sequence, &self.writer)
    }

    /// Stores `value` in both words, as the writer `me`; false if a living process holds the lock.
    fn write(&self, me: u32, value: u32, is_gone: impl FnOnce(u32) -> bool) -> bool {
        let Ok(_guard) = self.lock().acquire(me, is_gone) else { return false };
        for word in &self.words {
            word.store(value, Ordering::Relaxed);
        }
        true
    }

    /// Both words, if a reader's single try found them consistent.
    fn read(&self) -> Option<[u32; 2]> {
        let mut copy = [0; 2];
        let looks = Cell::new(0);
        let whole = read_consistent(
            // The real reader tries many times. More tries than one reach no other state, and take the checker days.
            || {
                looks.set(looks.get() + 1);
                if looks.get() <= 2 { self.sequence.load(Ordering::Relaxed) } else { 1 }
            },
            || copy = [0, 1].map(|word| self.words[word].load(Ordering::Relaxed)),
        );
        whole.then_some(copy)
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(model);
}

/// When both writers have ended, at least one has written, both words are one writer's, and the lock is free.
fn end(memory: &Memory, writers: [thread::JoinHandle<bool>; 2]) {
    let done = writers.map(|writer| writer.join().unwrap());
    assert!(done.contains(&true));
    let [first, second] = memory.read().expect("the lock is free");
    assert_eq!(first, second);
    assert_eq!(memory.sequence.load(Ordering::Relaxed) & 1, 0);
    assert_eq!(memory.lock().holder(), None);
}

#[test]
fn a_reader_sees_a_write_completely_or_not_at_all() {
    explore(|| {
        let memory = Arc::new(Memory::default());
        let theirs = memory.clone();
        let writer = thread::spawn(move || {
            assert!(theirs.write(1, 1, |_| false));
            assert!(theirs.write(1, 2, |_| false));
        });
        if let Some([first, second]) = memory.read() {
            assert_eq!(first, second);
        }
        writer.join().unwrap();
        assert_eq!(memory.read(), Some([2, 2]));
    });
}

#[test]
fn two_writers_are_never_guard_together() {
    explore(|| {
        let memory = Arc::new(Memory::default());
        let writers = [1, 2].map(|me| {
            let memory = memory.clone();
            thread::spawn(move || memory.write(me, me, |_| false))
        });
        if let Some([first, second]) = memory.read() {
            assert_eq!(first, second);
        }
        end(&memory, writers);
    });
}

#[test]
fn two_writers_that_replace_a_dead_one_hold_the_lock_one_at_a_time() {
    explore(|| {
        let memory = Arc::new(Memory::default());
        // Writer 9 died after its first store.
        memory.writer.store(9, Ordering::Relaxed);
        memory.sequence.store(1, Ordering::Relaxed);
        memory.words[0].store(7, Ordering::Relaxed);
        let writers = [1, 2].map(|me| {
            let memory = memory.clone();
            thread::spawn(move || memory.write(me, me, |holder| holder == 9))
        });
        // The words that the dead writer left incomplete are never seen.
        if let Some([first, second]) = memory.read() {
            assert_eq!(first, second);
        }
        end(&memory, writers);
    });
}
