//! Instances that nobody needs any more. Nothing can ask a copy that no alias leads to, so these tests run again in a
//! process of their own, with a plugin that panics when an instance is freed: its words come on that process's error
//! output, from where they are counted.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use wpc::Wpc;

use crate::support::{Built, Scratch, Watchdog, plugin, pool};

/// Set for the process that a test runs again in.
const AGAIN: &str = "WPC_FREED_AGAIN";

/// How long the other process may say nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the plugin says for each instance that is freed.
const FREED: &str = "asked to panic while a state is freed";

/// A pool of three workers.
fn idle() -> Wpc {
    let wpc = pool();
    wpc.start_workers(3).expect("they start");
    wpc
}

/// Runs `what` in a process of its own, which then lives on without doing anything, until so many instances are freed.
fn frees(test: &str, count: usize, what: impl FnOnce(&Scratch) -> Wpc) {
    let _watchdog = Watchdog::start();
    if std::env::var_os(AGAIN).is_some() {
        let scratch = Scratch::new();
        let wpc = what(&scratch);
        drop(scratch);
        // Until the other process has counted enough, and closes this one's input.
        let _ = std::io::stdin().read_line(&mut String::new()); // an end of it is all that comes
        drop(wpc);
        return;
    }
    let test = format!("{}::{test}", module_path!().split_once("::").expect("it is in a crate").1);
    let mut again = again(&test);
    let words = BufReader::new(again.stderr.take().expect("it is piped"));
    let (sender, lines) = channel();
    std::thread::spawn(move || words.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut freed = 0;
    while freed < count {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => freed += usize::from(line.contains(FREED)),
            Err(_) => break,
        }
    }
    again.stdin.take(); // closed, the other process ends
    let status = again.wait().expect("it is this process's child");
    assert_eq!(freed, count, "as long as the pool was idle");
    assert!(status.success());
    let later = lines.iter().filter(|line| line.contains(FREED)).count();
    assert_eq!(later, 0, "none is freed twice");
}

fn again(test: &str) -> Child {
    let program = std::env::current_exe().expect("a test has a path");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]).env(AGAIN, "1").env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("this program can be run again")
}

#[test]
fn those_of_a_dependency_that_was_removed() {
    frees("those_of_a_dependency_that_was_removed", 3, |scratch| {
        let wpc = idle();
        let panics = Built::misbehaving("panic-free", "x").write(scratch, "x.so");
        wpc.define_dependency("bad", panics).expect("it is a plugin");
        assert!(wpc.undefine_dependency("bad").expect("a good alias"));
        wpc
    });
}

#[test]
fn those_of_a_version_that_was_superseded() {
    frees("those_of_a_version_that_was_superseded", 3, |scratch| {
        let wpc = idle();
        let panics = Built::misbehaving("panic-free", "x").write(scratch, "x.so");
        wpc.define_dependency("bad", panics).expect("it is a plugin");
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        wpc
    });
}
