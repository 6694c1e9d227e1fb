//! Connections to databases: open while somebody has them kept so, and closed when nobody does.
//!
//! SQLite writes to a file beside the database first (`-wal`). What is in it gets into the database when the last connection is
//! closed, and only then is the database alone all there is.

use std::collections::BTreeMap;
use std::fs::{self, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::error::StoreError;
use super::super::regular;

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
    /// Dropped when the connection is closed.
    _closed: Closed,
}

/// The path of a database of which a connection was closed.
struct Closed(PathBuf);

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often to ask whether it is our turn to close a database once more, a millisecond apart.
const TURNS: u32 = 100;

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

/// Of two that close at the same time each may take the other for one that has it open still, and leave the `-wal` to it. So whoever
/// still finds it closes the database once more, and no two do so at once: whose turn is last has nobody beside it.
impl Drop for Closed {
    fn drop(&mut self) {
        let mut wal = self.0.as_os_str().to_owned();
        wal.push("-wal");
        for _ in 0..TURNS {
            // SQLite itself locks the other two files.
            let Ok(wal) = regular::read(wal.as_ref()) else { return };
            match wal.try_lock() {
                Ok(()) => return close_once_more(&self.0),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                Err(TryLockError::Error(_)) => return,
            }
        }
    }
}

/// Opens and closes the database. It is not made, if it has gone; and where another has it open, or it cannot be, all is as it was.
fn close_once_more(path: &Path) {
    let flags = OpenFlags::default() - OpenFlags::SQLITE_OPEN_URI - OpenFlags::SQLITE_OPEN_CREATE;
    let Ok(connection) = Connection::open_with_flags(as_path(path), flags) else { return };
    // Only who has read has anything to close.
    let _ = connection.query_row("PRAGMA schema_version", [], |_| Ok(()));
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
        Ok(Arc::new(Database { identity, connection: Mutex::new(connection), _closed: Closed(path.to_owned()) }))
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

/// A path is a path: SQLite takes `file:..` for a URI, and `:memory:` for no file at all.
fn as_path(path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) }
}

fn connect(path: &Path, table: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(as_path(path), OpenFlags::default() - OpenFlags::SQLITE_OPEN_URI)?;
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
