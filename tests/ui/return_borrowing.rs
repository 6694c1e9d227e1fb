// Says: at the lifetime: the output must be owned
use pipex::task;

#[task]
fn one(station: &str) -> std::borrow::Cow<'_, str> {
    station.into()
}

fn main() {}
