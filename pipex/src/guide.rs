//! The guide in `docs/src`: its code is compiled and run, as README's is, and its links lead somewhere.

#[cfg(doctest)]
mod chapters {
    #[doc = include_str!("../../docs/src/tasks.md")]
    struct Tasks;
    #[doc = include_str!("../../docs/src/graphs.md")]
    struct Graphs;
    #[doc = include_str!("../../docs/src/templates.md")]
    struct Templates;
    #[doc = include_str!("../../docs/src/stores.md")]
    struct Stores;
    #[doc = include_str!("../../docs/src/shell.md")]
    struct Shell;
    #[doc = include_str!("../../docs/src/executor.md")]
    struct Executor;
    #[doc = include_str!("../../docs/src/stale.md")]
    struct Stale;
    #[doc = include_str!("../../docs/src/command.md")]
    struct Command;
    #[doc = include_str!("../../docs/src/ui.md")]
    struct Page;
    #[doc = include_str!("../../docs/src/seeing.md")]
    struct Seeing;
    #[doc = include_str!("../../docs/src/testing.md")]
    struct Testing;
    #[doc = include_str!("../../docs/src/settings.md")]
    struct Settings;
    #[doc = include_str!("../../docs/src/scaling.md")]
    struct Scaling;
    #[doc = include_str!("../../docs/src/comparison.md")]
    struct Comparison;
    #[doc = include_str!("../../docs/src/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../docs/src/format.md")]
    struct Format;
    #[doc = include_str!("../../docs/src/performance.md")]
    struct Performance;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// What stands for the project's own directory in links from where it is not.
    const ABSOLUTE: [&str; 2] =
        ["https://github.com/pipex-rs/pipex/blob/main/", "https://raw.githubusercontent.com/pipex-rs/pipex/main/"];
    const FRONT_PAGE: &str = "https://github.com/pipex-rs/pipex#";

    fn project() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn chapters() -> Vec<PathBuf> {
        let entries = fs::read_dir(project().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|it| it == "md") && !path.ends_with("SUMMARY.md")).collect()
    }

    /// The lines that are no code.
    fn prose(text: &str) -> String {
        text.split("```").step_by(2).collect()
    }

    /// The names by which the headings of a document are linked to.
    fn anchors(text: &str) -> Vec<String> {
        let slug = |heading: &str| -> String {
            let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
        };
        let prose = prose(text);
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| slug(line.trim_start_matches('#'))).collect()
    }

    /// The file that a link leads to, with its anchor, if it is one of the project's.
    fn resolve(document: &Path, link: &str) -> Option<(PathBuf, Option<String>)> {
        let (place, anchor) = link.split_once('#').map_or((link, None), |(place, anchor)| (place, Some(anchor)));
        let own = ABSOLUTE.iter().find_map(|prefix| place.strip_prefix(prefix));
        let path = match own {
            Some(path) => project().join(path),
            None if link.starts_with(FRONT_PAGE) => project().join("README.md"),
            None if place.starts_with("https://") => return None,
            None if place.is_empty() => document.to_owned(),
            None => document.parent()?.join(place),
        };
        Some((path, anchor.map(str::to_owned)))
    }

    #[test]
    fn links_lead_somewhere() {
        let others = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pipex-cli/README.md", "pipex-macros/README.md"];
        let mut checked = 0;
        for document in others.iter().map(|other| project().join(other)).chain(chapters()) {
            let text = prose(&read(&document));
            for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
                let Some((path, anchor)) = resolve(&document, link) else { continue };
                assert!(path.exists(), "{}: {link}", document.display());
                // The anchor of the whole page is GitHub's.
                if let Some(anchor) = anchor.filter(|anchor| anchor != "readme") {
                    assert!(anchors(&read(&path)).contains(&anchor), "{}: {link}", document.display());
                }
                checked += 1;
            }
        }
        assert!(checked > 30, "{checked}");
    }

    /// Lines that rustdoc would hide are shown by GitHub.
    #[test]
    fn no_line_of_code_is_hidden() {
        let mut blocks = 0;
        for document in chapters().into_iter().chain([project().join("README.md")]) {
            let text = read(&document);
            for block in text.split("```").skip(1).step_by(2).filter(|block| block.starts_with("rust\n")) {
                assert!(!block.lines().any(|line| line.starts_with("# ")), "{}: {block}", document.display());
                blocks += 1;
            }
        }
        assert!(blocks > 5, "{blocks}");
    }

    #[test]
    fn each_chapter_is_in_the_list_and_its_code_is_run() {
        let summary = read(&project().join("docs/src/SUMMARY.md"));
        let front_page = read(&project().join("README.md"));
        for chapter in chapters() {
            let name = chapter.file_name().unwrap().to_str().unwrap();
            assert!(summary.contains(&format!("({name})")), "{name}");
            assert!(front_page.contains(&format!("/docs/src/{name})")), "{name}");
            assert!(include_str!("guide.rs").contains(&format!("docs/src/{name}\")]")), "{name}");
        }
    }
}
