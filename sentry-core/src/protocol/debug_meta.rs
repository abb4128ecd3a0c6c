//! The libraries loaded into the process, so that the server can find symbols for addresses.

use debugid::{CodeId, DebugId};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{Addr, Value, lenient};

/// What the server needs to know to turn addresses into functions and lines.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct DebugMeta {
    /// The system's SDK, for system libraries of Apple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_info: Option<SystemSdkInfo>,
    /// The libraries. Kinds unknown here are left out on reading.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "readable_images")]
    pub images: Vec<DebugImage>,
}

impl DebugMeta {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.sdk_info.is_none() && self.images.is_empty()
    }
}

/// A system SDK of Apple.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct SystemSdkInfo {
    /// Its name, such as `iOS`.
    pub sdk_name: String,
    /// The first number of its version.
    pub version_major: u32,
    /// The second number of its version.
    pub version_minor: u32,
    /// The third number of its version.
    pub version_patchlevel: u32,
}

/// A library or program file that is loaded into the process. `type` on the wire tells the kinds apart.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum DebugImage {
    /// A Mach-O file in the older form.
    Apple(AppleDebugImage),
    /// A native file of any system. `elf`, `macho` and `pe` are read as this, too.
    #[serde(alias = "elf", alias = "macho", alias = "pe")]
    Symbolic(SymbolicDebugImage),
    /// A mapping of obfuscated Java names.
    Proguard(ProguardDebugImage),
    /// A WebAssembly module.
    Wasm(WasmDebugImage),
}

impl DebugImage {
    /// What `type` is on the wire: `apple`, `symbolic`, `proguard` or `wasm`.
    pub fn type_name(&self) -> &str {
        match self {
            DebugImage::Apple(_) => "apple",
            DebugImage::Symbolic(_) => "symbolic",
            DebugImage::Proguard(_) => "proguard",
            DebugImage::Wasm(_) => "wasm",
        }
    }
}

impl From<AppleDebugImage> for DebugImage {
    fn from(image: AppleDebugImage) -> Self {
        DebugImage::Apple(image)
    }
}

impl From<SymbolicDebugImage> for DebugImage {
    fn from(image: SymbolicDebugImage) -> Self {
        DebugImage::Symbolic(image)
    }
}

impl From<ProguardDebugImage> for DebugImage {
    fn from(image: ProguardDebugImage) -> Self {
        DebugImage::Proguard(image)
    }
}

impl From<WasmDebugImage> for DebugImage {
    fn from(image: WasmDebugImage) -> Self {
        DebugImage::Wasm(image)
    }
}

/// A Mach-O file in the older form.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct AppleDebugImage {
    /// The path of the file.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The processor type in Mach-O's numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_type: Option<u32>,
    /// The processor subtype in Mach-O's numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_subtype: Option<u32>,
    /// Where it begins in memory.
    #[serde(default)]
    pub image_addr: Addr,
    /// Its size in memory, in bytes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub image_size: u64,
    /// Where it was meant to begin.
    #[serde(default, skip_serializing_if = "Addr::is_null")]
    pub image_vmaddr: Addr,
    /// The id the linker gave it.
    pub uuid: Uuid,
}

/// A native library or program file.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct SymbolicDebugImage {
    /// The path of the file; `code_file` is read, too.
    #[serde(default, alias = "code_file", deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Where it begins in memory.
    #[serde(default)]
    pub image_addr: Addr,
    /// Its size in memory, in bytes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub image_size: u64,
    /// Where it was meant to begin.
    #[serde(default, skip_serializing_if = "Addr::is_null")]
    pub image_vmaddr: Addr,
    /// The id of the debug information; `debug_id` is read, too.
    #[serde(alias = "debug_id")]
    pub id: DebugId,
    /// The id of the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_id: Option<CodeId>,
    /// The file with the debug information, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_file: Option<String>,
}

/// A mapping of obfuscated Java names.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct ProguardDebugImage {
    /// The id of the mapping.
    pub uuid: Uuid,
}

/// A WebAssembly module.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct WasmDebugImage {
    /// The name of the module.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The module's build id.
    pub debug_id: Uuid,
    /// The file with the debug information, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_file: Option<String>,
    /// The id of the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_id: Option<String>,
    /// The URL of the module.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub code_file: String,
}

/// One image that makes no sense here must not cost the event it belongs to.
fn readable_images<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DebugImage>, D::Error> {
    let images: Option<Vec<Value>> = Option::deserialize(deserializer)?;
    Ok(images.unwrap_or_default().into_iter().filter_map(|image| DebugImage::deserialize(image).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    fn symbolic() -> SymbolicDebugImage {
        SymbolicDebugImage {
            name: "/usr/bin/shop".into(),
            arch: Some("x86_64".into()),
            image_addr: Addr(0x5500_0000),
            image_size: 4096,
            image_vmaddr: Addr(0x1000),
            id: "494f3aea-88fa-4296-9644-fa8ef5d139b6-1".parse().unwrap(),
            code_id: Some("ea3a4f49fa889642".parse().unwrap()),
            debug_file: Some("/usr/lib/debug/shop".into()),
        }
    }

    #[test]
    fn all_kinds_are_written_in_wire_names() {
        let uuid = "494f3aea-88fa-4296-9644-fa8ef5d139b6".parse().unwrap();
        let apple = AppleDebugImage {
            name: "CoreFoundation".into(),
            arch: Some("arm64".into()),
            cpu_type: Some(16_777_228),
            cpu_subtype: Some(0),
            image_addr: Addr(1),
            image_size: 2,
            image_vmaddr: Addr(0),
            uuid,
        };
        let wasm = WasmDebugImage {
            name: "shop.wasm".into(),
            debug_id: uuid,
            debug_file: Some("shop.debug.wasm".into()),
            code_id: Some("abc".into()),
            code_file: "https://example.com/shop.wasm".into(),
        };
        let meta = DebugMeta {
            sdk_info: Some(SystemSdkInfo {
                sdk_name: "iOS".into(),
                version_major: 10,
                version_minor: 3,
                version_patchlevel: 0,
            }),
            images: vec![apple.into(), symbolic().into(), ProguardDebugImage { uuid }.into(), wasm.into()],
        };
        assert_json(
            &meta,
            r#"{"sdk_info":{"sdk_name":"iOS","version_major":10,"version_minor":3,"version_patchlevel":0},"images":[
            {"type":"apple","name":"CoreFoundation","arch":"arm64","cpu_type":16777228,"cpu_subtype":0,
            "image_addr":"0x1","image_size":2,"uuid":"494f3aea-88fa-4296-9644-fa8ef5d139b6"},
            {"type":"symbolic","name":"/usr/bin/shop","arch":"x86_64","image_addr":"0x55000000","image_size":4096,
            "image_vmaddr":"0x1000","id":"494f3aea-88fa-4296-9644-fa8ef5d139b6-1","code_id":"ea3a4f49fa889642",
            "debug_file":"/usr/lib/debug/shop"},
            {"type":"proguard","uuid":"494f3aea-88fa-4296-9644-fa8ef5d139b6"},
            {"type":"wasm","name":"shop.wasm","debug_id":"494f3aea-88fa-4296-9644-fa8ef5d139b6",
            "debug_file":"shop.debug.wasm","code_id":"abc","code_file":"https://example.com/shop.wasm"}]}"#,
        );
        for image in &meta.images {
            assert_eq!(serde_json::to_value(image).unwrap()["type"], image.type_name());
        }
        assert!(!meta.is_empty());
        assert_json(&DebugMeta::default(), "{}");
        assert!(DebugMeta::default().is_empty());
    }

    #[test]
    fn native_kinds_are_read_as_symbolic() {
        for kind in ["elf", "macho", "pe"] {
            let image: DebugImage = read(&format!(
                r#"{{"type":"{kind}","code_file":"/usr/bin/shop","arch":"x86_64","image_addr":"0x55000000",
                "image_size":4096,"image_vmaddr":"0x1000","debug_id":"494f3aea-88fa-4296-9644-fa8ef5d139b6-1",
                "code_id":"ea3a4f49fa889642","debug_file":"/usr/lib/debug/shop"}}"#
            ));
            assert_eq!(image, DebugImage::Symbolic(symbolic()));
        }
    }

    #[test]
    fn images_that_cannot_be_read_are_left_out() {
        let meta: DebugMeta = read(
            r#"{"sdk_info":null,"images":[{"type":"sourcemap","code_file":"app.js"},null,{},{"type":"elf"},
            {"type":"proguard","uuid":"494f3aea-88fa-4296-9644-fa8ef5d139b6"}]}"#,
        );
        assert_eq!(meta.images.iter().map(DebugImage::type_name).collect::<Vec<_>>(), ["proguard"]);
        assert!(read::<DebugMeta>(r#"{"images":null,"x":1}"#).is_empty());
    }
}
