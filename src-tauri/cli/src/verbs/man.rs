//! `nonevent man`

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use roff::Roff;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;
use crate::words::counted;

/// Print the manual page, or write one for each verb
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent man | man -l -", "read it"),
    ("nonevent man --dir ~/.local/share/man/man1", "install them all"),
]))]
pub struct Args {
    /// Write the page of each verb into this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Prints or writes the manual.
///
/// # Errors
/// When a page cannot be written.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let mut command = help::command().propagate_version(true).disable_help_subcommand(true).subcommand_help_heading("VERBS");
    command.build();
    match args.dir {
        None => {
            let page = page(&command).map_err(|source| CliError::CannotWrite { file: None, source })?;
            session.answer("man", json!({ "page": page }), |_| page.trim_end().to_owned());
        }
        Some(dir) => {
            let files = write(&command, &dir)?;
            session
                .answer("man", json!({ "files": files }), |_| format!("{} in {}", counted(files.len(), "page"), dir.display()));
        }
    }
    Ok(Exit::Done)
}

fn write(command: &Command, dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |file: &Path| {
        let file = Some(file.to_owned());
        move |source| CliError::CannotWrite { file, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut files = Vec::new();
    for command in std::iter::once(command).chain(command.get_subcommands()) {
        let file = dir.join(Man::new(command.clone()).get_filename());
        let page = page(command).map_err(failed(&file))?;
        std::fs::write(&file, page).map_err(failed(&file))?;
        files.push(file);
    }
    Ok(files)
}

/// clap's own page runs examples together; here each keeps its line.
fn page(command: &Command) -> io::Result<String> {
    let man = Man::new(command.clone()).source(format!("nonevent {}", command.get_version().unwrap_or_default()));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    as_written(&after.map(ToString::to_string).unwrap_or_default()).to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Sections whose lines stay as they are: a line that ends in a colon is the heading of those that follow.
fn as_written(text: &str) -> Roff {
    let mut sections = Roff::new();
    for block in text.split("\n\n") {
        let (heading, body) = match block.split_once('\n') {
            Some((heading, body)) if heading.ends_with(':') => (Some(heading), body),
            _ => (None, block),
        };
        match heading {
            Some(heading) => sections.control("SH", [heading.trim_end_matches(':').to_uppercase().as_str()]),
            None => sections.control("PP", []),
        };
        sections.control("nf", []);
        for line in body.lines() {
            sections.text([roff::roman(line)]);
        }
        sections.control("fi", []);
    }
    sections
}
