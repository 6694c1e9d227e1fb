//! Engines that exist, behind cargo features.

#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "prefect-server")]
mod prefect;
