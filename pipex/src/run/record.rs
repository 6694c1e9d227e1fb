//! Values that bodies record beside their outputs.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::mem::take;
use std::pin::{Pin, pin};

use crate::run::context::Context;
use crate::runtime::sync::thread_local;
use pipex_format::journal::{Recordable, Recorded};

/// What a body has recorded so far.
pub(crate) type Records = Vec<Recorded<'static>>;

thread_local! {
    /// What the task's body that this thread is in has recorded; `None` outside of any.
    static RECORDS: RefCell<Option<Records>> = const { RefCell::new(None) };
}

/// Records a value by its name: a score, a count, which model was best. Within a task's function it belongs to the task's
/// output, and is known for as long as that is taken; within a flow's function it belongs to the flow run. The journal keeps
/// it, `pipex runs` shows it, and `pipex diff RUN RUN` compares it.
///
/// ```
/// use pipex::task;
///
/// #[task(target = "{path}/fit.json")]
/// fn fit(values: &[f64]) -> f64 {
///     let mean = values.iter().sum::<f64>() / values.len() as f64;
///     pipex::record("values", values.len());
///     pipex::record("rmse", (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt());
///     mean
/// }
/// # assert_eq!(fit(&[1.0, 3.0]).call()?, 2.0);
/// # Ok::<(), pipex::Error>(())
/// ```
///
/// A value is a number, a text (of which the beginning is kept) or a truth value. Under one name the last holds; of a run that
/// is tried again, only what its last attempt has recorded, and of one that fails, nothing. Where no journal is kept, as in mode
/// `do_nothing` and outside of flows and tasks, it does nothing. What a thread that the function starts itself records is not
/// seen.
pub fn record(name: impl Into<String>, value: impl Recordable) {
    // What calls tasks in a scope of mode `do_nothing` only calls functions.
    if !Context::does_nothing() {
        keep(Recorded::new(name, value));
    }
}

/// Hands a value to the task's body, else the flow's, that this is.
fn keep(recorded: Recorded<'static>) {
    let left = RECORDS.with_borrow_mut(|records| match records {
        Some(records) => {
            match records.iter_mut().find(|known| known.name == recorded.name) {
                Some(known) => *known = recorded,
                None => records.push(recorded),
            }
            None
        }
        None => Some(recorded),
    });
    if let (Some(recorded), Some(context)) = (left, Context::current())
        && let Some(journal) = context.flow.as_ref().and_then(|flow| flow.shared.journal.as_ref())
    {
        journal.record(recorded);
    }
}

/// Runs a task's body, or a part of it, and adds what it records.
fn collect<T>(records: &mut Records, body: impl FnOnce() -> T) -> T {
    struct Restore<'r>(&'r mut Records, Option<Records>);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            *self.0 = RECORDS.replace(self.1.take()).unwrap_or_default();
        }
    }

    let outer = RECORDS.replace(Some(take(records)));
    let _restore = Restore(records, outer);
    body()
}

/// Sees a task's body through, and adds what it records.
pub(crate) async fn collect_async<F: Future + Unpin>(records: &mut Records, mut body: F) -> F::Output {
    poll_fn(|context| collect(records, || Pin::new(&mut body).poll(context))).await
}

/// Runs a part of a body on another thread; what it records comes along.
pub(crate) fn carry<T>(body: impl FnOnce() -> T) -> (T, Records) {
    let mut records = Records::new();
    (collect(&mut records, body), records)
}

/// The same of a future.
pub(crate) async fn carry_async<F: Future>(body: F) -> (F::Output, Records) {
    let mut records = Records::new();
    (collect_async(&mut records, pin!(body)).await, records)
}

/// What came along from another thread was recorded here.
pub(crate) fn arrive<T>((value, records): (T, Records)) -> T {
    records.into_iter().for_each(keep);
    value
}
