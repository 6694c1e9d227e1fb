//! Files in blocks, each with its checksum: who asks for little of one reads little of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::OnceLock;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::whole::create_draft;
use crate::store::open_regular;

/// In bytes; what is asked for at once is within one.
pub(super) const BLOCK: usize = 65_472;
/// Of a checksum, and of each other number beside the content.
const NUMBER: usize = 8;

/// The content of a file, of which only those blocks are read, once, that somebody asks for. Behind it stand their checksums, a
/// number that is its owner's, and a checksum of these.
pub(super) struct Blocks {
    file: File,
    /// Of the content.
    length: usize,
    number: u64,
    checksums: Vec<u8>,
    blocks: Vec<OnceLock<Option<Box<[u8]>>>>,
}

impl Blocks {
    /// The file that begins with these bytes; `None` if it is not there, or not one that was written as such.
    pub(super) fn open(path: &Path, magic: &[u8; NUMBER]) -> Option<Self> {
        let file = open_regular(path, OpenOptions::new().read(true)).ok()?;
        let all = usize::try_from(file.metadata().ok()?.len()).ok()?;
        let rest = all.checked_sub(3 * NUMBER)?;
        let count = rest.div_ceil(BLOCK + NUMBER);
        let length = rest.checked_sub(count * NUMBER)?;
        let mut start = [0; NUMBER];
        file.read_exact_at(&mut start, 0).ok().filter(|()| start == *magic)?;
        let mut checksums = vec![0; (count + 2) * NUMBER];
        file.read_exact_at(&mut checksums, (NUMBER + length) as u64).ok()?;
        let checksum = checksums.split_off((count + 1) * NUMBER);
        (checksum == checksum_of(magic, &checksums)).then_some(())?;
        let number = u64::from_le_bytes(checksums.split_off(count * NUMBER).try_into().ok()?);
        let blocks = (0..count).map(|_| OnceLock::new()).collect();
        Some(Blocks { file, length, number, checksums, blocks })
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// So many bytes of the content from there; `None` if that is not there, or damaged.
    pub(super) fn get(&self, at: usize, length: usize) -> Option<&[u8]> {
        let (block, start) = (at / BLOCK, at % BLOCK);
        self.blocks.get(block)?.get_or_init(|| self.read(block)).as_ref()?.get(start..start + length)
    }

    /// The whole content.
    pub(super) fn read_all(&self) -> Option<Vec<u8>> {
        let mut content = vec![0; self.length];
        self.file.read_exact_at(&mut content, NUMBER as u64).ok()?;
        content.chunks(BLOCK).enumerate().all(|(block, bytes)| self.is_whole(block, bytes)).then_some(content)
    }

    /// How many blocks have been read.
    #[cfg(test)]
    pub(super) fn read_so_far(&self) -> usize {
        self.blocks.iter().filter(|block| block.get().is_some()).count()
    }

    fn read(&self, block: usize) -> Option<Box<[u8]>> {
        let start = block * BLOCK;
        let mut bytes = vec![0; BLOCK.min(self.length - start)];
        self.file.read_exact_at(&mut bytes, (NUMBER + start) as u64).ok()?;
        self.is_whole(block, &bytes).then(|| bytes.into_boxed_slice())
    }

    fn is_whole(&self, block: usize, bytes: &[u8]) -> bool {
        self.checksums[block * NUMBER..][..NUMBER] == xxh3_64(bytes).to_le_bytes()
    }
}

/// Has this stand in the file behind these bytes, or leaves what was there.
pub(super) fn write_blocks(path: &Path, magic: &[u8; NUMBER], number: u64, content: &[u8]) -> io::Result<()> {
    let (draft, file) = create_draft(path)?;
    let mut file = BufWriter::new(file);
    file.write_all(magic)?;
    file.write_all(content)?;
    let mut end: Vec<u8> = content.chunks(BLOCK).flat_map(|block| xxh3_64(block).to_le_bytes()).collect();
    end.extend(number.to_le_bytes());
    file.write_all(&end)?;
    file.write_all(&checksum_of(magic, &end))?;
    file.flush()?;
    fs::rename(draft, path)
}

fn checksum_of(magic: &[u8; NUMBER], end: &[u8]) -> [u8; NUMBER] {
    let mut hasher = Xxh3::new();
    hasher.update(magic);
    hasher.update(end);
    hasher.digest().to_le_bytes()
}
