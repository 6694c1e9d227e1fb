use pipex::task;

#[derive(Clone)]
struct Station(String);

impl std::fmt::Display for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[task(remote, target = "{path}/{station}")]
fn clean(station: Station) -> u32 {
    station.0.len() as u32
}

fn main() {}
