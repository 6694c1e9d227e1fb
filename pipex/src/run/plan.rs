//! What a call is about: its target, and whether the output that is there is to be taken.

mod attempt;
#[cfg(feature = "remote")]
mod elsewhere;
mod events;
mod needs;
#[cfg(not(feature = "remote"))]
mod only_here;
mod shared;

use std::iter;
use std::panic;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use self::attempt::drive_in;
#[cfg(feature = "remote")]
pub(crate) use self::elsewhere::serve;
use crate::graph::digest::Digest;
use crate::graph::holds::HasOutputs;
use crate::graph::inputs::Inputs;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label, Maker};
use crate::graph::place::{Place, Spot};
use crate::graph::visitor::{Findings, Taken, Visitor, describe};
use crate::run::away::Away;
use crate::run::context::Context;
use crate::run::flow_run::ActiveFlow;
use crate::run::function::{AnyCall, DynCall};
use crate::run::record::Records;
use crate::run::report::{Details, NO_DETAILS};
use crate::run::targets::{Filled, OUTSIDE};
use crate::runtime::panics::{Panic, Phase, guard};
use pipex_format::environment;
use pipex_format::journal::{self, Given, Journal, There, Why};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, RunError};
use pipex_format::model::fingerprint::{Fingerprint, NO_BYTES};
use pipex_format::model::hash::Hasher;
use pipex_format::model::mode::Mode;
use pipex_format::model::moment::Moment;
use pipex_format::model::name::Name;
use pipex_format::model::provenance::{Decision, Present, Provenance, Reasons, Wanted, decide};
use pipex_format::model::resources::Resources;
use pipex_format::model::stale::Stale;
use pipex_format::model::state::State;
use pipex_format::model::target::{
    DefaultTarget, Location, TargetError, Template, TemplateField, TemplateFields, UNSHOWN, push,
};
use pipex_format::model::task::Task;
use pipex_format::store::{Record, Stamp};

/// A call with all that is decided when it is made.
pub(crate) struct Plan<'a> {
    run: Run,
    arguments: Fingerprint,
    inputs: Inputs,
    /// How the body can go on elsewhere, if all of it outlives this place.
    pub(crate) away: Option<Away<'a>>,
}

/// A call that runs later, with its plan.
pub(crate) struct Submitted {
    job: Box<DynCall<'static>>,
    plan: Plan<'static>,
}

/// What is asked of a call besides its arguments.
pub(crate) struct Asked<'a> {
    pub(crate) path: Option<Arc<str>>,
    pub(crate) base: Option<Arc<str>>,
    pub(crate) more: Option<Box<More<'a>>>,
    pub(crate) caller: &'static panic::Location<'static>,
}

/// What few calls are told: a call is small, since it is moved often.
#[derive(Default)]
pub(crate) struct More<'a> {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) wait_for: Vec<Box<dyn HasOutputs + Send + 'a>>,
    /// Where its outputs are to be, if it is not to be asked of the templates.
    pub(crate) targets: Vec<Location>,
}

/// What is known of a task run whatever becomes of its arguments.
struct Run {
    task: &'static Task,
    mode: Mode,
    context: Option<Arc<Context>>,
    label: Label,
    /// What it was called by `.name(..)`, or the template.
    given: Option<Arc<str>>,
    /// The journal of calls outside flows; within one it is the flow run's.
    outside: Option<Arc<Journal>>,
    /// What few have.
    beside: Option<Box<Beside>>,
    /// Whether its call was lazy.
    is_lazy: bool,
    /// How often it has been started.
    attempt: u32,
    submitted: Option<Instant>,
    /// The last time that it was started.
    last: Option<Box<Attempted>>,
    /// Why it runs, or does not.
    why: Why,
    /// The output that is there and is not to be taken: its stamp, and why it is stale.
    outdated: Option<(Stamp, Reasons)>,
    /// What goes on, besides the function.
    phase: Phase,
}

/// What is known of an attempt.
#[derive(Default)]
struct Attempted {
    started: Option<Instant>,
    /// Seconds.
    loading: f32,
    saving: f32,
    /// Its number among those that the journal knows to make a target; 0 if it does not.
    began: u64,
    /// What the function has recorded.
    records: Records,
}

/// What few runs have.
#[derive(Default)]
struct Beside {
    /// What the function needs while it runs, once that is known.
    needs: Option<Resources>,
    /// What the output is recorded as made from, where another process has said it.
    record: Option<Record>,
    /// The address of its store, if targets are no paths to it.
    store: Box<str>,
    /// The targets of its other outputs, and the addresses of their stores.
    more: Vec<(Location, Box<str>)>,
    /// The runs that made what it takes, if somebody wants to know.
    makers: Vec<(&'static str, u64)>,
    /// The beginnings of the values that it takes, likewise.
    values: Vec<(&'static str, String)>,
    /// The process that it ran in, if that is another.
    elsewhere: Box<str>,
}

/// What a store is asked before anything runs.
const LOOK: &str = "tell whether the output is there";

/// Why a call has no place.
enum Unplaced {
    Upstream(Arc<Failure>),
    Refused(RunError),
}

impl<'a> Plan<'a> {
    /// Finds out what the call is about: what it takes, where its output will be, and that no other call has this place.
    pub(crate) fn new(job: &mut DynCall<'a>, asked: Asked<'_>) -> Result<Self, (Arc<Failure>, Label)> {
        let Asked { path, base, more, caller } = asked;
        let More { name, wait_for, targets } = more.map(|more| *more).unwrap_or_default();
        let task = job.task();
        let mut label = Label::new(path, base);
        let context = Context::for_call();
        let mode = match context.as_ref().map_or_else(environment::mode, |context| context.mode()) {
            Ok(mode) => mode,
            Err(error) => return Err((Failure::new(error), label)),
        };
        if mode != Mode::DoNothing {
            label.maker = Some(Maker::next(task));
        }
        let mut plan =
            Plan { run: Run::new(task, mode, context), arguments: NO_BYTES, inputs: Inputs::default(), away: None };
        let found = guard(|| plan.visit_arguments(job, &mut label, &wait_for));
        drop(wait_for);
        plan.run.given = name;
        plan.run.label = label;
        let placed = found.and_then(|()| guard(|| plan.find_place(job, targets, caller)));
        match placed.unwrap_or_else(|panic| Err((None, Unplaced::Refused(plan.run.caught(panic))))) {
            Ok(()) => Ok(plan),
            Err(unplaced) => {
                job.product_mut().displace();
                let failure = plan.run.unplaced(unplaced);
                Err((failure, plan.run.label))
            }
        }
    }

    /// Fills the target, and enters it as this call's.
    fn find_place(
        &mut self,
        job: &mut dyn AnyCall<'_>,
        given: Vec<Location>,
        caller: &'static panic::Location<'static>,
    ) -> Result<(), (Option<Location>, Unplaced)> {
        let Some(targets) = self.find_targets(job, given)? else { return Ok(()) };
        let is_given = targets.is_given;
        job.find_place(&mut iter::once(targets.first).chain(targets.more), &mut |location, address| {
            self.run.spot(location, address)
        });
        job.place().map_or(Ok(()), |place| self.enter(place, is_given, caller))
    }

    /// The same as [`is_there`](Plan::is_there) of a call that is submitted: where all that it takes has ended, and looks take no
    /// time, it is told at once. What is to run is another's.
    pub(crate) fn look_at_once(&mut self, job: &dyn AnyCall<'_>) -> Option<Result<bool, Arc<Failure>>> {
        let flow = self.run.flow()?;
        if flow.cancelled().is_some() || !self.inputs.have_ended() {
            return None;
        }
        if job.place().is_none() {
            return Some(Ok(false));
        }
        if !flow.shared.looks.are_quick() {
            return None;
        }
        let started = Instant::now();
        let there = self.is_there(job);
        self.run.flow()?.shared.looks.took(started.elapsed());
        Some(there)
    }

    pub(crate) fn into_label(self) -> Label {
        self.run.label
    }

    pub(crate) fn task(&self) -> &'static Task {
        self.run.task
    }

    /// The runs it needs that have not ended.
    pub(crate) fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.inputs.unsettled()
    }
}

/// The targets of a call.
struct Targets {
    first: Location,
    more: Vec<Location>,
    /// Whoever asked for the call has said them.
    is_given: bool,
}

impl Plan<'_> {
    /// The one walk over the arguments: what the call inherits, what it waits for, what tells it from others.
    fn visit_arguments(
        &mut self,
        job: &dyn AnyCall<'_>,
        label: &mut Label,
        wait_for: &[Box<dyn HasOutputs + Send + '_>],
    ) {
        let Run { task, ref context, .. } = self.run;
        let mut hasher = self.run.has_target().then(Hasher::default);
        let wants_taken = context.as_ref().is_some_and(|context| context.wants_inputs);
        let mut taken = wants_taken.then(|| Taken::new(task.parameters));
        let mut visitor = Visitor::finding(Findings {
            label,
            inputs: &mut self.inputs,
            hasher: hasher.as_mut(),
            journal: self.run.compares(),
            taken: taken.as_mut(),
            waits: false,
        });
        job.accept(&mut visitor);
        wait_for.iter().for_each(|outputs| visitor.wait_for(&**outputs));
        if let Some(hasher) = hasher {
            self.arguments = hasher.finish128();
        }
        if let Some(Taken { makers, values, .. }) = taken
            && !(makers.is_empty() && values.is_empty())
        {
            let beside = self.run.beside.get_or_insert_default();
            (beside.makers, beside.values) = (makers, values);
        }
    }

    /// Fills the targets, if there are any.
    fn find_targets(
        &mut self,
        job: &dyn AnyCall<'_>,
        given: Vec<Location>,
    ) -> Result<Option<Targets>, (Option<Location>, Unplaced)> {
        if self.run.has_target() && self.run.label.path.is_none() {
            self.run.label.path = Context::path(self.run.context.as_deref());
        }
        if self.run.mode.executes() {
            self.fill_name(job);
        }
        if !self.run.has_target() {
            return Ok(None);
        }
        let task = self.run.task;
        let (is_given, mut given) = (!given.is_empty(), given.into_iter());
        let mut find = |template: &Template| match given.next() {
            Some(location) => Ok(location),
            None => template.target(&Filling(job, &self.run)).map_err(|error| (None, self.unfilled(error))),
        };
        let (first, mut more) = (find(&task.target)?, Vec::new());
        for template in task.more_targets {
            more.push(find(template)?);
        }
        Ok(Some(Targets { first, more, is_given }))
    }

    /// Enters the place as this call's.
    fn enter(
        &mut self,
        place: &Place,
        is_given: bool,
        caller: &'static panic::Location<'static>,
    ) -> Result<(), (Option<Location>, Unplaced)> {
        let (task, journal) = (self.run.task, self.run.journal());
        // Outside flows there may be several journals.
        let (targets, numbers) = match self.run.flow() {
            Some(run) => (&run.shared.targets, journal),
            None => (&*OUTSIDE, None),
        };
        for (part, spot) in place.spots().enumerate() {
            let number = numbers.and_then(|journal| journal.number(spot.key));
            let filled = Filled { task, arguments: self.arguments, part, caller };
            // Who gave the target has seen to that.
            if !is_given && let Err(clash) = targets.enter(spot.key, number, filled) {
                return Err((Some(spot.location.clone()), Unplaced::Refused(clash)));
            }
        }
        let address = |place: &Place| Box::<str>::from(&*place.listing().address());
        let store = address(place.parts().first().map_or(place, |part| &**part));
        if !store.is_empty() || place.is_several() {
            let more = place.parts().iter().skip(1);
            let more = more.map(|part| (part.spot().location.clone(), address(&**part))).collect();
            let beside = self.run.beside.get_or_insert_default();
            (beside.store, beside.more) = (store, more);
        }
        Ok(())
    }

    /// What is to be expected at the place, for calls that take the output before this one has ended.
    pub(crate) fn expect(&self, place: &Place) {
        let Some(journal) = self.run.compares() else { return };
        let expect = |place: &Place| {
            let (content, present) = journal.expected(place.spot().key)?;
            Some(match self.decide(place, &present) {
                Decision::Make(_) => Content::Changes,
                // What was edited is taken as it is.
                Decision::Warn(reasons) if reasons.exceed(Reasons::EDITED) => Content::Changes,
                Decision::Warn(_) | Decision::Take => Content::from_fingerprint(content),
            })
        };
        if !place.is_several() {
            expect(place).into_iter().for_each(|content| place.spot().has(content));
            return;
        }
        // If one of them is made again, all are.
        let expected: Vec<_> = place.parts().iter().map(|part| expect(&**part)).collect();
        let changes = expected.contains(&Some(Content::Changes)).then_some(Content::Changes);
        for (part, content) in place.parts().iter().zip(expected) {
            changes.or(content).into_iter().for_each(|content| part.spot().has(content));
        }
    }

    /// Whether the output that is there is to be taken. What may have been made without what failed then is made again when an
    /// input is another one now, be that all the same to others.
    fn decide(&self, place: &Place, present: &Present) -> Decision {
        match decide(&self.wanted(place.format()), Some(present), self.run.policy()) {
            Decision::Warn(reasons) if reasons.inputs && self.inputs.tolerates => Decision::Make(reasons),
            decision => decision,
        }
    }

    /// What the output is recorded as made from.
    fn record(&self) -> Record {
        let own = || Record::new(self.run.task, self.arguments, self.inputs.contents().fingerprint());
        self.run.beside.as_ref().and_then(|beside| beside.record).unwrap_or_else(own)
    }

    /// What the call would make its output from, as far as that is known by now.
    fn wanted(&self, format: Option<Fingerprint>) -> Wanted {
        let contents = self.inputs.contents();
        let made = Provenance::new(self.run.task.code, self.arguments, contents.fingerprint());
        Wanted { provenance: made.with_format(format), inputs_change: contents.change() }
    }

    /// Where an argument's run failed, the field that it should have passed on is not the story.
    fn unfilled(&self, error: TargetError) -> Unplaced {
        self.inputs.failure().map_or_else(|| Unplaced::Refused(error.into()), Unplaced::Upstream)
    }

    fn fill_name(&mut self, job: &dyn AnyCall<'_>) {
        if let (None, Some(template)) = (&self.run.given, &self.run.task.name) {
            self.run.given = template.name(&Filling(job, &self.run)).ok().map(Arc::from);
        }
    }

    /// Whether the target is there, and is to be taken as it is: nothing has to run.
    pub(crate) fn is_there(&mut self, job: &dyn AnyCall<'_>) -> Result<bool, Arc<Failure>> {
        guard(|| self.is_taken(job)).unwrap_or_else(|panic| {
            Err(self.run.failed(job.target(), self.run.caught(panic).into(), Duration::ZERO, Vec::new()))
        })
    }

    /// Where only what was asked for is made, and this is not: a flow's body that says that it is to be done now has come to
    /// its end.
    pub(crate) fn not_asked(&self, place: Option<&Place>) -> Option<Arc<Failure>> {
        let make = Context::requested()?;
        let place = place?;
        let is_asked = make.meet(self.run.task, place.spots().map(|spot| &spot.location));
        let withheld = !is_asked && make.withholds(Some(place.location()), self.run.label.is_behind);
        withheld.then(|| Failure::new(Error::NotAsked { target: Some(place.location().clone()) }))
    }

    fn is_taken(&mut self, job: &dyn AnyCall<'_>) -> Result<bool, Arc<Failure>> {
        let Some(place) = job.place().filter(|_| self.run.mode.caches()) else { return Ok(false) };
        let stamp = place.stamp_all().map_err(|source| {
            let error = RunError::Store { action: LOOK, source: source.into() };
            self.run.failed(Some(place.location()), error.into(), Duration::ZERO, Vec::new())
        })?;
        let Some(stamp) = stamp else {
            self.run.why = Why::Missing;
            return Ok(false);
        };
        if self.run.is_forced(place.spots().map(|spot| &spot.location)) {
            (self.run.why, self.run.outdated) = (Why::Forced, Some((stamp, Reasons::default())));
            return Ok(false);
        }
        let compared = self.compare(place, stamp);
        if let Decision::Make(reasons) = compared.decision {
            (self.run.why, self.run.outdated) = (Why::Stale, Some((stamp, reasons)));
            return Ok(false);
        }
        self.take(job, place, Why::There, compared);
        Ok(true)
    }

    /// Compares the output that is there with what the call would give now.
    fn compare(&self, place: &Place, stamp: Stamp) -> Compared {
        let Some(journal) = self.run.compares() else { return Compared::default() };
        let compare = |place: &Place, stamp| {
            let spot = place.spot();
            let read = || place.listing().entry(&spot.location).ok().flatten();
            let (content, present, found) = journal.there(spot.key, stamp, read);
            (Content::from_fingerprint(content), self.decide(place, &present), found)
        };
        if !place.is_several() {
            let (content, decision, found) = compare(place, stamp);
            return Compared { content, decision, found, more: Vec::new() };
        }
        let mut all = place.parts().iter().filter_map(|part| Some(compare(&**part, part.stamp().ok().flatten()?)));
        let Some((content, mut decision, found)) = all.next() else { return Compared::default() };
        let mut more = Vec::new();
        for (content, of_this, found) in all {
            decision = decision.and(of_this);
            more.push((content, found));
        }
        Compared { content, decision, found, more }
    }

    /// Takes the output that is there.
    fn take(&mut self, job: &dyn AnyCall<'_>, place: &Place, why: Why, compared: Compared) {
        let Compared { content, decision, found: there, more } = compared;
        // What failed and is tolerated has been asked about.
        let _ = self.inputs.failure();
        place
            .spots()
            .zip(iter::once(content).chain(more.iter().map(|(content, _)| *content)))
            .for_each(|(spot, content)| spot.has(content));
        (self.run.why, self.run.outdated) = (why, None);
        let stale = decision.reasons();
        let more = more.into_iter().map(|(_, found)| found).collect();
        let mut details = Details { there, more, ..Details::default() };
        if !stale.is_empty() {
            let Provenance { inputs, format, .. } = self.wanted(place.format()).provenance;
            details.now = Some((self.arguments, inputs));
            details.format = format.filter(|_| stale.format);
            details.given = self.describe_arguments(job).into();
        }
        self.run.cached(place.location(), stale, &details);
    }

    /// The arguments, for the journal.
    fn describe_arguments(&self, job: &dyn AnyCall<'_>) -> Vec<Given<'static>> {
        let journal = self.run.journal();
        let describe = |journal| describe(|visitor| job.accept(visitor), self.run.task.parameters, Some(journal));
        journal.map(describe).unwrap_or_default()
    }

    /// The runs that have to end before it can be told whether the target is to be taken.
    pub(crate) fn undecided(&self) -> Vec<Arc<dyn Node>> {
        self.inputs.undecided()
    }

    /// The context that the call was made in.
    pub(crate) fn context(&self) -> Option<&Arc<Context>> {
        self.run.context.as_ref()
    }

    pub(crate) fn label(&self) -> &Label {
        &self.run.label
    }

    /// It is to run only if something else needs it.
    pub(crate) fn be_lazy(&mut self) {
        self.run.is_lazy = true;
    }

    /// Says that it was submitted.
    pub(crate) fn submitted(&mut self, target: Option<&Location>) {
        if self.run.mode.executes() {
            self.run.submitted = Some(Instant::now());
        }
        self.run.emit(State::Pending, target, Duration::ZERO, None, &NO_DETAILS);
    }
}

/// The output that is there beside what its call would give now.
struct Compared {
    content: Content,
    decision: Decision,
    /// What lies there, if the journal did not know it.
    found: Option<There>,
    /// The same of the other outputs.
    more: Vec<(Content, Option<There>)>,
}

impl Default for Compared {
    /// Nothing was compared.
    fn default() -> Self {
        Compared { content: Content::Unknown, decision: Decision::Take, found: None, more: Vec::new() }
    }
}

impl Run {
    fn new(task: &'static Task, mode: Mode, context: Option<Arc<Context>>) -> Self {
        let outside = match &context {
            Some(context) if context.flow.is_none() && mode != Mode::DoNothing => {
                if !context.is_isolated() {
                    environment::warn_of_unknown();
                }
                let directory = context.journal().cloned();
                directory.and_then(|at| Journal::outside(at, mode, context.settings.dry_run.is_some()))
            }
            _ => None,
        };
        Run {
            task,
            mode,
            context,
            label: Label::default(),
            given: None,
            outside,
            beside: None,
            is_lazy: false,
            attempt: 0,
            submitted: None,
            last: None,
            why: Why::default(),
            outdated: None,
            phase: Phase::Preparing,
        }
    }

    /// Why it has no place.
    fn unplaced(&mut self, (target, why): (Option<Location>, Unplaced)) -> Arc<Failure> {
        match why {
            Unplaced::Upstream(root) => self.not_ready(target.as_ref(), root, Vec::new()),
            Unplaced::Refused(error) => self.failed(target.as_ref(), error.into(), Duration::ZERO, Vec::new()),
        }
    }

    /// The spot at this location of a store with this address.
    fn spot(&self, location: Location, address: &str) -> Spot {
        let is_path = address.is_empty();
        let location = if is_path { Context::place_target(self.context.as_deref(), location) } else { location };
        let key = match self.journal() {
            Some(journal) => journal.key(address, &location),
            None => journal::target_key(address, &location),
        };
        Spot::new(location, key, is_path)
    }

    fn name(&self) -> Name {
        self.label.name(self.given.clone())
    }

    /// Whether it has a target. A function that is given its target has to write somewhere, in every mode.
    fn has_target(&self) -> bool {
        self.mode.caches() || self.task.wants_target
    }

    /// A panic as its error. In mode `do_nothing`, where the function is simply called, it is the caller's.
    fn caught(&self, panic: Panic) -> RunError {
        if self.mode == Mode::DoNothing {
            panic.resume();
        }
        panic.error(self.phase)
    }

    /// The journal that it is told to; in mode `do_nothing` none is, whoever else has one here.
    fn journal(&self) -> Option<&Journal> {
        let journal = match self.flow() {
            Some(flow) => flow.shared.journal.as_ref(),
            None => self.outside.as_deref(),
        };
        journal.filter(|_| self.mode != Mode::DoNothing)
    }

    /// The journal, if outputs that are there are to be compared with what it knows of them.
    fn compares(&self) -> Option<&Journal> {
        self.journal().filter(|_| self.mode.caches() && self.policy() != Stale::Ignore)
    }

    /// The runs that made what it takes, the address of its store, and what there is to be said of its other outputs.
    #[expect(clippy::type_complexity, reason = "the three go where they are told")]
    fn beside(&self) -> (&[(&'static str, u64)], &str, &[(Location, Box<str>)]) {
        self.beside.as_ref().map_or((&[], "", &[]), |beside| (&beside.makers, &beside.store, &beside.more))
    }

    fn policy(&self) -> Stale {
        self.context.as_ref().map(|context| context.policy(self.task)).unwrap_or_default()
    }

    fn flow(&self) -> Option<&ActiveFlow> {
        self.context.as_ref()?.flow.as_deref()
    }
}

/// What a plan's templates are filled with.
struct Filling<'p, 'a>(&'p dyn AnyCall<'a>, &'p Run);

impl TemplateFields for Filling<'_, '_> {
    fn default_target(&self) -> DefaultTarget {
        match self.1 {
            Run { label: Label { base: Some(_), .. }, .. } => DefaultTarget::Base,
            Run { task: Task { parameters: [], .. }, .. } => DefaultTarget::Alone,
            _ => DefaultTarget::Args,
        }
    }

    fn write(&self, field: TemplateField, out: &mut String) -> Result<(), TargetError> {
        let Filling(job, run) = self;
        let missing = |advice| TargetError::Missing { field: field.to_string(), advice };
        let text = match field {
            TemplateField::Path => run.label.path.as_deref().ok_or_else(|| {
                missing("set it with `.path(..)` on the call, `#[flow(path = ..)]`, `Config::path` or PIPEX_PATH")
            })?,
            TemplateField::Base => run.label.base.as_deref().ok_or_else(|| {
                missing("set it with `.base(..)` on the call, or on the call whose output this one takes first")
            })?,
            TemplateField::Funcname => run.task.funcname,
            TemplateField::Module => run.task.module,
            TemplateField::Flow => {
                run.flow().map(|run| run.flow.name).ok_or_else(|| missing("call the task within a flow"))?
            }
            TemplateField::Args => {
                let mut digest = Digest::new(run.task.parameters, run.label.path.as_deref());
                job.accept(&mut Visitor::digesting(&mut digest));
                return digest.write(out).map_err(missing);
            }
            TemplateField::Parameter(index, _) => {
                let written = job.field(index, out).ok_or_else(|| missing("the macro does not know it"))?;
                return written.map_err(|_| missing(UNSHOWN));
            }
            TemplateField::Env(name) => {
                let value = environment::env_utf8(name);
                let value = value.ok_or_else(|| missing("set the environment variable, to UTF-8 text"))?;
                return push(out, field, &value);
            }
            TemplateField::Now(part) => {
                let now = run.flow().map_or_else(Moment::default, |run| run.shared.now.clone());
                let part = now.part(part);
                let unknown = "there are date, time, datetime, year, month, day, hour, minute, second";
                return push(out, field, &part.ok_or_else(|| missing(unknown))?);
            }
        };
        out.push_str(text);
        Ok(())
    }
}
