//! `builtin`: a service that is state only, for development and demonstrations (row S2). Whatever is asked of it is done.

use onair_runtime::adapter::{Adapter, BoxFuture, Call, CallError, Misfit};
use onair_wire::ProductionId;
use serde_json::{Value, json};

use crate::shape::nothing_but_type;

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Builtin;

impl Adapter for Builtin {
    fn check(&self, adapter: &Value) -> Result<(), Misfit> {
        nothing_but_type(adapter, "a builtin")
    }

    fn call(&self, _: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        Box::pin(std::future::ready(Ok(json!({}))))
    }

    fn seen(&self, _: &ProductionId, _: &str, _: bool) -> Option<onair_core::service::Seen> {
        None
    }

    fn polled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_builtin_takes_nothing_but_its_type() {
        assert_eq!(Builtin.check(&json!({ "type": "builtin" })), Ok(()));
        let misfit = Builtin.check(&json!({ "type": "builtin", "url": "x" })).expect_err("a member too many");
        assert_eq!(misfit.pointer, "/url");
    }
}
