//! A value in pieces, of which memory has to hold one at a time.

use std::error::Error;
use std::fmt;

use super::StoreResult;

/// The pieces of a value, each a value of its own: of a vector, vectors of some of its elements.
///
/// ```
/// use pipex::store::Pieces;
///
/// let mut numbers = vec![1, 2, 3].into_iter();
/// let pieces = Pieces::new(move || {
///     let piece: Vec<i32> = numbers.by_ref().take(2).collect();
///     (!piece.is_empty()).then_some(Ok(piece))
/// });
/// assert_eq!(pieces.collect::<Result<Vec<_>, _>>()?, [vec![1, 2], vec![3]]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub struct Pieces<T> {
    // No iterator, whose other methods would be compiled for each type.
    next: Box<Next<T>>,
    say: Option<SayWrong>,
}

type Next<T> = dyn FnMut() -> Option<StoreResult<T>> + Send;

/// What is said of pieces that cannot be read.
pub(super) type SayWrong = Box<dyn Fn(AnyError) -> AnyError + Send>;

type AnyError = Box<dyn Error + Send + Sync>;

impl<T> Pieces<T> {
    /// Those that this gives, one after the other, until it gives none.
    pub fn new(next: impl FnMut() -> Option<StoreResult<T>> + Send + 'static) -> Self {
        Pieces { next: Box::new(next), say: None }
    }

    /// The same, whose errors this says.
    pub(super) fn told(self, say: SayWrong) -> Self {
        Pieces { say: Some(say), ..self }
    }
}

impl<T> Iterator for Pieces<T> {
    type Item = StoreResult<T>;

    fn next(&mut self) -> Option<StoreResult<T>> {
        match ((self.next)(), &self.say) {
            (Some(Err(error)), Some(say)) => Some(Err(say(error))),
            (piece, _) => piece,
        }
    }
}

impl<T> fmt::Debug for Pieces<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}
