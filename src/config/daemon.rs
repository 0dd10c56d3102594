//! The section `[daemon]`.
use alarmd_core::path::FilePath;

use super::accounts;
use super::reader::Reader;
use super::settings::Settings;
use super::text::Section;
use crate::number::number;

const KEYS: &str =
    "poll_ms, mode, group, trust, hang_ms, restart_s, watchdog, watchdog_s, lock_memory, oom_score_adj, priority";

/// Reads the section into `settings`.
pub fn read(reader: &mut Reader, section: &Section<'_>, settings: &mut Settings) {
    if !section.name.is_empty() {
        reader.error(section.line, format!("[daemon {}]: [daemon] takes no name", section.name));
    }
    for entry in &section.entries {
        match entry.key {
            "poll_ms" => settings.poll.poll_ms = reader.ranged(entry, 1, 60_000).unwrap_or(settings.poll.poll_ms),
            "mode" => {
                let expected = "octal permissions such as 0660, at most 0777";
                if let Some(mode) = reader.value(entry, expected, permissions) {
                    settings.poll.policy.mode = mode;
                    if mode & 0o600 != 0o600 {
                        let text = format!("mode = {}: the owner's producers have no access; add 0600", entry.value);
                        reader.warning(entry.line, text);
                    }
                }
            }
            "group" => {
                let expected = "a group of this machine (/etc/group), by name or number";
                settings.poll.policy.group = reader.value(entry, expected, accounts::group);
            }
            "trust" => {
                let expected = "users of this machine (/etc/passwd), by name or number";
                reader.list(entry, expected, accounts::user, |user| settings.poll.policy.trust.push(user).is_ok());
            }
            "hang_ms" => settings.hang_ms = reader.ranged(entry, 100, 60_000).unwrap_or(settings.hang_ms),
            "restart_s" => settings.restart_s = reader.ranged(entry, 0, 3600).unwrap_or(settings.restart_s),
            "watchdog" => {
                let expected = "the absolute path of a watchdog, such as /dev/watchdog";
                let absolute = |text: &str| FilePath::new(text).filter(|_| text.starts_with('/'));
                settings.watchdog = reader.value(entry, expected, absolute);
            }
            "watchdog_s" => settings.watchdog_s = reader.ranged(entry, 1, 3600).unwrap_or(settings.watchdog_s),
            "lock_memory" => settings.lock_memory = reader.yes_or_no(entry).unwrap_or_default(),
            "oom_score_adj" => settings.oom_score_adj = reader.value(entry, "a number from -1000 to 1000", oom_score),
            "priority" => settings.priority = reader.ranged(entry, 1, 99),
            _ => reader.unknown_key(entry, KEYS),
        }
    }
}

fn permissions(text: &str) -> Option<u32> {
    // from_str_radix would accept a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
}

fn oom_score(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    number(digits).filter(|score| *score <= 1000).map(|score| sign * score as i32)
}
