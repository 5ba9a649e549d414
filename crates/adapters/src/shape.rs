//! What the `adapter` of a manifest may look like, where adapters have that in common.

use onair_runtime::adapter::Misfit;
use serde_json::Value;

/// That an adapter says its `type` and nothing else.
pub(crate) fn nothing_but_type(adapter: &Value, kind: &str) -> Result<(), Misfit> {
    let foreign = adapter.as_object().and_then(|members| members.keys().find(|name| *name != "type"));
    match foreign {
        None => Ok(()),
        Some(name) => Err(Misfit {
            pointer: format!("/{}", onair_wire::json::escape(name)),
            detail: format!("{kind} adapter has nothing but its `type`"),
        }),
    }
}
