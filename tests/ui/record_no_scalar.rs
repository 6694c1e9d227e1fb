//! A value that is none of those that runs can be compared by.

fn main() {
    pipex::record("rates", vec![0.5, 1.0]);
}
