//! Interleavings of the scheduler: of its pool of threads, and of the graph of runs that it is handed. The `shuttle` crate
//! decides which thread goes on at each use of what `runtime/sync.rs` has, and finds deadlocks.

mod scene;

use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use self::scene::{
    BOTH, Gauge, HALF, LARGE, PLAIN, SMALL, TAGGED, WIDE, add, explore, explore_with, join, lazy, run_here, spawn,
    submit, value,
};
use super::*;
use crate::run::flow_run::Cancelled;
use crate::runtime::block_on;
use crate::runtime::sync::atomic::{AtomicBool, Ordering};
use crate::runtime::sync::{Mutex, pass_time, thread};
use pipex_format::model::target::Template;

static DROPPED: Task = Task::new("dropped", "tests", file!(), line!(), Template::Plain(&[]));

#[test]
fn a_chain_ends() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let (first, first_counts) = submit(&PLAIN, &[], add);
            let (second, second_counts) = lazy(&PLAIN, &[&first], add);
            let (third, third_counts) = submit(&PLAIN, &[&second], add);
            assert_eq!(value(&third), 3);
            assert_eq!([first_counts.runs(), second_counts.runs(), third_counts.runs()], [1; 3]);
        },
    );
}

#[test]
fn a_diamond_ends() {
    explore(
        || Local::new().workers(3),
        |_, _| {
            let (top, top_counts) = submit(&PLAIN, &[], add);
            let (left, left_counts) = submit(&PLAIN, &[&top], add);
            let (right, right_counts) = lazy(&PLAIN, &[&top], add);
            let (bottom, bottom_counts) = submit(&PLAIN, &[&left, &right], add);
            assert_eq!(value(&bottom), 5);
            assert_eq!([top_counts, left_counts, right_counts, bottom_counts].map(|counts| counts.runs()), [1; 4]);
        },
    );
}

#[test]
fn what_fans_in_and_out_ends() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let sources = [(); 3].map(|()| submit(&PLAIN, &[], add).0);
            let (middle, middle_counts) = submit(&PLAIN, &sources.each_ref(), add);
            let sinks = [(); 3].map(|()| submit(&PLAIN, &[&middle], add));
            // Two sinks are waited for by the flow's end alone.
            assert_eq!(value(&sinks[1].0), 5);
            assert_eq!(middle_counts.runs(), 1);
        },
    );
}

#[test]
fn threads_that_want_the_same_lazy_run_share_it() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let (input, input_counts) = lazy(&PLAIN, &[], add);
            let (shared, shared_counts) = lazy(&PLAIN, &[&input], add);
            let (taker, taker_counts) = submit(&PLAIN, &[&shared], add);
            let others = [(); 2].map(|()| {
                let shared = shared.clone();
                spawn(move || run_here(&shared))
            });
            assert_eq!(value(&taker), 3);
            others.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
            assert_eq!([input_counts.runs(), shared_counts.runs(), taker_counts.runs()], [1; 3]);
        },
    );
}

#[test]
fn a_lazy_run_is_handed_over_once() {
    explore(
        || Local::new().workers(3),
        |_, _| {
            let (input, _) = submit(&PLAIN, &[], add);
            let (other, _) = submit(&PLAIN, &[], add);
            let (shared, shared_counts) = lazy(&PLAIN, &[&input, &other], add);
            let waits = shared.clone();
            let thread = spawn(move || assert_eq!(value(&waits), 3));
            assert_eq!(value(&shared), 3);
            thread.join().expect("it has the value, too");
            assert_eq!(shared_counts.runs(), 1);
        },
    );
}

#[test]
fn what_is_submitted_while_the_flow_run_is_cancelled_ends() {
    explore(
        || Local::new().workers(2),
        |_, flow| {
            let flow = Arc::clone(flow);
            let cancels = spawn(move || flow.cancel(Cancelled::Failure));
            let (first, first_counts) = submit(&PLAIN, &[], add);
            let (second, second_counts) = submit(&PLAIN, &[&first], add);
            let (third, third_counts) = submit(&PLAIN, &[&first, &second], add);
            assert_eq!(third.wait().is_ok(), third_counts.runs() == 1);
            assert_eq!(second.wait().is_ok(), second_counts.runs() == 1);
            assert_eq!(first.wait().is_ok(), first_counts.runs() == 1);
            cancels.join().expect("it does not panic");
        },
    );
}

#[test]
fn an_output_that_is_dropped_is_made_all_the_same() {
    explore(
        || Local::new().workers(2),
        |_, flow| {
            let (first, first_counts) = submit(&PLAIN, &[], add);
            let (second, second_counts) = submit(&PLAIN, &[&first], add);
            drop(first);
            let drops = spawn(move || drop(second));
            block_on(flow.until(|pending| pending == 0));
            assert_eq!([first_counts.runs(), second_counts.runs()], [1; 2]);
            drops.join().expect("it does not panic");
        },
    );
}

/// Drops the runs of one task, on threads of their own.
struct Drops(Local);

impl Executor for Drops {
    fn submit(&self, ready: Ready) {
        if std::ptr::eq(ready.task(), &DROPPED) {
            thread::spawn(move || drop(ready));
        } else {
            self.0.submit(ready);
        }
    }
}

#[test]
fn what_the_executor_drops_has_crashed_and_dependents_are_told() {
    explore_with(
        || Local::new().workers(2),
        |local| Arc::new(Drops(local.clone())),
        |_, _| {
            let (dropped, dropped_counts) = submit(&DROPPED, &[], add);
            let (dependent, dependent_counts) = submit(&PLAIN, &[&dropped], add);
            let waits = dropped.clone();
            let thread = spawn(move || assert!(waits.wait().is_err()));
            assert!(dependent.wait().is_err());
            assert!(dropped.wait().is_err());
            thread.join().expect("it is told, too");
            assert_eq!([dropped_counts.runs(), dependent_counts.runs()], [0; 2]);
        },
    );
}

#[test]
fn limits_by_tag_hold_and_all_go_on() {
    explore(
        || Local::new().workers(3).limit("tag", 2).limit("other", 1),
        |_, _| {
            let (tagged, both) = (Gauge::default(), Gauge::default());
            let outputs = [
                submit(&TAGGED, &[], tagged.body()),
                submit(&BOTH, &[], both.body()),
                submit(&BOTH, &[], both.body()),
                submit(&TAGGED, &[], tagged.body()),
            ];
            let (called, called_counts) = lazy(&BOTH, &[], both.body());
            run_here(&called);
            assert_eq!(called_counts.runs(), 1);
            for (output, counts) in &outputs {
                assert_eq!((value(output), counts.runs()), (1, 1));
            }
            assert!(tagged.most() <= 2 && both.most() <= 1);
        },
    );
}

#[test]
fn workers_are_a_limit() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let gauge = Gauge::default();
            let outputs = [(); 3].map(|()| submit(&PLAIN, &[], gauge.body()));
            run_here(&lazy(&PLAIN, &[], gauge.body()).0);
            assert!(outputs.iter().all(|(output, counts)| (value(output), counts.runs()) == (1, 1)));
            assert!(gauge.most() <= 2);
        },
    );
}

#[test]
fn a_body_that_holds_a_tag_runs_others_that_have_it() {
    explore(
        || Local::new().workers(2).limit("tag", 1),
        |_, _| {
            let outer = [(); 2].map(|()| {
                submit(&TAGGED, &[], |_| {
                    let (inner, _) = lazy(&TAGGED, &[], add);
                    add(&[value(&inner)])
                })
            });
            let (tagged, _) = submit(&TAGGED, &[], add);
            assert_eq!([value(&outer[0].0), value(&outer[1].0), value(&tagged)], [2, 2, 1]);
        },
    );
}

#[test]
fn bodies_that_wait_for_a_tag_are_not_kept_from_it_by_what_waits_for_a_worker() {
    explore(
        || Local::new().workers(2).limit("tag", 1),
        |_, _| {
            let outer = || {
                submit(&PLAIN, &[], |_| {
                    let inner = [(); 2].map(|()| lazy(&TAGGED, &[], add).0);
                    Box::pin(async move {
                        join(inner).await;
                        Some(0)
                    })
                })
            };
            let ((first, _), (tagged, _), (second, _)) = (outer(), submit(&TAGGED, &[], add), outer());
            let (called, _) = lazy(&TAGGED, &[], add);
            run_here(&called);
            assert_eq!([value(&first), value(&tagged), value(&second), value(&called)], [0, 1, 0, 1]);
        },
    );
}

#[test]
fn an_admission_that_is_dropped_while_it_waits_lets_others_go_on() {
    explore(
        || Local::new().workers(2).limit("tag", 1),
        |local, _| {
            let drops = [(&TAGGED, false), (&TAGGED, true)].map(|(task, nested)| {
                let local = local.clone();
                spawn(move || {
                    let mut admission = local.admit(task, nested);
                    let _ = admission.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    thread::yield_now();
                })
            });
            let (submitted, _) = submit(&TAGGED, &[], add);
            let (called, _) = lazy(&TAGGED, &[], add);
            run_here(&called);
            assert_eq!([value(&submitted), value(&called)], [1; 2]);
            drops.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        },
    );
}

#[test]
fn never_more_runs_than_fits_and_all_go_on() {
    explore(
        || Local::new().workers(3).memory(4),
        |_, _| {
            let gauge = Gauge::default();
            let outputs = [(&SMALL, 1), (&LARGE, 4), (&HALF, 2), (&SMALL, 1), (&HALF, 2)]
                .map(|(task, amount)| submit(task, &[], gauge.body_of(amount)));
            let (plain, _) = submit(&PLAIN, &[], add);
            run_here(&lazy(&LARGE, &[], gauge.body_of(4)).0);
            assert_eq!(value(&plain), 1);
            assert!(outputs.iter().all(|(output, counts)| (value(output), counts.runs()) == (1, 1)));
            assert!(gauge.most() <= 4);
        },
    );
}

#[test]
fn a_large_run_is_passed_by_none_that_comes_later_and_needs_the_same() {
    explore(
        || Local::new().workers(2).memory(4),
        |local, _| {
            let mut permit = Some(block_on(local.admit_with(&SMALL, SMALL.resources, false)));
            let mut large = local.admit_with(&LARGE, LARGE.resources, false);
            assert!(large.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let has_run = Arc::new(AtomicBool::new(false));
            let smalls = [(); 3].map(|()| {
                let has_run = Arc::clone(&has_run);
                submit(&SMALL, &[], move |_| Box::pin(ready(Some(u32::from(has_run.load(Ordering::SeqCst))))))
            });
            let (plain, _) = submit(&PLAIN, &[], add);
            assert_eq!(value(&plain), 1, "it needs none of that");
            permit.take();
            let room = block_on(large);
            has_run.store(true, Ordering::SeqCst);
            drop(room);
            assert!(smalls.iter().all(|(output, _)| value(output) == 1));
        },
    );
}

#[test]
fn a_run_of_several_threads_gets_its_workers() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let gauge = Gauge::default();
            let outputs = [(&PLAIN, 1), (&WIDE, 2), (&PLAIN, 1), (&WIDE, 2), (&PLAIN, 1)]
                .map(|(task, amount)| submit(task, &[], gauge.body_of(amount)));
            assert!(outputs.iter().all(|(output, counts)| (value(output), counts.runs()) == (1, 1)));
            assert!(gauge.most() <= 2);
        },
    );
}

#[test]
fn runs_that_hold_some_and_call_for_more_end() {
    explore(
        || Local::new().workers(2).memory(4),
        |_, _| {
            let calls = |task| {
                submit(task, &[], |_| {
                    let (inner, _) = lazy(&LARGE, &[], add);
                    add(&[value(&inner)])
                })
            };
            let outputs = [calls(&HALF), calls(&PLAIN), calls(&HALF), submit(&LARGE, &[], add)];
            assert_eq!(outputs.each_ref().map(|(output, _)| value(output)), [2, 2, 2, 1]);
        },
    );
}

#[test]
fn what_has_room_runs_what_others_wait_to_run() {
    explore(
        || Local::new().workers(2).memory(4),
        |_, _| {
            let (shared, shared_counts) = lazy(&LARGE, &[], add);
            let asks = |task| {
                let shared = shared.clone();
                submit(task, &[], move |_| add(&[value(&shared)]))
            };
            let outputs = [asks(&PLAIN), asks(&LARGE), asks(&PLAIN)];
            assert_eq!(outputs.each_ref().map(|(output, _)| value(output)), [2; 3]);
            assert_eq!(shared_counts.runs(), 1);
        },
    );
}

#[test]
fn a_run_that_is_woken_while_it_is_polled_goes_on() {
    #[derive(Default)]
    struct Signal {
        set: bool,
        waker: Option<Waker>,
    }

    explore(
        || Local::new().workers(2),
        |_, _| {
            let signals = [(); 2].map(|()| Arc::new(Mutex::new(Signal::default())));
            let waits = signals.clone();
            let (output, counts) = submit(&PLAIN, &[], move |_| {
                let waits = waits.clone();
                Box::pin(async move {
                    let mut polls = 0;
                    poll_fn(|context| {
                        polls += 1;
                        let missing = waits.iter().filter(|signal| {
                            let mut signal = signal.lock().expect("nobody panics");
                            signal.waker = Some(context.waker().clone());
                            !signal.set
                        });
                        if missing.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
                    })
                    .await;
                    Some(polls)
                })
            });
            let wakes = signals.map(|signal| {
                thread::spawn(move || {
                    let mut signal = signal.lock().expect("nobody panics");
                    signal.set = true;
                    let waker = signal.waker.take();
                    drop(signal);
                    waker.into_iter().for_each(Waker::wake);
                })
            });
            let (other, _) = submit(&PLAIN, &[&output], add);
            assert!(value(&other) > 1);
            assert_eq!(counts.runs(), 1);
            wakes.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        },
    );
}

#[test]
fn threads_that_leave_miss_no_work() {
    explore(
        || Local::new().workers(2),
        |local, _| {
            let passes = local.clone();
            let clock = spawn(move || {
                for _ in 0..3 {
                    pass_time(&passes.pool().work, &passes.pool().lock());
                }
            });
            for _ in 0..2 {
                let outputs = [(); 2].map(|()| submit(&PLAIN, &[], add));
                assert!(outputs.iter().all(|(output, counts)| (value(output), counts.runs()) == (1, 1)));
            }
            clock.join().expect("it does not panic");
        },
    );
}

#[test]
fn a_run_that_is_tried_again_runs_once_an_attempt() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let mut attempts = 0;
            let (output, counts) = submit(&PLAIN, &[], move |_| {
                attempts += 1;
                Box::pin(ready((attempts == 3).then_some(attempts)))
            });
            let shared = output.clone();
            let helps = spawn(move || run_here(&shared));
            let (taker, _) = submit(&PLAIN, &[&output], add);
            assert_eq!((value(&taker), counts.runs()), (4, 3));
            helps.join().expect("it does not panic");
        },
    );
}

#[test]
fn who_has_the_last_output_has_the_data_to_itself() {
    explore(
        || Local::new().workers(2),
        |_, _| {
            let (first, _) = submit(&PLAIN, &[], add);
            let (second, _) = submit(&PLAIN, &[&first], add);
            assert_eq!(value(&second), 2);
            let shared = |_: &u32| panic!("somebody else has the data");
            assert_eq!(first.take_with(shared).expect("it has ended"), 1);
            assert_eq!(second.take_with(shared).expect("it has ended"), 2);
        },
    );
}

#[test]
fn those_who_share_data_each_have_them() {
    explore(
        || Local::new().workers(1),
        |_, _| {
            let (output, _) = submit(&PLAIN, &[], add);
            let shared = output.clone();
            let takes = spawn(move || {
                shared.wait().expect("it does not fail");
                assert_eq!(shared.take_with(u32::clone).expect("it has ended"), 1);
            });
            output.wait().expect("it does not fail");
            assert_eq!(output.take_with(u32::clone).expect("it has ended"), 1);
            takes.join().expect("it has them");
        },
    );
}
