//! `docs/reference/cli.md`: the help of every command, as the program prints it.

use super::HEAD;

/// Columns of the help, whatever terminal this runs on.
const WIDTH: usize = 100;

pub(super) fn page() -> String {
    let mut program = gonogo::cli::command().term_width(WIDTH);
    program.build();
    let mut text = format!("{HEAD}# The command line\n\n{}", help(&mut program));
    let names: Vec<String> = program
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    for name in names.iter().filter(|name| *name != "help") {
        if let Some(command) = program.find_subcommand_mut(name) {
            let mut command = command.clone().term_width(WIDTH);
            text.push_str(&format!("\n## `gonogo {name}`\n\n{}", help(&mut command)));
        }
    }
    text
}

fn help(command: &mut clap::Command) -> String {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n", lines.join("\n").trim_end())
}
