use pipex::task;

#[task(remote)]
fn first<T: Clone>(all: Vec<T>) -> T {
    all[0].clone()
}

fn main() {}
