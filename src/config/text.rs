//! From the text to sections and entries, each with its line number.
use ini_core::{Item, Parser};

use super::problem::Problem;

/// `[kind name]` and its entries. The kind is empty where the header has an error.
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

/// Splits the text. A comment begins with `;` or `#`, at the start of a line or after white space.
pub fn sections<'a>(text: &'a str, errors: &mut Vec<Problem>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut parser = Parser::new(text.strip_prefix('\u{feff}').unwrap_or(text)).auto_trim(true);
    loop {
        let line = parser.line() + 1;
        let Some(item) = parser.next() else { return sections };
        let mut error = |text: String| errors.push(Problem { line, text });
        match item {
            Item::Comment(_) | Item::Blank | Item::SectionEnd => {}
            Item::Property(key, _) if key.is_empty() || key.starts_with([';', '#']) => {}
            // ini_core does not recognise a header with white space or a comment around it.
            Item::Section(_) | Item::Error(_) | Item::Property(_, None) => {
                let title = match item {
                    // ini_core removed the first and the last bracket. The last one may belong to a comment.
                    Item::Section(inside) => header(inside),
                    Item::Error(whole) | Item::Property(whole, _) => {
                        whole.strip_prefix('[').filter(|inside| inside.contains(']')).and_then(header)
                    }
                    _ => None,
                };
                let Some(title) = title else {
                    let (Item::Section(found) | Item::Error(found) | Item::Property(found, _)) = item else { continue };
                    error(format!("'{}' is neither [SECTION] nor KEY = VALUE", without_comment(found)));
                    if !matches!(item, Item::Property(found, _) if !found.starts_with('[')) {
                        // The entries that follow belong to this section, whose header has an error already.
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
                    error(format!("'{key}' is before the first section; move it into one, such as [daemon]"));
                    continue;
                };
                match section.entries.iter().find(|entry| entry.key == key) {
                    Some(first) => {
                        let at = first.line;
                        error(format!("duplicate key '{key}' (first defined in line {at})"));
                    }
                    None if value.is_empty() => error(format!("'{key}' has no value; add one or remove the line")),
                    None => section.entries.push(Entry { line, key, value }),
                }
            }
        }
    }
}

/// The title, from the text after the opening bracket. ini_core removes a closing bracket at the end of the line.
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
