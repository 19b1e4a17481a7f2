//! One service of a compose file, key by key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::depends::{self, Moment, Needed};
use super::healthcheck;
use super::interpolate::interpolate;
use super::variables::{Interpolation, Variables};
use super::volumes;
use crate::model::{CommandLine, Ready, ServiceContainer};
use crate::project::document::read_text;
use crate::project::place::slashed;
use crate::project::yaml::{Key, Node, Value};
use crate::project::{At, Located};

/// Keys that mean nothing to a service that lives as long as a run and is reached by nobody but gates.
const MEANINGLESS: [&str; 22] = [
    "annotations",
    "attach",
    "container_name",
    "deploy",
    "develop",
    "expose",
    "healthcheck",
    "labels",
    "label_file",
    "logging",
    "mem_limit",
    "mem_reservation",
    "cpus",
    "ports",
    "profiles",
    "pull_policy",
    "restart",
    "scale",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "tty",
];

/// Reads the services of one file.
pub(super) struct Reader<'a> {
    pub root: &'a Path,
    /// The file's folder, relative to the project: paths in it are relative to that.
    pub base: &'a Path,
    pub file: &'a Path,
    pub top: &'a Node,
    pub variables: &'a Variables<'a>,
}

/// A service, as the file describes it.
#[derive(Debug, Clone)]
pub(in crate::project) struct ComposeService {
    pub name: String,
    pub at: At,
    pub image: Option<Located<String>>,
    pub command: Option<Located<CommandLine>>,
    pub env: Vec<ComposeVariable>,
    pub ready: Option<Located<Ready>>,
    pub within: Option<Duration>,
    pub container: ServiceContainer,
    pub after: Vec<Needed>,
    /// Whether no profile keeps it back.
    pub is_active: bool,
    /// What is not understood about it.
    pub notes: Vec<Located<String>>,
    /// The folder that its image is built from, relative to the project; none within where it lies outside.
    pub builds: Option<Option<PathBuf>>,
    /// The service of the same file whose settings it takes.
    pub extends: Option<String>,
}

/// A variable of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) struct ComposeVariable {
    pub name: String,
    pub value: String,
    /// As it stands in the file: what came from the caller's environment may be a secret.
    pub shown: String,
    pub at: At,
}

/// Gathers what is not understood about a service.
pub(super) struct Notes<'a> {
    service: &'a str,
    file: &'a Path,
    found: Vec<Located<String>>,
}

impl Notes<'_> {
    /// Says that something is not understood.
    pub fn add(&mut self, line: u32, what: String) {
        self.push(line, format!("{what} is not understood and left out"));
    }

    /// Says that something is left out, and why.
    pub fn left_out(&mut self, line: u32, what: &str, why: &str) {
        self.push(line, format!("`{what}` {why} and is left out"));
    }

    /// Says that a key is not of a type that it may have.
    pub fn wrong(&mut self, key: &str, node: &Node) {
        self.left_out(node.line, key, &format!("is {}", node.described()));
    }

    fn push(&mut self, line: u32, text: String) {
        let text = format!("service `{}`: {text}", self.service);
        self.found.push(Located::new(text, At::new(self.file, line)));
    }

    fn unset(&mut self, line: u32, name: &str) {
        let text = format!("the variable `{name}` is not set and taken as empty");
        if !self.found.iter().any(|known| known.value.ends_with(&text)) {
            self.push(line, text);
        }
    }
}

impl ComposeService {
    /// Tells whether it is the project itself.
    pub(super) fn is_built_from_project(&self) -> bool {
        matches!(&self.builds, Some(Some(context)) if context.as_os_str().is_empty())
    }

    pub(super) fn image_name(&self) -> Option<String> {
        self.image.as_ref().map(|image| image.value.clone())
    }

    /// Returns the moment until which another service waits for this one.
    pub fn awaited_by(&self, other: &Self) -> Option<Moment> {
        other.after.iter().find(|needed| needed.name == self.name).map(|needed| needed.moment)
    }
}

impl Reader<'_> {
    fn at(&self, line: u32) -> At {
        At::new(self.file, line)
    }

    /// Reads one service; what of it cannot be done is kept as the reason why it cannot be had.
    pub fn service(&self, key: &Key, node: &Node) -> ComposeService {
        let mut notes = Notes { service: &key.name, file: self.file, found: Vec::new() };
        let mut refused: Vec<String> = Vec::new();
        let raw = node;
        let node = &self.filled(node, &mut notes, &mut refused);
        let get = |name: &str| node.get(name).filter(|node| node.value != Value::Null);
        let text = |name: &str, notes: &mut Notes<'_>| {
            let found = get(name)?;
            let text = found.scalar();
            if text.is_none() {
                notes.wrong(name, found);
            }
            text
        };
        let image =
            text("image", &mut notes).map(|image| Located::new(image, self.at(get("image").map_or(key.line, |n| n.line))));
        let health = get("healthcheck").map(|node| healthcheck::read(node, &mut notes));
        let mut after = get("depends_on").map(|node| depends::read(node, &mut notes)).unwrap_or_default();
        for link in get("links").map(|node| depends::links(node, &mut notes)).unwrap_or_default() {
            if !after.iter().any(|known| known.name == link.name) {
                after.push(link);
            }
        }
        let name_of_image = image.as_ref().map(|image| image.value.clone()).unwrap_or_default();
        let mut mounts = get("volumes").map(|node| volumes::read(self, node, &name_of_image, &mut notes)).unwrap_or_default();
        mounts.tmpfs.extend(get("tmpfs").map(|node| volumes::tmpfs(node, &mut notes)).unwrap_or_default());
        for key in ["secrets", "configs"] {
            mounts.files.extend(get(key).map(|node| volumes::granted(self, key, node, &mut notes)).unwrap_or_default());
        }
        let mut env = get("env_file").map(|node| self.env_files(node, &mut refused, &mut notes)).unwrap_or_default();
        for variable in get("environment").map(|node| self.environment(node, raw, &mut notes)).unwrap_or_default() {
            env.retain(|known| known.name != variable.name);
            env.push(variable);
        }
        let container = ServiceContainer {
            entrypoint: get("entrypoint").and_then(|node| words("entrypoint", node, &mut notes)),
            user: text("user", &mut notes),
            workdir: text("working_dir", &mut notes),
            tmpfs: mounts.tmpfs,
            shared_memory: self.shared_memory(get("shm_size"), &mut notes),
            aliases: aliases(node, &key.name, &mut notes),
            files: mounts.files,
            volumes: mounts.volumes,
            ..ServiceContainer::default()
        };
        let command = get("command").and_then(|node| {
            let words = words("command", node, &mut notes)?;
            (!words.is_empty()).then(|| Located::new(CommandLine::Exec(words), self.at(node.line)))
        });
        let builds = get("build").map(|build| self.context(build));
        let extends = get("extends").and_then(|extends| extends.scalar().or_else(|| extends.get("service")?.scalar()));
        self.refuse(&key.name, node, image.is_some(), builds.as_ref(), &mut refused);
        self.name_the_rest(node, &mut notes);
        ComposeService {
            name: key.name.clone(),
            at: self.at(key.line),
            image,
            command,
            env,
            ready: health.as_ref().and_then(|health| Some(Located::new(health.ready.clone()?, self.at(health.line)))),
            within: health.as_ref().and_then(|health| health.within),
            container: ServiceContainer { refused: refused.into_iter().next(), ..container },
            after,
            is_active: self.is_active(get("profiles")),
            notes: notes.found,
            builds,
            extends,
        }
    }

    /// Fills in the variables of every value.
    fn filled(&self, node: &Node, notes: &mut Notes<'_>, refused: &mut Vec<String>) -> Node {
        let value = match &node.value {
            Value::Text(text) => match interpolate(text, &|name| self.variables.get(name)) {
                Ok(filled) => {
                    for name in &filled.unset {
                        notes.unset(node.line, name);
                    }
                    Value::Text(filled.text)
                }
                Err(reason) => {
                    refused.push(format!("{reason} ({})", self.at(node.line)));
                    Value::Null
                }
            },
            Value::List(items) => Value::List(items.iter().map(|item| self.filled(item, notes, refused)).collect()),
            Value::Table(entries) => {
                Value::Table(entries.iter().map(|(key, node)| (key.clone(), self.filled(node, notes, refused))).collect())
            }
            other => other.clone(),
        };
        Node { value, line: node.line }
    }

    /// Says why a service cannot be had.
    fn refuse(&self, name: &str, node: &Node, has_image: bool, builds: Option<&Option<PathBuf>>, refused: &mut Vec<String>) {
        let line = |key: &str| self.at(node.get(key).map_or(node.line, |node| node.line));
        if builds.is_some() {
            let folder = builds.and_then(Option::as_ref).map(|folder| slashed(folder)).unwrap_or_default();
            let folder = if folder.is_empty() { "a folder outside the project".to_owned() } else { format!("`{folder}`") };
            refused.push(format!("its image is built from {folder} ({}), which is not done for gates", line("build")));
        } else if node.get("extends").is_some() {
            refused.push(format!("it extends another service ({}), which is not understood", line("extends")));
        } else if !has_image {
            refused.push(format!("it has no image ({})", self.at(node.line)));
        }
        // Names become host names and parts of containers' names.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            refused.push(format!("`{name}` cannot be the name of a container ({})", self.at(node.line)));
        }
    }

    fn name_the_rest(&self, node: &Node, notes: &mut Notes<'_>) {
        const READ: [&str; 19] = [
            "image",
            "command",
            "entrypoint",
            "environment",
            "env_file",
            "depends_on",
            "links",
            "volumes",
            "tmpfs",
            "secrets",
            "configs",
            "user",
            "working_dir",
            "shm_size",
            "networks",
            "hostname",
            "build",
            "extends",
            "init",
        ];
        for (key, _) in node.entries() {
            let name = key.name.as_str();
            if !READ.contains(&name) && !MEANINGLESS.contains(&name) && !name.starts_with("x-") {
                notes.add(key.line, format!("`{name}`"));
            }
        }
    }

    /// Returns the folder of `build`, short or long.
    fn context(&self, build: &Node) -> Option<PathBuf> {
        let text = build.scalar().or_else(|| build.get("context")?.scalar()).unwrap_or_else(|| ".".to_owned());
        volumes::inside(self.base, Path::new(&text))
    }

    fn is_active(&self, profiles: Option<&Node>) -> bool {
        let wanted: Vec<String> = profiles.map(|node| node.items().iter().filter_map(Node::scalar).collect()).unwrap_or_default();
        let active = self.variables.get("COMPOSE_PROFILES").unwrap_or_default();
        wanted.is_empty()
            || active.split(',').map(str::trim).any(|profile| profile == "*" || wanted.iter().any(|own| own == profile))
    }

    fn shared_memory(&self, node: Option<&Node>, notes: &mut Notes<'_>) -> Option<u64> {
        let node = node?;
        let text = node.scalar()?;
        let bytes = text.parse().ok().or_else(|| {
            // Compose's units are powers of two, whatever their letters (`64m`, `1gb`).
            let lower = text.trim().to_ascii_lowercase();
            let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = lower.get(digits.len()..)?.trim_end_matches('b');
            let shift = match unit.trim_end_matches('i') {
                "" => 0,
                "k" => 10,
                "m" => 20,
                "g" => 30,
                _ => return None,
            };
            digits.trim().parse::<u64>().ok()?.checked_shl(shift)
        });
        if bytes.is_none() {
            notes.add(node.line, format!("the size `{text}` of `shm_size`"));
        }
        bytes
    }

    /// `environment`, as a table or a list; a name without a value takes the caller's.
    fn environment(&self, node: &Node, raw: &Node, notes: &mut Notes<'_>) -> Vec<ComposeVariable> {
        let raw = raw.get("environment");
        let mut found = Vec::new();
        let mut add = |name: &str, value: Option<String>, shown: Option<String>, line: u32| {
            let shown = shown.unwrap_or_else(|| format!("${{{name}}}"));
            if let Some(value) = value.or_else(|| self.variables.get(name)) {
                found.push(ComposeVariable { name: name.to_owned(), value, shown, at: self.at(line) });
            }
        };
        match &node.value {
            Value::Table(entries) => {
                for (key, node) in entries {
                    let shown = raw.and_then(|raw| raw.get(&key.name)?.scalar());
                    match &node.value {
                        Value::List(_) | Value::Table(_) => notes.wrong(&format!("environment.{}", key.name), node),
                        _ => add(&key.name, node.scalar(), shown, key.line),
                    }
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let text = item.scalar().unwrap_or_default();
                    let shown = raw.and_then(|raw| raw.items().get(index)?.scalar());
                    let shown = shown.and_then(|text| Some(text.split_once('=')?.1.to_owned()));
                    match text.split_once('=') {
                        Some((name, value)) => add(name, Some(value.to_owned()), shown, item.line),
                        None => add(&text, None, None, item.line),
                    }
                }
            }
            _ => notes.wrong("environment", node),
        }
        found
    }

    /// `env_file`: one file or several, each of which may be missing if the file says so.
    fn env_files(&self, node: &Node, refused: &mut Vec<String>, notes: &mut Notes<'_>) -> Vec<ComposeVariable> {
        let one = matches!(node.value, Value::Text(_)).then_some(node);
        let mut found: Vec<ComposeVariable> = Vec::new();
        for item in one.into_iter().chain(node.items()) {
            let Some(file) = item.scalar().or_else(|| item.get("path")?.scalar()) else {
                notes.wrong("env_file", item);
                continue;
            };
            let required = item.get("required").is_none_or(|required| required.value != Value::Flag(false));
            let interpolation = match item.get("format").and_then(Node::text) {
                Some("raw") => Interpolation::Off,
                _ => Interpolation::On,
            };
            let at = self.at(item.line);
            let text = read_text(self.root, &self.base.join(&file));
            let variables = match text {
                Ok(Some(text)) => self.variables.env_file(&text, interpolation),
                Ok(None) if required => Err("there is no such file".to_owned()),
                Ok(None) => Ok(Vec::new()),
                Err(error) => Err(error.to_string()),
            };
            match variables {
                Ok(variables) => {
                    for (name, value) in variables {
                        found.retain(|known| known.name != name);
                        found.push(ComposeVariable { name, value, shown: format!("from {file}"), at: at.clone() });
                    }
                }
                Err(reason) => refused.push(format!("its `env_file` {file} cannot be used: {reason} ({at})")),
            }
        }
        found
    }
}

/// Words of a command: a list, or a line that is split as a shell would, without one (Compose specification, "command").
fn words(key: &str, node: &Node, notes: &mut Notes<'_>) -> Option<Vec<String>> {
    let found = match &node.value {
        Value::Text(line) => shlex::split(line),
        Value::List(items) => Some(items.iter().filter_map(Node::scalar).collect()),
        _ => None,
    };
    if found.is_none() {
        notes.wrong(key, node);
    }
    found
}

/// Names by which a service is known besides its own: `hostname`, `container_name`, and those of its networks.
fn aliases(node: &Node, own: &str, notes: &mut Notes<'_>) -> Vec<String> {
    let mut found: Vec<String> = ["hostname", "container_name"].iter().filter_map(|key| node.get(key)?.scalar()).collect();
    let networks = node.get("networks").map(Node::entries).unwrap_or_default();
    for (network, settings) in networks {
        for (key, value) in settings.entries() {
            match key.name.as_str() {
                "aliases" => found.extend(value.items().iter().filter_map(Node::scalar)),
                "ipv4_address" | "ipv6_address" => notes.add(key.line, format!("the address in the network `{}`", network.name)),
                _ => {}
            }
        }
    }
    found.retain(|alias| alias != own);
    found.sort();
    found.dedup();
    found
}
