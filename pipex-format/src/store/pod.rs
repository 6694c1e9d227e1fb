//! Vectors of plain structs, written and read as memory has them.

use std::io::{ErrorKind, Read, Write};

use bytemuck::Pod as Plain;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::bincode_reader::read;
use super::bincode_writer::write;
use super::builtin::Builtin;
use super::codec::{Codec, Shape};
use super::elements::{check_end, read_count};
use super::pieces::Pieces;

/// The [`Codec`] of vectors of plain structs, those that are [`bytemuck::Pod`]: at the speed of memory, where serde asks for field after
/// field.
///
/// What is written is bincode all the same, byte for byte: a task may be given this codec, and be freed of it, and its outputs stay.
/// It is asked once whether memory has such a struct as bincode writes it, which is so where it has the fields that serde knows, in their
/// order, on a little-endian machine. Else it is written and read by serde.
///
/// Vectors of numbers, and of two to four of them (`[f32; 3]`), are as fast without it.
///
/// ```
/// use bytemuck::{Pod, Zeroable};
/// use pipex::{FileStore, store, task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Copy, Pod, Zeroable, Serialize, Deserialize)]
/// #[repr(C)]
/// struct Particle {
///     place: [f32; 3],
///     id: u32,
/// }
///
/// #[task(target = "{path}/particles", store = FileStore::new().codec(store::Pod))]
/// fn simulate(count: u32) -> Vec<Particle> {
///     (0..count).map(|id| Particle { place: [0.5; 3], id }).collect()
/// }
///
/// # let out = tempfile::tempdir()?;
/// # let config = pipex::Config::new().mode(pipex::Mode::Cache).path(out.path()).journal(out.path().join(".pipex"));
/// # config.quiet(true).scope(|| {
/// assert_eq!(simulate(1_000).run()?.load()?[7].id, 7);
/// # Ok::<(), pipex::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pod;

/// Whether bincode writes such a struct as memory has it: the fields that serde knows are all there are, and in their order.
fn is_as_in_memory<T: Plain + Serialize + DeserializeOwned>() -> bool {
    // Between them, no two bytes are the same.
    let patterns = [|at: usize| at % 64 + 1, |at: usize| at / 64 % 64 + 1];
    size_of::<T>() > 0
        && patterns.into_iter().all(|pattern| {
            let bytes: Vec<u8> = (0..size_of::<T>()).map(|at| pattern(at) as u8).collect();
            let value: T = bytemuck::pod_read_unaligned(&bytes);
            let mut written = Vec::new();
            let is_written = write(&value, &mut written).is_ok() && written == bytes;
            is_written && read::<T>(&bytes).is_ok_and(|back| bytemuck::bytes_of(&back) == bytes)
        })
}

impl<T: Plain + Serialize + DeserializeOwned> Codec<Vec<T>> for Pod {
    fn encode(&self, value: &Vec<T>, out: &mut dyn Write) -> StoreResult<()> {
        if !is_as_in_memory::<T>() {
            return Builtin::Bincode.encode(value, out);
        }
        out.write_all(&(value.len() as u64).to_le_bytes())?;
        Ok(out.write_all(bytemuck::cast_slice(value))?)
    }

    fn decode(&self, mut bytes: &[u8]) -> StoreResult<Vec<T>> {
        let length = bytes.len() as u64;
        self.read(&mut bytes, length).unwrap_or_else(|| Builtin::Bincode.decode(bytes))
    }

    fn read(&self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<Vec<T>>> {
        is_as_in_memory::<T>().then(|| {
            let count = read_count(payload, size_of::<T>(), bytes)?;
            let mut value =
                bytemuck::try_zeroed_vec(count).map_err(|()| std::io::Error::from(ErrorKind::OutOfMemory))?;
            payload.read_exact(bytemuck::cast_slice_mut(&mut value))?;
            check_end(payload, &[])?;
            Ok(value)
        })
    }

    fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<Vec<T>>> {
        Builtin::Bincode.pieces(payload, count)
    }

    fn name(&self) -> &'static str {
        Codec::<Vec<T>>::name(&Builtin::Bincode)
    }

    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<Vec<T>>())
    }

    fn allows_footer(&self) -> bool {
        true
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        Codec::<Vec<T>>::is_beginning(&Builtin::Bincode, bytes)
    }
}
