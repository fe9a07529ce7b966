//! The engine's metrics for Prometheus.

use axum::response::IntoResponse;
use http::header;
use prometheus::core::Collector;
use prometheus::{Encoder, TextEncoder};
use spacetimedb::worker_metrics::WORKER_METRICS;
use spacetimedb_datastore::db_metrics::DB_METRICS;
use spacetimedb_datastore::db_metrics::data_size::DATA_SIZE_METRICS;

use super::Refusal;

pub async fn metrics() -> Result<impl IntoResponse, Refusal> {
    let mut families = WORKER_METRICS.collect();
    families.extend(DB_METRICS.collect());
    families.extend(DATA_SIZE_METRICS.collect());
    // A family that has not counted anything yet is not valid in this format.
    families.retain(|family| !family.get_metric().is_empty());
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    encoder
        .encode(&families, &mut text)
        .map_err(anyhow::Error::new)?;
    Ok((
        [(header::CONTENT_TYPE, encoder.format_type().to_owned())],
        text,
    ))
}
