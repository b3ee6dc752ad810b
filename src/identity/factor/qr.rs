//! Renders a text as a QR code in a PNG.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qrcode::{Color, EcLevel, QrCode};

use crate::error::{Error, Result};
use crate::model::Secret;

/// Pixels per module.
const SCALE: usize = 6;
/// Width of the white margin in modules (ISO/IEC 18004 requires four).
const MARGIN: usize = 4;

/// Renders the text as a QR code in a data URL.
pub fn data_url(text: &Secret) -> Result<Secret> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::internal("failed to draw a QR code").caused_by(error)
    };
    let code = QrCode::with_error_correction_level(text.reveal(), EcLevel::M)
        .map_err(|e| failed(e.into()))?;
    let side = (code.width() + 2 * MARGIN) * SCALE;
    let row = side.div_ceil(8);
    let mut pixels = vec![0xff_u8; row * side];
    for y in 0..side {
        for x in 0..side {
            if is_dark(&code, x / SCALE, y / SCALE) {
                pixels[y * row + x / 8] &= !(0x80 >> (x % 8));
            }
        }
    }
    let mut file = Vec::new();
    let length = u32::try_from(side).map_err(|e| failed(e.into()))?;
    let mut encoder = png::Encoder::new(&mut file, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|e| failed(e.into()))?;
    writer.write_image_data(&pixels).map_err(|e| failed(e.into()))?;
    writer.finish().map_err(|e| failed(e.into()))?;
    Ok(Secret::new(format!("data:image/png;base64,{}", STANDARD.encode(file))))
}

fn is_dark(code: &QrCode, x: usize, y: usize) -> bool {
    let inside = MARGIN..MARGIN + code.width();
    inside.contains(&x) && inside.contains(&y) && code[(x - MARGIN, y - MARGIN)] == Color::Dark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_a_png_that_decodes_to_its_modules() {
        let url = data_url(&Secret::new("otpauth://totp/a:b?secret=AAAA")).unwrap();
        let file =
            STANDARD.decode(url.reveal().strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, info.height);
        let at = |x: usize, y: usize| pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) != 0;
        assert!(at(0, 0), "the margin is white");
        assert!(!at(MARGIN * SCALE, MARGIN * SCALE), "the finder pattern begins dark");
    }
}
