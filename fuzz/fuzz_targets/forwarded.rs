//! `X-Forwarded-For`, one header per input line: an untrusted peer's header is ignored, and entries
//! left of the first untrusted address change nothing.
#![no_main]

use std::net::IpAddr;

use authd::config::Network;
use authd::http::extract::client_ip::address;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(FORWARDED, value);
    }
    let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8::/32"].into_iter().filter_map(Network::parse).collect();
    assert_eq!(address(STRANGER, &headers, &trusted), STRANGER);
    let client = address(PROXY, &headers, &trusted);
    assert_eq!(client, client.to_canonical());
    let everybody: Vec<Network> = ["0.0.0.0/0", "::/0"].into_iter().filter_map(Network::parse).collect();
    let _ = address(PROXY, &headers, &everybody);
    headers.append(FORWARDED, HeaderValue::from_static("198.51.100.7, 10.1.1.1"));
    assert_eq!(address(PROXY, &headers, &trusted), STRANGER);
});
