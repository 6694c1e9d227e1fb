//! What a target's extension says of how values are written, and of those that cannot be.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::codec::{Codec as _, Shape};
use super::footer::Footer;
use super::tests::{load, record, save, target};
use super::{ByExtension, FileStore, Store};
use crate::model::fingerprint::fingerprint_bytes;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
}

fn readings() -> Vec<Reading> {
    vec![
        Reading { station: "EWR".to_owned(), celsius: Some(0.1) },
        Reading { station: "J\n\"K\": no ä".to_owned(), celsius: None },
        Reading { station: String::new(), celsius: Some(-1.5e300) },
    ]
}

/// The bytes of the file of this name, once the value has been saved there, and come back.
fn saved<T: Serialize + DeserializeOwned + PartialEq + 'static>(name: &str, value: &T) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), name);
    save(&FileStore::new(), &target, value).unwrap();
    assert!(Store::<T>::exists(&FileStore::new(), &target).unwrap(), "{name}");
    assert!(load::<T>(&target).unwrap() == *value, "{name}");
    fs::read(target.path()).unwrap()
}

/// What is said before anything runs.
fn refused<T: Serialize + DeserializeOwned + 'static>(name: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::<T>::exists(&FileStore::new(), &target(dir.path(), name)).unwrap_err().to_string();
    error.split_once(name).expect("the target's name").1.to_owned()
}

/// What loading says of a file of this name with these bytes, with its cause.
fn said<T: Serialize + DeserializeOwned + 'static>(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), name);
    fs::write(target.path(), bytes).unwrap();
    match load::<T>(&target) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default()),
    }
}

#[test]
fn texts_and_bytes_are_written_as_they_are() {
    let text = "# Ärger\n\nno newline at the end";
    for name in ["x.md", "x.txt", "x.svg", "x.toml", "x.yaml", "x.jsonl"] {
        assert_eq!(saved(name, &text.to_owned()), text.as_bytes(), "{name}");
        assert_eq!(saved::<Box<str>>(name, &text.into()), text.as_bytes(), "{name}");
        assert_eq!(saved::<Cow<'static, str>>(name, &Cow::Borrowed(text)), text.as_bytes(), "{name}");
    }
    for name in ["x.txt", "x.png", "x.tar.gz", "x.msgpack", "x.html"] {
        assert_eq!(saved(name, &vec![0x89_u8, 0, 0xFF]), [0x89, 0, 0xFF], "{name}");
        assert_eq!(saved::<Box<[u8]>>(name, &[7, 8].into()), [7, 8], "{name}");
    }
    // An empty text is one; elsewhere a file of no bytes counts as missing.
    assert_eq!(saved("x.txt", &String::new()), b"");
    let dir = tempfile::tempdir().unwrap();
    let error = save(&FileStore::new(), &target(dir.path(), "x.png"), &Vec::<u8>::new()).unwrap_err().to_string();
    assert!(error.contains("wrote no bytes"), "{error}");
}

#[test]
fn elsewhere_texts_and_bytes_are_what_they_were() {
    assert_eq!(saved("x.json", &"a\n".to_owned()), b"\"a\\n\"\n");
    assert_eq!(saved("x.json", &vec![1_u8]), b"[\n  1\n]\n");
    for name in ["x", "x.bin", "x.2013", "x.TXT"] {
        assert!(saved(name, &"text".to_owned()).starts_with(b"\x04\0\0\0\0\0\0\0text"), "{name}");
    }
}

#[cfg(feature = "zstd")]
#[test]
fn compressed_they_have_a_checksum() {
    for name in ["x.txt.zst", "x.png.zst"] {
        let mut bytes = saved(name, &b"some bytes".to_vec());
        assert_eq!(&bytes[..4], 0xFD2F_B528_u32.to_le_bytes(), "{name}");
        bytes[9] ^= 1;
        assert!(said::<Vec<u8>>(name, bytes).contains("is damaged"), "{name}");
    }
    saved("x.txt.zst", &String::new());
}

#[test]
fn a_text_is_utf_8() {
    let error = said::<String>("x.txt", b"caf\xE9");
    assert!(error.contains("cannot be read as text") && error.contains("utf-8"), "{error}");
    assert_eq!(said::<Vec<u8>>("x.txt", b"caf\xE9"), "nothing");
}

#[test]
fn what_an_older_pipex_wrote_as_bincode_is_told_and_not_read_as_text() {
    let payload = [&4_u64.to_le_bytes()[..], b"text"].concat();
    let mut file = payload.clone();
    let (length, checksum) = (payload.len() as u64, fingerprint_bytes(&payload));
    let shape = Shape::from_serde::<String>();
    Footer::new(record(), "alloc::string::String", Some(&shape), length, checksum, None).append_to(&mut file);
    for name in ["x.txt", "x.md", "x.jsonl", "x.toml"] {
        let error = said::<String>(name, &file);
        assert!(error.contains("was written as bincode, and is to be read as text: delete it"), "{name}: {error}");
    }
    let error = said::<Vec<u8>>("x.png", &file);
    assert!(error.contains("was written as bincode, and is to be read as bytes: delete it"), "{error}");
    let error = said::<Vec<String>>("x.jsonl", &file);
    assert!(error.contains("was written as bincode, and is to be read as jsonl: delete it"), "{error}");
    // Where it would be taken for one, it is not written.
    let dir = tempfile::tempdir().unwrap();
    let error = save(&FileStore::new(), &target(dir.path(), "x.png"), &file).unwrap_err().to_string();
    assert!(error.contains("would be taken for one"), "{error}");
}

#[cfg(feature = "zstd")]
#[test]
fn compressed_bincode_of_an_older_pipex_is_told_as_well() {
    let dir = tempfile::tempdir().unwrap();
    // As it was before `.txt` meant anything.
    let older = target(dir.path(), "x.zst");
    save(&FileStore::new(), &older, &"text".to_owned()).unwrap();
    let error = said::<String>("x.txt.zst", fs::read(older.path()).unwrap());
    assert!(error.contains("was written as bincode, and is to be read as text: delete it"), "{error}");
}

#[test]
fn what_cannot_be_written_is_refused_before_it_is_made() {
    for name in ["x.md", "x.svg.zst"] {
        let error = refused::<Vec<Reading>>(name);
        assert!(error.starts_with(" takes a text (a `String`) or bytes (a `Vec<u8>`), and `"), "{error}");
        assert!(error.contains("`#[target]`") && error.contains("codec"), "{error}");
    }
    let error = refused::<String>("x.npy");
    assert!(error.starts_with(" takes the bytes of another program's format (a `Vec<u8>`), and `"), "{error}");
    refused::<()>("x.txt");
}

#[cfg(feature = "csv")]
#[test]
fn csv_takes_a_vector_of_structs() {
    fn table<T: Serialize + DeserializeOwned + 'static>() -> bool {
        ByExtension.for_target(&target("".as_ref(), "x.csv")).map(|_: &dyn super::Codec<T>| ()).is_ok()
    }
    #[derive(Serialize, Deserialize)]
    struct Rows(Vec<Reading>);
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { x: u8 },
    }
    assert!(table::<Vec<Reading>>() && table::<Rows>() && table::<std::collections::VecDeque<Row>>());
    // Who does not say what is there may be anything.
    assert!(table::<Vec<Tagged>>() && table::<serde_json::Value>());
    assert!(!table::<HashMap<String, f64>>() && !table::<Reading>() && !table::<(Reading, Reading)>());
    assert!(!table::<Vec<f64>>() && !table::<Vec<HashMap<String, f64>>>() && !table::<Option<Vec<Reading>>>());
    assert!(!table::<String>() && !table::<u8>() && !table::<Vec<(u8, u8)>>());
    let error = refused::<HashMap<String, f64>>("x.csv");
    assert!(error.starts_with(" takes a vector of structs, and `std::collections::hash::map::HashMap<"), "{error}");
    assert!(error.ends_with("end the target in .json, or in nothing, which keeps any value"), "{error}");
}

#[derive(Serialize, Deserialize)]
struct Row(Reading);

#[test]
fn json_lines_are_a_document_each() {
    let lines = saved("x.jsonl", &readings());
    let expected = "{\"station\":\"EWR\",\"celsius\":0.1}\n{\"station\":\"J\\n\\\"K\\\": no ä\",\"celsius\":null}\n\
                    {\"station\":\"\",\"celsius\":-1.5e+300}\n";
    assert_eq!(str::from_utf8(&lines).unwrap(), expected);
    assert_eq!(saved("x.ndjson", &vec![vec![1, 2], vec![]]), b"[1,2]\n[]\n");
    assert_eq!(saved("x.jsonl", &Vec::<Reading>::new()), b"\n");
    assert_eq!(
        saved("x.jsonl", &(1, "a".to_owned(), BTreeMap::from([("b".to_owned(), [0, 1])]))),
        b"1\n\"a\"\n{\"b\":[0,1]}\n"
    );

    // Other programs leave out the last newline, or have empty lines: the one may be a cut, the others say nothing.
    assert_eq!(said::<Vec<u8>>("x.json", "[1]"), "nothing");
    assert_eq!(said::<Vec<i32>>("x.jsonl", "1\n\n 2 \n"), "nothing");
    for (text, problem) in [
        ("1\n2", "it does not end in a newline"),
        ("1\n2,3\n", "line 2: trailing characters"),
        ("1\n[2\n]\n", "line 2: invalid type"),
        ("1\n\0\0\n", "line 2: expected value"),
    ] {
        let error = said::<Vec<i32>>("x.jsonl", text);
        assert!(error.contains(problem), "{error}");
    }
    let error = said::<(i32, i32)>("x.jsonl", "1\n2\n3\n");
    assert!(error.contains("line 3: there are more lines than are asked for"), "{error}");

    let error = refused::<BTreeMap<String, i32>>("x.jsonl");
    assert!(error.starts_with(" takes a vector, a line for each element, and `"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let lines = target(dir.path(), "x.jsonl");
    for value in [serde_json::json!({ "a": [1, 2] }), serde_json::json!(1)] {
        let error = save(&FileStore::new(), &lines, &value).unwrap_err();
        assert!(error.source().unwrap().to_string().contains("only a sequence"), "{error:?}");
    }
    let error = save(&FileStore::new(), &lines, &vec![f64::NAN]).unwrap_err().to_string();
    assert!(error.contains("would not come back from jsonl"), "{error}");
}

#[test]
fn no_cut_gives_a_line_that_was_not_there() {
    let whole = saved("x.jsonl", &readings());
    let mut ends = 0;
    for cut in 0..whole.len() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), "x.jsonl");
        fs::write(target.path(), &whole[..cut]).unwrap();
        if let Ok(loaded) = load::<Vec<Reading>>(&target)
            && cut > 0
        {
            assert_eq!(loaded, readings()[..loaded.len()], "cut at {cut}");
            ends += 1;
        }
    }
    assert_eq!(ends, 2, "behind a line a file with fewer lines is as whole as any");
}

#[cfg(any(feature = "toml", feature = "yaml", feature = "msgpack"))]
mod with_features {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Sky {
        Clear,
        Cloudy(u8),
        Rain { millimetres: f32 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Report {
        title: String,
        share: f64,
        skies: Vec<Sky>,
        by_hour: BTreeMap<String, i64>,
        note: Option<String>,
        readings: Vec<Reading>,
    }

    fn report() -> Report {
        Report {
            title: "no".to_owned(),
            share: 1.0,
            skies: vec![Sky::Clear, Sky::Cloudy(3), Sky::Rain { millimetres: 0.1 }],
            by_hour: BTreeMap::from([("07".to_owned(), -2), ("on".to_owned(), 1 << 40)]),
            note: None,
            readings: readings(),
        }
    }

    /// No cut of it gives another value.
    fn cut<T: Serialize + DeserializeOwned + PartialEq + 'static>(
        name: &str,
        value: &T,
        is_told: impl Fn(&[u8]) -> bool,
    ) {
        let whole = saved(name, value);
        for cut in (1..whole.len()).filter(|cut| is_told(&whole[..*cut])) {
            assert_ne!(said::<T>(name, &whole[..cut]), "nothing", "{name} cut at {cut}");
        }
    }

    #[cfg(feature = "toml")]
    #[test]
    fn toml_is_a_table() {
        let text = String::from_utf8(saved("x.toml", &report())).unwrap();
        assert!(text.starts_with("title = \"no\"\nshare = 1.0\nskies = ["), "{text}");
        assert_eq!(saved("x.toml", &BTreeMap::<String, u8>::new()), b"\n");
        cut("x.toml", &report(), |text| text.last() != Some(&b'\n'));
        let error = refused::<Vec<Reading>>("x.toml");
        assert!(error.starts_with(" takes a struct or a map, and `alloc::vec::Vec<"), "{error}");
        refused::<f64>("x.toml");
        let dir = tempfile::tempdir().unwrap();
        let holes = BTreeMap::from([("x".to_owned(), [Some(1), None])]);
        save(&FileStore::new(), &target(dir.path(), "x.toml"), &holes).unwrap_err();
    }

    #[cfg(feature = "yaml")]
    #[test]
    fn yaml_is_a_document() {
        let text = String::from_utf8(saved("x.yaml", &report())).unwrap();
        // What other readers take for something else is quoted.
        assert!(text.starts_with("title: \"no\"\nshare: 1.0\nskies:\n"), "{text}");
        cut("x.yaml", &report(), |text| text.last() != Some(&b'\n'));
        saved("x.yml", &readings());
        saved("x.yaml", &Some(7));
        let texts = [
            "",
            " ",
            "~",
            "null",
            "1e3",
            "0x1F",
            "1:30",
            "a: b",
            "# a",
            "- a",
            "\u{1}\u{feff}",
            "\t\n\r\n",
            "'\"",
            "a\n\n",
            "---\n",
        ];
        saved("x.yaml", &texts.map(str::to_owned).to_vec());
        // More than the parser would take unasked.
        saved("x.yaml", &(0..300_000).collect::<Vec<u32>>());
        // A few bytes that stand for many.
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                    c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                    e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
                    g: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n";
        assert!(said::<serde_json::Value>("x.yaml", bomb).contains("cannot be read as yaml"));
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn message_pack_has_the_names_of_fields() {
        let bytes = saved("x.msgpack", &report());
        assert!(bytes.windows(6).any(|window| window == b"\xA5title"), "{bytes:?}");
        cut("x.mpk", &report(), |_| true);
        let mut more = bytes;
        more.push(0);
        assert!(said::<Report>("x.msgpack", more).contains("1 more bytes stand behind its end"));
        // A length that nothing accounts for.
        assert!(said::<Vec<String>>("x.msgpack", [0xDD, 0xFF, 0xFF, 0xFF, 0xFF]).contains("cannot be read as msgpack"));
        assert!(said::<String>("x.msgpack", [0xDB, 0xFF, 0xFF, 0xFF, 0xFF]).contains("cannot be read as msgpack"));
    }

    #[test]
    fn what_contains_itself_nests_as_deep_as_can_be_read() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Nested {
            inner: Option<Box<Nested>>,
        }
        let nest = |depth| (0..depth).fold(Nested { inner: None }, |inner, _| Nested { inner: Some(Box::new(inner)) });
        let names = [
            #[cfg(feature = "toml")]
            ("x.toml", format!("{}\n", "inner = { ".repeat(100_000))),
            #[cfg(feature = "toml")]
            ("x.toml", format!("[{}inner]\n", "inner.".repeat(100_000))),
            #[cfg(feature = "yaml")]
            ("x.yaml", format!("{}\n", "{inner: ".repeat(100_000))),
            #[cfg(feature = "yaml")]
            ("x.yaml", format!("{}\n", "- ".repeat(100_000))),
            #[cfg(feature = "yaml")]
            ("x.yaml", (0..2_000).map(|depth| format!("{}inner:\n", " ".repeat(depth))).collect()),
            #[cfg(feature = "msgpack")]
            ("x.mpk", "\u{81}\u{a5}inner".repeat(100_000)),
        ];
        for (name, deep) in names {
            saved(name, &nest(30));
            let deep: Vec<u8> = deep.chars().map(|byte| byte as u8).collect();
            assert!(said::<Nested>(name, deep).contains("cannot be read as"), "{name}");
            let thread = std::thread::Builder::new().stack_size(256 << 20);
            let save_deep = thread.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                save(&FileStore::new(), &target(dir.path(), name), &nest(1_000)).unwrap_err().to_string()
            });
            assert!(save_deep.unwrap().join().unwrap().contains(name));
        }
    }
}
