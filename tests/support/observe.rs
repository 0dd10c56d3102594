//! What a board shows: its outputs, its log, and its status, through alarmctl and straight from the status block.
//!
//! Hazards: a round drives the lines first, then writes the log, and publishes the status last. A line that has changed, or
//! a line of the log, does not prove that the status is published: wait for the status too.
use std::fs;
use std::process::{Command, Stdio};

use alarmd_core::sysv::{Access, Key, Segment};
use alarmd_core::wire::StatusBlock;
use serde_json::Value;

use super::wait::{BOUND, wait_for, wait_or_explain, wait_until};
use super::{Board, Program, Ran};

impl Board {
    /// alarmctl's command, not started.
    pub fn alarmctl(&self, arguments: &[&str]) -> Command {
        let mut command = Program::tool().at(self.path("alarmctl")).command();
        command.arg("-c").arg(self.path("alarmd.conf")).args(arguments).stdin(Stdio::null());
        command.current_dir(self.folder.path());
        command
    }

    /// Runs alarmctl to its end: exit code, stdout, stderr.
    pub fn ctl(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.alarmctl(arguments).output().expect("alarmctl runs"))
    }

    /// Runs alarmctl, which must succeed, and gives its stdout.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        let ran = self.ctl(arguments);
        assert_eq!(ran.code, 0, "alarmctl {arguments:?}: {}", ran.err);
        ran.out
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.done(&["status", "--json"])).expect("JSON")
    }

    /// All events that are kept, oldest first, as `raised sdhmgt slot 1 type 7`.
    #[track_caller]
    pub fn events(&self) -> Vec<String> {
        let status = self.status();
        let events = status["events"].as_array().expect("events").iter().map(|event| {
            let text = |name: &str| event[name].as_str().expect("text").to_owned();
            format!("{} {} {} type {}", text("what"), text("module"), text("origin"), event["type"])
        });
        events.collect()
    }

    /// The segment of a module in status: by its role.
    #[track_caller]
    pub fn segment(&self, module: &str, role: &str) -> Option<Value> {
        let status = self.status();
        let modules = status["modules"].as_array().expect("modules").clone();
        let module = modules.into_iter().find(|entry| entry["name"] == module).expect("the module");
        module["segments"].as_array()?.iter().find(|segment| segment["role"] == role).cloned()
    }

    /// How many alarms the status shows.
    #[track_caller]
    pub fn alarm_count(&self) -> usize {
        self.status()["alarms"].as_array().expect("alarms").len()
    }

    /// Waits until the status shows so many alarms. An operator's command applies to those that the daemon has seen by then,
    /// so a test that raises an alarm and acknowledges it waits here in between.
    #[track_caller]
    pub fn wait_for_alarms(&self, count: usize) {
        wait_until(&format!("{count} alarms are shown"), || self.alarm_count() == count);
    }

    /// Waits until the daemon has made so many more health checks.
    #[track_caller]
    pub fn wait_for_checks(&self, count: u32) {
        let ago = || self.status()["daemon"]["checked_ms_ago"].as_u64().expect("a number");
        for _ in 0..count {
            let mut last = ago();
            wait_until("a health check", || {
                let now = ago();
                std::mem::replace(&mut last, now) > now
            });
        }
    }

    /// Waits until the guardian has started a worker so many times, and the last of them works.
    #[track_caller]
    pub fn wait_for_restarts(&self, count: u32) {
        let words = format!("\"restarts\": {count}");
        wait_until(&format!("worker {count} works"), || {
            let ran = self.ctl(&["status", "--json"]);
            ran.code == 0 && ran.out.contains(&words)
        });
    }

    /// All that the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_for_log(&self, words: &str) {
        let is_there = || self.log().contains(words).then_some(());
        wait_or_explain(BOUND, is_there, || format!("{words:?} is not in the log:\n{}", self.log()));
    }

    /// The text of an output's file.
    pub fn output(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_for_output(&self, name: &str, level: &str) {
        let shows = || (self.output(name) == level).then_some(());
        let explain = || format!("{name} is {:?} and not {level:?}; log:\n{}", self.output(name), self.log());
        wait_or_explain(BOUND, shows, explain);
    }
}

/// The status block as the daemon publishes it; `None` while it cannot be read.
pub fn status_block() -> Option<Box<StatusBlock<u32>>> {
    let segment = Segment::attach(Key::STATUS, Access::ReadOnly).ok()?;
    let mut block = Box::new(StatusBlock::EMPTY);
    block.copy(&segment).then_some(block)
}

/// Waits for the status block.
#[track_caller]
pub fn status_words() -> Box<StatusBlock<u32>> {
    wait_for("a status block", status_block)
}
