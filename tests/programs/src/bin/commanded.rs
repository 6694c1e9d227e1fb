//! A `main` that has pipex's commands, and nothing else of it.

fn main() -> pipex::Result<()> {
    pipex::remote::command();
    programs::run()
}
