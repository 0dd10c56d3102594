//! The daemon's own alarms (module 0), as one table.
use super::entry::{Alarm, AlarmId};
use crate::codes::{DaemonType, Origin, Own, Severity};

/// Origin and severity of each type. An alarm of a module's segment that is refused has these too.
const fn row(kind: DaemonType) -> (Origin, Severity) {
    match kind {
        DaemonType::Refused => (Origin::Refused, Severity::Major),
        DaemonType::Failed => (Origin::Failed, Severity::Major),
        DaemonType::Configuration => (Origin::Configuration, Severity::Minor),
        DaemonType::Restarted => (Origin::Restarted, Severity::Warning),
        DaemonType::Clock => (Origin::Clock, Severity::Warning),
        DaemonType::Limit => (Origin::Limit, Severity::Major),
    }
}

/// The daemon's alarm of this type. [`DaemonType`] says what code and index mean.
pub const fn alarm(kind: DaemonType, code: u32, index: u32) -> Alarm {
    let (origin, severity) = row(kind);
    Alarm::own(0, origin, AlarmId { kind: kind.number(), code, index }, severity)
}

/// The alarm of a condition that lasts.
pub const fn lasting(own: Own) -> Alarm {
    match own {
        Own::Configuration => alarm(DaemonType::Configuration, 0, 0),
        Own::Doorbell => alarm(DaemonType::Limit, 0, 1),
        Own::Status => alarm(DaemonType::Limit, 0, 2),
        Own::DoorbellRefused => alarm(DaemonType::Refused, 0, 1),
        Own::StatusRefused => alarm(DaemonType::Refused, 0, 2),
    }
}
