//! The `remote` tasks of this program, by their names.

use std::any::Any;
use std::sync::Arc;

use pipex_format::wire::{JobOutcome, Order, Value};

use crate::graph::held::Held;
use crate::graph::outcome::{Label, Maker, Produced};
use crate::graph::output::Output;
use crate::graph::packing::OUTPUT;
use crate::graph::place::{Place, Spot};
use crate::run::call::{Call, run_to_location};
use crate::run::context::Context;
use crate::run::function::DynCall;
use crate::run::plan::{Asked, serve};
use pipex_format::model::error::JobError;
use pipex_format::model::error::Result;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::store::Store;

/// A `remote` task, as its macro has entered it.
pub struct Registered {
    pub(crate) task: &'static Task,
    call: fn(&Wire<'_>) -> Result<Called, JobError>,
    store: fn() -> Box<dyn Any>,
}

inventory::collect!(Registered);

impl Registered {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        task: &'static Task,
        call: fn(&Wire<'_>) -> Result<Called, JobError>,
        store: fn() -> Box<dyn Any>,
    ) -> Self {
        Registered { task, call, store }
    }

    /// The call that an order asks for.
    pub(crate) fn call(&self, order: &Order) -> Result<Called, JobError> {
        let unknown = |name: &&String| !self.task.parameters.contains(&name.as_str());
        if let Some(name) = order.args.keys().find(unknown) {
            let problem = format!("is none of {}: it takes {}", self.task.funcname, self.task.parameters.join(", "));
            return Err(JobError::Argument { parameter: name.clone(), problem });
        }
        (self.call)(&Wire(order))
    }
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Registered> {
    inventory::iter::<Registered>.into_iter()
}

/// The tasks of all of them.
#[cfg(feature = "nats")]
pub(crate) fn registered() -> impl Iterator<Item = &'static Task> {
    all().map(|registered| registered.task)
}

/// The one with this name: all of it, or, if it is the only one, its end.
pub(crate) fn find(name: &str) -> Result<&'static Registered, JobError> {
    let module = |task: &Task| name.strip_suffix(task.funcname).map(|rest| rest.strip_suffix("::").unwrap_or(rest));
    if let Some(registered) = all().find(|registered| module(registered.task) == Some(registered.task.module)) {
        return Ok(registered);
    }
    let ends = |task: &Task| {
        module(task).is_some_and(|module| module.is_empty() || task.module.ends_with(&format!("::{module}")))
    };
    let found: Vec<_> = all().filter(|registered| ends(registered.task)).collect();
    let names = |registered: &mut dyn Iterator<Item = &'static Registered>| {
        let mut names: Vec<_> = registered.map(|registered| registered.task.full_name()).collect();
        names.sort();
        names.join(", ")
    };
    match &found[..] {
        [registered] => Ok(registered),
        [] => Err(JobError::Unknown { task: name.to_owned(), known: names(&mut all()) }),
        [first, ..] => {
            let task = format!("{name} (several end like this, such as {})", first.task.full_name());
            Err(JobError::Unknown { task, known: names(&mut found.into_iter()) })
        }
    }
}

/// What came of a call's arguments.
pub struct Wire<'o>(&'o Order);

impl Wire<'_> {
    pub(super) fn get(&self, parameter: &str) -> Result<&Value, JobError> {
        self.0
            .args
            .get(parameter)
            .ok_or_else(|| JobError::Argument { parameter: parameter.to_owned(), problem: "is missing".to_owned() })
    }

    /// The output that the value says it is: in the store of the task that made it, else in `store`.
    pub(super) fn output<T: Send + Sync + 'static>(
        &self,
        parameter: &str,
        value: &Value,
        store: fn() -> Option<Box<dyn Store<T>>>,
    ) -> Result<Output<T>, JobError> {
        let refuse = |problem: String| JobError::Argument { parameter: parameter.to_owned(), problem };
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let Some(target) = text(OUTPUT) else {
            return Err(refuse(format!("is no output: write {{\"{OUTPUT}\": \"path/to/it\"}}")));
        };
        let maker = text("task").and_then(|task| all().find(|registered| registered.task.full_name() == task));
        let own = maker.and_then(|maker| (maker.store)().downcast::<Box<dyn Store<T>>>().ok()).map(|store| *store);
        let Some(store) = own.or_else(store) else {
            let what = std::any::type_name::<T>();
            return Err(refuse(format!(
                "is in a store that is not known here: mark what makes the `{what}` as `remote`"
            )));
        };
        let location = Location::new(target);
        let address = store.listing().address();
        let is_path = address.is_empty();
        let location = if is_path { Context::place_target(None, location) } else { location };
        let key = pipex_format::journal::target_key(&address, &location);
        let place = Place::new(Spot::new(location, key, is_path), store);
        let label = Label { maker: maker.map(|maker| Maker::next(maker.task)), ..Label::default() };
        Ok(Output::of(Held::ended(label, Some(&place), Ok(Produced::Saved), None)))
    }
}

/// A call, whatever it gives.
pub struct Called {
    job: Box<DynCall<'static>>,
    asked: Asked<'static>,
}

#[doc(hidden)]
pub fn called<R: 'static, O>(call: Call<'static, R, O>) -> Called {
    Called { job: call.job, asked: call.asked }
}

/// A store, or those of several outputs, the types forgotten.
#[doc(hidden)]
#[must_use]
pub fn any_store<S: 'static>(store: S) -> Box<dyn Any> {
    Box::new(store)
}

impl Called {
    /// Does it for a flow in another process.
    pub(crate) async fn serve(mut self, order: Order) -> JobOutcome {
        self.take_order(&order);
        serve(self.job, self.asked, order).await
    }

    /// Does it, and says where its output is.
    pub(crate) fn run(mut self, order: &Order) -> Result<Option<Location>> {
        self.take_order(order);
        run_to_location(&mut *self.job, self.asked)
    }

    fn take_order(&mut self, order: &Order) {
        let asked = &mut self.asked;
        asked.path = order.path.as_deref().map(Arc::from).or(asked.path.take());
        asked.base = order.base.as_deref().map(Arc::from).or(asked.base.take());
        let more = asked.more.get_or_insert_default();
        more.name = order.name.as_deref().map(Arc::from).or(more.name.take());
        more.targets = order.target.iter().chain(&order.more_targets).map(|target| Location::new(&**target)).collect();
    }
}
