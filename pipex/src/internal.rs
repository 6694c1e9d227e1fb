//! These are implementation details. Do not rely on them! What the macros write names this module, and nothing else does.

use std::error::Error as StdError;
use std::future::Future;
pub use std::path::Path;
use std::path::PathBuf;
#[cfg(feature = "cli")]
use std::process::ExitCode;
use std::process::exit;

pub use std::clone::Clone;
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::Ok;

#[cfg(feature = "remote")]
pub use inventory;

use crate::flow::carry::Failed;
pub use crate::flow::carry::{
    CannotCarry, CarryError, FlowResult, TellBoxed, TellCauses, TellError, TellNothing, TellShared, cannot_carry,
};
#[cfg(feature = "cli")]
pub use crate::flow::flags::{Flag, FlagDefault, Flags, Program, Takes};
use crate::flow::start::{self, Started};
pub use crate::graph::amount::{Quantity, SeeCopy, SeeReference, Seen, amount, see};
pub use crate::graph::arg::{Again, Arg, Held, RefArg, Referent};
pub use crate::graph::gather::Part as PartOf;
pub use crate::graph::handles::{FromOutputs, Handles, Nth};
pub use crate::graph::holds::HasOutputs;
use crate::graph::kept::Data;
use crate::graph::make;
pub use crate::graph::probe::{
    ByDebug, ByHash, ByKnown, ByNothing, ByOutput, BySerialize, PackNothing, PackSerialize, Packer, Probe,
};
pub use crate::graph::takes::{IntoArg, IntoOptionArg, IntoRefArg, gathered, gathered_ref};
pub use crate::graph::value::{IntoRefValue, IntoValue, Plain, RefValue, Value, plain};
pub use crate::graph::visitor::Visitor;
#[cfg(feature = "remote")]
use crate::remote;
pub use crate::run::body::{Body, Raised};
pub use crate::run::call::call;
use crate::run::context::Context;
use crate::run::dry_run::DryRun;
pub use crate::run::grid::name_key;
#[cfg(feature = "remote")]
pub use crate::run::job::{
    OpenMany, OpenOne, OpenOutput, OpenOutputs, OpenPlace, Parcel, Registered, Stays, Travels, any_store, called,
    open_value,
};
use crate::run::program;
pub use crate::run::returned::{Returned, ReturnedValue, TaskOutput};
#[cfg(feature = "shell")]
pub use crate::run::shell::{NoWords, ShellField, ShellValue, WordsAsTyped, WordsByDisplay, read_shell, run_shell};
#[cfg(feature = "cli")]
use crate::runtime::block_on_own;
pub use pipex_format::model::constant::ConstantTemplate;
pub use pipex_format::model::flow::Flow;
pub use pipex_format::model::retry::RetryDelay;
pub use pipex_format::model::target::{Part, Template, TemplateField};
pub use pipex_format::model::task::{Code, Task};
use pipex_format::store::{OwnOutput, Store};
pub use pipex_format::store::{Taken, number_extension};
#[cfg(feature = "shell")]
pub use pipex_macros::expand_shell;

/// The program's `main`: its own commands come first, and from then on the program is pipex's to end.
pub fn main<R>(failure: impl Fn(&R) -> Option<Failed>, body: impl FnOnce() -> R) -> R {
    program::take_over();
    make::take_request();
    #[cfg(feature = "remote")]
    remote::command();
    let value = body();
    let failed = failure(&value);
    // It ended for want of what was not to be made.
    let has_ended = failed.as_ref().is_some_and(|failed| failed.ends_dry_run());
    let is_complete = make::requested().is_none_or(make::Make::report);
    if !is_complete && (failed.is_none() || has_ended) {
        exit(1);
    }
    if has_ended && (DryRun::from_env().is_some() || make::requested().is_some()) {
        // It has done what it was asked for.
        exit(0);
    }
    value
}

/// The `main` of a program that is a flow: as [`main`], with what is typed as the flow's arguments.
#[cfg(feature = "cli")]
pub fn program<R>(
    program: &Program,
    failure: impl Fn(&R) -> Option<Failed>,
    flow: impl FnOnce(&Flags<'_>) -> R,
) -> ExitCode {
    let value = main(&failure, || flow(&program.parse()));
    match failure(&value) {
        Some(failed) => {
            eprintln!("Error: {}", failed.text);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Sees an async flow through, on pipex's own runtime.
#[cfg(feature = "cli")]
pub fn wait<F: Future>(flow: F) -> F::Output {
    block_on_own(flow)
}

/// Starts a flow run: the mode is read now.
#[must_use]
pub fn start(
    flow: &'static Flow,
    path: Option<PathBuf>,
    parameters: &[&'static str],
    accept: impl FnOnce(&mut Visitor<'_>),
) -> Started {
    start::start(Context::begin(), flow, path, parameters, accept)
}

/// The body of an async function.
pub fn future<'a, T, R>(
    outcome: impl FnOnce(T) -> Result<R, Raised> + Send + 'a,
    body: impl Future<Output = T> + Send + 'a,
) -> Body<'a, R>
where
    R: Send + Sync + 'static,
{
    Body::Future(Box::pin(async move { outcome(body.await).map(Data::new) }))
}

/// A store that can keep a task's output.
pub fn store<R, S: Store<R> + 'static>(store: S) -> Box<dyn Store<R>> {
    Box::new(store)
}

/// A store that keeps a task's output.
pub type BoxedStore<R> = Box<dyn Store<R>>;

/// The store of a function that saves its own output.
pub fn own_output<R: 'static>() -> Box<dyn Store<R>> {
    Box::new(OwnOutput::new())
}

/// The same, with the function that loads it.
pub fn own_output_with<R, E, L>(loader: L) -> Box<dyn Store<R>>
where
    R: 'static,
    L: Fn(&Path) -> Result<R, E> + Send + Sync + 'static,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    Box::new(OwnOutput::with(loader))
}

/// What `uses(..)` names: the type that `#[helper]` puts beside an item, under the same name.
#[diagnostic::on_unimplemented(
    message = "`uses(..)` names something that is not marked `#[helper]`",
    label = "not a helper",
    note = "put `#[pipex::helper]` on the function, constant or static: then a change of it makes outputs of the task stale; \
            of what stands in another crate, say `version = \"..\"` of the task instead"
)]
pub trait Helper {
    const CODE: Code;
}

/// Stands for what was imported and is no helper.
pub mod not_a_helper {
    pub enum PipexHelper {}
}

/// Sees when the program is compiled that several outputs are called like the fields of their struct.
pub const fn check_names(fields: &[&str], names: &[&str]) {
    // A tuple has no names.
    if fields.is_empty() {
        return;
    }
    assert!(
        fields.len() == names.len(),
        "the struct has another number of fields than `target(..)` has names: give each field a target of its name"
    );
    let mut place = 0;
    while place < fields.len() {
        assert!(
            is_same_text(fields[place].as_bytes(), names[place].as_bytes()),
            "the names in `target(..)` are those of the struct's fields, in the order of the struct"
        );
        place += 1;
    }
}

const fn is_same_text(one: &[u8], other: &[u8]) -> bool {
    let mut place = 0;
    while place < one.len() && place < other.len() && one[place] == other[place] {
        place += 1;
    }
    place == one.len() && place == other.len()
}

/// A flow's path.
pub fn path<P: AsRef<Path> + ?Sized>(path: &P) -> PathBuf {
    path.as_ref().to_owned()
}

/// What `#[task(remote)]` needs is there.
#[cfg(feature = "remote")]
#[doc(hidden)]
#[macro_export]
macro_rules! __expect_remote {
    () => {};
}

/// What `#[task(remote)]` needs is not there.
#[cfg(not(feature = "remote"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __expect_remote {
    () => {
        compile_error!("`remote` needs pipex's cargo feature `remote`, which is on by default");
    };
}

/// What `#[pipex::main]` on a flow needs is there.
#[cfg(feature = "cli")]
#[doc(hidden)]
#[macro_export]
macro_rules! __program {
    ($($main:tt)*) => { $($main)* };
}

/// What `#[pipex::main]` on a flow needs is not there.
#[cfg(not(feature = "cli"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __program {
    ($($main:tt)*) => {
        compile_error!("`#[pipex::main]` on a flow needs pipex's cargo feature `cli`: `features = [\"cli\"]`");
        fn main() {}
    };
}
