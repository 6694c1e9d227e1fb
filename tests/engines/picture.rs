//! The pictures of the guide: `tests/engines/run --ignored --exact picture::of_prefect`, with a Chromium.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::chromium::Browser;
use crate::servers::{Place, Prefect, Process, set};

/// How long until all that moves has come to rest.
const REST: &str = "new Promise((done) => setTimeout(done, 4000))";

#[test]
#[ignore = "it makes docs/src/prefect.png and docs/src/prefect-table.png"]
fn of_prefect() {
    let (prefect, place) = (Prefect::new(), Place::new());
    let mut command = place.weather();
    command.env("PREFECT_API_URL", &prefect.url).env("PIPEX_PREFECT", "max_runs=12").env("PIPEX_LOG", "info");
    let (code, said) = Process::start(&mut command).end();
    assert_eq!(code, Some(0), "{said}");
    let run = prefect.flow_run(&said);
    prefect.counts(&run, "Completed", 2 * 12 + 6 + 2);

    let server = prefect.url.trim_end_matches("/api");
    let mut browser = Browser::open(&format!("{server}/robots.txt"));
    let password = STANDARD.encode(set("PREFECT_API_AUTH_STRING"));
    browser.evaluate(&format!("localStorage.setItem('prefect-password', '{password}')"));
    let mut save = |page: &str, is_there: &str, file: &str| {
        browser.navigate(&format!("{server}/v2{page}"));
        browser.until(is_there);
        browser.evaluate(REST);
        browser.save_picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(file));
    };
    save(&format!("/runs/flow-run/{run}"), "document.querySelector('canvas')", "prefect.png");
    let table = &prefect.artifact(&run, "pipex-weather-clean-2")["id"];
    let page = format!("/artifacts/artifact/{}", table.as_str().unwrap());
    save(&page, "document.querySelectorAll('td').length > 1000", "prefect-table.png");
}
