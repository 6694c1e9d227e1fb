//! A codec of one's own, and what `FileStore` promises for it.

use std::fs;
use std::io::Write;

use pipex::store::{Codec, StoreResult};
use pipex::{FileStore, flow, task};

use crate::support::Bench;

/// Settings, which serde knows nothing of.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    name: String,
    level: i64,
}

/// `key = value`.
struct KeyValue;

impl Codec<Settings> for KeyValue {
    fn encode(&self, settings: &Settings, out: &mut dyn Write) -> StoreResult<()> {
        writeln!(out, "name = {}", settings.name)?;
        if settings.level < 0 {
            return Err("a level is not negative".into());
        }
        Ok(writeln!(out, "level = {}", settings.level)?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<Settings> {
        let text = str::from_utf8(bytes)?.strip_suffix('\n').ok_or("no newline at the end")?;
        let value = |key: &str| {
            let values = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            values.ok_or_else(|| format!("no `{key}`"))
        };
        Ok(Settings { name: value("name")?.to_owned(), level: value("level")?.parse()? })
    }
}

#[task(target = "{path}/settings.conf", store = FileStore::new().codec(KeyValue))]
fn settings(level: i64) -> Settings {
    Settings { name: "EWR".to_owned(), level }
}

#[task(target = "{path}/settings.conf.zst", store = FileStore::new().durable().codec(KeyValue))]
fn compressed(level: i64) -> Settings {
    Settings { name: "EWR".to_owned(), level }
}

#[task(target = "{path}/level.json", store = FileStore)]
fn level(settings: &Settings) -> i64 {
    settings.level
}

#[flow(stale = "rerun")]
fn kept(level: i64) -> pipex::Result<()> {
    settings(level).run()?.wait()
}

#[test]
fn a_file_has_what_the_codec_wrote_and_nothing_else() {
    let bench = Bench::new();
    for ran in [&["settings", "level"][..], &[]] {
        assert_eq!(bench.cache(|| level(settings(7).run()?).run()?.load()).unwrap(), 7);
        assert_eq!(bench.ran(), ran);
        assert_eq!(fs::read_to_string(bench.file("settings.conf")).unwrap(), "name = EWR\nlevel = 7\n");
        assert_eq!(bench.files(), ["level.json", "settings.conf"]);
    }
}

#[test]
fn what_is_not_whole_gives_the_codecs_own_error_with_the_targets_name() {
    let bench = Bench::new();
    let output = bench.cache(|| settings(7).run()).unwrap();
    let file = bench.file("settings.conf");
    for (text, problem) in [
        ("name = EWR\n", "no `level`"),
        ("name = EWR\nlevel = 7", "no newline at the end"),
        ("name = EWR\nlevel = x\n", "invalid digit"),
    ] {
        fs::write(&file, text).unwrap();
        let error = format!("{:?}", output.load().unwrap_err());
        let refused = format!("{} cannot be read as KeyValue: correct it, or delete it", file.display());
        assert!(error.contains(&refused) && error.contains(problem), "{error}");
    }
    // A file of no bytes counts as missing, as with any codec.
    bench.ran();
    fs::write(&file, "").unwrap();
    assert_eq!(bench.cache(|| settings(7).run()).unwrap().load().unwrap().level, 7);
    assert_eq!(bench.ran(), ["settings"]);
}

#[test]
fn a_value_that_the_codec_refuses_leaves_the_old_file() {
    let bench = Bench::new();
    let run = |level| bench.cache(|| kept(level));
    run(7).unwrap();
    let error = format!("{:?}", run(-1).unwrap_err());
    let refused = format!("the value for {} cannot be written as KeyValue", bench.file("settings.conf").display());
    assert!(error.contains(&refused) && error.contains("a level is not negative"), "{error}");
    assert_eq!(fs::read_to_string(bench.file("settings.conf")).unwrap(), "name = EWR\nlevel = 7\n");
    assert_eq!(bench.files(), ["settings.conf"], "what was begun is gone");
    run(8).unwrap();
    assert_eq!(fs::read_to_string(bench.file("settings.conf")).unwrap(), "name = EWR\nlevel = 8\n");
}

#[test]
fn compressed_it_has_a_checksum() {
    let bench = Bench::new();
    let output = bench.cache(|| compressed(7).run()).unwrap();
    assert_eq!(output.load().unwrap(), Settings { name: "EWR".to_owned(), level: 7 });
    let whole = fs::read(bench.file("settings.conf.zst")).unwrap();
    let error = |bytes: &[u8]| {
        fs::write(bench.file("settings.conf.zst"), bytes).unwrap();
        format!("{:?}", output.load().unwrap_err())
    };
    let mut flipped = whole.clone();
    flipped[9] ^= 1;
    assert!(error(&flipped).contains("settings.conf.zst is damaged"));
    assert!(error(&whole[..whole.len() - 1]).contains("settings.conf.zst is truncated"));
    let error = format!("{:?}", bench.cache(|| compressed(-1).base("b").path(bench.file("deep")).run()).unwrap_err());
    assert!(error.contains("cannot be written as zstd of KeyValue"), "{error}");
    assert!(!bench.file("deep/settings.conf.zst").exists());
}

/// The same, and in a comment what made it.
struct Commented;

impl Codec<Settings> for Commented {
    fn encode(&self, settings: &Settings, out: &mut dyn Write) -> StoreResult<()> {
        KeyValue.encode(settings, out)
    }

    fn allows_note(&self) -> bool {
        true
    }

    fn encode_with_note(&self, settings: &Settings, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.encode(settings, out)?;
        Ok(writeln!(out, "# {note}")?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<Settings> {
        let text = str::from_utf8(bytes)?;
        KeyValue.decode(text.find('#').map_or(text, |comment| &text[..comment]).as_bytes())
    }
}

#[task(target = "{path}/settings.conf", store = FileStore::new().codec(Commented))]
fn commented(level: i64) -> Settings {
    Settings { name: "EWR".to_owned(), level: level.max(7) }
}

#[task(target = "{path}/level.json")]
fn commented_level(settings: &Settings) -> i64 {
    settings.level
}

#[flow(stale = "rerun")]
fn noted(level: i64) -> pipex::Result<i64> {
    commented_level(commented(level).run()?).run()?.load()
}

#[test]
fn a_note_within_the_file_says_what_made_it_and_tells_damage() {
    let bench = Bench::new();
    let file = bench.file("settings.conf");
    let run = |level| bench.cache(|| noted(level)).unwrap();
    assert_eq!((run(7), bench.ran()), (7, vec!["commented", "commented_level"]));
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("name = EWR\nlevel = 7\n# {\"pipex_note\":1,\"task\":\"behaviour::codecs::commented\""),
        "{text}"
    );

    // The arguments are others, and so is the note, but not what was made: whoever takes it does not run. Without a journal as well.
    for level in [6, 5] {
        assert_eq!((run(level), bench.ran()), (7, vec!["commented"]));
        assert_ne!(fs::read_to_string(&file).unwrap(), text);
        assert_eq!((run(level), bench.ran()), (7, vec![]));
        fs::remove_file(bench.file("level.json")).unwrap();
        fs::remove_dir_all(bench.journal()).unwrap();
        assert_eq!((run(level), bench.ran()), (7, vec!["commented_level"]));
    }

    let load = || format!("{:?}", bench.cache(|| commented(5).run()?.load()));
    let whole = fs::read(&file).unwrap();
    let expected = load();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&file, &flipped).unwrap();
        let said = load();
        assert!(said == expected || said.contains("settings.conf is damaged, its checksum"), "{at}: {said}");
    }
    // What somebody writes there is theirs.
    let edited = String::from_utf8(whole).unwrap().replace("level = 7", "level = 17");
    fs::write(&file, edited).unwrap();
    assert!(load().contains("level: 17"));
}
