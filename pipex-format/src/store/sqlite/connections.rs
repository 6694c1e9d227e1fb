//! Connections to databases: open while somebody has them kept so, and closed when nobody does.
//!
//! SQLite writes to a file beside the database first (`-wal`). What is in it gets into the database when the last connection is
//! closed, and only then is the database alone all there is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::error::StoreError;

/// Has databases stay open while it lives: see [`SqliteStore::keep_open`](super::SqliteStore::keep_open).
#[derive(Debug)]
#[must_use = "databases are kept open while this lives"]
pub struct KeptOpen(());

/// The databases that this process has open, if they are kept so.
static DATABASES: Mutex<Databases> = Mutex::new(Databases { keepers: 0, open: BTreeMap::new() });

struct Databases {
    keepers: usize,
    open: BTreeMap<PathBuf, Arc<Database>>,
}

/// A database that is open.
pub(super) struct Database {
    /// The file that was opened: if it is deleted and made anew, it is another one.
    identity: (u64, u64),
    pub(super) connection: Mutex<Connection>,
}

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(60);

fn databases() -> MutexGuard<'static, Databases> {
    DATABASES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KeptOpen {
    /// From now on, what is opened stays open.
    #[doc(hidden)]
    pub fn hold() -> Self {
        databases().keepers += 1;
        KeptOpen(())
    }
}

impl Drop for KeptOpen {
    fn drop(&mut self) {
        let mut databases = databases();
        databases.keepers -= 1;
        if databases.keepers == 0 {
            let closed = std::mem::take(&mut databases.open);
            // Closing takes its time.
            drop(databases);
            drop(closed);
        }
    }
}

/// Closes the databases that are not in use: the process is about to end.
pub(in crate::store) fn close_databases() {
    let closed = std::mem::take(&mut databases().open);
    drop(closed);
}

impl Drop for Database {
    fn drop(&mut self) {
        // Where another process has it open, too, closing alone would leave all where it is. What fails stays in the `-wal`.
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}

/// The database at this path; `None` if there is none.
pub(super) fn open(path: &Path, table: &str) -> Result<Option<Arc<Database>>, StoreError> {
    let identity = match fs::metadata(path) {
        Ok(metadata) => (metadata.dev(), metadata.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, error)),
    };
    let connect = || {
        let connection = connect(path, table);
        let connection = connection.map_err(|source| StoreError::Database { path: path.to_owned(), source })?;
        Ok(Arc::new(Database { identity, connection: Mutex::new(connection) }))
    };
    let mut databases = databases();
    if databases.keepers == 0 {
        drop(databases);
        return connect().map(Some);
    }
    if let Some(open) = databases.open.get(path).filter(|open| open.identity == identity) {
        return Ok(Some(Arc::clone(open)));
    }
    // Closed first: it removes the `-wal` by its name, and that is the new one's then.
    drop(databases.open.remove(path));
    let open = connect()?;
    databases.open.insert(path.to_owned(), Arc::clone(&open));
    Ok(Some(open))
}

fn connect(path: &Path, table: &str) -> rusqlite::Result<Connection> {
    // A path is a path: SQLite takes `file:..` for a URI, and `:memory:` for no file at all.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let connection = Connection::open_with_flags(path, OpenFlags::default() - OpenFlags::SQLITE_OPEN_URI)?;
    connection.busy_timeout(PATIENCE)?;
    // Processes that make a database at the same time are in each other's way, which SQLite tells at once.
    for _ in 0..PATIENCE.as_millis() / 10 {
        let set_up = connection
            .pragma_update(None, "journal_mode", "wal")
            .and_then(|()| connection.pragma_update(None, "synchronous", "normal"))
            .and_then(|()| connection.execute_batch(table));
        match set_up {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            set_up => return set_up.map(|()| connection),
        }
    }
    connection.execute_batch(table).map(|()| connection)
}
