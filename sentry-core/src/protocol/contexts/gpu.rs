//! The graphics processor.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value, lenient};

/// The graphics processor.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct GpuContext {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The version of its interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// The id of the device on its bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of the maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// The name of the maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<String>,
    /// Its memory, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u32>,
    /// The interface in use, such as `Vulkan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_type: Option<String>,
    /// Whether it renders on several threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_threaded_rendering: Option<bool>,
    /// Whether textures may have sizes that are no power of two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npot_support: Option<bool>,
    /// The largest texture, in pixels along an edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_texture_size: Option<u32>,
    /// The capability of its shaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphics_shader_level: Option<String>,
    /// Whether it draws many instances in one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_draw_call_instancing: Option<bool>,
    /// Whether it traces rays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_ray_tracing: Option<bool>,
    /// Whether it has compute shaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_compute_shaders: Option<bool>,
    /// Whether it has geometry shaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_geometry_shaders: Option<bool>,
    /// Any other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let gpu = GpuContext {
            name: "Arc A770".into(),
            version: Some("1.3".into()),
            driver_version: Some("31.0".into()),
            id: Some("0x56a0".into()),
            vendor_id: Some("0x8086".into()),
            vendor_name: Some("Intel".into()),
            memory_size: Some(16_384),
            api_type: Some("Vulkan".into()),
            multi_threaded_rendering: Some(true),
            npot_support: Some(true),
            max_texture_size: Some(16_384),
            graphics_shader_level: Some("OpenGL 4.6".into()),
            supports_draw_call_instancing: Some(true),
            supports_ray_tracing: Some(true),
            supports_compute_shaders: Some(true),
            supports_geometry_shaders: Some(false),
            other: [("bus".to_owned(), 3.into())].into(),
        };
        assert_json(
            &gpu,
            r#"{"name":"Arc A770","version":"1.3","driver_version":"31.0","id":"0x56a0","vendor_id":"0x8086",
            "vendor_name":"Intel","memory_size":16384,"api_type":"Vulkan","multi_threaded_rendering":true,
            "npot_support":true,"max_texture_size":16384,"graphics_shader_level":"OpenGL 4.6",
            "supports_draw_call_instancing":true,"supports_ray_tracing":true,"supports_compute_shaders":true,
            "supports_geometry_shaders":false,"bus":3}"#,
        );
        assert_json(&GpuContext::default(), "{}");
    }
}
