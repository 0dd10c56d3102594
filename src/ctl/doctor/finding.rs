//! What all checks share: the settings, the daemon's status, and the list of findings.
use crate::config::Settings;
use serde::Serialize;

use crate::ctl::report::Report;

/// The result of a check.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// alarmd works, but not under all conditions.
    Warning,
    /// Something that alarmd needs does not work.
    Error,
}

/// One thing that was checked.
#[derive(Serialize)]
pub struct Finding {
    pub subject: String,
    pub level: Level,
    pub what: String,
    /// The consequence; empty if the level is `ok`.
    pub why: &'static str,
    /// The command or the change that fixes it; empty if the level is `ok`.
    pub fix: String,
}

/// What the checks read, and the findings to which they add.
pub struct Checks {
    /// Defaults, if the configuration cannot be read.
    pub settings: Box<Settings>,
    /// The configuration was read.
    pub configured: bool,
    /// The status of the daemon; `None` if no daemon is running or its status cannot be read.
    pub report: Option<Report>,
    pub findings: Vec<Finding>,
}

impl Checks {
    // `&str` instead of `impl Into<String>`: there are about forty calls, and each conversion would be compiled into them.
    #[inline(never)]
    fn add(&mut self, level: Level, subject: &str, what: &str, why: &'static str, fix: &str) {
        let [subject, what, fix] = [subject, what, fix].map(str::to_owned);
        self.findings.push(Finding { subject, level, what, why, fix });
    }

    #[inline(never)]
    pub fn ok(&mut self, subject: &str, what: &str) {
        self.add(Level::Ok, subject, what, "", "");
    }

    #[inline(never)]
    pub fn warning(&mut self, subject: &str, what: &str, why: &'static str, fix: &str) {
        self.add(Level::Warning, subject, what, why, fix);
    }

    #[inline(never)]
    pub fn error(&mut self, subject: &str, what: &str, why: &'static str, fix: &str) {
        self.add(Level::Error, subject, what, why, fix);
    }
}
