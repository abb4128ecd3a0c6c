//! The contexts one by one, for programs that put them together themselves. Reads files; nothing is cached here.

use std::time::SystemTime;

use sentry_core::protocol::{AppContext, Context, DeviceContext, RuntimeContext};

use super::sys;

/// The version of the compiler that built the program, such as `1.85.0`.
pub const RUSTC_VERSION: Option<&'static str> = option_env!("SENTRY_BUILD_RUSTC_VERSION");

/// The compiler's channel: `stable`, `beta`, `nightly` or `dev`.
pub const RUSTC_CHANNEL: Option<&'static str> = option_env!("SENTRY_BUILD_RUSTC_CHANNEL");

/// The architecture the program was built for, such as `x86_64`.
pub const ARCH: &str = std::env::consts::ARCH;

/// The machine's name. Personal data in Sentry's eyes: see
/// [`send_default_pii`](field@sentry_core::ClientOptions::send_default_pii).
#[must_use]
pub fn server_name() -> Option<String> {
    sys::host_name()
}

/// The operating system, its kernel's version and, on Linux, the distribution.
#[must_use]
pub fn os_context() -> Option<Context> {
    sys::os().map(Context::from)
}

/// The compiler.
#[must_use]
pub fn rust_context() -> Context {
    let channel = RUSTC_CHANNEL.map(|channel| ("channel".to_owned(), channel.into()));
    Context::from(RuntimeContext {
        name: Some("rustc".to_owned()),
        version: RUSTC_VERSION.map(str::to_owned),
        other: channel.into_iter().collect(),
    })
}

/// The machine: architecture, number of processors the program may use, and memory in bytes. Not its name.
#[must_use]
pub fn device_context() -> Context {
    let processors = std::thread::available_parallelism().ok();
    let processors = processors.map(|count| ("processor_count".to_owned(), count.get().into()));
    let memory = sys::memory();
    Context::from(DeviceContext {
        arch: Some(ARCH.to_owned()),
        memory_size: memory.total,
        usable_memory: memory.usable,
        other: processors.into_iter().collect(),
        ..DeviceContext::default()
    })
}

/// What the container or service around the program allows: memory in bytes, processors, processes. `None` without
/// limits. Linux only.
#[must_use]
pub fn container_context() -> Option<Context> {
    let limits = sys::limits().to_values();
    (!limits.is_empty()).then_some(Context::Other(limits))
}

/// The program: its executable's name, its version if `release` has one (`name@version`), when it `started`, and
/// whether it was built with debug assertions.
#[must_use]
pub fn app_context(started: Option<SystemTime>, release: Option<&str>) -> Context {
    let executable = std::env::current_exe().ok();
    let name = executable.as_deref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
    Context::from(AppContext {
        app_name: name,
        app_version: release.and_then(|release| release.rsplit_once('@')).map(|(_, version)| version.to_owned()),
        app_start_time: started,
        build_type: Some(if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned()),
        ..AppContext::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_known() {
        let version = RUSTC_VERSION.unwrap();
        assert!(version.split('.').count() == 3 && version.starts_with("1."), "{version}");
        assert!(["stable", "beta", "nightly", "dev"].contains(&RUSTC_CHANNEL.unwrap()));
        let Context::Runtime(runtime) = rust_context() else { panic!("not a runtime") };
        assert_eq!((runtime.name.as_deref(), runtime.version.as_deref()), (Some("rustc"), RUSTC_VERSION));
        assert_eq!(runtime.other["channel"], RUSTC_CHANNEL.unwrap());
    }

    #[test]
    fn the_machine_is_known_and_unnamed() {
        let Context::Device(device) = device_context() else { panic!("not a device") };
        assert_eq!((device.name, device.arch.as_deref()), (None, Some(ARCH)));
        assert!(device.other["processor_count"].as_u64().is_some_and(|count| count > 0));
        if cfg!(target_os = "linux") {
            assert!(device.memory_size.is_some_and(|bytes| bytes > 1 << 20));
        }
    }

    #[test]
    fn only_a_release_with_a_name_has_a_version() {
        for (release, expected) in [(Some("shop@1.2+3"), Some("1.2+3")), (Some("0123abcd"), None), (None, None)] {
            let Context::App(app) = app_context(None, release) else { panic!("not an app") };
            assert_eq!(app.app_version.as_deref(), expected);
        }
    }
}
