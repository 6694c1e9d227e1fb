//! What is known of the contents of a call's inputs.

use super::fingerprint::Fingerprint;

/// What lies where a call's input is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// This: half of its fingerprint.
    Is(u64),
    /// Something else than when it was last made: it has yet to be made again.
    Changes,
    /// Nobody knows.
    Unknown,
}

impl Content {
    /// Of an output whose run failed, to a call that takes that as a value: another than any that could come.
    pub const FAILED: Content = Content::Is(2);

    /// Of this fingerprint, if it is known.
    pub fn from_fingerprint(fingerprint: Option<Fingerprint>) -> Self {
        // One that is not told apart from a change is taken for what nobody knows.
        Self::from_number(fingerprint.map(Fingerprint::half).filter(|half| *half != CHANGES).unwrap_or(0))
    }

    /// As a number, for a place that threads share.
    pub fn to_number(self) -> u64 {
        match self {
            Content::Is(content) => content,
            Content::Changes => CHANGES,
            Content::Unknown => 0,
        }
    }

    /// From [`to_number`](Content::to_number).
    pub fn from_number(number: u64) -> Self {
        match number {
            0 => Content::Unknown,
            CHANGES => Content::Changes,
            content => Content::Is(content),
        }
    }
}

const CHANGES: u64 = 1;

/// The contents of all inputs of a call, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Contents {
    sum: Fingerprint,
    changes: bool,
    unknown: bool,
    /// Whether a run that one of them comes from has yet to end.
    pending: bool,
}

impl Default for Contents {
    /// Of a call without inputs.
    fn default() -> Self {
        Contents { sum: Fingerprint::new(1), changes: false, unknown: false, pending: false }
    }
}

impl Contents {
    /// Adds the content of the next input.
    pub fn add(&mut self, content: Content) {
        match content {
            Content::Is(content) => self.sum = self.sum.then(Fingerprint::new(content.into())),
            Content::Changes => self.changes = true,
            Content::Unknown => self.unknown = true,
        }
    }

    /// One of them is not what it will be.
    pub fn pend(&mut self) {
        self.pending = true;
    }

    /// Whether all runs that they come from have ended.
    pub fn are_settled(self) -> bool {
        !self.pending
    }

    /// Whether one of them will be another than it was.
    pub fn change(self) -> bool {
        self.changes
    }

    /// Their fingerprint, where it is known.
    pub fn fingerprint(self) -> Option<Fingerprint> {
        if self.changes || self.unknown { None } else { Some(self.sum) }
    }
}
