//! The protocol of claims, as `docs/src/format.md` has it, as a model: a directory in memory, and processes whose every system
//! call is a step. All interleavings are searched, with kills at any step, `pipex gc`, and somebody who removes or replaces
//! files.
//!
//! The search is our own: that everybody can always come to an end is a property of the graph of all states. Model checkers
//! such as stateright look at paths without cycles for that, and whoever waits for a claim may have to begin again.

use std::collections::HashMap;

const INODES: usize = 8;
const ACTORS: usize = 4;
/// The last actor is `pipex gc`.
const GC: usize = ACTORS - 1;

type Inode = u8;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Content {
    #[default]
    Empty,
    /// What one process wrote, in part or whole.
    Part,
    Whole,
    /// What two wrote into one file.
    Mixed,
    /// The output of an earlier run, which is to be replaced.
    Stale,
    /// Somebody else's.
    Foreign,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Name {
    Claim,
    Target,
    /// `.NAME.pipex-tmp-INODE`.
    Own(Inode),
}

/// A system call that an actor is about to make.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum Step {
    Look,
    Open,
    OpenLeftover,
    Lock,
    Stat,
    Identify {
        leftover: bool,
    },
    RemoveOwn,
    RemoveLeftover,
    LookAgain,
    Body,
    Write,
    WriteRest,
    LinkTarget,
    CountNames,
    CheckClaim,
    LinkOwn,
    CheckOwn,
    Copy,
    CopyRest,
    RenameOwn,
    RenameClaim,
    Sweep,
    CheckBeforeUnlink,
    Unlink,
    /// It said that the target is there.
    Ok,
    /// It failed, or was killed.
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
struct Actor {
    step: Step,
    fd: Option<Inode>,
    /// It has made the claim's file.
    is_new: bool,
    holds_lock: bool,
    /// The copy, where a file can have one name only.
    copy: Option<Inode>,
    has_value: bool,
    /// What it does when it has let go of the claim, if it is not to try again.
    then: Option<Step>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    files: [Content; INODES],
    claim: Option<Inode>,
    target: Option<Inode>,
    /// To where somebody has moved the claim's file.
    away: Option<Inode>,
    own: [Option<Inode>; INODES],
    actors: [Actor; ACTORS],
    bodies: u8,
    ends: u8,
    meddled: u8,
    taken: u8,
    gc_rounds: u8,
}

/// How a file gets its target's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    /// By the open file.
    LinkOpenFile,
    /// By a name of its own, where an open file cannot be linked.
    LinkByPath,
    /// By a copy, where a file can have one name only.
    Copy,
    /// As it once was: renamed by the claim's name, and removed without a look at what that means.
    Unchecked,
}

#[derive(Clone, Copy)]
struct World {
    protocol: Protocol,
    processes: usize,
    /// Whether an output is there that is to be replaced.
    stale: bool,
    /// How many actors are killed, or fail, or exit on a signal.
    ends: u8,
    meddling: u8,
    /// How many outputs that are shared are taken, without a claim.
    takes: u8,
    gc_rounds: u8,
}

impl State {
    fn new(world: World) -> Self {
        let actor = |number| Actor {
            step: if number < world.processes || number == GC { Step::Look } else { Step::Ended },
            fd: None,
            is_new: false,
            holds_lock: false,
            copy: None,
            has_value: false,
            then: None,
        };
        let mut state = State {
            files: Default::default(),
            claim: None,
            target: None,
            away: None,
            own: Default::default(),
            actors: std::array::from_fn(actor),
            bodies: 0,
            ends: 0,
            meddled: 0,
            taken: 0,
            gc_rounds: 0,
        };
        if world.stale {
            state.create(Name::Target, Content::Stale);
        }
        state
    }

    fn name(&mut self, name: Name) -> &mut Option<Inode> {
        match name {
            Name::Claim => &mut self.claim,
            Name::Target => &mut self.target,
            Name::Own(inode) => &mut self.own[inode as usize],
        }
    }

    fn names(&self, inode: Inode) -> usize {
        let names = [self.claim, self.target, self.away].into_iter().chain(self.own);
        names.filter(|name| *name == Some(inode)).count()
    }

    fn is_locked(&self, inode: Inode) -> bool {
        self.actors.iter().any(|actor| actor.holds_lock && actor.fd == Some(inode))
    }

    /// A new file, under the lowest number that is free: numbers are used again as soon as they can be.
    fn create(&mut self, name: Name, content: Content) -> Inode {
        let is_free = |inode: &Inode| {
            let is_open = |actor: &Actor| actor.fd == Some(*inode) || actor.copy == Some(*inode);
            self.names(*inode) == 0 && !self.actors.iter().any(is_open)
        };
        let inode = (0..INODES as Inode).find(is_free).expect("the model has inodes enough");
        self.files[inode as usize] = content;
        *self.name(name) = Some(inode);
        inode
    }

    /// Closes the claim's file, whose lock goes, and does what is to be done then.
    fn let_go(&mut self, actor: usize, or: Step) {
        let actor = &mut self.actors[actor];
        (actor.fd, actor.copy, actor.is_new, actor.holds_lock) = (None, None, false, false);
        actor.step = actor.then.take().unwrap_or(or);
    }

    fn is_taken(&self) -> bool {
        self.target.is_some_and(|target| self.files[target as usize] != Content::Stale)
    }

    /// The next system call of an actor, and the state behind it, or `None` where it waits. An error is what must not be.
    fn step(&self, world: World, actor: usize) -> Result<Option<State>, &'static str> {
        let mut next = self.clone();
        let Actor { step, fd, is_new, copy, has_value, then, .. } = self.actors[actor];
        let inode = fd.unwrap_or_default();
        let content = self.files[inode as usize];
        let (checks, is_gc) = (world.protocol != Protocol::Unchecked, actor == GC);
        let go = &mut next.actors[actor].step;
        match step {
            Step::Look if is_gc && self.gc_rounds == world.gc_rounds => *go = Step::Ended,
            Step::Look if is_gc => {
                if self.claim.is_some() || checks && self.own.iter().any(Option::is_some) {
                    *go = Step::Open;
                }
                next.gc_rounds += 1;
            }
            // It has another name, which a killed process may have left.
            Step::Look if self.is_taken() && checks && self.names(self.target.unwrap_or_default()) > 1 => {
                *go = Step::OpenLeftover;
            }
            Step::Look => *go = if self.is_taken() { Step::Ok } else { Step::Open },
            Step::OpenLeftover => {
                *go = if self.claim.is_some() { Step::Lock } else { Step::Ok };
                next.actors[actor].fd = self.claim;
                next.actors[actor].then = self.claim.map(|_| Step::Ok);
            }
            Step::Open if is_gc && !checks && self.claim.is_none() => *go = Step::Look,
            Step::Open => {
                *go = Step::Lock;
                next.actors[actor].is_new = self.claim.is_none();
                next.actors[actor].fd = self.claim.or_else(|| Some(next.create(Name::Claim, Content::Empty)));
            }
            // Who only cleans up does not wait.
            Step::Lock if self.is_locked(inode) && (is_gc || then.is_some()) => next.let_go(actor, Step::Look),
            Step::Lock if self.is_locked(inode) => return Ok(None),
            Step::Lock => {
                *go = if is_gc && !checks { Step::Unlink } else { Step::Stat };
                next.actors[actor].holds_lock = true;
            }
            // Whether it has a name still, and is as it was made.
            Step::Stat if is_new && self.names(inode) == 0 => next.let_go(actor, Step::Open),
            Step::Stat if is_new && content == Content::Empty && self.names(inode) == 1 => {
                *go = if is_gc { Step::Sweep } else { Step::LookAgain };
            }
            Step::Stat => *go = Step::Identify { leftover: content != Content::Empty || self.names(inode) > 1 },
            Step::Identify { .. } if self.claim != fd => next.let_go(actor, Step::Open),
            Step::Identify { leftover: true } if checks => *go = Step::RemoveOwn,
            Step::Identify { .. } if then.is_some() => *go = Step::CheckBeforeUnlink,
            Step::Identify { .. } => {
                *go = if is_gc { Step::Sweep } else { Step::LookAgain };
                next.files[inode as usize] = Content::Empty;
            }
            Step::RemoveOwn => {
                *go = Step::RemoveLeftover;
                next.own[inode as usize] = None;
            }
            Step::RemoveLeftover => {
                next.claim = None;
                next.let_go(actor, Step::Open);
            }
            Step::LookAgain if self.is_taken() => *go = Step::CheckBeforeUnlink,
            Step::LookAgain => *go = if has_value { Step::Write } else { Step::Body },
            Step::Body => {
                if world.meddling == 0 && self.actors.iter().any(|other| other.step == Step::Write && !other.has_value)
                {
                    return Err("two living processes run the body");
                }
                *go = Step::Write;
                next.bodies += 1;
            }
            // The body has ended.
            Step::Write => {
                *go = Step::WriteRest;
                next.actors[actor].has_value = true;
                next.files[inode as usize] = if content == Content::Empty { Content::Part } else { Content::Mixed };
            }
            Step::WriteRest => {
                *go = match world.protocol {
                    Protocol::LinkOpenFile => Step::LinkTarget,
                    Protocol::LinkByPath => Step::LinkOwn,
                    Protocol::Copy => Step::CheckClaim,
                    Protocol::Unchecked => Step::RenameClaim,
                };
                next.files[inode as usize] = if content == Content::Part { Content::Whole } else { Content::Mixed };
            }
            Step::LinkTarget if self.target.is_some() => *go = Step::CheckClaim,
            Step::LinkTarget if self.names(inode) == 0 => next.let_go(actor, Step::Open),
            Step::LinkTarget => {
                *go = Step::CountNames;
                next.target = fd;
            }
            Step::CountNames if self.names(inode) > 1 => *go = Step::Unlink,
            Step::CountNames => *go = Step::CheckBeforeUnlink,
            Step::CheckClaim if self.claim != fd => next.let_go(actor, Step::Open),
            Step::CheckClaim => *go = if world.protocol == Protocol::Copy { Step::Copy } else { Step::LinkOwn },
            // A leftover of an earlier file with this number.
            Step::LinkOwn | Step::Copy if self.own[inode as usize].is_some() => next.own[inode as usize] = None,
            Step::LinkOwn if world.protocol == Protocol::LinkByPath => {
                *go = Step::CheckOwn;
                next.own[inode as usize] = self.claim;
                if self.claim.is_none() {
                    next.let_go(actor, Step::Open);
                }
            }
            Step::LinkOwn if self.names(inode) == 0 => next.let_go(actor, Step::Open),
            Step::LinkOwn => {
                *go = Step::RenameOwn;
                next.own[inode as usize] = fd;
            }
            Step::CheckOwn if self.own[inode as usize] == fd => *go = Step::RenameOwn,
            Step::CheckOwn => {
                next.own[inode as usize] = None;
                next.let_go(actor, Step::Open);
            }
            Step::Copy => {
                *go = Step::CopyRest;
                next.actors[actor].copy = Some(next.create(Name::Own(inode), Content::Part));
            }
            Step::CopyRest => {
                *go = Step::RenameOwn;
                next.files[copy.unwrap_or_default() as usize] = content;
            }
            Step::RenameOwn => match next.own[inode as usize].take() {
                None => next.let_go(actor, Step::Open),
                Some(own) if Some(own) != copy.or(fd) => return Err("what was put in place is another's"),
                Some(own) => {
                    *go = Step::CheckBeforeUnlink;
                    next.target = Some(own);
                    next.actors[actor].copy = None;
                }
            },
            Step::RenameClaim => {
                let renamed = next.claim.take();
                next.target = renamed.or(self.target);
                next.let_go(actor, if renamed.is_some() { Step::Ok } else { Step::Ended });
            }
            Step::Sweep => match next.own.iter_mut().find(|own| own.is_some()) {
                Some(own) => *own = None,
                None => *go = Step::CheckBeforeUnlink,
            },
            Step::CheckBeforeUnlink if !checks || self.claim == fd => *go = Step::Unlink,
            Step::CheckBeforeUnlink => next.let_go(actor, if is_gc { Step::Look } else { Step::Ok }),
            Step::Unlink => {
                next.claim = None;
                next.let_go(actor, if is_gc { Step::Look } else { Step::Ok });
            }
            Step::Ok | Step::Ended => return Ok(None),
        }
        Ok(Some(next))
    }

    fn has_ended(&self, actor: usize) -> bool {
        matches!(self.actors[actor].step, Step::Ok | Step::Ended)
    }

    /// Anybody is killed, or fails: whoever holds the claim then lets go of it.
    fn ends(&self, world: World, each: &mut impl FnMut(State)) {
        if self.ends == world.ends {
            return;
        }
        for actor in (0..ACTORS).filter(|actor| !self.has_ended(*actor)) {
            let mut killed = self.clone();
            killed.ends += 1;
            if self.actors[actor].holds_lock {
                let mut failed = killed.clone();
                failed.actors[actor].then = Some(Step::Ended);
                failed.actors[actor].step = Step::CheckBeforeUnlink;
                each(failed);
            }
            killed.actors[actor].then = None;
            killed.actors[actor].has_value = false;
            killed.let_go(actor, Step::Ended);
            each(killed);
        }
    }

    /// What somebody does who knows nothing of claims.
    fn meddling(&self, world: World, each: &mut impl FnMut(State)) {
        if self.meddled == world.meddling {
            return;
        }
        let mut meddled = self.clone();
        meddled.meddled += 1;
        for name in [Name::Claim, Name::Target].into_iter().chain((0..INODES as Inode).map(Name::Own)) {
            let mut without = meddled.clone();
            if without.name(name).take().is_some() {
                each(without);
            } else if matches!(name, Name::Claim | Name::Target) {
                let mut with = meddled.clone();
                with.create(name, Content::Foreign);
                each(with);
            }
        }
        if self.claim.is_some() && self.away.is_none() {
            meddled.away = meddled.claim.take();
            each(meddled);
        }
    }

    /// What is shared is taken: a file that is whole, and has had no name, is linked to the target's, if nothing is there.
    fn takes(&self, world: World) -> Option<State> {
        let mut taken = self.clone();
        taken.taken += 1;
        (self.taken < world.takes && self.target.is_none()).then(|| {
            taken.create(Name::Target, Content::Whole);
            taken
        })
    }

    /// What must never be.
    fn check(&self, world: World) -> Result<(), &'static str> {
        let target = self.target.map(|target| self.files[target as usize]);
        if !matches!(target, None | Some(Content::Whole | Content::Stale | Content::Foreign)) {
            return Err("the target is there and not whole");
        }
        if world.meddling == 0 && self.bodies > 1 + self.ends {
            return Err("the body ran again for no reason");
        }
        if self.ends + self.meddled == 0 && (0..ACTORS).all(|actor| self.has_ended(actor)) {
            if !self.is_taken() {
                return Err("all said that the target is there, and it is not");
            }
            if self.claim.is_some() || self.own.iter().any(Option::is_some) {
                return Err("something is left behind");
            }
        }
        Ok(())
    }
}

/// Searches all states; how many there are, or what must not be and how it comes to be.
fn search(world: World) -> Result<usize, String> {
    let start = State::new(world);
    let mut numbers = HashMap::from([(start.clone(), 0_u32)]);
    let mut states = vec![start];
    // Of each state all that lead to it, the first one first.
    let mut before: Vec<Vec<u32>> = vec![Vec::new()];
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(state) = states.get(at).cloned() {
        let mut found = Vec::new();
        for actor in 0..ACTORS {
            match state.step(world, actor) {
                Ok(next) => found.extend(next),
                Err(wrong) => return Err(story(wrong, &states, &before, at)),
            }
        }
        state.ends(world, &mut |ended| found.push(ended));
        state.meddling(world, &mut |meddled| found.push(meddled));
        found.extend(state.takes(world));
        if (0..ACTORS).all(|actor| state.has_ended(actor)) {
            ends.push(at as u32);
        }
        for mut next in found {
            let wrong = next.check(world);
            // Which process is which makes no difference.
            next.actors[..GC].sort_unstable();
            let number = *numbers.entry(next).or_insert_with_key(|next| {
                states.push(next.clone());
                before.push(Vec::new());
                states.len() as u32 - 1
            });
            before[number as usize].push(at as u32);
            if let Err(wrong) = wrong {
                return Err(story(wrong, &states, &before, number as usize));
            }
        }
        at += 1;
    }
    let mut can_end = vec![false; states.len()];
    let mut reached = ends;
    while let Some(state) = reached.pop() {
        if !std::mem::replace(&mut can_end[state as usize], true) {
            reached.extend(&before[state as usize]);
        }
    }
    match can_end.iter().position(|can| !can) {
        Some(stuck) => Err(story("somebody waits for ever", &states, &before, stuck)),
        None => Ok(states.len()),
    }
}

/// How a state comes to be: where everybody is, step by step.
fn story(wrong: &str, states: &[State], before: &[Vec<u32>], mut at: usize) -> String {
    let mut lines = Vec::new();
    loop {
        let State { claim, target, actors, .. } = &states[at];
        let steps: Vec<_> = actors.iter().map(|actor| format!("{:?}", actor.step)).collect();
        lines.push(format!("claim {claim:?}, target {target:?}, {}", steps.join(", ")));
        match before[at].first() {
            Some(first) => at = *first as usize,
            None => break,
        }
    }
    lines.push(wrong.to_owned());
    lines.reverse();
    lines.join("\n")
}

/// Searches the states of a world, for each way in which a file gets its name.
fn assert_holds(world: World) {
    let ways = [
        (Protocol::LinkOpenFile, false),
        (Protocol::LinkOpenFile, true),
        (Protocol::LinkByPath, true),
        (Protocol::Copy, true),
    ];
    for (protocol, stale) in ways {
        if let Err(wrong) = search(World { protocol, stale, ..world }) {
            panic!("{protocol:?}, stale {stale}: {wrong}");
        }
    }
}

const WORLD: World =
    World { protocol: Protocol::Unchecked, processes: 3, stale: false, ends: 0, meddling: 0, takes: 0, gc_rounds: 1 };

#[test]
fn three_processes_beside_gc_of_which_one_is_killed_or_fails() {
    assert_holds(World { ends: 1, ..WORLD });
}

#[test]
fn three_processes_beside_gc_and_somebody_who_meddles() {
    assert_holds(World { meddling: 1, ..WORLD });
}

#[test]
fn two_processes_of_which_one_is_killed_beside_gc_and_somebody_who_meddles() {
    assert_holds(World { processes: 2, ends: 1, meddling: 1, ..WORLD });
}

#[test]
fn two_processes_of_which_one_is_killed_beside_gc_and_who_takes_what_is_shared() {
    assert_holds(World { processes: 2, ends: 1, takes: 1, ..WORLD });
}

/// All of it at once: five million states.
#[test]
#[ignore = "takes minutes: for changes of the protocol"]
fn three_processes_of_which_one_is_killed_beside_gc_and_somebody_who_meddles() {
    assert_holds(World { ends: 1, meddling: 1, ..WORLD });
}

/// The model finds what went wrong before a name was looked at under the lock, and files were put in place by themselves.
#[test]
fn without_the_checks_a_target_is_torn() {
    for world in [World { ends: 1, ..WORLD }, World { processes: 2, meddling: 1, gc_rounds: 0, ..WORLD }] {
        let wrong = search(world).unwrap_err();
        assert!(wrong.starts_with("the target is there and not whole"), "{wrong}");
    }
}
