//! [`PrivateCopy`]: a library's bytes in a file that nobody else has a hand in, for as long as it takes to load them.
//!
//! The user's own file is never mapped: who shortens or overwrites a mapped file ends the process. And every load has a
//! path that no load ever had, because the system's loader answers a path that it knows with the library it knows.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::hash::Hash;

use super::error::LoadError;

/// How often a name that is already taken is replaced by another one.
const ATTEMPTS_MAX: usize = 16;

/// The copy of a library, gone when this is dropped. What is mapped by then stays mapped.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    path: PathBuf,
    _directory: PrivateDirectory,
}

impl PrivateCopy {
    /// A copy of the library at `path`, whose bytes and hash these are.
    pub(super) fn write(path: &Path, bytes: &[u8], hash: Hash) -> Result<Self, LoadError> {
        let failed = |directory, source| LoadError::Copy { path: path.to_owned(), directory, source };
        let directory = PrivateDirectory::make().map_err(|source| failed(env::temp_dir(), source))?;
        match directory.write(&format!("{hash}.so"), bytes) {
            Ok(path) => Ok(Self { path, _directory: directory }),
            Err(source) => Err(failed(directory.path().to_owned(), source)),
        }
    }

    /// The path of the copy.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A new directory that only this user may enter, gone with its files when it is dropped.
#[derive(Debug)]
pub(super) struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    pub(super) fn make() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Absolute, because the process may change its directory before the copy is loaded.
        let parent = std::path::absolute(env::temp_dir())?;
        Self::make_in(&parent, || {
            // The number is this process's own, the process's id that of those alive, and chance tells them from the dead.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            format!("wpc-{}-{number}-{:016x}", process::id(), rand::random::<u64>())
        })
    }

    /// The first of so many names that is not taken yet.
    fn make_in(parent: &Path, mut name: impl FnMut() -> String) -> io::Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            let path = parent.join(name());
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a new file of that name.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(bytes)?;
        Ok(path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // What cannot be removed only takes room: the path is never used again, and there is nobody to be told.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_copy_is_private_is_the_same_and_goes() {
        let bytes = b"some bytes".as_slice();
        let copy = PrivateCopy::write(Path::new("lib.so"), bytes, Hash::of_bytes(bytes)).expect("written");
        let (path, directory) = (copy.path().to_owned(), copy.path().parent().expect("in one").to_owned());
        assert_eq!(fs::read(&path).expect("it is there"), bytes);
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&path)), (0o700, 0o600));
        drop(copy);
        assert!(!path.exists() && !directory.exists());
    }

    #[test]
    fn no_two_copies_have_one_path() {
        let write = || PrivateCopy::write(Path::new("lib.so"), b"x", Hash::of_bytes(b"x")).expect("written");
        let paths: Vec<PathBuf> = (0..3).map(|_| write().path().to_owned()).collect();
        assert!(paths[0] != paths[1] && paths[1] != paths[2] && paths[0] != paths[2]);
    }

    #[test]
    fn a_name_that_is_taken_is_left_and_any_other_failure_is_told() {
        let parent = PrivateDirectory::make().expect("made");
        let mut names = ["one", "one", "one", "other"].into_iter().map(str::to_owned);
        let mut next = || names.next().expect("no more are asked for");
        let one = PrivateDirectory::make_in(parent.path(), &mut next).expect("it is free");
        let other = PrivateDirectory::make_in(parent.path(), &mut next).expect("the last is free");
        assert_eq!((one.path(), other.path()), (&*parent.path().join("one"), &*parent.path().join("other")));
        let mut asked = 0;
        let taken = PrivateDirectory::make_in(parent.path(), || {
            asked += 1;
            "one".to_owned()
        });
        assert_eq!((taken.expect_err("it is taken").kind(), asked), (ErrorKind::AlreadyExists, ATTEMPTS_MAX));
        let missing = PrivateDirectory::make_in(&parent.path().join("missing"), || "one".to_owned());
        assert_eq!(missing.expect_err("it is not there").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_a_directory_is_written_once() {
        let directory = PrivateDirectory::make().expect("made");
        directory.write("a", b"1").expect("written");
        let again = directory.write("a", b"2").expect_err("it is there");
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    }
}
