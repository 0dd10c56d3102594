//! The daemon's own alarms (module 0), as one table.
use super::entry::{Alarm, AlarmId};
use crate::codes::{DaemonAlarm, DaemonAlarmType, Origin, Severity};

/// Origin and severity of each type. An alarm of a module's segment that is refused has these too.
const fn row(kind: DaemonAlarmType) -> (Origin, Severity) {
    match kind {
        DaemonAlarmType::Refused => (Origin::Refused, Severity::Major),
        DaemonAlarmType::Failed => (Origin::Failed, Severity::Major),
        DaemonAlarmType::Configuration => (Origin::Configuration, Severity::Minor),
        DaemonAlarmType::Restarted => (Origin::Restarted, Severity::Warning),
        DaemonAlarmType::Clock => (Origin::Clock, Severity::Warning),
        DaemonAlarmType::Limit => (Origin::Limit, Severity::Major),
    }
}

/// The daemon's alarm of this type. [`DaemonAlarmType`] says what code and index mean.
pub const fn alarm(kind: DaemonAlarmType, code: u32, index: u32) -> Alarm {
    let (origin, severity) = row(kind);
    Alarm::own(0, origin, AlarmId { alarm_type: kind.number(), code, index }, severity)
}

/// The alarm of a condition that lasts.
pub const fn lasting(own: DaemonAlarm) -> Alarm {
    match own {
        DaemonAlarm::Configuration => alarm(DaemonAlarmType::Configuration, 0, 0),
        DaemonAlarm::Doorbell => alarm(DaemonAlarmType::Limit, 0, 1),
        DaemonAlarm::Status => alarm(DaemonAlarmType::Limit, 0, 2),
        DaemonAlarm::DoorbellRefused => alarm(DaemonAlarmType::Refused, 0, 1),
        DaemonAlarm::StatusRefused => alarm(DaemonAlarmType::Refused, 0, 2),
    }
}
