//! The machine the program runs on.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::{Map, Value, time};

/// The machine the program runs on.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct DeviceContext {
    /// The host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The family of models, such as `iPhone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The maker's internal name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The processor architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// How full the battery is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_level: Option<f32>,
    /// How the screen is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// Whether the device is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulator: Option<bool>,
    /// All memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u64>,
    /// Free memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_memory: Option<u64>,
    /// Memory the program may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable_memory: Option<u64>,
    /// Built-in storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_size: Option<u64>,
    /// Free built-in storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_storage: Option<u64>,
    /// Attached storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_storage_size: Option<u64>,
    /// Free attached storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_free_storage: Option<u64>,
    /// When the machine was started. Written as RFC 3339 text.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    pub boot_time: Option<SystemTime>,
    /// The time zone, such as `Europe/Vienna`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// How many logical processors there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_count: Option<u64>,
    /// The name of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_description: Option<String>,
    /// Any other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How the screen of a device is held.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Orientation {
    /// The longer side points up.
    Portrait,
    /// The longer side points sideways.
    Landscape,
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let device = DeviceContext {
            name: Some("edge-7".into()),
            family: Some("server".into()),
            model: Some("m5".into()),
            model_id: Some("m5.large".into()),
            arch: Some("x86_64".into()),
            battery_level: Some(58.5),
            orientation: Some(Orientation::Landscape),
            simulator: Some(false),
            memory_size: Some(1),
            free_memory: Some(2),
            usable_memory: Some(3),
            storage_size: Some(4),
            free_storage: Some(5),
            external_storage_size: Some(6),
            external_free_storage: Some(7),
            boot_time: Some(UNIX_EPOCH + Duration::from_secs(1_518_094_332)),
            timezone: Some("Europe/Vienna".into()),
            processor_count: Some(8),
            cpu_description: Some("Xeon".into()),
            other: [("brand".to_owned(), "none".into())].into(),
        };
        assert_json(
            &device,
            r#"{"name":"edge-7","family":"server","model":"m5","model_id":"m5.large","arch":"x86_64",
            "battery_level":58.5,"orientation":"landscape","simulator":false,"memory_size":1,"free_memory":2,
            "usable_memory":3,"storage_size":4,"free_storage":5,"external_storage_size":6,"external_free_storage":7,
            "boot_time":"2018-02-08T12:52:12Z","timezone":"Europe/Vienna","processor_count":8,
            "cpu_description":"Xeon","brand":"none"}"#,
        );
        assert_json(&Orientation::Portrait, "\"portrait\"");
        assert_json(&DeviceContext::default(), "{}");
    }
}
