//! Outputs in a table of a database.

mod connections;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::connections::KeptOpen;
pub(super) use self::connections::close_databases;
use super::codec::Shape;
use super::error::StoreError;
use super::footer::Footer;
use super::format::{AnyIo, ByExtension, Format, Io};
use super::{Claim, Entry, Listing, Made, Stamp, Store, StoreResult};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::or_zero::{fingerprint_parts, from_digits, to_digits};
use crate::model::target::Location;
use crate::root::Root;

/// A store that keeps outputs in the table `outputs` of an SQLite database: one file for a million small outputs.
///
/// The database's path, if it is relative, is one from the root of the project. A target is a key, so its template needs no `path`. The codec follows the target's extension, as in
/// [`FileStore`](struct@crate::store::FileStore); what is text (`.json`, `.csv`) stands in the table as text. Its promises are the same:
/// an output is there whole or not at all, it is checked when it is loaded, and any number of processes may share the
/// database, on a local disk (SQLite's write-ahead log does not work over networks).
///
/// While a flow runs, the newest rows lie in a file beside the database (`-wal`). At its end they are in the database's own file, which
/// then can be copied alone.
///
/// ```
/// use pipex::{Config, Mode, SqliteStore, task};
///
/// #[task(target = "squares/{x}.json", store = SqliteStore::new("out/outputs.sqlite"))]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
/// # std::env::set_current_dir(tempfile::tempdir()?.keep())?;
/// Config::new().mode(Mode::Cache).scope(|| square(7).run())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```console
/// $ sqlite3 out/outputs.sqlite 'SELECT target, value, task, saved FROM outputs'
/// squares/7.json|49|example::square|2026-11-23T12:00:00Z
/// $ sqlite3 out/outputs.sqlite "DELETE FROM outputs WHERE target GLOB 'squares/*'"
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore {
    database: PathBuf,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS outputs (
    target TEXT PRIMARY KEY NOT NULL,
    value NOT NULL,
    codec TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    task TEXT NOT NULL,
    code TEXT NOT NULL,
    arguments TEXT NOT NULL,
    inputs TEXT NOT NULL,
    type TEXT NOT NULL,
    shape TEXT NOT NULL,
    pipex TEXT NOT NULL,
    saved TEXT NOT NULL
)";

impl SqliteStore {
    /// What the addresses of its listings begin with; the path of the database follows.
    pub const SCHEME: &str = "sqlite:";

    /// The store in the database of this path. It is opened when it is first needed, and made when something is saved.
    pub fn new(database: impl Into<PathBuf>) -> Self {
        SqliteStore { database: database.into() }
    }

    /// Has all databases that are opened from now on stay open while what is returned lives.
    ///
    /// Flow runs do so themselves. Outside of them, a database is opened for each call and closed behind it, so that all is in
    /// the database's file when the program ends, whatever ends it; for many calls this saves much of the time.
    ///
    /// ```
    /// use pipex::SqliteStore;
    ///
    /// let _open = SqliteStore::keep_open();
    /// // many calls, outside a flow
    /// ```
    pub fn keep_open() -> KeptOpen {
        KeptOpen::hold()
    }

    /// Does something with the database; `None` if there is none.
    fn with<R>(&self, action: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> Result<Option<R>, StoreError> {
        let Some(open) = connections::open(&self.path()?, TABLE)? else { return Ok(None) };
        let connection = open.connection.lock().unwrap_or_else(PoisonError::into_inner);
        action(&connection).map(Some).map_err(|source| self.refused(source))
    }

    /// The database's path as seen from here, if it is one that keeps anything.
    fn path(&self) -> Result<Cow<'_, Path>, StoreError> {
        let path = &*self.database;
        if path.as_os_str().is_empty() || path == Path::new(":memory:") {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        Ok(self.place())
    }

    /// The same, whatever it is. Relative, it is named from the root of the project.
    fn place(&self) -> Cow<'_, Path> {
        match self.database.to_str().map(|path| Root::of_program().to_here(path)) {
            Some(Cow::Owned(path)) => Cow::Owned(path.into()),
            _ => Cow::Borrowed(&self.database),
        }
    }

    /// Makes the database, if there is none.
    fn create(&self) -> Result<(), StoreError> {
        let path = &*self.path()?;
        let failed = |error| StoreError::io("make", path, error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
        Ok(())
    }

    fn refused(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database { path: self.database.clone(), source }
    }

    /// The target's payload, whole, and what is recorded beside it: the codec by its name, whatever the target's extension.
    fn row(&self, target: &Location) -> Result<(Vec<u8>, Footer), StoreError> {
        let name = self.name(target);
        let found = self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT value, bytes, checksum, task, code, arguments, inputs, type, shape, pipex, codec
                 FROM outputs WHERE target = ?1",
            )?;
            query.query_row([target.as_str()], row).optional()
        })?;
        let (payload, footer) = found.flatten().ok_or_else(|| StoreError::Missing { target: name.clone() })?;
        footer.check_payload(&payload, &name)?;
        Ok((payload, footer))
    }

    /// Has the codec read what is there.
    fn load_row(&self, io: &mut dyn AnyIo, target: &Location) -> StoreResult<()> {
        let (name, mut format) = (self.name(target), Format::new(io, target));
        let (payload, footer) = self.row(target)?;
        let wanted = format.name();
        if let Some(found) = footer.codec.clone().filter(|found| *found != wanted) {
            return Err(StoreError::OtherCodec { target: name, found, wanted }.into());
        }
        footer.check_type(format.io.type_name(), format.io.shape(), &name)?;
        format.decode(&payload, footer.expanded, &name)
    }

    /// Has the codec write the value, and puts it there.
    fn save_row(&self, io: &mut dyn AnyIo, claim: Claim) -> StoreResult<u64> {
        let target = claim.target();
        let format = Format::new(io, target);
        let mut payload = Vec::new();
        let expanded = format.encode(None, &mut payload, &self.name(target))?;
        let checksum = fingerprint_bytes(&payload);
        let (of, shape) = (format.io.type_name(), format.io.shape());
        let footer = Footer::new(claim.record(), of, shape, payload.len() as u64, checksum, expanded);
        claim.ensure_held()?;
        self.create()?;
        self.with(|connection| {
            let mut insert = connection.prepare_cached(
                "INSERT OR REPLACE INTO outputs (target, value, codec, bytes, checksum, task, code, arguments, inputs, type,
                 shape, pipex, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?;
            insert.execute(params![
                target.as_str(),
                Payload { bytes: &payload, is_text: !format.has_footer() },
                format.name(),
                footer.length as i64,
                checksum.to_string(),
                footer.task,
                to_digits(footer.code),
                to_digits(footer.arguments),
                to_digits(footer.inputs),
                footer.type_name,
                footer.shape,
                footer.pipex,
                jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ])
        })?;
        claim.has_content(checksum);
        claim.has_record();
        claim.has_stamp(stamp(footer.checksum, footer.code, footer.arguments));
        drop(claim);
        // Only the last one finds it empty.
        let _ = fs::remove_dir(self.claims());
        Ok(payload.len() as u64)
    }

    /// The target, for errors.
    fn name(&self, target: &Location) -> String {
        format!("{target} in {}", self.database.display())
    }

    /// Where lock files stand while values are made.
    fn claims(&self) -> PathBuf {
        let mut claims = self.place().into_owned().into_os_string();
        claims.push("-claims");
        claims.into()
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Store<T> for SqliteStore {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(Store::<T>::stamp(self, target)?.is_some())
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        Io::<T>::for_target(&ByExtension, target)?;
        Listing::stamp(self, target)
    }

    fn format(&self) -> Option<Fingerprint> {
        Some(Shape::from_serde::<T>().fingerprint())
    }

    fn listing(&self) -> &dyn Listing {
        self
    }

    fn load(&self, target: &Location) -> StoreResult<T> {
        let mut io = Io::for_target(&ByExtension, target)?;
        let read = self.load_row(&mut io, target);
        io.into_value(read)
    }

    fn save(&self, claim: Claim, value: &T) -> StoreResult<u64> {
        let mut io = Io::for_target(&ByExtension, claim.target())?.of(value);
        self.save_row(&mut io, claim)
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        Listing::remove(self, target)
    }

    fn claim_path(&self, target: &Location) -> PathBuf {
        self.claims().join(fingerprint_bytes(target.as_str().as_bytes()).to_string())
    }
}

impl Listing for SqliteStore {
    fn address(&self) -> Cow<'_, str> {
        format!("{}{}", Self::SCHEME, self.database.display()).into()
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        let found = self.with(|connection| {
            let mut query =
                connection.prepare_cached("SELECT checksum, code, arguments FROM outputs WHERE target = ?1")?;
            let row = |row: &Row<'_>| Ok(stamp(print(row, 0)?, print(row, 1)?, print(row, 2)?));
            query.query_row([target.as_str()], row).optional()
        })?;
        Ok(found.flatten())
    }

    fn entry(&self, target: &Location) -> StoreResult<Option<Entry>> {
        let found = self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT bytes, checksum, code, arguments, inputs, task, type, shape, saved FROM outputs WHERE target = ?1",
            )?;
            let row = |row: &Row<'_>| {
                let (checksum, code, arguments) = (print(row, 1)?, print(row, 2)?, print(row, 3)?);
                let saved: String = row.get(8)?;
                let saved = saved.parse().map_or(0, |saved: jiff::Timestamp| saved.as_second());
                let saved = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(saved).unwrap_or(0));
                let bytes = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
                let mut entry = Entry::new(stamp(checksum, code, arguments), bytes, saved);
                entry.content = checksum;
                let (inputs, task) = (print(row, 4)?, row.get(5)?);
                entry.made = Some(Made { task, code, arguments, inputs, type_name: row.get(6)?, shape: row.get(7)? });
                Ok(entry)
            };
            query.query_row([target.as_str()], row).optional()
        })?;
        Ok(found.flatten())
    }

    fn payload(&self, target: &Location) -> StoreResult<Vec<u8>> {
        Ok(self.row(target)?.0)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(Location)) -> StoreResult<()> {
        self.with(|connection| {
            let mut query =
                connection.prepare_cached("SELECT target FROM outputs WHERE substr(target, 1, length(?1)) = ?1")?;
            let mut rows = query.query([prefix])?;
            while let Some(row) = rows.next()? {
                each(Location::new(row.get::<_, String>(0)?));
            }
            Ok(())
        })?;
        Ok(())
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        let removed =
            self.with(|connection| connection.execute("DELETE FROM outputs WHERE target = ?1", [target.as_str()]))?;
        if removed.unwrap_or(0) == 0 {
            return Err(StoreError::Missing { target: self.name(target) }.into());
        }
        Ok(())
    }
}

/// What is saved once more, and made by the same from the same, is the same.
fn stamp(checksum: Option<Fingerprint>, code: Option<Fingerprint>, arguments: Option<Fingerprint>) -> Stamp {
    Stamp::new(fingerprint_parts([checksum, code, arguments]).half())
}

/// What is no fingerprint matches none.
fn print(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Fingerprint>> {
    Ok(from_digits(&row.get::<_, String>(column)?).ok().flatten())
}

/// A value as it stands in the table: text where people can read it.
struct Payload<'p> {
    bytes: &'p [u8],
    is_text: bool,
}

impl ToSql for Payload<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match std::str::from_utf8(self.bytes) {
            Ok(text) if self.is_text => text.into(),
            _ => self.bytes.into(),
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<(Vec<u8>, Footer)> {
    let payload = row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
    let footer = Footer {
        length: u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
        checksum: print(row, 2)?,
        task: row.get(3)?,
        code: print(row, 4)?,
        arguments: print(row, 5)?,
        inputs: print(row, 6)?,
        type_name: row.get(7)?,
        shape: row.get(8)?,
        pipex: row.get(9)?,
        expanded: None,
        codec: row.get(10)?,
    };
    Ok((payload, footer))
}
