//! Dependencies: plugins and C libraries under an alias.

mod copies;
mod defined;
mod failing;
mod file;
mod foreign;
mod freed;
mod instances;
mod refused;
mod system;
mod turns;
