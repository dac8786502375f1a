//! A collector of traces and metrics: keeps what it is sent, over HTTP or gRPC.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tonic::{Request, Response, Status};

/// What was sent.
#[derive(Clone, Default)]
pub struct Kept {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

/// A collector, until dropped.
pub struct Collector {
    pub url: String,
    pub kept: Kept,
    task: AbortHandle,
}

impl Collector {
    /// Both protocols on one port.
    pub async fn start() -> Self {
        let kept = Kept::default();
        let http = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(kept.clone());
        let grpc = tonic::service::Routes::new(TraceServiceServer::new(kept.clone()))
            .add_service(MetricsServiceServer::new(kept.clone()))
            .into_axum_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = async move { axum::serve(listener, http.merge(grpc)).await.unwrap() };
        Self { url, kept, task: tokio::spawn(serving).abort_handle() }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Kept {
    /// The spans of a name.
    pub fn spans(&self, name: &str) -> Vec<Span> {
        let traces = self.traces.lock().unwrap();
        let scopes =
            traces.iter().flat_map(|request| &request.resource_spans).flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).filter(|span| span.name == name).cloned().collect()
    }

    /// An attribute of whoever sent traces.
    pub fn resource(&self, key: &str) -> Option<String> {
        let traces = self.traces.lock().unwrap();
        let resources =
            traces.iter().flat_map(|request| &request.resource_spans).filter_map(|spans| spans.resource.as_ref());
        resources.flat_map(|resource| &resource.attributes).find(|one| one.key == key).map(text)
    }

    /// The last value of a counter where an attribute has a value.
    pub fn count(&self, name: &str, key: &str, value: &str) -> Option<i64> {
        let metrics = self.metrics.lock().unwrap();
        let all =
            metrics.iter().flat_map(|request| &request.resource_metrics).flat_map(|resource| &resource.scope_metrics);
        let named: Vec<&Metric> = all.flat_map(|scope| &scope.metrics).filter(|metric| metric.name == name).collect();
        let points = named.into_iter().filter_map(|metric| match &metric.data {
            Some(metric::Data::Sum(sum)) => Some(&sum.data_points),
            _ => None,
        });
        let fits = |attributes: &[KeyValue]| attributes.iter().any(|one| one.key == key && text(one) == value);
        let point = points.flatten().rfind(|point| fits(&point.attributes))?;
        match point.value? {
            number_data_point::Value::AsInt(count) => Some(count),
            number_data_point::Value::AsDouble(count) => Some(count as i64),
        }
    }

    /// Everything that was sent, as text to search in.
    pub fn text(&self) -> String {
        format!("{:?}{:?}", self.traces.lock().unwrap(), self.metrics.lock().unwrap())
    }
}

/// An attribute's value, if it is text.
pub fn text(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    }
}

async fn traces(State(kept): State<Kept>, body: Bytes) -> StatusCode {
    kept.traces.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
    StatusCode::OK
}

async fn metrics(State(kept): State<Kept>, body: Bytes) -> StatusCode {
    kept.metrics.lock().unwrap().push(ExportMetricsServiceRequest::decode(body).unwrap());
    StatusCode::OK
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Kept {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}
