//! The APIs of existing backends. Their shapes are fixed by their documents.

pub mod authbackend;
mod envelope;
pub mod jobpath;
pub mod jobpsych;
pub mod siteworks;
