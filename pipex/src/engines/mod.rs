//! Engines that exist, behind cargo features.

#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "prefect-server")]
mod prefect;
