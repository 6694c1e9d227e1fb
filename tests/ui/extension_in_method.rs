use pipex::task;

struct Station(String);

impl Station {
    #[task(target = "{path}/{{ if base }}{base}{{ endif }}.png")]
    fn picture(&self) -> String {
        self.0.clone()
    }
}

fn main() {}
