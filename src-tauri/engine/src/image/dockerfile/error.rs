//! Why a Dockerfile gave no image.

use std::path::PathBuf;

/// Why a Dockerfile gave no image.
#[derive(Debug, thiserror::Error)]
pub enum DockerfileError {
    /// The file is not there.
    #[error("there is no `{dockerfile}`", dockerfile = dockerfile.display())]
    Missing {
        /// The file, relative to the project.
        dockerfile: PathBuf,
    },
    /// The file cannot be read.
    #[error("`{dockerfile}` cannot be read: {reason}", dockerfile = dockerfile.display())]
    Unreadable {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file has a mistake.
    #[error("{}: {reason}", place(dockerfile, *line))]
    Syntax {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// The line, from 1.
        line: Option<u32>,
        /// What is wrong.
        reason: String,
    },
    /// An instruction failed.
    #[error("`{instruction}` failed ({}): {reason}", place(dockerfile, *line))]
    Instruction {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// The line, from 1.
        line: Option<u32>,
        /// The instruction.
        instruction: String,
        /// Such as `exit code: 1`.
        reason: String,
        /// Its last lines of output.
        output: Vec<String>,
    },
    /// An image that the build stands on cannot be had.
    #[error("image `{image}` cannot be pulled ({}): {reason}", place(dockerfile, *line))]
    BaseMissing {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// The line of its `FROM`, from 1.
        line: Option<u32>,
        /// The image.
        image: String,
        /// What the engine said.
        reason: String,
    },
    /// The stage to build does not exist.
    #[error("`{dockerfile}` has no stage `{stage}`", dockerfile = dockerfile.display())]
    StageUnknown {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// The stage.
        stage: String,
    },
    /// A build secret has no value.
    #[error("build secret `{id}` has no value: {reason}")]
    SecretMissing {
        /// Its id.
        id: String,
        /// What is missing.
        reason: String,
    },
    /// The engine refused for another reason.
    #[error("the engine could not build {dockerfile}: {reason}", dockerfile = dockerfile.display())]
    Refused {
        /// The file, relative to the project.
        dockerfile: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The engine has no BuildKit, or went away.
    #[error("the engine's builder does not answer: {reason}")]
    Unreachable {
        /// What was tried and came back.
        reason: String,
    },
    /// Somebody cancelled.
    #[error("the build was cancelled")]
    Cancelled,
}

fn place(dockerfile: &std::path::Path, line: Option<u32>) -> String {
    match line {
        Some(line) => format!("{}:{line}", dockerfile.display()),
        None => dockerfile.display().to_string(),
    }
}

impl DockerfileError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => {
                Some("correct `[build] dockerfile`, or remove it: without one the image is built from the lock".to_owned())
            }
            Self::BaseMissing { image, .. } if image.starts_with("docker/dockerfile") => {
                Some("the `# syntax=` line asks for this image: remove the line, or let the engine reach Docker Hub".to_owned())
            }
            Self::BaseMissing { .. } => Some("check the name, the network and the login of its registry".to_owned()),
            Self::StageUnknown { .. } => Some("correct `[build] stage`, or remove it to build the last stage".to_owned()),
            Self::SecretMissing { id, .. } => {
                Some(format!("`[build.secrets] {id}` names a file of the project, or a variable as `env:NAME`"))
            }
            Self::Unreachable { .. } => Some("use Docker 20.10 or newer, which has BuildKit built in".to_owned()),
            Self::Unreadable { .. } | Self::Syntax { .. } | Self::Instruction { .. } | Self::Refused { .. } | Self::Cancelled => {
                None
            }
        }
    }

    /// Returns longer evidence: the last lines of the instruction that failed.
    pub fn details(&self) -> &[String] {
        match self {
            Self::Instruction { output, .. } => output,
            _ => &[],
        }
    }
}
