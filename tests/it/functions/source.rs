//! `function!`: what it reads from the source.

use wpc::{ConstantError, Context, Function, Hash, HashOf, Requirement, function};

use crate::support::{Watchdog, pool};

fn info(function: Function) -> wpc::FunctionInfo {
    let wpc = pool();
    wpc.define_function("f", function).expect("the name is right");
    wpc.functions().remove(0)
}

#[test]
fn its_hash_is_that_of_its_tokens_joined_by_one_blank() {
    let _watchdog = Watchdog::start();
    let told = info(function!(|a: u64, b: u64| a + b));
    assert_eq!(told.hash_of, HashOf::Source);
    assert_eq!(told.function_hash_sha1, Hash::of_source("| a : u64 , b : u64 | a + b"));
}

#[test]
fn its_signature_names_parameters_where_they_have_names() {
    let _watchdog = Watchdog::start();
    assert_eq!(info(function!(|| 1_u8)).signature, "() -> u8");
    assert_eq!(info(function!(|_: &Context, path: String| path)).signature, "(path: String) -> String");
    let pair = function!(|(x, y): (u8, u8), mut rest: Vec<u8>| {
        rest.extend([x, y]);
        rest
    });
    assert_eq!(info(pair).signature, "(_: (u8, u8), rest: Vec<u8>) -> Vec<u8>");
    let nested = function!(|map: std::collections::BTreeMap<String, (u8, u8)>| map.len());
    assert_eq!(info(nested).signature, "(map: BTreeMap<String, (u8, u8)>) -> usize");
}

/// Has a method of the context's name, and is none.
struct Other(usize);

impl Other {
    fn constant(&self, name: &str) -> usize {
        self.0 + name.len()
    }
}

#[test]
fn its_requirements_are_the_literal_names_that_it_asks_its_context_for() {
    let _watchdog = Watchdog::start();
    let two = function!(|context: &wpc::Context, of: String| -> Result<String, ConstantError> {
        let first = context.constant::<String>("FIRST")?;
        let again = context.constant::<String>("FIRST")?;
        let computed = context.constant::<String>(&of)?;
        let typed: std::sync::Arc<Vec<Option<u8>>> = context.constant("SECOND")?;
        Ok(format!("{first}{again}{computed}{typed:?}"))
    });
    assert_eq!(info(two).requires, [Requirement::constant("FIRST"), Requirement::constant("SECOND")]);

    let other = function!(|_ctx: &Context| Other(1).constant("NO_CONTEXT_OF_MINE"));
    assert_eq!(info(other).requires, []);
}

#[test]
fn a_label_beside_it_is_told_and_is_no_part_of_the_hash() {
    let _watchdog = Watchdog::start();
    let plain = info(function!(|a: u64| a));
    let labelled = info(function!(|a: u64| a).label("2"));
    assert_eq!(labelled.label.as_deref(), Some("2"));
    assert_eq!(labelled.function_hash_sha1, plain.function_hash_sha1);
}

#[test]
fn a_text_given_as_source_takes_the_place_of_its_tokens() {
    let _watchdog = Watchdog::start();
    let told = info(function!(|a: u64| a).source(" the text\r\n"));
    assert_eq!(told.hash_of, HashOf::Source);
    assert_eq!(told.function_hash_sha1, Hash::of_source("the text"));
    assert_eq!(told.signature, "(a: u64) -> u64");
}

#[test]
fn a_path_to_a_function_says_nothing_of_its_code_and_so_is_no_source() {
    fn add(a: u64, b: u64) -> u64 {
        a + b
    }
    let _watchdog = Watchdog::start();
    let told = info(function!(add));
    assert_eq!(told.hash_of, HashOf::Signature);
    assert_eq!(told.function_hash_sha1, info(Function::new(add)).function_hash_sha1);
}
