//! How an ELF file is told from all others: its build id, or else a checksum of its code (spec STK-32).

use std::io::{Read, Seek, SeekFrom};

use sentry_core::protocol::Uuid;
use sentry_core::protocol::debugid::DebugId;

/// The build id among the notes of a segment whose notes are aligned to `align` bytes.
pub(super) fn in_notes(mut notes: &[u8], align: usize) -> Option<&[u8]> {
    let align = if align == 8 { 8 } else { 4 };
    loop {
        let name_len = number(notes, 0)?;
        let id_len = number(notes, 4)?;
        let kind = number(notes, 8)?;
        let name_end = HEADER.checked_add(name_len)?;
        let id_start = name_end.checked_next_multiple_of(align)?;
        let id_end = id_start.checked_add(id_len)?;
        let id = notes.get(id_start..id_end)?;
        if kind == NT_GNU_BUILD_ID && notes.get(HEADER..name_end) == Some(b"GNU\0") && !id.is_empty() {
            return Some(id);
        }
        notes = notes.get(id_end.checked_next_multiple_of(align)?..)?;
    }
}

/// The debug id that stands for a build id: its first 16 bytes, shorter ones filled with zeros, read as a GUID of the
/// file's byte order.
pub(super) fn debug_id(build_id: &[u8]) -> DebugId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(build_id).for_each(|(to, from)| *to = *from);
    let little = cfg!(target_endian = "little");
    DebugId::from_uuid(if little { Uuid::from_bytes_le(bytes) } else { Uuid::from_bytes(bytes) })
}

/// What stands in for the build id of a file without one: its code's first page, folded by XOR.
pub(super) fn checksum(code: &[u8]) -> [u8; 16] {
    let mut sum = [0; 16];
    for block in code.get(..PAGE).unwrap_or(code).chunks(sum.len()) {
        sum.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= *byte);
    }
    sum
}

/// The first page of a file's section `.text`, for an ELF file of this process's width and byte order.
pub(super) fn text_section(mut file: impl Read + Seek) -> Option<Vec<u8>> {
    let header = read_at(&mut file, 0, ELF.header)?;
    let class = if size_of::<usize>() == 8 { 2 } else { 1 };
    if header.get(..5) != Some(&[0x7f, b'E', b'L', b'F', class]) {
        return None;
    }
    let sections_at = word(&header, ELF.sections_at)?;
    let entry = half(&header, ELF.section_len)?;
    let count = half(&header, ELF.section_len + 2)?;
    let names_index = half(&header, ELF.section_len + 4)?;
    let sections = read_at(&mut file, sections_at, entry.checked_mul(count).filter(|len| *len <= LONGEST_TABLE)?)?;
    let section = |index: usize| sections.get(index * entry..(index + 1) * entry);
    let place =
        |section: &[u8]| Some((word(section, ELF.offset)?, usize::try_from(word(section, ELF.offset + WORD)?).ok()?));

    let (names_at, names_len) = place(section(names_index)?)?;
    let names = read_at(&mut file, names_at, names_len.min(LONGEST_TABLE))?;
    let text = (0..count).filter_map(section).find(|section| {
        number(section, 0).and_then(|at| names.get(at..)).is_some_and(|name| name.starts_with(b".text\0"))
    })?;
    let (text_at, text_len) = place(text)?;
    read_at(&mut file, text_at, text_len.min(PAGE)).filter(|text| !text.is_empty())
}

fn read_at(file: &mut (impl Read + Seek), offset: u64, len: usize) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = vec![0; len];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A number of 32 bits.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes) as usize)
}

/// A number of 16 bits.
fn half(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|bytes| usize::from(u16::from_ne_bytes(*bytes)))
}

/// A number as wide as an address.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| usize::from_ne_bytes(*bytes) as u64)
}

/// Where things are in an ELF header and in the header of a section, in bytes.
struct Layout {
    header: usize,
    sections_at: usize,
    section_len: usize,
    offset: usize,
}

const ELF: Layout = if size_of::<usize>() == 8 {
    Layout { header: 64, sections_at: 0x28, section_len: 0x3a, offset: 24 }
} else {
    Layout { header: 52, sections_at: 0x20, section_len: 0x2e, offset: 16 }
};

const WORD: usize = size_of::<usize>();
/// Three numbers before the name of a note: the lengths of name and content, and the kind.
const HEADER: usize = 12;
const NT_GNU_BUILD_ID: usize = 3;
const PAGE: usize = 4096;
/// Of section headers or their names; real ones have some kilobytes.
const LONGEST_TABLE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn note(name: &[u8], kind: u32, content: &[u8], align: usize) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [name.len() as u32, content.len() as u32, kind] {
            note.extend(number.to_ne_bytes());
        }
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(align), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let id: Vec<u8> = (0..20).collect();
        for align in [4, 8] {
            let notes =
                [note(b"GNU\0", 5, &[1; 13], align), note(b"stapsdt\0", 3, b"x", align), note(b"GNU\0", 3, &id, align)];
            assert_eq!(in_notes(&notes.concat(), align), Some(&id[..]), "aligned to {align}");
        }
        assert_eq!(in_notes(&note(b"GNU\0", 3, &id, 4), 1), Some(&id[..]), "old linkers state no alignment");
    }

    #[test]
    fn broken_notes_are_no_build_id() {
        let whole = note(b"GNU\0", 3, &[7; 20], 4);
        for end in 0..whole.len() {
            assert_eq!(in_notes(&whole[..end], 4), None, "cut at {end}");
        }
        assert_eq!(in_notes(&note(b"GNU\0", 3, b"", 4), 4), None);
        assert_eq!(in_notes(&[0xff; 64], 4), None);
        assert_eq!(in_notes(&[0; 64], 4), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_debug_id_is_the_build_id_with_swapped_groups() {
        let id: Vec<u8> = (1..=20).collect();
        assert_eq!(debug_id(&id).to_string(), "04030201-0605-0807-090a-0b0c0d0e0f10");
        assert_eq!(debug_id(&id[..8]).to_string(), "04030201-0605-0807-0000-000000000000");
    }

    #[test]
    fn the_checksum_folds_the_first_page() {
        let mut code = vec![0; 5000];
        (code[0], code[16], code[4095], code[4096]) = (0b01, 0b10, 9, 0xff);
        let mut expected = [0; 16];
        (expected[0], expected[15]) = (0b11, 9);
        assert_eq!(checksum(&code), expected);
        assert_eq!(checksum(&code[..17]), {
            expected[15] = 0;
            expected
        });
        assert_eq!(checksum(&[]), [0; 16]);
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn the_text_section_of_this_program_is_found() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let text = text_section(Cursor::new(&program)).unwrap();
        assert_eq!(text.len(), PAGE);
        assert!(program.windows(PAGE).any(|page| page == text));
    }

    #[test]
    fn what_is_no_elf_file_has_no_text_section() {
        for bytes in [&b""[..], b"\x7fELF", &[0xff; 4096], b"#!/bin/sh\n"] {
            assert_eq!(text_section(Cursor::new(bytes)), None);
        }
        let mut hostile = vec![0xff; 256];
        hostile[..5].copy_from_slice(&[0x7f, b'E', b'L', b'F', if WORD == 8 { 2 } else { 1 }]);
        assert_eq!(text_section(Cursor::new(&hostile)), None);
    }
}
