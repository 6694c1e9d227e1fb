//! Who waits for a run.

use std::sync::Arc;
use std::task::Waker;

use crate::graph::few::Few;
use crate::graph::node::Node;

/// Those who wait for a run: mostly one, or nobody.
#[derive(Default)]
pub(crate) struct Waiters(Few<Waiter>);

enum Waiter {
    /// Somebody who may run it, and is to know when it has ended.
    Waker(Waker),
    /// A run that takes its output.
    Node(Arc<dyn Node>),
}

impl Waiters {
    /// Has it woken, once.
    pub(crate) fn add_waker(&mut self, waker: &Waker) {
        let is_it = |waiter: &Waiter| matches!(waiter, Waiter::Waker(waiting) if waiting.will_wake(waker));
        if !self.0.iter().any(is_it) {
            self.0.push(Waiter::Waker(waker.clone()));
        }
    }

    pub(crate) fn add_node(&mut self, node: Arc<dyn Node>) {
        self.0.push(Waiter::Node(node));
    }

    /// Those who may run it.
    pub(crate) fn take_wakers(&mut self) -> Waiters {
        let mut wakers = Waiters::default();
        for waiter in std::mem::take(&mut self.0).into_iter() {
            match waiter {
                Waiter::Waker(_) => wakers.0.push(waiter),
                Waiter::Node(_) => self.0.push(waiter),
            }
        }
        wakers
    }

    /// Tells them: the runs first, from the last to the first, since what an executor is given last is what it takes first.
    pub(crate) fn tell(self) {
        let mut wakers = Vec::new();
        for waiter in self.0.into_iter().rev() {
            match waiter {
                Waiter::Node(node) => node.input_ended(),
                Waiter::Waker(waker) => wakers.push(waker),
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}
