//! A `main` that knows nothing of pipex.

fn main() -> pipex::Result<()> {
    programs::run()
}
