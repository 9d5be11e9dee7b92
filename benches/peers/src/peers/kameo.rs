//! kameo: as many actors as workers, asked in turn.
//!
//! A synchronous caller asks with `blocking_send`; several are in flight with `try_enqueue`, each awaited later:
//! <https://docs.rs/kameo/0.22/kameo/request/struct.AskRequest.html>. The actors are spawned as in
//! <https://docs.rs/kameo/0.22/kameo/#basic-example>.

use anyhow::Context as _;
use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};
use kameo::request::PendingReply;
use tokio::runtime::{Handle, Runtime};

use super::tokio::runtime;
use crate::contender::{Caller, Service};

/// Messages that an actor's mailbox takes.
const MAILBOX: usize = 1_024;

#[derive(Actor)]
struct Worker(fn(u64) -> u64);

/// What an actor is asked.
pub(crate) struct Ask(u64);

impl Message<Ask> for Worker {
    type Reply = u64;

    async fn handle(&mut self, Ask(n): Ask, _: &mut Context<Self, u64>) -> u64 {
        (self.0)(n)
    }
}

pub(crate) struct Kameo {
    runtime: Runtime,
    actors: Vec<ActorRef<Worker>>,
}

pub(crate) struct KameoCaller {
    runtime: Handle,
    actors: Vec<ActorRef<Worker>>,
    turn: usize,
}

impl Service<u64, u64> for Kameo {
    type Caller = KameoCaller;

    fn start(workers: usize, function: fn(u64) -> u64) -> anyhow::Result<Self> {
        let runtime = runtime(workers)?;
        let spawn = |_| Worker::spawn_with_mailbox(Worker(function), mailbox::bounded(MAILBOX));
        let entered = runtime.enter();
        let actors: Vec<_> = (0..workers).map(spawn).collect();
        drop(entered);
        for actor in &actors {
            runtime.block_on(actor.wait_for_startup());
        }
        Ok(Self { runtime, actors })
    }

    fn caller(&self) -> anyhow::Result<KameoCaller> {
        Ok(KameoCaller { runtime: self.runtime.handle().clone(), actors: self.actors.clone(), turn: 0 })
    }

    fn stop(self) -> anyhow::Result<()> {
        for actor in &self.actors {
            self.runtime.block_on(actor.stop_gracefully())?;
            self.runtime.block_on(actor.wait_for_shutdown());
        }
        Ok(())
    }
}

impl KameoCaller {
    fn next(&mut self) -> anyhow::Result<&ActorRef<Worker>> {
        self.turn = (self.turn + 1) % self.actors.len();
        self.actors.get(self.turn).context("there is an actor")
    }
}

impl Caller<u64, u64> for KameoCaller {
    type Pending = PendingReply<Ask, u64>;

    fn call(&mut self, argument: u64) -> anyhow::Result<u64> {
        Ok(self.next()?.ask(Ask(argument)).blocking_send()?)
    }

    fn submit(&mut self, argument: u64) -> anyhow::Result<Self::Pending> {
        Ok(self.next()?.ask(Ask(argument)).try_enqueue()?)
    }

    fn wait(&mut self, pending: Self::Pending) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(pending)?)
    }
}
