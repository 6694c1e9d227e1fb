"""The flow of benches/versus_prefect.rs in Prefect: what it takes cold, cached, and with no tasks at all.

Needs a server of its own, in PREFECT_API_URL; `run` beside this file starts one. Prints JSON, times in seconds.
"""

import argparse
import itertools
import json
import statistics
import time
from collections import Counter
from pathlib import Path

import prefect
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.futures import wait
from prefect.settings import get_current_settings
from prefect.task_runners import ThreadPoolTaskRunner

# `next` of a count is one step for all threads.
bodies = itertools.count()
submitted = []
flow_run = None


@task(persist_result=True, cache_policy=INPUTS)
def load(station: int) -> list[float]:
    next(bodies)
    return [float(station)] * 110


@task(persist_result=True, cache_policy=INPUTS)
def clean(values: list[float]) -> list[float]:
    next(bodies)
    return [value for value in values if value >= 0.0]


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def pairs(first: int, count: int) -> float:
    """`count` times load, then clean, of `first`, `first + 1` ...; the seconds from the first call to the last end."""
    global flow_run
    flow_run = prefect.runtime.flow_run.id
    started = time.perf_counter()
    for station in range(first, first + count):
        loaded = load.submit(station)
        submitted.extend([loaded, clean.submit(loaded)])
    wait(submitted)
    return time.perf_counter() - started


def timed(first: int, count: int) -> dict[str, float]:
    """The seconds of the flow as its caller sees it, and of its tasks alone."""
    submitted.clear()
    started = time.perf_counter()
    tasks = pairs(first, count)
    return {"flow": time.perf_counter() - started, "tasks": tasks}


def recorded(tasks: int, deadline: float) -> Counter:
    """The states that the server has recorded, once `tasks` runs have ended there: until then it is still at work."""
    until = time.monotonic() + deadline
    this_run = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        while True:
            states = {}
            for offset in itertools.count(0, 200):
                page = client.read_task_runs(flow_run_filter=this_run, limit=200, offset=offset)
                states |= {run.id: run.state.name for run in page if run.state and run.state.is_final()}
                if len(page) < 200:
                    break
            if len(states) >= tasks or time.monotonic() > until:
                return Counter(states.values())
            time.sleep(0.5)


def run(first: int, count: int, state: str, ran: int) -> dict[str, float]:
    """Times the flow, and makes sure afterwards that it did what it is said to have done."""
    before = next(bodies)
    times = timed(first, count)
    assert next(bodies) - before - 1 == ran, f"not {ran} bodies ran"
    expected = Counter({state: 2 * count})
    assert Counter(future.state.name for future in submitted) == expected, f"not all are {state}"
    seen = recorded(2 * count, deadline=120)
    assert seen == expected, f"the server has recorded {seen}, not {expected}"
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    storage = Path(get_current_settings().results.local_storage_path)

    # The first flow run of a process loads modules, and is nobody's figure.
    timed(10**9, 1)

    rounds = []
    for number in range(arguments.rounds):
        # Other stations each round, so that nothing of them is there.
        first = number * arguments.pairs
        persisted = len(list(storage.iterdir()))
        empty = timed(first, 0)
        cold = run(first, arguments.pairs, "Completed", ran=2 * arguments.pairs)
        assert len(list(storage.iterdir())) - persisted == 2 * arguments.pairs, "not all results were persisted"
        cached = run(first, arguments.pairs, "Cached", ran=0)
        rounds.append({"empty": empty, "cold": cold, "cached": cached})

    def median(run: str) -> dict[str, float]:
        return {part: statistics.median(times[run][part] for times in rounds) for part in ("flow", "tasks")}

    engine = f"Prefect {prefect.__version__}"
    medians = {run: median(run) for run in ("empty", "cold", "cached")}
    print(json.dumps({"engine": engine, "tasks": 2 * arguments.pairs, "median": medians, "rounds": rounds}))


main()
