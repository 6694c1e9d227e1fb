//! A worker that is cut off from the server, and comes back.

use std::process::Command;

use crate::commits::Commits;
use crate::events::until;
use crate::gate::Gate;
use crate::nats::{all_are_right, gates, start_gated_flow, start_worker};
use crate::servers::{Nats, Place, Process};

/// In a network namespace of its own, below which the worker has another; the wire between them is cut for a while.
#[test]
fn cut_off_it_ends_well() {
    let inside = crate::child::child("cut_off::inside_a_namespace");
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--"]).arg(inside.get_program()).args(inside.get_args());
    let (code, said) = Process::start(&mut unshare).end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the wire was cut, and the flow ended well"), "{said}");
}

#[test]
#[ignore = "another process: the test above, in its namespace"]
fn inside_a_namespace() {
    const COUNT: u64 = 300;
    let ip = |arguments: &str| assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
    ip("link set lo up");
    ip("link add here type veth peer name there");
    ip("addr add 10.77.0.1/24 dev here");
    ip("link set here up");
    let (nats, place) = (Nats::at("0.0.0.0", &[]), Place::new());
    let (commits, gates) = (Commits::of(&place), gates(&place, 4));
    let url = nats.url().replace("0.0.0.0", "10.77.0.1");
    let worker = place.program("nats::worker");
    let arrive = "echo it has a namespace >&2; : <wire; ip link set lo up; ip addr add 10.77.0.2/24 dev there; \
                  ip link set there up; exec \"$@\"";
    let wire = Gate::new(place.file("wire"));
    let mut away = Command::new("unshare");
    away.args(["--net", "--", "sh", "-c", arrive, "sh"]).arg(worker.get_program()).args(worker.get_args());
    away.envs(worker.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    away.env_remove("PREFECT_API_URL");
    let away = Process::start(away.env("PIPEX_NATS_URL", &url));
    away.says("it has a namespace");
    ip(&format!("link set there netns {}", away.id()));
    let _wire = wire.open();
    away.says("does");

    let mut flow = start_gated_flow(&place, &nats, COUNT, 4);
    let _first = gates[0].open();
    until("a beginning", || (commits.count() > 30 || flow.has_ended()).then_some(()));
    ip("link set here down");
    let _more = [gates[1].open(), gates[2].open()];
    // Without a worker nothing goes on, but for what it had.
    away.says("is lost");
    let here = start_worker(&place, &nats.url().replace("0.0.0.0", "127.0.0.1"));
    until("half of it", || (commits.count() > COUNT / 2 || flow.has_ended()).then_some(()));
    ip("link set here up");
    let _last = gates[3].open();
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    all_are_right(&place, COUNT);
    assert_eq!(commits.all(), COUNT);
    drop((here, away));
    eprintln!("the wire was cut, and the flow ended well");
}
