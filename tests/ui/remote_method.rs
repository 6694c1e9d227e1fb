use pipex::task;

struct Scale(f64);

impl Scale {
    #[task(remote)]
    fn times(&self, x: f64) -> f64 {
        self.0 * x
    }
}

fn main() {}
