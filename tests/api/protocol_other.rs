//! Debug images, SDK information, sampling contexts, attachments, client reports, and the re-exported modules.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use sentry::protocol::client_report::{Category, Item, ItemLoss, LossSource, Reason, Report};
use sentry::protocol::{
    Addr, AppleDebugImage, Attachment, AttachmentType, ClientReport, ClientSdkInfo, ClientSdkPackage, DebugImage,
    DebugMeta, DynamicSamplingContext, Envelope, EnvelopeItem, Event, InvalidSampleRandError, OrganizationId,
    ProguardDebugImage, SampleRand, SymbolicDebugImage, SystemSdkInfo, TraceId, Uuid, WasmDebugImage, debugid, map,
    value,
};
use sentry::types::IndexedEnum;

use super::is;

has!(DebugImage, AppleDebugImage, SymbolicDebugImage, ProguardDebugImage, WasmDebugImage; Debug + Clone + PartialEq);
has!(DebugMeta; Debug + Default + Clone + PartialEq);
has!(SystemSdkInfo, ClientSdkInfo, ClientSdkPackage; Debug + Clone + PartialEq);
has!(OrganizationId; Debug + Copy + PartialEq + From<u64> + FromStr + Display);
has!(SampleRand; Debug + Copy + PartialEq + TryFrom<f64, Error = InvalidSampleRandError> + Display);
has!(SampleRand; FromStr<Err = InvalidSampleRandError>);
has!(InvalidSampleRandError; Debug + Display + Error + From<std::num::ParseFloatError>);
has!(DynamicSamplingContext; Debug + Clone + Default + PartialEq);
has!(AttachmentType; Debug + Clone + Eq + Default);
has!(Attachment; Debug + Clone + PartialEq + Default);
has!(Report, ClientReport; Debug + Clone + PartialEq);
has!(Item; Debug + Copy);
has!(ItemLoss; Debug + Copy);
has!(Category, Reason; Debug + Copy + Eq + Hash + IndexedEnum);
has!(Envelope, EnvelopeItem, Event<'static>, Attachment, ClientReport; LossSource);
has_serde!(DebugImage, AppleDebugImage, SymbolicDebugImage, ProguardDebugImage, WasmDebugImage, DebugMeta);
has_serde!(SystemSdkInfo, ClientSdkInfo, ClientSdkPackage, OrganizationId, SampleRand, DynamicSamplingContext);
has_serde!(AttachmentType, Report, Item, Category, Reason);

fn images(image: DebugImage, text: Option<String>, id: debugid::DebugId, code: debugid::CodeId) -> [DebugImage; 4] {
    let _: fn(&DebugImage) -> &str = DebugImage::type_name;
    match image {
        DebugImage::Apple(image) => is::<AppleDebugImage>(image),
        DebugImage::Symbolic(image) => is::<SymbolicDebugImage>(image),
        DebugImage::Proguard(image) => is::<ProguardDebugImage>(image),
        DebugImage::Wasm(image) => is::<WasmDebugImage>(image),
    }
    let apple = AppleDebugImage {
        name: String::new(),
        arch: text.clone(),
        cpu_type: Some(1_u32),
        cpu_subtype: Some(1_u32),
        image_addr: Addr(1),
        image_size: 1_u64,
        image_vmaddr: Addr(0),
        uuid: Uuid::nil(),
    };
    let symbolic = SymbolicDebugImage {
        name: String::new(),
        arch: text.clone(),
        image_addr: Addr(1),
        image_size: 1_u64,
        image_vmaddr: Addr(0),
        id,
        code_id: Some(code),
        debug_file: text.clone(),
    };
    let proguard = ProguardDebugImage { uuid: Uuid::nil() };
    let wasm = WasmDebugImage {
        name: String::new(),
        debug_id: Uuid::nil(),
        debug_file: text.clone(),
        code_id: text,
        code_file: String::new(),
    };
    [DebugImage::Apple(apple), DebugImage::Symbolic(symbolic), DebugImage::Proguard(proguard), DebugImage::Wasm(wasm)]
}

fn meta(images: Vec<DebugImage>) -> DebugMeta {
    let _: fn(&DebugMeta) -> bool = DebugMeta::is_empty;
    let sdk_info = SystemSdkInfo {
        sdk_name: String::new(),
        version_major: 1_u32,
        version_minor: 2_u32,
        version_patchlevel: 3_u32,
    };
    DebugMeta { sdk_info: Some(sdk_info), images, ..Default::default() }
}

fn sdk(name: String, version: String) -> ClientSdkInfo {
    ClientSdkInfo {
        name: name.clone(),
        version: version.clone(),
        integrations: vec![String::new()],
        packages: vec![ClientSdkPackage { name, version }],
    }
}

fn sampling(trace_id: TraceId, sample_rand: SampleRand, org_id: OrganizationId, error: InvalidSampleRandError) {
    let _: DynamicSamplingContext = DynamicSamplingContext::new()
        .with_trace_id(trace_id)
        .with_public_key(String::new())
        .with_sample_rate(0.5_f32)
        .with_sample_rand(sample_rand)
        .with_sampled(true)
        .with_release(String::new())
        .with_environment(String::new())
        .with_transaction(String::new())
        .with_org_id(org_id);
    match error {
        InvalidSampleRandError::InvalidFloat(error) => is::<std::num::ParseFloatError>(error),
        InvalidSampleRandError::OutOfRange => {}
    }
}

fn attachment(ty: AttachmentType) -> Attachment {
    let _: fn(&AttachmentType) -> &str = AttachmentType::as_str;
    let _: fn(&Attachment, &mut Vec<u8>) -> std::io::Result<()> = Attachment::to_writer;
    match &ty {
        AttachmentType::Attachment
        | AttachmentType::Minidump
        | AttachmentType::AppleCrashReport
        | AttachmentType::UnrealContext
        | AttachmentType::UnrealLogs => {}
        AttachmentType::Custom(text) => is::<String>(text.clone()),
    }
    Attachment {
        buffer: vec![1_u8],
        filename: String::new(),
        content_type: Some(String::new()),
        ty: Some(ty),
        ..Default::default()
    }
}

fn reports(category: Category, reason: Reason, loss: ItemLoss) -> ClientReport {
    match category {
        Category::Error
        | Category::Session
        | Category::Transaction
        | Category::Span
        | Category::Attachment
        | Category::Monitor
        | Category::LogItem
        | Category::LogByte
        | Category::TraceMetric
        | Category::TraceMetricByte => {}
        _ => {}
    }
    match reason {
        Reason::SendError
        | Reason::InternalSdkError
        | Reason::NetworkError
        | Reason::RatelimitBackoff
        | Reason::QueueOverflow
        | Reason::BufferOverflow
        | Reason::EventProcessor
        | Reason::BeforeSend
        | Reason::SampleRate => {}
        _ => {}
    }
    let _: (Category, u64, Option<Reason>) = (loss.category, loss.quantity, loss.reason);
    let _: Vec<ItemLoss> = [loss][..].losses().chain(Envelope::new().losses()).collect();
    let _: fn(Category, Reason, u64) -> Item = Item::new;
    Report::new([Item::new(category, reason, 1)])
}

fn modules() {
    let _: value::Map<String, value::Value> = value::Map::new();
    let _: value::Number = 1_u64.into();
    let _ = (value::to_value::<u8>, value::from_value::<u8>);
    let _: fn(&dyn Fn(&value::Value)) = |_| ();
    let _: Option<&value::Value> = value::Value::Null.get("key");
    let mut map: map::Map<String, u8> = map::Map::new();
    if let map::Entry::Vacant(vacant) = map.entry(String::new()) {
        vacant.insert(1);
    }
    let _: Option<map::OccupiedEntry<'_, String, u8>> = None;
    let _: Option<debugid::BreakpadFormat<'_>> = None;
    let _: Option<debugid::ParseDebugIdError> = None;
}

fn indexed<I: value::Index>(value: &value::Value, index: I) -> Option<&value::Value> {
    value.get(index)
}
