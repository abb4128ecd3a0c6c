//! The transaction of a request: its name, and what is known of it when it begins.

use sentry_core::{Hub, Transaction, TransactionContext};

use super::parts::Parts;

/// Begins it on the request's hub, whose trace it belongs to.
pub(super) fn begin(hub: &Hub, parts: &Parts, route: Option<&str>) -> Transaction {
    let name = parts.name(route);
    let op = if parts.is_grpc { "rpc.server" } else { "http.server" };
    let transaction = hub.start_transaction(TransactionContext::new(&name.text, op));
    transaction.set_source(name.source);
    #[expect(deprecated, reason = "nobody would see what all this is put together for")]
    if transaction.is_sampled() {
        describe(&transaction, parts, route);
    }
    transaction
}

fn describe(transaction: &Transaction, parts: &Parts, route: Option<&str>) {
    transaction.set_origin(parts.origin());
    let request = parts.request();
    if let Some(query) = &request.query_string {
        transaction.set_data("http.query", query.as_str().into());
    }
    transaction.set_request(request);
    transaction.set_data("http.request.method", parts.method.as_str().into());
    transaction.set_data("url.path", parts.path().into());
    let (host, port) = parts.server();
    transaction.set_data("server.address", host.into());
    if let Some(port) = port {
        transaction.set_data("server.port", port.into());
    }
    if let Some(route) = route {
        transaction.set_data("http.route", route.into());
    }
    if let (true, Some((service, method))) = (parts.is_grpc, parts.path().trim_start_matches('/').split_once('/')) {
        transaction.set_data("rpc.system", "grpc".into());
        transaction.set_data("rpc.service", service.into());
        transaction.set_data("rpc.method", method.into());
    }
}
