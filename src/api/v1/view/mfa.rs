//! Conversion of second factors to v1's responses.

use super::super::types::{FactorType, MfaDevice, MfaOverview, MfaSetup};
use super::time;
use crate::identity::factor::{Overview, Started};
use crate::model::{Factor, FactorKind, Secret};

impl From<FactorKind> for FactorType {
    fn from(kind: FactorKind) -> Self {
        match kind {
            FactorKind::Totp => Self::Totp,
            FactorKind::Email => Self::Email,
            FactorKind::Sms => Self::Sms,
        }
    }
}

impl From<FactorType> for FactorKind {
    fn from(kind: FactorType) -> Self {
        match kind {
            FactorType::Totp => Self::Totp,
            FactorType::Email => Self::Email,
            FactorType::Sms => Self::Sms,
        }
    }
}

/// The only response that reveals a factor's secrets.
pub(in super::super) fn set_up(started: Started) -> MfaSetup {
    let text = |secret: &Secret| secret.reveal().to_owned();
    let shown = started.authenticator.as_ref();
    MfaSetup {
        device_id: started.factor.id,
        kind: started.factor.kind.into(),
        secret: shown.map(|a| text(&a.secret)),
        otpauth_uri: shown.map(|a| text(&a.uri)),
        qr_code: shown.map(|a| text(&a.qr_code)),
        backup_codes: codes(&started.backup_codes),
    }
}

pub(in super::super) fn codes(codes: &[Secret]) -> Vec<String> {
    codes.iter().map(|code| code.reveal().to_owned()).collect()
}

pub(in super::super) fn device(factor: Factor) -> MfaDevice {
    MfaDevice {
        id: factor.id,
        kind: factor.kind.into(),
        device_name: factor.name,
        phone: factor.target.map(|number| ending(&number)),
        confirmed: factor.confirmed_at.is_some(),
        created_at: factor.created_at.to_seconds_text(),
        last_used: time(factor.last_used_at),
    }
}

/// The last four characters of a number, as `…4567`.
fn ending(number: &str) -> String {
    let skipped = number.chars().count().saturating_sub(4);
    format!("…{}", number.chars().skip(skipped).collect::<String>())
}

pub(in super::super) fn overview(all: Overview) -> MfaOverview {
    MfaOverview {
        enabled: all.is_due,
        devices: all.factors.into_iter().map(device).collect(),
        backup_codes_left: all.backup_codes,
    }
}
