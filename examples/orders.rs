//! Orders of two hundred shops: joined, split into what models learn from and what they are judged by, a grid of models for each
//! segment of customers, the best of each, and a report.
//!
//! ```console
//! $ PIPEX=prefect.cache cargo run --release --example orders -- --seed 7
//! $ cat out/orders/report.md
//! ```
//!
//! One cell of the grid fails, since its model does not converge: the report says so, and is made again when it does.

use std::fmt;

use pipex::{Outputs, Tried, flow, grid, helper, task};
use serde::{Deserialize, Serialize};

const SHOPS: u64 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Segment {
    Retail,
    Trade,
    Online,
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Segment::Retail => "retail",
            Segment::Trade => "trade",
            Segment::Online => "online",
        })
    }
}

const SEGMENTS: [Segment; 3] = [Segment::Retail, Segment::Trade, Segment::Online];

/// How many items an order had, and what it was worth.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    shop: u64,
    segment: Segment,
    items: f64,
    value: f64,
}

#[derive(Debug, Clone, Outputs)]
struct Split {
    train: Vec<Order>,
    test: Vec<Order>,
}

/// A line through the orders of a segment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Model {
    base: f64,
    per_item: f64,
}

/// How a model does on orders that it has not seen: the root of the mean squared error.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Score {
    rate: f64,
    shrink: f64,
    rmse: f64,
}

/// The same numbers for the same seed.
#[helper]
fn random(state: &mut u64) -> f64 {
    // splitmix64
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Stands for a file that a shop has sent.
#[task(target = "{path}/shops/{shop:03}.csv", uses(random))]
fn load(shop: u64, seed: u64) -> Vec<Order> {
    let mut state = seed ^ (shop << 32);
    let mut order = |_| {
        let segment = SEGMENTS[(3.0 * random(&mut state)) as usize];
        let items = (1.0 + 9.0 * random(&mut state)).floor();
        let per_item = 10.0 + 5.0 * f64::from(segment as u8);
        let value = (100.0 * (20.0 + per_item * items + 8.0 * random(&mut state))).round() / 100.0;
        Order { shop, segment, items, value }
    };
    (0..50).map(&mut order).collect()
}

#[task(target = "{path}/orders.csv")]
fn join(shops: Vec<Vec<Order>>) -> Vec<Order> {
    shops.concat()
}

#[task(target(train = "{path}/train.csv", test = "{path}/test.csv"), uses(random))]
fn split(orders: Vec<Order>, mut seed: u64) -> Split {
    let (train, test) = orders.into_iter().partition(|_| random(&mut seed) < 0.8);
    Split { train, test }
}

#[task(target = "{path}/models/{segment}/{rate}-{shrink}.json")]
fn fit(train: &[Order], segment: Segment, rate: f64, shrink: f64) -> Result<Model, String> {
    let orders: Vec<&Order> = train.iter().filter(|order| order.segment == segment).collect();
    let (mut model, mut last) = (Model { base: 0.0, per_item: 0.0 }, f64::INFINITY);
    for step in 0..2_000 {
        let (mut base, mut per_item, mut squares) = (0.0, shrink * model.per_item, 0.0);
        for order in &orders {
            let error = model.base + model.per_item * order.items - order.value;
            base += error;
            per_item += error * order.items;
            squares += error * error;
        }
        if squares > last * 1e3 || !squares.is_finite() {
            return Err(format!("it does not converge at a rate of {rate}: step {step}"));
        }
        last = last.min(squares);
        model.base -= rate * base / orders.len() as f64;
        model.per_item -= rate * per_item / orders.len() as f64;
    }
    Ok(model)
}

#[task(target = "{path}/scores/{segment}/{rate}-{shrink}.json")]
fn score(model: Model, test: &[Order], segment: Segment, rate: f64, shrink: f64) -> Score {
    let errors = test.iter().filter(|order| order.segment == segment);
    let errors = errors.map(|order| (model.base + model.per_item * order.items - order.value).powi(2));
    let (count, sum) = errors.fold((0.0, 0.0), |(count, sum), square| (count + 1.0, sum + square));
    let rmse = (sum / f64::max(count, 1.0)).sqrt();
    pipex::record("rmse", rmse);
    Score { rate, shrink, rmse }
}

#[task(target = "{path}/best/{segment}.json")]
fn choose(scores: Vec<Tried<Score>>, segment: Segment) -> Result<Score, String> {
    let best = scores.into_iter().flatten().min_by(|one, other| one.rmse.total_cmp(&other.rmse));
    best.ok_or_else(|| format!("no model of {segment} was fitted"))
}

type Cell = (Segment, f64, f64);

#[task(target = "{path}/report.md")]
fn report(best: Vec<(Segment, Score)>, scores: Vec<(Cell, Tried<Score>)>) -> String {
    let mut text =
        "# The value of an order by its items\n\n| segment | rate | shrink | error |\n| --- | --- | --- | --- |\n"
            .to_owned();
    for (segment, Score { rate, shrink, rmse }) in best {
        text += &format!("| {segment} | {rate} | {shrink} | {rmse:.2} |\n");
    }
    for ((segment, ..), failed) in scores.into_iter().filter_map(|(cell, score)| Some((cell, score.err()?))) {
        text += &format!("\nNot fitted for {segment}: {failed}\n");
    }
    text
}

/// Compares models of what orders are worth.
#[pipex::main]
#[flow(path = "out/orders")]
fn orders(
    /// What the orders are made of, and how they are split.
    #[arg(default = 7)]
    seed: u64,
) -> pipex::Result<()> {
    let shops = grid!(shop in 0..SHOPS).submit(|shop| load(shop, seed));
    let SplitOutputs { train, test } = split(join(shops).submit(), seed).submit();
    let scores = grid!(segment in SEGMENTS, rate in [0.001, 0.01, 0.1], shrink in [0.0, 0.1])
        .submit(|(segment, rate, shrink)| fit(&train, segment, rate, shrink))
        .submit(|(segment, rate, shrink), model| score(model, &test, segment, rate, shrink));
    let best: Vec<_> = scores
        .group_by(|(segment, ..)| *segment)
        .into_iter()
        .map(|(segment, scores)| (segment, choose(scores, segment).submit()))
        .collect();
    println!("{}", report(best, scores).run()?.load()?);
    Ok(())
}
