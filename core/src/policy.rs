//! Which users may write the segments that producers share.
use heapless::Vec;

use crate::limits::TRUSTED;
use crate::process;
use crate::sysv::Stat;

/// Permissions, group and trusted users of all segments but the status block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Permissions, 0 to 0o777.
    pub mode: u32,
    /// The group, if not the daemon's own.
    pub group: Option<u32>,
    /// The users whose segments are read; empty: all.
    pub trust: Vec<u32, TRUSTED>,
    /// The daemon's own user, which is trusted whatever the list says.
    pub user: u32,
}

impl Policy {
    /// True if only trusted users own and created the segment.
    pub fn trusts(&self, stat: &Stat) -> bool {
        self.untrusted_uid(stat).is_none()
    }

    /// The user who owns or created the segment and is not trusted.
    pub fn untrusted_uid(&self, stat: &Stat) -> Option<u32> {
        let trusted = |uid| self.trust.is_empty() || self.trust.contains(&uid) || uid == self.user;
        [stat.uid, stat.creator].into_iter().find(|uid| !trusted(*uid))
    }

    /// True if this mode lets users write whom the configured mode does not.
    pub fn is_too_wide(&self, mode: u32) -> bool {
        mode & !self.mode & 0o022 != 0
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { mode: 0o660, group: None, trust: Vec::new(), user: process::user() }
    }
}
