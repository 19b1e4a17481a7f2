//! The binary `nonevent`.

fn main() -> std::process::ExitCode {
    nonevent_cli::main()
}
