//! The shape of `MessagePack`, checked in one pass before a decoder or a user's type sees the bytes.
//!
//! After it every length in the input is backed by bytes that are there, so that a decoder which trusts a length
//! reserves room only for what exists; and nothing nests deeper than the limit, so that recursion is bounded even
//! where rmp-serde does not count (variants of enums). It uses no recursion and 8 bytes for each open container.

/// What is wrong with the bytes, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
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
pub(crate) fn check(bytes: &[u8], depth_max: usize) -> Result<(), Flaw> {
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
    #[inline(always)]
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

    #[inline(always)]
    fn counted(rest: &[u8], width: usize, extra: u64) -> Option<Self> {
        Self::scalar(rest, width, length(rest, width)? + extra)
    }

    /// A marker, a length of `width` bytes and as many bytes as `payload` says, if `rest` holds them.
    #[inline(always)]
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
#[inline(always)]
fn length(rest: &[u8], width: usize) -> Option<u64> {
    let digits = rest.get(..width)?;
    Some(digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)))
}
