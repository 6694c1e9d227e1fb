//! The report, in a real browser.

use std::fs;
use std::process::Command;

use pipex::{Config, flow, task};

use crate::Desk;

#[task(target = "{path}/{funcname}/{base}")]
fn first(x: u64) -> u64 {
    x
}

#[task(target = "{path}/{funcname}/{base}")]
fn second(x: u64) -> Result<u64, String> {
    if x == 3 { Err("three is <too> much & more".to_owned()) } else { Ok(x) }
}

#[flow(path = "out")]
fn chain() -> pipex::Result<()> {
    (0..8).for_each(|x| drop(second(first(x).base(x.to_string()).submit()).submit()));
    Ok(())
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    assert!(Config::new().workers(2).quiet(true).scope(chain).is_err());
}

/// Runs the browser on a page; it needs no network.
fn browser(arguments: &[&str], page: &str) -> Vec<u8> {
    let name = std::env::var("PIPEX_TESTS_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(&name);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display())).args(arguments).arg(page);
    let output = command.output().unwrap_or_else(|error| panic!("{name}: {error}: the README says how to install it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_report_is_a_page_that_a_browser_shows() {
    let desk = Desk::new();
    assert!(desk.pipeline("page::pipeline").env("PIPEX", "prefect.cache").status().unwrap().success());
    assert!(desk.pipex("report --output report.html").status.success());
    let page = format!("file://{}", desk.file("report.html").display());
    let text = fs::read_to_string(desk.file("report.html")).unwrap();
    // An address in an attribute would be fetched; one that begins with `#` is a place in the page.
    let text = text.replace("href=\"#", "").replace("url(#", "");
    for fetches in [" src=", " href=", "@import", "url("] {
        assert!(!text.contains(fetches), "it needs nothing else, and has {fetches}: {text}");
    }
    let shown = String::from_utf8(browser(&["--dump-dom"], &page)).unwrap();
    // Eight of the first, and eight of the second, of which one failed.
    assert_eq!(
        shown.matches("<rect").count() - shown.split("class=\"graph\"").nth(1).unwrap().matches("<rect").count(),
        16
    );
    assert_eq!(shown.matches("<rect class=\"failed\"").count(), 1);
    assert!(shown.contains("three is &lt;too&gt; much &amp; more"), "the failure's message, as text");
    assert!(
        shown.contains("<td><span class=\"swatch\" style=\"background: hsl(0, 55%, 60%)\"></span>first</td>"),
        "{shown}"
    );

    // It is seen: most of a picture of it is white, and some of it is not.
    let picture = desk.file("report.png");
    browser(&["--window-size=1200,1100", &format!("--screenshot={}", picture.display())], &page);
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(&picture).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let of_a_pixel = info.line_size / info.width as usize;
    let colored = pixels.chunks(of_a_pixel).filter(|pixel| pixel[..3].iter().max() != pixel[..3].iter().min()).count();
    let all = (info.width * info.height) as usize;
    assert!((all / 100..all / 2).contains(&colored), "{colored} of {all} pixels have a color");
}
