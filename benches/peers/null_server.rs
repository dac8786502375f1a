//! The peer of the log: a Zerobus server that reads what comes and acknowledges it, with the windows and limits of the lakehouse,
//! and does nothing else. No server that keeps anything can be faster with the same client.

use std::pin::Pin;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

mod proto {
    #![allow(clippy::all, clippy::pedantic)]
    include!(concat!(env!("OUT_DIR"), "/databricks.zerobus.rs"));
}

use proto::ephemeral_stream_request::Payload;
use proto::ephemeral_stream_response::Payload as Answer;
use proto::zerobus_server::{Zerobus, ZerobusServer};
use proto::{
    CreateIngestStreamResponse, EphemeralStreamRequest, EphemeralStreamResponse, IngestRecordResponse,
    PersistentStreamRequest, PersistentStreamResponse, RetireStreamRequest, RetireStreamResponse,
};

struct Null;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Zerobus for Null {
    type EphemeralStreamStream = Answers<EphemeralStreamResponse>;
    type PersistentStreamStream = Answers<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        let (answers, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            let mut calls = request.into_inner();
            while let Some(Ok(first)) = calls.next().await {
                let mut last = first;
                // Everything that has come already is acknowledged at once, as the lakehouse does after an fsync.
                while let Some(Some(Ok(next))) = calls.next().now_or_never() {
                    last = next;
                }
                let payload = match last.payload {
                    Some(Payload::IngestRecordBatch(batch)) => acknowledge(batch.offset_id),
                    Some(Payload::IngestRecord(record)) => acknowledge(record.offset_id),
                    _ => {
                        Answer::CreateStreamResponse(CreateIngestStreamResponse { stream_id: Some("null".to_owned()) })
                    }
                };
                if answers.send(Ok(EphemeralStreamResponse { payload: Some(payload) })).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn persistent_stream(
        &self,
        _: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        Err(Status::unimplemented("only ephemeral streams"))
    }

    async fn retire_stream(&self, _: Request<RetireStreamRequest>) -> Result<Response<RetireStreamResponse>, Status> {
        Err(Status::unimplemented("only ephemeral streams"))
    }
}

fn acknowledge(offset: Option<i64>) -> Answer {
    Answer::IngestRecordResponse(IngestRecordResponse { durability_ack_up_to_offset: offset })
}

/// Serves until it is killed.
pub async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("Null server http://{}", listener.local_addr().unwrap());
    let service = ZerobusServer::new(Null).max_decoding_message_size(11 << 20);
    let routes = tonic::service::Routes::new(service).into_axum_router();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut builder = Builder::new(TokioExecutor::new());
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
        http2.initial_stream_window_size(2 << 20).initial_connection_window_size(32 << 20).max_concurrent_streams(256);
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move { builder.serve_connection(TokioIo::new(stream), service).await });
    }
}
