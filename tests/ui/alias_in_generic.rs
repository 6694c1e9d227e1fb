// Says: at the return type: where it names generic parameters the name decides, so write `Result<..>`
use pipex::task;

type Checked<T> = Result<T, String>;

#[task]
fn one<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(value: T) -> Checked<T> {
    Ok(value)
}

fn main() {}
