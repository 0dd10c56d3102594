use super::*;
use crate::alarm::{AlarmId, Origin, Severity};
use crate::clock::{MS, S};

fn alarm(module: u32, severity: Severity) -> Alarm {
    Alarm::own(module, Origin::Slot(1), AlarmId::default(), severity)
}

fn one(rule: Rule) -> Annunciator {
    let mut annunciator = Annunciator::default();
    assert!(annunciator.add(rule));
    annunciator
}

fn with(kind: Kind, sequence: Sequence) -> Annunciator {
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
        let mut annunciator = one(Rule { severity: Some(MAJOR), ..Rule::default() });
        let (from, to) = (alarm(31, Severity::Critical), alarm(31, Severity::Minor));
        annunciator.apply(&Transition::Raised(from));
        assert_eq!(annunciator.shows(0), Shows::Alarm);
        annunciator.apply(&Transition::Changed { from, to });
        assert_eq!(annunciator.shows(0), Shows::Nothing);
        annunciator.apply(&Transition::Cleared(to));
        assert_eq!(annunciator.shows(0), Shows::Nothing);
    }
}

mod sequences {
    use super::*;

    /// What is shown after each of these: raise, clear, acknowledge, silence.
    fn shown(kind: Kind, sequence: Sequence, steps: &str) -> std::string::String {
        let mut annunciator = with(kind, sequence);
        let shows = steps.chars().map(|step| {
            match step {
                'r' => annunciator.apply(&Transition::Raised(alarm(31, MAJOR))),
                'c' => annunciator.apply(&Transition::Cleared(alarm(31, MAJOR))),
                'a' => annunciator.acknowledge(),
                _ => annunciator.silence(),
            }
            match annunciator.shows(0) {
                Shows::Nothing => '-',
                Shows::Alarm => 'A',
                Shows::Flash => 'F',
                Shows::SlowFlash => 's',
            }
        });
        shows.collect()
    }

    #[test]
    fn follow_shows_an_alarm_until_the_last_one_ends() {
        assert_eq!(shown(Kind::Lamp, Sequence::Follow, "rrcacrc"), "AAAA-A-");
    }

    #[test]
    fn sequence_a_flashes_until_acknowledged_and_goes_off_by_itself() {
        assert_eq!(shown(Kind::Lamp, Sequence::A, "rac"), "FA-");
        // Gone before anybody looked.
        assert_eq!(shown(Kind::Lamp, Sequence::A, "rca"), "FF-");
        // A second one flashes anew.
        assert_eq!(shown(Kind::Lamp, Sequence::A, "raracc"), "FAFAA-");
    }

    #[test]
    fn sequence_m_flashes_slowly_for_what_has_ended_until_that_is_acknowledged() {
        assert_eq!(shown(Kind::Lamp, Sequence::M, "raca"), "FAs-");
        assert_eq!(shown(Kind::Lamp, Sequence::M, "rca"), "Fs-");
        // One has ended, another is still there; a new one comes first.
        assert_eq!(shown(Kind::Lamp, Sequence::M, "rracrac"), "FFAsFAs");
    }

    #[test]
    fn a_relay_does_not_clatter() {
        assert_eq!(shown(Kind::Relay, Sequence::A, "rca"), "AA-");
        assert_eq!(shown(Kind::Relay, Sequence::M, "raca"), "AAA-");
    }

    #[test]
    fn a_horn_sounds_until_acknowledged_or_silenced_and_again_for_a_new_alarm() {
        assert_eq!(shown(Kind::Horn, Sequence::Follow, "rsrarccc"), "A-A-AAA-");
        assert_eq!(shown(Kind::Horn, Sequence::A, "rcs"), "AA-");
        assert_eq!(shown(Kind::Horn, Sequence::M, "rac"), "A--");
        // Over with the alarm, where it only follows.
        assert_eq!(shown(Kind::Horn, Sequence::Follow, "rcr"), "A-A");
    }

    #[test]
    fn another_alarm_in_slot_0_is_news_and_so_is_one_that_became_indeterminate() {
        let warning = alarm(31, Severity::Warning);
        let other = Alarm { id: AlarmId { code: 99, ..AlarmId::default() }, ..warning };
        for to in [other, alarm(31, Severity::Indeterminate)] {
            let mut annunciator = with(Kind::Horn, Sequence::A);
            annunciator.apply(&Transition::Raised(warning));
            annunciator.acknowledge();
            annunciator.apply(&Transition::Changed { from: warning, to });
            assert_eq!(annunciator.shows(0), Shows::Alarm);
        }
    }

    #[test]
    fn a_worse_severity_is_news_and_a_better_one_is_not() {
        let mut annunciator = with(Kind::Lamp, Sequence::A);
        let (minor, critical) = (alarm(31, Severity::Minor), alarm(31, Severity::Critical));
        annunciator.apply(&Transition::Raised(minor));
        annunciator.acknowledge();
        annunciator.apply(&Transition::Changed { from: minor, to: critical });
        assert_eq!(annunciator.shows(0), Shows::Flash);
        annunciator.acknowledge();
        annunciator.apply(&Transition::Changed { from: critical, to: minor });
        assert_eq!(annunciator.shows(0), Shows::Alarm);
    }
}

mod time {
    use super::*;

    const START: Time = Time::from_nanos(77 * S + 3);

    #[test]
    fn a_flash_starts_with_its_light_and_goes_on_at_2_hz() {
        let mut annunciator = with(Kind::Lamp, Sequence::A);
        assert_eq!(annunciator.due(START), Time::NEVER);
        annunciator.apply(&Transition::Raised(alarm(31, MAJOR)));
        annunciator.look(START);
        let mut now = START;
        for turn in 0..8 {
            assert_eq!(annunciator.is_on(0, now), turn % 2 == 0);
            assert_eq!(annunciator.due(now), now + 250 * MS);
            // Looked at in between, it is as it was.
            assert_eq!(annunciator.is_on(0, now + 249 * MS), turn % 2 == 0);
            assert_eq!(annunciator.due(now + 249 * MS), now + 250 * MS);
            now = now + 250 * MS;
        }
        annunciator.acknowledge();
        assert!(annunciator.is_on(0, now + 250 * MS));
        assert_eq!(annunciator.due(now), Time::NEVER);
    }

    #[test]
    fn a_module_that_raises_without_end_makes_no_lamp_look_steady() {
        let mut annunciator = Annunciator::default();
        for sequence in [Sequence::A, Sequence::Follow] {
            assert!(annunciator.add(Rule { sequence, ..Rule::default() }));
        }
        annunciator.apply(&Transition::Raised(alarm(31, MAJOR)));
        annunciator.look(START);
        let mut dark = 0;
        for turn in 1..100 {
            let now = START + turn * 100 * MS;
            annunciator.apply(&Transition::Raised(alarm(32, MAJOR)));
            annunciator.look(now);
            dark += u32::from(!annunciator.is_on(0, now));
            annunciator.apply(&Transition::Cleared(alarm(32, MAJOR)));
        }
        assert!((35..=60).contains(&dark), "{dark} of 99");
    }

    #[test]
    fn another_annunciator_goes_on_in_time() {
        let mut first = with(Kind::Lamp, Sequence::A);
        first.apply(&Transition::Raised(alarm(31, MAJOR)));
        first.look(START);
        first.test(START + S);
        let mut second = with(Kind::Lamp, Sequence::A);
        second.prime(&alarm(31, MAJOR));
        second.keep_time(&first);
        second.look(START + 100 * MS);
        for ms in (0..3000).step_by(50) {
            assert_eq!(second.is_on(0, START + ms * MS), first.is_on(0, START + ms * MS));
        }
    }

    #[test]
    fn what_has_ended_flashes_at_half_a_hertz() {
        let mut annunciator = with(Kind::Lamp, Sequence::M);
        annunciator.apply(&Transition::Raised(alarm(31, MAJOR)));
        annunciator.look(START);
        annunciator.apply(&Transition::Cleared(alarm(31, MAJOR)));
        assert_eq!(annunciator.due(START), START + S);
        let on = [0, 999, 1000, 1999, 2000].map(|ms| annunciator.is_on(0, START + ms * MS));
        assert_eq!(on, [true, true, false, false, true]);
    }

    #[test]
    fn a_lamp_test_shows_every_lamp_for_its_time_and_then_restores() {
        let mut annunciator = with(Kind::Lamp, Sequence::Follow);
        assert!(annunciator.add(Rule { kind: Kind::Relay, ..Rule::default() }));
        assert!(annunciator.add(Rule { kind: Kind::Horn, ..Rule::default() }));
        annunciator.test(START + lamp_test(0));
        let on = |annunciator: &Annunciator, now| [0, 1, 2].map(|output| annunciator.is_on(output, now));
        assert_eq!(on(&annunciator, START), [true, false, false]);
        assert_eq!(annunciator.due(START), START + 5 * S);
        // Alarms are taken in meanwhile.
        annunciator.apply(&Transition::Raised(alarm(31, MAJOR)));
        assert_eq!(on(&annunciator, START + S), [true, true, true]);
        annunciator.apply(&Transition::Cleared(alarm(31, MAJOR)));
        assert_eq!(on(&annunciator, START + 5 * S), [false, false, false]);
        assert_eq!(annunciator.due(START + 5 * S), Time::NEVER);
        assert_eq!([1, 60, u32::MAX].map(lamp_test), [S, 60 * S, 60 * S]);
    }
}

mod memory {
    use super::*;

    #[test]
    fn what_is_kept_survives_as_a_word() {
        for word in 0..8 {
            assert_eq!(Latched::from_word(word).word(), word);
        }
    }

    #[test]
    fn another_annunciator_goes_on_where_one_has_left_off() {
        for (kind, sequence) in Kind::ALL.into_iter().flat_map(|kind| Sequence::ALL.map(|sequence| (kind, sequence))) {
            let mut first = with(kind, sequence);
            let mut seen = alarm(31, MAJOR);
            let other = alarm(32, MAJOR);
            first.apply(&Transition::Raised(seen));
            let goes_on = |first: &Annunciator, active: &[Alarm]| {
                let mut second = with(kind, sequence);
                active.iter().for_each(|alarm| second.prime(alarm));
                second.resume(0, first.latched(0));
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
    fn an_output_that_is_new_shows_what_nobody_has_acknowledged() {
        let mut annunciator = with(Kind::Lamp, Sequence::A);
        annunciator.prime(&Alarm { acknowledged: true, ..alarm(31, MAJOR) });
        assert_eq!(annunciator.shows(0), Shows::Alarm);
        annunciator.prime(&alarm(32, MAJOR));
        assert_eq!(annunciator.shows(0), Shows::Flash);
    }
}
