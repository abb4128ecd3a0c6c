//! The order and the branches of a trace: spans below the span they name as their parent, whoever sent it.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use super::style::Style;
use crate::trace::{Span, Trace, TraceError};

/// One line of the tree.
pub(super) struct Line<'t> {
    pub(super) branches: String,
    pub(super) node: Node<'t>,
}

/// What hangs in the tree.
#[derive(Clone, Copy)]
pub(super) enum Node<'t> {
    Span(&'t Span),
    Error(&'t TraceError),
}

/// The first lines of the tree, and how many nodes are beyond them or too deep. Every span is in it once: those without a
/// parent in this trace are roots, and of those that are each other's ancestors the first is.
pub(super) fn lines(trace: &Trace, style: Style) -> (Vec<Line<'_>>, usize) {
    let tree = Tree::of(trace);
    let (mut lines, mut hidden) = (Vec::new(), 0);
    let mut seen = HashSet::new();
    // Nodes to come, the next one last; no recursion, senders decide how deep it goes.
    let mut stack = Vec::new();
    push_children(&mut stack, &tree, &tree.roots, &Place { trunk: String::new(), depth: 0 }, style);
    while let Some(step) = stack.pop() {
        let Some(node) = tree.nodes.get(step.node) else {
            continue;
        };
        if !seen.insert(step.node) {
            continue;
        }
        if let Node::Span(span) = node {
            push_children(&mut stack, &tree, tree.children_of(span), &step.below, style);
        }
        if lines.len() < MAX_LINES && step.below.depth <= MAX_DEPTH {
            lines.push(Line { branches: step.branches, node: *node });
        } else {
            hidden += 1;
        }
    }
    (lines, hidden)
}

struct Tree<'t> {
    /// By time; those without one first.
    nodes: Vec<Node<'t>>,
    children: HashMap<u128, Vec<usize>>,
    roots: Vec<usize>,
}

struct Step {
    node: usize,
    branches: String,
    below: Place,
}

/// Where children hang.
struct Place {
    trunk: String,
    depth: usize,
}

impl<'t> Tree<'t> {
    fn of(trace: &'t Trace) -> Tree<'t> {
        let spans = trace.spans.iter().map(Node::Span);
        let mut nodes: Vec<Node<'t>> = spans.chain(trace.errors.iter().map(Node::Error)).collect();
        nodes.sort_by_key(Node::time);
        let known: HashSet<u128> = trace.spans.iter().map(|span| span.id).collect();
        let (mut roots, mut children) = (Vec::new(), HashMap::<u128, Vec<usize>>::new());
        for (index, node) in nodes.iter().enumerate() {
            match node.parent().filter(|parent| known.contains(parent)) {
                Some(parent) => children.entry(parent).or_default().push(index),
                None => roots.push(index),
            }
        }
        let mut tree = Tree { nodes, children, roots };
        tree.root_circles();
        tree
    }

    /// What no root reaches is in a circle or hangs on one: its first span becomes a root.
    fn root_circles(&mut self) {
        let mut reached = HashSet::new();
        let mut roots = self.roots.clone();
        for root in roots.clone() {
            self.reach(root, &mut reached);
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if matches!(node, Node::Span(_)) && !reached.contains(&index) {
                roots.push(index);
                self.reach(index, &mut reached);
            }
        }
        roots.sort_unstable();
        self.roots = roots;
    }

    fn reach(&self, from: usize, reached: &mut HashSet<usize>) {
        let mut next = vec![from];
        while let Some(index) = next.pop() {
            if !reached.insert(index) {
                continue;
            }
            if let Some(Node::Span(span)) = self.nodes.get(index) {
                next.extend(self.children_of(span));
            }
        }
    }

    fn children_of(&self, span: &Span) -> &[usize] {
        self.children.get(&span.id).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Node<'_> {
    fn time(&self) -> Option<SystemTime> {
        match self {
            Node::Span(span) => span.start,
            Node::Error(error) => Some(error.time),
        }
    }

    fn parent(&self) -> Option<u128> {
        match self {
            Node::Span(span) => span.parent,
            Node::Error(error) => error.span,
        }
    }
}

/// Errors have no branch of their own: they are marked where one would begin.
fn push_children(stack: &mut Vec<Step>, tree: &Tree<'_>, children: &[usize], place: &Place, style: Style) {
    let mut last = true;
    for &node in children.iter().rev() {
        let depth = place.depth + 1;
        if let Some(Node::Span(_)) = tree.nodes.get(node) {
            let branches = format!("{}{}", place.trunk, style.branch(last));
            // Deeper places are not shown; their trunks need not grow.
            let trunk = if depth > MAX_DEPTH { String::new() } else { format!("{}{}", place.trunk, style.trunk(last)) };
            stack.push(Step { node, branches, below: Place { trunk, depth } });
            last = false;
        } else {
            stack.push(Step { node, branches: place.trunk.clone(), below: Place { trunk: String::new(), depth } });
        }
    }
}

const MAX_LINES: usize = 200;
const MAX_DEPTH: usize = 24;
