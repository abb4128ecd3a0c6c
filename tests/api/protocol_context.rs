//! Contexts. Literals name every official field.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::{
    AppContext, BrowserContext, Context, DeviceContext, GpuContext, Map, Orientation, OsContext, OtelContext,
    ResponseContext, RuntimeContext, SpanId, SpanStatus, TraceContext, TraceId, Value,
};

use super::is;

has!(DeviceContext, OsContext, RuntimeContext, AppContext; Debug + Clone + Default + PartialEq + Into<Context>);
has!(BrowserContext, GpuContext, OtelContext, ResponseContext; Debug + Clone + Default + PartialEq + Into<Context>);
has!(TraceContext; Debug + Clone + Default + PartialEq + Into<Context>);
has!(Context; Debug + Clone + PartialEq + Send + Sync);
has!(Orientation; Debug + Clone + Eq + Hash);
has!(SpanId, TraceId; Copy + Eq + Hash + Default + Display + Debug + FromStr + Into<String> + TryFrom<String>);
has!(SpanId; From<[u8; 8]>);
has!(TraceId; From<[u8; 16]>);
has!(SpanStatus; Debug + Copy + Eq + Hash + Display + FromStr<Err = sentry::protocol::ParseStatusError>);
has!(sentry::protocol::ParseStatusError; Debug + Display + std::error::Error);
has_serde!(Context, Orientation, DeviceContext, OsContext, RuntimeContext, AppContext, BrowserContext, GpuContext);
has_serde!(OtelContext, ResponseContext, TraceContext, SpanId, TraceId, SpanStatus);

fn context(context: Context) {
    let _: fn(&Context) -> &str = Context::type_name;
    match context {
        Context::Device(context) => is::<Box<DeviceContext>>(context),
        Context::Os(context) => is::<Box<OsContext>>(context),
        Context::Runtime(context) => is::<Box<RuntimeContext>>(context),
        Context::App(context) => is::<Box<AppContext>>(context),
        Context::Browser(context) => is::<Box<BrowserContext>>(context),
        Context::Trace(context) => is::<Box<TraceContext>>(context),
        Context::Gpu(context) => is::<Box<GpuContext>>(context),
        Context::Otel(context) => is::<Box<OtelContext>>(context),
        Context::Response(context) => is::<Box<ResponseContext>>(context),
        Context::Other(context) => is::<Map<String, Value>>(context),
        _ => {}
    }
}

fn device(
    text: Option<String>,
    bytes: Option<u64>,
    orientation: Orientation,
    other: Map<String, Value>,
) -> DeviceContext {
    match orientation {
        Orientation::Portrait | Orientation::Landscape => {}
    }
    DeviceContext {
        name: text.clone(),
        family: text.clone(),
        model: text.clone(),
        model_id: text.clone(),
        arch: text.clone(),
        battery_level: Some(0.5_f32),
        orientation: Some(orientation),
        simulator: Some(false),
        memory_size: bytes,
        free_memory: bytes,
        usable_memory: bytes,
        storage_size: bytes,
        free_storage: bytes,
        external_storage_size: bytes,
        external_free_storage: bytes,
        boot_time: Some(SystemTime::UNIX_EPOCH),
        timezone: text,
        other,
        ..Default::default()
    }
}

fn program(text: Option<String>, other: Map<String, Value>) -> (OsContext, RuntimeContext, AppContext, BrowserContext) {
    let os = OsContext {
        name: text.clone(),
        version: text.clone(),
        build: text.clone(),
        kernel_version: text.clone(),
        rooted: Some(false),
        other: other.clone(),
        ..Default::default()
    };
    let runtime =
        RuntimeContext { name: text.clone(), version: text.clone(), other: other.clone(), ..Default::default() };
    let app = AppContext {
        app_start_time: Some(SystemTime::UNIX_EPOCH),
        device_app_hash: text.clone(),
        build_type: text.clone(),
        app_identifier: text.clone(),
        app_name: text.clone(),
        app_version: text.clone(),
        app_build: text.clone(),
        other: other.clone(),
        ..Default::default()
    };
    let browser = BrowserContext { name: text.clone(), version: text, other, ..Default::default() };
    (os, runtime, app, browser)
}

fn gpu(name: String, text: Option<String>, flag: Option<bool>, other: Map<String, Value>) -> GpuContext {
    GpuContext {
        name,
        version: text.clone(),
        driver_version: text.clone(),
        id: text.clone(),
        vendor_id: text.clone(),
        vendor_name: text.clone(),
        memory_size: Some(1_u32),
        api_type: text.clone(),
        multi_threaded_rendering: flag,
        npot_support: flag,
        max_texture_size: Some(1_u32),
        graphics_shader_level: text,
        supports_draw_call_instancing: flag,
        supports_ray_tracing: flag,
        supports_compute_shaders: flag,
        supports_geometry_shaders: flag,
        other,
        ..Default::default()
    }
}

fn exchange(other: Map<String, Value>) -> (OtelContext, ResponseContext) {
    let otel = OtelContext { attributes: other.clone(), resource: other.clone(), other, ..Default::default() };
    let response = ResponseContext {
        cookies: Some(String::new()),
        headers: Map::<String, String>::new(),
        status_code: Some(200_u64),
        body_size: Some(1_u64),
        data: Some(Value::Null),
        ..Default::default()
    };
    (otel, response)
}

fn trace(span_id: SpanId, trace_id: TraceId, text: Option<String>, status: SpanStatus) -> TraceContext {
    match status {
        SpanStatus::Ok
        | SpanStatus::DeadlineExceeded
        | SpanStatus::Unauthenticated
        | SpanStatus::PermissionDenied
        | SpanStatus::NotFound
        | SpanStatus::ResourceExhausted
        | SpanStatus::InvalidArgument
        | SpanStatus::Unimplemented
        | SpanStatus::Unavailable
        | SpanStatus::InternalError
        | SpanStatus::UnknownError
        | SpanStatus::Cancelled
        | SpanStatus::AlreadyExists
        | SpanStatus::FailedPrecondition
        | SpanStatus::Aborted
        | SpanStatus::OutOfRange
        | SpanStatus::DataLoss => {}
        _ => {}
    }
    TraceContext {
        span_id,
        trace_id,
        parent_span_id: Some(span_id),
        op: text.clone(),
        description: text.clone(),
        status: Some(status),
        origin: text,
        data: Map::<String, Value>::new(),
        ..Default::default()
    }
}
