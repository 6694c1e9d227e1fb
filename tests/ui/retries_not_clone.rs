// Says: at the type: it is given again
use pipex::task;

#[task(retries = 2)]
fn one(socket: std::net::TcpStream, month: u32) -> u32 {
    let _ = socket;
    month
}

fn main() {}
