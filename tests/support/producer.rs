//! Producers: through the library in the test's own process, and programs in C.
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::producer::{self, Options};
use alarmd_core::sysv::Key;

use super::{Board, Process, c};

/// The module that most tests use, and its fixed key.
pub const SDHMGT: ModuleId = ModuleId::new(31).unwrap();
pub const KEY: Key = Key::of_module(SDHMGT);

/// The alarm of this type.
pub fn alarm(kind: u32) -> AlarmId {
    AlarmId { alarm_type: kind, ..AlarmId::default() }
}

/// A producer through the library.
#[track_caller]
pub fn open_producer(module: ModuleId) -> producer::Producer {
    producer::Producer::open(module, Key::of_module(module), Options::default()).expect("opened")
}

/// A producer in C that reads its orders from a pipe.
pub struct Producer {
    pub process: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Producer {
    #[track_caller]
    fn start(folder: &Path, program: &str, arguments: &[&str]) -> Producer {
        let mut command = c::program(program).command();
        command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut producer = Producer { process: Process(child), stdin, stdout: BufReader::new(stdout) };
        assert!(producer.answer().starts_with("attached"));
        producer
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("an answer");
        line
    }

    /// Sends an order without waiting for the answer.
    pub fn send(&mut self, words: &str) {
        writeln!(self.stdin, "{words}").expect("sent");
    }

    /// Sends an order; gives the answer, which comes when it is done.
    pub fn ask(&mut self, words: &str) -> String {
        self.send(words);
        self.answer()
    }

    /// An old producer raises its alarm.
    pub fn raise(&mut self) {
        assert_eq!(self.ask("1"), "done 1\n");
    }

    /// An old producer clears its alarm.
    pub fn clear(&mut self) {
        assert_eq!(self.ask("0"), "done 0\n");
    }

    /// An old producer leaves as the original did: detaches and removes the segment.
    pub fn leave(mut self) {
        assert_eq!(self.ask("2"), "left\n");
        assert_eq!(self.process.exit_code(), Some(0));
    }
}

impl Board {
    /// An original-style producer in C under this key.
    #[track_caller]
    pub fn old_producer(&self, arguments: &[&str]) -> Producer {
        Producer::start(self.folder.path(), "old_producer", arguments)
    }

    /// A producer in C through include/alarm.h.
    #[track_caller]
    pub fn new_producer(&self, module: u32) -> Producer {
        Producer::start(self.folder.path(), "new_producer", &[&module.to_string()])
    }
}
