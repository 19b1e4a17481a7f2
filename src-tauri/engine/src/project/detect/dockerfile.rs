//! Reads from a Dockerfile what decides how its image runs: the stage's base, its ports and its command.

use std::path::Path;

use crate::project::document::read_text;
use crate::project::{At, Located, ProjectError};

/// What a Dockerfile's final stage says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::project) struct Dockerfile {
    /// The image that its chain of stages stands on.
    pub base: Option<Located<String>>,
    /// `EXPOSE`, in order.
    pub ports: Vec<Located<u16>>,
    /// `CMD` (or `ENTRYPOINT` followed by it), split at spaces in the shell form.
    pub command: Option<Located<Vec<String>>>,
    /// The names of its stages.
    pub stages: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Stage {
    name: Option<String>,
    from: Option<Located<String>>,
    ports: Vec<Located<u16>>,
    command: Option<Located<Vec<String>>>,
    entrypoint: Option<Located<Vec<String>>>,
}

/// Reads a Dockerfile; none when there is no such file.
pub(in crate::project) fn read(root: &Path, file: &Path, stage: Option<&str>) -> Result<Option<Dockerfile>, ProjectError> {
    Ok(read_text(root, file)?.map(|text| parse(&text, file, stage)))
}

fn parse(text: &str, file: &Path, wanted: Option<&str>) -> Dockerfile {
    let stages = stages(text, file);
    let named = |name: &str| stages.iter().find(|stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)));
    let last = match wanted {
        Some(name) => named(name),
        None => stages.last(),
    };
    let mut found =
        Dockerfile { stages: stages.iter().filter_map(|stage| stage.name.clone()).collect(), ..Dockerfile::default() };
    // `FROM base AS final` goes on with what the stage `base` said.
    let (mut next, mut entrypoint, mut links) = (last, None::<Located<Vec<String>>>, 0);
    while let Some(stage) = next {
        links += 1;
        if found.ports.is_empty() {
            found.ports.clone_from(&stage.ports);
        }
        found.command = found.command.take().or_else(|| stage.command.clone());
        entrypoint = entrypoint.or_else(|| stage.entrypoint.clone());
        found.base.clone_from(&stage.from);
        next = stage.from.as_ref().and_then(|from| named(&from.value)).filter(|_| links <= stages.len());
    }
    if let Some(mut entrypoint) = entrypoint {
        entrypoint.value.extend(found.command.take().into_iter().flat_map(|command| command.value));
        found.command = Some(entrypoint);
    }
    found
}

fn stages(text: &str, file: &Path) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut arguments: Vec<(String, String)> = Vec::new();
    for (number, line) in instructions(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let (at, rest) = (At::new(file, number), rest.trim());
        match (word.to_ascii_uppercase().as_str(), stages.last_mut()) {
            ("ARG", None) => arguments
                .extend(rest.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim_matches('"').to_owned()))),
            ("FROM", _) => {
                let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let mut image = words.next().unwrap_or_default().to_owned();
                for (name, value) in &arguments {
                    image = image.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
                }
                let name =
                    words.next().filter(|word| word.eq_ignore_ascii_case("as")).and_then(|_| words.next()).map(str::to_owned);
                stages.push(Stage { name, from: Some(Located::new(image, at)), ..Stage::default() });
            }
            ("EXPOSE", Some(stage)) => {
                let ports = rest
                    .split_whitespace()
                    .filter(|port| !port.ends_with("/udp"))
                    .filter_map(|port| port.trim_end_matches("/tcp").parse().ok());
                stage.ports.extend(ports.map(|port| Located::new(port, at.clone())));
            }
            ("CMD", Some(stage)) => stage.command = Some(Located::new(words(rest), at)),
            ("ENTRYPOINT", Some(stage)) => stage.entrypoint = Some(Located::new(words(rest), at)),
            _ => {}
        }
    }
    stages
}

/// Reads the list of the exec form, or the words of the shell form.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| text.split_whitespace().map(str::to_owned).collect())
}

/// Joins continued lines and drops comments; each with its number, from 1.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (first, mut joined) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(continued) => {
                joined.push_str(continued);
                joined.push(' ');
                open = Some((first, joined));
            }
            None => {
                joined.push_str(line);
                found.push((first, joined));
            }
        }
    }
    found.extend(open);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ARG PY=3.12\n# syntax\nFROM python:${PY}-slim AS base\nEXPOSE 8080/tcp 53/udp\nCMD [\"uvicorn\", \\\n  \"a:b\"]\nFROM node AS assets\nRUN x\nfrom base as final\nentrypoint [\"tini\", \"--\"]\n";

    #[test]
    fn the_last_stage_goes_on_with_what_it_stands_on() {
        let found = parse(TEXT, Path::new("Dockerfile"), None);
        assert_eq!(found.base.map(|base| (base.value, base.at.line)), Some(("python:3.12-slim".into(), 3)));
        assert_eq!(found.ports.iter().map(|port| (port.value, port.at.line)).collect::<Vec<_>>(), [(8080, 4)]);
        assert_eq!(found.command.map(|command| command.value), Some(words(r#"["tini", "--", "uvicorn", "a:b"]"#)));
        assert_eq!(found.stages, ["base", "assets", "final"]);
    }

    #[test]
    fn a_stage_can_be_named() {
        let found = parse(TEXT, Path::new("Dockerfile"), Some("assets"));
        assert_eq!(found.base.map(|base| base.value), Some("node".into()));
        assert_eq!(found.command, None);
    }

    #[test]
    fn a_circle_of_stages_ends() {
        assert_eq!(parse("FROM a AS a\n", Path::new("Dockerfile"), None).base.map(|base| base.value), Some("a".into()));
    }
}
