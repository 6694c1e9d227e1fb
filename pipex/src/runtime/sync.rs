//! What the scheduler synchronizes with: the standard library's, and under `--cfg shuttle` what the `shuttle` crate schedules, so
//! that tests can explore interleavings.

#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, atomic},
    thread, thread_local,
};

#[cfg(all(test, shuttle))]
pub(crate) use self::explored::pass_time;
#[cfg(shuttle)]
pub(crate) use self::explored::{Condvar, OnceLock, ThreadLocal, thread_local};
#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

/// Stand-ins for what `shuttle` does not schedule, or does not have.
#[cfg(shuttle)]
mod explored {
    use std::cell::{Cell, RefCell};
    use std::sync::{LockResult, PoisonError};
    use std::time::Duration;

    use shuttle::sync::MutexGuard;
    use shuttle::thread::LocalKey;

    std::thread_local! {
        /// How often time has passed. One thread of the system runs all threads of an execution.
        static TIMES: Cell<u64> = const { Cell::new(0) };
    }

    /// As [`std::sync::Condvar`]. Timeouts expire when [`pass_time`] says so, and not before.
    #[derive(Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            _: Duration,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, ())> {
            let since = TIMES.get();
            while condition(&mut guard) && TIMES.get() == since {
                guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            Ok((guard, ()))
        }
    }

    /// Has the timeouts of those expire that wait on this; their lock is held, so that none is on its way to wait.
    #[cfg(test)]
    pub(crate) fn pass_time<T>(condvar: &Condvar, _: &MutexGuard<'_, T>) {
        TIMES.set(TIMES.get() + 1);
        condvar.0.notify_all();
    }

    /// As [`std::sync::OnceLock`]; another thread may come before each use of it.
    pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            OnceLock(std::sync::OnceLock::new())
        }

        pub(crate) fn get(&self) -> Option<&T> {
            shuttle::thread::sleep(Duration::ZERO);
            self.0.get()
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            shuttle::thread::sleep(Duration::ZERO);
            self.0.set(value)
        }

        pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
            self.0.get_mut()
        }
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            OnceLock::new()
        }
    }

    /// As [`std::thread::LocalKey`], of a thread of the execution.
    pub(crate) struct ThreadLocal<T: 'static>(pub(crate) &'static LocalKey<T>);

    impl<T> ThreadLocal<Cell<T>> {
        pub(crate) fn get(&self) -> T
        where
            T: Copy,
        {
            self.0.with(Cell::get)
        }

        pub(crate) fn set(&self, value: T) {
            self.0.with(|cell| cell.set(value));
        }

        pub(crate) fn replace(&self, value: T) -> T {
            self.0.with(|cell| cell.replace(value))
        }
    }

    impl<T> ThreadLocal<RefCell<T>> {
        pub(crate) fn with_borrow<R>(&self, see: impl FnOnce(&T) -> R) -> R {
            self.0.with(|cell| see(&cell.borrow()))
        }

        pub(crate) fn with_borrow_mut<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
            self.0.with(|cell| change(&mut cell.borrow_mut()))
        }

        pub(crate) fn set(&self, value: T) {
            drop(self.replace(value));
        }

        pub(crate) fn replace(&self, value: T) -> T {
            self.0.with(|cell| cell.replace(value))
        }
    }

    macro_rules! local_key {
        ($(#[$attribute:meta])* static $name:ident: $type:ty = const { $value:expr };) => {
            $(#[$attribute])*
            static $name: $crate::runtime::sync::ThreadLocal<$type> = {
                shuttle::thread_local!(static KEY: $type = const { $value });
                $crate::runtime::sync::ThreadLocal(&KEY)
            };
        };
    }
    pub(crate) use local_key as thread_local;
}
