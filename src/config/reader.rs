//! Reading the values of entries, and collecting errors and warnings.
use alarmd_core::alarm::{Name, Severity};

use super::problem::Problem;
use super::text::{Entry, Section};
use crate::number::number;

/// What a severity must be.
pub const SEVERITIES: &str = "critical, major, minor, warning or indeterminate";

/// The errors and warnings so far.
#[derive(Default)]
pub struct Reader {
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl Reader {
    /// Adds an error.
    pub fn error(&mut self, line: u32, text: String) {
        self.errors.push(Problem { line, text });
    }

    /// Adds a warning.
    pub fn warning(&mut self, line: u32, text: String) {
        self.warnings.push(Problem { line, text });
    }

    /// Adds the error for a key that the section does not have.
    pub fn unknown_key(&mut self, entry: &Entry<'_>, known: &str) {
        self.error(entry.line, format!("unknown key '{}'; known here: {known}", entry.key));
    }

    /// The value as `read` returns it. For `None` the error says that the value must be `expected`.
    pub fn value<T>(&mut self, entry: &Entry<'_>, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(entry.value);
        if value.is_none() {
            self.error(entry.line, format!("{} = {}: must be {expected}", entry.key, entry.value));
        }
        value
    }

    /// The same for each value of a list, which `push` stores. False from `push` means that the list is full.
    pub fn list<T>(
        &mut self,
        entry: &Entry<'_>,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
        mut push: impl FnMut(T) -> bool,
    ) {
        for value in entry.value.split(',').map(str::trim) {
            if self.value(&Entry { value, ..*entry }, expected, &read).is_some_and(|value| !push(value)) {
                self.error(entry.line, format!("{}: too many values; use fewer", entry.key));
            }
        }
    }

    /// A number in this range.
    pub fn ranged(&mut self, entry: &Entry<'_>, least: u32, most: u32) -> Option<u32> {
        let read = |text: &str| number(text).filter(|number| (least..=most).contains(number));
        self.value(entry, &format!("a number from {least} to {most}"), read)
    }

    /// The severity of an active alarm.
    pub fn severity(&mut self, entry: &Entry<'_>) -> Option<Severity> {
        self.value(entry, SEVERITIES, severity)
    }

    /// Yes or no.
    pub fn yes_or_no(&mut self, entry: &Entry<'_>) -> Option<bool> {
        self.value(entry, "yes or no", |text| match text {
            "yes" | "true" | "on" | "1" => Some(true),
            "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        })
    }

    /// The name in the section's header.
    pub fn name(&mut self, section: &Section<'_>) -> Option<Name> {
        let name = Name::new(section.name);
        if name.is_none() {
            let (kind, found) = (section.kind, section.name);
            let expected = "1 to 31 letters, digits, '_', '-' or '.'";
            self.error(section.line, format!("[{kind} {found}]: the name must be {expected}, as in [{kind} office]"));
        }
        name
    }
}

/// The severity of an active alarm, from its word.
pub fn severity(text: &str) -> Option<Severity> {
    Severity::from_word(text).filter(|severity| *severity != Severity::Cleared)
}
