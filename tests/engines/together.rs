//! Both together: tasks on workers, watched in Prefect.

use crate::servers::{Nats, Place, Prefect, Process};

#[test]
fn weather_on_workers_watched_in_prefect() {
    let (nats, prefect, place) = (Nats::start(&[]), Prefect::new(), Place::new());
    let start = || {
        let mut command = place.weather();
        command.env("PIPEX_NATS_URL", nats.url());
        command
    };
    let _workers: Vec<_> =
        (0..2).map(|_| Process::start(place.weather_worker().env("PIPEX_NATS_URL", nats.url()))).collect();
    let flow = Process::start(start().env("PREFECT_API_URL", &prefect.url).env("PIPEX_PREFECT", "max_runs=20"));
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    let run = prefect.flow_run(&said);
    assert_eq!(prefect.get(&format!("/flow_runs/{run}"))["state_type"], "COMPLETED");
    // 20 of each of the two large functions, six others, and two that stand for the rest.
    prefect.counts(&run, "Completed", 2 * 20 + 6 + 2);
    let all = "1075 more task runs, listed in the artifacts: 1075 completed, 0 cached, 0 failed, 0 skipped";
    prefect.until(all, || (prefect.task_run(&run, "clean (1075 more)")["state"]["message"] == all).then_some(()));
}
