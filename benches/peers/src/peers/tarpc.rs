//! tarpc over its transport within a process; each request is a task of its own.
//!
//! <https://docs.rs/tarpc/0.38/tarpc/#example> shows this transport, this server and this client. A synchronous
//! caller waits in the runtime's `block_on`; its calls in flight are polled together, as their client's are meant to be.

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tarpc::client::{self, RpcError};
use tarpc::context::{self, Context};
use tarpc::server::{BaseChannel, Channel as _};
use tokio::runtime::{Handle, Runtime};

use super::tokio::runtime;
use crate::contender::{Caller, Service};

#[tarpc::service]
trait Work {
    async fn work(n: u64) -> u64;
}

#[derive(Clone)]
struct Server(fn(u64) -> u64);

impl Work for Server {
    async fn work(self, _: Context, n: u64) -> u64 {
        (self.0)(n)
    }
}

pub(crate) struct Tarpc {
    runtime: Runtime,
    client: WorkClient,
}

pub(crate) struct TarpcCaller {
    runtime: Handle,
    client: WorkClient,
    in_flight: FuturesOrdered<BoxFuture<'static, Result<u64, RpcError>>>,
}

impl Service<u64, u64> for Tarpc {
    type Caller = TarpcCaller;

    fn start(workers: usize, function: fn(u64) -> u64) -> anyhow::Result<Self> {
        let runtime = runtime(workers)?;
        let (ours, theirs) = tarpc::transport::channel::unbounded();
        let entered = runtime.enter();
        let requests = BaseChannel::with_defaults(theirs).execute(Server(function).serve());
        runtime.spawn(requests.for_each(|request| async move {
            tokio::spawn(request);
        }));
        let client = WorkClient::new(client::Config::default(), ours).spawn();
        drop(entered);
        Ok(Self { runtime, client })
    }

    fn caller(&self) -> anyhow::Result<TarpcCaller> {
        let (runtime, client) = (self.runtime.handle().clone(), self.client.clone());
        Ok(TarpcCaller { runtime, client, in_flight: FuturesOrdered::new() })
    }

    fn stop(self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Caller<u64, u64> for TarpcCaller {
    type Pending = ();

    fn call(&mut self, argument: u64) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(self.client.work(context::current(), argument))?)
    }

    /// It begins with the next wait, which polls all that are new.
    fn submit(&mut self, argument: u64) -> anyhow::Result<()> {
        let client = self.client.clone();
        self.in_flight.push_back(Box::pin(async move { client.work(context::current(), argument).await }));
        Ok(())
    }

    fn wait(&mut self, (): ()) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(self.in_flight.next()).context("a call is in flight")??)
    }
}
