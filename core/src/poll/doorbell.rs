//! The doorbell, the daemon's end: created, checked, repaired.
use core::mem::size_of;

use log::{info, warn};

use crate::clock::Time;
use crate::errno::Errno;
use crate::limits::LARGEST;
use crate::policy::Policy;
use crate::repeats::Repeats;
use crate::sysv::{Error, Key, Segment, Stat};
use crate::wire::Doorbell;

/// The doorbell's segment.
#[derive(Debug, Default)]
pub struct Bell {
    segment: Option<Segment>,
    /// Its mode and group are as the policy says.
    is_right: bool,
    error: Option<Error>,
    replaced: Repeats,
}

impl Bell {
    /// The doorbell; `None` while there is none.
    #[inline]
    pub fn view(&self) -> Option<&Doorbell> {
        self.segment.as_ref().and_then(Segment::view)
    }

    /// Mode and group are set again at the next check.
    pub fn policy_changed(&mut self) {
        self.is_right = false;
    }

    /// The doorbell with the policy's mode and group. One that is unusable, or of an untrusted user, who could remove it at
    /// any time, is replaced where alarmd may do so.
    fn open(&mut self, policy: &Policy, now: Time) -> Result<Segment, Error> {
        let size = size_of::<Doorbell>();
        if let Ok((id, stat)) = Segment::find(Key::DOORBELL).and_then(|id| id.stat().map(|stat| (id, stat))) {
            if stat.size < size || stat.size > LARGEST || !policy.trusts(&stat) {
                id.remove()?;
                let Stat { size, uid, .. } = stat;
                if self.replaced.note(now) {
                    warn!("doorbell: segment {} (owner {uid}, {size} bytes) is unusable; replaced", id.raw());
                }
            }
        }
        let (segment, _) = Segment::open_or_create(Key::DOORBELL, size, policy.mode)?;
        match segment.id().set_permissions(policy.mode, policy.group) {
            // A trusted user created it: then it has that user's.
            Ok(()) | Err(Error { errno: Errno::EPERM, .. }) => {}
            Err(error) => return Err(error),
        }
        segment.view::<Doorbell>().inspect(|doorbell| doorbell.claim());
        Ok(segment)
    }

    /// The health check: creates the doorbell, or repairs it. Gives why there is none.
    pub fn check(&mut self, policy: &Policy, poll_ms: u32, now: Time) -> Option<Error> {
        let kept = self.segment.as_ref().is_some_and(|segment| {
            // Another process may have removed it, or overwritten its magic.
            segment.view::<Doorbell>().is_some_and(Doorbell::is_ours)
                && Segment::find(Key::DOORBELL).is_ok_and(|id| id == segment.id())
        });
        if kept && self.is_right {
            return None;
        }
        let before = self.segment.as_ref().map(Segment::id).filter(|_| kept);
        let opened = self.open(policy, now);
        match &opened {
            Ok(segment) if Some(segment.id()) == before => {}
            Ok(segment) => {
                info!("doorbell: segment {} opened (key {})", segment.id().raw(), Key::DOORBELL);
                segment.view::<Doorbell>().inspect(|doorbell| doorbell.drop_commands());
            }
            Err(error) if self.error != Some(*error) => {
                let error = error.of("doorbell", Key::DOORBELL);
                warn!("{error}; producers cannot wake alarmd, alarms are seen within {poll_ms} ms");
            }
            Err(_) => {}
        }
        self.error = opened.as_ref().err().copied();
        self.segment = opened.ok();
        self.is_right = self.segment.is_some();
        self.error
    }
}
