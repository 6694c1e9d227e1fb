//! What this machine has: memory and GPUs.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use pipex_format::model::resources::Resources;

/// The memory and the GPUs that there are for task runs: nine tenths of the machine's memory, or of what the cgroup around this
/// process may have; the rest is left to the system, and to what is not counted. Where nobody says how much there is, memory
/// is no limit.
pub(crate) fn resources() -> Resources {
    static HERE: LazyLock<Resources> = LazyLock::new(|| {
        let bytes = find_memory(Path::new("/"));
        let memory = bytes.map_or(u64::MAX, |bytes| bytes / 10 * 9);
        Resources::new().memory(memory).gpus(count_gpus(Path::new("/dev")))
    });
    *HERE
}

/// The bytes of memory that this process may have at most.
fn find_memory(root: &Path) -> Option<u64> {
    let machine = read_meminfo(&root.join("proc/meminfo"));
    let cgroups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = cgroups.lines().filter_map(|line| find_limit(root, line));
    machine.into_iter().chain(limits).min()
}

/// `MemTotal:       24607772 kB`.
fn read_meminfo(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least that a cgroup and those around it may have. `line` is one of `/proc/self/cgroup`: `0::/user.slice/pipex.scope`, or
/// `4:memory:/pipex` in version 1. A container may see its own as the root.
fn find_limit(root: &Path, line: &str) -> Option<u64> {
    let (_, controllers) = line.split_once(':')?;
    let (controllers, group) = controllers.split_once(':')?;
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|it| it == "memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return None,
    };
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    // `max` is no number, and no limit.
    let limit = |group: &Path| {
        let text = fs::read_to_string(root.join(mount).join(group).join(file)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    groups.filter_map(limit).min()
}

/// The GPUs that the driver shows: `/dev/nvidia0`.
fn count_gpus(devices: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(devices) else { return 0 };
    let is_gpu = |name: &str| {
        let number = name.strip_prefix("nvidia");
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let gpus = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_gpu)).count();
    u64::try_from(gpus).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{count_gpus, find_memory};

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn memory_is_the_least_of_the_machines_and_the_cgroups() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(find_memory(root), None, "nobody says how much");
        write(root, "proc/meminfo", "MemTotal:       8 kB\nMemFree:   4 kB\n");
        assert_eq!(find_memory(root), Some(8192));

        write(root, "proc/self/cgroup", "0::/slice/scope\n");
        assert_eq!(find_memory(root), Some(8192), "there is no such group to be seen");
        write(root, "sys/fs/cgroup/slice/scope/memory.max", "max\n");
        assert_eq!(find_memory(root), Some(8192));
        write(root, "sys/fs/cgroup/slice/memory.max", "4096\n");
        assert_eq!(find_memory(root), Some(4096), "that around it has a limit");
        write(root, "sys/fs/cgroup/memory.max", "2048\n");
        assert_eq!(find_memory(root), Some(2048), "as a container sees its own");

        write(root, "proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(find_memory(root), Some(8192));
        write(root, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1024\n");
        assert_eq!(find_memory(root), Some(1024));
    }

    #[test]
    fn gpus_are_counted_by_their_devices() {
        let devices = tempfile::tempdir().unwrap();
        assert_eq!(count_gpus(&devices.path().join("none")), 0);
        for name in ["nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia", "null"] {
            fs::write(devices.path().join(name), "").unwrap();
        }
        assert_eq!(count_gpus(devices.path()), 3);
    }
}
