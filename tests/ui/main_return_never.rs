// Says: at the type: to return
#[pipex::main]
fn main() -> ! {
    loop {}
}
