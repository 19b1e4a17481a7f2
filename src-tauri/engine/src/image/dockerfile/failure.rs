//! Says why a build failed: which line of the Dockerfile, in whose words.

use std::path::Path;

use serde::Deserialize;
use tonic::Status;

use super::DockerfileError;
use super::progress::FailedStep;

/// Turns the engine's refusal into a situation that a person can act on.
pub(super) fn explain(dockerfile: &Path, text: &str, status: &Status, step: Option<FailedStep>) -> DockerfileError {
    let message = message(status);
    let dockerfile = dockerfile.to_owned();
    if let Some(image) = step.as_ref().and_then(|step| wanted_image(&step.name)) {
        let line = image_line(text, &image);
        let reason = after_name(&message, &image).to_owned();
        return DockerfileError::BaseMissing { dockerfile, line, image, reason };
    }
    if let Some((_, stage)) = message.split_once("target stage ") {
        let stage = stage.split_whitespace().next().unwrap_or_default().trim_matches('"').to_owned();
        return DockerfileError::StageUnknown { dockerfile, stage };
    }
    if let Some((line, reason)) = parse_error(&message) {
        return DockerfileError::Syntax { dockerfile, line: Some(line), reason };
    }
    let by_engine = source_line(status);
    let named = step.as_ref().map(|step| instruction(&step.name));
    let line = by_engine.or_else(|| instruction_line(text, named?));
    match (line, step) {
        (None, None) => DockerfileError::Refused { dockerfile, reason: message },
        (line, step) => DockerfileError::Instruction {
            dockerfile,
            line,
            instruction: line
                .and_then(|line| instruction_at(text, line))
                .unwrap_or_else(|| step.as_ref().map(|step| instruction(&step.name).to_owned()).unwrap_or_default()),
            reason: last_cause(&message),
            output: step.map(|step| step.tail).unwrap_or_default(),
        },
    }
}

/// Removes the layers that the engine wraps around the reason.
fn message(status: &Status) -> String {
    let mut message = status.message().trim();
    let wrappers = [
        "failed to solve: ",
        "failed to solve with frontend dockerfile.v0: ",
        "failed to create LLB definition: ",
        "failed to build LLB: ",
        "failed to compute cache key: ",
    ];
    // "rpc error: code = Unknown desc = …" may stand between them.
    let coded = |message: &'_ str| message.starts_with("rpc error: code = ");
    loop {
        let unwrapped = match message.split_once(" desc = ") {
            Some((_, rest)) if coded(message) => rest,
            _ => match wrappers.iter().find_map(|wrapper| message.strip_prefix(wrapper)) {
                Some(rest) => rest,
                None => return message.to_owned(),
            },
        };
        message = unwrapped;
    }
}

/// A step's failure comes as "process … did not complete successfully: exit code: 1", or in older engines "executor failed running […]: exit code: 1".
fn last_cause(message: &str) -> String {
    for marker in ["did not complete successfully: ", "executor failed running "] {
        if let Some((_, rest)) = message.split_once(marker) {
            return match rest.rsplit_once("]: ") {
                Some((_, code)) => code.to_owned(),
                None => rest.to_owned(),
            };
        }
    }
    let checksum = message.strip_prefix("failed to calculate checksum of ref ").and_then(|rest| rest.split_once(": "));
    checksum.map_or(message, |(_, rest)| rest).to_owned()
}

/// The image's name may be repeated several times before the reason.
fn after_name<'a>(message: &'a str, image: &str) -> &'a str {
    let name = format!("{image}: ");
    message.rfind(&name).and_then(|start| message.get(start + name.len()..)).unwrap_or(message)
}

/// Steps in which the engine looks for an image: a base, or the one that a `# syntax=` line names.
const LOOKING_FOR_IMAGES: [&str; 2] = ["load metadata for ", "resolve image config for "];

fn wanted_image(step: &str) -> Option<String> {
    let image = LOOKING_FOR_IMAGES.iter().find_map(|looking| instruction(step).strip_prefix(looking))?;
    Some(short(image.strip_prefix("docker-image://").unwrap_or(image)))
}

/// `docker.io/library/python:3.13` is what people write as `python:3.13`.
fn short(image: &str) -> String {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    image.strip_prefix("library/").unwrap_or(image).to_owned()
}

/// Reads "dockerfile parse error line 3: unknown instruction: FORM", "dockerfile parse error on line 3: …".
fn parse_error(message: &str) -> Option<(u32, String)> {
    let rest = message.split_once("parse error").map(|(_, rest)| rest)?;
    let (_, rest) = rest.split_once("line ")?;
    let (number, reason) = rest.split_once(": ")?;
    Some((number.trim().parse().ok()?, reason.to_owned()))
}

/// The engine attaches the place in the Dockerfile to its refusal: a `google.rpc.Status` whose details hold JSON.
fn source_line(status: &Status) -> Option<u32> {
    #[derive(Deserialize)]
    struct Source {
        #[serde(default)]
        ranges: Vec<Range>,
    }
    #[derive(Deserialize)]
    struct Range {
        start: Option<Position>,
    }
    #[derive(Deserialize)]
    struct Position {
        line: Option<u32>,
    }
    let details = status.details();
    let marker = b"errdefs.Source+json";
    let start = details.windows(marker.len()).position(|window| window == marker)? + marker.len();
    let json = details.get(start..)?;
    let begin = json.iter().position(|byte| *byte == b'{')?;
    let mut values = serde_json::Deserializer::from_slice(json.get(begin..)?).into_iter::<Source>();
    let source = values.next()?.ok()?;
    source.ranges.first()?.start.as_ref()?.line.filter(|line| *line > 0)
}

/// `[builder 2/4] RUN x` is the instruction `RUN x`.
fn instruction(step: &str) -> &str {
    match step.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, instruction)) => instruction,
        None => step,
    }
}

/// Instructions with the line at which each begins; continued lines are joined.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let piece = trimmed.strip_suffix('\\').unwrap_or(trimmed).trim_end();
        match found.last_mut() {
            Some((_, instruction)) if open => {
                instruction.push(' ');
                instruction.push_str(piece);
            }
            _ => found.push((number, piece.to_owned())),
        }
        open = trimmed.ends_with('\\');
    }
    found
}

fn instruction_at(text: &str, line: u32) -> Option<String> {
    instructions(text).into_iter().rfind(|(start, _)| *start <= line).map(|(_, instruction)| instruction)
}

fn instruction_line(text: &str, step: &str) -> Option<u32> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = squeeze(step);
    instructions(text).into_iter().find(|(_, instruction)| squeeze(instruction) == wanted).map(|(line, _)| line)
}

fn image_line(text: &str, image: &str) -> Option<u32> {
    let from = |instruction: &str| instruction.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("from "));
    let named = instructions(text).into_iter().find(|(_, instruction)| from(instruction) && instruction.contains(image));
    named.map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment\nFROM python:3.13-slim AS base\n\nRUN echo one \\\n    # inside\n    && false\nCOPY a b\n";

    fn status(message: &str) -> Status {
        Status::unknown(message)
    }

    fn explained(message: &str, step: Option<&str>) -> DockerfileError {
        let step = step.map(|name| FailedStep { name: name.into(), tail: vec!["last words".into()] });
        explain(Path::new("Dockerfile"), TEXT, &status(message), step)
    }

    #[test]
    fn a_failing_instruction_is_found_in_the_file() {
        let messages = [
            "failed to solve: process \"/bin/sh -c echo one     && false\" did not complete successfully: exit code: 1",
            "executor failed running [/bin/sh -c echo one     && false]: exit code: 1",
        ];
        for message in messages {
            let error = explained(message, Some("[base 2/3] RUN echo one     && false"));
            assert_eq!(error.to_string(), "`RUN echo one && false` failed (Dockerfile:4): exit code: 1");
            assert!(matches!(error, DockerfileError::Instruction { output, .. } if output == ["last words"]));
        }
    }

    #[test]
    fn the_engines_own_place_is_preferred() {
        let json = br#"{"info":{"filename":"Dockerfile","data":"e30="},"ranges":[{"start":{"line":7},"end":{"line":7}}]}"#;
        let mut details = b"\n.github.com/moby/buildkit/errdefs.Source+json\x12\x60".to_vec();
        details.extend_from_slice(json);
        details.extend_from_slice(b"\x1a\x00");
        let status = Status::with_details(tonic::Code::Unknown, "lost", details.into());
        let error = explain(Path::new("Dockerfile"), TEXT, &status, None);
        assert!(
            matches!(&error, DockerfileError::Instruction { line: Some(7), instruction, .. } if instruction == "COPY a b"),
            "{error:?}"
        );
    }

    #[test]
    fn missing_images_stages_and_mistakes_are_told_apart() {
        let error = explained(
            "failed to solve: python:9.9: failed to resolve source metadata for docker.io/library/python:3.13-slim: docker.io/library/python:3.13-slim: not found",
            Some("[internal] load metadata for docker.io/library/python:3.13-slim"),
        );
        assert!(
            matches!(&error, DockerfileError::BaseMissing { image, line: Some(2), reason, .. } if image == "python:3.13-slim" && reason == "not found"),
            "{error:?}"
        );
        let error = explained("target stage release could not be found", None);
        assert!(matches!(&error, DockerfileError::StageUnknown { stage, .. } if stage == "release"), "{error:?}");
        for message in [
            "dockerfile parse error line 3: unknown instruction: FORM",
            "dockerfile parse error on line 3: unknown instruction: FORM",
        ] {
            assert_eq!(explained(message, None).to_string(), "Dockerfile:3: unknown instruction: FORM");
        }
        assert_eq!(explained("something else", None).to_string(), "the engine could not build Dockerfile: something else");
    }
}
