//! How the pages look: on a phone and on a desk, in light and in dark.

use crate::Site;
use e2e::Scheme;

const PAGES: [&str; 3] = ["/", "/about", "/nowhere"];
const SIZES: [(u32, u32); 3] = [(390, 844), (320, 568), (1280, 800)];

/// Notes that are hard to fit.
fn fill(site: &Site) {
    site.post("Lunch at noon, the usual place. Who comes along?", "Ada", "green");
    site.post(&"Donaudampfschifffahrt".repeat(10), &"W".repeat(40), "blue");
    site.post("Release on Friday:\\n- changelog\\n- tag\\n- announce", "Grace Hopper", "yellow");
    site.post("The coffee machine is back", "Linus", "pink");
}

#[test]
fn nothing_is_wider_than_the_screen() {
    let site = Site::start();
    fill(&site);
    for (width, height) in SIZES {
        site.browser.set_size(width, height);
        for page in PAGES {
            site.open(page);
            // A phone zooms out to show what is too wide, so the window would be wider than the device.
            let widths = site.browser.run(
                "const width = document.documentElement.scrollWidth; \
                 return [window.innerWidth, width - document.body.clientWidth]",
            );
            assert_eq!((&widths[0], &widths[1]), (&width.into(), &0.into()), "{page} at {width}");
            site.keep(&format!("{width}{}", page.replace('/', "-")));
        }
    }
}

#[test]
fn fields_and_buttons_are_large_enough_for_a_finger() {
    let site = Site::start();
    fill(&site);
    site.browser.set_size(390, 844);
    site.open("/");
    let small = site.browser.run(
        "return [...document.querySelectorAll('button, textarea, .color, input[type=text]')]\
         .filter(element => element.getBoundingClientRect().height < 44).map(String)",
    );
    assert_eq!(small.as_array().map(Vec::len), Some(0), "{small}");
}

#[test]
fn dark_is_dark_and_light_is_light() {
    let site = Site::start();
    fill(&site);
    for (scheme, is_dark) in [(Scheme::Light, false), (Scheme::Dark, true)] {
        site.browser.set_scheme(scheme);
        for page in PAGES {
            site.open(page);
            let paper = brightness(&site, "getComputedStyle(document.body).backgroundColor");
            let ink = brightness(&site, "getComputedStyle(document.body).color");
            assert_eq!(paper < 64, is_dark, "{page}: paper {paper}");
            assert_eq!(ink > 192, is_dark, "{page}: ink {ink}");
            site.keep(&format!("{scheme:?}{}", page.replace('/', "-")));
        }
    }
}

/// The mean of red, green and blue.
fn brightness(site: &Site, color: &str) -> u64 {
    let script = format!("return {color}.match(/\\d+/g).slice(0, 3).map(Number)");
    let parts = site.browser.run(&script);
    (0..3).map(|index| parts[index].as_u64().unwrap()).sum::<u64>() / 3
}
