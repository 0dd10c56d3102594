//! Why a segment is not read, as a value: the log, the status block, JSON and doctor show the same text.
use core::fmt;

use crate::alarm::Origin;
use crate::codes::{RefusalReason, SysvOp};
use crate::errno::Errno;
use crate::ftok::KeyError;
use crate::limits::LARGEST;
use crate::sysv::Error;
use crate::wire::ModuleSegment;

/// Why a segment is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// A system call failed.
    Call(Error),
    /// This user owns or created it and is not trusted.
    Untrusted(u32),
    /// It is larger than any program's: its size.
    TooLarge(usize),
    /// It is smaller than a module segment: its size.
    TooSmall(usize),
    /// More users may write it than the configured mode lets, and alarmd may not change it: its mode.
    ModeTooWide(u32),
    /// The previous daemon refused it, with this alarm.
    Restored(Origin),
}

impl Rejection {
    /// The alarm that reports it.
    pub(super) fn origin(self) -> Origin {
        match self {
            Rejection::Call(error) if error.is_limit() => Origin::Limit,
            Rejection::Restored(origin) => origin,
            _ => Origin::Refused,
        }
    }
}

/// The reason for which a segment is refused or has no key, as the status block has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which reason.
    pub reason: RefusalReason,
    /// The errno of a system call that failed; else 0.
    pub errno: Errno,
    /// See [`RefusalReason`].
    pub detail: u32,
}

impl Refusal {
    fn new(reason: RefusalReason, detail: u32) -> Refusal {
        Refusal { reason, errno: Errno::from_raw(0), detail }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        match rejection {
            Rejection::Call(Error { op, errno }) => {
                Refusal { reason: RefusalReason::SystemCall, errno, detail: op.number() }
            }
            Rejection::Untrusted(uid) => Refusal::new(RefusalReason::Untrusted, uid),
            Rejection::TooLarge(size) => Refusal::new(RefusalReason::TooLarge, size as u32),
            Rejection::TooSmall(size) => Refusal::new(RefusalReason::TooSmall, size as u32),
            Rejection::ModeTooWide(mode) => Refusal::new(RefusalReason::ModeTooWide, mode),
            Rejection::Restored(_) => Refusal::new(RefusalReason::Restored, 0),
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Refusal {
        match error {
            KeyError::Relative => Refusal::new(RefusalReason::PathRelative, 0),
            KeyError::Unusable(errno) => Refusal { reason: RefusalReason::PathUnusable, errno, detail: 0 },
            KeyError::Private => Refusal::new(RefusalReason::KeyPrivate, 0),
            KeyError::Taken => Refusal::new(RefusalReason::KeyTaken, 0),
        }
    }
}

impl fmt::Display for Refusal {
    /// The reason and, behind a colon or semicolon, what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { reason, errno, detail } = *self;
        const LEAST: usize = size_of::<ModuleSegment>();
        match reason {
            RefusalReason::SystemCall => {
                let error = Error { op: SysvOp::from_number(detail).unwrap_or(SysvOp::Get), errno };
                write!(f, "{error}")?;
                match error.meaning() {
                    "" => Ok(()),
                    meaning => write!(f, ": {meaning}"),
                }
            }
            RefusalReason::Untrusted => write!(
                f,
                "user {detail} owns or created it and is not trusted; add the user to trust in alarmd.conf, or let a \
                 trusted user create it"
            ),
            RefusalReason::TooLarge => write!(
                f,
                "it has {detail} bytes, and at most {LARGEST} are read; it belongs to another program: use another key \
                 or ftok path"
            ),
            RefusalReason::TooSmall => write!(
                f,
                "it has {detail} bytes, and {LEAST} are needed; stop the program that uses it, remove the segment, and \
                 start the program after alarmd"
            ),
            RefusalReason::ModeTooWide => write!(
                f,
                "its mode {detail:04o} lets untrusted users write, and alarmd may not change it; set mode = {detail:04o} \
                 in alarmd.conf, or let its program create it with a narrower mode"
            ),
            RefusalReason::Restored => f.write_str("the previous daemon refused it; this one has not checked it yet"),
            RefusalReason::PathRelative => KeyError::Relative.fmt(f),
            RefusalReason::PathUnusable => KeyError::Unusable(errno).fmt(f),
            RefusalReason::KeyPrivate => KeyError::Private.fmt(f),
            RefusalReason::KeyTaken => KeyError::Taken.fmt(f),
        }
    }
}
