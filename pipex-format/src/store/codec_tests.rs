//! What a codec of somebody's decides: whether there is a footer, what is known of the type, how the content is written.

use std::fs;
use std::io::Write;
use std::sync::atomic::Ordering;

use super::tests::{record, save, target};
use super::{Claim, Codec, FileStore, Files, Listing, Shape, Shared, Store, StoreResult};

/// Writes bytes in pieces of these lengths, again and again.
#[derive(Clone, Copy)]
struct Pieces {
    lengths: &'static [usize],
    allows_footer: bool,
    knows_shape: bool,
}

const PLAIN: Pieces = Pieces { lengths: &[usize::MAX], allows_footer: false, knows_shape: false };

impl Codec<Vec<u8>> for Pieces {
    fn encode(&self, value: &Vec<u8>, out: &mut dyn Write) -> StoreResult<()> {
        let mut rest = &value[..];
        for length in self.lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*length).min(rest.len()));
            out.write_all(piece)?;
            rest = behind;
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<u8>> {
        Ok(bytes.to_vec())
    }

    fn allows_footer(&self) -> bool {
        self.allows_footer
    }

    fn shape(&self) -> Option<Shape> {
        self.knows_shape.then(Shape::from_serde::<Vec<u8>>)
    }
}

#[test]
fn the_content_is_what_was_written_in_whatever_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let value: Vec<u8> = (0..1_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let lengths: [&[usize]; 4] = [&[1_000_000], &[100], &[10_000, 40_000, 1, 65_536, 65_535], &[20_000, 200_000]];
    for (number, lengths) in lengths.into_iter().enumerate() {
        let store = FileStore::new().codec(Pieces { lengths, ..PLAIN });
        let target = target(dir.path(), &format!("{number}.txt"));
        assert_eq!(save(&store, &target, &value).unwrap(), 1_000_000);
        assert!(fs::read(target.path()).unwrap() == value, "{lengths:?}");
        let with_footer = FileStore::new().codec(Pieces { lengths, allows_footer: true, ..PLAIN });
        save(&with_footer, &target, &value).unwrap();
        assert!(fs::read(target.path()).unwrap().starts_with(&value), "{lengths:?}");
        assert!(with_footer.load(&target).unwrap() == value, "{lengths:?}");
    }
}

#[test]
fn where_the_codec_allows_it_a_footer_tells_damage_and_what_made_the_output() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x.out");
    let value = b"some bytes".to_vec();
    for knows_shape in [false, true] {
        let store = FileStore::new().codec(Pieces { allows_footer: true, knows_shape, ..PLAIN });
        save(&store, &target, &value).unwrap();
        let made = Files.entry(&target).unwrap().unwrap().made.unwrap();
        assert_eq!(made.shape, if knows_shape { "[u8]" } else { "" });
        // What is not known is no reason for the output to be stale.
        assert_eq!(made.provenance().format, store.format());
        assert_eq!(store.format().is_some(), knows_shape);
    }
    let store = FileStore::new().codec(Pieces { allows_footer: true, knows_shape: true, ..PLAIN });
    // bincode would take the bytes for whatever is asked for.

    let error = super::tests::load::<Vec<u8>>(&target).unwrap_err().to_string();
    assert!(error.contains("x.out was written as Pieces, and is to be read as bincode"), "{error}");
    save(&FileStore::new(), &target, &value).unwrap();
    let error = store.load(&target).unwrap_err().to_string();
    assert!(error.contains("x.out was written as bincode, and is to be read as Pieces"), "{error}");

    save(&store, &target, &value).unwrap();
    let mut bytes = fs::read(target.path()).unwrap();
    bytes[3] ^= 1;
    fs::write(target.path(), bytes).unwrap();
    assert!(store.load(&target).unwrap_err().to_string().contains("is damaged"));
}

/// Bytes, and a note behind them, with more behind that.
struct Noted;

impl Codec<Vec<u8>> for Noted {
    fn encode(&self, value: &Vec<u8>, out: &mut dyn Write) -> StoreResult<()> {
        Ok(out.write_all(value)?)
    }

    fn allows_note(&self) -> bool {
        true
    }

    fn encode_with_note(&self, value: &Vec<u8>, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.encode(value, out)?;
        Ok(write!(out, "\n# {note}\n# the end\n")?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<u8>> {
        let end = bytes.windows(3).rposition(|window| window == b"\n# ");
        let end = end.and_then(|end| bytes[..end].windows(3).rposition(|window| window == b"\n# "));
        Ok(bytes[..end.ok_or("it has no note")?].to_vec())
    }
}

#[test]
fn a_note_goes_along_with_what_a_team_shares() {
    let dir = tempfile::tempdir().unwrap();
    let [here, there] = ["here.txt", "there.txt"].map(|name| target(dir.path(), name));
    let store = FileStore::new().codec(Noted);
    let shared = Shared::new(dir.path().join("shared"));
    // What is copied at once, and where pieces of a copy begin and end within the note.
    let lengths = [1, 5].map(|pieces| (0..1000).step_by(200).map(move |less| pieces * (256 << 10) - less));
    for length in lengths.into_iter().flatten() {
        let value = vec![b'x'; length];
        save(&store, &here, &value).unwrap();
        let content = Files.entry(&here).unwrap().unwrap().content;
        let name = shared.name("here.txt", record(), None).unwrap();
        shared.put(&name, here.path(), content).unwrap();
        let claim = Claim::wait(&there.sibling(), there.clone(), record()).unwrap();
        let receipt = claim.receipt();
        let found = shared.find(&name).unwrap().unwrap();
        assert!(found.take_unclaimed(&here, record()).unwrap().is_none(), "something is there");
        found.take(claim).unwrap();
        assert!(receipt.is_recorded.load(Ordering::Relaxed));
        let entry = Files.entry(&there).unwrap().unwrap();
        assert_eq!((receipt.content.get().copied(), entry.content), (content, content), "{length}");
        assert_eq!(entry.made.unwrap().task, "tests::made");
        assert_eq!(store.load(&there).unwrap(), value);
        fs::remove_file(there.path()).unwrap();
        // Not everywhere.
        let is_taken = found.take_unclaimed(&there, record()).unwrap().is_some();
        assert_eq!(Files.entry(&there).unwrap().map(|entry| entry.content), is_taken.then_some(content));
    }
}

#[test]
fn a_codec_that_writes_nothing_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x.txt");
    let error = save(&FileStore::new().codec(PLAIN), &target, &Vec::new()).unwrap_err().to_string();
    assert!(error.contains("the codec Pieces wrote no bytes for ") && error.contains("x.txt"), "{error}");
    assert!(!target.path().exists());
}

#[test]
fn a_codec_may_choose_by_the_target_and_refuse_it() {
    struct Either;
    impl Codec<Vec<u8>> for Either {
        fn encode(&self, value: &Vec<u8>, out: &mut dyn Write) -> StoreResult<()> {
            PLAIN.encode(value, out)
        }
        fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<u8>> {
            PLAIN.decode(bytes)
        }
        fn for_target(&self, target: &super::Location) -> StoreResult<&dyn Codec<Vec<u8>>> {
            match target.as_str().rsplit_once('.') {
                Some((_, "raw")) => Ok(self),
                Some((_, "xls")) => Err("no codec for .xls".into()),
                _ => super::ByExtension.for_target(target),
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new().codec(Either);
    for (name, text) in [("x.raw", "\u{1}\u{2}"), ("x.json", "[\n  1,\n  2\n]\n")] {
        let target = target(dir.path(), name);
        save(&store, &target, &vec![1, 2]).unwrap();
        assert_eq!(fs::read_to_string(target.path()).unwrap(), text);
        assert_eq!(store.load(&target).unwrap(), [1, 2]);
    }
    let error = store.exists(&target(dir.path(), "x.xls")).unwrap_err().to_string();
    assert_eq!(error, "no codec for .xls");
}

/// Before the function runs: a store is first asked whether the target is there.
#[cfg(not(all(feature = "csv", feature = "msgpack", feature = "toml", feature = "yaml", feature = "zstd")))]
#[test]
fn a_format_that_was_not_built_in_is_told_when_it_is_first_asked_for() {
    let refused = |name: &str| {
        let target = target(std::path::Path::new("nowhere"), name);
        Store::<Vec<u32>>::exists(&FileStore::new(), &target).unwrap_err().to_string()
    };
    #[cfg(not(feature = "arrow"))]
    assert!(refused("x.feather").starts_with("nowhere/x.feather needs pipex's cargo feature `arrow`"));
    #[cfg(not(feature = "csv"))]
    assert!(refused("x.csv").starts_with("nowhere/x.csv needs pipex's cargo feature `csv`"));
    #[cfg(not(feature = "msgpack"))]
    assert!(refused("x.mpk").starts_with("nowhere/x.mpk needs pipex's cargo feature `msgpack`"));
    #[cfg(not(feature = "parquet"))]
    assert!(refused("x.parquet").starts_with("nowhere/x.parquet needs pipex's cargo feature `parquet`"));
    #[cfg(not(feature = "toml"))]
    assert!(refused("x.toml").starts_with("nowhere/x.toml needs pipex's cargo feature `toml`"));
    #[cfg(not(feature = "yaml"))]
    assert!(refused("x.yml").starts_with("nowhere/x.yml needs pipex's cargo feature `yaml`"));
    #[cfg(not(feature = "zstd"))]
    assert!(refused("x.json.zst").starts_with("nowhere/x.json.zst needs pipex's cargo feature `zstd`"));
}
