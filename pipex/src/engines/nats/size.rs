//! What jobs need and what workers have, as it goes over the wire.

use async_nats::HeaderMap;

use pipex_format::model::resources::Resources;

/// The header of a job that says what it needs.
pub(super) const NEEDS: &str = "Pipex-Needs";
/// The header of a worker's answer that says what it has.
pub(super) const CAPACITY: &str = "Pipex-Capacity";

/// Headers that say it.
pub(super) fn size_header(name: &str, size: Resources) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, serde_json::to_string(&size).unwrap_or_default().as_str());
    headers
}

/// What headers say, if they do: who does not know of sizes says nothing.
pub(super) fn read_size(headers: Option<&HeaderMap>, name: &str) -> Option<Resources> {
    serde_json::from_str(headers?.get(name)?.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderMap;

    use super::{NEEDS, read_size, size_header};
    use pipex_format::model::resources::Resources;

    #[test]
    fn sizes_come_as_they_went_also_those_that_are_no_limit() {
        for size in [Resources::new(), Resources::new().memory(u64::MAX).threads(8).gpus(2)] {
            assert_eq!(read_size(Some(&size_header(NEEDS, size)), NEEDS), Some(size));
        }
    }

    #[test]
    fn older_and_newer_processes_are_understood() {
        assert_eq!(read_size(None, NEEDS), None);
        assert_eq!(read_size(Some(&HeaderMap::new()), NEEDS), None);
        let mut headers = HeaderMap::new();
        headers.insert(NEEDS, r#"{"memory":7,"disk":9}"#);
        assert_eq!(read_size(Some(&headers), NEEDS), Some(Resources::new().memory(7)));
    }
}
