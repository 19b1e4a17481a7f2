//! What a web app prints, made up.

/// A line as a web app prints it: nearly all are about requests, one of a thousand warns, one of ten thousand fails.
pub fn line(number: u64) -> String {
    let noise = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let (level, event) = match number {
        n if n % 10_000 == 9_999 => ("error", "payment refused"),
        n if n % 1_000 == 999 => ("warning", "slow answer"),
        _ => ("info", "request finished"),
    };
    let (customer, took) = (noise % 50_000, noise >> 20 & 0x3ff);
    format!(
        r#"{{"event": "{event}", "level": "{level}", "logger": "shop.web", "timestamp": "2026-11-23T10:{:02}:{:02}.{:06}Z", "request": "{noise:016x}", "path": "/orders/{customer}", "status": {}, "took": {took}}}"#,
        number / 60_000_000 % 60,
        number / 1_000_000 % 60,
        number % 1_000_000,
        if level == "error" { 500 } else { 200 },
    )
}
