//! Reads a library's file: once, whole, within a limit, and never from what is no regular file.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use super::error::LoadError;

/// The most bytes that a plugin's file may have: 256 MiB.
pub const LIBRARY_BYTES_MAX: u64 = 256 << 20;

/// `O_NONBLOCK`: with it the opening of a FIFO does not wait for a writer. Where its value is not known here it is left
/// out, and only the look before the opening keeps FIFOs away.
const NON_BLOCKING: i32 = if cfg!(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))
    || cfg!(any(target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly"))
{
    0x4
} else if cfg!(any(target_os = "linux", target_os = "android"))
    && !cfg!(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64"))
{
    0o4000
} else {
    0
};

/// The bytes of the file at `path`: at least one, at most [`LIBRARY_BYTES_MAX`].
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    read_at_most(path, LIBRARY_BYTES_MAX)
}

fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    // A look before, because opening alone does something to some devices; and one after, at what was opened.
    check(path, &path.metadata().map_err(unreadable)?, limit)?;
    let file = OpenOptions::new().read(true).custom_flags(NON_BLOCKING).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check(path, &metadata, limit)?;
    let bytes = read_open(file, &metadata, limit).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(LoadError::Empty { path: path.to_owned() }),
        bytes if bytes > limit => Err(LoadError::TooLarge { path: path.to_owned(), bytes }),
        _ => Ok(bytes),
    }
}

fn check(path: &Path, metadata: &Metadata, limit: u64) -> Result<(), LoadError> {
    if let Some(is) = other_kind(metadata.file_type()) {
        return Err(LoadError::NotAFile { path: path.to_owned(), is });
    }
    if metadata.len() > limit {
        return Err(LoadError::TooLarge { path: path.to_owned(), bytes: metadata.len() });
    }
    Ok(())
}

/// Reads one byte more than `limit` at most: the file may have grown since it was measured.
fn read_open(file: File, metadata: &Metadata, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(metadata.len()).unwrap_or(usize::MAX))?;
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What it is, unless it is a regular file.
fn other_kind(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("a directory"),
        _ if kind.is_fifo() => Some("a FIFO"),
        _ if kind.is_socket() => Some("a socket"),
        _ if kind.is_char_device() => Some("a character device"),
        _ if kind.is_block_device() => Some("a block device"),
        _ => Some("a special file"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::plugin::copy::PrivateDirectory;

    fn directory() -> PrivateDirectory {
        PrivateDirectory::make().expect("the directory for temporary files can be written to")
    }

    #[test]
    fn a_file_is_read_at_its_limit_and_not_above() {
        let directory = directory();
        let path = directory.write("file", b"12345").expect("written");
        assert_eq!(read_at_most(&path, 5).expect("it has as many"), b"12345");
        let above = read_at_most(&path, 4).expect_err("it has one more");
        assert!(matches!(above, LoadError::TooLarge { bytes: 5, .. }), "{above}");
    }

    #[test]
    fn a_file_that_grew_after_it_was_measured_is_still_read_within_the_limit() {
        let directory = directory();
        let path = directory.write("file", b"123456789").expect("written");
        let short = directory.write("short", b"1").expect("written").metadata().expect("there");
        let bytes = read_open(File::open(path).expect("there"), &short, 4).expect("readable");
        assert_eq!(bytes.len(), 5, "one byte more, by which it is seen");
    }

    /// Files of the system say that they have no bytes, and have some.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_with_more_bytes_than_it_says_is_too_large_above_the_limit() {
        let above = read_at_most(Path::new("/proc/self/maps"), 10).expect_err("it has more");
        assert!(matches!(above, LoadError::TooLarge { bytes: 11, .. }), "{above}");
        assert!(!read(Path::new("/proc/self/maps")).expect("it has less").is_empty());
    }

    #[test]
    fn a_fifo_is_named_and_opening_one_does_not_wait_for_a_writer() {
        let directory = directory();
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("every Unix has it");
        assert!(made.success());
        assert!(matches!(read(&fifo), Err(LoadError::NotAFile { is: "a FIFO", .. })));
        let opened = OpenOptions::new().read(true).custom_flags(NON_BLOCKING).open(&fifo);
        opened.expect("a reader that does not wait needs no writer");
    }

    #[test]
    fn an_empty_and_a_missing_file_are_told_apart() {
        let directory = directory();
        let path = directory.write("file", b"").expect("written");
        assert!(matches!(read(&path), Err(LoadError::Empty { .. })));
        let missing = read(&path.with_file_name("missing")).expect_err("not there");
        assert!(matches!(&missing, LoadError::Unreadable { source, .. }
            if source.kind() == std::io::ErrorKind::NotFound));
    }

    /// A machine without any, such as many a container, has nothing to show.
    #[test]
    fn a_block_device_is_named() {
        let devices = std::fs::read_dir("/dev").expect("every Unix has it").filter_map(Result::ok);
        let is_block = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_block_device());
        for device in devices.filter(is_block) {
            let error = read(&device.path()).expect_err("no regular file");
            assert!(matches!(error, LoadError::NotAFile { is: "a block device", .. }), "{error}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_named() {
        let directory = directory();
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket can be made there");
        for (path, kind) in [
            (directory.path(), "a directory"),
            (Path::new("/dev/null"), "a character device"),
            (&socket, "a socket"),
        ] {
            let error = read(path).expect_err("no regular file");
            assert!(matches!(error, LoadError::NotAFile { is, .. } if is == kind), "{error}");
        }
        drop(listener);
        std::fs::remove_file(socket).expect("it is ours");
    }
}
