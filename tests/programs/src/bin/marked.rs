//! A `main` that is pipex's.

#[pipex::main]
fn main() -> pipex::Result<()> {
    programs::run()
}
