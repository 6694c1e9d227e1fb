//! `pipex graph`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;
use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};
use serde::Serialize;

use crate::condition::Condition;
use crate::project::Project;
use crate::survey::Survey;
use crate::{Error, Outcome, print};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Svg,
    Dot,
    Mermaid,
    Html,
}

/// What was made from what.
#[derive(Serialize)]
pub struct Graph {
    nodes: Vec<Node>,
    /// From, to, and for how many outputs.
    edges: Vec<(usize, usize, usize)>,
}

#[derive(Serialize)]
struct Node {
    label: String,
    state: State,
}

impl Node {
    fn new(label: &str, state: State) -> Self {
        Node { label: print::visible(label).into_owned(), state }
    }
}

/// How a node stands, the worst of all that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Source,
    Fresh,
    NotSaved,
    Missing,
    Orphaned,
    Foreign,
    Outdated,
    Stale,
    Failed,
}

impl State {
    /// Each with its name and its color.
    const ALL: [(State, &str, &str); 9] = [
        (State::Source, "source", "#ffffff"),
        (State::Fresh, "fresh", "#c8e6c9"),
        (State::NotSaved, "not_saved", "#f1f8e9"),
        (State::Missing, "missing", "#eeeeee"),
        (State::Orphaned, "orphaned", "#d7ccc8"),
        (State::Foreign, "foreign", "#bbdefb"),
        (State::Outdated, "outdated", "#fff9c4"),
        (State::Stale, "stale", "#ffe0b2"),
        (State::Failed, "failed", "#ffcdd2"),
    ];

    fn new(condition: Condition) -> Self {
        match condition {
            Condition::Fresh | Condition::Running => State::Fresh,
            Condition::NotSaved => State::NotSaved,
            Condition::Missing | Condition::NotNeeded | Condition::Unknown | Condition::Gone => State::Missing,
            Condition::Orphaned => State::Orphaned,
            Condition::Foreign => State::Foreign,
            Condition::Outdated => State::Outdated,
            Condition::Stale => State::Stale,
            Condition::Failed | Condition::NotReady | Condition::Cancelled => State::Failed,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn color(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

/// More than that nobody can look at.
const MOST: usize = 300;

pub fn graph(
    project: &Project,
    target: Option<&str>,
    format: Format,
    output: Option<&Path>,
    json: bool,
) -> Result<Outcome, Error> {
    let graph = match target {
        Some(name) => Graph::of_target(project, project.named(name)?),
        None => Graph::of_functions(project),
    };
    if json {
        print::json(&graph)?;
        return Ok(Outcome::Well);
    }
    let text = match format {
        Format::Dot => graph.dot(),
        Format::Mermaid => graph.mermaid(),
        Format::Svg => graph.svg()?,
        Format::Html => {
            let svg = graph.svg()?;
            format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>pipex graph</title>\n{svg}\n</html>"
            )
        }
    };
    print::to(output, text)?;
    Ok(Outcome::Well)
}

impl Graph {
    /// Of all outputs, a node for each task function.
    pub fn of_functions(project: &Project) -> Self {
        let survey = Survey::new(project, project.outputs());
        let mut nodes: BTreeMap<Option<u32>, (usize, State)> = BTreeMap::new();
        let mut edges: BTreeMap<(Option<u32>, Option<u32>), usize> = BTreeMap::new();
        for (place, target) in project.targets.iter().enumerate() {
            let state = match target.function.map(|_| survey.standing(place).condition) {
                None => State::Source,
                Some(Condition::Gone) => continue,
                Some(condition) => State::new(condition),
            };
            let node = nodes.entry(target.function).or_insert((0, state));
            *node = (node.0 + 1, node.1.max(state));
            for input in target.inputs() {
                let from = project.targets[input.place as usize].function;
                *edges.entry((from, target.function)).or_default() += 1;
            }
        }
        let numbers: HashMap<Option<u32>, usize> =
            nodes.keys().enumerate().map(|(number, key)| (*key, number)).collect();
        let edge = |((from, to), count): (&(Option<u32>, Option<u32>), &usize)| {
            Some((*numbers.get(from)?, *numbers.get(to)?, *count))
        };
        let edges = edges.iter().filter_map(edge).collect();
        let label = |function: &Option<u32>, count: usize| match function {
            Some(number) => format!("{} ({count})", project.functions[*number as usize].name),
            None => print::count(count, "file"),
        };
        let nodes = nodes.iter().map(|(of, (count, state))| Node::new(&label(of, *count), *state)).collect();
        Graph { nodes, edges }
    }

    /// Of all that a target was made from.
    fn of_target(project: &Project, place: usize) -> Self {
        let survey = Survey::new(project, [place]);
        let mut places = vec![place];
        let mut numbers = HashMap::from([(place, 0)]);
        let mut edges = Vec::new();
        let mut next = 0;
        while let Some(place) = places.get(next).copied() {
            for input in project.targets[place].inputs().iter().map(|input| input.place as usize) {
                let number = match numbers.entry(input) {
                    Entry::Occupied(number) => *number.get(),
                    Entry::Vacant(_) if places.len() == MOST => continue,
                    Entry::Vacant(number) => {
                        places.push(input);
                        *number.insert(places.len() - 1)
                    }
                };
                edges.push((number, next, 1));
            }
            next += 1;
        }
        let node = |place: &usize| {
            let target = &project.targets[*place];
            let state = match target.function {
                None => State::Source,
                Some(_) => State::new(survey.standing(*place).condition),
            };
            Node::new(&target.name, state)
        };
        Graph { nodes: places.iter().map(node).collect(), edges }
    }

    fn dot(&self) -> String {
        let mut dot = "digraph pipex {\n  rankdir=LR;\n  node [shape=box, style=filled];\n".to_owned();
        for (number, Node { label, state }) in self.nodes.iter().enumerate() {
            let _ = writeln!(dot, "  n{number} [label={}, fillcolor=\"{}\"];", quoted(label), state.color());
        }
        for (from, to, count) in &self.edges {
            let label = if *count > 1 { format!(" [label=\"{count}\"]") } else { String::new() };
            let _ = writeln!(dot, "  n{from} -> n{to}{label};");
        }
        dot + "}"
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (number, Node { label, state }) in self.nodes.iter().enumerate() {
            let _ = writeln!(text, "  n{number}[\"{}\"]:::{}", marked_up(label), state.name());
        }
        for (from, to, count) in &self.edges {
            let label = if *count > 1 { format!("|{count}|") } else { String::new() };
            let _ = writeln!(text, "  n{from} -->{label} n{to}");
        }
        let is_there = |(state, ..): &(State, &str, &str)| self.nodes.iter().any(|node| node.state == *state);
        for (_, name, color) in State::ALL.into_iter().filter(is_there) {
            let _ = writeln!(text, "  classDef {name} fill:{color},stroke:#616161");
        }
        text.trim_end().to_owned()
    }

    pub fn svg(&self) -> Result<String, Error> {
        let dot = self.dot();
        let graph = DotParser::new(&dot).process().map_err(Error::Draw)?;
        let mut builder = GraphBuilder::new();
        builder.visit_graph(&graph);
        let mut svg = SVGWriter::new();
        builder.get().do_it(false, false, false, &mut svg);
        let svg = svg.finalize();
        // What stands before it is for a file of its own.
        Ok(svg.find("<svg").map_or(svg.clone(), |start| svg[start..].to_owned()))
    }
}

fn marked_up(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
