// Says: at the ninth name: at most eight
use pipex::task;

#[task(target(a = "a", b = "b", c = "c", d = "d", e = "e", f = "f", g = "g", h = "h", i = "i"))]
fn nine() -> (u8, u8, u8, u8, u8, u8, u8, u8, u8) {
    (1, 2, 3, 4, 5, 6, 7, 8, 9)
}

fn main() {}
