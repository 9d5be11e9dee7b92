//! A plugin as a host meets it: through its descriptor and C functions alone.

mod answers;
#[expect(unsafe_code, reason = "it calls the C functions")]
mod host;
mod layout;
mod outcomes;
mod states;
#[expect(unsafe_code, reason = "it reads the symbol that it exports")]
mod symbol;
