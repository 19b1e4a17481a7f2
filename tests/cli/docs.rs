//! `docs/cli.md` says what `--help` says.

use std::fmt::Write;
use std::path::Path;

use clap::Command;
use nonevent_cli::help::{EXIT_CODES, GROUPS, VARIABLES, command};

const HEAD: &str = "\
# The command line

What `nonevent VERB -h` prints, on one page. A test compares this page with the program; write it anew with
`UPDATE_DOCS=1 cargo nextest run -p nonevent docs`.

Data goes to standard output, everything else to standard error. On a terminal, what goes on is shown moving; in a pipe or a file
there are only final lines. Every mark has a shape of its own, so that nothing depends on colour.

The first Ctrl-C, or SIGTERM, stops a run cleanly: what serves goes on serving. The second ends the process at once; whoever watches, the
next rollout there, or `nonevent recover` then ends what it left in the middle.

With `--json`, each line of standard output is one object: `v` (1), `at`, `type`, `data`; events have `seq`, `project` and `run` as
well. The last line has `type` `result`; its `data.ok` tells whether the verb did what was asked, and `data.problem` why not (`code`,
`message`, `causes`, `hints`, `details`, `diagnosis`). A query prints its result alone. With `-v`, lines of output come in between, as `type`
`line`.
";

fn page() -> String {
    let command = command();
    let mut page = HEAD.to_owned();
    table(&mut page, "Exit codes", &EXIT_CODES);
    page.push_str("\n`nonevent exec` ends with the exit code of the command that it ran.\n");
    table(&mut page, "Variables", &VARIABLES);
    page.push_str("\n## All verbs\n\n");
    fence(&mut page, &mut command.clone().term_width(100));
    for (group, verbs) in GROUPS {
        writeln!(page, "\n## {group}").unwrap();
        for verb in verbs {
            writeln!(page, "\n### `nonevent {verb}`\n").unwrap();
            // Built, so that global options and the name `nonevent VERB` have reached it.
            let mut built = command.clone().term_width(100);
            built.build();
            let verb = built.find_subcommand_mut(verb).unwrap();
            if let Some(more) =
                verb.get_long_about().map(ToString::to_string).and_then(|long| Some(long.split_once("\n\n")?.1.to_owned()))
            {
                writeln!(page, "{more}\n").unwrap();
            }
            fence(&mut page, verb);
        }
    }
    page
}

fn table(page: &mut String, heading: &str, rows: &[(&str, &str)]) {
    writeln!(page, "\n## {heading}\n\n| | |\n| --- | --- |").unwrap();
    for (name, meaning) in rows {
        writeln!(page, "| `{name}` | {meaning} |").unwrap();
    }
}

fn fence(page: &mut String, command: &mut Command) {
    let help = command.render_help();
    let lines: Vec<String> = help.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    writeln!(page, "```text\n{}\n```", lines.join("\n").trim_end()).unwrap();
}

#[test]
fn the_page_says_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/cli.md is not what the program says; run with `UPDATE_DOCS=1` to write it anew");
}
