//! A bucket and the client that speaks with its server.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, mpsc};

use futures_util::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::limit::LimitStore;
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::lists::Lists;
use super::seen::Seen;
use crate::say::say;
use crate::store::error::StoreError;

/// Requests that are under way at a time.
const REQUESTS: usize = 64;

/// How often a request is tried again while the server has never been reached: its address may be wrong.
const RETRIES_AT_FIRST: usize = 5;

/// What the bucket's server sees to when an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conditions {
    /// That nothing is there.
    pub(super) create: bool,
    /// That what is there is what was.
    pub(super) update: bool,
}

pub(super) struct Bucket {
    /// `s3://bucket`
    pub(super) name: String,
    store: Arc<dyn ObjectStore>,
    /// The same with fewer retries.
    at_first: Arc<dyn ObjectStore>,
    /// The same for uploads in parts, if it has them.
    parts: Option<Arc<dyn MultipartStore>>,
    pub(super) parts_at_once: Semaphore,
    is_reached: AtomicBool,
    pub(super) lists: Mutex<Lists>,
    pub(super) conditions: OnceLock<Conditions>,
}

/// What the client does.
pub(super) type Begun<T> = mpsc::Receiver<object_store::Result<T>>;

static BUCKETS: LazyLock<Mutex<HashMap<String, Arc<Bucket>>>> = LazyLock::new(Mutex::default);

impl Bucket {
    /// The bucket of this URL, and what stands behind its name.
    pub(super) fn find<'u>(url: &'u str, scheme: &str) -> Result<(Arc<Self>, &'u str), StoreError> {
        let authority = scheme.len() + "://".len();
        let end = url[authority..].find('/').map_or(url.len(), |end| authority + end);
        let (name, rest) = (&url[..end], url[end..].trim_start_matches('/'));
        let mut buckets = BUCKETS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = buckets.get(name) {
            return Ok((Arc::clone(known), rest));
        }
        let bucket = Arc::new(Self::open(name, scheme)?);
        buckets.insert(name.to_owned(), Arc::clone(&bucket));
        Ok((bucket, rest))
    }

    fn open(name: &str, scheme: &str) -> Result<Self, StoreError> {
        let no_object = |problem: String| StoreError::NoObject { target: name.to_owned(), problem };
        if name.ends_with("://") && scheme != "memory" {
            return Err(no_object(format!("it names no bucket: write {scheme}://BUCKET/PATH")));
        }
        let retry_at_first = RetryConfig { max_retries: RETRIES_AT_FIRST, ..RetryConfig::default() };
        let opened = |retry| open(name, scheme, retry).map_err(|error| no_object(join_sources(&error)));
        let Client { objects: store, parts } = opened(RetryConfig::default())?.ok_or_else(|| {
            no_object(format!(
                "nothing is known of `{scheme}://`: use s3, gs, az, http, https (WebDAV) or memory, or a path of this file system"
            ))
        })?;
        let at_first = match scheme {
            "memory" => Arc::clone(&store),
            _ => opened(retry_at_first)?.map_or_else(|| Arc::clone(&store), |client| client.objects),
        };
        Ok(Bucket {
            name: name.to_owned(),
            store,
            at_first,
            parts,
            parts_at_once: Semaphore::new(REQUESTS),
            is_reached: AtomicBool::new(false),
            lists: Mutex::default(),
            conditions: OnceLock::new(),
        })
    }

    /// The client.
    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(if self.is_reached.load(Ordering::Relaxed) { &self.store } else { &self.at_first })
    }

    /// The client for uploads in parts; `None` if there is no such thing.
    pub(super) fn parts(&self) -> Option<Arc<dyn MultipartStore>> {
        self.parts.clone()
    }

    /// Waits for what the client does.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<object_store::Result<T>, StoreError> {
        self.end(self.begin(work)?)
    }

    /// Has the client begin.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<Begun<T>, StoreError> {
        let (sender, begun) = mpsc::channel();
        runtime()?.spawn(async move { _ = sender.send(work.await) });
        Ok(begun)
    }

    /// Waits for what the client has begun.
    pub(super) fn end<T>(&self, begun: Begun<T>) -> Result<object_store::Result<T>, StoreError> {
        let ended = begun.recv().map_err(|_| {
            let source = io::Error::other("a request to its server ended before its time");
            StoreError::Io { action: "reach", path: (&*self.name).into(), source }
        })?;
        if !ended.as_ref().is_err_and(is_unreachable) {
            self.is_reached.store(true, Ordering::Relaxed);
        }
        Ok(ended)
    }

    /// What its server sees to, as far as that is known.
    pub(super) fn conditions(&self) -> Conditions {
        *self.conditions.get().unwrap_or(&Conditions { create: true, update: true })
    }

    /// From now on this is known; it is said what the server does not see to.
    pub(super) fn has_conditions(&self, conditions: Conditions) {
        if self.conditions.set(conditions).is_err() {
            return;
        }
        let lacks = match conditions {
            Conditions { create: true, update: true } => return,
            Conditions { create: false, update: true } => "`If-None-Match: *`",
            Conditions { create: true, update: false } => "`If-Match`",
            Conditions { create: false, update: false } => "`If-None-Match: *` and `If-Match`",
        };
        say(&format!(
            "the server of {} does not honour {lacks} when an object is written: programs on several machines that reach for the same \
             target at once may each make it, and the last one stays",
            self.name
        ));
    }

    /// All objects below a directory.
    pub(super) fn list(&self, directory: &str) -> Result<Vec<(String, Seen)>, StoreError> {
        let (store, prefix) = (self.store(), take_as_it_is(directory));
        let listed = self.wait(async move {
            let each = |meta: object_store::ObjectMeta| (meta.location.as_ref().to_owned(), Seen::from_meta(&meta));
            store.list(Some(&prefix)).map_ok(each).try_collect::<Vec<_>>().await
        })?;
        match listed {
            // In WebDAV a directory is something.
            Err(object_store::Error::NotFound { .. }) if self.name.starts_with("http") => Ok(Vec::new()),
            listed => listed.map_err(|error| self.refused("list", &format!("{}/{directory}", self.name), error)),
        }
    }

    /// The error that the server refused, or is not to be reached.
    pub(super) fn refused(&self, action: &'static str, target: &str, error: object_store::Error) -> StoreError {
        let target = target.to_owned();
        let scheme = self.name.split(':').next().unwrap_or_default();
        let variables = match scheme {
            "s3" | "s3a" => "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT",
            "gs" => "GOOGLE_SERVICE_ACCOUNT",
            "http" | "https" | "memory" => "its address",
            _ => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
        };
        let said = join_sources(&error);
        let advice = match &error {
            object_store::Error::NotFound { .. } if action == "read" && !said.contains("NoSuchBucket") => {
                return StoreError::Missing { target };
            }
            object_store::Error::Precondition { .. } if action == "read" => {
                "it was written anew in the meantime: read it again".to_owned()
            }
            object_store::Error::NotFound { .. } => {
                format!("{} is not there: make it first, or correct the path", self.name)
            }
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                format!("the server does not allow it: see to what {variables} say, or have it allow this")
            }
            _ if is_unreachable(&error) => {
                format!("its server is not to be reached: see to it that it runs, and to what {variables} say")
            }
            _ => "the server refused".to_owned(),
        };
        StoreError::Refused { action, target, advice, source: error.into() }
    }
}

/// The path of what has this name, in which nothing is escaped: it was made of what was a path.
pub(super) fn take_as_it_is(name: &str) -> Path {
    Path::parse(name).unwrap_or_else(|_| Path::from(name))
}

/// What speaks with a bucket's server.
struct Client {
    objects: Arc<dyn ObjectStore>,
    parts: Option<Arc<dyn MultipartStore>>,
}

impl Client {
    fn with_parts(store: impl ObjectStore + MultipartStore) -> Self {
        let store = Arc::new(store);
        let objects: Arc<dyn ObjectStore> = Arc::clone(&store) as _;
        Client { objects: Arc::new(LimitStore::new(objects, REQUESTS)), parts: Some(store) }
    }
}

/// The client for the bucket of this name; `None` if the scheme is none that is known.
fn open(name: &str, scheme: &str, retry: RetryConfig) -> object_store::Result<Option<Client>> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(Some(match scheme {
        "memory" => Client::with_parts(InMemory::new()),
        "s3" | "s3a" => {
            // One at a time is removed, and not every server can do more.
            let s3 = AmazonS3Builder::from_env().with_url(name).with_disable_bulk_delete(true);
            Client::with_parts(s3.with_retry(retry).build()?)
        }
        "gs" => Client::with_parts(GoogleCloudStorageBuilder::from_env().with_url(name).with_retry(retry).build()?),
        "az" | "azure" | "adl" | "abfs" | "abfss" => {
            Client::with_parts(MicrosoftAzureBuilder::from_env().with_url(name).with_retry(retry).build()?)
        }
        "http" | "https" => {
            let options = ClientOptions::new().with_allow_http(scheme == "http");
            let dav = HttpBuilder::new().with_url(name).with_client_options(options).with_retry(retry).build()?;
            Client { objects: Arc::new(LimitStore::new(dav, REQUESTS)), parts: None }
        }
        _ => return Ok(None),
    }))
}

/// Threads of their own: who waits may be a thread of another runtime.
pub(super) fn runtime() -> Result<&'static Runtime, StoreError> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("pipex-objects").enable_all().build()
    });
    runtime.as_ref().map_err(|error| {
        let source = io::Error::new(error.kind(), error.to_string());
        StoreError::Io { action: "start the threads for requests to", path: "servers".into(), source }
    })
}

/// What went wrong on the way to the server, or back; `None` if the server has answered.
fn find_http_error(error: &object_store::Error) -> Option<HttpErrorKind> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// Whether no server was there to answer.
fn is_unreachable(error: &object_store::Error) -> bool {
    find_http_error(error) == Some(HttpErrorKind::Connect)
}

/// Whether it is not known if the request was done.
pub(super) fn is_unanswered(error: &object_store::Error) -> bool {
    find_http_error(error).is_some_and(|kind| kind != HttpErrorKind::Connect)
}

/// The error with all that caused it.
pub(super) fn join_sources(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = error.source();
    }
    said
}
