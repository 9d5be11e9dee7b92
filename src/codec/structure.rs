//! The shape of `MessagePack`, checked in one pass before a decoder or a user's type sees the bytes.
//!
//! After it every length in the input is backed by bytes that are there, so that a decoder which trusts a length
//! reserves room only for what exists; and nothing nests deeper than the limit, so that recursion is bounded even
//! where rmp-serde does not count (variants of enums). It uses no recursion and 8 bytes for each open container.

/// What is wrong with the bytes, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A value that is cut short, or a byte that begins none.
    Malformed {
        /// Where that value begins.
        offset: usize,
    },
    /// An array or a map deeper than the limit.
    TooDeep {
        /// Where it begins.
        offset: usize,
    },
    /// Bytes after the value.
    Trailing {
        /// Where they begin.
        offset: usize,
    },
}

/// Checks that `bytes` are exactly one value with at most `depth_max` arrays and maps around any part of it.
pub(super) fn check(bytes: &[u8], depth_max: usize) -> Result<(), Flaw> {
    let mut rest = bytes;
    // Values to come in the innermost container, the input itself being the first, and in those around it.
    let mut left: u64 = 1;
    let mut around: Vec<u64> = Vec::new();
    loop {
        let offset = bytes.len() - rest.len();
        if left == 0 {
            match around.pop() {
                Some(outer) => left = outer,
                None if rest.is_empty() => return Ok(()),
                None => return Err(Flaw::Trailing { offset }),
            }
            continue;
        }
        let item = Item::read(rest).ok_or(Flaw::Malformed { offset })?;
        rest = &rest[item.bytes..];
        left -= 1;
        if let Some(children) = item.children {
            if around.len() == depth_max {
                return Err(Flaw::TooDeep { offset });
            }
            around.push(left);
            left = children;
        }
    }
}

/// A whole scalar, or the header of a container.
struct Item {
    bytes: usize,
    /// The values that follow, if it is an array or a map; a map has two for each entry.
    children: Option<u64>,
}

impl Item {
    /// The item at the start of `input`, if it is all there.
    fn read(input: &[u8]) -> Option<Self> {
        let (&marker, rest) = input.split_first()?;
        match marker {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0.. => Self::scalar(rest, 0, 0),
            0x80..=0x8f => Self::container(0, u64::from(marker & 0x0f) * 2),
            0x90..=0x9f => Self::container(0, u64::from(marker & 0x0f)),
            0xa0..=0xbf => Self::scalar(rest, 0, u64::from(marker & 0x1f)),
            0xc1 => None,
            // Binary data and strings, behind a length of 1, 2 or 4 bytes.
            0xc4..=0xc6 => Self::counted(rest, 1 << (marker - 0xc4), 0),
            0xd9..=0xdb => Self::counted(rest, 1 << (marker - 0xd9), 0),
            // Extensions have one byte more, for their type.
            0xc7..=0xc9 => Self::counted(rest, 1 << (marker - 0xc7), 1),
            0xd4..=0xd8 => Self::scalar(rest, 0, 1 + (1 << (marker - 0xd4))),
            0xca | 0xcb => Self::scalar(rest, 0, 4 << (marker - 0xca)),
            0xcc..=0xcf => Self::scalar(rest, 0, 1 << (marker - 0xcc)),
            0xd0..=0xd3 => Self::scalar(rest, 0, 1 << (marker - 0xd0)),
            0xdc | 0xdd => {
                let width = 2 << (marker - 0xdc);
                Self::container(width, length(rest, width)?)
            }
            0xde | 0xdf => {
                let width = 2 << (marker - 0xde);
                Self::container(width, length(rest, width)? * 2)
            }
        }
    }

    fn counted(rest: &[u8], width: usize, extra: u64) -> Option<Self> {
        Self::scalar(rest, width, length(rest, width)? + extra)
    }

    /// A marker, a length of `width` bytes and as many bytes as `payload` says, if `rest` holds them.
    fn scalar(rest: &[u8], width: usize, payload: u64) -> Option<Self> {
        let bytes = usize::try_from(payload).ok()?.checked_add(width)?;
        (bytes <= rest.len()).then_some(Self { bytes: 1 + bytes, children: None })
    }

    /// A marker and a length of `width` bytes, which the caller has read.
    #[expect(clippy::unnecessary_wraps, reason = "one type for all arms of `read`")]
    const fn container(width: usize, children: u64) -> Option<Self> {
        Some(Self { bytes: 1 + width, children: Some(children) })
    }
}

/// The big-endian number in the first `width` bytes.
fn length(rest: &[u8], width: usize) -> Option<u64> {
    let digits = rest.get(..width)?;
    Some(digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)))
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::{Flaw, check};

    /// A marker and its length, and how many bytes follow.
    const ITEMS: &[(&[u8], usize)] = &[
        (&[0x00], 0),
        (&[0x7f], 0),
        (&[0xa0], 0),
        (&[0xbf], 31),
        (&[0xc0], 0),
        (&[0xc2], 0),
        (&[0xc3], 0),
        (&[0xc4, 200], 200),
        (&[0xc5, 1, 2], 258),
        (&[0xc6, 0, 1, 0, 2], 65_538),
        (&[0xc7, 200], 201),
        (&[0xc8, 1, 2], 259),
        (&[0xc9, 0, 1, 0, 2], 65_539),
        (&[0xca], 4),
        (&[0xcb], 8),
        (&[0xcc], 1),
        (&[0xcd], 2),
        (&[0xce], 4),
        (&[0xcf], 8),
        (&[0xd0], 1),
        (&[0xd1], 2),
        (&[0xd2], 4),
        (&[0xd3], 8),
        (&[0xd4], 2),
        (&[0xd5], 3),
        (&[0xd6], 5),
        (&[0xd7], 9),
        (&[0xd8], 17),
        (&[0xd9, 200], 200),
        (&[0xda, 1, 2], 258),
        (&[0xdb, 0, 1, 0, 2], 65_538),
        (&[0xe0], 0),
        (&[0xff], 0),
        // Containers, of nil.
        (&[0x80], 0),
        (&[0x8f], 30),
        (&[0x90], 0),
        (&[0x9f], 15),
        (&[0xdc, 1, 2], 258),
        (&[0xdd, 0, 1, 0, 2], 65_538),
        (&[0xde, 1, 2], 516),
        (&[0xdf, 0, 1, 0, 2], 131_076),
    ];

    #[test]
    fn every_marker_has_its_length() {
        for &(header, payload) in ITEMS {
            let bytes = |len| -> Vec<u8> {
                let nils = iter::repeat_n(0xc0, len);
                header.iter().copied().chain(nils).collect()
            };
            assert_eq!(check(&bytes(payload), 1), Ok(()), "{header:x?}");
            let offset = header.len() + payload;
            let trailing = Err(Flaw::Trailing { offset });
            assert_eq!(check(&bytes(payload + 1), 1), trailing, "{header:x?}");
            for end in 0..header.len() {
                let cut = Err(Flaw::Malformed { offset: 0 });
                assert_eq!(check(&header[..end], 1), cut, "{header:x?}");
            }
            if payload > 0 {
                let cut = check(&bytes(payload - 1), 1);
                assert!(matches!(cut, Err(Flaw::Malformed { .. })), "{header:x?}");
            }
        }
    }

    #[test]
    fn depth_counts_the_open_containers_only() {
        let flat = [0x93, 0x91, 0xc0, 0x90, 0x81, 0xc0, 0x90];
        assert_eq!(check(&flat, 3), Ok(()));
        assert_eq!(check(&flat, 2), Err(Flaw::TooDeep { offset: 6 }));
        assert_eq!(check(&flat, 1), Err(Flaw::TooDeep { offset: 1 }));
        assert_eq!(check(&flat, 0), Err(Flaw::TooDeep { offset: 0 }));
        assert_eq!(check(&[0xc0], 0), Ok(()));
    }
}
