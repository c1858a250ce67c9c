"""Headless Chromium for looking at pages: fresh profile, no network of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from converter.errors import InputError

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextmanager
def open_chromium(
    width: int, height: int, *, dark: bool = False, still: bool = False
) -> Iterator[Chrome]:
    """Open a window of `width` by `height` CSS pixels.

    Args:
        width: Of the page, also below the 500 pixels that windows have at least.
        height: Of the page.
        dark: Ask pages for their dark colours.
        still: Ask pages for less motion.

    Raises:
        InputError: There is no Chromium; `scripts/setup_chromium.sh` installs it.
    """
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        raise InputError(
            "chromium and chromedriver are not installed: run scripts/setup_chromium.sh"
        )
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={profile}/profile"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        page = Chrome(options=options, service=ChromeService(driver))
        try:
            page.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            features = {
                "prefers-color-scheme": "dark" if dark else "light",
                "prefers-reduced-motion": "reduce" if still else "no-preference",
            }
            page.execute_cdp_cmd(
                "Emulation.setEmulatedMedia",
                {"features": [{"name": n, "value": v} for n, v in features.items()]},
            )
            yield page
        finally:
            page.quit()
