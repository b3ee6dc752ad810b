//! Location of client IPs, from a file in the `MaxMind` format. Without the file no location is
//! shown: authd never guesses one.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{Reader, geoip2};

use crate::error::{Error, Result};

/// Location of an IP address, as far as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoLocation {
    /// Two-letter country code (ISO 3166-1).
    pub country: Option<String>,
    /// The city's name in English.
    pub city: Option<String>,
}

/// The location file, if one is configured. Cheap to clone.
#[derive(Clone, Default)]
pub struct Places(Option<Arc<Reader<Vec<u8>>>>);

impl Places {
    /// Reads the file.
    pub fn open(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(Self::default()) };
        match Reader::open_readfile(path) {
            Ok(reader) => Ok(Self(Some(Arc::new(reader)))),
            Err(cause) => Err(Error::refused(format!(
                "location.file {} cannot be read: {cause}",
                path.display()
            ))),
        }
    }

    /// Location of this address, or `None` if the file does not have it.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<GeoLocation> {
        let found = self.0.as_ref()?.lookup(address.to_canonical()).ok()?;
        let city: geoip2::City<'_> = found.decode().ok()??;
        let place = GeoLocation {
            country: city.country.iso_code.map(str::to_owned),
            city: city.city.names.english.map(str::to_owned),
        };
        (place.country.is_some() || place.city.is_some()).then_some(place)
    }
}
