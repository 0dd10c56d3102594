//! From the file's text to sections and entries, with their lines.
use ini_core::{Item, Parser};

use super::problem::Problem;

/// `[kind name]` and what stands below it.
pub struct Section<'a> {
    pub line: u32,
    pub kind: &'a str,
    pub name: &'a str,
    pub entries: Vec<Entry<'a>>,
}

/// `key = value`
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub line: u32,
    pub key: &'a str,
    pub value: &'a str,
}

/// Splits the text. Comments start with `;` or `#`, at the start of a line or after white space.
pub fn sections<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut parser = Parser::new(text.strip_prefix('\u{feff}').unwrap_or(text)).auto_trim(true);
    loop {
        let line = parser.line() + 1;
        let Some(item) = parser.next() else { return sections };
        let mut wrong = |text: String| problems.push(Problem { line, text });
        match item {
            Item::Comment(_) | Item::Blank | Item::SectionEnd => {}
            Item::Property(key, _) if key.is_empty() || key.starts_with([';', '#']) => {}
            // A header with spaces or a comment around it is one all the same.
            Item::Section(_) | Item::Error(_) | Item::Property(_, None) => {
                let title = match item {
                    // ini_core has taken the first and the last bracket away; that one may be a comment's.
                    Item::Section(inside) => header(inside),
                    Item::Error(whole) | Item::Property(whole, _) => {
                        whole.strip_prefix('[').filter(|inside| inside.contains(']')).and_then(header)
                    }
                    _ => None,
                };
                let Some(title) = title else {
                    let (Item::Section(found) | Item::Error(found) | Item::Property(found, _)) = item else { continue };
                    wrong(format!("'{}' is neither [SECTION] nor KEY = VALUE", without_comment(found)));
                    if !matches!(item, Item::Property(found, _) if !found.starts_with('[')) {
                        // What follows belongs to a section all the same, which is told already.
                        sections.push(Section { line, kind: "", name: "", entries: Vec::new() });
                    }
                    continue;
                };
                let (kind, name) = title.split_once(char::is_whitespace).unwrap_or((title, ""));
                sections.push(Section { line, kind, name: name.trim(), entries: Vec::new() });
            }
            Item::Property(key, Some(value)) => {
                let value = without_comment(value);
                let Some(section) = sections.last_mut() else {
                    wrong(format!("'{key}' stands before the first section; put it under [daemon], say"));
                    continue;
                };
                match section.entries.iter().find(|entry| entry.key == key) {
                    Some(first) => {
                        let at = first.line;
                        wrong(format!("'{key}' stands a second time in this section, first in line {at}; keep one"));
                    }
                    None if value.is_empty() => wrong(format!("'{key}' has no value; give one or take the line out")),
                    None => section.entries.push(Entry { line, key, value }),
                }
            }
        }
    }
}

/// The title in what follows the opening bracket. The closing one is missing at the end of a line that ini_core took for a
/// header.
fn header(inside: &str) -> Option<&str> {
    match inside.split_once(']') {
        None => Some(inside.trim()),
        Some((title, rest)) if rest.trim().is_empty() || rest.trim().starts_with([';', '#']) => Some(title.trim()),
        Some(_) => None,
    }
}

fn without_comment(text: &str) -> &str {
    let comment = |(at, _): &(usize, &str)| *at == 0 || text[..*at].ends_with(char::is_whitespace);
    let end = text.match_indices([';', '#']).find(comment).map_or(text.len(), |(at, _)| at);
    text[..end].trim()
}
