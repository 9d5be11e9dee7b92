//! ractor: as many actors as workers, called in turn.
//!
//! A message brings the port for its reply, as in <https://docs.rs/ractor/0.16/ractor/rpc/index.html>. `call` makes that
//! port of a oneshot channel and awaits it; done by hand, a synchronous caller can wait for it without a runtime:
//! <https://docs.rs/ractor/0.16/ractor/port/struct.RpcReplyPort.html>.

use anyhow::{Context as _, anyhow};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::tokio::runtime;
use crate::contender::{Caller, Service};

struct Worker(fn(u64) -> u64);

/// What an actor is called with.
struct Ask(u64, RpcReplyPort<u64>);

impl Actor for Worker {
    type Msg = Ask;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Ask>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Ask>,
        Ask(n, reply): Ask,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(reply.send((self.0)(n))?)
    }
}

pub(crate) struct Ractor {
    runtime: Runtime,
    actors: Vec<ActorRef<Ask>>,
    ends: Vec<JoinHandle<()>>,
}

pub(crate) struct RactorCaller {
    actors: Vec<ActorRef<Ask>>,
    turn: usize,
}

impl Service<u64, u64> for Ractor {
    type Caller = RactorCaller;

    fn start(workers: usize, function: fn(u64) -> u64) -> anyhow::Result<Self> {
        let runtime = runtime(workers)?;
        let (mut actors, mut ends) = (vec![], vec![]);
        for _ in 0..workers {
            let (actor, end) = runtime.block_on(Actor::spawn(None, Worker(function), ()))?;
            actors.push(actor);
            ends.push(end);
        }
        Ok(Self { runtime, actors, ends })
    }

    fn caller(&self) -> anyhow::Result<RactorCaller> {
        Ok(RactorCaller { actors: self.actors.clone(), turn: 0 })
    }

    fn stop(self) -> anyhow::Result<()> {
        for (actor, end) in self.actors.into_iter().zip(self.ends) {
            actor.stop(None);
            self.runtime.block_on(end)?;
        }
        Ok(())
    }
}

impl Caller<u64, u64> for RactorCaller {
    type Pending = oneshot::Receiver<u64>;

    fn submit(&mut self, argument: u64) -> anyhow::Result<Self::Pending> {
        self.turn = (self.turn + 1) % self.actors.len();
        let actor = self.actors.get(self.turn).context("there is an actor")?;
        let (reply, answer) = oneshot::channel();
        actor.cast(Ask(argument, reply.into())).map_err(|_| anyhow!("the actor is gone"))?;
        Ok(answer)
    }

    fn wait(&mut self, pending: Self::Pending) -> anyhow::Result<u64> {
        Ok(pending.blocking_recv()?)
    }
}
