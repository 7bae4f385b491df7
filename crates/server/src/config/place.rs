//! Whether one path lies inside another, links and missing ends included.

use std::path::{Component, Path, PathBuf};

/// Whether `path` is `folder` or lies below it. Links are followed as far as the path exists, so a link out of the folder does
/// not hide a file that is really inside.
pub(super) fn is_inside(path: &Path, folder: &Path) -> bool {
    settle(path).starts_with(settle(folder))
}

/// The path with links resolved in the part that exists and `.` and `..` taken out of the rest.
fn settle(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return flatten(&real.join(rest));
        }
    }
    flatten(&absolute)
}

fn flatten(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut done, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                done.pop();
            }
            other => done.push(other),
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_or_equal_is_inside_and_a_sibling_with_the_same_beginning_is_not() {
        assert!(is_inside(Path::new("/no/data/root.key"), Path::new("/no/data")));
        assert!(is_inside(Path::new("/no/keys/../data/root.key"), Path::new("/no/data")));
        assert!(!is_inside(Path::new("/no/data-keys/root.key"), Path::new("/no/data")));
        assert!(!is_inside(Path::new("/no/data/../keys/root.key"), Path::new("/no/data")));
    }

    #[test]
    fn a_link_into_the_folder_is_inside() {
        let folder = std::env::temp_dir().join(format!("aceso-place-{}", std::process::id()));
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let link = folder.join("elsewhere");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&data, &link).unwrap();
        assert!(is_inside(&link.join("root.key"), &data));
    }
}
