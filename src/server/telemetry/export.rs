//! Traces and metrics to a collector, by OTLP, where `OTEL_EXPORTER_OTLP_ENDPOINT` names one; nothing is started otherwise.
//!
//! OpenTelemetry's other variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_METRIC_EXPORT_INTERVAL`, ...) mean what
//! its specification says. The SDK exports from threads of its own; our client brings the requests back to the runtime.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use crate::server::config::{ENV_APP_NAME, ENV_OTLP_ENDPOINT, ENV_OTLP_PROTOCOL, ENV_SERVICE_NAME, Strings};

/// The name of the program for the collector, and of its instruments.
const NAME: &str = "direct-write";
/// The port that OpenTelemetry gives to gRPC; it decides where no protocol is named.
const GRPC_PORT: &str = ":4317";
/// Databricks Apps ends a program 15 s after SIGTERM, and submissions come first.
const FLUSH: Duration = Duration::from_secs(3);
/// A collector that does not answer by then has lost what it was sent.
const ANSWER: Duration = Duration::from_secs(10);

/// What exports.
pub(super) struct Exporting {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Exporting {
    /// Starts where a collector is named.
    ///
    /// # Errors
    /// When what is named cannot be used.
    pub(super) fn start(strings: &dyn Strings) -> Result<Option<Self>, ExporterBuildError> {
        let Some(protocol) = protocol(strings) else { return Ok(None) };
        let (spans, metrics) = match protocol {
            Protocol::Grpc => {
                let spans = SpanExporter::builder().with_tonic().with_protocol(protocol).build()?;
                (spans, MetricExporter::builder().with_tonic().with_protocol(protocol).build()?)
            }
            _ => {
                let client = Client::new()?;
                let spans = SpanExporter::builder().with_http().with_protocol(protocol);
                let metrics = MetricExporter::builder().with_http().with_protocol(protocol);
                (spans.with_http_client(client.clone()).build()?, metrics.with_http_client(client).build()?)
            }
        };
        let resource = resource(strings);
        let traces = SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(spans).build();
        let metrics = SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(metrics).build();
        opentelemetry::global::set_meter_provider(metrics.clone());
        Ok(Some(Self { traces, metrics }))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.traces.tracer(NAME)
    }

    /// Sends the rest.
    pub(super) async fn finish(self) {
        let flush = move || {
            let Self { traces, metrics } = self;
            let ended = [traces.shutdown_with_timeout(FLUSH), metrics.shutdown_with_timeout(FLUSH)];
            ended.into_iter().filter_map(Result::err).for_each(|error| {
                tracing::warn!(%error, "the last traces or metrics were not exported");
            });
        };
        // It waits for the SDK's threads.
        if tokio::time::timeout(FLUSH + FLUSH / 2, tokio::task::spawn_blocking(flush)).await.is_err() {
            tracing::warn!("the last traces and metrics were not exported in time");
        }
    }
}

/// The protocol to export with; `None` when no collector is named.
fn protocol(strings: &dyn Strings) -> Option<Protocol> {
    let endpoint = strings.get(ENV_OTLP_ENDPOINT)?;
    let grpc = match strings.get(ENV_OTLP_PROTOCOL) {
        Some(protocol) => protocol == "grpc",
        None => endpoint.trim_end_matches('/').ends_with(GRPC_PORT),
    };
    Some(if grpc { Protocol::Grpc } else { Protocol::HttpBinary })
}

fn resource(strings: &dyn Strings) -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    // The one of the environment is already in it.
    if strings.get(ENV_SERVICE_NAME).is_some() {
        return resource.build();
    }
    resource.with_service_name(strings.get(ENV_APP_NAME).unwrap_or_else(|| NAME.to_owned())).build()
}

/// Sends from the runtime, whatever thread asks.
#[derive(Clone, Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl Client {
    fn new() -> Result<Self, ExporterBuildError> {
        let unusable = |error: &dyn std::error::Error| ExporterBuildError::InternalFailure(error.to_string());
        let http = reqwest::Client::builder().timeout(ANSWER).build().map_err(|error| unusable(&error))?;
        Ok(Self { http, runtime: Handle::try_current().map_err(|error| unusable(&error))? })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let asked = async move {
            let answer = http.execute(request.try_into()?).await?;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = answer.bytes().await?;
            Ok(response)
        };
        self.runtime.spawn(asked).await?
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn chosen(pairs: &[(&'static str, &'static str)]) -> Option<Protocol> {
        protocol(&pairs.iter().copied().collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn nothing_is_exported_without_a_collector_and_its_port_tells_the_protocol() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[(ENV_OTLP_PROTOCOL, "grpc")]), None);
        assert_eq!(chosen(&[(ENV_OTLP_ENDPOINT, "http://localhost:4318")]), Some(Protocol::HttpBinary));
        assert_eq!(chosen(&[(ENV_OTLP_ENDPOINT, "http://localhost:4317/")]), Some(Protocol::Grpc));
        let http = [(ENV_OTLP_ENDPOINT, "http://localhost:4317"), (ENV_OTLP_PROTOCOL, "http/protobuf")];
        assert_eq!(chosen(&http), Some(Protocol::HttpBinary));
        assert_eq!(chosen(&[(ENV_OTLP_ENDPOINT, "http://c:1"), (ENV_OTLP_PROTOCOL, "grpc")]), Some(Protocol::Grpc));
    }
}
