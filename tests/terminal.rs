//! A terminal, and what programs show in it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// One of 25 lines of 100 columns.
pub struct Terminal {
    keys: File,
    shown: Receiver<String>,
    /// All that was shown by now.
    pub screen: String,
}

impl Terminal {
    /// A new one, and the end of it that programs are given. It lasts as long as somebody holds that.
    pub fn open() -> (Self, File) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let end = File::options().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&end, Winsize { ws_row: 25, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let keys = File::from(terminal);
        let mut reads = keys.try_clone().unwrap();
        let (tell, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal is an error.
            while let Ok(read @ 1..) = reads.read(&mut bytes) {
                let _ = tell.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
            }
        });
        (Terminal { keys, shown, screen: String::new() }, end)
    }

    /// Waits until this is shown. The words of a screen may be apart.
    pub fn until(&mut self, word: &str) {
        let last = Instant::now() + Duration::from_secs(60);
        while !self.screen.contains(word) {
            let more = self.shown.recv_timeout(last.saturating_duration_since(Instant::now()));
            self.screen.push_str(&more.unwrap_or_else(|error| panic!("{word}: {error}: {:.2000?}", self.screen)));
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// All that was shown, when nobody holds its other end any longer.
    pub fn close(self) -> String {
        self.screen + &self.shown.iter().collect::<String>()
    }
}
