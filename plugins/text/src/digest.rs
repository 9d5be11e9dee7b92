//! SHA-1, as `sha1sum` writes it.

use std::io::{self, Read};

use sha1::{Digest, Sha1};

/// The digest of these bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

/// The digest of a file, of which a block is in memory at a time.
pub(crate) fn of_reader(mut file: impl Read, block_bytes: usize) -> io::Result<String> {
    let (mut block, mut digest) = (vec![0; block_bytes], Sha1::new());
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(&digest.finalize())),
            Ok(length) => digest.update(&block[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The bytes as lower-case hexadecimal digits, two each.
fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha1sum() {
        for (bytes, digest) in [
            (&b""[..], "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            assert_eq!(of(bytes), digest);
            assert_eq!(of_reader(bytes, 2).unwrap(), digest);
        }
    }
}
