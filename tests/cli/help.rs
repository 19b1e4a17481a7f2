//! Help: every verb grouped, described and with examples.

use std::collections::BTreeSet;

use clap::Command;
use nonevent_cli::help::{GROUPS, command};

#[test]
fn every_verb_is_in_exactly_one_group() {
    let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
    let unique: BTreeSet<&str> = grouped.iter().copied().collect();
    assert_eq!(unique.len(), grouped.len(), "a verb is listed twice");
    let command = command();
    let verbs: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
    assert_eq!(unique, verbs);
}

#[test]
fn every_verb_has_examples_that_parse() {
    for verb in command().get_subcommands() {
        let help = verb.get_after_help().unwrap_or_else(|| panic!("{} has no examples", verb.get_name())).to_string();
        let examples: Vec<&str> = help.lines().skip(1).map(|line| line.trim().split("   ").next().unwrap()).collect();
        assert!((2..=3).contains(&examples.len()), "{}: {examples:?}", verb.get_name());
        for example in examples {
            parses(example);
        }
    }
}

/// As a shell would split it: variables before it, and redirections and pipes after it, are not ours.
fn parses(example: &str) {
    let own = example.split(['>', '|']).next().unwrap();
    // Two blanks part the command from what it is for, when the command is the longest of its column.
    let own = own.split("  ").next().unwrap();
    let words = own.split_whitespace().skip_while(|word| *word != "nonevent");
    if let Err(error) = command().try_get_matches_from(words) {
        panic!("`{own}`: {error}");
    }
}

#[test]
fn the_command_line_is_sound() {
    command().debug_assert();
}

#[test]
fn global_options_are_taken_before_and_after_the_verb() {
    for words in [
        "nonevent --json -C shop status",
        "nonevent status -C shop --json",
        "nonevent -v ship -v",
        "nonevent --json status --json -C a -C b",
    ] {
        assert!(command().try_get_matches_from(words.split(' ')).is_ok(), "{words}");
    }
}
