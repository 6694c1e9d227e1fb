//! What a task run needs of what there is only so much of.

use std::fmt;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// What a task run needs while it runs, or what there is for all that run at a time: memory, threads, GPUs.
///
/// `#[task(memory = "4GB", threads = 4, gpu = 1)]` says it of a task, `PIPEX_RESOURCES` and `Local`
/// of a machine.
///
/// ```
/// use pipex::Resources;
///
/// let needs = Resources::new().memory(4_000_000_000).gpus(1);
/// assert_eq!(needs.to_string(), "4.0 GB of memory, 1 GPU");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Resources {
    /// Bytes of memory.
    pub memory: u64,
    /// Threads: 0 as well as 1 is one worker.
    pub threads: u64,
    /// GPUs.
    pub gpus: u64,
}

impl Resources {
    /// Nothing: no memory and no GPU that would be counted, and one thread.
    #[must_use]
    pub const fn new() -> Self {
        Resources { memory: 0, threads: 0, gpus: 0 }
    }

    /// The same with so many bytes of memory.
    #[must_use]
    pub const fn memory(self, bytes: u64) -> Self {
        Resources { memory: bytes, ..self }
    }

    /// The same with so many threads.
    #[must_use]
    pub const fn threads(self, threads: u64) -> Self {
        Resources { threads, ..self }
    }

    /// The same with so many GPUs.
    #[must_use]
    pub const fn gpus(self, gpus: u64) -> Self {
        Resources { gpus, ..self }
    }

    /// Whether this is no more than one thread.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.memory == 0 && self.threads <= 1 && self.gpus == 0
    }

    /// Why this never fits into what there is, if it does not. Threads are no reason: who needs more gets all there are.
    #[must_use]
    pub fn never_fits(&self, capacity: &Resources) -> Option<String> {
        let size = |bytes| ByteSize(bytes).display().si();
        if self.memory > capacity.memory {
            let (needs, there) = (size(self.memory), size(capacity.memory));
            return Some(format!(
                "it needs {needs} of memory, and there are {there} for all that runs here: set PIPEX_RESOURCES=memory=.. if \
                 that is wrong, or have it need less"
            ));
        }
        (self.gpus > capacity.gpus).then(|| {
            format!(
                "it needs {}, and there {} here: set PIPEX_RESOURCES=gpu=.. if that is wrong",
                counted(self.gpus, "GPU"),
                if capacity.gpus == 1 { "is 1".to_owned() } else { format!("are {}", capacity.gpus) }
            )
        })
    }

    /// How it is written in `PIPEX_RESOURCES`, to the byte.
    #[must_use]
    pub fn setting(&self) -> String {
        let all = [("memory", self.memory), ("threads", self.threads), ("gpu", self.gpus)];
        let all = all.into_iter().filter(|(_, amount)| *amount > 0).map(|(name, amount)| format!("{name}={amount}"));
        all.collect::<Vec<_>>().join(",")
    }
}

fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// For people: `4.0 GB of memory, 1 GPU`.
impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = match self.memory {
            0 => None,
            u64::MAX => Some("memory without a limit".to_owned()),
            bytes => Some(format!("{} of memory", ByteSize(bytes).display().si())),
        };
        let gpus = (self.gpus > 0).then(|| counted(self.gpus, "GPU"));
        let threads = (self.threads > 0).then(|| counted(self.threads, "thread"));
        let all: Vec<_> = memory.into_iter().chain(gpus).chain(threads).collect();
        f.write_str(if all.is_empty() { "nothing" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

/// What is set of a machine's resources; what is not set is as it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResourceLimits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// GPUs.
    pub gpus: Option<u64>,
}

impl ResourceLimits {
    /// Reads `memory=16GB,gpu=2,threads=8`, or some of these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').try_fold(ResourceLimits::default(), |limits, part| {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            let previous = match name {
                "memory" => limits.memory,
                "threads" => limits.threads,
                "gpu" => limits.gpus,
                _ => return None,
            };
            match (name, previous) {
                (_, Some(_)) => None,
                ("memory", _) => Some(ResourceLimits { memory: Some(parse_bytes(value)?), ..limits }),
                ("threads", _) => {
                    let threads = value.parse().ok().filter(|threads| *threads > 0)?;
                    Some(ResourceLimits { threads: Some(threads), ..limits })
                }
                _ => Some(ResourceLimits { gpus: Some(value.parse().ok()?), ..limits }),
            }
        })
    }
}

/// `8000000000`, `8GB`, `1.5 GiB`.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    // One that is too large comes out as the largest.
    text.parse::<ByteSize>().ok().map(|size| size.as_u64()).filter(|bytes| *bytes < u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{ResourceLimits, Resources, parse_bytes};

    #[test]
    fn numbers_of_bytes() {
        let all = [
            ("0", 0),
            ("12", 12),
            ("8GB", 8_000_000_000),
            ("8 gib", 8 << 30),
            ("1.5GiB", 3 << 29),
            ("3k", 3000),
            ("1TB", 1_000_000_000_000),
        ];
        for (text, bytes) in all {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "GB", "-1", "8 G B", "8GX", "99999999999999999999", "99999999999TB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_set_of_a_machine() {
        let all = ResourceLimits { memory: Some(16_000_000_000), threads: Some(8), gpus: Some(2) };
        assert_eq!(ResourceLimits::parse("memory=16GB,gpu=2,threads=8"), Some(all));
        let some = ResourceLimits { gpus: Some(0), ..ResourceLimits::default() };
        assert_eq!(ResourceLimits::parse(" gpu = 0 "), Some(some));
        for text in ["", "16GB", "memory=", "memory=16GB,", "threads=0", "gpu=x", "disk=1GB", "gpu=1,gpu=2", "gpu=-1"] {
            assert_eq!(ResourceLimits::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_never_fits_is_said_and_threads_always_do() {
        let there = Resources::new().memory(24_000_000_000).threads(2);
        let needs = Resources::new().memory(64_000_000_000).threads(16).gpus(2);
        let why = needs.never_fits(&there).unwrap();
        assert!(why.starts_with("it needs 64.0 GB of memory, and there are 24.0 GB for all"), "{why}");
        let why = needs.memory(1).never_fits(&there.gpus(1)).unwrap();
        assert!(why.starts_with("it needs 2 GPUs, and there is 1 here: set PIPEX_RESOURCES=gpu=.."), "{why}");
        assert_eq!(needs.never_fits(&needs.threads(1)), None);
    }

    #[test]
    fn what_is_needed_is_a_setting_too() {
        let needs = Resources::new().memory(64_000_000_001).gpus(2);
        assert_eq!(needs.setting(), "memory=64000000001,gpu=2");
        let read = ResourceLimits { memory: Some(64_000_000_001), threads: None, gpus: Some(2) };
        assert_eq!(ResourceLimits::parse(&needs.setting()), Some(read));
        assert_eq!(
            (Resources::new().to_string(), needs.threads(1).to_string()),
            ("nothing".into(), "64.0 GB of memory, 2 GPUs, 1 thread".into())
        );
    }
}
