//! Users and groups by name, from `/etc/passwd` and `/etc/group`.
//!
//! The files are read here, and not with getpwnam(3): a static executable cannot use other sources of names, and what musl
//! needs to ask nscd makes the executable 6 KB larger. So a user of NIS or LDAP is configured by number.
use std::path::Path;

use super::read::read;

/// The file that lists the groups ([group(5)]).
///
/// [group(5)]: https://man7.org/linux/man-pages/man5/group.5.html
const GROUPS: List = List { path: "/etc/group", fields: 4 };

/// The file that lists the users ([passwd(5)]).
///
/// [passwd(5)]: https://man7.org/linux/man-pages/man5/passwd.5.html
const USERS: List = List { path: "/etc/passwd", fields: 7 };

/// The group's id, from its name or number.
pub fn group(text: &str) -> Option<u32> {
    GROUPS.id(text)
}

/// The user's id, from its name or number.
pub fn user(text: &str) -> Option<u32> {
    USERS.id(text)
}

/// A file with one account a line: `name:password:id:...`, this many fields in all.
struct List {
    path: &'static str,
    fields: usize,
}

impl List {
    /// A number is an id, whether or not it is in the file.
    fn id(&self, text: &str) -> Option<u32> {
        decimal(text).or_else(|| self.find(&read(Path::new(self.path)).ok()?, text))
    }

    /// The id in the first line of that name. A line that is not an account is ignored: a comment, a line with too few
    /// fields, a line of NIS (it starts with `+` or `-`).
    fn find(&self, file: &[u8], name: &str) -> Option<u32> {
        if name.is_empty() || name.starts_with(['#', '+', '-']) {
            return None;
        }
        file.split(|byte| *byte == b'\n').find_map(|line| {
            // Bytes, because another field may be in another encoding than UTF-8.
            let mut fields = line.split(|byte| *byte == b':');
            let named = fields.next()? == name.as_bytes() && fields.clone().count() + 1 >= self.fields;
            let id = fields.nth(1)?;
            if named { decimal(std::str::from_utf8(id).ok()?) } else { None }
        })
    }
}

/// Digits only: `parse` alone would take a sign.
fn decimal(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, List, USERS};

    const PASSWD: &[u8] = b"# users\n\
        root:x:0:0:root:/root:/bin/sh\n\
        +nis::100::::\n\
        -banned::101::::\n\
        +\n\
        \n\
        short:x:102\n\
        short:x:103:100:six fields:/\n\
        text:x:abc:100::/:\n\
        sign:x:+5:100::/:\n\
        none:x::100::/:\n\
        large:x:4294967296:100::/:\n\
        twice:x:104:100::/:/bin/sh\n\
        twice:x:105:100::/:/bin/sh\n\
        late:x:later:100::/:\n\
        late:x:106:100::/:\n\
        latin:x:107:100:J\xf6rg:/home/latin:/bin/sh\n\
        colon:x:108:100::/:/bin/sh:\n\
        last:x:4294967295:100:no line end:/:/bin/sh";

    fn user(name: &str) -> Option<u32> {
        USERS.find(PASSWD, name)
    }

    #[test]
    fn a_user_is_found_by_the_first_field() {
        assert_eq!(user("root"), Some(0));
        assert_eq!(user("latin"), Some(107));
        assert_eq!(user("colon"), Some(108));
        assert_eq!(user("last"), Some(u32::MAX));
        for other in ["Root", "roo", "root:x", "x", "0", "J\u{f6}rg", ""] {
            assert_eq!(user(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_first_line_of_a_name_is_used() {
        assert_eq!(user("twice"), Some(104));
    }

    #[test]
    fn a_line_that_is_not_an_account_is_ignored() {
        for name in ["# users", "+nis", "nis", "-banned", "banned", "+", "short", "text", "sign", "none", "large"] {
            assert_eq!(user(name), None, "{name:?}");
        }
        assert_eq!(user("late"), Some(106));
    }

    #[test]
    fn a_group_has_four_fields() {
        let group = |name| GROUPS.find(b"#alarm:x:1:\nshort:x:2\nalarm:x:18:root,operator\nempty::19:\n+:::\n", name);
        assert_eq!((group("alarm"), group("empty")), (Some(18), Some(19)));
        for name in ["short", "#alarm", "operator", "+"] {
            assert_eq!(group(name), None, "{name:?}");
        }
    }

    #[test]
    fn without_the_file_a_number_still_works() {
        let missing = List { path: "/nonexistent/passwd", fields: 7 };
        assert_eq!((missing.id("1000"), missing.id("4294967295")), (Some(1000), Some(u32::MAX)));
        for bad in ["root", "", "-1", "+1", "4294967296", "0x10"] {
            assert_eq!(missing.id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn this_machine_has_root() {
        assert_eq!((super::user("root"), super::group("root")), (Some(0), Some(0)));
    }
}
