//! What all sections have in common.
use alarmd::alarm::{Name, Severity};

use super::problem::Problem;
use super::text::{Entry, Section};
use crate::number::number;

pub struct Reader<'p> {
    pub problems: &'p mut Vec<Problem>,
    pub doubts: Vec<Problem>,
}

impl Reader<'_> {
    pub fn wrong(&mut self, line: u32, text: String) {
        self.problems.push(Problem { line, text });
    }

    /// The value if `read` understands it; else `right` is told to be right.
    pub fn value<T>(&mut self, entry: &Entry<'_>, right: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(entry.value);
        if value.is_none() {
            self.wrong(entry.line, format!("{} = {}: must be {right}", entry.key, entry.value));
        }
        value
    }

    pub fn ranged(&mut self, entry: &Entry<'_>, least: u32, most: u32) -> Option<u32> {
        let read = |text: &str| number(text).filter(|number| (least..=most).contains(number));
        self.value(entry, &format!("a number from {least} to {most}"), read)
    }

    pub fn unknown(&mut self, entry: &Entry<'_>, known: &str) {
        self.wrong(entry.line, format!("unknown key '{}'; known here: {known}", entry.key));
    }

    pub fn name(&mut self, section: &Section<'_>) -> Option<Name> {
        let name = Name::new(section.name);
        if name.is_none() {
            let (kind, found) = (section.kind, section.name);
            let right = "1 to 31 letters, digits, '_', '-' or '.'";
            self.wrong(section.line, format!("[{kind} {found}]: the name must be {right}, as in [{kind} office]"));
        }
        name
    }
}

pub const SEVERITIES: &str = "critical, major, minor, warning or indeterminate";
pub const YES_OR_NO: &str = "yes or no";

pub fn severity(text: &str) -> Option<Severity> {
    Severity::from_word(text).filter(|severity| *severity != Severity::Cleared)
}

pub fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}
