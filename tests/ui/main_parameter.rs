// Says: at the parameters: where the arguments of the program are
#[pipex::main]
fn main(arguments: Vec<String>) {
    drop(arguments);
}
