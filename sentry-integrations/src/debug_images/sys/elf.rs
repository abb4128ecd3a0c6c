//! Linux and Android: the dynamic loader tells what is loaded.

#![allow(clippy::unnecessary_cast, reason = "addresses are 32 or 64 bits wide")]

use std::ffi::{CStr, c_int, c_void};
use std::fs::File;
use std::ops::ControlFlow;

use libc::{dl_phdr_info, size_t};
use sentry_core::protocol::debugid::CodeId;
use sentry_core::protocol::{Addr, DebugImage, SymbolicDebugImage};

use super::Generation;
use super::build_id::{checksum, debug_id, in_notes, text_section};

/// How often libraries were loaded and unloaded; changes whenever [`images`] would.
pub(super) fn generation() -> Generation {
    let mut generation = (0, 0);
    each_object(&mut |object| {
        generation = (object.info.dlpi_adds, object.info.dlpi_subs);
        ControlFlow::Break(())
    });
    generation
}

/// All images, the program first.
pub(super) fn images() -> Vec<DebugImage> {
    let mut modules = Vec::new();
    each_object(&mut |object| {
        modules.extend(object.module());
        ControlFlow::Continue(())
    });
    // Files are read after the walk: the loader's lock is held during it.
    modules.into_iter().enumerate().filter_map(|(index, module)| module.image(index == 0)).collect()
}

/// What of an object outlives the loader's lock.
struct Module {
    name: String,
    start: u64,
    vmaddr: u64,
    size: u64,
    build_id: Option<Vec<u8>>,
    code_checksum: [u8; 16],
}

impl Module {
    fn image(self, is_program: bool) -> Option<DebugImage> {
        let name = match std::env::current_exe() {
            Ok(path) if is_program => path.to_string_lossy().trim_end_matches(" (deleted)").to_owned(),
            _ => self.name,
        };
        if name.is_empty() {
            return None;
        }
        let id = match &self.build_id {
            Some(id) => debug_id(id),
            None => {
                // The program's file as it was started, even if it has been replaced since.
                let file = File::open(if is_program { "/proc/self/exe" } else { &name }).ok();
                let sum = file.and_then(text_section).map_or(self.code_checksum, |text| checksum(&text));
                debug_id(&sum)
            }
        };
        Some(DebugImage::Symbolic(SymbolicDebugImage {
            name,
            arch: Some(ARCH.to_owned()),
            image_addr: Addr(self.start),
            image_size: self.size,
            image_vmaddr: Addr(self.vmaddr),
            id,
            code_id: self.build_id.as_deref().map(CodeId::from_binary),
            debug_file: None,
        }))
    }
}

/// An object in the loader's list, while the loader holds its lock.
struct Object<'a> {
    info: &'a dl_phdr_info,
    segments: &'a [Segment],
}

#[cfg(target_pointer_width = "64")]
type Segment = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type Segment = libc::Elf32_Phdr;

impl Object<'_> {
    fn module(&self) -> Option<Module> {
        let loaded = || self.segments.iter().filter(|segment| segment.p_type == libc::PT_LOAD);
        let vmaddr = loaded().map(|segment| segment.p_vaddr as u64).min()?;
        let end = loaded().map(|segment| (segment.p_vaddr as u64).saturating_add(segment.p_memsz as u64)).max()?;
        let notes = self.segments.iter().filter(|segment| segment.p_type == libc::PT_NOTE);
        let build_id = notes.filter_map(|notes| in_notes(self.bytes(notes)?, notes.p_align as usize)).next();
        let code = loaded().find(|segment| segment.p_flags & libc::PF_X != 0);
        Some(Module {
            name: self.name(),
            start: (self.info.dlpi_addr as u64).wrapping_add(vmaddr),
            vmaddr,
            size: end.saturating_sub(vmaddr),
            build_id: build_id.map(<[u8]>::to_vec),
            code_checksum: code.and_then(|code| self.bytes(code)).map(checksum).unwrap_or_default(),
        })
    }

    #[expect(unsafe_code, reason = "the loader names objects by C strings")]
    fn name(&self) -> String {
        if self.info.dlpi_name.is_null() {
            return String::new();
        }
        // SAFETY: not null, and the loader keeps its names terminated and in place while it holds its lock, which is
        // for as long as `self` lives.
        unsafe { CStr::from_ptr(self.info.dlpi_name) }.to_string_lossy().into_owned()
    }

    /// What the loader mapped of `segment`, if it can be read.
    #[expect(unsafe_code, reason = "build ids are in memory, and maybe nowhere else")]
    fn bytes(&self, segment: &Segment) -> Option<&[u8]> {
        let (start, len) = (segment.p_vaddr, segment.p_filesz);
        let end = start.checked_add(len)?;
        self.segments.iter().find(|around| {
            let mapped = around.p_vaddr..=around.p_vaddr.saturating_add(around.p_filesz);
            around.p_type == libc::PT_LOAD
                && around.p_flags & libc::PF_R != 0
                && mapped.contains(&start)
                && mapped.contains(&end)
        })?;
        let address = (self.info.dlpi_addr as usize).wrapping_add(start as usize);
        let len = isize::try_from(len).ok()?.unsigned_abs();
        // SAFETY: a loaded segment that may be read holds the range, whose end does not wrap; the loader mapped it
        // and keeps it mapped while it holds its lock, which is for as long as `self` lives. Such segments are the
        // file's constants and code: nobody writes to the notes and the code read here.
        Some(unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), len) })
    }
}

type Visit<'a> = &'a mut dyn FnMut(Object<'_>) -> ControlFlow<()>;

/// Calls `visit` for every object that is loaded, the program first. It runs under the loader's lock and must not
/// panic.
#[expect(unsafe_code, reason = "the loader is asked through a C callback")]
fn each_object(mut visit: Visit<'_>) {
    // SAFETY: `on_object` has the type asked for, and gets back a pointer to `visit`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(on_object), (&raw mut visit).cast()) };
}

#[expect(unsafe_code, reason = "the loader is asked through a C callback")]
unsafe extern "C" fn on_object(info: *mut dl_phdr_info, size: size_t, visit: *mut c_void) -> c_int {
    // Loaders from before 2004 fill less of the structure.
    if info.is_null() || size < size_of::<dl_phdr_info>() {
        return 0;
    }
    // SAFETY: the loader passes a structure that is valid during this call and at least as long as ours; `visit` is
    // the pointer given to it in `each_object`, to which nobody else has access meanwhile.
    let (info, visit) = unsafe { (&*info, &mut *visit.cast::<Visit<'_>>()) };
    let segments = if info.dlpi_phdr.is_null() {
        &[]
    } else {
        // SAFETY: the loader keeps this many program headers there, in place while it holds its lock.
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) }
    };
    match visit(Object { info, segments }) {
        ControlFlow::Continue(()) => 0,
        ControlFlow::Break(()) => 1,
    }
}

/// The architecture in Sentry's words, where they are not Rust's.
const ARCH: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { std::env::consts::ARCH };
