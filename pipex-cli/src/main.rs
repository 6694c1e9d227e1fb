//! The `pipex` command.

fn main() -> std::process::ExitCode {
    pipex_cli::main(&|_| None)
}
