use super::*;
use crate::executor::testing::{end, order};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);
const FIRST: LinkId = LinkId(1);
const SECOND: LinkId = LinkId(2);
const ONE: AttemptId = AttemptId(1);

fn link() -> Link {
    Link::new(Identity::default(), Ledger::default())
}

fn hello(fence: u64) -> Down {
    hello_of("", fence)
}

fn hello_of(realm: &str, fence: u64) -> Down {
    Down::Hello {
        realm: realm.into(),
        fence: Fence(fence),
        scheduler: "a".into(),
        protocol: PROTOCOL,
    }
}

/// With a standing connection of fence 5.
fn connected() -> Link {
    let mut link = link();
    link.on_message(NOW, FIRST, hello(5));
    link
}

fn said(actions: &[Action]) -> Vec<&Up> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send { message, .. } => Some(message),
            _ => None,
        })
        .collect()
}

fn run(link: &mut Link, id: u64) -> Vec<Action> {
    link.on_message(NOW, FIRST, Down::Run(Box::new(order(id, "true"))))
}

const PROCESS: ProcessMark = ProcessMark {
    pid: 77,
    born: 8,
    at: NOW,
};

#[test]
fn hello_is_answered_with_all_that_is_held() {
    let mut link = connected();
    run(&mut link, 1);
    run(&mut link, 2);
    link.on_started(ONE, PROCESS);
    let actions = link.on_message(NOW, SECOND, hello(5));
    let held = vec![
        Held {
            attempt: ONE,
            started: Some((77, NOW)),
            end: None,
        },
        Held {
            attempt: AttemptId(2),
            started: None,
            end: None,
        },
    ];
    assert_eq!(
        actions,
        vec![
            Action::Send {
                link: FIRST,
                message: Up::Refused(Refusal::Superseded)
            },
            Action::Close { link: FIRST },
            Action::Send {
                link: SECOND,
                message: Up::Hello {
                    identity: Identity::default(),
                    protocol: PROTOCOL,
                    held
                }
            },
        ]
    );
}

#[test]
fn a_lower_fence_is_refused_and_the_standing_connection_stays() {
    let mut link = connected();
    let actions = link.on_message(NOW, SECOND, hello(4));
    assert_eq!(
        said(&actions),
        [&Up::Refused(Refusal::FenceTooLow { given: 4, seen: 5 })]
    );
    assert_eq!(actions.last(), Some(&Action::Close { link: SECOND }));
    assert_eq!(link.current(), Some(FIRST));
}

#[test]
fn a_higher_fence_is_written_down() {
    let mut link = connected();
    let actions = link.on_message(NOW, SECOND, hello(6));
    assert_eq!(actions[0], Action::Record(Record::Fence(Fence(6))));
    assert_eq!(link.current(), Some(SECOND));
}

#[test]
fn another_major_of_the_protocol_is_refused() {
    const OTHER: Protocol = Protocol {
        major: PROTOCOL.major + 1,
        minor: PROTOCOL.minor,
    };
    let message = Down::Hello {
        realm: String::new(),
        fence: Fence(1),
        scheduler: String::new(),
        protocol: OTHER,
    };
    assert_eq!(
        said(&link().on_message(NOW, FIRST, message)),
        [&Up::Refused(Refusal::Protocol {
            given: OTHER,
            speaks: PROTOCOL
        })]
    );
}

#[test]
fn orders_before_hello_and_after_a_takeover_are_refused() {
    for mut link in [link(), {
        let mut link = connected();
        link.on_message(NOW, SECOND, hello(5));
        link
    }] {
        let actions = run(&mut link, 1);
        assert_eq!(said(&actions), [&Up::Refused(Refusal::HelloFirst)]);
        assert!(link.ledger().find(ONE).is_none());
    }
}

#[test]
fn a_run_is_written_down_and_then_carried_out() {
    let actions = run(&mut connected(), 1);
    assert!(matches!(
        actions.as_slice(),
        [
            Action::Record(Record::Accepted { attempt: ONE, .. }),
            Action::Run(_)
        ]
    ));
}

#[test]
fn a_repeated_run_is_answered_with_what_is_known() {
    let mut link = connected();
    run(&mut link, 1);
    assert_eq!(run(&mut link, 1), []);
    link.on_started(ONE, PROCESS);
    let started = Up::Started {
        attempt: ONE,
        pid: 77,
        at: NOW,
    };
    assert_eq!(said(&run(&mut link, 1)), [&started]);
    let end = end(EndCause::Exited(3));
    link.on_ended(ONE, end.clone());
    let finished = Up::Finished { attempt: ONE, end };
    assert_eq!(said(&run(&mut link, 1)), [&started, &finished]);
    link.on_message(NOW, FIRST, Down::Ack { attempt: ONE });
    assert_eq!(said(&run(&mut link, 1)), [&started, &finished]);
}

#[test]
fn another_order_under_a_known_id_is_not_run() {
    let mut link = connected();
    run(&mut link, 1);
    let mut other = order(1, "true");
    other.flow = "other".into();
    let actions = link.on_message(NOW, FIRST, Down::Run(Box::new(other)));
    assert!(matches!(
        said(&actions).as_slice(),
        [Up::Finished {
            end: End {
                cause: EndCause::NotStarted(_),
                ..
            },
            ..
        }]
    ));
    assert_eq!(actions.len(), 1);
}

#[test]
fn an_acknowledged_attempt_is_held_no_more() {
    let mut link = connected();
    run(&mut link, 1);
    assert_eq!(link.on_message(NOW, FIRST, Down::Ack { attempt: ONE }), []);
    link.on_ended(ONE, end(EndCause::Exited(0)));
    assert_eq!(link.ledger().held().len(), 1);
    link.on_message(NOW, FIRST, Down::Ack { attempt: ONE });
    assert_eq!(link.ledger().held(), []);
}

#[test]
fn the_first_end_counts() {
    let mut link = connected();
    run(&mut link, 1);
    link.on_ended(ONE, end(EndCause::Killed));
    assert_eq!(link.on_ended(ONE, end(EndCause::Exited(0))), []);
}

#[test]
fn an_end_without_a_connection_is_kept() {
    let mut link = connected();
    run(&mut link, 1);
    link.on_closed(FIRST);
    let actions = link.on_ended(ONE, end(EndCause::Exited(0)));
    assert!(matches!(
        actions.as_slice(),
        [Action::Record(Record::Ended { .. })]
    ));
    assert!(link.ledger().held()[0].end.is_some());
}

#[test]
fn kill_depends_on_what_is_known() {
    let mut link = connected();
    let kill = |link: &mut Link| {
        link.on_message(
            NOW,
            FIRST,
            Down::Kill {
                attempt: ONE,
                grace: Duration::ZERO,
            },
        )
    };
    assert!(matches!(
        said(&kill(&mut link)).as_slice(),
        [Up::Finished {
            end: End {
                cause: EndCause::Lost(_),
                ..
            },
            ..
        }]
    ));
    run(&mut link, 1);
    assert!(matches!(
        kill(&mut link).as_slice(),
        [Action::Kill { attempt: ONE, .. }]
    ));
    // Its end alone is said: a "started" of one that nobody wants would be answered with a kill again, for ever.
    link.on_started(ONE, PROCESS);
    link.on_ended(ONE, end(EndCause::Killed));
    assert!(matches!(
        said(&kill(&mut link)).as_slice(),
        [Up::Finished {
            end: End {
                cause: EndCause::Killed,
                ..
            },
            ..
        }]
    ));
}

#[test]
fn a_draining_executor_starts_nothing_and_does_not_answer() {
    let mut link = connected();
    run(&mut link, 1);
    link.on_started(ONE, PROCESS);
    link.on_message(NOW, FIRST, Down::Drain);
    assert_eq!(said(&run(&mut link, 1)).len(), 1, "what it has, it keeps");
    assert_eq!(run(&mut link, 2), []);
    assert!(link.ledger().find(AttemptId(2)).is_none());
    let actions = link.on_message(NOW, SECOND, hello(5));
    assert!(matches!(
        said(&actions).as_slice(),
        [_, Up::Hello { held, .. }] if held.len() == 1
    ));
}

fn other_realm(serves: &str, alive: u64) -> Up {
    Up::Refused(Refusal::OtherRealm {
        given: "b".into(),
        serves: serves.into(),
        alive,
    })
}

#[test]
fn another_realm_is_refused_while_the_present_one_is_connected() {
    let mut link = connected();
    let actions = link.on_message(NOW, SECOND, hello_of("b", 9));
    assert_eq!(
        actions,
        [
            Action::Send {
                link: SECOND,
                message: other_realm("", 0)
            },
            Action::Close { link: SECOND }
        ]
    );
    assert_eq!(link.current(), Some(FIRST));
    assert_eq!(link.ledger().fence(), Fence(5));
}

#[test]
fn another_realm_is_refused_while_attempts_are_alive() {
    let mut link = connected();
    run(&mut link, 1);
    link.on_closed(FIRST);
    let actions = link.on_message(NOW, SECOND, hello_of("b", 9));
    assert_eq!(said(&actions), [&other_realm("", 1)]);
    link.on_ended(ONE, end(EndCause::Exited(0)));
    let actions = link.on_message(NOW, SECOND, hello_of("b", 9));
    assert!(matches!(said(&actions).as_slice(), [Up::Hello { .. }]));
}

#[test]
fn a_connection_cannot_change_its_realm() {
    let mut link = connected();
    let actions = link.on_message(NOW, FIRST, hello_of("b", 5));
    assert_eq!(said(&actions), [&other_realm("", 0)]);
    assert_eq!(link.ledger().realm(), "");
}

#[test]
fn another_realm_begins_with_nothing() {
    let mut link = connected();
    for id in [1, 2] {
        run(&mut link, id);
        link.on_ended(AttemptId(id), end(EndCause::Exited(0)));
    }
    link.on_message(NOW, FIRST, Down::Ack { attempt: ONE });
    link.on_closed(FIRST);

    let realm = Record::Realm {
        realm: "b".into(),
        era: 1,
    };
    assert_eq!(
        link.on_message(NOW, FIRST, hello_of("b", 1)),
        [
            Action::Record(realm),
            Action::Begin { era: 1 },
            Action::Record(Record::Fence(Fence(1))),
            Action::Send {
                link: FIRST,
                message: Up::Hello {
                    identity: Identity::default(),
                    protocol: PROTOCOL,
                    held: Vec::new()
                }
            },
        ]
    );
    assert!(matches!(
        run(&mut link, 1).as_slice(),
        [Action::Record(_), Action::Run(_)]
    ));

    // And back, with the fence that it had been past.
    link.on_ended(ONE, end(EndCause::Exited(0)));
    link.on_closed(FIRST);
    let actions = link.on_message(NOW, FIRST, hello(1));
    assert_eq!(actions[1], Action::Begin { era: 2 });
    assert!(matches!(
        run(&mut link, 1).as_slice(),
        [Action::Record(_), Action::Run(_)]
    ));
}
