//! How many bytes `MessagePack` takes for a value, so that a limit is checked before anything is written.

/// A nil or a boolean.
pub(super) const UNIT: usize = 1;
/// A float of 32 bits.
pub(super) const F32: usize = 5;
/// A float of 64 bits.
pub(super) const F64: usize = 9;
/// An extension of 16 bytes.
pub(super) const WIDE: usize = 18;

/// An integer that is not negative.
pub(super) const fn unsigned(value: u64) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        0x1_0000_0000.. => 9,
    }
}

/// Any integer of up to 64 bits.
pub(super) const fn signed(value: i64) -> usize {
    match value {
        0.. => unsigned(value.unsigned_abs()),
        -32..0 => 1,
        -0x80..-32 => 2,
        -0x8000..-0x80 => 3,
        -0x8000_0000..-0x8000 => 5,
        _ => 9,
    }
}

/// A string of `len` bytes.
pub(super) const fn string(len: usize) -> usize {
    let header = match len {
        0..32 => 1,
        32..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    };
    len.saturating_add(header)
}

/// Binary data of `len` bytes.
pub(super) const fn binary(len: usize) -> usize {
    let header = match len {
        0..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    };
    len.saturating_add(header)
}

/// The header of an array or a map with `len` elements or entries.
pub(super) const fn container(len: usize) -> usize {
    match len {
        0..16 => 1,
        16..0x1_0000 => 3,
        _ => 5,
    }
}
