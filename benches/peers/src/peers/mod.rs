//! The peers, a file each, in the form that their own documentation shows, and what several of them share.

mod closures;
mod request_reply;

pub(crate) mod channels;
pub(crate) mod flume;
pub(crate) mod kameo;
pub(crate) mod kanal;
pub(crate) mod ractor;
pub(crate) mod rayon;
pub(crate) mod rusty_pool;
pub(crate) mod tarpc;
pub(crate) mod threadpool;
pub(crate) mod threads;
pub(crate) mod tokio;
