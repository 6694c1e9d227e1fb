//! The page, in a real browser: what `pipex ui` serves, and what `pipex report` writes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use pipex::{Config, flow, task};
use serde_json::Value;

use crate::Desk;
use crate::chromium::Browser;
use crate::gate::{Gate, wait_at};

/// `pipex ui`, as long as this lives.
pub struct Served {
    process: Child,
    /// What it printed.
    pub address: String,
}

impl Served {
    pub fn start(desk: &Desk, line: &str) -> Self {
        Self::start_by(desk.command().arg("ui").args(line.split_whitespace()))
    }

    pub fn start_by(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Served { process, address: address.trim().to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// `127.0.0.1:PORT`.
    fn host(&self) -> &str {
        self.address.strip_prefix("http://").unwrap().split('/').next().unwrap()
    }

    fn key(&self) -> &str {
        self.address.split_once("?key=").unwrap().1
    }

    /// The answer to a request, with its head.
    fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(stream, "{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[task(target = "{path}/{funcname}/{base}", name = "first {x}")]
fn first(x: u64, station: &str) -> u64 {
    x + station.len() as u64 - 3
}

#[task(target = "{path}/{funcname}/{base}.json")]
fn second(x: u64) -> Result<Vec<u64>, String> {
    if x == 3 { Err("three is <too> much & more".to_owned()) } else { Ok(vec![x; 120]) }
}

#[flow(path = "out")]
fn chain() -> pipex::Result<()> {
    let station = |x: u64| if x.is_multiple_of(2) { "EWR" } else { "JFK" };
    (0..8).for_each(|x| drop(second(first(x, station(x)).base(x.to_string()).submit()).submit()));
    Ok(())
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let _ = Config::new().workers(2).quiet(true).scope(chain);
}

fn run_chain(desk: &Desk) {
    assert!(desk.pipeline("page::pipeline").env("PIPEX", "prefect.cache").status().unwrap().success());
}

#[test]
fn the_report_is_the_page_without_a_server() {
    let desk = Desk::new();
    run_chain(&desk);
    assert!(desk.pipex("report --output report.html").status.success());
    let mut browser = Browser::open(&format!("file://{}", desk.file("report.html").display()));
    browser.until("document.body.dataset.tasks === '16'");
    // Nothing but the page itself was asked for.
    let fetched = "performance.getEntriesByType('resource').filter((it) => !it.name.startsWith('data:')).length";
    assert_eq!(browser.evaluate(fetched), 0);
    browser.click("#tab-tasks");
    browser.until("document.querySelectorAll('.item').length === 16");
    browser.evaluate("location.hash += '&task=out/second/3.json'");
    browser.until("document.getElementById('detail').innerText.includes('three is <too> much & more')");
    // The first rows of what is there are in it.
    browser.evaluate("location.hash = location.hash.replace('3.json', '5.json')");
    browser.until("document.getElementById('detail').innerText.includes('1 to 20 of 120 rows')");
    assert_eq!(browser.evaluate("document.querySelectorAll('.output tbody tr').length"), 20);
    assert_eq!(browser.evaluate("document.querySelectorAll('.output button').length"), 0);
    browser.click("#tab-status");
    browser.until("document.getElementById('outputs')?.innerText === '16 outputs'");
    assert_eq!(browser.faults, [""; 0]);
}

#[test]
fn an_output_says_what_it_is_and_shows_what_it_has() {
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&served.address);
    assert_eq!(browser.evaluate("location.search"), "", "the address that is seen has no key");
    // By function, opened by what a parameter was given.
    browser.until("[...document.querySelectorAll('g.node')].map((it) => it.textContent).join() === 'first 8 completed,second 7 completed, 1 failed'");
    browser.click("g.node");
    browser.until("[...document.querySelectorAll('a')].find((it) => it.innerText === 'open by station')");
    browser.evaluate("[...document.querySelectorAll('a')].find((it) => it.innerText === 'open by station').click()");
    browser.until("document.querySelectorAll('g.node').length === 3");
    // By keyboard: the list, the third from its end, what is filtered.
    browser.press("2");
    browser.until("document.querySelector('[role=listbox]')");
    browser.evaluate("location.hash = '#view=tasks'");
    browser.until("document.querySelectorAll('.item').length === 16");
    browser.press("/");
    for key in ["s", "e", "c", "o", "n", "d", "/", "5"] {
        browser.press(key);
    }
    browser.until("document.getElementById('count').innerText === '1 task run'");
    browser.press("Escape");
    browser.press("j");
    browser.press("Home");
    browser.until("document.getElementById('detail').innerText.includes('it was made in run')");
    browser.until("location.hash.includes('task=out%2Fsecond%2F5.json')");
    // A table of a hundred rows at a time.
    browser.until("document.getElementById('detail').innerText.includes('1 to 100 of 120 rows')");
    browser.evaluate("[...document.querySelectorAll('.output button')].find((it) => it.innerText === 'next').click()");
    browser.until("document.getElementById('detail').innerText.includes('101 to 120 of 120 rows')");
    // Nothing can be changed, and nothing says that it could.
    assert_eq!(browser.evaluate("document.querySelectorAll('.buttons #confirm').length"), 0);
    assert!(!browser.text().contains("run again next time"));
    // The timeline is one of colors.
    browser.click("#tab-timeline");
    let colored = "(() => { const it = document.querySelector('canvas'); const { data } = it.getContext('2d').getImageData(0, 0, it.width, it.height); \
                   let count = 0; for (let at = 0; at < data.length; at += 4) if (Math.abs(data[at] - data[at + 1]) > 40) count++; return count; })()";
    browser.until(&format!("{colored} > 100"));
    assert!(
        browser
            .evaluate("document.querySelector('canvas').ariaLabel")
            .as_str()
            .unwrap()
            .starts_with("timeline: 16 attempts")
    );
    assert_eq!(browser.faults, [""; 0]);
}

#[task(target = "{path}/waits/{number}")]
fn waits(number: u32) -> u32 {
    wait_at(&PathBuf::from("gate"));
    number
}

#[flow(path = "out")]
fn gated() -> pipex::Result<()> {
    (0..4).for_each(|number| drop(waits(number).submit()));
    Ok(())
}

#[test]
#[ignore = "the pipeline of the test below"]
fn gated_pipeline() {
    Config::new().workers(4).quiet(true).scope(gated).unwrap();
}

#[test]
fn the_page_follows_a_run_while_it_goes_on() {
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&served.address);
    browser.until("document.querySelectorAll('#runs a').length === 1");
    let gate = Gate::new(desk.file("gate"));
    let mut run = desk.pipeline("page::gated_pipeline").env("PIPEX", "prefect.cache").spawn().unwrap();
    // It begins, and is shown by itself.
    browser.until("document.querySelectorAll('#runs a').length === 2");
    browser.until("document.querySelector('g.node')?.textContent === 'waits 4 running'");
    // What has been drawn stays where it is.
    browser.evaluate("window.box = document.querySelector('g.node'); true");
    assert!(browser.text().contains("0 of 4 task runs"));
    let opened = gate.open();
    browser.until("document.querySelector('g.node').textContent === 'waits 4 completed'");
    browser.until("document.querySelector('#head .chip').innerText === 'completed'");
    drop(opened);
    assert!(run.wait().unwrap().success());
    assert_eq!(browser.evaluate("window.box === document.querySelector('g.node')"), true);
    // As browsers count how far things move that nobody has touched: up to 0.1 is called good.
    let moved = browser.evaluate(
        "new Promise((done) => { let sum = 0; const add = (all) => all.getEntries().forEach((it) => { sum += it.value; }); \
         new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true }); \
         requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })",
    );
    assert!(moved.as_f64().unwrap() < 0.1, "{moved}");
    assert_eq!(browser.faults, [""; 0]);
}

/// The runs of `tests/fixtures/eta`, of which `watch` tells the same in `pipex-cli/src/watch/board.rs`.
#[test]
fn how_long_a_run_still_takes_is_told_by_the_last_complete_one() {
    let desk = Desk::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/eta/journal");
    for place in ["runs", "live"] {
        fs::create_dir_all(desk.file(".pipex").join(place)).unwrap();
        for run in fs::read_dir(fixture.join(place)).unwrap().map(Result::unwrap) {
            fs::copy(run.path(), desk.file(".pipex").join(place).join(run.file_name())).unwrap();
        }
    }
    // As its process has it, as long as it lives.
    let live = fs::File::open(desk.file(".pipex/live/20260103-080000.000-day-3.jsonl")).unwrap();
    live.lock().unwrap();
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&served.address);
    browser.until("document.querySelector('#head .chip').innerText === 'running'");
    browser.until("document.getElementById('progress').innerText.includes(' to go')");
    browser.evaluate("Date.now = () => Date.parse('2026-01-03T08:00:07Z')");
    browser.evaluate("void document.getElementById('search').dispatchEvent(new Event('input'))");
    let told = browser.evaluate("document.getElementById('progress').innerText");
    assert_eq!(told, "5 of 8 task runs, about 10.8 s to go: 1 running, 5 completed");
    drop(live);
    browser.until("document.querySelector('#head .chip').innerText === 'killed'");
    assert!(!browser.text().contains(" to go"));
    assert_eq!(browser.faults, [""; 0]);
}

#[test]
fn a_page_that_is_not_seen_draws_nothing_and_one_that_is_again_has_it_all() {
    let desk = Desk::new();
    fs::create_dir_all(desk.file(".pipex")).unwrap();
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&served.address);
    let gate = Gate::new(desk.file("gate"));
    let mut run = desk.pipeline("page::gated_pipeline").env("PIPEX", "prefect.cache").spawn().unwrap();
    browser.until("document.querySelector('g.node')?.textContent === 'waits 4 running'");
    // As if another tab were in its place.
    let hide = |is_hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {is_hidden}, configurable: true }}); \
             void document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.evaluate(&hide(true));
    let opened = gate.open();
    assert!(run.wait().unwrap().success());
    drop(opened);
    assert_eq!(
        browser.evaluate("fetch('/api/runs').then((it) => it.json()).then((it) => it.runs[0].state)"),
        "completed"
    );
    assert_eq!(browser.evaluate("document.querySelector('g.node').textContent"), "waits 4 running");
    browser.evaluate(&hide(false));
    browser.until("document.querySelector('g.node').textContent === 'waits 4 completed'");
    browser.until("document.querySelector('#head .chip').innerText === 'completed'");
    assert_eq!(browser.evaluate("document.getElementById('progress').innerText"), "4 of 4 task runs: 4 completed");
    assert_eq!(browser.faults, [""; 0]);
}

/// A run of two attempts that have logged what they please.
const LOGGED: &str = r#"{"run":{"format":1,"pipex":"0.1.0","flow":"day","program":"day","version":null,"mode":"prefect.cache","started":"2026-01-01T00:00:00Z","process":1,"host":"h","directory":"/"}}
{"task":{"task":0,"name":"read","module":"day","file":"src/day.rs","line":10,"code":"00000000000000000000000000000001"}}
{"ended":{"task":0,"name":"read it","target":"out/read/1","state":"AwaitingRetry","why":"missing","at":1.0,"elapsed":1.0,"worker":0,"attempt":1,"error":"no","logged":[{"at":1.25,"level":"WARN","text":"the first time","place":"src/day.rs:12"}]}}
{"ended":{"task":0,"name":"read it","target":"out/read/1","state":"Failed","why":"missing","at":3.0,"elapsed":1.0,"worker":0,"attempt":2,"error":"no","logged":[{"at":3.0,"level":"INFO","text":"<img src=x onerror='window.hacked = 1'>"},{"at":3.5,"level":"ERROR","text":"at last\n    and \u202eno more","left_out":1200}]}}
{"over":{"elapsed":4.0,"state":"Failed"}}
"#;

#[test]
fn what_a_task_run_has_logged_is_shown_as_text() {
    let desk = Desk::new();
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    desk.write(".pipex/runs/20260101-000000.000-day-1.jsonl", LOGGED);
    // In the terminal, where nothing is a command to it.
    let why = desk.transcribe("why out/read/1");
    assert!(why.contains("logged: 0.250 s WARN  the first time  (src/day.rs:12)\n"), "{why}");
    assert!(
        why.contains(
            "logged: (1200 lines left out)\nlogged: 0.500 s ERROR at last\nlogged:     and \\u{202e}no more\n"
        ),
        "{why}"
    );
    assert!(desk.pipex("report --output report.html").status.success());
    let served = Served::start(&desk, "");
    let report = format!("file://{}", desk.file("report.html").display());
    let mut browser = Browser::open("about:blank");
    for address in [&*served.address, &report] {
        browser.navigate("about:blank");
        browser.navigate(&format!("{address}#task=out/read/1"));
        browser.until("document.querySelector('.log')");
        let log = browser.evaluate("document.querySelector('.log').innerText");
        let expected = "attempt 1, 250 ms WARN  the first time  (src/day.rs:12)\n\
                        attempt 2, 0 ms INFO  <img src=x onerror='window.hacked = 1'>\n\
                        (1200 lines left out)\nattempt 2, 500 ms ERROR at last\n    and \u{202e}no more\n";
        assert_eq!(log, expected, "{address}");
        assert_eq!(browser.evaluate("[typeof window.hacked, document.images.length].join()"), "undefined,0");
    }
    assert_eq!(browser.faults, [""; 0]);
}

#[test]
fn a_page_that_comes_back_has_what_happened_meanwhile_and_nothing_twice() {
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "");
    let run = desk.json("runs")[0]["run"].as_str().unwrap().to_owned();
    let cookie = format!("pipex-{}={}", served.host().split_once(':').unwrap().1, served.key());
    // Up to when the run is over; the events have numbers.
    let events = |after: &str| {
        let mut stream = BufReader::new(TcpStream::connect(served.host()).unwrap());
        let head = format!("GET /api/events?run={run} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n", served.host());
        write!(stream.get_mut(), "{head}Last-Event-ID: {after}\r\n\r\n").unwrap();
        let lines = stream.lines().map(Result::unwrap).take_while(|line| line != "event: over");
        lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)).collect::<Vec<_>>().concat()
    };
    assert_eq!(events("0").matches(r#""kind":"task""#).count(), 16);
    assert_eq!(events("0").matches(r#""kind":"run""#).count(), 1);
    let lines = fs::read_to_string(desk.file(&format!(".pipex/runs/{run}.jsonl"))).unwrap().lines().count();
    let late = events(&(lines - 2).to_string());
    assert_eq!((late.matches(r#""kind":"task""#).count(), late.matches(r#""kind":"over""#).count()), (1, 1));
}

/// Of a run of so many task runs, a journal as it would be written.
pub fn forge_run(desk: &Desk, count: u32) {
    let run = "20260101-000000.000-many-1";
    let head = r#"{"run":{"format":1,"pipex":"0.1.0","flow":"many","program":"many","version":null,"mode":"cache","started":"2026-01-01T00:00:00Z","process":1,"host":"h","directory":"/"}}"#;
    let task = r#"{"task":{"task":0,"name":"one","module":"many","file":"many.rs","line":1,"code":"00000000000000000000000000000001"}}"#;
    let mut journal = format!("{head}\n{task}\n");
    for number in 0..count {
        let at = f64::from(number) / 100.0;
        journal.push_str(&format!(
            r#"{{"ended":{{"task":0,"name":"one {number}","target":"out/one/{number}","state":"Completed","why":"missing","at":{at},"elapsed":0.01,"worker":{},"attempt":1,"given":[{{"name":"number","fingerprint":"00000000000000000000000000000001","value":"{number}"}}]}}}}"#,
            number % 8
        ));
        journal.push('\n');
    }
    journal.push_str("{\"over\":{\"elapsed\":100.0,\"state\":\"Completed\"}}\n");
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    fs::write(desk.file(&format!(".pipex/runs/{run}.jsonl")), journal).unwrap();
}

#[test]
fn of_ten_thousand_task_runs_those_that_are_seen_are_in_the_page() {
    let desk = Desk::new();
    forge_run(&desk, 10_000);
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&format!("{}#view=tasks", served.address));
    browser.until("document.getElementById('count')?.innerText === '10000 task runs'");
    browser.evaluate("document.querySelector('.list').scrollTop = 1e9");
    browser.until("[...document.querySelectorAll('.item')].at(-1).innerText.includes('one 9999')");
    let elements = browser.evaluate("document.querySelectorAll('*').length").as_u64().unwrap();
    assert!(elements < 1_000, "{elements}");
    browser.evaluate("(() => { const it = document.getElementById('search'); it.value = 'one 777'; it.dispatchEvent(new Event('input')); })()");
    browser.until("document.getElementById('count').innerText === '19 task runs'");
    assert_eq!(browser.faults, [""; 0]);
}

const HOSTILE: [&str; 3] = [
    "<script>window.hacked = 1<_script>",
    "\"><img src=x onerror='window.hacked = 2'>",
    "javascript:window.hacked = 3",
];

#[task(target = "{path}/{word}.txt", name = "{word}")]
fn hostile(word: &str) -> String {
    format!("{word}<script>window.hacked = 4</script>")
}

/// A picture that is a page, if it is opened as one.
#[task(target = "{path}/picture.svg")]
fn picture() -> String {
    "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'><script>window.hacked = 6</script></svg>".to_owned()
}

#[flow(path = "out<img src=x onerror='window.hacked = 5'>")]
fn hostile_flow() -> pipex::Result<()> {
    picture().run()?;
    HOSTILE.iter().try_for_each(|word| hostile(word).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the test below"]
fn hostile_pipeline() {
    Config::new().quiet(true).scope(hostile_flow).unwrap();
}

#[test]
fn what_names_and_arguments_say_is_text() {
    let desk = Desk::new();
    assert!(desk.pipeline("page::hostile_pipeline").status().unwrap().success());
    let served = Served::start(&desk, "--write");
    assert!(desk.pipex("report --output report.html").status.success());
    let report = format!("file://{}", desk.file("report.html").display());
    let mut browser = Browser::open(&served.address);
    for is_report in [false, true] {
        if is_report {
            browser.navigate(&report);
        }
        for view in ["graph", "tasks", "timeline", "status"] {
            browser.click(&format!("#tab-{view}"));
            browser.until(&format!("document.getElementById('tab-{view}').ariaSelected === 'true'"));
        }
        browser.click("#tab-tasks");
        browser.until("document.querySelectorAll('.item').length === 4");
        for (number, word) in HOSTILE.iter().enumerate() {
            browser.evaluate(&format!("document.querySelectorAll('.item')[{number} + 1].click()"));
            let shown = format!("document.getElementById('detail').innerText.includes({word:?})");
            browser.until(&shown);
            if !is_report {
                browser.until(
                    "document.querySelector('.output')?.innerText.includes('<script>window.hacked = 4</script>')",
                );
            }
        }
        if !is_report {
            browser.evaluate("document.querySelector('.item').click()");
            browser.until("document.querySelector('img.picture')?.naturalWidth === 20");
            let policy =
                "fetch(document.querySelector('img').src).then((it) => it.headers.get('content-security-policy'))";
            assert!(browser.evaluate(policy).as_str().unwrap().ends_with("; sandbox"));
            browser.evaluate("document.querySelectorAll('.item')[1].click()");
            browser.until("document.images.length === 0");
        }
        let links =
            browser.evaluate("[...document.querySelectorAll('a')].map((it) => it.getAttribute('href')).join('\\n')");
        assert!(links.as_str().unwrap().lines().all(|link| link.starts_with('#')), "{links}");
        assert_eq!(browser.evaluate("[typeof window.hacked, document.images.length].join()"), "undefined,0");
    }
    assert_eq!(browser.faults, [""; 0]);
}

/// Another page in the same browser, which sends what it can.
fn serve_foreign_page(host: &str) -> String {
    let script = format!(
        "const body = JSON.stringify({{ targets: ['out/first/0'] }}); const ways = [{{}}, {{ mode: 'no-cors', credentials: 'include' }}]; \
         Promise.allSettled(ways.flatMap((way) => ['http://{host}/api/change/remove', 'http://{host}/api/runs'].map((to) => \
         fetch(to, to.endsWith('remove') ? {{ method: 'POST', body, ...way }} : way).then((answer) => answer.text())))) \
         .then((all) => {{ document.title = all.map((it) => it.value || 'nothing').join(); }});"
    );
    let page = format!("<!doctype html><title>sending</title><script>{script}</script>");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let _ = stream.by_ref().lines().map_while(Result::ok).find(String::is_empty);
            let length = page.len();
            let _ = write!(
                stream.get_mut(),
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            );
        }
    });
    address
}

#[test]
fn nobody_but_the_page_itself_sees_or_changes_anything() {
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "--write");
    let host = served.host();
    let origin = format!("http://{host}");
    let cookie = format!("pipex-{}={}", host.split_once(':').unwrap().1, served.key());
    let page = served.ask("GET /", &[("Host", host), ("Cookie", &cookie)], "");
    let token = page.split_once(r#""token":""#).unwrap().1.split('"').next().unwrap();
    for header in
        ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "x-frame-options: DENY"]
    {
        assert!(page.contains(header), "{page}");
    }
    let body = r#"{"targets":["out/first/0"]}"#;
    let remove = "POST /api/change/remove";
    let ours = [("Host", host), ("Cookie", &cookie), ("Origin", &origin), ("X-Pipex-Token", token)];
    let with = |name: &'static str, value: &'static str| {
        ours.map(|(it, own)| if it == name { (it, value) } else { (it, own) })
    };
    let without = |name: &str| ours.into_iter().filter(|(it, _)| *it != name).collect::<Vec<_>>();
    let refused = [
        with("Host", "evil.example").to_vec(),
        with("Origin", "http://evil.example").to_vec(),
        with("Origin", "null").to_vec(),
        with("X-Pipex-Token", "0").to_vec(),
        without("Cookie"),
        without("Origin"),
        without("X-Pipex-Token"),
    ];
    for headers in refused {
        let answer = served.ask(remove, &headers, body);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{headers:?}: {answer}");
    }
    // To see needs the key as well, also for who comes under another name.
    for address in ["/", "/api/runs", "/api/content?target=out/first/0", "/assets/main.js"] {
        for headers in [vec![("Host", host)], vec![("Host", "evil.example"), ("Cookie", &cookie)]] {
            let answer = served.ask(&format!("GET {address}"), &headers, "");
            assert!(answer.starts_with("HTTP/1.1 403 "), "{address}: {answer}");
        }
    }
    // Nothing named is not everything.
    assert!(served.ask(remove, &ours, r#"{"targets":[]}"#).starts_with("HTTP/1.1 422 "));
    // The browser itself, in which the page is open.
    let mut browser = Browser::open(&served.address);
    browser.until("document.body.dataset.tasks === '16'");
    browser.navigate(&serve_foreign_page(host));
    let said = browser.until("document.title !== 'sending' && document.title");
    assert_eq!(said, "nothing,nothing,nothing,nothing");
    assert!(desk.file("out/first/0").exists());
    // And what the page itself asks for is done.
    assert!(served.ask(remove, &ours, body).starts_with("HTTP/1.1 200 "));
    assert!(!desk.file("out/first/0").exists());
    let read_only = Served::start(&desk, "");
    let (host, origin) = (read_only.host(), format!("http://{}", read_only.host()));
    let cookie = format!("pipex-{}={}", host.split_once(':').unwrap().1, read_only.key());
    let headers = [("Host", host), ("Cookie", &cookie), ("Origin", &origin), ("X-Pipex-Token", "")];
    assert!(read_only.ask(remove, &headers, r#"{"targets":["out/first/1"]}"#).starts_with("HTTP/1.1 403 "));
    assert!(desk.file("out/first/1").exists());
}

#[test]
fn what_is_accepted_or_to_be_made_again_is_asked_first() {
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "--write");
    let mut browser = Browser::open(&format!("{}#view=status&task=out/first/1", served.address));
    let button = |text: &str| {
        format!("[...document.querySelectorAll('#detail button')].find((it) => it.innerText === '{text}')")
    };
    browser.until(&button("… and what was made from it"));
    browser.evaluate(&format!("{}.click()", button("… and what was made from it")));
    browser.until("document.getElementById('dialog').innerText.includes('2 outputs')");
    assert!(desk.file("out/first/1").exists());
    browser.click("#confirm");
    browser.until("!document.getElementById('dialog').open");
    assert!(!desk.file("out/first/1").exists() && !desk.file("out/second/1.json").exists());
    browser.until("document.getElementById('view').innerText.includes('missing')");
    assert_eq!(desk.count("first", "missing"), 1);
    // What somebody has changed by hand.
    desk.write("out/second/2.json", "[2]\n");
    browser.navigate("about:blank");
    browser.navigate(&format!("http://{}/#view=status&task=out/second/2.json", served.host()));
    browser.until(&button("accept as it is"));
    assert_eq!(desk.conditions()["out/second/2.json"], "stale");
    browser.evaluate(&format!("{}.click()", button("accept as it is")));
    browser.click("#confirm");
    browser.until("!document.getElementById('dialog').open");
    browser.until("document.getElementById('detail').innerText.includes('it was accepted as it is')");
    assert_eq!(desk.conditions()["out/second/2.json"], "fresh");
    assert_eq!(browser.faults, [""; 0]);
}

#[test]
fn nobody_is_kept_from_using_the_page() {
    let axe = std::env::var("PIPEX_TESTS_AXE").expect("tests/command/browser names axe.min.js here");
    let axe = fs::read_to_string(axe).unwrap();
    let desk = Desk::new();
    run_chain(&desk);
    let served = Served::start(&desk, "--write");
    let mut browser = Browser::open(&served.address);
    browser.until("document.body.dataset.tasks === '16'");
    browser.send("Page.setBypassCSP", serde_json::json!({ "enabled": true }));
    browser.navigate(&format!("http://{}/", served.host()));
    browser.evaluate(&format!("{axe}; true"));
    for is_dark in [false, true] {
        browser.set_dark(is_dark);
        for view in ["graph", "tasks", "timeline", "status"] {
            let task = if view == "graph" { "" } else { "&task=out/second/1.json" };
            browser.evaluate(&format!("location.hash = '#view={view}&function=first{task}'; true"));
            browser.until(&format!("document.getElementById('tab-{view}').ariaSelected === 'true'"));
            if !task.is_empty() {
                browser.until("document.querySelector('.output table')");
            }
            let found = browser.evaluate("axe.run().then(({ violations }) => violations)");
            let is_bad = |fault: &&Value| fault["impact"] == "serious" || fault["impact"] == "critical";
            let bad: Vec<String> = found.as_array().unwrap().iter().filter(is_bad).map(Value::to_string).collect();
            assert!(bad.is_empty(), "{view}, dark: {is_dark}: {}", bad.join("\n"));
        }
    }
}
