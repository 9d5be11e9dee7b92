//! What can be said with the kit: panics, failures, over-size results, and the counts of this loaded copy.

use std::panic::panic_any;

use wpc_plugin::PluginError;
use wpc_plugin::abi::FunctionEntry;

use crate::instance::{Instance, release, states};
use crate::patch;

/// The functions that are made with the kit.
pub(crate) const FUNCTIONS: &[FunctionEntry] = wpc_plugin::__functions!(Instance {
    fn echo(text: String) -> String = |text| text;
    fn panic_text(message: String) = |message| panic!("{message}");
    fn panic_payload() = || panic_any(Payload);
    fn panic_bomb() = || panic_any(Bomb);
    fn fail(name: String, message: String, code: String) -> Result<(), PluginError>;
    fn large(bytes: usize) -> String = |bytes| "x".repeat(bytes);

    fn label() -> String = patch::label;
    fn bump(instance: &mut Instance) -> u64 = Instance::bump;
    fn worker_thread(instance: &mut Instance) -> String = |instance| format!("{:?}", instance.made_on());
    fn on_own_thread(instance: &mut Instance) -> bool = |instance| instance.is_on_its_thread();

    fn inits() -> u64 = || states().inits;
    fn frees() -> u64 = || states().frees;
    fn frees_elsewhere() -> u64 = || states().frees_elsewhere;
    fn live() -> u64 = || states().live();
    fn held() -> u64 = || states().held;

    fn fail_next_inits(number: u64) = |number| states().fail_next = number;
    fn panic_next_inits(number: u64) = |number| states().panic_next = number;
    fn hold_next_init() = || states().hold_next = 1;
    fn release_init() = release;
});

/// A payload of a panic that is no text.
struct Payload;

/// A payload that panics when it is dropped, with another of its kind.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Self);
    }
}

fn fail(name: String, message: String, code: String) -> Result<(), PluginError> {
    let error =
        PluginError::new(name, message).with_code(code).with_detail("limit", 3).with_detail("unit", "pages");
    Err(error.with_cause("the drawer is full").with_cause("nobody empties it"))
}
