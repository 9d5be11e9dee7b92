//! Looks at a library's header before the system's loader does: that one maps a file which is cut short and dies of
//! it, and says "no such file" of a library of another machine.
//!
//! The look is cheap and does not find every lie: that the bytes are those of a library which works is for whoever
//! built it to say.

#[cfg(all(test, target_os = "linux"))]
mod fuzz;

use std::env::consts::ARCH;
use std::path::Path;

use super::error::LoadError;

const MAGIC: &[u8] = b"\x7fELF";

/// Where the fields are that are read before the class and the byte order are known to be this process's own.
const CLASS: usize = 4;
const ORDER: usize = 5;
const KIND: usize = 16;
const MACHINE: usize = 18;

const CLASS_32: u8 = 1;
const CLASS_64: u8 = 2;
const LITTLE: u8 = 1;
const BIG: u8 = 2;
const KIND_SHARED: u16 = 3;
const SEGMENT_LOADED: u64 = 1;

const OWN_CLASS: u8 = if cfg!(target_pointer_width = "64") { CLASS_64 } else { CLASS_32 };
const OWN_ORDER: u8 = if cfg!(target_endian = "little") { LITTLE } else { BIG };

/// The machines that have a name here: their number, that name, and what std calls them.
const MACHINES: &[(u16, &str, &[&str])] = &[
    (2, "sparc", &["sparc"]),
    (3, "x86", &["x86"]),
    (4, "m68k", &["m68k"]),
    (8, "mips", &["mips", "mips64", "mips32r6", "mips64r6"]),
    (20, "powerpc", &["powerpc"]),
    (21, "powerpc64", &["powerpc64"]),
    (22, "s390x", &["s390x"]),
    (40, "arm", &["arm"]),
    (43, "sparc64", &["sparc64"]),
    (62, "x86-64", &["x86_64"]),
    (183, "aarch64", &["aarch64"]),
    (243, "riscv", &["riscv32", "riscv64"]),
    (258, "loongarch", &["loongarch32", "loongarch64"]),
];

/// Where a field is, and how many bytes it has.
#[derive(Clone, Copy)]
struct Field(usize, usize);

/// The fields of a header and of a segment's entry in this process's class.
struct Layout {
    header: usize,
    segments: Field,
    sections: Field,
    section_size: Field,
    section_count: Field,
    segment_size: Field,
    segment_count: Field,
    segment: usize,
    offset: Field,
    length: Field,
}

const LAYOUT: Layout = if OWN_CLASS == CLASS_64 {
    Layout {
        header: 64,
        segments: Field(32, 8),
        sections: Field(40, 8),
        section_size: Field(58, 2),
        section_count: Field(60, 2),
        segment_size: Field(54, 2),
        segment_count: Field(56, 2),
        segment: 56,
        offset: Field(8, 8),
        length: Field(32, 8),
    }
} else {
    Layout {
        header: 52,
        segments: Field(28, 4),
        sections: Field(32, 4),
        section_size: Field(46, 2),
        section_count: Field(48, 2),
        segment_size: Field(42, 2),
        segment_count: Field(44, 2),
        segment: 32,
        offset: Field(4, 4),
        length: Field(16, 4),
    }
};

/// Checks that `bytes`, which were read from `path`, begin as a shared library of this machine whose segments are there.
///
/// Where libraries are not ELF nothing is checked.
pub(crate) fn check(bytes: &[u8], path: &Path) -> Result<(), LoadError> {
    if libraries_are_elf() { Look { bytes, path }.check() } else { Ok(()) }
}

fn libraries_are_elf() -> bool {
    !cfg!(any(target_vendor = "apple", target_os = "aix", target_os = "cygwin"))
}

struct Look<'a> {
    bytes: &'a [u8],
    path: &'a Path,
}

impl Look<'_> {
    fn check(&self) -> Result<(), LoadError> {
        if !self.bytes.starts_with(MAGIC) {
            return Err(LoadError::NotALibrary { path: self.path.to_owned(), begins: beginning(self.bytes) });
        }
        self.is_inside("the header", 0, LAYOUT.header as u64)?;
        self.check_machine()?;
        if let Some(is) = other_kind(self.half(KIND)) {
            return Err(LoadError::NotShared { path: self.path.to_owned(), is });
        }
        self.check_sections()?;
        self.check_segments()
    }

    /// Nothing of the sections is needed to load a library, but their table stands behind everything else, as a rule:
    /// where it is not, the file has been cut.
    fn check_sections(&self) -> Result<(), LoadError> {
        let (table, count) = (self.field(0, LAYOUT.sections), self.field(0, LAYOUT.section_count));
        let length = count * self.field(0, LAYOUT.section_size);
        if table == 0 { Ok(()) } else { self.is_inside("the table of sections", table, length) }
    }

    fn check_machine(&self) -> Result<(), LoadError> {
        let (class, order, machine) = (self.bytes[CLASS], self.bytes[ORDER], self.half(MACHINE));
        let own = own_machine();
        if (class, order) == (OWN_CLASS, OWN_ORDER) && own.is_none_or(|own| own == machine) {
            return Ok(());
        }
        let found = machine_text(class, order, &machine_name(machine));
        let expected = machine_text(OWN_CLASS, OWN_ORDER, &own.map_or_else(|| ARCH.to_owned(), machine_name));
        Err(LoadError::OtherMachine { path: self.path.to_owned(), found, expected })
    }

    fn check_segments(&self) -> Result<(), LoadError> {
        if self.field(0, LAYOUT.segment_size) != LAYOUT.segment as u64 {
            return Ok(()); // the system's loader says so itself, before it maps anything
        }
        let (table, count) = (self.field(0, LAYOUT.segments), self.field(0, LAYOUT.segment_count));
        self.is_inside("the table of segments", table, count * LAYOUT.segment as u64)?;
        let table = usize::try_from(table).expect("it lies inside of what is in memory");
        let entries = (0..).map(|at| table + at * LAYOUT.segment);
        for (entry, _) in entries.zip(0..count) {
            if self.field(entry, Field(0, 4)) == SEGMENT_LOADED {
                self.is_inside(
                    "a segment",
                    self.field(entry, LAYOUT.offset),
                    self.field(entry, LAYOUT.length),
                )?;
            }
        }
        Ok(())
    }

    fn is_inside(&self, part: &'static str, start: u64, length: u64) -> Result<(), LoadError> {
        let (end, bytes) = (start.saturating_add(length), self.bytes.len() as u64);
        if end <= bytes {
            return Ok(());
        }
        Err(LoadError::Truncated { path: self.path.to_owned(), bytes, part, end })
    }

    /// A number of two bytes in the file's own order.
    fn half(&self, at: usize) -> u16 {
        let half = [self.bytes[at], self.bytes[at + 1]];
        if self.bytes[ORDER] == BIG { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
    }

    /// A field of the structure at `start`, all of which lies in the file, in this process's order.
    fn field(&self, start: usize, Field(at, length): Field) -> u64 {
        let bytes = self.bytes[start + at..][..length].iter();
        let append = |number, byte: &u8| number << 8 | u64::from(*byte);
        if OWN_ORDER == BIG { bytes.fold(0, append) } else { bytes.rev().fold(0, append) }
    }
}

/// What it is, unless it is a shared library. A program that may lie anywhere says that it is one, too.
fn other_kind(kind: u16) -> Option<&'static str> {
    match kind {
        KIND_SHARED => None,
        1 => Some("an object file"),
        2 => Some("a program"),
        4 => Some("a memory image"),
        _ => Some("an ELF file of an unknown kind"),
    }
}

fn own_machine() -> Option<u16> {
    MACHINES.iter().find(|(_, _, archs)| archs.contains(&ARCH)).map(|(number, ..)| *number)
}

fn machine_name(number: u16) -> String {
    let known = MACHINES.iter().find(|(known, ..)| *known == number);
    known.map_or_else(|| format!("machine {number}"), |(_, name, _)| (*name).to_owned())
}

/// The name of a machine, with what is unlike this process's own class and order.
fn machine_text(class: u8, order: u8, name: &str) -> String {
    let class = match class {
        CLASS_32 if OWN_CLASS != CLASS_32 => "32-bit ",
        CLASS_64 if OWN_CLASS != CLASS_64 => "64-bit ",
        CLASS_32 | CLASS_64 => "",
        _ => "unknown-class ",
    };
    let order = match order {
        LITTLE if OWN_ORDER != LITTLE => "little-endian ",
        BIG if OWN_ORDER != BIG => "big-endian ",
        LITTLE | BIG => "",
        _ => "unknown-endian ",
    };
    format!("{class}{order}{name}")
}

/// What a file begins with, for people.
fn beginning(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(16)];
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if start.iter().all(is_text) {
        return format!("the text \"{}\"", start.escape_ascii());
    }
    let digits: Vec<String> = start.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", digits.join(" "))
}

#[cfg(all(test, target_os = "linux"))]
pub(super) mod tests {
    use super::*;
    use crate::plugin::image::mapped_library;

    pub(super) const SIZE: usize = LAYOUT.header + LAYOUT.segment + 16;

    /// The least that is a library: a header, one segment's entry, and 16 bytes that the segment spans with all before.
    pub(in crate::plugin) fn minimal() -> Vec<u8> {
        let mut bytes = vec![0; SIZE];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[CLASS] = OWN_CLASS;
        bytes[ORDER] = OWN_ORDER;
        put(&mut bytes, 0, Field(KIND, 2), KIND_SHARED.into());
        put(&mut bytes, 0, Field(MACHINE, 2), own_machine().expect("this machine has a name").into());
        put(&mut bytes, 0, LAYOUT.segments, LAYOUT.header as u64);
        put(&mut bytes, 0, LAYOUT.segment_size, LAYOUT.segment as u64);
        put(&mut bytes, 0, LAYOUT.segment_count, 1);
        put(&mut bytes, LAYOUT.header, Field(0, 4), SEGMENT_LOADED);
        put(&mut bytes, LAYOUT.header, LAYOUT.length, SIZE as u64);
        bytes
    }

    fn put(bytes: &mut [u8], start: usize, Field(at, length): Field, value: u64) {
        for (place, byte) in bytes[start + at..][..length].iter_mut().enumerate() {
            let place = if OWN_ORDER == BIG { length - 1 - place } else { place };
            *byte = u8::try_from(value >> (8 * place) & 0xff).expect("one byte of it");
        }
    }

    fn look(bytes: &[u8]) -> Result<(), LoadError> {
        check(bytes, Path::new("lib.so"))
    }

    fn told(bytes: &[u8]) -> String {
        look(bytes).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_library_that_is_whole_is_taken() {
        look(&minimal()).expect("nothing is wrong with it");
        look(&mapped_library("libc").1).expect("it is in use");
    }

    #[test]
    fn what_is_no_library_is_told_by_its_beginning() {
        let of = |bytes: &[u8]| told(bytes);
        assert_eq!(
            of(b"#!/bin/sh\necho"),
            "`lib.so` is no library: it begins with the text \"#!/bin/sh\\necho\""
        );
        assert_eq!(of(b"PK\x03\x04rest"), "`lib.so` is no library: it begins with the bytes 50 4b 03 04");
        assert_eq!(of(b"\x7fEL"), "`lib.so` is no library: it begins with the bytes 7f 45 4c");
    }

    #[test]
    fn another_machine_class_or_order_is_named_beside_this_one() {
        let own = machine_name(own_machine().expect("this machine has a name"));
        let other = if own == "aarch64" { (62, "x86-64") } else { (183, "aarch64") };
        let changed = |at: usize, value: u8| {
            let mut bytes = minimal();
            bytes[at] = value;
            told(&bytes)
        };
        let mut bytes = minimal();
        put(&mut bytes, 0, Field(MACHINE, 2), other.0);
        assert_eq!(
            told(&bytes),
            format!("`lib.so` was built for {}, and this process runs as {own}", other.1)
        );
        assert!(changed(CLASS, 3 - OWN_CLASS).contains("-bit "));
        assert!(changed(ORDER, 3 - OWN_ORDER).contains("-endian "));
        assert!(changed(CLASS, 9).contains("unknown-class "));
        assert!(changed(ORDER, 0).contains("unknown-endian "));
        put(&mut bytes, 0, Field(MACHINE, 2), 9_999);
        assert!(told(&bytes).contains("machine 9999"));
    }

    #[test]
    fn another_kind_of_elf_file_is_named() {
        for (kind, name) in
            [(1, "an object file"), (2, "a program"), (4, "a memory image"), (77, "unknown kind")]
        {
            let mut bytes = minimal();
            put(&mut bytes, 0, Field(KIND, 2), kind);
            assert!(told(&bytes).contains(name), "{}", told(&bytes));
        }
    }

    #[test]
    fn what_lies_beyond_the_end_is_named_with_its_end() {
        let whole = minimal();
        assert!(told(&whole[..SIZE - 1]).contains(&format!("a segment ends at {SIZE}")));
        assert!(told(&whole[..LAYOUT.header + 3]).contains("the table of segments ends at"));
        assert!(told(&whole[..LAYOUT.header - 1]).contains("the header ends at"));
        for far in [LAYOUT.offset, LAYOUT.length] {
            let mut bytes = minimal();
            put(&mut bytes, LAYOUT.header, LAYOUT.offset, 1);
            put(&mut bytes, LAYOUT.header, far, u64::MAX);
            assert!(matches!(look(&bytes), Err(LoadError::Truncated { part: "a segment", .. })));
        }
        let mut bytes = minimal();
        put(&mut bytes, 0, LAYOUT.segments, u64::MAX);
        assert!(matches!(look(&bytes), Err(LoadError::Truncated { end: u64::MAX, .. })));
    }

    #[test]
    fn each_of_several_segments_is_looked_at() {
        let (_, whole) = mapped_library("libc");
        let of = |start: usize, field| Look { bytes: &whole, path: Path::new("lib.so") }.field(start, field);
        let (table, count) = (of(0, LAYOUT.segments), of(0, LAYOUT.segment_count));
        let table = usize::try_from(table).expect("it is in the file");
        let entries = (table..).step_by(LAYOUT.segment).zip(0..count).map(|(entry, _)| entry);
        let loaded: Vec<usize> = entries.filter(|entry| of(*entry, Field(0, 4)) == SEGMENT_LOADED).collect();
        assert!(loaded.len() > 1, "code and data are apart");
        for entry in loaded {
            let mut bytes = whole.clone();
            put(&mut bytes, entry, LAYOUT.length, u64::MAX);
            assert!(
                matches!(look(&bytes), Err(LoadError::Truncated { part: "a segment", .. })),
                "at {entry}"
            );
        }
    }

    #[test]
    fn no_cut_and_no_changed_byte_of_a_header_makes_the_look_panic() {
        let (_, whole) = mapped_library("libc");
        let cuts = (0..whole.len().min(64 * 64)).step_by(64).chain((0..whole.len()).step_by(4_099));
        for cut in cuts {
            assert!(look(&whole[..cut]).is_err() || cut * 2 > whole.len(), "cut at {cut}");
        }
        for cut in 0..SIZE {
            look(&minimal()[..cut]).expect_err("it is cut short");
        }
        for at in 0..SIZE {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = minimal();
                bytes[at] = value;
                let _ = look(&bytes); // either answer is right: only a panic is not
            }
        }
    }
}
