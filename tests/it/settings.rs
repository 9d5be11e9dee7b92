//! What is refused before anything runs.

mod w34_what_breaks_a_rule_is_refused_with_the_value_and_the_rule {
    use std::time::Duration;

    use wpc::{
        BuildError, DefineError, Function, NAME_BYTES_MAX, NameError, Pending, PolicyError, RejectReason,
        Requirement, RestartPolicy, StartError, WORKERS_MAX, Wpc, WpcBuilder,
    };

    use crate::support::{Latch, Watchdog, build, pool, reason};

    /// The shortest and the longest that a setting may last.
    const SHORTEST: Duration = Duration::from_nanos(1);
    const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

    type Set = fn(WpcBuilder, Duration) -> WpcBuilder;

    /// The durations that have no rule but their limits, and how to set each.
    const DURATIONS: [(&str, Set); 3] = [
        ("call_timeout", WpcBuilder::call_timeout),
        ("control_timeout", WpcBuilder::control_timeout),
        ("start_timeout", WpcBuilder::start_timeout),
    ];

    #[track_caller]
    fn refused(builder: WpcBuilder) -> BuildError {
        builder.build().expect_err("it breaks a rule")
    }

    #[test]
    fn each_duration_at_its_limits_and_beyond() {
        let _watchdog = Watchdog::start();
        for (setting, set) in DURATIONS {
            build(set(Wpc::builder(), SHORTEST));
            build(set(Wpc::builder(), LONGEST));
            for value in [Duration::ZERO, LONGEST + SHORTEST, Duration::MAX] {
                let error = refused(set(Wpc::builder(), value));
                assert_eq!(error, BuildError::Duration { setting, value });
                let message = error.to_string();
                assert!(message.starts_with(&format!("`{setting}` is {value:?}: it must be ")), "{message}");
            }
        }
    }

    #[test]
    fn a_stop_timeout_that_leaves_no_time_to_drain() {
        let _watchdog = Watchdog::start();
        let with = |stop_timeout, overrun_grace| {
            Wpc::builder().stop_timeout(stop_timeout).overrun_grace(overrun_grace)
        };
        let second = Duration::from_secs(1);
        build(with(second + SHORTEST, second));
        build(with(2 * SHORTEST, SHORTEST));
        build(with(LONGEST, LONGEST.saturating_sub(SHORTEST)));
        for (stop_timeout, overrun_grace) in [(second, second), (second.saturating_sub(SHORTEST), second)] {
            let error = refused(with(stop_timeout, overrun_grace));
            assert_eq!(error, BuildError::StopTimeout { stop_timeout, overrun_grace });
            let message = error.to_string();
            let rule =
                format!("`stop_timeout` is {stop_timeout:?}: it must be more than `overrun_grace`, 1s");
            assert_eq!(message, rule);
        }
        for value in [Duration::ZERO, LONGEST + SHORTEST] {
            let expected = BuildError::Duration { setting: "stop_timeout", value };
            assert_eq!(refused(with(value, SHORTEST)), expected);
            let expected = BuildError::Duration { setting: "overrun_grace", value };
            assert_eq!(refused(with(LONGEST, value)), expected);
        }
    }

    #[test]
    fn a_number_of_waiting_calls_at_its_limits_and_beyond() {
        let _watchdog = Watchdog::start();
        let most = 1 << 24;
        build(Wpc::builder().max_pending_calls_per_worker(1));
        build(Wpc::builder().max_pending_calls_per_worker(most));
        for value in [0, most + 1, u32::MAX] {
            let error = refused(Wpc::builder().max_pending_calls_per_worker(value));
            assert_eq!(error, BuildError::PendingCalls { value });
            let message = error.to_string();
            let rule = format!("`max_pending_calls_per_worker` is {value}: it must be 1 to 16777216");
            assert_eq!(message, rule);
        }
    }

    #[test]
    fn a_pool_with_every_setting_at_its_longest_works() {
        let _watchdog = Watchdog::start();
        let builder = DURATIONS.iter().fold(Wpc::builder(), |builder, (_, set)| set(builder, LONGEST));
        let wpc = build(builder.stop_timeout(LONGEST).overrun_grace(LONGEST.saturating_sub(SHORTEST)));
        wpc.define_function("add", |a: u64, b: u64| a + b).expect("it is defined");
        wpc.start_workers(2).expect("they start");
        assert_eq!(wpc.call::<u64>("add", (1_u64, 2_u64)).expect("a value"), 3);
        assert_eq!(wpc.stop_workers().expect("it stops").completed, 0);
    }

    #[test]
    fn a_pool_with_one_place_holds_one_call_besides_the_running_one() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = (build(Wpc::builder().max_pending_calls_per_worker(1)), Latch::new());
        let held = latch.clone();
        wpc.define_function("held", move || held.hold()).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let submit = || wpc.submit::<()>("held", ());
        let accepted: [Pending<()>; 2] = [(); 2].map(|()| submit().expect("there is room"));
        assert_eq!(reason(submit()), RejectReason::Saturated { limit: 1 });
        latch.release();
        for call in accepted {
            call.wait().expect("a value");
        }
    }

    /// Each name that is none, and what is wrong with it.
    fn bad_names() -> Vec<(String, NameError)> {
        let character = |name: &str, character, at| {
            (name.to_owned(), NameError::Character { name: name.escape_debug().to_string(), character, at })
        };
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        let too_long = NameError::TooLong { start: "x".repeat(32), bytes: 256 };
        vec![
            (String::new(), NameError::Empty),
            (long, too_long),
            character("9a", '9', 0),
            character("-a", '-', 0),
            character(".a", '.', 0),
            character("a b", ' ', 1),
            character("a/b", '/', 1),
            character("a\n", '\n', 1),
            character("a\0b", '\0', 1),
            character("naïve", 'ï', 2),
        ]
    }

    #[track_caller]
    fn wrong_name<T: std::fmt::Debug>(result: Result<T, DefineError>) -> NameError {
        match result {
            Err(DefineError::Name(error)) => error,
            other => panic!("the name was taken: {other:?}"),
        }
    }

    #[test]
    fn a_name_of_another_form_whatever_it_is_to_name() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        for (name, expected) in bad_names() {
            let requiring = || Function::new(|| 0_u8).requires(Requirement::Constant(name.clone()));
            let errors = [
                wrong_name(wpc.define_function(&name, || 0_u8)),
                wrong_name(wpc.define_function("fine", requiring())),
                wrong_name(wpc.define_constant(&name, 0_u8)),
                wrong_name(wpc.undefine_function(&name)),
                wrong_name(wpc.undefine_constant(&name)),
            ];
            for error in errors {
                assert_eq!(error, expected, "{name:?}");
            }
        }
        assert!(wpc.functions().is_empty() && wpc.constants().is_empty(), "nothing has changed");
        let (_, error) = &bad_names()[7];
        let message = "the name `a\\n` has `\\n` at byte 1: names match [A-Za-z_][A-Za-z0-9_.:-]*";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn no_name_of_the_documented_form() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let longest = "x".repeat(NAME_BYTES_MAX);
        let good = ["_", "a", "Z9", "ns.part:function-2", &longest];
        for name in good {
            wpc.define_function(name, || 1_u8).expect("a good name");
            wpc.define_constant(name, 1_u8).expect("a good name");
        }
        wpc.start_workers(1).expect("it starts");
        for name in good {
            assert_eq!(wpc.call::<u8>(name, ()).expect("a value"), 1);
        }
        assert_eq!((wpc.functions().len(), wpc.constants().len()), (good.len(), good.len()));
    }

    #[test]
    fn no_worker_at_all_and_one_more_than_there_may_be() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        for asked in [0, WORKERS_MAX + 1, usize::MAX] {
            let error = wpc.start_workers(asked).expect_err("it breaks a rule");
            assert!(matches!(error, StartError::Count { asked: found } if found == asked), "{error}");
            let message = error.to_string();
            assert_eq!(message, format!("{asked} workers were asked for: it must be 1 to 1024"));
            assert!(wpc.workers().is_empty());
        }
        for count in [1, WORKERS_MAX] {
            assert_eq!(wpc.start_workers(count).expect("they start").ready.len(), count);
            assert_eq!(wpc.workers().len(), count);
            wpc.stop_workers().expect("they stop");
        }
    }

    #[test]
    fn a_restart_window_that_cannot_trip() {
        let _watchdog = Watchdog::start();
        // The delays of three restarts are 100, 200 and 400 ms.
        let taken = Duration::from_millis(700);
        let within =
            |restarts, window| Wpc::builder().restart(RestartPolicy::on_failure().within(restarts, window));
        let error = refused(within(3, taken));
        let expected = PolicyError::Window { restarts: 3, window: taken, taken };
        assert_eq!(error, BuildError::Restart(expected));
        assert_eq!(
            error.to_string(),
            "`restart`: 3 restarts take at least 700ms: a window of 700ms can never trip"
        );
        build(within(3, taken + SHORTEST));
        refused(within(4, taken + SHORTEST));
        build(within(1_000, LONGEST));
        assert_eq!(
            refused(within(1_001, LONGEST)),
            BuildError::Restart(PolicyError::Restarts { restarts: 1_001 })
        );
        assert_eq!(refused(within(0, LONGEST)), BuildError::Restart(PolicyError::Restarts { restarts: 0 }));
    }

    #[test]
    fn restart_delays_that_are_none_or_shrink() {
        let _watchdog = Watchdog::start();
        let (zero, second) = (Duration::ZERO, Duration::from_secs(1));
        let policy = RestartPolicy::on_failure().max(second);
        let restart = |policy| Wpc::builder().restart(policy);
        for base in [zero, second + SHORTEST] {
            let expected = PolicyError::Base { base, max: second };
            assert_eq!(refused(restart(policy.base(base))), BuildError::Restart(expected));
        }
        build(restart(policy.base(SHORTEST)));
        build(restart(policy.base(second)));
        assert_eq!(
            refused(restart(policy.factor(0))),
            BuildError::Restart(PolicyError::Factor { factor: 0 })
        );
        build(restart(policy.factor(1)));
        let jitter = second + SHORTEST;
        let expected = PolicyError::Jitter { jitter, max: second };
        assert_eq!(refused(restart(policy.jitter(jitter))), BuildError::Restart(expected));
        build(restart(policy.jitter(second)));
    }
}
