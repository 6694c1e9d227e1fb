"""What the same values cost with joblib, by way of fsspec (s3fs): saved unless they are there, loaded, and found to be there, one
after the other. `benches/objects/run` starts the server, which is another's bucket's too."""

import os
import statistics
import sys
import time

import joblib
import numpy
import s3fs

VALUES = 200
ROUNDS = 7


def timed(what):
    begun = time.perf_counter()
    for number in range(VALUES):
        what(number)
    return (time.perf_counter() - begun) * 1e3 / VALUES


# What was listed is not remembered: each question is a question.
fs = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT"], use_listings_cache=False)
rounds = []
for turn in range(ROUNDS):

    def path(number):
        return f"{sys.argv[1]}/joblib-{turn}/{number}.joblib"

    def save(number):
        if not fs.exists(path(number)):
            with fs.open(path(number), "wb") as file:
                joblib.dump(numpy.arange(1_000, dtype=float) * number, file)

    def load(number):
        with fs.open(path(number), "rb") as file:
            assert len(joblib.load(file)) == 1_000

    def find(number):
        assert fs.exists(path(number))

    rounds.append([timed(save), timed(load), timed(find)])

print(f"| figure | joblib {joblib.__version__}, s3fs {s3fs.__version__} |\n| --- | ---: |")
for figure, times in zip(["save a value of 8 kB", "load it", "find that it is there"], zip(*rounds)):
    print(f"| {figure} | {statistics.median(times):.2f} ms |")
