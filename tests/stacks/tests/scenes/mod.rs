//! Where things go wrong: one function for each kind of code, which panics or captures an error on the line it tells.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The line that is to be the newest of the program's own.
pub(crate) static LINE: AtomicU32 = AtomicU32::new(0);
/// Capture an error there, in place of a panic.
pub(crate) static CAPTURES: AtomicBool = AtomicBool::new(false);

fn at(line: u32) -> bool {
    LINE.store(line, Ordering::Release);
    CAPTURES.load(Ordering::Acquire)
}

pub(crate) const SCENES: &[(&str, fn())] = &[
    ("plain_fn", plain_fn),
    ("closure", closure),
    ("generic", generic::<u32>),
    ("trait_object", trait_object),
    ("iterator_chain", iterator_chain),
    ("async_current_thread", async_current_thread),
    ("async_multi_thread", async_multi_thread),
    ("rayon_job", rayon_job),
    ("rayon_closure", rayon_closure),
    ("thread_pool", thread_pool),
    ("c_callback", c_callback),
    ("macro_generated", macro_generated),
    ("dependency_callback", dependency_callback),
    ("inlined", inlined),
    ("method", method),
    ("in_drop", in_drop),
    ("recursive", recursive),
    ("deep", deep),
];

#[inline(never)]
fn plain_fn() {
    if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
}

#[inline(never)]
fn closure() {
    let closure = |times: u32| {
        for _ in 0..times {
            if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
        }
    };
    std::hint::black_box(closure)(1);
}

#[inline(never)]
fn generic<T: Default + std::fmt::Debug>() {
    std::hint::black_box(T::default());
    if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
}

trait Shape {
    fn area(&self);
}

struct Square;

impl Shape for Square {
    #[inline(never)]
    fn area(&self) {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    }
}

fn trait_object() {
    let shape: Box<dyn Shape> = std::hint::black_box(Box::new(Square));
    shape.area();
}

#[inline(never)]
fn iterator_chain() {
    let numbers = std::hint::black_box([1, 2, 3]);
    let odd = numbers.iter().filter(|number| *number % 2 == 1).map(|number| {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
        number * 2
    });
    std::hint::black_box(odd.take(1).sum::<i32>());
}

async fn outermost() {
    middle().await;
}

async fn middle() {
    tokio::task::yield_now().await;
    innermost().await;
}

async fn innermost() {
    tokio::task::yield_now().await;
    if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
}

fn async_current_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(outermost());
}

fn async_multi_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    drop(runtime.block_on(runtime.spawn(outermost())));
}

#[inline(never)]
fn rayon_job() {
    in_rayon(part);
}

#[inline(never)]
fn part() {
    if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
}

/// Without debug information, the closure is a part of functions of libraries, and has no name.
#[inline(never)]
fn rayon_closure() {
    in_rayon(|| {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    });
}

fn in_rayon(job: impl Fn() + Sync + Send) {
    use rayon::prelude::*;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    pool.install(|| [1, 2].par_iter().filter(|number| **number == 1).for_each(|_| job()));
}

fn thread_pool() {
    type Job = Box<dyn FnOnce() + Send>;
    let (send, jobs) = std::sync::mpsc::channel::<Job>();
    let worker = std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
    send.send(Box::new(pooled_job)).expect("a worker");
    drop(send);
    drop(worker.join());
}

#[inline(never)]
fn pooled_job() {
    if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
}

extern "C-unwind" fn compare(_: *const libc::c_void, _: *const libc::c_void) -> libc::c_int {
    static ONCE: AtomicBool = AtomicBool::new(false);
    if !ONCE.swap(true, Ordering::AcqRel) {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    }
    0
}

#[allow(unsafe_code, reason = "C calls back")]
fn c_callback() {
    type Compare = unsafe extern "C" fn(*const libc::c_void, *const libc::c_void) -> libc::c_int;
    let mut numbers = [3, 1, 2];
    // SAFETY: the two types differ in what a panic may do. The one here goes through glibc, which is built for that.
    let compare: Compare = unsafe { std::mem::transmute(compare as extern "C-unwind" fn(_, _) -> _) };
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), numbers.len(), size_of::<i32>(), Some(compare)) };
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            #[inline(never)]
            fn $name() {
                if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
            }
        )*
    };
}

functions! { macro_generated }

#[inline(never)]
fn dependency_callback() {
    let lazy = once_cell::unsync::Lazy::new(|| {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
        7
    });
    std::hint::black_box(*lazy);
}

#[inline(never)]
fn inlined() {
    inner(std::hint::black_box(1));
}

#[inline(always)]
fn inner(number: u32) {
    if number == 1 {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    }
}

struct Account(u32);

impl Account {
    #[inline(never)]
    fn withdraw(&mut self, amount: u32) {
        self.0 += amount;
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    }
}

fn method() {
    std::hint::black_box(Account(1)).withdraw(1);
}

struct Guard;

impl Drop for Guard {
    #[inline(never)]
    fn drop(&mut self) {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    }
}

fn in_drop() {
    let _guard = std::hint::black_box(Guard);
}

#[inline(never)]
fn recursive() {
    down(std::hint::black_box(40));
}

#[inline(never)]
fn deep() {
    down(std::hint::black_box(2_000));
}

#[inline(never)]
fn down(left: u32) {
    if left == 0 {
        if at(line!()) { sentry::capture_error(&std::fmt::Error); } else { panic!("a scene") }
    } else {
        down(left - 1);
    }
    std::hint::black_box(left);
}
