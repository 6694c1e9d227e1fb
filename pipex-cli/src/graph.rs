//! `pipex graph`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::ValueEnum;
use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};
use serde::Serialize;

use crate::look::Condition;
use crate::project::Project;
use crate::{Error, Outcome, print};

#[derive(Debug, Clone, Copy, ValueEnum)]
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

/// How a node stands, the worst of all that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Source,
    Fresh,
    Missing,
    Orphaned,
    Foreign,
    Stale,
    Failed,
}

impl State {
    const ALL: [State; 7] =
        [State::Source, State::Fresh, State::Missing, State::Orphaned, State::Foreign, State::Stale, State::Failed];

    fn color(self) -> &'static str {
        match self {
            State::Source => "#ffffff",
            State::Fresh => "#c8e6c9",
            State::Missing => "#eeeeee",
            State::Orphaned => "#d7ccc8",
            State::Foreign => "#bbdefb",
            State::Stale => "#ffe0b2",
            State::Failed => "#ffcdd2",
        }
    }

    fn name(self) -> &'static str {
        match self {
            State::Source => "source",
            State::Fresh => "fresh",
            State::Missing => "missing",
            State::Orphaned => "orphaned",
            State::Foreign => "foreign",
            State::Stale => "stale",
            State::Failed => "failed",
        }
    }
}

/// More than that nobody can look at.
const MOST: usize = 300;

pub fn graph(project: &Project, target: Option<&str>, format: Format, json: bool) -> Result<Outcome, Error> {
    let graph = match target {
        Some(name) => Graph::of_target(project, project.named(name)?)?,
        None => Graph::of_functions(project)?,
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
    print::line(text)?;
    Ok(Outcome::Well)
}

impl Graph {
    /// Of all outputs, a node for each task function.
    pub fn of_functions(project: &Project) -> Result<Self, Error> {
        let orphans = project.orphans();
        let mut nodes: BTreeMap<Option<u32>, (usize, State)> = BTreeMap::new();
        let mut edges: BTreeMap<(Option<u32>, Option<u32>), usize> = BTreeMap::new();
        for (place, target) in project.targets.iter().enumerate() {
            let state = state(project, place, &orphans)?;
            let node = nodes.entry(target.function).or_insert((0, state));
            *node = (node.0 + 1, node.1.max(state));
            for (input, _) in target.made.iter().flat_map(|made| &*made.inputs) {
                let from = project.targets[*input as usize].function;
                *edges.entry((from, target.function)).or_default() += 1;
            }
        }
        let number = |function: &Option<u32>| nodes.keys().position(|key| key == function).unwrap_or_default();
        let edges = edges.iter().map(|((from, to), count)| (number(from), number(to), *count)).collect();
        let label = |function: &Option<u32>, count: usize| match function {
            Some(number) => format!("{} ({count})", project.functions[*number as usize].name),
            None => print::count(count, "file"),
        };
        let nodes = nodes.iter().map(|(of, (count, state))| Node { label: label(of, *count), state: *state }).collect();
        Ok(Graph { nodes, edges })
    }

    /// Of all that a target was made from.
    fn of_target(project: &Project, place: usize) -> Result<Self, Error> {
        let mut places = vec![place];
        let mut edges = Vec::new();
        let mut next = 0;
        while let Some(place) = places.get(next).copied() {
            for (input, _) in project.targets[place].made.iter().flat_map(|made| &*made.inputs) {
                let from = match places.iter().position(|place| *place == *input as usize) {
                    Some(number) => number,
                    None if places.len() == MOST => continue,
                    None => {
                        places.push(*input as usize);
                        places.len() - 1
                    }
                };
                edges.push((from, next, 1));
            }
            next += 1;
        }
        let node = |place: &usize| {
            Ok(Node { label: project.targets[*place].name.to_string(), state: state(project, *place, &[])? })
        };
        Ok(Graph { nodes: places.iter().map(node).collect::<Result<_, Error>>()?, edges })
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
            let _ = writeln!(text, "  n{number}[\"{}\"]:::{}", label.replace('"', "&quot;"), state.name());
        }
        for (from, to, count) in &self.edges {
            let label = if *count > 1 { format!("|{count}|") } else { String::new() };
            let _ = writeln!(text, "  n{from} -->{label} n{to}");
        }
        for state in State::ALL.into_iter().filter(|state| self.nodes.iter().any(|node| node.state == *state)) {
            let _ = writeln!(text, "  classDef {} fill:{},stroke:#616161", state.name(), state.color());
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

fn state(project: &Project, place: usize, orphans: &[bool]) -> Result<State, Error> {
    let target = &project.targets[place];
    if target.function.is_none() {
        return Ok(State::Source);
    }
    if project.has_failed(target) {
        return Ok(State::Failed);
    }
    Ok(match project.look(place, orphans)?.condition {
        Condition::Fresh | Condition::Running => State::Fresh,
        Condition::Stale => State::Stale,
        Condition::Orphaned => State::Orphaned,
        Condition::Foreign => State::Foreign,
        Condition::Missing | Condition::Unknown => State::Missing,
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
