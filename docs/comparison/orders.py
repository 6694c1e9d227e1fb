"""The work of examples/orders.rs: what both versions have, and then how it is written and read."""

import csv
import json
import math
import random

SEGMENTS = ["retail", "trade", "online"]


def load(shop, seed):
    numbers = random.Random(f"{seed} {shop}")
    orders = []
    for _ in range(50):
        segment = numbers.randrange(3)
        items = numbers.randint(1, 9)
        value = round(20 + (10 + 5 * segment) * items + 8 * numbers.random(), 2)
        orders.append({"shop": shop, "segment": SEGMENTS[segment], "items": items, "value": value})
    return orders


def split(orders, seed):
    numbers = random.Random(seed)
    train, test = [], []
    for order in orders:
        (train if numbers.random() < 0.8 else test).append(order)
    return train, test


def fit(train, segment, rate, shrink):
    orders = [(order["items"], order["value"]) for order in train if order["segment"] == segment]
    base, per_item, last = 0.0, 0.0, math.inf
    for step in range(2_000):
        errors = [(base + per_item * items - value, items) for items, value in orders]
        squares = sum(error * error for error, _ in errors)
        if squares > last * 1e3 or not math.isfinite(squares):
            raise ValueError(f"it does not converge at a rate of {rate}: step {step}")
        last = min(last, squares)
        down = sum(error for error, _ in errors)
        slope = shrink * per_item + sum(error * items for error, items in errors)
        base, per_item = base - rate * down / len(orders), per_item - rate * slope / len(orders)
    return {"base": base, "per_item": per_item}


def score(model, test, segment, rate, shrink):
    orders = [order for order in test if order["segment"] == segment]
    errors = [model["base"] + model["per_item"] * order["items"] - order["value"] for order in orders]
    return {"rate": rate, "shrink": shrink, "rmse": math.sqrt(sum(error * error for error in errors) / len(errors))}


def choose(scores):
    return min(scores, key=lambda score: score["rmse"])


def report(best, failures):
    lines = ["# The value of an order by its items", "", "| segment | rate | shrink | error |", "| --- | --- | --- | --- |"]
    lines += [f"| {segment} | {it['rate']} | {it['shrink']} | {it['rmse']:.2f} |" for segment, it in best]
    lines += [f"\nNot fitted for {segment}: {why}" for segment, why in failures]
    return "\n".join(lines) + "\n"


# What a pipeline of files has to say besides.


def read_orders(path):
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return [dict(row, items=int(row["items"]), value=float(row["value"])) for row in rows]


def write_orders(path, orders):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["shop", "segment", "items", "value"])
        writer.writeheader()
        writer.writerows(orders)


def read_json(path):
    with open(path) as file:
        return json.load(file)


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file)
