//! Whichever of a project's directories a program is started in, it is the same project.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const MARKED: &str = env!("CARGO_BIN_EXE_marked");

/// The program in this directory, in this mode.
fn program(mode: &str, here: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(MARKED);
    command.args(arguments).current_dir(here);
    let of_pipex = |name: &str| name.starts_with("PIPEX") || name.starts_with("PREFECT");
    std::env::vars().filter(|(name, _)| of_pipex(name)).for_each(|(name, _)| _ = command.env_remove(name));
    command.env("PIPEX", mode).env("PIPEX_QUIET", "1").env("HOME", "/nowhere");
    command
}

fn said(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = [stdout, stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(status.success(), "{said}");
    said
}

/// Every file below this directory that is not of a journal, and the number of journals of runs.
fn files(root: &Path) -> (Vec<String>, usize) {
    let (mut found, mut runs, mut directories) = (Vec::new(), 0, vec![root.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                directories.push(path);
            } else if !name.contains(".pipex/") {
                found.push(name);
            } else if name.ends_with(".jsonl") {
                assert!(name.starts_with(".pipex/"), "{name}");
                runs += 1;
            }
        }
    }
    found.sort();
    (found, runs)
}

const ALL: [&str; 4] = ["out/number/1", "out/number/2", "out/total", "plain/7.txt"];

fn project() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("sub/deep")).unwrap();
    root
}

#[test]
fn in_a_subfolder_nothing_runs_again_and_there_is_one_journal() {
    for mode in ["cache", "prefect.cache"] {
        let root = project();
        let run = |here: &str| said(program(mode, &root.path().join(here), &["totals"]));
        assert_eq!(run(""), "writing 7\nadding up\nat out/total: true\n3\nmain went on\n", "{mode}");
        assert_eq!(run("sub"), "at ../out/total: true\n3\nmain went on\n", "{mode}");
        assert_eq!(run("sub/deep"), "at ../../out/total: true\n3\nmain went on\n", "{mode}");
        assert_eq!(run("out/number"), "at ../total: true\n3\nmain went on\n", "{mode}");
        let everything = || (ALL.map(str::to_owned).to_vec(), 4);
        assert_eq!(files(root.path()), everything(), "{mode}");

        // What is deleted is made again where it was.
        fs::remove_file(root.path().join("out/total")).unwrap();
        fs::remove_file(root.path().join("plain/7.txt")).unwrap();
        assert_eq!(run("sub"), "writing 7\nadding up\nat ../out/total: true\n3\nmain went on\n", "{mode}");
        assert_eq!(run(""), "at out/total: true\n3\nmain went on\n", "{mode}");
        assert_eq!(files(root.path()).0, ALL, "{mode}");
    }
}

#[test]
fn where_nothing_is_saved_nothing_is_looked_for() {
    for mode in ["do_nothing", "prefect"] {
        let root = project();
        fs::create_dir(root.path().join(".pipex")).unwrap();
        let said = said(program(mode, &root.path().join("sub"), &["totals"]));
        assert_eq!(said, "writing 7\nadding up\n3\nmain went on\n", "{mode}");
        assert_eq!(files(root.path()).0, [""; 0], "{mode}");
    }
}

#[test]
fn pipex_root_says_where_it_is() {
    let (root, other) = (project(), project());
    let set = |here: &Path, value: &str| {
        let mut command = program("cache", here, &["totals"]);
        command.env("PIPEX_ROOT", value);
        command
    };
    // A journal further up is not taken.
    fs::create_dir(root.path().join(".pipex")).unwrap();
    assert!(said(set(&root.path().join("sub"), ".")).ends_with("at out/total: true\n3\nmain went on\n"));
    let below = ALL.map(|name| format!("sub/{name}"));
    assert_eq!(fs::read_dir(root.path().join(".pipex")).unwrap().count(), 0);
    assert!(root.path().join("sub/.pipex/runs").exists());
    let found = |root: &Path| {
        let mut found = Vec::new();
        for name in ALL.into_iter().chain(below.iter().map(String::as_str)) {
            found.extend(root.join(name).exists().then(|| name.to_owned()));
        }
        found
    };
    assert_eq!(found(root.path()), below);

    // From somewhere else altogether.
    let elsewhere = other.path().canonicalize().unwrap();
    let at = format!("at {}/out/total: true\n", elsewhere.display());
    assert!(said(set(root.path(), elsewhere.to_str().unwrap())).ends_with(&format!("{at}3\nmain went on\n")));
    assert_eq!(files(other.path()), (ALL.map(str::to_owned).to_vec(), 1));
    assert_eq!(said(program("cache", &elsewhere.join("sub"), &["totals"])), "at ../out/total: true\n3\nmain went on\n");

    let refused = set(root.path(), "nowhere").output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("PIPEX_ROOT") && error.contains("a directory"), "{error}");
}

/// What everybody may write to, and a home directory, are nobody's project by accident.
#[test]
fn what_is_not_the_projects_is_not_climbed_to() {
    use std::os::unix::fs::PermissionsExt as _;

    let run = |root: &Path, home: &Path| {
        let mut command = program("cache", &root.join("sub"), &["totals"]);
        said({
            command.env("HOME", home);
            command
        });
        root.join("sub/out/total").exists()
    };
    for (is_home, mode, starts_its_own) in [(true, 0o755, true), (false, 0o777, true), (false, 0o775, false)] {
        let root = project();
        let path = root.path().canonicalize().unwrap();
        fs::create_dir(path.join(".pipex")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let home = if is_home { &*path } else { Path::new("/nowhere") };
        assert_eq!(run(&path, home), starts_its_own, "{is_home} {mode:o}");
    }
}

#[test]
fn the_environment_wins_over_a_flows_path_and_the_configuration_over_both() {
    for mode in ["cache", "prefect.cache"] {
        let root = project();
        fs::create_dir(root.path().join(".pipex")).unwrap();
        let run = |what: &str| {
            // Typed in a shell, it is relative to where that is.
            let mut command = program(mode, &root.path().join("sub"), &[what]);
            command.env("PIPEX_PATH", "typed");
            said(command)
        };
        assert!(run("totals").ends_with("at typed/total: true\n3\nmain went on\n"), "{mode}");
        assert!(run("totals-elsewhere").ends_with("at ../configured/total: true\n3\nmain went on\n"), "{mode}");
        let mut expected: Vec<String> = ["configured", "sub/typed"]
            .into_iter()
            .flat_map(|path| ["number/1", "number/2", "total"].map(|name| format!("{path}/{name}")))
            .collect();
        expected.insert(3, "plain/7.txt".to_owned());
        assert_eq!(files(root.path()).0, expected, "{mode}");
        // From the root it is the same place by another name.
        let mut command = program(mode, root.path(), &["totals"]);
        command.env("PIPEX_PATH", "sub/typed");
        assert_eq!(said(command), "at sub/typed/total: true\n3\nmain went on\n", "{mode}");
    }
}

/// A job that is listed in one directory of the project is done in another.
#[test]
fn jobs_are_the_same_in_each_of_its_directories() {
    let root = project();
    fs::create_dir(root.path().join(".pipex")).unwrap();
    let mut list = program("cache", &root.path().join("sub"), &[]);
    list.env("PIPEX_DRY_RUN", "jobs");
    let lines = said(list);
    let job = lines.lines().find(|line| line.contains("programs::number")).unwrap();
    assert_eq!(said(program("cache", &root.path().join("sub/deep"), &["pipex", "run", job])), "../../out/number/1\n");
    assert_eq!(files(root.path()).0, ["out/number/1"]);
}
