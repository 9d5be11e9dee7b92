//! Finds the files below the given paths.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The files at and below `paths`, each once, in the byte order of their paths. Symbolic links to files are followed;
/// those to directories only where they are given themselves.
pub(crate) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).with_context(|| path.display().to_string())?.file_type();
        if kind.is_dir() {
            search(path, &mut files)?;
        } else if kind.is_file() {
            files.push(path.clone());
        } else {
            bail!("{}: neither a file nor a directory", path.display());
        }
    }
    // Paths compare by their parts, so that `a/b` is less than `a-b`; their text does not.
    files.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    files.dedup_by(|one, other| one.as_os_str() == other.as_os_str());
    Ok(files)
}

fn search(directory: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let context = || directory.display().to_string();
    for entry in fs::read_dir(directory).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (path, kind) = (entry.path(), entry.file_type().with_context(context)?);
        let is_link_to_file =
            || kind.is_symlink() && fs::metadata(&path).is_ok_and(|target| target.is_file());
        if kind.is_dir() {
            search(&path, files)?;
        } else if kind.is_file() || is_link_to_file() {
            files.push(path);
        } // else there is nothing to count: a device, a socket, a link to nowhere or to a directory
    }
    Ok(())
}
