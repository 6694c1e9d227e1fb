use std::io::Write;

use pipex::store::{Codec, StoreResult};
use pipex::{FileStore, task};

struct Text;

impl Codec<String> for Text {
    fn encode(&self, value: &String, out: &mut dyn Write) -> StoreResult<()> {
        Ok(out.write_all(value.as_bytes())?)
    }
    fn decode(&self, bytes: &[u8]) -> StoreResult<String> {
        Ok(String::from_utf8(bytes.to_vec())?)
    }
}

#[task(target = "{path}/numbers.txt", store = FileStore::new().codec(Text))]
fn numbers() -> Vec<u64> {
    vec![1, 2]
}

fn main() {}
