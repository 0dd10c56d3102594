use super::*;
use crate::alarm::{Alarm, AlarmId, Origin, Severity};
use crate::clock::{MS, S};
use crate::codes::{Indication, Sequence};

fn alarm(module: u32, severity: Severity) -> Alarm {
    Alarm::own(module, Origin::Slot(1), AlarmId::default(), severity)
}

/// Outputs and what they have in common.
#[derive(Default)]
struct Panel {
    annunciator: Annunciator,
    points: std::vec::Vec<Point>,
}

impl Panel {
    fn add(&mut self, rule: Rule) {
        self.points.push(Point::new(rule));
    }

    fn apply(&mut self, transition: &Transition) {
        self.annunciator.apply(&mut self.points, transition);
    }

    fn acknowledge(&mut self) {
        self.points.iter_mut().for_each(Point::acknowledge);
    }

    fn silence(&mut self) {
        self.points.iter_mut().for_each(Point::silence);
    }

    fn shows(&self, output: usize) -> Indication {
        self.points[output].shows()
    }

    fn is_on(&self, output: usize, now: Time) -> bool {
        self.annunciator.is_on(&self.points[output], now)
    }

    fn due(&self, now: Time) -> Time {
        self.annunciator.due(&self.points, now)
    }
}

fn one(rule: Rule) -> Panel {
    let mut panel = Panel::default();
    panel.add(rule);
    panel
}

fn with(kind: OutputKind, sequence: Sequence) -> Panel {
    one(Rule { kind, sequence, ..Rule::default() })
}

const MAJOR: Severity = Severity::Major;

mod filters {
    use super::*;

    #[test]
    fn a_severity_filter_passes_this_and_above_and_indeterminate() {
        let rule = Rule { severity: Some(MAJOR), ..Rule::default() };
        let passes: std::vec::Vec<bool> =
            Severity::ALL.into_iter().map(|severity| rule.listens(&alarm(31, severity))).collect();
        assert_eq!(passes, [true, true, false, false, true, false]);
    }

    #[test]
    fn a_module_filter_passes_only_its_modules() {
        let mut rule = Rule::default();
        rule.modules.push(31).unwrap();
        assert!(rule.listens(&alarm(31, Severity::Warning)));
        assert!(!rule.listens(&alarm(32, Severity::Critical)));
        assert!(!rule.listens(&alarm(0, Severity::Critical)));
    }

    #[test]
    fn a_change_below_the_filter_turns_the_output_off() {
        let mut panel = one(Rule { severity: Some(MAJOR), ..Rule::default() });
        let (from, to) = (alarm(31, Severity::Critical), alarm(31, Severity::Minor));
        panel.apply(&Transition::Raised(from));
        assert_eq!(panel.shows(0), Indication::Alarm);
        panel.apply(&Transition::Changed { from, to });
        assert_eq!(panel.shows(0), Indication::Nothing);
        panel.apply(&Transition::Cleared(to));
        assert_eq!(panel.shows(0), Indication::Nothing);
    }
}

mod sequences {
    use super::*;

    /// What is shown after each of these: raise, clear, acknowledge, silence.
    fn shown(kind: OutputKind, sequence: Sequence, steps: &str) -> std::string::String {
        let mut panel = with(kind, sequence);
        let shows = steps.chars().map(|step| {
            match step {
                'r' => panel.apply(&Transition::Raised(alarm(31, MAJOR))),
                'c' => panel.apply(&Transition::Cleared(alarm(31, MAJOR))),
                'a' => panel.acknowledge(),
                _ => panel.silence(),
            }
            match panel.shows(0) {
                Indication::Nothing => '-',
                Indication::Alarm => 'A',
                Indication::Flash => 'F',
                Indication::SlowFlash => 's',
            }
        });
        shows.collect()
    }

    #[test]
    fn follow_shows_an_alarm_until_the_last_one_ends() {
        assert_eq!(shown(OutputKind::Lamp, Sequence::Follow, "rrcacrc"), "AAAA-A-");
    }

    #[test]
    fn sequence_a_flashes_until_acknowledged_and_goes_off_by_itself() {
        assert_eq!(shown(OutputKind::Lamp, Sequence::A, "rac"), "FA-");
        // It ended before an operator acknowledged it.
        assert_eq!(shown(OutputKind::Lamp, Sequence::A, "rca"), "FF-");
        // A second one flashes again.
        assert_eq!(shown(OutputKind::Lamp, Sequence::A, "raracc"), "FAFAA-");
    }

    #[test]
    fn sequence_m_flashes_slowly_for_a_cleared_alarm_until_it_is_acknowledged() {
        assert_eq!(shown(OutputKind::Lamp, Sequence::M, "raca"), "FAs-");
        assert_eq!(shown(OutputKind::Lamp, Sequence::M, "rca"), "Fs-");
        // One has ended, another is still there; a new one comes first.
        assert_eq!(shown(OutputKind::Lamp, Sequence::M, "rracrac"), "FFAsFAs");
    }

    #[test]
    fn a_relay_does_not_flash() {
        assert_eq!(shown(OutputKind::Relay, Sequence::A, "rca"), "AA-");
        assert_eq!(shown(OutputKind::Relay, Sequence::M, "raca"), "AAA-");
    }

    #[test]
    fn a_horn_sounds_until_acknowledged_or_silenced_and_again_for_a_new_alarm() {
        assert_eq!(shown(OutputKind::Horn, Sequence::Follow, "rsrarccc"), "A-A-AAA-");
        assert_eq!(shown(OutputKind::Horn, Sequence::A, "rcs"), "AA-");
        assert_eq!(shown(OutputKind::Horn, Sequence::M, "rac"), "A--");
        // Over with the alarm, where it only follows.
        assert_eq!(shown(OutputKind::Horn, Sequence::Follow, "rcr"), "A-A");
    }

    #[test]
    fn another_alarm_in_slot_0_and_a_change_to_indeterminate_count_as_new() {
        let warning = alarm(31, Severity::Warning);
        let other = Alarm { id: AlarmId { code: 99, ..AlarmId::default() }, ..warning };
        for to in [other, alarm(31, Severity::Indeterminate)] {
            let mut panel = with(OutputKind::Horn, Sequence::A);
            panel.apply(&Transition::Raised(warning));
            panel.acknowledge();
            panel.apply(&Transition::Changed { from: warning, to });
            assert_eq!(panel.shows(0), Indication::Alarm);
        }
    }

    #[test]
    fn a_higher_severity_counts_as_new_and_a_lower_one_does_not() {
        let mut panel = with(OutputKind::Lamp, Sequence::A);
        let (minor, critical) = (alarm(31, Severity::Minor), alarm(31, Severity::Critical));
        panel.apply(&Transition::Raised(minor));
        panel.acknowledge();
        panel.apply(&Transition::Changed { from: minor, to: critical });
        assert_eq!(panel.shows(0), Indication::Flash);
        panel.acknowledge();
        panel.apply(&Transition::Changed { from: critical, to: minor });
        assert_eq!(panel.shows(0), Indication::Alarm);
    }
}

mod time {
    use super::*;

    const START: Time = Time::from_nanos(77 * S + 3);

    #[test]
    fn a_flash_starts_with_the_lamp_on_and_continues_at_2_hz() {
        let mut panel = with(OutputKind::Lamp, Sequence::A);
        assert_eq!(panel.due(START), Time::NEVER);
        panel.apply(&Transition::Raised(alarm(31, MAJOR)));
        panel.annunciator.update_flash(START);
        let mut now = START;
        for turn in 0..8 {
            assert_eq!(panel.is_on(0, now), turn % 2 == 0);
            assert_eq!(panel.due(now), now + 250 * MS);
            // Looked at in between, it is as it was.
            assert_eq!(panel.is_on(0, now + 249 * MS), turn % 2 == 0);
            assert_eq!(panel.due(now + 249 * MS), now + 250 * MS);
            now = now + 250 * MS;
        }
        panel.acknowledge();
        assert!(panel.is_on(0, now + 250 * MS));
        assert_eq!(panel.due(now), Time::NEVER);
    }

    #[test]
    fn a_module_that_raises_without_end_does_not_stop_a_lamp_from_flashing() {
        let mut panel = Panel::default();
        for sequence in [Sequence::A, Sequence::Follow] {
            panel.add(Rule { sequence, ..Rule::default() });
        }
        panel.apply(&Transition::Raised(alarm(31, MAJOR)));
        panel.annunciator.update_flash(START);
        let mut dark = 0;
        for turn in 1..100 {
            let now = START + turn * 100 * MS;
            panel.apply(&Transition::Raised(alarm(32, MAJOR)));
            panel.annunciator.update_flash(now);
            dark += u32::from(!panel.is_on(0, now));
            panel.apply(&Transition::Cleared(alarm(32, MAJOR)));
        }
        assert!((35..=60).contains(&dark), "{dark} of 99");
    }

    #[test]
    fn a_new_annunciator_keeps_the_phase_of_the_flash() {
        let mut first = with(OutputKind::Lamp, Sequence::A);
        first.apply(&Transition::Raised(alarm(31, MAJOR)));
        first.annunciator.update_flash(START);
        first.annunciator.test(START + S);
        let mut second = with(OutputKind::Lamp, Sequence::A);
        second.points[0].add_active(&alarm(31, MAJOR));
        second.annunciator = first.annunciator.clone();
        second.annunciator.update_flash(START + 100 * MS);
        for ms in (0..3000).step_by(50) {
            assert_eq!(second.is_on(0, START + ms * MS), first.is_on(0, START + ms * MS));
        }
    }

    #[test]
    fn a_cleared_alarm_flashes_at_half_a_hertz() {
        let mut panel = with(OutputKind::Lamp, Sequence::M);
        panel.apply(&Transition::Raised(alarm(31, MAJOR)));
        panel.annunciator.update_flash(START);
        panel.apply(&Transition::Cleared(alarm(31, MAJOR)));
        assert_eq!(panel.due(START), START + S);
        let on = [0, 999, 1000, 1999, 2000].map(|ms| panel.is_on(0, START + ms * MS));
        assert_eq!(on, [true, true, false, false, true]);
    }

    #[test]
    fn a_lamp_test_shows_every_lamp_for_its_time_and_then_restores() {
        let mut panel = with(OutputKind::Lamp, Sequence::Follow);
        panel.add(Rule { kind: OutputKind::Relay, ..Rule::default() });
        panel.add(Rule { kind: OutputKind::Horn, ..Rule::default() });
        panel.annunciator.test(START + lamp_test(0));
        let on = |panel: &Panel, now| [0, 1, 2].map(|output| panel.is_on(output, now));
        assert_eq!(on(&panel, START), [true, false, false]);
        assert_eq!(panel.due(START), START + 5 * S);
        // Alarms are taken in meanwhile.
        panel.apply(&Transition::Raised(alarm(31, MAJOR)));
        assert_eq!(on(&panel, START + S), [true, true, true]);
        panel.apply(&Transition::Cleared(alarm(31, MAJOR)));
        assert_eq!(on(&panel, START + 5 * S), [false, false, false]);
        assert_eq!(panel.due(START + 5 * S), Time::NEVER);
        assert_eq!([1, 60, u32::MAX].map(lamp_test), [S, 60 * S, 60 * S]);
    }
}

mod memory {
    use super::*;

    #[test]
    fn a_latch_is_restored_from_its_word() {
        for word in 0..8 {
            assert_eq!(Latched::from_word(word).word(), word);
        }
    }

    #[test]
    fn a_new_annunciator_continues_with_the_latches_of_the_old_one() {
        for (kind, sequence) in
            OutputKind::ALL.into_iter().flat_map(|kind| Sequence::ALL.map(|sequence| (kind, sequence)))
        {
            let mut first = with(kind, sequence);
            let mut seen = alarm(31, MAJOR);
            let other = alarm(32, MAJOR);
            first.apply(&Transition::Raised(seen));
            let goes_on = |first: &Panel, active: &[Alarm]| {
                let mut second = with(kind, sequence);
                active.iter().for_each(|alarm| second.points[0].add_active(alarm));
                second.points[0].restore_latch(first.points[0].latched());
                assert_eq!(second.shows(0), first.shows(0), "{kind:?} {sequence:?} {active:?}");
            };
            goes_on(&first, &[seen]);
            first.silence();
            goes_on(&first, &[seen]);
            first.acknowledge();
            seen.acknowledged = true;
            goes_on(&first, &[seen]);
            first.apply(&Transition::Raised(other));
            first.apply(&Transition::Cleared(other));
            goes_on(&first, &[seen]);
            first.apply(&Transition::Cleared(seen));
            goes_on(&first, &[]);
        }
    }

    #[test]
    fn a_new_output_shows_the_alarms_that_are_not_acknowledged() {
        let mut panel = with(OutputKind::Lamp, Sequence::A);
        panel.points[0].add_active(&Alarm { acknowledged: true, ..alarm(31, MAJOR) });
        assert_eq!(panel.shows(0), Indication::Alarm);
        panel.points[0].add_active(&alarm(32, MAJOR));
        assert_eq!(panel.shows(0), Indication::Flash);
    }
}
