//! Threads of loom, parked and joined by its locks: its own `unpark` also wakes a thread that waits for something else.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::loom::sync::{Condvar, Mutex};
use ::loom::thread::ThreadId;

/// The stack of a thread, in words.
const STACK_WORDS: usize = 1 << 13;

/// What a thread waits for that parks: kept until it does.
#[derive(Debug)]
struct Token {
    is_there: Mutex<bool>,
    came: Condvar,
}

impl Token {
    fn new() -> Arc<Self> {
        Arc::new(Self { is_there: Mutex::new(false), came: Condvar::new() })
    }

    fn give(&self) {
        *self.is_there.lock().expect("no model goes on after a panic") = true;
        self.came.notify_one();
    }

    fn take(&self) {
        let mut is_there = self.is_there.lock().expect("no model goes on after a panic");
        while !*is_there {
            is_there = self.came.wait(is_there).expect("no model goes on after a panic");
        }
        *is_there = false;
    }
}

::loom::thread_local! {
    static OWN: RefCell<Option<Arc<Token>>> = RefCell::new(None);
}

fn own() -> Arc<Token> {
    OWN.with(|own| Arc::clone(own.borrow_mut().get_or_insert_with(Token::new)))
}

/// A thread, as others know it.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    id: ThreadId,
    token: Arc<Token>,
}

impl Thread {
    pub(crate) fn id(&self) -> ThreadId {
        self.id
    }

    pub(crate) fn unpark(&self) {
        self.token.give();
    }
}

pub(crate) fn current() -> Thread {
    Thread { id: ::loom::thread::current().id(), token: own() }
}

/// Parks the calling thread until it is unparked. No time passes in a model: what a time-out does another thread of it does.
pub(crate) fn park(_: Option<Duration>) {
    own().take();
}

/// What a thread leaves behind.
struct Left<T> {
    value: Mutex<Option<T>>,
    came: Condvar,
}

/// A thread that can be waited for.
pub(crate) struct JoinHandle<T> {
    left: Arc<Left<T>>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    pub(crate) fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Waits for the thread's end. One that panics ends the whole model.
    pub(crate) fn join(self) -> std::thread::Result<T> {
        let mut value = self.left.value.lock().expect("no model goes on after a panic");
        loop {
            match value.take() {
                Some(value) => return Ok(value),
                None => value = self.left.came.wait(value).expect("no model goes on after a panic"),
            }
        }
    }
}

/// Starts a thread of that name.
pub(crate) fn spawn<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let left = Arc::new(Left { value: Mutex::new(None), came: Condvar::new() });
    let (token, theirs) = (Token::new(), Arc::clone(&left));
    let their_token = Arc::clone(&token);
    let builder = ::loom::thread::Builder::new().name(name).stack_size(STACK_WORDS);
    let handle = builder.spawn(move || {
        OWN.with(|own| *own.borrow_mut() = Some(their_token));
        let value = work();
        *theirs.value.lock().expect("no model goes on after a panic") = Some(value);
        theirs.came.notify_one();
    })?;
    let thread = Thread { id: handle.thread().id(), token };
    Ok(JoinHandle { left, thread })
}
