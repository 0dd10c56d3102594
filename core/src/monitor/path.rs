//! Follows the key of an ftok path, which changes when the path is recreated or covered by a mount.
use log::{info, warn};

use super::reader::Monitor;
use super::settings::ModuleSettings;
use crate::alarm::Transition;
use crate::codes::SegmentRole;
use crate::ftok::{self, KeyError};
use crate::sysv::{Key, Segment};

impl Monitor {
    /// Computes the path's key again. Gives a monitor for the segment to which the path led before, if that is still in use.
    pub(super) fn follow_path(
        &mut self,
        module: &ModuleSettings,
        taken: impl Fn(Key) -> bool,
        report: &mut dyn FnMut(Transition),
    ) -> Option<Monitor> {
        let path = module.ftok.as_ref()?;
        let (name, shown) = (&module.name, path.as_str());
        let key = match ftok::key(path.as_c_str(), module.id) {
            Ok(key) if taken(key) => Err(KeyError::Taken),
            other => other,
        };
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                if error == KeyError::Taken && self.key.is_some() {
                    // Another module has been given this key since: what stands there is that module's.
                    self.forget(module, report);
                }
                if self.key_error != Some(error) {
                    match self.key {
                        None => {
                            warn!("module {name}: ftok {shown}: {error}; only the fixed key {} is watched", module.key)
                        }
                        Some(key) => warn!("module {name}: ftok {shown}: {error}; key {key} is still watched"),
                    }
                    self.key_error = Some(error);
                }
                return None;
            }
        };
        if self.key_error.take().is_some() {
            info!("module {name}: ftok {shown}: usable (key {key})");
        }
        if self.key == Some(key) {
            return None;
        }
        let mut fresh = Monitor::new(SegmentRole::Ftok, module);
        fresh.key = Some(key);
        let Some(old) = self.key else {
            *self = fresh;
            return None;
        };
        warn!("module {name}: ftok {shown}: key changed from {old} to {key}");
        let attached =
            self.segment.as_ref().and_then(|segment: &Segment| segment.stat().ok()).map_or(0, |stat| stat.attached);
        if attached > 1 || self.is_up() && self.segment.is_some() {
            let mut former = core::mem::replace(self, fresh);
            former.role = SegmentRole::Former;
            return Some(former);
        }
        self.lose(module, report);
        fresh.seen = self.seen;
        fresh.held = self.held;
        fresh.lost = self.lost;
        fresh.rejection = self.rejection;
        fresh.acknowledged = self.acknowledged;
        *self = fresh;
        None
    }
}
