"""The work itself, and what each program is asked for and says; as in src/work.rs."""

import sys
import time

bodies = 0


def load(station):
    global bodies
    bodies += 1
    return [float(station)] * 110


def clean(values):
    global bodies
    bodies += 1
    return [value for value in values if value >= 0.0]


def merge(cleaned):
    global bodies
    bodies += 1
    return sum(map(sum, cleaned))


def main(pairs):
    """`PROGRAM PAIRS cold|warm`: how long so many pairs take here; in the cold run each body runs, in the warm one none."""
    count, run = int(sys.argv[1]), sys.argv[2]
    started = time.perf_counter()
    merged = pairs(count)
    tasks = time.perf_counter() - started
    assert merged == 110 * count * (count - 1) / 2, merged
    assert bodies == (2 * count + 1 if run == "cold" else 0), bodies
    print(f'{{"tasks": {tasks}}}')
