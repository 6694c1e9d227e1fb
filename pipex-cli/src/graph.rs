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
use crate::{CommandError, CommandStatus, print};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Svg,
    Dot,
    Mermaid,
    Html,
}

/// What was made from what.
#[derive(Serialize)]
pub struct Graph {
    nodes: Vec<GraphNode>,
    /// From, to, and for how many outputs.
    edges: Vec<(usize, usize, usize)>,
}

#[derive(Serialize)]
struct GraphNode {
    label: String,
    state: NodeState,
}

impl GraphNode {
    fn new(label: &str, state: NodeState) -> Self {
        GraphNode { label: print::make_visible(label).into_owned(), state }
    }
}

/// How a node stands, the worst of all that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum NodeState {
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

impl NodeState {
    /// Each with its name and its color.
    const ALL: [(NodeState, &str, &str); 9] = [
        (NodeState::Source, "source", "#ffffff"),
        (NodeState::Fresh, "fresh", "#c8e6c9"),
        (NodeState::NotSaved, "not_saved", "#f1f8e9"),
        (NodeState::Missing, "missing", "#eeeeee"),
        (NodeState::Orphaned, "orphaned", "#d7ccc8"),
        (NodeState::Foreign, "foreign", "#bbdefb"),
        (NodeState::Outdated, "outdated", "#fff9c4"),
        (NodeState::Stale, "stale", "#ffe0b2"),
        (NodeState::Failed, "failed", "#ffcdd2"),
    ];

    fn new(condition: Condition) -> Self {
        match condition {
            Condition::Fresh | Condition::Running => NodeState::Fresh,
            Condition::NotSaved => NodeState::NotSaved,
            Condition::Missing | Condition::NotNeeded | Condition::Unknown | Condition::Gone => NodeState::Missing,
            Condition::Orphaned => NodeState::Orphaned,
            Condition::Foreign => NodeState::Foreign,
            Condition::Outdated => NodeState::Outdated,
            Condition::Stale => NodeState::Stale,
            Condition::Failed | Condition::NotReady | Condition::Cancelled => NodeState::Failed,
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
const MAX_NODES: usize = 300;

pub fn graph(
    project: &Project,
    target: Option<&str>,
    format: GraphFormat,
    output: Option<&Path>,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let graph = match target {
        Some(name) => Graph::from_target(project, project.find_target(name)?),
        None => Graph::from_functions(project),
    };
    if json {
        print::json(&graph)?;
        return Ok(CommandStatus::Clean);
    }
    let text = match format {
        GraphFormat::Dot => graph.to_dot(),
        GraphFormat::Mermaid => graph.to_mermaid(),
        GraphFormat::Svg => graph.draw_svg()?,
        GraphFormat::Html => {
            let svg = graph.draw_svg()?;
            format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>pipex graph</title>\n{svg}\n</html>"
            )
        }
    };
    print::to_output(output, text)?;
    Ok(CommandStatus::Clean)
}

impl Graph {
    /// Of all outputs, a node for each task function.
    pub fn from_functions(project: &Project) -> Self {
        let survey = Survey::inspect(project, project.outputs());
        let mut nodes: BTreeMap<Option<u32>, (usize, NodeState)> = BTreeMap::new();
        let mut edges: BTreeMap<(Option<u32>, Option<u32>), usize> = BTreeMap::new();
        for (index, target) in project.targets.iter().enumerate() {
            let state = match target.function().map(|_| survey.status(index).condition) {
                None => NodeState::Source,
                Some(Condition::Gone) => continue,
                Some(condition) => NodeState::new(condition),
            };
            let node = nodes.entry(target.function()).or_insert((0, state));
            *node = (node.0 + 1, node.1.max(state));
            for input in target.inputs() {
                let from = project.targets.get(input.index as usize).function();
                *edges.entry((from, target.function())).or_default() += 1;
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
            None => print::format_count(count, "file"),
        };
        let nodes = nodes.iter().map(|(of, (count, state))| GraphNode::new(&label(of, *count), *state)).collect();
        Graph { nodes, edges }
    }

    /// Of all that a target was made from.
    fn from_target(project: &Project, index: usize) -> Self {
        let survey = Survey::inspect(project, [index]);
        let mut indices = vec![index];
        let mut numbers = HashMap::from([(index, 0)]);
        let mut edges = Vec::new();
        let mut next = 0;
        while let Some(index) = indices.get(next).copied() {
            for input in project.targets.get(index).inputs().iter().map(|input| input.index as usize) {
                let number = match numbers.entry(input) {
                    Entry::Occupied(number) => *number.get(),
                    Entry::Vacant(_) if indices.len() == MAX_NODES => continue,
                    Entry::Vacant(number) => {
                        indices.push(input);
                        *number.insert(indices.len() - 1)
                    }
                };
                edges.push((number, next, 1));
            }
            next += 1;
        }
        let node = |index: &usize| {
            let target = project.targets.get(*index);
            let state = match target.function() {
                None => NodeState::Source,
                Some(_) => NodeState::new(survey.status(*index).condition),
            };
            GraphNode::new(target.name(), state)
        };
        Graph { nodes: indices.iter().map(node).collect(), edges }
    }

    fn to_dot(&self) -> String {
        let mut dot = "digraph pipex {\n  rankdir=LR;\n  node [shape=box, style=filled];\n".to_owned();
        for (number, GraphNode { label, state }) in self.nodes.iter().enumerate() {
            let _ = writeln!(dot, "  n{number} [label={}, fillcolor=\"{}\"];", quote(label), state.color());
        }
        for (from, to, count) in &self.edges {
            let label = if *count > 1 { format!(" [label=\"{count}\"]") } else { String::new() };
            let _ = writeln!(dot, "  n{from} -> n{to}{label};");
        }
        dot + "}"
    }

    fn to_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (number, GraphNode { label, state }) in self.nodes.iter().enumerate() {
            let _ = writeln!(text, "  n{number}[\"{}\"]:::{}", escape_markup(label), state.name());
        }
        for (from, to, count) in &self.edges {
            let label = if *count > 1 { format!("|{count}|") } else { String::new() };
            let _ = writeln!(text, "  n{from} -->{label} n{to}");
        }
        let is_there = |(state, ..): &(NodeState, &str, &str)| self.nodes.iter().any(|node| node.state == *state);
        for (_, name, color) in NodeState::ALL.into_iter().filter(is_there) {
            let _ = writeln!(text, "  classDef {name} fill:{color},stroke:#616161");
        }
        text.trim_end().to_owned()
    }

    pub fn draw_svg(&self) -> Result<String, CommandError> {
        let dot = self.to_dot();
        let graph = DotParser::new(&dot).process().map_err(CommandError::Draw)?;
        let mut builder = GraphBuilder::new();
        builder.visit_graph(&graph);
        let mut svg = SVGWriter::new();
        builder.get().do_it(false, false, false, &mut svg);
        let svg = svg.finalize();
        // What stands before it is for a file of its own.
        Ok(svg.find("<svg").map_or(svg.clone(), |start| svg[start..].to_owned()))
    }
}

pub fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
