//! `pipex gc --keep 50GB`: outputs that can be made again go until no more than that are left, and no run misses them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use pipex::{Output, SqliteStore, Tried, flow, task};

use crate::Desk;

fn runs(what: &str, name: &str) {
    println!("\nran {what} {name}");
}

/// As large as its name says: `a-100000`.
#[task(target = "{path}/big/{name}.bin")]
fn big(name: &str) -> Vec<u8> {
    runs("big", name);
    vec![7; name.split('-').nth(1).unwrap().parse().unwrap()]
}

#[task(target = "{path}/size/{name}.json")]
fn size(name: &str, of: &[u8]) -> Result<usize, String> {
    runs("size", name);
    if std::env::var("FAILS").is_ok_and(|fails| fails == name) {
        return Err("as it was to".to_owned());
    }
    if std::env::var("HOLDS").is_ok_and(|holds| holds == name) {
        println!("\nheld");
        loop {
            std::thread::park();
        }
    }
    Ok(of.len())
}

fn names() -> Vec<String> {
    std::env::var("NAMES").unwrap().split(' ').map(str::to_owned).collect()
}

#[flow(path = "out")]
fn lazy() -> pipex::Result<()> {
    names().iter().try_for_each(|name| size(name.clone(), big(name.clone()).lazy()).run().map(drop))
}

#[flow(path = "out")]
fn eager() -> pipex::Result<()> {
    names().iter().try_for_each(|name| size(name.clone(), big(name.clone()).submit()).run().map(drop))
}

/// Goes on with the sizes that there are.
#[flow(path = "out")]
fn tolerant() -> pipex::Result<usize> {
    #[task(target = "{path}/total.json")]
    fn total(sizes: Vec<Tried<usize>>) -> usize {
        sizes.into_iter().filter_map(|size| size.ok()).sum()
    }
    let sizes: Vec<Output<usize>> =
        names().iter().map(|name| size(name.clone(), big(name.clone()).lazy()).submit()).collect();
    total(sizes).run()?.load()
}

#[flow(path = "out")]
fn loaded() -> pipex::Result<usize> {
    let name = &names()[0];
    let big = big(name.clone()).lazy();
    size(name.clone(), big.clone()).run()?;
    Ok(big.load()?.len())
}

#[task(target(front = "{path}/{name}-front.bin", back = "{path}/{name}-back.bin"))]
fn halves(name: &str) -> (Vec<u8>, Vec<u8>) {
    runs("halves", name);
    (vec![1; 50_000], vec![2; 50_000])
}

#[flow(path = "out")]
fn several() -> pipex::Result<()> {
    let (front, back) = halves("all").lazy();
    size("front", front).run()?;
    size("back", back).run().map(drop)
}

#[task(target = "{name}.bin", store = SqliteStore::new("out/rows.sqlite"))]
fn row(name: &str) -> Vec<u8> {
    runs("row", name);
    vec![7; 100_000]
}

#[flow(path = "out")]
fn rows() -> pipex::Result<()> {
    size("row", row("one").lazy()).run().map(drop)
}

/// The next number of a series that is the same each time.
fn draw(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

const NODES: usize = 30;

/// A graph that its seed says: of each node whether it is lazy, and what it takes.
#[flow(path = "out")]
fn graph(seed: u64) -> pipex::Result<()> {
    #[task(target = "{path}/node/{id}.json")]
    fn node(id: usize, inputs: Vec<u64>) -> u64 {
        runs("node", &id.to_string());
        inputs.iter().fold(id as u64, |sum, input| sum.wrapping_mul(31).wrapping_add(*input))
    }
    let mut outputs: Vec<Output<u64>> = Vec::new();
    let mut state = seed;
    for id in 0..NODES {
        let count = if id == 0 { 0 } else { draw(&mut state) % 3 };
        let mut inputs: Vec<usize> = (0..count).map(|_| draw(&mut state) % id).collect();
        inputs.dedup();
        let call = node(id, inputs.into_iter().map(|input| outputs[input].clone()).collect::<Vec<_>>());
        outputs.push(if draw(&mut state) % 3 < 2 { call.lazy() } else { call.submit() });
    }
    Ok(())
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let ended = match &*std::env::var("FLOW").unwrap() {
        "eager" => eager(),
        "tolerant" => tolerant().map(drop),
        "loaded" => loaded().map(drop),
        "several" => several(),
        "chain" => chain(),
        "graph" => graph(names()[0].parse().unwrap()),
        "rows" => rows(),
        _ => lazy(),
    };
    ended.unwrap();
}

const THREE: &str = "a-100000 b-100000 c-100000";

fn start(desk: &Desk, flow: &str, names: &str) -> std::process::Command {
    let mut pipeline = desk.pipeline("budget::pipeline");
    pipeline.env("FLOW", flow).env("NAMES", names);
    pipeline
}

/// Runs the flow, and says what ran.
fn run(desk: &Desk, flow: &str, names: &str) -> Vec<String> {
    let output = start(desk, flow, names).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    what_ran(&String::from_utf8_lossy(&output.stdout))
}

fn what_ran(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("ran ")).map(str::to_owned).collect()
}

/// The files with large outputs.
fn files(desk: &Desk) -> Vec<String> {
    let entries = fs::read_dir(desk.file("out/big")).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn bigs(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name}-100000.bin")).collect()
}

#[test]
fn lazy_ones_that_were_not_used_for_longest_go_first_and_nothing_misses_them() {
    let desk = Desk::new();
    assert_eq!(run(&desk, "lazy", THREE).len(), 6);
    let said = desk.transcribe("gc --keep 250kB --dry-run");
    assert!(said.contains("out/big/a-100000.bin: 100.") && !said.contains("out/big/b"), "{said}");
    assert!(said.contains("; made again only if something needs it\nwould remove 1 output, 100."), "{said}");
    assert!(said.ends_with("[3]\n"), "{said}");
    let said = desk.transcribe("gc --keep 250kB");
    assert!(said.contains("there is nobody to ask: say --yes") && said.ends_with("[1]\n"), "{said}");
    assert_eq!(files(&desk), bigs(&["a", "b", "c"]));
    let said = desk.transcribe("gc --keep 250kB --yes");
    assert!(said.ends_with("removed 1 output\n"), "{said}");
    assert_eq!(files(&desk), bigs(&["b", "c"]));
    let said = desk.transcribe("gc --keep 250kB --yes");
    assert!(said.contains("to remove: 0 outputs, 0 B of 200."), "{said}");
    // Nothing is amiss, and nothing runs.
    assert_eq!(desk.conditions()["out/big/a-100000.bin"], "not_needed");
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    assert_eq!(run(&desk, "lazy", THREE), [""; 0]);
    // Until something needs it, which has then been used last; what made b and c has only been found there.
    for name in ["a", "b"] {
        fs::remove_file(desk.file(&format!("out/size/{name}-100000.json"))).unwrap();
    }
    assert_eq!(run(&desk, "lazy", THREE), ["big a-100000", "size a-100000", "size b-100000"]);
    assert!(desk.pipex("gc --keep 250kB --yes").status.success());
    assert_eq!(files(&desk), bigs(&["a", "b"]));
}

#[test]
fn results_stay_whatever_the_budget_and_it_is_said_by_how_much_it_is_not_met() {
    let desk = Desk::new();
    run(&desk, "lazy", THREE);
    let said = desk.transcribe("gc --keep 0B --yes");
    assert!(said.contains("to remove: 3 outputs, 300."), "{said}");
    let stays = "stays: 3 outputs, 21 B";
    assert!(
        said.contains(stays) && said.contains("it is a result: nothing that is asked for was made from it"),
        "{said}"
    );
    assert!(said.contains("more than the 0 B that they may: what stays, and why, is listed\n[1]"), "{said}");
    assert_eq!(files(&desk), [""; 0]);
    assert_eq!(run(&desk, "lazy", THREE), [""; 0]);
    let json = desk.json("gc --keep 0B");
    let (budget, results) = (&json["budget"], &json["budget"]["left"][0]);
    assert_eq!((budget["over"].as_u64(), results["outputs"].as_u64()), (results["bytes"].as_u64(), Some(3)));
    assert_eq!((&budget["total"], budget["freed"].as_u64()), (&budget["over"], Some(0)));
}

#[test]
fn the_cheapest_per_byte_go_first_where_that_is_the_policy() {
    // Of a large one each byte costs next to nothing.
    for (policy, kept) in [("lru", "b-5000000.bin"), ("cost", "a-500.bin")] {
        let desk = Desk::new();
        run(&desk, "lazy", "a-500 b-5000000");
        let total = desk.json("gc --keep 1TB")["budget"]["total"].as_u64().unwrap();
        let said = desk.transcribe(&format!("gc --keep {}B --policy {policy} --yes", total - 1));
        assert_eq!(files(&desk), [kept], "{said}");
    }
}

#[test]
fn what_the_next_run_makes_again_goes_only_if_that_is_said() {
    let desk = Desk::new();
    run(&desk, "eager", THREE);
    let said = desk.transcribe("gc --keep 250kB --yes");
    assert!(said.contains("stays: 3 outputs, 300."), "{said}");
    assert!(said.contains("the next run would make it again, since its call is not lazy: --eager"), "{said}");
    assert!(said.contains("more than the 250.0 kB that they may") && said.ends_with("[1]\n"), "{said}");
    assert_eq!(files(&desk), bigs(&["a", "b", "c"]));
    let said = desk.transcribe("gc --keep 250kB --eager --yes");
    assert!(said.contains("; the next run makes it again\n") && said.ends_with("removed 1 output\n"), "{said}");
    assert_eq!(files(&desk), bigs(&["b", "c"]));
    assert_eq!(desk.count("big", "missing"), 1, "as it is after `pipex rm`");
    assert_eq!(run(&desk, "eager", THREE), ["big a-100000"], "it comes out as it was");
}

#[test]
fn what_a_killed_run_was_about_stays_until_a_run_is_complete() {
    let desk = Desk::new();
    let mut child = start(&desk, "lazy", THREE).env("HOLDS", "b-100000").stdout(Stdio::piped()).spawn().unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(says.any(|line| line.unwrap() == "held"));
    // The journal says it soon after.
    while desk.count("size", "running") == 0 {}
    let stays = |desk: &Desk, why: &str| {
        let said = desk.transcribe("gc --keep 10kB --yes");
        assert!(said.contains(why), "{said}");
        assert!(said.ends_with("[1]\n"), "{said}");
        assert_eq!(files(desk), bigs(&["a", "b"]));
    };
    stays(&desk, ": a run goes on, which may need it\n");
    child.kill().unwrap();
    child.wait().unwrap();
    stays(&desk, ": the last run of a flow that asks for it was not complete\n");
    assert_eq!(run(&desk, "lazy", THREE), ["size b-100000", "big c-100000", "size c-100000"]);
    assert!(desk.pipex("gc --keep 10kB --yes").status.success());
    assert_eq!(files(&desk), [""; 0]);
    assert_eq!(run(&desk, "lazy", THREE), [""; 0]);
}

#[test]
fn what_failed_still_needs_what_it_takes() {
    let desk = Desk::new();
    let output = start(&desk, "tolerant", THREE).env("FAILS", "b-100000").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = desk.transcribe("gc --keep 10kB --yes");
    assert!(said.contains("out/big/b-100000.bin: something that is to be made from it is not there"), "{said}");
    assert_eq!(files(&desk), bigs(&["b"]));
    assert_eq!(run(&desk, "tolerant", THREE), ["size b-100000"]);
    assert!(desk.pipex("gc --keep 10kB --yes").status.success());
    assert_eq!(files(&desk), [""; 0]);
}

/// The first run does not tell: its data were asked for when they had been made for another.
#[test]
fn a_lazy_one_whose_data_the_flow_asks_for_in_each_run_is_as_good_as_any_other() {
    let desk = Desk::new();
    run(&desk, "loaded", "a-100000");
    run(&desk, "loaded", "a-100000");
    let said = desk.transcribe("gc --keep 10kB --yes");
    assert!(said.contains("the next run would make it again") && said.ends_with("[1]\n"), "{said}");
    assert_eq!(files(&desk), bigs(&["a"]));
}

#[flow(path = "out")]
fn chain() -> pipex::Result<()> {
    #[task(target = "{path}/twice.bin")]
    fn twice(of: &[u8]) -> Vec<u8> {
        runs("twice", "a");
        [of, of].concat()
    }
    size("end", twice(big("a-100000").lazy()).lazy()).run().map(drop)
}

#[test]
fn lazy_ones_that_were_made_from_lazy_ones_go_in_any_order_and_all_come_back() {
    for budgets in [&["210kB", "10kB"][..], &["10kB"]] {
        let desk = Desk::new();
        assert_eq!(run(&desk, "chain", ""), ["big a-100000", "twice a", "size end"]);
        for budget in budgets {
            assert!(desk.pipex(&format!("gc --keep {budget} --yes")).status.success());
            assert_eq!((desk.pipex("status").status.code(), run(&desk, "chain", "")), (Some(0), Vec::new()));
        }
        assert!(files(&desk).is_empty() && !desk.file("out/twice.bin").exists());
        fs::remove_file(desk.file("out/size/end.json")).unwrap();
        assert_eq!(run(&desk, "chain", ""), ["big a-100000", "twice a", "size end"]);
    }
}

#[test]
fn what_was_made_together_goes_together() {
    let desk = Desk::new();
    assert_eq!(run(&desk, "several", ""), ["halves all", "size front", "size back"]);
    let said = desk.transcribe("gc --keep 60kB --yes");
    assert!(said.contains("out/all-back.bin and out/all-front.bin: 100."), "{said}");
    assert!(said.contains("to remove: 2 outputs, 100.") && said.ends_with("removed 2 outputs\n"), "{said}");
    assert_eq!(run(&desk, "several", ""), [""; 0]);
    fs::remove_file(desk.file("out/size/back.json")).unwrap();
    assert_eq!(run(&desk, "several", ""), ["halves all", "size back"]);
    // The one is needed, and so is the other.
    fs::remove_file(desk.file("out/size/front.json")).unwrap();
    let said = desk.transcribe("gc --keep 60kB --yes");
    assert!(said.contains("it was made together with what has to stay") && said.ends_with("[1]\n"), "{said}");
    assert!(desk.file("out/all-front.bin").exists() && desk.file("out/all-back.bin").exists());
}

#[test]
fn what_is_in_a_database_goes_likewise() {
    let desk = Desk::new();
    assert_eq!(run(&desk, "rows", ""), ["row one", "size row"]);
    let said = desk.transcribe("gc --keep 1kB --yes");
    assert!(said.contains("one.bin: 100.") && said.ends_with("removed 1 output\n"), "{said}");
    assert_eq!(run(&desk, "rows", ""), [""; 0]);
    fs::remove_file(desk.file("out/size/row.json")).unwrap();
    assert_eq!(run(&desk, "rows", ""), ["row one", "size row"]);
}

#[test]
fn what_pipex_did_not_make_stays_and_what_was_edited_or_is_stale() {
    let desk = Desk::new();
    run(&desk, "lazy", THREE);
    desk.write("out/big/mine.bin", "mine");
    desk.write("out/big/a-100000.bin", "edited");
    let said = desk.transcribe("gc --keep 0B --yes");
    assert!(said.contains("such as out/big/a-100000.bin: it was changed since pipex made it"), "{said}");
    assert!(!said.contains("mine.bin"), "{said}");
    assert_eq!(files(&desk), ["a-100000.bin", "mine.bin"]);
}

#[test]
fn a_number_is_one_of_runs_and_a_size_has_a_unit() {
    let desk = Desk::new();
    run(&desk, "lazy", THREE);
    assert!(!desk.transcribe("gc --keep 2").contains("output"), "the journals of two runs");
    assert!(desk.transcribe("gc --keep 2 --keep 1GB").contains("to remove: 0 outputs"));
    let said = desk.transcribe("gc --keep much");
    assert!(said.contains("write a number of runs, or a size such as 50GB") && said.ends_with("[2]\n"), "{said}");
}

/// Whatever is missing beside: a run after it runs what it would have run without it.
#[test]
fn in_random_graphs_it_changes_nothing_of_what_the_next_run_runs() {
    let mut gone = 0;
    for seed in 1..=8_u64 {
        let [kept, collected] = [Desk::new(), Desk::new()];
        let ran = [(&kept, false), (&collected, true)].map(|(desk, collects)| {
            run(desk, "graph", &seed.to_string());
            let mut state = seed;
            for _ in 0..(seed % 3) {
                let _ = fs::remove_file(desk.file(&format!("out/node/{}.json", draw(&mut state) % NODES)));
            }
            if collects {
                let said = desk.json("gc --keep 0B --yes");
                gone += said["budget"]["outputs"].as_array().unwrap().len();
            }
            let mut ran = run(desk, "graph", &seed.to_string());
            ran.sort();
            ran
        });
        assert_eq!(ran[0], ran[1], "seed {seed}");
        // All comes back, and is what it was.
        for desk in [&kept, &collected] {
            fs::remove_dir_all(desk.file("out")).unwrap();
            run(desk, "graph", &seed.to_string());
        }
        for entry in fs::read_dir(kept.file("out/node")).unwrap() {
            let name = entry.unwrap().file_name();
            let [one, other] = [&kept, &collected].map(|desk| fs::read(desk.file("out/node").join(&name)).unwrap());
            assert_eq!(one, other, "seed {seed}");
        }
    }
    assert!(gone > 20, "{gone}");
}
