// Says: at the parameter: nobody says what it stands for
#[pipex::main]
fn main<T: Default>() {
    drop(T::default());
}
