//! The section `[daemon]`.
use alarmd::settings::{Path, Settings, TRUSTED};

use super::accounts;
use super::problem::Problem;
use super::reader::{Reader, YES_OR_NO, list, yes_or_no};
use super::text::{Entry, Section};
use crate::number::number;

const DAEMON_KEYS: &str =
    "poll_ms, mode, group, trust, hang_ms, restart_s, watchdog, watchdog_s, lock_memory, oom_score_adj, priority";

impl Reader<'_> {
    pub fn daemon(&mut self, section: &Section<'_>, settings: &mut Settings) {
        if !section.name.is_empty() {
            self.wrong(section.line, format!("[daemon {}]: [daemon] takes no name", section.name));
        }
        for entry in &section.entries {
            match entry.key {
                "poll_ms" => settings.poll_ms = self.ranged(entry, 1, 60_000).unwrap_or(settings.poll_ms),
                "mode" => {
                    let octal = |text: &str| {
                        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                        u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
                    };
                    let right = "octal permissions such as 0660, at most 0777";
                    if let Some(mode) = self.value(entry, right, octal) {
                        settings.mode = mode;
                        if mode & 0o600 != 0o600 {
                            let text =
                                format!("mode = {}: without 0600 the owner's producers are shut out", entry.value);
                            self.doubts.push(Problem { line: entry.line, text });
                        }
                    }
                }
                "group" => {
                    let right = "a group of this machine (/etc/group), by name or number";
                    settings.group = self.value(entry, right, accounts::group);
                }
                "trust" => {
                    for word in list(entry.value) {
                        let one = Entry { value: word, ..*entry };
                        let right = "users of this machine (/etc/passwd), by name or number";
                        if let Some(user) = self.value(&one, right, accounts::user) {
                            if settings.trust.push(user).is_err() {
                                self.wrong(entry.line, format!("trust: more than {TRUSTED} users; name fewer"));
                            }
                        }
                    }
                }
                "hang_ms" => settings.hang_ms = self.ranged(entry, 100, 60_000).unwrap_or(settings.hang_ms),
                "restart_s" => settings.restart_s = self.ranged(entry, 0, 3600).unwrap_or(settings.restart_s),
                "watchdog" => {
                    let right = "the absolute path of a watchdog, such as /dev/watchdog";
                    let absolute = |text: &str| Path::new(text).filter(|_| text.starts_with('/'));
                    settings.watchdog = self.value(entry, right, absolute);
                }
                "watchdog_s" => settings.watchdog_s = self.ranged(entry, 1, 3600).unwrap_or(settings.watchdog_s),
                "lock_memory" => settings.lock_memory = self.value(entry, YES_OR_NO, yes_or_no).unwrap_or_default(),
                "oom_score_adj" => {
                    let score = |text: &str| match text.strip_prefix('-') {
                        Some(digits) => number(digits).filter(|score| *score <= 1000).map(|score| -(score as i32)),
                        None => number(text).filter(|score| *score <= 1000).map(|score| score as i32),
                    };
                    settings.oom_score_adj = self.value(entry, "a number from -1000 to 1000", score);
                }
                "priority" => settings.priority = self.ranged(entry, 1, 99),
                _ => self.unknown(entry, DAEMON_KEYS),
            }
        }
    }
}
