//! How an output stands: one of these, decided in one place.

use std::fmt;

use pipex_format::model::provenance::Reasons;

/// How an output stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Being made by a process that runs.
    Running,
    /// It cannot be looked at.
    Unknown,
    /// Neither there nor asked for: it is listed nowhere.
    Gone,
    /// Its last run failed, or was killed.
    Failed,
    /// Its last run did not run, since what it takes was not to be had.
    NotReady,
    /// Its last run did not run, since its flow run was cancelled.
    Cancelled,
    /// Its data were in memory, and nothing was saved.
    NotSaved,
    /// Not there, and nothing that is asked for needed it: a lazy interim result that was deleted.
    NotNeeded,
    /// Not there.
    Missing,
    /// There, and not known to be pipex's work.
    Foreign,
    /// There, and nothing makes it any more.
    Orphaned,
    /// There, and not what its call would give.
    Stale,
    /// There, and made from something that is stale, however far up.
    Outdated,
    /// There, and what its call would give.
    Fresh,
}

/// What is known of an output.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub is_running: bool,
    pub is_unknown: bool,
    pub is_there: bool,
    pub demand: Demand,
    /// What its last run came to, if it came to nothing.
    pub failure: Option<Condition>,
    pub is_in_memory: bool,
    /// Whether it is known what made it.
    pub is_known: bool,
    pub reasons: Reasons,
    /// Whether something that it was made from is stale.
    pub is_outdated: bool,
}

/// Whether the last complete run of its flow asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Direct,
    /// For what was made from it, and not for itself.
    Indirect,
    None,
}

impl Condition {
    pub fn new(facts: &Facts) -> Self {
        let Facts { is_running, is_unknown, is_there, demand, failure, is_in_memory, is_known, .. } = *facts;
        match (is_there, failure) {
            _ if is_running => Condition::Running,
            _ if is_unknown => Condition::Unknown,
            (false, _) if demand == Demand::None => Condition::Gone,
            (false, Some(failure)) => failure,
            (false, None) if is_in_memory => Condition::NotSaved,
            (false, None) if demand == Demand::Indirect => Condition::NotNeeded,
            (false, None) => Condition::Missing,
            (true, _) if !is_known => Condition::Foreign,
            (true, Some(failure)) => failure,
            (true, None) if demand == Demand::None => Condition::Orphaned,
            (true, None) if !facts.reasons.is_empty() => Condition::Stale,
            (true, None) if facts.is_outdated => Condition::Outdated,
            (true, None) => Condition::Fresh,
        }
    }

    /// Whether something is to be done about it.
    pub fn needs_attention(self) -> bool {
        use Condition::{Cancelled, Failed, Missing, NotReady, Outdated, Stale, Unknown};
        matches!(self, Stale | Outdated | Failed | NotReady | Cancelled | Missing | Unknown)
    }

    /// Whether its last run came to nothing.
    pub fn is_failure(self) -> bool {
        matches!(self, Condition::Failed | Condition::NotReady | Condition::Cancelled)
    }

    pub fn name(self) -> &'static str {
        match self {
            Condition::Running => "running",
            Condition::Unknown => "cannot be looked at",
            Condition::Gone => "not there, and nothing asks for it",
            Condition::Failed => "failed",
            Condition::NotReady => "not ready",
            Condition::Cancelled => "cancelled",
            Condition::NotSaved => "not saved",
            Condition::NotNeeded => "not needed",
            Condition::Missing => "missing",
            Condition::Foreign => "foreign",
            Condition::Orphaned => "orphaned",
            Condition::Stale => "stale",
            Condition::Outdated => "outdated",
            Condition::Fresh => "fresh",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Facts {
        Facts {
            is_running: false,
            is_unknown: false,
            is_there: true,
            demand: Demand::Direct,
            failure: None,
            is_in_memory: false,
            is_known: true,
            reasons: Reasons::default(),
            is_outdated: false,
        }
    }

    #[test]
    fn the_first_that_applies_holds() {
        let code = Reasons::from(vec!["code".to_owned()]);
        let fresh = fresh();
        let all = Facts {
            is_running: true,
            is_unknown: true,
            is_there: false,
            demand: Demand::None,
            failure: Some(Condition::NotReady),
            is_in_memory: true,
            is_known: false,
            reasons: code,
            is_outdated: true,
        };
        let absent = [
            (all, Condition::Running),
            (Facts { is_running: false, ..all }, Condition::Unknown),
            (Facts { is_running: false, is_unknown: false, ..all }, Condition::Gone),
            (Facts { is_running: false, is_unknown: false, demand: Demand::Indirect, ..all }, Condition::NotReady),
        ];
        let in_memory = Facts { is_there: false, is_in_memory: true, demand: Demand::Indirect, ..fresh };
        let not_there = [
            (in_memory, Condition::NotSaved),
            (Facts { is_in_memory: false, ..in_memory }, Condition::NotNeeded),
            (Facts { is_in_memory: false, demand: Demand::Direct, ..in_memory }, Condition::Missing),
        ];
        let there = Facts { is_running: false, is_unknown: false, is_there: true, ..all };
        let present = [
            (there, Condition::Foreign),
            (Facts { is_known: true, ..there }, Condition::NotReady),
            (Facts { is_known: true, failure: None, ..there }, Condition::Orphaned),
            (Facts { is_known: true, failure: None, demand: Demand::Indirect, ..there }, Condition::Stale),
            (Facts { reasons: code, ..fresh }, Condition::Stale),
            (Facts { is_outdated: true, ..fresh }, Condition::Outdated),
            (Facts { demand: Demand::Indirect, ..fresh }, Condition::Fresh),
            (fresh, Condition::Fresh),
        ];
        for (facts, condition) in absent.into_iter().chain(not_there).chain(present) {
            assert_eq!(Condition::new(&facts), condition, "{facts:?}");
        }
    }
}
