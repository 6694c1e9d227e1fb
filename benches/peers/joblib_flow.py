"""The pipeline with joblib's Memory: functions that are kept by what they are called with."""

import joblib

import work

memory = joblib.Memory("joblib", verbose=0)


@memory.cache
def load(station):
    return work.load(station)


@memory.cache
def clean(values):
    return work.clean(values)


@memory.cache
def merge(cleaned):
    return work.merge(cleaned)


work.main(lambda count: merge([clean(load(station)) for station in range(count)]))
