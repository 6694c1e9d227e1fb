"""The pipeline in luigi: tasks that say what they require and where their output is."""

import logging
import pickle

import luigi

import work


class Task(luigi.Task):
    def output(self):
        return luigi.LocalTarget(f"out/{self.get_task_family()}/{self.number}", format=luigi.format.Nop)

    def take(self, target):
        with target.open("r") as file:
            return pickle.load(file)

    def give(self, values):
        with self.output().open("w") as file:
            pickle.dump(values, file)


class Load(Task):
    number = luigi.IntParameter()

    def run(self):
        self.give(work.load(self.number))


class Clean(Task):
    number = luigi.IntParameter()

    def requires(self):
        return Load(self.number)

    def run(self):
        self.give(work.clean(self.take(self.input())))


class Merge(Task):
    number = luigi.IntParameter()

    def requires(self):
        return [Clean(station) for station in range(self.number)]

    def run(self):
        self.give(work.merge(self.take(cleaned) for cleaned in self.input()))


def pairs(count):
    merged = Merge(count)
    assert luigi.build([merged], local_scheduler=True, log_level="ERROR")
    return merged.take(merged.output())


logging.disable(logging.WARNING)
work.main(pairs)
