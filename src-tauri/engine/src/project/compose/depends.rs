//! `depends_on` and `links`: which service waits for which, and how long.

use super::service::Notes;
use crate::project::yaml::{Node, Value};

/// A service that must have come so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) struct Needed {
    pub name: String,
    pub moment: Moment,
    /// Whether the service can go without.
    pub required: bool,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum Moment {
    Started,
    Healthy,
    Completed,
}

/// Reads `depends_on`, short or long.
pub(super) fn read(node: &Node, notes: &mut Notes<'_>) -> Vec<Needed> {
    let started = |name: String| Needed { name, moment: Moment::Started, required: true };
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::scalar).map(started).collect(),
        Value::Table(entries) => entries
            .iter()
            .map(|(key, node)| {
                let moment = match node.get("condition").and_then(Node::text) {
                    None | Some("service_started") => Moment::Started,
                    Some("service_healthy") => Moment::Healthy,
                    Some("service_completed_successfully") => Moment::Completed,
                    Some(other) => {
                        notes.add(node.line, format!("the condition `{other}`"));
                        Moment::Healthy
                    }
                };
                for (option, _) in node.entries() {
                    if !["condition", "required", "restart"].contains(&option.name.as_str()) {
                        notes.add(option.line, format!("`depends_on.{}.{}`", key.name, option.name));
                    }
                }
                let required = node.get("required").is_none_or(|required| required.value != Value::Flag(false));
                Needed { name: key.name.clone(), moment, required }
            })
            .collect(),
        _ => {
            notes.wrong("depends_on", node);
            Vec::new()
        }
    }
}

/// Reads `links`: services, some of them under another name.
pub(super) fn links(node: &Node, notes: &mut Notes<'_>) -> Vec<Needed> {
    let mut found = Vec::new();
    for item in node.items() {
        let text = item.scalar().unwrap_or_default();
        let (name, alias) = text.split_once(':').unwrap_or((&text, ""));
        if !alias.is_empty() && alias != name {
            notes.add(item.line, format!("the name `{alias}` for `{name}` in `links`"));
        }
        found.push(Needed { name: name.to_owned(), moment: Moment::Started, required: true });
    }
    found
}
