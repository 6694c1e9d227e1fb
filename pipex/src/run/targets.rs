//! Which calls have which targets.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::panic;
use std::sync::{LazyLock, Mutex, PoisonError};

use pipex_format::model::error::RunError;
use pipex_format::model::fingerprint::{AsIs, Fingerprint, Key};
use pipex_format::model::task::Task;

/// So many targets whose numbers follow each other are kept together, once one of them is entered.
const PAGE: usize = 64;

/// Who filled to which target: two calls that mean different things must not share one.
#[derive(Default)]
pub(crate) struct Targets(Mutex<Entered>);

#[derive(Default)]
struct Entered {
    /// Those that have a number, by it, in pages: entered in about this order, they cost a look at what was looked at just before.
    numbered: Vec<Option<Box<[Option<Filled>; PAGE]>>>,
    others: HashMap<Key, Filled, BuildHasherDefault<AsIs>>,
}

/// The targets of the calls outside any flow run.
pub(crate) static OUTSIDE: LazyLock<Targets> = LazyLock::new(Targets::default);

#[derive(Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) task: &'static Task,
    pub(crate) arguments: Fingerprint,
    /// Which of its outputs it is.
    pub(crate) part: usize,
    pub(crate) caller: &'static panic::Location<'static>,
}

impl Targets {
    /// Enters that `call` fills to `target`, which has this number, if it has one.
    pub(crate) fn enter(&self, target: Key, number: Option<usize>, call: Filled) -> Result<(), RunError> {
        let mut entered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = match number {
            Some(number) => {
                let page = number / PAGE;
                if entered.numbered.len() <= page {
                    entered.numbered.resize_with(page + 1, || None);
                }
                let page = entered.numbered[page].get_or_insert_with(|| Box::new([None; PAGE]));
                *page[number % PAGE].get_or_insert(call)
            }
            None => *entered.others.entry(target).or_insert(call),
        };
        drop(entered);
        let same_task = std::ptr::eq(first.task, call.task);
        if same_task && first.arguments == call.arguments && first.part == call.part {
            return Ok(());
        }
        let describe = |call: Filled| format!("task `{}` called at {}", call.task.funcname, call.caller);
        Err(RunError::Clash { first: describe(first), second: describe(call), same_task })
    }
}
