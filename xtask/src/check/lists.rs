//! Five lists that may only get shorter.
//!
//! Each file in `xtask/lists` begins with `# at most N`; the number must be the number of its lines, so that a longer list shows in
//! review as a raised number. What is on a list must still be true: an entry that is no longer needed is an error as well.

use super::source::Tree;
use super::{Finding, house};
use crate::command::Failure;
use std::collections::BTreeSet;

const FOLDER: &str = "xtask/lists";
/// The route tables of what speaks HTTP to the public.
const ROUTES: [&str; 2] = ["crates/api/src/routes.rs", "crates/console/src/routes.rs"];
const LOGGABLE: &str = "crates/server/src/telemetry/fields.rs";

pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let routes: BTreeSet<String> =
        ROUTES.iter().filter_map(|path| tree.get(path)).flat_map(|file| endpoints(&file.text)).collect();
    for (name, table) in
        [("endpoints-without-authorisation-test", "AUTHORISATION"), ("endpoints-without-audit-assertion", "AUDIT")]
    {
        let list = read(tree, name, &mut findings)?;
        let covered = covered(tree, table);
        findings.extend(compare(name, &list, &routes, &covered));
    }
    // `crates/labels/build.rs` refuses to build when an element has no class, so nothing can be on this list.
    let unclassified = read(tree, "elements-without-class", &mut findings)?;
    findings.extend(
        unclassified.iter().map(|line| Finding::new("elements-without-class", format!("{line}: give it a class"))),
    );
    let listed = read(tree, "fields-that-may-be-logged", &mut findings)?;
    let real = tree.get(LOGGABLE).map(|file| loggable(&file.text)).unwrap_or_default();
    findings.extend(
        real.difference(&listed)
            .map(|name| Finding::new(LOGGABLE, format!("{name} may be logged but is not on the list"))),
    );
    findings.extend(
        listed
            .difference(&real)
            .map(|name| Finding::new("fields-that-may-be-logged", format!("{name} is gone; take it off"))),
    );
    let listed = read(tree, "files-over-500-lines", &mut findings)?;
    let long = house::long_files(tree);
    findings.extend(
        long.difference(&listed).map(|path| Finding::new(path, "has more than 500 lines; cut it by what it does")),
    );
    findings.extend(
        listed
            .difference(&long)
            .map(|path| Finding::new("files-over-500-lines", format!("{path} is short enough; take it off"))),
    );
    Ok(findings)
}

fn read(tree: &Tree, name: &str, findings: &mut Vec<Finding>) -> Result<BTreeSet<String>, Failure> {
    let path = format!("{FOLDER}/{name}.txt");
    let file = tree.get(&path).ok_or(format!("{path} is missing"))?;
    let bound = file.text.lines().next().and_then(|line| line.strip_prefix("# at most ")?.trim().parse::<usize>().ok());
    let entries: Vec<&str> =
        file.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    match bound {
        None => findings.push(Finding::new(&path, "must begin with `# at most N`")),
        Some(bound) if entries.len() > bound => {
            findings.push(Finding::new(&path, "is longer than its bound; shorten it"))
        }
        Some(bound) if entries.len() < bound => {
            findings.push(Finding::new(&path, format!("lower its bound to {}", entries.len())))
        }
        Some(_) => {}
    }
    Ok(entries.into_iter().map(str::to_owned).collect())
}

fn compare(name: &str, list: &BTreeSet<String>, routes: &BTreeSet<String>, covered: &BTreeSet<String>) -> Vec<Finding> {
    let missing = routes.difference(covered).filter(|route| !list.contains(*route));
    let needless = list.iter().filter(|route| covered.contains(*route) || !routes.contains(*route));
    let unknown = covered.difference(routes);
    missing
        .map(|route| Finding::new("routes", format!("{route} is in no test table ({name})")))
        .chain(needless.map(|route| Finding::new(name, format!("{route} is covered or gone; take it off"))))
        .chain(unknown.map(|route| Finding::new(name, format!("{route} stands in a test table but is no route"))))
        .collect()
}

/// Endpoints as `METHOD /path`: every pair `("METHOD", "/path"` of the route table, and `client("/path"`, which is a POST.
fn endpoints(text: &str) -> BTreeSet<String> {
    const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let posts =
        text.match_indices("client(\"/").filter_map(|(at, call)| text.get(at + call.len() - 1..)?.split('"').next());
    let mut found: BTreeSet<String> = posts.map(|path| format!("POST {path}")).collect();
    for method in METHODS {
        let quoted = format!("\"{method}\"");
        for (at, _) in text.match_indices(&quoted) {
            let rest =
                text.get(at + quoted.len()..).unwrap_or_default().trim_start().trim_start_matches(',').trim_start();
            if let Some(path) =
                rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).filter(|path| path.starts_with('/'))
            {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

/// Endpoints in `const TABLE … ];` of any integration test of the server, the API or the console. The tests walk these tables.
fn covered(tree: &Tree, table: &str) -> BTreeSet<String> {
    const TESTS: [&str; 3] = ["crates/server/tests/", "crates/api/tests/", "crates/console/tests/"];
    let tests = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".rs") && TESTS.iter().any(|folder| file.path.starts_with(folder)));
    let start = format!("const {table}:");
    tests
        .filter_map(|file| file.text.split_once(&start))
        .flat_map(|(_, rest)| endpoints(rest.split_once("\n];").map_or(rest, |(inside, _)| inside)))
        .collect()
}

fn loggable(text: &str) -> BTreeSet<String> {
    let table = text
        .split_once("pub const LOGGABLE")
        .map(|(_, rest)| rest.split("];").next().unwrap_or_default())
        .unwrap_or_default();
    table.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::tests::tree;

    const ROUTE_TABLE: &str = "pub const ROUTES: &[Route] = &[\n    route(\"GET\", \"/a\"),\n    client(\"/b\"),\n];\n";

    fn with(authorisation: &str, list: &str) -> Vec<Finding> {
        let test = format!(
            "const AUTHORISATION: &[(&str, &str)] = &[{authorisation}\n];\nconst AUDIT: &[X] = &[(\"GET\", \"/a\"), (\"POST\", \"/b\")\n];\n"
        );
        let files = tree(&[
            (ROUTES[0], ROUTE_TABLE),
            ("crates/server/tests/matrix.rs", &test),
            ("xtask/lists/endpoints-without-authorisation-test.txt", list),
            ("xtask/lists/endpoints-without-audit-assertion.txt", "# at most 0\n"),
            ("xtask/lists/elements-without-class.txt", "# at most 0\n"),
            ("xtask/lists/fields-that-may-be-logged.txt", "# at most 1\nstatus\n"),
            ("xtask/lists/files-over-500-lines.txt", "# at most 0\n"),
            (LOGGABLE, "pub const LOGGABLE: &[(&str, Kind)] = &[\n    (\"status\", Kind::Number),\n];"),
        ]);
        check(&files).unwrap()
    }

    #[test]
    fn covered_endpoints_are_well() {
        assert_eq!(with("(\"GET\", \"/a\"), (\"POST\", \"/b\")", "# at most 0\n"), []);
    }

    #[test]
    fn an_endpoint_without_a_test_is_found_unless_it_is_listed() {
        assert_eq!(with("(\"GET\", \"/a\")", "# at most 0\n").len(), 1);
        assert_eq!(with("(\"GET\", \"/a\")", "# at most 1\nPOST /b\n"), []);
    }

    #[test]
    fn a_needless_entry_and_a_wrong_bound_are_found() {
        assert_eq!(with("(\"GET\", \"/a\"), (\"POST\", \"/b\")", "# at most 1\nPOST /b\n").len(), 1);
        assert_eq!(with("(\"GET\", \"/a\")", "# at most 2\nPOST /b\n").len(), 1);
        assert_eq!(with("(\"GET\", \"/a\")", "# at most 0\nPOST /b\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_listed_and_a_short_one_may_not_be_listed() {
        let long = "x\n".repeat(501);
        let judged = |list: &str, text: &str| {
            let of = |name: &str| (format!("{FOLDER}/{name}.txt"), "# at most 0\n".to_owned());
            let mut files: Vec<(String, String)> =
                ["endpoints-without-authorisation-test", "endpoints-without-audit-assertion"]
                    .into_iter()
                    .chain(["elements-without-class", "fields-that-may-be-logged"])
                    .map(of)
                    .collect();
            files.push((format!("{FOLDER}/files-over-500-lines.txt"), list.to_owned()));
            files.push(("crates/a/tests/a.rs".to_owned(), text.to_owned()));
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            check(&tree(&files)).unwrap().len()
        };
        assert_eq!(judged("# at most 0\n", &long), 1);
        assert_eq!(judged("# at most 1\ncrates/a/tests/a.rs\n", &long), 0);
        assert_eq!(judged("# at most 1\ncrates/a/tests/a.rs\n", "x\n"), 1);
    }

    #[test]
    fn a_field_that_is_logged_but_not_listed_is_found() {
        let table = loggable(
            "pub const LOGGABLE: &[(&str, Kind)] = &[\n    (\"name\", Kind::Word),\n];\nfn x() { (\"y\", 1) }",
        );
        assert_eq!(table.into_iter().collect::<Vec<_>>(), ["name"]);
    }
}
