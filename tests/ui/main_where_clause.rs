// Says: at the clause: to leave it out
#[pipex::main]
fn main()
where
    u32: Copy,
{
}
