//! The names of authenticators by their AAGUID: a name that the owner recognises in a list of
//! passkeys. The authenticator chooses what it says, so a name proves nothing.

/// What an authenticator is called that the list does not have.
pub const UNKNOWN: &str = "Passkey";

/// The name of the authenticator with this AAGUID.
#[must_use]
pub fn name(aaguid: &[u8; 16]) -> &'static str {
    let number = u128::from_be_bytes(*aaguid);
    NAMES.iter().find(|(known, _)| *known == number).map_or(UNKNOWN, |(_, name)| name)
}

/// As the makers publish them, and as the community's list of passkey providers has them.
const NAMES: &[(u128, &str)] = &[
    (0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd, "Apple Passwords"),
    (0xdd4ec289_e01d_41c9_bb89_70fa845d4bf2, "iCloud Keychain (managed)"),
    (0xea9b8d66_4d01_1d21_3ce4_b6b48cb575d4, "Google Password Manager"),
    (0xadce0002_35bc_c60a_648b_0b25f1f05503, "Chrome on Mac"),
    (0xb5397666_4885_aa6b_cebf_e52262a439a2, "Chromium"),
    (0x771b48fd_d3d4_4f74_9232_fc157ab0507a, "Edge on Mac"),
    (0x08987058_cadc_4b81_b6e1_30de50dcbe96, "Windows Hello"),
    (0x9ddd1817_af5a_4672_a2b9_3e3dd95000a9, "Windows Hello"),
    (0x6028b017_b1d4_4c02_b4b3_afcdafc96bb2, "Windows Hello"),
    (0xd3452668_01fd_4c12_926c_83a4204853aa, "Microsoft Password Manager"),
    (0x53414d53_554e_4700_0000_000000000000, "Samsung Pass"),
    (0xbada5566_a7aa_401f_bd96_45619a55120d, "1Password"),
    (0xd548826e_79b4_db40_a3d8_11116f7e8349, "Bitwarden"),
    (0x531126d6_e717_415c_9320_3d9aa6981239, "Dashlane"),
    (0xb84e4048_15dc_4dd0_8640_f4f60813c8af, "NordPass"),
    (0x0ea242b4_43c4_4a1b_8b17_dd6d0b6baec6, "Keeper"),
    (0xf3809540_7f14_49c1_a8b3_8f813b225541, "Enpass"),
    (0x50726f74_6f6e_5061_7373_50726f746f6e, "Proton Pass"),
    (0xfdb141b2_5d84_443e_8a35_4698c205a502, "KeePassXC"),
    (0xb78a0a55_6ef8_d246_a042_ba0f6d55050c, "LastPass"),
    (0x891494da_2c90_4d31_a9cd_4eab0aed1309, "Sésame"),
    (0xbfc748bb_3429_4faa_b9f9_7cfa9f3b76d0, "iPasswords"),
    (0xb35a26b2_8f6e_4697_ab1d_d44db4da28c6, "Zoho Vault"),
    (0x39a5647e_1853_446c_a1f6_a79bae9f5bc7, "IDmelon"),
    (0xcc45f64e_52a2_451b_831a_4edd8022a202, "ToothPic Passkey Provider"),
    (0x66a0ccb3_bd6a_191f_ee06_e375c50b9846, "Thales Bio iOS SDK"),
    (0x8836336a_f590_0921_301d_46427531eee6, "Thales Bio Android SDK"),
    (0xcd69adb5_3c7a_deb9_3177_6800ea6cb72a, "Thales PIN Android SDK"),
    (0x17290f1e_c212_34d0_1423_365d729f09d9, "Thales PIN iOS SDK"),
    (0x4d41190c_7beb_4a84_8018_adf265a6352d, "Thales IDPrime FIDO Bio"),
    (0xfcb1bcb4_f370_078c_6993_bc24d0ae3fbe, "Ledger Nano X"),
    (0x2fc0579f_8113_47ea_b116_bb5a8db9202a, "YubiKey 5 with NFC"),
    (0xfa2b99dc_9e39_4257_8f92_4a30d23c4118, "YubiKey 5 with NFC"),
    (0xa25342c0_3cdc_4414_8e46_f4807fca511c, "YubiKey 5 with NFC"),
    (0xee882879_721c_4913_9775_3dfcce97072a, "YubiKey 5"),
    (0xcb69481e_8ff7_4039_93ec_0a2729a154a8, "YubiKey 5"),
    (0x19083c3d_8383_4b18_bc03_8f1c9ab2fd1b, "YubiKey 5"),
    (0xc5ef55ff_ad9a_4b9f_b580_adebafe026d0, "YubiKey 5Ci"),
    (0xc1f9a0bc_1dd2_404a_b27f_8e29047a43fd, "YubiKey 5 FIPS with NFC"),
    (0x73bb0cd4_e502_49b8_9c6f_b59445bf720b, "YubiKey 5 FIPS"),
    (0x85203421_48f9_4355_9bc8_8a53846e5083, "YubiKey 5Ci FIPS"),
    (0xd8522d9f_575b_4866_88a9_ba99fa02f35b, "YubiKey Bio"),
    (0xf8a011f3_8c0a_4d15_8006_17111f9edc7d, "Security Key by Yubico"),
    (0xb92c3f9a_c014_4056_887f_140a2501163b, "Security Key by Yubico"),
    (0x6d44ba9b_f6ec_2e49_b930_0c8fe920cb73, "Security Key NFC by Yubico"),
    (0x149a2021_8ef6_4133_96b8_81f8d5b7f1f5, "Security Key NFC by Yubico"),
    (0xa4e9fc6d_4cbe_4758_b8ba_37598bb5bbaa, "Security Key NFC by Yubico"),
    (0x0bb43545_fd2c_4185_87dd_feb0b2916ace, "Security Key NFC by Yubico"),
    (0x42b4fb4a_2866_43b2_9bf7_6c6669c2e5d3, "Google Titan Security Key"),
    (0x77010bd7_212a_4fc9_b236_d2ca5e9d4084, "Feitian BioPass FIDO2"),
    (0x12ded745_4bed_47d4_abaa_e713f51d6393, "Feitian AllinOne FIDO2"),
    (0x833b721a_ff5f_4d00_bb2e_bdda3ec01e29, "Feitian ePass FIDO2"),
    (0xee041bce_25e5_4cdb_8f86_897fd6418464, "Feitian ePass FIDO2-NFC"),
    (0x8876631b_d4a0_427f_5773_0ec71c9e0279, "Solo"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn known_authenticators_have_their_names_and_all_others_are_passkeys() {
        let apple = 0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd_u128.to_be_bytes();
        assert_eq!(name(&apple), "Apple Passwords");
        assert_eq!(name(&[0; 16]), UNKNOWN);
        let unique: BTreeSet<_> = NAMES.iter().map(|(aaguid, _)| aaguid).collect();
        assert_eq!(unique.len(), NAMES.len());
        // They stand in mails: no line breaks, no links.
        assert!(NAMES.iter().all(|(_, name)| name.len() <= 40 && !name.contains(['\n', '/', '@'])));
    }
}
