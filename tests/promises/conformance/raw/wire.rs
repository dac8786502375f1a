//! Below the messages: bytes that are none, calls and connections that break off in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{SinkExt, Stream};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::codegen::{Service, http};
use tonic::transport::Endpoint;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstDecoder;

use super::proto::EphemeralStreamResponse;
use super::{Ended, Kind, Raw, Said, create_json, json, json_batch};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::sheet::Cell;

const METHOD: &str = "databricks.zerobus.Zerobus/EphemeralStream";

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut cell = |case: &'static str, run: fn(World) -> BoxFuture<'static, ()>| {
        let places = Arc::clone(places);
        cells.push(Cell::new(Kind::Ephemeral.client(), case, async move {
            let table = places.calm.table(&format!("raw ephemeral {case}"), COLUMNS).await;
            run(World { places, table }).await;
        }));
    };
    cell("a message is of arbitrary bytes", |world| Box::pin(world.arbitrary()));
    cell("a message is cut off by the end of the call", |world| Box::pin(world.cut_off()));
    cell("a message says it is compressed and is not", |world| Box::pin(world.compressed()));
    cell("a method that there is not", |world| Box::pin(world.unknown_method()));
    cell("a call is cancelled in the middle of a batch", |world| Box::pin(world.cancelled()));
    for kind in Kind::BOTH {
        let places = Arc::clone(places);
        let case = "a connection breaks in the middle of a batch";
        cells.push(Cell::new(kind.client(), case, async move { broken(&places.calm, kind).await }));
    }
    cells
}

/// A table of one cell.
struct World {
    places: Arc<Places>,
    table: String,
}

/// A message in gRPC's frame.
fn frame(message: &impl Message) -> Vec<u8> {
    framed(0, &message.encode_to_vec())
}

fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![compressed];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame
}

impl World {
    fn place(&self) -> &Place {
        &self.places.calm
    }

    /// A call whose body is those bytes.
    async fn call(
        &self,
        method: &str,
        body: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Result<Streaming<EphemeralStreamResponse>, Status> {
        let mut request = http::Request::post(format!("{}/{method}", self.place().url));
        for (name, value) in self.place().headers(&self.table).await {
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/grpc").header("te", "trailers");
        let request = request.body(tonic::body::Body::new(axum::body::Body::from_stream(body))).unwrap();
        let mut channel = self.place().channel().await;
        std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let response = channel.call(request).await.unwrap();
        if let Some(status) = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok) {
            return Err(status);
        }
        let (head, body) = response.into_parts();
        let decoder = ProstDecoder::<EphemeralStreamResponse>::default();
        Ok(Streaming::new_response(decoder, body, head.status, None, None))
    }

    /// A good opening and two good records, then these bytes, then the end.
    async fn then(&self, bytes: Vec<u8>) -> Ended {
        let mut body = frame(&create_json(&self.table).ephemeral());
        for offset in 0..2_u8 {
            body.extend(frame(&json(offset.into(), &row(offset.into()).to_string()).ephemeral()));
        }
        body.extend(bytes);
        let body = futures::stream::iter([Ok(Bytes::from(body))]);
        heard_out(self.call(METHOD, body).await.unwrap()).await
    }

    async fn holds(&self, count: usize) {
        let ids: Vec<String> = (0..count).map(|index| row(index)["id"].as_str().unwrap().to_owned()).collect();
        self.place().holds(Kind::Ephemeral.client(), &self.table, &ids).await;
    }

    async fn arbitrary(self) {
        let ended = self.then(framed(0, &[0xff; 64])).await;
        ended.with(Code::Internal, &["failed to decode Protobuf message"]);
        assert_eq!(ended.acknowledgements().last(), Some(&1));
        self.holds(2).await;
    }

    async fn cut_off(self) {
        let whole = frame(&json(2, &row(2).to_string()).ephemeral());
        let ended = self.then(whole[..whole.len() / 2].to_vec()).await;
        ended.with(Code::Internal, &["Unexpected EOF"]);
        assert_eq!(ended.acknowledgements().last(), Some(&1));
        self.holds(2).await;
    }

    async fn compressed(self) {
        let message = json(2, &row(2).to_string()).ephemeral().encode_to_vec();
        let ended = self.then(framed(1, &message)).await;
        ended.with(Code::Internal, &["compressed-flag"]);
        assert_eq!(ended.acknowledgements().last(), Some(&1));
        self.holds(2).await;
    }

    async fn unknown_method(self) {
        let method = "databricks.zerobus.Zerobus/ForgetEverything";
        let refused = self.call(method, futures::stream::empty()).await.err().unwrap();
        assert_eq!(refused.code(), Code::Unimplemented);
        self.holds(0).await;
    }

    async fn cancelled(self) {
        let (mut sender, body) = futures::channel::mpsc::channel(8);
        let mut good = frame(&create_json(&self.table).ephemeral());
        good.extend(frame(&json_batch(0, &[row(0).to_string(), row(1).to_string()]).ephemeral()));
        sender.send(Ok(Bytes::from(good))).await.unwrap();
        let mut answers = self.call(METHOD, body).await.unwrap();
        loop {
            let answer = answers.message().await.unwrap().expect("an acknowledgement");
            if Said::ephemeral(answer) == Said::Acknowledged(0) {
                break;
            }
        }
        let records: Vec<String> = (2..200).map(|index| row(index).to_string()).collect();
        let batch = frame(&json_batch(1, &records).ephemeral());
        sender.send(Ok(Bytes::copy_from_slice(&batch[..batch.len() - 1]))).await.unwrap();
        // An error of the body resets the call.
        sender.send(Err(std::io::Error::other("changed my mind"))).await.unwrap();
        assert!(!matches!(heard_out(answers).await.status.code(), Code::Ok));
        self.holds(2).await;
    }
}

async fn heard_out(mut answers: Streaming<EphemeralStreamResponse>) -> Ended {
    let mut said = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => said.push(Said::ephemeral(answer)),
            Ok(None) => return Ended { said, status: Status::ok("") },
            Err(status) => return Ended { said, status },
        }
    }
}

/// Cuts the connection when most of a batch has gone through.
async fn broken(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} broken", kind.client()), COLUMNS).await;
    let allowance = Arc::new(AtomicUsize::new(usize::MAX));
    let address = cutting_proxy(place.lakehouse.addr, Arc::clone(&allowance)).await;
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut stream = Raw::call(channel, kind, &place.headers(&table).await).await.unwrap();
    stream.send(create_json(&table)).await;
    let Ok(Some(Said::Created(id))) = stream.next().await else { panic!("it was not opened") };
    stream.write_json(vec![row(0).to_string(), row(1).to_string()]).await;
    stream.wait().await.unwrap();

    allowance.store(900_000, Ordering::SeqCst);
    let records: Vec<String> = (2..30_002).map(|index| row(index).to_string()).collect();
    assert!(records.iter().map(String::len).sum::<usize>() > 1_000_000);
    stream.write_json(records).await;
    let ended = stream.heard_out().await;
    assert_ne!(ended.status.code(), Code::Ok, "{ended:?}");
    assert_eq!(ended.said, [], "nothing of it is acknowledged");
    place.holds(kind.client(), &table, &["r00000", "r00001"]).await;
    if kind == Kind::Persistent {
        let mut again = Raw::begin(place, kind, &table, None, Some(&id)).await.unwrap();
        assert_eq!(again.resumed_at, Some(0));
        again.write_json(vec![row(2).to_string()]).await;
        again.close().await.unwrap();
        place.holds(kind.client(), &table, &["r00000", "r00001", "r00002"]).await;
    }
}

/// A way to the lakehouse for one connection, which is cut when so many more bytes have gone there.
async fn cutting_proxy(to: std::net::SocketAddr, allowance: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let lakehouse = TcpStream::connect(to).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_lakehouse, mut to_lakehouse) = lakehouse.into_split();
        let there = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                let left = allowance.load(Ordering::SeqCst);
                if to_lakehouse.write_all(&buffer[..length.min(left)]).await.is_err() || left < length {
                    break;
                }
                allowance.store(left - length, Ordering::SeqCst);
            }
        };
        tokio::select! {
            () = there => {}
            _ = tokio::io::copy(&mut from_lakehouse, &mut to_client) => {}
        }
    });
    address
}
