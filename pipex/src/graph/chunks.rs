//! Vectors, read in chunks.

use crate::graph::output::Output;
use pipex_format::model::error::{Error, Result};
use pipex_format::store::Pieces;

impl<T> Output<Vec<T>> {
    /// The data in chunks of `count` elements, the last of fewer, read as they are asked for: for what is larger than memory.
    ///
    /// A chunk at a time is in memory where the target is a file of bincode (no extension, or `.bin`), with `.zst` or without, and a
    /// codec of yours can do the same ([`Codec::pieces`](crate::store::Codec::pieces)). From anywhere else all is loaded, and given in
    /// chunks; what is in memory already is cloned chunk by chunk.
    ///
    /// The checksum is taken as the file is read, and is known at its end. So a damaged file is told **no later than in place
    /// of the last chunk**, and what was given before may be wrong: nothing that lasts is to be made of it before there is no error.
    ///
    /// ```
    /// use pipex::{Output, flow, task};
    ///
    /// #[task]
    /// fn simulate(steps: u32) -> Vec<f64> {
    ///     (0..steps).map(f64::from).collect()
    /// }
    ///
    /// // A parameter that is an `Output` takes the location, and nothing is loaded.
    /// #[task]
    /// fn add(series: Output<Vec<f64>>) -> pipex::Result<f64> {
    ///     series.chunks(1_000)?.map(|chunk| Ok(chunk?.iter().sum::<f64>())).sum()
    /// }
    ///
    /// #[flow]
    /// fn study() -> pipex::Result<f64> {
    ///     add(simulate(10_000).base("long").submit()).run()?.load()
    /// }
    ///
    /// # let out = tempfile::tempdir()?;
    /// # let config = pipex::Config::new().mode(pipex::Mode::Cache).path(out.path()).journal(out.path().join(".pipex"));
    /// # config.quiet(true).scope(|| {
    /// assert_eq!(study()?, 49_995_000.0);
    /// # Ok::<(), pipex::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Output::load), for what can be told before anything is read.
    pub fn chunks(&self, count: usize) -> Result<Chunks<T>>
    where
        T: Clone + 'static,
    {
        self.wait()?;
        // None at a time would go on for ever.
        let count = count.max(1);
        let from = match self.pieces(count)? {
            Some(pieces) => From::Store(pieces),
            None => match self.data()? {
                Some(value) => From::Loaded(value.into_iter()),
                None => From::Memory(0),
            },
        };
        Ok(Chunks { output: self.clone(), count, from })
    }
}

/// The chunks of a vector: see [`Output::chunks`].
#[must_use = "nothing is read before it is asked for"]
pub struct Chunks<T> {
    output: Output<Vec<T>>,
    count: usize,
    from: From<T>,
}

/// Where they come from.
enum From<T> {
    Store(Pieces<Vec<T>>),
    Loaded(std::vec::IntoIter<T>),
    /// The output has the data; the first that has not been given.
    Memory(usize),
}

impl<T: Clone> Iterator for Chunks<T> {
    type Item = Result<Vec<T>>;

    fn next(&mut self) -> Option<Result<Vec<T>>> {
        let chunk: Vec<T> = match &mut self.from {
            From::Store(pieces) => {
                let target = || self.output.location().cloned().expect("what is in a store is somewhere");
                return Some(pieces.next()?.map_err(|source| Error::Load { target: target(), source: source.into() }));
            }
            From::Loaded(values) => values.take(self.count).collect(),
            From::Memory(start) => {
                let rest = self.output.peek()?.get(*start..)?;
                let chunk = &rest[..rest.len().min(self.count)];
                *start += chunk.len();
                chunk.to_vec()
            }
        };
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}
