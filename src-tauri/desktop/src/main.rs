//! The window's process.

// A console window of its own would open beside ours on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    nonevent_desktop::main()
}
