//! The parts of an error event. Literals name every official field.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::{
    Addr, Breadcrumb, CError, ClientSdkInfo, Context, DebugMeta, Event, Exception, Frame, IpAddress, Level, LogEntry,
    MachException, Map, Mechanism, MechanismMeta, ParseLevelError, PosixSignal, RegVal, Request, Stacktrace,
    TemplateInfo, Thread, ThreadId, Url, User, Uuid, Value, Values,
};

use super::is;

has!(LogEntry, Frame, TemplateInfo, Stacktrace, Thread; Debug + Default + Clone + PartialEq);
has!(MechanismMeta, Mechanism, Exception; Debug + Default + Clone + PartialEq);
has!(CError, MachException, PosixSignal; Debug + Default + Clone + Eq);
has!(Breadcrumb, User, Request, Values<u8>, Event<'static>; Debug + Default + Clone + PartialEq + Send + Sync);
has!(Addr, RegVal; Default + Debug + Copy + Ord + Hash + From<u64> + From<i32> + From<u32> + From<usize> + Into<u64>);
has!(Addr, RegVal; From<*const u8> + From<*mut u8>);
has!(ThreadId; Debug + Default + Clone + Ord + Hash + Display + From<&'static str> + From<String>);
has!(ThreadId; From<i64> + From<i32> + From<u32> + From<u16>);
has!(CError, PosixSignal; From<i32> + Into<i32>);
has!(PosixSignal; From<(i32, i32)>);
has!(Level; Debug + Copy + Ord + Hash + Default + Display + FromStr<Err = ParseLevelError>);
has!(ParseLevelError; Debug + Display + Error);
has!(IpAddress; Debug + Copy + Ord + Hash + Default + Display + FromStr + From<IpAddr>);
has!(IpAddress; PartialEq<IpAddr> + PartialOrd<IpAddr>);
has!(Event<'static>; Display);
has!(Values<u8>; From<Vec<u8>> + AsRef<[u8]> + AsMut<Vec<u8>> + Deref + DerefMut + FromIterator<u8> + Extend<u8>);
has!(Values<u8>; IntoIterator<Item = u8>);
has!(&'static Values<u8>; IntoIterator<Item = &'static u8>);
has!(&'static mut Values<u8>; IntoIterator<Item = &'static mut u8>);
has_serde!(Values<u8>, LogEntry, Frame, TemplateInfo, Stacktrace, ThreadId, Addr, RegVal, Thread, CError);
has_serde!(MachException, PosixSignal, MechanismMeta, Mechanism, Exception, Level, Breadcrumb, IpAddress, User);
has_serde!(Request, Event<'static>);

fn values(mut values: Values<u8>) {
    let _: fn() -> Values<u8> = Values::new;
    let _: bool = values.is_empty();
    let _: Option<&u8> = values.last();
    values.reverse();
    values.values.push(1);
    let _ = Values { values: vec![1_u8] };
}

fn log_entry(message: String, params: Vec<Value>) -> LogEntry {
    LogEntry { message, params, ..Default::default() }
}

fn frame(text: Option<String>, number: Option<u64>, lines: Vec<String>, addr: Option<Addr>) -> Frame {
    Frame {
        function: text.clone(),
        symbol: text.clone(),
        module: text.clone(),
        package: text.clone(),
        filename: text.clone(),
        abs_path: text.clone(),
        lineno: number,
        colno: number,
        pre_context: lines.clone(),
        context_line: text.clone(),
        post_context: lines,
        in_app: Some(true),
        vars: Map::<String, Value>::new(),
        image_addr: addr,
        instruction_addr: addr,
        symbol_addr: addr,
        addr_mode: text,
        ..Default::default()
    }
}

fn template(text: Option<String>, number: Option<u64>, lines: Vec<String>) -> TemplateInfo {
    TemplateInfo {
        filename: text.clone(),
        abs_path: text.clone(),
        lineno: number,
        colno: number,
        pre_context: lines.clone(),
        context_line: text,
        post_context: lines,
        ..Default::default()
    }
}

fn stacktrace(frames: Vec<Frame>) -> Stacktrace {
    let _: fn(Vec<Frame>) -> Option<Stacktrace> = Stacktrace::from_frames_reversed;
    Stacktrace {
        frames,
        frames_omitted: Some((1_u64, 2_u64)),
        registers: Map::<String, RegVal>::new(),
        ..Default::default()
    }
}

fn addresses(Addr(addr): Addr, RegVal(register): RegVal) {
    let _: (u64, u64) = (addr, register);
    let _: fn(&Addr) -> bool = Addr::is_null;
    let _: [Addr; 2] = [Addr(1), (&raw const addr).into()];
}

fn thread(id: ThreadId, stacktrace: Option<Stacktrace>) -> Thread {
    match id {
        ThreadId::Int(number) => is::<u64>(number),
        ThreadId::String(text) => is::<String>(text),
    }
    Thread {
        id: Some(1_i32.into()),
        name: Some(String::new()),
        stacktrace: stacktrace.clone(),
        raw_stacktrace: stacktrace,
        crashed: true,
        current: true,
        ..Default::default()
    }
}

fn mechanism(text: Option<String>, url: Url) -> Mechanism {
    let errno = CError { number: 2, name: text.clone(), ..Default::default() };
    let signal =
        PosixSignal { number: 11, code: Some(1), name: text.clone(), code_name: text.clone(), ..Default::default() };
    let mach =
        MachException { exception: 1_i32, code: 1_u64, subcode: 1_u64, name: text.clone(), ..Default::default() };
    Mechanism {
        ty: String::from("generic"),
        description: text,
        help_link: Some(url),
        handled: Some(true),
        synthetic: Some(true),
        data: Map::<String, Value>::new(),
        meta: MechanismMeta {
            errno: Some(errno),
            signal: Some(signal),
            mach_exception: Some(mach),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn exception(text: Option<String>, stacktrace: Option<Stacktrace>) -> Exception {
    Exception {
        ty: String::new(),
        value: text.clone(),
        module: text,
        stacktrace: stacktrace.clone(),
        raw_stacktrace: stacktrace,
        thread_id: Some(ThreadId::default()),
        mechanism: Some(Mechanism::default()),
        ..Default::default()
    }
}

fn level(level: Level) {
    match level {
        Level::Debug | Level::Info | Level::Warning | Level::Error | Level::Fatal => {}
    }
    let _: [fn(&Level) -> bool; 5] =
        [Level::is_debug, Level::is_info, Level::is_warning, Level::is_error, Level::is_fatal];
}

fn breadcrumb(text: Option<String>) -> Breadcrumb {
    Breadcrumb {
        timestamp: SystemTime::UNIX_EPOCH,
        ty: String::from("default"),
        category: text.clone(),
        level: Level::Info,
        message: text,
        data: Map::<String, Value>::new(),
        ..Default::default()
    }
}

fn user(text: Option<String>, address: IpAddress, other: IpAddr) -> User {
    match address {
        IpAddress::Auto => {}
        IpAddress::Exact(address) => is::<IpAddr>(address),
    }
    let _: (bool, Option<Ordering>) = (address == other, address.partial_cmp(&other));
    User {
        id: text.clone(),
        email: text.clone(),
        ip_address: Some(address),
        username: text,
        other: Map::<String, Value>::new(),
        ..Default::default()
    }
}

/// `Request` has exactly these fields, though it has a default.
fn request(text: Option<String>, url: Url) -> Request {
    Request {
        url: Some(url),
        method: text.clone(),
        data: text.clone(),
        query_string: text.clone(),
        cookies: text,
        headers: Map::<String, String>::new(),
        env: Map::<String, String>::new(),
    }
}

fn event(text: Option<String>, short: Option<Cow<'static, str>>) -> Event<'static> {
    let _: fn() -> Event<'static> = Event::new;
    let _: fn(Event<'_>) -> Event<'static> = |event| event.into_owned();
    Event {
        event_id: Uuid::nil(),
        level: Level::Error,
        fingerprint: Cow::Owned(vec!["{{ default }}".into()]),
        culprit: text.clone(),
        transaction: text.clone(),
        message: text.clone(),
        logentry: Some(LogEntry::default()),
        logger: text,
        modules: Map::<String, String>::new(),
        platform: "native".into(),
        timestamp: SystemTime::UNIX_EPOCH,
        server_name: short.clone(),
        release: short.clone(),
        dist: short.clone(),
        environment: short,
        user: Some(User::default()),
        request: Some(Request::default()),
        contexts: Map::<String, Context>::new(),
        breadcrumbs: Values::<Breadcrumb>::new(),
        exception: vec![Exception::default()].into(),
        stacktrace: Some(Stacktrace::default()),
        template: Some(TemplateInfo::default()),
        threads: Values::<Thread>::new(),
        tags: Map::<String, String>::new(),
        extra: Map::<String, Value>::new(),
        debug_meta: Cow::Owned(DebugMeta::default()),
        sdk: None::<Cow<'static, ClientSdkInfo>>,
        ..Default::default()
    }
}

/// Events may borrow.
fn borrowed<'a>(text: &'a str, parts: &'a [Cow<'a, str>], meta: &'a DebugMeta, sdk: &'a ClientSdkInfo) -> Event<'a> {
    Event {
        fingerprint: Cow::Borrowed(parts),
        release: Some(text.into()),
        debug_meta: Cow::Borrowed(meta),
        sdk: Some(Cow::Borrowed(sdk)),
        ..Event::new()
    }
}
