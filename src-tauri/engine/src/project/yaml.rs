//! One YAML file of the project as a tree whose nodes know their lines. Knows nothing of what the keys mean.
//!
//! Anchors, aliases and merge keys are resolved: a node that stands behind an alias bears the line where it was written.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::document::read_text;
use super::{At, ProjectError};

/// Nodes that aliases may stand for, altogether: more than any file that a person keeps, and little enough to hold.
const LARGEST_REPLAY: usize = 100_000;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    /// From 1.
    pub line: u32,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Flag(bool),
    /// A number, as it is written where it is whole, else as short as it can be.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
}

/// A key of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub name: String,
    pub line: u32,
}

/// Reads a YAML file of the project; none when there is no such file.
pub(super) fn read(root: &Path, file: &Path) -> Result<Option<Node>, ProjectError> {
    read_text(root, file)?.map(|text| parse(&text, file)).transpose()
}

/// Parses a text; an empty one is null.
pub(super) fn parse(text: &str, file: &Path) -> Result<Node, ProjectError> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { value: Value::Null, line: 1 });
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: LARGEST_REPLAY },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (number(at.line()), number(at.column())));
        let message = error.render_with_formatter(&UserMessageFormatter);
        ProjectError::Yaml { at: At::new(file, line), column, message: message.lines().next().unwrap_or_default().to_owned() }
    })
}

fn number(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).max(1)
}

impl Node {
    /// Returns the value under a key of a table.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// Returns the entries of a table; none of anything else.
    pub fn entries(&self) -> &[(Key, Self)] {
        if let Value::Table(entries) = &self.value { entries } else { &[] }
    }

    /// Returns the items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// Returns a text.
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// Returns a text, or a number or flag as a text.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::Null | Value::List(_) | Value::Table(_) => None,
        }
    }

    /// Names what it is, with its article.
    pub fn described(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Flag(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { value, line: number(defined.line()) })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = table.next_entry::<Node, Node>()? {
            entries.push((Key { name: key.scalar().unwrap_or_default(), line: key.line }, node));
        }
        Ok(Value::Table(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse(text, Path::new("compose.yaml")).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn nodes_know_what_they_are_and_where_they_stand() {
        let tree = tree("# a comment\na: text\nb: [1, 2.50, true, ~, no, 0755]\n\nc:\n  d: |\n    two\n    lines\n  7: x\n");
        assert_eq!(tree.get("a"), Some(&Node { value: Value::Text("text".into()), line: 2 }));
        let items: Vec<_> = tree.get("b").unwrap().items().iter().map(|item| (item.described(), item.scalar())).collect();
        let some = |text: &str| Some(text.to_owned());
        let expected = [
            ("a number", some("1")),
            ("a number", some("2.5")),
            ("a boolean", some("true")),
            ("nothing", None),
            ("a string", some("no")),
            ("a string", some("0755")),
        ];
        assert_eq!(items, expected);
        let c = tree.get("c").unwrap();
        assert_eq!(c.get("d").unwrap().text(), Some("two\nlines\n"));
        let keys: Vec<_> = c.entries().iter().map(|(key, node)| (key.name.as_str(), key.line, node.line)).collect();
        assert_eq!(keys, [("d", 6, 7), ("7", 9, 9)]);
        assert_eq!(parse("# nothing\n\n", Path::new("x")).unwrap().value, Value::Null);
    }

    #[test]
    fn anchors_and_merge_keys_are_resolved_and_keep_their_lines() {
        let tree = tree(
            "x-one: &one\n  A: 1\n  B: 1\nx-two: &two\n  B: 2\n  C: 2\nservices:\n  db:\n    environment:\n      <<: [*one, *two]\n      A: own\n  other: *two\n",
        );
        let environment = tree.get("services").unwrap().get("db").unwrap().get("environment").unwrap();
        let mut entries: Vec<_> =
            environment.entries().iter().map(|(key, node)| (key.name.as_str(), node.scalar().unwrap(), node.line)).collect();
        entries.sort();
        assert_eq!(entries, [("A", "own".into(), 11), ("B", "1".into(), 3), ("C", "2".into(), 6)]);
        assert_eq!(tree.get("services").unwrap().get("other").unwrap().get("C").unwrap().line, 6);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = |text: &str| match parse(text, Path::new("compose.yaml")) {
            Err(ProjectError::Yaml { at, message, .. }) => (at.to_string(), message),
            other => panic!("{other:?}"),
        };
        assert_eq!(error("a: 1\nb: [1,\nc: 2\n").0.split(':').next(), Some("compose.yaml"));
        let (at, message) = error("a: 1\nb: 2\na: 3\n");
        assert_eq!(at, "compose.yaml:3", "{message}");
        assert_eq!(error("a: *nobody\n").0, "compose.yaml:1");
        assert_eq!(error("a: 1\n---\na: 2\n").0.split(':').next(), Some("compose.yaml"));
    }

    #[test]
    fn aliases_of_aliases_do_not_fill_the_memory() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..=9 {
            let before = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", ")));
        }
        assert!(matches!(parse(&text, Path::new("compose.yaml")), Err(ProjectError::Yaml { .. })));
    }
}
